"""Where the real data lies that tests read: `../shared` beside the checkout, or FIRSTTD_SHARED."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("FIRSTTD_SHARED", Path(__file__).resolve().parents[2] / "shared"))
MIRROR = SHARED / "nflverse"
WEEK_TWO = SHARED / "nflverse_2025_week02"
DENSE = SHARED / "nflverse_dense"
LEGACY_DB = SHARED / "legacy" / "fast6_v8.db"
LEAGUE_SHEET = SHARED / "legacy" / "league_sheet_2025.csv"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir() and not os.environ.get("CI"),
    reason=f"the real data is not at {SHARED}: set FIRSTTD_SHARED to its folder",
)
