"""The frames that checks read: one season of a table, named as the quality rules name it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

import polars as pl
from sqlalchemy import select

from firsttd_pipeline.refresh.base import League
from firsttd_pipeline.storage import schema

Reader = Callable[[League, int], pl.DataFrame]
_held: ContextVar[dict[tuple[str, int], pl.DataFrame] | None] = ContextVar("frames read once", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Within it each frame is read once: the checks of one asset ask for the same few, one after the other."""
    token = _held.set({})
    try:
        yield
    finally:
        _held.reset(token)


def _reader(read: Reader) -> Reader:
    @wraps(read)
    def reader(league: League, season: int) -> pl.DataFrame:
        held = _held.get()
        if held is None:
            return read(league, season)
        key = (read.__name__, season)
        if key not in held:
            held[key] = read(league, season)
        return held[key]

    return reader


@_reader
def games(league: League, season: int) -> pl.DataFrame:
    """The season's games, `id` as `game_id`; those that left the schedule carry `deleted_at`."""
    return league.db.frame(select(schema.games).where(schema.games.c.season == season)).rename({"id": "game_id"})


@_reader
def rosters(league: League, season: int) -> pl.DataFrame:
    """The season's roster rows, retired ones too."""
    return league.db.frame(select(schema.rosters).where(schema.rosters.c.season == season))


@_reader
def touchdowns(league: League, season: int) -> pl.DataFrame:
    """The touchdowns of the season's games."""
    of_season = select(schema.games.c.id).where(schema.games.c.season == season)
    return league.db.frame(select(schema.touchdowns).where(schema.touchdowns.c.game_id.in_(of_season)))


def all_touchdowns(league: League, season: int) -> pl.DataFrame:
    """Game and play of the touchdowns that say they are of the season, or of none: also those without a game."""
    table = schema.touchdowns
    of_season = (table.c.season == season) | table.c.season.is_(None)
    return league.db.frame(select(table.c.game_id, table.c.play_id).where(of_season))


def game_ids(league: League) -> pl.DataFrame:
    """The ids of all games of all seasons, as `game_id`."""
    return league.db.frame(select(schema.games.c.id.label("game_id")))


@_reader
def records(league: League, season: int) -> pl.DataFrame:
    """How far the plays of the season's games reach."""
    return league.db.frame(select(schema.game_records).where(schema.game_records.c.season == season))


@_reader
def picks(league: League, season: int) -> pl.DataFrame:
    """The season's picks, `id` as `pick_id`, with status, reason, result and money."""
    query = (
        select(
            schema.picks.c.id.label("pick_id"),
            schema.picks.c.user_id,
            schema.picks.c.week_id,
            schema.weeks.c.week,
            schema.picks.c.game_id,
            schema.picks.c.player_id,
            schema.picks.c.player_name,
            schema.pick_status.c.status,
            schema.pick_status.c.reason,
            schema.pick_status.c.points,
            schema.pick_status.c.stake,
            schema.results.c.is_correct,
            schema.results.c.any_time_td,
            schema.results.c.actual_return.label("profit"),
            schema.results.c.id.label("result_id"),
        )
        .join(schema.weeks, schema.weeks.c.id == schema.picks.c.week_id)
        .outerjoin(schema.pick_status, schema.pick_status.c.pick_id == schema.picks.c.id)
        .outerjoin(schema.results, schema.results.c.pick_id == schema.picks.c.id)
        .where(schema.weeks.c.season == season)
    )
    return league.db.frame(query)


@_reader
def player_stats(league: League, season: int) -> pl.DataFrame:
    """The season's player statistics."""
    return league.db.frame(select(schema.player_stats).where(schema.player_stats.c.season == season))


@_reader
def leaderboard(league: League, season: int) -> pl.DataFrame:
    """The season's standings, total and weeks."""
    return league.db.frame(select(schema.leaderboard).where(schema.leaderboard.c.season == season))


@_reader
def team_ratings(league: League, season: int) -> pl.DataFrame:
    """The season's ratings."""
    return league.db.frame(select(schema.team_ratings).where(schema.team_ratings.c.season == season))


@_reader
def kickoffs(league: League, season: int) -> pl.DataFrame:
    """The opening kickoffs of the season's games."""
    of_season = select(schema.games.c.id).where(schema.games.c.season == season)
    return league.db.frame(select(schema.kickoff_decisions).where(schema.kickoff_decisions.c.game_id.in_(of_season)))
