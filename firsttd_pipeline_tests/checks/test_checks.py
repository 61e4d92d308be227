"""Claims about every asset check: it holds over a sound season, and says what is wrong with a broken one.

Each case breaks a real database, SQLite and PostgreSQL, that the refreshes have filled from a small mirror.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from firsttd_pipeline.assets import ASSETS
from firsttd_pipeline.assets.base import check_text
from firsttd_pipeline.checks import CHECKS, Check
from firsttd_pipeline.refresh import (
    games,
    kickoff_decisions,
    leaderboard,
    market_outcomes,
    member_market_stats,
    pick_market_odds,
    player_stats,
    results,
    rosters,
    team_ratings,
    touchdowns,
)
from firsttd_pipeline.refresh.base import League
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import add_member
from firsttd_pipeline.storage.picks import PickRequest, add_pick
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline_tests.conftest import PostgresServer
from firsttd_pipeline_tests.doors import settings_for
from firsttd_pipeline_tests.mirrors import TINY_GAMES, tiny_mirror
from firsttd_pipeline_tests.servers import Server

SEASON = 2025
NOW = datetime(2025, 9, 8, 12, tzinfo=UTC)
OPENER, OTHER, COMING = TINY_GAMES
STEPS = (games, rosters, touchdowns, kickoff_decisions, team_ratings)
AFTER_PICKS = (results, player_stats, leaderboard, market_outcomes, pick_market_odds, member_market_stats)


@dataclass(frozen=True)
class Case:
    """A way to break the season, and what the check then has to say."""

    asset: str
    check: str
    says: str
    count: int
    example: str
    statements: tuple[str, ...] = ()
    severity: str = "error"
    now: datetime = NOW
    dropped: tuple[str, str] | None = None
    """The constraint that stands in the way of breaking it (table and name)."""

    @property
    def name(self) -> str:
        return f"{self.asset}.{self.check}: {self.says}"


def _set(table: str, what: str, where: str) -> tuple[str]:
    return (f"UPDATE {table} SET {what} WHERE {where}",)


def _asks(typed: str, candidates: str) -> tuple[str, str]:
    """Another program's pick that no run could give a player."""
    return (
        "INSERT INTO picks (user_id, week_id, team, player_name, game_id) "
        f"SELECT user_id, week_id, 'PHI', '{typed}', game_id FROM picks WHERE id = 1",
        "INSERT INTO pick_resolutions (pick_id, state, candidates, message, resolved_by) "
        f"SELECT id, 'question', '{candidates}', 'a tie', 'pipeline' FROM picks WHERE player_name = '{typed}'",
    )


def _venue(status: str) -> str:
    return (
        "INSERT INTO market_venues (season, source, status, reason, tried_at) "
        f"VALUES (2025, 'kalshi', '{status}', 'no network', '2025-09-07 12:00:00')"
    )


def _event(game: str) -> str:
    return (
        "INSERT INTO market_events (source, event_id, season, title, game_id, reason, first_seen_at, last_seen_at) "
        f"VALUES ('kalshi', 'EV', 2025, 'KC at DAL', {game}, 'two such games', '2025-09-07 12:00:00', "
        "'2025-09-07 12:00:00')"
    )


def _leg(player: str, history: str = "NULL", source: str = "kalshi") -> str:
    return (
        "INSERT INTO market_legs (source, market_id, event_id, season, game_id, kind, label, player_id, reason, "
        f"status, history_at, first_seen_at, last_seen_at) VALUES ('{source}', 'LEG', 'EV', 2025, '{OPENER}', "
        f"'player', 'S. Carrier', {player}, 'two such players', 'settled', {history}, '2025-09-07 12:00:00', "
        "'2025-09-07 12:00:00')"
    )


