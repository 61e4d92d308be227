"""From the record of events to what stood: every pick, its grade and its standing after the last event given.

Frames in, frames out. The newest event of a pick wins, in the order of ids: the order in which they were committed.
"""

from __future__ import annotations

from typing import Final

import polars as pl

STANDING_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "pick_id": pl.Int64,
    "user_id": pl.Int64,
    "season": pl.Int64,
    "week": pl.Int64,
    "game_id": pl.String,
    "kind": pl.String,
    "player_id": pl.String,
    "player_name": pl.String,
    "odds": pl.Float64,
    "status": pl.String,
    "reason": pl.String,
    "points": pl.Float64,
    "stake": pl.Float64,
    "rule_pack": pl.String,
    "graded_by": pl.String,
    "is_correct": pl.Boolean,
    "any_time_td": pl.Boolean,
    "actual_scorer": pl.String,
    "profit": pl.Float64,
}
_PICK: Final = ("user_id", "season", "week", "game_id", "kind", "player_id", "player_name", "odds")
_STANDING: Final = ("status", "reason", "points", "stake", "rule_pack")
_TYPED: Final = ("user_id", "season", "week", "game_id", "player_id", "player_name")
_GRADE: Final = {
    "graded_by": "graded_by",
    "new_is_correct": "is_correct",
    "new_any_time_td": "any_time_td",
    "new_actual_scorer": "actual_scorer",
    "new_actual_return": "profit",
}


def replay(pick_events: pl.DataFrame, result_events: pl.DataFrame, season: int) -> pl.DataFrame:
    """The season's picks as the events leave them (`STANDING_SCHEMA`), by pick_id; removed picks are gone.

    `status` is null where a pick has no standing: never graded, or retyped by another program since. `graded_by` is
    null where it has no grade.

    Args:
        pick_events: the rows of `pick_events` of these picks, whole lives from the beginning of the record.
        result_events: the rows of `result_events` of the same picks.
        season: events of picks that ended up in another season are left out.
    """
    lives = pick_events.sort("id")
    # Where another program changes who is meant, the database takes the standing away: the pick starts anew.
    before = [pl.col(name).shift().over("pick_id") for name in _TYPED]
    retyped = pl.any_horizontal(pl.col(name).ne_missing(was) for name, was in zip(_TYPED, before, strict=True))
    forgotten = (pl.col("event") == "changed") & pl.col("changed_by").is_null() & pl.col("player_id").is_null()
    anew = pl.col("event").is_in(["picked", "removed"]) | (forgotten & retyped)
    lives = lives.with_columns(anew.cum_sum().over("pick_id").alias("life"))
    last = lives.unique("pick_id", keep="last", maintain_order=True).filter(
        (pl.col("event") != "removed") & (pl.col("season") == season)
    )
    stated = lives.filter(pl.col("event") == "stated").unique("pick_id", keep="last", maintain_order=True)
    graded = (
        result_events.sort("id")
        .unique("pick_id", keep="last", maintain_order=True)
        .filter(pl.col("new_status").is_not_null())
        .select("pick_id", **{new: pl.col(old) for old, new in _GRADE.items()})
    )
    return (
        last.select("pick_id", "life", *_PICK)
        .join(stated.select("pick_id", "life", *_STANDING), on=["pick_id", "life"], how="left")
        .join(graded, on="pick_id", how="left")
        .select(pl.col(name).cast(dtype) for name, dtype in STANDING_SCHEMA.items())
        .sort("pick_id")
    )


def as_grades(standing: pl.DataFrame, kickoffs: pl.DataFrame) -> pl.DataFrame:
    """What `standings.leaderboard` takes, of `replay`'s rows that have a standing.

    Args:
        standing: as `replay` gives it.
        kickoffs: game_id, kickoff_at; one row a game.
    """
    return (
        standing.filter(pl.col("status").is_not_null())
        .join(kickoffs.select("game_id", "kickoff_at"), on="game_id", how="left", maintain_order="left")
        .select("pick_id", "user_id", "week", "status", "points", "stake", "profit", "any_time_td", "kickoff_at")
    )


def differences(standing: pl.DataFrame, stored: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """The rows in which `replay`'s picks and the stored ones differ: pick_id, column, replayed, stored (as text).

    Picks that one side lacks differ in `pick`. `stored` has pick_id and `columns`.
    """
    both = standing.select("pick_id", *columns).join(
        stored.select("pick_id", *columns, pl.lit(True).alias("there")),
        on="pick_id",
        how="full",
        coalesce=True,
        suffix="_stored",
    )
    replayed = set(standing["pick_id"])
    found: list[tuple[int, str, str, str]] = []
    for row in both.sort("pick_id").iter_rows(named=True):
        pick = row["pick_id"]
        if not row["there"] or pick not in replayed:
            found.append((pick, "pick", "there" if pick in replayed else "gone", "there" if row["there"] else "gone"))
            continue
        for name in columns:
            one, other = row[name], row[f"{name}_stored"]
            if not _equal(one, other):
                found.append((pick, name, str(one), str(other)))
    schema = {"pick_id": pl.Int64, "column": pl.String, "replayed": pl.String, "stored": pl.String}
    return pl.DataFrame(found, schema=schema, orient="row")


def _equal(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-9
    return one == other
