"""Claims about files of picks: all or nothing, the same file twice, every bad row with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from firsttd_pipeline.domain.sheets import SheetError
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import add_member, list_members
from firsttd_pipeline.storage.pick_import import ImportReport, ImportRow, import_picks
from firsttd_pipeline.storage.picks import PickRequest, add_pick, list_picks
from firsttd_pipeline.storage.schema import games, picks, rosters, users
from firsttd_pipeline_tests.shared_data import LEAGUE_SHEET, needs_shared
from firsttd_pipeline_tests.storage.season_2025 import AFTER, BEFORE, SEASON, load_roster_weeks, load_season

pytestmark = needs_shared

SHEET = "Week,Gameday,Picker,Vistor,Home,Player,Position,1st TD Odds\n"
PLAIN = "user,season,week,game_id,player,odds\n"
BROWN = "1,Thursday,Avery,Dallas,Philadelphia,AJ Brown,WR,900\n"
KRAFT = "2,Thursday,Blake,Washington,Green Bay,Tucker Kraft,TE,1200\n"


@pytest.fixture
def league(database: Database) -> Database:
    """The season before its first kickoff, with two members."""
    load_season(database, BEFORE)
    add_member(database, "Avery")
    add_member(database, "Blake", base_bet=2.0)
    return database


def bring(db: Database, source: str | bytes | Path, **given: Any) -> ImportReport:
    return import_picks(db, source, **({"season": SEASON, "now": BEFORE} | given))


def only(report: ImportReport) -> ImportRow:
    assert len(report.rows) == 1
    return report.rows[0]


def counted(db: Database) -> tuple[int, int]:
    with db.read() as conn:
        return tuple(conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (users, picks))  # type: ignore[return-value]


def everything(db: Database) -> list[tuple[Any, ...]]:
    with db.read() as conn:
        return [tuple(row) for row in conn.execute(select(picks).order_by(picks.c.id))]


# --- the league's own sheet -------------------------------------------------------------------------------------------


MEANT = {
    "TJ Hock": "T.J. Hockenson",
    "CMC": "Christian McCaffrey",
    "ARSB": "Amon-Ra St. Brown",
    "OG": "Oronde Gadsden II",
    "Puka": "Puka Nacua",
    "Ladd": "Ladd McConkey",
    "Batemen": "Rashod Bateman",
    "Tyquan Thorton": "Tyquan Thornton",
    "Josh Palmer": "Josh Palmer",
    "Pickens": "George Pickens",
    "AJ Brown": "A.J. Brown",
}
"""A few of the sheet's ways of typing, and whom they mean."""


@pytest.mark.parametrize("weekly", [True, False], ids=["weekly rosters", "the season's rosters"])
def test_every_row_of_the_leagues_sheet_is_understood_and_taken_with_game_odds_and_reason(
    database: Database, weekly: bool
) -> None:
    load_season(database, AFTER)
    if weekly:
        load_roster_weeks(database)
    report = bring(database, LEAGUE_SHEET, now=AFTER, create_members=True, late_reason="after the season")
    assert [(row.line, row.reason) for row in report.bad] == []
    assert (report.count("new"), report.applied) == (47, True)
    assert {row.typed: row.player for row in report.rows if row.typed in MEANT} == MEANT
    assert {(row.by is not None, 0.7 < (row.confidence or 0) <= 1) for row in report.rows} == {(True, True)}
    assert list_members(database)["name"].to_list() == ["Avery", "Blake", "Casey", "Drew", "Emery", "Finley", "Gray"]
    listed = list_picks(database)
    assert set(listed["late_reason"]) == {"after the season"}
    assert set(listed["source"]) == {"import"}
    assert sorted(listed["by"]) == sorted(row.by or "" for row in report.rows)
    first = listed.row(0, named=True)
    assert (first["member"], first["game_id"], first["player_id"], first["odds"]) == (
        "Avery", "2025_01_DAL_PHI", "00-0035676", 900.0,
    )  # fmt: skip


# --- all or nothing ---------------------------------------------------------------------------------------------------


def test_a_file_is_taken_whole(league: Database) -> None:
    report = bring(league, SHEET + BROWN + KRAFT)
    assert [row.outcome for row in report.rows] == ["new", "new"]
    assert report.applied
    with league.read() as conn:
        stored = conn.execute(select(picks.c.theoretical_return, picks.c.created_at).order_by(picks.c.id)).all()
    assert [row.theoretical_return for row in stored] == [9.0, 24.0]  # Blake stakes 2 units
    assert {row.created_at for row in stored} == {BEFORE}


