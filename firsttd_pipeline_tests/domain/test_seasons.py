"""Seasons, kickoffs, game states and weeks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from nflreadpy import utils_date

from firsttd_pipeline.domain.seasons import (
    GameId,
    default_season,
    game_status,
    game_type_of,
    kickoff_at,
    kickoff_expr,
    last_week,
    parse_game_id,
    playoff_week,
    plays_due,
    roster_due,
    season_opens,
    status_expr,
    week_label,
)
from firsttd_pipeline_tests.shared_data import SHARED

SCHEDULE = SHARED / "nflverse/schedules/games.parquet"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "season"),
    [
        ("2026-03-15T03:59:59+00:00", 2025),  # 14 March, 23:59:59 in New York
        ("2026-03-15T04:00:00+00:00", 2026),  # 15 March in New York
        ("2026-03-15T08:00:00+09:00", 2025),  # already the 15th in Tokyo, not in New York
        ("2026-01-01T00:00:00+00:00", 2025),
        ("2026-12-31T23:59:00-05:00", 2026),
        ("2024-02-29T12:00:00-05:00", 2023),
    ],
)
def test_the_season_turns_on_15_march_in_new_york_whatever_the_hosts_date(now: str, season: int) -> None:
    assert default_season(at(now)) == season


def test_a_naive_now_is_refused_everywhere() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    for ask in (lambda: default_season(naive), lambda: plays_due(2025, naive), lambda: status_expr(naive)):
        with pytest.raises(ValueError, match="naive datetime"):
            ask()


@pytest.mark.parametrize("season", range(1999, 2040))
def test_due_dates_are_nflreadpys_own_rules(season: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opens = season_opens(season)
    for day in (date(season, 3, 14), date(season, 3, 15), opens - timedelta(days=1), opens, date(season + 1, 1, 1)):

        class Today(date):
            @classmethod
            def today(cls, day: date = day) -> date:
                return day

        monkeypatch.setattr(utils_date, "date", Today)
        noon = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
        assert plays_due(season, noon) == (season <= utils_date.get_current_season())
        assert roster_due(season, noon) == (season <= utils_date.get_current_season(roster=True))


def test_plays_of_2026_are_due_from_the_thursday_after_labor_day() -> None:
    assert season_opens(2026) == date(2026, 9, 10)
    assert not plays_due(2026, at("2026-09-10T03:59:00+00:00"))
    assert plays_due(2026, at("2026-09-10T04:00:00+00:00"))


@pytest.mark.parametrize(
    ("gameday", "gametime", "utc"),
    [
        ("2025-09-04", "20:20", "2025-09-05T00:20:00+00:00"),
        ("2025-11-02", "13:00", "2025-11-02T18:00:00+00:00"),  # the day summer time ends
        ("2025-10-26", "13:00", "2025-10-26T17:00:00+00:00"),
        ("2025-10-05", "09:30", "2025-10-05T13:30:00+00:00"),  # London
        ("2026-02-08", "18:30", "2026-02-08T23:30:00+00:00"),
    ],
)
def test_kickoff_is_eastern_time_as_an_instant(gameday: str, gametime: str, utc: str) -> None:
    assert kickoff_at(gameday, gametime) == at(utc)


@pytest.mark.parametrize(
    ("gameday", "gametime"),
    [(None, "13:00"), ("2025-09-07", None), ("2025-09-07", ""), ("2025-09-07", "TBD"), ("2025-02-30", "13:00")],
)
def test_a_game_without_a_readable_time_has_no_kickoff(gameday: str | None, gametime: str | None) -> None:
    assert kickoff_at(gameday, gametime) is None
    frame = pl.DataFrame(
        {"gameday": [gameday], "gametime": [gametime]},
        schema_overrides=dict.fromkeys(("gameday", "gametime"), pl.String),
    )
    assert frame.select(kickoff_expr()).item() is None


def test_the_column_form_equals_the_single_form_on_every_game_since_1999() -> None:
    schedule = pl.read_parquet(SCHEDULE)
    column = schedule.select(kickoff_expr().alias("k"))["k"]
    assert column.dtype == pl.Datetime("us", "UTC")
    assert column.to_list() == [kickoff_at(d, t) for d, t in schedule.select("gameday", "gametime").iter_rows()]
    now = at("2025-09-20T12:00:00+00:00")
    states = schedule.with_columns(column.alias("kickoff_at")).with_columns(status_expr(now).alias("s"))
    single = [
        game_status(h, a, k, now) for h, a, k in states.select("home_score", "away_score", "kickoff_at").iter_rows()
    ]
    assert states["s"].to_list() == single


KICKOFF = datetime(2025, 9, 5, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("scores", "hours", "status"),
    [
        ((None, None), -1, "scheduled"),
        ((None, None), 0, "in_progress"),
        ((None, None), 5.99, "in_progress"),
        ((None, None), 6, "scheduled"),
        ((24, 20), -1, "scheduled"),
        ((24, 20), 0, "final"),
        ((0, 0), 4, "final"),
        ((24, None), 4, "scheduled"),
    ],
)
def test_status_follows_from_scores_and_kickoff(
    scores: tuple[int | None, int | None], hours: float, status: str
) -> None:
    now = KICKOFF + timedelta(hours=hours)
    assert game_status(*scores, KICKOFF, now) == status
    frame = pl.DataFrame(
        {"home_score": [scores[0]], "away_score": [scores[1]], "kickoff_at": [KICKOFF]},
        schema={"home_score": pl.Int64, "away_score": pl.Int64, "kickoff_at": pl.Datetime("us", "UTC")},
    )
    assert frame.select(status_expr(now)).item() == status


def test_a_game_without_kickoff_is_scheduled_even_with_scores() -> None:
    assert game_status(3, 0, None, KICKOFF) == "scheduled"


def test_the_week_two_snapshot_has_32_final_and_240_scheduled_games() -> None:
    schedule = pl.read_parquet(SHARED / "nflverse_2025_week02/schedules/games.parquet").filter(pl.col("season") == 2025)
    states = schedule.with_columns(kickoff_expr().alias("kickoff_at")).select(
        status_expr(at("2025-09-20T12:00:00+00:00")).alias("s")
    )
    assert dict(states["s"].value_counts().iter_rows()) == {"final": 32, "scheduled": 240}


def test_every_game_id_since_1999_parses_to_its_own_columns() -> None:
    schedule = pl.read_parquet(SCHEDULE, columns=["game_id", "season", "week", "away_team", "home_team", "game_type"])
    for game_id, season, week, away, home, game_type in schedule.iter_rows():
        parsed = parse_game_id(game_id)
        assert parsed == GameId(season, week, away, home)
        assert str(parsed) == game_id
        assert game_type_of(season, week) == game_type
        if game_type != "REG":
            assert playoff_week(season, game_type) == week


@pytest.mark.parametrize(
    "text",
    ["", "2025_1_SEA_NE", "2025_23_SEA_NE", "2020_22_KC_TB", "2025_00_SEA_NE", "2025_01_SEA_SEA", "x2025_01_SEA_NE",
     "2025_01_SEA_NE_", "２０２５_01_SEA_NE", "2025-01-SEA-NE"],
)  # fmt: skip
def test_what_is_no_game_id_parses_to_nothing(text: str) -> None:
    assert parse_game_id(text) is None


def test_playoff_rounds_follow_week_17_until_2020_and_week_18_after() -> None:
    assert [playoff_week(2020, r) for r in ("WC", "DIV", "CON", "SB")] == [18, 19, 20, 21]
    assert [playoff_week(2021, r) for r in ("wc", "div", "con", "sb")] == [19, 20, 21, 22]
    assert (last_week(2020), last_week(2021)) == (21, 22)
    with pytest.raises(ValueError, match="allowed are WC, DIV, CON, SB"):
        playoff_week(2021, "PRO")


def test_weeks_are_named_for_people() -> None:
    assert week_label(2025, 0) == "Season"
    assert week_label(2025, 18) == "Week 18"
    assert week_label(2020, 18) == "Wild Card"
    assert week_label(2025, 22) == "Super Bowl"
    assert week_label(2025, 22, "SB") == "Super Bowl"
    with pytest.raises(ValueError, match="weeks are 1 to 22"):
        game_type_of(2025, 23)
