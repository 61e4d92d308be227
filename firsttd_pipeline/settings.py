"""Every setting of the product: read from the environment and `.env`, validated once, one clear message per mistake.

No other module reads FIRSTTD_* variables. Secrets (a password inside an address) are masked wherever they are shown.
"""

from __future__ import annotations

import math
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.domain.seasons import FIRST_SEASON, default_season, newest_season
from firsttd_pipeline.masking import mask_secrets

UPSTREAM_NFLVERSE = "https://github.com/nflverse/nflverse-data/releases/download/"
UPSTREAM_KALSHI = "https://api.elections.kalshi.com/trade-api/v2/"
UPSTREAM_POLYMARKET = "https://gamma-api.polymarket.com/"
UPSTREAM_POLYMARKET_HISTORY = "https://clob.polymarket.com/"
UPSTREAM_POLYMARKET_US = "https://gateway.polymarket.us/"
UPSTREAM_ODDS_API = "https://api.the-odds-api.com/"
ENV_PREFIX = "FIRSTTD_"

_ALLOWED = {
    "home": "a folder that can be created or written",
    "database_url": "a file, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
    "nflverse_url": "an http:// or https:// address, the base of nflverse's release downloads",
    "season": f"a season, {FIRST_SEASON} to the newest, which begins on 1 March",
    "timezone": "a name of the time zone database, e.g. America/New_York",
    "scoring": "stacking, exclusive or profit",
    "stake": "a number of units above 0",
    "dst_picks": "pays or off",
    "official_after_days": "a whole number of days, 0 to 365",
    "legacy_grades": "keep or replace",
    "connect_timeout": "seconds, above 0 to 600",
    "read_timeout": "seconds, above 0 to 600",
    "download_timeout": "seconds, above 0 to 3600",
    "retries": "a whole number, 0 to 10",
    "backoff": "seconds, 0 to 60",
    "busy_timeout": "seconds, above 0 to 600",
    "look_every": "seconds, 1 to 86400",
    "prediction_markets": "on or off",
    "kalshi": "on or off",
    "polymarket": "on or off",
    "polymarket_us": "on or off",
    "odds_api": "on or off",
    "kalshi_url": "an http:// or https:// address",
    "polymarket_url": "an http:// or https:// address",
    "polymarket_history_url": "an http:// or https:// address",
    "polymarket_us_url": "an http:// or https:// address",
    "odds_api_url": "an http:// or https:// address",
    "odds_api_key": "the key that The Odds API gave you: letters and digits",
    "odds_api_reserve": "a whole number of requests, 0 or more",
    "kalshi_rate": "requests a second, above 0 to 1000",
    "polymarket_rate": "requests a second, above 0 to 1000",
    "polymarket_us_rate": "requests a second, above 0 to 1000",
    "odds_api_rate": "requests a second, above 0 to 1000",
    "market_seconds": "seconds, 1 to 3600",
    "market_max_width": "dollars, above 0 to 1",
    "market_field_share": "a share, above 0 to 1",
    "market_every": "minutes that divide an hour: 5, 6, 10, 12, 15, 20, 30 or 60",
    "market_from": "an hour of the day, 0 to 23",
    "market_keep_days": "a whole number of days, 1 to 3650",
    "no_touchdown_rate": "a share of games, 0 to 0.1",
}


class SettingsError(ValueError):
    """One or more settings are wrong; the message names each variable, its value and what is allowed."""


