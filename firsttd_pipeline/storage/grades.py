"""Grades by hand: give one, override or void one, take one back; each with who, when and why.

A grade by hand (`manual`) stands through every nightly run until somebody takes it back. Here is also what brings a
pick's standing in line with its grade, whoever wrote that. What the plays say of grades by others: `reconcile.py`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import polars as pl
from sqlalchemy import Connection, delete, insert, select, text, update

from firsttd_pipeline.domain.grading import NO_TOUCHDOWN, RulePack, grade_picks, grades_from_results
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.settlement import settlement
from firsttd_pipeline.domain.sheets import bad_character, clean
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.partitions import write_money_of_others, write_statuses
from firsttd_pipeline.storage.picks import NoSuchPick, PickRefused
from firsttd_pipeline.storage.schema import (
    games,
    overrides,
    pick_status,
    picks,
    results,
    rosters,
    touchdowns,
    users,
    weeks,
)
from firsttd_pipeline.storage.season import Season

MAX_NAME: Final = 80
MAX_WHY: Final = 500
_NOT_PEOPLE: Final = frozenset({"pipeline", "upgrade", "cli", "import", "external", "manual"})
Kind = Literal["grade", "override", "void"]


class GradeRefused(PickRefused):
    """The grade cannot be given or taken back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pick stands: its grade and what follows from it. `status` is None where it was never graded."""

    status: str | None = None
    reason: str | None = None
    finality: str | None = None
    any_time_td: bool | None = None
    scorer: str | None = None
    points: float | None = None
    profit: float | None = None
    graded_by: str | None = None


@dataclass(frozen=True, slots=True)
class GradeChange:
    """What a grade by hand changed."""

    pick_id: int
    member: str
    season: int
    week: int
    game_id: str | None
    typed: str
    before: Standing
    after: Standing


@dataclass(frozen=True, slots=True)
class _Grade:
    is_correct: bool | None
    any_time_td: bool | None = None
    scorer: str | None = None
    scorer_id: str | None = None
    profit: float | None = None


# --- by hand ----------------------------------------------------------------------------------------------------------


def grade_result(
    db: Database,
    pick_id: int,
    *,
    won: bool,
    any_time_td: bool | None = None,
    scorer: str | None = None,
    by: str,
    why: str,
    now: datetime,
    rules: RulePack | None = None,
    profit: float | None = None,
) -> GradeChange:
    """Grade a pick that has no grade.

    Args:
        db: the league's database.
        pick_id: the pick.
        won: whether its player scored first.
        any_time_td: whether he scored at all; None: as the plays say, else only where he won.
        scorer: the game's first scorer, a name or gsis_id; None: as the plays say where they agree.
        by: the person who grades.
        why: for everybody who asks later.
        now: an aware instant.
        rules: the league's rules; None: points and money follow with the next run.
        profit: in units; None: by the odds.

    Raises:
        NoSuchPick: there is none.
        GradeRefused: nobody signs, no reason is given, a grade stands already, or there is nothing to grade yet.
    """
    wanted = (won, any_time_td, scorer, profit)
    return _by_hand(db, pick_id, "grade", wanted, by=by, why=why, now=now, rules=rules)


def override(
    db: Database,
    pick_id: int,
    *,
    won: bool,
    any_time_td: bool | None = None,
    scorer: str | None = None,
    by: str,
    why: str,
    now: datetime,
    rules: RulePack | None = None,
    profit: float | None = None,
) -> GradeChange:
    """Replace the grade that stands, whoever gave it, or give the first one. Arguments as for `grade_result`.

    Raises:
        NoSuchPick: there is none.
        GradeRefused: nobody signs, no reason is given, this grade stands already, or there is nothing to grade yet.
    """
    wanted = (won, any_time_td, scorer, profit)
    return _by_hand(db, pick_id, "override", wanted, by=by, why=why, now=now, rules=rules)


def void(db: Database, pick_id: int, *, by: str, why: str, now: datetime, rules: RulePack | None = None) -> GradeChange:
    """Make a pick void, graded or not: the stake comes back. Arguments as for `grade_result`.

    Raises:
        NoSuchPick: there is none.
        GradeRefused: nobody signs, no reason is given, or it is void already.
    """
    return _by_hand(db, pick_id, "void", (None, None, None, None), by=by, why=why, now=now, rules=rules)


def ungrade(
    db: Database, pick_id: int, *, by: str, why: str, now: datetime, rules: RulePack | None = None
) -> GradeChange:
    """Take a grade back, whoever gave it: the pipeline grades the pick itself in the next nightly run.

    Raises:
        NoSuchPick: there is none.
        GradeRefused: nobody signs, no reason is given, or it has no grade.
    """
    by, why = checked_author(by, why)
    with db.write() as conn:
        hold_results(conn)
        pick = _pick(conn, pick_id)
        before = _standing(conn, pick_id)
        if before.graded_by is None:
            raise GradeRefused(f"Pick {pick_id} has no grade to take back: it is {_told(before)}.")
        with signed(conn, by, why=why, at=now):
            conn.execute(delete(results).where(results.c.pick_id == pick_id))
            _end_overrides(conn, pick_id, by, why, now)
            if rules is not None:
                bring_in_line(conn, Season(db, pick.season, conn), rules, now, only=[pick_id])
        return _change(pick, before, _standing(conn, pick_id))


def put_back(
    conn: Connection,
    pick_id: int,
    *,
    is_correct: bool | None,
    any_time_td: bool | None,
    scorer: str | None,
    profit: float | None,
    by: str,
    why: str,
    now: datetime,
) -> None:
    """Write a grade of the record as one by hand, inside the caller's transaction, which is signed by `by`."""
    grade = _Grade(is_correct, any_time_td, scorer, None, profit)
    _put(conn, pick_id, grade, now)
    _end_overrides(conn, pick_id, by, "replaced", now)
    _record(conn, pick_id, "void" if is_correct is None else "override", grade, by, why, now)


