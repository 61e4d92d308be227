"""Claims about `sync_partition`: same rows write nothing, corrections land, a failure leaves the partition alone."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import (
    games,
    kickoff_decisions,
    picks,
    results,
    rosters,
    sync_runs,
    team_ratings,
    touchdowns,
    users,
    weeks,
)
from firsttd_pipeline.storage.sync import Counts, sync_partition

NOW = datetime(2025, 9, 9, 6, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ROSTER_KEY = ("season", "team", "player_id")
Missing = Literal["delete", "keep", "retire"]


def roster(*players: tuple[str, str, str | None, int | None], season: int = 2025) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "season": [season] * len(players),
            "team": [p[0] for p in players],
            "player_id": [p[1] for p in players],
            "player_name": [f"Player {p[1]}" for p in players],
            "position": [p[2] for p in players],
            "jersey_number": [p[3] for p in players],
        },
        schema_overrides={"position": pl.String, "jersey_number": pl.Int32, "season": pl.Int32},
    )


def sync_roster(db: Database, rows: pl.DataFrame, missing: Missing = "retire", now: datetime = NOW) -> Counts:
    with db.write() as conn:
        return sync_partition(
            conn, rosters, rows, key=ROSTER_KEY, scope=rosters.c.season == 2025, missing=missing, now=now
        )


def numbers(counts: Counts) -> tuple[int, int, int, int]:
    return counts.inserted, counts.updated, counts.unchanged, counts.retired


def stored(db: Database, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    frame = db.frame(select(*[table.c[c] for c in columns]))
    return sorted(frame.rows(), key=str)


def a_week_of_games(db: Database, *pairs: tuple[str, str]) -> None:
    with db.write() as conn:
        conn.execute(insert(weeks).values(season=2025, week=1))
        rows = [
            {"id": f"2025_01_{away}_{home}", "season": 2025, "week": 1, "home_team": home, "away_team": away}
            for away, home in pairs
        ]
        conn.execute(insert(games), rows)


TWO = roster(("KC", "00-1", "WR", 10), ("SF", "00-2", None, None))


def test_the_first_write_inserts_and_the_second_writes_nothing(database: Database) -> None:
    assert numbers(sync_roster(database, TWO)) == (2, 0, 0, 0)
    assert numbers(sync_roster(database, TWO, now=LATER)) == (0, 0, 2, 0)
    assert database.frame(select(rosters.c.updated_at, rosters.c.created_at)).rows() == [(NOW, NOW)] * 2


def test_a_correction_changes_its_row_only_and_reports_it(database: Database) -> None:
    sync_roster(database, TWO)
    counts = sync_roster(database, roster(("KC", "00-1", "RB", 10), ("SF", "00-2", None, None)), now=LATER)
    assert numbers(counts) == (0, 1, 1, 0)
    assert counts.before_rows["position"].to_list() == ["WR"]
    assert counts.updated_rows["position"].to_list() == ["RB"]
    assert stored(database, rosters, "player_id", "position", "updated_at") == [
        ("00-1", "RB", LATER),
        ("00-2", None, NOW),
    ]


@pytest.mark.parametrize(("before", "after"), [(None, 7), (7, None)])
def test_a_null_is_a_value_like_any_other(database: Database, before: int | None, after: int | None) -> None:
    sync_roster(database, roster(("KC", "00-1", "WR", before)))
    assert numbers(sync_roster(database, roster(("KC", "00-1", "WR", after)))) == (0, 1, 0, 0)
    assert stored(database, rosters, "jersey_number") == [(after,)]
    assert numbers(sync_roster(database, roster(("KC", "00-1", "WR", after)))) == (0, 0, 1, 0)


def test_a_row_that_is_gone_is_deleted_kept_or_retired_as_asked(database: Database) -> None:
    sync_roster(database, TWO)
    assert numbers(sync_roster(database, TWO[:1], "keep")) == (0, 0, 1, 0)
    assert len(stored(database, rosters, "id")) == 2
    retired = sync_roster(database, TWO[:1], "retire", LATER)
    assert numbers(retired) == (0, 0, 1, 1)
    assert retired.retired_rows["player_id"].to_list() == ["00-2"]
    assert numbers(sync_roster(database, TWO[:1], "retire", LATER)) == (0, 0, 1, 0)
    assert stored(database, rosters, "player_id", "retired_at") == [("00-1", None), ("00-2", LATER)]
    assert numbers(sync_roster(database, TWO[:1], "delete")) == (0, 0, 1, 1)
    assert stored(database, rosters, "player_id") == [("00-1",)]


def test_a_retired_row_that_comes_back_is_the_same_row_again(database: Database) -> None:
    sync_roster(database, TWO)
    (before,) = database.frame(select(rosters.c.id).where(rosters.c.player_id == "00-2"))["id"]
    sync_roster(database, TWO[:1], "retire", LATER)
    assert numbers(sync_roster(database, TWO, "retire", LATER)) == (0, 1, 1, 0)
    back = database.frame(select(rosters.c.id, rosters.c.retired_at).where(rosters.c.player_id == "00-2"))
    assert back.rows() == [(before, None)]


def test_rows_outside_the_scope_are_not_touched(database: Database) -> None:
    with database.write() as conn:
        conn.execute(insert(rosters).values(season=2024, team="KC", player_id="00-1", player_name="Old"))
    sync_roster(database, TWO, "delete")
    sync_roster(database, TWO.clear(), "delete")
    assert stored(database, rosters, "season", "player_name") == [(2024, "Old")]


def test_columns_that_are_not_given_are_left_alone(database: Database) -> None:
    a_week_of_games(database, ("DAL", "PHI"))
    rows = pl.DataFrame({"game_id": ["2025_01_DAL_PHI"], "team": ["DAL"], "result": ["Punt"]})
    scope = kickoff_decisions.c.game_id.like("2025%")
    for result, wanted in (("Punt", (1, 0, 0, 0)), ("Touchdown", (0, 1, 0, 0))):
        with database.write() as conn:
            counts = sync_partition(
                conn,
                kickoff_decisions,
                rows.with_columns(result=pl.lit(result)),
                key=("game_id",),
                scope=scope,
                missing="delete",
                now=NOW,
            )
            conn.execute(update(kickoff_decisions).values(decision="DEFER"))
        assert numbers(counts) == wanted
    assert stored(database, kickoff_decisions, "decision", "result") == [("DEFER", "Touchdown")]


def test_an_ignored_column_is_no_reason_to_write_but_is_written_with_one(database: Database) -> None:
    with database.write() as conn:
        conn.execute(insert(users).values(id=1, name="Ann"))
        conn.execute(insert(weeks).values(id=1, season=2025, week=1))
        conn.execute(insert(picks).values(id=1, user_id=1, week_id=1, team="KC", player_name="x"))

    def grade(correct: bool, at: datetime) -> Counts:
        rows = pl.DataFrame({"pick_id": [1], "is_correct": [correct], "graded_at": [at]})
        with database.write() as conn:
            return sync_partition(
                conn,
                results,
                rows,
                key=("pick_id",),
                scope=results.c.id > 0,
                missing="delete",
                now=at,
                ignore=("id", "created_at", "updated_at", "graded_at"),
            )

    assert numbers(grade(True, NOW)) == (1, 0, 0, 0)
    assert numbers(grade(True, LATER)) == (0, 0, 1, 0)
    assert stored(database, results, "graded_at") == [(NOW,)]
    assert numbers(grade(False, LATER)) == (0, 1, 0, 0)
    assert stored(database, results, "graded_at", "is_correct") == [(LATER, False)]


# --- values ----------------------------------------------------------------------------------------------------------


def game_row(**changes: Any) -> pl.DataFrame:
    row: dict[str, Any] = {
        "id": "2025_01_DAL_PHI",
        "season": 2025,
        "week": 1,
        "game_date": date(2025, 9, 4),
        "kickoff_at": datetime(2025, 9, 5, 0, 20, tzinfo=UTC),
        "home_team": "PHI",
        "away_team": "DAL",
        "home_score": 24,
        "away_score": 20,
        "status": "final",
        "overtime": False,
        "deleted_at": None,
    }
    schema = {"deleted_at": pl.Datetime("us", "UTC"), "overtime": pl.Boolean, "home_score": pl.Int64}
    return pl.DataFrame([row | changes], schema_overrides=schema)


def sync_games(db: Database, rows: pl.DataFrame) -> tuple[int, int, int, int]:
    with db.write() as conn:
        if conn.execute(select(weeks.c.id)).first() is None:
            conn.execute(insert(weeks).values(season=2025, week=1))
        return numbers(
            sync_partition(conn, games, rows, key=("id",), scope=games.c.season == 2025, missing="keep", now=NOW)
        )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("game_date", date(2025, 9, 5)),
        ("kickoff_at", datetime(2025, 9, 5, 0, 15, tzinfo=UTC)),
        ("kickoff_at", None),
        ("overtime", True),
        ("overtime", None),
        ("home_score", 27),
        ("deleted_at", datetime(2025, 9, 8, tzinfo=UTC)),
        ("status", "cancelled"),
    ],
)
def test_every_kind_of_value_is_compared_and_stored_exactly(database: Database, column: str, value: Any) -> None:
    assert sync_games(database, game_row()) == (1, 0, 0, 0)
    assert sync_games(database, game_row()) == (0, 0, 1, 0)
    assert sync_games(database, game_row(**{column: value})) == (0, 1, 0, 0)
    assert sync_games(database, game_row(**{column: value})) == (0, 0, 1, 0)
    assert stored(database, games, column) == [(value,)]


def test_one_instant_in_two_time_zones_is_no_change(database: Database) -> None:
    eastern = datetime(2025, 9, 4, 20, 20, tzinfo=timezone(timedelta(hours=-4)))
    assert sync_games(database, game_row()) == (1, 0, 0, 0)
    assert sync_games(database, game_row(kickoff_at=eastern)) == (0, 0, 1, 0)


def test_fractions_of_a_second_do_not_change_a_row_every_night(database: Database) -> None:
    precise = datetime(2025, 9, 8, 1, 2, 3, 456789, tzinfo=UTC)
    sync_games(database, game_row(deleted_at=precise))
    assert sync_games(database, game_row(deleted_at=precise)) == (0, 0, 1, 0)


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-17, 1500.000000000001, -0.1, 1 / 3, math.nan, None])
def test_numbers_are_stored_to_the_last_bit(database: Database, value: float | None) -> None:
    rows = pl.DataFrame(
        {"team": ["KC"], "season": [2025], "week": [1], "elo_rating": [value]},
        schema_overrides={"elo_rating": pl.Float64},
    )
    for wanted in ((1, 0, 0, 0), (0, 0, 1, 0)):
        with database.write() as conn:
            counts = sync_partition(
                conn,
                team_ratings,
                rows,
                key=("team", "season", "week"),
                scope=team_ratings.c.season == 2025,
                missing="delete",
                now=NOW,
            )
        assert numbers(counts) == wanted
    expected = None if value is None or math.isnan(value) else value
    assert stored(database, team_ratings, "elo_rating") == [(expected,)]


# --- unique values that change hands ---------------------------------------------------------------------------------

TD_KEY = ("game_id", "play_id")


def sync_touchdowns(db: Database, *plays: tuple[int, bool]) -> tuple[int, int, int, int]:
    rows = pl.DataFrame(
        {
            "game_id": ["2025_01_DAL_PHI"] * len(plays),
            "play_id": [p[0] for p in plays],
            "season": [2025] * len(plays),
            "is_first_td": [p[1] for p in plays],
        }
    )
    with db.write() as conn:
        return numbers(
            sync_partition(
                conn, touchdowns, rows, key=TD_KEY, scope=touchdowns.c.season == 2025, missing="delete", now=NOW
            )
        )


def test_the_first_touchdown_can_move_to_any_other_play(database: Database) -> None:
    a_week_of_games(database, ("DAL", "PHI"))
    assert sync_touchdowns(database, (10, True), (20, False)) == (2, 0, 0, 0)
    assert sync_touchdowns(database, (10, False), (20, True)) == (0, 2, 0, 0)
    assert sync_touchdowns(database, (10, True), (20, False)) == (0, 2, 0, 0)
    assert sync_touchdowns(database, (5, True), (10, False), (20, False)) == (1, 1, 1, 0)
    assert sync_touchdowns(database, (10, True), (20, False)) == (0, 1, 1, 1)
    assert stored(database, touchdowns, "play_id", "is_first_td") == [(10, True), (20, False)]


def test_two_games_can_swap_their_teams(database: Database) -> None:
    a, b = game_row(id="a", home_team="PHI", away_team="DAL"), game_row(id="b", home_team="KC", away_team="LAC")
    sync_games(database, pl.concat([a, b]))
    swapped = pl.concat([b.with_columns(id=pl.lit("a")), a.with_columns(id=pl.lit("b"))])
    assert sync_games(database, swapped) == (0, 2, 0, 0)
    assert stored(database, games, "id", "home_team") == [("a", "KC"), ("b", "PHI")]
    moved = game_row(id="a", home_team="KC", away_team="SF"), game_row(id="c", home_team="KC", away_team="LAC")
    assert sync_games(database, pl.concat(moved)) == (1, 1, 0, 0)


def test_rows_of_other_writers_without_a_key_are_taken_over(database: Database) -> None:
    a_week_of_games(database, ("DAL", "PHI"))
    with database.write() as conn:
        row = {"game_id": "2025_01_DAL_PHI", "player_name": "x", "season": 2025}
        conn.execute(insert(touchdowns), [row, row, row])
    assert sync_touchdowns(database, (10, True)) == (1, 0, 0, 3)
    assert stored(database, touchdowns, "play_id") == [(10,)]


# --- refusals and failures -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (pl.concat([TWO, TWO[:1]]), "given more than once"),
        (TWO.with_columns(shoe_size=pl.lit(9)), "shoe_size"),
        (TWO.drop("player_id"), "player_id"),
        (TWO.with_columns(jersey_number=pl.lit(1.5)), r"1\.5 is no whole number"),
        (TWO.with_columns(jersey_number=pl.lit("ten")), "jersey_number"),
        (TWO.with_columns(jersey_number=pl.lit(math.inf)), "jersey_number"),
        (TWO.with_columns(retired_at=pl.lit(datetime(2025, 9, 1))), "naive"),  # noqa: DTZ001
    ],
)
def test_rows_that_do_not_fit_are_refused_before_anything_is_written(
    database: Database, rows: pl.DataFrame, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        sync_roster(database, rows)
    assert stored(database, rosters, "id") == []


def test_a_failure_in_the_middle_leaves_the_partition_as_it_was(database: Database) -> None:
    sync_roster(database, TWO)
    before = stored(database, rosters, *rosters.c.keys())
    bad = roster(("KC", "00-1", "RB", 99), ("DEN", "00-3", "QB", 1)).with_columns(
        player_name=pl.when(pl.col("team") == "DEN").then(None).otherwise(pl.col("player_name"))
    )
    with pytest.raises(IntegrityError, match="player_name"):
        sync_roster(database, bad, "delete", LATER)
    assert stored(database, rosters, *rosters.c.keys()) == before


def test_a_row_in_use_cannot_be_deleted_and_nothing_else_is_written(database: Database) -> None:
    a_week_of_games(database, ("DAL", "PHI"), ("LAC", "KC"))
    with database.write() as conn:
        conn.execute(insert(users).values(id=1, name="Ann"))
        conn.execute(
            insert(picks).values(
                user_id=1,
                week_id=select(weeks.c.id).scalar_subquery(),
                team="KC",
                player_name="x",
                game_id="2025_01_LAC_KC",
            )
        )
    with pytest.raises(IntegrityError, match="picks"), database.write() as conn:
        rows = game_row(home_score=99)
        sync_partition(conn, games, rows, key=("id",), scope=games.c.season == 2025, missing="delete", now=NOW)
    assert stored(database, games, "id", "home_score") == [("2025_01_DAL_PHI", None), ("2025_01_LAC_KC", None)]


def test_writers_of_one_partition_wait_for_each_other_and_none_fails(database: Database) -> None:
    def write(n: int) -> tuple[int, int, int, int]:
        players = [("KC", f"00-{i}", "WR" if n % 2 else "RB", n) for i in range(n % 5, n % 5 + 30)]
        return numbers(sync_roster(database, roster(*players), "delete"))

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(write, range(40)))
    assert all(inserted + updated + unchanged == 30 for inserted, updated, unchanged, _ in done)
    assert len(stored(database, rosters, "id")) == 30
    assert len(set(stored(database, rosters, "jersey_number", "position"))) == 1


# --- for all partitions ----------------------------------------------------------------------------------------------

a_player = st.tuples(
    st.sampled_from(["KC", "SF"]),
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["WR", "é ' \" ; --", "", None]),
    st.one_of(st.none(), st.integers(-1, 2)),
)
partitions = st.lists(a_player, max_size=6, unique_by=lambda p: (p[0], p[1]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=partitions, second=partitions)
def test_whatever_was_there_the_partition_becomes_what_is_given(
    database: Database, first: list[Any], second: list[Any]
) -> None:
    with database.write() as conn:
        conn.execute(delete(rosters))
    sync_roster(database, roster(*first), "delete")
    counts = sync_roster(database, roster(*second), "delete", LATER)
    assert stored(database, rosters, "team", "player_id", "position", "jersey_number") == sorted(second, key=str)
    a, b = {p[:2]: p for p in first}, {p[:2]: p for p in second}
    assert numbers(counts) == (
        len(b.keys() - a.keys()),
        sum(a[k] != b[k] for k in a.keys() & b.keys()),
        sum(a[k] == b[k] for k in a.keys() & b.keys()),
        len(a.keys() - b.keys()),
    )


def test_large_partitions_take_more_than_one_statement(database: Database) -> None:
    many = roster(*[("KC", f"{i:05d}", "WR", i) for i in range(2345)])
    assert numbers(sync_roster(database, many)) == (2345, 0, 0, 0)
    shifted = many.with_columns(jersey_number=pl.col("jersey_number") + 1)
    assert numbers(sync_roster(database, shifted)) == (0, 2345, 0, 0)
    assert numbers(sync_roster(database, shifted[:5], "delete")) == (0, 0, 5, 2340)
    with database.read() as conn:
        assert conn.execute(text("SELECT sum(jersey_number) FROM rosters")).scalar_one() == 1 + 2 + 3 + 4 + 5


def test_a_table_without_retirement_cannot_retire(database: Database) -> None:
    with pytest.raises(ValueError, match="retired_at"), database.write() as conn:
        rows = pl.DataFrame({"id": [1]})
        sync_partition(conn, sync_runs, rows, key=("id",), scope=sync_runs.c.id > 0, missing="retire", now=NOW)
