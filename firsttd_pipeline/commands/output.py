"""What every listing prints: a table for people, JSON or CSV for programs, on stdout alone.

Cells are untrusted text: never markup, never a spreadsheet formula, and control characters are shown, not sent.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firsttd_pipeline.domain.sheets import bad_character

if TYPE_CHECKING:
    import polars as pl

PIPE_WIDTH = 400
"""Columns of a table that goes to a file or a pipe: nothing is folded there for want of a terminal's width."""

MOST = 2**31 - 1
"""The largest number that an id or a limit can be on every database."""

_WORD = 28
"""The longest word that a table keeps whole in a narrow terminal: a setting's name; addresses are folded."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


class Format(StrEnum):
    """How a listing is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


FormatOption = Annotated[Format, typer.Option("--format", case_sensitive=False, help="How to print it.")]


def safe(text: str) -> str:
    """The text with control characters, line breaks, direction marks and unpaired surrogates shown as escapes."""
    if text.isprintable():
        return text
    return "".join(c if bad_character(c) is None else _escape(c) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def counted(count: int, one: str, several: str) -> str:
    """`1 pick waits`, `2 picks wait`."""
    return f"{count} {one if count == 1 else several}"


def plain(text: str) -> Text:
    """The text as a Rich cell in which nothing is markup; line breaks stay, other control characters are shown."""
    return Text("\n".join(safe(line) for line in text.split("\n")))


def emit(
    rows: pl.DataFrame | Sequence[Mapping[str, Any]],
    output: Format = Format.TABLE,
    *,
    title: str = "",
    empty: str = "none",
    columns: Sequence[str] | None = None,
) -> None:
    """Print rows on stdout.

    Args:
        rows: a frame, or mappings that share their keys.
        output: JSON is one array of objects and keeps every value as it is; CSV guards text against formulas.
        title: above a table; not printed in JSON and CSV.
        empty: what a table without rows says.
        columns: the columns a table shows, those that a narrow terminal needs first in front (JSON and CSV hold all);
            and those of a CSV whose mappings are none.
    """
    names, records = _records(rows)
    names = names or list(columns or ())
    if output is Format.JSON:
        _write(_json(records) + "\n", errors="firsttd_json")
    elif output is Format.CSV:
        _write(_csv(names, records))
    else:
        shown = [name for name in (columns or names) if name in names]
        _print_table(shown, records, title, empty)


def emit_object(row: Mapping[str, Any]) -> None:
    """Print one thing on stdout as one JSON object, every value as it is."""
    _write(_json(row) + "\n", errors="firsttd_json")


def emit_lines(lines: Sequence[str]) -> None:
    """Print lines for people on stdout; what they hold is shown, never interpreted."""
    _write("".join(f"{safe(line)}\n" for line in lines))


def _records(rows: pl.DataFrame | Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Mapping[str, Any]]]:
    if isinstance(rows, Sequence):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return names, list(rows)
    return rows.columns, list(rows.iter_rows(named=True))


def _write(text: str, *, errors: str = "backslashreplace") -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    sys.stdout.write(text.encode(encoding, errors).decode(encoding))
    sys.stdout.flush()


def _json_escape(error: UnicodeError) -> tuple[str, int]:
    """How JSON writes what the stream cannot encode."""
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error("firsttd_json", _json_escape)


# --- JSON -------------------------------------------------------------------------------------------------------------


def _json(value: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    text = json.dumps(_json_value(value), ensure_ascii=False, indent=2)
    # What json leaves as it is (C1 controls, direction marks, surrogates) would still act on a terminal.
    if text.isprintable():
        return text
    return "".join(c if c == "\n" or bad_character(c) is None else json.dumps(c)[1:-1] for c in text)


def _json_value(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(k): _json_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(v) for v in value]
    return str(value)


# --- CSV --------------------------------------------------------------------------------------------------------------


def _csv(names: Sequence[str], records: Sequence[Mapping[str, Any]]) -> str:
    if not names:
        return ""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_csv_text(name) for name in names])
    writer.writerows([[_csv_value(row.get(name)) for name in names] for row in records])
    return buffer.getvalue()


def _csv_value(value: Any) -> str:
    value = _json_value(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return _csv_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _csv_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading quote, as spreadsheets themselves write it."""
    guard = "'" if text.lstrip(" \u00a0").startswith(_FORMULA_STARTS) else ""
    return guard + safe(text)


# --- tables -----------------------------------------------------------------------------------------------------------


def _print_table(names: Sequence[str], records: Sequence[Mapping[str, Any]], title: str, empty: str) -> None:
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=PIPE_WIDTH)
    with console.capture() as captured:
        if not records:
            console.print(plain(f"{title}: {empty}" if title else empty), soft_wrap=True)
        else:
            # not Rich's own title: it is folded to the table's width
            if title:
                console.print(plain(title), style="bold", soft_wrap=True)
            table, left_out = _table(names, records, console.width)
            console.print(table)
            if left_out:
                told = (
                    f"Too narrow for: {', '.join(map(_heading, left_out))}. A wider terminal or --format csv has them."
                )
                console.print(plain(told), soft_wrap=True)
    _write(captured.get())


def _table(names: Sequence[str], records: Sequence[Mapping[str, Any]], width: int) -> tuple[Table, Sequence[str]]:
    """The table, and the columns left out because no word would have stayed whole with them."""
    cells = {name: [safe(_shown(row.get(name))) for row in records] for name in names}
    kept, padding, widths = _fitting(names, cells, width)
    table = Table(padding=(0, padding))
    for name, wide in zip(kept, widths, strict=True):
        numeric = any(_is_number(row.get(name)) for row in records)
        table.add_column(plain(_heading(name)), justify="right" if numeric else "left", overflow="fold", width=wide)
    for row in records:
        table.add_row(*(plain(_shown(row.get(name))) for name in kept))
    return table, names[len(kept) :]


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _fitting(
    names: Sequence[str], cells: Mapping[str, Sequence[str]], width: int
) -> tuple[Sequence[str], int, list[int]]:
    """The leading columns that fit a terminal with every word whole, their padding, and their widths.

    Rich narrows all columns alike, down to two letters each. Here the padding goes first, then columns from the right.
    """
    least, most = {}, {}
    for name in names:
        texts = [_heading(name), *cells[name]]
        most[name] = max(cell_len(line) for text in texts for line in text.split("\n"))
        words = max((cell_len(word) for text in texts for word in text.split()), default=1)
        least[name] = max(1, min(words, _WORD))
    for count in range(len(names), 0, -1):
        kept = names[:count]
        for padding in (1, 0):
            room = width - 1 - count * (1 + 2 * padding)
            if sum(least[name] for name in kept) <= room:
                return kept, padding, _shared_out([least[n] for n in kept], [most[n] for n in kept], room)
    return names[:1], 0, [max(1, width - 2)]


def _shared_out(widths: list[int], most: list[int], room: int) -> list[int]:
    """The widths, with what room is left given to the narrowest column that wants more, one by one."""
    for _ in range(room - sum(widths)):
        wanting = [n for n, wide in enumerate(widths) if wide < most[n]]
        if not wanting:
            break
        widths[min(wanting, key=widths.__getitem__)] += 1
    return widths


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return f"{value:.0f}" if value == int(value) else f"{value:.3f}".rstrip("0")
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    return str(value)
