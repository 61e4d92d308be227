"""The asset `kickoff_decisions`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import kickoff_decisions as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Who received the opening kickoff of each game and how the first drive ended. The toss decision is in no "
    "source: null unless entered by hand."
)


@dg.asset(
    **spec_arguments("kickoff_decisions", schema.kickoff_decisions, DESCRIPTION, "league_data", {"nflverse"}),
    deps=["touchdowns"],
)
def kickoff_decisions(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.kickoff_decisions, work.refresh)
