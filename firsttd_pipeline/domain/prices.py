"""What a market's prices mean: a probability or the reason why there is none, the closing line, the fair probability.

Pure: frames of prices in, frames of decisions out. A price is never invented: an empty, wide or crossed book, and a
last trade however recent, is no probability. What a pick was worth against the closing line is decided here too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

import polars as pl

from firsttd_pipeline.domain.odds import (
    SMALLEST,
    american_odds,
    american_odds_expr,
    expected_profit,
    implied_probability,
    implied_probability_expr,
    valid_odds_expr,
)

Price = float | Decimal

NO_TOUCHDOWN: Final = "NO_TD"
SPORTSBOOKS: Final = frozenset({"odds_api"})
"""Sources whose price is a bookmaker's offer: no book of bids and asks, and each bookmaker a field of his own."""
STATED: Final = frozenset({"polymarket"})
"""Sources whose history gives the price the venue itself showed then, and no book: the middle of a book narrower than
0.10, else the last trade (docs/prices.md says why that is taken)."""
STATED_DEFAULT: Final = 0.5
"""What such a source shows of a market in which nobody has bid or traded."""

NO_BOOK: Final = "no book"
LAST_TRADE_ONLY: Final = "no book, only a last trade, which may be old"
OUT_OF_RANGE: Final = "a price that is not from 0 to 1"
NO_BID_GIVEN: Final = "no bid given"
NO_ASK_GIVEN: Final = "no ask given"
EMPTY: Final = "empty book: nobody bids or asks"
CROSSED: Final = "crossed book: the bid is above the ask"
NO_BID: Final = "nobody bids, and the ask is too high to tell"
NO_ASK: Final = "nobody asks, and the bid is too low to tell"
WIDE: Final = "book too wide (FIRSTTD_MARKET_MAX_WIDTH)"
CERTAIN: Final = "a price of 0 or 1 leaves nothing to bet on"
UNTRADED: Final = "shown as 0.50: nobody has traded"
NO_OFFER: Final = "the sportsbook offers no price"

#: Why a row has no probability, and what that means.
PROBABILITY_REASONS: Final[dict[str, str]] = {
    NO_BOOK: "the venue gave neither bid nor ask nor a trade",
    LAST_TRADE_ONLY: "a trade tells what somebody paid once, not what the leg costs",
    OUT_OF_RANGE: "a contract of 1 dollar costs from 0 to 1",
    NO_BID_GIVEN: "the venue gave an ask alone, and a bid is not known to be 0",
    NO_ASK_GIVEN: "the venue gave a bid alone",
    EMPTY: "bid 0 and ask 1",
    CROSSED: "the two sides are not of one instant",
    NO_BID: "bid 0 with an ask as high as the set width or higher",
    NO_ASK: "ask 1 with a bid too far below it",
    WIDE: "bid and ask are as far apart as the set width, or farther",
    CERTAIN: "the venue takes the leg for decided",
    UNTRADED: "Polymarket shows 0.50 where there has been neither a bid nor a trade",
    NO_OFFER: "neither American odds nor a probability between 0 and 1",
}

WITHDRAWN: Final = "withdrawn: it could not be bet on at kickoff, so far as is known"
OLD: Final = "the last price is more than 24 hours older than kickoff"
MAX_AGE: Final = timedelta(hours=24)
SMALLEST_FIELD: Final = 0.9
"""A field whose probabilities add up to less is not whole. Somebody scores first or nobody does, so a whole field comes
to 1 and a venue's share on top; middles of thin books fall a little short of that. Below 0.9 something that matters
was not listed, and to scale the rest up to 1 would raise every other leg by more than a ninth."""

NO_CLOSING: Final = "no closing line"
NO_FAIR: Final = "no fair probability"
NO_ODDS: Final = "the pick has no odds"
PLACEHOLDER: Final = "the pick's odds are a placeholder"
BAD_ODDS: Final = "the pick's odds are no American odds"

_DECIMALS: Final = 6

CLOSING_SCHEMA: Final[dict[str, pl.DataType]] = {
    "source": pl.String(),
    "game_id": pl.String(),
    "player_id": pl.String(),
    "season": pl.Int64(),
    "week": pl.Int64(),
    "kickoff_at": pl.Datetime("us", "UTC"),
    "closing_at": pl.Datetime("us", "UTC"),
    "odds_id": pl.Int64(),
    "legs": pl.Int64(),
    "bid": pl.Float64(),
    "ask": pl.Float64(),
    "probability": pl.Float64(),
    "reason": pl.String(),
    "fair_probability": pl.Float64(),
    "fair_reason": pl.String(),
    "assumption": pl.String(),
    "field_legs": pl.Int64(),
    "field_priced": pl.Int64(),
    "overround": pl.Float64(),
}


