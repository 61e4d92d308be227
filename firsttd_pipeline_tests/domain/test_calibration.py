"""Reliability, scores and bias by known figures, and what the markets say of members; voids count nowhere."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain import calibration as c
from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.storage.schema import member_market_stats

judged = st.lists(st.tuples(st.floats(0, 1), st.one_of(st.none(), st.booleans())), max_size=60)


# --- of a venue's probabilities ---------------------------------------------------------------------------------------


def test_a_bin_holds_its_lower_edge_and_tells_how_often_it_came_true() -> None:
    said = [0.02, 0.03, 0.03, 0.039, 0.04, 0.0, 1.0]
    rows = c.reliability(said, [True, False, False, False, False, False, True]).to_dicts()
    assert [(row["bin"], row["n"], row["won"]) for row in rows] == [
        ("0-2 %", 1, 0),
        ("2-4 %", 4, 1),
        ("4-6 %", 1, 0),
        ("50-100 %", 1, 1),
    ]
    assert (rows[1]["mean_probability"], rows[1]["share_won"]) == (pytest.approx(0.02975), 0.25)
    assert (rows[1]["low"], rows[1]["high"]) == (0.02, 0.04)


def test_the_interval_of_a_share_is_wilsons() -> None:
    row = c.reliability([0.1] * 10, [True] + [False] * 9).row(0, named=True)
    assert (row["share_low"], row["share_high"]) == (pytest.approx(0.0179, abs=1e-4), pytest.approx(0.4042, abs=1e-4))
    none = c.reliability([0.1] * 10, [False] * 10).row(0, named=True)
    assert (none["share_low"], none["share_high"]) == (0, pytest.approx(0.2775, abs=1e-4))


def test_scores_of_known_figures() -> None:
    found = c.scores([0.5, 0.1, 0.2, 0.2], [True, False, False, True])
    assert (found.n, found.won) == (4, 2)
    assert found.brier == pytest.approx((0.25 + 0.01 + 0.04 + 0.64) / 4)
    assert found.log_loss == pytest.approx(-math.log(0.5 * 0.9 * 0.8 * 0.2) / 4, abs=1e-6)
    assert (found.base_rate, found.base_brier) == (0.5, 0.25)


def test_a_certainty_that_failed_costs_much_but_not_everything() -> None:
    assert c.scores([1.0], [False]).log_loss == pytest.approx(-math.log(c.CLIP), abs=1e-6)
    assert c.scores([0.0], [True]).log_loss == pytest.approx(-math.log(c.CLIP), abs=1e-6)
    assert c.scores([0.0, 1.0], [False, True]).brier == 0


def test_a_void_and_a_missing_price_count_nowhere() -> None:
    said, came = [0.1, 0.1, None, 0.9], [True, None, True, None]
    assert (c.scores(said, came).n, c.scores(said, came).base_rate) == (1, 1)
    assert c.reliability(said, came)["n"].to_list() == [1]
    assert c.longshot_bias(said, came)["n"].to_list() == [1]
    frame = pl.DataFrame({"source": ["kalshi", "kalshi", "polymarket", "odds_api"], "probability": said, "won": came})
    assert c.scores_by(frame, ["source"])["source"].to_list() == ["kalshi"]


def test_nothing_judged_is_said_and_is_no_zero() -> None:
    empty = c.scores([], [])
    assert (empty.n, empty.brier, empty.log_loss, empty.base_brier) == (0, None, None, None)
    assert empty.note == "0 judged legs: fewer than 30, mostly chance"
    assert c.reliability([], []).schema == pl.Schema(c.RELIABILITY_SCHEMA)
    assert c.longshot_bias([None], [None]).is_empty()


def test_a_small_sample_says_so_and_a_larger_one_does_not() -> None:
    assert c.scores([0.1] * 29, [False] * 29).note == "29 judged legs: fewer than 30, mostly chance"
    assert c.scores([0.1] * 30, [False] * 30).note == ""
    assert c.longshot_bias([0.1], [False])["note"].to_list() == [c.small_sample(1)]
    assert c.small_sample(1) == "1 judged leg: fewer than 30, mostly chance"
    assert c.small_sample(30) == ""


def test_overrated_longshots_return_less_than_favourites() -> None:
    # priced at twice their chance below, at their chance above
    said = [0.02] * 100 + [0.25] * 100
    came = [True] + [False] * 99 + [True] * 25 + [False] * 75
    rows = c.longshot_bias(said, came).to_dicts()
    assert [(row["band"], row["n"], row["won"]) for row in rows] == [("2-5 %", 100, 1), ("20-100 %", 100, 25)]
    assert [row["return"] for row in rows] == [pytest.approx(-0.5), pytest.approx(0)]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    for score in (c.reliability, c.scores, c.longshot_bias):
        with pytest.raises(ValueError, match="no probability"):
            score([wrong], [True])


@pytest.mark.parametrize("edges", [(0.0,), (0.1, 1.0), (0.0, 0.9), (0.0, 0.5, 0.5, 1.0), (0.0, 0.7, 0.3, 1.0)])
def test_edges_that_leave_something_out_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="no edges"):
        c.reliability([0.5], [True], edges)


@settings(max_examples=50, deadline=None)
@given(judged)
def test_bins_hold_every_judged_one_once_and_within_their_edges(rows: list[tuple[float, bool | None]]) -> None:
    said, came = [row[0] for row in rows], [row[1] for row in rows]
    bins, found = c.reliability(said, came), c.scores(said, came)
    assert bins["n"].sum() == found.n == sum(outcome is not None for outcome in came)
    assert bins["won"].sum() == found.won
    for row in bins.to_dicts():
        assert row["low"] - 1e-12 <= row["mean_probability"] <= row["high"] + 1e-12
        assert 0 <= row["share_low"] <= row["share_won"] + 1e-12
        assert row["share_won"] - 1e-12 <= row["share_high"] <= 1


# --- of the members' picks --------------------------------------------------------------------------------------------


def pick(number: int, status: str = "lost", fair: float | None = 0.1, **given: Any) -> dict[str, Any]:
    row = {
        "pick_id": number,
        "user_id": 1,
        "status": status,
        "odds": 900.0,
        "odds_placeholder": False,
        "stake": None,
        "source": "kalshi",
        "closing_probability": 0.12,
        "fair_probability": fair,
        "expected_value": 0.0,
        "closing_line_value": 0.2,
    }
    return row | given


def of_members(rows: list[dict[str, Any]], **rules: Any) -> dict[int, dict[str, Any]]:
    numbers = ("odds", "stake", "closing_probability", "fair_probability", "expected_value", "closing_line_value")
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(numbers, pl.Float64), infer_schema_length=None)
    made = c.member_stats(frame, RulePack(**rules), 2025)
    assert list(made.columns) == [x.name for x in member_market_stats.c if x.name not in ("id", "updated_at")]
    return {row["user_id"]: row for row in made.to_dicts()}


@pytest.mark.parametrize("scoring", ["stacking", "exclusive"])
def test_luck_is_the_points_for_first_touchdowns_beyond_their_fair_chance(scoring: str) -> None:
    row = of_members([pick(1, "won"), pick(2, fair=0.2), pick(3, fair=0.3)], scoring=scoring)[1]
    assert (row["points"], row["expected_points"], row["luck"]) == (3, pytest.approx(1.8), pytest.approx(1.2))
    assert row["brier"] == pytest.approx((0.81 + 0.04 + 0.09) / 3, abs=1e-6)
    assert row["log_loss"] == pytest.approx(-math.log(0.1 * 0.8 * 0.7) / 3, abs=1e-6)


def test_under_profit_scoring_points_are_the_profit_at_the_picks_own_odds_and_stake() -> None:
    rows = [pick(1, "won", stake=2.0), pick(2), pick(3, "won", odds=None), pick(4, odds=-110.0, odds_placeholder=True)]
    row = of_members(rows, scoring="profit", stake=5.0)[1]
    assert (row["judged"], row["points"]) == (4, 2 * 9 - 5)
    assert row["expected_points"] == pytest.approx(0)  # 900 at a chance of a tenth breaks even, whatever the stake
    assert "points leave out 2 judged picks without odds" in row["note"]


def test_void_and_pending_picks_are_neither_judged_nor_lost() -> None:
    row = of_members([pick(1, "void"), pick(2, "pending"), pick(3, "won")])[1]
    assert (row["picks"], row["priced"], row["judged"], row["points"]) == (3, 3, 1, 3)
    assert row["expected_points"] == pytest.approx(0.3)
    only = of_members([pick(1, "void")])[1]
    assert (only["judged"], only["points"], only["luck"], only["brier"]) == (0, None, None, None)
    assert only["note"] == "no decided pick has a fair probability"


def test_a_leg_that_the_venue_voided_judges_no_pick() -> None:
    rows = [pick(1, fair=0.1, voided=True), pick(2, fair=0.2, voided=False), pick(3, fair=0.3, voided=None)]
    row = of_members(rows)[1]
    assert (row["judged"], row["expected_points"]) == (2, pytest.approx(1.5))
    assert row["closing_line_value"] == pytest.approx(0.2)


def test_a_pick_that_several_venues_priced_counts_once() -> None:
    rows = [
        pick(1, "won", fair=0.1, closing_line_value=0.1),
        pick(1, "won", fair=0.3, closing_line_value=-0.3, source="polymarket"),
        pick(1, "won", fair=None, closing_line_value=None, closing_probability=None, source="odds_api"),
        pick(2, fair=0.1, closing_line_value=0.3),
    ]
    row = of_members(rows)[1]
    assert (row["picks"], row["priced"], row["judged"], row["points"]) == (2, 2, 2, 3)
    assert (row["closing_line_value"], row["beat_closing"]) == (pytest.approx(0.1), 1)
    assert row["expected_points"] == pytest.approx(0.9)


def test_a_member_whom_no_market_says_anything_of_has_a_row_without_numbers() -> None:
    nothing = dict.fromkeys(("source", "closing_probability", "expected_value", "closing_line_value"))
    made = of_members([pick(1, "won"), pick(2, "won", fair=None, user_id=2, **nothing)])
    row = made[2]
    assert (row["picks"], row["priced"], row["judged"]) == (1, 0, 0)
    empty = ("closing_line_value", "beat_closing", "expected_value", "expected_points", "points", "luck", "brier")
    assert {name: row[name] for name in empty} == dict.fromkeys(empty)
    assert row["note"] == "no pick has a closing line"


def test_the_note_says_what_is_mostly_chance_and_how_much_luck_is_ordinary() -> None:
    few = of_members([pick(number) for number in range(29)])[1]["note"]
    many = of_members([pick(number) for number in range(36)])[1]["note"]
    assert few.startswith("29 judged picks: fewer than 30, mostly chance; luck up to ")
    assert many == "luck up to 10.8 either way is ordinary"  # two standard deviations: 2 * 3 * sqrt(36 * 0.1 * 0.9)


def test_no_picks_give_no_rows() -> None:
    frame = pl.DataFrame([pick(1)]).clear()
    assert c.member_stats(frame, RulePack(), 2025).schema == pl.Schema(c.MEMBER_SCHEMA)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 3),
            st.sampled_from(["won", "lost", "void", "pending"]),
            st.one_of(st.none(), st.floats(0, 1)),
        ),
        min_size=1,
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
def test_stats_do_not_depend_on_the_order_of_the_picks(rows: list[tuple[int, str, float | None]], shuffle: Any) -> None:
    picks = [pick(number, status, fair, user_id=user) for number, (user, status, fair) in enumerate(rows)]
    made = of_members(picks)
    for user, row in made.items():
        known = [fair for of, status, fair in rows if of == user and status in ("won", "lost") and fair is not None]
        assert row["judged"] == len(known)
        assert (row["luck"] is None) == (not known)
    mixed = list(picks)
    shuffle.shuffle(mixed)
    assert of_members(mixed) == made


def test_a_season_of_picks_gives_the_same_rows_whenever_and_in_whatever_order_it_is_measured() -> None:
    # Two venues' medians end in half a millionth, so that the least noise in a sum changes what is stored.
    draw = Random(4)
    rows = []
    for number in range(6000):
        who = {"user_id": draw.randrange(20), "odds": draw.choice([900.0, -110.0, None])}
        status = draw.choice(["won", "lost", "lost", "pending"])
        for source in ("kalshi", "polymarket"):
            fair = draw.randrange(10_000, 200_000) / 1e6
            line = {"closing_probability": fair * 1.1, "expected_value": fair * 9 - 1, "closing_line_value": fair / 7}
            rows.append(pick(number, status, fair, source=source, **who, **line))
    frame = pl.DataFrame(rows, infer_schema_length=None)
    for rules in (RulePack(), RulePack(scoring="profit")):
        made = c.member_stats(frame, rules, 2025)
        for turn in range(12):
            again = frame if turn % 2 else frame.sample(fraction=1, shuffle=True, seed=turn)
            assert c.member_stats(again, rules, 2025).equals(made)
