"""Bringing a database to this release's revision, and saying what is wrong with one.

A fresh database and the old application's version 8 go through the same migrations, in one transaction: an upgrade that
fails at any step leaves everything as it was. Anything else is refused before it is touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, text

from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage.engine import (
    Database,
    DatabaseUnavailable,
    ForeignDatabase,
    NewerDatabase,
    StorageError,
    make_engine,
    not_ours,
    table_names,
)
from firsttd_pipeline.storage.migrations import HEAD_REVISION
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline.storage.triggers import installed, sqlite_triggers

if TYPE_CHECKING:
    from alembic.config import Config

OLD_APP_VERSION = 8
OLD_APP_LAST = 20
"""The last version the old application knows: later ones are ours alone, and stand in alembic_version only."""
_OLD_APP_COLUMNS = {
    "users": {"id", "name", "email", "group_id", "is_admin", "created_at"},
    "weeks": {"id", "season", "week", "started_at", "ended_at", "created_at"},
    "picks": {"id", "user_id", "week_id", "team", "player_name", "odds", "theoretical_return", "game_id"},
    "results": {"id", "pick_id", "actual_scorer", "is_correct", "actual_return", "any_time_td"},
    "player_stats": {"id", "player_name", "season", "team"},
    "team_ratings": {"id", "team", "season", "week"},
    "kickoff_decisions": {"id", "game_id"},
    "market_odds": {"id", "game_id"},
    "market_outcomes": {"id", "game_id"},
    "schema_version": {"version"},
}
_NEVER_LOSE = ("users", "weeks", "picks", "results")


class UnknownVersion(StorageError):
    """The old application's file is at a version that no migration starts from."""


class UpgradeFailed(StorageError):
    """A check before the commit failed; everything was rolled back."""


@dataclass(frozen=True)
class UpgradeReport:
    """What an upgrade did.

    Attributes:
        from_version: revision before; None for a fresh database; `0008` for the old application's file.
        to_version: revision now.
        steps: descriptions of the versions applied, oldest first; empty when there was nothing to do.
        quarantined: rows that were set aside, by table.
    """

    from_version: str | None
    to_version: str
    steps: tuple[str, ...] = ()
    quarantined: tuple[tuple[str, int], ...] = ()


def head_revision() -> str:
    """The revision this release works with."""
    return HEAD_REVISION


def upgrade(db: Database) -> UpgradeReport:
    """Create the database, or bring it to this release's revision, in one transaction; cheap when it is there already.

    Raises:
        NewerDatabase, UnknownVersion, ForeignDatabase: it is not ours to upgrade; it was not touched.
        UpgradeRefused, UpgradeFailed: its rows stand in the way; the message names them, nothing was changed.
        StorageError: locked, full, read-only or unreachable.
    """
    created = _make_room(db)
    try:
        with db.translated():
            if not created and _revision(db) == HEAD_REVISION:
                db.require_current()
                return UpgradeReport(HEAD_REVISION, HEAD_REVISION)
            report = _migrate(db)
    except BaseException:
        if created and db.path is not None:
            _forget_file(db)
        raise
    db.forget_check()
    db.require_current()
    return report


def _make_room(db: Database) -> bool:
    """Create the SQLite file's folder; True when the file is not there yet."""
    if db.path is None or db.path.exists():
        return False
    try:
        db.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"The folder of {db.name} cannot be created: {error.strerror}.") from error
    return True


def _forget_file(db: Database) -> None:
    db.close()
    path = db.path
    if path is not None and path.exists() and path.stat().st_size == 0:
        path.unlink()


def _revision(db: Database) -> str | None:
    with db.engine.connect() as conn:
        if "alembic_version" not in table_names(conn):
            return None
        found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def _migrate(db: Database) -> UpgradeReport:
    # Foreign keys can only be turned off before a transaction begins; a connection of its own never had them on.
    engine = make_engine(db.url, db.busy_timeout_s, foreign_keys=False)
    try:
        with db.begin(engine) as conn:
            return _migrate_inside(db, conn)
    finally:
        engine.dispose()


