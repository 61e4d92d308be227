"""Money and standings follow a grade by anybody: of another program, taken back, or void."""

from __future__ import annotations

import pytest

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.refresh.settlement import settle
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline_tests.graded import (
    CARRIER,
    DEFENSE,
    NOBODY,
    RUNNER,
    SEASON,
    TIGHTEND,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)

BACK = "its grade was taken back: the next nightly run grades it"


def settled(league: Graded, rules: RulePack | None = None) -> None:
    with league.db.write() as conn:
        settle(conn, Season(league.db, SEASON, conn), rules or RulePack(), league.now, "run-1")


def test_a_grade_of_another_program_gets_its_money_and_its_points(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = :w, actual_return = 0.0 WHERE pick_id = 2", w=True)
    settled(graded)
    assert graded.result(RUNNER) == (True, True, "S.Carrier", 9.0, "external")
    assert graded.status(RUNNER) == ("won", None, 4.0, 1.0)
    columns = ("event", "graded_by", "changed_by", "new_actual_return", "run_id")
    assert graded.events(RUNNER, *columns)[1:] == [
        ("flipped", "external", None, 0.0, None),
        ("money corrected", "external", "pipeline", 9.0, "run-1"),
    ]


@pytest.mark.parametrize("odds", ["NULL", "5"])
def test_a_grade_of_another_program_without_real_odds_has_points_and_no_money(graded: Graded, odds: str) -> None:  # noqa: F811
    graded.write(f"UPDATE picks SET odds = {odds} WHERE id = 2",
                 "UPDATE results SET is_correct = :w, actual_return = 0.0 WHERE pick_id = 2", w=True)  # fmt: skip
    settled(graded)
    assert graded.result(RUNNER)[3] is None
    assert graded.status(RUNNER) == ("won", None, 4.0, None)


def test_a_grade_that_is_gone_leaves_its_pick_pending(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM results WHERE pick_id IN (1, 3)")
    settled(graded)
    assert graded.status(CARRIER) == graded.status(DEFENSE) == ("pending", BACK, None, None)
    assert graded.status(TIGHTEND)[1] == "game not final"


def test_what_the_pipeline_graded_and_what_was_never_graded_is_left_alone(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM pick_status WHERE pick_id = 4", "DELETE FROM results WHERE pick_id = 4")
    before = graded.rows("SELECT * FROM results ORDER BY id"), graded.rows("SELECT * FROM pick_status ORDER BY pick_id")
    settled(graded)
    after = graded.rows("SELECT * FROM results ORDER BY id"), graded.rows("SELECT * FROM pick_status ORDER BY pick_id")
    assert after == before
    assert NOBODY not in {row[0] for row in after[1]}


def test_settling_again_writes_nothing(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = NULL WHERE pick_id = 1", "DELETE FROM results WHERE pick_id = 3")
    settled(graded)
    before = graded.rows("SELECT max(id) FROM result_events"), graded.rows("SELECT max(id) FROM pick_events")
    settled(graded)
    assert (graded.rows("SELECT max(id) FROM result_events"), graded.rows("SELECT max(id) FROM pick_events")) == before


def test_points_are_by_the_rules_of_the_league(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = :w, actual_return = 0.0 WHERE pick_id = 2", w=True)
    settled(graded, RulePack(scoring="exclusive", stake=2.0))
    assert graded.status(RUNNER) == ("won", None, 3.0, 2.0)
    assert graded.result(RUNNER)[3] == 18.0


def test_another_seasons_grades_are_not_settled(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM results WHERE pick_id = 1")
    with graded.db.write() as conn:
        settle(conn, Season(graded.db, SEASON - 1, conn), RulePack(), graded.now)
    assert graded.status(CARRIER)[0] == "won"
