"""One module per asset: its whole work without Dagster. `run_season` does them all in the order of the graph."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.refresh import (
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
from firsttd_pipeline.refresh.base import League, RefreshError, Report

LEAGUE = (rosters, games, touchdowns, kickoff_decisions, team_ratings, results, player_stats, leaderboard)
MARKETS = (market_odds, market_outcomes, pick_market_odds, member_market_stats)
STEPS = LEAGUE + MARKETS

__all__ = ["STEPS", "League", "RefreshError", "Report", "run_season"]


def run_season(league: League, season: int, now: datetime) -> list[Report]:
    """Refresh every table of one season, in the order of the asset graph; stops at the first error."""
    return [step.refresh(league, season, now) for step in STEPS]
