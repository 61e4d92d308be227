"""Old snapshots thinned to the last of each hour, without losing a row that anything rests on.

Of every leg stay: its first and its last row, the last at or before kickoff, the one that says it was withdrawn, what
a closing line or a pick's price refers to, and what a pick without a price yet would be priced by. A leg whose game or
kickoff is not known keeps all: nobody can tell which row closes it. Answers of the venues go with their last snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, TextClause, bindparam, delete, func, insert, select, text

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_store import WITHDRAWN
from firsttd_pipeline.storage.pick_prices import NONE_THEN
from firsttd_pipeline.storage.schema import UtcDateTime, market_odds, sync_metadata

STEP = timedelta(days=7)
"""What one transaction looks at: others wait for seconds at most, however much there is to thin."""


@dataclass(frozen=True, slots=True)
class Thinned:
    """What thinning a season did: rows deleted, and up to which hour its snapshots are thinned now."""

    snapshots: int = 0
    payloads: int = 0
    until: datetime | None = None

    @property
    def facts(self) -> dict[str, int | float | str]:
        """For the asset's metadata."""
        return {"snapshots thinned": self.snapshots, "answers thinned": self.payloads}

    @property
    def note(self) -> str:
        """For the operator; empty where nothing was deleted."""
        if not self.snapshots or self.until is None:
            return ""
        answers = "answer of a venue" if self.payloads == 1 else "answers of venues"
        with_them = f", and {self.payloads:,} {answers} with them" if self.payloads else ""
        return (
            f"{self.snapshots:,} snapshots from before {self.until:%Y-%m-%d %H:%M} UTC were thinned to hourly and "
            f"closing ones (FIRSTTD_MARKET_KEEP_DAYS){with_them}"
        )


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a season is thinned: the hour, and the highest id there was. Losing it costs time and nothing else."""

    until: datetime
    id: int


def thin_season(db: Database, season: int, now: datetime, keep_days: int) -> Thinned:
    """Thin the season's snapshots that are older than `keep_days` days at `now` (aware).

    Only what came past the limit since the last call is looked at, in transactions of their own; whole hours are
    thinned, so that a second call finds nothing.

    Raises:
        StorageError: the database cannot be written; what the earlier transactions did stays.
    """
    until = (now.astimezone(UTC) - timedelta(days=keep_days)).replace(minute=0, second=0, microsecond=0)
    snapshots = payloads = 0
    with db.read() as conn:
        mark = _read_mark(conn, season)
        late = mark is not None and _late(conn, season, mark)
    if mark is not None and late:
        with db.write() as conn:
            found = _thin(conn, season, _LATE, {"since": mark.until, "until": mark.until, "mark": mark.id})
            _write_mark(conn, season, mark.until, now)
        snapshots, payloads = found
    since = mark.until if mark else None
    while (start := _first(db, season, since, until)) is not None:
        since = min(until, start.replace(minute=0, second=0, microsecond=0) + STEP)
        with db.write() as conn:
            found = _thin(conn, season, _BETWEEN, {"since": start, "until": since})
            _write_mark(conn, season, since, now)
        snapshots, payloads = snapshots + found[0], payloads + found[1]
    return Thinned(snapshots, payloads, until)


def _first(db: Database, season: int, since: datetime | None, until: datetime) -> datetime | None:
    """The season's earliest snapshot from `since` and before `until`."""
    at = market_odds.c.snapshot_time
    query = select(func.min(at)).where(market_odds.c.season == season, at < until)
    if since is not None:
        query = query.where(at >= since)
    with db.read() as conn:
        found: datetime | None = conn.execute(query).scalar()
        return found


_NEW = "o.id > :mark AND +o.season = :season AND o.snapshot_time < :since"
_BETWEEN = "o.season = :season AND o.snapshot_time >= :since AND o.snapshot_time < :until"
_LATE = f"""
    o.season = :season AND o.snapshot_time < :since
    AND o.leg_id IN (SELECT o.leg_id FROM market_odds o WHERE {_NEW})
"""  # noqa: S608

# The next row of a leg lies within what is looked at, or in another hour: whole hours are looked at.
_FIND = """
INSERT INTO market_thinned (id, source, snapshot_time)
SELECT w.id, w.source, w.snapshot_time
FROM (
    SELECT o.id, o.leg_id, o.game_id, o.source, o.snapshot_time, o.reason,
        lag(o.id) OVER (PARTITION BY o.leg_id ORDER BY o.snapshot_time) AS previous,
        lead(o.snapshot_time) OVER (PARTITION BY o.leg_id ORDER BY o.snapshot_time) AS next_at
    FROM market_odds o WHERE {these}
) w
JOIN games g ON g.id = w.game_id
WHERE {hour_of_next} = {hour}
AND (w.reason IS NULL OR w.reason <> :withdrawn)
AND (w.snapshot_time > g.kickoff_at OR w.next_at <= g.kickoff_at)
AND (w.previous IS NOT NULL
    OR EXISTS (SELECT 1 FROM market_odds f WHERE f.leg_id = w.leg_id AND f.snapshot_time < w.snapshot_time))
AND NOT EXISTS (SELECT 1 FROM market_closings c WHERE c.odds_id = w.id)
AND NOT EXISTS (SELECT 1 FROM pick_market_odds m WHERE m.pick_odds_id = w.id)
"""

