"""The data quality rules of the market tables: rows in, violations out, as `quality.py` has them for the league's.

What a venue calls a leg is text of others: a violation repeats it, and whoever shows it escapes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from firsttd_pipeline.domain.markets import NAMES, PRESEASON
from firsttd_pipeline.domain.quality import Violation

_TEXT: Final = 160
"""Characters shown of a play's text or of a leg's name."""

_REASON: Final = 300
"""Characters shown of a reason."""

Row = Mapping[str, Any]


def venues_that_failed(venues: pl.DataFrame) -> list[Violation]:
    """The venues that did not answer all that was asked. One that is off, or was not there in the season, is well.

    venues: season, source, status, reason, succeeded_at.
    """
    found = []
    for row in venues.filter(pl.col("status").is_in(["failed", "partial"])).sort("source").iter_rows(named=True):
        name = NAMES.get(row["source"], row["source"])
        setting = f"FIRSTTD_{row['source'].upper()}"
        said = "did not answer" if row["status"] == "failed" else "answered in part; what came is stored"
        last = f"last in full {_time(row['succeeded_at'])}" if row["succeeded_at"] else "never yet in full"
        asked = f"{setting}_URL and {setting}_KEY are" if row["source"] == "odds_api" else f"{setting}_URL is"
        found.append(
            Violation(
                f"{name} {said} ({last})",
                1,
                _short(without_advice(row["reason"] or "").removeprefix(f"{name}: "), _REASON),
                f"nothing now: the next run asks again. If it stays, see `firsttd markets status --season "
                f"{row['season']}` and whether {asked} right; {setting}=off stops asking",
                "warn",
                (row["source"],),
                whole=True,
            )
        )
    return found


_ADVICE: Final = re.compile(
    r"\s*(?:Check the address\.|Check the network and the address; a retry may help\."
    r"|A retry may help: run it again later\.|A retry does not help\.)"
)


def without_advice(reason: str) -> str:
    """Why something failed without what its error says to do: whoever tells it says that once, for all reasons."""
    return _ADVICE.sub("", reason).strip()


def legs_not_understood(season: int, events: pl.DataFrame, legs: pl.DataFrame) -> list[Violation]:
    """Events of no game and legs on nobody, by venue, with the command that settles one. Not of the preseason.

    events: source, event_id, title, reason, legs. legs: source, market_id, label, game_id, reason.
    """
    found = []
    lists = f"`firsttd markets status --season {season}` lists them, each with the command that settles it"
    events = events.filter(~pl.col("reason").str.starts_with(PRESEASON).fill_null(False))
    for (source,), rows in events.sort("source", "event_id").group_by("source", maintain_order=True):
        one = rows.row(0, named=True)
        title = _short(one["title"] or "no title")
        found.append(
            Violation(
                f"{NAMES.get(str(source), source)}: events of no game that is certain",
                rows.height,
                f"{one['event_id']} ({title}, {one['legs']} legs): {_short(one['reason'], _REASON)}",
                f"{lists}; an event of no game of the league may stay",
                "warn",
            )
        )
    for (source,), rows in legs.sort("source", "game_id", "market_id").group_by("source", maintain_order=True):
        one = rows.row(0, named=True)
        found.append(
            Violation(
                f"{NAMES.get(str(source), source)}: legs on nobody who is certain",
                rows.height,
                f"{one['market_id']} ({_short(one['label'])}, {one['game_id']}): {_short(one['reason'], _REASON)}",
                lists,
                "warn",
            )
        )
    return found


def picks_without_closing(rows: pl.DataFrame) -> list[Violation]:
    """Picks of games that are over at a venue that had a leg on the player, and no price of his before kickoff.

    rows: source, game_id, player_id, picks, pick_id, waiting (1: the venue's history was not asked for him yet).
    """
    found = []
    for (source,), of_venue in rows.sort("source", "game_id", "player_id").group_by("source", maintain_order=True):
        name = NAMES.get(str(source), source)
        for waiting, rule, remedy in (
            (
                1,
                f"{name}: picks whose closing line is still to be fetched",
                "run `firsttd nightly` for the season again: a run asks for as much history as FIRSTTD_MARKET_SECONDS "
                "allows, games with picks first",
            ),
            (
                0,
                f"{name}: picks without a closing line, though the player was listed",
                "what nobody stored before kickoff is gone where a venue has no history of it: switch on "
                "`market_snapshots_schedule` before the next games",
            ),
        ):
            these = of_venue.filter(pl.col("waiting") == waiting)
            if these.is_empty():
                continue
            one = these.row(0, named=True)
            found.append(
                Violation(
                    rule,
                    int(these["picks"].sum()),
                    f"pick {one['pick_id']} on {one['player_id']}, {one['game_id']}",
                    remedy,
                    "warn",
                )
            )
    return found


def members_miscounted(rows: pl.DataFrame) -> list[Violation]:
    """Members whose market statistics do not count exactly their picks.

    rows: member, stored, counted.
    """
    if rows.is_empty():
        return []
    one = rows.row(0, named=True)
    return [
        Violation(
            "members whose market statistics do not count their picks",
            rows.height,
            f"member {_short(one['member'])}, stored {one['stored'] or 0}, picks {one['counted']}",
            "run `member_market_stats` again; if it stays, somebody else writes the table",
            "warn",
            tuple(rows["member"]),
        )
    ]


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
        f"nothing if the plays are right: no grade rests on a venue. If the venue is (`firsttd markets odds {game}` "
        "shows its side), grade the picks on that game by hand: `firsttd grade override`",
        "warn",
        tuple(leg["market_id"] for leg in legs),
        whole=True,
    )


def _leg(leg: Row) -> str:
    at = leg["resolution_time"]
    value = leg["settlement_value"]
    told = f"{NAMES.get(leg['source'], leg['source'])} says {leg['resolved_outcome']} for {_short(leg['player_name'])}"
    evidence = [leg["market_id"]]
    evidence += [f"{value:.2f} dollars"] if value is not None else []
    evidence += [_time(at)] if at is not None else []
    return f"{told} ({', '.join(evidence)})"


def _play(row: Row) -> str:
    source = f" (file {row['source_sha256'][:12]})" if row["source_sha256"] else ""
    if row["scorer"] == "NO_TD":
        return f"no touchdown in {row['plays']} plays{source}"
    who = " ".join(str(part) for part in (row["player_name"], row["player_id"]) if part) or "scorer unknown"
    team = row["dst"].removeprefix("DST:") + " D/ST" if row["dst"] else row["team"]
    when = "time unknown" if row["quarter"] is None else f"quarter {row['quarter']}, {row['clock']}"
    return f"{who} ({team}), {when}: {_short(row['description'] or 'no text')}{source}"


def _short(text: str | None, most: int = _TEXT) -> str:
    shown = " ".join((text or "no reason given").split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
