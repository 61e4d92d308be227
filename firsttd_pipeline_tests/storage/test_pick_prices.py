"""The market's price of a pick: what it cost when it was made, where that time is real, and what it was worth."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import insert

from firsttd_pipeline.domain.prices import pick_values
from firsttd_pipeline.refresh.base import League
from firsttd_pipeline.refresh.pick_market_odds import refresh
from firsttd_pipeline.storage import pick_prices
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.pick_prices import write_pick_prices
from firsttd_pipeline.storage.schema import picks
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline_tests.storage.market_rows import closing, kickoffs, leg, snapshots
from firsttd_pipeline_tests.storage.small_league import SEASON, WEEKS, load_small_league, read, write

KICKOFF = datetime(2025, 9, 7, 17, tzinfo=UTC)
MADE = KICKOFF - timedelta(hours=2)
NOW = KICKOFF + timedelta(days=1)


def hours(before: float) -> datetime:
    return KICKOFF - timedelta(hours=before)


def priced(db: Database, now: datetime = NOW) -> Counts:
    with db.write() as conn:
        return write_pick_prices(conn, SEASON, now)


def of_pick(db: Database, pick: int, source: str = "kalshi") -> dict[str, Any]:
    (row,) = read(db, "SELECT * FROM pick_market_odds WHERE pick_id = :p AND source = :s", p=pick, s=source)
    return row


def league(db: Database) -> list[int]:
    """Pick 1 (g1, p1, +900) made two hours before kickoff; Kalshi's four snapshots of p1, and its closing line."""
    load_small_league(db)
    kickoffs(db, KICKOFF)
    with db.write() as conn:
        conn.execute(picks.update().values(created_at=MADE))
    kalshi = leg(db, "kalshi", "g1", "p1", hours(9))
    points = [(hours(9), 0.08), (hours(2.5), 0.1), (hours(1), 0.12), (hours(0.1), 0.125)]
    ids = snapshots(db, kalshi, points)
    closing(db, ids[-1], 0.125, 0.11, KICKOFF)
    return ids


def test_a_pick_has_the_price_of_when_it_was_made_and_the_closing_line(database: Database) -> None:
    ids = league(database)
    counts = priced(database)
    row = of_pick(database, 1)
    assert (row["pick_probability"], row["pick_odds_id"], row["pick_reason"]) == (0.1, ids[1], None)
    assert (row["closing_probability"], row["closing_bid"], row["closing_ask"]) == (0.125, 0.1, 0.12)
    assert (row["fair_probability"], row["assumption"]) == (0.11, "no touchdown 0.5 %")
    assert row["expected_value"] == pytest.approx(0.11 * 9 - 0.89)
    assert row["closing_line_value"] == pytest.approx(0.25)
    assert row["value_reason"] is None
    # picks 1 and 2 are on p1 of g1; the others' games have no price: no row
    assert [r["pick_id"] for r in read(database, "SELECT pick_id FROM pick_market_odds ORDER BY 1")] == [1, 2]
    assert (counts.inserted, counts.updated, counts.retired) == (2, 0, 0)
    with database.read() as conn:
        facts, why = pick_prices.pick_price_facts(conn, SEASON)
        assert pick_prices.latest_pick_prices(conn, SEASON)["pick_id"].to_list() == [2, 1]
    assert (facts["picks"], facts["picks with a closing line"], facts["picks with a price then"], why) == (5, 2, 2, [])
    again = priced(database, NOW + timedelta(days=1))
    assert (again.changed, again.unchanged) == (0, 2)
    assert of_pick(database, 1) == row


