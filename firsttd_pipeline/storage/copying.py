"""Copying a whole league into an empty database: SQLite to PostgreSQL and back, ids, record and sequences included.

The source is read in one transaction, the target is made and filled in one. Every value is compared before the commit;
a target that holds anything, and a value that the target cannot hold, are refused and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    Table,
    delete,
    func,
    select,
)
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.storage import upgrade as upgrades
from firsttd_pipeline.storage.engine import Database, StorageError, make_engine, read_frame, table_names
from firsttd_pipeline.storage.migrations import HEAD_REVISION
from firsttd_pipeline.storage.schema import UtcDateTime, authorship, metadata, schema_version, sync_metadata
from firsttd_pipeline.storage.sync import as_json

BATCH = 20_000
"""Rows that are held at a time; tables whose key is a text are small and read whole."""
BATCH_OF_BODIES = 200
"""The same for tables that hold whole answers of a venue."""

COPIED: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table is not authorship)
"""Parents first. `authorship` is empty outside of a transaction."""

_OWN = ("database_id",)
"""Keys of sync_metadata that belong to one database and are not copied."""

_INT4, _INT8 = 2**31, 2**63

Progress = Callable[[str, int, int], None]
"""Told the table, the rows of all tables copied so far, and the rows of all tables."""


class CopyRefused(StorageError):
    """The league cannot be copied there as it is; nothing was written."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did.

    Attributes:
        rows: table and rows, in the order copied.
        created: whether the target had no tables before.
        left_out: tables of the source that are not the league's.
    """

    rows: tuple[tuple[str, int], ...]
    created: bool
    left_out: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Rows of all tables."""
        return sum(rows for _, rows in self.rows)


def copy_league(source: Database, target: Database, progress: Progress | None = None) -> Copied:
    """Copy everything that `source` holds into `target`, which is empty or freshly made by `db upgrade`.

    Tables are made by the same migrations; triggers are out of the way while rows are copied, so that no event is
    written twice. The target keeps an id of its own (`sync_metadata.database_id`). Instants lose what is below a
    second where the target is SQLite, whose form of them has none.

    Raises:
        CopyRefused: the target holds rows, is the source, or is at another revision; a value does not fit; a row
            refers to one that is not there. Nothing was written.
        StorageError: one of the two cannot be used (see its message).
    """
    source.require_current()
    _refuse_same_file(source, target)
    made = upgrades._make_room(target)
    try:
        with source.read() as old, target.translated():
            found = _copy(source, old, target, progress)
    except IntegrityError as error:
        raise CopyRefused(
            f"{target.name} refuses a row ({' '.join(str(error.orig).split())}): nothing was written. "
            "See `firsttd db check`."
        ) from error
    finally:
        if made:
            upgrades._forget_file(target)
    target.forget_check()
    target.require_current()
    return found


def _copy(source: Database, old: Connection, target: Database, progress: Progress | None) -> Copied:
    _refuse_broken_keys(source, old)
    for table in COPIED:
        _refuse_values(source, old, table)
    sizes = {table.name: _count(old, table) for table in COPIED}
    total = sum(sizes.values())
    # Foreign keys are checked in the source: SQLite's are off here, as for a migration.
    engine = make_engine(target.url, target.busy_timeout_s, foreign_keys=False)
    try:
        with target.begin(engine) as new:
            created = _make_tables(target, old, new)
            done = 0
            rows = []
            with _without_triggers(new):
                _refuse_rows(target, new)
                new.execute(delete(schema_version))
                for table in COPIED:
                    count = 0
                    for frame in _batches(old, table):
                        _write(new, table, frame)
                        _compare(new, table, _as_stored(frame, new))
                        count += frame.height
                        if progress is not None:
                            progress(table.name, done + count, total)
                    done += count
                    rows.append((table.name, count))
                    _continue_ids(old, new, table)
            _compare_counts(new, rows)
    finally:
        engine.dispose()
    ours = {*metadata.tables, "alembic_version"}
    return Copied(tuple(rows), created, tuple(sorted(table_names(old) - ours)))


# --- what is refused --------------------------------------------------------------------------------------------------


