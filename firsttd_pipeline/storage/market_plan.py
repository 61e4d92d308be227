"""What is stored of a venue and season, as deciding what to ask it next takes it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from sqlalchemy import Connection, or_, select

from firsttd_pipeline.domain.markets import SOURCES
from firsttd_pipeline.storage.schema import market_events, market_legs, market_venues, picks, weeks

_UNSETTLED: Final = frozenset({"open", "closed"})


@dataclass(frozen=True, slots=True)
class KnownLeg:
    """A stored leg, as far as asking goes."""

    market_id: str
    event_id: str
    game_id: str | None
    status: str
    history_token: str | None
    has_history: bool


@dataclass(frozen=True)
class Known:
    """What is stored of one venue and season.

    Attributes:
        legs: by market id.
        events: the game of each event that has one.
        picked: games that somebody picked in.
        settled_listed_at: when its settled legs were last listed whole.
    """

    legs: dict[str, KnownLeg] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)
    picked: frozenset[str] = frozenset()
    settled_listed_at: datetime | None = None

    @cached_property
    def _listed(self) -> frozenset[str | None]:
        return frozenset(leg.game_id for leg in self.legs.values())

    @cached_property
    def _unsettled(self) -> frozenset[str | None]:
        return frozenset(leg.game_id for leg in self.legs.values() if leg.status in _UNSETTLED)

    def listed(self, game_id: str) -> bool:
        """Whether the venue has any leg on a game."""
        return game_id in self._listed

    def unsettled(self, game_id: str) -> bool:
        """Whether a leg on a game has not ended yet."""
        return game_id in self._unsettled

    def wants_history(self, market_id: str) -> bool:
        """Whether a leg's former prices are still to be asked for. What was withdrawn has no closing line."""
        leg = self.legs.get(market_id)
        return leg is None or not (leg.has_history or leg.status == "withdrawn")


def read_open(conn: Connection, season: int) -> dict[str, Known]:
    """By venue, what is stored of the season's open legs: all that a tick on a game day asks by."""
    leg = market_legs.c
    query = select(leg.source, leg.market_id, leg.event_id, leg.game_id, leg.history_token).where(
        leg.season == season, leg.source.in_(SOURCES), leg.status == "open"
    )
    legs: dict[str, dict[str, KnownLeg]] = {source: {} for source in SOURCES}
    for source, market_id, event_id, game_id, token in conn.execute(query):
        if game_id is None or game_id != event_id:
            legs[source][market_id] = KnownLeg(market_id, event_id, game_id, "open", token, False)
    return {source: Known(of_source) for source, of_source in legs.items()}


def read_known(conn: Connection, season: int, source: str) -> Known:
    """What is stored of a venue and season.

    Legs of the old application, whose event is our own game id, are none of the venue's.
    """
    leg, event, venue = market_legs.c, market_events.c, market_venues.c
    query = select(
        leg.market_id, leg.event_id, leg.game_id, leg.status, leg.history_token, leg.history_at.is_not(None)
    ).where(leg.season == season, leg.source == source, or_(leg.game_id.is_(None), leg.event_id != leg.game_id))
    legs = {row[0]: KnownLeg(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in conn.execute(query)}
    events = conn.execute(
        select(event.event_id, event.game_id).where(
            event.season == season, event.source == source, event.game_id.is_not(None)
        )
    )
    picked = select(picks.c.game_id).join(weeks, weeks.c.id == picks.c.week_id).where(weeks.c.season == season)
    listed = select(venue.settled_listed_at).where(venue.season == season, venue.source == source)
    return Known(
        legs,
        {row.event_id: row.game_id for row in events},
        frozenset(game for game in conn.execute(picked.distinct()).scalars() if game is not None),
        conn.execute(listed).scalar(),
    )
