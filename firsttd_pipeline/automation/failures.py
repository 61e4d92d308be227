"""Brings runs that failed from Dagster's history into the league's database: which asset, and its innermost error."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, RunRecord

from firsttd_pipeline.automation.runs import PARTITION, ended_at
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.run_failures import RunFailure, known, record


def note_failures(instance: DagsterInstance, db: Database, failed: Sequence[RunRecord]) -> int:
    """Write those of the failed runs that the database does not have yet; returns how many."""
    if not failed:
        return 0
    there = known(db, [one.dagster_run.run_id for one in failed])
    return record(db, [failure_of(instance, one) for one in failed if one.dagster_run.run_id not in there])


def failure_of(instance: DagsterInstance, failed: RunRecord) -> RunFailure:
    """What failed in a run that did, and whether the season got past it since."""
    run = failed.dagster_run
    partition = run.tags.get(PARTITION, "")
    season = int(partition) if partition.isdigit() else None
    steps = [
        (str(entry.step_key), step_error(entry.dagster_event))
        for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE)
        if entry.dagster_event is not None
    ]
    step, error = steps[0] if steps else (None, _run_error(instance, run.run_id))
    if len(steps) > 1:
        error += f" ({', '.join(name for name, _ in steps[1:])} failed too)"
    at = ended_at(failed)
    return RunFailure(
        run_id=run.run_id,
        job=run.job_name,
        season=season,
        step=step,
        error=error,
        happened_at=at,
        cleared_at=_made_since(instance, step or "leaderboard", partition, at),
    )


def step_error(event: dg.DagsterEvent) -> str:
    """Why a step failed, by its innermost cause: Dagster's own wrapper only says that it failed."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description.strip()
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error else "failed"


def _run_error(instance: DagsterInstance, run_id: str) -> str:
    said = ""
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE):
        if entry.dagster_event is not None and entry.dagster_event.message:
            said = entry.dagster_event.message
    return said or "the run failed"


def _made_since(instance: DagsterInstance, asset: str, partition: str, at: datetime) -> datetime | None:
    wanted = dg.AssetRecordsFilter(
        dg.AssetKey(asset), asset_partitions=[partition] if partition else None, after_timestamp=at.timestamp()
    )
    for made in instance.fetch_materializations(wanted, limit=1).records:
        return datetime.fromtimestamp(made.timestamp, at.tzinfo)
    return None
