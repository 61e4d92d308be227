"""Picks that others wrote: understood, asked about, or set aside as a second spelling; and the answers people give.

Nothing is guessed: what the resolver does not answer is a question (`pick_resolutions`) until somebody confirms it or
a new alias or roster answers. A second spelling of a pick goes into quarantine whole, and is never counted twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.resolver import Scored
from firsttd_pipeline.domain.seasons import parse_game_id
from firsttd_pipeline.storage.aliases import MadeAlias, Scope, make_alias, scope_of
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import checked_who
from firsttd_pipeline.storage.members import find_member
from firsttd_pipeline.storage.picks import NoSuchPick, existing_picks, resolution_values
from firsttd_pipeline.storage.quarantine import SECOND_SPELLING, keep_whole, resolve_put_back
from firsttd_pipeline.storage.schema import (
    pick_market_odds,
    pick_resolutions,
    pick_status,
    picks,
    results,
    users,
    weeks,
)
from firsttd_pipeline.storage.season_book import (
    NO_TEAM,
    SPECIAL,
    GameRefused,
    NameNotUnderstood,
    PickRefused,
    SeasonBook,
    Understood,
    checked_typed,
)

_HELD = (picks, results, pick_market_odds)
"""What goes into quarantine with a second spelling."""

_OTHERS = ("external", "manual")
_OUTCOME = {True: "won", False: "lost", None: "void"}


@dataclass(frozen=True, slots=True)
class UnderstandCounts:
    """What `understand_picks` did with the picks that had no player_id.

    Attributes:
        examined: picks looked at.
        understood: picks given their player.
        questions: picks that ask, and why nobody was chosen, by pick id.
        set_aside: picks taken out as a second spelling, and of which one, by pick id.
    """

    examined: int = 0
    understood: int = 0
    questions: Mapping[int, str] = field(default_factory=dict)
    set_aside: Mapping[int, str] = field(default_factory=dict)


def understand_picks(
    conn: Connection,
    season: int,
    *,
    now: datetime,
    run_id: str | None = None,
    who: str = "pipeline",
    only: Collection[int] | None = None,
) -> UnderstandCounts:
    """Give the season's picks that were written without a player theirs, by the same matching as `add_pick`.

    Runs inside the caller's transaction. Never raises for what a pick holds. Of two picks of one member and week that
    mean the same player the one understood earlier stays, else the one written first.

    Args:
        only: these picks alone.
        who: signs the changes.
    """
    waiting = [row for row in _waiting(conn, season) if only is None or row.id in only]
    if not waiting:
        resolve_put_back(conn, _HELD, now)
        return UnderstandCounts()
    book = SeasonBook.load(conn, season)
    answers: dict[int, Understood] = {}
    asked: dict[int, PickRefused] = {}
    for row in waiting:
        try:
            answers[row.id] = book.understand_written(
                row.game_id, row.week, row.player_name, row.team, member_id=row.user_id
            )
        except PickRefused as refused:
            asked[row.id] = refused
    understood, twins = _apart(conn, season, [row for row in waiting if row.id in answers], answers)
    with signed(conn, who, run_id=run_id, at=now):
        _ask(conn, asked, who, now)
        failed = _write(conn, understood, answers, who, now)
    for pick_id, other in twins.items():
        _set_aside(conn, season, pick_id, other, answers[pick_id].player_name, who=who, run_id=run_id, now=now)
    resolve_put_back(conn, _HELD, now)  # last: what is set aside again stands there still
    questions = {pick_id: str(why) for pick_id, why in asked.items()} | failed
    told = {pick_id: f"{SECOND_SPELLING}{other}" for pick_id, other in twins.items()}
    return UnderstandCounts(len(waiting), len(understood) - len(failed), questions, told)


def _waiting(conn: Connection, season: int | None) -> list[Row[Any]]:
    """The picks without a player, in the order they were written."""
    query = (
        select(
            picks.c.id,
            picks.c.user_id,
            picks.c.week_id,
            picks.c.player_name,
            picks.c.team,
            picks.c.game_id,
            weeks.c.season,
            weeks.c.week,
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(picks.c.player_id.is_(None))
        .order_by(picks.c.id)
    )
    return list(conn.execute(query if season is None else query.where(weeks.c.season == season)))


def _apart(
    conn: Connection, season: int, rows: Sequence[Row[Any]], answers: Mapping[int, Understood]
) -> tuple[list[Row[Any]], dict[int, int]]:
    """The picks that get their player, and those that are a second spelling, with the pick they repeat."""
    if not rows:
        return [], {}
    existing = existing_picks(conn, season, user_ids=sorted({row.user_id for row in rows}))
    standing = {
        (*member_and_week, pick.player_id): pick.id
        for member_and_week, found in existing.items()
        for pick in found
        if pick.player_id is not None
    }
    first, twins = [], {}
    for row in rows:
        other = standing.setdefault((row.user_id, row.week_id, answers[row.id].player_id), row.id)
        if other == row.id:
            first.append(row)
        else:
            twins[row.id] = other
    return first, twins


def _write(
    conn: Connection, rows: Sequence[Row[Any]], answers: Mapping[int, Understood], who: str, now: datetime
) -> dict[int, str]:
    """Write all at once; where the database refuses (a pick written meanwhile), one by one. Returns the refused."""
    if not rows:
        return {}
    columns = ("player_id", "kind", "position", "team", "game_id")
    changes = [{"b_id": row.id} | _changed(row, answers[row.id]) for row in rows]
    statement = (
        update(picks)
        .where(picks.c.id == bindparam("b_id"), picks.c.player_id.is_(None))
        .values({name: bindparam(name) for name in columns})
    )
    refused: dict[int, str] = {}
    try:
        with conn.begin_nested():
            conn.execute(statement, changes)
    except IntegrityError:
        for change in changes:
            try:
                with conn.begin_nested():
                    conn.execute(statement, change)
            except IntegrityError as error:
                refused[change["b_id"]] = f"the database refused it: {str(error.orig).splitlines()[0]}"
    done = [row.id for row in rows if row.id not in refused]
    _replace(conn, [resolution_values(pick_id, answers[pick_id], by=who, now=now) for pick_id in done])
    return refused


def _changed(row: Row[Any], understood: Understood) -> dict[str, Any]:
    team = understood.team
    if understood.kind == "no_td" and team == NO_TEAM:
        team = row.team
    return {
        "player_id": understood.player_id,
        "kind": understood.kind,
        "position": understood.position,
        "team": team,
        "game_id": row.game_id or understood.game.id,
    }


def _ask(conn: Connection, asked: Mapping[int, PickRefused], who: str, now: datetime) -> None:
    """Write the questions that are new or have changed."""
    if not asked:
        return
    table = pick_resolutions.c
    compared = ("player_id", "player", "method", "confidence", "runner_up", "candidates", "message")
    there = {
        row.pick_id: tuple(row)[1:]
        for row in conn.execute(
            select(table.pick_id, *(table[name] for name in compared)).where(table.state == "question")
        )
    }
    rows = []
    for pick_id, refused in asked.items():
        scored = refused.scored if isinstance(refused, NameNotUnderstood) else ()
        values = {
            "player_id": None,
            "player": None,
            "method": None,
            "confidence": None,
            "runner_up": scored[1].label if len(scored) > 1 else None,
            "candidates": json.dumps([described(one) for one in scored], ensure_ascii=False),
            "message": refused.reason,
        }
        if there.get(pick_id) != tuple(values[name] for name in compared):
            rows.append({"pick_id": pick_id, "state": "question", **values, "resolved_by": who, "resolved_at": now})
    _replace(conn, rows)


def _replace(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        conn.execute(
            delete(pick_resolutions).where(pick_resolutions.c.pick_id == bindparam("b_id")),
            [{"b_id": row["pick_id"]} for row in rows],
        )
        conn.execute(insert(pick_resolutions), [dict(row) for row in rows])


def described(scored: Scored) -> dict[str, Any]:
    """A candidate as data."""
    one = scored.candidate
    return {
        "player_id": one.player_id,
        "player": one.player_name,
        "team": one.team,
        "position": one.position,
        "method": scored.method,
        "confidence": scored.confidence,
    }


# --- second spellings -------------------------------------------------------------------------------------------------


def _set_aside(
    conn: Connection,
    season: int,
    pick_id: int,
    other: int,
    player: str,
    *,
    who: str,
    run_id: str | None,
    now: datetime,
) -> str:
    """Take a second spelling out: the pick and all that hangs on it go into quarantine whole. Returns the reason."""
    reason = f"{SECOND_SPELLING}{other} ({player})"
    grades = {
        row.pick_id: row
        for row in conn.execute(
            select(results.c.pick_id, results.c.graded_by, results.c.is_correct).where(
                results.c.pick_id.in_([pick_id, other])
            )
        )
    }
    own, theirs = grades.get(pick_id), grades.get(other)
    if own is not None and own.graded_by in _OTHERS and (theirs is None or theirs.graded_by not in _OTHERS):
        reason += f"; only this one had a grade by others ({own.graded_by}: {_OUTCOME[own.is_correct]})"
    for table in _HELD:
        column = table.c.id if table is picks else table.c.pick_id
        for row in conn.execute(select(table).where(column == pick_id)).mappings().all():
            keep_whole(conn, table.name, season, dict(row), reason=reason, now=now)
    with signed(conn, who, why=reason, run_id=run_id, at=now):
        conn.execute(delete(results).where(results.c.pick_id == pick_id))
        conn.execute(delete(picks).where(picks.c.id == pick_id))
    return reason


# --- questions and answers --------------------------------------------------------------------------------------------


def open_questions(db: Database, season: int | None = None) -> list[dict[str, Any]]:
    """The picks whose player is not known, oldest first: pick_id, member, season, week, game_id, typed, team, message,
    candidates (player_id, player, team, position, method, confidence each), asked_at."""
    table = pick_resolutions.c
    query = (
        select(
            picks.c.id.label("pick_id"),
            users.c.name.label("member"),
            weeks.c.season,
            weeks.c.week,
            picks.c.game_id,
            picks.c.player_name.label("typed"),
            picks.c.team,
            table.message,
            table.candidates,
            table.resolved_at.label("asked_at"),
        )
        .join(users, users.c.id == picks.c.user_id)
        .join(weeks, weeks.c.id == picks.c.week_id)
        .outerjoin(pick_resolutions, (table.pick_id == picks.c.id) & (table.state == "question"))
        .where(picks.c.player_id.is_(None))
        .order_by(weeks.c.season, weeks.c.week, picks.c.id)
    )
    if season is not None:
        query = query.where(weeks.c.season == season)
    with db.read() as conn:
        rows = [dict(row) for row in conn.execute(query).mappings()]
    for row in rows:
        row["candidates"] = json.loads(row["candidates"] or "[]")
        row["message"] = row["message"] or "Written since the last run: `firsttd nightly` looks at it first."
    return rows


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What an answer changed.

    Attributes:
        pick_id: the pick answered.
        member: whose it is.
        typed: what he had typed.
        understood: whom it means now.
        before: player_id that it meant before; None: it was a question.
        alias: what the text means from now on; None: not wanted, or no text to know it by.
        set_aside: why the pick was taken out: the member has that player that week already; None: it stands.
        also: what became of the other questions with this text.
    """

    pick_id: int
    member: str
    typed: str
    understood: Understood
    before: str | None
    alias: MadeAlias | None
    set_aside: str | None
    also: UnderstandCounts


