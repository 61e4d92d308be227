"""Picks: taking one, understanding those that others wrote, listing and removing.

A pick's player is resolved before and without looking at who scored, among the players of its game's two teams.
Typed text is kept as typed; what was understood stands beside it. Files of picks are `pick_import.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.domain.odds import profit
from firsttd_pipeline.domain.players import Match, RosterIndex, normalise, parse_special
from firsttd_pipeline.domain.seasons import parse_game_id, playoff_week
from firsttd_pipeline.domain.sheets import (
    ROUNDS,
    GameNotSettled,
    OddsError,
    ScheduledGame,
    bad_character,
    check_odds,
    clean,
    parse_week,
    teams_named,
)
from firsttd_pipeline.domain.teams import canonical
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import Member, find_member
from firsttd_pipeline.storage.schema import games, pick_status, picks, results, rosters, users, weeks

MAX_TYPED: Final = 200
NO_TEAM: Final = "NONE"
"""`picks.team` of a no-touchdown pick: the column allows no null, and the pick has no team."""

_LEAGUE_CLOCK: Final = ZoneInfo("America/New_York")
_ROSTER_COLUMNS: Final = (
    "player_id",
    "player_name",
    "first_name",
    "last_name",
    "football_name",
    "team",
    "position",
    "jersey_number",
)

Kind = Literal["player", "dst", "no_td"]


class PickRefused(ValueError):
    """The pick cannot be taken; the message says why. `candidates` are the players it could mean."""

    def __init__(self, reason: str, candidates: Iterable[str] = ()) -> None:
        self.reason = reason
        self.candidates = tuple(candidates)
        shown = f" Candidates: {', '.join(self.candidates)}." if self.candidates else ""
        super().__init__(f"{reason}{shown}")


class GameRefused(PickRefused):
    """There is no such week or game, or it is not to be played."""


class NameNotUnderstood(PickRefused):
    """The typed player is unknown or ambiguous."""


class DuplicatePick(PickRefused):
    """The member has this pick already; `pick_id` is that one's (None where only the database knew)."""

    def __init__(self, reason: str, pick_id: int | None = None) -> None:
        super().__init__(reason)
        self.pick_id = pick_id


class LatePick(PickRefused):
    """The game has begun and no reason for a late pick was given."""


