"""Picks of the real 2025 season, graded as a person with the plays in hand would: imported before the season and after
it, on SQLite and on PostgreSQL, with the same grades and the same leaderboard to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select

from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import leaderboard, users
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.conftest import PostgresServer
from firsttd_pipeline_tests.e2e.conftest import NewHome
from firsttd_pipeline_tests.e2e.league import (
    AFTER,
    BEFORE,
    SEASON,
    Tables,
    bring_in,
    checked,
    differences,
    execute,
    query,
    raw,
    refresh,
    tables,
)
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import LEAGUE_SHEET, MIRROR, needs_shared

pytestmark = needs_shared

MEMBERS = {"Ann": None, "Bob": 2.0, "Cal": None, "Dee": None, "Tim": None, "Tom": None}
LOCKETT, SHAHEED = "00-0032211", "00-0037545"

# What each pick comes to, read by hand from the plays: status, points, profit (None: unknown), any-time touchdown.
BY_HAND: dict[tuple[str, int, str, str, str], tuple[str, float, float | None, bool]] = {
    # J.Williams, 1 yard, 11:52 of the first quarter
    ("Ann", 1, "2025_01_DAL_PHI", "Javonte Williams", "700"): ("won", 4, 7.0, True),
    # scores from the 10 late in the first half; the stake of 2 is Bob's own
    ("Bob", 1, "2025_01_DAL_PHI", "Saquon Barkley", "450"): ("lost", 1, -2.0, True),
    # two touchdowns, none of them first, and nobody wrote down the odds
    ("Cal", 1, "2025_01_DAL_PHI", "Jalen Hurts", ""): ("lost", 1, None, True),
    # George Holani recovers a kickoff in the end zone in the fourth quarter: special teams, but not first
    ("Ann", 2, "2025_02_SEA_PIT", "George Holani", "9000"): ("lost", 1, -1.0, True),
    ("Dee", 2, "2025_02_SEA_PIT", "Seattle D/ST", "2500"): ("lost", 1, -1.0, True),
    # Zaven Collins runs a fumble in: first, for him and for his defense
    ("Bob", 2, "2025_02_CAR_ARI", "Zaven Collins", "9000"): ("won", 4, 180.0, True),
    ("Cal", 2, "2025_02_CAR_ARI", "Cardinals D/ST", "2200"): ("won", 4, 22.0, True),
    ("Dee", 3, "2025_03_DET_BAL", "Jahmyr Gibbs", "-120"): ("won", 4, 100 / 120, True),
    ("Ann", 3, "2025_03_DET_BAL", "Derrick Henry", "-110"): ("lost", 1, -1.0, True),
    # Kenny Moore returns an interception 40 seconds into the game
    ("Bob", 3, "2025_03_IND_TEN", "Kenny Moore II", "8000"): ("won", 4, 160.0, True),
    ("Cal", 3, "2025_03_IND_TEN", "Titans D/ST", "3000"): ("lost", 0, -1.0, False),
    # a blocked punt is that game's first touchdown, by Sydney Brown
    ("Ann", 4, "2025_04_PHI_TB", "Sydney Brown", "10000"): ("won", 4, 100.0, True),
    ("Bob", 4, "2025_04_PHI_TB", "Eagles D/ST", "2500"): ("won", 4, 50.0, True),
    ("Cal", 4, "2025_04_PHI_TB", "Dallas Goedert", "900"): ("lost", 1, -1.0, True),
    ("Dee", 4, "2025_04_PHI_TB", "Buccaneers D/ST", "2800"): ("lost", 0, -1.0, False),
    # Lockett takes an interception's fumble in for Tennessee, and is a Raider by the end of the season
    ("Ann", 5, "2025_05_TEN_ARI", "Tyler Lockett", "1600"): ("lost", 1, -1.0, True),
    ("Bob", 5, "2025_05_TEN_ARI", "Michael Carter", "600"): ("won", 4, 12.0, True),
    # Shaheed scores for New Orleans, and is a Seahawk by the end of the season
    ("Dee", 5, "2025_05_NYG_NO", "Rashid Shaheed", "1200"): ("lost", 1, -1.0, True),
    ("Cal", 14, "2025_14_SEA_ATL", "Seahawks D/ST", "2500"): ("won", 4, 25.0, True),  # Shaheed's kickoff return
    # no touchdown at all: eight field goals and a safety
    ("Dee", 18, "2025_18_KC_LV", "No Touchdown", "5000"): ("won", 3, 50.0, False),
    ("Ann", 18, "2025_18_KC_LV", "Travis Kelce", "750"): ("lost", 0, -1.0, False),
    ("Bob", 18, "2025_18_KC_LV", "Chiefs D/ST", "1500"): ("lost", 0, -2.0, False),
    ("Cal", 18, "2025_18_LAC_DEN", "no td", "4000"): ("lost", 0, -1.0, False),
    # Barner is first in the last game; one Seahawk's interception return has no scorer there
    ("Dee", 22, "2025_22_SEA_NE", "AJ Barner", "2000"): ("won", 4, 20.0, True),
    ("Bob", 22, "2025_22_SEA_NE", "Rhamondre Stevenson", "800"): ("lost", 1, -2.0, True),
    # two members with the same picks
    ("Tim", 10, "2025_10_PHI_GB", "DeVonta Smith", "800"): ("won", 4, 8.0, True),
    ("Tom", 10, "2025_10_PHI_GB", "DeVonta Smith", "800"): ("won", 4, 8.0, True),
    ("Tim", 13, "2025_13_GB_DET", "Christian Watson", "1100"): ("lost", 1, -1.0, True),
    ("Tom", 13, "2025_13_GB_DET", "Christian Watson", "1100"): ("lost", 1, -1.0, True),
}
PENDING = ("Ann", 22, "2025_22_SEA_NE", "Cooper Kupp", "900")
"""Not first, but the touchdown without a scorer could be his."""
WRITTEN = ("Dee", 14, "2025_14_SEA_ATL", "Shaheed")
"""By the old application, a last name without a player_id: first touchdown on a kickoff return, now as a Seahawk."""

# The rows of the league's own sheet whose names need no more than normalising.
OF_THE_SHEET: dict[tuple[str, int, str], tuple[str, float, float, bool]] = {
    ("Avery", 1, "AJ Brown"): ("lost", 0, -1.0, False),
    ("Blake", 1, "Xavier Worthy"): ("lost", 0, -1.0, False),
    ("Casey", 1, "Josh Palmer"): ("lost", 0, -1.0, False),
    ("Emery", 2, "Tucker Kraft"): ("lost", 1, -1.0, True),
    ("Drew", 3, "Zay Flowers"): ("lost", 0, -1.0, False),
    ("Emery", 4, "Cooper Kupp"): ("lost", 0, -1.0, False),
    ("Emery", 6, "AJ Brown"): ("lost", 0, -1.0, False),
    ("Avery", 6, "Zach Ertz"): ("lost", 1, -1.0, True),
    ("Emery", 7, "Cooper Kupp"): ("lost", 0, -1.0, False),
    ("Casey", 9, "AJ Barner"): ("lost", 1, -1.0, True),
    ("Drew", 9, "Jake Ferguson"): ("lost", 0, -1.0, False),
    ("Gray", 10, "Christian Watson"): ("lost", 0, -1.0, False),
    ("Avery", 11, "Hunter Henry"): ("lost", 0, -1.0, False),
}
PLAIN = "user,season,week,game_id,player,odds\n" + "".join(
    f"{user},{SEASON},{week},{game},{player},{odds}\n" for user, week, game, player, odds in (*BY_HAND, PENDING)
)


def league_sheet() -> str:
    lines = LEAGUE_SHEET.read_text(encoding="utf-8").splitlines(keepends=True)
    names = {player for _, _, player in OF_THE_SHEET}
    return lines[0] + "".join(line for line in lines[1:] if line.split(",")[5] in names)


def as_before_the_season(folder: Path) -> Path:
    """The mirror in August: no game has a score, no play is published, two players are where they were then."""
    mirror = mirrors.link_mirror(MIRROR, folder)
    nothing = dict.fromkeys(("home_score", "away_score", "result", "total", "overtime"))
    mirrors.change_schedule(mirror, mirrors.set_where(pl.col("season") == SEASON, **nothing))
    for dataset in ("pbp", "weekly_rosters"):
        mirrors.file_of(mirror, dataset, SEASON).unlink()
    mirrors.trade_player(mirror, SEASON, LOCKETT, "TEN")
    mirrors.trade_player(mirror, SEASON, SHAHEED, "NO")
    return mirror


def old_application_writes(settings: Settings) -> None:
    """A pick and a result by plain SQL, as the league's old application writes them."""
    user, week, game, player = WRITTEN
    ids = "(SELECT id FROM users WHERE name = :u), (SELECT id FROM weeks WHERE season = 2025 AND week = :w)"
    insert = "INSERT INTO picks (user_id, week_id, team, player_name, odds, theoretical_return, game_id) "
    execute(settings, f"{insert} VALUES ({ids}, 'SEA', :p, 2000, 20.0, :g)", u=user, w=week, p=player, g=game)
    # it says that Watson, second in his game, was first, and stores the loss of nobody
    execute(settings, f"{insert} VALUES ({ids}, 'GB', 'Dontayvion Wicks', 2200, 22.0, '2025_13_GB_DET')", u="Ann", w=13)
    execute(
        settings,
        "INSERT INTO results (pick_id, actual_scorer, is_correct, actual_return, any_time_td) "
        "SELECT id, 'Christian Watson', :no, 0.0, :no FROM picks WHERE player_name = 'Dontayvion Wicks'",
        no=False,
    )


