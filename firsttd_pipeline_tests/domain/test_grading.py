"""Grading: one small game per rule, invariants over random leagues, and real first touchdowns."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain import grading as g
from firsttd_pipeline.domain.grading import (
    SCORER_UNKNOWN,
    RulePack,
    first_scorers,
    grade_picks,
    grades_from_results,
    points_for,
)
from firsttd_pipeline.domain.touchdowns import DST_KINDS, extract_touchdowns, game_records
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared

GAME = "2025_01_PIT_SEA"
KICKOFF = datetime(2025, 9, 7, 20, 5, tzinfo=UTC)
NOW = datetime(2025, 9, 9, 6, 0, tzinfo=UTC)
KUPP, WALKER, RODGERS, WATT = "00-0033908", "00-0038134", "00-0023459", "00-0033886"
PICKS: dict[str, Any] = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "season": pl.Int64,
    "week": pl.Int64,
    "game_id": pl.String,
    "kind": pl.String,
    "player_id": pl.String,
    "player_name": pl.String,
    "team": pl.String,
    "player_team": pl.String,
    "odds": pl.Float64,
    "odds_placeholder": pl.Boolean,
    "base_bet": pl.Float64,
}
GAMES: dict[str, Any] = {
    "game_id": pl.String,
    "season": pl.Int64,
    "week": pl.Int64,
    "home_team": pl.String,
    "away_team": pl.String,
    "home_score": pl.Int64,
    "away_score": pl.Int64,
    "status": pl.String,
    "kickoff_at": pl.Datetime("us", "UTC"),
    "deleted_at": pl.Datetime("us", "UTC"),
}
TOUCHDOWNS: dict[str, Any] = {
    "game_id": pl.String,
    "player_id": pl.String,
    "player_name": pl.String,
    "team": pl.String,
    "kind": pl.String,
    "is_first_td": pl.Boolean,
}
RECORDS: dict[str, Any] = {
    "game_id": pl.String,
    "home_score": pl.Int64,
    "away_score": pl.Int64,
    "reaches_end": pl.Boolean,
}


def pick(player: str | None = KUPP, side: str | None = "SEA", **values: Any) -> dict[str, Any]:
    return {
        "pick_id": 1,
        "user_id": 1,
        "season": 2025,
        "week": 1,
        "game_id": GAME,
        "kind": "player",
        "player_id": player,
        "player_name": "as typed",
        "team": "SEA",
        "player_team": side,
        "odds": 750.0,
        "odds_placeholder": False,
        "base_bet": None,
    } | values


def dst(team: str, **values: Any) -> dict[str, Any]:
    return pick(f"DST:{team}", None, kind="dst", **values)


def no_td(**values: Any) -> dict[str, Any]:
    return pick("NO_TD", None, kind="no_td", **values)


def td(player: str | None, team: str | None = "SEA", kind: str | None = "pass") -> dict[str, Any]:
    return {
        "game_id": GAME,
        "player_id": player,
        "player_name": None if player is None else "P." + player[-3:],
        "team": team,
        "kind": kind,
    }


def frames(
    picks: list[dict[str, Any]], touchdowns: list[dict[str, Any]], game: dict[str, Any], record: dict[str, Any] | None
) -> dict[str, pl.DataFrame]:
    first = [{"is_first_td": i == 0} | row for i, row in enumerate(touchdowns)]
    of_game = {
        "game_id": GAME,
        "season": 2025,
        "week": 1,
        "home_team": "SEA",
        "away_team": "PIT",
        "home_score": 17,
        "away_score": 31,
        "status": "final",
        "kickoff_at": KICKOFF,
        "deleted_at": None,
    } | game
    records = (
        [] if record is None else [{"game_id": GAME, "home_score": 17, "away_score": 31, "reaches_end": True} | record]
    )
    return {
        "picks": pl.DataFrame(picks, schema=PICKS, orient="row"),
        "games": pl.DataFrame([of_game], schema=GAMES, orient="row"),
        "touchdowns": pl.DataFrame(first, schema=TOUCHDOWNS, orient="row"),
        "records": pl.DataFrame(records, schema=RECORDS, orient="row"),
    }


def grade(
    the_pick: dict[str, Any],
    *touchdowns: dict[str, Any],
    game: dict[str, Any] | None = None,
    record: dict[str, Any] | None = {},  # noqa: B006
    rules: RulePack = RulePack(),  # noqa: B008
    now: datetime = NOW,
) -> dict[str, Any]:
    """The grade of one pick in a final game with all its plays, changed as the test says."""
    return grade_picks(**frames([the_pick], list(touchdowns), game or {}, record), rules=rules, now=now).row(
        0, named=True
    )


def seen(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["status"], row["reason"], row["any_time_td"], row["points"]


# --- won, lost, any-time ---------------------------------------------------------------------------------------------


def test_the_first_scorer_wins_three_and_one_points_and_the_price() -> None:
    assert grade(pick(), td(KUPP), td(WALKER)) == {
        "pick_id": 1,
        "status": "won",
        "reason": None,
        "finality": "provisional",
        "is_correct": True,
        "any_time_td": True,
        "actual_scorer": "P.908",
        "actual_scorer_id": KUPP,
        "profit": 7.5,
        "stake": 1.0,
        "points": 4.0,
    }


def test_a_later_touchdown_is_lost_with_an_any_time_touchdown_and_its_point() -> None:
    row = grade(pick(), td(WALKER), td(KUPP))
    assert seen(row) == ("lost", None, True, 1.0)
    assert (row["is_correct"], row["actual_scorer_id"], row["profit"]) == (False, WALKER, -1.0)


def test_no_touchdown_of_the_player_is_lost_without_points() -> None:
    assert seen(grade(pick(), td(WALKER))) == ("lost", None, False, 0.0)


def test_names_are_not_compared() -> None:
    same_name = td(WALKER) | {"player_name": "as typed"}
    assert grade(pick(), same_name)["status"] == "lost"
    assert grade(pick(), td(KUPP) | {"player_name": None})["status"] == "won"


def test_the_picks_own_team_can_be_wrong() -> None:
    assert grade(pick(team="KC"), td(KUPP))["status"] == "won"
    assert grade(pick(team="Unknown"), td(KUPP))["status"] == "won"


def test_a_defensive_touchdown_wins_for_its_player_and_for_his_dst() -> None:
    returned = td(WATT, "PIT", "fumble_return")
    assert seen(grade(pick(WATT, "PIT"), returned)) == ("won", None, True, 4.0)
    assert seen(grade(dst("PIT"), returned)) == ("won", None, True, 4.0)


@pytest.mark.parametrize("kind", sorted(DST_KINDS))
def test_every_dst_kind_wins_for_the_team_that_scored_and_only_for_it(kind: str) -> None:
    scored = td(WATT, "PIT", kind)
    assert grade(dst("PIT"), scored)["status"] == "won"
    assert seen(grade(dst("SEA"), scored)) == ("lost", None, False, 0.0)


@pytest.mark.parametrize("kind", ["pass", "rush", "own_fumble", "after_interception"])
def test_an_offensive_touchdown_wins_for_no_dst(kind: str) -> None:
    assert seen(grade(dst("SEA"), td(KUPP, "SEA", kind))) == ("lost", None, False, 0.0)


def test_a_later_dst_touchdown_is_any_time_for_that_dst() -> None:
    assert seen(grade(dst("PIT"), td(KUPP), td(WATT, "PIT", "interception_return"))) == ("lost", None, True, 1.0)


def test_a_dst_pick_needs_no_scorer() -> None:
    assert grade(dst("PIT"), td(None, "PIT", "punt_return"))["status"] == "won"
    assert grade(dst("SEA"), td(None, "PIT", "punt_return"))["status"] == "lost"


@pytest.mark.parametrize(("typed", "home"), [("OAK", "LV"), ("LV", "OAK"), ("LAR", "LA"), ("JAC", "JAX")])
def test_a_dst_is_found_under_any_code_of_its_team(typed: str, home: str) -> None:
    row = grade(dst(typed), td(WATT, home, "punt_return"), game={"home_team": home})
    assert row["status"] == "won"


def test_a_game_without_a_touchdown_loses_for_players_and_dst_and_wins_for_no_touchdown() -> None:
    assert seen(grade(pick())) == ("lost", None, False, 0.0)
    assert seen(grade(dst("SEA"))) == ("lost", None, False, 0.0)
    row = grade(no_td())
    assert seen(row) == ("won", None, False, 3.0)
    assert (row["actual_scorer"], row["actual_scorer_id"], row["profit"]) == ("No Touchdown", None, 7.5)


@pytest.mark.parametrize("scored", [td(KUPP), td(None), td(None, None, "unknown")])
def test_any_touchdown_loses_a_no_touchdown_pick_whoever_scored(scored: dict[str, Any]) -> None:
    assert seen(grade(no_td(), scored)) == ("lost", None, False, 0.0)


def test_the_id_says_what_a_pick_is_where_another_program_left_the_kind_at_its_default() -> None:
    assert grade(pick("NO_TD", None))["status"] == "won"
    assert grade(pick("DST:PIT", None), td(WATT, "PIT", "punt_return"))["status"] == "won"


# --- unknown scorers -------------------------------------------------------------------------------------------------


def test_an_unknown_first_scorer_of_my_team_leaves_my_pick_open() -> None:
    assert seen(grade(pick(), td(None, "SEA"))) == ("pending", "scorer unknown", None, None)


def test_an_unknown_first_scorer_of_the_other_team_does_not() -> None:
    assert seen(grade(pick(), td(None, "PIT"))) == ("lost", None, False, 0.0)
    assert seen(grade(pick(), td(None, "PIT"), td(KUPP))) == ("lost", None, True, 1.0)


def test_an_unknown_scorer_of_an_unknown_team_concerns_both() -> None:
    for side, player in (("SEA", KUPP), ("PIT", RODGERS)):
        assert grade(pick(player, side), td(None, None, "unknown"))["reason"] == "scorer unknown"


@pytest.mark.parametrize("side", [None, "KC", "Unknown", ""])
def test_a_player_whose_team_of_that_day_is_not_known_could_be_on_either(side: str | None) -> None:
    for team in ("SEA", "PIT"):
        assert grade(pick(KUPP, side), td(None, team))["reason"] == "scorer unknown"


def test_a_known_first_scorer_wins_whatever_comes_later() -> None:
    assert grade(pick(), td(KUPP), td(None, "SEA"), td(None, None, "unknown"))["status"] == "won"


def test_a_later_unknown_scorer_of_my_team_leaves_the_any_time_part_open() -> None:
    assert grade(pick(), td(WALKER), td(None, "SEA"))["reason"] == "scorer unknown"
    assert seen(grade(pick(), td(WALKER), td(None, "PIT"))) == ("lost", None, False, 0.0)


def test_an_any_time_touchdown_already_seen_closes_that_part() -> None:
    assert seen(grade(pick(), td(WALKER), td(KUPP), td(None, "SEA"))) == ("lost", None, True, 1.0)


def test_an_any_time_touchdown_does_not_close_an_open_first() -> None:
    assert grade(pick(), td(None, "SEA"), td(KUPP))["reason"] == "scorer unknown"


def test_a_dst_waits_only_where_the_team_or_the_kind_is_open() -> None:
    assert grade(dst("SEA"), td(None, None, "unknown"))["reason"] == "scorer unknown"
    assert grade(dst("SEA"), td(None, None, "special_teams"))["reason"] == "scorer unknown"
    assert grade(dst("SEA"), td(KUPP, "SEA", None))["reason"] == "scorer unknown"
    assert grade(dst("PIT"), td(KUPP, "SEA", None))["status"] == "lost"
    assert grade(dst("SEA"), td(None, None, "pass"))["status"] == "lost"
    assert grade(dst("SEA"), td(WATT, "SEA", "punt_return"), td(None, None, "unknown"))["status"] == "won"


def test_touchdowns_of_which_none_is_the_first_leave_everybody_but_no_touchdown_waiting() -> None:
    unmarked = td(KUPP) | {"is_first_td": False}
    assert grade(pick(), unmarked)["reason"] == "scorer unknown"
    assert grade(dst("PIT"), unmarked)["reason"] == "scorer unknown"
    assert grade(no_td(), unmarked)["status"] == "lost"


# --- pending and void ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("the_pick", "game", "record", "reason"),
    [
        (pick(game_id=None), {}, {}, "no game"),
        (pick(game_id="2025_01_XXX_YYY"), {}, {}, "no game"),
        (pick(), {"deleted_at": NOW}, {}, "no game"),
        (pick(), {"status": "postponed", "deleted_at": NOW}, {}, "game postponed"),
        (pick(None), {}, {}, "player not understood"),
        (pick(" "), {}, {}, "player not understood"),
        (dst("") | {"player_id": None}, {}, {}, "player not understood"),
        (dst(""), {}, {}, "player not understood"),
        (pick(), {"status": "scheduled", "home_score": None, "away_score": None}, None, "game not final"),
        (pick(), {"status": "in_progress", "home_score": None, "away_score": None}, {}, "game not final"),
        (pick(), {}, None, "no plays yet"),
        (pick(), {}, {"reaches_end": False}, "plays incomplete"),
        (pick(), {}, {"home_score": 10}, "score mismatch"),
        (pick(), {}, {"away_score": 30}, "score mismatch"),
        (pick(), {}, {"away_score": None}, "score mismatch"),
    ],
)
def test_a_pick_that_cannot_be_decided_says_why(
    the_pick: dict[str, Any], game: dict[str, Any], record: dict[str, Any] | None, reason: str
) -> None:
    row = grade(the_pick, td(KUPP), game=game, record=record)
    assert row == dict.fromkeys(g.GRADE_SCHEMA) | {"pick_id": 1, "status": "pending", "reason": reason}
    assert reason in g.PENDING_REASONS


def test_a_missing_play_is_never_a_loss() -> None:
    # The schedule has the score, the plays stop before the pick's touchdown: the old application called that a loss.
    assert grade(pick(), td(WALKER), record={"home_score": 10, "reaches_end": False})["status"] == "pending"


def test_a_cancelled_game_voids_its_picks_and_gives_the_stake_back() -> None:
    row = grade(pick(), game={"status": "cancelled", "deleted_at": NOW}, record=None)
    assert seen(row) == ("void", "game cancelled", None, 0.0)
    assert (row["is_correct"], row["profit"], row["stake"], row["actual_scorer"]) == (None, 0.0, 0.0, None)


def test_a_league_without_dst_picks_voids_them_and_no_others() -> None:
    off = RulePack(dst_picks="off")
    returned = td(WATT, "PIT", "fumble_return")
    assert seen(grade(dst("PIT"), returned, rules=off)) == ("void", "D/ST picks are off", None, 0.0)
    assert grade(pick(WATT, "PIT"), returned, rules=off)["status"] == "won"


def test_a_void_of_unknown_odds_still_costs_nothing() -> None:
    assert grade(pick(odds=None), game={"status": "cancelled"})["profit"] == 0.0


# --- money, points, finality -----------------------------------------------------------------------------------------


def test_a_members_own_stake_wins_over_the_leagues() -> None:
    rules = RulePack(stake=5.0)
    assert grade(pick(), td(KUPP), rules=rules)["profit"] == 37.5
    row = grade(pick(base_bet=2.0), td(KUPP), rules=rules)
    assert (row["profit"], row["stake"]) == (15.0, 2.0)
    assert grade(pick(base_bet=2.0), td(WALKER), rules=rules)["profit"] == -2.0


@pytest.mark.parametrize("base_bet", [0.0, -1.0, float("nan"), float("inf")])
def test_a_stake_that_is_none_falls_back_to_the_leagues(base_bet: float) -> None:
    assert grade(pick(base_bet=base_bet), td(WALKER))["profit"] == -1.0


def test_negative_odds_win_less_than_the_stake() -> None:
    assert grade(pick(odds=-110.0), td(KUPP))["profit"] == pytest.approx(100 / 110)


@pytest.mark.parametrize(
    "values",
    [
        {"odds": None},
        {"odds": -110.0, "odds_placeholder": True},
        {"odds": 0.0},
        {"odds": 50.0},
        {"odds": float("nan")},
        {"odds": float("inf")},
    ],
)
def test_unknown_odds_have_no_money_and_full_points(values: dict[str, Any]) -> None:
    row = grade(pick(**values), td(KUPP))
    assert (row["status"], row["profit"], row["stake"], row["points"]) == ("won", None, None, 4.0)
    row = grade(pick(**values), td(WALKER))
    assert (row["status"], row["profit"], row["stake"], row["points"]) == ("lost", None, None, 0.0)


@pytest.mark.parametrize(
    ("scoring", "first", "any_time", "none", "no_touchdown"),
    [("stacking", 4.0, 1.0, 0.0, 3.0), ("exclusive", 3.0, 1.0, 0.0, 3.0), ("profit", 7.5, -1.0, -1.0, 7.5)],
)
def test_each_rule_pack_gives_its_points(
    scoring: Any, first: float, any_time: float, none: float, no_touchdown: float
) -> None:
    rules = RulePack(scoring=scoring)
    assert grade(pick(), td(KUPP), rules=rules)["points"] == first
    assert grade(pick(), td(WALKER), td(KUPP), rules=rules)["points"] == any_time
    assert grade(pick(), td(WALKER), rules=rules)["points"] == none
    assert grade(no_td(), rules=rules)["points"] == no_touchdown


def test_points_of_foreign_grades_follow_the_same_rules() -> None:
    stacking, exclusive, money = RulePack(), RulePack("exclusive"), RulePack("profit")
    assert points_for(True, None, 7.5, stacking) == 4.0
    assert points_for(True, False, 7.5, stacking, kind="no_td") == 3.0
    assert points_for(False, True, -1.0, stacking) == 1.0
    assert points_for(False, None, -1.0, exclusive) == 0.0
    assert points_for(True, True, 7.5, exclusive) == 3.0
    assert points_for(False, True, -1.0, exclusive) == 1.0
    assert points_for(True, True, 7.5, money) == 7.5
    assert points_for(True, True, None, money) is None
    assert points_for(None, None, 0.0, stacking) == 0.0


@given(
    st.sampled_from(["stacking", "exclusive", "profit"]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, -1.0, 0.0, 7.5]),
    st.sampled_from(["player", "dst", "no_td"]),
)
def test_the_points_of_a_column_are_the_points_of_its_rows(
    scoring: Any, correct: bool | None, any_time: bool | None, profit: float | None, kind: str
) -> None:
    rules = RulePack(scoring=scoring)
    frame = pl.DataFrame(
        {"c": [correct], "a": [any_time], "p": [profit], "k": [kind]},
        schema={"c": pl.Boolean, "a": pl.Boolean, "p": pl.Float64, "k": pl.String},
    )
    column = frame.select(g.points_expr(rules, pl.col("c"), pl.col("a"), pl.col("p"), pl.col("k"))).item()
    assert column == points_for(correct, any_time, profit, rules, kind=kind)


def test_a_grade_is_official_from_ten_days_after_kickoff() -> None:
    edge = KICKOFF + timedelta(days=10)
    assert grade(pick(), td(KUPP), now=edge - timedelta(seconds=1))["finality"] == "provisional"
    assert grade(pick(), td(KUPP), now=edge)["finality"] == "official"
    assert grade(pick(), td(KUPP), now=edge.astimezone(), rules=RulePack(official_after_days=11))["finality"] == (
        "provisional"
    )
    assert grade(pick(), td(KUPP), game={"kickoff_at": None}, now=edge)["finality"] == "provisional"


@pytest.mark.parametrize(
    "values",
    [{"scoring": "double"}, {"stake": 0.0}, {"stake": float("nan")}, {"dst_picks": "yes"}, {"official_after_days": -1}],
)
def test_rules_that_are_none_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="it has to be"):
        RulePack(**values)


def test_rules_have_a_version() -> None:
    assert RulePack("exclusive").version == "exclusive/1"


# --- bad input -------------------------------------------------------------------------------------------------------


def test_a_naive_now_a_repeated_pick_and_a_missing_column_are_refused() -> None:
    good = frames([pick()], [td(KUPP)], {}, {})
    with pytest.raises(ValueError, match="naive"):
        grade_picks(**good, rules=RulePack(), now=datetime(2025, 9, 9))  # noqa: DTZ001
    twice = good | {"picks": pl.concat([good["picks"], good["picks"]])}
    with pytest.raises(ValueError, match="pick_id 1 more than once"):
        grade_picks(**twice, rules=RulePack(), now=NOW)
    with pytest.raises(ValueError, match="picks frame lacks odds"):
        grade_picks(**(good | {"picks": good["picks"].drop("odds")}), rules=RulePack(), now=NOW)
    with pytest.raises(ValueError, match="'2025_01_PIT_SEA' more than once"):
        grade_picks(**(good | {"games": pl.concat([good["games"]] * 2)}), rules=RulePack(), now=NOW)


def test_columns_without_any_value_and_empty_tables_are_taken() -> None:
    untyped = frames([pick(odds=None)], [], {}, None)
    untyped["picks"] = untyped["picks"].with_columns(pl.lit(None).alias("odds"), pl.lit(None).alias("game_id"))
    untyped["games"] = untyped["games"].clear().with_columns(pl.lit(None).alias("kickoff_at"))
    assert grade_picks(**untyped, rules=RulePack(), now=NOW)["reason"].to_list() == ["no game"]
    none = frames([], [td(KUPP)], {}, {})
    assert grade_picks(**none, rules=RulePack(), now=NOW).schema == pl.Schema(g.GRADE_SCHEMA)


def test_without_a_roster_column_a_player_could_be_on_either_team() -> None:
    given_frames = frames([pick()], [td(None, "PIT")], {}, {})
    given_frames["picks"] = given_frames["picks"].drop("player_team")
    assert grade_picks(**given_frames, rules=RulePack(), now=NOW)["reason"].to_list() == ["scorer unknown"]


# --- grades of others ------------------------------------------------------------------------------------------------


def foreign(the_pick: dict[str, Any], rules: RulePack = RulePack(), **values: Any) -> dict[str, Any]:  # noqa: B008
    result = {
        "pick_id": 1,
        "is_correct": True,
        "any_time_td": None,
        "actual_scorer": "C.Kupp",
        "actual_scorer_id": None,
        "actual_return": None,
        "graded_by": "external",
    } | values
    of = frames([the_pick], [], {}, {})
    schema: Any = {
        "pick_id": pl.Int64,
        "is_correct": pl.Boolean,
        "any_time_td": pl.Boolean,
        "actual_scorer": pl.String,
        "actual_scorer_id": pl.String,
        "actual_return": pl.Float64,
        "graded_by": pl.String,
    }
    return grades_from_results(pl.DataFrame([result], schema=schema), of["picks"], of["games"], rules, NOW).row(
        0, named=True
    )


def test_a_foreign_grade_stands_and_gets_the_leagues_points_and_money() -> None:
    assert seen(foreign(pick())) == ("won", None, None, 4.0)
    row = foreign(pick(base_bet=2.0), is_correct=False, any_time_td=True, actual_return=0.0)
    assert (seen(row), row["profit"], row["stake"]) == (("lost", None, True, 1.0), -2.0, 2.0)
    assert foreign(pick(odds_placeholder=True))["profit"] is None
    assert foreign(no_td())["points"] == 3.0


def test_a_foreign_void_is_void_and_a_manual_return_stands() -> None:
    row = foreign(pick(), is_correct=None, graded_by="manual")
    assert (seen(row), row["profit"]) == (("void", "graded void", None, 0.0), 0.0)
    assert foreign(pick(), graded_by="manual", actual_return=9.0)["profit"] == 9.0
    assert foreign(pick(), graded_by="external", actual_return=9.0)["profit"] == 7.5


def test_a_result_of_a_pick_that_is_not_asked_for_is_left_out() -> None:
    of = frames([pick(pick_id=2)], [], {}, {})
    results = pl.DataFrame(
        {
            "pick_id": [1],
            "is_correct": [True],
            "any_time_td": [None],
            "actual_scorer": [None],
            "actual_scorer_id": [None],
            "actual_return": [None],
            "graded_by": ["external"],
        }
    )
    assert grades_from_results(results, of["picks"], of["games"], RulePack(), NOW).is_empty()


# --- invariants ------------------------------------------------------------------------------------------------------

PLAYERS = [KUPP, WALKER, RODGERS, WATT]
SIDES = {KUPP: "SEA", WALKER: "SEA", RODGERS: "PIT", WATT: "PIT"}
some_pick = st.one_of(
    st.builds(
        lambda player, knows: pick(player, SIDES[player] if knows else None), st.sampled_from(PLAYERS), st.booleans()
    ),
    st.builds(dst, st.sampled_from(["SEA", "PIT"])),
    st.builds(no_td),
    st.just(pick(None)),
)
known_td = st.builds(
    lambda player, kind: td(player, SIDES[player], kind),
    st.sampled_from(PLAYERS),
    st.sampled_from(["pass", "rush", "fumble_return"]),
)
some_td = st.one_of(
    known_td, st.builds(td, st.none(), st.sampled_from(["SEA", "PIT"])), st.just(td(None, None, "unknown"))
)
some_rules = st.builds(
    RulePack, st.sampled_from(["stacking", "exclusive", "profit"]), dst_picks=st.sampled_from(["pays", "off"])
)


@settings(max_examples=80, deadline=None)
@given(st.lists(some_pick, min_size=1, max_size=8), st.lists(some_td, max_size=4), some_rules, st.randoms())
def test_every_pick_has_one_consistent_grade_whatever_the_order_of_the_rows(
    picks: list[dict[str, Any]], touchdowns: list[dict[str, Any]], rules: RulePack, chance: random.Random
) -> None:
    numbered = [row | {"pick_id": i} for i, row in enumerate(picks)]
    given_frames = frames(numbered, touchdowns, {}, {})
    grades = grade_picks(**given_frames, rules=rules, now=NOW)
    assert grades["pick_id"].to_list() == list(range(len(picks)))
    for row in grades.iter_rows(named=True):
        decided = row["status"] in ("won", "lost")
        assert row["status"] in ("won", "lost", "void", "pending")
        assert (row["reason"] is None) == decided
        assert row["reason"] is None or row["reason"] in g.REASONS
        assert row["is_correct"] == {"won": True, "lost": False}.get(row["status"])
        assert (row["any_time_td"] is not None) == decided
        assert (row["finality"] is None) == (row["status"] == "pending")
        assert (row["points"] is None) == (row["status"] == "pending")
        if decided:
            assert row["profit"] == (7.5 if row["status"] == "won" else -1.0)
    shuffled = {}
    for name, frame in given_frames.items():
        order = list(range(frame.height))
        chance.shuffle(order)
        shuffled[name] = frame[order]
    assert grade_picks(**shuffled, rules=rules, now=NOW).sort("pick_id").equals(grades)


@settings(max_examples=80, deadline=None)
@given(some_pick, st.lists(known_td, max_size=4), st.data())
def test_an_unknown_scorer_only_opens_a_grade_and_never_changes_it(
    the_pick: dict[str, Any], touchdowns: list[dict[str, Any]], data: st.DataObject
) -> None:
    truth = grade(the_pick, *touchdowns)
    hidden = [row | {"player_id": None, "player_name": None} if data.draw(st.booleans()) else row for row in touchdowns]
    partly = grade(the_pick, *hidden)
    if partly["status"] != "pending":
        compared = ["status", "reason", "any_time_td", "points", "profit"]
        assert [partly[name] for name in compared] == [truth[name] for name in compared]


# --- real games ------------------------------------------------------------------------------------------------------


@needs_shared
def test_on_the_real_season_of_2025_each_first_scorer_wins_and_the_others_do_not() -> None:
    plays = pl.read_parquet(MIRROR / "pbp" / "play_by_play_2025.parquet")
    touchdowns = extract_touchdowns(plays)
    games = pl.read_parquet(MIRROR / "schedules" / "games.parquet").filter(pl.col("season") == 2025)
    games = games.select(
        "game_id",
        "home_team",
        "away_team",
        "home_score",
        "away_score",
        pl.lit("final").alias("status"),
        pl.lit(KICKOFF).alias("kickoff_at"),
        pl.lit(None).alias("deleted_at"),
    )
    # Every scorer of a game is picked in it, and so are both D/STs and no touchdown.
    scorers = touchdowns.drop_nulls("player_id").select("game_id", "player_id", player_team="team").unique()
    specials = pl.concat(
        [
            games.select("game_id", player_id=pl.lit("DST:") + pl.col("home_team"), player_team=pl.lit(None)),
            games.select("game_id", player_id=pl.lit("DST:") + pl.col("away_team"), player_team=pl.lit(None)),
            games.select("game_id", player_id=pl.lit("NO_TD"), player_team=pl.lit(None)),
        ]
    )
    picks = pl.concat([scorers, specials.cast({"player_team": pl.String})]).with_row_index("pick_id", 1)
    picks = picks.with_columns(
        pl.lit("player").alias("kind"),
        pl.lit(500.0).alias("odds"),
        pl.lit(False).alias("odds_placeholder"),
        pl.lit(None).alias("base_bet"),
    )
    grades = grade_picks(picks, games, touchdowns, game_records(plays), RulePack(), NOW).join(
        picks.cast({"pick_id": pl.Int64}), on="pick_id"
    )
    won = grades.filter(pl.col("status") == "won")
    player = ~pl.col("player_id").str.starts_with("DST:") & (pl.col("player_id") != "NO_TD")
    assert won.filter(player).height == 284
    assert (
        won.filter(player)
        .select("game_id", "player_id")
        .sort("game_id")
        .equals(touchdowns.filter("is_first_td").select("game_id", "player_id").sort("game_id"))
    )
    assert won.filter(pl.col("player_id").str.starts_with("DST:")).height == 15
    assert won.filter(pl.col("player_id") == "NO_TD")["game_id"].to_list() == ["2025_18_KC_LV"]
    assert grades.filter(player & (pl.col("status") == "lost"))["any_time_td"].all()
    waiting = grades.filter(pl.col("status") == "pending")
    assert set(waiting["reason"]) <= {"scorer unknown"}
    assert waiting.filter(pl.col("player_id").str.starts_with("DST:")).is_empty()


# --- the first scorer of a game ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("touchdowns", "told"),
    [
        ([td(KUPP), td(WATT)], (None, KUPP, None, KUPP)),
        ([td(WATT, "PIT", "fumble_return")], (None, WATT, "DST:PIT", "DST:PIT")),
        ([td(None, "PIT", "punt_return")], (None, None, "DST:PIT", "DST:PIT")),
        ([td(None, "PIT", "pass"), td(KUPP)], (SCORER_UNKNOWN, None, None, None)),
        ([], (None, None, None, "NO_TD")),
    ],
)
def test_the_first_scorer_is_the_dst_where_it_is_one_else_the_player_or_nobody(
    touchdowns: list[dict[str, Any]], told: tuple[str | None, ...]
) -> None:
    of = frames([], touchdowns, {}, {})
    of.pop("picks")
    assert first_scorers(**of).rows() == [(GAME, *told)]


@pytest.mark.parametrize(
    ("game", "record", "reason"),
    [
        ({"status": "in_progress"}, {}, "game not final"),
        ({"deleted_at": KICKOFF}, {}, "no game"),
        ({}, None, "no plays yet"),
        ({}, {"reaches_end": False}, "plays incomplete"),
        ({}, {"home_score": 16}, "score mismatch"),
    ],
)
def test_nobody_is_known_to_have_scored_first_before_a_pick_could_be_graded(
    game: dict[str, Any], record: dict[str, Any] | None, reason: str
) -> None:
    of = frames([], [td(KUPP)], game, record)
    of.pop("picks")
    assert first_scorers(**of).rows() == [(GAME, reason, None, None, None)]
