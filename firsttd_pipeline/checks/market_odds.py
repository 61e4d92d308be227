"""Checks of `market_odds`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import market_quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def venues_answer(season: Season, now: datetime) -> list[Violation]:
    """Every venue that is on answered all that was asked of it."""
    return market_quality.venues_that_failed(season.market_venues())


def legs_understood(season: Season, now: datetime) -> list[Violation]:
    """Every event has its game, every leg its player."""
    return market_quality.legs_not_understood(
        season.season, season.market_events_without_game(), season.market_legs_without_player()
    )


CHECKS = [
    Check("venues_answer", "every market venue that is on answered all that was asked of it", venues_answer),
    Check("legs_understood", "every market event has its game, and every leg of it its player", legs_understood),
]
