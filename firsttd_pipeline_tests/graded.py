"""A league of two members and five picks over the mirror of three games, graded by the real refreshes: fixtures.

Avery: Saquon Carrier won, KC D/ST won, Travis Tightend pending. Blake: Jalen Runner and No touchdown lost.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from firsttd_pipeline.refresh import games, leaderboard, player_stats, results, rosters, touchdowns
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import add_member
from firsttd_pipeline.storage.picks import PickRequest, add_pick
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline_tests.conftest import PostgresServer
from firsttd_pipeline_tests.doors import settings_for
from firsttd_pipeline_tests.mirrors import TINY_GAMES, link_mirror, tiny_mirror
from firsttd_pipeline_tests.servers import Server

SEASON = 2025
OPENER, OTHER, COMING = TINY_GAMES
START = datetime(2025, 9, 8, 12, tzinfo=UTC)
"""After week 1, before week 2; the first nightly run."""
PICKS = (
    ("Avery", "Saquon Carrier", OPENER, 400.0),
    ("Blake", "Jalen Runner", OPENER, 900.0),
    ("Avery", "KC D/ST", OTHER, 1500.0),
    ("Blake", "No Touchdown", OTHER, None),
    ("Avery", "Travis Tightend", COMING, 1000.0),
)
CARRIER, RUNNER, DEFENSE, NOBODY, TIGHTEND = 1, 2, 3, 4, 5
"""The ids of the picks."""

NIGHTLY = (games, rosters, touchdowns, results, player_stats, leaderboard)


@dataclass
class Graded:
    """The league, and what tests do with it."""

    league: League
    mirror: Path
    server: Server
    now: datetime = START

    @property
    def db(self) -> Database:
        return self.league.db

    def nightly(self, **settings: Any) -> dict[str, Report]:
        """A nightly run, an hour after whatever was before."""
        self.now += timedelta(hours=1)
        league = League(changed(self.league.settings, **settings), self.db, self.league.client, "night")
        return {step.__name__.rpartition(".")[2]: step.refresh(league, SEASON, self.now) for step in NIGHTLY}

    def standings(self) -> None:
        """The leaderboard alone, as after a change by others."""
        self.now += timedelta(minutes=1)
        leaderboard.refresh(self.league, SEASON, self.now)

    def write(self, *statements: str, **values: Any) -> None:
        """Plain SQL of another program."""
        with self.db.write() as conn:
            for statement in statements:
                conn.execute(text(statement), values)

    def write_signed(self, who: str, *statements: str, **values: Any) -> None:
        """SQL that is signed, at this league's time: what replays by the clock needs."""
        self.now += timedelta(minutes=1)
        with self.db.write() as conn, signed(conn, who, at=self.now):
            for statement in statements:
                conn.execute(text(statement), values)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.db.read() as conn:
            return [tuple(row) for row in conn.execute(text(statement), values)]

    def result(self, pick_id: int) -> tuple[Any, ...]:
        """(won, any time, scorer, profit, author) of a pick's result; () where it has none."""
        found = self.rows(
            "SELECT is_correct, any_time_td, actual_scorer, actual_return, graded_by FROM results WHERE pick_id = :p",
            p=pick_id,
        )
        return tuple(bool(v) if i < 2 and v is not None else v for i, v in enumerate(found[0])) if found else ()

    def status(self, pick_id: int) -> tuple[Any, ...]:
        """(status, reason, points, stake) of a pick."""
        (row,) = self.rows("SELECT status, reason, points, stake FROM pick_status WHERE pick_id = :p", p=pick_id)
        return row

    def events(self, pick_id: int, *columns: str) -> list[tuple[Any, ...]]:
        """Columns of a pick's result_events, oldest first."""
        return self.rows(f"SELECT {', '.join(columns)} FROM result_events WHERE pick_id = :p ORDER BY id", p=pick_id)

    def points(self) -> dict[str, float]:
        """The season's points by member, of the stored leaderboard."""
        return dict(
            self.rows("SELECT u.name, l.points FROM leaderboard l JOIN users u ON u.id = l.user_id WHERE l.week = 0")
        )

    def season(self) -> Season:
        return Season(self.db, SEASON, rules=self.league.settings.rules)


def changed(settings: Settings, **values: Any) -> Settings:
    """The settings with some of them changed."""
    return settings.model_copy(update=values)


@dataclass(frozen=True)
class Template:
    """The graded league in a database of each kind, to be copied, and its mirror, to be linked."""

    sqlite: Path
    postgres: str
    mirror: Path


@pytest.fixture(scope="session")
def graded_template(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path, postgres_server: PostgresServer
) -> Iterator[Template]:
    folder = tmp_path_factory.mktemp("graded")
    mirror = tiny_mirror(folder / "mirror")
    path = Path(shutil.copyfile(_sqlite_template, folder / "league.db"))
    address = postgres_server.upgraded()
    server = Server(mirror)
    for url in (str(path), address):
        with League.open(settings_for(folder / "home", server.url, database_url=url)) as league:
            _fill(Graded(league, mirror, server))
    server.stop()
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    yield Template(path, address.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1], mirror)
    postgres_server.drop(address)


def _fill(made: Graded) -> None:
    for step in (games, rosters, touchdowns):
        step.refresh(made.league, SEASON, START)
    for member in ("Avery", "Blake"):
        add_member(made.db, member)
    for member, player, game, odds in PICKS:
        request = PickRequest(member, player, odds, None, game, None, late_reason="a test")
        add_pick(made.db, request, season=SEASON, now=START, default_stake=1.0)
    made.nightly()


@pytest.fixture(params=["sqlite", "postgres"])
def graded(
    request: pytest.FixtureRequest, graded_template: Template, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Graded]:
    """The graded league, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        url = str(shutil.copyfile(graded_template.sqlite, tmp_path / "league.db"))
    else:
        url = postgres_server.create(graded_template.postgres)
    mirror = link_mirror(graded_template.mirror, tmp_path / "mirror")
    server = Server(mirror)
    with League.open(settings_for(tmp_path / "home", server.url, database_url=url), run_id="night") as league:
        yield Graded(league, mirror, server, START + timedelta(hours=1))
    server.stop()
    if request.param == "postgres":
        postgres_server.drop(url)
