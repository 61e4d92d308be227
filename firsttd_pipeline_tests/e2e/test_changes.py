"""Upstream corrects itself: over a changed copy of the real season exactly the rows concerned change, and the grades
that hang on them flip and are recorded. Every test starts from the same graded league.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.refresh import RefreshError
from firsttd_pipeline.settings import Settings
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.e2e.conftest import NewHome
from firsttd_pipeline_tests.e2e.league import (
    AFTER,
    BEFORE,
    SEASON,
    WEEK_TWO_PLAYED,
    Tables,
    bring_in,
    checked,
    differences,
    execute,
    integrity,
    query,
    raw,
    refresh,
    tables,
)
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR, WEEK_TWO, needs_shared

pytestmark = needs_shared

OPENER, KNOCKOUT = "2025_01_DAL_PHI", "2025_03_DET_BAL"
BLOCKED_PUNT, NO_TOUCHDOWN, MONDAY = "2025_04_PHI_TB", "2025_18_KC_LV", "2025_10_PHI_GB"
PRESCOTT, WILLIAMS, HENRY, GIBBS = "00-0033077", "00-0036997", "00-0032764", "00-0039139"
BROWN, IRVING, GOEDERT = "00-0039002", "00-0039361", "00-0034351"

SHEET = f"""user,season,week,game_id,player,odds
Ann,2025,1,{OPENER},Javonte Williams,700
Bob,2025,1,{OPENER},Dak Prescott,1200
Cal,2025,1,{OPENER},Saquon Barkley,450
Cal,2025,3,{KNOCKOUT},Jahmyr Gibbs,450
Bob,2025,3,{KNOCKOUT},Derrick Henry,-110
Ann,2025,4,{BLOCKED_PUNT},Sydney Brown,10000
Bob,2025,4,{BLOCKED_PUNT},Eagles D/ST,2500
Cal,2025,4,{BLOCKED_PUNT},Bucky Irving,900
Dee,2025,4,{BLOCKED_PUNT},Dallas Goedert,
Dee,2025,10,{MONDAY},DeVonta Smith,800
Ann,2025,18,{NO_TOUCHDOWN},No Touchdown,5000
"""
MEMBERS = {"Ann": None, "Bob": 2.0, "Cal": None, "Dee": None}

ALWAYS_OPEN = {"touchdowns.scorers_on_rosters", "results.overrides_agree", "results.disagreements"}
"""Sixteen touchdowns of the mirror have no scorer; the grade by hand and the old application's contradict the plays."""


def pick(member: str, week: int, player: str) -> tuple[str, int, int, str]:
    return (member, SEASON, week, player)


@dataclass
class League:
    """A copy of the graded league over a mirror of its own that a test may change."""

    settings: Settings
    server: Server
    mirror: Path
    before: Tables
    start: int
    """The newest event of the graded league."""

    def run(self, **given: Any) -> dict[str, dict[Any, Any]]:
        """Refresh, and say what is different from the graded league."""
        refresh(self.settings, **given)
        assert integrity(self.settings) == []
        return differences(self.before, tables(self.settings))

    def pick_id(self, member: str, player: str) -> int:
        sql = "SELECT p.id FROM picks p JOIN users u ON u.id = p.user_id WHERE u.name = :m AND p.player_name = :p"
        return int(query(self.settings, sql, m=member, p=player)[0][0])

    def events(self) -> dict[str, tuple[Any, ...]]:
        """The recorded changes by player: event, old and new status, scorer and money, and whether it was official."""
        found = query(
            self.settings,
            "SELECT player_name, event, old_status, new_status, old_actual_scorer, new_actual_scorer, "
            "old_actual_return, new_actual_return, was_official FROM result_events "
            "WHERE graded_by = 'pipeline' AND changed_by = 'pipeline' AND id > :start",
            start=self.start,
        )
        assert len({row[0] for row in found}) == len(found)
        return {row[0]: row[1:] for row in found}


