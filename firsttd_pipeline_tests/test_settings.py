"""Settings: defaults, one clear message per mistake, secrets masked, the season by the date in New York."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("FIRSTTD_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_the_home_is_here_by_default_and_holds_the_database(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.home == tmp_path / ".firsttd"
    assert settings.database == f"sqlite:///{tmp_path / '.firsttd' / 'firsttd.db'}"


def test_a_dotenv_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FIRSTTD_STAKE=2.5\nFIRSTTD_SCORING=exclusive\n")
    monkeypatch.setenv("FIRSTTD_SCORING", "profit")
    settings = load_settings()
    assert (settings.stake, settings.scoring) == (2.5, "profit")


def test_a_missing_trailing_slash_of_the_base_address_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_NFLVERSE_URL", "http://127.0.0.1:8099/mirror")
    assert load_settings().nflverse_url == "http://127.0.0.1:8099/mirror/"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("FIRSTTD_SCORING", "doubling", "stacking, exclusive or profit"),
        ("FIRSTTD_STAKE", "0", "a number of units above 0"),
        ("FIRSTTD_STAKE", "nan", "a number of units above 0"),
        ("FIRSTTD_STAKE", "lots", "a number of units above 0"),
        ("FIRSTTD_DST_PICKS", "sometimes", "pays or off"),
        ("FIRSTTD_LEGACY_GRADES", "maybe", "keep or replace"),
        ("FIRSTTD_OFFICIAL_AFTER_DAYS", "-1", "0 to 365"),
        ("FIRSTTD_NFLVERSE_URL", "ftp://somewhere/", "http:// or https://"),
        ("FIRSTTD_NFLVERSE_URL", "nflverse", "http:// or https://"),
        ("FIRSTTD_SEASON", "1998", "a season, 1999"),
        ("FIRSTTD_SEASON", "soon", "a season, 1999"),
        ("FIRSTTD_TIMEZONE", "America/Gotham", "America/New_York"),
        ("FIRSTTD_DATABASE_URL", "mysql://root@host/league", "postgresql://"),
        ("FIRSTTD_CONNECT_TIMEOUT", "0", "seconds"),
        ("FIRSTTD_RETRIES", "99", "0 to 10"),
        ("FIRSTTD_PREDICTION_MARKETS", "perhaps", "on or off"),
        ("FIRSTTD_KALSHI_URL", "kalshi", "http:// or https://"),
        ("FIRSTTD_KALSHI_RATE", "0", "requests a second"),
        ("FIRSTTD_MARKET_EVERY", "14", "minutes that divide an hour"),
        ("FIRSTTD_MARKET_FROM", "24", "an hour of the day"),
        ("FIRSTTD_MARKET_MAX_WIDTH", "0", "dollars, above 0 to 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert variable in message
    assert repr(value) in message
    assert allowed in message


def test_every_mistake_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_STAKE", "-3")
    monkeypatch.setenv("FIRSTTD_SCORING", "x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert {line.split()[0] for line in str(caught.value).splitlines()} == {"FIRSTTD_STAKE", "FIRSTTD_SCORING"}


def test_a_misspelt_variable_is_refused_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_SCORRING", "stacking")
    with pytest.raises(SettingsError, match=r"FIRSTTD_SCORRING.*did you mean FIRSTTD_SCORING"):
        load_settings()


def test_a_misspelt_variable_in_a_dotenv_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FIRSTTD_SCORRING=profit\nOTHER_PROGRAM=1\n")
    with pytest.raises(SettingsError, match=r"FIRSTTD_SCORRING is 'profit'.*did you mean FIRSTTD_SCORING") as caught:
        load_settings()
    assert "OTHER_PROGRAM" not in str(caught.value)


@pytest.mark.parametrize(
    ("now", "season"),
    [
        (datetime(2026, 3, 15, 3, 59, tzinfo=UTC), 2025),  # still 14 March in New York
        (datetime(2026, 3, 15, 4, 1, tzinfo=UTC), 2026),
        (datetime(2027, 1, 10, 12, tzinfo=UTC), 2026),
        (datetime(2026, 9, 1, 12, tzinfo=UTC), 2026),
    ],
)
def test_the_season_turns_on_15_march_in_new_york(now: datetime, season: int) -> None:
    assert load_settings().season_at(now) == season


def test_a_season_that_is_set_wins_over_the_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_SEASON", "2021")
    assert load_settings().season_at(datetime(2026, 9, 1, tzinfo=UTC)) == 2021


def test_secrets_are_masked_wherever_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_DATABASE_URL", "postgresql://league:hunter2@db/league")
    monkeypatch.setenv("FIRSTTD_NFLVERSE_URL", "https://user:hunter2@mirror/path/")
    shown = str(load_settings().shown(datetime(2026, 9, 1, tzinfo=UTC)))
    assert "hunter2" not in shown
    assert "postgresql://league:***@db/league" in shown


def test_a_secret_in_a_refused_value_is_masked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTTD_DATABASE_URL", "mysql://root:hunter2@host/league")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_query_secrets_are_masked() -> None:
    assert mask_secrets("https://x/?apiKey=abc&regions=us") == "https://x/?apiKey=***&regions=us"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://league:hun@ter2@db/league", "postgresql://league:***@db/league"),
        ("postgresql://league:hun/ter2@db/league", "postgresql://league:***@db/league"),
        ("https://hunter2@mirror/path/", "https://***@mirror/path/"),
        ("postgresql://league@db/league", "postgresql://league@db/league"),
        ("http://127.0.0.1:8099/mirror/", "http://127.0.0.1:8099/mirror/"),
    ],
)
def test_a_password_or_token_in_an_address_is_masked_whatever_is_in_it(address: str, shown: str) -> None:
    assert mask_secrets(address) == shown
    assert mask_secrets(f"{address} does not answer: try {address} again") == (
        f"{shown} does not answer: try {shown} again"
    )


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`FIRSTTD_{name.upper()}`" in page


@pytest.mark.parametrize("key", ["hunter2 with spaces", "abc"])
def test_a_key_that_is_none_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("FIRSTTD_ODDS_API_KEY", key)
    with pytest.raises(SettingsError, match=r"FIRSTTD_ODDS_API_KEY is '\*\*\*': allowed is the key") as refused:
        load_settings()
    assert key not in str(refused.value)


def test_a_key_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "c0ffee-c0ffee-c0ffee"
    monkeypatch.setenv("FIRSTTD_ODDS_API_KEY", key)
    settings = load_settings()
    assert settings.odds_api_key.get_secret_value() == key
    shown = settings.shown(datetime(2025, 9, 1, tzinfo=UTC))
    assert key not in repr(settings) + str(shown)
