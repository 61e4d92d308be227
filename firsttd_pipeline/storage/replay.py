"""Reads of the record: what happened to the season's picks and grades, event by event, up to an instant.

What the events come to is decided in `domain/replay.py`; they are written by the triggers of `grade_triggers.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, func, select

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.domain.replay import as_grades, differences, replay
from firsttd_pipeline.domain.standings import leaderboard
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import GradeRefused, bring_in_line, checked_author, hold_results, put_back
from firsttd_pipeline.storage.schema import pick_events, result_events
from firsttd_pipeline.storage.season import Season

OUTCOME: Final = ("is_correct", "any_time_td", "actual_scorer")
GRADE: Final = (*OUTCOME, "profit")
MONEY_ONLY: Final = "only its profit is another, which the rules make from odds and stake"
"""What makes two grades of a pick different."""


class NoRecord(GradeRefused):
    """The record does not reach back to that time, or the time is none that was."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """How a season stood at an instant, beside how it stands now.

    Attributes:
        board: both leaderboards, total and weeks: week, user_id, member, rank, points, first_td, profit and pending
            then and now. Who has no row on a side has nulls there.
        grades: the picks whose grade differs: pick_id, member, week, typed, then, now, can (whether `put_back_as_of`
            puts it back) and why not.
    """

    board: pl.DataFrame
    grades: pl.DataFrame


def last_event(conn: Connection) -> int:
    """The newest id of `result_events`; 0 where there is none."""
    return int(conn.execute(select(func.coalesce(func.max(result_events.c.id), 0))).scalar_one())


def events_after(conn: Connection, season: int, event_id: int, changed_by: str = "pipeline") -> list[Mapping[str, Any]]:
    """The season's `result_events` newer than an id that `changed_by` signed, oldest first."""
    table = result_events
    query = (
        select(table)
        .where(table.c.season == season, table.c.id > event_id, table.c.changed_by == changed_by)
        .order_by(table.c.id)
    )
    return [dict(row) for row in conn.execute(query).mappings()]


def standing_at(of_season: Season, until: datetime | None = None) -> pl.DataFrame:
    """The season's picks as the record leaves them after `until` (inclusive; None: all of it)."""
    return replay(*of_season.record(until), of_season.season)


def standings_at(of_season: Season, until: datetime | None = None) -> pl.DataFrame:
    """The season's leaderboard as the record gives it, total and weeks. Kickoffs are those of today's schedule."""
    return leaderboard(of_season.season, as_grades(standing_at(of_season, until), of_season.games_to_grade()))


def record_begins(conn: Connection) -> datetime | None:
    """The instant of the first event; None where nothing has happened yet."""
    first: datetime | None = conn.execute(select(func.min(pick_events.c.happened_at))).scalar_one()
    return first


def as_of(db: Database, season: int, until: datetime, now: datetime) -> AsOf:
    """The season's leaderboard and grades as they stood at `until`, beside today's.

    Raises:
        NoRecord: `until` lies in the future, or before the record begins.
    """
    with db.read() as conn:
        return _as_of(conn, Season(db, season, conn), until, now)[0]


def put_back_as_of(
    db: Database, season: int, until: datetime, *, by: str, why: str, rules: RulePack, now: datetime
) -> tuple[int, AsOf]:
    """Put the grades of `until` back as grades by hand, those that differ; points follow by today's rules.

    Returns:
        How many were put back, and what was different before.

    Raises:
        NoRecord: as for `as_of`.
        GradeRefused: nobody signs, or no reason is given.
    """
    by, why = checked_author(by, why)
    with db.write() as conn:
        hold_results(conn)
        of_season = Season(db, season, conn)
        found, standing = _as_of(conn, of_season, until, now)
        picks = found.grades.filter("can")["pick_id"].to_list()
        with signed(conn, by, why=why, at=now):
            for row in standing.filter(pl.col("pick_id").is_in(picks)).iter_rows(named=True):
                put_back(
                    conn,
                    row["pick_id"],
                    is_correct=row["is_correct"],
                    any_time_td=row["any_time_td"],
                    scorer=row["actual_scorer"],
                    # a profit that the rules made is made anew by them, or it would not go with today's stake
                    profit=row["profit"] if row["graded_by"] == "manual" else None,
                    by=by,
                    why=why,
                    now=now,
                )
            if picks:
                bring_in_line(conn, of_season, rules, now, only=picks)
    return len(picks), found


def _as_of(conn: Connection, of_season: Season, until: datetime, now: datetime) -> tuple[AsOf, pl.DataFrame]:
    begins = record_begins(conn)
    if until > now:
        raise NoRecord(f"{_shown(until)} has not been yet: give a time that is past.")
    if begins is None or until < begins:
        since = f"begins at {_shown(begins)}" if begins else "is empty"
        raise NoRecord(f"The record of picks and grades {since}: nothing is known of {_shown(until)}.")
    then = standing_at(of_season, until)
    members = of_season.members()
    old = leaderboard(of_season.season, as_grades(then, of_season.games_to_grade()))
    return AsOf(_beside(old, of_season.leaderboard(), members), _changed(then, of_season, members)), then


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"


