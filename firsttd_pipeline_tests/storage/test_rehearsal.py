"""Claims about the fear of an upgrade: backup, rehearsal, accounting, and whatever can happen in between."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from firsttd_pipeline.storage import mending, rehearsal
from firsttd_pipeline.storage import upgrade as upgrade_module
from firsttd_pipeline.storage.engine import (
    Database,
    DatabaseDamaged,
    DatabaseFull,
    DatabaseLocked,
    DatabaseReadOnly,
    StorageError,
)
from firsttd_pipeline.storage.migrations import HEAD_REVISION, support
from firsttd_pipeline.storage.migrations.support import UpgradeRefused
from firsttd_pipeline.storage.rehearsal import back_up
from firsttd_pipeline.storage.upgrade import UpgradeFailed, check, upgrade
from firsttd_pipeline_tests.doors import SCRIPT, environment
from firsttd_pipeline_tests.shared_data import LEGACY_DB, needs_shared
from firsttd_pipeline_tests.storage.legacy import bring_to, digest, legacy_copy, made_version_8, rows

NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
NEW_PICK = "INSERT INTO picks (user_id, week_id, team, player_name, odds) VALUES (1, 2, 'KC', 'Kareem Hunt', 1200)"
HAPPENED = Callable[[str], None]


def content(path: Path) -> str:
    """The digest of a file's rows; a journal that a killed program left is rolled back first, as SQLite does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        return rehearsal.digest(conn)


def folder(path: Path) -> list[str]:
    """Names in `backups/`; empty where it is not there."""
    backups = path.parent / "backups"
    return sorted(p.name for p in backups.iterdir()) if backups.exists() else []


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as conn, conn:
        for statement in statements:
            conn.execute(statement)


def by_another_program(path: Path, statement: str) -> None:
    code = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as c: c.execute(sys.argv[2])"
    subprocess.run([sys.executable, "-c", code, str(path), statement], check=True)


def on(words: str, do: Callable[[], None]) -> HAPPENED:
    """Do something each time the upgrade says these words."""

    def tell(sentence: str) -> None:
        if words in sentence:
            do()

    return tell


# --- the digest ------------------------------------------------------------------------------------------------------


def test_the_digest_is_of_the_rows_not_of_the_pages(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, NEW_PICK)
    before = content(path)
    execute(path, "CREATE TABLE filler (x)", "INSERT INTO filler VALUES (zeroblob(100000))", "DROP TABLE filler")
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("VACUUM")
    assert content(path) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE picks SET odds = 1200.5",
        "UPDATE picks SET player_name = CAST('Kareem Hunt' AS BLOB)",
        "UPDATE picks SET theoretical_return = ''",
        "UPDATE picks SET id = 5",
        "DELETE FROM picks",
        "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'picks'",
        "DROP INDEX idx_picks_game_id",
        "CREATE TABLE other (id INTEGER)",
        "INSERT INTO tags VALUES ('b')",
    ],
)
def test_the_digest_sees_every_change(tmp_path: Path, change: str) -> None:
    path = made_version_8(tmp_path, NEW_PICK, "CREATE TABLE tags (tag TEXT PRIMARY KEY) WITHOUT ROWID")
    before = content(path)
    execute(path, change)
    assert content(path) != before


