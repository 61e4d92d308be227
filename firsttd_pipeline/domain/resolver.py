"""Who is meant: from what a person typed to one player of the two teams of a game, or a question.

Every way a player may be called (his names, initials, beginnings, nicknames) is a key made from the roster; a
misspelling is near one of them. Readings are weighed by how strong that way is, by whom people pick, and by the team
and position typed. A tie or a weak match is a question, never a guess. Nobody looks here at who scored.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl
from rapidfuzz import process
from rapidfuzz.distance import OSA

from firsttd_pipeline.domain.nicknames import fan_names, other_forms
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.teams import ALIASES

MAX_CANDIDATES: Final = 8
MAX_TEXT: Final = 200
"""A longer text is nobody's name."""

LEAGUE_SCOPE: Final = "league"
PICKED: Final = frozenset({"QB", "RB", "FB", "WR", "TE"})
"""The positions that people pick."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A player of one of the two teams. `active`: on the roster proper that week (also where nobody knows)."""

    player_id: str
    player_name: str
    team: str
    position: str | None
    jersey_number: int | None
    active: bool

    @property
    def label(self) -> str:
        """The player for people: `George Pickens (DAL WR #3, 00-0037247)`."""
        jersey = f" #{self.jersey_number}" if self.jersey_number is not None else ""
        return f"{self.player_name} ({self.team} {self.position or '?'}{jersey}, {self.player_id})"


@dataclass(frozen=True, slots=True)
class Alias:
    """What this league, or one member of it (`member:ID`), calls a player. `key` is the text, normalised."""

    key: str
    player_id: str
    scope: str = LEAGUE_SCOPE


