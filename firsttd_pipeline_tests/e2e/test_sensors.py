"""Claims about what runs by itself: the real `firsttd ui` with its daemon, and plain SQL as another program writes it.

One server and one league for the module; the tests go on from each other in the order of the file. No test launches a
run: what changes, the daemon did.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from firsttd_pipeline_tests.doors import quick
from firsttd_pipeline_tests.e2e.ui import Ui, eventually, running_ui
from firsttd_pipeline_tests.mirrors import TINY_GAMES, tiny_mirror
from firsttd_pipeline_tests.servers import Server

pytestmark = pytest.mark.timeout(900)

SENSORS = {"results_sensor", "picks_sensor", "plays_sensor", "run_failure_sensor"}
PLAYED, _, COMING = TINY_GAMES


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tiny_mirror(tmp_path_factory.mktemp("mirror")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, source: Server) -> Path:
    """An operator's folder whose league has a season, two members and no pick."""
    made = tmp_path_factory.mktemp("operator")
    (made / "league").mkdir()
    told = quick(made / "league", source.url, "nightly", "--season", "2025")
    assert told.code == 0, told.err
    write(made, "INSERT INTO users (name) VALUES ('Ann'), ('Bob')")
    return made


@pytest.fixture(scope="module")
def ui(folder: Path, source: Server) -> Iterator[Ui]:
    with running_ui(folder, source.url) as running:
        eventually("every sensor has ticked", lambda: all(ticks(running, name) for name in SENSORS))
        yield running


def write(folder: Path, statement: str) -> int:
    """What another program does: sqlite3, its own connection, no word to anybody. Returns the new row's id."""
    with contextlib.closing(sqlite3.connect(folder / "league" / "firsttd.db", timeout=60)) as conn, conn:
        conn.execute("PRAGMA foreign_keys = ON")
        return int(conn.execute(statement).lastrowid or 0)


def pick(folder: Path, member: str, player: str, game: str = PLAYED, week: int = 1) -> int:
    return write(
        folder,
        "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
        f"SELECT u.id, w.id, 'PHI', '{player}', 500, 5.0, '{game}' FROM users u, weeks w "
        f"WHERE u.name = '{member}' AND w.season = 2025 AND w.week = {week}",
    )


def ticks(ui: Ui, sensor: str) -> list[dict[str, Any]]:
    """The sensor's last ticks."""
    found = ui.ask(
        "query($of: SensorSelector!) { sensorOrError(sensorSelector: $of) { ... on Sensor {"
        " sensorState { status ticks(limit: 20) { status skipReason runIds error { message } } } } } }",
        of={
            "sensorName": sensor,
            "repositoryName": "__repository__",
            "repositoryLocationName": "firsttd_pipeline",
        },
    )["sensorOrError"]["sensorState"]
    assert found["status"] == "RUNNING"
    return list(found["ticks"])


def points(ui: Ui) -> dict[str, float]:
    return dict(
        ui.rows(
            "SELECT u.name, l.points FROM leaderboard l JOIN users u ON u.id = l.user_id "
            "WHERE l.season = 2025 AND l.week = 0"
        )
    )


def test_a_pick_written_with_sql_is_understood_and_graded(ui: Ui, folder: Path) -> None:
    written = pick(folder, "Ann", "saquon carrier")
    eventually("Ann's pick counts", lambda: points(ui) == {"Ann": 4.0})
    assert ui.rows(
        f"SELECT player_id, s.status FROM picks JOIN pick_status s ON s.pick_id = id WHERE id = {written}"
    ) == [("00-0000002", "won")]
    (run,) = ui.finished(1, firsttd__door="picks_sensor")
    assert (run["season"], run["status"]) == ("2025", "SUCCESS")


def test_a_result_inserted_by_hand_shows_in_the_leaderboard_and_deleting_it_takes_it_back(ui: Ui, folder: Path) -> None:
    written = pick(folder, "Bob", "Keenan Receiver", COMING, week=2)
    eventually("Bob's pick stands", lambda: points(ui).get("Bob") == 0.0)
    before = len(ui.runs(firsttd__door="results_sensor"))
    write(
        folder,
        "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
        f"VALUES ({written}, 'K.Receiver', 1, 5.0, 1)",
    )
    eventually("Bob has won", lambda: points(ui) == {"Ann": 4.0, "Bob": 4.0})
    assert ui.rows("SELECT rank FROM leaderboard WHERE week = 0") == [(1,), (1,)]
    write(folder, f"DELETE FROM results WHERE pick_id = {written}")
    eventually("it is taken back", lambda: points(ui) == {"Ann": 4.0, "Bob": 0.0})
    runs = ui.finished(before + 2, firsttd__door="results_sensor")[before:]
    assert {(run["season"], run["status"]) for run in runs} == {("2025", "SUCCESS")}


