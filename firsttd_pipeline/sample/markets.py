"""A world of invented prices: what four market venues would list for real or sample games, in the venues' own shapes.

Every player has a chance to score first; prices follow it to kickoff with noise, a favourite-longshot bias, wide and
empty books, withdrawn and relisted legs, a void and a name that no roster has. Everything comes from the seed and the
games alone; the time only decides what of it a venue shows. Over HTTP it is served by `market_server.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, NamedTuple

import polars as pl

from firsttd_pipeline.domain.markets import FIRST_SEASONS, LegKind, Source
from firsttd_pipeline.domain.seasons import kickoff_expr
from firsttd_pipeline.domain.teams import TEAMS, canonical_expr
from firsttd_pipeline.domain.touchdowns import DST_KINDS, extract_touchdowns

SERIES: Final = "KXNFLFIRSTTD"
TEAM_SERIES: Final = "KXNFLFIRSTTDTEAM"
LISTED_FOR: Final = timedelta(hours=74)
"""How long before kickoff a leg is opened."""
SETTLED_AFTER: Final = timedelta(hours=3, minutes=20)
LIVE_WINDOW: Final = timedelta(days=90)
"""What was settled before it is in Kalshi's history only."""
BOOKS: Final = (("draftkings", "DraftKings"), ("fanduel", "FanDuel"), ("betmgm", "BetMGM"), ("betrivers", "BetRivers"))
NOBODY: Final = "nobody"
GHOST: Final = "Zebulon Quarrelsome"
"""A name that no roster has."""

_NAMES: Final = uuid.UUID("8f1f7a52-0a8e-4a0e-9d0e-6f2f3f0d6a11")
_NO_TD_UUID: Final = "1a31f644-75b8-4d4d-a55f-e3f198ab644d"
"""One id for every game's no-touchdown leg: it is no player."""
_PLACES: Final = {"RB": 4, "WR": 6, "TE": 3, "QB": 2}
_PRIOR: Final = {"RB": 0.9, "WR": 0.7, "TE": 0.5, "QB": 0.4}
_FINE_POINTS: Final = timedelta(days=150)
_FEWER: Final = 20
"""Legs of a game on the smaller venues."""
_STEPS: Final = int(LISTED_FOR / timedelta(hours=1))
_HOUR: Final = 3600
_LISTED_S: Final = LISTED_FOR.total_seconds()
_CENTS: Final = tuple(f"{cents // 100}.{cents % 100:02d}00" for cents in range(101))
_PLAIN: Final = re.compile(r"[^A-Z]")

Book = Literal["tight", "wide", "no_bid", "empty"]
State = Literal["unopened", "open", "closed", "settled", "withdrawn"]


class Prices(NamedTuple):
    """A book and what was traded: cents, contracts."""

    bid: int
    ask: int
    bid_size: int
    ask_size: int
    last: int
    volume: float


@dataclass(frozen=True, slots=True)
class FirstTouchdown:
    """Who scored a game's first touchdown; `dst`: a team's defence or special teams did."""

    player_id: str | None
    team: str | None
    dst: bool = False


@dataclass(frozen=True, slots=True)
class Game:
    """A game of the world. `game_date` is US Eastern."""

    game_id: str
    season: int
    away: str
    home: str
    game_date: date
    kickoff_at: datetime


@dataclass(frozen=True, slots=True)
class Runner:
    """What can come first in a game: a player, a team's defence, or nobody. `key` is stable across venues."""

    key: str
    kind: LegKind
    label: str
    team: str
    position: str
    jersey: int | None
    chance: float
    result: str | None
    """yes, no or void; null until the game is final."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A runner on one venue: its id there, when it is to be had, and what a contract costs by the hour."""

    source: Source
    game: Game
    runner: Runner
    market_id: str
    event_id: str
    number: int
    book: Book
    width: float
    opens: datetime
    closes: datetime
    settles: datetime | None
    withdrawn: datetime | None
    mids: tuple[float, ...]
    """The middle at each full hour from `opens` to kickoff."""
    traded: float
    """Contracts traded until kickoff."""

    def state(self, now: datetime) -> State:
        """What the venue shows of it at `now`."""
        if now < self.opens:
            return "unopened"
        if self.withdrawn is not None and now >= self.withdrawn:
            return "withdrawn"
        if now < self.closes:
            return "open"
        return "settled" if self.settles is not None and now >= self.settles else "closed"

    def mid(self, at: datetime) -> float:
        """The market's middle price; once play has begun it runs towards the end."""
        return self.mid_at(at.timestamp())

    def mid_at(self, at: float) -> float:
        """`mid` at a time in seconds."""
        if at < self.game.kickoff_at.timestamp():
            hours = max(0.0, (at - self.opens.timestamp()) / _HOUR)
            low = min(int(hours), len(self.mids) - 1)
            high = min(low + 1, len(self.mids) - 1)
            return self.mids[low] + (self.mids[high] - self.mids[low]) * (hours - low)
        if at >= self.closes.timestamp():
            return 0.99 if self.runner.result == "yes" else 0.01
        return 0.6 * self.mids[-1]

    def shown_at(self, at: float) -> float:
        """The price that Polymarket shows: the middle of a narrow book, else the last trade, 0.5 where nobody is."""
        if self.book == "tight" or at >= self.closes.timestamp():
            return self.mid_at(at)
        return self.quote_at(at).last / 100 if self.book != "empty" else 0.5

    def quote(self, at: datetime) -> Prices:
        """Bid, ask and last in whole cents, their sizes and the volume; an empty book is 0 and 100."""
        return self.quote_at(at.timestamp())

    def quote_at(self, at: float) -> Prices:
        """`quote` at a time in seconds."""
        if self.book == "empty":
            return Prices(0, 100, 0, 0, 0, 0.0)
        mid = 100 * self.mid_at(at)
        share = min(1.0, max(0.0, (at - self.opens.timestamp()) / _LISTED_S))
        volume = round(self.traded * share * share, 2)
        step = int(share * 70)
        last = round(mid * (0.94 + 0.03 * ((self.number + step) % 5))) if volume > 1 else 0
        half = 50 * self.width
        ask = math.ceil(mid + half - 1e-6)
        if self.book == "no_bid":
            return Prices(0, max(ask, 2), 0, 40 + (self.number * 53 + step) % 1500, last, volume)
        bid = max(1, math.floor(mid - half + 1e-6)) if self.book == "tight" else 1
        ask = min(99, max(ask, bid + 1))
        bid_size, ask_size = 20 + (self.number * 37 + step) % 900, 40 + (self.number * 53 + step) % 1500
        return Prices(min(bid, 98), ask, bid_size, ask_size, last, volume)


