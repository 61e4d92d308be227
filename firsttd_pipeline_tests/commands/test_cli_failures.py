"""Claims about what the command line says of runs that failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from firsttd_pipeline_tests.doors import quick
from firsttd_pipeline_tests.mirrors import tiny_mirror
from firsttd_pipeline_tests.servers import Server

PLAYS = "pbp/play_by_play_2025.parquet"


def test_a_failed_run_is_told_by_status_until_a_later_one_made_it_good(
    tmp_path: Path, serve: Callable[[Path], Server]
) -> None:
    server, home = serve(tiny_mirror(tmp_path / "mirror")), tmp_path / "home"
    home.mkdir()
    server.status(PLAYS, 403)
    assert quick(home, server.url, "nightly", "--season", "2025").code == 1
    told = quick(home, server.url, "status", "--format", "json")
    assert told.code == 0
    assert [row["outcome"] for row in told.json if row["season"] == 2025] == ["pbp failed; 1 run failed"]
    (said,) = told.err.strip().replace("\n", " ").split("failed 20")[1:]
    assert " UTC: nightly at touchdowns, season 2025, run " in said
    assert "the server answered 403" in said
    server.heal()
    assert quick(home, server.url, "nightly", "--season", "2025").code == 0
    healed = quick(home, server.url, "status", "--format", "json")
    assert [row["outcome"] for row in healed.json if row["season"] == 2025] == ["ok"]
    assert healed.err == ""
