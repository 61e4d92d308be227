"""Checks of `market_outcomes`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain.market_quality import outcomes_disagree
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.market_outcomes import known_firsts
from firsttd_pipeline.storage.season import Season


def outcomes_agree(season: Season, now: datetime) -> list[Violation]:
    """No venue settled a game otherwise than the plays say."""
    outcomes = season.market_outcomes()
    return [] if outcomes.is_empty() else outcomes_disagree(outcomes, known_firsts(season))


CHECKS = [Check("outcomes_agree", "the venues settled every game as the plays say", outcomes_agree)]
