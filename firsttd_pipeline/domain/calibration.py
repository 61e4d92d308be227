"""How good the market's probabilities were, and what they say of the members: calibration, scores, bias, luck.

Frames and series in, frames out. An outcome is true (scored first), false, or null: void or not known yet, which counts
nowhere, neither as won nor as lost. What a probability is made of is decided in `prices.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import polars as pl

from firsttd_pipeline.domain.grading import FIRST_POINTS, RulePack
from firsttd_pipeline.domain.odds import profit_expr, valid_odds_expr

SMALL_SAMPLE: Final = 30
"""Below this many judged legs or picks the numbers are mostly chance. A picked favourite scores first about once in ten
games: 30 picks win 3 times on average, give or take 1.6, so that half or twice the expected is nothing unusual."""

BINS: Final = (0.0, 0.02, 0.04, 0.06, 0.08, 0.10, 0.125, 0.15, 0.20, 0.30, 0.50, 1.0)
"""Edges in which first-touchdown prices spread out: ten equal bins would hold nearly all of them in the first two."""
BANDS: Final = (0.0, 0.02, 0.05, 0.10, 0.15, 0.20, 1.0)
"""Price bands of the favourite-longshot bias, wider than the bins: a return needs more legs than a share does."""

CLIP: Final = 1e-4
"""For the log loss a probability is taken as at least this and at most 1 minus this: a single certainty that failed
would else make it infinite. Far below any price that is quoted: ticks are 0.01 or 0.001."""

_Z: Final = 1.959963984540054
_DECIMALS: Final = 6

RELIABILITY_SCHEMA: Final[dict[str, pl.DataType]] = {
    "bin": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),
    "won": pl.Int64(),
    "mean_probability": pl.Float64(),
    "share_won": pl.Float64(),
    "share_low": pl.Float64(),
    "share_high": pl.Float64(),
}
SCORES_SCHEMA: Final[dict[str, pl.DataType]] = {
    "n": pl.Int64(),
    "won": pl.Int64(),
    "brier": pl.Float64(),
    "log_loss": pl.Float64(),
    "base_rate": pl.Float64(),
    "base_brier": pl.Float64(),
    "note": pl.String(),
}
LONGSHOT_SCHEMA: Final[dict[str, pl.DataType]] = {
    "band": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),
    "won": pl.Int64(),
    "mean_price": pl.Float64(),
    "share_won": pl.Float64(),
    "return": pl.Float64(),
    "note": pl.String(),
}
MEMBER_SCHEMA: Final[dict[str, pl.DataType]] = {
    "season": pl.Int64(),
    "user_id": pl.Int64(),
    "picks": pl.Int64(),
    "priced": pl.Int64(),
    "closing_line_value": pl.Float64(),
    "beat_closing": pl.Int64(),
    "expected_value": pl.Float64(),
    "judged": pl.Int64(),
    "expected_points": pl.Float64(),
    "points": pl.Float64(),
    "luck": pl.Float64(),
    "brier": pl.Float64(),
    "log_loss": pl.Float64(),
    "note": pl.String(),
}

Values = pl.Series | Sequence[float | None]
Outcomes = pl.Series | Sequence[bool | None]


# --- of a venue's probabilities ---------------------------------------------------------------------------------------


def reliability(probabilities: Values, outcomes: Outcomes, bins: Sequence[float] = BINS) -> pl.DataFrame:
    """How often what was given a chance of 5 % came true: one row per bin that holds any (`RELIABILITY_SCHEMA`).

    A bin holds its lower edge, the last one its upper edge too. share_low and share_high are Wilson's interval (95 %)
    of the share won: it stays from 0 to 1 and is of use in small bins, where the plain one is not.

    Raises:
        ValueError: a probability that is none, or edges that do not ascend from 0 to 1.
    """
    found = _by_bin(_judged(probabilities, outcomes), bins).agg(
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("won").sum().cast(pl.Int64),
        pl.col("p").sort().mean().alias("mean_probability"),
    )
    share, n = pl.col("won") / pl.col("n"), pl.col("n")
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * (share * (1 - share) / n + _Z**2 / (4 * n**2)).sqrt()
    rows = found.with_columns(
        _bin_name(bins).alias("bin"),
        *_edges(bins),
        share.alias("share_won"),
        (centre - half).clip(0, 1).alias("share_low"),
        (centre + half).clip(0, 1).alias("share_high"),
    )
    return _shaped(rows.sort("edge"), RELIABILITY_SCHEMA)


@dataclass(frozen=True, slots=True)
class Scores:
    """How good probabilities were: lower is better in both, and `base_brier` is what has to be beaten.

    Attributes:
        n: judged ones; all else is null where it is 0.
        brier: mean squared error.
        log_loss: in nats, with probabilities clipped at `CLIP`.
        base_rate: share won of all.
        base_brier: the Brier score of giving every one of them the base rate.
        note: "" or why the numbers say little.
    """

    n: int
    won: int
    brier: float | None
    log_loss: float | None
    base_rate: float | None
    base_brier: float | None
    note: str


def scores(probabilities: Values, outcomes: Outcomes) -> Scores:
    """Brier score and log loss of what has a probability and an outcome.

    Raises:
        ValueError: a probability that is none.
    """
    row = _judged(probabilities, outcomes).select(_score_columns()).row(0, named=True)
    return Scores(**row)


def scores_by(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`scores` of each group, e.g. of each venue (`by` = ["source"]): the columns `by`, then `SCORES_SCHEMA`.

    Groups in which nothing is judged are left out.

    Args:
        frame: probability, won (null: void or not known), and the columns `by`.
        by: what makes a group; the rows come sorted by it.

    Raises:
        ValueError: a probability that is none.
    """
    judged = _judged(frame["probability"], frame["won"], frame.select(by))
    return judged.group_by(by).agg(_score_columns()).select(*by, *SCORES_SCHEMA).sort(by)


