"""Claims about the nightly schedule: when it ticks, which season it asks for, and what a quiet night does."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.runner import Nightly
from firsttd_pipeline.automation.schedules import build_nightly_schedule
from firsttd_pipeline.definitions import defs
from firsttd_pipeline.refresh import League, run_season
from firsttd_pipeline.settings import Settings
from firsttd_pipeline_tests.doors import settings_for
from firsttd_pipeline_tests.mirrors import change_schedule, tiny_mirror
from firsttd_pipeline_tests.servers import Server

NEW_YORK = ZoneInfo("America/New_York")
EDT, EST = timedelta(hours=-4), timedelta(hours=-5)


@pytest.fixture(autouse=True)
def own_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))


def ticks(first: date, last: date) -> list[datetime]:
    """The instants, in New York's time, at which Dagster's own cron iterator lets the schedule tick."""
    from dagster._utils.schedules import schedule_execution_time_iterator

    schedule = build_nightly_schedule("America/New_York")
    start = datetime(first.year, first.month, first.day, tzinfo=NEW_YORK)
    end = datetime(last.year, last.month, last.day, 23, 59, tzinfo=NEW_YORK)
    times: Iterator[datetime] = schedule_execution_time_iterator(
        start.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=True
    )
    return [at.astimezone(NEW_YORK) for at in takewhile(lambda at: at <= end, times)]


def requests(
    at: datetime, tmp_path: Path, timezone: str = "America/New_York", **settings: object
) -> list[dg.RunRequest]:
    """What a real evaluation of the tick at `at` asks for."""
    source = LeagueSource(settings_for(tmp_path, "http://127.0.0.1:9/", **settings))
    context = dg.build_schedule_context(
        scheduled_execution_time=at, resources={"league": source}, repository_def=defs.get_repository_def()
    )
    found = build_nightly_schedule(timezone).evaluate_tick(context).run_requests
    return list(found or [])


def test_it_ticks_exactly_once_a_day_through_four_clock_changes() -> None:
    days = Counter(at.date() for at in ticks(date(2026, 1, 1), date(2027, 12, 31)))
    assert set(days.values()) == {1}
    assert len(days) == 730


@pytest.mark.parametrize(
    ("day", "clock", "offset"),
    [
        (date(2026, 3, 7), "02:00", EST),
        (date(2026, 3, 8), "03:00", EDT),
        (date(2026, 3, 9), "02:00", EDT),
        (date(2026, 10, 31), "02:00", EDT),
        (date(2026, 11, 1), "02:00", EST),
        (date(2026, 11, 2), "02:00", EST),
        (date(2027, 3, 14), "03:00", EDT),
        (date(2027, 11, 7), "02:00", EST),
    ],
)
def test_it_ticks_at_two_in_new_york_and_at_three_where_there_is_no_two(
    day: date, clock: str, offset: timedelta
) -> None:
    (at,) = ticks(day, day)
    assert (at.strftime("%H:%M"), at.utcoffset()) == (clock, offset)


def test_it_is_on_by_default_in_the_leagues_time_zone() -> None:
    schedule = build_nightly_schedule("America/New_York")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "America/New_York")
    assert build_nightly_schedule("Europe/Berlin").execution_timezone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("at", "season"),
    [
        (datetime(2026, 2, 8, 2, tzinfo=NEW_YORK), "2025"),
        (datetime(2026, 3, 14, 2, tzinfo=NEW_YORK), "2025"),
        (datetime(2026, 3, 14, 23, 59, tzinfo=NEW_YORK), "2025"),
        (datetime(2026, 3, 15, 2, tzinfo=NEW_YORK), "2026"),
        (datetime(2026, 9, 11, 2, tzinfo=NEW_YORK), "2026"),
        (datetime(2027, 1, 1, 2, tzinfo=NEW_YORK), "2026"),
        # 15 March has begun in Greenwich, and not yet in New York
        (datetime(2026, 3, 15, 3, 30, tzinfo=UTC), "2025"),
        (datetime(2026, 3, 15, 4, 0, tzinfo=UTC), "2026"),
    ],
)
def test_each_night_asks_for_the_season_of_the_date_in_new_york(at: datetime, season: str, tmp_path: Path) -> None:
    (request,) = requests(at, tmp_path)
    assert request.partition_key == season


def test_another_time_zone_moves_the_hour_and_not_the_season(tmp_path: Path) -> None:
    at = datetime(2026, 3, 15, 2, tzinfo=ZoneInfo("Asia/Tokyo"))
    (request,) = requests(at, tmp_path, timezone="Asia/Tokyo")
    assert request.partition_key == "2025"


def test_a_season_that_is_set_wins_over_the_date(tmp_path: Path) -> None:
    (request,) = requests(datetime(2026, 9, 11, 2, tzinfo=NEW_YORK), tmp_path, season=2024)
    assert request.partition_key == "2024"


def test_every_night_has_a_run_key_of_its_own_and_a_repeated_tick_the_same(tmp_path: Path) -> None:
    around = [*ticks(date(2026, 3, 6), date(2026, 3, 16)), *ticks(date(2026, 10, 30), date(2026, 11, 3))]
    keys = [requests(at, tmp_path)[0].run_key for at in around]
    assert None not in keys
    assert len(set(keys)) == len(around) == 16
    assert [requests(at, tmp_path)[0].run_key for at in around] == keys


def test_a_scheduled_run_says_by_which_door_it_came_and_is_tried_again(tmp_path: Path) -> None:
    (request,) = requests(datetime(2026, 9, 11, 2, tzinfo=NEW_YORK), tmp_path)
    assert request.tags["firsttd/door"] == "schedule"
    assert request.tags["dagster/max_retries"] == "2"


def _of_the_year_before(schedule: pl.DataFrame) -> pl.DataFrame:
    """Another season's games only."""
    texts = [pl.col(name).str.replace("2025", "2024") for name in ("game_id", "gameday")]
    return schedule.with_columns(pl.col("season") - 1, *texts)