class NoSuchPick(PickRefused):
    """There is no pick with this id."""


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
    """What a typed player means: in which game, of which team, with which id."""

    kind: Kind
    player_id: str
    player_name: str
    team: str
    position: str | None
    game: Game


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick as it was stored."""

    id: int
    member: str
    season: int
    week: int
    typed: str
    odds: float | None
    late_reason: str | None
    understood: Understood


def _frame(conn: Connection, query: Any, schema: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in conn.execute(query)], schema=dict(schema), orient="row")


class SeasonBook:
    """A season's games and rosters, read once: turns typed games and players into ids."""

    def __init__(self, season: int, season_games: Sequence[Game], roster: pl.DataFrame) -> None:
        self.season = season
        self.games = {game.id: game for game in season_games}
        self._roster = roster

    @classmethod
    def load(cls, conn: Connection, season: int) -> SeasonBook:
        """Read the season. A retired roster row counts (the player was there), after the current ones."""
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
        season_games = [
            Game(r.id, r.season, r.week, r.week_id, _code(r.away_team), _code(r.home_team), *tuple(r)[6:])
            for r in conn.execute(query)
        ]
        roster = _frame(
            conn,
            select(*(rosters.c[name] for name in _ROSTER_COLUMNS))
            .where(rosters.c.season == season)
            .order_by(rosters.c.retired_at.is_not(None), rosters.c.id),
            dict.fromkeys(_ROSTER_COLUMNS, pl.String) | {"jersey_number": pl.Int64},
        )
        codes = {team: _code(team) for team in roster["team"].unique()}
        return cls(season, season_games, roster.with_columns(pl.col("team").replace(codes)))

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
            raise GameRefused(f"{_quoted(str(week))} is no week: a week is a number or {', '.join(ROUNDS)}.")
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
        game = self.games.get(game_id) or self._game_by_parts(game_id)
        if game is None:
            raise GameRefused(f"The season {self.season} has no game {_quoted(game_id)}.")
        if week is not None and self.week_number(week) != game.week:
            raise GameRefused(f"{game.id} is in week {game.week}, not in week {self.week_number(week)}.")
        if not game.open:
            what = "left the schedule" if game.deleted_at else "is cancelled"
            raise GameRefused(f"{game.id} {what} ({game.status}): no pick can be made on it.")
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

    def understand(self, request: PickRequest) -> Understood:
        """The game and the player that the request means.

        Raises:
            GameRefused: no such week or game.
            NameNotUnderstood: the player is unknown or ambiguous there; candidates are given.
        """
        return self._understand(request, self._games_of(request))

    def understand_in(self, game: Game, typed: str, team: str | None) -> Understood:
        """The player that a pick already written on this game means, whatever became of the game.

        Raises:
            NameNotUnderstood: unknown or ambiguous.
        """
        return self._understand(PickRequest("", typed, team=team), [game], hints=False)

    def _understand(self, request: PickRequest, found: Sequence[Game], *, hints: bool = True) -> Understood:
        codes = tuple(team for game in found for team in game.teams)
        special = parse_special(request.player, codes)
        if special == "NO_TD":
            if len(found) != 1:
                raise GameRefused("A no-touchdown pick needs its game: give the game, or week and team.")
            team = _preferred(request.team, codes) if request.team else None
            return Understood("no_td", "NO_TD", "No touchdown", team or NO_TEAM, None, found[0])
        if special is not None:
            team = special.removeprefix("DST:")
            game = next((game for game in found if team in game.teams), None)
            if game is None:
                names = [f"{code} D/ST" for code in codes[:6]]
                raise NameNotUnderstood(f"{team} does not play in {self._where(found)}.", names)
            return Understood("dst", special, f"{team} D/ST", team, "DST", game)
        match = self._match(request, found, codes, hints)
        game = next(game for game in found if match.team in game.teams)
        return Understood("player", match.player_id, match.player_name, match.team, match.position, game)

    def _match(self, request: PickRequest, found: Sequence[Game], codes: tuple[str, ...], hints: bool) -> Match:
        if not self.has_roster:
            raise NameNotUnderstood(f"The rosters of {self.season} are not here yet: no player can be understood.")
        preferred = _preferred(request.team, codes)
        outcome = self._index.match(request.player, preferred, teams=set(codes))
        if isinstance(outcome, Match):
            return outcome
        if outcome.reason == "ambiguous" and request.position:
            position = request.position.strip().upper()
            narrowed = [candidate for candidate in outcome.candidates if candidate.position == position]
            if len(narrowed) == 1:
                return narrowed[0]
        where = self._where(found)
        typed = _quoted(request.player)
        if outcome.reason == "ambiguous":
            raise NameNotUnderstood(f"{typed} can be several players in {where}.", _labels(outcome.candidates))
        # a name of one word is nobody's full name: no use to look for it in the whole season
        elsewhere = self._index.match(request.player) if hints and " " in request.player else None
        if isinstance(elsewhere, Match):
            where = f"neither roster of {where}" if len(found) == 1 else f"no roster of {where}"
            raise NameNotUnderstood(f"{typed} is on {where}.", _labels([elsewhere]))
        raise NameNotUnderstood(f"No player in {where} is called {typed}.", _labels(outcome.candidates))

    @cached_property
    def _index(self) -> RosterIndex:
        """The season's players by name, built once: normalising their names costs more than all the looking up."""
        return RosterIndex(self._roster.unique(["team", "player_id"], keep="first", maintain_order=True))

    @staticmethod
    def _where(found: Sequence[Game]) -> str:
        if len(found) == 1:
            return found[0].id
        return f"week {found[0].week}" if found else "that week"


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


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")


def _labels(candidates: Iterable[Match]) -> list[str]:
    """The candidates for people, at most eight."""
    labels = [candidate.label for candidate in candidates]
    return labels[:8] + ([f"and {len(labels) - 8} more"] if len(labels) > 8 else [])


# --- taking a pick ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExistingPick:
    """What finding a duplicate has to know of a pick that is there."""

    id: int
    user_id: int
    week_id: int
    player_name: str
    player_id: str | None
    game_id: str | None
    odds: float | None