FALSE, TRUE = "(1 = 0)", "(1 = 1)"
LATER = datetime(2025, 9, 16, 12, tzinfo=UTC)
CASES = [
    Case("rosters", "positions_known", "players without a position (12.5 % of 8", 1, "Saquon Carrier",
         _set("rosters", "position = NULL", "player_id = '00-0000002'")),
    Case("rosters", "positions_known", "players without a position (25.0 % of 8", 2, "00-0000002",
         _set("rosters", "position = 'Unknown'", "player_id IN ('00-0000002', '00-0000006')")),
    Case("games", "statuses_follow_scores", "games with both scores that are not final", 1, OPENER,
         _set("games", "status = 'scheduled'", f"id = '{OPENER}'")),
    Case("games", "statuses_follow_scores", "games with the score of one team only", 1, COMING,
         _set("games", "home_score = 3", f"id = '{COMING}'")),
    Case("games", "statuses_follow_scores", "games in progress outside the six hours after kickoff", 1, COMING,
         _set("games", "status = 'in_progress'", f"id = '{COMING}'")),
    Case("games", "statuses_follow_scores", "final games without both scores or before kickoff", 1, COMING,
         _set("games", "status = 'final', home_score = 1, away_score = 0", f"id = '{COMING}'")),
    Case("games", "games_scored", "games without a score a day after kickoff", 1, COMING, severity="warn", now=LATER),
    Case("touchdowns", "one_first_touchdown", "final games without exactly one first touchdown", 1, OPENER,
         _set("touchdowns", f"is_first_td = {FALSE}", f"game_id = '{OPENER}'")),
    Case("touchdowns", "one_first_touchdown", "final games whose first touchdown is not the earliest", 1, OPENER,
         (*_set("touchdowns", f"is_first_td = {FALSE}", f"game_id = '{OPENER}'"),
          *_set("touchdowns", f"is_first_td = {TRUE}", f"game_id = '{OPENER}' AND player_id = '00-0000004'"))),
    Case("touchdowns", "no_orphans", "touchdowns without game", 3, "2025_01_LO_ST",
         _set("touchdowns", "game_id = '2025_01_LO_ST'", f"game_id = '{OPENER}'"),
         dropped=("touchdowns", "fk_touchdowns_games")),
    Case("touchdowns", "no_orphans", "game records without game", 1, "2025_01_LO_ST",
         _set("game_records", "game_id = '2025_01_LO_ST'", f"game_id = '{OPENER}'"),
         dropped=("game_records", "fk_game_records_games")),
    Case("touchdowns", "final_games_have_plays", "final games without plays", 1, OPENER,
         (f"DELETE FROM game_records WHERE game_id = '{OPENER}'",)),
    Case("touchdowns", "plays_agree_with_schedule", "final games whose plays end with another score", 1, OPENER,
         _set("game_records", "home_score = 21", f"game_id = '{OPENER}'"), "warn"),
    Case("touchdowns", "plays_agree_with_schedule", "final games whose plays do not reach the end", 2, OPENER,
         _set("game_records", f"reaches_end = {FALSE}", "season = 2025"), "warn"),
    Case("touchdowns", "scorers_on_rosters", "touchdowns whose scorer is on no roster of the season", 1, "00-9999999",
         _set("touchdowns", "player_id = '00-9999999'", f"game_id = '{OTHER}'"), "warn"),
    Case("touchdowns", "scorers_on_rosters", "touchdowns whose scorer upstream does not say", 1, OTHER,
         _set("touchdowns", "player_id = NULL", f"game_id = '{OTHER}'"), "warn"),
    Case("kickoff_decisions", "receivers_play", "opening kickoffs received by a team that does not play", 1, "SEA",
         _set("kickoff_decisions", "team = 'SEA'", f"game_id = '{OPENER}'")),
    Case("team_ratings", "ratings_count_games", "teams whose rating does not count their final games", 1, "PHI",
         _set("team_ratings", "games_played = 9", "team = 'PHI'")),
    Case("team_ratings", "ratings_count_games", "teams whose rating does not count their final games", 1, "KC",
         ("DELETE FROM team_ratings WHERE team = 'KC'",)),
    Case("results", "no_orphans", "picks without game", 1, "2025_01_LO_ST",
         _set("picks", "game_id = '2025_01_LO_ST'", "player_name = 'KC D/ST'"), dropped=("picks", "fk_picks_games")),
    Case("results", "grades_agree", "picks whose status and result disagree", 1, "status lost",
         _set("pick_status", "status = 'lost'", "status = 'won' AND pick_id = 1")),
    Case("results", "grades_agree", "picks whose status and result disagree", 1, "status won",
         ("DELETE FROM results WHERE pick_id = 1",)),
    Case("results", "grades_agree", "picks whose status and result disagree", 1, "status pending",
         ("INSERT INTO results (pick_id, is_correct, graded_by) SELECT pick_id, NULL, 'external' FROM pick_status "
          "WHERE status = 'pending'",)),
    Case("results", "no_duplicate_picks", "picks that a member has twice in a week", 2, "Saquon Carrier",
         ("INSERT INTO picks (user_id, week_id, team, player_name, game_id) "
          "SELECT user_id, week_id, 'PHI', 'SAQUON  CARRIER', game_id FROM picks WHERE id = 1",)),
    Case("results", "official_grades_stand", "official grades that changed", 1, "Saquon Carrier",
         ("INSERT INTO result_events (happened_at, event, pick_id, season, player_name, was_official, old_status, "
          "new_status, changed_by) VALUES ('2025-09-07 12:00:00', 'flipped', 1, 2025, 'Saquon Carrier', "
          f"{TRUE}, 'won', 'lost', 'pipeline')",),
         "warn"),
    Case("results", "disagreements", "grades of other programs that the plays contradict", 1, "new grade won",
         (f"UPDATE results SET graded_by = 'external', is_correct = {FALSE} WHERE is_correct = {TRUE} AND pick_id = 1",
          ), "warn"),
    Case("results", "overrides_agree", "grades by hand that the plays agree with", 1, "Saquon Carrier",
         _set("results", "graded_by = 'manual'", "pick_id = 1"), "warn"),
    Case("results", "overrides_agree", "grades by hand that the plays contradict", 1, "plays won",
         _set("results", f"graded_by = 'manual', is_correct = {FALSE}, any_time_td = {FALSE}", "pick_id = 1"), "warn"),
    Case("results", "names_understood", "picks wait for an answer whom they mean", 1, "member Avery, typed CeeDe",
         _asks("CeeDe", "[]"), "warn"),
    Case("results", "no_second_spellings", "picks that may be a second spelling of another", 1, "standing pick 1",
         _asks("Carier", '[{"player_id": "00-0000002"}]'), "warn"),
    Case("results", "teams_have_rosters", "teams without a roster", 1, "DAL",
         _set("rosters", "retired_at = '2025-09-01 00:00:00'", "team = 'DAL'")),
    Case("player_stats", "positions_known", "players without a position (12.5 % of 8", 1, "Travis Tightend",
         _set("player_stats", "position = ' '", "player_id = '00-0000005'")),
    Case("player_stats", "first_touchdowns_counted", "players with fewer first touchdowns than the plays have", 1,
         "Trent Corner", _set("player_stats", "first_td_count = 0", "player_id = '00-0000006'")),
    Case("player_stats", "first_touchdowns_current", "players whose first touchdowns are not what the database counts",
         1, "Travis Tightend, stored 1, counted 0",
         _set("player_stats", "first_td_count = 1", "player_id = '00-0000005'")),
    Case("leaderboard", "adds_up_to_results", "leaderboard rows that do not add up to the results", 1, "points 9",
         _set("leaderboard", "points = points + 1", "week = 0 AND rank = 1")),
    Case("leaderboard", "adds_up_to_results", "leaderboard rows that are missing", 1, "week 0",
         ("DELETE FROM leaderboard WHERE week = 0 AND rank = 2",)),
    Case("leaderboard", "adds_up_to_results", "leaderboard rows that no pick gives", 1, "week 7",
         _set("leaderboard", "week = 7", "week = 1 AND rank = 2")),
    Case("leaderboard", "no_failed_runs", "failed runs that no later run got past", 1, "no network",
         ("INSERT INTO run_failures (run_id, job, season, step, error, happened_at) VALUES "
          "('r', 'nightly', 2025, 'games', 'no network', '2025-09-07 12:00:00')",), "warn"),
    Case("leaderboard", "events_replay", "picks whose events do not give what is stored", 1, "column is_correct",
         ("INSERT INTO result_events (event, pick_id, season, graded_by, new_status, new_is_correct, new_any_time_td, "
          "new_actual_scorer, new_actual_return) SELECT 'flipped', pick_id, 2025, graded_by, 'lost', "
          f"{FALSE}, any_time_td, actual_scorer, actual_return FROM results WHERE pick_id = 1",)),
    Case("leaderboard", "events_replay", "picks whose events do not give what is stored", 1, "stored gone",
         ("INSERT INTO pick_events (event, pick_id, user_id, season, week) VALUES ('picked', 99, 1, 2025, 1)",)),
    Case("leaderboard", "events_replay", "replayed standings that do not add up to what is stored", 1, "points 9",
         _set("leaderboard", "points = points + 1", "week = 0 AND rank = 1")),
    Case("market_odds", "venues_answer", "Kalshi did not answer (never yet in full)", 1, "no network",
         (_venue("failed"),), "warn"),
    Case("market_odds", "venues_answer", "Kalshi answered in part; what came is stored (never", 1, "no network",
         (_venue("partial"),), "warn"),
    Case("market_odds", "legs_understood", "Kalshi: events of no game that is certain", 1,
         "EV (KC at DAL, 0 legs): two such games", (_event("NULL"),), "warn"),
    Case("market_odds", "legs_understood", "Kalshi: legs on nobody who is certain", 1,
         f"LEG (S. Carrier, {OPENER}): two such players", (_event(f"'{OPENER}'"), _leg("NULL")), "warn"),
    Case("market_outcomes", "outcomes_agree", f"{OPENER}: Kalshi settled otherwise than the plays say", 1,
         "Kalshi says yes for Somebody (LEG)",
         ("INSERT INTO market_outcomes (source, season, game_id, market_id, player_name, player_id, resolved_outcome) "
          f"VALUES ('kalshi', 2025, '{OPENER}', 'LEG', 'Somebody', '00-0000005', 'yes')",), "warn"),
    Case("pick_market_odds", "closing_lines", "Kalshi: picks whose closing line is still to be fetched", 1,
         f"pick 1 on 00-0000002, {OPENER}", (_leg("'00-0000002'"),), "warn"),
    Case("pick_market_odds", "closing_lines", "Kalshi: picks without a closing line, though the player was listed", 1,
         f"pick 1 on 00-0000002, {OPENER}", (_leg("'00-0000002'", "'2025-09-07 12:00:00'"),), "warn"),
    Case("pick_market_odds", "closing_lines",
         "Polymarket US: picks without a closing line, though the player was listed", 1, OPENER,
         (_leg("'00-0000002'", source="polymarket_us"),), "warn"),
    Case("member_market_stats", "picks_counted", "members whose market statistics do not count their picks", 1,
         "member Blake, stored 0, picks 2", ("DELETE FROM member_market_stats WHERE user_id = 2",), "warn"),
]  # fmt: skip


