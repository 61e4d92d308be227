"""Claims about `members` and `picks` from a terminal: what is taken, what is refused and why, and exit codes."""

from __future__ import annotations

from typing import Any

import pytest

from firsttd_pipeline_tests.commands.conftest import Home
from firsttd_pipeline_tests.mirrors import TINY_GAMES

OPENER, OTHER, COMING = TINY_GAMES
LATE = ("--late", "entered after the week")


def members(home: Home) -> dict[str, Any]:
    return {row["name"]: row["base_bet"] for row in home.quick("members", "list", "--format", "json").json}


def picks(home: Home, *more: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = home.quick("picks", "list", "--season", "2025", "--format", "json", *more).json
    return rows


# --- members ----------------------------------------------------------------------------------------------------------


def test_a_member_is_added_with_a_stake_that_can_be_changed_and_given_back(copy: Home) -> None:
    assert copy.quick("members", "add", "Casey", "--stake", "2.5", "--email", "c@example.org").code == 0
    assert members(copy)["Casey"] == 2.5
    assert copy.quick("members", "set-stake", "casey", "4").code == 0
    assert members(copy)["Casey"] == 4.0
    told = copy.quick("members", "set-stake", "Casey", "--default")
    assert "Casey stakes the league's stake on each pick" in told.err
    assert members(copy)["Casey"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "Avery"], "Avery is already a member"),
        (["add", "  aVERY "], "is already a member"),
        (["add", ""], "cannot be empty"),
        (["add", "x" * 81], "at most 80 characters"),
        (["add", "Eve\x1b[31m"], "cannot hold the character U+001B"),
        (["add", "Eve\u202eevil"], "cannot hold the character U+202E"),
        (["add", "Casey", "--stake", "0"], "above 0"),
        (["add", "Casey", "--stake", "nan"], "above 0"),
        (["add", "Casey", "--stake", "inf"], "above 0"),
        (["add", "Casey", "--stake", "two"], "Invalid value for '--stake'"),
        (["add"], "Missing argument 'name'"),
        (["set-stake", "Avery"], "Give either the units or --default."),
        (["set-stake", "Avery", "2", "--default"], "Give either the units or --default."),
        (["set-stake", "Avery", "--", "-2"], "above 0"),
        (["set-stake", "Nobody", "2"], "No member is called 'Nobody'"),
        (["set-stake", "Avry", "2"], "Avery"),
        (["remove", "Avery"], "No such command 'remove'"),
    ],
)
def test_what_no_member_can_be_is_refused_and_nothing_changes(copy: Home, arguments: list[str], says: str) -> None:
    before = members(copy)
    told = copy.quick("members", *arguments)
    assert (told.code, told.out) == (2, "")
    assert says in " ".join(told.err.replace("│", " ").split())
    assert not set(told.err) & set("\x1b\u202e")
    assert members(copy) == before


# --- one pick ---------------------------------------------------------------------------------------------------------


