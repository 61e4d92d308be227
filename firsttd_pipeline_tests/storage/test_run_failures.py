"""Claims about the record of failed runs: once a run, open until a later run got past it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from firsttd_pipeline.domain.quality import failed_runs
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.run_failures import LONGEST, RunFailure, clear, known, open_failures, record
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.standings import seasons_overview

AT = datetime(2025, 9, 10, 6, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
FAILED = RunFailure("run-1", "nightly", 2025, "touchdowns", "http://x/: the server answered 503", AT)


def stand(db: Database) -> list[str]:
    return list(db.frame(open_failures())["run_id"])


def test_a_run_is_written_once_and_the_newest_is_told_first(database: Database) -> None:
    assert record(database, [FAILED]) == 1
    assert record(database, [FAILED, replace(FAILED, run_id="run-2", happened_at=LATER)]) == 1
    assert stand(database) == ["run-2", "run-1"]
    assert known(database, ["run-1", "run-9"]) == {"run-1"}
    assert record(database, []) == 0


def test_secrets_are_masked_and_a_long_error_is_cut(database: Database) -> None:
    record(database, [replace(FAILED, error="postgresql://me:s3cret@h/db " + "x" * 5000)])
    (error,) = database.frame(open_failures())["error"]
    assert "s3cret" not in error
    assert len(error) == LONGEST


@pytest.mark.parametrize(
    ("failed", "asset", "job", "season", "cleared"),
    [
        ("touchdowns", "touchdowns", "plays_landed", 2025, True),
        ("touchdowns", "leaderboard", "standings", 2025, False),
        ("touchdowns", "touchdowns", "nightly", 2024, False),
        (None, "leaderboard", "nightly", 2025, True),
        (None, "leaderboard", "standings", 2025, False),
        (None, "player_stats", "nightly", 2025, False),
    ],
)
def test_only_what_makes_the_failed_part_again_clears_it(
    database: Database, failed: str | None, asset: str, job: str, season: int, cleared: bool
) -> None:
    record(database, [replace(FAILED, step=failed)])
    clear(database, season, asset, job, LATER)
    assert stand(database) == ([] if cleared else ["run-1"])


def test_the_overview_counts_what_stands(database: Database) -> None:
    record(database, [FAILED, replace(FAILED, run_id="run-2"), replace(FAILED, run_id="run-3", season=None)])
    (row,) = seasons_overview(database)
    assert (row["season"], row["outcome"]) == (2025, "2 runs failed")
    clear(database, 2025, "touchdowns", "nightly", LATER)
    assert seasons_overview(database) == []


def test_the_quality_rule_tells_how_many_and_the_last(database: Database) -> None:
    assert failed_runs(Season(database, 2025).open_failures()) == []
    record(database, [FAILED, replace(FAILED, run_id="run-2", step=None, error="killed\nby hand", happened_at=LATER)])
    (violation,) = failed_runs(Season(database, 2025).open_failures())
    assert (violation.count, violation.severity, violation.ids) == (2, "warn", ("run-2", "run-1"))
    assert violation.example == "nightly on 2025-09-10 07:00 UTC: killed by hand"
