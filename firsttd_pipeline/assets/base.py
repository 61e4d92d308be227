"""What every asset shares: the league as a resource, failures that say whether a retry helps, and a report as metadata.

An asset fetches, decides, stores and reports through its `refresh` module; the code here only speaks Dagster.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl
from sqlalchemy import Table

from firsttd_pipeline.automation.jobs import FROM_WHAT_IS_THERE
from firsttd_pipeline.automation.partitions import season_of, season_partitions
from firsttd_pipeline.automation.runs import process_tag
from firsttd_pipeline.checks import CHECKS, Check
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh.base import (
    AssetEvent,
    League,
    ProgressCallback,
    RefreshError,
    Report,
    open_client,
    utc_now,
)
from firsttd_pipeline.reports.plots import as_markdown
from firsttd_pipeline.settings import Settings, load_settings
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import NflverseClient
from firsttd_pipeline.storage import run_failures
from firsttd_pipeline.storage.engine import StorageError
from firsttd_pipeline.storage.season import Season, count_rows

OWNERS = ["team:first-td-ops"]
Refresh = Callable[[League, int, datetime], Report]


class LeagueSource:
    """The resource that opens the league for one run. Settings are read when a run starts, never at import."""

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = utc_now,
        *,
        listener: Callable[[AssetEvent], None] | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._progress = progress
        self._client: tuple[Settings, NflverseClient] | None = None
        self._told_where = ""
        self.clock = clock

    def tell(self, event: AssetEvent) -> None:
        """Let the door that started the run show what happens."""
        if self._listener:
            self._listener(event)

    def say_where(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Tag the run with its process, once: a run whose process is gone can then be told from one that works."""
        if self._told_where != run_id:
            instance.add_run_tags(run_id, process_tag(run_id))
            self._told_where = run_id

    @property
    def settings(self) -> Settings:
        """The settings given, or those of the environment now."""
        return self._settings or load_settings()

    def open(self, run_id: str, job: str = "") -> League:
        """Open the league for a run of `job`, and refuse a database that is not at this version."""
        settings = self.settings
        league = League.open(settings, run_id=run_id, client=self._shared_client(settings))
        league.uses_what_is_there = job in FROM_WHAT_IS_THERE
        try:
            league.db.require_current()
        except Exception:
            league.close()
            raise
        return league

    def _shared_client(self, settings: Settings) -> NflverseClient:
        """One client for the assets of a run: what one of them fetched and parsed, the next need not read again."""
        if self._client is None or self._client[0] != settings:
            self._client = settings, open_client(settings, self._progress)
        return self._client[1]


def define_asset(
    name: str,
    *,
    table: Table,
    refresh: Refresh,
    description: str,
    group: str,
    kinds: set[str] | None = None,
    deps: Sequence[str] = (),
    op_tags: Mapping[str, str] | None = None,
    in_job: Mapping[str, Refresh] | None = None,
    appends: bool = False,
) -> dg.AssetsDefinition:
    """The asset `name` over `table`: its work is `refresh`, its checks are what `checks/` lists under its name.

    `op_tags` say when a run does it among all that it could do next; `in_job` names jobs in which its work is another;
    a table that only `appends` counts the season's rows anew: a run has looked at some of them.
    """

    @dg.asset(
        name=name,
        description=description,
        deps=list(deps),
        group_name=group,
        kinds={"python", "sql"} | (kinds or set()),
        owners=OWNERS,
        partitions_def=season_partitions,
        metadata={"dagster/table_name": table.name, "dagster/column_schema": column_schema(table)},
        op_tags=dict(op_tags or {}),
        check_specs=[
            dg.AssetCheckSpec(check.name, asset=name, description=check.description, blocking=check.blocking)
            for check in CHECKS[name]
        ],
    )
    def asset(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]):  # type: ignore[no-untyped-def]
        # Dagster reads a return annotation as the outputs, and an asset with checks has several.
        work = (in_job or {}).get(context.run.job_name, refresh)
        return materialize(context, league, table, work, appends=appends)

    return asset


def column_schema(table: Table) -> dg.TableSchema:
    """The table's columns as the UI shows them, from the one truth in `storage/schema.py`."""
    columns = []
    for column in table.columns:
        constraints = dg.TableColumnConstraints(
            nullable=bool(column.nullable),
            unique=bool(column.primary_key),
            other=[f"→ {key.target_fullname}" for key in column.foreign_keys],
        )
        columns.append(
            dg.TableColumn(
                column.name, type=str(column.type), description=column.comment or None, constraints=constraints
            )
        )
    described = [f"{c.name}: {c.sqltext}" for c in table.constraints if hasattr(c, "sqltext")]
    return dg.TableSchema(columns, constraints=dg.TableConstraints(other=described) if described else None)


def materialize(
    context: dg.AssetExecutionContext, source: LeagueSource, table: Table, refresh: Refresh, *, appends: bool = False
) -> dg.MaterializeResult[Any]:
    """Run one refresh for the run's season, then the asset's checks, and report both.

    Raises:
        dagster.Failure: says what happened and what to do; `allow_retries` only where a retry can help.
    """
    season = season_of(context.partition_key)
    now = source.clock()
    name = context.asset_key.to_user_string()
    source.tell(AssetEvent(name, season, "started"))
    source.say_where(context.instance, context.run.run_id)
    try:
        with source.open(context.run.run_id, context.run.job_name) as league:
            report = refresh(league, season, now)
            run_failures.clear(league.db, season, name, context.run.job_name, now)
            stored = Season(league.db, season, once=True, rules=league.settings.rules)
            results = [_check_result(check, stored, now) for check in CHECKS[report.asset]]
            total = count_rows(league.db, table)
            of_season = count_rows(league.db, table, season) if appends else None
    except (SourceError, StorageError, RefreshError) as error:
        source.tell(AssetEvent(name, season, "failed", error=str(error)))
        raise failure(error) from error
    source.tell(AssetEvent(name, season, "finished", report))
    for note in report.notes:
        context.log.info(note)
    if report.absence:
        context.log.info(f"Nothing to take for {season}: {report.absence}")
    metadata = report_metadata(report, table, total)
    if of_season is not None:
        metadata["dagster/partition_row_count"] = of_season
    if report.plot and "plot" not in metadata and (drawn := _last_plot(context)):
        metadata["plot"] = drawn
    return dg.MaterializeResult(metadata=metadata, check_results=results)


