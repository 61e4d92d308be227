"""Checks of `player_stats`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def positions_known(season: Season, now: datetime) -> list[Violation]:
    """Under 5 % of the players have no position."""
    return quality.unknown_positions(season.player_stats())


def first_touchdowns_counted(season: Season, now: datetime) -> list[Violation]:
    """No player has fewer first touchdowns than the plays say."""
    return quality.first_counts_agree(season.player_stats(), season.touchdowns())


CHECKS = [
    Check("positions_known", "fewer than 5 % of the players have no position", positions_known),
    Check(
        "first_touchdowns_counted", "every first touchdown in the plays is counted for its player",
        first_touchdowns_counted, blocking=True,
    ),
]  # fmt: skip
