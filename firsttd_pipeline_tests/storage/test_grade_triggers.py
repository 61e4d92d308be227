"""Claims about the record of grades and the counts that the database keeps, whoever writes, on both engines."""

from __future__ import annotations

import random
import re
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from firsttd_pipeline.domain.standings import player_stats
from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grade_triggers import counts_disagree, hold_counts
from firsttd_pipeline.storage.partitions import write_player_stats
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.upgrade import check
from firsttd_pipeline_tests.storage.small_league import BEFORE, PLAYERS, SEASON, load_small_league, queued, read, write

NOW = datetime(2025, 9, 9, 6, tzinfo=UTC)
GRADE = ("is_correct", "any_time_td", "actual_scorer", "actual_return")
WON = (
    "INSERT INTO results (pick_id, is_correct, any_time_td, actual_scorer, actual_return) "
    "VALUES (:pick, true, true, 'P', 9)"
)
LOST = "INSERT INTO results (pick_id, is_correct, any_time_td, actual_return) VALUES (:pick, false, false, -1)"


@pytest.fixture
def league(database: Database) -> Database:
    load_small_league(database)
    return database


@pytest.fixture
def lite(sqlite_db: Database) -> Database:
    load_small_league(sqlite_db)
    return sqlite_db


@pytest.fixture
def pg(postgres_db: Database) -> Database:
    load_small_league(postgres_db)
    return postgres_db


def events(db: Database, pick: int | None = None) -> list[dict[str, Any]]:
    where = "" if pick is None else f" WHERE pick_id = {pick}"
    return read(db, f"SELECT * FROM result_events{where} ORDER BY id")


def names(db: Database, pick: int | None = None) -> list[str]:
    return [event["event"] for event in events(db, pick)]


def pick_events(db: Database, pick: int) -> list[dict[str, Any]]:
    return read(db, "SELECT * FROM pick_events WHERE pick_id = :pick ORDER BY id", pick=pick)


def counts(db: Database, season: int = SEASON) -> dict[str, int]:
    rows = read(db, "SELECT player_id, first_td_count FROM player_stats WHERE season = :s ORDER BY player_id", s=season)
    return {row["player_id"]: row["first_td_count"] for row in rows}


def one(db: Database, statement: str, **values: Any) -> dict[str, Any]:
    (found,) = read(db, statement, **values)
    return found


def write_signed(db: Database, who: str, *statements: str, why: str | None = None, **values: Any) -> None:
    with db.write() as conn, signed(conn, who, why=why, run_id="run-7", at=NOW):
        for statement in statements:
            conn.execute(text(statement), values)


def plain_sql(db: Database, *statements: str, foreign_keys: bool = True, recursive: bool = False) -> None:
    """As the old application, or a person with SQLite's shell, writes."""
    assert db.path is not None
    with closing(sqlite3.connect(db.path)) as conn, conn:
        conn.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        conn.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
        for statement in statements:
            conn.execute(statement)


# --- the record of grades ---------------------------------------------------------------------------------------------


def test_a_grade_given_is_recorded_with_pick_member_season_game_player_and_values(league: Database) -> None:
    write(league, WON, pick=1)
    (event,) = events(league)
    assert {k: v for k, v in event.items() if k not in ("id", "happened_at")} == {
        "event": "graded",
        "pick_id": 1,
        "user_id": 1,
        "season": 2025,
        "week": 1,
        "game_id": "g1",
        "player_id": "p1",
        "old_player_id": None,
        "player_name": "typed p1",
        "graded_by": "external",
        "old_graded_by": None,
        "old_status": None,
        "new_status": "won",
        "old_is_correct": None,
        "new_is_correct": True,
        "old_any_time_td": None,
        "new_any_time_td": True,
        "old_actual_scorer": None,
        "new_actual_scorer": "P",
        "old_actual_return": None,
        "new_actual_return": 9.0,
        "was_official": False,
        "run_id": None,
        "changed_by": None,
        "why": None,
    }
    assert event["happened_at"] is not None


def test_a_signed_change_says_who_why_when_and_in_which_run(league: Database) -> None:
    write_signed(league, "Ann", WON, why="saw the replay", pick=1)
    columns = "changed_by, why, run_id, happened_at, graded_by"
    with league.read() as conn:
        event = conn.execute(text(f"SELECT {columns} FROM result_events")).mappings().one()
        noted = conn.execute(text("SELECT noted_at FROM standings_queue")).scalar_one()
    stamp = NOW if league.dialect == "postgresql" else "2025-09-09 06:00:00"
    assert dict(event) == {
        "changed_by": "Ann",
        "why": "saw the replay",
        "run_id": "run-7",
        "happened_at": stamp,
        "graded_by": "external",
    }
    assert noted == stamp


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("is_correct = false", "flipped"),
        ("is_correct = NULL", "flipped"),
        ("any_time_td = false", "flipped"),
        ("is_correct = false, actual_scorer = 'Q', actual_return = -1", "flipped"),
        ("actual_scorer = 'Q', actual_return = 8", "scorer corrected"),
        ("actual_scorer_id = 'p9'", "scorer corrected"),
        ("actual_return = 8", "money corrected"),
        ("actual_return = NULL", "money corrected"),
        ("graded_by = 'manual'", "author changed"),
    ],
)
def test_a_changed_grade_is_recorded_by_what_changed(league: Database, change: str, name: str) -> None:
    write(league, WON, pick=1)
    write(league, f"UPDATE results SET {change} WHERE pick_id = 1")
    graded, changed = events(league, 1)
    assert (graded["event"], changed["event"]) == ("graded", name)
    stored = one(league, "SELECT * FROM results WHERE pick_id = 1")
    for column in GRADE:
        assert changed[f"old_{column}"] == graded[f"new_{column}"]
        assert changed[f"new_{column}"] == stored[column]
    assert (changed["old_graded_by"], changed["graded_by"]) == ("external", stored["graded_by"])


