"""Changes that the leaderboard does not show yet: `standings_queue`, filled by triggers, whoever changes a grade.

A row is there from the commit of its change until the commit of the leaderboard that shows it. The leaderboard's own
transaction deletes exactly the rows that it read before it computed; nothing compares ids with "the newest seen", so
transactions that commit in another order than they began lose nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import result_events, standings_queue, sync_metadata

_CHUNK = 500  # ids in one statement


@dataclass(frozen=True)
class Changes:
    """What waits of one season: how many changes, and the newest one's id."""

    season: int | None
    count: int
    newest: int


@dataclass(frozen=True)
class Queue:
    """What waits in the league's database, by season; `events` is how many changes were ever recorded."""

    database_id: str
    seasons: tuple[Changes, ...]
    events: int

    @property
    def count(self) -> int:
        """How many changes wait in all seasons together."""
        return sum(changes.count for changes in self.seasons)


def waiting(db: Database) -> Queue:
    """What the leaderboard does not show yet."""
    table = standings_queue.c
    with db.read() as conn:
        found = conn.execute(
            select(table.season, func.count(), func.max(table.id)).group_by(table.season).order_by(table.season)
        ).all()
        events = conn.execute(select(func.count()).select_from(result_events)).scalar_one()
        return Queue(database_id(conn), tuple(Changes(_season(s), n, newest) for s, n, newest in found), events)


def waiting_ids(conn: Connection, season: int) -> list[int]:
    """The ids of the season's changes that wait; read them before what is computed from, and give them to `applied`."""
    return list(conn.execute(select(standings_queue.c.id).where(standings_queue.c.season == season)).scalars())


def applied(conn: Connection, ids: list[int]) -> None:
    """Take these changes out, in the transaction that shows them."""
    for start in range(0, len(ids), _CHUNK):
        conn.execute(delete(standings_queue).where(standings_queue.c.id.in_(ids[start : start + _CHUNK])))


def database_id(conn: Connection) -> str:
    """The id that this league's database was given, so that two leagues in one Dagster home are two."""
    found = conn.execute(select(sync_metadata.c.value).where(sync_metadata.c.key == "database_id")).scalar()
    return str(found or "unnamed")


def _season(value: Any) -> int | None:
    """SQLite takes anything for a number: what is none is no season."""
    return value if isinstance(value, int) else None
