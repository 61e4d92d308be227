"""Where every row of a database went in its upgrade: kept, merged, quarantined, added; anything else is lost.

Rows are followed by primary key, one table at a time, from the rows before (a backup, or what was read inside the
transaction) to the rows now. This module only reads and counts; what a loss means is the upgrade's to say.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, inspect

from firsttd_pipeline.storage.engine import table_names
from firsttd_pipeline.storage.mending import MERGED

LEFT_OUT = frozenset({"alembic_version"})
_GROUPS = 6
"""How many different changes of one column are told one by one."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """The same change of one column in several kept rows; `old` and `new` are for people, `…` for further ones."""

    column: str
    old: str
    new: str
    rows: int


@dataclass(frozen=True, slots=True)
class TableAccount:
    """What became of the rows that one table had.

    Attributes:
        table: its name.
        before: rows before; they are kept + merged + quarantined + lost.
        kept: rows whose key is in the table still.
        merged: rows whose facts live on in another row, which quarantine names.
        quarantined: rows that are in quarantine instead, whole.
        lost: keys of rows that are in none of these places.
        added: rows that are new.
        changes: values that changed in kept rows.
        reasons: of merged and quarantined rows, with their number.
    """

    table: str
    before: int
    kept: int
    merged: int = 0
    quarantined: int = 0
    lost: tuple[str, ...] = ()
    added: int = 0
    changes: tuple[Change, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()

    @property
    def after(self) -> int:
        """Rows now."""
        return self.kept + self.added


@dataclass(frozen=True, slots=True)
class Table:
    """A table: column names, the primary key's columns (none: the whole row is its key), the rows, read when asked."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: Iterable[Sequence[Any]]


class Before(Protocol):
    """The rows as they were."""

    def tables(self) -> list[str]:
        """Names of the tables, sorted."""
        ...

    def table(self, name: str) -> Table:
        """The rows of one table."""
        ...


class _Query:
    """The rows of a select, read anew each time."""

    def __init__(self, conn: Connection, sql: str) -> None:
        self.conn, self.sql = conn, sql

    def __iter__(self) -> Iterator[Sequence[Any]]:
        for row in self.conn.exec_driver_sql(self.sql):
            yield tuple(row)


class Rows:
    """The rows of a database as a connection sees them."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn

    def tables(self) -> list[str]:
        """Names of the tables, sorted, without what is not the league's."""
        return sorted(table_names(self.conn) - LEFT_OUT)

    def table(self, name: str) -> Table:
        """The rows of one table, by key."""
        key = tuple(inspect(self.conn).get_pk_constraint(name)["constrained_columns"])
        order = f" ORDER BY {', '.join(_quoted(k) for k in key)}" if key else ""
        columns = tuple(self.conn.exec_driver_sql(f"SELECT * FROM {_quoted(name)} LIMIT 0").keys())  # noqa: S608
        return Table(columns, key, _Query(self.conn, f"SELECT * FROM {_quoted(name)}{order}"))  # noqa: S608


class Remembered:
    """The rows of some tables, read now and kept in memory: what PostgreSQL has instead of a backup."""

    def __init__(self, conn: Connection, wanted: Iterable[str]) -> None:
        rows = Rows(conn)
        self._tables: dict[str, Table] = {}
        for name in sorted(set(wanted) & set(rows.tables())):
            found = rows.table(name)
            self._tables[name] = Table(found.columns, found.key, list(found.rows))

    def tables(self) -> list[str]:
        """Names of the tables, sorted."""
        return list(self._tables)

    def table(self, name: str) -> Table:
        """The rows of one table."""
        return self._tables[name]


def account(before: Before, conn: Connection, set_aside_before: int) -> list[TableAccount]:
    """One account per table that was there.

    Args:
        before: the rows as they were.
        conn: sees the rows as they are now.
        set_aside_before: the highest id in quarantine before.
    """
    now = Rows(conn)
    there = set(now.tables())
    aside = _set_aside(conn, set_aside_before)
    accounts = []
    for name in before.tables():
        old = before.table(name)
        new = now.table(name) if name in there else Table(old.columns, old.key, ())
        same = _unchanged(old, new) if old.columns == new.columns else None
        accounts.append(
            _account(name, old, new, aside.get(name, [])) if same is None else TableAccount(name, same, same)
        )
    return accounts


