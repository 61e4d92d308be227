"""The one policy for outbound HTTP: timeouts, retries, a deadline, and errors that say whether a retry helps.

Every client in `sources/` downloads through `HttpClient.get`, and looks at what there is by `HttpClient.head`. What a
body means (parquet, JSON) belongs to the client; it may pass `check` to have a damaged body fetched again under the
same policy.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
Progress = Callable[[str, int, "int | None"], None]
"""Called while a body arrives: address, bytes so far, bytes in all (None where the server does not say)."""

USER_AGENT = "firsttd-pipeline"
RETRY_STATUS = frozenset({408, 429})
_NO_HEAD = frozenset({403, 405, 501})
"""Answers of servers, and of addresses signed for GET alone, that do not know HEAD."""
_CHUNK = 256 * 1024
_PROGRESS_EVERY_S = 0.1


class SourceError(Exception):
    """A source could not be read. The message names the address, what happened, how often tried and what to do.

    `retry_helps` says whether the same request may succeed later with nothing changed.
    """

    retry_helps: ClassVar[bool] = False

    def __init__(self, message: str, *, url: str = "", attempts: int = 1) -> None:
        super().__init__(message)
        self.url = url
        self.attempts = attempts


class TransientSourceError(SourceError):
    """Failed after every retry, of a kind that passes: timeout, connection, cut body, 5xx, 408, 429."""

    retry_helps: ClassVar[bool] = True


class PermanentSourceError(SourceError):
    """Trying again gives the same: a refusal, a bad address, a bad certificate, a body that is something else."""


class NotPublished(PermanentSourceError):
    """The server answered 404. Whether that is a legal absence is for the client of the source to decide."""


class BadBody(Exception):
    """Raised by a `check` of `HttpClient.get`: the body arrived whole but is not what it should be."""

    def __init__(self, what: str, *, retry_helps: bool) -> None:
        super().__init__(what)
        self.what = what
        self.retry_helps = retry_helps


@dataclass(frozen=True)
class HttpPolicy:
    """How long to wait and how often to try. All times in seconds."""

    connect_timeout: float = 5.0
    """To open one connection."""
    read_timeout: float = 30.0
    """Without a byte from the server."""
    download_timeout: float = 300.0
    """For one file in all, retries and waits included: a server that trickles cannot hang a run."""
    retries: int = 3
    """Further tries after a failure that may pass."""
    backoff: float = 0.5
    """Before the first retry; doubles each time, with jitter."""
    max_backoff: float = 20.0
    max_retry_after: float = 60.0
    """A longer Retry-After is not waited for: the download fails and says so."""
    no_connection_after: float | None = None
    """No further try once connecting has failed for this long; None: twice the connect timeout."""

    @property
    def connect_budget(self) -> float:
        """Seconds after which a server that cannot be reached is given up, whatever tries are left."""
        return 2 * self.connect_timeout if self.no_connection_after is None else self.no_connection_after


@dataclass(frozen=True)
class Download:
    """A body and where it came from. `modified_at` is upstream's Last-Modified, aware UTC, None if not given; the names
    in `headers` are in lower case."""

    url: str
    content: bytes
    sha256: str
    size: int
    modified_at: datetime | None
    fetched_at: datetime
    etag: str | None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Headers:
    """What a server says of a file without sending it. None is what it does not say; `modified_at` is aware UTC."""

    url: str
    size: int | None
    modified_at: datetime | None
    etag: str | None


@dataclass(frozen=True)
class _Deadline:
    """When a download has to be done, on the monotonic clock, and how many seconds it was given in all."""

    at: float
    seconds: float

    @property
    def left(self) -> float:
        return self.at - time.monotonic()


@dataclass(eq=False)
class _Problem(Exception):
    """One failed attempt."""

    what: str
    retry_helps: bool
    advice: str = ""
    no_connection: bool = False
    retry_after: float | None = None
    not_found: bool = False


class _Attempt:
    """One request in its own thread, so that its caller can leave at the deadline whatever the server does."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.cancelled = False
        self.received = 0
        self.total: int | None = None
        self.response: requests.Response | None = None
        self.content = b""
        self.sha256 = ""
        self.error: BaseException | None = None


