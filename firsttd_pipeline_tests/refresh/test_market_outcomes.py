"""How venues settled, beside our own first scorer; and the check that tells where the two are not the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.checks.market_outcomes import outcomes_agree
from firsttd_pipeline.domain.touchdowns import extract_touchdowns, game_records
from firsttd_pipeline.refresh import market_odds, market_outcomes
from firsttd_pipeline.refresh.base import League, Report, open_client
from firsttd_pipeline.reports.plots import HorizontalBars, Reliability
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.sources.venues import open_venue
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.partitions import write_records, write_touchdowns
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline_tests.graded import (
    COMING,
    OPENER,
    OTHER,
    SEASON,
    START,
    Graded,
    graded,  # noqa: F401 - a fixture
    graded_template,  # noqa: F401 - a fixture
)
from firsttd_pipeline_tests.market_server import (
    AFTER_SEASON,
    VOID_LEG,
    MarketServer,
    shared_world,
    start_markets,  # noqa: F401 - a fixture
)
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared
from firsttd_pipeline_tests.storage.market_rows import closing, leg, snapshots
from firsttd_pipeline_tests.storage.season_2025 import load_roster_weeks, load_season
from firsttd_pipeline_tests.tables import ROOM, drawn_width

CARRIER, CATCHER, CORNER = "00-0000002", "00-0000004", "00-0000006"
KICKOFF = START - timedelta(days=3)


def settle(league: Graded, source: str, game: str | None, player: str | None, result: str, **more: Any) -> int:
    """A leg that the venue has settled."""
    value = {"yes": 1.0, "no": 0.0, "void": 0.39}[result]
    settled = {"status": "settled", "result": result, "settlement_value": value, "settled_at": START}
    return leg(league.db, source, game, player, KICKOFF, **settled | more)


def refreshed(league: Graded) -> Report:
    league.now += timedelta(hours=1)
    return market_outcomes.refresh(league.league, SEASON, league.now)


def stored(league: Graded, columns: str = "market_id, resolved_outcome, actual_first_td_scorer") -> list[Any]:
    return league.rows(f"SELECT {columns} FROM market_outcomes ORDER BY market_id")


def complaints(league: Graded) -> list[tuple[str, int, str]]:
    refreshed(league)
    return [(v.rule, v.count, v.example) for v in outcomes_agree(league.season(), league.now)]


def test_settled_legs_are_stored_beside_the_first_scorer_of_the_plays_unmatched_ones_too(graded: Graded) -> None:  # noqa: F811
    settle(graded, "kalshi", OPENER, CARRIER, "yes")
    settle(graded, "kalshi", OTHER, "DST:KC", "yes")
    settle(graded, "kalshi", COMING, CARRIER, "void")
    settle(graded, "kalshi", OPENER, None, "no", label="A. Nobody")
    settle(graded, "polymarket", None, None, "no", label="B. Nobody")
    leg(graded.db, "kalshi", OPENER, CATCHER, KICKOFF)  # not settled
    report = refreshed(graded)
    assert stored(graded) == [
        (f"KA-{OPENER}-{CARRIER}", "yes", CARRIER),
        (f"KA-{OPENER}-A. Nobody", "no", CARRIER),
        (f"KA-{OTHER}-DST:KC", "yes", "DST:KC"),
        (f"KA-{COMING}-{CARRIER}", "void", None),
        ("PO-None-B. Nobody", "no", None),
    ]
    assert report.tables["venues"].select("venue", "yes", "no", "void", "unmatched", "judged").rows() == [
        ("Kalshi", 2, 1, 1, 1, 0),
        ("Polymarket", 0, 1, 0, 1, 0),
    ]
    assert report.facts == {"yes": 2, "no": 2, "void": 1}
    assert drawn_width(report.tables["venues"]) <= ROOM
    # whom the venues paid and what was void, and no leg that lost; our plays of the last game are not complete
    assert sorted(report.preview.rows()) == [
        (OPENER, "Kalshi", CARRIER, "yes", "S.Carrier"),
        (OTHER, "Kalshi", "DST:KC", "yes", "T.Corner, DST:KC"),
        (COMING, "Kalshi", CARRIER, "void", "not known"),
    ]
    assert report.preview["outcome"].to_list() == ["yes", "yes", "void"]
    assert report.plot is None
    assert report.undrawn == f"nothing to draw: no leg of {SEASON} with a closing line is settled yet"
    assert outcomes_agree(graded.season(), graded.now) == []


def test_a_venue_that_corrects_itself_updates_the_row_and_one_that_takes_back_removes_it(graded: Graded) -> None:  # noqa: F811
    settle(graded, "kalshi", OPENER, CARRIER, "no")
    settle(graded, "kalshi", OPENER, CATCHER, "yes")
    refreshed(graded)
    before = stored(graded, "updated_at, created_at")
    assert refreshed(graded).counts.changed == 0
    graded.write(
        "UPDATE market_legs SET result = 'yes', settlement_value = 1 WHERE player_id = :a", a=CARRIER
    )  # fmt: skip
    graded.write("UPDATE market_legs SET result = NULL WHERE player_id = :a", a=CATCHER)
    counts = refreshed(graded).counts
    assert (counts.updated, counts.retired) == (1, 1)
    assert stored(graded) == [(f"KA-{OPENER}-{CARRIER}", "yes", CARRIER)]
    ((updated, created),) = stored(graded, "updated_at, created_at")
    assert updated > before[0][0]
    assert created == before[0][1]


def test_an_outcome_that_another_program_wrote_stays(graded: Graded) -> None:  # noqa: F811
    graded.write(
        "INSERT INTO market_outcomes (source, season, game_id, market_id, player_name, resolved_outcome) "
        "VALUES ('kalshi', :s, :g, 'THEIRS', 'A. Nobody', 'no')",
        s=SEASON,
        g=OPENER,
    )
    assert refreshed(graded).counts.changed == 0
    assert stored(graded) == [("THEIRS", "no", None)]


def test_the_scorer_is_not_known_while_the_plays_are_incomplete_and_nobody_is_where_none_scored(
    graded: Graded,  # noqa: F811
) -> None:
    settle(graded, "kalshi", OPENER, CARRIER, "no")
    settle(graded, "kalshi", OTHER, "NO_TD", "no")
    graded.write("UPDATE game_records SET reaches_end = (1 = 0) WHERE game_id = :g", g=OPENER)
    graded.write("DELETE FROM touchdowns WHERE game_id = :g", g=OTHER)
    ((rule, count, example),) = complaints(graded)
    assert stored(graded) == [(f"KA-{OPENER}-{CARRIER}", "no", None), (f"KA-{OTHER}-NO_TD", "no", "NO_TD")]
    assert (rule, count) == (f"{OTHER}: Kalshi settled otherwise than the plays say", 1)
    assert f"Kalshi says no for NO_TD (KA-{OTHER}-NO_TD, 0.00 dollars, " in example
    assert "The plays: no touchdown in 3 plays (file " in example


@pytest.mark.parametrize("graded", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("game", "legs", "count"),
    [
        (OPENER, {CATCHER: "yes", CARRIER: "no"}, 2),  # somebody else, and ours lost
        (OPENER, {CATCHER: "yes"}, 1),  # ours has no leg
        (OPENER, {CARRIER: "no", CATCHER: "no"}, 1),  # settled without any yes
        (OPENER, {CARRIER: "void", CATCHER: "no"}, 0),  # a void never disagrees
        (OPENER, {CATCHER: "no"}, 0),  # no leg on ours, and none won
        (OPENER, {CARRIER: "yes", CATCHER: "void"}, 0),
        (OPENER, {CARRIER: "yes", CATCHER: "yes"}, 1),  # two winners
        (OPENER, {"NO_TD": "yes", CARRIER: "void"}, 1),
        (OTHER, {"DST:KC": "yes", CORNER: "no"}, 0),  # the venue pays the D/ST
        (OTHER, {"DST:KC": "no", CORNER: "yes"}, 0),  # the venue pays the player
        (OTHER, {"DST:KC": "no"}, 1),
        (OTHER, {"DST:LAC": "yes", "DST:KC": "no"}, 2),
        (COMING, {CATCHER: "yes"}, 0),  # our record is not complete
    ],
)
def test_a_venue_disagrees_only_where_its_settlement_cannot_be_ours(
    graded: Graded,  # noqa: F811
    game: str,
    legs: dict[str, str],
    count: int,
) -> None:
    for player, result in legs.items():
        settle(graded, "kalshi", game, player, result)
    assert [found[1] for found in complaints(graded)] == ([count] if count else [])


@pytest.mark.parametrize("graded", ["sqlite"], indirect=True)
def test_a_disagreement_shows_the_evidence_of_both_sides_once_per_game_as_a_warning(graded: Graded) -> None:  # noqa: F811
    settle(graded, "kalshi", OPENER, CATCHER, "yes", label="CeeDee *Catcher*")
    settle(graded, "polymarket", OPENER, CATCHER, "yes")
    settle(graded, "polymarket", OTHER, CATCHER, "yes")
    refreshed(graded)
    opener, other = outcomes_agree(graded.season(), graded.now)
    assert opener.rule == f"{OPENER}: Kalshi and Polymarket settled otherwise than the plays say"
    assert (opener.severity, opener.count, other.count) == ("warn", 2, 1)
    (sha,) = graded.rows("SELECT source_sha256 FROM game_records WHERE game_id = :g", g=OPENER)
    assert opener.example == (
        f"Kalshi says yes for CeeDee *Catcher* (KA-{OPENER}-{CATCHER}, 1.00 dollars, 2025-09-08 12:00 UTC); "
        f"Polymarket says yes for {CATCHER} (PO-{OPENER}-{CATCHER}, 1.00 dollars, 2025-09-08 12:00 UTC). "
        f"The plays: S.Carrier {CARRIER} (PHI), quarter 1, 13:00: S.Carrier right end for 8 yards, TOUCHDOWN. "
        f"(file {sha[0][:12]})"
    )
    assert "KC D/ST" in other.example


@pytest.mark.parametrize("graded", ["sqlite"], indirect=True)
def test_closing_prices_against_outcomes_are_scored_by_venue_and_drawn(graded: Graded) -> None:  # noqa: F811
    for player, result, close in ((CARRIER, "yes", 0.2), (CATCHER, "no", 0.1), (CORNER, "void", 0.5)):
        one = settle(graded, "kalshi", OPENER, player, result)
        (last,) = snapshots(graded.db, one, [(KICKOFF, close)])
        closing(graded.db, last, close, None, KICKOFF)
    report = refreshed(graded)
    assert report.facts["Kalshi: Brier score"] == pytest.approx((0.8**2 + 0.1**2) / 2)
    (row,) = report.tables["venues"].to_dicts()
    assert (row["venue"], row["judged"], row["Brier score"]) == ("Kalshi", 2, report.facts["Kalshi: Brier score"])
    assert any("Kalshi: 2 judged legs" in note for note in report.notes)
    drawn, bars = report.plot() if report.plot else (None, None)
    assert isinstance(drawn, Reliability)
    assert isinstance(bars, HorizontalBars)
    assert (bars.names, bars.values) == (["Kalshi 10-15 % (n 1)", "Kalshi 20-100 % (n 1)"], [-1.0, pytest.approx(4.0)])
    assert [point[:3] for point in drawn.series["Kalshi"]] == [(0.1, 0.0, 1), (0.2, 1.0, 1)]
    assert drawn.title == "Closing prices of 2025 (with overround) against outcomes"


def test_sportsbooks_tell_no_outcomes_and_are_judged_by_the_plays(graded: Graded) -> None:  # noqa: F811
    # the other game began with a D/ST's touchdown: who wins with that is each book's rule
    for game, player, close in ((OPENER, CARRIER, 0.2), (OPENER, CATCHER, 0.1), (OTHER, CATCHER, 0.3)):
        (last,) = snapshots(graded.db, leg(graded.db, "odds_api", game, player, KICKOFF), [(KICKOFF, close)])
        closing(graded.db, last, close, None, KICKOFF)
    report = refreshed(graded)
    assert stored(graded) == []
    assert report.facts["The Odds API: Brier score"] == pytest.approx((0.8**2 + 0.1**2) / 2)


@needs_shared
def test_the_captured_event_settled_yes_for_the_player_that_the_real_plays_say(
    sqlite_db: Database,
    start_markets: Callable[..., MarketServer],  # noqa: F811
    tmp_path: Path,
) -> None:
    load_season(sqlite_db, AFTER_SEASON)
    load_roster_weeks(sqlite_db)
    plays = pl.read_parquet(MIRROR / "pbp" / "play_by_play_2025.parquet").filter(pl.col("week") >= 21)
    with sqlite_db.write() as conn:
        write_touchdowns(conn, SEASON, extract_touchdowns(plays), AFTER_SEASON)
        write_records(conn, SEASON, game_records(plays).with_columns(pl.lit("f" * 64).alias("source_sha256")),
                      AFTER_SEASON)  # fmt: skip
    server = start_markets(shared_world((2025,), (21, 22)), lambda: AFTER_SEASON)
    settings = load_settings(home=tmp_path, database_url=f"sqlite:///{sqlite_db.path}", **server.settings(retries=1))
    with League(
        settings,
        sqlite_db,
        open_client(settings),
        venues=lambda source: open_venue(source, settings, clock=lambda: AFTER_SEASON),
    ) as league:
        market_odds.refresh(league, SEASON, AFTER_SEASON)
        market_outcomes.refresh(league, SEASON, AFTER_SEASON)
    outcomes = Season(sqlite_db, SEASON).market_outcomes()
    final = outcomes.filter((pl.col("game_id") == "2025_22_SEA_NE") & (pl.col("source") == "kalshi"))
    assert final.height == 22
    (yes,) = final.filter(pl.col("resolved_outcome") == "yes").to_dicts()
    assert (yes["player_name"], yes["player_id"]) == ("AJ Barner", yes["actual_first_td_scorer"])
    (void,) = outcomes.filter(pl.col("market_id") == VOID_LEG).to_dicts()
    assert (void["resolved_outcome"], 0 < void["settlement_value"] < 1) == ("void", True)
    assert outcomes["game_id"].n_unique() == 3
    assert outcomes_agree(Season(sqlite_db, SEASON), AFTER_SEASON) == []