def test_a_pick_takes_its_player_team_and_position_from_the_rosters(copy: Home) -> None:
    told = copy.quick(
        "picks", "add", "Blake", "ceedee CATCHER", "--season", "2025", "--game", OPENER, "--odds", "+750", *LATE
    )
    assert told.code == 0, told.err
    assert "Blake, CeeDee Catcher (DAL, WR), 2025_01_DAL_PHI, +750" in told.err
    (pick,) = [row for row in picks(copy) if row["typed"] == "ceedee CATCHER"]
    wanted = {"player": "CeeDee Catcher", "player_id": "00-0000004", "team": "DAL", "position": "WR", "odds": 750.0}
    assert {name: pick[name] for name in wanted} == wanted
    assert (pick["late_reason"], pick["source"], pick["status"]) == ("entered after the week", "cli", "pending")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["Nobody", "Saquon Carrier", "--game", OPENER], "No member is called 'Nobody'"),
        (["Blake", "Saquon Carrier", "--game", OPENER], "kick"),
        (["Blake", "Travis Tightend", "--game", OPENER, *LATE], "Travis Tightend"),
        (["Blake", "Carier Saqon", "--game", OPENER, *LATE], "Saquon Carrier"),
        (["Avery", "SAQUON CARRIER", "--game", OPENER, *LATE], "already"),
        (["Blake", "Saquon Carrier", "--game", "2025_01_NO_GAME", *LATE], "2025_01_NO_GAME"),
        (["Blake", "Saquon Carrier", "--game", OPENER, "--week", "2", *LATE], "week"),
        (["Blake", "Saquon Carrier", "--week", "40", *LATE], "40"),
        (["Blake", "Saquon Carrier", "--game", OPENER, "--odds", "50", *LATE], "odds"),
        (["Blake", "Saquon Carrier", "--game", OPENER, "--odds", "ten to one", *LATE], "odds"),
        (["Blake", "", "--game", OPENER, *LATE], "player"),
        (["Blake", "Saquon Carrier", "--game", OPENER, "--late", " "], "reason"),
        (["Blake", "Saquon\x1b[2J", "--game", OPENER, *LATE], "the player holds the character U+001B"),
        (["Blake"], "Missing argument 'PLAYER'"),
    ],
)
def test_a_pick_that_cannot_stand_is_refused_with_the_reason(copy: Home, arguments: list[str], says: str) -> None:
    before = picks(copy)
    told = copy.quick("picks", "add", "--season", "2025", *arguments)
    assert (told.code, told.out) == (2, "")
    assert says.lower() in " ".join(told.err.replace("│", " ").split()).lower()
    assert "\x1b[2J" not in told.err
    assert picks(copy) == before


def test_a_pick_in_a_season_that_is_not_here_brings_in_schedule_and_rosters(empty: Home) -> None:
    assert empty.quick("db", "upgrade").code == 0
    assert empty.quick("members", "add", "Avery").code == 0
    told = empty.quick("picks", "add", "Avery", "KC D/ST", "--season", "2025", "--game", COMING, *LATE)
    assert told.code == 0, told.err
    assert "Season 2025 is not here yet: bringing in its schedule and rosters." in told.err
    assert [row["player_id"] for row in picks(empty)] == ["DST:KC"]


def test_a_pick_in_a_season_without_a_schedule_says_so(empty: Home) -> None:
    assert empty.quick("db", "upgrade").code == 0
    assert empty.quick("members", "add", "Avery").code == 0
    told = empty.quick("picks", "add", "Avery", "KC D/ST", "--season", "2024", "--week", "1", *LATE)
    assert told.code == 1
    assert "has no game of 2024" in told.err


def test_without_a_network_a_new_seasons_pick_is_refused_in_one_message(empty: Home, refused_url: str) -> None:
    away = Home(empty.path, refused_url)
    assert away.quick("db", "upgrade").code == 0
    assert away.quick("members", "add", "Avery").code == 0
    told = away.quick("picks", "add", "Avery", "KC D/ST", "--season", "2025", "--week", "1")
    assert (told.code, told.out) == (1, "")
    assert refused_url in told.err
    assert picks(away) == []


def test_a_pick_is_removed_with_its_grade_and_only_once(copy: Home) -> None:
    (won,) = [row for row in picks(copy) if row["typed"] == "KC D/ST"]
    told = copy.quick("picks", "remove", str(won["pick_id"]), "--by", "Ann", "--why", "he never made it")
    assert told.code == 0
    assert "Avery, KC D/ST, week 1 of 2025, won" in told.err
    assert won["pick_id"] not in [row["pick_id"] for row in picks(copy)]
    changes = copy.quick("why", str(won["pick_id"]), "--format", "json").json["changes"]
    assert [(row["by"], row["why"]) for row in changes[-2:]] == [("Ann", "he never made it")] * 2
    again = copy.quick("picks", "remove", str(won["pick_id"]))
    assert (again.code, again.err.strip()) == (2, f"There is no pick {won['pick_id']}.")


@pytest.mark.parametrize("wrong", ["0", "99999999999999999999", "one"])
def test_a_pick_id_that_there_is_not_is_wrong_use(copy: Home, wrong: str) -> None:
    told = copy.quick("picks", "remove", wrong)
    assert (told.code, told.out) == (2, "")


