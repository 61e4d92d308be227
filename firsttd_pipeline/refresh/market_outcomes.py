"""`market_outcomes`: how the venues settled their legs, beside who scored first by the plays.

Nothing is fetched here and no grade rests on it: what the venues say is `market_odds`'s.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.calibration import scores_by
from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.market_pictures import longshot_bands, longshot_picture, reliability_picture
from firsttd_pipeline.storage.market_outcomes import judged_closings, write_outcomes
from firsttd_pipeline.storage.season import Season

_PREVIEW = ("source", "game_id", "player_name", "player_id", "resolved_outcome", "actual_first_td_scorer")


def refresh(league: League, season: int, now: datetime) -> Report:
    """Store the outcomes of the season's settled legs, in one transaction."""
    with league.db.write() as conn:
        of_season = Season(league.db, season, conn)
        counts = write_outcomes(conn, of_season, now)
        rows = of_season.market_outcomes()
        judged = judged_closings(conn, season).with_columns((pl.col("outcome") == 1.0).alias("won"))
    report = Report("market_outcomes", season, counts)
    unmatched = pl.col("game_id").is_null() | pl.col("player_id").is_null()
    for (source,), legs in rows.sort("source").group_by("source", maintain_order=True):
        name = NAMES.get(str(source), str(source))
        tally = dict(legs.group_by("resolved_outcome").len().iter_rows())
        report.facts |= {f"{name}: {outcome}": int(tally.get(outcome, 0)) for outcome in ("yes", "no", "void")}
        report.facts[f"{name}: unmatched"] = legs.filter(unmatched).height
    for row in scores_by(judged, ["source"]).iter_rows(named=True):
        name = NAMES.get(row["source"], row["source"])
        report.facts |= {f"{name}: Brier score": row["brier"], f"{name}: log loss": row["log_loss"]}
        if row["note"]:
            report.notes.append(f"{name}: {row['note']}")
    report.preview = (
        rows.sort("resolution_time", "market_id", descending=True, nulls_last=True).select(_PREVIEW).head(10)
    )
    drawn = reliability_picture(season, judged), longshot_picture(season, longshot_bands(judged))
    pictures = [picture for picture in drawn if picture is not None]
    if pictures:
        report.plot = lambda: pictures
    if rows.is_empty():
        report.notes.append(f"No leg of {season} is settled yet")
    return report
