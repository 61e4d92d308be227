"""The real seasons at hand, from HTTP through Dagster into the tables: the numbers that are known from the data itself,
week two growing into the whole season, the same again writing nothing, and what the UI is told.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from firsttd_pipeline.automation.runner import Nightly, SeasonOutcome
from firsttd_pipeline.refresh import LEAGUE, STEPS
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.schema import metadata
from firsttd_pipeline_tests.e2e.conftest import NewHome
from firsttd_pipeline_tests.e2e.league import (
    AFTER,
    BEFORE,
    SEASON,
    WEEK_TWO_PLAYED,
    Tables,
    bring_in,
    checked,
    differences,
    integrity,
    query,
    raw,
    refresh,
    tables,
)
from firsttd_pipeline_tests.servers import Server
from firsttd_pipeline_tests.shared_data import MIRROR, WEEK_TWO, needs_shared

pytestmark = needs_shared

ASSETS = [step.__name__.rsplit(".", 1)[1] for step in STEPS]
WITH_ROWS = [step.__name__.rsplit(".", 1)[1] for step in LEAGUE]  # no venue is asked here
SUMMER = datetime(2026, 8, 1, 12, tzinfo=UTC)
"""Before the first kickoff of 2026."""
SHEET = """user,season,week,game_id,player,odds
Ann,2025,1,2025_01_DAL_PHI,Javonte Williams,700
Bob,2025,1,2025_01_DAL_PHI,Saquon Barkley,450
Bob,2025,9,2025_09_ARI_DAL,Jake Ferguson,850
"""


@dataclass
class Story:
    """One league that lives through the season: after week two, after the last game, the night after, and in summer."""

    settings: Settings
    outcomes: dict[str, SeasonOutcome] = field(default_factory=dict)
    said: dict[str, Tables] = field(default_factory=dict)
    bytes: dict[str, dict[str, list[tuple[Any, ...]]]] = field(default_factory=dict)
    materializations: dict[tuple[str, str], dg.AssetMaterialization] = field(default_factory=dict)
    runs: list[dg.DagsterRun] = field(default_factory=list)


@pytest.fixture(scope="module")
def story(new_home: NewHome) -> Iterator[Story]:
    server = Server(WEEK_TWO)
    told = Story(new_home(server.url))
    bring_in(told.settings, SHEET, BEFORE, {"Ann": None, "Bob": None})
    clock = [WEEK_TWO_PLAYED]

    def night(name: str, job: Nightly, at: datetime, season: int = SEASON) -> None:
        clock[0] = at
        told.outcomes[name] = outcome = job.run(season)
        told.said[name] = tables(told.settings)
        told.bytes[name] = raw(told.settings)
        for asset in ASSETS:
            records = instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
            if records and records[0].run_id == outcome.run_id and records[0].asset_materialization:
                told.materializations[name, asset] = records[0].asset_materialization

    with Nightly(told.settings, clock=lambda: clock[0]) as job:
        instance = dg.DagsterInstance.get()
        night("week two", job, WEEK_TWO_PLAYED)
        server.swap(MIRROR)
        night("season", job, AFTER)
        night("next night", job, AFTER)
        night("summer", job, SUMMER, 2026)
        told.runs = sorted(instance.get_runs(), key=lambda run: run.tags["dagster/partition"])
        instance.dispose()
    yield told
    server.stop()


def of_season(said: Tables, name: str, season: int = SEASON) -> list[dict[str, Any]]:
    return [row for row in said[name].values() if row.get("season") == season]


def firsts(said: Tables, season: int = SEASON) -> int:
    return sum(row["is_first_td"] for row in of_season(said, "touchdowns", season))


def unsatisfied(outcome: SeasonOutcome) -> set[tuple[str, str, str]]:
    return {(check.asset, check.name, check.level) for check in outcome.checks if check.level != "ok"}


# --- 2025 as it stood after week two ----------------------------------------------------------------------------------


def test_after_week_two_32_games_are_final_and_240_scheduled_with_158_touchdowns(story: Story) -> None:
    said = story.said["week two"]
    assert Counter(row["status"] for row in of_season(said, "games")) == {"final": 32, "scheduled": 240}
    assert (len(of_season(said, "touchdowns")), firsts(said)) == (158, 32)
    assert len(of_season(said, "game_records")) == 32
    assert len(of_season(said, "rosters")) == 3134


def test_after_week_two_only_the_thursday_game_without_a_score_is_warned_of(story: Story) -> None:
    outcome = story.outcomes["week two"]
    assert outcome.success
    assert unsatisfied(outcome) == {("games", "games_scored", "warning")}
    text = next(check.text for check in outcome.checks if check.name == "games_scored")
    assert text.startswith("games without a score a day after kickoff: game id 2025_03_MIA_BUF")


def test_picks_on_games_to_come_are_pending_after_week_two_and_decided_after_the_season(story: Story) -> None:
    pick = (("Bob", SEASON, 9, "Jake Ferguson"),)
    waiting = story.said["week two"]["pick_status"][pick]
    assert (waiting["status"], waiting["reason"]) == ("pending", "game not final")
    assert pick not in story.said["week two"]["results"]
    assert story.said["season"]["pick_status"][pick]["status"] == "lost"


# --- the whole season -------------------------------------------------------------------------------------------------


def test_the_season_ends_with_285_final_games_3134_roster_rows_1459_touchdowns_and_284_first_ones(
    story: Story,
) -> None:
    said = story.said["season"]
    assert Counter(row["status"] for row in of_season(said, "games")) == {"final": 285}
    assert len(of_season(said, "rosters")) == 3134
    assert (len(of_season(said, "touchdowns")), firsts(said)) == (1459, 284)
    assert len(of_season(said, "game_records")) == 285
    assert len(said["kickoff_decisions"]) == 285
    assert len(of_season(said, "player_stats")) == 3134
    without = {row["id"] for row in of_season(said, "games")} - {
        row["game_id"] for row in of_season(said, "touchdowns") if row["is_first_td"]
    }
    assert without == {"2025_18_KC_LV"}


def test_of_the_seasons_checks_only_the_mirrors_16_unknown_scorers_are_warned_of(story: Story) -> None:
    outcome = story.outcomes["season"]
    assert outcome.success
    assert outcome.errors == []
    assert len(outcome.checks) >= 18
    assert unsatisfied(outcome) == {("touchdowns", "scorers_on_rosters", "warning")}
    text = next(check.text for check in outcome.checks if check.name == "scorers_on_rosters")
    assert text.startswith("touchdowns whose scorer upstream does not say: 16, ")
    unknown = [row for row in of_season(story.said["season"], "touchdowns") if row["player_id"] is None]
    assert len(unknown) == 16
    assert not any(row["is_first_td"] for row in unknown)


def test_every_first_touchdown_is_counted_for_its_scorer_and_no_position_is_unknown(story: Story) -> None:
    stats = of_season(story.said["season"], "player_stats")
    assert sum(row["first_td_count"] for row in stats) == 284
    assert sum(row["any_time_td_count"] for row in stats) == 1459 - 16
    assert all(row["position"] for row in stats)
    assert {row["games_played_source"] for row in stats} == {"weekly_rosters"}


def test_week_two_grown_into_the_season_equals_the_season_taken_at_once(
    story: Story, new_home: NewHome, upstream: Server
) -> None:
    fresh = new_home(upstream.url)
    bring_in(fresh, SHEET, BEFORE, {"Ann": None, "Bob": None})
    refresh(fresh)
    assert differences(tables(fresh), story.said["season"]) == {}
    assert integrity(story.settings) == []


def test_the_next_night_writes_nothing_and_says_so(story: Story) -> None:
    outcome = story.outcomes["next night"]
    assert outcome.success
    assert outcome.changed == 0
    assert story.bytes["next night"] == story.bytes["season"]
    counts = {event.asset: event.report.counts for event in outcome.events if event.report}
    assert {name: (c.inserted, c.updated, c.retired) for name, c in counts.items()} == dict.fromkeys(ASSETS, (0, 0, 0))
    assert counts["touchdowns"].unchanged == 1459
    assert unsatisfied(outcome) == unsatisfied(story.outcomes["season"])


def test_a_season_to_come_has_a_schedule_and_rosters_and_says_why_it_has_no_plays(story: Story) -> None:
    outcome, said = story.outcomes["summer"], story.said["summer"]
    assert outcome.success
    assert unsatisfied(outcome) == set()
    assert Counter(row["status"] for row in of_season(said, "games", 2026)) == {"scheduled": 272}
    assert len(of_season(said, "rosters", 2026)) == 2930
    assert of_season(said, "touchdowns", 2026) == of_season(said, "game_records", 2026) == []
    absences = {event.asset: event.report.absence for event in outcome.events if event.report}
    assert "2026" in (absences["touchdowns"] or "")
    assert "no game was played" in (absences["touchdowns"] or "") or "published from" in (absences["touchdowns"] or "")
    # and the season before it is as it was
    assert of_season(said, "leaderboard") == of_season(story.said["season"], "leaderboard")


# --- what the UI is told ----------------------------------------------------------------------------------------------


def value(story: Story, asset: str, label: str, night: str = "season") -> Any:
    return story.materializations[night, asset].metadata[label].value


@pytest.mark.parametrize(
    ("asset", "inserted", "updated", "unchanged"),
    [
        ("rosters", 0, 0, 3134),
        ("games", 13, 240, 32),
        ("touchdowns", 1301, 0, 158),
        ("kickoff_decisions", 253, 0, 32),
    ],
)
def test_the_row_counts_of_a_materialization_are_what_changed(
    story: Story, asset: str, inserted: int, updated: int, unchanged: int
) -> None:
    counted = [value(story, asset, label) for label in ("inserted", "updated", "unchanged", "retired")]
    assert counted == [inserted, updated, unchanged, 0]
    assert value(story, asset, "dagster/partition_row_count") == inserted + updated + unchanged
    assert value(story, asset, "dagster/row_count") == len(story.said["season"][asset])


@pytest.mark.parametrize("asset", WITH_ROWS)
def test_every_materialization_is_of_its_season_and_shows_rows(story: Story, asset: str) -> None:
    for night in ("week two", "season", "next night"):
        assert story.materializations[night, asset].partition == "2025"
        preview = value(story, asset, "preview", night)
        assert 0 < len(preview.records) <= 20
        assert {column.name for column in preview.schema.columns} == set(preview.records[0].data)
    assert story.materializations["summer", asset].partition == "2026"


@pytest.mark.parametrize(
    ("asset", "file"),
    [
        ("rosters", "rosters/roster_2025.parquet"),
        ("games", "schedules/games.parquet"),
        ("team_ratings", "schedules/games.parquet"),
        ("touchdowns", "pbp/play_by_play_2025.parquet"),
        ("kickoff_decisions", "pbp/play_by_play_2025.parquet"),
        ("player_stats", "weekly_rosters/roster_weekly_2025.parquet"),
    ],
)
def test_every_asset_from_upstream_names_its_file_and_upstreams_time_of_it(story: Story, asset: str, file: str) -> None:
    served = MIRROR / file
    assert value(story, asset, "source") == value(story, asset, "dagster/uri") == story.settings.nflverse_url + file
    assert value(story, asset, "source size") == served.stat().st_size
    assert value(story, asset, "upstream time") == int(served.stat().st_mtime)
    assert value(story, asset, "fetched at") > value(story, asset, "upstream time") - 1


@pytest.mark.parametrize("asset", ["touchdowns", "team_ratings", "leaderboard"])
def test_what_changed_is_plotted_and_an_unchanged_night_keeps_the_picture(story: Story, asset: str) -> None:
    assert value(story, asset, "plot").startswith("![plot](data:image/png;base64,iVBOR")
    assert value(story, asset, "plot", "next night") == value(story, asset, "plot")


def test_every_asset_shows_the_columns_of_its_table(story: Story) -> None:
    with Nightly(story.settings) as job:
        graph = job._job.asset_layer.asset_graph
        for asset in ASSETS:
            shown = graph.get(dg.AssetKey(asset)).metadata
            assert [column.name for column in shown["dagster/column_schema"].columns] == [
                column.name for column in metadata.tables[asset].columns
            ]
            assert shown["dagster/table_name"] == asset


def test_the_runs_stand_in_the_history_by_season(story: Story) -> None:
    assert [run.tags["dagster/partition"] for run in story.runs] == ["2025", "2025", "2025", "2026"]
    assert {(run.job_name, run.status) for run in story.runs} == {("nightly", dg.DagsterRunStatus.SUCCESS)}


def test_what_was_fetched_is_recorded_with_its_run_and_what_it_changed(story: Story) -> None:
    kept = query(
        story.settings,
        "SELECT dataset, status, rows_inserted + rows_updated, run_id FROM sync_runs WHERE season = 2025 "
        "AND run_id IS NOT NULL ORDER BY id",
    )
    runs = {outcome.run_id: name for name, outcome in story.outcomes.items()}
    told = {(runs[run], dataset): (status, rows) for dataset, status, rows, run in kept}
    assert told["week two", "pbp"] == ("changed", 158)
    assert told["season", "schedules"] == ("changed", 253)
    assert told["season", "pbp"] == ("changed", 1301)
    assert told["season", "rosters"] == ("unchanged", 0)
    assert {status for (night, _), (status, _) in told.items() if night == "next night"} == {"unchanged"}
    absent = query(story.settings, "SELECT dataset, message FROM sync_runs WHERE season = 2026 AND status = 'absent'")
    assert "pbp" in {dataset for dataset, _ in absent}
    assert all(message for _, message in absent)


# --- other seasons ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def past(new_home: NewHome, upstream: Server) -> tuple[Settings, Tables]:
    """2021, 2022, 2024 and 2025 in one database, one after the other."""
    settings = new_home(upstream.url)
    for season in (2021, 2022, 2024, SEASON):
        refresh(settings, season)
    return settings, tables(settings)


@pytest.mark.parametrize(
    ("season", "games", "rosters", "touchdowns", "first", "unknown", "unknown_first", "without"),
    [
        (2021, 285, 2960, 1494, 283, 66, 12, {"2021_09_BUF_JAX", "2021_15_NO_TB"}),
        (2022, 284, 3133, 1390, 282, 70, 14, {"2022_05_IND_DEN", "2022_18_NYJ_MIA"}),
        (2024, 285, 3215, 1461, 283, 60, 10, {"2024_15_LA_SF", "2024_17_SEA_CHI"}),
    ],
)
def test_past_seasons_have_their_games_touchdowns_and_known_gaps(
    past: tuple[Settings, Tables],
    season: int,
    games: int,
    rosters: int,
    touchdowns: int,
    first: int,
    unknown: int,
    unknown_first: int,
    without: set[str],
) -> None:
    settings, said = past
    assert Counter(row["status"] for row in of_season(said, "games", season)) == {"final": games}
    assert len(of_season(said, "rosters", season)) == rosters
    scored = of_season(said, "touchdowns", season)
    assert (len(scored), firsts(said, season)) == (touchdowns, first)
    nameless = [row for row in scored if row["player_id"] is None]
    assert (len(nameless), sum(row["is_first_td"] for row in nameless)) == (unknown, unknown_first)
    assert {row["id"] for row in of_season(said, "games", season)} - {row["game_id"] for row in scored} == without
    assert set(checked(settings, season)) == {"touchdowns.scorers_on_rosters"}


def test_two_players_of_one_name_on_one_team_are_two_rows(past: tuple[Settings, Tables]) -> None:
    carters = [
        (row["position"], row["player_id"])
        for row in of_season(past[1], "rosters", 2021)
        if (row["team"], row["player_name"]) == ("NYJ", "Michael Carter")
    ]
    assert len(carters) == 2
    assert {position for position, _ in carters} >= {"RB"}


def test_ratings_of_a_single_run_equal_those_of_a_backfill(story: Story, past: tuple[Settings, Tables]) -> None:
    single = {k: row for k, row in story.said["season"]["team_ratings"].items() if row["season"] == SEASON}
    backfilled = {k: row for k, row in past[1]["team_ratings"].items() if row["season"] == SEASON}
    assert len(single) == 736
    assert single == backfilled


def test_a_season_in_a_database_with_others_reads_as_it_does_alone(story: Story, past: tuple[Settings, Tables]) -> None:
    alone, among = story.said["season"], past[1]
    for name in ("games", "rosters", "touchdowns", "game_records", "team_ratings"):
        rows = sorted(map(repr, of_season(alone, name)))
        assert rows
        assert rows == sorted(map(repr, of_season(among, name)))


def test_the_file_can_be_read_by_any_sqlite_as_the_old_application_does(story: Story) -> None:
    with sqlite3.connect(f"file:{story.settings.home / 'firsttd.db'}?mode=ro", uri=True) as conn:
        rows = conn.execute(
            "SELECT u.name, p.player_name, r.is_correct, r.actual_return FROM results r "
            "JOIN picks p ON p.id = r.pick_id JOIN users u ON u.id = p.user_id ORDER BY p.id"
        ).fetchall()
    assert rows == [
        ("Ann", "Javonte Williams", 1, 7.0),
        ("Bob", "Saquon Barkley", 0, -1.0),
        ("Bob", "Jake Ferguson", 0, -1.0),
    ]
