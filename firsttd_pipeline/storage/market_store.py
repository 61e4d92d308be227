"""Writes of what the venues answered: payloads, events, legs, snapshots, withdrawals, the venues' status.

All of it inside the caller's transaction and idempotent: the same pages twice write nothing the second time. A page
older than what is stored adds its prices and changes no state. Which game and player is meant is `market_book.py`'s.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar

import polars as pl
from sqlalchemy import Connection, Table, and_, bindparam, insert, or_, select, text, update

from firsttd_pipeline.domain.markets import SOURCES, Event, Leg, Payload, Quote
from firsttd_pipeline.domain.prices import with_probabilities
from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.storage.engine import among, polars_type, read_frame
from firsttd_pipeline.storage.market_book import BY_HAND, UTC_DATES, LegOf, MarketBook, league_date, season_of_date
from firsttd_pipeline.storage.market_prices import CLOSING_HOUR
from firsttd_pipeline.storage.schema import (
    games,
    market_events,
    market_legs,
    market_odds,
    market_payloads,
    market_venues,
    venue_players,
)
from firsttd_pipeline.storage.season_book import Game
from firsttd_pipeline.storage.sync import insert_frame, sync_partition

WITHDRAWN: Final = "withdrawn"
"""The reason of the last row of a leg that can no longer be bet on."""
SEEN_EVERY: Final = timedelta(hours=1)
"""That nothing but its being listed is new of an event or leg is written this often: else a tick rewrites them all."""
MAX_LABEL: Final = 200
MAX_TEXT: Final = 400
MAX_REASON: Final = 2_000

_Told = TypeVar("_Told", Event, Leg)
_MANY: Final = 5_000
_DECIMALS: Final = 6
_MENTIONED: Final = ("label", "kind", "team", "jersey", "venue_player_id", "book", "history_token")
_MEANS: Final = ("label", "kind", "team", "jersey", "venue_player_id")
"""What a leg's player is told by: where one of these changes he is told anew."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One page as it is stored. `events`, `legs` and `past` as in `domain.markets.Parsed`.

    `unreadable`: nobody can tell yet what it holds; kept, a later release may. `packed`: the body as it is kept, where
    somebody had the time to compress it before the transaction.
    """

    payload: Payload
    events: Sequence[Event] = ()
    legs: Sequence[Leg] = ()
    past: Mapping[str, Sequence[Quote]] = field(default_factory=dict)
    unreadable: bool = False
    packed: bytes | None = None


def packed(body: bytes) -> bytes:
    """An answer's body as `market_payloads` keeps it."""
    return zlib.compress(body)


