"""Claims about the sensors: real ticks over a real Dagster instance and a real database, on both engines.

Plain SQL writes as another program does; runs are executed as the daemon would; the clock is the test's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import make_url, text

from firsttd_pipeline.assets.base import LeagueSource
from firsttd_pipeline.automation.runner import _record_origin
from firsttd_pipeline.automation.runs import ATTEMPT, FOR, process_tag
from firsttd_pipeline.automation.sensors import TickError
from firsttd_pipeline.definitions import build_definitions
from firsttd_pipeline.refresh import League, run_season
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.conftest import PostgresServer
from firsttd_pipeline_tests.doors import settings_for
from firsttd_pipeline_tests.mirrors import TINY_GAMES, TINY_SEASON, link_mirror, tiny_mirror
from firsttd_pipeline_tests.servers import Server

FIRST, SECOND, COMING = TINY_GAMES
PLAYS = "pbp/play_by_play_2025.parquet"
QUIET = {"telemetry": {"enabled": False}}


@dataclass
class World:
    """A league with its upstream, its Dagster instance and a clock that runs ahead of the real one as told."""

    settings: Settings
    server: Server
    mirror: Path
    db: Database
    instance: dg.DagsterInstance
    ahead: timedelta = timedelta(0)
    cursors: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.source = LeagueSource(self.settings, self.now)
        self.defs = build_definitions(self.settings, source=self.source)
        self.repository = self.defs.get_repository_def()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def tick(self, sensor: str = "results_sensor") -> dg.SensorResult | Any:
        """One tick, as the daemon evaluates it: its requests, its skip message; the cursor is kept."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(sensor),
            repository_def=self.repository,
            sensor_name=sensor,
            resources={"league": self.source},
        )
        told = self.repository.get_sensor_def(sensor).evaluate_tick(context)
        self.cursors[sensor] = told.cursor
        return told

    def asked(self, sensor: str = "results_sensor") -> list[dg.RunRequest]:
        return list(self.tick(sensor).run_requests or [])

    def quiet(self, sensor: str = "results_sensor") -> str:
        """What a tick that asks for nothing says."""
        told = self.tick(sensor)
        assert not told.run_requests, told.run_requests
        return str(told.skip_message)

    def run(self, request: dg.RunRequest, job: str = "standings") -> dg.ExecuteInProcessResult:
        """Execute what was asked for."""
        return self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags={**request.tags, "dagster/run_key": request.run_key or ""},
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def sql(self, statement: str, **values: Any) -> None:
        """Write as another program does: no signature, a transaction of its own."""
        with self.db.engine.begin() as conn:
            conn.execute(text(statement), values)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.db.read() as conn:
            return [tuple(row) for row in conn.execute(text(query), values)]

    def points(self, season: int = TINY_SEASON) -> dict[str, float]:
        """The leaderboard of the season."""
        return dict(
            self.rows(
                "SELECT u.name, l.points FROM leaderboard l JOIN users u ON u.id = l.user_id "
                "WHERE l.season = :s AND l.week = 0",
                s=season,
            )  # type: ignore[arg-type]
        )

    def pick(self, member: str, player: str, game: str = FIRST, season: int = TINY_SEASON, week: int = 1) -> int:
        """A pick as the old application writes it."""
        if not self.rows("SELECT 1 FROM users WHERE name = :n", n=member):
            self.sql("INSERT INTO users (name) VALUES (:n)", n=member)
        if not self.rows("SELECT 1 FROM weeks WHERE season = :s AND week = :w", s=season, w=week):
            self.sql("INSERT INTO weeks (season, week) VALUES (:s, :w)", s=season, w=week)
        self.sql(
            "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
            "SELECT u.id, w.id, 'PHI', :p, 500, 5.0, :g FROM users u, weeks w "
            "WHERE u.name = :n AND w.season = :s AND w.week = :w",
            n=member, p=player, g=game or None, s=season, w=week,
        )  # fmt: skip
        return int(self.rows("SELECT max(id) FROM picks")[0][0])

    def grade(self, pick: int, correct: bool = True) -> None:
        """A result as the old application writes it."""
        self.sql(
            "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
            "VALUES (:i, 'S.Carrier', :c, 5.0, :c)",
            i=pick, c=correct,
        )  # fmt: skip

    def season(self) -> None:
        """Everything that the nightly run does, without Dagster."""
        with League.open(self.settings) as league:
            run_season(league, TINY_SEASON, self.now())


