"""The resolver on names made by rule from real rosters, and on every name that the league itself typed."""

from __future__ import annotations

import re
import sqlite3
from functools import cache
from pathlib import Path

import pytest

from firsttd_pipeline.domain.resolver import METHODS, PICKED, Resolution, Resolver
from firsttd_pipeline.domain.sheets import PickRow, ScheduledGame, read_sheet, settle_game
from firsttd_pipeline_tests.domain.name_rules import (
    RULES,
    Tally,
    games,
    measure,
    measure_all,
    schedule,
    season_roster,
    table,
    total,
    weekly_roster,
)
from firsttd_pipeline_tests.shared_data import LEAGUE_SHEET, LEGACY_DB, needs_shared

pytestmark = needs_shared

DOCS = Path(__file__).resolve().parents[2] / "docs" / "resolver.md"
EVERY = 60  # of 285 games a season: enough to find a rule that breaks, and a few seconds


@pytest.fixture(scope="module")
def tallies() -> dict[str, Tally]:
    return measure_all(EVERY)


def test_of_its_answers_at_least_999_in_1000_are_right(tallies: dict[str, Tally]) -> None:
    whole = total(tallies)
    assert whole.answered > 15_000
    assert whole.precision >= 0.999, whole.failures[:20]


def test_no_rule_makes_names_that_are_answered_wrongly_more_often(tallies: dict[str, Tally]) -> None:
    assert {name: tally.failures[:5] for name, tally in tallies.items() if tally.precision < 0.998} == {}


def test_of_the_texts_that_can_be_decided_at_least_95_in_100_are_answered_right(tallies: dict[str, Tally]) -> None:
    whole = total(tallies)
    assert whole.recall >= 0.95
    # full and last names, initials and misspellings each; pieces of names and names with a wrong team ask more often
    asks_more = {"last name, wrong team", "part of a compound last name", "beginning of last name"}
    assert {name: tally.recall for name, tally in tallies.items() if tally.recall < 0.95}.keys() <= asks_more
    assert all(tallies[name].recall >= 0.7 for name in asks_more)


def test_a_text_that_two_players_share_is_a_question(tallies: dict[str, Tally]) -> None:
    for name in ("full name", "last name", "last name, own team", "first name", "initials", "initial and last name"):
        assert tallies[name].undecidable_asked == tallies[name].undecidable, name
    # with the other team typed, that team's namesake is the answer: nothing else is known of the text
    others = total({name: tally for name, tally in tallies.items() if name != "last name, wrong team"})
    assert others.undecidable_wrong <= 0.001 * others.answered


def test_every_rule_makes_texts(tallies: dict[str, Tally]) -> None:
    assert len(tallies) == len(RULES)
    assert {name for name, tally in tallies.items() if tally.answered + tally.asked + tally.undecidable == 0} == set()


def test_another_seed_of_misspellings_is_as_good() -> None:
    whole = total(measure(games(2025, weekly=True, every=60), seed=7))
    assert whole.precision >= 0.999, whole.failures
    assert whole.recall >= 0.95


_SUFFIX = re.compile(r" (?:Jr\.?|Sr\.?|I{2,3}|IV|V)$")


def test_the_full_name_of_a_player_of_other_teams_is_never_answered() -> None:
    answered = []
    rows = season_roster(2025)
    for game in games(2025, weekly=False, every=40):
        here = set(rows.filter(rows["team"].is_in(game.teams))["player_id"])
        names_here = {_SUFFIX.sub("", name) for name in rows.filter(rows["team"].is_in(game.teams))["player_name"]}
        for player_id, name, position in rows.select("player_id", "player_name", "position").iter_rows():
            elsewhere = player_id not in here and _SUFFIX.sub("", name) not in names_here
            if elsewhere and position in PICKED:
                found = game.resolver.resolve(name, game.teams).answer
                if found is not None:
                    answered.append((game.game_id, name, found.label))
    assert answered == []


