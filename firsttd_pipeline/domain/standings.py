"""Who stands where: counts of each player's season, and the members' leaderboard.

Frames in, frames out, one row per player or member. Sums are exact and do not depend on the order of rows, so SQLite
and PostgreSQL give the same standings. What a pick is worth is grading's; here it is only added up.
"""

from __future__ import annotations

from typing import Final

import polars as pl

FORM_WEEKS: Final = 5
HOT_WEEKS: Final = 3
STATUSES: Final = ("pending", "won", "lost", "void")
_NOT_PLAYED: Final = ("cancelled", "postponed")
# Money and points are added as whole billionths: exact in any order, where floats are not.
_UNIT: Final = 1_000_000_000
_DECIMALS: Final = 6

LEADERBOARD_SCHEMA: Final[dict[str, pl.DataType]] = {
    "season": pl.Int64(),
    "week": pl.Int64(),
    "user_id": pl.Int64(),
    "rank": pl.Int64(),
    "picks": pl.Int64(),
    "graded": pl.Int64(),
    "pending": pl.Int64(),
    "void": pl.Int64(),
    "first_td": pl.Int64(),
    "any_time_td": pl.Int64(),
    "points": pl.Float64(),
    "staked": pl.Float64(),
    "profit": pl.Float64(),
    "roi": pl.Float64(),
    "win_rate": pl.Float64(),
    "current_streak": pl.Int64(),
    "best_streak": pl.Int64(),
}
PLAYER_STATS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "season": pl.Int64(),
    "player_id": pl.String(),
    "player_name": pl.String(),
    "team": pl.String(),
    "position": pl.String(),
    "roster_id": pl.Int64(),
    "games_played": pl.Int64(),
    "games_played_source": pl.String(),
    "first_td_count": pl.Int64(),
    "any_time_td_count": pl.Int64(),
    "red_zone_targets": pl.Int64(),
    "red_zone_touches": pl.Int64(),
    "last_td_week": pl.Int64(),
    "recent_form": pl.String(),
    "times_picked": pl.Int64(),
    "times_hit": pl.Int64(),
}


# --- players ----------------------------------------------------------------------------------------------------------


def player_stats(
    season: int,
    *,
    rosters: pl.DataFrame,
    games: pl.DataFrame,
    touchdowns: pl.DataFrame,
    usage: pl.DataFrame,
    picks: pl.DataFrame,
    records: pl.DataFrame,
) -> pl.DataFrame:
    """One row per player of the season's rosters (`PLAYER_STATS_SCHEMA`), sorted by player_id.

    A player's row is his current roster row (the newest, should there be several), or his newest retired one where he
    has no other. His counts are of all his games of the season whatever the team; playoffs count.

    * first_td_count: games in which he scored first. From the touchdowns; where a game has no plays yet, from the
      picks on him that a person or another program graded as won, once per game.
    * any_time_td_count: his touchdowns, as the old application counts them (two in one game are two).
    * last_td_week: the last week he scored in; null: none.
    * recent_form: HOT, AVERAGE or COLD, a touchdown in 3 or more, 1-2 or 0 of the season's last 5 final weeks. A week
      is final when every game of it that is neither cancelled nor postponed is; a bye is a week without a touchdown.

    Args:
        rosters: the table's rows of the season: id, player_id, player_name, team, position, retired_at.
        games: game_id, week, status; without the games that left the schedule.
        touchdowns: game_id, player_id, is_first_td. Unknown scorers (null) count for nobody.
        usage: player_id, games_played, games_played_source, red_zone_targets, red_zone_touches.
        picks: pick_id, player_id, game_id, is_correct (null: undecided or void).
        records: game_id of the games that have plays.
    """
    keys = pl.col("player_id").cast(pl.String)
    rows = _roster_rows(rosters)
    weeks_of = games.select(pl.col("game_id").cast(pl.String), pl.col("week").cast(pl.Int64))
    scored = (
        touchdowns.select(pl.col("game_id").cast(pl.String), keys, pl.col("is_first_td").cast(pl.Boolean))
        .filter(pl.col("player_id").is_not_null())
        .join(weeks_of, on="game_id", how="inner")
    )
    chosen = picks.select(
        "pick_id", keys, pl.col("game_id").cast(pl.String), pl.col("is_correct").cast(pl.Boolean)
    ).filter(pl.col("player_id").is_not_null())
    first = _first_games(scored, chosen, records).group_by("player_id").agg(pl.len().alias("first_td_count"))
    totals = scored.group_by("player_id").agg(
        pl.len().alias("any_time_td_count"),
        pl.col("week").max().alias("last_td_week"),
    )
    recent = final_weeks(games)[-FORM_WEEKS:]
    form = (
        scored.filter(pl.col("week").is_in(recent))
        .group_by("player_id")
        .agg(pl.col("week").n_unique().cast(pl.Int64).alias("weeks_scored"))
    )
    picked = chosen.group_by("player_id").agg(
        pl.col("pick_id").n_unique().alias("times_picked"),
        pl.col("pick_id").filter(pl.col("is_correct")).n_unique().alias("times_hit"),
    )
    used = usage.select(
        keys,
        "games_played",
        pl.col("games_played_source").cast(pl.String),
        "red_zone_targets",
        "red_zone_touches",
    ).unique("player_id", keep="first", maintain_order=True)
    for counts in (first, totals, form, picked, used):
        rows = rows.join(counts, on="player_id", how="left", maintain_order="left")
    counted = [
        "games_played",
        "first_td_count",
        "any_time_td_count",
        "red_zone_targets",
        "red_zone_touches",
        "times_picked",
        "times_hit",
        "weeks_scored",
    ]
    sources = used["games_played_source"].drop_nulls().unique().to_list()
    # not named in the one source there is: he played no game, and that is where it comes from
    missing_source = pl.lit(sources[0] if len(sources) == 1 else None, dtype=pl.String)
    return (
        rows.with_columns(
            pl.lit(season).alias("season"),
            *(pl.col(name).fill_null(0) for name in counted),
            pl.col("games_played_source").fill_null(missing_source),
        )
        .with_columns(recent_form_expr("weeks_scored").alias("recent_form"))
        .select(pl.col(name).cast(dtype) for name, dtype in PLAYER_STATS_SCHEMA.items())
        .sort("player_id")
    )


