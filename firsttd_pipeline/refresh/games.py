"""`games`: the season's schedule, with kickoffs, scores and a status that follows from them.

A game that left the schedule is never removed under a pick: it is marked, and where it lives on under another id
its picks follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection

from firsttd_pipeline.domain.seasons import kickoff_expr, regular_weeks, schedule_due, status_expr
from firsttd_pipeline.refresh.base import League, RefreshError, Report
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.nflverse import Absent, Fetched
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.partitions import add_weeks, follow, mark_departed, step_aside, write_games
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline.storage.sync_log import record_absence, record_fetch

_HAND_SET = ("postponed", "cancelled")
_A_WEEK = 16
"""More games than a week has do not vanish or lose their scores in one night: the file is broken."""


def refresh(league: League, season: int, now: datetime) -> Report:
    """Bring the season's games up to date with the schedule, in one transaction.

    Raises:
        SourceError: the schedule could not be fetched or is not what it should be.
        RefreshError: the schedule has no game of this season, and it is due or was there before; or it lost more
            games or scores than a week has. Nothing was written.
    """
    try:
        fetched = league.client.schedules()
    except SourceError as error:
        league.fetch_failed("schedules", season, error, now)
        raise
    with league.db.write() as conn:
        return store(conn, league, season, fetched, now)


def store(conn: Connection, league: League, season: int, fetched: Fetched, now: datetime) -> Report:
    """Write one season of a fetched schedule inside the caller's transaction."""
    schedule = fetched.frame.filter(pl.col("season") == season)
    of_season = Season(league.db, season, conn)
    before = of_season.games().rename({"game_id": "id"})
    if schedule.is_empty():
        if before.is_empty() and not schedule_due(season, now):
            reason = f"the schedule of {season} is not published yet: it appears in May {season}"
            record_absence(conn, Absent("schedules", season, fetched.source.url, reason), now, league.run_id)
            return Report("games", season, Counts(), absence=reason)
        raise RefreshError(
            f"The schedule at {fetched.source.url} has no game of {season}: nothing was written. "
            "A season's schedule appears in May; for an earlier season check FIRSTTD_NFLVERSE_URL."
        )
    rows = game_rows(schedule, now)
    rows = keep_hand_set(rows, before)
    moves = departed(before, rows)
    _refuse_lost_games(before, rows, moves, fetched.source.url)
    listed = rows.select("season", "week").unique()
    add_weeks(conn, listed.join(of_season.weeks(), on=["season", "week"], how="anti").sort("week"))
    step_aside(conn, list(moves.twins))
    counts = write_games(conn, season, rows, now)
    counts.updated += mark_departed(conn, moves.statuses(), now)
    with signed(conn, "pipeline", why="the game has another id now", run_id=league.run_id, at=now):
        relinked = follow(conn, moves.moved, list(moves.twins))
    record_fetch(conn, source := fetched.source.for_season(season), counts, schedule.height, league.run_id)
    by_status = dict(rows.group_by("status").len().sort("status").iter_rows())
    report = Report("games", season, counts, source=source, preview=_preview(rows))
    report.facts = {f"games {name.replace('_', ' ')}": n for name, n in by_status.items()}
    report.facts["games"] = rows.height
    for old, new in moves.moved.items():
        report.notes.append(f"{old} is now {new}: {relinked.get(old, 0)} picks follow it")
    report.notes += [f"{old} left the schedule: cancelled" for old in moves.cancelled]
    return report