def told_before(settings: Settings, upstream: Server, august: Path) -> None:
    """Picks imported in August, then the whole season."""
    upstream.swap(august)
    bring_in(settings, PLAIN, BEFORE, MEMBERS)
    bring_in(settings, league_sheet(), BEFORE, {})
    refresh(settings, now=BEFORE)
    assert query(settings, "SELECT status, reason, count(*) FROM pick_status GROUP BY status, reason") == [
        ("pending", "game not final", len(BY_HAND) + 1 + len(OF_THE_SHEET))
    ]
    assert query(settings, "SELECT count(*) FROM results") == [(0,)]
    upstream.swap(MIRROR)
    old_application_writes(settings)
    refresh(settings)


def told_after(settings: Settings) -> None:
    """The whole season, then the same picks, told afterwards."""
    refresh(settings)
    # who was traded is known by his former roster, as it is where the pipeline ran all season
    for player, team in ((LOCKETT, "TEN"), (SHAHEED, "NO")):
        execute(
            settings,
            "INSERT INTO rosters (season, team, player_id, player_name, first_name, last_name, football_name, "
            "position, jersey_number, status, retired_at) SELECT season, :t, player_id, player_name, first_name, "
            "last_name, football_name, position, jersey_number, status, CURRENT_TIMESTAMP FROM rosters "
            "WHERE season = 2025 AND player_id = :p",
            t=team,
            p=player,
        )
    bring_in(settings, PLAIN, AFTER, MEMBERS)
    bring_in(settings, league_sheet(), AFTER, {})
    old_application_writes(settings)
    refresh(settings)