def recent_form_expr(weeks_scored: str) -> pl.Expr:
    """HOT, AVERAGE or COLD from the number of recent weeks with a touchdown (grading.md, point 35)."""
    return (
        pl.when(pl.col(weeks_scored) >= HOT_WEEKS)
        .then(pl.lit("HOT"))
        .when(pl.col(weeks_scored) >= 1)
        .then(pl.lit("AVERAGE"))
        .otherwise(pl.lit("COLD"))
    )


def final_weeks(games: pl.DataFrame) -> list[int]:
    """The weeks that are over, ascending: every game (week, status) is final, cancelled and postponed ones aside."""
    played = games.filter(~pl.col("status").is_in(_NOT_PLAYED))
    over = played.group_by("week").agg((pl.col("status") == "final").all().alias("over")).filter("over")
    return [int(week) for week in over["week"].sort()]


def _roster_rows(rosters: pl.DataFrame) -> pl.DataFrame:
    name = pl.col("position").cast(pl.String).str.strip_chars()
    return (
        rosters.filter(pl.col("player_id").is_not_null())
        .with_columns(pl.col("retired_at").is_not_null().alias("retired"))
        .sort("retired", "retired_at", "id", descending=[False, True, True], nulls_last=True)
        .unique("player_id", keep="first", maintain_order=True)
        .select(
            pl.col("player_id").cast(pl.String),
            "player_name",
            "team",
            pl.when(name != "").then(name).alias("position"),
            pl.col("id").alias("roster_id"),
        )
    )


