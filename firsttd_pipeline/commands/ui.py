"""`firsttd ui`: Dagster's UI and its daemon on this machine, over the league's home."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.commands.context import FAILED, explained, fail, settings_or_exit, stderr
from firsttd_pipeline.commands.database import bring_up_to_date
from firsttd_pipeline.settings import ENV_PREFIX, Settings
from firsttd_pipeline.storage.engine import url_of

LOOPBACK = "127.0.0.1"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="The port on 127.0.0.1.")]


@explained
def ui(port: PortOption = 3000) -> None:
    """Open Dagster on 127.0.0.1 with its daemon, so that the schedule, retries and backfills work. Ctrl-C ends it."""
    settings = settings_or_exit()
    bring_up_to_date(settings)
    raise typer.Exit(serve_ui(settings, port))


def serve_ui(settings: Settings, port: int) -> int:
    """Run webserver and daemon until they end or a signal ends them; returns the exit code."""
    home = prepare_home(settings).resolve()
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise fail(
                f"Port {port} on {LOOPBACK} is taken: end what runs there, or give another with --port (make: PORT=).",
                FAILED,
            )
    program = Path(sys.executable).with_name("dg")
    command = [str(program) if program.exists() else shutil.which("dg") or "dg", "dev"]
    command += ["-w", str(_workspace()), "--host", LOOPBACK, "--port", str(port)]
    command += ["--log-level", "warning"]  # the sensors tick every few seconds: their quiet ticks are told in the UI
    stderr.print(f"Dagster for {home} on http://{LOOPBACK}:{port} (Ctrl-C ends it)", markup=False)
    # A session of its own: a Ctrl-C reaches it once, through here, and what it leaves behind can be ended as a group.
    child = subprocess.Popen(
        command,
        env={**os.environ, **run_environment(settings), "DAGSTER_HOME": str(home)},
        cwd=home,
        start_new_session=True,
    )
    before = {number: signal.signal(number, _interrupt) for number in _ENDING}
    try:
        return child.wait()
    except _Ended as ended:
        stderr.print("Ending Dagster ...", markup=False)
        return 0 if ended.number == signal.SIGINT else 128 + ended.number
    finally:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        _end(child)
        for number, handler in before.items():
            signal.signal(number, handler)


def run_environment(settings: Settings) -> dict[str, str]:
    """Every setting as its variable, folders absolute: a run of the UI or the schedule has another working folder."""
    values = {name: str(getattr(settings, name)) for name in type(settings).model_fields}
    values["odds_api_key"] = settings.odds_api_key.get_secret_value()  # its text is asterisks
    values["database_url"] = url_of(settings.database).render_as_string(hide_password=False)
    return {ENV_PREFIX + name.upper(): value for name, value in values.items()}


class _Ended(Exception):
    def __init__(self, number: int) -> None:
        self.number = number


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise _Ended(number)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End Dagster in order, then whatever of its process group is left: `dg dev` leaves its code servers behind."""
    for number, patience in ((signal.SIGINT, 20.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        try:
            if number == signal.SIGINT:
                child.send_signal(number)  # to dg alone, which then ends the others; nothing if it has ended already
                child.wait(patience)
                continue
            os.killpg(child.pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                child.poll()
                os.killpg(child.pid, 0)
                time.sleep(0.05)
        except ProcessLookupError:  # nobody is left
            return
        except subprocess.TimeoutExpired:
            continue


def _workspace() -> Path:
    here = Path(__file__).resolve().parents[2] / "workspace.yaml"
    if not here.exists():
        raise fail("workspace.yaml is missing: run this from a checkout of the project.", FAILED)
    return here