@pytest.fixture(scope="module")
def graded(upstream: Server, new_home: NewHome) -> tuple[Settings, Tables]:
    """Eleven picks, imported before the season, graded after it; one graded by hand, one by the old application."""
    settings = new_home(upstream.url)
    bring_in(settings, SHEET, BEFORE, MEMBERS)
    refresh(settings)
    barkley, irving = (
        query(settings, "SELECT id FROM picks WHERE player_name = :p", p=player)[0][0]
        for player in ("Saquon Barkley", "Bucky Irving")
    )
    by_hand = "UPDATE results SET is_correct = 1, graded_by = 'manual', actual_return = 42.0 WHERE pick_id = :i"
    assert execute(settings, by_hand, i=barkley) == 1
    execute(settings, "DELETE FROM results WHERE pick_id = :i", i=irving)
    old_application = (
        "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
        "VALUES (:i, 'Bucky Irving', 1, 0.0, 1)"
    )
    execute(settings, old_application, i=irving)
    refresh(settings)
    return settings, tables(settings)


@pytest.fixture
def league(graded: tuple[Settings, Tables], copy_home: NewHome, tmp_path: Path) -> Iterator[League]:
    settings, before = graded
    server = Server(mirrors.link_mirror(MIRROR, tmp_path / "mirror"))
    copied = copy_home(settings, server.url)
    start = query(copied, "SELECT max(id) FROM result_events")[0][0]
    yield League(copied, server, tmp_path / "mirror", before, start)
    server.stop()


def only_changed(found: dict[str, dict[Any, Any]], **expected: set[Any]) -> None:
    """Exactly these rows of exactly these tables differ."""
    assert {name: set(rows) for name, rows in found.items()} == expected


# --- the start --------------------------------------------------------------------------------------------------------


def test_the_league_starts_with_the_grades_that_the_real_plays_give(graded: tuple[Settings, Tables]) -> None:
    _, before = graded
    status = {key[0]: (row["status"], row["points"], row["finality"]) for key, row in before["pick_status"].items()}
    assert status == {
        pick("Ann", 1, "Javonte Williams"): ("won", 4.0, "official"),
        pick("Bob", 1, "Dak Prescott"): ("lost", 0.0, "official"),
        pick("Cal", 1, "Saquon Barkley"): ("won", 4.0, "official"),  # by hand
        pick("Cal", 3, "Jahmyr Gibbs"): ("won", 4.0, "official"),
        pick("Bob", 3, "Derrick Henry"): ("lost", 1.0, "official"),
        pick("Ann", 4, "Sydney Brown"): ("won", 4.0, "official"),
        pick("Bob", 4, "Eagles D/ST"): ("won", 4.0, "official"),
        pick("Cal", 4, "Bucky Irving"): ("won", 4.0, "official"),  # by the old application
        pick("Dee", 4, "Dallas Goedert"): ("lost", 1.0, "official"),
        pick("Dee", 10, "DeVonta Smith"): ("won", 4.0, "official"),
        pick("Ann", 18, "No Touchdown"): ("won", 3.0, "official"),
    }


def test_the_profit_of_a_grade_by_the_old_application_is_put_right_and_that_is_no_late_correction(
    graded: tuple[Settings, Tables],
) -> None:
    settings, before = graded
    row = before["results"][(pick("Cal", 4, "Bucky Irving"),)]
    assert (row["graded_by"], row["is_correct"], row["actual_return"]) == ("external", True, 9.0)
    irving = (
        "SELECT event, graded_by, changed_by, old_actual_return, new_actual_return FROM result_events "
        "WHERE player_name = 'Bucky Irving' ORDER BY id"
    )
    assert query(settings, irving) == [
        ("graded", "pipeline", "pipeline", None, -1.0),
        ("ungraded", "pipeline", None, -1.0, None),
        ("graded", "external", None, None, 0.0),
        ("money corrected", "external", "pipeline", 0.0, 9.0),
    ]
    assert set(checked(settings)) == ALWAYS_OPEN


def test_an_unchanged_mirror_changes_no_byte_of_any_table(league: League) -> None:
    before = raw(league.settings)
    assert league.run() == {}
    assert raw(league.settings) == before


# --- plays ------------------------------------------------------------------------------------------------------------


