"""When a grade of another program contradicts the plays, and what the standings would be."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.domain.reconciliation import EVIDENCE_SCHEMA, disagreements, same_scorer

JAVONTE, JAMESON = "00-1", "00-2"
NAMES = {JAVONTE: "Javonte Williams", JAMESON: "Jameson Williams"}
GRADE = ("status", "any_time_td", "points", "profit")


@pytest.mark.parametrize(
    ("written", "full", "short"),
    [
        ("J.Williams", "Javonte Williams", "J.Williams"),
        ("Javonte Williams", "Javonte Williams", "J.Williams"),
        ("javonte  WILLIAMS", "Javonte Williams", "J.Williams"),
        ("Williams", "Javonte Williams", "J.Williams"),
        ("Ja. Williams", "Javonte Williams", "J.Williams"),
        ("M.Harrison", "Marvin Harrison Jr.", "M.Harrison"),
        ("Marvin Harrison", "Marvin Harrison Jr.", "M.Harrison"),
        ("A.St. Brown", "Amon-Ra St. Brown", "A.St. Brown"),
        ("Co.Heyward", "Connor Heyward", "Co.Heyward"),
        ("T.Higgins", "Tee Higgins", None),
        ("No Touchdown", None, "No Touchdown"),
    ],
)
def test_a_scorer_is_the_same_however_he_is_written(written: str, full: str | None, short: str | None) -> None:
    assert same_scorer(written, full, short)


@pytest.mark.parametrize(
    ("written", "full", "short"),
    [
        (None, "Javonte Williams", "J.Williams"),
        ("Unknown", "Javonte Williams", "J.Williams"),
        (" ", "Javonte Williams", "J.Williams"),
        ("D.Williams", "Javonte Williams", "J.Williams"),
        ("Je. Williams", "Javonte Williams", "J.Williams"),
        ("J.Jennings", "T.J. Edwards", "T.Edwards"),
        ("Javonte", "Javonte Williams", "J.Williams"),
        ("J.Williams", None, "No Touchdown"),
        ("Unknown", None, "Unknown"),
    ],
)
def test_another_scorer_or_none_is_not_the_same(written: str | None, full: str | None, short: str | None) -> None:
    assert not same_scorer(written, full, short)


def grades(*rows: tuple[Any, ...], side: str = "theirs") -> pl.DataFrame:
    """(pick_id, status, any_time_td, points, profit[, scorer, scorer_id, reason])."""
    names = ["pick_id", *GRADE] + (["actual_scorer", "actual_scorer_id", "reason"] if side == "plays" else [])
    kinds = {"pick_id": pl.Int64, "status": pl.String, "any_time_td": pl.Boolean, "points": pl.Float64}
    schema = {name: kinds.get(name, pl.Float64 if name == "profit" else pl.String) for name in names}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def compare(theirs: tuple[Any, ...], scorer: tuple[Any, Any], plays: tuple[Any, ...], **more: Any) -> pl.DataFrame:
    """One external pick (1, of member 1) against the plays; member 2 has 2 points of his own."""
    standing = pl.DataFrame(
        {"pick_id": [1], "graded_by": [more.get("graded_by", "external")]}
        | {"actual_scorer": [scorer[0]], "actual_scorer_id": [scorer[1]]},
        schema_overrides={"actual_scorer": pl.String, "actual_scorer_id": pl.String},
    )
    picks = pl.DataFrame(
        {"pick_id": [1], "user_id": [1], "week": [3], "game_id": ["g"], "kind": ["player"], "player_id": [JAVONTE]}
        | {"player_name": ["Williams"]}
    )
    scored = pl.DataFrame(
        {"game_id": ["g"], "is_first_td": [True], "quarter": [1], "clock": ["10:02"], "description": ["runs"]}
    )
    points = pl.DataFrame({"pick_id": [1, 2], "user_id": [1, 2], "points": [theirs[2], 2.0]})
    return disagreements(
        standing, grades((1, *theirs)), grades((1, *plays), side="plays"), picks, scored, NAMES, points
    )


OFF = ("void", None, 0.0, 0.0, None, None, "game cancelled")
WON = ("won", True, 4.0, 9.0, "J.Williams", JAVONTE, None)
LOST = ("lost", False, 0.0, -1.0, "J.Williams", JAMESON, None)


def test_a_win_graded_as_a_loss_is_told_with_the_play_and_what_it_does_to_the_standings() -> None:
    (row,) = compare(("lost", False, 0.0, -1.0), ("J.Williams", None), WON).iter_rows(named=True)
    assert row == {
        "pick_id": 1, "user_id": 1, "week": 3, "game_id": "g", "typed": "Williams", "player_id": JAVONTE,
        "what": "grade, any time", "old_grade": "lost", "new_grade": "won", "reason": None,
        "old_scorer": "J.Williams", "new_scorer": "Javonte Williams", "quarter": 1, "clock": "10:02", "play": "runs",
        "old_points": 0.0, "new_points": 4.0, "old_profit": -1.0, "new_profit": 9.0,
        "rank_before": 2, "rank_after": 1, "rank_after_all": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "scorer", "plays", "what"),
    [
        (("lost", False, 0.0, -1.0), ("J.Williams", None), ("lost", True, 1.0, -1.0, *WON[4:]), "any time"),
        (("lost", None, 0.0, -1.0), ("Unknown", None), LOST, "scorer"),
        (("lost", None, 0.0, -1.0), (None, None), LOST, "scorer"),
        (("lost", False, 0.0, -1.0), ("J.Williams", JAVONTE), LOST, "scorer"),  # by id: the other J.Williams
        (("won", True, 4.0, 9.0), ("D.Other", None), LOST, "grade, any time, scorer"),
        (("lost", False, 0.0, -1.0), ("J.Williams", None), OFF, "grade"),
        (("void", None, 0.0, 0.0), (None, None), LOST, "grade"),
    ],
)  # fmt: skip
def test_what_differs_is_named(
    theirs: tuple[Any, ...], scorer: tuple[Any, Any], plays: tuple[Any, ...], what: str
) -> None:
    assert compare(theirs, scorer, plays)["what"].to_list() == [what]


@pytest.mark.parametrize(
    ("theirs", "scorer", "plays", "author"),
    [
        (("lost", False, 0.0, -1.0), ("J.Williams", None), LOST, "external"),
        (("lost", None, 0.0, -1.0), ("Jameson Williams", None), LOST, "external"),
        (("won", True, 4.0, 9.0), ("J.Williams", JAVONTE), WON, "external"),
        (("lost", False, 0.0, -1.0), ("J.Williams", None), ("pending", None, None, None, None, None, "no plays yet"),
         "external"),
        (("lost", False, 0.0, -1.0), ("X", None), WON, "manual"),
        (("lost", False, 0.0, -1.0), ("X", None), WON, "pipeline"),
        (("void", None, 0.0, 0.0), ("X", None), OFF, "external"),
    ],
)  # fmt: skip
def test_what_the_plays_confirm_cannot_decide_or_is_not_another_programs_is_no_disagreement(
    theirs: tuple[Any, ...], scorer: tuple[Any, Any], plays: tuple[Any, ...], author: str
) -> None:
    assert compare(theirs, scorer, plays, graded_by=author).is_empty()


def test_ranks_alone_and_all_together_differ_where_several_disagree() -> None:
    external = pl.DataFrame(
        {"pick_id": [1, 2], "graded_by": ["external"] * 2, "actual_scorer": ["J.Williams"] * 2}
        | {"actual_scorer_id": pl.Series([None, None], dtype=pl.String)}
    )
    picks = pl.DataFrame(
        {"pick_id": [1, 2], "user_id": [1, 2], "week": [3, 3], "game_id": ["g", "g"], "kind": ["player"] * 2}
        | {"player_id": [JAVONTE] * 2, "player_name": ["A", "B"]}
    )
    scored = pl.DataFrame(
        {"game_id": ["g"], "is_first_td": [True], "quarter": [1], "clock": ["10:02"], "description": ["runs"]}
    )
    lost, won = ("lost", False, 0.0, -1.0), WON
    points = pl.DataFrame({"pick_id": [1, 2, 3], "user_id": [1, 2, 3], "points": [0.0, 0.0, 1.0]})
    found = disagreements(
        external,
        grades((1, *lost), (2, *lost)),
        grades((1, *won), (2, *won), side="plays"),
        picks,
        scored,
        NAMES,
        points,
    )
    assert found.select("rank_before", "rank_after", "rank_after_all").rows() == [(2, 1, 1), (2, 1, 1)]
    assert found.schema == pl.Schema(EVIDENCE_SCHEMA)
