"""A real server on loopback whose every answer a test's function gives: JSON, a status, bytes, or no end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

STALL = object()
"""As an answer: nothing is ever sent."""


@dataclass(frozen=True)
class Asked:
    """A request as it came in: path without the leading slash, the query's values (of a name given twice joined by
    commas), header names in lower case."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]


Respond = Callable[[Asked], Any]


@dataclass
class Answers:
    """A running server: `respond` gives JSON (dict or list), a status (int), bytes, STALL, or (JSON, headers)."""

    url: str
    respond: Respond
    asked: list[Asked] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextmanager
def answering(respond: Respond) -> Iterator[Answers]:
    """Serve until the end of the block."""
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: ",".join(values) for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Asked(unquote(parts.path).lstrip("/"), query, headers)
            running.asked.append(request)
            answer = running.respond(request)
            if answer is STALL:
                self.close_connection = True
                stopping.wait(30)
                return
            more: dict[str, str] = {}
            if isinstance(answer, tuple):
                answer, more = answer
            status, body = 200, answer
            if isinstance(answer, int):
                status, body = answer, b"out of order"
            elif not isinstance(answer, bytes):
                body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is what some of these tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    running = Answers(f"http://127.0.0.1:{server.server_address[1]}/", respond)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
