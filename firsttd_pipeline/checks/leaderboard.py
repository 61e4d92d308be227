"""Checks of `leaderboard`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks import frames
from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh import leaderboard as work
from firsttd_pipeline.refresh.base import League


def adds_up_to_results(league: League, season: int, now: datetime) -> list[Violation]:
    """The standings are what the picks' grades give."""
    grades = league.db.frame(work.grades_query(season))
    return quality.leaderboard_adds_up(frames.leaderboard(league, season), grades, season)


CHECKS = [
    Check("adds_up_to_results", "the standings are exactly what the picks' grades give", adds_up_to_results),
]
