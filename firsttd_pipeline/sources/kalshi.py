"""Kalshi's Trade API v2: its first-touchdown markets, live and historical, as events, legs and quotes of ours.

Only the series KXNFLFIRSTTD: KXNFLFIRSTTDTEAM and KXNFLFIRSTTDTIME are other markets. Prices are strings in dollars;
the integer cents of older answers are refused, never divided. Which game and player a leg is on is settled in storage.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from firsttd_pipeline.domain.markets import (
    Event,
    Leg,
    LegKind,
    LegStatus,
    Outcome,
    Parsed,
    PayloadKind,
    Quote,
    Source,
    WantedGame,
    WantedHistory,
)
from firsttd_pipeline.domain.players import DST_PREFIX, NO_TD, parse_special
from firsttd_pipeline.domain.teams import TEAMS, canonical
from firsttd_pipeline.sources.http import NotPublished, PermanentSourceError, SourceError
from firsttd_pipeline.sources.venues import (
    Answer,
    Asker,
    Page,
    Refusals,
    VenueClient,
    decoded,
    dollars,
    instant,
    items,
    mapping,
    number,
    pages,
    price_path,
    unreadable,
)

SERIES: Final = "KXNFLFIRSTTD"
SOURCE: Final[Source] = "kalshi"
PER_PAGE: Final = 1000
TICKERS_AT_ONCE: Final = 100
CANDLES_AT_ONCE: Final = 10_000

# One candle a minute over the last hours, else one an hour over the last days: either way 120 of a leg, and one more
# where the period does not begin on a full one.
MINUTES: Final = (1, timedelta(hours=2))
HOURS: Final = (60, timedelta(days=5))
LEGS_AT_ONCE: Final = min(TICKERS_AT_ONCE, CANDLES_AT_ONCE // 121)

CODES: Final = frozenset(TEAMS) | {"LAR", "JAC", "WSH"}
"""Team codes as they stand in tickers: the Rams were LA in 2025 and are LAR in 2026."""
NO_TD_UUID: Final = "1a31f644-75b8-4d4d-a55f-e3f198ab644d"
"""Stands as `football_player` on every no-touchdown leg: it is nobody."""

# How far around the cutoff a leg may be on either side of it: it is by settlement, hours to days after kickoff.
_STRADDLES: Final = timedelta(days=3)
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_EVENT: Final = re.compile(rf"{SERIES}-(\d\d)([A-Z]{{3}})(\d\d)([A-Z]{{4,6}})")
_JERSEY: Final = re.compile(r"[A-Z'.-]{3,}(\d{1,2})")
_BOOK: Final = ("yes_bid_dollars", "yes_ask_dollars")

# Created, not opened yet: nothing can be bought, which for us is closed; it is open from its first open list on.
_STATUSES: Final[Mapping[str, LegStatus]] = {
    "initialized": "closed",
    "active": "open",
    "inactive": "withdrawn",
    "closed": "closed",
    "determined": "closed",
    "disputed": "closed",
    "amended": "closed",
    "finalized": "settled",
}
# "scalar" is settled at a fraction, neither won nor lost.
_RESULTS: Final[Mapping[str, Outcome]] = {"yes": "yes", "no": "no", "scalar": "void"}


class KalshiVenue(VenueClient):
    """Kalshi in one run. No key is needed for any of this."""

    def __init__(self, asker: Asker) -> None:
        super().__init__(asker)
        self._cutoff_at: datetime | None = None

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every open leg of the series, whatever the games."""
        return self._listed("open", "markets", {"series_ticker": SERIES, "status": "open"})

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every leg settled since then; where that is before the venue's cutoff, the whole historical list too."""
        historical = since < self._cutoff()
        live = {"series_ticker": SERIES, "status": "settled", "min_settled_ts": int(since.timestamp())}
        yield from self._listed("settled", "markets", live)
        if historical:
            yield from self._listed("settled", "historical/markets", {"series_ticker": SERIES})

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        """The state now of these tickers; those that are not live are asked for among the historical ones."""
        wanted = list(dict.fromkeys(market_ids))
        for first in range(0, len(wanted), TICKERS_AT_ONCE):
            batch = wanted[first : first + TICKERS_AT_ONCE]
            for path in ("markets", "historical/markets"):
                for page in self._listed("legs", path, {"tickers": batch}):
                    answered = {leg.market_id for leg in page.parsed.legs}
                    batch = [ticker for ticker in batch if ticker not in answered]
                    yield page
                if not batch:
                    break

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        """Candles that end at or before kickoff, each as a quote at its end.

        One a minute over the last two hours; for a leg without any, one an hour over the last five days. Kept of them
        are the last of each hour and all of the last hour (`price_path`): enough for a price's path and its closing
        line, without 120 rows a leg. Live legs are asked for in batches, historical ones each alone.
        """
        if not wanted:
            return
        refusals = Refusals()
        cutoff = self._cutoff()
        old = [leg for leg in wanted if leg.until < cutoff - _STRADDLES]
        recent = [leg for leg in wanted if leg.until >= cutoff - _STRADDLES]
        without = yield from self._live_candles(recent, MINUTES, refusals, last=False)
        # a leg is settled after kickoff: one that kicked off after the cutoff is not historical
        old += [leg for leg in without if leg.until < cutoff]
        yield from self._live_candles([leg for leg in without if leg.until >= cutoff], HOURS, refusals, last=True)
        unknown = []
        for leg in old:
            try:
                page = self._historical_candles(leg)
            except NotPublished:
                unknown.append(leg)  # withdrawn legs are never settled, so they stay with the live ones
                continue
            except SourceError as error:
                refusals.take(error)
                continue
            refusals.answered()
            yield page
        yield from self._live_candles(unknown, HOURS, refusals, last=True)
        refusals.tell()

    def parse(self, kind: PayloadKind, body: bytes, fetched_at: datetime) -> Parsed:
        """What a stored answer holds."""
        return _parsed(kind, decoded(SOURCE, body), fetched_at)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listed(self, kind: PayloadKind, path: str, params: Mapping[str, object]) -> Iterator[Page]:
        def ask(cursor: str) -> Answer:
            return self.asker.get_json(path, {**params, "limit": PER_PAGE, "cursor": cursor or None})

        for answer in pages(ask, _cursor, lambda data: items(SOURCE, data, "markets")):
            yield answer.page(kind, answer.parsed(kind, _parsed))

    def _cutoff(self) -> datetime:
        """Legs settled before this are historical."""
        if self._cutoff_at is None:
            said = mapping(SOURCE, self.asker.get_json("historical/cutoff").data, "the cutoff")
            cutoff = instant(SOURCE, said.get("market_settled_ts"), "market_settled_ts")
            if cutoff is None:
                raise unreadable(SOURCE, "the cutoff has no market_settled_ts", said)
            self._cutoff_at = cutoff
        return self._cutoff_at

    def _live_candles(
        self, wanted: Sequence[WantedHistory], of: tuple[int, timedelta], refusals: Refusals, *, last: bool
    ) -> Generator[Page, None, list[WantedHistory]]:
        """Pages with the legs that have candles; returns those without, unless `last`: then they are on the pages."""
        without: list[WantedHistory] = []
        for until, group in groupby(sorted(wanted, key=lambda leg: leg.until), key=lambda leg: leg.until):
            legs = list(group)
            batches = [legs[first : first + LEGS_AT_ONCE] for first in range(0, len(legs), LEGS_AT_ONCE)]
            while batches:
                batch = batches.pop(0)
                tickers = [leg.market_id for leg in batch]
                try:
                    answer = self.asker.get_json(
                        "markets/candlesticks", {"market_tickers": tickers, **_period(of, until)}
                    )
                except PermanentSourceError as error:
                    if len(batch) == 1:
                        refusals.take(error)
                    else:  # one of them is what it refuses
                        batches[:0] = [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
                    continue
                refusals.answered()
                past = answer.parsed("history", _parsed).past
                paths = {leg.market_id: price_path(past.get(leg.market_id, ()), until) for leg in batch}
                if not last:
                    without += [leg for leg in batch if not paths[leg.market_id]]
                    paths = {ticker: path for ticker, path in paths.items() if path}
                if paths:
                    yield answer.page("history", Parsed(past=paths))
        return without

    def _historical_candles(self, leg: WantedHistory) -> Page:
        for of in (MINUTES, HOURS):
            path = f"historical/markets/{leg.market_id}/candlesticks"
            answer = self.asker.get_json(path, _period(of, leg.until))
            past = answer.parsed("history", _parsed).past
            kept = price_path(past.get(leg.market_id, ()), leg.until)
            if kept:
                break
        return answer.page("history", Parsed(past={leg.market_id: kept}))


def _cursor(data: Mapping[str, Any]) -> object:
    if "cursor" not in data and len(data["markets"]) >= PER_PAGE:  # or the first page would be taken for the whole list
        raise unreadable(SOURCE, f"a page of {PER_PAGE} markets has no cursor", data)
    return data.get("cursor")


def _period(of: tuple[int, timedelta], until: datetime) -> dict[str, object]:
    minutes, back = of
    return {
        "start_ts": int((until - back).timestamp()),
        "end_ts": int(until.timestamp()),
        "period_interval": minutes,
    }


# --- reading ----------------------------------------------------------------------------------------------------------


def _parsed(kind: PayloadKind, data: object, at: datetime) -> Parsed:
    if kind == "history":
        return Parsed(past=_candles(data))
    events: dict[str, Event] = {}
    legs = []
    for market in items(SOURCE, data, "markets"):
        ticker, event_ticker = market.get("ticker"), market.get("event_ticker")
        if not isinstance(ticker, str) or not isinstance(event_ticker, str):
            raise unreadable(SOURCE, "a market has no ticker and event_ticker", market)
        if not event_ticker.startswith(f"{SERIES}-"):
            continue
        event = events.get(event_ticker) or event_of(event_ticker)
        events[event_ticker] = event
        legs.append(_leg(ticker, event, market, at))
    return Parsed(events=list(events.values()), legs=legs)


def event_of(ticker: str) -> Event:
    """An event by its ticker: US Eastern date, away and home without a separator."""
    found = _EVENT.fullmatch(ticker)
    if found is None:
        return _not_understood(ticker, f"{ticker} is not {SERIES}, a date and two teams")
    year, month, day, teams = found.groups()
    try:
        on = date(2000 + int(year), _MONTHS.index(month) + 1, int(day))
    except ValueError:
        return _not_understood(ticker, f"{year}{month}{day} is no date")
    splits = [
        (canonical(teams[:at]), canonical(teams[at:]))
        for at in range(1, len(teams))
        if teams[:at] in CODES and teams[at:] in CODES
    ]
    splits = [(away, home) for away, home in splits if away != home]
    if len(splits) != 1:
        how = "no two team codes" if not splits else "two team codes in more than one way"
        return replace(_not_understood(ticker, f"{teams} is {how}"), event_date=on)
    return Event(SOURCE, ticker, away=splits[0][0], home=splits[0][1], event_date=on)


def _not_understood(ticker: str, reason: str) -> Event:
    return Event(SOURCE, ticker, reason=reason)


def _leg(ticker: str, event: Event, market: Mapping[str, Any], at: datetime) -> Leg:
    said = market.get("status")
    status = _STATUSES.get(said) if isinstance(said, str) else None
    if status is None:
        raise unreadable(SOURCE, f"{ticker} has the status {str(said)[:40]!r}, which is none of the known ones", market)
    label = market.get("yes_sub_title")
    label = label.strip() if isinstance(label, str) else ""
    suffix = ticker.removeprefix(f"{event.event_id}-") if ticker.startswith(f"{event.event_id}-") else ""
    uuid = _player_uuid(market)
    kind, dst = _kind(label, suffix, uuid, event)
    jersey = _JERSEY.fullmatch(suffix) if kind == "player" else None
    settled = status == "settled"
    return Leg(
        source=SOURCE,
        market_id=ticker,
        event_id=event.event_id,
        label=label or ticker,
        kind=kind,
        status=status,
        team=None if kind in ("no_td", "unknown") else _team(label, suffix, event) or dst,
        jersey=int(jersey[1]) if jersey is not None else None,
        venue_player_id=uuid if kind == "player" else None,
        result=_result(ticker, market) if settled else None,
        settlement_value=_price(ticker, market, "settlement_value_dollars") if settled else None,
        settled_at=instant(SOURCE, market.get("settlement_ts"), f"settlement_ts of {ticker}") if settled else None,
        quote=_quote(ticker, market, at) if status == "open" else None,
    )


def _player_uuid(market: Mapping[str, Any]) -> str | None:
    strike = market.get("custom_strike")
    uuid = strike.get("football_player") if isinstance(strike, dict) else None
    return uuid if isinstance(uuid, str) and uuid else None


def _kind(label: str, suffix: str, uuid: str | None, event: Event) -> tuple[LegKind, str | None]:
    """What a leg is on by its label, and the team of a defense where the label settles it."""
    teams = [team for team in (event.away, event.home) if team]
    special = parse_special(label, teams)
    if special == NO_TD:
        return "no_td", None
    if special is not None or label.upper().endswith("D/ST"):
        team = special.removeprefix(DST_PREFIX) if special else None
        return "dst", team if team in teams else None
    if not label or uuid == NO_TD_UUID:
        return "unknown", None
    return ("player" if uuid or _JERSEY.fullmatch(suffix) else "unknown"), None


def _team(label: str, suffix: str, event: Event) -> str | None:
    """The team a ticker's end begins with; where two fit (LA, LAC), the one before initial and surname, else None."""
    fitting = {
        code: canonical(code)
        for code in CODES
        if suffix.startswith(code) and canonical(code) in (event.away, event.home)
    }
    if len(set(fitting.values())) > 1:
        words = [re.sub(r"[^A-Z]", "", word) for word in label.upper().split()]
        names = {"".join([words[0][:1], *words[1:to]]) for to in (len(words), len(words) - 1)} if words else set()
        rests = {code: suffix.removeprefix(code).rstrip("0123456789") for code in fitting}
        fitting = {code: team for code, team in fitting.items() if rests[code] in {*names, "DST", f"{code}DST"}}
    teams = set(fitting.values())
    return teams.pop() if len(teams) == 1 else None


def _result(ticker: str, market: Mapping[str, Any]) -> Outcome | None:
    said = market.get("result")
    if said == "":
        return None
    result = _RESULTS.get(said) if isinstance(said, str) else None
    if result is None:
        raise unreadable(SOURCE, f"{ticker} has the result {str(said)[:40]!r}, which is none of the known ones", market)
    return result


def _quote(ticker: str, market: Mapping[str, Any], at: datetime) -> Quote:
    """The book as it stands; a side that nobody is on comes as 0 or 1."""
    missing = [name for name in _BOOK if name not in market]
    if missing:
        raise unreadable(
            SOURCE, f"no known price field: {ticker} is open and has no {' and no '.join(missing)}", market
        )
    return Quote(
        at=at,
        bid=_price(ticker, market, "yes_bid_dollars"),
        ask=_price(ticker, market, "yes_ask_dollars"),
        bid_size=_count(ticker, market, "yes_bid_size_fp"),
        ask_size=_count(ticker, market, "yes_ask_size_fp"),
        last=_price(ticker, market, "last_price_dollars") or None,  # 0: nothing was traded yet
        volume=_count(ticker, market, "volume_fp"),
    )


def _price(ticker: str, market: Mapping[str, Any], name: str) -> Decimal | None:
    return dollars(SOURCE, market.get(name), f"{name} of {ticker}")


def _count(ticker: str, market: Mapping[str, Any], name: str) -> Decimal | None:
    return number(SOURCE, market.get(name), f"{name} of {ticker}")


def _candles(data: object) -> dict[str, list[Quote]]:
    """The quotes of every leg of an answer, live (several legs) or historical (one)."""
    answer = mapping(SOURCE, data, "the answer")
    listed = items(SOURCE, answer, "markets") if "markets" in answer else [answer]
    past: dict[str, list[Quote]] = {}
    for market in listed:
        ticker = market.get("market_ticker", market.get("ticker"))
        if not isinstance(ticker, str):
            raise unreadable(SOURCE, "candles without a ticker", market)
        found = (_candle(ticker, candle) for candle in items(SOURCE, market, "candlesticks"))
        past[ticker] = sorted((quote for quote in found if quote is not None), key=lambda quote: quote.at)
    return past


def _candle(ticker: str, candle: Mapping[str, Any]) -> Quote | None:
    """A candle as the quote at its end; None where nobody was in the book and nothing was ever traded.

    A candle's volume is of its own period and not so far, so it is left out.
    """
    end = candle.get("end_period_ts")
    if not isinstance(end, int) or isinstance(end, bool):
        raise unreadable(SOURCE, f"a candle of {ticker} has no end_period_ts", candle)
    bid, ask, trade = candle.get("yes_bid"), candle.get("yes_ask"), candle.get("price")
    if not any(isinstance(side, dict) and _CLOSES & side.keys() for side in (bid, ask)):
        raise unreadable(
            SOURCE, f"no known price field: a candle of {ticker} has no close of yes_bid and yes_ask", candle
        )
    last = _of(ticker, trade, "close")
    quote = Quote(
        at=datetime.fromtimestamp(end, UTC),
        bid=_of(ticker, bid, "close"),
        ask=_of(ticker, ask, "close"),
        last=(_of(ticker, trade, "previous") if last is None else last) or None,
    )
    return None if quote.bid is None and quote.ask is None and quote.last is None else quote


_CLOSES: Final = frozenset({"close_dollars", "close"})


def _of(ticker: str, side: object, name: str) -> Decimal | None:
    """One price of a candle: live ones have `close_dollars`, historical ones `close`, both text in dollars."""
    if not isinstance(side, dict):
        return None
    if f"{name}_dollars" in side:
        return dollars(SOURCE, side[f"{name}_dollars"], f"a candle's {name}_dollars of {ticker}")
    value = side.get(name)
    if isinstance(value, int):  # the cents of older answers, where 1 would be taken for a dollar
        raise unreadable(SOURCE, f"a candle's {name} of {ticker} is {value} and no text in dollars", side)
    return dollars(SOURCE, value, f"a candle's {name} of {ticker}")
