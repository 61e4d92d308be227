"""What the markets say of the members: of their picks, the priced ones and the judged ones, however many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from sqlalchemy import insert

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.member_market import stats_of_members, write_member_stats
from firsttd_pipeline.storage.pick_prices import write_pick_prices
from firsttd_pipeline.storage.schema import market_outcomes, pick_status
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline_tests.storage.market_rows import closing, kickoffs, leg, snapshots
from firsttd_pipeline_tests.storage.small_league import SEASON, load_small_league, read, write

KICKOFF = datetime(2025, 9, 7, 17, tzinfo=UTC)
NOW = KICKOFF + timedelta(days=1)
SHOWN = "user_id, picks, priced, judged, beat_closing, closing_line_value, expected_points, points, luck"


def league(db: Database) -> None:
    """Avery won pick 1 (g1, p1; two venues) and lost pick 4 (no price); Blake won pick 2, 5 is pending; Casey 3."""
    load_small_league(db)
    kickoffs(db, KICKOFF)
    for source, game, player, close, fair in (
        ("kalshi", "g1", "p1", 0.125, 0.1),
        ("polymarket", "g1", "p1", 0.15, 0.12),
        ("kalshi", "g1", "p2", 0.05, 0.04),
        ("kalshi", "g3", "p1", 0.1, None),
    ):
        (last,) = snapshots(db, leg(db, source, game, player, KICKOFF), [(KICKOFF - timedelta(hours=1), close)])
        closing(db, last, close, fair, KICKOFF)
    standing = {1: "won", 2: "won", 3: "lost", 4: "lost", 5: "pending"}
    with db.write() as conn:
        conn.execute(pick_status.delete())
        conn.execute(
            insert(pick_status),
            [{"pick_id": p, "status": s, "reason": "no plays yet" if s == "pending" else None, "stake": 1.0}
             for p, s in standing.items()],
        )  # fmt: skip


def measured(db: Database, at_once: int = 50_000) -> Counts:
    with db.write() as conn:
        write_pick_prices(conn, SEASON, NOW)
        rows = stats_of_members(conn, SEASON, RulePack(), at_once=at_once)
        return write_member_stats(conn, SEASON, rows, NOW)


def test_a_pick_of_two_venues_counts_once_with_the_median_and_unpriced_ones_only_as_picks(database: Database) -> None:
    league(database)
    assert measured(database).inserted == 3
    avery, blake, casey = read(database, f"SELECT {SHOWN} FROM member_market_stats ORDER BY user_id")
    # +900 implies 0.1; the median closing of 0.125 and 0.15 is 37.5 % more
    assert avery == {
        "user_id": 1, "picks": 2, "priced": 1, "judged": 1, "beat_closing": 1,
        "closing_line_value": pytest.approx(0.375), "expected_points": pytest.approx(0.33), "points": 3.0,
        "luck": pytest.approx(2.67),
    }  # fmt: skip
    assert (blake["picks"], blake["priced"], blake["judged"]) == (2, 2, 1)
    assert (casey["closing_line_value"], casey["beat_closing"], casey["points"]) == (pytest.approx(-0.5), 0, 0.0)


def test_members_read_one_at_a_time_are_measured_the_same_and_a_second_run_writes_nothing(sqlite_db: Database) -> None:
    league(sqlite_db)
    measured(sqlite_db)
    again = measured(sqlite_db, at_once=1)
    assert (again.changed, again.unchanged) == (0, 3)
    write(sqlite_db, "DELETE FROM picks WHERE user_id = 3")
    assert measured(sqlite_db).retired == 1


def test_a_pick_whose_leg_was_void_judges_nobody_but_keeps_its_closing_line(database: Database) -> None:
    league(database)
    with database.write() as conn:
        conn.execute(
            insert(market_outcomes),
            [{"source": "kalshi", "season": SEASON, "game_id": "g1", "market_id": m, "player_name": "p2",
              "player_id": "p2", "resolved_outcome": "void", "settlement_value": 0.04} for m in ("M1", "M2")],
        )  # fmt: skip
    measured(database)
    (casey,) = read(database, f"SELECT {SHOWN} FROM member_market_stats WHERE user_id = 3")
    assert (casey["picks"], casey["priced"], casey["judged"], casey["points"]) == (1, 1, 0, None)


def test_a_season_without_picks_has_no_members(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        rows = stats_of_members(conn, SEASON, RulePack())
        assert isinstance(rows, pl.DataFrame)
        assert (rows.height, write_member_stats(conn, SEASON, rows, NOW).changed) == (0, 0)
