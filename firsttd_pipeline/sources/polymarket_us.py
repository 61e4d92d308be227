"""Polymarket US: its NFL first-touchdown markets as events, legs and quotes of ours.

Only the sports market type football_player_first_touchdown: a team's first touchdown is another market. A leg's id is
the market's slug; the six letters at its end are no player's alone. Prices of the past are not asked for here.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
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
from firsttd_pipeline.domain.teams import UnknownTeam, canonical
from firsttd_pipeline.sources.http import NotPublished, PermanentSourceError, SourceError
from firsttd_pipeline.sources.venues import (
    Answer,
    Page,
    Refusals,
    VenueClient,
    decoded,
    dollars,
    items,
    mapping,
    number,
    pages,
    unreadable,
)

SOURCE: Final[Source] = "polymarket_us"
MARKET_TYPE: Final = "football_player_first_touchdown"
PER_PAGE: Final = 100
SLUGS_AT_ONCE: Final = 50

_SLUG: Final = re.compile(r"[a-z]+-nfl-([a-z]+)-([a-z]+)-(\d{4}-\d{2}-\d{2})-firsttd-.+")
_TITLE: Final = re.compile(r"(?:Will )?(.+?) (?:to )?scores? (?:the )?first touchdown\b.*", re.IGNORECASE)
_STATUSES: Final[Mapping[str, LegStatus]] = {
    "MARKET_STATUS_OPEN": "open",
    "MARKET_STATUS_HALTED": "closed",
    "MARKET_STATUS_CLOSED": "closed",
    "MARKET_STATUS_RESOLVING": "closed",
    "MARKET_STATUS_RESOLVED": "closed",
}
_BOOK: Final = ("bestBidQuote", "bestAskQuote")


class PolymarketUsVenue(VenueClient):
    """Polymarket US in one run. No key is needed for any of this."""

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every open leg, whatever the games."""
        return self._listed("open", {"active": "true", "closed": "false"}, {})

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every closed leg since then, with the settlement of those of `games` that have one."""
        earliest = (since - timedelta(days=1)).astimezone(UTC)
        pages_of = self._listed("settled", {"closed": "true"}, {"startTimeMin": f"{earliest:%Y-%m-%dT%H:%M:%SZ}"})
        for page in pages_of:
            of = {event.event_id for event in page.parsed.events if not games or _is_one_of(event, games)}
            yield from self._with_settlements(page, [leg for leg in page.parsed.legs if leg.event_id in of])

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        """The state now of these slugs, with the settlement of those that have one."""
        wanted = list(dict.fromkeys(market_ids))
        for first in range(0, len(wanted), SLUGS_AT_ONCE):
            batch = wanted[first : first + SLUGS_AT_ONCE]
            for page in self._pages("legs", "markets", {"slug": tuple(batch)}):
                yield from self._with_settlements(page, [leg for leg in page.parsed.legs if leg.market_id in batch])

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        """None: what nobody stored is gone."""
        return iter(())

    def parse(self, kind: PayloadKind, body: bytes, fetched_at: datetime) -> Parsed:
        """What a stored answer holds; one with settlements is a list and, by slug, the answers on its legs."""
        return _parsed(kind, decoded(SOURCE, body), fetched_at)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _listed(
        self, kind: PayloadKind, params: Mapping[str, object], of_events: Mapping[str, object]
    ) -> Iterator[Page]:
        """The pages of `markets`; where it refuses the filter or does not heed it, those of `events`.

        Markets can be filtered by kinds of bets and events by the exact type, as the venue documents it; what both
        take has changed before. Without a filter the list is of everything that the venue has.
        """
        exact = {**params, "sportsMarketTypes": MARKET_TYPE}
        refused: PermanentSourceError | None = None
        markets = self._pages(kind, "markets", exact)
        try:
            first = next(markets, None)
        except PermanentSourceError as error:
            first, refused = None, error
        if first is None or not first.parsed.legs:
            events = self._pages(kind, "events", {**exact, **of_events, "tagSlug": "nfl"})
            try:
                found = next(events, None)
            except PermanentSourceError:
                if refused is not None:
                    raise refused from None
            else:
                yield from _with_legs(itertools.chain([] if found is None else [found], events))
                return
        yield from _with_legs(itertools.chain([] if first is None else [first], markets))

    def _pages(self, kind: PayloadKind, path: str, params: Mapping[str, object]) -> Iterator[Page]:
        """The pages of a list by offset: it ends with a page that is not full."""
        offset = 0

        def ask(cursor: str) -> Answer:
            return self.asker.get_json(f"v1/{path}", {**params, "limit": PER_PAGE, "offset": cursor or None})

        def rows(data: Any) -> list[Mapping[str, Any]]:
            return items(SOURCE, data, path)

        def following(data: Any) -> str:
            nonlocal offset
            offset += PER_PAGE
            return str(offset) if len(rows(data)) == PER_PAGE else ""

        for answer in pages(ask, following, rows):
            yield answer.page(kind, answer.parsed(kind, _parsed))

    def _with_settlements(self, page: Page, legs: Sequence[Leg]) -> Iterator[Page]:
        """The page, with what the venue says of the settlement of these legs where they are closed."""
        found: dict[str, bytes] = {}
        failed: SourceError | None = None
        refusals = Refusals()
        try:
            for leg in legs:
                if leg.status != "closed":
                    continue
                try:
                    answer = self.asker.get_json(f"v1/markets/{leg.market_id}/settlement")
                    answer.parsed(page.payload.kind, partial(_readable, leg.market_id))
                except NotPublished:
                    continue  # not settled yet
                except SourceError as error:
                    refusals.take(error)
                    continue
                found[leg.market_id] = answer.body
                refusals.answered()
            refusals.tell()
        except SourceError as error:
            failed = error
        if found:
            page = self._settled(page, found)
        yield page
        if failed is not None:
            raise failed

    def _settled(self, page: Page, found: Mapping[str, bytes]) -> Page:
        kept = page.payload
        parts = (json.dumps(slug).encode() + b":" + body for slug, body in found.items())
        body = b'{"list":' + kept.body + b',"settlements":{' + b",".join(parts) + b"}}"
        payload = replace(kept, body=body, sha256=hashlib.sha256(body).hexdigest())
        return Page(payload, self.parse(kept.kind, body, kept.fetched_at))


def _with_legs(pages_of: Iterator[Page]) -> Iterator[Page]:
    return (page for page in pages_of if page.parsed.legs)


def _is_one_of(event: Event, games: Sequence[WantedGame]) -> bool:
    return event.event_date is not None and any(
        {event.away, event.home} == {game.away, game.home} and abs(event.event_date - game.game_date).days <= 1
        for game in games
    )


# --- reading ----------------------------------------------------------------------------------------------------------


def _parsed(kind: PayloadKind, data: object, at: datetime) -> Parsed:
    if kind == "history":
        return Parsed()
    answer = mapping(SOURCE, data, "the answer")
    settlements: Mapping[str, Any] = {}
    if "settlements" in answer:
        settlements = mapping(SOURCE, answer["settlements"], "'settlements'")
        answer = mapping(SOURCE, answer.get("list"), "'list'")
    listed: list[tuple[Mapping[str, Any], str | None]]
    if "events" in answer:
        listed = [
            (market, str(event["title"]) if event.get("title") else None)
            for event in items(SOURCE, answer, "events")
            for market in items(SOURCE, event, "markets")
        ]
    else:
        listed = [(market, None) for market in items(SOURCE, answer, "markets")]
    if listed and not any("sportsMarketType" in market for market, _ in listed):
        raise unreadable(SOURCE, "no market says its sportsMarketType", listed[0][0])
    events: dict[str, Event] = {}
    legs = []
    for market, title in listed:
        if market.get("sportsMarketType") != MARKET_TYPE:
            continue
        slug = market.get("slug")
        if not isinstance(slug, str) or not slug:
            raise unreadable(SOURCE, "a market has no slug", market)
        if "-nfl-" not in slug:
            continue  # the same type of another league
        event = event_of(slug, title)
        event = events.setdefault(event.event_id, event)
        legs.append(_leg(slug, event, market, settlements.get(slug), at))
    return Parsed(events=list(events.values()), legs=legs)


def event_of(slug: str, title: str | None = None) -> Event:
    """The event of a market by its slug: away, home and the Eastern date."""
    found = _SLUG.fullmatch(slug)
    if found is None:
        return Event(SOURCE, slug, title, reason=f"{slug} is not nfl, two teams, a date and firsttd")
    away, home, day = found.groups()
    event_id = f"nfl-{away}-{home}-{day}"
    try:
        on = date.fromisoformat(day)
    except ValueError:
        return Event(SOURCE, event_id, title, reason=f"{day} is no date")
    try:
        return Event(SOURCE, event_id, title, canonical(away), canonical(home), on)
    except UnknownTeam as unknown:
        return Event(SOURCE, event_id, title, event_date=on, reason=str(unknown))


def _leg(slug: str, event: Event, market: Mapping[str, Any], settled: object, at: datetime) -> Leg:
    label, kind, team = _whom(slug, event, market)
    status = _status(slug, market)
    value, result = None, None
    if settled is not None:
        status = "settled"
        value, result = _settlement(slug, mapping(SOURCE, settled, f"the settlement of {slug}"))
    return Leg(
        source=SOURCE,
        market_id=slug,
        event_id=event.event_id,
        label=label,
        kind=kind,
        status=status,
        team=team,
        result=result,
        settlement_value=value,
        quote=_quote(slug, market, at) if status == "open" else None,
    )


def _whom(slug: str, event: Event, market: Mapping[str, Any]) -> tuple[str, LegKind, str | None]:
    """Label, kind and team; the metadata are the venue's own affair, so the title speaks where they are silent."""
    metadata = market.get("metadata")
    label = metadata.get("playerName") if isinstance(metadata, dict) else None
    if not isinstance(label, str) or not label.strip():
        titles = (market.get(name) for name in ("title", "question"))
        label = next((found[1] for title in titles if isinstance(title, str) and (found := _TITLE.match(title))), "")
    label = label.strip()
    if not label:
        return slug, "unknown", None
    teams = [team for team in (event.away, event.home) if team]
    special = parse_special(label, teams)
    if special == NO_TD:
        return label, "no_td", None
    if special is not None:
        team = special.removeprefix(DST_PREFIX)
        return label, "dst", team if team in teams else None
    return label, "player", _team(market, teams)


