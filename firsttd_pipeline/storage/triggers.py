"""SQLite triggers that say why a foreign key refuses: SQLite's own error names neither table nor column.

They are generated from the foreign keys of a MetaData, one set for every key; the keys themselves stay on and are what
guards the data. PostgreSQL needs none: its errors name the constraint. A few more let the old application's own
statements do what they mean, or refuse them in words (`for_old_application`).
"""

from __future__ import annotations

from sqlalchemy import Connection, ForeignKeyConstraint, MetaData, Table

PREFIX = "tr_"

_ONE = {
    "users": "user",
    "weeks": "week",
    "games": "game",
    "picks": "pick",
    "rosters": "roster row",
}


def sqlite_triggers(metadata: MetaData) -> dict[str, str]:
    """Name and CREATE statement of every trigger that `metadata`'s foreign keys ask for."""
    triggers: dict[str, str] = {}
    for table in metadata.sorted_tables:
        for key in sorted(table.foreign_key_constraints, key=lambda k: tuple(k.column_keys)):
            triggers |= _of_key(table, key)
    return triggers | for_old_application("sqlite", metadata)


def for_old_application(dialect: str, metadata: MetaData) -> dict[str, str]:
    """Triggers beyond those of the keys, for the tables that `metadata` has.

    On SQLite: `INSERT OR REPLACE INTO rosters` gives a player's row a new id, so his statistics follow it; a game under
    a second id, and a second first touchdown of a game, are refused in words before OR REPLACE can remove the first.
    On PostgreSQL: the row of statistics that the application adds with every pick has no player. `INSERT OR IGNORE`
    leaves it out, and so it is left out here, where ON CONFLICT does not.
    """
    if dialect != "sqlite":
        return {f"{PREFIX}player_stats_of_nobody": _OF_NOBODY} if "player_stats" in metadata.tables else {}
    found = {}
    if "games" in metadata.tables:
        found[f"{PREFIX}games_under_another_id"] = _trigger(
            "BEFORE INSERT ON games",
            "WHEN EXISTS (SELECT 1 FROM games WHERE season = NEW.season AND week = NEW.week "
            "AND home_team = NEW.home_team AND away_team = NEW.away_team AND id <> NEW.id)",
            "games: another id has this season, week, home and away team: write to that id",
        )
    if "touchdowns" in metadata.tables:
        found[f"{PREFIX}touchdowns_second_first"] = _trigger(
            "BEFORE INSERT ON touchdowns",
            "WHEN NEW.is_first_td = 1 AND EXISTS (SELECT 1 FROM touchdowns WHERE game_id = NEW.game_id "
            "AND is_first_td = 1 AND play_id IS NOT NEW.play_id)",
            "touchdowns: this game has its first touchdown already (is_first_td)",
        )
    if {"player_stats", "rosters"} <= metadata.tables.keys():
        found[f"{PREFIX}rosters_replaced"] = (
            "AFTER INSERT ON rosters FOR EACH ROW BEGIN UPDATE player_stats SET roster_id = NEW.id "
            "WHERE season = NEW.season AND player_id = NEW.player_id "
            "AND NOT EXISTS (SELECT 1 FROM rosters WHERE id = player_stats.roster_id); END"
        )
    return {name: f"CREATE TRIGGER {name} {body}" for name, body in found.items()}


_OF_NOBODY = """
CREATE OR REPLACE FUNCTION tr_player_stats_of_nobody() RETURNS trigger LANGUAGE plpgsql AS $tr$
BEGIN
  RETURN NULL;
END
$tr$;
CREATE OR REPLACE TRIGGER tr_player_stats_of_nobody BEFORE INSERT ON player_stats FOR EACH ROW
WHEN (NEW.player_id IS NULL AND NEW.roster_id IS NULL) EXECUTE FUNCTION tr_player_stats_of_nobody()
"""


def _of_key(child: Table, key: ForeignKeyConstraint) -> dict[str, str]:
    parent = key.referred_table
    mine = [c.name for c in key.columns]
    theirs = [e.column.name for e in key.elements]
    one = _ONE.get(parent.name, f"row of {parent.name}")
    given = " AND ".join(f"NEW.{c} IS NOT NULL" for c in mine)
    found = " AND ".join(f"{t} = NEW.{m}" for m, t in zip(mine, theirs, strict=True))
    used = " AND ".join(f"{m} = OLD.{t}" for m, t in zip(mine, theirs, strict=True))
    moved = " OR ".join(f"NEW.{t} IS NOT OLD.{t}" for t in theirs)
    what = ", ".join(f"{child.name}.{m}" for m in mine)
    dangling = (
        f"WHEN {given} AND NOT EXISTS (SELECT 1 FROM {parent.name} WHERE {found})",  # noqa: S608
        f"{what}: no {one} with this {' and '.join(theirs)}",
    )
    in_use = f"EXISTS (SELECT 1 FROM {child.name} WHERE {used})"  # noqa: S608
    refers = f"{parent.name}: {child.name} refer to this {one}"
    stem = f"{PREFIX}{child.name}_{'_'.join(mine)}"
    triggers = {
        f"{stem}_insert": _trigger(f"BEFORE INSERT ON {child.name}", *dangling),
        f"{stem}_update": _trigger(f"BEFORE UPDATE OF {', '.join(mine)} ON {child.name}", *dangling),
        f"{stem}_rekey": _trigger(
            f"BEFORE UPDATE OF {', '.join(theirs)} ON {parent.name}", f"WHEN ({moved}) AND {in_use}", refers
        ),
    }
    if key.ondelete != "CASCADE":
        triggers[f"{stem}_delete"] = _trigger(f"BEFORE DELETE ON {parent.name}", f"WHEN {in_use}", refers)
    return {name: f"CREATE TRIGGER {name} {body}" for name, body in triggers.items()}


def _trigger(when: str, condition: str, message: str) -> str:
    return f"{when} FOR EACH ROW {condition} BEGIN SELECT RAISE(ABORT, '{message}'); END"


def installed(conn: Connection) -> dict[str, str]:
    """Name and statement of the triggers that are in the database; empty on PostgreSQL."""
    if conn.dialect.name != "sqlite":
        return {}
    rows = conn.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    return {row.name: row.sql for row in rows}


def install(conn: Connection, metadata: MetaData) -> None:
    """Replace our triggers by those that `metadata` asks for. Triggers of others (not named `tr_`) stay.

    A change of the generator needs a migration that calls this again: a test holds database and generator equal.
    """
    if conn.dialect.name != "sqlite":
        for statement in for_old_application(conn.dialect.name, metadata).values():
            conn.exec_driver_sql(statement)
        return
    remove(conn)
    for statement in sqlite_triggers(metadata).values():
        conn.exec_driver_sql(statement)


def remove(conn: Connection) -> None:
    """Drop our triggers: for a migration that puts them back before it ends."""
    for name in installed(conn):
        if name.startswith(PREFIX):
            conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
