"""The asset `leaderboard`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import leaderboard as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The standings: season total (week 0) and each week. Ties share a rank; pending and void picks never "
    "count as losses."
)

leaderboard = define_asset(
    "leaderboard",
    table=schema.leaderboard,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="standings",
    deps=["player_stats"],
)