def test_a_corrected_scorer_moves_the_touchdown_and_flips_both_picks(league: League) -> None:
    mirrors.correct_scorer(league.mirror, SEASON, OPENER, 247, PRESCOTT, "D.Prescott")
    found = league.run()
    ann, bob = pick("Ann", 1, "Javonte Williams"), pick("Bob", 1, "Dak Prescott")
    only_changed(
        found,
        touchdowns={(OPENER, 247)},
        results={ann, bob},
        pick_status={ann, bob},
        player_stats={(SEASON, WILLIAMS), (SEASON, PRESCOTT)},
        # Dee is overtaken by Bob
        leaderboard={
            (SEASON, 0, "Ann"),
            (SEASON, 0, "Bob"),
            (SEASON, 0, "Dee"),
            (SEASON, 1, "Ann"),
            (SEASON, 1, "Bob"),
        },
    )
    assert found["touchdowns"][(OPENER, 247)] == {
        "player_id": (WILLIAMS, PRESCOTT),
        "player_name": ("J.Williams", "D.Prescott"),
    }
    assert found["player_stats"] == {
        (SEASON, WILLIAMS): {"first_td_count": (3, 2), "any_time_td_count": (13, 12), "times_hit": (1, 0)},
        (SEASON, PRESCOTT): {"first_td_count": (0, 1), "any_time_td_count": (2, 3), "times_hit": (0, 1)},
    }
    # Williams scored again later in the game: his pick keeps the point for that
    assert found["pick_status"] == {
        ann: {"status": ("won", "lost"), "points": (4.0, 1.0)},
        bob: {"status": ("lost", "won"), "points": (0.0, 4.0)},
    }
    assert found["leaderboard"][(SEASON, 0, "Dee")] == {"rank": (3, 4)}
    assert found["leaderboard"][(SEASON, 1, "Bob")] | {"roi": None, "win_rate": None} == {
        "rank": (3, 1),
        "first_td": (0, 1),
        "any_time_td": (0, 1),
        "points": (0.0, 4.0),
        "profit": (-2.0, 24.0),
        "current_streak": (-1, 1),
        "best_streak": (0, 1),
        "roi": None,
        "win_rate": None,
    }
    assert league.events() == {
        "Javonte Williams": ("flipped", "won", "lost", "J.Williams", "D.Prescott", 7.0, -1.0, 1),
        "Dak Prescott": ("flipped", "lost", "won", "J.Williams", "D.Prescott", -2.0, 24.0, 1),
    }


def test_a_correction_of_official_grades_lands_stays_official_and_is_warned_of_for_a_week(league: League) -> None:
    mirrors.correct_scorer(league.mirror, SEASON, OPENER, 247, PRESCOTT, "D.Prescott")
    found = league.run()
    assert all("finality" not in row for row in found["pick_status"].values())
    late = checked(league.settings)["results.official_grades_stand"]
    assert [(violation.count, violation.severity) for violation in late] == [(2, "warn")]
    assert "tell the members" in late[0].remedy
    assert "results.official_grades_stand" in checked(league.settings, now=AFTER + timedelta(days=6))
    assert "results.official_grades_stand" not in checked(league.settings, now=AFTER + timedelta(days=8))


def test_grades_by_hand_and_by_the_old_application_survive_what_the_plays_say(league: League) -> None:
    mirrors.correct_scorer(league.mirror, SEASON, OPENER, 247, PRESCOTT, "D.Prescott")
    mirrors.withdraw_touchdown(league.mirror, SEASON, BLOCKED_PUNT, 3092)  # Irving's only one of that game
    found = league.run()
    for mine in (pick("Cal", 1, "Saquon Barkley"), pick("Cal", 4, "Bucky Irving")):
        assert mine not in found["results"]
        assert mine not in found["pick_status"]
    by_hand = query(league.settings, "SELECT actual_return, is_correct FROM results WHERE graded_by = 'manual'")
    assert by_hand == [(42.0, 1)]
    assert (BLOCKED_PUNT, 3092) in found["touchdowns"]


