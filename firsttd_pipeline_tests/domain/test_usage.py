"""Appearances and red-zone use, on real rosters and plays and on minimal ones."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.domain.usage import RED_ZONE, USAGE_SCHEMA, appearances, red_zone, usage
from firsttd_pipeline_tests.shared_data import MIRROR, WEEK_TWO, needs_shared

KUPP, WALKER = "00-0033908", "00-0038134"
PLAY: dict[str, Any] = {
    "game_id": pl.String,
    "play_type": pl.String,
    "yardline_100": pl.Float64,
    "down": pl.Float64,
    "receiver_player_id": pl.String,
    "rusher_player_id": pl.String,
    "complete_pass": pl.Float64,
    "two_point_attempt": pl.Float64,
}


def plays(*rows: dict[str, Any]) -> pl.DataFrame:
    base = {"game_id": "G1", "play_type": "pass", "yardline_100": 10.0, "down": 1.0, "two_point_attempt": 0.0}
    return pl.DataFrame([base | row for row in rows], schema=PLAY)


def caught(**values: Any) -> dict[str, Any]:
    return {"receiver_player_id": KUPP, "complete_pass": 1.0} | values


def carried(**values: Any) -> dict[str, Any]:
    return {"play_type": "run", "rusher_player_id": WALKER} | values


def games(*rows: tuple[str, int, str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["game_id", "week", "home_team", "away_team", "status"], orient="row")


def weekly(*rows: tuple[int, str, str | None, str]) -> pl.DataFrame:
    schema: Any = {"week": pl.Int32, "team": pl.String, "gsis_id": pl.String, "status": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


TWO_GAMES = games(("G1", 1, "SEA", "PIT", "final"), ("G2", 2, "SEA", "SF", "final"))


# --- red zone --------------------------------------------------------------------------------------------------------


def test_a_target_counts_caught_or_not_and_a_touch_only_when_caught() -> None:
    frame = plays(caught(), caught(complete_pass=0.0), caught(complete_pass=None))
    assert red_zone(frame).rows() == [(KUPP, 3, 1)]


def test_a_run_is_a_touch_and_no_target() -> None:
    assert red_zone(plays(carried(), carried())).rows() == [(WALKER, 0, 2)]


@pytest.mark.parametrize(("yards", "rows"), [(RED_ZONE, 1), (RED_ZONE + 1, 0), (1, 1), (None, 0)])
def test_the_red_zone_ends_at_the_twenty(yards: float | None, rows: int) -> None:
    assert red_zone(plays(carried(yardline_100=yards))).height == rows


@pytest.mark.parametrize(
    "row",
    [
        caught(two_point_attempt=1.0, down=None),
        caught(two_point_attempt=None, down=None),
        caught(play_type="no_play"),
        carried(play_type="qb_kneel"),
        carried(two_point_attempt=1.0),
        {"receiver_player_id": None},
        caught(play_type=None),
    ],
)
def test_tries_kneels_and_plays_that_did_not_count_are_no_use(row: dict[str, Any]) -> None:
    assert red_zone(plays(row)).is_empty()


def test_where_tries_are_not_marked_a_play_with_a_down_counts_and_the_column_may_be_missing() -> None:
    frame = plays(caught(two_point_attempt=None))
    assert red_zone(frame).rows() == [(KUPP, 1, 1)]
    assert red_zone(frame.drop("down")).rows() == [(KUPP, 1, 1)]


@needs_shared
def test_real_tries_of_two_weeks_are_left_out_by_either_sign_of_them() -> None:
    real = pl.read_parquet(WEEK_TWO / "pbp" / "play_by_play_2025.parquet", columns=list(PLAY))
    marked = red_zone(real)
    assert marked.equals(red_zone(real.with_columns(pl.lit(None, dtype=pl.Float64).alias("two_point_attempt"))))
    with_tries = red_zone(real.with_columns(pl.lit(0.0).alias("two_point_attempt")))
    tries = real.filter((pl.col("two_point_attempt") == 1) & pl.col("play_type").is_in(["pass", "run"]))
    named = tries.filter(pl.col("receiver_player_id").is_not_null()).height
    assert with_tries["red_zone_targets"].sum() - marked["red_zone_targets"].sum() == named == 9
    assert (marked["red_zone_touches"] > 0).any()


# --- appearances -----------------------------------------------------------------------------------------------------


def test_active_counts_and_inactive_reserve_and_practice_squad_do_not() -> None:
    roster = weekly((1, "SEA", KUPP, "ACT"), (2, "SEA", KUPP, "INA"), (1, "SEA", WALKER, "RES"), (2, "SEA", "x", "DEV"))
    assert appearances(TWO_GAMES, roster).rows() == [(KUPP, 1, "weekly_rosters")]


def test_games_that_are_not_final_and_bye_weeks_do_not_count() -> None:
    roster = weekly((1, "SEA", KUPP, "ACT"), (2, "SEA", KUPP, "ACT"), (3, "SEA", KUPP, "ACT"))
    schedule = games(("G1", 1, "SEA", "PIT", "final"), ("G2", 2, "SEA", "SF", "scheduled"))
    assert appearances(schedule, roster).rows() == [(KUPP, 1, "weekly_rosters")]


def test_a_traded_players_games_are_added_up_and_repeated_rows_count_once() -> None:
    roster = weekly(
        (1, "PIT", KUPP, "ACT"),
        (2, "SF", KUPP, "ACT"),
        (2, "SF", KUPP, "ACT"),
        (2, "SEA", KUPP, "ACT"),
        (2, "SF", None, "ACT"),
    )
    assert appearances(TWO_GAMES, roster).rows() == [(KUPP, 2, "weekly_rosters")]


def test_without_weekly_rosters_a_player_named_in_a_play_took_part() -> None:
    frame = plays(caught(), caught(), caught(game_id="G2"), carried(game_id="elsewhere"))
    assert appearances(TWO_GAMES, None, frame).rows() == [(KUPP, 2, "plays")]


def test_any_participant_column_names_a_player() -> None:
    frame = plays(caught(receiver_player_id=None)).with_columns(pl.lit(WALKER).alias("solo_tackle_1_player_id"))
    assert appearances(TWO_GAMES, None, frame).rows() == [(WALKER, 1, "plays")]


def test_where_the_rosters_cover_a_game_its_plays_are_not_asked() -> None:
    roster = weekly((1, "SEA", KUPP, "INA"), (1, "PIT", "x", "INA"), (2, "SEA", "x", "INA"), (2, "SF", "x", "INA"))
    assert appearances(TWO_GAMES, roster, plays(caught(), caught(game_id="G2"))).is_empty()


def test_a_week_without_a_roster_is_filled_from_its_plays() -> None:
    roster = weekly((1, "SEA", KUPP, "ACT"), (1, "PIT", "x", "INA"))
    frame = plays(caught(), caught(game_id="G2"), carried(game_id="G2"))
    assert appearances(TWO_GAMES, roster, frame).rows() == [(KUPP, 2, "weekly_rosters"), (WALKER, 1, "plays")]


def test_an_old_team_code_of_the_schedule_meets_todays_code_of_the_roster() -> None:
    assert appearances(games(("G1", 1, "OAK", "SD", "final")), weekly((1, "LV", KUPP, "ACT"))).height == 1


@needs_shared
def test_everyone_a_real_play_names_was_active_that_week() -> None:
    roster = pl.read_parquet(MIRROR / "weekly_rosters" / "roster_weekly_2025.parquet")
    schedule = (
        pl.read_parquet(MIRROR / "schedules" / "games.parquet")
        .filter(pl.col("season") == 2025)
        .with_columns(pl.lit("final").alias("status"))
    )
    real = pl.read_parquet(MIRROR / "pbp" / "play_by_play_2025.parquet", columns=["td_player_id", *PLAY])
    by_roster = appearances(schedule, roster)
    assert by_roster["games_played"].is_between(1, 21).all()
    assert (
        by_roster["games_played"].sum()
        == roster.filter((pl.col("status") == "ACT") & pl.col("gsis_id").is_not_null()).height
    )
    by_plays = appearances(schedule, None, real).join(by_roster, on="player_id", how="left", suffix="_active")
    assert by_plays["games_played_active"].null_count() == 0
    assert (by_plays["games_played"] <= by_plays["games_played_active"]).all()


# --- together --------------------------------------------------------------------------------------------------------


def test_usage_has_everybody_who_played_or_was_used_with_zeros_for_the_rest() -> None:
    roster = weekly((1, "SEA", KUPP, "ACT"), (1, "PIT", "x", "INA"), (2, "SEA", "x", "INA"), (2, "SF", "x", "INA"))
    frame = usage(plays(carried()), roster, TWO_GAMES)
    assert frame.schema == pl.Schema(USAGE_SCHEMA)
    assert frame.rows() == [(KUPP, 1, "weekly_rosters", 0, 0), (WALKER, 0, None, 0, 1)]


def test_a_season_without_plays_or_rosters_has_no_usage() -> None:
    assert usage(None, None, TWO_GAMES).is_empty()
    assert usage(plays(), weekly(), TWO_GAMES.clear()).schema == pl.Schema(USAGE_SCHEMA)
