"""Claims about picks that others wrote: understood, asked, answered, or set aside as a second spelling."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, select, text, update

from firsttd_pipeline.refresh import League, games, rosters
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.aliases import forget_alias, list_aliases
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.copying import copy_league
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import NoSuchMember, add_member
from firsttd_pipeline.storage.picks import (
    GameRefused,
    NameNotUnderstood,
    NoSuchPick,
    PickRefused,
    PickRequest,
    add_pick,
    list_picks,
)
from firsttd_pipeline.storage.resolutions import (
    Confirmed,
    Explained,
    UnderstandCounts,
    confirm,
    explain,
    open_questions,
    understand_picks,
)
from firsttd_pipeline.storage.upgrade import upgrade
from firsttd_pipeline_tests.conftest import Filled
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared
from firsttd_pipeline_tests.storage.legacy import legacy_copy
from firsttd_pipeline_tests.storage.season_2025 import AFTER, BEFORE, SEASON, load_roster_weeks, load_season

pytestmark = needs_shared

OPENER = "2025_01_DAL_PHI"
TIE = "2025_14_DAL_DET"
"""Jameson Williams of Detroit and Javonte Williams of Dallas."""
BROWN, LAMB, JAMESON, JAVONTE = "00-0035676", "00-0036358", "00-0037240", "00-0036997"
LATER = datetime(2026, 3, 2, 12, tzinfo=UTC)


def season_and_members(db: Database) -> None:
    load_season(db, BEFORE)
    load_roster_weeks(db)
    add_member(db, "Avery")
    add_member(db, "Blake", base_bet=2.0)


@pytest.fixture(params=["sqlite", "postgres"])
def league(request: pytest.FixtureRequest, filled: Filled) -> Database:
    """The season after its last game, weekly rosters and all, with two members."""
    return filled(request.param, season_and_members)


def write_plainly(
    db: Database,
    typed: str,
    *,
    game: str | None = OPENER,
    week: int = 1,
    member: str = "Avery",
    team: str = "Unknown",
) -> int:
    """A pick as the league's own app writes it."""
    with db.write() as conn:
        return int(
            conn.execute(
                text(
                    "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
                    "SELECT u.id, w.id, :team, :typed, 900, 9.0, :game FROM users u, weeks w "
                    "WHERE u.name = :member AND w.season = 2025 AND w.week = :week RETURNING id"
                ),
                {"typed": typed, "game": game, "member": member, "week": week, "team": team},
            ).scalar_one()
        )


def grade(db: Database, pick_id: int, *, won: bool, by: str = "external") -> None:
    with db.write() as conn:
        conn.execute(insert(schema.results).values(pick_id=pick_id, is_correct=won, any_time_td=won, graded_by=by))


def understand(db: Database, now: datetime = AFTER, **given: Any) -> UnderstandCounts:
    with db.write() as conn:
        return understand_picks(conn, SEASON, now=now, **given)


def answer(db: Database, pick_id: int, player: str, **given: Any) -> Confirmed:
    options: dict[str, Any] = {"by": "Ann", "now": LATER, **given}
    return confirm(db, pick_id, player, **options)


def pick(db: Database, pick_id: int) -> dict[str, Any]:
    found = list_picks(db, pick_id=pick_id).to_dicts()
    assert len(found) == 1, pick_id
    return found[0]