def hold_results(conn: Connection) -> None:
    """Keep others from writing results until the transaction ends: who reads which picks have a grade, then grades.

    SQLite has one writer at a time; on PostgreSQL another program's result waits here, and reads go on.
    """
    if conn.dialect.name != "sqlite":
        conn.execute(text("LOCK TABLE results IN SHARE ROW EXCLUSIVE MODE"))


def checked_author(by: str, why: str) -> tuple[str, str]:
    """Who and why, as they are kept.

    Raises:
        GradeRefused: one of them is empty, too long, cannot be shown, or `by` is no person.
    """
    return checked_who(by), _checked("Why", why, MAX_WHY, "a reason (--why)")


def checked_who(by: str) -> str:
    """Who answers, grades or removes, as it is kept.

    Raises:
        GradeRefused: nobody, a name too long or that cannot be shown, or no person.
    """
    by = _checked("Who", by, MAX_NAME, "a name (--by)")
    if by.casefold() in _NOT_PEOPLE:
        raise GradeRefused(f"{by!r} signs for programs: give the name of the person.")
    return by


def _checked(name: str, given: str, most: int, wanted: str) -> str:
    given = clean(given)
    if not given.strip("\u200c\u200d"):
        raise GradeRefused(f"{name} is missing: a change by hand needs {wanted}.")
    if code := bad_character(given):
        raise GradeRefused(f"{name} cannot hold the character {code} (control, line break or direction mark).")
    if len(given) > most:
        raise GradeRefused(f"{name} has at most {most} characters; this has {len(given)}.")
    return given


