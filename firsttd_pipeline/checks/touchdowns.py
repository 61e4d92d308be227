"""Checks of `touchdowns`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def one_first_touchdown(season: Season, now: datetime) -> list[Violation]:
    """Every final game with touchdowns has exactly one first touchdown, the earliest."""
    return quality.one_first_touchdown(season.games(), season.touchdowns())


def no_orphans(season: Season, now: datetime) -> list[Violation]:
    """Every touchdown and every record belongs to a game."""
    games = season.all_game_ids()
    found = []
    for name, rows in (
        ("touchdowns", season.stray_touchdowns()),
        ("game records", season.records()),
    ):
        found += quality.orphans(rows, games, column="game_id", child_name=name, parent_name="game")
    return found


def final_games_have_plays(season: Season, now: datetime) -> list[Violation]:
    """Every final game has plays, or kicked off less than 48 hours ago."""
    return quality.games_without_plays(season.games(), season.records(), now)


def plays_agree_with_schedule(season: Season, now: datetime) -> list[Violation]:
    """The plays of every final game reach its end with the schedule's score."""
    return quality.scores_match_plays(season.games(), season.records())


def scorers_on_rosters(season: Season, now: datetime) -> list[Violation]:
    """Every scorer is on a roster of the season, or is listed."""
    return quality.scorers_on_rosters(season.touchdowns(), season.rosters())


CHECKS = [
    Check(
        "one_first_touchdown", "every final game with touchdowns has exactly one first touchdown",
        one_first_touchdown, blocking=True,
    ),
    Check("no_orphans", "every touchdown belongs to a game", no_orphans, blocking=True),
    Check("final_games_have_plays", "every final game has plays or a known reason", final_games_have_plays),
    Check(
        "plays_agree_with_schedule", "the plays of every final game reach its end with the schedule's score",
        plays_agree_with_schedule,
    ),
    Check("scorers_on_rosters", "every scorer is known and on a roster of the season", scorers_on_rosters),
]  # fmt: skip
