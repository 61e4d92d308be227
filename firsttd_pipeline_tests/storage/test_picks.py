"""Claims about single picks: who is meant, what is refused and why, listing and removing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import NoSuchMember, add_member
from firsttd_pipeline.storage.picks import (
    DuplicatePick,
    GameRefused,
    LatePick,
    NameNotUnderstood,
    NoSuchPick,
    Pick,
    PickRefused,
    PickRequest,
    add_pick,
    list_picks,
)
from firsttd_pipeline.storage.removal import remove_pick
from firsttd_pipeline.storage.schema import games, pick_resolutions, picks, roster_weeks, rosters, users, weeks
from firsttd_pipeline_tests.conftest import Filled
from firsttd_pipeline_tests.shared_data import needs_shared
from firsttd_pipeline_tests.storage.season_2025 import BEFORE, SEASON, load_roster_weeks, load_season

pytestmark = needs_shared

OPENER = "2025_01_DAL_PHI"


def season_and_members(db: Database) -> None:
    load_season(db, BEFORE)
    add_member(db, "Avery")
    add_member(db, "Blake", base_bet=2.0)


@pytest.fixture(params=["sqlite", "postgres"])
def league(request: pytest.FixtureRequest, filled: Filled) -> Database:
    """The season before its first kickoff, with two members."""
    return filled(request.param, season_and_members)


def take(
    db: Database, player: str = "A.J. Brown", *, now: datetime = BEFORE, member: str = "Avery", **given: Any
) -> Pick:
    if not ({"week", "game_id"} & set(given)):
        given["week"] = 1
    return add_pick(db, PickRequest(member, player, **given), season=SEASON, now=now)


def rows(db: Database) -> list[dict[str, Any]]:
    return list_picks(db).to_dicts()


def write_plainly(db: Database, typed: str, *, game: str | None = OPENER, week: int = 1, member: str = "Avery") -> int:
    """A pick as the league's own app writes it."""
    with db.write() as conn:
        return int(
            conn.execute(
                text(
                    "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
                    "SELECT u.id, w.id, 'Unknown', :typed, 900, 9.0, :game FROM users u, weeks w "
                    "WHERE u.name = :member AND w.season = 2025 AND w.week = :week RETURNING id"
                ),
                {"typed": typed, "game": game, "member": member, "week": week},
            ).scalar_one()
        )


# --- who is meant -----------------------------------------------------------------------------------------------------


def test_a_pick_gets_player_team_position_and_game_from_the_rosters(league: Database) -> None:
    take(league, "aj brown", odds=900)
    row = rows(league)[0]
    assert {name: row[name] for name in ("member", "week", "game_id", "typed", "player", "player_id", "kind")} == {
        "member": "Avery",
        "week": 1,
        "game_id": OPENER,
        "typed": "aj brown",
        "player": "A.J. Brown",
        "player_id": "00-0035676",
        "kind": "player",
    }
    assert (row["team"], row["position"], row["odds"], row["status"]) == ("PHI", "WR", 900.0, "pending")
    assert row["reason"] == "not graded yet"


@pytest.mark.parametrize("typed", ["A.J. Brown", "AJ Brown", "a j brown", "A. J. BROWN", "00-0035676"])
def test_every_spelling_of_initials_is_the_same_player(league: Database, typed: str) -> None:
    assert take(league, typed).understood.player_id == "00-0035676"


def test_a_wrong_team_is_no_reason_to_refuse_a_player_of_the_game(league: Database) -> None:
    understood = take(league, "George Pickens", game_id="2025_13_KC_DAL", team="Chiefs").understood
    assert (understood.player_name, understood.team) == ("George Pickens", "DAL")


def test_the_team_settles_which_of_the_weeks_games(league: Database) -> None:
    assert take(league, "Brandon Johnson", team="Denver").understood.game.id == "2025_01_TEN_DEN"
    assert take(league, "Brandon Johnson", team="PHI", week=2).understood.game.id == "2025_02_PHI_KC"


def test_two_players_of_one_name_in_a_week_are_refused_with_both(league: Database) -> None:
    with pytest.raises(NameNotUnderstood, match="several players in week 1") as error:
        take(league, "Brandon Johnson")
    assert len(error.value.candidates) == 2
    assert any("DEN WR" in c for c in error.value.candidates)