def confirm(
    db: Database,
    pick_id: int,
    player: str,
    *,
    by: str,
    now: datetime,
    scope: Scope = "league",
    alias: bool = True,
    game: str | None = None,
) -> Confirmed:
    """Say whom a pick means; the text means that player from now on, for the league or this member alone.

    Args:
        player: gsis_id, full name, DST:SEA or NO_TD: of the pick's game.
        by: who says so.
        game: the game of a pick that has none.

    Raises:
        NoSuchPick: there is none.
        GameRefused: the game is not there, of another week, or the pick has another.
        NameNotUnderstood: the player is none of that game; candidates are given.
        GradeRefused: nobody says so, or a program.
    """
    by = checked_who(by)
    with db.write() as conn:
        pick = conn.execute(
            select(picks, weeks.c.season, weeks.c.week, users.c.name.label("member"))
            .join(weeks, weeks.c.id == picks.c.week_id)
            .join(users, users.c.id == picks.c.user_id)
            .where(picks.c.id == pick_id)
        ).first()
        if pick is None:
            raise NoSuchPick(f"There is no pick {pick_id}.")
        book = SeasonBook.load(conn, pick.season)
        understood = book.confirmed(_game_of(book, pick, game), pick.week, player, pick.user_id)
        mine = existing_picks(conn, pick.season, user_ids=[pick.user_id])[pick.user_id, pick.week_id]
        twin = next((one for one in mine if one.id != pick_id and one.player_id == understood.player_id), None)
        set_aside = None
        if twin is not None:
            name = understood.player_name
            set_aside = _set_aside(conn, pick.season, pick_id, twin.id, name, who=by, run_id=None, now=now)
        else:
            _answer(conn, pick, understood, by, now)
        made = None
        also = UnderstandCounts()
        if alias and isinstance(pick.player_name, str):
            made = make_alias(
                conn,
                pick.player_name,
                player_id=understood.player_id,
                player_name=understood.player_name,
                scope=scope_of(scope, pick.user_id),
                made_by=by,
                now=now,
                pick_id=pick_id,
            )
            also = _answer_others(conn, pick.player_name, by, now)
    return Confirmed(pick_id, pick.member, str(pick.player_name), understood, pick.player_id, made, set_aside, also)


