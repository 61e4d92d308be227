"""The asset `player_stats`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import player_stats as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "One row per player of the season: games, first and any-time touchdowns, red zone, form, how often picked "
    "and hit."
)


@dg.asset(
    **spec_arguments("player_stats", schema.player_stats, DESCRIPTION, "standings", set()),
    deps=["results"],
)
def player_stats(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.player_stats, work.refresh)
