"""The asset `team_ratings`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import team_ratings as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Elo of every team after each week, from the whole schedule since 1999: 1500, K 25, home 50, a third back "
    "to the mean each season."
)

team_ratings = define_asset(
    "team_ratings",
    table=schema.team_ratings,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="league_data",
    kinds={"nflverse"},
    deps=["games"],
)
