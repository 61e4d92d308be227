"""Checks of `pick_market_odds`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import market_quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def closing_lines(season: Season, now: datetime) -> list[Violation]:
    """Every pick of a game that is over has its closing line at each venue that listed the player."""
    return market_quality.picks_without_closing(season.picks_without_closing())


CHECKS = [
    Check(
        "closing_lines", "every pick of a game that is over has a closing line at each venue that listed the player",
        closing_lines,
    ),
]  # fmt: skip
