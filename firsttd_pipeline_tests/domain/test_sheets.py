"""Claims about reading sheets of picks: the league's own, the plain form, and what spreadsheets do to both."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.domain.sheets import (
    GameNotSettled,
    OddsError,
    PickRow,
    RowError,
    ScheduledGame,
    SheetError,
    parse_odds,
    parse_week,
    read_sheet,
    settle_game,
)
from firsttd_pipeline_tests.shared_data import LEAGUE_SHEET, MIRROR, needs_shared

HEADER = "Week,Gameday,Picker,Vistor,Home,Player,Position,1st TD Odds\n"
PLAIN = "user,season,week,game_id,player,odds\n"


def one(text: str | bytes) -> PickRow | RowError:
    rows = read_sheet(text).rows
    assert len(rows) == 1
    return rows[0]


def good(text: str | bytes) -> PickRow:
    row = one(text)
    assert isinstance(row, PickRow), row
    return row


def bad(text: str | bytes) -> RowError:
    row = one(text)
    assert isinstance(row, RowError), row
    return row


@needs_shared
def test_every_row_of_the_leagues_sheet_names_exactly_one_game_of_2025() -> None:
    sheet = read_sheet(LEAGUE_SHEET.read_bytes())
    schedule = pl.read_parquet(MIRROR / "schedules" / "games.parquet").filter(pl.col("season") == 2025)
    games = [ScheduledGame(*row) for row in schedule.select("game_id", "week", "away_team", "home_team").iter_rows()]
    assert (sheet.form, len(sheet.rows), sheet.ignored) == ("league", 47, ())
    settled = {}
    for row in sheet.rows:
        assert isinstance(row, PickRow)
        assert row.away is not None
        assert row.home is not None
        assert isinstance(row.week, int)
        settled[row.line] = settle_game(row.away, row.home, row.week, games)
    assert {one.note for one in settled.values()} == {None}
    assert settled[2].game_id == "2025_01_DAL_PHI"
    assert settled[12].game_id == "2025_03_DET_BAL"  # Detriot
    assert settled[17].game_id == "2025_05_SF_LA"  # San Fran, LA Rams
    assert sum(row.odds is None for row in sheet.rows if isinstance(row, PickRow)) == 6


def test_the_leagues_header_is_read_in_any_order_case_and_spelling() -> None:
    row = good(
        "odds;PLAYER;HOME;Visitor;picker;WEEK;note\r\n+900;A.J. Brown;Philadelphia;Dallas;Avery;1;hi\r\n".replace(
            "odds", "1ST td ODDS"
        )
    )
    assert (row.line, row.member, row.week, row.away, row.home, row.player, row.odds) == (
        2, "Avery", 1, "Dallas", "Philadelphia", "A.J. Brown", 900.0,
    )  # fmt: skip


def test_columns_that_are_not_known_are_ignored_and_named() -> None:
    sheet = read_sheet(HEADER.strip() + ",Actual,Result\n1,Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,900,x,y\n")
    assert sheet.ignored == ("Actual", "Result")
    assert isinstance(sheet.rows[0], PickRow)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiters_line_ends_and_encodings_of_spreadsheets_read_the_same(
    delimiter: str, newline: str, encoding: str
) -> None:
    text = (HEADER + "1,Thursday,Zoë,Dallas,Philadelphia,AJ Brown,WR,900\n").replace(",", delimiter)
    row = good(text.replace("\n", newline).encode(encoding))
    assert (row.line, row.member, row.player, row.odds, row.position) == (2, "Zoë", "AJ Brown", 900.0, "WR")


def test_excels_separator_line_formulas_and_hard_spaces_are_understood() -> None:
    row = good(
        'sep=;\nWeek;Picker;Visitor;Home;Player;Odds\n="1";\u00a0Avery ;Dallas;Philadelphia;AJ\u00a0Brown;="+900"\n'
    )
    assert (row.line, row.member, row.week, row.player, row.odds) == (3, "Avery", 1, "AJ Brown", 900.0)


def test_the_guard_that_our_own_csv_puts_before_a_formula_is_taken_off_again() -> None:
    assert good(PLAIN + "Avery,2025,1,2025_01_DAL_PHI,AJ Brown,'+900\n").odds == 900.0


def test_blank_lines_are_skipped_and_lines_keep_their_numbers() -> None:
    sheet = read_sheet("\n\n" + HEADER + "\n,,,,,,,\n1,,Avery,Dallas,Philadelphia,AJ Brown,,\n \n2,,,a,b,c,,\n")
    assert [(type(row).__name__, row.line) for row in sheet.rows] == [("PickRow", 6), ("RowError", 8)]


def test_rows_that_excel_cut_short_have_empty_cells() -> None:
    row = good(HEADER + "15,Sunday,Casey,Minnesota,Dallas,Addison\n")
    assert (row.position, row.odds) == (None, None)


def test_a_missing_column_is_one_error_with_its_name_and_those_found() -> None:
    with pytest.raises(SheetError) as error:
        read_sheet("Week,Picker,Vistor,Home,Joueur,Cote\n1,a,b,c,d,e\n")
    message = str(error.value)
    assert "columns missing: Player, 1st TD Odds." in message
    assert "Columns found: Week, Picker, Vistor, Home, Joueur, Cote." in message


def test_the_plain_form_names_its_own_missing_column() -> None:
    with pytest.raises(SheetError, match=r"column missing: odds\. .*the plain form"):
        read_sheet("user,season,week,game_id,player\n")


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(SheetError, match="Visitor, Vistor"):
        read_sheet("Week,Picker,Visitor,Vistor,Home,Player,Odds\n")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b"   \n"])
def test_an_empty_file_is_an_error_not_an_empty_import(content: bytes) -> None:
    with pytest.raises(SheetError, match="empty"):
        read_sheet(content)


def test_an_excel_workbook_is_told_apart_from_a_csv_file() -> None:
    with pytest.raises(SheetError, match="save it as CSV"):
        read_sheet(b"PK\x03\x04\x14\x00\x06\x00")


def test_the_plain_form_has_its_season_and_game() -> None:
    row = good(PLAIN + "Avery,2025,1,2025_01_DAL_PHI,A.J. Brown,900\n")
    assert (row.season, row.week, row.game_id, row.member, row.odds) == (2025, 1, "2025_01_DAL_PHI", "Avery", 900.0)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("0,Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,900", "Week is '0'"),
        ("23,Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,900", "Week is '23'"),
        (",Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,900", "Week is empty"),
        ("1,Thu,,Dallas,Philadelphia,AJ Brown,WR,900", "Picker is empty"),
        ("1,Thu,Avery,,Philadelphia,AJ Brown,WR,900", "Vistor is empty"),
        ("1,Thu,Avery,Dallas,Philadelphia,,WR,900", "Player is empty"),
        ("1,Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,9/1", "fractional"),
        ("1,Thu,Avery,Dallas,Philadelphia,AJ Brown,WR,1,200", "9 cells under 8 columns"),
        ("1,Thu,Av\x00ery,Dallas,Philadelphia,AJ Brown,WR,900", "U+0000"),
        ("1,Thu,Avery,Dallas,Philadelphia,AJ\u202eBrown,WR,900", "U+202E"),
        ("1,Thu,Avery,Dallas,Philadelphia," + "x" * 5000 + ",WR,900", "5000 characters long"),
        ('1,Thu,Avery,Dallas,Philadelphia,"AJ Brown,WR,900\n1,Thu,b,c,d,e,f,900', "a line break inside Player"),
    ],
)
def test_a_bad_row_says_its_line_and_why(cells: str, reason: str) -> None:
    row = bad(HEADER + cells + "\n")
    assert row.line == 2
    assert reason in row.reason


def test_a_bad_row_never_hides_the_good_ones_around_it() -> None:
    sheet = read_sheet(
        HEADER + "1,,Avery,Dallas,Philadelphia,AJ Brown,,900\n1,,Blake,x,y,,,\n2,,Casey,Washington,Green Bay,Kraft,,\n"
    )
    assert [type(row) for row in sheet.rows] == [PickRow, RowError, PickRow]


@pytest.mark.parametrize(
    ("typed", "odds"),
    [
        ("900", 900.0),
        ("+900", 900.0),
        (" + 900 ", 900.0),
        ("900.0", 900.0),
        ("-110", -110.0),
        ("−110", -110.0),
        ("1,200", 1200.0),
        ("+12,500", 12500.0),
        ("EVEN", 100.0),
        ("", None),
        ("?", None),
        ("N/A", None),
        ("-", None),
    ],
)  # fmt: skip
def test_american_odds_are_read_as_typed(typed: str, odds: float | None) -> None:
    assert parse_odds(typed) == odds


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("9/1", r"fractional.*\+900"),
        ("1/2", r"fractional.*-200"),
        ("0/0", "fractional"),
        ("9.5", "decimal"),
        ("0", "at least"),
        ("99", "at least"),
        ("-99", "at least"),
        ("900.5", "whole"),
        ("1e3", "not American"),
        ("nan", "not American"),
        ("inf", "not American"),
        ("1,2", "not American"),
        ("12,00", "not American"),
        ("９００", "not American"),
        ("=900", "not American"),
        ("2000000", "out of range"),
        ("9" * 400, "no number|out of range"),
    ],
)
def test_other_odds_are_refused_with_the_reason(typed: str, reason: str) -> None:
    with pytest.raises(OddsError, match=reason):
        parse_odds(typed)


@pytest.mark.parametrize(
    ("typed", "week"),
    [
        ("1", 1),
        ("01", 1),
        ("18.0", 18),
        ("Week 3", 3),
        ("wk3", 3),
        ("WC", "WC"),
        ("Wild Card", "WC"),
        ("wild-card round", "WC"),
        ("DIV", "DIV"),
        ("Divisional", "DIV"),
        ("CON", "CON"),
        ("Conference Championship", "CON"),
        ("SB", "SB"),
        ("Super Bowl", "SB"),
        ("Super Bowl LX", "SB"),
        ("0", None),
        ("23", None),
        ("1.5", None),
        ("-1", None),
        ("1/2", None),
        ("1 2", None),
        ("pre", None),
        ("", None),
    ],
)
def test_weeks_and_rounds_are_read_as_typed(typed: str, week: int | str | None) -> None:
    assert parse_week(typed) == week


GAMES = [
    ScheduledGame("2025_01_KC_LAC", 1, "KC", "LAC"),
    ScheduledGame("2025_01_HOU_LA", 1, "HOU", "LA"),
    ScheduledGame("2025_02_NYG_LA", 2, "NYG", "LA"),
    ScheduledGame("2025_02_NYJ_LAC", 2, "NYJ", "LAC"),
    ScheduledGame("2025_03_OAK_DEN", 3, "OAK", "DEN"),
]


def test_a_city_with_two_teams_is_settled_by_the_weeks_schedule() -> None:
    assert settle_game("Kansas City", "Los Angeles", 1, GAMES).game_id == "2025_01_KC_LAC"
    assert settle_game("Houston", "LA", 1, GAMES).game_id == "2025_01_HOU_LA"


def test_two_cities_with_two_teams_each_that_both_play_are_ambiguous_and_both_games_are_named() -> None:
    with pytest.raises(GameNotSettled, match="2025_02_NYG_LA, 2025_02_NYJ_LAC"):
        settle_game("New York", "Los Angeles", 2, GAMES)


def test_home_and_away_swapped_is_understood_and_noted() -> None:
    settled = settle_game("LA Chargers", "Kansas City", 1, GAMES)
    assert settled.game_id == "2025_01_KC_LAC"
    assert settled.note == "home and away swapped: it is KC at LAC"


def test_a_relocated_teams_old_code_in_the_schedule_is_found_by_its_name_of_today() -> None:
    assert settle_game("Las Vegas", "Denver", 3, GAMES).game_id == "2025_03_OAK_DEN"


def test_a_game_of_another_week_is_refused_and_the_week_it_is_in_named() -> None:
    with pytest.raises(GameNotSettled, match="no game that week; they meet in 2025_01_KC_LAC"):
        settle_game("KC", "LAC", 3, GAMES)


def test_a_team_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(GameNotSettled, match="Atlantis"):
        settle_game("Atlantis", "LAC", 1, GAMES)


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_one_sheet_error(content: bytes) -> None:
    try:
        sheet = read_sheet(content)
    except SheetError:
        return
    assert all(row.line >= 2 for row in sheet.rows)


@given(st.text(max_size=120))
def test_any_text_below_a_header_becomes_rows_with_reasons(text: str) -> None:
    try:
        sheet = read_sheet(HEADER + text)
    except SheetError:
        return
    for row in sheet.rows:
        assert row.line >= 2
        assert isinstance(row, PickRow) or row.reason
