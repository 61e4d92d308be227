"""Elo ratings of the teams, week by week, from the schedule's whole history.

Every game since the first season of the schedule counts, whatever seasons the database holds: rating one season alone
gives what rating all of them gives.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import Final

import polars as pl

from firsttd_pipeline.domain.teams import canonical_expr

START: Final = 1500.0
K: Final = 25.0
HOME_ADVANTAGE: Final = 50.0
SCALE: Final = 400.0
CARRIED_OVER: Final = 2 / 3
TREND_GAMES: Final = 3
TREND_POINTS: Final = 10.0
"""UP or DOWN is a change of at least this over the last three games (an even game is worth 12.5)."""
_DECIMALS: Final = 6

RATINGS_SCHEMA: Final[dict[str, pl.DataType]] = {
    "team": pl.String(),
    "season": pl.Int64(),
    "week": pl.Int64(),
    "elo_rating": pl.Float64(),
    "games_played": pl.Int64(),
    "wins": pl.Int64(),
    "losses": pl.Int64(),
    "ties": pl.Int64(),
    "points_for": pl.Int64(),
    "points_against": pl.Int64(),
    "rating_trend": pl.String(),
}


def expected_home_score(home: float, away: float, *, neutral: bool = False) -> float:
    """The home team's expected score, 0 to 1, from both ratings; at a neutral site nobody is at home."""
    edge = home - away + (0.0 if neutral else HOME_ADVANTAGE)
    return float(1.0 / (1.0 + 10.0 ** (-edge / SCALE)))


def rating_change(home: float, away: float, home_points: int, away_points: int, *, neutral: bool = False) -> float:
    """What the home team gains and the away team loses by this game; a tie is half a win."""
    score = 1.0 if home_points > away_points else 0.0 if home_points < away_points else 0.5
    return K * (score - expected_home_score(home, away, neutral=neutral))


def elo_ratings(schedule: pl.DataFrame, season: int) -> pl.DataFrame:
    """The ratings of one season (`RATINGS_SCHEMA`), sorted by week and team.

    One row per team of the season's schedule for week 0 (entering the season) and for each week with a final game
    (after it; a team with a bye keeps its rating). Games, results and points are the season's so far, playoffs
    included. `team` is the code that the season's schedule has, so that the rows join `games`; the rating itself
    follows a relocated team (OAK to LV). A team without a past starts at 1500. A game is final when it has both scores.

    Args:
        schedule: nflverse's columns season, week, gameday, game_id, home_team, away_team, home_score, away_score,
            location, of all seasons.
    """
    ratings = _entering(schedule, season)
    games = schedule.filter(pl.col("season") == season).sort("week", "gameday", "game_id")
    teams = sorted(set(games["home_team"]) | set(games["away_team"]))
    # within one season a code is one team: from here on the schedule's own codes will do
    lineage = dict(
        pl.DataFrame({"code": teams}, schema={"code": pl.String})
        .select("code", canonical_expr("code").alias("team"))
        .iter_rows()
    )
    standing = {code: _Standing(code, ratings.get(lineage[code], START)) for code in teams}
    rows = [state.row(season, 0) for state in standing.values()]
    final = games.filter(pl.col("home_score").is_not_null() & pl.col("away_score").is_not_null())
    columns = ("week", "home_team", "away_team", "home_score", "away_score", "location")
    for week, played in groupby(final.select(columns).iter_rows(), key=itemgetter(0)):
        for _, home, away, home_points, away_points, location in played:
            h, a = standing[home], standing[away]
            change = rating_change(h.rating, a.rating, home_points, away_points, neutral=location == "Neutral")
            h.play(change, home_points, away_points)
            a.play(-change, away_points, home_points)
        rows += [state.row(season, week) for state in standing.values()]
    return pl.DataFrame(rows, schema=RATINGS_SCHEMA, orient="row")


def _entering(schedule: pl.DataFrame, season: int) -> dict[str, float]:
    """Every team's rating (by today's code) as it enters the season."""
    past = (
        schedule.filter(
            (pl.col("season") < season) & pl.col("home_score").is_not_null() & pl.col("away_score").is_not_null()
        )
        .sort("season", "week", "gameday", "game_id")
        .select(
            "season",
            canonical_expr("home_team").alias("home"),
            canonical_expr("away_team").alias("away"),
            "home_score",
            "away_score",
            (pl.col("location") == "Neutral").fill_null(False).alias("neutral"),
        )
    )
    ratings: dict[str, float] = {}
    current: int | None = None
    columns = [past[name].to_list() for name in past.columns]
    for year, home, away, home_points, away_points, neutral in zip(*columns, strict=True):
        if year != current:
            if current is not None:
                _back_to_mean(ratings, year - current)
            current = year
        h = ratings.get(home, START)
        a = ratings.get(away, START)
        change = rating_change(h, a, home_points, away_points, neutral=neutral)
        ratings[home] = h + change
        ratings[away] = a - change
    if current is not None:
        _back_to_mean(ratings, season - current)
    return ratings


def _back_to_mean(ratings: dict[str, float], seasons: int) -> None:
    carried = CARRIED_OVER**seasons
    for team, rating in ratings.items():
        ratings[team] = START + (rating - START) * carried


class _Standing:
    """A team's season so far."""

    __slots__ = ("against", "code", "losses", "past", "points", "rating", "ties", "wins")

    def __init__(self, code: str, rating: float) -> None:
        self.code = code
        self.rating = rating
        self.past: list[float] = []
        self.wins = self.losses = self.ties = self.points = self.against = 0

    def play(self, change: float, points: int, against: int) -> None:
        self.past.append(self.rating)
        self.rating += change
        self.wins += points > against
        self.losses += points < against
        self.ties += points == against
        self.points += points
        self.against += against

    def row(self, season: int, week: int) -> tuple[str | int | float, ...]:
        played = len(self.past)
        moved = self.rating - self.past[-min(TREND_GAMES, played)] if played else 0.0
        trend = "UP" if moved >= TREND_POINTS else "DOWN" if moved <= -TREND_POINTS else "STABLE"
        return (
            self.code,
            season,
            week,
            round(self.rating, _DECIMALS),
            played,
            self.wins,
            self.losses,
            self.ties,
            self.points,
            self.against,
            trend,
        )
