"""The asset `team_ratings`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import team_ratings as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Elo of every team after each week, from the whole schedule since 1999: 1500, K 25, home 50, a third back "
    "to the mean each season."
)


@dg.asset(
    **spec_arguments("team_ratings", schema.team_ratings, DESCRIPTION, "league_data", {"nflverse"}),
    deps=["games"],
)
def team_ratings(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.team_ratings, work.refresh)