@pytest.mark.parametrize(("is_correct", "profit", "staked"), [(1, 7.0, 1.0), (0, -1.0, 1.0), (None, 0.0, 0.0)])
def test_a_grade_by_hand_without_its_money_is_given_it_by_the_odds(
    league: League, is_correct: int | None, profit: float, staked: float
) -> None:
    number = league.pick_id("Ann", "Javonte Williams")
    by_hand = "UPDATE results SET is_correct = :c, graded_by = 'manual', actual_return = NULL WHERE pick_id = :i"
    execute(league.settings, by_hand, c=is_correct, i=number)
    league.run()
    standing = "SELECT is_correct, actual_return, graded_by FROM results WHERE pick_id = :i"
    assert query(league.settings, standing, i=number) == [(is_correct, profit, "manual")]
    week = "SELECT staked, profit FROM leaderboard JOIN users u ON u.id = user_id WHERE week = 1 AND u.name = 'Ann'"
    assert query(league.settings, week) == [(staked, profit)]
    recorded = (
        "SELECT event, new_actual_return FROM result_events "
        "WHERE graded_by = 'manual' AND changed_by = 'pipeline' AND pick_id = :i"
    )
    assert query(league.settings, recorded, i=number) == [("money corrected", profit)]


def test_a_withdrawn_touchdown_makes_the_next_one_the_first(league: League) -> None:
    mirrors.withdraw_touchdown(league.mirror, SEASON, KNOCKOUT, 307)
    found = league.run()
    bob, cal = pick("Bob", 3, "Derrick Henry"), pick("Cal", 3, "Jahmyr Gibbs")
    assert found["touchdowns"] == {(KNOCKOUT, 307): "gone", (KNOCKOUT, 519): {"is_first_td": (False, True)}}
    assert found["player_stats"] == {
        (SEASON, HENRY): {"first_td_count": (4, 5), "times_hit": (0, 1)},
        (SEASON, GIBBS): {"first_td_count": (5, 4), "any_time_td_count": (18, 17), "times_hit": (1, 0)},
    }
    assert found["pick_status"] == {
        bob: {"status": ("lost", "won"), "points": (1.0, 4.0)},
        cal: {"status": ("won", "lost"), "points": (4.0, 1.0)},
    }
    assert set(found) == {"touchdowns", "player_stats", "pick_status", "results", "leaderboard"}
    assert {key for key in found["leaderboard"] if key[1]} == {(SEASON, 3, "Bob"), (SEASON, 3, "Cal")}
    assert found["results"][bob]["actual_return"] == (-2.0, pytest.approx(2 * 100 / 110))
    assert league.events()["Jahmyr Gibbs"] == ("flipped", "won", "lost", "J.Gibbs", "D.Henry", 4.5, -1.0, 1)


def test_a_touchdown_added_earlier_in_a_game_takes_the_first_from_player_and_defense(league: League) -> None:
    mirrors.add_touchdown(
        league.mirror, SEASON, BLOCKED_PUNT, order_sequence=5.0, play_id=101.0, td_team="TB", posteam="TB",
        td_player_id=IRVING, td_player_name="B.Irving", desc="(13:40) 7-B.Irving left end for 61 yards, TOUCHDOWN.",
    )  # fmt: skip
    found = league.run()
    ann, bob, dee = pick("Ann", 4, "Sydney Brown"), pick("Bob", 4, "Eagles D/ST"), pick("Dee", 4, "Dallas Goedert")
    assert found["touchdowns"] == {(BLOCKED_PUNT, 101): "new", (BLOCKED_PUNT, 182): {"is_first_td": (True, False)}}
    assert found["game_records"] == {BLOCKED_PUNT: {"plays": (179, 180)}}
    lost = {"status": ("won", "lost"), "points": (4.0, 1.0)}
    assert found["pick_status"] == {ann: lost, bob: lost}
    assert set(found["results"]) == {ann, bob, dee}  # Dee's names the scorer who was first
    assert set(found["results"][dee]) == {"actual_scorer", "actual_scorer_id"}
    assert found["player_stats"] == {
        (SEASON, BROWN): {"first_td_count": (1, 0), "times_hit": (1, 0)},
        (SEASON, IRVING): {"first_td_count": (0, 1), "any_time_td_count": (4, 5)},
    }
    assert set(found) == {"touchdowns", "game_records", "player_stats", "pick_status", "results", "leaderboard"}
    assert league.events() == {
        "Sydney Brown": ("flipped", "won", "lost", "S.Brown", "B.Irving", 100.0, -1.0, 1),
        "Eagles D/ST": ("flipped", "won", "lost", "S.Brown", "B.Irving", 50.0, -2.0, 1),
        "Dallas Goedert": ("scorer corrected", "lost", "lost", "S.Brown", "B.Irving", None, None, 1),
    }
    late = checked(league.settings)["results.official_grades_stand"]
    assert late[0].count == 2  # Dee's grade did not change


