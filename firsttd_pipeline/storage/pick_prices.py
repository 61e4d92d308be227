"""The market's price of each pick: the table `pick_market_odds`, made by a few statements over all picks of a week.

Decided in the database, for a season may have a million picks; `domain/prices.py` has the same arithmetic for one. A
pick has a row at every venue that listed its player, before kickoff too; what is not known is null, with the reason.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import polars as pl
from sqlalchemy import Connection, Select, TextClause, and_, bindparam, case, func, select, text

from firsttd_pipeline.domain import prices
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import UtcDateTime, games, pick_market_odds, picks, weeks
from firsttd_pipeline.storage.season import pick_ids
from firsttd_pipeline.storage.sync import Counts

IMPORTED: Final = "from a file: when it was made is not in it"
LEGACY: Final = "of the old application: its time is that of an import"
LATE: Final = "taken after kickoff"
NO_TIME: Final = "when it was made, or when its game began, is not known"
CHANGED: Final = "typed otherwise since: when is not the time it was made"
NONE_THEN: Final = "no price was there then"

#: Why a pick has no price of the time when it was made; else the price's own reason (`prices.PROBABILITY_REASONS`).
PICK_REASONS: Final[dict[str, str]] = {
    IMPORTED: "`firsttd picks import` reads sheets that have no times",
    LEGACY: "every pick that was there before the upgrade",
    LATE: "with --late, or with a time after kickoff",
    NO_TIME: "no readable time, or a game without a kickoff",
    CHANGED: "another program changed the text since",
    NONE_THEN: "no open leg on the player, or no snapshot of it yet",
}

NOT_BEGUN: Final = "its game has not begun"
POSTPONED: Final = "its game was postponed"
CANCELLED: Final = "its game was cancelled"
NO_GAME: Final = "its game left the schedule"
NO_KICKOFF: Final = "when its game began is not known"
NONE_BEFORE: Final = "no price of before kickoff is stored"

#: Why a venue that listed the player has no closing line on him; else the line's own reason in `market_closings`.
CLOSING_REASONS: Final[dict[str, str]] = {
    NOT_BEGUN: "the closing line comes with the first night after kickoff",
    POSTPONED: "the closing line is that of the day it is played",
    CANCELLED: "nothing closes without a kickoff",
    NO_GAME: "upstream has it no more",
    NO_KICKOFF: "the schedule has no time",
    NONE_BEFORE: "nobody stored one, or the venue's history is still to be asked",
}

AROUND: Final = timedelta(days=2)
"""A snapshot run prices the weeks that have a kickoff within this of now: of the others only a nightly changes any."""

_PICKS: Final = "staged_picks"
_LEGS: Final = "staged_legs"
_LINES: Final = "staged_lines"
_BOOKS: Final = "staged_book_prices"
_STAGED: Final = "staged_pick_prices"
_CLOSING: Final = (
    "closing_probability",
    "closing_at",
    "closing_bid",
    "closing_ask",
    "closing_reason",
    "fair_probability",
    "fair_reason",
    "assumption",
)
_VALUES: Final = (
    "pick_probability",
    "pick_price_at",
    "pick_odds_id",
    "pick_reason",
    *_CLOSING,
    "expected_value",
    "closing_line_value",
    "value_reason",
)

_OF_WEEK: Final = "pick_id IN (SELECT id FROM picks WHERE week_id = :week)"
_COUNT: Final = f"SELECT count(*) FROM pick_market_odds WHERE {_OF_WEEK}"  # noqa: S608
_GONE: Final = f"""
    DELETE FROM pick_market_odds WHERE {_OF_WEEK} AND NOT EXISTS (
        SELECT 1 FROM {_PICKS} p JOIN {_LINES} c ON c.game_id = p.game_id AND c.player_id = p.player_id
        WHERE p.id = pick_market_odds.pick_id AND c.source = pick_market_odds.source)
