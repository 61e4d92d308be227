"""Claims about thinning old snapshots: what goes, what stays for good, and that no closing line changes by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import polars as pl
import pytest
from sqlalchemy import delete, insert, select, text, update

from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_prices import closing_lines, write_closings
from firsttd_pipeline.storage.market_retention import Thinned, thin_season
from firsttd_pipeline.storage.market_store import WITHDRAWN
from firsttd_pipeline.storage.pick_prices import NONE_THEN
from firsttd_pipeline.storage.schema import (
    games,
    market_closings,
    market_legs,
    market_odds,
    market_payloads,
    pick_market_odds,
    picks,
    users,
    weeks,
)

KICKOFF = datetime(2025, 10, 5, 17, tzinfo=UTC)
MORNING = KICKOFF.replace(hour=10)
LATER = KICKOFF + timedelta(days=40)
DAYS = 30


def at(clock: str, day: int = 5) -> datetime:
    """A time of October 2025."""
    hour, minute = clock.split(":")
    return datetime(2025, 10, day, int(hour), int(minute), tzinfo=UTC)


@pytest.fixture
def league(database: Database) -> Database:
    """A game (g1), one whose kickoff is not known (g2), a member, and no market yet."""
    with database.write() as conn:
        conn.execute(insert(weeks), [{"season": 2025, "week": 5}])
        conn.execute(insert(users), [{"name": "Avery"}])
        for game, kickoff in (("g1", KICKOFF), ("g2", None)):
            row = {"id": game, "season": 2025, "week": 5, "home_team": f"H{game}", "away_team": "A"}
            conn.execute(insert(games), row | {"kickoff_at": kickoff})
    return database


def add_leg(db: Database, *times: datetime, leg: int = 1, game: str | None = "g1", player: str = "p1") -> None:
    """A leg of Kalshi's with a snapshot, and the answer it came in, at each time."""
    asked = [{"source": "kalshi", "season": 2025, "kind": "open", "url": "u", "fetched_at": t, "sha256": f"{leg}{t}",
              "size_bytes": 1, "body": b"x"} for t in times]  # fmt: skip
    with db.write() as conn:
        if conn.execute(select(market_legs.c.id).where(market_legs.c.id == leg)).first() is None:
            whose = {"season": 2025, "game_id": game, "player_id": player}
            conn.execute(insert(market_legs), {"id": leg, "source": "kalshi", "market_id": f"m{leg}", "event_id": "e",
                "kind": "player", "label": "L", "status": "open", "first_seen_at": times[0], "last_seen_at": times[-1],
                **whose})  # fmt: skip
        conn.execute(insert(market_odds), [{"leg_id": leg, "source": "kalshi", "market_id": f"m{leg}", "game_id": game,
            "season": 2025, "week": 5, "player_id": player, "player_name": "L", "bid": 0.1, "ask": 0.12,
            "implied_probability": 0.11, "snapshot_time": t} for t in times])  # fmt: skip
        conn.execute(insert(market_payloads), asked)


def left(db: Database, leg: int = 1) -> list[str]:
    """The times of the leg's snapshots, as hh:mm, with the day where it is not the fifth."""
    query = select(market_odds.c.snapshot_time).where(market_odds.c.leg_id == leg).order_by("snapshot_time")
    with db.read() as conn:
        found = conn.execute(query).scalars().all()
    return [f"{t:%H:%M}" if t.day == 5 else f"{t.day} {t:%H:%M}" for t in found]


def payloads(db: Database) -> list[str]:
    with db.read() as conn:
        times = conn.execute(select(market_payloads.c.fetched_at).order_by("fetched_at")).scalars()
        return [f"{t:%H:%M}" for t in times]


def quarters(first: str, last: str) -> list[datetime]:
    """Every quarter of an hour from first to last."""
    start, end = at(first), at(last)
    return [start + timedelta(minutes=15 * i) for i in range(int((end - start) / timedelta(minutes=15)) + 1)]