def _game_of(book: SeasonBook, pick: Row[Any], named: str | None) -> str | None:
    """The game that a pick has, else the one named for it, checked."""
    if named is None:
        return pick.game_id  # type: ignore[no-any-return]
    game = book.any_game(named)
    if pick.game_id not in (None, game.id):
        raise GameRefused(f"Pick {pick.id} has its game: {pick.game_id}.")
    if game.week != pick.week:
        raise GameRefused(f"{game.id} is in week {game.week}, pick {pick.id} in week {pick.week}.")
    return game.id


def _answer(conn: Connection, pick: Row[Any], understood: Understood, by: str, now: datetime) -> None:
    """Write the player a person named. Without a standing the pick is graded anew by the next run."""
    with signed(conn, by, why=f"{pick.player_name!r} means {understood.player_name}", at=now):
        if pick.player_id != understood.player_id or pick.game_id is None:
            conn.execute(update(picks).where(picks.c.id == pick.id).values(_changed(pick, understood)))
            conn.execute(delete(pick_status).where(pick_status.c.pick_id == pick.id))
    _replace(conn, [resolution_values(pick.id, understood, by=by, now=now, method="confirmed") | {"confidence": 1.0}])


def _answer_others(conn: Connection, text: str, by: str, now: datetime) -> UnderstandCounts:
    """Try the other picks again that wait with the same text; what was not answered stays a question."""
    key = normalise(text)
    same = [
        row for row in _waiting(conn, None) if isinstance(row.player_name, str) and normalise(row.player_name) == key
    ]
    examined = understood = 0
    questions: dict[int, str] = {}
    set_aside: dict[int, str] = {}
    for season in sorted({row.season for row in same}):
        ids = [row.id for row in same if row.season == season]
        done = understand_picks(conn, season, now=now, who=by, only=ids)
        examined, understood = examined + done.examined, understood + done.understood
        questions |= done.questions
        set_aside |= done.set_aside
        answered = [pick_id for pick_id in ids if pick_id not in done.questions and pick_id not in done.set_aside]
        if answered:
            with signed(conn, by, at=now):
                conn.execute(delete(pick_status).where(pick_status.c.pick_id.in_(answered)))
    return UnderstandCounts(examined, understood, questions, set_aside)