def test_a_scorer_that_upstream_takes_back_leaves_only_the_picks_it_could_concern_open(league: League) -> None:
    mirrors.correct_scorer(league.mirror, SEASON, BLOCKED_PUNT, 182, None, None)
    found = league.run()
    waiting = {
        key: row["reason"][1]
        for key, row in found["pick_status"].items()
        if row.get("status", ("", ""))[1] == "pending"
    }
    # Brown and Goedert are Eagles; the D/ST's touchdown needs no scorer, and Irving is a Buccaneer
    assert waiting == {
        pick("Ann", 4, "Sydney Brown"): "scorer unknown",
        pick("Dee", 4, "Dallas Goedert"): "scorer unknown",
    }
    assert {key: row for key, row in found["results"].items() if row == "gone"} == dict.fromkeys(waiting, "gone")
    assert league.events()["Sydney Brown"][:3] == ("ungraded", "won", None)


def test_what_upstream_corrects_and_corrects_back_leaves_only_the_events(league: League) -> None:
    mirrors.correct_scorer(league.mirror, SEASON, OPENER, 247, PRESCOTT, "D.Prescott")
    assert league.run() != {}
    league.server.swap(MIRROR)
    assert league.run() == {}
    flips = query(
        league.settings,
        "SELECT old_status, new_status FROM result_events WHERE player_name = 'Dak Prescott' "
        "AND event = 'flipped' ORDER BY id",
    )
    assert flips == [("lost", "won"), ("won", "lost")]


def test_a_correction_while_the_grade_is_provisional_flips_it_without_a_warning(
    new_home: NewHome, tmp_path: Path
) -> None:
    mirror = mirrors.link_mirror(WEEK_TWO, tmp_path / "week_two")
    server = Server(mirror)
    try:
        settings = new_home(server.url)
        sheet = "".join(line for line in SHEET.splitlines(keepends=True) if line.startswith("user") or OPENER in line)
        bring_in(settings, sheet, WEEK_TWO_PLAYED, MEMBERS)
        three_days_on = WEEK_TWO_PLAYED - timedelta(days=8)  # week 2 is not final then
        refresh(settings, now=three_days_on)
        assert set(query(settings, "SELECT finality FROM pick_status")) == {("provisional",)}
        mirrors.correct_scorer(mirror, SEASON, OPENER, 247, PRESCOTT, "D.Prescott")
        refresh(settings, now=three_days_on + timedelta(days=1))
        changed = query(
            settings,
            "SELECT player_name, new_status, was_official FROM result_events WHERE event = 'flipped' "
            "ORDER BY player_name",
        )
        assert changed == [("Dak Prescott", "won", 0), ("Javonte Williams", "lost", 0)]
        assert "results.official_grades_stand" not in checked(settings, now=three_days_on + timedelta(days=1))
        refresh(settings, now=WEEK_TWO_PLAYED)
        assert set(query(settings, "SELECT finality FROM pick_status")) == {("official",)}
    finally:
        server.stop()


# --- rosters ----------------------------------------------------------------------------------------------------------


def test_a_trade_retires_one_roster_row_adds_another_and_moves_the_players_row_of_statistics(league: League) -> None:
    mirrors.trade_player(league.mirror, SEASON, GOEDERT, "DAL")
    old, new = (SEASON, "PHI", GOEDERT), (SEASON, "DAL", GOEDERT)
    assert league.run() == {
        "rosters": {old: {"retired_at": (False, True)}, new: "new"},
        "player_stats": {(SEASON, GOEDERT): {"team": ("PHI", "DAL"), "roster": (old, new)}},
    }


