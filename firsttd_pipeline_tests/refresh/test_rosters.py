"""Claims about who was on which team in which week, and about a night without the weekly rosters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from firsttd_pipeline.refresh import League, rosters
from firsttd_pipeline.refresh.rosters import ACTIVE, only_weekly, roster_rows, roster_weeks
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared

AFTER = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEKLY = "weekly_rosters/roster_weekly_2025.parquet"


def weekly(*rows: tuple[int, str, str, str]) -> pl.DataFrame:
    """Weekly rows: week, team, player, status."""
    frame = pl.DataFrame(rows, schema=["week", "team", "gsis_id", "status"], orient="row")
    return frame.with_columns(pl.lit(2025).alias("season"))


def ranges(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return roster_weeks(frame).select("team", "player_id", "first_week", "last_week", "active").rows()


def test_a_bye_ends_no_range_and_a_week_elsewhere_does() -> None:
    found = weekly(
        *((week, "KC", "Kelce", "ACT") for week in (1, 2, 4, 5)),  # week 3 is the bye of KC
        *((week, "KC", "Moved", "ACT") for week in (1, 5)),
        *((week, "DAL", "Moved", "ACT") for week in (2, 3, 4)),
    )
    assert ranges(found) == [
        ("DAL", "Moved", 2, 4, True),
        ("KC", "Kelce", 1, 5, True),
        ("KC", "Moved", 1, 1, True),
        ("KC", "Moved", 5, 5, True),
    ]


def test_the_roster_proper_and_the_practice_squad_are_ranges_of_their_own() -> None:
    statuses = ("ACT", "INA", "DEV", "RES", "ACT")
    found = weekly(*((week, "KC", "Rookie", status) for week, status in enumerate(statuses, start=1)))
    assert ranges(found) == [
        ("KC", "Rookie", 1, 2, True),
        ("KC", "Rookie", 3, 4, False),
        ("KC", "Rookie", 5, 5, True),
    ]


def test_a_row_that_stands_twice_counts_once_and_as_active_where_one_says_so() -> None:
    found = weekly((1, "KC", "Twice", "DEV"), (1, "KC", "Twice", "ACT"), (2, "KC", "Twice", "ACT"))
    assert ranges(found) == [("KC", "Twice", 1, 2, True)]


@needs_shared
def test_the_ranges_of_the_real_season_say_of_every_week_what_the_file_says() -> None:
    frame = pl.read_parquet(MIRROR / WEEKLY).filter(pl.col("gsis_id") != "")
    told = {
        (row["team"], row["player_id"], week): row["active"]
        for row in roster_weeks(frame).iter_rows(named=True)
        for week in range(row["first_week"], row["last_week"] + 1)
    }
    given = {
        (team, player, week): status in ACTIVE
        for team, player, week, status in frame.select("team", "gsis_id", "week", "status").iter_rows()
    }
    assert {key: told[key] for key in given} == given
    weeks_of_team = {(team, week) for team, _, week in given}
    assert not [key for key in told if key not in given and (key[0], key[2]) in weeks_of_team]


def test_a_player_only_the_weekly_file_knows_gets_a_row_of_his_last_week_unless_plays_cannot_name_him() -> None:
    seasonal = pl.DataFrame(
        {
            "season": [2025],
            "team": ["KC"],
            "gsis_id": ["00-1"],
            "full_name": ["Travis Kelce"],
            "first_name": ["Travis"],
            "last_name": ["Kelce"],
            "football_name": ["Travis"],
            "position": ["TE"],
            "jersey_number": [87],
            "status": ["ACT"],
        }
    )
    weekly_rows = pl.DataFrame(
        [
            (1, "KC", "00-1", None, "Travis Kelce", "TE", "ACT"),
            (1, "KC", "00-2", None, "Short Stay", "WR", "ACT"),
            (2, "DAL", "00-2", None, "Short Stay", "WR", "CUT"),
            (1, "DAL", "SQU123456", "SQU123456", "Practice Squad", "WR", "DEV"),
        ],
        schema=["week", "team", "gsis_id", "esb_id", "full_name", "position", "status"],
        orient="row",
    ).with_columns(pl.lit(2025).alias("season"))
    rows = roster_rows(seasonal)
    added = only_weekly(weekly_rows, rows)
    assert added.schema == rows.schema
    assert added.select("player_id", "player_name", "team", "position", "status").rows() == [
        ("00-2", "Short Stay", "DAL", "WR", "CUT")
    ]


@needs_shared
def test_both_files_are_stored_and_recorded_and_an_unchanged_night_writes_neither(
    database: Database, tmp_path: Path
) -> None:
    server = Server(MIRROR)
    try:
        settings = load_settings(home=tmp_path, nflverse_url=server.url, retries=0)
        with League.open(settings) as league:
            league.db = database
            first = rosters.refresh(league, 2025, AFTER)
            assert (first.counts.inserted, first.facts["weeks with a roster"]) == (3134, 22)
            before = contents(database)
            again = rosters.refresh(league, 2025, AFTER)
        assert again.counts.changed == 0
        assert contents(database) == before
        assert [(run["dataset"], run["status"]) for run in runs(database)] == [
            ("rosters", "changed"),
            ("weekly_rosters", "changed"),
            ("rosters", "unchanged"),
            ("weekly_rosters", "unchanged"),
        ]
        meyers = [row for row in before if row["player_id"] == "00-0034960"]  # traded in November
        assert [(row["team"], row["first_week"], row["last_week"]) for row in meyers] == [
            ("JAX", 10, 19),
            ("LV", 1, 9),
        ]
    finally:
        server.stop()


@needs_shared
@pytest.mark.parametrize(
    ("season", "fault", "says", "status"),
    [
        (2024, None, "weekly rosters not published for 2024: the season's roster is used", "absent"),
        (2025, "status", "picks are understood by those of the last time", "failed"),
        (2025, "bytes", "picks are understood by those of the last time", "failed"),
    ],
    ids=["not published", "out of order", "damaged"],
)
def test_without_the_weekly_file_the_night_goes_on_and_says_so(
    sqlite_db: Database, tmp_path: Path, season: int, fault: str | None, says: str, status: str
) -> None:
    server = Server(MIRROR)
    try:
        settings = load_settings(home=tmp_path, nflverse_url=server.url, retries=0)
        with League.open(settings) as league:
            league.db = sqlite_db
            if season == 2025:
                rosters.refresh(league, season, AFTER)
            before = contents(sqlite_db)
            if fault:
                server.fault(WEEKLY, fault)  # type: ignore[arg-type]
            report = rosters.refresh(league, season, AFTER)
        assert any(says in note for note in report.notes)
        assert report.facts["players"] > 3000
        assert contents(sqlite_db) == before
        assert [run["status"] for run in runs(sqlite_db) if run["dataset"] == "weekly_rosters"][-1] == status
    finally:
        server.stop()


def contents(db: Database) -> list[dict[str, object]]:
    table = schema.roster_weeks
    order = (table.c.season, table.c.team, table.c.player_id, table.c.first_week)
    return db.frame(select(table).order_by(*order)).to_dicts()


def runs(db: Database) -> list[dict[str, object]]:
    return db.frame(select(schema.sync_runs).order_by(schema.sync_runs.c.id)).to_dicts()
