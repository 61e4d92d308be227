"""Who received a game's opening kickoff, and how the first drive ended.

The decision at the toss is in no source: it is entered by hand or stays unknown, and nothing here guesses it.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from firsttd_pipeline.domain.teams import canonical_expr

KICKOFF_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "game_id": pl.String,
    "team": pl.String,
    "result": pl.String,
}

_READ: Final = (
    "game_id", "order_sequence", "play_id", "play_type", "posteam", "game_seconds_remaining", "fixed_drive_result",
)  # fmt: skip

#: The second half starts here: a game whose first kickoff is later lacks its beginning.
HALF_TIME_SECONDS: Final = 1800.0


def opening_kickoffs(plays: pl.DataFrame) -> pl.DataFrame:
    """The opening kickoff of each game.

    The receiver is `posteam` of the first row whose `play_type` is kickoff: on kickoffs the team with the ball is the
    one that receives it. The same as upstream's `home_opening_kickoff` in all 194 games of 2025 that have it.

    Args:
        plays: play-by-play rows in upstream's columns; `fixed_drive` and `fixed_drive_result` may be missing or null.

    Returns:
        A frame of `KICKOFF_SCHEMA`, one row per game, by game_id; a game whose opening kickoff is not there has no
        row. `result` is upstream's `fixed_drive_result` of the drive the kickoff began ("Touchdown", "Punt",
        "Opp touchdown", ...), null where the source is.
    """
    missing = {"fixed_drive": pl.Float64, "fixed_drive_result": pl.String}
    plays = plays.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in missing.items() if name not in plays.columns
    )
    opening = (
        plays.select(_READ)
        .filter((pl.col("play_type") == "kickoff") & pl.col("posteam").is_not_null())
        .sort("game_id", "order_sequence", "play_id", nulls_last=True)
        .unique("game_id", keep="first", maintain_order=True)
        .filter((pl.col("game_seconds_remaining") > HALF_TIME_SECONDS).fill_null(True))
    )
    return opening.with_columns(canonical_expr("posteam")).select(
        pl.col("game_id").cast(pl.String),
        pl.col("posteam").cast(pl.String).alias("team"),
        pl.col("fixed_drive_result").cast(pl.String).alias("result"),
    )
