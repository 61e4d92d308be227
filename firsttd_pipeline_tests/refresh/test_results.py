"""The nightly grading: it signs what it writes, reports what changed, and keeps or replaces the grades of others."""

from __future__ import annotations

import pytest

from firsttd_pipeline.storage.grades import GradeRefused
from firsttd_pipeline.storage.reconcile import ACCEPTED, BY_SETTING, accept, by_hand, open_disagreements
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.graded import (
    CARRIER,
    DEFENSE,
    OPENER,
    RUNNER,
    SEASON,
    TIGHTEND,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)

RUNNER_ID = "00-0000001"
AUTHOR = ("event", "graded_by", "changed_by", "run_id")


def wrongly_lost(league: Graded) -> None:
    """The old application graded Carrier's win as a loss, and the scorer of the D/ST's win as unknown."""
    league.write(
        "DELETE FROM results WHERE pick_id IN (1, 3)",
        "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
        "VALUES (1, 'C.Catcher', :no, 0.0, :no), (3, 'Unknown', :yes, 15.0, :yes)",
        no=False,
        yes=True,
    )


def test_the_first_grades_are_events_signed_by_the_pipeline_with_their_run(graded: Graded) -> None:  # noqa: F811
    for pick in (CARRIER, RUNNER, DEFENSE):
        assert graded.events(pick, *AUTHOR) == [("graded", "pipeline", "pipeline", "night")]
    assert graded.events(TIGHTEND, "event") == []
    stated = graded.rows("SELECT DISTINCT changed_by, run_id FROM pick_events WHERE event = 'stated'")
    assert stated == [("pipeline", "night")]


def test_an_unchanged_night_adds_no_event_and_reports_none(graded: Graded) -> None:  # noqa: F811
    before = graded.rows("SELECT count(*) FROM result_events"), graded.rows("SELECT count(*) FROM pick_events")
    report = graded.nightly()["results"]
    assert (
        graded.rows("SELECT count(*) FROM result_events"),
        graded.rows("SELECT count(*) FROM pick_events"),
    ) == before
    assert report.counts.changed == 0
    assert report.facts["grades changed"] == 0


