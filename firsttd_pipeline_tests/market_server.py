"""A market server for tests and for trying the pipeline by hand: captured payloads where there are any, and faults.

Over the real season of `../shared` it serves a `MarketWorld`; the legs that were captured take the place of invented
ones, settled as they are and before that with a live leg's shape. By hand: `python -m
firsttd_pipeline_tests.market_server`, which prints what to export.
"""

from __future__ import annotations

import argparse
import functools
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

import pytest

from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.seasons import default_season
from firsttd_pipeline.sample.market_server import SAMPLE_KEY, Answer, Clock, Venues, as_bytes, settings_of, utc_now
from firsttd_pipeline.sample.markets import (
    NOBODY,
    SERIES,
    Game,
    Listing,
    MarketWorld,
    Runner,
    kalshi_event,
    kalshi_label,
    world_of,
)
from firsttd_pipeline_tests.servers import EVERY_PATH, Fault, FaultKind, Reply, Server
from firsttd_pipeline_tests.shared_data import MIRROR, SHARED

SETTLED_EVENT = "KXNFLFIRSTTD-26FEB08SEANE"
VOID_LEG = "KXNFLFIRSTTD-26JAN25LASEA-LATATWELL5"
AFTER_SEASON = datetime(2026, 2, 10, 12, tzinfo=UTC)
"""Two days after the last game of 2025: its last month is live on Kalshi, the rest historical."""

MarketFault = Literal["repeat_cursor", "empty_page", "rename_prices"]
VENUES = frozenset({"kalshi", "gamma", "clob", "us", "odds"})
MARKET_FAULTS: tuple[MarketFault, ...] = ("repeat_cursor", "empty_page", "rename_prices")
"""The cursor of every page leads to itself; a page is empty and yet has a cursor; no price field has a known name."""
_SETTLED_ONLY = ("settlement_ts", "settlement_value_dollars")


@functools.cache
def captured() -> dict[str, dict[str, Any]]:
    """Every captured Kalshi market by ticker, as it came."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((SHARED / "markets").glob("kalshi_*.json")):
        content = json.loads(file.read_text())
        for market in content["markets"] if isinstance(content, dict) else content:
            found[market["ticker"]] = market
    return found


class CapturedWorld(MarketWorld):
    """A world in which what was captured is real: those legs have the captured ids, names and results."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.raw = {ticker: market for ticker, market in captured().items() if ticker.startswith(f"{SERIES}-")}
        super().__init__(*args, **more)

    def _kalshi_of(self, game: Game) -> Iterator[Listing]:
        event = kalshi_event(game)
        here = {ticker: market for ticker, market in self.raw.items() if market["event_ticker"] == event}
        legs = list(super()._kalshi_of(game))
        if not here:
            yield from legs
            return
        known = {normalise(kalshi_label(leg.runner)): leg for leg in legs}
        taken = set()
        for ticker, market in here.items():
            label = market["yes_sub_title"]
            leg = known.get(normalise(label))
            if leg is None:
                kind = "no_td" if label == "No Touchdown" else "dst" if label.endswith("D/ST") else "player"
                key = NOBODY if kind == "no_td" else ticker
                runner = Runner(key, kind, label, "", "", None, 0.004 if kind == "no_td" else 0.015, None)
                leg = self._listing("kalshi", game, runner, ticker, event)
            taken.add(leg.market_id)
            result = {"scalar": "void", "": None}.get(market["result"], market["result"])
            settles = _time(market["settlement_ts"]) if result else leg.settles
            yield replace(
                leg,
                market_id=ticker,
                runner=replace(leg.runner, label=label, result=result if result else leg.runner.result),
                opens=game.kickoff_at - timedelta(hours=74) if result else leg.opens,
                closes=_time(market["close_time"]) if result else leg.closes,
                settles=settles,
                withdrawn=None,
                book="tight",
            )
        if event != SETTLED_EVENT:  # that one is captured whole
            yield from (leg for leg in legs if leg.market_id not in taken)

    def kalshi_market(self, leg: Listing, now: datetime) -> dict[str, Any]:
        made = super().kalshi_market(leg, now)
        raw = self.raw.get(leg.market_id)
        if raw is None:
            return made
        if leg.state(now) == "settled" and raw["result"]:
            return raw
        live = {name: value for name, value in made.items() if name not in _SETTLED_ONLY}
        fixed = ("custom_strike", "title", "yes_sub_title", "no_sub_title", "rules_primary", "event_ticker", "ticker")
        return live | {name: raw[name] for name in fixed}

    def kalshi_team_markets(self, now: datetime) -> Iterator[dict[str, Any]]:
        yield from super().kalshi_team_markets(now)
        for ticker, market in captured().items():
            if ticker.startswith(f"{SERIES}TEAM-") and _time(market["open_time"]) <= now < _time(market["close_time"]):
                live = captured()["KXNFLGAME-26SEP21NYGLAR-NYG"]
                yield live | market


