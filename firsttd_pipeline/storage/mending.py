"""The old application's facts that are plainly wrong, mended inside the upgrade's transaction, one named step each.

What needs rosters (names, teams, positions, statistics) stays as it is here: the next nightly run settles it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Mended:
    """What one step did.

    Attributes:
        step: its name, e.g. `week numbers`.
        table: the table concerned.
        what: one sentence for people.
        keys: the rows concerned, as text.
        outcome: corrected, merged, quarantined, flagged or pending.
    """

    step: str
    table: str
    what: str
    keys: tuple[str, ...]
    outcome: str


def mend(conn: Connection, *, default_stake: float) -> list[Mended]:
    """Run every step, in order; foreign keys are off here, and the triggers are installed."""
    return []
