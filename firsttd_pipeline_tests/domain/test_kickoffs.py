"""The opening kickoff, against upstream's own flag and on minimal plays."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.domain.kickoffs import KICKOFF_SCHEMA, opening_kickoffs
from firsttd_pipeline_tests.shared_data import MIRROR, WEEK_TWO, needs_shared

COLUMNS = [
    "game_id",
    "play_id",
    "order_sequence",
    "play_type",
    "posteam",
    "home_team",
    "game_seconds_remaining",
    "fixed_drive",
    "fixed_drive_result",
    "home_opening_kickoff",
]


def plays(*rows: dict[str, Any]) -> pl.DataFrame:
    base: dict[str, Any] = {
        "game_id": "2025_01_PIT_SEA",
        "play_type": "kickoff",
        "posteam": "SEA",
        "game_seconds_remaining": 3600.0,
        "fixed_drive": 1.0,
        "fixed_drive_result": "Punt",
    }
    return pl.DataFrame(
        [base | {"play_id": 10.0 * i, "order_sequence": float(i)} | row for i, row in enumerate(rows, start=1)],
        schema={
            "game_id": pl.String,
            "play_id": pl.Float64,
            "order_sequence": pl.Float64,
            "play_type": pl.String,
            "posteam": pl.String,
            "game_seconds_remaining": pl.Float64,
            "fixed_drive": pl.Float64,
            "fixed_drive_result": pl.String,
        },
    )


@needs_shared
def test_the_receiver_is_the_one_upstream_flags_in_every_game_that_has_the_flag() -> None:
    for path, flagged in ((WEEK_TWO, 32), (MIRROR, 194)):
        real = pl.read_parquet(path / "pbp" / "play_by_play_2025.parquet", columns=COLUMNS)
        flags = real.filter(pl.col("home_opening_kickoff").is_not_null()).unique("game_id")
        both = opening_kickoffs(real).join(flags, on="game_id", validate="1:1")
        assert both.height == flagged
        assert ((both["team"] == both["home_team"]).cast(pl.Float64) == both["home_opening_kickoff"]).all()


@needs_shared
def test_the_first_drives_end_is_upstreams_where_it_has_one() -> None:
    real = pl.read_parquet(WEEK_TWO / "pbp" / "play_by_play_2025.parquet", columns=COLUMNS)
    results = dict(opening_kickoffs(real)["result"].value_counts().iter_rows())
    assert results == {
        "Touchdown": 11,
        "Punt": 10,
        "Field goal": 7,
        "Turnover": 1,
        "Turnover on downs": 1,
        "Missed field goal": 1,
        "Opp touchdown": 1,
    }


@needs_shared
@pytest.mark.parametrize(("season", "games"), [(2021, 285), (2022, 284), (2024, 285)])
def test_slim_seasons_know_the_receiver_and_not_the_drive(season: int, games: int) -> None:
    real = pl.read_parquet(MIRROR / "pbp" / f"play_by_play_{season}.parquet", columns=COLUMNS)
    frame = opening_kickoffs(real)
    assert frame.height == games
    assert frame["team"].null_count() == 0
    assert frame["result"].null_count() == games


@needs_shared
def test_a_kickoff_that_was_repeated_after_a_penalty_is_still_the_opening_one() -> None:
    real = pl.read_parquet(MIRROR / "pbp" / "play_by_play_2022.parquet", columns=COLUMNS)
    assert opening_kickoffs(real).filter(pl.col("game_id") == "2022_15_PHI_CHI")["team"].to_list() == ["CHI"]


def test_the_earliest_kickoff_counts_whatever_the_order_of_the_rows() -> None:
    frame = plays({"posteam": "PIT", "order_sequence": 9.0, "play_id": 1.0}, {"order_sequence": 2.0, "play_id": 50.0})
    assert opening_kickoffs(frame).rows() == [("2025_01_PIT_SEA", "SEA", "Punt")]


def test_a_game_whose_beginning_is_missing_has_no_row() -> None:
    assert opening_kickoffs(plays({"game_seconds_remaining": 1800.0})).is_empty()


def test_a_kickoff_without_a_team_is_passed_over_and_no_plays_give_no_rows() -> None:
    assert opening_kickoffs(plays({"posteam": None})).is_empty()
    assert opening_kickoffs(plays()).schema == pl.Schema(KICKOFF_SCHEMA)


def test_old_codes_become_todays_and_drive_columns_may_be_missing() -> None:
    frame = plays({"posteam": "OAK"}).drop("fixed_drive", "fixed_drive_result")
    assert opening_kickoffs(frame).rows() == [("2025_01_PIT_SEA", "LV", None)]
