"""Claims about every listing of the command line: formats, what is alone on stdout, and names that look like code."""

from __future__ import annotations

import pytest

from firsttd_pipeline_tests.commands.conftest import HOSTILE, Home

LISTINGS: dict[str, tuple[list[str], set[str]]] = {
    "status": (["status"], {"season", "games", "final", "picks", "pending", "last fetch", "outcome"}),
    "settings": (["settings"], {"variable", "value", "from", "meaning"}),
    "players": (["players", "--season", "2025"], {"player", "team", "position", "first_td", "player_id"}),
    "leaderboard": (["leaderboard", "--season", "2025"], {"rank", "member", "points", "profit", "win_rate"}),
    "members": (["members", "list"], {"name", "email", "base_bet", "picks"}),
    "picks": (["picks", "list", "--season", "2025"], {"pick_id", "member", "game_id", "typed", "status", "reason"}),
}  # fmt: skip
every_listing = pytest.mark.parametrize(("arguments", "columns"), LISTINGS.values(), ids=LISTINGS)


@every_listing
def test_json_is_alone_on_stdout_and_whole(league: Home, arguments: list[str], columns: set[str]) -> None:
    told = league.quick(*arguments, "--format", "json")
    assert (told.code, told.err) == (0, "")
    assert told.json
    assert columns <= set(told.json[0])


@every_listing
def test_csv_holds_the_rows_of_json(league: Home, arguments: list[str], columns: set[str]) -> None:
    rows = league.quick(*arguments, "--format", "json").json
    told = league.quick(*arguments, "--format", "csv")
    assert (told.code, told.err) == (0, "")
    assert len(told.csv) == len(rows)
    assert list(told.csv[0]) == list(rows[0])


@every_listing
def test_a_table_is_what_a_person_gets(league: Home, arguments: list[str], columns: set[str]) -> None:
    plain, asked = league.quick(*arguments), league.quick(*arguments, "--format", "TABLE")
    assert plain.out == asked.out
    assert "┃" in plain.out
    assert (plain.code, plain.err) == (0, "")


@every_listing
def test_a_format_that_there_is_not_is_wrong_use(league: Home, arguments: list[str], columns: set[str]) -> None:
    told = league.quick(*arguments, "--format", "xml")
    assert (told.code, told.out) == (2, "")
    assert "'xml' is not one of 'table', 'json', 'csv'" in " ".join(told.err.replace("│", " ").split())


EMPTY = {
    "status": ["status"],
    "players": ["players", "--season", "2024"],
    "leaderboard": ["leaderboard", "--season", "2024"],
    "leaderboard of a week": ["leaderboard", "--season", "2025", "--week", "9"],
    "members": ["members", "list"],
    "picks": ["picks", "list", "--season", "2024"],
    "problems": ["db", "check"],
}


@pytest.mark.parametrize("arguments", EMPTY.values(), ids=EMPTY)
def test_nothing_to_list_is_an_empty_array_and_a_sentence(empty: Home, arguments: list[str]) -> None:
    assert empty.quick("db", "upgrade").code == 0
    as_json = empty.quick(*arguments, "--format", "json")
    assert (as_json.code, as_json.json) == (0, [])
    header = empty.quick(*arguments, "--format", "csv").out
    assert header.count("\n") == 1
    assert len(header) > 5
    sentence = empty.quick(*arguments)
    assert sentence.code == 0
    assert ": " in sentence.out
    assert "┃" not in sentence.out


def test_the_standings_are_what_the_grades_give(league: Home) -> None:
    rows = {row["member"]: row for row in league.quick("leaderboard", "--season", "2025", "--format", "json").json}
    shown = ("rank", "picks", "graded", "pending", "first_td", "any_time_td", "points", "staked", "profit")
    assert {member: tuple(row[name] for name in shown) for member, row in rows.items()} == {
        "Avery": (1, 3, 2, 1, 2, 2, 8.0, 2.0, 19.0),
        "[bold red]x[/bold red]": (2, 1, 1, 0, 1, 1, 4.0, 1.0, pytest.approx(100 / 110)),
        "Blake": (3, 2, 2, 0, 0, 1, 1.0, 1.0, -1.0),
    }


def test_a_week_has_its_own_standings(league: Home) -> None:
    rows = league.quick("leaderboard", "--season", "2025", "--week", "2", "--format", "json").json
    assert [(row["member"], row["pending"], row["graded"]) for row in rows] == [("Avery", 1, 0)]


