"""`pick_market_odds`: what the markets said of each pick, when it was made and at kickoff, and what that made it worth.

Nothing is fetched: prices and closing lines are `market_odds`'s. No grade and no standing rests on this table.
"""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.storage.pick_prices import latest_pick_prices, pick_price_facts, write_pick_prices


def refresh(league: League, season: int, now: datetime) -> Report:
    """Price the season's picks by the closing lines as stored, in one transaction."""
    with league.db.write() as conn:
        counts = write_pick_prices(conn, season, now)
        facts, why_not = pick_price_facts(conn, season)
        preview = latest_pick_prices(conn, season)
    report = Report("pick_market_odds", season, counts, facts=facts, preview=preview)
    report.notes = [f"{count} of the prices of the time of a pick are missing: {why}" for why, count in why_not]
    if not facts["picks with a closing line"]:
        report.notes.insert(0, f"No pick of {season} has a closing line: docs/markets.md says what it takes")
    return report
