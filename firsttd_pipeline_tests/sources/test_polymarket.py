"""Claims about Polymarket's client: every trap of its APIs, over a real socket and with the shapes of `../shared`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from firsttd_pipeline.domain.markets import Leg, Parsed, WantedHistory
from firsttd_pipeline.sources.http import HttpPolicy, PermanentSourceError, TransientSourceError
from firsttd_pipeline.sources.polymarket import PER_PAGE, SLUGS_AT_ONCE, STEPS, PolymarketVenue
from firsttd_pipeline.sources.venues import MOST_REFUSED, Asker, Page, VenueError
from firsttd_pipeline_tests.shared_data import SHARED, needs_shared
from firsttd_pipeline_tests.sources.venue_answers import Answers, Asked, answering

AT = datetime(2026, 2, 8, 12, 0, tzinfo=UTC)
KICKOFF = datetime(2026, 2, 8, 23, 30, tzinfo=UTC)
QUICK = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=20, retries=2, backoff=0.001)
SLUG = "nfl-sea-ne-2026-02-08-first-td-stefon-diggs"


def market(slug: str = SLUG, label: str = "Stefon Diggs", **fields: Any) -> dict[str, Any]:
    """A live market object as Gamma sends it; a field of ... is left out."""
    made = {
        "slug": slug,
        "question": f"{label}: First Touchdown",
        "groupItemTitle": "",
        "outcomes": '["Yes", "No"]',
        "outcomePrices": '["0.09", "0.91"]',
        "clobTokenIds": '["token of yes", "token of no"]',
        "bestBid": 0.08,
        "bestAsk": 0.1,
        "lastTradePrice": 0.09,
        "volume": "1234.56",
        "volumeNum": 1234.56,
        "active": True,
        "closed": False,
        "acceptingOrders": True,
        "umaResolutionStatus": None,
        "sportsMarketType": "first_touchdowns",
        "gameStartTime": "2026-02-08 23:30:00+00",
        "events": [{"slug": "nfl-sea-ne-2026-02-08-player-props", "title": "Seahawks vs. Patriots"}],
        **fields,
    }
    return {name: value for name, value in made.items() if value is not ...}


def resolved(prices: str, slug: str = SLUG, **fields: Any) -> dict[str, Any]:
    end = {"outcomePrices": prices, "closed": True, "acceptingOrders": False, "umaResolutionStatus": "resolved"}
    return market(slug, **{**end, "bestBid": ..., "closedTime": "2026-02-09 02:30:00+00", **fields})


def parse(*markets: dict[str, Any]) -> Parsed:
    venue = PolymarketVenue(Asker("polymarket", "http://127.0.0.1:9/"), "http://127.0.0.1:9/")
    return venue.parse("open", json.dumps({"markets": markets}).encode(), AT)


def leg_of(**fields: Any) -> Leg:
    return parse(market(**fields)).legs[0]


@contextmanager
def venue_at(respond: Callable[[Asked], Any]) -> Iterator[tuple[PolymarketVenue, Answers]]:
    with answering(respond) as server:
        asker = Asker(
            "polymarket", f"{server.url}gamma/", policy=QUICK, rate=10_000, clock=lambda: AT + timedelta(days=1)
        )
        yield PolymarketVenue(asker, f"{server.url}clob/"), server


# --- one market -------------------------------------------------------------------------------------------------------


@needs_shared
def test_the_known_shape_of_a_market_is_a_leg_with_its_book_on_an_event_of_two_teams() -> None:
    shapes = json.loads((SHARED / "markets" / "polymarket_shapes_not_captured.json").read_text())
    parsed = parse(shapes["gamma_market"])
    (event,), (leg,) = parsed.events, parsed.legs
    assert (event.away, event.home, event.event_date, event.days_off) == ("SEA", "NE", date(2026, 2, 8), 1)
    assert (leg.market_id, leg.label, leg.kind, leg.status) == (SLUG, "Stefon Diggs", "player", "open")
    quote = leg.quote
    assert quote is not None
    assert quote.at == AT
    assert (quote.bid, quote.ask, quote.last) == (Decimal("0.08"), Decimal("0.1"), Decimal("0.09"))
    assert quote.volume == Decimal("1234.56")


def test_yes_is_found_by_name_whatever_the_order_of_prices_tokens_and_book() -> None:
    turned = {"outcomes": '["No", "Yes"]', "outcomePrices": '["0.91", "0.09"]', "clobTokenIds": '["n", "y"]'}
    of_yes, of_no = leg_of(**turned), leg_of(**turned, bestBid=0.9, bestAsk=0.92, lastTradePrice=0.93)
    for leg, last in ((of_yes, "0.09"), (of_no, "0.07")):
        assert leg.history_token == "y"
        assert leg.quote is not None
        assert (leg.quote.bid, leg.quote.ask, leg.quote.last) == (Decimal("0.08"), Decimal("0.1"), Decimal(last))
    ended = parse(resolved('["0", "1"]', outcomes='["No", "Yes"]')).legs[0]
    assert (ended.result, ended.settlement_value) == ("yes", Decimal(1))
    stranger = leg_of(outcomes='["Diggs", "Field"]')  # no side is Yes: kept, and priced by nobody's guess
    assert (stranger.kind, stranger.quote) == ("unknown", None)


def test_an_open_market_without_a_known_price_field_is_an_error_and_an_empty_side_is_none() -> None:
    with pytest.raises(VenueError, match=r"no known price field.*best_bid"):
        leg_of(bestBid=..., bestAsk=..., best_bid=0.08)
    with pytest.raises(VenueError, match="80"):
        leg_of(bestBid=80)  # cents are no dollars
    nobody, unsaid = leg_of(bestBid=None).quote, leg_of(bestBid=...).quote
    assert nobody is not None
    assert nobody.bid == 0
    assert unsaid is not None
    assert unsaid.bid is None
    untraded = leg_of(lastTradePrice=0, volumeNum=..., volume="").quote
    assert untraded is not None
    assert untraded.last is None
    assert untraded.volume is None


@pytest.mark.parametrize(
    ("fields", "status", "result"),
    [
        ({"outcomePrices": '["1", "0"]'}, "settled", "yes"),
        ({"outcomePrices": '["0", "1"]'}, "settled", "no"),
        ({"outcomePrices": '["0.5", "0.5"]'}, "settled", "void"),
        ({"outcomePrices": '["0.97", "0.03"]'}, "closed", None),
        ({"outcomePrices": '["1", "0"]', "umaResolutionStatus": "proposed"}, "closed", None),
        ({"outcomePrices": '["1", "0"]', "umaResolutionStatus": "disputed"}, "closed", None),
        ({"closed": False, "umaResolutionStatus": None}, "closed", None),
        ({"closed": False, "umaResolutionStatus": None, "active": False}, "withdrawn", None),
        ({"umaResolutionStatus": None, "active": False}, "withdrawn", None),
    ],
)
def test_a_market_is_settled_only_when_closed_resolved_and_at_an_end(
    fields: dict[str, Any], status: str, result: str | None
) -> None:
    leg = parse(resolved(fields.pop("outcomePrices", '["0.2", "0.8"]'), **fields)).legs[0]
    assert (leg.status, leg.result, leg.quote) == (status, result, None)
    assert leg.settled_at == (datetime(2026, 2, 9, 2, 30, tzinfo=UTC) if status == "settled" else None)


def test_whom_a_leg_is_on_is_said_by_the_label_and_never_guessed() -> None:
    said = [
        parse(market(label="Kenneth Walker III")).legs[0],
        parse(market(question="Who scores first?", groupItemTitle="Ja'Lynn Polk")).legs[0],
        parse(market(label="No Touchdown")).legs[0],
        parse(market(label="Seattle Seahawks D/ST")).legs[0],
        parse(market(question="Who scores first?")).legs[0],
    ]
    assert [(leg.label, leg.kind, leg.team) for leg in said] == [
        ("Kenneth Walker III", "player", None),
        ("Ja'Lynn Polk", "player", None),
        ("No Touchdown", "no_td", None),
        ("Seattle Seahawks D/ST", "dst", "SEA"),
        ("Who scores first?", "unknown", None),
    ]


def test_events_not_understood_are_kept_and_other_leagues_and_markets_are_not() -> None:
    parsed = parse(
        market("nfl-xyz-ne-2026-02-08-first-td-a-b"),
        market("super-bowl-lx-first-td-a-b"),
        market("nfl-jac-lar-2026-01-05-first-td-a-b"),
        market("cfb-osu-mich-2026-02-08-first-td-a-b"),
        market("nfl-sea-ne-2026-02-08-anytime-td-a-b", sportsMarketType="anytime_touchdowns"),
    )
    assert [(event.event_id, event.away, event.home, bool(event.reason)) for event in parsed.events] == [
        ("nfl-xyz-ne-2026-02-08", None, None, True),
        ("nfl-sea-ne-2026-02-08-player-props", None, None, True),
        ("nfl-jac-lar-2026-01-05", "JAX", "LA", False),
    ]
    assert len(parsed.legs) == 3


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_list_is_paged_by_after_cursor_and_page_one_for_another_parameter_would_not_end_it() -> None:
    made = [market(f"nfl-sea-ne-2026-02-08-first-td-p-{n}", f"Player {n}") for n in range(250)]

    def gamma(request: Asked) -> Any:
        query = request.query
        assert (request.path, query["sports_market_types"]) == ("gamma/markets/keyset", "first_touchdowns")
        assert (query["closed"], "offset" in query) == ("false", False)
        start = int(query.get("after_cursor", "0"))
        end = start + int(query["limit"])
        return {"markets": made[start:end], **({"next_cursor": str(end)} if end < len(made) else {})}

    with venue_at(gamma) as (venue, server):
        legs = [leg for page in venue.open_legs([]) for leg in page.parsed.legs]
        assert [leg.market_id for leg in legs] == [one["slug"] for one in made]
        assert len(server.asked) == venue.requests == 3 == -(-250 // PER_PAGE)

    with venue_at(lambda _: {"markets": made[:100], "next_cursor": "always the same"}) as (venue, server):
        came: list[Page] = []
        with pytest.raises(VenueError, match="would never end"):
            came.extend(venue.open_legs([]))
        assert (len(came), len(server.asked)) == (1, 2)


def test_throttling_is_waited_out_and_a_stored_page_gives_the_same_rows_again() -> None:
    answers: list[Any] = [429, 503, {"markets": [market()]}, 429, 429, 429]
    with venue_at(lambda _: answers.pop(0)) as (venue, _):
        (page,) = venue.open_legs([])
        assert venue.requests == 3
        again = venue.parse(page.payload.kind, page.payload.body, page.payload.fetched_at)
        assert (list(again.legs), list(again.events)) == (list(page.parsed.legs), list(page.parsed.events))
        with pytest.raises(TransientSourceError, match="429"):
            list(venue.open_legs([]))


def test_settled_legs_are_asked_for_as_closed_and_since_a_time() -> None:
    with venue_at(lambda _: {"markets": [resolved('["0", "1"]')]}) as (venue, server):
        (page,) = venue.settled_legs(KICKOFF, [])
        assert (page.payload.kind, page.parsed.legs[0].result) == ("settled", "no")
        asked = server.asked[0].query
        assert asked["closed"] == "true"
        assert datetime.fromisoformat(asked["end_date_min"]) < KICKOFF


def test_known_legs_are_looked_up_by_slug_in_batches_among_the_closed_first() -> None:
    slugs = [f"nfl-sea-ne-2026-02-08-first-td-p-{n}" for n in range(SLUGS_AT_ONCE + 2)]
    gone, still_open = slugs[0], slugs[1]

    def gamma(request: Asked) -> Any:
        wanted, closed = request.query["slug"].split(","), request.query["closed"] == "true"
        assert len(wanted) <= SLUGS_AT_ONCE
        found = [slug for slug in wanted if slug != gone and (slug != still_open) == closed]
        return {"markets": [resolved('["1", "0"]', slug) if closed else market(slug) for slug in found]}

    with venue_at(gamma) as (venue, server):
        found = {leg.market_id: leg.status for page in venue.legs(slugs) for leg in page.parsed.legs}
        assert gone not in found
        assert found.pop(still_open) == "open"
        assert set(found.values()) == {"settled"}
        assert len(found) == SLUGS_AT_ONCE
        assert [request.query["slug"].count(",") + 1 for request in server.asked] == [SLUGS_AT_ONCE, 2, 2]


# --- prices of the past -----------------------------------------------------------------------------------------------


def points(*minutes_before: float, price: float = 0.09) -> dict[str, Any]:
    return {"history": [{"t": int(KICKOFF.timestamp() - 60 * m), "p": price} for m in minutes_before]}


def test_history_is_the_price_shown_without_a_book_and_ends_at_kickoff() -> None:
    with venue_at(lambda _: points(-5, 0, 5, 55, 65, 70, 125)) as (venue, server):
        (page,) = venue.history([WantedHistory(SLUG, "event", "token of yes", KICKOFF)])
        quotes = page.parsed.past[SLUG]
        # every point of the last hour, the last of each hour before, none after kickoff
        assert [(KICKOFF - quote.at) / timedelta(minutes=1) for quote in quotes] == [125, 65, 55, 5, 0]
        assert {(quote.bid, quote.ask, quote.last) for quote in quotes} == {(None, None, Decimal("0.09"))}
        asked = server.asked[0]
        assert (asked.path, asked.query["market"]) == ("clob/prices-history", "token of yes")
        assert int(asked.query["endTs"]) == KICKOFF.timestamp()
        again = venue.parse("history", page.payload.body, page.payload.fetched_at)
        assert len(again.past[SLUG]) == 7  # all that came, under the leg that the answer itself does not name


def test_history_goes_to_coarser_points_and_every_leg_gets_an_entry() -> None:
    coarse = str(STEPS[2][0])

    def clob(request: Asked) -> Any:
        if request.query["market"] == "unknown":
            return 404
        return points(90) if request.query["fidelity"] == coarse else {"history": []}

    wanted = [
        WantedHistory("a", "event", "t", KICKOFF),
        WantedHistory("b", "event", None, KICKOFF),
        WantedHistory("c", "event", "unknown", KICKOFF),
    ]
    with venue_at(clob) as (venue, server):
        (page,) = venue.history(wanted)
        assert {leg: len(quotes) for leg, quotes in page.parsed.past.items()} == {"a": 1, "b": 0, "c": 0}
        windows = [int(one.query["endTs"]) - int(one.query["startTs"]) for one in server.asked]
        assert max(windows) <= timedelta(days=15).total_seconds()  # more at once is refused


def test_fine_points_that_are_gone_for_one_old_leg_are_not_asked_for_again() -> None:
    old = KICKOFF - timedelta(days=200)
    answer = {"history": [{"t": int(old.timestamp()) - 3600, "p": 0.2}]}
    with venue_at(lambda one: answer if one.query["fidelity"] == "180" else {"history": []}) as (venue, server):
        (page,) = venue.history([WantedHistory(str(n), "event", "t", old) for n in range(3)])
        assert [one.query["fidelity"] for one in server.asked] == ["5", "60", "180", "180", "180"]
        assert all(len(quotes) == 1 for quotes in page.parsed.past.values())


def test_a_leg_that_the_venue_refuses_keeps_nobody_from_the_others_and_a_refusal_of_all_ends_it() -> None:
    legs = [WantedHistory(str(n), "event", str(n), KICKOFF) for n in range(60)]
    for bad, came in ((range(1, 2), 59), (range(60), 0)):
        with venue_at(lambda one, bad=bad: 400 if int(one.query["market"]) in bad else points(5)) as (venue, server):  # type: ignore[misc]
            found: list[Page] = []
            with pytest.raises(PermanentSourceError, match="400"):
                found.extend(venue.history(legs))
            assert sum(len(page.parsed.past) for page in found) == came
            assert len(server.asked) == (60 if came else MOST_REFUSED)


def test_what_came_before_a_failure_is_kept_and_a_renamed_price_is_an_error() -> None:
    answers: list[Any] = [points(10), {"history": [{"t": 1, "price": 0.2}]}]
    with venue_at(lambda _: answers.pop(0)) as (venue, _):
        came: list[Page] = []
        with pytest.raises(VenueError, match="no known price field") as told:
            came.extend(venue.history([WantedHistory(leg, "event", leg, KICKOFF) for leg in "ab"]))
        assert [list(page.parsed.past) for page in came] == [["a"]]
        assert told.value.payload is not None
        assert b'"price"' in told.value.payload.body
