"""Which game a venue's event is on, and whom a leg means: decided from our own schedule and rosters, never guessed.

An event is matched by its two teams and its date, a leg by what its label says, by a venue's player id once learned,
or by the resolver where its answer is certain. What is not settled so keeps its reason. Writes are `market_store.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from firsttd_pipeline.domain.markets import NAMES, PRESEASON, Event, LegKind
from firsttd_pipeline.domain.players import DST_PREFIX, NO_TD
from firsttd_pipeline.domain.resolver import Scored
from firsttd_pipeline.domain.teams import UnknownTeam, canonical
from firsttd_pipeline.storage.schema import venue_players
from firsttd_pipeline.storage.season_book import Game, SeasonBook, games_of, names_in_full, names_somebody, quoted

LEARNED: Final = "venue's player id"
"""The method of a leg whose player the venue's own id says."""
BY_LABEL: Final = "label"
BY_HAND: Final = "by hand"

NO_GAME: Final = "its event is on no game that is certain"
NOT_KNOWN: Final = "by its label neither a player, a D/ST nor no touchdown"
UTC_DATES: Final = frozenset({"polymarket"})
"""Venues that write the UTC date of a game, which may be the day after ours."""
SEASON_BEGINS: Final = 3
"""The month in which a season begins, as partitions do."""

_EASTERN: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class PlayerMatch:
    """Whom a leg means: gsis_id, DST:SEA or NO_TD with the method, else the reason. `learn`: his venue id is new."""

    player_id: str | None
    method: str | None = None
    reason: str | None = None
    learn: bool = False


@dataclass(frozen=True, slots=True)
class LegOf:
    """What telling a leg's player takes."""

    source: str
    kind: LegKind
    label: str
    team: str | None
    jersey: int | None
    venue_player_id: str | None


def season_of_date(day: date) -> int:
    """The season that a date belongs to."""
    return day.year if day.month >= SEASON_BEGINS else day.year - 1


def league_date(at: datetime) -> date:
    """The date in the East at an instant: the one that a game is known by."""
    return at.astimezone(_EASTERN).date()


def day_of(game: Game) -> date | None:
    """The date a game is played on."""
    return game.game_date or (league_date(game.kickoff_at) if game.kickoff_at else None)


def match_game(games: Collection[Game], event: Event, season: int) -> tuple[str | None, str | None]:
    """The only game of the schedule with these two teams on that date, or why there is none. Sides do not matter."""
    if event.away is None or event.home is None or event.event_date is None:
        return None, event.reason or "the venue does not say two teams and a date"
    teams = frozenset((event.away, event.home))
    fitting = [
        game
        for game in games
        if game.deleted_at is None
        and frozenset(game.teams) == teams
        and (day := day_of(game)) is not None
        and abs((day - event.event_date).days) <= event.days_off
    ]
    if len(fitting) == 1:
        return fitting[0].id, None
    on = f"within {event.days_off} day of" if event.days_off else "on"
    asked = f"{event.away} and {event.home} {on} {event.event_date:%Y-%m-%d}"
    if fitting:
        return None, f"{len(fitting)} games of {season} fit {asked}: {', '.join(game.id for game in fitting)}"
    first = min((day for game in games if (day := day_of(game)) is not None), default=None)
    if first is not None and event.event_date < first - timedelta(days=event.days_off):
        return None, f"{PRESEASON}, which is on {first:%Y-%m-%d}"
    others = [game.id for game in games if game.deleted_at is None and frozenset(game.teams) == teams]
    meet = f"; the two meet in {', '.join(others)}" if others else ""
    return None, f"no game of {asked} in the schedule of {season}{meet}"


