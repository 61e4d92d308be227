"""The jobs. `nightly` runs the whole graph for one season, in one process: eight small assets on two cores are
quicker so (a process per asset costs several times the work itself), and SQLite's writers never meet.
"""

import dagster as dg

NIGHTLY = "nightly"

nightly_job = dg.define_asset_job(
    NIGHTLY,
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="The whole graph for one season: schedule, rosters, touchdowns, grades, statistics, leaderboard.",
)
