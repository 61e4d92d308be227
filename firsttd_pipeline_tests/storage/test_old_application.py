"""Claims about the old application: what its own statements do on the upgraded league with a real season in it.

Each works or is refused with a message that says why, on SQLite as it sends it and on PostgreSQL in PostgreSQL's form;
none removes a grade or a touchdown silently; and the next nightly run puts right what a statement took away.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from sqlalchemy import select

from firsttd_pipeline.refresh import League, run_season
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.copying import copy_league
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grade_triggers import counts_disagree
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline.storage.upgrade import check, upgrade
from firsttd_pipeline_tests.conftest import PostgresServer
from firsttd_pipeline_tests.e2e.league import AFTER, SEASON, settings_for
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import LEGACY_DB, MIRROR, needs_shared
from firsttd_pipeline_tests.storage.legacy import legacy_copy, rows

pytestmark = needs_shared

GAME = "2025_01_DAL_PHI"
"""Pick 1 (AJ Brown) is on it; Javonte Williams scored first, and there are four more touchdowns."""
HURTS = "00-0036389"
NEXT_NIGHT = AFTER + timedelta(days=1)


class App:
    """The old application's connection: plain SQL, foreign keys on, each statement committed by itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.db = Database(settings.database)
        self.sqlite = self.db.dialect == "sqlite"
        self._conn: Any
        if self.sqlite:
            self._conn = sqlite3.connect(str(self.db.path), isolation_level=None)
            self._conn.execute("PRAGMA foreign_keys = ON")
        else:
            url = self.db.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._conn = psycopg.connect(url, autocommit=True)

    def run(self, sql: str, *values: object, postgres: str | None = None) -> int:
        """Send a statement, on PostgreSQL in its own form where one is given; returns the rows it changed."""
        if not self.sqlite:
            sql = (postgres or sql).replace("?", "%s")
        return int(self._conn.execute(sql, values).rowcount)

    def all(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._conn.execute(sql if self.sqlite else sql.replace("?", "%s"), values)]

    def one(self, sql: str, *values: object) -> tuple[Any, ...]:
        (found,) = self.all(sql, *values)
        return found

    def frame(self, table: str, *without: str) -> pl.DataFrame:
        of = metadata.tables[table]
        return self.db.frame(select(*[c for c in of.c if c.name not in without]).order_by(*of.primary_key.columns))

    def next_night(self) -> dict[str, Any]:
        with League.open(self.settings) as league:
            return {report.asset: report for report in run_season(league, SEASON, NEXT_NIGHT)}

    def close(self) -> None:
        self._conn.close()
        self.db.close()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    server = Server(MIRROR)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, upstream: Server) -> Settings:
    """The league's own file, upgraded, after the nightly run of its season."""
    home = tmp_path_factory.mktemp("played")
    db = Database(legacy_copy(home).rename(home / "firsttd.db"))
    upgrade(db)
    db.close()
    settings = settings_for(home, upstream.url)
    with League.open(settings) as league:
        run_season(league, SEASON, AFTER)
    return settings


@pytest.fixture(scope="module")
def played_postgres(played: Settings, postgres_server: PostgresServer) -> Iterator[str]:
    """The same league copied to PostgreSQL: the name of a database to make others from."""
    url = postgres_server.create()
    source, target = Database(played.database), Database(url)
    copy_league(source, target)
    with target.write() as conn:
        conn.exec_driver_sql("ANALYZE")  # as the server does by itself after a while; the copies have it too
    source.close()
    target.close()
    yield url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
    postgres_server.drop(url)