def rows(db: Database, table: Table, **where: Any) -> list[dict[str, Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    with db.read() as conn:
        return [dict(row) for row in conn.execute(query).mappings()]


def resolution(db: Database, pick_id: int) -> Mapping[str, Any]:
    (row,) = rows(db, schema.pick_resolutions, pick_id=pick_id)
    return row


# --- understood -------------------------------------------------------------------------------------------------------


def test_a_pick_written_by_plain_sql_is_understood_and_says_how(league: Database) -> None:
    pick_id = write_plainly(league, "AJB")
    counts = understand(league)
    assert (counts.examined, counts.understood, counts.questions, counts.set_aside) == (1, 1, {}, {})
    row = pick(league, pick_id)
    assert (row["player_id"], row["team"], row["position"], row["typed"]) == (BROWN, "PHI", "WR", "AJB")
    assert (row["by"], row["player"]) == ("initials", "A.J. Brown")
    kept = resolution(league, pick_id)
    assert (kept["state"], kept["method"], kept["resolved_by"], kept["resolved_at"]) == (
        "understood", "initials", "pipeline", AFTER,
    )  # fmt: skip
    assert understand(league).examined == 0


def test_the_change_is_signed_by_the_pipeline_with_its_run(league: Database) -> None:
    pick_id = write_plainly(league, "A.J. Brown")
    understand(league, run_id="run-1")
    events = rows(league, schema.pick_events, pick_id=pick_id)
    assert [(e["event"], e["player_id"], e["changed_by"], e["run_id"]) for e in events] == [
        ("picked", None, None, None),
        ("changed", BROWN, "pipeline", "run-1"),
    ]


def test_defenses_and_no_touchdown_written_by_plain_sql_get_their_kind(league: Database) -> None:
    defense = write_plainly(league, "Eagles D/ST")
    none = write_plainly(league, "No TD", member="Blake", team="Dallas")
    understand(league)
    assert [(r["kind"], r["player_id"], r["by"]) for r in (pick(league, defense), pick(league, none))] == [
        ("dst", "DST:PHI", "special"),
        ("no_td", "NO_TD", "special"),
    ]


def test_a_pick_on_a_game_that_is_over_or_gone_is_still_understood(league: Database) -> None:
    write_plainly(league, "A.J. Brown")
    with league.write() as conn:
        conn.execute(
            update(schema.games).where(schema.games.c.id == OPENER).values(status="cancelled", deleted_at=AFTER)
        )
    assert understand(league).understood == 1


def test_understanding_touches_no_other_season(league: Database) -> None:
    pick_id = write_plainly(league, "A.J. Brown")
    with league.write() as conn:
        assert understand_picks(conn, 2024, now=AFTER).examined == 0
    assert pick(league, pick_id)["player_id"] is None


@pytest.mark.parametrize(
    ("typed", "team", "week", "game"),
    [
        ("A.J. Brown", "Unknown", 1, OPENER),  # his only game that week: a full name is sure
        ("aj brown", "nonsense", 1, OPENER),
        ("Brown", "PHI", 1, OPENER),
        ("AJB", "Philadelphia", 1, OPENER),
        ("Eagles D/ST", "Unknown", 1, OPENER),
        ("No touchdown", "PHI", 1, OPENER),
        ("Jakobi Meyers", "Unknown", 2, "2025_02_LAC_LV"),
    ],
)
def test_a_pick_without_a_game_gets_it_from_team_or_full_name(
    league: Database, typed: str, team: str, week: int, game: str
) -> None:
    pick_id = write_plainly(league, typed, game=None, team=team, week=week)
    assert understand(league).understood == 1
    assert pick(league, pick_id)["game_id"] == game


@pytest.mark.parametrize(
    ("typed", "team", "says"),
    [
        ("AJB", "Unknown", "can be several players in week 1"),
        ("Goedert", "Unknown", "does not say the game in week 1"),
        ("Brandon Johnson", "Unknown", "can be several players in week 1"),
        ("No touchdown", "Unknown", "needs its game"),
        ("Josh Allen", "PHI", "No player in 2025_01_DAL_PHI is called|neither roster|full name of a player of another"),
    ],
)
def test_a_pick_without_a_game_asks_where_neither_team_nor_name_says_it(
    league: Database, typed: str, team: str, says: str
) -> None:
    pick_id = write_plainly(league, typed, game=None, team=team)
    counts = understand(league)
    assert (counts.understood, list(counts.questions)) == (0, [pick_id])
    assert re.search(says, counts.questions[pick_id])
    assert pick(league, pick_id)["game_id"] is None


# --- questions --------------------------------------------------------------------------------------------------------


def test_a_tie_is_a_question_with_its_candidates_and_the_pick_stays_as_written(league: Database) -> None:
    pick_id = write_plainly(league, "Williams", game=TIE, week=14)
    counts = understand(league)
    assert counts.understood == 0
    assert "'Williams' can be several players in 2025_14_DAL_DET" in counts.questions[pick_id]
    row = pick(league, pick_id)
    assert (row["player_id"], row["team"], row["by"], row["player"]) == (None, "Unknown", "question", None)
    (question,) = open_questions(league)
    assert (question["pick_id"], question["member"], question["week"], question["typed"], question["game_id"]) == (
        pick_id, "Avery", 14, "Williams", TIE,
    )  # fmt: skip
    assert {one["player_id"] for one in question["candidates"]} >= {JAMESON, JAVONTE}
    assert all({"player_id", "player", "confidence"} <= set(one) for one in question["candidates"])
    assert question["message"].startswith("'Williams' can be several")


def test_a_question_asked_again_is_not_written_again(league: Database) -> None:
    pick_id = write_plainly(league, "Williams", game=TIE, week=14)
    understand(league)
    before = resolution(league, pick_id)
    assert list(understand(league, LATER).questions) == [pick_id]
    assert resolution(league, pick_id) == before


def test_a_question_is_answered_by_a_roster_that_comes_later(league: Database) -> None:
    with league.write() as conn:
        conn.execute(delete(schema.rosters))
        conn.execute(delete(schema.roster_weeks))
    pick_id = write_plainly(league, "A.J. Brown")
    assert "The rosters of 2025 are not here yet" in understand(league).questions[pick_id]
    with league.write() as conn:
        conn.execute(
            insert(schema.rosters).values(
                season=SEASON, team="PHI", player_id=BROWN, player_name="A.J. Brown", position="WR"
            )
        )
    assert understand(league).understood == 1
    assert (resolution(league, pick_id)["state"], open_questions(league)) == ("understood", [])


def test_understanding_never_raises_for_what_a_pick_holds(league: Database) -> None:
    typed = ("x" * 5000, "", " ", "\t", "'; --", "=1+1", "李", "A\x1b[2J")
    ids = [write_plainly(league, one) for one in typed]
    counts = understand(league)
    assert (counts.examined, counts.understood, sorted(counts.questions)) == (8, 0, ids)
    assert [question["pick_id"] for question in open_questions(league)] == ids


def test_a_pick_that_no_run_has_looked_at_is_listed_too(league: Database) -> None:
    pick_id = write_plainly(league, "A.J. Brown")
    (question,) = open_questions(league, SEASON)
    assert (question["pick_id"], question["candidates"]) == (pick_id, [])
    assert "firsttd nightly" in question["message"]
    assert open_questions(league, 2024) == []


# --- second spellings -------------------------------------------------------------------------------------------------


def test_a_second_spelling_is_set_aside_whole_with_its_result_and_never_counted_twice(league: Database) -> None:
    first = write_plainly(league, "AJ Brown")
    second = write_plainly(league, "AJB")
    grade(league, first, won=True)
    grade(league, second, won=False)
    before = rows(league, schema.picks, id=second) + rows(league, schema.results, pick_id=second)
    counts = understand(league, run_id="run-1")
    assert (counts.understood, counts.set_aside) == (1, {second: f"second spelling of pick {first}"})
    assert [row["id"] for row in rows(league, schema.picks)] == [first]
    assert [row["pick_id"] for row in rows(league, schema.results)] == [first]
    kept = rows(league, schema.quarantine)
    assert [(row["table_name"], row["season"], row["reason"]) for row in kept] == [
        ("picks", SEASON, f"second spelling of pick {first} (A.J. Brown)"),
        ("results", SEASON, f"second spelling of pick {first} (A.J. Brown)"),
    ]
    for row, was in zip(kept, before, strict=True):
        payload = json.loads(row["payload"])
        assert all(
            payload[name] == (value if not isinstance(value, datetime) else str(value)) for name, value in was.items()
        )
    removed = rows(league, schema.pick_events, pick_id=second)[-1]
    assert (removed["event"], removed["changed_by"], removed["run_id"]) == ("removed", "pipeline", "run-1")
    assert removed["why"] == f"second spelling of pick {first} (A.J. Brown)"
    taken_back = rows(league, schema.result_events, pick_id=second)[-1]
    assert (taken_back["event"], taken_back["old_status"], taken_back["new_status"]) == ("ungraded", "lost", None)
    assert understand(league).examined == 0


def _stored(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column: datetime.fromisoformat(value) if value and column.endswith("_at") else value
        for column, value in kept.items()
    }


def test_what_is_in_quarantine_can_be_put_back_as_it_was(league: Database) -> None:
    write_plainly(league, "AJ Brown")
    second = write_plainly(league, "AJB")
    grade(league, second, won=False)
    was = rows(league, schema.picks, id=second), rows(league, schema.results, pick_id=second)
    understand(league)
    kept = {row["table_name"]: json.loads(row["payload"]) for row in rows(league, schema.quarantine)}
    with league.write() as conn:
        for name in ("picks", "results"):
            table = schema.metadata.tables[name]
            conn.execute(insert(table).values(_stored(kept[name])))
    assert (rows(league, schema.picks, id=second), rows(league, schema.results, pick_id=second)) == was

    # the other stands: it is set aside again, and stands in quarantine once
    assert understand(league).set_aside
    assert [row["resolution"] for row in rows(league, schema.quarantine)] == [None, None]
    with league.write() as conn:
        conn.execute(delete(schema.picks).where(schema.picks.c.id != second))
        for name in ("picks", "results"):
            table = schema.metadata.tables[name]
            conn.execute(insert(table).values(_stored(kept[name])))
    assert understand(league, LATER).understood == 1
    assert [(row["resolution"], row["resolved_at"]) for row in rows(league, schema.quarantine)] == [
        ("put back", LATER)
    ] * 2


def test_a_grade_by_others_that_goes_with_a_second_spelling_is_told_in_the_reason(league: Database) -> None:
    first = write_plainly(league, "AJ Brown")
    second = write_plainly(league, "AJB")
    grade(league, second, won=True)
    understand(league)
    reasons = {row["reason"] for row in rows(league, schema.quarantine)}
    assert reasons == {
        f"second spelling of pick {first} (A.J. Brown); only this one had a grade by others (external: won)"
    }


def test_the_pick_understood_earlier_stays_whichever_was_written_first(league: Database) -> None:
    asks = write_plainly(league, "Williams", game=TIE, week=14)
    understand(league)
    taken = add_pick(
        league, PickRequest("Avery", "Jameson Williams", game_id=TIE, late_reason="late"), season=SEASON, now=AFTER
    )
    done = answer(league, asks, "Jameson Williams")
    assert done.set_aside == f"second spelling of pick {taken.id} (Jameson Williams)"
    assert [row["id"] for row in rows(league, schema.picks)] == [taken.id]
    assert rows(league, schema.pick_events, pick_id=asks)[-1]["changed_by"] == "Ann"


def test_of_three_spellings_one_stays_and_two_are_kept(league: Database) -> None:
    ids = [write_plainly(league, typed) for typed in ("AJB", "AJ Brown", "aj  browne")]
    counts = understand(league)
    assert list(counts.set_aside) == ids[1:]
    assert [row["key"] for row in rows(league, schema.quarantine)] == [str(pick_id) for pick_id in ids[1:]]


def test_the_same_spelling_twice_is_refused_by_the_database(league: Database) -> None:
    write_plainly(league, "AJ Brown")
    with pytest.raises(Exception, match=r"(?i)unique"):
        write_plainly(league, "AJ Brown")


def test_another_member_or_week_is_no_second_spelling(league: Database) -> None:
    write_plainly(league, "AJB")
    write_plainly(league, "AJ Brown", member="Blake")
    write_plainly(league, "A.J. Brown", game="2025_02_PHI_KC", week=2)
    assert understand(league).understood == 3


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "player_id"),
    [
        ("Javonte Williams", JAVONTE),
        ("javonte WILLIAMS", JAVONTE),
        (JAMESON, JAMESON),
        ("DST:DET", "DST:DET"),
        ("NO_TD", "NO_TD"),
    ],
)
def test_an_answer_sets_the_pick_and_says_who_gave_it(league: Database, named: str, player_id: str) -> None:
    pick_id = write_plainly(league, "Williams", game=TIE, week=14)
    understand(league)
    with league.write() as conn:
        conn.execute(insert(schema.pick_status).values(pick_id=pick_id, status="pending", reason="not understood"))
    done = answer(league, pick_id, named)
    assert (done.understood.player_id, done.before, done.set_aside) == (player_id, None, None)
    row = pick(league, pick_id)
    assert (row["player_id"], row["by"], row["confidence"]) == (player_id, "confirmed", 1.0)
    assert (resolution(league, pick_id)["resolved_by"], resolution(league, pick_id)["resolved_at"]) == ("Ann", LATER)
    assert rows(league, schema.pick_status) == []  # it is graded by the next run
    changed = rows(league, schema.pick_events, pick_id=pick_id, event="changed")[-1]
    assert (changed["player_id"], changed["changed_by"]) == (player_id, "Ann")
    assert open_questions(league) == []


