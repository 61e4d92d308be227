"""Who signs a change: the open transaction says it once, and the triggers write it beside every grade they record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, delete, insert

from firsttd_pipeline.storage.schema import authorship


@contextmanager
def signed(
    conn: Connection, who: str, *, why: str | None = None, run_id: str | None = None, at: datetime | None = None
) -> Iterator[None]:
    """What the block writes to picks, results and pick_status is signed by `who`.

    A write without a signature is another program's plain SQL: a grade it changes becomes `external`, and a pick it
    retypes has to be understood again. The signature never outlives the transaction: nobody else sees it.

    Args:
        conn: inside a write transaction. Not nested: the inner signature replaces the outer one until its block ends.
        who: `pipeline`, `upgrade`, or a person.
        why: for people.
        run_id: the Dagster run.
        at: the writer's clock; None: the database's.
    """
    before = conn.execute(authorship.select()).mappings().all()
    conn.execute(delete(authorship))
    conn.execute(insert(authorship), {"who": who, "why": why, "run_id": run_id, "at": at})
    yield
    conn.execute(delete(authorship))
    if before:
        conn.execute(insert(authorship), [dict(row) for row in before])