# --- quiet nights -----------------------------------------------------------------------------------------------------


@pytest.fixture
def league(tmp_path: Path, serve: Callable[[Path], Server], _sqlite_template: Path) -> tuple[Path, Server]:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(_sqlite_template, home / "firsttd.db")
    return home, serve(tiny_mirror(tmp_path / "mirror"))


def earlier_night(settings: Settings, now: datetime) -> None:
    """What the job did before, without Dagster."""
    with League.open(settings) as league:
        run_season(league, 2025, now)


def test_outside_the_season_it_runs_and_says_that_there_is_nothing_new(league: tuple[Path, Server]) -> None:
    home, server = league
    in_july = settings_for(home, server.url, season=2025)
    earlier_night(in_july, datetime(2026, 2, 20, 7, tzinfo=UTC))
    with Nightly(in_july, clock=lambda: datetime(2026, 2, 21, 7, tzinfo=UTC)) as job:
        night = job.run(2025)
        heard = [(e.asset, e.report.counts.unchanged) for e in night.events if e.report is not None]
    assert night.success
    assert night.changed == 0
    assert dict(heard) == {
        "rosters": 8, "games": 3, "touchdowns": 4, "kickoff_decisions": 2, "team_ratings": dict(heard)["team_ratings"],
        "results": 0, "player_stats": 8, "leaderboard": 0,
        "market_odds": 0, "market_outcomes": 0, "pick_market_odds": 0, "member_market_stats": 0,
    }  # fmt: skip


def test_before_the_new_schedule_is_announced_the_night_succeeds_and_says_so(league: tuple[Path, Server]) -> None:
    home, server = league
    with Nightly(settings_for(home, server.url), clock=lambda: datetime(2026, 3, 16, 7, tzinfo=UTC)) as job:
        night = job.run(2026)
    absences = {e.asset: e.report.absence for e in night.events if e.report is not None}
    assert night.success, night.errors
    assert night.changed == 0
    assert absences["games"] == "the schedule of 2026 is not published yet: it appears in May 2026"
    assert absences["team_ratings"] == absences["games"]
    assert "2026" in str(absences["rosters"])
    assert "2026" in str(absences["touchdowns"])


def test_a_schedule_that_is_due_and_not_there_is_a_failure(league: tuple[Path, Server]) -> None:
    home, server = league
    with Nightly(settings_for(home, server.url), clock=lambda: datetime(2026, 6, 1, 7, tzinfo=UTC)) as job:
        night = job.run(2026)
    assert not night.success
    assert any("has no game of 2026: nothing was written" in error for error in night.errors)


def test_a_schedule_that_lost_its_season_is_a_failure_even_in_spring(league: tuple[Path, Server]) -> None:
    home, server = league
    early = datetime(2025, 5, 20, 7, tzinfo=UTC)
    earlier_night(settings_for(home, server.url), early)
    change_schedule(server.folder, _of_the_year_before)
    with Nightly(settings_for(home, server.url), clock=lambda: early) as job:
        night = job.run(2025)
    assert not night.success
    assert any("has no game of 2025" in error for error in night.errors)
