"""The asset `pick_market_odds`."""

from functools import partial

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.automation.jobs import MARKET_SNAPSHOTS
from firsttd_pipeline.refresh import pick_market_odds as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "The market's price of each pick at each venue: when it was made, at the closing line, and fair, with the "
    "overround removed; what that made the pick's own odds worth."
)

pick_market_odds = define_asset(
    "pick_market_odds",
    table=schema.pick_market_odds,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="markets",
    deps=["market_odds", "results"],
    in_job={MARKET_SNAPSHOTS: partial(work.refresh, snapshot_only=True)},
)
