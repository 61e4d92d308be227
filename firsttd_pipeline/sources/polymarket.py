"""Polymarket's Gamma API and price history: its NFL first-touchdown markets as events, legs and quotes of ours.

A leg's id is the market's slug. Which side is "Yes" is looked up by name, for outcomes, prices and tokens alike. What
the history gives is the price the venue showed, without a book. Whom and which game a leg is on is settled in storage.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from firsttd_pipeline.domain.markets import (
    Event,
    Leg,
    LegKind,
    LegStatus,
    Outcome,
    Parsed,
    Payload,
    PayloadKind,
    Quote,
    Source,
    WantedGame,
    WantedHistory,
)
from firsttd_pipeline.domain.players import DST_PREFIX, NO_TD, parse_special
from firsttd_pipeline.domain.teams import UnknownTeam, canonical
from firsttd_pipeline.sources.http import NotPublished, SourceError, bare
from firsttd_pipeline.sources.venues import (
    Answer,
    Asker,
    Page,
    Refusals,
    VenueClient,
    VenueError,
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

SOURCE: Final[Source] = "polymarket"
MARKET_TYPE: Final = "first_touchdowns"
LISTED: Final = "markets/keyset"
PER_PAGE: Final = 100
SLUGS_AT_ONCE: Final = 50
"""An address may have about 8,000 characters, a slug has about 60."""
LEGS_A_PAGE: Final = 25
"""Legs whose histories are kept as one payload."""

STEPS: Final[tuple[tuple[int, timedelta], ...]] = (
    (5, timedelta(days=1)),
    (60, timedelta(days=5)),
    (180, timedelta(days=14)),
    (720, timedelta(days=14)),
)
"""Minutes between two points, and how far before kickoff: the first that has any is taken. The venue keeps fine points
for some months and a point every 3 and 12 hours for good; more than 15 days at once it refuses."""
KEPT_FINE: Final = timedelta(days=60)

# Ends a settled market can have: anything else is not decided yet.
_ENDS: Final[Mapping[tuple[Decimal, Decimal], Outcome]] = {
    (Decimal(1), Decimal(0)): "yes",
    (Decimal(0), Decimal(1)): "no",
    (Decimal("0.5"), Decimal("0.5")): "void",
}
_SLUG: Final = re.compile(r"([a-z]+)-([a-z]+)-([a-z]+)-(\d{4}-\d{2}-\d{2})-first-td-.+")
_QUESTION: Final = re.compile(r"(.+?)\s*:\s*(?:First|1st) Touchdown\b.*", re.IGNORECASE)
_BOOK: Final = ("bestBid", "bestAsk")
_ONE: Final = Decimal(1)


class PolymarketVenue(VenueClient):
    """Polymarket in one run. No key is needed for any of this.

    Args:
        history_url: base address of the price history, which is another server's.
    """

    def __init__(self, asker: Asker, history_url: str) -> None:
        super().__init__(asker)
        self._history_url = history_url
        self._too_old: dict[int, datetime] = {}

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every open leg, whatever the games."""
        return self._listed("open", {"closed": "false"})

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every closed leg of games since then: those that are not resolved yet have no result."""
        # a market's end date is its game's kickoff or later; the days are for games that were moved
        earliest = (since - timedelta(days=3)).astimezone(UTC)
        return self._listed("settled", {"closed": "true", "end_date_min": f"{earliest:%Y-%m-%dT%H:%M:%SZ}"})

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        """The state now of these slugs: among the closed first, which a list without `closed` leaves out."""
        wanted = list(dict.fromkeys(market_ids))
        for first in range(0, len(wanted), SLUGS_AT_ONCE):
            batch = wanted[first : first + SLUGS_AT_ONCE]
            for closed in ("true", "false"):
                for page in self._listed("legs", {"closed": closed, "slug": tuple(batch)}):
                    answered = {leg.market_id for leg in page.parsed.legs}
                    batch = [slug for slug in batch if slug not in answered]
                    yield page
                if not batch:
                    break

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        """The price the venue showed, at most until kickoff: of every leg in the first of `STEPS` that has any."""
        refusals = Refusals()
        for first in range(0, len(wanted), LEGS_A_PAGE):
            batch = wanted[first : first + LEGS_A_PAGE]
            answers: dict[str, Answer] = {}
            past: dict[str, list[Quote]] = {}
            try:
                for leg in batch:
                    try:
                        answer, kept = self._points(leg) if leg.history_token else (None, [])
                    except SourceError as error:
                        refusals.take(error)
                        continue
                    past[leg.market_id] = kept
                    if answer is not None:
                        answers[leg.market_id] = answer
                        refusals.answered()
            except SourceError:
                if answers:
                    yield self._bundled(answers, past, batch[0].until)
                raise
            if past:
                yield self._bundled(answers, past, batch[0].until)
        refusals.tell()

    def parse(self, kind: PayloadKind, body: bytes, fetched_at: datetime) -> Parsed:
        """What a stored answer holds; of kind history it is the answers of several legs by slug."""
        return _parsed(kind, decoded(SOURCE, body), fetched_at)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listed(self, kind: PayloadKind, params: Mapping[str, object]) -> Iterator[Page]:
        def ask(cursor: str) -> Answer:
            # `cursor=` is ignored and gives page 1 again; a deep `offset` is refused
            more = {"limit": PER_PAGE, "after_cursor": cursor or None}
            return self.asker.get_json(LISTED, {"sports_market_types": MARKET_TYPE, **params, **more})

        for answer in pages(ask, lambda data: data.get("next_cursor"), lambda data: items(SOURCE, data, "markets")):
            yield answer.page(kind, answer.parsed(kind, _parsed))

    def _points(self, leg: WantedHistory) -> tuple[Answer | None, list[Quote]]:
        """What is kept of a leg's points, and the answer they are from; none where its token is not known there."""
        until = int(leg.until.timestamp())
        answer, kept = None, []
        for step, (minutes, back) in enumerate(STEPS):
            last = step == len(STEPS) - 1
            if not last and step in self._too_old and leg.until <= self._too_old[step]:
                continue
            start = until - int(back.total_seconds())
            params = {"market": leg.history_token, "startTs": start, "endTs": until, "fidelity": minutes}
            try:
                answer = self.asker.get_json("prices-history", params, base=self._history_url)
            except NotPublished:
                return None, []
            try:
                kept = price_path(_history(answer.data, leg.market_id), leg.until)
            except VenueError as error:
                error.payload = self._bundled({leg.market_id: answer}, {}, leg.until).payload
                raise
            if kept or last:
                break
            if answer.fetched_at - leg.until > KEPT_FINE:  # gone for this leg: for those before it too
                self._too_old[step] = max(leg.until, self._too_old.get(step, leg.until))
        return answer, kept

    def _bundled(self, answers: Mapping[str, Answer], past: Mapping[str, Sequence[Quote]], until: datetime) -> Page:
        """One payload of the answers as they came, by slug: none of them says which leg it is of."""
        parts = (json.dumps(slug).encode() + b":" + answer.body for slug, answer in answers.items())
        body = b'{"legs":{' + b",".join(parts) + b"}}"
        url = next((bare(answer.url) for answer in answers.values()), bare(self._history_url))
        at = max((answer.fetched_at for answer in answers.values()), default=until)  # nobody was asked
        return Page(Payload(SOURCE, "history", url, at, hashlib.sha256(body).hexdigest(), body), Parsed(past=past))