class HttpClient:
    """Downloads whole bodies under one `HttpPolicy`. Not for use by several threads at once.

    Args:
        before_attempt: called before every request, retries included, with the seconds that are left for it. It may
            wait (a rate limit) for as long as that.
    """

    def __init__(
        self,
        policy: HttpPolicy | None = None,
        progress: Progress | None = None,
        *,
        before_attempt: Callable[[float], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.policy = policy or HttpPolicy()
        self.progress = progress
        self._before_attempt = before_attempt
        self._sleep = sleep
        self._clock = clock
        self._session: requests.Session | None = None

    def close(self) -> None:
        """Close idle connections; the client can be used again."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def get(
        self,
        url: str,
        *,
        accept: str | None = None,
        headers: Mapping[str, str] | None = None,
        check: Callable[[Download], None] | None = None,
        progress: Progress | None = None,
        within: float | None = None,
    ) -> Download:
        """The whole body at `url`, never a part of one.

        Args:
            accept: the Accept header.
            headers: further headers.
            check: looks at the body and raises `BadBody` if it is damaged or something else.
            progress: called at most about ten times a second while the body arrives; default the client's.
            within: seconds in which it has to be done, where that is less than the policy's `download_timeout`.

        Raises:
            NotPublished: the answer was 404.
            TransientSourceError: failed after every retry, a later run may succeed.
            PermanentSourceError: anything else.
        """
        sent = {"User-Agent": USER_AGENT, "Accept": accept or "*/*", "Accept-Encoding": "identity", **(headers or {})}

        def once(deadline: _Deadline) -> Download:
            download = self._try_once(url, sent, deadline, progress or self.progress)
            if check is not None:
                check(download)
            return download

        return self._until_done(url, once, within)

    def head(self, url: str, *, accept: str | None = None) -> Headers:
        """What the server says of the file at `url`, redirects followed; not a byte of the body is read.

        Raises: as `get`.
        """
        sent = {"User-Agent": USER_AGENT, "Accept": accept or "*/*", "Accept-Encoding": "identity"}

        def once(deadline: _Deadline) -> Headers:
            _, response = self._request("HEAD", url, sent, deadline, None)
            if response.status_code in _NO_HEAD:
                _, response = self._request("GET", url, sent, deadline, None, body=False)
            if response.status_code != 200:
                raise self._problem_of_status(response)
            size = response.headers.get("Content-Length", "")
            return Headers(
                url=bare(url),
                size=int(size) if size.isdigit() else None,
                modified_at=parse_http_date(response.headers.get("Last-Modified")),
                etag=response.headers.get("ETag"),
            )

        return self._until_done(url, once)

    def _until_done(self, url: str, once: Callable[[_Deadline], T], within: float | None = None) -> T:
        """Try under the policy: `once` is given the deadline and raises `_Problem` or `BadBody`."""
        policy = self.policy
        started = time.monotonic()
        seconds = policy.download_timeout if within is None else min(within, policy.download_timeout)
        deadline = _Deadline(started + seconds, seconds)
        attempts = 0
        while True:
            attempts += 1
            try:
                return once(deadline)
            except BadBody as bad:
                problem = _Problem(bad.what, bad.retry_helps, "" if bad.retry_helps else _ADVICE_ADDRESS)
            except _Problem as failed:
                problem = failed
            now = time.monotonic()
            wait = self._wait(problem, attempts)
            if not problem.retry_helps or attempts > policy.retries:
                break
            if problem.no_connection and now + wait - started >= policy.connect_budget:
                break
            if problem.retry_after is not None and problem.retry_after > policy.max_retry_after:
                problem.what += f" and asks to wait {problem.retry_after:.0f} s"
                break
            if now + wait >= deadline.at:
                problem.what += f"; no time is left of the {seconds:g} s for one download"
                break
            self._sleep(wait)
        raise self._error(url, problem, attempts)

    def _wait(self, problem: _Problem, attempts: int) -> float:
        backoff: float = min(self.policy.backoff * 2.0 ** (attempts - 1), self.policy.max_backoff)
        wait = backoff * random.uniform(0.5, 1.0)  # jitter: many clients do not come back in step
        return wait if problem.retry_after is None else max(problem.retry_after, wait)

    def _error(self, url: str, problem: _Problem, attempts: int) -> SourceError:
        tried = "tried once" if attempts == 1 else f"tried {attempts} times"
        address = bare(url)
        if problem.retry_helps:
            advice = problem.advice or "A retry may help: run it again later."
            return TransientSourceError(
                f"{address}: {problem.what} ({tried}). {advice}", url=address, attempts=attempts
            )
        advice = f"A retry does not help. {problem.advice}".rstrip()
        kind = NotPublished if problem.not_found else PermanentSourceError
        return kind(f"{address}: {problem.what} ({tried}). {advice}", url=address, attempts=attempts)

    def _try_once(self, url: str, headers: dict[str, str], deadline: _Deadline, progress: Progress | None) -> Download:
        attempt, response = self._request("GET", url, headers, deadline, progress)
        if response.status_code != 200:
            raise self._problem_of_status(response)
        if progress:
            progress(bare(url), attempt.received, attempt.total)
        return Download(
            url=bare(url),
            content=attempt.content,
            sha256=attempt.sha256,
            size=len(attempt.content),
            modified_at=parse_http_date(response.headers.get("Last-Modified")),
            fetched_at=self._clock(),
            etag=response.headers.get("ETag"),
            content_type=response.headers.get("Content-Type", ""),
            headers={name.lower(): value for name, value in response.headers.items()},
        )

    def _request(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        deadline: _Deadline,
        progress: Progress | None,
        *,
        body: bool = True,
    ) -> tuple[_Attempt, requests.Response]:
        """One request, given up at the deadline whatever the server does; the body is read if `body` and 200."""
        if self._before_attempt is not None:
            self._before_attempt(max(0.0, deadline.left))
        if self._session is None:
            import requests  # costs 60 ms and is needed by nobody who downloads nothing

            self._session = requests.Session()
        attempt = _Attempt()
        left = deadline.left
        if left <= 0:
            raise _Problem(f"no time is left of the {deadline.seconds:g} s for one download", retry_helps=True)
        timeouts = (min(self.policy.connect_timeout, left), min(self.policy.read_timeout, left))
        worker = threading.Thread(
            target=_download,
            args=(self._session, method, url, headers, timeouts, attempt, body and method == "GET"),
            daemon=True,
            name="download",
        )
        worker.start()
        try:
            while not attempt.done.wait(_PROGRESS_EVERY_S if progress else max(0.0, deadline.left)):
                if deadline.left <= 0:
                    raise _Problem(
                        f"the download was not done after {deadline.seconds:g} s "
                        f"({_bytes_of(attempt.received, attempt.total)} had arrived)",
                        retry_helps=True,
                    )
                if progress and attempt.received:
                    progress(bare(url), attempt.received, attempt.total)
        except BaseException:
            attempt.cancelled = True
            self._session = None  # the worker still holds a connection of this one
            raise
        if attempt.error is not None:
            raise self._problem_of(attempt.error, attempt)
        assert attempt.response is not None
        return attempt, attempt.response

    def _problem_of_status(self, response: requests.Response) -> _Problem:
        status = response.status_code
        what = f"the server answered {status} {response.reason or ''}".rstrip()
        if status >= 500 or status in RETRY_STATUS:
            after = parse_retry_after(response.headers.get("Retry-After"), self._clock())
            return _Problem(what, retry_helps=True, retry_after=after)
        if status == 404:
            return _Problem(what, retry_helps=False, advice=_ADVICE_ADDRESS, not_found=True)
        if status in (401, 403, 407):
            return _Problem(what, retry_helps=False, advice="Check the address, its credentials and the proxy.")
        return _Problem(what, retry_helps=False, advice=_ADVICE_ADDRESS)

    def _problem_of(self, error: BaseException, attempt: _Attempt) -> _Problem:
        import requests
        import urllib3.exceptions as u3

        if isinstance(error, _Problem):
            return error
        cause = _root(error)
        so_far = _bytes_of(attempt.received, attempt.total)
        if isinstance(error, requests.exceptions.SSLError | u3.SSLError):
            return _Problem("the server's certificate was not accepted", False, "Check the address and the clock.")
        if isinstance(error, requests.exceptions.ProxyError):
            return _Problem("the proxy could not be used", True, _ADVICE_NETWORK, no_connection=True)
        if isinstance(error, requests.exceptions.ConnectTimeout | u3.ConnectTimeoutError):
            return _Problem(
                f"no connection within {self.policy.connect_timeout:g} s", True, _ADVICE_NETWORK, no_connection=True
            )
        if isinstance(cause, u3.NameResolutionError):
            return _Problem("the host's name was not found", True, _ADVICE_NETWORK, no_connection=True)
        if isinstance(cause, u3.NewConnectionError):
            reason = _errno_text(cause)
            return _Problem(f"no connection ({reason})", True, _ADVICE_NETWORK, no_connection=True)
        if isinstance(error, requests.exceptions.Timeout | u3.ReadTimeoutError | TimeoutError):
            return _Problem(f"nothing came for {self.policy.read_timeout:g} s ({so_far} had arrived)", True)
        if isinstance(
            error,
            requests.exceptions.ConnectionError
            | requests.exceptions.ChunkedEncodingError
            | u3.ProtocolError
            | ConnectionError,
        ):
            return _Problem(f"the connection broke ({so_far} had arrived)", True)
        if isinstance(error, requests.exceptions.TooManyRedirects):
            return _Problem("the server redirects in a circle", False, _ADVICE_ADDRESS)
        if isinstance(error, requests.exceptions.RequestException | ValueError):  # a malformed address or proxy
            return _Problem(f"the address cannot be requested ({type(error).__name__})", False, _ADVICE_ADDRESS)
        if isinstance(error, u3.HTTPError | OSError):
            return _Problem(f"the download broke ({type(error).__name__}, {so_far} had arrived)", True)
        raise error


_ADVICE_ADDRESS = "Check the address."
_ADVICE_NETWORK = "Check the network and the address; a retry may help."


def _download(
    session: requests.Session,
    method: str,
    url: str,
    headers: dict[str, str],
    timeouts: tuple[float, float],
    attempt: _Attempt,
    body: bool,
) -> None:
    """Run one request to its end and leave the outcome in `attempt`."""
    try:
        asked = session.request(method, url, headers=headers, timeout=timeouts, stream=True, allow_redirects=True)
        with asked as response:
            attempt.response = response
            if response.status_code == 200 and body:
                _read_body(response, attempt)
    except BaseException as error:
        attempt.error = error
    finally:
        attempt.done.set()


def _read_body(response: requests.Response, attempt: _Attempt) -> None:
    length = response.headers.get("Content-Length", "")
    attempt.total = int(length) if length.isdigit() else None
    digest = hashlib.sha256()
    chunks: list[bytes] = []
    raw: Any = response.raw
    while True:
        chunk = raw.read1(_CHUNK)  # what has arrived: read() would wait for a whole chunk of a trickle
        if not chunk:
            break
        if attempt.cancelled:
            return
        digest.update(chunk)
        chunks.append(chunk)
        attempt.received += len(chunk)
    encoded = response.headers.get("Content-Encoding", "identity").lower() != "identity"
    if encoded:
        raise _Problem("the body came compressed, which was not asked for", False, "Check the proxy or the mirror.")
    if attempt.total is not None and attempt.received != attempt.total:
        raise _Problem(f"the body was cut short ({_bytes_of(attempt.received, attempt.total)} arrived)", True)
    attempt.content = b"".join(chunks)
    attempt.sha256 = digest.hexdigest()


def bare(url: str) -> str:
    """The address without credentials, query and fragment, fit for a log or an error."""
    try:
        parts = urlsplit(url)
    except ValueError:  # not an address at all
        return url.rpartition("@")[2].partition("?")[0]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def looks_like(content: bytes) -> str:
    """What a body that is something else looks like, for a message that begins with "but"."""
    start = content[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return "look like a web page (a sign-in page, or an error page sent as success)"
    if start.startswith(b"<?xml"):
        return "look like an XML answer"
    if start.startswith((b"{", b"[")):
        return "look like JSON"
    if start.startswith(b"version https://git-lfs"):
        return "look like a Git LFS pointer instead of the file"
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"pk\x03\x04", "zip"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if start.startswith(magic):
            return f"look like a {name} archive"
    return f"begin with {content[:16]!r}"


def parse_http_date(text: str | None) -> datetime | None:
    """An HTTP date as aware UTC; None where there is none or it cannot be read."""
    if not text:
        return None
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        return None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (seconds or an HTTP date); None where there is none to honour."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    at = parse_http_date(text)
    return None if at is None else max(0.0, (at - now).total_seconds())


def _bytes_of(received: int, total: int | None) -> str:
    return f"{received} of {total} bytes" if total is not None else f"{received} bytes"


def _root(error: BaseException) -> BaseException:
    """urllib3's own reason inside what requests raises."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    return inner if isinstance(inner, BaseException) else error


def _errno_text(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "refused or unreachable"