@dataclass(frozen=True)
class Template:
    """A league whose season stands, with nobody in it, in a database of each kind; its home; a fresh instance."""

    sqlite: Path
    postgres: str
    home: Path
    mirror: Path
    dagster: Path


@pytest.fixture(scope="module")
def template(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path, postgres_server: PostgresServer
) -> Iterator[Template]:
    folder = tmp_path_factory.mktemp("template")
    (folder / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(folder / "dagster"), overrides=QUIET):
        pass
    server = Server(tiny_mirror(folder / "mirror"))
    path = Path(shutil.copyfile(_sqlite_template, folder / "league.db"))
    address = postgres_server.upgraded()
    for url in (str(path), address):
        with League.open(settings_for(folder / "home", server.url, database_url=url)) as league:
            run_season(league, TINY_SEASON, datetime.now(UTC))
    server.stop()
    with contextlib.closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield Template(path, make_url(address).database or "", folder / "home", folder / "mirror", folder / "dagster")
    postgres_server.drop(address)


@pytest.fixture
def server(tmp_path: Path, template: Template, serve: Callable[[Path], Server]) -> Server:
    return serve(link_mirror(template.mirror, tmp_path / "mirror"))


@pytest.fixture
def make_world(
    tmp_path: Path, template: Template, server: Server, postgres_server: PostgresServer
) -> Iterator[Callable[[str], World]]:
    """`make_world("sqlite")` and `make_world("postgres")`: a copy of the league whose season stands."""
    with contextlib.ExitStack() as to_end:

        def make(kind: str) -> World:
            if kind == "sqlite":
                url = str(shutil.copyfile(template.sqlite, tmp_path / "firsttd.db"))
            else:
                url = postgres_server.create(template.postgres)
                to_end.callback(postgres_server.drop, url)
            db = Database(url, busy_timeout_s=20)
            to_end.callback(db.close)
            folder = shutil.copytree(template.dagster, tmp_path / "dagster")
            instance = to_end.enter_context(dg.DagsterInstance.local_temp(str(folder), overrides=QUIET))
            home = shutil.copytree(template.home, tmp_path / "home")
            settings = settings_for(home, server.url, database_url=url, busy_timeout=0.3)
            return World(settings, server, tmp_path / "mirror", db, instance)

        yield make


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, make_world: Callable[[str], World]) -> World:
    """A league whose season stands, with nobody in it, on both engines."""
    return make_world(request.param)


@pytest.fixture
def sqlite_world(make_world: Callable[[str], World]) -> World:
    return make_world("sqlite")


@pytest.fixture
def postgres_world(make_world: Callable[[str], World]) -> World:
    return make_world("postgres")


# --- results ----------------------------------------------------------------------------------------------------------


def test_a_quiet_tick_says_the_numbers(world: World) -> None:
    world.pick("Ann", "Saquon Carrier")
    world.season()
    assert world.quiet() == "0 changes wait; 1 events in all"


def test_a_result_by_plain_sql_asks_for_exactly_its_season_and_the_standings_show_it(world: World) -> None:
    pick = world.pick("Ann", "Somebody Else", COMING, week=2)
    world.season()
    assert world.points() == {"Ann": 0.0}
    world.grade(pick)
    (request,) = world.asked()
    assert request.partition_key == "2025"
    ((database, newest),) = world.rows(
        "SELECT (SELECT value FROM sync_metadata WHERE key = 'database_id'), max(id) FROM standings_queue"
    )
    assert request.run_key == f"standings-{database}-2025-{newest}-1"
    assert {name: request.tags[name] for name in ("firsttd/door", ATTEMPT, "firsttd/changes")} == {
        "firsttd/door": "results_sensor",
        ATTEMPT: "1",
        "firsttd/changes": "1",
    }
    result = world.run(request)
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == {"player_stats", "leaderboard"}
    assert world.points() == {"Ann": 4.0}


def test_an_update_and_a_delete_are_noticed_as_an_insert_is(world: World) -> None:
    pick = world.pick("Ann", "Somebody Else", COMING, week=2)
    world.season()
    points = []
    for change in (
        "INSERT INTO results (pick_id, is_correct, actual_return, any_time_td) VALUES (:i, TRUE, 5.0, TRUE)",
        "UPDATE results SET is_correct = FALSE, actual_return = -1.0 WHERE pick_id = :i",
        "DELETE FROM results WHERE pick_id = :i",
    ):
        world.sql(change, i=pick)
        (request,) = world.asked()
        assert world.run(request).success
        points.append(world.points()["Ann"])
    assert points == [4.0, 1.0, 0.0]


