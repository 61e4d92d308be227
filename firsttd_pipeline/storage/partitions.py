"""Writes of one season: each asset's table is made equal to the rows given, inside the caller's transaction.

Which rows a season has is decided in `domain/` and `refresh/`; how differences are written is `sync.py`. Here stands,
for each table, what names a row, which rows a season speaks for, and what becomes of those it no longer has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import Connection, delete, insert, select, update

from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.season import game_ids, pick_ids
from firsttd_pipeline.storage.sync import Counts, sync_partition


def write_rosters(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """A row that is no longer given is retired: picks and statistics may refer to it."""
    table = schema.rosters
    key = ("season", "team", "player_id")
    return sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="retire", now=now)


def write_roster_weeks(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The season's weeks on rosters, whole: nothing refers to them."""
    table = schema.roster_weeks
    key = ("season", "team", "player_id", "first_week")
    return sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="delete", now=now)


def write_games(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """A game that is no longer given stays; `mark_departed` says what became of it."""
    table = schema.games
    return sync_partition(conn, table, rows, key=("id",), scope=table.c.season == season, missing="keep", now=now)


def write_touchdowns(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """A touchdown that is no longer given was withdrawn upstream, and is deleted."""
    table = schema.touchdowns
    scope = table.c.game_id.in_(game_ids(season))
    return sync_partition(conn, table, rows, key=("game_id", "play_id"), scope=scope, missing="delete", now=now)


def write_records(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """Another file with the same plays is no reason to write."""
    table = schema.game_records
    return sync_partition(
        conn,
        table,
        rows,
        key=("game_id",),
        scope=table.c.season == season,
        missing="delete",
        now=now,
        ignore=("updated_at", "source_sha256"),
    )


def write_kickoffs(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """What was entered by hand (`decision`, a game without plays) stays."""
    table = schema.kickoff_decisions
    scope = table.c.game_id.in_(game_ids(season).where(schema.games.c.deleted_at.is_(None)))
    return sync_partition(conn, table, rows, key=("game_id",), scope=scope, missing="keep", now=now)


def write_ratings(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The season's ratings, whole."""
    table = schema.team_ratings
    key = ("team", "season", "week")
    return sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="delete", now=now)


def write_results(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The pipeline's own grades; `graded_at` is written only where the grade changes."""
    table = schema.results
    return sync_partition(
        conn,
        table,
        rows,
        key=("pick_id",),
        scope=table.c.pick_id.in_(pick_ids(season)) & (table.c.graded_by == "pipeline"),
        missing="delete",
        now=now,
        ignore=("id", "created_at", "graded_at"),
    )


def write_money_of_others(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The money of grades that the pipeline did not make; the grades themselves are given as they stand."""
    table = schema.results
    scope = table.c.pick_id.in_(pick_ids(season)) & (table.c.graded_by != "pipeline")
    return sync_partition(conn, table, rows, key=("pick_id",), scope=scope, missing="keep", now=now)


def write_statuses(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """Where the picks given stand; that of others stays. A standing goes with its pick."""
    table = schema.pick_status
    scope = table.c.pick_id.in_(pick_ids(season))
    return sync_partition(conn, table, rows, key=("pick_id",), scope=scope, missing="keep", now=now)


def write_player_stats(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The season's statistics, whole."""
    table = schema.player_stats
    key = ("season", "player_id")
    return sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="delete", now=now)


def write_leaderboard(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """The season's standings, whole."""
    table = schema.leaderboard
    key = ("season", "week", "user_id")
    return sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="delete", now=now)


def add_weeks(conn: Connection, weeks: pl.DataFrame) -> None:
    """Add weeks (season, week) that are not there yet."""
    if weeks.height:
        conn.execute(insert(schema.weeks), weeks.to_dicts())


# --- games that left the schedule -------------------------------------------------------------------------------------


def step_aside(conn: Connection, game_ids: Sequence[str]) -> None:
    """Make room for games whose id alone was renamed: week, home and away are unique, so the old rows step aside.

    Within the same transaction `follow` removes them.
    """
    table = schema.games
    for game_id in game_ids:
        conn.execute(update(table).where(table.c.id == game_id).values(away_team=table.c.away_team + "*"))


_MADE_FROM_PLAYS = (schema.touchdowns, schema.game_records)
_MADE_AGAIN = (*_MADE_FROM_PLAYS, schema.market_closings)
"""Not moved but made anew: a closing line is of one kickoff."""
_FOLLOWERS = [
    column
    for table in schema.metadata.sorted_tables
    for column in table.c
    if table not in _MADE_AGAIN and any(key.target_fullname == "games.id" for key in column.foreign_keys)
]
"""What belongs to a game whatever its id: picks, kickoffs (a decision may be entered by hand), prices."""


def follow(conn: Connection, moved: Mapping[str, str], renamed: Sequence[str]) -> dict[str, int]:
    """All that belongs to a game follows it from its old id to the new one; what is made from that is made again.

    `renamed` are old ids of games that are the same but for the id: their rows are removed. Returns the picks moved, by
    old id.
    """
    followed = {}
    for old, new in moved.items():
        for column in _FOLLOWERS:
            change = update(column.table).where(column == old).values({column.name: new})
            count = conn.execute(change).rowcount
            if column.table is schema.picks:
                followed[old] = count
        week = select(schema.games.c.week).where(schema.games.c.id == new).scalar_subquery()
        conn.execute(update(schema.market_odds).where(schema.market_odds.c.game_id == new).values(week=week))
        closing, pack = schema.market_closings, schema.market_closing_packs
        of = select(closing.c.season).where(closing.c.game_id == old)
        conn.execute(delete(pack).where(pack.c.season.in_(of)))
        conn.execute(delete(closing).where(closing.c.game_id == old))
    for old in renamed:
        for table in _MADE_FROM_PLAYS:
            conn.execute(delete(table).where(table.c.game_id == old))
        conn.execute(delete(schema.games).where(schema.games.c.id == old))
    return followed


def mark_departed(conn: Connection, statuses: Mapping[str, str], now: datetime) -> int:
    """Give games that left the schedule their status and the time of leaving; returns how many rows that changed."""
    table = schema.games
    return sum(
        conn.execute(
            update(table).where(table.c.id == game_id).values(status=status, deleted_at=now, updated_at=now)
        ).rowcount
        for game_id, status in statuses.items()
    )
