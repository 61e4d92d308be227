"""Picks: taking one, listing and removing.

Whom a pick means is `season_book.py`, before and without looking at who scored; picks that others wrote are understood
in `resolutions.py`, files of picks are `pick_import.py`. Typed text is kept as typed, what was understood beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, case, func, insert, select
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.domain.odds import profit
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.sheets import OddsError, bad_character, check_odds, clean
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import Member, find_member
from firsttd_pipeline.storage.schema import pick_resolutions, pick_status, picks, results, rosters, users, weeks
from firsttd_pipeline.storage.season_book import (
    MAX_TYPED,
    Game,
    GameRefused,
    NameNotUnderstood,
    PickRefused,
    PickRequest,
    SeasonBook,
    Understood,
    checked_typed,
    quoted,
)

__all__ = [
    "DuplicatePick",
    "ExistingPick",
    "Game",
    "GameRefused",
    "LatePick",
    "NameNotUnderstood",
    "NoSuchPick",
    "Pick",
    "PickRefused",
    "PickRequest",
    "SeasonBook",
    "Understood",
    "add_pick",
    "checked_late",
    "checked_typed",
    "existing_picks",
    "list_picks",
    "pick_values",
    "refused_by_database",
    "twin_of",
]


class DuplicatePick(PickRefused):
    """The member has this pick already; `pick_id` is that one's (None where only the database knew)."""

    def __init__(self, reason: str, pick_id: int | None = None) -> None:
        super().__init__(reason)
        self.pick_id = pick_id


class LatePick(PickRefused):
    """The game has begun and no reason for a late pick was given."""


class NoSuchPick(PickRefused):
    """There is no pick with this id."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick as it was stored."""

    id: int
    member: str
    season: int
    week: int
    typed: str
    odds: float | None
    late_reason: str | None
    understood: Understood


# --- taking a pick ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExistingPick:
    """What finding a duplicate has to know of a pick that is there."""

    id: int
    user_id: int
    week_id: int
    player_name: str
    player_id: str | None
    game_id: str | None
    odds: float | None
    team: str | None = None