def _team(market: Mapping[str, Any], teams: Sequence[str]) -> str | None:
    """The player's team, where the market's sides say one of the two."""
    sides = market.get("marketSides")
    found = set()
    for side in sides if isinstance(sides, list) else ():
        team = side.get("team") if isinstance(side, dict) else None
        code = team.get("abbreviation") if isinstance(team, dict) else None
        try:
            found.add(canonical(code) if isinstance(code, str) else "")
        except UnknownTeam:
            return None
    return found.pop() if len(found) == 1 and found <= set(teams) else None


def _status(slug: str, market: Mapping[str, Any]) -> LegStatus:
    """By the status where it is a known one, else by the flags; neither open nor closed is withdrawn."""
    closed, active = market.get("closed"), market.get("active")
    if not isinstance(closed, bool) or not isinstance(active, bool):
        raise unreadable(SOURCE, f"{slug} does not say whether it is active and closed", market)
    if closed:
        return "closed"
    if not active:
        return "withdrawn"
    said = market.get("status")
    return _STATUSES.get(said, "open") if isinstance(said, str) else "open"


def _quote(slug: str, market: Mapping[str, Any], at: datetime) -> Quote:
    """The book of "Yes", in whatever order the outcomes are; null is a side that nobody is on."""
    if not any(name in market for name in _BOOK):
        missing = "neither bestBidQuote nor bestAskQuote"
        raise unreadable(SOURCE, f"no known price field: {slug} is open and has {missing}", market)
    bid, ask = (_amount(slug, market, name) for name in _BOOK)
    if bid is None and "bestBidQuote" in market:
        bid = Decimal(0)
    if ask is None and "bestAskQuote" in market:
        ask = Decimal(1)
    return Quote(at=at, bid=bid, ask=ask, volume=number(SOURCE, market.get("volume"), f"volume of {slug}"))


def _amount(slug: str, market: Mapping[str, Any], name: str) -> Decimal | None:
    quote = market.get(name)
    if quote is None:
        return None
    value = mapping(SOURCE, quote, f"{name} of {slug}").get("value")
    if value is None:
        raise unreadable(SOURCE, f"no known price field: {name} of {slug} has no value", quote)
    return dollars(SOURCE, value, f"{name} of {slug}")


def _readable(slug: str, _kind: PayloadKind, said: object, _at: datetime) -> Parsed:
    """Nothing, where the answer about a leg's settlement can be read; else `VenueError`."""
    _settlement(slug, mapping(SOURCE, said, f"the settlement of {slug}"))
    return Parsed()


def _settlement(slug: str, said: Mapping[str, Any]) -> tuple[Decimal, Outcome]:
    """What a contract paid: 1 is yes, 0 is no, anything between is neither."""
    value = dollars(SOURCE, said.get("settlement"), f"the settlement of {slug}")
    if value is None or said.get("slug", slug) != slug:
        raise unreadable(SOURCE, f"no settlement of {slug} in the answer about it", said)
    return value, "yes" if value == 1 else "no" if value == 0 else "void"
