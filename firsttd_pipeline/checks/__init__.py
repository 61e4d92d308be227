"""Asset checks, thin over `domain/quality.py`: one module per asset; `CHECKS` lists them by the asset's name."""

from firsttd_pipeline.checks import (
    games,
    kickoff_decisions,
    leaderboard,
    market_odds,
    market_outcomes,
    member_market_stats,
    pick_market_odds,
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
    "market_odds": market_odds.CHECKS,
    "market_outcomes": market_outcomes.CHECKS,
    "pick_market_odds": pick_market_odds.CHECKS,
    "member_market_stats": member_market_stats.CHECKS,
}

__all__ = ["CHECKS", "Check"]
