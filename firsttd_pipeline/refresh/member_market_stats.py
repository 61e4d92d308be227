"""`member_market_stats`: each member's closing-line value, expected value and luck, by what the markets said.

It looks at the leaderboard's members and never the other way round: no standing rests on a market.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import polars as pl

from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.plots import HorizontalBars
from firsttd_pipeline.storage.member_market import stats_of_members, write_member_stats
from firsttd_pipeline.storage.season import Season

_PREVIEW = (
    "member",
    "picks",
    "priced",
    "closing_line_value",
    "beat_closing",
    "expected_value",
    "judged",
    "luck",
    "note",
)


def refresh(league: League, season: int, now: datetime) -> Report:
    """Measure the season's members, in one transaction."""
    with league.db.write() as conn:
        rows = stats_of_members(conn, season, league.settings.rules)
        counts = write_member_stats(conn, season, rows, now)
        names = Season(league.db, season, conn).members()
    report = Report("member_market_stats", season, counts)
    told = rows.join(names, on="user_id", how="left").sort(
        "closing_line_value", "member", descending=[True, False], nulls_last=True
    )
    report.preview = told.select(_PREVIEW).head(20)
    report.facts = {"members": told.height}
    report.facts |= {name: int(told[name].sum()) for name in ("picks", "priced", "judged")}
    if report.facts["priced"]:
        report.plot = partial(_plot, season, told)
    else:
        report.notes.append(f"No pick of {season} has a closing line: nothing is known of the members yet")
    return report


def _plot(season: int, told: pl.DataFrame) -> HorizontalBars:
    """Luck as bars, best closing-line value first: skill orders them, luck is how far they reach."""
    priced = told.filter(pl.col("closing_line_value").is_not_null())
    names = [
        f"{value:+.1%} {member}" for member, value in priced.select("member", "closing_line_value").iter_rows()
    ]  # the value first: a long name is cut
    title = f"Members of {season} by closing-line value, and their luck"
    return HorizontalBars(title, names, priced["luck"].to_list(), "points beyond the expected ones")
