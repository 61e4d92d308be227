"""Runs the nightly job from a terminal through Dagster, so that the run stands in the same instance that the UI shows.

The command line calls this; the schedule and the UI launch the very same job through the daemon.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import unescape
from pathlib import Path

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError
from yaml import YAMLError

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.failures import note_failures, step_error
from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.automation.jobs import NIGHTLY
from firsttd_pipeline.automation.runs import close_dead_runs
from firsttd_pipeline.definitions import build_definitions
from firsttd_pipeline.refresh.base import AssetEvent, utc_now
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.engine import Database, StorageError

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class InstanceError(RuntimeError):
    """Dagster's own storage or its dagster.yaml in FIRSTTD_HOME cannot be used; the message says which and why."""


@contextmanager
def _instance_explained(home: Path) -> Iterator[None]:
    try:
        yield
    except (dg.DagsterError, SQLAlchemyError, YAMLError, OSError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise InstanceError(
            f"Dagster could not work in {home}: {reason}. Is dagster.yaml there as it should be, the disk not full, "
            "and the folder writable? The league's database is as its last asset left it."
        ) from error


@dataclass
class CheckOutcome:
    """One check of one asset: `level` is ok, warning or failed (failed and blocking stops what depends on it)."""

    asset: str
    name: str
    level: str
    text: str
    blocking: bool


@dataclass
class SeasonOutcome:
    """What the nightly job did for one season."""

    season: int
    run_id: str
    success: bool
    events: list[AssetEvent] = field(default_factory=list)
    checks: list[CheckOutcome] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Rows inserted, updated or retired in all tables."""
        return sum(event.report.counts.changed for event in self.events if event.report is not None)

    @property
    def warnings(self) -> list[CheckOutcome]:
        """Checks that do not hold but stop nothing."""
        return [check for check in self.checks if check.level == "warning"]


class Nightly:
    """The nightly job (or another: `job`) with one set of settings, runnable for any season. A context manager."""

    def __init__(
        self,
        settings: Settings,
        *,
        listener: Callable[[AssetEvent], None] | None = None,
        progress: Callable[[str, int, int | None], None] | None = None,
        clock: Callable[[], datetime] = utc_now,
        job: str = NIGHTLY,
    ) -> None:
        self._events: list[AssetEvent] = []
        self._settings = settings
        self._listener = listener
        prepare_home(settings)
        source = LeagueSource(settings, clock, listener=self._hear, progress=progress)
        self._job = build_definitions(settings, source=source).resolve_job_def(job)
        self._blocking = {
            (spec.asset_key.to_user_string(), spec.name)
            for asset in self._job.asset_layer.asset_graph.assets_defs
            for spec in asset.check_specs
            if spec.blocking
        }
        self._home = settings.home
        with _instance_explained(self._home):
            self._instance = dg.DagsterInstance.get()
            _record_origin(self._instance, job)
            close_dead_runs(self._instance)

    def __enter__(self) -> Nightly:
        return self

    def __exit__(self, *_: object) -> None:
        self._instance.dispose()

    def run(self, season: int, tags: dict[str, str] | None = None) -> SeasonOutcome:
        """Run the job for one season and tell what came of it; a failing asset is an outcome, not an exception."""
        self._events.clear()
        with _instance_explained(self._home):
            result = self._job.execute_in_process(
                instance=self._instance,
                partition_key=str(season),
                run_config=_QUIET,
                raise_on_error=False,
                tags={"firsttd/door": "command line", **_process_tags(), **(tags or {})},
            )
            if not result.success:
                self._note_failure(result.run_id)
        outcome = SeasonOutcome(season, result.run_id, result.success, list(self._events))
        outcome.errors = [event.error for event in self._events if event.error]
        outcome.checks = [self._check(evaluation) for evaluation in result.get_asset_check_evaluations()]
        for check in outcome.checks:
            if check.blocking and check.level == "failed":
                outcome.errors.append(
                    f"{check.asset}: its check {check.name} failed, so what depends on {check.asset} did not run."
                )
        if not result.success and not outcome.errors:
            outcome.errors = [_failure_text(event) for event in result.all_events if event.is_step_failure]
        return outcome

    def _note_failure(self, run_id: str) -> None:
        """Write it down at once: the sensor that does so for other runs ticks only while the UI's daemon runs."""
        failed = self._instance.get_run_records(dg.RunsFilter(run_ids=[run_id]))
        db = Database(self._settings.database, busy_timeout_s=self._settings.busy_timeout)
        try:
            note_failures(self._instance, db, failed)
        except StorageError:  # why the run failed, most likely; the outcome says so, and the sensor tries again
            return
        finally:
            db.close()

    def _hear(self, event: AssetEvent) -> None:
        if event.state != "started":
            self._events.append(event)
        if self._listener:
            self._listener(event)

    def _check(self, evaluation: dg.AssetCheckEvaluation) -> CheckOutcome:
        asset = evaluation.asset_key.to_user_string()
        level = (
            "ok" if evaluation.passed else "warning" if evaluation.severity == dg.AssetCheckSeverity.WARN else "failed"
        )
        blocking = (asset, evaluation.check_name) in self._blocking
        text = unescape(evaluation.description or "")  # it is Markdown, for the UI
        return CheckOutcome(asset, evaluation.check_name, level, text, blocking)


def _record_origin(instance: dg.DagsterInstance, job: str) -> None:
    """Runs made here name the code location of workspace.yaml, so that the UI can link them and run them again.

    Dagster's in-process execution records no origin; without one the UI's "Re-execute" ends in an internal error.
    """
    try:
        from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
        from dagster._core.remote_origin import (
            ManagedGrpcPythonEnvCodeLocationOrigin,
            RemoteJobOrigin,
            RemoteRepositoryOrigin,
        )
        from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    except ImportError:  # not public: without it only "Re-execute" of these runs is lost
        return
    root = Path(__file__).resolve().parents[2]
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        loadable_target_origin=LoadableTargetOrigin(
            executable_path=None, module_name="firsttd_pipeline.definitions", working_directory=str(root)
        ),
        location_name="firsttd_pipeline",
    )
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)
    create = instance.create_run_for_job
    instance.create_run_for_job = partial(create, remote_job_origin=origin)  # type: ignore[method-assign]


def _process_tags() -> dict[str, str]:
    return {"firsttd/pid": str(os.getpid()), "firsttd/host": socket.gethostname()}


def _failure_text(event: dg.DagsterEvent) -> str:
    return f"{event.step_key}: {step_error(event)}"
