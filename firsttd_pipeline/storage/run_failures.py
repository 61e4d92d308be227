"""Runs that failed, and why: a row per run in `run_failures`, open until a later run got past it.

A failure at an asset is cleared when that asset is made again for the season; one of the run itself (its process was
ended) when the job, or the nightly one, reaches the leaderboard again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, insert, select, update

from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import run_failures

LONGEST = 2000
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class RunFailure:
    """A run that failed: `step` is the asset, None where the run itself did; times are aware."""

    run_id: str
    job: str
    season: int | None
    step: str | None
    error: str
    happened_at: datetime
    cleared_at: datetime | None = None


def record(db: Database, failures: Sequence[RunFailure]) -> int:
    """Write the failures that are not there yet, secrets masked; returns how many were new."""
    if not failures:
        return 0
    with db.write() as conn:
        known = _known(conn, [failure.run_id for failure in failures])
        rows = [
            {**vars(failure), "error": mask_secrets(failure.error)[:LONGEST]}
            for failure in failures
            if failure.run_id not in known
        ]
        if rows:
            conn.execute(insert(run_failures), rows)
    return len(rows)


def known(db: Database, run_ids: Collection[str]) -> set[str]:
    """Those of the runs that stand in the table."""
    with db.read() as conn:
        return _known(conn, run_ids)


def open_failures(season: int | None = None) -> Select[Any]:
    """The failures that no later run got past (of a season), newest first."""
    table = run_failures.c
    query = (
        select(table.run_id, table.job, table.season, table.step, table.error, table.happened_at)
        .where(table.cleared_at.is_(None))
        .order_by(table.happened_at.desc(), table.id.desc())
    )
    return query if season is None else query.where(table.season == season)


def clear(db: Database, season: int, asset: str, job: str, now: datetime) -> None:
    """Mark what the making of `asset` for the season, just done by a run of `job`, got past. Mostly only a read."""
    table = run_failures.c
    with db.read() as conn:
        if conn.execute(select(table.id).where(_got_past(season, asset, job)).limit(1)).first() is None:
            return
    with db.write() as conn:
        conn.execute(update(run_failures).where(_got_past(season, asset, job)).values(cleared_at=now))


def _got_past(season: int, asset: str, job: str) -> ColumnElement[bool]:
    table = run_failures.c
    mended = table.step == asset
    if asset == "leaderboard":  # the last one: the run went through
        of_the_run = table.step.is_(None)
        mended = mended | (of_the_run if job == "nightly" else and_(of_the_run, table.job == job))
    return and_(table.season == season, table.cleared_at.is_(None), mended)


def _known(conn: Connection, run_ids: Collection[str]) -> set[str]:
    return set(conn.execute(select(run_failures.c.run_id).where(run_failures.c.run_id.in_(list(run_ids)))).scalars())
