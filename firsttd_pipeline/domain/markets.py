"""What a market venue lists, in the terms of every venue alike: events, legs, quotes and answers.

A venue's client (`sources/`) turns its own fields into these; storage and the price rules know nothing else of it. A
leg is one outcome that can be bought ("AJ Barner scores first"); an event is all legs of one game. Prices are dollars
for a contract that pays 1 dollar, as Decimal until they are stored. What prices mean is in `prices.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

Source = Literal["kalshi", "polymarket", "polymarket_us", "odds_api"]
LegKind = Literal["player", "dst", "no_td", "unknown"]
PRESEASON: Final = "before the season's first game"
"""Of an event: it is kept and listed, and is nothing that anybody has to settle."""

LegStatus = Literal["open", "closed", "settled", "withdrawn"]
Outcome = Literal["yes", "no", "void"]
PayloadKind = Literal["open", "settled", "legs", "history"]
"""What was asked for: all open legs, all settled ones, the state of some by id, or prices of the past."""

SOURCES: Final[tuple[Source, ...]] = ("kalshi", "polymarket", "polymarket_us", "odds_api")
NAMES: Final[Mapping[str, str]] = {
    "kalshi": "Kalshi",
    "polymarket": "Polymarket",
    "polymarket_us": "Polymarket US",
    "odds_api": "The Odds API",
}
FIRST_SEASONS: Final[Mapping[str, int]] = {"kalshi": 2025, "polymarket": 2025, "polymarket_us": 2026, "odds_api": 2023}
"""The earliest season that a venue is asked for: before it nothing is known to have been listed there."""
WITH_HISTORY: Final[frozenset[str]] = frozenset({"kalshi", "polymarket"})
"""Venues that give prices of the past; what the others said and nobody stored is gone."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a leg cost at one instant. A book nobody is in is bid 0 and ask 1; null is what the venue does not say.

    Attributes:
        at: aware UTC, whole seconds.
        bid, ask: dollars; a sportsbook's price is its ask, without a bid.
        bid_size, ask_size: contracts.
        last: the last trade, however old.
        volume: contracts traded so far (dollars on Polymarket).
        american: the venue's own American odds, where it quotes those.
    """

    at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    volume: Decimal | None = None
    american: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A venue's event as it is written there: not yet tied to a game of ours.

    Attributes:
        away, home: team codes of ours; null where the venue's text is no two teams. Which is home may be wrong there.
        event_date: the date the venue writes.
        days_off: by how many days that date may differ from the league's (Eastern) one: 1 where it is a UTC date.
        reason: why there are no teams or date.
    """

    source: Source
    event_id: str
    title: str | None = None
    away: str | None = None
    home: str | None = None
    event_date: date | None = None
    days_off: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg as a venue shows it now.

    Attributes:
        market_id: the venue's own id (a sportsbook's leg is event/book/player).
        label: whom it is on, as the venue writes.
        kind: by the label and not by the id; `unknown` where it is neither.
        team: the team code the venue gives with it.
        venue_player_id: the venue's own id of the player; null for legs that are on no player.
        history_token: what price history is asked by where that is not `market_id`.
        result: set once settled; void is neither yes nor no.
        settlement_value: dollars that a contract paid.
        quote: null where the answer holds no live price (a settled leg's book is empty, and its last trade is the end).
    """

    source: Source
    market_id: str
    event_id: str
    label: str
    kind: LegKind
    status: LegStatus
    team: str | None = None
    jersey: int | None = None
    venue_player_id: str | None = None
    book: str | None = None
    history_token: str | None = None
    result: Outcome | None = None
    settlement_value: Decimal | None = None
    settled_at: datetime | None = None
    quote: Quote | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one answer holds. `past` has former prices by market_id, oldest first; an empty list: there are none."""

    events: Sequence[Event] = ()
    legs: Sequence[Leg] = ()
    past: Mapping[str, Sequence[Quote]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Payload:
    """An answer as it came: `body` is kept, so that it can be parsed again; `url` is without any key."""

    source: Source
    kind: PayloadKind
    url: str
    fetched_at: datetime
    sha256: str
    body: bytes


@dataclass(frozen=True, slots=True)
class WantedGame:
    """A game whose prices are asked for."""

    game_id: str
    away: str
    home: str
    game_date: date
    kickoff_at: datetime


@dataclass(frozen=True, slots=True)
class WantedHistory:
    """A leg whose prices before `until` (kickoff) are asked for."""

    market_id: str
    event_id: str
    history_token: str | None
    until: datetime
