"""Claims about references: every foreign key is enforced on both databases, and a refusal says which and why."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, ForeignKeyConstraint, Integer, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import games, metadata, picks, player_stats, results, rosters, users, weeks
from firsttd_pipeline.storage.triggers import PREFIX, for_old_application, install, installed, sqlite_triggers
from firsttd_pipeline.storage.upgrade import check

NOW = datetime(2025, 9, 9, tzinfo=UTC)
GAME = "2025_01_DAL_PHI"
ROWS: dict[str, dict[str, Any]] = {
    "users": {"id": 1, "name": "Ann"},
    "weeks": {"id": 1, "season": 2025, "week": 1},
    "games": {"id": GAME, "season": 2025, "week": 1, "home_team": "PHI", "away_team": "DAL"},
    "rosters": {"id": 1, "season": 2025, "team": "PHI", "player_id": "00-1", "player_name": "A"},
    "touchdowns": {"id": 1, "game_id": GAME, "play_id": 1, "season": 2025},
    "game_records": {"game_id": GAME, "season": 2025, "plays": 1, "reaches_end": True},
    "picks": {"id": 1, "user_id": 1, "week_id": 1, "game_id": GAME, "team": "PHI", "player_name": "A"},
    "pick_status": {"pick_id": 1, "status": "won"},
    "pick_resolutions": {"pick_id": 1, "state": "understood", "resolved_by": "pipeline"},
    "results": {"id": 1, "pick_id": 1, "is_correct": True},
    "player_stats": {"id": 1, "player_name": "A", "season": 2025, "team": "PHI", "player_id": "00-1", "roster_id": 1},
    "leaderboard": {
        "id": 1, "season": 2025, "week": 0, "user_id": 1, "rank": 1, "picks": 1, "graded": 1, "pending": 0, "void": 0,
        "first_td": 1, "any_time_td": 1, "points": 4, "staked": 1, "profit": 9, "current_streak": 1, "best_streak": 1,
    },
    "kickoff_decisions": {"id": 1, "game_id": GAME, "team": "DAL"},
    "market_events": {
        "id": 1, "source": "kalshi", "event_id": "e", "season": 2025, "game_id": GAME, "reason": "r",
        "first_seen_at": NOW, "last_seen_at": NOW,
    },
    "market_legs": {
        "id": 1, "source": "kalshi", "market_id": "m", "event_id": "e", "season": 2025, "game_id": GAME,
        "kind": "player", "label": "A", "player_id": "00-1", "status": "open", "first_seen_at": NOW,
        "last_seen_at": NOW,
    },
    "market_odds": {
        "id": 1, "leg_id": 1, "source": "kalshi", "game_id": GAME, "season": 2025, "week": 1, "player_name": "A",
        "implied_probability": 0.1, "snapshot_time": NOW,
    },
    "market_closings": {
        "id": 1, "source": "kalshi", "game_id": GAME, "player_id": "00-1", "season": 2025, "week": 1,
        "kickoff_at": NOW, "closing_at": NOW, "odds_id": 1, "legs": 1, "probability": 0.1, "fair_probability": 0.1,
    },
    "market_outcomes": {
        "id": 1, "source": "kalshi", "season": 2025, "game_id": GAME, "market_id": "m", "player_name": "A",
    },
    "pick_market_odds": {"id": 1, "pick_id": 1, "source": "kalshi", "pick_odds_id": 1},
    "member_market_stats": {"id": 1, "season": 2025, "user_id": 1, "picks": 1, "priced": 1, "judged": 1},
}  # fmt: skip

KEYS = [
    key
    for table in metadata.sorted_tables
    for key in sorted(table.foreign_key_constraints, key=lambda k: tuple(k.column_keys))
]


def named(key: ForeignKeyConstraint) -> str:
    return f"{key.table.name}.{'+'.join(c.name for c in key.columns)}"


def fill(db: Database) -> None:
    with db.write() as conn:
        for table in metadata.sorted_tables:
            if table.name in ROWS:
                conn.execute(insert(table), ROWS[table.name])


def missing(key: ForeignKeyConstraint) -> dict[str, Any]:
    return {c.name: 4711 if isinstance(c.type, Integer) else "2025_01_NO_WAY" for c in key.columns}


def counts(db: Database) -> dict[str, int]:
    with db.read() as conn:
        return {t: conn.execute(select(func.count()).select_from(metadata.tables[t])).scalar_one() for t in ROWS}


def clear_descendants(conn: Connection, name: str, keep: str = "") -> None:
    needed = ancestors(keep) if keep else set()
    for table in reversed(metadata.sorted_tables):
        if table.name != keep and any(k.referred_table.name == name for k in table.foreign_key_constraints):
            if table.name in needed:  # what the kept row hangs on stays, and refers to nothing itself
                conn.execute(update(table).values({c.name: None for c in table.c if c.foreign_keys and c.nullable}))
                clear_descendants(conn, table.name, keep)
                continue
            clear_descendants(conn, table.name, keep)
            conn.execute(delete(table))


def ancestors(name: str) -> set[str]:
    keys = metadata.tables[name].foreign_key_constraints
    direct = {key.referred_table.name for key in keys if not any(c.nullable for c in key.columns)}
    return direct | {further for parent in direct for further in ancestors(parent)}


def test_every_table_with_a_foreign_key_is_tested_here() -> None:
    assert {k.table.name for k in KEYS} | {k.referred_table.name for k in KEYS} == set(ROWS)
    assert len(KEYS) == len(set(map(named, KEYS))) == 22


@pytest.mark.parametrize("key", KEYS, ids=named)
def test_a_reference_to_nothing_cannot_be_inserted_or_made(database: Database, key: ForeignKeyConstraint) -> None:
    fill(database)
    child = key.table
    one = f"{child.name}.*: no .* with this" if database.dialect == "sqlite" else f"{key.name}"
    with pytest.raises(IntegrityError, match=one), database.write() as conn:
        conn.execute(update(child).values(missing(key)))
    with pytest.raises(IntegrityError, match=one), database.write() as conn:
        clear_descendants(conn, child.name)
        conn.execute(delete(child))
        conn.execute(insert(child), ROWS[child.name] | missing(key))
    assert set(counts(database).values()) == {1}


@pytest.mark.parametrize("key", KEYS, ids=named)
def test_a_row_that_is_referred_to_cannot_be_deleted_or_change_its_key(
    database: Database, key: ForeignKeyConstraint
) -> None:
    fill(database)
    child, parent = key.table, key.referred_table
    sqlite_says, postgres_says = f"{parent.name}: .* refer to this", "violates (RESTRICT setting of )?foreign key"
    said = sqlite_says if database.dialect == "sqlite" else postgres_says
    new = {e.column.name: v for e, v in zip(key.elements, missing(key).values(), strict=True)}
    with pytest.raises(IntegrityError, match=said), database.write() as conn:
        conn.execute(update(parent).values(new))
    with database.write() as conn:  # leave only this reference
        others = {c.name: None for c in child.c if c.foreign_keys and c.nullable and c.name not in key.column_keys}
        if others:
            conn.execute(update(child).values(others))
        clear_descendants(conn, parent.name, keep=child.name)
        clear_descendants(conn, child.name)
    if key.ondelete == "CASCADE":
        with database.write() as conn:
            conn.execute(delete(parent))
            assert conn.execute(select(func.count()).select_from(child)).scalar_one() == 0
    else:
        with pytest.raises(IntegrityError, match=said) as refused, database.write() as conn:
            conn.execute(delete(parent))
        assert child.name in str(refused.value)
    assert check(database) == []


@pytest.mark.parametrize(
    ("statement", "sqlite_says", "postgres_says"),
    [
        ("UPDATE picks SET game_id = 'x'", "picks.game_id: no game with this id", "fk_picks_games"),
        ("UPDATE picks SET user_id = 9", "picks.user_id: no user with this id", "fk_picks_users"),
        ("UPDATE games SET week = 9", "games.season, games.week: no week with this season and week", "fk_games_weeks"),
        ("DELETE FROM games", r"games: \w+ refer to this game", "foreign key constraint"),
        ("DELETE FROM users", "users: picks refer to this user", "fk_picks_users"),
        ("DELETE FROM weeks", "weeks: (picks|games) refer to this week", "foreign key constraint"),
        ("DELETE FROM rosters", "rosters: player_stats refer to this roster row", "fk_player_stats_rosters"),
    ],
)
def test_a_refusal_says_why(database: Database, statement: str, sqlite_says: str, postgres_says: str) -> None:
    fill(database)
    said = sqlite_says if database.dialect == "sqlite" else postgres_says
    with pytest.raises(IntegrityError, match=said), database.write() as conn:
        conn.execute(text(statement))


def test_deleting_a_pick_always_works_and_takes_what_hangs_on_it(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(delete(picks))
    left = counts(database)
    assert {t for t, n in left.items() if n == 0} == {
        "picks", "pick_status", "pick_resolutions", "results", "pick_market_odds",
    }  # fmt: skip


def test_deleting_a_result_always_works(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(delete(results))
    assert {t for t, n in counts(database).items() if n == 0} == {"results"}


def test_a_member_without_picks_goes_with_his_leaderboard_rows(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(delete(picks))
        conn.execute(delete(users))
    assert counts(database)["leaderboard"] == 0


def test_replacing_a_game_under_a_pick_keeps_the_pick(sqlite_db: Database) -> None:
    fill(sqlite_db)
    columns = "(id, season, week, home_team, away_team, home_score, away_score, status)"
    with sqlite_db.write() as conn:
        conn.exec_driver_sql(
            f"INSERT OR REPLACE INTO games {columns} VALUES (?, 2025, 1, 'PHI', 'DAL', 24, 20, 'final')", (GAME,)
        )
    assert sqlite_db.frame(select(games.c.home_score, games.c.status)).rows() == [(24, "final")]
    assert set(counts(sqlite_db).values()) == {1}
    assert check(sqlite_db) == []


def test_a_player_whose_roster_row_is_replaced_keeps_his_statistics(sqlite_db: Database) -> None:
    fill(sqlite_db)
    with sqlite_db.write() as conn:
        conn.exec_driver_sql(
            "INSERT OR REPLACE INTO rosters (season, team, player_id, player_name) VALUES (2025, 'PHI', '00-1', 'B')"
        )
    assert sqlite_db.frame(select(player_stats.c.id, player_stats.c.roster_id)).rows() == [(1, 2)]
    assert sqlite_db.frame(select(rosters.c.id, rosters.c.player_name)).rows() == [(2, "B")]
    assert check(sqlite_db) == []


@pytest.mark.parametrize("recursive", ["ON", "OFF"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO games (id, season, week, home_team, away_team) VALUES ('new', 2025, 1, 'PHI', 'DAL')",
        "INSERT OR REPLACE INTO weeks (season, week) VALUES (2025, 1)",
        "INSERT OR REPLACE INTO users (name) VALUES ('Ann')",
        "UPDATE OR REPLACE picks SET game_id = 'nowhere'",
        "INSERT OR IGNORE INTO results (pick_id) VALUES (99)",
    ],
)
def test_replacing_a_row_under_another_id_never_orphans(sqlite_db: Database, statement: str, recursive: str) -> None:
    fill(sqlite_db)
    before = counts(sqlite_db)
    with sqlite_db.engine.connect() as conn:
        raw: Any = conn.connection.driver_connection
        raw.execute(f"PRAGMA recursive_triggers = {recursive}")
        with pytest.raises(Exception, match=r"FOREIGN KEY|refer to this|with this|another id"):
            raw.execute(statement)
        raw.execute("PRAGMA recursive_triggers = OFF")
    assert counts(sqlite_db) == before
    assert check(sqlite_db) == []


def test_an_update_that_keeps_the_key_is_no_change_of_key(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(update(games).values(id=GAME, season=2025, week=1, home_score=7))
        conn.execute(update(weeks).values(season=2025, week=1, started_at=NOW))
        conn.execute(update(rosters).values(id=1, team="KC"))


def test_the_triggers_in_the_database_are_those_the_keys_ask_for(sqlite_db: Database) -> None:
    with sqlite_db.read() as conn:
        ours = {name: sql for name, sql in installed(conn).items() if name.startswith(PREFIX)}
        assert ours == sqlite_triggers(metadata)
    per_key = [4 - (k.ondelete == "CASCADE") for k in KEYS]
    assert len(sqlite_triggers(metadata)) == sum(per_key) + len(for_old_application("sqlite", metadata))


def test_installing_triggers_again_replaces_ours_and_keeps_others(sqlite_db: Database) -> None:
    with sqlite_db.write() as conn:
        conn.exec_driver_sql("CREATE TRIGGER theirs AFTER INSERT ON users BEGIN SELECT 1; END")
        conn.exec_driver_sql("DROP TRIGGER tr_picks_user_id_insert")
        before = installed(conn).keys()
        install(conn, metadata)
        assert installed(conn).keys() == before | {"theirs", "tr_picks_user_id_insert"}


def test_postgres_needs_no_triggers_for_its_keys(postgres_db: Database) -> None:
    named = text(
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT tgisinternal AND tgname LIKE 'tr%' AND relnamespace = current_schema()::regnamespace"
    )
    with postgres_db.write() as conn:
        install(conn, metadata)
        assert set(conn.execute(named).scalars()) == set(for_old_application("postgresql", metadata))


@pytest.mark.parametrize(
    ("statement", "check_name"),
    [
        ("UPDATE users SET base_bet = 0", "base_bet_positive"),
        ("UPDATE games SET status = 'final'", "final_has_scores"),
        ("UPDATE games SET status = 'played'", "status_known"),
        ("UPDATE games SET home_score = -1, away_score = 3", "scores_not_negative"),
        ("UPDATE games SET away_team = home_team", "two_teams"),
        ("UPDATE picks SET kind = 'team'", "kind_known"),
        ("UPDATE pick_status SET status = 'pending', reason = NULL", "pending_has_reason"),
        ("UPDATE results SET graded_by = 'me'", "graded_by_known"),
        ("UPDATE player_stats SET recent_form = 'neutral'", "recent_form_known"),
        ("UPDATE kickoff_decisions SET decision = 'KICK'", "decision_known"),
        ("UPDATE market_odds SET source = 'bookie'", "source_known"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(database: Database, statement: str, check_name: str) -> None:
    fill(database)
    table = re.split(r"\s+", statement)[1]
    with pytest.raises(IntegrityError, match=f"ck_{table}_{check_name}"), database.write() as conn:
        conn.execute(text(statement))
