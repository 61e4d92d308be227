"""The asset `player_stats`."""

from firsttd_pipeline.assets.base import define_asset
from firsttd_pipeline.refresh import player_stats as work
from firsttd_pipeline.storage import schema

DESCRIPTION = (
    "One row per player of the season: games, first and any-time touchdowns, red zone, form, how often picked and hit."
)

player_stats = define_asset(
    "player_stats",
    table=schema.player_stats,
    refresh=work.refresh,
    description=DESCRIPTION,
    group="standings",
    deps=["results"],
)
