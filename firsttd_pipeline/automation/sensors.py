"""The sensors: what runs by itself between two nights, because somebody changed something or plays came late.

What has not been applied yet is always read from the league's database; Dagster's cursors hold nothing that matters,
so a reset of Dagster or an older database is only more work, never less. Each tick opens and closes its connections.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.failures import note_failures
from firsttd_pipeline.automation.jobs import (
    NEW_PICKS,
    NIGHTLY,
    PLAYS_LANDED,
    STANDINGS,
    new_picks_job,
    plays_landed_job,
    standings_job,
)
from firsttd_pipeline.automation.partitions import season_partitions
from firsttd_pipeline.automation.retrying import Next, next_try
from firsttd_pipeline.automation.runs import ATTEMPT, FOR, close_dead_runs, tries, under_way
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.sources.http import HttpClient, HttpPolicy, NotPublished, SourceError
from firsttd_pipeline.sources.nflverse import NflverseClient
from firsttd_pipeline.storage.engine import Database, DatabaseLocked, StorageError
from firsttd_pipeline.storage.standings_queue import Changes, waiting
from firsttd_pipeline.storage.watch import games_without_plays, picks_without_standing

PATIENCE_S = 5.0
"""A tick waits this long at most for a locked database: the next one is near, and Dagster ends a tick after 60 s."""
LATE_DAYS = 7
FAILURES_DAYS = 7
TAGS = {"owner": "first-td-ops"}

T = TypeVar("T")


class TickError(RuntimeError):
    """The league could not be looked at; the message says why and what to do. The next tick tries again."""


@dataclass(frozen=True)
class Need:
    """Work that a season needs: `work` names it, the same for every attempt; `said` is it for people."""

    season: int
    work: str
    said: str
    tags: dict[str, str] = field(default_factory=dict)


def decide(need: Need, busy: dg.DagsterRun | None, upcoming: Next, now: datetime, zone: str) -> dg.RunRequest | str:
    """Ask for a run, or say why not now."""
    said = f"season {need.season}: {need.said}"
    if not season_partitions.has_partition_key(str(need.season)):
        return f"{said}, and there is no such season to run"
    if busy is not None:
        return f"{said}; run {busy.run_id[:8]} of {busy.job_name} ({busy.status.value.lower()}) will see to it"
    if upcoming.not_before is not None and now < upcoming.not_before:
        ended = "failed" if upcoming.last_failed else "succeeded and changed nothing about it"
        times = "once" if upcoming.in_a_row == 1 else f"{upcoming.in_a_row} times"
        return f"{said}; its run {ended} {times}, the next try is at {clock_time(upcoming.not_before, zone)}"
    return dg.RunRequest(
        run_key=f"{need.work}-{upcoming.attempt}",
        partition_key=str(need.season),
        # before a backfill that waits: members look at the standings now
        tags={FOR: need.work, ATTEMPT: str(upcoming.attempt), "dagster/priority": "10", **need.tags},
    )


@dg.sensor(
    name="results_sensor",
    job=standings_job,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    tags=TAGS,
    description=(
        "Grades that somebody wrote, changed or deleted (also with plain SQL) reach the leaderboard: requests "
        "`standings` for exactly the seasons concerned. Looks every 10 seconds; failed runs are requested again."
    ),
)
def results_sensor(
    context: dg.SensorEvaluationContext, league: dg.ResourceParam[LeagueSource]
) -> list[dg.RunRequest] | dg.SkipReason:
    queue = look(league, waiting)
    if isinstance(queue, dg.SkipReason):
        return queue
    aside = [f"{_changes(c)} of no season" for c in queue.seasons if c.season is None]
    needs = [
        Need(
            season=changes.season,
            work=f"{STANDINGS}-{queue.database_id}-{changes.season}-{changes.newest}",
            said=_changes(changes),
            tags={"firsttd/door": "results_sensor", "firsttd/changes": str(changes.count)},
        )
        for changes in queue.seasons
        if changes.season is not None
    ]
    quiet = f"0 changes wait; {queue.events} events in all"
    return _answer(context, league, needs, {NIGHTLY, STANDINGS, NEW_PICKS, PLAYS_LANDED}, quiet, aside)


@dg.sensor(
    name="picks_sensor",
    job=new_picks_job,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    tags=TAGS,
    description=(
        "Picks that somebody wrote or retyped (also with plain SQL) are understood and graded: requests `new_picks` "
        "for exactly the seasons whose picks have no standing yet. Looks every 15 seconds."
    ),
)
def picks_sensor(
    context: dg.SensorEvaluationContext, league: dg.ResourceParam[LeagueSource]
) -> list[dg.RunRequest] | dg.SkipReason:
    found = look(league, picks_without_standing)
    if isinstance(found, dg.SkipReason):
        return found
    database, seasons, total = found
    needs = [
        Need(
            season=new.season,
            work=f"{NEW_PICKS}-{database}-{new.season}-{new.newest}-{new.count}-{new.newest_event}",
            said=f"{new.count} {'pick has' if new.count == 1 else 'picks have'} no standing",
            tags={"firsttd/door": "picks_sensor", "firsttd/picks": str(new.count)},
        )
        for new in seasons
    ]
    quiet = f"0 picks without a standing; {total} picks in all"
    return _answer(context, league, needs, {NIGHTLY, NEW_PICKS, PLAYS_LANDED}, quiet)


@dg.sensor(
    name="plays_sensor",
    job=plays_landed_job,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    tags=TAGS,
    description=(
        "Plays that upstream publishes after the nightly run (Friday and Saturday games): while a game of the last 7 "
        "days is final without them, looks at the file's headers every FIRSTTD_LOOK_EVERY seconds, and requests "
        "`plays_landed` when there is a version that was not taken yet."
    ),
)
def plays_sensor(
    context: dg.SensorEvaluationContext, league: dg.ResourceParam[LeagueSource]
) -> list[dg.RunRequest] | dg.SkipReason:
    now, settings = league.clock(), league.settings
    found = look(league, lambda db: games_without_plays(db, now, LATE_DAYS))
    if isinstance(found, dg.SkipReason):
        return found
    database, seasons = found
    if not seasons:
        return dg.SkipReason(f"0 games of the last {LATE_DAYS} days are final without their plays")
    every = timedelta(seconds=settings.look_every)
    games = ", ".join(f"{late.games} of {late.season} (e.g. {late.example})" for late in seasons)
    last = _instant(context.cursor)
    if last is not None and timedelta(0) <= now - last < every:
        at = clock_time(last + every, settings.timezone)
        return dg.SkipReason(f"final without plays: {games}; upstream is looked at again at {at}")
    context.update_cursor(now.isoformat())  # lost, it only means an earlier look
    aside, needs = [], []
    with _glancing(settings) as client:
        for late in seasons:
            said = f"{late.games} {'game is' if late.games == 1 else 'games are'} final without plays"
            try:
                stamp = client.published_stamp("pbp", late.season)
            except NotPublished as missing:
                aside.append(f"season {late.season}: {said}; {missing.url} is not published (404)")
                continue
            except SourceError as error:
                aside.append(f"season {late.season}: {said}; {error}")
                continue
            if stamp.is_of(late.last):
                changed = "" if stamp.modified_at is None else f" of {clock_time(stamp.modified_at, settings.timezone)}"
                aside.append(f"season {late.season}: {said}; upstream's file{changed} was taken and lacks them")
                continue
            work = f"{PLAYS_LANDED}-{database}-{late.season}-{stamp.key}"
            tags = {"firsttd/door": "plays_sensor", "firsttd/games": str(late.games)}
            needs.append(Need(late.season, work, f"{said} and upstream has a new file", tags))
    again = f"upstream is looked at again at {clock_time(now + every, settings.timezone)}"
    return _answer(context, league, needs, {NIGHTLY, PLAYS_LANDED}, "", aside, again)


@dg.sensor(
    name="run_failure_sensor",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    tags=TAGS,
    description=(
        "Runs that failed, also those of the command line, are written to `run_failures` in the league's database, "
        "where `firsttd status` and the checks see them; runs whose process is gone are closed. Every 30 seconds."
    ),
)
def run_failure_sensor(context: dg.SensorEvaluationContext, league: dg.ResourceParam[LeagueSource]) -> dg.SkipReason:
    # Not dg.run_failure_sensor: its cursor moves past a failure that could not be written (the database was locked,
    # which is why the run failed), and its first tick forgets whatever failed before.
    dead = close_dead_runs(context.instance)
    since = league.clock() - timedelta(days=FAILURES_DAYS)
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    failed = context.instance.get_run_records(filters=wanted, limit=200)
    noted = look(league, lambda db: note_failures(context.instance, db, failed))
    if isinstance(noted, dg.SkipReason):
        return noted
    closed = f"{dead} dead runs closed; " if dead else ""
    return dg.SkipReason(
        f"{closed}{noted} failed runs written down; {len(failed)} failed in the last {FAILURES_DAYS} days"
    )


SENSORS = [results_sensor, picks_sensor, plays_sensor, run_failure_sensor]


# --- inside -----------------------------------------------------------------------------------------------------------


def _answer(
    context: dg.SensorEvaluationContext,
    league: LeagueSource,
    needs: Sequence[Need],
    done_by: set[str],
    quiet: str,
    aside: Sequence[str] = (),
    after: str = "",
) -> list[dg.RunRequest] | dg.SkipReason:
    """The runs that are needed now; if there are none, every reason."""
    now, zone = league.clock(), league.settings.timezone
    requests: list[dg.RunRequest] = []
    reasons = list(aside)
    for need in needs:
        busy = under_way(context.instance, need.season, done_by, now)
        decided = decide(need, busy, next_try(tries(context.instance, need.work)), now, zone)
        if isinstance(decided, dg.RunRequest):
            requests.append(decided)
        else:
            reasons.append(decided)
    if requests:
        return requests
    return dg.SkipReason("; ".join([*(reasons or [quiet]), *([after] if after else [])]))


def look(league: LeagueSource, read: Callable[[Database], T]) -> T | dg.SkipReason:
    """Read from the league's database for a tick; one that is locked now is read by the next one.

    Raises:
        TickError: the database cannot be used as it is.
    """
    settings = league.settings
    db = Database(settings.database, busy_timeout_s=min(settings.busy_timeout, PATIENCE_S))
    try:
        return read(db)
    except DatabaseLocked as locked:
        return dg.SkipReason(f"{locked} The next tick looks again.")
    except StorageError as error:
        raise TickError(str(error)) from None  # the message is the storage's own; the driver's trace helps nobody
    finally:
        db.close()


@contextmanager
def _glancing(settings: Settings) -> Iterator[NflverseClient]:
    """nflverse for a look within a tick: no second try, seconds at most."""
    policy = HttpPolicy(
        connect_timeout=min(settings.connect_timeout, PATIENCE_S),
        read_timeout=min(settings.read_timeout, 2 * PATIENCE_S),
        download_timeout=3 * PATIENCE_S,
        retries=0,
    )
    client = NflverseClient(settings.nflverse_url, HttpClient(policy))
    try:
        yield client
    finally:
        client.close()


def _changes(changes: Changes) -> str:
    return f"{changes.count} {'change waits' if changes.count == 1 else 'changes wait'}"


def clock_time(at: datetime, zone: str) -> str:
    """An instant for people, in the league's time zone."""
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S %Z}"


def _instant(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
