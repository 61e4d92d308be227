"""Writes the tables of docs/database.md from `storage/schema.py`: `python -m firsttd_pipeline_tests.database_page`.

A test compares the page with what this makes, so the page cannot say anything else than the tables.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy import CheckConstraint, Column, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite

from firsttd_pipeline.storage.schema import metadata

PAGE = Path(__file__).resolve().parents[1] / "docs" / "database.md"
BEGIN = "<!-- tables: begin -->"
END = "<!-- tables: end -->"

GROUPS = {
    "The league": (
        *("users", "picks", "pick_resolutions", "player_aliases", "pick_status", "results", "overrides"),
        "leaderboard",
    ),
    "The record": ("result_events", "pick_events", "standings_queue", "authorship"),
    "The season": (
        *("weeks", "games", "rosters", "roster_weeks", "touchdowns", "game_records", "player_stats"),
        *("team_ratings", "kickoff_decisions"),
    ),
    "Markets": (
        *("market_venues", "market_payloads", "market_events", "market_legs", "market_odds", "market_closings"),
        *("market_closing_packs", "market_outcomes", "pick_market_odds", "member_market_stats", "venue_players"),
    ),
    "Operations": ("sync_runs", "run_failures", "quarantine", "sync_metadata", "schema_version"),
}


def tables_text() -> str:
    """The Markdown of every table: its columns with types and meaning, its keys, checks and indexes."""
    lines: list[str] = []
    for group, names in GROUPS.items():
        lines += [f"### {group}", ""]
        for name in names:
            lines += _table(metadata.tables[name])
    return "\n".join(lines).strip()


def page_with_tables(page: str) -> str:
    """The page with the part between its marks made anew."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables_text()}\n\n{END}{after}"


def _table(table: Table) -> list[str]:
    lines = [
        f"#### `{table.name}`",
        "",
        f"{_sentence(table.comment or '')}",
        "",
        "| column | type | |",
        "|---|---|---|",
    ]
    lines += [f"| `{column.name}` | {_type(column)} | {_meaning(table, column)} |" for column in table.columns]
    rules = _rules(table)
    return [*lines, "", *(f"* {rule}" for rule in rules), *([""] if rules else [])]


def _type(column: Column[object]) -> str:
    kinds = [str(column.type.compile(dialect=d())) for d in (sqlite.dialect, postgresql.dialect)]
    kinds = [kind.lower() for kind in dict.fromkeys(kinds)]
    return " / ".join(kinds) + (", not null" if not column.nullable and not column.primary_key else "")


def _meaning(table: Table, column: Column[object]) -> str:
    parts = [column.comment] if column.comment else []
    if column.primary_key:
        parts.append("the key")
    for key in table.foreign_key_constraints:
        if [c.name for c in key.columns] == [column.name]:
            gone = " (goes with it)" if key.ondelete == "CASCADE" else ""
            parts.append(f"→ `{key.elements[0].target_fullname}`{gone}")
    if column.server_default is not None and not column.primary_key:
        default = str(getattr(column.server_default, "arg", "")).strip("'")
        parts.append(
            "default: the time it is written" if "current_timestamp" in default.lower() else f"default {default}"
        )
    return "; ".join(parts).replace("|", "\\|")


def _rules(table: Table) -> list[str]:
    rules = []
    for key in table.foreign_key_constraints:
        if len(key.columns) > 1:
            mine = ", ".join(c.name for c in key.columns)
            rules.append(f"({mine}) → `{key.referred_table.name}` ({', '.join(e.column.name for e in key.elements)})")
    unique = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    rules += [f"unique: {', '.join(c.name for c in key.columns)}" for key in unique]
    checks = [c for c in table.constraints if isinstance(c, CheckConstraint)]
    rules += [f"check: `{check.sqltext}`" for check in checks]
    for index in table.indexes:
        of = ", ".join(str(expression).split(".")[-1] for expression in index.expressions)
        where = index.dialect_options["sqlite"].get("where")
        only = f" where {where}" if where is not None else ""
        rules.append(f"{'unique ' if index.unique else ''}index: {of}{only}")
    return sorted(rules)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def main() -> int:
    """Rewrite the page."""
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stderr.write(f"{PAGE.name}: {len(metadata.tables)} tables\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
