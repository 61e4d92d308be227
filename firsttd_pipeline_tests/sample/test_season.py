"""The sample season is what it says: deterministic, in upstream's schema, with every awkward case, and truthful."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from firsttd_pipeline.domain.touchdowns import extract_touchdowns, game_records
from firsttd_pipeline.sample import schemas
from firsttd_pipeline.sample.calendar import LAST_WEEK, TEAMS
from firsttd_pipeline.sample.season import CASES, Manifest, generate_season
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared

SEASON = 2025
SEED = 11


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return generate_season(SEED, SEASON, tmp_path_factory.mktemp("sample"), unknown_scorers=1)


@pytest.fixture(scope="module")
def plays(sample: Manifest) -> pl.DataFrame:
    return pl.read_parquet(sample.folder / "pbp" / f"play_by_play_{SEASON}.parquet")


@pytest.fixture(scope="module")
def schedule(sample: Manifest) -> pl.DataFrame:
    return pl.read_parquet(sample.folder / "schedules" / "games.parquet")


@pytest.fixture(scope="module")
def roster(sample: Manifest) -> pl.DataFrame:
    return pl.read_parquet(sample.folder / "rosters" / f"roster_{SEASON}.parquet")


@pytest.fixture(scope="module")
def weekly(sample: Manifest) -> pl.DataFrame:
    return pl.read_parquet(sample.folder / "weekly_rosters" / f"roster_weekly_{SEASON}.parquet")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


def the_play(plays: pl.DataFrame, sample: Manifest, case: str) -> dict[str, object]:
    found = sample.cases[case]
    rows = plays.filter((pl.col("game_id") == found.game_id) & (pl.col("play_id") == found.play_id)).to_dicts()
    assert len(rows) == 1
    return rows[0]


# --- files -----------------------------------------------------------------------------------------------------------


def test_equal_seeds_give_equal_bytes_and_another_seed_gives_others(tmp_path: Path) -> None:
    generate_season(3, SEASON, tmp_path / "a", through_week=2)
    generate_season(3, SEASON, tmp_path / "b", through_week=2)
    generate_season(4, SEASON, tmp_path / "c", through_week=2)
    first, second, other = (files(tmp_path / name) for name in "abc")
    assert len(first) == 4
    assert first == second
    assert all(first[name] != other[name] for name in first)


@needs_shared
@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (schemas.SCHEDULES, "schedules/games.parquet"),
        (schemas.ROSTERS, "rosters/roster_2025.parquet"),
        (schemas.WEEKLY_ROSTERS, "weekly_rosters/roster_weekly_2025.parquet"),
        (schemas.PLAYS, "pbp/play_by_play_2025.parquet"),
    ],
)
def test_every_file_has_upstreams_columns_and_types_in_upstreams_order(
    sample: Manifest, schema: dict[str, pl.DataType], path: str
) -> None:
    real = list(pl.read_parquet_schema(MIRROR / path).items())
    assert list(schema.items()) == real
    assert list(pl.read_parquet_schema(sample.folder / path).items()) == real


@needs_shared
def test_no_player_bears_a_real_players_name(sample: Manifest) -> None:
    real = {
        name.lower()
        for path in (MIRROR / "rosters").glob("*.parquet")
        for name in pl.read_parquet(path, columns=["full_name"])["full_name"].drop_nulls()
    }
    assert not [name for name in sample.players.values() if name.lower() in real]


def test_the_files_are_a_few_megabytes(sample: Manifest) -> None:
    assert sum(len(content) for content in files(sample.folder).values()) < 8_000_000


@pytest.mark.parametrize("week", [-1, 23])
def test_a_week_that_no_season_has_is_refused(tmp_path: Path, week: int) -> None:
    with pytest.raises(ValueError, match="through_week"):
        generate_season(1, SEASON, tmp_path, through_week=week)
    assert not list(tmp_path.iterdir())


def test_a_season_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="17 weeks"):
        generate_season(1, 2020, tmp_path)


# --- the calendar ----------------------------------------------------------------------------------------------------


def test_the_season_has_the_leagues_shape(schedule: pl.DataFrame) -> None:
    games = schedule.filter(pl.col("season") == SEASON)
    assert dict(games.group_by("game_type").len().iter_rows()) == {"REG": 272, "WC": 6, "DIV": 4, "CON": 2, "SB": 1}
    regular = games.filter(pl.col("game_type") == "REG")
    for team in TEAMS:
        weeks = regular.filter((pl.col("home_team") == team) | (pl.col("away_team") == team))["week"]
        bye = set(range(1, 19)) - set(weeks)
        assert weeks.len() == weeks.n_unique() == 17
        assert len(bye) == 1
        assert bye <= set(range(5, 15))
        assert (regular["home_team"] == team).sum() in (8, 9)
    assert games["game_id"].n_unique() == 285
    assert regular["gameday"].min() == "2025-09-04"
    assert games.filter(pl.col("game_type") == "SB")["gameday"].item() == "2026-02-08"


def test_a_playoff_game_is_between_winners_of_the_round_before(schedule: pl.DataFrame) -> None:
    games = schedule.filter((pl.col("season") == SEASON) & (pl.col("week") >= 19))
    winner = pl.when(pl.col("result") > 0).then("home_team").otherwise("away_team")
    won = {week: set(rows) for week, rows in games.group_by("week").agg(winner.alias("w")).iter_rows()}
    teams = {
        week: set(home) | set(away)
        for week, home, away in games.group_by("week").agg("home_team", "away_team").iter_rows()
    }
    assert games["result"].ne(0).all()
    assert teams[22] == won[21]
    assert teams[21] == won[20]
    assert won[19] < teams[20]
    assert len(teams[20] - won[19]) == 2


def test_earlier_seasons_are_in_the_schedule_with_scores(schedule: pl.DataFrame) -> None:
    past = schedule.filter(pl.col("season") < SEASON)
    assert dict(past.group_by("season").len().iter_rows()) == {2021: 285, 2022: 285, 2023: 285, 2024: 285}
    assert past["home_score"].null_count() == past["away_score"].null_count() == 0


# --- the truth -------------------------------------------------------------------------------------------------------


def test_the_pipelines_touchdowns_are_the_manifests(sample: Manifest, plays: pl.DataFrame) -> None:
    found = extract_touchdowns(plays)
    assert {
        (
            r["game_id"],
            r["play_id"],
            r["player_id"] or "",
            r["team"],
            r["kind"],
            r["quarter"],
            r["clock"],
            r["is_first_td"],
        )
        for r in found.to_dicts()
    } == {(t.game_id, t.play_id, t.player_id, t.team, t.kind, t.quarter, t.clock, t.first) for t in sample.touchdowns}
    assert found.filter("is_first_td").height == len(sample.first_touchdowns)


def test_the_score_in_the_plays_is_the_schedules_and_every_game_reaches_its_end(
    sample: Manifest, plays: pl.DataFrame, schedule: pl.DataFrame
) -> None:
    records = game_records(plays)
    scores = schedule.filter(pl.col("season") == SEASON).select("game_id", "away_score", "home_score")
    assert {r["game_id"]: (r["away_score"], r["home_score"]) for r in records.to_dicts()} == dict(sample.scores)
    assert {game: (away, home) for game, away, home in scores.iter_rows()} == dict(sample.scores)
    assert records["reaches_end"].all()
    assert records.height == 285


def test_play_ids_are_unique_in_a_game(plays: pl.DataFrame) -> None:
    assert not plays.select("game_id", "play_id").is_duplicated().any()
    assert not plays.select("game_id", "order_sequence").is_duplicated().any()


def test_every_kind_of_touchdown_happens(sample: Manifest) -> None:
    kinds = Counter(touchdown.kind for touchdown in sample.touchdowns)
    assert set(kinds) == {
        "pass", "rush", "kickoff_return", "kickoff_recovery", "punt_return", "blocked_punt", "blocked_field_goal",
        "interception_return", "fumble_return", "own_fumble", "after_interception",
    }  # fmt: skip
    assert kinds["pass"] > kinds["rush"] > 200


def test_every_planted_case_is_there_whatever_the_seed(sample: Manifest, tmp_path: Path) -> None:
    assert set(sample.cases) == set(CASES)
    other = generate_season(99, 2024, tmp_path, through_week=17, history=0)
    assert set(other.cases) == set(CASES) - {"unknown_scorer"}


# --- the cases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "play_type", "by_posteam"),
    [
        ("kickoff_return", "kickoff", True),
        ("kickoff_recovery", "kickoff", False),
        ("punt_return", "punt", False),
        ("blocked_punt", "punt", False),
        ("blocked_field_goal", "field_goal", False),
        ("interception_return", "pass", False),
        ("interception_offense", "pass", True),
        ("fumble_return", "pass", False),
        ("own_fumble", "run", True),
        ("lateral", "pass", True),
    ],
)
def test_posteam_is_who_upstream_says(
    sample: Manifest, plays: pl.DataFrame, case: str, play_type: str, by_posteam: bool
) -> None:
    play = the_play(plays, sample, case)
    assert play["touchdown"] == 1
    assert play["play_type"] == play_type
    assert (play["td_team"] == play["posteam"]) is by_posteam


@pytest.mark.parametrize("case", ["kickoff_recovery", "blocked_punt", "blocked_field_goal"])
def test_all_three_flags_are_0_on_kicks_that_were_not_returned(
    sample: Manifest, plays: pl.DataFrame, case: str
) -> None:
    play = the_play(plays, sample, case)
    assert [play[f"{flag}_touchdown"] for flag in ("pass", "rush", "return")] == [0, 0, 0]


def test_the_game_without_a_touchdown_has_points_and_none(sample: Manifest, plays: pl.DataFrame) -> None:
    game = sample.cases["no_touchdown"].game_id
    assert game in sample.games_without_touchdown
    assert sum(sample.scores[game]) > 0
    assert plays.filter((pl.col("game_id") == game) & (pl.col("touchdown") == 1)).is_empty()


def test_by_play_id_another_player_would_have_scored_first(sample: Manifest, plays: pl.DataFrame) -> None:
    case = sample.cases["late_entry"]
    scored = plays.filter((pl.col("game_id") == case.game_id) & (pl.col("touchdown") == 1))
    by_order = scored.sort("order_sequence")["td_player_id"][0]
    by_number = scored.sort("play_id")["td_player_id"][0]
    assert by_order == case.player_id == sample.first_touchdowns[case.game_id].player_id
    assert by_number != by_order


def test_the_word_touchdown_stands_on_plays_that_are_none_before_the_first_one(
    sample: Manifest, plays: pl.DataFrame
) -> None:
    case = sample.cases["nullified"]
    game = plays.filter(pl.col("game_id") == case.game_id)
    shouted = game.filter(pl.col("desc").str.contains("TOUCHDOWN") & (pl.col("touchdown") == 0))
    texts = " ".join(shouted["desc"])
    first = sample.first_touchdowns[case.game_id]
    assert "NULLIFIED" in texts
    assert "REVERSED" in texts
    assert (shouted["order_sequence"] < first.order_sequence).all()


def test_a_lateral_is_scored_by_another_than_the_receiver(sample: Manifest, plays: pl.DataFrame) -> None:
    play = the_play(plays, sample, "lateral")
    assert play["lateral_reception"] == 1
    assert play["pass_touchdown"] == 1
    assert play["td_player_id"] == play["lateral_receiver_player_id"] != play["receiver_player_id"]


def test_an_overtime_touchdown_ends_a_game_with_time_on_the_clock(
    sample: Manifest, plays: pl.DataFrame, schedule: pl.DataFrame
) -> None:
    case = sample.cases["overtime"]
    last = plays.filter(pl.col("game_id") == case.game_id).sort("order_sequence").tail(1)
    assert the_play(plays, sample, "overtime")["qtr"] == 5
    assert last["game_seconds_remaining"].item() > 0
    assert schedule.filter(pl.col("game_id") == case.game_id)["overtime"].item() == 1


def test_the_tie_is_a_tie_after_overtime(sample: Manifest, schedule: pl.DataFrame) -> None:
    game = schedule.filter(pl.col("game_id") == sample.cases["tie"].game_id)
    assert game["home_score"].item() == game["away_score"].item() > 0
    assert game["overtime"].item() == 1


def test_a_defensive_two_point_return_scores_without_a_touchdown(sample: Manifest, plays: pl.DataFrame) -> None:
    play = the_play(plays, sample, "defensive_two_point")
    assert play["touchdown"] == 0
    assert play["defensive_two_point_conv"] == 1
    assert play["defteam_score_post"] == play["defteam_score"] + 2  # type: ignore[operator]


def test_the_neutral_game_starts_in_the_morning(sample: Manifest, schedule: pl.DataFrame) -> None:
    game = schedule.filter(pl.col("game_id") == sample.cases["neutral_site"].game_id)
    assert game["location"].item() == "Neutral"
    assert game["gametime"].item() == "09:30"


def test_the_unknown_scorer_has_a_team_and_no_name(sample: Manifest, plays: pl.DataFrame) -> None:
    play = the_play(plays, sample, "unknown_scorer")
    assert play["touchdown"] == 1
    assert play["td_player_id"] is play["td_player_name"] is None
    assert play["td_team"] in TEAMS


# --- the people ------------------------------------------------------------------------------------------------------


def test_the_seasonal_roster_has_one_row_a_player_and_at_least_53_a_team(roster: pl.DataFrame) -> None:
    assert roster["gsis_id"].n_unique() == roster.height
    assert roster.filter(pl.col("status") == "ACT").group_by("team").len()["len"].min() >= 52
    assert roster["gsis_id"].str.contains(r"^00-09\d{5}$").all()


def test_the_traded_player_scored_first_for_both_teams_and_his_roster_row_is_the_new_one(
    sample: Manifest, roster: pl.DataFrame, weekly: pl.DataFrame
) -> None:
    before, after = sample.cases["traded_before"], sample.cases["traded_after"]
    old, new = (sample.first_touchdowns[case.game_id] for case in (before, after))
    assert before.player_id == after.player_id == old.player_id == new.player_id
    assert old.team != new.team
    assert roster.filter(pl.col("gsis_id") == before.player_id)["team"].to_list() == [new.team]
    teams = weekly.filter(pl.col("gsis_id") == before.player_id).sort("week")["team"].to_list()
    assert (teams[0], teams[-1]) == (old.team, new.team)


def test_two_players_of_one_name_on_one_team_scored_in_one_game(sample: Manifest, roster: pl.DataFrame) -> None:
    case = sample.cases["namesakes"]
    name, team = sample.players[str(case.player_id)], sample.first_touchdowns[case.game_id].team
    twins = roster.filter((pl.col("full_name") == name) & (pl.col("team") == team))
    assert sorted(twins["position"]) == ["DB", "WR"]
    scorers = {touchdown.player_id for touchdown in sample.touchdowns if touchdown.game_id == case.game_id}
    assert set(twins["gsis_id"]) <= scorers


def test_a_player_is_listed_at_two_positions_in_one_season(sample: Manifest, weekly: pl.DataFrame) -> None:
    player = sample.cases["two_positions"].player_id
    assert weekly.filter(pl.col("gsis_id") == player)["position"].unique().sort().to_list() == ["RB", "WR"]


def test_who_scored_was_active_on_that_weeks_roster_of_his_team(sample: Manifest, weekly: pl.DataFrame) -> None:
    active = set(weekly.filter(pl.col("status") == "ACT").select("week", "team", "gsis_id").iter_rows())
    missing = [t for t in sample.touchdowns if t.player_id and (int(t.game_id[5:7]), t.team, t.player_id) not in active]
    assert not missing


# --- a season in progress --------------------------------------------------------------------------------------------


def test_a_season_in_progress_is_the_same_season_cut_off(tmp_path: Path) -> None:
    early = generate_season(SEED, SEASON, tmp_path / "early", through_week=3)
    late = generate_season(SEED, SEASON, tmp_path / "late", through_week=4)
    assert len(early.scores) == 48
    assert len(early.scheduled) == 224
    assert early.scores.items() < late.scores.items()
    assert set(early.touchdowns) < set(late.touchdowns)
    schedule = pl.read_parquet(tmp_path / "early" / "schedules" / "games.parquet").filter(pl.col("season") == SEASON)
    assert schedule["home_score"].null_count() == 224
    assert schedule["week"].max() == 18
    assert pl.read_parquet(tmp_path / "early" / "pbp" / f"play_by_play_{SEASON}.parquet")["week"].max() == 3


def test_before_the_season_there_are_no_plays_and_no_weekly_rosters(tmp_path: Path) -> None:
    generate_season(SEED, SEASON, tmp_path, through_week=1)
    before = generate_season(SEED, SEASON, tmp_path, through_week=0)
    assert not before.scores
    assert not before.touchdowns
    assert set(files(tmp_path)) == {"schedules/games.parquet", f"rosters/roster_{SEASON}.parquet"}


@pytest.mark.parametrize(("week", "last"), [(17, 18), (18, 19), (19, 20), (21, LAST_WEEK)])
def test_a_playoff_round_is_scheduled_when_the_round_before_is_over(tmp_path: Path, week: int, last: int) -> None:
    generate_season(SEED, SEASON, tmp_path, through_week=week, history=0)
    schedule = pl.read_parquet(tmp_path / "schedules" / "games.parquet")
    assert schedule["week"].max() == last
    assert schedule.filter(pl.col("week") > week)["home_score"].is_null().all()