def test_two_players_of_one_name_and_team_are_told_apart_by_position_or_refused(league: Database) -> None:
    twins = [
        {"season": SEASON, "team": "PHI", "player_id": f"00-009999{n}", "player_name": "Michael Carter", "position": p}
        for n, p in enumerate(("RB", "WR"))
    ]
    with league.write() as conn:
        conn.execute(insert(rosters), twins)
    with pytest.raises(NameNotUnderstood, match="several") as error:
        take(league, "Michael Carter", game_id=OPENER, team="PHI")
    assert [candidate.split(",")[0] for candidate in error.value.candidates[:2]] == [
        "Michael Carter (PHI RB",
        "Michael Carter (PHI WR",
    ]
    assert take(league, "Michael Carter", game_id=OPENER, position="rb").understood.player_id == "00-0099990"


@pytest.mark.parametrize(
    ("typed", "game_id", "meant", "method"),
    [
        ("CMC", "2025_05_SF_LA", "Christian McCaffrey", "initials"),
        ("Puka", "2025_05_SF_LA", "Puka Nacua", "first name"),
        ("Goedert", OPENER, "Dallas Goedert", "last name"),
        ("Barkely", OPENER, "Saquon Barkley", "misspelling"),
        ("A.J. Brown", OPENER, "A.J. Brown", "exact"),
    ],
)
def test_a_pick_says_how_its_player_was_understood(
    league: Database, typed: str, game_id: str, meant: str, method: str
) -> None:
    understood = take(league, typed, game_id=game_id).understood
    assert (understood.player_name, understood.method) == (meant, method)
    row = rows(league)[0]
    assert (row["typed"], row["player"], row["by"], row["confidence"]) == (typed, meant, method, understood.confidence)
    with league.read() as conn:
        stored = conn.execute(select(pick_resolutions)).mappings().one()
    assert (stored["state"], stored["player"], stored["resolved_by"], stored["resolved_at"]) == (
        "understood", meant, "cli", BEFORE,
    )  # fmt: skip


def test_a_tie_is_refused_with_both_and_a_short_name_that_fits_nobody_with_those_near(league: Database) -> None:
    with pytest.raises(NameNotUnderstood, match="'Brown' can be several players in 2025_15_LV_PHI") as error:
        twins = {"season": SEASON, "team": "LV", "player_id": "00-0099990", "player_name": "Al Brown", "position": "WR"}
        with league.write() as conn:
            conn.execute(insert(rosters), twins)
        take(league, "Brown", game_id="2025_15_LV_PHI")
    assert {candidate.split(" (")[0] for candidate in error.value.candidates} >= {"A.J. Brown", "Al Brown"}
    with pytest.raises(NameNotUnderstood, match="No player in 2025_01_DAL_PHI is called 'Xyzzy'"):
        take(league, "Xyzzy", game_id=OPENER)
    assert rows(league) == []


def test_without_the_game_a_full_name_is_enough_and_a_shorthand_is_not(league: Database) -> None:
    assert take(league, "aj brown").understood.game.id == OPENER
    with pytest.raises(NameNotUnderstood, match="'Puka' alone does not say the game in week 5") as error:
        take(league, "Puka", week=5)
    assert "Puka Nacua (LA WR" in error.value.candidates[0]
    with pytest.raises(NameNotUnderstood, match="'CMC' can be several players in week 5"):
        take(league, "CMC", week=5)
    assert take(league, "CMC", week=5, team="SF").understood.game.id == "2025_05_SF_LA"


def test_a_player_is_picked_on_the_team_on_which_he_was_in_that_week(league: Database) -> None:
    load_roster_weeks(league)
    before = take(league, "Jakobi Meyers", week=2)
    after = take(league, "Meyers", game_id="2025_15_NYJ_JAX")
    assert [(p.understood.team, p.understood.game.id) for p in (before, after)] == [
        ("LV", "2025_02_LAC_LV"),
        ("JAX", "2025_15_NYJ_JAX"),
    ]
    with pytest.raises(NameNotUnderstood, match="neither roster of 2025_02_JAX_CIN"):
        take(league, "Jakobi Meyers", member="Blake", game_id="2025_02_JAX_CIN")


def test_a_week_without_weekly_rosters_is_understood_from_the_seasons(league: Database) -> None:
    load_roster_weeks(league)
    with league.write() as conn:
        conn.execute(delete(roster_weeks).where(roster_weeks.c.team == "LV"))
    assert take(league, "Jakobi Meyers", game_id="2025_15_NYJ_JAX").understood.team == "JAX"
    with pytest.raises(NameNotUnderstood, match="neither roster"):  # by the season's roster he is a Jaguar
        take(league, "Jakobi Meyers", game_id="2025_02_LAC_LV")


