"""Bringing a database to this release's revision, and saying what is wrong with one.

A fresh database and the old application's version 8 go through the same migrations, in one transaction. An SQLite file
that holds something is backed up first, and the upgrade is rehearsed on a copy of the backup; the file itself is only
touched in an exclusive transaction, and only while it still is what was rehearsed. Whatever is not ours is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from firsttd_pipeline.storage import grade_triggers, rehearsal
from firsttd_pipeline.storage.accounting import Before, Remembered, Rows, TableAccount, account
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
from firsttd_pipeline.storage.rehearsal import Backup
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline.storage.triggers import installed, sqlite_triggers
from firsttd_pipeline.storage.upgrade_report import DONE, DRY_RUN, REHEARSED, UpgradeReport, markdown, version_name

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
_FOLLOWED = frozenset(
    {
        "users",
        "weeks",
        "picks",
        "results",
        "pick_status",
        "result_events",
        "player_stats",
        "kickoff_decisions",
        "quarantine",
    }
)
"""Tables whose rows are accounted for on PostgreSQL too, where there is no backup to compare with."""
MOST_REHEARSALS = 5

Tell = Callable[[str], None]


class UnknownVersion(StorageError):
    """The old application's file is at a version that no migration starts from."""


class UpgradeFailed(StorageError):
    """A check before the commit failed; everything was rolled back."""


def head_revision() -> str:
    """The revision this release works with."""
    return HEAD_REVISION


def upgrade(
    db: Database,
    *,
    default_stake: float = 1.0,
    dry_run: bool = False,
    now: datetime | None = None,
    tell: Tell | None = None,
) -> UpgradeReport:
    """Create the database, or bring it to this release's revision; cheap when it is there already.

    An SQLite file that holds something is backed up into `backups/` beside it and rehearsed first; it is changed in one
    exclusive transaction, never replaced. Interrupted at any moment, it is as it was or completely upgraded.

    Args:
        db: the database.
        default_stake: units on a pick of a member without a base bet: what a loss costs.
        dry_run: stop after the rehearsal; the backup and the report stay. A fresh database is not created.
        now: an aware instant; None: now.
        tell: gets a sentence when a stage begins.

    Raises:
        NewerDatabase, UnknownVersion, ForeignDatabase: it is not ours to upgrade; it was not touched.
        UpgradeRefused, NotMendable, UpgradeFailed: its rows stand in the way; the message names them, nothing was
            changed.
        StorageError: locked, full, read-only, damaged or unreachable; nothing was changed.
    """
    now = now or datetime.now(UTC)
    say = tell or (lambda _: None)
    if dry_run and db.path is not None and not db.path.exists():
        return UpgradeReport(None, HEAD_REVISION, dry_run=True)
    created = _make_room(db)
    options = {"default_stake": default_stake, "now": now}
    try:
        with db.translated():
            if not created and _revision(db) == HEAD_REVISION:
                db.require_current()
                return UpgradeReport(HEAD_REVISION, HEAD_REVISION, dry_run=dry_run)
            with db.engine.connect() as conn:
                before = _recognise(db, conn)
            if db.path is None or before is None:
                report = _migrate(db, options, dry_run=dry_run)
            else:
                report = _with_rehearsal(db, db.path, options, dry_run=dry_run, now=now, say=say)
    except DBAPIError as error:
        if "decode to UTF-8" in str(error.orig):
            raise UpgradeFailed(f"{db.name} holds text that is not UTF-8: nothing was changed. {error.orig}") from error
        raise
    except BaseException:
        if created and db.path is not None:
            _forget_file(db)
        raise
    if not dry_run:
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


# --- a file with something in it: backup, rehearsal, and then the file itself ----------------------------------------


