"""What is amiss with what the market venues told us: rows in, violations out, as in `quality.py`. All are warnings.

Reasons, titles and labels are the venues' own text: repeated here, escaped by whoever shows them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.domain.quality import Violation

_SHOWN: Final = 300


def venues_that_failed(venues: pl.DataFrame) -> list[Violation]:
    """The venues that did not answer all that was asked. One that is off, or was not there in the season, is well.

    venues: source, status, reason, succeeded_at.
    """
    found = []
    for row in venues.filter(pl.col("status").is_in(["failed", "partial"])).sort("source").iter_rows(named=True):
        name = NAMES.get(row["source"], row["source"])
        since = row["succeeded_at"]
        last = f"last answered in full {since:%Y-%m-%d %H:%M} UTC" if since else "never answered in full"
        said = "did not answer" if row["status"] == "failed" else "answered in part; what came is stored"
        found.append(
            Violation(
                f"{name} {said}",
                1,
                f"{_short(row['reason'])} ({last})",
                f"nothing if it passes: the next run asks again and nothing else waits for it; if it stays, "
                f"`firsttd markets status` says more and FIRSTTD_{row['source'].upper()}=off stops asking",
                "warn",
                (row["source"],),
            )
        )
    return found


def legs_not_understood(events: pl.DataFrame, legs: pl.DataFrame) -> list[Violation]:
    """Events of no game and legs on nobody, by venue, with the command that settles one.

    events: source, event_id, title, reason, legs. legs: source, market_id, label, game_id, reason.
    """
    found = []
    for (source,), rows in events.sort("source", "event_id").group_by("source", maintain_order=True):
        one = rows.row(0, named=True)
        title = _short(one["title"] or "no title")
        found.append(
            Violation(
                f"{NAMES.get(str(source), source)}: events of no game that is certain",
                rows.height,
                f"{one['event_id']} ({title}, {one['legs']} legs): {_short(one['reason'])}",
                f"`firsttd markets status` lists them; `firsttd markets match {source} EVENT_ID --game GAME` settles "
                "one; an event of no game of the league may stay",
                "warn",
                tuple(rows["event_id"]),
            )
        )
    for (source,), rows in legs.sort("source", "game_id", "market_id").group_by("source", maintain_order=True):
        one = rows.row(0, named=True)
        found.append(
            Violation(
                f"{NAMES.get(str(source), source)}: legs on nobody who is certain",
                rows.height,
                f"{one['market_id']} ({_short(one['label'])}, {one['game_id']}): {_short(one['reason'])}",
                f"`firsttd markets status` lists them; `firsttd markets match {source} MARKET_ID PLAYER` settles one",
                "warn",
                tuple(rows["market_id"]),
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


def _short(text: str | None) -> str:
    shown = " ".join((text or "no reason given").split())
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
