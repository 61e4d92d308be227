"""From plays to touchdowns: which plays count, who scored, what kind it was, and which one came first.

Also how far a game's plays reach and with what score, which is what makes a game gradable. Scorer and team come from
upstream's own columns, never from receiver, rusher or returner columns, and never from the text of a play.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from firsttd_pipeline.domain.teams import canonical_expr

PASS: Final = "pass"
RUSH: Final = "rush"

#: Every value of `kind`, and what it means.
KINDS: Final[dict[str, str]] = {
    PASS: "caught from a pass; the receiver (or whoever had the ball last) scores, never the thrower",
    RUSH: "carried from scrimmage",
    "own_fumble": "the offence's own fumble, recovered or carried on by the offence",
    "after_interception": "an interception that the offence took back and scored on",
    "interception_return": "scored by the defence after an interception",
    "fumble_return": "scored by the defence after a fumble (also a lateral or a sack that became one)",
    "kickoff_return": "scored by the team that received the kickoff",
    "kickoff_recovery": "scored by the kicking team: a kickoff recovered in the end zone, or a fumbled return",
    "punt_return": "scored by the team that received the punt",
    "blocked_punt": "a punt that was blocked and scored on by the other team",
    "punt_recovery": "scored by the punting team: a muffed punt or a fumbled return",
    "field_goal_return": "a missed field goal, run back",
    "blocked_field_goal": "a field goal that was blocked and scored on by the other team",
    "kick_recovery": "scored by the kicking team on its own field goal, without a pass or a run",
    "special_teams": "on a kick; upstream does not say which team scored",
    "unknown": "upstream says neither the team nor enough of the play to tell defence from offence",
}

#: The kinds that a D/ST pick wins with: defence and special teams, whichever player carried the ball.
DST_KINDS: Final[frozenset[str]] = frozenset(
    {
        "interception_return",
        "fumble_return",
        "kickoff_return",
        "kickoff_recovery",
        "punt_return",
        "blocked_punt",
        "punt_recovery",
        "field_goal_return",
        "blocked_field_goal",
        "kick_recovery",
        "special_teams",
    }
)

#: A second, different touchdown under the same play_id of a game is stored under play_id plus this, a third under
#: twice as much. Upstream's own ids stay far below it; play_id repeats inside three games of 2000.
REPEATED_PLAY_ID_STEP: Final = 1_000_000

#: A clock that goes up by more than this, in seconds, between two plays has restarted for overtime.
OVERTIME_JUMP: Final = 60.0

_OPTIONAL: Final[dict[str, type[pl.DataType]]] = {
    "desc": pl.String,
    "time": pl.String,
    "qtr": pl.Float64,
    "play_type_nfl": pl.String,
    "return_touchdown": pl.Float64,
    "interception": pl.Float64,
    "fumble": pl.Float64,
}

TOUCHDOWN_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "game_id": pl.String,
    "play_id": pl.Int64,
    "season": pl.Int64,
    "order_sequence": pl.Float64,
    "player_id": pl.String,
    "player_name": pl.String,
    "team": pl.String,
    "quarter": pl.Int64,
    "clock": pl.String,
    "description": pl.String,
    "kind": pl.String,
    "is_first_td": pl.Boolean,
}

RECORD_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "game_id": pl.String,
    "season": pl.Int64,
    "plays": pl.Int64,
    "home_score": pl.Int64,
    "away_score": pl.Int64,
    "last_quarter": pl.Int64,
    "seconds_remaining": pl.Float64,
    "reaches_end": pl.Boolean,
}


def extract_touchdowns(plays: pl.DataFrame) -> pl.DataFrame:
    """Every valid touchdown of the plays, one row each, in the order of the game.

    A touchdown is a play with `touchdown` = 1: nullified plays and conversions have 0, whatever their text says.
    Scorer and team are `td_player_id` and `td_team`. Where upstream leaves the team null it is filled only on passing
    and rushing touchdowns, which are always the offence's (5,503 of 5,503 in 2021, 2022, 2024 and 2025); everything
    else stays null. A touchdown whose scorer is unknown is kept, with `player_id` null.

    Args:
        plays: play-by-play rows in upstream's columns; text, clock and quarter may be missing or null.

    Returns:
        A frame of `TOUCHDOWN_SCHEMA`. `(game_id, play_id)` is unique: a row that repeats another is dropped, a
        different touchdown under the same id is moved by `REPEATED_PLAY_ID_STEP`. Exactly one row of each game that
        has touchdowns is `is_first_td`: the lowest `order_sequence`, then `play_id`.
    """
    scored = _with_optional(plays.filter(pl.col("touchdown") == 1))
    # Upstream writes null, never 0, for what the slim files do not carry: null is "not so", as far as is known.
    is_pass = (pl.col("pass_touchdown") == 1).fill_null(False)
    is_rush = (pl.col("rush_touchdown") == 1).fill_null(False)
    scored = scored.with_columns(
        pl.when(_text("td_team").is_null() & (is_pass | is_rush))
        .then(pl.col("posteam"))
        .otherwise(_text("td_team"))
        .alias("team"),
        is_pass.alias("is_pass"),
        is_rush.alias("is_rush"),
    ).with_columns(canonical_expr("team"), canonical_expr("posteam"))
    scored = scored.select(
        pl.col("game_id"),
        pl.col("play_id").cast(pl.Int64),
        pl.col("season").cast(pl.Int64),
        pl.col("order_sequence").cast(pl.Float64),
        _text("td_player_id").alias("player_id"),
        _text("td_player_name").alias("player_name"),
        pl.col("team"),
        pl.col("qtr").cast(pl.Int64).alias("quarter"),
        _text("time").alias("clock"),
        _text("desc").alias("description"),
        _kind().alias("kind"),
    ).sort("game_id", "order_sequence", "play_id", nulls_last=True, maintain_order=True)
    same_play = ["game_id", "play_id", "team", "player_id", "quarter", "clock"]
    scored = scored.unique(subset=same_play, keep="first", maintain_order=True)
    if scored.select("game_id", "play_id").is_duplicated().any():
        repeat = pl.int_range(pl.len()).over("game_id", "play_id")
        scored = scored.with_columns(pl.col("play_id") + repeat * REPEATED_PLAY_ID_STEP)
    return scored.with_columns(pl.col("game_id").is_first_distinct().alias("is_first_td")).select(
        pl.col(name).cast(dtype) for name, dtype in TOUCHDOWN_SCHEMA.items()
    )


def game_records(plays: pl.DataFrame) -> pl.DataFrame:
    """How far each game's plays reach, and with what score.

    The score is the last `posteam_score_post` / `defteam_score_post` seen, by team; the plays' own `home_score` is
    copied from the schedule and proves nothing. `reaches_end` is true when upstream says so (a row "END GAME"), or,
    in files without those columns, when the last row is an administrative one (no `play_type`) and

    * in regulation: the clock is at 0 and the scores differ (tied at 0 means that overtime is to come);
    * in overtime (the clock restarted): the clock is at 0, or the scores differ.

    Measured on 2021, 2022, 2024 and 2025: all 1,139 complete games pass; of their 196,480 prefixes, each game cut off
    after any earlier row, none passes. The clock alone would not do: it is above 0 on the last row of 14-19 games a
    season. Without the condition on `play_type`, 282 prefixes would pass.

    Args:
        plays: all rows of the games, in any order.

    Returns:
        A frame of `RECORD_SCHEMA`, one row per game, by game_id. Scores and quarter are null where the source is.
    """
    rows = _with_optional(plays).select(
        pl.col("game_id"),
        pl.col("season").cast(pl.Int64),
        pl.col("play_id").cast(pl.Float64),
        pl.col("order_sequence").cast(pl.Float64),
        pl.col("posteam"),
        pl.col("home_team"),
        pl.col("away_team"),
        pl.col("play_type"),
        pl.col("qtr").cast(pl.Int64),
        pl.col("game_seconds_remaining").cast(pl.Float64).alias("clock"),
        pl.col("posteam_score_post").cast(pl.Float64),
        pl.col("defteam_score_post").cast(pl.Float64),
        ((pl.col("play_type_nfl") == "END_GAME") | (pl.col("desc") == "END GAME")).fill_null(False).alias("says_end"),
    )
    if rows.is_empty():
        return pl.DataFrame(schema=RECORD_SCHEMA)
    if not _in_order(rows):
        rows = rows.sort("game_id", "order_sequence", "play_id", nulls_last=False)
    same_game = pl.col("game_id") == pl.col("game_id").shift()
    overtime = (
        rows.filter(pl.col("clock").is_not_null())
        .filter(same_game & (pl.col("clock").diff() > OVERTIME_JUMP))
        .select("game_id", pl.lit(True).alias("restarted"))
        .unique()
    )
    scores = (
        rows.filter(
            pl.col("posteam").is_not_null()
            & pl.col("posteam_score_post").is_not_null()
            & pl.col("defteam_score_post").is_not_null()
        )
        .group_by("game_id")
        .agg(pl.col("posteam", "home_team", "away_team", "posteam_score_post", "defteam_score_post").last())
        .with_columns(canonical_expr(name) for name in ("posteam", "home_team", "away_team"))
        .select(
            "game_id",
            _score_of("home_team", "away_team").alias("home_score"),
            _score_of("away_team", "home_team").alias("away_score"),
        )
    )
    games = (
        rows.group_by("game_id")
        .agg(
            pl.col("season").first(),
            pl.len().cast(pl.Int64).alias("plays"),
            pl.col("qtr").drop_nulls().last().alias("last_quarter"),
            pl.col("clock").drop_nulls().last().alias("seconds_remaining"),
            pl.col("play_type").last().is_null().alias("administrative"),
            pl.col("says_end").any(),
        )
        .join(scores, on="game_id", how="left")
        .join(overtime, on="game_id", how="left")
    )
    at_zero = pl.col("seconds_remaining") == 0
    decided = pl.col("home_score") != pl.col("away_score")
    in_overtime = pl.col("restarted").fill_null(False) | (pl.col("last_quarter") > 4).fill_null(False)
    at_end = pl.when(in_overtime).then(at_zero | decided).otherwise(at_zero & decided)
    return (
        games.with_columns(
            (pl.col("says_end") | (pl.col("administrative") & at_end)).fill_null(False).alias("reaches_end")
        )
        .sort("game_id")
        .select(pl.col(name).cast(dtype) for name, dtype in RECORD_SCHEMA.items())
    )


def _in_order(rows: pl.DataFrame) -> bool:
    """Whether each game's rows stand together and in their order, as upstream writes them: then no sort is needed."""
    run = rows["game_id"].rle_id()
    together = rows["game_id"].n_unique() == run[-1] + 1
    return together and bool(
        ((rows["order_sequence"].diff() > 0) | (run.cast(pl.Int64).diff() != 0))[1:].all(ignore_nulls=False)
    )


