"""The asset `touchdowns`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import touchdowns as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Every valid touchdown of the season with the scorer as upstream names him, and one first touchdown a "
    "game. Unknown scorers stay unknown."
)

touchdowns = define_asset(
    "touchdowns",
    table=schema.touchdowns,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="league_data",
    kinds={"nflverse"},
    deps=["rosters", "games"],
)
