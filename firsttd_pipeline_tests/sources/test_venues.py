"""Claims about what all market venues share: rate limit, one run's time, keys, paging that ends, exact numbers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from firsttd_pipeline.domain.markets import SOURCES, Quote, Source
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.sources.http import HttpPolicy, NotPublished, PermanentSourceError, TransientSourceError
from firsttd_pipeline.sources.venues import (
    Answer,
    Asker,
    RateLimit,
    VenueError,
    VenueOutOfTime,
    dollars,
    instant,
    items,
    number,
    open_venue,
    pages,
    price_path,
    unreadable,
    why_off,
)
from firsttd_pipeline_tests.sources.venue_answers import STALL, Answers, Asked, answering

QUICK = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=20, retries=3, backoff=0.001)
KICKOFF = datetime(2025, 9, 7, 17, 0, tzinfo=UTC)


class Clock:
    """A monotonic clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def asker_of(server: Answers, **more: Any) -> Asker:
    return Asker("kalshi", server.url, **{"policy": QUICK, "rate": 1000.0, "seconds": 20.0, **more})


# --- rate and time ----------------------------------------------------------------------------------------------------


def test_a_rate_limit_lets_through_its_rate_and_no_more() -> None:
    clock = Clock()
    limit = RateLimit(4, clock=clock, sleep=clock.sleep)
    for _ in range(9):
        assert limit.wait(60)
    assert clock.now - 100 == pytest.approx(8 / 4)
    clock.now += 60  # a pause earns one request at once, not sixty seconds of them
    before = clock.now
    assert all(limit.wait(60) for _ in range(3))
    assert clock.now - before == pytest.approx(2 / 4)


def test_a_rate_limit_waits_no_longer_than_it_may() -> None:
    clock = Clock()
    limit = RateLimit(0.1, clock=clock, sleep=clock.sleep)
    assert limit.wait(1)
    assert not limit.wait(2)
    assert clock.slept == [2]
    assert limit.wait(8.001)  # what was waited counts


def test_retries_after_429_wait_for_the_rate_limit_too_and_are_counted() -> None:
    answers: list[Any] = [429, 429, 503, {"ok": True}]
    with answering(lambda _: answers.pop(0)) as server:
        asker = asker_of(server, rate=20.0)
        started = time.monotonic()
        assert asker.get_json("markets").data == {"ok": True}
        assert time.monotonic() - started >= 3 / 20 * 0.95  # the backoff alone is 7 ms
        assert asker.requests == len(server.asked) == 4


def test_a_venue_that_stays_throttled_ends_as_an_error_that_a_retry_may_mend() -> None:
    with answering(lambda _: 429) as server:
        asker = asker_of(server)
        with pytest.raises(TransientSourceError, match=r"429.*tried 4 times"):
            asker.get_json("markets")
        assert asker.requests == 4


def test_a_stalled_request_does_not_overrun_the_time_of_the_run() -> None:
    with answering(lambda request: STALL if request.path == "slow" else {}) as server:
        asker = asker_of(server, seconds=0.6, policy=HttpPolicy(read_timeout=30, retries=3, backoff=0.01))
        asker.get_json("quick")
        started = time.monotonic()
        with pytest.raises(VenueOutOfTime, match=r"0\.6 s .*Kalshi.*FIRSTTD_MARKET_SECONDS") as told:
            asker.get_json("slow")
        assert time.monotonic() - started < 2
        assert told.value.retry_helps
        asked = len(server.asked)
        with pytest.raises(VenueOutOfTime):
            asker.get_json("quick")
        assert len(server.asked) == asked  # nothing more is asked


def test_a_cancelled_run_waits_for_nothing_and_asks_nothing_more() -> None:
    with answering(lambda _: 503) as server:
        patient = HttpPolicy(connect_timeout=1, read_timeout=5, download_timeout=60, retries=5, backoff=60)
        asker = Asker("kalshi", server.url, policy=patient, rate=10_000, seconds=600)
        begun = threading.Event()
        server.respond = lambda _: begun.set() or 503  # type: ignore[func-returns-value]
        ended: list[Exception] = []

        def ask() -> None:
            try:
                asker.get_json("x")
            except Exception as error:
                ended.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert begun.wait(20)
        asker.cancel()
        thread.join(30)  # the pause before the next try would be a minute
        assert not thread.is_alive()
        assert isinstance(ended[0], VenueOutOfTime)
        with pytest.raises(VenueOutOfTime):
            asker.get_json("y")
        assert [request.path for request in server.asked] == ["x"]


