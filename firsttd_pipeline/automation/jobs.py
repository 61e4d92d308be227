"""The jobs: the whole graph for one season, and the parts of it that a change in the league or upstream makes stale.

Each runs in one process: a dozen small assets on two cores are quicker so (a process per asset costs several times the
work itself), and SQLite's writers never meet.
"""

import dagster as dg

NIGHTLY = "nightly"
STANDINGS = "standings"
NEW_PICKS = "new_picks"
PLAYS_LANDED = "plays_landed"
MARKET_SNAPSHOTS = "market_snapshots"

FROM_WHAT_IS_THERE = frozenset({STANDINGS, NEW_PICKS})
"""Jobs that a change in the league starts: they use the files fetched before, and work while upstream does not."""

LAST = {"dagster/priority": "-10"}
"""Op tags of an asset that asks the market venues: a run does everything else first, so no standing waits for one."""

nightly_job = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description=(
        "The whole graph for one season: schedule, rosters, touchdowns, grades, statistics, leaderboard; the markets "
        "after all of these."
    ),
)

standings_job = dg.define_asset_job(
    STANDINGS,
    selection=dg.AssetSelection.assets("player_stats", "leaderboard"),
    executor_def=dg.in_process_executor,
    description="Statistics and leaderboard of one season, after somebody changed a grade. Fetches nothing anew.",
)

new_picks_job = dg.define_asset_job(
    NEW_PICKS,
    selection=dg.AssetSelection.assets("results", "player_stats", "leaderboard"),
    executor_def=dg.in_process_executor,
    description="Understands and grades the picks of one season, after somebody wrote some. Fetches nothing anew.",
)

plays_landed_job = dg.define_asset_job(
    PLAYS_LANDED,
    selection=dg.AssetSelection.assets("touchdowns").downstream(),
    executor_def=dg.in_process_executor,
    description=(
        "Touchdowns of one season and all that follows from them, after upstream published plays. Asks no market venue."
    ),
)

market_snapshots_job = dg.define_asset_job(
    MARKET_SNAPSHOTS,
    selection=dg.AssetSelection.assets("market_odds", "pick_market_odds"),
    executor_def=dg.in_process_executor,
    description="The prices of today's games that are still to begin, and of the picks on them. Nothing else is asked.",
)

JOBS = [nightly_job, standings_job, new_picks_job, plays_landed_job, market_snapshots_job]
