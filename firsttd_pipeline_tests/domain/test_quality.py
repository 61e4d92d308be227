"""Every data quality rule: what holds passes, what does not is named, counted and explained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.domain.ratings import elo_ratings
from firsttd_pipeline.domain.seasons import kickoff_expr, status_expr
from firsttd_pipeline.domain.standings import leaderboard
from firsttd_pipeline_tests.shared_data import SHARED

NOW = datetime(2025, 9, 10, 12, tzinfo=UTC)
PAST = NOW - timedelta(days=3)
UTC_TIME = pl.Datetime("us", "UTC")
GAMES = {
    "game_id": pl.String,
    "status": pl.String,
    "home_score": pl.Int64,
    "away_score": pl.Int64,
    "kickoff_at": UTC_TIME,
    "deleted_at": UTC_TIME,
    "home_team": pl.String,
    "away_team": pl.String,
}
TOUCHDOWNS = {
    "game_id": pl.String,
    "play_id": pl.Int64,
    "order_sequence": pl.Float64,
    "player_id": pl.String,
    "player_name": pl.String,
    "is_first_td": pl.Boolean,
}


def game(game_id: str = "g1", **changes: Any) -> dict[str, Any]:
    row = {
        "game_id": game_id,
        "status": "final",
        "home_score": 20,
        "away_score": 17,
        "kickoff_at": PAST,
        "deleted_at": None,
        "home_team": "SEA",
        "away_team": "NE",
    }
    return row | changes


def games(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=GAMES)


def touchdown(play_id: int, first: bool, game_id: str = "g1", **changes: Any) -> dict[str, Any]:
    row = {
        "game_id": game_id,
        "play_id": play_id,
        "order_sequence": float(play_id),
        "player_id": "a",
        "player_name": "A.Ann",
        "is_first_td": first,
    }
    return row | changes


def touchdowns(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TOUCHDOWNS)


def frame(schema: dict[str, Any], *rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def one(violations: list[Violation]) -> Violation:
    assert len(violations) == 1, violations
    return violations[0]


def test_a_violation_says_what_how_many_an_example_and_what_to_do() -> None:
    violation = one(quality.unscored_games(games(game("g2", status="scheduled", home_score=None), game("g1")), NOW))
    assert str(violation) == (
        "games without a score a day after kickoff: game id g2, kickoff at 2025-09-07 12:00 UTC, status "
        "scheduled. What to do: if the game was put off or called off, set its status to postponed or cancelled; else "
        "upstream is late: run the asset `games` again"
    )
    many = Violation("rule", 151, "example.", "do", ids=tuple(f"id{i:03d}" for i in range(151)))
    assert str(many) == (
        "rule: 151, e.g. example. The first 5 of 151: id000, id001, id002, id003, id004. What to do: do"
    )
    few = Violation("rule", 2, "example", "do", ids=("a", "b"))
    assert str(few) == "rule: 2, e.g. example. All: a, b. What to do: do"
    whole = Violation("rule", 2, "a said this, b that", "do", ids=("a", "b"), whole=True)
    assert str(whole) == "rule: a said this, b that. What to do: do"


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="naive datetime"):
        quality.unscored_games(games(game()), datetime(2025, 9, 10))  # noqa: DTZ001


# --- any table, rosters -----------------------------------------------------------------------------------------------


def test_a_row_without_its_parent_is_an_orphan_and_a_null_reference_is_not() -> None:
    child = frame({"pick_id": pl.Int64, "game_id": pl.String}, (1, "g1"), (2, "gone"), (3, None))
    violation = one(
        quality.orphans(
            child, games(game()), column="game_id", child_name="picks", parent_name="game", show=("pick_id",)
        )
    )
    assert (violation.rule, violation.count, violation.ids) == ("picks without game", 1, ("gone",))
    assert violation.example == "game id gone, pick id 2"


def test_orphans_are_found_across_integer_widths_and_other_key_names() -> None:
    child = frame({"user_id": pl.Int64}, (1,), (2,))
    parent = frame({"id": pl.Int32}, (1,))
    found = quality.orphans(
        child, parent, column="user_id", parent_column="id", child_name="picks", parent_name="member"
    )
    assert one(found).ids == ("2",)


def test_a_team_that_plays_needs_a_current_player_and_an_old_code_is_the_same_team() -> None:
    rosters = frame({"team": pl.String, "retired_at": UTC_TIME}, ("LV", None), ("SEA", None), ("NE", PAST))
    schedule = games(game(home_team="OAK", away_team="SEA"), game("g2"), game("g3", home_team="XX", deleted_at=PAST))
    assert one(quality.teams_without_roster(schedule, rosters)).ids == ("NE",)


# --- games ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"home_score": None, "away_score": None}, "final games without both scores or before kickoff"),
        ({"kickoff_at": NOW + timedelta(hours=1)}, "final games without both scores or before kickoff"),
        ({"kickoff_at": None}, "final games without both scores or before kickoff"),
        ({"status": "scheduled"}, "games with both scores that are not final"),
        ({"status": "postponed"}, "games with both scores that are not final"),
        (
            {"status": "in_progress", "home_score": None, "away_score": None},
            "games in progress outside the six hours after kickoff",
        ),
        ({"status": "scheduled", "home_score": None}, "games with the score of one team only"),
    ],
)
def test_a_status_that_does_not_follow_from_scores_and_kickoff_is_named(changes: dict[str, Any], rule: str) -> None:
    violation = one(quality.statuses_and_scores(games(game("g0"), game(**changes)), NOW))
    assert (violation.rule, violation.count, violation.ids) == (rule, 1, ("g1",))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"home_score": 0, "away_score": 0},
        {"status": "scheduled", "home_score": None, "away_score": None},
        {"status": "cancelled", "home_score": None, "away_score": None},
        {"status": "in_progress", "home_score": None, "away_score": None, "kickoff_at": NOW - timedelta(hours=5)},
        {"status": "cancelled", "deleted_at": PAST},
    ],
)
def test_legal_states_pass(changes: dict[str, Any]) -> None:
    assert quality.statuses_and_scores(games(game(**changes)), NOW) == []


def test_the_real_schedules_own_statuses_hold_at_any_time() -> None:
    schedule = pl.read_parquet(SHARED / "nflverse/schedules/games.parquet").with_columns(
        kickoff_expr().alias("kickoff_at")
    )
    for now in (datetime(2025, 9, 20, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC)):
        assert quality.statuses_and_scores(schedule.with_columns(status_expr(now).alias("status")), now) == []


@pytest.mark.parametrize(("hours", "late"), [(23, False), (24, True)])
def test_a_game_without_score_is_late_a_day_after_kickoff(hours: int, late: bool) -> None:
    row = game(status="scheduled", home_score=None, away_score=None, kickoff_at=NOW - timedelta(hours=hours))
    assert bool(quality.unscored_games(games(row), NOW)) == late
    assert quality.unscored_games(games(row | {"status": "postponed"}), NOW) == []
    assert quality.unscored_games(games(row | {"kickoff_at": None}), NOW) == []


RECORDS = {"game_id": pl.String, "home_score": pl.Int64, "away_score": pl.Int64, "reaches_end": pl.Boolean}


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (("g1", 20, 17, True), None),
        (("g1", 20, 10, False), "final games whose plays do not reach the end"),
        (("g1", 20, 10, True), "final games whose plays end with another score"),
        (("g1", None, 17, True), "final games whose plays end with another score"),
        (("g9", 0, 0, True), None),
    ],
)
def test_plays_that_end_early_or_with_another_score_are_a_warning(record: tuple[Any, ...], rule: str | None) -> None:
    found = quality.scores_match_plays(games(game()), frame(RECORDS, record))
    assert [(v.rule, v.severity) for v in found] == ([(rule, "warn")] if rule else [])


# --- touchdowns -------------------------------------------------------------------------------------------------------


def test_one_first_touchdown_per_final_game_with_touchdowns() -> None:
    schedule = games(game("g1"), game("g2"), game("g3", status="in_progress"))
    good = touchdowns(touchdown(1, True), touchdown(2, False), touchdown(5, False, "g3"))
    assert quality.one_first_touchdown(schedule, good) == []  # g2 had none at all


@pytest.mark.parametrize("marked", [(False, False), (True, True)])
def test_none_or_two_first_touchdowns_are_named(marked: tuple[bool, bool]) -> None:
    rows = touchdowns(touchdown(1, marked[0]), touchdown(2, marked[1]))
    violation = one(quality.one_first_touchdown(games(game()), rows))
    assert violation.example == f"game id g1, touchdowns 2, marked first {sum(marked)}"


def test_a_first_touchdown_that_is_not_the_earliest_is_named_by_order_not_by_play_id() -> None:
    rows = touchdowns(touchdown(1, False, order_sequence=50.0), touchdown(2, True, order_sequence=10.0))
    assert quality.one_first_touchdown(games(game()), rows) == []
    wrong = touchdowns(touchdown(1, True, order_sequence=50.0), touchdown(2, False, order_sequence=10.0))
    assert one(quality.one_first_touchdown(games(game()), wrong)).rule.endswith("is not the earliest")


@pytest.mark.parametrize(
    ("row", "known", "named"),
    [
        (game(), {}, True),
        (game(), {"g1": "plays withdrawn upstream"}, False),
        (game(kickoff_at=NOW - timedelta(hours=47)), {}, False),
        (game(status="scheduled"), {}, False),
        (game(deleted_at=PAST), {}, False),
    ],
)
def test_a_final_game_has_plays_or_a_known_reason(row: dict[str, Any], known: dict[str, str], named: bool) -> None:
    nothing = frame({"game_id": pl.String})
    assert bool(quality.games_without_plays(games(row), nothing, NOW, known)) == named
    assert quality.games_without_plays(games(row), frame({"game_id": pl.String}, ("g1",)), NOW, known) == []


def test_scorers_on_no_roster_are_all_listed_and_unknown_ones_apart() -> None:
    rows = touchdowns(
        touchdown(1, True),
        touchdown(2, False, player_id="x"),
        touchdown(3, False, player_id="y"),
        touchdown(4, False, player_id=None, player_name=None),
    )
    strangers, unknown = quality.scorers_on_rosters(rows, frame({"player_id": pl.String}, ("a",)))
    assert (strangers.ids, strangers.count, strangers.severity) == (("x", "y"), 2, "warn")
    assert "x, y" in str(strangers)
    assert (unknown.count, unknown.ids) == (1, ("g1",))


@pytest.mark.parametrize(("season", "unknown"), [(2021, 66), (2022, 70), (2024, 60), (2025, 16)])
def test_every_known_scorer_of_the_real_seasons_is_on_a_roster(season: int, unknown: int) -> None:
    plays = pl.read_parquet(
        SHARED / f"nflverse/pbp/play_by_play_{season}.parquet",
        columns=["game_id", "play_id", "touchdown", "td_player_id", "td_player_name"],
    )
    rows = plays.filter(pl.col("touchdown") == 1).rename({"td_player_id": "player_id", "td_player_name": "player_name"})
    rosters = pl.read_parquet(SHARED / f"nflverse/rosters/roster_{season}.parquet", columns=["gsis_id"])
    violation = one(quality.scorers_on_rosters(rows, rosters.rename({"gsis_id": "player_id"})))
    assert (violation.rule, violation.count) == ("touchdowns whose scorer upstream does not say", unknown)


# --- kickoffs, ratings ------------------------------------------------------------------------------------------------


def test_the_opening_kickoff_is_received_by_one_of_the_two_teams_old_codes_included() -> None:
    schedule = games(game("g1", home_team="OAK"), game("g2"))
    kickoffs = frame({"game_id": pl.String, "team": pl.String}, ("g1", "LV"), ("g2", "DAL"))
    assert one(quality.receivers_play(kickoffs, schedule)).ids == ("g2",)


def test_ratings_count_exactly_the_final_games() -> None:
    schedule = pl.read_parquet(SHARED / "nflverse/schedules/games.parquet").with_columns(
        pl.lit("final").alias("status")
    )
    ratings = elo_ratings(schedule, 2025)
    of_season = schedule.filter(pl.col("season") == 2025)
    assert quality.ratings_agree(ratings, of_season) == []
    without = of_season.filter(pl.col("game_id") != "2025_22_SEA_NE")
    assert one(quality.ratings_agree(ratings, without)).ids == ("NE", "SEA")
    assert one(quality.ratings_agree(ratings.filter(pl.col("team") != "SEA"), of_season)).ids == ("SEA",)


# --- picks and results ------------------------------------------------------------------------------------------------

PICKS = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "week_id": pl.Int64,
    "player_id": pl.String,
    "player_name": pl.String,
    "game_id": pl.String,
}


@pytest.mark.parametrize(
    ("second", "twice"),
    [
        ((2, 1, 1, "a", "Somebody Else", "g1"), True),
        ((2, 1, 1, None, "AJ Brown", "g1"), True),
        ((2, 1, 1, None, "AJ Brown", "g2"), False),
        ((2, 1, 2, "a", "A.J. Brown", "g1"), False),
        ((2, 2, 1, "a", "A.J. Brown", "g1"), False),
        ((2, 1, 1, "b", "A.J. Brown", "g1"), False),  # two players of one name are two picks
    ],
)
def test_a_member_has_a_player_once_a_week_however_he_is_written(second: tuple[Any, ...], twice: bool) -> None:
    found = quality.duplicate_picks(frame(PICKS, (1, 1, 1, "a", "A.J. Brown", "g1"), second))
    assert [v.ids for v in found] == ([("1", "2")] if twice else [])


@pytest.mark.parametrize(
    ("status", "results", "wrong"),
    [
        ("won", [(1, True)], False),
        ("lost", [(1, False)], False),
        ("void", [(1, None)], False),
        ("pending", [], False),
        ("won", [], True),
        ("won", [(1, False)], True),
        ("won", [(1, None)], True),
        ("lost", [(1, None)], True),
        ("void", [(1, False)], True),
        ("pending", [(1, False)], True),
        ("pending", [(2, False)], True),
    ],
)
def test_status_and_result_say_the_same(status: str, results: list[tuple[Any, ...]], wrong: bool) -> None:
    statuses = frame({"pick_id": pl.Int64, "status": pl.String}, (1, status))
    found = quality.grades_agree(statuses, frame({"pick_id": pl.Int64, "is_correct": pl.Boolean}, *results))
    assert bool(found) == wrong


def test_only_changes_after_a_grade_was_official_are_late_corrections() -> None:
    schema = {
        "pick_id": pl.Int64,
        "player_name": pl.String,
        "game_id": pl.String,
        "old_status": pl.String,
        "new_status": pl.String,
        "was_official": pl.Boolean,
    }
    events = frame(schema, (1, "Ann", "g1", "won", "lost", True), (2, "Bob", "g1", "lost", "won", False))
    violation = one(quality.late_corrections(events))
    assert (violation.count, violation.severity, violation.ids) == (1, "warn", ("1",))
    assert "old status won, new status lost" in violation.example


# --- standings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("unknown", "named"), [(0, False), (4, False), (5, True), (100, True)])
def test_five_percent_unknown_positions_are_too_many(unknown: int, named: bool) -> None:
    blanks = [None, "", "Unknown", " "]
    rows = [(f"p{i}", "Name", "SEA", blanks[i % 4] if i < unknown else "WR") for i in range(100)]
    schema = {"player_id": pl.String, "player_name": pl.String, "team": pl.String, "position": pl.String}
    found = quality.unknown_positions(frame(schema, *rows))
    assert bool(found) == named
    if named:
        assert one(found).count == unknown
        assert f"({unknown:.1f} % of 100, allowed is under 5 %)" in str(found[0])


def test_no_players_is_no_unknown_position() -> None:
    schema = {"player_id": pl.String, "player_name": pl.String, "team": pl.String, "position": pl.String}
    assert quality.unknown_positions(frame(schema)) == []


@pytest.mark.parametrize(("counted", "wrong"), [(0, True), (1, False), (2, False)])
def test_first_touchdowns_counted_are_never_fewer_than_the_plays_have(counted: int, wrong: bool) -> None:
    schema = {"player_id": pl.String, "player_name": pl.String, "first_td_count": pl.Int64}
    found = quality.first_counts_agree(frame(schema, ("a", "Ann", counted)), touchdowns(touchdown(1, True)))
    assert bool(found) == wrong


GRADES = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "week": pl.Int64,
    "status": pl.String,
    "points": pl.Float64,
    "stake": pl.Float64,
    "profit": pl.Float64,
    "any_time_td": pl.Boolean,
    "kickoff_at": UTC_TIME,
}
GRADE_ROWS = [
    (1, 1, 1, "won", 4.0, 1.0, 9.0, True, PAST),
    (2, 2, 1, "lost", 0.0, 1.0, -1.0, False, PAST),
    (3, 1, 2, "pending", None, 1.0, None, None, None),
]


def test_a_leaderboard_of_these_grades_adds_up() -> None:
    grades = frame(GRADES, *GRADE_ROWS)
    assert quality.leaderboard_adds_up(leaderboard(2025, grades), grades, 2025) == []
    assert quality.leaderboard_adds_up(leaderboard(2025, grades.clear()), grades.clear(), 2025) == []


@pytest.mark.parametrize(
    ("column", "value", "example"),
    [
        ("points", 5.0, "week 0, user id 1, points 5, points expected 4"),
        ("profit", 9.00001, "week 0, user id 1, profit 9.00001, profit expected 9"),
        ("roi", None, "week 0, user id 1, roi none, roi expected 9"),
        ("pending", 0, "week 0, user id 1, pending 0, pending expected 1"),
        ("best_streak", 7, "week 0, user id 1, best streak 7, best streak expected 1"),
    ],
)
def test_a_changed_number_is_found_with_what_it_should_be(column: str, value: Any, example: str) -> None:
    grades = frame(GRADES, *GRADE_ROWS)
    board = leaderboard(2025, grades).with_columns(
        pl.when((pl.col("week") == 0) & (pl.col("user_id") == 1))
        .then(pl.lit(value))
        .otherwise(pl.col(column))
        .alias(column)
    )
    violation = one(quality.leaderboard_adds_up(board, grades, 2025))
    assert (violation.rule, violation.count) == ("leaderboard rows that do not add up to the results", 1)
    assert violation.example == example


def test_missing_and_left_over_rows_are_found() -> None:
    grades = frame(GRADES, *GRADE_ROWS)
    board = leaderboard(2025, grades)
    missing = one(quality.leaderboard_adds_up(board.filter(pl.col("week") != 2), grades, 2025))
    assert (missing.rule, missing.count) == ("leaderboard rows that are missing", 1)
    fewer = grades.filter(pl.col("week") != 2)
    left = quality.leaderboard_adds_up(board, fewer, 2025)
    assert [v.rule for v in left] == [
        "leaderboard rows that no pick gives",
        "leaderboard rows that do not add up to the results",
    ]


def test_a_question_that_holds_a_grade_is_told_to_count() -> None:
    questions = pl.DataFrame(
        {"pick_id": [1, 2], "member": "Ann", "typed": ["x", "y"], "game_id": None, "graded": [True, False]}
    )
    (asked,) = quality.names_understood(questions)
    assert asked.remedy.endswith("; 1 of them holds a grade, which counts until then")
    (asked,) = quality.names_understood(questions.with_columns(graded=False))
    assert "grade" not in asked.remedy
    assert quality.names_understood(questions.clear()) == []