def test_a_roster_row_that_upstream_dropped_is_retired_and_what_refers_to_it_stands(league: League) -> None:
    for change in (mirrors.change_roster, mirrors.change_weekly):
        change(league.mirror, SEASON, lambda roster: roster.filter(pl.col("gsis_id") != GOEDERT))
    found = league.run()
    assert found["rosters"] == {(SEASON, "PHI", GOEDERT): {"retired_at": (False, True)}}
    assert not {"picks", "results", "leaderboard"} & set(found)


def test_a_player_whom_only_the_weekly_rosters_still_name_stays_as_he_was(league: League) -> None:
    mirrors.change_roster(league.mirror, SEASON, lambda roster: roster.filter(pl.col("gsis_id") != GOEDERT))
    assert league.run() == {}


# --- the schedule -----------------------------------------------------------------------------------------------------


def test_a_game_moved_to_another_week_takes_its_plays_its_kickoff_and_its_picks_along(league: League) -> None:
    moved = "2025_11_PHI_GB"
    execute(league.settings, "UPDATE kickoff_decisions SET decision = 'DEFER' WHERE game_id = :g", g=MONDAY)
    mirrors.rename_game(league.mirror, MONDAY, moved, gameday="2025-11-17")
    found = league.run()
    assert found["games"] == {MONDAY: {"status": ("final", "postponed"), "deleted_at": (False, True)}, moved: "new"}
    assert found["touchdowns"] == {
        (MONDAY, 3084): "gone", (MONDAY, 3454): "gone", (moved, 3084): "new", (moved, 3454): "new",
    }  # fmt: skip
    assert found["game_records"] == found["kickoff_decisions"] == {MONDAY: "gone", moved: "new"}
    entered = query(league.settings, "SELECT decision, team FROM kickoff_decisions WHERE game_id = :g", g=moved)
    assert entered == [("DEFER", league.before["kickoff_decisions"][(MONDAY,)]["team"])]
    assert found["picks"] == {pick("Dee", 10, "DeVonta Smith"): {"game_id": (MONDAY, moved)}}
    assert not {"results", "pick_status", "leaderboard", "rosters"} & set(found)  # he still scored first
    assert league.events() == {"DeVonta Smith": ("moved", "won", "won", "D.Smith", "D.Smith", 8.0, 8.0, 1)}
    rated = {key[2] for key in found["team_ratings"] if key[1] == 10}
    assert rated == {"PHI", "GB"}
    assert set(checked(league.settings)) == ALWAYS_OPEN


@pytest.mark.parametrize("last", ["2025_12_PHI_GB", MONDAY], ids=["on_to_a_third_week", "back_to_its_own_week"])
def test_a_game_that_moves_twice_keeps_its_picks(league: League, last: str) -> None:
    mirrors.rename_game(league.mirror, MONDAY, "2025_11_PHI_GB", gameday="2025-11-17")
    league.run()
    mirrors.rename_game(league.mirror, "2025_11_PHI_GB", last, gameday="2025-11-24")
    found = league.run()
    picked = query(league.settings, "SELECT game_id FROM picks WHERE player_name = 'DeVonta Smith'")
    assert picked == [(last,)]
    assert not {"results", "pick_status", "leaderboard"} & set(found)
    current = query(league.settings, "SELECT id FROM games WHERE home_team = 'GB' AND away_team = 'PHI' "
                    "AND season = 2025 AND deleted_at IS NULL")  # fmt: skip
    assert current == [(last,)]


def test_a_game_whose_id_alone_is_renamed_is_one_game_still(league: League) -> None:
    renamed = "2025_10_PHI_GBP"  # week and teams as before
    mirrors.change_schedule(league.mirror, mirrors.set_where(pl.col("game_id") == MONDAY, game_id=renamed))
    mirrors.change_plays(league.mirror, SEASON, mirrors.set_where(pl.col("game_id") == MONDAY, game_id=renamed))
    found = league.run()
    assert found["games"] == found["game_records"] == found["kickoff_decisions"] == {MONDAY: "gone", renamed: "new"}
    assert found["picks"] == {pick("Dee", 10, "DeVonta Smith"): {"game_id": (MONDAY, renamed)}}
    assert set(found) == {"games", "touchdowns", "game_records", "kickoff_decisions", "picks"}