def test_it_never_asks_for_a_run_because_of_its_own_run(world: World) -> None:
    """The run settles: it writes the money and the status of the grade that it found, which are changes too."""
    for member in ("Ann", "Bob", "Cal"):
        world.grade(world.pick(member, "Somebody Else", COMING, week=2), member == "Ann")
    world.season()
    world.grade(world.pick("Dee", "Other Person", COMING, week=2))
    (request,) = world.asked()
    assert world.run(request).success
    world.ahead = timedelta(hours=3)
    for _ in range(5):
        assert world.quiet().startswith("0 changes wait; ")


def test_many_results_at_once_make_one_run_a_season(world: World) -> None:
    picks = [world.pick(f"M{n}", "Somebody Else", COMING, week=2) for n in range(12)]
    picks += [world.pick("Old", "Somebody Else", "", season=2024)]
    for pick in picks:
        world.grade(pick)
    requests = {request.partition_key: request for request in world.asked()}
    assert {season: r.tags["firsttd/changes"] for season, r in requests.items()} == {"2024": "1", "2025": "12"}
    for request in requests.values():
        assert world.run(request).success
    assert world.rows("SELECT count(*) FROM standings_queue") == [(0,)]
    assert world.points(2024) == {"Old": 4.0}


def test_a_removed_pick_leaves_the_standings(world: World) -> None:
    pick = world.pick("Ann", "Saquon Carrier")
    world.season()
    assert world.points() == {"Ann": 4.0}
    world.sql("DELETE FROM picks WHERE id = :i", i=pick)
    (request,) = world.asked()
    assert world.run(request).success
    assert world.points() == {}


@pytest.mark.parametrize("job", ["nightly", "standings", "new_picks", "plays_landed"])
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_while_a_run_that_will_show_it_waits_or_works_no_other_is_asked_for(
    sqlite_world: World, job: str, status: dg.DagsterRunStatus
) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    busy = unfinished(world, job, status)
    assert world.quiet() == (
        f"season 2025: 1 change waits; run {busy.run_id[:8]} of {job} ({status.value.lower()}) will see to it"
    )
    world.instance.report_run_failed(busy)
    assert len(world.asked()) == 1


def unfinished(
    world: World,
    job: str = "standings",
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED,
    season: str = "2025",
    **tags: str,
) -> dg.DagsterRun:
    """A run that looks unfinished."""
    _record_origin(world.instance, job)  # a queued run names the code that it is of
    given = {name.replace("__", "/"): value for name, value in tags.items()}
    return world.instance.create_run_for_job(
        world.defs.resolve_job_def(job), status=status, tags={"dagster/partition": season, **given}
    )


