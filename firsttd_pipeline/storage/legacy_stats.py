"""The old application's player_stats, whole in `quarantine` since the upgrade: settled once a season has rosters.

A row that means one player merges into his row, which is computed from plays; the others stay open with the reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, bindparam, select, update

from firsttd_pipeline.domain.legacy_stats import CORRECTIONS, Names, OldRow, Settled
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import picks, quarantine, roster_weeks, weeks

_MERGED = re.compile(r"merged into player (\S+) ")


@dataclass(frozen=True, slots=True)
class OldRows:
    """Where the old application's rows of a season stand.

    Attributes:
        total: rows there are, settled or not.
        players: players that rows were mapped to.
        merged: rows beyond the first of a player.
        open: rows that mean nobody, or more than one.
        settled: rows that this call settled.
        corrected: what was not right in them, by kind.
        why_open: why rows are open: `ambiguous` or `nobody of that name`, with their number.
    """

    total: int
    players: int
    merged: int
    open: int
    settled: int
    corrected: dict[str, int]
    why_open: dict[str, int]

    def sentences(self, season: int) -> list[str]:
        """For the operator: the sum, what was corrected now, what is open and where to look."""
        found = [
            f"{self.total} old rows of player_stats: {self.players} mapped to a player, {self.merged} merged into one "
            f"that had a row already, {self.open} open"
        ]
        if self.corrected:
            told = ", ".join(f"{kind} {count}" for kind, count in self.corrected.items())
            found.append(f"{self.settled} of them settled now; not right in them: {told}")
        if self.open:
            why = ", ".join(f"{reason} {count}" for reason, count in sorted(self.why_open.items()))
            found.append(f"Open old rows ({why}) stay whole in quarantine: `resolution` says why each, season {season}")
        return found


def settle_old_rows(conn: Connection, season: int, rosters: pl.DataFrame, now: datetime) -> OldRows | None:
    """Settle the season's old rows that are still open, inside the caller's transaction.

    Returns None where there are none, and where the season has no rosters yet: then nothing is touched.

    Args:
        rosters: the season's rows of `rosters`.
    """
    table = quarantine.c
    ours = (table.table_name == "player_stats") & (table.source == "legacy") & (table.season == season)
    is_open = conn.execute(select(table.id).where(ours, table.resolved_at.is_(None)).limit(1)).first()
    if is_open is None or rosters.is_empty():
        return None
    rows = conn.execute(
        select(table.id, table.payload, table.resolved_at, table.resolution).where(ours).order_by(table.id)
    ).all()
    waiting = {row.id: row for row in rows if row.resolved_at is None}
    names = Names(
        rosters.sort("retired_at", "id", nulls_last=False),
        read_frame(conn, select(roster_weeks.c.player_id, roster_weeks.c.team).where(roster_weeks.c.season == season)),
        read_frame(
            conn,
            select(picks.c.player_name, picks.c.player_id)
            .join(weeks, weeks.c.id == picks.c.week_id)
            .where(weeks.c.season == season),
        ),
    )
    settled = names.settle([_old_row(row.id, json.loads(row.payload)) for row in waiting.values()], season)
    _write(conn, [s for s in settled if s.resolution != waiting[s.row.id].resolution], now)
    return _standing(rows, settled)


def _old_row(identity: int, payload: dict[str, Any]) -> OldRow:
    def said(name: str) -> str | None:
        value = payload.get(name)
        return None if value is None else str(value)

    return OldRow(identity, said("player_name") or "", said("team") or "", said("position"), said("recent_form"))


def _write(conn: Connection, changed: list[Settled], now: datetime) -> None:
    if not changed:
        return
    conn.execute(
        update(quarantine)
        .where(quarantine.c.id == bindparam("row"))
        .values(resolution=bindparam("said"), resolved_at=bindparam("at")),
        [{"row": one.row.id, "said": one.resolution, "at": None if one.player_id is None else now} for one in changed],
    )


def _standing(rows: Any, settled: list[Settled]) -> OldRows:
    before = [_MERGED.match(row.resolution or "") for row in rows if row.resolved_at is not None]
    mapped = [match[1] for match in before if match] + [s.player_id for s in settled if s.player_id]
    still = [s for s in settled if s.player_id is None]
    corrected = Counter(kind for one in settled for kind in one.corrected)
    return OldRows(
        total=len(rows),
        players=len(set(mapped)),
        merged=len(mapped) - len(set(mapped)),
        open=len(still),
        settled=len(settled) - len(still),
        corrected={kind: corrected[kind] for kind in CORRECTIONS if corrected[kind]},
        why_open=dict(Counter(_short(one.resolution) for one in still)),
    )


def _short(reason: str) -> str:
    if reason.startswith("ambiguous"):
        return "ambiguous"
    if reason.startswith("as a pick"):
        return "typed as a pick that waits"
    return "nobody of that name" if reason.startswith("nobody") else "no player"
