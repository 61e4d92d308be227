"""`player_stats`: one row per player of the season's rosters, counted from touchdowns, plays, rosters and picks."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.standings import player_stats as decide
from firsttd_pipeline.domain.usage import usage
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent, Fetched, SourceFile
from firsttd_pipeline.storage.grade_triggers import hold_counts
from firsttd_pipeline.storage.legacy_stats import settle_old_rows
from firsttd_pipeline.storage.partitions import write_player_stats
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import last_fetch, record_absence, record_fetch

_PREVIEW = {
    "player_name": "player",
    "team": "team",
    "position": "position",
    "games_played": "games",
    "first_td_count": "first",
    "any_time_td_count": "any time",
    "recent_form": "form",
}


def refresh(league: League, season: int, now: datetime) -> Report:
    """Recount the season's players, in one transaction.

    Raises:
        SourceError: the weekly rosters could not be fetched or are not what they should be.
    """
    with league.db.read() as conn:
        source = last_fetch(conn, "pbp", season)
        before = last_fetch(conn, "weekly_rosters", season) if league.uses_what_is_there else None
    kept = None if before is None else _kept(league, before)
    try:
        weekly = kept or league.client.weekly_rosters(season, now)
    except SourceError as error:
        league.fetch_failed("weekly_rosters", season, error, now)
        raise
    plays = _plays(league, source, isinstance(weekly, Absent))  # before the lock: a lost file is fetched again
    with league.db.write() as conn:
        hold_counts(conn, season)  # a grade that another program writes meanwhile counts after this, not under it
        of_season = Season(league.db, season, conn)
        games = of_season.current_games()
        rosters = of_season.rosters()
        rows = decide(
            season,
            rosters=rosters,
            games=games,
            touchdowns=of_season.touchdowns(),
            usage=usage(plays, None if isinstance(weekly, Absent) else weekly.frame, games),
            picks=of_season.graded_picks(),
            records=of_season.records(),
        )
        counts = write_player_stats(conn, season, rows, now)
        old_rows = settle_old_rows(conn, season, rosters, now)
        if isinstance(weekly, Absent):
            record_absence(conn, weekly, now, league.run_id)
        elif weekly is not kept:
            record_fetch(conn, weekly.source, Counts(unchanged=weekly.frame.height), weekly.frame.height, league.run_id)
    report = Report("player_stats", season, counts, source=None if isinstance(weekly, Absent) else weekly.source)
    report.preview = (
        rows.sort("first_td_count", "any_time_td_count", "player_id", descending=[True, True, False])
        .select(*_PREVIEW)
        .rename(_PREVIEW)
        .head(10)
    )
    report.facts = {
        "players": rows.height,
        "position unknown": rows.filter(pl.col("position").is_null()).height,
        "players with a touchdown": rows.filter(pl.col("any_time_td_count") > 0).height,
    }
    if isinstance(weekly, Absent):
        report.notes.append(weekly.reason)
    if old_rows is not None:
        report.notes += old_rows.sentences(season)
        report.facts |= {"old rows": old_rows.total, "old rows settled": old_rows.total - old_rows.open}
        report.facts["old rows open"] = old_rows.open
    return report


def _kept(league: League, source: SourceFile) -> Fetched | None:
    """The weekly rosters that were fetched before; None where their copy is lost and upstream has another version."""
    try:
        return Fetched(league.client.read_weekly(source), source)
    except SourceError:
        return None


def _plays(league: League, source: SourceFile | None, participants: bool) -> pl.DataFrame | None:
    return None if source is None else league.client.read_plays(source, participants=participants)
