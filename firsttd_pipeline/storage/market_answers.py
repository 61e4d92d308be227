"""What a person says of a venue's event or leg that nobody could be certain of: its game, its player, for good.

The answer is written with who gave it, a venue's own id of a player is learned from it, and prices follow at once.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select, update

from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import checked_who
from firsttd_pipeline.storage.market_book import BY_HAND, MarketBook, code_of
from firsttd_pipeline.storage.market_store import follow_legs, store_answers, teach
from firsttd_pipeline.storage.receipts import player_name
from firsttd_pipeline.storage.schema import market_events, market_legs
from firsttd_pipeline.storage.season_book import PickRefused, Understood, quoted

NOT_OURS = "on nobody of its game, as a person said"
NO_GAME_OF_OURS = "on no game of the league, as a person said"
_ANEW = "not looked at yet"


class MatchRefused(PickRefused):
    """There is no such event or leg, or what was said of it cannot be."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What an answer did.

    Attributes:
        what: the event or leg it was about.
        means: for people: a game, or a player with his team and the game.
        before: for people: what it was taken for until now.
        legs: how many legs have the answer now.
        alike: of them other legs with that label.
        left: legs with that label that keep their question: why, and how many.
    """

    what: str
    means: str
    before: str
    legs: int
    alike: int = 0
    left: Mapping[str, int] = field(default_factory=dict)


def settle_event(db: Database, source: str, event_id: str, game_id: str, *, who: str, now: datetime) -> Settled:
    """Say which game a venue's event is on; its legs, and their prices, follow.

    Raises:
        MatchRefused, PickRefused: no such event, or no such game in its season.
    """
    by = {"matched_by": checked_who(who), "matched_at": now.astimezone(UTC).replace(microsecond=0)}
    event, leg = market_events.c, market_legs.c
    with db.write() as conn:
        this = and_(event.source == source, event.event_id == event_id)
        row = conn.execute(select(event.season, event.game_id).where(this)).first()
        if row is None:
            raise MatchRefused(
                f"{NAMES.get(source, source)} has no event {quoted(event_id)} here: "
                "`firsttd markets status` lists those of no game."
            )
        book = MarketBook.load(conn, row.season)
        game = book.names.any_game(game_id)
        conn.execute(update(market_events).where(this).values(game_id=game.id, reason=None, **by))
        its = and_(leg.source == source, leg.event_id == event_id)
        forget = and_(its, leg.kind.in_(("player", "dst")), or_(leg.method.is_(None), leg.method != BY_HAND))
        conn.execute(update(market_legs).where(forget).values(player_id=None, method=None, reason=_ANEW))
        conn.execute(update(market_legs).where(its).values(game_id=None))
        legs = [row.id for row in conn.execute(select(leg.id).where(its))]
        _again(conn, book, source, now)
        follow_legs(conn, legs)
        return Settled(event_id, game.id, row.game_id or "of no game", len(legs))


def settle_leg(
    db: Database,
    source: str,
    market_id: str,
    named: str,
    *,
    who: str,
    now: datetime,
    also: bool = False,
    everywhere: bool = False,
) -> Settled:
    """Say whom a leg means (full name, gsis_id, DST:SEA, NO_TD); the venue's id of him is learned from it.

    Args:
        also: he may have several legs of one event at one book.
        everywhere: the venue's other legs of the season that are on nobody and have exactly this label are on him, too:
            where he can be picked in their game, the venue names no other team, and he has no leg of that event yet.

    Raises:
        MatchRefused, PickRefused: no such leg, its game has to be known first, he is no player of that game, or he has
            another leg of its event.
    """
    signed_by = checked_who(who)
    leg = market_legs.c
    with db.write() as conn:
        this = and_(leg.source == source, leg.market_id == market_id)
        found = conn.execute(select(market_legs).where(this)).mappings().first()
        if found is None:
            raise MatchRefused(
                f"{NAMES.get(source, source)} has no leg {quoted(market_id)} here. "
                "`firsttd markets status` lists those that are on nobody, `firsttd markets odds GAME --format csv` all."
            )
        row = dict(found)
        if row["game_id"] is None:
            raise MatchRefused(
                f"The game of {quoted(market_id)} is not known yet: settle its event first, "
                f"`firsttd markets match {source} {shlex.quote(row['event_id'])} --game GAME`."
            )
        book = MarketBook.load(conn, row["season"])
        game = book.names.any_game(row["game_id"])
        meant = book.names.confirmed(game.id, game.week, named)
        other = _other_leg(conn, row, meant.player_id)
        if other is not None and not also:
            raise MatchRefused(
                f"{_called(meant)} has another leg of this event already: {quoted(other)}. If that one is wrong, say "
                "first whom it is on; if both are on him, add --also. Nothing was changed."
            )
        before = player_name(conn, row["season"], row["player_id"]) or row["player_id"] or "nobody"
        alike, left = _alike(conn, book, row, meant) if everywhere else ([], Counter())
        legs = [int(row["id"]), *alike]
        at = now.astimezone(UTC).replace(microsecond=0)
        by = {"matched_by": signed_by, "matched_at": at}
        told = {"player_id": meant.player_id, "method": BY_HAND, "reason": None, **by}
        conn.execute(update(market_legs).where(leg.id.in_(legs)).values(told))
        if row["venue_player_id"] and meant.kind == "player":
            teach(conn, source, row, meant.player_id, by=signed_by, now=now.astimezone(UTC))
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
        return Settled(market_id, f"{_called(meant)}, {game.id}", before, len(legs), len(alike), left)


def settle_none(db: Database, source: str, name: str, *, who: str, now: datetime) -> Settled:
    """Say that a leg (by market id) is on nobody of its game, or an event (by its id) on no game of the league.

    It asks no more; what the venue says of it is stored all the same.

    Raises:
        MatchRefused: no such leg or event.
    """
    by = {"matched_by": checked_who(who), "matched_at": now.astimezone(UTC).replace(microsecond=0)}
    event, leg = market_events.c, market_legs.c
    with db.write() as conn:
        this = and_(leg.source == source, leg.market_id == name)
        row = conn.execute(select(leg.id, leg.season, leg.player_id).where(this)).first()
        if row is not None:
            before = player_name(conn, row.season, row.player_id) or row.player_id or "an open question"
            told = {"player_id": None, "method": BY_HAND, "reason": NOT_OURS, **by}
            conn.execute(update(market_legs).where(this).values(told))
            follow_legs(conn, [row.id])
            return Settled(name, "on nobody of its game", before, 1)
        this = and_(event.source == source, event.event_id == name)
        found = conn.execute(select(event.game_id).where(this)).first()
        if found is None:
            raise MatchRefused(
                f"{NAMES.get(source, source)} has no leg and no event {quoted(name)} here: `firsttd markets status` "
                "lists those that are not matched."
            )
        conn.execute(update(market_events).where(this).values(game_id=None, reason=NO_GAME_OF_OURS, **by))
        its = and_(leg.source == source, leg.event_id == name)
        conn.execute(update(market_legs).where(its).values(game_id=None))
        legs = [row.id for row in conn.execute(select(leg.id).where(its))]
        follow_legs(conn, legs)
        return Settled(name, "on no game of the league", found.game_id or "an open question", len(legs))


def _called(meant: Understood) -> str:
    return f"{meant.player_name} ({meant.team})" if meant.kind == "player" else meant.player_name


def _other_leg(conn: Connection, row: Mapping[str, Any], player_id: str) -> str | None:
    """Another leg on the player, of the same venue, event and sportsbook."""
    leg = market_legs.c
    same_book = leg.book.is_(None) if row["book"] is None else leg.book == row["book"]
    query = select(leg.market_id).where(
        leg.source == row["source"], leg.event_id == row["event_id"], same_book, leg.player_id == player_id,
        leg.market_id != row["market_id"],
    )  # fmt: skip
    found: str | None = conn.execute(query.order_by(leg.market_id).limit(1)).scalar()
    return found


def _alike(
    conn: Connection, book: MarketBook, row: Mapping[str, Any], meant: Understood
) -> tuple[list[int], Counter[str]]:
    """The other legs of this label that are on the player, and why the rest is not."""
    leg = market_legs.c
    found, left = [], Counter[str]()
    taken: set[tuple[str, str | None]] = {(row["event_id"], row["book"])}
    query = select(market_legs).where(
        leg.source == row["source"], leg.season == row["season"], leg.label == row["label"], leg.kind == row["kind"],
        leg.player_id.is_(None), leg.game_id.is_not(None), leg.id != row["id"],
    )  # fmt: skip
    for one in map(dict, conn.execute(query.order_by(leg.id)).mappings()):
        game = book.names.any_game(one["game_id"])
        try:
            here = book.names.confirmed(game.id, game.week, meant.player_id)
        except PickRefused:
            left["he cannot be picked in its game"] += 1
            continue
        of_event = one["event_id"], one["book"]
        if one["team"] is not None and meant.kind == "player" and code_of(one["team"]) != here.team:
            left["the venue names another team"] += 1
        elif one["venue_player_id"] != row["venue_player_id"]:
            left["the venue has another id of its player"] += 1
        elif of_event in taken or _other_leg(conn, one, meant.player_id) is not None:
            left["he has another leg of its event"] += 1
        else:
            taken.add(of_event)
            found.append(int(one["id"]))
    return found, left


def _again(conn: Connection, book: MarketBook, source: str, now: datetime) -> None:
    """Look at everything again that is still a question; no price is stored, so no width matters."""
    store_answers(conn, book, source, (), now=now, max_width=1.0)
