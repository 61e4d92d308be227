"""The asset `games`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import games as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The season schedule with kickoffs in UTC, scores and status. A game that leaves the schedule is marked "
    "postponed or cancelled and its picks follow it."
)

games = define_asset(
    "games",
    table=schema.games,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="league_data",
    kinds={"nflverse"},
)
