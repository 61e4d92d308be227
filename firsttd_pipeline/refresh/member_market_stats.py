"""`member_market_stats`: each member's closing-line value, expected value and luck, by what the markets said.

It looks at the leaderboard's members and never the other way round: no standing rests on a market.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.calibration import SMALL_SAMPLE
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.market_pictures import members_picture
from firsttd_pipeline.storage.member_market import stats_of_members, write_member_stats
from firsttd_pipeline.storage.season import Season

_PREVIEW = {
    "member": "member",
    "picks": "picks",
    "priced": "priced",
    "closing_line_value": "line value",
    "beat_closing": "beat it",
    "expected_value": "worth",
    "judged": "judged",
    "luck": "luck",
}


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
    report.preview = told.select(*_PREVIEW).rename(_PREVIEW).head(20)
    report.facts = {"members": told.height}
    report.facts |= {name: int(told[name].sum()) for name in ("picks", "priced", "judged")}
    picture = members_picture(season, told)
    if picture is not None:
        report.plot = lambda: picture
    else:
        report.undrawn = f"nothing to draw: no graded pick of {season} has a fair closing probability yet"
    if not report.facts["priced"]:
        report.notes.append(f"No pick of {season} has a closing line: nothing is known of the members yet")
    elif few := told.filter(pl.col("judged") < SMALL_SAMPLE).height:
        of_all = f"{few} of {told.height} members have fewer than {SMALL_SAMPLE} judged picks"
        report.notes.append(f"{of_all}: their luck and line value are mostly chance")
    return report
