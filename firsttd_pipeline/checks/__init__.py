"""Asset checks, thin over `domain/quality.py`: one module per asset; `CHECKS` lists them by the asset's name."""

from firsttd_pipeline.checks.base import Check

CHECKS: dict[str, list[Check]] = {
    name: []
    for name in (
        "rosters",
        "games",
        "touchdowns",
        "kickoff_decisions",
        "team_ratings",
        "results",
        "player_stats",
        "leaderboard",
    )
}

__all__ = ["CHECKS", "Check"]