@dataclass
class Seeds:
    """One filled database of each kind, to be copied."""

    sqlite: Path
    postgres: str
    server: PostgresServer


def fill(league: League) -> None:
    """A sound season of three games and four picks."""
    for step in STEPS:
        step.refresh(league, SEASON, NOW)
    for member in ("Avery", "Blake"):
        add_member(league.db, member)
    for member, player, game in (
        ("Avery", "Saquon Carrier", OPENER),
        ("Blake", "Jalen Runner", OPENER),
        ("Avery", "KC D/ST", OTHER),
        ("Blake", "Travis Tightend", COMING),
    ):
        request = PickRequest(member, player, 400, None, game, None, late_reason="a test")
        add_pick(league.db, request, season=SEASON, now=NOW, default_stake=1.0)
    for after in AFTER_PICKS:
        after.refresh(league, SEASON, NOW)


@pytest.fixture(scope="module")
def seeds(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path, postgres_server: PostgresServer
) -> Iterator[Seeds]:
    folder = tmp_path_factory.mktemp("seeds")
    server = Server(tiny_mirror(folder / "mirror"))
    shutil.copyfile(_sqlite_template, folder / "league.db")
    address = postgres_server.upgraded()
    for url in (str(folder / "league.db"), address):
        with League.open(settings_for(folder, server.url, database_url=url)) as league:
            fill(league)
    server.stop()
    with sqlite3.connect(folder / "league.db") as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    yield Seeds(folder / "league.db", address, postgres_server)
    postgres_server.drop(address)