def test_an_answer_is_remembered_and_answers_the_other_picks_typed_so(league: Database) -> None:
    first = write_plainly(league, "Williams", game=TIE, week=14)
    other = write_plainly(league, "WILLIAMS ", game=TIE, week=14, member="Blake")
    understand(league)
    done = answer(league, first, "Jameson Williams")
    assert done.alias is not None
    assert (done.alias.text, done.alias.player_id, done.alias.scope, done.alias.new) == (
        "Williams", JAMESON, "league", True,
    )  # fmt: skip
    listed = list_aliases(league).row(0, named=True)
    assert (listed["text"], listed["player"], listed["scope"], listed["made_by"], listed["pick_id"]) == (
        "Williams", "Jameson Williams", "league", "Ann", first,
    )  # fmt: skip
    # a last name that two bear stays a question even so: the alias is no stronger than the other's own name
    assert (done.also.examined, list(done.also.questions)) == (1, [other])


def test_an_answer_to_a_shorthand_is_used_by_every_door_from_then_on(league: Database) -> None:
    first = write_plainly(league, "JW", game=TIE, week=14)
    other = write_plainly(league, "jw", game=TIE, week=14, member="Blake")
    understand(league)
    done = answer(league, first, JAMESON)
    assert done.also.understood == 1
    assert (pick(league, other)["player_id"], pick(league, other)["by"]) == (JAMESON, "alias")
    later = add_pick(
        league, PickRequest("Avery", "J.W.", game_id="2025_17_DET_MIN", late_reason="late"), season=SEASON, now=AFTER
    )
    assert (later.understood.player_id, later.understood.method) == (JAMESON, "alias")


