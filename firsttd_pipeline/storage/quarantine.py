"""Writes to `quarantine`: what could not be taken, whole, with the reason. What is fine again is resolved."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, insert, select, update

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
    """Keep a row that is about to be deleted, so that it can be put back as it was; its key is its id."""
    values = {
        "table_name": table_name,
        "season": season,
        "key": str(row["id"]),
        "reason": reason,
        "payload": json.dumps(dict(row), default=str, ensure_ascii=False, sort_keys=True),
        "source": table_name,
        "created_at": now,
    }
    conn.execute(insert(quarantine).values(values))