@pytest.mark.parametrize(("value", "status"), [("true", "won"), ("false", "lost"), ("NULL", "void")])
def test_statuses_follow_is_correct(league: Database, value: str, status: str) -> None:
    write(league, f"INSERT INTO results (pick_id, is_correct) VALUES (1, {value})")
    write(league, "DELETE FROM results WHERE pick_id = 1")
    graded, ungraded = events(league, 1)
    assert (graded["old_status"], graded["new_status"]) == (None, status)
    assert (ungraded["old_status"], ungraded["new_status"]) == (status, None)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE results SET is_correct = is_correct",
        "UPDATE results SET is_correct = true, actual_return = 9, any_time_td = true WHERE pick_id = 1",
        "UPDATE results SET created_at = created_at, graded_at = '2025-09-09 01:00:00'",
        "UPDATE picks SET player_name = player_name, odds = 900",
    ],
)
def test_a_statement_that_changes_nothing_records_and_queues_nothing(league: Database, statement: str) -> None:
    write(league, WON, pick=1)
    before = (events(league), queued(league), read(league, "SELECT * FROM pick_events"))
    write(league, statement)
    assert (events(league), queued(league), read(league, "SELECT * FROM pick_events")) == before
    assert one(league, "SELECT player_id FROM picks WHERE id = 1")["player_id"] == "p1"


def test_an_insert_that_finds_a_grade_and_does_nothing_records_nothing(league: Database) -> None:
    write(league, WON, pick=1)
    lost = "INTO results (pick_id, is_correct) VALUES (1, false)"
    if league.dialect == "sqlite":
        plain_sql(league, f"INSERT OR IGNORE {lost}")
    write(league, f"INSERT {lost} ON CONFLICT DO NOTHING")
    with pytest.raises(IntegrityError):
        write(league, f"INSERT {lost}")
    assert names(league) == ["graded"]
    assert counts(league)["p1"] == 1


def test_an_upsert_is_recorded_as_a_change(league: Database) -> None:
    write(league, WON, pick=1)
    write(
        league,
        "INSERT INTO results (pick_id, is_correct, any_time_td) VALUES (1, false, true) "
        "ON CONFLICT (pick_id) DO UPDATE SET is_correct = excluded.is_correct",
    )
    assert names(league) == ["graded", "flipped"]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_replaced_grade_is_recorded_though_no_delete_trigger_fires(lite: Database, recursive: bool) -> None:
    write_signed(lite, "pipeline", WON, "UPDATE results SET graded_by = 'pipeline'", pick=1)
    replace = "INSERT OR REPLACE INTO results (pick_id, is_correct, any_time_td, actual_return) VALUES (1, 0, 1, -1.0)"
    plain_sql(lite, replace, recursive=recursive)
    last = events(lite, 1)[-1]
    assert names(lite, 1)[2:] == (["ungraded", "graded"] if recursive else ["flipped"])
    assert (last["new_status"], last["graded_by"]) == ("lost", "external")
    if not recursive:
        assert (last["old_status"], last["old_actual_scorer"], last["old_graded_by"]) == ("won", "P", "pipeline")
        before = len(events(lite))
        plain_sql(lite, replace)
        assert len(events(lite)) == before
    assert counts(lite)["p1"] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO results (id, pick_id, is_correct) VALUES (1, 4, 0)",
        "UPDATE OR REPLACE results SET id = 1 WHERE pick_id = 5",
        "UPDATE OR REPLACE results SET pick_id = 1 WHERE pick_id = 5",
    ],
)
def test_a_grade_that_another_one_displaces_is_taken_back_in_the_record(lite: Database, statement: str) -> None:
    write(lite, WON, LOST.replace(":pick", "5"), pick=1)
    plain_sql(lite, statement)
    stored = {row["pick_id"]: row["is_correct"] for row in read(lite, "SELECT pick_id, is_correct FROM results")}
    for pick in (1, 4, 5):
        if events(lite, pick):
            assert events(lite, pick)[-1]["new_is_correct"] == stored.get(pick)
    assert counts(lite)["p1"] == sum(1 for pick, won in stored.items() if pick in (1, 2, 5) and won)
    assert {row[3] for row in queued(lite)} == {event["id"] for event in events(lite)}


def test_a_result_moved_to_another_pick_is_taken_back_there_and_given_here(league: Database) -> None:
    write(league, WON, pick=1)
    write(league, "UPDATE results SET pick_id = 4 WHERE pick_id = 1")
    assert (names(league, 1), names(league, 4)) == (["graded", "ungraded"], ["graded"])
    assert counts(league) == {"p1": 0, "p2": 0, "p3": 1, "p4": 0}


def test_many_rows_at_once_are_recorded_one_by_one(league: Database) -> None:
    write(league, "INSERT INTO results (pick_id, is_correct) SELECT id, true FROM picks")
    assert counts(league) == {"p1": 2, "p2": 1, "p3": 1, "p4": 0}
    assert counts(league, BEFORE)["p1"] == 1
    write(league, "UPDATE results SET is_correct = (pick_id = 3)")
    assert counts(league) == {"p1": 0, "p2": 1, "p3": 0, "p4": 0}
    write(league, "DELETE FROM results")
    assert counts(league) == {"p1": 0, "p2": 0, "p3": 0, "p4": 0}
    assert names(league).count("graded") == 6
    assert names(league).count("flipped") == 5  # pick 3 stays
    assert names(league).count("ungraded") == 6


def test_an_official_grade_that_changes_says_so(league: Database) -> None:
    status = "INSERT INTO pick_status (pick_id, status, finality) VALUES (:pick, 'won', :finality)"
    write(league, WON, pick=1)
    write(league, WON, pick=2)
    write(league, status, pick=1, finality="official")
    write(league, status, pick=2, finality="provisional")
    write(league, "UPDATE results SET is_correct = false", "DELETE FROM picks WHERE id IN (1, 2)")
    assert [e["was_official"] for e in events(league, 1)] == [False, True, True]
    assert [e["was_official"] for e in events(league, 2)] == [False, False, False]


# --- whose grade it is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("author", ["pipeline", "manual", "external"])
def test_a_grade_changed_by_plain_sql_becomes_external(league: Database, author: str) -> None:
    for change in ("is_correct = false", "actual_return = 8", "actual_scorer = 'Q'", "any_time_td = NULL"):
        again = f"UPDATE results SET graded_by = '{author}'"
        write_signed(league, author, "DELETE FROM results", WON, again, pick=1)
        before = len(events(league))
        write(league, f"UPDATE results SET {change} WHERE pick_id = 1")
        assert one(league, "SELECT graded_by FROM results")["graded_by"] == "external"
        (event,) = events(league)[before:]
        assert (event["old_graded_by"], event["graded_by"], event["changed_by"]) == (author, "external", None)


def test_a_signed_change_keeps_its_author(league: Database) -> None:
    write_signed(league, "pipeline", WON, "UPDATE results SET graded_by = 'pipeline'", pick=1)
    write_signed(league, "pipeline", "UPDATE results SET is_correct = false")
    assert one(league, "SELECT graded_by FROM results")["graded_by"] == "pipeline"