@dataclass(frozen=True, slots=True)
class Scored:
    """A player that the text may mean: by which method, and how sure that is (0 to 1)."""

    candidate: Candidate
    method: str
    confidence: float

    @property
    def label(self) -> str:
        """The player for people."""
        return self.candidate.label


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a text means.

    Attributes:
        text: as typed.
        answer: the player; None: a question.
        runner_up: the best other candidate, if anybody else fits at all.
        candidates: best first, the answer included, at most `MAX_CANDIDATES`.
        reason: empty when answered; else why nobody was chosen, beginning with `tie`, `weak` or `unknown`.
    """

    text: str
    answer: Scored | None
    runner_up: Scored | None
    candidates: tuple[Scored, ...]
    reason: str


# --- methods ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Method:
    """A way of calling a player. Lower `rank` is stronger; methods of one rank are judged together."""

    name: str
    rank: int
    confidence: float
    own: bool = False  # his own full, last or first name: an alias of somebody else does not outweigh it


_METHODS: Final[dict[str, Method]] = {
    method.name: method
    for method in (
        Method("gsis_id", 0, 1.0),
        Method("alias", 1, 1.0),
        Method("exact", 1, 1.0, own=True),
        Method("normalised", 1, 0.99, own=True),
        Method("suffix", 2, 0.98, own=True),
        Method("football name", 2, 0.98, own=True),
        Method("legal name", 3, 0.97, own=True),
        Method("reversed", 4, 0.95),
        Method("nickname and last name", 4, 0.95),
        Method("initials and last name", 5, 0.94),
        Method("abbreviated first name", 6, 0.93),
        Method("last name", 8, 0.92, own=True),
        Method("first name", 8, 0.88, own=True),
        Method("fan name", 8, 0.88),
        Method("initials", 8, 0.86),
        Method("nickname", 9, 0.84),
        Method("part of last name", 9, 0.84),
        Method("legal first name", 10, 0.80),
        Method("beginning of the name", 11, 0.78),
        Method("misspelling", 12, 0.0),  # its confidence comes from the closeness
    )
}
_MISSPELLED: Final = _METHODS["misspelling"].rank
METHODS: Final = tuple(_METHODS.values())
"""Every method, strongest first."""
FULL_NAME_RANK: Final = 3
WHOLE_NAME_RANK: Final = 6
"""Up to here a given name (or its beginning) and a last name were typed."""

TYPO_SIMILARITY: Final = 0.8
"""One word is a misspelling of a name at least this close (1 - edits / letters, a swap is one edit)."""
FULL_TYPO_SIMILARITY: Final = 0.84
"""A full name is a misspelling of a full name at least this close."""
TYPO_MARGIN: Final = 0.06
"""Anybody else must be farther by at least this."""
NEAR: Final = 0.55
"""As close as this a name is shown as a candidate of a question."""

_SUFFIXES: Final[dict[str, str]] = {
    **{suffix: suffix for suffix in ("jr", "sr", "ii", "iii", "iv", "v")},
    "junior": "jr",
    "senior": "sr",
    "2nd": "ii",
    "3rd": "iii",
    "4th": "iv",
}
_NUMBER: Final = {"ii": "2", "iii": "3", "iv": "4", "v": "5"}
_LAST_PREFIX: Final = 4
_TAIL: Final = re.compile(r"(.*[^\s(,/|–-])[\s(,/|–-]+([A-Z]{2,3})\)?", re.DOTALL)
_JERSEY: Final = re.compile(r"([a-z]{2,4}?)(\d{1,2})")


# --- names ------------------------------------------------------------------------------------------------------------


def _words(text: str) -> list[str]:
    # a dot ends a word: D.Smith are two, A.J. is one all the same (normalise joins initials)
    words = normalise(text.replace(".", ". "), keep_suffix=True).split()
    return ["st" if word == "saint" else word for word in words]


def _split(text: str) -> tuple[list[str], str | None]:
    """The words of a name without its suffix, and the suffix."""
    words = _words(text)
    if len(words) > 1 and words[-1] in _SUFFIXES:
        return words[:-1], _SUFFIXES[words[-1]]
    return words, None


def _initials(name: str) -> set[str]:
    """`Amon-Ra` gives ar and a, `McCaffrey` mc and m, `CeeDee` cd and c, `A.J.` aj and a."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"['’]", "", name))
    if not words:
        return set()
    first = "".join(word[0] for word in words)
    capitals = "".join("".join(c for c in word if c.isupper()) or word[0] for word in words)
    found = {first, first[0]}
    if not name.isupper() or len(capitals) <= 3:
        found.add(capitals)
    if words[0].lower().startswith("mc") and len(words[0]) > 3:
        found.add("mc" + first[1:])
    return {initials for item in found if (initials := "".join(normalise(item).split()))}


@dataclass(frozen=True, slots=True)
class _Name:
    """All that a player may be called, with spaces left out."""

    suffix: str | None
    keys: Mapping[str, str]  # key -> method name, the strongest of each
    wholes: tuple[str, ...]  # full names, for misspellings
    singles: tuple[str, ...]  # last and first names, for misspellings
    compounds: tuple[str, ...]  # last names of several words, for misspellings
    lasts: frozenset[str]
    short: frozenset[str]  # initials, first names: what may stand before a misspelled last name


@functools.lru_cache(maxsize=32_768)  # a player is on the roster of every week
def _name(full: str, first: str, last: str, football: str) -> _Name:
    words, suffix = _split(full)
    last_words, last_suffix = _split(last)
    suffix = suffix or last_suffix
    whole = "".join(words)
    # the roster's name may have another last name than its last-name column (Nyheim Hines, Miller-Hines)
    lasts: dict[str, list[str]] = {}
    raw_lasts: dict[str, str] = {}
    givens: dict[str, str] = {}
    if last_words:
        key = "".join(last_words)
        lasts[key], raw_lasts[key] = last_words, last
    shown = [word for word in re.split(r"\s+", full.strip()) if word]
    if suffix and len(shown) > 1:
        shown = shown[:-1]
    if last_words and whole.endswith("".join(last_words)) and len(whole) > len("".join(last_words)):
        given_text = _before(shown, "".join(last_words))
    else:
        given_text = shown[0] if len(shown) > 1 else ""
        rest = " ".join(shown[1:]) if len(shown) > 1 else full
        key = "".join(_words(rest))
        if key:
            lasts.setdefault(key, _words(rest))
            raw_lasts.setdefault(key, rest)
    for given in (given_text, football):
        if key := "".join(_words(given)):
            givens.setdefault(key, given)
    legal = "".join(_words(first))
    keys: dict[str, str] = {}

    def add(key: str, method: str) -> None:
        if not key:
            return
        held = keys.get(key)
        if held is None or _strength(method) < _strength(held):
            keys[key] = method

    add(whole, "normalised")
    initials = {item for given in givens.values() for item in _initials(given)}
    legal_initials = _initials(first) if legal else set()
    known = {*givens}
    forms = {form for given in known for form in other_forms(given)}
    legal_forms = other_forms(legal) - forms
    for last_key, parts in lasts.items():
        add(last_key, "last name")
        for given in known:
            add(given + last_key, "football name")
        if legal:
            add(legal + last_key, "legal name")
        for form in (*forms, *legal_forms):
            add(form + last_key, "nickname and last name")
        for item in initials:
            add(item + last_key, "initials and last name")
        for item in legal_initials:
            add(item + last_key, "abbreviated first name")
        for given in (*known, legal):
            for end in range(2, len(given)):
                add(given[:end] + last_key, "abbreviated first name")
        if len(parts) > 1:
            for part in {*(part for part in parts if len(part) >= 3), "".join(parts[1:])}:
                add(part, "part of last name")
                for given in (*known, legal, *initials, *forms):
                    if given:
                        add(given + part, "abbreviated first name")
        for end in range(1, len(last_key)):
            beginning = last_key[:end]
            if end >= _LAST_PREFIX:
                add(beginning, "beginning of the name")
            for given in (*known, *forms, *initials):
                # Jimmy G, TJ Ho, D Hop
                if end >= 3 or (end == 2 and len(given) >= 2) or (given in known and len(given) >= 3):
                    add(given + beginning, "beginning of the name")
        for item in initials:
            for last_item in _initials(raw_lasts[last_key]):
                _add_initials(add, item + last_item, suffix)
    for given in known:
        add(given, "first name")
        for end in range(4, len(given)):
            add(given[:end], "beginning of the name")
        first_part = _words(givens[given])
        if len(first_part) > 1 and len(first_part[0]) >= 3:
            add(first_part[0], "nickname")
    for form in forms:
        add(form, "nickname")
    for form in (legal, *legal_forms):
        add(form, "legal first name")
    for key in _fans().get(whole, ()):
        add(key, "fan name")
    wholes = {whole, *(given + last_key for given in (*known, legal) if given for last_key in lasts)}
    pieces = {part for parts in lasts.values() if len(parts) > 1 for part in parts if len(part) >= 5}
    singles = {key for key in (*lasts, *known, *pieces) if len(key) >= 4}
    return _Name(
        suffix,
        keys,
        tuple(sorted(wholes - {""})),
        tuple(sorted(singles)),
        tuple(sorted(key for key, parts in lasts.items() if len(parts) > 1)),
        frozenset(lasts),
        frozenset({*initials, *known, *forms, *legal_initials, legal} - {""}),
    )


def _before(shown: Sequence[str], last_key: str) -> str:
    """The words of the roster's name before the last name."""
    for count in range(len(shown) - 1, 0, -1):
        if "".join(_words(" ".join(shown[count:]))) == last_key:
            return " ".join(shown[:count])
    return shown[0] if len(shown) > 1 else ""


def _add_initials(add: Any, key: str, suffix: str | None) -> None:
    if len(key) < 2:
        return
    add(key, "initials")
    if suffix in ("jr", "sr"):
        add(key + suffix[0], "initials")
        add(key + suffix, "initials")
    elif suffix in _NUMBER:
        add(key + _NUMBER[suffix], "initials")
        add(key + suffix, "initials")


def _strength(method: str) -> tuple[int, float]:
    found = _METHODS[method]
    return found.rank, -found.confidence


@functools.cache
def _fans() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for said, player in fan_names().items():
        words, _ = _split(player)
        found.setdefault("".join(words), []).append("".join(_words(said)))
    return {player: tuple(keys) for player, keys in found.items()}


# --- players ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Player:
    candidate: Candidate
    name: _Name

    @property
    def standing(self) -> int:
        """0: whom people pick; 1: of such a position, not on the roster proper; 2: others; 3: others not on it."""
        return (0 if self.candidate.position in PICKED else 2) + (0 if self.candidate.active else 1)


@dataclass(frozen=True, slots=True)
class _Spellings:
    """Names to be near to, and whose they are (players by their number)."""

    texts: tuple[str, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, names: Iterable[tuple[str, ...]]) -> _Spellings:
        pairs = [(text, number) for number, texts in enumerate(names) for text in texts]
        return cls(tuple(text for text, _ in pairs), tuple(number for _, number in pairs))


@dataclass(frozen=True, slots=True)
class _Team:
    players: tuple[_Player, ...]
    ids: Mapping[str, Sequence[_Player]]  # a bad source may have two rows of one player
    wholes: _Spellings
    singles: _Spellings
    compounds: _Spellings


@dataclass(frozen=True, slots=True)
class _Reading:
    player: _Player
    method: str
    rank: int
    confidence: float
    similarity: float = 1.0

    @property
    def order(self) -> tuple[Any, ...]:
        candidate = self.player.candidate
        return (
            self.rank,
            self.player.standing,
            -self.confidence,
            candidate.player_name,
            candidate.player_id,
        )


_COLUMNS: Final = ("player_id", "player_name", "first_name", "last_name", "football_name", "team", "position")


class Resolver:
    """The players of a season (or of one week of it), asked for two teams at a time. Teams are read when asked for.

    Args:
        players: rows with player_id (gsis_id), player_name, first_name, last_name, football_name, team, position,
            jersey_number and active; null `active`, or no such column, is taken for active.
    """

    def __init__(self, players: pl.DataFrame) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {}
        for row in players.iter_rows(named=True):
            if row.get("player_id") and row.get("player_name") and row.get("team"):
                self._rows.setdefault(row["team"], []).append(row)
        self._teams: dict[str, _Team] = {}

    def resolve(
        self,
        text: str,
        teams: Collection[str],
        *,
        preferred_team: str | None = None,
        position: str | None = None,
        aliases: Sequence[Alias] = (),
        member_id: int | None = None,
    ) -> Resolution:
        """The player of these teams that the text means, or why nobody was chosen.

        Args:
            preferred_team: the team typed with the pick: it settles between two that fit as well, and filters nobody.
            position: the position typed: the same.
            aliases: what the league and its members call players; those of other members are left out.
            member_id: who typed it.
        """
        typed = text.strip() if len(text) <= MAX_TEXT else ""

        def read(words: str, team: str | None, plays: str | None) -> Resolution:
            query = _query(words)
            readings = self._readings(words, query, teams, team, aliases, member_id)
            return _decide(text, query, readings, teams, team, plays, lambda: self._season)

        found = read(typed, preferred_team, position)
        if found.answer is None and found.reason.startswith("unknown"):
            # "George Pickens (DAL WR)": team and position that were typed behind the name
            name, team, plays = _without_tail(typed, teams)
            if name != typed:
                return read(name, preferred_team or team, position or plays)
        return found

    # --- readings -----------------------------------------------------------------------------------------------------

    def _team(self, code: str) -> _Team:
        if code not in self._teams:
            self._teams[code] = _build(self._rows.get(code, ()))
        return self._teams[code]

    def _readings(
        self,
        typed: str,
        query: _Query,
        teams: Collection[str],
        preferred_team: str | None,
        aliases: Sequence[Alias],
        member_id: int | None,
    ) -> list[_Reading]:
        """The strongest reading of every player that the text may mean, best first."""
        best: dict[str, _Reading] = {}
        found: Collection[_Reading]

        def put(reading: _Reading) -> None:
            player_id = reading.player.candidate.player_id
            held = best.get(player_id)
            if held is None or _row_order(reading, preferred_team) < _row_order(held, preferred_team):
                best[player_id] = reading

        if not query.key and not (aliases and typed):
            return []
        typed_ids = {typed, typed.upper()}
        alias_ids = _alias_ids(normalise(typed), aliases, member_id)
        for code in sorted(set(teams)):
            team = self._team(code)
            for player_id in (*typed_ids, *alias_ids):
                for player in team.ids.get(player_id, ()):
                    put(_reading(player, "gsis_id" if player_id in typed_ids else "alias"))
            for reading in _exact(team, query, typed):
                put(reading)
            for reading in _near(team, query):
                put(reading)
        found = best.values()
        own = [r for r in found if query.suffix and r.player.name.suffix == query.suffix and r.rank < _MISSPELLED]
        if own:
            # "Kenneth Walker III" is the III; a namesake without a suffix counts only if he is likelier to be picked
            standing = min(r.player.standing for r in own)
            found = [r for r in found if r in own or r.method == "alias" or r.player.standing < standing]
        return sorted(found, key=lambda reading: reading.order)

    @functools.cached_property
    def _season(self) -> _Season:
        full: dict[str, set[str]] = {}
        words: set[str] = set()
        for rows in self._rows.values():
            for row in rows:
                if row.get("position") in PICKED:
                    name = _name_of(row)
                    words.update(name.lasts)
                    for key, method in name.keys.items():
                        if method == "first name":
                            words.add(key)
                        elif method in ("normalised", "football name"):
                            full.setdefault(key, set()).add(row["player_id"])
        return _Season(full, frozenset(words))


@dataclass(frozen=True, slots=True)
class _Season:
    """Everybody whom people pick, in both of these teams or elsewhere: his full names, and last and first names."""

    full: Mapping[str, Collection[str]]
    words: Collection[str]

    def somebody_else(self, key: str, similarity: float, player_id: str) -> bool:
        """Whether the text is the full name of another player, or nearer to it than this."""
        if key in self.full:
            return player_id not in self.full[key]
        if similarity == 1.0 or len(key) < 8:
            return False
        best = process.extractOne(key, self.full.keys(), scorer=OSA.normalized_similarity, score_cutoff=similarity)
        return best is not None and best[1] > similarity and player_id not in self.full[best[0]]


def _name_of(row: Mapping[str, Any]) -> _Name:
    return _name(
        *(str(row.get(column) or "") for column in ("player_name", "first_name", "last_name", "football_name"))
    )


def _build(rows: Iterable[Mapping[str, Any]]) -> _Team:
    players = []
    for row in sorted(rows, key=lambda row: tuple(str(row.get(column)) for column in (*_COLUMNS, "jersey_number"))):
        active = row.get("active")
        candidate = Candidate(
            row["player_id"],
            row["player_name"],
            row["team"],
            row.get("position") or None,
            row.get("jersey_number"),
            active is None or bool(active),
        )
        players.append(_Player(candidate, _name_of(row)))
    ids: dict[str, list[_Player]] = {}
    for player in players:
        ids.setdefault(player.candidate.player_id, []).append(player)
    return _Team(
        tuple(players),
        ids,
        _Spellings.of(player.name.wholes for player in players),
        _Spellings.of(player.name.singles for player in players),
        _Spellings.of(player.name.compounds for player in players),
    )


def _reading(player: _Player, method: str) -> _Reading:
    found = _METHODS[method]
    return _Reading(player, method, found.rank, found.confidence)


def _row_order(reading: _Reading, preferred_team: str | None) -> tuple[Any, ...]:
    """Between two readings of one player: the stronger; between two rows of him: the active, the preferred team's."""
    candidate = reading.player.candidate
    return (
        reading.rank,
        -reading.confidence,
        not candidate.active,
        candidate.team != preferred_team,
        candidate.team,
        candidate.position or "~",
        candidate.jersey_number is None,
        candidate.jersey_number or 0,
    )


@dataclass(frozen=True, slots=True)
class _Query:
    words: tuple[str, ...]
    suffix: str | None
    key: str
    turned: tuple[str, ...]  # the same words with the last name first put right
    comma: bool
    jersey: tuple[str, int] | None


def _query(typed: str) -> _Query:
    head, comma, tail = typed.partition(",")
    if comma and (tail_words := _words(tail)):
        head_words, suffix = _split(head)
        if len(tail_words) == 1 and tail_words[0] in _SUFFIXES:
            return _plain_query(head_words, _SUFFIXES[tail_words[0]])
        if head_words:
            if len(tail_words) > 1 and tail_words[-1] in _SUFFIXES:
                suffix, tail_words = _SUFFIXES[tail_words[-1]], tail_words[:-1]
            words = (*tail_words, *head_words)
            return _Query(words, suffix, "".join(words), ("".join(words),), True, None)
    return _plain_query(*_split(typed))


def _without_tail(typed: str, teams: Collection[str]) -> tuple[str, str | None, str | None]:
    """The text without a team (one of these) and a position written behind it in capitals, and what they were."""
    name, team, plays = typed, None, None
    while found := _TAIL.fullmatch(name):
        code = ALIASES.get(found[2], found[2])
        if code in teams and team is None:
            team = code
        elif code in PICKED and plays is None:
            plays = code
        else:
            break
        name = found[1].rstrip("(-–,/| ")
    return name, team, plays


def _plain_query(words: Sequence[str], suffix: str | None) -> _Query:
    key = "".join(words)
    turned = {"".join((*words[at:], *words[:at])) for at in range(1, len(words))} if len(words) <= 5 else set()
    found = _JERSEY.fullmatch(key) if len(words) == 1 else None
    jersey = (found[1], int(found[2])) if found else None
    return _Query(tuple(words), suffix, key, tuple(sorted(turned - {key})), False, jersey)


def _suits(name: _Name, suffix: str | None) -> bool:
    return suffix is None or name.suffix is None or name.suffix == suffix


def _exact(team: _Team, query: _Query, typed: str) -> Iterable[_Reading]:
    asked = [query.key, *query.turned]
    if query.jersey:
        asked.append(query.jersey[0])
    for player in team.players:
        keys = player.name.keys  # shared by all weeks: an index per team and week would weigh more than it saves
        for key in asked:
            if key in keys and (method := _method(player, key, keys[key], query, typed)):
                yield _reading(player, method)


def _method(player: _Player, key: str, method: str, query: _Query, typed: str) -> str | None:
    """By which method the key means this player, seen how it was typed; None: it does not."""
    if not _suits(player.name, query.suffix):
        return None
    rank = _METHODS[method].rank
    if query.comma:
        return "reversed" if rank <= WHOLE_NAME_RANK else None
    if key in query.turned:
        return "reversed" if rank <= FULL_NAME_RANK else None
    if key != query.key:  # initials and the number of his jersey: AK41
        of_jersey = query.jersey is not None and query.jersey[1] == player.candidate.jersey_number
        return "initials" if of_jersey and method == "initials" else None
    if method == "normalised":
        if " ".join(player.candidate.player_name.casefold().split()) == " ".join(typed.casefold().split()):
            return "exact"
        if player.name.suffix != query.suffix:
            return "suffix"
    return method


def _near(team: _Team, query: _Query) -> Iterable[_Reading]:
    """Those whose names are near, and how near: misspellings, and what a question may offer."""
    if len(query.key) < 3:
        return
    one_word = len(query.words) == 1
    wanted = [(team.singles if one_word else team.compounds, TYPO_SIMILARITY)]
    if not one_word or len(query.key) >= 8:
        wanted.append((team.wholes, FULL_TYPO_SIMILARITY))
    for names, enough in wanted:
        for _, similarity, at in process.extract(
            query.key, names.texts, scorer=OSA.normalized_similarity, limit=None, score_cutoff=NEAR
        ):
            player = team.players[names.numbers[at]]
            if _suits(player.name, query.suffix):
                yield _near_reading(player, similarity, enough)
    if not one_word:
        # initials (or a first name) as they are, and a misspelled last name
        first, rest = query.words[0], "".join(query.words[1:])
        if len(rest) >= 3:
            for player in team.players:
                name = player.name
                if first in name.short and name.lasts and _suits(name, query.suffix):
                    similarity = max(OSA.normalized_similarity(rest, last) for last in name.lasts)
                    if len(first) > 1 and any(OSA.distance(rest, last) == 1 for last in name.lasts):
                        similarity = max(similarity, TYPO_SIMILARITY)
                    if similarity >= NEAR:
                        yield _near_reading(player, similarity, TYPO_SIMILARITY)


def _near_reading(player: _Player, similarity: float, enough: float) -> _Reading:
    weight = 0.9 if similarity >= enough else 0.5
    rank = _METHODS["misspelling"].rank + (0 if similarity >= enough else 1)
    return _Reading(player, "misspelling", rank, weight * similarity, similarity)


def _alias_ids(key: str, aliases: Sequence[Alias], member_id: int | None) -> frozenset[str]:
    """Whom the text is an alias of: the member's own aliases before the league's."""
    if not key:
        return frozenset()
    own = frozenset(alias.player_id for alias in aliases if alias.key == key and alias.scope == f"member:{member_id}")
    return own or frozenset(alias.player_id for alias in aliases if alias.key == key and alias.scope == LEAGUE_SCOPE)


# --- the decision -----------------------------------------------------------------------------------------------------

_Why = Literal["tie", "weak"]
_POSITIONS: Final = {"HB": "RB", "TB": "RB", "FB": "RB"}


@dataclass(frozen=True, slots=True)
class _Refused:
    why: _Why
    because: str
    between: tuple[_Reading, ...]


def _decide(
    text: str,
    query: _Query,
    readings: Sequence[_Reading],
    teams: Collection[str],
    preferred_team: str | None,
    position: str | None,
    season: Callable[[], _Season],
) -> Resolution:
    sound = [reading for reading in readings if reading.rank <= _MISSPELLED]
    shown: tuple[Scored, ...]
    if not sound:
        shown = tuple(_scored(reading) for reading in readings[:MAX_CANDIDATES])
        near = f"; near is {shown[0].label}" if shown else ""
        where = " and ".join(sorted(set(teams))) or "no team"
        reason = f"unknown: nobody of {where} is called {_quoted(text)}{near}."
        return Resolution(text, None, shown[1] if len(shown) > 1 else None, shown, reason)
    outcome = _choose(query, sound, preferred_team, _position(position), season)
    if isinstance(outcome, _Refused):
        first = outcome.between
        shown = _scored_all(first, readings)
        names = " or ".join(reading.player.candidate.label for reading in first[:3])
        more = f" or {len(first) - 3} more" if len(first) > 3 else ""
        reason = f"{outcome.why}: {_quoted(text)} may be {names}{more}: {outcome.because}."
        return Resolution(text, None, shown[1] if len(shown) > 1 else None, shown, reason)
    chosen, settled_by = outcome
    answer = _scored(chosen, settled_by)
    others = _scored_all((), [reading for reading in readings if reading is not chosen])
    shown = (answer, *others)[:MAX_CANDIDATES]
    return Resolution(text, answer, others[0] if others else None, shown, "")


def _choose(
    query: _Query,
    sound: Sequence[_Reading],
    preferred_team: str | None,
    position: str | None,
    season: Callable[[], _Season],
) -> tuple[_Reading, str] | _Refused:
    """The one reading and what settled it, or why none is taken. `sound` is ordered, best first."""
    if any(reading.player.standing == 0 for reading in sound):
        # where somebody fits whom people pick, linemen and linebackers count by their full or last name only
        sound = [r for r in sound if r.player.standing < 2 or r.rank < 8 or r.method in ("last name", "first name")]
    first = _strongest(sound)
    rank = first[0].rank
    if rank == 0:
        return first[0], ""
    standing = min(reading.player.standing for reading in first)
    fits = [reading for reading in first if reading.player.standing == standing]
    likely = [reading for reading in sound if reading.player.standing == 0 and reading not in fits]
    if standing > 0:
        refused = _unlikely(rank, standing, fits, sound)
        if refused:
            return refused

    # the team and the position typed settle, and where they speak against the best they make a question
    settled_by = ""
    wanted = fits
    if preferred_team and any(_team_of(reading) == preferred_team for reading in sound):
        on_team = [reading for reading in fits if _team_of(reading) == preferred_team]
        if on_team:
            if any(r.method == "last name" for r in fits) and all(r.method != "last name" for r in on_team):
                return _Refused(
                    "tie", f"the last name is of one, {preferred_team} is the team of the other", tuple(fits)
                )
            wanted = on_team
            settled_by = ", by team" if len(wanted) < len(fits) else ""
        else:
            weaker = [r for r in likely if _team_of(r) == preferred_team] if rank > FULL_NAME_RANK else []
            # a lineman of the practice squad is no evidence against a receiver who plays
            against = [r for r in first if _team_of(r) == preferred_team and r.player.standing < 3] or weaker
            if against:
                return _Refused("tie", f"the team typed, {preferred_team}, speaks for the other", (*fits, *against))
    if position:
        of_position = [reading for reading in fits if _position(reading.player.candidate.position) == position]
        narrowed = [reading for reading in wanted if reading in of_position]
        if narrowed:
            settled_by = settled_by if len(narrowed) == len(wanted) else f"{settled_by}, by position"
            wanted = narrowed
        elif of_position:
            return _Refused("tie", "the team typed speaks for one, the position for the other", tuple(fits))
        elif others := [r for r in first if _position(r.player.candidate.position) == position]:
            return _Refused("tie", f"the position typed, {position}, speaks for the other", (*fits, *others))
    if len(wanted) > 1:
        return _Refused("tie", "nothing tells them apart", tuple(wanted))
    chosen = wanted[0]
    return _doubts(query, chosen, sound, season) or (chosen, settled_by)


def _strongest(sound: Sequence[_Reading]) -> list[_Reading]:
    """The readings that are judged together: those of the strongest rank, and their equals."""
    rank = sound[0].rank
    if rank == _MISSPELLED:
        closest = max(reading.similarity for reading in sound)
        return [reading for reading in sound if reading.similarity > closest - TYPO_MARGIN]
    first = [reading for reading in sound if reading.rank == rank]
    if any(reading.method == "alias" for reading in first):
        first += [reading for reading in sound if reading.rank > rank and _METHODS[reading.method].own]
    return first


def _unlikely(rank: int, standing: int, fits: Sequence[_Reading], sound: Sequence[_Reading]) -> _Refused | None:
    """Why those are not taken whom nobody picks (or who are not on the roster proper), though they fit best."""
    rivals = [reading for reading in sound if reading.player.standing < min(standing, 2) and reading not in fits]
    if rank <= FULL_NAME_RANK:  # a full name is his, whatever he plays, unless it is nearly that of another
        rivals = [reading for reading in rivals if reading.rank <= WHOLE_NAME_RANK or reading.similarity >= 0.9]
    if rivals:
        return _Refused(
            "weak", "the first is not one whom people pick, the other is spelled otherwise", (*fits, *rivals)
        )
    method = fits[0].method
    if standing >= 2 and not (rank <= WHOLE_NAME_RANK or method == "last name"):
        return _Refused("weak", f"by {method}, and not of a position that people pick", tuple(fits))
    return None


def _doubts(
    query: _Query, chosen: _Reading, sound: Sequence[_Reading], season: Callable[[], _Season]
) -> _Refused | None:
    """Why the only one who fits best is not taken all the same."""
    method = chosen.method
    if chosen.rank > WHOLE_NAME_RANK and method not in ("last name", "fan name", "misspelling"):
        likely = [reading for reading in sound if reading.player.standing == 0 and reading is not chosen]
        cut = [reading for reading in likely if _cut_short(query.key, reading.player.name.lasts)]
        near = cut if method == "first name" else [r for r in likely if r.rank == _MISSPELLED or r in cut]
        near += [reading for reading in sound if reading.player.standing == 1 and reading.method == "last name"]
        if method == "first name":
            near += [reading for reading in likely if reading.method == "part of last name" and reading not in near]
        if near:
            because = f"by {method}, or it is the last name of the other, or a part of that"
            return _Refused("weak", because, (chosen, *near))
    if chosen.rank == _MISSPELLED and len(query.words) == 1:
        by_last = max((OSA.normalized_similarity(query.key, last) for last in chosen.player.name.lasts), default=0.0)
        if by_last < chosen.similarity:
            off = [r for r in sound if r.player.standing == 1 and r.similarity >= chosen.similarity and r is not chosen]
            if off:
                return _Refused(
                    "weak", "a misspelling of the first name of one, or of the other's name", (chosen, *off)
                )
    if chosen.rank >= _METHODS["beginning of the name"].rank and query.key in season().words:
        return _Refused("weak", f"by {method} only, and others of the season bear that very name", (chosen,))
    two_words = len(query.words) > 1 and chosen.rank > WHOLE_NAME_RANK
    names_two = FULL_NAME_RANK <= chosen.rank <= WHOLE_NAME_RANK or two_words
    if names_two and season().somebody_else(query.key, chosen.similarity, chosen.player.candidate.player_id):
        return _Refused("weak", f"by {method} only, and a player of other teams has that very name", (chosen,))
    return None


def _cut_short(key: str, lasts: Iterable[str]) -> bool:
    """Whether the key is a last name with one letter, or its end, left out: Daniel(s), Will(iams)."""
    return any(
        len(key) < len(last) and ((len(key) >= _LAST_PREFIX and last.startswith(key)) or OSA.distance(key, last) == 1)
        for last in lasts
    )


def _team_of(reading: _Reading) -> str:
    return reading.player.candidate.team


def _position(text: str | None) -> str | None:
    key = (text or "").strip().upper()
    return _POSITIONS.get(key, key) or None


def _scored(reading: _Reading, settled_by: str = "") -> Scored:
    """For people: less sure where the team or the position had to settle, or where he is not one whom people pick."""
    confidence = reading.confidence - (0.06 if settled_by else 0.0) - 0.05 * reading.player.standing
    return Scored(reading.player.candidate, reading.method + settled_by, round(max(confidence, 0.05), 2))


def _scored_all(first: Sequence[_Reading], readings: Sequence[_Reading]) -> tuple[Scored, ...]:
    ordered = (*first, *(reading for reading in readings if reading not in first))
    return tuple(_scored(reading) for reading in ordered[:MAX_CANDIDATES])


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
