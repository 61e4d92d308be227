"""Writes to `quarantine`: what could not be taken, whole, with the reason. What is fine again is resolved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, Text, cast, insert, select, update

from firsttd_pipeline.storage.schema import quarantine


def set_aside(
    conn: Connection,
    table_name: str,
    season: int,
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    reason: str,
    source: str,
    now: datetime,
) -> int:
    """Keep the rows that one source gave and `table_name` could not take; returns how many stand there now.

    The same row twice is kept once. Rows with this reason that the source no longer gives are marked resolved.
    """
    open_rows = conn.execute(
        select(quarantine.c.id, quarantine.c.key).where(
            quarantine.c.table_name == table_name,
            quarantine.c.season == season,
            quarantine.c.reason == reason,
            quarantine.c.resolved_at.is_(None),
        )
    ).all()
    standing = {row.key: row.id for row in open_rows}
    wanted: dict[str, dict[str, Any]] = {}
    for row in rows.iter_rows(named=True):
        name = " | ".join("" if row[column] is None else str(row[column]) for column in key)
        wanted.setdefault(name, row)
    new = [
        {
            "table_name": table_name,
            "season": season,
            "key": name,
            "reason": reason,
            "payload": json.dumps(row, default=str, ensure_ascii=False, sort_keys=True),
            "source": source,
            "created_at": now,
        }
        for name, row in wanted.items()
        if name not in standing
    ]
    if new:
        conn.execute(insert(quarantine), new)
    gone = [identity for name, identity in standing.items() if name not in wanted]
    if gone:
        conn.execute(update(quarantine).where(quarantine.c.id.in_(gone)).values(resolved_at=now))
    return len(wanted)


def keep_whole(
    conn: Connection, table_name: str, season: int | None, row: Mapping[str, Any], *, reason: str, now: datetime
) -> None:
    """Keep a row that is about to be deleted, so that it can be put back as it was; its key is its id.

    What stands there already, open and the same, is not kept twice.
    """
    values = {
        "table_name": table_name,
        "season": season,
        "key": str(row["id"]),
        "reason": reason,
        "payload": json.dumps(dict(row), default=str, ensure_ascii=False, sort_keys=True),
        "source": table_name,
        "created_at": now,
    }
    same = [quarantine.c[name] == values[name] for name in ("table_name", "key", "reason", "payload")]
    if conn.execute(select(quarantine.c.id).where(*same, quarantine.c.resolved_at.is_(None))).first() is None:
        conn.execute(insert(quarantine).values(values))


SECOND_SPELLING: Final = "second spelling of pick "
"""How the reason begins of a pick that the member has already, typed otherwise."""


def second_spelling(conn: Connection, pick_id: int) -> str | None:
    """Why a pick is set aside as a second spelling; None: it is not, or it is back."""
    query = select(quarantine.c.reason).where(
        quarantine.c.table_name == "picks", quarantine.c.key == str(pick_id), *_open_second_spellings()
    )
    reason: str | None = conn.execute(query.order_by(quarantine.c.id.desc()).limit(1)).scalar()
    return reason


def resolve_put_back(conn: Connection, tables: Sequence[Table], now: datetime) -> None:
    """Mark the second spellings, and what hung on them, as resolved whose rows are in their tables again."""
    for table in tables:
        there = select(cast(table.c.id, Text))
        conn.execute(
            update(quarantine)
            .where(quarantine.c.table_name == table.name, quarantine.c.key.in_(there), *_open_second_spellings())
            .values(resolved_at=now, resolution="put back")
        )


def _open_second_spellings() -> tuple[ColumnElement[bool], ...]:
    return quarantine.c.reason.startswith(SECOND_SPELLING), quarantine.c.resolved_at.is_(None)
