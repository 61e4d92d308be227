"""`player_stats`: one row per player of the season's rosters, counted from touchdowns, plays, rosters and picks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Select, select

from firsttd_pipeline.domain.standings import player_stats as decide
from firsttd_pipeline.domain.usage import usage
from firsttd_pipeline.refresh.base import League, Report, last_fetch, record_absence, record_failure, record_fetch
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent
from firsttd_pipeline.storage.schema import (
    game_records,
    games,
    pick_status,
    picks,
    player_stats,
    results,
    rosters,
    touchdowns,
    weeks,
)
from firsttd_pipeline.storage.sync import Counts, sync_partition

_OF_ROSTERS = ("id", "player_id", "player_name", "team", "position", "retired_at")


def refresh(league: League, season: int, now: datetime) -> Report:
    """Recount the season's players, in one transaction.

    Raises:
        SourceError: the weekly rosters could not be fetched or are not what they should be.
    """
    try:
        weekly = league.client.weekly_rosters(season, now)
    except SourceError as error:
        record_failure(league, "weekly_rosters", season, error, now)
        raise
    with league.db.write() as conn:

        def read(query: Select[Any]) -> pl.DataFrame:
            return league.db.frame(query, conn=conn)

        of_games = read(
            select(games.c.id.label("game_id"), games.c.week, games.c.home_team, games.c.away_team, games.c.status)
            .where(games.c.season == season, games.c.deleted_at.is_(None))
        )  # fmt: skip
        plays = _plays(league, last_fetch(conn, "pbp", season), isinstance(weekly, Absent))
        used = usage(plays, None if isinstance(weekly, Absent) else weekly.frame, of_games)
        graded = read(
            select(picks.c.id.label("pick_id"), picks.c.player_id, picks.c.game_id, results.c.is_correct)
            .join(weeks, weeks.c.id == picks.c.week_id)
            .outerjoin(results, results.c.pick_id == picks.c.id)
            .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
            .where(weeks.c.season == season)
        )
        rows = decide(
            season,
            rosters=read(select(*(rosters.c[name] for name in _OF_ROSTERS)).where(rosters.c.season == season)),
            games=of_games,
            touchdowns=read(
                select(touchdowns.c.game_id, touchdowns.c.player_id, touchdowns.c.is_first_td)
                .join(games, games.c.id == touchdowns.c.game_id)
                .where(games.c.season == season)
            ),
            usage=used,
            picks=graded,
            records=read(select(game_records.c.game_id).where(game_records.c.season == season)),
        )
        counts = sync_partition(
            conn,
            player_stats,
            rows,
            key=("season", "player_id"),
            scope=player_stats.c.season == season,
            missing="delete",
            now=now,
        )
        if isinstance(weekly, Absent):
            record_absence(conn, league, weekly, now)
        else:
            record_fetch(conn, league, weekly.source, Counts(unchanged=weekly.frame.height), weekly.frame.height)
    report = Report("player_stats", season, counts, source=None if isinstance(weekly, Absent) else weekly.source)
    report.preview = (
        rows.sort("first_td_count", "any_time_td_count", "player_id", descending=[True, True, False])
        .select("player_name", "team", "position", "games_played", "first_td_count", "any_time_td_count", "recent_form")
        .head(10)
    )
    report.facts = {
        "players": rows.height,
        "position unknown": rows.filter(pl.col("position").is_null()).height,
        "players with a touchdown": rows.filter(pl.col("any_time_td_count") > 0).height,
    }
    if isinstance(weekly, Absent):
        report.notes.append(weekly.reason)
    return report


def _plays(league: League, source: object, participants: bool) -> pl.DataFrame | None:
    return None if source is None else league.client.read_plays(source, participants=participants)  # type: ignore[arg-type]
