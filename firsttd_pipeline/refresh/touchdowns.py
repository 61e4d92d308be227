"""`touchdowns`: every valid touchdown of the season, and how far each game's plays reach."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import polars as pl
from sqlalchemy import Connection

from firsttd_pipeline.domain.touchdowns import extract_touchdowns, game_records
from firsttd_pipeline.refresh.base import League, RefreshError, Report
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent, Fetched
from firsttd_pipeline.storage.partitions import write_records, write_touchdowns
from firsttd_pipeline.storage.quarantine import set_aside
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import record_absence, record_fetch

_UNKNOWN_GAME = "its game is not in the schedule"


def refresh(league: League, season: int, now: datetime) -> Report:
    """Bring the season's touchdowns up to date with upstream's plays, in one transaction.

    Raises:
        SourceError: the plays could not be fetched or are not what they should be.
        RefreshError: upstream's file lost games that it had before; nothing was written.
    """
    with league.db.read() as conn:
        schedule = Season(league.db, season, conn).current_games()
    try:
        fetched = league.client.plays(season, schedule=schedule, now=now)
    except SourceError as error:
        league.fetch_failed("pbp", season, error, now)
        raise
    with league.db.write() as conn:
        if isinstance(fetched, Absent):
            record_absence(conn, fetched, now, league.run_id)
            return Report("touchdowns", season, Counts(), absence=fetched.reason)
        return store(conn, league, season, fetched, now)


def store(conn: Connection, league: League, season: int, fetched: Fetched, now: datetime) -> Report:
    """Write one season of fetched plays inside the caller's transaction."""
    of_season = Season(league.db, season, conn)
    current = of_season.current_games().select("game_id")
    records = game_records(fetched.frame)
    _refuse_lost_games(of_season.records(), records, current, fetched.source.url)
    scored = extract_touchdowns(fetched.frame)
    rows = scored.join(current, on="game_id", how="semi")
    records = records.join(current, on="game_id", how="semi").with_columns(
        pl.lit(fetched.source.sha256).alias("source_sha256")
    )
    counts = write_touchdowns(conn, season, rows, now)
    write_records(conn, season, records, now)
    strangers = scored.join(current, on="game_id", how="anti")
    aside = set_aside(
        conn,
        "touchdowns",
        season,
        strangers,
        key=("game_id", "play_id"),
        reason=_UNKNOWN_GAME,
        source=fetched.source.url,
        now=now,
    )
    record_fetch(conn, fetched.source, counts, fetched.frame.height, league.run_id)
    report = Report("touchdowns", season, counts, source=fetched.source, preview=_preview(rows))
    unknown = rows.filter(pl.col("player_id").is_null())
    report.facts = {
        "plays": fetched.frame.height,
        "games with plays": records.height,
        "touchdowns": rows.height,
        "first touchdowns": int(rows["is_first_td"].sum()),
        "scorer unknown": unknown.height,
        "in quarantine": aside,
    }
    report.plot = partial(_plot, season, rows, fetched.frame)
    if unknown.height:
        report.notes.append(
            f"{unknown.height} touchdowns have no scorer upstream, {int(unknown['is_first_td'].sum())} of them first "
            "touchdowns: picks that they could concern wait"
        )
    if aside:
        report.notes.append(f"{aside} touchdowns stand in quarantine: {_UNKNOWN_GAME}")
    return report


def _refuse_lost_games(had: pl.DataFrame, records: pl.DataFrame, current: pl.DataFrame, url: str) -> None:
    """Plays that were there and are gone mean a half-written file upstream, not a game that was never played."""
    lost = had.join(current, on="game_id", how="semi").join(records, on="game_id", how="anti").sort("game_id")
    if lost.height:
        raise RefreshError(
            f"{url} no longer has the plays of {lost.height} games that were there before (e.g. {lost['game_id'][0]}): "
            "the file is incomplete, nothing was written. Run again later; if upstream really withdrew them, delete "
            "their rows from game_records first."
        )


def _plot(season: int, rows: pl.DataFrame, plays: pl.DataFrame) -> Plot:
    weeks = plays.select("game_id", "week").unique()
    counted = rows.join(weeks, on="game_id").group_by("week").agg(
        pl.len().alias("all"), pl.col("is_first_td").sum().alias("first")
    ).sort("week")  # fmt: skip
    later = (counted["all"] - counted["first"]).to_list()
    return Plot(
        f"Touchdowns of {season} by week",
        counted["week"].to_list(),
        {"first": counted["first"].to_list(), "later": later},
        y_label="touchdowns",
        bars=True,
    )


def _preview(rows: pl.DataFrame) -> pl.DataFrame:
    columns = ["game_id", "player_name", "team", "quarter", "clock", "kind", "description"]
    return rows.filter(pl.col("is_first_td")).sort("game_id", descending=True).select(columns).head(10)
