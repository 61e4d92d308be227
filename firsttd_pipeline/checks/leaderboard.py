"""Checks of `leaderboard`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def adds_up_to_results(season: Season, now: datetime) -> list[Violation]:
    """The standings are what the picks' grades give."""
    grades = season.picks_with_status()
    return quality.leaderboard_adds_up(season.leaderboard(), grades, season.season)


CHECKS = [
    Check("adds_up_to_results", "the standings are exactly what the picks' grades give", adds_up_to_results),
]
