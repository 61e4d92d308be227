"""Checks of `rosters`."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season


def positions_known(season: Season, now: datetime) -> list[Violation]:
    """Under 5 % of the current roster rows are without a position."""
    return quality.unknown_positions(season.rosters().filter(pl.col("retired_at").is_null()))


CHECKS = [
    Check("positions_known", "fewer than 5 % of the players on rosters have no position", positions_known),
]
