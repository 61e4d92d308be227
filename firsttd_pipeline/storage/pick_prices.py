"""The market's price of each pick: the table `pick_market_odds`, made by a few statements over all picks of a week.

Decided in the database, for a season may have a million picks; `domain/prices.py` has the same arithmetic for one. A
price of the time when a pick was made is given only where that time is known: the reasons below say when it is not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Connection, bindparam, case, func, select, text

from firsttd_pipeline.domain import prices
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import UtcDateTime, pick_market_odds, picks, weeks
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

_STAGED: Final = "staged_pick_prices"
_BOOKS: Final = "staged_book_prices"
_VALUES: Final = (
    "pick_probability",
    "pick_price_at",
    "pick_odds_id",
    "pick_reason",
    "closing_probability",
    "closing_at",
    "closing_bid",
    "closing_ask",
    "closing_reason",
    "fair_probability",
    "fair_reason",
    "assumption",
    "expected_value",
    "closing_line_value",
    "value_reason",
)

_OF_WEEK: Final = "pick_id IN (SELECT id FROM picks WHERE week_id = :week)"
_COUNT: Final = f"SELECT count(*) FROM pick_market_odds WHERE {_OF_WEEK}"  # noqa: S608
_GONE: Final = f"""
    DELETE FROM pick_market_odds WHERE {_OF_WEEK} AND NOT EXISTS (
        SELECT 1 FROM picks p JOIN market_closings c ON c.game_id = p.game_id AND c.player_id = p.player_id
        WHERE p.id = pick_market_odds.pick_id AND c.source = pick_market_odds.source)