@pytest.fixture(params=["sqlite", "postgres"])
def league(request: pytest.FixtureRequest, seeds: Seeds, tmp_path: Path) -> Iterator[League]:
    """A sound season, to be broken."""
    if request.param == "sqlite":
        url = str(shutil.copyfile(seeds.sqlite, tmp_path / "league.db"))
    else:
        url = seeds.server.create(seeds.postgres.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1])
    with League.open(settings_for(tmp_path, "http://127.0.0.1:9/", database_url=url)) as opened:
        yield opened
    if request.param == "postgres":
        seeds.server.drop(url)


def damage(league: League, case: Case) -> None:
    """Break the database as no program that keeps to the constraints can."""
    db: Database = league.db
    if db.dialect == "sqlite":
        assert db.path is not None
        with sqlite3.connect(db.path) as conn:  # its foreign keys are off
            for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                conn.execute(f'DROP TRIGGER "{name}"')
            changed = [conn.execute(statement).rowcount for statement in case.statements]
        conn.close()
    else:
        with db.write() as conn:
            if case.dropped:
                conn.execute(text(f"ALTER TABLE {case.dropped[0]} DROP CONSTRAINT {case.dropped[1]}"))
            changed = [conn.execute(text(statement)).rowcount for statement in case.statements]
    assert all(changed), "a statement changed nothing"


