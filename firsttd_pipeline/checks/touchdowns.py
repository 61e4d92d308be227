"""Checks of `touchdowns`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks import frames
from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh.base import League


def one_first_touchdown(league: League, season: int, now: datetime) -> list[Violation]:
    """Every final game with touchdowns has exactly one first touchdown, the earliest."""
    return quality.one_first_touchdown(frames.games(league, season), frames.touchdowns(league, season))


def no_orphans(league: League, season: int, now: datetime) -> list[Violation]:
    """Every touchdown and every record belongs to a game."""
    games = frames.game_ids(league)
    found = []
    for name, rows in (
        ("touchdowns", frames.all_touchdowns(league, season)),
        ("game records", frames.records(league, season)),
    ):
        found += quality.orphans(rows, games, column="game_id", child_name=name, parent_name="game")
    return found


def final_games_have_plays(league: League, season: int, now: datetime) -> list[Violation]:
    """Every final game has plays, or kicked off less than 48 hours ago."""
    return quality.games_without_plays(frames.games(league, season), frames.records(league, season), now)


def plays_agree_with_schedule(league: League, season: int, now: datetime) -> list[Violation]:
    """The plays of every final game reach its end with the schedule's score."""
    return quality.scores_match_plays(frames.games(league, season), frames.records(league, season))


def scorers_on_rosters(league: League, season: int, now: datetime) -> list[Violation]:
    """Every scorer is on a roster of the season, or is listed."""
    return quality.scorers_on_rosters(frames.touchdowns(league, season), frames.rosters(league, season))


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
