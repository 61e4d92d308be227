"""The asset `rosters`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import rosters as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Who is on which team in the season, by gsis_id, from nflverse seasonal rosters. A row upstream no longer "
    "has is retired, never deleted."
)

rosters = define_asset(
    "rosters",
    table=schema.rosters,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="league_data",
    kinds={"nflverse"},
)
