"""Claims about Kalshi's client: every trap of its API, over a real socket and with the captured payloads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from firsttd_pipeline.domain.markets import Leg, Parsed, PayloadKind, WantedHistory
from firsttd_pipeline.domain.teams import TEAMS
from firsttd_pipeline.sources.http import HttpPolicy, NotPublished, PermanentSourceError, TransientSourceError
from firsttd_pipeline.sources.kalshi import CANDLES_AT_ONCE, TICKERS_AT_ONCE, KalshiVenue, event_of
from firsttd_pipeline.sources.venues import Asker, Page, VenueError
from firsttd_pipeline_tests.shared_data import SHARED, needs_shared
from firsttd_pipeline_tests.sources.venue_answers import Answers, Asked, answering

MARKETS = SHARED / "markets"
EVENT = "KXNFLFIRSTTD-26SEP13DETNE"
KICKOFF = datetime(2026, 9, 13, 17, 25, tzinfo=UTC)
CUTOFF = datetime(2026, 7, 1, tzinfo=UTC)
AT = datetime(2026, 9, 13, 12, 0, tzinfo=UTC)
QUICK = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=20, retries=2, backoff=0.001)


def market(suffix: str = "DETJGOFF16", label: str = "Jared Goff", event: str = EVENT, **fields: Any) -> dict[str, Any]:
    """A live market object as Kalshi sends it; a field of None is left out."""
    made = {
        "ticker": f"{event}-{suffix}",
        "event_ticker": event,
        "yes_sub_title": label,
        "custom_strike": {"football_player": f"uuid of {label}", "football_team": "x"},
        "status": "active",
        "result": "",
        "yes_bid_dollars": "0.0700",
        "yes_ask_dollars": "0.0900",
        "yes_bid_size_fp": "120.00",
        "yes_ask_size_fp": "40.50",
        "last_price_dollars": "0.0800",
        "volume_fp": "1725.44",
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


def settled(suffix: str, label: str = "Jared Goff", result: str = "no", **fields: Any) -> dict[str, Any]:
    dead = {"yes_bid_dollars": "0.0000", "yes_ask_dollars": "1.0000", "last_price_dollars": "0.0100"}
    return market(suffix, label, status="finalized", result=result, **{**dead, **fields})


def parse(*markets: dict[str, Any], kind: PayloadKind = "open") -> Parsed:
    venue = KalshiVenue(Asker("kalshi", "http://127.0.0.1:9/"))
    return venue.parse(kind, json.dumps({"cursor": "", "markets": markets}).encode(), AT)


def leg_of(*args: Any, **fields: Any) -> Leg:
    (leg,) = parse(market(*args, **fields)).legs
    return leg


@contextmanager
def kalshi(respond: Callable[[Asked], Any]) -> Iterator[tuple[KalshiVenue, Answers]]:
    with answering(respond) as server:
        venue = KalshiVenue(Asker("kalshi", server.url, policy=QUICK, rate=1000, seconds=20, clock=lambda: AT))
        yield venue, server
        venue.close()


def tickers(pages: Sequence[Page]) -> list[str]:
    return [leg.market_id.removeprefix(f"{EVENT}-") for page in pages for leg in page.parsed.legs]


# --- the captured payloads --------------------------------------------------------------------------------------------


def captured(name: str) -> Any:
    return json.loads((MARKETS / name).read_bytes())


@needs_shared
def test_the_captured_event_has_22_legs_of_one_game_and_one_winner() -> None:
    parsed = parse(*captured("kalshi_KXNFLFIRSTTD-26FEB08SEANE_settled_full_event.json")["markets"], kind="settled")
    (event,) = parsed.events
    assert (event.away, event.home, event.event_date, event.days_off) == ("SEA", "NE", date(2026, 2, 8), 0)
    assert Counter(leg.kind for leg in parsed.legs) == {"player": 19, "dst": 2, "no_td": 1}
    assert {leg.status for leg in parsed.legs} == {"settled"}
    assert [(leg.label, leg.team, leg.jersey) for leg in parsed.legs if leg.result == "yes"] == [
        ("AJ Barner", "SEA", 88)
    ]
    assert Counter(leg.result for leg in parsed.legs) == {"no": 21, "yes": 1}
    assert {leg.label: leg.team for leg in parsed.legs if leg.kind == "dst"} == {
        "Seattle D/ST": "SEA",
        "New England D/ST": "NE",
    }
    by_name = {leg.label: leg for leg in parsed.legs}
    assert (by_name["Kenneth Walker III"].team, by_name["Kenneth Walker III"].jersey) == ("SEA", 9)
    assert by_name["Jaxon Smith-Njigba"].venue_player_id == "547cb36f-de35-4617-9be8-b7a6b6b9fa94"
    assert by_name["Stefon Diggs"].settled_at == datetime(2026, 2, 9, 2, 50, 42, 994540, tzinfo=UTC)
    assert [leg.label for leg in parsed.legs if (leg.venue_player_id is None) != (leg.kind != "player")] == []
    assert [leg for leg in parsed.legs if leg.quote is not None] == []  # the last trade of 0.01 is the end, no price


@needs_shared
def test_the_captured_scalar_leg_is_void_at_its_value() -> None:
    (leg,) = parse(*captured("kalshi_KXNFLFIRSTTD_settled_scalar_void.json")["markets"]).legs
    assert (leg.label, leg.team, leg.jersey) == ("Tutu Atwell", "LA", 5)
    assert (leg.result, leg.settlement_value, leg.quote) == ("void", Decimal("0.01"), None)


@needs_shared
def test_the_captured_legs_without_prices_are_an_error_that_names_their_fields() -> None:
    with pytest.raises(VenueError, match=r"no known price field.*no yes_bid_dollars.*Fields there: .*yes_sub_title"):
        parse(*captured("kalshi_first_td_2026_active_field_reduced.json"))


@needs_shared
def test_of_the_captured_2026_legs_only_the_first_touchdown_series_is_taken() -> None:
    book = {"yes_bid_dollars": "0.0100", "yes_ask_dollars": "0.0300"}
    parsed = parse(*({**leg, **book} for leg in captured("kalshi_first_td_2026_active_field_reduced.json")))
    assert [(leg.label, leg.kind, leg.team) for leg in parsed.legs] == [
        ("No Touchdown", "no_td", None),
        ("No Touchdown", "no_td", None),
        ("Davante Adams", "player", "LA"),
        ("Cooper Kupp", "player", "SEA"),
    ]
    assert [(event.away, event.home) for event in parsed.events] == [("SF", "LA"), ("NE", "SEA")]


@needs_shared
def test_the_captured_live_shape_gives_a_two_sided_quote() -> None:
    made = captured("kalshi_KXNFLGAME-26SEP21NYGLAR_active_full_shape.json")["markets"][0]
    event = made["event_ticker"].replace("KXNFLGAME", "KXNFLFIRSTTD")
    (leg,) = parse({**made, "event_ticker": event, "ticker": f"{event}-LARDADAMS17"}).legs
    assert leg.quote is not None
    assert (leg.quote.bid, leg.quote.ask, leg.quote.last) == (Decimal("0.76"), Decimal("0.78"), Decimal("0.79"))
    assert (leg.quote.bid_size, leg.quote.ask_size) == (Decimal(1866), Decimal(200))
    assert (leg.quote.volume, leg.quote.at) == (Decimal("1725.44"), AT)


# --- legs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["NOTD", "NONE", "DETNONE", "DETNO-TD"])
def test_the_no_touchdown_leg_is_known_by_its_label_whatever_its_ticker(suffix: str) -> None:
    leg = leg_of(suffix, "No Touchdown")
    assert (leg.kind, leg.team, leg.jersey, leg.venue_player_id) == ("no_td", None, None, None)


@pytest.mark.parametrize("suffix", ["DETDST", "DETDETDST"])
def test_a_defense_is_known_by_its_label_and_its_team_by_the_ticker(suffix: str) -> None:
    leg = leg_of(suffix, "Detroit D/ST")
    assert (leg.kind, leg.team, leg.jersey, leg.venue_player_id) == ("dst", "DET", None, None)


def test_a_leg_that_is_neither_is_unknown_and_kept() -> None:
    assert leg_of("OTHER", "Any other player", custom_strike=None).kind == "unknown"
    nobody = {"football_player": "1a31f644-75b8-4d4d-a55f-e3f198ab644d"}
    leg = leg_of("NONE", "Nobody in regulation", custom_strike=nobody)  # an id that stands for nobody is no player
    assert (leg.kind, leg.label, leg.venue_player_id) == ("unknown", "Nobody in regulation", None)
    assert leg_of("NEMHOLLINS13", "Mack Hollins", custom_strike=None).kind == "player"


@pytest.mark.parametrize(
    ("suffix", "label", "team"),
    [
        ("LACKUPP10", "Cooper Kupp", "LA"),
        ("LACLMCCONKEY15", "Ladd McConkey", "LAC"),
        ("LACKWALKER9", "Kenneth Walker III", "LAC"),
        ("LACXYZ1", "Cooper Kupp", None),  # the name does not decide: no team
        ("LADST", "Los Angeles R D/ST", "LA"),
        ("LACDST", "Los Angeles C D/ST", "LAC"),
    ],
)
def test_where_two_team_codes_fit_the_initial_and_surname_decide(suffix: str, label: str, team: str | None) -> None:
    event = "KXNFLFIRSTTD-25DEC28LALAC"
    assert leg_of(suffix, label, event).team == team


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("initialized", "closed"),
        ("active", "open"),
        ("inactive", "withdrawn"),
        ("closed", "closed"),
        ("determined", "closed"),
        ("disputed", "closed"),
        ("amended", "closed"),
        ("finalized", "settled"),
    ],
)
def test_every_status_is_understood_and_only_an_open_leg_has_a_price(said: str, status: str) -> None:
    leg = leg_of(status=said, result="no" if said in ("determined", "finalized") else "")
    assert leg.status == status
    assert (leg.quote is not None) == (status == "open")
    assert leg.result == ("no" if status == "settled" else None)  # determined can still be disputed


def test_words_that_nobody_knows_are_an_error_and_no_guess() -> None:
    with pytest.raises(VenueError, match="status 'paused'"):
        leg_of(status="paused")
    with pytest.raises(VenueError, match="result 'maybe'"):
        parse(settled("DETJGOFF16", result="maybe"))
    assert parse(settled("DETJGOFF16", result="")).legs[0].result is None
    with pytest.raises(VenueError, match="no ticker"):
        parse({"market_ticker": "X"})


def test_an_empty_book_comes_as_it_is_and_nothing_traded_is_no_trade() -> None:
    quote = leg_of(yes_bid_dollars="0.0000", yes_ask_dollars="1.0000", last_price_dollars="0.0000").quote
    assert quote is not None
    assert (quote.bid, quote.ask, quote.last) == (Decimal(0), Decimal(1), None)


def test_prices_are_exact() -> None:
    quote = leg_of(yes_bid_dollars="0.1234", yes_ask_dollars="0.1235").quote
    assert quote is not None
    assert quote.ask is not None
    assert quote.bid is not None
    assert quote.ask - quote.bid == Decimal("0.0001")


def test_renamed_price_fields_and_integer_cents_are_an_error_and_never_no_data() -> None:
    renamed = {"yes_bid_dollars": None, "yes_ask_dollars": None, "yes_bid": 7, "yes_ask": 9}
    with pytest.raises(VenueError, match=r"no known price field: .*DETJGOFF16.*Fields there: .*yes_ask, .*yes_bid, "):
        leg_of(**renamed)
    with pytest.raises(VenueError, match="no yes_ask_dollars"):
        leg_of(yes_ask_dollars=None)
    with pytest.raises(VenueError, match="9, which is no price of 0 to 1 dollars"):
        leg_of(yes_ask_dollars=9)
    assert parse(settled("DETJGOFF16", **renamed)).legs[0].result == "no"  # a settled leg has no price to miss


def test_unknown_fields_are_ignored() -> None:
    assert leg_of(surprise={"deep": [1]}, yes_bid=7, title=3).quote == leg_of().quote


# --- events -----------------------------------------------------------------------------------------------------------


def test_every_pair_of_teams_is_split_in_exactly_one_way() -> None:
    as_written = {"LA": ("LA", "LAR"), "JAX": ("JAX", "JAC")}
    for away, home in permutations(TEAMS, 2):
        for first in as_written.get(away, (away,)):
            for second in as_written.get(home, (home,)):
                event = event_of(f"KXNFLFIRSTTD-26SEP10{first}{second}")
                assert (event.away, event.home, event.reason) == (away, home, "")


@pytest.mark.parametrize(
    "ticker",
    ["KXNFLFIRSTTD-26SEP10XYZLAR", "KXNFLFIRSTTD-26SEP10LALAR", "KXNFLFIRSTTD-26SEP31SFLAR", "KXNFLFIRSTTD-FINAL"],
)
def test_an_event_that_is_not_understood_is_kept_with_the_reason(ticker: str) -> None:
    (event,) = parse(market("SFCMCCAFFREY23", "Christian McCaffrey", ticker)).events
    assert (event.event_id, event.away, event.home) == (ticker, None, None)
    assert event.reason


def test_other_series_with_the_same_beginning_are_never_mixed_in() -> None:
    others = [market(event=EVENT.replace("TD-", f"TD{more}-")) for more in ("TEAM", "TIME")]
    parsed = parse(*others, market())
    assert [event.event_id for event in parsed.events] == [EVENT]
    assert tickers([Page(None, parsed)]) == ["DETJGOFF16"]  # type: ignore[arg-type]


# --- lists ------------------------------------------------------------------------------------------------------------


def test_open_legs_are_read_page_by_page_to_the_empty_cursor() -> None:
    listing = {"": ("DETJGOFF16", "next/1"), "next/1": ("NEDMAYE10", "")}

    def respond(request: Asked) -> Any:
        suffix, cursor = listing[request.query.get("cursor", "")]
        return {"cursor": cursor, "markets": [market(suffix)]}

    with kalshi(respond) as (venue, server):
        found = list(venue.open_legs([]))
        assert tickers(found) == ["DETJGOFF16", "NEDMAYE10"]
        asked = {"series_ticker": "KXNFLFIRSTTD", "status": "open", "limit": "1000"}
        assert [request.query for request in server.asked] == [asked, {**asked, "cursor": "next/1"}]
        assert venue.parse("open", found[0].payload.body, found[0].payload.fetched_at) == found[0].parsed


def test_a_cursor_that_repeats_ends_as_an_error_after_what_came() -> None:
    with kalshi(lambda _: {"cursor": "again", "markets": [market(f"DET{len(server.asked)}")]}) as (venue, server):
        listing = venue.open_legs([])
        assert len(tickers([next(listing), next(listing)])) == 2
        with pytest.raises(VenueError, match="a cursor came again"):
            next(listing)


def test_a_full_page_without_a_cursor_is_not_taken_for_the_whole_list() -> None:
    with (
        kalshi(lambda _: {"next": "x", "markets": [market()] * 1000}) as (venue, _),
        pytest.raises(VenueError, match="no cursor"),
    ):
        list(venue.open_legs([]))


def test_an_answer_that_cannot_be_read_comes_with_its_payload_to_keep() -> None:
    with kalshi(lambda _: {"cursor": "", "markets": [market(yes_bid_dollars=None)]}) as (venue, _):
        with pytest.raises(VenueError) as told:
            list(venue.open_legs([]))
        assert told.value.payload is not None
        assert told.value.payload.kind == "open"
        assert json.loads(told.value.payload.body)["markets"][0]["yes_ask_dollars"] == "0.0900"


def test_a_venue_out_of_order_midway_keeps_the_pages_that_came() -> None:
    with kalshi(lambda q: 503 if "cursor" in q.query else {"cursor": "b", "markets": [market()]}) as (venue, server):
        listing = venue.open_legs([])
        assert tickers([next(listing)]) == ["DETJGOFF16"]
        with pytest.raises(TransientSourceError, match="503"):
            next(listing)
        assert venue.requests == len(server.asked) == 4


@pytest.mark.parametrize(
    ("since", "paths"),
    [
        (CUTOFF + timedelta(days=1), ["historical/cutoff", "markets"]),
        (CUTOFF - timedelta(days=1), ["historical/cutoff", "markets", "historical/markets"]),
    ],
)
def test_settled_legs_of_before_the_cutoff_are_asked_of_the_historical_list(since: datetime, paths: list[str]) -> None:
    def respond(request: Asked) -> Any:
        if request.path == "historical/cutoff":
            return {"market_settled_ts": "2026-07-01T00:00:00Z", "trades_created_ts": "x"}
        suffix = "DETJGOFF16" if request.path == "markets" else "NEDMAYE10"
        return {"cursor": "", "markets": [settled(suffix)]}

    with kalshi(respond) as (venue, server):
        assert tickers(list(venue.settled_legs(since, []))) == ["DETJGOFF16", "NEDMAYE10"][: len(paths) - 1]
        assert server.paths == paths
        assert server.asked[1].query["status"] == "settled"
        assert server.asked[-1].query["series_ticker"] == "KXNFLFIRSTTD"


def test_a_cutoff_that_is_not_told_is_an_error() -> None:
    with (
        kalshi(lambda _: {"cutoff": "2026-07-01T00:00:00Z"}) as (venue, _),
        pytest.raises(VenueError, match=r"market_settled_ts.*Fields there: cutoff"),
    ):
        list(venue.settled_legs(CUTOFF, []))


def test_known_legs_are_asked_for_by_ticker_live_first_and_the_rest_historically() -> None:
    known = [f"{EVENT}-DETX{n}" for n in range(130)]
    live = set(known[:90]) | set(known[100:])

    def respond(request: Asked) -> Any:
        asked = request.query["tickers"].split(",")
        assert len(asked) <= TICKERS_AT_ONCE
        if request.path == "markets":
            answered = [market(ticker.rpartition("-")[2], status="inactive") for ticker in asked if ticker in live]
        else:
            answered = [settled(ticker.rpartition("-")[2]) for ticker in asked if not ticker.endswith("DETX99")]
        return {"cursor": "", "markets": answered}

    with kalshi(respond) as (venue, server):
        legs = [leg for page in venue.legs([*known, known[0]]) for leg in page.parsed.legs]
        assert server.paths == ["markets", "historical/markets", "markets"]
        assert server.asked[1].query["tickers"].split(",") == known[90:100]
        assert {leg.market_id for leg in legs} == set(known) - {known[99]}  # one that nobody knows is not there
        assert Counter(leg.status for leg in legs) == {"withdrawn": 120, "settled": 9}


# --- candles ----------------------------------------------------------------------------------------------------------


def candle(end: datetime, bid: str = "0.0700", *, plain: bool = False, trade: bool = True) -> dict[str, Any]:
    """A candle as the live endpoint has it, or the historical one (`plain`)."""
    close = "close" if plain else "close_dollars"
    previous = "previous" if plain else "previous_dollars"
    price = {close: "0.0800", previous: "0.0500"} if trade else {previous: "0.0500"}
    return {
        "end_period_ts": int(end.timestamp()),
        "yes_bid": {close: bid},
        "yes_ask": {close: "0.0900"},
        "price": price,
        ("volume" if plain else "volume_fp"): "12.00",
    }


def wanted(suffix: str, until: datetime = KICKOFF) -> WantedHistory:
    return WantedHistory(f"{EVENT}-{suffix}", EVENT, None, until)


class Candles:
    """An exchange that has candles: by suffix the ends of its 1-minute and 60-minute ones."""

    def __init__(self, live: dict[str, Any] | None = None, historical: dict[str, Any] | None = None) -> None:
        self.live = live or {}
        self.historical = historical or {}

    def __call__(self, request: Asked) -> Any:
        if request.path == "historical/cutoff":
            return {"market_settled_ts": CUTOFF.isoformat()}
        if request.path == "markets/candlesticks":
            asked = request.query["market_tickers"].split(",")
            known = [(ticker, self.live.get(ticker.rpartition("-")[2])) for ticker in asked]
            return {
                "markets": [
                    {"market_ticker": ticker, "candlesticks": self.ends(request, minutes)}
                    for ticker, minutes in known
                    if minutes is not None
                ]
            }
        ticker = request.path.split("/")[2]
        suffix = ticker.rpartition("-")[2]
        if suffix not in self.historical:
            return 404
        return {"ticker": ticker, "candlesticks": self.ends(request, self.historical[suffix], plain=True)}

    def ends(self, request: Asked, minutes: Any, *, plain: bool = False) -> list[dict[str, Any]]:
        start, end, period = (int(request.query[name]) for name in ("start_ts", "end_ts", "period_interval"))
        # an exchange that also sends the candle that the end lies in
        return [
            candle(at, plain=plain)
            for at in (datetime.fromtimestamp(end, UTC) + timedelta(minutes=m) for m in minutes.get(period, []))
            if start <= at.timestamp() <= end + 60 * period
        ]


def minutes_before(path: Sequence[Any], until: datetime = KICKOFF) -> list[float]:
    return [(quote.at - until).total_seconds() / 60 for quote in path]


def past_of(pages: Sequence[Page]) -> dict[str, list[float]]:
    told: dict[str, list[float]] = {}
    for page in pages:
        assert page.payload.kind == "history"
        for ticker, path in page.parsed.past.items():
            assert ticker not in told
            told[ticker.rpartition("-")[2]] = minutes_before(path)
    return told


def test_live_candles_come_in_one_request_and_end_at_or_before_kickoff() -> None:
    live = {"A": {1: range(-119, 30)}, "B": {1: [-90, -30, 1]}, "C": {1: [0]}}
    with kalshi(Candles(live)) as (venue, server):
        past = past_of(list(venue.history([wanted(suffix) for suffix in live])))
        assert server.paths == ["historical/cutoff", "markets/candlesticks"]
    # kickoff is at 17:25: the last of each hour by the clock, and all of the hour before kickoff
    assert past == {"A": [-85, -60, *range(-59, 1)], "B": [-90, -30], "C": [0]}


def test_a_leg_that_the_venue_refuses_keeps_nobody_from_the_others_and_a_refusal_of_all_ends_it() -> None:
    candles = Candles({name: {1: [-5]} for name in "ABCDE"})

    def refusing(bad: str) -> Callable[[Asked], Any]:
        def answer(request: Asked) -> Any:
            tickers = request.query.get("market_tickers", "").split(",")
            return 400 if any(ticker[-1:] in bad for ticker in tickers if ticker) else candles(request)

        return answer

    for bad, came, requests in (("B", "ACDE", 6), ("ABCDE", "", 10)):
        with kalshi(refusing(bad)) as (venue, server):
            found: list[Page] = []
            with pytest.raises(PermanentSourceError, match="400"):
                found.extend(venue.history([wanted(name) for name in "ABCDE"]))
            assert sorted(past_of(found)) == list(came)
            assert len(server.asked) == requests


def test_an_old_leg_that_the_venue_refuses_keeps_nobody_from_the_others() -> None:
    candles, old = Candles(historical={name: {1: [-5]} for name in "ABC"}), CUTOFF - timedelta(days=30)
    with kalshi(lambda request: 400 if "-B/" in request.path else candles(request)) as (venue, _):
        found: list[Page] = []
        with pytest.raises(PermanentSourceError, match="400"):
            found.extend(venue.history([wanted(name, old) for name in "ABC"]))
        assert sorted(past_of(found)) == ["A", "C"]


def test_a_leg_without_candles_in_the_last_hours_has_those_of_the_last_days() -> None:
    live = {"A": {1: [-5]}, "B": {1: [], 60: [-1465, -25, 35]}, "C": {}}
    with kalshi(Candles(live)) as (venue, server):
        past = past_of(list(venue.history([wanted("A"), wanted("B"), wanted("C"), wanted("D")])))
        assert [request.query.get("period_interval") for request in server.asked] == [None, "1", "60"]
        assert server.asked[2].query["market_tickers"] == ",".join(f"{EVENT}-{suffix}" for suffix in "BCD")
    # the candle that ends after kickoff is none, and a leg without any has an entry that says so
    assert past == {"A": [-5], "B": [-1465, -25], "C": [], "D": []}


def test_a_batch_keeps_to_the_exchanges_limits_and_holds_one_kickoff() -> None:
    late = KICKOFF + timedelta(hours=3)
    legs = [wanted(f"X{n}", late if n % 2 else KICKOFF) for n in range(200)]
    with kalshi(Candles({f"X{n}": {1: [-1]} for n in range(200)})) as (venue, server):
        found = list(venue.history(legs))
        assert sum(len(page.parsed.past) for page in found) == 200
        batches = [request.query for request in server.asked[1:]]
    assert {int(batch["end_ts"]) for batch in batches} == {int(KICKOFF.timestamp()), int(late.timestamp())}
    assert len(batches) == 4
    for batch in batches:
        asked = len(batch["market_tickers"].split(","))
        candles = (int(batch["end_ts"]) - int(batch["start_ts"])) // 60 // int(batch["period_interval"]) + 1
        assert asked <= TICKERS_AT_ONCE
        assert asked * candles <= CANDLES_AT_ONCE


def test_historical_candles_have_other_names_and_come_one_leg_at_a_time() -> None:
    until = CUTOFF - timedelta(days=100)
    historical = {"A": {1: [-3, 0, 1]}, "B": {60: [-120]}}
    with kalshi(Candles(historical=historical)) as (venue, server):
        found = list(venue.history([wanted("A", until), wanted("B", until)]))
        assert [path.rpartition(EVENT)[2] for path in server.paths[1:]] == [
            "-A/candlesticks",
            "-B/candlesticks",
            "-B/candlesticks",
        ]
        paths = {ticker[-1]: path for page in found for ticker, path in page.parsed.past.items()}
        again = venue.parse("history", found[0].payload.body, found[0].payload.fetched_at).past[f"{EVENT}-A"]
    assert (minutes_before(paths["A"], until), minutes_before(paths["B"], until)) == ([-3, 0], [-120])
    assert minutes_before(again, until) == [-3, 0, 1]  # a stored answer holds all that came
    last = paths["A"][-1]
    assert (last.bid, last.ask, last.last) == (Decimal("0.07"), Decimal("0.09"), Decimal("0.08"))
    assert last.volume is None  # a candle's is of its minute, not so far


def test_a_leg_near_the_cutoff_is_looked_for_on_both_sides() -> None:
    near = CUTOFF - timedelta(days=1)
    with kalshi(Candles({"A": {1: [-1]}}, {"B": {1: [-2]}})) as (venue, server):
        past = {
            ticker[-1]: minutes_before(path, near)
            for page in venue.history([wanted("A", near), wanted("B", near)])
            for ticker, path in page.parsed.past.items()
        }
        assert [path.rpartition("/")[0] for path in server.paths] == [
            "historical",
            "markets",
            f"historical/markets/{EVENT}-B",
        ]
    assert past == {"A": [-1], "B": [-2]}


def test_an_old_leg_that_was_never_settled_is_looked_for_among_the_live_ones() -> None:
    old = CUTOFF - timedelta(days=100)
    with kalshi(Candles({"W": {60: [-60]}}, {"A": {1: [-2]}})) as (venue, _):
        past = {
            ticker[-1]: minutes_before(path, old)
            for page in venue.history([wanted("W", old), wanted("V", old), wanted("A", old)])
            for ticker, path in page.parsed.past.items()
        }
    assert past == {"A": [-2], "W": [-60], "V": []}


def test_candles_that_cannot_be_found_at_all_are_an_error_and_not_none() -> None:
    with kalshi(lambda q: 404 if "candlesticks" in q.path else {"market_settled_ts": CUTOFF.isoformat()}) as (venue, _):
        for until in (KICKOFF, CUTOFF - timedelta(days=100)):
            with pytest.raises(NotPublished):
                list(venue.history([wanted("A", until)]))


def test_nothing_wanted_asks_nothing() -> None:
    with kalshi(lambda _: 500) as (venue, server):
        assert (list(venue.history([])), list(venue.legs([])), server.asked) == ([], [], [])


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ({"yes_bid": {"close_cents": 7}, "yes_ask": {"close_cents": 9}}, "no known price field"),
        ({"yes_bid": None, "yes_ask": None}, "no known price field"),
        ({"yes_bid": {"close": 1}, "yes_ask": {"close": 9}}, "no text in dollars"),
        ({"end_period_ts": None, "end_ts": 5}, "no end_period_ts"),
    ],
)
def test_a_candle_with_other_fields_is_an_error_and_never_no_price(broken: dict[str, Any], what: str) -> None:
    body = {"ticker": "X", "candlesticks": [{**candle(KICKOFF), **broken}]}
    with pytest.raises(VenueError, match=what):
        KalshiVenue(Asker("kalshi", "http://127.0.0.1:9/")).parse("history", json.dumps(body).encode(), AT)


def test_a_candle_without_a_trade_has_the_last_one_before_it() -> None:
    body = {"ticker": "X", "candlesticks": [candle(KICKOFF, trade=False)]}
    past = KalshiVenue(Asker("kalshi", "http://127.0.0.1:9/")).parse("history", json.dumps(body).encode(), AT).past
    assert [quote.last for quote in past["X"]] == [Decimal("0.05")]
