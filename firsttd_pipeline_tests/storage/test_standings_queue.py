"""Claims about what waits for the leaderboard: nothing is lost, nothing is taken out before it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from firsttd_pipeline.refresh import League, leaderboard
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import standings_queue
from firsttd_pipeline.storage.standings_queue import Changes, applied, waiting, waiting_ids
from firsttd_pipeline_tests.storage.season_2025 import AFTER


def note(db: Database, *rows: dict[str, Any]) -> None:
    """Queue changes as the triggers do."""
    with db.write() as conn:
        conn.execute(insert(standings_queue), [{"pick_id": 1, "event": "graded", **row} for row in rows])


@pytest.fixture
def league(database: Database, tmp_path: Path) -> League:
    settings = load_settings(home=tmp_path, database_url=database.url.render_as_string(hide_password=False))
    made = League.open(settings)
    made.db.close()
    made.db = database
    return made


def test_what_waits_is_told_by_season_with_its_number_and_its_newest(database: Database) -> None:
    note(database, {"season": 2025}, {"season": 2024}, {"season": 2025}, {"season": None}, {"season": 1970})
    found = waiting(database)
    assert sorted(found.seasons, key=lambda c: c.newest) == [
        Changes(2024, 1, 2),
        Changes(2025, 2, 3),
        Changes(None, 1, 4),
        Changes(1970, 1, 5),
    ]
    assert found.count == 5
    assert len(found.database_id) == 32


def test_every_database_has_an_id_of_its_own_that_stays(database: Database) -> None:
    assert waiting(database).database_id == waiting(database).database_id != "unnamed"


def test_only_what_was_read_is_taken_out(database: Database) -> None:
    note(database, {"season": 2025}, {"season": 2025}, {"season": 2024})
    with database.write() as conn:
        read = waiting_ids(conn, 2025)
        conn.execute(insert(standings_queue), {"season": 2025, "pick_id": 9, "event": "graded"})
        applied(conn, read)
    assert [(c.season, c.count, c.newest) for c in waiting(database).seasons] == [(2024, 1, 3), (2025, 1, 4)]


def test_more_changes_than_fit_in_one_statement_are_taken_out(database: Database) -> None:
    note(database, *[{"season": 2025}] * 1203)
    with database.write() as conn:
        applied(conn, waiting_ids(conn, 2025))
    assert waiting(database).seasons == ()


def test_the_leaderboard_takes_out_what_it_shows_and_leaves_other_seasons(league: League, database: Database) -> None:
    note(database, {"season": 2025}, {"season": 2025}, {"season": 2024}, {"season": None})
    report = leaderboard.refresh(league, 2025, AFTER)
    assert report.facts["changes applied"] == 2
    assert {changes.season for changes in waiting(database).seasons} == {2024, None}


def test_a_leaderboard_that_fails_takes_nothing_out(
    league: League, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(database, {"season": 2025})

    def fails(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(leaderboard, "write_leaderboard", fails)
    with pytest.raises(RuntimeError, match="no room"):
        leaderboard.refresh(league, 2025, AFTER)
    assert waiting(database).count == 1


def test_transactions_that_commit_out_of_order_lose_nothing(postgres_db: Database, tmp_path: Path) -> None:
    """The first change takes the lower id, and is committed after a leaderboard has shown the second."""
    url = postgres_db.url.render_as_string(hide_password=False)
    settings = load_settings(home=tmp_path, database_url=url)
    slow = postgres_db.engine.connect()
    begun = slow.begin()
    slow.execute(insert(standings_queue), {"season": 2025, "pick_id": 1, "event": "graded"})
    with postgres_db.engine.begin() as quick:  # another program: it takes no advisory lock
        quick.execute(insert(standings_queue), {"season": 2025, "pick_id": 2, "event": "graded"})
    assert [(c.count, c.newest) for c in waiting(postgres_db).seasons] == [(1, 2)]
    with League.open(settings) as league:
        assert leaderboard.refresh(league, 2025, AFTER).facts["changes applied"] == 1
        assert waiting(postgres_db).seasons == ()
        begun.commit()
        slow.close()
        assert [(c.count, c.newest) for c in waiting(postgres_db).seasons] == [(1, 1)]
        assert leaderboard.refresh(league, 2025, AFTER).facts["changes applied"] == 1
    assert waiting(postgres_db).seasons == ()


def test_a_change_committed_while_the_leaderboard_computes_waits_for_the_next_one(
    postgres_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres_db.url.render_as_string(hide_password=False)
    note(postgres_db, {"season": 2025})
    write = leaderboard.write_leaderboard

    def meanwhile(*given: Any) -> Any:
        with postgres_db.engine.begin() as other:
            other.execute(insert(standings_queue), {"season": 2025, "pick_id": 7, "event": "flipped"})
        return write(*given)

    monkeypatch.setattr(leaderboard, "write_leaderboard", meanwhile)
    with League.open(load_settings(home=tmp_path, database_url=url)) as league:
        leaderboard.refresh(league, 2025, AFTER)
    assert [(c.count, c.newest) for c in waiting(postgres_db).seasons] == [(1, 2)]


def test_a_season_that_is_no_number_is_no_season(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        conn.execute(text("INSERT INTO standings_queue (season, pick_id, event) VALUES (x'01', 1, 'graded')"))
    assert waiting(sqlite_db).seasons == (Changes(None, 1, 1),)
