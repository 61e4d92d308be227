"""How every asset writes: make the table's rows in a scope equal to a frame, and touch nothing that is already so.

The scope's rows are read, compared in polars and only differences are written, set-based, inside the caller's
transaction. What belongs into a partition is decided elsewhere; this module knows tables, not football.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any, Literal

import polars as pl
from sqlalchemy import Boolean, Column, ColumnElement, Connection, Integer, Table, UniqueConstraint, select
from sqlalchemy.sql import sqltypes

from firsttd_pipeline.storage.engine import polars_type, read_frame

_BATCH = 100
IGNORED = ("id", "created_at", "updated_at")


@dataclass
class Counts:
    """What a write did, in rows; `retired` counts rows deleted or marked, by what `missing` asked for.

    Attributes:
        inserted_rows: the new rows, as given.
        updated_rows: the changed rows as they are now, as given.
        before_rows: the same rows, in the same order, as they were.
        retired_rows: rows deleted or marked, as they were.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0
    inserted_rows: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    updated_rows: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    before_rows: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)
    retired_rows: pl.DataFrame = field(default_factory=pl.DataFrame, repr=False)

    @property
    def changed(self) -> int:
        """Rows written in any way."""
        return self.inserted + self.updated + self.retired


def sync_partition(
    conn: Connection,
    table: Table,
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    scope: ColumnElement[bool],
    missing: Literal["delete", "keep", "retire"],
    now: datetime,
    ignore: Iterable[str] = IGNORED,
) -> Counts:
    """Make the rows of `table` that satisfy `scope` equal to `rows`, matched by `key`.

    Args:
        conn: a connection inside the caller's transaction.
        table: a table of `schema.py` with one primary key column.
        rows: the rows as they should be; columns it does not name are left alone (inserts take their defaults).
        key: columns that identify a row; a null matches a null. `rows` must hold each key once.
        scope: which rows of the table `rows` speaks for; every row given must lie in it.
        missing: what becomes of rows in scope that `rows` does not have: deleted, kept, or marked with `retired_at`
            (which is cleared when the row comes back).
        now: written to `updated_at` of rows that change, and to `created_at` of new ones.
        ignore: columns that are no reason to write; where `rows` has them they are written along with a change.

    Raises:
        ValueError: a column the table does not have, a value its type cannot hold, or a key given twice.
        IntegrityError: the database refused a row; the caller's transaction rolls back.
    """
    plan = _Plan.of(conn, table, tuple(key), frozenset(ignore), missing, now)
    rows = plan.typed(rows)
    before = read_frame(conn, select(*[table.c[n] for n in plan.read_columns(rows)]).where(scope))
    if plan.same(rows, before):
        none = before.clear()
        return Counts(0, 0, rows.height, 0, rows.clear(), rows.clear(), none, none)
    before = before.with_row_index("__before")
    if any(table.c[k].nullable for k in key):
        matchable = before.unique(subset=list(key), keep="first", maintain_order=True)
    else:
        matchable = before

    compared = [c for c in rows.columns if c not in plan.key and c not in plan.ignore]
    joined = rows.join(
        matchable.rename({c: f"{c}__before" for c in before.columns if c not in plan.key and c != "__before"}),
        on=list(key),
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    same = pl.lit(True)
    if compared:
        same = pl.all_horizontal([pl.col(c).eq_missing(pl.col(f"{c}__before")) for c in compared])
    verdict = joined.select(
        "__before",
        new=pl.col("__before").is_null(),
        changed=pl.col("__before").is_not_null() & ~same,
    )
    gone = before.filter(~pl.col("__before").is_in(verdict["__before"].drop_nulls().implode()))
    if missing == "keep":
        gone = gone.clear()
    elif missing == "retire":
        gone = gone.filter(pl.col("retired_at").is_null())
    updated = rows.filter(verdict["changed"])
    was = before[verdict.filter("changed")["__before"]] if updated.height else before.clear()
    inserted = rows.filter(verdict["new"])

    plan.remove(gone)
    plan.update(updated, was)
    plan.insert(inserted)
    shown = [c for c in before.columns if c != "__before"]
    return Counts(
        inserted=inserted.height,
        updated=updated.height,
        unchanged=rows.height - inserted.height - updated.height,
        retired=gone.height,
        inserted_rows=inserted,
        updated_rows=updated,
        before_rows=was.select(shown),
        retired_rows=gone.select(shown),
    )


@dataclass(frozen=True)
class _Plan:
    """The statements of one call, in the order that lets unique values change hands: remove, update, insert."""

    conn: Connection
    table: Table
    key: tuple[str, ...]
    ignore: frozenset[str]
    missing: str
    now: datetime
    pk: str
    sqlite: bool

    @classmethod
    def of(
        cls, conn: Connection, table: Table, key: tuple[str, ...], ignore: frozenset[str], missing: str, now: datetime
    ) -> _Plan:
        if now.tzinfo is None:
            raise ValueError("now must be an aware datetime")
        (pk,) = [c.name for c in table.primary_key.columns]
        unknown = [c for c in key if c not in table.c]
        if unknown or not key:
            raise ValueError(f"{table.name}: no such key column {unknown}")
        if missing == "retire" and "retired_at" not in table.c:
            raise ValueError(f"{table.name} has no column retired_at: its rows cannot be retired")
        now = now.astimezone(UTC)
        return cls(conn, table, key, ignore, missing, now, pk, conn.dialect.name == "sqlite")

    def typed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The frame in the table's types, and refused where it cannot be."""
        unknown = [c for c in rows.columns if c not in self.table.c]
        absent = [k for k in self.key if k not in rows.columns]
        if unknown or absent:
            raise ValueError(
                f"{self.table.name}: columns {unknown} are not in the table, key columns {absent} not given"
            )
        if self.pk not in self.key and self.pk in rows.columns and self.pk in self.ignore:
            rows = rows.drop(self.pk)
        if self.missing == "retire" and "retired_at" not in rows.columns:
            rows = rows.with_columns(retired_at=None)
        typed = pl.DataFrame([self._typed_column(rows[c], self.table.c[c]) for c in rows.columns])
        keys = typed.select(self.key)
        if keys.height > 1 and keys.is_duplicated().any():
            example = typed.filter(keys.is_duplicated()).head(1).select(self.key).row(0)
            raise ValueError(f"{self.table.name}: the key {self.key} = {example} is given more than once")
        return typed

    def _typed_column(self, values: pl.Series, column: Column[Any]) -> pl.Series:
        kind = polars_type(column.type)
        given = values.dtype
        if isinstance(given, pl.Datetime) and isinstance(kind, pl.Datetime):
            if given.time_zone is None and values.null_count() < values.len():
                raise ValueError(f"{self.table.name}.{column.name}: naive instants; give aware ones")
            values = (
                values.dt.replace_time_zone("UTC") if given.time_zone is None else values.dt.convert_time_zone("UTC")
            )
            values = values.cast(kind)
            return values.dt.truncate("1s") if self.sqlite else values
        if isinstance(kind, pl.Int64) and given.is_float():
            whole = values.is_null() | (values == values.floor())
            if not whole.all():
                raise ValueError(f"{self.table.name}.{column.name}: {values.filter(~whole)[0]} is no whole number")
        if kind is not None and given != kind:
            try:
                values = values.cast(kind)
            except pl.exceptions.PolarsError as error:
                raise ValueError(f"{self.table.name}.{column.name}: {error}") from error
        if values.dtype.is_float():
            values = values.fill_nan(None)
            if values.is_infinite().any():
                raise ValueError(f"{self.table.name}.{column.name}: an infinite number")
        return values

    def same(self, rows: pl.DataFrame, before: pl.DataFrame) -> bool:
        """Whether both hold the same rows, whatever their order: most tables on most nights, told without a join."""
        if rows.height != before.height:
            return False
        compared = [c for c in rows.columns if c in self.key or c not in self.ignore]
        given, there = (f.lazy().select(compared).sort(self.key).collect() for f in (rows, before))
        return given.equals(there)

    def read_columns(self, rows: pl.DataFrame) -> list[str]:
        """What has to be read to compare `rows`: their columns, and the primary key."""
        return list(dict.fromkeys([self.pk, *rows.columns]))

    # --- writing ------------------------------------------------------------------------------------------------------

    def remove(self, gone: pl.DataFrame) -> None:
        if gone.is_empty():
            return
        name, pk = self._quoted(self.table.name), self._quoted(self.pk)
        if self.missing == "delete":
            self._each(f"DELETE FROM {name} WHERE {pk} = ", gone[self.pk])  # noqa: S608
            return
        sets = {"retired_at": self.now}
        if "updated_at" in self.table.c:
            sets["updated_at"] = self.now
        marked = gone.select(self.pk).with_columns(**{n: pl.lit(v) for n, v in sets.items()})
        self._set(marked, list(sets))

    def update(self, updated: pl.DataFrame, was: pl.DataFrame) -> None:
        if updated.is_empty():
            return
        parked = self._park(updated, was)
        differs = {c for c in updated.columns if c in self.ignore or updated[c].ne_missing(was[c]).any()}
        columns = [c for c in updated.columns if c in differs | parked and c not in self.key and c != "created_at"]
        if "updated_at" in self.table.c and "updated_at" not in updated.columns:
            updated = updated.with_columns(updated_at=pl.lit(self.now))
            columns.append("updated_at")
        if self.pk not in self.key:
            updated = updated.with_columns(was[self.pk])
        self._set(updated.select([*columns, self.pk]), columns)

    def insert(self, inserted: pl.DataFrame) -> None:
        if inserted.is_empty():
            return
        stamps = [n for n in ("created_at", "updated_at") if n in self.table.c and n not in inserted.columns]
        inserted = inserted.with_columns(**{n: pl.lit(self.now) for n in stamps})
        insert_frame(self.conn, self.table, inserted)

    def _park(self, updated: pl.DataFrame, was: pl.DataFrame) -> set[str]:
        """Move rows off the unique values they give up, so that two rows can swap theirs; returns the columns used."""
        parked = set()
        ids = updated[self.pk] if self.pk in self.key else was[self.pk]
        for columns in _uniques(self.table):
            changing = [c for c in columns if c in updated.columns and c not in self.key]
            parking = next((c for c in changing if not self.table.c[c].foreign_keys), None)
            if parking is None:
                continue
            moved = updated.select(pl.any_horizontal([pl.col(c).ne_missing(was[c]) for c in changing])).to_series()
            if not moved.any():
                continue
            column, pk = self.table.c[parking], self._quoted(self.pk)
            if isinstance(column.type, Boolean):
                value = "false"
            elif column.nullable:
                value = "NULL"
            else:
                value = f"-{pk}" if isinstance(column.type, Integer) else f"'~' || {pk}"
            name, place = self._quoted(self.table.name), self._quoted(parking)
            self._each(f"UPDATE {name} SET {place} = {value} WHERE {pk} = ", ids.filter(moved))  # noqa: S608
            parked.add(parking)
        return parked

    def _set(self, rows: pl.DataFrame, columns: list[str]) -> None:
        name, pk = self._quoted(self.table.name), self._quoted(self.pk)
        if self.sqlite:
            sets = ", ".join(f"{self._quoted(c)} = ?" for c in columns)
            values = _sqlite_rows(rows.select([*columns, self.pk]))
            self.conn.exec_driver_sql(f"UPDATE {name} SET {sets} WHERE {pk} = ?", values)  # noqa: S608
        else:
            sets = ", ".join(f"{self._quoted(c)} = v.{self._quoted(c)}" for c in columns)
            source = f"json_populate_recordset(NULL::{name}, %s) AS v"
            statement = f"UPDATE {name} SET {sets} FROM {source} WHERE {name}.{pk} = v.{pk}"  # noqa: S608
            self.conn.exec_driver_sql(statement, (as_json(rows),))

    def _each(self, statement: str, ids: pl.Series) -> None:
        if self.sqlite:
            self.conn.exec_driver_sql(statement + "?", [(i,) for i in ids])
        else:
            self.conn.exec_driver_sql(statement + "ANY(%s)", (ids.to_list(),))

    def _quoted(self, name: str) -> str:
        return self.conn.dialect.identifier_preparer.quote(name)


def insert_frame(conn: Connection, table: Table, rows: pl.DataFrame, *, unless_there: Sequence[str] = ()) -> int:
    """Insert rows that have the table's types; how many were new.

    `unless_there`: a unique key; rows that the table has already are left as they are there.
    """
    if rows.is_empty():
        return 0
    quote = conn.dialect.identifier_preparer.quote
    name, columns = quote(table.name), ", ".join(quote(c) for c in rows.columns)
    otherwise = f" ON CONFLICT ({', '.join(quote(c) for c in unless_there)}) DO NOTHING" if unless_there else ""
    if conn.dialect.name != "sqlite":
        source = f"SELECT {columns} FROM json_populate_recordset(NULL::{name}, %s)"  # noqa: S608
        done = conn.exec_driver_sql(f"INSERT INTO {name} ({columns}) {source}{otherwise}", (as_json(rows),))
        return done.rowcount
    # Where a table has triggers SQLite sets up an undo journal per statement: many rows in each cost a third.
    values, one, new = _sqlite_rows(rows), f"({', '.join('?' * rows.width)})", 0
    for part in (values[i : i + _BATCH] for i in range(0, len(values), _BATCH)):
        statement = f"INSERT INTO {name} ({columns}) VALUES {', '.join([one] * len(part))}{otherwise}"  # noqa: S608
        new += conn.exec_driver_sql(statement, tuple(chain.from_iterable(part))).rowcount
    return new


def _sqlite_rows(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    texts = [
        pl.col(c).dt.strftime("%Y-%m-%d %H:%M:%S" if isinstance(kind, pl.Datetime) else "%Y-%m-%d")
        for c, kind in rows.schema.items()
        if isinstance(kind, pl.Datetime | pl.Date)
    ]
    return rows.with_columns(texts).rows()


def as_json(rows: pl.DataFrame) -> str:
    """Rows as one JSON array: PostgreSQL reads it faster than the driver can bind a list per column."""
    instants = [
        pl.col(c).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00")
        for c, k in rows.schema.items()
        if isinstance(k, pl.Datetime)
    ]
    return rows.with_columns(instants).write_json()


@cache
def _uniques(table: Table) -> tuple[tuple[str, ...], ...]:
    """The columns of each unique key (those of a partial index's condition too), easiest to park first."""

    def rank(name: str) -> tuple[bool, bool, bool, str]:
        column = table.c[name]
        is_text = isinstance(column.type, sqltypes.String)
        return (not isinstance(column.type, Boolean), not column.nullable, not is_text, name)

    found = [{c.name for c in u.columns} for u in table.constraints if isinstance(u, UniqueConstraint)]
    for index in table.indexes:
        if index.unique:
            where = index.dialect_options["sqlite"]["where"]
            mentioned = set() if where is None else set(re.findall(r"\w+", str(where)))
            found.append({c.name for c in index.columns} | (mentioned & set(table.c.keys())))
    return tuple(tuple(sorted(names, key=rank)) for names in found)