LEAGUES = [(database, when) for database in ("sqlite", "postgresql") for when in ("before", "after")]


@pytest.fixture(scope="module")
def leagues(
    new_home: NewHome, upstream: Server, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], tuple[Settings, Tables]]]:
    """Four leagues with the same picks: on either database, imported before and after the season."""
    august = as_before_the_season(tmp_path_factory.mktemp("august"))
    made: dict[tuple[str, str], tuple[Settings, Tables]] = {}
    servers: list[str] = []
    for database, when in LEAGUES:
        if database == "postgresql":
            servers.append(postgres_server.upgraded())
        settings = new_home(upstream.url, **({"database_url": servers[-1]} if database == "postgresql" else {}))
        if when == "before":
            told_before(settings, upstream, august)
        else:
            told_after(settings)
        made[database, when] = (settings, tables(settings))
    yield made
    for url in servers:
        postgres_server.drop(url)


@pytest.fixture(params=LEAGUES, ids="-".join)
def graded(request: pytest.FixtureRequest, leagues: dict[Any, tuple[Settings, Tables]]) -> tuple[Settings, Tables]:
    return leagues[request.param]


def outcome(said: Tables, user: str, week: int, player: str) -> tuple[str, float, float | None, bool]:
    key = ((user, SEASON, week, player),)
    status, result = said["pick_status"][key], said["results"][key]
    return (status["status"], status["points"], result["actual_return"], result["any_time_td"])


def board(settings: Settings) -> list[tuple[Any, ...]]:
    """The leaderboard by week and member, every number as it is."""
    db = Database(settings.database)
    names = [c for c in leaderboard.c if c.name not in ("id", "user_id", "updated_at")]
    try:
        with db.read() as conn:
            rows = conn.execute(select(users.c.name, *names).join(users, users.c.id == leaderboard.c.user_id))
            return sorted(tuple(row) for row in rows)
    finally:
        db.close()


@pytest.mark.parametrize("pick", BY_HAND, ids=lambda pick: f"{pick[0]}-{pick[1]}-{pick[3]}")
def test_a_pick_is_graded_as_the_plays_say(
    graded: tuple[Settings, Tables], pick: tuple[str, int, str, str, str]
) -> None:
    user, week, game, player, _ = pick
    assert graded[1]["picks"][((user, SEASON, week, player),)]["game_id"] == game
    status, points, profit, any_time = BY_HAND[pick]
    expected = (status, points, profit if profit is None else pytest.approx(profit, abs=1e-12), any_time)
    assert outcome(graded[1], user, week, player) == expected


