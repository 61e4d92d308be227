"""The doors `grade`, `reconcile`, `why` and `regrade`: what they print, and how they refuse."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from firsttd_pipeline.commands.regrade import parse_moment
from firsttd_pipeline.storage.grades import GradeRefused
from firsttd_pipeline_tests.commands.conftest import Home

SIGNED = ("--by", "Kim", "--why", "the referee said so")


def picked(home: Home, player: str) -> str:
    rows = home.quick("picks", "list", "--season", "2025", "--format", "json").json
    return str(next(row["pick_id"] for row in rows if row["typed"] == player))


def plain_sql(home: Home, *statements: str) -> None:
    with closing(sqlite3.connect(home.database)) as conn, conn:
        for statement in statements:
            conn.execute(statement)


# --- grade ------------------------------------------------------------------------------------------------------------


def test_an_override_shows_before_and_after_and_says_what_follows(copy: Home) -> None:
    pick = picked(copy, "Jalen Runner")
    told = copy.quick("grade", "override", pick, "won", *SIGNED, "--format", "json")
    assert told.code == 0
    assert [(row["standing"], row["status"], row["points"], row["graded_by"]) for row in told.json] == [
        ("before", "lost", 1.0, "pipeline"),
        ("after", "won", 4.0, "manual"),
    ]
    assert f"Pick {pick}: +3 points for Blake. The leaderboard follows" in told.err
    table = copy.quick("grade", "void", pick, *SIGNED)
    assert (table.code, "before" in table.out, "void" in table.out) == (0, True, True)
    assert "-4 points for Blake" in table.err


def test_a_grade_taken_back_is_the_pipelines_after_the_next_night(copy: Home) -> None:
    pick = picked(copy, "Saquon Carrier")
    assert copy.quick("grade", "override", pick, "lost", "--no-any-time", *SIGNED).code == 0
    assert copy.quick("grade", "ungrade", pick, *SIGNED).code == 0
    ran = copy.quick("nightly", "--season", "2025", "--format", "json")
    assert ran.code == 0, ran.err
    receipt = copy.quick("why", pick, "--format", "json").json
    assert (receipt["grade"]["status"], receipt["grade"]["graded_by"]) == ("won", "pipeline")
    assert [row["event"] for row in receipt["changes"]] == ["picked", "graded", "flipped", "ungraded", "graded"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("override", "1", "won"), "Who is missing"),
        (("override", "1", "won", "--by", "Kim"), "Why is missing"),
        (("void", "1", "--why", "x"), "Who is missing"),
        (("ungrade", "99", *SIGNED), "There is no pick 99"),
        (("result", "1", "won", *SIGNED), "firsttd grade override"),
        (("override", "1", "maybe", *SIGNED), "maybe"),
        (("override", "nobody", "won", *SIGNED), "integer"),
        (("void", "0", *SIGNED), "equal to 1"),
    ],
)
def test_a_grade_that_cannot_be_is_wrong_use_and_changes_nothing(
    league: Home, arguments: tuple[str, ...], says: str
) -> None:
    told = league.quick("grade", *arguments)
    assert told.code == 2
    assert told.out == ""
    assert says in told.err


# --- reconcile --------------------------------------------------------------------------------------------------------


def test_disagreements_are_listed_accepted_and_gone(copy: Home) -> None:
    carrier = picked(copy, "Saquon Carrier")
    assert copy.quick("reconcile", "--season", "2025", "--format", "json").json == []
    plain_sql(copy, f"UPDATE results SET is_correct = 0, any_time_td = 0, actual_return = 0 WHERE pick_id = {carrier}")
    (row,) = copy.quick("reconcile", "--season", "2025", "--format", "json").json
    assert (row["pick_id"], row["old_grade"], row["new_grade"], row["new_points"]) == (int(carrier), "lost", "won", 4.0)
    assert "TOUCHDOWN" in row["play"]
    listed = copy.quick("reconcile", "--season", "2025")
    assert "firsttd reconcile --accept all" in listed.err
    unsigned = copy.quick("reconcile", "--season", "2025", "--accept", "all", "--by", " ")
    assert (unsigned.code, "Who is missing" in unsigned.err) == (2, True)
    accepted = copy.quick("reconcile", "--season", "2025", "--accept", carrier, "--by", "Kim")
    assert accepted.code == 0, accepted.err
    assert "1 grade is the plays' now" in accepted.err
    assert copy.quick("reconcile", "--season", "2025", "--format", "csv").csv == []
    receipt = copy.quick("why", carrier, "--format", "json").json
    assert receipt["changes"][-1]["by"] == "Kim"
    assert receipt["changes"][-1]["why"] == "accepted: the plays say so"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--accept", "1", "--by", "Kim"), "No open disagreement on pick 1"),
        (("--accept", "all", "3", "--by", "Kim"), "not both"),
        (("--accept", "pick one", "--by", "Kim"), "no pick's id"),
        (("3",), "named with --accept"),
        (("--accept", "99999999999", "--by", "Kim"), "no pick's id"),
    ],
)
def test_accepting_what_is_not_open_is_wrong_use(league: Home, arguments: tuple[str, ...], says: str) -> None:
    told = league.quick("reconcile", "--season", "2025", *arguments)
    assert (told.code, told.out) == (2, "")
    assert says in told.err


# --- why --------------------------------------------------------------------------------------------------------------


def test_a_receipt_for_people_has_play_quarter_clock_source_and_changes(league: Home) -> None:
    told = league.quick("why", picked(league, "Saquon Carrier"))
    assert told.code == 0
    for part in (
        "Saquon Carrier, +400", "Saquon Carrier (PHI), quarter 1, 13:00: S.Carrier right end for 8 yards, TOUCHDOWN.",
        "won, 4 points by stacking/1, +4 units", "derived anew every night", "published", "Changes",
    ):  # fmt: skip
        assert part in told.out
    assert re.search(r"file [0-9a-f]{64}", told.out)


def test_what_a_member_typed_is_never_markup_nor_control_in_a_receipt(copy: Home) -> None:
    plain_sql(
        copy,
        "UPDATE users SET name = '[red]' || char(27) || ']0;x' WHERE id = (SELECT user_id FROM picks WHERE id = 1)",
    )
    for output in ("table", "json", "csv"):
        told = copy.quick("why", "1", "--format", output)
        assert told.code == 0
        assert "\x1b" not in told.out
    assert "[red]\\x1b]0;x" in copy.quick("why", "1").out
    assert copy.quick("why", "1", "--format", "json").json["pick"]["member"] == "[red]\x1b]0;x"


def test_a_receipt_is_one_json_object_for_every_pick_there_is(league: Home) -> None:
    for row in league.quick("picks", "list", "--season", "2025", "--format", "json").json:
        found = league.quick("why", str(row["pick_id"]), "--format", "json").json
        assert isinstance(found, dict)
        assert found["pick"]["typed"] == row["typed"]
        assert found["grade"]["status"] == row["status"]
        assert json.dumps(found)


def test_a_receipt_of_a_pick_that_never_was_is_wrong_use(league: Home) -> None:
    told = league.quick("why", "99")
    assert (told.code, told.out) == (2, "")
    assert "There is no pick 99" in told.err


# --- regrade ----------------------------------------------------------------------------------------------------------


def test_regrading_shows_both_boards_and_puts_back_only_when_asked(copy: Home) -> None:
    pick = picked(copy, "Jalen Runner")
    then = datetime.now(UTC).replace(microsecond=0).isoformat()
    assert copy.quick("grade", "override", pick, "won", "--by", "Kim", "--why", "a slip").code == 0
    plain_sql(copy, "DELETE FROM results WHERE pick_id = 1")
    # the record keeps whole seconds: the override may be of the very one
    earlier = (datetime.fromisoformat(then) - timedelta(seconds=1)).isoformat()
    shown = copy.quick("regrade", "--as-of", earlier, "--season", "2025", "--format", "json")
    assert shown.code == 0, shown.err
    assert {"member", "rank_then", "rank_now", "points_then", "points_now"} <= set(shown.json[0])
    assert "nothing was written" in shown.err
    assert "then lost, any time, first S.Carrier, -1 units; now won" in shown.err
    unsigned = copy.quick("regrade", "--as-of", earlier, "--season", "2025", "--apply")
    assert (unsigned.code, "Who is missing" in unsigned.err) == (2, True)
    back = copy.quick("regrade", "--as-of", earlier, "--season", "2025", "--apply", *SIGNED)
    assert back.code == 0, back.err
    assert "2 grades were put back" in back.err
    receipt = copy.quick("why", pick, "--format", "json").json
    assert (receipt["grade"]["status"], receipt["by_hand"]["made_by"]) == ("lost", "Kim")


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ("2100-01-01", "has not been yet"),
        ("2001-01-01", "begins at"),
        ("yesterday", "is no time"),
        ("2025-11-02T01:30", "was twice, or never"),
        ("9999-12-31", "too far away"),
    ],
)
def test_a_time_that_cannot_be_is_wrong_use(league: Home, moment: str, says: str) -> None:
    told = league.quick("regrade", "--as-of", moment, "--season", "2025")
    assert (told.code, told.out) == (2, "")
    assert says in told.err


NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "instant", "said"),
    [
        ("2025-11-30", datetime(2025, 11, 30, 23, 59, 59, 999999, NEW_YORK), "the end of that day in America/New_York"),
        ("2025-11-30T12:00:00Z", datetime(2025, 11, 30, 12, tzinfo=UTC), ""),
        ("2025-11-30T07:00-05:00", datetime(2025, 11, 30, 12, tzinfo=UTC), ""),
        ("2025-11-30 07:00", datetime(2025, 11, 30, 7, tzinfo=NEW_YORK), "taken as the time in America/New_York"),
    ],
)
def test_a_time_without_a_zone_is_the_leagues_and_a_date_its_end(text: str, instant: datetime, said: str) -> None:
    found, told = parse_moment(text, "America/New_York")
    assert found == instant
    assert said in told
    assert bool(told) == bool(said)


def test_the_hour_that_the_clock_skips_is_refused() -> None:
    with pytest.raises(GradeRefused, match="was twice, or never"):
        parse_moment("2025-03-09T02:30", "America/New_York")


# --- values of other programs that are none ---------------------------------------------------------------------------


def test_text_and_blobs_where_numbers_belong_stop_no_command(copy: Home) -> None:
    record = datetime.now(UTC).replace(microsecond=0).isoformat()
    plain_sql(
        copy,
        *(
            f"UPDATE picks SET odds = {odd} WHERE player_name = '{player}'"
            for player, odd in (("Saquon Carrier", "'9/1'"), ("Jalen Runner", "''"), ("KC D/ST", "x'00ff'"))
        ),
        *(
            f"UPDATE results SET actual_return = {odd} WHERE pick_id = (SELECT id FROM picks WHERE player_name = '{p}')"
            for p, odd in (("Saquon Carrier", "x'00ff'"), ("Jalen Runner", "'9/1'"), ("KC D/ST", "''"))
        ),
        "UPDATE picks SET player_name = x'ff00' WHERE player_name = 'Travis Tightend'",
    )
    ran = copy.quick("nightly", "--season", "2025", "--format", "json")
    assert ran.code == 0, ran.err
    for player in ("Saquon Carrier", "Jalen Runner", "KC D/ST"):
        pick = picked(copy, player)
        told = copy.quick("why", pick)
        assert told.code == 0, told.err
        assert f"{player}, odds unknown" in told.out
        assert copy.quick("why", pick, "--format", "json").json["grade"]["graded_by"] == "external"
    for moment in (record, datetime.now(UTC).replace(microsecond=0).isoformat()):
        shown = copy.quick("regrade", "--as-of", moment, "--season", "2025", "--format", "json")
        assert shown.code == 0, shown.err
    assert copy.quick("reconcile", "--season", "2025").code == 0
