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


def first_touchdowns_current(season: Season, now: datetime) -> list[Violation]:
    """The stored first touchdowns are those that touchdowns and results count to: triggers and nightly run agree."""
    return quality.first_counts_current(season.miscounted())


CHECKS = [
    Check("positions_known", "fewer than 5 % of the players have no position", positions_known),
    Check(
        "first_touchdowns_counted", "every first touchdown in the plays is counted for its player",
        first_touchdowns_counted, blocking=True,
    ),
    Check(
        "first_touchdowns_current", "each player's first touchdowns are what touchdowns and results count to",
        first_touchdowns_current,
    ),
]  # fmt: skip
