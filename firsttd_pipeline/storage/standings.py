"""The listings that a league looks at most: standings and players, as selects for every door that shows them.

What stands in the tables is decided elsewhere; here is only which columns a listing has, in which order.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from firsttd_pipeline.storage.schema import leaderboard, player_stats, users


def leaderboard_query(season: int, week: int = 0, limit: int | None = None) -> Select[Any]:
    """The standings of a season (week 0) or of one of its weeks: best first, ties by name; the first `limit` rows."""
    board = leaderboard.c
    query = (
        select(
            board.rank, users.c.name.label("member"), board.picks, board.graded, board.first_td, board.any_time_td,
            board.points, board.staked, board.profit, board.roi, board.win_rate, board.pending, board.void,
            board.current_streak, board.best_streak,
        )
        .join(users, users.c.id == board.user_id)
        .where(board.season == season, board.week == week)
        .order_by(board.rank, users.c.name)
    )  # fmt: skip
    return query if limit is None else query.limit(limit)


def players_query(
    season: int, *, team: str | None = None, position: str | None = None, limit: int | None = None
) -> Select[Any]:
    """The season's players (of a team, of a position), most first touchdowns first, then most touchdowns."""
    stats = player_stats.c
    query = (
        select(
            stats.player_name.label("player"), stats.team, stats.position, stats.games_played.label("games"),
            stats.first_td_count.label("first_td"), stats.any_time_td_count.label("any_time_td"),
            stats.red_zone_targets, stats.red_zone_touches, stats.last_td_week, stats.recent_form.label("form"),
            stats.times_picked, stats.times_hit, stats.player_id,
        )
        .where(stats.season == season)
        .order_by(stats.first_td_count.desc(), stats.any_time_td_count.desc(), stats.player_name)
    )  # fmt: skip
    if team:
        query = query.where(stats.team == team.upper())
    if position:
        query = query.where(stats.position == position.upper())
    return query if limit is None else query.limit(limit)
