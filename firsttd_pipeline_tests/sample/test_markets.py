"""The invented venues behave as the real ones: shapes, states by time, paging, traps; and prices mean something."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from firsttd_pipeline.domain.markets import SOURCES, Leg, Source, WantedGame
from firsttd_pipeline.sample.market_server import KALSHI, SAMPLE_KEY
from firsttd_pipeline.sample.markets import BOOKS, GHOST, SERIES, Listing, MarketWorld, book_label, token_of, world_of
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.sources.venues import open_venue
from firsttd_pipeline_tests import market_server as by_hand
from firsttd_pipeline_tests.market_server import (
    AFTER_SEASON,
    SETTLED_EVENT,
    VOID_LEG,
    MarketServer,
    captured,
    shared_world,
)
from firsttd_pipeline_tests.shared_data import MIRROR, SHARED, needs_shared

pytestmark = needs_shared

BEFORE_FINAL = datetime(2026, 2, 8, 20, tzinfo=UTC)
KICKOFF = datetime(2026, 2, 8, 23, 30, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
ODDS = "odds/v4/sports/americanfootball_nfl/events"
Ask = Callable[..., Any]


@pytest.fixture
def ask(market_server: MarketServer) -> Ask:
    """`ask(path, **query)`: the JSON of an answer that has to be 200."""

    def get(path: str, **query: Any) -> Any:
        response = requests.get(market_server.url + path, params=query, timeout=20)
        assert response.status_code == 200, response.text
        return response.json()

    return get


def status(server: MarketServer, path: str, **query: Any) -> int:
    return requests.get(server.url + path, params=query, timeout=20).status_code


def planted(world: MarketWorld, case: str) -> list[Listing]:
    game_id, key = world.cases[case]
    return [leg for leg in world.kalshi.values() if leg.game.game_id == game_id and leg.runner.key == key]


def test_the_captured_event_comes_whole_and_the_voided_leg_as_it_was(ask: Ask) -> None:
    file = SHARED / "markets" / "kalshi_KXNFLFIRSTTD-26FEB08SEANE_settled_full_event.json"
    event = ask(f"{KALSHI}markets", event_ticker=SETTLED_EVENT, status="settled")["markets"]
    assert sorted(event, key=str) == sorted(json.loads(file.read_text())["markets"], key=str)
    assert ask(f"{KALSHI}markets/{VOID_LEG}")["market"] == captured()[VOID_LEG]


def test_before_kickoff_captured_legs_have_the_shape_of_a_live_one(market_server: MarketServer, ask: Ask) -> None:
    market_server.at(BEFORE_FINAL)
    legs = [m for m in ask(f"{KALSHI}markets", status="open")["markets"] if m["event_ticker"] == SETTLED_EVENT]
    settled = {ticker for ticker, market in captured().items() if market["event_ticker"] == SETTLED_EVENT}
    assert {leg["ticker"] for leg in legs} == settled
    shape = captured()["KXNFLGAME-26SEP21NYGLAR-LAR"]
    for leg in legs:
        assert set(leg) == set(shape) | {"primary_participant_key"}
        assert {name: type(value) for name, value in leg.items() if name in shape} == {
            name: type(value) for name, value in shape.items()
        }
        assert (leg["status"], leg["result"]) == ("active", "")


def test_an_invented_settled_leg_has_the_fields_of_a_captured_one(ask: Ask) -> None:
    market = next(m for m in ask(f"{KALSHI}markets", status="settled")["markets"] if m["ticker"] not in captured())
    real = captured()[VOID_LEG]
    assert {name: type(value) for name, value in market.items()} == {name: type(value) for name, value in real.items()}
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    assert market["last_price_dollars"] in ("0.0100", "0.9900")


def test_the_same_seed_gives_the_same_world_and_another_one_other_prices() -> None:
    one, two, other = (world_of(MIRROR, [2025], weeks=(22, 22), seed=seed) for seed in (7, 7, 8))

    def shown(world: MarketWorld) -> str:
        legs = [world.kalshi_market(leg, BEFORE_FINAL) for leg in world.kalshi.values()]
        legs += [world.gamma_market(leg, BEFORE_FINAL) for leg in world.polymarket.values()]
        return json.dumps([*legs, *(world.odds_of(game, BEFORE_FINAL) for game in world.games.values())])

    assert shown(one) == shown(two) != shown(other)


def test_what_is_shown_of_a_leg_goes_by_the_time(market_server: MarketServer, ask: Ask) -> None:
    leg = next(one for one in market_server.world.kalshi.values() if one.runner.result == "no" and not one.withdrawn)

    def listed(of: str) -> bool:
        found = ask(f"{KALSHI}markets", status=of, event_ticker=leg.event_id, limit=1000)["markets"]
        return leg.market_id in {market["ticker"] for market in found}

    kickoff = leg.game.kickoff_at
    for now, shown in (
        (kickoff - timedelta(hours=1), "open"),
        (kickoff + timedelta(hours=2), "closed"),
        (kickoff + timedelta(hours=5), "settled"),
        (kickoff + timedelta(days=100), ""),
    ):
        market_server.at(now)
        assert [of for of in ("open", "closed", "settled") if listed(of)] == [shown] * bool(shown), now
    historical = ask(f"{KALSHI}historical/markets", tickers=leg.market_id)["markets"]
    assert [market["result"] for market in historical] == ["no"]
    assert status(market_server, f"{KALSHI}markets/{leg.market_id}") == 404
    assert status(market_server, f"{KALSHI}historical/markets") == 400


def test_a_withdrawn_leg_leaves_the_open_list_and_is_never_settled(market_server: MarketServer, ask: Ask) -> None:
    world = market_server.world
    first, second = planted(world, "relisted")
    assert world.uuid_of(first.runner) == world.uuid_of(second.runner)
    assert first.withdrawn is not None
    market_server.at(second.opens + timedelta(hours=1))
    listed = ask(f"{KALSHI}markets", status="open", event_ticker=first.event_id)["markets"]
    assert second.market_id in {market["ticker"] for market in listed}
    assert first.market_id not in {market["ticker"] for market in listed}
    market_server.at(first.game.kickoff_at + timedelta(days=200))
    (market,) = ask(f"{KALSHI}markets", tickers=first.market_id)["markets"]
    assert (market["status"], market["result"]) == ("inactive", "")


def test_the_series_prefix_catches_other_series(market_server: MarketServer, ask: Ask) -> None:
    game = next(iter(market_server.world.games.values()))
    market_server.at(game.kickoff_at - timedelta(hours=2))
    listed = ask(f"{KALSHI}markets", series_ticker=SERIES, status="open", limit=1000)["markets"]
    assert {market["ticker"].partition("-")[0] for market in listed} == {SERIES, f"{SERIES}TEAM"}


def test_kalshi_pages_end_with_an_empty_cursor(market_server: MarketServer, ask: Ask) -> None:
    tickers: list[str] = []
    cursor = ""
    while True:
        page = ask(f"{KALSHI}markets", status="settled", limit=100, cursor=cursor)
        tickers += [market["ticker"] for market in page["markets"]]
        cursor = page["cursor"]
        if not cursor:
            break
    world = market_server.world
    assert (
        len(tickers) == len(set(tickers)) == sum(leg.state(AFTER_SEASON) == "settled" for leg in world.kalshi.values())
    )


def test_polymarkets_cursor_has_another_name_and_offset_is_refused(market_server: MarketServer, ask: Ask) -> None:
    query = {"sports_market_types": "first_touchdowns", "closed": "true", "limit": 500}
    first = ask("gamma/markets/keyset", **query)
    assert len(first["markets"]) == 100
    assert ask("gamma/markets/keyset", **query, cursor=first["next_cursor"]) == first
    slugs = [market["slug"] for market in first["markets"]]
    cursor = first["next_cursor"]
    while cursor:
        page = ask("gamma/markets/keyset", **query, after_cursor=cursor)
        slugs += [market["slug"] for market in page["markets"]]
        cursor = page.get("next_cursor")
    assert len(slugs) == len(set(slugs)) == len(market_server.world.polymarket)
    assert status(market_server, "gamma/markets/keyset", **query, offset=100) == 422


def test_candles_are_called_otherwise_in_history_and_refused_by_the_other_door(
    market_server: MarketServer, ask: Ask
) -> None:
    ticker = f"{SETTLED_EVENT}-SEAABARNER88"
    end = int(KICKOFF.timestamp())
    window = {"start_ts": end - 36000, "end_ts": end, "period_interval": 60}
    live = ask(f"{KALSHI}series/{SERIES}/markets/{ticker}/candlesticks", **window)["candlesticks"]
    assert set(live[-1]["yes_bid"]) == {"open_dollars", "high_dollars", "low_dollars", "close_dollars"}
    batch = ask(f"{KALSHI}markets/candlesticks", market_tickers=ticker, **window)["markets"]
    assert batch == [{"market_ticker": ticker, "candlesticks": live}]
    old = f"{KALSHI}historical/markets/{ticker}/candlesticks"
    assert status(market_server, old, **window) == 404
    assert status(market_server, f"{KALSHI}markets/candlesticks", market_tickers=",".join("x" * 101), **window) == 400
    market_server.at(AFTER_SEASON + timedelta(days=200))
    history = ask(old, **window)["candlesticks"]
    assert [candle["end_period_ts"] for candle in history] == [candle["end_period_ts"] for candle in live]
    assert [c["yes_ask"]["close"] for c in history] == [c["yes_ask"]["close_dollars"] for c in live]
    assert {"volume", "open_interest"} <= set(history[-1])
    assert "volume_fp" not in history[-1]


def test_the_planted_ones_are_there(market_server: MarketServer) -> None:
    world = market_server.world
    assert {"void", "relisted", "ghost", "apostrophe", "hyphen", "suffix", "no_touchdown_leg"} <= set(world.cases)
    (void,) = planted(world, "void")
    market = world.kalshi_market(void, AFTER_SEASON)
    assert market["result"] == "scalar"
    assert 0 < float(market["settlement_value_dollars"]) < 1
    slug = next(leg for leg in world.polymarket.values() if leg.runner == void.runner and leg.game == void.game)
    gamma = world.gamma_market(slug, AFTER_SEASON)
    assert (gamma["outcomePrices"], gamma["umaResolutionStatus"]) == ('["0.5", "0.5"]', "resolved")
    (ghost,) = planted(world, "ghost")
    assert ghost.runner.label == GHOST
    kinds = [{runner.kind for runner in runners} for runners in world.runners.values()]
    assert sum("no_td" in kind for kind in kinds) < len(kinds) / 2
    assert {leg.book for leg in world.kalshi.values()} == {"tight", "wide", "no_bid", "empty"}
    orders = {world.gamma_market(leg, AFTER_SEASON)["outcomes"] for leg in world.polymarket.values()}
    assert orders == {'["Yes", "No"]', '["No", "Yes"]'}


def test_who_scored_first_is_who_wins_and_nobody_else() -> None:
    world = shared_world((2025,), (19, 22))
    for game_id, runners in world.runners.items():
        first = world.first[game_id]
        winners = [runner.key for runner in runners if runner.result == "yes"]
        assert len(winners) <= 1
        if winners and first is not None and not winners[0].startswith("dst/"):
            assert winners == [first.player_id]


def test_prices_follow_the_chances_and_longshots_cost_more_than_they_are_worth() -> None:
    world = shared_world()
    legs = [leg for leg in world.kalshi.values() if leg.runner.result in ("yes", "no") and leg.book == "tight"]
    priced = [(leg.mid(leg.game.kickoff_at - timedelta(seconds=1)), leg.runner.result == "yes") for leg in legs]

    def rate(low: float, high: float) -> tuple[float, float]:
        band = [(price, won) for price, won in priced if low <= price < high]
        return sum(price for price, _ in band) / len(band), sum(won for _, won in band) / len(band)

    bands = [rate(*band) for band in ((0, 0.03), (0.03, 0.06), (0.06, 0.1), (0.1, 1))]
    assert [won for _, won in bands] == sorted(won for _, won in bands)
    assert bands[0][1] < bands[0][0]
    assert all(0.6 * price < won < 1.4 * price for price, won in bands[1:])
    asks = [
        sum(leg.quote(game.kickoff_at - timedelta(seconds=1)).ask for leg in legs if leg.game is game)
        for game in list(world.games.values())[:20]
    ]
    assert all(105 < total < 190 for total in asks)


def test_the_odds_api_wants_its_key_and_counts(market_server: MarketServer, ask: Ask) -> None:
    market_server.at(BEFORE_FINAL)
    assert status(market_server, ODDS) == status(market_server, ODDS, apiKey="other-key") == 401
    (event,) = ask(ODDS, apiKey=SAMPLE_KEY)
    path = f"{ODDS}/{event['id']}/odds"
    query = {"apiKey": SAMPLE_KEY, "regions": "us", "markets": "player_1st_td", "oddsFormat": "american"}
    answer = requests.get(market_server.url + path, params=query, timeout=20)
    assert answer.headers["x-requests-remaining"] == str(market_server.venues.remaining) == "19999"
    for book in answer.json()["bookmakers"]:
        odds = [outcome["price"] for outcome in book["markets"][0]["outcomes"]]
        total = sum(100 / (price + 100) if price > 0 else price / (price - 100) for price in odds)
        assert 1.15 < total < 1.55, book["key"]
    market_server.venues.remaining = 0
    assert status(market_server, path, **query) == 401


def test_polymarket_us_tells_which_market_is_ours(start_markets: Callable[..., MarketServer]) -> None:
    world = shared_world((2026,), (1, 2))
    game = next(iter(world.games.values()))
    server = start_markets(world, lambda: game.kickoff_at - timedelta(hours=3))
    found: list[dict[str, Any]] = []
    while len(
        page := requests.get(f"{server.url}us/v1/markets?limit=100&offset={len(found)}", timeout=20).json()["markets"]
    ):
        found += page
    types = {market["sportsMarketType"] for market in found}
    assert types == {"football_player_first_touchdown", "football_team_first_touchdown"}
    assert not list(shared_world((2025,), (19, 22)).polymarket_us)


def test_prices_of_the_past_stop_at_the_end_and_fine_ones_are_not_kept(market_server: MarketServer, ask: Ask) -> None:
    leg = next(one for one in market_server.world.polymarket.values() if one.runner.result == "yes")
    query = {"market": token_of(leg, "yes"), "startTs": 0, "endTs": int(AFTER_SEASON.timestamp()), "fidelity": 60}
    points = ask("clob/prices-history", **query)["history"]
    assert leg.opens.timestamp() <= points[0]["t"] < points[-1]["t"] <= leg.closes.timestamp() + 20
    against = ask("clob/prices-history", **(query | {"market": token_of(leg, "no")}))["history"]
    assert [round(a["p"] + b["p"], 3) for a, b in zip(points, against, strict=True)] == [1.0] * len(points)
    market_server.at(AFTER_SEASON + timedelta(days=300))
    assert ask("clob/prices-history", **query)["history"] == []
    assert ask("clob/prices-history", **(query | {"fidelity": 180}))["history"]


def test_faults_come_as_often_as_told(market_server: MarketServer, ask: Ask) -> None:
    market_server.fault("*/markets", "status", status=429, times=2)
    assert [status(market_server, f"{KALSHI}markets", limit=1) for _ in range(3)] == [429, 429, 200]
    market_server.fault("gamma/*", "repeat_cursor", times=2)
    cursors = {ask("gamma/markets/keyset", closed="true", after_cursor="MTAw")["next_cursor"] for _ in range(2)}
    assert cursors == {"MTAw"}
    market_server.fault(f"{KALSHI}markets", "rename_prices", times=1)
    assert "yes_bid_dollars" not in ask(f"{KALSHI}markets", limit=1)["markets"][0]
    assert "yes_bid_dollars" in ask(f"{KALSHI}markets", limit=1)["markets"][0]
    assert market_server.requests[-1].query == {"limit": "1"}
    for kind in ("truncate", "reset", "cut_chunks"):
        market_server.fault(f"{KALSHI}markets", kind, times=1, after=50)
        with pytest.raises(requests.exceptions.RequestException):
            ask(f"{KALSHI}markets", limit=1)
    assert ask(f"{KALSHI}markets", limit=1)["markets"]


def test_started_by_hand_it_says_what_to_export_and_answers() -> None:
    command = [
        sys.executable,
        "-m",
        "firsttd_pipeline_tests.market_server",
        "--port",
        "0",
        "--at",
        "2026-02-08T20:00:00Z",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            exports: dict[str, str] = {}
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").strip().partition("=")
                    exports[name] = value
                if "Ctrl-C" in line:
                    break
            assert exports["FIRSTTD_ODDS_API_KEY"] == SAMPLE_KEY
            url = f"{exports['FIRSTTD_KALSHI_URL']}markets?status=open&event_ticker={SETTLED_EVENT}"
            assert len(requests.get(url, timeout=20).json()["markets"]) == 22
        finally:
            process.terminate()


def _listed_by(server: MarketServer, source: Source) -> dict[str, Leg]:
    """What a venue's own client makes of its open list."""
    settings = load_settings(**server.settings(home=Path("unused"), market_seconds=60))
    games = [
        WantedGame(game.game_id, game.away, game.home, game.game_date, game.kickoff_at)
        for game in server.world.games.values()
    ]
    venue = open_venue(source, settings, clock=server.clock)
    try:
        return {leg.market_id: leg for page in venue.open_legs(games) for leg in page.parsed.legs}
    finally:
        venue.close()


