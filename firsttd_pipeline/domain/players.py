"""From what a person typed to a player: normalised names, the special picks, and one match or a refusal.

Exact and normalised names only; closeness ranks the candidates of a refusal and never decides. Names are looked up in
the roster rows given, without looking at who scored (grading.md, point 17).
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from firsttd_pipeline.domain.teams import UnknownTeam, canonical, teams_from_text

NO_TD: Final = "NO_TD"
DST_PREFIX: Final = "DST:"
MAX_CANDIDATES: Final = 5

Reason = Literal["unknown", "ambiguous"]
Method = Literal["id", "exact", "normalised", "suffix", "legal name", "team"]


@dataclass(frozen=True, slots=True)
class Match:
    """The player that a text means.

    Attributes:
        player_id: gsis_id.
        player_name: the roster's full name.
        team: the roster row's team.
        position: the roster's; None: unknown.
        method: how it was found: by `id`, `exact` name, `normalised` name, without its `suffix`, by his `legal name`;
            `team` where several fitted and only one was on the preferred team.
        kind: always `player`; special picks are `parse_special`'s.
        jersey_number: the roster's; None: unknown.
    """

    player_id: str
    player_name: str
    team: str
    position: str | None
    method: Method = "exact"
    kind: Literal["player"] = "player"
    jersey_number: int | None = None

    @property
    def label(self) -> str:
        """The player for people: `George Pickens (DAL WR #3, 00-0037247)`."""
        jersey = f" #{self.jersey_number}" if self.jersey_number is not None else ""
        return f"{self.player_name} ({self.team} {self.position or '?'}{jersey}, {self.player_id})"


@dataclass(frozen=True, slots=True)
class NoMatch:
    """No player, or no single one: `candidates` are those who fit (ambiguous) or the nearest names (unknown)."""

    text: str
    reason: Reason
    candidates: tuple[Match, ...] = ()

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= 40 else self.text[:40] + "…"
        names = "; ".join(candidate.label for candidate in self.candidates)
        if self.reason == "ambiguous":
            return f"{shown!r} can be {len(self.candidates)} players: {names}. Give the gsis_id of one of them."
        return f"no player is called {shown!r}" + (f"; near are {names}" if names else "")


# --- names ------------------------------------------------------------------------------------------------------------

# whom people pick: between names equally near, they come first
_PICKED: Final = frozenset({"QB", "RB", "FB", "WR", "TE"})
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_LETTERS: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
_APOSTROPHES: Final = re.compile(r"['’‘ʼʻ`´′.]")
_BREAKS: Final = re.compile(r"[\W_]+")


def _words(name: str) -> list[str]:
    plain = name.casefold()
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", name.strip())
        plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold().translate(_LETTERS)
        # a case fold can bring combining marks back (İ): once more, so that normalising twice changes nothing
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    words = _BREAKS.sub(" ", _APOSTROPHES.sub("", plain)).split()
    joined: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha() and word.isascii():
            run += word
            continue
        if run:
            joined.append(run)
            run = ""
        joined.append(word)
    return [*joined, run] if run else joined


@functools.lru_cache(maxsize=32_768)  # a season's rosters, once per game they are matched in
def normalise(name: str, *, keep_suffix: bool = False) -> str:
    """A name as a key: case, accents, punctuation and blanks do not count, nor do Jr, Sr and II-V at its end.

    Initials are one word with dots, blanks or without: `A.J. Brown`, `A J Brown` and `AJ Brown` are `aj brown`.
    Normalising twice changes nothing.
    """
    words = _words(name)
    if not keep_suffix:
        while len(words) > 2 and words[-1] in _SUFFIXES:
            words.pop()
    return " ".join(words)


# --- special picks ----------------------------------------------------------------------------------------------------

_NO_TD: Final = frozenset(
    {
        "no td",
        "notd",
        "no tds",
        "no touchdown",
        "no touchdowns",
        "no touchdown scorer",
        "no td scorer",
        "no scorer",
        "no first td",
        "no first touchdown",
        "no first td scorer",
        "no first touchdown scorer",
        "no touchdown in game",
        "no touchdown scored",
        "no touchdowns scored",
        "no td scored",
        "no tds scored",
        "no td in game",
        "no td at all",
        "no one scores",
        "no one scores a td",
        "nobody scores",
        "nobody scores a td",
    }
)
_DEFENSE: Final = re.compile(
    r"\b(?:d st|dst|d s t|def st|defense special teams|defence special teams|defense and special teams|"
    r"defense st|defensive td|defensive touchdown|special teams|defense|defence|def)\b"
)
_BARE_D: Final = re.compile(r"(.+) d")


def parse_special(text: str, teams: Iterable[str]) -> str | None:
    """`NO_TD` for a no-touchdown pick, `DST:SEA` for a team's defense or special teams, else None.

    `teams` are the codes of the game: they settle a city with two teams. A team that is not among them is given all
    the same (the caller refuses it); a defense without a team, or of a city that the game does not settle, is None.
    """
    stripped = text.strip()
    if stripped.upper() == NO_TD:
        return NO_TD
    if stripped.upper().startswith(DST_PREFIX):
        try:
            return DST_PREFIX + canonical(stripped[len(DST_PREFIX) :])
        except UnknownTeam:
            return None
    plain = " ".join(_BREAKS.sub(" ", unicodedata.normalize("NFKC", stripped).casefold()).split())
    if plain in _NO_TD:
        return NO_TD
    bare_d = _BARE_D.fullmatch(plain)
    if not _DEFENSE.search(plain) and not bare_d:
        return None
    name = bare_d[1] if bare_d else " ".join(_DEFENSE.sub(" ", plain).split())
    if not name:
        return None
    try:
        named = teams_from_text(name)
    except UnknownTeam:
        return None
    playing = set()
    for code in teams:
        try:
            playing.add(canonical(code))
        except UnknownTeam:
            continue
    here = [code for code in named if code in playing]
    if len(here) == 1:
        return DST_PREFIX + here[0]
    if not here and len(named) == 1 and not bare_d:  # "Dallas D" elsewhere may be a player's name and initial
        return DST_PREFIX + named[0]
    return None


# --- players ----------------------------------------------------------------------------------------------------------


class RosterIndex:
    """Roster rows, looked up by name. Build it once for a season: a match can be held to the teams of one game.

    Args:
        roster: player_id, player_name, team; used where they are there: first_name, last_name, football_name,
            position, jersey_number. One player may have several rows (teams); the first counts unless another row is
            on the preferred team.
    """

    def __init__(self, roster: pl.DataFrame) -> None:
        self._players: dict[str, list[Match]] = {}
        self._exact: dict[str, list[str]] = {}
        self._tiers: list[tuple[Method, dict[str, list[str]]]] = [
            ("normalised", {}),
            ("suffix", {}),
            ("legal name", {}),
        ]
        self._names_of_team: dict[str, list[str]] = {}
        for row in roster.iter_rows(named=True):
            self._add(row)

    def _add(self, row: dict[str, Any]) -> None:
        player_id, name = row["player_id"], row["player_name"]
        if not player_id or not name:
            return
        jersey = row.get("jersey_number")
        self._players.setdefault(player_id, []).append(
            Match(player_id, name, row["team"], row.get("position") or None, jersey_number=jersey)
        )
        last = row.get("last_name") or ""
        known_as = [name]
        if last and row.get("football_name"):
            known_as.append(f"{row['football_name']} {last}")
        _put(self._exact, _fold(name), player_id)
        for used in known_as:
            _put(self._tiers[0][1], normalise(used, keep_suffix=True), player_id)
            _put(self._tiers[1][1], normalise(used), player_id)
            _put(self._names_of_team, row["team"], normalise(used))
        if last and row.get("first_name"):
            _put(self._tiers[2][1], normalise(f"{row['first_name']} {last}"), player_id)

    def match(
        self, text: str, preferred_team: str | None = None, *, teams: Collection[str] | None = None
    ) -> Match | NoMatch:
        """The one player that the text means; see `match_player`. With `teams`, only rows of those teams are there."""
        typed = text.strip()
        if self._rows(typed, teams):
            return self._row(typed, preferred_team, "id", teams)
        found, method = self._find(typed, teams)
        if len(found) == 1:
            return self._row(found[0], preferred_team, method, teams)
        if found:
            rows = [self._row(player_id, preferred_team, method, teams) for player_id in found]
            own = [row for row in rows if preferred_team and row.team == preferred_team]
            if len(own) == 1:
                return self._row(own[0].player_id, preferred_team, "team", teams)
            return NoMatch(text, "ambiguous", tuple(sorted(rows, key=_order)))
        return NoMatch(text, "unknown", self.nearest(typed, teams=teams))

    def _rows(self, player_id: str, teams: Collection[str] | None) -> list[Match]:
        rows = self._players.get(player_id, [])
        return rows if teams is None else [row for row in rows if row.team in teams]

    def _find(self, typed: str, teams: Collection[str] | None) -> tuple[list[str], Method]:
        def there(names: dict[str, list[str]], key: str) -> list[str]:
            return [player for player in names.get(key, []) if self._rows(player, teams)]

        exact = there(self._exact, _fold(typed))
        if exact:
            return exact, "exact"
        suffixed = normalise(typed, keep_suffix=True)
        bare = normalise(typed)
        if not bare:
            return [], "exact"
        for method, names in self._tiers:
            found = there(names, suffixed if method == "normalised" else bare)
            if method != "normalised" and suffixed != bare:
                # a suffix that was typed is meant: "Odell Beckham Sr." is not the Jr. on the roster
                found = [player for player in found if not self._other_suffix(player, suffixed, teams)]
            if found:
                return found, method
        return [], "exact"

    def _other_suffix(self, player_id: str, typed: str, teams: Collection[str] | None) -> bool:
        known = {normalise(row.player_name, keep_suffix=True) for row in self._rows(player_id, teams)}
        return all(name.split()[-1] in _SUFFIXES and name.split()[-1] != typed.split()[-1] for name in known)

    def _row(self, player_id: str, preferred_team: str | None, method: Method, teams: Collection[str] | None) -> Match:
        rows = self._rows(player_id, teams)
        row = next((row for row in rows if row.team == preferred_team), rows[0])
        return Match(row.player_id, row.player_name, row.team, row.position, method, jersey_number=row.jersey_number)

    def nearest(
        self, text: str, limit: int = MAX_CANDIDATES, *, teams: Collection[str] | None = None
    ) -> tuple[Match, ...]:
        """The players whose names are nearest to the text, for a message only; best first."""
        from rapidfuzz import fuzz, process

        key = normalise(text)[:80]
        if not key:
            return ()
        players = self._tiers[1][1]
        of_teams = (name for team in sorted(teams or ()) for name in self._names_of_team.get(team, []))
        names = list(players if teams is None else dict.fromkeys(of_teams))
        best: dict[str, float] = {}
        # a nickname or a last name alone is near the name that holds it (partial), a typo is near as a whole
        for scorer, weight in ((fuzz.ratio, 1.0), (fuzz.token_set_ratio, 0.9), (fuzz.partial_ratio, 0.85)):
            for name, score, _ in process.extract(key, names, scorer=scorer, limit=20, score_cutoff=60):
                for player_id in players[name]:
                    if self._rows(player_id, teams):
                        best[player_id] = max(best.get(player_id, 0.0), score * weight)
        rows = {player_id: self._row(player_id, None, "normalised", teams) for player_id in best}
        for player_id, row in rows.items():
            if row.position in _PICKED:
                best[player_id] += 5.0
        ordered = sorted(best, key=lambda player: (-best[player], _order(rows[player])))[:limit]
        return tuple(rows[player_id] for player_id in ordered)


def match_player(text: str, roster: pl.DataFrame, preferred_team: str | None = None) -> Match | NoMatch:
    """The player that a typed name means among these roster rows, or why there is none.

    Tried in order, the first that fits anybody decides: a gsis_id; the exact full name (case aside); the normalised
    name (full name, or football name and last name) with the suffix as typed; without suffixes; the legal first name
    and last name. Where several fit, the one on `preferred_team` is taken; the team is a preference, never a filter.

    Args:
        roster: rows of the players it may be; columns as in `RosterIndex`.
    """
    return RosterIndex(roster).match(text, preferred_team)


def _put(names: dict[str, list[str]], key: str, player_id: str) -> None:
    if key and player_id not in (held := names.setdefault(key, [])):
        held.append(player_id)


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _order(row: Match) -> tuple[str, str, str, str]:
    return (row.player_name, row.team, row.position or "", row.player_id)
