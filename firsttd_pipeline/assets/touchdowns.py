"""The asset `touchdowns`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import touchdowns as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Every valid touchdown of the season with the scorer as upstream names him, and one first touchdown a "
    "game. Unknown scorers stay unknown."
)


@dg.asset(
    **spec_arguments("touchdowns", schema.touchdowns, DESCRIPTION, "league_data", {"nflverse"}),
    deps=["rosters", "games"],
)
def touchdowns(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.touchdowns, work.refresh)
