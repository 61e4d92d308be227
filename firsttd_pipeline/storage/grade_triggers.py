"""Triggers that keep the record of picks and grades whoever writes them, and each player's first touchdowns counted.

One text serves SQLite and PostgreSQL; what differs is in `_Words`. A trigger never refuses a change of a pick or of a
grade: it takes down what happened (`result_events`, `pick_events`), queues it for the standings and counts again. Only
the record itself refuses: it is append-only. A change of a statement needs a migration that calls `install` again.
"""

# ruff: noqa: S608 - the statements are put together from this module's own words alone
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
from sqlalchemy import Connection, text

from firsttd_pipeline.storage.engine import read_frame

PREFIX = "gr_"
RECORDS = ("result_events", "pick_events")

_GRADE = ("is_correct", "any_time_td", "actual_scorer", "actual_scorer_id", "actual_return")
_TYPED = ("player_name", "team", "game_id", "week_id", "user_id")
"""Columns of a pick that say who is meant: where another program changes one, its player has to be found again."""
_RECORDED = ("user_id", "week_id", "game_id", "kind", "player_id", "player_name", "odds")
_STANDING = ("status", "reason", "points", "stake", "rule_pack")
_NUMBERS = ("odds", "points", "stake")

_AUTHOR = "(SELECT who, why, run_id, at FROM authorship LIMIT 1)"
_UNSIGNED = "NOT EXISTS (SELECT 1 FROM authorship)"
_AT = "coalesce((SELECT at FROM authorship LIMIT 1), CURRENT_TIMESTAMP)"


# --- reads and writes -------------------------------------------------------------------------------------------------


def statements(dialect: str) -> dict[str, str]:
    """Name and CREATE statement of every trigger; on PostgreSQL the statement of its function comes first."""
    return {t.name: ";\n".join(t.statements(dialect)) for t in _triggers(dialect)}


def install(conn: Connection) -> None:
    """Replace our triggers by those of `statements`. Triggers of others (not named `gr_`) stay."""
    uninstall(conn)
    for trigger in _triggers(conn.dialect.name):
        for statement in trigger.statements(conn.dialect.name):
            conn.exec_driver_sql(statement)


def uninstall(conn: Connection) -> None:
    """Take our triggers out: for a writer who brings a whole record along, and calls `install` afterwards."""
    if conn.dialect.name == "sqlite":
        for name in installed(conn):
            conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
    else:
        names = conn.execute(
            text(
                "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prokind = 'f' "
                "AND starts_with(proname, :prefix)"
            ),
            {"prefix": PREFIX},
        )
        for name in names.scalars().all():
            conn.exec_driver_sql(f'DROP FUNCTION "{name}"() CASCADE')


def installed(conn: Connection) -> dict[str, str]:
    """Name and text of our triggers that are in the database: compare with `expected`."""
    if conn.dialect.name == "sqlite":
        rows = conn.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 3) = :prefix"),
            {"prefix": PREFIX},
        )
        return {row.name: row.sql for row in rows}
    rows = conn.execute(
        text(
            """
            SELECT t.tgname AS name, c.relname AS table_name, t.tgtype::int AS kind, t.tgenabled::text AS enabled,
                p.prosrc AS body
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
            WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
                AND starts_with(t.tgname, :prefix)
            """
        ),
        {"prefix": PREFIX},
    )
    found = {}
    for row in rows:
        timing = "BEFORE" if row.kind & 2 else "AFTER"
        event = next(name for bit, name in _PG_EVENTS.items() if row.kind & bit)
        off = "" if row.enabled == "O" else " (not enabled)"
        found[row.name] = _described(timing, event, row.table_name, bool(row.kind & 1), row.body) + off
    return found


def expected(dialect: str) -> dict[str, str]:
    """What `installed` says where all is as it should be."""
    if dialect == "sqlite":
        return statements(dialect)
    return {t.name: _described(t.timing, t.event, t.table, t.per_row, t.body()) for t in _triggers(dialect)}


