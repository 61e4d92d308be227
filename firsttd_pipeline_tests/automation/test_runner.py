"""Claims about runs from a terminal: they stand in Dagster's instance, dead ones are closed, failures are told."""

from __future__ import annotations

import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.automation.runner import InstanceError, Nightly
from firsttd_pipeline.checks import CHECKS
from firsttd_pipeline.refresh import League, run_season
from firsttd_pipeline.settings import Settings, SettingsError
from firsttd_pipeline_tests.doors import environment, firsttd, settings_for
from firsttd_pipeline_tests.mirrors import TINY_GAMES, tiny_mirror
from firsttd_pipeline_tests.servers import Server

NOW = datetime(2025, 9, 10, 7, tzinfo=UTC)
ALL = {
    "rosters", "games", "touchdowns", "kickoff_decisions", "team_ratings", "results", "player_stats", "leaderboard",
    "market_odds", "market_outcomes", "pick_market_odds", "member_market_stats",
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))


@pytest.fixture
def server(tmp_path: Path, serve: Callable[[Path], Server]) -> Server:
    return serve(tiny_mirror(tmp_path / "mirror"))


@pytest.fixture
def settings(tmp_path: Path, server: Server, _sqlite_template: Path) -> Settings:
    home = tmp_path / "home"
    home.mkdir()
    (home / "firsttd.db").write_bytes(_sqlite_template.read_bytes())
    return settings_for(home, server.url, season=2025)


def nightly(settings: Settings) -> Nightly:
    return Nightly(settings, clock=lambda: NOW)


def earlier_night(settings: Settings) -> None:
    """What the job did before, without Dagster."""
    with League.open(settings) as league:
        run_season(league, 2025, NOW)


def break_a_reference(home: Path) -> None:
    """A pick on a game that is not there: only with foreign keys off can a program write this."""
    with sqlite3.connect(home / "firsttd.db") as conn:
        for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            conn.execute(f'DROP TRIGGER "{name}"')
        conn.execute("INSERT INTO users (id, name) VALUES (1, 'Avery')")
        conn.execute("INSERT OR IGNORE INTO weeks (season, week) VALUES (2025, 1)")
        conn.execute(
            "INSERT INTO picks (user_id, week_id, team, player_name, game_id) "
            "SELECT 1, id, 'PHI', 'Nobody', '2025_01_NO_GAME' FROM weeks WHERE season = 2025 AND week = 1"
        )
    conn.close()


# --- the instance -----------------------------------------------------------------------------------------------------


def test_a_run_stands_in_the_instance_with_its_season_door_assets_and_checks(settings: Settings) -> None:
    with nightly(settings) as job:
        outcome = job.run(2025, {"firsttd/backfill": "2024-2025"})
    assert outcome.success, outcome.errors
    assert outcome.changed > 0
    assert {event.asset for event in outcome.events} == ALL
    known = {(asset, check.name) for asset, checks in CHECKS.items() for check in checks}
    assert len(outcome.checks) == len(known)
    assert {(c.asset, c.name) for c in outcome.checks} == known
    assert [(c.asset, c.name) for c in outcome.checks if c.level != "ok"] == []
    with dg.DagsterInstance.from_config(str(settings.home)) as instance:
        run = instance.get_run_by_id(outcome.run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.SUCCESS
        assert run.job_name == "nightly"
        assert run.tags["dagster/partition"] == "2025"
        assert run.tags["firsttd/door"] == "command line"
        assert run.tags["firsttd/backfill"] == "2024-2025"
        assert run.tags["firsttd/host"] == socket.gethostname()
        assert run.tags["firsttd/pid"] == str(os.getpid())
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.location_name == "firsttd_pipeline"
        materialised = {asset: instance.get_materialized_partitions(dg.AssetKey(asset)) for asset in ALL}
    assert materialised == {asset: {"2025"} for asset in ALL}


LEFT_BEHIND = {
    "of another user": {"firsttd/host": socket.gethostname(), "firsttd/pid": "1"},
    "ours": {"firsttd/host": socket.gethostname(), "firsttd/pid": str(os.getpid())},
    "of another host": {"firsttd/host": "elsewhere", "firsttd/pid": "4194303"},
    "without a process": {"firsttd/host": socket.gethostname()},
    "of the UI": {},
    "run again in the UI": {
        "firsttd/host": socket.gethostname(),
        "firsttd/pid": "4194303",
        "dagster/parent_run_id": "5e9c0b5c-4a3f-4a1e-8a53-3c7d3a9d7c11",
    },
    "dead": {"firsttd/host": socket.gethostname(), "firsttd/pid": "4194303"},
}


def test_only_a_run_whose_process_is_gone_is_closed(settings: Settings) -> None:
    prepare_home(settings)
    with dg.DagsterInstance.from_config(str(settings.home)) as instance:
        runs = {
            name: instance.create_run_for_job(_empty.to_job(), tags=tags, status=dg.DagsterRunStatus.STARTED).run_id
            for name, tags in LEFT_BEHIND.items()
        }
    with nightly(settings):
        pass
    with dg.DagsterInstance.from_config(str(settings.home)) as instance:
        found = {name: run.status for name, run_id in runs.items() if (run := instance.get_run_by_id(run_id))}
    started = dg.DagsterRunStatus.STARTED
    assert found == {**dict.fromkeys(LEFT_BEHIND, started), "dead": dg.DagsterRunStatus.FAILURE}


@dg.graph
def _empty() -> None:
    pass


@pytest.mark.parametrize("damage", ["storage: {nope: 1}\n", "storage: [\n"], ids=["unknown entry", "no yaml"])
def test_an_operators_broken_dagster_yaml_is_told_in_one_message(settings: Settings, damage: str) -> None:
    prepare_home(settings)
    (settings.home / "dagster.yaml").write_text(damage)
    with pytest.raises(InstanceError, match=r"(?s)Dagster could not work in .*Is dagster\.yaml there as it should be"):
        nightly(settings)


def test_damaged_run_storage_is_told_in_one_message(settings: Settings) -> None:
    (settings.home / "history").mkdir()
    (settings.home / "history" / "runs.db").write_text("no database at all, but long enough to be read as one")
    with pytest.raises(InstanceError, match="file is not a database"):
        nightly(settings)


# --- the home ---------------------------------------------------------------------------------------------------------


def test_every_door_installs_dagster_yaml_and_leaves_an_operators_alone(settings: Settings) -> None:
    prepare_home(settings)
    installed = settings.home / "dagster.yaml"
    text = installed.read_text()
    assert "max_concurrent_runs: 1" in text
    installed.write_text(text.replace("max_concurrent_runs: 1", "max_concurrent_runs: 3"))
    prepare_home(settings)
    assert installed.read_text() == text
    own = text.split("\n", 1)[1].replace("max_concurrent_runs: 1", "max_concurrent_runs: 3")
    installed.write_text(own)
    prepare_home(settings)
    assert installed.read_text() == own


def test_a_home_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SettingsError, match=r"FIRSTTD_HOME is .* cannot be used"):
        prepare_home(settings_for(tmp_path / "file" / "home", "http://127.0.0.1:9/"))