def existing_picks(
    conn: Connection, season: int, *, user_ids: Sequence[int] | None = None, week_id: int | None = None
) -> dict[tuple[int, int], list[ExistingPick]]:
    """The season's picks (of these members, of this week) by member and week."""
    query = (
        select(
            picks.c.id,
            picks.c.user_id,
            picks.c.week_id,
            picks.c.player_name,
            picks.c.player_id,
            picks.c.game_id,
            case((picks.c.odds_placeholder, None), else_=picks.c.odds).label("odds"),
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(weeks.c.season == season)
        .order_by(picks.c.id)
    )
    if user_ids is not None and len(user_ids) <= 500:
        query = query.where(picks.c.user_id.in_(user_ids))
    if week_id is not None:
        query = query.where(picks.c.week_id == week_id)
    found: dict[tuple[int, int], list[ExistingPick]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.user_id, row.week_id].append(ExistingPick(*row))
    return found


def twin_of(existing: Iterable[ExistingPick], typed: str, understood: Understood) -> ExistingPick | None:
    """The pick among a member's picks of the week that is the same however typed, else one typed the very same."""
    existing = list(existing)
    for pick in existing:
        if pick.player_id == understood.player_id:
            return pick
        if pick.player_id is None and normalise(str(pick.player_name)) == normalise(typed):
            return pick
    return next((pick for pick in existing if pick.player_name == typed), None)


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


def checked_late(game: Game, now: datetime, late_reason: str | None) -> str | None:
    """The reason to keep with the pick: None where the game has not begun.

    Raises:
        LatePick: the game has begun and there is no reason, or none that can be stored.
    """
    if not game.begun(now):
        return None
    reason = clean(late_reason or "")
    if not reason:
        at = f" at {game.kickoff_at:%Y-%m-%d %H:%M} UTC" if game.kickoff_at else f" on {game.game_date}"
        raise LatePick(f"{game.id} kicked off{at}: give --late REASON to take a pick after that.")
    if code := bad_character(reason):
        raise LatePick(f"The reason for a late pick holds the character {code}.")
    if len(reason) > MAX_TYPED:
        raise LatePick(f"The reason for a late pick has at most {MAX_TYPED} characters.")
    return reason


def theoretical_return(odds: float | None, stake: float) -> float | None:
    """What a win would bring in units, as the old application's column means it: odds 900 on 1 unit are 9.0."""
    return None if odds is None else profit(odds, stake)


def pick_values(
    member: Member,
    typed: str,
    understood: Understood,
    *,
    odds: float | None,
    late_reason: str | None,
    now: datetime,
    source: str,
    default_stake: float,
) -> dict[str, Any]:
    """The row of `picks`."""
    return {
        "user_id": member.id,
        "week_id": understood.game.week_id,
        "team": understood.team,
        "player_name": typed,
        "odds": odds,
        "theoretical_return": theoretical_return(odds, member.base_bet or default_stake),
        "created_at": now,
        "game_id": understood.game.id,
        "kind": understood.kind,
        "player_id": understood.player_id,
        "position": understood.position,
        "odds_placeholder": False,
        "source": source,
        "late_reason": late_reason,
    }


def refused_by_database(error: IntegrityError, who: str) -> PickRefused:
    """A refused write as a sentence: which rule, on either database."""
    text = str(error.orig)
    if "player_id" in text and ("UNIQUE" in text or "uq_picks" in text):
        return DuplicatePick(f"{who} has this player in that week already.")
    if "player_name" in text and ("UNIQUE" in text or "uq_picks" in text):
        return DuplicatePick(f"{who} has a pick typed the very same in that week already.")
    return PickRefused(f"The database refused the pick of {who}: {text.splitlines()[0]}")


def add_pick(
    db: Database,
    request: PickRequest,
    *,
    season: int,
    now: datetime,
    default_stake: float = 1.0,
    source: str = "cli",
) -> Pick:
    """Take one pick, in one transaction.

    Args:
        db: the league's database, with the season's schedule and rosters.
        request: what the person gave.
        season: the season of week and game.
        now: aware; decides whether the pick is late.
        default_stake: units on a pick of a member without a base bet.
        source: `picks.source`.

    Raises:
        NoSuchMember: no such member.
        GameRefused, NameNotUnderstood, DuplicatePick, LatePick, PickRefused: why it is not taken.
    """
    typed = checked_typed(request.player)
    odds = checked_odds(request.odds)
    with db.write() as conn:
        member = find_member(conn, request.member)
        book = SeasonBook.load(conn, season)
        if not book.games:
            raise GameRefused(f"The schedule of {season} is not here yet: run `firsttd nightly` for that season first.")
        understood = book.understand(request)
        game = understood.game
        mine = existing_picks(conn, season, user_ids=[member.id], week_id=game.week_id)[member.id, game.week_id]
        if twin := twin_of(mine, typed, understood):
            raise DuplicatePick(described_twin(member, game.week, twin, understood), twin.id)
        late_reason = checked_late(game, now, request.late_reason)
        values = pick_values(
            member,
            typed,
            understood,
            odds=odds,
            late_reason=late_reason,
            now=now,
            source=source,
            default_stake=default_stake,
        )
        try:
            pick_id = conn.execute(insert(picks).values(values).returning(picks.c.id)).scalar_one()
        except IntegrityError as error:
            raise refused_by_database(error, member.name) from error
    return Pick(pick_id, member.name, season, game.week, typed, odds, late_reason, understood)


def checked_odds(odds: float | None) -> float | None:
    """American odds or None.

    Raises:
        PickRefused: not American odds.
    """
    try:
        return None if odds is None else check_odds(float(odds), f"{odds:g}")
    except OddsError as error:
        raise PickRefused(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def described_twin(member: Member, week: int, twin: ExistingPick, understood: Understood) -> str:
    """Why a pick is refused beside one that is there."""
    typed = _quoted(twin.player_name)
    if twin.player_id not in (None, understood.player_id):
        return (
            f"{member.name} has a pick typed {typed} in week {week} already (pick {twin.id}), of another player: "
            f"type this one differently, e.g. with the team in --team and the full name."
        )
    odds = f"odds {twin.odds:+g}" if isinstance(twin.odds, float) else "unknown odds"
    return (
        f"{member.name} has {understood.player_name} in week {week} already: pick {twin.id}, typed {typed}, "
        f"{odds}{f', {twin.game_id}' if twin.game_id else ''}."
    )


# --- understanding what others wrote ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnderstandCounts:
    """What `understand_picks` did with the season's picks that had no player_id.

    Attributes:
        examined: picks looked at.
        understood: picks given a player_id.
        without_game: picks left because they have no game.
        not_understood: picks left because the name is unknown or ambiguous in their game, by pick id.
        collisions: picks left because the member has that player that week in another pick, by pick id.
    """

    examined: int = 0
    understood: int = 0
    without_game: int = 0
    not_understood: Mapping[int, str] = field(default_factory=dict)
    collisions: Mapping[int, str] = field(default_factory=dict)


def understand_picks(conn: Connection, season: int) -> UnderstandCounts:
    """Give the season's picks that were written without a player_id theirs, by the same matching as `add_pick`.

    Runs inside the caller's transaction. Never raises for what a pick holds: what does not match stays null, and of two
    picks of one member and week that mean the same player the earlier (or the one already understood) has it.
    """
    query = (
        select(picks.c.id, picks.c.user_id, picks.c.week_id, picks.c.player_name, picks.c.team, picks.c.game_id)
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(weeks.c.season == season, picks.c.player_id.is_(None))
        .order_by(picks.c.id)
    )
    rows = conn.execute(query).all()
    if not rows:
        return UnderstandCounts()
    with_game = [row for row in rows if row.game_id is not None]
    book = SeasonBook.load(conn, season)
    not_understood: dict[int, str] = {}
    meant: list[tuple[Any, Understood]] = []
    answers: dict[tuple[str, str, str], Understood | str] = {}
    for row in with_game:
        key = (row.game_id, row.player_name, row.team)
        if key not in answers:
            answers[key] = _understand_written(book, *key)
        answer = answers[key]
        if isinstance(answer, str):
            not_understood[row.id] = answer
        else:
            meant.append((row, answer))
    updates, collisions = _without_collisions(conn, season, meant)
    _write_understood(conn, updates, collisions)
    return UnderstandCounts(len(rows), len(updates), len(rows) - len(with_game), not_understood, collisions)


def _understand_written(book: SeasonBook, game_id: str, typed: object, team: object) -> Understood | str:
    """The player of a written pick, or why not. Unlike a new pick, its game may be over or gone."""
    game = book.games.get(game_id)
    if game is None:
        return f"{game_id} is no game of {book.season}"
    if not isinstance(typed, str):
        return "the player is no text"
    try:
        return book.understand_in(game, checked_typed(typed), team if isinstance(team, str) else None)
    except PickRefused as error:
        return str(error)


def _without_collisions(
    conn: Connection, season: int, meant: Sequence[tuple[Any, Understood]]
) -> tuple[list[dict[str, Any]], dict[int, str]]:
    if not meant:
        return [], {}
    user_ids = sorted({row.user_id for row, _ in meant})
    taken = {
        (user_id, week_id, pick.player_id): pick.id
        for (user_id, week_id), found in existing_picks(conn, season, user_ids=user_ids).items()
        for pick in found
        if pick.player_id is not None
    }
    updates: list[dict[str, Any]] = []
    collisions: dict[int, str] = {}
    for row, understood in meant:
        key = (row.user_id, row.week_id, understood.player_id)
        other = taken.setdefault(key, row.id)
        if other != row.id:
            collisions[row.id] = f"{understood.player_name} is pick {other} of the same member and week already"
            continue
        updates.append(
            {
                "b_id": row.id,
                "player_id": understood.player_id,
                "kind": understood.kind,
                "position": understood.position,
                "team": row.team if understood.kind == "no_td" else understood.team,
            }
        )
    return updates, collisions


def _write_understood(conn: Connection, updates: list[dict[str, Any]], collisions: dict[int, str]) -> None:
    """Write all at once; where the database still refuses (a pick written meanwhile), one by one, leaving that one."""
    if not updates:
        return
    statement = (
        update(picks)
        .where(picks.c.id == bindparam("b_id"), picks.c.player_id.is_(None))
        .values({name: bindparam(name) for name in ("player_id", "kind", "position", "team")})
    )
    try:
        with conn.begin_nested():
            conn.execute(statement, updates)
    except IntegrityError:
        for values in list(updates):
            try:
                with conn.begin_nested():
                    conn.execute(statement, values)
            except IntegrityError as error:
                updates.remove(values)
                collisions[values["b_id"]] = f"the database refused it: {str(error.orig).splitlines()[0]}"


# --- listing and removing ---------------------------------------------------------------------------------------------


def list_picks(
    db: Database,
    *,
    season: int | None = None,
    week: int | None = None,
    member: str | None = None,
    game_id: str | None = None,
    status: str | None = None,
    pick_id: int | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """The picks that pass every filter given, by season, week, member and id.

    Columns: pick_id, member, season, week, game_id, typed, player (as understood; null: not), player_id, kind, team,
    position, odds, status (`pending` where it was never graded), reason, finality, any_time_td, scorer, points, stake
    and profit in units, late_reason, source.

    Raises:
        NoSuchMember: a member is asked for who is none.
    """
    named = (
        select(func.min(rosters.c.player_name))
        .where(rosters.c.season == weeks.c.season, rosters.c.player_id == picks.c.player_id)
        .correlate(weeks, picks)
        .scalar_subquery()
    )
    query = (
        select(
            picks.c.id.label("pick_id"),
            users.c.name.label("member"),
            weeks.c.season,
            weeks.c.week,
            picks.c.game_id,
            picks.c.player_name.label("typed"),
            named.label("player"),
            picks.c.player_id,
            picks.c.kind,
            picks.c.team,
            picks.c.position,
            picks.c.odds,
            func.coalesce(pick_status.c.status, "pending").label("status"),
            pick_status.c.reason,
            pick_status.c.finality,
            results.c.any_time_td,
            results.c.actual_scorer.label("scorer"),
            pick_status.c.points,
            pick_status.c.stake,
            results.c.actual_return.label("profit"),
            picks.c.late_reason,
            picks.c.source,
        )
        .join(users, users.c.id == picks.c.user_id)
        .join(weeks, weeks.c.id == picks.c.week_id)
        .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
        .outerjoin(results, results.c.pick_id == picks.c.id)
        .order_by(weeks.c.season, weeks.c.week, users.c.name, picks.c.id)
    )
    if season is not None:
        query = query.where(weeks.c.season == season)
    if week is not None:
        query = query.where(weeks.c.week == week)
    if member is not None:
        with db.read() as conn:
            query = query.where(picks.c.user_id == find_member(conn, member).id)
    if game_id is not None:
        query = query.where(picks.c.game_id == game_id)
    if status is not None:
        query = query.where(func.coalesce(pick_status.c.status, "pending") == status)
    if pick_id is not None:
        query = query.where(picks.c.id == pick_id)
    if limit is not None:
        query = query.limit(limit)
    never_graded = (pl.col("status") == "pending") & pl.col("reason").is_null()
    return db.frame(query).with_columns(
        pl.when(pl.col("kind") == "dst")
        .then(pl.col("player_id").str.strip_prefix("DST:") + " D/ST")
        .when(pl.col("kind") == "no_td")
        .then(pl.lit("No touchdown"))
        .otherwise("player")
        .alias("player"),
        pl.when(never_graded).then(pl.lit("not graded yet")).otherwise("reason").alias("reason"),
    )


def remove_pick(db: Database, pick_id: int) -> dict[str, Any]:
    """Remove a pick and, with it, its grade; returns the row as `list_picks` gave it, so that it can be told.

    Raises:
        NoSuchPick: there is none.
    """
    found = list_picks(db, pick_id=pick_id)
    with db.write() as conn:
        gone = conn.execute(delete(picks).where(picks.c.id == pick_id)).rowcount
    if not gone or found.is_empty():
        raise NoSuchPick(f"There is no pick {pick_id}.")
    return found.row(0, named=True)
