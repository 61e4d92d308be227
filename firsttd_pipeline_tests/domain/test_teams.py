"""Team codes and typed team names."""

from __future__ import annotations

import csv

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.domain.teams import ALIASES, TEAMS, UnknownTeam, canonical, canonical_expr, teams_from_text
from firsttd_pipeline_tests.shared_data import SHARED


def test_there_are_32_teams_and_every_alias_leads_to_one() -> None:
    assert len(TEAMS) == 32
    assert set(ALIASES.values()) <= set(TEAMS)
    assert not set(ALIASES) & set(TEAMS)


@pytest.mark.parametrize(
    ("code", "today"),
    [
        ("OAK", "LV"),
        ("SD", "LAC"),
        ("STL", "LA"),
        ("LAR", "LA"),
        ("JAC", "JAX"),
        ("WSH", "WAS"),
        ("ARZ", "ARI"),
        ("BLT", "BAL"),
        ("CLV", "CLE"),
        ("HST", "HOU"),
        ("SL", "LA"),
        (" sea ", "SEA"),
    ],
)
def test_codes_of_other_sources_and_old_homes_are_the_team_of_today(code: str, today: str) -> None:
    assert canonical(code) == today
    assert pl.DataFrame({"t": [code.strip().upper()]}).select(canonical_expr("t")).item() == today


def test_every_code_of_the_schedule_since_1999_is_known() -> None:
    schedule = pl.read_parquet(SHARED / "nflverse/schedules/games.parquet", columns=["home_team", "away_team"])
    codes = set(schedule["home_team"]) | set(schedule["away_team"])
    assert len(codes) == 35
    assert {canonical(code) for code in codes} == set(TEAMS)


@pytest.mark.parametrize("code", ["XYZ", "", "NFC", "Ⅻ"])
def test_an_unknown_code_is_refused(code: str) -> None:
    with pytest.raises(UnknownTeam, match="no team is called"):
        canonical(code)


def test_an_unknown_code_in_a_column_stays_as_it_is() -> None:
    frame = pl.DataFrame({"t": ["OAK", "XYZ", None, "SEA"]})
    assert frame.select(canonical_expr("t"))["t"].to_list() == ["LV", "XYZ", None, "SEA"]


def test_every_team_of_the_leagues_own_sheet_is_understood_as_one_team() -> None:
    with (SHARED / "legacy/league_sheet_2025.csv").open(newline="") as sheet:
        typed = {row[side] for row in csv.DictReader(sheet) for side in ("Vistor", "Home")}
    assert {text: len(teams_from_text(text)) for text in typed} == dict.fromkeys(typed, 1)
    assert teams_from_text("Detriot") == ("DET",)
    assert teams_from_text("San Fran") == ("SF",)
    assert teams_from_text("NY Giants") == ("NYG",)
    assert teams_from_text("LA Chargers") == ("LAC",)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Los Angeles", ("LA", "LAC")),
        ("LA", ("LA", "LAC")),
        ("New York", ("NYG", "NYJ")),
        ("NY", ("NYG", "NYJ")),
        ("New Yrok", ("NYG", "NYJ")),
        ("Texas", ("DAL", "HOU")),
        ("NYG", ("NYG",)),
        ("lar", ("LA",)),
        ("L.A. Rams", ("LA",)),
        ("Oakland", ("LV",)),
        ("St. Louis Rams", ("LA",)),
        ("Niners", ("SF",)),
        ("SAN FRANCISCO 49ers", ("SF",)),
        ("Eagles", ("PHI",)),
        ("Philidelphia", ("PHI",)),
        ("Jacksonvile", ("JAX",)),
        ("New York Gaints", ("NYG",)),
        ("Pittsburg Steelers", ("PIT",)),
    ],
)
def test_cities_nicknames_and_typos_are_understood_and_a_shared_city_gives_both(
    text: str, codes: tuple[str, ...]
) -> None:
    assert teams_from_text(text) == codes


@pytest.mark.parametrize(
    "text", ["", " ", "XYZ", "London", "Unknown", "Kansas", "New", "San", "Green", "Bay", "🦅", "x" * 5000, "12345"]
)
def test_what_is_near_no_team_or_near_several_is_refused(text: str) -> None:
    with pytest.raises(UnknownTeam):
        teams_from_text(text)


def test_a_refusal_names_the_nearest_teams() -> None:
    with pytest.raises(UnknownTeam, match=r"'Kansas'.*did you mean Kansas City Chiefs \(KC\)") as refused:
        teams_from_text("Kansas")
    assert refused.value.suggestions[0] == "Kansas City Chiefs (KC)"


@pytest.mark.parametrize("code", sorted(TEAMS))
def test_no_single_missing_letter_in_a_full_name_leads_to_another_team(code: str) -> None:
    name = TEAMS[code].name
    for index in range(len(name)):
        assert code in teams_from_text(name[:index] + name[index + 1 :])


@given(st.text(max_size=30))
def test_any_text_gives_known_codes_or_one_kind_of_error(text: str) -> None:
    try:
        codes = teams_from_text(text)
    except UnknownTeam:
        return
    assert codes
    assert set(codes) <= set(TEAMS)