def test_plain_sql_that_names_an_author_is_believed(league: Database) -> None:
    write_signed(league, "pipeline", WON, "UPDATE results SET graded_by = 'pipeline'", pick=1)
    write(league, "UPDATE results SET is_correct = false, graded_by = 'manual'")
    assert one(league, "SELECT graded_by FROM results")["graded_by"] == "manual"
    assert names(league) == ["graded", "author changed", "flipped"]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_triggers_own_update_is_not_recorded_twice(lite: Database, recursive: bool) -> None:
    write_signed(lite, "pipeline", WON, "UPDATE results SET graded_by = 'pipeline'", pick=1)
    plain_sql(lite, "UPDATE results SET is_correct = 0 WHERE pick_id = 1", recursive=recursive)
    plain_sql(lite, "UPDATE picks SET player_name = 'somebody' WHERE id = 1", recursive=recursive)
    assert names(lite) == ["graded", "author changed", "flipped", "moved"]
    assert [e["event"] for e in pick_events(lite, 1)] == ["picked", "changed"]
    assert one(lite, "SELECT graded_by FROM results")["graded_by"] == "external"


@pytest.mark.parametrize("junk", ["'yes'", "x'01000000'", "0.5", "'0'"])
def test_whatever_another_program_stores_as_correct_is_taken_and_counts_as_it_is_read(
    lite: Database, junk: str
) -> None:
    plain_sql(
        lite, f"INSERT INTO results (pick_id, is_correct, any_time_td, actual_return) VALUES (1, {junk}, {junk}, x'00')"
    )
    plain_sql(lite, "INSERT INTO results (pick_id, is_correct) VALUES (2, 1)")
    plain_sql(lite, f"UPDATE results SET is_correct = {junk} WHERE pick_id = 2")
    read_as = Season(lite, SEASON).standing_results().sort("pick_id")
    expected = False if junk == "'0'" else None
    assert read_as["is_correct"].to_list() == [expected, expected]
    last = [events(lite, pick)[-1] for pick in (1, 2)]
    assert [e["new_status"] for e in last] == (["lost", "lost"] if junk == "'0'" else ["void", "void"])
    assert [e["new_is_correct"] for e in last] == [expected, expected]
    assert counts(lite)["p1"] == 0


def test_one_odd_value_does_not_hide_the_others(lite: Database) -> None:
    plain_sql(lite, "INSERT INTO results (pick_id, is_correct) VALUES (1, 'yes'), (2, 1), (3, 0)")
    assert Season(lite, SEASON).standing_results().sort("pick_id")["is_correct"].to_list() == [None, True, False]


@pytest.mark.parametrize("junk", ["'9/1'", "''", "x'00ff'"])
def test_the_record_takes_a_number_or_nothing_where_a_number_belongs(lite: Database, junk: str) -> None:
    plain_sql(
        lite,
        "INSERT INTO results (pick_id, is_correct, actual_return) VALUES (1, 1, 9)",
        f"UPDATE results SET actual_return = {junk} WHERE pick_id = 1",
        "UPDATE results SET actual_return = 'another' WHERE pick_id = 1",
        f"UPDATE picks SET odds = {junk} WHERE id = 1",
        "UPDATE picks SET odds = 'another' WHERE id = 1",
        "INSERT INTO pick_status (pick_id, status, points, stake) VALUES (1, 'won', 3, 1)",
        f"UPDATE pick_status SET points = {junk}, stake = {junk} WHERE pick_id = 1",
        f"INSERT INTO results (pick_id, is_correct, actual_return) VALUES (2, 1, {junk})",
        "UPDATE results SET actual_return = 5 WHERE pick_id = 2",
    )
    money = [(e["event"], e["old_actual_return"], e["new_actual_return"]) for e in events(lite)]
    assert money == [
        ("graded", None, 9.0),
        ("money corrected", 9.0, None),
        ("graded", None, None),
        ("money corrected", None, 5.0),
    ]
    recorded = [(e["event"], e["odds"], e["points"], e["stake"]) for e in pick_events(lite, 1)]
    assert recorded == [
        ("picked", 900.0, None, None),
        ("changed", None, None, None),
        ("stated", None, 3.0, 1.0),
        ("stated", None, None, None),
    ]


# --- picks ------------------------------------------------------------------------------------------------------------


def test_picks_taken_changed_and_removed_are_recorded(league: Database) -> None:
    write_signed(league, "Ann", "UPDATE picks SET odds = 450 WHERE id = 1", why="misread")
    write(league, "DELETE FROM picks WHERE id = 1")
    picked, changed, removed = pick_events(league, 1)
    assert [e["event"] for e in (picked, changed, removed)] == ["picked", "changed", "removed"]
    assert (picked["odds"], changed["odds"], removed["odds"]) == (900.0, 450.0, 450.0)
    assert (changed["changed_by"], changed["why"], removed["changed_by"]) == ("Ann", "misread", None)
    assert {
        (e["user_id"], e["season"], e["week"], e["game_id"], e["kind"], e["player_id"]) for e in (picked, removed)
    } == {(1, 2025, 1, "g1", "player", "p1")}


def test_deleting_a_pick_takes_back_its_grade_while_the_pick_is_known(league: Database) -> None:
    write(league, WON, pick=1)
    write(league, "DELETE FROM picks WHERE id = 1")
    graded, ungraded = events(league, 1)
    assert (ungraded["event"], ungraded["old_status"], ungraded["new_status"]) == ("ungraded", "won", None)
    for column in ("user_id", "season", "week", "game_id", "player_id", "player_name", "graded_by"):
        assert ungraded[column] == graded[column] is not None
    assert counts(league)["p1"] == 0
    assert read(league, "SELECT 1 FROM results WHERE pick_id = 1") == []


def test_a_pick_deleted_with_foreign_keys_off_leaves_nothing_behind(lite: Database) -> None:
    write(lite, WON, "INSERT INTO pick_status (pick_id, status) VALUES (:pick, 'won')", pick=1)
    plain_sql(lite, "DELETE FROM picks WHERE id = 1", foreign_keys=False)
    assert names(lite, 1) == ["graded", "ungraded"]
    assert counts(lite)["p1"] == 0
    assert check(lite) == []