"""  # noqa: S608


def weeks_around(conn: Connection, season: int, now: datetime) -> list[int]:
    """The ids of the season's weeks with a game that kicks off within `AROUND` of now."""
    game = games.c
    near = (
        select(weeks.c.id)
        .join(games, and_(game.season == weeks.c.season, game.week == weeks.c.week))
        .where(weeks.c.season == season, game.kickoff_at.between(now - AROUND, now + AROUND))
        .distinct()
        .order_by(weeks.c.id)
    )
    return list(conn.execute(near).scalars())


def write_pick_prices(conn: Connection, season: int, now: datetime, *, only: Collection[int] | None = None) -> Counts:
    """Make `pick_market_odds` say what the season's picks are worth by the closing lines as stored; see `Counts`.

    A pick has one row per venue that lists its player in its game, or listed him. Of several sportsbooks of one source
    the price when it was made is that of the middle one of the last snapshot (of an even number the lower). Such a
    price, once stored, stays while the pick's time does, unless a later snapshot from before the pick comes to light:
    thinning changes none.

    Args:
        conn: inside the caller's write transaction.
        season: of the picks' weeks.
        now: aware; tells which games have begun, and `updated_at` of what changes.
        only: the ids of the weeks whose picks are priced, e.g. of `weeks_around`; all of the season without it.
    """
    step = _Steps(conn.dialect.name == "sqlite")
    counts = Counts()
    for table in step.tables:
        conn.execute(table)
    of_season = select(weeks.c.id).where(weeks.c.season == season).order_by(weeks.c.week)
    for week in conn.execute(of_season).scalars().all():
        if only is not None and week not in only:
            continue
        updated = inserted = 0
        conn.execute(step.picks, {"week": week})
        conn.execute(step.legs)
        step.look(conn, _PICKS, _LEGS)
        conn.execute(step.lines, {"now": now})
        step.look(conn, _LINES)
        counts.retired += conn.execute(step.gone, {"week": week}).rowcount
        conn.execute(step.middle)
        step.look(conn, _BOOKS)
        if conn.execute(step.fill).rowcount:
            if conn.execute(step.differ).scalar_one():
                step.look(conn, _STAGED)
                updated = conn.execute(step.changed, {"now": now}).rowcount
            inserted = conn.execute(step.new, {"now": now}).rowcount
        for name in _TABLES:
            conn.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608
        counts.updated += updated
        counts.inserted += inserted
        counts.unchanged += int(conn.execute(text(_COUNT), {"week": week}).scalar_one()) - updated - inserted
    for name in _TABLES:
        conn.exec_driver_sql(f"DROP TABLE {name}")
    return counts


def pick_price_facts(
    conn: Connection, season: int, *, only: Collection[int] | None = None
) -> tuple[dict[str, int | float | str], list[tuple[str, int]]]:
    """Counts of the season for people, and why prices of the time of a pick are missing: most frequent first.

    A pick is priced if a venue has a price of when it was made or a closing line.

    Args:
        conn: a connection.
        season: of the picks' weeks.
        only: the ids of the weeks that are counted; all of the season without it.
    """
    table = pick_market_odds.c
    these = _pick_ids(season, only)
    mine = table.pick_id.in_(these)
    known = {
        "picks priced": func.coalesce(table.closing_probability, table.pick_probability),
        "picks with a closing line": table.closing_probability,
        "picks with a fair probability": table.fair_probability,
        "picks with a price then": table.pick_probability,
    }
    by_pick = (
        select(*(func.max(case((value.is_not(None), 1), else_=0)).label(name) for name, value in known.items()))
        .where(mine)
        .group_by(table.pick_id)
        .subquery()
    )
    row = conn.execute(select(*(func.coalesce(func.sum(by_pick.c[name]), 0) for name in known))).one()
    total = conn.execute(select(func.count()).select_from(these.subquery())).scalar_one()
    why = (
        select(table.pick_reason, func.count().label("rows"))
        .where(mine, table.pick_reason.is_not(None))
        .group_by(table.pick_reason)
        .order_by(func.count().desc(), table.pick_reason)
    )
    facts: dict[str, int | float | str] = {"picks": int(total), **dict(zip(known, map(int, row), strict=True))}
    return facts, [(reason, int(rows)) for reason, rows in conn.execute(why)]