@pytest.mark.parametrize("source", SOURCES)
def test_the_clients_understand_every_leg_that_is_open(
    source: Source, start_markets: Callable[..., MarketServer]
) -> None:
    world = shared_world((2026,), (1, 2)) if source == "polymarket_us" else shared_world((2025,), (19, 22))
    game = list(world.games.values())[5]
    now = game.kickoff_at - timedelta(hours=3)
    found = _listed_by(start_markets(world, lambda: now), source)
    if source == "odds_api":
        labels = {leg.label for leg in found.values()}
        assert {book_label(runner) for runner in world.runners[game.game_id]} >= labels
        assert {leg.book for leg in found.values()} <= {book for book, _ in BOOKS}
        assert len(found) > 40
    else:
        open_now = {leg.market_id: leg for leg in getattr(world, source).values() if leg.state(now) == "open"}
        assert set(found) == set(open_now)
        for market_id, leg in open_now.items():
            assert found[market_id].kind == leg.runner.kind, market_id
    assert {leg.status for leg in found.values()} == {"open"}
    assert not [leg for leg in found.values() if leg.kind == "unknown" or leg.quote is None]


def test_the_server_by_hand_says_in_a_line_that_its_port_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    world = shared_world((2025,), (19, 22))
    monkeypatch.setattr(by_hand, "shared_world", lambda seasons: world)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            by_hand.main(["--port", str(port), "--season", "2025"])
    said = str(ended.value)
    assert said.startswith(f"Port {port} of 127.0.0.1 cannot be had: ")
    assert said.endswith(". --port takes another, 0 a free one.")
