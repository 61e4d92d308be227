"""`leaderboard`: the standings of the season and of each of its weeks, and the proof of which changes they show.

What waits in `standings_queue` is read before the grades that are counted, and taken out in the same transaction.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import accumulate

import polars as pl

from firsttd_pipeline.domain.standings import leaderboard as decide
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.refresh.settlement import settle
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.storage.partitions import write_leaderboard
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.standings_queue import applied, waiting_ids


def refresh(league: League, season: int, now: datetime) -> Report:
    """Rank the season's members, in one transaction."""
    with league.db.write() as conn:
        of_season = Season(league.db, season, conn)
        settle(conn, of_season, league.settings.rules, now, league.run_id)
        changes = waiting_ids(conn, season)  # before the grades: what is committed in between waits for the next run
        rows = decide(season, of_season.picks_with_status())
        counts = write_leaderboard(conn, season, rows, now)
        applied(conn, changes)
        names = of_season.members()
    total = rows.filter(pl.col("week") == 0).join(names, on="user_id", how="left").sort("rank", "member")
    report = Report("leaderboard", season, counts)
    shown = total.rename({"first_td": "first", "any_time_td": "any time"})
    report.preview = shown.select(
        "rank", "member", "picks", "first", "any time", "points", "staked", "profit", "roi", "pending"
    ).head(20)
    report.facts = {"members": total.height, "picks": int(total["picks"].sum()), "changes applied": len(changes)}
    if rows.height:
        report.plot = partial(_plot, season, rows, total)
    else:
        report.notes.append(f"No picks in {season} yet: the leaderboard is empty")
    return report


def _plot(season: int, rows: pl.DataFrame, total: pl.DataFrame) -> Plot:
    """Points week by week, added up, of the first eight."""
    by_week = rows.filter(pl.col("week") > 0)
    weeks = sorted(set(by_week["week"]))
    series: dict[str, list[float | None]] = {}
    for user, member in total.select("user_id", "member").head(8).iter_rows():
        points = dict(by_week.filter(pl.col("user_id") == user).select("week", "points").iter_rows())
        series[member] = list(accumulate(points.get(week, 0.0) for week in weeks))
    return Plot(f"Points of {season}, added up", weeks, series, y_label="points")
