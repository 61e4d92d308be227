"""Rows of the market tables for tests, written as `market_odds` would: legs, snapshots, closing lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import games, market_closings, market_legs, market_odds


def leg(db: Database, source: str, game: str | None, player: str | None, at: datetime, **more: Any) -> int:
    """A leg, and its id. `season` is 2025 unless said."""
    name = player or more.get("label", "Nobody")
    market = f"{source[:2].upper()}-{game}-{name}" + (f"/{more['book']}" if "book" in more else "")
    row: dict[str, Any] = {
        "source": source, "market_id": market, "event_id": f"E-{game}", "season": 2025, "game_id": game, "label": name,
        "kind": "no_td" if player == "NO_TD" else "dst" if str(player).startswith("DST:") else "player",
        "player_id": player, "reason": None if player else "nobody is certain", "status": "open",
        "first_seen_at": at, "last_seen_at": at,
    }  # fmt: skip
    with db.write() as conn:
        return int(conn.execute(insert(market_legs).values(row | more).returning(market_legs.c.id)).scalar_one())


def snapshots(db: Database, leg_id: int, points: Sequence[tuple[datetime, float | None]], **more: Any) -> list[int]:
    """Snapshots of a leg (time and probability), and their ids in that order."""
    with db.write() as conn:
        of = conn.execute(market_legs.select().where(market_legs.c.id == leg_id)).mappings().one()
        ids = []
        for at, chance in points:
            row = {name: of[name] for name in ("source", "market_id", "game_id", "season", "player_id")} | {
                "leg_id": leg_id, "player_name": of["label"], "implied_probability": chance, "snapshot_time": at,
                "reason": "empty book: nobody bids or asks" if chance is None else None,
            }  # fmt: skip
            ids.append(conn.execute(insert(market_odds).values(row | more).returning(market_odds.c.id)).scalar_one())
    return [int(one) for one in ids]


def closing(
    db: Database, odds_id: int, probability: float | None, fair: float | None, kickoff: datetime, **more: Any
) -> None:
    """The closing line of a snapshot's outcome."""
    with db.write() as conn:
        of = conn.execute(market_odds.select().where(market_odds.c.id == odds_id)).mappings().one()
        row = {name: of[name] for name in ("source", "game_id", "player_id", "season")} | {
            "week": 1, "kickoff_at": kickoff, "closing_at": kickoff - timedelta(minutes=1), "odds_id": odds_id,
            "legs": 1, "bid": 0.1, "ask": 0.12, "probability": probability, "fair_probability": fair,
            "reason": None if probability is not None else "book too wide (FIRSTTD_MARKET_MAX_WIDTH)",
            "fair_reason": None if fair is not None else "no closing line",
            "assumption": "no touchdown 0.5 %" if fair is not None else None,
        }  # fmt: skip
        conn.execute(insert(market_closings).values(row | more))


def kickoffs(db: Database, at: datetime) -> None:
    """Every game kicks off then."""
    with db.write() as conn:
        conn.execute(games.update().values(kickoff_at=at))