def failure(error: SourceError | StorageError | RefreshError) -> dg.Failure:
    """The error as Dagster's Failure: the message an operator reads, and whether trying again helps."""
    helps = error.retry_helps
    return dg.Failure(
        description=str(error),
        metadata={"kind": type(error).__name__, "a retry helps": helps},
        allow_retries=helps,
    )


def report_metadata(report: Report, table: Table, total: int) -> dict[str, Any]:
    """What the UI shows of a report, in the order of an operator's questions: is something amiss, what changed, what
    is in it, where is it from.
    """
    counts = report.counts
    metadata: dict[str, Any] = {}
    if report.absence:
        metadata["absent"] = report.absence
    if report.notes:
        metadata["notes"] = dg.MetadataValue.md("\n".join(f"* {markdown_text(note)}" for note in report.notes))
    metadata |= {name: preview_table(table) for name, table in report.tables.items() if table.height}
    metadata |= {
        "dagster/row_count": total,
        "dagster/partition_row_count": counts.inserted + counts.updated + counts.unchanged,
        "inserted": counts.inserted,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "retired": counts.retired,
    }
    metadata |= report.facts
    if report.preview.height:
        metadata["preview"] = preview_table(report.preview)
    if report.plot and counts.changed:  # a picture of what is as it was costs more than the comparison
        metadata["plot"] = dg.MetadataValue.md(as_markdown(report.plot()))
    if report.undrawn and not report.plot:
        metadata["plot"] = report.undrawn
    if report.source:
        metadata["dagster/uri"] = report.source.url
        metadata["source"] = dg.MetadataValue.url(report.source.url)
        if report.source.modified_at:
            metadata["upstream time"] = dg.MetadataValue.timestamp(report.source.modified_at)
        metadata["fetched at"] = dg.MetadataValue.timestamp(report.source.fetched_at)
        metadata["source size"] = report.source.size_bytes
        metadata["source sha256"] = report.source.sha256
    return metadata


def _last_plot(context: dg.AssetExecutionContext) -> dg.MetadataValue[Any] | None:
    """The picture drawn when this season last changed, so that an unchanged night does not take it from the page."""
    season = dg.AssetRecordsFilter(context.asset_key, asset_partitions=[context.partition_key])
    for record in context.instance.fetch_materializations(season, limit=1).records:
        materialization = record.asset_materialization
        return materialization.metadata.get("plot") if materialization else None
    return None


_ENTITIES = {ord(character): f"&#{ord(character)};" for character in "&\\`*_{}[]()<>#|~!"}

_WITHIN_A_WORD = re.compile(r"(?<=[A-Za-z0-9])&#95;(?=[A-Za-z0-9])")


def markdown_text(text: str) -> str:
    """Text for a Markdown cell or line: what a member typed is shown, never interpreted."""
    # within a word it marks nothing, and an entity would stand as it is in what the page takes for an address
    plain = _WITHIN_A_WORD.sub("_", text.translate(_ENTITIES))
    return " ".join(plain.split())


def preview_table(frame: pl.DataFrame) -> dg.TableMetadataValue:
    """A small frame as a table in the UI: fractions with three digits, everything but numbers as text.

    The UI breaks no head and no word: of a market's table, about 600 pixels are seen at once, and a wider one takes the
    notes above it out of their frame.
    """
    frame = frame.rename(lambda name: name.replace("_", " "))
    records = [
        dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in frame.iter_rows(named=True)
    ]
    columns = [dg.TableColumn(name, type=_type_name(dtype)) for name, dtype in frame.schema.items()]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def _cell(value: object) -> str | int | float | bool:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M}"
    return value if isinstance(value, (int, bool)) else "" if value is None else str(value)


def _type_name(dtype: pl.DataType) -> str:
    return "int" if dtype.is_integer() else "float" if dtype.is_float() else "bool" if dtype == pl.Boolean else "string"


def _check_result(check: Check, stored: Season, now: datetime) -> dg.AssetCheckResult:
    violations = check.run(stored, now)
    error = any(violation.severity == "error" for violation in violations)
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=not violations,
        severity=dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN,
        # A check has one latest result for all seasons together: its text says which season it is of.
        description=f"{check_text(check, [_as_markdown(v) for v in violations])} (season {stored.season})",
        metadata={"season": str(stored.season), "violations": sum(v.count for v in violations)},
    )


def _as_markdown(violation: Violation) -> Violation:
    """The UI reads a check's description as Markdown: what members and venues wrote is shown there as it is."""
    ids = tuple(markdown_text(one) for one in violation.ids)
    return replace(violation, example=markdown_text(str(violation.example)), ids=ids)


def check_text(check: Check, violations: list[Violation]) -> str:
    """A paragraph each: what, how many, an example, what to do."""
    if not violations:
        return "holds: " + check.description
    return "\n\n".join(str(violation) for violation in violations)