def existing_picks(
    conn: Connection, season: int, *, user_ids: Sequence[int] | None = None, week_id: int | None = None
) -> dict[tuple[int, int], list[ExistingPick]]:
    """The season's picks (of these members, of this week) by member and week."""
    query = (
        select(
            picks.c.id,
            picks.c.user_id,
            picks.c.week_id,
            picks.c.player_name,
            picks.c.player_id,
            picks.c.game_id,
            case((picks.c.odds_placeholder, None), else_=picks.c.odds).label("odds"),
            picks.c.team,
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(weeks.c.season == season)
        .order_by(picks.c.id)
    )
    if user_ids is not None and len(user_ids) <= 500:
        query = query.where(picks.c.user_id.in_(user_ids))
    if week_id is not None:
        query = query.where(picks.c.week_id == week_id)
    found: dict[tuple[int, int], list[ExistingPick]] = defaultdict(list)
    for row in conn.execute(query):
        found[row.user_id, row.week_id].append(ExistingPick(*row))
    return found


def twin_of(
    existing: Iterable[ExistingPick], typed: str, understood: Understood, book: SeasonBook
) -> ExistingPick | None:
    """The pick among a member's picks of the week that is the same however typed, else one typed the very same."""
    existing = list(existing)
    for pick in existing:
        if pick.player_id == understood.player_id:
            return pick
        if pick.player_id is None and (
            normalise(str(pick.player_name)) == normalise(typed) or _means(book, pick, understood)
        ):
            return pick
    return next((pick for pick in existing if pick.player_name == typed), None)


def _means(book: SeasonBook, pick: ExistingPick, understood: Understood) -> bool:
    """Whether a pick that another program wrote, and no run has looked at yet, is on this player."""
    try:
        meant = book.understand_written(
            pick.game_id, understood.game.week, pick.player_name, pick.team, member_id=pick.user_id
        )
    except PickRefused:
        return False
    return meant.player_id == understood.player_id


def checked_late(game: Game, now: datetime, late_reason: str | None) -> str | None:
    """The reason to keep with the pick: None where the game has not begun.

    Raises:
        LatePick: the game has begun and there is no reason, or none that can be stored.
    """
    if not game.begun(now):
        return None
    reason = clean(late_reason or "")
    if not reason:
        at = f" at {game.kickoff_at:%Y-%m-%d %H:%M} UTC" if game.kickoff_at else f" on {game.game_date}"
        raise LatePick(f"{game.id} kicked off{at}: give --late REASON to take a pick after that.")
    if code := bad_character(reason):
        raise LatePick(f"The reason for a late pick holds the character {code}.")
    if len(reason) > MAX_TYPED:
        raise LatePick(f"The reason for a late pick has at most {MAX_TYPED} characters.")
    return reason


def theoretical_return(odds: float | None, stake: float) -> float | None:
    """What a win would bring in units, as the old application's column means it: odds 900 on 1 unit are 9.0."""
    return None if odds is None else profit(odds, stake)


def pick_values(
    member: Member,
    typed: str,
    understood: Understood,
    *,
    odds: float | None,
    late_reason: str | None,
    now: datetime,
    source: str,
    default_stake: float,
) -> dict[str, Any]:
    """The row of `picks`."""
    return {
        "user_id": member.id,
        "week_id": understood.game.week_id,
        "team": understood.team,
        "player_name": typed,
        "odds": odds,
        "theoretical_return": theoretical_return(odds, member.base_bet or default_stake),
        "created_at": now,
        "game_id": understood.game.id,
        "kind": understood.kind,
        "player_id": understood.player_id,
        "position": understood.position,
        "odds_placeholder": False,
        "source": source,
        "late_reason": late_reason,
    }


def resolution_values(
    pick_id: int, understood: Understood, *, by: str, now: datetime, method: str | None = None
) -> dict[str, Any]:
    """The row of `pick_resolutions` of a pick that is understood."""
    return {
        "pick_id": pick_id,
        "state": "understood",
        "player_id": understood.player_id,
        "player": understood.player_name,
        "method": method or understood.method,
        "confidence": understood.confidence,
        "runner_up": understood.runner_up,
        "resolved_by": by,
        "resolved_at": now,
    }


def refused_by_database(error: IntegrityError, who: str) -> PickRefused:
    """A refused write as a sentence: which rule, on either database."""
    text = str(error.orig)
    if "player_id" in text and ("UNIQUE" in text or "uq_picks" in text):
        return DuplicatePick(f"{who} has this player in that week already.")
    if "player_name" in text and ("UNIQUE" in text or "uq_picks" in text):
        return DuplicatePick(f"{who} has a pick typed the very same in that week already.")
    return PickRefused(f"The database refused the pick of {who}: {text.splitlines()[0]}")


def add_pick(
    db: Database,
    request: PickRequest,
    *,
    season: int,
    now: datetime,
    default_stake: float = 1.0,
    source: str = "cli",
) -> Pick:
    """Take one pick, in one transaction.

    Args:
        db: the league's database, with the season's schedule and rosters.
        request: what the person gave.
        season: the season of week and game.
        now: aware; decides whether the pick is late.
        default_stake: units on a pick of a member without a base bet.
        source: `picks.source`.

    Raises:
        NoSuchMember: no such member.
        GameRefused, NameNotUnderstood, DuplicatePick, LatePick, PickRefused: why it is not taken.
    """
    typed = checked_typed(request.player)
    odds = checked_odds(request.odds)
    with db.write() as conn:
        member = find_member(conn, request.member)
        book = SeasonBook.load(conn, season)
        if not book.games:
            raise GameRefused(f"The schedule of {season} is not here yet: run `firsttd nightly` for that season first.")
        understood = book.understand(request, member.id)
        game = understood.game
        mine = existing_picks(conn, season, user_ids=[member.id], week_id=game.week_id)[member.id, game.week_id]
        if twin := twin_of(mine, typed, understood, book):
            raise DuplicatePick(described_twin(member, game.week, twin, understood), twin.id)
        late_reason = checked_late(game, now, request.late_reason)
        values = pick_values(
            member,
            typed,
            understood,
            odds=odds,
            late_reason=late_reason,
            now=now,
            source=source,
            default_stake=default_stake,
        )
        try:
            with signed(conn, source, at=now):
                pick_id = conn.execute(insert(picks).values(values).returning(picks.c.id)).scalar_one()
        except IntegrityError as error:
            raise refused_by_database(error, member.name) from error
        conn.execute(insert(pick_resolutions), resolution_values(pick_id, understood, by=source, now=now))
    return Pick(pick_id, member.name, season, game.week, typed, odds, late_reason, understood)


def checked_odds(odds: float | None) -> float | None:
    """American odds or None.

    Raises:
        PickRefused: not American odds.
    """
    try:
        return None if odds is None else check_odds(float(odds), f"{odds:g}")
    except OddsError as error:
        raise PickRefused(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def described_twin(member: Member, week: int, twin: ExistingPick, understood: Understood) -> str:
    """Why a pick is refused beside one that is there."""
    typed = quoted(twin.player_name)
    if twin.player_id not in (None, understood.player_id):
        return (
            f"{member.name} has a pick typed {typed} in week {week} already (pick {twin.id}), of another player: "
            f"type this one differently, e.g. with the team in --team and the full name."
        )
    odds = f"odds {twin.odds:+g}" if isinstance(twin.odds, float) else "unknown odds"
    return (
        f"{member.name} has {understood.player_name} in week {week} already: pick {twin.id}, typed {typed}, "
        f"{odds}{f', {twin.game_id}' if twin.game_id else ''}."
    )


# --- listing and removing ---------------------------------------------------------------------------------------------


def list_picks(
    db: Database,
    *,
    season: int | None = None,
    week: int | None = None,
    member: str | None = None,
    game_id: str | None = None,
    status: str | None = None,
    pick_id: int | None = None,
    limit: int | None = None,
) -> pl.DataFrame:
    """The picks that pass every filter given, by season, week, member and id.

    Columns: pick_id, member, season, week, game_id, typed, player (as understood; null: not), by (the method that
    found him; `question`: the member is asked), confidence, player_id, kind, team, position, odds, status (`pending`
    where it was never graded), reason, finality, any_time_td, scorer, points, stake and profit in units, late_reason,
    source.

    Raises:
        NoSuchMember: a member is asked for who is none.
    """
    named = (
        select(func.min(rosters.c.player_name))
        .where(rosters.c.season == weeks.c.season, rosters.c.player_id == picks.c.player_id)
        .correlate(weeks, picks)
        .scalar_subquery()
    )
    query = (
        select(
            picks.c.id.label("pick_id"),
            users.c.name.label("member"),
            weeks.c.season,
            weeks.c.week,
            picks.c.game_id,
            picks.c.player_name.label("typed"),
            named.label("player"),
            _found_by().label("by"),
            pick_resolutions.c.confidence,
            picks.c.player_id,
            picks.c.kind,
            picks.c.team,
            picks.c.position,
            picks.c.odds,
            func.coalesce(pick_status.c.status, "pending").label("status"),
            pick_status.c.reason,
            pick_status.c.finality,
            results.c.any_time_td,
            results.c.actual_scorer.label("scorer"),
            pick_status.c.points,
            pick_status.c.stake,
            results.c.actual_return.label("profit"),
            picks.c.late_reason,
            picks.c.source,
        )
        .join(users, users.c.id == picks.c.user_id)
        .join(weeks, weeks.c.id == picks.c.week_id)
        .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
        .outerjoin(results, results.c.pick_id == picks.c.id)
        .outerjoin(pick_resolutions, pick_resolutions.c.pick_id == picks.c.id)
        .order_by(weeks.c.season, weeks.c.week, users.c.name, picks.c.id)
    )
    if season is not None:
        query = query.where(weeks.c.season == season)
    if week is not None:
        query = query.where(weeks.c.week == week)
    if member is not None:
        with db.read() as conn:
            query = query.where(picks.c.user_id == find_member(conn, member).id)
    if game_id is not None:
        query = query.where(picks.c.game_id == game_id)
    if status is not None:
        query = query.where(func.coalesce(pick_status.c.status, "pending") == status)
    if pick_id is not None:
        query = query.where(picks.c.id == pick_id)
    if limit is not None:
        query = query.limit(limit)
    never_graded = (pl.col("status") == "pending") & pl.col("reason").is_null()
    return db.frame(query).with_columns(
        pl.when(pl.col("kind") == "dst")
        .then(pl.col("player_id").str.strip_prefix("DST:") + " D/ST")
        .when(pl.col("kind") == "no_td")
        .then(pl.lit("No touchdown"))
        .otherwise("player")
        .alias("player"),
        pl.when(never_graded).then(pl.lit("not graded yet")).otherwise("reason").alias("reason"),
    )


def _found_by() -> Any:
    """How a pick's player was found: the method; `given` of a pick that came with its player, before there was any."""
    understood = func.coalesce(pick_resolutions.c.method, "given")
    return case((picks.c.player_id.is_not(None), understood), (pick_resolutions.c.state == "question", "question"))
