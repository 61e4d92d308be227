"""How a player was used: the games he took part in, and his red-zone targets and touches.

Counted from the weekly rosters and the plays of one season. Who scored is not decided here.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from firsttd_pipeline.domain.teams import canonical_expr

#: A play starts in the red zone when it is at most this many yards from the end zone.
RED_ZONE: Final = 20

WEEKLY_ROSTERS: Final = "weekly_rosters"
PLAYS: Final = "plays"

USAGE_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "player_id": pl.String,
    "games_played": pl.Int64,
    "games_played_source": pl.String,
    "red_zone_targets": pl.Int64,
    "red_zone_touches": pl.Int64,
}


def usage(plays: pl.DataFrame | None, weekly_rosters: pl.DataFrame | None, games: pl.DataFrame) -> pl.DataFrame:
    """`appearances` and `red_zone` of every player who has either.

    Args:
        plays: the season's plays, None where there are none; all `*_player_id` columns count as taking part.
        weekly_rosters: the season's weekly rosters, None where there are none.
        games: game_id, week, home_team, away_team, status of the season.

    Returns:
        A frame of `USAGE_SCHEMA`, by player_id; counts are 0, not null.
    """
    played = appearances(games, weekly_rosters, plays)
    if plays is None:
        used = pl.DataFrame(schema={name: USAGE_SCHEMA[name] for name in _RED_ZONE_COLUMNS})
    else:
        used = red_zone(plays)
    return (
        played.join(used, on="player_id", how="full", coalesce=True)
        .with_columns(pl.col("games_played", "red_zone_targets", "red_zone_touches").fill_null(0))
        .sort("player_id")
        .select(pl.col(name).cast(dtype) for name, dtype in USAGE_SCHEMA.items())
    )


def red_zone(plays: pl.DataFrame) -> pl.DataFrame:
    """Targets and touches on plays that start in the red zone.

    A target is being the receiver of a pass, caught or not; a touch is a run from scrimmage or a caught pass. Kneels,
    plays that a penalty took back (`play_type` no_play) and two-point tries are none. A try is known by
    `two_point_attempt`; where the source leaves that null, by a scrimmage play without a `down`, if there is
    that column.

    Args:
        plays: play_type, yardline_100, receiver_player_id, rusher_player_id, complete_pass, two_point_attempt; down.

    Returns:
        player_id, red_zone_targets, red_zone_touches, by player_id; only players with a target or a touch.
    """
    is_try = pl.col("two_point_attempt") == 1
    if "down" in plays.columns:
        is_try = is_try.fill_null(pl.col("down").is_null())
    near = plays.filter(
        pl.col("play_type").is_in(["pass", "run"]) & (pl.col("yardline_100") <= RED_ZONE) & ~is_try.fill_null(False)
    )
    thrown = (
        near.filter((pl.col("play_type") == "pass") & pl.col("receiver_player_id").is_not_null())
        .group_by(pl.col("receiver_player_id").alias("player_id"))
        .agg(
            pl.len().alias("red_zone_targets"),
            (pl.col("complete_pass") == 1).fill_null(False).sum().alias("caught"),
        )
    )
    carried = (
        near.filter((pl.col("play_type") == "run") & pl.col("rusher_player_id").is_not_null())
        .group_by(pl.col("rusher_player_id").alias("player_id"))
        .agg(pl.len().alias("carried"))
    )
    return (
        thrown.join(carried, on="player_id", how="full", coalesce=True)
        .with_columns(pl.col("red_zone_targets", "caught", "carried").cast(pl.Int64).fill_null(0))
        .select(
            pl.col("player_id").cast(pl.String),
            "red_zone_targets",
            (pl.col("caught") + pl.col("carried")).alias("red_zone_touches"),
        )
        .sort("player_id")
    )


def appearances(
    games: pl.DataFrame, weekly_rosters: pl.DataFrame | None = None, plays: pl.DataFrame | None = None
) -> pl.DataFrame:
    """In how many final games each player took part.

    A game counts where his row of that week, for one of its two teams, has status ACT; an inactive player (INA) did
    not take part. For a team that has no roster of that week, a game counts where one of its plays names him; on
    plays alone a player who was active and did nothing of note is missing.

    Args:
        games: game_id, week, home_team, away_team, status of one season.
        weekly_rosters: week, team, gsis_id, status of that season; repeated rows and rows without an id are harmless.
        plays: game_id, and every `*_player_id` column there is; a player is counted for the game, whatever his team.

    Returns:
        player_id, games_played (above 0), games_played_source (`weekly_rosters`, or `plays` where all his games come
        from there), by player_id.
    """
    final = games.filter(pl.col("status") == "final").select(
        pl.col("game_id").cast(pl.String), pl.col("week").cast(pl.Int64), "home_team", "away_team"
    )
    sides = pl.concat(
        [final.select("game_id", "week", pl.col(side).alias("team")) for side in ("home_team", "away_team")]
    ).with_columns(canonical_expr("team"))
    if weekly_rosters is None:
        by_roster = pl.DataFrame(schema={"game_id": pl.String, "player_id": pl.String})
        uncovered = sides
    else:
        weekly = weekly_rosters.select(
            pl.col("week").cast(pl.Int64), "team", pl.col("gsis_id").alias("player_id"), "status"
        ).with_columns(canonical_expr("team"))
        by_roster = (
            weekly.filter((pl.col("status") == "ACT") & pl.col("player_id").is_not_null())
            .join(sides, on=["week", "team"], how="inner")
            .select("game_id", "player_id")
        )
        uncovered = sides.join(weekly, on=["week", "team"], how="anti")
    counted = [by_roster.with_columns(pl.lit(WEEKLY_ROSTERS).alias("source"))]
    if plays is not None and uncovered.height:
        counted.append(_named(plays, uncovered).with_columns(pl.lit(PLAYS).alias("source")))
    return (
        pl.concat(counted)
        .group_by("player_id")
        .agg(
            pl.col("game_id").n_unique().cast(pl.Int64).alias("games_played"),
            pl.when((pl.col("source") == WEEKLY_ROSTERS).any())
            .then(pl.lit(WEEKLY_ROSTERS))
            .otherwise(pl.lit(PLAYS))
            .alias("games_played_source"),
        )
        .sort("player_id")
    )


_RED_ZONE_COLUMNS: Final = ("player_id", "red_zone_targets", "red_zone_touches")


def _named(plays: pl.DataFrame, sides: pl.DataFrame) -> pl.DataFrame:
    """Who is named in a play of which game, for the games of which a team has no weekly roster."""
    of_games = plays.join(sides.select("game_id").unique(), on="game_id", how="semi")
    columns = [name for name in plays.columns if name.endswith("_player_id")]
    empty = pl.DataFrame(schema={"game_id": pl.String, "player_id": pl.String})
    return pl.concat(
        [
            empty,
            *(
                of_games.select(pl.col("game_id").cast(pl.String), pl.col(name).cast(pl.String).alias("player_id"))
                .drop_nulls()
                .unique()
                for name in columns
            ),
        ]
    ).unique()