# --- reading ----------------------------------------------------------------------------------------------------------


def _parsed(kind: PayloadKind, data: object, at: datetime) -> Parsed:
    if kind == "history":
        legs = mapping(SOURCE, mapping(SOURCE, data, "the answer").get("legs"), "'legs'")
        return Parsed(past={slug: _history(answer, slug) for slug, answer in legs.items()})
    events: dict[str, Event] = {}
    legs_found = []
    for market in items(SOURCE, data, "markets"):
        slug = market.get("slug")
        if not isinstance(slug, str) or not slug:
            raise unreadable(SOURCE, "a market has no slug", market)
        found = _SLUG.fullmatch(slug)
        if market.get("sportsMarketType", MARKET_TYPE) != MARKET_TYPE or (found is not None and found[1] != "nfl"):
            continue  # another market, or another league's
        event = event_of(slug, market)
        event = events.setdefault(event.event_id, event)
        legs_found.append(_leg(slug, event, market, at))
    return Parsed(events=list(events.values()), legs=legs_found)


def event_of(slug: str, market: Mapping[str, Any]) -> Event:
    """The event of a market by its slug: away, home and the UTC date; player props sit in a child event of the game."""
    listed = market.get("events")
    parent = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    title = parent.get("title")
    title = title if isinstance(title, str) and title else None
    found = _SLUG.fullmatch(slug)
    if found is None:
        own = parent.get("slug")
        reason = f"{slug} is not nfl, two teams, a date and first-td"
        return Event(SOURCE, own if isinstance(own, str) and own else slug, title, reason=reason)
    _, away, home, day = found.groups()
    event_id = f"nfl-{away}-{home}-{day}"
    try:
        on = date.fromisoformat(day)
    except ValueError:
        return Event(SOURCE, event_id, title, reason=f"{day} is no date")
    try:
        return Event(SOURCE, event_id, title, canonical(away), canonical(home), on, days_off=1)
    except UnknownTeam as unknown:
        return Event(SOURCE, event_id, title, event_date=on, days_off=1, reason=str(unknown))