def count_pick_prices(conn: Connection, season: int) -> int:
    """How many rows the season's picks have."""
    return int(
        conn.execute(
            select(func.count()).select_from(pick_market_odds).where(pick_market_odds.c.pick_id.in_(pick_ids(season)))
        ).scalar_one()
    )


def latest_pick_prices(
    conn: Connection, season: int, *, only: Collection[int] | None = None, limit: int = 10
) -> pl.DataFrame:
    """A few rows for people, the newest picks first; `only` of these weeks, if they are given."""
    table = pick_market_odds.c
    shown = ("source", "pick_probability", "closing_probability", "fair_probability", "expected_value")
    return read_frame(
        conn,
        select(
            table.pick_id,
            picks.c.player_name,
            picks.c.odds,
            *(table[name] for name in (*shown, "closing_line_value")),
        )
        .join(picks, picks.c.id == table.pick_id)
        .where(table.pick_id.in_(_pick_ids(season, only)))
        .order_by(table.pick_id.desc(), table.source)
        .limit(limit),
    )


def _pick_ids(season: int, only: Collection[int] | None) -> Select[tuple[int]]:
    of_season = pick_ids(season)
    return of_season if only is None else of_season.where(weeks.c.id.in_(only))


def _words(reason: str) -> str:
    return "'" + reason.replace("'", "''") + "'"


_TABLES: Final = (_PICKS, _LEGS, _LINES, _BOOKS, _STAGED)
_SPORTSBOOKS: Final = f"({', '.join(map(_words, sorted(prices.SPORTSBOOKS)))})"
_LEG: Final = "l.game_id = m.game_id AND l.player_id = m.player_id AND (l.closed_at IS NULL OR l.closed_at > m.at)"


class _Steps:
    """The statements, as the database takes them."""

    def __init__(self, sqlite: bool) -> None:
        self._sqlite = sqlite
        at = bindparam("now", type_=UtcDateTime)
        columns = ", ".join(_VALUES)
        sets = ", ".join(f"{name} = s.{name}" for name in _VALUES)
        self.tables = [text(one) for one in _tables(sqlite)]
        self.picks = text(_picks(sqlite))
        self.legs = text(_legs())
        self.lines = text(_lines()).bindparams(at)
        self.gone = text(_GONE)
        self.middle = text(_middle(sqlite))
        self.fill = text(_fill(sqlite))
        self.differ = text(f"SELECT count(row_id) FROM {_STAGED}")  # noqa: S608
        self.changed: TextClause = text(
            f"UPDATE pick_market_odds SET {sets}, updated_at = :now FROM {_STAGED} s "  # noqa: S608
            "WHERE s.row_id = pick_market_odds.id"
        ).bindparams(at)
        self.new: TextClause = text(
            f"INSERT INTO pick_market_odds (pick_id, source, {columns}, updated_at) "  # noqa: S608
            f"SELECT pick_id, source, {columns}, :now FROM {_STAGED} WHERE row_id IS NULL ORDER BY pick_id, source"
        ).bindparams(at)

    def look(self, conn: Connection, *names: str) -> None:
        """Let PostgreSQL know how much is in them: it takes a table it knows nothing of for a small one. SQLite goes by
        their keys."""
        if not self._sqlite:
            for name in names:
                conn.exec_driver_sql(f"ANALYZE {name}")


