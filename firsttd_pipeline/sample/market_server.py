"""The four market venues over HTTP on 127.0.0.1: a `MarketWorld` behind the venues' own paths, paging and limits.

A path begins with the venue's name here (`kalshi/`, `gamma/`, `clob/`, `us/`, `odds/`); what follows is theirs.
Unknown query parameters are ignored, as the real ones do. Times come from a clock that is given.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from firsttd_pipeline.sample.markets import (
    LISTED_FOR,
    SERIES,
    SETTLED_AFTER,
    Listing,
    MarketWorld,
    condition_of,
    odds_id,
    token_of,
)

SAMPLE_KEY: Final = "sample-key-1"
KALSHI: Final = "kalshi/trade-api/v2/"
Clock = Callable[[], datetime]
Json = Any


def utc_now() -> datetime:
    """The time of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Answer:
    """What a venue answers: anything that JSON can hold."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The venue refuses the request: `answer` is how."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(str(body))
        self.answer = Answer(body, status)


@dataclass
class Venues:
    """What each venue answers, by path and query.

    Attributes:
        key: the only key that The Odds API takes.
        remaining: requests that the key still pays for.
    """

    world: MarketWorld
    clock: Clock = utc_now
    key: str = SAMPLE_KEY
    remaining: int = 20_000

    def answer(self, path: str, query: Mapping[str, str]) -> Answer:
        """The answer to a GET of `path` (without a leading slash)."""
        now = self.clock()
        venue, _, rest = path.partition("/")
        parts = rest.strip("/").split("/")
        try:
            if venue == "kalshi" and parts[:2] == ["trade-api", "v2"]:
                return Answer(self._kalshi(parts[2:], query, now))
            if venue == "gamma":
                return Answer(self._gamma(parts, query, now))
            if venue == "clob" and parts == ["prices-history"]:
                return Answer({"history": self._history(query, now)})
            if venue == "us" and parts[0] == "v1":
                return Answer(self._us(parts[1:], query, now))
            if venue == "odds" and parts[:3] == ["v4", "sports", "americanfootball_nfl"]:
                return self._odds(parts[3:], query, now)
        except Refused as refused:
            return refused.answer
        return Answer({"message": "not found"}, 404)

    # --- Kalshi ------------------------------------------------------------------------------------------------------

    def _kalshi(self, parts: list[str], query: Mapping[str, str], now: datetime) -> Json:
        match parts:
            case ["markets"]:
                return self._kalshi_markets(query, now)
            case ["markets", "candlesticks"]:
                return {"markets": self._batch(query, now)}
            case ["markets", ticker]:
                return {"market": self._one(ticker, now, historical=False)}
            case ["events"]:
                return self._kalshi_events(query, now)
            case ["events", event]:
                markets = [m for m in self.kalshi_live(now) if m["event_ticker"] == event]
                if not markets:
                    raise _not_found()
                return {"event": _event(event, markets), "markets": markets}
            case ["historical", "cutoff"]:
                cutoff = f"{self.world.cutoff(now).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
                names = ("market_settled_ts", "trades_created_ts", "orders_updated_ts")
                return {**dict.fromkeys(names, cutoff), "market_positions_last_updated_ts": cutoff}
            case ["historical", "markets"]:
                return self._kalshi_history(query, now)
            case ["historical", "markets", ticker]:
                return {"market": self._one(ticker, now, historical=True)}
            case ["historical", "markets", ticker, "candlesticks"]:
                return {"ticker": ticker, "candlesticks": self._candles(ticker, query, now, historical=True)}
            case ["series", _, "markets", ticker, "candlesticks"]:
                return {"ticker": ticker, "candlesticks": self._candles(ticker, query, now, historical=False)}
        raise _not_found()

    def kalshi_market(self, leg: Listing, now: datetime) -> dict[str, Any]:
        """One market object; the place where captured ones come in."""
        return self.world.kalshi_market(leg, now)

    def kalshi_more(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Live markets of other series."""
        return self.world.kalshi_team_markets(now)

    def kalshi_live(self, now: datetime) -> list[dict[str, Any]]:
        """Every market that is not historical."""
        legs = self._legs(now, historical=False)
        return [*(self.kalshi_market(leg, now) for leg in legs), *self.kalshi_more(now)]

    def _legs(self, now: datetime, *, historical: bool) -> Iterator[Listing]:
        for leg in self.world.kalshi.values():
            if leg.opens <= now and self.world.is_historical(leg, now) == historical:
                yield leg

    def _kalshi_markets(self, query: Mapping[str, str], now: datetime) -> Json:
        status = query.get("status", "")
        known = {"unopened": "unopened", "open": "active", "closed": "closed", "settled": "finalized"}
        if status and status not in known:
            raise Refused(400, _error("bad_request", "invalid status filter: one of unopened, open, closed, settled"))
        tickers = set(query.get("tickers", "").split(",")) - {""}
        event, series = query.get("event_ticker", ""), query.get("series_ticker", "")
        state = {"open": "open", "closed": "closed", "settled": "settled"}.get(status)
        found = [
            self.kalshi_market(leg, now)
            for leg in self._legs(now, historical=False)
            if (not state or leg.state(now) == state)
            and (not tickers or leg.market_id in tickers)
            and (not event or leg.event_id == event)
            and leg.market_id.startswith(series)  # as the real filter seems to: the prefix catches other series too
        ]
        for market in self.kalshi_more(now):
            if (
                (not status or market["status"] == known[status])
                and (not tickers or market["ticker"] in tickers)
                and (not event or market["event_ticker"] == event)
                and market["ticker"].startswith(series)
            ):
                found.append(market)
        for name, column, sign in (
            ("min_close_ts", "close_time", 1),
            ("max_close_ts", "close_time", -1),
            ("min_settled_ts", "settlement_ts", 1),
            ("max_settled_ts", "settlement_ts", -1),
        ):
            if query.get(name, "").isdigit():
                limit = int(query[name])
                found = [m for m in found if column in m and sign * (_seconds(m[column]) - limit) >= 0]
        page, cursor = _page(found, query, 1000)
        return {"cursor": cursor, "markets": page}

    def _kalshi_history(self, query: Mapping[str, str], now: datetime) -> Json:
        filters = [name for name in ("tickers", "event_ticker", "series_ticker") if query.get(name)]
        if len(filters) != 1:
            raise Refused(400, _error("bad_request", "exactly one of tickers, event_ticker, series_ticker"))
        value = query[filters[0]]
        wanted = set(value.split(","))
        legs = [
            leg
            for leg in self._legs(now, historical=True)
            if (filters[0] == "tickers" and leg.market_id in wanted)
            or (filters[0] == "event_ticker" and leg.event_id == value)
            or (filters[0] == "series_ticker" and leg.market_id.startswith(value))
        ]
        page, cursor = _page(legs, query, 1000)
        return {"cursor": cursor, "markets": [self.kalshi_market(leg, now) for leg in page]}

    def _kalshi_events(self, query: Mapping[str, str], now: datetime) -> Json:
        series = query.get("series_ticker", SERIES)
        events: dict[str, list[dict[str, Any]]] = {}
        for market in self._kalshi_markets({"status": query.get("status", ""), "limit": "1000000"}, now)["markets"]:
            if market["ticker"].startswith(series):
                events.setdefault(market["event_ticker"], []).append(market)
        shown = [
            {**_event(event, markets), **({"markets": markets} if query.get("with_nested_markets") == "true" else {})}
            for event, markets in events.items()
        ]
        page, cursor = _page(shown, query, 200)
        return {"cursor": cursor, "events": page}

    def _leg(self, ticker: str, now: datetime, *, historical: bool) -> Listing:
        leg = self.world.kalshi.get(ticker)
        if leg is None or leg.opens > now or self.world.is_historical(leg, now) != historical:
            raise _not_found()
        return leg

    def _one(self, ticker: str, now: datetime, *, historical: bool) -> Json:
        for market in () if historical else self.kalshi_more(now):
            if market["ticker"] == ticker:
                return market
        return self.kalshi_market(self._leg(ticker, now, historical=historical), now)

    def _candles(self, ticker: str, query: Mapping[str, str], now: datetime, *, historical: bool) -> Json:
        start, end, minutes = _window(query)
        leg = self._leg(ticker, now, historical=historical)
        if (end - start) // (minutes * 60) > 5000:
            raise Refused(400, _error("bad_request", "too many candlesticks requested, maximum 5000"))
        return self.world.kalshi_candles(leg, start, end, minutes, now, historical=historical)

    def _batch(self, query: Mapping[str, str], now: datetime) -> Json:
        tickers = [ticker for ticker in query.get("market_tickers", "").split(",") if ticker]
        start, end, minutes = _window(query)
        if not 1 <= len(tickers) <= 100:
            raise Refused(400, _error("bad_request", "market_tickers: 1 to 100"))
        if len(tickers) * ((end - start) // (minutes * 60)) > 10_000:
            raise Refused(400, _error("bad_request", "too many candlesticks requested, maximum 10000"))
        found = []
        for ticker in tickers:
            leg = self.world.kalshi.get(ticker)
            if leg is not None and leg.opens <= now and not self.world.is_historical(leg, now):
                candles = self.world.kalshi_candles(leg, start, end, minutes, now, historical=False)
                found.append({"market_ticker": ticker, "candlesticks": candles})
        return found

    # --- Polymarket --------------------------------------------------------------------------------------------------

    def _gamma(self, parts: list[str], query: Mapping[str, str], now: datetime) -> Json:
        world = self.world
        if parts[:2] == ["markets", "slug"] and len(parts) == 3:
            leg = world.polymarket.get(parts[2])
            if leg is None or leg.opens > now:
                raise Refused(404, {"type": "not found error", "error": "slug not found"})
            return world.gamma_market(leg, now)
        if parts not in (["markets"], ["markets", "keyset"]):
            raise Refused(404, {"type": "not found error", "error": "not found"})
        keyset = len(parts) == 2
        offset = int(query.get("offset") or 0)
        if offset > (0 if keyset else 2000):
            raise Refused(422, {"type": "validation error", "error": "offset is too deep: use keyset paging"})
        types = query.get("sports_market_types", "first_touchdowns").split(",")
        closed = query.get("closed", "false") == "true"
        wanted = {
            name: set(query.get(name, "").split(",")) - {""} for name in ("slug", "condition_ids", "clob_token_ids")
        }
        legs = [
            leg
            for leg in (world.polymarket.values() if "first_touchdowns" in types else ())
            if leg.opens <= now
            and (leg.state(now) in ("settled", "withdrawn")) == closed
            and (not wanted["slug"] or leg.market_id in wanted["slug"])
            and (not wanted["condition_ids"] or condition_of(leg) in wanted["condition_ids"])
            and (not (tokens := wanted["clob_token_ids"]) or tokens & {token_of(leg, "yes"), token_of(leg, "no")})
        ]
        for name, sign in (("start_date_min", 1), ("end_date_min", 1), ("end_date_max", -1)):
            if query.get(name):
                at = datetime.fromisoformat(query[name]).timestamp()
                legs = [leg for leg in legs if sign * (leg.game.kickoff_at.timestamp() - at) >= 0]
        if not keyset:
            limit = min(int(query.get("limit") or 20), 100)
            return [world.gamma_market(leg, now) for leg in legs[offset : offset + limit]]
        # `cursor=` is no parameter of theirs: it is ignored, and page 1 comes again.
        page, cursor = _page(legs, {"limit": query.get("limit", "20"), "cursor": query.get("after_cursor", "")}, 100)
        answer: dict[str, Any] = {"markets": [world.gamma_market(leg, now) for leg in page]}
        return answer | ({"next_cursor": cursor} if cursor else {})

    def _history(self, query: Mapping[str, str], now: datetime) -> Json:
        if not query.get("market"):
            raise Refused(400, {"error": "the query parameter market is missing"})
        start, end = int(query.get("startTs") or 0), int(query.get("endTs") or now.timestamp())
        return self.world.prices_history(query["market"], start, end, int(query.get("fidelity") or 1), now)

    # --- Polymarket US -----------------------------------------------------------------------------------------------

    def _us(self, parts: list[str], query: Mapping[str, str], now: datetime) -> Json:
        world = self.world
        match parts:
            case ["markets"]:
                types = query.get("sportsMarketTypes") or query.get("sportsMarketType") or ""
                markets = [world.us_market(leg, now) for leg in world.polymarket_us.values() if leg.opens <= now]
                for number, game in enumerate(world.games.values()):
                    if number % 8 == 0 and game.kickoff_at - LISTED_FOR <= now < game.kickoff_at:
                        markets += [world.us_team_market(game, team) for team in (game.away, game.home)]
                shown = [
                    market
                    for market in markets
                    if (not types or market["sportsMarketType"] in types.split(","))
                    and query.get("closed", "") in ("", str(market["closed"]).lower())
                    and query.get("active", "") in ("", str(market["active"]).lower())
                    and (not query.get("slug") or market["slug"] in query["slug"].split(","))
                ]
                offset, limit = int(query.get("offset") or 0), min(int(query.get("limit") or 20), 100)
                return {"markets": shown[offset : offset + limit]}
            case ["markets", slug, "settlement"]:
                leg = self._us_leg(slug, now)
                if leg.state(now) != "settled":
                    raise Refused(404, {"code": 5, "message": "market has no settlement", "details": []})
                value = {"yes": 1, "no": 0}.get(leg.runner.result or "", 0.5)
                return {"slug": slug, "settlement": value}
            case ["market", "slug", slug] | ["markets", slug]:
                return {"market": world.us_market(self._us_leg(slug, now), now)}
        raise Refused(404, {"code": 5, "message": "Not Found", "details": []})

    def _us_leg(self, slug: str, now: datetime) -> Listing:
        leg = self.world.polymarket_us.get(slug)
        if leg is None or leg.opens > now:
            raise Refused(404, {"code": 5, "message": "market not found", "details": []})
        return leg

    # --- The Odds API ------------------------------------------------------------------------------------------------

    def _odds(self, parts: list[str], query: Mapping[str, str], now: datetime) -> Answer:
        key = query.get("apiKey", "")
        if key != self.key:
            code, text = ("INVALID_KEY", "API key is not valid.") if key else ("MISSING_KEY", "API key is missing.")
            raise Refused(401, {"message": text, "error_code": code})
        games = {odds_id(game): game for game in self.world.games.values()}
        if parts == ["events"]:
            shown = [
                self.world.odds_event(game)
                for game in games.values()
                if now - SETTLED_AFTER < game.kickoff_at < now + timedelta(days=14)
            ]
            return self._paid(shown, 0)
        if len(parts) != 3 or parts[0] != "events" or parts[2] != "odds":
            raise Refused(404, {"message": "Not Found"})
        markets = [name for name in query.get("markets", "h2h").split(",") if name]
        regions = [name for name in query.get("regions", "").split(",") if name]
        if not regions or markets != ["player_1st_td"]:
            raise Refused(422, {"message": "Missing or invalid regions or markets.", "error_code": "INVALID_MARKET"})
        wanted = games.get(parts[1])
        if wanted is None or wanted.kickoff_at <= now - SETTLED_AFTER:
            raise Refused(404, {"message": "Event not found. It may have finished.", "error_code": "EVENT_NOT_FOUND"})
        cost = len(regions) * len(markets)
        if self.remaining < cost:
            raise Refused(401, {"message": "Usage quota has been reached.", "error_code": "OUT_OF_USAGE_CREDITS"})
        return self._paid(self.world.odds_of(wanted, now), cost)

    def _paid(self, body: Json, cost: int) -> Answer:
        self.remaining -= cost
        used = {"x-requests-remaining": str(self.remaining), "x-requests-used": str(20_000 - self.remaining)}
        return Answer(body, headers={**used, "x-requests-last": str(cost)})


@dataclass(frozen=True)
class Served:
    """The addresses of venues being served; each ends with a slash."""

    url: str
    venues: Venues

    @property
    def settings(self) -> dict[str, Any]:
        """What to set so that the pipeline asks these and no others, as fast as it can."""
        return settings_of(self.url, self.venues.key)


def settings_of(url: str, key: str = SAMPLE_KEY) -> dict[str, Any]:
    """The settings that lead to venues served at `url`."""
    rates = dict.fromkeys(("kalshi_rate", "polymarket_rate", "polymarket_us_rate", "odds_api_rate"), 1000.0)
    return {
        "kalshi_url": f"{url}{KALSHI}",
        "polymarket_url": f"{url}gamma/",
        "polymarket_history_url": f"{url}clob/",
        "polymarket_us_url": f"{url}us/",
        "odds_api_url": f"{url}odds/",
        "odds_api_key": key,
        **rates,
    }


@contextmanager
def serve_markets(world: MarketWorld, clock: Clock = utc_now, port: int = 0) -> Iterator[Served]:
    """Serve the venues of a world on 127.0.0.1 until the block ends; port 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """
    venues = Venues(world, clock)
    server = _Server(("127.0.0.1", port), _handler(venues))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}/", venues)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no event here."""