def test_an_answer_for_one_member_is_nobody_elses(league: Database) -> None:
    first = write_plainly(league, "JW", game=TIE, week=14)
    other = write_plainly(league, "JW", game=TIE, week=14, member="Blake")
    understand(league)
    done = answer(league, first, JAMESON, scope="member")
    assert list(done.also.questions) == [other]
    assert list_aliases(league)["scope"].to_list() == ["Avery"]
    assert explain(league, "JW", TIE, member="Avery").player_id == JAMESON
    assert explain(league, "JW", TIE, member="Blake").player_id is None
    assert explain(league, "JW", TIE).player_id is None


def test_without_an_alias_the_answer_is_of_this_pick_alone(league: Database) -> None:
    first = write_plainly(league, "JW", game=TIE, week=14)
    other = write_plainly(league, "JW", game=TIE, week=14, member="Blake")
    understand(league)
    done = answer(league, first, JAMESON, alias=False)
    assert (done.alias, done.also.examined, list_aliases(league).height) == (None, 0, 0)
    assert [question["pick_id"] for question in open_questions(league)] == [other]


def test_a_forgotten_alias_answers_nothing_more_and_changes_no_pick(league: Database) -> None:
    first = write_plainly(league, "JW", game=TIE, week=14)
    understand(league)
    done = answer(league, first, JAMESON)
    assert done.alias
    assert forget_alias(league, done.alias.id)["text"] == "JW"
    assert (pick(league, first)["player_id"], explain(league, "JW", TIE).player_id) == (JAMESON, None)


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("Lamb", "is no gsis_id and no full name"),
        ("Williams", "can be several players"),
        ("Patrick Mahomes", "neither roster of 2025_14_DAL_DET"),
        ("00-0033873", "No player in 2025_14_DAL_DET|neither roster"),
        ("DST:SEA", "SEA does not play in 2025_14_DAL_DET"),
        ("", "empty"),
        ("A\x1b[2J", r"U\+001B"),
    ],
)
def test_an_answer_that_is_no_player_of_the_game_is_refused_and_changes_nothing(
    league: Database, named: str, says: str
) -> None:
    pick_id = write_plainly(league, "Williams", game=TIE, week=14)
    understand(league)
    before = rows(league, schema.picks), rows(league, schema.pick_resolutions)
    with pytest.raises(NameNotUnderstood, match=says):
        answer(league, pick_id, named)
    assert (rows(league, schema.picks), rows(league, schema.pick_resolutions)) == before
    assert list_aliases(league).height == 0


