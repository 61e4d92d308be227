"""Reading picks that people keep in spreadsheets: the league's own sheet and the plain form.

Text in, rows and row errors out; nothing is looked up here but team names. Whatever cannot be read safely is a
`RowError` with its line and reason, or, where the file as a whole cannot be read, one `SheetError`.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from firsttd_pipeline.domain.teams import UnknownTeam, canonical, teams_from_text

Form = Literal["league", "plain"]
MAX_CELL: Final = 200
MAX_ODDS: Final = 1_000_000.0
ROUNDS: Final = ("WC", "DIV", "CON", "SB")
LAST_WEEK: Final = 22


class SheetError(ValueError):
    """The file as a whole cannot be read as a sheet of picks; the message says why and what is wanted."""


class OddsError(ValueError):
    """The odds are not American odds; the message says why."""


class GameNotSettled(ValueError):
    """Week and teams name no game, or more than one; the message says which there are."""


@dataclass(frozen=True, slots=True)
class PickRow:
    """One row of a sheet, read but not looked up.

    Attributes:
        line: line of the file, the header being line 1.
        member: as typed, trimmed.
        week: number of the week, a round (WC, DIV, CON, SB), or None where only the game says it.
        player: as typed, trimmed.
        odds: American; None: unknown.
        season: given by the plain form only.
        game_id: given by the plain form only.
        away: visiting team as typed, in the league's sheet.
        home: home team as typed, in the league's sheet.
        team: the player's team as typed, where the sheet has such a column.
        position: as typed; empty: None.
        gameday: as typed (a weekday); empty: None.
    """

    line: int
    member: str
    week: int | str | None
    player: str
    odds: float | None
    season: int | None = None
    game_id: str | None = None
    away: str | None = None
    home: str | None = None
    team: str | None = None
    position: str | None = None
    gameday: str | None = None


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that cannot be read: its line, why, and what could be read of it (for people)."""

    line: int
    reason: str
    member: str = ""
    week: str = ""
    game: str = ""
    player: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as read: its form, its rows in order, and the header cells that were not used."""

    form: Form
    rows: tuple[PickRow | RowError, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduledGame:
    """What `settle_game` has to know of a game."""

    game_id: str
    week: int
    away: str
    home: str


@dataclass(frozen=True, slots=True)
class Settled:
    """The game that week and teams name, and what was understood on the way (None: nothing to say)."""

    game_id: str
    note: str | None = None


# --- columns ----------------------------------------------------------------------------------------------------------

_ALIASES: Final[dict[str, frozenset[str]]] = {
    "member": frozenset({"picker", "pickers", "user", "member", "pickedby"}),
    "week": frozenset({"week", "wk", "round", "weekround"}),
    "away": frozenset({"vistor", "visitor", "vistors", "visitors", "visiting", "visitingteam", "away", "awayteam"}),
    "home": frozenset({"home", "hometeam"}),
    "player": frozenset({"player", "playername", "pick"}),
    "odds": frozenset({"1sttdodds", "firsttdodds", "odds", "1sttdodd", "americanodds"}),
    "position": frozenset({"position", "pos"}),
    "gameday": frozenset({"gameday", "day"}),
    "season": frozenset({"season", "year"}),
    "game_id": frozenset({"gameid"}),
    "team": frozenset({"team", "playerteam"}),
}
_REQUIRED: Final[dict[Form, dict[str, str]]] = {
    "league": {
        "week": "Week",
        "member": "Picker",
        "away": "Visitor (or Vistor)",
        "home": "Home",
        "player": "Player",
        "odds": "1st TD Odds",
    },
    "plain": {
        "member": "user",
        "season": "season",
        "week": "week",
        "game_id": "game_id",
        "player": "player",
        "odds": "odds",
    },
}
_OPTIONAL: Final[dict[Form, frozenset[str]]] = {
    "league": frozenset({"position", "gameday", "team"}),
    "plain": frozenset({"position", "team"}),
}
_FORM_NAME: Final[dict[Form, str]] = {"league": "the league's sheet", "plain": "the plain form"}
_DELIMITERS: Final = (",", ";", "\t", "|")


def _header_key(cell: str) -> str:
    return re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKC", cell).casefold())


def _column_of(cell: str) -> str | None:
    key = _header_key(cell)
    return next((name for name, keys in _ALIASES.items() if key in keys), None)


# --- text -------------------------------------------------------------------------------------------------------------


def decode(content: bytes) -> str:
    """The text of a sheet file: UTF-8 (with or without its mark), UTF-16 with its mark, else Windows-1252.

    Raises:
        SheetError: the bytes are none of these (a workbook, an archive).
    """
    if content[:4] == b"PK\x03\x04" or content[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise SheetError("This is an Excel workbook, not a CSV file: save it as CSV (UTF-8) and import that.")
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SheetError("The file is no text in UTF-8, UTF-16 or Windows-1252: save it as CSV (UTF-8).")


def bad_character(text: str) -> str | None:
    """The first character that no name may hold (control, line break, direction override, unpaired surrogate), as its
    code point's name `U+0000`; None where there is none. Joiners are fine: some scripts and emoji need them."""
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and character not in "\u200c\u200d"):
            return f"U+{ord(character):04X}"
    return None


