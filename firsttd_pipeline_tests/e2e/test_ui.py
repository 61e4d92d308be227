"""Claims about the UI: the real `firsttd ui` over the mirror, a real browser that clicks, GraphQL that says what came
of it. One server and one league for the module; the tests go on from each other in the order of the file.
"""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from firsttd_pipeline_tests.doors import quick
from firsttd_pipeline_tests.e2e.ui import Ui, eventually, running_ui
from firsttd_pipeline_tests.servers import Server

pytestmark = pytest.mark.timeout(600)

ASSETS = {
    "rosters", "games", "touchdowns", "kickoff_decisions", "team_ratings", "results", "player_stats", "leaderboard",
    "market_odds", "market_outcomes", "pick_market_odds", "member_market_stats",
}  # fmt: skip
SEASONS = {"2023", "2024", "2025"}


@pytest.fixture(scope="module")
def ui(upstream: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    with running_ui(tmp_path_factory.mktemp("operator"), upstream.url) as running:
        yield running


def launch(ui: Ui, page: Page, seasons: str, *, only_missing: bool) -> str:
    """Launch `nightly` for some seasons as a person does; returns what the button said."""
    page.goto(f"{ui.url}/locations/firsttd_pipeline/jobs/nightly/partitions")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_placeholder(re.compile("^ex: "))
    chosen.fill(seasons)
    chosen.press("Enter")
    if only_missing:
        option = "Backfill only failed and missing partitions within selection"
        dialog.get_by_text(option).click()
        expect(dialog.get_by_label(option)).to_be_checked()
    button = dialog.get_by_role("button", name=re.compile("Launch"))
    expect(button).to_be_enabled()
    said = button.inner_text()
    button.click()
    return said


@pytest.fixture(scope="module")
def first_backfill(ui: Ui, page: Page) -> list[dict[str, Any]]:
    """The runs of a backfill of 2023 to 2025."""
    launch(ui, page, "[2023...2025]", only_missing=False)
    (backfill,) = eventually("the backfill is there", lambda: ui.backfills() or None)
    assert set(backfill["partitionNames"]) == SEASONS
    return ui.finished(len(SEASONS), dagster__backfill=backfill["id"])


def test_the_graph_shows_all_twelve_assets_and_nothing_covers_it(ui: Ui, page: Page) -> None:
    all_groups = ",".join(f"global%40global%3A{group}" for group in ("league_data", "standings", "markets"))
    page.goto(f"{ui.url}/asset-groups?expanded={all_groups}")
    for asset in ASSETS - {"member_market_stats"}:
        expect(page.get_by_text(asset, exact=True).first).to_be_visible()
    expect(page.get_by_text("member_mark…_stats", exact=True).first).to_be_visible()  # the graph shortens it
    assert page.get_by_role("dialog").count() == 0, "a dialog covers the first page"
    nodes = ui.ask("{ assetNodes { assetKey { path } owners { ... on TeamAssetOwner { team } } description } }")
    assert {node["assetKey"]["path"][0] for node in nodes["assetNodes"]} == ASSETS
    assert all(node["owners"] == [{"team": "first-td-ops"}] and node["description"] for node in nodes["assetNodes"])


def test_the_nightly_schedule_is_on_and_its_daemon_lives(ui: Ui, page: Page) -> None:
    healthy = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"

    def all_live() -> bool:
        states = ui.ask(healthy)["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(state["healthy"] for state in states if state["required"])

    eventually("every daemon lives", all_live)
    selector = {
        "scheduleName": "nightly_schedule",
        "repositoryName": "__repository__",
        "repositoryLocationName": "firsttd_pipeline",
    }
    schedule = ui.ask(
        "query($of: ScheduleSelector!) { scheduleOrError(scheduleSelector: $of) { ... on Schedule {"
        " scheduleState { status } futureTicks(limit: 2) { results { timestamp } } } } }",
        of=selector,
    )["scheduleOrError"]
    assert schedule["scheduleState"]["status"] == "RUNNING"
    new_york = ZoneInfo("America/New_York")
    ticks = [datetime.fromtimestamp(tick["timestamp"], new_york) for tick in schedule["futureTicks"]["results"]]
    assert all((tick.hour, tick.minute) in {(2, 0), (3, 0)} for tick in ticks)
    assert timedelta(0) < ticks[0] - datetime.now(new_york) <= timedelta(hours=25)
    tick = ui.ask(
        "mutation($of: ScheduleSelector!, $at: Float!) { scheduleDryRun(selectorData: $of, timestamp: $at) {"
        " ... on DryRunInstigationTick { evaluationResult { error { message }"
        " runRequests { runKey tags { key value } } } } } }",
        of=selector,
        at=datetime(2026, 1, 11, 2, tzinfo=new_york).timestamp(),
    )["scheduleDryRun"]["evaluationResult"]
    assert tick["error"] is None
    (request,) = tick["runRequests"]
    assert {"key": "dagster/partition", "value": "2025"} in request["tags"]  # January belongs to the season before
    page.goto(f"{ui.url}/locations/firsttd_pipeline/schedules/nightly_schedule")
    expect(page.get_by_text("America/New_York", exact=True)).to_be_visible()
    expect(page.get_by_role("checkbox").or_(page.get_by_role("switch")).first).to_be_checked()


def test_the_snapshots_of_the_markets_are_off_until_their_switch_is_clicked(ui: Ui, page: Page) -> None:
    def status() -> str:
        found = ui.ask(
            '{ schedulesOrError(repositorySelector: {repositoryName: "__repository__", repositoryLocationName:'
            ' "firsttd_pipeline"}) { ... on Schedules { results { name scheduleState { status } } } } }'
        )["schedulesOrError"]["results"]
        return str({one["name"]: one["scheduleState"]["status"] for one in found}["market_snapshots_schedule"])

    assert status() == "STOPPED"
    page.goto(f"{ui.url}/locations/firsttd_pipeline/schedules/market_snapshots_schedule")
    switch = page.get_by_role("checkbox").or_(page.get_by_role("switch")).first
    for after in ("RUNNING", "STOPPED"):
        switch.evaluate("element => element.click()")  # the box itself lies outside of what is drawn for it
        eventually(f"the schedule is {after}", lambda after=after: status() == after)
        expect(switch).to_be_checked(checked=after == "RUNNING")  # the page knows it too: a click before that is lost
        expect(switch).to_be_enabled()
    expect(page.get_by_text("On game days from 6:00 until the last kickoff, every 15 minutes")).to_be_visible()


def test_a_backfill_launched_in_the_browser_ends_two_seasons_well_and_one_with_its_reason(
    ui: Ui, page: Page, first_backfill: list[dict[str, Any]]
) -> None:
    assert {run["season"]: run["status"] for run in first_backfill} == {
        "2023": "FAILURE",
        "2024": "SUCCESS",
        "2025": "SUCCESS",
    }
    final = dict(ui.rows("SELECT season, count(*) FROM games WHERE status = 'final' GROUP BY season"))
    assert final == {2023: 285, 2024: 285, 2025: 285}
    seasons = {season for (season,) in ui.rows("SELECT DISTINCT season FROM touchdowns")}
    assert seasons == {2024, 2025}
    (failed,) = [run for run in first_backfill if run["season"] == "2023"]
    page.goto(f"{ui.url}/runs/{failed['runId']}")
    reason = re.compile(re.escape(f"{ui.mirror}rosters/roster_2023.parquet: the server answered 404"))
    expect(page.get_by_text(reason).first).to_be_visible()
    assert "A retry does not help. Check FIRSTTD_NFLVERSE_URL" in page.get_by_text(reason).first.inner_text()


def test_runs_of_a_backfill_are_one_at_a_time(first_backfill: list[dict[str, Any]]) -> None:
    spans = sorted((run["startTime"], run["endTime"]) for run in first_backfill)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


@pytest.mark.usefixtures("first_backfill")
def test_the_terminal_shows_what_runs_say_and_not_their_steps(ui: Ui) -> None:
    shown = ui.log.read_text()
    assert "rosters/roster_2023.parquet: the server answered 404" in shown
    assert "DEBUG" not in shown


@pytest.mark.usefixtures("first_backfill")
def test_the_page_of_an_asset_shows_what_it_holds_and_where_it_is_from(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/touchdowns?view=partitions&partition=2025")
    source = f"{ui.mirror}pbp/play_by_play_2025.parquet"
    expect(page.get_by_role("link", name=source)).to_be_visible()
    shown = " ".join(page.locator("table").first.inner_text().split())
    for fact in ("inserted 1459", "first touchdowns 284", "scorer unknown 16", "preview", "2025_22_SEA_NE"):
        assert fact in shown
    page.get_by_text("[Show Markdown]").click()
    picture = page.get_by_role("dialog").get_by_role("img", name="plot")
    expect(picture).to_be_visible()
    assert picture.evaluate("img => img.naturalWidth") > 300, "the plot is no picture"
    page.goto(f"{ui.url}/assets/touchdowns")
    for text in ("first-td-ops", "nflverse", "one first touchdown a game", "gsis_id of the scorer"):
        expect(page.get_by_text(re.compile(re.escape(text))).first).to_be_visible()


@pytest.mark.usefixtures("first_backfill")
def test_a_check_that_does_not_hold_says_what_how_many_and_what_to_do(ui: Ui, page: Page) -> None:
    page.goto(f"{ui.url}/assets/touchdowns?view=checks&checkDetail=scorers_on_rosters")
    said = page.get_by_text(re.compile(r"scorer upstream does not say: 16, e\.g\. .*What to do: .*\(season 2025\)$"))
    expect(said.first).to_be_visible()
    for check in ("one_first_touchdown", "no_orphans", "final_games_have_plays", "plays_agree_with_schedule"):
        expect(page.get_by_text(check, exact=True).first).to_be_visible()
    nodes = ui.ask(
        "{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks { name"
        " executionForLatestMaterialization { status evaluation { description } } } } } } }"
    )["assetNodes"]
    checks = [check for node in nodes for check in node["assetChecksOrError"]["checks"]]
    assert all(node["assetChecksOrError"]["checks"] for node in nodes)
    assert all(check["executionForLatestMaterialization"]["evaluation"]["description"] for check in checks)


def test_running_it_again_for_what_is_missing_runs_only_the_season_that_failed(
    ui: Ui, page: Page, first_backfill: list[dict[str, Any]]
) -> None:
    assert launch(ui, page, "[2023...2025]", only_missing=True) == "Launch 1 run"
    runs = ui.finished(len(first_backfill) + 1)
    again = [run for run in runs if run["runId"] not in {run["runId"] for run in first_backfill}]
    assert [(run["season"], run["status"]) for run in again] == [("2023", "FAILURE")]


@pytest.mark.usefixtures("first_backfill")
def test_a_run_of_the_command_line_can_be_run_again_from_its_page(ui: Ui, page: Page) -> None:
    told = quick(ui.home, ui.mirror, "nightly", "--season", "2024", "--format", "json")
    assert told.code == 0, told.err
    (run,) = ui.runs(firsttd__door="command line")
    page.goto(f"{ui.url}/runs/{run['runId']}")
    page.get_by_role("button", name=re.compile("Re-execute all")).first.click()
    (again,) = ui.finished(1, dagster__parent_run_id=run["runId"])
    assert (again["season"], again["status"]) == ("2024", "SUCCESS")


def test_ctrl_c_ends_every_process_of_the_ui(ui: Ui) -> None:
    running = ui.processes()
    for part in ("dg dev", "dagster_webserver", "dagster._daemon", "dagster code-server", "dagster api grpc"):
        assert any(part in process for process in running), (part, running)
    ui.process.send_signal(signal.SIGINT)
    assert ui.process.wait(60) == 0
    assert ui.processes() == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(ui.url.rsplit(":", 1)[1]))) != 0
