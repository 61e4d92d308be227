"""Claims about the old application: everything it goes on writing works on the upgraded file, with foreign keys on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.upgrade import check, upgrade
from firsttd_pipeline_tests.shared_data import LEGACY_DB, needs_shared
from firsttd_pipeline_tests.storage.legacy import legacy_copy, rows

pytestmark = needs_shared


@pytest.fixture
def path(tmp_path: Path) -> Path:
    copy = legacy_copy(tmp_path)
    upgrade(Database(copy))
    return copy


@pytest.fixture
def app(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection as the old application opens it."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA foreign_keys = ON")
    yield conn
    conn.close()
    assert check(Database(path)) == []


def one(app: sqlite3.Connection, sql: str) -> tuple[object, ...]:
    found: tuple[object, ...] = app.execute(sql).fetchone()
    return found


def test_it_adds_a_member_a_week_a_pick_and_a_result(app: sqlite3.Connection) -> None:
    with app:
        app.execute("INSERT INTO users (name, email, is_admin) VALUES ('Harper', 'h@example.org', 0)")
        app.execute("INSERT INTO weeks (season, week, started_at, ended_at) VALUES (2026, 1, NULL, NULL)")
        app.execute(
            "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
            "VALUES (8, 21, 'KC', 'Kareem Hunt', 1200, 12.0, '2025_01_KC_LAC')"
        )
        app.execute(
            "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
            "VALUES (77, 'K.Hunt', 1, 12.0, 1)"
        )
    assert one(app, "SELECT id, kind, player_id, source, odds_placeholder FROM picks WHERE user_id = 8") == (
        77,
        "player",
        None,
        "external",
        0,
    )
    assert one(app, "SELECT graded_by, graded_at IS NOT NULL FROM results WHERE pick_id = 77") == ("external", 1)


def test_it_grades_and_edits(app: sqlite3.Connection) -> None:
    with app:
        app.execute("UPDATE results SET is_correct = ?, actual_return = ? WHERE pick_id = ?", (1, 9.0, 1))
        app.execute("UPDATE results SET actual_scorer = 'X', any_time_td = 1 WHERE pick_id = 1")
        for column, value in {
            "player_name": "A.J. Brown",
            "team": "PHI",
            "odds": 950.0,
            "theoretical_return": 9.5,
        }.items():
            app.execute(f"UPDATE picks SET {column} = ? WHERE id = 1", (value,))
        app.execute("UPDATE picks SET game_id = NULL WHERE id = 1")
        app.execute("UPDATE picks SET game_id = '2025_01_DAL_PHI' WHERE id = 1")
        app.execute("UPDATE users SET base_bet = 2.5 WHERE id = 1")
    assert one(app, "SELECT is_correct, actual_return, any_time_td FROM results WHERE pick_id = 1") == (1, 9.0, 1)
    assert one(app, "SELECT base_bet FROM users WHERE id = 1") == (2.5,)


def test_it_deletes_picks_results_members_and_weeks(app: sqlite3.Connection) -> None:
    with app:
        app.execute("DELETE FROM results WHERE pick_id = 1")
        app.execute("DELETE FROM picks WHERE id = 2")
        app.execute("DELETE FROM picks WHERE user_id = 7")
        app.execute("DELETE FROM users WHERE id = 7")
        app.execute("INSERT INTO weeks (season, week) VALUES (2026, 5)")
        app.execute("DELETE FROM weeks WHERE season = 2026")
    assert one(app, "SELECT count(*) FROM results WHERE pick_id IN (1, 2)") == (0,)
    assert one(app, "SELECT count(*) FROM users") == (6,)


def test_deleting_a_member_or_week_with_picks_is_refused_and_says_why(app: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="users: picks refer to this user"):
        app.execute("DELETE FROM users WHERE id = 1")
    with pytest.raises(sqlite3.IntegrityError, match=r"weeks: (picks|games) refer to this week"):
        app.execute("DELETE FROM weeks WHERE id = 1")


def test_a_pick_on_a_game_that_is_not_there_is_refused_and_says_why(app: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match=r"picks\.game_id: no game with this id"):
        app.execute(
            "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
            "VALUES (1, 1, 'KC', 'x', 1, 1, '2025_99_KC_KC')"
        )


def test_its_statistics_rows_do_no_harm(app: sqlite3.Connection) -> None:
    with app:
        app.execute(
            "INSERT OR IGNORE INTO player_stats (player_name, season, team, position, games_played, first_td_count) "
            "VALUES ('CMC', 2025, 'SF', 'RB', 0, 0)"
        )
    assert one(app, "SELECT count(*) FROM player_stats") == (0,)


def test_it_replaces_games_and_rosters_and_adds_touchdowns(app: sqlite3.Connection) -> None:
    with app:
        app.execute(
            "INSERT OR REPLACE INTO games "
            "(id, season, week, game_date, home_team, away_team, home_score, away_score, status) "
            "VALUES ('2025_01_DAL_PHI', 2025, 1, '2025-09-04', 'PHI', 'DAL', 24, 20, 'final')"
        )
        for name in ("Kareem Hunt", "K. Hunt"):
            app.execute(
                "INSERT OR REPLACE INTO rosters (season, team, player_id, player_name, position, jersey_number) "
                "VALUES (2025, 'KC', '00-0033923', ?, 'RB', 29)",
                (name,),
            )
        for play, first in ((100, 1), (200, 0)):
            app.execute(
                "INSERT INTO touchdowns (game_id, player_name, team, is_first_td, play_id, season) "
                "VALUES ('2025_01_DAL_PHI', 'J.Hurts', 'PHI', ?, ?, 2025)",
                (first, play),
            )
    assert one(app, "SELECT home_score FROM games WHERE id = '2025_01_DAL_PHI'") == (24,)
    assert one(app, "SELECT count(*) FROM picks WHERE game_id = '2025_01_DAL_PHI'") == (1,)
    assert one(app, "SELECT player_name FROM rosters") == ("K. Hunt",)
    assert one(app, "SELECT count(*) FROM touchdowns") == (2,)


def test_it_finds_nothing_left_to_migrate(app: sqlite3.Connection) -> None:
    assert one(app, "SELECT max(version) FROM schema_version") == (20,)
    app.execute("INSERT OR REPLACE INTO sync_metadata (key, value) VALUES ('last_sync', 'now')")
    app.rollback()


def test_it_reads_the_columns_it_knows(path: Path) -> None:
    for table in ("users", "weeks", "picks", "results", "player_stats", "team_ratings", "market_odds"):
        old = [name for _, name, *_ in rows(LEGACY_DB, f"PRAGMA table_info({table})")]
        new = [name for _, name, *_ in rows(path, f"PRAGMA table_info({table})")]
        assert [c for c in old if c not in new] == []