# --- the backup ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_backup_is_one_file_equal_to_the_database_while_another_program_has_it_open(
    tmp_path: Path, mode: str
) -> None:
    path = made_version_8(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as app:
        app.execute(f"PRAGMA journal_mode = {mode}")
        app.execute(NEW_PICK)
        app.execute("SELECT * FROM picks").fetchone()
        (path.parent / "backups").mkdir()
        backup = back_up(path, "v8", NOW, 5)
    assert folder(path) == ["made-v8-20260203T040506Z.db"]
    assert content(backup.path) == content(path) == backup.digest
    assert rows(backup.path, "SELECT player_name FROM picks") == [("Kareem Hunt",)]
    assert rows(backup.path, "PRAGMA journal_mode") == [("delete",)]


def test_two_backups_of_one_second_are_two_files(tmp_path: Path) -> None:
    path = made_version_8(tmp_path)
    (path.parent / "backups").mkdir()
    assert back_up(path, "v8", NOW, 5).path != back_up(path, "v8", NOW, 5).path
    assert folder(path) == ["made-v8-20260203T040506Z-2.db", "made-v8-20260203T040506Z.db"]


def test_a_backup_that_is_not_equal_is_no_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made_version_8(tmp_path)
    before = digest(path)
    told = iter(["one", "another"])
    monkeypatch.setattr(rehearsal, "digest", lambda _: next(told))
    with pytest.raises(DatabaseDamaged, match=r"backup .* is not equal.*nothing was changed"):
        upgrade(Database(path, 5))
    assert digest(path) == before
    assert [n for n in folder(path) if n.endswith(".db")] == []


def test_a_damaged_file_is_refused_before_it_is_copied_as_a_backup(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, *[f"INSERT INTO users (name) VALUES ('{n:0400}')" for n in range(300)])
    content_ = bytearray(path.read_bytes())
    root = rows(path, "SELECT rootpage FROM sqlite_master WHERE name = 'idx_picks_game_id'")[0][0]
    page = rows(path, "PRAGMA page_size")[0][0]
    content_[(root - 1) * page : root * page] = b"\xff" * page
    path.write_bytes(bytes(content_))
    with pytest.raises(DatabaseDamaged):
        upgrade(Database(path, 5))
    assert path.read_bytes() == bytes(content_)
    assert [n for n in folder(path) if n.endswith((".db", ".md"))] == []


# --- the report ------------------------------------------------------------------------------------------------------


@needs_shared
def test_the_report_of_the_leagues_file_adds_up(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    report = upgrade(Database(path, 5), now=NOW)
    assert {a.table: (a.before, a.kept, a.merged, a.quarantined, a.lost, a.added) for a in report.tables} == {
        "kickoff_decisions": (0, 0, 0, 0, (), 0),
        "market_odds": (0, 0, 0, 0, (), 0),
        "market_outcomes": (0, 0, 0, 0, (), 0),
        "picks": (75, 74, 1, 0, (), 0),
        "player_stats": (485, 0, 0, 485, (), 0),
        "results": (75, 74, 1, 0, (), 0),
        "schema_version": (8, 8, 0, 0, (), 12),
        "team_ratings": (32, 32, 0, 0, (), 0),
        "users": (7, 7, 0, 0, (), 0),
        "weeks": (20, 19, 1, 0, (), 0),
    }
    assert {(a.table, c.column, c.old, c.new, c.rows) for a in report.tables for c in a.changes} == {
        ("picks", "team", "Unknown", "MIN", 1),
        ("results", "actual_return", "0.0", "-1.0", 52),
        ("results", "actual_return", "0.0", "empty", 18),
    }
    assert [(m.step, m.outcome, len(m.keys)) for m in report.mended] == [
        ("week numbers", "merged", 1),
        ("second spellings", "merged", 1),
        ("teams", "pending", 4),
        ("game stubs", "pending", 74 - 0),
        ("placeholder odds", "flagged", 18),
        ("money", "corrected", 52),
        ("money", "corrected", 18),
        ("statistics", "quarantined", 485),
    ]


@needs_shared
def test_the_report_is_written_beside_the_backup(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    before = content(path)
    report = upgrade(Database(path, 5), now=NOW)
    assert folder(path) == ["fast6-v8-20260203T040506Z.db", "fast6-v8-20260203T040506Z.md"]
    assert report.backup is not None
    assert content(report.backup) == before == content(LEGACY_DB)
    assert report.written == report.backup.with_suffix(".md")
    said = report.written.read_text()
    assert "**DONE." in said
    assert before in said
    assert "| results | 75 | 74 | 1 | 0 | 0 | 0 | 74 |" in said
    assert "| results | actual_return | 0.0 | -1.0 | 52 |" in said
    assert "second spelling of pick 4 ('TJ Hock')" in said


def test_what_people_typed_does_not_break_the_reports_tables(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path, "INSERT INTO picks (user_id, week_id, team, player_name, game_id) VALUES (1, 1, 'KC', 'x', 'a|b\nc')"
    )
    written = upgrade(Database(path, 5)).written
    assert written is not None
    (line,) = [line for line in written.read_text().splitlines() if "unreadable games" in line]
    assert "'a\\|b" in line
    assert line.replace("\\|", "").count("|") == 5


# --- dry runs and second runs ----------------------------------------------------------------------------------------


@needs_shared
def test_a_dry_run_rehearses_and_changes_nothing(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)
    report = upgrade(Database(path, 5), dry_run=True, now=NOW)
    assert digest(path) == before
    assert (report.dry_run, report.changed, len(report.tables)) == (True, False, 10)
    assert folder(path) == ["fast6-v8-20260203T040506Z.db", "fast6-v8-20260203T040506Z.md"]
    assert report.written is not None
    assert "**DRY RUN." in report.written.read_text()
    assert upgrade(Database(path, 5)).changed


def test_a_dry_run_of_nothing_makes_nothing(tmp_path: Path) -> None:
    report = upgrade(Database(tmp_path / "home" / "new.db", 5), dry_run=True)
    assert (report.from_version, report.changed) == (None, False)
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_on_postgresql_is_rolled_back(postgres_url: str) -> None:
    db = Database(postgres_url)
    bring_to(db, "0020")
    with db.engine.begin() as conn:
        conn.execute(text("INSERT INTO users (name) VALUES ('Avery')"))
    report = upgrade(db, dry_run=True)
    assert (report.from_version, report.to_version, report.dry_run) == ("0020", HEAD_REVISION, True)
    with db.engine.connect() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0020"
    db.close()


def test_rows_are_accounted_for_on_postgresql_too(postgres_url: str) -> None:
    db = Database(postgres_url)
    bring_to(db, "0020")
    with db.engine.begin() as conn:
        for statement in (
            "INSERT INTO users (id, name) VALUES (1, 'Avery')",
            "INSERT INTO weeks (id, season, week) VALUES (1, 2025, 1)",
            "INSERT INTO picks (id, user_id, week_id, team, player_name, odds) VALUES (1, 1, 1, 'KC', 'Hunt', 900)",
            "INSERT INTO results (pick_id, is_correct, actual_return) VALUES (1, false, 0)",
        ):
            conn.execute(text(statement))
    report = upgrade(db)
    accounts = {a.table: (a.before, a.kept, a.changes) for a in report.tables}
    assert accounts["picks"] == (1, 1, ())
    (change,) = accounts["results"][2]
    assert (change.column, change.old, change.new, change.rows) == ("actual_return", "0.0", "-1.0", 1)
    assert report.backup is None
    assert check(db) == []
    db.close()


@needs_shared
def test_a_second_run_changes_nothing_and_makes_no_backup(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(Database(path, 5))
    before, kept = content(path), folder(path)
    for dry_run in (False, True):
        report = upgrade(Database(path, 5), dry_run=dry_run)
        assert (report.from_version, report.changed, report.steps) == (HEAD_REVISION, False, ())
    assert (content(path), folder(path)) == (before, kept)


# --- the file changes while it is rehearsed --------------------------------------------------------------------------


@needs_shared
def test_a_pick_written_after_the_rehearsal_is_rehearsed_and_kept(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    pending = [NEW_PICK, "UPDATE results SET is_correct = 1, actual_return = 9.0 WHERE pick_id = 1"]
    said: list[str] = []

    def tell(sentence: str) -> None:
        said.append(sentence)
        if "Rehearsed" in sentence and pending:
            by_another_program(path, pending.pop(0))

    report = upgrade(Database(path, 5), tell=tell, now=NOW)
    assert report.rehearsals == 3
    assert sum("once more" in sentence for sentence in said) == 2
    assert rows(path, "SELECT odds, source FROM picks WHERE player_name = 'Kareem Hunt' AND id > 76") == [
        (1200.0, "legacy")
    ]
    assert rows(path, "SELECT is_correct FROM results WHERE pick_id = 1") == [(1,)]
    assert folder(path) == ["fast6-v8-20260203T040506Z.db", "fast6-v8-20260203T040506Z.md"]
    assert report.backup is not None
    assert rows(report.backup, "SELECT count(*) FROM picks") == [(76,)]
    assert check(Database(path)) == []


def test_a_file_that_keeps_changing_is_left_to_its_program(tmp_path: Path) -> None:
    path = made_version_8(tmp_path)
    numbers = iter(range(100))

    def write() -> None:
        execute(path, f"INSERT INTO users (name) VALUES ('Guest {next(numbers)}')")

    with pytest.raises(UpgradeFailed, match=r"each of 5 rehearsals.*Stop the old application"):
        upgrade(Database(path, 5), tell=on("Rehearsed", write))
    assert rows(path, "SELECT max(version) FROM schema_version") == [(8,)]
    assert rows(path, "SELECT count(*) FROM users") == [(6,)]
    assert folder(path) == []


def test_an_upgrade_by_somebody_else_meanwhile_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made_version_8(tmp_path, NEW_PICK)

    def once() -> None:
        monkeypatch.setattr(rehearsal, "_locked_folder", lambda f, *_: (f.mkdir(exist_ok=True), os.open(f, 0))[1])
        code = "import sys\nfrom firsttd_pipeline.storage.engine import Database\n"
        code += "from firsttd_pipeline.storage import rehearsal, upgrade\n"
        code += "rehearsal._lock = None\nrehearsal.fcntl.flock = lambda *_: None\n"
        code += "print(upgrade.upgrade(Database(sys.argv[1])).changed)"
        told = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
        assert told.stdout.strip() == "True"

    report = upgrade(Database(path, 5), tell=on("Rehearsed", once))
    assert not report.changed
    assert check(Database(path)) == []
    assert rows(path, "SELECT count(*) FROM picks") == [(1,)]


def test_two_upgrades_at_once_make_one_backup(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, NEW_PICK)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda p: upgrade(Database(p, 30)), [path, path]))
    assert sorted(r.changed for r in reports) == [False, True]
    assert len(folder(path)) == 2


def test_an_upgrade_that_another_one_blocks_says_so(tmp_path: Path) -> None:
    path = made_version_8(tmp_path)
    before = digest(path)
    with rehearsal.alone(path, 5), pytest.raises(DatabaseLocked, match=r"Another upgrade of .* is at work"):
        upgrade(Database(path, 0.2))
    assert digest(path) == before
    assert upgrade(Database(path, 5)).changed


def test_a_reader_that_does_not_let_go_is_waited_for_then_named(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, NEW_PICK)
    before = content(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as app:
        app.execute("BEGIN")
        app.execute("SELECT * FROM picks").fetchall()
        with pytest.raises(DatabaseLocked, match="locked by another program"):
            upgrade(Database(path, 0.3))
    assert content(path) == before
    assert upgrade(Database(path, 5)).changed


# --- failures --------------------------------------------------------------------------------------------------------


def test_a_row_that_would_be_lost_undoes_the_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made_version_8(tmp_path, NEW_PICK)
    before = digest(path)

    def careless(conn: Any, *_: Any) -> list[mending.Mended]:
        conn.execute(text("DELETE FROM picks"))
        return []

    monkeypatch.setattr(mending, "wrong_teams", careless)
    with pytest.raises(UpgradeFailed, match=r"nothing was changed: 1 of 1 rows of picks would be lost \(1\)"):
        upgrade(Database(path, 5))
    assert digest(path) == before
    assert folder(path) == []


def test_a_quarantined_row_is_accounted_for_only_if_it_is_there_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_version_8(tmp_path, NEW_PICK, NEW_PICK.replace("Kareem Hunt", "Worthy"))

    def quarantine_one_of_two(conn: Any, *_: Any) -> list[mending.Mended]:
        payload = json.dumps({"id": 1, "player_name": "Kareem Hunt"})
        conn.execute(
            text("INSERT INTO quarantine (table_name, key, reason, payload) VALUES ('picks', '1', 'x', :p)"),
            {"p": payload},
        )
        conn.execute(text("DELETE FROM picks"))
        return []

    monkeypatch.setattr(mending, "wrong_teams", quarantine_one_of_two)
    with pytest.raises(UpgradeFailed, match=r"1 of 2 rows of picks would be lost \(2\)"):
        upgrade(Database(path, 5))


@needs_shared
def test_a_failure_in_the_file_itself_after_a_good_rehearsal_leaves_it_and_keeps_the_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = legacy_copy(tmp_path)
    before = digest(path)
    real = support.record
    seen: list[int] = []

    def second_time(number: int, description: str) -> None:
        real(number, description)
        seen.append(number)
        if seen.count(20) == 2:
            raise UpgradeRefused("stopped")

    monkeypatch.setattr(support, "record", second_time)
    with pytest.raises(UpgradeRefused, match="stopped"):
        upgrade(Database(path, 5), now=NOW)
    assert digest(path) == before
    assert folder(path) == ["fast6-v8-20260203T040506Z.db", "fast6-v8-20260203T040506Z.md"]
    assert "**REHEARSED." in (path.parent / "backups" / "fast6-v8-20260203T040506Z.md").read_text()


def test_what_a_killed_upgrade_left_is_removed_and_what_is_others_stays(tmp_path: Path) -> None:
    path = made_version_8(tmp_path)
    backups = tmp_path / "backups"
    backups.mkdir()
    for name in (
        "made-v8-1.db.partial",
        "made-v8-1.db.partial-journal",
        "made-v8-1.db.rehearsal",
        "made-v8-1.md.partial",
    ):
        (backups / name).write_text("left")
    others = ["mine.db.partial", "made-v8-1.db", "made-v8-1.md", "notes.txt"]
    for name in others:
        (backups / name).write_text("kept")
    upgrade(Database(path, 5), now=NOW)
    assert folder(path) == sorted([*others, "made-v8-20260203T040506Z.db", "made-v8-20260203T040506Z.md"])


def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_version_8(tmp_path)
    before = digest(path)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    with pytest.raises(DatabaseFull, match=r"has 1\.0 MB free, its upgrade needs .* nothing was changed"):
        upgrade(Database(path, 5))
    assert digest(path) == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_disk_that_fills_up_during_the_backup_or_the_copy_is_told(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the process itself cannot write more."""
    path = made_version_8(tmp_path, *[f"INSERT INTO users (name) VALUES ('{n:0400}')" for n in range(300)])
    before = digest(path)
    code = (
        "import resource, signal, sys\n"
        "from firsttd_pipeline.storage.engine import Database, StorageError\n"
        "from firsttd_pipeline.storage.upgrade import upgrade\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try: upgrade(Database(sys.argv[1], 5))\n"
        "except StorageError as error: print(type(error).__name__, error)\n"
    )
    told = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True).stdout
    assert told.startswith("DatabaseFull"), told
    assert "Nothing was changed" in told
    assert digest(path) == before
    assert upgrade(Database(path, 5)).changed


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """A folder of its own, as a user to whom permissions apply (root ignores them)."""
    place = Path(tempfile.mkdtemp(prefix="ftd"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(place, 65534, 65534)
        os.seteuid(65534)
    try:
        yield place
    finally:
        if is_root:
            os.seteuid(0)
        place.chmod(0o700)
        shutil.rmtree(place)


def test_a_read_only_file_is_refused(plain_user: Path) -> None:
    path = made_version_8(plain_user)
    path.chmod(0o444)
    before = digest(path)
    with pytest.raises(DatabaseReadOnly):
        upgrade(Database(path, 5))
    assert digest(path) == before
    assert [p.name for p in plain_user.iterdir()] == [path.name]


def test_a_folder_in_which_no_backup_can_be_made_is_refused(plain_user: Path) -> None:
    path = made_version_8(plain_user)
    before = digest(path)
    plain_user.chmod(0o555)
    with pytest.raises(StorageError, match="folder"):
        upgrade(Database(path, 5))
    assert digest(path) == before


def test_text_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, "INSERT INTO users (name) VALUES (CAST(X'FF41' AS TEXT))")
    before = digest(path)
    with pytest.raises(UpgradeFailed, match="not UTF-8: nothing was changed"):
        upgrade(Database(path, 5))
    assert digest(path) == before


# --- killed ----------------------------------------------------------------------------------------------------------


def appeared(path: Path, moment: str) -> bool:
    if moment == "-journal":
        return path.with_name(path.name + moment).exists()
    return any(moment in name for name in folder(path))


@needs_shared
@pytest.mark.parametrize("delay_ms", [0, 20])
@pytest.mark.parametrize("moment", [".partial", ".rehearsal", ".md", "-journal"])
def test_killed_at_any_moment_the_file_is_as_it_was_or_upgraded_and_the_next_try_works(
    tmp_path: Path, moment: str, delay_ms: int
) -> None:
    path = legacy_copy(tmp_path)
    before = content(path)
    env = environment(tmp_path, "http://127.0.0.1:9/", FIRSTTD_DATABASE_URL=str(path))
    with subprocess.Popen(
        [str(SCRIPT), "db", "upgrade"], env=env, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        until = time.monotonic() + 120
        while process.poll() is None and not appeared(path, moment) and time.monotonic() < until:
            time.sleep(0.0002)
        time.sleep(delay_ms / 1000)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    after = content(path)  # opening it rolls the journal back
    if after != before:
        assert rows(path, "SELECT version_num FROM alembic_version") == [(HEAD_REVISION,)]
        assert check(Database(path)) == []
    assert upgrade(Database(path, 10)).to_version == HEAD_REVISION
    assert check(Database(path)) == []
    assert rows(path, "SELECT count(*) FROM picks") == [(74,)]
    assert rows(path, "SELECT count(*) FROM quarantine") == [(485 + 3,)]
    if after == before:
        assert [n for n in folder(path) if not n.endswith((".db", ".md"))] == []


@needs_shared
@pytest.mark.parametrize("kill_at", [(19, 1), (9, 2), (20, 2)])
def test_killed_in_the_middle_of_the_copys_or_the_files_own_transaction_nothing_is_changed(
    tmp_path: Path, kill_at: tuple[int, int]
) -> None:
    path = legacy_copy(tmp_path)
    before = content(path)
    code = (
        "import os, signal, sys\n"
        "from firsttd_pipeline.storage.engine import Database\n"
        "from firsttd_pipeline.storage.migrations import support\n"
        "from firsttd_pipeline.storage.upgrade import upgrade\n"
        "real, seen = support.record, []\n"
        "def record(n, d):\n"
        "    real(n, d)\n"
        "    seen.append(n)\n"
        f"    if seen.count({kill_at[0]}) == {kill_at[1]}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "support.record = record\n"
        "upgrade(Database(sys.argv[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    assert content(path) == before
    assert upgrade(Database(path, 5)).changed
    assert check(Database(path)) == []


# --- afterwards ------------------------------------------------------------------------------------------------------

OWN_MIGRATIONS = {
    number: (f"INSERT INTO schema_version (version, description) VALUES ({number}, 'own')",) for number in range(9, 21)
} | {
    11: ("DROP TABLE picks",),
    13: ("UPDATE weeks SET season = 2025 WHERE id IN (SELECT week_id FROM picks)",),
}


def old_start_up(path: Path) -> int:
    """What the old application does at its start: its own migrations above the file's highest version."""
    with closing(sqlite3.connect(path, isolation_level=None)) as app:
        app.execute("PRAGMA foreign_keys = ON")
        app.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        (at,) = app.execute("SELECT max(version) FROM schema_version").fetchone()
        applied = 0
        for number in range(at + 1, 21):
            for statement in OWN_MIGRATIONS[number]:
                applied += 1
                if number == 11:
                    app.execute(statement)
        return applied


@needs_shared
def test_the_old_applications_start_up_changes_nothing_in_an_upgraded_file(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    assert upgrade(Database(path, 5)).changed
    before = content(path)
    assert old_start_up(path) == 0
    assert content(path) == before
    not_upgraded = tmp_path / "not_upgraded.db"
    shutil.copyfile(LEGACY_DB, not_upgraded)
    assert old_start_up(not_upgraded) == 12
    assert rows(not_upgraded, "SELECT count(*) FROM results") == [(0,)]  # what the upgrade spares the league


@needs_shared
def test_the_old_applications_reads_work_on_an_upgraded_file(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    upgrade(Database(path, 5))
    reads = {
        "SELECT id, name, email, group_id, is_admin, created_at, base_bet FROM users": 7,
        "SELECT id, season, week, started_at, ended_at, created_at FROM weeks WHERE season = 2025": 19,
        "SELECT p.id, u.name, w.season, w.week, p.team, p.player_name, p.odds, p.theoretical_return, p.game_id, "
        "r.actual_scorer, r.is_correct, r.actual_return, r.any_time_td FROM picks p JOIN users u ON u.id = p.user_id "
        "JOIN weeks w ON w.id = p.week_id LEFT JOIN results r ON r.pick_id = p.id": 74,
        "SELECT p.id FROM picks p LEFT JOIN results r ON r.pick_id = p.id WHERE r.id IS NULL": 0,
        "SELECT id, season, week, game_date, home_team, away_team, home_score, away_score, status FROM games "
        "WHERE deleted_at IS NULL": 74,
        "SELECT season, team, player_id, player_name, position, jersey_number FROM rosters": 0,
        "SELECT game_id, player_name, team, is_first_td, play_id, season FROM touchdowns": 0,
        "SELECT key, value, updated_at FROM sync_metadata WHERE key = 'last_sync'": 0,
        "SELECT version, applied_at, description FROM schema_version": 20,
    }
    assert {sql: len(rows(path, sql)) for sql in reads} == reads


@needs_shared
def test_the_backup_put_back_is_the_league_as_it_was(tmp_path: Path) -> None:
    path = legacy_copy(tmp_path)
    db = Database(path, 5)
    report = upgrade(db)
    db.close()
    assert report.backup is not None
    shutil.copyfile(report.backup, path)
    assert content(path) == content(LEGACY_DB)
    assert upgrade(Database(path, 5)).changed


def test_the_stage_names_are_said_in_order(tmp_path: Path) -> None:
    said: list[str] = []
    upgrade(Database(made_version_8(tmp_path), 5), tell=said.append)
    assert [sentence.split()[0] for sentence in said] == ["Backup", "Rehearsed"]
    assert upgrade_module.MOST_REHEARSALS == 5


def test_a_backup_that_was_told_of_and_is_gone_again_is_told_of_too(tmp_path: Path) -> None:
    said: list[str] = []
    path = made_version_8(tmp_path, NEW_PICK, NEW_PICK)
    with pytest.raises(UpgradeRefused, match="delete one of them in the old application"):
        upgrade(Database(path, 5), tell=said.append)
    assert [sentence.split()[0] for sentence in said] == ["Backup", "The"]
    assert "removed again" in said[1]
    assert folder(path) == []
