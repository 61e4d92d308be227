"""Claims about `firsttd members` and `firsttd picks`: what goes to stdout and stderr, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from firsttd_pipeline.commands import members, picks
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline_tests.shared_data import needs_shared
from firsttd_pipeline_tests.storage.season_2025 import AFTER, load_season

pytestmark = needs_shared

SHEET = "Week,Gameday,Picker,Vistor,Home,Player,Position,1st TD Odds,Result\n"
BROWN = "1,Thursday,Avery,Dallas,Philadelphia,AJ Brown,WR,900,x\n"


@pytest.fixture
def home(tmp_path: Path, sqlite_db: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A league of the played season 2025 with one member; no network."""
    load_season(sqlite_db, AFTER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTTD_HOME", str(tmp_path))
    monkeypatch.setenv("FIRSTTD_DATABASE_URL", str(sqlite_db.path))
    monkeypatch.setenv("FIRSTTD_SEASON", "2025")
    monkeypatch.setenv("FIRSTTD_NFLVERSE_URL", "http://127.0.0.1:9/")
    assert member("add", "Avery").exit_code == 0
    return tmp_path


def member(*args: str) -> Result:
    return CliRunner().invoke(members.app, list(args))


def pick(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(picks.app, list(args), input=stdin)


@pytest.mark.usefixtures("home")
def test_members_are_added_listed_and_staked() -> None:
    assert member("add", "[red]Bob[/red]", "--stake", "2").exit_code == 0
    assert member("set-stake", "avery", "1.5").exit_code == 0
    listed = json.loads(member("list", "--format", "json").stdout)
    assert [(row["name"], row["base_bet"]) for row in listed] == [("[red]Bob[/red]", 2.0), ("Avery", 1.5)]
    assert member("set-stake", "Avery", "--default").exit_code == 0
    assert "[red]Bob[/red]" in member("list").stdout


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("add", "avery"), "already a member"),
        (("add", "  "), "empty"),
        (("add", "A\x1b[2JB"), "U+001B"),
        (("add", "Blake", "--stake", "nan"), "above 0"),
        (("set-stake", "Nobody", "1"), "No member is called"),
        (("set-stake", "Avery"), "either the units or --default"),
        (("set-stake", "Avery", "1", "--default"), "either the units or --default"),
        (("set-stake", "Avery", "--", "-1"), "above 0"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_refused_member_is_wrong_use_with_the_reason_on_stderr(args: tuple[str, ...], reason: str) -> None:
    result = member(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert reason in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.usefixtures("home")
def test_a_pick_is_added_listed_and_removed() -> None:
    added = pick("add", "Avery", "aj brown", "--week", "1", "--odds", "-110", "--late", "told by phone")
    assert (added.exit_code, added.stdout) == (0, "")
    assert "A.J. Brown (PHI, WR), 2025_01_DAL_PHI, -110" in added.stderr
    listed = json.loads(pick("list", "--format", "json").stdout)
    assert [(r["typed"], r["player"], r["odds"], r["late_reason"]) for r in listed] == [
        ("aj brown", "A.J. Brown", -110.0, "told by phone")
    ]
    assert pick("remove", str(listed[0]["pick_id"])).exit_code == 0
    assert json.loads(pick("list", "--format", "json").stdout) == []


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("add", "Avery", "A.J. Brown", "--week", "1"), "--late REASON"),
        (("add", "Avery", "CMD", "--game", "2025_05_SF_LA", "--late", "x"), "No player in 2025_05_SF_LA"),
        (("add", "Avery", "A.J. Brown", "--week", "1", "--odds", "9/1"), "fractional"),
        (("add", "Avery", "A.J. Brown"), "Say the week or the game"),
        (("add", "Nobody", "A.J. Brown", "--week", "1"), "No member is called"),
        (("list", "--member", "Nobody"), "No member is called"),
        (("remove", "77"), "no pick 77"),
        (("import", "nothing.csv"), "cannot be read"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_refused_pick_is_wrong_use_with_the_reason_on_stderr(args: tuple[str, ...], reason: str) -> None:
    result = pick(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert reason in result.stderr


@pytest.mark.usefixtures("home")
def test_a_sheet_is_imported_from_stdin_and_twice_is_once() -> None:
    for outcome in ("new", "already there"):
        result = pick("import", "-", "--late", "x", "--format", "json", stdin=SHEET + BROWN)
        assert result.exit_code == 0
        assert [row["outcome"] for row in json.loads(result.stdout)] == [outcome]
        assert "Columns not used: Result" in result.stderr


def test_a_sheet_with_a_bad_row_is_wrong_use_and_leaves_nothing(home: Path) -> None:
    (home / "sheet.csv").write_text(SHEET + BROWN + BROWN.replace("AJ Brown", "CMC"), encoding="utf-8")
    result = pick("import", "sheet.csv", "--late", "x", "--format", "csv")
    assert result.exit_code == 2
    assert "line 3: CMC" in result.stderr
    assert "Nothing was imported: 1 new, 0 already there, 1 bad" in result.stderr
    assert json.loads(pick("list", "--format", "json").stdout) == []


@pytest.mark.usefixtures("home")
def test_a_dry_run_says_so_and_writes_nothing() -> None:
    sheet = SHEET + BROWN.replace("Avery", "Casey")
    result = pick("import", "-", "--late", "x", "--dry-run", "--create-members", stdin=sheet)
    assert result.exit_code == 0
    assert "Dry run, nothing was written: 1 new" in result.stderr
    assert "new members: Casey" in result.stderr
    assert json.loads(pick("list", "--format", "json").stdout) == []
    assert [row["name"] for row in json.loads(member("list", "--format", "json").stdout)] == ["Avery"]


@pytest.mark.usefixtures("home")
def test_a_season_that_cannot_be_fetched_is_a_failure_not_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_RETRIES", "0")
    result = pick("import", "-", "--season", "2024", stdin=SHEET + BROWN)
    assert result.exit_code == 1
    assert "127.0.0.1:9" in result.stderr
