"""The schedules: `nightly_schedule` runs the current season at 2:00 in New York, also across clock changes."""

from __future__ import annotations

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.jobs import nightly_job

NIGHTLY_CRON = "0 2 * * *"

# A source that is down at 2:00 is often back within minutes: the failed part of the run is tried again twice.
RETRY_TAGS = {"dagster/max_retries": "2"}


def build_nightly_schedule(timezone: str) -> dg.ScheduleDefinition:
    """The nightly schedule in the league's time zone (FIRSTTD_TIMEZONE)."""

    @dg.schedule(
        name="nightly_schedule",
        job=nightly_job,
        cron_schedule=NIGHTLY_CRON,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night at 2:00: the current season, from the schedule to the leaderboard.",
    )
    def nightly_schedule(
        context: dg.ScheduleEvaluationContext, league: dg.ResourceParam[LeagueSource]
    ) -> dg.RunRequest:
        at = context.scheduled_execution_time
        season = league.settings.season_at(at)
        return dg.RunRequest(
            run_key=f"nightly-{at.isoformat()}",
            partition_key=str(season),
            tags={"firsttd/door": "schedule", **RETRY_TAGS},
        )

    return nightly_schedule