def longshot_bias(prices: Values, outcomes: Outcomes, bands: Sequence[float] = BANDS) -> pl.DataFrame:
    """What backing every leg of a price band at its price brings: one row per band that holds any (`LONGSHOT_SCHEMA`).

    `return` is the mean profit on a stake of 1: won / price - 1 of each leg. Where longshots return less than
    favourites, the market overrates them. A leg without a price above 0 cannot be backed and is left out.

    Raises:
        ValueError: a price that is no probability, or edges that do not ascend from 0 to 1.
    """
    won = pl.col("won").cast(pl.Float64)
    found = (
        _by_bin(_judged(prices, outcomes).filter(pl.col("p") > 0), bands)
        .agg(
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("won").sum().cast(pl.Int64),
            pl.col("p").sort().mean().alias("mean_price"),
            won.mean().alias("share_won"),
            ((won / pl.col("p")).sort().mean() - 1).alias("return"),
        )
        .with_columns(_bin_name(bands).alias("band"), *_edges(bands), _small("n").alias("note"))
    )
    return _shaped(found.sort("edge"), LONGSHOT_SCHEMA)


def small_sample(n: int, what: str = "legs") -> str:
    """What is said of so few, or ""."""
    if n >= SMALL_SAMPLE:
        return ""
    return f"{n} judged {what if n != 1 else what.removesuffix('s')}: fewer than {SMALL_SAMPLE}, mostly chance"


# --- of the members' picks --------------------------------------------------------------------------------------------


