"""Grades by hand: they stand, they are signed, they can be taken back, and what cannot be is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from firsttd_pipeline.storage import grades
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import GradeChange, GradeRefused
from firsttd_pipeline.storage.picks import NoSuchPick
from firsttd_pipeline.storage.removal import remove_pick
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.graded import (
    CARRIER,
    COMING,
    DEFENSE,
    NOBODY,
    OPENER,
    RUNNER,
    SEASON,
    TIGHTEND,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)

BY = {"by": "Kim", "why": "the referee said so"}
RUNNER_ID, CARRIER_ID, CATCHER_ID = "00-0000001", "00-0000002", "00-0000004"


def by_hand(league: Graded, what: str, pick_id: int, **given: Any) -> GradeChange:
    rules = league.league.settings.rules
    change: GradeChange = getattr(grades, what)(league.db, pick_id, now=league.now, rules=rules, **{**BY, **given})
    return change


def overridden(league: Graded, pick_id: int) -> list[tuple[Any, ...]]:
    return league.rows(
        "SELECT kind, made_by, why, ended_at IS NOT NULL, ended_by FROM overrides WHERE pick_id = :p ORDER BY id",
        p=pick_id,
    )


# --- they stand -------------------------------------------------------------------------------------------------------


def test_an_override_stands_through_nightly_runs_and_the_leaderboard_follows(graded: Graded) -> None:  # noqa: F811
    assert graded.points() == {"Avery": 8.0, "Blake": 1.0}
    change = by_hand(graded, "override", RUNNER, won=True)
    assert (change.before.status, change.after.status) == ("lost", "won")
    assert (change.before.points, change.after.points) == (1.0, 4.0)
    graded.nightly()
    graded.nightly()
    assert graded.result(RUNNER) == (True, True, "Jalen Runner", 9.0, "manual")
    assert graded.status(RUNNER) == ("won", None, 4.0, 1.0)
    assert graded.points() == {"Avery": 8.0, "Blake": 4.0}


def test_who_why_and_when_stand_in_the_record_and_in_the_events(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", RUNNER, won=True)
    assert overridden(graded, RUNNER) == [("override", "Kim", BY["why"], False, None)]
    columns = ("event", "old_status", "new_status", "old_graded_by", "graded_by", "changed_by", "why")
    assert graded.events(RUNNER, *columns)[-1] == ("flipped", "lost", "won", "pipeline", "manual", "Kim", BY["why"])
    stated = graded.rows("SELECT changed_by, points FROM pick_events WHERE pick_id = 2 ORDER BY id DESC LIMIT 1")
    assert stated == [("Kim", 4.0)]


def test_a_grade_by_hand_leaves_what_others_wrote_meanwhile_to_the_pipeline(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = NULL WHERE pick_id = :p", p=CARRIER)
    by_hand(graded, "void", RUNNER)
    signed = graded.rows("SELECT count(*) FROM pick_events WHERE changed_by = 'Kim' AND pick_id <> :p", p=RUNNER)
    assert signed == [(0,)]
    graded.standings()
    assert graded.status(CARRIER) == ("void", "graded void", 0.0, 0.0)


def test_an_override_back_to_lost_keeps_the_touchdown_that_the_plays_have(graded: Graded) -> None:  # noqa: F811
    change = by_hand(graded, "override", CARRIER, won=False)
    assert graded.result(CARRIER) == (False, True, None, -1.0, "manual")
    assert change.after.points == 1.0
    change = by_hand(graded, "override", CARRIER, won=False, any_time_td=False, scorer="CeeDee Catcher")
    assert graded.result(CARRIER) == (False, False, "CeeDee Catcher", -1.0, "manual")
    assert change.after.points == 0.0
    assert [row[3:] for row in overridden(graded, CARRIER)] == [(True, "Kim"), (False, None)]


@pytest.mark.parametrize("named", ["CeeDee Catcher", "ceedee  catcher", CATCHER_ID])
def test_the_first_scorer_is_named_or_given_by_his_id(graded: Graded, named: str) -> None:  # noqa: F811
    by_hand(graded, "override", CARRIER, won=False, scorer=named)
    found = graded.rows("SELECT actual_scorer, actual_scorer_id FROM results WHERE pick_id = :p", p=CARRIER)
    assert found == [("CeeDee Catcher", CATCHER_ID)]


def test_a_scorer_nobody_knows_is_kept_as_named(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", CARRIER, won=False, scorer="the kicker's brother")
    found = graded.rows("SELECT actual_scorer, actual_scorer_id FROM results WHERE pick_id = :p", p=CARRIER)
    assert found == [("the kicker's brother", None)]


def test_money_is_by_the_odds_unknown_where_they_are_and_as_entered_where_it_is(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", NOBODY, won=True)
    assert graded.result(NOBODY) == (True, False, "No Touchdown", None, "manual")
    assert graded.status(NOBODY) == ("won", None, 3.0, None)
    by_hand(graded, "override", RUNNER, won=True, profit=42.0)
    graded.nightly()
    assert graded.result(RUNNER)[3] == 42.0
    # one event, with the money in it: not a grade and then its correction
    assert [row[0] for row in graded.events(RUNNER, "event")] == ["graded", "flipped"]


def test_a_void_gives_the_stake_back_and_an_override_takes_it_out_again(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "void", DEFENSE)
    graded.nightly()
    assert graded.result(DEFENSE) == (None, None, None, 0.0, "manual")
    assert graded.status(DEFENSE) == ("void", "graded void", 0.0, 0.0)
    by_hand(graded, "override", DEFENSE, won=True)
    assert graded.result(DEFENSE) == (True, True, "T.Corner", 15.0, "manual")


def test_a_pick_of_a_game_to_come_can_be_made_void(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "void", TIGHTEND)
    graded.nightly()
    assert graded.status(TIGHTEND)[0] == "void"


def test_a_game_without_plays_is_graded_by_hand(graded: Graded) -> None:  # noqa: F811
    graded.write(
        "DELETE FROM touchdowns WHERE game_id = '2025_01_DAL_PHI'", "DELETE FROM game_records",
        "DELETE FROM results WHERE pick_id = 1",
    )  # fmt: skip
    change = by_hand(graded, "grade_result", CARRIER, won=True)
    assert (change.before.graded_by, change.after.status) == (None, "won")
    assert graded.result(CARRIER) == (True, True, "Saquon Carrier", 4.0, "manual")
    assert overridden(graded, CARRIER) == [("grade", "Kim", BY["why"], False, None)]


# --- taken back -------------------------------------------------------------------------------------------------------


def test_an_ungraded_pick_is_pending_and_graded_by_the_pipeline_the_next_night(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", RUNNER, won=True)
    change = by_hand(graded, "ungrade", RUNNER, why="I was wrong")
    assert graded.result(RUNNER) == ()
    assert change.after.status == "pending"
    assert "the next nightly run grades it" in (change.after.reason or "")
    assert overridden(graded, RUNNER) == [("override", "Kim", BY["why"], True, "Kim")]
    assert graded.events(RUNNER, "event", "changed_by", "why")[-1] == ("ungraded", "Kim", "I was wrong")
    graded.nightly()
    assert graded.result(RUNNER) == (False, True, "S.Carrier", -1.0, "pipeline")


def test_a_deleted_grade_of_another_program_is_graded_by_the_pipeline_the_next_night(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM results WHERE pick_id = 2",
                 "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
                 f"VALUES (2, 'Unknown', {'false' if graded.db.dialect == 'postgresql' else 0}, 0.0, "
                 f"{'false' if graded.db.dialect == 'postgresql' else 0})")  # fmt: skip
    graded.nightly()
    assert graded.result(RUNNER) == (False, False, "Unknown", -1.0, "external")
    graded.write("DELETE FROM results WHERE pick_id = 2")
    graded.standings()
    assert graded.status(RUNNER)[:2] == ("pending", "its grade was taken back: the next nightly run grades it")
    graded.nightly()
    assert graded.result(RUNNER) == (False, True, "S.Carrier", -1.0, "pipeline")


def test_an_override_whose_grade_another_program_removed_is_ended_in_the_record(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", RUNNER, won=True)
    graded.write("DELETE FROM results WHERE pick_id = 2")
    graded.nightly()
    assert [row[3] for row in overridden(graded, RUNNER)] == [True]
    assert graded.result(RUNNER)[4] == "pipeline"


def test_a_pick_removed_with_its_override_leaves_the_record_of_both(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", RUNNER, won=True)
    for why in ("", "  "):
        with pytest.raises(GradeRefused, match=r"Pick 2 has a grade by hand, .* say why"):
            remove_pick(graded.db, RUNNER, by="Kim", why=why)
    with pytest.raises(GradeRefused, match="the name of the person"):
        remove_pick(graded.db, RUNNER, by="cli", why="entered twice")
    assert graded.result(RUNNER)[4] == "manual"
    remove_pick(graded.db, RUNNER, by="Kim", why="entered twice")
    graded.nightly()
    assert [row[:4] for row in overridden(graded, RUNNER)] == [("override", "Kim", BY["why"], True)]
    assert graded.events(RUNNER, "event", "changed_by", "why")[-1] == ("ungraded", "Kim", "entered twice")


# --- refused ----------------------------------------------------------------------------------------------------------


DOORS = {"override": {"won": True}, "grade_result": {"won": True}, "void": {}, "ungrade": {}}
UNSIGNED = (
    ({"by": ""}, "Who is missing"),
    ({"by": " \u200d "}, "Who is missing"),
    ({"why": "  "}, "Why is missing"),
    ({"by": "Kim\x1b[31m"}, "cannot hold the character"),
    ({"why": "x" * 501}, "at most 500"),
    ({"by": "Pipeline"}, "signs for programs"),
)
REFUSED: tuple[tuple[str, int, dict[str, Any], str], ...] = (
    ("grade_result", RUNNER, {"won": True}, "has a grade: lost with an any-time touchdown, by the pipeline.*override"),
    ("override", CARRIER, {"won": True}, "won, by the pipeline already"),
    ("override", TIGHTEND, {"won": True}, "has not kicked off"),
    ("grade_result", TIGHTEND, {"won": False}, "has not kicked off"),
    ("ungrade", TIGHTEND, {}, r"has no grade to take back: it is pending \(game not final\)"),
    ("override", RUNNER, {"won": True, "any_time_td": False}, "A won pick of this kind scored"),
    ("override", NOBODY, {"won": True, "any_time_td": True}, "nobody who scored"),
    ("override", RUNNER, {"won": True, "scorer": "CeeDee Catcher"}, "not the player of pick 2"),
    ("override", RUNNER, {"won": True, "scorer": " "}, "name or gsis_id"),
    ("override", RUNNER, {"won": True, "profit": float("nan")}, "number of units"),
)


def test_nothing_is_done_by_hand_without_a_person_and_a_reason(graded: Graded) -> None:  # noqa: F811
    before = graded.rows("SELECT pick_id, is_correct, graded_by FROM results ORDER BY pick_id")
    for what, more in DOORS.items():
        for given, says in UNSIGNED:
            with pytest.raises(GradeRefused, match=says):
                by_hand(graded, what, RUNNER, **more, **given)
    assert graded.rows("SELECT pick_id, is_correct, graded_by FROM results ORDER BY pick_id") == before
    assert graded.rows("SELECT count(*) FROM overrides") == [(0,)]


def test_a_grade_that_cannot_be_is_refused_and_says_why(graded: Graded) -> None:  # noqa: F811
    before = graded.rows("SELECT pick_id, is_correct, graded_by FROM results ORDER BY pick_id")
    for what, pick_id, given, says in REFUSED:
        with pytest.raises(GradeRefused, match=says):
            by_hand(graded, what, pick_id, **given)
    assert graded.rows("SELECT pick_id, is_correct, graded_by FROM results ORDER BY pick_id") == before
    assert graded.rows("SELECT count(*) FROM overrides") == [(0,)]


def test_an_unknown_pick_is_told(graded: Graded) -> None:  # noqa: F811
    for what, more in DOORS.items():
        with pytest.raises(NoSuchPick, match="no pick 77"):
            by_hand(graded, what, 77, **more)


def test_a_void_of_a_void_and_the_same_override_twice_are_told(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "void", RUNNER)
    with pytest.raises(GradeRefused, match="void, by hand already"):
        by_hand(graded, "void", RUNNER)
    by_hand(graded, "override", RUNNER, won=True)
    with pytest.raises(GradeRefused, match="won, by hand already"):
        by_hand(graded, "override", RUNNER, won=True)


def test_a_pick_without_a_game_can_only_be_made_void(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE picks SET game_id = NULL WHERE id = 5")
    with pytest.raises(GradeRefused, match="has no game"):
        by_hand(graded, "override", TIGHTEND, won=True)
    assert by_hand(graded, "void", TIGHTEND).after.status == "void"


def test_without_the_leagues_rules_points_and_money_follow_with_the_next_run(graded: Graded) -> None:  # noqa: F811
    grades.override(graded.db, RUNNER, won=True, now=graded.now, by="Kim", why="a test")
    assert graded.result(RUNNER) == (True, True, "Jalen Runner", None, "manual")
    graded.standings()
    assert graded.result(RUNNER)[3] == 9.0
    assert graded.points() == {"Avery": 8.0, "Blake": 4.0}


def test_names_of_those_who_sign_are_text_and_nothing_else(graded: Graded) -> None:  # noqa: F811
    hostile = "'); DROP TABLE results;--"
    by_hand(graded, "void", RUNNER, by=hostile, why=hostile)
    assert overridden(graded, RUNNER) == [("void", hostile, hostile, False, None)]


def test_on_postgres_a_result_of_another_program_waits_until_a_grade_by_hand_is_written(postgres_db: Database) -> None:
    other = Database(postgres_db.engine.url.render_as_string(hide_password=False), busy_timeout_s=0.2)
    with postgres_db.write() as conn:
        grades.hold_results(conn)
        with other.engine.connect() as plain:
            plain.execute(text("SET lock_timeout = 200"))
            assert plain.execute(text("SELECT count(*) FROM results")).scalar() == 0
            with pytest.raises(OperationalError, match="lock timeout"):
                plain.execute(text("INSERT INTO results (pick_id) VALUES (1)"))
    other.close()


# --- the first night --------------------------------------------------------------------------------------------------


def test_a_correction_of_the_plays_flips_the_pipelines_grades_and_no_others(graded: Graded) -> None:  # noqa: F811
    by_hand(graded, "override", CARRIER, won=False)
    mirrors.correct_scorer(graded.mirror, SEASON, OPENER, 100, RUNNER_ID, "J.Runner")
    graded.nightly()
    assert graded.result(RUNNER) == (True, True, "J.Runner", 9.0, "pipeline")
    assert graded.result(CARRIER) == (False, True, None, -1.0, "manual")
    assert COMING not in {row[0] for row in graded.rows("SELECT game_id FROM touchdowns")}
    with graded.db.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM authorship")).scalar() == 0