def test_the_last_of_each_hour_stays_with_the_first_and_the_one_before_kickoff(league: Database) -> None:
    add_leg(league, *quarters("14:00", "17:30"))
    done = thin_season(league, 2025, LATER, DAYS)
    assert left(league) == ["14:00", "14:45", "15:45", "16:45", "17:00", "17:30"]
    assert payloads(league) == left(league)
    assert (done.snapshots, done.payloads) == (9, 9)
    assert done.note.startswith("9 snapshots from before 2025-10-15 17:00 UTC")


def test_nothing_is_thinned_within_the_limit_and_no_hour_before_it_is_over(league: Database) -> None:
    add_leg(league, *quarters("14:00", "15:45"))
    assert thin_season(league, 2025, at("15:59", 5) + timedelta(days=DAYS), DAYS).snapshots == 2
    assert left(league) == ["14:00", "14:45", "15:00", "15:15", "15:30", "15:45"]
    assert thin_season(league, 2024, LATER, DAYS).snapshots == 0
    assert len(left(league)) == 6


def test_what_a_closing_line_or_a_picks_price_refers_to_stays(league: Database) -> None:
    add_leg(league, *quarters("12:00", "13:45"))
    with league.write() as conn:
        ids = {f"{t:%H:%M}": i for i, t in conn.execute(select(market_odds.c.id, market_odds.c.snapshot_time))}
        conn.execute(insert(market_closings), {"source": "kalshi", "game_id": "g1", "player_id": "p1", "season": 2025,
            "week": 5, "kickoff_at": KICKOFF, "closing_at": at("12:15"), "odds_id": ids["12:15"], "legs": 1,
            "probability": 0.11, "fair_reason": "none"})  # fmt: skip
        conn.execute(insert(picks), {"id": 1, "user_id": 1, "week_id": 1, "team": "A", "player_name": "L",
            "player_id": "p1", "game_id": "g1", "created_at": at("13:20")})  # fmt: skip
        conn.execute(insert(pick_market_odds), {"pick_id": 1, "source": "kalshi", "pick_odds_id": ids["13:00"]})
    thin_season(league, 2025, LATER, DAYS)
    assert left(league) == ["12:00", "12:15", "12:45", "13:00", "13:45"]


@pytest.mark.parametrize("looked_at_before", [False, True])
def test_what_a_pick_without_a_price_yet_will_be_priced_by_stays(league: Database, looked_at_before: bool) -> None:
    add_leg(league, *quarters("12:00", "13:45"))
    with league.write() as conn:
        conn.execute(insert(picks), {"id": 1, "user_id": 1, "week_id": 1, "team": "A", "player_name": "L",
            "player_id": "p1", "game_id": "g1", "created_at": at("13:20")})  # fmt: skip
        if looked_at_before:
            nothing = {"pick_id": 1, "source": "kalshi", "pick_reason": NONE_THEN}
            conn.execute(insert(pick_market_odds), nothing)
    thin_season(league, 2025, LATER, DAYS)
    assert left(league) == ["12:00", "12:45", "13:15", "13:45"]


def test_the_row_that_says_a_leg_was_withdrawn_stays(league: Database) -> None:
    add_leg(league, *quarters("12:00", "13:45"))
    with league.write() as conn:
        gone = update(market_odds).where(market_odds.c.snapshot_time == at("13:15"))
        conn.execute(gone.values(implied_probability=None, reason=WITHDRAWN))
    thin_season(league, 2025, LATER, DAYS)
    assert left(league) == ["12:00", "12:45", "13:15", "13:45"]


@pytest.mark.parametrize("game", [None, "g2"])
def test_a_leg_whose_kickoff_nobody_knows_keeps_every_snapshot(league: Database, game: str | None) -> None:
    add_leg(league, *quarters("12:00", "13:45"), game=game)
    assert thin_season(league, 2025, LATER, DAYS).snapshots == 0
    assert len(left(league)) == len(payloads(league)) == 8