# --- failures ---------------------------------------------------------------------------------------------------------


def test_an_asset_that_fails_stops_what_needs_it_and_nothing_else(settings: Settings, server: Server) -> None:
    server.status("pbp/play_by_play_2025.parquet", 500)
    with nightly(settings) as job:
        outcome = job.run(2025)
    states = {event.asset: event.state for event in outcome.events}
    assert not outcome.success
    assert states == {"games": "finished", "rosters": "finished", "team_ratings": "finished", "touchdowns": "failed",
                      "market_odds": "finished"}  # fmt: skip
    assert len(outcome.errors) == 1
    assert f"{server.url}pbp/play_by_play_2025.parquet" in outcome.errors[0]


def test_a_failing_blocking_check_stops_what_depends_on_the_asset(settings: Settings) -> None:
    earlier_night(settings)
    break_a_reference(settings.home)
    with nightly(settings) as job:
        outcome = job.run(2025)
    assert not outcome.success
    assert [(c.asset, c.name, c.blocking) for c in outcome.checks if c.level == "failed"] == [
        ("results", "no_orphans", True)
    ]
    assert {event.asset for event in outcome.events} == ALL - {
        "player_stats", "leaderboard", "pick_market_odds", "member_market_stats",
    }  # fmt: skip


def test_a_failing_blocking_check_is_explained_and_ends_with_exit_code_1(settings: Settings, server: Server) -> None:
    earlier_night(settings)
    break_a_reference(settings.home)
    told = firsttd(settings.home, server.url, "nightly", "--season", "2025", "--format", "json")
    assert told.code == 1
    assert told.json == []
    said = re.sub(r"[\s│]+", " ", told.err)  # a narrow column breaks lines
    for words in ("no_orphans", "picks without game: ", "2025_01_NO_GAME", "firsttd db check", "Season 2025: FAILED"):
        assert words in said, told.err
    assert "leaderboard  " not in told.err  # it did not run
    assert "what depends on results did not run" in told.err
    assert "dagster" not in told.err.lower()


def test_a_warning_stops_nothing(settings: Settings) -> None:
    late = datetime(2025, 9, 20, 7, tzinfo=UTC)
    with Nightly(settings, clock=lambda: late) as job:
        outcome = job.run(2025)
    assert outcome.success
    assert [(c.asset, c.name) for c in outcome.warnings] == [("games", "games_scored")]
    assert TINY_GAMES[2] in outcome.warnings[0].text


def test_a_database_that_is_not_upgraded_is_named_and_left_alone(settings: Settings) -> None:
    file = settings.home / "firsttd.db"
    with sqlite3.connect(file) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0017'")
    conn.close()
    with nightly(settings) as job:
        outcome = job.run(2025)
    assert not outcome.success
    assert all("firsttd db upgrade" in error for error in outcome.errors)
    with sqlite3.connect(file) as conn:
        assert conn.execute("SELECT count(*) FROM games").fetchone() == (0,)
    conn.close()


# --- start-up ---------------------------------------------------------------------------------------------------------

LISTINGS = [
    ["status"], ["settings"], ["members", "list"], ["picks", "list"], ["leaderboard"], ["players"], ["db", "check"],
]  # fmt: skip
LOADED = """
import contextlib, io, json, sys
from typer.testing import CliRunner
from firsttd_pipeline.cli import app
for arguments in json.loads(sys.argv[1]):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (arguments, done.output)
print(json.dumps([name for name in ("dagster", "pandas", "pandera", "nflreadpy", "matplotlib") if name in sys.modules]))
"""


def test_commands_that_only_look_load_neither_dagster_nor_pandas(settings: Settings, server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(LISTINGS)],
        env=environment(settings.home, server.url), cwd=settings.home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
    assert server.requests == []


def test_what_is_typed_wrong_is_refused_before_dagster_is_loaded(settings: Settings, server: Server) -> None:
    code = LOADED.replace("assert done.exit_code == 0", "assert done.exit_code == 2")
    wrong = [["nightly", "--season", "1998"], ["backfill", "2025", "2021"], ["nightly", "--season", "soon"]]
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(wrong)],
        env=environment(settings.home, server.url), cwd=settings.home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