@pytest.mark.parametrize("same_id", [True, False])
def test_a_replaced_pick_is_removed_in_the_record_with_its_grade(lite: Database, same_id: bool) -> None:
    write(lite, WON, "INSERT INTO pick_status (pick_id, status) VALUES (:pick, 'won')", pick=1)
    columns, values = ("id, ", "1, ") if same_id else ("", "")
    plain_sql(
        lite,
        f"INSERT OR REPLACE INTO picks ({columns}user_id, week_id, team, player_name, game_id) "
        f"VALUES ({values}1, 1, 'SEA', 'typed p1', 'g1')",
    )
    assert events(lite, 1)[-1]["event"] == "ungraded"
    assert events(lite, 1)[-1]["player_id"] == "p1"
    assert [e["event"] for e in pick_events(lite, 1)][:3] == ["picked", "stated", "removed"]
    assert counts(lite)["p1"] == 0
    (stored,) = read(lite, "SELECT id FROM picks WHERE user_id = 1 AND week_id = 1 AND player_name = 'typed p1'")
    assert pick_events(lite, stored["id"])[-1]["event"] == "picked"


def test_the_same_spelling_twice_is_still_refused(league: Database) -> None:
    again = (
        "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
        "VALUES (1, 1, 'SEA', 'typed p1', 900, 9, 'g1')"
    )
    with pytest.raises(IntegrityError):
        write(league, again)
    assert len(pick_events(league, 1)) == 1


@pytest.mark.parametrize(
    "change",
    ["player_name = 'Puka'", "team = 'NE'", "game_id = 'g2'", "week_id = 2", "user_id = 3", "game_id = NULL"],
)
def test_a_pick_retyped_by_plain_sql_has_to_be_understood_again(league: Database, change: str) -> None:
    write_signed(
        league,
        "pipeline",
        WON,
        "UPDATE picks SET kind = 'dst' WHERE id = 1",
        "INSERT INTO pick_status (pick_id, status, finality) VALUES (1, 'won', 'official')",
        "INSERT INTO pick_resolutions (pick_id, state, player_id, resolved_by) VALUES (1, 'understood', 'p1', 'Ann')",
        pick=1,
    )
    write(league, f"UPDATE picks SET {change} WHERE id = 1")
    pick = one(league, "SELECT * FROM picks WHERE id = 1")
    assert (pick["player_id"], pick["kind"]) == (None, "player")
    assert read(league, "SELECT 1 FROM pick_status UNION ALL SELECT 1 FROM pick_resolutions") == []
    moved = events(league, 1)[-1]
    assert (moved["event"], moved["old_player_id"], moved["player_id"], moved["was_official"]) == (
        "moved",
        "p1",
        None,
        True,
    )
    assert (moved["old_status"], moved["new_status"]) == ("won", "won")
    assert (moved["user_id"], moved["game_id"]) == (pick["user_id"], pick["game_id"])
    last = pick_events(league, 1)[-1]
    assert (last["event"], last["player_id"], last["kind"]) == ("changed", None, "player")
    assert counts(league) == {"p1": 0, "p2": 0, "p3": 0, "p4": 0}


def test_a_question_that_is_retyped_is_asked_anew(league: Database) -> None:
    write_signed(
        league,
        "pipeline",
        "UPDATE picks SET player_id = NULL WHERE id = 1",
        "INSERT INTO pick_status (pick_id, status, reason) VALUES (1, 'pending', 'player not understood')",
        "INSERT INTO pick_resolutions (pick_id, state, resolved_by) VALUES (1, 'question', 'pipeline')",
    )
    write(league, "UPDATE picks SET player_name = 'Cooper Kupp' WHERE id = 1")
    assert read(league, "SELECT 1 FROM pick_status UNION ALL SELECT 1 FROM pick_resolutions") == []


def test_a_player_named_along_with_the_text_stands(league: Database) -> None:
    write(league, "UPDATE picks SET player_name = 'Second', player_id = 'p2' WHERE id = 1")
    write_signed(league, "Ann", "UPDATE picks SET player_name = 'Third' WHERE id = 2")
    found = read(league, "SELECT player_id FROM picks WHERE id IN (1, 2) ORDER BY id")
    assert [row["player_id"] for row in found] == ["p2", "p1"]


def test_odds_typed_by_plain_sql_are_no_placeholder(league: Database) -> None:
    write_signed(league, "upgrade", "UPDATE picks SET odds = -110, odds_placeholder = true WHERE id IN (1, 2)")
    assert one(league, "SELECT count(*) AS n FROM picks WHERE odds_placeholder")["n"] == 2
    write(league, "UPDATE picks SET odds = -110 WHERE id = 1", "UPDATE picks SET odds = 500 WHERE id = 2")
    found = read(league, "SELECT odds_placeholder FROM picks WHERE id IN (1, 2) ORDER BY id")
    assert [bool(row["odds_placeholder"]) for row in found] == [True, False]


def test_a_graded_pick_moved_to_another_player_game_and_season_is_counted_there(league: Database) -> None:
    write(league, WON, pick=5)
    write_signed(league, "Ann", "UPDATE picks SET player_id = 'p4', game_id = 'g4', week_id = 3 WHERE id = 5")
    assert (counts(league)["p1"], counts(league)["p4"], counts(league, BEFORE)["p4"]) == (0, 0, 1)
    moved = events(league, 5)[-1]
    assert (moved["event"], moved["season"], moved["old_player_id"], moved["player_id"]) == ("moved", 2024, "p1", "p4")
    assert queued(league)[1:] == [(2024, 5, "moved", moved["id"]), (2025, 5, "moved", moved["id"])]


def test_a_pick_without_a_grade_moves_without_an_event_of_grades(league: Database) -> None:
    write_signed(league, "Ann", "UPDATE picks SET player_id = 'p4' WHERE id = 5")
    assert events(league) == []
    assert [e["event"] for e in pick_events(league, 5)] == ["picked", "changed"]


def test_standings_of_a_pick_are_stated_only_when_one_of_their_values_changes(league: Database) -> None:
    write_signed(
        league,
        "pipeline",
        "INSERT INTO pick_status (pick_id, status, reason, rule_pack) VALUES (1, 'pending', 'no plays yet', 'stack-1')",
    )
    write_signed(
        league, "pipeline", "UPDATE pick_status SET updated_at = '2025-09-10 01:00:00', reason = 'no plays yet'"
    )
    write_signed(league, "pipeline", "UPDATE pick_status SET status = 'won', reason = NULL, points = 4, stake = 1")
    write_signed(league, "pipeline", "UPDATE pick_status SET finality = 'official'")
    _, pending, won = pick_events(league, 1)
    assert (pending["event"], pending["status"], pending["reason"], pending["rule_pack"]) == (
        "stated",
        "pending",
        "no plays yet",
        "stack-1",
    )
    assert (won["event"], won["status"], won["reason"], won["points"], won["stake"]) == (
        "stated",
        "won",
        None,
        4.0,
        1.0,
    )
    assert (won["user_id"], won["season"], won["week"], won["player_id"], won["run_id"]) == (1, 2025, 1, "p1", "run-7")


