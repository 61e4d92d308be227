"""What every refresh shares: the open league, the report it returns, and the record of what was fetched.

A refresh is one asset's work without Dagster: fetch, decide, store in one transaction, report. The assets and the
benchmarks call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType

import polars as pl

from firsttd_pipeline.domain.markets import Source
from firsttd_pipeline.reports.plots import Picture
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.sources.http import HttpClient, HttpPolicy
from firsttd_pipeline.sources.nflverse import NflverseClient, SourceFile
from firsttd_pipeline.sources.venues import Venue, open_venue
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import record_failure

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
        tables: numbers that belong together, by their label: a row each thing, columns as people call them.
        preview: a few rows of the table for people.
        plot: gives what a picture of the table shows, or several; called only where they are drawn.
        undrawn: why there is no picture, where one could be.
    """

    asset: str
    season: int
    counts: Counts
    source: SourceFile | None = None
    absence: str | None = None
    notes: list[str] = field(default_factory=list)
    facts: dict[str, int | float | str] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    preview: pl.DataFrame = field(default_factory=pl.DataFrame)
    plot: Callable[[], Picture | Sequence[Picture]] | None = None
    undrawn: str = ""


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
        venues: Callable[[Source], Venue] | None = None,
    ) -> None:
        """`shared_client`: others go on reading with `client`, so closing leaves it what it has read.

        `venues` opens a market venue for one run; default: as the settings say.
        """
        self.settings = settings
        self.db = db
        self.client = client
        self.run_id = run_id
        self.uses_what_is_there = False
        """Nothing new is asked of upstream where a file was fetched before: only the league itself has changed."""
        self.venues: Callable[[Source], Venue] = venues or self._open_venue
        self._shared_client = shared_client

    def _open_venue(self, source: Source) -> Venue:
        return open_venue(source, self.settings, progress=self.client.http.progress)

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

    def fetch_failed(self, dataset: str, season: int, error: Exception, now: datetime) -> None:
        """Record in `sync_runs` that a fetch failed; the caller raises the error."""
        record_failure(self.db, dataset, season, self.settings.nflverse_url, error, now, self.run_id)

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
