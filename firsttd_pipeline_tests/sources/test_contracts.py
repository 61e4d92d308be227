"""Claims about the contracts: what stops, what passes, what is set aside, and that both judges agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from firsttd_pipeline.sources import contracts
from firsttd_pipeline.sources.contracts import (
    PLAYS,
    ROSTERS,
    SCHEDULES,
    WEEKLY_ROSTERS,
    Contract,
    ContractError,
    find_violations,
    pandera_schema,
    validate_plays,
    validate_rosters,
    validate_schedules,
    validate_weekly_rosters,
)
from firsttd_pipeline_tests.mirrors import TINY_GAMES, file_of, set_where, tiny_mirror
from firsttd_pipeline_tests.shared_data import DENSE, MIRROR, WEEK_TWO, needs_shared

URL = "http://mirror/file.parquet"
Change = Callable[[pl.DataFrame], pl.DataFrame]


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_mirror(tmp_path_factory.mktemp("mirror"))


@pytest.fixture
def schedule(mirror: Path) -> pl.DataFrame:
    return pl.read_parquet(file_of(mirror, "schedules")).select(SCHEDULES.names)


@pytest.fixture
def roster(mirror: Path) -> pl.DataFrame:
    return pl.read_parquet(file_of(mirror, "rosters", 2025)).select(ROSTERS.names)


@pytest.fixture
def plays(mirror: Path) -> pl.DataFrame:
    return pl.read_parquet(file_of(mirror, "pbp", 2025)).select(PLAYS.names)


first_game = pl.col("game_id") == TINY_GAMES[0]
score = pl.col("touchdown") == 1


def add_again(where: pl.Expr, **values: Any) -> Change:
    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        row = frame.filter(where).head(1)
        return pl.concat([frame, set_where(where, **values)(row) if values else row])

    return apply


BROKEN_SCHEDULES: list[tuple[Change, str, str, int]] = [
    (set_where(first_game, home_score=-1), "home_score", "not 0 to 150", 1),
    (set_where(first_game, away_score=151), "away_score", "not 0 to 150", 1),
    (set_where(first_game, home_score=None), "home_score", "a score for only one team", 1),
    (set_where(first_game, away_score=None), "home_score", "a score for only one team", 1),
    (set_where(pl.lit(True), week=0), "week", "not 1 to 23", 3),
    (set_where(first_game, week=24), "week", "not 1 to 23", 1),
    (set_where(first_game, week=None), "week", "no value", 1),
    (set_where(first_game, game_type="PRE"), "game_type", "not one of REG, WC, DIV, CON, SB", 1),
    (set_where(first_game, home_team=""), "home_team", "no value", 1),
    (set_where(first_game, home_team="DAL"), "home_team", "a team plays itself", 1),
    (set_where(first_game, gameday="09/04/2025"), "gameday", "not a date", 1),
    (set_where(first_game, gametime="8:20 PM"), "gametime", "not a time", 1),
    (set_where(first_game, location="Moon"), "location", "not one of Home, Neutral", 1),
    (set_where(first_game, game_id="1999_01_DAL_PHI"), "game_id", "does not begin with its season", 1),
    (add_again(first_game), "game_id", "duplicate key (game_id)", 2),
    (add_again(first_game, game_id="2025_01_PHI_DAL"), "game_id", "two games of the same teams", 2),
    (lambda f: f.rename({"home_score": "home_points"}), "home_score", "the column is missing", 0),
    (lambda f: f.with_columns(pl.col("week").cast(pl.String)), "week", "is String, not a whole number", 3),
    (lambda f: f.with_columns(pl.col("game_id").hash()), "game_id", "is UInt64, not text", 3),
    (lambda f: f.with_columns(pl.col("week") + 0.5), "week", "not a whole number", 3),
]

BROKEN_PLAYS: list[tuple[Change, str, str, int]] = [
    (set_where(score, touchdown=2.0), "touchdown", "not one of 0, 1", 4),
    (set_where(score, touchdown=float("nan")), "touchdown", "not a finite number", 4),
    (set_where(score, td_team="SEA"), "td_team", "a touchdown's team is not one of the two that play", 4),
    (set_where(first_game, posteam_score_post=-7.0), "posteam_score_post", "not 0 to 150", 5),
    (set_where(first_game, play_id=None), "play_id", "no value", 5),
    (set_where(first_game, season=2024), "season", "not the season 2025 that was asked for", 5),
    (set_where(first_game, week=0), "week", "not 1 to 23", 5),
    (add_again(score, td_player_id="00-0000001"), "td_player_id", "with different scorers", 2),
    (add_again(score, td_player_id=None), "td_player_id", "with different scorers", 2),
    (lambda f: f.drop("td_player_id"), "td_player_id", "the column is missing", 0),
    (lambda f: f.with_columns(pl.col("touchdown").cast(pl.String)), "touchdown", "is String, not a number", 7 + 1),
    (lambda f: f.with_columns(pl.col("touchdown") == 1), "touchdown", "is Boolean, not a number", 7 + 1),
]


def assert_stopped(contract: Contract, raised: ContractError, column: str, rule: str, count: int) -> None:
    found = [v for v in raised.violations if v.column == column and rule in v.rule]
    assert len(found) == 1, raised
    assert found[0].count == count
    assert str(raised).startswith(f"{URL}: what came is not what a {contract.dataset} file must be")
    assert f"  - {found[0]}" in str(raised)
    assert (found[0].example is None) == (count == 0)
    assert not raised.retry_helps
    assert "FIRSTTD_NFLVERSE_URL" in str(raised)


@pytest.mark.parametrize(("breaks", "column", "rule", "count"), BROKEN_SCHEDULES)
def test_a_broken_schedule_stops_with_column_count_and_example(
    schedule: pl.DataFrame, breaks: Change, column: str, rule: str, count: int
) -> None:
    with pytest.raises(ContractError) as raised:
        validate_schedules(breaks(schedule), URL)
    assert_stopped(SCHEDULES, raised.value, column, rule, count)


@pytest.mark.parametrize(("breaks", "column", "rule", "count"), BROKEN_PLAYS)
def test_broken_plays_stop_with_column_count_and_example(
    plays: pl.DataFrame, breaks: Change, column: str, rule: str, count: int
) -> None:
    assert plays.height == 8
    with pytest.raises(ContractError) as raised:
        validate_plays(breaks(plays), URL, 2025)
    assert_stopped(PLAYS, raised.value, column, rule, count)


@pytest.mark.parametrize(
    ("breaks", "column", "rule", "count"),
    [
        (add_again(pl.col("gsis_id") == "00-0000001"), "gsis_id", "duplicate key (season, team, gsis_id)", 2),
        (set_where(pl.col("gsis_id") == "00-0000001", team=None), "team", "no value", 1),
        (lambda f: f.drop("gsis_id"), "gsis_id", "the column is missing", 0),
        (lambda f: f.with_columns(pl.col("jersey_number").cast(pl.String)), "jersey_number", "not a whole number", 8),
        (set_where(pl.lit(True), season=2024), "season", "not the season 2025", 8),
    ],
)
def test_a_broken_roster_stops_with_column_count_and_example(
    roster: pl.DataFrame, breaks: Change, column: str, rule: str, count: int
) -> None:
    with pytest.raises(ContractError) as raised:
        validate_rosters(breaks(roster), URL, 2025)
    assert_stopped(ROSTERS, raised.value, column, rule, count)


def test_every_problem_is_in_one_error(schedule: pl.DataFrame) -> None:
    broken = schedule.drop("location").with_columns(week=pl.lit(0), home_score=pl.lit("x"))
    with pytest.raises(ContractError, match=r"\(3 problems\)") as raised:
        validate_schedules(broken, URL)
    assert {v.column for v in raised.value.violations} == {"location", "week", "home_score"}


def test_an_example_is_a_row_that_breaks_the_rule(schedule: pl.DataFrame) -> None:
    with pytest.raises(ContractError) as raised:
        validate_schedules(set_where(pl.col("game_id") == TINY_GAMES[1], home_score=-3)(schedule), URL)
    example = raised.value.violations[0].example
    assert example is not None
    assert (example["game_id"], example["home_score"]) == (TINY_GAMES[1], -3)
    assert "home_score: not 0 to 150 in 1 row, e.g. game_id='2025_01_KC_LAC'" in str(raised.value)


def test_a_renamed_column_is_named_with_the_one_that_looks_like_it(roster: pl.DataFrame) -> None:
    with pytest.raises(ContractError, match=r"gsis_id: the column is missing \(the file has gsis_player_id\)"):
        validate_rosters(roster.drop("gsis_id"), URL, 2025, available=["team", "gsis_player_id", "headshot_url"])


def test_equivalent_types_are_taken_and_made_one(schedule: pl.DataFrame, plays: pl.DataFrame) -> None:
    changed = schedule.with_columns(
        pl.col("week").cast(pl.Float64), pl.col("home_score").cast(pl.Int16), pl.col("game_type").cast(pl.Categorical)
    )
    assert validate_schedules(changed, URL).cast(schedule.schema).equals(schedule)  # type: ignore[arg-type]
    taken = validate_plays(plays.with_columns(pl.col("touchdown", "play_id").cast(pl.Int32)), URL, 2025)
    assert taken.equals(plays)


def test_a_column_without_any_value_is_taken_whatever_its_type(plays: pl.DataFrame) -> None:
    taken = validate_plays(plays.with_columns(pl.lit(None).alias("fixed_drive_result")), URL, 2025)
    assert taken.schema["fixed_drive_result"] == pl.String


def test_a_key_column_without_any_value_stops(plays: pl.DataFrame) -> None:
    with pytest.raises(ContractError, match="play_id: no value in 8 rows"):
        validate_plays(plays.with_columns(pl.lit(None).alias("play_id")), URL, 2025)


def test_an_empty_schedule_is_no_broken_one(schedule: pl.DataFrame) -> None:
    assert validate_schedules(schedule.clear(), URL).is_empty()


def test_a_player_without_gsis_id_is_known_by_his_esb_id(roster: pl.DataFrame) -> None:
    for blank in ("", "  ", None):
        taken, left_out = validate_rosters(set_where(pl.col("gsis_id") == "00-0000001", gsis_id=blank)(roster), URL)
        assert taken.filter(pl.col("esb_id") == "TIN000001")["gsis_id"].to_list() == ["TIN000001"]
        assert left_out.is_empty()


@pytest.mark.parametrize(
    ("validate", "contract"), [(validate_rosters, ROSTERS), (validate_weekly_rosters, WEEKLY_ROSTERS)]
)
def test_a_row_that_names_no_player_is_left_out_and_stops_nothing(
    mirror: Path, validate: Callable[..., tuple[pl.DataFrame, pl.DataFrame]], contract: Contract
) -> None:
    frame = pl.read_parquet(file_of(mirror, contract.dataset, 2025)).select(contract.names)
    nobody = set_where(pl.col("gsis_id").is_in(["00-0000001", "00-0000002"]), gsis_id=None, esb_id="")(frame)
    taken, left_out = validate(nobody, URL, 2025)
    assert left_out["full_name"].to_list() == ["Jalen Runner", "Saquon Carrier"]
    assert taken.height == frame.height - 2
    assert taken["gsis_id"].null_count() == 0


def test_esb_id_may_be_missing_altogether(roster: pl.DataFrame) -> None:
    taken, left_out = validate_rosters(roster.drop("esb_id"), URL, 2025)
    assert (taken.height, left_out.height) == (8, 0)


def test_play_ids_that_repeat_are_taken_as_they_are_unless_touchdowns_disagree(plays: pl.DataFrame) -> None:
    twice = pl.concat([plays, plays.filter(~score)])
    assert validate_plays(twice, URL, 2025).height == twice.height


def test_a_touchdown_that_stands_twice_with_one_scorer_is_taken_once_in_its_first_place(plays: pl.DataFrame) -> None:
    again = plays.filter(score).head(1).with_columns(order_sequence=pl.lit(99.0))
    taken = validate_plays(pl.concat([again, plays]), URL, 2025)
    assert taken.filter(score).height == plays.filter(score).height
    assert 99.0 not in taken["order_sequence"].to_list()
    assert taken.height == plays.height


@pytest.mark.parametrize("filled", [pl.lit(0.0), pl.lit(None, dtype=pl.Float64), pl.lit(None)], ids=str)
def test_many_games_without_any_touchdown_are_a_broken_file_not_a_dull_week(
    plays: pl.DataFrame, filled: pl.Expr
) -> None:
    game = plays.filter(first_game).with_columns(filled.alias("touchdown"))
    several = [game.with_columns(game_id=pl.lit(f"2025_01_G{n}_H{n}")) for n in range(5)]
    assert validate_plays(pl.concat(several[:4]), URL, 2025).height == 4 * game.height
    with pytest.raises(ContractError) as raised:
        validate_plays(pl.concat(several), URL, 2025)
    assert_stopped(PLAYS, raised.value, "touchdown", "no touchdown in 5 games or more", 5 * game.height)


def test_an_empty_text_is_no_scorer(plays: pl.DataFrame) -> None:
    taken = validate_plays(set_where(score, td_player_id="", td_player_name="", td_team="")(plays), URL, 2025)
    assert taken.filter(score).select("td_player_id", "td_player_name", "td_team").null_count().row(0) == (4, 4, 4)


@pytest.mark.parametrize(
    ("contract", "cases"), [(SCHEDULES, BROKEN_SCHEDULES), (PLAYS, BROKEN_PLAYS)], ids=["schedules", "plays"]
)
def test_pandera_and_the_quick_gate_agree_on_every_way_to_be_broken(
    mirror: Path, contract: Contract, cases: list[tuple[Change, str, str, int]]
) -> None:
    import pandera.polars as pa

    whole = pl.read_parquet(file_of(mirror, contract.dataset, 2025)).select(contract.names)
    season = None if contract is SCHEDULES else 2025
    assert find_violations(contract, whole, season) == []
    pandera_schema(contract, season, whole).validate(whole, lazy=True)
    for breaks, column, rule, _ in cases:
        broken = breaks(whole)
        gate = find_violations(contract, broken, season)
        assert any(v.column == column and rule in v.rule for v in gate), (column, rule)
        with pytest.raises(pa.errors.SchemaErrors) as raised:
            pandera_schema(contract, season, broken).validate(broken, lazy=True)
        by_value = {v.column + ": " + v.rule for v in gate if "missing" not in v.rule and not v.rule.startswith("is ")}
        cases_found = raised.value.failure_cases
        assert set(cases_found.filter(pl.col("index").is_not_null())["check"]) == by_value
        assert cases_found.filter(pl.col("index").is_null()).height == len(gate) - len(by_value)


@needs_shared
@pytest.mark.parametrize("file", sorted(MIRROR.rglob("*.parquet")) + sorted(WEEK_TWO.rglob("*.parquet")), ids=str)
def test_every_real_file_holds_its_contract(file: Path) -> None:
    dataset = file.parent.name
    contract = {"schedules": SCHEDULES, "rosters": ROSTERS, "weekly_rosters": WEEKLY_ROSTERS, "pbp": PLAYS}[dataset]
    season = None if dataset == "schedules" else int(file.stem[-4:])
    frame = pl.read_parquet(file, columns=contract.names)
    assert find_violations(contract, frame, season) == []


@needs_shared
def test_pandera_takes_the_dense_season() -> None:
    frame = pl.read_parquet(DENSE / "pbp" / "play_by_play_2025.parquet", columns=PLAYS.names)
    pandera_schema(PLAYS, 2025, frame).validate(frame, lazy=True)
    assert validate_plays(frame, URL, 2025).equals(frame.cast({"season": pl.Int64, "week": pl.Int32}))


@needs_shared
def test_the_real_roster_has_all_its_players_one_by_his_esb_id() -> None:
    frame = pl.read_parquet(MIRROR / "rosters" / "roster_2025.parquet", columns=ROSTERS.names)
    taken, left_out = validate_rosters(frame, URL, 2025)
    assert (taken.height, left_out.height) == (3134, 0)
    assert taken.filter(pl.col("full_name") == "Dante Barnett")["gsis_id"].to_list() == ["BAR591037"]


def test_a_file_that_holds_its_contract_never_imports_pandera(mirror: Path) -> None:
    code = (
        "import sys; from firsttd_pipeline.sources import nflverse, contracts, http; import polars as pl; "
        f"contracts.validate_schedules(pl.read_parquet({str(file_of(mirror, 'schedules'))!r}), 'u'); "
        "sys.exit(int('pandera' in sys.modules or 'pandas' in sys.modules or 'nflreadpy' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_contract_names_are_unique() -> None:
    for contract in (SCHEDULES, ROSTERS, WEEKLY_ROSTERS, PLAYS):
        assert len(set(contract.names)) == len(contract.names)
        assert set(contract.shown) | set(contract.key) <= set(contract.names)
    assert contracts.MAX_SCORE == 150