def check_of(case: Case) -> Check:
    (found,) = [check for check in CHECKS[case.asset] if check.name == case.check]
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_season_is_told_with_count_example_and_remedy(league: League, case: Case) -> None:
    damage(league, case)
    check = check_of(case)
    violations = check.run(Season(league.db, SEASON), case.now)
    (found,) = [violation for violation in violations if violation.rule.startswith(case.says)]
    assert found.count == case.count
    assert case.example in found.example
    assert found.severity == case.severity
    assert len(found.remedy) > 30
    told = check_text(check, violations)
    many = f"{case.count}, e.g. " if case.count > 1 and not found.whole else ""
    assert f"{found.rule}: {many}{found.example.rstrip('.')}." in told
    assert f"What to do: {found.remedy}" in told


def test_every_check_holds_over_a_sound_season(league: League) -> None:
    for asset, checks in CHECKS.items():
        for check in checks:
            violations = check.run(Season(league.db, SEASON), NOW)
            assert violations == [], (asset, check.name)
            assert check_text(check, violations) == f"holds: {check.description}"


def test_every_check_holds_over_an_empty_database(database: Database, tmp_path: Path) -> None:
    nothing = League(settings_for(tmp_path, "http://127.0.0.1:9/"), database, client=None)  # type: ignore[arg-type]
    for checks in CHECKS.values():
        for check in checks:
            assert check.run(Season(nothing.db, SEASON), NOW) == []


def test_every_check_has_a_failing_case_here() -> None:
    assert {(case.asset, case.check) for case in CASES} == {(a, c.name) for a, checks in CHECKS.items() for c in checks}


def test_every_asset_has_its_checks() -> None:
    assert set(CHECKS) == {asset.key.to_user_string() for asset in ASSETS}


def test_a_blocking_check_can_give_an_error_and_not_only_a_warning() -> None:
    for asset, checks in CHECKS.items():
        for check in checks:
            if check.blocking:
                assert {"error"} == {c.severity for c in CASES if (c.asset, c.check) == (asset, check.name)}


def test_another_seasons_mistakes_are_not_this_seasons(league: League) -> None:
    damage(league, next(case for case in CASES if case.check == "one_first_touchdown"))
    for checks in CHECKS.values():
        for check in checks:
            assert check.run(Season(league.db, SEASON - 1), NOW) == []


def test_a_game_under_48_hours_old_may_be_without_plays(league: League) -> None:
    with league.db.write() as conn:
        conn.execute(text(f"DELETE FROM game_records WHERE game_id = '{OTHER}'"))
    check = next(check for check in CHECKS["touchdowns"] if check.name == "final_games_have_plays")
    kickoff = datetime(2025, 9, 6, 0, 0, tzinfo=UTC)
    assert check.run(Season(league.db, SEASON), kickoff + timedelta(hours=47)) == []
    assert [v.count for v in check.run(Season(league.db, SEASON), kickoff + timedelta(hours=48))] == [1]


def test_an_official_grade_that_changed_is_told_for_seven_days(league: League) -> None:
    damage(league, next(case for case in CASES if case.check == "official_grades_stand"))
    check = next(check for check in CHECKS["results"] if check.name == "official_grades_stand")
    happened = datetime(2025, 9, 7, 12, tzinfo=UTC)
    assert len(check.run(Season(league.db, SEASON), happened + timedelta(days=7))) == 1
    assert check.run(Season(league.db, SEASON), happened + timedelta(days=7, seconds=1)) == []