def test_what_is_applied_asks_for_nothing_more(ui: Ui) -> None:
    """Its own runs change grades' money and standings too: none of that is a change that waits."""
    runs = len(ui.runs())
    eventually(
        "three quiet ticks in a row",
        lambda: all("0 changes wait; " in (tick["skipReason"] or "") for tick in ticks(ui, "results_sensor")[:3]),
    )
    assert len(ui.runs()) == runs
    assert ui.rows("SELECT count(*) FROM standings_queue") == [(0,)]


def test_a_run_of_the_daemon_that_fails_is_written_down_and_its_mending_too(ui: Ui, source: Server) -> None:
    source.status("pbp/play_by_play_2025.parquet", 403)
    launch(ui, "nightly")
    ((step, error),) = eventually(
        "the failure is written down", lambda: ui.rows("SELECT step, error FROM run_failures") or None
    )
    assert step == "touchdowns"
    assert "the server answered 403" in error
    source.heal()
    launch(ui, "plays_landed")
    eventually("it is made good", lambda: ui.rows("SELECT 1 FROM run_failures WHERE cleared_at IS NOT NULL") == [(1,)])


def launch(ui: Ui, job: str) -> None:
    """Launch a job for 2025 as the UI's launchpad does."""
    answer = ui.ask(
        "mutation($run: ExecutionParams!) { launchRun(executionParams: $run) { __typename"
        " ... on PythonError { message } } }",
        run={
            "selector": {
                "repositoryLocationName": "firsttd_pipeline",
                "repositoryName": "__repository__",
                "pipelineName": job,
            },
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2025"}]},
        },
    )["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer


def test_the_sensors_are_seen_ticking_with_what_they_do_and_what_they_say(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/automation")
    for sensor in SENSORS:
        expect(page.get_by_text(sensor, exact=True).first).to_be_visible()
    expect(page.get_by_text("Standard sensor")).to_have_count(len(SENSORS))
    page.screenshot(path=ui.home.parent / "automation.png")
    page.goto(f"{ui.url}/locations/firsttd_pipeline/sensors/results_sensor")
    expect(page.get_by_text(re.compile("Grades that somebody wrote, changed or deleted")).first).to_be_visible()
    expect(page.get_by_role("checkbox").or_(page.get_by_role("switch")).first).to_be_checked()
    page.get_by_role("button", name="0 runs requested").first.click()
    expect(page.get_by_role("dialog").get_by_text(re.compile("changes? waits?; ")).first).to_be_visible()
    page.screenshot(path=ui.home.parent / "results_sensor.png")


def test_nothing_that_ticks_fails_and_the_terminal_shows_no_trace(ui: Ui) -> None:
    for sensor in SENSORS:
        assert {tick["status"] for tick in ticks(ui, sensor)} <= {"SKIPPED", "SUCCESS", "STARTED"}
    said = ui.log.read_text(errors="replace")
    assert "Traceback" not in said.replace("dagster._core.definitions.events.Failure", "")
    assert "Warning" not in said


def test_a_change_made_while_nothing_runs_is_applied_after_the_next_start(ui: Ui, folder: Path, source: Server) -> None:
    """Killed, not ended: what it was doing is nobody's."""
    ui.processes()
    groups = ui._groups
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(group), signal.SIGKILL)
    ui.process.kill()
    ui.process.wait(30)
    written = pick(folder, "Bob", "Travis Tightend", COMING, week=2)
    write(
        folder, f"INSERT INTO results (pick_id, is_correct, actual_return, any_time_td) VALUES ({written}, 1, 5.0, 1)"
    )
    with running_ui(folder, source.url) as again:
        eventually("Bob has won", lambda: points(again) == {"Ann": 4.0, "Bob": 4.0})