def _by_hand(
    db: Database,
    pick_id: int,
    kind: Kind,
    wanted: tuple[bool | None, bool | None, str | None, float | None],
    *,
    by: str,
    why: str,
    now: datetime,
    rules: RulePack | None,
) -> GradeChange:
    by, why = checked_author(by, why)
    with db.write() as conn:
        hold_results(conn)
        pick = _pick(conn, pick_id)
        before = _standing(conn, pick_id)
        if kind == "grade" and before.graded_by is not None:
            raise GradeRefused(f"Pick {pick_id} has a grade: {_told(before)}. `firsttd grade override` replaces it.")
        of_season = Season(db, pick.season, conn)
        if kind == "void":
            grade = _Grade(None, profit=0.0)
        else:
            grade = _completed(conn, of_season, pick, wanted, rules or RulePack(), now)
        _refuse_the_same(pick_id, before, grade, scorer_given=wanted[2] is not None, profit_given=wanted[3] is not None)
        if rules is not None and grade.profit is None:
            grade = _with_money(of_season, pick_id, grade, rules, now)
        with signed(conn, by, why=why, at=now):
            _put(conn, pick_id, grade, now)
            _end_overrides(conn, pick_id, by, f"replaced: {why}", now)
            _record(conn, pick_id, kind, grade, by, why, now)
            if rules is not None:
                bring_in_line(conn, of_season, rules, now, only=[pick_id])
        return _change(pick, before, _standing(conn, pick_id))


def _completed(
    conn: Connection,
    of_season: Season,
    pick: Any,
    wanted: tuple[bool | None, bool | None, str | None, float | None],
    rules: RulePack,
    now: datetime,
) -> _Grade:
    """The grade as it is stored: what the person left out, from the plays where they do not contradict him."""
    won, any_time_td, scorer, profit = wanted
    assert won is not None
    _refuse_without_game(conn, pick, now)
    if profit is not None and not math.isfinite(profit):
        raise GradeRefused(f"A profit is a number of units, not {profit}.")
    if won and any_time_td is not None and any_time_td != (pick.kind != "no_td"):
        what = "scored" if pick.kind != "no_td" else "has nobody who scored"
        raise GradeRefused(f"A won pick of this kind {what}: leave --any-time/--no-any-time out.")
    plays = _plays_say(of_season, pick.id, rules, now)
    if any_time_td is None:
        any_time_td = pick.kind != "no_td" if won else bool(plays["any_time_td"]) and pick.kind != "no_td"
    name: str | None
    if scorer is not None:
        name, scorer_id = _named(conn, pick, scorer)
        if won and pick.kind == "player" and scorer_id is not None and scorer_id != pick.player_id:
            raise GradeRefused(f"{name} is not the player of pick {pick.id}: if he scored first, it is lost.")
    elif plays["is_correct"] is won:
        name, scorer_id = plays["actual_scorer"], plays["actual_scorer_id"]
    elif won:
        name, scorer_id = _own_name(conn, pick)
    else:
        name, scorer_id = None, None
    return _Grade(won, any_time_td, name, scorer_id, profit)


def _refuse_without_game(conn: Connection, pick: Any, now: datetime) -> None:
    if pick.game_id is None:
        raise GradeRefused(f"Pick {pick.id} has no game: give it one first, or make it void (`firsttd grade void`).")
    game = conn.execute(select(games.c.kickoff_at, games.c.status).where(games.c.id == pick.game_id)).first()
    if game is None:
        raise GradeRefused(f"The game {pick.game_id} of pick {pick.id} is not here: run `firsttd nightly` first.")
    if game.kickoff_at is not None and game.kickoff_at > now and game.status != "final":
        raise GradeRefused(
            f"The game {pick.game_id} of pick {pick.id} has not kicked off: there is nothing to grade yet. "
            f"`firsttd grade void` takes the pick out."
        )


def _refuse_the_same(pick_id: int, before: Standing, grade: _Grade, *, scorer_given: bool, profit_given: bool) -> None:
    if before.graded_by is None:
        return
    standing = {"won": True, "lost": False}.get(before.status or "")
    same = (
        standing is grade.is_correct
        and bool(before.any_time_td) == bool(grade.any_time_td)
        and (not scorer_given or before.scorer == grade.scorer)
        and (not profit_given or before.profit == grade.profit)
    )
    if same:
        raise GradeRefused(f"Pick {pick_id} is {_told(before)} already: there is nothing to change.")


