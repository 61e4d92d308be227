"""`leaderboard`: the standings of the season and of each of its weeks."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import Any

import polars as pl
from sqlalchemy import Select, select

from firsttd_pipeline.domain.standings import leaderboard as decide
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.storage.schema import games, leaderboard, pick_status, picks, results, users, weeks
from firsttd_pipeline.storage.sync import sync_partition


def refresh(league: League, season: int, now: datetime) -> Report:
    """Rank the season's members, in one transaction."""
    with league.db.write() as conn:
        grades = league.db.frame(grades_query(season), conn=conn)
        rows = decide(season, grades)
        counts = sync_partition(
            conn,
            leaderboard,
            rows,
            key=("season", "week", "user_id"),
            scope=leaderboard.c.season == season,
            missing="delete",
            now=now,
        )
        names = league.db.frame(select(users.c.id.label("user_id"), users.c.name.label("member")), conn=conn)
    total = rows.filter(pl.col("week") == 0).join(names, on="user_id", how="left").sort("rank", "member")
    report = Report("leaderboard", season, counts)
    report.preview = total.select(
        "rank", "member", "picks", "first_td", "any_time_td", "points", "staked", "profit", "roi", "pending"
    ).head(20)
    report.facts = {"members": total.height, "picks": int(total["picks"].sum())}
    if rows.height:
        report.plot = partial(_plot, season, rows, total)
    else:
        report.notes.append(f"No picks in {season} yet: the leaderboard is empty")
    return report


def grades_query(season: int) -> Select[Any]:
    """One row per pick of the season, as `standings.leaderboard` takes them."""
    return (
        select(
            picks.c.id.label("pick_id"),
            picks.c.user_id,
            weeks.c.week,
            pick_status.c.status,
            pick_status.c.points,
            pick_status.c.stake,
            results.c.actual_return.label("profit"),
            results.c.any_time_td,
            games.c.kickoff_at,
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .join(pick_status, pick_status.c.pick_id == picks.c.id)
        .outerjoin(results, results.c.pick_id == picks.c.id)
        .outerjoin(games, games.c.id == picks.c.game_id)
        .where(weeks.c.season == season)
    )


def _plot(season: int, rows: pl.DataFrame, total: pl.DataFrame) -> Plot:
    """Points week by week, added up, of the first eight."""
    by_week = rows.filter(pl.col("week") > 0)
    weeks = sorted(set(by_week["week"]))
    series: dict[str, list[float | None]] = {}
    for user, member in total.select("user_id", "member").head(8).iter_rows():
        points = dict(by_week.filter(pl.col("user_id") == user).select("week", "points").iter_rows())
        series[member] = list(accumulate(points.get(week, 0.0) for week in weeks))
    return Plot(f"Points of {season}, added up", weeks, series, y_label="points")
