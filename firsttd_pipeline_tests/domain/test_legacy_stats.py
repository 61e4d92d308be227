"""Claims about the old application's statistics rows: each means one player for a reason, or stays open with one."""

from __future__ import annotations

import polars as pl
import pytest

from firsttd_pipeline.domain.legacy_stats import CORRECTIONS, Names, OldRow, Settled

PLAYERS = {
    "pickens": ("George", "Pickens", "DAL", "WR"),
    "mims": ("Marvin", "Mims", "DEN", "WR"),
    "theo": ("Theo", "Johnson", "NYG", "TE"),
    "tez": ("Tez", "Johnson", "TB", "WR"),
    "tyler": ("Tyler", "Johnson", "NYJ", "WR"),
    "caleb": ("Caleb", "Williams", "CHI", "QB"),
    "chris": ("Chris", "Williams", "CHI", "DL"),
    "connor": ("Connor", "Heyward", "PIT", "TE"),
    "cameron": ("Cameron", "Heyward", "PIT", "DL"),
    "brown": ("Amon-Ra", "St. Brown", "DET", "WR"),
    "simmons": ("Jeffery", "Simmons", "TEN", "DL"),
    "shaheed": ("Rashid", "Shaheed", "SEA", "WR"),
    "ryan": ("Ryan", "Shaheed", "LA", "WR"),
    "devin": ("Devin", "Bush", "CLE", "LB"),
    "deon": ("Deon", "Bush", "KC", "DB"),
    "carter_rb": ("Michael", "Carter", "NYJ", "RB"),
    "carter_db": ("Michael", "Carter", "NYJ", "DB"),
    "hock": ("T.J.", "Hockenson", "MIN", "TE"),
    "nobody": ("Not", "Known", "MIN", ""),
}
NOTHING = pl.DataFrame(schema={"player_id": pl.String, "team": pl.String})


def roster() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "player_id": player_id,
                "player_name": f"{first} {last}" + (" Jr." if player_id == "mims" else ""),
                "first_name": first,
                "football_name": "Will" if player_id == "shaheed" else first,
                "last_name": last,
                "team": team,
                "position": position,
            }
            for player_id, (first, last, team, position) in PLAYERS.items()
        ]
    )


def settle(
    name: str,
    team: str,
    position: str | None = "WR",
    form: str | None = "COLD",
    *,
    teams: pl.DataFrame = NOTHING,
    picks: dict[str, str | None] | None = None,
) -> Settled:
    typed = pl.DataFrame(
        [{"player_name": text, "player_id": player} for text, player in (picks or {}).items()],
        schema={"player_name": pl.String, "player_id": pl.String},
    )
    (found,) = Names(roster(), teams, typed).settle([OldRow(1, name, team, position, form)], 2025)
    return found


@pytest.mark.parametrize(
    ("name", "team", "position", "player"),
    [
        ("George Pickens", "DAL", "WR", "pickens"),
        ("gEORGE pICKENS", "KC", "Unknown", "pickens"),
        ("G.Pickens", "DAL", "WR", "pickens"),
        ("Marvin Mims", "DEN", "WR", "mims"),
        ("Marvin Mims Jr.", "DEN", "WR", "mims"),
        ("M.Mims", "LV", None, "mims"),
        ("A.St. Brown", "DET", "WR", "brown"),
        ("T.J. Hockenson", "MIN", "TE", "hock"),
        ("T.Hockenson", "MIN", "WR", "hock"),
        ("J.Simmons", "TEN", "WR", "simmons"),
        ("W.Shaheed", "SEA", "WR", "shaheed"),
    ],
)
def test_a_name_that_only_one_player_has_is_him_whatever_the_row_says_of_his_team(
    name: str, team: str, position: str | None, player: str
) -> None:
    assert settle(name, team, position).player_id == player


@pytest.mark.parametrize(("team", "player"), [("NYG", "theo"), ("TB", "tez"), ("NYJ", "tyler")])
def test_of_several_with_one_form_the_one_of_the_rows_team_is_meant(team: str, player: str) -> None:
    assert settle("T.Johnson", team).player_id == player


def test_of_two_on_the_team_the_one_who_runs_and_catches_is_meant() -> None:
    assert settle("C.Williams", "CHI", "RB").player_id == "caleb"


def test_two_letters_of_the_first_name_tell_brothers_apart() -> None:
    assert settle("Co.Heyward", "PIT", "RB").player_id == "connor"
    assert settle("Ca.Heyward", "PIT", "RB").player_id == "cameron"


