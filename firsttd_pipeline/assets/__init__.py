"""The software-defined assets: one module per asset, named as it. `ASSETS` lists them in the order of the flow."""

from firsttd_pipeline.assets.games import games
from firsttd_pipeline.assets.kickoff_decisions import kickoff_decisions
from firsttd_pipeline.assets.leaderboard import leaderboard
from firsttd_pipeline.assets.market_odds import market_odds
from firsttd_pipeline.assets.market_outcomes import market_outcomes
from firsttd_pipeline.assets.member_market_stats import member_market_stats
from firsttd_pipeline.assets.pick_market_odds import pick_market_odds
from firsttd_pipeline.assets.player_stats import player_stats
from firsttd_pipeline.assets.results import results
from firsttd_pipeline.assets.rosters import rosters
from firsttd_pipeline.assets.team_ratings import team_ratings
from firsttd_pipeline.assets.touchdowns import touchdowns

LEAGUE = [rosters, games, touchdowns, kickoff_decisions, team_ratings, results, player_stats, leaderboard]
MARKETS = [market_odds, market_outcomes, pick_market_odds, member_market_stats]
ASSETS = LEAGUE + MARKETS
