"""The asset `market_outcomes`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import market_outcomes as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "How the market venues settled each leg (yes, no or void), beside the first scorer by our own plays. No grade "
    "rests on it."
)

market_outcomes = define_asset(
    "market_outcomes",
    table=schema.market_outcomes,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="markets",
    deps=["market_odds", "touchdowns"],
)