# --- the queue --------------------------------------------------------------------------------------------------------


def test_every_event_waits_for_the_standings(league: Database) -> None:
    write(league, WON, "UPDATE results SET is_correct = false", "DELETE FROM results", pick=6)
    assert queued(league) == [
        (2024, 6, name, event["id"])
        for name, event in zip(("graded", "flipped", "ungraded"), events(league), strict=True)
    ]


def test_a_removed_pick_is_queued_once_graded_or_not(league: Database) -> None:
    write(league, LOST, pick=2)
    write(league, "DELETE FROM picks WHERE id IN (1, 2)")
    rows = sorted(queued(league), key=lambda row: (row[1], row[3] or 0))
    assert [row[:3] for row in rows] == [(2025, 1, "removed"), (2025, 2, "graded"), (2025, 2, "ungraded")]
    assert rows[0][3] is None


def test_a_rolled_back_change_leaves_no_event_no_queue_and_no_count(league: Database) -> None:
    before = (events(league), queued(league), counts(league), pick_events(league, 1))

    def and_back() -> None:
        with league.write() as conn:
            conn.execute(text(WON), {"pick": 1})
            conn.execute(text("DELETE FROM picks WHERE id = 2"))
            assert conn.execute(text("SELECT count(*) FROM standings_queue")).scalar_one() == 2
            raise KeyError

    with pytest.raises(KeyError):
        and_back()
    assert (events(league), queued(league), counts(league), pick_events(league, 1)) == before


# --- append-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["result_events", "pick_events"])
def test_the_record_refuses_update_and_delete(league: Database, table: str) -> None:
    write(league, WON, pick=1)
    before = read(league, f"SELECT * FROM {table}")
    assert before
    for statement in (f"UPDATE {table} SET why = 'x'", f"DELETE FROM {table}"):
        for which in ("", " WHERE id = 1"):
            with pytest.raises(IntegrityError, match=f"{table} is append-only"):
                write(league, statement + which)
    assert read(league, f"SELECT * FROM {table}") == before


@pytest.mark.parametrize("recursive", [False, True])
@pytest.mark.parametrize("table", ["result_events", "pick_events"])
def test_sqlite_cannot_replace_a_row_of_the_record(lite: Database, table: str, recursive: bool) -> None:
    write(lite, WON, pick=1)
    before = read(lite, f"SELECT * FROM {table}")
    for statement in (
        f"INSERT OR REPLACE INTO {table} (id, event, pick_id) VALUES (1, 'x', 1)",
        f"REPLACE INTO {table} (id, event, pick_id) VALUES (1, 'x', 1)",
        f"UPDATE OR REPLACE {table} SET id = 1",
        f"UPDATE OR IGNORE {table} SET why = 'x'",
        f"INSERT INTO {table} (id, event, pick_id) VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET event = 'x'",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
            plain_sql(lite, statement, recursive=recursive)
    assert read(lite, f"SELECT * FROM {table}") == before


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("result_events", "append-only"),
        ("pick_events", "append-only"),
        ("results", "delete its rows instead"),
        ("picks CASCADE", "delete its rows instead"),
    ],
)
def test_postgres_truncates_nothing_that_has_a_record(pg: Database, table: str, says: str) -> None:
    write(pg, WON, pick=1)
    with pytest.raises(IntegrityError, match=says):
        write(pg, f"TRUNCATE {table}")
    assert len(events(pg)) == 1


def test_postgres_refuses_to_upsert_the_record(pg: Database) -> None:
    write(pg, WON, pick=1)
    with pytest.raises(IntegrityError, match="append-only"):
        write(
            pg,
            "INSERT INTO result_events (id, event, pick_id) VALUES (1, 'x', 1) "
            "ON CONFLICT (id) DO UPDATE SET event = 'x'",
        )


# --- counts -----------------------------------------------------------------------------------------------------------


def plays(game: str, season: int, scorer: str | None) -> tuple[str, ...]:
    """A game's plays are there, with this first scorer."""
    first = (
        "INSERT INTO touchdowns (game_id, play_id, season, player_id, is_first_td) "
        f"VALUES ('{game}', 1, {season}, '{scorer}', true)"
    )
    record = f"INSERT INTO game_records (game_id, season, plays, reaches_end) VALUES ('{game}', {season}, 150, true)"
    return (first, record) if scorer else (record,)


def test_two_members_hitting_the_same_scorer_count_once(league: Database) -> None:
    write(league, WON, pick=1)
    write(league, WON, pick=2)
    assert counts(league)["p1"] == 1
    write(league, "DELETE FROM results WHERE pick_id = 1")
    assert counts(league)["p1"] == 1
    write(league, "UPDATE results SET is_correct = NULL")
    assert counts(league)["p1"] == 0


def test_once_a_games_plays_are_there_they_alone_count(league: Database) -> None:
    write(league, *plays("g1", SEASON, "p2"))
    write(league, WON, pick=1)
    write(league, WON, pick=3)
    assert counts(league) == {"p1": 0, "p2": 1, "p3": 0, "p4": 0}
    write(league, "DELETE FROM results")
    assert counts(league)["p2"] == 1


def test_counts_are_counted_again_never_stepped(league: Database) -> None:
    write(league, "UPDATE player_stats SET first_td_count = 41")
    write(league, WON, pick=1)
    assert counts(league)["p1"] == 1


def test_a_game_that_left_the_schedule_counts_no_touchdowns(league: Database) -> None:
    write(league, *plays("g2", SEASON, "p1"), "UPDATE games SET deleted_at = '2025-09-08 12:00:00' WHERE id = 'g2'")
    write(league, WON, pick=1)
    assert counts(league)["p1"] == 1


def test_what_disagrees_is_found_by_player(league: Database) -> None:
    write(league, WON, pick=1)
    with league.read() as conn:
        assert counts_disagree(conn, SEASON).is_empty()
    write(league, "UPDATE player_stats SET first_td_count = 3 WHERE season = 2025 AND player_id IN ('p1', 'p4')")
    with league.read() as conn:
        found = counts_disagree(conn, SEASON).rows()
        assert counts_disagree(conn, BEFORE).is_empty()
    assert found == [("p1", "Player p1", 3, 1), ("p4", "Player p4", 3, 0)]


