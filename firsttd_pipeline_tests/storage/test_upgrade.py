"""Claims about migrations: they build `schema.py` exactly, and carry a real version 8 file across or change nothing."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text

from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage import upgrade as upgrade_module
from firsttd_pipeline.storage.engine import (
    Database,
    DatabaseFull,
    DatabaseLocked,
    ForeignDatabase,
    NewerDatabase,
    StorageError,
    make_engine,
)
from firsttd_pipeline.storage.migrations import support
from firsttd_pipeline.storage.migrations.support import UpgradeRefused
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline.storage.triggers import installed, sqlite_triggers
from firsttd_pipeline.storage.upgrade import UnknownVersion, UpgradeFailed, check, head_revision, upgrade
from firsttd_pipeline_tests.shared_data import LEGACY_DB, needs_shared
from firsttd_pipeline_tests.storage.legacy import digest, dump, legacy_copy, rows

VERSIONS = range(9, 21)
MIGRATIONS = Path(upgrade_module.__file__).parent / "migrations"


def opened(path: Path) -> Database:
    return Database(path, busy_timeout_s=5)


# --- the migrations are the schema -----------------------------------------------------------------------------------


def test_the_release_works_with_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [head_revision()]
    chain = [s.revision for s in scripts.walk_revisions()]
    assert chain == [f"{v:04d}" for v in range(int(head_revision()), 7, -1)]


def test_migrations_build_the_tables_of_the_schema(database: Database) -> None:
    assert check(database) == []


def test_migrated_and_metadata_built_databases_have_equal_catalogues(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if database.dialect == "sqlite":
        other = make_engine(Database(tmp_path / "plain.db").url, 5)
    else:
        other = make_engine(Database(request.getfixturevalue("postgres_url")).url, 5)
    metadata.create_all(other)
    with database.read() as migrated, other.connect() as plain:
        if database.dialect == "sqlite":
            assert sqlite_catalogue(migrated) == sqlite_catalogue(plain)
            assert installed(migrated) == sqlite_triggers(metadata) | grade_triggers.statements("sqlite")
        else:
            assert postgres_catalogue(migrated) == postgres_catalogue(plain)
    other.dispose()


def sqlite_catalogue(conn: Connection) -> dict[str, Any]:
    """Columns, keys, indexes with their order and conditions, and the statements themselves."""
    found: dict[str, Any] = {}
    for table in sorted(set(inspect(conn).get_table_names()) - {"alembic_version"}):
        for pragma in ("table_xinfo", "foreign_key_list"):
            found[f"{pragma} {table}"] = [tuple(r) for r in conn.exec_driver_sql(f"PRAGMA {pragma}({table})")]
        for index in conn.exec_driver_sql(f"PRAGMA index_list({table})").all():
            columns = conn.exec_driver_sql(f"PRAGMA index_xinfo({index.name})").all()
            found[f"index {table} {index.name}"] = (index.unique, index.partial, [tuple(c) for c in columns])
    statements = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'"
    for name, sql in conn.exec_driver_sql(statements + " AND name <> 'alembic_version'"):
        found[f"sql {name}"] = re.sub(r"\s+", " ", sql)
    return found


def postgres_catalogue(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    here = "current_schema()::regnamespace"
    queries = {
        "columns": "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'alembic_version' "
        "ORDER BY 1, 2",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        f"WHERE connamespace = {here} AND conrelid::regclass::text <> 'alembic_version' ORDER BY 1, 2",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes "
        "WHERE schemaname = current_schema() AND tablename <> 'alembic_version' ORDER BY 1, 2",
        "comments": "SELECT objoid::regclass::text, objsubid, description FROM pg_description d "
        f"JOIN pg_class c ON c.oid = d.objoid WHERE c.relnamespace = {here} ORDER BY 1, 2",
    }
    return {name: [tuple(r) for r in conn.exec_driver_sql(sql)] for name, sql in queries.items()}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP INDEX ix_games_season_week", "ix_games_season_week"),
        ("ALTER TABLE users ADD COLUMN nickname TEXT", "users"),
        ("DELETE FROM schema_version WHERE version = 20", "schema_version ends at 19"),
        ("CREATE TABLE stray (id INTEGER)", "stray"),
    ],
)
def test_check_names_what_differs(database: Database, damage: str, said: str) -> None:
    with database.write() as conn:
        conn.execute(text(damage))
    problems = check(database)
    assert any(said in p for p in problems), problems


def test_check_names_a_missing_trigger_and_a_broken_reference(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        conn.exec_driver_sql("DROP TRIGGER tr_picks_game_id_insert")
    sqlite_db.close()
    assert sqlite_db.path
    with closing(sqlite3.connect(sqlite_db.path)) as raw, raw:
        raw.execute("DROP TRIGGER tr_pick_status_pick_id_insert")
        raw.execute("INSERT INTO pick_status (pick_id, status) VALUES (77, 'won')")
    problems = check(sqlite_db)
    assert "trigger tr_picks_game_id_insert is missing" in problems
    assert "pick_status row 77 refers to a row of picks that is not there" in problems


def test_check_names_a_missing_check_constraint(postgres_db: Database) -> None:
    with postgres_db.write() as conn:
        conn.execute(text("ALTER TABLE picks DROP CONSTRAINT ck_picks_kind_known"))
    assert "check ck_picks_kind_known is missing" in check(postgres_db)


def test_an_upgrade_of_an_upgraded_database_changes_nothing(database: Database) -> None:
    if database.path:
        database.close()
        before = digest(database.path)
    report = upgrade(database)
    assert (report.from_version, report.to_version, report.steps) == ("0024", "0024", ())
    if database.path:
        database.close()
        assert digest(database.path) == before


def test_the_version_table_of_the_old_application_says_20(database: Database) -> None:
    numbered = database.frame("SELECT version, description FROM schema_version ORDER BY version")
    assert numbered["version"].to_list() == list(range(1, 21))
    assert numbered["description"].null_count() == 0


# --- the real version 8 file -----------------------------------------------------------------------------------------


@needs_shared
def test_a_fresh_database_equals_an_upgraded_one(sqlite_db: Database, tmp_path: Path) -> None:
    old = opened(legacy_copy(tmp_path))
    upgrade(old)
    with sqlite_db.read() as fresh, old.read() as upgraded:
        assert sqlite_catalogue(fresh) == sqlite_catalogue(upgraded)
        assert installed(fresh) == installed(upgraded)


@needs_shared
def test_the_real_file_is_carried_across_whole(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    report = upgrade(opened(path))
    assert (report.from_version, report.to_version) == ("0008", "0024")
    assert report.quarantined == (("picks", 1), ("player_stats", 485), ("results", 1), ("weeks", 1))
    kept = {
        "users": ("id, name, email, group_id, is_admin, created_at", ""),
        "weeks": ("id, season, week, typeof(week), started_at, ended_at, created_at", "WHERE id <> 20"),
        "picks": (
            "id, user_id, week_id, CASE WHEN id <> 4 THEN team END, player_name, odds, theoretical_return, "
            "created_at, game_id",
            "WHERE id <> 76",
        ),
        "results": ("id, pick_id, actual_scorer, is_correct, created_at, any_time_td", "WHERE pick_id <> 76"),
        "team_ratings": ("id, team, season, week, elo_rating, wins, losses, rating_trend, updated_at", ""),
    }
    for table, (columns, which) in kept.items():
        query = f"SELECT {columns} FROM {table} {{}} ORDER BY id"
        assert rows(path, query.format("")) == rows(LEGACY_DB, query.format(which)), table
    assert rows(path, "SELECT DISTINCT graded_by FROM results") == [("external",)]
    assert rows(path, "SELECT count(*) FROM picks WHERE player_id IS NULL AND kind = 'player'") == [(74,)]
    assert rows(path, "SELECT team FROM picks WHERE id = 4") == [("MIN",)]
    lost, won, unknown = "r.actual_return = -1.0", "r.actual_return = p.odds / 100", "r.actual_return IS NULL"
    assert rows(
        path,
        f"SELECT r.is_correct, p.odds_placeholder, count(*), sum({lost}), sum({won}), sum({unknown}) "
        "FROM results r JOIN picks p ON p.id = r.pick_id GROUP BY 1, 2 ORDER BY 1, 2",
    ) == [(0, 0, 52, 52, 0, 0), (0, 1, 18, None, None, 18), (1, 0, 4, 0, 4, 0)]
    assert rows(path, "SELECT count(*) FROM picks WHERE odds_placeholder AND odds = -110") == [(18,)]
    assert rows(path, "SELECT count(*) FROM picks WHERE odds_placeholder") == [(18,)]
    assert check(opened(path)) == []


@needs_shared
def test_games_that_picks_name_become_stubs(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(opened(path))
    assert rows(path, "SELECT count(*) FROM games") == rows(LEGACY_DB, "SELECT count(DISTINCT game_id) FROM picks")
    stub = "SELECT season, week, away_team, home_team, status, source, home_score FROM games WHERE id = ?"
    assert rows(path, stub, ["2025_19_BUF_JAX"]) == [(2025, 19, "BUF", "JAX", "scheduled", "legacy", None)]
    assert rows(path, "SELECT week FROM weeks WHERE season = 2025 AND typeof(week) = 'integer' AND week > 19") == []


@needs_shared
def test_statistics_without_a_roster_row_are_kept_whole_in_quarantine(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(opened(path))
    kept = rows(path, "SELECT season, key, reason, payload FROM quarantine WHERE table_name = 'player_stats'")
    assert len(kept) == 485
    with closing(sqlite3.connect(LEGACY_DB)) as conn:
        conn.row_factory = sqlite3.Row
        old = {r["id"]: dict(r) for r in conn.execute("SELECT * FROM player_stats")}
    payloads = [json.loads(p) for *_, p in kept]
    assert {p["id"]: p for p in payloads} == old
    assert all(season == 2025 and "by name only" in reason for season, _, reason, _ in kept)


@needs_shared
def test_ids_of_deleted_rows_are_not_used_again(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(opened(path))
    new = dict(rows(path, "SELECT name, seq FROM sqlite_sequence"))
    assert {k: new[k] for k in ("users", "weeks", "picks", "results")} == {
        "users": 7,
        "weeks": 20,
        "picks": 76,
        "results": 149,
    }


@needs_shared
def test_the_old_applications_versions_9_to_20_are_recorded(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(opened(path))
    assert [v for (v,) in rows(path, "SELECT version FROM schema_version ORDER BY 1")] == list(range(1, 21))
    assert rows(path, "SELECT version_num FROM alembic_version") == [("0024",)]


@needs_shared
def test_a_pick_whose_game_cannot_be_read_keeps_its_row_and_goes_to_quarantine(tmp_path: Path) -> None:
    path = legacy_copy(
        tmp_path,
        "UPDATE picks SET game_id = 'KC at DAL' WHERE id = 1",
        "UPDATE picks SET game_id = '2025_01_KC_KC' WHERE id = 2",
        "UPDATE picks SET game_id = '2031_05_KC_DEN' WHERE id = 3",
    )
    report = upgrade(opened(path))
    assert dict(report.quarantined)["picks"] == 2 + 1  # the second spelling
    assert rows(path, "SELECT id, game_id FROM picks WHERE id < 4 ORDER BY id") == [
        (1, None),
        (2, None),
        (3, "2031_05_KC_DEN"),
    ]
    assert rows(path, "SELECT count(*) FROM weeks WHERE season = 2031 AND week = 5") == [(1,)]
    payload = json.loads(rows(path, "SELECT payload FROM quarantine WHERE table_name = 'picks' AND key = '1'")[0][0])
    assert payload["game_id"] == "KC at DAL"
    assert rows(path, "SELECT count(*) FROM picks") == [(74,)]
    (line,) = [m for m in report.mended if m.step == "unreadable games"]
    assert line.keys == ("1", "2")
    assert "'KC at DAL', '2025_01_KC_KC'" in line.what
    (picks,) = [a for a in report.tables if a.table == "picks"]
    assert (picks.kept, picks.merged, picks.quarantined) == (74, 1, 0)


@needs_shared
def test_rows_of_small_tables_that_break_a_new_rule_go_to_quarantine(tmp_path: Path) -> None:
    kickoff = "INSERT INTO kickoff_decisions (game_id, team, decision) VALUES "
    odds = "INSERT INTO market_odds (source, game_id, season, week, player_name, implied_probability, snapshot_time)"
    path = legacy_copy(
        tmp_path,
        kickoff + "('2025_01_KC_LAC', 'KC', 'DEFER'), ('2025_01_KC_LAC', 'LAC', 'RECEIVE'), ('??', 'KC', 'DEFER')",
        odds + " VALUES ('kalshi', '2025_01_KC_LAC', 2025, 1, 'CMC', 0.2, '2025-09-05 00:00:00')",
        odds + " VALUES ('kalshi', 'nowhere', 2025, 1, 'CMC', 0.2, '2025-09-05 00:00:00')",
        "INSERT INTO market_outcomes (source, game_id, market_id, player_name) "
        "VALUES ('bookie', '2025_01_KC_LAC', 'm', 'x')",
        "UPDATE team_ratings SET rating_trend = 'FLAT' WHERE team = 'ARI'",
    )
    report = upgrade(opened(path))
    assert dict(report.quarantined) == {
        "kickoff_decisions": 2,
        "market_odds": 1,
        "market_outcomes": 1,
        "picks": 1,
        "player_stats": 485,
        "results": 1,
        "team_ratings": 1,
        "weeks": 1,
    }
    assert rows(path, "SELECT team, decision FROM kickoff_decisions") == [("LAC", "RECEIVE")]
    assert rows(path, "SELECT count(*) FROM market_odds") == [(1,)]
    assert check(opened(path)) == []


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[type[StorageError], str, tuple[str, ...]]] = {
    "two equal picks": (
        UpgradeRefused,
        r"Picks 1 and 500 are the same pick \('AJ Brown'",
        ("INSERT INTO picks (id, user_id, week_id, team, player_name) VALUES (500, 1, 1, 'PHI', 'AJ Brown')",),
    ),
    "a pick without its member": (
        UpgradeFailed,
        "picks row 1 refers to a row of users that is not there",
        ("UPDATE picks SET user_id = 99 WHERE id = 1",),
    ),
    "a result without its pick": (
        UpgradeFailed,
        "results row 75 refers to a row of picks",
        ("DELETE FROM picks WHERE id = 1",),
    ),
    "version 7": (
        UnknownVersion,
        "at version 7.*let the old application bring it to 8",
        ("DELETE FROM schema_version WHERE version = 8",),
    ),
    "version 11": (
        UnknownVersion,
        "at version 11: only version 8",
        ("INSERT INTO schema_version (version) VALUES (11)",),
    ),
    "version 20 of the old application": (
        UnknownVersion,
        "at version 20",
        ("INSERT INTO schema_version (version) VALUES (20)",),
    ),
    "no version at all": (UnknownVersion, "at version None", ("DELETE FROM schema_version",)),
    "says 8 and is not": (
        UnknownVersion,
        "results lacks any_time_td",
        ("ALTER TABLE results DROP COLUMN any_time_td",),
    ),
    "says 8 and lacks a table": (UnknownVersion, "market_outcomes lacks", ("DROP TABLE market_outcomes",)),
}


@needs_shared
@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_upgraded_is_refused_and_left_as_it_was(tmp_path: Path, case: str) -> None:
    error, said, changes = REFUSED[case]
    path = legacy_copy(tmp_path, *changes)
    before = digest(path)
    with pytest.raises(error, match=said):
        upgrade(opened(path))
    assert digest(path) == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_database_of_something_else_is_refused(tmp_path: Path, postgres_url: str) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("CREATE TABLE recipes (id INTEGER)")
    before = digest(path)
    with pytest.raises(ForeignDatabase, match="recipes"):
        upgrade(opened(path))
    assert digest(path) == before
    engine = create_engine(postgres_url)
    with engine.begin() as pg:
        pg.execute(text("CREATE TABLE recipes (id INTEGER)"))
    with pytest.raises(ForeignDatabase, match="recipes"):
        upgrade(Database(postgres_url))
    assert inspect(engine).get_table_names() == ["recipes"]
    engine.dispose()


def test_somebody_elses_alembic_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("CREATE TABLE alembic_version (version_num TEXT)")
        conn.execute("INSERT INTO alembic_version VALUES ('0024')")
    db = opened(path)
    with pytest.raises(ForeignDatabase), db.read():
        pass
    with pytest.raises(ForeignDatabase):
        upgrade(db)


def test_a_database_of_a_later_release_is_refused(database: Database) -> None:
    with database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(NewerDatabase, match=r"0099.*Install the release"):
        upgrade(Database(database.url.render_as_string(False)))


@needs_shared
def test_a_migration_with_foreign_keys_on_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)
    monkeypatch.setattr(upgrade_module, "make_engine", lambda url, wait, **_: make_engine(url, wait))
    with pytest.raises(UpgradeRefused, match="foreign keys are on"):
        upgrade(opened(path))
    assert digest(path) == before


def test_alembics_own_command_is_refused() -> None:
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with pytest.raises(UpgradeRefused, match="firsttd db upgrade"):
        command.upgrade(config, "head")


# --- failures in the middle ------------------------------------------------------------------------------------------


def fail_at(version: int) -> Callable[[int, str], None]:
    real = support.record

    def record(number: int, description: str) -> None:
        real(number, description)
        if number == version:
            raise RuntimeError(f"stopped at {number}")

    return record


@needs_shared
@pytest.mark.parametrize("version", VERSIONS)
def test_a_failure_at_any_step_leaves_the_real_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)
    monkeypatch.setattr(support, "record", fail_at(version))
    with pytest.raises(RuntimeError, match=f"stopped at {version}"):
        upgrade(opened(path))
    assert digest(path) == before
    monkeypatch.undo()
    assert upgrade(opened(path)).to_version == "0024"


@pytest.mark.parametrize("version", [9, 14, 20])
def test_a_failure_leaves_no_half_made_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str, version: int
) -> None:
    monkeypatch.setattr(support, "record", fail_at(version))
    path = tmp_path / "new.db"
    for db in (opened(path), Database(postgres_url)):
        with pytest.raises(RuntimeError, match="stopped"):
            upgrade(db)
        assert db.tables() == set()
    assert not path.exists()


@needs_shared
def test_a_killed_upgrade_leaves_every_row(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    before = dump(path)
    code = (
        "import os, signal, sys\n"
        "from firsttd_pipeline.storage.engine import Database\n"
        "from firsttd_pipeline.storage.migrations import support\n"
        "from firsttd_pipeline.storage.upgrade import upgrade\n"
        "real = support.record\n"
        "def record(n, d):\n"
        "    real(n, d)\n"
        "    if n == 19: os.kill(os.getpid(), signal.SIGKILL)\n"
        "support.record = record\n"
        "upgrade(Database(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert dump(path) == before
    assert upgrade(opened(path)).to_version == "0024"


@needs_shared
@pytest.mark.parametrize("on", ["the copy", "the file"])
def test_a_full_disk_during_the_upgrade_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on: str
) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)

    def small_disk(url: Any, wait: float, foreign_keys: bool = True) -> Engine:
        engine = make_engine(url, wait, foreign_keys=foreign_keys)
        if on == "the copy" or url.database == str(path):
            event.listen(engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 5}"))
        return engine

    pages = path.stat().st_size // 4096
    monkeypatch.setattr(upgrade_module, "make_engine", small_disk)
    with pytest.raises(DatabaseFull, match="No room left"):
        upgrade(opened(path))
    assert digest(path) == before


@needs_shared
def test_a_locked_file_is_not_upgraded(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseLocked):
            upgrade(Database(path, busy_timeout_s=0.2))
    assert digest(path) == before


@needs_shared
def test_two_upgrades_at_once_do_the_work_once(tmp_path: Path, postgres_url: str) -> None:
    path = legacy_copy(tmp_path)
    for address in (str(path), postgres_url):
        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(lambda a: upgrade(Database(a)), [address, address]))
        assert sorted(len(r.steps) > 0 for r in reports) == [False, True]
        assert check(Database(address)) == []


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    db = opened(tmp_path / "home" / "of" / "league.db")
    assert upgrade(db).from_version is None
    assert check(db) == []
