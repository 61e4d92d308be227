"""Touchdowns and game records, on upstream's real plays and on the smallest plays that show a rule."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain.touchdowns import (
    DST_KINDS,
    KINDS,
    RECORD_SCHEMA,
    REPEATED_PLAY_ID_STEP,
    TOUCHDOWN_SCHEMA,
    extract_touchdowns,
    game_records,
)
from firsttd_pipeline_tests.shared_data import DENSE, MIRROR, WEEK_TWO, needs_shared

COLUMNS = [
    "game_id",
    "play_id",
    "order_sequence",
    "season",
    "week",
    "home_team",
    "away_team",
    "posteam",
    "defteam",
    "qtr",
    "time",
    "desc",
    "play_type",
    "touchdown",
    "td_team",
    "td_player_id",
    "td_player_name",
    "pass_touchdown",
    "rush_touchdown",
    "return_touchdown",
    "interception",
    "fumble",
    "posteam_score_post",
    "defteam_score_post",
    "game_seconds_remaining",
    "play_type_nfl",
    "receiver_player_id",
]
SCHEMA: dict[str, Any] = {
    name: pl.Float64
    if name
    in {
        "play_id",
        "order_sequence",
        "qtr",
        "touchdown",
        "pass_touchdown",
        "rush_touchdown",
        "return_touchdown",
        "interception",
        "fumble",
        "posteam_score_post",
        "defteam_score_post",
        "game_seconds_remaining",
    }
    else pl.Int64
    if name in {"season", "week"}
    else pl.String
    for name in COLUMNS
}


@cache
def real(season: int) -> pl.DataFrame:
    return pl.read_parquet(MIRROR / "pbp" / f"play_by_play_{season}.parquet", columns=COLUMNS)


@cache
def real_touchdowns(season: int) -> pl.DataFrame:
    return extract_touchdowns(real(season))


@cache
def week_two() -> pl.DataFrame:
    return pl.read_parquet(WEEK_TWO / "pbp" / "play_by_play_2025.parquet", columns=COLUMNS)


@cache
def schedule() -> pl.DataFrame:
    return pl.read_parquet(MIRROR / "schedules" / "games.parquet")


def plays(*rows: dict[str, Any], **defaults: Any) -> pl.DataFrame:
    """Minimal plays of 2025_01_PIT_SEA (home SEA), numbered in the order given."""
    base: dict[str, Any] = {
        "game_id": "2025_01_PIT_SEA",
        "season": 2025,
        "week": 1,
        "home_team": "SEA",
        "away_team": "PIT",
        "posteam": "SEA",
        "defteam": "PIT",
        "play_type": "pass",
        "touchdown": 0.0,
    }
    numbered = [
        dict.fromkeys(COLUMNS) | base | {"play_id": 10.0 * i, "order_sequence": float(i)} | defaults | row
        for i, row in enumerate(rows, start=1)
    ]
    return pl.DataFrame(numbered, schema=SCHEMA)


def touchdown(player: str | None = "00-0000001", team: str | None = "SEA", **values: Any) -> dict[str, Any]:
    name = None if player is None else f"P.{player[-3:]}"
    return {
        "touchdown": 1.0,
        "td_team": team,
        "td_player_id": player,
        "td_player_name": name,
        "pass_touchdown": 1.0,
    } | values


def one(frame: pl.DataFrame, game: str, play: int) -> dict[str, Any]:
    return frame.row(
        by_predicate=(pl.col("game_id") == game) & (pl.col("play_id") == play),
        named=True,
    )


# --- the seasons at hand ---------------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    ("season", "touchdowns", "first", "games", "unknown", "unknown_first"),
    [
        (2021, 1494, 283, 285, 66, 12),
        (2022, 1390, 282, 284, 70, 14),
        (2024, 1461, 283, 285, 60, 10),
        (2025, 1459, 284, 285, 16, 0),
    ],
)
def test_a_season_gives_every_touchdown_and_one_first_per_game(
    season: int, touchdowns: int, first: int, games: int, unknown: int, unknown_first: int
) -> None:
    frame = real_touchdowns(season)
    assert frame.height == touchdowns
    assert real(season)["game_id"].n_unique() == games
    assert frame.filter("is_first_td")["game_id"].to_list() == sorted(frame["game_id"].unique())
    assert frame.filter("is_first_td").height == first
    assert frame["player_id"].null_count() == unknown
    assert frame.filter("is_first_td")["player_id"].null_count() == unknown_first
    assert not frame.select(pl.struct("game_id", "play_id").is_duplicated().any()).item()


@needs_shared
def test_the_first_two_weeks_give_158_touchdowns_in_32_games() -> None:
    frame = extract_touchdowns(week_two())
    assert (frame.height, frame.filter("is_first_td").height) == (158, 32)
    assert frame.schema == pl.Schema(TOUCHDOWN_SCHEMA)
    assert frame.null_count().row(0) == (0,) * len(TOUCHDOWN_SCHEMA)


@needs_shared
@pytest.mark.parametrize("season", [2021, 2022, 2024, 2025])
def test_scorer_and_team_are_upstreams_own_columns(season: int) -> None:
    upstream = real(season).filter(pl.col("touchdown") == 1)
    both = real_touchdowns(season).join(
        upstream.select("game_id", pl.col("play_id").cast(pl.Int64), "td_team", "td_player_id", "td_player_name"),
        on=["game_id", "play_id"],
        validate="1:1",
    )
    assert both.height == upstream.height
    for ours, theirs in (("team", "td_team"), ("player_id", "td_player_id"), ("player_name", "td_player_name")):
        assert both[ours].equals(both[theirs], null_equal=True)


@needs_shared
def test_the_receiver_column_would_name_the_wrong_scorer() -> None:
    # T.Lockett took the fumbled interception back; C.Ridley is the play's receiver (point 4).
    row = one(real_touchdowns(2025), "2025_05_TEN_ARI", 4224)
    assert (row["player_name"], row["team"], row["kind"]) == ("T.Lockett", "TEN", "after_interception")
    assert row["kind"] not in DST_KINDS


@needs_shared
def test_a_kickoff_recovered_in_the_end_zone_is_the_kicking_teams() -> None:
    row = one(real_touchdowns(2025), "2025_02_SEA_PIT", 3004)
    assert (row["player_name"], row["team"], row["kind"]) == ("G.Holani", "SEA", "kickoff_recovery")


@needs_shared
def test_a_kickoff_returned_is_a_touchdown_of_the_team_with_the_ball_and_counts_for_its_dst() -> None:
    row = one(real_touchdowns(2025), "2025_02_NE_MIA", 3418)
    assert (row["player_name"], row["team"], row["kind"]) == ("A.Gibson", "NE", "kickoff_return")
    assert row["kind"] in DST_KINDS


@needs_shared
@pytest.mark.parametrize(
    ("game", "play", "team", "kind"),
    [
        ("2025_04_PHI_TB", 182, "PHI", "blocked_punt"),
        ("2025_09_ARI_DAL", 1614, "DAL", "blocked_punt"),
        ("2025_03_LA_PHI", 4358, "PHI", "blocked_field_goal"),
        ("2025_02_NE_MIA", 3366, "MIA", "punt_return"),
        ("2025_09_CHI_CIN", 39, "CIN", "kickoff_return"),
    ],
)
def test_kicks_come_out_as_what_they_were(game: str, play: int, team: str, kind: str) -> None:
    row = one(real_touchdowns(2025), game, play)
    assert (row["team"], row["kind"]) == (team, kind)


@needs_shared
def test_a_blocked_punt_can_be_the_first_touchdown_of_a_game() -> None:
    assert one(real_touchdowns(2025), "2025_04_PHI_TB", 182)["is_first_td"]


@needs_shared
def test_fifteen_first_touchdowns_of_2025_were_defence_or_special_teams() -> None:
    first = real_touchdowns(2025).filter("is_first_td")
    assert first.filter(pl.col("kind").is_in(list(DST_KINDS))).height == 15
    weeks_1_to_13 = first.filter(pl.col("game_id").str.slice(5, 2).cast(pl.Int64) <= 13)
    dst = weeks_1_to_13.filter(pl.col("kind").is_in(list(DST_KINDS)))
    assert (weeks_1_to_13.height, dst.height) == (194, 10)


@needs_shared
@pytest.mark.parametrize("season", [2021, 2022, 2024, 2025])
def test_the_offence_scores_on_offence_kinds_and_passing_touchdowns_are_never_dst(season: int) -> None:
    frame = real_touchdowns(season).join(
        real(season).select("game_id", pl.col("play_id").cast(pl.Int64), "posteam", "play_type"),
        on=["game_id", "play_id"],
    )
    assert set(frame["kind"]) <= set(KINDS)
    offence = frame.filter(pl.col("kind").is_in(["pass", "rush", "own_fumble", "after_interception"]))
    assert (offence["team"] == offence["posteam"]).all()
    defence = frame.filter(pl.col("kind").is_in(["interception_return", "fumble_return"]))
    assert (defence["team"] != defence["posteam"]).all()
    kicks = frame.filter(pl.col("play_type").is_in(["kickoff", "punt", "field_goal"]))
    assert kicks["kind"].is_in(list(DST_KINDS)).all()


@needs_shared
def test_plays_whose_text_says_touchdown_do_not_count_unless_the_column_does() -> None:
    said = week_two().filter(pl.col("desc").str.contains("TOUCHDOWN") & (pl.col("touchdown") != 1))
    assert said.height > 0
    kept = extract_touchdowns(week_two()).select("game_id", pl.col("play_id").cast(pl.Float64))
    assert said.join(kept, on=["game_id", "play_id"], how="semi").is_empty()
    reversed_into = extract_touchdowns(week_two()).filter(pl.col("description").str.contains("REVERSED"))
    assert reversed_into.height > 0


@needs_shared
def test_games_without_a_touchdown_have_no_rows_but_a_record() -> None:
    for season, games in {
        2021: {"2021_09_BUF_JAX", "2021_15_NO_TB"},
        2022: {"2022_05_IND_DEN", "2022_18_NYJ_MIA"},
        2024: {"2024_15_LA_SF", "2024_17_SEA_CHI"},
        2025: {"2025_18_KC_LV"},
    }.items():
        records = game_records(real(season))
        assert set(records["game_id"]) - set(real_touchdowns(season)["game_id"]) == games
        assert records.filter(pl.col("game_id").is_in(games))["reaches_end"].all()


# --- order, identity, unknowns ---------------------------------------------------------------------------------------


def test_the_first_touchdown_is_by_order_sequence_not_by_play_id_or_clock() -> None:
    frame = extract_touchdowns(
        plays(
            touchdown("00-0000001", play_id=100.0, order_sequence=30.0, game_seconds_remaining=3500.0),
            touchdown("00-0000002", play_id=900.0, order_sequence=20.0, game_seconds_remaining=100.0),
        )
    )
    assert frame.filter("is_first_td")["player_id"].to_list() == ["00-0000002"]


def test_equal_order_falls_back_to_play_id() -> None:
    frame = extract_touchdowns(
        plays(
            touchdown("00-0000001", play_id=90.0, order_sequence=5.0),
            touchdown("00-0000002", play_id=80.0, order_sequence=5.0),
        )
    )
    assert frame.filter("is_first_td")["player_id"].to_list() == ["00-0000002"]


def test_a_season_without_any_order_sequence_goes_by_play_id() -> None:
    frame = extract_touchdowns(
        plays(touchdown("00-0000001", play_id=90.0), touchdown("00-0000002", play_id=80.0), order_sequence=None)
    )
    assert frame.filter("is_first_td")["player_id"].to_list() == ["00-0000002"]


def test_an_overtime_touchdown_comes_after_regulation_though_its_clock_is_higher() -> None:
    frame = extract_touchdowns(
        plays(
            touchdown("00-0000001", qtr=4.0, game_seconds_remaining=60.0),
            touchdown("00-0000002", qtr=5.0, game_seconds_remaining=500.0),
        )
    )
    assert frame.select("player_id", "quarter", "is_first_td").rows() == [
        ("00-0000001", 4, True),
        ("00-0000002", 5, False),
    ]


@needs_shared
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_order_of_the_rows_in_the_file_changes_nothing(seed: int) -> None:
    order = list(range(week_two().height))
    random.Random(seed).shuffle(order)
    shuffled = week_two()[order]
    assert extract_touchdowns(shuffled).equals(extract_touchdowns(week_two()))
    assert game_records(shuffled).equals(game_records(week_two()))


def test_a_row_that_comes_twice_is_one_touchdown() -> None:
    row = touchdown(play_id=70.0, order_sequence=7.0, qtr=1.0, time="03:11")
    assert extract_touchdowns(plays(row, row))["play_id"].to_list() == [70]


def test_two_touchdowns_under_one_play_id_both_stay_and_differ_in_their_id() -> None:
    frame = extract_touchdowns(
        plays(
            touchdown("00-0000001", play_id=70.0, order_sequence=7.0),
            touchdown("00-0000002", play_id=70.0, order_sequence=9.0, qtr=3.0),
        )
    )
    assert frame["play_id"].to_list() == [70, 70 + REPEATED_PLAY_ID_STEP]
    assert frame["is_first_td"].to_list() == [True, False]


def test_the_same_play_id_in_two_games_is_no_repetition() -> None:
    frame = extract_touchdowns(plays(touchdown(play_id=70.0), touchdown(play_id=70.0, game_id="2025_01_KC_LV")))
    assert frame["play_id"].to_list() == [70, 70]
    assert frame["is_first_td"].all()


def test_a_scorer_upstream_does_not_name_is_kept_and_can_be_first() -> None:
    frame = extract_touchdowns(plays(touchdown(None, team="PIT", pass_touchdown=0.0, interception=1.0), touchdown()))
    assert frame.select("player_id", "player_name", "team", "kind", "is_first_td").row(0) == (
        None,
        None,
        "PIT",
        "interception_return",
        True,
    )


def test_an_empty_text_is_a_missing_one() -> None:
    frame = extract_touchdowns(plays(touchdown("", td_player_name=" ", team="")))
    assert frame.select("player_id", "player_name", "team").row(0) == (None, None, "SEA")


@pytest.mark.parametrize("column", ["pass_touchdown", "rush_touchdown"])
def test_a_missing_team_is_filled_only_where_it_can_only_be_the_offence(column: str) -> None:
    row = touchdown(team=None) | {"pass_touchdown": 0.0, column: 1.0}
    assert extract_touchdowns(plays(row))["team"].to_list() == ["SEA"]


def test_a_missing_team_on_an_interception_stays_missing_and_the_kind_unknown() -> None:
    frame = extract_touchdowns(plays(touchdown(team=None, pass_touchdown=0.0, interception=1.0, return_touchdown=1.0)))
    assert frame.select("team", "kind").row(0) == (None, "unknown")


def test_a_missing_team_on_a_kick_stays_missing_but_it_was_special_teams() -> None:
    frame = extract_touchdowns(plays(touchdown(team=None, pass_touchdown=0.0, play_type="punt")))
    assert frame.select("team", "kind").row(0) == (None, "special_teams")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"play_type": "punt", "team": "SEA"}, "punt_recovery"),
        ({"play_type": "punt", "team": "PIT"}, "punt_return"),
        ({"play_type": "punt", "team": "PIT", "return_touchdown": 1.0}, "punt_return"),
        ({"play_type": "punt", "team": "PIT", "return_touchdown": 0.0}, "blocked_punt"),
        ({"play_type": "punt", "team": "SEA", "rush_touchdown": 1.0}, "rush"),
        ({"play_type": "kickoff", "team": "SEA"}, "kickoff_return"),
        ({"play_type": "kickoff", "team": "PIT"}, "kickoff_recovery"),
        ({"play_type": "field_goal", "team": "PIT", "return_touchdown": 1.0}, "field_goal_return"),
        ({"play_type": "field_goal", "team": "SEA"}, "kick_recovery"),
        ({"play_type": "field_goal", "team": "SEA", "pass_touchdown": 1.0}, "pass"),
        ({"play_type": "run", "team": "SEA", "fumble": 1.0}, "own_fumble"),
        ({"play_type": "run", "team": "PIT", "fumble": 1.0}, "fumble_return"),
        ({"play_type": "pass", "team": "PIT", "interception": 1.0}, "interception_return"),
        ({"play_type": "pass", "team": "SEA", "interception": 1.0}, "after_interception"),
        ({"play_type": "pass", "team": "SEA", "pass_touchdown": 1.0}, "pass"),
        ({"play_type": "run", "team": "SEA", "rush_touchdown": 1.0}, "rush"),
    ],
)
def test_the_kind_follows_from_the_play_and_from_who_scored(values: dict[str, Any], kind: str) -> None:
    row = touchdown(**({"pass_touchdown": 0.0} | values))
    assert extract_touchdowns(plays(row))["kind"].to_list() == [kind]


def test_every_dst_kind_is_a_kind() -> None:
    assert set(KINDS) > DST_KINDS
    assert not DST_KINDS & {"pass", "rush", "own_fumble", "after_interception", "unknown"}


def test_conversions_and_nullified_plays_are_no_touchdowns() -> None:
    frame = plays(
        {"desc": "P.Mahomes pass, TOUCHDOWN, NULLIFIED by penalty", "touchdown": 0.0, "play_type": "no_play"},
        {"desc": "TWO-POINT CONVERSION ATTEMPT. ATTEMPT SUCCEEDS.", "touchdown": 0.0, "td_team": "SEA"},
        {"desc": "TOUCHDOWN", "touchdown": None},
    )
    assert extract_touchdowns(frame).is_empty()
    assert extract_touchdowns(frame).schema == pl.Schema(TOUCHDOWN_SCHEMA)


@pytest.mark.parametrize(
    ("code", "today"), [("OAK", "LV"), ("SD", "LAC"), ("STL", "LA"), ("LAR", "LA"), ("JAC", "JAX")]
)
def test_an_old_or_foreign_team_code_becomes_the_one_of_today(code: str, today: str) -> None:
    row = touchdown(team=code, posteam=today, home_team=today)
    assert extract_touchdowns(plays(row)).select("team", "kind").row(0) == (today, "pass")


def test_text_clock_and_quarter_may_be_missing_columns() -> None:
    frame = plays(touchdown()).drop("desc", "time", "qtr", "play_type_nfl")
    assert extract_touchdowns(frame).select("quarter", "clock", "description").row(0) == (None, None, None)
    assert game_records(frame)["last_quarter"].to_list() == [None]


def test_a_missing_scorer_column_is_an_error_not_an_unknown_scorer() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="td_player_id"):
        extract_touchdowns(plays(touchdown()).drop("td_player_id"))


# --- how far the plays reach -----------------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize("season", [2021, 2022, 2024, 2025])
def test_every_complete_game_reaches_its_end_with_the_schedules_score(season: int) -> None:
    records = game_records(real(season))
    assert records["reaches_end"].all()
    both = records.join(
        schedule().select("game_id", home="home_score", away="away_score"), on="game_id", validate="1:1"
    )
    assert both.height == records.height
    assert (both["home_score"] == both["home"]).all()
    assert (both["away_score"] == both["away"]).all()
    assert 14 <= records.filter(pl.col("seconds_remaining") > 0).height <= 19


@needs_shared
@pytest.mark.parametrize("season", [2021, 2022, 2024, 2025])
@pytest.mark.parametrize("lost", [1, 2, 3, 5, 8, 20, 60])
def test_no_game_cut_off_before_its_last_rows_reaches_its_end(season: int, lost: int) -> None:
    ordered = real(season).sort("game_id", "order_sequence", "play_id")
    cut = ordered.filter(pl.int_range(pl.len(), dtype=pl.Int64).over("game_id") < pl.len().over("game_id") - lost)
    assert cut["game_id"].n_unique() == ordered["game_id"].n_unique()
    assert not game_records(cut)["reaches_end"].any()


@needs_shared
@pytest.mark.parametrize("season", [2021, 2022, 2024, 2025])
def test_no_game_cut_off_at_an_administrative_row_reaches_its_end(season: int) -> None:
    # Quarter ends and comments look most like an ending: cut every game at each of them.
    ordered = (
        real(season)
        .sort("game_id", "order_sequence", "play_id")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).over("game_id").alias("n"))
    )
    pauses = ordered.filter(pl.col("play_type").is_null() & (pl.col("n") < pl.len().over("game_id") - 1))
    pauses = pauses.select("game_id", pl.col("n").alias("last"), pl.int_range(pl.len()).over("game_id").alias("nth"))
    for nth in pauses["nth"].unique():
        cut = ordered.join(pauses.filter(pl.col("nth") == nth).drop("nth"), on="game_id").filter(
            pl.col("n") <= pl.col("last")
        )
        assert not game_records(cut)["reaches_end"].any()


@needs_shared
def test_the_end_is_found_in_dense_files_by_upstreams_own_word() -> None:
    dense = pl.read_parquet(DENSE / "pbp" / "play_by_play_2025.parquet", columns=COLUMNS)
    assert game_records(dense)["reaches_end"].all()
    assert not game_records(dense.filter(pl.col("play_type_nfl") != "END_GAME"))["reaches_end"].any()


def ending(clock: float, score: tuple[float, float], **values: Any) -> pl.DataFrame:
    """A game that ends with an administrative row at `clock`, after a play with SEA on the ball at `score`."""
    return plays(
        {"game_seconds_remaining": 3600.0, "play_type": "kickoff"},
        {
            "game_seconds_remaining": clock + 5.0,
            "posteam_score_post": score[0],
            "defteam_score_post": score[1],
        },
        {"game_seconds_remaining": clock, "play_type": None, "posteam": None} | values,
    )


def test_a_game_that_ends_with_a_lead_at_0_is_complete() -> None:
    assert game_records(ending(0.0, (7.0, 3.0))).row(0, named=True) == {
        "game_id": "2025_01_PIT_SEA",
        "season": 2025,
        "plays": 3,
        "home_score": 7,
        "away_score": 3,
        "last_quarter": None,
        "seconds_remaining": 0.0,
        "reaches_end": True,
    }


def test_tied_at_0_means_that_overtime_is_to_come() -> None:
    assert game_records(ending(0.0, (7.0, 7.0)))["reaches_end"].to_list() == [False]


def test_a_tie_after_overtime_is_complete() -> None:
    tied = ending(0.0, (7.0, 7.0))
    overtime = plays(
        {"game_seconds_remaining": 600.0, "order_sequence": 10.0},
        {"game_seconds_remaining": 0.0, "order_sequence": 11.0, "play_type": None, "posteam": None},
    )
    assert game_records(pl.concat([tied, overtime]))["reaches_end"].to_list() == [True]


def test_sudden_death_leaves_time_on_the_clock_and_is_complete_all_the_same() -> None:
    tied = ending(0.0, (7.0, 7.0))
    overtime = plays(
        {
            "game_seconds_remaining": 500.0,
            "order_sequence": 10.0,
            "posteam": "PIT",
            "posteam_score_post": 10.0,
            "defteam_score_post": 7.0,
        },
        {"game_seconds_remaining": 480.0, "order_sequence": 11.0, "play_type": None, "posteam": None},
    )
    record = game_records(pl.concat([tied, overtime])).row(0, named=True)
    assert (record["reaches_end"], record["home_score"], record["away_score"]) == (True, 7, 10)


def test_a_lead_with_time_left_is_not_the_end() -> None:
    assert game_records(ending(420.0, (7.0, 3.0)))["reaches_end"].to_list() == [False]


def test_a_play_at_0_is_not_the_end_until_the_closing_row_is_there() -> None:
    assert game_records(ending(0.0, (7.0, 3.0), play_type="pass"))["reaches_end"].to_list() == [False]


def test_a_game_without_any_score_in_its_plays_is_incomplete_with_null_scores() -> None:
    record = game_records(plays({"play_type": None, "game_seconds_remaining": 0.0})).row(0, named=True)
    assert (record["home_score"], record["away_score"], record["reaches_end"]) == (None, None, False)


def test_a_relocated_teams_score_is_found_whichever_code_its_plays_use() -> None:
    frame = ending(0.0, (7.0, 3.0)).with_columns(
        pl.lit("OAK").alias("home_team"), pl.col("posteam").replace({"SEA": "LV"})
    )
    assert game_records(frame).select("home_score", "away_score").row(0) == (7, 3)


def test_no_plays_give_no_records_and_no_touchdowns() -> None:
    empty = plays()
    assert game_records(empty).schema == pl.Schema(RECORD_SCHEMA)
    assert game_records(empty).is_empty()
    assert extract_touchdowns(empty).is_empty()
