"""Claims about `db copy`: what it prints, what it refuses, and that the league goes on in its new place as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from firsttd_pipeline_tests.commands.conftest import Home

LISTINGS = [
    ("leaderboard", "--season", "2025"),
    ("picks", "list", "--season", "2025"),
    ("players", "--season", "2025"),
    ("members", "list"),
    ("status",),
]


@pytest.fixture
def moved(copy: Home, postgres_url: str) -> dict[str, str]:
    """The environment in which the league is the copy on PostgreSQL."""
    told = copy.quick("db", "copy", postgres_url)
    assert told.code == 0, told.err
    return {"FIRSTTD_DATABASE_URL": postgres_url}


def test_it_prints_each_table_with_its_rows_and_where_they_went(copy: Home, tmp_path: Path) -> None:
    told = copy.run("db", "copy", str(tmp_path / "copy.db"), "--format", "json")
    assert told.code == 0, told.err
    rows = {row["table"]: row["rows"] for row in told.json}
    assert (rows["picks"], rows["games"], rows["rosters"]) == (6, 3, 8)
    assert f"{sum(rows.values())} rows copied from {copy.database} to {tmp_path / 'copy.db'}" in told.err
    assert "set FIRSTTD_DATABASE_URL" in told.err
    table = copy.quick("db", "copy", str(tmp_path / "second.db"))
    assert any(line.split()[1:4:2] == ["picks", "6"] for line in table.out.splitlines()), table.out


def test_the_league_shows_the_same_on_postgresql(copy: Home, moved: dict[str, str]) -> None:
    for listing in LISTINGS:
        here, there = copy.quick(*listing, "--format", "json"), copy.quick(*listing, "--format", "json", **moved)
        assert (there.code, there.json) == (0, here.json), listing
    assert copy.quick("db", "check", **moved).code == 0


def test_the_next_night_on_postgresql_changes_nothing(copy: Home, moved: dict[str, str]) -> None:
    before = copy.quick("leaderboard", "--season", "2025", "--format", "json", **moved).json
    ran = copy.quick("nightly", "--season", "2025", **moved)
    assert ran.code == 0, ran.err
    for asset in ("games", "rosters", "touchdowns", "results", "leaderboard"):
        (line,) = (line for line in ran.err.splitlines() if f"2025 {asset} " in line)
        assert "nothing new" in line
    assert copy.quick("leaderboard", "--season", "2025", "--format", "json", **moved).json == before


def test_back_in_a_file_it_is_the_same_league(copy: Home, moved: dict[str, str], tmp_path: Path) -> None:
    told = copy.quick("db", "copy", str(tmp_path / "back.db"), **moved)
    assert told.code == 0, told.err
    back = {"FIRSTTD_DATABASE_URL": f"sqlite:///{tmp_path / 'back.db'}"}
    for listing in LISTINGS:
        here, there = copy.quick(*listing, "--format", "json"), copy.quick(*listing, "--format", "json", **back)
        assert (there.code, there.json) == (0, here.json), listing


def test_a_second_copy_is_refused_with_the_rows_that_are_there(copy: Home, moved: dict[str, str]) -> None:
    told = copy.quick("db", "copy", moved["FIRSTTD_DATABASE_URL"])
    assert (told.code, told.out) == (1, "")
    assert "is not empty (rows: " in told.err
    assert "picks 6" in told.err


def test_the_database_itself_is_no_target(copy: Home) -> None:
    told = copy.quick("db", "copy", "firsttd.db")
    assert (told.code, told.out) == (1, "")
    assert "is the league's database itself" in told.err


def test_no_password_is_shown(copy: Home) -> None:
    for target in (
        "postgresql://league:hunter2@127.0.0.1:9/league?connect_timeout=2",
        "postgresql://127.0.0.1:9/league?user=league&password=hunter2&connect_timeout=2",
        "mysql://league:hunter2@127.0.0.1/league",
        "postgresql://league:hunter2@127.0.0.1:port/league",
    ):
        told = copy.quick("db", "copy", target)
        assert (told.code, told.out) == (1, ""), told
        assert "hunter2" not in told.err
        assert "127.0.0.1" in told.err


def test_without_a_target_nothing_is_done(copy: Home) -> None:
    assert copy.quick("db", "copy").code == 2


def test_a_league_that_is_not_there_is_not_copied(empty: Home, tmp_path: Path) -> None:
    told = empty.quick("db", "copy", str(tmp_path / "copy.db"))
    assert (told.code, told.out) == (1, "")
    assert "run `firsttd db upgrade`" in told.err
    assert not (tmp_path / "copy.db").exists()
