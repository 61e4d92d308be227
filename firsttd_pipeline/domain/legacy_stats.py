"""Whom the old application's statistics rows mean: full names and the plays' `F.Last` forms, as players of a season.

It wrote one row per spelling and the team of the play, so a player may have several and a defender the wrong team.
What does not name one player is left open with the reason, never guessed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from firsttd_pipeline.domain.players import normalise

LEGAL_FORMS: Final = ("HOT", "AVERAGE", "COLD")
SKILL: Final = frozenset({"QB", "RB", "FB", "HB", "WR", "TE"})
_SHORT: Final = re.compile(r"([A-Za-z][A-Za-z']{0,3})\.\s*(\S.*)")
_NO_POSITION: Final = frozenset({"", "Unknown"})
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row of the old application's player_stats."""

    id: int
    player_name: str
    team: str
    position: str | None
    recent_form: str | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What an old row is.

    Attributes:
        row: the row.
        player_id: the player whose row it merges into; None: it stays open.
        resolution: the sentence for people: which player, and what of the row was not right; or why it stays open.
        corrected: kinds of what was not right: see `CORRECTIONS`.
    """

    row: OldRow
    player_id: str | None
    resolution: str
    corrected: tuple[str, ...] = ()


CORRECTIONS: Final = (
    "position unknown",
    "position missing",
    "position guessed from the play",
    "recent_form not legal",
    "team unknown",
    "team of the play, not his",
)


@dataclass(frozen=True, slots=True)
class _Player:
    player_id: str
    name: str
    position: str | None
    team: str
    teams: frozenset[str]

    def __str__(self) -> str:
        return f"{self.player_id} ({self.name})"


class Names:
    """The players of one season by what the old application called them.

    Args:
        rosters: player_id, player_name, first_name, last_name, football_name, team, position; current rows first.
        teams: player_id and team, of every week that is known; the rosters' own teams count as well.
        picks: player_name as typed and player_id (null: not understood yet) of the season's picks: the old
            application made a row of every pick, so a shorthand there means whom the pick means.
    """

    def __init__(self, rosters: pl.DataFrame, teams: pl.DataFrame, picks: pl.DataFrame) -> None:
        played: dict[str, set[str]] = defaultdict(set)
        for frame in (rosters, teams):
            for player_id, team in frame.select("player_id", "team").iter_rows():
                played[player_id].add(team)
        self._players: dict[str, _Player] = {}
        self._full: dict[str, set[str]] = defaultdict(set)
        self._last: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for row in rosters.iter_rows(named=True):
            player_id = row["player_id"]
            position = (row["position"] or "").strip() or None
            of_season = frozenset(played[player_id])
            self._players.setdefault(
                player_id, _Player(player_id, row["player_name"], position, row["team"], of_season)
            )
            self._full[normalise(row["player_name"])].add(player_id)
            for first in {row["first_name"], row["football_name"]} - {None, ""}:
                if row["last_name"]:
                    self._full[normalise(f"{first} {row['last_name']}")].add(player_id)
                    self._last[_last(row["last_name"])].add((_letters(first), player_id))
        self._typed: dict[str, set[str]] = defaultdict(set)
        self._asked: set[str] = set()
        for typed, player_id in picks.select("player_name", "player_id").iter_rows():
            if typed is None:  # another program's BLOB: it reads as null
                continue
            if player_id is None:
                self._asked.add(normalise(typed))
            else:
                self._typed[normalise(typed)].add(player_id)

    def settle(self, rows: Iterable[OldRow], season: int) -> list[Settled]:
        """What each row is. Which player it merges into depends on no other row."""
        return [self._settle(row, season) for row in rows]

    def _settle(self, row: OldRow, season: int) -> Settled:
        found = self._candidates(row)
        if len(found) == 1:
            corrected = _corrected(row, found[0])
            what = [text for _, text in corrected]
            merged = f"merged into player {found[0]}" + (f"; {', '.join(what)}" if what else "")
            return Settled(row, found[0].player_id, merged, tuple(kind for kind, _ in corrected))
        if found:
            shown = "; ".join(f"{p.name} ({p.team} {p.position or '?'}, {p.player_id})" for p in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            return Settled(row, None, f"ambiguous: {len(found)} players of {season} are called that: {shown}{more}")
        key = normalise(row.player_name)
        if key in self._asked:
            return Settled(row, None, "as a pick typed it, which is not understood yet: see `firsttd players review`")
        if any(not _is_player(typed) for typed in self._typed.get(key, ())):
            return Settled(row, None, "a team's defense or no touchdown is no player: statistics are of players")
        return Settled(row, None, f"nobody of that name was on a roster of {season}")

    def _candidates(self, row: OldRow) -> list[_Player]:
        """Those whom the row may mean; one: it is him."""
        key = normalise(row.player_name)
        named = [self._players[player_id] for player_id in sorted(self._full.get(key, ()))]
        if named:
            return self._on_team(row, named)
        short = _SHORT.fullmatch(row.player_name.strip())
        if short is not None:
            letters = _letters(short[1])
            of_name = self._last.get(_last(short[2]), set())
            ids = {player_id for first, player_id in of_name if letters and first.startswith(letters)}
            players = [self._players[player_id] for player_id in sorted(ids)]
            # without a position it was no run or catch: the play's team was the opponent's as often as not
            return self._on_team(row, players) if row.position not in (None, "") else players
        if key in self._asked:
            return []
        typed = self._typed.get(key, set())
        return [self._players[player_id] for player_id in sorted(typed) if player_id in self._players]

    @staticmethod
    def _on_team(row: OldRow, players: list[_Player]) -> list[_Player]:
        """Of several, those of the row's team; of several of them, those who run and catch."""
        if len(players) < 2:
            return players
        own = [player for player in players if row.team in player.teams]
        if len(own) > 1:
            picked = [player for player in own if player.position in SKILL]
            return picked if len(picked) == 1 else own
        return own or players


def _corrected(row: OldRow, player: _Player) -> list[tuple[str, str]]:
    """What of the old row is not so: its kind, and a sentence."""
    found = []
    position = (row.position or "").strip()
    now = player.position or "none on the roster"
    if position in _NO_POSITION:
        kind = "position unknown" if position else "position missing"
        found.append((kind, f"position {position or 'none'} is {now}"))
    elif position != player.position:
        found.append(("position guessed from the play", f"position {position} is {now}"))
    if row.recent_form not in LEGAL_FORMS:
        found.append(("recent_form not legal", f"recent_form {row.recent_form} is counted anew"))
    if row.team == "Unknown":
        found.append(("team unknown", f"team Unknown is {player.team}"))
    elif row.team not in player.teams:
        found.append(("team of the play, not his", f"team {row.team} is {player.team}"))
    return found


def _is_player(player_id: str) -> bool:
    return not (player_id == "NO_TD" or player_id.startswith("DST:"))


def _letters(first: str) -> str:
    return normalise(first).replace(" ", "")


def _last(name: str) -> str:
    """A last name as a key; a suffix counts only where more than one word stands before it."""
    return normalise(f"first {name}").removeprefix("first ")