def test_players_are_filtered_by_team_and_position(league: Home) -> None:
    def names(*more: str) -> list[str]:
        rows = league.quick("players", "--season", "2025", "--format", "json", *more).json
        return [row["player"] for row in rows]

    assert names()[:2] == ["Saquon Carrier", "Trent Corner"]
    assert set(names("--team", "phi")) == {"Saquon Carrier", "Jalen Runner"}
    assert names("--position", "te") == ["Travis Tightend"]
    assert names("--team", "XYZ") == []
    assert len(names("--limit", "3")) == 3


def test_picks_are_filtered_by_week_member_game_and_state(league: Home) -> None:
    def typed(*more: str) -> list[str]:
        rows = league.quick("picks", "list", "--season", "2025", "--format", "json", *more).json
        return [row["typed"] for row in rows]

    assert typed("--week", "2") == ["Travis Tightend"]
    assert typed("--status", "pending") == ["Travis Tightend"]
    assert set(typed("--member", "Blake")) == {"Jalen Runner", "No Touchdown"}
    assert typed("--game", "2025_01_KC_LAC", "--status", "won") == ["KC D/ST", "Trent Corner"]
    assert league.quick("picks", "list", "--status", "maybe").code == 2


def test_the_pending_pick_says_what_it_waits_for(league: Home) -> None:
    (row,) = league.quick("picks", "list", "--season", "2025", "--status", "pending", "--format", "json").json
    assert row["reason"] == "game not final"


@pytest.mark.parametrize(
    "arguments",
    [
        ["leaderboard", "--season", "1998"],
        ["leaderboard", "--week", "-1"],
        ["leaderboard", "--week", "99999999999999999999"],
        ["players", "--season", "99999999999999999999"],
        ["players", "--limit", "0"],
        ["players", "--limit", "99999999999999999999"],
        ["picks", "list", "--season", "99999999999999999999"],
        ["picks", "list", "--week", "0"],
        ["picks", "list", "--limit", "99999999999999999999"],
        ["picks", "list", "--member", "Nobody"],
    ],
    ids=" ".join,
)
def test_a_number_or_name_that_there_is_not_is_wrong_use(league: Home, arguments: list[str]) -> None:
    told = league.quick(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_as_typed_and_never_interpreted(league: Home, name: str) -> None:
    assert name in [row["name"] for row in league.quick("members", "list", "--format", "json").json]
    assert name in league.quick("members", "list").out


def test_no_name_becomes_a_formula_in_a_spreadsheet(league: Home) -> None:
    told = league.run("members", "list", "--format", "csv")
    assert told.code == 0
    for row in told.csv:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@"))
    assert "'" + HOSTILE[3] in [row["name"] for row in told.csv]


def test_control_characters_that_another_program_wrote_reach_no_terminal(copy: Home) -> None:
    import sqlite3

    evil = "Eve\x1b]0;owned\x07\x9b31m\u202e"
    with sqlite3.connect(copy.database) as conn:
        conn.execute("UPDATE users SET name = ? WHERE name = 'Blake'", (evil,))
    conn.close()
    for form in ("table", "csv", "json"):
        for command in (
            ["members", "list"],
            ["leaderboard", "--season", "2025"],
            ["picks", "list", "--season", "2025"],
        ):
            out = copy.quick(*command, "--format", form).out
            assert "Eve" in out
            assert not set(out) & set("\x1b\x07\x9b\u202e")
    names = [row["name"] for row in copy.quick("members", "list", "--format", "json").json]
    assert evil in names


def test_a_terminal_that_knows_no_unicode_gets_escapes_and_no_error(copy: Home) -> None:
    assert copy.quick("members", "add", "Zoë 🏈 李").code == 0
    told = copy.run("members", "list", "--format", "json", PYTHONIOENCODING="ascii")
    assert told.code == 0
    assert "Zoë 🏈 李" in [row["name"] for row in told.json]
    table = copy.run("members", "list", PYTHONIOENCODING="ascii")
    assert (table.code, table.err) == (0, "")


def test_a_reader_that_goes_away_is_no_error(league: Home) -> None:
    import subprocess

    from firsttd_pipeline_tests.doors import SCRIPT, environment

    child = subprocess.Popen(
        [str(SCRIPT), "players", "--season", "2025"],
        env=environment(league.path, league.url), cwd=league.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    err = child.stderr.read().decode()
    child.stderr.close()
    child.wait(60)
    assert "Traceback" not in err
