"""Who signs a change: the open transaction says it once, and the triggers write it beside every grade they record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import SQLAlchemyError

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

    Raises:
        ValueError: nobody is named.
    """
    if not who.strip():
        raise ValueError("a change is signed with a name")
    before = [dict(row) for row in conn.execute(authorship.select()).mappings()]
    _sign(conn, [{"who": who, "why": why, "run_id": run_id, "at": at}])
    try:
        yield
    except BaseException:
        # Somebody may go on in this transaction; where it is lost already, so is the signature.
        with suppress(SQLAlchemyError):
            _sign(conn, before)
        raise
    _sign(conn, before)


def _sign(conn: Connection, rows: list[dict[str, Any]]) -> None:
    conn.execute(delete(authorship))
    if rows:
        conn.execute(insert(authorship), rows)
