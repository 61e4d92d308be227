"""American odds: known figures, inverses, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firsttd_pipeline.domain import odds as o

positive = st.floats(100, 1e6)
american = st.one_of(positive, positive.map(lambda value: -value))
stakes = st.floats(0.01, 1e4)
BAD_ODDS: list[Any] = [0, 99.999, -99.999, 1, -1, 50, math.nan, math.inf, -math.inf, None, "750", True]


@pytest.mark.parametrize(
    ("odds", "stake", "gain"),
    [(750, 1, 7.5), (100, 1, 1), (-100, 1, 1), (-110, 1, 100 / 110), (-110, 1.1, 1), (-200, 5, 2.5), (1200, 0.5, 6)],
)
def test_a_win_pays_what_the_price_says(odds: float, stake: float, gain: float) -> None:
    assert o.profit(odds, stake) == pytest.approx(gain)


def test_a_bet_at_minus_110_never_wins_a_negative_amount() -> None:
    assert o.profit(-110) == pytest.approx(0.909, abs=1e-3)


def test_a_loss_costs_the_stake_and_a_void_nothing() -> None:
    assert (o.settled(750, 2, True), o.settled(750, 2, False), o.settled(750, 2, None)) == (15, -2, 0)


@pytest.mark.parametrize("odds", BAD_ODDS)
def test_what_is_no_american_odds_is_refused_by_name(odds: Any) -> None:
    for call in (
        lambda: o.profit(odds),
        lambda: o.implied_probability(odds),
        lambda: o.expected_profit(odds, 1, 0.5),
        lambda: o.settled(odds, 1, None),
    ):
        with pytest.raises(ValueError, match="no American odds"):
            call()


@pytest.mark.parametrize("stake", [0, -1, math.nan, math.inf, None, True])
def test_a_stake_that_is_no_number_above_0_is_refused(stake: Any) -> None:
    with pytest.raises(ValueError, match="no stake"):
        o.profit(750, stake)


@pytest.mark.parametrize(("odds", "chance"), [(100, 0.5), (-100, 0.5), (300, 0.25), (-300, 0.75), (-110, 110 / 210)])
def test_a_price_implies_its_break_even_chance(odds: float, chance: float) -> None:
    assert o.implied_probability(odds) == pytest.approx(chance)


@pytest.mark.parametrize("chance", [0, 1, -0.1, 1.1, math.nan, 5e-324, None])
def test_a_certainty_or_no_probability_has_no_odds(chance: Any) -> None:
    with pytest.raises(ValueError, match=r"probability|too near"):
        o.american_odds(chance)


@given(american)
def test_odds_to_probability_and_back_is_the_same_price(price: float) -> None:
    assume(abs(price) > 100)
    assert o.american_odds(o.implied_probability(price)) == pytest.approx(price, rel=1e-9)


@given(st.floats(1e-6, 1 - 1e-6))
def test_probability_to_odds_and_back_is_the_same_chance(chance: float) -> None:
    assert o.implied_probability(o.american_odds(chance)) == pytest.approx(chance, rel=1e-9)


@given(american, stakes)
def test_at_its_implied_probability_a_bet_breaks_even(price: float, stake: float) -> None:
    assert o.expected_profit(price, stake, o.implied_probability(price)) == pytest.approx(0, abs=1e-6 * stake)


@given(american, american, stakes)
def test_the_longer_price_pays_more_and_implies_less(one: float, other: float, stake: float) -> None:
    if o.profit(one, stake) > o.profit(other, stake):
        assert o.implied_probability(one) <= o.implied_probability(other)


def test_the_overround_of_two_sides_at_minus_110() -> None:
    sides = [o.implied_probability(-110)] * 2
    assert o.overround(sides) == pytest.approx(0.0476, abs=1e-4)
    assert o.without_overround(sides) == pytest.approx([0.5, 0.5])


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=40))
def test_without_its_overround_a_market_adds_up_to_1_and_keeps_its_order(market: list[float]) -> None:
    fair = o.without_overround(market)
    assert math.fsum(fair) == pytest.approx(1)
    assert [chance for _, chance in sorted(zip(market, fair, strict=True))] == sorted(fair)


@pytest.mark.parametrize("market", [[], [0.0, 0.0], [0.5, 1.5], [0.5, -0.1], [math.nan]])
def test_a_market_that_is_none_is_refused(market: list[float]) -> None:
    with pytest.raises(ValueError, match=r"market|probability"):
        o.without_overround(market)


@given(st.lists(st.tuples(american, stakes), min_size=1, max_size=20))
def test_the_expressions_agree_with_the_functions(bets: list[tuple[float, float]]) -> None:
    frame = pl.DataFrame(bets, schema={"odds": pl.Float64, "stake": pl.Float64}, orient="row").select(
        o.profit_expr(pl.col("odds"), pl.col("stake")).alias("profit"),
        o.implied_probability_expr(pl.col("odds")).alias("chance"),
        o.american_odds_expr(o.implied_probability_expr(pl.col("odds"))).alias("back"),
    )
    for row, (price, stake) in zip(frame.iter_rows(named=True), bets, strict=True):
        assert row["profit"] == pytest.approx(o.profit(price, stake))
        assert row["chance"] == pytest.approx(o.implied_probability(price))
        assert row["back"] == pytest.approx(o.american_odds(o.implied_probability(price)))


def test_the_expressions_give_null_for_what_is_no_price_and_spoil_no_other_row() -> None:
    frame = pl.DataFrame({"odds": [0.0, 50.0, -99.0, math.nan, math.inf, None, 200.0]})
    assert frame.select(o.profit_expr(pl.col("odds"), pl.lit(1.0))).to_series().to_list() == [None] * 6 + [2.0]
    assert frame.select(o.implied_probability_expr(pl.col("odds"))).to_series().null_count() == 6
    chances = pl.DataFrame({"p": [0.0, 1.0, -1.0, math.nan, None, 0.25]})
    assert chances.select(o.american_odds_expr(pl.col("p"))).to_series().to_list() == [None] * 5 + [300.0]


def test_each_market_is_freed_of_its_own_overround() -> None:
    frame = pl.DataFrame({"game": ["a", "a", "b", "b"], "p": [0.6, 0.6, 0.2, None]})
    fair = frame.select(o.without_overround_expr(pl.col("p"), ["game"])).to_series().to_list()
    assert fair == [0.5, 0.5, 1.0, None]
