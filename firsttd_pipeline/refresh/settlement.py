"""Brings `pick_status`, and the money of grades by others, up to date with `results`, whoever wrote there.

The grades of the pipeline itself are `results.py`'s. Both it and `leaderboard.py` settle first, so that standings
follow a grade by hand or by another program without grading the season anew.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.grades import bring_in_line
from firsttd_pipeline.storage.season import Season


def settle(conn: Connection, of_season: Season, rules: RulePack, now: datetime, run_id: str | None = None) -> None:
    """Settle every pick of the season whose result is not the pipeline's, or is gone.

    A result by others gives its pick the status, points and stake of the league's rules, and its own `actual_return`
    is put right by the odds (one entered by hand stands). A pick whose result is gone while its status says decided is
    pending again: the next nightly run grades it.

    Args:
        conn: inside the caller's write transaction, in which `of_season` reads too.
        of_season: the season; it must not hold frames read before (`once`).
        rules: the league's rules.
        now: an aware instant.
        run_id: the Dagster run.
    """
    with signed(conn, "pipeline", run_id=run_id, at=now):
        bring_in_line(conn, of_season, rules, now)
