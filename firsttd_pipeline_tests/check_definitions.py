"""`make check`: the definitions load through both doors, `dg check defs` and workspace.yaml, in a home of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ASSETS = {
    "rosters", "games", "touchdowns", "kickoff_decisions", "team_ratings", "results", "player_stats", "leaderboard",
    "market_odds", "market_outcomes", "pick_market_odds", "member_market_stats",
}  # fmt: skip


def main() -> int:
    """Run both checks; returns the exit code."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DAGSTER_HOME"] = home
        os.environ["FIRSTTD_HOME"] = home
        dg = subprocess.run([str(Path(sys.executable).with_name("dg")), "check", "defs"], cwd=ROOT, check=False)
        if dg.returncode:
            return dg.returncode
        return check_workspace()


def check_workspace() -> int:
    """Load workspace.yaml as the webserver does and compare what it holds with what it should."""
    from dagster import DagsterInstance
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    with (
        DagsterInstance.local_temp() as instance,
        WorkspaceProcessContext(instance, WorkspaceFileTarget([str(ROOT / "workspace.yaml")])) as process,
    ):
        context = process.create_request_context()
        location = context.get_code_location("firsttd_pipeline")
        repository = next(iter(location.get_repositories().values()))
        found = {node.asset_key.to_user_string() for node in repository.get_asset_node_snaps()}
    missing = ASSETS - found
    if missing:
        sys.stderr.write(f"workspace.yaml loads, but these assets are missing: {sorted(missing)}\n")
        return 1
    sys.stderr.write(f"workspace.yaml: location firsttd_pipeline holds {len(found)} assets\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
