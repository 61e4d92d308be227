"""What goes wrong on the way, for real: a source that misbehaves over a socket, a database that another process holds,
a disk without room, a process that is killed. Where a process is at stake, the run is the console script in one of its
own; each ends in a clear message and an intact database, and the next run works.
"""

from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from firsttd_pipeline.settings import Settings
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.doors import SCRIPT, Told, environment, firsttd, quick
from firsttd_pipeline_tests.e2e.conftest import NewHome
from firsttd_pipeline_tests.e2e.league import (
    BEFORE,
    SEASON,
    Tables,
    bring_in,
    differences,
    integrity,
    query,
    raw,
    refresh,
    settings_for,
    tables,
)
from firsttd_pipeline_tests.mirrors import TINY_GAMES, tiny_mirror
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared

SCHEDULE, ROSTER = "schedules/games.parquet", "rosters/roster_2025.parquet"
WEEKLY, PLAYS = "weekly_rosters/roster_weekly_2025.parquet", "pbp/play_by_play_2025.parquet"
RUNNER, CARRIER = "00-0000001", "00-0000002"
SHEET = f"""user,season,week,game_id,player,odds
Ann,2025,1,{TINY_GAMES[0]},Saquon Carrier,700
Bob,2025,1,{TINY_GAMES[0]},Jalen Runner,450
"""


@dataclass
class Night:
    """A league whose last night went well, and upstream's correction of a scorer that the next one should bring."""

    settings: Settings
    server: Server
    before: Tables
    rows: dict[str, list[tuple[Any, ...]]]

    @property
    def home(self) -> Path:
        return self.settings.home

    def nightly(self, url: str = "", **env: str) -> Told:
        return quick(self.home, url or self.server.url, "nightly", "--season", "2025", env=env)

    def process(self, **env: str) -> Told:
        """The same in a process of its own."""
        return firsttd(self.home, self.server.url, "nightly", "--season", "2025", env=env)

    def untouched(self) -> None:
        """Not one byte of any table is other than it was, and the file is sound."""
        assert raw(self.settings) == self.rows
        assert integrity(self.settings) == []

    def next_run_works(self) -> None:
        """The correction lands: the touchdown is another player's and both grades flip."""
        self.server.heal()
        refresh(self.settings)
        found = differences(self.before, tables(self.settings))
        assert set(found["touchdowns"]) == {(TINY_GAMES[0], 100)}
        assert {key[0]: row["status"] for key, row in found["pick_status"].items()} == {
            "Ann": ("won", "lost"),
            "Bob": ("lost", "won"),
        }
        assert integrity(self.settings) == []


@pytest.fixture(scope="module")
def last_night(tmp_path_factory: pytest.TempPathFactory, new_home: NewHome) -> tuple[Path, Path]:
    """A home after a good night, and the mirror that it read."""
    mirror = tiny_mirror(tmp_path_factory.mktemp("tiny"))
    server = Server(mirror)
    try:
        settings = new_home(server.url)
        bring_in(settings, SHEET, BEFORE, {"Ann": None, "Bob": None})
        told = quick(settings.home, server.url, "nightly", "--season", "2025")
        assert told.code == 0, told.err
    finally:
        server.stop()
    return settings.home, mirror


@pytest.fixture
def night(last_night: tuple[Path, Path], tmp_path: Path) -> Iterator[Night]:
    home, mirror = last_night
    shutil.copytree(home, tmp_path / "home")
    corrected = shutil.copytree(mirror, tmp_path / "mirror")
    mirrors.correct_scorer(corrected, SEASON, TINY_GAMES[0], 100, RUNNER, "J.Runner")
    server = Server(corrected)
    settings = settings_for(tmp_path / "home", server.url)
    yield Night(settings, server, tables(settings), raw(settings))
    server.stop()


@pytest.fixture(scope="module")
def whole(new_home: NewHome, upstream: Server) -> Tables:
    """What an undisturbed run of 2025 ends with."""
    settings = new_home(upstream.url)
    refresh(settings)
    return tables(settings)


# --- upstream ---------------------------------------------------------------------------------------------------------


def damaged_inside(content: bytes) -> bytes:
    """A parquet file whose ends are whole and whose pages are not."""
    return content[:40] + bytes(200) + content[240:]