"""  # noqa: S608


def write_pick_prices(conn: Connection, season: int, now: datetime) -> Counts:
    """Make `pick_market_odds` say what the season's picks are worth by the closing lines as stored; see `Counts`.

    A pick has one row per venue that has a closing line on its player. Of several sportsbooks of one source the price
    when it was made is that of the middle one of the last snapshot (of an even number the lower). Such a price, once
    stored, stays while the pick's time does, unless a later snapshot from before the pick comes to light: thinning
    changes none.

    Args:
        conn: inside the caller's write transaction.
        season: of the picks' weeks.
        now: aware; `updated_at` of what changes.
    """
    sqlite = conn.dialect.name == "sqlite"
    columns = ", ".join(_VALUES)
    sets = ", ".join(f"{name} = s.{name}" for name in _VALUES)
    at = bindparam("now", type_=UtcDateTime)
    middle, fill = text(_middle(sqlite)), text(_fill(sqlite))
    gone = text(_GONE)
    changed = text(
        f"UPDATE pick_market_odds SET {sets}, updated_at = :now FROM {_STAGED} s WHERE s.row_id = pick_market_odds.id"  # noqa: S608
    ).bindparams(at)
    new = text(
        f"INSERT INTO pick_market_odds (pick_id, source, {columns}, updated_at) "  # noqa: S608
        f"SELECT pick_id, source, {columns}, :now FROM {_STAGED} WHERE row_id IS NULL ORDER BY pick_id, source"
    ).bindparams(at)
    counts = Counts()
    conn.execute(text(_stage(sqlite)))
    conn.execute(text(_stage_books(sqlite)))
    for week in conn.execute(select(weeks.c.id).where(weeks.c.season == season).order_by(weeks.c.week)).scalars().all():
        counts.retired += conn.execute(gone, {"week": week}).rowcount
        updated = inserted = 0
        conn.execute(middle, {"week": week})
        if conn.execute(fill, {"week": week}).rowcount:
            updated = conn.execute(changed, {"now": now}).rowcount
            inserted = conn.execute(new, {"now": now}).rowcount
            conn.execute(text(f"DELETE FROM {_STAGED}"))  # noqa: S608
        conn.execute(text(f"DELETE FROM {_BOOKS}"))  # noqa: S608
        counts.updated += updated
        counts.inserted += inserted
        counts.unchanged += int(conn.execute(text(_COUNT), {"week": week}).scalar_one()) - updated - inserted
    conn.execute(text(f"DROP TABLE {_STAGED}"))
    conn.execute(text(f"DROP TABLE {_BOOKS}"))
    return counts


def pick_price_facts(conn: Connection, season: int) -> tuple[dict[str, int | float | str], list[tuple[str, int]]]:
    """Counts of the season for people, and why prices of the time of a pick are missing: most frequent first."""
    table = pick_market_odds.c
    mine = table.pick_id.in_(pick_ids(season))
    known = (table.closing_probability, table.fair_probability, table.pick_probability)
    by_pick = (
        select(*(func.max(case((column.is_not(None), 1), else_=0)).label(column.name) for column in known))
        .where(mine)
        .group_by(table.pick_id)
        .subquery()
    )
    sums = (func.coalesce(func.sum(by_pick.c[column.name]), 0) for column in known)
    row = conn.execute(select(func.count(), *sums).select_from(by_pick)).one()
    total = conn.execute(select(func.count()).select_from(pick_ids(season).subquery())).scalar_one()
    names = ("picks priced", "picks with a closing line", "picks with a fair probability", "picks with a price then")
    why = (
        select(table.pick_reason, func.count().label("rows"))
        .where(mine, table.pick_reason.is_not(None))
        .group_by(table.pick_reason)
        .order_by(func.count().desc(), table.pick_reason)
    )
    facts: dict[str, int | float | str] = {"picks": int(total), **dict(zip(names, map(int, row), strict=True))}
    return facts, [(reason, int(rows)) for reason, rows in conn.execute(why)]


def latest_pick_prices(conn: Connection, season: int, limit: int = 10) -> pl.DataFrame:
    """A few rows for people, the newest picks first."""
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
        .where(table.pick_id.in_(pick_ids(season)))
        .order_by(table.pick_id.desc(), table.source)
        .limit(limit),
    )


def _words(reason: str) -> str:
    return "'" + reason.replace("'", "''") + "'"


def _stage(sqlite: bool) -> str:
    """The temporary table of what has to be written of one week; `row_id` is the row that changes."""
    instant = "TEXT" if sqlite else "timestamptz"
    kinds = {"pick_price_at": instant, "closing_at": instant, "pick_odds_id": "INTEGER", "assumption": "TEXT"}
    numbers = ("probability", "_bid", "_ask", "_value")
    columns = ", ".join(
        f"{name} {kinds.get(name) or ('DOUBLE PRECISION' if name.endswith(numbers) else 'TEXT')}" for name in _VALUES
    )
    return f"CREATE TEMPORARY TABLE {_STAGED} (pick_id INTEGER, source TEXT, row_id INTEGER, {columns})"


def _stage_books(sqlite: bool) -> str:
    """The sportsbooks' middle price of each pick of one week, to be found by pick: without statistics SQLite would read
    all of them for each pick."""
    instant = "TEXT" if sqlite else "timestamptz"
    return (
        f"CREATE TEMPORARY TABLE {_BOOKS} (pick_id INTEGER, source TEXT, odds_id INTEGER, newest {instant}, "
        "PRIMARY KEY (pick_id, source))"
    )


def _mine(sqlite: bool) -> str:
    """WITH the picks of the week `:week`, when each was made, and why that is not known (`mine`)."""
    # Other programs may have written any text into SQLite's columns.
    time = "p.created_at"
    number = "p.odds"
    if sqlite:
        time = "CASE WHEN typeof(p.created_at) = 'text' AND p.created_at GLOB '[12][0-9][0-9][0-9]-*' "
        time += "THEN datetime(p.created_at) END"
        number = "CASE WHEN typeof(p.odds) IN ('integer', 'real') THEN p.odds END"
    return f"""
        WITH timed AS (
            SELECT p.id, p.game_id, p.player_id, p.player_name, p.source, p.late_reason, g.kickoff_at, {time} AS at,
                   {number} AS odds, coalesce(p.odds_placeholder, {"0" if sqlite else "false"}) AS placeholder
            FROM picks p JOIN games g ON g.id = p.game_id
            WHERE p.week_id = :week AND p.player_id IS NOT NULL
        ), mine AS (
            SELECT p.*, CASE
                WHEN p.source = 'import' THEN {_words(IMPORTED)}
                WHEN p.source NOT IN ('cli', 'external') THEN {_words(LEGACY)}
                WHEN p.late_reason IS NOT NULL THEN {_words(LATE)}
                WHEN p.at IS NULL OR p.kickoff_at IS NULL THEN {_words(NO_TIME)}
                WHEN p.at >= p.kickoff_at THEN {_words(LATE)}
                WHEN EXISTS (SELECT 1 FROM pick_events e WHERE e.pick_id = p.id AND e.event IN ('picked', 'changed')
                             AND e.player_name <> p.player_name) THEN {_words(CHANGED)} END AS unreal
            FROM timed p
        )"""  # noqa: S608


_SPORTSBOOKS: Final = f"({', '.join(map(_words, sorted(prices.SPORTSBOOKS)))})"
_LEG: Final = "l.game_id = m.game_id AND l.player_id = m.player_id AND (l.closed_at IS NULL OR l.closed_at > m.at)"
_LAST: Final = (
    "SELECT q.id FROM market_odds q WHERE q.leg_id = l.id AND q.snapshot_time <= m.at "
    "ORDER BY q.snapshot_time DESC LIMIT 1"
)


def _middle(sqlite: bool) -> str:
    """Fills `_BOOKS`. The legs are found by game and player, whatever SQLite thinks of the index by source."""
    return f"""
        INSERT INTO {_BOOKS} (pick_id, source, odds_id, newest)
        {_mine(sqlite)}, quoted AS (
            SELECT m.id AS pick_id, o.source, o.id AS odds_id, o.snapshot_time, o.implied_probability,
                   max(o.snapshot_time) OVER (PARTITION BY m.id, o.source) AS newest
            FROM mine m
            JOIN market_legs l ON {_LEG} AND l.source || '' IN {_SPORTSBOOKS}
            JOIN market_odds o ON o.id = ({_LAST})
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
    """Fills it with what is new or differs, for the picks of the week `:week`."""
    unlike = "IS NOT" if sqlite else "IS DISTINCT FROM"
    differs = " OR ".join(f"t.{name} {unlike} w.{name}" for name in _VALUES)
    usable = "abs(m.odds) BETWEEN 100 AND 1.7976931348623157e308"
    return f"""
        INSERT INTO {_STAGED} (pick_id, source, row_id, {", ".join(_VALUES)})
        {_mine(sqlite)}, priced AS (
            SELECT m.id AS pick_id, m.odds, m.placeholder, m.unreal, c.source, c.closing_at, c.bid, c.ask, c.reason,
                   c.probability, c.fair_probability, c.fair_reason, c.assumption,
                   CASE WHEN m.unreal IS NOT NULL THEN NULL
                        WHEN c.source NOT IN {_SPORTSBOOKS} THEN (
                            SELECT o.id FROM market_legs l JOIN market_odds o ON o.id = ({_LAST})
                            WHERE {_LEG} AND l.source = c.source ORDER BY o.snapshot_time DESC, o.id LIMIT 1)
                        WHEN kept.snapshot_time >= n.newest OR n.newest IS NULL THEN kept.id
                        ELSE n.odds_id END AS odds_id,
                   CASE WHEN m.odds IS NULL THEN {_words(prices.NO_ODDS)}
                        WHEN m.placeholder THEN {_words(prices.PLACEHOLDER)}
                        WHEN NOT {usable} THEN {_words(prices.BAD_ODDS)} END AS no_odds
            FROM mine m
            JOIN market_closings c ON c.game_id = m.game_id AND c.player_id = m.player_id
            LEFT JOIN {_BOOKS} n ON n.pick_id = m.id AND n.source = c.source
            LEFT JOIN pick_market_odds t ON t.pick_id = m.id AND t.source = c.source AND c.source IN {_SPORTSBOOKS}
            LEFT JOIN market_odds kept ON kept.id = t.pick_odds_id AND kept.source = c.source
                AND kept.game_id = m.game_id AND kept.player_id = m.player_id AND kept.snapshot_time <= m.at
        ), worth AS (
            SELECT d.pick_id, d.source,
                o.implied_probability AS pick_probability,
                o.snapshot_time AS pick_price_at,
                o.id AS pick_odds_id,
                CASE WHEN o.id IS NULL THEN coalesce(d.unreal, {_words(NONE_THEN)})
                     WHEN o.implied_probability IS NULL THEN o.reason END AS pick_reason,
                d.probability AS closing_probability,
                d.closing_at,
                d.bid AS closing_bid,
                d.ask AS closing_ask,
                CASE WHEN d.probability IS NULL THEN d.reason END AS closing_reason,
                d.fair_probability,
                CASE WHEN d.fair_probability IS NULL THEN d.fair_reason END AS fair_reason,
                CASE WHEN d.fair_probability IS NOT NULL THEN d.assumption END AS assumption,
                CASE WHEN d.no_odds IS NULL THEN
                    d.fair_probability * CASE WHEN d.odds > 0 THEN d.odds / 100.0 ELSE 100.0 / -d.odds END
                    - (1 - d.fair_probability) END AS expected_value,
                CASE WHEN d.no_odds IS NULL THEN
                    d.probability / CASE WHEN d.odds > 0 THEN 100.0 / (d.odds + 100)
                                         ELSE -d.odds / (100.0 - d.odds) END - 1 END AS closing_line_value,
                CASE WHEN d.no_odds IS NOT NULL THEN d.no_odds
                     WHEN d.probability IS NULL THEN {_words(prices.NO_CLOSING)}
                     WHEN d.fair_probability IS NULL THEN {_words(prices.NO_FAIR)} END AS value_reason
            FROM priced d LEFT JOIN market_odds o ON o.id = d.odds_id
        )
        SELECT w.pick_id, w.source, t.id, {", ".join(f"w.{name}" for name in _VALUES)}
        FROM worth w LEFT JOIN pick_market_odds t ON t.pick_id = w.pick_id AND t.source = w.source
        WHERE t.id IS NULL OR {differs}
    """  # noqa: S608
