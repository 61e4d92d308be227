"""Seasons, weeks and kickoffs: which season it is, when a game starts, its state, when upstream's files are due.

Dates of the league are dates in New York, never the host's; instants are aware and in UTC. `now` is always given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

FIRST_SEASON: Final = 1999
"""The first season of nflverse's schedules and plays."""
NEW_YORK: Final = "America/New_York"
IN_PROGRESS: Final = timedelta(hours=6)
"""How long after kickoff a game without scores counts as being played."""
ROUNDS: Final = ("WC", "DIV", "CON", "SB")
GAME_TYPES: Final = ("REG", *ROUNDS)
_ROUND_NAMES: Final = {
    "WC": "Wild Card",
    "DIV": "Divisional Round",
    "CON": "Conference Championships",
    "SB": "Super Bowl",
}
_SEASON_TURNS: Final = (3, 15)


def _today(now: datetime, tz: str = NEW_YORK) -> date:
    if now.tzinfo is None:
        raise ValueError(f"naive datetime {now!r}: give an aware one (a timezone is part of the fact)")
    return now.astimezone(ZoneInfo(tz)).date()


# --- which season -----------------------------------------------------------------------------------------------------


def default_season(now: datetime, tz: str = NEW_YORK) -> int:
    """The season to run at `now` (aware): from 15 March the calendar year in `tz`, before it the year before.

    So a new season's first week is there before it is played, and February's Super Bowl is the old season's.
    """
    today = _today(now, tz)
    return today.year if (today.month, today.day) >= _SEASON_TURNS else today.year - 1


def newest_season(now: datetime, tz: str = NEW_YORK) -> int:
    """The newest season there is at `now` (aware): a season begins on 1 March of its year in `tz`, as partitions do."""
    today = _today(now, tz)
    return today.year if today.month >= 3 else today.year - 1


def roster_due(season: int, now: datetime) -> bool:
    """Whether this season's rosters are upstream: from 15 March of its year (nflreadpy's rule, New York's date)."""
    return season <= default_season(now)


def schedule_due(season: int, now: datetime) -> bool:
    """Whether this season's schedule has to be upstream: from 1 June of its year, New York's date (the league
    announces it in the middle of May)."""
    return _today(now) >= date(season, 6, 1)


def season_opens(season: int) -> date:
    """The Thursday after Labor Day (the first Monday of September): the date from which upstream has plays."""
    first = date(season, 9, 1)
    labor_day = first + timedelta(days=-first.weekday() % 7)
    return labor_day + timedelta(days=3)


def plays_due(season: int, now: datetime) -> bool:
    """Whether upstream's plays and weekly rosters of this season exist: from the Thursday after Labor Day (nflreadpy's
    rule, New York's date)."""
    return _today(now) >= season_opens(season)


# --- kickoffs ---------------------------------------------------------------------------------------------------------


