"""Claims about the HTTP policy, each over a real socket."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from firsttd_pipeline.sources.http import (
    BadBody,
    Download,
    HttpClient,
    HttpPolicy,
    NotPublished,
    PermanentSourceError,
    SourceError,
    TransientSourceError,
    bare,
    parse_http_date,
    parse_retry_after,
)
from firsttd_pipeline_tests.servers import Server

BODY = bytes(range(256)) * 800
QUICK = HttpPolicy(connect_timeout=1, read_timeout=0.3, download_timeout=10, retries=2, backoff=0.01)


@pytest.fixture
def server(serve: Callable[[Path], Server], tmp_path: Path) -> Server:
    (tmp_path / "file.bin").write_bytes(BODY)
    return serve(tmp_path)


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> Iterator[HttpClient]:
    made = HttpClient(QUICK, sleep=waits.append)
    yield made
    made.close()


def test_a_body_comes_with_its_hash_size_and_upstreams_time(server: Server, client: HttpClient) -> None:
    server.last_modified = "Thu, 18 Sep 2025 09:14:02 GMT"
    got = client.get(server.url + "file.bin")
    assert got.content == BODY
    assert (got.sha256, got.size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert got.modified_at == datetime(2025, 9, 18, 9, 14, 2, tzinfo=UTC)
    assert got.fetched_at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_a_status_that_passes_is_tried_again_until_it_has_passed(
    server: Server, client: HttpClient, waits: list[float], status: int
) -> None:
    server.status("file.bin", status, times=2)
    assert client.get(server.url + "file.bin").content == BODY
    assert len(server.requests) == 3
    assert len(waits) == 2


def test_waits_double_and_jitter(server: Server, waits: list[float]) -> None:
    server.status("file.bin", 503)
    client = HttpClient(HttpPolicy(retries=4, backoff=1.0), sleep=waits.append)
    with pytest.raises(TransientSourceError):
        client.get(server.url + "file.bin")
    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)] == [True] * 4


def test_a_server_in_trouble_ends_as_an_error_that_a_retry_may_mend(server: Server, client: HttpClient) -> None:
    server.status("file.bin", 503)
    with pytest.raises(TransientSourceError) as raised:
        client.get(server.url + "file.bin")
    message = str(raised.value)
    assert f"{server.url}file.bin: the server answered 503" in message
    assert "tried 3 times" in message
    assert "A retry may help" in message
    assert raised.value.retry_helps
    assert raised.value.attempts == 3


@pytest.mark.parametrize("status", [400, 401, 403, 405, 410, 451, 204, 206, 304])
def test_any_other_status_is_permanent_and_asked_for_once(server: Server, client: HttpClient, status: int) -> None:
    server.status("file.bin", status)
    with pytest.raises(PermanentSourceError, match=f"answered {status}.*tried once.*A retry does not help"):
        client.get(server.url + "file.bin")
    assert len(server.requests) == 1


def test_a_404_has_its_own_type_and_is_asked_for_once(server: Server, client: HttpClient) -> None:
    with pytest.raises(NotPublished, match=r"nowhere\.bin: the server answered 404"):
        client.get(server.url + "nowhere.bin")
    assert server.paths == ["nowhere.bin"]


def test_retry_after_is_waited_for(server: Server, client: HttpClient, waits: list[float]) -> None:
    server.status("file.bin", 429, times=1, retry_after="7")
    assert client.get(server.url + "file.bin").content == BODY
    assert waits == [7.0]


def test_retry_after_as_a_date_is_waited_for(server: Server, waits: list[float]) -> None:
    now = datetime(2025, 9, 18, 9, 0, tzinfo=UTC)
    server.status("file.bin", 503, times=1, retry_after=format_datetime(now + timedelta(seconds=20), usegmt=True))
    HttpClient(QUICK.__class__(backoff=0.01), sleep=waits.append, clock=lambda: now).get(server.url + "file.bin")
    assert waits == [20.0]


def test_a_retry_after_beyond_reason_is_not_waited_for_but_told(
    server: Server, client: HttpClient, waits: list[float]
) -> None:
    server.status("file.bin", 429, retry_after="86400")
    with pytest.raises(TransientSourceError, match=r"429.*asks to wait 86400 s \(tried once\)"):
        client.get(server.url + "file.bin")
    assert waits == []


@pytest.mark.parametrize("kind", ["truncate", "cut_chunks", "reset", "stall", "stall_headers"])
def test_a_body_cut_short_is_fetched_again_whole(server: Server, client: HttpClient, kind: str) -> None:
    server.fault("file.bin", kind, times=1)  # type: ignore[arg-type]
    assert client.get(server.url + "file.bin").content == BODY
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("truncate", "1000 of 204800 bytes"),
        ("cut_chunks", "1000 bytes"),
        ("reset", "of 204800 bytes"),
        ("stall", r"nothing came for 0\.3 s \(1000 of 204800 bytes had arrived\)"),
        ("stall_headers", r"nothing came for 0\.3 s"),
    ],
)
def test_a_body_always_cut_short_is_never_handed_out(server: Server, client: HttpClient, kind: str, told: str) -> None:
    server.fault("file.bin", kind)  # type: ignore[arg-type]
    with pytest.raises(TransientSourceError, match=told) as raised:
        client.get(server.url + "file.bin")
    assert raised.value.attempts == 3
    assert "file.bin" in str(raised.value)


def test_a_trickle_that_never_times_out_ends_at_the_deadline(server: Server) -> None:
    server.fault("file.bin", "trickle", interval=0.05)
    client = HttpClient(HttpPolicy(read_timeout=5, download_timeout=0.6, retries=5, backoff=0.01))
    with pytest.raises(TransientSourceError, match=r"not done after 0\.6 s \(\d+ of 204800 bytes had arrived\)"):
        client.get(server.url + "file.bin")
    server.heal()
    assert client.get(server.url + "file.bin").content == BODY, "the client is usable afterwards"


def test_headers_that_trickle_end_at_the_deadline(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    client = HttpClient(HttpPolicy(read_timeout=5, download_timeout=0.5, retries=0))
    try:
        with pytest.raises(TransientSourceError, match=r"not done after 0\.5 s"):
            client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/file.bin")
    finally:
        stop.set()
        listener.close()
        thread.join(5)


def test_no_connection_is_told_with_its_reason(refused_url: str, client: HttpClient, waits: list[float]) -> None:
    with pytest.raises(TransientSourceError, match=r"no connection \(connection refused\) \(tried 3 times\)") as raised:
        client.get(refused_url + "file.bin")
    assert "Check the network and the address" in str(raised.value)
    assert len(waits) == 2


def test_no_connection_is_given_up_in_seconds_whatever_tries_are_left(refused_url: str) -> None:
    policy = HttpPolicy(retries=10, backoff=0.2, no_connection_after=0.5)
    with pytest.raises(TransientSourceError, match="no connection") as raised:
        HttpClient(policy).get(refused_url)
    assert raised.value.attempts < 5, "eleven tries would take minutes"


def test_no_connection_is_given_up_after_twice_the_connect_timeout_unless_set() -> None:
    assert HttpPolicy(connect_timeout=3).connect_budget == 6
    assert HttpPolicy(connect_timeout=3, no_connection_after=1).connect_budget == 1


def test_a_host_that_never_answers_is_given_up_in_seconds() -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fill = [socket.socket() for _ in range(4)]  # a full backlog drops further connections, as a firewall does
    for one in fill:
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    client = HttpClient(HttpPolicy(connect_timeout=0.3, retries=10, backoff=0.01))
    try:
        with pytest.raises(TransientSourceError, match=r"no connection within 0\.3 s") as raised:
            client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/file.bin")
    finally:
        for one in (*fill, listener):
            one.close()
    assert raised.value.attempts < 11


def test_a_proxy_that_is_not_there_is_told_as_such(refused_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, refused_url.replace("http://", "http://me:s3cret@"))
    with pytest.raises(TransientSourceError, match="the proxy could not be used") as raised:
        HttpClient(HttpPolicy(retries=0)).get("http://nflverse.invalid/file.bin")
    assert "s3cret" not in str(raised.value)


def test_a_name_that_does_not_resolve_is_told_as_such() -> None:
    client = HttpClient(HttpPolicy(retries=0))
    with pytest.raises(TransientSourceError, match="the host's name was not found"):
        client.get("http://nobody.invalid/file.bin")


@pytest.mark.parametrize("url", ["nflverse", "ftp://127.0.0.1/x", "http://", "http://[::1/x"])
def test_an_address_that_is_none_is_permanent(client: HttpClient, url: str) -> None:
    with pytest.raises(PermanentSourceError, match="Check the address"):
        client.get(url)


def test_a_password_in_the_address_reaches_no_error_and_no_download(
    server: Server, client: HttpClient, refused_url: str
) -> None:
    secret = server.url.replace("http://", "http://league:s3cret@") + "file.bin?token=t0ken"
    got = client.get(secret)
    assert server.requests[-1].headers["authorization"].startswith("Basic ")
    assert got.url == server.url + "file.bin"
    server.status("file.bin", 403)
    errors: list[SourceError] = []
    for url in (secret, refused_url.replace("http://", "http://league:s3cret@") + "x?token=t0ken"):
        with pytest.raises(SourceError) as raised:
            client.get(url)
        errors.append(raised.value)
    for error in errors:
        told: BaseException | None = error
        while told is not None:
            assert "s3cret" not in str(told)
            assert "t0ken" not in str(told)
            told = told.__cause__ or told.__context__


def test_no_request_is_conditional_on_a_date_so_a_swapped_mirror_is_noticed(
    server: Server, client: HttpClient, tmp_path: Path
) -> None:
    server.last_modified = "Thu, 18 Sep 2025 09:14:02 GMT"
    first = client.get(server.url + "file.bin")
    other = tmp_path / "other"
    other.mkdir()
    (other / "file.bin").write_bytes(BODY[::-1])
    server.swap(other)
    second = client.get(server.url + "file.bin")
    assert second.content == BODY[::-1]
    assert second.modified_at == first.modified_at
    assert second.sha256 != first.sha256
    assert not any(name.startswith("if-") for request in server.requests for name in request.headers)


def test_a_body_that_its_reader_refuses_is_fetched_again_only_where_that_may_help(
    server: Server, client: HttpClient
) -> None:
    seen: list[int] = []

    def check(download: Download) -> None:
        seen.append(download.size)
        if len(seen) == 1:
            raise BadBody("half a file", retry_helps=True)

    assert client.get(server.url + "file.bin", check=check).content == BODY
    assert len(seen) == 2

    def refuse(download: Download) -> None:
        raise BadBody("a web page", retry_helps=False)

    with pytest.raises(PermanentSourceError, match=r"file\.bin: a web page \(tried once\)"):
        client.get(server.url + "file.bin", check=refuse)


def test_looking_at_a_file_reads_its_headers_and_none_of_its_bytes(server: Server, client: HttpClient) -> None:
    server.last_modified = "Thu, 18 Sep 2025 09:14:02 GMT"
    said = client.head(server.url + "file.bin")
    assert (said.size, said.modified_at) == (len(BODY), datetime(2025, 9, 18, 9, 14, 2, tzinfo=UTC))
    assert [request.method for request in server.requests] == ["HEAD"]
    assert client.get(server.url + "file.bin").content == BODY, "the connection is fit for more"


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_server_that_refuses_to_be_looked_at_is_asked_for_the_file_and_left(
    server: Server, client: HttpClient, status: int
) -> None:
    server.status("file.bin", status, times=1)
    assert client.head(server.url + "file.bin").size == len(BODY)
    assert [request.method for request in server.requests] == ["HEAD", "GET"]
    assert client.get(server.url + "file.bin").content == BODY


def test_looking_follows_redirects_as_downloading_does(server: Server, client: HttpClient, tmp_path: Path) -> None:
    (tmp_path / "moved.bin").write_bytes(b"")
    server.fault("moved.bin", "status", status=302, headers={"Location": f"{server.url}file.bin"})
    said = client.head(server.url + "moved.bin")
    assert (said.url, said.size) == (server.url + "moved.bin", len(BODY))
    assert [request.method for request in server.requests] == ["HEAD", "HEAD"]


def test_looking_has_the_same_policy_and_the_same_errors(
    server: Server, client: HttpClient, refused_url: str, waits: list[float]
) -> None:
    with pytest.raises(NotPublished, match="answered 404"):
        client.head(server.url + "nowhere.bin")
    server.status("file.bin", 503, times=2)
    assert client.head(server.url + "file.bin").size == len(BODY)
    assert len(waits) == 2
    server.fault("file.bin", "stall_headers")
    with pytest.raises(TransientSourceError, match=r"nothing came for 0\.3 s.*tried 3 times"):
        client.head(server.url + "file.bin")
    with pytest.raises(TransientSourceError, match="no connection"):
        client.head(refused_url.replace("http://", "http://league:s3cret@"))


def test_progress_ends_at_the_whole_size(server: Server) -> None:
    told: list[tuple[int, int | None]] = []
    HttpClient(QUICK, progress=lambda url, done, total: told.append((done, total))).get(server.url + "file.bin")
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_caller_that_breaks_off_in_the_middle_gets_its_own_error(server: Server) -> None:
    server.fault("file.bin", "stall")

    def stop(url: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    client = HttpClient(HttpPolicy(read_timeout=30), progress=stop)
    with pytest.raises(KeyboardInterrupt):
        client.get(server.url + "file.bin")


def test_errors_survive_pickling() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(TransientSourceError("broke", url="http://x/", attempts=4)))
    assert (str(error), error.url, error.attempts, error.retry_helps) == ("broke", "http://x/", 4, True)


def test_dates_and_addresses_are_read_leniently() -> None:
    assert parse_http_date("yesterday") is None
    assert parse_http_date(None) is None
    assert parse_http_date("Thu, 18 Sep 2025 09:14:02 -0000") == datetime(2025, 9, 18, 9, 14, 2, tzinfo=UTC)
    now = datetime(2025, 9, 18, tzinfo=UTC)
    assert parse_retry_after("soon", now) is None
    assert parse_retry_after("Thu, 18 Sep 2024 09:14:02 GMT", now) == 0.0
    assert bare("https://a:b@h:8/p/q?x=1#f") == "https://h:8/p/q"
