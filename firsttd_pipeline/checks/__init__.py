"""Asset checks, thin over `domain/quality.py`: one module per asset; `CHECKS` lists them by the asset's name."""

from firsttd_pipeline.checks import (
    games,
    kickoff_decisions,
    leaderboard,
    player_stats,
    results,
    rosters,
    team_ratings,
    touchdowns,
)
from firsttd_pipeline.checks.base import Check

CHECKS: dict[str, list[Check]] = {
    "rosters": rosters.CHECKS,
    "games": games.CHECKS,
    "touchdowns": touchdowns.CHECKS,
    "kickoff_decisions": kickoff_decisions.CHECKS,
    "team_ratings": team_ratings.CHECKS,
    "results": results.CHECKS,
    "player_stats": player_stats.CHECKS,
    "leaderboard": leaderboard.CHECKS,
}

__all__ = ["CHECKS", "Check"]