def test_two_writers_on_postgres_lose_neither_ones_count(pg: Database) -> None:
    """The second waits for the first one's count and counts after it, whatever its snapshot was."""
    with pg.engine.connect() as first, pg.engine.connect() as second:
        first.execute(text(WON), {"pick": 1})
        done = in_thread(second, lambda: second.execute(text(WON), {"pick": 5}))
        assert waits_for_a_lock(pg)
        first.commit()
        done()
    assert counts(pg)["p1"] == 2


def test_a_writer_on_postgres_waits_for_the_nightly_count_and_counts_after_it(pg: Database) -> None:
    with pg.engine.connect() as nightly, pg.engine.connect() as other:
        hold_counts(nightly, SEASON)
        done = in_thread(other, lambda: other.execute(text(WON), {"pick": 1}))
        assert waits_for_a_lock(pg)
        recount(pg, nightly)
        nightly.commit()
        done()
    assert counts(pg)["p1"] == 1


def in_thread(conn: Connection, work: Callable[[], object]) -> Callable[[], None]:
    """Start work that will have to wait, and commit after it; returns how to wait for its end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
            conn.commit()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def join() -> None:
        thread.join(30)
        assert not thread.is_alive()
        assert failed == []

    return join


def waits_for_a_lock(db: Database) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with db.engine.connect() as conn:
        for _ in range(1000):
            if conn.execute(text(waiting)).scalar_one():
                return True
            conn.execute(text("SELECT pg_sleep(0.01)"))
            conn.rollback()
    return False


# --- at any size ------------------------------------------------------------------------------------------------------

NOT_BY_INDEX = {"gr_results_insert_used", "gr_results_update_id"}
"""They look for a displaced row, where an id is used again: no program does that every day."""


def test_no_statement_of_a_trigger_on_sqlite_reads_a_whole_table(lite: Database) -> None:
    with lite.read() as conn:
        for trigger in grade_triggers._triggers("sqlite"):
            if trigger.name in NOT_BY_INDEX:
                continue
            for statement in (s for s in trigger.does if "RAISE" not in s):
                plan = conn.exec_driver_sql(
                    "EXPLAIN QUERY PLAN " + re.sub(r"\b(?:NEW|OLD)\.\w+", "?1", statement), (1,)
                )
                scans = {re.sub(r"\W.*", "", row.detail[5:]) for row in plan if row.detail.startswith("SCAN")}
                # one-row selects and what was found already, by their aliases
                assert scans <= {"CONSTANT", "one", "authorship", "a", "counted_games", "l", "r"}, (trigger.name, scans)


def fill(db: Database, picks: int) -> None:
    with db.write() as conn, signed(conn, "test"):
        conn.execute(text("CREATE TEMPORARY TABLE n (i INTEGER)"))
        conn.execute(text("INSERT INTO n (i) VALUES (:i)"), [{"i": i} for i in range(picks)])
        conn.execute(
            text(
                "INSERT INTO games (id, season, week, home_team, away_team) "
                "SELECT 'x' || i, 2025, 2, 'H' || i, 'A' || i FROM n WHERE i < 250"
            )
        )
        conn.execute(
            text(
                "INSERT INTO touchdowns (game_id, play_id, season, player_id, is_first_td) "
                "SELECT 'x' || (i % 250), i, 2025, 'q' || i, i < 250 FROM n"
            )
        )
        conn.execute(
            text(
                "INSERT INTO picks (user_id, week_id, team, player_name, player_id, game_id) "
                "SELECT 1, 2, 'SEA', 'x' || i, 'q' || i, 'x' || (i % 250) FROM n"
            )
        )
        conn.execute(text("INSERT INTO results (pick_id, is_correct) SELECT id, false FROM picks WHERE id > 6"))
        conn.execute(text("DROP TABLE n"))
    with db.engine.connect() as conn:
        raw: Any = conn.connection.driver_connection
        if db.dialect == "postgresql":
            raw.autocommit = True
        raw.execute("ANALYZE")
        if db.dialect == "postgresql":
            raw.autocommit = False


ONE_OF_EACH = (
    "INSERT INTO results (pick_id, is_correct) VALUES (1, true)",
    "UPDATE results SET is_correct = false WHERE pick_id = 1",
    "UPDATE picks SET player_name = 'else' WHERE id = 1",
    "INSERT INTO pick_status (pick_id, status) VALUES (1, 'lost')",
    "DELETE FROM results WHERE pick_id = 1",
    "DELETE FROM picks WHERE id = 2",
)


def test_the_work_for_one_grade_does_not_grow_with_the_grades_on_sqlite(lite: Database) -> None:
    assert lite.path is not None

    def steps() -> int:
        taken = 0

        def count() -> int:
            nonlocal taken
            taken += 1
            return 0

        with closing(sqlite3.connect(lite.path or "", isolation_level=None)) as conn:
            conn.execute("PRAGMA foreign_keys = ON")
            conn.execute("BEGIN")
            conn.set_progress_handler(count, 10)
            for statement in ONE_OF_EACH:
                conn.execute(statement)
            conn.set_progress_handler(None, 0)
            conn.execute("ROLLBACK")
        return taken

    fill(lite, 300)
    few = steps()
    with lite.write() as conn, signed(conn, "test"):
        conn.execute(
            text(
                "INSERT INTO picks (user_id, week_id, team, player_name, player_id, game_id) "
                "SELECT u.id, w.id, 'SEA', 'y' || p.id, NULL, game_id FROM picks p, users u, weeks w WHERE p.id > 6"
            )
        )
        conn.execute(text("INSERT INTO results (pick_id, is_correct) SELECT id, false FROM picks WHERE id > 400"))
    with lite.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM results")).scalar_one() > 2500
    assert steps() < few * 1.5


def test_postgres_reads_no_whole_table_for_one_grade(pg: Database) -> None:
    fill(pg, 4000)
    with pg.write() as conn:
        for statement in ONE_OF_EACH:
            conn.execute(text(statement))
        read_whole = conn.execute(
            text(
                "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0 AND relname IN "
                "('results', 'picks', 'touchdowns', 'result_events', 'pick_events')"
            )
        ).all()
        conn.rollback()
    assert read_whole == []


# --- what is installed ------------------------------------------------------------------------------------------------


def test_the_triggers_of_a_fresh_database_are_this_releases(database: Database) -> None:
    assert check(database) == []
    with database.read() as conn:
        assert grade_triggers.installed(conn) == grade_triggers.expected(database.dialect)


def test_installing_again_changes_nothing(database: Database) -> None:
    with database.write() as conn:
        grade_triggers.install(conn)
        grade_triggers.install(conn)
    assert check(database) == []


def test_without_its_triggers_a_database_is_not_sound(league: Database) -> None:
    with league.write() as conn:
        grade_triggers.uninstall(conn)
    write(league, WON, pick=1)
    assert events(league) == []
    missing = [problem for problem in check(league) if "is missing" in problem]
    assert len(missing) == len(grade_triggers.statements(league.dialect))


def test_a_trigger_that_was_changed_is_told(lite: Database) -> None:
    plain_sql(
        lite,
        "DROP TRIGGER gr_results_insert",
        "CREATE TRIGGER gr_results_insert AFTER INSERT ON results BEGIN SELECT 1; END",
        "CREATE TRIGGER gr_mine AFTER INSERT ON results BEGIN SELECT 1; END",
    )
    told = check(lite)
    assert [t for t in told if t.startswith("trigger gr_results_insert differs")]
    assert "trigger gr_mine is not ours" in told
    assert len(told) == 2


def test_a_function_that_was_changed_or_a_trigger_switched_off_is_told_on_postgres(pg: Database) -> None:
    body = "BEGIN RETURN NULL; END"
    write(
        pg,
        f"CREATE OR REPLACE FUNCTION gr_results_insert() RETURNS trigger LANGUAGE plpgsql AS '{body}'",
        "ALTER TABLE results DISABLE TRIGGER gr_results_delete",
        "CREATE TRIGGER gr_mine AFTER DELETE ON results FOR EACH ROW EXECUTE FUNCTION gr_results_insert()",
    )
    told = check(pg)
    assert [t.split(":")[0] for t in told] == [
        "trigger gr_mine is not ours",
        "trigger gr_results_delete differs",
        "trigger gr_results_insert differs",
    ]
    assert "not enabled" in told[1]


def test_a_signature_left_behind_is_told(league: Database) -> None:
    write(league, "INSERT INTO authorship (who) VALUES ('pipeline')")
    (told,) = check(league)
    assert told.startswith("authorship still names 'pipeline'")


# --- whatever is written ----------------------------------------------------------------------------------------------

Step = tuple[str, int, int, int, bool]
KINDS = (
    "grade",
    "grade over",
    "grade unless",
    "regrade",
    "regrade all",
    "move grade",
    "ungrade",
    "remove pick",
    "move pick",
    "retype",
    "pick",
    "replace pick",
    "state",
    "plays",
    "no plays",
)
VALUES = ("true", "true", "false", "NULL")
JUNK = (*VALUES, "'yes'", "x'01000000'", "0.5", "2")
CHANGES = (
    "player_id = 'p2'",
    "player_id = 'p3'",
    "player_id = NULL",
    "game_id = 'g1'",
    "game_id = 'g3'",
    "game_id = NULL",
    "week_id = 2",
    "week_id = 3",
    "user_id = 2",
    "odds = 450",
)
steps = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.booleans()),
    min_size=3,
    max_size=14,
)
property_settings = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def statement_of(step: Step, sqlite: bool) -> list[str]:
    """The SQL of a step; a, b and c choose among what there is."""
    kind, a, b, c, _ = step
    pick = 1 + a % 8
    values = JUNK if sqlite else VALUES
    won, any_time = values[b % len(values)], VALUES[c % 4]
    row = f"(pick_id, is_correct, any_time_td, actual_return) VALUES ({pick}, {won}, {any_time}, {b - 1}.5)"
    player, game = PLAYERS[b % 4], f"g{1 + c % 4}"
    season = BEFORE if game == "g4" else SEASON
    simple: dict[str, list[str]] = {
        "grade": [f"INSERT INTO results {row}"],
        "grade unless": [f"INSERT INTO results {row} ON CONFLICT DO NOTHING"],
        "regrade": [f"UPDATE results SET is_correct = {won}, actual_return = {c}.0 WHERE pick_id = {pick}"],
        "regrade all": [f"UPDATE results SET is_correct = {won}"],
        "move grade": [f"UPDATE results SET pick_id = {1 + b % 8} WHERE pick_id = {pick}"],
        "ungrade": [f"DELETE FROM results WHERE pick_id = {pick}"],
        "remove pick": [f"DELETE FROM picks WHERE id = {pick}"],
        "move pick": [f"UPDATE picks SET {CHANGES[b]} WHERE id = {pick}"],
        "retype": [f"UPDATE picks SET player_name = 'typed {player}', team = 'T{c}' WHERE id = {pick}"],
        "pick": [
            "INSERT INTO picks (user_id, week_id, team, player_name, player_id, game_id) "
            f"VALUES ({1 + a % 3}, {1 + c % 3}, 'SEA', 'new {b}', '{player}', '{game}')"
        ],
        "state": [f"UPDATE pick_status SET points = {b} WHERE pick_id = {pick}"],
        "plays": [
            f"DELETE FROM touchdowns WHERE game_id = '{game}'",
            f"DELETE FROM game_records WHERE game_id = '{game}'",
            *plays(game, season, player if b < 8 else None),
        ],
        "no plays": [
            f"DELETE FROM touchdowns WHERE game_id = '{game}'",
            f"DELETE FROM game_records WHERE game_id = '{game}'",
        ],
    }
    if kind == "grade over":
        if sqlite:
            return [f"INSERT OR REPLACE INTO results {row}"]
        return [f"INSERT INTO results {row} ON CONFLICT (pick_id) DO UPDATE SET is_correct = excluded.is_correct"]
    if kind == "replace pick":
        if sqlite:
            return [
                # a run has seen every pick
                "INSERT INTO pick_status (pick_id, status, reason) SELECT id, 'pending', 'r' FROM picks "
                "WHERE id NOT IN (SELECT pick_id FROM pick_status)",
                "INSERT OR REPLACE INTO picks (user_id, week_id, team, player_name, player_id, game_id) "
                f"SELECT user_id, week_id, team, player_name, '{player}', game_id FROM picks WHERE id = {pick}",
            ]
        return [f"DELETE FROM picks WHERE id = {pick}"]
    if kind == "state" and c % 2:
        return [f"INSERT INTO pick_status (pick_id, status, reason, points) VALUES ({pick}, 'pending', 'r', {b})"]
    return simple[kind]


def recount(db: Database, conn: Connection) -> None:
    """The nightly path of `player_stats`, without its upstream files."""
    for season in (SEASON, BEFORE):
        write_player_stats(conn, season, nightly_counts(db, conn, season), NOW)


def nightly_counts(db: Database, conn: Connection, season: int) -> pl.DataFrame:
    of_season = Season(db, season, conn)
    return player_stats(
        season,
        rosters=of_season.rosters(),
        games=of_season.current_games(),
        touchdowns=of_season.touchdowns(),
        usage=pl.DataFrame(
            schema={
                "player_id": pl.String,
                "games_played": pl.Int64,
                "games_played_source": pl.String,
                "red_zone_targets": pl.Int64,
                "red_zone_touches": pl.Int64,
            }
        ),
        picks=of_season.graded_picks(),
        records=of_season.records(),
    )


def take(db: Database, conn: Connection, step: Step) -> None:
    """One program's statements; what the constraints refuse is undone, as that program would find it."""
    kind, signs = step[0], step[4]
    try:
        with conn.begin_nested():
            if signs:
                with signed(conn, "pipeline", at=NOW):
                    for statement in statement_of(step, db.dialect == "sqlite"):
                        conn.exec_driver_sql(statement)
            else:
                for statement in statement_of(step, db.dialect == "sqlite"):
                    conn.exec_driver_sql(statement)
    except DBAPIError as error:
        assert isinstance(error, IntegrityError), error  # noqa: PT017 - a trigger never refuses
        assert "append-only" not in str(error)  # noqa: PT017
    if kind in ("plays", "no plays"):
        recount(db, conn)  # touchdowns come at night: the nightly count follows