# --- explaining -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explained:
    """What the resolver makes of a text in a game: six facts as data, and why it asks (empty: it does not)."""

    player_id: str | None
    player: str | None
    method: str | None
    confidence: float | None
    runner_up: Mapping[str, Any] | None
    candidates: Sequence[Mapping[str, Any]]
    message: str

    @property
    def facts(self) -> dict[str, Any]:
        """The six facts."""
        names = ("player_id", "player", "method", "confidence", "runner_up", "candidates")
        return {name: getattr(self, name) for name in names}


def explain(
    db: Database,
    text: str,
    game_id: str,
    *,
    season: int | None = None,
    team: str | None = None,
    member: str | None = None,
) -> Explained:
    """Whom a text means in a game, and by what; nothing is written.

    Raises:
        NoSuchMember: a member is named who is none.
        GameRefused: there is no such game.
        NameNotUnderstood: no text, or no rosters to look in.
    """
    text = checked_typed(text)
    parts = parse_game_id(game_id)
    wanted = season or (parts.season if parts else None)
    if wanted is None:
        raise GameRefused(f"{game_id!r} does not say its season: give --season.")
    with db.read() as conn:
        member_id = find_member(conn, member).id if member else None
        book = SeasonBook.load(conn, wanted)
    if not book.games:
        raise GameRefused(f"The schedule of {wanted} is not here yet: run `firsttd nightly` for that season first.")
    game = book.any_game(game_id)
    message = ""
    try:
        understood = book.understand_written(game.id, game.week, text, team, member_id=member_id)
    except NameNotUnderstood as refused:
        if not book.has_roster:
            raise
        message = refused.reason
    else:
        if understood.method == SPECIAL:
            return Explained(understood.player_id, understood.player_name, SPECIAL, 1.0, None, [], "")
    outcome = book.resolution(text, [game], team=team, member_id=member_id)
    candidates = [described(one) for one in outcome.candidates]
    runner_up = described(outcome.runner_up) if outcome.runner_up else None
    if message or outcome.answer is None:
        return Explained(None, None, None, None, runner_up, candidates, message)
    answer = described(outcome.answer)
    return Explained(
        answer["player_id"], answer["player"], answer["method"], answer["confidence"], runner_up, candidates, ""
    )


def names_of(candidates: Iterable[Mapping[str, Any]]) -> list[str]:
    """Candidates for people: `George Pickens (DAL WR, 00-0037247) 88 %`."""
    return [
        f"{one['player']} ({one['team']} {one['position'] or '?'}, {one['player_id']}) {one['confidence']:.0%}"
        for one in candidates
    ]