def _first_games(scored: pl.DataFrame, chosen: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """(player_id, game_id), once per game: who scored first."""
    by_plays = scored.filter(pl.col("is_first_td")).select("player_id", "game_id")
    by_results = (
        chosen.filter(pl.col("is_correct") & pl.col("game_id").is_not_null())
        .select("player_id", "game_id")
        .join(records.select(pl.col("game_id").cast(pl.String)), on="game_id", how="anti")
    )
    return pl.concat([by_plays, by_results]).unique()


# --- members ----------------------------------------------------------------------------------------------------------


def leaderboard(season: int, grades: pl.DataFrame) -> pl.DataFrame:
    """The standings (`LEADERBOARD_SCHEMA`), sorted by week, rank and user_id: week 0 is the season, then each week.

    The season has every member with a pick in it, a week those with a pick in that week. Ranked by points alone; ties
    share a rank and the next rank is left out (1, 1, 3). Under the rule pack `profit` a pick's points are its profit.

    * graded: won + lost. Pending and void picks are counted apart and never as losses.
    * first_td: won. any_time_td: graded picks whose grade says that they scored at all.
    * points: of graded picks. staked, profit: of graded picks whose odds are known (stake and profit are not null).
    * roi: profit / staked, null without a stake. win_rate: won / graded, null without a graded pick. Both as fractions.
    * current_streak: wins in a row up to the last graded pick, negative for losses; best_streak: the longest run of
      wins. Graded picks in the order of week, kickoff (unknown last), pick_id; pending and void ones are passed over.

    Args:
        grades: one row per pick: pick_id, user_id, week, status, points, stake, profit, any_time_td, kickoff_at.

    Raises:
        ValueError: a pick is there twice, or has a status that is none.
    """
    if grades.is_empty():
        return pl.DataFrame(schema=LEADERBOARD_SCHEMA)
    rows = _prepared(grades)
    board = pl.concat([_board(rows.with_columns(pl.lit(0, dtype=pl.Int64).alias("week"))), _board(rows)])
    return (
        board.with_columns(
            pl.lit(season).alias("season"),
            pl.col("points").rank("min", descending=True).over("week").alias("rank"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in LEADERBOARD_SCHEMA.items())
        .sort("week", "rank", "user_id")
    )


def _prepared(grades: pl.DataFrame) -> pl.DataFrame:
    status = pl.col("status").cast(pl.String)
    unknown = grades.filter(~status.is_in(STATUSES).fill_null(False))
    if unknown.height:
        raise ValueError(
            f"{unknown.height} picks have no known status (e.g. pick {unknown['pick_id'][0]}: "
            f"{unknown['status'][0]!r}): allowed are {', '.join(STATUSES)}"
        )
    if grades["pick_id"].n_unique() != grades.height:
        twice = grades.filter(pl.col("pick_id").is_duplicated())["pick_id"]
        raise ValueError(f"pick {twice.sort()[0]} is there more than once: grades are one row per pick")
    won = status == "won"
    graded = won | (status == "lost")
    known = graded & pl.col("stake").is_not_null() & pl.col("profit").is_not_null()
    return grades.select(
        pl.col("pick_id"),
        pl.col("user_id").cast(pl.Int64),
        pl.col("week").cast(pl.Int64),
        pl.col("kickoff_at"),
        won.alias("won"),
        graded.alias("graded"),
        (status == "pending").alias("pending"),
        (status == "void").alias("void"),
        (graded & pl.col("any_time_td").cast(pl.Boolean).fill_null(False)).alias("any_time_td"),
        pl.when(graded).then(_whole("points")).otherwise(0).alias("points"),
        pl.when(known).then(_whole("stake")).otherwise(0).alias("staked"),
        pl.when(known).then(_whole("profit")).otherwise(0).alias("profit"),
    ).sort("user_id", "week", "kickoff_at", "pick_id", nulls_last=True)


def _whole(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Float64).fill_null(0.0) * _UNIT).round().cast(pl.Int128)


def _units(column: str) -> pl.Expr:
    return (pl.col(column).cast(pl.Float64) / _UNIT).round(_DECIMALS)


def _board(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per week and user of rows that are in the order of the picks."""
    counts = (
        rows.group_by("week", "user_id")
        .agg(
            pl.len().alias("picks"),
            *(
                pl.col(name).sum()
                for name in ("graded", "pending", "void", "any_time_td", "points", "staked", "profit")
            ),
            pl.col("won").sum().alias("first_td"),
        )
        .with_columns(
            pl.when(pl.col("staked") > 0)
            .then((pl.col("profit").cast(pl.Float64) / pl.col("staked").cast(pl.Float64)).round(_DECIMALS))
            .alias("roi"),
            pl.when(pl.col("graded") > 0)
            .then((pl.col("first_td") / pl.col("graded")).round(_DECIMALS))
            .alias("win_rate"),
            _units("points"),
            _units("staked"),
            _units("profit"),
        )
    )
    runs = (
        rows.filter("graded")
        .with_columns(pl.struct("user_id", "week", "won").rle_id().alias("run"))
        .group_by("week", "user_id", "run", "won")
        .agg(pl.len().cast(pl.Int64).alias("length"))
        .sort("run")
        .group_by("week", "user_id", maintain_order=True)
        .agg(
            pl.when(pl.col("won").last())
            .then(pl.col("length").last())
            .otherwise(-pl.col("length").last())
            .alias("current_streak"),
            pl.col("length").filter(pl.col("won")).max().fill_null(0).alias("best_streak"),
        )
    )
    return counts.join(runs, on=["week", "user_id"], how="left").with_columns(
        pl.col("current_streak", "best_streak").fill_null(0)
    )