def _refuse_same_file(source: Database, target: Database) -> None:
    one, other = source.path, target.path
    if one is not None and other is not None and other.exists() and one.samefile(other):
        raise CopyRefused(f"{target.name} is the league's database itself: name another one to copy it to.")


def _refuse_broken_keys(source: Database, old: Connection) -> None:
    if source.dialect != "sqlite":
        return
    broken = upgrades._foreign_key_problems(old)
    if broken:
        raise CopyRefused(
            f"{source.name}: {broken[0]}"
            + (f" (and {len(broken) - 1} more)" if len(broken) > 1 else "")
            + ": nothing was copied. Mend it first: `firsttd db check` lists them all."
        )


def _make_tables(target: Database, old: Connection, new: Connection) -> bool:
    """The target at this release's revision: made now, or found fresh. True when it was made."""
    from alembic import command

    before = upgrades._recognise(target, new)
    if before is None:
        command.upgrade(upgrades._config(new), "head")
        return True
    if before != HEAD_REVISION:
        raise CopyRefused(
            f"{target.name} is at revision {before}, and a copy needs an empty database or one at {HEAD_REVISION}: "
            "it was not touched. Name an empty one."
        )
    if _database_id(old) == _database_id(new):
        raise CopyRefused(
            f"{target.name} is the league's database itself, or a copy of its file: name another one to copy it to."
        )
    return False


def _database_id(conn: Connection) -> str | None:
    found = conn.execute(select(sync_metadata.c.value).where(sync_metadata.c.key == "database_id")).scalar()
    return None if found is None else str(found)


def _refuse_rows(target: Database, new: Connection) -> None:
    counts = {table.name: _count(new, table) for table in COPIED if table is not schema_version}
    held = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    if held:
        raise CopyRefused(
            f"{target.name} is not empty (rows: {held}): a copy never overwrites, and it was not touched. "
            "Name an empty database."
        )


def _refuse_values(source: Database, old: Connection, table: Table) -> None:
    """SQLite's columns take any value; what is not of its column's type is named with its table, row and column."""
    if source.dialect != "sqlite":
        return
    quote = old.dialect.identifier_preparer.quote
    wrong = {column.name: _not_of_type(column, quote(column.name)) for column in table.columns}
    counts = old.exec_driver_sql(
        f"SELECT {', '.join(f'total({sql})' for sql in wrong.values())} FROM {quote(table.name)}"  # noqa: S608
    ).one()
    for column, count in zip(table.columns, counts, strict=True):
        if count:
            _refuse_first(source, old, table, column, wrong[column.name])


def _refuse_first(source: Database, old: Connection, table: Table, column: Column[Any], wrong: str) -> None:
    quote = old.dialect.identifier_preparer.quote
    key, name = quote(_key(table).name), quote(column.name)
    parsed = isinstance(column.type, UtcDateTime | Date)
    suspects = old.exec_driver_sql(
        f"SELECT quote({key}), typeof({name}), quote({name}), {key} FROM {quote(table.name)} "  # noqa: S608
        f"WHERE {wrong} ORDER BY {key}" + ("" if parsed else " LIMIT 1")
    )
    for row, kind, shown, identity in suspects:
        if parsed and kind == "text":
            # another way to write an instant is fine as long as it is one
            read = read_frame(old, select(column).where(_key(table) == identity))
            if read[column.name][0] is not None:
                continue
        raise _not_copied(source, table, column, row, f"{str(shown)[:60]} ({kind}) is no {_wanted(column)}")


def _not_copied(source: Database, table: Table, column: Column[Any], row: object, why: str) -> CopyRefused:
    return CopyRefused(
        f"{source.name}: {table.name}.{column.name} of the row {_key(table).name} = {row}: {why}. "
        "Nothing was copied: correct that value, then copy again."
    )


