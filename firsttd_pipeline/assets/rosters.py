"""The asset `rosters`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import rosters as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Who is on which team in the season, by gsis_id, from nflverse seasonal rosters. A row upstream no longer "
    "has is retired, never deleted."
)


@dg.asset(
    **spec_arguments("rosters", schema.rosters, DESCRIPTION, "league_data", {"nflverse"}),
)
def rosters(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.rosters, work.refresh)
