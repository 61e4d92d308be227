"""The schedules: `nightly_schedule` runs the current season at 2:00 in New York, also across clock changes;
`market_snapshots_schedule` takes the markets' prices on game days, once somebody has switched it on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.jobs import MARKET_SNAPSHOTS, NIGHTLY, market_snapshots_job, nightly_job
from firsttd_pipeline.automation.partitions import season_partitions
from firsttd_pipeline.automation.runs import under_way
from firsttd_pipeline.automation.sensors import clock_time, look
from firsttd_pipeline.domain.markets import SOURCES
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.sources.venues import why_off
from firsttd_pipeline.storage.watch import Upcoming, upcoming_games

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


# --- snapshots of the markets -----------------------------------------------------------------------------------------


def snapshots_cron(every: int) -> str:
    """The cron line of a tick every `every` minutes; they divide an hour."""
    return "0 * * * *" if every == 60 else f"*/{every} * * * *"


def snapshots_begin(kickoff: datetime, zone: str, hour: int) -> datetime:
    """When the snapshots of a game begin: the last `hour` o'clock of the league's clock before its kickoff."""
    local = kickoff.astimezone(ZoneInfo(zone))
    begin = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return begin if begin < local else begin - timedelta(days=1)


def decide_snapshots(
    at: datetime, now: datetime, upcoming: Sequence[Upcoming], busy: dg.DagsterRun | None, settings: Settings
) -> dg.RunRequest | str:
    """Ask for a run at the tick of `at`, or say why not, and when the next begins.

    Args:
        at: the tick's time, aware.
        now: the time now; a tick that was missed is not made good, for its prices are gone.
        upcoming: the games that are still to begin, earliest first.
        busy: a run that takes the same prices already.
    """
    off = [reason for source in SOURCES if (reason := why_off(source, settings)) is not None]
    if len(off) == len(SOURCES):
        return "; ".join(dict.fromkeys(off))
    zone = settings.timezone
    late = now - at
    if late >= timedelta(minutes=settings.market_every):
        return f"this tick is of {clock_time(at, zone)}: its prices are gone, the next tick takes those of its own time"
    if not upcoming:
        return "no game is still to begin: the schedule in the database has none; `firsttd nightly` fetches it"
    begun = [game for game in upcoming if snapshots_begin(game.kickoff_at, zone, settings.market_from) <= at]
    begun = [game for game in begun if game.kickoff_at > at]
    if not begun:
        return _begins(next((game for game in upcoming if game.kickoff_at > at), upcoming[-1]), settings)
    season = begun[0].season
    games = f"{len(begun)} {'game' if len(begun) == 1 else 'games'} of {season} still to begin"
    if not season_partitions.has_partition_key(str(season)):
        return f"{games}, and there is no such season to run"
    if busy is not None:
        run = f"run {busy.run_id[:8]} of {busy.job_name} ({busy.status.value.lower()})"
        return f"{games}; {run} asks the venues already"
    return dg.RunRequest(
        run_key=f"{MARKET_SNAPSHOTS}-{season}-{at.isoformat()}",
        partition_key=str(season),
        # before a backfill that waits: prices do not
        tags={"firsttd/door": "market_snapshots_schedule", "firsttd/games": str(len(begun)), "dagster/priority": "5"},
    )


def _begins(game: Upcoming, settings: Settings) -> str:
    zone = settings.timezone
    begin = clock_time(snapshots_begin(game.kickoff_at, zone, settings.market_from), zone)
    return (
        f"no game of today is still to begin: the next is {game.game_id}, kickoff {clock_time(game.kickoff_at, zone)}; "
        f"its snapshots begin at {begin}"
    )


def build_market_snapshots_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of FIRSTTD_MARKET_EVERY, in the league's time zone. Off until somebody switches it on."""

    @dg.schedule(
        name="market_snapshots_schedule",
        job=market_snapshots_job,
        cron_schedule=snapshots_cron(settings.market_every),
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        tags={"owner": "first-td-ops"},
        description=(
            f"On game days from {settings.market_from}:00 until the last kickoff, every {settings.market_every} "
            "minutes: what the markets say about the games that are still to begin. Off by default: switch it on here."
        ),
    )
    def market_snapshots_schedule(
        context: dg.ScheduleEvaluationContext, league: dg.ResourceParam[LeagueSource]
    ) -> dg.RunRequest | dg.SkipReason:
        at, now = context.scheduled_execution_time, league.clock()
        upcoming = look(league, lambda db: upcoming_games(db, at, days=2))
        if isinstance(upcoming, dg.SkipReason):
            return upcoming
        busy = None
        if upcoming:
            busy = under_way(context.instance, upcoming[0].season, {MARKET_SNAPSHOTS, NIGHTLY}, now)
        decided = decide_snapshots(at, now, upcoming, busy, league.settings)
        return dg.SkipReason(decided) if isinstance(decided, str) else decided

    return market_snapshots_schedule
