"""What a record of events comes to: the newest of each pick, removed picks gone, standings taken away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from firsttd_pipeline.domain.replay import STANDING_SCHEMA, as_grades, differences, replay

T = datetime(2025, 9, 8, 12, tzinfo=UTC)
PICK: dict[str, Any] = {
    "pick_id": 1, "user_id": 1, "season": 2025, "week": 1, "game_id": "g", "kind": "player", "player_id": "p",
    "player_name": "typed", "odds": 900.0, "status": None, "reason": None, "points": None, "stake": None,
    "rule_pack": None, "changed_by": "pipeline",
}  # fmt: skip
GRADE: dict[str, Any] = {
    "pick_id": 1, "new_status": None, "graded_by": "pipeline", "new_is_correct": None, "new_any_time_td": None,
    "new_actual_scorer": None, "new_actual_return": None,
}  # fmt: skip
PICK_SCHEMA: dict[str, Any] = {
    "id": pl.Int64, "happened_at": pl.Datetime("us", "UTC"), "event": pl.String, "pick_id": pl.Int64,
    "user_id": pl.Int64, "season": pl.Int64, "week": pl.Int64, "game_id": pl.String, "kind": pl.String,
    "player_id": pl.String, "player_name": pl.String, "odds": pl.Float64, "status": pl.String, "reason": pl.String,
    "points": pl.Float64, "stake": pl.Float64, "rule_pack": pl.String, "changed_by": pl.String,
}  # fmt: skip
GRADE_SCHEMA: dict[str, Any] = {
    "id": pl.Int64, "event": pl.String, "pick_id": pl.Int64, "new_status": pl.String, "graded_by": pl.String,
    "new_is_correct": pl.Boolean, "new_any_time_td": pl.Boolean, "new_actual_scorer": pl.String,
    "new_actual_return": pl.Float64,
}  # fmt: skip
STATED = {"status": "won", "points": 4.0, "stake": 1.0, "rule_pack": "stacking/1"}
WON = {"new_status": "won", "new_is_correct": True, "new_any_time_td": True, "new_actual_return": 9.0}


def picks(*events: tuple[str, dict[str, Any]]) -> pl.DataFrame:
    rows = [
        {"id": at, "happened_at": T + timedelta(seconds=at), "event": name, **PICK, **given}
        for at, (name, given) in enumerate(events, 1)
    ]
    return pl.DataFrame(rows, schema=PICK_SCHEMA)


def results(*events: tuple[str, dict[str, Any]]) -> pl.DataFrame:
    rows = [{"id": at, "event": name, **GRADE, **given} for at, (name, given) in enumerate(events, 1)]
    return pl.DataFrame(rows, schema=GRADE_SCHEMA)


def test_the_newest_grade_and_the_newest_standing_stand() -> None:
    taken = picks(("picked", {}), ("stated", {"status": "pending", "reason": "no plays yet"}), ("stated", STATED))
    lost = {"new_status": "lost", "new_is_correct": False, "new_actual_return": -1.0}
    (row,) = replay(taken, results(("graded", lost), ("flipped", WON)), 2025).iter_rows(named=True)
    expected = {"status": "won", "points": 4.0, "is_correct": True, "profit": 9.0, "reason": None, "odds": 900.0}
    assert {name: row[name] for name in expected} == expected
    assert list(row) == list(STANDING_SCHEMA)


def test_events_are_read_in_the_order_of_their_ids_however_they_come() -> None:
    taken = picks(("picked", {}), ("stated", STATED), ("stated", {"status": "void", "points": 0.0}))
    assert replay(taken.reverse(), results(), 2025)["status"].to_list() == ["void"]


def test_a_grade_taken_back_is_none_and_a_void_is_one() -> None:
    taken = picks(("picked", {}))
    assert replay(taken, results(("graded", WON), ("ungraded", {})), 2025)["graded_by"].to_list() == [None]
    void = replay(taken, results(("graded", {"new_status": "void"})), 2025)
    assert void.select("graded_by", "is_correct").rows() == [("pipeline", None)]


def test_a_removed_pick_is_gone_and_one_taken_again_under_its_id_starts_anew() -> None:
    lived: list[tuple[str, dict[str, Any]]] = [("picked", {}), ("stated", STATED), ("removed", {})]
    assert replay(picks(*lived), results(("graded", WON), ("ungraded", {})), 2025).is_empty()
    again = replay(picks(*lived, ("picked", {"player_name": "other"})), results(), 2025)
    assert again.select("player_name", "status").rows() == [("other", None)]


def test_a_pick_that_another_program_retyped_has_no_standing_until_it_has_one_again() -> None:
    retyped: tuple[str, dict[str, Any]] = ("changed", {"changed_by": None, "player_id": None, "player_name": "another"})
    lived: list[tuple[str, dict[str, Any]]] = [("picked", {}), ("stated", STATED), retyped]
    assert replay(picks(*lived), results(), 2025)["status"].to_list() == [None]
    pending = ("stated", {"status": "pending", "reason": "player not understood", "player_id": None})
    assert replay(picks(*lived, pending), results(), 2025)["status"].to_list() == ["pending"]


def test_a_signed_change_and_a_change_of_the_price_leave_the_standing() -> None:
    moved = ("changed", {"game_id": "h"})
    priced = ("changed", {"changed_by": None, "odds": 100.0})
    kept = replay(picks(("picked", {}), ("stated", STATED), moved, priced), results(), 2025)
    assert kept.select("odds", "status").rows() == [(100.0, "won")]


def test_a_pick_moved_to_another_season_is_that_seasons() -> None:
    taken = picks(("picked", {}), ("changed", {"season": 2024, "week": 3}))
    assert replay(taken, results(), 2025).is_empty()
    assert replay(taken, results(), 2024)["week"].to_list() == [3]


def test_the_leaderboards_frame_has_the_picks_with_a_standing_and_their_kickoffs() -> None:
    both = pl.concat([picks(("picked", {}), ("stated", STATED)), picks(("picked", {"pick_id": 2}))])
    kickoffs = pl.DataFrame({"game_id": ["g"], "kickoff_at": [T]})
    (row,) = as_grades(replay(both, results(("graded", WON)), 2025), kickoffs).iter_rows(named=True)
    assert row == {
        "pick_id": 1, "user_id": 1, "week": 1, "status": "won", "points": 4.0, "stake": 1.0, "profit": 9.0,
        "any_time_td": True, "kickoff_at": T,
    }  # fmt: skip


def test_differences_name_the_pick_the_column_and_both_sides() -> None:
    replayed = pl.DataFrame({"pick_id": [1, 2, 3], "profit": [1.0, 2.0, None], "status": ["won", "won", "lost"]})
    stored = pl.DataFrame({"pick_id": [1, 2, 4], "profit": [1.0 + 1e-12, 2.5, None], "status": ["won", None, "lost"]})
    assert differences(replayed, stored, ("profit", "status")).rows() == [
        (2, "profit", "2.0", "2.5"),
        (2, "status", "won", "None"),
        (3, "pick", "there", "gone"),
        (4, "pick", "gone", "there"),
    ]
