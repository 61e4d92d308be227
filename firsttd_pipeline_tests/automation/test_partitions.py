"""Claims about season partitions: which there are, when a new one appears, and how assets use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from firsttd_pipeline.assets import ASSETS
from firsttd_pipeline.automation.partitions import season_of, season_partitions
from firsttd_pipeline.domain.seasons import default_season, newest_season

NEW_YORK = ZoneInfo("America/New_York")


def keys_at(*instant: int, tz: ZoneInfo = NEW_YORK) -> list[str]:
    return list(season_partitions.get_partition_keys(current_time=datetime(*instant, tzinfo=tz)))  # type: ignore[arg-type, misc]


def test_there_is_a_partition_for_every_season_since_1999() -> None:
    assert keys_at(2026, 11, 22) == [str(year) for year in range(1999, 2027)]


@pytest.mark.parametrize(
    ("instant", "newest"),
    [
        ((2026, 2, 28, 23, 59), "2025"),
        ((2026, 3, 1, 0, 0), "2026"),
        ((2027, 3, 1, 0, 0), "2027"),
        ((2027, 12, 31, 23, 59), "2027"),
        ((2028, 2, 29, 12, 0), "2027"),
    ],
)
def test_a_new_season_appears_by_itself_on_1_march_in_new_york(instant: tuple[int, ...], newest: str) -> None:
    assert keys_at(*instant)[-1] == newest


def test_the_first_of_march_is_new_yorks_and_not_greenwichs() -> None:
    assert keys_at(2026, 3, 1, 4, 59, tz=ZoneInfo("UTC"))[-1] == "2025"
    assert keys_at(2026, 3, 1, 5, 0, tz=ZoneInfo("UTC"))[-1] == "2026"


def test_the_season_that_runs_by_default_always_has_its_partition() -> None:
    for year in range(2025, 2029):
        for days in (*range(-3, 20), 100, 200, 300):
            at = datetime(year, 3, 1, 4, 59, tzinfo=UTC) + timedelta(days=days)
            keys = season_partitions.get_partition_keys(current_time=at)
            assert str(default_season(at)) in keys
            assert keys[-1] == str(newest_season(at))


def test_a_key_is_the_year_and_nothing_else() -> None:
    assert season_of("2025") == 2025
    for wrong in ("2025-03-01", "1998", "25", "season"):
        assert not season_partitions.has_partition_key(wrong)


def test_every_asset_has_the_same_partitions_and_no_mapping_of_its_own() -> None:
    for asset in ASSETS:
        assert asset.partitions_def is season_partitions
        for spec in asset.specs:
            assert [dep.partition_mapping for dep in spec.deps] == [None] * len(list(spec.deps))