def kickoff_at(gameday: str | None, gametime: str | None) -> datetime | None:
    """The kickoff as an instant in UTC, from nflverse's Eastern date (`2025-09-04`) and time (`20:20`).

    None where date or time is missing or cannot be read: a game whose time is not set has no kickoff yet.
    """
    if not gameday or not gametime:
        return None
    try:
        local = datetime.strptime(f"{gameday.strip()} {gametime.strip()}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 - next line
    except ValueError:
        return None
    return local.replace(tzinfo=ZoneInfo(NEW_YORK)).astimezone(UTC)


def kickoff_expr(gameday: str = "gameday", gametime: str = "gametime") -> pl.Expr:
    """`kickoff_at` over the schedule's columns: Datetime(us, UTC), null where date or time is missing or unreadable."""
    text = pl.concat_str([pl.col(gameday).str.strip_chars(), pl.col(gametime).str.strip_chars()], separator=" ")
    return (
        text.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us", strict=False)
        .dt.replace_time_zone(NEW_YORK, ambiguous="earliest", non_existent="null")
        .dt.convert_time_zone("UTC")
    )


def game_status(home_score: int | None, away_score: int | None, kickoff: datetime | None, now: datetime) -> str:
    """`final` with both scores and kickoff past, `in_progress` without scores up to 6 hours after kickoff, else
    `scheduled`. No upstream column says it (grading.md, point 20)."""
    started = kickoff is not None and kickoff <= now
    if home_score is not None and away_score is not None:
        return "final" if started else "scheduled"
    if home_score is not None or away_score is not None:
        return "scheduled"
    return "in_progress" if kickoff is not None and started and now < kickoff + IN_PROGRESS else "scheduled"


def status_expr(
    now: datetime, home_score: str = "home_score", away_score: str = "away_score", kickoff: str = "kickoff_at"
) -> pl.Expr:
    """`game_status` over columns (scores, and kickoff as an aware datetime)."""
    home, away, start = pl.col(home_score), pl.col(away_score), pl.col(kickoff)
    if now.tzinfo is None:
        raise ValueError(f"naive datetime {now!r}: give an aware one (a timezone is part of the fact)")
    instant = pl.lit(now.astimezone(UTC), dtype=pl.Datetime("us", "UTC"))
    begun = start <= instant
    unscored = home.is_null() & away.is_null()
    return (
        pl.when(home.is_not_null() & away.is_not_null() & begun)
        .then(pl.lit("final"))
        .when(unscored & begun & (instant < start + IN_PROGRESS))
        .then(pl.lit("in_progress"))
        .otherwise(pl.lit("scheduled"))
    )


# --- game ids and weeks -----------------------------------------------------------------------------------------------

_GAME_ID: Final = re.compile(r"(\d{4})_(\d{2})_([A-Z]{2,3})_([A-Z]{2,3})")


@dataclass(frozen=True, slots=True)
class GameId:
    """The parts of nflverse's game_id `2025_22_SEA_NE`; the codes are the schedule's, old ones included."""

    season: int
    week: int
    away: str
    home: str

    def __str__(self) -> str:
        return f"{self.season}_{self.week:02d}_{self.away}_{self.home}"


def parse_game_id(text: str) -> GameId | None:
    """The parts of a game_id; None where the text is none."""
    match = _GAME_ID.fullmatch(text.strip())
    if match is None or not match.group(0).isascii():
        return None
    season, week, away, home = match.groups()
    if not 1 <= int(week) <= last_week(int(season)) or away == home:
        return None
    return GameId(int(season), int(week), away, home)


def regular_weeks(season: int) -> int:
    """Weeks of the regular season: 17 until 2020, 18 from 2021."""
    return 17 if season <= 2020 else 18


def last_week(season: int) -> int:
    """The Super Bowl's week number: 21 until 2020, 22 from 2021."""
    return regular_weeks(season) + len(ROUNDS)


def playoff_week(season: int, playoff_round: str) -> int:
    """The week number of a playoff round (WC, DIV, CON, SB): 18-21 until 2020, 19-22 from 2021.

    Raises:
        ValueError: no such round.
    """
    key = playoff_round.strip().upper()
    if key not in ROUNDS:
        raise ValueError(f"no playoff round is called {playoff_round!r}: allowed are {', '.join(ROUNDS)}")
    return regular_weeks(season) + 1 + ROUNDS.index(key)


def game_type_of(season: int, week: int) -> str:
    """REG, WC, DIV, CON or SB.

    Raises:
        ValueError: the season has no such week.
    """
    if not 1 <= week <= last_week(season):
        raise ValueError(f"season {season} has no week {week}: weeks are 1 to {last_week(season)}")
    regular = regular_weeks(season)
    return "REG" if week <= regular else ROUNDS[week - regular - 1]


def week_label(season: int, week: int, game_type: str | None = None) -> str:
    """A week for people: `Week 5`, `Wild Card`, `Super Bowl`; week 0 is the `Season`."""
    if week == 0:
        return "Season"
    kind = game_type or (game_type_of(season, week) if week <= last_week(season) else "REG")
    return _ROUND_NAMES.get(kind, f"Week {week}")
