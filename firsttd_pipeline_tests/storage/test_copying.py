"""Claims about copying a league: everything arrives, on both engines, or nothing is written and the reason is said."""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import delete, insert, select, text

from firsttd_pipeline.domain.standings import leaderboard
from firsttd_pipeline.storage import copying
from firsttd_pipeline.storage.copying import COPIED, CopyRefused, copy_league
from firsttd_pipeline.storage.engine import Database, DatabaseUnavailable, ForeignDatabase, NotUpgraded, read_frame
from firsttd_pipeline.storage.schema import (
    games,
    market_legs,
    market_odds,
    market_payloads,
    metadata,
    pick_status,
    picks,
    quarantine,
    result_events,
    results,
    sync_metadata,
    sync_runs,
    users,
    weeks,
)
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.upgrade import check, upgrade
from firsttd_pipeline_tests.shared_data import needs_shared
from firsttd_pipeline_tests.storage.legacy import legacy_copy
from firsttd_pipeline_tests.storage.season_2025 import AFTER, load_season

NOW = datetime(2025, 9, 6, 12, 30, 15, tzinfo=UTC)
HOSTILE = 'O\'Dell, "B."\n\\N\t; DROP TABLE users;-- \u2028 Zoë 🏈'


def fill(db: Database) -> None:
    """A small league with what goes wrong most easily: odd texts, nulls, empty texts, removed rows, instants."""
    with db.write() as conn:
        people = [
            {"name": "Avery", "base_bet": 0.1 + 0.2, "is_admin": True, "email": None},
            {"name": HOSTILE, "base_bet": None, "is_admin": False, "email": ""},
        ]
        conn.execute(insert(users), people)
        conn.execute(insert(weeks), [{"season": 2025, "week": week, "started_at": NOW} for week in (1, 2)])
        sides = [("DAL", "PHI", 1), ("KC", "LAC", 1), ("PHI", "KC", 2)]
        conn.execute(
            insert(games),
            [
                {
                    "id": f"2025_{week:02}_{away}_{home}",
                    "season": 2025,
                    "week": week,
                    "home_team": home,
                    "away_team": away,
                    "game_date": NOW.date(),
                    "kickoff_at": NOW,
                    "neutral_site": week == 2,
                }
                for away, home, week in sides
            ],
        )
        conn.execute(
            insert(picks),
            [
                {
                    "user_id": 1 + at % 2,
                    "week_id": 1 + at // 20,
                    "team": "PHI",
                    "player_name": f"Player {at}",
                    "player_id": f"00-00000{at:02}",
                    "odds": 450.5 + at,
                    "game_id": "2025_01_DAL_PHI",
                }
                for at in range(40)
            ],
        )
        conn.execute(
            insert(results),
            [
                {
                    "pick_id": pick,
                    "is_correct": pick % 3 == 0,
                    "any_time_td": None,
                    "actual_return": -1.0,
                    "graded_at": NOW,
                }
                for pick in range(1, 30)
            ],
        )
        conn.execute(
            insert(pick_status),
            [
                {"pick_id": pick, "status": "won" if pick % 3 == 0 else "lost", "points": 3.0 if pick % 3 == 0 else 0.0}
                | {"stake": 1.0, "finality": "official", "rule_pack": "stacking"}
                for pick in range(1, 30)
            ],
        )
        conn.execute(delete(picks).where(picks.c.id == 40))
        entry = {"table_name": "picks", "season": 2025, "key": HOSTILE, "reason": "", "payload": '{"a": "\\u0041"}'}
        conn.execute(insert(quarantine), entry)
        fetched = {"dataset": "pbp", "season": 2025, "url": "http://x", "status": "changed", "fetched_at": NOW}
        conn.execute(insert(sync_runs), fetched | {"size_bytes": 2**40})
        conn.execute(insert(sync_metadata), {"key": "last_sync", "value": "then"})
        answer = {"source": "kalshi", "season": 2025, "kind": "open", "url": "http://x", "fetched_at": NOW}
        bodies = (zlib.compress(HOSTILE.encode()), b"", bytes(range(256)))
        conn.execute(
            insert(market_payloads),
            [answer | {"sha256": str(at), "size_bytes": 1, "body": body} for at, body in enumerate(bodies)],
        )
        leg = {"source": "kalshi", "market_id": "m", "event_id": "e", "season": 2025, "kind": "unknown"}
        seen = {"first_seen_at": NOW, "last_seen_at": NOW}
        conn.execute(insert(market_legs), leg | seen | {"label": HOSTILE, "status": "open", "reason": "unknown"})
        price = {"leg_id": 1, "source": "kalshi", "season": 2025, "player_name": HOSTILE, "snapshot_time": NOW}
        conn.execute(insert(market_odds), price | {"implied_probability": 1 / 3})
        conn.execute(insert(result_events), {"event": "graded", "pick_id": 999, "new_actual_return": 1 / 3})