def _tables(sqlite: bool) -> list[str]:
    """The temporary tables of one week: its picks, the legs on them, the venues' lines on them, the sportsbooks' middle
    price of each pick, and what has to be written; there `row_id` is the row that changes."""
    instant = "TEXT" if sqlite else "timestamptz"
    kinds = {"pick_price_at": instant, "closing_at": instant, "pick_odds_id": "INTEGER", "assumption": "TEXT"}
    numbers = ("probability", "_bid", "_ask", "_value")

    def typed(names: Collection[str]) -> str:
        return ", ".join(
            f"{name} {kinds.get(name) or ('DOUBLE PRECISION' if name.endswith(numbers) else 'TEXT')}" for name in names
        )

    return [
        f"CREATE TEMPORARY TABLE {_PICKS} (id INTEGER PRIMARY KEY, game_id TEXT, player_id TEXT, at {instant}, "
        "odds DOUBLE PRECISION, no_odds TEXT, unreal TEXT)",
        f"CREATE TEMPORARY TABLE {_LEGS} (game_id TEXT, player_id TEXT, source TEXT, leg_id INTEGER, "
        f"closed_at {instant}, PRIMARY KEY (game_id, player_id, source, leg_id)){' WITHOUT ROWID' if sqlite else ''}",
        f"CREATE TEMPORARY TABLE {_LINES} (game_id TEXT, player_id TEXT, source TEXT, {typed(_CLOSING)}, "
        "PRIMARY KEY (game_id, player_id, source))",
        f"CREATE TEMPORARY TABLE {_BOOKS} (pick_id INTEGER, source TEXT, odds_id INTEGER, newest {instant}, "
        "PRIMARY KEY (pick_id, source))",
        f"CREATE TEMPORARY TABLE {_STAGED} (pick_id INTEGER, source TEXT, row_id INTEGER, {typed(_VALUES)})",
    ]


def _picks(sqlite: bool) -> str:
    """Fills `_PICKS` with those of the week `:week`: when each was made, why that is not known (`unreal`), and why its
    odds are of no use."""
    # Other programs may have written any text into SQLite's columns.
    time = "p.created_at"
    number = "p.odds"
    if sqlite:
        time = "CASE WHEN typeof(p.created_at) = 'text' AND p.created_at GLOB '[12][0-9][0-9][0-9]-*' "
        time += "THEN datetime(p.created_at) END"
        number = "CASE WHEN typeof(p.odds) IN ('integer', 'real') THEN p.odds END"
    return f"""
        INSERT INTO {_PICKS} (id, game_id, player_id, at, odds, no_odds, unreal)
        WITH timed AS (
            SELECT p.id, p.game_id, p.player_id, p.player_name, p.source, p.late_reason, g.kickoff_at, {time} AS at,
                   {number} AS odds, coalesce(p.odds_placeholder, {"0" if sqlite else "false"}) AS placeholder
            FROM picks p JOIN games g ON g.id = p.game_id
            WHERE p.week_id = :week AND p.player_id IS NOT NULL
        )
        SELECT p.id, p.game_id, p.player_id, p.at, p.odds,
            CASE WHEN p.odds IS NULL THEN {_words(prices.NO_ODDS)}
                 WHEN p.placeholder THEN {_words(prices.PLACEHOLDER)}
                 WHEN NOT abs(p.odds) BETWEEN 100 AND 1.7976931348623157e308 THEN {_words(prices.BAD_ODDS)} END,
            CASE WHEN p.source = 'import' THEN {_words(IMPORTED)}
                 WHEN p.source NOT IN ('cli', 'external') THEN {_words(LEGACY)}
                 WHEN p.late_reason IS NOT NULL THEN {_words(LATE)}
                 WHEN p.at IS NULL OR p.kickoff_at IS NULL THEN {_words(NO_TIME)}
                 WHEN p.at >= p.kickoff_at THEN {_words(LATE)}
                 WHEN EXISTS (SELECT 1 FROM pick_events e WHERE e.pick_id = p.id AND e.event IN ('picked', 'changed')
                              AND e.player_name <> p.player_name) THEN {_words(CHANGED)} END
        FROM timed p
    """  # noqa: S608


def _legs() -> str:
    """Fills `_LEGS`: every leg on a picked player in that game. Each pick looks at them, so they are found once."""
    return f"""
        INSERT INTO {_LEGS} (game_id, player_id, source, leg_id, closed_at)
        SELECT l.game_id, l.player_id, l.source, l.id, l.closed_at
        FROM (SELECT DISTINCT game_id, player_id FROM {_PICKS}) p
        JOIN market_legs l ON l.game_id = p.game_id AND l.player_id = p.player_id
    """  # noqa: S608