def test_a_run_of_another_season_or_that_waits_in_a_backfill_or_whose_process_is_gone_holds_nothing_up(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    unfinished(world, season="2024")
    unfinished(world, "nightly", dg.DagsterRunStatus.QUEUED, dagster__backfill="abc")
    host = socket.gethostname()
    unfinished(world, "nightly", firsttd__host=host, firsttd__pid="4194303")
    ours = unfinished(world, "nightly")
    gone = {name: value.replace(f":{os.getpid()}:", ":4194303:") for name, value in process_tag(ours.run_id).items()}
    world.instance.add_run_tags(ours.run_id, gone)
    assert len(world.asked()) == 1


def test_a_process_id_that_was_used_again_does_not_keep_a_dead_run_alive(sqlite_world: World) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    ours = unfinished(world)
    alive = process_tag(ours.run_id)
    world.instance.add_run_tags(ours.run_id, alive)
    assert "will see to it" in world.quiet()
    (name, value), *_ = alive.items()
    world.instance.add_run_tags(ours.run_id, {name: value.rpartition(":")[0] + ":1"})
    assert len(world.asked()) == 1


def test_a_failed_run_is_asked_for_again_later_and_later(sqlite_world: World) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    keys = []
    for wait, times in ((30, "once"), (60, "2 times"), (120, "3 times")):
        (request,) = world.asked()
        keys.append(request.run_key)
        with contextlib.closing(sqlite3.connect(world.db.path or "")) as other:
            other.execute("BEGIN IMMEDIATE")  # another program holds the lock for longer than the run waits
            assert not world.run(request).success
        said = world.quiet()
        assert f"season 2025: 1 change waits; its run failed {times}, the next try is at 20" in said
        world.ahead = timedelta(seconds=wait - 15)
        assert world.quiet() == said
        world.ahead = timedelta(seconds=wait + 1)
    (request,) = world.asked()
    assert [key.rpartition("-")[2] for key in (*keys, request.run_key) if key] == ["1", "2", "3", "4"]
    assert len({(key or "").rpartition("-")[0] for key in keys}) == 1
    assert world.run(request).success
    assert world.quiet().startswith("0 changes wait")


def test_a_new_change_after_a_failure_is_asked_for_at_once(sqlite_world: World) -> None:
    world = sqlite_world
    pick, other = (world.pick(name, "Somebody Else", COMING, week=2) for name in ("Ann", "Bob"))
    world.grade(pick)
    (request,) = world.asked()
    with contextlib.closing(sqlite3.connect(world.db.path or "")) as lock:
        lock.execute("BEGIN IMMEDIATE")
        assert not world.run(request).success
    assert "the next try is at" in world.quiet()
    world.grade(other)
    (again,) = world.asked()
    assert (again.tags[ATTEMPT], again.tags["firsttd/changes"]) == ("1", "2")


def test_a_tick_that_was_not_followed_by_a_run_asks_again(world: World) -> None:
    """The daemon was ended between the tick and the run: Dagster has no run with that key."""
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    assert [r.run_key for r in world.asked()] == [r.run_key for r in world.asked()]


def test_a_reset_dagster_forgets_nothing_that_waits(tmp_path: Path, world: World) -> None:
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    (request,) = world.asked()
    (tmp_path / "fresh").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "fresh"), overrides=QUIET) as fresh:
        world.instance, world.cursors = fresh, {}
        (again,) = world.asked()
        assert again.run_key == request.run_key
        assert world.run(again).success
        assert world.quiet().startswith("0 changes wait")


def test_a_restored_older_database_in_which_ids_are_used_twice_is_served_at_once(
    tmp_path: Path, sqlite_world: World
) -> None:
    world = sqlite_world
    pick = world.pick("Ann", "Somebody Else", COMING, week=2)
    world.season()
    path = world.db.path
    assert path is not None
    backup = tmp_path / "backup.db"
    with contextlib.closing(sqlite3.connect(path)) as live, contextlib.closing(sqlite3.connect(backup)) as copy:
        live.backup(copy)
    world.grade(pick)
    (request,) = world.asked()
    assert world.run(request).success
    world.db.close()
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    shutil.copyfile(backup, path)
    assert world.points() == {"Ann": 0.0}
    assert world.quiet().startswith("0 changes wait")
    world.grade(pick)
    (again,) = world.asked()
    assert again.tags[FOR] == request.tags[FOR], "the same id of the same database"
    assert again.run_key != request.run_key
    assert world.run(again).success
    assert world.points() == {"Ann": 4.0}


def test_an_attempt_whose_runs_were_partly_deleted_has_a_key_of_its_own(sqlite_world: World) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    ids = []
    for _ in range(3):
        (request,) = world.asked()
        with contextlib.closing(sqlite3.connect(world.db.path or "")) as lock:
            lock.execute("BEGIN IMMEDIATE")
            ids.append(world.run(request).run_id)
        world.ahead += timedelta(hours=1)
    world.instance.delete_run(ids[0])
    (request,) = world.asked()
    assert request.tags[ATTEMPT] == "4"


def test_seasons_that_cannot_be_run_are_told_and_hold_nothing_up(world: World) -> None:
    typed = world.pick("Ann", "Somebody", "", season=1970)
    world.grade(typed)
    world.sql("INSERT INTO standings_queue (season, pick_id, event) VALUES (NULL, 7, 'ungraded')")
    world.sql("INSERT INTO standings_queue (season, pick_id, event) VALUES (20255, 7, 'ungraded')")
    said = world.quiet()
    for part in (
        "1 change waits of no season",
        "season 1970: 1 change waits, and there is no such season to run",
        "season 20255: 1 change waits, and there is no such season to run",
    ):
        assert part in said
    world.grade(world.pick("Bob", "Somebody Else", COMING, week=2))
    assert [request.partition_key for request in world.asked()] == ["2025"]


