"""What the markets say of each member's picks: the table `member_market_stats`, its reads and its writer.

Members are read a few at a time, so that a season of a million picks at several venues needs little memory; what the
numbers mean is `domain/calibration.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Connection, and_, func, select

from firsttd_pipeline.domain.calibration import MEMBER_SCHEMA, member_stats
from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.schema import (
    market_outcomes,
    member_market_stats,
    pick_market_odds,
    pick_status,
    picks,
    weeks,
)
from firsttd_pipeline.storage.sync import Counts, sync_partition

AT_ONCE: Final = 50_000
"""Picks that are read together, give or take those of one member."""


def stats_of_members(conn: Connection, season: int, rules: RulePack, *, at_once: int = AT_ONCE) -> pl.DataFrame:
    """The rows of `member_market_stats` (`calibration.MEMBER_SCHEMA`) that the season's picks give now, by user_id."""
    parts = [
        member_stats(_picks(conn, season, first, last), rules, season)
        for first, last in _members(conn, season, at_once)
    ]
    return pl.concat([pl.DataFrame(schema=MEMBER_SCHEMA), *parts])


def write_member_stats(conn: Connection, season: int, rows: pl.DataFrame, now: datetime) -> Counts:
    """Make the season's rows equal to `rows`; a member without a pick has none."""
    table = member_market_stats
    scope = table.c.season == season
    return sync_partition(conn, table, rows, key=("season", "user_id"), scope=scope, missing="delete", now=now)


def _members(conn: Connection, season: int, at_once: int) -> Iterator[tuple[int, int]]:
    """First and last user_id of members who together have about so many picks of the season."""
    counted = (
        select(picks.c.user_id, func.count())
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(weeks.c.season == season)
        .group_by(picks.c.user_id)
        .order_by(picks.c.user_id)
    )
    first = last = None
    held = 0
    for user, number in conn.execute(counted).all():
        first, last, held = user if first is None else first, user, held + number
        if held >= at_once:
            yield first, last
            first, held = None, 0
    if first is not None and last is not None:
        yield first, last


def _picks(conn: Connection, season: int, first: int, last: int) -> pl.DataFrame:
    """The picks of these members as `calibration.member_stats` takes them."""
    odds, outcome = pick_market_odds.c, market_outcomes.c
    voided = (
        select(outcome.source, outcome.game_id, outcome.player_id)
        .where(outcome.season == season, outcome.resolved_outcome == "void")
        .distinct()
        .subquery()
    )
    of_void = and_(
        voided.c.source == odds.source,
        voided.c.game_id == picks.c.game_id,
        voided.c.player_id == picks.c.player_id,
    )
    return read_frame(
        conn,
        select(
            picks.c.id.label("pick_id"),
            picks.c.user_id,
            func.coalesce(pick_status.c.status, "pending").label("status"),
            picks.c.odds,
            picks.c.odds_placeholder,
            pick_status.c.stake,
            odds.source,
            odds.closing_probability,
            odds.fair_probability,
            odds.expected_value,
            odds.closing_line_value,
            voided.c.source.is_not(None).label("voided"),
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
        .outerjoin(pick_market_odds, and_(odds.pick_id == picks.c.id, odds.closing_probability.is_not(None)))
        .outerjoin(voided, of_void)
        .where(weeks.c.season == season, picks.c.user_id.between(first, last)),
    )