def test_a_changed_score_takes_back_the_grades_of_its_game_until_the_plays_agree(league: League) -> None:
    mirrors.change_score(league.mirror, NO_TOUCHDOWN, home=17, away=12)
    found = league.run()
    ann = pick("Ann", 18, "No Touchdown")
    assert found["games"] == {NO_TOUCHDOWN: {"home_score": (14, 17)}}
    assert found["results"] == {ann: "gone"}
    assert found["pick_status"][ann]["status"] == ("won", "pending")
    assert found["pick_status"][ann]["reason"] == (None, "score mismatch")
    assert set(found["leaderboard"]) == {(SEASON, 0, "Ann"), (SEASON, 18, "Ann")}
    assert found["leaderboard"][(SEASON, 18, "Ann")]["pending"] == (0, 1)
    assert {key[2] for key in found["team_ratings"]} == {"KC", "LV"}
    assert {frozenset(row) for row in found["team_ratings"].values()} == {
        frozenset({"points_for"}),
        frozenset({"points_against"}),
    }
    assert set(found) == {"games", "results", "pick_status", "leaderboard", "team_ratings"}
    assert league.events() == {
        "No Touchdown": ("ungraded", "won", None, "No Touchdown", None, 50.0, None, 1),
    }
    warned = checked(league.settings)
    assert set(warned) == ALWAYS_OPEN | {"touchdowns.plays_agree_with_schedule", "results.official_grades_stand"}
    assert warned["touchdowns.plays_agree_with_schedule"][0].ids == (NO_TOUCHDOWN,) or (
        NO_TOUCHDOWN in warned["touchdowns.plays_agree_with_schedule"][0].example
    )
    league.server.swap(MIRROR)
    assert league.run() == {}


def test_a_game_that_vanished_is_kept_as_cancelled_and_its_picks_are_void(league: League) -> None:
    mirrors.change_schedule(league.mirror, lambda games: games.filter(pl.col("game_id") != KNOCKOUT))
    found = league.run()
    bob, cal = pick("Bob", 3, "Derrick Henry"), pick("Cal", 3, "Jahmyr Gibbs")
    assert found["games"] == {KNOCKOUT: {"status": ("final", "cancelled"), "deleted_at": (False, True)}}
    assert {key: (row["status"][1], row["reason"][1]) for key, row in found["pick_status"].items()} == dict.fromkeys(
        (bob, cal), ("void", "game cancelled")
    )
    returned = query(league.settings, "SELECT is_correct, actual_return, any_time_td FROM results WHERE pick_id IN "
                     "(SELECT id FROM picks WHERE game_id = :g)", g=KNOCKOUT)  # fmt: skip
    assert returned == [(None, 0.0, None)] * 2
    assert "picks" not in found
    assert len(found["touchdowns"]) == len(found["quarantine"]) == 9
    league.server.swap(MIRROR)
    back = league.run()
    # its plays stood in quarantine meanwhile: that is kept, as settled
    assert set(back) == {"quarantine"}
    resolved = query(league.settings, "SELECT count(*), count(resolved_at) FROM quarantine")
    assert resolved == [(9, 9)]


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda games: games.filter(pl.col("week") != 1), "the schedule of 17 games"),
        (mirrors.set_where(pl.col("week") == 1, home_score=None, away_score=None), "the scores of 17 games"),
    ],
    ids=["games", "scores"],
)
def test_a_schedule_that_lost_more_than_a_week_is_refused_and_nothing_changes(
    league: League, change: mirrors.Change, lost: str
) -> None:
    also = pl.col("game_id") == MONDAY
    mirrors.change_schedule(league.mirror, change)
    if "scores" in lost:
        mirrors.change_schedule(league.mirror, mirrors.set_where(also, home_score=None, away_score=None))
    else:
        mirrors.change_schedule(league.mirror, lambda games: games.filter(~also))
    with pytest.raises(RefreshError, match=f"no longer has {lost}"):
        league.run()
    assert differences(league.before, tables(league.settings)) == {}