def test_a_snapshot_of_the_very_second_counts_and_a_later_one_does_not(database: Database) -> None:
    league(database)
    write(database, "UPDATE picks SET created_at = :at WHERE id = 1", at=f"{hours(1):%Y-%m-%d %H:%M:%S}+00:00")
    write(database, "UPDATE picks SET created_at = :at WHERE id = 2", at=f"{hours(9.5):%Y-%m-%d %H:%M:%S}+00:00")
    priced(database)
    assert of_pick(database, 1)["pick_probability"] == 0.12
    row = of_pick(database, 2)
    assert (row["pick_probability"], row["pick_odds_id"], row["pick_reason"]) == (None, None, pick_prices.NONE_THEN)
    assert row["closing_line_value"] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("source = 'import'", pick_prices.IMPORTED),
        ("source = 'legacy'", pick_prices.LEGACY),
        ("late_reason = 'forgot'", pick_prices.LATE),
        ("created_at = '2025-09-07 17:00:00+00:00'", pick_prices.LATE),
        ("created_at = NULL", pick_prices.NO_TIME),
        ("player_name = 'somebody else'", pick_prices.CHANGED),
    ],
)
def test_a_time_that_is_not_that_of_the_pick_gives_no_price_and_says_why(
    sqlite_db: Database, what: str, reason: str
) -> None:
    league(sqlite_db)
    write(sqlite_db, f"UPDATE picks SET {what} WHERE id = 1")
    write(sqlite_db, "UPDATE picks SET player_id = 'p1' WHERE id = 1")  # understood again
    priced(sqlite_db)
    row = of_pick(sqlite_db, 1)
    assert (row["pick_probability"], row["pick_price_at"], row["pick_odds_id"]) == (None, None, None)
    assert row["pick_reason"] == reason
    assert row["closing_probability"] == 0.125


def test_a_snapshot_without_a_probability_is_shown_with_its_own_reason_and_a_withdrawn_leg_not_at_all(
    database: Database,
) -> None:
    league(database)
    other = leg(database, "polymarket", "g1", "p1", hours(9))
    (empty, last) = snapshots(database, other, [(hours(3), None), (hours(0.5), 0.1)])
    closing(database, last, 0.1, None, KICKOFF)
    write(database, "UPDATE market_legs SET closed_at = :at WHERE source = 'kalshi'",
          at=f"{hours(2.2):%Y-%m-%d %H:%M:%S}+00:00")  # fmt: skip
    priced(database)
    row = of_pick(database, 1, "polymarket")
    assert (row["pick_odds_id"], row["pick_probability"]) == (empty, None)
    assert row["pick_reason"] == "empty book: nobody bids or asks"
    assert (row["fair_reason"], row["value_reason"]) == ("no closing line", "no fair probability")
    assert (row["expected_value"], row["closing_line_value"]) == (None, pytest.approx(0.0))
    assert of_pick(database, 1)["pick_reason"] == pick_prices.NONE_THEN


def test_of_several_books_the_middle_one_counts_and_stays_when_the_others_are_thinned(database: Database) -> None:
    load_small_league(database)
    kickoffs(database, KICKOFF)
    write(database, "UPDATE picks SET created_at = :at", at=f"{MADE:%Y-%m-%d %H:%M:%S}+00:00")
    ids = {}
    for book, chance in (("a", 0.1), ("b", 0.14), ("c", 0.12), ("d", 0.2)):
        of_book = leg(database, "odds_api", "g1", "p1", hours(9), book=book)
        ids[book] = snapshots(database, of_book, [(hours(4), chance - 0.05), (hours(3), chance)])
    closing(database, ids["c"][1], 0.12, None, KICKOFF, legs=4)
    priced(database)
    assert of_pick(database, 1, "odds_api")["pick_odds_id"] == ids["c"][1]
    for book in ("a", "b", "d"):  # what thinning may delete: nothing refers to it
        write(database, "DELETE FROM market_odds WHERE id = :id", id=ids[book][1])
    assert priced(database).changed == 0
    assert of_pick(database, 1, "odds_api")["pick_probability"] == 0.12
    # a later snapshot that was not known before, and a pick that was made earlier, give another price
    (newer,) = snapshots(database, leg(database, "odds_api", "g1", "p1", hours(9), book="e"), [(hours(2.5), 0.09)])
    write(database, "UPDATE picks SET created_at = :at WHERE id = 2", at=f"{hours(3.5):%Y-%m-%d %H:%M:%S}+00:00")
    priced(database)
    assert of_pick(database, 1, "odds_api")["pick_odds_id"] == newer
    assert of_pick(database, 2, "odds_api")["pick_odds_id"] == ids["c"][0]


