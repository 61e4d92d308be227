"""The old application's facts that are plainly wrong, mended inside the upgrade's transaction, one named step each.

Week numbers come first, before the record of picks and grades begins (v0021); the rest is signed by the upgrade and
recorded (v0022). What needs rosters (names, teams, positions, statistics) is only named here: the next nightly run
settles it. Nothing is thrown away: a row that goes stands whole in `quarantine`, with the row it was merged into.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any, Final

from sqlalchemy import Connection, bindparam, text

from firsttd_pipeline.domain.odds import settled
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.teams import UnknownTeam, canonical
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import StorageError, table_names
from firsttd_pipeline.storage.schema import UtcDateTime

SEASONS: Final = range(1920, 2101)
WEEKS: Final = range(1, 23)
UNKNOWN_TEAM: Final = "unknown"
MERGED: Final = "merged into"
"""How the resolution of a quarantined row begins whose facts live on in another row."""
STATISTICS_WAIT: Final = "version 8 knows players by name only"
NO_SUCH_GAME: Final = "its game_id names no game"
"""How the reasons begin under which v0019 and v0012 set rows aside."""
_SHORT_FORM = re.compile(r"[A-Z][A-Za-z]{0,2}\.\s?[A-Z][^.].*")
_FORMS = ("HOT", "AVERAGE", "COLD")
_OF_A_PICK = ("results", "pick_status", "pick_market_odds", "pick_resolutions")


class NotMendable(StorageError):
    """A row that the upgrade can neither read nor leave as it is; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What one step did.

    Attributes:
        step: its name, e.g. `week numbers`.
        table: the table concerned.
        what: one sentence for people.
        keys: the rows concerned, as text.
        outcome: corrected, merged, quarantined, flagged or pending.
    """

    step: str
    table: str
    what: str
    keys: tuple[str, ...]
    outcome: str


def mend(
    conn: Connection,
    *,
    default_stake: float,
    merged_weeks: Collection[int] = (),
    from_old_app: bool = False,
    now: datetime | None = None,
) -> list[Mended]:
    """Run every step after the week numbers, in order; foreign keys are off here, and the triggers are installed.

    Args:
        conn: in the upgrade's transaction.
        default_stake: units on a pick of a member without a base bet.
        merged_weeks: ids of the weeks that another row of the same week was merged into.
        from_old_app: the file was the old application's until now: say what its migrations set aside and flagged.
        now: the clock of what is recorded; None: the database's.
    """
    with signed(conn, "upgrade", why="mended what the old application had stored wrongly", at=now):
        found = second_spellings(conn, merged_weeks, now=now)
        found += missing_games(conn)
        found += wrong_teams(conn)
        if from_old_app:
            found += game_stubs(conn) + unreadable_games(conn)
            found += placeholder_odds(conn)
        found += money(conn, default_stake)
        if from_old_app:
            found += statistics(conn)
    return found


# --- week numbers ----------------------------------------------------------------------------------------------------


def week_numbers(
    conn: Connection, *, source_weeks: Collection[int] | None = None, now: datetime | None = None
) -> tuple[list[Mended], list[int]]:
    """Weeks whose season or number is no whole number: bytes of one are read; the picks go to the week's proper row.

    Args:
        conn: in the upgrade's transaction, before the triggers are installed.
        source_weeks: ids that were there before the upgrade; a proper row that the upgrade itself has added gives way.
        now: the clock of what is set aside.

    Returns:
        What was done, and the ids of the weeks that another row was merged into.

    Raises:
        NotMendable: a number cannot be read.
    """
    if conn.dialect.name != "sqlite":  # columns have types there
        return [], []
    bad = _rows(conn, "SELECT * FROM weeks WHERE typeof(season) <> 'integer' OR typeof(week) <> 'integer' ORDER BY id")
    found: list[Mended] = []
    merged: list[int] = []
    for row in bad:
        season, number = _whole(row["season"], SEASONS), _whole(row["week"], WEEKS)
        if season is None or number is None:
            column, value = ("season", row["season"]) if season is None else ("week", row["week"])
            raise NotMendable(
                f"The row {row['id']} of weeks holds {_shown(value)} as its {column}, which cannot be read as one: "
                f"nothing was changed. Give that row its {column} as a number (with the old application, or sqlite3), "
                "then upgrade again."
            )
        proper = _proper_week(conn, season, number, row["id"])
        told = f"week {number} of {season} had its number stored as {_shown(row['week'])} (row {row['id']})"
        if proper is not None and source_weeks is not None and proper not in source_weeks:
            conn.execute(text("DELETE FROM weeks WHERE id = :id"), {"id": proper})
            proper = None
        if proper is None:
            conn.execute(
                text("UPDATE weeks SET season = :s, week = :w WHERE id = :id"),
                {"s": season, "w": number, "id": row["id"]},
            )
            found.append(Mended("week numbers", "weeks", f"{told}: it is a number now", (str(row["id"]),), "corrected"))
            continue
        found += _merge_week(conn, row, proper, told, now)
        merged.append(proper)
    return found, merged


def _proper_week(conn: Connection, season: int, number: int, other_than: int) -> int | None:
    found: int | None = conn.execute(
        text(
            "SELECT id FROM weeks WHERE season = :s AND week = :w AND id <> :id "
            "AND typeof(season) = 'integer' AND typeof(week) = 'integer'"
        ),
        {"s": season, "w": number, "id": other_than},
    ).scalar()
    return found


def _merge_week(
    conn: Connection, week: Mapping[str, Any], proper: int, told: str, now: datetime | None
) -> list[Mended]:
    # One pick per member, week and spelling (and player): equal ones become one before they share a week.
    theirs = _rows(conn, "SELECT * FROM picks WHERE week_id = :w ORDER BY id", w=week["id"])
    there = _rows(conn, "SELECT * FROM picks WHERE week_id = :w ORDER BY id", w=proper)
    found = []
    for pick in theirs:
        for other in there:
            same = other["player_name"] == pick["player_name"] or (
                pick["player_id"] is not None and other["player_id"] == pick["player_id"]
            )
            if other["user_id"] == pick["user_id"] and same:
                kept, gone = sorted((pick, other), key=_worth)
                found.append(_merge_pick(conn, kept, gone, "the same pick twice", now))
                break
    conn.execute(text("UPDATE picks SET week_id = :p WHERE week_id = :w"), {"p": proper, "w": week["id"]})
    for column in ("started_at", "ended_at"):
        conn.execute(
            text(f"UPDATE weeks SET {column} = :v WHERE id = :p AND {column} IS NULL"),  # noqa: S608
            {"v": week[column], "p": proper},
        )
    moved = len(theirs)
    reason = f"{told}: {MERGED} the week's proper row {proper}"
    _set_aside(conn, "weeks", week, reason, f"{MERGED} weeks {proper}", now)
    conn.execute(text("DELETE FROM weeks WHERE id = :id"), {"id": week["id"]})
    picks = f", {moved} {'pick' if moved == 1 else 'picks'} moved there" if moved else ""
    return [Mended("week numbers", "weeks", reason + picks, (str(week["id"]),), "merged"), *found]


def _whole(value: object, allowed: range) -> int | None:
    """The number that a value means: an integer, its little-endian bytes (as numpy writes them), or its digits."""
    if isinstance(value, int):
        return value
    if not isinstance(value, bytes):
        return None
    readings = [int.from_bytes(value, "little")] if len(value) in (1, 2, 4, 8) else []
    readings += [int(value)] if value.isdigit() else []
    return next((number for number in readings if number in allowed), None)


def _shown(value: object) -> str:
    return f"the BLOB {value.hex()}" if isinstance(value, bytes) else repr(value)


# --- numbers ---------------------------------------------------------------------------------------------------------

_NUMBERS: Final = {"picks": ("odds", "theoretical_return"), "results": ("actual_return",)}
_TRUTHS: Final = {"results": ("is_correct", "any_time_td")}
_TRUE_WORDS: Final = {"true": 1, "yes": 1, "false": 0, "no": 0}


def numbers(conn: Connection, *, now: datetime | None = None) -> list[Mended]:
    """Odds, money and grades that are no numbers: bytes of one are read, empty text is empty, the rest is set aside.

    Raises:
        NotMendable: a grade cannot be read: what it was is for a person to say.
    """
    if conn.dialect.name != "sqlite":  # columns have types there
        return []
    found: list[Mended] = []
    for table, columns in _NUMBERS.items():
        for column in columns:
            found += _read_numbers(conn, table, column, now)
    for table, columns in _TRUTHS.items():
        for column in columns:
            found += _read_truths(conn, table, column)
    return found


def _no_numbers(conn: Connection, table: str, column: str) -> list[dict[str, Any]]:
    return _rows(conn, f"SELECT * FROM {table} WHERE typeof({column}) IN ('text', 'blob') ORDER BY id")  # noqa: S608


def _set(conn: Connection, table: str, column: str, row: Mapping[str, Any], value: object) -> None:
    statement = text(f"UPDATE {table} SET {column} = :v WHERE id = :id")  # noqa: S608
    conn.execute(statement, {"v": value, "id": row["id"]})


def _read_numbers(conn: Connection, table: str, column: str, now: datetime | None) -> list[Mended]:
    read, empty, unreadable = [], [], []
    for row in _no_numbers(conn, table, column):
        value = row[column]
        number = _signed(value) if isinstance(value, bytes) else None
        _set(conn, table, column, row, number)
        if number is not None:
            read.append(row["id"])
            if column == "odds" and number == -110:
                _set(conn, table, "odds_placeholder", row, True)
        elif isinstance(value, str) and not value.strip():
            empty.append(row["id"])
        else:
            unreadable.append(row["id"])
            _set_aside(conn, table, row, f"its {column} is no number: {_shown(value)}", f"kept without {column}", now)
    step = "numbers"
    return [
        *_line(step, table, read, f"{{n}} whose {column} was stored as bytes: it is a number now", "corrected"),
        *_line(step, table, empty, f"{{n}} whose {column} was an empty text: it is empty now", "corrected"),
        *_line(
            step,
            table,
            unreadable,
            f"{{n}} whose {column} is no number: kept without it, whole in quarantine",
            "flagged",
        ),
    ]


def _read_truths(conn: Connection, table: str, column: str) -> list[Mended]:
    read = []
    for row in _no_numbers(conn, table, column):
        value = row[column]
        number = _signed(value) if isinstance(value, bytes) else _TRUE_WORDS.get(value.strip().casefold())
        if number not in (0, 1) and value != "":
            raise NotMendable(
                f"The row {row['id']} of {table} holds {_shown(value)} as its {column}, which says neither yes nor no: "
                "nothing was changed. Grade that pick in the old application, then upgrade again."
            )
        _set(conn, table, column, row, number)
        read.append(row["id"])
    return _line("numbers", table, read, f"{{n}} whose {column} was no number: it is one now", "corrected")


def _signed(value: bytes) -> int | None:
    """A whole number's little-endian bytes, as numpy writes them, where it can be odds, money or a truth."""
    number = int.from_bytes(value, "little", signed=True) if len(value) in (1, 2, 4, 8) else None
    return number if number is not None and abs(number) <= 1_000_000 else None