def game_rows(schedule: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """nflverse's schedule rows as rows of `games` (without created_at and updated_at)."""
    return (
        schedule.with_columns(kickoff_expr().alias("kickoff_at"))
        .with_columns(status_expr(now).alias("status"))
        .select(
            pl.col("game_id").alias("id"),
            pl.col("season").cast(pl.Int64),
            pl.col("week").cast(pl.Int64),
            "game_type",
            pl.col("gameday").str.to_date("%Y-%m-%d", strict=False).alias("game_date"),
            "kickoff_at",
            "home_team",
            "away_team",
            pl.col("home_score").cast(pl.Int64),
            pl.col("away_score").cast(pl.Int64),
            "status",
            pl.lit("nflverse").alias("source"),
            (pl.col("overtime") == 1).alias("overtime"),
            (pl.col("location") == "Neutral").alias("neutral_site"),
            pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("deleted_at"),
        )
        .sort("id")
    )


def keep_hand_set(rows: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """A status `postponed` or `cancelled` entered by hand stands until the schedule has a score."""
    held = before.filter(pl.col("status").is_in(_HAND_SET) & pl.col("deleted_at").is_null()).select(
        "id", pl.col("status").alias("held")
    )
    return (
        rows.join(held, on="id", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("held").is_not_null() & (pl.col("status") != "final"))
            .then("held")
            .otherwise("status")
            .alias("status")
        )
        .drop("held")
    )


def _refuse_lost_games(before: pl.DataFrame, rows: pl.DataFrame, moves: Departures, url: str) -> None:
    """A file that lost most of a season is no season called off: its picks would all be void, or wait again."""
    scored = before.filter(pl.col("home_score").is_not_null() & pl.col("deleted_at").is_null())
    unscored = rows.filter(pl.col("home_score").is_null() & pl.col("away_score").is_null())
    for lost, what in (
        (moves.cancelled, "schedule"),
        (scored.join(unscored, on="id", how="semi").sort("id")["id"].to_list(), "scores"),
    ):
        if len(lost) > _A_WEEK:
            raise RefreshError(
                f"{url} no longer has the {what} of {len(lost)} games that were there before (e.g. {lost[0]}): "
                "the file is incomplete, nothing was written. Run again later; for a mirror check FIRSTTD_NFLVERSE_URL."
            )


@dataclass
class Departures:
    """Games that the schedule no longer has: `moved` old id to new id, `twins` the same but with week and teams
    unchanged (only the id was renamed), `cancelled` the rest."""

    moved: dict[str, str] = field(default_factory=dict)
    twins: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)

    def statuses(self) -> dict[str, str]:
        """The status that each game's old row gets."""
        moved = {old: "postponed" for old in self.moved if old not in self.twins}
        return moved | dict.fromkeys(self.cancelled, "cancelled")


def departed(before: pl.DataFrame, rows: pl.DataFrame) -> Departures:
    """Decide what became of the games that the schedule no longer has.

    A game has moved when a game new to us, or back after it had left, has the same two teams (home and away as before,
    else swapped) in the same part of the season: a playoff game of two teams whose own game was called off is another
    game (2022_17_BUF_CIN and 2022_20_CIN_BUF). What left earlier comes last: it does not take the new place of a game
    that moves now.
    """
    known = set(before.filter(pl.col("deleted_at").is_null())["id"])
    listed = set(rows["id"])
    fresh: dict[tuple[str, str, bool], list[dict[str, object]]] = {}
    for row in rows.filter(~pl.col("id").is_in(list(known))).iter_rows(named=True):
        fresh.setdefault((row["home_team"], row["away_team"], _is_playoff(row)), []).append(row)
    found = Departures()
    for row in before.sort(pl.col("deleted_at").is_not_null(), "id").iter_rows(named=True):
        if row["id"] in listed:
            continue
        home, away, playoff = row["home_team"], row["away_team"], _is_playoff(row)
        candidates = fresh.get((home, away, playoff)) or fresh.get((away, home, playoff))
        if candidates:
            new = candidates.pop(0)
            same_place = (new["week"], new["home_team"], new["away_team"]) == (row["week"], home, away)
            (found.twins if same_place else found.moved)[row["id"]] = str(new["id"])
        elif row["deleted_at"] is None:
            found.cancelled.append(row["id"])
    found.moved.update(found.twins)
    return found


def _is_playoff(game: dict[str, Any]) -> bool:
    """By the week, not by game_type: rows of other programs may lack that."""
    return bool(game["week"] > regular_weeks(game["season"]))


def _preview(rows: pl.DataFrame) -> pl.DataFrame:
    played = rows.filter(pl.col("status") == "final").sort("kickoff_at", descending=True).head(5)
    coming = rows.filter(pl.col("status") != "final").sort("kickoff_at").head(5)
    score = pl.format("{}-{}", "away_score", "home_score").alias("score")
    names = {"id": "game", "game_type": "type", "kickoff_at": "kickoff", "away_team": "away", "home_team": "home"}
    return pl.concat([played, coming]).select(*names, score, "status").rename(names)
