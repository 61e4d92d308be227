"""Claims about members: names are untrusted text, stakes are numbers above 0, errors say what is wrong."""

from __future__ import annotations

import pytest

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import (
    AlreadyMember,
    BadMember,
    NoSuchMember,
    add_member,
    find_member,
    list_members,
    set_stake,
)

HOSTILE = [
    "Robert'); DROP TABLE users;--",
    "<script>alert(1)</script>",
    "[bold red]x[/bold red]",
    '=HYPERLINK("http://x")',
    "**bold** | pipe |",
    "%s %(name)s :name {0}",
    "Zoë 🏈 李",
]


def names(db: Database) -> list[str]:
    return list_members(db)["name"].to_list()


def test_a_member_is_listed_with_his_stake(database: Database) -> None:
    add_member(database, "Avery", email="avery@example.org", base_bet=2.5)
    add_member(database, "Blake")
    assert list_members(database).select("name", "email", "base_bet", "picks").rows() == [
        ("Avery", "avery@example.org", 2.5, 0),
        ("Blake", None, None, 0),
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_whatever_it_looks_like(database: Database, name: str) -> None:
    add_member(database, name)
    assert names(database) == [name]
    with database.read() as conn:
        assert find_member(conn, name).name == name


def test_blanks_around_and_within_a_name_are_single(database: Database) -> None:
    assert add_member(database, "  Avery \u00a0  Smith ").name == "Avery Smith"


def test_a_composed_and_a_decomposed_name_are_one_member(database: Database) -> None:
    add_member(database, "Zoe\u0308")
    with pytest.raises(AlreadyMember, match="Zoë is already a member"):
        add_member(database, "Zo\u00eb")


@pytest.mark.parametrize("again", ["Avery", "avery", " AVERY "])
def test_a_name_that_is_there_in_any_case_is_refused(database: Database, again: str) -> None:
    add_member(database, "Avery")
    with pytest.raises(AlreadyMember, match="Avery is already a member"):
        add_member(database, again)
    assert names(database) == ["Avery"]


def test_an_address_that_is_there_is_refused_with_its_member(database: Database) -> None:
    add_member(database, "Avery", email="a@example.org")
    with pytest.raises(AlreadyMember, match="already the address of Avery"):
        add_member(database, "Blake", email="A@example.org")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("\u200d", "empty"),
        ("A\x00B", r"U\+0000"),
        ("A\nB", r"U\+000A"),
        ("A\x1b[31mB", r"U\+001B"),
        ("A\u202eB", r"U\+202E"),
        ("A\ud800B", r"U\+D800"),
        ("x" * 81, "at most 80"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(database: Database, name: str, reason: str) -> None:
    with pytest.raises(BadMember, match=reason):
        add_member(database, name)
    assert names(database) == []


@pytest.mark.parametrize("email", ["x", "@", "a@", "a b@c", "a@b\nc", "\x00@x"])
def test_what_is_no_address_is_refused(database: Database, email: str) -> None:
    with pytest.raises(BadMember, match="e-mail"):
        add_member(database, "Avery", email=email)


@pytest.mark.parametrize("units", [0, -1, float("nan"), float("inf"), float("-inf"), 1e12])
def test_a_stake_that_is_none_is_refused(database: Database, units: float) -> None:
    add_member(database, "Avery", base_bet=1)
    with pytest.raises(BadMember, match="stake"):
        set_stake(database, "Avery", units)
    with pytest.raises(BadMember, match="stake"):
        add_member(database, "Blake", base_bet=units)
    assert list_members(database)["base_bet"].to_list() == [1.0]


def test_a_stake_is_set_and_given_back(database: Database) -> None:
    add_member(database, "Avery")
    assert set_stake(database, "avery", 0.5).base_bet == 0.5
    assert list_members(database)["base_bet"].to_list() == [0.5]
    assert set_stake(database, "Avery", None).base_bet is None
    assert list_members(database)["base_bet"].to_list() == [None]


def test_an_unknown_member_is_refused_with_names_near_his(database: Database) -> None:
    add_member(database, "Avery")
    with pytest.raises(NoSuchMember, match="near it: Avery") as error:
        set_stake(database, "Averry", 1)
    assert error.value.candidates == ("Avery",)


@pytest.mark.parametrize("name", ["\x00", "\ud800", "x" * 100_000, "' OR 1=1 --", ""])
def test_asking_for_a_name_that_cannot_be_says_that_there_is_none(database: Database, name: str) -> None:
    add_member(database, "Avery")
    with pytest.raises(NoSuchMember) as error:
        set_stake(database, name, 1)
    assert len(str(error.value)) < 500
    assert str(error.value).isprintable()