@dataclass
class Stored:
    """What storing a venue's pages did.

    Attributes:
        inserted, unchanged: snapshots that are new, and those that were there.
        legs: legs of the season that the pages showed.
        new_legs, withdrawn, learned: of them new, withdrawn now; venue ids of players learned.
        elsewhere: legs left to the runs of other seasons, by season.
    """

    inserted: int = 0
    unchanged: int = 0
    legs: int = 0
    new_legs: int = 0
    withdrawn: int = 0
    learned: int = 0
    elsewhere: dict[int, int] = field(default_factory=dict)

    def add(self, other: Stored) -> None:
        """Count what another call did."""
        for name in ("inserted", "unchanged", "legs", "new_legs", "withdrawn", "learned"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for season, legs in other.elsewhere.items():
            self.elsewhere[season] = self.elsewhere.get(season, 0) + legs


def store_answers(
    conn: Connection,
    book: MarketBook,
    source: str,
    answers: Sequence[Answered],
    *,
    now: datetime,
    max_width: float,
    gone: Collection[str] = (),
    try_again: bool = True,
    keep_payloads: bool = True,
) -> Stored:
    """Store what a venue answered for the book's season, inside the caller's transaction.

    Args:
        answers: pages in the order in which they came.
        now: aware; when legs that are `gone` are closed.
        max_width: see `prices.with_probabilities`.
        gone: market ids of open legs that the venue no longer knows.
        try_again: whether events and legs that were not understood before are looked at again.
        keep_payloads: False where the payloads are those stored already.
    """
    several = {source: (answers, gone)}
    found = store_several(
        conn, book, several, now=now, max_width=max_width, try_again=try_again, keep_payloads=keep_payloads
    )
    return found[source]


def store_several(
    conn: Connection,
    book: MarketBook,
    answered: Mapping[str, tuple[Sequence[Answered], Collection[str]]],
    *,
    now: datetime,
    max_width: float,
    try_again: bool = True,
    keep_payloads: bool = True,
) -> dict[str, Stored]:
    """`store_answers` of several venues, by source: answers and what is gone; their prices are judged together."""
    works = []
    for source, (given, gone) in answered.items():
        answers = [_storable(answer) for answer in given]
        work = _Work(conn, book, source, now.astimezone(UTC))
        works.append(work)
        if not answers and not gone and not try_again:
            continue
        work.read(answers, gone, try_again)
        work.see(answers)
        if keep_payloads:
            work.write_payloads(answers)
        work.match(try_again)
        work.withdraw(gone)
        work.write_events_and_legs()
        work.follow()
    rows = [row for work in works for row in work.snapshots()]
    if rows:
        priced = _priced(rows, max_width)
        for work in works:
            work.write_snapshots(priced.filter(pl.col("source") == work.source))
    return {work.source: work.stored for work in works}


_PRICES: Final = ("bid", "ask", "bid_size", "ask_size", "raw_price", "volume")
_SNAPSHOT: Final = (
    *("leg_id", "source", "market_id", "game_id", "season", "week", "player_id", "player_name", "team"),
    *_PRICES,
    *("american", "taken_from", "snapshot_time", "created_at"),
)


def _priced(rows: list[tuple[Any, ...]], max_width: float) -> pl.DataFrame:
    """Rows of `market_odds` with what their prices mean; of one leg and instant, one."""
    kinds = {c.name: polars_type(c.type) for c in market_odds.columns} | {"american": pl.Int64()}
    values = zip(*rows, strict=True)
    frame = pl.DataFrame([pl.Series(name, of, kinds[name]) for name, of in zip(_SNAPSHOT, values, strict=True)])
    price = pl.col(_PRICES)
    frame = frame.with_columns(pl.when(price.is_finite()).then(price.round(_DECIMALS)))
    marked = frame["taken_from"] == WITHDRAWN
    priced = with_probabilities(frame, max_width).with_columns(
        pl.when(marked).then(pl.lit(WITHDRAWN)).otherwise("reason").alias("reason"),
        pl.when(marked).then(pl.lit("snapshot")).otherwise("taken_from").alias("taken_from"),
    )
    # of one instant, the row that closes a leg is the last word
    return (
        priced.sort(~marked, maintain_order=True)
        .unique(["leg_id", "snapshot_time"], keep="first", maintain_order=True)
        .select(c.name for c in market_odds.columns if c.name in priced.columns)
    )


class _Work:
    """One call of `store_answers`: the season's rows of one venue in memory, changed, then written as differences."""

    def __init__(self, conn: Connection, book: MarketBook, source: str, now: datetime) -> None:
        self.conn, self.book, self.source, self.now = conn, book, source, now
        self.season = book.season
        self.stored = Stored()
        self.events: dict[str, dict[str, Any]] = {}
        self.legs: dict[str, dict[str, Any]] = {}
        self.said: dict[str, Event] = {}
        self._before: dict[tuple[str, str], dict[str, Any]] = {}
        self._places: dict[str, int] = {}
        self._quotes: list[tuple[str, Quote, str]] = []
        self._untold: dict[str, None] = {}

    # --- what is there ------------------------------------------------------------------------------------------------

    def read(self, answers: Sequence[Answered], gone: Collection[str], try_again: bool) -> None:
        """The rows that the answers can concern, and those that are still open questions."""
        seen_events = {event.event_id for answer in answers for event in answer.events}
        seen_events |= {leg.event_id for answer in answers for leg in answer.legs}
        seen_legs = {leg.market_id for answer in answers for leg in answer.legs} | set(gone)
        for answer in answers:
            seen_legs.update(answer.past)
        event, leg = market_events.c, market_legs.c
        wanted = or_(event.season == self.season, among(self.conn, event.event_id, sorted(seen_events)))
        for row in _rows(self.conn, market_events, and_(event.source == self.source, wanted)):
            self.events[row["event_id"]] = row
            self._before["event", row["event_id"]] = dict(row)
        mine = and_(leg.source == self.source, leg.season == self.season)
        if len(seen_legs) > _MANY:
            found = _rows(self.conn, market_legs, mine)
        else:
            known = among(self.conn, leg.market_id, sorted(seen_legs))
            asks = or_(known, leg.player_id.is_(None), leg.game_id.is_(None)) if try_again else known
            found = _rows(self.conn, market_legs, and_(mine, asks))
        for row in found:
            self.legs[row["market_id"]] = row
            self._places[row["market_id"]] = row["id"]
            self._before["leg", row["market_id"]] = dict(row)

    def _season_of(self, event: Event) -> int:
        """Where an event is known it stays; one without a date belongs to the season that first sees it."""
        known = self.events.get(event.event_id)
        if known is not None:
            return int(known["season"])
        return season_of_date(event.event_date) if event.event_date else self.season

    # --- payloads -----------------------------------------------------------------------------------------------------

    def write_payloads(self, answers: Sequence[Answered]) -> None:
        """Keep the answers that tell something of the season; the same settled list or history once."""
        rows = []
        for answer in answers:
            payload = answer.payload
            if not answer.unreadable and not self._concerns(answer):
                continue
            rows.append(
                {
                    "source": self.source,
                    "season": self.season,
                    "kind": payload.kind,
                    "url": mask_secrets(payload.url),
                    "fetched_at": payload.fetched_at,
                    "sha256": payload.sha256,
                    "size_bytes": len(payload.body),
                    "body": packed(payload.body) if answer.packed is None else answer.packed,
                }
            )
        table = market_payloads.c
        once = [row["sha256"] for row in rows if row["kind"] in ("settled", "history")]
        if once:
            there = select(table.sha256).where(
                table.season == self.season,
                table.source == self.source,
                table.kind.in_(("settled", "history")),
                among(self.conn, table.sha256, once),
            )
            known = set(self.conn.execute(there).scalars())
            rows = [row for row in rows if row["kind"] not in ("settled", "history") or row["sha256"] not in known]
        if not rows:
            return
        unique = {(row["fetched_at"], row["sha256"]): row for row in rows}
        insert_or_leave(self.conn, market_payloads, list(unique.values()))

    def _concerns(self, answer: Answered) -> bool:
        if any(market_id in self.legs for market_id in answer.past):
            return True
        if any(self._season_of(event) == self.season for event in answer.events):
            return True
        return any(leg.market_id in self.legs for leg in answer.legs)

    # --- what was said ------------------------------------------------------------------------------------------------

    def see(self, answers: Sequence[Answered]) -> None:
        """Take in events, legs and prices, page by page."""
        elsewhere = {event_id: int(row["season"]) for event_id, row in self.events.items()}
        elsewhere = {event_id: season for event_id, season in elsewhere.items() if season != self.season}
        seen: set[str] = set()
        for answer in answers:
            at = answer.payload.fetched_at
            for event in answer.events:
                if (season := self._season_of(event)) != self.season:
                    elsewhere[event.event_id] = season
                else:
                    self._see_event(event, at)
            for leg in answer.legs:
                if leg.event_id in elsewhere:
                    season = elsewhere[leg.event_id]
                    if leg.market_id not in seen:
                        self.stored.elsewhere[season] = self.stored.elsewhere.get(season, 0) + 1
                    seen.add(leg.market_id)
                    continue
                if leg.event_id not in self.events:
                    self._see_event(Event(leg.source, leg.event_id, reason="the venue says nothing of this event"), at)
                seen.add(leg.market_id)
                self._see_leg(leg, at)
            for market_id, quotes in answer.past.items():
                self._see_past(market_id, quotes, at)
        self.stored.legs = sum(market_id in self.legs for market_id in seen)

    def _see_event(self, event: Event, at: datetime) -> None:
        row = self.events.get(event.event_id)
        if row is None:
            row = self.events[event.event_id] = {
                "source": self.source,
                "event_id": event.event_id,
                "season": self.season,
                "game_id": None,
                "reason": event.reason or "not looked at yet",
                "first_seen_at": at,
                "last_seen_at": at,
            }
        self.said[event.event_id] = event
        row["first_seen_at"] = min(row["first_seen_at"], at)
        if at >= row["last_seen_at"]:
            row["last_seen_at"] = at
            title = (event.title or row.get("title") or "")[:MAX_LABEL] or None
            row |= {"title": title, "away": event.away, "home": event.home, "event_date": event.event_date}
        for name in ("title", "away", "home", "event_date"):
            row.setdefault(name, getattr(event, name))

    def _see_leg(self, leg: Leg, at: datetime) -> None:
        row = self.legs.get(leg.market_id)
        shown = {name: getattr(leg, name) for name in _MENTIONED} | {"label": leg.label[:MAX_LABEL]}
        if row is None:
            self.stored.new_legs += 1
            row = self.legs[leg.market_id] = {
                "source": self.source,
                "market_id": leg.market_id,
                "event_id": leg.event_id,
                "season": self.season,
                "game_id": None,
                "player_id": None,
                "method": None,
                "reason": "not looked at yet",
                "status": leg.status,
                "result": None,
                "settlement_value": None,
                "settled_at": None,
                "first_seen_at": at,
                "last_seen_at": at,
                "closed_at": None if leg.status == "open" else at,
                "history_at": None,
                **shown,
            }
            self._untold[leg.market_id] = None
        row["first_seen_at"] = min(row["first_seen_at"], at)
        # what closed a leg was learned after the lists it had been open in, that of the same instant included
        closed = max(row["last_seen_at"], row["closed_at"] or row["last_seen_at"])
        reopens = leg.status == "open" and row["status"] != "open"
        if at > closed if reopens else at >= row["last_seen_at"]:
            self._take_state(row, leg, shown, at)
        if leg.quote is not None and leg.status == "open":
            self._quotes.append((leg.market_id, leg.quote, "snapshot"))

    def _take_state(self, row: dict[str, Any], leg: Leg, shown: dict[str, Any], at: datetime) -> None:
        shown["history_token"] = shown["history_token"] or row["history_token"]
        if any(shown[name] != row[name] for name in _MEANS) and row["method"] != BY_HAND:
            row |= {"player_id": None, "method": None, "reason": "not looked at yet"}
            self._untold[leg.market_id] = None
        if row["event_id"] != leg.event_id:
            row |= {"event_id": leg.event_id, "game_id": None}
        if leg.status == "open":
            row["closed_at"] = None
        elif row["closed_at"] is None:
            row["closed_at"] = at
        row |= shown | {"last_seen_at": at}
        if row["result"] is not None and leg.result is None and leg.status != "open":
            return  # a list of what has ended need not say how: what was told before stands
        if leg.status == "withdrawn" and row["status"] != "withdrawn":
            self._mark_withdrawn(row, at)
        row |= {
            "status": leg.status,
            "result": leg.result,
            "settlement_value": _number(leg.settlement_value),
            "settled_at": leg.settled_at.replace(microsecond=0) if leg.settled_at else None,
        }

    def _see_past(self, market_id: str, quotes: Sequence[Quote], at: datetime) -> None:
        row = self.legs.get(market_id)
        if row is None:
            return
        if row["history_at"] is None or at > row["history_at"]:
            row["history_at"] = at
        self._quotes += [(market_id, quote, "history") for quote in quotes]

    # --- who is meant -------------------------------------------------------------------------------------------------

    def match(self, try_again: bool) -> None:
        """Give events their game and legs their game and player, where that is certain."""
        for event_id, row in self.events.items():
            if row["season"] != self.season or row["game_id"] is not None or row.get("matched_by") is not None:
                continue
            if not try_again and event_id not in self.said:
                continue
            event = self.said.get(event_id) or Event(
                row["source"],
                event_id,
                row["title"],
                row["away"],
                row["home"],
                row["event_date"],
                days_off=1 if row["source"] in UTC_DATES else 0,
                reason=row["reason"] or "",
            )
            row["game_id"], row["reason"] = self.book.game_of(event)
        for market_id, row in self.legs.items():
            event_row = self.events.get(row["event_id"])
            game_id = event_row["game_id"] if event_row is not None else row["game_id"]
            moved, row["game_id"] = game_id != row["game_id"], game_id
            untold = row["player_id"] is None and row["method"] != BY_HAND  # a person may have said: nobody
            if untold and (try_again or moved or market_id in self._untold):
                self._tell(market_id, row)

    def _tell(self, market_id: str, row: dict[str, Any]) -> None:
        leg = LegOf(self.source, row["kind"], row["label"], row["team"], row["jersey"], row["venue_player_id"])
        match = self.book.player_of(leg, row["game_id"])
        row |= {"player_id": match.player_id, "method": match.method, "reason": match.reason}
        if match.learn and match.player_id is not None:
            self.stored.learned += 1
            teach(self.conn, self.source, row, match.player_id, by="resolver", now=self.now)

    # --- legs that are gone -------------------------------------------------------------------------------------------

    def withdraw(self, gone: Collection[str]) -> None:
        """Close the legs that the venue no longer knows; withdrawn are those that could have been bet on still."""
        open_now = [row for name, row in self.legs.items() if row["status"] == "open" and name not in gone]
        left = {(row["event_id"], row["book"]) for row in open_now}  # each book closes at a minute of its own
        for market_id in gone:
            row = self.legs.get(market_id)
            if row is None or row["status"] != "open":
                continue
            row["closed_at"] = self.now.replace(microsecond=0)
            if self._is_over(row, alone=(row["event_id"], row["book"]) in left):
                row["status"] = "closed"
            else:
                row["status"] = "withdrawn"
                self._mark_withdrawn(row, row["closed_at"])

    def _is_over(self, row: Mapping[str, Any], *, alone: bool) -> bool:
        """Whether a leg left the list because its game began, or was about to: then its last price stands."""
        game = self.book.games.get(row["game_id"]) if row["game_id"] else None
        if game is None:
            event = self.events.get(row["event_id"])
            day = event["event_date"] if event is not None else None
            return day is not None and league_date(self.now) >= day
        if game.begun(self.now):
            return True
        return not alone and game.kickoff_at is not None and game.kickoff_at - self.now <= CLOSING_HOUR

    def _mark_withdrawn(self, row: dict[str, Any], at: datetime) -> None:
        self.stored.withdrawn += 1
        self._quotes.append((row["market_id"], Quote(at), WITHDRAWN))

    # --- writing ------------------------------------------------------------------------------------------------------

    def write_events_and_legs(self) -> None:
        """Write what differs from what was there."""
        before = self._before
        events = [
            (before.get(("event", name)), row) for name, row in self.events.items() if row["season"] == self.season
        ]
        legs = [(before.get(("leg", name)), row) for name, row in self.legs.items()]
        _write(self.conn, market_events, events, ("source", "event_id"), self.source, self.now)
        _write(self.conn, market_legs, legs, ("source", "market_id"), self.source, self.now)
        new = [market_id for market_id in self.legs if market_id not in self._places]
        for first in range(0, len(new), _MANY):
            ids = select(market_legs.c.market_id, market_legs.c.id).where(
                market_legs.c.source == self.source,
                among(self.conn, market_legs.c.market_id, new[first : first + _MANY]),
            )
            self._places |= {row.market_id: row.id for row in self.conn.execute(ids)}

    def snapshots(self) -> list[tuple[Any, ...]]:
        """The prices that are from before kickoff, as `_SNAPSHOT` names their values."""
        return [self._snapshot(*quoted) for quoted in self._quotes if self._in_time(*quoted)]

    def write_snapshots(self, priced: pl.DataFrame) -> None:
        """Write the prices; those of one leg and instant that are there stay."""
        new = insert_frame(self.conn, market_odds, priced, unless_there=("leg_id", "snapshot_time"))
        self.stored.inserted += new
        self.stored.unchanged += priced.height - new

    def _in_time(self, market_id: str, quote: Quote, taken_from: str) -> bool:
        row = self.legs[market_id]
        game = self.book.games.get(row["game_id"]) if row["game_id"] else None
        if taken_from == "history" and row["status"] == "withdrawn" and quote.at > row["closed_at"]:
            return False  # nobody could bet on it any more
        if game is not None:
            return before_kickoff(game, quote.at)
        if taken_from == "history":
            return False
        event = self.events.get(row["event_id"])
        day = event["event_date"] if event is not None else None
        return day is None or league_date(quote.at) <= day

    def _snapshot(self, market_id: str, quote: Quote, taken_from: str) -> tuple[Any, ...]:
        row = self.legs[market_id]
        game_id = row["game_id"]
        prices = (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last, quote.volume)
        return (
            *(self._places[market_id], self.source, market_id, game_id, self.season, self.book.week_of(game_id)),
            *(row["player_id"], row["label"], row["team"]),
            *(None if price is None else float(price) for price in prices),
            *(quote.american, taken_from, quote.at.replace(microsecond=0), self.now),
        )

    def follow(self) -> None:
        """Snapshots of legs whose game or player is another now follow them."""
        changed = [
            place
            for market_id, place in self._places.items()
            if (before := self._before.get(("leg", market_id))) is not None
            and any(before[name] != self.legs[market_id][name] for name in ("game_id", "player_id"))
        ]
        follow_legs(self.conn, changed)


def before_kickoff(game: Game, at: datetime) -> bool:
    """Whether a price of this instant is from before the game; without a kickoff time its date decides."""
    if game.kickoff_at is not None:
        return at <= game.kickoff_at
    return game.game_date is None or league_date(at) <= game.game_date


# --- parts that others use --------------------------------------------------------------------------------------------

_FOLLOW = text(
    "UPDATE market_odds SET game_id = l.game_id, player_id = l.player_id, "
    "week = (SELECT g.week FROM games g WHERE g.id = l.game_id) "
    "FROM market_legs l WHERE l.id = market_odds.leg_id AND market_odds.leg_id IN :legs"
).bindparams(bindparam("legs", expanding=True))

_IN_PLAY = text(
    "DELETE FROM market_odds WHERE leg_id IN :legs "
    "AND snapshot_time > (SELECT g.kickoff_at FROM games g WHERE g.id = market_odds.game_id) "
    "AND NOT EXISTS (SELECT 1 FROM market_closings c WHERE c.odds_id = market_odds.id) "
    "AND NOT EXISTS (SELECT 1 FROM pick_market_odds p WHERE p.pick_odds_id = market_odds.id)"
).bindparams(bindparam("legs", expanding=True))


def follow_legs(conn: Connection, leg_ids: Sequence[int]) -> None:
    """Give the snapshots of these legs their leg's game, week and player; those from after its kickoff go.

    While its game was not known, a leg's prices were kept to the end of its day.
    """
    for first in range(0, len(leg_ids), _MANY):
        these = {"legs": leg_ids[first : first + _MANY]}
        conn.execute(_FOLLOW, these)
        conn.execute(_IN_PLAY, these)


def teach(conn: Connection, source: str, leg: Mapping[str, Any], player_id: str, *, by: str, now: datetime) -> None:
    """Remember whom the venue's own id of this leg's player means; what was learned before gives way."""
    row = {
        "source": source,
        "venue_player_id": leg["venue_player_id"],
        "player_id": player_id,
        "label": leg["label"],
        "learned_from": leg["market_id"],
        "learned_by": by,
        "learned_at": now.astimezone(UTC).replace(microsecond=0),
    }
    known = venue_players.c
    same = and_(known.source == source, known.venue_player_id == leg["venue_player_id"])
    if conn.execute(update(venue_players).where(same).values(row)).rowcount == 0:
        insert_or_leave(conn, venue_players, [row])


def write_venues(conn: Connection, season: int, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """How venues answered: each row has its source, and what it does not name stays as it was."""
    table = market_venues
    for row in rows:
        reason = _plain(row["reason"], MAX_REASON) if row["reason"] else None
        values = dict(row) | {"reason": reason, "updated_at": now}
        this = and_(table.c.season == season, table.c.source == row["source"])
        if conn.execute(update(table).where(this).values(values)).rowcount == 0:
            conn.execute(insert(table).values(season=season, **values))


def insert_or_leave(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows as they are bound; one whose unique key is there already is left as it is there."""
    if conn.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as insert_into
    else:
        from sqlalchemy.dialects.postgresql import insert as insert_into  # type: ignore[assignment]
    conn.execute(insert_into(table).on_conflict_do_nothing(), [dict(row) for row in rows])


def stored_answers(
    conn: Connection, season: int, source: str, after: int, limit: int = 50
) -> list[tuple[int, Payload]]:
    """The next payloads of a venue and season with ids above `after`, oldest first, and their ids."""
    table = market_payloads.c
    found = conn.execute(
        select(market_payloads)
        .where(table.season == season, table.source == source, table.id > after)
        .order_by(table.id)
        .limit(limit)
    ).mappings()
    return [
        (
            row["id"],
            Payload(
                row["source"], row["kind"], row["url"], row["fetched_at"], row["sha256"], zlib.decompress(row["body"])
            ),
        )
        for row in found
    ]


def stored_seasons(conn: Connection, source: str | None = None, season: int | None = None) -> list[tuple[str, int]]:
    """Which venues and seasons have payloads."""
    table = market_payloads.c
    query = select(table.source, table.season).distinct().order_by(table.season, table.source)
    found = [(str(row.source), int(row.season)) for row in conn.execute(query)]
    return [one for one in found if source in (None, one[0]) and season in (None, one[1]) and one[0] in SOURCES]


def kickoffs_of(conn: Connection, season: int, source: str) -> dict[str, datetime]:
    """When the game of each leg kicks off, by market id."""
    leg = market_legs.c
    query = (
        select(leg.market_id, games.c.kickoff_at)
        .join(games, games.c.id == leg.game_id)
        .where(leg.season == season, leg.source == source, games.c.kickoff_at.is_not(None))
    )
    return {row.market_id: row.kickoff_at for row in conn.execute(query)}


# --- inside -----------------------------------------------------------------------------------------------------------


_EVENT_TEXTS: Final = ("event_id", "title", "away", "home", "reason")
_LEG_TEXTS: Final = ("market_id", "event_id", "label", "team", "venue_player_id", "book", "history_token")


def _storable(answer: Answered) -> Answered:
    """The answer with texts that both databases can hold: whatever a venue writes, no NUL, half a character or page."""
    events = [_without_odd(event, _EVENT_TEXTS) for event in answer.events]
    legs = [_without_odd(leg, _LEG_TEXTS) for leg in answer.legs]
    past = {_plain(market_id): quotes for market_id, quotes in answer.past.items()}
    return replace(answer, events=events, legs=legs, past=past)


def _without_odd(item: _Told, names: Sequence[str]) -> _Told:
    given = {name: text for name in names if (text := getattr(item, name))}
    odd: dict[str, Any] = {
        name: _plain(text) for name, text in given.items() if len(text) > MAX_TEXT or not text.isprintable()
    }
    return replace(item, **odd) if odd else item


def _plain(text: str, most: int = MAX_TEXT) -> str:
    return "".join(one if one.isprintable() else " " for one in text[:most])


def _number(value: Decimal | None) -> float | None:
    number = None if value is None else float(value)
    return round(number, _DECIMALS) if number is not None and math.isfinite(number) else None


def _rows(conn: Connection, table: Table, where: Any) -> Iterator[dict[str, Any]]:
    if conn.dialect.name == "sqlite":
        yield from read_frame(conn, select(table).where(where)).iter_rows(named=True)
        return
    # the driver's own values are the ones that a frame would give, at a quarter of its time
    result = conn.execute(select(table).where(where))
    names = list(result.keys())
    yield from (dict(zip(names, row, strict=True)) for row in result.cursor.fetchall())
    result.close()


def _framed(
    table: Table, rows: Sequence[Mapping[str, Any]], without: Iterable[str] = (), **more: pl.DataType
) -> pl.DataFrame:
    left_out = set(without)
    schema = {c.name: polars_type(c.type) for c in table.columns if c.name not in left_out} | more
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in schema}, schema=schema, strict=False)


def _write(
    conn: Connection,
    table: Table,
    pairs: Sequence[tuple[dict[str, Any] | None, dict[str, Any]]],
    key: Sequence[str],
    source: str,
    now: datetime,
) -> None:
    """Write rows beside what they were: None is a new one. Most were only seen again, which is one statement."""
    new = [row for before, row in pairs if before is None]
    changed = []
    again: dict[datetime, list[int]] = {}
    for before, row in pairs:
        if before is None:
            continue
        seen, before["last_seen_at"] = before["last_seen_at"], row["last_seen_at"]
        if before != row:
            changed.append(row)
        elif row["last_seen_at"] - seen >= SEEN_EVERY:
            again.setdefault(row["last_seen_at"], []).append(row["id"])
    for at, ids in again.items():
        for first in range(0, len(ids), _MANY):
            these = among(conn, table.c.id, ids[first : first + _MANY])
            conn.execute(update(table).where(these).values(last_seen_at=at))
    if changed:
        whole = len(changed) > _MANY
        named = among(conn, table.c[key[1]], [row[key[1]] for row in changed])
        of = table.c.season == changed[0]["season"] if whole else named
        scope = and_(table.c.source == source, of)
        sync_partition(conn, table, _framed(table, changed, ("id",)), key=key, scope=scope, missing="keep", now=now)
    insert_frame(conn, table, _framed(table, new, ("id",)))
