"""SQLite triggers that say why a foreign key refuses: SQLite's own error names neither table nor column.

They are generated from the foreign keys of a MetaData, one set for every key; the keys themselves stay on and are what
guards the data. PostgreSQL needs none: its errors name the constraint.
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
    return triggers


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
        return
    remove(conn)
    for statement in sqlite_triggers(metadata).values():
        conn.exec_driver_sql(statement)


def remove(conn: Connection) -> None:
    """Drop our triggers: for a migration that puts them back before it ends."""
    for name in installed(conn):
        if name.startswith(PREFIX):
            conn.exec_driver_sql(f'DROP TRIGGER "{name}"')
