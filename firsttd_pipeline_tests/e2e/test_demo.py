"""`firsttd demo`: the main job over the sample season, in a home of its own, the same every time."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ColumnElement, func, select

from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.engine import Database

FIRSTTD = Path(sys.executable).with_name("firsttd")


def demo(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the console script in `folder`, as a newcomer does."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTTD_")}
    return subprocess.run(
        [str(FIRSTTD), "demo", *options],
        cwd=folder,
        env={**clean, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One demo run beside a real league that must not be touched."""
    folder = tmp_path_factory.mktemp("newcomer")
    real = folder / "real"
    real.mkdir()
    run = demo(
        folder,
        FIRSTTD_HOME=str(real),
        FIRSTTD_DATABASE_URL=f"sqlite:///{real / 'league.db'}",
        FIRSTTD_NFLVERSE_URL="http://127.0.0.1:9/",
        FIRSTTD_SEASON="2021",
    )
    return folder, run


def test_it_ends_well_and_says_what_to_open_next(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, run = shown
    assert run.returncode == 0, run.stderr
    assert "Leaderboard of the sample season 2025" in run.stdout
    assert "make demo-ui" in run.stderr
    assert "Traceback" not in run.stderr


def test_what_it_names_to_look_at_next_are_a_game_and_a_pick_of_this_season_with_prices(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, run = shown
    (game,) = re.findall(r"firsttd markets odds (\S+)$", run.stderr, re.MULTILINE)
    (pick,) = re.findall(r"firsttd why (\d+)$", run.stderr, re.MULTILINE)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTTD_")}

    def told(*arguments: str) -> str:
        return subprocess.run(
            [str(FIRSTTD), *arguments], env=clean | {"FIRSTTD_HOME": str(folder / ".firsttd-demo")}, text=True,
            capture_output=True, timeout=60, check=True,
        ).stdout  # fmt: skip

    odds = json.loads(told("markets", "odds", game, "--format", "json"))
    assert {row["venue"] for row in odds if row["closing"]} == {"Kalshi", "Polymarket"}
    assert {row["outcome"] for row in odds} >= {"yes", "no"}
    assert all(row["team"] for row in odds if row["player_id"] != "NO_TD")
    why = json.loads(told("why", pick, "--format", "json"))
    assert why["pick"]["game_id"] == game
    assert any(market["closing_probability"] for market in why["markets"])


def test_a_real_league_is_not_touched_whatever_the_environment_says(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = shown
    assert list((folder / "real").iterdir()) == []
    assert (folder / ".firsttd-demo" / "firsttd.db").exists()


def test_the_sample_season_is_whole_and_every_pick_is_graded(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, _ = shown
    db = Database(folder / ".firsttd-demo" / "firsttd.db")
    with db.read() as conn:

        def count(table: str, *conditions: object) -> int:
            query = select(func.count()).select_from(schema.metadata.tables[table])
            return int(conn.execute(query.where(*conditions)).scalar_one())  # type: ignore[arg-type]

        assert count("games", schema.games.c.status == "final") == 285
        with_touchdown = conn.execute(select(func.count(schema.touchdowns.c.game_id.distinct()))).scalar_one()
        assert count("touchdowns", schema.touchdowns.c.is_first_td) == with_touchdown
        assert 1 <= 285 - with_touchdown <= 10  # some games end without one
        assert count("picks") > 200
        assert count("pick_status", schema.pick_status.c.status == "pending") == 0
        assert count("results") == count("picks")
        assert count("leaderboard", schema.leaderboard.c.week == 0) == count("users") == 12
    db.close()


def test_its_markets_are_there_and_agree_with_the_plays(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, run = shown
    assert "Sample prices of Kalshi and Polymarket for the games of weeks 19 to 22" in run.stderr
    legs, closing, priced = schema.market_legs.c, schema.market_closings.c, schema.pick_market_odds.c
    outcome = schema.market_outcomes.c
    db = Database(folder / ".firsttd-demo" / "firsttd.db")
    with db.read() as conn:

        def of_venues(column: ColumnElement[Any], *conditions: ColumnElement[bool]) -> dict[str, int]:
            source = column.table.c.source  # type: ignore[attr-defined]
            query = select(source, func.count(column.distinct())).where(*conditions).group_by(source)
            return {str(name): int(number) for name, number in conn.execute(query)}

        assert of_venues(legs.game_id) == {"kalshi": 13, "polymarket": 13}
        assert of_venues(legs.id, legs.player_id.is_(None)) == {}
        assert of_venues(closing.game_id) == {"kalshi": 13, "polymarket": 13}
        won = conn.execute(
            select(outcome.player_id, outcome.actual_first_td_scorer).where(outcome.resolved_outcome == "yes")
        ).all()
        assert len(won) > 20
        assert all(player == first for player, first in won)
        assert of_venues(priced.pick_id, priced.closing_probability.is_not(None))["kalshi"] > 20
    db.close()


def test_a_second_demo_changes_nothing_and_a_fresh_one_ends_alike(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, first = shown
    again = demo(folder)
    assert again.returncode == 0, again.stderr
    assert "Season 2025: done, nothing new" in again.stderr
    shutil.rmtree(folder / ".firsttd-demo")
    fresh = demo(folder)
    assert fresh.stdout == first.stdout == again.stdout


def test_another_seed_is_another_league_beside_the_first(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, first = shown
    other = demo(folder, "--seed", "8")
    assert other.returncode == 0, other.stderr
    assert "FIRSTTD_HOME=.firsttd-demo/seed-8 " in other.stderr
    assert other.stdout != first.stdout
