"""The real season of 2025 in a database, straight from the mirror: what tests of picks stand on."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import polars as pl
from sqlalchemy import insert

from firsttd_pipeline.domain.seasons import kickoff_expr, status_expr
from firsttd_pipeline.refresh.rosters import roster_weeks
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import games, rosters, weeks
from firsttd_pipeline.storage.schema import roster_weeks as roster_weeks_table
from firsttd_pipeline_tests.shared_data import MIRROR

SEASON = 2025
BEFORE = datetime(2025, 9, 1, 12, tzinfo=UTC)
"""Before the first kickoff of the season."""
AFTER = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""After its last game."""


@cache
def _game_rows(now: datetime) -> list[dict[str, object]]:
    schedule = pl.read_parquet(MIRROR / "schedules" / "games.parquet").filter(pl.col("season") == SEASON)
    played = pl.col("kickoff_at") <= now
    return (
        schedule.with_columns(kickoff_expr().alias("kickoff_at"))
        .with_columns(pl.when(played).then(pl.col(c)).alias(c) for c in ("home_score", "away_score"))
        .with_columns(status_expr(now).alias("status"))
        .select(
            pl.col("game_id").alias("id"),
            "season",
            "week",
            "game_type",
            pl.col("gameday").str.to_date().alias("game_date"),
            "kickoff_at",
            "home_team",
            "away_team",
            "home_score",
            "away_score",
            "status",
            pl.lit("nflverse").alias("source"),
        )
        .to_dicts()
    )


@cache
def _roster_rows() -> list[dict[str, object]]:
    return (
        pl.read_parquet(MIRROR / "rosters" / f"roster_{SEASON}.parquet")
        .filter(pl.col("gsis_id") != "")
        .select(
            "season",
            "team",
            pl.col("gsis_id").alias("player_id"),
            pl.col("full_name").alias("player_name"),
            "first_name",
            "last_name",
            "football_name",
            "position",
            pl.col("jersey_number").cast(pl.Int64),
            "status",
        )
        .to_dicts()
    )


def load_season(db: Database, now: datetime = BEFORE, *, with_rosters: bool = True) -> None:
    """Write the season's weeks and games as they stood at `now`, and its rosters."""
    rows = _game_rows(now)
    with db.write() as conn:
        numbers = sorted({int(str(row["week"])) for row in rows})
        conn.execute(insert(weeks), [{"season": SEASON, "week": week} for week in numbers])
        conn.execute(insert(games), rows)
        if with_rosters:
            conn.execute(insert(rosters), _roster_rows())


def load_roster_weeks(db: Database) -> None:
    """Write in which weeks each player was on which team, as `rosters` does every night."""
    weekly = pl.read_parquet(MIRROR / "weekly_rosters" / f"roster_weekly_{SEASON}.parquet")
    with db.write() as conn:
        conn.execute(insert(roster_weeks_table), roster_weeks(weekly.filter(pl.col("gsis_id") != "")).to_dicts())
