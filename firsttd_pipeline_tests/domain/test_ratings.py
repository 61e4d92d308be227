"""Elo, on the real schedule and on small ones."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firsttd_pipeline.domain.ratings import RATINGS_SCHEMA, elo_ratings, expected_home_score, rating_change
from firsttd_pipeline_tests.shared_data import SHARED

SCHEMA = {
    "season": pl.Int32,
    "week": pl.Int32,
    "gameday": pl.String,
    "game_id": pl.String,
    "away_team": pl.String,
    "home_team": pl.String,
    "away_score": pl.Int32,
    "home_score": pl.Int32,
    "location": pl.String,
}


def game(
    season: int, week: int, away: str, home: str, score: tuple[int, int] | None, location: str = "Home"
) -> dict[str, Any]:
    return {
        "season": season,
        "week": week,
        "gameday": f"{season}-09-{week:02d}",
        "game_id": f"{season}_{week:02d}_{away}_{home}",
        "away_team": away,
        "home_team": home,
        "away_score": score[0] if score else None,
        "home_score": score[1] if score else None,
        "location": location,
    }


def rated(season: int, *games: dict[str, Any]) -> pl.DataFrame:
    return elo_ratings(pl.DataFrame(list(games), schema=SCHEMA), season)


def elo(frame: pl.DataFrame, team: str, week: int) -> float:
    return float(frame.row(by_predicate=(pl.col("team") == team) & (pl.col("week") == week), named=True)["elo_rating"])


@pytest.fixture(scope="module")
def schedule() -> pl.DataFrame:
    return pl.read_parquet(SHARED / "nflverse/schedules/games.parquet")


def test_a_home_win_between_equals_is_worth_less_than_an_away_win() -> None:
    # expected at home: 1 / (1 + 10^(-50/400)) = 0.571463...
    home_won = rated(2025, game(2025, 1, "SEA", "NE", (10, 20)))
    assert elo(home_won, "NE", 1) == pytest.approx(1510.713422, abs=1e-6)
    assert elo(home_won, "SEA", 1) == pytest.approx(1489.286578, abs=1e-6)
    away_won = rated(2025, game(2025, 1, "SEA", "NE", (20, 10)))
    assert elo(away_won, "SEA", 1) == pytest.approx(1514.286578, abs=1e-6)


def test_at_a_neutral_site_nobody_is_at_home() -> None:
    frame = rated(2025, game(2025, 1, "SEA", "NE", (10, 20), "Neutral"))
    assert elo(frame, "NE", 1) == 1512.5


def test_a_tie_is_half_a_win() -> None:
    frame = rated(2025, game(2025, 1, "SEA", "NE", (20, 20), "Neutral"))
    assert frame.filter(pl.col("week") == 1).select("elo_rating", "wins", "losses", "ties").rows() == [
        (1500.0, 0, 0, 1),
        (1500.0, 0, 0, 1),
    ]
    at_home = rated(2025, game(2025, 1, "SEA", "NE", (20, 20)))
    assert elo(at_home, "NE", 1) < 1500 < elo(at_home, "SEA", 1)


def test_a_third_goes_back_to_the_mean_each_season_and_twice_over_a_gap() -> None:
    first = game(2023, 1, "SEA", "NE", (10, 20), "Neutral")
    assert elo(rated(2024, first, game(2024, 1, "SEA", "NE", None)), "NE", 0) == pytest.approx(1500 + 12.5 * 2 / 3)
    assert elo(rated(2025, first, game(2025, 1, "SEA", "NE", None)), "NE", 0) == pytest.approx(1500 + 12.5 * 4 / 9)


def test_a_relocated_team_keeps_its_rating_under_its_new_code() -> None:
    frame = rated(2020, game(2019, 1, "DEN", "OAK", (0, 30), "Neutral"), game(2020, 1, "LV", "DEN", (3, 0), "Neutral"))
    assert elo(frame, "LV", 0) == pytest.approx(1508.333333)
    assert set(frame["team"]) == {"DEN", "LV"}


def test_an_old_season_has_the_codes_of_its_own_schedule(schedule: pl.DataFrame) -> None:
    teams = set(elo_ratings(schedule, 2015)["team"])
    assert {"OAK", "SD", "STL"} <= teams
    assert not {"LV", "LAC", "LA"} & teams
    old, new = elo_ratings(schedule, 2019), elo_ratings(schedule, 2020)
    assert elo(new, "LV", 0) == pytest.approx(1500 + (elo(old, "OAK", 21) - 1500) * 2 / 3, abs=1e-5)


def test_everybody_starts_at_1500_and_so_does_houston_in_2002(schedule: pl.DataFrame) -> None:
    first = elo_ratings(schedule, 1999).filter(pl.col("week") == 0)
    assert first.height == 31
    assert first["elo_rating"].unique().to_list() == [1500.0]
    entering = elo_ratings(schedule, 2002).filter(pl.col("week") == 0)
    assert elo(entering, "HOU", 0) == 1500.0
    assert entering.filter(pl.col("elo_rating") == 1500.0)["team"].to_list() == ["HOU"]


def test_2025_has_32_teams_in_week_0_and_in_each_of_22_weeks_and_seattle_ends_it_at_17_and_3(
    schedule: pl.DataFrame,
) -> None:
    frame = elo_ratings(schedule, 2025)
    assert dict(frame.schema) == RATINGS_SCHEMA
    assert frame.height == 32 * 23
    assert frame.select("team", "week").is_unique().all()
    games = schedule.filter((pl.col("season") == 2025) & (pl.col("home_score").is_not_null()))
    last = frame.filter(pl.col("week") == 22)
    assert last["games_played"].sum() == 2 * games.height
    assert last["wins"].sum() == last["losses"].sum()
    assert (
        last["points_for"].sum()
        == last["points_against"].sum()
        == games["home_score"].sum() + games["away_score"].sum()
    )
    for team in ("SEA", "NE", "GB"):
        own = games.filter((pl.col("home_team") == team) | (pl.col("away_team") == team))
        won = own.filter((pl.col("result") > 0) == (pl.col("home_team") == team), pl.col("result") != 0)
        assert last.row(by_predicate=pl.col("team") == team, named=True)["wins"] == won.height


def test_ratings_sum_to_1500_per_team_in_every_week(schedule: pl.DataFrame) -> None:
    sums = elo_ratings(schedule, 2001).group_by("week").agg(pl.col("elo_rating").mean())
    assert sums["elo_rating"].to_list() == pytest.approx([1500.0] * sums.height, abs=1e-5)


def test_a_season_rated_alone_or_with_later_ones_in_the_schedule_is_the_same(schedule: pl.DataFrame) -> None:
    until = schedule.filter(pl.col("season") <= 2021)
    assert elo_ratings(until, 2021).equals(elo_ratings(schedule, 2021))
    assert elo_ratings(schedule.sample(fraction=1.0, shuffle=True, seed=7), 2021).equals(elo_ratings(schedule, 2021))


def test_a_season_not_begun_has_week_0_only(schedule: pl.DataFrame) -> None:
    frame = elo_ratings(schedule, 2026)
    assert frame["week"].unique().to_list() == [0]
    assert frame.height == 32
    assert frame["rating_trend"].unique().to_list() == ["STABLE"]
    assert frame["games_played"].sum() == 0


def test_a_season_that_is_in_no_schedule_has_no_rows(schedule: pl.DataFrame) -> None:
    frame = elo_ratings(schedule, 2050)
    assert frame.is_empty()
    assert dict(frame.schema) == RATINGS_SCHEMA


def test_a_game_with_one_score_is_not_rated() -> None:
    half = game(2025, 1, "SEA", "NE", (3, 0)) | {"away_score": None}
    assert rated(2025, half)["week"].to_list() == [0, 0]


def test_a_team_with_a_bye_keeps_its_rating_that_week() -> None:
    frame = rated(
        2025,
        game(2025, 1, "SEA", "NE", (30, 0)),
        game(2025, 1, "KC", "LV", (30, 0)),
        game(2025, 2, "KC", "LV", (30, 0)),
        game(2025, 3, "SEA", "NE", None),
    )
    assert elo(frame, "SEA", 2) == elo(frame, "SEA", 1)
    assert frame["week"].max() == 2


def test_the_trend_is_of_the_last_three_games() -> None:
    scores = [(30, 0), (30, 0), (30, 0), (0, 30), (0, 30), (0, 30)]
    frame = rated(2025, *(game(2025, w, "SEA", "NE", s, "Neutral") for w, s in enumerate(scores, 1)))
    trends = frame.filter(pl.col("team") == "SEA")["rating_trend"].to_list()
    assert trends == ["STABLE", "UP", "UP", "UP", "STABLE", "DOWN", "DOWN"]


@given(st.floats(1000, 2000), st.floats(1000, 2000), st.integers(0, 60), st.integers(0, 60), st.booleans())
def test_a_game_takes_from_one_what_it_gives_the_other_and_never_more_than_k(
    home: float, away: float, home_points: int, away_points: int, neutral: bool
) -> None:
    change = rating_change(home, away, home_points, away_points, neutral=neutral)
    assert abs(change) <= 25
    if home_points > away_points:
        assert change >= 0
    if neutral:
        mirrored = rating_change(away, home, away_points, home_points, neutral=True)
        assert mirrored == pytest.approx(-change, abs=1e-9)
        assert expected_home_score(home, away, neutral=True) + expected_home_score(
            away, home, neutral=True
        ) == pytest.approx(1.0)
    scores = (away_points, home_points)
    frame = rated(2025, game(2025, 1, "SEA", "NE", scores, "Neutral" if neutral else "Home"))
    assert frame.filter(pl.col("week") == 1)["elo_rating"].sum() == pytest.approx(3000.0, abs=1e-5)