def _with_rehearsal(
    db: Database, path: Path, options: dict[str, Any], *, dry_run: bool, now: datetime, say: Tell
) -> UpgradeReport:
    with db.begin() as conn:  # can it be written at all? SQLite says so only to a statement that writes
        conn.exec_driver_sql("UPDATE schema_version SET version = version WHERE 1 = 0")
    rehearsal.require_room(path)
    with rehearsal.alone(path, db.busy_timeout_s):
        for attempt in range(1, MOST_REHEARSALS + 1):
            with db.engine.connect() as conn:
                before = _recognise(db, conn)
            if before == HEAD_REVISION:  # somebody else was faster
                return UpgradeReport(HEAD_REVISION, HEAD_REVISION, dry_run=dry_run)
            backup = rehearsal.back_up(path, _mark(before), now, db.busy_timeout_s)
            say(f"Backup of {path}: {backup.path} (verified)")
            try:
                report = replace(
                    _rehearse(db, backup, options),
                    backup=backup.path,
                    written=backup.report,
                    dry_run=dry_run,
                    rehearsals=attempt,
                )
                state = DRY_RUN if dry_run else REHEARSED
                rehearsal.write_report(backup, markdown(report, db.name, backup.digest, state, now))
            except BaseException:
                # the file is as it was: the backup would protect nothing
                rehearsal.remove(backup.path, backup.report)
                say("The rehearsal failed, so the file was not touched; the backup of it was removed again")
                raise
            finally:
                rehearsal.remove(backup.rehearsal)
            say(f"Rehearsed on a copy: from {version_name(before)} to {HEAD_REVISION}, every row accounted for")
            if dry_run:
                return report
            done = _for_real(db, backup, options)
            if done is not None:
                report = replace(done, backup=backup.path, written=backup.report, rehearsals=attempt)
                rehearsal.write_report(backup, markdown(report, db.name, backup.digest, DONE, now))
                return report
            again = "once more, with what it is now" if attempt < MOST_REHEARSALS else "once too often"
            say(f"The file was written meanwhile by another program: {again}")
            rehearsal.remove(backup.path, backup.report)
    raise UpgradeFailed(
        f"{db.name} was written by another program during each of {MOST_REHEARSALS} rehearsals: nothing was changed. "
        "Stop the old application, then try again."
    )


def _mark(revision: str | None) -> str:
    return f"v{OLD_APP_VERSION}" if revision == f"{OLD_APP_VERSION:04d}" else str(revision)


def _rehearse(db: Database, backup: Backup, options: dict[str, Any]) -> UpgradeReport:
    """The whole upgrade on a copy of the backup, committed there and checked."""
    rehearsal.copy_to_rehearse(backup, Path(db.name))
    engine = make_engine(_file(backup.rehearsal), db.busy_timeout_s, foreign_keys=False)
    try:
        with engine.connect() as conn:
            conn = conn.execution_options(firsttd_begin="IMMEDIATE")
            with conn.begin():
                report = _migrate_and_account(db, conn, backup, options)
        return report
    finally:
        engine.dispose()


def _for_real(db: Database, backup: Backup, options: dict[str, Any]) -> UpgradeReport | None:
    """The same on the file itself; None, and nothing changed, when it no longer is what was rehearsed."""
    engine = make_engine(db.url, db.busy_timeout_s, foreign_keys=False)
    try:
        with engine.connect() as conn:
            raw: Any = conn.connection.driver_connection
            raw.execute("PRAGMA synchronous = FULL")
            conn = conn.execution_options(firsttd_begin="EXCLUSIVE")
            with conn.begin() as transaction:
                if rehearsal.digest(raw) != backup.digest:
                    transaction.rollback()
                    return None
                return _migrate_and_account(db, conn, backup, options)
    finally:
        engine.dispose()


def _migrate_and_account(db: Database, conn: Connection, backup: Backup, options: dict[str, Any]) -> UpgradeReport:
    before = make_engine(_file(backup.path), db.busy_timeout_s)
    try:
        with before.connect() as old:
            report = _migrate_inside(db, conn, Rows(old), options)
    finally:
        before.dispose()
    damage = _damage(conn)
    if damage:
        raise UpgradeFailed("The upgrade was undone, nothing was changed: " + "; ".join(damage[:5]))
    return report


