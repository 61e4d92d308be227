"""From typed names to players, on real rosters."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.domain.players import Match, NoMatch, RosterIndex, match_player, normalise, parse_special
from firsttd_pipeline_tests.shared_data import SHARED

COLUMNS = {"gsis_id": "player_id", "full_name": "player_name"}
EXTRA = ["team", "position", "jersey_number", "first_name", "last_name", "football_name"]


def roster(season: int, *teams: str) -> pl.DataFrame:
    frame = pl.read_parquet(SHARED / f"nflverse/rosters/roster_{season}.parquet").rename(COLUMNS)
    frame = frame.select("player_id", "player_name", *EXTRA)
    return frame.filter(pl.col("team").is_in(teams)) if teams else frame


def player(
    player_id: str, name: str, team: str = "SEA", position: str | None = "WR", first: str = "", football: str = ""
) -> dict[str, object]:
    last = name.split(" ", 1)[1]
    known_as = football or name.split(" ")[0]
    return {
        "player_id": player_id,
        "player_name": name,
        "team": team,
        "position": position,
        "jersey_number": 1,
        "first_name": first or known_as,
        "last_name": last,
        "football_name": known_as,
    }


def found(outcome: Match | NoMatch) -> Match:
    assert isinstance(outcome, Match), str(outcome)
    return outcome


def refused(outcome: Match | NoMatch) -> NoMatch:
    assert isinstance(outcome, NoMatch), outcome
    return outcome


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
    ("typed", "teams", "player_id"),
    [
        ("AJ Brown", ("DAL", "PHI"), "00-0035676"),
        ("A.J. Brown", ("DAL", "PHI"), "00-0035676"),
        ("aj brown", ("DAL", "PHI"), "00-0035676"),
        ("Kenneth Walker III", ("SEA", "ARI"), "00-0038134"),
        ("Kenneth Walker", ("SEA", "ARI"), "00-0038134"),
        ("Ja'Marr Chase", ("CIN", "DEN"), "00-0036900"),
        ("JaMarr Chase", ("CIN", "DEN"), "00-0036900"),
        ("Amon-Ra St. Brown", ("DET", "TB"), "00-0036963"),
        ("Amon Ra St Brown", ("DET", "TB"), "00-0036963"),
        ("Audric Estime", ("NO", "TB"), "00-0039373"),
        ("Marvin Harrison", ("SEA", "ARI"), "00-0039849"),
        ("00-0035676", ("DAL", "PHI"), "00-0035676"),
    ],
)
def test_names_on_real_rosters_are_found_however_they_are_written(
    typed: str, teams: tuple[str, ...], player_id: str
) -> None:
    assert found(match_player(typed, roster(2025, *teams))).player_id == player_id


def test_two_michael_carters_on_the_2021_jets_are_refused_with_what_tells_them_apart() -> None:
    outcome = refused(match_player("Michael Carter", roster(2021, "NYJ", "NE"), "NYJ"))
    assert outcome.reason == "ambiguous"
    assert {(c.player_id, c.position, c.jersey_number) for c in outcome.candidates} == {
        ("00-0036501", "DB", 30),
        ("00-0036924", "RB", 32),
    }
    assert "Michael Carter (NYJ RB #32, 00-0036924)" in str(outcome)
    assert found(match_player("00-0036924", roster(2021, "NYJ", "NE"))).position == "RB"


def test_a_nickname_is_refused_and_the_right_player_is_the_first_candidate() -> None:
    outcome = refused(match_player("Georgie Pickens", roster(2025, "KC", "DAL")))
    assert outcome.reason == "unknown"
    assert outcome.candidates[0].player_name == "George Pickens"


@pytest.mark.parametrize(
    "typed",
    ["TJ Hock", "Ladd", "CMC", "ARSB", "Puka", "Batemen", "Tyquan Thorton", "Knox", "J.Allen", "", "  ", "\u200b", "*"],
)
def test_closeness_never_decides(typed: str) -> None:
    assert refused(match_player(typed, roster(2025))).reason == "unknown"


def test_a_full_name_shared_by_both_teams_of_a_game_is_settled_by_the_preferred_team_only() -> None:
    rows = pl.DataFrame([player("a", "Josh Allen", "BUF", "QB"), player("b", "Josh Allen", "JAX", "LB")])
    assert refused(match_player("Josh Allen", rows)).reason == "ambiguous"
    settled = found(match_player("Josh Allen", rows, "BUF"))
    assert (settled.player_id, settled.method) == ("a", "team")


def test_a_wrong_team_does_not_hide_a_player() -> None:
    match = found(match_player("George Pickens", roster(2025, "KC", "DAL"), "KC"))
    assert match.team == "DAL"


def test_an_exact_name_wins_over_one_that_differs_by_its_suffix() -> None:
    rows = pl.DataFrame([player("a", "Michael Carter", "NYJ"), player("b", "Michael Carter II", "PHI", "DB")])
    assert found(match_player("Michael Carter", rows, "PHI")).player_id == "a"
    assert found(match_player("michael carter ii", rows)).player_id == "b"


def test_a_suffix_that_was_typed_is_not_another_mans() -> None:
    rows = pl.DataFrame([player("a", "Marvin Harrison Jr.", "ARI")])
    assert found(match_player("Marvin Harrison", rows)).player_id == "a"
    assert refused(match_player("Marvin Harrison Sr.", rows)).candidates[0].player_id == "a"


def test_football_name_and_legal_name_with_the_last_name_are_his_names_too() -> None:
    rows = pl.DataFrame([player("a", "Gabe Davis", first="Gabriel", football="Gabe")])
    assert found(match_player("Gabriel Davis", rows)).method == "legal name"
    assert found(match_player("gabe davis", rows)).method == "exact"


def test_a_player_on_both_rosters_is_one_player() -> None:
    rows = pl.DataFrame([player("a", "Jakobi Meyers", "LV"), player("a", "Jakobi Meyers", "JAX")])
    assert found(match_player("Jakobi Meyers", rows)).team == "LV"
    assert found(match_player("Jakobi Meyers", rows, "JAX")).team == "JAX"


def test_rows_without_id_name_or_position_do_no_harm() -> None:
    rows = pl.DataFrame(
        [player("", "No Id"), player("x", "Has Id", position=None), {**player("y", "Gone Name"), "player_name": None}]
    )
    assert refused(match_player("No Id", rows)).reason == "unknown"
    assert found(match_player("Has Id", rows)).position is None


def test_an_empty_roster_knows_nobody() -> None:
    empty = pl.DataFrame(schema={"player_id": pl.String, "player_name": pl.String, "team": pl.String})
    assert refused(match_player("A.J. Brown", empty)).candidates == ()


def test_every_player_of_2025_is_found_by_his_own_name_unless_he_shares_it() -> None:
    rows = roster(2025)
    index = RosterIndex(rows)
    wrong = []
    for player_id, name in rows.filter(pl.col("player_id") != "").select("player_id", "player_name").iter_rows():
        outcome = index.match(name)
        candidates = outcome.candidates if isinstance(outcome, NoMatch) else (outcome,)
        if player_id not in {c.player_id for c in candidates}:
            wrong.append(name)
    assert wrong == []


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
def test_any_text_is_a_match_or_a_refusal(text: str) -> None:
    rows = pl.DataFrame([player("a", "A.J. Brown"), player("b", "Cooper Kupp")])
    assert isinstance(match_player(text, rows), Match | NoMatch)
    parse_special(text, ("SEA", "LA"))
