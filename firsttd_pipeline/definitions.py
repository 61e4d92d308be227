"""The one Definitions object. `build_definitions` is the seam: tests and the command line give their own settings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import dagster as dg

from firsttd_pipeline.assets import ASSETS
from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.jobs import JOBS
from firsttd_pipeline.automation.schedules import build_market_snapshots_schedule, build_nightly_schedule
from firsttd_pipeline.automation.sensors import SENSORS
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.settings import Settings, load_settings


def build_definitions(
    settings: Settings | None = None,
    clock: Callable[[], datetime] = utc_now,
    source: LeagueSource | None = None,
) -> dg.Definitions:
    """Everything Dagster needs to know.

    Args:
        settings: the settings to run with; by default those of the environment, read anew by every run.
        clock: gives the current time (aware).
        source: opens the league; by default from `settings` and `clock`.

    Raises:
        SettingsError: a setting is wrong; the UI and every command show the message.
    """
    current = settings or load_settings()
    return dg.Definitions(
        assets=ASSETS,
        jobs=JOBS,
        schedules=[build_nightly_schedule(current.timezone), build_market_snapshots_schedule(current)],
        sensors=SENSORS,
        resources={"league": source or LeagueSource(settings, clock)},
        executor=dg.in_process_executor,
    )


defs = build_definitions()