def counts_disagree(conn: Connection, season: int) -> pl.DataFrame:
    """Players whose stored first_td_count is not what the database counts: player_id, player_name, stored, counted."""
    return read_frame(conn, disagreements(conn.dialect.name), {"season": season})


def disagreements(dialect: str) -> str:
    """The select of `counts_disagree`; its parameter is the season."""
    counted = _count(_words(dialect))
    return f"""
        SELECT player_id, player_name, first_td_count AS stored, counted FROM (
            SELECT player_id, player_name, first_td_count, {counted} AS counted
            FROM player_stats WHERE season = :season
        ) x WHERE counted <> coalesce(first_td_count, -1) ORDER BY player_id
    """


def hold_counts(conn: Connection, season: int) -> None:
    """Keep the season's counts from being changed by others until the transaction ends, before they are counted anew.

    SQLite has one writer at a time; on PostgreSQL a result that is written meanwhile waits here, and counts afterwards.
    """
    if conn.dialect.name != "sqlite":
        conn.execute(
            text("SELECT 1 FROM player_stats WHERE season = :season ORDER BY player_id FOR UPDATE"), {"season": season}
        )


# --- the two dialects -------------------------------------------------------------------------------------------------

_PG_EVENTS = {4: "INSERT", 8: "DELETE", 16: "UPDATE", 32: "TRUNCATE"}


@dataclass(frozen=True)
class _Words:
    dialect: str

    @property
    def sqlite(self) -> bool:
        return self.dialect == "sqlite"

    def differs(self, one: str, other: str) -> str:
        return f"{one} IS NOT {other}" if self.sqlite else f"{one} IS DISTINCT FROM {other}"

    def same(self, one: str, other: str) -> str:
        return f"{one} IS {other}" if self.sqlite else f"{one} IS NOT DISTINCT FROM {other}"

    def flag(self, value: str) -> str:
        """A boolean as it is read: SQLite keeps text and BLOBs in such a column, which say nothing."""
        return f"CASE WHEN typeof({value}) = 'integer' THEN {value} <> 0 END" if self.sqlite else value

    def number(self, value: str) -> str:
        """A number as it is read: SQLite keeps text and BLOBs in such a column too."""
        return f"CASE WHEN typeof({value}) IN ('integer', 'real') THEN {value} END" if self.sqlite else value

    def true(self, value: str) -> str:
        return f"{value} = 1" if self.sqlite else value

    def won(self, value: str) -> str:
        return f"(typeof({value}) = 'integer' AND {value} <> 0)" if self.sqlite else value

    def any_differs(self, columns: Sequence[str]) -> str:
        return "(" + " OR ".join(self.differs(f"OLD.{c}", f"NEW.{c}") for c in columns) + ")"


def _words(dialect: str) -> _Words:
    return _Words(dialect)