class MarketBook:
    """A season's schedule, and its rosters once they are asked for. `learned` are venue ids of players, by source."""

    def __init__(self, season: int, games: Sequence[Game], learned: Mapping[tuple[str, str], str]) -> None:
        self.season = season
        self.games = {game.id: game for game in games}
        self.learned = dict(learned)
        self._conn: Connection | None = None

    @classmethod
    def load(cls, conn: Connection, season: int) -> MarketBook:
        """Read the schedule and what was learned; rosters and aliases are read when the first name has to be told."""
        known = venue_players.c
        rows = conn.execute(select(known.source, known.venue_player_id, known.player_id))
        book = cls(season, games_of(conn, season), {(row.source, row.venue_player_id): row.player_id for row in rows})
        book._conn = conn
        return book

    @cached_property
    def names(self) -> SeasonBook:
        """The season's rosters and aliases."""
        if self._conn is None:
            raise RuntimeError("this book was not loaded from a database")
        return SeasonBook.load(self._conn, self.season)

    def game_of(self, event: Event) -> tuple[str | None, str | None]:
        """`match_game` among the season's games."""
        return match_game(self.games.values(), event, self.season)

    def week_of(self, game_id: str | None) -> int | None:
        """The week of a game of the season."""
        game = self.games.get(game_id) if game_id is not None else None
        return game.week if game else None

    def player_of(self, leg: LegOf, game_id: str | None) -> PlayerMatch:
        """Whom a leg on this game means."""
        if leg.kind == "no_td":
            return PlayerMatch(NO_TD, BY_LABEL)
        if leg.kind == "unknown":
            return PlayerMatch(None, reason=NOT_KNOWN)
        game = self.games.get(game_id) if game_id is not None else None
        if game is None:
            return PlayerMatch(None, reason=NO_GAME)
        return self._defense(leg, game) if leg.kind == "dst" else self._player(leg, game)

    def _defense(self, leg: LegOf, game: Game) -> PlayerMatch:
        team = code_of(leg.team)
        if team is None:
            return PlayerMatch(None, reason=f"{quoted(leg.label)} does not say which team's defense")
        if team not in game.teams:
            return PlayerMatch(None, reason=f"{team} does not play in {game.id}")
        return PlayerMatch(DST_PREFIX + team, BY_LABEL)

    def _player(self, leg: LegOf, game: Game) -> PlayerMatch:
        if not self.names.has_roster:
            return PlayerMatch(None, reason=f"the rosters of {self.season} are not here yet")
        known = self.learned.get((leg.source, leg.venue_player_id)) if leg.venue_player_id else None
        if known is not None:
            return self._learned(leg, known, game)
        match = self._named(leg, game)
        if match.player_id is not None and leg.venue_player_id:
            self.learned[leg.source, leg.venue_player_id] = match.player_id
            return PlayerMatch(match.player_id, match.method, learn=True)
        return match

    def _learned(self, leg: LegOf, player_id: str, game: Game) -> PlayerMatch:
        found = self.names.resolution(player_id, [game]).answer
        if found is not None and found.method == "gsis_id":
            named = self._named(leg, game).player_id
            if named is None or named == player_id:
                return PlayerMatch(player_id, LEARNED)
            # a venue may use one id for several, e.g. for want of a player's own
            who, other = (self._label_of(one, game) for one in (player_id, named))
            name = NAMES.get(leg.source, leg.source)
            return PlayerMatch(
                None, reason=f"{name} meant {who} by this id before, and the label says {quoted(leg.label)}: {other}"
            )
        return PlayerMatch(
            None,
            reason=f"{NAMES.get(leg.source, leg.source)} meant {player_id} by this id before, and he is on neither "
            f"roster of {game.id} in that week; the label says {quoted(leg.label)}",
        )

    def _label_of(self, player_id: str, game: Game) -> str:
        found = self.names.resolution(player_id, [game]).answer
        return found.label if found is not None else player_id

    def _named(self, leg: LegOf, game: Game) -> PlayerMatch:
        team = code_of(leg.team)
        team = team if team in game.teams else None
        found = self.names.resolution(leg.label, [game], team=team)
        answer, method = found.answer, found.answer.method if found.answer else ""
        if answer is None and found.reason.startswith("tie") and leg.jersey is not None:
            same = [one for one in found.candidates if names_in_full(one.method)]
            same = [one for one in same if team is None or one.candidate.team == team]
            wearing = [one for one in same if one.candidate.jersey_number == leg.jersey]
            if len(wearing) == 1:
                answer, method = wearing[0], f"{wearing[0].method}, by jersey"
        if answer is None:
            return PlayerMatch(None, reason=_because(found.reason, found.candidates))
        if not names_somebody(method):
            return PlayerMatch(None, reason=f"not certain: by {method} {quoted(leg.label)} would be {answer.label}")
        if team is not None and answer.candidate.team != team:
            return PlayerMatch(None, reason=f"the venue says {team}, and the only one of that name is {answer.label}")
        return PlayerMatch(answer.candidate.player_id, method)


def _because(reason: str, candidates: Sequence[Scored]) -> str:
    shown = [one.label for one in candidates[:3] if one.label not in reason]
    told = reason.rstrip(".")
    return f"{told}; candidates: {', '.join(shown)}" if shown else told


def code_of(team: str | None) -> str | None:
    """The canonical code of a team as a venue writes it; null: it says none that is known."""
    if team is None:
        return None
    try:
        return canonical(team)
    except UnknownTeam:
        return None