def _kind() -> pl.Expr:
    """What kind of touchdown it was, from the type of the play and whether the team with the ball scored."""
    kick = pl.col("play_type")
    # posteam receives on kickoffs, punts on punts, and is the side that lost the ball on interceptions and fumbles.
    by_posteam = pl.col("team") == pl.col("posteam")
    blocked = pl.col("return_touchdown") == 0
    intercepted = (pl.col("interception") == 1).fill_null(False)
    return (
        pl.when(by_posteam & pl.col("is_pass"))
        .then(pl.lit(PASS))
        .when(by_posteam & pl.col("is_rush"))
        .then(pl.lit(RUSH))
        .when(kick.is_in(["kickoff", "punt", "field_goal", "extra_point"]) & by_posteam.is_null())
        .then(pl.lit("special_teams"))
        .when(by_posteam.is_null())
        .then(pl.lit("unknown"))
        .when(kick == "kickoff")
        .then(pl.when(by_posteam).then(pl.lit("kickoff_return")).otherwise(pl.lit("kickoff_recovery")))
        .when(kick == "punt")
        .then(
            pl.when(by_posteam)
            .then(pl.lit("punt_recovery"))
            .when(blocked)
            .then(pl.lit("blocked_punt"))
            .otherwise(pl.lit("punt_return"))
        )
        .when(kick.is_in(["field_goal", "extra_point"]))
        .then(
            pl.when(by_posteam)
            .then(pl.lit("kick_recovery"))
            .when(blocked)
            .then(pl.lit("blocked_field_goal"))
            .otherwise(pl.lit("field_goal_return"))
        )
        .when(by_posteam)
        .then(pl.when(intercepted).then(pl.lit("after_interception")).otherwise(pl.lit("own_fumble")))
        .otherwise(pl.when(intercepted).then(pl.lit("interception_return")).otherwise(pl.lit("fumble_return")))
    )


def _score_of(team: str, other: str) -> pl.Expr:
    """The score of `team` on a row that carries the scores of the side with the ball and of the other."""
    return (
        pl.when(pl.col("posteam") == pl.col(team))
        .then(pl.col("posteam_score_post"))
        .when(pl.col("posteam") == pl.col(other))
        .then(pl.col("defteam_score_post"))
        .cast(pl.Int64)
    )


def _text(name: str) -> pl.Expr:
    """A text column in which an empty value is a missing one."""
    value = pl.col(name).cast(pl.String)
    return pl.when(value.str.strip_chars() != "").then(value)


def _with_optional(plays: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, dtype=dtype).alias(name) for name, dtype in _OPTIONAL.items() if name not in plays.columns]
    return plays.with_columns(missing) if missing else plays