def _leg(slug: str, event: Event, market: Mapping[str, Any], at: datetime) -> Leg:
    label, kind, team = _whom(slug, event, market)
    names = [str(name).strip().casefold() for name in _list(slug, market, "outcomes")]
    yes = names.index("yes") if names.count("yes") == 1 and len(names) == 2 else None
    prices = _list(slug, market, "outcomePrices") if market.get("outcomePrices") is not None else []
    stated = [dollars(SOURCE, price, f"outcomePrices of {slug}") for price in prices]
    if yes is not None and len(stated) == 2:
        shown, other = stated[yes], stated[1 - yes]
    else:
        shown = other = None
    status, result = _state(slug, market, shown, other)
    if status == "settled" and yes is None:
        status, result = "closed", None
    tokens = _list(slug, market, "clobTokenIds") if market.get("clobTokenIds") else []
    return Leg(
        source=SOURCE,
        market_id=slug,
        event_id=event.event_id,
        label=label,
        kind="unknown" if yes is None else kind,
        status=status,
        team=team,
        history_token=str(tokens[yes]) if yes is not None and len(tokens) == 2 else None,
        result=result,
        settlement_value=shown if status == "settled" else None,
        settled_at=_closed_at(market) if status == "settled" else None,
        quote=_quote(slug, market, yes, shown, at) if status == "open" and yes is not None else None,
    )


def _whom(slug: str, event: Event, market: Mapping[str, Any]) -> tuple[str, LegKind, str | None]:
    """Label, kind, and the team of a defense."""
    question, title = (str(market.get(name) or "").strip() for name in ("question", "groupItemTitle"))
    found = _QUESTION.fullmatch(question)
    label = found[1].strip() if found is not None else title
    if not label:
        return question or slug, "unknown", None
    teams = [team for team in (event.away, event.home) if team]
    special = parse_special(label, teams)
    if special == NO_TD:
        return label, "no_td", None
    if special is not None:
        team = special.removeprefix(DST_PREFIX)
        return label, "dst", team if team in teams else None
    return label, "player", None