def clean(text: str) -> str:
    """NFC, trimmed, and every run of blanks (hard and typographic ones too) one blank."""
    text = unicodedata.normalize("NFC", text)
    return re.sub(r"[ \u00a0\u2000-\u200a\u202f\u205f\u3000]+", " ", text).strip(" ")


def _cell(text: str) -> str:
    """A cell as a person meant it: Excel's `="900"` and our own guard `'+900` undone, blanks trimmed."""
    text = clean(text.strip(" \t\r\n\u00a0"))
    if match := re.fullmatch(r'="(.*)"', text):
        text = match.group(1).strip()
    if re.match(r"'[=+\-@]", text):
        text = text[1:]
    return text


# --- odds and weeks ---------------------------------------------------------------------------------------------------

_DASHES: Final = str.maketrans({"−": "-", "–": "-", "—": "-", "﹣": "-", "－": "-", "＋": "+"})
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_UNKNOWN_ODDS: Final = frozenset({"", "-", "?", "n/a", "na", "tbd", "none", "unknown", "null"})


def parse_odds(text: str) -> float | None:
    """American odds as typed: `+900`, `900`, `-110`, `1,200`, `EVEN`; empty (or `?`, `N/A`, `-`) is unknown: None.

    Raises:
        OddsError: fractional or decimal odds, a number between -100 and +100, anything else.
    """
    typed = text.strip()
    shown = typed if len(typed) <= 30 else typed[:30] + "…"
    plain = typed.translate(_DASHES).replace(" ", "").replace("\u00a0", "")
    if plain.casefold() in _UNKNOWN_ODDS:
        return None
    if plain.casefold() in ("even", "evens", "ev"):
        return 100.0
    if re.fullmatch(r"[+-]?\d{1,3}(?:,\d{3})+", plain):
        plain = plain.replace(",", "")
    if match := re.fullmatch(r"(\d{1,6})/(\d{1,6})", plain):
        raise OddsError(f"odds {shown!r} are fractional: give American odds{_american(match.group(1), match.group(2))}")
    if not plain.isascii() or not _NUMBER.fullmatch(plain):
        raise OddsError(f"odds {shown!r} are not American odds such as +900 or -110")
    return check_odds(float(plain), shown)


def _american(over: str, under: str) -> str:
    if int(over) == 0 or int(under) == 0:
        return ""
    ratio = int(over) / int(under)
    return f" ({round(100 * ratio):+d})" if ratio >= 1 else f" ({round(-100 / ratio):+d})"


def check_odds(value: float, shown: str | None = None) -> float:
    """The odds, if they are American odds: a whole number, at least +100 or at most -100.

    Raises:
        OddsError: they are not.
    """
    shown = shown if shown is not None else str(value)
    if not math.isfinite(value):
        raise OddsError(f"odds {shown!r} are no number")
    if abs(value) < 100:
        hint = " (these look like decimal odds)" if 1 < value < 100 else ""
        raise OddsError(f"odds {shown!r} are not American odds: those are at least +100 or at most -100{hint}")
    if value != int(value):
        raise OddsError(f"odds {shown!r} are not American odds: those are whole numbers")
    if abs(value) > MAX_ODDS:
        raise OddsError(f"odds {shown!r} are out of range: at most {MAX_ODDS:+,.0f}")
    return value


_ROUND_NAMES: Final[dict[str, str]] = {
    "wc": "WC",
    "wildcard": "WC",
    "wildcardround": "WC",
    "wildcardweekend": "WC",
    "div": "DIV",
    "divisional": "DIV",
    "division": "DIV",
    "divisionals": "DIV",
    "divisionalround": "DIV",
    "con": "CON",
    "conf": "CON",
    "cc": "CON",
    "conference": "CON",
    "conferencechampionship": "CON",
    "conferencechampionships": "CON",
    "championship": "CON",
    "championships": "CON",
    "championshipround": "CON",
    "afcchampionship": "CON",
    "nfcchampionship": "CON",
    "sb": "SB",
    "superbowl": "SB",
    "thesuperbowl": "SB",
}


