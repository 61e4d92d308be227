"""`firsttd why PICK`: the receipt of a grade, for people or as one JSON object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from firsttd_pipeline.commands.context import explained, open_league
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, emit, emit_lines, emit_object
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.markets import SOURCES
from firsttd_pipeline.domain.prices import NO_CLOSING, NO_FAIR
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.sources.venues import why_off
from firsttd_pipeline.storage.market_status import why_unpriced
from firsttd_pipeline.storage.pick_prices import NOT_BEGUN
from firsttd_pipeline.storage.receipts import receipt

_CHANGES = ("at", "event", "before", "after", "by", "why", "graded_by", "run_id")

Row = Mapping[str, Any]


@explained
@refusals_explained
def why(
    pick_id: Annotated[int, typer.Argument(min=1, max=MOST, metavar="PICK", help="As `picks list` shows it.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Explain a grade: what was typed, who was meant, the first touchdown, the rules, the markets, and every change."""
    with open_league() as league:
        found = receipt(league.db, pick_id, league.settings.rules, utc_now())
        found["no_markets"] = None if found["markets"] else _no_markets(league, found["pick"])
    if output is Format.JSON:
        emit_object(found)
    elif output is Format.CSV:
        emit(found["changes"], output, columns=_CHANGES)
    else:
        emit_lines(_lines(found))
        emit(found["changes"], title="Changes", columns=_CHANGES, empty="none recorded")


def _lines(found: Row) -> list[str]:
    pick, grade = found["pick"], found["grade"]
    parts = {
        "Typed": _typed(pick),
        "Understood": _understood(found["understood"]),
        "Game": _game(found["game"]),
        "First touchdown": _touchdown(found["first_touchdown"]) or found["no_first_touchdown"],
        "Of this pick": _all(found),
        "Grade": _grade(grade),
        "Stands": found["stands"],
        "The plays say": _said(found["plays_say"]),
        "Source": _source(found["source"]),
    }
    parts |= {row["venue"]: _market(row) for row in found["markets"]}
    parts["Of the prices"] = _notes(found["markets"])
    parts["Markets"] = found.get("no_markets")
    head = f"Pick {pick['id']}: {pick['member']}, week {pick['week']} of {pick['season']}"
    if pick["removed_at"]:
        head += f", removed {_time(pick['removed_at'])}"
    return [head, *(f"  {name + ':':<17}{text}" for name, text in parts.items() if text)]


def _typed(pick: Row) -> str:
    odds = "odds unknown" if pick["odds"] is None else f"{pick['odds']:+g}"
    if pick["odds_are_a_placeholder"]:
        odds += " (a placeholder: odds unknown)"
    told = f"{pick['typed']}, {odds}"
    if pick["entered_at"]:
        told += f"; entered {_time(pick['entered_at'])} by {pick['door']}"
    return told + (f"; late: {pick['late_reason']}" if pick["late_reason"] else "")


def _understood(row: Row | None) -> str | None:
    if row is None:
        return None
    if row["player_id"] is None:
        return f"not yet{': ' + row['message'] if row['message'] else ''}"
    told = f"{row['player'] or row['player_id']} ({row['player_id']})"
    if row["method"]:
        told += f" by {row['method']}"
    if row["confidence"] is not None:
        told += f", {100 * row['confidence']:.0f} % sure"
    if row["method"]:
        told += f"; next best: {row['runner_up'] or 'nobody'}"
    if row["message"]:
        told += f"; {row['message']}"
    return told + (f"; by {row['resolved_by']}" if row["resolved_by"] else "")


def _game(row: Row | None) -> str | None:
    if row is None:
        return "none"
    scores = row["away_score"], row["home_score"]
    score = f"{row['away_team']} {scores[0]}, {row['home_team']} {scores[1]}" if None not in scores else "no score"
    left = ", left the schedule" if row["deleted_at"] else ""
    kickoff = _time(row["kickoff_at"]) if row["kickoff_at"] else "unknown"
    return f"{row['id']}, kickoff {kickoff}, {score}, {row['status']}{left}"


def _touchdown(row: Row | None) -> str | None:
    if row is None:
        return None
    name = row.get("full_name") or row["player_name"] or "scorer unknown"
    return f"{name} ({row['team']}), {_when(row)}: {row['description'] or 'upstream has no text of the play'}"


def _all(found: Row) -> str | None:
    """The player's touchdowns; nothing where it is not known who he is, or the plays are not here."""
    rows = found["touchdowns"]
    if not rows:
        known = found["pick"]["player_id"] not in (None, "NO_TD") and found["source"] is not None
        return "no touchdown in this game" if known else None
    return "; ".join(f"{row['kind']}, {_when(row)}" for row in rows)