def test_transactions_that_commit_out_of_order_are_both_applied(postgres_world: World) -> None:
    world = postgres_world
    first, second = (world.pick(name, "Somebody Else", COMING, week=2) for name in ("Ann", "Bob"))
    grade = text("INSERT INTO results (pick_id, is_correct, any_time_td) VALUES (:i, TRUE, TRUE)")
    slow = world.db.engine.connect()
    open_until_later = slow.begin()
    slow.execute(grade, {"i": first})
    world.sql(str(grade), i=second)
    (request,) = world.asked()
    assert world.run(request).success
    assert world.points() == {"Bob": 4.0}
    assert world.quiet().startswith("0 changes wait")
    open_until_later.commit()
    slow.close()
    (late,) = world.asked()
    assert late.tags[FOR] < request.tags[FOR], "an older change than the one that was applied"
    assert world.run(late).success
    assert world.points() == {"Ann": 4.0, "Bob": 4.0}


# --- a database in trouble --------------------------------------------------------------------------------------------


def test_a_locked_database_is_told_and_the_next_tick_goes_on(sqlite_world: World) -> None:
    world = sqlite_world
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    world.db.close()
    with contextlib.closing(sqlite3.connect(world.db.path or "")) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("UPDATE users SET name = name")
        for sensor in ("results_sensor", "picks_sensor", "plays_sensor"):
            assert "was locked by another program" in world.quiet(sensor)
    assert len(world.asked()) == 1


@pytest.mark.parametrize("sensor", ["results_sensor", "picks_sensor", "plays_sensor"])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "has no tables yet.*firsttd db upgrade"),
        (lambda path: path.write_bytes(b"not a database at all" * 99), "is no SQLite database"),
        (lambda path: execute(path, "UPDATE alembic_version SET version_num = '0019'"), "0019.*firsttd db upgrade"),
        (lambda path: execute(path, "UPDATE alembic_version SET version_num = '9999'"), "9999.*Install the release"),
        (lambda path: execute(path, "DROP TABLE picks"), "not a league's database"),
    ],
    ids=["gone", "not a database", "not upgraded", "newer", "somebody else's"],
)
def test_a_database_that_cannot_be_used_fails_the_tick_with_the_reason_and_the_next_one_goes_on(
    sqlite_world: World, tmp_path: Path, sensor: str, damage: Callable[[Path], object], told: str
) -> None:
    world = sqlite_world
    world.db.close()
    path = world.db.path
    assert path is not None
    shutil.copyfile(path, tmp_path / "sound.db")
    damage(path)
    with pytest.raises(TickError, match=told):
        world.tick(sensor)
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "sound.db", path)
    assert world.quiet(sensor)


