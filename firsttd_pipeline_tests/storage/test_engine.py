"""Claims about `storage/engine.py`: one way in, typed frames, and errors a person can act on, on real databases."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import Float, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from firsttd_pipeline.storage.engine import (
    Database,
    DatabaseDamaged,
    DatabaseFull,
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnavailable,
    ForeignDatabase,
    NewerDatabase,
    NotUpgraded,
    StorageError,
    polars_type,
    url_of,
)
from firsttd_pipeline.storage.schema import games, metadata, sync_metadata, team_ratings, users, weeks
from firsttd_pipeline.storage.upgrade import check
from firsttd_pipeline_tests.shared_data import LEGACY_DB, needs_shared


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def count(db: Database, table: str) -> int:
    return int(db.frame(f"SELECT count(*) AS n FROM {table}")["n"][0])


# --- addresses -------------------------------------------------------------------------------------------------------


def test_a_bare_path_is_a_sqlite_file(tmp_path: Path) -> None:
    assert Database(tmp_path / "a league.db").path == tmp_path / "a league.db"
    assert Database(f"sqlite:///{tmp_path}/x.db").path == tmp_path / "x.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_postgres_spelling_uses_psycopg(scheme: str) -> None:
    assert url_of(f"{scheme}://league:pw@db.example/ftd").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("address", ["", ":memory:", "sqlite://", "sqlite:///:memory:", "mysql://u:hush@h/d", "://x"])
def test_an_address_that_is_no_file_and_no_postgres_is_refused(address: str) -> None:
    with pytest.raises(StorageError) as refused:
        url_of(address)
    assert "hush" not in str(refused.value)


def test_a_password_is_never_shown() -> None:
    db = Database("postgresql://league:hush@127.0.0.1:1/ftd?sslpassword=hush")
    assert "hush" not in repr(db)
    with pytest.raises(DatabaseUnavailable) as failed, db.read():
        pass
    assert "hush" not in str(failed.value)
    assert "127.0.0.1" in str(failed.value)


def test_importing_the_engine_does_not_import_pandas_or_alembic() -> None:
    code = (
        "import sys; import firsttd_pipeline.storage.upgrade, firsttd_pipeline.storage.sync; "
        "sys.exit(bool({'pandas', 'alembic'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what is refused -------------------------------------------------------------------------------------------------


def test_a_missing_file_says_what_to_run_and_is_not_created(tmp_path: Path) -> None:
    db = Database(tmp_path / "none.db")
    with pytest.raises(NotUpgraded, match="firsttd db upgrade"), db.write():
        pass
    assert not (tmp_path / "none.db").exists()


def test_an_empty_postgres_database_says_what_to_run(postgres_url: str) -> None:
    with pytest.raises(NotUpgraded, match=r"has no tables yet.*firsttd db upgrade"), Database(postgres_url).read():
        pass


@needs_shared
def test_the_old_applications_file_is_not_used_before_an_upgrade_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "league.db"
    shutil.copyfile(LEGACY_DB, path)
    before = digest(path)
    with pytest.raises(NotUpgraded, match="old application's version 8"), Database(path).write():
        pass
    assert digest(path) == before


def test_a_file_that_is_no_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, just a long enough text\n" * 100)
    before = digest(path)
    with pytest.raises(ForeignDatabase, match="no SQLite database"), Database(path).write():
        pass
    assert digest(path) == before


def test_a_database_of_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as conn:
        conn.execute("CREATE TABLE recipes (id INTEGER)")
    before = digest(path)
    with pytest.raises(ForeignDatabase, match="recipes"), Database(path).write():
        pass
    assert digest(path) == before


def test_a_newer_revision_is_refused(database: Database) -> None:
    with database.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0999'"))
    with pytest.raises(NewerDatabase, match="0999"), Database(database.url.render_as_string(False)).read():
        pass


# --- transactions ----------------------------------------------------------------------------------------------------


def test_a_write_is_one_transaction_that_a_failure_undoes(database: Database) -> None:
    with database.write() as conn:
        conn.execute(insert(users).values(name="Ann"))
    with pytest.raises(RuntimeError, match="in the middle"), database.write() as conn:
        conn.execute(insert(users).values(name="Bob"))
        raise RuntimeError("in the middle")
    assert database.frame(select(users.c.name))["name"].to_list() == ["Ann"]


def test_what_a_reader_writes_is_rolled_back(database: Database) -> None:
    with database.read() as conn:
        conn.execute(insert(users).values(name="Ann"))
    assert count(database, "users") == 0


def test_a_reader_sees_one_state_while_a_writer_commits(database: Database) -> None:
    with database.read() as reading:
        assert reading.execute(select(func.count()).select_from(users)).scalar_one() == 0
        with database.write() as conn:
            conn.execute(insert(users).values(name="Ann"))
        assert reading.execute(select(func.count()).select_from(users)).scalar_one() == 0
    assert count(database, "users") == 1


def test_sqlite_connections_enforce_foreign_keys_and_use_wal(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert conn.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_concurrent_writers_that_read_first_all_succeed(database: Database) -> None:
    mine = sync_metadata.c.key == "n"
    with database.write() as conn:
        conn.execute(insert(sync_metadata).values(key="n", value="0"))

    def add_one(_: int) -> None:
        with database.write() as conn:
            seen = int(conn.execute(select(sync_metadata.c.value).where(mine)).scalar_one() or 0)
            conn.execute(update(sync_metadata).where(mine).values(value=str(seen + 1)))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add_one, range(120)))
    assert database.frame(select(sync_metadata.c.value).where(mine))["value"].to_list() == ["120"]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_a_locked_database_says_so_after_the_busy_timeout(database: Database) -> None:
    impatient = Database(database.url.render_as_string(False), busy_timeout_s=0.2)
    with (
        database.write() as conn,
        pytest.raises(DatabaseLocked, match=r"for more than 0\.2 s: nothing was written") as locked,
    ):
        conn.execute(insert(users).values(name="Ann"))
        with impatient.write() as other:
            other.execute(insert(users).values(name="Bob"))
    assert locked.value.retry_helps
    assert count(impatient, "users") == 1


def test_a_full_disk_says_so_and_nothing_is_written(sqlite_db: Database) -> None:
    with pytest.raises(DatabaseFull, match="Make room"), sqlite_db.write() as conn:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        conn.execute(insert(users), [{"name": f"{i:0500d}"} for i in range(200)])
    sqlite_db.close()
    assert count(sqlite_db, "users") == 0
    assert check(sqlite_db) == []


def test_a_read_only_database_says_so(database: Database) -> None:
    with pytest.raises(DatabaseReadOnly, match="nothing was written"), database.write() as conn:
        conn.exec_driver_sql("PRAGMA query_only = ON" if database.dialect == "sqlite" else "SET TRANSACTION READ ONLY")
        conn.execute(insert(users).values(name="Ann"))


def test_a_damaged_file_says_so(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        conn.execute(insert(users), [{"name": f"member {i} {'x' * 200}"} for i in range(500)])
    sqlite_db.close()
    assert sqlite_db.path
    with sqlite_db.path.open("r+b") as file:
        size = sqlite_db.path.stat().st_size
        file.seek(size // 2)
        file.write(b"\xff" * (size // 2))
    with pytest.raises(DatabaseDamaged, match="restore it from a copy"):
        sqlite_db.frame(select(users).order_by(users.c.name))
    assert check(Database(sqlite_db.path))


def test_a_postgres_database_that_is_not_there_says_so(postgres_url: str) -> None:
    missing = postgres_url.replace("/league_", "/no_such_")
    with pytest.raises(DatabaseUnavailable, match="does not exist"), Database(missing).read():
        pass


def test_constraint_and_programming_errors_stay_what_they_are(database: Database) -> None:
    with pytest.raises(IntegrityError), database.write() as conn:
        conn.execute(insert(users), [{"name": "Ann"}, {"name": "Ann"}])
    with pytest.raises(DBAPIError, match="no_such_table"), database.write() as conn:
        conn.execute(text("SELECT * FROM no_such_table"))


def test_a_writer_killed_in_the_middle_leaves_the_database_intact(sqlite_db: Database) -> None:
    code = (
        "import sys, os, signal\n"
        "from sqlalchemy import insert\n"
        "from firsttd_pipeline.storage.engine import Database\n"
        "from firsttd_pipeline.storage.schema import users\n"
        "with Database(sys.argv[1]).write() as conn:\n"
        "    conn.execute(insert(users), [{'name': f'{i:0900d}'} for i in range(5000)])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with sqlite_db.write() as conn:
        conn.execute(insert(users).values(name="Ann"))
    sqlite_db.close()
    assert subprocess.run([sys.executable, "-c", code, str(sqlite_db.path)], check=False).returncode == -9
    assert sqlite_db.frame(select(users.c.name))["name"].to_list() == ["Ann"]
    assert check(sqlite_db) == []


# --- frames ----------------------------------------------------------------------------------------------------------

KICKOFF = datetime(2025, 9, 5, 0, 20, tzinfo=UTC)


def one_game(db: Database) -> None:
    with db.write() as conn:
        conn.execute(insert(weeks).values(season=2025, week=1))
        conn.execute(
            insert(games).values(
                id="2025_01_DAL_PHI",
                season=2025,
                week=1,
                home_team="PHI",
                away_team="DAL",
                game_date=date(2025, 9, 4),
                kickoff_at=KICKOFF,
                overtime=False,
            )
        )
        conn.execute(insert(team_ratings).values(team="PHI", season=2025, week=1, elo_rating=1500.1, points_for=24))


def test_frames_have_the_same_types_on_both_databases(database: Database) -> None:
    one_game(database)
    game = database.frame(select(games.c.id, games.c.season, games.c.game_date, games.c.kickoff_at, games.c.overtime))
    assert game.schema == {
        "id": pl.String,
        "season": pl.Int64,
        "game_date": pl.Date,
        "kickoff_at": pl.Datetime("us", "UTC"),
        "overtime": pl.Boolean,
    }
    assert game.row(0) == ("2025_01_DAL_PHI", 2025, date(2025, 9, 4), KICKOFF, False)
    rating = database.frame(
        select(team_ratings.c.elo_rating, func.sum(team_ratings.c.points_for).label("n")).group_by("id")
    )
    assert rating.row(0) == (1500.1, 24)


def test_a_frame_without_rows_or_values_still_has_its_types(database: Database) -> None:
    empty = database.frame(select(games))
    one_game(database)
    full = database.frame(select(games))
    assert empty.schema == full.schema
    assert full["deleted_at"].dtype == pl.Datetime("us", "UTC")
    assert full["deleted_at"].null_count() == 1


def test_raw_sql_takes_parameters(database: Database) -> None:
    one_game(database)
    assert database.frame("SELECT id FROM games WHERE week = :week", {"week": 1}).height == 1
    assert database.frame("SELECT id FROM games WHERE week = :week", {"week": 2}).height == 0
    assert database.frame("SELECT avg(week) AS mean FROM games")["mean"].to_list() == [1.0]


@pytest.mark.parametrize(
    "written",
    ["2025-09-05 00:20:00", "2025-09-05T00:20:00", "2025-09-05 00:20:00.000", "2025-09-04T20:20:00-04:00"],
)
def test_an_instant_in_another_writers_form_is_the_same_instant(sqlite_db: Database, written: str) -> None:
    one_game(sqlite_db)
    with sqlite_db.write() as conn:
        conn.execute(text("UPDATE games SET kickoff_at = :w"), {"w": written})
    assert sqlite_db.frame(select(games.c.kickoff_at))["kickoff_at"].to_list() == [KICKOFF]


def test_a_value_that_is_not_of_its_columns_type_reads_as_null(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        conn.execute(text("INSERT INTO weeks (season, week) VALUES (2025, 1), (2025, x'01000000')"))
        conn.execute(text("UPDATE weeks SET started_at = 'soon' WHERE week = 1"))
    frame = sqlite_db.frame(select(weeks.c.week, weeks.c.started_at).order_by(weeks.c.id))
    assert frame["week"].to_list() == [1, None]
    assert frame["started_at"].to_list() == [None, None]


@pytest.mark.parametrize("odd", ["'9/1'", "''", "x'00'"])
def test_a_number_that_is_none_reads_as_null_wherever_it_stands(sqlite_db: Database, odd: str) -> None:
    with sqlite_db.write() as conn:
        conn.execute(text("INSERT INTO users (name, base_bet) VALUES ('A', 2), ('B', 1.5), ('C', 1)"))
    for name in "ABC":
        with sqlite_db.write() as conn:
            conn.execute(text(f"UPDATE users SET base_bet = {odd} WHERE name = :n"), {"n": name})
        frame = sqlite_db.frame(select(users.c.name, users.c.base_bet).order_by(users.c.id))
        assert frame["base_bet"].dtype == pl.Float64
        assert frame.filter(pl.col("name") <= name)["base_bet"].null_count() == "ABC".index(name) + 1
        assert frame.filter(pl.col("name") > name)["base_bet"].null_count() == 0


@pytest.mark.parametrize("odd", ["'soon'", "''", "x'00'", "7"])
def test_an_instant_and_a_day_that_are_none_read_as_null(sqlite_db: Database, odd: str) -> None:
    one_game(sqlite_db)
    with sqlite_db.write() as conn:
        conn.execute(text(f"UPDATE games SET kickoff_at = {odd}, game_date = {odd}"))
    frame = sqlite_db.frame(select(games.c.kickoff_at, games.c.game_date))
    assert frame.row(0) == (None, None)
    assert frame.dtypes == [pl.Datetime("us", "UTC"), pl.Date]


def test_every_column_has_a_type_of_its_own() -> None:
    """None is inferred from its values: another program's odd one would change it."""
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    assert [str(column) for column in columns if polars_type(column.type) is None] == []
    floats = [column for column in columns if isinstance(column.type, Float)]
    assert {polars_type(column.type) for column in floats} == {pl.Float64()}


def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="naive datetime"), database.write() as conn:
        conn.execute(insert(weeks).values(season=2025, week=1, started_at=datetime(2025, 9, 5)))  # noqa: DTZ001


def test_a_database_is_shared_between_threads(database: Database) -> None:
    one_game(database)
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(database.frame(select(games)).height)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * 8
