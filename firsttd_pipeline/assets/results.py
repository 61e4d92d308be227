"""The asset `results`."""

import dagster as dg

from firsttd_pipeline.assets.base import LeagueSource, materialize, spec_arguments
from firsttd_pipeline.refresh import results as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The grade of every pick that can be decided, re-derived every run; what cannot be decided stays pending "
    "with its reason in pick_status."
)


@dg.asset(
    **spec_arguments("results", schema.results, DESCRIPTION, "standings", set()),
    deps=["touchdowns"],
)
def results(context: dg.AssetExecutionContext, league: dg.ResourceParam[LeagueSource]) -> dg.MaterializeResult[None]:
    """Refresh the run's season."""
    return materialize(context, league, schema.results, work.refresh)