def _lines() -> str:
    """Fills `_LINES`: each venue that has or had a leg on a picked player in that game, and its closing line there."""
    closing = "c.probability, c.closing_at, c.bid, c.ask"
    return f"""
        INSERT INTO {_LINES} (game_id, player_id, source, {", ".join(_CLOSING)})
        WITH picked AS (
            SELECT DISTINCT game_id, player_id FROM {_PICKS}
        ), listed AS (
            SELECT game_id, player_id, source FROM {_LEGS}
            UNION
            SELECT c.game_id, c.player_id, c.source FROM picked p
            JOIN market_closings c ON c.game_id = p.game_id AND c.player_id = p.player_id
        ), told AS (
            SELECT l.*, c.id AS closing_id, {closing}, c.reason, c.fair_probability, c.fair_reason, c.assumption,
                CASE WHEN g.deleted_at IS NOT NULL THEN {_words(NO_GAME)}
                     WHEN g.status = 'postponed' THEN {_words(POSTPONED)}
                     WHEN g.status = 'cancelled' THEN {_words(CANCELLED)}
                     WHEN g.status = 'scheduled' AND (g.kickoff_at > :now OR g.kickoff_at IS NULL)
                     THEN {_words(NOT_BEGUN)}
                     WHEN g.kickoff_at IS NULL THEN {_words(NO_KICKOFF)}
                     ELSE {_words(NONE_BEFORE)} END AS none
            FROM listed l
            JOIN games g ON g.id = l.game_id
            LEFT JOIN market_closings c
                ON c.game_id = l.game_id AND c.player_id = l.player_id AND c.source = l.source
        )
        SELECT c.game_id, c.player_id, c.source, {closing},
            CASE WHEN c.probability IS NULL THEN CASE WHEN c.closing_id IS NULL THEN c.none ELSE c.reason END END,
            c.fair_probability,
            CASE WHEN c.fair_probability IS NOT NULL THEN NULL
                 WHEN c.closing_id IS NOT NULL THEN c.fair_reason
                 WHEN c.none = {_words(NOT_BEGUN)} THEN c.none
                 ELSE {_words(prices.NO_CLOSING)} END,
            CASE WHEN c.fair_probability IS NOT NULL THEN c.assumption END
        FROM told c
    """  # noqa: S608


def _last(sqlite: bool) -> str:
    """Joins the last snapshot `o` of the leg `l` at or before the pick `m`. PostgreSQL would read the whole table
    unless it is told to look for each; SQLite knows no LATERAL, and takes the row by the id of that one."""
    last = (
        "FROM market_odds q WHERE q.leg_id = l.leg_id AND q.snapshot_time <= m.at ORDER BY q.snapshot_time DESC LIMIT 1"
    )
    if sqlite:
        return f"JOIN market_odds o ON o.id = (SELECT q.id {last})"
    return f"CROSS JOIN LATERAL (SELECT q.* {last}) o"


def _by_key(sqlite: bool, table: str, name: str, key: str) -> str:
    """Joins the one row of a large table, if it is there; by its key for each, whatever PostgreSQL thinks."""
    if sqlite:
        return f"LEFT JOIN {table} {name} ON {key.format(name)}"
    return f"LEFT JOIN LATERAL (SELECT * FROM {table} q WHERE {key.format('q')} LIMIT 1) {name} ON true"  # noqa: S608


def _middle(sqlite: bool) -> str:
    """Fills `_BOOKS`."""
    return f"""
        INSERT INTO {_BOOKS} (pick_id, source, odds_id, newest)
        WITH quoted AS (
            SELECT m.id AS pick_id, o.source, o.id AS odds_id, o.snapshot_time, o.implied_probability,
                   max(o.snapshot_time) OVER (PARTITION BY m.id, o.source) AS newest
            FROM {_PICKS} m
            JOIN {_LEGS} l ON {_LEG} AND l.source IN {_SPORTSBOOKS}
            {_last(sqlite)}
            WHERE m.unreal IS NULL
        ), ranked AS (
            SELECT q.pick_id, q.source, q.odds_id, q.newest,
                   row_number() OVER (PARTITION BY q.pick_id, q.source
                       ORDER BY q.implied_probability IS NULL, q.implied_probability, q.odds_id) AS place,
                   count(q.implied_probability) OVER (PARTITION BY q.pick_id, q.source) AS priced
            FROM quoted q WHERE q.snapshot_time = q.newest
        )
        SELECT pick_id, source, odds_id, newest FROM ranked
        WHERE place = CASE WHEN priced = 0 THEN 1 ELSE (priced + 1) / 2 END
    """  # noqa: S608


