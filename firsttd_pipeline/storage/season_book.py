"""Whom a pick means: a season's games, rosters and aliases read once, and typed games and players turned into ids.

The rules of names are `domain/resolver.py`; here is who can be meant at all: the players of the game's two teams, in
that week where weekly rosters are there, else of the season. What is not answered is refused with its candidates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, select

from firsttd_pipeline.domain.players import DST_PREFIX, NO_TD, normalise, parse_special
from firsttd_pipeline.domain.resolver import LEAGUE_SCOPE, Alias, Candidate, Resolution, Resolver, Scored
from firsttd_pipeline.domain.seasons import parse_game_id, playoff_week
from firsttd_pipeline.domain.sheets import (
    ROUNDS,
    GameNotSettled,
    ScheduledGame,
    bad_character,
    clean,
    parse_week,
    teams_named,
)
from firsttd_pipeline.domain.teams import canonical
from firsttd_pipeline.storage.aliases import league_aliases
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import games, roster_weeks, rosters, weeks

MAX_TYPED: Final = 200
NO_TEAM: Final = "NONE"
"""`picks.team` of a no-touchdown pick: the column allows no null, and the pick has no team."""
FULL_NAMES: Final = frozenset({"gsis_id", "exact", "normalised", "suffix", "football name", "legal name"})
"""The methods that name one person in full: enough to say, without the game, which one is meant."""
SPECIAL: Final = "special"
"""The method of a D/ST or no-touchdown pick."""

_LEAGUE_CLOCK: Final = ZoneInfo("America/New_York")
_NAME_COLUMNS: Final = ("player_name", "first_name", "last_name", "football_name", "position", "jersey_number")

Kind = Literal["player", "dst", "no_td"]


class PickRefused(ValueError):
    """The pick cannot be taken; the message says why. `candidates` are the players it could mean, for people."""

    def __init__(self, reason: str, candidates: Iterable[str] = ()) -> None:
        self.reason = reason
        self.candidates = tuple(candidates)
        shown = f" Candidates: {', '.join(self.candidates)}." if self.candidates else ""
        super().__init__(f"{reason}{shown}")


class GameRefused(PickRefused):
    """There is no such week or game, or it is not to be played."""


class NameNotUnderstood(PickRefused):
    """The typed player is unknown, ambiguous or too weak a match; `scored` are those of its game that he may be."""

    def __init__(self, reason: str, candidates: Iterable[str] = (), scored: Sequence[Scored] = ()) -> None:
        self.scored = tuple(scored)
        super().__init__(reason, candidates)


@dataclass(frozen=True, slots=True)
class PickRequest:
    """A pick as a person gives it.

    Attributes:
        member: his name.
        player: as typed: a player, a D/ST, or "No touchdown".
        odds: American; None: unknown.
        week: number, or round WC, DIV, CON, SB; may be left out where the game is given.
        game_id: nflverse's id; may be left out where week and player (or team) say it.
        team: the player's team as typed: a preference when matching, never a filter within the game.
        position: as typed: settles between two players of one name, nothing else.
        late_reason: why it is taken after kickoff.
    """

    member: str
    player: str
    odds: float | None = None
    week: int | str | None = None
    game_id: str | None = None
    team: str | None = None
    position: str | None = None
    late_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Game:
    """What taking a pick has to know of a game. Teams are canonical codes."""

    id: str
    season: int
    week: int
    week_id: int
    away: str
    home: str
    kickoff_at: datetime | None
    game_date: date | None
    status: str
    deleted_at: datetime | None

    @property
    def teams(self) -> tuple[str, str]:
        """Visitors first."""
        return self.away, self.home

    @property
    def open(self) -> bool:
        """Whether it is, as far as we know, played at all."""
        return self.deleted_at is None and self.status != "cancelled"

    def begun(self, now: datetime) -> bool:
        """Whether it has kicked off. Without a kickoff time: its score is there or its date is past."""
        if self.status in ("final", "in_progress"):
            return True
        if self.kickoff_at is not None:
            return self.kickoff_at <= now
        return self.game_date is not None and self.game_date < now.astimezone(_LEAGUE_CLOCK).date()


@dataclass(frozen=True, slots=True)
class Understood:
    """What a typed player means: in which game, of which team, with which id, and how that was found."""

    kind: Kind
    player_id: str
    player_name: str
    team: str
    position: str | None
    game: Game
    method: str = SPECIAL
    confidence: float = 1.0
    runner_up: str | None = None

    @property
    def label(self) -> str:
        """For people: `CeeDee Lamb (DAL, WR)`, `No touchdown`."""
        known = ", ".join(x for x in (self.team, self.position) if x and x != NO_TEAM)
        return f"{self.player_name} ({known})" if known else self.player_name


class SeasonBook:
    """A season's games, rosters and aliases, read once: turns typed games and players into ids."""

    def __init__(
        self,
        season: int,
        season_games: Sequence[Game],
        roster: pl.DataFrame,
        by_week: pl.DataFrame,
        aliases: Sequence[Alias],
    ) -> None:
        self.season = season
        self.games = {game.id: game for game in season_games}
        self.aliases = tuple(aliases)
        self._roster = roster
        self._by_week = by_week
        self._resolvers: dict[int | None, Resolver] = {}
        self._players: dict[int | None, pl.DataFrame] = {}
        self._by_name: dict[int | None, dict[str, list[dict[str, Any]]]] = {}
        self._outcomes: dict[tuple[Any, ...], Resolution] = {}

    @classmethod
    def load(cls, conn: Connection, season: int) -> SeasonBook:
        """Read the season. A retired roster row counts (the player was there), after the current ones."""
        roster = read_frame(
            conn,
            select(rosters.c.player_id, rosters.c.team, *(rosters.c[name] for name in _NAME_COLUMNS))
            .where(rosters.c.season == season)
            .order_by(rosters.c.retired_at.is_not(None), rosters.c.id),
        )
        columns = (roster_weeks.c[name] for name in ("player_id", "team", "first_week", "last_week", "active"))
        by_week = read_frame(conn, select(*columns).where(roster_weeks.c.season == season))
        return cls(season, games_of(conn, season), _canonical(roster), _canonical(by_week), league_aliases(conn))

    @property
    def has_roster(self) -> bool:
        """Whether any roster row of the season is there."""
        return not self._roster.is_empty()

    @cached_property
    def schedule(self) -> list[ScheduledGame]:
        """The games that are to be played, for `domain.sheets.settle_game`."""
        return [ScheduledGame(g.id, g.week, g.away, g.home) for g in self.games.values() if g.open]

    # --- the game -----------------------------------------------------------------------------------------------------

    def week_number(self, week: int | str) -> int:
        """The week as a number; a playoff round by the season's length.

        Raises:
            GameRefused: the season has no such week.
        """
        read = parse_week(week) if isinstance(week, str) else week
        if read is None:
            raise GameRefused(f"{quoted(str(week))} is no week: a week is a number or {', '.join(ROUNDS)}.")
        number = playoff_week(self.season, read) if isinstance(read, str) else read
        if not any(game.week == number for game in self.games.values()):
            last = max((game.week for game in self.games.values()), default=0)
            known = f"its schedule has weeks 1 to {last}" if last else "its schedule is not here yet"
            shown = f"week {number}" if read == number else f"{week} (week {number})"
            raise GameRefused(f"The season {self.season} has no {shown}: {known}.")
        return number

    def game(self, game_id: str, week: int | str | None = None) -> Game:
        """The game of this id, in this week if one is given, to be played.

        Raises:
            GameRefused: no such game, in another week, or not to be played.
        """
        game = self.any_game(game_id)
        if week is not None and self.week_number(week) != game.week:
            raise GameRefused(f"{game.id} is in week {game.week}, not in week {self.week_number(week)}.")
        if not game.open:
            what = "left the schedule" if game.deleted_at else "is cancelled"
            raise GameRefused(f"{game.id} {what} ({game.status}): no pick can be made on it.")
        return game

    def any_game(self, game_id: str) -> Game:
        """The game of this id, whatever became of it.

        Raises:
            GameRefused: the season has no such game.
        """
        game = self.games.get(game_id) or self._game_by_parts(game_id)
        if game is None:
            raise GameRefused(f"The season {self.season} has no game {quoted(game_id)}.")
        return game

    def _game_by_parts(self, game_id: str) -> Game | None:
        """The game whose id another source writes with its own team codes."""
        parts = parse_game_id(game_id)
        if parts is None or parts.season != self.season:
            return None
        teams = (_code(parts.away), _code(parts.home))
        return next((g for g in self.games.values() if g.week == parts.week and g.teams == teams), None)

    def _games_of(self, request: PickRequest) -> list[Game]:
        """The games the request can mean before its player is looked at."""
        if request.game_id:
            return [self.game(request.game_id, request.week)]
        if request.week is None:
            raise GameRefused("Say the week or the game.")
        week = self.week_number(request.week)
        that_week = [game for game in self.games.values() if game.week == week and game.open]
        if not request.team:
            return that_week
        codes = _team_codes(request.team)
        found = [game for game in that_week if set(game.teams) & set(codes)]
        if not found:
            raise GameRefused(f"{' and '.join(codes)} {'has' if len(codes) == 1 else 'have'} no game in week {week}.")
        return found

    # --- the player ---------------------------------------------------------------------------------------------------

    def understand(self, request: PickRequest, member_id: int | None = None) -> Understood:
        """The game and the player that the request means.

        Without game and team only a full name (or an alias) is enough: it is his game that week.

        Raises:
            GameRefused: no such week or game.
            NameNotUnderstood: the player is unknown, ambiguous or too weak a match there; candidates are given.
        """
        return self._understand(request, self._games_of(request), member_id)

    def understand_written(
        self, game_id: str | None, week: int, typed: object, team: object, member_id: int | None = None
    ) -> Understood:
        """The player that a pick already written means. Unlike that of a new pick its game may be over or gone.

        Without a game it is that of the team and week, or the player's only game of the week if his name is certain.

        Raises:
            GameRefused: there is no such game.
            NameNotUnderstood: unknown, ambiguous or too weak.
        """
        if not isinstance(typed, str):
            raise NameNotUnderstood("The player is no text.")
        typed = checked_typed(typed)
        named = team if isinstance(team, str) else None
        if game_id is not None:
            return self._understand(PickRequest("", typed, team=named), [self.any_game(game_id)], member_id)
        found = self._games_of_week(week)
        codes = _teams_meant(named) if named else frozenset()
        of_team = [game for game in found if codes & set(game.teams)]
        request = PickRequest("", typed, week=week, team=named)
        if not of_team:
            return self._understand(PickRequest("", typed, week=week), found, member_id)
        understood = self._understand(request, of_team, member_id)
        if understood.kind == "player" and not names_in_full(understood.method):
            elsewhere = [
                row for row in self._named(week, typed) if not any(row["team"] in game.teams for game in of_team)
            ]
            if elsewhere:
                raise NameNotUnderstood(
                    f"{quoted(typed)} is near {understood.player_name} of {understood.team} (the team typed), but the "
                    f"full name of a player of another game that week: {_row_label(elsewhere[0])}."
                )
        return understood

    def confirmed(self, game_id: str | None, week: int, named: str, member_id: int | None = None) -> Understood:
        """The player whom a person names in full (gsis_id, full name, DST:SEA, NO_TD) for a pick on this game.

        Raises:
            GameRefused: there is no such game, or it has to be known first.
            NameNotUnderstood: he is no player of that game in that week, or two bear the name.
        """
        named = checked_typed(named)
        found = [self.any_game(game_id)] if game_id is not None else self._games_of_week(week)
        aliases, self.aliases = self.aliases, ()  # a person says who it is: what others called so is no answer
        try:
            understood = self._understand(PickRequest("", named), found, member_id)
        finally:
            self.aliases = aliases
        if understood.kind == "player" and not names_in_full(understood.method):
            raise NameNotUnderstood(
                f"{quoted(named)} is no gsis_id and no full name of a player in {self._where(found)}.",
                [f"{understood.player_name} ({understood.team} {understood.position or '?'}, {understood.player_id})"],
            )
        return understood

    def resolution(
        self,
        text: str,
        found: Sequence[Game],
        *,
        team: str | None = None,
        position: str | None = None,
        member_id: int | None = None,
    ) -> Resolution:
        """What the resolver says of a text in these games of one week, aliases taken in."""
        codes = tuple(code for game in found for code in game.teams)
        week = found[0].week if found else None
        key = (week, codes, text, team, position, member_id, self.aliases)
        if key not in self._outcomes:
            self._outcomes[key] = self._resolver(week).resolve(
                text,
                frozenset(codes),
                preferred_team=_preferred(team, codes),
                position=position,
                aliases=self.aliases,
                member_id=member_id,
            )
        return self._outcomes[key]

    def _called_special(self, text: str, codes: Sequence[str], member_id: int | None) -> str | None:
        """The special pick that the league calls so."""
        key = normalise(text)
        own = [alias for alias in self.aliases if alias.key == key]
        mine = [alias for alias in own if alias.scope == f"member:{member_id}"]
        for alias in mine or [alias for alias in own if alias.scope == LEAGUE_SCOPE]:
            if alias.player_id == NO_TD or alias.player_id.removeprefix(DST_PREFIX) in codes:
                return alias.player_id
        return None

    def _special(self, request: PickRequest, found: Sequence[Game], member_id: int | None) -> str | None:
        """`NO_TD` or `DST:SEA` where the text, or what the league calls so, is a special pick in these games."""
        codes = tuple(code for game in found for code in game.teams)
        if (special := parse_special(request.player, codes)) is not None:
            return special
        called = self._called_special(request.player, codes, member_id)
        if called is None or not found:
            return called
        player = self._resolve(request, found, member_id).answer
        if player is not None:
            said = f"{quoted(request.player)} is {called} by an alias, and {player.label} by {player.method}."
            raise NameNotUnderstood(said, [player.label], [player])
        return called

    def _games_of_week(self, week: int) -> list[Game]:
        return [game for game in self.games.values() if game.week == week and game.deleted_at is None]

    def _understand(self, request: PickRequest, found: Sequence[Game], member_id: int | None) -> Understood:
        codes = tuple(team for game in found for team in game.teams)
        special = self._special(request, found, member_id)
        if special == NO_TD:
            if len(found) != 1:
                raise GameRefused("A no-touchdown pick needs its game: give the game (--game), or week and team.")
            team = _preferred(request.team, codes) if request.team else None
            return Understood("no_td", NO_TD, "No touchdown", team or NO_TEAM, None, found[0])
        if special is not None:
            team = special.removeprefix(DST_PREFIX)
            game = next((game for game in found if team in game.teams), None)
            if game is None:
                names = [f"{code} D/ST" for code in codes[:6]]
                raise NameNotUnderstood(f"{team} does not play in {self._where(found)}.", names)
            return Understood("dst", special, f"{team} D/ST", team, "DST", game)
        if not self.has_roster:
            raise NameNotUnderstood(f"The rosters of {self.season} are not here yet: no player can be understood.")
        known = bool(request.game_id or request.team) or len(found) == 1
        where = found if known else self._games_named(request, found)
        outcome = self._resolve(request, where, member_id)
        answer = outcome.answer
        sure = known or (len(where) == 1 and answer is not None and names_somebody(answer.method))
        if answer is None or not sure:
            raise self._refused(request, found, outcome, member_id, len(where))
        meant = answer.candidate
        game = next(game for game in found if meant.team in game.teams)
        runner_up = outcome.runner_up.label if outcome.runner_up else None
        return Understood(
            "player",
            meant.player_id,
            meant.player_name,
            meant.team,
            meant.position,
            game,
            answer.method,
            answer.confidence,
            runner_up,
        )

    def _resolve(self, request: PickRequest, found: Sequence[Game], member_id: int | None) -> Resolution:
        return self.resolution(request.player, found, team=request.team, position=request.position, member_id=member_id)

    def _refused(
        self,
        request: PickRequest,
        found: Sequence[Game],
        outcome: Resolution,
        member_id: int | None,
        games_named: int,
    ) -> NameNotUnderstood:
        """Why the player is not understood, with those he may be."""
        typed, where = quoted(request.player), self._where(found)
        if not games_named:  # nobody has that full name: who is near, in the whole week?
            outcome = self._resolve(request, found, member_id)
        scored = outcome.candidates
        labels = [candidate.label for candidate in scored]
        because = outcome.reason.removesuffix(".").rpartition(": ")[2]
        if games_named > 1 and len(found) > games_named:
            bearers = {row["player_id"] for row in self._named(found[0].week, request.player)}
            scored = tuple(one for one in scored if one.candidate.player_id in bearers) or scored
            said = f"{typed} can be several players in {where}: give the game or the team."
            return NameNotUnderstood(said, [one.label for one in scored], scored)
        if outcome.reason.startswith("tie"):
            return NameNotUnderstood(f"{typed} can be several players in {where}: {because}.", labels, scored)
        if outcome.reason.startswith("weak"):
            return NameNotUnderstood(f"{typed} is no sure match in {where}: {because}.", labels, scored)
        if outcome.answer is not None:
            said = f"{typed} alone does not say the game in {where}: give the game, the team or the full name."
            return NameNotUnderstood(said, labels, scored)
        scored = scored or self._near(request.player, found)
        labels = [candidate.label for candidate in scored]
        elsewhere = [_row_label(row) for row in self._named(None, request.player)]
        if elsewhere:
            where = f"neither roster of {where} in that week" if len(found) == 1 else f"no roster of {where}"
            return NameNotUnderstood(f"{typed} is on {where}.", [*elsewhere[:4], *labels], scored)
        return NameNotUnderstood(f"No player in {where} is called {typed}.", labels, scored)

    def _near(self, text: str, found: Sequence[Game]) -> tuple[Scored, ...]:
        """Players whose names are near in whatever order of words, to be shown where the resolver knows nobody."""
        from rapidfuzz import fuzz, process

        teams = {code for game in found for code in game.teams}
        players = self._players_of(self._week_key(found[0].week if found else None))
        rows = players.filter(pl.col("team").is_in(teams)).sort("player_name", "player_id").to_dicts()
        names = [normalise(row["player_name"]) for row in rows]
        best = process.extract(normalise(text)[:80], names, scorer=fuzz.token_sort_ratio, limit=3, score_cutoff=60)
        return tuple(Scored(_candidate(rows[at]), "misspelling", round(score / 250, 2)) for _, score, at in best)

    # --- who can be meant ---------------------------------------------------------------------------------------------

    def _week_key(self, week: int | None) -> int | None:
        """The week, where weekly rosters know it; None: the season's rosters have to do."""
        return week if week in self._weeks_known else None

    @cached_property
    def _weeks_known(self) -> frozenset[int]:
        ranges = self._by_week.select("first_week", "last_week").unique().iter_rows()
        return frozenset(week for first, last in ranges for week in range(first, last + 1))

    def _resolver(self, week: int | None) -> Resolver:
        key = self._week_key(week)
        if key not in self._resolvers:
            self._resolvers[key] = Resolver(self._players_of(key))
        return self._resolvers[key]

    def _players_of(self, week: int | None) -> pl.DataFrame:
        """Who was on which team in a week; a team of which the weekly rosters know nothing has its season's players."""
        if week in self._players:
            return self._players[week]
        seasonal = self._roster.unique(["team", "player_id"], keep="first", maintain_order=True).with_columns(
            pl.lit(None, dtype=pl.Boolean).alias("active")
        )
        if week is not None:
            names = self._roster.unique("player_id", keep="first", maintain_order=True).drop("team")
            there = self._by_week.filter((pl.col("first_week") <= week) & (pl.col("last_week") >= week))
            weekly = there.select("player_id", "team", "active").join(names, on="player_id", how="inner")
            others = seasonal.filter(~pl.col("team").is_in(weekly["team"].unique().implode()))
            seasonal = pl.concat([weekly.select(seasonal.columns), others])
        self._players[week] = seasonal
        return seasonal

    def _named(self, week: int | None, text: str) -> list[dict[str, Any]]:
        """The players of a week (None: of the season) whose id or full name the text is."""
        key = self._week_key(week)
        held = self._by_name.get(key)
        if held is None:
            held = self._by_name[key] = defaultdict(list)
            for row in self._players_of(key).iter_rows(named=True):
                last = row["last_name"] or ""
                spoken = [f"{first} {last}" for first in (row["football_name"], row["first_name"]) if first and last]
                for name in {normalise(name) for name in (row["player_name"], *spoken)} | {row["player_id"].casefold()}:
                    held[name].append(row)
        return held.get(text.strip().casefold()) or held.get(normalise(text), [])

    def _games_named(self, request: PickRequest, found: Sequence[Game]) -> list[Game]:
        """Those of the week's games in which somebody has that full name, or is called so by an alias."""
        week = found[0].week if found else None
        named = self._named(week, request.player)
        position = (request.position or "").strip().upper()
        named = [row for row in named if row["position"] == position] or named
        teams = {row["team"] for row in named}
        key = normalise(request.player)
        called = [alias.player_id for alias in self.aliases if alias.key == key]
        if called:
            players = self._players_of(self._week_key(week))
            teams |= set(players.filter(pl.col("player_id").is_in(called))["team"])
        return [game for game in found if teams & set(game.teams)]

    @staticmethod
    def _where(found: Sequence[Game]) -> str:
        if len(found) == 1:
            return found[0].id
        return f"week {found[0].week}" if found else "that week"


