"""Checks of `member_market_stats`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import market_quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def picks_counted(season: Season, now: datetime) -> list[Violation]:
    """Every member's row counts exactly his picks."""
    return market_quality.members_miscounted(season.members_miscounted_by_market())


CHECKS = [Check("picks_counted", "every member's market statistics count exactly his picks", picks_counted)]
