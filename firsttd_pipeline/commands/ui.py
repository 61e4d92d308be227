"""`firsttd ui`: Dagster's UI and its daemon on this machine, over the league's home."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.commands.context import FAILED, explained, fail, settings_or_exit, stderr
from firsttd_pipeline.commands.database import bring_up_to_date
from firsttd_pipeline.settings import Settings

LOOPBACK = "127.0.0.1"

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="The port on 127.0.0.1.")]


@explained
def ui(port: PortOption = 3000) -> None:
    """Open Dagster on 127.0.0.1 with its daemon, so that the schedule, retries and backfills work. Ctrl-C ends it."""
    settings = settings_or_exit()
    bring_up_to_date(settings)
    raise typer.Exit(serve_ui(settings, port))


def serve_ui(settings: Settings, port: int, environment: dict[str, str] | None = None) -> int:
    """Run webserver and daemon until they end; returns the exit code. `environment` is what the runs will see."""
    home = prepare_home(settings)
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise fail(f"Port {port} on {LOOPBACK} is taken: end what runs there, or give another with PORT=.", FAILED)
    program = Path(sys.executable).with_name("dg")
    command = [str(program) if program.exists() else shutil.which("dg") or "dg", "dev"]
    command += ["-w", str(_workspace()), "--host", LOOPBACK, "--port", str(port)]
    stderr.print(f"Dagster for {home} on http://{LOOPBACK}:{port} (Ctrl-C ends it)", markup=False)
    child = subprocess.Popen(
        command, env={**os.environ, **(environment or {}), "DAGSTER_HOME": str(home)}, cwd=_workspace().parent
    )
    try:
        return child.wait()
    except KeyboardInterrupt:
        return child.wait()


def _workspace() -> Path:
    here = Path(__file__).resolve().parents[2] / "workspace.yaml"
    if not here.exists():
        raise fail("workspace.yaml is missing: run this from a checkout of the project.", FAILED)
    return here
