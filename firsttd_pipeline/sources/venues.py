"""What every client of a market venue shares: the terms between it and the rest, asking, paging, reading fields.

A venue's own fields, addresses and rules belong to its module (`kalshi.py` and so on), which is imported only when that
venue is opened. All asking goes through the one HTTP policy, behind a rate limit and within one run's time.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urlencode

from firsttd_pipeline.domain.markets import (
    NAMES,
    Parsed,
    Payload,
    PayloadKind,
    Quote,
    Source,
    WantedGame,
    WantedHistory,
)
from firsttd_pipeline.sources.http import (
    BadBody,
    Download,
    HttpClient,
    HttpPolicy,
    Progress,
    SourceError,
    bare,
    looks_like,
)

if TYPE_CHECKING:
    from firsttd_pipeline.settings import Settings

MOST_REFUSED = 5
"""Legs refused one after the other before it is taken for the venue's answer to all."""
MAX_PAGES = 200
"""Of one list: the largest (a whole season's settled legs) has about ten."""
_DENSE = timedelta(hours=1)
_FIELDS_SHOWN = 16
_PRICE_LIKE = re.compile(r"(?i)price|bid|ask|last|odds|value|dollars")


# --- what a venue is --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One answer as it came, and what it holds."""

    payload: Payload
    parsed: Parsed


class Venue(Protocol):
    """One venue in one run. Not for use by several threads at once.

    Every method yields pages as they come and raises `SourceError` when it cannot go on: what was yielded before is
    good. All quotes of a page are at its payload's `fetched_at` (whole seconds), so that parsing the stored payload
    again gives the same rows.
    """

    @property
    def source(self) -> Source: ...

    @property
    def requests(self) -> int:
        """How often it was asked so far, retries included."""
        ...

    @property
    def remaining(self) -> int | None:
        """Requests that the plan still pays for; None where the venue does not count them, or has not said yet."""
        ...

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every open leg, of these games at least. It ends without an error only when the list is whole."""
        ...

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        """Every settled leg of games that kicked off at or after `since`, maybe more."""
        ...

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        """The state now of known legs that the open list no longer has; a leg the venue does not know is not there."""
        ...

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        """Prices before kickoff: over all pages, `parsed.past` has an entry for each leg, empty where there are none.

        The quotes are `price_path(quotes, until)` of what the venue has.
        """
        ...

    def parse(self, kind: PayloadKind, body: bytes, fetched_at: datetime) -> Parsed:
        """What a stored answer holds, without asking anybody.

        Of kind history it is everything in the answer: `price_path` with the kickoff makes of it what `history` gave.
        """
        ...

    def cancel(self) -> None:
        """Let what it is doing end soon, as out of time. The one method that another thread may call."""
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


class VenueError(SourceError):
    """A venue's answer cannot be used: a retry gives the same until the venue or this client changes.

    `payload` is the answer that could not be read, where there is one: kept, it can be parsed by a later client.
    """

    payload: Payload | None = None


class VenueOutOfTime(VenueError):
    """The time that one venue has in one run is used up: the next run goes on."""

    retry_helps: ClassVar[bool] = True


class VenueClient:
    """What the clients are built on: an `Asker`, and the parts of `Venue` that are the same for all."""

    def __init__(self, asker: Asker) -> None:
        self.asker = asker

    @property
    def source(self) -> Source:
        return self.asker.source

    @property
    def requests(self) -> int:
        """How often it was asked so far, retries included."""
        return self.asker.requests

    @property
    def remaining(self) -> int | None:
        """None: the venue does not count requests."""
        return None

    def cancel(self) -> None:
        """Let what it is doing end soon, as out of time."""
        self.asker.cancel()

    def close(self) -> None:
        """Give back the connections."""
        self.asker.close()


class Refusals:
    """What a venue refuses of single legs, so that one that it cannot give keeps nobody from the others.

    Raises on `take` what concerns more than that leg: an error that passes, or so many one after the other.
    """

    def __init__(self) -> None:
        self._first: SourceError | None = None
        self._in_a_row = 0

    def take(self, error: SourceError) -> None:
        """Note the refusal of one leg."""
        self._first = self._first or error
        self._in_a_row += 1
        if error.retry_helps or self._in_a_row >= MOST_REFUSED:
            raise error

    def answered(self) -> None:
        """A leg was answered: what was refused before was that leg's affair."""
        self._in_a_row = 0

    def tell(self) -> None:
        """Raise the first of the refusals, now that everything else is done."""
        if self._first is not None:
            raise self._first


# --- opening one ------------------------------------------------------------------------------------------------------