def test_before_kickoff_a_pick_has_its_price_and_at_kickoff_the_row_fills(database: Database) -> None:
    ids = league(database)
    write(database, "DELETE FROM market_closings")
    leg(database, "polymarket", "g1", "p1", hours(9))  # listed, and nobody has stored a price
    before = KICKOFF - timedelta(hours=1)
    assert priced(database, before).inserted == 4
    row = of_pick(database, 1)
    assert (row["pick_probability"], row["pick_odds_id"], row["pick_reason"]) == (0.1, ids[1], None)
    reasons = ("closing_reason", "fair_reason", "value_reason")
    values = ("closing_probability", "closing_at", "closing_bid", "closing_ask", "fair_probability", "assumption",
              "expected_value", "closing_line_value")  # fmt: skip
    for listed, then in (("kalshi", None), ("polymarket", pick_prices.NONE_THEN)):
        one = of_pick(database, 1, listed)
        assert one["pick_reason"] == then
        assert {one[name] for name in reasons} == {pick_prices.NOT_BEGUN}
        assert {one[name] for name in values} == {None}
    with database.read() as conn:
        facts, why = pick_prices.pick_price_facts(conn, SEASON)
    assert facts == {
        "picks": 5, "picks priced": 2, "picks with a closing line": 0, "picks with a fair probability": 0,
        "picks with a price then": 2,
    }  # fmt: skip
    assert why == [(pick_prices.NONE_THEN, 2)]
    again = priced(database, before + timedelta(minutes=15))
    assert (again.changed, again.unchanged, of_pick(database, 1)) == (0, 4, row)
    closing(database, ids[-1], 0.125, 0.11, KICKOFF)
    assert (priced(database, KICKOFF).updated, of_pick(database, 1)["closing_probability"]) == (4, 0.125)
    listed = of_pick(database, 1, "polymarket")
    told = (pick_prices.NONE_BEFORE, "no closing line", "no closing line")
    assert tuple(listed[name] for name in reasons) == told


@pytest.mark.parametrize(
    ("game", "reason"),
    [
        ("status = 'postponed'", pick_prices.POSTPONED),
        ("status = 'cancelled'", pick_prices.CANCELLED),
        ("deleted_at = '2025-09-01 00:00:00+00:00'", pick_prices.NO_GAME),
        ("kickoff_at = NULL, status = 'in_progress'", pick_prices.NO_KICKOFF),
        ("kickoff_at = NULL, status = 'scheduled'", pick_prices.NOT_BEGUN),
        ("status = 'in_progress'", pick_prices.NONE_BEFORE),
    ],
)
def test_a_venue_that_listed_the_player_and_has_no_closing_line_says_why(
    sqlite_db: Database, game: str, reason: str
) -> None:
    league(sqlite_db)
    write(sqlite_db, "DELETE FROM market_closings", f"UPDATE games SET {game} WHERE id = 'g1'")
    write(sqlite_db, "UPDATE picks SET odds_placeholder = 1 WHERE id = 2")
    priced(sqlite_db)
    row = of_pick(sqlite_db, 1)
    assert (row["closing_probability"], row["closing_reason"]) == (None, reason)
    known = reason if reason == pick_prices.NOT_BEGUN else "no closing line"
    assert (row["fair_reason"], row["value_reason"]) == (known, known)
    assert of_pick(sqlite_db, 2)["value_reason"] == "the pick's odds are a placeholder"