def _when(touchdown: Row) -> str:
    if touchdown["quarter"] is None:
        return "time unknown"
    return f"quarter {touchdown['quarter']}, {touchdown['clock']}"


def _grade(row: Row | None) -> str | None:
    if row is None:
        return None
    told = str(row["status"]) + (", any time" if row["status"] == "lost" and row["any_time_td"] else "")
    if row["reason"]:
        told += f" ({row['reason']})"
    if row["points"] is not None:
        told += f", {row['points']:g} points by {row['rule_pack']}"
    if row["graded_by"]:
        told += ", profit unknown" if row["profit"] is None else f", {row['profit']:+g} units"
    return told + (f"; {row['finality']}" if row["finality"] else "")


def _said(row: Row | None) -> str | None:
    if row is None:
        return None
    any_time = ", any time" if row["status"] == "lost" and row["any_time_td"] else ""
    return f"{row['status']}{any_time}" + (f" ({row['reason']})" if row["reason"] else f", first {row['scorer']}")


def _source(row: Row | None) -> str | None:
    if row is None:
        return "no plays of this game"
    published = _time(row["upstream_modified_at"]) if row["upstream_modified_at"] else "unknown"
    fetched = _time(row["fetched_at"]) if row["fetched_at"] else "unknown"
    return f"{row['plays']} plays, file {row['sha256']}, published {published}, fetched {fetched}"


def _market(row: Row) -> str:
    """What one venue said of the pick, in a line; a probability is a price in dollars too. Reasons are told below."""
    told = []
    if row["priced"]:
        then = _price(row["pick_probability"]) if row["pick_probability"] is not None else "no price"
        if row["closing_at"] is None:
            coming = row["closing_reason"] == NOT_BEGUN
            told.append(
                f"{then} when picked; " + ("the closing line comes at kickoff" if coming else "no closing line")
            )
        else:
            closing = _price(row["closing_probability"]) + _book(row["closing_bid"], row["closing_ask"])
            told.append(f"{then} when picked -> {closing} at kickoff")
            fair = row["fair_probability"]
            told.append("no fair price" if fair is None else f"fair {fair:.1%}")
            value, line = row["expected_value"], row["closing_line_value"]
            told += [f"expected value {value:+.2f}"] if value is not None else []
            told += [f"closing-line value {line:+.1%}"] if line is not None else []
    else:
        told.append("not priced since it was picked: the next `firsttd nightly` does")
    told += dict.fromkeys(_settled(leg) for leg in row["outcomes"])
    return "; ".join(told)


def _notes(rows: Sequence[Row]) -> str | None:
    """Why something of the venues' lines is missing, and what they rest on: each reason once, with who has it."""
    said: dict[str, list[str]] = {}
    priced = [row for row in rows if row["priced"]]
    for row in priced:
        closed = row["closing_at"] is not None
        missing = row["expected_value"] is None or row["closing_line_value"] is None
        reasons = {
            "no price when picked": row["pick_probability"] is None and row["pick_reason"],
            "no price at kickoff": closed and row["closing_probability"] is None and row["closing_reason"],
            "no closing line": not closed and row["closing_reason"] != NOT_BEGUN and row["closing_reason"],
            "no fair price": closed and row["fair_probability"] is None and row["fair_reason"],
            "no value": closed and missing and row["value_reason"] not in (None, *_SAID) and row["value_reason"],
            "fair": closed and row["assumption"] and f"assuming {row['assumption']}",
        }
        for what, reason in reasons.items():
            if reason and not (what == "no fair price" and reason in _SAID):
                said.setdefault(f"{what}: {reason}", []).append(row["venue"])
    told = []
    for reason, venues in said.items():
        of = "" if len(venues) == len(priced) else f" ({', '.join(venues)})"
        told.append(reason + of)
    return "; ".join(told) or None


_SAID = (NO_CLOSING, NO_FAIR)
"""What a venue's line shows already."""


def _no_markets(league: League, pick: Row) -> str | None:
    """Why no venue says anything of the pick; nothing of one that was removed."""
    if pick["removed_at"]:
        return None
    off = [why_off(source, league.settings) for source in SOURCES]
    why = why_unpriced(league.db, pick["season"], pick["game_id"], pick["player_id"])
    return f"{why}; {off[0]}" if all(off) else why


def _price(probability: float | None) -> str:
    return "no price" if probability is None else f"{probability:.1%}"


def _book(bid: float | None, ask: float | None) -> str:
    known = [f"{name} {price:g}" for name, price in (("bid", bid), ("ask", ask)) if price is not None]
    return f" ({', '.join(known)})" if known else ""


def _settled(leg: Row) -> str:
    value = (
        f" at {leg['settlement_value']:.2f}" if leg["resolved_outcome"] == "void" and leg["settlement_value"] else ""
    )
    return f"settled {leg['resolved_outcome']}{value}"


def _time(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