def _state(
    slug: str, market: Mapping[str, Any], yes: Decimal | None, no: Decimal | None
) -> tuple[LegStatus, Outcome | None]:
    """A market has no result field: it is closed, its prices are at an end, and its resolution is final.

    One that is no longer active is withdrawn. One that takes no orders is closed, which it may be only for a while:
    the next list in which it takes them has it open again.
    """
    closed = market.get("closed")
    if not isinstance(closed, bool):
        raise unreadable(SOURCE, f"{slug} does not say whether it is closed", market)
    if closed and market.get("umaResolutionStatus") == "resolved":
        if yes is None or no is None:
            if not market.get("outcomePrices"):
                raise unreadable(SOURCE, f"no known price field: {slug} is resolved and has no outcomePrices", market)
            return "closed", None
        result = _ENDS.get((yes, no))
        return ("settled", result) if result is not None else ("closed", None)
    if market.get("active") is False or market.get("archived") is True:
        return "withdrawn", None
    return ("closed" if closed or market.get("acceptingOrders") is False else "open"), None


def _quote(slug: str, market: Mapping[str, Any], yes: int, shown: Decimal | None, at: datetime) -> Quote:
    """The book of "Yes" as it stands: null is a side that nobody is on, a field that is missing is not known."""
    if not any(name in market for name in _BOOK):
        raise unreadable(SOURCE, f"no known price field: {slug} is open and has neither bestBid nor bestAsk", market)
    bid, ask, last = (
        dollars(SOURCE, market.get(name), f"{name} of {slug}") for name in ("bestBid", "bestAsk", "lastTradePrice")
    )
    if bid is None and "bestBid" in market:
        bid = Decimal(0)
    if ask is None and "bestAsk" in market:
        ask = _ONE
    if yes == 1:
        # "No" is named first, and the venue does not say whose book this is: the price it states of "Yes" tells
        if shown is None:
            raise unreadable(SOURCE, f"no known price field: {slug} has no outcomePrices to tell its sides by", market)
        turned = (None if ask is None else _ONE - ask), (None if bid is None else _ONE - bid)
        if _off(shown, *turned) < _off(shown, bid, ask):
            (bid, ask), last = turned, (_ONE - last if last else None)
    volume = market.get("volumeNum") if market.get("volumeNum") is not None else market.get("volume")
    return Quote(at=at, bid=bid, ask=ask, last=last or None, volume=number(SOURCE, volume, f"volume of {slug}"))


def _off(price: Decimal, bid: Decimal | None, ask: Decimal | None) -> Decimal:
    """How far a price is outside a book."""
    return max(Decimal(0), (bid or Decimal(0)) - price, price - (_ONE if ask is None else ask))


def _list(slug: str, market: Mapping[str, Any], name: str) -> list[Any]:
    """A list that the venue writes as JSON inside a string."""
    value = market.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise unreadable(SOURCE, f"{name} of {slug} is no list written as JSON", market)
    return value


def _closed_at(market: Mapping[str, Any]) -> datetime | None:
    try:
        return instant(SOURCE, market.get("closedTime"), "closedTime")
    except VenueError:  # a result is not worth less for a time that cannot be read
        return None


def _history(data: object, slug: str) -> list[Quote]:
    """Every point of an answer, oldest first."""
    quotes = []
    for point in items(SOURCE, data, "history"):
        at, price = point.get("t"), dollars(SOURCE, point.get("p"), f"a price of {slug}")
        if not isinstance(at, int) or isinstance(at, bool) or price is None:
            raise unreadable(SOURCE, f"no known price field: a point of {slug} has no t and p", point)
        try:
            quotes.append(Quote(at=datetime.fromtimestamp(at, UTC), last=price))
        except (ValueError, OverflowError, OSError):
            raise unreadable(SOURCE, f"a point of {slug} has the time {at}, which are no seconds", point) from None
    return sorted(quotes, key=lambda quote: quote.at)