def test_the_old_code_of_a_team_and_of_a_game_mean_the_new(league: Database) -> None:
    load_roster_weeks(league)
    with league.write() as conn:
        conn.execute(update(roster_weeks).where(roster_weeks.c.team == "LA").values(team="LAR"))
        conn.execute(update(rosters).where(rosters.c.team == "LA").values(team="LAR"))
    understood = take(league, "Puka", game_id="2025_05_SF_LAR", team="LAR").understood
    assert (understood.team, understood.game.id) == ("LA", "2025_05_SF_LA")


def test_a_player_of_another_game_is_refused_and_his_team_named(league: Database) -> None:
    with pytest.raises(NameNotUnderstood, match="neither roster of 2025_01_DAL_PHI") as error:
        take(league, "Xavier Worthy", game_id=OPENER)
    assert "Xavier Worthy (KC WR" in error.value.candidates[0]


def test_a_player_whose_roster_row_is_retired_still_counts_for_his_games(league: Database) -> None:
    with league.write() as conn:
        conn.execute(update(rosters).where(rosters.c.player_id == "00-0035676").values(retired_at=BEFORE))
    assert take(league, "A.J. Brown").understood.team == "PHI"


@pytest.mark.parametrize(
    ("typed", "player_id", "kind", "team", "position"),
    [
        ("Eagles D/ST", "DST:PHI", "dst", "PHI", "DST"),
        ("DAL DST", "DST:DAL", "dst", "DAL", "DST"),
        ("No Touchdown", "NO_TD", "no_td", "NONE", None),
        ("no td", "NO_TD", "no_td", "NONE", None),
    ],
)
def test_defenses_and_no_touchdown_are_picks(
    league: Database, typed: str, player_id: str, kind: str, team: str, position: str | None
) -> None:
    take(league, typed, game_id=OPENER)
    row = rows(league)[0]
    assert (row["player_id"], row["kind"], row["team"], row["position"]) == (player_id, kind, team, position)


def test_a_defense_that_does_not_play_in_the_game_is_refused(league: Database) -> None:
    with pytest.raises(NameNotUnderstood, match=f"SEA does not play in {OPENER}"):
        take(league, "Seahawks D/ST", game_id=OPENER)


def test_a_no_touchdown_pick_without_its_game_is_refused(league: Database) -> None:
    with pytest.raises(GameRefused, match="needs its game"):
        take(league, "No Touchdown", week=1)


def test_without_rosters_no_player_is_guessed(database: Database) -> None:
    load_season(database, BEFORE, with_rosters=False)
    add_member(database, "Avery")
    with pytest.raises(NameNotUnderstood, match="rosters of 2025 are not here yet"):
        take(database)


# --- what is refused --------------------------------------------------------------------------------------------------


def test_an_unknown_member_is_refused(league: Database) -> None:
    with pytest.raises(NoSuchMember, match="near it: Avery"):
        take(league, member="Avary")
    assert rows(league) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"week": 23}, "no week 23|weeks 1 to 22"),
        ({"week": 0}, "weeks 1 to 22"),
        ({"week": "preseason"}, "is no week"),
        ({"game_id": "2025_01_SEA_NE"}, "no game '2025_01_SEA_NE'"),
        ({"game_id": "'; DROP TABLE picks; --"}, "no game"),
        ({"game_id": OPENER, "week": 2}, "in week 1, not in week 2"),
        ({"week": 10, "team": "Eagles", "player": "Xavier Worthy"}, "No player|no roster|neither roster"),
        ({"week": 5, "team": "Steelers"}, "PIT has no game in week 5"),
        ({"week": 5, "team": "Atlantis"}, "Atlantis"),
    ],
)
def test_a_week_or_game_that_is_not_is_refused(league: Database, given: dict[str, Any], reason: str) -> None:
    with pytest.raises(PickRefused, match=reason):
        take(league, **given)
    assert rows(league) == []


def test_without_week_and_game_a_pick_is_refused(league: Database) -> None:
    with pytest.raises(GameRefused, match="Say the week or the game"):
        add_pick(league, PickRequest("Avery", "A.J. Brown"), season=SEASON, now=BEFORE)


