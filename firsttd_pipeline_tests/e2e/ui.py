"""A running `firsttd ui` as tests hold it: started as an operator does, asked through GraphQL, ended as a whole."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from firsttd_pipeline_tests.doors import SCRIPT, environment

PATIENCE = 240.0
"""Seconds that anything here may take on a busy machine; nothing waits longer than it has to."""

T = TypeVar("T")


def eventually(what: str, probe: Callable[[], T | None]) -> T:
    """Ask until there is an answer that is not None or False."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = probe()
        if found is not None and found is not False:
            return found
        time.sleep(0.5)  # each question costs the server some of what it is asked about
    raise AssertionError(f"not within {PATIENCE:.0f} seconds: {what}")


@dataclass
class Ui:
    """A running `firsttd ui`."""

    url: str
    home: Path
    mirror: str
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL answer; an error in it fails the test."""
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """The runs with these tags, oldest first: runId, status, start, end, season, tags."""
        wanted = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
        found = self.ask(
            "query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results {"
            " runId status startTime endTime parentRunId tags { key value } } } } }",
            filter={"tags": wanted},
        )["runsOrError"]["results"]
        for run in found:
            run["tags"] = {tag["key"]: tag["value"] for tag in run["tags"]}
            run["season"] = run["tags"].get("dagster/partition")
        return list(reversed(found))

    def finished(self, count: int, **tags: str) -> list[dict[str, Any]]:
        """The `count` runs with these tags, once there are as many and all have ended."""

        def probe() -> list[dict[str, Any]] | None:
            runs = self.runs(**tags)
            ended = [run for run in runs if run["status"] in ("SUCCESS", "FAILURE", "CANCELED")]
            return runs if len(ended) == len(runs) >= count else None

        return eventually(f"{count} runs with {tags} have ended", probe)

    def backfills(self) -> list[dict[str, Any]]:
        return list(
            self.ask(
                "{ partitionBackfillsOrError { ... on PartitionBackfills { results {"
                " id status numPartitions partitionNames } } } }"
            )["partitionBackfillsOrError"]["results"]
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the league's database holds."""
        with contextlib.closing(sqlite3.connect(f"file:{self.home / 'firsttd.db'}?mode=ro", uri=True)) as conn:
            return conn.execute(query).fetchall()

    def processes(self) -> list[str]:
        """What runs under this UI: its own process, and the group that it started."""
        table = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 4) for line in table.splitlines()]
        if not hasattr(self, "_groups"):
            self._groups = {row[2] for row in rows if row[1] == str(self.process.pid)}
        return [row[4] for row in rows if row[2] in self._groups and not row[3].startswith("Z")]

    def end(self) -> None:
        """End it, by force if need be."""
        if self.process.poll() is None:
            self.processes()
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                for group in self._groups:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(int(group), signal.SIGKILL)
                self.process.kill()
                self.process.wait(10)


@contextlib.contextmanager
def running_ui(folder: Path, mirror: str, **variables: str) -> Iterator[Ui]:
    """`firsttd ui` in a folder whose `.env` names the league's home by a relative path, as an operator has it."""
    settings = {"FIRSTTD_HOME": "league", "FIRSTTD_NFLVERSE_URL": mirror, **variables}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    given = environment(folder, mirror)
    for name in {"FIRSTTD_HOME", "FIRSTTD_NFLVERSE_URL", *variables} & set(given):
        del given[name]  # the environment would win over the file
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "ui.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(SCRIPT), "ui", "--port", str(port)], cwd=folder, env=given, stdout=out, stderr=subprocess.STDOUT
        )
    running = Ui(f"http://127.0.0.1:{port}", folder / "league", mirror, process, log)
    try:
        eventually("the UI answers", lambda: _answers(running))
        yield running
    finally:
        running.end()


def _answers(ui: Ui) -> bool:
    assert ui.process.poll() is None, f"firsttd ui has ended:\n{ui.log.read_text()}"
    try:
        return requests.get(f"{ui.url}/server_info", timeout=5).ok
    except requests.RequestException:
        return False