def member_stats(picks: pl.DataFrame, rules: RulePack, season: int) -> pl.DataFrame:
    """What the markets say of each member's picks: rows of member_market_stats (`MEMBER_SCHEMA`), by user_id.

    A pick that several venues priced counts once, with the median of what they say.

    * priced: picks with a closing line at any venue, whatever became of them.
    * closing_line_value, expected_value: means over the picks that have one; both are known before the game, so picks
      whose game was void later count too. beat_closing: picks with a closing-line value above 0.
    * judged: won or lost picks with a fair probability; void and pending ones count in nothing from here on.
    * points, expected_points: what the league pays for the first touchdown itself, and its fair chance times that.
      Under stacking and exclusive scoring that is 3. The point for any touchdown is left out on both sides, also the
      one that a first scorer has with it: he would have it for a later touchdown too, and these markets do not price
      that. Under profit scoring it is the profit, and judged picks without odds are in neither sum.
    * luck: points - expected_points. brier, log_loss: of the fair probabilities of the judged picks.

    Args:
        picks: one row per pick and venue that says anything of it, and one with source null for a pick of which none
            does: pick_id, user_id, status (pending, won, lost, void), odds, odds_placeholder, stake (null: the rule
            pack's), source, closing_probability, fair_probability, expected_value, closing_line_value; and, where it
            is there, voided: whether the venue settled its leg as void, so that its price judges nobody.
        rules: the league's rules.
        season: the season of the picks.
    """
    voided = pl.col("voided").cast(pl.Boolean).fill_null(False) if "voided" in picks.columns else pl.lit(False)
    per_pick = (
        picks.lazy()
        .with_columns(pl.when(~voided).then("fair_probability").alias("fair_probability"))
        .group_by("user_id", "pick_id")
        .agg(
            pl.col("status").cast(pl.String).first(),
            pl.col("odds").cast(pl.Float64).first(),
            pl.col("odds_placeholder").cast(pl.Boolean).first(),
            pl.col("stake").cast(pl.Float64).first(),
            *(
                pl.col(name).cast(pl.Float64).median()
                for name in ("closing_probability", "fair_probability", "expected_value", "closing_line_value")
            ),
        )
    )
    chance, won = pl.col("fair_probability"), pl.col("status") == "won"
    judged = chance.is_not_null() & pl.col("status").is_in(["won", "lost"])
    known = valid_odds_expr(pl.col("odds")).is_not_null() & ~pl.col("odds_placeholder").fill_null(False)
    stake = pl.col("stake").fill_null(rules.stake)
    if rules.scoring == "profit":
        counts = judged & known
        gain, loss = profit_expr(pl.col("odds"), stake), -stake
    else:
        counts, gain, loss = judged, pl.lit(FIRST_POINTS), pl.lit(0.0)
    rows = per_pick.with_columns(
        judged.alias("judged"),
        counts.fill_null(False).alias("counts"),
        pl.when(counts).then(chance * gain + (1 - chance) * loss).alias("expected_points"),
        pl.when(counts).then(pl.when(won).then(gain).otherwise(loss)).alias("points"),
        pl.when(counts).then(chance * (1 - chance) * (gain - loss) ** 2).alias("variance"),
        pl.when(judged).then((chance - won.cast(pl.Float64)) ** 2).alias("brier"),
        pl.when(judged).then(_log_loss(chance, won)).alias("log_loss"),
    )
    sums = ("expected_points", "points", "variance")
    means = ("closing_line_value", "expected_value", "brier", "log_loss")
    board = (
        rows.group_by("user_id")
        .agg(
            pl.len().alias("picks"),
            pl.col("closing_probability").count().alias("priced"),
            pl.when(pl.col("closing_line_value").count() > 0)
            .then((pl.col("closing_line_value") > 0).sum())
            .alias("beat_closing"),
            pl.col("judged", "counts").sum(),
            pl.col(*means, *sums).drop_nulls(),
        )
        .collect()
        # Added up in the order of their size, as lists: polars adds up a group in parts, cut as it happens, and leaves
        # out a sort before a sum. A last digit that differs is, after rounding, a member that changed for no reason.
        .with_columns(pl.col(*means, *sums).list.sort())
        .with_columns(
            pl.col(*means).list.mean(), pl.when(pl.col(*sums).list.len() > 0).then(pl.col(*sums).list.sum()).name.keep()
        )
    )
    return _shaped(
        board.with_columns(
            pl.lit(season).alias("season"),
            (pl.col("points") - pl.col("expected_points")).alias("luck"),
            _member_note().alias("note"),
            pl.col("judged", "counts", "priced", "picks").cast(pl.Int64),
        ).with_columns(pl.col(pl.Float64).round(_DECIMALS)),
        MEMBER_SCHEMA,
    ).sort("user_id")


