"""`kickoff_decisions`: who received each game's opening kickoff, and how the first drive ended."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.kickoffs import opening_kickoffs
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.storage.partitions import write_kickoffs
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import last_fetch


def refresh(league: League, season: int, now: datetime) -> Report:
    """Derive the season's opening kickoffs from the plays that `touchdowns` fetched; a decision by hand stays."""
    with league.db.read() as conn:
        source = last_fetch(conn, "pbp", season)
    if source is None:
        return Report("kickoff_decisions", season, Counts(), absence=f"no plays of {season} yet")
    rows = opening_kickoffs(league.client.read_plays(source))
    with league.db.write() as conn:
        current = Season(league.db, season, conn).current_games().select("game_id")
        rows = rows.join(current, on="game_id", how="semi")
        counts = write_kickoffs(conn, season, rows, now)
    report = Report("kickoff_decisions", season, counts, source=source, preview=rows.head(10))
    report.facts = {
        "games": rows.height,
        "first drive known": rows.filter(pl.col("result").is_not_null()).height,
    }
    return report
