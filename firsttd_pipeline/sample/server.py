"""Serves a folder of files on loopback, as nflverse serves its release downloads: for the demo and the benchmarks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """A folder being served; `url` ends with a slash and is on 127.0.0.1."""

    url: str
    folder: Path


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # without it the two small writes of an answer wait for each other's acknowledgement, 40 ms a file
    wbufsize = 65536
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the client reports what matters."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no event here."""


@contextmanager
def serve(folder: Path, port: int = 0) -> Iterator[Served]:
    """Serve `folder` on 127.0.0.1 until the block ends; port 0 takes a free one.

    Raises:
        NotADirectoryError: there is no such folder.
        OSError: the port is taken.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder that could be served")
    server = _Server(("127.0.0.1", port), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_address[1]}/", folder)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
