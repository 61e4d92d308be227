"""Reads of the record: what happened to the season's picks and grades, event by event, up to an instant.

What the events come to is decided in `domain/replay.py`; they are written by the triggers of `grade_triggers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, select

from firsttd_pipeline.storage.schema import result_events


def last_event(conn: Connection) -> int:
    """The newest id of `result_events`; 0 where there is none."""
    return int(conn.execute(select(func.coalesce(func.max(result_events.c.id), 0))).scalar_one())


def events_after(conn: Connection, season: int, event_id: int, changed_by: str = "pipeline") -> list[Mapping[str, Any]]:
    """The season's `result_events` newer than an id that `changed_by` signed, oldest first."""
    table = result_events
    query = (
        select(table)
        .where(table.c.season == season, table.c.id > event_id, table.c.changed_by == changed_by)
        .order_by(table.c.id)
    )
    return [dict(row) for row in conn.execute(query).mappings()]