def test_the_reasons_stand_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    for reason in (*pick_prices.PICK_REASONS, *pick_prices.CLOSING_REASONS):
        assert f"| `{reason}` |" in page


def test_a_snapshot_run_prices_the_weeks_around_now_and_leaves_the_others_as_they_are(database: Database) -> None:
    ids = league(database)
    far = KICKOFF + timedelta(days=7)
    write(database, "UPDATE games SET kickoff_at = :at WHERE week = 2", at=f"{far:%Y-%m-%d %H:%M:%S}+00:00")
    first, second, near = WEEKS[SEASON, 1], WEEKS[SEASON, 2], timedelta(days=2)
    with database.read() as conn:
        found = [pick_prices.weeks_around(conn, SEASON, at) for at in
                 (KICKOFF, KICKOFF - near, KICKOFF + near + timedelta(seconds=1), far + near)]  # fmt: skip
        assert found == [[first], [first], [], [second]]
        assert pick_prices.weeks_around(conn, SEASON + 1, KICKOFF) == []
    with database.write() as conn:
        assert write_pick_prices(conn, SEASON, NOW, only=[second]).changed == 0
        done = write_pick_prices(conn, SEASON, NOW, only=[first])
        assert (done.inserted, done.unchanged, pick_prices.count_pick_prices(conn, SEASON)) == (2, 0, 2)
        facts, _ = pick_prices.pick_price_facts(conn, SEASON, only=[second])
        assert facts["picks with a closing line"] == 0
        facts, _ = pick_prices.pick_price_facts(conn, SEASON, only=[first])
    assert (facts["picks with a closing line"], of_pick(database, 1)["pick_odds_id"]) == (2, ids[1])


def test_a_snapshot_run_tells_which_weeks_it_priced_and_counts_the_rows_of_all(sqlite_db: Database) -> None:
    league(sqlite_db)
    priced(sqlite_db)
    only_db = cast(League, SimpleNamespace(db=sqlite_db))
    told = refresh(only_db, SEASON, KICKOFF, snapshot_only=True)
    assert told.notes == [
        "Priced were the picks of 2 weeks: those with a kickoff within 2 days; a nightly run prices all"
    ]
    assert (told.counts.unchanged, told.facts["picks with a closing line around today"]) == (2, 2)
    write(sqlite_db, "DELETE FROM market_closings")
    later = refresh(only_db, SEASON, KICKOFF + timedelta(days=9), snapshot_only=True)
    assert (later.counts.changed, later.counts.unchanged, later.preview.height) == (0, 2, 0)
    night = refresh(only_db, SEASON, KICKOFF + timedelta(days=9))
    assert night.notes == ["No pick of 2025 has a closing line: docs/prices.md says what it takes"]
    assert (night.counts.updated, night.facts["picks priced"], night.preview.height) == (2, 2, 2)


def test_rows_follow_a_pick_that_moves_and_go_with_one_that_has_no_price(database: Database) -> None:
    ids = league(database)
    p2 = leg(database, "kalshi", "g1", "p2", hours(9))
    (at_p2,) = snapshots(database, p2, [(hours(5), 0.05)])
    closing(database, at_p2, 0.05, 0.04, KICKOFF)
    priced(database)
    assert of_pick(database, 3)["pick_odds_id"] == at_p2
    write(database, "DELETE FROM picks WHERE id = 2", "UPDATE picks SET player_id = 'p2' WHERE id = 1",
          "UPDATE picks SET player_id = NULL WHERE id = 3")  # fmt: skip
    counts = priced(database)
    assert (counts.updated, counts.retired) == (1, 1)
    assert [r["pick_id"] for r in read(database, "SELECT pick_id FROM pick_market_odds")] == [1]
    assert of_pick(database, 1)["pick_odds_id"] == at_p2
    with database.write() as conn:  # what a pick's price refers to cannot be deleted
        assert ids
        with pytest.raises(Exception, match=r"pick_market_odds|violates"):
            conn.exec_driver_sql(f"DELETE FROM market_odds WHERE id = {at_p2}")