def test_waiting_for_the_rate_limit_is_part_of_the_time_of_the_run() -> None:
    with answering(lambda _: {}) as server:
        asker = asker_of(server, rate=0.01, seconds=0.3)
        asker.get_json("first")
        with pytest.raises(VenueOutOfTime):
            asker.get_json("second")
        assert server.paths == ["first"]
        assert asker.requests == 1


# --- asking -----------------------------------------------------------------------------------------------------------


def test_an_answer_has_its_body_hash_headers_and_a_time_of_whole_seconds() -> None:
    at = datetime(2025, 9, 7, 12, 0, 5, 987654, tzinfo=UTC)
    with answering(lambda _: (b'{"p": 0.10}', {"X-Requests-Remaining": "17"})) as server:
        got = asker_of(server, clock=lambda: at).get_json("a/b", {"tickers": ["A-1", "B-2"], "cursor": None, "n": 5})
        assert server.asked[0].query == {"tickers": "A-1,B-2", "n": "5"}
        assert server.asked[0].headers["user-agent"] == "firsttd-pipeline"
    assert got.data == {"p": Decimal("0.10")}
    assert got.headers["x-requests-remaining"] == "17"
    payload = got.payload("open")
    assert payload.body == b'{"p": 0.10}'
    assert payload.fetched_at == at.replace(microsecond=0)
    assert payload.url == f"{server.url}a/b?tickers=A-1,B-2&n=5"


def test_a_key_is_sent_and_shown_nowhere() -> None:
    answers: list[Any] = [{}, 401]
    with answering(lambda _: answers.pop(0)) as server:
        asker = asker_of(server, secrets={"apiKey": "s3cr3tkey"})
        shown = asker.get_json("v4/odds", {"regions": "us"}).url
        with pytest.raises(PermanentSourceError) as told:
            asker.get_json("v4/odds")
        assert [request.query["apiKey"] for request in server.asked] == ["s3cr3tkey"] * 2
    assert "s3cr3tkey" not in shown + str(told.value) + told.value.url + repr(told.value.__cause__)


@pytest.mark.parametrize(
    ("body", "kind", "what"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", PermanentSourceError, "web page"),
        (b"", TransientSourceError, "empty body"),
        (b'{"markets": [', TransientSourceError, "begin as JSON and are none"),
        (b"[" * 100_000, TransientSourceError, "begin as JSON and are none"),
    ],
)
def test_a_body_that_is_no_json_is_no_answer(body: bytes, kind: type[Exception], what: str) -> None:
    with answering(lambda _: body) as server, pytest.raises(kind, match=what):
        asker_of(server).get_json("markets")


def test_a_404_keeps_its_own_type() -> None:
    with answering(lambda _: 404) as server, pytest.raises(NotPublished):
        asker_of(server).get_json("markets")


# --- paging -----------------------------------------------------------------------------------------------------------


def listed(server: Answers, most: int = 200) -> list[Answer]:
    asker = asker_of(server)
    return list(
        pages(
            lambda cursor: asker.get_json("list", {"cursor": cursor or None}),
            lambda data: data["next"],
            lambda data: data["items"],
            most=most,
        )
    )


def test_a_list_is_read_to_its_last_page() -> None:
    following = {"": "a", "a": "b", "b": ""}

    def respond(request: Asked) -> Any:
        cursor = request.query.get("cursor", "")
        return {"items": [cursor], "next": following[cursor]}

    with answering(respond) as server:
        assert [answer.data["items"] for answer in listed(server)] == [[""], ["a"], ["b"]]


@pytest.mark.parametrize(
    ("respond", "what", "asked"),
    [
        (lambda n: {"items": [n], "next": ["a", "b"][n % 2]}, "a cursor came again", 3),
        (lambda n: {"items": ["same"], "next": str(n)}, "the same page came for two cursors", 2),
        (lambda n: {"items": [n] if n < 2 else [], "next": str(n)}, "an empty page has a cursor", 3),
        (lambda n: {"items": [n], "next": str(n)}, "more than 7 pages", 7),
        (lambda n: {"items": [n], "next": {"page": n}}, "the cursor is no text", 1),
    ],
)
def test_a_list_that_would_not_end_is_an_error(respond: Any, what: str, asked: int) -> None:
    with answering(lambda _: respond(len(server.asked) - 1)) as server, pytest.raises(VenueError, match=what):
        listed(server, most=7)
    assert len(server.asked) == asked


# --- fields -----------------------------------------------------------------------------------------------------------


def test_numbers_are_exact_and_nothing_else_is_taken_for_one() -> None:
    assert number("kalshi", "1725.44", "volume") == Decimal("1725.44")
    assert number("kalshi", None, "volume") is None
    assert number("kalshi", "", "volume") is None
    for wrong in ("12 c", "NaN", "Infinity", True, 0.1, ["1"]):
        with pytest.raises(VenueError, match="volume is no number"):
            number("kalshi", wrong, "volume")


