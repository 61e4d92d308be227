"""The asset `market_odds`."""

from functools import partial

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.automation.jobs import LAST, MARKET_SNAPSHOTS
from firsttd_pipeline.refresh import market_odds as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "What Kalshi, Polymarket and the sportsbooks say about each first touchdown scorer: one row per leg and time, and "
    "the closing lines. A venue that fails is a warning; nothing else waits for it."
)

market_odds = define_asset(
    "market_odds",
    table=schema.market_odds,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="markets",
    kinds={"json"},
    deps=["games", "rosters"],
    op_tags=LAST,
    in_job={MARKET_SNAPSHOTS: partial(work.refresh, snapshot_only=True)},
    appends=True,
)
