"""Fixtures of the end-to-end tests: servers that live for a module, empty homes, and one real season to copy."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from firsttd_pipeline.settings import Settings
from firsttd_pipeline_tests.e2e.league import settings_for
from firsttd_pipeline_tests.e2e.ui import PATIENCE
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR

NewHome = Callable[..., Settings]

CHROMIUM_OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def _environment() -> Iterator[None]:
    """Every Nightly points DAGSTER_HOME at its own home; what was there before comes back."""
    before = os.environ.get("DAGSTER_HOME")
    yield
    if before is None:
        os.environ.pop("DAGSTER_HOME", None)
    else:
        os.environ["DAGSTER_HOME"] = before


@pytest.fixture(scope="module")
def upstream() -> Iterator[Server]:
    """The mirror behind an address that lives as long as the module."""
    server = Server(MIRROR)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> NewHome:
    """`new_home(url, **settings)` makes a league with an empty database at this version."""

    def make(url: str, **more: object) -> Settings:
        home = tmp_path_factory.mktemp("league")
        shutil.copyfile(_sqlite_template, home / "firsttd.db")
        return settings_for(home, url, **more)

    return make


@pytest.fixture(scope="session")
def copy_home(tmp_path_factory: pytest.TempPathFactory) -> NewHome:
    """`copy_home(settings, url)` makes a league that holds what another one holds."""

    def make(of: Settings, url: str, **more: object) -> Settings:
        home = tmp_path_factory.mktemp("league")
        assert not (of.home / "firsttd.db-wal").exists(), "somebody still has the database open"
        shutil.copyfile(of.home / "firsttd.db", home / "firsttd.db")
        (home / "raw").mkdir()
        for file in (of.home / "raw").glob("*.parquet"):
            os.link(file, home / "raw" / file.name)
        return settings_for(home, url, **more)

    return make


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("No chromium on this machine: `apt-get install chromium` (.ci/run does it).")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"),
            executable_path=program,
            headless=True,
            args=CHROMIUM_OPTIONS,
            viewport={"width": 1500, "height": 1400},
        )
        context.set_default_timeout(PATIENCE * 1000 / 4)
        expect.set_options(timeout=PATIENCE * 1000 / 4)
        yield context.new_page()
        context.close()
