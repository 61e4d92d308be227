"""`pick_market_odds`: what the markets said of each pick, when it was made and at kickoff, and what that made it worth.

Nothing is fetched: prices and closing lines are `market_odds`'s. No grade and no standing rests on this table.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from firsttd_pipeline.domain.markets import NAMES
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.storage.pick_prices import (
    AROUND,
    count_pick_prices,
    latest_pick_prices,
    pick_price_facts,
    weeks_around,
    write_pick_prices,
)

_PREVIEW = {
    "pick_id": "pick",
    "player_name": "player",
    "odds": "odds",
    "source": "venue",
    "pick_probability": "then",
    "closing_probability": "closing",
    "fair_probability": "fair",
    "expected_value": "worth",
    "closing_line_value": "line value",
}


def refresh(league: League, season: int, now: datetime, *, snapshot_only: bool = False) -> Report:
    """Price the season's picks by the prices and closing lines as stored, in one transaction.

    `snapshot_only`: of the weeks with a kickoff near now alone, for nothing else changed since the last snapshot.
    """
    with league.db.write() as conn:
        only = weeks_around(conn, season, now) if snapshot_only else None
        counts = write_pick_prices(conn, season, now, only=only)
        facts, why_not = pick_price_facts(conn, season, only=only)
        preview = latest_pick_prices(conn, season, only=only)
        if only is not None:
            counts.unchanged = count_pick_prices(conn, season) - counts.inserted - counts.updated
    report = Report("pick_market_odds", season, counts, facts=facts)
    report.preview = preview.with_columns(pl.col("source").replace(NAMES)).select(*_PREVIEW).rename(_PREVIEW)
    report.notes = [f"{count} of the prices of the time of a pick are missing: {why}" for why, count in why_not]
    if only is not None:
        report.facts = {f"{name} around today": value for name, value in facts.items()}
        looked = f"Priced were the picks of {len(only)} week{'s' * (len(only) != 1)}"
        report.notes.insert(0, f"{looked}: those with a kickoff within {AROUND.days} days; a nightly run prices all")
    elif not facts["picks with a closing line"]:
        report.notes.insert(0, f"No pick of {season} has a closing line: docs/prices.md says what it takes")
    return report
