"""Makes Dagster's own SQLite files cheap in the processes of the tests; what is stored in them stays the same.

Dagster opens its event log some 700 times for a run of the nightly job, each time with a new engine that compiles every
statement anew, and makes the tables of each run's file by its migrations. That was half of the time of a small run.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import Engine

_make_engine = sqlite_event_log.create_engine
_make_tables = sqlite_event_log.SqliteEventLogStorage._initdb
_engines: dict[str, Engine] = {}
_lock = threading.Lock()


def install(template: Path) -> None:
    """Keep one engine a file, none of them with an open connection, and copy a new run's file from `template`."""

    def create_engine(url: str, **options: Any) -> Engine:
        with _lock:
            if url not in _engines:
                if len(_engines) > 200:
                    _engines.clear()
                _engines[url] = _make_engine(url, **options)
            return _engines[url]

    def initdb(self: Any, engine: Engine, for_index_shard: bool = False) -> None:
        path = Path(str(engine.url.database))
        if for_index_shard or path.exists():
            _make_tables(self, engine, for_index_shard)
            return
        with _lock:
            if not template.exists():
                _make_tables(self, engine)
                with engine.connect() as conn:
                    conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                shutil.copyfile(path, template)
        if not path.exists():
            shutil.copyfile(template, path)

    sqlite_event_log.create_engine = create_engine
    sqlite_event_log.SqliteEventLogStorage._initdb = initdb  # type: ignore[method-assign]
