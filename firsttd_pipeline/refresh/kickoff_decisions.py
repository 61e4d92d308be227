"""`kickoff_decisions`: who received each game's opening kickoff, and how the first drive ended."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy import select

from firsttd_pipeline.domain.kickoffs import opening_kickoffs
from firsttd_pipeline.refresh.base import League, Report, last_fetch
from firsttd_pipeline.storage.schema import games, kickoff_decisions
from firsttd_pipeline.storage.sync import Counts, sync_partition


def refresh(league: League, season: int, now: datetime) -> Report:
    """Derive the season's opening kickoffs from the plays that `touchdowns` fetched; a decision by hand stays."""
    with league.db.read() as conn:
        source = last_fetch(conn, "pbp", season)
    if source is None:
        return Report("kickoff_decisions", season, Counts(), absence=f"no plays of {season} yet")
    rows = opening_kickoffs(league.client.read_plays(source))
    with league.db.write() as conn:
        current = select(games.c.id).where(games.c.season == season, games.c.deleted_at.is_(None))
        rows = rows.join(league.db.frame(current, conn=conn), left_on="game_id", right_on="id", how="semi")
        counts = sync_partition(
            conn,
            kickoff_decisions,
            rows,
            key=("game_id",),
            scope=kickoff_decisions.c.game_id.in_(current),
            missing="keep",
            now=now,
        )
    report = Report("kickoff_decisions", season, counts, source=source, preview=rows.head(10))
    report.facts = {
        "games": rows.height,
        "first drive known": rows.filter(pl.col("result").is_not_null()).height,
    }
    return report
