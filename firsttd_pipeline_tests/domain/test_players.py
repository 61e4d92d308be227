"""Names as keys, and the picks that are no player's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.domain.players import normalise, parse_special


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("A.J. Brown", "aj brown"),
        ("AJ Brown", "aj brown"),
        ("A. J.  brown", "aj brown"),
        ("Kenneth Walker III", "kenneth walker"),
        ("Kenneth Murray, Jr.", "kenneth murray"),
        ("Ja'Marr Chase", "jamarr chase"),
        ("Ja\u2019Marr Chase", "jamarr chase"),
        ("Amon-Ra St. Brown", "amon ra st brown"),
        ("Audric Estimé", "audric estime"),
        ("Audric Estime\u0301", "audric estime"),
        ("  DK\u00a0METCALF ", "dk metcalf"),
        ("Penix Jr", "penix jr"),  # a last name alone keeps it: there is nothing else to go by
        ("V", "v"),
        ("", ""),
        ("...", ""),
    ],
)
def test_case_accents_punctuation_suffixes_and_dots_of_initials_do_not_count(typed: str, key: str) -> None:
    assert normalise(typed) == key


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@pytest.mark.parametrize(
    ("typed", "special"),
    [
        ("No Touchdown", "NO_TD"),
        ("no td", "NO_TD"),
        ("No-TD", "NO_TD"),
        ("NO_TD", "NO_TD"),
        ("Seahawks D/ST", "DST:SEA"),
        ("SEA DST", "DST:SEA"),
        ("Seattle defense", "DST:SEA"),
        ("seattle Defence", "DST:SEA"),
        ("Rams Defense & Special Teams", "DST:LA"),
        ("Los Angeles Defense", "DST:LA"),
        ("Seatle D/ST", "DST:SEA"),
        ("DST:SEA", "DST:SEA"),
        ("dst:lar", "DST:LA"),
        ("Eagles D/ST", "DST:PHI"),  # not in this game: the caller says so
        ("D/ST", None),
        ("Defense", None),
        ("DST:XYZ", None),
        ("Seahawks", None),
        ("Defoe Jones", None),
        ("Seattle D", "DST:SEA"),
        ("Seahawks D", "DST:SEA"),
        ("LAR D", "DST:LA"),
        ("Seahawks Def", "DST:SEA"),
        ("Seahawks D-ST", "DST:SEA"),
        ("49ers DST", "DST:SF"),
        ("Rams defensive TD", "DST:LA"),
        ("Dallas D", None),  # of neither team: Dallas is also a first name
        ("Cooper D", None),
        ("D", None),
        ("No TD scored", "NO_TD"),
        ("No TDs", "NO_TD"),
        ("nobody scores a TD", "NO_TD"),
        ("A.J. Brown", None),
        ("", None),
    ],
)
def test_special_picks_are_told_from_players(typed: str, special: str | None) -> None:
    assert parse_special(typed, ("SEA", "LA")) == special


def test_a_defense_of_a_city_with_both_its_teams_in_the_game_is_nobodys() -> None:
    assert parse_special("Los Angeles D/ST", ("LA", "LAC")) is None
    assert parse_special("Chargers D/ST", ("LA", "LAC")) == "DST:LAC"


@given(st.text(max_size=40))
def test_any_text_is_a_special_pick_of_some_team_or_none(text: str) -> None:
    special = parse_special(text, ("SEA", "LA"))
    assert special is None or special == "NO_TD" or special.startswith("DST:")
