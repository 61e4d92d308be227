"""Claims about speed that do not age: no hot query reads a whole table, on filled and analysed databases."""

# ruff: noqa: E501  (an SQL statement reads best unbroken)

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import Connection, event, text

from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_prices import closing_lines, price_path, read_odds_of_game
from firsttd_pipeline.storage.upgrade import upgrade
from firsttd_pipeline_tests.conftest import PostgresServer

# n(i) counts from 0; seasons 2015-2024, 22 weeks, 32 teams, 12 games a week, 1000 members.
FILL = {
    "weeks": "(season, week) SELECT 2015 + i / 22, 1 + i % 22 FROM n WHERE i < 220",
    "users": "(name) SELECT 'member ' || i FROM n WHERE i < 1000",
    "games": "(id, season, week, home_team, away_team) SELECT 'g' || i, 2015 + i / 264, 1 + (i / 12) % 22, "
    "'T' || (i % 12), 'T' || (12 + i % 12) FROM n WHERE i < 2640",
    "rosters": "(season, team, player_id, player_name, position) SELECT 2015 + i / 2000, 'T' || (i % 32), "
    "'00-' || (i % 2000), 'Player ' || (i % 2000), 'P' || (i % 12) FROM n WHERE i < 20000",
    "picks": "(user_id, week_id, team, player_name, player_id, game_id) SELECT 1 + i % 1000, 1 + (i / 1000) * 2, 'T1', "
    "'Player ' || i, '00-' || i, 'g' || (i % 2640) FROM n WHERE i < 60000",
    "results": "(pick_id, is_correct, actual_return) SELECT i + 1, CASE WHEN i % 15 = 0 THEN {true} ELSE {false} END, 1.5 "
    "FROM n WHERE i < 60000",
    "player_stats": "(player_name, season, team, position, player_id, roster_id, first_td_count) SELECT 'Player ' || "
    "(i % 2000), 2015 + i / 2000, 'T' || (i % 32), 'P' || (i % 12), '00-' || (i % 2000), i + 1, i % 7 FROM n "
    "WHERE i < 20000",
    "team_ratings": "(team, season, week, elo_rating) SELECT 'T' || (i % 32), 2015 + i / 736, (i / 32) % 23, 1500 + i % 99 "
    "FROM n WHERE i < 7360",
    "leaderboard": "(season, week, user_id, rank, picks, graded, pending, void, first_td, any_time_td, points, staked, "
    "profit, current_streak, best_streak) SELECT 2015 + i / 6000, (i / 1000) % 6, 1 + i % 1000, i % 1000, 1, 1, 0, 0, 0, "
    "0, 0, 0, 0, 0, 0 FROM n WHERE i < 60000",
    "market_legs": "(source, market_id, event_id, season, game_id, kind, label, player_id, status, first_seen_at, "
    "last_seen_at) SELECT CASE i % 2 WHEN 0 THEN 'kalshi' ELSE 'odds_api' END, 'm' || i, 'e' || (i % 2640), "
    "2015 + (i % 2640) / 264, 'g' || (i % 2640), 'player', 'Player ' || (i % 40), '00-' || (i % 40), 'open', {instant}, "
    "{instant} FROM n WHERE i < 30000",
    "market_odds": "(leg_id, source, game_id, season, week, player_name, player_id, implied_probability, snapshot_time) "
    "SELECT 1 + i % 30000, CASE i % 2 WHEN 0 THEN 'kalshi' ELSE 'odds_api' END, 'g' || (i % 2640), "
    "2015 + (i % 2640) / 264, 1, 'Player ' || (i % 40), '00-' || (i % 40), 0.1, {instant} FROM n WHERE i < 60000",
    "market_closings": "(source, game_id, player_id, season, week, kickoff_at, closing_at, odds_id, legs, probability, "
    "fair_probability) SELECT CASE i % 2 WHEN 0 THEN 'kalshi' ELSE 'odds_api' END, 'g' || i, '00-' || (i % 40), "
    "2015 + i / 264, 1, {instant}, {instant}, i + 1, 1, 0.1, 0.1 FROM n WHERE i < 2640",
    "touchdowns": "(game_id, play_id, season, player_id, is_first_td) SELECT 'g' || (i % 2640), i, 2015 + (i % 2640) / 264, "
    "'00-' || (i % 2000), CASE WHEN i < 2640 THEN {true} ELSE {false} END FROM n WHERE i < 14000",
    "sync_runs": "(dataset, season, url, status, fetched_at) SELECT 'd' || (i % 4), 2015 + i % 10, 'u', 'changed', {instant} "
    "FROM n WHERE i < 20000",
}
WORDS = {
    "sqlite": {"true": "1", "false": "0", "instant": "datetime(1700000000 + i * 60, 'unixepoch')"},
    "postgresql": {"true": "true", "false": "false", "instant": "to_timestamp(1700000000 + i * 60)"},
}

