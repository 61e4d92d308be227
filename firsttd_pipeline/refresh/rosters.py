"""`rosters`: who was on which team in a season, by gsis_id. A row that upstream lost is retired, not deleted."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent
from firsttd_pipeline.storage.partitions import write_rosters
from firsttd_pipeline.storage.quarantine import set_aside
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import record_absence, record_fetch


def refresh(league: League, season: int, now: datetime) -> Report:
    """Bring the season's rosters up to date, in one transaction.

    Raises:
        SourceError: the roster could not be fetched or is not what it should be.
    """
    try:
        fetched = league.client.rosters(season, now)
    except SourceError as error:
        league.fetch_failed("rosters", season, error, now)
        raise
    if isinstance(fetched, Absent):
        with league.db.write() as conn:
            record_absence(conn, fetched, now, league.run_id)
        return Report("rosters", season, Counts(), absence=fetched.reason)
    rows = roster_rows(fetched.frame)
    with league.db.write() as conn:
        counts = write_rosters(conn, season, rows, now)
        left_out = set_aside(
            conn,
            "rosters",
            season,
            fetched.left_out,
            key=("full_name", "team"),
            reason="no id or no name upstream: the player cannot be told from others",
            source=fetched.source.url,
            now=now,
        )
        record_fetch(conn, fetched.source, counts, fetched.frame.height, league.run_id)
    report = Report("rosters", season, counts, source=fetched.source, preview=_preview(rows))
    known = rows.filter(pl.col("position").is_not_null()).height
    report.facts = {
        "players": rows["player_id"].n_unique(),
        "teams": rows["team"].n_unique(),
        "rows without a position": rows.height - known,
        "rows in quarantine": left_out,
    }
    return report


def roster_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """nflverse's roster rows as rows of `rosters` (without id, retired_at and times)."""
    return frame.select(
        pl.col("season").cast(pl.Int64),
        "team",
        pl.col("gsis_id").alias("player_id"),
        pl.col("full_name").alias("player_name"),
        "first_name",
        "last_name",
        "football_name",
        "position",
        pl.col("jersey_number").cast(pl.Int64),
        "status",
    ).sort("team", "player_id")


def _preview(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("team", "player_name", "position", "jersey_number", "status", "player_id").head(10)
