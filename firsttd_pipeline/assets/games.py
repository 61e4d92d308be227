"""The asset `games`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import games as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The season schedule with kickoffs in UTC, scores and status. A game that leaves the schedule is marked "
    "postponed or cancelled and its picks follow it."
)


@dg.asset(
    **spec_arguments("games", schema.games, DESCRIPTION, "league_data", {"nflverse"}),
)
def games(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.games, work.refresh)
