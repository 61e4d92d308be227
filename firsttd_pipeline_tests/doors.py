"""The doors of the product as tests open them: the installed console script, and a league's home made for a test."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firsttd_pipeline.settings import Settings, load_settings

SCRIPT = Path(sys.executable).with_name("firsttd")
QUICK = {
    "FIRSTTD_RETRIES": "0", "FIRSTTD_BACKOFF": "0", "FIRSTTD_CONNECT_TIMEOUT": "2", "FIRSTTD_READ_TIMEOUT": "5",
    "FIRSTTD_PREDICTION_MARKETS": "off",
}  # fmt: skip
"""Impatient, as tests are, and no venue is asked unless a test says so."""


@dataclass(frozen=True)
class Told:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as JSON: anything else on it fails the test."""
        return json.loads(self.out)

    @property
    def csv(self) -> list[dict[str, str]]:
        """All of stdout as CSV with a header."""
        return list(csv.DictReader(io.StringIO(self.out)))


def environment(home: Path, url: str, **more: str) -> dict[str, str]:
    """The process's environment with no FIRSTTD_ variable but these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTTD_", "DAGSTER_"))}
    return kept | QUICK | {"FIRSTTD_HOME": str(home), "FIRSTTD_NFLVERSE_URL": url} | more


def firsttd(
    home: Path, url: str, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> Told:
    """Run the console script as a user does, in a process of its own, in a folder without a `.env`."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(SCRIPT), *arguments],
        env=environment(home, url, **(env or {})),
        cwd=home,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return _checked(Told(done.returncode, done.stdout, done.stderr))


def quick(home: Path, url: str, *arguments: str, env: Mapping[str, str] | None = None) -> Told:
    """Run a command in this process: for what does not depend on how a process starts."""
    from firsttd_pipeline.cli import app

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("FIRSTTD_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("DAGSTER_HOME", str(home))  # `prepare_home` sets it: put back afterwards
        patch.chdir(home)
        done = CliRunner().invoke(
            app, list(arguments), env=QUICK | {"FIRSTTD_HOME": str(home), "FIRSTTD_NFLVERSE_URL": url, **(env or {})}
        )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return _checked(Told(done.exit_code, done.stdout, done.stderr))


def _checked(told: Told) -> Told:
    assert "Traceback" not in told.out + told.err, told.err
    assert told.code in (0, 1, 2), told
    return told


def settings_for(home: Path, url: str, **more: Any) -> Settings:
    """Settings of a league in `home` with its source at `url`; impatient, as tests are."""
    return load_settings(
        **{"home": home, "database_url": "", "nflverse_url": url, "retries": 0, "backoff": 0.0, "read_timeout": 5.0}
        | more
    )