def _not_of_type(column: Column[Any], name: str) -> str:
    """SQL that is 1 where a SQLite value is not (or may not be) of its column's type; null is always fine."""
    kind = column.type
    if isinstance(kind, Boolean):
        fits = f"(typeof({name}) = 'integer' AND {name} IN (0, 1))"
    elif isinstance(kind, Integer):
        limit = _INT8 if isinstance(kind, BigInteger) else _INT4
        fits = f"(typeof({name}) = 'integer' AND {name} BETWEEN {-limit} AND {limit - 1})"
    elif isinstance(kind, Float):
        fits = f"(typeof({name}) IN ('real', 'integer') AND abs({name}) <= 1.7976931348623157e308)"
    elif isinstance(kind, Date):
        fits = f"(typeof({name}) = 'text' AND coalesce(date({name}, '+0 days') = {name}, 0))"
    elif isinstance(kind, UtcDateTime):
        fits = f"(typeof({name}) = 'text' AND coalesce(datetime({name}, '+0 days') = {name}, 0))"
    elif isinstance(kind, LargeBinary):
        fits = f"(typeof({name}) = 'blob')"
    else:
        fits = f"(typeof({name}) = 'text' AND instr(CAST({name} AS BLOB), x'00') = 0)"
    return f"({name} IS NOT NULL AND NOT {fits})"


def _wanted(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, Boolean):
        return "true or false (1 or 0)"
    if isinstance(kind, Integer):
        return "whole number of the column's size"
    if isinstance(kind, Float):
        return "finite number"
    if isinstance(kind, Date):
        return "date"
    if isinstance(kind, UtcDateTime):
        return "instant"
    if isinstance(kind, LargeBinary):
        return "BLOB"
    return "text without a NUL character"


# --- triggers and ids -------------------------------------------------------------------------------------------------


@contextmanager
def _without_triggers(conn: Connection) -> Iterator[None]:
    """Inside the transaction, no trigger fires: afterwards they stand again exactly as they were."""
    if conn.dialect.name == "sqlite":
        rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name").all()
        for name, _ in rows:
            conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
        yield
        for _, statement in rows:
            conn.exec_driver_sql(statement)
        return
    for table in COPIED:
        conn.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    yield
    for table in COPIED:
        conn.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")


def _continue_ids(old: Connection, new: Connection, table: Table) -> None:
    """An id is never used twice, not even that of a row long deleted: the target counts on where the source stands."""
    if "id" not in table.c or not isinstance(table.c.id.type, Integer):
        return
    last = _last_id(old, table)
    if last is None:
        return
    if new.dialect.name == "sqlite":
        new.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table.name,))
        new.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, last))
    else:
        new.exec_driver_sql("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (table.name, last))


def _last_id(conn: Connection, table: Table) -> int | None:
    if conn.dialect.name == "sqlite":
        given = conn.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar()
    else:
        sequence = conn.exec_driver_sql("SELECT pg_get_serial_sequence(%s, 'id')", (table.name,)).scalar_one()
        given = conn.exec_driver_sql(
            f"SELECT CASE WHEN is_called THEN last_value END FROM {sequence}"  # noqa: S608
        ).scalar()
    highest = conn.execute(select(func.max(table.c.id))).scalar()
    known = [int(found) for found in (given, highest) if found]
    return max(known, default=None)


# --- rows -------------------------------------------------------------------------------------------------------------


def _key(table: Table) -> Column[Any]:
    (key,) = table.primary_key.columns
    return key


def _rows_of(table: Table) -> Any:
    rows = select(table)
    return rows.where(table.c.key.not_in(_OWN)) if table is sync_metadata else rows


def _count(conn: Connection, table: Table) -> int:
    return int(conn.execute(select(func.count()).select_from(_rows_of(table).subquery())).scalar_one())


def _batches(conn: Connection, table: Table) -> Iterator[pl.DataFrame]:
    """The table's rows in the order of its key."""
    key = _key(table)
    rows = _rows_of(table).order_by(key)
    if not isinstance(key.type, Integer):
        frame = _read(conn, table, rows)
        if frame.height:
            yield frame
        return
    last: int | None = None
    most = BATCH_OF_BODIES if any(isinstance(column.type, LargeBinary) for column in table.columns) else BATCH
    while True:
        frame = _read(conn, table, (rows if last is None else rows.where(key > last)).limit(most))
        if frame.is_empty():
            return
        last = frame[key.name][-1]
        yield frame


def _read(conn: Connection, table: Table, statement: Any) -> pl.DataFrame:
    try:
        frame = read_frame(conn, statement)
    except Exception as error:  # the driver's own, from its fetch
        if "Could not decode to UTF-8" not in str(error):
            raise
        raise _undecodable(conn, table) from error
    for name, kind in frame.schema.items():
        if kind.is_float() and not frame[name].is_finite().all():
            row = frame.filter(~pl.col(name).is_finite())[_key(table).name][0]
            raise CopyRefused(
                f"{table.name}.{name} of the row {_key(table).name} = {row} is no finite number. "
                "Nothing was copied: correct that value, then copy again."
            )
    return frame


def _undecodable(conn: Connection, table: Table) -> CopyRefused:
    """Which text of the table is not UTF-8: read as bytes, looked at one by one."""
    raw: Any = conn.connection.driver_connection
    before, raw.text_factory = raw.text_factory, bytes
    try:
        quote = conn.dialect.identifier_preparer.quote
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                continue
            for identity, value in raw.execute(
                f"SELECT {quote(_key(table).name)}, {quote(column.name)} FROM {quote(table.name)}"  # noqa: S608
            ):
                try:
                    if isinstance(value, bytes):
                        value.decode()
                except UnicodeDecodeError:
                    row = identity.decode(errors="replace") if isinstance(identity, bytes) else identity
                    return CopyRefused(
                        f"{table.name}.{column.name} of the row {_key(table).name} = {row} is no UTF-8 text. "
                        "Nothing was copied: correct that value, then copy again."
                    )
    finally:
        raw.text_factory = before
    return CopyRefused(f"{table.name} holds a text that is not UTF-8: nothing was copied.")


def _as_stored(frame: pl.DataFrame, new: Connection) -> pl.DataFrame:
    """The frame as the target will read it: SQLite's instants are whole seconds."""
    if new.dialect.name != "sqlite":
        return frame
    return frame.with_columns(
        pl.col(name).dt.truncate("1s") for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)
    )


