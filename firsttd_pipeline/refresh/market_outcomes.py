"""`market_outcomes`: how the venues settled their legs, beside who scored first by the plays.

Nothing is fetched here and no grade rests on it: what the venues say is `market_odds`'s.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.calibration import scores_by
from firsttd_pipeline.domain.markets import NAMES, SOURCES
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.market_pictures import longshot_bands, longshot_picture, reliability_picture
from firsttd_pipeline.storage.market_outcomes import judged_closings, known_firsts, write_outcomes
from firsttd_pipeline.storage.season import Season

_SHOWN = {"yes": 10, "void": 5}


def refresh(league: League, season: int, now: datetime) -> Report:
    """Store the outcomes of the season's settled legs, in one transaction."""
    with league.db.write() as conn:
        of_season = Season(league.db, season, conn)
        counts = write_outcomes(conn, of_season, now)
        rows = of_season.market_outcomes()
        firsts = known_firsts(of_season)
        judged = judged_closings(conn, of_season).with_columns((pl.col("outcome") == 1.0).alias("won"))
    report = Report("market_outcomes", season, counts)
    scores = scores_by(judged, ["source"])
    report.tables["venues"] = venues_table(rows, scores)
    report.facts |= {name: int((rows["resolved_outcome"] == name).sum()) for name in ("yes", "no", "void")}
    for row in scores.iter_rows(named=True):
        name = NAMES.get(row["source"], row["source"])
        report.facts[f"{name}: Brier score"] = row["brier"]
        if row["note"]:
            report.notes.append(f"{name}: {row['note']}")
    report.preview = preview_of(rows, firsts)
    drawn = reliability_picture(season, judged), longshot_picture(season, longshot_bands(judged))
    pictures = [picture for picture in drawn if picture is not None]
    if pictures:
        report.plot = lambda: pictures
    else:
        report.undrawn = f"nothing to draw: no leg of {season} with a closing line is settled yet"
    if rows.is_empty():
        report.notes.append(f"No leg of {season} is settled yet")
    return report


def venues_table(outcomes: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """A row a venue: how its legs ended, how many of them are on nobody we know, and how good its prices were."""
    unmatched = pl.col("game_id").is_null() | pl.col("player_id").is_null()
    ends = [(pl.col("resolved_outcome") == name).sum().alias(name) for name in ("yes", "no", "void")]
    told = outcomes.group_by("source").agg(*ends, unmatched.sum().alias("unmatched"))
    judged = scores.select("source", pl.col("n").alias("judged"), "brier", "log_loss")
    both = told.join(judged, on="source", how="full", coalesce=True)
    places = {source: place for place, source in enumerate(SOURCES)}
    order = pl.col("source").replace_strict(places, default=len(SOURCES), return_dtype=pl.Int64)
    return (
        both.sort(order, "source")
        .with_columns(pl.col("yes", "no", "void", "unmatched", "judged").fill_null(0))
        .rename({"source": "venue", "brier": "Brier score"})
        .with_columns(pl.col("venue").replace(NAMES))
    )


def preview_of(outcomes: pl.DataFrame, firsts: pl.DataFrame) -> pl.DataFrame:
    """Whom the venues paid, latest first, then what was void, each beside our plays' first scorer; of a season that
    has neither, some of what lost.
    """
    latest = outcomes.sort("resolution_time", "market_id", descending=True, nulls_last=True)
    shown = pl.concat([latest.filter(resolved_outcome=end).head(most) for end, most in _SHOWN.items()])
    who = firsts.select(
        "game_id",
        pl.when(pl.col("scorer") == "NO_TD")
        .then(pl.lit("no touchdown"))
        .otherwise(pl.concat_str("player_name", "dst", separator=", ", ignore_nulls=True))
        .alias("the plays say"),
    )
    return (
        (shown if shown.height else latest.head(_SHOWN["yes"]))
        .join(who, on="game_id", how="left", maintain_order="left")
        .select(
            pl.col("game_id").alias("game"),
            pl.col("source").replace(NAMES).alias("venue"),
            pl.col("player_name").alias("on"),
            pl.col("resolved_outcome").alias("outcome"),
            pl.col("the plays say").fill_null("not known"),
        )
    )