def test_the_published_table_has_every_rule_and_keeps_the_thresholds(tallies: dict[str, Tally]) -> None:
    published = DOCS.read_text("utf-8")
    rows = [line.split("|")[1].strip() for line in published.splitlines() if line.startswith("| ")]
    for line in table(tallies).splitlines()[2:]:
        assert line.split("|")[1].strip() in rows
    precision, recall = re.findall(r"\*\*all rules\*\*[^\n]*?([\d.]+)% \| ([\d.]+)%", published)[0]
    assert float(precision) >= 99.9
    assert float(recall) >= 95.0


def test_the_docs_list_every_method_with_its_rank_and_confidence() -> None:
    published = DOCS.read_text("utf-8")
    for method in METHODS:
        row = re.search(rf"^\| {method.rank} \| `{re.escape(method.name)}` \|.*\| (\S.*) \|$", published, re.MULTILINE)
        assert row, method.name
        assert row[1] == (f"{method.confidence:.2f}" if method.confidence else "0.9 x closeness"), method.name


# --- the league's own picks -------------------------------------------------------------------------------------------

# Looked up by eye in the rosters of the week: pick of the league's file -> name and team there. None: a question.
EXPECTED = {
    1: ("A.J. Brown", "PHI"),
    2: ("Xavier Worthy", "KC"),
    3: ("Josh Palmer", "BUF"),
    4: ("T.J. Hockenson", "MIN"),
    5: ("Tucker Kraft", "GB"),
    6: ("Michael Penix Jr.", "ATL"),
    7: ("Sterling Shepard", "TB"),
    8: ("Ladd McConkey", "LAC"),
    9: ("Dawson Knox", "BUF"),
    10: ("Kareem Hunt", "KC"),
    11: ("Zay Flowers", "BAL"),
    12: ("Cooper Kupp", "SEA"),
    13: ("Matthew Golden", "GB"),
    14: ("Justin Fields", "NYJ"),
    15: ("Marvin Mims Jr.", "DEN"),
    16: ("Christian McCaffrey", "SF"),
    17: ("Dawson Knox", "BUF"),
    18: ("Xavier Worthy", "KC"),
    19: ("A.J. Brown", "PHI"),
    20: ("Tyquan Thornton", "KC"),
    21: ("Josh Palmer", "BUF"),
    22: ("Zach Ertz", "WAS"),
    23: ("Kenneth Gainwell", "PIT"),
    24: ("George Kittle", "SF"),
    25: ("Amon-Ra St. Brown", "DET"),
    26: ("Cooper Kupp", "SEA"),
    27: ("Jordan Addison", "MIN"),
    28: ("Matthew Golden", "GB"),
    29: ("Xavier Worthy", "KC"),
    30: ("Rashod Bateman", "BAL"),
    31: ("AJ Barner", "SEA"),
    32: ("Jake Ferguson", "DAL"),
    33: ("Courtland Sutton", "DEN"),
    34: ("Oronde Gadsden II", "LAC"),
    35: ("Christian Watson", "GB"),
    36: ("Hunter Henry", "NE"),
    37: ("Jameson Williams", "DET"),
    38: ("CeeDee Lamb", "DAL"),
    39: ("James Cook", "BUF"),
    40: ("Puka Nacua", "LA"),
    41: ("George Kittle", "SF"),
    42: ("Mark Andrews", "BAL"),
    43: ("Dontayvion Wicks", "GB"),
    44: ("George Pickens", "DAL"),  # typed with KC
    45: ("Dallas Goedert", "PHI"),
    46: ("Troy Franklin", "DEN"),
    47: ("Jaxson Dart", "NYG"),
    48: ("George Pickens", "DAL"),
    49: ("Xavier Worthy", "KC"),
    50: ("Ladd McConkey", "LAC"),
    51: ("Tyler Allgeier", "ATL"),
    52: ("George Pickens", "DAL"),
    53: ("Jaylen Waddle", "MIA"),
    54: ("Kyren Williams", "LA"),
    55: ("Olamide Zaccheaus", "CHI"),
    56: ("Dallas Goedert", "PHI"),
    57: ("TreVeyon Henderson", "NE"),
    58: ("Jauan Jennings", "SF"),
    59: ("Jameson Williams", "DET"),
    60: ("CeeDee Lamb", "DAL"),
    61: ("Courtland Sutton", "DEN"),
    62: ("Zay Flowers", "BAL"),
    63: ("Quentin Johnston", "LAC"),
    64: ("DJ Moore", "CHI"),
    65: ("Terrance Ferguson", "LA"),
    66: ("George Kittle", "SF"),
    67: ("Bucky Irving", "TB"),
    68: ("Kenneth Gainwell", "PIT"),
    69: ("DJ Moore", "CHI"),
    70: ("Puka Nacua", "LA"),
    71: ("Parker Washington", "JAX"),
    72: ("Saquon Barkley", "PHI"),
    73: ("Oronde Gadsden II", "LAC"),
    74: ("Nico Collins", "HOU"),
}