def _migrate_inside(db: Database, conn: Connection) -> UpgradeReport:
    from alembic import command

    config = _config(conn)
    before = _recognise(db, conn)
    if before == HEAD_REVISION:
        return UpgradeReport(before, before)
    tables = table_names(conn)
    had = {t: _count(conn, t) for t in _NEVER_LOSE if t in tables}
    if before == f"{OLD_APP_VERSION:04d}" and "alembic_version" not in tables:
        command.stamp(config, before)
    set_aside = _quarantined(conn) if "quarantine" in tables else {}
    command.upgrade(config, "head")
    _verify(conn, had)
    now_aside = _quarantined(conn)
    fresh = {t: n - set_aside.get(t, 0) for t, n in now_aside.items() if n > set_aside.get(t, 0)}
    last = int(before or 0)
    steps = conn.execute(
        text("SELECT description FROM schema_version WHERE version > :v ORDER BY version"),
        {"v": last},
    ).scalars()
    return UpgradeReport(before, HEAD_REVISION, tuple(steps), tuple(sorted(fresh.items())))


def _config(conn: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = conn
    return config


def _recognise(db: Database, conn: Connection) -> str | None:
    """The revision the database stands at, None when it is empty; refuses what is not ours."""
    tables = table_names(conn)
    if not tables:
        return None
    if "alembic_version" in tables:
        found = conn.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
        if len(found) != 1 or not tables >= {"users", "weeks", "picks", "results", "schema_version"}:
            raise ForeignDatabase(not_ours(db.name, tables))
        if found[0] not in _known_revisions(conn):
            raise NewerDatabase(db.name, str(found[0]), HEAD_REVISION)
        return str(found[0])
    if not tables >= {"users", "weeks", "picks", "results", "schema_version"}:
        raise ForeignDatabase(not_ours(db.name, tables))
    version = conn.execute(text("SELECT max(version) FROM schema_version")).scalar()
    if version != OLD_APP_VERSION:
        raise UnknownVersion(
            f"{db.name} is the old application's database at version {version}: only version {OLD_APP_VERSION} can be "
            "upgraded. Nothing was changed. Use a copy from before the old application migrated it"
            + (", or let the old application bring it to 8 first." if version is None or version < 8 else ".")
        )
    for table, columns in _OLD_APP_COLUMNS.items():
        have = set(conn.exec_driver_sql(f"SELECT * FROM {table} LIMIT 0").keys()) if table in tables else set()  # noqa: S608
        if not have >= columns:
            raise UnknownVersion(
                f"{db.name} says it is version {OLD_APP_VERSION}, but {table} lacks "
                f"{', '.join(sorted(columns - have))}: nothing was changed."
            )
    return f"{OLD_APP_VERSION:04d}"


def _known_revisions(conn: Connection) -> set[str]:
    from alembic.script import ScriptDirectory

    return {s.revision for s in ScriptDirectory.from_config(_config(conn)).walk_revisions()}


def _count(conn: Connection, table: str) -> int:
    found: int = conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()  # noqa: S608
    return found


def _quarantined(conn: Connection) -> dict[str, int]:
    rows = conn.exec_driver_sql("SELECT table_name, count(*) FROM quarantine GROUP BY table_name")
    return {name: count for name, count in rows}  # noqa: C416


def _verify(conn: Connection, had: dict[str, int]) -> None:
    """The last word before the commit: no member, week, pick or result is gone, and no reference leads nowhere."""
    for table, before in had.items():
        after = _count(conn, table)
        if after < before or (table != "weeks" and after != before):
            raise UpgradeFailed(f"{table} had {before} rows and would have {after}: nothing was changed.")
    if conn.dialect.name == "sqlite":
        broken = _foreign_key_problems(conn)
        if broken:
            raise UpgradeFailed("The upgrade was undone, nothing was changed: " + "; ".join(broken[:5]))


def _foreign_key_problems(conn: Connection) -> list[str]:
    rows = conn.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [f"{table} row {rowid} refers to a row of {parent} that is not there" for table, rowid, parent, _ in rows]


# --- check -----------------------------------------------------------------------------------------------------------


def check(db: Database) -> list[str]:
    """What is wrong with the database, one sentence each; an empty list when it is sound.

    Looks at the revision, the file itself, references, and whether tables, keys, checks, indexes and triggers are those
    of this release. Writes nothing.
    """
    try:
        db.require_current()
        with db.read() as conn:
            problems = _sqlite_problems(conn) if db.dialect == "sqlite" else schema_differences(conn)
            version = conn.execute(text("SELECT max(version) FROM schema_version")).scalar()
    except StorageError as error:
        return [str(error)]
    if version != OLD_APP_LAST:
        problems.append(f"schema_version ends at {version}, not {OLD_APP_LAST}: the old application would migrate")
    return problems


def _sqlite_problems(conn: Connection) -> list[str]:
    said = [str(s) for s in conn.exec_driver_sql("PRAGMA integrity_check").scalars()]
    problems = [f"the file is damaged: {s}" for s in said if s != "ok"]
    problems += _foreign_key_problems(conn)
    return problems + schema_differences(conn)


def schema_differences(conn: Connection) -> list[str]:
    """Where the database's tables, keys, checks, indexes and triggers differ from this release's."""
    found = _sqlite_differences(conn) if conn.dialect.name == "sqlite" else _alembic_differences(conn)
    left = conn.exec_driver_sql("SELECT who FROM authorship").scalars().all()
    return found + [f"authorship still names {w!r}: plain SQL would be taken for theirs; delete the row" for w in left]


def _sqlite_differences(conn: Connection) -> list[str]:
    wanted_engine = create_engine("sqlite://")
    with wanted_engine.connect() as fresh:
        metadata.create_all(fresh)
        wanted = _statements(fresh)
    wanted_engine.dispose()
    triggers = sqlite_triggers(metadata) | grade_triggers.expected("sqlite")
    wanted |= {f"trigger {n}": _plain(s) for n, s in triggers.items()}
    have = _statements(conn) | {f"trigger {n}": _plain(s) for n, s in installed(conn).items()}
    have.pop("table alembic_version", None)
    missing = [f"{name} is missing" for name in sorted(wanted.keys() - have.keys())]
    extra = [f"{name} is not ours" for name in sorted(have.keys() - wanted.keys())]
    other = [
        f"{name} differs: it is {have[name]}, not {wanted[name]}"
        for name in sorted(wanted.keys() & have.keys())
        if wanted[name] != have[name]
    ]
    return missing + extra + other


def _statements(conn: Connection) -> dict[str, str]:
    rows = conn.exec_driver_sql(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return {f"{kind} {name}": _plain(sql) for kind, name, sql in rows}


def _plain(sql: str) -> str:
    """A statement without what does not matter: white space and quotes."""
    return re.sub(r"\s*([(),])\s*", r"\1", " ".join(sql.replace('"', "").split()))


def _alembic_differences(conn: Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
        return not (kind == "table" and name == "alembic_version")

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    context = MigrationContext.configure(conn, opts=options)
    found = [str(d) for d in compare_metadata(context, metadata)]
    return found + _postgres_checks(conn) + _postgres_triggers(conn)


def _postgres_triggers(conn: Connection) -> list[str]:
    wanted, have = grade_triggers.expected("postgresql"), grade_triggers.installed(conn)
    return [
        f"trigger {name} is missing" if name not in have else f"trigger {name} is not ours"
        if name not in wanted else f"trigger {name} differs: it is {have[name]}, not {wanted[name]}"
        for name in sorted(wanted.keys() | have.keys())
        if have.get(name) != wanted.get(name)
    ]


def _postgres_checks(conn: Connection) -> list[str]:
    """Alembic does not compare CHECKs: compare their names."""
    from sqlalchemy import CheckConstraint

    rows = conn.exec_driver_sql(
        "SELECT conname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid "
        "WHERE contype = 'c' AND t.relnamespace = current_schema()::regnamespace"
    )
    have = set(rows.scalars())
    wanted = {
        str(c.name if str(c.name).startswith("ck_") else f"ck_{t.name}_{c.name}")
        for t in metadata.sorted_tables
        for c in t.constraints
        if isinstance(c, CheckConstraint)
    }
    missing = [f"check {name} is missing" for name in sorted(wanted - have)]
    return missing + [f"check {name} is not ours" for name in sorted(have - wanted)]
