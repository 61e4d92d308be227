"""Which grades of other programs the plays contradict, and what accepting the plays' answer would change.

A pure function of what is stored; nothing is decided here: such a grade stands until a person, or the league's
setting, accepts. Only picks that the plays can decide are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import polars as pl

from firsttd_pipeline.domain.grading import NO_TOUCHDOWN
from firsttd_pipeline.domain.players import normalise

EVIDENCE_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "week": pl.Int64,
    "game_id": pl.String,
    "typed": pl.String,
    "player_id": pl.String,
    "what": pl.String,
    "old_grade": pl.String,
    "new_grade": pl.String,
    "reason": pl.String,
    "old_scorer": pl.String,
    "new_scorer": pl.String,
    "quarter": pl.Int64,
    "clock": pl.String,
    "play": pl.String,
    "old_points": pl.Float64,
    "new_points": pl.Float64,
    "old_profit": pl.Float64,
    "new_profit": pl.Float64,
    "rank_before": pl.Int64,
    "rank_after": pl.Int64,
    "rank_after_all": pl.Int64,
}

_SHORT = re.compile(r"\s*([^\W\d_]{1,4})\.\s*(\S.*)")
_DECIMALS = 6


def same_scorer(written: str | None, full: str | None, short: str | None) -> bool:
    """Whether a scorer that a program wrote can be the one of the plays, by name alone.

    The plays abbreviate (`J.Williams`, `Co.Heyward`), rosters do not; a last name alone can be him too. Nothing and
    `Unknown` are nobody.

    Args:
        written: as the program wrote it.
        full: the scorer's name by the rosters; None: not known.
        short: his name in the plays; None: upstream does not say.
    """
    name = normalise(written or "")
    if name in ("", "unknown", "none"):
        return False
    if name in (normalise(full or ""), normalise(short or "")):
        return True
    words = normalise(full or "").split()
    if len(words) < 2:
        return False
    initial = _SHORT.fullmatch(written or "")
    if initial:
        first, last = normalise(initial[1]), normalise(initial[2])
        return words[0].startswith(first) and last in _last_names(words)
    return name in _last_names(words)


def _last_names(words: list[str]) -> set[str]:
    return {" ".join(words[n:]) for n in range(1, len(words))}


def disagreements(
    standing: pl.DataFrame,
    theirs: pl.DataFrame,
    plays: pl.DataFrame,
    picks: pl.DataFrame,
    touchdowns: pl.DataFrame,
    full_names: Mapping[str, str],
    points: pl.DataFrame,
) -> pl.DataFrame:
    """Every `external` grade that the plays contradict, with the evidence (`EVIDENCE_SCHEMA`), by week and pick.

    They contradict where they decide the pick and its outcome, whether it scored at all, or the first scorer differs.

    Args:
        standing: the results as they stand: pick_id, graded_by, actual_scorer, actual_scorer_id.
        theirs: the same picks by `grading.grades_from_results`.
        plays: all picks by `grading.grade_picks`.
        picks: pick_id, user_id, week, game_id, kind, player_id, player_name.
        touchdowns: game_id, is_first_td, quarter, clock, description.
        full_names: a player's name by the rosters, by his id.
        points: pick_id, user_id, points of every pick as the standings count them now; pending ones null.
    """
    external = standing.filter(pl.col("graded_by") == "external").select(
        "pick_id", old_scorer="actual_scorer", old_scorer_id="actual_scorer_id"
    )
    if external.is_empty():
        return pl.DataFrame(schema=EVIDENCE_SCHEMA)
    old = theirs.select(
        "pick_id", *(pl.col(c).alias(f"old_{c}") for c in ("status", "any_time_td", "points", "profit"))
    )
    new = plays.filter(pl.col("status").is_in(["won", "lost", "void"])).select(
        "pick_id",
        "reason",
        *(pl.col(c).alias(f"new_{c}") for c in ("status", "any_time_td", "points", "profit")),
        new_scorer="actual_scorer",
        new_scorer_id="actual_scorer_id",
    )
    first = touchdowns.filter(pl.col("is_first_td").fill_null(False)).select(
        "game_id", "quarter", "clock", play="description"
    )
    rows = (
        external.join(old, on="pick_id")
        .join(new, on="pick_id")
        .join(picks.rename({"player_name": "typed"}), on="pick_id")
        .join(first.unique("game_id", keep="first"), on="game_id", how="left")
    )
    found = [row for row in rows.iter_rows(named=True) if _differences(row, full_names)]
    ranks = _Ranks(points)
    together = ranks.with_points({row["pick_id"]: row["new_points"] for row in found})
    evidence = []
    for row in found:
        user = row["user_id"]
        alone = ranks.with_points({row["pick_id"]: row["new_points"]})
        evidence.append(
            {
                **{name: row.get(name) for name in EVIDENCE_SCHEMA},
                "what": ", ".join(_differences(row, full_names)),
                "old_grade": _grade(row["old_status"], row["old_any_time_td"]),
                "new_grade": _grade(row["new_status"], row["new_any_time_td"]),
                "new_scorer": full_names.get(row["new_scorer_id"] or "", row["new_scorer"]),
                "play": row["play"] or ("no touchdown in the game" if row["new_scorer"] == NO_TOUCHDOWN else None),
                "rank_before": ranks.of(user),
                "rank_after": alone.of(user),
                "rank_after_all": together.of(user),
            }
        )
    return pl.DataFrame(evidence, schema=EVIDENCE_SCHEMA).sort("week", "pick_id")


def _differences(row: Mapping[str, object], full_names: Mapping[str, str]) -> list[str]:
    what = []
    if row["old_status"] != row["new_status"]:
        what.append("grade")
    if "void" in (row["old_status"], row["new_status"]):
        return what  # a void says nothing of touchdowns
    if bool(row["old_any_time_td"]) != bool(row["new_any_time_td"]):
        what.append("any time")
    if not _same(row, full_names):
        what.append("scorer")
    return what


def _same(row: Mapping[str, object], full_names: Mapping[str, str]) -> bool:
    old_id, new_id = row["old_scorer_id"], row["new_scorer_id"]
    if old_id and new_id:
        return old_id == new_id
    written, short = (None if row[name] is None else str(row[name]) for name in ("old_scorer", "new_scorer"))
    if short is None and new_id is None:
        return True  # the plays do not name anybody either
    return same_scorer(written, full_names.get(str(new_id)) if new_id else None, short)


def _grade(status: str, any_time_td: bool | None) -> str:
    return f"{status}, any time" if status == "lost" and any_time_td else status


class _Ranks:
    """The members' ranks in the season by points, ties sharing one."""

    def __init__(self, points: pl.DataFrame) -> None:
        self._points = points.select("pick_id", "user_id", pl.col("points").cast(pl.Float64).fill_null(0.0))
        totals = self._points.group_by("user_id").agg(pl.col("points").sum().round(_DECIMALS))
        ranked = totals.with_columns(pl.col("points").rank("min", descending=True).cast(pl.Int64).alias("rank"))
        self._ranks = dict(ranked.select("user_id", "rank").iter_rows())

    def of(self, user_id: int) -> int | None:
        return self._ranks.get(user_id)

    def with_points(self, changed: Mapping[int, float | None]) -> _Ranks:
        return _Ranks(
            self._points.with_columns(
                pl.when(pl.col("pick_id").is_in(list(changed)))
                .then(
                    pl.col("pick_id").replace_strict(
                        {pick: points or 0.0 for pick, points in changed.items()},
                        default=0.0,
                        return_dtype=pl.Float64,
                    )
                )
                .otherwise("points")
                .alias("points")
            )
        )