def contents(db: Database) -> dict[str, pl.DataFrame]:
    """Every table's rows in one order, without the database's own id."""
    with db.read() as conn:
        frames = {table.name: read_frame(conn, select(table)) for table in COPIED}
    frames["sync_metadata"] = frames["sync_metadata"].filter(pl.col("key") != "database_id")
    return {name: frame.sort(frame.columns[0]) for name, frame in frames.items()}


def to_the_second(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {
        name: frame.with_columns(
            pl.col(c).dt.truncate("1s") for c, kind in frame.schema.items() if isinstance(kind, pl.Datetime)
        )
        for name, frame in frames.items()
    }


def differing(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    return [name for name in one if not one[name].equals(other[name])]


def own_id(db: Database) -> str:
    with db.read() as conn:
        return str(conn.execute(text("SELECT value FROM sync_metadata WHERE key = 'database_id'")).scalar_one())


def standings(db: Database) -> pl.DataFrame:
    return leaderboard(2025, Season(db, 2025).picks_with_status())


@pytest.fixture
def league(sqlite_db: Database) -> Database:
    fill(sqlite_db)
    return sqlite_db


@pytest.fixture
def empty_postgres(postgres_url: str) -> Iterator[Database]:
    """PostgreSQL without a table."""
    db = Database(postgres_url, busy_timeout_s=20)
    yield db
    db.close()


@pytest.fixture
def new_file(tmp_path: Path) -> Iterator[Database]:
    """A file that is not there yet, in a folder that is not there yet."""
    db = Database(tmp_path / "elsewhere" / "copy.db", busy_timeout_s=20)
    yield db
    db.close()


# --- what arrives -----------------------------------------------------------------------------------------------------


def test_a_file_goes_to_an_empty_postgresql_whole(league: Database, empty_postgres: Database) -> None:
    copied = copy_league(league, empty_postgres)
    assert differing(contents(league), contents(empty_postgres)) == []
    assert copied.created
    assert dict(copied.rows) == {name: frame.height for name, frame in contents(league).items()}
    assert dict(copied.rows)["picks"] == 39
    assert check(empty_postgres) == []


def test_postgresql_goes_to_a_new_file_whole(postgres_db: Database, new_file: Database) -> None:
    fill(postgres_db)
    copy_league(postgres_db, new_file)
    assert differing(to_the_second(contents(postgres_db)), contents(new_file)) == []
    assert check(new_file) == []


def test_a_file_goes_to_a_file(league: Database, new_file: Database) -> None:
    copy_league(league, new_file)
    assert differing(contents(league), contents(new_file)) == []
    assert check(new_file) == []


def test_there_and_back_is_the_same_league(league: Database, empty_postgres: Database, new_file: Database) -> None:
    copy_league(league, empty_postgres)
    copy_league(empty_postgres, new_file)
    assert differing(contents(league), contents(new_file)) == []
    assert standings(new_file).equals(standings(league))
    assert standings(empty_postgres).equals(standings(league))
    assert standings(league).height > 0


def test_a_target_made_by_db_upgrade_is_as_good_as_none(
    league: Database, postgres_db: Database, new_file: Database
) -> None:
    upgrade(new_file)
    for target in (postgres_db, new_file):
        assert not copy_league(league, target).created
        assert differing(contents(league), contents(target)) == []


def test_no_event_is_written_twice_and_the_triggers_stand_afterwards(
    league: Database, empty_postgres: Database, new_file: Database
) -> None:
    before = {name: contents(league)[name].height for name in ("result_events", "pick_events", "standings_queue")}
    for target in (empty_postgres, new_file):
        copy_league(league, target)
        assert {name: contents(target)[name].height for name in before} == before
        with pytest.raises(Exception, match=r"game"), target.write() as conn:
            row = {"user_id": 1, "week_id": 1, "team": "X", "player_name": "Y", "game_id": "none"}
            conn.execute(insert(picks), row)
        new_pick(target)
        new_pick(league)
        assert contents(target)["pick_events"].height == contents(league)["pick_events"].height
        with league.write() as conn:
            conn.execute(delete(picks).where(picks.c.player_name == "New"))
        before = {name: contents(league)[name].height for name in before}


def new_pick(db: Database) -> int:
    with db.write() as conn:
        row = {"user_id": 1, "week_id": 2, "team": "X", "player_name": "New"}
        return int(conn.execute(insert(picks).returning(picks.c.id), row).scalar_one())


def test_an_id_of_a_removed_row_is_not_used_again(
    league: Database, empty_postgres: Database, new_file: Database
) -> None:
    copy_league(league, empty_postgres)
    copy_league(empty_postgres, new_file)
    assert new_pick(empty_postgres) == 41
    assert new_pick(new_file) == 41


def test_the_copy_is_a_database_of_its_own(league: Database, empty_postgres: Database, new_file: Database) -> None:
    copy_league(league, empty_postgres)
    copy_league(league, new_file)
    assert len({own_id(league), own_id(empty_postgres), own_id(new_file)}) == 3


def test_the_source_is_only_read(league: Database, empty_postgres: Database) -> None:
    before = contents(league), own_id(league)
    copy_league(league, empty_postgres)
    assert differing(before[0], contents(league)) == []
    assert own_id(league) == before[1]


@pytest.mark.parametrize("batch", [1, 13, 39])
def test_rows_arrive_whatever_the_batch(
    league: Database, new_file: Database, empty_postgres: Database, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", batch)
    told: list[tuple[str, int, int]] = []
    copy_league(league, new_file, lambda *at: told.append(at))
    copy_league(league, empty_postgres)
    assert differing(contents(league), contents(new_file)) == []
    assert differing(contents(league), contents(empty_postgres)) == []
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2] == sum(frame.height for frame in contents(league).values())


def test_a_write_during_the_copy_is_not_in_it(league: Database, new_file: Database) -> None:
    before = contents(league)

    def write_once(table: str, done: int, total: int) -> None:
        if table == "users":
            new_pick(league)

    copy_league(league, new_file, write_once)
    assert differing(before, contents(new_file)) == []
    assert differing(before, contents(league)) != []


def test_another_programs_way_to_write_an_instant_is_understood(league: Database, empty_postgres: Database) -> None:
    raw_write(league, "UPDATE weeks SET started_at = '2025-09-04T20:20:00.250-04:00' WHERE id = 1")
    copy_league(league, empty_postgres)
    with empty_postgres.read() as conn:
        (started,) = conn.execute(select(weeks.c.started_at).where(weeks.c.id == 1)).one()
    assert started == datetime(2025, 9, 5, 0, 20, 0, 250_000, tzinfo=UTC)


@needs_shared
def test_the_leagues_own_file_goes_to_postgresql_and_back(
    tmp_path: Path, empty_postgres: Database, new_file: Database
) -> None:
    source = Database(legacy_copy(tmp_path))
    upgrade(source)
    copied = dict(copy_league(source, empty_postgres).rows)
    assert (copied["users"], copied["picks"] >= 74, copied["results"] >= 74) == (7, True, True)
    assert differing(contents(source), contents(empty_postgres)) == []
    copy_league(empty_postgres, new_file)
    assert differing(contents(source), contents(new_file)) == []
    source.close()


@needs_shared
def test_a_real_season_arrives(sqlite_db: Database, empty_postgres: Database) -> None:
    load_season(sqlite_db, AFTER)
    copied = dict(copy_league(sqlite_db, empty_postgres).rows)
    assert (copied["games"], copied["rosters"]) == (285, 3133)
    assert differing(contents(sqlite_db), contents(empty_postgres)) == []


# --- what is refused --------------------------------------------------------------------------------------------------


def raw_write(db: Database, *statements: str) -> None:
    """As another program writes to the file: no checks of ours, foreign keys off."""
    db.close()
    with closing(sqlite3.connect(str(db.path))) as conn, conn:
        for statement in statements:
            conn.execute(statement)


def tables_of(db: Database) -> set[str]:
    return db.tables()


def test_a_target_with_rows_is_refused_and_they_are_listed(league: Database, postgres_db: Database) -> None:
    with postgres_db.write() as conn:
        conn.execute(insert(users), [{"name": "Somebody"}, {"name": "Other"}])
        conn.execute(insert(weeks), {"season": 2024, "week": 1})
    with pytest.raises(CopyRefused, match=r"is not empty \(rows: users 2, weeks 1\)"):
        copy_league(league, postgres_db)
    assert contents(postgres_db)["users"]["name"].to_list() == ["Somebody", "Other"]


def test_a_second_copy_is_refused(league: Database, empty_postgres: Database) -> None:
    copy_league(league, empty_postgres)
    with pytest.raises(CopyRefused, match=r"is not empty \(rows: .*users 2, weeks 2"):
        copy_league(league, empty_postgres)


def test_the_source_itself_is_refused_by_whatever_name(league: Database, tmp_path: Path) -> None:
    link, twin = tmp_path / "link.db", tmp_path / "twin.db"
    link.symlink_to(str(league.path))
    for name in (str(league.path), f"sqlite:///{league.path}", str(link)):
        with pytest.raises(CopyRefused, match="the league's database itself"):
            copy_league(league, Database(name))
    league.close()
    shutil.copyfile(str(league.path), twin)
    with pytest.raises(CopyRefused, match="or a copy of its file"):
        copy_league(league, Database(twin))


def test_postgresql_itself_is_refused_by_another_address(postgres_db: Database) -> None:
    fill(postgres_db)
    other = Database(postgres_db.url.update_query_dict({"application_name": "x"}).render_as_string(False))
    with pytest.raises(CopyRefused, match="the league's database itself"):
        copy_league(postgres_db, other)
    other.close()


def test_somebody_elses_database_is_not_touched(league: Database, empty_postgres: Database, tmp_path: Path) -> None:
    with empty_postgres.engine.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE orders (id integer)")
    with closing(sqlite3.connect(tmp_path / "other.db")) as file:
        file.execute("CREATE TABLE orders (id integer)")
    for target in (empty_postgres, Database(tmp_path / "other.db")):
        with pytest.raises(ForeignDatabase, match="orders"):
            copy_league(league, target)
        assert tables_of(target) == {"orders"}
    (tmp_path / "note.txt").write_text("no database " * 100)
    with pytest.raises(ForeignDatabase, match="no SQLite database"):
        copy_league(league, Database(tmp_path / "note.txt"))


@needs_shared
def test_a_target_at_another_revision_is_refused(league: Database, tmp_path: Path) -> None:
    old = Database(legacy_copy(tmp_path))
    with pytest.raises(CopyRefused, match="is at revision 0008, and a copy needs an empty database"):
        copy_league(league, old)
    assert "alembic_version" not in tables_of(old)


def test_a_source_that_is_not_upgraded_is_refused(new_file: Database, tmp_path: Path) -> None:
    with pytest.raises(NotUpgraded, match="run `firsttd db upgrade`"):
        copy_league(Database(tmp_path / "none.db"), new_file)
    assert not Path(str(new_file.path)).exists()


BAD = {
    "a text in a whole number": (
        "UPDATE games SET home_score = 'seven' WHERE id = '2025_01_KC_LAC'",
        r"games\.home_score of the row id = '2025_01_KC_LAC': 'seven' \(text\) is no whole number",
    ),
    "a fraction in a whole number": ("UPDATE games SET home_score = 1.5", r"games\.home_score .* 1\.5 \(real\)"),
    "a number too large": (
        "UPDATE games SET home_score = 3000000000 WHERE id = '2025_01_KC_LAC'",
        r"games\.home_score .* 3000000000 \(integer\) is no whole number of the column's size",
    ),
    "a text in a number": ("UPDATE picks SET odds = '+450x' WHERE id = 3", r"picks\.odds of the row id = 3: '\+450x'"),
    "an infinite number": ("UPDATE picks SET odds = 9e999 WHERE id = 3", r"picks\.odds of the row id = 3: .*no finite"),
    "a 2 for true": ("UPDATE results SET any_time_td = 2 WHERE pick_id = 5", r"results\.any_time_td of .* id = 5: 2"),
    "bytes in a text": (
        "UPDATE picks SET team = x'0102' WHERE id = 3",
        r"picks\.team of the row id = 3: X'0102' \(blob",
    ),
    "a NUL character": (
        "UPDATE picks SET player_name = 'a' || char(0) || 'b' WHERE id = 3",
        r"picks\.player_name of the row id = 3: .*no text without a NUL",
    ),
    "no UTF-8": (
        "UPDATE picks SET player_name = CAST(x'41ff' AS TEXT) WHERE id = 3",
        r"picks\.player_name of the row id = 3 is no UTF-8",
    ),
    "no instant": (
        "UPDATE weeks SET started_at = '2025-02-30 00:00:00' WHERE id = 2",
        r"weeks\.started_at of the row id = 2: '2025-02-30 00:00:00' \(text\) is no instant",
    ),
    "a number for an instant": (
        "UPDATE weeks SET started_at = 7.5 WHERE id = 2",
        r"weeks\.started_at of .* id = 2: '7.5'",
    ),
    "no date": (
        "UPDATE games SET game_date = 'Thursday' WHERE week = 2",
        r"games\.game_date of the row id = '2025_02_PHI_KC': 'Thursday' \(text\) is no date",
    ),
    "a reference to nothing": ("DELETE FROM weeks WHERE id = 2", r"refers to a row of weeks that is not there"),
}


@pytest.mark.parametrize(("statement", "says"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_named_and_nothing_is_written(
    league: Database, empty_postgres: Database, statement: str, says: str
) -> None:
    drop = [f'DROP TRIGGER "{name}"' for name in triggers_of(league)]
    raw_write(league, *drop, "PRAGMA ignore_check_constraints = ON", statement)
    with pytest.raises(CopyRefused, match=says):
        copy_league(league, empty_postgres)
    assert tables_of(empty_postgres) == set()


def triggers_of(db: Database) -> list[str]:
    with closing(sqlite3.connect(str(db.path))) as conn:
        return [name for (name,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]


@pytest.mark.parametrize("value", ["'NaN'", "'Infinity'"])
def test_a_number_that_sqlite_cannot_hold_is_named(postgres_db: Database, new_file: Database, value: str) -> None:
    fill(postgres_db)
    with postgres_db.write() as conn:
        conn.exec_driver_sql(f"UPDATE picks SET odds = {value} WHERE id = 3")
    with pytest.raises(CopyRefused, match=r"odds of the row id = \d+ is no finite number"):
        copy_league(postgres_db, new_file)
    assert not Path(str(new_file.path)).exists()


class Stopped(Exception):
    pass


@pytest.mark.parametrize("target", ["new_file", "empty_postgres", "postgres_db"])
def test_a_copy_that_is_interrupted_leaves_nothing(
    league: Database, target: str, request: pytest.FixtureRequest
) -> None:
    to: Database = request.getfixturevalue(target)
    before = tables_of(to)

    def stop(table: str, done: int, total: int) -> None:
        if table == "results":
            raise Stopped

    with pytest.raises(Stopped):
        copy_league(league, to, stop)
    assert tables_of(to) == before
    copy_league(league, to)
    assert differing(contents(league), contents(to)) == []


def test_a_value_that_arrives_changed_undoes_the_copy(
    league: Database, empty_postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = copying._write

    def wrong(conn: object, table: object, frame: pl.DataFrame) -> None:
        if table is picks:
            frame = frame.with_columns(odds=pl.when(pl.col("id") == 7).then(1.0).otherwise("odds"))
        write(conn, table, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "_write", wrong)
    with pytest.raises(CopyRefused, match=r"picks\.odds of the row id = 7 did not arrive as it was"):
        copy_league(league, empty_postgres)
    assert tables_of(empty_postgres) == set()


def test_a_server_that_does_not_answer_is_said_without_its_password(league: Database, refused_url: str) -> None:
    port = refused_url.rsplit(":", 1)[1].strip("/")
    with pytest.raises(DatabaseUnavailable) as told:
        copy_league(league, Database(f"postgresql://league:s3cret@127.0.0.1:{port}/league"))
    assert "s3cret" not in str(told.value)


def test_a_table_of_another_program_is_left_out_and_named(league: Database, new_file: Database) -> None:
    raw_write(league, "CREATE TABLE app_sessions (id INTEGER)")
    assert copy_league(league, new_file).left_out == ("app_sessions",)
    assert "app_sessions" not in tables_of(new_file)


def test_every_table_but_the_open_transactions_signature_is_copied() -> None:
    assert {table.name for table in COPIED} == set(metadata.tables) - {"authorship"}
    assert all(len(table.primary_key.columns) == 1 for table in COPIED)