def test_the_leagues_own_sheet_is_graded_as_the_plays_say(graded: tuple[Settings, Tables]) -> None:
    found = {key: outcome(graded[1], *key) for key in OF_THE_SHEET}
    assert found == OF_THE_SHEET


def test_a_pick_that_an_unknown_scorer_could_concern_waits_and_counts_for_nothing(
    graded: tuple[Settings, Tables],
) -> None:
    user, week, _, player, _ = PENDING
    key = ((user, SEASON, week, player),)
    status = graded[1]["pick_status"][key]
    assert (status["status"], status["reason"], status["points"]) == ("pending", "scorer unknown", None)
    assert key not in graded[1]["results"]
    row = graded[1]["leaderboard"][(SEASON, 22, user)]
    assert (row["pending"], row["graded"], row["points"], row["win_rate"]) == (1, 0, 0.0, None)


def test_a_pick_written_by_the_old_application_is_understood_and_won(graded: tuple[Settings, Tables]) -> None:
    user, week, _, player = WRITTEN
    pick = graded[1]["picks"][((user, SEASON, week, player),)]
    assert (pick["player_id"], pick["source"]) == (SHAHEED, "external")
    assert outcome(graded[1], user, week, player) == ("won", 4.0, 20.0, True)


def test_a_grade_of_the_old_application_stands_against_the_plays_with_its_money_put_right(
    graded: tuple[Settings, Tables],
) -> None:
    row = graded[1]["results"][(("Ann", SEASON, 13, "Dontayvion Wicks"),)]  # who did score first
    assert (row["graded_by"], row["is_correct"], row["actual_return"]) == ("external", False, -1.0)
    assert row["actual_scorer"] == "Christian Watson"


def test_the_season_total_is_the_sum_of_what_the_hand_says(graded: tuple[Settings, Tables]) -> None:
    totals = {user: graded[1]["leaderboard"][(SEASON, 0, user)] for user in MEMBERS}
    for user, row in totals.items():
        mine = [given for pick, given in BY_HAND.items() if pick[0] == user]
        mine += [("won", 4, 20.0, True)] if user == WRITTEN[0] else []
        mine += [("lost", 0, -1.0, False)] if user == "Ann" else []
        assert row["points"] == sum(points for _, points, _, _ in mine)
        assert row["profit"] == pytest.approx(sum(profit or 0 for _, _, profit, _ in mine), abs=1e-6)
        assert row["first_td"] == sum(status == "won" for status, *_ in mine)
        assert row["graded"] == len(mine)
        assert row["staked"] == (2.0 if user == "Bob" else 1.0) * sum(profit is not None for _, _, profit, _ in mine)
        assert row["win_rate"] == pytest.approx(row["first_td"] / row["graded"], abs=1e-6)
        assert row["roi"] == pytest.approx(row["profit"] / row["staked"], abs=1e-6)
    assert totals["Ann"]["pending"] == 1
    assert totals["Tim"] | {"user": ""} == totals["Tom"] | {"user": ""}


def test_only_what_the_mirror_lacks_and_the_old_application_graded_otherwise_is_warned_of(
    graded: tuple[Settings, Tables],
) -> None:
    assert set(checked(graded[0])) == {"touchdowns.scorers_on_rosters", "results.disagreements"}


def test_another_night_writes_nothing(graded: tuple[Settings, Tables]) -> None:
    before = raw(graded[0])
    refresh(graded[0])
    assert raw(graded[0]) == before


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_picks_imported_before_and_after_the_season_end_with_the_same_rows(leagues: Any, database: str) -> None:
    (_, before), (_, after) = leagues[database, "before"], leagues[database, "after"]
    found = differences(before, after)
    assert set(found) == {"picks"}  # why a pick was late is kept with it; the rest is equal
    assert {column for row in found["picks"].values() for column in row} == {"late_reason"}


@pytest.mark.parametrize("when", ["before", "after"])
def test_sqlite_and_postgresql_end_with_the_same_rows(leagues: Any, when: str) -> None:
    assert differences(leagues["sqlite", when][1], leagues["postgresql", when][1]) == {}


def test_all_four_leagues_have_the_same_leaderboard_to_the_last_bit(leagues: Any) -> None:
    boards = [board(settings) for settings, _ in leagues.values()]
    assert len(boards) == 4
    assert len(boards[0]) > 50
    assert all(one == boards[0] for one in boards[1:])
