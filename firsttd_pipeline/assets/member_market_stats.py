"""The asset `member_market_stats`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import member_market_stats as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "What the markets say of each member's picks: closing-line value, expected points, luck, and how good the prices "
    "were. Small samples say so."
)

member_market_stats = define_asset(
    "member_market_stats",
    table=schema.member_market_stats,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="markets",
    deps=["pick_market_odds", "market_outcomes", "leaderboard"],
)