def execute(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as conn, conn:
        conn.execute(statement)


def test_a_postgresql_that_does_not_answer_fails_the_tick_without_its_password(sqlite_world: World) -> None:
    world = sqlite_world
    url = "postgresql://league:s3cret@127.0.0.1:9/league"
    world.source = LeagueSource(settings_for(world.settings.home, world.server.url, database_url=url))
    with pytest.raises(TickError, match=r"does not answer|cannot be used") as raised:
        world.tick()
    assert "s3cret" not in str(raised.value)


# --- picks ------------------------------------------------------------------------------------------------------------


def test_a_pick_by_plain_sql_is_understood_and_graded(world: World) -> None:
    world.pick("Ann", "saquon carrier")
    (request,) = world.asked("picks_sensor")
    assert (request.partition_key, request.tags["firsttd/picks"]) == ("2025", "1")
    result = world.run(request, "new_picks")
    assert result.success
    assert world.rows("SELECT player_id FROM picks") == [("00-0000002",)]
    assert world.points() == {"Ann": 4.0}
    for sensor in ("picks_sensor", "results_sensor"):
        for _ in range(3):
            assert world.quiet(sensor).startswith("0 ")


def test_a_pick_that_was_retyped_is_understood_anew(world: World) -> None:
    pick = world.pick("Ann", "Saquon Carrier")
    world.run(world.asked("picks_sensor")[0], "new_picks")
    world.sql("UPDATE picks SET player_name = 'Jalen Runner' WHERE id = :i", i=pick)
    (request,) = world.asked("picks_sensor")
    assert request.tags[ATTEMPT] == "1"
    assert world.run(request, "new_picks").success
    assert world.rows("SELECT player_id FROM picks") == [("00-0000001",)]
    assert world.points() == {"Ann": 1.0}
    assert world.quiet("picks_sensor") == "0 picks without a standing; 1 picks in all"


def test_picks_of_a_season_that_has_no_schedule_are_looked_at_once(world: World) -> None:
    world.pick("Ann", "Somebody", "", season=2019)
    (request,) = world.asked("picks_sensor")
    assert request.partition_key == "2019"
    assert world.run(request, "new_picks").success
    world.ahead = timedelta(days=2)
    assert world.quiet("picks_sensor") == "0 picks without a standing; 1 picks in all"
    assert world.rows("SELECT status, reason IS NOT NULL FROM pick_status") == [("pending", True)]


def test_picks_of_a_season_that_cannot_be_run_are_told(world: World) -> None:
    world.pick("Ann", "Somebody", "", season=1970)
    assert world.quiet("picks_sensor") == ("season 1970: 1 pick has no standing, and there is no such season to run")


def test_a_pick_that_no_run_gives_a_standing_is_asked_for_less_and_less_often(sqlite_world: World) -> None:
    world = sqlite_world
    pick = world.pick("Ann", "Saquon Carrier")

    def run_in_vain() -> None:
        (request,) = world.asked("picks_sensor")
        assert world.run(request, "new_picks").success
        world.sql("DELETE FROM pick_status WHERE pick_id = :i", i=pick)  # somebody takes it away every time

    run_in_vain()  # it graded the pick, which is a change
    run_in_vain()
    run_in_vain()  # once is free: the database may have been restored
    for times, wait in ((2, 30), (3, 60)):
        said = f"its run succeeded and changed nothing about it {times} times, the next try is at 20"
        assert said in world.quiet("picks_sensor")
        world.ahead = timedelta(seconds=wait + 1)
        run_in_vain()
    assert "4 times" in world.quiet("picks_sensor")


def test_new_picks_and_standings_need_nothing_of_upstream(world: World) -> None:
    world.server.status("*", 503)
    world.pick("Ann", "Saquon Carrier")
    (request,) = world.asked("picks_sensor")
    assert world.run(request, "new_picks").success
    world.grade(world.pick("Bob", "Somebody Else", COMING, week=2))
    (request,) = world.asked()
    assert world.run(request).success
    assert world.points() == {"Ann": 4.0, "Bob": 4.0}


# --- plays ------------------------------------------------------------------------------------------------------------


def late_plays(world: World, hours: float = 8) -> None:
    """The second game ended a few hours ago, and its plays are not there."""
    every_play = world.mirror / PLAYS
    shutil.copyfile(every_play, world.mirror / "all.parquet")
    mirrors.change_plays(world.mirror, TINY_SEASON, lambda plays: plays.filter(plays["game_id"] == FIRST))
    world.sql("DELETE FROM game_records")
    world.sql("DELETE FROM touchdowns")
    world.season()
    assert world.rows("SELECT game_id FROM game_records") == [(FIRST,)]
    kickoff = world.now() - timedelta(hours=hours)
    shown = kickoff if world.db.dialect == "postgresql" else kickoff.strftime("%Y-%m-%d %H:%M:%S")
    world.sql("UPDATE games SET kickoff_at = :k WHERE id = :g", k=shown, g=SECOND)
    world.server.requests.clear()


def heads(world: World) -> int:
    assert {request.method for request in world.server.requests} <= {"HEAD"}, "it fetched the file"
    return len(world.server.requests)


def test_with_every_game_played_and_there_upstream_is_not_asked(world: World) -> None:
    assert world.quiet("plays_sensor") == "0 games of the last 7 days are final without their plays"
    assert world.server.paths == []


def test_plays_that_come_late_are_noticed_by_their_headers_and_graded(world: World) -> None:
    world.pick("Ann", "Trent Corner", SECOND)
    late_plays(world)
    assert world.points() == {"Ann": 0.0}
    said = world.quiet("plays_sensor")
    assert "season 2025: 1 game is final without plays; upstream's file of 20" in said
    assert "was taken and lacks them; upstream is looked at again at 20" in said
    assert heads(world) == 1
    world.ahead += timedelta(seconds=299)
    assert "final without plays: 1 of 2025 (e.g. 2025_01_KC_LAC)" in world.quiet("plays_sensor")
    assert heads(world) == 1
    shutil.copyfile(world.mirror / "all.parquet", world.mirror / PLAYS)
    world.ahead += timedelta(seconds=1)
    (request,) = world.asked("plays_sensor")
    assert heads(world) == 2
    assert request.partition_key == "2025"
    world.server.requests.clear()
    result = world.run(request, "plays_landed")
    assert result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    league = {"touchdowns", "kickoff_decisions", "results", "player_stats", "leaderboard"}
    assert made == league | {"market_outcomes", "pick_market_odds", "member_market_stats"}  # no venue is asked
    assert {path for path in world.server.paths if "schedules" in path or path.startswith("rosters")} == set()
    assert world.points() == {"Ann": 4.0}
    world.ahead += timedelta(seconds=301)
    assert world.quiet("plays_sensor") == "0 games of the last 7 days are final without their plays"


@pytest.mark.parametrize("cursor", [None, "nonsense", "2025-09-10T12:00:00", "2999-01-01T00:00:00+00:00"])
def test_a_cursor_that_is_lost_or_damaged_only_means_an_earlier_look(sqlite_world: World, cursor: str | None) -> None:
    world = sqlite_world
    late_plays(world)
    world.quiet("plays_sensor")
    world.cursors["plays_sensor"] = cursor
    assert "was taken and lacks them" in world.quiet("plays_sensor")
    assert heads(world) == 2


def test_upstream_in_trouble_is_told_and_looked_at_again(sqlite_world: World, refused_url: str) -> None:
    world = sqlite_world
    late_plays(world)
    world.server.status(PLAYS, 503)
    assert f"{PLAYS}: the server answered 503" in world.quiet("plays_sensor")
    assert heads(world) == 1
    world.server.status(PLAYS, 404)
    world.ahead += timedelta(minutes=6)
    assert f"{PLAYS} is not published (404)" in world.quiet("plays_sensor")
    world.source = LeagueSource(
        settings_for(
            world.settings.home, refused_url.replace("http://", "http://me:s3cret@"), database_url=str(world.db.path)
        ),
        world.now,
    )
    world.ahead += timedelta(minutes=6)
    said = world.quiet("plays_sensor")
    assert "no connection" in said
    assert "s3cret" not in said


def test_plays_that_end_early_are_waited_for_as_missing_ones_are(sqlite_world: World) -> None:
    world = sqlite_world
    late_plays(world)
    world.sql(
        "INSERT INTO game_records (game_id, season, plays, home_score, away_score, reaches_end) "
        "VALUES (:g, 2025, 40, 0, 7, FALSE)",
        g=SECOND,
    )
    assert "1 game is final without plays" in world.quiet("plays_sensor")
    world.sql("UPDATE game_records SET reaches_end = TRUE WHERE game_id = :g", g=SECOND)
    assert world.quiet("plays_sensor").startswith("0 games")
    world.sql("UPDATE game_records SET away_score = 6 WHERE game_id = :g", g=SECOND)
    assert "1 of 2025" in world.quiet("plays_sensor")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE games SET kickoff_at = '2020-01-01 12:00:00'",
        "UPDATE games SET status = 'in_progress', home_score = NULL, away_score = NULL WHERE id = '2025_01_KC_LAC'",
        "UPDATE games SET deleted_at = '2025-09-09 12:00:00' WHERE id = '2025_01_KC_LAC'",
        "UPDATE games SET kickoff_at = NULL",
    ],
    ids=["long ago", "not over", "left the schedule", "kickoff unknown"],
)
def test_other_games_are_not_waited_for(sqlite_world: World, change: str) -> None:
    world = sqlite_world
    late_plays(world)
    world.sql(change)
    assert world.quiet("plays_sensor").startswith("0 games")
    assert heads(world) == 0


