"""The record of events gives back every leaderboard that stood, and the grades can be put back as they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.domain.standings import LEADERBOARD_SCHEMA
from firsttd_pipeline.storage import grades
from firsttd_pipeline.storage.grades import GradeRefused
from firsttd_pipeline.storage.members import set_stake
from firsttd_pipeline.storage.picks import PickRequest, add_pick
from firsttd_pipeline.storage.replay import NoRecord, as_of, put_back_as_of, replay_differs, standing_at, standings_at
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.graded import (
    CARRIER,
    COMING,
    DEFENSE,
    NOBODY,
    OPENER,
    RUNNER,
    SEASON,
    START,
    TIGHTEND,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)

BY: dict[str, Any] = {"by": "Kim", "why": "a test"}
EXTERNAL = (
    "UPDATE results SET is_correct = :won, any_time_td = :won, actual_return = 0, graded_by = 'external', "
    "actual_scorer = 'somebody' WHERE pick_id = :pick"
)


def stored(league: Graded) -> pl.DataFrame:
    """The leaderboard as it is in its table."""
    board = league.season().leaderboard().select(LEADERBOARD_SCHEMA.keys())
    return board.cast(LEADERBOARD_SCHEMA).sort("week", "rank", "user_id")  # type: ignore[arg-type]


def take_down(league: Graded, kept: list[tuple[datetime, pl.DataFrame]]) -> None:
    kept.append((league.now, stored(league)))
    league.now += timedelta(minutes=5)


def eventful(league: Graded) -> list[tuple[datetime, pl.DataFrame]]:
    """Days of a league in which everything changes that can; the leaderboard after each change, with its time."""
    kept: list[tuple[datetime, pl.DataFrame]] = []
    rules = league.league.settings.rules
    take_down(league, kept)
    mirrors.correct_scorer(league.mirror, SEASON, OPENER, 100, "00-0000001", "J.Runner")
    league.nightly()
    take_down(league, kept)
    grades.override(league.db, NOBODY, won=True, now=league.now, rules=rules, **BY)
    league.standings()
    take_down(league, kept)
    league.write_signed("old program", EXTERNAL, pick=CARRIER, won=True)
    league.standings()
    take_down(league, kept)
    set_stake(league.db, "Avery", 3.0)
    league.nightly(scoring="exclusive")
    take_down(league, kept)
    request = PickRequest("Blake", "Trent Corner", 700.0, None, COMING, None)
    late = add_pick(league.db, request, season=SEASON, now=league.now, default_stake=1.0)
    league.nightly()
    take_down(league, kept)
    league.write_signed("cli", "DELETE FROM picks WHERE id = :p", p=DEFENSE)
    league.standings()
    take_down(league, kept)
    league.write_signed("old program", "DELETE FROM results WHERE pick_id = :p", p=CARRIER)
    league.standings()
    take_down(league, kept)
    league.write_signed("cli", "UPDATE picks SET user_id = 1, odds = -110 WHERE id = :p", p=late.id)
    grades.void(league.db, TIGHTEND, now=league.now, rules=rules, **BY)
    grades.ungrade(league.db, NOBODY, now=league.now, rules=rules, **BY)
    league.nightly()
    take_down(league, kept)
    return kept


def test_regrading_as_of_any_time_gives_the_leaderboard_that_was_stored_then(graded: Graded) -> None:  # noqa: F811
    kept = eventful(graded)
    boards = [board for _, board in kept]
    assert all(not one.equals(other) for one, other in pairwise(boards)), "each change shows"
    for at, board in kept:
        replayed = standings_at(graded.season(), at)
        assert replayed.to_dicts() == board.to_dicts(), at
    assert replay_differs(graded.season()).is_empty()


def test_the_record_agrees_with_what_is_stored_after_plain_sql_of_every_kind(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET is_correct = :no WHERE pick_id = 1", no=False)
    graded.write("UPDATE picks SET player_name = 'Jalen' WHERE id = 2", "UPDATE picks SET odds = 100 WHERE id = 3")
    graded.write("DELETE FROM results WHERE pick_id = 4", "DELETE FROM picks WHERE id = 5")
    graded.standings()
    assert replay_differs(graded.season()).is_empty()
    assert standings_at(graded.season()).to_dicts() == stored(graded).to_dicts()
    graded.nightly()
    assert replay_differs(graded.season()).is_empty()
    assert standings_at(graded.season()).to_dicts() == stored(graded).to_dicts()


def test_both_leaderboards_stand_side_by_side_with_the_picks_graded_otherwise(graded: Graded) -> None:  # noqa: F811
    then = graded.now
    graded.now += timedelta(minutes=1)
    grades.override(graded.db, RUNNER, won=True, now=graded.now, rules=graded.league.settings.rules, **BY)
    graded.write_signed("cli", "DELETE FROM picks WHERE id = :p", p=DEFENSE)
    graded.standings()
    found = as_of(graded.db, SEASON, then, graded.now)
    columns = ("member", "rank_then", "rank_now", "points_then", "points_now", "change")
    assert found.board.filter(pl.col("week") == 0).select(columns).rows() == [
        ("Avery", 1, 1, 8.0, 4.0, -4.0),
        ("Blake", 2, 1, 1.0, 4.0, 3.0),
    ]
    assert found.grades.select("pick_id", "then", "now", "can", "why_not").rows() == [
        (RUNNER, "lost, any time, first S.Carrier, -1 units", "won, first Jalen Runner, +9 units", True, None),
        (DEFENSE, "won, first T.Corner, +15 units", "removed", False, "removed since"),
    ]


def test_the_grades_of_a_time_are_put_back_by_hand_and_no_others(graded: Graded) -> None:  # noqa: F811
    then = graded.now
    graded.now += timedelta(minutes=1)
    rules = graded.league.settings.rules
    grades.override(graded.db, RUNNER, won=True, now=graded.now, rules=rules, **BY)
    graded.write_signed("old program", "DELETE FROM results WHERE pick_id = :p", p=CARRIER)
    grades.void(graded.db, TIGHTEND, now=graded.now, rules=rules, **BY)
    graded.now += timedelta(minutes=1)
    count, found = put_back_as_of(graded.db, SEASON, then, by="Lou", why="back to monday", rules=rules, now=graded.now)
    assert count == 2
    not_back = found.grades.filter(~pl.col("can")).select("pick_id", "why_not").rows()
    assert not_back == [(TIGHTEND, "it had no grade then: `firsttd grade ungrade` takes one back")]
    assert graded.result(RUNNER) == (False, True, "S.Carrier", -1.0, "manual")
    assert graded.result(CARRIER) == (True, True, "S.Carrier", 4.0, "manual")
    assert graded.result(DEFENSE)[4] == graded.result(NOBODY)[4] == "pipeline"
    assert graded.status(CARRIER) == ("won", None, 4.0, 1.0)
    signed = graded.rows("SELECT made_by, why FROM overrides WHERE pick_id = 1 AND ended_at IS NULL")
    assert signed == [("Lou", "back to monday")]
    graded.nightly()
    assert graded.points() == {"Avery": 8.0, "Blake": 1.0}
    again, _ = put_back_as_of(graded.db, SEASON, then, by="Lou", why="again", rules=rules, now=graded.now)
    assert again == 0


def test_a_grade_of_which_only_the_money_is_another_is_left_to_the_rules(graded: Graded) -> None:  # noqa: F811
    then = graded.now
    set_stake(graded.db, "Avery", 5.0)
    graded.nightly()
    rules = graded.league.settings.rules
    count, found = put_back_as_of(graded.db, SEASON, then, by="Lou", why="back", rules=rules, now=graded.now)
    assert count == 0
    other = found.grades.select("pick_id", "can", "why_not").rows()
    assert [(pick, can) for pick, can, _ in other] == [(CARRIER, False), (DEFENSE, False)]
    assert all("only its profit is another" in why for _, _, why in other)
    assert graded.rows("SELECT count(*) FROM results WHERE graded_by = 'manual'") == [(0,)]


def test_looking_back_writes_nothing(graded: Graded) -> None:  # noqa: F811
    before = graded.rows("SELECT max(id) FROM result_events"), graded.rows("SELECT max(id) FROM pick_events")
    as_of(graded.db, SEASON, graded.now, graded.now)
    assert (graded.rows("SELECT max(id) FROM result_events"), graded.rows("SELECT max(id) FROM pick_events")) == before


def test_a_time_to_come_and_one_before_the_record_are_refused(graded: Graded) -> None:  # noqa: F811
    with pytest.raises(NoRecord, match="has not been yet"):
        as_of(graded.db, SEASON, graded.now + timedelta(seconds=1), graded.now)
    with pytest.raises(NoRecord, match=f"begins at {START:%Y-%m-%d %H:%M}:00 UTC: nothing is known of"):
        as_of(graded.db, SEASON, START - timedelta(seconds=1), graded.now)


@pytest.mark.parametrize("given", [{"by": ""}, {"why": " "}])
def test_grades_are_not_put_back_without_who_and_why(graded: Graded, given: dict[str, Any]) -> None:  # noqa: F811
    signed = {"by": "Lou", "why": "back"} | given
    with pytest.raises(GradeRefused, match="is missing"):
        put_back_as_of(graded.db, SEASON, graded.now, rules=graded.league.settings.rules, now=graded.now, **signed)


def test_a_season_without_picks_has_no_standing(graded: Graded) -> None:  # noqa: F811
    assert standing_at(Season(graded.db, 2024)).is_empty()
    assert as_of(graded.db, 2024, graded.now, graded.now).board.is_empty()