@functools.cache
def shared_world(seasons: tuple[int, ...] = (2025,), weeks: tuple[int, int] = (1, 99)) -> CapturedWorld:
    """The world over the real seasons of `../shared`; made once, never changed."""
    names: dict[str, str] = {}
    for market in captured().values():
        strike = market.get("custom_strike", {})
        if "football_player" in strike:
            names[normalise(market["yes_sub_title"])] = strike["football_player"]
    made = world_of(MIRROR, seasons, weeks=weeks, world=CapturedWorld)
    assert isinstance(made, CapturedWorld)
    made.uuids = {
        runner.key: names[normalise(runner.label)]
        for runners in made.runners.values()
        for runner in runners
        if runner.kind == "player" and normalise(runner.label) in names
    }
    return made


class MarketServer(Server):
    """All venues of a world on one port, with faults by path; `clock` says what time it is there.

    Paths begin with `kalshi/trade-api/v2/`, `gamma/`, `clob/`, `us/` and `odds/`; a fault's path may be a pattern
    (`*/markets`). Any other path is a file of the mirror, so that `url` is an nflverse address too. Requests are in
    `requests`, with their query and time.
    """

    def __init__(self, world: MarketWorld, clock: Clock = utc_now, port: int = 0) -> None:
        self.venues = Venues(world, clock)
        self._market_faults: dict[str, tuple[MarketFault, Fault]] = {}
        super().__init__(MIRROR, port)

    @property
    def world(self) -> MarketWorld:
        return self.venues.world

    @property
    def clock(self) -> Clock:
        return self.venues.clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self.venues.clock = clock

    def at(self, now: datetime) -> None:
        """Let it be `now`, until told otherwise."""
        self.venues.clock = lambda: now

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings that lead here and nowhere else, quick to try again."""
        return {**settings_of(self.url), "prediction_markets": True, "backoff": 0.01, **more}

    def environment(self, **more: Any) -> dict[str, str]:
        """`settings` as the variables of a process."""
        return {f"FIRSTTD_{name.upper()}": str(value) for name, value in self.settings(**more).items()}

    def fault(self, path: str, kind: FaultKind | MarketFault, **details: object) -> Fault:
        """As `Server.fault`, and the faults that only a market has (`MARKET_FAULTS`)."""
        if kind in MARKET_FAULTS:
            made = Fault("bytes", **details)  # type: ignore[arg-type]
            self._market_faults[path] = (kind, made)  # type: ignore[assignment]
            return made
        return super().fault(path, kind, **details)  # type: ignore[arg-type]

    def heal(self) -> None:
        self._market_faults.clear()
        super().heal()

    def next_fault(self, path: str) -> Fault | None:
        fitting = [one for one, fault in self.faults.items() if fault.times != 0 and fnmatchcase(path, one)]
        pattern = path if path in fitting else next((one for one in fitting if one != EVERY_PATH), path)
        return super().next_fault(pattern)

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        if path.partition("/")[0] not in VENUES:
            return super().reply(path, query)
        answer = self.venues.answer(path, query)
        for pattern, (kind, fault) in self._market_faults.items():
            if fnmatchcase(path, pattern) and answer.status == 200 and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                answer = _spoiled(answer, kind, query)
        headers = {"Content-Type": "application/json", **answer.headers}
        return Reply(as_bytes(answer.body), headers, answer.status)

    def asked(self, venue: str) -> list[str]:
        """The paths asked of one venue (`kalshi`, `gamma`, `clob`, `us`, `odds`), without its name."""
        return [path.partition("/")[2] for path in self.paths if path.startswith(f"{venue}/")]


def _spoiled(answer: Answer, kind: MarketFault, query: dict[str, str]) -> Answer:
    body = answer.body
    if kind == "rename_prices":
        return replace(answer, body=_renamed(body))
    name = "next_cursor" if "next_cursor" in body or "cursor" not in body else "cursor"
    if kind == "repeat_cursor":
        return replace(answer, body={**body, name: query.get("after_cursor") or query.get("cursor") or "MTA="})
    rows = {key: [] for key, value in body.items() if isinstance(value, list)}
    return replace(answer, body={**body, **rows, name: f"bW9yZQ{len(query.get('cursor', ''))}"})


_PRICES = ("bid", "ask", "price", "last", "prices")


def _renamed(value: Any) -> Any:
    """The same with every field that is about prices called otherwise."""
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        (f"{key}_v3" if any(word in key.lower() for word in _PRICES) or key == "p" else key): _renamed(one)
        for key, one in value.items()
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture
def start_markets() -> Iterator[Callable[..., MarketServer]]:
    """`start_markets(world)` serves a world; all servers are stopped after the test."""
    running: list[MarketServer] = []

    def start(world: MarketWorld, clock: Clock = utc_now) -> MarketServer:
        server = MarketServer(world, clock)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def market_server(start_markets: Callable[..., MarketServer]) -> MarketServer:
    """The venues over the last rounds of the real season 2025, two days after it ended (`AFTER_SEASON`)."""
    return start_markets(shared_world((2025,), (19, 22)), lambda: AFTER_SEASON)


# --- by hand ---------------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> None:
    """Serve until Ctrl-C, and say what to export."""
    parser = argparse.ArgumentParser(
        prog="python -m firsttd_pipeline_tests.market_server", description="Market venues without a network."
    )
    parser.add_argument("--port", type=int, default=8765, help="on 127.0.0.1 (default 8765; 0 takes a free one)")
    parser.add_argument("--at", help="the time it is there, e.g. 2025-10-05T15:00:00Z; it runs on (default: now)")
    parser.add_argument("--season", type=int, action="append", help="default 2025 and the season of that time")
    given = parser.parse_args(arguments)
    clock: Clock = utc_now
    if given.at:
        begin, started = _time(given.at), time.monotonic()
        begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
        clock = lambda: begin + timedelta(seconds=time.monotonic() - started)  # noqa: E731
    seasons = given.season or sorted({2025, default_season(clock())})
    seasons = [season for season in seasons if (MIRROR / "rosters" / f"roster_{season}.parquet").exists()]
    if not seasons:
        parser.error(f"there is no roster of that season in {MIRROR}")
    world = shared_world(tuple(seasons))
    try:
        server = MarketServer(world, clock, given.port)
    except OSError as error:
        sys.exit(f"Port {given.port} of 127.0.0.1 cannot be had: {error.strerror}. --port takes another, 0 a free one.")
    names = {"nflverse_url": server.url, **settings_of(server.url), "market_seconds": 3600}
    lines = [f"export FIRSTTD_{name.upper()}={shlex.quote(str(value))}" for name, value in names.items()]
    print(  # noqa: T201 - what a person who starts it reads
        f"The mirror, and markets of {len(world.games)} games of {', '.join(map(str, seasons))} on {server.url}, where "
        f"it is {clock():%Y-%m-%d %H:%M} UTC.\nIn the shell that runs the pipeline:\n\n" + "\n".join(lines) + "\n\n"
        f"Then: make nightly SEASON={seasons[0]}. The key of The Odds API here is {SAMPLE_KEY}. Ctrl-C ends it.",
        flush=True,
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