def _plays_say(of_season: Season, pick_id: int, rules: RulePack, now: datetime) -> dict[str, Any]:
    picked = of_season.picks_to_grade().filter(pl.col("pick_id") == pick_id)
    games_, scored, records = of_season.games_to_grade(), of_season.touchdowns(), of_season.records()
    return grade_picks(picked, games_, scored, records, rules, now).row(0, named=True)


def _with_money(of_season: Season, pick_id: int, grade: _Grade, rules: RulePack, now: datetime) -> _Grade:
    row = pl.DataFrame(
        {
            "pick_id": [pick_id],
            "graded_by": ["manual"],
            "is_correct": [grade.is_correct],
            "any_time_td": [grade.any_time_td],
            "actual_scorer": [grade.scorer],
            "actual_scorer_id": [grade.scorer_id],
            "actual_return": [None],
        }
    )
    graded = grades_from_results(row, of_season.picks_to_grade(), of_season.games_to_grade(), rules, now)
    return _Grade(grade.is_correct, grade.any_time_td, grade.scorer, grade.scorer_id, graded["profit"][0])


def _named(conn: Connection, pick: Any, scorer: str) -> tuple[str, str | None]:
    """The first scorer as a person named him, with his id where exactly one player of the game is called so."""
    name = clean(scorer)
    if not name or bad_character(name) or len(name) > MAX_NAME:
        raise GradeRefused("The scorer is a player's name or gsis_id.")
    if normalise(name) in ("no touchdown", "no td"):
        return NO_TOUCHDOWN, None
    game = conn.execute(select(games.c.home_team, games.c.away_team).where(games.c.id == pick.game_id)).one()
    on_rosters = conn.execute(
        select(rosters.c.player_id, rosters.c.player_name).where(
            rosters.c.season == pick.season, rosters.c.team.in_([game.home_team, game.away_team])
        )
    )
    scored = conn.execute(
        select(touchdowns.c.player_id, touchdowns.c.player_name).where(touchdowns.c.game_id == pick.game_id)
    )
    for rows in (on_rosters.all(), scored.all()):
        found = {
            row.player_id: row.player_name
            for row in rows
            if row.player_id and (row.player_id == name or normalise(row.player_name or "") == normalise(name))
        }
        if len(found) == 1:
            ((player_id, full),) = found.items()
            return full, player_id
    return name, None


def _own_name(conn: Connection, pick: Any) -> tuple[str | None, str | None]:
    """The first scorer of a pick that won against the plays: its own player."""
    if pick.kind == "no_td":
        return NO_TOUCHDOWN, None
    if pick.kind == "dst" or pick.player_id is None:
        return None, None
    full = conn.execute(
        select(rosters.c.player_name).where(rosters.c.season == pick.season, rosters.c.player_id == pick.player_id)
    ).scalar()
    return full or pick.player_name, pick.player_id


# --- reads and writes of one pick -------------------------------------------------------------------------------------


def _pick(conn: Connection, pick_id: int) -> Any:
    columns = ("id", "user_id", "game_id", "kind", "player_id", "player_name")
    row = conn.execute(
        select(*(picks.c[name] for name in columns), users.c.name.label("member"), weeks.c.season, weeks.c.week)
        .join(users, users.c.id == picks.c.user_id)
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(picks.c.id == pick_id)
    ).first()
    if row is None:
        raise NoSuchPick(f"There is no pick {pick_id}: `firsttd picks list` shows them with their ids.")
    return row


def _standing(conn: Connection, pick_id: int) -> Standing:
    stands = conn.execute(select(pick_status).where(pick_status.c.pick_id == pick_id)).mappings().first()
    grade = conn.execute(select(results).where(results.c.pick_id == pick_id)).mappings().first()
    status = stands["status"] if stands else None
    if grade is not None:
        status = "void" if grade["is_correct"] is None else "won" if grade["is_correct"] else "lost"
    return Standing(
        status=status,
        reason=stands["reason"] if stands else None,
        finality=stands["finality"] if stands else None,
        any_time_td=grade["any_time_td"] if grade else None,
        scorer=grade["actual_scorer"] if grade else None,
        points=stands["points"] if stands else None,
        profit=grade["actual_return"] if grade else None,
        graded_by=grade["graded_by"] if grade else None,
    )