def test_a_failed_run_for_plays_is_asked_for_again_with_its_next_attempt(sqlite_world: World) -> None:
    world = sqlite_world
    late_plays(world)
    shutil.copyfile(world.mirror / "all.parquet", world.mirror / PLAYS)
    (request,) = world.asked("plays_sensor")
    world.server.fault(PLAYS, "bytes", body=b"PAR1 half a file")
    assert not world.run(request, "plays_landed").success
    world.server.heal()
    world.ahead += timedelta(minutes=10)
    (again,) = world.asked("plays_sensor")
    assert (again.tags[FOR], again.tags[ATTEMPT]) == (request.tags[FOR], "2")


# --- failed runs ------------------------------------------------------------------------------------------------------


def failures(world: World) -> list[tuple[Any, ...]]:
    return world.rows("SELECT run_id, job, season, step, error, cleared_at IS NULL FROM run_failures ORDER BY id")


def failed_nightly(world: World, path: str = PLAYS) -> dg.ExecuteInProcessResult:
    world.server.status(path, 403)
    result = world.run(dg.RunRequest(partition_key="2025"), "nightly")
    assert not result.success
    world.server.heal()
    return result


def test_a_run_that_failed_is_written_down_once_with_its_asset_and_its_innermost_error(world: World) -> None:
    result = failed_nightly(world)
    assert world.quiet("run_failure_sensor") == "1 failed runs written down; 1 failed in the last 7 days"
    ((run_id, job, season, step, error, stands),) = failures(world)
    assert (run_id, job, season, step, stands) == (result.run_id, "nightly", 2025, "touchdowns", True)
    assert error.startswith(f"{world.server.url}{PLAYS}: the server answered 403")
    assert "Traceback" not in error
    assert world.quiet("run_failure_sensor") == "0 failed runs written down; 1 failed in the last 7 days"
    assert len(failures(world)) == 1