HOT = {
    "a position's players in a season": "SELECT * FROM player_stats WHERE season = 2024 AND position = 'P3'",
    "a position's players": "SELECT * FROM player_stats WHERE position = 'P3' AND team = 'T3'",
    "a team's players": "SELECT * FROM player_stats WHERE team = 'T3'",
    "a team's players in a season": "SELECT * FROM player_stats WHERE team = 'T3' AND season = 2024",
    "a member's picks in a week": "SELECT * FROM picks WHERE user_id = 7 AND week_id = 9",
    "a member's picks": "SELECT * FROM picks WHERE user_id = 7",
    "a week's picks": "SELECT * FROM picks WHERE week_id = 9",
    "a game's picks": "SELECT * FROM picks WHERE game_id = 'g77'",
    "a pick's result": "SELECT * FROM results WHERE pick_id = 4711",
    "winning results": "SELECT pick_id FROM results WHERE is_correct = {true}",
    "a team's latest rating": "SELECT * FROM team_ratings WHERE team = 'T3' ORDER BY season DESC, week DESC LIMIT 1",
    "ratings of a week": "SELECT * FROM team_ratings WHERE season = 2024 AND week = 3",
    "a week's games": "SELECT * FROM games WHERE season = 2024 AND week = 3",
    "a season's games": "SELECT * FROM games WHERE season = 2024",
    "a team's games at home": "SELECT * FROM games WHERE home_team = 'T3' AND season = 2024",
    "a team's games away": "SELECT * FROM games WHERE away_team = 'T15' AND season = 2024",
    "the game of two teams": "SELECT * FROM games WHERE season = 2024 AND week = 3 AND home_team = 'T3' AND away_team = 'T15'",
    "a player's odds in a game": "SELECT * FROM market_odds WHERE game_id = 'g77' AND player_id = '00-37'",
    "a season's latest odds": "SELECT * FROM market_odds WHERE season = 2015 ORDER BY snapshot_time DESC LIMIT 50",
    "a leg's last price": "SELECT * FROM market_odds WHERE leg_id = 77 ORDER BY snapshot_time DESC LIMIT 1",
    "a game's legs": "SELECT * FROM market_legs WHERE game_id = 'g77'",
    "a venue's open legs": "SELECT * FROM market_legs WHERE season = 2015 AND source = 'kalshi' AND status = 'open'",
    "the standings": "SELECT * FROM leaderboard WHERE season = 2024 AND week = 0 ORDER BY rank",
    "a member's standings": "SELECT * FROM leaderboard WHERE user_id = 7",
    "a team's roster": "SELECT * FROM rosters WHERE season = 2024 AND team = 'T3'",
    "a player's roster rows": "SELECT * FROM rosters WHERE season = 2024 AND player_id = '00-17'",
    "a game's touchdowns": "SELECT * FROM touchdowns WHERE game_id = 'g77'",
    "a player's touchdowns": "SELECT * FROM touchdowns WHERE season = 2024 AND player_id = '00-400'",
    "a game's first touchdown": "SELECT * FROM touchdowns WHERE game_id = 'g77' AND is_first_td = {true}",
    "the last fetch": "SELECT * FROM sync_runs WHERE dataset = 'd3' AND season = 2018 ORDER BY id DESC LIMIT 1",
}
IN_ORDER = ("a team's latest rating", "a season's latest odds", "a leg's last price", "the standings", "the last fetch")