def _told(standing: Standing) -> str:
    if standing.graded_by is None:
        return f"pending ({standing.reason or 'not graded yet'})"
    author = {"pipeline": "the pipeline", "manual": "hand", "external": "another program"}[standing.graded_by]
    scored = " with an any-time touchdown" if standing.status == "lost" and standing.any_time_td else ""
    return f"{standing.status}{scored}, by {author}"


def _change(pick: Any, before: Standing, after: Standing) -> GradeChange:
    return GradeChange(pick.id, pick.member, pick.season, pick.week, pick.game_id, pick.player_name, before, after)


def _put(conn: Connection, pick_id: int, grade: _Grade, now: datetime, author: str = "manual") -> None:
    values = {
        "is_correct": grade.is_correct,
        "any_time_td": grade.any_time_td,
        "actual_scorer": grade.scorer,
        "actual_scorer_id": grade.scorer_id,
        "actual_return": grade.profit,
        "graded_by": author,
        "graded_at": now,
    }
    if not conn.execute(update(results).where(results.c.pick_id == pick_id).values(values)).rowcount:
        conn.execute(insert(results).values(pick_id=pick_id, created_at=now, **values))


def _record(conn: Connection, pick_id: int, kind: Kind, grade: _Grade, by: str, why: str, now: datetime) -> None:
    conn.execute(
        insert(overrides).values(
            pick_id=pick_id,
            kind=kind,
            is_correct=grade.is_correct,
            any_time_td=grade.any_time_td,
            actual_scorer=grade.scorer,
            made_by=by,
            made_at=now,
            why=why,
        )
    )


def _end_overrides(conn: Connection, pick_id: int, by: str, why: str, now: datetime) -> None:
    stands = (overrides.c.pick_id == pick_id) & overrides.c.ended_at.is_(None)
    conn.execute(update(overrides).where(stands).values(ended_at=now, ended_by=by, ended_why=why))


# --- a pick's standing follows its grade ------------------------------------------------------------------------------


def bring_in_line(
    conn: Connection,
    of_season: Season,
    rules: RulePack,
    now: datetime,
    *,
    only: Collection[int] | None = None,
) -> None:
    """Write the standing and the money of picks whose grade is not the pipeline's, or is gone.

    Inside the caller's signed transaction. `only`: these picks and no other.
    """
    standing, statuses = of_season.standing_results(), of_season.statuses()
    if only is not None:
        standing, statuses = (frame.filter(pl.col("pick_id").is_in(list(only))) for frame in (standing, statuses))
    stands = select(results.c.pick_id).where(results.c.graded_by == "manual")
    lost = overrides.c.ended_at.is_(None) & overrides.c.pick_id.not_in(stands)
    conn.execute(
        update(overrides).where(lost).values(ended_at=now, ended_by=None, ended_why="its grade was removed or replaced")
    )
    by_others = standing.filter(pl.col("graded_by") != "pipeline").height > 0
    if not by_others and not _decided_without_grade(statuses, standing):
        return  # most nights of most leagues
    settled = settlement(standing, statuses, of_season.picks_to_grade(), of_season.games_to_grade(), rules, now)
    write_money_of_others(conn, of_season.season, settled.money, now)
    rows = pl.concat([settled.statuses, settled.taken_back], how="vertical_relaxed")
    write_statuses(conn, of_season.season, rows, now)


def _decided_without_grade(statuses: pl.DataFrame, standing: pl.DataFrame) -> bool:
    decided = statuses.filter(pl.col("status") != "pending")
    return decided.join(standing, on="pick_id", how="anti").height > 0