def _write(conn: Connection, table: Table, frame: pl.DataFrame) -> None:
    quote = conn.dialect.identifier_preparer.quote
    into = f"{quote(table.name)} ({', '.join(quote(name) for name in frame.columns)})"
    if conn.dialect.name == "sqlite":
        texts = [
            pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S" if isinstance(kind, pl.Datetime) else "%Y-%m-%d")
            for name, kind in frame.schema.items()
            if isinstance(kind, pl.Datetime | pl.Date)
        ]
        marks = ", ".join("?" * frame.width)
        conn.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", frame.with_columns(texts).rows())  # noqa: S608
        return
    columns = ", ".join(quote(name) for name in frame.columns)
    frame = frame.with_columns(
        (r"\x" + pl.col(name).bin.encode("hex")).alias(name)
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Binary)
    )
    source = f"json_populate_recordset(NULL::{quote(table.name)}, %s)"
    conn.exec_driver_sql(f"INSERT INTO {into} SELECT {columns} FROM {source}", (as_json(frame),))  # noqa: S608


# --- the comparison ---------------------------------------------------------------------------------------------------


def _compare(new: Connection, table: Table, expected: pl.DataFrame) -> None:
    key = _key(table)
    rows = _rows_of(table)
    if isinstance(key.type, Integer):
        rows = rows.where(key.between(expected[key.name].min(), expected[key.name].max()))
    there = read_frame(new, rows).sort(key.name)
    expected = expected.sort(key.name)
    if there.equals(expected):
        return
    if there.height != expected.height:
        raise CopyRefused(
            f"{table.name}: {expected.height} rows were given and {there.height} arrived. Nothing was written."
        )
    for name in expected.columns:
        differs = expected[name].ne_missing(there[name])
        if differs.any():
            row = expected.filter(differs)[key.name][0]
            raise CopyRefused(
                f"{table.name}.{name} of the row {key.name} = {row} did not arrive as it was. Nothing was written."
            )
    raise CopyRefused(f"{table.name} did not arrive as it was. Nothing was written.")


def _compare_counts(new: Connection, rows: list[tuple[str, int]]) -> None:
    for name, count in rows:
        there = _count(new, metadata.tables[name])
        if there != count:
            raise CopyRefused(f"{name}: {count} rows were copied and {there} are there. Nothing was written.")