def test_a_player_is_confirmed_on_the_team_of_that_week_alone(league: Database) -> None:
    pick_id = write_plainly(league, "the receiver", game="2025_02_JAX_CIN", week=2)
    understand(league)
    with pytest.raises(NameNotUnderstood, match="neither roster of 2025_02_JAX_CIN"):
        answer(league, pick_id, "Jakobi Meyers")  # he came to Jacksonville in November


def test_an_answer_needs_somebody_and_a_pick(league: Database) -> None:
    pick_id = write_plainly(league, "Williams", game=TIE, week=14)
    for nobody, says in (
        ("", "--by"), (" ", "--by"), ("A\nB", "character"), ("x" * 81, "80"),
        ("pipeline", "the name of the person"), ("Upgrade", "the name of the person"),
    ):  # fmt: skip
        with pytest.raises(PickRefused, match=says):
            answer(league, pick_id, JAMESON, by=nobody)
    with pytest.raises(NoSuchPick, match="no pick 999"):
        answer(league, 999, JAMESON)


def test_an_answer_corrects_what_was_understood_and_its_grade_follows(league: Database) -> None:
    pick_id = write_plainly(league, "AJ Brown")
    understand(league)
    grade(league, pick_id, won=True)
    done = answer(league, pick_id, "CeeDee Lamb", alias=False)
    assert (done.before, pick(league, pick_id)["player_id"], pick(league, pick_id)["team"]) == (BROWN, LAMB, "DAL")
    moved = rows(league, schema.result_events, pick_id=pick_id)[-1]
    assert (moved["event"], moved["old_player_id"], moved["player_id"], moved["changed_by"]) == (
        "moved", BROWN, LAMB, "Ann",
    )  # fmt: skip