def why_off(source: Source, settings: Settings) -> str | None:
    """Why this venue is not asked, as a sentence for the operator; None: it is."""
    if not settings.prediction_markets:
        return "FIRSTTD_PREDICTION_MARKETS is off: no market venue is asked"
    if not getattr(settings, source):
        return f"FIRSTTD_{source.upper()} is off: {NAMES[source]} is not asked"
    if source == "odds_api" and not settings.odds_api_key.get_secret_value():
        return "FIRSTTD_ODDS_API_KEY is not set: The Odds API is not asked (docs/markets.md says how to get a key)"
    return None


def open_venue(
    source: Source,
    settings: Settings,
    *,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Venue:
    """The venue at the address, rate and policy of `settings`, for one run. Nothing is asked here.

    Raises:
        VenueError: it is off.
    """
    off = why_off(source, settings)
    if off is not None:
        raise VenueError(off)
    policy = HttpPolicy(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        download_timeout=settings.download_timeout,
        retries=settings.retries,
        backoff=settings.backoff,
    )
    key = settings.odds_api_key.get_secret_value() if source == "odds_api" else ""
    asker = Asker(
        source,
        str(getattr(settings, f"{source}_url")),
        policy=policy,
        rate=float(getattr(settings, f"{source}_rate")),
        seconds=settings.market_seconds,
        secrets={"apiKey": key} if key else {},
        progress=progress,
        clock=clock,
    )
    return _OPENERS[source](asker, settings)


def _open_kalshi(asker: Asker, settings: Settings) -> Venue:
    from firsttd_pipeline.sources.kalshi import KalshiVenue

    return KalshiVenue(asker)


def _open_polymarket(asker: Asker, settings: Settings) -> Venue:
    from firsttd_pipeline.sources.polymarket import PolymarketVenue

    return PolymarketVenue(asker, settings.polymarket_history_url)


def _open_polymarket_us(asker: Asker, settings: Settings) -> Venue:
    from firsttd_pipeline.sources.polymarket_us import PolymarketUsVenue

    return PolymarketUsVenue(asker)


def _open_odds_api(asker: Asker, settings: Settings) -> Venue:
    from firsttd_pipeline.sources.odds_api import OddsApiVenue

    return OddsApiVenue(asker, settings.odds_api_reserve)


_OPENERS: dict[Source, Callable[[Asker, Settings], Venue]] = {
    "kalshi": _open_kalshi,
    "polymarket": _open_polymarket,
    "polymarket_us": _open_polymarket_us,
    "odds_api": _open_odds_api,
}


# --- asking -----------------------------------------------------------------------------------------------------------


class RateLimit:
    """A token bucket: `rate` requests a second, `burst` of them at once after a pause."""

    def __init__(
        self,
        rate: float,
        burst: int = 1,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not rate > 0 or burst < 1:
            raise ValueError(f"no rate limit: {rate} requests a second, {burst} at once")
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._clock = clock
        self._sleep = sleep
        self._at = clock()

    def wait(self, at_most: float) -> bool:
        """Wait for a token and take it. Where that would be longer than `at_most` seconds, wait those and say False."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        missing = (1.0 - self._tokens) / self._rate
        if missing > at_most:
            self._sleep(at_most)
            return False
        if missing > 0:
            self._sleep(missing)
        self._tokens -= 1.0
        return True


@dataclass(frozen=True)
class Answer:
    """A JSON answer: the body as it came, what it says, and when (whole seconds). `url` is without any key."""

    source: Source
    url: str
    body: bytes
    data: Any
    fetched_at: datetime
    sha256: str
    headers: Mapping[str, str]

    def payload(self, kind: PayloadKind) -> Payload:
        """The answer as it is kept."""
        return Payload(self.source, kind, self.url, self.fetched_at, self.sha256, self.body)

    def page(self, kind: PayloadKind, parsed: Parsed) -> Page:
        """The answer as one page of `kind`."""
        return Page(self.payload(kind), parsed)

    def parsed(self, kind: PayloadKind, parse: Callable[[PayloadKind, Any, datetime], Parsed]) -> Parsed:
        """What `parse` (kind, JSON, fetched_at) makes of it; its `VenueError` gets the payload to keep."""
        try:
            return parse(kind, self.data, self.fetched_at)
        except VenueError as error:
            error.payload = self.payload(kind)
            raise


class Asker:
    """Asks one venue for JSON under the HTTP policy: rate limit, count of requests, one run's time, no key shown.

    Args:
        base_url: what paths are below.
        rate: requests a second; every attempt counts, retries too.
        seconds: from the first request on, for all that is asked in this run.
        secrets: query parameters sent with every request and shown nowhere.
        clock: what `fetched_at` is read from.
    """

    def __init__(
        self,
        source: Source,
        base_url: str,
        *,
        policy: HttpPolicy | None = None,
        rate: float = 5.0,
        seconds: float = 240.0,
        secrets: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._cancelled = threading.Event()

        def wait(seconds: float) -> None:
            self._cancelled.wait(seconds)

        sleep = wait if sleep is None else sleep
        self.source: Source = source
        self.base_url = _with_slash(base_url)
        self.requests = 0
        self._seconds = seconds
        self._secrets = dict(secrets or {})
        self._monotonic = monotonic
        self._until: float | None = None
        self._limit = RateLimit(rate, clock=monotonic, sleep=sleep)
        self._http = HttpClient(policy, progress, before_attempt=self._before, sleep=sleep, clock=clock)

    def cancel(self) -> None:
        """Take the rest of this run's time away: what waits goes on at once, and nothing more is asked."""
        self._cancelled.set()

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    @property
    def seconds_left(self) -> float:
        """Of the time that this run has."""
        if self._cancelled.is_set():
            return 0.0
        if self._until is None:
            return self._seconds
        return max(0.0, self._until - self._monotonic())

    def get_json(self, path: str, params: Mapping[str, object] | None = None, *, base: str | None = None) -> Answer:
        """The JSON at `path` below the base address (or another `base` of the same venue).

        `params`: None is left out; a list is sent joined by commas, a tuple as the same name again for each.

        Raises:
            VenueOutOfTime: no time is left of this run's.
            NotPublished: the answer was 404.
            SourceError: it could not be read, or is no JSON.
        """
        if self._until is None:
            self._until = self._monotonic() + self._seconds
        address = (self.base_url if base is None else _with_slash(base)) + path.lstrip("/")
        shown = _query(params or {})
        sent = "&".join(part for part in (shown, urlencode(self._secrets)) if part)
        left = self.seconds_left
        if left <= 0:
            raise self._out_of_time(address)
        found: list[Any] = []

        def check(download: Download) -> None:
            found[:] = [_json_of(download.content)]

        url = f"{address}?{sent}" if sent else address
        try:
            got = self._http.get(url, accept="application/json", check=check, within=left)
        except SourceError as failed:
            if failed.retry_helps and self.seconds_left <= 0:
                raise self._out_of_time(address, failed) from failed
            raise
        return Answer(
            source=self.source,
            url=f"{got.url}?{shown}" if shown else got.url,
            body=got.content,
            data=found[0],
            fetched_at=got.fetched_at.astimezone(UTC).replace(microsecond=0),
            sha256=got.sha256,
            headers=got.headers,
        )

    def _before(self, left: float) -> None:
        if self._cancelled.is_set():
            raise VenueOutOfTime(f"{NAMES[self.source]}: the run was cancelled.")
        if self._limit.wait(left):
            self.requests += 1

    def _out_of_time(self, address: str, failed: SourceError | None = None) -> VenueOutOfTime:
        last = f" Last: {failed}" if failed is not None else ""
        return VenueOutOfTime(
            f"{bare(address)}: the {self._seconds:g} s that {NAMES[self.source]} has in one run are used up after "
            f"{self.requests} requests. What came is kept and the next run goes on; FIRSTTD_MARKET_SECONDS gives more."
            f"{last}",
            url=bare(address),
        )


def pages(
    ask: Callable[[str], Answer],
    cursor_of: Callable[[Any], object],
    items_of: Callable[[Any], Sequence[object]],
    *,
    most: int = MAX_PAGES,
) -> Iterator[Answer]:
    """Every page of a list: `ask("")` first, then with each page's cursor until there is none ("" or null).

    Raises:
        VenueError: it would not end: a cursor or a page repeats, an empty page has a cursor, or more than `most` pages.
    """
    seen = {""}
    cursor = ""
    before: Sequence[object] = ()
    for _ in range(most):
        answer = ask(cursor)
        items = items_of(answer.data)
        if cursor and items and items == before:
            raise _endless(answer, "the same page came for two cursors")
        yield answer
        following = cursor_of(answer.data)
        if following is None or following == "":
            return
        if not isinstance(following, str):
            raise _endless(answer, f"the cursor is no text but {type(following).__name__}")
        if following in seen:
            raise _endless(answer, "a cursor came again")
        if not items:
            raise _endless(answer, "an empty page has a cursor")
        seen.add(following)
        cursor, before = following, items
    raise _endless(answer, f"there are more than {most} pages")


def _endless(answer: Answer, what: str) -> VenueError:
    address = bare(answer.url)
    return VenueError(
        f"{address}: {what}, so the list would never end. What came before is kept; if the next run says the same, "
        f"{NAMES[answer.source]} changed its paging and this client has to follow.",
        url=address,
    )


# --- reading fields ---------------------------------------------------------------------------------------------------


def decoded(source: Source, body: bytes) -> Any:
    """What a stored body says, numbers with a point as Decimal.

    Raises:
        VenueError: it is no JSON.
    """
    try:
        return _json_of(body)
    except BadBody as bad:
        raise VenueError(f"{NAMES[source]}: {bad.what}. The stored answer is damaged.") from None


def unreadable(source: Source, what: str, item: object = None) -> VenueError:
    """The error for an answer whose fields are not the known ones; it names those that `item` has."""
    seen = ""
    if isinstance(item, Mapping):
        # those that may be a renamed price first: a list of fifty says nothing
        names = sorted((str(name)[:40] for name in item), key=lambda name: (_PRICE_LIKE.search(name) is None, name))
        more = f" and {len(names) - _FIELDS_SHOWN} more" if len(names) > _FIELDS_SHOWN else ""
        seen = f" Fields there: {', '.join(names[:_FIELDS_SHOWN]) or 'none'}{more}."
    return VenueError(
        f"{NAMES[source]}: {what}.{seen} No price is taken from this answer; if its fields were renamed, this client "
        "has to follow."
    )


def mapping(source: Source, value: object, what: str) -> Mapping[str, Any]:
    """`value` as a JSON object, else `VenueError`: `what` is no object."""
    if not isinstance(value, dict):
        raise unreadable(source, f"{what} is no object but {type(value).__name__}")
    return value


def items(source: Source, data: object, name: str) -> list[Mapping[str, Any]]:
    """The list of objects at `name` of an answer, else `VenueError`: a list that is missing is no empty list."""
    answer = mapping(source, data, "the answer")
    found = answer.get(name)
    if not isinstance(found, list):
        raise unreadable(source, f"the answer has no list {name!r}", answer)
    return [mapping(source, item, f"an item of {name!r}") for item in found]


def number(source: Source, value: object, what: str) -> Decimal | None:
    """A number, or text that is one, exactly; None for null and empty text.

    Raises:
        VenueError: it is something else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            found = Decimal(value)
        except InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite():
            return found
    raise unreadable(source, f"{what} is no number but {str(value)[:40]!r}")


def dollars(source: Source, value: object, what: str) -> Decimal | None:
    """A price of a contract that pays 1 dollar: 0 to 1. Cents are never taken for dollars.

    Raises:
        VenueError: it is no number, or outside 0 to 1.
    """
    found = number(source, value, what)
    if found is not None and not 0 <= found <= 1:
        raise unreadable(source, f"{what} is {found}, which is no price of 0 to 1 dollars")
    return found


def instant(source: Source, value: object, what: str) -> datetime | None:
    """An ISO time with an offset (0 to 6 fractional digits, a blank or a T) as aware UTC; None for null and "".

    Raises:
        VenueError: it is something else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    raise unreadable(source, f"{what} is no time with an offset but {str(value)[:40]!r}")


def price_path(quotes: Sequence[Quote], until: datetime) -> list[Quote]:
    """What is kept of a leg's former prices: the last of each hour, and every one of the hour before `until`.

    Oldest first, one per instant, none after `until` (kickoff). The last one at or before it is always kept: it is the
    closing line.
    """
    by_time = {quote.at: quote for quote in quotes if quote.at <= until}
    kept: dict[object, Quote] = {}
    for at in sorted(by_time):
        # the hour that ends at 18:00 has 17:00:01 to 18:00:00, as a candle has
        hour = int(-(-at.timestamp() // 3600))
        kept[at if until - at < _DENSE else hour] = by_time[at]
    return list(kept.values())


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        pass
    if not body.strip():
        raise BadBody("the server answered 200 with an empty body", retry_helps=True)
    if body.lstrip()[:1] in (b"{", b"["):
        raise BadBody(f"{len(body)} bytes arrived that begin as JSON and are none", retry_helps=True)
    raise BadBody(f"{len(body)} bytes arrived that are no JSON but {looks_like(body)}", retry_helps=False)


def _query(params: Mapping[str, object]) -> str:
    given = {
        name: ",".join(map(str, value)) if isinstance(value, list) else value
        for name, value in params.items()
        if value is not None
    }
    return urlencode(given, doseq=True, safe=",:")


def _with_slash(base: str) -> str:
    return base if base.endswith("/") else base + "/"
