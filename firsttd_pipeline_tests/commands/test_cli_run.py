"""Claims about `nightly` and `backfill` from a terminal: what they print where, exit codes, and how they fail."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from firsttd_pipeline_tests.commands.conftest import Home
from firsttd_pipeline_tests.doors import Told
from firsttd_pipeline_tests.mirrors import file_of, link_mirror
from firsttd_pipeline_tests.servers import EVERY_PATH, Server


def rows_of(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but the records of fetches and of failed runs."""
    with sqlite3.connect(home.database) as conn:
        names = [n for (n,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        found = {
            name: conn.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
            for name in names
            if not name.startswith("sqlite_") and name not in ("sync_runs", "run_failures", "market_venues")
        }
    conn.close()
    return found


@pytest.fixture
def changing(
    copy: Home, league: Home, mirror_server: Server, tmp_path: Path, serve: Callable[[Path], Server]
) -> Server:
    """A source of its own, to be broken; it serves what `copy` was made from."""
    return serve(link_mirror(mirror_server.folder, tmp_path / "changing"))


def one_line(told: Told) -> str:
    return " ".join(told.err.split())


# --- nightly ----------------------------------------------------------------------------------------------------------


def test_json_is_alone_on_stdout_and_progress_on_stderr(copy: Home) -> None:
    told = copy.run("nightly", "--season", "2025", "--format", "json")
    assert told.code == 0
    assert [row["member"] for row in told.json] == ["Avery", "[bold red]x[/bold red]", "Blake"]
    for asset in ("games", "rosters", "touchdowns", "results", "player_stats", "leaderboard"):
        assert f"✓ 2025 {asset} " in told.err
    assert "Season 2025: done, nothing new; 29 of 30 checks hold." in one_line(told)
    assert "Checks that do not hold" in told.err
    assert "games without a score a day after kickoff:" in one_line(told)


def test_warnings_may_stand_and_nothing_changes_twice(copy: Home) -> None:
    before = rows_of(copy)
    assert copy.quick("nightly", "--season", "2025").code == 0
    assert rows_of(copy) == before


def test_a_fresh_home_gets_a_database_and_dagsters_settings(empty: Home) -> None:
    told = empty.quick("nightly", "--season", "2025")
    assert told.code == 0
    assert "created, now at 0024" in one_line(told)
    assert "No standings of 2025 yet" in told.out
    assert empty.database.is_file()
    assert (empty.path / "dagster.yaml").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nightly", "--season", "1998"], "There is no season 1998: give one from 1999 to"),
        (["nightly", "--season", "2999"], "There is no season 2999"),
        (["nightly", "--season", "soon"], "Invalid value for '--season'"),
        (["nightly", "2025"], "Got unexpected extra argument"),
        (["backfill", "2025", "2021"], "FROM 2025 is after TO 2021: give the earlier season first."),
        (["backfill", "1998", "2000"], "There is no season 1998"),
        (["backfill", "2025", "2999"], "There is no season"),
        (["backfill", "2025"], "Missing argument 'TO'"),
        (["backfill", "twenty", "2025"], "Invalid value for 'FROM'"),
        (["nightli"], "No such command 'nightli'"),
        (["nightly", "--seasn", "2025"], "No such option"),
    ],
)
def test_wrong_use_is_told_before_anything_is_made(empty: Home, arguments: list[str], says: str) -> None:
    told = empty.quick(*arguments)
    assert (told.code, told.out) == (2, "")
    assert says in " ".join(told.err.replace("│", " ").split())
    assert list(empty.path.iterdir()) == []


def test_a_season_in_the_settings_that_there_is_not_is_wrong_use(empty: Home) -> None:
    told = empty.quick("nightly", FIRSTTD_SEASON="2999")
    assert (told.code, told.out) == (2, "")
    assert "FIRSTTD_SEASON is '2999': allowed is a season, 1999" in told.err


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_without_a_network_it_ends_in_seconds_with_one_message_and_leaves_the_rows(
    copy: Home, refused_url: str
) -> None:
    before = rows_of(copy)
    started = time.monotonic()
    told = Home(copy.path, refused_url).quick("nightly", "--season", "2025", "--format", "json")
    assert time.monotonic() - started < 60
    assert told.code == 1
    assert [row["member"] for row in told.json] == ["Avery", "[bold red]x[/bold red]", "Blake"]
    assert refused_url in told.err
    assert "Season 2025: FAILED, nothing new" in one_line(told)
    assert rows_of(copy) == before