def assert_kept_up(db: Database, conn: Connection, since: int) -> None:
    for season in (SEASON, BEFORE):
        of_season = Season(db, season, conn)
        nightly = nightly_counts(db, conn, season).select("player_id", "first_td_count").sort("player_id")
        stored = of_season.player_stats().select("player_id", "first_td_count").sort("player_id")
        assert stored.rows() == nightly.rows()
        assert counts_disagree(conn, season).is_empty()
    rows = db.frame("SELECT * FROM result_events ORDER BY id", conn=conn)
    stands: dict[int, tuple[Any, ...]] = {}
    for event in rows.iter_rows(named=True):
        was = tuple(event[f"old_{name}"] for name in ("graded_by", "status", *GRADE))
        if event["event"] == "ungraded":
            assert stands.pop(event["pick_id"]) == was
            assert [event[f"new_{name}"] for name in ("status", *GRADE)] == [None] * 5
            continue
        assert stands.get(event["pick_id"], (None,) * 6) == was
        assert (event["event"] == "graded") == (event["pick_id"] not in stands)
        stands[event["pick_id"]] = (event["graded_by"], *(event[f"new_{name}"] for name in ("status", *GRADE)))
    stored_now = {row["pick_id"]: row for season in (SEASON, BEFORE) for row in results_of(db, conn, season)}
    assert {pick: s[2:] for pick, s in stands.items()} == {
        pick: tuple(row[name] for name in GRADE) for pick, row in stored_now.items()
    }
    assert {pick: s[0] for pick, s in stands.items()} == {p: row["graded_by"] for p, row in stored_now.items()}
    waiting = conn.execute(text("SELECT season, event_id FROM standings_queue WHERE event_id > :e"), {"e": since}).all()
    seasons = conn.execute(text("SELECT id, season FROM result_events WHERE id > :e"), {"e": since}).all()
    assert {(event, season) for event, season in seasons} <= {(event, season) for season, event in waiting}
    assert_picks_recorded(conn)


