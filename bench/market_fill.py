"""A store full of snapshots to measure on: seasons of games, legs at three venues, prices from nightly runs and ticks.

Made inside the database by a few statements, with triggers and foreign keys out of the way; as a season would leave it:
ten nights before a game a snapshot, and one every 15 minutes from 6:00 in New York to kickoff; rows in order of time.
"""

# ruff: noqa: E501  (an SQL statement reads best unbroken)

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, insert, text

from firsttd_pipeline.sample.calendar import TEAMS
from firsttd_pipeline.sample.people import invent_name
from firsttd_pipeline.storage import grade_triggers, schema, triggers
from firsttd_pipeline.storage.engine import Database, make_engine

LAST_SEASON = 2025
WEEKS = 18
NIGHTS = 11
VENUES = ("kalshi", "polymarket")
BOOKS = ("draftkings", "fanduel")
A_SEASON = 1_000_000
"""Snapshots of a whole season, about."""

# Days after the week's Thursday, and the time in UTC.
_SLOTS = ((1, 0, 15), *[(3, 17, 0)] * 9, *[(3, 20, 25)] * 4, (4, 0, 20), (5, 0, 15))


@dataclass(frozen=True)
class Filled:
    """What was put in."""

    snapshots: int
    legs: int
    picks: int
    seconds: float


