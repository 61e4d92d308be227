"""The receipt of a grade: everything that is known of one pick, from what was typed to every change since.

Reads only. A pick that was removed has a receipt too: its events outlive it.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, Table, func, select

from firsttd_pipeline.domain.grading import NO_TOUCHDOWN, RulePack, grade_picks
from firsttd_pipeline.domain.markets import NAMES, SOURCES
from firsttd_pipeline.domain.teams import canonical
from firsttd_pipeline.domain.touchdowns import DST_KINDS
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.picks import NoSuchPick
from firsttd_pipeline.storage.quarantine import second_spelling
from firsttd_pipeline.storage.schema import (
    game_records,
    games,
    market_outcomes,
    overrides,
    pick_events,
    pick_market_odds,
    pick_resolutions,
    pick_status,
    picks,
    result_events,
    results,
    rosters,
    sync_runs,
    touchdowns,
    users,
    weeks,
)
from firsttd_pipeline.storage.season import Season

DOORS: Final = {
    "cli": "firsttd picks add",
    "import": "firsttd picks import",
    "legacy": "the old application, before the upgrade",
    "external": "another program, with plain SQL",
}
_TOLD: Final = ("play_id", "player_id", "player_name", "team", "quarter", "clock", "kind", "description", "is_first_td")

Row = dict[str, Any]


def receipt(db: Database, pick_id: int, rules: RulePack, now: datetime) -> Row:
    """What is known of a pick, as one object.

    Keys: pick, understood, game, first_touchdown, no_first_touchdown (why there is none), touchdowns (of the picked
    player in the game), grade, plays_say (where the grade is not the pipeline's), stands, by_hand, source, markets (one
    object per venue that priced or settled the pick), changes. Parts that are not known are null.

    Raises:
        NoSuchPick: there is none, and never was since the record began.
    """
    with db.read() as conn:
        pick = _pick(conn, pick_id)
        if pick is None:
            return _of_removed(conn, pick_id)
        game = _one(conn, games, games.c.id == pick["game_id"])
        grade = _grade(conn, pick_id)
        scored = _touchdowns(conn, pick["game_id"])
        first = next((row for row in scored if row["is_first_td"]), None)
        plays = _plays_say(db, conn, pick, rules, now)
        by_hand = _by_hand(conn, pick_id)
        return {
            "pick": pick,
            "understood": _understood(conn, pick),
            "game": game and _game(game),
            "first_touchdown": first and _with_full_name(conn, pick["season"], first),
            "no_first_touchdown": None if first else _why_no_first(game, grade, plays),
            "touchdowns": [row for row in scored if _his(row, pick)],
            "grade": grade,
            "plays_say": plays if grade["graded_by"] in ("manual", "external") else None,
            "stands": _stands(grade, plays, by_hand),
            "by_hand": by_hand,
            "source": _source(conn, pick["game_id"]),
            "markets": _markets(conn, pick),
            "changes": _changes(conn, pick_id),
        }


# --- the pick ---------------------------------------------------------------------------------------------------------


def _pick(conn: Connection, pick_id: int) -> Row | None:
    row = (
        conn.execute(
            select(picks, users.c.name.label("member"), weeks.c.season, weeks.c.week)
            .join(users, users.c.id == picks.c.user_id)
            .join(weeks, weeks.c.id == picks.c.week_id)
            .where(picks.c.id == pick_id)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return {
        "id": row["id"],
        "member": row["member"],
        "season": row["season"],
        "week": row["week"],
        "typed": row["player_name"],
        "team": row["team"],
        "odds": _number(row["odds"]),
        "odds_are_a_placeholder": bool(row["odds_placeholder"]),
        "kind": row["kind"],
        "player_id": row["player_id"],
        "game_id": row["game_id"],
        "entered_at": row["created_at"],
        "door": DOORS.get(row["source"], row["source"]),
        "late_reason": row["late_reason"],
        "removed_at": None,
    }


def _of_removed(conn: Connection, pick_id: int) -> Row:
    """The receipt of a pick that is not there any more, from its events."""
    last = _last(conn, pick_events, pick_id) or _last(conn, result_events, pick_id)
    if last is None:
        raise NoSuchPick(f"There is no pick {pick_id}, and the record knows of none.")
    member = conn.execute(select(users.c.name).where(users.c.id == last["user_id"])).scalar()
    game = _one(conn, games, games.c.id == last["game_id"])
    scored = _touchdowns(conn, last["game_id"])
    pick = {
        "id": pick_id,
        "member": member or f"member {last['user_id']} (gone)",
        "season": last["season"],
        "week": last["week"],
        "typed": last["player_name"],
        "team": None,
        "odds": _number(last.get("odds")),
        "odds_are_a_placeholder": None,
        "kind": last.get("kind"),
        "player_id": last["player_id"],
        "game_id": last["game_id"],
        "entered_at": None,
        "door": None,
        "late_reason": None,
        "removed_at": last["happened_at"],
    }
    first = next((row for row in scored if row["is_first_td"]), None)
    return {
        "pick": pick,
        "understood": None,
        "game": game and _game(game),
        "first_touchdown": first and _with_full_name(conn, last["season"], first),
        "no_first_touchdown": None,
        "touchdowns": [row for row in scored if _his(row, pick)],
        "grade": None,
        "plays_say": None,
        "stands": _aside(conn, pick_id) or "The pick was removed, and its grade went with it.",
        "by_hand": None,
        "source": _source(conn, last["game_id"]),
        "markets": [],
        "changes": _changes(conn, pick_id),
    }


def _aside(conn: Connection, pick_id: int) -> str | None:
    """That the pick stands in quarantine, where it is a second spelling and not back."""
    reason = second_spelling(conn, pick_id)
    return reason and f"The pick is set aside, whole with its grade in the table quarantine: {reason}."


def _understood(conn: Connection, pick: Row) -> Row:
    columns = (
        "state",
        "player_id",
        "player",
        "method",
        "confidence",
        "runner_up",
        "message",
        "resolved_by",
        "resolved_at",
    )
    row = _one(conn, pick_resolutions, pick_resolutions.c.pick_id == pick["id"])
    if row is not None:
        return {name: row[name] for name in columns} | {"confidence": _number(row["confidence"])}
    known = pick["player_id"] is not None
    return dict.fromkeys(columns) | {
        "state": "understood" if known else "not understood yet",
        "player_id": pick["player_id"],
        "player": player_name(conn, pick["season"], pick["player_id"]),
        "message": "how is not recorded" if known else None,
    }


def player_name(conn: Connection, season: int, player_id: str | None) -> str | None:
    """What an id is called for people; null: nobody of that season."""
    if player_id is None:
        return None
    if player_id == "NO_TD":
        return "No touchdown"
    if player_id.startswith("DST:"):
        return player_id.removeprefix("DST:") + " D/ST"
    named = select(func.min(rosters.c.player_name)).where(rosters.c.season == season, rosters.c.player_id == player_id)
    name: str | None = conn.execute(named).scalar()
    return name


# --- the game ---------------------------------------------------------------------------------------------------------


def _game(row: Row) -> Row:
    names = (
        "id",
        "kickoff_at",
        "away_team",
        "away_score",
        "home_team",
        "home_score",
        "status",
        "overtime",
        "deleted_at",
    )
    return {name: row[name] for name in names}


def _touchdowns(conn: Connection, game_id: str | None) -> list[Row]:
    if game_id is None:
        return []
    order = (touchdowns.c.order_sequence, touchdowns.c.play_id)
    query = select(*(touchdowns.c[name] for name in _TOLD)).where(touchdowns.c.game_id == game_id).order_by(*order)
    return [dict(row) for row in conn.execute(query).mappings()]


def _with_full_name(conn: Connection, season: int, touchdown: Row) -> Row:
    return touchdown | {"full_name": player_name(conn, season, touchdown["player_id"])}


def _his(touchdown: Row, pick: Row) -> bool:
    player = pick["player_id"]
    if player is None or player == "NO_TD":
        return False
    if player.startswith("DST:"):
        return touchdown["kind"] in DST_KINDS and _code(touchdown["team"]) == _code(player.removeprefix("DST:"))
    return bool(touchdown["player_id"] == player)


def _code(team: str | None) -> str | None:
    try:
        return team and canonical(team)
    except ValueError:
        return team


def _why_no_first(game: Row | None, grade: Row, plays: Row | None) -> str:
    if game is None:
        return "the pick has no game"
    if plays is not None and plays["scorer"] == NO_TOUCHDOWN:
        return "the game had no touchdown"
    return (plays or {}).get("reason") or grade["reason"] or "its plays are not here"


def _source(conn: Connection, game_id: str | None) -> Row | None:
    """The file in which the game's plays last changed: its hash, upstream's time of it and when it was fetched."""
    record = _one(conn, game_records, game_records.c.game_id == game_id)
    if record is None:
        return None
    fetched = (
        conn.execute(
            select(sync_runs.c.url, sync_runs.c.upstream_modified_at, sync_runs.c.fetched_at)
            .where(sync_runs.c.sha256 == record["source_sha256"], sync_runs.c.dataset == "pbp")
            .order_by(sync_runs.c.id)
            .limit(1)
        )
        .mappings()
        .first()
    )
    return {
        "sha256": record["source_sha256"],
        "url": fetched["url"] if fetched else None,
        "upstream_modified_at": fetched["upstream_modified_at"] if fetched else None,
        "fetched_at": fetched["fetched_at"] if fetched else None,
        "plays": record["plays"],
        "reaches_end": record["reaches_end"],
        "score_in_plays": [record["away_score"], record["home_score"]],
    }


# --- the markets ------------------------------------------------------------------------------------------------------

_PRICED: Final = (
    "pick_probability",
    "pick_price_at",
    "pick_reason",
    "closing_probability",
    "closing_at",
    "closing_bid",
    "closing_ask",
    "closing_reason",
    "fair_probability",
    "fair_reason",
    "assumption",
    "expected_value",
    "closing_line_value",
    "value_reason",
)
_OUTCOME: Final = ("market_id", "resolved_outcome", "settlement_value", "resolution_time")


def _markets(conn: Connection, pick: Row) -> list[Row]:
    """What each venue said of the pick: its prices as `pick_market_odds` has them (null: it has none), and how its legs
    on the same player were settled."""
    priced = {
        row["source"]: dict(row)
        for row in conn.execute(
            select(pick_market_odds.c.source, *(pick_market_odds.c[name] for name in _PRICED)).where(
                pick_market_odds.c.pick_id == pick["id"]
            )
        ).mappings()
    }
    settled: dict[str, list[Row]] = {}
    if pick["game_id"] is not None and pick["player_id"] is not None:
        legs = market_outcomes.c
        query = select(legs.source, *(legs[name] for name in _OUTCOME)).where(
            legs.game_id == pick["game_id"], legs.player_id == pick["player_id"]
        )
        for row in conn.execute(query.order_by(legs.market_id)).mappings():
            settled.setdefault(row["source"], []).append({name: row[name] for name in _OUTCOME})
    nothing = dict.fromkeys(_PRICED)
    return [
        {"venue": NAMES[source], **(nothing | {"source": source} | priced.get(source, {}))}
        | {"priced": source in priced, "outcomes": settled.get(source, [])}
        for source in SOURCES
        if source in priced or source in settled
    ]


# --- the grade --------------------------------------------------------------------------------------------------------


def _grade(conn: Connection, pick_id: int) -> Row:
    stands = _one(conn, pick_status, pick_status.c.pick_id == pick_id) or {}
    row = _one(conn, results, results.c.pick_id == pick_id) or {}
    status = stands.get("status", "pending")
    if row:
        status = "void" if row["is_correct"] is None else "won" if row["is_correct"] else "lost"
    return {
        "status": status,
        "reason": stands.get("reason") if stands else "not graded yet",
        "finality": stands.get("finality"),
        "any_time_td": row.get("any_time_td"),
        "scorer": row.get("actual_scorer"),
        "scorer_id": row.get("actual_scorer_id"),
        "points": _number(stands.get("points")),
        "stake": _number(stands.get("stake")),
        "profit": _number(row.get("actual_return")),
        "rule_pack": stands.get("rule_pack"),
        "graded_by": row.get("graded_by"),
        "graded_at": row.get("graded_at"),
    }


def _plays_say(db: Database, conn: Connection, pick: Row, rules: RulePack, now: datetime) -> Row | None:
    of_season = Season(db, pick["season"], conn)
    mine = of_season.picks_to_grade().filter(pl.col("pick_id") == pick["id"])
    if mine.is_empty():
        return None
    games_, records = of_season.games_to_grade(), of_season.records()
    said = grade_picks(mine, games_, of_season.touchdowns(), records, rules, now).row(0, named=True)
    names = ("status", "reason", "any_time_td", "points", "profit")
    return {name: said[name] for name in names} | {"scorer": said["actual_scorer"]}


def _by_hand(conn: Connection, pick_id: int) -> Row | None:
    where = (overrides.c.pick_id == pick_id) & overrides.c.ended_at.is_(None)
    row = _one(conn, overrides, where)
    return row and {name: row[name] for name in ("kind", "made_by", "made_at", "why")}


def _stands(grade: Row, plays: Row | None, by_hand: Row | None) -> str:
    """Whose grade stands, and why, in a sentence."""
    match grade["graded_by"]:
        case None:
            return f"No grade stands: {grade['reason'] or 'not graded yet'}."
        case "pipeline":
            return "The pipeline's own, derived anew every night from the plays."
        case "manual":
            who = f"by {by_hand['made_by']}: {by_hand['why']}" if by_hand else "by somebody who is not recorded"
            return f"By hand, {who}. No nightly run changes it."
        case _:
            if plays is None or plays["status"] == "pending":
                return "Another program's; the plays cannot decide this pick yet."
            same = plays["status"] == grade["status"] and bool(plays["any_time_td"]) == bool(grade["any_time_td"])
            told = "the plays say the same" if same else "the plays say otherwise, `firsttd reconcile` accepts theirs"
            return f"Another program's, until somebody accepts another; {told}."


# --- what happened ----------------------------------------------------------------------------------------------------

_ORDER = {"picked": 0, "removed": 2}


def _changes(conn: Connection, pick_id: int) -> list[Row]:
    """Every change of the pick and of its grade, oldest first."""
    found: list[tuple[datetime, int, int, Row]] = []
    before: Row = {}
    of_pick = select(pick_events).where(pick_events.c.pick_id == pick_id).order_by(pick_events.c.id)
    at: datetime | None = None
    for event in conn.execute(of_pick).mappings():
        row = dict(event) | {"odds": _number(event["odds"])}
        at = max(at or row["happened_at"], row["happened_at"])  # the order they were written in, whatever the clocks
        if row["event"] == "stated":
            continue
        found.append((at, _ORDER.get(row["event"], 1), row["id"], _change(row, "", _pick_told(before, row))))
        before = row
    of_grade = select(result_events).where(result_events.c.pick_id == pick_id).order_by(result_events.c.id)
    at = None
    for event in conn.execute(of_grade).mappings():
        row = dict(event)
        at = max(at or row["happened_at"], row["happened_at"])
        found.append((at, 1, row["id"], _change(row, _grade_told(row, "old"), _grade_told(row, "new"))))
    return [row for *_, row in sorted(found, key=lambda one: one[:3])]


def _change(event: Row, old: str, new: str) -> Row:
    return {
        "at": event["happened_at"],
        "event": event["event"],
        "before": old,
        "after": new,
        "graded_by": event.get("graded_by"),
        "by": event["changed_by"] or "another program",
        "why": event["why"],
        "was_official": event.get("was_official"),
        "run_id": event["run_id"],
    }


def _pick_told(before: Row, row: Row) -> str:
    """What of the pick is new in an event; all of it in the first."""
    names = {"player_name": "typed", "player_id": "player", "game_id": "game", "week": "week", "odds": "odds"}
    if row["event"] == "removed":
        return ""
    new = [
        f"{word} {_shown(row[name])}"
        for name, word in names.items()
        if (before and row[name] != before.get(name)) or (not before and row[name] is not None)
    ]
    if before and row["user_id"] != before.get("user_id"):
        new.append(f"member {row['user_id']}")
    return ", ".join(new)


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:+g}" if isinstance(value, float) else str(value)


def _grade_told(event: Row, side: str) -> str:
    status = event[f"{side}_status"]
    if status is None:
        return ""
    any_time = ", any time" if status == "lost" and event[f"{side}_any_time_td"] else ""
    scorer = f", first {event[f'{side}_actual_scorer']}" if event[f"{side}_actual_scorer"] else ""
    money = _number(event[f"{side}_actual_return"])
    return f"{status}{any_time}{scorer}" + ("" if money is None else f", {money:+g} units")


def _number(value: Any) -> float | None:
    """A number that can be told; None: not known, as text, a BLOB or infinity of another program are."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _one(conn: Connection, table: Table, where: Any) -> Row | None:
    row = conn.execute(select(table).where(where).limit(1)).mappings().first()
    return None if row is None else dict(row)


def _last(conn: Connection, table: Table, pick_id: int) -> Row | None:
    query = select(table).where(table.c.pick_id == pick_id).order_by(table.c.id.desc()).limit(1)
    row = conn.execute(query).mappings().first()
    return None if row is None else dict(row)
