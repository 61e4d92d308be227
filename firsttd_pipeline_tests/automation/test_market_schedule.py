"""Claims about the markets in automation: when snapshots are taken, what a tick says, and what comes before what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from sqlalchemy import text

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.runner import Nightly
from firsttd_pipeline.automation.schedules import (
    build_market_snapshots_schedule,
    decide_snapshots,
    snapshots_begin,
    snapshots_cron,
)
from firsttd_pipeline.automation.sensors import TickError
from firsttd_pipeline.definitions import build_definitions, defs
from firsttd_pipeline.refresh import market_odds, pick_market_odds
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.watch import Upcoming, upcoming_games
from firsttd_pipeline_tests.doors import settings_for
from firsttd_pipeline_tests.mirrors import tiny_mirror
from firsttd_pipeline_tests.servers import Server

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = datetime(2025, 11, 23, tzinfo=NEW_YORK)
EARLY = Upcoming(2025, "2025_12_NYJ_BAL", SUNDAY.replace(hour=13))
LATE = Upcoming(2025, "2025_12_PHI_DAL", SUNDAY.replace(hour=16, minute=25))
MONDAY = Upcoming(2025, "2025_12_CAR_SF", datetime(2025, 11, 24, 20, 15, tzinfo=NEW_YORK))
SLATE = [EARLY, LATE, MONDAY]


@pytest.fixture(autouse=True)
def own_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))


def on(tmp_path: Path, **more: Any) -> Settings:
    return settings_for(tmp_path, "http://127.0.0.1:9/", prediction_markets=True, **more)


def decided(at: datetime, settings: Settings, games: list[Upcoming] = SLATE, **more: Any) -> dg.RunRequest | str:
    """What the tick of `at` decides; `games` are those that are still to begin then."""
    to_come = [game for game in games if game.kickoff_at > at]
    return decide_snapshots(at, more.get("now", at), to_come, more.get("busy"), settings)


# --- when -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [5, 6, 10, 12, 15, 20, 30, 60])
def test_the_ticks_of_every_setting_are_that_far_apart_through_both_clock_changes(every: int, tmp_path: Path) -> None:
    from dagster._utils.schedules import schedule_execution_time_iterator

    schedule = build_market_snapshots_schedule(on(tmp_path, market_every=every))
    assert schedule.cron_schedule == snapshots_cron(every)
    for day in (date(2026, 3, 8), date(2026, 11, 1)):
        start = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
        end = (start + timedelta(days=1)).astimezone(UTC)
        ticks: Iterator[datetime] = schedule_execution_time_iterator(
            start.timestamp(), schedule.cron_schedule, schedule.execution_timezone, ascending=True
        )
        found = [at.astimezone(UTC) for at in takewhile(lambda at, end=end: at <= end, ticks)]
        assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=every)}


def test_it_is_off_until_somebody_switches_it_on_and_keeps_the_leagues_clock(tmp_path: Path) -> None:
    schedule = build_market_snapshots_schedule(on(tmp_path, timezone="Europe/Berlin", market_every=30))
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("*/30 * * * *", "Europe/Berlin")
    assert schedule.job_name == "market_snapshots"


@pytest.mark.parametrize(
    ("clock", "games"),
    [((6, 0), "2"), ((12, 45), "2"), ((13, 0), "1"), ((16, 15), "1")],
)
def test_a_run_is_asked_for_from_the_morning_of_kickoff_to_the_last_kickoff(
    clock: tuple[int, int], games: str, tmp_path: Path
) -> None:
    at = SUNDAY.replace(hour=clock[0], minute=clock[1])
    found = decided(at, on(tmp_path))
    assert isinstance(found, dg.RunRequest)
    assert found.partition_key == "2025"
    assert found.run_key == f"market_snapshots-2025-{at.isoformat()}"
    assert found.tags["firsttd/games"] == games
    assert found.tags["firsttd/door"] == "market_snapshots_schedule"


@pytest.mark.parametrize(
    ("at", "game", "begins"),
    [
        (SUNDAY.replace(hour=5, minute=45), "2025_12_NYJ_BAL", "2025-11-23 06:00:00 EST"),
        (SUNDAY.replace(hour=16, minute=30), "2025_12_CAR_SF", "2025-11-24 06:00:00 EST"),
        (SUNDAY - timedelta(days=2), "2025_12_NYJ_BAL", "2025-11-23 06:00:00 EST"),
    ],
)
def test_outside_those_hours_it_says_which_game_is_next_and_when_its_snapshots_begin(
    at: datetime, game: str, begins: str, tmp_path: Path
) -> None:
    told = decided(at, on(tmp_path))
    assert isinstance(told, str)
    assert told.startswith(f"no game of today is still to begin: the next is {game}, kickoff 2025-11-2")
    assert told.endswith(f"its snapshots begin at {begins}")


@pytest.mark.parametrize(
    ("kickoff", "zone", "begins"),
    [
        # Monday night is Tuesday's small hours in Berlin: its snapshots begin on Monday all the same
        (datetime(2025, 11, 25, 2, 15, tzinfo=ZoneInfo("Europe/Berlin")), "Europe/Berlin", "2025-11-24T06:00:00+01:00"),
        (datetime(2025, 10, 5, 9, 30, tzinfo=NEW_YORK), "America/New_York", "2025-10-05T06:00:00-04:00"),
        (datetime(2025, 11, 2, 13, tzinfo=NEW_YORK), "America/New_York", "2025-11-02T06:00:00-05:00"),
        (datetime(2025, 11, 23, 6, tzinfo=NEW_YORK), "America/New_York", "2025-11-22T06:00:00-05:00"),
    ],
)
def test_snapshots_of_a_game_begin_at_the_last_such_hour_before_its_kickoff(
    kickoff: datetime, zone: str, begins: str
) -> None:
    assert snapshots_begin(kickoff, zone, 6).isoformat() == begins


def test_a_tick_that_was_missed_is_not_made_good_for_its_prices_are_gone(tmp_path: Path) -> None:
    at = SUNDAY.replace(hour=10)
    told = decided(at, on(tmp_path), now=at + timedelta(minutes=15))
    assert "2025-11-23 10:00:00 EST: its prices are gone" in str(told)
    assert isinstance(decided(at, on(tmp_path), now=at + timedelta(minutes=14)), dg.RunRequest)


def test_with_no_venue_to_ask_it_asks_for_no_run_and_names_the_switch(tmp_path: Path) -> None:
    at = SUNDAY.replace(hour=10)
    off = settings_for(tmp_path, "http://127.0.0.1:9/", prediction_markets=False)
    assert decided(at, off) == "FIRSTTD_PREDICTION_MARKETS is off: no market venue is asked"
    each_off = decided(at, on(tmp_path, kalshi=False, polymarket=False, polymarket_us=False))
    assert "FIRSTTD_KALSHI is off" in str(each_off)
    assert "FIRSTTD_ODDS_API_KEY is not set" in str(each_off)
    assert isinstance(decided(at, on(tmp_path, kalshi=False)), dg.RunRequest)


# --- ticks over a database --------------------------------------------------------------------------------------------


def schedule_of(db: Database) -> None:
    """Three games of a Sunday and its Monday; one is over, one was called off, one left the schedule."""
    games = [
        ("2025_12_NYJ_BAL", EARLY.kickoff_at, "scheduled", None),
        ("2025_12_PHI_DAL", LATE.kickoff_at, "scheduled", None),
        ("2025_12_CAR_SF", MONDAY.kickoff_at, "scheduled", None),
        ("2025_12_LA_TB", LATE.kickoff_at, "postponed", None),
        ("2025_12_IND_KC", LATE.kickoff_at, "scheduled", EARLY.kickoff_at),
    ]
    with db.write() as conn:
        conn.execute(text("INSERT INTO weeks (season, week) VALUES (2025, 12)"))
        for game, kickoff, status, deleted in games:
            away, home = game.split("_")[2:]
            stamps = [None if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00" for at in (kickoff, deleted)]
            if db.dialect == "sqlite":
                stamps = [None if at is None else at[:-3] for at in stamps]
            conn.execute(
                text(
                    "INSERT INTO games (id, season, week, away_team, home_team, kickoff_at, status, deleted_at) "
                    "VALUES (:g, 2025, 12, :a, :h, :k, :s, :d)"
                ),
                {"g": game, "a": away, "h": home, "k": stamps[0], "s": status, "d": stamps[1]},
            )


def test_the_games_still_to_begin_are_those_in_the_schedule_and_the_next_one_however_far(database: Database) -> None:
    schedule_of(database)

    def ids(at: datetime, days: int = 2) -> list[str]:
        return [game.game_id for game in upcoming_games(database, at, days)]

    assert ids(SUNDAY.replace(hour=10)) == ["2025_12_NYJ_BAL", "2025_12_PHI_DAL", "2025_12_CAR_SF"]
    assert ids(SUNDAY.replace(hour=13)) == ["2025_12_PHI_DAL", "2025_12_CAR_SF"]
    assert ids(SUNDAY - timedelta(days=40)) == ["2025_12_NYJ_BAL"]
    assert ids(SUNDAY + timedelta(days=5)) == []


def tick(db: Database, tmp_path: Path, at: datetime, instance: dg.DagsterInstance, **settings: Any) -> Any:
    """A real evaluation of the schedule at `at`."""
    given = on(tmp_path, database_url=db.url.render_as_string(hide_password=False), busy_timeout=0.2, **settings)
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=at,
        resources={"league": LeagueSource(given, lambda: at)},
        repository_def=defs.get_repository_def(),
    )
    return build_market_snapshots_schedule(given).evaluate_tick(context)


def test_a_tick_asks_for_its_season_and_skips_while_such_a_run_is_under_way(
    sqlite_db: Database, tmp_path: Path
) -> None:
    schedule_of(sqlite_db)
    at = SUNDAY.replace(hour=10)
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster"), {"telemetry": {"enabled": False}}) as instance:
        (request,) = tick(sqlite_db, tmp_path, at, instance).run_requests
        assert request.partition_key == "2025"
        job = defs.resolve_job_def("market_snapshots")
        made = instance.create_run_for_job(job, tags={"dagster/partition": "2025"}, status=dg.DagsterRunStatus.STARTED)
        told = tick(sqlite_db, tmp_path, at, instance)
        assert not told.run_requests
        assert told.skip_message == (
            f"2 games of 2025 still to begin; run {made.run_id[:8]} of market_snapshots (started) "
            "asks the venues already"
        )
        quiet = tick(sqlite_db, tmp_path, SUNDAY + timedelta(days=5), instance)
        assert quiet.skip_message.startswith("no game is still to begin")


def test_a_database_that_cannot_be_used_is_an_error_of_the_tick(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        nowhere = Database(tmp_path / "nothing.db")
        with pytest.raises(dg.DagsterError) as caught:
            tick(nowhere, tmp_path, SUNDAY, instance)
        assert isinstance(caught.value.__cause__, TickError)


# --- what comes before what -------------------------------------------------------------------------------------------


def test_the_standings_stand_before_any_venue_is_asked(tmp_path: Path, serve: Callable[[Path], Server]) -> None:
    from firsttd_pipeline.storage.upgrade import upgrade

    db = Database(tmp_path / "home" / "firsttd.db")
    upgrade(db)
    db.close()
    server = serve(tiny_mirror(tmp_path / "mirror"))
    with Nightly(settings_for(tmp_path / "home", server.url)) as job:
        night = job.run(2025)
    assert night.success, night.errors
    order = [event.asset for event in night.events]
    assert order[-4:] == ["market_odds", "market_outcomes", "pick_market_odds", "member_market_stats"]
    assert set(order[:-4]) == {
        "rosters", "games", "touchdowns", "kickoff_decisions", "team_ratings", "results", "player_stats", "leaderboard",
    }  # fmt: skip
    (asked,) = [event.report for event in night.events if event.asset == "market_odds"]
    assert asked is not None
    assert "FIRSTTD_PREDICTION_MARKETS is off" in str(asked.absence)


def test_a_snapshot_run_asks_for_todays_open_legs_alone_and_prices_the_picks(
    sqlite_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def spy(*given: Any, snapshot_only: bool = False) -> market_odds.Plan:
        asked.append(snapshot_only)
        return plan_for(*given, snapshot_only=snapshot_only)

    plan_for = market_odds.plan_for
    monkeypatch.setattr(market_odds, "plan_for", spy)
    weeks: list[int] = []

    def around(_conn: Any, season: int, _now: datetime) -> list[int]:
        weeks.append(season)
        return []

    monkeypatch.setattr(pick_market_odds, "weeks_around", around)
    address = sqlite_db.url.render_as_string(hide_password=False)
    made = build_definitions(settings_for(tmp_path, "http://127.0.0.1:9/", database_url=address))
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    for job, only in (("market_snapshots", True), ("nightly", False)):
        asked.clear()
        weeks.clear()
        done = made.resolve_job_def(job).execute_in_process(
            partition_key="2025", run_config=quiet, raise_on_error=False,
            asset_selection=[dg.AssetKey("market_odds"), dg.AssetKey("pick_market_odds")],
        )  # fmt: skip
        assert done.success
        assert (asked, weeks) == ([only] * 4, [2025] * only)
