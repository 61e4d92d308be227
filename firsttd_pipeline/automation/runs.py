"""What Dagster's instance knows of runs: which are under way, which were tried for the same work, which are dead.

A run says in its tags for what it was asked, and which process it runs in, so that one whose process is gone (a killed
terminal, a machine that went down) neither looks busy for ever nor holds up the queue.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunRecord

from firsttd_pipeline.automation.retrying import Try

FOR = "firsttd/for"
"""Tag: the work a run was asked for, the same for every attempt at it."""
ATTEMPT = "firsttd/attempt"
PROCESS = "firsttd/process"
"""Tag: run, host and process; of another run (a re-execution copies tags) it says nothing."""
PARTITION = "dagster/partition"

_STARTED = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
_UNFINISHED = [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.QUEUED, *_STARTED]
_NEVER_LAUNCHED = timedelta(minutes=5)
"""A run made this long ago and not handed on: whoever made it ended in between."""


def under_way(instance: DagsterInstance, season: int, jobs: Collection[str], now: datetime) -> dg.DagsterRun | None:
    """A run of one of the jobs for the season that waits or works, and will go on.

    One of a backfill that waits is none: many seasons may stand before it.
    """
    found = dg.RunsFilter(statuses=_UNFINISHED, tags={PARTITION: str(season)})
    for record in instance.get_run_records(filters=found):
        run = record.dagster_run
        waits_in_backfill = run.status == DagsterRunStatus.QUEUED and "dagster/backfill" in run.tags
        lost = run.status == DagsterRunStatus.NOT_STARTED and now - _aware(record.create_timestamp) > _NEVER_LAUNCHED
        if run.job_name in jobs and not waits_in_backfill and not lost and not is_dead(run):
            return run
    return None


def tries(instance: DagsterInstance, work: str) -> list[Try]:
    """The runs that were asked for this work, newest first."""
    found = instance.get_run_records(filters=dg.RunsFilter(tags={FOR: work}), limit=100)
    return [
        Try(
            attempt=int(tag) if (tag := record.dagster_run.tags.get(ATTEMPT, "")).isdigit() else 1,
            succeeded=record.dagster_run.is_success,
            ended_at=ended_at(record) if record.dagster_run.is_finished else None,
        )
        for record in found
    ]


def ended_at(record: RunRecord) -> datetime:
    """When a finished run ended, aware."""
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return _aware(record.update_timestamp)


# --- processes that are gone ------------------------------------------------------------------------------------------


def process_tag(run_id: str) -> dict[str, str]:
    """The tag of a run that works in this process."""
    return {PROCESS: f"{run_id}@{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"}


def is_dead(run: dg.DagsterRun) -> bool:
    """Whether the run's process was on this machine and is gone."""
    if run.status not in _STARTED:
        return False
    whose, _, where = run.tags.get(PROCESS, "").partition("@")
    if whose == run.run_id:
        host, _, process = where.rpartition(":")[0].rpartition(":")
        if host != socket.gethostname() or not process.isdigit():
            return False
        return not _alive(int(process)) or _started(int(process)) != where.rpartition(":")[2]
    # made by the command line; a run that the UI made from one of those carries its tags and is the daemon's
    ours = run.tags.get("firsttd/host") == socket.gethostname() and "dagster/parent_run_id" not in run.tags
    process = run.tags.get("firsttd/pid", "")
    return ours and process.isdigit() and not _alive(int(process))


def close_dead_runs(instance: DagsterInstance) -> int:
    """Mark the runs whose process is gone as failed; returns how many."""
    dead = [run for run in instance.get_runs(filters=dg.RunsFilter(statuses=_STARTED)) if is_dead(run)]
    for run in dead:
        instance.report_run_failed(
            run, "The process of this run was ended from outside; the database is as its last asset left it."
        )
    return len(dead)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, and somebody else's
        return True
    return True


def _started(process: int) -> str:
    """When the process started, by the kernel's clock: ids are used again. Empty where that is not to be had."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
