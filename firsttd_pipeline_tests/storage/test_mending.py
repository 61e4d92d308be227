"""Claims about the steps of the upgrade that mend what the old application stored wrongly, on made rows."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.mending import Mended, NotMendable, abbreviates
from firsttd_pipeline.storage.upgrade import check, upgrade
from firsttd_pipeline.storage.upgrade_report import UpgradeReport
from firsttd_pipeline_tests.storage.legacy import bring_to, digest, made_version_8, rows

BLOB_WEEK = "INSERT INTO weeks (id, season, week, started_at) VALUES (9, 2025, X'01000000', '2025-09-04 00:00:00')"
GAME = "2025_01_MIN_CHI"


def pick(ident: int, week: int, name: str, **more: Any) -> str:
    values = {"id": ident, "user_id": 1, "week_id": week, "team": "MIN", "player_name": name} | more
    given = ", ".join("NULL" if v is None else repr(v) for v in values.values())
    return f"INSERT INTO picks ({', '.join(values)}) VALUES ({given})"


def result(pick_id: int, won: int | None = 0, money: float | None = 0.0, any_time: int = 0) -> str:
    given = ", ".join("NULL" if v is None else str(v) for v in (pick_id + 100, pick_id, won, money, any_time))
    return f"INSERT INTO results (id, pick_id, is_correct, actual_return, any_time_td) VALUES ({given})"


def mended(path: Path, **options: Any) -> UpgradeReport:
    """Upgrade the file; whatever was mended, it is sound afterwards and every row is accounted for."""
    db = Database(path, 5)
    report = upgrade(db, **options)
    assert check(db) == []
    db.close()
    for table in report.tables:
        assert table.before == table.kept + table.merged + table.quarantined, table
        assert table.after == rows(path, f"SELECT count(*) FROM {table.table}")[0][0], table
    return report


def lines(report: UpgradeReport, step: str) -> list[Mended]:
    return [line for line in report.mended if line.step == step]


def aside(path: Path, table: str) -> list[dict[str, Any]]:
    found = rows(path, "SELECT payload FROM quarantine WHERE table_name = ? ORDER BY id", [table])
    return [json.loads(payload) for (payload,) in found]


def test_a_file_with_nothing_to_mend_gets_no_line(tmp_path: Path) -> None:
    assert mended(made_version_8(tmp_path)).mended == ()


# --- week numbers ----------------------------------------------------------------------------------------------------


def test_a_week_stored_as_bytes_is_merged_into_the_week_it_means(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, BLOB_WEEK, pick(1, 9, "Josh Allen", odds=500.0), result(1))
    report = mended(path)
    assert rows(path, "SELECT id, week, typeof(week), started_at FROM weeks ORDER BY id") == [
        (1, 1, "integer", "2025-09-04 00:00:00"),
        (2, 2, "integer", None),
    ]
    assert rows(path, "SELECT id, week_id FROM picks") == [(1, 1)]
    (line,) = lines(report, "week numbers")
    assert (line.outcome, line.keys) == ("merged", ("9",))
    assert "BLOB 01000000" in line.what
    assert "1 pick moved there" in line.what
    assert [(w["id"], w["week"]) for w in aside(path, "weeks")] == [(9, "01000000")]
    assert rows(path, "SELECT resolution, resolved_at IS NOT NULL FROM quarantine") == [("merged into weeks 1", 1)]


@pytest.mark.parametrize("stored", ["X'07'", "X'0700'", "X'07000000'", "X'0700000000000000'", "X'37'"])
def test_a_week_that_is_there_only_as_bytes_becomes_a_number_in_place(tmp_path: Path, stored: str) -> None:
    path = made_version_8(
        tmp_path,
        f"INSERT INTO weeks (id, season, week) VALUES (9, 2025, {stored})",
        pick(1, 9, "Josh Allen", game_id="2025_07_BUF_ATL", team="BUF"),
    )
    report = mended(path)
    assert rows(path, "SELECT id, season, week, typeof(week) FROM weeks WHERE week = 7") == [(9, 2025, 7, "integer")]
    assert rows(path, "SELECT week_id, game_id FROM picks") == [(9, "2025_07_BUF_ATL")]
    assert [(line.outcome, line.keys) for line in lines(report, "week numbers")] == [("corrected", ("9",))]


def test_two_rows_of_bytes_for_one_week_become_one(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        "INSERT INTO weeks (id, season, week) VALUES (8, 2025, X'0500'), (9, X'E9070000', X'05000000')",
        pick(1, 8, "Josh Allen"),
        pick(2, 9, "Derrick Henry", team="BAL"),
    )
    mended(path)
    assert rows(path, "SELECT id, season FROM weeks WHERE week = 5") == [(8, 2025)]
    assert rows(path, "SELECT id, week_id FROM picks ORDER BY id") == [(1, 8), (2, 8)]


@pytest.mark.parametrize(
    ("stored", "said"), [("X'63000000'", "BLOB 63000000"), ("'one'", "'one'"), ("1.5", "1.5"), ("X''", "BLOB")]
)
def test_a_week_that_cannot_be_read_is_refused_by_name_and_nothing_changes(
    tmp_path: Path, stored: str, said: str
) -> None:
    path = made_version_8(tmp_path, f"INSERT INTO weeks (id, season, week) VALUES (9, 2025, {stored})")
    before = digest(path)
    with pytest.raises(NotMendable, match=rf"row 9 of weeks holds .*{said}.* as its week.*nothing was changed"):
        upgrade(Database(path, 5))
    assert digest(path) == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_stored_as_bytes_are_read_before_the_record_begins(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        pick(1, 1, "Justin Jefferson"),
        pick(2, 1, "DJ Moore"),
        "UPDATE picks SET odds = X'84030000' WHERE id = 1",
        "UPDATE picks SET odds = X'92FF' WHERE id = 2",
        result(1),
        result(2),
        "UPDATE results SET is_correct = X'01', any_time_td = 'True', actual_return = X'00' WHERE pick_id = 1",
    )
    report = mended(path)
    assert rows(path, "SELECT odds, typeof(odds), odds_placeholder FROM picks ORDER BY id") == [
        (900.0, "real", 0),
        (-110.0, "real", 1),
    ]
    assert rows(path, "SELECT is_correct, any_time_td, actual_return FROM results ORDER BY id") == [
        (1, 1, 9.0),
        (0, 0, None),
    ]
    assert rows(path, "SELECT odds FROM pick_events WHERE event = 'picked' ORDER BY pick_id") == [(900.0,), (-110.0,)]
    assert rows(path, "SELECT new_is_correct FROM result_events WHERE event = 'graded' AND pick_id = 1") == [(1,)]
    assert [(line.table, line.keys, line.outcome) for line in lines(report, "numbers")] == [
        ("picks", ("1", "2"), "corrected"),
        ("results", ("101",), "corrected"),
        ("results", ("101",), "corrected"),
        ("results", ("101",), "corrected"),
    ]


def test_odds_that_are_no_number_are_left_out_and_kept_in_quarantine(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path, pick(1, 1, "Justin Jefferson", odds="9/1"), pick(2, 1, "DJ Moore", odds=""), result(1)
    )
    report = mended(path)
    assert rows(path, "SELECT id, odds FROM picks ORDER BY id") == [(1, None), (2, None)]
    assert [(p["id"], p["odds"]) for p in aside(path, "picks")] == [(1, "9/1")]
    assert [(line.keys, line.outcome) for line in lines(report, "numbers")] == [
        (("2",), "corrected"),
        (("1",), "flagged"),
    ]
    assert rows(path, "SELECT actual_return FROM results") == [(None,)]


def test_a_grade_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path, pick(1, 1, "Justin Jefferson"), result(1), "UPDATE results SET is_correct = 'maybe'"
    )
    before = digest(path)
    with pytest.raises(NotMendable, match=r"row 101 of results holds 'maybe' as its is_correct"):
        upgrade(Database(path, 5))
    assert digest(path) == before


# --- second spellings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "long", "is_it"),
    [
        ("TJ Hock", "T.J. Hockenson", True),
        ("T J Hock", "TJ Hockenson", True),
        ("Hock", "Hockenson", True),
        ("Josh Palmer", "Joshua Palmer", True),
        ("josh palmer", "Josh Palmer", True),
        ("Marvin Mims", "Marvin Mims Jr.", True),
        ("J Williams", "Jameson Williams", False),
        ("Al", "Allen", False),
        ("Allen", "Josh Allen", False),
        ("Keenan Allen", "Josh Allen", False),
        ("", "Josh Allen", False),
    ],
)
def test_an_abbreviation_begins_each_word_of_the_name(short: str, long: str, is_it: bool) -> None:
    assert abbreviates(short, long) is is_it


def test_a_second_spelling_is_merged_into_the_pick_with_the_game(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        BLOB_WEEK,
        pick(4, 1, "TJ Hock", team="Unknown", odds=1200.0, game_id=GAME),
        result(4),
        pick(76, 9, "T.J. Hockenson"),
        result(76, any_time=1),
    )
    report = mended(path)
    assert rows(path, "SELECT id, team, player_name, odds, game_id FROM picks") == [(4, "MIN", "TJ Hock", 1200.0, GAME)]
    assert rows(path, "SELECT id, pick_id, any_time_td FROM results") == [(104, 4, 0)]
    (line,) = lines(report, "second spellings")
    assert (line.outcome, line.keys) == ("merged", ("76",))
    assert "it said lost, any-time touchdown, the kept one says lost, no touchdown" in line.what
    assert [(p["id"], p["player_name"], p["week_id"]) for p in aside(path, "picks")] == [(76, "T.J. Hockenson", 1)]
    assert [(r["id"], r["pick_id"], r["any_time_td"]) for r in aside(path, "results")] == [(176, 76, 1)]
    assert rows(path, "SELECT DISTINCT resolution FROM quarantine WHERE table_name <> 'weeks'") == [
        ("merged into picks 4",)
    ]


def test_the_record_knows_the_merged_pick_its_grade_and_who_took_them_away(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path, BLOB_WEEK, pick(4, 1, "TJ Hock", odds=1200.0, game_id=GAME), pick(76, 9, "T.J. Hockenson"), result(4),
        result(76),
    )  # fmt: skip
    mended(path)
    told = "SELECT event, week, changed_by FROM {} WHERE pick_id = 76 ORDER BY id"
    assert rows(path, told.format("pick_events")) == [("picked", 1, "upgrade"), ("removed", 1, "upgrade")]
    assert rows(path, told.format("result_events")) == [("graded", 1, "upgrade"), ("ungraded", 1, "upgrade")]
    assert rows(path, "SELECT count(*) FROM authorship") == [(0,)]


def test_the_only_result_of_two_spellings_goes_to_the_kept_pick(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path, BLOB_WEEK, pick(4, 1, "TJ Hock", odds=1200.0, game_id=GAME), pick(76, 9, "TJ Hockenson"),
        result(76, won=1, money=0.0),
    )  # fmt: skip
    report = mended(path)
    assert rows(path, "SELECT id, pick_id, is_correct, actual_return FROM results") == [(176, 4, 1, 12.0)]
    (results,) = [a for a in report.tables if a.table == "results"]
    assert (results.kept, results.merged) == (1, 0)
    assert aside(path, "results") == []


@pytest.mark.parametrize("with_game", [1, 9])
def test_the_same_spelling_in_both_weeks_is_one_pick_which_keeps_the_game(tmp_path: Path, with_game: int) -> None:
    without = 10 - with_game
    path = made_version_8(
        tmp_path,
        BLOB_WEEK,
        pick(1, with_game, "TJ Hock", game_id=GAME, team="Unknown"),
        pick(2, without, "TJ Hock", odds=900.0, theoretical_return=9.0),
        result(1),
        result(2),
    )
    report = mended(path)
    assert rows(path, "SELECT id, week_id, team, game_id, odds, theoretical_return FROM picks") == [
        (1, 1, "MIN", GAME, 900.0, 9.0)
    ]
    assert rows(path, "SELECT pick_id, actual_return FROM results") == [(1, -1.0)]
    assert [line.keys for line in lines(report, "second spellings")] == [("2",)]


KEPT_APART = {
    "another member": (
        "INSERT INTO users (id, name) VALUES (2, 'Blake')",
        pick(76, 9, "TJ Hockenson", user_id=2),
    ),
    "a team that does not play in the game": (pick(76, 9, "TJ Hockenson", team="DAL"),),
    "odds and a game of its own": (pick(76, 9, "TJ Hockenson", odds=900.0),),
    "another name": (pick(76, 9, "Jordan Addison"),),
    "two that it could be": (pick(76, 9, "TJ Hockenson"), pick(77, 1, "TJ Hocke", odds=700.0, game_id=GAME)),
    "another week": (pick(76, 2, "TJ Hockenson"),),
}


@pytest.mark.parametrize("other", KEPT_APART.values(), ids=KEPT_APART)
def test_picks_that_may_be_two_stay_two(tmp_path: Path, other: tuple[str, ...]) -> None:
    first = pick(4, 1, "TJ Hock", odds=1200.0, game_id=GAME)
    path = made_version_8(tmp_path, BLOB_WEEK, first, *other)
    picks = len([s for s in other if "INTO picks" in s]) + 1
    report = mended(path)
    assert rows(path, "SELECT count(*) FROM picks") == [(picks,)]
    assert lines(report, "second spellings") == []


def test_spellings_in_a_week_that_was_never_two_are_left_to_the_nightly_run(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, pick(4, 1, "TJ Hock", odds=1200.0, game_id=GAME), pick(76, 1, "TJ Hockenson"))
    mended(path)
    assert rows(path, "SELECT count(*) FROM picks") == [(2,)]


# --- games and teams -------------------------------------------------------------------------------------------------


def test_a_pick_without_a_game_gets_the_only_game_of_its_team_in_that_week(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        pick(1, 1, "Justin Jefferson", game_id=GAME),
        pick(2, 1, "DJ Moore", team="CHI"),
        pick(3, 1, "CeeDee Lamb", team="DAL"),
        pick(4, 2, "Jordan Addison"),
        pick(5, 1, "Puka", team="Unknown"),
    )
    report = mended(path)
    assert rows(path, "SELECT id, game_id FROM picks ORDER BY id") == [
        (1, GAME),
        (2, GAME),
        (3, None),
        (4, None),
        (5, None),
    ]
    assert [(line.outcome, line.keys) for line in lines(report, "missing games")] == [
        ("corrected", ("2",)),
        ("pending", ("3", "4", "5")),
    ]


def test_a_team_that_is_unknown_or_elsewhere_is_named_and_waits(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        pick(1, 1, "Justin Jefferson", game_id=GAME),
        pick(2, 1, "Puka", team="Unknown"),
        pick(3, 1, "CeeDee Lamb", team="DAL", game_id=GAME),
        pick(4, 1, "Nacua", team="LAR", game_id="2025_01_HOU_LA"),
        pick(5, 1, "Bucky", team="??"),
    )
    report = mended(path)
    assert [(line.outcome, line.keys) for line in lines(report, "teams")] == [
        ("pending", ("2", "5")),
        ("pending", ("3",)),
    ]
    assert rows(path, "SELECT team FROM picks ORDER BY id") == [("MIN",), ("Unknown",), ("DAL",), ("LAR",), ("??",)]


def test_a_game_that_only_picks_know_is_named_as_a_stub(tmp_path: Path) -> None:
    report = mended(made_version_8(tmp_path, pick(1, 1, "Justin Jefferson", game_id=GAME)))
    assert [(line.outcome, line.keys) for line in lines(report, "game stubs")] == [("pending", (GAME,))]


def test_a_game_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, pick(1, 1, "Justin Jefferson", game_id="MIN at CHI", team="Unknown"))
    report = mended(path)
    (line,) = lines(report, "unreadable games")
    assert (line.outcome, line.keys) == ("flagged", ("1",))
    assert "'MIN at CHI'" in line.what
    assert rows(path, "SELECT game_id FROM picks") == [(None,)]
    assert [p["game_id"] for p in aside(path, "picks")] == ["MIN at CHI"]


# --- money -----------------------------------------------------------------------------------------------------------

MONEY = {
    "a loss": ({"odds": 900.0}, 0, 0.0, -1.0),
    "a loss that is right": ({"odds": 900.0}, 0, -1.0, -1.0),
    "a win at plus odds": ({"odds": 900.0}, 1, 9.0, 9.0),
    "a win at minus odds, paid as the old application did": ({"odds": -200.0}, 1, -2.0, 0.5),
    "a void": ({"odds": 900.0}, None, 3.0, 0.0),
    "a placeholder that lost": ({"odds": -110.0}, 0, 0.0, None),
    "a placeholder that won": ({"odds": -110.0}, 1, -1.1, None),
    "no odds": ({}, 0, 0.0, None),
    "odds that are none": ({"odds": 9.0}, 0, 0.0, None),
}


@pytest.mark.parametrize(("more", "won", "stored", "right"), MONEY.values(), ids=MONEY)
def test_profit_is_what_stake_and_odds_give(
    tmp_path: Path, more: dict[str, Any], won: int | None, stored: float, right: float | None
) -> None:
    path = made_version_8(tmp_path, pick(1, 1, "Justin Jefferson", game_id=GAME, **more), result(1, won, stored))
    report = mended(path)
    assert rows(path, "SELECT is_correct, actual_return, graded_by FROM results") == [(won, right, "external")]
    changed = stored != right
    assert [line.keys for line in lines(report, "money")] == ([("101",)] if changed else [])
    events = rows(
        path,
        "SELECT event, old_actual_return, new_actual_return, graded_by, changed_by FROM result_events "
        "WHERE event <> 'graded'",
    )
    assert events == ([("money corrected", stored, right, "external", "upgrade")] if changed else [])


def test_the_leagues_stake_is_what_a_loss_costs(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, pick(1, 1, "Justin Jefferson", odds=900.0), result(1))
    mended(path, default_stake=2.5)
    assert rows(path, "SELECT actual_return FROM results") == [(-2.5,)]


def test_placeholder_odds_are_kept_and_named(tmp_path: Path) -> None:
    path = made_version_8(tmp_path, pick(1, 1, "Justin Jefferson", odds=-110.0), pick(2, 1, "DJ Moore", odds=-115.0))
    report = mended(path)
    assert rows(path, "SELECT id, odds, odds_placeholder FROM picks ORDER BY id") == [(1, -110.0, 1), (2, -115.0, 0)]
    assert [(line.outcome, line.keys) for line in lines(report, "placeholder odds")] == [("flagged", ("1",))]


# --- statistics ------------------------------------------------------------------------------------------------------


def test_statistics_by_name_are_counted_by_what_is_wrong_with_them(tmp_path: Path) -> None:
    values = [
        ("AJ Brown", "WR", "neutral"),
        ("T.J. Hockenson", "Unknown", "neutral"),
        ("A.Brown", "WR", "HOT"),
        ("A.St. Brown", None, "COLD"),
        ("Co.Heyward", "RB", "AVERAGE"),
        ("D.K. Metcalf", "WR", None),
    ]
    path = made_version_8(tmp_path)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.executemany(
            "INSERT INTO player_stats (player_name, season, team, position, recent_form) VALUES (?, 2025, 'PHI', ?, ?)",
            values,
        )
    (line,) = lines(mended(path), "statistics")
    assert (line.outcome, len(line.keys)) == ("quarantined", 6)
    assert "(3 as people typed it, 3 like F.Last)" in line.what
    assert "Position: 1 unknown, 1 none" in line.what
    assert "'neutral' 2 times" in line.what
    assert [row["player_name"] for row in aside(path, "player_stats")] == [name for name, *_ in values]


# --- a file of an earlier release of ours ----------------------------------------------------------------------------


def test_a_file_of_an_earlier_release_with_games_and_rosters_is_mended_too(tmp_path: Path) -> None:
    path = made_version_8(
        tmp_path,
        BLOB_WEEK,
        pick(4, 1, "TJ Hock", team="Unknown", odds=1200.0, game_id=GAME),
        result(4),
        pick(5, 1, "Jordan Addison", odds=900.0),
        pick(6, 1, "DJ Moore", odds=-110.0, game_id=GAME),
        result(6),
        pick(76, 9, "T.J. Hockenson"),
        result(76),
    )
    db = Database(path, 5)
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        conn.execute("INSERT INTO alembic_version VALUES ('0008')")
    bring_to(db, "0020")
    with closing(sqlite3.connect(path)) as conn, conn:
        conn.execute("UPDATE users SET base_bet = 3")
        conn.execute("UPDATE games SET source = 'nflverse', status = 'final', home_score = 24, away_score = 27")
        conn.execute("INSERT INTO rosters (season, team, player_id, player_name) VALUES (2025, 'MIN', '00-1', 'TJ H')")
        conn.execute("INSERT INTO pick_status (pick_id, status, points) VALUES (4, 'lost', 0), (76, 'lost', 0)")
        conn.execute(
            "INSERT INTO results (id, pick_id, is_correct, actual_return, graded_by) VALUES (50, 5, 0, -7, 'manual')"
        )
    report = mended(path)
    assert report.from_version == "0020"
    assert report.backup is not None
    assert report.backup.name.startswith("made-0020-")
    assert rows(path, "SELECT id, team, game_id FROM picks ORDER BY id") == [
        (4, "MIN", GAME),
        (5, "MIN", GAME),
        (6, "MIN", GAME),
    ]
    assert rows(path, "SELECT pick_id, actual_return FROM results ORDER BY pick_id") == [
        (4, -3.0),
        (5, -7.0),
        (6, None),
    ]
    assert rows(path, "SELECT pick_id FROM pick_status") == [(4,)]
    assert [p["pick_id"] for p in aside(path, "pick_status")] == [76]
    assert {line.step for line in report.mended} == {"week numbers", "second spellings", "missing games", "money"}