def test_a_later_success_of_what_failed_clears_it_and_nothing_else_does(world: World) -> None:
    failed_nightly(world)
    world.quiet("run_failure_sensor")
    world.grade(world.pick("Ann", "Somebody Else", COMING, week=2))
    standings = world.run(world.asked()[0])
    assert standings.success
    assert [row[-1] for row in failures(world)] == [True], "the standings do not fetch plays"
    (check,) = [c for c in standings.get_asset_check_evaluations() if c.check_name == "no_failed_runs"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert "nightly at touchdowns on 20" in str(check.description)
    nightly = world.run(dg.RunRequest(partition_key="2025"), "nightly")
    assert nightly.success
    assert [row[-1] for row in failures(world)] == [False]
    (check,) = [c for c in nightly.get_asset_check_evaluations() if c.check_name == "no_failed_runs"]
    assert check.passed


def test_a_failure_that_is_written_down_late_knows_that_it_was_made_good(world: World) -> None:
    failed_nightly(world)
    assert world.run(dg.RunRequest(partition_key="2025"), "nightly").success
    world.quiet("run_failure_sensor")
    assert [row[-1] for row in failures(world)] == [False]


def test_a_failure_of_another_season_stays(world: World) -> None:
    failed_nightly(world)
    world.quiet("run_failure_sensor")
    world.run(dg.RunRequest(partition_key="2024"), "standings")
    assert [(row[2], row[-1]) for row in failures(world)] == [(2025, True)]


def test_a_failure_that_could_not_be_written_is_written_by_a_later_tick(sqlite_world: World) -> None:
    world = sqlite_world
    failed_nightly(world)
    with contextlib.closing(sqlite3.connect(world.db.path or "")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "was locked by another program" in world.quiet("run_failure_sensor")
    assert failures(world) == []
    world.quiet("run_failure_sensor")
    assert len(failures(world)) == 1


def test_a_run_whose_process_is_gone_is_closed_and_written_down_and_cleared_by_the_next(world: World) -> None:
    dead = unfinished(world)
    world.instance.add_run_tags(
        dead.run_id, {k: v.replace(f":{os.getpid()}:", ":4194303:") for k, v in process_tag(dead.run_id).items()}
    )
    assert world.quiet("run_failure_sensor").startswith("1 dead runs closed; 1 failed runs written down")
    ((_, job, season, step, error, stands),) = failures(world)
    assert (job, season, step, stands) == ("standings", 2025, None, True)
    assert error.startswith("The process of this run was ended from outside")
    assert world.run(dg.RunRequest(partition_key="2025")).success
    assert [row[-1] for row in failures(world)] == [False]


def test_secrets_reach_no_record(world: World) -> None:
    secret = world.server.url.replace("http://", "http://league:s3cret@")
    world.source = LeagueSource(
        settings_for(world.settings.home, secret, database_url=world.settings.database), world.now
    )
    world.defs = build_definitions(world.settings, source=world.source)
    world.server.status(PLAYS, 403)
    assert not world.run(dg.RunRequest(partition_key="2025"), "nightly").success
    world.quiet("run_failure_sensor")
    assert len(failures(world)) == 1
    assert "s3cret" not in str(failures(world))