def _handler(venues: Venues) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True
        timeout = 60

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the client reports what matters."""

        def do_GET(self) -> None:
            path, query = split(self.path)
            answer = venues.answer(path, query)
            body = as_bytes(answer.body)
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def split(target: str) -> tuple[str, dict[str, str]]:
    """A request's path without the leading slash, and its query; a name given twice is joined by commas."""
    parts = urlsplit(target)
    query: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    return unquote(parts.path).lstrip("/"), query


def as_bytes(body: Json) -> bytes:
    """An answer's body."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _page(rows: Sequence[Any], query: Mapping[str, str], cap: int) -> tuple[list[Any], str]:
    """One page of the rows and the cursor of the next, empty at the end."""
    try:
        limit = int(query.get("limit") or 100)
        start = int(base64.urlsafe_b64decode(query.get("cursor", "")) or 0)
    except ValueError:
        raise Refused(400, _error("bad_request", "invalid limit or cursor")) from None
    limit = max(1, limit if cap == 1000 and limit == 1_000_000 else min(limit, cap))
    more = start + limit < len(rows)
    cursor = base64.urlsafe_b64encode(str(start + limit).encode()).decode() if more else ""
    return list(rows[start : start + limit]), cursor


def _window(query: Mapping[str, str]) -> tuple[int, int, int]:
    try:
        start, end, minutes = (int(query[name]) for name in ("start_ts", "end_ts", "period_interval"))
    except (KeyError, ValueError):
        raise Refused(400, _error("bad_request", "start_ts, end_ts and period_interval are required")) from None
    if minutes not in (1, 60, 1440):
        raise Refused(400, _error("bad_request", "period_interval: 1, 60 or 1440"))
    return start, end, minutes


def _event(ticker: str, markets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "event_ticker": ticker,
        "series_ticker": ticker.partition("-")[0],
        "title": f"{ticker.partition('-')[2]}: First Touchdown",
        "sub_title": "",
        "mutually_exclusive": True,
        "category": "Sports",
    }


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text.split(".")[0].rstrip("Z") + "+00:00").timestamp())


def _error(code: str, message: str) -> Json:
    return {"error": {"code": code, "message": message}}


def _not_found() -> Refused:
    return Refused(404, _error("not_found", "not found"))
