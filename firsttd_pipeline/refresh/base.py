"""What every refresh shares: the open league, the report it returns, and the record of what was fetched.

A refresh is one asset's work without Dagster: fetch, decide, store in one transaction, report. The assets and the
benchmarks call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

import polars as pl
from sqlalchemy import Connection, insert, select

from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.sources.http import HttpClient, HttpPolicy
from firsttd_pipeline.sources.nflverse import Absent, NflverseClient, SourceFile
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import sync_runs
from firsttd_pipeline.storage.sync import Counts

ProgressCallback = Callable[[str, int, int | None], None]


class RefreshError(RuntimeError):
    """The refresh cannot go on, and a retry will not help; the message says what to do."""

    retry_helps = False


@dataclass
class Report:
    """What one refresh of one season did.

    Attributes:
        asset: name of the asset.
        season: the season.
        counts: rows inserted, updated, unchanged and retired in the asset's table.
        source: the file it was made from, where there is one.
        absence: why there is nothing to take, where that is legal.
        notes: sentences for the operator, most important first.
        facts: numbers for the metadata, by their label.
        preview: a few rows of the table for people.
        plot: gives what a picture of the table shows; called only where one is drawn.
    """

    asset: str
    season: int
    counts: Counts
    source: SourceFile | None = None
    absence: str | None = None
    notes: list[str] = field(default_factory=list)
    facts: dict[str, int | float | str] = field(default_factory=dict)
    preview: pl.DataFrame = field(default_factory=pl.DataFrame)
    plot: Callable[[], Plot] | None = None


@dataclass(frozen=True)
class AssetEvent:
    """What a terminal shows of an asset: `state` is started, finished or failed."""

    asset: str
    season: int
    state: str
    report: Report | None = None
    error: str = ""


class League:
    """The league, open: its settings, its database and its sources. A context manager; closes what it opened."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        client: NflverseClient,
        run_id: str | None = None,
        *,
        shared_client: bool = False,
    ) -> None:
        """`shared_client`: others go on reading with `client`, so closing leaves it what it has read."""
        self.settings = settings
        self.db = db
        self.client = client
        self.run_id = run_id
        self._shared_client = shared_client

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        run_id: str | None = None,
        progress: ProgressCallback | None = None,
        client: NflverseClient | None = None,
    ) -> League:
        """Open the league that `settings` name, its sources through `client` if one is given to share.

        Nothing is fetched, created or migrated here.
        """
        db = Database(settings.database, busy_timeout_s=settings.busy_timeout)
        shared = client is not None
        return cls(settings, db, client or open_client(settings, progress), run_id, shared_client=shared)

    def __enter__(self) -> League:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        if self._shared_client:
            self.client.http.close()
        else:
            self.client.close()
        self.db.close()


def open_client(settings: Settings, progress: ProgressCallback | None = None) -> NflverseClient:
    """nflverse at the address and under the policy of `settings`."""
    policy = HttpPolicy(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        download_timeout=settings.download_timeout,
        retries=settings.retries,
        backoff=settings.backoff,
    )
    return NflverseClient(settings.nflverse_url, HttpClient(policy, progress=progress), settings.raw_dir)


def utc_now() -> datetime:
    """The clock of the doors; everything behind them takes `now` as a parameter."""
    return datetime.now(UTC)


def record_fetch(conn: Connection, league: League, source: SourceFile, counts: Counts, rows_read: int) -> None:
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
            run_id=league.run_id,
        )
    )


def record_absence(conn: Connection, league: League, absent: Absent, now: datetime) -> None:
    """Write the `sync_runs` row of a source that has nothing for the season yet."""
    conn.execute(
        insert(sync_runs).values(
            dataset=absent.dataset,
            season=absent.season,
            url=mask_secrets(absent.url),
            status="absent",
            message=absent.reason,
            fetched_at=now,
            run_id=league.run_id,
        )
    )


def record_failure(league: League, dataset: str, season: int, error: Exception, now: datetime) -> None:
    """Write the `sync_runs` row of a fetch that failed, in a transaction of its own; never hides the first error."""
    try:
        with league.db.write() as conn:
            conn.execute(
                insert(sync_runs).values(
                    dataset=dataset,
                    season=season,
                    url=mask_secrets(league.settings.nflverse_url),
                    status="failed",
                    message=mask_secrets(str(error)),
                    fetched_at=now,
                    run_id=league.run_id,
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