def test_without_a_network_a_fresh_database_stays_empty(empty: Home, refused_url: str) -> None:
    told = Home(empty.path, refused_url).quick("nightly", "--season", "2025")
    assert told.code == 1
    assert {name for name, rows in rows_of(empty).items() if rows} <= {
        "alembic_version",
        "schema_version",
        "sync_metadata",
    }


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda s: s.status(EVERY_PATH, 500), "500"),
        (lambda s: s.status(EVERY_PATH, 429, retry_after="0"), "429"),
        (lambda s: s.status("schedules/games.parquet", 404), "always publishes its schedule"),
        (lambda s: s.status("pbp/play_by_play_2025.parquet", 404), "its plays are due"),
        (lambda s: s.fault("rosters/roster_2025.parquet", "truncate", after=200), "rosters/roster_2025.parquet"),
        (lambda s: s.fault("pbp/play_by_play_2025.parquet", "bytes", body=b"PAR1 garbage PAR1"), "play_by_play_2025"),
        (lambda s: s.fault(EVERY_PATH, "html"), "schedules/games.parquet"),
    ],
    ids=["500", "429", "schedule 404", "plays 404", "cut", "corrupt", "a login page"],
)
def test_a_source_that_fails_is_named_and_the_rows_stand(
    copy: Home, changing: Server, break_it: Callable[[Server], object], says: str
) -> None:
    before = rows_of(copy)
    break_it(changing)
    told = Home(copy.path, changing.url).quick("nightly", "--season", "2025")
    assert told.code == 1
    assert says in one_line(told)
    assert changing.url in told.err
    assert rows_of(copy) == before


def test_a_contract_that_does_not_hold_names_column_count_and_row(copy: Home, changing: Server) -> None:
    import polars as pl

    file = file_of(changing.folder, "rosters", 2025)
    frame = pl.read_parquet(file.read_bytes()).rename({"full_name": "fullname"})
    file.unlink()
    frame.write_parquet(file)
    before = rows_of(copy)
    told = Home(copy.path, changing.url).quick("nightly", "--season", "2025")
    assert told.code == 1
    assert "full_name" in told.err
    assert rows_of(copy) == before


def test_a_locked_database_is_told_and_left(copy: Home) -> None:
    holder = sqlite3.connect(copy.database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        told = copy.quick("nightly", "--season", "2025", FIRSTTD_BUSY_TIMEOUT="0.3")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert told.code == 1
    assert "locked" in told.err
    assert copy.quick("nightly", "--season", "2025").code == 0


def test_a_broken_dagster_yaml_is_one_message(copy: Home) -> None:
    (copy.path / "dagster.yaml").write_text("storage: {nope: 1}\n")
    told = copy.quick("nightly", "--season", "2025")
    assert (told.code, told.out) == (1, "")
    assert "Is dagster.yaml there as it should be" in told.err


# --- backfill ---------------------------------------------------------------------------------------------------------


def test_a_season_that_fails_stops_no_other_and_is_named_and_again_does_only_what_is_missing(empty: Home) -> None:
    told = empty.quick("backfill", "2024", "2025", "--format", "json")
    assert told.code == 1
    failed, done = told.json
    assert (failed["season"], failed["outcome"]) == (2024, "failed")
    assert "has no game of 2024" in failed["why"]
    assert (done["season"], done["outcome"], done["why"]) == (2025, "done", "")
    assert "1 of 2 seasons failed: 2024. The others are complete." in told.err
    before = rows_of(empty)
    assert [len(before[name]) for name in ("games", "rosters", "touchdowns")] == [3, 8, 4]
    again = empty.quick("backfill", "2024", "2025", "--format", "csv")
    assert again.code == 1
    assert [(row["season"], row["outcome"], row["rows changed"]) for row in again.csv] == [
        ("2024", "failed", "0"),
        ("2025", "nothing new", "0"),
    ]
    assert rows_of(empty) == before
    alone = empty.quick("backfill", "2025", "2025", "--format", "json")
    assert (alone.code, [row["outcome"] for row in alone.json]) == (0, ["nothing new"])
