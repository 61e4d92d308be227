"""Claims about `ui` that need no browser: what it refuses before it starts anything."""

from __future__ import annotations

import socket
from pathlib import Path

from firsttd_pipeline.commands.ui import run_environment
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline_tests.commands.conftest import Home


def test_a_port_that_is_taken_is_told_before_anything_starts(copy: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = copy.run("ui", "--port", str(port))
    assert (told.code, told.out) == (1, "")
    assert f"Port {port} on 127.0.0.1 is taken" in told.err


def test_a_port_that_there_is_not_is_wrong_use(copy: Home) -> None:
    for wrong in ("0", "65536", "http"):
        told = copy.quick("ui", "--port", wrong)
        assert (told.code, told.out) == (2, "")
        assert "Invalid value for '--port'" in " ".join(told.err.replace("│", " ").split())


def test_a_run_of_the_ui_gets_every_setting_as_it_is_the_key_too(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, odds_api_key="sample-key-1", kalshi_url="http://127.0.0.1:9/k/")
    values = run_environment(settings)
    assert values["FIRSTTD_ODDS_API_KEY"] == "sample-key-1"
    assert values["FIRSTTD_KALSHI_URL"] == "http://127.0.0.1:9/k/"