def results_of(db: Database, conn: Connection, season: int) -> list[dict[str, Any]]:
    frame = Season(db, season, conn).standing_results().with_columns(pl.col("is_correct", "any_time_td").cast(pl.Int64))
    if db.dialect == "postgresql":
        frame = frame.with_columns(pl.col("is_correct", "any_time_td").cast(pl.Boolean))
    return frame.to_dicts()


def assert_picks_recorded(conn: Connection) -> None:
    """The last a pick's record says of it is how it stands, or that it was removed."""
    last = conn.execute(
        text("SELECT * FROM pick_events e WHERE id = (SELECT max(id) FROM pick_events o WHERE o.pick_id = e.pick_id)")
    ).mappings()
    recorded = {row["pick_id"]: row for row in last}
    stored = conn.execute(text("SELECT p.*, w.season, w.week FROM picks p JOIN weeks w ON w.id = p.week_id")).mappings()
    columns = ("user_id", "season", "week", "game_id", "kind", "player_id", "player_name", "odds")
    there = {row["id"]: tuple(row[c] for c in columns) for row in stored}
    assert {p: tuple(r[c] for c in columns) for p, r in recorded.items() if p in there} == there
    assert {row["event"] for pick, row in recorded.items() if pick not in there} <= {"removed"}


def keeps_up(db: Database, script: list[Step]) -> None:
    with db.engine.connect() as conn, conn.begin() as outer:
        since = conn.execute(text("SELECT coalesce(max(id), 0) FROM result_events")).scalar_one()
        for step in script:
            take(db, conn, step)
            assert all(counts_disagree(conn, season).is_empty() for season in (SEASON, BEFORE)), step
        assert_kept_up(db, conn, since)
        outer.rollback()


@pytest.fixture
def ready(league: Database) -> Database:
    with league.write() as conn, signed(conn, "pipeline", at=NOW):
        for pick in range(1, 7):
            conn.execute(
                text("INSERT INTO pick_status (pick_id, status, reason) VALUES (:pick, 'pending', 'no plays yet')"),
                {"pick": pick},
            )
        conn.execute(text("INSERT INTO results (pick_id, is_correct) SELECT id, true FROM picks WHERE id <> 2"))
    return league


@property_settings
@given(script=steps)
@example(script=[("grade", 0, 0, 0, False), ("grade", 1, 0, 0, True), ("remove pick", 0, 0, 0, False)])
@example(script=[("grade", 0, 0, 0, False), ("plays", 0, 1, 0, False), ("grade", 2, 0, 0, False)])
def test_whatever_is_written_counts_record_and_queue_keep_up(ready: Database, script: list[Step]) -> None:
    keeps_up(ready, script)


def test_a_long_history_keeps_up(ready: Database) -> None:
    chance = random.Random(7)
    script = [
        (chance.choice(KINDS), chance.randrange(10), chance.randrange(10), chance.randrange(10), chance.random() < 0.5)
        for _ in range(250)
    ]
    keeps_up(ready, script)
