"""`rosters` and `roster_weeks`: who was on which team in a season and in which of its weeks, by gsis_id.

A seasonal row that upstream lost is retired, not deleted. The weekly rosters are a help, never a condition: without
them the seasonal ones have to do, and the report says so.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent, Fetched
from firsttd_pipeline.storage.partitions import write_roster_weeks, write_rosters
from firsttd_pipeline.storage.quarantine import set_aside
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import record_absence, record_fetch

ACTIVE = ("ACT", "INA")
"""The statuses of players on the roster proper: in the game, or left out of it on the day."""


def refresh(league: League, season: int, now: datetime) -> Report:
    """Bring the season's rosters up to date, in one transaction.

    Raises:
        SourceError: the seasonal roster could not be fetched or is not what it should be.
    """
    try:
        fetched = league.client.rosters(season, now)
    except SourceError as error:
        league.fetch_failed("rosters", season, error, now)
        raise
    if isinstance(fetched, Absent):
        with league.db.write() as conn:
            record_absence(conn, fetched, now, league.run_id)
        return Report("rosters", season, Counts(), absence=fetched.reason)
    weekly = _weekly(league, season, now)
    rows = roster_rows(fetched.frame)
    extra = only_weekly(weekly.frame, rows) if isinstance(weekly, Fetched) else rows.clear()
    with league.db.write() as conn:
        if extra.height:
            extra = completed(extra, Season(league.db, season, conn).rosters())
            rows = pl.concat([rows, extra]).sort("team", "player_id")
        counts = write_rosters(conn, season, rows, now)
        left_out = set_aside(
            conn,
            "rosters",
            season,
            fetched.left_out,
            key=("full_name", "team"),
            reason="no id or no name upstream: the player cannot be told from others",
            source=fetched.source.url,
            now=now,
        )
        record_fetch(conn, fetched.source, counts, fetched.frame.height, league.run_id)
        if isinstance(weekly, Absent):
            record_absence(conn, weekly, now, league.run_id)
        elif isinstance(weekly, Fetched):
            by_week = write_roster_weeks(conn, season, roster_weeks(weekly.frame), now)
            record_fetch(conn, weekly.source, by_week, weekly.frame.height, league.run_id)
    report = Report("rosters", season, counts, source=fetched.source, preview=_preview(rows))
    known = rows.filter(pl.col("position").is_not_null()).height
    report.facts = {
        "players": rows["player_id"].n_unique(),
        "teams": rows["team"].n_unique(),
        "rows without a position": rows.height - known,
        "rows in quarantine": left_out,
    }
    if isinstance(weekly, Fetched):
        report.facts["weeks with a roster"] = weekly.frame["week"].n_unique()
    else:
        report.notes.append(weekly.reason if isinstance(weekly, Absent) else weekly)
    return report


def _weekly(league: League, season: int, now: datetime) -> Fetched | Absent | str:
    """The weekly rosters; why they could not be read, where that failed: the night goes on with what is there.

    `player_stats`, which counts by them, asks again and fails if they are still not to be had.
    """
    try:
        return league.client.weekly_rosters(season, now)
    except SourceError as error:
        league.fetch_failed("weekly_rosters", season, error, now)
        return f"The weekly rosters could not be read, so picks are understood by those of the last time: {error}"


def roster_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """nflverse's roster rows as rows of `rosters` (without id, retired_at and times)."""
    return frame.select(
        pl.col("season").cast(pl.Int64),
        "team",
        pl.col("gsis_id").alias("player_id"),
        pl.col("full_name").alias("player_name"),
        "first_name",
        "last_name",
        "football_name",
        "position",
        pl.col("jersey_number").cast(pl.Int64),
        "status",
    ).sort("team", "player_id")


def roster_weeks(weekly: pl.DataFrame) -> pl.DataFrame:
    """nflverse's weekly rows as rows of `roster_weeks` (without id): from which week to which on which team.

    A week in which the team itself has no rows (its bye) ends no range; being on the roster proper or not does.
    """
    number = {name: pl.col(name).cast(pl.Categorical).to_physical().cast(pl.Int64) for name in ("team", "gsis_id")}
    player = pl.col("player")
    rows = (
        weekly.lazy()
        .select(
            pl.col("season").cast(pl.Int64),
            "team",
            pl.col("gsis_id").alias("player_id"),
            pl.col("week").cast(pl.Int64),
            pl.col("status").is_in(ACTIVE).fill_null(False).alias("active"),
            number["team"].alias("of_team"),
            (number["gsis_id"] * 1_000 + number["team"]).alias("player"),  # sorting by text costs four times as much
        )
        .with_columns(pl.col("week").rank("dense").over("of_team").cast(pl.Int64).alias("turn"))
        .sort("player", "week", "active", descending=[False, False, True])
    )
    same = player == player.shift()
    rows = rows.filter(~(same & (pl.col("week") == pl.col("week").shift())).fill_null(False))
    goes_on = same & (pl.col("turn") == pl.col("turn").shift() + 1) & (pl.col("active") == pl.col("active").shift())
    return (
        rows.with_columns((~goes_on).fill_null(True).cum_sum().alias("range"))
        .group_by("range")
        .agg(
            pl.first("season", "team", "player_id"),
            pl.col("week").min().alias("first_week"),
            pl.col("week").max().alias("last_week"),
            pl.first("active"),
        )
        .drop("range")
        .sort("team", "player_id", "first_week")
        .collect()
    )


def only_weekly(weekly: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `rosters` for players whom only the weekly file knows, from their last week: a name needs a row.

    One who is known by his esb_id alone is left: plays name nobody by it, so no pick on him could be graded.
    """
    named = pl.col("full_name").is_not_null()
    if "esb_id" in weekly.columns:
        named &= pl.col("gsis_id").ne_missing(pl.col("esb_id"))
    missing = weekly.filter(named).join(rows, left_on="gsis_id", right_on="player_id", how="anti")
    last = missing.sort("week", "team").unique("gsis_id", keep="last", maintain_order=True)
    given = {
        "player_id": "gsis_id",
        "player_name": "full_name",
        **{name: name for name in ("season", "team", "position", "status")},
    }
    return last.select(
        (pl.col(given[name]) if name in given else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in rows.schema.items()
    )


def completed(extra: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Rows of `only_weekly` with what the weekly file does not say as it is stored: the seasonal file once said it."""
    unsaid = ["first_name", "last_name", "football_name", "jersey_number"]
    key = ["team", "player_id"]
    told = extra.join(stored.select(*key, *unsaid), on=key, how="left", suffix="_stored", maintain_order="left")
    return told.with_columns(pl.coalesce(name, f"{name}_stored").alias(name) for name in unsaid).select(extra.columns)


def _preview(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select("team", "player_name", "position", "jersey_number", "status", "player_id").head(10)
