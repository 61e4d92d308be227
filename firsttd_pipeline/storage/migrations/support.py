"""What the version files share: frozen tables, rebuilding a table with its rows, stubs and quarantine.

On SQLite a table is rebuilt by carrying its rows through a temporary table, which is safe only while foreign keys are
off; `env.py` refuses to run otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from alembic import op
from sqlalchemy import Column, Connection, ForeignKeyConstraint, Integer, MetaData, Table, Text, func, text

from firsttd_pipeline.storage.engine import StorageError, table_names
from firsttd_pipeline.storage.schema import NAMING, UtcDateTime

AUTO: dict[str, Any] = {"sqlite_autoincrement": True}

_PARENTS: dict[str, dict[str, Any]] = {
    "users": {"id": Integer},
    "weeks": {"id": Integer, "season": Integer, "week": Integer},
    "games": {"id": Text},
    "picks": {"id": Integer},
    "rosters": {"id": Integer},
}

GAME_ID = re.compile(r"(?P<season>(?:19|20)\d\d)_(?P<week>\d\d)_(?P<away>[A-Z]{2,3})_(?P<home>[A-Z]{2,3})")


class UpgradeRefused(StorageError):
    """The database cannot be upgraded as it is; nothing was changed. The message says what to do."""


def frozen(*parents: str) -> MetaData:
    """A MetaData for one version file; `parents` are tables of earlier files that its foreign keys name."""
    metadata = MetaData(naming_convention=NAMING)
    for name in parents:
        Table(name, metadata, *[Column(c, kind) for c, kind in _PARENTS[name].items()])
    return metadata


Key = tuple[str, tuple[str, ...], tuple[str, ...], str | None]
"""A foreign key: table, columns, referred columns, what happens when the parent is deleted."""


def keys(given: Iterable[Key]) -> MetaData:
    """The tables of a revision, as far as their foreign keys go: what its triggers are made from."""
    columns: dict[str, list[str]] = {name: list(kinds) for name, kinds in _PARENTS.items()}
    foreign: dict[str, list[ForeignKeyConstraint]] = {}
    for table, key, refers, ondelete in given:
        columns.setdefault(table, ["id"]).extend(key)
        foreign.setdefault(table, []).append(ForeignKeyConstraint(list(key), list(refers), ondelete=ondelete))
    metadata = MetaData()
    for table, names in columns.items():
        Table(table, metadata, *[Column(c, Integer) for c in dict.fromkeys(names)], *foreign.get(table, []))
    return metadata


def ident() -> Column[int]:
    """A surrogate key."""
    return Column("id", Integer, primary_key=True, autoincrement=True)


def stamp(name: str) -> Column[Any]:
    """An instant that defaults to now."""
    return Column(name, UtcDateTime, server_default=func.current_timestamp())


def record(version: int, description: str) -> None:
    """Note the version where the old application looks, so that it never applies its own migrations."""
    statement = text("INSERT INTO schema_version (version, description) VALUES (:v, :d)")
    op.get_bind().execute(statement, {"v": version, "d": description})


def create(*tables: Table) -> None:
    """Create new tables with their indexes."""
    for table in tables:
        table.create(op.get_bind())


def rebuild(
    table: Table,
    values: Mapping[str, str] | None = None,
    *,
    valid: str | None = None,
    reason: str = "",
    key: tuple[str, ...] = ("id",),
) -> None:
    """Give a table its new form and keep its rows.

    Args:
        table: the new form; columns of the same name are copied.
        values: SQL for columns that are not copied as they are.
        valid: SQL condition over the old row, named `carried`; rows that fail it go whole into quarantine.
        reason: why they do.
        key: old columns that name a row in quarantine.
    """
    conn, name = op.get_bind(), table.name
    sequence = _sequence(conn, name)
    conn.exec_driver_sql(f"CREATE TEMPORARY TABLE carried AS SELECT * FROM {name}")  # noqa: S608
    old = list(conn.exec_driver_sql("SELECT * FROM carried LIMIT 0").keys())
    conn.exec_driver_sql(f"DROP TABLE {name}" + ("" if conn.dialect.name == "sqlite" else " CASCADE"))
    table.create(conn)
    copied = {c.name: c.name for c in table.columns if c.name in old} | dict(values or {})
    where = valid or "1 = 1"
    columns, sources = ", ".join(copied), ", ".join(copied.values())
    conn.exec_driver_sql(f"INSERT INTO {name} ({columns}) SELECT {sources} FROM carried WHERE {where}")  # noqa: S608
    refused = conn.exec_driver_sql(f"SELECT * FROM carried WHERE NOT coalesce(({where}), 1 = 0)")  # noqa: S608
    rows = [dict(r) for r in refused.mappings()]
    set_aside(name, rows, reason, key)
    before = conn.exec_driver_sql("SELECT count(*) FROM carried").scalar_one()
    after = conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one()  # noqa: S608
    if after + len(rows) != before:
        raise UpgradeRefused(f"{name} had {before} rows and would have {after}, {len(rows)} of them in quarantine")
    conn.exec_driver_sql("DROP TABLE carried")
    _restore_sequence(conn, table, sequence)


def _sequence(conn: Connection, name: str) -> int | None:
    if conn.dialect.name != "sqlite":
        return None
    if not conn.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").first():
        return None
    found: int | None = conn.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).scalar()
    return found


def _restore_sequence(conn: Connection, table: Table, sequence: int | None) -> None:
    """An id is never used twice, not even that of a row long deleted."""
    name = table.name
    if "id" not in table.c or not isinstance(table.c.id.type, Integer):
        return
    if conn.dialect.name == "sqlite":
        if sequence is not None:
            conn.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            conn.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, sequence))
    else:
        conn.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id)) FROM {name} HAVING max(id) IS NOT NULL"  # noqa: S608
        )


def set_aside(table: str, rows: list[dict[str, Any]], reason: str, key: tuple[str, ...] = ("id",)) -> None:
    """Keep rows whole in `quarantine`, where a later release or a person finds them."""
    if not rows:
        return
    entries = [
        {
            "t": table,
            "s": row.get("season"),
            "k": " ".join(str(row[c]) for c in key),
            "r": reason,
            "p": json.dumps(row, default=_as_text, ensure_ascii=False),
        }
        for row in rows
    ]
    statement = text(
        "INSERT INTO quarantine (table_name, season, key, reason, payload, source) "
        "VALUES (:t, :s, :k, :r, :p, 'legacy')"
    )
    op.get_bind().execute(statement, entries)


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def ensure_games() -> None:
    """A row in `games` (and in `weeks`) for every game id that a version 8 table names and that reads as one."""
    conn = op.get_bind()
    sources = [t for t in ("picks", "kickoff_decisions", "market_odds", "market_outcomes") if t in table_names(conn)]
    union = " UNION ".join(f"SELECT game_id FROM {t} WHERE game_id IS NOT NULL" for t in sources)  # noqa: S608
    known = set(conn.exec_driver_sql("SELECT id FROM games").scalars())
    weeks = {tuple(r) for r in conn.exec_driver_sql("SELECT season, week FROM weeks")}
    for game_id in sorted(str(g) for g in conn.exec_driver_sql(union).scalars()):
        parts = GAME_ID.fullmatch(game_id)
        if game_id in known or parts is None or parts["home"] == parts["away"]:
            continue
        row = {"i": game_id, "s": int(parts["season"]), "w": int(parts["week"]), "h": parts["home"], "a": parts["away"]}
        if (row["s"], row["w"]) not in weeks:
            conn.execute(text("INSERT INTO weeks (season, week) VALUES (:s, :w)"), row)
            weeks.add((row["s"], row["w"]))
        conn.execute(
            text(
                "INSERT INTO games (id, season, week, home_team, away_team, status, source) "
                "VALUES (:i, :s, :w, :h, :a, 'scheduled', 'legacy')"
            ),
            row,
        )
