"""Claims about what the market checks say: what is wrong, since when, what to do, by the settings' names."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from firsttd_pipeline.domain.market_quality import legs_not_understood, venues_that_failed, without_advice
from firsttd_pipeline.domain.markets import PRESEASON, SOURCES
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.sources.http import HttpClient, HttpPolicy, SourceError

SINCE = datetime(2025, 10, 5, 6, tzinfo=UTC)


def venue(**given: object) -> pl.DataFrame:
    row = {"season": 2025, "source": "kalshi", "status": "failed", "reason": "no connection", "succeeded_at": SINCE}
    return pl.DataFrame([row | given], schema_overrides={"succeeded_at": pl.Datetime(time_zone="UTC")})


def said(**given: object) -> str:
    (found,) = venues_that_failed(venue(**given))
    return str(found)


def test_a_venue_that_failed_is_told_with_since_when_and_the_names_of_its_settings() -> None:
    assert said(reason="http://venue/markets: no connection (tried twice). A retry may help: run it again later.") == (
        "Kalshi did not answer (last in full 2025-10-05 06:00 UTC): http://venue/markets: no connection (tried twice). "
        "What to do: nothing now: the next run asks again. If it stays, see `firsttd markets status --season 2025` and "
        "whether FIRSTTD_KALSHI_URL is right; FIRSTTD_KALSHI=off stops asking"
    )
    assert said(status="partial", reason="Kalshi: a cursor came again", succeeded_at=None).startswith(
        "Kalshi answered in part; what came is stored (never yet in full): a cursor came again. What to do: "
    )
    assert "whether FIRSTTD_ODDS_API_URL and FIRSTTD_ODDS_API_KEY are right" in said(source="odds_api")


@pytest.mark.parametrize("source", SOURCES)
def test_every_setting_that_is_named_is_one(source: str) -> None:
    names = {word.strip(";=").removesuffix("=off") for word in said(source=source).split() if "FIRSTTD_" in word}
    assert len(names) >= 2
    assert {name.removeprefix("FIRSTTD_").lower() for name in names} <= set(Settings.model_fields)


@pytest.mark.parametrize("status", ["ok", "off", "absent"])
def test_a_venue_that_is_well_or_not_asked_is_not_told(status: str) -> None:
    assert venues_that_failed(venue(status=status)) == []


def test_the_advice_of_the_clients_errors_is_not_said_beside_that_of_the_check(refused_url: str) -> None:
    client = HttpClient(HttpPolicy(retries=1, backoff=0.0))
    for address, reason in ((refused_url, "no connection (connection refused) (tried 2 times)."), ("x://y", "")):
        with pytest.raises(SourceError) as raised:
            client.get(address)
        assert "etry" in str(raised.value)
        left = without_advice(str(raised.value))
        assert "etry" not in left
        assert "Check the" not in left
        assert left.endswith(reason)
    kept = (
        "The plan is used up. A retry does not help until the plan renews; FIRSTTD_ODDS_API_RESERVE sets the reserve."
    )
    assert without_advice(kept) == kept  # this one says what no other does


def test_what_is_not_matched_is_counted_with_one_example_and_the_command_that_lists_the_rest() -> None:
    events = pl.DataFrame(
        [
            {"source": "polymarket", "event_id": f"event-{n:03d}", "title": "A at B", "reason": "two games", "legs": 22}
            for n in range(151)
        ]
    )
    legs = pl.DataFrame(
        [{"source": "kalshi", "market_id": "LEG", "label": "D. Smith", "game_id": "2025_05_DEN_PHI", "reason": "two"}]
    )
    lists = "What to do: `firsttd markets status --season 2025` lists them, each with the command that settles it"
    assert [str(found) for found in legs_not_understood(2025, events, legs)] == [
        "Polymarket: events of no game that is certain: 151, e.g. event-000 (A at B, 22 legs): two games. "
        f"{lists}; an event of no game of the league may stay",
        f"Kalshi: legs on nobody who is certain: LEG (D. Smith, 2025_05_DEN_PHI): two. {lists}",
    ]


def test_an_event_of_the_preseason_is_nothing_to_settle_and_another_is() -> None:
    row = {"source": "kalshi", "event_id": "E", "title": None, "legs": 20}
    nothing = pl.DataFrame(schema=dict.fromkeys(("source", "game_id", "market_id"), pl.String))
    events = pl.DataFrame([row | {"reason": f"{PRESEASON}, which is on 2025-09-04"}])
    assert legs_not_understood(2025, events, nothing) == []
    (found,) = legs_not_understood(2025, pl.concat([events, pl.DataFrame([row | {"reason": "no game"}])]), nothing)
    assert found.count == 1