def test_one_bad_row_keeps_the_whole_file_out_and_every_bad_row_is_named(league: Database) -> None:
    report = bring(
        league,
        SHEET
        + BROWN
        + "1,Sun,Nobody,Kansas City,LA Chargers,CMC,WR,9/1\n1,Sun,Nobody,Kansas City,LA Chargers,CMC,,\n"
        + KRAFT,
    )
    assert [(row.line, row.outcome) for row in report.rows] == [(2, "new"), (3, "bad"), (4, "bad"), (5, "new")]
    assert "fractional" in (report.rows[1].reason or "")
    assert "No member is called 'Nobody'" in (report.rows[2].reason or "")
    assert "'CMC' is no sure match in 2025_01_KC_LAC" in (report.rows[2].reason or "")
    assert "Candidates: " in (report.rows[2].reason or "")
    assert not report.applied
    assert counted(league) == (2, 0)


def test_the_same_file_again_changes_nothing(league: Database) -> None:
    bring(league, SHEET + BROWN + KRAFT)
    before = everything(league)
    report = bring(league, SHEET + BROWN + KRAFT, now=AFTER)  # long after kickoff, without a reason
    assert [row.outcome for row in report.rows] == ["already there", "already there"]
    assert report.applied
    assert everything(league) == before


def test_a_file_that_has_grown_adds_what_is_new(league: Database) -> None:
    bring(league, SHEET + BROWN)
    report = bring(league, SHEET + BROWN + KRAFT)
    assert [row.outcome for row in report.rows] == ["already there", "new"]
    assert counted(league)[1] == 2


def test_other_odds_than_those_there_are_bad_and_both_are_named(league: Database) -> None:
    bring(league, SHEET + BROWN)
    before = everything(league)
    for odds, shown in (("800", r"+800"), ("", "unknown")):
        row = only(bring(league, SHEET + BROWN.replace("900", odds)))
        assert row.outcome == "bad"
        assert "+900" in (row.reason or "")
        assert shown in (row.reason or "")
    assert everything(league) == before


def test_a_pick_typed_at_the_terminal_is_already_there_however_the_file_types_it(league: Database) -> None:
    add_pick(league, PickRequest("Avery", "a.j. brown", 900.0, 1), season=SEASON, now=BEFORE)
    assert only(bring(league, SHEET + BROWN)).outcome == "already there"
    assert counted(league)[1] == 1


def test_a_pick_that_the_app_wrote_is_already_there_before_it_is_understood(league: Database) -> None:
    with league.write() as conn:
        conn.execute(
            text(
                "INSERT INTO picks (user_id, week_id, team, player_name, odds, game_id) SELECT u.id, w.id, 'Unknown', "
                "'AJ Brown', 900, '2025_01_DAL_PHI' FROM users u, weeks w "
                "WHERE u.name = 'Avery' AND w.season = 2025 AND w.week = 1"
            )
        )
    assert only(bring(league, SHEET + BROWN)).outcome == "already there"


def test_a_row_that_is_in_the_file_twice_counts_once_and_with_other_odds_is_bad(league: Database) -> None:
    report = bring(league, SHEET + BROWN + BROWN.replace("AJ Brown", "A.J. Brown"), dry_run=True)
    assert [(row.outcome, row.reason) for row in report.rows] == [("new", None), ("already there", "as line 2")]
    report = bring(league, SHEET + BROWN + BROWN.replace("900", "950"))
    assert [row.outcome for row in report.rows] == ["new", "bad"]
    assert "line 2 has +900, this row +950" in (report.rows[1].reason or "")
    assert counted(league)[1] == 0


# --- members, time, games ---------------------------------------------------------------------------------------------


def test_an_unknown_member_is_bad_unless_members_may_be_created(league: Database) -> None:
    sheet = SHEET + BROWN.replace("Avery", "Zoë")
    assert "--create-members" in (only(bring(league, sheet)).reason or "")
    report = bring(league, sheet, create_members=True)
    assert (report.new_members, only(report).reason) == (("Zoë",), "new member")
    assert list_members(league)["name"].to_list() == ["Avery", "Blake", "Zoë"]


def test_a_member_of_several_rows_is_created_once_in_whatever_case(league: Database) -> None:
    rows = BROWN.replace("Avery", "Casey") + KRAFT.replace("Blake", "CASEY")
    assert bring(league, SHEET + rows, create_members=True).new_members == ("Casey",)
    assert counted(league) == (3, 2)


