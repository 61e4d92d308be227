"""Makes Dagster's own SQLite files cheap in the processes of the tests; what is stored in them stays the same.

Dagster opens them some 700 times for a run of the nightly job, each time with a new engine that compiles every
statement anew, and makes the tables of each run's file by migrations whose scripts it reads every time. That was half
of the time of a small run.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster._core.storage import sql
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy import Engine

_make_engine = sqlite_event_log.create_engine
_make_tables = sqlite_event_log.SqliteEventLogStorage._initdb
_lock = threading.Lock()


def install(template: Path) -> None:
    """Keep an engine a file, without an open connection, and the migrations; a new run's file is `template` copied."""
    engines: dict[tuple[str, str], Engine] = {}
    scripts: dict[str, ScriptDirectory] = {}

    def create_engine(url: str, **options: Any) -> Engine:
        key = url, repr(options)
        with _lock:
            if len(engines) > 200:
                engines.clear()
            if key not in engines:
                engines[key] = _make_engine(url, **options)
            return engines[key]

    def initdb(self: Any, engine: Engine, for_index_shard: bool = False) -> None:
        path = Path(str(engine.url.database))
        if for_index_shard or path.exists():
            _make_tables(self, engine, for_index_shard)
            return
        if not template.exists():
            _make_tables(self, engine)
            with engine.connect() as conn:
                conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copyfile(path, template)
        if not path.exists():
            shutil.copyfile(template, path)

    class KeptScripts(ScriptDirectory):
        @classmethod
        def from_config(cls, config: Config) -> ScriptDirectory:
            location = config.get_main_option("script_location") or ""
            if location not in scripts:
                scripts[location] = ScriptDirectory.from_config(config)
            return scripts[location]

    for module in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        module.create_engine = create_engine
    sqlite_event_log.SqliteEventLogStorage._initdb = initdb  # type: ignore[method-assign]
    sql.ScriptDirectory = KeptScripts  # type: ignore[misc]
