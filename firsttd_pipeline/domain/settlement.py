"""What follows from grades that the pipeline did not make: their money, their points, and where their picks stand.

A pure function of what is stored. The grades themselves are taken as they are; whether the plays agree with them is
`reconciliation.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from firsttd_pipeline.domain.grading import TAKEN_BACK, RulePack, grades_from_results

STATUS_COLUMNS: Final = ("pick_id", "status", "reason", "finality", "points", "stake", "rule_pack")
_DECIDED: Final = ("won", "lost", "void")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What has to be written.

    Attributes:
        money: the rows of `results` that others graded, with the profit that the odds give. Those whose profit was
            entered by hand are left out.
        statuses: the rows of `pick_status` of picks that others graded (`STATUS_COLUMNS`).
        taken_back: the same of picks whose grade is gone: pending until the next nightly run.
    """

    money: pl.DataFrame
    statuses: pl.DataFrame
    taken_back: pl.DataFrame


def settlement(
    standing: pl.DataFrame,
    statuses: pl.DataFrame,
    picks: pl.DataFrame,
    games: pl.DataFrame,
    rules: RulePack,
    now: datetime,
) -> Settlement:
    """Money and standing of every pick whose grade is not the pipeline's.

    Args:
        standing: pick_id, graded_by, is_correct, any_time_td, actual_scorer, actual_scorer_id, actual_return; all
            results of the season.
        statuses: pick_id, status, as stored.
        picks: as for `grading.grade_picks`.
        games: as for `grading.grade_picks`.
        rules: the league's rules.
        now: an aware instant.
    """
    theirs = standing.filter(pl.col("graded_by") != "pipeline")
    graded = grades_from_results(theirs, picks, games, rules, now).with_columns(
        pl.lit(rules.version).alias("rule_pack")
    )
    by_hand = (pl.col("graded_by") == "manual") & pl.col("actual_return").is_not_null()
    unsettled = theirs.filter(~by_hand).drop("graded_by", "actual_return")
    gone = statuses.filter(pl.col("status").is_in(_DECIDED)).join(standing, on="pick_id", how="anti")
    return Settlement(
        money=unsettled.join(graded.select("pick_id", pl.col("profit").alias("actual_return")), on="pick_id"),
        statuses=graded.select(STATUS_COLUMNS),
        taken_back=gone.select(
            "pick_id",
            pl.lit("pending").alias("status"),
            pl.lit(TAKEN_BACK).alias("reason"),
            pl.lit(None, dtype=pl.String).alias("finality"),
            pl.lit(None, dtype=pl.Float64).alias("points"),
            pl.lit(None, dtype=pl.Float64).alias("stake"),
            pl.lit(rules.version).alias("rule_pack"),
        ),
    )