def _beside(old: pl.DataFrame, new: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    columns = ("rank", "points", "first_td", "any_time_td", "profit", "pending")
    sides = [
        frame.select(
            pl.col("week").cast(pl.Int64),
            pl.col("user_id").cast(pl.Int64),
            *(pl.col(name).alias(f"{name}_{when}") for name in columns),
        )
        for frame, when in ((old, "then"), (new, "now"))
    ]
    both = sides[0].join(sides[1], on=["week", "user_id"], how="full", coalesce=True)
    gone = pl.lit("member ") + pl.col("user_id").cast(pl.String) + pl.lit(" (gone)")
    return (
        both.join(members, on="user_id", how="left")
        .with_columns(pl.col("member").fill_null(gone), (pl.col("points_now") - pl.col("points_then")).alias("change"))
        .select(
            *("week", "user_id", "member", "rank_then", "rank_now", "points_then", "points_now", "change"),
            *(
                f"{name}_{when}"
                for name in ("first_td", "any_time_td", "profit", "pending")
                for when in ("then", "now")
            ),
        )
        .sort("week", "rank_then", "rank_now", "member", nulls_last=True)
    )


def _changed(then: pl.DataFrame, of_season: Season, members: pl.DataFrame) -> pl.DataFrame:
    """The picks whose grade is another now."""
    standing = of_season.standing_results().rename({"actual_return": "profit"})
    today = of_season.graded_picks().select("pick_id", "user_id", "week", "player_name")
    today = today.join(standing.select("pick_id", "graded_by", *GRADE), on="pick_id", how="left")
    both = then.select("pick_id", "user_id", "week", "player_name", "graded_by", *GRADE).join(
        today.with_columns(pl.lit(True).alias("there")), on="pick_id", how="full", coalesce=True, suffix="_now"
    )
    names = dict(members.select("user_id", "member").iter_rows())
    was_there = set(then["pick_id"])
    rows = []
    for row in both.sort("pick_id").iter_rows(named=True):
        had = row["pick_id"] in was_there
        old = _grade_of(row, "") if had else None
        new = _grade_of(row, "_now") if row["there"] else None
        if had and row["there"] and _same_grade(row):
            continue
        both_there = had and bool(row["there"])
        money_only = both_there and row["graded_by"] != "manual" and _same_outcome(row)
        can = both_there and row["graded_by"] is not None and not money_only
        side = "" if had else "_now"
        rows.append(
            {
                "pick_id": row["pick_id"],
                "member": names.get(row[f"user_id{side}"], f"member {row[f'user_id{side}']}"),
                "week": row[f"week{side}"],
                "typed": row[f"player_name{side}"],
                "then": old or "not picked yet",
                "now": new or "removed",
                "can": can,
                "why_not": None if can else MONEY_ONLY if money_only else _why_not(had, bool(row["there"])),
            }
        )
    schema = {
        "pick_id": pl.Int64, "member": pl.String, "week": pl.Int64, "typed": pl.String,
        "then": pl.String, "now": pl.String, "can": pl.Boolean, "why_not": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _why_not(had: bool, there: bool) -> str:
    if not had:
        return "taken since"
    return "it had no grade then: `firsttd grade ungrade` takes one back" if there else "removed since"


def _grade_of(row: Mapping[str, Any], side: str) -> str:
    if row[f"graded_by{side}"] is None:
        return "no grade"
    correct, scorer = row[f"is_correct{side}"], row[f"actual_scorer{side}"]
    status = "void" if correct is None else "won" if correct else "lost"
    any_time = ", any time" if status == "lost" and row[f"any_time_td{side}"] else ""
    first = f", first {scorer}" if scorer else ""
    profit = "" if row[f"profit{side}"] is None else f", {row[f'profit{side}']:+g} units"
    return f"{status}{any_time}{first}{profit}"


def _same_outcome(row: Mapping[str, Any]) -> bool:
    same_presence = (row["graded_by"] is None) == (row["graded_by_now"] is None)
    return same_presence and all(row[name] == row[f"{name}_now"] for name in OUTCOME)


def _same_grade(row: Mapping[str, Any]) -> bool:
    money, money_now = row["profit"], row["profit_now"]
    same_money = money == money_now or (None not in (money, money_now) and abs(money - money_now) <= 1e-9)
    return _same_outcome(row) and same_money


# --- does the record give what is stored ------------------------------------------------------------------------------


def replay_differs(of_season: Season) -> pl.DataFrame:
    """Where replaying every event of the season does not give what is stored: pick_id, column, replayed, stored.

    Compared are every pick, every grade, and the standing of the picks that have one.
    """
    standing = standing_at(of_season)
    picks = of_season.graded_picks()
    grades = of_season.standing_results().rename({"actual_return": "profit"})
    stored = picks.select("pick_id").join(grades.select("pick_id", "graded_by", *GRADE), on="pick_id", how="left")
    of_grades = differences(standing, stored, ("graded_by", *GRADE))
    stands = of_season.statuses()
    stated = standing.join(stands.select("pick_id"), on="pick_id", how="semi")
    of_standing = differences(stated, stands, ("status", "points", "stake", "rule_pack"))
    return pl.concat([of_grades, of_standing])