# --- a probability from a price ---------------------------------------------------------------------------------------


def probability(
    bid: Price | None,
    ask: Price | None,
    last: Price | None,
    max_width: float,
    *,
    source: str = "",
    american: int | None = None,
    taken_from: str = "snapshot",
) -> tuple[float | None, str]:
    """The chance that a price speaks of, or None with the reason; the reason is "" where there is a probability.

    * A book narrower than `max_width` gives its middle. Bid 0 and ask 1 are bounds like any other: 0 / 0.02 is narrow
      and gives 0.01, while 0 / 1 is an empty book.
    * `last` is never a price, with one exception: a point of a venue's history that holds no book, where what it holds
      is the price that the venue showed (`STATED`).
    * A sportsbook's probability is the one its American odds imply, or its ask where it gives no odds.
    """
    if source in SPORTSBOOKS:
        if american is not None and math.isfinite(american) and abs(american) >= SMALLEST:
            return round(implied_probability(float(american)), _DECIMALS), ""
        offer = _number(ask)
        if offer is None or not 0 < round(offer, _DECIMALS) < 1:
            return None, NO_OFFER
        return round(offer, _DECIMALS), ""
    if bid is None and ask is None:
        if last is None:
            return None, NO_BOOK
        if source not in STATED or taken_from != "history":
            return None, LAST_TRADE_ONLY
        stated = _number(last)
        if stated is None:
            return None, OUT_OF_RANGE
        if stated == STATED_DEFAULT:
            return None, UNTRADED
        return _open(stated)
    low, high = _number(bid), _number(ask)
    if (bid is not None and low is None) or (ask is not None and high is None):
        return None, OUT_OF_RANGE
    if low is None or high is None:
        return None, NO_BID_GIVEN if low is None else NO_ASK_GIVEN
    if low == 0 and high == 1:
        return None, EMPTY
    if low > high:
        return None, CROSSED
    if round(high - low, _DECIMALS) >= max_width:
        return None, NO_BID if low == 0 else NO_ASK if high == 1 else WIDE
    return _open((low + high) / 2)


def whole_odds(probability: float) -> int | None:
    """The American odds of a probability as a whole number: 0.12 is +733; None where there are none."""
    try:
        return math.floor(american_odds(probability) + 0.5)
    except ValueError:
        return None