def test_an_answer_gives_a_pick_without_a_game_that_of_the_player(league: Database) -> None:
    pick_id = write_plainly(league, "Puka", game=None, week=5)
    understand(league)
    assert answer(league, pick_id, "Puka Nacua").understood.game.id == "2025_05_SF_LA"
    assert pick(league, pick_id)["game_id"] == "2025_05_SF_LA"
    nobody = write_plainly(league, "nobody scores", game=None, week=6)
    with pytest.raises(GameRefused, match="needs its game"):
        answer(league, nobody, "NO_TD")
    for wrong, says in (("2025_05_SF_LA", "in week 5, pick"), ("2025_06_NO_GAME", "has no game")):
        with pytest.raises(GameRefused, match=says):
            answer(league, nobody, "NO_TD", game=wrong)
    with pytest.raises(GameRefused, match="has its game: 2025_05_SF_LA"):
        answer(league, pick_id, "Puka Nacua", game="2025_05_TB_SEA")
    done = answer(league, nobody, "NO_TD", game="2025_06_PHI_NYG")
    assert (done.understood.label, done.understood.game.id) == ("No touchdown", "2025_06_PHI_NYG")
    assert (pick(league, nobody)["game_id"], pick(league, nobody)["player_id"]) == ("2025_06_PHI_NYG", "NO_TD")