class Settings(BaseSettings):
    """The settings, validated. Build with `load_settings()`, which turns mistakes into one `SettingsError`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    home: Path = Field(default=Path(".firsttd"), description="the database and the Dagster home")
    database_url: str = Field(default="", description="the league's database; default firsttd.db in FIRSTTD_HOME")
    nflverse_url: str = Field(default=UPSTREAM_NFLVERSE, description="base address of nflverse's release downloads")
    season: int = Field(default=0, description="the season that `nightly` runs; default by the date in New York")
    timezone: str = Field(default="America/New_York", description="of the schedule and of dates shown")
    connect_timeout: float = Field(default=5.0, gt=0, le=600, description="seconds to open a connection")
    read_timeout: float = Field(default=30.0, gt=0, le=600, description="seconds without a byte")
    download_timeout: float = Field(default=300.0, gt=0, le=3600, description="seconds for one whole file")
    retries: int = Field(default=3, ge=0, le=10, description="further tries after a failure that may pass")
    backoff: float = Field(default=0.5, ge=0, le=60, description="seconds before the first retry, doubling")
    busy_timeout: float = Field(default=30.0, gt=0, le=600, description="seconds to wait for a locked database")
    look_every: float = Field(
        default=300.0, ge=1, le=86400, description="seconds between looks at upstream for plays that are late"
    )
    scoring: Literal["stacking", "exclusive", "profit"] = Field(default="stacking", description="how points are given")
    stake: float = Field(default=1.0, description="units on a pick of a member without a base bet")
    dst_picks: Literal["pays", "off"] = Field(default="pays", description="whether a D/ST pick can win")
    official_after_days: int = Field(default=10, ge=0, le=365, description="days after kickoff a grade is provisional")
    legacy_grades: Literal["keep", "replace"] = Field(
        default="keep", description="grades of other programs that the plays contradict"
    )

    prediction_markets: bool = Field(default=True, description="whether market venues are asked at all")
    kalshi: bool = Field(default=True, description="whether Kalshi is asked")
    polymarket: bool = Field(default=True, description="whether Polymarket is asked")
    polymarket_us: bool = Field(default=True, description="whether Polymarket US is asked")
    odds_api: bool = Field(default=True, description="whether The Odds API is asked; it needs a key")
    kalshi_url: str = Field(default=UPSTREAM_KALSHI, description="base address of Kalshi's Trade API v2")
    polymarket_url: str = Field(default=UPSTREAM_POLYMARKET, description="base address of Polymarket's Gamma API")
    polymarket_history_url: str = Field(
        default=UPSTREAM_POLYMARKET_HISTORY, description="base address of Polymarket's price history"
    )
    polymarket_us_url: str = Field(default=UPSTREAM_POLYMARKET_US, description="base address of Polymarket US")
    odds_api_url: str = Field(default=UPSTREAM_ODDS_API, description="base address of The Odds API")
    odds_api_key: SecretStr = Field(default=SecretStr(""), description="key of The Odds API; without one it is off")
    odds_api_reserve: int = Field(default=50, ge=0, description="requests of the plan that are never used up")
    kalshi_rate: float = Field(default=15.0, gt=0, le=1000, description="requests a second at most")
    polymarket_rate: float = Field(default=20.0, gt=0, le=1000, description="requests a second at most")
    polymarket_us_rate: float = Field(default=5.0, gt=0, le=1000, description="requests a second at most")
    odds_api_rate: float = Field(default=5.0, gt=0, le=1000, description="requests a second at most")
    market_seconds: float = Field(default=240.0, ge=1, le=3600, description="for one venue in one run, waits included")
    market_max_width: float = Field(
        default=0.10, gt=0, le=1, description="a book as wide as this, in dollars, gives no probability"
    )
    market_field_share: float = Field(
        default=0.8, gt=0, le=1, description="share of a game's legs with a price that a fair probability needs"
    )
    no_touchdown_rate: float = Field(
        default=0.006, ge=0, le=0.1, description="taken as the chance of no touchdown where a venue has no such leg"
    )
    market_every: int = Field(default=15, description="minutes between two snapshots on a game day")
    market_from: int = Field(default=6, ge=0, le=23, description="hour of a game day when its snapshots begin")
    market_keep_days: int = Field(
        default=30, ge=1, le=3650, description="days after which snapshots are thinned to hourly and closing ones"
    )

    @field_validator("home")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        value = value.expanduser()
        return value if value.is_absolute() else Path.cwd() / value

    @field_validator("market_every")
    @classmethod
    def _divides_an_hour(cls, value: int) -> int:
        if value < 5 or 60 % value:
            raise ValueError("does not divide an hour")
        return value

    @field_validator("odds_api_key")
    @classmethod
    def _key_given(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value().strip()
        if key and not re.fullmatch(r"[A-Za-z0-9_-]{8,128}", key):
            raise ValueError("not a key")
        return SecretStr(key)

    @field_validator(
        "nflverse_url", "kalshi_url", "polymarket_url", "polymarket_history_url", "polymarket_us_url", "odds_api_url"
    )
    @classmethod
    def _base_address(cls, value: str) -> str:
        parts = urlsplit(value.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http(s) address")
        if parts.query or parts.fragment:
            raise ValueError("an address with a query or fragment is no base")
        path = parts.path if parts.path.endswith("/") else parts.path + "/"
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))

    @field_validator("season", mode="before")
    @classmethod
    def _season_given(cls, value: Any) -> Any:
        return 0 if isinstance(value, str) and not value.strip() else value

    @field_validator("season")
    @classmethod
    def _season_known(cls, value: int) -> int:
        if value and not FIRST_SEASON <= value <= newest_season(datetime.now(UTC)):
            raise ValueError("no such season")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except Exception as error:
            raise ValueError("unknown time zone") from error
        return value

    @field_validator("stake")
    @classmethod
    def _stake(cls, value: float) -> float:
        if not math.isfinite(value) or value <= 0:
            raise ValueError("not a stake")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        value = value.strip()
        if "://" in value and not re.match(r"(sqlite|postgresql|postgres)(\+\w+)?://", value):
            raise ValueError("not SQLite or PostgreSQL")
        return value

    # --- what the rest of the code asks for ---------------------------------------------------------------------------

    @property
    def database(self) -> str:
        """The database's address, the default resolved."""
        return self.database_url or f"sqlite:///{self.home / 'firsttd.db'}"

    @property
    def raw_dir(self) -> Path:
        """Where fetched files are kept beside what was made of them."""
        return self.home / "raw"

    @property
    def rules(self) -> RulePack:
        """The league's rule pack."""
        return RulePack(
            scoring=self.scoring,
            stake=self.stake,
            dst_picks=self.dst_picks,
            official_after_days=self.official_after_days,
        )

    def season_at(self, now: datetime) -> int:
        """The season to run: FIRSTTD_SEASON, else by the date in New York at `now` (aware)."""
        return self.season or default_season(now)

    def shown(self, now: datetime) -> list[dict[str, str]]:
        """One row per setting for people: variable, value (secrets masked), where it comes from, meaning."""
        rows = []
        for name, field in type(self).model_fields.items():
            given = name in self.model_fields_set
            value = str(getattr(self, name))
            if name == "database_url":
                value = mask_secrets(self.database)
            elif name.endswith("_url"):
                value = mask_secrets(value)
            elif isinstance(field.default, bool):
                value = "on" if getattr(self, name) else "off"
            elif name == "season":
                value = str(self.season_at(now))
                given = bool(self.season)
            rows.append(
                {
                    "variable": ENV_PREFIX + name.upper(),
                    "value": value,
                    "from": "set" if given else "default",
                    "meaning": field.description or "",
                }
            )
        return rows


def load_settings(**overrides: Any) -> Settings:
    """Read and validate the settings; `overrides` (field names) win over the environment.

    Raises:
        SettingsError: names each wrong variable, its value and what is allowed.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = str(problem["loc"][0]) if problem["loc"] else "settings"
            name = name.lower().removeprefix(ENV_PREFIX.lower())
            value = "***" if name.endswith("_key") else mask_secrets(str(problem.get("input")))
            lines.append(f"{ENV_PREFIX}{name.upper()} is {value!r}: allowed is {_ALLOWED.get(name, problem['msg'])}")
        raise SettingsError("\n".join(lines)) from None
    unknown = _unknown_variables()
    if unknown:
        raise SettingsError("\n".join(unknown))
    return settings


def _unknown_variables() -> list[str]:
    from difflib import get_close_matches

    known = {ENV_PREFIX + name.upper() for name in Settings.model_fields} | {"FIRSTTD_SHARED"}
    given = {name.upper(): value or "" for name, value in DotEnvSettingsSource(Settings).env_vars.items()}
    given |= os.environ
    lines = []
    for name in sorted(given):
        if name.startswith(ENV_PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            lines.append(f"{name} is {mask_secrets(given[name])!r}: there is no such setting{hint}")
    return lines
