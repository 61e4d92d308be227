"""Reads of what the markets said (a game's odds, closing lines, a price's path), and the writer of `market_closings`.

Each read goes by an index at any size of the store. What closes a leg and what is fair is `domain/prices.py`'s.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

import polars as pl
from sqlalchemy import Connection, delete, exists, func, insert, select

from firsttd_pipeline.domain.prices import closings
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import games, market_closing_packs, market_closings, market_legs, market_odds
from firsttd_pipeline.storage.sync import Counts, sync_partition

CLOSING_HOUR: Final = timedelta(hours=1)
"""An event whose legs all left the list this shortly before kickoff was closed, not withdrawn."""
_NOT_PLAYED = ("postponed", "cancelled")
_LINE: Final = ("source", "game_id", "player_id", "probability", "fair_probability")


def read_odds_of_game(conn: Connection, game_id: str) -> pl.DataFrame:
    """The last price of every leg of a game at every venue, by venue, the likeliest first."""
    leg, odds, later = market_legs.c, market_odds.c, market_odds.alias().c
    last = (
        select(later.id).where(later.leg_id == leg.id).order_by(later.snapshot_time.desc()).limit(1).scalar_subquery()
    )
    query = (
        select(
            leg.source,
            leg.book,
            leg.market_id,
            leg.label.label("player_name"),
            leg.player_id,
            leg.team,
            leg.status,
            leg.result,
            odds.bid,
            odds.ask,
            odds.raw_price,
            odds.implied_probability,
            odds.reason,
            odds.american_odds,
            odds.snapshot_time,
        )
        .select_from(market_legs)
        .join(market_odds, odds.id == last)
        .where(leg.game_id == game_id)
    )
    return read_frame(conn, query).sort(
        "source", "implied_probability", "player_name", descending=[False, True, False], nulls_last=True
    )


def closing_lines(conn: Connection, season: int, source: str | None = None) -> pl.DataFrame:
    """The season's closing lines: source, game_id, player_id, probability, fair_probability.

    Read in one piece where it is there, for as rows the drivers take many times as long; of a season that no run has
    closed since there are such pieces, row by row.
    """
    pack = market_closing_packs.c
    body = conn.execute(select(pack.body).where(pack.season == season)).scalar()
    if body is not None:
        lines = pl.read_ipc(BytesIO(body))
    else:
        closing = market_closings.c
        lines = read_frame(conn, select(*(closing[name] for name in _LINE)).where(closing.season == season))
    return lines if source is None else lines.filter(pl.col("source") == source)


def price_path(conn: Connection, game_id: str, player_id: str) -> pl.DataFrame:
    """What one outcome cost over time, oldest first: source, leg_id, snapshot_time, bid, ask, implied_probability."""
    odds = market_odds.c
    query = (
        select(
            odds.source,
            odds.leg_id,
            odds.snapshot_time,
            odds.bid,
            odds.ask,
            odds.implied_probability,
            odds.reason,
            odds.taken_from,
        )
        .where(odds.game_id == game_id, odds.player_id == player_id)
        .order_by(odds.snapshot_time)
    )
    return read_frame(conn, query)


def count_legs(conn: Connection, season: int) -> dict[str, int]:
    """How many legs of the season are stored, by venue."""
    leg = market_legs.c
    query = select(leg.source, func.count()).where(leg.season == season).group_by(leg.source)
    return {str(source): int(count) for source, count in conn.execute(query)}


def game_to_show(conn: Connection, season: int, now: datetime, *, next_first: bool) -> tuple[str, datetime] | None:
    """The next game with prices, else the latest; or the other way round. Its id and kickoff."""
    game = games.c
    priced = select(game.id, game.kickoff_at).where(
        game.season == season, exists().where(market_odds.c.game_id == game.id), game.kickoff_at.is_not(None)
    )
    coming = priced.where(game.kickoff_at > now).order_by(game.kickoff_at, game.id)
    begun = priced.where(game.kickoff_at <= now).order_by(game.kickoff_at.desc(), game.id)
    for query in (coming, begun) if next_first else (begun, coming):
        row = conn.execute(query.limit(1)).first()
        if row is not None:
            return str(row.id), row.kickoff_at
    return None


def top_paths(conn: Connection, game_id: str, legs: int) -> tuple[str, dict[str, list[tuple[datetime, float | None]]]]:
    """The venue that has most to say of a game, and the price over time of its likeliest legs, by label."""
    leg, odds = market_legs.c, market_odds.c
    priced = odds.implied_probability.is_not(None)
    most = conn.execute(
        select(odds.source)
        .where(odds.game_id == game_id, priced)
        .group_by(odds.source)
        .order_by(func.count().desc(), odds.source.desc())
        .limit(1)
    ).scalar()
    if most is None:
        return "", {}
    last = (
        select(odds.implied_probability)
        .where(odds.leg_id == leg.id, priced)
        .order_by(odds.snapshot_time.desc())
        .limit(1)
        .scalar_subquery()
    )
    of_venue = read_frame(
        conn, select(leg.id, leg.label, last.label("last")).where(leg.game_id == game_id, leg.source == most)
    )
    likeliest = of_venue.sort("last", "label", descending=[True, False], nulls_last=True).head(legs)
    points = read_frame(
        conn,
        select(odds.leg_id, odds.snapshot_time, odds.implied_probability)
        .where(odds.leg_id.in_(likeliest["id"].to_list()))
        .order_by(odds.snapshot_time),
    )
    paths: dict[str, list[tuple[datetime, float | None]]] = {}
    for leg_id, name in likeliest.select("id", "label").iter_rows():
        path = points.filter(pl.col("leg_id") == leg_id).select("snapshot_time", "implied_probability")
        paths[name if name not in paths else f"{name} ({leg_id})"] = path.rows()
    return str(most), paths


def last_prices(conn: Connection, season: int, now: datetime) -> pl.DataFrame:
    """The last price at or before kickoff of every leg of the season's games that began, as `prices.closings` takes it.

    A leg that was found withdrawn after kickoff is `closed` where its last price is from the hour before it.
    """
    leg, odds, later, game = market_legs.c, market_odds.c, market_odds.alias().c, games.c
    last = (
        select(later.id)
        .where(later.leg_id == leg.id, later.snapshot_time <= game.kickoff_at)
        .order_by(later.snapshot_time.desc())
        .limit(1)
        .correlate(market_legs, games)
        .scalar_subquery()
    )
    query = (
        select(
            odds.id.label("odds_id"),
            leg.source,
            leg.game_id,
            leg.player_id,
            leg.book,
            game.season,
            game.week,
            game.kickoff_at,
            odds.snapshot_time,
            odds.bid,
            odds.ask,
            odds.implied_probability,
            odds.reason,
            leg.status,
            leg.closed_at,
        )
        .select_from(market_legs)
        .join(games, game.id == leg.game_id)
        .outerjoin(market_odds, odds.id == last)
        .where(
            leg.season == season,
            game.kickoff_at <= now,
            game.deleted_at.is_(None),
            game.status.not_in(_NOT_PLAYED),
        )
    )
    rows = read_frame(conn, query)
    # who was seen shortly before kickoff was there at kickoff; of the others nobody knows when they went
    stayed = (pl.col("closed_at") > pl.col("kickoff_at")) & (
        pl.col("snapshot_time") >= pl.col("kickoff_at") - CLOSING_HOUR
    )
    gone = pl.col("status") == "withdrawn"
    return rows.with_columns(pl.when(gone & stayed).then(pl.lit("closed")).otherwise("status").alias("status")).drop(
        "closed_at"
    )


def write_closings(conn: Connection, season: int, settings: Settings, now: datetime) -> Counts:
    """Make the season's closing lines those of its snapshots, inside the caller's transaction."""
    rows = closings(
        last_prices(conn, season, now),
        field_share=settings.market_field_share,
        no_touchdown_rate=settings.no_touchdown_rate,
    )
    table = market_closings
    key = ("source", "game_id", "player_id")
    done = sync_partition(conn, table, rows, key=key, scope=table.c.season == season, missing="delete", now=now)
    _pack(conn, season, rows.select(_LINE).sort(key), now)
    return done


def _pack(conn: Connection, season: int, lines: pl.DataFrame, now: datetime) -> None:
    """Keep the season's closing lines in one piece beside their rows; as they are, nothing is written."""
    body = BytesIO()
    lines.write_ipc(body, compression="zstd")
    table = market_closing_packs
    there = conn.execute(select(table.c.body).where(table.c.season == season)).scalar()
    if there == body.getvalue() or (there is None and lines.is_empty()):
        return
    conn.execute(delete(table).where(table.c.season == season))
    conn.execute(insert(table), {"season": season, "lines": lines.height, "body": body.getvalue(), "updated_at": now})