def with_probabilities(frame: pl.DataFrame, max_width: float) -> pl.DataFrame:
    """`probability` over a frame: adds implied_probability, reason and american_odds (a sportsbook's own, as it is).

    Args:
        frame: source, bid, ask and raw_price (or last); american where the venue quotes it, else null; taken_from
            (`snapshot` where it is missing). Its other columns stay.
        max_width: in dollars; a book as wide as this gives no probability.

    Returns:
        The frame; exactly one of implied_probability and reason is null in each row.
    """
    given = frame.columns
    price_of_last = "raw_price" if "raw_price" in given else "last"
    quoted = valid_odds_expr(pl.col("american")) if "american" in given else pl.lit(None, dtype=pl.Float64)
    history = pl.col("taken_from") == "history" if "taken_from" in given else pl.lit(False)
    source = pl.col("source").cast(pl.String)
    sides = {"bid": "_bid", "ask": "_ask", price_of_last: "_last"}
    prepared = frame.with_columns(
        *(_number_expr(name).alias(alias) for name, alias in sides.items()),
        quoted.alias("_quoted"),
        source.is_in(list(SPORTSBOOKS)).alias("_sportsbook"),
        (pl.col("bid").is_null() & pl.col("ask").is_null()).alias("_no_book"),
    ).with_columns((pl.col("_no_book") & source.is_in(list(STATED)) & history).alias("_stated"))
    bid, ask, last = pl.col("_bid"), pl.col("_ask"), pl.col("_last")
    sportsbook, no_book, stated = pl.col("_sportsbook"), pl.col("_no_book"), pl.col("_stated")
    offer = pl.coalesce(implied_probability_expr(pl.col("_quoted")), ask)
    price = pl.when(sportsbook).then(offer).when(stated).then(last).otherwise((bid + ask) / 2).round(_DECIMALS)
    prepared = prepared.with_columns(price.alias("_price"), ((ask - bid).round(_DECIMALS) >= max_width).alias("_wide"))
    wide, certain = pl.col("_wide"), (pl.col("_price") <= 0) | (pl.col("_price") >= 1)
    # the first that holds; null is not so
    reasons: list[tuple[pl.Expr, str]] = [
        (sportsbook & (pl.col("_price").is_null() | certain), NO_OFFER),
        (sportsbook, ""),
        (no_book & pl.col(price_of_last).is_null(), NO_BOOK),
        (no_book & ~stated, LAST_TRADE_ONLY),
        (stated & last.is_null(), OUT_OF_RANGE),
        (stated & (last == STATED_DEFAULT), UNTRADED),
        (stated & certain, CERTAIN),
        (stated, ""),
        ((pl.col("bid").is_not_null() & bid.is_null()) | (pl.col("ask").is_not_null() & ask.is_null()), OUT_OF_RANGE),
        (pl.col("bid").is_null(), NO_BID_GIVEN),
        (pl.col("ask").is_null(), NO_ASK_GIVEN),
        ((bid == 0) & (ask == 1), EMPTY),
        (bid > ask, CROSSED),
        (wide & (bid == 0), NO_BID),
        (wide & (ask == 1), NO_ASK),
        (wide, WIDE),
        (certain, CERTAIN),
    ]
    reason = pl.coalesce(*(pl.when(holds).then(pl.lit(words)) for holds, words in reasons), pl.lit(""))
    chance = pl.col("implied_probability")
    whole = pl.coalesce(pl.when(sportsbook).then("_quoted"), (american_odds_expr(chance) + 0.5).floor())
    return (
        prepared.with_columns(reason.alias("reason"))
        .with_columns(
            pl.when(pl.col("reason") == "").then("_price").alias("implied_probability"),
            pl.when(pl.col("reason") != "").then("reason").alias("reason"),
        )
        .with_columns(pl.when(chance.is_not_null()).then(whole).cast(pl.Int64).alias("american_odds"))
        .drop("_bid", "_ask", "_last", "_quoted", "_sportsbook", "_no_book", "_stated", "_price", "_wide")
    )


def _open(price: float) -> tuple[float | None, str]:
    rounded = round(price, _DECIMALS)
    return (rounded, "") if 0 < rounded < 1 else (None, CERTAIN)


def _number(price: Price | None) -> float | None:
    """The price as a float if it is one from 0 to 1."""
    value = math.nan if price is None else float(price)
    return value if 0 <= value <= 1 else None


def _number_expr(column: str) -> pl.Expr:
    value = pl.col(column).cast(pl.Float64)
    return pl.when((value >= 0) & (value <= 1)).then(value)


# --- the closing line -------------------------------------------------------------------------------------------------


