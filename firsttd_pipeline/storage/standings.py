"""The listings that a league looks at most (standings, players, seasons), for every door that shows them.

What stands in the tables is decided elsewhere; here is only which columns a listing has, in which order.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, case, func, select

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import (
    games,
    leaderboard,
    pick_status,
    picks,
    player_stats,
    run_failures,
    sync_runs,
    users,
    weeks,
)


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
        .order_by(stats.first_td_count.desc(), stats.any_time_td_count.desc(), stats.player_name, stats.player_id)
    )  # fmt: skip
    if team:
        query = query.where(stats.team == team.upper())
    if position:
        query = query.where(stats.position == position.upper())
    return query if limit is None else query.limit(limit)


def seasons_overview(db: Database) -> list[dict[str, Any]]:
    """One row per season that has games or was fetched: season, games, final, picks, pending, last fetch, outcome.

    `outcome` names the sources whose last fetch failed or had nothing, and counts the failed runs that no later one
    got past; `ok` where there is neither.
    """
    found: dict[int, dict[str, Any]] = {}

    def of(season: int) -> dict[str, Any]:
        empty = {"season": season, "games": 0, "final": 0, "picks": 0, "pending": 0, "last fetch": "", "outcome": ""}
        return found.setdefault(season, empty)

    final = func.sum(case((games.c.status == "final", 1), else_=0))
    waits = func.coalesce(pick_status.c.status, "pending") == "pending"
    newest = select(func.max(sync_runs.c.id)).group_by(sync_runs.c.dataset, sync_runs.c.season)
    with db.read() as conn:
        for row in conn.execute(
            select(games.c.season, func.count().label("games"), final.label("final"))
            .where(games.c.deleted_at.is_(None))
            .group_by(games.c.season)
        ):
            of(row.season).update(games=row.games, final=row.final)
        for row in conn.execute(
            select(weeks.c.season, func.count().label("picks"), func.sum(case((waits, 1), else_=0)).label("pending"))
            .join(picks, picks.c.week_id == weeks.c.id)
            .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
            .group_by(weeks.c.season)
        ):
            of(row.season).update(picks=row.picks, pending=row.pending)
        for row in conn.execute(select(sync_runs).where(sync_runs.c.id.in_(newest)).order_by(sync_runs.c.id)):
            season = of(row.season)
            season["last fetch"] = row.fetched_at.isoformat(timespec="seconds")
            if row.status in ("failed", "absent"):
                season["outcome"] += ("; " if season["outcome"] else "") + f"{row.dataset} {row.status}"
        for row in conn.execute(
            select(run_failures.c.season, func.count().label("runs"))
            .where(run_failures.c.cleared_at.is_(None), run_failures.c.season.is_not(None))
            .group_by(run_failures.c.season)
        ):
            season = of(row.season)
            said = f"{row.runs} {'run' if row.runs == 1 else 'runs'} failed"
            season["outcome"] += ("; " if season["outcome"] else "") + said
    for season in found.values():
        season["outcome"] = season["outcome"] or ("ok" if season["last fetch"] else "")
    return [found[number] for number in sorted(found)]
