"""Sample leagues: the typed sheet can be understood, and the large leagues satisfy every constraint."""

from __future__ import annotations

import csv
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select

from firsttd_pipeline.domain.players import parse_special
from firsttd_pipeline.domain.resolver import Resolver
from firsttd_pipeline.sample.league import SHEET_COLUMNS, bulk_league, generate_league
from firsttd_pipeline.sample.season import Manifest, generate_season
from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.engine import Database


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return generate_season(5, 2025, tmp_path_factory.mktemp("sample"), through_week=6, history=0)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_sheet_is_the_plain_form_and_deterministic(sample: Manifest, tmp_path: Path) -> None:
    one = generate_league(1, sample.folder, path=tmp_path / "one.csv")
    two = generate_league(1, sample.folder, path=tmp_path / "two.csv")
    other = generate_league(2, sample.folder, path=tmp_path / "other.csv")
    assert tuple(rows_of(one)[0]) == SHEET_COLUMNS
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_every_typed_pick_is_understood_among_its_games_two_teams(sample: Manifest) -> None:
    roster = pl.read_parquet(sample.folder / "rosters" / "roster_2025.parquet").select(
        "team", "position", "first_name", "last_name", "football_name", "jersey_number",
        player_id="gsis_id", player_name="full_name",
    )  # fmt: skip
    resolver = Resolver(roster)
    rows = rows_of(generate_league(3, sample.folder, members=20))
    not_understood = []
    special = 0
    for row in rows:
        _, _, away, home = row["game_id"].split("_")
        if parse_special(row["player"], (away, home)):
            special += 1
            continue
        found = resolver.resolve(row["player"], [away, home])
        if found.answer is None:
            not_understood.append((row, found.reason))
    assert not_understood == []
    assert special > 0
    assert any(row["player"] != row["player"].strip() or row["player"].islower() for row in rows)


def test_members_pick_once_a_week_some_win_and_some_odds_are_missing(sample: Manifest) -> None:
    rows = rows_of(generate_league(3, sample.folder, members=20))
    assert len({(row["user"], row["week"]) for row in rows}) == len(rows)
    assert {int(row["week"]) for row in rows} == set(range(1, 19))
    assert any(not row["odds"] for row in rows)
    firsts = {
        (game, sample.players[touchdown.player_id].lower()) for game, touchdown in sample.first_touchdowns.items()
    }
    won = [row for row in rows if (row["game_id"], row["player"].strip().lower()) in firsts]
    assert len(won) >= 3


def test_a_season_without_plays_still_gets_a_sheet(tmp_path: Path) -> None:
    generate_season(5, 2025, tmp_path, through_week=0, history=0)
    assert len(rows_of(generate_league(1, tmp_path, members=3, skipped=0.0))) == 54


def test_a_large_league_satisfies_every_table_and_adds_up(database: Database) -> None:
    written = bulk_league(database, 30, 1_000, 1)
    with database.read() as conn:
        counts = {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (schema.users, schema.picks, schema.pick_status, schema.results, schema.games)
        }
        won = conn.execute(
            select(func.count()).select_from(schema.results).where(schema.results.c.is_correct.is_(True))
        ).scalar_one()
        board = conn.execute(
            select(func.sum(schema.leaderboard.c.picks), func.sum(schema.leaderboard.c.first_td)).where(
                schema.leaderboard.c.week == 0
            )
        ).one()
    assert counts == {"users": 30, "picks": 1_000, "pick_status": 1_000, "results": 1_000, "games": 272}
    assert written.won == won > 0
    assert tuple(board) == (1_000, won)


def test_the_large_league_leaves_the_database_as_guarded_as_it_was(sqlite_db: Database) -> None:
    def guards() -> set[tuple[str, str]]:
        with sqlite_db.read() as conn:
            found = conn.exec_driver_sql("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_stat%'")
            return {(row[0], row[1]) for row in found}

    before = guards()
    bulk_league(sqlite_db, 10, 200, 1)
    assert guards() == before
    with sqlite_db.read() as conn:
        assert conn.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_a_large_league_splits_its_picks_evenly(sqlite_db: Database) -> None:
    bulk_league(sqlite_db, 7, 100, 4)
    picks = schema.picks.c
    per_member = sqlite_db.frame(select(picks.user_id, func.count().label("n")).group_by(picks.user_id))
    assert sorted(per_member["n"]) == [14, 14, 14, 14, 14, 15, 15]


def test_more_picks_than_players_are_refused_and_nothing_is_written(sqlite_db: Database) -> None:
    with pytest.raises(ValueError, match="to choose from"):
        bulk_league(sqlite_db, 1, 1_000_000, 1)
    with sqlite_db.read() as conn:
        assert conn.execute(select(func.count()).select_from(schema.users)).scalar_one() == 0