class MarketWorld:
    """What the venues list for some games.

    Args:
        games: game_id, season, away_team, home_team, gameday (Eastern, ISO text) and kickoff_at (aware UTC).
        players: game_id, player_id, name, team, position, jersey_number of whoever is on a game's rosters.
        first: of every final game, who came first; None where nobody did. Games that are not final are absent.
        seed: equal seeds and games give equal prices.
        scored: touchdowns of each player, what his chance goes by; without it the position and the seed decide.
        uuids: player_id -> the id that Kalshi is to know him by.
        ghost: one leg is on a name that no roster has.
    """

    def __init__(
        self,
        games: pl.DataFrame,
        players: pl.DataFrame,
        first: Mapping[str, FirstTouchdown | None],
        *,
        seed: int = 7,
        scored: Mapping[str, int] | None = None,
        uuids: Mapping[str, str] | None = None,
        ghost: bool = True,
    ) -> None:
        self.seed = seed
        self._ghost = ghost
        self.first = dict(first)
        self.scored = dict(scored or {})
        self.uuids = dict(uuids or {})
        columns = ("game_id", "season", "away_team", "home_team", "gameday", "kickoff_at")
        self.games: dict[str, Game] = {
            row[0]: Game(row[0], row[1], row[2], row[3], date.fromisoformat(str(row[4])[:10]), row[5])
            for row in games.drop_nulls("kickoff_at").sort("kickoff_at", "game_id").select(columns).iter_rows()
        }
        wanted = players.filter(
            pl.col("position").is_in(list(_PLACES))
            & pl.col("player_id").is_not_null()
            & pl.col("game_id").is_in(list(self.games))
        )
        order = ("player_id", "name", "team", "position", "jersey_number")
        self._players: dict[str, list[tuple[Any, ...]]] = {
            str(key[0]): list(rows.select(order).iter_rows())
            for key, rows in wanted.sort("game_id", "team", "player_id").partition_by("game_id", as_dict=True).items()
        }
        self.cases: dict[str, tuple[str, str]] = {}
        """Where the planted ones are: name -> (game_id, key of the runner)."""
        self._plant()
        self.runners: dict[str, tuple[Runner, ...]] = {
            game_id: self._runners(self.games[game_id]) for game_id in self.games
        }

    # --- who can come first ------------------------------------------------------------------------------------------

    def _plant(self) -> None:
        """Which games hold the void, the relisted leg and the name that no roster has."""
        final = [game_id for game_id in self.games if game_id in self.first and game_id in self._players]
        for name, at, games in (("void", 3, final), ("relisted", 2, final), ("ghost", 4, list(self._players))):
            if games and (name != "ghost" or self._ghost):
                self.cases[name] = (games[len(games) // at], GHOST if name == "ghost" else "")

    def _runners(self, game: Game) -> tuple[Runner, ...]:
        rng = Random(f"{self.seed}/{game.game_id}")
        first = self.first.get(game.game_id)
        final = game.game_id in self.first
        chosen: list[tuple[float, tuple[Any, ...]]] = []
        for team in (game.away, game.home):
            for position, places in _PLACES.items():
                group = [
                    ((self.scored.get(row[0], 0) + _PRIOR[position] * rng.uniform(0.3, 1.2)), row)
                    for row in self._players.get(game.game_id, ())
                    if row[2] == team and row[3] == position
                ]
                group.sort(key=lambda one: (-one[0], one[1][0]))
                chosen += group[:places]
        whole = sum(weight for weight, _ in chosen) or 1.0
        listed = {row[0] for _, row in chosen}
        void = self._chosen("void", game, [row for _, row in chosen if first is None or row[0] != first.player_id])
        self._chosen("relisted", game, [row for _, row in chosen if row[0] != void])

        def result(key: str, won: bool) -> str | None:
            return None if not final else "void" if key == void else "yes" if won else "no"

        found = []
        for weight, (player_id, name, team, position, jersey) in chosen:
            won = first is not None and first.player_id == player_id
            number = None if jersey is None else int(jersey)
            chance = 0.885 * weight / whole
            found.append(Runner(player_id, "player", name, team, position, number, chance, result(player_id, won)))
        for team in (game.away, game.home):
            won = first is not None and first.dst and first.team == team and first.player_id not in listed
            key = f"dst/{team}"
            found.append(Runner(key, "dst", team, team, "DST", None, 0.033, result(key, won)))
        if rng.random() < 0.2:  # most events have no such leg
            found.append(
                Runner(NOBODY, "no_td", "No Touchdown", "", "", None, 0.004, result(NOBODY, final and not first))
            )
            self.cases.setdefault("no_touchdown_leg", (game.game_id, NOBODY))
        if self.cases.get("ghost", ("",))[0] == game.game_id:
            found.append(Runner(GHOST, "player", GHOST, game.home, "WR", 87, 0.01, result(GHOST, False)))
        for runner in found:
            for name, mark in (("apostrophe", "'"), ("hyphen", "-"), ("suffix", " Jr."), ("third", " III")):
                if mark in runner.label:
                    self.cases.setdefault(name, (game.game_id, runner.key))
        return tuple(found)

    def _chosen(self, case: str, game: Game, rows: list[tuple[Any, ...]]) -> str | None:
        """The player of a planted case, if it is in this game: a likely one, so that every venue lists him."""
        if self.cases.get(case, ("",))[0] != game.game_id or not rows:
            return None
        self.cases[case] = (game.game_id, rows[0][0])
        return str(rows[0][0])

    # --- listings of a venue -----------------------------------------------------------------------------------------

    @cached_property
    def kalshi(self) -> dict[str, Listing]:
        """Every first-touchdown leg on Kalshi by ticker."""
        return {leg.market_id: leg for game in self.games.values() for leg in self._kalshi_of(game)}

    @cached_property
    def polymarket(self) -> dict[str, Listing]:
        """Every leg on Polymarket by slug."""
        return self._slugs("polymarket", self._polymarket_ids)

    @cached_property
    def polymarket_us(self) -> dict[str, Listing]:
        """Every leg on Polymarket US by slug."""
        return self._slugs("polymarket_us", self._polymarket_us_ids)

    @cached_property
    def sportsbooks(self) -> dict[str, dict[str, list[Listing]]]:
        """Every leg at the sportsbooks: game_id -> book -> legs."""
        found: dict[str, dict[str, list[Listing]]] = {}
        for game in self.games.values():
            for number, (book, _) in enumerate(BOOKS):
                legs = []
                for at, runner in enumerate(self.runners[game.game_id]):
                    if runner.kind == "player" and (at + number) % 7 == 6:
                        continue  # no book offers everybody
                    legs.append(
                        self._listing("odds_api", game, runner, f"{odds_id(game)}/{book}/{runner.label}", "", book)
                    )
                found.setdefault(game.game_id, {})[book] = legs
        return found

    def _kalshi_of(self, game: Game) -> Iterator[Listing]:
        event = kalshi_event(game)
        taken: set[str] = set()
        relisted = self.cases.get("relisted") if self.cases.get("relisted", ("",))[0] == game.game_id else None
        for at, runner in enumerate(self.runners[game.game_id]):
            ticker = f"{event}-{_kalshi_tail(game, runner, at)}"
            while ticker in taken:
                ticker += "B"
            taken.add(ticker)
            leg = self._listing("kalshi", game, runner, ticker, event)
            if relisted and runner.key == relisted[1]:
                gone = leg.opens + timedelta(hours=30)
                yield _changed(leg, withdrawn=gone)
                leg = self._listing("kalshi", game, runner, f"{ticker}R", event)
                yield _changed(leg, opens=gone + timedelta(hours=2), withdrawn=None, mids=leg.mids[32:])
            else:
                yield leg

    def _slugs(self, source: Source, ids: Any) -> dict[str, Listing]:
        found: dict[str, Listing] = {}
        for game in self.games.values():
            if game.season < FIRST_SEASONS[source]:
                continue
            ranked = sorted(self.runners[game.game_id], key=lambda runner: (-runner.chance, runner.key))
            for runner in ranked[:_FEWER]:
                event, slug = ids(game, runner)
                while slug in found:  # six letters of two names can be the same
                    slug += "-2"
                found[slug] = self._listing(source, game, runner, slug, event)
        return found

    @staticmethod
    def _polymarket_ids(game: Game, runner: Runner) -> tuple[str, str]:
        event = f"nfl-{game.away.lower()}-{game.home.lower()}-{game.kickoff_at.astimezone(UTC):%Y-%m-%d}"
        return event, f"{event}-first-td-{_slug(full_label(runner))}"

    @staticmethod
    def _polymarket_us_ids(game: Game, runner: Runner) -> tuple[str, str]:
        event = f"nfl-{game.away.lower()}-{game.home.lower()}-{game.game_date:%Y-%m-%d}"
        words = _slug(without_suffix(full_label(runner))).split("-")
        return event, f"astatc-{event}-firsttd-{words[0][:3]}{words[-1][:3]}"

    def _listing(
        self, source: Source, game: Game, runner: Runner, market_id: str, event_id: str, book: str = ""
    ) -> Listing:
        rng = Random(f"{self.seed}/{source}/{book}/{market_id}")
        opens = game.kickoff_at - LISTED_FOR + timedelta(minutes=rng.randrange(60))
        # A longshot costs more than its chance is worth, and a favourite less.
        fair = 0.93 * runner.chance**0.93 * math.exp(rng.gauss(0, 0.12))
        drift, mids = rng.gauss(0, 0.25), []
        for step in range(_STEPS, -1, -1):  # backwards from kickoff: by then the market knows most
            mids.append(min(0.6, max(0.004, fair * math.exp(drift * (1 - step / _STEPS)))))
            drift += rng.gauss(0, 0.05)
        mids.reverse()
        luck = rng.random()
        shape: Book = "tight" if luck < 0.9 else "wide" if luck < 0.95 else "no_bid" if luck < 0.975 else "empty"
        width = rng.uniform(0.12, 0.5) if shape == "wide" else rng.choice((0.01, 0.02, 0.03))
        closes = game.kickoff_at + timedelta(minutes=rng.randrange(8, 12) if runner.result == "yes" else 40)
        withdrawn = None
        if runner.kind == "player" and runner.result in (None, "no") and rng.random() < 0.012:
            withdrawn = game.kickoff_at - timedelta(minutes=rng.randrange(80, 1800))
        settles = None if runner.result is None else game.kickoff_at + SETTLED_AFTER
        number = int(hashlib.sha256(market_id.encode()).hexdigest()[:8], 16)
        traded = float(rng.randrange(200, 90000)) / 1.7
        return Listing(
            source, game, runner, market_id, event_id, number, shape, width, opens, closes, settles, withdrawn,
            tuple(mids), traded,
        )  # fmt: skip

    # --- Kalshi ------------------------------------------------------------------------------------------------------

    def cutoff(self, now: datetime) -> datetime:
        """What Kalshi settled before it is historical."""
        return (now - LIVE_WINDOW).replace(hour=0, minute=0, second=0, microsecond=0)

    def is_historical(self, leg: Listing, now: datetime) -> bool:
        """Whether Kalshi has moved the leg to its history; a withdrawn one is never settled and stays."""
        return leg.withdrawn is None and leg.settles is not None and leg.settles < self.cutoff(now)

    def kalshi_market(self, leg: Listing, now: datetime) -> dict[str, Any]:
        """The market object as the API gives it at `now`."""
        game, runner, state = leg.game, leg.runner, leg.state(now)
        label = kalshi_label(runner)
        live = state == "open"
        bid, ask, bid_size, ask_size, last, volume = leg.quote(min(now, leg.closes))
        settled = state == "settled"
        value = {"yes": _CENTS[100], "no": _CENTS[0], "void": _CENTS[round(100 * leg.mids[-1])]}.get(
            runner.result or "", ""
        )
        if not live:
            bid, ask, bid_size, ask_size = 0, 100, 0, 0
            last = last if runner.result == "void" else 99 if runner.result == "yes" else 1
        end = game.kickoff_at + timedelta(days=14)
        swapped = leg.number % 5 == 0  # the text cannot be trusted with who is at home
        teams = [_city(game.home), _city(game.away)] if swapped else [_city(game.away), _city(game.home)]
        match = f"{teams[0]} at {teams[1]} professional football game originally scheduled for {_long(game.game_date)}"
        market: dict[str, Any] = {
            "can_close_early": True,
            "close_time": _stamp(leg.closes if settled else game.kickoff_at + timedelta(days=3), leg.number),
            "created_time": _stamp(leg.opens - timedelta(minutes=5), leg.number + 6),
            "custom_strike": {"football_player": self.uuid_of(runner), "football_team": team_uuid(runner.team)},
            "early_close_condition": "This market will close early if the event occurs.",
            "event_ticker": leg.event_id,
            "exchange_index": 0,
            "expected_expiration_time": _stamp(game.kickoff_at + timedelta(hours=3), 0),
            "expiration_time": _stamp(end, 0),
            "expiration_value": "",
            "last_price_dollars": _CENTS[last],
            "latest_expiration_time": _stamp(end, 0),
            "liquidity_dollars": "0.0000",
            "market_type": "binary",
            "no_ask_dollars": _CENTS[100 - bid],
            "no_bid_dollars": _CENTS[100 - ask],
            "no_sub_title": label,
            "notional_value_dollars": "1.0000",
            "open_interest_fp": "0.00" if settled else _count(volume * 0.6),
            "open_time": _stamp(leg.opens, 0),
            "previous_price_dollars": _CENTS[last],
            "previous_yes_ask_dollars": _CENTS[ask],
            "previous_yes_bid_dollars": _CENTS[bid],
            "price_level_structure": "linear_cent",
            "price_ranges": [{"end": "1.0000", "start": "0.0000", "step": "0.0100"}],
            "primary_participant_key": "football_player",
            "result": "" if not settled else "scalar" if runner.result == "void" else runner.result,
            "rules_primary": f"If {label} scores the first touchdown in {match}, then the market resolves to Yes.",
            "rules_secondary": "Sample market: no contract, no rules.",
            "settlement_timer_seconds": 300,
            "status": {"open": "active", "closed": "closed", "settled": "finalized", "withdrawn": "inactive"}.get(
                state, "initialized"
            ),
            "strike_type": "structured",
            "ticker": leg.market_id,
            "title": f"{label}: First Touchdown",
            "updated_time": _stamp(min(now, leg.closes), leg.number + 3),
            "volume_24h_fp": _count(volume * 0.4) if live else "0.00",
            "volume_fp": _count(volume),
            "yes_ask_dollars": _CENTS[ask],
            "yes_ask_size_fp": _count(ask_size),
            "yes_bid_dollars": _CENTS[bid],
            "yes_bid_size_fp": _count(bid_size),
            "yes_sub_title": label,
        }
        if settled and leg.settles is not None:
            market["settlement_ts"] = _stamp(leg.settles, leg.number + 6)
            market["settlement_value_dollars"] = value
        elif state != "settled":
            market["occurrence_datetime"] = _stamp(game.kickoff_at + timedelta(hours=3), 0)
        return market

    def kalshi_team_markets(self, now: datetime) -> Iterator[dict[str, Any]]:
        """Which team scores first: another series, that begins with the same letters. A few games have it."""
        for number, game in enumerate(self.games.values()):
            if number % 12 or not game.kickoff_at - LISTED_FOR <= now < game.kickoff_at:
                continue
            for team in (game.away, game.home):
                leg = self._listing(
                    "kalshi", game, Runner(f"dst/{team}", "dst", team, team, "", None, 0.48, None), team, ""
                )
                event = kalshi_event(game).replace(SERIES, TEAM_SERIES)
                market = self.kalshi_market(leg, now)
                text = f"{_city(team)} scores first TD"
                market |= {"ticker": f"{event}-{kalshi_code(team, game.season)}", "event_ticker": event, "title": text}
                market |= {"yes_sub_title": text, "no_sub_title": text}
                market["custom_strike"] = {"football_team": team_uuid(team)}
                yield market

    def kalshi_candles(
        self, leg: Listing, start: int, end: int, minutes: int, now: datetime, *, historical: bool
    ) -> list[dict[str, Any]]:
        """Candles that ended from `start` to `end` (seconds), one per period of that many minutes."""
        period = minutes * 60
        last_end = min(end, int(now.timestamp()), int(leg.closes.timestamp()) + period)
        first = max(start, int(leg.opens.timestamp()))
        first = -(-first // period) * period
        tail = "" if historical else "_dollars"
        opened, high, low, closed = f"open{tail}", f"high{tail}", f"low{tail}", f"close{tail}"

        def bar(one: int, two: int) -> dict[str, str]:
            top, bottom = (one, two) if one > two else (two, one)
            return {opened: _CENTS[one], high: _CENTS[top], low: _CENTS[bottom], closed: _CENTS[two]}

        candles = []
        before: int | None = None
        was = leg.quote_at(first - period)
        for at in range(first, last_end + 1, period):
            is_now = leg.quote_at(at - 1)
            traded = is_now.volume - was.volume
            quiet = traded < 1 or (leg.number + at // period) % (4 if minutes > 1 else 11) != 3
            if quiet and minutes == 1 and is_now[:2] == was[:2]:
                was = is_now
                continue  # nothing happened in that minute: there is no candle
            price: dict[str, Any] = dict.fromkeys((opened, high, low, closed, "mean")) if historical else {}
            if not quiet:
                price |= bar(was.last, is_now.last) | {f"mean{tail}": _CENTS[is_now.last]}
            if before is not None:
                price[f"previous{tail}"] = _CENTS[before]
            elif historical:
                price["previous"] = None
            before = before if quiet else is_now.last
            candles.append(
                {
                    "end_period_ts": at,
                    "open_interest" if historical else "open_interest_fp": _count(is_now.volume * 0.6),
                    "price": price,
                    "volume" if historical else "volume_fp": "0.00" if quiet else _count(traded),
                    "yes_ask": bar(was.ask, is_now.ask),
                    "yes_bid": bar(was.bid, is_now.bid),
                }
            )
            was = is_now
        return candles

    def uuid_of(self, runner: Runner) -> str:
        """Kalshi's id of the player, the same in every season; the no-touchdown leg has one for all games."""
        if runner.kind == "no_td":
            return _NO_TD_UUID
        return self.uuids.get(runner.key) or str(uuid.uuid5(_NAMES, runner.key))

    # --- Polymarket --------------------------------------------------------------------------------------------------

    def gamma_market(self, leg: Listing, now: datetime) -> dict[str, Any]:
        """The market object of the Gamma API at `now`."""
        game, runner, state = leg.game, leg.runner, leg.state(now)
        label = full_label(runner)
        bid, ask, _, _, last, volume = leg.quote(min(now, leg.closes))
        prices = [leg.shown_at(min(now, leg.closes).timestamp()), 0.0]
        closed = state in ("settled", "withdrawn")
        if state == "settled":
            prices[0] = {"yes": 1.0, "no": 0.0}.get(runner.result or "", 0.5)
        prices[1] = 1 - prices[0]
        names, tokens, shown = ["Yes", "No"], [token_of(leg, "yes"), token_of(leg, "no")], [f"{p:.4g}" for p in prices]
        if leg.number % 3 == 0:  # the order says nothing
            names, tokens, shown = names[::-1], tokens[::-1], shown[::-1]
        market: dict[str, Any] = {
            "id": str(600000 + leg.number % 4000000),
            "slug": leg.market_id,
            "conditionId": condition_of(leg),
            "question": f"{label}: First Touchdown",
            "groupItemTitle": "",
            "outcomes": json.dumps(names),
            "outcomePrices": json.dumps(shown),
            "clobTokenIds": json.dumps(tokens),
            "lastTradePrice": last / 100,
            "spread": (ask - bid) / 100,
            "volume": f"{volume:.2f}",
            "volumeNum": volume,
            "liquidity": "100.00",
            "liquidityNum": 100.0,
            "active": state != "withdrawn",
            "closed": closed,
            "acceptingOrders": state == "open",
            "enableOrderBook": True,
            "negRisk": False,
            "umaResolutionStatus": "resolved" if state == "settled" else None,
            "sportsMarketType": "first_touchdowns",
            "line": None,
            "gameId": str(10_000_000 + int(odds_id(game)[:6], 16)),
            "gameStartTime": f"{game.kickoff_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00",
            "events": [
                {
                    "id": str(int(odds_id(game)[:7], 16)),
                    "slug": f"{leg.event_id}-player-props",
                    "title": f"{TEAMS[game.away].nickname} vs. {TEAMS[game.home].nickname} - Player Props",
                }
            ],
        }
        if state == "settled" and leg.settles is not None:
            market["closedTime"] = f"{leg.settles.astimezone(UTC):%Y-%m-%d %H:%M:%S}+00"
        if not closed:
            market |= {"bestAsk": ask / 100} | ({"bestBid": bid / 100} if bid else {})
        return market

    def prices_history(self, token: str, start: int, end: int, fidelity: int, now: datetime) -> list[dict[str, Any]]:
        """Points of a token's price, one every `fidelity` minutes; fine ones are kept for some months only."""
        leg = self._tokens.get(token)
        if leg is None:
            return []
        if fidelity < 180 and now - leg.closes > _FINE_POINTS:
            return []
        sign = token == token_of(leg, "yes")
        step = max(1, fidelity) * 60
        first = max(start, int(leg.opens.timestamp()))
        last = min(end, int(now.timestamp()), int(leg.closes.timestamp()))
        points = []
        for at in range(-(-first // step) * step, last + 1, step):
            price = round(leg.shown_at(at), 3)
            points.append({"t": at + leg.number % 20, "p": price if sign else round(1 - price, 3)})
        return points

    @cached_property
    def _tokens(self) -> dict[str, Listing]:
        return {token_of(leg, side): leg for leg in self.polymarket.values() for side in ("yes", "no")}

    # --- Polymarket US -----------------------------------------------------------------------------------------------

    def us_market(self, leg: Listing, now: datetime) -> dict[str, Any]:
        """The market object of Polymarket US at `now`."""
        runner, state = leg.runner, leg.state(now)
        bid, ask, *_ = leg.quote(min(now, leg.closes))
        live = state == "open"
        market: dict[str, Any] = {
            "slug": leg.market_id,
            "sportsMarketType": "football_player_first_touchdown",
            "sportsMarketTypeV2": "SPORTS_MARKET_TYPE_PROP",
            "marketType": "props",
            "metadata": {
                "playerName": without_suffix(full_label(runner)),
                "teamId": sorted(TEAMS).index(runner.team) + 40 if runner.team else 0,
            },
            "gameStartTime": f"{leg.game.kickoff_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "status": {"open": "MARKET_STATUS_OPEN", "withdrawn": "MARKET_STATUS_HALTED"}.get(
                state, "MARKET_STATUS_CLOSED"
            ),
            "active": live,
            "closed": state in ("closed", "settled"),
            "outcomes": '["No","Yes"]',
        }
        if live and leg.book != "empty":
            market["bestAskQuote"] = {"value": _CENTS[ask]}
            if bid:
                market["bestBidQuote"] = {"value": _CENTS[bid]}
        elif live:
            market |= {"bestAskQuote": None, "bestBidQuote": None}
        return market

    def us_team_market(self, game: Game, team: str) -> dict[str, Any]:
        """Which team scores first: another market, that is easily taken for ours."""
        return {
            "slug": f"atc-nfl-{game.away.lower()}-{game.home.lower()}-{game.game_date:%Y-%m-%d}-firsttd-{team.lower()}",
            "sportsMarketType": "football_team_first_touchdown",
            "sportsMarketTypeV2": "SPORTS_MARKET_TYPE_PROP",
            "marketType": "props",
            "metadata": {"teamId": sorted(TEAMS).index(team) + 40},
            "bestBidQuote": {"value": "0.4800"},
            "bestAskQuote": {"value": "0.5000"},
            "gameStartTime": f"{game.kickoff_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "status": "MARKET_STATUS_OPEN",
            "active": True,
            "closed": False,
            "outcomes": '["No","Yes"]',
        }

    # --- The Odds API ------------------------------------------------------------------------------------------------

    def odds_event(self, game: Game) -> dict[str, Any]:
        """An event of The Odds API, without odds."""
        return {
            "id": odds_id(game),
            "sport_key": "americanfootball_nfl",
            "sport_title": "NFL",
            "commence_time": f"{game.kickoff_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "home_team": TEAMS[game.home].name,
            "away_team": TEAMS[game.away].name,
        }

    def odds_of(self, game: Game, now: datetime) -> dict[str, Any]:
        """An event with the first-touchdown odds of each book; none once it has begun."""
        books = []
        for key, title in BOOKS:
            rng = Random(f"{self.seed}/{key}/{game.game_id}")
            legs = [leg for leg in self.sportsbooks[game.game_id][key] if leg.state(now) == "open"]
            if now >= game.kickoff_at or not legs or rng.random() < 0.08:
                continue
            over = rng.uniform(1.25, 1.40)
            whole = sum(leg.mid(now) for leg in legs)
            outcomes = [
                {"name": "Yes", "description": book_label(leg.runner), "price": american(over * leg.mid(now) / whole)}
                for leg in legs
            ]
            outcomes.sort(key=lambda one: (one["price"], one["description"]))
            updated = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            markets = [{"key": "player_1st_td", "last_update": updated, "outcomes": outcomes}]
            books.append({"key": key, "title": title, "markets": markets})
        return {**self.odds_event(game), "bookmakers": books}


# --- names and numbers as the venues write them ----------------------------------------------------------------------


def kalshi_code(team: str, season: int) -> str:
    """A team's code in a ticker: the Rams' changed in 2026."""
    return {"LA": "LAR" if season >= 2026 else "LA", "JAX": "JAC"}.get(team, team)


def kalshi_event(game: Game) -> str:
    """The event's ticker: Eastern date, away then home, no separator."""
    teams = kalshi_code(game.away, game.season) + kalshi_code(game.home, game.season)
    return f"{SERIES}-{game.game_date:%y%b%d}".upper() + teams


def kalshi_label(runner: Runner) -> str:
    """`yes_sub_title`."""
    return f"{_city(runner.team)} D/ST" if runner.kind == "dst" else runner.label


def full_label(runner: Runner) -> str:
    """Whom a leg is on, with a team's whole name."""
    return f"{TEAMS[runner.team].name} D/ST" if runner.kind == "dst" else runner.label


def book_label(runner: Runner) -> str:
    """As sportsbooks write: no full stops, no accents."""
    if runner.kind == "no_td":
        return "No Touchdown Scorer"
    return _ascii(full_label(runner)).replace(".", "")


def without_suffix(name: str) -> str:
    """A name without Jr., Sr. or a number."""
    return re.sub(r" (?:Jr\.?|Sr\.?|I{2,3}|IV)$", "", name)


def american(probability: float) -> int:
    """American odds that imply the probability, in steps of a book."""
    p = min(0.95, max(0.002, probability))
    if p >= 0.5:
        return -int(round(100 * p / (1 - p), -1))
    odds = 100 * (1 - p) / p
    return round(odds / (10 if odds < 1000 else 100)) * (10 if odds < 1000 else 100)


def odds_id(game: Game) -> str:
    """The Odds API's event id."""
    return hashlib.md5(f"odds/{game.game_id}".encode(), usedforsecurity=False).hexdigest()


def token_of(leg: Listing, side: str) -> str:
    """Polymarket's id of one side of a market, about 77 digits."""
    return str(int(hashlib.sha256(f"{leg.market_id}/{side}".encode()).hexdigest(), 16))


def condition_of(leg: Listing) -> str:
    """Polymarket's id of the market on its chain."""
    return "0x" + hashlib.sha256(leg.market_id.encode()).hexdigest()


def team_uuid(team: str) -> str:
    """Kalshi's id of a team."""
    return str(uuid.uuid5(_NAMES, f"team/{team}"))


def _kalshi_tail(game: Game, runner: Runner, number: int) -> str:
    code = kalshi_code(runner.team or game.home, game.season)
    if runner.kind == "no_td":
        variants = ("NOTD", "NONE", f"{code}NONE", f"{code}NO-TD")
        return variants[int(odds_id(game)[:4], 16) % 4]
    if runner.kind == "dst":
        return f"{code}DST" if int(odds_id(game)[:4], 16) % 3 else f"{code}{code}DST"
    words = without_suffix(_ascii(runner.label)).upper().split()
    surname = _PLAIN.sub("", "".join(words[1:])) or "X"
    return f"{code}{_PLAIN.sub('', words[0])[:1]}{surname}{'' if runner.jersey is None else runner.jersey}"


def _city(team: str) -> str:
    names = {"LA": "Los Angeles R", "LAC": "Los Angeles C", "NYG": "New York G", "NYJ": "New York J"}
    return names.get(team) or (TEAMS[team].city if team in TEAMS else team)


def _ascii(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _ascii(text).lower().replace("'", "").replace(".", "")).strip("-")


def _long(day: date) -> str:
    return f"{day:%b} {day.day}, {day.year}"


def _count(value: float) -> str:
    return f"{value:.2f}"


def _stamp(at: datetime, number: int) -> str:
    """As Kalshi writes a time: with 0 to 6 digits of a second."""
    digits = number % 7
    text = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    return f"{text}.{(number * 7919 + 100001) % 10**digits:0{digits}d}Z" if digits else f"{text}Z"


def _changed(leg: Listing, **values: Any) -> Listing:
    return replace(leg, **values)


# --- a world from files ----------------------------------------------------------------------------------------------


def world_of(
    folder: Path,
    seasons: Iterable[int],
    *,
    seed: int = 7,
    weeks: tuple[int, int] = (1, 99),
    uuids: Mapping[str, str] | None = None,
    ghost: bool = True,
    world: type[MarketWorld] = MarketWorld,
) -> MarketWorld:
    """The world over files in nflverse's layout: a sample season's or a mirror's.

    Args:
        folder: with schedules/, rosters/ and, of seasons that have been played, weekly_rosters/ and pbp/.
        seasons: which of them have markets.
        weeks: the first and the last week that has.
        uuids, ghost: as `MarketWorld`.
        world: what to make.
    """
    wanted = sorted(seasons)
    games = (
        pl.read_parquet(folder / "schedules" / "games.parquet")
        .filter(pl.col("season").is_in(wanted) & pl.col("week").is_between(*weeks))
        .with_columns(kickoff_expr().alias("kickoff_at"), canonical_expr("away_team"), canonical_expr("home_team"))
        .select("game_id", "season", "week", "away_team", "home_team", "gameday", "kickoff_at", "home_score")
    )
    final = games.filter(pl.col("home_score").is_not_null())["game_id"].to_list()
    scored: dict[str, int] = {}
    first: dict[str, FirstTouchdown | None] = {}
    for season in range(wanted[0] - 1, wanted[-1] + 1):
        plays = folder / "pbp" / f"play_by_play_{season}.parquet"
        if not plays.exists():
            continue
        touchdowns = extract_touchdowns(pl.scan_parquet(plays).filter(pl.col("touchdown") == 1).collect())
        for player_id in touchdowns["player_id"].drop_nulls():
            scored[player_id] = scored.get(player_id, 0) + 1
        if season in wanted:
            first |= dict.fromkeys(game_id for game_id in final if game_id.startswith(f"{season}_"))
            for game_id, player_id, team, kind in (
                touchdowns.filter("is_first_td").select("game_id", "player_id", "team", "kind").iter_rows()
            ):
                if game_id in first:
                    first[game_id] = FirstTouchdown(player_id, team, kind in DST_KINDS)
    return world(games, _players(folder, wanted, games), first, seed=seed, scored=scored, uuids=uuids, ghost=ghost)


def _players(folder: Path, seasons: list[int], games: pl.DataFrame) -> pl.DataFrame:
    """Who was active in each game; by the season's roster where no weekly one is there."""
    sides = pl.concat(
        games.select("game_id", "season", "week", pl.col(side).alias("team")) for side in ("away_team", "home_team")
    )
    columns = ("season", "week", "team", "position", "jersey_number", "full_name", "gsis_id", "status")
    found = []
    for season in seasons:
        weekly = folder / "weekly_rosters" / f"roster_weekly_{season}.parquet"
        seasonal = folder / "rosters" / f"roster_{season}.parquet"
        file, on = (weekly, ["season", "week", "team"]) if weekly.exists() else (seasonal, ["season", "team"])
        if not file.exists():
            continue
        roster = (
            pl.read_parquet(file, columns=list(columns))
            .with_columns(canonical_expr("team"), pl.col("season", "week").cast(games.schema["week"]))
            .filter((pl.col("status") == "ACT") & pl.col("gsis_id").is_not_null() & pl.col("full_name").is_not_null())
            .select(*on, "position", "jersey_number", "full_name", "gsis_id")
            .unique([*on, "gsis_id"], keep="first", maintain_order=True)
        )
        found.append(
            sides.with_columns(pl.col("season").cast(games.schema["week"]))
            .join(roster, on=on)
            .select(
                "game_id",
                pl.col("gsis_id").alias("player_id"),
                pl.col("full_name").alias("name"),
                "team",
                "position",
                pl.col("jersey_number").cast(pl.Int64, strict=False),
            )
        )
    schema = {"game_id": pl.String, "player_id": pl.String, "name": pl.String, "team": pl.String}
    empty = pl.DataFrame(schema={**schema, "position": pl.String, "jersey_number": pl.Int64})
    return pl.concat([empty, *found])
