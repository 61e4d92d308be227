"""Claims about `firsttd players`: the listing, questions and their answers, explanations, and aliases."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from firsttd_pipeline.commands.players import emit_questions
from firsttd_pipeline_tests.commands.conftest import Home
from firsttd_pipeline_tests.mirrors import TINY_GAMES

OPENER, OTHER, COMING = TINY_GAMES
CATCHER, CARRIER, TIGHTEND = "00-0000004", "00-0000002", "00-0000005"
HOSTILE = '=cmd|"\x1b[2J[red]Catch'


def written(home: Home, typed: str, member: str = "Blake", game: str | None = OPENER, week: int = 1) -> int:
    """A pick as the old application writes it, its plain SQL and all."""
    with closing(sqlite3.connect(home.database)) as conn, conn:
        done = conn.execute(
            "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
            "SELECT u.id, w.id, 'Unknown', ?, 900, 9.0, ? FROM users u, weeks w WHERE u.name = ? AND w.season = 2025 "
            "AND w.week = ?",
            (typed, game, member, week),
        )
        assert done.lastrowid
        return done.lastrowid


def nightly(home: Home) -> None:
    told = home.quick("nightly", "--season", "2025")
    assert told.code == 0, told.err


def review(home: Home, *more: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = home.quick("players", "review", "--format", "json", *more).json
    return rows


def pick(home: Home, pick_id: int) -> dict[str, Any]:
    listed = home.quick("picks", "list", "--season", "2025", "--format", "json").json
    (row,) = [row for row in listed if row["pick_id"] == pick_id]
    return dict(row)


def test_without_a_command_the_seasons_players_are_listed_as_ever(league: Home) -> None:
    rows = league.quick("players", "--season", "2025", "--team", "KC", "--limit", "1", "--format", "json").json
    assert [row["team"] for row in rows] == ["KC"]
    told = league.quick("players", "--season", "2025", "--format", "json", "review")
    assert (told.code, told.out) == (2, "")
    assert "Options of `players review` go after its name" in told.err


def test_a_question_is_listed_answered_remembered_and_graded(copy: Home) -> None:
    asks = written(copy, "the guy")
    nightly(copy)
    (question,) = review(copy)
    assert (question["pick_id"], question["member"], question["typed"], question["game_id"]) == (
        asks, "Blake", "the guy", OPENER,
    )  # fmt: skip
    assert "No player in 2025_01_DAL_PHI is called 'the guy'" in question["message"]
    assert question["to_answer"] == f"firsttd players confirm {asks} PLAYER"
    assert pick(copy, asks)["by"] == "question"

    told = copy.quick("players", "confirm", str(asks), "CeeDee Catcher")
    assert (told.code, told.out) == (0, "")
    assert f"Pick {asks}: Blake, 'the guy' is CeeDee Catcher (DAL, WR), {OPENER}." in told.err
    assert "'the guy' means from now on CeeDee Catcher for the league (alias 1)." in told.err
    assert review(copy) == []
    assert (pick(copy, asks)["player_id"], pick(copy, asks)["by"]) == (CATCHER, "confirmed")
    (alias,) = copy.quick("players", "aliases", "--format", "json").json
    assert alias["made_by"]  # the login name of whoever runs this

    nightly(copy)
    assert pick(copy, asks)["status"] in ("won", "lost")
    again = written(copy, "THE GUY", member="Avery")
    nightly(copy)
    assert (pick(copy, again)["player_id"], pick(copy, again)["by"]) == (CATCHER, "alias")


def test_the_table_of_questions_gives_each_candidate_the_command_that_answers(copy: Home) -> None:
    asks = written(copy, "Trent Tightend", game=COMING, week=2)
    nightly(copy)
    out = copy.quick("players", "review").out
    rows = review(copy)
    assert [row["pick_id"] for row in rows] == [asks]
    for candidate in rows[0]["candidates"]:
        assert candidate["player"] in out
        ready = f"firsttd players confirm {asks} {candidate['player_id']}" in out
        assert ready == (candidate["confidence"] >= 0.5)
    (line,) = copy.quick("players", "review", "--format", "csv").csv
    assert line["pick_id"] == str(asks)


def test_who_answers_can_be_said_and_is_kept(copy: Home) -> None:
    asks = written(copy, "the guy")
    nightly(copy)
    assert copy.quick("players", "confirm", str(asks), CATCHER, "--by", "Ann", "--scope", "member").code == 0
    (alias,) = copy.quick("players", "aliases", "--format", "json").json
    assert (alias["made_by"], alias["scope"], alias["text"], alias["pick_id"]) == ("Ann", "Blake", "the guy", asks)
    told = copy.quick("players", "forget", str(alias["alias_id"]))
    assert (told.code, told.out) == (0, "")
    assert "'the guy' no longer means CeeDee Catcher" in told.err
    assert copy.quick("players", "aliases", "--format", "json").json == []
    assert copy.quick("players", "forget", str(alias["alias_id"])).code == 2


def test_a_second_spelling_is_set_aside_by_the_night_and_by_an_answer(copy: Home) -> None:
    # Avery has Saquon Carrier in week 1
    spelt = written(copy, "Carrier", member="Avery")
    asks = written(copy, "my man", member="Avery")
    nightly(copy)
    listed = [row["pick_id"] for row in copy.quick("picks", "list", "--season", "2025", "--format", "json").json]
    assert spelt not in listed
    told = copy.quick("players", "confirm", str(asks), "Saquon Carrier", "--by", "Ann")
    assert told.code == 0
    assert f"Pick {asks} (Avery, 'my man') is set aside in quarantine: second spelling of pick " in told.err
    with closing(sqlite3.connect(copy.database)) as conn:
        kept = conn.execute("SELECT key, reason FROM quarantine WHERE table_name = 'picks' ORDER BY id").fetchall()
    assert [key for key, _ in kept] == [str(spelt), str(asks)]
    assert all("(Saquon Carrier)" in reason for _, reason in kept)
    assert (
        "set aside, whole with its grade in the table quarantine: second spelling" in copy.quick("why", str(asks)).out
    )


def test_only_a_likely_candidate_is_offered_as_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    candidates = [
        {"player_id": f"P{sure}", "player": f"Player {sure}", "team": "KC", "position": "TE", "confidence": sure / 100}
        for sure in (60, 49)
    ]
    asked = {"pick_id": 7, "member": "Ann", "week": 1, "game_id": None, "typed": "x", "team": "KC", "message": "two"}
    emit_questions([asked | {"candidates": candidates}])
    out = capsys.readouterr().out
    assert "firsttd players confirm 7 P60" in out
    assert "P49" not in out
    assert "Player 49" in out
    assert "firsttd players confirm 7 PLAYER --game GAME" in out


def test_a_pick_without_a_game_is_answered_with_its_game(copy: Home) -> None:
    asks = written(copy, "nobody scores", member="Avery", game=None)
    nightly(copy)
    told = copy.quick("why", str(asks)).out
    assert "Of this pick" not in told
    (question,) = review(copy)
    assert question["to_answer"] == f"firsttd players confirm {asks} PLAYER --game GAME"
    refused = copy.quick("players", "confirm", str(asks), "NO_TD", "--game", COMING)
    assert (refused.code, refused.out) == (2, "")
    assert f"{COMING} is in week 2" in refused.err
    done = copy.quick("players", "confirm", str(asks), "NO_TD", "--game", OPENER)
    assert done.code == 0, done.err
    assert f"Pick {asks}: Avery, 'nobody scores' is No touchdown, {OPENER}." in done.err
    assert pick(copy, asks)["game_id"] == OPENER
    assert "no touchdown in this game" not in copy.quick("why", str(asks)).out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["confirm", "1", "Travis Tightend"], "neither roster of 2025_01_DAL_PHI"),
        (["confirm", "1", "Catcher"], "no gsis_id and no full name"),
        (["confirm", "999", "NO_TD"], "There is no pick 999"),
        (["confirm", "1", "DST:SEA"], "SEA does not play"),
        (["confirm", "1", "CeeDee Catcher", "--by", "A\nB"], "Who cannot hold the character U+000A"),
        (["confirm", "1", "CeeDee Catcher", "--by", "pipeline"], "'pipeline' signs for programs"),
        (["confirm", "one", "CeeDee Catcher"], "Invalid value for 'PICK'"),
        (["confirm", "1", "CeeDee Catcher", "--scope", "world"], "Invalid value for '--scope'"),
        (["resolve", "Catcher"], "Missing option '--game'"),
        (["resolve", "Catcher", "--game", "2025_01_NO_GAME"], "2025_01_NO_GAME"),
        (["resolve", "Catcher", "--game", OPENER, "--member", "Nobody"], "No member is called 'Nobody'"),
        (["resolve", "", "--game", OPENER], "The player is empty"),
        (["resolve", "Catcher", "--game", "2019_01_GB_CHI"], "firsttd nightly"),
        (["forget", "7"], "There is no alias 7"),
        (["answer"], "No such command 'answer'"),
    ],
)
def test_what_cannot_be_answered_or_explained_is_refused_and_nothing_changes(
    copy: Home, arguments: list[str], says: str
) -> None:
    before = copy.quick("picks", "list", "--season", "2025", "--format", "json").out
    told = copy.quick("players", *arguments)
    assert (told.code, told.out) == (2, "")
    assert says in " ".join(told.err.replace("│", " ").split())
    assert copy.quick("picks", "list", "--season", "2025", "--format", "json").out == before
    assert copy.quick("players", "aliases", "--format", "json").json == []


def test_an_explanation_is_one_object_for_programs_and_a_table_for_people(league: Home) -> None:
    told = league.quick("players", "resolve", "ceedee", "--game", OPENER, "--format", "json")
    assert (told.code, told.err) == (0, "")
    found = told.json
    assert list(found) == ["player_id", "player", "method", "confidence", "runner_up", "candidates"]
    assert (found["player_id"], found["player"], found["method"]) == (CATCHER, "CeeDee Catcher", "first name")
    assert 0 < found["confidence"] <= 1
    asks = league.quick("players", "resolve", "nobody here", "--game", OPENER, "--format", "json")
    assert (asks.code, asks.json["player_id"], asks.json["method"]) == (0, None, None)
    assert "It would ask: No player in 2025_01_DAL_PHI is called 'nobody here'" in asks.err
    shown = league.quick("players", "resolve", "ceedee", "--game", OPENER).out
    assert "CeeDee Catcher" in shown
    assert "first name" in shown
    assert league.quick("players", "resolve", "Cowboys D/ST", "--game", OPENER, "--format", "json").json == {
        "player_id": "DST:DAL",
        "player": "DAL D/ST",
        "method": "special",
        "confidence": 1.0,
        "runner_up": None,
        "candidates": [],
    }


def test_what_a_member_typed_reaches_neither_terminal_nor_spreadsheet(copy: Home) -> None:
    written(copy, HOSTILE)
    nightly(copy)
    for output in ("table", "csv", "json"):
        told = copy.quick("players", "review", "--format", output)
        assert told.code == 0
        assert "\x1b" not in told.out + told.err
    (line,) = copy.quick("players", "review", "--format", "csv").csv
    assert line["typed"].startswith("'=cmd")
    told = copy.quick("players", "resolve", "[bold]=1+1", "--game", OPENER)
    assert "[bold]=1+1" in told.out


def test_the_night_counts_what_asks_and_the_check_says_what_to_do(copy: Home) -> None:
    written(copy, "the guy")
    told = copy.quick("nightly", "--season", "2025")
    assert told.code == 0
    said = " ".join(told.err.replace("│", " ").split())
    assert "names_understood" in said
    assert "picks wait for an answer whom they mean: " in said
    assert "firsttd players review" in said