def test_a_team_that_he_played_for_earlier_in_the_season_is_his_too() -> None:
    earlier = pl.DataFrame({"player_id": ["shaheed"], "team": ["NO"]})
    assert settle("R.Shaheed", "NO").player_id is None
    found = settle("R.Shaheed", "NO", teams=earlier)
    assert (found.player_id, found.resolution) == ("shaheed", "merged into player shaheed (Rashid Shaheed)")


def test_a_pick_without_a_text_that_can_be_read_names_nobody() -> None:
    unread = pl.DataFrame(
        {"player_name": [None, None], "player_id": ["shaheed", None]}, schema_overrides={"player_name": pl.String}
    )
    names = Names(roster(), NOTHING, unread)
    (found,) = names.settle([OldRow(1, "R.Shaheed", "SEA", "WR", "COLD")], 2025)
    assert found.player_id == "shaheed"


def test_several_on_no_such_team_are_not_guessed() -> None:
    found = settle("T.Johnson", "CAR")
    assert found.player_id is None
    assert found.resolution == (
        "ambiguous: 3 players of 2025 are called that: Tez Johnson (TB WR, tez); Theo Johnson (NYG TE, theo); "
        "Tyler Johnson (NYJ WR, tyler)"
    )


def test_a_defenders_team_is_no_evidence_because_it_was_his_opponents() -> None:
    for team in ("CLE", "KC", "BAL"):
        assert settle("D.Bush", team, None).resolution.startswith("ambiguous: 2 players of 2025")


def test_two_of_one_full_name_on_one_team_are_told_apart_by_who_carries_the_ball_only() -> None:
    assert settle("Michael Carter", "NYJ", "RB").player_id == "carter_rb"
    assert settle("Michael Carter", "SF", "RB").player_id is None


def test_a_name_on_no_roster_stays_open() -> None:
    for name in ("Joe Montana", "J.Montana", "ARSB", "", "x" * 3000):
        found = settle(name, "SF")
        assert (found.player_id, found.resolution) == (None, "nobody of that name was on a roster of 2025")


def test_a_shorthand_means_whom_the_pick_of_that_text_means() -> None:
    assert settle("ARSB", "Unknown", "Unknown", picks={"arsb": "brown"}).player_id == "brown"
    waiting = settle("ARSB", "Unknown", "Unknown", picks={"ARSB": None})
    assert waiting.player_id is None
    assert waiting.resolution.startswith("as a pick typed it, which is not understood yet")
    two = settle("Pickens", "DAL", picks={"Pickens": "pickens", "PICKENS ": "brown"})
    assert two.resolution.startswith("ambiguous: 2 players")


def test_a_pick_that_is_no_player_has_no_statistics() -> None:
    assert "defense or no touchdown" in settle("Bills D/ST", "BUF", picks={"Bills D/ST": "DST:BUF"}).resolution
    assert "defense or no touchdown" in settle("No TD", "BUF", picks={"No TD": "NO_TD"}).resolution


def test_a_pick_of_somebody_elses_text_does_not_outweigh_a_players_own_name() -> None:
    assert settle("George Pickens", "DAL", picks={"George Pickens": "brown"}).player_id == "pickens"


@pytest.mark.parametrize(
    ("row", "kinds", "told"),
    [
        (("G.Pickens", "DAL", "WR", "COLD"), (), ""),
        (("G.Pickens", "DAL", "RB", "HOT"), ("position guessed from the play",), "; position RB is WR"),
        (("G.Pickens", "DAL", None, "COLD"), ("position missing",), "; position none is WR"),
        (
            ("George Pickens", "Unknown", "Unknown", "neutral"),
            ("position unknown", "recent_form not legal", "team unknown"),
            "; position Unknown is WR, recent_form neutral is counted anew, team Unknown is DAL",
        ),
        (("George Pickens", "KC", "WR", "COLD"), ("team of the play, not his",), "; team KC is DAL"),
        (("Not Known", "MIN", "Unknown", "COLD"), ("position unknown",), "; position Unknown is none on the roster"),
    ],
)
def test_what_was_not_right_is_told_by_kind(
    row: tuple[str, str, str | None, str | None], kinds: tuple[str, ...], told: str
) -> None:
    found = settle(*row)
    assert found.corrected == kinds
    assert set(kinds) <= set(CORRECTIONS)
    assert found.resolution == f"merged into player {found.player_id} ({PLAYERS[str(found.player_id)][0]} " + (
        f"{PLAYERS[str(found.player_id)][1]}){told}"
    )


def test_an_open_row_corrects_nothing() -> None:
    assert settle("Joe Montana", "Unknown", "Unknown", "neutral").corrected == ()