def test_a_season_that_is_not_here_is_refused_with_what_to_do(league: Database) -> None:
    with pytest.raises(GameRefused, match="schedule of 2019 is not here yet"):
        add_pick(league, PickRequest("Avery", "A.J. Brown", week=1), season=2019, now=BEFORE)


def test_playoff_rounds_are_weeks(league: Database) -> None:
    assert take(league, "Jaxon Smith-Njigba", week="SB").understood.game.id == "2025_22_SEA_NE"


@pytest.mark.parametrize("status", ["cancelled", "left"])
def test_a_game_that_is_not_played_takes_no_pick(league: Database, status: str) -> None:
    gone = {"deleted_at": BEFORE, "status": "postponed"} if status == "left" else {"status": "cancelled"}
    with league.write() as conn:
        conn.execute(update(games).where(games.c.id == OPENER).values(**gone))
    with pytest.raises(GameRefused, match="no pick can be made on it"):
        take(league, game_id=OPENER)
    with pytest.raises(NameNotUnderstood):
        take(league, week=1)


@pytest.mark.parametrize("odds", [0, 9, -99, 900.5, float("nan"), float("inf"), 1e9])
def test_odds_that_are_not_american_are_refused(league: Database, odds: float) -> None:
    with pytest.raises(PickRefused, match="Odds"):
        take(league, odds=odds)
    assert rows(league) == []


@pytest.mark.parametrize(
    ("member", "odds", "expected"),
    [("Avery", 900, 9.0), ("Blake", 900, 18.0), ("Avery", -110, 100 / 110), ("Avery", None, None)],
)
def test_the_theoretical_return_is_what_a_win_brings_on_the_members_stake(
    league: Database, member: str, odds: float | None, expected: float | None
) -> None:
    take(league, member=member, odds=odds)
    with league.read() as conn:
        stored = conn.execute(select(picks.c.theoretical_return, picks.c.odds, picks.c.odds_placeholder)).one()
    assert stored.theoretical_return == (None if expected is None else pytest.approx(expected))
    assert (stored.odds, stored.odds_placeholder) == (odds, False)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [("", "empty"), ("  ", "empty"), ("A\x00B", r"U\+0000"), ("A\x1b[2J", r"U\+001B"), ("x" * 201, "at most 200")],
)
def test_text_that_cannot_be_a_name_is_refused(league: Database, typed: str, reason: str) -> None:
    with pytest.raises(NameNotUnderstood, match=reason):
        take(league, typed, game_id=OPENER)


@pytest.mark.parametrize("typed", ["'; DROP TABLE picks; --", "<img src=x onerror=alert(1)>", "[red]x[/red]", "%s{0}"])
def test_hostile_text_is_an_unknown_name_and_nothing_more(league: Database, typed: str) -> None:
    with pytest.raises(NameNotUnderstood):
        take(league, typed, game_id=OPENER)
    assert rows(league) == []


# --- twice and late ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("again", ["A.J. Brown", "aj brown", "A J Brown", "AJB", "AJ Browne", "00-0035676"])
def test_the_same_player_in_the_same_week_is_refused_however_typed(league: Database, again: str) -> None:
    first = take(league, "A.J. Brown", odds=900)
    with pytest.raises(DuplicatePick, match=rf"A\.J\. Brown in week 1 already: pick {first.id}.*\+900") as error:
        take(league, again, game_id=OPENER)
    assert error.value.pick_id == first.id
    assert len(rows(league)) == 1


def test_another_member_another_week_and_another_player_are_no_duplicates(league: Database) -> None:
    take(league, "A.J. Brown")
    take(league, "A.J. Brown", member="Blake")
    take(league, "A.J. Brown", week=2)
    take(league, "CeeDee Lamb")
    assert len(rows(league)) == 4


def test_two_players_typed_the_very_same_are_told_to_be_typed_differently(league: Database) -> None:
    first = take(league, "Brandon Johnson", team="DEN")
    with pytest.raises(DuplicatePick, match=f"pick {first.id}.*of another player"):
        take(league, "Brandon Johnson", team="PHI")


@pytest.mark.parametrize("typed", ["AJ BROWN", "AJB", "AJ Browne"])
def test_a_pick_that_the_app_wrote_is_a_duplicate_before_it_is_understood(league: Database, typed: str) -> None:
    written = write_plainly(league, typed)
    with pytest.raises(DuplicatePick, match=f"pick {written}"):
        take(league, "A.J. Brown")