def _fill(sqlite: bool) -> str:
    """Fills `_STAGED` with what is new or differs."""
    unlike = "IS NOT" if sqlite else "IS DISTINCT FROM"
    differs = " OR ".join(f"w.old_{name} {unlike} w.{name}" for name in _VALUES)
    kept = (
        f"{{0}}.id = t.pick_odds_id AND c.source IN {_SPORTSBOOKS} AND {{0}}.source = c.source "
        "AND {0}.game_id = m.game_id AND {0}.player_id = m.player_id AND {0}.snapshot_time <= m.at"
    )
    return f"""
        INSERT INTO {_STAGED} (pick_id, source, row_id, {", ".join(_VALUES)})
        WITH priced AS (
            SELECT m.id AS pick_id, m.odds, m.no_odds, m.unreal, c.source, {", ".join(f"c.{n}" for n in _CLOSING)},
                   CASE WHEN m.unreal IS NOT NULL THEN NULL
                        WHEN c.source NOT IN {_SPORTSBOOKS} THEN (
                            SELECT o.id FROM {_LEGS} l {_last(sqlite)}
                            WHERE {_LEG} AND l.source = c.source ORDER BY o.snapshot_time DESC, o.id LIMIT 1)
                        WHEN kept.snapshot_time >= n.newest OR n.newest IS NULL THEN kept.id
                        ELSE n.odds_id END AS odds_id,
                   t.id AS row_id, {", ".join(f"t.{name} AS old_{name}" for name in _VALUES)}
            FROM {_PICKS} m
            JOIN {_LINES} c ON c.game_id = m.game_id AND c.player_id = m.player_id
            LEFT JOIN {_BOOKS} n ON n.pick_id = m.id AND n.source = c.source
            {_by_key(sqlite, "pick_market_odds", "t", "{0}.pick_id = m.id AND {0}.source = c.source")}
            {_by_key(sqlite, "market_odds", "kept", kept)}
        ), worth AS (
            SELECT d.*,
                o.implied_probability AS pick_probability,
                o.snapshot_time AS pick_price_at,
                o.id AS pick_odds_id,
                CASE WHEN o.id IS NULL THEN coalesce(d.unreal, {_words(NONE_THEN)})
                     WHEN o.implied_probability IS NULL THEN o.reason END AS pick_reason,
                CASE WHEN d.no_odds IS NULL THEN
                    d.fair_probability * CASE WHEN d.odds > 0 THEN d.odds / 100.0 ELSE 100.0 / -d.odds END
                    - (1 - d.fair_probability) END AS expected_value,
                CASE WHEN d.no_odds IS NULL THEN
                    d.closing_probability / CASE WHEN d.odds > 0 THEN 100.0 / (d.odds + 100)
                                                 ELSE -d.odds / (100.0 - d.odds) END - 1 END AS closing_line_value,
                CASE WHEN d.no_odds IS NOT NULL THEN d.no_odds
                     WHEN d.closing_reason = {_words(NOT_BEGUN)} THEN d.closing_reason
                     WHEN d.closing_probability IS NULL THEN {_words(prices.NO_CLOSING)}
                     WHEN d.fair_probability IS NULL THEN {_words(prices.NO_FAIR)} END AS value_reason
            FROM priced d {_by_key(sqlite, "market_odds", "o", "{0}.id = d.odds_id")}
        )
        SELECT w.pick_id, w.source, w.row_id, {", ".join(f"w.{name}" for name in _VALUES)}
        FROM worth w WHERE w.row_id IS NULL OR {differs}
    """  # noqa: S608
