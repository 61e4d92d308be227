"""Claims about what a league calls its players: made once, known by the normalised text, listed, forgotten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from firsttd_pipeline.domain.resolver import Alias
from firsttd_pipeline.storage.aliases import (
    MadeAlias,
    NoSuchAlias,
    forget_alias,
    league_aliases,
    list_aliases,
    make_alias,
    scope_of,
)
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import add_member

NOW = datetime(2025, 11, 1, 12, tzinfo=UTC)


def make(db: Database, text: str, player: str = "00-1", *, scope: str = "league", **given: Any) -> MadeAlias | None:
    with db.write() as conn:
        return make_alias(
            conn, text, player_id=player, player_name="Somebody", scope=scope, made_by="Ann", now=NOW, **given
        )


def known(db: Database) -> list[Alias]:
    with db.read() as conn:
        return league_aliases(conn)


def test_an_alias_is_kept_as_typed_and_known_by_the_normalised_text(database: Database) -> None:
    made = make(database, "C.M.C.", pick_id=7)
    assert made is not None
    assert made.new
    assert known(database) == [Alias("cmc", "00-1", "league")]
    (row,) = list_aliases(database).to_dicts()
    assert row == {
        "alias_id": made.id, "text": "C.M.C.", "player": "Somebody", "player_id": "00-1", "scope": "league",
        "made_by": "Ann", "made_at": NOW, "pick_id": 7,
    }  # fmt: skip


def test_the_same_alias_again_however_typed_is_the_one_that_is_there(database: Database) -> None:
    first, again = make(database, "CMC"), make(database, "c m c")
    assert first is not None
    assert again is not None
    assert (again.id, again.new) == (first.id, False)
    assert len(known(database)) == 1


def test_a_text_may_mean_two_players_and_another_to_one_member(database: Database) -> None:
    member = add_member(database, "Avery")
    make(database, "Allen", "00-1")
    make(database, "Allen", "00-2")
    make(database, "Allen", "00-3", scope=scope_of("member", member.id))
    assert [(alias.player_id, alias.scope) for alias in known(database)] == [
        ("00-1", "league"),
        ("00-2", "league"),
        ("00-3", f"member:{member.id}"),
    ]
    assert list_aliases(database)["scope"].to_list() == ["league", "league", "Avery"]


@pytest.mark.parametrize("text", ["", "...", "?!", " "])
def test_a_text_without_letter_or_digit_is_no_alias(database: Database, text: str) -> None:
    assert make(database, text) is None
    assert known(database) == []


def test_an_alias_is_forgotten_once(database: Database) -> None:
    made = make(database, "CMC")
    assert made is not None
    assert forget_alias(database, made.id)["key"] == "cmc"
    assert known(database) == []
    with pytest.raises(NoSuchAlias, match=f"no alias {made.id}: `firsttd players aliases`"):
        forget_alias(database, made.id)


def test_a_league_without_members_or_aliases_lists_none(database: Database) -> None:
    assert list_aliases(database).height == 0
