"""The asset `kickoff_decisions`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import kickoff_decisions as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "Who received the opening kickoff of each game and how the first drive ended. The toss decision is in no "
    "source: null unless entered by hand."
)

kickoff_decisions = define_asset(
    "kickoff_decisions",
    table=schema.kickoff_decisions,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="league_data",
    kinds={"nflverse"},
    deps=["touchdowns"],
)