@dataclass(frozen=True)
class _Trigger:
    """One trigger; `does` are its statements, run where `when` holds."""

    name: str
    timing: Literal["BEFORE", "AFTER"]
    event: Literal["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
    table: str
    does: tuple[str, ...]
    when: str | None = None

    @property
    def per_row(self) -> bool:
        return self.event != "TRUNCATE"

    def statements(self, dialect: str) -> tuple[str, ...]:
        if dialect == "sqlite":
            when = f"\nWHEN {_flat(self.when)}" if self.when else ""
            body = "".join(f"  {_flat(s)};\n" for s in self.does)
            return (
                f"CREATE TRIGGER {self.name} {self.timing} {self.event} ON {self.table} FOR EACH ROW{when}\n"
                f"BEGIN\n{body}END",
            )
        level = "ROW" if self.per_row else "STATEMENT"
        return (
            f"CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $gr${self.body()}$gr$",
            f"CREATE TRIGGER {self.name} {self.timing} {self.event} ON {self.table} FOR EACH {level} "
            f"EXECUTE FUNCTION {self.name}()",
        )

    def body(self) -> str:
        """The text of its function on PostgreSQL."""
        run = "".join(f"    {_flat(s)};\n" for s in self.does)
        if self.when:
            run = f"  IF {_flat(self.when)} THEN\n{run}  END IF;\n"
        back = "NULL" if self.timing == "AFTER" or not self.per_row else "OLD" if self.event == "DELETE" else "NEW"
        return f"\nBEGIN\n{run}  RETURN {back};\nEND\n"


def _flat(sql: str) -> str:
    return " ".join(sql.split())


def _described(timing: str, event: str, table: str, per_row: bool, body: str) -> str:
    level = "row" if per_row else "statement"
    return f"{timing} {event} ON {table} for each {level}: {_flat(body)}"


# --- what is written --------------------------------------------------------------------------------------------------


def _count(w: _Words) -> str:
    """First touchdowns of the player of a `player_stats` row: games, each once (as `domain/standings.py` counts)."""
    # CROSS JOIN fixes the order of the loops on SQLite: from the player or the season, by index, never a whole table.
    return f"""(SELECT count(*) FROM (
        SELECT t.game_id FROM games g CROSS JOIN touchdowns t
        WHERE g.season = player_stats.season AND g.deleted_at IS NULL AND t.game_id = g.id
            AND {w.true("t.is_first_td")} AND t.player_id = player_stats.player_id
        UNION
        SELECT p.game_id FROM picks p CROSS JOIN weeks w CROSS JOIN results r
        WHERE p.player_id = player_stats.player_id AND p.game_id IS NOT NULL
            AND w.id = p.week_id AND w.season = player_stats.season
            AND r.pick_id = p.id AND {w.won("r.is_correct")}
            AND NOT EXISTS (SELECT 1 FROM game_records k
                WHERE k.game_id = p.game_id AND k.season = player_stats.season)
    ) counted_games)"""


def _recount(w: _Words, player: str, season: str, condition: str = "") -> tuple[str, ...]:
    """Count a player's season again."""
    of = f"season = {season} AND player_id = {player}{condition}"
    count = _count(w)
    update = f"""
        UPDATE player_stats SET first_td_count = {count}, updated_at = {_AT}
        WHERE {of} AND {w.differs("first_td_count", count)}
    """
    if w.sqlite:
        return (update,)
    # Who waits for another transaction's count must count after it: the lock first, then a statement of its own.
    return (f"PERFORM 1 FROM player_stats WHERE {of} FOR UPDATE", update)


def _recount_of_pick(w: _Words, pick: str, condition: str = "") -> tuple[str, ...]:
    """Count again for a pick's player; where the pick is gone already, for the one its last event names."""
    of_pick = f"""(SELECT CASE WHEN p.id IS NULL THEN l.{{column}} ELSE {{owner}}.{{column}} END
        FROM (SELECT 1) one LEFT JOIN picks p ON p.id = {pick} LEFT JOIN weeks w ON w.id = p.week_id
        LEFT JOIN result_events l ON l.id = {_last("result_events", pick)})"""
    player = of_pick.format(column="player_id", owner="p")
    season = of_pick.format(column="season", owner="w")
    return _recount(w, player, season, condition)


def _last(events: str, pick: str) -> str:
    # `+ 0`: PostgreSQL would rather read the primary key backwards until it meets the pick.
    return f"(SELECT max(e.id + 0) FROM {events} e WHERE e.pick_id = {pick})"


def _status(w: _Words, value: str) -> str:
    flag = w.flag(value)
    return f"CASE WHEN ({flag}) IS NULL THEN 'void' WHEN ({flag}) THEN 'won' ELSE 'lost' END"


_NOTHING = {
    "graded_by": "NULL",
    "status": "NULL",
    "is_correct": "NULL",
    "any_time_td": "NULL",
    "actual_scorer": "NULL",
    "actual_return": "NULL",
}
_LAST = {name: f"l.new_{name}" for name in _NOTHING} | {
    "graded_by": "CASE WHEN l.new_status IS NOT NULL THEN l.graded_by END"
}
"""The grade that the record has standing, of a pick whose old row is not at hand."""


def _grade(w: _Words, row: str, graded_by: str | None = None) -> dict[str, str]:
    return {
        "graded_by": graded_by or f"{row}.graded_by",
        "status": _status(w, f"{row}.is_correct"),
        "is_correct": w.flag(f"{row}.is_correct"),
        "any_time_td": w.flag(f"{row}.any_time_td"),
        "actual_scorer": f"{row}.actual_scorer",
        "actual_return": w.number(f"{row}.actual_return"),
    }


def _change(w: _Words, old: dict[str, str], new: dict[str, str], more: str = "1 = 0") -> str:
    """The event's name by what differs; null where nothing does."""

    def differ(name: str) -> str:
        return w.differs(f"({old[name]})", f"({new[name]})")

    # An author who stands in the record already is no news: SQLite may run a trigger for its own update.
    return f"""CASE WHEN {differ("is_correct")} OR {differ("any_time_td")} THEN 'flipped'
        WHEN {differ("actual_scorer")} OR {more} THEN 'scorer corrected'
        WHEN {differ("actual_return")} THEN 'money corrected'
        WHEN {differ("graded_by")} AND {w.differs("l.graded_by", f"({new['graded_by']})")} THEN 'author changed' END"""


def _result_event(
    pick: str,
    event: str,
    old: dict[str, str],
    new: dict[str, str],
    *,
    graded_by: str | None = None,
    player: str = "p.player_id",
    old_player: str = "NULL",
    source: str = "(SELECT 1) one",
    where: str = "1 = 1",
) -> str:
    """Add the event that `event` names (an expression; null: none) to the record of grades."""
    mine = {
        name: f"CASE WHEN p.id IS NULL THEN l.{name} ELSE {value} END"
        for name, value in {
            "user_id": "p.user_id",
            "season": "w.season",
            "week": "w.week",
            "game_id": "p.game_id",
            "player_id": player,
            "player_name": "p.player_name",
        }.items()
    }
    values = {
        "happened_at": "coalesce(a.at, CURRENT_TIMESTAMP)",
        "event": event,
        "pick_id": pick,
        **mine,
        "old_player_id": old_player,
        "graded_by": graded_by or new["graded_by"],
        "old_graded_by": old["graded_by"],
        **{
            f"{when}_{name}": side[name]
            for name in _NOTHING
            if name != "graded_by"
            for when, side in (("old", old), ("new", new))
        },
        "was_official": "(s.finality IS NOT NULL AND s.finality = 'official')",
        "run_id": "a.run_id",
        "changed_by": "a.who",
        "why": "a.why",
    }
    return f"""
        INSERT INTO result_events ({", ".join(values)}) SELECT {", ".join(values.values())}
        FROM {source} LEFT JOIN picks p ON p.id = {pick} LEFT JOIN weeks w ON w.id = p.week_id
        LEFT JOIN pick_status s ON s.pick_id = {pick}
        LEFT JOIN result_events l ON l.id = {_last("result_events", pick)}
        LEFT JOIN {_AUTHOR} a ON 1 = 1
        WHERE {where} AND ({event}) IS NOT NULL
    """


def _columns(w: _Words, row: str, names: Iterable[str]) -> dict[str, str]:
    """Columns of a row as they are recorded."""
    return {name: w.number(f"{row}.{name}") if name in _NUMBERS else f"{row}.{name}" for name in names}


def _pick_event(
    event: str, pick: str, values: dict[str, str], *, source: str = "(SELECT 1) one", where: str = "1 = 1"
) -> str:
    columns = {
        "happened_at": "coalesce(a.at, CURRENT_TIMESTAMP)",
        "event": f"'{event}'",
        "pick_id": pick,
        **values,
        "run_id": "a.run_id",
        "changed_by": "a.who",
        "why": "a.why",
    }
    return f"""
        INSERT INTO pick_events ({", ".join(columns)}) SELECT {", ".join(columns.values())}
        FROM {source} LEFT JOIN {_AUTHOR} a ON 1 = 1 WHERE {where}
    """


def _queue(event: str, season: str, pick: str, event_id: str, where: str) -> str:
    return f"""
        INSERT INTO standings_queue (season, pick_id, event, event_id, noted_at)
        SELECT {season}, {pick}, '{event}', {event_id}, {_AT} WHERE {where}
    """


# --- the triggers -----------------------------------------------------------------------------------------------------


def _triggers(dialect: str) -> list[_Trigger]:
    w = _words(dialect)
    return [*_of_results(w), *_of_picks(w), *_of_statuses(w), *_of_records(w)]


def _of_results(w: _Words) -> list[_Trigger]:
    old, new = _grade(w, "OLD"), _grade(w, "NEW")
    # An insert where the record has a grade standing: SQLite's INSERT OR REPLACE, which fires no delete trigger.
    over = f"CASE WHEN l.new_status IS NULL THEN 'graded' ELSE {_change(w, _LAST, new)} END"
    takes_over = f"{_UNSIGNED} AND {w.same('NEW.graded_by', 'OLD.graded_by')}"
    if w.sqlite:  # its triggers change a row after the fact
        new = _grade(w, "NEW", f"CASE WHEN {takes_over} THEN 'external' ELSE NEW.graded_by END")
    renamed = w.differs("OLD.actual_scorer_id", "NEW.actual_scorer_id")
    replaces = (
        "EXISTS (SELECT 1 FROM result_events l "
        f"WHERE l.id = {_last('result_events', 'NEW.pick_id')} AND l.event <> 'graded')"
    )
    flipped = w.differs("OLD.is_correct", "NEW.is_correct")
    moved = w.differs("OLD.pick_id", "NEW.pick_id")
    stays = w.same("OLD.pick_id", "NEW.pick_id")
    triggers = [
        _Trigger(
            "gr_results_insert",
            "AFTER",
            "INSERT",
            "results",
            (
                _result_event("NEW.pick_id", over, _LAST, _grade(w, "NEW")),
                # a lost pick's first grade counts for nobody
                *_recount_of_pick(w, "NEW.pick_id", f" AND ({w.won('NEW.is_correct')} OR {replaces})"),
            ),
        ),
        _Trigger(
            "gr_results_update",
            "AFTER",
            "UPDATE",
            "results",
            (
                _result_event(
                    "NEW.pick_id", _change(w, _grade(w, "OLD"), new, renamed), _grade(w, "OLD"), new, where=stays
                ),
                _result_event("OLD.pick_id", "'ungraded'", old, _NOTHING, graded_by="OLD.graded_by", where=moved),
                _result_event(
                    "NEW.pick_id",
                    f"CASE WHEN l.new_status IS NULL THEN 'graded' ELSE {_change(w, _LAST, new)} END",
                    _LAST,
                    new,
                    where=moved,
                ),
                *_recount_of_pick(w, "NEW.pick_id", f" AND ({flipped} OR {moved})"),
                *_recount_of_pick(w, "OLD.pick_id", f" AND {moved}"),
                *(
                    (
                        f"""UPDATE results SET graded_by = 'external', graded_at = CASE
                            WHEN NEW.graded_at IS OLD.graded_at THEN CURRENT_TIMESTAMP ELSE NEW.graded_at END
                            WHERE id = NEW.id AND {takes_over}""",
                    )
                    if w.sqlite
                    else ()
                ),
            ),
            # only the author: nothing to take over
            when=w.any_differs(("pick_id", *_GRADE, "graded_by")),
        ),
        _Trigger(
            "gr_results_delete",
            "AFTER",
            "DELETE",
            "results",
            (
                _result_event("OLD.pick_id", "'ungraded'", old, _NOTHING, graded_by="OLD.graded_by"),
                *_recount_of_pick(w, "OLD.pick_id", f" AND {w.won('OLD.is_correct')}"),
            ),
        ),
    ]
    if w.sqlite:
        return [*triggers, *_replaced_results(w)]
    sign = _Trigger(
        "gr_results_sign",
        "BEFORE",
        "UPDATE",
        "results",
        (
            "NEW.graded_by := 'external'",
            f"NEW.graded_at := CASE WHEN {w.same('NEW.graded_at', 'OLD.graded_at')} THEN CURRENT_TIMESTAMP "
            "ELSE NEW.graded_at END",
        ),
        when=f"{w.any_differs(('pick_id', *_GRADE))} AND {takes_over}",
    )
    return [sign, *triggers]


def _replaced_results(w: _Words) -> list[_Trigger]:
    """SQLite's OR REPLACE by id removes another pick's row without a trigger: look for grades that lost theirs.

    Only where an id is used that was used before, or changed: ordinary rows have new ones.
    """
    gone = f"""NOT EXISTS (SELECT 1 FROM results r WHERE r.pick_id = l.pick_id) AND l.new_status IS NOT NULL
        AND l.id = {_last("result_events", "l.pick_id")}"""
    values = {
        "happened_at": "coalesce(a.at, CURRENT_TIMESTAMP)",
        "event": "'ungraded'",
        **{
            name: f"l.{name}"
            for name in ("pick_id", "user_id", "season", "week", "game_id", "player_id", "player_name", "graded_by")
        },
        "old_graded_by": "l.graded_by",
        **{f"old_{name}": f"l.new_{name}" for name in _NOTHING if name != "graded_by"},
        "was_official": "coalesce((SELECT s.finality = 'official' FROM pick_status s WHERE s.pick_id = l.pick_id), 0)",
        "run_id": "a.run_id",
        "changed_by": "a.who",
        "why": "a.why",
    }
    # Counted before the events: they are how the lost rows are found.
    count = _count(w)
    recount = f"""
        UPDATE player_stats SET first_td_count = {count}, updated_at = {_AT}
        WHERE id IN (SELECT y.id FROM result_events l CROSS JOIN player_stats y
            WHERE {gone} AND y.season = l.season AND y.player_id = l.player_id)
            AND {w.differs("first_td_count", count)}
    """
    record = f"""
        INSERT INTO result_events ({", ".join(values)}) SELECT {", ".join(values.values())}
        FROM result_events l LEFT JOIN {_AUTHOR} a ON 1 = 1 WHERE {gone}
    """
    used = "NEW.id <= (SELECT seq FROM sqlite_sequence WHERE name = 'results')"
    return [
        _Trigger("gr_results_insert_used", "AFTER", "INSERT", "results", (recount, record), when=used),
        _Trigger(
            "gr_results_update_id", "AFTER", "UPDATE", "results", (recount, record), when=w.differs("NEW.id", "OLD.id")
        ),
    ]


def _of_picks(w: _Words) -> list[_Trigger]:
    retyped = (
        f"({_UNSIGNED} AND {w.any_differs(_TYPED)} "
        f"AND (NEW.player_id IS NULL OR {w.same('NEW.player_id', 'OLD.player_id')}))"
    )
    priced = (
        f"({_UNSIGNED} AND {w.differs('NEW.odds', 'OLD.odds')} "
        f"AND {w.same('NEW.odds_placeholder', 'OLD.odds_placeholder')})"
    )
    player = f"CASE WHEN {retyped} THEN NULL ELSE NEW.player_id END" if w.sqlite else "NEW.player_id"
    kind = f"CASE WHEN {retyped} THEN 'player' ELSE NEW.kind END" if w.sqlite else "NEW.kind"

    def of(row: str, **final: str) -> dict[str, str]:
        week = {name: f"(SELECT w.{name} FROM weeks w WHERE w.id = {row}.week_id)" for name in ("season", "week")}
        columns = _columns(w, row, (name for name in _RECORDED if name != "week_id"))
        return {"user_id": columns.pop("user_id")} | week | columns | final

    after = of("NEW", player_id=player, kind=kind)
    known = " AND ".join(w.same(f"l.{name}", f"({value})") for name, value in after.items())
    # Where the record has it there already it is no news: SQLite may run a trigger for its own update.
    place = ("user_id", "season", "week", "game_id", "player_id")
    there = " AND ".join(w.same(f"l.{name}", f"({after[name]})") for name in place)
    grade = _grade(w, "r")
    elsewhere = f"({w.any_differs(('user_id', 'week_id', 'game_id'))} OR {w.differs('OLD.player_id', f'({player})')})"
    moved = _result_event(
        "NEW.id",
        "'moved'",
        grade,
        grade,
        player=player,
        old_player="OLD.player_id",
        source="(SELECT * FROM results q WHERE q.pick_id = NEW.id) r",
        where=f"{elsewhere} AND (l.id IS NULL OR NOT ({there}))",
    )
    old_season, new_season = of("OLD")["season"], of("NEW")["season"]
    forget = tuple(
        f"DELETE FROM {table} WHERE pick_id = NEW.id AND {retyped}" for table in ("pick_resolutions", "pick_status")
    )
    corrected = (
        f"UPDATE picks SET player_id = NULL, kind = 'player' WHERE id = NEW.id AND {retyped}",
        f"UPDATE picks SET odds_placeholder = 0 WHERE id = NEW.id AND {priced}",
    )
    removed = _pick_event("removed", "OLD.id", of("OLD"))
    triggers = [
        _Trigger("gr_picks_insert", "AFTER", "INSERT", "picks", (_pick_event("picked", "NEW.id", of("NEW")),)),
        _Trigger(
            "gr_picks_update",
            "AFTER",
            "UPDATE",
            "picks",
            (
                moved,
                # the standings that it left
                _queue(
                    "moved",
                    old_season,
                    "NEW.id",
                    _last("result_events", "NEW.id"),
                    f"{w.differs(old_season, new_season)} "
                    "AND EXISTS (SELECT 1 FROM results r WHERE r.pick_id = NEW.id)",
                ),
                _pick_event(
                    "changed",
                    "NEW.id",
                    after,
                    source=f"(SELECT 1) one LEFT JOIN pick_events l ON l.id = {_last('pick_events', 'NEW.id')}",
                    where=f"l.id IS NULL OR NOT ({known})",
                ),
                *(corrected if w.sqlite else ()),
                *_recount(w, "OLD.player_id", old_season, f" AND {elsewhere}"),
                *_recount(w, f"({player})", new_season, f" AND {elsewhere}"),
                *forget,
            ),
            when=w.any_differs((*_RECORDED, "team")),
        ),
        # Before, not after: with the pick its grade goes by cascade, and a grade's own trigger has to see its pick.
        _Trigger(
            "gr_picks_delete",
            "BEFORE",
            "DELETE",
            "picks",
            (
                _queue(
                    "removed",
                    old_season,
                    "OLD.id",
                    "NULL",
                    "NOT EXISTS (SELECT 1 FROM results r WHERE r.pick_id = OLD.id)",
                ),
                "DELETE FROM results WHERE pick_id = OLD.id",
                removed,
                # a cascade of its own: another program may have foreign keys off
                *(
                    f"DELETE FROM {table} WHERE pick_id = OLD.id"
                    for table in ("pick_status", "pick_resolutions", "pick_market_odds")
                ),
            ),
        ),
    ]
    if w.sqlite:
        return triggers
    return [
        _Trigger(
            "gr_picks_retype",
            "BEFORE",
            "UPDATE",
            "picks",
            ("NEW.player_id := NULL", "NEW.kind := 'player'"),
            when=retyped,
        ),
        _Trigger("gr_picks_price", "BEFORE", "UPDATE", "picks", ("NEW.odds_placeholder := false",), when=priced),
        *triggers,
    ]


def _of_statuses(w: _Words) -> list[_Trigger]:
    pick = {
        "user_id": "p.user_id",
        "season": "w.season",
        "week": "w.week",
        **_columns(w, "p", (name for name in _RECORDED if name not in ("user_id", "week_id"))),
    }
    source = (
        "(SELECT 1) one LEFT JOIN picks p ON p.id = NEW.pick_id LEFT JOIN weeks w ON w.id = p.week_id "
        f"LEFT JOIN pick_events l ON l.id = {_last('pick_events', 'NEW.pick_id')}"
    )
    standing = _columns(w, "NEW", _STANDING)
    known = " AND ".join(w.same(f"l.{name}", value) for name, value in standing.items())
    stated = _pick_event(
        "stated",
        "NEW.pick_id",
        pick | standing,
        source=source,
        where=f"l.id IS NULL OR l.event <> 'stated' OR NOT ({known})",
    )
    triggers = [
        _Trigger("gr_pick_status_insert", "AFTER", "INSERT", "pick_status", (stated,)),
        _Trigger(
            "gr_pick_status_update",
            "AFTER",
            "UPDATE",
            "pick_status",
            (stated,),
            when=w.any_differs(("pick_id", *_STANDING)),
        ),
    ]
    if not w.sqlite:
        return triggers
    # SQLite's OR REPLACE removes a pick without a trigger on picks, but what belongs to it goes by cascade.
    columns = ("user_id", "season", "week", *(n for n in _RECORDED if n not in ("user_id", "week_id")))
    gone = _pick_event(
        "removed",
        "OLD.pick_id",
        {name: f"l.{name}" for name in columns},
        source=f"(SELECT * FROM pick_events e WHERE e.id = {_last('pick_events', 'OLD.pick_id')}) l",
        where="l.event <> 'removed'",
    )
    queued = _queue(
        "removed",
        f"(SELECT l.season FROM pick_events l WHERE l.id = {_last('pick_events', 'OLD.pick_id')})",
        "OLD.pick_id",
        "NULL",
        "NOT EXISTS (SELECT 1 FROM results r WHERE r.pick_id = OLD.pick_id)",
    )
    # A pick that has neither a standing nor a grade goes unseen: it never was in the standings.
    replaced = "NOT EXISTS (SELECT 1 FROM picks p WHERE p.id = OLD.pick_id)"
    return [
        *triggers,
        _Trigger("gr_pick_status_delete", "AFTER", "DELETE", "pick_status", (queued, gone), when=replaced),
        _Trigger("gr_results_delete_pick", "AFTER", "DELETE", "results", (gone,), when=replaced),
    ]


def _of_records(w: _Words) -> list[_Trigger]:
    triggers = [
        _Trigger(
            "gr_result_events_queue",
            "AFTER",
            "INSERT",
            "result_events",
            (
                "INSERT INTO standings_queue (season, pick_id, event, event_id, noted_at) "
                "VALUES (NEW.season, NEW.pick_id, NEW.event, NEW.id, NEW.happened_at)",
            ),
        )
    ]
    for table in RECORDS:
        for event in ("UPDATE", "DELETE") if w.sqlite else ("UPDATE", "DELETE", "TRUNCATE"):
            triggers.append(
                _Trigger(
                    f"gr_{table}_{event.lower()}",
                    "BEFORE",
                    event,
                    table,
                    (_refuse(w, f"{table} is append-only: a record of what happened is neither changed nor removed"),),
                )
            )
        if w.sqlite:
            triggers.append(
                _Trigger(
                    f"gr_{table}_insert",
                    "BEFORE",
                    "INSERT",
                    table,
                    (_refuse(w, f"{table} is append-only: there is a row with this id, and it stays as it is"),),
                    when=f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)",
                )
            )
    if not w.sqlite:
        for table in ("picks", "results"):
            triggers.append(
                _Trigger(
                    f"gr_{table}_truncate",
                    "BEFORE",
                    "TRUNCATE",
                    table,
                    (_refuse(w, f"{table} cannot be truncated: that leaves no record; delete its rows instead"),),
                )
            )
    return triggers


def _refuse(w: _Words, message: str) -> str:
    if w.sqlite:
        return f"SELECT RAISE(ABORT, '{message}')"
    return f"RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'"
