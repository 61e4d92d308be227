"""Claims about `db upgrade` and `db check`, and about commands over a database that is not as it should be."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from firsttd_pipeline_tests.commands.conftest import Home
from firsttd_pipeline_tests.doors import Told
from firsttd_pipeline_tests.shared_data import LEGACY_DB, needs_shared

LOOKING = [
    ["status"],
    ["players"],
    ["leaderboard"],
    ["members", "list"],
    ["members", "add", "New"],
    ["picks", "list"],
    ["picks", "remove", "1"],
]
each_command = pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)


def execute(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as conn:
        for statement in statements:
            conn.execute(statement)
    conn.close()


def problems(told: Told) -> list[str]:
    return [row["problem"] for row in told.json]


def test_a_sound_database_is_said_to_be_sound(league: Home) -> None:
    told = league.quick("db", "check", "--format", "json")
    assert (told.code, told.json) == (0, [])
    assert told.err.strip().endswith("firsttd.db is sound")


def test_upgrading_again_changes_nothing(copy: Home) -> None:
    before = copy.database.read_bytes()
    told = copy.quick("db", "upgrade")
    assert (told.code, told.out) == (0, "")
    assert "already at 0024, nothing to do" in told.err
    assert copy.database.read_bytes() == before


def test_upgrading_nothing_creates_the_database(empty: Home) -> None:
    told = empty.run("db", "upgrade")
    assert told.code == 0
    assert "created, now at 0024" in told.err
    assert empty.quick("db", "check").code == 0


BREAKS = {
    "a lost trigger": (["DROP TRIGGER tr_picks_user_id_insert"], "trigger tr_picks_user_id_insert is missing"),
    "a lost index": (["DROP INDEX ix_picks_week_id"], "index ix_picks_week_id is missing"),
    "a stranger's table": (["CREATE TABLE extra (x)"], "table extra is not ours"),
    "an added column": (["ALTER TABLE users ADD COLUMN shoe_size INTEGER"], "table users differs"),
    "a lost version": (["DELETE FROM schema_version WHERE version > 12"], "schema_version ends at 12, not 20"),
    "a reference to nothing": (
        ["DROP TRIGGER tr_picks_user_id_update", "UPDATE picks SET user_id = 999 WHERE id = 1"],
        "picks row 1 refers to a row of users that is not there",
    ),
}


@pytest.mark.parametrize(("statements", "says"), BREAKS.values(), ids=BREAKS)
def test_what_is_broken_is_named(copy: Home, statements: list[str], says: str) -> None:
    execute(copy.database, *statements)
    told = copy.quick("db", "check", "--format", "json")
    assert told.code == 1
    assert any(says in problem for problem in problems(told)), problems(told)
    assert "problems in sqlite:///" in told.err


def test_a_damaged_file_is_named_and_no_command_falls_over_it(copy: Home) -> None:
    content = bytearray(copy.database.read_bytes())
    content[4096 : 4096 * 12] = b"\xff" * (4096 * 11)
    copy.database.write_bytes(bytes(content))
    told = copy.quick("db", "check", "--format", "json")
    assert told.code == 1
    assert problems(told)
    for arguments in (["status"], ["members", "list"], ["nightly", "--season", "2025"]):
        assert copy.quick(*arguments).code == 1


def test_a_file_that_is_no_database_is_refused_and_left(empty: Home) -> None:
    empty.database.write_text("this is a shopping list, and rather a long one: milk, eggs, flour, butter" * 20)
    before = empty.database.read_bytes()
    for arguments in (["db", "check"], ["db", "upgrade"], ["status"], ["nightly", "--season", "2025"]):
        told = empty.quick(*arguments)
        assert told.code == 1, arguments
        assert "firsttd.db" in told.err + told.out
    assert empty.database.read_bytes() == before


def test_somebody_elses_database_is_refused_and_left(empty: Home) -> None:
    execute(empty.database, "CREATE TABLE recipes (id INTEGER PRIMARY KEY, name TEXT)")
    before = empty.database.read_bytes()
    told = empty.quick("db", "upgrade")
    assert told.code == 1
    assert "recipes" in told.err
    assert empty.database.read_bytes() == before


def test_a_newer_database_is_refused_and_left(copy: Home) -> None:
    execute(copy.database, "UPDATE alembic_version SET version_num = '0099'")
    before = copy.database.read_bytes()
    for arguments in (["db", "upgrade"], ["nightly", "--season", "2025"], ["status"]):
        told = copy.quick(*arguments)
        assert told.code == 1
        assert "0099" in told.err
    assert copy.database.read_bytes() == before


@each_command
def test_without_a_database_every_command_says_what_to_do(empty: Home, arguments: list[str]) -> None:
    told = empty.quick(*arguments)
    assert (told.code, told.out) == (1, "")
    assert "firsttd db upgrade" in told.err
    assert not empty.database.exists()


@each_command
def test_an_older_database_is_not_used_before_it_is_upgraded(copy: Home, arguments: list[str]) -> None:
    execute(copy.database, "UPDATE alembic_version SET version_num = '0019'")
    told = copy.quick(*arguments)
    assert (told.code, told.out) == (1, "")
    assert "firsttd db upgrade" in told.err


@needs_shared
def test_the_old_applications_file_is_upgraded_in_place(empty: Home) -> None:
    shutil.copyfile(LEGACY_DB, empty.database)
    assert empty.quick("status").code == 1
    told = empty.quick("db", "upgrade")
    assert (told.code, told.out) == (0, "")
    assert "upgraded from 0008, now at 0024" in told.err
    assert empty.quick("db", "check").code == 0
    assert len(empty.quick("members", "list", "--format", "json").json) == 7


def row(told: Told, first: str) -> list[str]:
    """The cells of the table row on stderr that begins with `first`."""
    (line,) = [line for line in told.err.splitlines() if line.startswith(f"│ {first} ")]
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


@needs_shared
def test_the_upgrade_tells_where_every_row_went_and_where_the_backup_is(empty: Home) -> None:
    shutil.copyfile(LEGACY_DB, empty.database)
    told = empty.quick("db", "upgrade")
    assert row(told, "picks") == ["75", "74", "1", "0", "0", "0", "74"]
    assert row(told, "results") == ["75", "74", "1", "0", "0", "0", "74"]
    assert row(told, "player_stats") == ["485", "0", "0", "485", "0", "0", "0"]
    for step in ("week numbers", "second spellings", "teams", "placeholder odds", "money", "statistics"):
        assert f"│ {step} " in told.err
    backup, report = sorted((empty.path / "backups").iterdir())
    assert backup.read_bytes()[:16] == b"SQLite format 3\0"
    assert f"As it was before: {backup}; report: {report}" in told.err


@needs_shared
def test_a_dry_run_says_what_would_happen_and_changes_nothing(empty: Home) -> None:
    shutil.copyfile(LEGACY_DB, empty.database)
    before = empty.database.read_bytes()
    told = empty.quick("db", "upgrade", "--dry-run")
    assert (told.code, told.out) == (0, "")
    assert empty.database.read_bytes() == before
    assert row(told, "picks") == ["75", "74", "1", "0", "0", "0", "74"]
    assert "dry run, nothing was changed. It would be upgraded, to 0024. Kept: " in told.err
    assert [p.suffix for p in sorted((empty.path / "backups").iterdir())] == [".db", ".md"]


def test_a_dry_run_of_nothing_creates_nothing(empty: Home) -> None:
    told = empty.quick("db", "upgrade", "--dry-run")
    assert told.code == 0
    assert "It would be created" in told.err
    assert not empty.database.exists()


@needs_shared
def test_a_file_that_cannot_be_mended_is_refused_in_one_message(empty: Home) -> None:
    shutil.copyfile(LEGACY_DB, empty.database)
    execute(empty.database, "UPDATE weeks SET week = 'one' WHERE id = 20")
    before = empty.database.read_bytes()
    told = empty.quick("db", "upgrade")
    assert (told.code, told.out) == (1, "")
    assert "row 20 of weeks holds 'one' as its week" in told.err
    assert "nothing was changed" in told.err
    assert empty.database.read_bytes() == before
    assert [p.name for p in empty.path.iterdir() if p.name.startswith("backups")] == []


@needs_shared
@pytest.mark.parametrize("stake", ["1", "2.5"])
def test_a_loss_costs_the_stake_of_the_settings(empty: Home, stake: str) -> None:
    shutil.copyfile(LEGACY_DB, empty.database)
    assert empty.quick("db", "upgrade", FIRSTTD_STAKE=stake).code == 0
    with sqlite3.connect(empty.database) as conn:
        found = conn.execute(
            "SELECT actual_return, count(*) FROM results WHERE actual_return < 0 GROUP BY 1"
        ).fetchall()
    conn.close()
    assert found == [(-float(stake), 52)]


def test_a_database_that_cannot_be_written_is_named(empty: Home) -> None:
    told = empty.quick("db", "upgrade", FIRSTTD_DATABASE_URL="/proc/firsttd/league.db")
    assert told.code == 1
    assert "/proc/firsttd" in told.err


def test_an_unreachable_postgresql_is_told_with_the_password_masked(empty: Home) -> None:
    address = "postgresql://league:hunter2@127.0.0.1:9/league?connect_timeout=2"
    for arguments in (["status"], ["db", "check"], ["db", "upgrade"], ["nightly", "--season", "2025"]):
        told = empty.quick(*arguments, FIRSTTD_DATABASE_URL=address)
        assert told.code == 1, arguments
        assert "hunter2" not in told.out + told.err
        assert "127.0.0.1" in told.out + told.err


def test_every_command_works_on_postgresql(empty: Home, postgres_url: str) -> None:
    env = {"FIRSTTD_DATABASE_URL": postgres_url}
    assert empty.quick("nightly", "--season", "2025", **env).code == 0
    assert empty.quick("members", "add", "Zoë '); --", **env).code == 0
    added = empty.quick(
        "picks", "add", "Zoë '); --", "Saquon Carrier", "--season", "2025", "--game", "2025_01_DAL_PHI",
        "--odds", "+400", "--late", "test", **env,
    )  # fmt: skip
    assert added.code == 0, added.err
    told = empty.quick("nightly", "--season", "2025", "--format", "json", **env)
    assert [(row["member"], row["points"]) for row in told.json] == [("Zoë '); --", 4.0)]
    for arguments in (
        ["status"],
        ["players", "--season", "2025"],
        ["picks", "list", "--season", "2025"],
        ["db", "check"],
    ):
        assert empty.quick(*arguments, **env).code == 0
    assert empty.quick("picks", "remove", "1", "--why", "test", **env).code == 0
    assert not empty.database.exists()