def test_only_answers_of_open_legs_go_and_only_with_their_last_snapshot(league: Database) -> None:
    add_leg(league, *quarters("12:00", "12:45"))
    add_leg(league, at("12:30"), leg=2, player="p2")
    with league.write() as conn:
        settled = market_payloads.c.fetched_at == at("12:15")
        conn.execute(update(market_payloads).where(settled).values(kind="settled"))
        unread = {"source": "kalshi", "season": 2025, "kind": "open", "url": "u", "fetched_at": at("12:20"),
                  "sha256": "unread", "size_bytes": 1, "body": b"?"}  # fmt: skip
        conn.execute(insert(market_payloads), unread)
    thin_season(league, 2025, LATER, DAYS)
    assert left(league) == ["12:00", "12:45"]
    # 12:30 is what the other leg still has, 12:20 never gave a snapshot: it may be understood one day
    assert payloads(league) == ["12:00", "12:15", "12:20", "12:30", "12:30", "12:45"]


def test_a_second_night_thins_what_is_new_past_the_limit_and_what_came_late(league: Database) -> None:
    add_leg(league, *quarters("12:00", "16:45"))
    night = at("14:00") + timedelta(days=DAYS)
    assert thin_season(league, 2025, night, DAYS).snapshots == 5
    assert thin_season(league, 2025, night, DAYS) == Thinned(until=at("14:00"))
    assert thin_season(league, 2025, night + timedelta(hours=1), DAYS).snapshots == 3
    # prices of the past, taken afterwards, for hours that are thinned already
    add_leg(league, at("12:50"), at("13:05"))
    add_leg(league, at("13:10"), at("13:20"), at("13:40"), leg=2, player="p2")
    assert thin_season(league, 2025, night + timedelta(hours=1), DAYS).snapshots == 3
    assert left(league)[:5] == ["12:00", "12:50", "13:45", "14:45", "15:00"]
    assert left(league, 2) == ["13:10", "13:40"]


def test_losing_the_mark_of_how_far_it_is_thinned_costs_nothing_but_time(league: Database) -> None:
    add_leg(league, *quarters("12:00", "16:45"))
    thin_season(league, 2025, LATER, DAYS)
    before = left(league)
    for value in ("", "not a time 12", None):
        with league.write() as conn:
            conn.execute(text("UPDATE sync_metadata SET value = :v WHERE key LIKE 'market_thinned%'"), {"v": value})
        assert thin_season(league, 2025, LATER, DAYS).snapshots == 0
    assert left(league) == before


def closings_made_anew(db: Database) -> pl.DataFrame:
    """The closing lines that the pipeline makes of what is stored, without keeping any."""
    with db.write() as conn:
        write_closings(conn, 2025, load_settings(), LATER)
        found = db.frame(select(market_closings), conn=conn).drop("id", "updated_at")
        in_one_piece = closing_lines(conn, 2025)
        assert in_one_piece.sort("player_id").equals(found.select(in_one_piece.columns).sort("player_id"))
        assert closing_lines(conn, 2025, "kalshi").height == found.height
        assert closing_lines(conn, 2024).columns == in_one_piece.columns
        conn.execute(delete(market_closings))
    return found.sort("player_id")


def test_no_closing_line_changes_by_thinning_whatever_was_stored(league: Database) -> None:
    rng = Random(4)
    for leg in range(1, 41):
        minutes = sorted(rng.sample(range(-3 * 24 * 60, 90), rng.randint(1, 60)))
        add_leg(league, *[KICKOFF + timedelta(minutes=m) for m in minutes], leg=leg, player=f"p{leg}")
    before = closings_made_anew(league)
    rows: dict[str, Any] = {}
    for hours in (24 * 28, 24 * 29 + 3, 24 * 30 + 1, 24 * 40):
        done = thin_season(league, 2025, KICKOFF + timedelta(hours=hours), DAYS)
        rows[str(hours)] = done.snapshots
        assert closings_made_anew(league).equals(before)
    assert before.height > 35
    assert before["probability"].null_count() < before.height / 2
    assert sum(rows.values()) > 100
    # what is left: at most one an hour and leg, the first, and the one before kickoff
    kept = league.frame("SELECT leg_id, snapshot_time FROM market_odds")
    if league.dialect == "sqlite":
        kept = kept.with_columns(pl.col("snapshot_time").str.to_datetime(time_zone="UTC"))
    an_hour = kept.group_by("leg_id", pl.col("snapshot_time").dt.truncate("1h")).len()
    assert an_hour.filter(pl.col("len") > 1).height <= 2 * 40
    assert an_hour["len"].max() <= 3  # type: ignore[operator]
