"""The record of what was fetched: writes and reads of `sync_runs`, in the transaction that wrote the rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select

from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.sources.nflverse import Absent, SourceFile
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import sync_runs
from firsttd_pipeline.storage.sync import Counts


def record_fetch(conn: Connection, source: SourceFile, counts: Counts, rows_read: int, run_id: str | None) -> None:
    """Write the `sync_runs` row of a fetch, in the transaction that wrote its rows."""
    conn.execute(
        insert(sync_runs).values(
            dataset=source.dataset,
            season=source.season,
            url=mask_secrets(source.url),
            status="changed" if counts.changed else "unchanged",
            sha256=source.sha256,
            size_bytes=source.size_bytes,
            upstream_modified_at=source.modified_at,
            fetched_at=source.fetched_at,
            rows_read=rows_read,
            rows_inserted=counts.inserted,
            rows_updated=counts.updated,
            rows_unchanged=counts.unchanged,
            rows_retired=counts.retired,
            run_id=run_id,
        )
    )


def record_absence(conn: Connection, absent: Absent, now: datetime, run_id: str | None) -> None:
    """Write the `sync_runs` row of a source that has nothing for the season yet."""
    conn.execute(
        insert(sync_runs).values(
            dataset=absent.dataset,
            season=absent.season,
            url=mask_secrets(absent.url),
            status="absent",
            message=absent.reason,
            fetched_at=now,
            run_id=run_id,
        )
    )


def record_failure(
    db: Database, dataset: str, season: int, base_url: str, error: Exception, now: datetime, run_id: str | None
) -> None:
    """Write the `sync_runs` row of a fetch that failed, in a transaction of its own; never hides the first error."""
    try:
        with db.write() as conn:
            conn.execute(
                insert(sync_runs).values(
                    dataset=dataset,
                    season=season,
                    url=mask_secrets(base_url),
                    status="failed",
                    message=mask_secrets(str(error)),
                    fetched_at=now,
                    run_id=run_id,
                )
            )
    except Exception as second:
        error.add_note(f"(and the failure could not be recorded in sync_runs: {second})")


def last_absence(conn: Connection, dataset: str, season: int) -> str | None:
    """Why upstream had nothing of a dataset and season when it was last asked, or None."""
    row = conn.execute(
        select(sync_runs.c.status, sync_runs.c.message)
        .where(sync_runs.c.dataset == dataset, sync_runs.c.season == season, sync_runs.c.status != "failed")
        .order_by(sync_runs.c.id.desc())
        .limit(1)
    ).first()
    return str(row.message) if row is not None and row.status == "absent" else None


def last_fetch(conn: Connection, dataset: str, season: int) -> SourceFile | None:
    """The file that the last successful fetch of a dataset and season took, or None."""
    row = (
        conn.execute(
            select(sync_runs)
            .where(
                sync_runs.c.dataset == dataset,
                sync_runs.c.season == season,
                sync_runs.c.status.in_(("changed", "unchanged", "absent")),
            )
            .order_by(sync_runs.c.id.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    if row is None or row["status"] == "absent":
        return None
    return SourceFile(
        dataset=row["dataset"],
        season=row["season"],
        url=row["url"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        modified_at=row["upstream_modified_at"],
        fetched_at=row["fetched_at"],
    )