def _member_note() -> pl.Expr:
    judged, left_out = pl.col("judged").cast(pl.Int64), (pl.col("judged") - pl.col("counts")).cast(pl.Int64)
    ordinary = (2 * pl.col("variance").sqrt()).round(1)
    said = pl.concat_str(
        [
            pl.when((judged > 0) & (judged < SMALL_SAMPLE)).then(_small("judged", "picks")),
            pl.when(left_out > 0).then(pl.format("points leave out {} judged picks without odds", left_out)),
            pl.when(pl.col("variance").is_not_null()).then(pl.format("luck up to {} either way is ordinary", ordinary)),
        ],
        separator="; ",
        ignore_nulls=True,
    )
    return (
        pl.when(pl.col("priced") == 0)
        .then(pl.lit("no pick has a closing line"))
        .when(judged == 0)
        .then(pl.lit("no decided pick has a fair probability"))
        .otherwise(said)
    )


# --- shared -----------------------------------------------------------------------------------------------------------


def _judged(probabilities: Values, outcomes: Outcomes, beside: pl.DataFrame | None = None) -> pl.DataFrame:
    """(p, won) of what has both, with the columns `beside` them."""
    columns = [
        pl.Series("p", probabilities, dtype=pl.Float64),
        pl.Series("won", outcomes, dtype=pl.Boolean),
        *(beside.get_columns() if beside is not None else ()),
    ]
    judged = pl.DataFrame(columns).filter(pl.col("p").is_not_null() & pl.col("won").is_not_null())
    wrong = judged.filter(~((pl.col("p") >= 0) & (pl.col("p") <= 1)) | pl.col("p").is_nan())
    if wrong.height:
        raise ValueError(f"{wrong['p'][0]!r} is no probability: it has to be from 0 to 1")
    return judged


def _log_loss(chance: pl.Expr, won: pl.Expr) -> pl.Expr:
    clipped = chance.clip(CLIP, 1 - CLIP)
    return -pl.when(won).then(clipped).otherwise(1 - clipped).log()


def _score_columns() -> list[pl.Expr]:
    won, rate = pl.col("won").cast(pl.Float64), pl.col("won").mean()
    return [
        pl.len().cast(pl.Int64).alias("n"),
        pl.col("won").sum().cast(pl.Int64).alias("won"),
        ((pl.col("p") - won) ** 2).sort().mean().round(_DECIMALS).alias("brier"),
        _log_loss(pl.col("p"), pl.col("won")).sort().mean().round(_DECIMALS).alias("log_loss"),
        rate.round(_DECIMALS).alias("base_rate"),
        (rate * (1 - rate)).round(_DECIMALS).alias("base_brier"),
        _small(pl.len()).alias("note"),
    ]


def _small(count: str | pl.Expr, what: str = "legs") -> pl.Expr:
    """`small_sample` over a column."""
    n = (pl.col(count) if isinstance(count, str) else count).cast(pl.Int64)
    words = pl.format("{} judged {}: fewer than {}, mostly chance", n, _plural(n, what), pl.lit(SMALL_SAMPLE))
    return pl.when(n < SMALL_SAMPLE).then(words).otherwise(pl.lit(""))


def _plural(n: pl.Expr, what: str) -> pl.Expr:
    return pl.when(n == 1).then(pl.lit(what.removesuffix("s"))).otherwise(pl.lit(what))


def _by_bin(judged: pl.DataFrame, edges: Sequence[float]) -> pl.dataframe.group_by.GroupBy:
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != 1 or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"{list(edges)!r} are no edges: they have to ascend from 0 to 1")
    inner = pl.Series(edges[1:-1], dtype=pl.Float64)
    edge = inner.search_sorted(judged["p"], side="right") if len(inner) else judged["p"] * 0
    return judged.with_columns(pl.Series("edge", edge).cast(pl.Int64)).group_by("edge")


def _edges(edges: Sequence[float]) -> list[pl.Expr]:
    at = pl.col("edge")
    values = pl.lit(pl.Series(edges, dtype=pl.Float64))
    return [values.gather(at).alias("low"), values.gather(at + 1).alias("high")]


def _bin_name(edges: Sequence[float]) -> pl.Expr:
    names = [f"{100 * low:g}-{100 * high:g} %" for low, high in pairwise(edges)]
    return pl.lit(pl.Series(names, dtype=pl.String)).gather(pl.col("edge"))


def _shaped(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
