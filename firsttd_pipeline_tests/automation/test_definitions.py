"""Claims about what Dagster loads: the assets with all they show, their checks, the one job, and a quiet import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy import CheckConstraint

from firsttd_pipeline.assets import ASSETS
from firsttd_pipeline.assets.base import OWNERS
from firsttd_pipeline.automation.jobs import NIGHTLY
from firsttd_pipeline.definitions import build_definitions, defs
from firsttd_pipeline.storage.schema import metadata

ROOT = Path(__file__).resolve().parents[2]
ALLOWED_WARNINGS: frozenset[str] = frozenset()
"""Messages of Dagster's beta, preview, supersession and deprecation warnings that loading may give: none."""

EDGES = {
    "rosters": set(),
    "games": set(),
    "touchdowns": {"rosters", "games"},
    "kickoff_decisions": {"touchdowns"},
    "team_ratings": {"games"},
    "results": {"touchdowns"},
    "player_stats": {"results"},
    "leaderboard": {"player_stats"},
    "market_odds": {"games", "rosters"},
    "market_outcomes": {"market_odds", "touchdowns"},
    "pick_market_odds": {"market_odds", "results"},
    "member_market_stats": {"pick_market_odds", "market_outcomes", "leaderboard"},
}
MARKETS = {"market_odds", "market_outcomes", "pick_market_odds", "member_market_stats"}
BLOCKING = {
    ("games", "statuses_follow_scores"),
    ("touchdowns", "one_first_touchdown"),
    ("touchdowns", "no_orphans"),
    ("results", "no_orphans"),
    ("results", "grades_agree"),
    ("player_stats", "first_touchdowns_counted"),
}
GRAPH = defs.resolve_asset_graph()
by_name = pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.key.to_user_string())


def spec_of(asset: dg.AssetsDefinition) -> dg.AssetSpec:
    (spec,) = asset.specs
    return spec


def test_the_definitions_load_and_resolve() -> None:
    dg.Definitions.validate_loadable(defs)
    assert {key.to_user_string() for key in GRAPH.get_all_asset_keys()} == set(EDGES)


def test_the_graph_has_the_edges_that_the_flow_needs() -> None:
    found = {
        key.to_user_string(): {parent.to_user_string() for parent in GRAPH.get(key).parent_keys}
        for key in GRAPH.get_all_asset_keys()
    }
    assert found == EDGES


@by_name
def test_every_asset_says_what_it_is(asset: dg.AssetsDefinition) -> None:
    spec = spec_of(asset)
    assert len(spec.description or "") > 40
    assert list(spec.owners) == OWNERS
    assert spec.group_name in {"league_data", "standings", "markets"}
    assert (spec.group_name == "markets") == (asset.key.to_user_string() in MARKETS)
    assert {"python", "sql"} <= set(spec.kinds)


@by_name
def test_what_comes_from_nflverse_is_marked_so(asset: dg.AssetsDefinition) -> None:
    from_outside = {"rosters", "games", "touchdowns", "kickoff_decisions", "team_ratings"}
    assert ("nflverse" in spec_of(asset).kinds) == (asset.key.to_user_string() in from_outside)


@by_name
def test_every_asset_shows_the_columns_of_its_table(asset: dg.AssetsDefinition) -> None:
    name = asset.key.to_user_string()
    shown = spec_of(asset).metadata
    assert shown["dagster/table_name"] == name
    table = metadata.tables[name]
    schema = shown["dagster/column_schema"]
    assert [(c.name, c.type, c.description, c.constraints.nullable, c.constraints.unique) for c in schema.columns] == [
        (c.name, str(c.type), c.comment, bool(c.nullable), bool(c.primary_key)) for c in table.columns
    ]
    references = {c.name: c.constraints.other for c in schema.columns if c.constraints.other}
    assert references == {
        c.name: [f"→ {k.target_fullname}" for k in c.foreign_keys] for c in table.columns if c.foreign_keys
    }
    rules = {str(c.sqltext) for c in table.constraints if isinstance(c, CheckConstraint)}
    told = schema.constraints.other if schema.constraints else []
    assert {text.split(": ", 1)[1] for text in told} == rules


@by_name
def test_every_asset_has_checks_that_say_what_holds(asset: dg.AssetsDefinition) -> None:
    specs = list(asset.check_specs)
    assert specs
    for check in specs:
        assert len(check.description or "") > 15
        assert check.asset_key == asset.key


def test_the_checks_that_must_stop_what_follows_do() -> None:
    blocking = {(a.key.to_user_string(), c.name) for a in ASSETS for c in a.check_specs if c.blocking}
    assert blocking == BLOCKING


def test_one_job_runs_the_whole_graph_in_one_process() -> None:
    job = defs.resolve_job_def(NIGHTLY)
    assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == set(EDGES)
    assert job.executor_def is dg.in_process_executor
    names = [schedule.name for schedule in defs.schedules or []]  # type: ignore[union-attr]
    assert names == ["nightly_schedule", "market_snapshots_schedule"]


JOBS = {
    NIGHTLY: set(EDGES),
    "standings": {"player_stats", "leaderboard"},
    "new_picks": {"results", "player_stats", "leaderboard"},
    "plays_landed": {
        *("touchdowns", "kickoff_decisions", "results", "player_stats", "leaderboard"),
        *(MARKETS - {"market_odds"}),
    },
    "market_snapshots": {"market_odds", "pick_market_odds"},
}
ASKS_VENUES = {NIGHTLY, "market_snapshots"}