def parse_week(text: str) -> int | str | None:
    """A week as typed: 1-22 (`3`, `3.0`, `Week 3`) as a number, a playoff round as WC, DIV, CON or SB, or None."""
    typed = clean(text).casefold()
    if match := re.fullmatch(r"(?:(?:week|wk|w)[ .#-]*)?(\d{1,2})(?:\.0*)?", typed, re.ASCII):
        week = int(match.group(1))
        return week if 1 <= week <= LAST_WEEK else None
    key = re.sub(r"[^a-z0-9]", "", typed)
    return "SB" if re.fullmatch(r"superbowl[ivxlc\d]+", key) else _ROUND_NAMES.get(key)


# --- the sheet --------------------------------------------------------------------------------------------------------


def read_sheet(content: bytes | str) -> Sheet:
    """Read a sheet of picks: its form is told by its header, its delimiter by which makes most sense of the header.

    Column order and case do not matter; blank lines are skipped; columns that are not known are listed in `ignored`.

    Raises:
        SheetError: no header, a column that is missing or there twice, no text.
    """
    text = decode(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    skipped, text = _skip_separator_line(text)
    records = _records(text, _delimiter(text), skipped)
    if not records:
        raise SheetError("The file is empty: the first line has to name the columns.")
    _, header = records[0]
    form, columns, ignored = _understand_header(header)
    rows = [_row(form, line, cells, columns, header) for line, cells in records[1:]]
    return Sheet(form, tuple(rows), ignored)


def _skip_separator_line(text: str) -> tuple[int, str]:
    """Excel's own first line `sep=;` is no header."""
    match = re.match(r"\s*\"?sep=.\"?[ \t]*(?:\r\n|\n|\r)", text, re.IGNORECASE)
    return (1, text[match.end() :]) if match else (0, text)


def _delimiter(text: str) -> str:
    first = next((line for line in re.split(r"\r\n|\n|\r", text) if line.strip(' \t,;|"')), "")

    def known(delimiter: str) -> int:
        cells = next(csv.reader([first], delimiter=delimiter), [])
        return len({name for cell in cells if (name := _column_of(cell))})

    return max(_DELIMITERS, key=lambda delimiter: (known(delimiter), first.count(delimiter)))


def _records(text: str, delimiter: str, skipped: int) -> list[tuple[int, list[str]]]:
    """The records that are not blank, each with the line it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    records: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                records.append((line + skipped, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise SheetError(f"Line {line + skipped} cannot be read as CSV: {error}.") from None
    return records


def _understand_header(header: Sequence[str]) -> tuple[Form, dict[str, int], tuple[str, ...]]:
    named: dict[str, list[int]] = {}
    for index, cell in enumerate(header):
        if name := _column_of(cell):
            named.setdefault(name, []).append(index)
    plain = "game_id" in named or ("season" in named and "away" not in named and "home" not in named)
    form: Form = "plain" if plain else "league"
    required = _REQUIRED[form]
    wanted = set(required) | _OPTIONAL[form]
    found = ", ".join(_shown(cell) for cell in header if cell.strip()) or "none"
    missing = [label for name, label in required.items() if name not in named]
    if missing:
        columns = "column" if len(missing) == 1 else "columns"
        raise SheetError(
            f"Required {columns} missing: {', '.join(missing)}. Columns found: {found}. "
            f"This was read as {_FORM_NAME[form]}, which needs {', '.join(required.values())}."
        )
    twice = [", ".join(_shown(header[i]) for i in named[name]) for name in named if name in wanted and named[name][1:]]
    if twice:
        raise SheetError(f"Columns that mean the same are there twice: {'; '.join(twice)}. Columns found: {found}.")
    columns_at = {name: places[0] for name, places in named.items() if name in wanted}
    used = set(columns_at.values())
    ignored = tuple(_shown(cell) for i, cell in enumerate(header) if i not in used and cell.strip())
    return form, columns_at, ignored


def _shown(cell: str) -> str:
    text = "".join(c if bad_character(c) is None else "�" for c in cell.strip())
    return text if len(text) <= 40 else text[:40] + "…"


def _row(form: Form, line: int, cells: list[str], columns: dict[str, int], header: Sequence[str]) -> PickRow | RowError:
    value = {name: _cell(cells[at]) if at < len(cells) else "" for name, at in columns.items()}
    game = value.get("game_id", "") or " at ".join(t for t in (value.get("away"), value.get("home")) if t)
    read = {
        name: _shown(text)
        for name, text in (
            ("member", value["member"]),
            ("week", value["week"]),
            ("game", game),
            ("player", value["player"]),
        )
    }

    def bad(reason: str) -> RowError:
        return RowError(line, reason, **read)

    if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
        return bad(f"{len(cells)} cells under {len(header)} columns: a delimiter inside a cell has to be quoted")
    labels = {name: header[at].strip() for name, at in columns.items()}
    for name, text in value.items():
        if "\n" in text or "\r" in text:
            return bad(f"a line break inside {labels[name]}: is a quotation mark opened here and not closed?")
        if code := bad_character(text):
            return bad(f"a character that no name holds ({code}) in {labels[name]}")
        if len(text) > MAX_CELL:
            return bad(f"{labels[name]} is {len(text)} characters long: at most {MAX_CELL}")
    for name in ("member", "player", "away", "home"):
        if name in value and not value[name]:
            return bad(f"{labels[name]} is empty")
    week = parse_week(value["week"])
    if week is None and not (form == "plain" and not value["week"] and value["game_id"]):
        what = "empty" if not value["week"] else f"{read['week']!r}"
        return bad(f"{labels['week']} is {what}: a week is 1 to {LAST_WEEK} or {', '.join(ROUNDS)}")
    try:
        odds = parse_odds(value["odds"])
    except OddsError as error:
        return bad(str(error))
    season: int | None = None
    if form == "plain":
        if not re.fullmatch(r"\d{4}(?:\.0*)?", value["season"]):
            return bad(f"{labels['season']} is {_shown(value['season'])!r}: a season is a year such as 2025")
        season = int(float(value["season"]))
    return PickRow(
        line=line,
        member=value["member"],
        week=week,
        player=value["player"],
        odds=odds,
        season=season,
        game_id=value.get("game_id") or None,
        away=value.get("away") or None,
        home=value.get("home") or None,
        team=value.get("team") or None,
        position=value.get("position") or None,
        gameday=value.get("gameday") or None,
    )


# --- the game ---------------------------------------------------------------------------------------------------------


def teams_named(text: str) -> tuple[str, ...]:
    """The team codes that a typed team, city or nickname can mean; a city with two teams gives both.

    Raises:
        GameNotSettled: it means none.
    """
    try:
        codes = tuple(teams_from_text(text))
    except UnknownTeam as error:
        raise GameNotSettled(str(error)) from None
    if not codes:
        raise GameNotSettled(f"no team is called {_shown(text)!r}")
    return codes


def settle_game(away: str, home: str, week: int, games: Iterable[ScheduledGame]) -> Settled:
    """The game that a week and two typed teams name, among a season's games that are to be played.

    A city with two teams is settled by that week's schedule; home and away swapped are understood and noted.

    Raises:
        GameNotSettled: none or several; the message says what those teams play that week.
    """
    season = [(canonical(game.away), canonical(game.home), game) for game in games]
    that_week = [entry for entry in season if entry[2].week == week]
    visitors, hosts = teams_named(away), teams_named(home)
    straight = [game for a, h, game in that_week if a in visitors and h in hosts]
    swapped = [game for a, h, game in that_week if a in hosts and h in visitors]
    if len(straight) == 1:
        return Settled(straight[0].game_id)
    if not straight and len(swapped) == 1:
        game = swapped[0]
        return Settled(game.game_id, f"home and away swapped: it is {game.away} at {game.home}")
    several = straight or swapped
    if several:
        names = ", ".join(game.game_id for game in several)
        raise GameNotSettled(f"{_shown(away)} at {_shown(home)} in week {week} can be {names}: name the team")
    both = set(visitors) | set(hosts)
    playing = ", ".join(game.game_id for a, h, game in that_week if a in both or h in both) or "no game"
    elsewhere = [
        game.game_id for a, h, game in season if (a in visitors and h in hosts) or (a in hosts and h in visitors)
    ]
    hint = f"; they meet in {', '.join(elsewhere)}" if elsewhere else ""
    raise GameNotSettled(
        f"no game {_shown(away)} at {_shown(home)} in week {week}: these teams have {playing} that week{hint}"
    )