def games_of(conn: Connection, season: int) -> list[Game]:
    """The season's games, by week, those that left the schedule too."""
    query = (
        select(
            games.c.id,
            games.c.season,
            games.c.week,
            weeks.c.id.label("week_id"),
            games.c.away_team,
            games.c.home_team,
            games.c.kickoff_at,
            games.c.game_date,
            games.c.status,
            games.c.deleted_at,
        )
        .join(weeks, (weeks.c.season == games.c.season) & (weeks.c.week == games.c.week))
        .where(games.c.season == season)
        .order_by(games.c.week, games.c.id)
    )
    return [
        Game(r.id, r.season, r.week, r.week_id, _code(r.away_team), _code(r.home_team), *tuple(r)[6:])
        for r in conn.execute(query)
    ]


def checked_typed(text: str) -> str:
    """The player as typed, trimmed, if it is text that can be stored.

    Raises:
        NameNotUnderstood: empty, too long, or with a character that no name holds.
    """
    text = clean(text)
    if not text:
        raise NameNotUnderstood("The player is empty.")
    if code := bad_character(text):
        raise NameNotUnderstood(f"The player holds the character {code}, which no name does.")
    if len(text) > MAX_TYPED:
        raise NameNotUnderstood(f"The player is {len(text)} characters long: at most {MAX_TYPED}.")
    return text


