"""Claims about Polymarket US's client: every trap of its API, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from firsttd_pipeline.domain.markets import WITH_HISTORY, Parsed, WantedGame, WantedHistory
from firsttd_pipeline.sources.http import HttpPolicy, PermanentSourceError, TransientSourceError
from firsttd_pipeline.sources.polymarket_us import MARKET_TYPE, PER_PAGE, PolymarketUsVenue
from firsttd_pipeline.sources.venues import Asker, Page, VenueError
from firsttd_pipeline_tests.shared_data import SHARED, needs_shared
from firsttd_pipeline_tests.sources.venue_answers import Answers, Asked, answering

AT = datetime(2026, 9, 27, 12, 0, tzinfo=UTC)
KICKOFF = datetime(2026, 9, 27, 17, 0, tzinfo=UTC)
GAME = WantedGame("2026_03_KC_MIA", "KC", "MIA", date(2026, 9, 27), KICKOFF)
QUICK = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=20, retries=1, backoff=0.001)


def market(
    letters: str = "kenwal", label: str = "Kenneth Walker", game: str = "kc-mia", **fields: Any
) -> dict[str, Any]:
    """A live market object; a field of ... is left out."""
    made = {
        "slug": f"astatc-nfl-{game}-2026-09-27-firsttd-{letters}",
        "sportsMarketType": MARKET_TYPE,
        "marketType": "props",
        "metadata": {"playerName": label, "teamId": 63},
        "bestBidQuote": {"value": "0.2000", "currency": "USD"},
        "bestAskQuote": {"value": "0.2200", "currency": "USD"},
        "gameStartTime": "2026-09-27T17:00:00Z",
        "status": "MARKET_STATUS_OPEN",
        "active": True,
        "closed": False,
        "outcomes": '["No","Yes"]',
        **fields,
    }
    return {name: value for name, value in made.items() if value is not ...}


def over(letters: str, **fields: Any) -> dict[str, Any]:
    return market(letters, **{"closed": True, "active": False, "status": "MARKET_STATUS_RESOLVED", **fields})


TEAM = market("kc", sportsMarketType="football_team_first_touchdown")


def parse(*markets: dict[str, Any]) -> Parsed:
    venue = PolymarketUsVenue(Asker("polymarket_us", "http://127.0.0.1:9/"))
    return venue.parse("open", json.dumps({"markets": markets}).encode(), AT)


@contextmanager
def venue_at(respond: Callable[[Asked], Any]) -> Iterator[tuple[PolymarketUsVenue, Answers]]:
    with answering(respond) as server:
        yield PolymarketUsVenue(Asker("polymarket_us", server.url, policy=QUICK, rate=10_000, clock=lambda: AT)), server


@needs_shared
def test_the_known_shape_of_a_market_is_a_leg_with_the_book_of_yes() -> None:
    shapes = json.loads((SHARED / "markets" / "polymarket_shapes_not_captured.json").read_text())
    parsed = parse(shapes["polymarket_us_prop_market"])
    (event,), (leg,) = parsed.events, parsed.legs
    assert (event.event_id, event.away, event.home) == ("nfl-kc-mia-2026-09-27", "KC", "MIA")
    assert (event.event_date, event.days_off) == (date(2026, 9, 27), 0)
    assert (leg.label, leg.kind, leg.status) == ("Kenneth Walker", "player", "open")
    assert leg.quote is not None
    assert leg.quote.at == AT
    assert (leg.quote.bid, leg.quote.ask) == (Decimal("0.2000"), Decimal("0.2200"))  # "No" stands first: it is of Yes


def test_letters_that_collide_are_two_legs_and_the_name_is_the_metadatas() -> None:
    legs = parse(
        market("jalwil", "Jalen Williams"),
        market("jalwil-2", "Jaleel Wilson", marketSides=[{"team": {"abbreviation": "mia"}}] * 2),
        market("x", "", metadata=None, title="Tyreek Hill scores the first touchdown"),
        market("dolphi", "Miami Dolphins D/ST"),
        market("notouc", "No Touchdown"),
        market("qqqqqq", metadata={}),
        TEAM,
    ).legs
    assert [(leg.label, leg.kind, leg.team) for leg in legs] == [
        ("Jalen Williams", "player", None),
        ("Jaleel Wilson", "player", "MIA"),
        ("Tyreek Hill", "player", None),
        ("Miami Dolphins D/ST", "dst", "MIA"),
        ("No Touchdown", "no_td", None),
        ("astatc-nfl-kc-mia-2026-09-27-firsttd-qqqqqq", "unknown", None),
    ]
    assert len({leg.market_id for leg in legs}) == len(legs)


def test_a_price_that_is_not_found_is_an_error_and_an_empty_side_is_none() -> None:
    one_sided = parse(market(bestBidQuote=None)).legs[0].quote
    assert one_sided is not None
    assert (one_sided.bid, one_sided.ask) == (Decimal(0), Decimal("0.2200"))
    with pytest.raises(VenueError, match=r"no known price field.*best_bid"):
        parse(market(bestBidQuote=..., bestAskQuote=..., best_bid="0.2"))
    with pytest.raises(VenueError, match=r"no known price field.*currency, px"):
        parse(market(bestAskQuote={"px": "0.22", "currency": "USD"}))
    with pytest.raises(VenueError, match="sportsMarketType"):
        parse({"slug": "astatc-nfl-kc-mia-2026-09-27-firsttd-kenwal", "sports_market_type": MARKET_TYPE})


def test_neither_open_nor_closed_is_withdrawn_and_none_of_them_has_a_price() -> None:
    legs = parse(
        market("a", active=False, status="MARKET_STATUS_SUSPENDED"),
        market("b", status="MARKET_STATUS_HALTED"),
        over("c"),
        market("d", status="MARKET_STATUS_NEW_WORD"),
    ).legs
    assert [leg.status for leg in legs] == ["withdrawn", "closed", "closed", "open"]
    assert [leg.quote is None for leg in legs] == [True, True, True, False]


def test_an_event_of_unknown_teams_is_kept_with_the_reason() -> None:
    (event,) = parse(market(game="kc-xyz")).events
    assert (event.away, event.home) == (None, None)
    assert "xyz" in event.reason


# --- lists ------------------------------------------------------------------------------------------------------------


def test_the_list_is_paged_by_offset_and_a_server_that_repeats_its_page_does_not_loop_it() -> None:
    made = [TEAM, *(market(f"p{n}", f"Player {n}") for n in range(PER_PAGE + 20))]

    def us(request: Asked) -> Any:
        assert request.path == "v1/markets"
        assert request.query["closed"] == "false"
        start = int(request.query.get("offset", 0))
        return {"markets": made[start : start + int(request.query["limit"])]}

    with venue_at(us) as (venue, server):
        legs = [leg for page in venue.open_legs([]) for leg in page.parsed.legs]
        assert [leg.label for leg in legs] == [f"Player {n}" for n in range(PER_PAGE + 20)]
        assert len(server.asked) == 2
    with venue_at(lambda _: {"markets": made[1 : PER_PAGE + 1]}) as (venue, server):
        with pytest.raises(VenueError, match="would never end"):
            list(venue.open_legs([]))
        assert len(server.asked) == 2


@pytest.mark.parametrize("markets", [400, {"markets": [TEAM] * PER_PAGE}, {"markets": []}])
def test_where_the_markets_cannot_be_filtered_by_type_the_events_are_asked(markets: Any) -> None:
    def us(request: Asked) -> Any:
        if request.path == "v1/markets":
            return markets
        assert (request.query["tagSlug"], request.query["sportsMarketTypes"]) == ("nfl", MARKET_TYPE)
        return {"events": [{"slug": "nfl-kc-mia-2026-09-27", "title": "Chiefs at Dolphins", "markets": [market()]}]}

    with venue_at(us) as (venue, server):
        (page,) = venue.open_legs([])
        assert [leg.label for leg in page.parsed.legs] == ["Kenneth Walker"]
        assert page.parsed.events[0].title == "Chiefs at Dolphins"
        assert server.paths == ["v1/markets", "v1/events"]


def test_a_refusal_of_both_lists_is_an_error_and_an_empty_list_is_none() -> None:
    with venue_at(lambda _: 403) as (venue, _), pytest.raises(PermanentSourceError, match="403"):
        list(venue.open_legs([]))
    with venue_at(lambda one: {"markets": []} if one.path == "v1/markets" else 404) as (venue, _):
        assert list(venue.open_legs([])) == []


# --- settlement -------------------------------------------------------------------------------------------------------


def settling(request: Asked) -> Any:
    """Five legs that are over, one of them of a game that nobody asked about."""
    parts = request.path.split("/")
    if parts[-1] == "settlement":
        letters = parts[2].rpartition("-")[2]
        value = {"won": 1, "lost": 0, "half": 0.5}.get(letters)
        return 404 if value is None else {"slug": parts[2], "settlement": value}
    others = [over("else", game="nyj-buf")]
    return {"markets": [over("won"), over("lost"), over("half"), over("waits"), *others]}


def test_settlements_are_asked_one_by_one_for_the_wanted_games_and_kept_with_the_list() -> None:
    with venue_at(settling) as (venue, server):
        (page,) = venue.settled_legs(KICKOFF, [GAME])
        ends = {leg.market_id.rpartition("-")[2]: (leg.status, leg.result) for leg in page.parsed.legs}
        assert ends == {
            "won": ("settled", "yes"),
            "lost": ("settled", "no"),
            "half": ("settled", "void"),
            "waits": ("closed", None),
            "else": ("closed", None),
        }
        assert page.parsed.legs[2].settlement_value == Decimal("0.5")
        assert sum(path.endswith("settlement") for path in server.paths) == 4
        again = venue.parse("settled", page.payload.body, page.payload.fetched_at)
        assert list(again.legs) == list(page.parsed.legs)


def test_a_settlement_that_cannot_be_read_is_told_and_the_others_are_there() -> None:
    def odd(request: Asked) -> Any:
        return {"payout": 1} if request.path.endswith("lost/settlement") else settling(request)

    with venue_at(odd) as (venue, _):
        came: list[Page] = []
        with pytest.raises(VenueError, match=r"no settlement of .*-lost in the answer") as told:
            came.extend(venue.settled_legs(KICKOFF, [GAME]))
        assert [leg.result for page in came for leg in page.parsed.legs] == ["yes", None, "void", None, None]
        assert told.value.payload is not None
        assert b"payout" in told.value.payload.body


def test_legs_are_looked_up_by_slug_and_what_came_before_a_failure_is_kept() -> None:
    slugs = [over(letters)["slug"] for letters in ("won", "lost", "half")]

    def broken(request: Asked) -> Any:
        if request.path.endswith("lost/settlement"):
            return 500
        if not request.path.endswith("settlement"):
            assert request.query["slug"] == ",".join(slugs)
        return settling(request)

    with venue_at(broken) as (venue, _):
        came: list[Page] = []
        with pytest.raises(TransientSourceError, match="500"):
            came.extend(venue.legs(slugs))
        assert [leg.result for page in came for leg in page.parsed.legs][:3] == ["yes", None, None]


def test_there_is_no_history() -> None:
    with venue_at(lambda _: 500) as (venue, server):
        assert list(venue.history([WantedHistory("x", "y", None, KICKOFF)])) == []
        assert server.asked == []
        assert venue.source not in WITH_HISTORY