def test_a_game_already_begun_is_bad_without_a_reason_and_kept_with_one(league: Database) -> None:
    bad = only(bring(league, SHEET + BROWN, now=AFTER))
    assert (bad.outcome, "--late REASON" in (bad.reason or "")) == ("bad", True)
    good = only(bring(league, SHEET + BROWN, now=AFTER, late_reason="told by mail"))
    assert (good.outcome, good.reason) == ("new", "taken after kickoff")
    assert list_picks(league)["late_reason"].to_list() == ["told by mail"]


def test_home_and_away_swapped_and_another_weekday_are_understood_and_noted(league: Database) -> None:
    row = only(bring(league, SHEET + "1,Monday,Avery,Philadelphia,Dallas,AJ Brown,WR,900\n"))
    assert (row.outcome, row.game) == ("new", "2025_01_DAL_PHI")
    assert "home and away swapped" in (row.reason or "")
    assert "on Thursday, the sheet on Monday" in (row.reason or "")


def test_rounds_of_the_playoffs_are_weeks(league: Database) -> None:
    row = only(bring(league, SHEET + "Super Bowl,Sunday,Avery,Seattle,New England,Jaxon Smith-Njigba,WR,500\n"))
    assert (row.outcome, row.week, row.game) == ("new", "22", "2025_22_SEA_NE")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,,Avery,Dallas,Buffalo,AJ Brown,,", "no game Dallas at Buffalo in week 1"),
        ("2,,Avery,Dallas,Philadelphia,AJ Brown,,", "they meet in 2025_01_DAL_PHI"),
        ("1,,Avery,Atlantis,Philadelphia,AJ Brown,,", "Atlantis"),
        ("23,,Avery,Dallas,Philadelphia,AJ Brown,,", "Week is '23'"),
    ],
)
def test_a_row_whose_game_is_not_is_bad_with_the_reason(league: Database, row: str, reason: str) -> None:
    found = only(bring(league, SHEET + row + "\n"))
    assert found.outcome == "bad"
    assert reason in (found.reason or "")


def test_a_cancelled_game_takes_no_row(league: Database) -> None:
    with league.write() as conn:
        conn.execute(update(games).where(games.c.id == "2025_01_DAL_PHI").values(status="cancelled", deleted_at=BEFORE))
    row = only(bring(league, SHEET + BROWN))
    assert (row.outcome, "left the schedule" in (row.reason or "")) == ("bad", True)


# --- the plain form ---------------------------------------------------------------------------------------------------


def test_the_plain_form_is_taken_with_and_without_the_season_option(league: Database) -> None:
    assert bring(league, PLAIN + "Avery,2025,1,2025_01_DAL_PHI,AJ Brown,900\n", season=None).applied
    assert bring(league, PLAIN + "Blake,2025,,2025_01_DAL_PHI,No Touchdown,\n").applied
    assert bring(league, PLAIN + "Blake,2025,2,,Tucker Kraft,+1200\n").applied
    assert list_picks(league)["player_id"].to_list() == ["00-0035676", "NO_TD", "00-0038996"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Avery,2024,1,2025_01_DAL_PHI,AJ Brown,900", "the season is 2024, asked for was 2025"),
        ("Avery,2025,2,2025_01_DAL_PHI,AJ Brown,900", "in week 1, not in week 2"),
        ("Avery,2025,1,2025_01_PHI_DAL,AJ Brown,900", "no game '2025_01_PHI_DAL'"),
        ("Avery,2O25,1,2025_01_DAL_PHI,AJ Brown,900", "a season is a year"),
    ],
)
def test_a_bad_row_of_the_plain_form_says_why(league: Database, row: str, reason: str) -> None:
    found = only(bring(league, PLAIN + row + "\n"))
    assert found.outcome == "bad"
    assert reason in (found.reason or "")


def test_a_season_that_cannot_be_is_bad_and_never_asked_for(league: Database) -> None:
    asked: list[int] = []
    row = only(
        bring(
            league,
            PLAIN + "Avery,1066,1,x,AJ Brown,\n",
            season=None,
            ensure_season=lambda _, season: asked.append(season),
        )
    )
    assert (row.outcome, asked) == ("bad", [])


# --- the season is brought in -----------------------------------------------------------------------------------------


def test_a_season_that_is_not_here_is_brought_in_first_and_only_then(database: Database) -> None:
    asked: list[int] = []

    def ensure(db: Database, season: int) -> None:
        asked.append(season)
        load_season(db, BEFORE)

    add_member(database, "Avery")
    assert bring(database, SHEET + BROWN, ensure_season=ensure).applied
    assert bring(database, SHEET + BROWN, ensure_season=ensure).applied
    assert asked == [SEASON]


def test_without_schedule_and_anybody_to_bring_it_in_every_row_says_what_to_do(database: Database) -> None:
    add_member(database, "Avery")
    assert "schedule of 2025 is not here" in (only(bring(database, SHEET + BROWN)).reason or "")


