"""Player counts and the leaderboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain.standings import (
    LEADERBOARD_SCHEMA,
    PLAYER_STATS_SCHEMA,
    final_weeks,
    leaderboard,
    player_stats,
)
from firsttd_pipeline_tests.shared_data import SHARED

KICKOFF = datetime(2025, 9, 5, 0, 20, tzinfo=UTC)
GRADES = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "week": pl.Int64,
    "status": pl.String,
    "points": pl.Float64,
    "stake": pl.Float64,
    "profit": pl.Float64,
    "any_time_td": pl.Boolean,
    "kickoff_at": pl.Datetime("us", "UTC"),
}


def grade(
    pick_id: int,
    user_id: int,
    week: int,
    status: str,
    points: float | None = None,
    profit: float | None = None,
    stake: float | None = 1.0,
    any_time_td: bool | None = None,
    kickoff_at: datetime | None = KICKOFF,
) -> dict[str, Any]:
    decided = status in ("won", "lost")
    return {
        "pick_id": pick_id,
        "user_id": user_id,
        "week": week,
        "status": status,
        "points": points if points is not None else 4.0 if status == "won" else 0.0 if decided else None,
        "stake": stake,
        "profit": profit,
        "any_time_td": any_time_td if any_time_td is not None else status == "won" if decided else None,
        "kickoff_at": kickoff_at,
    }


def board(*rows: dict[str, Any]) -> pl.DataFrame:
    return leaderboard(2025, pl.DataFrame(list(rows), schema=GRADES))


def row(frame: pl.DataFrame, week: int, user_id: int) -> dict[str, Any]:
    return frame.row(by_predicate=(pl.col("week") == week) & (pl.col("user_id") == user_id), named=True)


# --- leaderboard ------------------------------------------------------------------------------------------------------


def test_pending_and_void_picks_never_count_as_losses() -> None:
    frame = board(
        grade(1, 1, 1, "won", profit=9.0),
        grade(2, 1, 2, "lost", profit=-1.0),
        grade(3, 1, 3, "pending"),
        grade(4, 1, 4, "void", profit=0.0),
    )
    total = row(frame, 0, 1)
    assert {k: total[k] for k in ("picks", "graded", "pending", "void", "first_td", "win_rate")} == {
        "picks": 4,
        "graded": 2,
        "pending": 1,
        "void": 1,
        "first_td": 1,
        "win_rate": 0.5,
    }
    assert (total["staked"], total["profit"], total["roi"]) == (2.0, 8.0, 4.0)
    assert row(frame, 3, 1)["win_rate"] is None
    assert row(frame, 4, 1)["roi"] is None


def test_ties_share_a_rank_and_the_next_rank_is_left_out() -> None:
    frame = board(
        grade(1, 1, 1, "won", points=4),
        grade(2, 2, 1, "won", points=4),
        grade(3, 3, 1, "lost", points=1),
        grade(4, 4, 1, "lost", points=0),
    )
    assert frame.filter(pl.col("week") == 0)["rank"].to_list() == [1, 1, 3, 4]
    assert frame.filter(pl.col("week") == 1)["user_id"].to_list() == [1, 2, 3, 4]


def test_money_breaks_no_tie() -> None:
    frame = board(grade(1, 1, 1, "won", profit=20.0), grade(2, 2, 1, "won", profit=5.0))
    assert frame["rank"].to_list() == [1, 1, 1, 1]


def test_unknown_odds_keep_the_points_and_leave_the_money() -> None:
    frame = board(
        grade(1, 1, 1, "won", points=4, profit=None, stake=None),
        grade(2, 1, 2, "lost", profit=-1.0),
        grade(3, 1, 3, "lost", profit=-1.0, stake=None),  # a foreign grade of a pick with placeholder odds
    )
    total = row(frame, 0, 1)
    assert (total["points"], total["staked"], total["profit"], total["roi"]) == (4.0, 1.0, -1.0, -1.0)
    assert row(frame, 1, 1)["roi"] is None


def test_a_week_lists_only_members_with_a_pick_that_week_and_the_season_all() -> None:
    frame = board(grade(1, 1, 1, "pending"), grade(2, 2, 5, "lost"))
    assert frame.select("week", "user_id").rows() == [(0, 1), (0, 2), (1, 1), (5, 2)]


def test_streaks_follow_week_kickoff_and_pick_and_pass_over_pending_and_void() -> None:
    later = KICKOFF + timedelta(hours=3)
    frame = board(
        grade(9, 1, 1, "won", kickoff_at=KICKOFF),
        grade(1, 1, 1, "lost", kickoff_at=later),
        grade(2, 1, 2, "won"),
        grade(3, 1, 3, "void"),
        grade(4, 1, 3, "won"),
        grade(5, 1, 4, "pending"),
        grade(6, 1, 5, "lost", kickoff_at=KICKOFF),
        grade(7, 1, 5, "lost", kickoff_at=None),
        grade(8, 2, 1, "won"),
    )
    assert (row(frame, 0, 1)["current_streak"], row(frame, 0, 1)["best_streak"]) == (-2, 2)
    assert (row(frame, 1, 1)["current_streak"], row(frame, 1, 1)["best_streak"]) == (-1, 1)
    assert (row(frame, 0, 2)["current_streak"], row(frame, 0, 2)["best_streak"]) == (1, 1)
    assert (row(frame, 4, 1)["current_streak"], row(frame, 4, 1)["best_streak"]) == (0, 0)


def test_one_members_streak_never_runs_on_into_the_next_members() -> None:
    frame = board(grade(1, 1, 1, "won"), grade(2, 2, 1, "won"), grade(3, 2, 2, "won"))
    assert row(frame, 0, 1)["best_streak"] == 1
    assert row(frame, 0, 2)["best_streak"] == 2


def test_a_league_without_picks_has_an_empty_leaderboard_with_its_columns() -> None:
    frame = leaderboard(2026, pl.DataFrame(schema=GRADES))
    assert frame.is_empty()
    assert dict(frame.schema) == LEADERBOARD_SCHEMA


def test_a_pick_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="pick 7 is there more than once"):
        board(grade(7, 1, 1, "won"), grade(7, 1, 1, "won"))


@pytest.mark.parametrize("status", ["correct", "", None])
def test_a_status_that_is_none_is_refused(status: Any) -> None:
    with pytest.raises(ValueError, match=r"pick 7: .* allowed are pending, won, lost, void"):
        board(grade(7, 1, 1, "pending") | {"status": status})


MONEY = st.integers(-10_000, 10_000_000).map(lambda cents: cents / 300)
ROWS = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.integers(1, 4),
        st.sampled_from(["won", "lost", "pending", "void"]),
        st.sampled_from([0.0, 1.0, 3.0, 4.0]),
        st.none() | MONEY,
        st.integers(0, 3),
    ),
    max_size=40,
)


def _expected(grades: list[dict[str, Any]], week: int, user: int) -> dict[str, Any]:
    mine = [g for g in grades if g["user_id"] == user and week in (0, g["week"])]
    graded = sorted(
        (g for g in mine if g["status"] in ("won", "lost")), key=lambda g: (g["week"], g["kickoff_at"], g["pick_id"])
    )
    known = [g for g in graded if g["profit"] is not None]
    run = best = 0
    for g in graded:
        won = g["status"] == "won"
        run = (run + 1 if run > 0 else 1) if won else (run - 1 if run < 0 else -1)
        best = max(best, run)
    return {
        "picks": len(mine),
        "graded": len(graded),
        "points": float(sum(g["points"] for g in graded)),
        "staked": float(len(known)),
        "profit": float(sum((Fraction(g["profit"]) for g in known), Fraction(0))),
        "current_streak": run,
        "best_streak": best,
    }


@settings(max_examples=60, deadline=None)
@given(ROWS, st.randoms())
def test_every_row_adds_up_and_the_order_of_picks_changes_nothing(rows: list[tuple[Any, ...]], random: Any) -> None:
    grades = [
        grade(i, user, week, status, points, profit, kickoff_at=KICKOFF + timedelta(hours=hours))
        for i, (user, week, status, points, profit, hours) in enumerate(rows)
    ]
    frame = board(*grades)
    shuffled = list(grades)
    random.shuffle(shuffled)
    assert board(*shuffled).equals(frame)
    seen = set(frame.select("week", "user_id").iter_rows())
    assert seen == {(w, g["user_id"]) for g in grades for w in (0, g["week"])}
    for found in frame.iter_rows(named=True):
        expected = _expected(grades, found["week"], found["user_id"])
        assert {k: found[k] for k in expected} == pytest.approx(expected, abs=1e-6)
        better = frame.filter((pl.col("week") == found["week"]) & (pl.col("points") > found["points"]))
        assert found["rank"] == better.height + 1


def test_sums_of_thirds_are_the_same_in_any_order() -> None:
    grades = [grade(i, 1, 1, "won", profit=0.1 * (i % 7) + 1 / 3) for i in range(5000)]
    forward = board(*grades)
    assert forward.equals(board(*reversed(grades)))


# --- player_stats -----------------------------------------------------------------------------------------------------

ROSTER = {
    "id": pl.Int64,
    "player_id": pl.String,
    "player_name": pl.String,
    "team": pl.String,
    "position": pl.String,
    "retired_at": pl.Datetime("us", "UTC"),
}
PICKS = {"pick_id": pl.Int64, "player_id": pl.String, "game_id": pl.String, "is_correct": pl.Boolean}
USAGE = {
    "player_id": pl.String,
    "games_played": pl.Int64,
    "games_played_source": pl.String,
    "red_zone_targets": pl.Int64,
    "red_zone_touches": pl.Int64,
}


def stats(
    *,
    rosters: list[tuple[Any, ...]] = [(1, "a", "Ann", "SEA", "WR", None)],  # noqa: B006 - never written to
    games: list[tuple[Any, ...]] = [("g1", 1, "final")],  # noqa: B006
    touchdowns: list[tuple[Any, ...]] = [],  # noqa: B006
    usage: list[tuple[Any, ...]] = [],  # noqa: B006
    picks: list[tuple[Any, ...]] = [],  # noqa: B006
    records: list[str] = ["g1"],  # noqa: B006
) -> pl.DataFrame:
    return player_stats(
        2025,
        rosters=pl.DataFrame(rosters, schema=ROSTER, orient="row"),
        games=pl.DataFrame(games, schema={"game_id": pl.String, "week": pl.Int64, "status": pl.String}, orient="row"),
        touchdowns=pl.DataFrame(
            touchdowns,
            schema={"game_id": pl.String, "player_id": pl.String, "is_first_td": pl.Boolean},
            orient="row",
        ),
        usage=pl.DataFrame(usage, schema=USAGE, orient="row"),
        picks=pl.DataFrame(picks, schema=PICKS, orient="row"),
        records=pl.DataFrame({"game_id": records}, schema={"game_id": pl.String}),
    )


def only(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame.height == 1
    return frame.row(0, named=True)


def test_a_first_touchdown_counts_once_however_many_picks_won_on_it() -> None:
    picks = [(i, "a", "g1", True) for i in range(5)] + [(9, "a", "g1", False)]
    found = only(stats(touchdowns=[("g1", "a", True), ("g1", "a", False)], picks=picks))
    assert (found["first_td_count"], found["any_time_td_count"]) == (1, 2)
    assert (found["times_picked"], found["times_hit"]) == (6, 5)


def test_a_graded_result_counts_only_where_the_plays_are_not_there_yet_and_once_per_game() -> None:
    games = [("g1", 1, "final"), ("g2", 2, "final")]
    picks = [(1, "a", "g2", True), (2, "a", "g2", True), (3, "a", "g1", True), (4, "a", None, True)]
    found = only(stats(games=games, picks=picks))
    assert found["first_td_count"] == 1  # g2; the plays of g1 say that he did not score first there
    assert found["times_hit"] == 4


def test_undecided_and_void_picks_are_picked_and_not_hit() -> None:
    found = only(stats(picks=[(1, "a", "g1", None), (2, "a", "g1", False)]))
    assert (found["times_picked"], found["times_hit"]) == (2, 0)


def test_touchdowns_of_games_that_left_the_schedule_and_of_unknown_scorers_count_for_nobody() -> None:
    found = only(stats(touchdowns=[("gone", "a", True), ("g1", None, True)]))
    assert (found["first_td_count"], found["any_time_td_count"], found["last_td_week"]) == (0, 0, None)


def test_a_traded_player_is_one_row_of_his_current_team_with_all_his_games() -> None:
    rosters = [
        (1, "a", "Ann", "NYJ", "WR", KICKOFF),
        (2, "a", "Ann", "SEA", "WR", None),
        (3, "b", "Bob", "NE", "  ", KICKOFF),
        (4, "b", "Bob", "SEA", None, KICKOFF + timedelta(days=1)),
    ]
    games = [("g1", 1, "final"), ("g2", 2, "final")]
    frame = stats(rosters=rosters, games=games, touchdowns=[("g1", "a", True), ("g2", "a", True)], records=["g1", "g2"])
    assert frame.select("player_id", "team", "roster_id", "position", "first_td_count").rows() == [
        ("a", "SEA", 2, "WR", 2),
        ("b", "SEA", 4, None, 0),
    ]


@pytest.mark.parametrize(
    ("weeks", "form"), [([], "COLD"), ([1], "COLD"), ([2], "AVERAGE"), ([5, 6], "AVERAGE"), ([2, 4, 6], "HOT")]
)
def test_recent_form_is_of_the_last_five_final_weeks(weeks: list[int], form: str) -> None:
    games = [(f"g{w}", w, "final") for w in range(1, 7)] + [("g7", 7, "final"), ("g7b", 7, "scheduled")]
    touchdowns = [(f"g{w}", "a", True) for w in weeks] + [("g7", "a", True)]
    found = only(stats(games=games, touchdowns=touchdowns, records=[g[0] for g in games]))
    assert found["recent_form"] == form
    assert found["last_td_week"] == 7


def test_two_touchdowns_in_one_week_are_one_week_of_form() -> None:
    assert only(stats(touchdowns=[("g1", "a", False)] * 3))["recent_form"] == "AVERAGE"


def test_a_cancelled_game_does_not_keep_its_week_open() -> None:
    rows = [("g1", 1, "final"), ("g2", 1, "cancelled"), ("g3", 2, "final"), ("g4", 2, "in_progress")]
    frame = pl.DataFrame(rows, schema=["game_id", "week", "status"], orient="row")
    assert final_weeks(frame) == [1]


def test_a_player_whom_no_source_names_played_no_game_and_the_source_is_said() -> None:
    rosters = [(1, "a", "Ann", "SEA", "WR", None), (2, "b", "Bob", "SEA", "RB", None)]
    frame = stats(rosters=rosters, usage=[("a", 3, "weekly_rosters", 4, 5)])
    assert frame.select("games_played", "games_played_source", "red_zone_targets", "red_zone_touches").rows() == [
        (3, "weekly_rosters", 4, 5),
        (0, "weekly_rosters", 0, 0),
    ]


def test_a_season_without_rosters_has_no_rows_and_its_columns() -> None:
    frame = stats(rosters=[])
    assert frame.is_empty()
    assert dict(frame.schema) == PLAYER_STATS_SCHEMA


def test_picks_on_a_defense_or_on_no_touchdown_are_nobodys() -> None:
    found = only(stats(picks=[(1, "DST:SEA", "g1", True), (2, "NO_TD", "g1", False), (3, None, "g1", None)]))
    assert (found["times_picked"], found["times_hit"]) == (0, 0)


def test_the_real_season_adds_up_and_knows_every_position() -> None:
    roster = pl.read_parquet(SHARED / "nflverse/rosters/roster_2025.parquet").filter(pl.col("gsis_id") != "")
    rosters = roster.select(
        pl.int_range(pl.len()).alias("id"),
        pl.col("gsis_id").alias("player_id"),
        pl.col("full_name").alias("player_name"),
        "team",
        "position",
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("retired_at"),
    )
    plays = pl.read_parquet(
        SHARED / "nflverse/pbp/play_by_play_2025.parquet",
        columns=["game_id", "play_id", "order_sequence", "touchdown", "td_player_id"],
    )
    scored = (
        plays.filter(pl.col("touchdown") == 1)
        .sort("game_id", "order_sequence", "play_id")
        .with_columns(pl.col("game_id").is_first_distinct().alias("is_first_td"))
        .rename({"td_player_id": "player_id"})
    )
    schedule = pl.read_parquet(SHARED / "nflverse/schedules/games.parquet").filter(pl.col("season") == 2025)
    games = schedule.select("game_id", "week", pl.lit("final").alias("status"))
    frame = player_stats(
        2025,
        rosters=rosters,
        games=games,
        touchdowns=scored,
        usage=pl.DataFrame(schema=USAGE),
        picks=pl.DataFrame(schema=PICKS),
        records=plays.select("game_id").unique(),
    )
    assert frame.height == roster.height
    assert frame["first_td_count"].sum() == 284
    assert frame["any_time_td_count"].sum() == 1459 - 16
    assert frame["position"].null_count() == 0
    taylor = frame.row(by_predicate=pl.col("player_name") == "Jonathan Taylor", named=True)
    # the old application's own figure: it counts touchdowns, not games
    assert (taylor["any_time_td_count"], taylor["position"], taylor["last_td_week"]) == (20, "RB", 17)
