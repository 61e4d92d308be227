"""Claims about the record of grades and the counts that the database keeps, whoever writes, on both engines."""

from __future__ import annotations

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.upgrade import check


def test_the_triggers_of_a_fresh_database_are_this_releases(database: Database) -> None:
    assert check(database) == []