@cache
def _of_week(week: int) -> Resolver:
    return Resolver(weekly_roster(2025, week))


@cache
def _of_season() -> Resolver:
    return Resolver(season_roster(2025))


def _legacy_picks() -> list[tuple[int, int, str, str, str]]:
    with sqlite3.connect(f"file:{LEGACY_DB}?mode=ro", uri=True) as conn:
        return conn.execute(
            "SELECT p.id, w.week, p.game_id, p.team, p.player_name FROM picks p JOIN weeks w ON w.id = p.week_id"
            " WHERE p.game_id IS NOT NULL ORDER BY p.id"
        ).fetchall()


def _teams(game_id: str) -> tuple[str, str]:
    _, _, away, home = game_id.split("_")
    return away, home


def _said(found: Resolution) -> tuple[str, str] | None:
    return (found.answer.candidate.player_name, found.answer.candidate.team) if found.answer else None


def test_every_pick_of_the_league_with_a_game_is_the_player_that_its_member_meant() -> None:
    picks = _legacy_picks()
    assert len(picks) == 74
    said = {
        pick: _said(_of_week(week).resolve(typed, _teams(game), preferred_team=team if team in _teams(game) else None))
        for pick, week, game, team, typed in picks
    }
    assert said == EXPECTED


def test_without_weekly_rosters_the_league_s_picks_are_right_or_asked() -> None:
    said = {
        pick: _said(_of_season().resolve(typed, _teams(game), preferred_team=team if team in _teams(game) else None))
        for pick, _, game, team, typed in _legacy_picks()
    }
    wrong = {pick: player for pick, player in said.items() if player and player[0] != EXPECTED[pick][0]}
    assert wrong == {}
    assert sum(player is not None for player in said.values()) >= 70


def test_the_league_s_sheet_means_the_same_players() -> None:
    season = [ScheduledGame(*row) for row in schedule(2025).iter_rows()]
    by_text: dict[tuple[str, str], tuple[str, str]] = {}
    for row in read_sheet(LEAGUE_SHEET.read_bytes()).rows:
        assert isinstance(row, PickRow)
        assert isinstance(row.week, int)
        game = settle_game(row.away or "", row.home or "", row.week, season).game_id
        found = _of_week(row.week).resolve(row.player, _teams(game), position=row.position)
        said = _said(found)
        assert said is not None, found.reason
        by_text[game, row.player] = said
    assert len(by_text) == 47
    from_file = {(game, typed): EXPECTED[pick] for pick, _, game, _, typed in _legacy_picks()}
    both = by_text.keys() & from_file.keys()
    assert len(both) >= 30
    assert {key: by_text[key] for key in both} == {key: from_file[key] for key in both}
    rest = {typed: player[0] for (game, typed), player in by_text.items() if (game, typed) not in both}
    assert rest == {
        "Hunt": "Kareem Hunt",
        "Mims": "Marvin Mims Jr.",
        "Addison": "Jordan Addison",
        "Jamo": "Jameson Williams",
        "Cook": "James Cook",
        "JCM": "Jacory Croskey-Merritt",
    }
