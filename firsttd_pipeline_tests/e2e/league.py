"""A whole league for a test: its home, a run of the season without Dagster, and what its tables hold.

Tables are compared by what a person would call the same row: ids become names, times become whether they are set.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Table, select, text

from firsttd_pipeline.checks import CHECKS
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh import League, Report, games, rosters, run_season
from firsttd_pipeline.settings import Settings, load_settings
from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import add_member
from firsttd_pipeline.storage.pick_import import ImportReport, import_picks
from firsttd_pipeline.storage.season import Season

SEASON = 2025
BEFORE = datetime(2025, 9, 1, 12, tzinfo=UTC)
"""Before the first kickoff of 2025."""
WEEK_TWO_PLAYED = datetime(2025, 9, 20, 12, tzinfo=UTC)
AFTER = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""After the last game of 2025, when every grade is official."""

Row = dict[str, Any]
Tables = dict[str, dict[tuple[Any, ...], Row]]

KEYS: dict[str, tuple[str, ...]] = {
    "users": ("name",),
    "weeks": ("season", "week"),
    "games": ("id",),
    "rosters": ("season", "team", "player_id"),
    "touchdowns": ("game_id", "play_id"),
    "game_records": ("game_id",),
    "kickoff_decisions": ("game_id",),
    "team_ratings": ("season", "week", "team"),
    "picks": ("pick",),
    "pick_status": ("pick",),
    "results": ("pick",),
    "player_stats": ("season", "player_id"),
    "leaderboard": ("season", "week", "user"),
    "quarantine": ("table_name", "season", "key"),
}
"""What tells two rows of a table apart, whatever their ids."""

_TIMES = {"created_at", "updated_at", "graded_at"}
_LAST_FILE = {"source_sha256"}  # of the file in which a game's plays last changed
_WHETHER_SET = {"retired_at", "deleted_at", "resolved_at"}


def settings_for(home: Path, url: str, **more: Any) -> Settings:
    """The settings of a league in `home`; a fault is not tried again unless `retries` says so."""
    return load_settings(home=home, nflverse_url=url, **{"retries": 0, "backoff": 0.01, "busy_timeout": 5.0, **more})


def refresh(settings: Settings, season: int = SEASON, now: datetime = AFTER) -> dict[str, Report]:
    """Run every asset's work for a season, as the nightly job does; reports by asset."""
    with League.open(settings) as league:
        return {report.asset: report for report in run_season(league, season, now)}


def checked(settings: Settings, season: int = SEASON, now: datetime = AFTER) -> dict[str, list[Violation]]:
    """The checks that do not hold, as `asset.check`."""
    with League.open(settings) as league:
        found = {
            f"{asset}.{check.name}": check.run(Season(league.db, season), now)
            for asset, checks in CHECKS.items()
            for check in checks
        }
    return {name: violations for name, violations in found.items() if violations}


def bring_in(settings: Settings, sheet: str, now: datetime, members: Mapping[str, float | None]) -> ImportReport:
    """Import a sheet of picks in the plain or the league's form; members (name to base bet) come first."""
    with League.open(settings) as league:

        def ensure(db: Database, season: int) -> None:
            target = League(settings, db, league.client)
            games.refresh(target, season, now)
            rosters.refresh(target, season, now)

        for name, base_bet in members.items():
            add_member(league.db, name, base_bet=base_bet)
        report = import_picks(
            league.db, sheet, season=SEASON, now=now, late_reason="told by the members",
            ensure_season=ensure, create_members=True,
        )  # fmt: skip
    assert [(row.line, row.typed, row.reason) for row in report.bad] == []
    assert report.applied
    return report


def execute(settings: Settings, sql: str, **values: Any) -> int:
    """Write with plain SQL, as the old application does; returns the rows written."""
    db = Database(settings.database)
    try:
        with db.write() as conn:
            return conn.execute(text(sql), values).rowcount
    finally:
        db.close()


def query(settings: Settings, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    """Rows of a plain SQL select."""
    db = Database(settings.database)
    try:
        with db.read() as conn:
            return [tuple(row) for row in conn.execute(text(sql), values)]
    finally:
        db.close()


def raw(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table as it is, ids and times too, but for the logs of what was fetched and what failed."""
    db = Database(settings.database)
    try:
        with db.read() as conn:
            return {
                table.name: sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
                for table in schema.metadata.sorted_tables
                if table.name not in ("sync_runs", "run_failures", "market_venues")
            }
    finally:
        db.close()


def tables(settings: Settings) -> Tables:
    """What every table says, by key, without ids and times."""
    db = Database(settings.database)
    try:
        with db.read() as conn:
            frames = {name: db.frame(select(schema.metadata.tables[name]), conn=conn) for name in KEYS}
    finally:
        db.close()
    users = dict(frames["users"].select("id", "name").iter_rows())
    weeks = {row[0]: (row[1], row[2]) for row in frames["weeks"].select("id", "season", "week").iter_rows()}
    on_roster = {row[0]: row[1:] for row in frames["rosters"].select("id", "season", "team", "player_id").iter_rows()}
    picks = {
        row["id"]: (users[row["user_id"]], *weeks[row["week_id"]], row["player_name"])
        for row in frames["picks"].iter_rows(named=True)
    }
    return {name: _said(name, frame, users, weeks, on_roster, picks) for name, frame in frames.items()}


def _said(name: str, frame: pl.DataFrame, users: Any, weeks: Any, on_roster: Any, picks: Any) -> dict[Any, Row]:
    said = {}
    for found in frame.iter_rows(named=True):
        row: Row = {}
        for column, value in found.items():
            if column in _TIMES or column in _LAST_FILE:
                continue
            if column in _WHETHER_SET:
                row[column] = value is not None
            elif column == "user_id":
                row["user"] = users[value]
            elif column == "week_id":
                row["week"] = weeks[value]
            elif column == "roster_id":
                row["roster"] = on_roster[value]
            elif column == "pick_id":
                row["pick"] = picks[value]
            elif column != "id" or name == "games":
                row[column] = value
        if name == "picks":
            row["pick"] = picks[found["id"]]
        key = tuple(row[column] for column in KEYS[name])
        assert key not in said, f"{name} has {key} twice"
        said[key] = row
    return said


def differences(before: Tables, after: Tables) -> dict[str, dict[Any, Any]]:
    """By table and key: `"new"`, `"gone"`, or the columns that changed as (old, new). Tables without any are left out.

    A key of one part is that part.
    """
    found: dict[str, dict[Any, Any]] = {}
    for name in KEYS:
        old, new = before[name], after[name]
        rows: dict[Any, Any] = {}
        for key in old.keys() | new.keys():
            short = key[0] if len(key) == 1 else key
            if key not in old:
                rows[short] = "new"
            elif key not in new:
                rows[short] = "gone"
            elif old[key] != new[key]:
                rows[short] = {c: (old[key][c], new[key][c]) for c in old[key] if old[key][c] != new[key][c]}
        if rows:
            found[name] = rows
    return found


def table(name: str) -> Table:
    return schema.metadata.tables[name]


def integrity(settings: Settings) -> list[tuple[Any, ...]]:
    """What SQLite finds wrong in the file: nothing in a sound one."""
    found = query(settings, "PRAGMA integrity_check") + query(settings, "PRAGMA foreign_key_check")
    return [row for row in found if row != ("ok",)]
