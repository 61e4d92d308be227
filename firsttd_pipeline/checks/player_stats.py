"""Checks of `player_stats`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks import frames
from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh.base import League


def positions_known(league: League, season: int, now: datetime) -> list[Violation]:
    """Under 5 % of the players have no position."""
    return quality.unknown_positions(frames.player_stats(league, season))


def first_touchdowns_counted(league: League, season: int, now: datetime) -> list[Violation]:
    """No player has fewer first touchdowns than the plays say."""
    return quality.first_counts_agree(frames.player_stats(league, season), frames.touchdowns(league, season))


CHECKS = [
    Check("positions_known", "fewer than 5 % of the players have no position", positions_known),
    Check(
        "first_touchdowns_counted", "every first touchdown in the plays is counted for its player",
        first_touchdowns_counted, blocking=True,
    ),
]  # fmt: skip