def _unchanged(old: Table, new: Table) -> int | None:
    """The number of rows where a table is as it was; None where it is not. Large tables are not kept in memory."""
    counts, hashes = [], []
    for table in (old, new):
        seen, count = hashlib.sha256(), 0
        for row in table.rows:
            seen.update(repr(row).encode("utf-8", "surrogatepass"))
            count += 1
        counts.append(count)
        hashes.append(seen.digest())
    return counts[0] if counts[0] == counts[1] and hashes[0] == hashes[1] else None


def _account(name: str, old: Table, new: Table, aside: list[tuple[dict[str, Any], str, bool]]) -> TableAccount:
    had = dict(_keyed(old))
    common = [column for column in old.columns if column in new.columns]
    was = [old.columns.index(column) for column in common]
    is_now = [new.columns.index(column) for column in common]
    changed: Counter[tuple[str, str, str]] = Counter()
    standing: set[Key] = set()
    added = 0
    for key, row in _keyed(new, old.key):
        if key not in had:
            added += 1
            continue
        standing.add(key)
        before = had[key]
        for column, a, b in zip(common, was, is_now, strict=True):
            if before[a] != row[b]:
                changed[column, _shown(before[a]), _shown(row[b])] += 1
    gone = {key: row for key, row in had.items() if key not in standing}
    merged = quarantined = 0
    reasons: Counter[str] = Counter()
    for payload, reason, is_merged in aside:
        key = tuple(payload.get(column) for column in old.key)
        if old.key and gone.pop(key, None) is not None:
            reasons[reason] += 1
            merged += is_merged
            quarantined += not is_merged
    return TableAccount(
        name,
        len(had),
        len(standing),
        merged,
        quarantined,
        tuple(" ".join(str(part) for part in key) for key in gone),
        added,
        tuple(_grouped(changed)),
        tuple(sorted(reasons.items())),
    )


def _keyed(table: Table, key: tuple[str, ...] | None = None) -> Iterator[tuple[Key, Sequence[Any]]]:
    places = [table.columns.index(column) for column in (table.key if key is None else key) if column in table.columns]
    seen: Counter[Key] = Counter()
    for row in table.rows:
        if places:
            yield tuple(row[place] for place in places), row
        else:  # without a key a row is known by all of itself, and by how often it was there already
            whole = tuple(row)
            seen[whole] += 1
            yield (*whole, seen[whole]), row


def _grouped(changed: Mapping[tuple[str, str, str], int]) -> Iterator[Change]:
    columns = dict.fromkeys(column for column, _, _ in changed)
    for column in columns:
        kinds = sorted(((n, old, new) for (c, old, new), n in changed.items() if c == column), reverse=True)
        for n, old, new in kinds[:_GROUPS]:
            yield Change(column, old, new, n)
        if kinds[_GROUPS:]:
            yield Change(column, "…", "…", sum(n for n, _, _ in kinds[_GROUPS:]))


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bytes):
        return f"BLOB {value.hex()}"
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _set_aside(conn: Connection, after: int) -> dict[str, list[tuple[dict[str, Any], str, bool]]]:
    """By table: the rows that quarantine has taken since, their reason, and whether they were merged."""
    rows = conn.exec_driver_sql(
        f"SELECT table_name, payload, reason, resolution FROM quarantine WHERE id > {int(after)} ORDER BY id"  # noqa: S608
    )
    found: dict[str, list[tuple[dict[str, Any], str, bool]]] = {}
    for table, payload, reason, resolution in rows:
        is_merged = str(resolution or "").startswith(MERGED)
        found.setdefault(table, []).append((json.loads(payload), reason, is_merged))
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