def names_in_full(method: str) -> bool:
    """Whether the method names one person in full (`exact, by team` does)."""
    return method.partition(",")[0] in FULL_NAMES


def names_somebody(method: str) -> bool:
    """Whether the method says who it is even where nobody says the game."""
    return names_in_full(method) or method.partition(",")[0] == "alias"


def _canonical(frame: pl.DataFrame) -> pl.DataFrame:
    codes = {team: _code(team) for team in frame["team"].unique()}
    return frame.with_columns(pl.col("team").replace(codes))


def _candidate(row: Mapping[str, Any]) -> Candidate:
    position, active = row["position"] or None, row["active"] is not False
    return Candidate(row["player_id"], row["player_name"], row["team"], position, row["jersey_number"], active)


def _row_label(row: Mapping[str, Any]) -> str:
    return _candidate(row).label


def _code(team: str) -> str:
    """The canonical code; a code nobody knows (a game set aside) stays as it is."""
    try:
        return canonical(team)
    except ValueError:
        return team


def _team_codes(text: str) -> tuple[str, ...]:
    try:
        return teams_named(text)
    except GameNotSettled as error:
        raise GameRefused(f"{error}.") from None


def _preferred(text: str | None, codes: Sequence[str]) -> str | None:
    """The one team of these that the typed team means; None: it says nothing (a wrong team is no reason to refuse)."""
    meant = _teams_meant(text) & set(codes) if text else frozenset()
    return next(iter(meant)) if len(meant) == 1 else None


@lru_cache(maxsize=1024)  # a sheet names 32 teams, in every row
def _teams_meant(text: str) -> frozenset[str]:
    try:
        return frozenset(teams_named(text))
    except GameNotSettled:
        return frozenset()


def quoted(text: str) -> str:
    """What a person typed, for a message."""
    return repr(text if len(text) <= 60 else text[:60] + "…")
