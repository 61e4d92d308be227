"""How the venues settled their legs: the table `market_outcomes`, its writer, and the reads of its check.

A leg without a game or a player is kept too. Beside what the venue says stands who scored first by our own plays.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl
from sqlalchemy import Connection, and_, exists, select

from firsttd_pipeline.domain.grading import first_scorers
from firsttd_pipeline.domain.prices import SPORTSBOOKS
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.market_prices import closing_lines
from firsttd_pipeline.storage.schema import market_legs, market_outcomes
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts, sync_partition

_PLAY: Final = ("game_id", "player_name", "team", "quarter", "clock", "description")


def write_outcomes(conn: Connection, of_season: Season, now: datetime) -> Counts:
    """Make the season's outcomes those of its settled legs; one that a venue took back goes.

    An outcome of no leg that is known was written by another program, and stays as it is.

    Args:
        conn: inside the caller's write transaction.
        of_season: reads in that transaction too.
        now: aware.
    """
    legs, table = market_legs.c, market_outcomes
    settled = read_frame(
        conn,
        select(
            legs.source,
            legs.season,
            legs.game_id,
            legs.market_id,
            legs.label.label("player_name"),
            legs.player_id,
            legs.result.label("resolved_outcome"),
            legs.settlement_value,
            legs.settled_at.label("resolution_time"),
        ).where(legs.season == of_season.season, legs.result.is_not(None)),
    )
    rows = settled.join(
        _first(of_season).select("game_id", pl.col("scorer").alias("actual_first_td_scorer")),
        on="game_id",
        how="left",
        maintain_order="left",
    )
    ours = exists().where(legs.source == table.c.source, legs.market_id == table.c.market_id)
    scope = and_(table.c.season == of_season.season, ours)
    return sync_partition(conn, table, rows, key=("source", "market_id"), scope=scope, missing="delete", now=now)


def known_firsts(of_season: Season) -> pl.DataFrame:
    """The first touchdown of every game of which it is known, as `market_quality.outcomes_disagree` takes it."""
    plays = of_season.touchdowns().filter("is_first_td").select(_PLAY)
    records = of_season.records().select("game_id", "plays", "source_sha256")
    known = _first(of_season).filter(pl.col("reason").is_null())
    return known.join(records, on="game_id").join(plays, on="game_id", how="left")


def judged_closings(conn: Connection, of_season: Season) -> pl.DataFrame:
    """The season's closing lines that came true or did not: source, game_id, player_id, probability,
    fair_probability, outcome (1.0 or 0.0).

    By the venue's own word where it settles its legs (a void is neither). Sportsbooks tell no outcomes here: theirs are
    judged by the plays, but for games that began with a D/ST's touchdown, for who wins with that is each book's rule.
    """
    outcome = market_outcomes.c
    key = ("source", "game_id", "player_id")
    settled = read_frame(
        conn,
        select(*(outcome[name] for name in key), outcome.resolved_outcome)
        .where(
            outcome.season == of_season.season,
            outcome.resolved_outcome.in_(["yes", "no"]),
            outcome.game_id.is_not(None),
            outcome.player_id.is_not(None),
        )
        .distinct(),
    )
    lines = closing_lines(conn, of_season.season)
    told = lines.join(settled, on=key, how="inner", maintain_order="left").with_columns(
        (pl.col("resolved_outcome") == "yes").cast(pl.Float64).alias("outcome")
    )
    firsts = _first(of_season).filter(pl.col("reason").is_null() & pl.col("dst").is_null())
    books = lines.filter(pl.col("source").is_in(list(SPORTSBOOKS)))
    seen = books.join(firsts.select("game_id", "scorer"), on="game_id", how="inner", maintain_order="left")
    seen = seen.with_columns((pl.col("player_id") == pl.col("scorer")).cast(pl.Float64).alias("outcome"))
    return pl.concat([told.drop("resolved_outcome"), seen.drop("scorer")])


def _first(of_season: Season) -> pl.DataFrame:
    return first_scorers(of_season.games(), of_season.touchdowns(), of_season.records())