# --- a file -----------------------------------------------------------------------------------------------------------

GOOD = f"""user,season,week,game_id,player,odds
Casey,2025,1,{OPENER},Saquon Carrier,+450
Casey,2025,1,{OTHER},LAC D/ST,+1200
"""


def test_a_file_is_taken_whole_from_stdin_too(copy: Home) -> None:
    told = copy.run("picks", "import", "-", "--create-members", *LATE, "--format", "json", stdin=GOOD)
    assert told.code == 0, told.err
    assert [row["outcome"] for row in told.json] == ["new", "new"]
    assert "Imported: 2 new, 0 already there, 0 bad; new members: Casey" in told.err
    assert [row["player_id"] for row in picks(copy, "--member", "Casey")] == ["00-0000002", "DST:LAC"]
    (copy.path / "again.csv").write_text(GOOD)
    again = copy.quick("picks", "import", "again.csv", *LATE, "--format", "csv")
    assert [row["outcome"] for row in again.csv] == ["already there", "already there"]


def test_a_dry_run_shows_every_row_and_writes_nothing(copy: Home) -> None:
    (copy.path / "week.csv").write_text(GOOD)
    before = (picks(copy), members(copy))
    told = copy.quick("picks", "import", "week.csv", "--create-members", *LATE, "--dry-run", "--format", "json")
    assert told.code == 0
    assert [row["outcome"] for row in told.json] == ["new", "new"]
    assert "Dry run, nothing was written" in told.err
    assert (picks(copy), members(copy)) == before


def test_one_bad_row_keeps_all_out_and_every_bad_row_is_named(copy: Home) -> None:
    bad = GOOD + f"Casey,2025,1,{OTHER},Nobody Atall,+100\nCasey,2025,77,{OTHER},Trent Corner,x\n"
    (copy.path / "week.csv").write_text(bad)
    before = (picks(copy), members(copy))
    told = copy.quick("picks", "import", "week.csv", "--create-members", *LATE, "--format", "json")
    assert told.code == 2
    assert [row["outcome"] for row in told.json][2:] == ["bad", "bad"]
    assert "line 4: Nobody Atall:" in told.err
    assert "line 5: Trent Corner:" in told.err
    assert "Nothing was imported: 2 new, 0 already there, 2 bad" in told.err
    assert (picks(copy), members(copy)) == before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"user,season\nAvery,2025\n", "column"),
        (b"\xff\xfe\x00\x01garbage\x00", "columns missing"),
        (b"PK\x03\x04 an excel workbook", "csv"),
        (b"user,season,week,game_id,player,odds\n", ""),
    ],
    ids=["empty", "columns missing", "binary", "a workbook", "a header only"],
)
def test_a_file_that_is_no_sheet_is_refused_in_one_message(copy: Home, content: bytes, says: str) -> None:
    (copy.path / "week.csv").write_bytes(content)
    before = picks(copy)
    told = copy.quick("picks", "import", "week.csv", "--season", "2025", *LATE)
    assert says in told.err.lower()
    assert picks(copy) == before
    if says:
        assert (told.code, told.out) == (2, "")


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_file_that_cannot_be_read_is_named(copy: Home, name: str) -> None:
    told = copy.quick("picks", "import", name)
    assert (told.code, told.out) == (2, "")
    assert f"{name} cannot be read" in told.err


def test_a_hostile_sheet_reaches_neither_terminal_nor_spreadsheet(copy: Home) -> None:
    rows = [
        f'"=cmd|x",2025,1,{OPENER},Saquon Carrier,+100',
        f'"Eve\x1b[2J",2025,1,{OPENER},"[red]Jalen Runner[/red]",+100',
    ]
    (copy.path / "week.csv").write_text("user,season,week,game_id,player,odds\n" + "\n".join(rows) + "\n")
    for form in ("table", "json", "csv"):
        told = copy.quick("picks", "import", "week.csv", "--create-members", *LATE, "--format", form)
        assert told.code == 2
        assert "\x1b[2J" not in told.out + told.err
        assert "[red]Jalen Runner[/red]" in told.out
    assert "\n2,'=cmd|x" in told.out