# What a pick is priced by when pick_market_odds runs next, after this. SQLite joins in the order written: the picks of
# a game are gone through once, and not once for each of its legs.
_SPARE = """
DELETE FROM market_thinned WHERE id IN (
    SELECT (SELECT o.id FROM market_odds o WHERE o.leg_id = l.id AND o.snapshot_time <= p.created_at
        ORDER BY o.snapshot_time DESC LIMIT 1)
    FROM (SELECT DISTINCT o.game_id FROM market_thinned t JOIN market_odds o ON o.id = t.id) d
    CROSS JOIN picks p
    CROSS JOIN market_legs l
    WHERE p.game_id = d.game_id AND p.created_at < :until AND l.game_id = p.game_id AND l.player_id = p.player_id
    AND NOT EXISTS (SELECT 1 FROM pick_market_odds m WHERE m.pick_id = p.id AND m.source = l.source
        AND (m.pick_reason IS NULL OR m.pick_reason <> :none_then))
)
"""

_DELETE = "DELETE FROM market_odds WHERE id IN (SELECT id FROM market_thinned)"

_PAYLOADS = """
DELETE FROM market_payloads
WHERE season = :season AND kind IN ('open', 'legs') AND fetched_at < :until
AND (source, fetched_at) IN (SELECT source, snapshot_time FROM market_thinned)
AND NOT EXISTS (SELECT 1 FROM market_odds o WHERE o.season = :season AND o.snapshot_time = market_payloads.fetched_at
    AND o.source = market_payloads.source)
"""


def _sql(statement: str) -> TextClause:
    instants = [bindparam(n, type_=UtcDateTime()) for n in ("since", "until") if f":{n}" in statement]
    return text(statement).bindparams(*instants)


def _thin(conn: Connection, season: int, these: str, given: dict[str, datetime | int]) -> tuple[int, int]:
    """Thin the rows that `these` names; how many snapshots and payloads are gone."""
    sqlite = conn.dialect.name == "sqlite"
    hour = "substr({}, 1, 13)" if sqlite else "date_trunc('hour', {}, 'UTC')"
    instant = "TEXT" if sqlite else "timestamptz"
    conn.exec_driver_sql(
        f"CREATE TEMPORARY TABLE market_thinned (id INTEGER PRIMARY KEY, source TEXT, snapshot_time {instant})"
    )
    find = _FIND.format(these=these, hour_of_next=hour.format("w.next_at"), hour=hour.format("w.snapshot_time"))
    conn.execute(_sql(find), {"season": season, "withdrawn": WITHDRAWN, **given})
    conn.execute(_sql(_SPARE), {"until": given["until"], "none_then": NONE_THEN})
    snapshots = conn.execute(_sql(_DELETE)).rowcount
    payloads = 0
    if snapshots:
        payloads = conn.execute(_sql(_PAYLOADS), {"season": season, "until": given["until"]}).rowcount
    conn.exec_driver_sql("DROP TABLE market_thinned")
    return snapshots, payloads


def _late(conn: Connection, season: int, mark: _Mark) -> bool:
    """Whether rows came in since that are older than what is thinned already."""
    query = _sql(f"SELECT 1 FROM market_odds o WHERE {_NEW} LIMIT 1")  # noqa: S608
    return conn.execute(query, {"season": season, "since": mark.until, "mark": mark.id}).first() is not None


# --- how far it is thinned -------------------------------------------------------------------------------------------


def _key(season: int) -> str:
    return f"market_thinned_{season}"


def _read_mark(conn: Connection, season: int) -> _Mark | None:
    found = conn.execute(select(sync_metadata.c.value).where(sync_metadata.c.key == _key(season))).scalar()
    try:
        until, number = str(found).split()
        return _Mark(datetime.fromisoformat(until).astimezone(UTC), int(number))
    except ValueError:
        return None


def _write_mark(conn: Connection, season: int, until: datetime, now: datetime) -> None:
    highest = conn.execute(select(func.max(market_odds.c.id))).scalar() or 0
    row = {"key": _key(season), "value": f"{until.isoformat()} {highest}", "updated_at": now}
    conn.execute(delete(sync_metadata).where(sync_metadata.c.key == row["key"]))
    conn.execute(insert(sync_metadata), row)
