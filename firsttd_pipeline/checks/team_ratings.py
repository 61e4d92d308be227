"""Checks of `team_ratings`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def ratings_count_games(season: Season, now: datetime) -> list[Violation]:
    """Every team's last rating counts exactly its final games."""
    return quality.ratings_agree(season.team_ratings(), season.games())


CHECKS = [
    Check("ratings_count_games", "every team's last rating counts exactly its final games", ratings_count_games),
]
