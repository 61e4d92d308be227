"""Season partitions: one partition is one NFL season, and a new one appears by itself every 1 March."""

from datetime import datetime

import dagster as dg

from firsttd_pipeline.domain.seasons import FIRST_SEASON

# A season is named by the year it starts in. end_offset=1 lists the running season, which has not ended yet.
season_partitions = dg.TimeWindowPartitionsDefinition(
    start=datetime(FIRST_SEASON, 3, 1),  # noqa: DTZ001 - the zone is the next argument but one
    fmt="%Y",
    cron_schedule="0 0 1 3 *",
    timezone="America/New_York",
    end_offset=1,
)


def season_of(partition_key: str) -> int:
    """The season of a partition key: `"2025"` is 2025."""
    return int(partition_key)
