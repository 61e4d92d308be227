"""Copies of the old application's real file, and what to compare them by."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command

from firsttd_pipeline.storage.engine import Database, make_engine
from firsttd_pipeline.storage.upgrade import _config
from firsttd_pipeline_tests.shared_data import LEGACY_DB


def legacy_copy(folder: Path, *changes: str) -> Path:
    """A writable copy of the version 8 file, changed by SQL statements (foreign keys off, as SQLite has them)."""
    path = folder / "fast6.db"
    shutil.copyfile(LEGACY_DB, path)
    path.chmod(0o644)
    with closing(sqlite3.connect(path)) as conn, conn:
        for change in changes:
            conn.execute(change)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(path: Path, sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as conn:
        return conn.execute(sql, tuple(params)).fetchall()


def dump(path: Path) -> list[str]:
    """The whole database as SQL."""
    with closing(sqlite3.connect(path)) as conn:
        return list(conn.iterdump())


def made_version_8(folder: Path, *statements: str) -> Path:
    """A version 8 file with made rows: member 1 (Avery), weeks 1 and 2 of 2025 (ids 1, 2), then the statements."""
    frozen = import_module("firsttd_pipeline.storage.migrations.versions.v0008_old_application")
    path = folder / "made.db"
    with closing(sqlite3.connect(path)) as conn, conn:
        for statement in frozen.TABLES:
            conn.execute(statement)
        for name, table, columns in frozen.INDEXES:
            conn.execute(f"CREATE INDEX {name} ON {table}({columns})")
        conn.executemany(
            "INSERT INTO schema_version (version, description) VALUES (?, ?)", enumerate(frozen.VERSIONS, 1)
        )
        conn.execute("INSERT INTO users (id, name) VALUES (1, 'Avery')")
        conn.execute("INSERT INTO weeks (id, season, week) VALUES (1, 2025, 1), (2, 2025, 2)")
        for statement in statements:
            conn.execute(statement)
    return path


def bring_to(db: Database, revision: str) -> None:
    """Create or upgrade a database as far as an older release of ours did."""
    engine = make_engine(db.url, 5, foreign_keys=False)
    with db.begin(engine) as conn:
        command.upgrade(_config(conn), revision)
    engine.dispose()
    db.forget_check()
