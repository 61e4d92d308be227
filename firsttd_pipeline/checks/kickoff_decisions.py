"""Checks of `kickoff_decisions`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def receivers_play(season: Season, now: datetime) -> list[Violation]:
    """The team that received the opening kickoff is one of the game's two."""
    return quality.receivers_play(season.kickoffs(), season.games())


CHECKS = [
    Check("receivers_play", "the receiver of every opening kickoff is one of the game's two teams", receivers_play),
]
