"""Claims about `settings` and about mistakes in them: each named with its value and what is allowed, secrets masked."""

from __future__ import annotations

import pytest

from firsttd_pipeline_tests.commands.conftest import Home

MISTAKES = {
    "FIRSTTD_SEASON": ("1998", "a season, 1999"),
    "FIRSTTD_TIMEZONE": ("Mars/Olympus", "a name of the time zone database"),
    "FIRSTTD_SCORING": ("golf", "stacking, exclusive or profit"),
    "FIRSTTD_STAKE": ("-1", "a number of units above 0"),
    "FIRSTTD_DST_PICKS": ("maybe", "pays or off"),
    "FIRSTTD_OFFICIAL_AFTER_DAYS": ("ten", "a whole number of days"),
    "FIRSTTD_NFLVERSE_URL": ("ftp://example.org", "an http:// or https:// address"),
    "FIRSTTD_DATABASE_URL": ("mysql://u:hunter2@h/d", "postgresql://USER:PASSWORD@HOST/NAME"),
    "FIRSTTD_READ_TIMEOUT": ("0", "seconds, above 0"),
    "FIRSTTD_RETRIES": ("99", "a whole number, 0 to 10"),
    "FIRSTTD_BUSY_TIMEOUT": ("nan", "seconds, above 0"),
    "FIRSTTD_LOOK_EVERY": ("0", "seconds, 1 to 86400"),
}
COMMANDS = [
    ["settings"], ["status"], ["nightly"], ["backfill", "2024", "2025"], ["db", "upgrade"], ["db", "check"],
    ["members", "list"], ["members", "add", "Avery"], ["picks", "list"], ["leaderboard"], ["players"], ["ui"],
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "allowed"), [(n, *v) for n, v in MISTAKES.items()], ids=MISTAKES)
def test_a_wrong_value_is_named_with_what_is_allowed(empty: Home, name: str, value: str, allowed: str) -> None:
    told = empty.quick("settings", **{name: value})
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith(f"{name} is ")
    assert allowed in told.err
    assert "hunter2" not in told.err


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_refuses_wrong_settings_before_it_does_anything(empty: Home, arguments: list[str]) -> None:
    told = empty.quick(*arguments, FIRSTTD_SCORING="golf")
    assert (told.code, told.out) == (2, "")
    assert "FIRSTTD_SCORING is 'golf'" in told.err
    assert list(empty.path.iterdir()) == []


def test_every_mistake_is_named_at_once(empty: Home) -> None:
    told = empty.quick("settings", FIRSTTD_SCORING="golf", FIRSTTD_STAKE="0", FIRSTTD_TIMEZONE="nowhere")
    assert told.code == 2
    assert len(told.err.strip().splitlines()) == 3


def test_a_misspelt_variable_is_named_with_what_was_meant(empty: Home) -> None:
    told = empty.quick("status", FIRSTTD_DATABSE_URL="x.db")
    assert told.code == 2
    assert "did you mean FIRSTTD_DATABASE_URL?" in told.err


def test_a_dotenv_file_is_read_and_the_environment_wins(empty: Home) -> None:
    (empty.path / ".env").write_text("FIRSTTD_SCORING=exclusive\nFIRSTTD_STAKE=3\n")
    told = empty.quick("settings", "--format", "json", FIRSTTD_STAKE="5")
    values = {row["variable"]: (row["value"], row["from"]) for row in told.json}
    assert values["FIRSTTD_SCORING"] == ("exclusive", "set")
    assert values["FIRSTTD_STAKE"] == ("5.0", "set")
    assert values["FIRSTTD_DST_PICKS"] == ("pays", "default")


def test_a_mistake_in_dotenv_is_named_too(empty: Home) -> None:
    (empty.path / ".env").write_text("FIRSTTD_SCORING=golf\n")
    told = empty.quick("settings")
    assert told.code == 2
    assert "FIRSTTD_SCORING is 'golf'" in told.err


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_secrets_are_masked_wherever_they_stand(empty: Home, form: str) -> None:
    told = empty.quick(
        "settings",
        "--format",
        form,
        FIRSTTD_DATABASE_URL="postgresql://league:hunter2@db.example.org/league?password=swordfish",
        FIRSTTD_NFLVERSE_URL="https://robot:tr0ub4dor@mirror.example.org/nflverse",
    )
    assert told.code == 0
    for secret in ("hunter2", "swordfish", "tr0ub4dor"):
        assert secret not in told.out + told.err
    assert "postgresql://league:***@db.example.org/league" in told.out
    assert "https://robot:***@mirror.example.org/nflverse/" in told.out


def test_a_home_that_is_a_file_is_wrong_settings(empty: Home) -> None:
    (empty.path / "file").write_text("in the way")
    told = empty.quick("nightly", "--season", "2025", FIRSTTD_HOME=str(empty.path / "file"))
    assert (told.code, told.out) == (2, "")
    assert "FIRSTTD_HOME is" in told.err


def test_the_version_and_the_help_need_no_settings(empty: Home) -> None:
    version = empty.run("--version", FIRSTTD_SCORING="golf")
    assert (version.code, version.err) == (0, "")
    assert version.out.startswith("firsttd ")
    for arguments in (["--help"], ["db", "-h"], ["picks", "import", "--help"], ["nightly", "--help"]):
        assert empty.quick(*arguments, FIRSTTD_SCORING="golf").code == 0