@contextmanager
def league(dialect: str, played: Settings, folder: Path, request: pytest.FixtureRequest) -> Iterator[App]:
    """A league of its own on either database; afterwards it is sound, and no grade or touchdown went unrecorded."""
    server: PostgresServer = request.getfixturevalue("postgres_server")
    shutil.copyfile(played.home / "firsttd.db", folder / "firsttd.db")
    shutil.copytree(played.home / "raw", folder / "raw", copy_function=os.link)
    url = server.create(request.getfixturevalue("played_postgres")) if dialect == "postgres" else ""
    app = App(settings_for(folder, played.nflverse_url, **({"database_url": url} if url else {})))
    before = grades(app), touchdowns(app)
    yield app
    assert check(app.db) == []
    with app.db.read() as conn:
        assert counts_disagree(conn, SEASON).rows() == []
    recorded = {pick for (pick,) in app.all("SELECT pick_id FROM result_events WHERE event = 'ungraded'")}
    assert before[0] - grades(app) <= recorded
    assert before[1] <= touchdowns(app)
    app.close()
    if url:
        server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def app(request: pytest.FixtureRequest, played: Settings, tmp_path: Path) -> Iterator[App]:
    with league(request.param, played, tmp_path, request) as app:
        yield app


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def untouched(
    request: pytest.FixtureRequest, played: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """One league for all that is refused: it never changes."""
    with league(request.param, played, tmp_path_factory.mktemp("untouched"), request) as app:
        yield app


def grades(app: App) -> set[int]:
    return {pick for (pick,) in app.all("SELECT pick_id FROM results")}


def touchdowns(app: App) -> set[tuple[Any, ...]]:
    return set(app.all("SELECT game_id, play_id, is_first_td FROM touchdowns"))


def events(app: App, pick: int) -> list[str]:
    """What happened to a pick's grade since the application came."""
    found = app.all("SELECT event FROM result_events WHERE pick_id = ? AND changed_by IS NULL ORDER BY id", pick)
    return [event for (event,) in found]


ADD_PICK = (
    "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
ADD_RESULT = (
    "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) VALUES (?, ?, ?, ?, ?)"
)
ADD_TOUCHDOWN = (
    "INSERT INTO touchdowns (game_id, player_name, team, is_first_td, play_id, season) VALUES (?, ?, ?, ?, ?, ?)"
)
_GAME = (
    "games (id, season, week, game_date, home_team, away_team, home_score, away_score, status) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
REPLACE_GAME = {
    "sql": f"INSERT OR REPLACE INTO {_GAME}",
    "postgres": f"INSERT INTO {_GAME} ON CONFLICT (id) DO UPDATE SET season = excluded.season, week = excluded.week, "
    "game_date = excluded.game_date, home_score = excluded.home_score, away_score = excluded.away_score, "
    "status = excluded.status",
}
_ROSTER = "rosters (season, team, player_id, player_name, position, jersey_number) VALUES (?, ?, ?, ?, ?, ?)"
REPLACE_ROSTER = {
    "sql": f"INSERT OR REPLACE INTO {_ROSTER}",
    "postgres": f"INSERT INTO {_ROSTER} ON CONFLICT (season, team, player_id) DO UPDATE SET "
    "player_name = excluded.player_name, position = excluded.position, jersey_number = excluded.jersey_number",
}
_STATS = (
    "INTO player_stats (player_name, season, team, position, games_played, first_td_count) VALUES (?, ?, ?, ?, ?, ?)"
)
IGNORED_STATS = {"sql": f"INSERT OR IGNORE {_STATS}", "postgres": f"INSERT {_STATS} ON CONFLICT DO NOTHING"}


def replace_game(app: App, *values: object) -> int:
    return app.run(REPLACE_GAME["sql"], *values, postgres=REPLACE_GAME["postgres"])


def replace_roster(app: App, *values: object) -> int:
    return app.run(REPLACE_ROSTER["sql"], *values, postgres=REPLACE_ROSTER["postgres"])


def add_stats(app: App, *values: object) -> int:
    return app.run(IGNORED_STATS["sql"], *values, postgres=IGNORED_STATS["postgres"])


# --- members, weeks, picks --------------------------------------------------------------------------------------------


def test_insert_users_and_weeks_work(app: App) -> None:
    assert app.run("INSERT INTO users (name, email, is_admin) VALUES (?, ?, ?)", "Harper", "h@example.org", False) == 1
    assert app.run("INSERT INTO weeks (season, week, started_at, ended_at) VALUES (?, ?, ?, ?)", 2026, 1, None, None)
    assert app.one("SELECT base_bet, group_id FROM users WHERE name = 'Harper'") == (None, 1)
    assert app.one("SELECT count(*) FROM weeks WHERE season = 2026") == (1,)


def test_update_base_bet_works(app: App) -> None:
    assert app.run("UPDATE users SET base_bet = ? WHERE id = ?", 2.5, 1) == 1
    assert app.run("UPDATE users SET base_bet = ?", 2.0) == 7


def test_insert_picks_works_and_the_next_night_understands_and_grades_it(app: App) -> None:
    app.run(ADD_PICK, 7, 1, "DAL", "Javonte Williams", 700.0, 7.0, GAME)
    (pick, player, source) = app.one("SELECT id, player_id, source FROM picks WHERE player_name = 'Javonte Williams'")
    assert (player, source) == (None, "external")
    app.next_night()
    assert app.one("SELECT player_id FROM picks WHERE id = ?", pick) == ("00-0036997",)
    graded = app.one("SELECT is_correct, actual_return, graded_by FROM results WHERE pick_id = ?", pick)
    assert graded == (True, 7.0, "pipeline")


def test_insert_picks_of_a_game_to_come_waits_with_its_reason(app: App) -> None:
    app.run(ADD_PICK, 7, 1, "Unknown", "somebody", None, None, None)
    app.next_night()
    status, reason = app.one(
        "SELECT status, reason FROM pick_status WHERE pick_id = (SELECT id FROM picks WHERE player_name = 'somebody')"
    )
    assert status == "pending"
    assert reason


EDITS: dict[str, object] = {
    "player_name": "A.J. Brown",
    "team": "KC",
    "odds": 950.0,
    "theoretical_return": 9.5,
    "game_id": "2025_01_KC_LAC",
    "user_id": 7,
    "week_id": 2,
}


@pytest.mark.parametrize("column", EDITS)
def test_update_of_a_single_column_of_picks_works_and_its_grade_stays(app: App, column: str) -> None:
    value = EDITS[column]
    before = app.one("SELECT is_correct, actual_return, any_time_td, graded_by FROM results WHERE pick_id = 1")
    assert app.run(f"UPDATE picks SET {column} = ? WHERE id = ?", value, 1) == 1
    assert app.one(f"SELECT {column} FROM picks WHERE id = 1") == (value,)
    assert app.one("SELECT is_correct, actual_return, any_time_td, graded_by FROM results WHERE pick_id = 1") == before


def test_update_of_many_picks_at_once_works_and_their_grades_stay(app: App) -> None:
    before = app.all("SELECT pick_id, is_correct, any_time_td FROM results ORDER BY pick_id")
    assert app.run("UPDATE picks SET team = ? WHERE user_id = ?", "KC", 1) > 5
    assert app.run("UPDATE picks SET odds = ?", 400.0) == 74
    assert app.run("UPDATE picks SET game_id = NULL WHERE user_id = ?", 2) > 5
    app.run("UPDATE picks SET week_id = ?, player_name = ? WHERE id = ?", 2, "A.J. Brown", 1)
    app.run("UPDATE picks SET user_id = ?, game_id = ? WHERE id = ?", 7, "2025_01_KC_LAC", 3)
    grade = "SELECT pick_id, is_correct, any_time_td FROM results WHERE graded_by = 'external' ORDER BY pick_id"
    assert app.all(grade) == before
    app.next_night()
    assert app.all(grade) == before


# --- grades -----------------------------------------------------------------------------------------------------------


def test_insert_results_works_before_after_and_against_the_plays_and_stands(app: App) -> None:
    app.run(ADD_PICK, 7, 1, "DAL", "Javonte Williams", 700.0, 7.0, GAME)
    (pick,) = app.one("SELECT id FROM picks WHERE player_name = 'Javonte Williams'")
    app.run(ADD_RESULT, pick, "Jalen Hurts", False, 0.0, True)
    assert events(app, pick) == ["graded"]
    app.next_night()
    stands = app.one("SELECT is_correct, any_time_td, actual_scorer, graded_by FROM results WHERE pick_id = ?", pick)
    assert stands == (False, True, "Jalen Hurts", "external")


def test_update_results_works_and_the_record_has_old_and_new(app: App) -> None:
    assert app.run("UPDATE results SET is_correct = ?, actual_return = ? WHERE pick_id = ?", True, 9.0, 1) == 1
    sql = "UPDATE results SET is_correct = ?, actual_return = ?, actual_scorer = ?, any_time_td = ? WHERE pick_id = ?"
    assert app.run(sql, False, -1.0, "X", True, 2) == 1
    assert app.one("SELECT is_correct, actual_return, graded_by FROM results WHERE pick_id = 1") == (
        True,
        9.0,
        "external",
    )
    assert events(app, 1) == ["flipped"]
    changed = "SELECT old_is_correct, new_is_correct, new_actual_return FROM result_events WHERE id = (SELECT max(id) "
    assert app.one(changed + "FROM result_events WHERE pick_id = 1)") == (False, True, 9.0)
    app.next_night()
    assert app.one("SELECT is_correct, any_time_td, graded_by FROM results WHERE pick_id = 2") == (
        False,
        True,
        "external",
    )


def test_update_of_many_results_at_once_works_and_each_is_recorded(app: App) -> None:
    ids = grades(app)
    assert app.run("UPDATE results SET is_correct = ?, actual_return = ?", True, 1.0) == 74
    flipped = {pick for (pick,) in app.all("SELECT pick_id FROM result_events WHERE new_is_correct = ?", True)}
    assert ids <= flipped
    assert app.one("SELECT count(*) FROM standings_queue") == (74,)


def test_delete_results_works_is_recorded_and_the_next_night_grades_again(app: App) -> None:
    assert app.run("DELETE FROM results WHERE pick_id = ?", 1) == 1
    assert events(app, 1) == ["ungraded"]
    app.next_night()
    assert app.one("SELECT is_correct, graded_by FROM results WHERE pick_id = 1") == (False, "pipeline")


def test_delete_of_all_results_is_recorded_one_by_one(app: App) -> None:
    assert app.run("DELETE FROM results") == 74
    assert app.one("SELECT count(*) FROM result_events WHERE event = 'ungraded' AND changed_by IS NULL") == (74,)


def test_delete_picks_takes_the_grade_along_and_both_are_recorded(app: App) -> None:
    (members,) = app.one("SELECT count(*) FROM picks WHERE user_id = 7")
    assert app.run("DELETE FROM picks WHERE user_id = ?", 7) == members
    assert app.one("SELECT count(*) FROM result_events WHERE event = 'ungraded' AND user_id = 7") == (members,)
    assert app.one("SELECT count(*) FROM pick_events WHERE event = 'removed' AND user_id = 7") == (members,)
    assert app.one("SELECT count(*) FROM results WHERE pick_id NOT IN (SELECT id FROM picks)") == (0,)


def test_delete_users_and_weeks_without_picks_works(app: App) -> None:
    app.run("DELETE FROM picks WHERE user_id = ?", 7)
    app.run("INSERT INTO weeks (season, week) VALUES (?, ?)", 2026, 5)
    assert app.run("DELETE FROM users WHERE id = ?", 7) == 1
    assert app.run("DELETE FROM weeks WHERE season = ?", 2026) == 1
    assert app.one("SELECT count(*) FROM leaderboard WHERE user_id = 7") == (0,)


# --- games, rosters, touchdowns, statistics ---------------------------------------------------------------------------


def test_insert_or_replace_games_keeps_all_that_refers_to_it_postgres_on_conflict(app: App) -> None:
    refers = ("picks", "touchdowns", "game_records", "kickoff_decisions")
    counted = {table: app.one(f"SELECT count(*) FROM {table} WHERE game_id = ?", GAME) for table in refers}
    assert counted["touchdowns"] == (5,)
    assert replace_game(app, GAME, 2025, 1, "2025-09-04", "PHI", "DAL", 21, 20, "final") == 1
    assert {table: app.one(f"SELECT count(*) FROM {table} WHERE game_id = ?", GAME) for table in refers} == counted
    assert app.one("SELECT home_score FROM games WHERE id = ?", GAME) == (21,)


def test_the_next_night_puts_replaced_games_right_and_no_grade_changes(app: App) -> None:
    before = app.frame("games", "created_at", "updated_at"), app.frame("results"), app.frame("touchdowns")
    for game, week, day, home, away in app.all(
        "SELECT id, week, game_date, home_team, away_team FROM games WHERE season = ? AND week < 4", SEASON
    ):
        replace_game(app, game, SEASON, week, day, home, away, None, None, "scheduled")
    if app.sqlite:
        assert app.one("SELECT kickoff_at, source FROM games WHERE id = ?", GAME) == (None, "external")
    app.next_night()
    assert app.frame("games", "created_at", "updated_at").equals(before[0])
    assert app.frame("results").equals(before[1])
    assert app.frame("touchdowns").equals(before[2])


def test_a_game_that_left_the_schedule_leaves_it_again_after_it_was_replaced(app: App) -> None:
    app.run(
        "INSERT INTO games (id, season, week, home_team, away_team, status, deleted_at, source) "
        "VALUES ('2025_05_SEA_NYG', 2025, 5, 'NYG', 'SEA', 'cancelled', '2025-10-01 00:00:00', 'nflverse')"
    )
    replace_game(app, "2025_05_SEA_NYG", 2025, 5, "2025-10-05", "NYG", "SEA", None, None, "scheduled")
    if app.sqlite:
        assert app.one("SELECT deleted_at FROM games WHERE id = '2025_05_SEA_NYG'") == (None,)
    app.next_night()
    status, left = app.one("SELECT status, deleted_at FROM games WHERE id = '2025_05_SEA_NYG'")
    assert left is not None
    assert status == ("cancelled" if app.sqlite else "scheduled")


def test_insert_or_replace_rosters_keeps_the_players_statistics_postgres_on_conflict(app: App) -> None:
    before = app.frame("player_stats", "roster_id")
    assert replace_roster(app, 2025, "PHI", HURTS, "J. Hurts", "QB", 1) == 1
    assert app.one("SELECT player_name FROM rosters WHERE player_id = ?", HURTS) == ("J. Hurts",)
    assert app.frame("player_stats", "roster_id").equals(before)
    roster = "SELECT r.player_name FROM player_stats s JOIN rosters r ON r.id = s.roster_id WHERE s.player_id = ?"
    assert app.one(roster, HURTS) == ("J. Hurts",)


def test_the_next_night_puts_replaced_rosters_right_and_no_grade_changes(app: App) -> None:
    names = app.frame("rosters", "id", "created_at", "updated_at").sort("team", "player_id")
    stats, results = app.frame("player_stats", "id", "roster_id", "updated_at").sort("player_id"), app.frame("results")
    for team, player in app.all("SELECT team, player_id FROM rosters WHERE season = 2025 AND team IN ('PHI', 'DAL')"):
        replace_roster(app, 2025, team, player, "somebody", None, None)
    app.next_night()
    assert app.frame("rosters", "id", "created_at", "updated_at").sort("team", "player_id").equals(names)
    assert app.frame("player_stats", "id", "roster_id", "updated_at").sort("player_id").equals(stats)
    assert app.frame("results").equals(results)


def test_a_player_it_adds_to_a_roster_is_retired_the_next_night(app: App) -> None:
    replace_roster(app, 2025, "PHI", "CMC", "CMC", "RB", None)
    app.next_night()
    (retired,) = app.one("SELECT retired_at FROM rosters WHERE player_id = 'CMC'")
    assert retired is not None


def test_insert_touchdowns_works_and_the_next_night_has_those_of_the_plays_again(app: App) -> None:
    before, results = touchdowns(app), app.frame("results")
    assert app.run(ADD_TOUCHDOWN, GAME, "J.Hurts", "PHI", False, 99_999, 2025) == 1
    assert app.one("SELECT count(*) FROM touchdowns WHERE game_id = ?", GAME) == (6,)
    app.next_night()
    assert touchdowns(app) == before
    assert app.frame("results").equals(results)


def test_insert_or_ignore_player_stats_without_a_player_adds_nothing_postgres_on_conflict(app: App) -> None:
    before = app.frame("player_stats")
    assert add_stats(app, "CMC", 2025, "SF", "RB", 0, 0) == 0
    assert add_stats(app, "A.J. Brown", 2025, "PHI", "WR", 0, 0) == 0
    assert app.frame("player_stats").equals(before)


def test_the_night_says_what_became_of_its_old_statistics(app: App) -> None:
    stats = app.next_night()["player_stats"]
    (told,) = (note for note in stats.notes if "old rows of player_stats" in note)
    mapped, merged, waiting = (int(word) for word in re.findall(r"\d+", told)[1:])
    assert told.startswith("485 old rows of player_stats: ")
    assert (mapped + merged + waiting, mapped >= 391, stats.facts["old rows open"]) == (485, True, waiting)
    assert any("`resolution` says why each" in note for note in stats.notes)


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, tuple[object, ...], str, str]] = {
    "a member with picks is deleted": (
        "DELETE FROM users WHERE id = ?", (1,), "users: picks refer to this user", "fk_picks_users",
    ),
    "a week with picks is deleted": (
        "DELETE FROM weeks WHERE id = ?", (1,), "weeks: (picks|games) refer to this week", "fk_(picks|games)_weeks",
    ),
    "a week with games is deleted": (
        "DELETE FROM weeks WHERE season = ? AND week = ?", (2025, 22), "weeks: games refer to this week",
        "fk_games_weeks",
    ),
    "all weeks are deleted": (
        "DELETE FROM weeks", (), "weeks: (picks|games) refer to this week", "fk_(picks|games)_weeks",
    ),
    "a name twice": (
        "INSERT INTO users (name, email, is_admin) VALUES (?, ?, ?)", ("Avery", None, False), "users.name",
        "uq_users_name",
    ),
    "a week twice": (
        "INSERT INTO weeks (season, week, started_at, ended_at) VALUES (?, ?, ?, ?)", (2025, 1, None, None),
        "weeks.season, weeks.week", "uq_weeks_season_week",
    ),
    "a base bet of nothing": (
        "UPDATE users SET base_bet = ? WHERE id = ?", (0.0, 1), "base_bet_positive", "base_bet_positive",
    ),
    "the same pick twice": (
        ADD_PICK, (1, 1, "PHI", "AJ Brown", 900.0, 9.0, GAME), "picks.user_id, picks.week_id, picks.player_name",
        "uq_picks_user_id_week_id_player_name",
    ),
    "a pick becomes another one's twin": (
        "UPDATE picks SET user_id = ?, week_id = ?, player_name = ? WHERE id = ?", (2, 1, "Xavier Worthy", 1),
        "picks.user_id, picks.week_id, picks.player_name", "uq_picks_user_id_week_id_player_name",
    ),
    "a pick on no game": (
        ADD_PICK, (1, 1, "KC", "x", 1.0, 1.0, "2025_99_KC_KC"), r"picks\.game_id: no game with this id",
        "fk_picks_games",
    ),
    "a pick moves to no game": (
        "UPDATE picks SET game_id = ? WHERE id = ?", ("2025_99_KC_KC", 1), r"picks\.game_id: no game with this id",
        "fk_picks_games",
    ),
    "a pick of nobody": (
        ADD_PICK, (99, 1, "KC", "x", 1.0, 1.0, None), r"picks\.user_id: no user with this id", "fk_picks_users",
    ),
    "a pick without a player": (
        "UPDATE picks SET player_name = ? WHERE id = ?", (None, 1), "picks.player_name", "player_name",
    ),
    "a second result of a pick": (
        ADD_RESULT, (1, "X", True, 9.0, True), r"results\.pick_id", "uq_results_pick_id",
    ),
    "a result of no pick": (
        ADD_RESULT, (999, "X", True, 9.0, True), r"results\.pick_id: no pick with this id", "fk_results_picks",
    ),
    "a second first touchdown": (
        ADD_TOUCHDOWN, (GAME, "J.Hurts", "PHI", True, 99_999, 2025),
        "touchdowns: this game has its first touchdown already", "uq_touchdowns_first",
    ),
    "a touchdown twice": (
        ADD_TOUCHDOWN, (GAME, "J.Hurts", "PHI", False, 547, 2025), r"touchdowns\.game_id, touchdowns\.play_id",
        "uq_touchdowns_game_id_play_id",
    ),
    "a touchdown in no game": (
        ADD_TOUCHDOWN, ("2025_99_KC_KC", "x", "KC", False, 1, 2025), r"touchdowns\.game_id: no game with this id",
        "fk_touchdowns_games",
    ),
    "a game under a second id": (
        "replace game", ("DAL@PHI", 2025, 1, None, "PHI", "DAL", 24, 20, "final"),
        "games: another id has this season, week, home and away team: write to that id",
        "uq_games_season_week_home_team_away_team",
    ),
    "a game in a week that is not there": (
        "replace game", ("2025_40_DAL_PHI", 2025, 40, None, "PHI", "DAL", None, None, "scheduled"),
        r"games\.season, games\.week: no week with this season and week", "fk_games_weeks",
    ),
    "a game final without scores": (
        "replace game", (GAME, 2025, 1, None, "PHI", "DAL", None, None, "final"), "final_has_scores",
        "final_has_scores",
    ),
    "a roster row without a player's id": (
        "replace roster", (2025, "PHI", None, "Jalen Hurts", "QB", 1), r"rosters\.player_id", "player_id",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_says_why_and_changes_nothing(untouched: App, case: str) -> None:
    app = untouched
    sql, values, sqlite_says, postgres_says = REFUSED[case]
    tables = ("users", "weeks", "games", "rosters", "picks", "results", "touchdowns", "player_stats", "result_events")
    before = {table: app.frame(table) for table in tables}
    send = {"replace game": replace_game, "replace roster": replace_roster}.get(sql)
    with pytest.raises(
        (sqlite3.IntegrityError, psycopg.IntegrityError), match=sqlite_says if app.sqlite else postgres_says
    ):
        if send is not None:
            send(app, *values)
        else:
            app.run(sql, *values)
    assert [table for table in tables if not app.frame(table).equals(before[table])] == []


# --- its start-up -----------------------------------------------------------------------------------------------------


def test_its_start_up_finds_nothing_to_migrate(app: App) -> None:
    (applied,) = app.one("SELECT max(version) FROM schema_version")
    assert [version for version in range(1, 21) if version > applied] == []
    recorded = {version for (version,) in app.all("SELECT version FROM schema_version")}
    assert recorded >= set(range(9, 21))


def test_its_migration_that_sets_weeks_with_picks_to_2025_would_change_nothing(app: App) -> None:
    before = app.frame("weeks")
    app.run("UPDATE weeks SET season = 2025 WHERE id IN (SELECT DISTINCT week_id FROM picks)")
    assert app.frame("weeks").equals(before)


def test_its_sync_metadata_can_be_replaced_and_ours_is_left_alone(app: App) -> None:
    (own,) = app.one("SELECT value FROM sync_metadata WHERE key = 'database_id'")
    entry = "INTO sync_metadata (key, value) VALUES ('last_sync', 'now')"
    for _ in range(2):
        app.run(
            f"INSERT OR REPLACE {entry}",
            postgres=f"INSERT {entry} ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
    assert app.one("SELECT value FROM sync_metadata WHERE key = 'last_sync'") == ("now",)
    assert app.one("SELECT value FROM sync_metadata WHERE key = 'database_id'") == (own,)


def test_it_reads_the_columns_it_knows(played: Settings) -> None:
    path = played.home / "firsttd.db"
    for table in ("users", "weeks", "picks", "results", "player_stats", "team_ratings", "market_odds"):
        old = [name for _, name, *_ in rows(LEGACY_DB, f"PRAGMA table_info({table})")]
        new = [name for _, name, *_ in rows(path, f"PRAGMA table_info({table})")]
        assert [c for c in old if c not in new] == []


def test_the_season_it_writes_into_is_a_real_one(played: Settings) -> None:
    path = played.home / "firsttd.db"
    counted = [
        rows(path, f"SELECT count(*) FROM {t}")[0][0] for t in ("games", "touchdowns", "results", "player_stats")
    ]
    assert counted == [285, 1459, 74, 3134]