def test_text_and_blobs_of_other_programs_are_unknown_odds_and_times(sqlite_db: Database) -> None:
    league(sqlite_db)
    write(sqlite_db, "UPDATE picks SET odds = 'plenty', created_at = 'now' WHERE id = 1",
          "UPDATE picks SET odds = x'00ff', created_at = '2025-09-07T15:00:00.5+00:00' WHERE id = 2")  # fmt: skip
    priced(sqlite_db)
    one, two = of_pick(sqlite_db, 1), of_pick(sqlite_db, 2)
    assert (one["pick_reason"], one["value_reason"], one["expected_value"]) == (
        pick_prices.NO_TIME, "the pick has no odds", None,
    )  # fmt: skip
    assert (two["pick_probability"], two["value_reason"]) == (0.1, "the pick has no odds")


def test_every_pick_is_worth_what_the_rule_for_one_says(database: Database) -> None:
    draw = random.Random(4)
    load_small_league(database)
    kickoffs(database, KICKOFF)
    players = [f"r{n}" for n in range(60)]
    members = list(range(1, 4))
    for player in players:
        (last,) = snapshots(database, leg(database, "kalshi", "g3", player, hours(9)), [(hours(1), 0.1)])
        close = draw.choice([None, draw.uniform(0.001, 0.999)])
        fair = None if close is None else draw.choice([None, close * draw.uniform(0.5, 1)])
        closing(database, last, close, fair, KICKOFF)
        for book in draw.sample("abc", draw.randrange(4)):
            points = [(hours(before), draw.choice([None, 0.05, 0.1])) for before in draw.sample(range(1, 9), 2)]
            snapshots(database, leg(database, "odds_api", "g3", player, hours(9), book=book), points)
    odds: list[float | None] = [None, 0.0, 99.99, -99.99, 100.0, -100.0, -110.0, 900.0, 1e308, 1e-3]
    rows = []
    for number, player in enumerate(players):
        for member in members:
            value = draw.choice([*odds, draw.uniform(100, 5000), draw.uniform(-900, -100), math.inf, -math.inf])
            rows.append({"user_id": member, "week_id": 2, "team": "SEA", "player_name": f"r {number}",
                         "player_id": player, "game_id": "g3", "odds": value,
                         "odds_placeholder": draw.random() < 0.2, "source": "cli",
                         "created_at": hours(draw.uniform(0.5, 9))})  # fmt: skip
    with database.write() as conn:
        conn.execute(insert(picks), rows)
    priced(database)
    found = read(
        database,
        "SELECT p.odds, p.odds_placeholder, c.probability, c.fair_probability, m.expected_value, m.closing_line_value, "
        "m.value_reason FROM pick_market_odds m JOIN picks p ON p.id = m.pick_id "
        "JOIN market_closings c ON c.game_id = p.game_id AND c.player_id = p.player_id AND c.source = m.source",
    )
    assert len(found) == len(rows)
    for row in found:
        told = pick_values(row["odds"], bool(row["odds_placeholder"]), row["probability"], row["fair_probability"])
        assert row["value_reason"] == told.reason
        for got, wanted in (
            (row["expected_value"], told.expected_value),
            (row["closing_line_value"], told.closing_line_value),
        ):
            assert (got is None) == (wanted is None)
            assert got is None or got == pytest.approx(wanted, rel=1e-12, abs=1e-15)
    stored = "SELECT * FROM pick_market_odds ORDER BY pick_id, source"
    before = read(database, stored)
    assert {row["source"] for row in before if row["pick_odds_id"]} == {"kalshi", "odds_api"}
    again = priced(database, NOW + timedelta(days=1))
    assert (again.changed, again.unchanged) == (0, len(before))
    assert read(database, stored) == before
