"""A real HTTP/1.1 server on loopback that serves a folder and can be told to misbehave, path by path.

For every test that needs a source over a socket: `serve(folder)` gives a `Server` and stops it after the test.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import pytest

from firsttd_pipeline.sample.market_server import split

FaultKind = Literal["status", "truncate", "cut_chunks", "reset", "stall", "stall_headers", "trickle", "bytes", "html"]
EVERY_PATH = "*"
HTML_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head><body>Sign in</body></html>\n"


@dataclass
class Fault:
    """What goes wrong on one path. `times` counts down; None is always."""

    kind: FaultKind
    times: int | None = None
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    after: int = 1000
    """Bytes of the body that still arrive (truncate, cut_chunks, reset, stall)."""
    body: bytes = b""
    interval: float = 0.02
    """Seconds between two bytes of a trickle."""


@dataclass(frozen=True)
class Request:
    """A request as it came in: path without the leading slash, header names in lower case, `at` of a clock that
    only runs forward (seconds)."""

    path: str
    headers: dict[str, str]
    method: str = "GET"
    query: dict[str, str] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Reply:
    """What a server answers when nothing is wrong."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class Server:
    """A running server: `url` (with trailing slash), `faults` by path, `requests` in order of arrival."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = Path(folder)
        self.faults: dict[str, Fault] = {}
        self.requests: list[Request] = []
        self.last_modified: str | None = None
        """Sent in place of the files' own times, so that a swapped folder looks equally old."""
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/"

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.requests]

    def fault(self, path: str, kind: FaultKind, **details: object) -> Fault:
        """Let `path` (or EVERY_PATH) misbehave from now on, or as often as `times` says."""
        made = Fault(kind, **details)  # type: ignore[arg-type]
        self.faults[path] = made
        return made

    def status(self, path: str, status: int, *, times: int | None = None, retry_after: str | None = None) -> Fault:
        """Let `path` answer `status`."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return self.fault(path, "status", status=status, times=times, headers=headers)

    def heal(self) -> None:
        """Serve everything properly again."""
        self.faults.clear()

    def swap(self, folder: Path) -> None:
        """Serve another folder behind the same address."""
        self.folder = Path(folder)

    def stop(self) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def next_fault(self, path: str) -> Fault | None:
        """The fault for this request, counted down."""
        with self._lock:
            fault = self.faults.get(path) or self.faults.get(EVERY_PATH)
            if fault is None or fault.times == 0:
                return None
            if fault.times is not None:
                fault.times -= 1
            return fault

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        """What a request gets when nothing is wrong: the file."""
        file = self.folder / path
        if ".." in path or not file.is_file():
            return Reply(b"Not Found", status=404)
        modified = self.last_modified or formatdate(file.stat().st_mtime, usegmt=True)
        return Reply(file.read_bytes(), {"Last-Modified": modified})

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what many of these tests are about."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path, query = split(self.path)
            sent = {name.lower(): value for name, value in self.headers.items()}
            server.note(Request(path, sent, self.command, query))
            fault = server.next_fault(path)
            if fault is not None and fault.kind == "status":
                self.answer(fault.status, b"out of order", fault.headers)
                return
            if fault is not None and fault.kind == "html":
                self.answer(200, fault.body or HTML_PAGE, {"Content-Type": "text/html"})
                return
            if fault is not None and fault.kind == "bytes":
                self.answer(200, fault.body)
                return
            reply = server.reply(path, query)
            if fault is None or reply.status != 200:
                self.answer(reply.status, reply.body, reply.headers)
            else:
                self.misbehave(fault, reply.body)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.head(status, {"Content-Length": str(len(body)), **(headers or {})})
            if self.command != "HEAD":
                self.wfile.write(body)

        def head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def misbehave(self, fault: Fault, body: bytes) -> None:
            self.close_connection = True
            length = {"Content-Length": str(len(body))}
            if fault.kind == "stall_headers":
                server.stopping.wait(60)
                return
            if fault.kind == "cut_chunks":
                self.head(200, {"Transfer-Encoding": "chunked"})
                part = body[: fault.after]
                self.wfile.write(f"{len(body):x}\r\n".encode() + part)
                self.wfile.flush()
                return
            self.head(200, length)
            if fault.kind == "trickle":
                for at in range(len(body)):
                    self.wfile.write(body[at : at + 1])
                    self.wfile.flush()
                    if server.stopping.wait(fault.interval):
                        return
                return
            self.wfile.write(body[: fault.after])
            self.wfile.flush()
            if fault.kind == "stall":
                server.stopping.wait(60)
            elif fault.kind == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())

    return Handler


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Server]]:
    """`serve(folder)` starts a `Server`; all are stopped after the test."""
    running: list[Server] = []

    def start(folder: Path) -> Server:
        server = Server(folder)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def refused_url() -> str:
    """An address on loopback where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"