# --- second spellings ------------------------------------------------------------------------------------------------


def second_spellings(conn: Connection, weeks: Collection[int], *, now: datetime | None = None) -> list[Mended]:
    """In weeks that were merged: a pick without game and odds that is another pick of that member, spelt otherwise.

    Without rosters, "otherwise" means that each word of one name begins a word of the other ("TJ Hock" is
    "T.J. Hockenson"). Anything less certain is left to the nightly run, which knows the players.
    """
    found = []
    for week in sorted(weeks):
        picks = _rows(
            conn,
            "SELECT p.*, g.home_team, g.away_team FROM picks p LEFT JOIN games g ON g.id = p.game_id "
            "WHERE p.week_id = :w AND p.kind = 'player' ORDER BY p.id",
            w=week,
        )
        pairs = [
            pair for pair in combinations(picks, 2) if pair[0]["user_id"] == pair[1]["user_id"] and _one_pick(*pair)
        ]
        often = Counter(pick["id"] for pair in pairs for pick in pair)
        for pair in pairs:
            if all(often[pick["id"]] == 1 for pick in pair):
                kept, gone = sorted(pair, key=_worth)
                found.append(_merge_pick(conn, kept, gone, "a second spelling", now))
    return found


def _one_pick(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if not any(pick["game_id"] is None and pick["odds"] is None for pick in (one, other)):
        return False
    if not all(isinstance(pick["player_name"], str) for pick in (one, other)):
        return False
    known = {pick["player_id"] for pick in (one, other)} - {None}
    if len(known) > 1 or not _teams_fit(one, other):
        return False
    return abbreviates(one["player_name"], other["player_name"]) or abbreviates(
        other["player_name"], one["player_name"]
    )


def abbreviates(short: str, long: str) -> bool:
    """Whether each word of one name begins the same word of the other; a single letter stands for nobody."""
    words, full = normalise(short).split(), normalise(long).split()
    return (
        (
            len(words) == len(full)
            and all(whole.startswith(word) for word, whole in zip(words, full, strict=True))
            and len(words[-1]) >= 3
            and all(len(word) >= 2 for word in words)
        )
        if words
        else False
    )


def _teams_fit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    teams = {team for pick in (one, other) if (team := _team(pick["team"])) is not None}
    of_game = {team for pick in (one, other) for column in ("home_team", "away_team") if (team := _team(pick[column]))}
    return teams <= of_game if of_game else len(teams) <= 1


def _team(code: object) -> str | None:
    """The team of today's code; None where it is unknown or no team."""
    try:
        return canonical(code) if isinstance(code, str) and code.strip().casefold() != UNKNOWN_TEAM else None
    except UnknownTeam:
        return None


def _worth(pick: Mapping[str, Any]) -> tuple[bool, bool, int]:
    return pick["game_id"] is None, pick["odds"] is None, pick["id"]


def _merge_pick(
    conn: Connection, kept: Mapping[str, Any], gone: Mapping[str, Any], why: str, now: datetime | None
) -> Mended:
    """Keep one of two picks that are one; the other, with its result, goes whole into quarantine."""
    into = f"pick {kept['id']} ({kept['player_name']!r})"
    filled = _fill(conn, kept, gone)
    tables = table_names(conn)
    grades = {
        row["pick_id"]: row
        for row in _rows(
            conn, "SELECT * FROM results WHERE pick_id IN (:k, :g) ORDER BY id", k=kept["id"], g=gone["id"]
        )
    }
    said = ""
    if gone["id"] in grades and kept["id"] not in grades:
        conn.execute(text("UPDATE results SET pick_id = :k WHERE pick_id = :g"), {"k": kept["id"], "g": gone["id"]})
        said = "; its result moved there"
    elif gone["id"] in grades:
        mine, theirs = _grade(grades[kept["id"]]), _grade(grades[gone["id"]])
        said = "; its result went with it" + (
            f" (it said {theirs}, the kept one says {mine})" if mine != theirs else ""
        )
    reason = f"{why} of {into}, same member and week"
    for table in _OF_A_PICK:
        if table not in tables:
            continue
        for row in _rows(conn, f"SELECT * FROM {table} WHERE pick_id = :g", g=gone["id"]):  # noqa: S608
            _set_aside(conn, table, row, f"of pick {gone['id']}, {reason}", f"{MERGED} picks {kept['id']}", now)
        conn.execute(text(f"DELETE FROM {table} WHERE pick_id = :g"), {"g": gone["id"]})  # noqa: S608
    whole = _rows(conn, "SELECT * FROM picks WHERE id = :g", g=gone["id"])[0]
    _set_aside(conn, "picks", whole, reason, f"{MERGED} picks {kept['id']}", now)
    conn.execute(text("DELETE FROM picks WHERE id = :g"), {"g": gone["id"]})
    return Mended(
        "second spellings",
        "picks",
        f"pick {gone['id']} ({gone['player_name']!r}) is {why} of {into}: merged{filled}{said}",
        (str(gone["id"]),),
        "merged",
    )


def _fill(conn: Connection, kept: Mapping[str, Any], gone: Mapping[str, Any]) -> str:
    """Give the kept pick what only the other one knew."""
    new: dict[str, Any] = {}
    if _team(kept["team"]) is None and _team(gone["team"]) is not None:
        new["team"] = gone["team"]
    for column, *along in (("game_id",), ("odds", "theoretical_return", "odds_placeholder")):
        if kept[column] is None and gone[column] is not None:
            new |= {name: gone[name] for name in (column, *along)}
    for column, value in new.items():
        conn.execute(text(f"UPDATE picks SET {column} = :v WHERE id = :k"), {"v": value, "k": kept["id"]})  # noqa: S608
    told = [f"{name} {new[name]}" for name in ("team", "game_id", "odds") if name in new]
    return f" ({', '.join(told)} taken over)" if told else ""


def _grade(result: Mapping[str, Any]) -> str:
    return _status(result["is_correct"]) + (", any-time touchdown" if result["any_time_td"] else ", no touchdown")


# --- games and teams -------------------------------------------------------------------------------------------------


def missing_games(conn: Connection) -> list[Mended]:
    """Picks without a game: set where their team has exactly one game in their week, else for the nightly run."""
    games: dict[tuple[int, int, str | None], list[str]] = {}
    for game in _rows(conn, "SELECT id, season, week, home_team, away_team FROM games WHERE deleted_at IS NULL"):
        for side in ("home_team", "away_team"):
            games.setdefault((game["season"], game["week"], _team(game[side])), []).append(game["id"])
    picks = _rows(
        conn,
        "SELECT p.id, p.team, w.season, w.week FROM picks p JOIN weeks w ON w.id = p.week_id "
        "WHERE p.game_id IS NULL AND p.kind <> 'no_td' ORDER BY p.id",
    )
    given, waiting = [], []
    for pick in picks:
        team = _team(pick["team"])
        fits = games.get((pick["season"], pick["week"], team), []) if team else []
        if len(fits) == 1:
            conn.execute(text("UPDATE picks SET game_id = :g WHERE id = :id"), {"g": fits[0], "id": pick["id"]})
            given.append(pick["id"])
        else:
            waiting.append(pick["id"])
    return [
        *_line(
            "missing games",
            "picks",
            given,
            "{n} without a game: now on the only game of their team in that week",
            "corrected",
        ),
        *_line(
            "missing games", "picks", waiting, "{n} without a game still: the next nightly run looks again", "pending"
        ),
    ]


def wrong_teams(conn: Connection) -> list[Mended]:
    """Picks whose team is unknown, or does not play in their game: the nightly run gives them their player's."""
    picks = _rows(
        conn,
        "SELECT p.id, p.team, g.home_team, g.away_team FROM picks p LEFT JOIN games g ON g.id = p.game_id "
        "ORDER BY p.id",
    )
    unknown = [pick["id"] for pick in picks if _team(pick["team"]) is None]
    elsewhere = [
        pick["id"]
        for pick in picks
        if pick["id"] not in unknown
        and pick["home_team"] is not None
        and _team(pick["team"]) not in {_team(pick["home_team"]), _team(pick["away_team"])}
    ]
    later = "which the next nightly run sets together with the player"
    return [
        *_line("teams", "picks", unknown, f"{{n}} with an unknown team, {later}", "pending"),
        *_line("teams", "picks", elsewhere, f"{{n}} with a team that does not play in their game, {later}", "pending"),
    ]


def game_stubs(conn: Connection) -> list[Mended]:
    """Games that only picks (or prices) know: v0012 made them from their ids."""
    rows = _rows(conn, "SELECT id FROM games WHERE source = 'legacy' ORDER BY id")
    what = "{n} known by the id in picks only: season, week and teams are from it, the next nightly run adds the rest"
    return _line("game stubs", "games", [row["id"] for row in rows], what, "pending")


def unreadable_games(conn: Connection) -> list[Mended]:
    """Picks whose game id reads as no game: v0012 kept them without one and set the id aside."""
    rows = _rows(
        conn,
        "SELECT key, payload FROM quarantine WHERE table_name = 'picks' AND reason LIKE :r ORDER BY id",
        r=NO_SUCH_GAME + "%",
    )
    keys = [row["key"] for row in rows]
    shown = ", ".join(repr(json.loads(row["payload"])["game_id"]) for row in rows[:5])
    return _line(
        "unreadable games",
        "picks",
        keys,
        f"{{n}} with a game that cannot be read ({shown}): kept without it, what stood there is in quarantine",
        "flagged",
    )


# --- money -----------------------------------------------------------------------------------------------------------


def placeholder_odds(conn: Connection) -> list[Mended]:
    """Odds of -110 that stand for "nobody gave any": v0011 kept and flagged them."""
    rows = _rows(conn, "SELECT id FROM picks WHERE odds_placeholder ORDER BY id")
    return _line(
        "placeholder odds",
        "picks",
        [row["id"] for row in rows],
        "{n} with odds of -110 in place of unknown ones: kept and flagged, their points count, their money is unknown",
        "flagged",
    )


def money(conn: Connection, default_stake: float) -> list[Mended]:
    """The profit of grades by the old application: a loss costs the stake, unknown odds give an unknown profit."""
    rows = _rows(
        conn,
        "SELECT r.id, r.is_correct, r.actual_return, p.odds, p.odds_placeholder, u.base_bet "
        "FROM results r JOIN picks p ON p.id = r.pick_id JOIN users u ON u.id = p.user_id "
        "WHERE r.graded_by = 'external' ORDER BY r.id",
    )
    done: dict[str, list[int]] = {}
    for row in rows:
        own = row["base_bet"]
        right = _profit(row, float(own) if own is not None and own > 0 else default_stake)
        stored = row["actual_return"]
        if stored is None and right is None:
            continue
        if stored is not None and right is not None and abs(float(stored) - right) < 1e-9:
            continue
        conn.execute(text("UPDATE results SET actual_return = :v WHERE id = :id"), {"v": right, "id": row["id"]})
        kind = "unknown" if right is None else _status(row["is_correct"])
        done.setdefault(kind, []).append(row["id"])
    told = {
        "lost": "{n} of lost picks: the profit is minus the stake now (it was stored as if nothing was lost)",
        "won": "{n} of won picks: the profit is what stake and odds give",
        "void": "{n} of void picks: the profit is 0",
        "unknown": "{n} of picks with unknown odds: the profit is empty now, for nobody knows it",
    }
    return [
        line for kind, what in told.items() for line in _line("money", "results", done.get(kind, []), what, "corrected")
    ]


def _profit(row: Mapping[str, Any], stake: float) -> float | None:
    if row["is_correct"] is None:
        return 0.0
    if row["odds"] is None or row["odds_placeholder"]:
        return None
    try:
        return settled(float(row["odds"]), stake, bool(row["is_correct"]))
    except ValueError:  # no American odds
        return None


# --- statistics ------------------------------------------------------------------------------------------------------


def statistics(conn: Connection) -> list[Mended]:
    """The statistics by name that v0019 set aside: what is in them. Rosters are needed to place them."""
    rows = _rows(
        conn,
        "SELECT key, payload FROM quarantine WHERE table_name = 'player_stats' AND reason LIKE :r "
        "AND resolved_at IS NULL ORDER BY id",
        r=STATISTICS_WAIT + "%",
    )
    kept = [json.loads(row["payload"]) for row in rows]
    short = sum(_SHORT_FORM.fullmatch(row["player_name"]) is not None for row in kept)
    unknown = sum(str(row["position"]).casefold() == "unknown" for row in kept)
    none = sum(row["position"] is None for row in kept)
    illegal = Counter(row["recent_form"] for row in kept if row["recent_form"] not in (None, *_FORMS))
    forms = ", ".join(f"{form!r} {count} times" for form, count in illegal.most_common(3))
    what = (
        f"{{n}} know their player by name only ({len(kept) - short} as people typed it, {short} like F.Last): whole in "
        f"quarantine until the next nightly run gives them to players, or says why not. Position: {unknown} unknown, "
        f"{none} none, the others guessed by play type" + (f"; recent_form that is none: {forms}" if forms else "")
    )
    return _line("statistics", "player_stats", [row["key"] for row in rows], what, "quarantined")


# --- helpers ---------------------------------------------------------------------------------------------------------


def _line(step: str, table: str, keys: Sequence[object], what: str, outcome: str) -> list[Mended]:
    """One line of the report (`{n}` in it: how many rows of what), none where the step found nothing."""
    if not keys:
        return []
    return [Mended(step, table, what.format(n=_many(len(keys), table)), tuple(str(key) for key in keys), outcome)]


def _status(is_correct: object) -> str:
    return "void" if is_correct is None else "won" if is_correct else "lost"


_ONE: Final = {"picks": "pick", "results": "result", "player_stats": "statistics row", "games": "game"}


def _many(count: int, table: str) -> str:
    return f"{count} {_ONE[table]}{'' if count == 1 else 's'}"


def _rows(conn: Connection, sql: str, **params: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in conn.execute(text(sql), params).mappings()]


def _set_aside(
    conn: Connection, table: str, row: Mapping[str, Any], reason: str, resolution: str, now: datetime | None
) -> None:
    """Keep a row whole that goes because its facts live on in another: nothing is left to do about it."""
    season = row.get("season")
    key = row["id"] if "id" in row else row["pick_id"]
    stamp = ":now" if now is not None else "CURRENT_TIMESTAMP"
    statement = text(
        "INSERT INTO quarantine "  # noqa: S608
        "(table_name, season, key, reason, payload, source, created_at, resolved_at, resolution) "
        f"VALUES (:t, :s, :k, :r, :p, 'upgrade', {stamp}, {stamp}, :o)"
    )
    if now is not None:
        statement = statement.bindparams(bindparam("now", now, type_=UtcDateTime))
    conn.execute(
        statement,
        {
            "t": table,
            "s": season if isinstance(season, int) else None,
            "k": str(key),
            "r": reason,
            "p": json.dumps(dict(row), default=_as_text, ensure_ascii=False),
            "o": resolution,
        },
    )


def _as_text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
