"""`team_ratings`: Elo of every team, week by week, from the schedule's whole history."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import polars as pl

from firsttd_pipeline.domain.ratings import elo_ratings
from firsttd_pipeline.refresh.base import League, RefreshError, Report
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.storage.partitions import write_ratings
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import last_absence, last_fetch


def refresh(league: League, season: int, now: datetime) -> Report:
    """Rate the season's teams from the schedule that `games` fetched.

    Raises:
        RefreshError: no schedule was fetched yet.
    """
    with league.db.read() as conn:
        source = last_fetch(conn, "schedules", season)
        absence = last_absence(conn, "schedules", season)
    if absence is not None:
        return Report("team_ratings", season, Counts(), absence=absence)
    if source is None:
        raise RefreshError(f"No schedule was fetched for {season} yet: materialise `games` of this season first.")
    rows = elo_ratings(league.client.read_schedules(source), season)
    with league.db.write() as conn:
        counts = write_ratings(conn, season, rows, now)
    last = rows.filter(pl.col("week") == pl.col("week").max()).sort("elo_rating", descending=True)
    report = Report("team_ratings", season, counts, source=source)
    report.preview = last.select("team", "week", "elo_rating", "wins", "losses", "ties", "rating_trend").head(10)
    report.facts = {"teams": last.height, "weeks rated": int(rows["week"].max() or 0)}  # type: ignore[arg-type]
    report.plot = partial(_plot, season, rows, last)
    return report


def _plot(season: int, rows: pl.DataFrame, last: pl.DataFrame) -> Plot:
    shown = [*last["team"].head(4), *last["team"].tail(4)]
    weeks = sorted(set(rows["week"]))
    series: dict[str, list[float | None]] = {}
    for team in shown:
        ratings = dict(rows.filter(pl.col("team") == team).select("week", "elo_rating").iter_rows())
        series[team] = [ratings.get(week) for week in weeks]
    return Plot(f"Elo of {season}: the best and the last four", weeks, series, y_label="Elo")