def test_a_pick_whose_player_is_known_is_given_its_game(league: Database) -> None:
    pick_id = write_plainly(league, "nobody scores", week=1)
    understand(league)
    with league.write() as conn, signed(conn, "Ann"):
        conn.execute(update(schema.picks).where(schema.picks.c.id == pick_id).values(game_id=None))
    answer(league, pick_id, "NO_TD", game=OPENER)
    assert pick(league, pick_id)["game_id"] == OPENER


def test_an_alias_of_a_special_pick_never_takes_a_name_from_a_player(league: Database) -> None:
    pick_id = write_plainly(league, "Zip", game=TIE, week=14)
    understand(league)
    answer(league, pick_id, "NO_TD")
    assert explain(league, "zip", OPENER).player_id == "NO_TD"
    mistaken = write_plainly(league, "Lamb", game=TIE, week=14, member="Blake")
    understand(league)
    answer(league, mistaken, "NO_TD")
    with_both = explain(league, "Lamb", OPENER)
    assert "by an alias" in with_both.message
    assert with_both.player_id is None


# --- explained --------------------------------------------------------------------------------------------------------


def test_an_explanation_has_six_facts_and_writes_nothing(league: Database) -> None:
    found = explain(league, "Puka", "2025_05_SF_LA")
    assert isinstance(found, Explained)
    assert set(found.facts) == {"player_id", "player", "method", "confidence", "runner_up", "candidates"}
    assert (found.player_id, found.player, found.method) == ("00-0039075", "Puka Nacua", "first name")
    asks = explain(league, "Williams", TIE)
    assert (asks.player_id, asks.player, asks.method, asks.confidence) == (None, None, None, None)
    assert asks.runner_up is not None
    assert {JAMESON, JAVONTE} <= {one["player_id"] for one in asks.candidates}
    assert explain(league, "Williams", TIE, team="Detroit").player_id == JAMESON
    assert explain(league, "Lions D/ST", TIE).facts["player_id"] == "DST:DET"
    assert rows(league, schema.pick_resolutions) == rows(league, schema.player_aliases) == []


def test_an_explanation_without_game_member_or_season_says_so(league: Database) -> None:
    with pytest.raises(GameRefused, match="give --season"):
        explain(league, "Puka", "the opener")
    with pytest.raises(GameRefused, match="no game '2025_01_DAL_KC'"):
        explain(league, "Puka", "2025_01_DAL_KC")
    with pytest.raises(GameRefused, match="schedule of 2024 is not here"):
        explain(league, "Puka", "2024_01_SF_LA")
    with pytest.raises(NoSuchMember):
        explain(league, "Puka", "2025_05_SF_LA", member="Nobody")


# --- the league's real file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_pick_of_the_leagues_file_is_understood_or_asked_and_every_answer_is_of_its_game(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    db = Database(legacy_copy(tmp_path).rename(tmp_path / "firsttd.db"))
    upgrade(db)
    server = Server(MIRROR)
    try:
        with League.open(load_settings(home=tmp_path, nflverse_url=server.url, retries=0)) as opened:
            games.refresh(opened, SEASON, AFTER)
            rosters.refresh(opened, SEASON, AFTER)
    finally:
        server.stop()
    if engine == "postgres":
        target: Database = request.getfixturevalue("postgres_db")
        copy_league(db, target)
        db.close()
        db = target
    counts = understand(db)
    listed = list_picks(db)
    waiting = {question["pick_id"] for question in open_questions(db)}
    assert counts.examined == counts.understood + len(counts.questions) + len(counts.set_aside)
    assert waiting == set(counts.questions)
    assert {row["pick_id"] for row in listed.iter_rows(named=True) if row["player_id"] is None} == waiting
    assert (listed.height, counts.understood, sorted(waiting)) == (74, 74, [])  # the 75th was merged by the upgrade
    for row in listed.iter_rows(named=True):
        assert row["team"] in row["game_id"].split("_"), row
        assert row["by"], row
        assert row["player"], row
        assert 0.7 < row["confidence"] <= 1, row
    meant = dict(listed.select("typed", "player").iter_rows())
    assert meant["CMC"] == "Christian McCaffrey"
    assert meant["Georgie Pickens"] == "George Pickens"
    assert understand(db).examined == 0
    if engine == "sqlite":
        db.close()