def closings(rows: pl.DataFrame, *, field_share: float, no_touchdown_rate: float) -> pl.DataFrame:
    """The closing line of each outcome at each venue, and its fair probability where the field is whole enough.

    An outcome on which a venue has several legs (the sportsbooks of one source) closes at the median of those that
    have a price; its bid, ask, time and odds_id are those of the leg nearest to that median.

    The fair probability is the closing one divided by what the field adds up to. A field is all legs of one game at
    one venue, or at one sportsbook; a withdrawn leg left it. It needs prices on `field_share` of its legs, and a price
    on "no touchdown": without one the field is taken to lack exactly `no_touchdown_rate`, which `assumption` says.

    Args:
        rows: one row per leg, its last price at or before kickoff: odds_id, source, game_id, player_id (null: nobody
            is certain; counts in its field and gets no closing line), book, season, week, kickoff_at, snapshot_time,
            bid, ask, implied_probability, reason, status (of the leg). A leg without any price before kickoff comes
            with odds_id null, and counts in its field.
        field_share: above 0 to 1.
        no_touchdown_rate: the chance of a game without a touchdown.

    Returns:
        `CLOSING_SCHEMA`, sorted by source, game_id and player_id. probability is null with its reason where the leg
        was withdrawn, has no probability, or was last seen more than 24 hours before kickoff.

    Raises:
        ValueError: a price from after kickoff, or a share or rate out of range.
    """
    if not 0 < field_share <= 1:
        raise ValueError(f"a field share of {field_share!r}: it has to be above 0, to 1")
    if not 0 <= no_touchdown_rate < 1:
        raise ValueError(f"a no-touchdown rate of {no_touchdown_rate!r}: it has to be from 0 to below 1")
    late = rows.filter(pl.col("snapshot_time") > pl.col("kickoff_at"))
    if late.height:
        raise ValueError(
            f"{late.height} prices are from after kickoff (e.g. odds_id {late['odds_id'][0]}): no closing line is made "
            "of them"
        )
    legs = _legs(rows)
    fields = _fields(legs, field_share, no_touchdown_rate)
    field = ["source", "game_id", "book"]
    # one price per outcome and field, then over the fields (the sportsbooks) of the venue
    of_outcomes = (
        legs.filter("in_field")
        .filter(pl.col("player_id").is_not_null())
        .group_by(*field, "player_id")
        .agg(pl.col("usable").median().alias("in_its_field"))
        .join(fields, on=field, how="left")
        .with_columns((pl.col("in_its_field") / pl.col("scale")).alias("fair"))
        .group_by("source", "game_id", "player_id")
        .agg(
            pl.col("fair").median().round(_DECIMALS).alias("fair_probability"),
            pl.col("assumption").filter(pl.col("fair").is_not_null()).drop_nulls().first(),
            pl.col("why_not").sort_by("share", "total", descending=True, nulls_last=True).first(),
        )
    )
    of_venues = fields.group_by("source", "game_id").agg(
        pl.col("field_legs").sum(),
        pl.col("field_priced").sum(),
        (pl.col("scale").median() - 1).round(_DECIMALS).alias("overround"),
    )
    outcome = ["source", "game_id", "player_id"]
    closing = (
        legs.filter(pl.col("player_id").is_not_null() & pl.col("odds_id").is_not_null())
        .with_columns(pl.col("usable").median().over(outcome).alias("median"))
        .with_columns(
            (pl.col("usable") - pl.col("median")).abs().round(_DECIMALS).alias("distance"),
            pl.col("usable").count().over(outcome).cast(pl.Int64).alias("legs"),
        )
        # the nearest to the median; without any price: a leg still there before a withdrawn one, then the newest
        .sort(
            *outcome,
            "distance",
            "withdrawn",
            "snapshot_time",
            "odds_id",
            descending=[False] * 5 + [True, False],
            nulls_last=[False] * 3 + [True] + [False] * 3,
        )
        .unique(outcome, keep="first", maintain_order=True)
        .with_columns(pl.col("median").round(_DECIMALS).alias("probability"))
        .join(of_outcomes, on=outcome, how="left")
        .join(of_venues, on=["source", "game_id"], how="left")
        .with_columns(
            pl.when(pl.col("probability").is_null()).then("no_price").alias("reason"),
            pl.when(pl.col("fair_probability").is_null())
            .then(
                pl.when(pl.col("probability").is_null())
                .then(pl.lit(NO_CLOSING))
                .otherwise(pl.col("why_not").fill_null(NO_FAIR))
            )
            .alias("fair_reason"),
            pl.col("snapshot_time").alias("closing_at"),
            pl.col("field_legs", "field_priced").fill_null(0),
        )
    )
    return closing.select(pl.col(name).cast(dtype) for name, dtype in CLOSING_SCHEMA.items()).sort(outcome)


def _legs(rows: pl.DataFrame) -> pl.DataFrame:
    """The legs with the price that counts at kickoff (`usable`), or why none does (`no_price`)."""
    instant = pl.Datetime("us", "UTC")
    withdrawn = (pl.col("status") == "withdrawn").fill_null(False)
    old = (pl.col("kickoff_at") - pl.col("snapshot_time")) > MAX_AGE
    legs = rows.filter(pl.col("game_id").is_not_null()).with_columns(
        pl.col("kickoff_at", "snapshot_time").cast(instant),
        pl.col("implied_probability", "bid", "ask").cast(pl.Float64),
        # only sportsbooks are fields of their own; group keys have to be no nulls
        pl.when(pl.col("source").is_in(list(SPORTSBOOKS)))
        .then(pl.col("book").cast(pl.String))
        .fill_null("")
        .alias("book"),
        pl.col("player_id").cast(pl.String),
        pl.col("odds_id").cast(pl.Int64),
    )
    return legs.with_columns(
        withdrawn.alias("withdrawn"),
        (~withdrawn).alias("in_field"),
        pl.when(withdrawn)
        .then(pl.lit(WITHDRAWN))
        .when(old.fill_null(False))
        .then(pl.lit(OLD))
        .when(pl.col("implied_probability").is_null())
        .then(pl.col("reason").cast(pl.String).fill_null(NO_BOOK))
        .alias("no_price"),
    ).with_columns(pl.when(pl.col("no_price").is_null()).then("implied_probability").alias("usable"))


