"""The data quality rules of the market tables: rows in, violations out, as `quality.py` has them for the league's.

What a venue calls a leg is text of others: a violation repeats it, and whoever shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.domain.quality import Violation

_TEXT: Final = 160
"""Characters shown of a play's text or of a leg's name."""

Row = Mapping[str, Any]


def outcomes_disagree(legs: pl.DataFrame, firsts: pl.DataFrame) -> list[Violation]:
    """Games of which a venue settled otherwise than the plays say, one violation each, with both sides' evidence.

    A venue disagrees where it settled yes on somebody else, or no on our scorer while it has no yes that fits. Of a
    defensive or special teams touchdown the scorer and his team's D/ST both fit: which of them wins is the venue's own
    rule. A void never disagrees, and a leg on nobody we know cannot.

    legs: source, game_id, market_id, player_name, player_id, resolved_outcome, settlement_value, resolution_time.
    firsts: game_id, player_id, dst, scorer, and of the first touchdown player_name, team, quarter, clock, description;
    source_sha256 and plays of the game's record; only games of which the first scorer is known.
    """
    settled = legs.filter(
        pl.col("game_id").is_not_null() & pl.col("player_id").is_not_null() & (pl.col("resolved_outcome") != "void")
    )
    # a D/ST's touchdown by a player upstream does not name could be anybody's of that team
    firsts = firsts.filter(pl.col("player_id").is_not_null() | (pl.col("scorer") == "NO_TD"))
    if settled.is_empty() or firsts.is_empty():
        return []
    fitting = (
        firsts.select("game_id", pl.concat_list("player_id", "dst", "scorer").alias("player_id"))
        .explode("player_id")
        .drop_nulls("player_id")
        .unique()
        .with_columns(pl.lit(True).alias("fits"))
    )
    known = settled.join(firsts.select("game_id"), on="game_id", how="semi")
    known = known.join(fitting, on=["game_id", "player_id"], how="left").with_columns(pl.col("fits").fill_null(False))
    yes = pl.col("resolved_outcome") == "yes"
    paid = (yes & pl.col("fits")).any().over("source", "game_id")
    wrong = known.filter((yes & ~pl.col("fits")) | (~yes & pl.col("fits") & ~paid))
    if wrong.is_empty():
        return []
    ordered = wrong.sort("game_id", "source", "resolved_outcome", "market_id", descending=[False, False, True, False])
    plays = {row["game_id"]: row for row in firsts.iter_rows(named=True)}
    return [
        _violation(game, rows.to_dicts(), plays[game])
        for (game,), rows in ordered.group_by("game_id", maintain_order=True)
    ]


def _violation(game: Any, legs: list[dict[str, Any]], play: Row) -> Violation:
    venues = list(dict.fromkeys(NAMES.get(leg["source"], leg["source"]) for leg in legs))
    said = "; ".join(_leg(leg) for leg in legs)
    return Violation(
        f"{game}: {_and(venues)} settled otherwise than the plays say",
        len(legs),
        f"{said}. The plays: {_play(play)}",
        "`firsttd why PICK` has both sides; if the venue is right, upstream's play is wrong: grade the picks on it by "
        "hand; if the plays are, nothing: no grade rests on a venue",
        "warn",
        tuple(leg["market_id"] for leg in legs),
    )


def _leg(leg: Row) -> str:
    at = leg["resolution_time"]
    value = leg["settlement_value"]
    told = f"{NAMES.get(leg['source'], leg['source'])} settled {leg['market_id']} ({_short(leg['player_name'])})"
    told += f" {leg['resolved_outcome']}" + (f" at {value:.2f} dollars" if value is not None else "")
    return told + (f" on {_time(at)}" if at is not None else "")


def _play(row: Row) -> str:
    source = f" (file {row['source_sha256'][:12]})" if row["source_sha256"] else ""
    if row["scorer"] == "NO_TD":
        return f"no touchdown in {row['plays']} plays{source}"
    who = " ".join(str(part) for part in (row["player_name"], row["player_id"]) if part) or "scorer unknown"
    team = row["dst"].removeprefix("DST:") + " D/ST" if row["dst"] else row["team"]
    when = "time unknown" if row["quarter"] is None else f"quarter {row['quarter']}, {row['clock']}"
    return f"{who} ({team}), {when}: {_short(row['description'] or 'no text')}{source}"


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _TEXT else shown[: _TEXT - 1] + "…"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
