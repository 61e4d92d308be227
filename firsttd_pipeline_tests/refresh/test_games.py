"""Claims about what became of a game that the schedule no longer has."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from firsttd_pipeline.refresh.games import Departures, departed

LEFT = datetime(2023, 1, 6, 7, tzinfo=UTC)


def games(*ids: str, left: datetime | None = None) -> pl.DataFrame:
    """Rows of `games` by their ids, with what deciding needs."""
    parts = [(one, *one.split("_")) for one in ids]
    return pl.DataFrame(
        [(one, int(season), int(week), home, away, left) for one, season, week, away, home in parts],
        schema={
            "id": pl.String,
            "season": pl.Int64,
            "week": pl.Int64,
            "home_team": pl.String,
            "away_team": pl.String,
            "deleted_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )


def test_a_playoff_game_is_not_the_new_date_of_a_game_that_was_called_off() -> None:
    gone, rematch, other = "2022_17_BUF_CIN", "2022_20_CIN_BUF", "2022_17_KC_DEN"
    at_once = departed(games(gone, other), games(other, rematch))
    assert at_once == Departures(cancelled=[gone])
    later = departed(pl.concat([games(gone, left=LEFT), games(other)]), games(other, rematch))
    assert later == Departures()


def test_a_game_played_in_another_week_or_at_the_other_home_has_moved() -> None:
    assert departed(games("2017_01_TB_MIA"), games("2017_11_TB_MIA")).moved == {"2017_01_TB_MIA": "2017_11_TB_MIA"}
    assert departed(games("2017_01_TB_MIA"), games("2017_11_MIA_TB")).moved == {"2017_01_TB_MIA": "2017_11_MIA_TB"}