def test_a_flip_is_reported_from_the_events_of_its_own_run(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = NULL WHERE pick_id = 3")  # of another program: not of this run
    mirrors.correct_scorer(graded.mirror, SEASON, OPENER, 100, RUNNER_ID, "J.Runner")
    report = graded.nightly()["results"]
    assert report.facts["grades changed"] == 2
    assert f"pick 1 (Saquon Carrier, {OPENER}): won is now lost" in report.notes
    assert f"pick 2 (Jalen Runner, {OPENER}): lost is now won" in report.notes
    assert graded.events(RUNNER, *AUTHOR)[-1] == ("flipped", "pipeline", "pipeline", "night")


def test_a_grade_that_can_no_longer_be_given_is_taken_back_and_says_what_it_waits_for(graded: Graded) -> None:  # noqa: F811
    mirrors.change_score(graded.mirror, OPENER, home=20, away=7)
    report = graded.nightly()["results"]
    assert graded.result(CARRIER) == ()
    assert graded.status(CARRIER)[:2] == ("pending", "score mismatch")
    assert f"pick 1 (Saquon Carrier, {OPENER}): won is now pending" in report.notes


# --- grades of another program ----------------------------------------------------------------------------------------


def test_another_programs_grade_stands_against_the_plays_until_somebody_accepts(graded: Graded) -> None:  # noqa: F811
    wrongly_lost(graded)
    graded.nightly()
    graded.nightly()
    assert graded.result(CARRIER) == (False, False, "C.Catcher", -1.0, "external")
    assert graded.points() == {"Avery": 4.0, "Blake": 1.0}
    found = open_disagreements(graded.db, SEASON, graded.league.settings, graded.now)
    columns = ("pick_id", "member", "typed", "player", "what", "old_grade", "new_grade", "old_scorer", "new_scorer")
    assert found.select(columns).rows() == [
        (CARRIER, "Avery", "Saquon Carrier", "Saquon Carrier", "grade, any time, scorer", "lost", "won", "C.Catcher",
         "Saquon Carrier"),
        (DEFENSE, "Avery", "KC D/ST", "KC D/ST", "scorer", "won", "won", "Unknown", "Trent Corner"),
    ]  # fmt: skip
    more = ("play", "quarter", "clock", "old_points", "new_points", "old_profit", "new_profit", "rank_before")
    assert found.select(more).row(0) == (
        "S.Carrier right end for 8 yards, TOUCHDOWN.", 1, "13:00", 0.0, 4.0, -1.0, 4.0, 1,
    )  # fmt: skip


def test_an_accepted_grade_is_the_plays_and_the_pipelines_and_signed_by_who_accepted(graded: Graded) -> None:  # noqa: F811
    wrongly_lost(graded)
    graded.nightly()
    rules = graded.league.settings.rules
    rows = accept(graded.db, SEASON, [CARRIER], by="Kim", rules=rules, now=graded.now)
    assert rows["pick_id"].to_list() == [CARRIER]
    assert graded.result(CARRIER) == (True, True, "S.Carrier", 4.0, "pipeline")
    assert graded.status(CARRIER) == ("won", None, 4.0, 1.0)
    assert graded.events(CARRIER, "event", "old_graded_by", "graded_by", "changed_by", "why")[-1] == (
        "flipped", "external", "pipeline", "Kim", ACCEPTED,
    )  # fmt: skip
    left = open_disagreements(graded.db, SEASON, graded.league.settings, graded.now)
    assert left["pick_id"].to_list() == [DEFENSE]
    graded.standings()
    assert graded.points() == {"Avery": 8.0, "Blake": 1.0}
    before = graded.rows("SELECT count(*) FROM result_events")
    graded.nightly()
    assert graded.rows("SELECT count(*) FROM result_events") == before


def test_accepting_all_leaves_none_and_again_does_nothing(graded: Graded) -> None:  # noqa: F811
    wrongly_lost(graded)
    rules = graded.league.settings.rules
    assert accept(graded.db, SEASON, None, by="Kim", rules=rules, now=graded.now).height == 2
    assert accept(graded.db, SEASON, None, by="Kim", rules=rules, now=graded.now).height == 0
    assert graded.rows("SELECT count(*) FROM results WHERE graded_by = 'external'") == [(0,)]


def test_nothing_is_accepted_where_one_pick_has_no_disagreement_or_nobody_signs(graded: Graded) -> None:  # noqa: F811
    wrongly_lost(graded)
    rules = graded.league.settings.rules
    with pytest.raises(GradeRefused, match="No open disagreement on pick 2, 77 in 2025"):
        accept(graded.db, SEASON, [CARRIER, 77, RUNNER], by="Kim", rules=rules, now=graded.now)
    with pytest.raises(GradeRefused, match="Who is missing"):
        accept(graded.db, SEASON, None, by=" ", rules=rules, now=graded.now)
    assert graded.result(CARRIER)[4] == graded.result(DEFENSE)[4] == "external"


def test_the_setting_accepts_in_the_nightly_run_and_says_so(graded: Graded) -> None:  # noqa: F811
    wrongly_lost(graded)
    graded.nightly(legacy_grades="replace")
    assert graded.result(CARRIER) == (True, True, "S.Carrier", 4.0, "pipeline")
    assert graded.result(DEFENSE) == (True, True, "T.Corner", 15.0, "pipeline")
    assert graded.events(CARRIER, "event", "changed_by", "why", "run_id")[-1] == (
        "flipped", "pipeline", BY_SETTING, "night",
    )  # fmt: skip
    assert graded.points() == {"Avery": 8.0, "Blake": 1.0}


def test_the_setting_leaves_what_the_plays_confirm_and_what_was_graded_by_hand(graded: Graded) -> None:  # noqa: F811
    graded.write(
        "UPDATE results SET graded_by = 'external' WHERE pick_id = 2",
        "UPDATE results SET graded_by = 'manual', is_correct = :no WHERE pick_id = 1",
        no=False,
    )
    graded.nightly(legacy_grades="replace")
    assert graded.result(RUNNER)[4] == "external"
    assert graded.result(CARRIER)[::4] == (False, "manual")
    (mine,) = by_hand(graded.season(), graded.league.settings.rules, graded.now).iter_rows(named=True)
    assert (mine["by_hand"], mine["plays"], mine["agrees"], mine["made_by"]) == ("lost, any time", "won", False, None)


def test_a_plain_change_of_the_pipelines_own_grade_becomes_another_programs_and_is_listed(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = :no, actual_return = 0 WHERE pick_id = 1", no=False)
    graded.nightly()
    assert graded.result(CARRIER) == (False, True, "S.Carrier", -1.0, "external")
    found = open_disagreements(graded.db, SEASON, graded.league.settings, graded.now)
    assert found.select("pick_id", "what", "old_grade", "new_grade").rows() == [
        (CARRIER, "grade", "lost, any time", "won")
    ]