def test_no_table_of_the_league_depends_on_a_market() -> None:
    for key in GRAPH.get_all_asset_keys() - {dg.AssetKey(name) for name in MARKETS}:
        assert not {parent.to_user_string() for parent in GRAPH.get(key).parent_keys} & MARKETS


def test_what_a_sensor_starts_never_asks_a_venue() -> None:
    assert {name for name, assets in JOBS.items() if "market_odds" in assets} == ASKS_VENUES
    started = {job.name for sensor in defs.sensors or [] if sensor.has_jobs for job in sensor.jobs}  # type: ignore[union-attr]
    assert not started & ASKS_VENUES


def test_every_job_runs_exactly_what_its_reason_makes_stale() -> None:
    found = {}
    for named in defs.jobs or []:
        job = defs.resolve_job_def(named.name)
        assert job.executor_def is dg.in_process_executor
        assert len(job.description or "") > 40
        found[named.name] = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert found == JOBS


def test_every_sensor_is_on_by_default_has_an_owner_and_tells_an_operator_what_it_does() -> None:
    found = {sensor.name: sensor for sensor in defs.sensors or []}
    assert set(found) == {"results_sensor", "picks_sensor", "plays_sensor", "run_failure_sensor"}
    for sensor in found.values():
        assert isinstance(sensor, dg.SensorDefinition)
        assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
        assert len(sensor.description or "") > 100
        assert sensor.tags == {"owner": "first-td-ops"}
        assert (sensor.minimum_interval_seconds or 99) <= 30
    targets = {sensor.name: [job.name for job in sensor.jobs] for sensor in found.values() if sensor.has_jobs}
    assert targets == {
        "results_sensor": ["standings"],
        "picks_sensor": ["new_picks"],
        "plays_sensor": ["plays_landed"],
    }


def test_definitions_of_two_leagues_do_not_share_their_settings(tmp_path: Path) -> None:
    from firsttd_pipeline_tests.doors import settings_for

    one = build_definitions(settings_for(tmp_path / "one", "http://127.0.0.1:9/"))
    two = build_definitions(settings_for(tmp_path / "two", "http://127.0.0.1:9/", timezone="Europe/Berlin"))
    assert one.resources["league"].settings.home != two.resources["league"].settings.home  # type: ignore[index]
    assert two.resolve_schedule_def("nightly_schedule").execution_timezone == "Europe/Berlin"
    assert one.resolve_schedule_def("nightly_schedule").execution_timezone == "America/New_York"


def test_both_doors_name_the_same_code_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    (module,) = [entry["python_module"] for entry in workspace["load_from"]]
    assert module["location_name"] == project["code_location_name"] == "firsttd_pipeline"
    assert module["module_name"] == project["code_location_target_module"]


def test_the_dagster_yaml_at_the_top_is_the_one_that_is_installed() -> None:
    assert (ROOT / "dagster.yaml").read_text() == (ROOT / "firsttd_pipeline" / "dagster.yaml").read_text()


# --- a fresh process --------------------------------------------------------------------------------------------------

IMPORT = """
import json, sys, warnings
heard, warned = [], []
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "sqlite3.connect"):
        heard.append([event, str(args[1:])])
    elif event == "open" and set(str(args[1])) & set("wax+") and "__pycache__" not in str(args[0]):
        heard.append([event, str(args[0])])
    elif event in ("os.mkdir", "os.rename") and "__pycache__" not in str(args[0]):
        heard.append([event, str(args[0])])
sys.addaudithook(hook)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import firsttd_pipeline.definitions as module
    first = list(heard)
    import dagster as dg
    module.defs.resolve_all_job_defs()
    module.defs.resolve_asset_graph()
    for w in caught:
        of_dagster = w.category in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning)
        if of_dagster or (issubclass(w.category, DeprecationWarning) and "firsttd_pipeline" in w.filename):
            warned.append(f"{w.category.__name__}: {w.message}")
print(json.dumps({"heard": first, "later": heard[len(first):], "warned": warned}))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What a fresh process did while it imported and resolved the definitions, in an empty folder."""
    folder = tmp_path_factory.mktemp("import")
    env = {n: v for n, v in os.environ.items() if not n.startswith(("FIRSTTD_", "DAGSTER_", "PYTHONWARNINGS"))}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    found["left behind"] = [str(path) for path in folder.rglob("*")]
    return found


def test_importing_the_definitions_opens_no_connection_and_writes_nothing(imported: dict[str, list[str]]) -> None:
    assert imported["heard"] == []
    assert imported["later"] == []
    assert imported["left behind"] == []


def test_loading_uses_nothing_that_dagster_warns_of(imported: dict[str, list[str]]) -> None:
    assert set(imported["warned"]) <= ALLOWED_WARNINGS


def test_a_wrong_setting_is_told_when_the_definitions_load(tmp_path: Path) -> None:
    env = {n: v for n, v in os.environ.items() if not n.startswith(("FIRSTTD_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-c", "import firsttd_pipeline.definitions"],
        cwd=tmp_path,
        env=env | {"FIRSTTD_TIMEZONE": "Mars/Olympus"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode != 0
    assert "FIRSTTD_TIMEZONE is 'Mars/Olympus'" in done.stderr