def test_a_dry_run_shows_what_would_happen_and_writes_nothing(league: Database) -> None:
    before = (counted(league), everything(league))
    report = bring(league, SHEET + BROWN + KRAFT.replace("Blake", "Casey"), dry_run=True, create_members=True)
    assert [(row.outcome, row.player) for row in report.rows] == [("new", "A.J. Brown"), ("new", "Tucker Kraft")]
    assert (report.applied, report.dry_run, report.new_members) == (False, True, ("Casey",))
    assert (counted(league), everything(league)) == before


def test_a_dry_run_of_a_season_that_is_not_here_writes_not_even_the_season(database: Database) -> None:
    add_member(database, "Avery")
    targets: list[Database] = []

    def ensure(db: Database, season: int) -> None:
        targets.append(db)
        load_season(db, BEFORE)

    report = bring(database, SHEET + BROWN, dry_run=True, ensure_season=ensure)
    assert only(report).outcome == "new"
    assert targets
    assert targets[0] is not database
    with database.read() as conn:
        there = [conn.execute(select(func.count()).select_from(t)).scalar_one() for t in (games, rosters, picks)]
    assert there == [0, 0, 0]
    assert targets[0].path is not None
    assert not targets[0].path.exists()


def test_a_dry_run_that_lacks_only_the_rosters_still_sees_the_picks_that_are_there(database: Database) -> None:
    load_season(database, BEFORE)
    add_member(database, "Avery")
    bring(database, SHEET + BROWN)
    with database.write() as conn:
        rows = [dict(row) for row in conn.execute(select(rosters)).mappings()]
        conn.execute(rosters.delete())

    def ensure(db: Database, season: int) -> None:
        with db.write() as conn:
            conn.execute(insert(rosters), rows)

    assert only(bring(database, SHEET + BROWN, dry_run=True, ensure_season=ensure)).outcome == "already there"


def test_what_bringing_the_season_in_raises_reaches_the_caller_and_nothing_is_written(database: Database) -> None:
    def ensure(db: Database, season: int) -> None:
        raise ConnectionError("no network")

    add_member(database, "Avery")
    with pytest.raises(ConnectionError, match="no network"):
        bring(database, SHEET + BROWN, ensure_season=ensure)
    assert counted(database) == (1, 0)


# --- files ------------------------------------------------------------------------------------------------------------


def test_the_league_s_sheet_without_a_season_is_refused(league: Database) -> None:
    with pytest.raises(SheetError, match="--season"):
        bring(league, SHEET + BROWN, season=None)


def test_a_file_without_a_row_is_refused(league: Database) -> None:
    with pytest.raises(SheetError, match="no pick below the header"):
        bring(league, SHEET + "\n,,,,,,,\n")


def test_a_file_that_is_not_there_is_refused_by_name(league: Database, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(SheetError, match="cannot be read"):
            bring(league, path)


def test_hostile_cells_are_text_and_change_nothing_else(league: Database) -> None:
    names = ["Robert'); DROP TABLE picks;--", "<b onclick=x>Bo</b>", "=cmd|' /C calc'!A0", "[link=x]y[/link]", "|a|b|"]
    rows = "".join(
        f'1,Thursday,"{name}",Dallas,Philadelphia,AJ Brown,WR,900\n' for name in names
    )  # fmt: skip
    report = bring(league, SHEET + rows, create_members=True)
    assert [row.outcome for row in report.rows] == ["new"] * len(names)
    assert set(list_members(league)["name"]) == {"Avery", "Blake", *names}


def test_a_failure_in_the_middle_of_writing_leaves_no_pick_and_no_member(league: Database) -> None:
    from firsttd_pipeline.storage.picks import PickRefused

    if league.dialect == "sqlite":
        trigger = (
            "CREATE TRIGGER refuse_kraft BEFORE INSERT ON picks WHEN NEW.player_name = 'Tucker Kraft' "
            "BEGIN SELECT RAISE(ABORT, 'no Kraft today'); END"
        )
        statements = [trigger]
    else:
        statements = [
            "CREATE FUNCTION refuse_kraft() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.player_name = "
            "'Tucker Kraft' THEN RAISE check_violation USING MESSAGE = 'no Kraft today'; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER refuse_kraft BEFORE INSERT ON picks FOR EACH ROW EXECUTE FUNCTION refuse_kraft()",
        ]
    with league.write() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)
    with pytest.raises(PickRefused, match="no Kraft today"):
        bring(league, SHEET + BROWN + KRAFT.replace("Blake", "Casey"), create_members=True)
    assert counted(league) == (2, 0)
