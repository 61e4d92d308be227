"""Claims about what listings print: cells are text, whatever a member typed into them."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.commands import output
from firsttd_pipeline.commands.output import Format, emit, safe

HOSTILE = [
    "[bold red]x[/bold red]",
    "[/]",
    ":smile:",
    "<script>alert(1)</script>",
    "'; DROP TABLE users; --",
    "**b** | `c`",
    '"quoted", with, commas',
]
ROWS = pl.DataFrame(
    {
        "member": ["=1+1", "Zoë"],
        "points": [4.0, None],
        "profit": [-1.25, 9.0],
        "any_time_td": [True, None],
        "kickoff_at": [datetime(2025, 9, 5, 0, 20, tzinfo=UTC), None],
        "day": [date(2025, 9, 4), None],
    }
)


def printed(capsys: pytest.CaptureFixture[str], rows: object, form: Format, **given: object) -> str:
    emit(rows, form, **given)  # type: ignore[arg-type]
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def as_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_json_is_the_rows_exactly_and_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(printed(capsys, ROWS, Format.JSON, title="Standings")) == [
        {
            "member": "=1+1",
            "points": 4.0,
            "profit": -1.25,
            "any_time_td": True,
            "kickoff_at": "2025-09-05T00:20:00Z",
            "day": "2025-09-04",
        },
        {"member": "Zoë", "points": None, "profit": 9.0, "any_time_td": None, "kickoff_at": None, "day": None},
    ]


def test_csv_guards_text_against_formulas_and_leaves_numbers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_csv(printed(capsys, ROWS, Format.CSV)) == [
        ["member", "points", "profit", "any_time_td", "kickoff_at", "day"],
        ["'=1+1", "4.0", "-1.25", "true", "2025-09-05T00:20:00Z", "2025-09-04"],
        ["Zoë", "", "9.0", "", "", ""],
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " =", "＝"])
def test_every_start_of_a_formula_is_guarded(capsys: pytest.CaptureFixture[str], start: str) -> None:
    cell = as_csv(printed(capsys, [{"member": start + "cmd|' /C calc'!A0"}], Format.CSV))[1][0]
    assert cell.startswith("'")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", list(Format))
def test_markup_of_any_kind_is_printed_as_it_was_typed(
    capsys: pytest.CaptureFixture[str], text: str, form: Format
) -> None:
    out = printed(capsys, [{"member": text}], form, title="[red]Members[/red]")
    if form is Format.JSON:
        assert json.loads(out) == [{"member": text}]
    elif form is Format.CSV:
        assert as_csv(out)[1][0] == text
    else:
        assert text in out
        assert "[red]Members[/red]" in out


@pytest.mark.parametrize("bad", ["\x1b[2J", "\x00", "\x07", "\r", "\u202e", "\u2028", "\x9b1m", "\ud800"])
@pytest.mark.parametrize("form", list(Format))
def test_control_characters_and_direction_marks_never_reach_the_terminal(
    capsys: pytest.CaptureFixture[str], bad: str, form: Format
) -> None:
    out = printed(capsys, [{"member": f"A{bad}B"}], form)
    assert all(character == "\n" or character.isprintable() for character in out)
    if form is Format.JSON:
        assert json.loads(out) == [{"member": f"A{bad}B"}]


def test_a_table_names_its_columns_and_shows_only_those_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, ROWS, Format.TABLE, title="Standings", columns=("member", "profit", "kickoff_at"))
    assert "Standings" in out
    assert "kickoff at" in out
    assert "2025-09-05 00:20 UTC" in out
    assert "-1.25" in out
    assert "points" not in out


def test_a_table_in_a_pipe_is_not_cut_to_a_terminals_width(capsys: pytest.CaptureFixture[str]) -> None:
    row = {f"column_{n}": f"value-{n}-" + "x" * 15 for n in range(12)}
    out = printed(capsys, [row], Format.TABLE)
    assert all(value in out for value in row.values())


def test_no_rows_are_an_empty_array_a_header_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    empty = ROWS.head(0)
    assert json.loads(printed(capsys, empty, Format.JSON)) == []
    assert len(as_csv(printed(capsys, empty, Format.CSV))) == 1
    assert printed(capsys, empty, Format.TABLE, title="Picks", empty="none yet") == "Picks: none yet\n"


def test_numbers_that_json_does_not_have_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"roi": float("nan")}, {"roi": float("inf")}]
    assert json.loads(printed(capsys, rows, Format.JSON)) == [{"roi": None}, {"roi": None}]


def test_text_that_the_terminal_cannot_encode_is_escaped_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(output.sys, "stdout", stream)
    emit([{"member": "Zoë 李"}], Format.JSON)
    assert json.loads(raw.getvalue()) == [{"member": "Zoë 李"}]
    for form in (Format.TABLE, Format.CSV):
        emit([{"member": "Zoë 李"}], form, title="Members")
    assert raw.getvalue().count(rb"Zo\xeb \u674e") == 2


@given(st.text(max_size=60))
def test_safe_text_is_always_printable(text: str) -> None:
    assert all(not output.bad_character(character) for character in safe(text))


@given(st.lists(st.fixed_dictionaries({"member": st.text(max_size=30), "n": st.integers()}), max_size=5))
def test_json_gives_back_whatever_text_went_in(rows: list[dict[str, object]]) -> None:
    assert json.loads(output._json(rows)) == rows


def test_a_narrow_terminal_keeps_words_whole_and_names_the_columns_it_left_out() -> None:
    rows = [{"member": "Avery", "week": 3, "reason": "postponed " * 3, "source": "spreadsheet"}]
    table, left_out = output._table(list(rows[0]), rows, 30)
    assert left_out == ["source"]
    assert [column.header.plain for column in table.columns] == ["member", "week", "reason"]
    assert all(column.width >= len("member") for column in table.columns[:1])
    whole, nothing = output._table(list(rows[0]), rows, 200)
    assert (len(whole.columns), nothing) == (4, [])