def test_cents_are_never_taken_for_dollars() -> None:
    assert dollars("kalshi", "0.1200", "bid") == Decimal("0.12")
    for wrong in (12, "12", "1.0001", "-0.01"):
        with pytest.raises(VenueError, match="no price of 0 to 1 dollars"):
            dollars("kalshi", wrong, "bid")


def test_times_have_zero_to_six_digits_after_the_point() -> None:
    for digits in range(7):
        text = "2026-02-09T02:50:31" + ("." + "123456"[:digits] if digits else "") + "Z"
        found = instant("kalshi", text, "time")
        assert found == datetime(2026, 2, 9, 2, 50, 31, int("123456"[:digits].ljust(6, "0")), tzinfo=UTC)
    assert instant("polymarket", "2026-02-08 23:30:00+00", "time") == datetime(2026, 2, 8, 23, 30, tzinfo=UTC)
    for wrong in ("2026-02-09T02:50:31", "tomorrow", 1770605431):
        with pytest.raises(VenueError, match="no time with an offset"):
            instant("kalshi", wrong, "time")


def test_a_list_that_is_missing_is_no_empty_list() -> None:
    with pytest.raises(VenueError, match=r"no list 'markets'.*Fields there: data, error"):
        items("kalshi", {"error": None, "data": []}, "markets")
    with pytest.raises(VenueError, match="no object"):
        items("kalshi", {"markets": [1]}, "markets")


def test_the_error_of_renamed_fields_names_what_may_be_the_price() -> None:
    item = {f"a{n:02}": n for n in range(40)} | {"yes_bid_usd": "0.10"}
    assert "Fields there: yes_bid_usd, a00" in str(unreadable("kalshi", "no known price field", item))


def test_a_price_path_keeps_the_last_of_each_hour_the_last_hour_whole_and_the_closing_line() -> None:
    def quote(minutes: float) -> Quote:
        return Quote(KICKOFF + timedelta(minutes=minutes), bid=Decimal("0.1"))

    every_minute = [quote(minute) for minute in range(-180, 30)]
    kept = price_path(list(reversed(every_minute)), KICKOFF)
    assert [(found.at - KICKOFF).total_seconds() / 60 for found in kept] == [-180, -120, -60, *range(-59, 1)]
    late = KICKOFF + timedelta(minutes=25)  # a kickoff that is on no full hour
    assert price_path([quote(0), quote(60)], late) == [quote(0)]  # the candle that ends after kickoff is not the line
    assert price_path([quote(-3000), quote(-2999)], KICKOFF) == [quote(-3000), quote(-2999)]
    assert price_path([quote(1)], KICKOFF) == []


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES)
def test_a_venue_that_is_off_says_by_which_setting_and_is_not_opened(source: Source) -> None:
    off = load_settings(**{"prediction_markets": True, source: False, "odds_api_key": "0123456789"})
    assert f"FIRSTTD_{source.upper()} is off" in (why_off(source, off) or "")
    assert "FIRSTTD_PREDICTION_MARKETS is off" in (why_off(source, load_settings(prediction_markets=False)) or "")
    with pytest.raises(VenueError, match="is off"):
        open_venue(source, off)


def test_the_odds_api_is_off_without_a_key_and_on_with_one() -> None:
    assert "FIRSTTD_ODDS_API_KEY is not set" in (
        why_off("odds_api", load_settings(prediction_markets=True, odds_api_key="")) or ""
    )
    assert why_off("odds_api", load_settings(prediction_markets=True, odds_api_key="0123456789")) is None
    assert why_off("kalshi", load_settings(prediction_markets=True, odds_api_key="")) is None


def test_kalshi_is_opened_at_the_address_of_the_settings() -> None:
    with answering(lambda _: {"cursor": "", "markets": []}) as server:
        venue = open_venue("kalshi", load_settings(prediction_markets=True, kalshi_url=server.url + "trade-api/v2"))
        assert [page.parsed.legs for page in venue.open_legs([])] == [[]]
        assert server.paths == ["trade-api/v2/markets"]
        assert (venue.source, venue.requests, venue.remaining) == ("kalshi", 1, None)
        venue.close()


def test_no_venues_client_is_imported_before_it_is_opened() -> None:
    code = (
        "import sys, firsttd_pipeline.sources.venues; "
        "print([m for m in sys.modules if m.startswith(('firsttd_pipeline.sources', 'requests'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "venues" in told
    assert not [name for name in ("kalshi", "polymarket", "odds_api", "requests") if name in told]
