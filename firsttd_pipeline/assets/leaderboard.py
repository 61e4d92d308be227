"""The asset `leaderboard`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import leaderboard as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The standings: season total (week 0) and each week. Ties share a rank; pending and void picks never "
    "count as losses."
)


@dg.asset(
    **spec_arguments("leaderboard", schema.leaderboard, DESCRIPTION, "standings", set()),
    deps=["player_stats"],
)
def leaderboard(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.leaderboard, work.refresh)
