"""Copies of the old application's real file, and what to compare them by."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

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
