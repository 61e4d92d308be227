"""Claims about The Odds API's client: the plan's reserve, the key, every trap of its answers, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from firsttd_pipeline.domain.markets import Leg, WantedGame, WantedHistory
from firsttd_pipeline.domain.odds import implied_probability
from firsttd_pipeline.sources.http import HttpPolicy, SourceError
from firsttd_pipeline.sources.odds_api import OddsApiVenue
from firsttd_pipeline.sources.venues import Asker, Page, VenueError
from firsttd_pipeline_tests.sources.venue_answers import Answers, Asked, answering

AT = datetime(2025, 9, 7, 12, 0, tzinfo=UTC)
KEY = "geheim1234567890"
QUICK = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=20, retries=1, backoff=0.001)
NAMES = {
    "KC": "Kansas City Chiefs",
    "LA": "Los Angeles Rams",
    "LAC": "Los Angeles Chargers",
    "WAS": "Washington Commanders",
}


def game(
    away: str = "KC", home: str = "LAC", kickoff: datetime = datetime(2025, 9, 8, 0, 20, tzinfo=UTC)
) -> WantedGame:
    return WantedGame(f"{away}_{home}", away, home, (kickoff - timedelta(hours=4)).date(), kickoff)


def event(of: WantedGame, **fields: Any) -> dict[str, Any]:
    names = {"away_team": NAMES[of.away], "home_team": NAMES[of.home]}
    return {"id": f"id-{of.game_id}", "commence_time": f"{of.kickoff_at:%Y-%m-%dT%H:%M:%SZ}", **names, **fields}


def offer(label: str, price: Any = 900, name: str = "Yes") -> dict[str, Any]:
    return {"name": name, "description": label, "price": price}


def odds(of: WantedGame, **books: list[dict[str, Any]]) -> dict[str, Any]:
    made = [{"key": book, "markets": [{"key": "player_1st_td", "outcomes": offers}]} for book, offers in books.items()]
    return {**event(of), "bookmakers": made}


@contextmanager
def venue_at(respond: Callable[[Asked], Any], reserve: int = 0) -> Iterator[tuple[OddsApiVenue, Answers]]:
    with answering(respond) as server:
        secrets = {"apiKey": KEY}
        asker = Asker("odds_api", server.url, policy=QUICK, rate=10_000, secrets=secrets, clock=lambda: AT)
        yield OddsApiVenue(asker, reserve), server


def legs_of(*offers: dict[str, Any], of: WantedGame | None = None) -> list[Leg]:
    venue = OddsApiVenue(Asker("odds_api", "http://127.0.0.1:9/"))
    body = json.dumps(odds(of or game(), fanduel=list(offers))).encode()
    return list(venue.parse("open", body, AT).legs)


def test_only_the_given_games_that_have_not_begun_are_paid_for_and_each_book_has_its_own_legs() -> None:
    wanted, begun = game(), game("WAS", "LA", AT - timedelta(hours=1))
    rematch = event(game(kickoff=wanted.kickoff_at + timedelta(weeks=6)), id="id-rematch")
    other = {**event(wanted), "id": "id-other", "away_team": "AFC", "home_team": "NFC"}

    def api(request: Asked) -> Any:
        assert request.query["apiKey"] == KEY
        if request.path.endswith("/events"):
            return [event(wanted), event(begun), rematch, other], {"x-requests-remaining": "480"}
        assert request.path == f"v4/sports/americanfootball_nfl/events/id-{wanted.game_id}/odds"
        paid = {name: request.query[name] for name in ("regions", "markets", "oddsFormat")}
        assert paid == {"regions": "us", "markets": "player_1st_td", "oddsFormat": "american"}
        offers = [offer("Xavier Worthy", 700), offer("Xavier Worthy", -1200, "No"), offer("No Touchdown Scorer", 10000)]
        return odds(wanted, fanduel=offers, betmgm=[offer("Xavier Worthy", 650)]), {"x-requests-remaining": "479"}

    with venue_at(api, reserve=50) as (venue, server):
        (page,) = venue.open_legs([wanted, begun])
        assert venue.remaining == 479
        assert len(server.asked) == 2
        assert [(leg.market_id, leg.kind, leg.book) for leg in page.parsed.legs] == [
            ("id-KC_LAC/fanduel/Xavier Worthy", "player", "fanduel"),
            ("id-KC_LAC/fanduel/No Touchdown Scorer", "no_td", "fanduel"),
            ("id-KC_LAC/betmgm/Xavier Worthy", "player", "betmgm"),
        ]
        # kickoff on Sunday night is Monday in UTC
        assert [(one.away, one.home, one.event_date) for one in page.parsed.events] == [("KC", "LAC", date(2025, 9, 7))]
        again = venue.parse("open", page.payload.body, page.payload.fetched_at)
        assert list(again.legs) == list(page.parsed.legs)


def test_the_plan_is_never_used_below_the_reserve_and_what_was_paid_for_is_kept() -> None:
    games = [game("KC", "LAC"), game("WAS", "LA")]
    left = [51]

    def api(request: Asked) -> Any:
        if request.path.endswith("/events"):
            return [event(one) for one in games], {"x-requests-remaining": str(left[0])}
        left[0] -= 1
        return odds(games[0], fanduel=[offer("Xavier Worthy")]), {"x-requests-remaining": str(left[0])}

    with venue_at(api, reserve=50) as (venue, server):
        came: list[Page] = []
        with pytest.raises(
            VenueError, match=r"50 more requests.*1 of 2 games.*renews.*FIRSTTD_ODDS_API_RESERVE"
        ) as told:
            came.extend(venue.open_legs(games))
        assert (len(came), left[0], len(server.asked), told.value.retry_helps) == (1, 50, 2, False)


def test_without_a_game_nothing_is_asked_and_there_is_no_settlement_and_no_past() -> None:
    with venue_at(lambda _: 500) as (venue, server):
        pages = [venue.open_legs([]), venue.settled_legs(AT, [game()]), venue.legs(["x"])]
        pages.append(venue.history([WantedHistory("x", "y", None, AT)]))
        assert [list(each) for each in pages] == [[], [], [], []]
        assert server.asked == []


def test_the_key_is_in_no_payload_and_no_error() -> None:
    answers: list[Any] = [[event(game())], odds(game(), fanduel=[]), 401, b"<html>sign in</html>", {"message": "x"}]
    with venue_at(lambda _: answers.pop(0)) as (venue, server):
        (page,) = venue.open_legs([game()])
        assert KEY not in page.payload.url + page.payload.body.decode()
        assert "regions=us" in page.payload.url
        for _ in range(3):
            with pytest.raises(SourceError) as told:
                list(venue.open_legs([game()]))
            shown = f"{told.value} {told.value.url} {told.value!r} {told.value.__cause__!r}"
            assert KEY not in shown
        assert all(request.query["apiKey"] == KEY for request in server.asked)


def test_an_event_that_is_gone_by_now_is_passed_over() -> None:
    games = [game("KC", "LAC"), game("WAS", "LA")]

    def api(request: Asked) -> Any:
        if request.path.endswith("/events"):
            return [event(one) for one in games]
        return 404 if games[0].game_id in request.path else odds(games[1], fanduel=[offer("Puka Nacua")])

    with venue_at(api) as (venue, _):
        (page,) = venue.open_legs(games)
        assert page.parsed.legs[0].label == "Puka Nacua"
        assert venue.remaining is None


@pytest.mark.parametrize("price", [900, 100, -110, -100, 2500])
def test_a_sportsbooks_price_is_its_american_odds_and_what_they_imply(price: int) -> None:
    quote = legs_of(offer("A B", price))[0].quote
    assert quote is not None
    assert quote.american == price
    assert quote.bid is None
    assert isinstance(quote.ask, Decimal)
    assert float(quote.ask) == pytest.approx(implied_probability(price), abs=1e-6)


def test_a_price_that_is_missing_or_renamed_is_an_error_and_one_that_is_none_is_no_offer() -> None:
    with pytest.raises(VenueError, match=r"no known price field.*odds"):
        legs_of({"name": "Yes", "description": "A B", "odds": 900})
    with pytest.raises(VenueError, match="player as its description"):
        legs_of({"name": "A B", "price": 900})
    for price in (50, 0, 7.5):  # decimal odds, or nothing at all
        quote = legs_of(offer("A B", price))[0].quote
        assert quote is not None
        assert (quote.ask, quote.american) == (None, None)


def test_the_same_name_twice_at_one_book_is_nobodys_price() -> None:
    legs = legs_of(offer("Josh Allen", 700), offer("Josh Allen", 9000), offer("Los Angeles Chargers D/ST", 2000))
    assert [(leg.label, leg.kind, leg.team, leg.quote is None) for leg in legs] == [
        ("Josh Allen", "unknown", None, True),
        ("Los Angeles Chargers D/ST", "dst", "LAC", False),
    ]