READS: dict[str, Callable[[Connection], pl.DataFrame]] = {
    "the latest odds of a game": lambda conn: read_odds_of_game(conn, "g77"),
    "a player's price path": lambda conn: price_path(conn, "g77", "00-37"),
    "a season's closing lines": lambda conn: closing_lines(conn, 2015),
}


def filled(db: Database) -> Database:
    upgrade(db)
    words = WORDS[db.dialect]
    with db.write() as conn:
        grade_triggers.uninstall(conn)  # nobody grades 60,000 picks at once
        conn.execute(text("CREATE TEMPORARY TABLE n (i INTEGER)"))
        if db.dialect == "sqlite":
            count = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 59999) SELECT i FROM c"
            conn.execute(text(f"INSERT INTO n {count}"))
        else:
            conn.execute(text("INSERT INTO n SELECT generate_series(0, 59999)"))
        for table, rows in FILL.items():
            conn.execute(text(f"INSERT INTO {table} {rows.format(**words)}"))
        conn.execute(text("DROP TABLE n"))
        grade_triggers.install(conn)
    with db.engine.connect() as conn:
        raw: Any = conn.connection.driver_connection
        if db.dialect == "postgresql":
            raw.autocommit = True
        raw.execute("ANALYZE" if db.dialect == "sqlite" else "VACUUM ANALYZE")
        if db.dialect == "postgresql":
            raw.autocommit = False
    return db


@pytest.fixture(scope="module")
def filled_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("plans")
    db = filled(Database(folder / "league.db"))
    yield db
    db.close()


@pytest.fixture(scope="module")
def filled_postgres(postgres_server: PostgresServer) -> Iterator[Database]:
    url = postgres_server.create()
    db = filled(Database(url))
    yield db
    db.close()
    postgres_server.drop(url)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("query", HOT)
def test_sqlite_reads_no_whole_table(filled_sqlite: Database, query: str) -> None:
    sql = HOT[query].format(**WORDS["sqlite"])
    with filled_sqlite.read() as conn:
        steps = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
        assert conn.exec_driver_sql(sql).first() is not None
    assert not [s for s in steps if re.match("SCAN", s)], steps
    if query in IN_ORDER:
        assert not [s for s in steps if "TEMP B-TREE" in s], steps


@pytest.mark.parametrize("query", HOT)
def test_postgres_reads_no_whole_table(filled_postgres: Database, query: str) -> None:
    sql = HOT[query].format(**WORDS["postgresql"])
    with filled_postgres.read() as conn:
        found = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}").scalar_one()
        assert conn.exec_driver_sql(sql).first() is not None
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    kinds = [n["Node Type"] for n in nodes(plan)]
    assert "Seq Scan" not in kinds, json.dumps(plan, indent=1)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_no_read_of_the_markets_goes_through_a_whole_table(
    request: pytest.FixtureRequest, engine: str, read: str
) -> None:
    db: Database = request.getfixturevalue(f"filled_{engine}")
    ran: list[tuple[str, Any]] = []
    with db.read() as conn:
        event.listen(conn, "before_cursor_execute", lambda _c, _cur, sql, given, *_: ran.append((sql, given)))
        found = READS[read](conn)
    assert ran
    assert found.height
    with db.read() as conn:
        for sql, given in ran:
            if engine == "sqlite":
                steps = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)]
                assert not [s for s in steps if s.startswith("SCAN")], steps
            else:
                plan = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", given).scalar_one()
                plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
                whole = {n["Relation Name"] for n in nodes(plan) if n["Node Type"] == "Seq Scan"}
                assert whole <= {"market_closing_packs"}, json.dumps(plan, indent=1)  # that has one row a season