def say(what: str) -> None:
    """A line of progress for whoever waits."""
    print(f"  {datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


def fixtures(season: int, weeks: int) -> Iterator[dict[str, Any]]:
    """Every team once a week, by the circle method."""
    fixed, *circle = TEAMS
    first = date(season, 9, 4)
    first += timedelta(days=(3 - first.weekday()) % 7)
    for week in range(1, weeks + 1):
        ring = [fixed, *circle[week % 31 :], *circle[: week % 31]]
        for i, (days, hour, minute) in enumerate(_SLOTS):
            home, away = ring[i], ring[31 - i]
            day = first + timedelta(days=7 * (week - 1) + days)
            kickoff = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
            yield {
                "id": f"{season}_{week:02}_{away}_{home}",
                "season": season,
                "week": week,
                "game_type": "REG",
                "game_date": day - timedelta(days=hour < 12),
                "kickoff_at": kickoff,
                "home_team": home,
                "away_team": away,
                "home_score": 20,
                "away_score": 17,
                "status": "final",
                "source": "nflverse",
            }


def ticks(game: dict[str, Any]) -> list[datetime]:
    """When a game's legs were looked at: nights, then every 15 minutes of its day until kickoff."""
    kickoff, day = game["kickoff_at"], game["game_date"]
    night = datetime(day.year, day.month, day.day, 7, tzinfo=UTC)
    found = [night - timedelta(days=d) for d in range(NIGHTS)]
    found += [night + timedelta(hours=3, minutes=15 * i) for i in range(96)]
    return sorted(at for at in found if at <= kickoff)


def fill(db: Database, snapshots: int, *, members: int = 0, picks: int = 0) -> Filled:
    """Fill an upgraded, empty database with about so many snapshots, and a last season's picks by so many members."""
    seasons = max(1, round(snapshots / A_SEASON))
    weeks = max(1, min(WEEKS, round(WEEKS * snapshots / (seasons * A_SEASON))))
    start = time.perf_counter()
    engine = make_engine(db.url, db.busy_timeout_s, foreign_keys=False)
    with db.begin(engine) as conn:
        if db.dialect == "sqlite":
            conn.exec_driver_sql("PRAGMA cache_size = -400000")
            grade_triggers.uninstall(conn)
            triggers.remove(conn)
        else:
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
            conn.exec_driver_sql("SET LOCAL work_mem = '256MB'")
            conn.exec_driver_sql("SET LOCAL synchronous_commit = off")
        rows = legs = 0
        for season in range(LAST_SEASON - seasons + 1, LAST_SEASON + 1):
            added = _season(conn, season, weeks)
            rows, legs = rows + added[1], legs + added[0]
            say(f"{db.dialect}: {rows:,} snapshots")
        made = _picks(conn, members, picks) if picks else 0
        if db.dialect == "sqlite":
            triggers.install(conn, schema.metadata)
            grade_triggers.install(conn)
    engine.dispose()
    return Filled(rows, legs, made, time.perf_counter() - start)


def _season(conn: Connection, season: int, weeks: int) -> tuple[int, int]:
    """One season; how many legs and snapshots."""
    games = list(fixtures(season, weeks))
    conn.execute(insert(schema.weeks), [{"season": season, "week": week} for week in range(1, weeks + 1)])
    conn.execute(insert(schema.games), games)
    conn.execute(insert(schema.rosters), _people(season))
    sqlite = conn.dialect.name == "sqlite"
    conn.exec_driver_sql(
        "CREATE TEMPORARY TABLE bench_ticks (game_id TEXT, at {}, n INTEGER)".format(
            "TEXT" if sqlite else "timestamptz"
        )
    )
    looked = [(game["id"], at, n) for game in games for n, at in enumerate(ticks(game))]
    if sqlite:
        conn.exec_driver_sql(
            "INSERT INTO bench_ticks VALUES (?, ?, ?)", [(g, f"{at:%Y-%m-%d %H:%M:%S}", n) for g, at, n in looked]
        )
    else:
        conn.exec_driver_sql("INSERT INTO bench_ticks VALUES (%s, %s, %s)", looked)
    conn.execute(text(_OUTCOMES.format(season=season)))
    conn.execute(text(_EVENTS), {"season": season})
    legs = 0
    for venue in VENUES:
        legs += conn.execute(text(_LEGS), {"venue": venue, "season": season}).rowcount
    for book in BOOKS:
        legs += conn.execute(text(_BOOK_LEGS), {"book": book, "season": season}).rowcount
    if not sqlite:
        conn.exec_driver_sql("ANALYZE market_legs")
        conn.exec_driver_sql("ANALYZE bench_ticks")
    snapshots = conn.execute(text(_ODDS), {"season": season}).rowcount
    conn.exec_driver_sql("DROP TABLE bench_ticks")
    conn.exec_driver_sql("DROP TABLE bench_outcomes")
    return legs, snapshots


def _people(season: int, each: int = 15) -> list[dict[str, Any]]:
    """So many players a team who may score first, the same in every season."""
    rng, taken, people = Random(7), set[str](), []
    for t, team in enumerate(TEAMS):
        for i in range(each):
            name = next(n for n in iter(lambda: invent_name(rng), "") if n not in taken)
            taken.add(name)
            first, last = name.split(" ", 1)
            position = ("RB", "WR", "TE", "WR", "QB")[i % 5]
            people.append({"season": season, "team": team, "player_id": f"00-01{t:02}{i:03}", "player_name": name,
                "first_name": first, "last_name": last, "football_name": first, "position": position,
                "jersey_number": 10 + i, "status": "ACT"})  # fmt: skip
    return people


def add_slate(db: Database) -> datetime:
    """Sixteen games of a season to come, all on one Sunday, with 26 players a team; the time in its morning."""
    season = LAST_SEASON + 1
    games = list(fixtures(season, 1))
    sunday: datetime = max(game["kickoff_at"] for game in games if game["kickoff_at"].hour == 17)
    for i, game in enumerate(games):
        kickoff = sunday if i < 9 else sunday + timedelta(hours=3, minutes=25)
        game |= {"kickoff_at": kickoff, "game_date": sunday.date(), "status": "scheduled"}
        game |= {"home_score": None, "away_score": None}
    with db.write() as conn:
        conn.execute(insert(schema.weeks), {"season": season, "week": 1})
        conn.execute(insert(schema.games), games)
        conn.execute(insert(schema.rosters), _people(season, 26))
    return sunday - timedelta(hours=2)


# 21 players, the two defenses, and no touchdown: 24 legs a game at a venue.
_OUTCOMES = """
CREATE TEMPORARY TABLE bench_outcomes AS
SELECT g.id AS game_id, g.kickoff_at, r.player_id, r.player_name AS label, r.team, 'player' AS kind,
    2 * (r.jersey_number - 10) + CASE WHEN r.team = g.home_team THEN 0 ELSE 1 END AS no
FROM games g JOIN rosters r ON r.season = g.season AND r.team IN (g.home_team, g.away_team)
WHERE g.season = {season} AND r.jersey_number < 20 + CASE WHEN r.team = g.home_team THEN 1 ELSE 0 END
UNION ALL SELECT id, kickoff_at, 'DST:' || home_team, home_team || ' D/ST', home_team, 'dst', 21 FROM games WHERE season = {season}
UNION ALL SELECT id, kickoff_at, 'DST:' || away_team, away_team || ' D/ST', away_team, 'dst', 22 FROM games WHERE season = {season}
UNION ALL SELECT id, kickoff_at, 'NO_TD', 'No Touchdown', NULL, 'no_td', 23 FROM games WHERE season = {season}
"""

_EVENTS = """
INSERT INTO market_events (source, event_id, season, title, away, home, event_date, game_id, first_seen_at, last_seen_at)
SELECT v.source, v.source || '-' || g.id, g.season, g.id, g.away_team, g.home_team, g.game_date, g.id, g.kickoff_at,
    g.kickoff_at
FROM games g CROSS JOIN (SELECT 'kalshi' AS source UNION ALL SELECT 'polymarket' UNION ALL SELECT 'odds_api') v
WHERE g.season = :season
"""

_LEG_COLUMNS = """
INSERT INTO market_legs (source, market_id, event_id, season, game_id, kind, label, team, player_id, method, book, status,
    result, first_seen_at, last_seen_at, closed_at, settled_at, history_at)
"""
_LEG_VALUES = """{season}, o.game_id, o.kind, o.label, o.team, o.player_id, 'name', {book}, 'settled',
    CASE WHEN o.no = length(o.game_id) % 7 THEN 'yes' ELSE 'no' END, o.kickoff_at, o.kickoff_at, o.kickoff_at,
    o.kickoff_at, o.kickoff_at
FROM bench_outcomes o
"""
_LEGS = (
    _LEG_COLUMNS
    + "SELECT :venue, 'KXNFLFIRSTTD-' || o.game_id || '-' || o.player_id, :venue || '-' || o.game_id, "
    + _LEG_VALUES.format(season=":season", book="NULL")
)
_BOOK_LEGS = (
    _LEG_COLUMNS
    + "SELECT 'odds_api', o.game_id || '/' || :book || '/' || o.label, 'odds_api-' || o.game_id, "
    + _LEG_VALUES.format(season=":season", book=":book")
    + "WHERE o.no < 12"
)

# Prices fall with the player's rank and wander by a cent or two; one book in twenty is wide.
_ODDS = """
INSERT INTO market_odds (leg_id, source, market_id, game_id, season, week, player_id, player_name, team, bid, ask,
    bid_size, ask_size, raw_price, volume, implied_probability, reason, american_odds, taken_from, snapshot_time,
    created_at)
SELECT id, source, market_id, game_id, season, week, player_id, label, team, bid, ask, 100.0, 250.0, ask,
    10.0 * n, CASE WHEN wide THEN NULL WHEN bid IS NULL THEN ask ELSE (bid + ask) / 2 END,
    CASE WHEN wide THEN 'the book is wider than 0.10' END,
    CASE WHEN wide THEN NULL ELSE CAST(100 / ask AS INTEGER) - 100 END, 'snapshot', at, at
FROM (
    SELECT p.*, CASE WHEN source <> 'odds_api' THEN (cents - 1) / 100.0 END AS bid,
        (cents + CASE WHEN wide THEN 40 ELSE 2 END) / 100.0 AS ask
    FROM (
        SELECT l.id, l.source, l.market_id, l.game_id, l.season, g.week, l.player_id, l.label, l.team, t.at, t.n,
            CAST(2 + 12.0 / (1 + 0.2 * (l.id % 24)) + (l.id * 7919 + t.n * 10729) % 3 AS INTEGER) AS cents,
            l.source <> 'odds_api' AND (l.id * 31 + t.n * 17) % 20 = 0 AS wide
        FROM market_legs l JOIN games g ON g.id = l.game_id JOIN bench_ticks t ON t.game_id = l.game_id
        WHERE l.season = :season
    ) p
) q
ORDER BY at, id
"""

# Every member takes the same number of the last season's outcomes, another part of them each.
_PICKS = """
INSERT INTO picks (user_id, week_id, team, player_name, odds, created_at, game_id, kind, player_id, source)
SELECT u.id, w.id, coalesce(o.team, g.home_team), o.label, 600 + (u.id * 13 + o.no) % 40 * 50, {made}, o.game_id, o.kind,
    o.player_id, 'cli'
FROM (
    SELECT l.*, row_number() OVER (ORDER BY l.game_id, l.player_id) - 1 AS no
    FROM market_legs l WHERE l.season = :season AND l.source = 'kalshi' AND l.kind <> 'no_td'
) o
JOIN games g ON g.id = o.game_id JOIN weeks w ON w.season = g.season AND w.week = g.week
CROSS JOIN users u
WHERE (o.no + u.id * 37) % :outcomes < :each
ORDER BY w.week, u.id, o.no
"""
_MADE = {
    "sqlite": "datetime(g.kickoff_at, '-' || (30 + (u.id * 7 + o.no * 11) % 4000) || ' minutes')",
    "postgresql": "g.kickoff_at - (30 + (u.id * 7 + o.no * 11) % 4000) * interval '1 minute'",
}


def _picks(conn: Connection, members: int, picks: int) -> int:
    """Picks of the last season, and the event that each was made."""
    conn.execute(insert(schema.users), [{"name": f"Member {i:05}"} for i in range(members)])
    outcomes = conn.execute(
        text("SELECT count(*) FROM market_legs WHERE season = :season AND source = 'kalshi' AND kind <> 'no_td'"),
        {"season": LAST_SEASON},
    ).scalar_one()
    each = min(-(-picks // members), outcomes)
    made = conn.execute(
        text(_PICKS.format(made=_MADE[conn.dialect.name])),
        {"season": LAST_SEASON, "outcomes": outcomes, "each": each},
    ).rowcount
    conn.execute(
        text(
            "INSERT INTO pick_events (event, pick_id, user_id, game_id, kind, player_id, player_name, happened_at) "
            "SELECT 'picked', id, user_id, game_id, kind, player_id, player_name, created_at FROM picks"
        )
    )
    say(f"{conn.dialect.name}: {made:,} picks")
    return made
