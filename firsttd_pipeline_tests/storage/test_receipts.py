"""A receipt says what was typed, who was meant, what decided the grade, whose grade it is, and every change since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from firsttd_pipeline.commands.why import _lines, _market, _notes
from firsttd_pipeline.refresh import market_outcomes, pick_market_odds
from firsttd_pipeline.storage import grades
from firsttd_pipeline.storage.pick_prices import NONE_BEFORE, NOT_BEGUN
from firsttd_pipeline.storage.picks import NoSuchPick
from firsttd_pipeline.storage.receipts import receipt
from firsttd_pipeline.storage.schema import pick_resolutions
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.graded import (
    CARRIER,
    DEFENSE,
    NOBODY,
    OPENER,
    RUNNER,
    SEASON,
    START,
    TIGHTEND,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)
from firsttd_pipeline_tests.storage.market_rows import closing, leg, snapshots

BY: dict[str, Any] = {"by": "Kim", "why": "the referee said so"}


def of(league: Graded, pick_id: int) -> dict[str, Any]:
    return receipt(league.db, pick_id, league.league.settings.rules, league.now)


def test_the_receipt_of_a_win_has_everything_that_decided_it(graded: Graded) -> None:  # noqa: F811
    found = of(graded, CARRIER)
    pick = {name: found["pick"][name] for name in ("member", "season", "week", "typed", "odds", "door", "late_reason")}
    assert pick == {"member": "Avery", "season": SEASON, "week": 1, "typed": "Saquon Carrier", "odds": 400.0,
                    "door": "firsttd picks add", "late_reason": "a test"}  # fmt: skip
    assert found["pick"]["entered_at"] == START
    game = {name: found["game"][name] for name in ("id", "away_score", "home_score", "status")}
    assert game == {"id": OPENER, "away_score": 7, "home_score": 14, "status": "final"}
    first = found["first_touchdown"]
    assert (first["full_name"], first["quarter"], first["clock"], first["description"]) == (
        "Saquon Carrier", 1, "13:00", "S.Carrier right end for 8 yards, TOUCHDOWN.",
    )  # fmt: skip
    assert [row["clock"] for row in found["touchdowns"]] == ["13:00"]
    grade = found["grade"]
    assert (grade["status"], grade["points"], grade["profit"], grade["stake"], grade["rule_pack"]) == (
        "won", 4.0, 4.0, 1.0, "stacking/1",
    )  # fmt: skip
    assert (grade["finality"], grade["graded_by"]) == ("provisional", "pipeline")
    assert found["plays_say"] is None
    assert "derived anew every night" in found["stands"]
    assert [(row["event"], row["by"]) for row in found["changes"]] == [("picked", "cli"), ("graded", "pipeline")]


def test_the_source_is_the_file_with_its_hash_and_its_times(graded: Graded) -> None:  # noqa: F811
    source = of(graded, CARRIER)["source"]
    (fetch,) = graded.rows("SELECT sha256, url FROM sync_runs WHERE dataset = 'pbp' ORDER BY id LIMIT 1")
    assert (source["sha256"], source["url"]) == fetch
    assert source["upstream_modified_at"] is not None
    assert source["fetched_at"] is not None
    assert (source["score_in_plays"], source["reaches_end"]) == ([7, 14], True)


def test_a_correction_changes_the_hash_to_the_file_it_came_with(graded: Graded) -> None:  # noqa: F811
    before = of(graded, RUNNER)["source"]["sha256"]
    mirrors.correct_scorer(graded.mirror, SEASON, OPENER, 100, "00-0000001", "J.Runner")
    mirrors.add_touchdown(
        graded.mirror, SEASON, OPENER, order_sequence=9.0, play_id=999.0, td_team="PHI", posteam="PHI",
        td_player_id="00-0000002", td_player_name="S.Carrier",
    )  # fmt: skip
    graded.nightly()
    found = of(graded, RUNNER)
    assert found["source"]["sha256"] not in (before, None)
    assert found["first_touchdown"]["full_name"] == "Jalen Runner"


def test_how_a_player_was_understood_is_told_with_the_runner_up(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM pick_resolutions WHERE pick_id = 2")
    with graded.db.write() as conn:
        conn.execute(
            insert(pick_resolutions).values(
                pick_id=RUNNER, state="understood", player_id="00-0000001", player="Jalen Runner (PHI QB)",
                method="nickname", confidence=0.97, runner_up="Justin Passer (LAC QB)", resolved_by="pipeline",
            )
        )  # fmt: skip
    known = of(graded, RUNNER)["understood"]
    assert (known["method"], known["confidence"], known["runner_up"], known["resolved_by"]) == (
        "nickname", 0.97, "Justin Passer (LAC QB)", "pipeline",
    )  # fmt: skip


def test_a_pending_pick_says_what_it_waits_for(graded: Graded) -> None:  # noqa: F811
    found = of(graded, TIGHTEND)
    assert found["grade"]["status"] == "pending"
    assert found["first_touchdown"] is None
    assert found["no_first_touchdown"] == "game not final"
    assert found["stands"] == "No grade stands: game not final."
    assert found["source"] is None


def test_a_defense_has_its_own_touchdowns_and_nobody_has_none(graded: Graded) -> None:  # noqa: F811
    assert [row["player_name"] for row in of(graded, DEFENSE)["touchdowns"]] == ["T.Corner"]
    assert of(graded, NOBODY)["touchdowns"] == []
    assert of(graded, NOBODY)["understood"]["player"] == "No touchdown"


def test_a_game_without_a_touchdown_is_told_as_that(graded: Graded) -> None:  # noqa: F811
    mirrors.withdraw_touchdown(graded.mirror, SEASON, "2025_01_KC_LAC", 100)
    graded.nightly()
    found = of(graded, NOBODY)
    assert (found["grade"]["status"], found["first_touchdown"]) == ("won", None)
    assert found["no_first_touchdown"] == "the game had no touchdown"


def test_a_grade_by_hand_says_whose_it_is_and_what_the_plays_say(graded: Graded) -> None:  # noqa: F811
    grades.override(graded.db, RUNNER, won=True, now=graded.now, rules=graded.league.settings.rules, **BY)
    found = of(graded, RUNNER)
    assert found["stands"] == "By hand, by Kim: the referee said so. No nightly run changes it."
    assert (found["plays_say"]["status"], found["plays_say"]["scorer"]) == ("lost", "S.Carrier")
    last = found["changes"][-1]
    assert (last["event"], last["before"], last["after"], last["by"], last["why"]) == (
        "flipped", "lost, any time, first S.Carrier, -1 units", "won, first Jalen Runner, +9 units", "Kim", BY["why"],
    )  # fmt: skip


def test_another_programs_grade_says_whether_the_plays_agree(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE results SET graded_by = 'external' WHERE pick_id = 1",
                 "UPDATE results SET is_correct = :yes WHERE pick_id = 2", yes=True)  # fmt: skip
    assert "the plays say the same" in of(graded, CARRIER)["stands"]
    told = of(graded, RUNNER)
    assert "the plays say otherwise" in told["stands"]
    assert told["changes"][-1]["by"] == "another program"


def test_a_removed_pick_still_has_its_receipt(graded: Graded) -> None:  # noqa: F811
    graded.write("DELETE FROM picks WHERE id = 2")
    found = of(graded, RUNNER)
    pick = {name: found["pick"][name] for name in ("member", "week", "typed", "odds", "game_id")}
    assert pick == {"member": "Blake", "week": 1, "typed": "Jalen Runner", "odds": 900.0, "game_id": OPENER}
    assert found["pick"]["removed_at"] is not None
    assert found["grade"] is None
    assert {row["event"] for row in found["changes"]} == {"picked", "graded", "ungraded", "removed"}
    assert found["changes"][0]["event"] == "picked"
    assert found["changes"][-1]["event"] == "removed"
    assert found["first_touchdown"]["full_name"] == "Saquon Carrier"


def test_a_pick_nobody_knows_is_told(graded: Graded) -> None:  # noqa: F811
    with pytest.raises(NoSuchPick, match="no pick 77"):
        of(graded, 77)


def test_a_pick_without_a_game_and_without_an_understood_player_has_a_receipt(graded: Graded) -> None:  # noqa: F811
    graded.write("UPDATE picks SET game_id = NULL, player_name = 'somebody' WHERE id = 5")
    found = of(graded, TIGHTEND)
    assert (found["game"], found["no_first_touchdown"]) == (None, "the pick has no game")
    assert found["understood"]["state"] == "not understood yet"
    assert found["grade"]["reason"] == "not graded yet"


@pytest.mark.parametrize("odd", ["'9/1'", "''", "x'00ff'", "9e999", "-9e999"])
def test_what_is_no_number_is_told_as_unknown(graded: Graded, odd: str) -> None:  # noqa: F811
    if graded.db.dialect == "postgresql":
        odd = "'NaN'" if odd.startswith("'") else "'infinity'"  # it takes no other that is none
    graded.write(f"UPDATE results SET actual_return = {odd} WHERE pick_id = 1",
                 f"UPDATE pick_status SET points = {odd}, stake = {odd} WHERE pick_id = 1",
                 f"UPDATE picks SET odds = {odd} WHERE id = 1")  # fmt: skip
    found = of(graded, CARRIER)
    grade = found["grade"]
    assert (found["pick"]["odds"], grade["points"], grade["stake"], grade["profit"]) == (None, None, None, None)
    told = [(row["event"], row["before"], row["after"]) for row in found["changes"][2:]]
    assert sorted(told) == [
        ("changed", "", "odds none"),
        ("money corrected", "won, first S.Carrier, +4 units", "won, first S.Carrier"),
    ]


@pytest.mark.parametrize("odd", ["'9/1'", "x'00ff'"])
def test_a_record_that_holds_what_is_no_number_is_told(graded: Graded, odd: str) -> None:  # noqa: F811
    if graded.db.dialect == "postgresql":
        odd = "'NaN'"
    who = "pick_id, user_id, season, week, player_id, player_name"
    graded.write(
        f"INSERT INTO pick_events (happened_at, event, game_id, kind, odds, {who}) "
        f"SELECT happened_at, 'changed', game_id, kind, {odd}, {who} "
        "FROM pick_events WHERE pick_id = 1 AND event = 'picked'",
        "INSERT INTO result_events (happened_at, event, old_status, new_status, old_actual_return, new_actual_return, "
        f"was_official, {who}) SELECT happened_at, 'money corrected', 'won', 'won', {odd}, {odd}, was_official, {who} "
        "FROM result_events WHERE pick_id = 1",
    )
    told = {row["event"]: (row["before"], row["after"]) for row in of(graded, CARRIER)["changes"]}
    assert (told["changed"], told["money corrected"]) == (("", "odds none"), ("won", "won"))
    graded.write("DELETE FROM picks WHERE id = 1")
    assert of(graded, CARRIER)["pick"]["removed_at"] is not None


# --- the markets ------------------------------------------------------------------------------------------------------


def test_a_pick_without_prices_has_no_market_in_its_receipt(graded: Graded) -> None:  # noqa: F811
    assert of(graded, CARRIER)["markets"] == []
    assert not any("Kalshi" in line for line in _lines(of(graded, CARRIER)))


def test_the_receipt_has_each_venues_prices_what_they_were_worth_and_how_it_settled(graded: Graded) -> None:  # noqa: F811
    carrier, kickoff = "00-0000002", datetime(2025, 9, 5, 0, 20, tzinfo=UTC)
    kalshi = leg(graded.db, "kalshi", OPENER, carrier, kickoff)
    (then, last) = snapshots(graded.db, kalshi, [(kickoff - timedelta(hours=4), 0.2), (kickoff, 0.25)])
    closing(graded.db, last, 0.25, 0.22, kickoff)
    other = leg(graded.db, "polymarket", OPENER, carrier, kickoff)
    (empty,) = snapshots(graded.db, other, [(kickoff, None)])
    closing(graded.db, empty, None, None, kickoff, bid=None, ask=None)
    us = {"status": "settled", "result": "void", "settlement_value": 0.39, "settled_at": START}
    leg(graded.db, "polymarket_us", OPENER, carrier, kickoff, **us)
    graded.write_signed("test", "UPDATE picks SET late_reason = NULL, created_at = :at WHERE id = 1",
                        at=f"{kickoff - timedelta(hours=1):%Y-%m-%d %H:%M:%S}+00:00")  # fmt: skip
    market_outcomes.refresh(graded.league, SEASON, graded.now)
    pick_market_odds.refresh(graded.league, SEASON, graded.now)
    found = of(graded, CARRIER)
    first, second, third = found["markets"]
    assert (first["venue"], first["pick_probability"], first["pick_price_at"]) == (
        "Kalshi", 0.2, kickoff - timedelta(hours=4),
    )  # fmt: skip
    assert (first["expected_value"], first["closing_line_value"]) == (pytest.approx(0.1), pytest.approx(0.25))
    assert (second["closing_reason"], second["value_reason"]) == (
        "book too wide (FIRSTTD_MARKET_MAX_WIDTH)", "no closing line",
    )  # fmt: skip
    assert (third["closing_reason"], third["outcomes"][0]["resolved_outcome"]) == (NONE_BEFORE, "void")
    assert then < last
    told = [line.strip() for line in _lines(found)][-4:]
    assert told == [
        "Kalshi:          20.0% when picked -> 25.0% (bid 0.1, ask 0.12) at kickoff; fair 22.0%; expected value +0.10; "
        "closing-line value +25.0%",
        "Polymarket:      no price when picked -> no price at kickoff; no fair price",
        "Polymarket US:   no price when picked; no closing line; settled void at 0.39",
        "Of the prices:   fair: assuming no touchdown 0.5 % (Kalshi); no price when picked: no price was there then "
        "(Polymarket, Polymarket US); no price at kickoff: book too wide (FIRSTTD_MARKET_MAX_WIDTH) (Polymarket); "
        "no closing line: no price of before kickoff is stored (Polymarket US)",
    ]


def test_before_kickoff_a_venues_line_has_the_price_when_picked_and_says_when_the_closing_line_comes() -> None:
    nothing = dict.fromkeys(("closing_probability", "closing_at", "closing_bid", "closing_ask", "fair_probability"))
    nothing |= dict.fromkeys(("fair_reason", "assumption", "expected_value", "closing_line_value", "value_reason"))
    row = {"venue": "Kalshi", "priced": True, "outcomes": [], "closing_reason": NOT_BEGUN, **nothing}
    with_price = row | {"pick_probability": 0.123, "pick_reason": None}
    without = row | {"venue": "Polymarket", "pick_probability": None, "pick_reason": "no price was there then"}
    assert _market(with_price) == "12.3% when picked; the closing line comes at kickoff"
    assert _market(without) == "no price when picked; the closing line comes at kickoff"
    assert _notes([with_price, without]) == "no price when picked: no price was there then (Polymarket)"
    assert _notes([without]) == "no price when picked: no price was there then"
    assert _notes([with_price]) is None
