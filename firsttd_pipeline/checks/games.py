"""Checks of `games`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def statuses_follow_scores(season: Season, now: datetime) -> list[Violation]:
    """Status, scores and kickoff agree."""
    return quality.statuses_and_scores(season.games(), now)


def games_scored(season: Season, now: datetime) -> list[Violation]:
    """No game is without a score a day after its kickoff."""
    return quality.unscored_games(season.games(), now)


CHECKS = [
    Check(
        "statuses_follow_scores", "every game's status follows from its scores and kickoff",
        statuses_follow_scores, blocking=True,
    ),
    Check("games_scored", "every game has a score a day after its kickoff", games_scored),
]  # fmt: skip
