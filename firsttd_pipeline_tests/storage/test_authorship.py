"""Claims about signatures: they cover their block, and nothing after it or beside it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.upgrade import check
from firsttd_pipeline_tests.storage.small_league import load_small_league, read

NOW = datetime(2025, 9, 9, 6, tzinfo=UTC)
GRADE = "INSERT INTO results (pick_id, is_correct, graded_by) VALUES (:pick, true, 'pipeline')"
FLIP = "UPDATE results SET is_correct = false WHERE pick_id = :pick"


@pytest.fixture
def league(database: Database) -> Database:
    load_small_league(database)
    return database


def who(conn: Connection) -> list[str]:
    return list(conn.execute(text("SELECT who FROM authorship")).scalars())


def test_a_signature_ends_with_its_block(league: Database) -> None:
    with league.write() as conn:
        with signed(conn, "pipeline", run_id="run-1", at=NOW):
            conn.execute(text(GRADE), {"pick": 1})
            assert who(conn) == ["pipeline"]
        assert who(conn) == []
        conn.execute(text(FLIP), {"pick": 1})
    found = read(league, "SELECT changed_by, run_id, graded_by FROM result_events ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("pipeline", "run-1", "pipeline"), (None, None, "external")]


def test_an_inner_signature_gives_way_to_the_outer_one_again(league: Database) -> None:
    with league.write() as conn, signed(conn, "pipeline", why="nightly", run_id="run-1", at=NOW):
        with signed(conn, "Ann", why="saw it"):
            conn.execute(text(GRADE), {"pick": 1})
        conn.execute(text(GRADE), {"pick": 2})
    found = read(league, "SELECT changed_by, why, run_id FROM result_events ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("Ann", "saw it", None), ("pipeline", "nightly", "run-1")]
    assert read(league, "SELECT * FROM authorship") == []


def test_a_block_that_fails_leaves_no_signature_for_the_rest_of_the_transaction(league: Database) -> None:
    with league.write() as conn:
        with pytest.raises(IntegrityError), signed(conn, "pipeline"), conn.begin_nested():
            conn.execute(text(GRADE), {"pick": 999})
        assert who(conn) == []
        conn.execute(text(GRADE), {"pick": 1})
    assert read(league, "SELECT changed_by FROM result_events") == [{"changed_by": None}]
    assert check(league) == []


def test_an_error_that_ends_the_transaction_is_the_one_that_is_told(league: Database) -> None:
    with pytest.raises(IntegrityError, match=r"results|pick"), league.write() as conn, signed(conn, "pipeline"):
        conn.execute(text(GRADE), {"pick": 999})
    assert read(league, "SELECT * FROM authorship") == []


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_cannot_sign(league: Database, name: str) -> None:
    with league.write() as conn, pytest.raises(ValueError, match="signed with a name"), signed(conn, name):
        pass


def test_one_programs_signature_does_not_cover_another_programs_write(postgres_db: Database) -> None:
    load_small_league(postgres_db)
    with postgres_db.write() as conn, signed(conn, "pipeline"):
        conn.execute(text(GRADE), {"pick": 1})
    with postgres_db.engine.connect() as other, postgres_db.write() as pipeline, signed(pipeline, "pipeline"):
        with other.begin():
            other.execute(text(FLIP), {"pick": 1})
        pipeline.execute(text(GRADE), {"pick": 3})
    found = read(postgres_db, "SELECT pick_id, changed_by, graded_by FROM result_events ORDER BY id")
    assert [tuple(row.values()) for row in found] == [
        (1, "pipeline", "pipeline"),
        (1, None, "external"),
        (3, "pipeline", "pipeline"),
    ]