def _fields(legs: pl.DataFrame, field_share: float, no_touchdown_rate: float) -> pl.DataFrame:
    """One row per field: its legs, those with a price, what they add up to, `scale` to divide by, else `why_not`."""
    field = ["source", "game_id", "book"]
    # two legs on one outcome count once; two legs on nobody certain are two outcomes
    nobody = pl.when(pl.col("player_id").is_null()).then(pl.int_range(pl.len()))
    outcomes = (
        legs.filter("in_field")
        .with_columns(nobody.alias("nobody"))
        .group_by(*field, "player_id", "nobody")
        .agg(
            pl.col("usable").median(),
            pl.len().cast(pl.Int64).alias("legs"),
            pl.col("usable").count().cast(pl.Int64).alias("priced"),
        )
    )
    without = 1 - no_touchdown_rate
    assumption = f"no touchdown {100 * no_touchdown_rate:.4g} % (FIRSTTD_NO_TOUCHDOWN_RATE)"
    priced = pl.col("field_priced")
    return (
        outcomes.group_by(field)
        .agg(
            pl.col("legs").sum().alias("field_legs"),
            pl.col("priced").sum().alias("field_priced"),
            pl.col("usable").sort().sum().alias("sum"),
            ((pl.col("player_id") == NO_TOUCHDOWN) & pl.col("usable").is_not_null()).any().alias("has_no_td"),
        )
        .with_columns(
            (priced / pl.col("field_legs")).alias("share"),
            pl.when(pl.col("has_no_td")).then("sum").otherwise(pl.col("sum") / without).alias("total"),
        )
        .with_columns(
            pl.when(pl.col("share") < field_share)
            .then(
                pl.format(
                    "prices on {} of {} legs of its field, needed are "
                    f"{100 * field_share:g} % (FIRSTTD_MARKET_FIELD_SHARE)",
                    priced,
                    pl.col("field_legs"),
                )
            )
            .when(pl.col("total").round(_DECIMALS) < SMALLEST_FIELD)
            .then(
                pl.format(
                    f"its field adds up to {{}}: a whole one comes to {SMALLEST_FIELD} or more",
                    pl.col("total").round(2),
                )
            )
            .alias("why_not")
        )
        .with_columns(
            pl.when(pl.col("why_not").is_null()).then("total").alias("scale"),
            pl.when(pl.col("why_not").is_null() & ~pl.col("has_no_td")).then(pl.lit(assumption)).alias("assumption"),
        )
    )


# --- what a pick was worth --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PickValue:
    """What a pick's odds were worth against the closing line; `reason` says why one of the two is missing."""

    expected_value: float | None
    closing_line_value: float | None
    reason: str | None


def pick_values(
    odds: float | None,
    odds_placeholder: bool,
    closing_probability: float | None,
    fair_probability: float | None,
) -> PickValue:
    """The expected value and the closing-line value of a pick at its own odds.

    In SQL, with `odds` known to be American odds and no placeholder:

    * expected_value = fair * CASE WHEN odds > 0 THEN odds / 100.0 ELSE 100.0 / -odds END - (1 - fair)
    * closing_line_value = closing / CASE WHEN odds > 0 THEN 100.0 / (odds + 100) ELSE -odds / (100.0 - odds) END - 1

    The reasons in the order in which they are asked: `NO_ODDS`, `PLACEHOLDER`, `BAD_ODDS` (both values are null then),
    `NO_CLOSING`, `NO_FAIR`.
    """
    if odds is None:
        return PickValue(None, None, NO_ODDS)
    if odds_placeholder:
        return PickValue(None, None, PLACEHOLDER)
    if not math.isfinite(odds) or abs(odds) < SMALLEST:
        return PickValue(None, None, BAD_ODDS)
    worth = None if fair_probability is None else expected_profit(odds, 1, fair_probability)
    beaten = None if closing_probability is None else closing_probability / implied_probability(odds) - 1
    reason = NO_CLOSING if beaten is None else NO_FAIR if worth is None else None
    return PickValue(worth, beaten, reason)


#: Why a pick has no expected or no closing-line value.
VALUE_REASONS: Final[Mapping[str, str]] = {
    NO_ODDS: "no odds were entered",
    PLACEHOLDER: "the odds are what an import filled in, not what was offered",
    BAD_ODDS: "American odds are +100 or more, or -100 or less",
    NO_CLOSING: "the venue has no usable price shortly before kickoff",
    NO_FAIR: "the venue's field is not whole enough to take its share out",
}