def _file(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


# --- the transaction -------------------------------------------------------------------------------------------------


class _Undone(Exception):
    """Ends the transaction of a dry run."""


def _migrate(db: Database, options: dict[str, Any], *, dry_run: bool) -> UpgradeReport:
    """A fresh database, or PostgreSQL: one transaction, no rehearsal."""
    # Foreign keys can only be turned off before a transaction begins; a connection of its own never had them on.
    engine = make_engine(db.url, db.busy_timeout_s, foreign_keys=False)
    report = None
    try:
        with db.begin(engine) as conn:
            before = Remembered(conn, _FOLLOWED) if db.path is None else Rows(conn)
            report = _migrate_inside(db, conn, before, options)
            if dry_run:
                raise _Undone
    except _Undone:
        assert report is not None
        return replace(report, dry_run=True)
    finally:
        engine.dispose()
    return report


def _migrate_inside(db: Database, conn: Connection, rows: Before, options: dict[str, Any]) -> UpgradeReport:
    from alembic import command

    config = _config(conn)
    before = _recognise(db, conn)
    if before == HEAD_REVISION:
        return UpgradeReport(before, before)
    tables = table_names(conn)
    config.attributes |= options | {
        "from_old_app": before == f"{OLD_APP_VERSION:04d}",
        "source_weeks": _ids(conn, "weeks") if before else set(),
    }
    if before == f"{OLD_APP_VERSION:04d}" and "alembic_version" not in tables:
        command.stamp(config, before)
    set_aside = _quarantined(conn) if "quarantine" in tables else {}
    newest = max(_ids(conn, "quarantine"), default=0) if "quarantine" in tables else 0
    command.upgrade(config, "head")
    accounts = account(rows, conn, newest) if before else []
    _verify(conn, accounts)
    now_aside = _quarantined(conn)
    fresh = {t: n - set_aside.get(t, 0) for t, n in now_aside.items() if n > set_aside.get(t, 0)}
    return UpgradeReport(
        before,
        HEAD_REVISION,
        tuple(_steps(config, before)),
        tuple(sorted(fresh.items())),
        tuple(accounts),
        tuple(config.attributes.get("mended", ())),
    )


def _steps(config: Config, before: str | None) -> Iterable[str]:
    """What each revision after `before` does, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = reversed(list(ScriptDirectory.from_config(config).walk_revisions()))
    return [str(script.doc) for script in scripts if int(script.revision) > int(before or 0)]


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


def _ids(conn: Connection, table: str) -> set[int]:
    return set(conn.exec_driver_sql(f"SELECT id FROM {table}").scalars())  # noqa: S608


def _quarantined(conn: Connection) -> dict[str, int]:
    rows = conn.exec_driver_sql("SELECT table_name, count(*) FROM quarantine GROUP BY table_name")
    return {name: count for name, count in rows}  # noqa: C416


def _verify(conn: Connection, accounts: Iterable[TableAccount]) -> None:
    """The last word before the commit: every row is where the account says, and no reference leads nowhere."""
    lost = [
        f"{len(a.lost)} of {a.before} rows of {a.table} would be lost ({', '.join(a.lost[:5])})"
        for a in accounts
        if a.lost
    ]
    if lost:
        raise UpgradeFailed("The upgrade was undone, nothing was changed: " + "; ".join(lost))
    if conn.dialect.name == "sqlite":
        broken = _foreign_key_problems(conn)
        if broken:
            raise UpgradeFailed("The upgrade was undone, nothing was changed: " + "; ".join(broken[:5]))


def _damage(conn: Connection) -> list[str]:
    said = [str(s) for s in conn.exec_driver_sql("PRAGMA integrity_check").scalars()]
    return [f"the file is damaged: {s}" for s in said if s != "ok"]


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
    return _damage(conn) + _foreign_key_problems(conn) + schema_differences(conn)


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
        f"trigger {name} is missing"
        if name not in have
        else f"trigger {name} is not ours"
        if name not in wanted
        else f"trigger {name} differs: it is {have[name]}, not {wanted[name]}"
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