def test_a_pick_after_kickoff_needs_a_reason_which_is_kept(league: Database) -> None:
    late = datetime(2025, 9, 5, 0, 20, tzinfo=UTC)
    with pytest.raises(LatePick, match="kicked off at 2025-09-05 00:20 UTC"):
        take(league, now=late)
    with pytest.raises(LatePick):
        take(league, now=late, late_reason="  ")
    take(league, now=late, late_reason="phone was dead")
    assert rows(league)[0]["late_reason"] == "phone was dead"


def test_a_second_before_kickoff_is_in_time_and_keeps_no_reason(league: Database) -> None:
    take(league, now=datetime(2025, 9, 5, 0, 19, 59, tzinfo=UTC), late_reason="not needed")
    assert rows(league)[0]["late_reason"] is None


def test_a_final_game_without_a_kickoff_time_has_begun(league: Database) -> None:
    with league.write() as conn:
        final = {"kickoff_at": None, "status": "final", "home_score": 1, "away_score": 0}
        conn.execute(update(games).where(games.c.id == OPENER).values(**final))
    with pytest.raises(LatePick, match="kicked off on 2025-09-04"):
        take(league)


def test_a_duplicate_that_only_the_database_sees_is_a_clear_message(league: Database) -> None:
    """Two writers at once: the rule holds in the database, and its error is turned into a sentence."""
    from sqlalchemy.exc import IntegrityError

    from firsttd_pipeline.storage.picks import refused_by_database

    take(league)
    with pytest.raises(IntegrityError) as error, league.write() as conn:
        row = conn.execute(select(picks)).mappings().one()
        conn.execute(insert(picks).values({k: v for k, v in row.items() if k != "id"} | {"player_name": "other"}))
    assert str(refused_by_database(error.value, "Avery")) == "Avery has this player in that week already."


# --- listing and removing ---------------------------------------------------------------------------------------------


def test_picks_are_filtered_by_each_thing_asked_for(league: Database) -> None:
    take(league, "A.J. Brown", odds=900)
    take(league, "CeeDee Lamb", member="Blake")
    take(league, "A.J. Brown", week=2)
    assert list_picks(league, week=1).height == 2
    assert list_picks(league, member="avery").height == 2
    assert list_picks(league, member="Avery", week=2)["game_id"].to_list() == ["2025_02_PHI_KC"]
    assert list_picks(league, game_id=OPENER).height == 2
    assert list_picks(league, season=2024).height == 0
    assert list_picks(league, status="pending").height == 3
    assert list_picks(league, status="won").height == 0
    assert list_picks(league, limit=1).height == 1
    with pytest.raises(NoSuchMember):
        list_picks(league, member="Nobody")


def test_a_graded_pick_is_listed_with_points_and_profit_and_removed_with_its_grade(league: Database) -> None:
    pick = take(league, odds=900)
    with league.write() as conn:
        conn.execute(
            text("INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td, graded_by) "
                 "VALUES (:p, 'A.J. Brown', :yes, 9.0, :yes, 'manual')"),
            {"p": pick.id, "yes": True},
        )  # fmt: skip
        conn.execute(
            text("INSERT INTO pick_status (pick_id, status, finality, points, stake) "
                 "VALUES (:p, 'won', 'provisional', 4, 1)"),
            {"p": pick.id},
        )  # fmt: skip
    row = rows(league)[0]
    assert (row["status"], row["reason"], row["points"], row["profit"], row["scorer"]) == (
        "won", None, 4.0, 9.0, "A.J. Brown",
    )  # fmt: skip
    assert remove_pick(league, pick.id, by="Kim", why="entered twice")["typed"] == "A.J. Brown"
    with league.read() as conn:
        left = [conn.execute(text(f"SELECT count(*) FROM {t}")).scalar() for t in ("picks", "results", "pick_status")]
    assert left == [0, 0, 0]


@pytest.mark.parametrize("pick_id", [1, 0, -1, 2**31 - 1])
def test_a_pick_that_is_not_there_cannot_be_removed(league: Database, pick_id: int) -> None:
    with pytest.raises(NoSuchPick, match=f"no pick {pick_id}"):
        remove_pick(league, pick_id, by="Kim")


def test_a_member_with_picks_and_a_week_with_picks_cannot_be_deleted(league: Database) -> None:
    from sqlalchemy.exc import IntegrityError

    take(league)
    for table in (users, weeks):
        with pytest.raises(IntegrityError), league.write() as conn:
            conn.execute(delete(table))
