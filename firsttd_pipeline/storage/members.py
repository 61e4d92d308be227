"""The members: who is in the league, and with what stake.

Names are untrusted text: stored as typed (trimmed, NFC), always bound as parameters, never interpreted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

import polars as pl
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.domain.sheets import bad_character, clean
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import picks, users

MAX_NAME: Final = 80
MAX_STAKE: Final = 1_000_000.0


class MemberError(ValueError):
    """A member cannot be taken or found; the message says why and what to do."""


class AlreadyMember(MemberError):
    """The name or the e-mail address is taken."""


class NoSuchMember(MemberError):
    """No member has this name; `candidates` are names near it."""

    def __init__(self, message: str, candidates: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class BadMember(MemberError):
    """A name, e-mail address or stake that cannot be."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member; `base_bet` is the stake in units, None where the league's own stake holds."""

    id: int
    name: str
    email: str | None = None
    base_bet: float | None = None


def checked_name(name: str) -> str:
    """The name as it is stored: NFC, trimmed, blanks single.

    Raises:
        BadMember: empty, too long, or with a character that no name holds.
    """
    name = clean(name)
    if code := bad_character(name):
        raise BadMember(f"A member's name cannot hold the character {code} (control, line break or direction mark).")
    if not name.strip("\u200c\u200d"):
        raise BadMember("A member's name cannot be empty.")
    if len(name) > MAX_NAME:
        raise BadMember(f"A member's name has at most {MAX_NAME} characters; this one has {len(name)}.")
    return name


def checked_stake(units: float) -> float:
    """The stake, if it is a number of units above 0.

    Raises:
        BadMember: it is not.
    """
    if not math.isfinite(units) or units <= 0:
        raise BadMember(f"A stake is a number of units above 0, not {units:g}.")
    if units > MAX_STAKE:
        raise BadMember(f"A stake is at most {MAX_STAKE:,.0f} units, not {units:g}.")
    return float(units)


def _checked_email(email: str | None) -> str | None:
    email = clean(email or "")
    if not email:
        return None
    local, at, domain = email.rpartition("@")
    if bad_character(email) or not (local and at and domain) or " " in email or len(email) > 254:
        raise BadMember("That is no e-mail address: it looks like name@example.org.")
    return email


def add_member(
    db: Database, name: str, email: str | None = None, base_bet: float | None = None, *, now: datetime | None = None
) -> Member:
    """Add a member in a transaction of its own.

    Raises:
        AlreadyMember: the name (in any case) or the e-mail address is taken.
        BadMember: the name, the address or the stake cannot be.
    """
    with db.write() as conn:
        return insert_member(conn, name, email=email, base_bet=base_bet, now=now)


def insert_member(
    conn: Connection,
    name: str,
    *,
    email: str | None = None,
    base_bet: float | None = None,
    now: datetime | None = None,
) -> Member:
    """Add a member inside the caller's transaction; raises as `add_member`."""
    name = checked_name(name)
    email = _checked_email(email)
    base_bet = None if base_bet is None else checked_stake(base_bet)
    for member in all_members(conn):
        if member.name.casefold() == name.casefold():
            raise AlreadyMember(f"{member.name} is already a member.")
        if email and (member.email or "").casefold() == email.casefold():
            raise AlreadyMember(f"{email} is already the address of {member.name}.")
    values = {"name": name, "email": email, "base_bet": base_bet} | ({"created_at": now} if now else {})
    try:
        member_id = conn.execute(insert(users).values(values).returning(users.c.id)).scalar_one()
    except IntegrityError as error:
        raise AlreadyMember(f"{name} or the e-mail address was added by someone else just now.") from error
    return Member(member_id, name, email, base_bet)


def all_members(conn: Connection) -> list[Member]:
    """Every member, by name."""
    rows = conn.execute(select(users.c.id, users.c.name, users.c.email, users.c.base_bet).order_by(users.c.name))
    return [Member(row.id, row.name, row.email, row.base_bet) for row in rows]


def choose_member(members: list[Member], name: str) -> Member:
    """The member of this name: exactly as typed, else the only one whose name differs in case alone.

    Raises:
        NoSuchMember: none or several; near names are given as candidates.
    """
    name = clean(name)
    exact = [member for member in members if member.name == name]
    folded = exact or [member for member in members if member.name.casefold() == name.casefold()]
    if len(folded) == 1:
        return folded[0]
    if folded:
        names = tuple(member.name for member in folded)
        raise NoSuchMember(f"{name!r} can be {', '.join(names)}: type it exactly.", names)
    shown = name if len(name) <= 60 else name[:60] + "…"
    by_fold = {member.name.casefold(): member.name for member in members}
    near = tuple(by_fold[n] for n in get_close_matches(name.casefold()[:200], by_fold, n=5, cutoff=0.6))
    hint = f"; near it: {', '.join(near)}" if near else "; there are no members yet" if not members else ""
    raise NoSuchMember(f"No member is called {shown!r}{hint}.", near)


def find_member(conn: Connection, name: str) -> Member:
    """The member of this name; raises as `choose_member`."""
    exact = conn.execute(
        select(users.c.id, users.c.name, users.c.email, users.c.base_bet).where(users.c.name == _bindable(name))
    ).first()
    if exact is not None:
        return Member(exact.id, exact.name, exact.email, exact.base_bet)
    return choose_member(all_members(conn), name)


def _bindable(name: str) -> str:
    """Text that every driver can bind: NUL and unpaired surrogates are in no stored name."""
    name = clean(name)
    return "" if bad_character(name) else name


def list_members(db: Database) -> pl.DataFrame:
    """The members by name: member_id, name, email, base_bet (units; null: the league's stake), picks, created_at."""
    counted = select(picks.c.user_id, func.count().label("picks")).group_by(picks.c.user_id).subquery()
    return db.frame(
        select(
            users.c.id.label("member_id"),
            users.c.name,
            users.c.email,
            users.c.base_bet,
            func.coalesce(counted.c.picks, 0).label("picks"),
            users.c.created_at,
        )
        .outerjoin(counted, counted.c.user_id == users.c.id)
        .order_by(func.lower(users.c.name), users.c.id)
    )


def set_stake(db: Database, name: str, units: float | None) -> Member:
    """Set a member's stake in units; None gives back the league's own. What is graded already is re-derived nightly.

    Raises:
        NoSuchMember: no such member.
        BadMember: not a stake.
    """
    stake = None if units is None else checked_stake(units)
    with db.write() as conn:
        member = find_member(conn, name)
        conn.execute(update(users).where(users.c.id == member.id).values(base_bet=stake))
    return Member(member.id, member.name, member.email, stake)
