"""What a person says of a venue's event or leg that nobody could be certain of: its game, its player, for good.

The answer is written with who gave it, a venue's own id of a player is learned from it, and prices follow at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, or_, select, update

from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import checked_who
from firsttd_pipeline.storage.market_book import BY_HAND, MarketBook
from firsttd_pipeline.storage.market_store import follow_legs, store_answers, teach
from firsttd_pipeline.storage.schema import market_events, market_legs
from firsttd_pipeline.storage.season_book import PickRefused, quoted

_ANEW = "not looked at yet"


class MatchRefused(PickRefused):
    """There is no such event or leg, or what was said of it cannot be."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer did: `what` it was about, `means` (a game's or player's id), and how many legs have it now."""

    what: str
    means: str
    legs: int


def settle_event(db: Database, source: str, event_id: str, game_id: str, *, who: str, now: datetime) -> Settled:
    """Say which game a venue's event is on; its legs, and their prices, follow.

    Raises:
        MatchRefused, PickRefused: no such event, or no such game in its season.
    """
    checked_who(who)
    event, leg = market_events.c, market_legs.c
    with db.write() as conn:
        this = and_(event.source == source, event.event_id == event_id)
        row = conn.execute(select(event.season).where(this)).first()
        if row is None:
            raise MatchRefused(f"{NAMES.get(source, source)} has no event {quoted(event_id)} here.")
        book = MarketBook.load(conn, row.season)
        game = book.names.any_game(game_id)
        conn.execute(update(market_events).where(this).values(game_id=game.id, reason=None))
        its = and_(leg.source == source, leg.event_id == event_id)
        forget = and_(its, leg.kind.in_(("player", "dst")), or_(leg.method.is_(None), leg.method != BY_HAND))
        conn.execute(update(market_legs).where(forget).values(player_id=None, method=None, reason=_ANEW))
        conn.execute(update(market_legs).where(its).values(game_id=None))
        legs = [row.id for row in conn.execute(select(leg.id).where(its))]
        _again(conn, book, source, now)
        follow_legs(conn, legs)
        return Settled(event_id, game.id, len(legs))


def settle_leg(db: Database, source: str, market_id: str, named: str, *, who: str, now: datetime) -> Settled:
    """Say whom a leg means (full name, gsis_id, DST:SEA, NO_TD); the venue's id of him is learned from it.

    Raises:
        MatchRefused, PickRefused: no such leg, its game has to be known first, or he is no player of that game.
    """
    signed_by = checked_who(who)
    leg = market_legs.c
    with db.write() as conn:
        this = and_(leg.source == source, leg.market_id == market_id)
        row = conn.execute(select(market_legs).where(this)).mappings().first()
        if row is None:
            raise MatchRefused(f"{NAMES.get(source, source)} has no leg {quoted(market_id)} here.")
        if row["game_id"] is None:
            raise MatchRefused(f"The game of {quoted(market_id)} is not known yet: settle its event first.")
        book = MarketBook.load(conn, row["season"])
        game = book.names.any_game(row["game_id"])
        meant = book.names.confirmed(game.id, game.week, named)
        conn.execute(update(market_legs).where(this).values(player_id=meant.player_id, method=BY_HAND, reason=None))
        legs = [int(row["id"])]
        if row["venue_player_id"] and meant.kind == "player":
            teach(conn, source, dict(row), meant.player_id, by=signed_by, now=now.astimezone(UTC))
            same = and_(
                leg.source == source,
                leg.season == row["season"],
                leg.venue_player_id == row["venue_player_id"],
                or_(leg.method.is_(None), leg.method != BY_HAND),
            )
            legs += [other.id for other in conn.execute(select(leg.id).where(same))]
            conn.execute(update(market_legs).where(same).values(player_id=None, method=None, reason=_ANEW))
        _again(conn, MarketBook.load(conn, row["season"]), source, now)
        follow_legs(conn, legs)
        return Settled(market_id, meant.player_id, len(legs))


def _again(conn: Connection, book: MarketBook, source: str, now: datetime) -> None:
    """Look at everything again that is still a question; no price is stored, so no width matters."""
    store_answers(conn, book, source, (), now=now, max_width=1.0)
