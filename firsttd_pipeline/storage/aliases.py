"""What this league calls a player: `player_aliases`, written where a question is answered, read by every lookup.

A text may be called several players (two Allens); which of them plays in the pick's game decides. Nothing is resolved
here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl
from sqlalchemy import Connection, delete, insert, select

from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.resolver import LEAGUE_SCOPE, Alias
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import player_aliases, users

Scope = Literal["league", "member"]


class NoSuchAlias(ValueError):
    """There is no alias with this id."""


@dataclass(frozen=True, slots=True)
class MadeAlias:
    """An alias as it stands: `scope` is `league` or `member:ID`; `new`: it was not there before."""

    id: int
    text: str
    player_id: str
    scope: str
    new: bool


def scope_of(scope: Scope, member_id: int) -> str:
    """The scope as it is stored."""
    return LEAGUE_SCOPE if scope == "league" else f"member:{member_id}"


def league_aliases(conn: Connection) -> list[Alias]:
    """All aliases, as the resolver takes them."""
    table = player_aliases.c
    rows = conn.execute(select(table.key, table.player_id, table.scope).order_by(table.id))
    return [Alias(row.key, row.player_id, row.scope) for row in rows]


def make_alias(
    conn: Connection,
    text: str,
    *,
    player_id: str,
    player_name: str,
    scope: str,
    made_by: str,
    now: datetime,
    pick_id: int | None = None,
) -> MadeAlias | None:
    """From now on `text` means this player; None where the text holds no letter and no digit to know it by."""
    key = normalise(text)
    if not key:
        return None
    table = player_aliases.c
    there = conn.execute(
        select(table.id, table.text).where(table.key == key, table.player_id == player_id, table.scope == scope)
    ).first()
    if there is not None:
        return MadeAlias(there.id, there.text, player_id, scope, new=False)
    values: dict[str, Any] = {
        "text": text,
        "key": key,
        "player_id": player_id,
        "player_name": player_name,
        "scope": scope,
        "made_by": made_by,
        "made_at": now,
        "pick_id": pick_id,
    }
    alias_id = conn.execute(insert(player_aliases).values(values).returning(table.id)).scalar_one()
    return MadeAlias(alias_id, text, player_id, scope, new=True)


def list_aliases(db: Database) -> pl.DataFrame:
    """The aliases by text: alias_id, text, player, player_id, scope (`league`, or the member's name), made_by, made_at,
    pick_id."""
    table = player_aliases.c
    with db.read() as conn:
        names = {f"member:{row.id}": row.name for row in conn.execute(select(users.c.id, users.c.name))}
        frame = db.frame(
            select(
                table.id.label("alias_id"),
                table.text,
                table.player_name.label("player"),
                table.player_id,
                table.scope,
                table.made_by,
                table.made_at,
                table.pick_id,
            ).order_by(table.key, table.id),
            conn=conn,
        )
    return frame.with_columns(pl.col("scope").replace(names)) if names else frame


def forget_alias(db: Database, alias_id: int) -> dict[str, Any]:
    """Remove an alias and give its row. Picks it made understood stay so: `firsttd players confirm` changes one.

    Raises:
        NoSuchAlias: there is none.
    """
    with db.write() as conn:
        row = conn.execute(
            delete(player_aliases).where(player_aliases.c.id == alias_id).returning(*player_aliases.c)
        ).mappings()
        found = row.first()
    if found is None:
        raise NoSuchAlias(f"There is no alias {alias_id}: `firsttd players aliases` lists them.")
    return dict(found)
