"""A small league whose first week was played, made once by the real commands; tests that write get a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from firsttd_pipeline_tests.doors import Told, firsttd, quick
from firsttd_pipeline_tests.mirrors import TINY_GAMES, tiny_mirror
from firsttd_pipeline_tests.servers import Server

HOSTILE = (
    "[bold red]x[/bold red]",
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE users;--",
    '=HYPERLINK("http://x")',
    "**bold** | pipe |",
    "%s {0} :smile: `x`",
)
PICKS = f"""user,season,week,game_id,player,odds
Avery,2025,1,{TINY_GAMES[0]},Saquon Carrier,+400
Blake,2025,1,{TINY_GAMES[0]},Jalen Runner,+900
Avery,2025,1,{TINY_GAMES[1]},KC D/ST,+1500
Blake,2025,1,{TINY_GAMES[1]},No Touchdown,
Avery,2025,2,{TINY_GAMES[2]},Travis Tightend,+1000
"[bold red]x[/bold red]",2025,1,{TINY_GAMES[1]},Trent Corner,-110
"""


@dataclass(frozen=True)
class Home:
    """A league's home and the address of its source."""

    path: Path
    url: str

    @property
    def database(self) -> Path:
        return self.path / "firsttd.db"

    def run(self, *arguments: str, stdin: str | None = None, **env: str) -> Told:
        """The console script, in a process of its own."""
        return firsttd(self.path, self.url, *arguments, env=env, stdin=stdin)

    def quick(self, *arguments: str, **env: str) -> Told:
        """The same command in this process."""
        return quick(self.path, self.url, *arguments, env=env)


@pytest.fixture(scope="session")
def mirror_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tiny_mirror(tmp_path_factory.mktemp("mirror")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def league(tmp_path_factory: pytest.TempPathFactory, mirror_server: Server) -> Home:
    """The prepared league: to be read only."""
    home = Home(tmp_path_factory.mktemp("league"), mirror_server.url)
    assert home.quick("db", "upgrade").code == 0
    for name in HOSTILE:
        assert home.quick("members", "add", "--", name).code == 0
    (home.path / "picks.csv").write_text(PICKS)
    taken = home.quick("picks", "import", "picks.csv", "--create-members", "--late", "entered after the week")
    assert taken.code == 0, taken.err
    ran = home.quick("nightly", "--season", "2025")
    assert ran.code == 0, ran.err
    return home


@pytest.fixture
def copy(league: Home, tmp_path: Path) -> Home:
    """A copy of the prepared league, to be changed."""
    shutil.copytree(league.path, tmp_path / "copy", ignore=shutil.ignore_patterns("storage"))
    return Home(tmp_path / "copy", league.url)


@pytest.fixture
def empty(tmp_path: Path, mirror_server: Server) -> Home:
    """A home without anything."""
    (tmp_path / "empty").mkdir()
    return Home(tmp_path / "empty", mirror_server.url)
