"""What is told of the venues and of the games they price, the same on both databases, whatever other seasons hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_status import (
    NEVER_ASKED,
    books_of,
    games_with_prices,
    overview,
    priced_example,
    seasons_with_legs,
    why_unpriced,
)
from firsttd_pipeline.storage.pick_prices import write_pick_prices
from firsttd_pipeline.storage.schema import market_outcomes, market_venues
from firsttd_pipeline_tests.storage.market_rows import closing, kickoffs, leg, snapshots
from firsttd_pipeline_tests.storage.small_league import BEFORE, SEASON, load_small_league

KICKOFF = datetime(2025, 9, 7, 17, tzinfo=UTC)
EARLY = KICKOFF - timedelta(hours=2)


def test_what_is_stored_is_counted_of_the_season_alone_and_games_without_a_price_are_told_apart(
    database: Database,
) -> None:
    load_small_league(database)
    kickoffs(database, KICKOFF)
    first = leg(database, "kalshi", "g1", "p1", KICKOFF)
    (_, last) = snapshots(database, first, [(EARLY, 0.1), (KICKOFF, 0.125)])
    closing(database, last, 0.125, 0.1, KICKOFF)
    leg(database, "kalshi", "g2", "p3", KICKOFF)  # listed, never priced
    nobody = leg(database, "odds_api", "g1", None, KICKOFF, book="dk", status="settled", label="P. One")
    snapshots(database, nobody, [(EARLY, None)])
    former = leg(database, "kalshi", "g4", "p1", KICKOFF, season=BEFORE)
    snapshots(database, former, [(EARLY, 0.2)])
    with database.write() as conn:
        conn.execute(insert(market_venues), [
            {"season": season, "source": "kalshi", "status": "ok", "tried_at": EARLY}
            for season in (SEASON, BEFORE, 2023)
        ])  # fmt: skip
        paid = {"source": "kalshi", "season": SEASON, "game_id": "g1", "market_id": "m", "player_name": "Player p1"}
        conn.execute(insert(market_outcomes), [{**paid, "player_id": "p1", "resolved_outcome": "yes"}])
        write_pick_prices(conn, SEASON, KICKOFF)
    told = {row["venue"]: row for row in overview(database, SEASON)}
    names = ("status", "legs", "games_priced", "open_legs", "unmatched_legs", "prices", "closing_lines")
    assert [told["kalshi"][name] for name in names] == ["ok", 2, 1, 2, 0, 2, 1]
    assert [told["odds_api"][name] for name in names] == [NEVER_ASKED, 1, 1, 0, 1, 1, 0]
    assert told["kalshi"]["last_price"] == KICKOFF
    assert [told["polymarket"][name] for name in names] == [NEVER_ASKED, 0, 0, 0, 0, 0, 0]
    assert seasons_with_legs(database) == [SEASON, BEFORE]
    shown = ("game", "venues", "legs", "unmatched", "closing_lines", "outcome")
    assert [[row[name] for name in shown] for row in games_with_prices(database, SEASON)] == [
        ["g1", ["Kalshi", "The Odds API"], 2, 1, 1, "Player p1"],
        ["g2", ["Kalshi"], 1, 0, 0, None],
    ]
    assert games_with_prices(database, SEASON, 2) == []
    assert books_of(database, "g1", "p1") == {first: None}
    assert priced_example(database, SEASON) == (2, "g1", "p1")
    assert priced_example(database, BEFORE) is None
    assert why_unpriced(database, SEASON, "g2", "p1") == "no venue lists this player in this game"
    assert why_unpriced(database, SEASON, "g3", "p1") == "no venue has priced this game"
    assert why_unpriced(database, SEASON, None, "p1") == "the pick has no game"
    assert why_unpriced(database, SEASON, "g1", None) == "it is not known yet whom the pick means"
