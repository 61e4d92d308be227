"""Triggers that keep the record of picks and grades, whoever writes them, on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection

PREFIX = "gr_"


def statements(dialect: str) -> dict[str, str]:
    """Name and CREATE statement(s) of every trigger (and, on PostgreSQL, function) of this module."""
    return {}


def install(conn: Connection) -> None:
    """Replace our triggers by those of `statements`."""
