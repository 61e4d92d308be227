"""American odds: what a bet wins, what chance a price implies, and what is left without the bookmaker's share.

American odds are at least 100 away from zero: +150 wins 1.50 on a stake of 1, -110 wins 1 on a stake of 1.10.
Scalar functions refuse anything else; the polars expressions give null for it, so that one bad row spoils no other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

#: The nearest to zero that American odds can be.
SMALLEST: Final = 100.0


def profit(odds: float, stake: float = 1.0) -> float:
    """What a winning bet earns beyond its stake, in units: stake * odds / 100, or stake * 100 / |odds|.

    Raises:
        ValueError: odds that are no American odds, or a stake that is no number above 0.
    """
    odds, stake = check_odds(odds), _check_stake(stake)
    return stake * odds / 100 if odds > 0 else stake * 100 / -odds


def settled(odds: float, stake: float, won: bool | None) -> float:
    """What a bet comes to in units: the profit of a win, minus the stake of a loss, 0 for a void (`won` is None).

    Raises:
        ValueError: odds that are no American odds, or a stake that is no number above 0.
    """
    gain = profit(odds, stake)
    if won is None:
        return 0.0
    return gain if won else -stake


def implied_probability(odds: float) -> float:
    """The chance at which a bet at these odds breaks even, above 0 and below 1; it includes the bookmaker's share.

    Raises:
        ValueError: odds that are no American odds.
    """
    odds = check_odds(odds)
    return 100 / (odds + 100) if odds > 0 else -odds / (-odds + 100)


def american_odds(probability: float) -> float:
    """The American odds at which a bet of this chance breaks even: negative above one half, else positive.

    Not rounded: the inverse of `implied_probability`, where even money (-100 and +100 alike) comes back as +100.

    Raises:
        ValueError: a probability that is not above 0 and below 1, or so near to either that no finite odds are left.
    """
    if not isinstance(probability, (int, float)) or not 0 < probability < 1:
        raise ValueError(f"{probability!r} is no probability that has odds: it has to be above 0 and below 1")
    odds = -100 * probability / (1 - probability) if probability > 0.5 else 100 * (1 - probability) / probability
    if not math.isfinite(odds):
        raise ValueError(f"{probability!r} is too near to 0 for finite odds")
    return odds


def expected_profit(odds: float, stake: float, probability: float) -> float:
    """What a bet earns on average, in units, if its true chance is `probability` (0 to 1 inclusive).

    Raises:
        ValueError: odds, stake or probability out of range.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"{probability!r} is no probability: it has to be from 0 to 1")
    return probability * profit(odds, stake) - (1 - probability) * _check_stake(stake)


def overround(probabilities: Sequence[float]) -> float:
    """By how much a full market's implied probabilities exceed 1: 0.25 is a bookmaker's share of 25 percent.

    Raises:
        ValueError: no probabilities, or one that is not from 0 to 1.
    """
    return math.fsum(_check_market(probabilities)) - 1


def without_overround(probabilities: Sequence[float]) -> list[float]:
    """The implied probabilities of a full market, each reduced by the same factor, so that they add up to 1.

    Raises:
        ValueError: no probabilities, one that is not from 0 to 1, or all of them 0.
    """
    checked = _check_market(probabilities)
    total = math.fsum(checked)
    if total <= 0:
        raise ValueError("a market in which every probability is 0 cannot be made to add up to 1")
    return [value / total for value in checked]


def check_odds(odds: float) -> float:
    """American odds as a float.

    Raises:
        ValueError: not a number, not finite, or between -100 and 100.
    """
    if isinstance(odds, bool) or not isinstance(odds, (int, float)) or not math.isfinite(odds) or abs(odds) < SMALLEST:
        raise ValueError(f"{odds!r} are no American odds: they are +100 or more, or -100 or less (as +750 or -110)")
    return float(odds)


def valid_odds_expr(odds: pl.Expr) -> pl.Expr:
    """The odds where they are American odds, else null."""
    value = odds.cast(pl.Float64)
    return pl.when(value.is_finite() & (value.abs() >= SMALLEST)).then(value)


def profit_expr(odds: pl.Expr, stake: pl.Expr) -> pl.Expr:
    """`profit` over columns; null where the odds are no American odds or the stake is null."""
    value = valid_odds_expr(odds)
    return pl.when(value > 0).then(stake * value / 100).when(value < 0).then(stake * 100 / -value)


def implied_probability_expr(odds: pl.Expr) -> pl.Expr:
    """`implied_probability` over a column; null where the odds are no American odds."""
    value = valid_odds_expr(odds)
    return pl.when(value > 0).then(100 / (value + 100)).when(value < 0).then(-value / (-value + 100))


def american_odds_expr(probability: pl.Expr) -> pl.Expr:
    """`american_odds` over a column; null where there are no finite odds for the probability."""
    chance = probability.cast(pl.Float64)
    odds = pl.when(chance > 0.5).then(-100 * chance / (1 - chance)).otherwise(100 * (1 - chance) / chance)
    return pl.when((chance > 0) & (chance < 1) & odds.is_finite()).then(odds)


def without_overround_expr(probability: pl.Expr, over: Sequence[str]) -> pl.Expr:
    """`without_overround` within each market (rows that agree in the columns `over`); null stays null."""
    total = probability.sum().over(over)
    return pl.when(total > 0).then(probability / total)


def _check_stake(stake: float) -> float:
    if isinstance(stake, bool) or not isinstance(stake, (int, float)) or not math.isfinite(stake) or stake <= 0:
        raise ValueError(f"{stake!r} is no stake: it has to be a number of units above 0")
    return float(stake)


def _check_market(probabilities: Sequence[float]) -> list[float]:
    if not probabilities:
        raise ValueError("a market without any probabilities has no overround")
    for value in probabilities:
        if not 0 <= value <= 1:
            raise ValueError(f"{value!r} is no probability: it has to be from 0 to 1")
    return [float(value) for value in probabilities]