FAULTS: dict[str, tuple[str, dict[str, Any], dict[str, str], tuple[str, ...]]] = {
    "the connection is cut in the middle of the plays": (
        PLAYS, {"kind": "truncate", "after": 3000}, {},
        ("the connection broke (3", "A retry may help: run it again later."),
    ),
    "the connection is reset in the middle of the schedule": (
        SCHEDULE, {"kind": "reset", "after": 2000}, {"FIRSTTD_RETRIES": "1"},
        ("the connection broke", "tried 2 times", "A retry may help: run it again later."),
    ),
    "chunks stop in the middle of the roster": (
        ROSTER, {"kind": "cut_chunks", "after": 2000}, {},
        ("the connection broke", "tried once", "A retry may help"),
    ),
    "the server stalls": (
        WEEKLY, {"kind": "stall", "after": 500}, {"FIRSTTD_READ_TIMEOUT": "0.5"},
        ("nothing came for 0.5 s (500 of ", "A retry may help"),
    ),
    "plays that are due are not there": (
        PLAYS, {"kind": "status", "status": 404}, {},
        ("the server answered 404, but 2 games of 2025 ended more than 48 hours ago, so its plays are due",
         "A retry does not help. Check FIRSTTD_NFLVERSE_URL"),
    ),
    "the server is out of order": (
        SCHEDULE, {"kind": "status", "status": 500}, {"FIRSTTD_RETRIES": "2"},
        ("the server answered 500", "tried 3 times", "A retry may help: run it again later."),
    ),
    "there were too many requests": (
        ROSTER, {"kind": "status", "status": 429, "headers": {"Retry-After": "900"}}, {"FIRSTTD_RETRIES": "3"},
        ("the server answered 429", "asks to wait 900 s", "tried once"),
    ),
    "the plays are damaged inside": (
        PLAYS, {"kind": "bytes"}, {},
        ("damaged inside", "if it fails again, the file upstream is broken"),
    ),
    "a web page comes instead": (
        SCHEDULE, {"kind": "html"}, {},
        ("look like a web page (a sign-in page, or an error page sent as success)", "Check the address."),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_source_that_misbehaves_ends_in_one_clear_message_and_an_untouched_database(night: Night, name: str) -> None:
    path, fault, env, words = FAULTS[name]
    details = dict(fault)
    if details["kind"] == "bytes":
        details["body"] = damaged_inside((night.server.folder / path).read_bytes())
    night.server.fault(path, **details)
    told = night.process(**env) if details["kind"] == "stall" else night.nightly(**env)
    assert told.code == 1
    said = " ".join(told.err.split())
    assert f"{night.server.url}{path}: " in said
    for word in words:
        assert word in said
    assert "FAILED" in said
    if path != WEEKLY:  # the last asset but one: what does not need it has run
        night.untouched()
    assert integrity(night.settings) == []
    failed = query(night.settings, "SELECT message FROM sync_runs WHERE status = 'failed'")
    assert len(failed) == (2 if path == WEEKLY else 1)  # `rosters` goes on without them, `player_stats` asks again
    assert all(words[0] in message for (message,) in failed)
    night.next_run_works()


def test_with_no_network_it_ends_in_seconds_with_one_message(night: Night, refused_url: str) -> None:
    started = time.monotonic()
    told = night.nightly(url=refused_url, FIRSTTD_RETRIES="3", FIRSTTD_BACKOFF="0.5", FIRSTTD_CONNECT_TIMEOUT="2")
    assert told.code == 1
    assert time.monotonic() - started < 60
    assert f"{refused_url}{SCHEDULE}: no connection (" in told.err
    assert "Check the network and the address; a retry may help." in told.err
    night.untouched()
    night.next_run_works()


def test_a_mistyped_address_is_not_taken_for_a_season_to_come(night: Night) -> None:
    told = night.nightly(url=night.server.url + "nflvers/")
    assert told.code == 1
    assert f"{night.server.url}nflvers/{SCHEDULE}" in told.err
    assert "404" in told.err
    assert "not published" not in told.err
    night.untouched()


# --- the database -----------------------------------------------------------------------------------------------------

HOLD = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_database_that_another_process_holds_is_left_alone_after_the_busy_timeout(night: Night) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(night.home / "firsttd.db")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = night.nightly(FIRSTTD_BUSY_TIMEOUT="0.3")
    finally:
        holder.kill()
        holder.communicate()
    assert told.code == 1
    assert f"{night.home / 'firsttd.db'} was locked by another program for more than 0.3 s" in told.err
    assert "nothing was written. Close the program that holds it, or try again." in told.err
    night.untouched()
    night.next_run_works()


# --- the disk ---------------------------------------------------------------------------------------------------------


@dataclass
class SmallDisk:
    """A folder with little room: a file system of its own where one can be mounted, else a limit on every file."""

    folder: Path
    kilobytes: int
    mounted: bool
    limited: bool

    def nightly(self, home: Path, url: str, **env: str) -> Told:
        def limit() -> None:
            if self.limited:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.kilobytes * 1024, self.kilobytes * 1024))

        done = subprocess.run(
            [str(SCRIPT), "nightly", "--season", "2025"], env=environment(home, url, **env), cwd=self.folder,
            capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr
        return Told(done.returncode, done.stdout, done.stderr)

    def make_room(self) -> None:
        self.limited = False
        if self.mounted:
            subprocess.run(["mount", "-o", "remount,size=200m", str(self.folder)], check=True, capture_output=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Any]:
    """`small_disk(folder, kilobytes)`; the folder must be empty."""
    mounted: list[Path] = []

    def make(folder: Path, kilobytes: int) -> SmallDisk:
        folder.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            done = False
        if done:
            mounted.append(folder)
        return SmallDisk(folder, kilobytes, mounted=done, limited=not done)

    yield make
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


@needs_shared
@pytest.mark.parametrize("kilobytes", [700, 1800], ids=["during_the_first_tables", "during_the_last"])
def test_a_disk_that_fills_up_rolls_the_table_back_and_says_so(
    small_disk: Any, new_home: NewHome, upstream: Server, tmp_path: Path, whole: Tables, kilobytes: int
) -> None:
    disk = small_disk(tmp_path / "small", kilobytes)
    home = new_home(upstream.url).home
    database = disk.folder / "league.db"
    shutil.move(home / "firsttd.db", database)
    settings = settings_for(home, upstream.url, database_url=str(database))
    told = disk.nightly(home, upstream.url, FIRSTTD_DATABASE_URL=str(database))
    assert told.code == 1
    if disk.mounted:  # a limit on files is met by the raw files first
        assert str(database) in told.err
        assert "nothing was written" in told.err
        assert "ake room and try again." in told.err
    assert integrity(settings) == []
    complete = {"games": 285, "rosters": 3134, "team_ratings": 736, "touchdowns": 1459, "player_stats": 3134}
    counted = {name: len(rows) for name, rows in tables(settings).items() if name in complete}
    assert all(rows in (0, complete[name]) for name, rows in counted.items()), counted
    assert counted != complete
    disk.make_room()
    refresh(settings)
    assert differences(whole, tables(settings)) == {}


@needs_shared
def test_no_room_for_the_raw_files_is_told_before_anything_is_written(
    small_disk: Any, new_home: NewHome, upstream: Server
) -> None:
    settings = new_home(upstream.url)
    disk = small_disk(settings.home / "raw", 200)
    if not disk.mounted:
        disk.kilobytes = 290  # neither the schedule nor the roster fits
    told = disk.nightly(settings.home, upstream.url)
    assert told.code == 1
    assert f"could not be kept in {settings.home / 'raw'}: " in told.err
    assert "then run it again; FIRSTTD_HOME names the place." in told.err
    if disk.mounted:
        assert "the disk is full. Free some space there" in told.err
    assert query(settings, "SELECT count(*) FROM games") == query(settings, "SELECT count(*) FROM rosters") == [(0,)]
    assert list((settings.home / "raw").iterdir()) == []
    assert integrity(settings) == []
    disk.make_room()
    assert refresh(settings)["touchdowns"].counts.inserted == 1459


def test_a_home_without_room_for_dagsters_own_files_leaves_the_league_as_it_was(
    night: Night, small_disk: Any, tmp_path: Path
) -> None:
    used = sum(file.stat().st_size for file in night.home.rglob("*") if file.is_file()) // 1024
    disk = small_disk(tmp_path / "small", used + 300)
    if not disk.mounted:
        disk.kilobytes = 100  # less than Dagster's run storage has already
    shutil.copytree(night.home, disk.folder, dirs_exist_ok=True)
    settings = settings_for(disk.folder, night.server.url)
    filler = disk.folder / "filler"
    if disk.mounted:
        with suppress(OSError):
            filler.write_bytes(bytes(4_000_000))
        assert shutil.disk_usage(disk.folder).free == 0
    told = disk.nightly(disk.folder, night.server.url)
    assert told.code == 1
    assert str(disk.folder) in told.err
    assert "disk" in told.err.lower()
    filler.unlink(missing_ok=True)
    disk.make_room()
    assert integrity(settings) == []
    assert raw(settings) == night.rows
    again = disk.nightly(disk.folder, night.server.url)
    assert again.code == 0, again.err
    assert set(differences(night.before, tables(settings))["touchdowns"]) == {(TINY_GAMES[0], 100)}


# --- a run that is killed ---------------------------------------------------------------------------------------------


def started(settings: Settings, url: str, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(SCRIPT), "nightly", "--season", "2025"], env=environment(settings.home, url, **env), cwd=settings.home,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def wait_until(holds: Any, child: subprocess.Popen[bytes], every: float = 0.02) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(every)


def kill(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def run_statuses(home: Path) -> list[str]:
    """The statuses of the runs in the instance, oldest first."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return [run.status.value for run in reversed(instance.get_runs())]


def test_a_run_killed_in_the_middle_of_a_download_leaves_all_as_it_was_and_is_closed_by_the_next(night: Night) -> None:
    night.server.fault(PLAYS, "stall", after=2000)
    child = started(night.settings, night.server.url, FIRSTTD_READ_TIMEOUT="60")
    try:
        wait_until(lambda: PLAYS in night.server.paths, child)
        time.sleep(0.3)  # the bytes before the stall arrive
    finally:
        kill(child)
    night.untouched()
    assert run_statuses(night.home) == ["SUCCESS", "STARTED"]
    night.server.heal()
    told = night.nightly()
    assert told.code == 0, told.err
    assert run_statuses(night.home) == ["SUCCESS", "FAILURE", "SUCCESS"]
    with dg.DagsterInstance.from_config(str(night.home)) as instance:
        (closed,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        said = [str(record) for record in instance.all_logs(closed.run_id)]
    assert any("The process of this run was ended from outside" in text for text in said)
    night.next_run_works()
    assert list((night.home / "raw").glob(".*.part")) == []


@needs_shared
def test_a_run_killed_between_two_assets_keeps_the_tables_that_were_done_and_the_next_does_the_rest(
    new_home: NewHome, whole: Tables
) -> None:
    server = Server(MIRROR)
    try:
        settings = new_home(server.url)
        server.fault(PLAYS, "stall_headers")
        child = started(settings, server.url, FIRSTTD_READ_TIMEOUT="60")
        try:
            wait_until(lambda: PLAYS in server.paths, child)
        finally:
            kill(child)
        counted = {name: len(rows) for name, rows in tables(settings).items()}
        assert (counted["games"], counted["rosters"]) == (285, 3134)
        assert (counted["touchdowns"], counted["player_stats"], counted["leaderboard"]) == (0, 0, 0)
        assert integrity(settings) == []
        server.heal()
        refresh(settings)
        assert differences(whole, tables(settings)) == {}
    finally:
        server.stop()


@needs_shared
@pytest.mark.parametrize(
    ("after", "table"),
    [(ROSTER, "rosters"), (PLAYS, "touchdowns"), (WEEKLY, "player_stats")],
    ids=["rosters", "touchdowns", "player_stats"],
)
def test_a_run_killed_in_the_middle_of_a_write_transaction_leaves_that_table_empty_and_the_next_fills_it(
    new_home: NewHome, whole: Tables, after: str, table: str
) -> None:
    server = Server(MIRROR)
    try:
        for _ in range(5):  # on a busy machine the moment can be missed
            settings = new_home(server.url)
            # `rosters` asks for the weekly file too, so `player_stats` is the second to do so
            kill_while_writing(settings, server, after, asked=2 if table == "player_stats" else 1)
            assert integrity(settings) == []
            if query(settings, f"SELECT count(*) FROM {table}") == [(0,)]:
                break
        else:
            pytest.fail(f"the run was never killed while it wrote {table}")
        assert query(settings, "SELECT count(*) FROM games")[0][0] in (0, 285)
        refresh(settings)
        assert differences(whole, tables(settings)) == {}
    finally:
        server.stop()


def kill_while_writing(settings: Settings, server: Server, after: str, *, asked: int = 1) -> None:
    """Kill a run as soon as it holds the write lock after it asked for the file `after` that many times."""
    probe = sqlite3.connect(settings.home / "firsttd.db", isolation_level=None, timeout=0)

    def writing() -> bool:
        try:
            probe.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:  # locked
            return True
        probe.execute("ROLLBACK")
        return False

    server.requests.clear()
    child = started(settings, server.url)
    try:
        wait_until(lambda: server.paths.count(after) >= asked, child, every=0.001)
        wait_until(writing, child, every=0.001)
    finally:
        kill(child)
        probe.close()
