"""Removing a pick, signed by who did it; a grade by others that goes with it needs a reason."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import GradeRefused, checked_author, checked_who, hold_results
from firsttd_pipeline.storage.picks import NoSuchPick, list_picks
from firsttd_pipeline.storage.schema import picks, results

_OTHERS = {"manual": " by hand", "external": " of another program"}
"""Grades that no run makes again."""


def remove_pick(db: Database, pick_id: int, *, by: str, why: str = "") -> dict[str, Any]:
    """Remove a pick and, with it, its grade; returns the row as `list_picks` gave it, so that it can be told.

    Args:
        by: the person who removes it.
        why: for everybody who asks later; may be empty where no grade but the pipeline's own goes with it.

    Raises:
        NoSuchPick: there is none.
        GradeRefused: nobody signs, or a grade by hand or of another program goes with it and no reason is given.
    """
    by, reason = checked_author(by, why) if why.strip() else (checked_who(by), None)
    found = list_picks(db, pick_id=pick_id)
    with db.write() as conn:
        hold_results(conn)
        graded_by = conn.execute(select(results.c.graded_by).where(results.c.pick_id == pick_id)).first()
        if graded_by is not None and graded_by[0] in _OTHERS and reason is None:
            whose = _OTHERS[graded_by[0]]
            raise GradeRefused(f"Pick {pick_id} has a grade{whose}, which goes with it: say why (--why REASON).")
        with signed(conn, by, why=reason):
            gone = conn.execute(delete(picks).where(picks.c.id == pick_id)).rowcount
    if not gone or found.is_empty():
        raise NoSuchPick(f"There is no pick {pick_id}.")
    return found.row(0, named=True)
