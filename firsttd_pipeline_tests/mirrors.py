"""Copies of the nflverse mirror with something changed, and a mirror of three invented games for quick tests.

Each helper rewrites the files of one mirror folder in place; the shared data is only ever linked, never written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from firsttd_pipeline.sources.nflverse import PARTICIPANT_COLUMNS, PATHS, PLAY_COLUMNS

Change = Callable[[pl.DataFrame], pl.DataFrame]


def link_mirror(source: Path, target: Path) -> Path:
    """A mirror at `target` with every file of `source`, without copying; changing one there leaves `source` alone."""
    for file in sorted(source.rglob("*")):
        if file.is_file():
            link = target / file.relative_to(source)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(file.resolve())
    return target


def file_of(mirror: Path, dataset: str, season: int = 0) -> Path:
    """Where a mirror has a dataset (schedules, rosters, weekly_rosters, pbp) of a season."""
    return mirror / f"{PATHS[dataset].format(season=season)}.parquet"


def put(mirror: Path, dataset: str, season: int, frame: pl.DataFrame) -> Path:
    """Write a file of the mirror, replacing the one or the link that was there."""
    path = file_of(mirror, dataset, season)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    frame.write_parquet(part)
    part.replace(path)
    return path


def change(mirror: Path, dataset: str, season: int, fn: Change) -> Path:
    """Read a file, let `fn` change the frame, write it."""
    return put(mirror, dataset, season, fn(pl.read_parquet(file_of(mirror, dataset, season).read_bytes())))


def change_schedule(mirror: Path, fn: Change) -> Path:
    return change(mirror, "schedules", 0, fn)


def change_roster(mirror: Path, season: int, fn: Change) -> Path:
    return change(mirror, "rosters", season, fn)


def change_weekly(mirror: Path, season: int, fn: Change) -> Path:
    return change(mirror, "weekly_rosters", season, fn)


def change_plays(mirror: Path, season: int, fn: Change) -> Path:
    return change(mirror, "pbp", season, fn)


def same_age(mirror: Path, other: Path) -> None:
    """Give every file of `mirror` the time of its like in `other`, so that no date tells them apart."""
    for file in other.rglob("*.parquet"):
        twin = mirror / file.relative_to(other)
        if twin.is_file() and not twin.is_symlink():
            stat = file.stat()
            os.utime(twin, ns=(stat.st_atime_ns, stat.st_mtime_ns))


# --- what upstream corrects -------------------------------------------------------------------------------------------


def set_where(where: pl.Expr, **values: Any) -> Change:
    """A change that sets columns to literal values where `where` holds, keeping their types."""

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        if frame.filter(where).is_empty():
            raise AssertionError(f"nothing to change: no row where {where}")
        return frame.with_columns(
            pl.when(where).then(pl.lit(value, dtype=frame.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )

    return apply


def _play(game_id: str, play_id: float) -> pl.Expr:
    return (pl.col("game_id") == game_id) & (pl.col("play_id") == play_id)


def correct_scorer(
    mirror: Path, season: int, game_id: str, play_id: float, player_id: str | None, name: str | None, **more: Any
) -> None:
    """Upstream names another scorer (None: nobody) for a touchdown; `more` are further columns, e.g. td_team."""
    values = {"td_player_id": player_id, "td_player_name": name, **more}
    change_plays(mirror, season, set_where(_play(game_id, play_id), **values))


def withdraw_touchdown(mirror: Path, season: int, game_id: str, play_id: float) -> None:
    """Upstream takes a touchdown back: the play stays, as after a reversal."""
    gone: dict[str, Any] = dict.fromkeys(("td_team", "td_player_id", "td_player_name"))
    flags = dict.fromkeys(("touchdown", "pass_touchdown", "rush_touchdown", "return_touchdown"), 0.0)
    change_plays(mirror, season, set_where(_play(game_id, play_id), **gone, **flags))


def add_touchdown(
    mirror: Path, season: int, game_id: str, *, order_sequence: float, play_id: float, **values: Any
) -> None:
    """Upstream adds a touchdown to a game: td_team, td_player_id, td_player_name and what else `values` gives.

    It is made from the game's first play, so that team, week and season columns are right.
    """

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        row = frame.filter(pl.col("game_id") == game_id).sort("order_sequence").head(1)
        given = {"order_sequence": order_sequence, "play_id": play_id, "touchdown": 1.0, "rush_touchdown": 1.0}
        given |= values
        return pl.concat([frame, row.with_columns(pl.lit(v, dtype=frame.schema[n]).alias(n) for n, v in given.items())])

    change_plays(mirror, season, apply)


def trade_player(mirror: Path, season: int, gsis_id: str, team: str) -> None:
    """The season's roster has the player on another team: upstream's row has the latest one only."""
    change_roster(mirror, season, set_where(pl.col("gsis_id") == gsis_id, team=team))


def change_score(mirror: Path, game_id: str, *, home: int | None, away: int | None) -> None:
    """The schedule has another score (None: not played); the plays are left as they are."""
    result = None if home is None or away is None else home - away
    total = None if home is None or away is None else home + away
    values = {"home_score": home, "away_score": away, "result": result, "total": total}

    def apply(frame: pl.DataFrame) -> pl.DataFrame:
        given = {name: value for name, value in values.items() if name in frame.columns}
        return set_where(pl.col("game_id") == game_id, **given)(frame)

    change_schedule(mirror, apply)


def rename_game(mirror: Path, old: str, new: str, *, in_plays: bool = True, **values: Any) -> None:
    """A game moved to another week: its id and week change in the schedule, and in the plays of its season.

    `values` are further columns of the schedule: gameday, gametime.
    """
    season, week = int(new[:4]), int(new[5:7])
    change_schedule(mirror, set_where(pl.col("game_id") == old, game_id=new, week=week, **values))
    if not in_plays or not file_of(mirror, "pbp", season).exists():
        return
    moved = pl.col("game_id") == old
    change_plays(
        mirror,
        season,
        lambda plays: plays if plays.filter(moved).is_empty() else set_where(moved, game_id=new, week=week)(plays),
    )


# --- three invented games ---------------------------------------------------------------------------------------------

TINY_SEASON = 2025
TINY_GAMES = ("2025_01_DAL_PHI", "2025_01_KC_LAC", "2025_02_PHI_KC")
TINY_PLAYERS = {
    "00-0000001": ("PHI", "Jalen", "Runner", "QB"),
    "00-0000002": ("PHI", "Saquon", "Carrier", "RB"),
    "00-0000003": ("DAL", "Dak", "Thrower", "QB"),
    "00-0000004": ("DAL", "CeeDee", "Catcher", "WR"),
    "00-0000005": ("KC", "Travis", "Tightend", "TE"),
    "00-0000006": ("KC", "Trent", "Corner", "CB"),
    "00-0000007": ("LAC", "Keenan", "Receiver", "WR"),
    "00-0000008": ("LAC", "Justin", "Passer", "QB"),
}


def tiny_mirror(folder: Path) -> Path:
    """A mirror of season 2025 with three games: two of week 1 played (scores 14-7 and 0-7), one of week 2 to come.

    In the first game Saquon Carrier (PHI) scores first, in the second Trent Corner (KC) by an interception return.
    """
    put(folder, "schedules", 0, _tiny_schedule())
    players = pl.DataFrame(
        [
            {
                "season": TINY_SEASON,
                "team": team,
                "position": position,
                "jersey_number": at,
                "status": "ACT",
                "full_name": f"{first} {last}",
                "first_name": first,
                "last_name": last,
                "football_name": first,
                "gsis_id": gsis_id,
                "esb_id": f"TIN{at:06}",
                "week": 1,
                "game_type": "REG",
            }
            for at, (gsis_id, (team, first, last, position)) in enumerate(TINY_PLAYERS.items(), start=1)
        ],
    )
    put(folder, "rosters", TINY_SEASON, players)
    put(folder, "weekly_rosters", TINY_SEASON, players)
    put(folder, "pbp", TINY_SEASON, _tiny_plays())
    return folder


def _tiny_schedule() -> pl.DataFrame:
    rows = [
        (TINY_GAMES[0], 1, "2025-09-04", "20:20", "DAL", 7, "PHI", 14),
        (TINY_GAMES[1], 1, "2025-09-05", "20:00", "KC", 7, "LAC", 0),
        (TINY_GAMES[2], 2, "2025-09-14", "16:25", "PHI", None, "KC", None),
    ]
    return pl.DataFrame(
        [
            {
                "game_id": game_id,
                "season": TINY_SEASON,
                "game_type": "REG",
                "week": week,
                "gameday": day,
                "gametime": time,
                "away_team": away,
                "away_score": away_score,
                "home_team": home,
                "home_score": home_score,
                "location": "Home",
                "result": None if home_score is None or away_score is None else home_score - away_score,
                "overtime": None if home_score is None else 0,
            }
            for game_id, week, day, time, away, away_score, home, home_score in rows
        ],
        infer_schema_length=None,
    )


def _tiny_plays() -> pl.DataFrame:
    def td(scorer: str, **more: Any) -> dict[str, Any]:
        team, first, last, _ = TINY_PLAYERS[scorer]
        named = {"td_team": team, "td_player_id": scorer, "td_player_name": f"{first[0]}.{last}"}
        return {"touchdown": 1.0, **named, **more}

    games: list[tuple[str, list[dict[str, Any]]]] = [
        (
            TINY_GAMES[0],
            [
                {"posteam": "PHI", "play_type": "kickoff", "desc": "Kickoff to PHI 30."},
                {"posteam": "PHI", "play_type": "run", "desc": "S.Carrier right end for 8 yards, TOUCHDOWN."}
                | td("00-0000002", rush_touchdown=1.0, rusher_player_id="00-0000002", score=(7, 0)),
                {"posteam": "DAL", "play_type": "pass", "desc": "D.Thrower pass to C.Catcher for 20, TOUCHDOWN."}
                | td("00-0000004", pass_touchdown=1.0, receiver_player_id="00-0000004", score=(7, 7))
                | {"passer_player_id": "00-0000003", "complete_pass": 1.0},
                {"posteam": "PHI", "play_type": "run", "desc": "J.Runner up the middle for 1 yard, TOUCHDOWN."}
                | td("00-0000001", rush_touchdown=1.0, rusher_player_id="00-0000001", score=(14, 7)),
            ],
        ),
        (
            TINY_GAMES[1],
            [
                {"posteam": "LAC", "play_type": "kickoff", "desc": "Kickoff, touchback."},
                {"posteam": "LAC", "play_type": "pass", "desc": "J.Passer INTERCEPTED by T.Corner. TOUCHDOWN."}
                | td("00-0000006", return_touchdown=1.0, interception=1.0, score=(0, 7))
                | {"passer_player_id": "00-0000008"},
            ],
        ),
    ]
    rows: list[dict[str, Any]] = []
    for game_id, plays in games:
        _, _, away, home = game_id.split("_")
        score = (0, 0)
        plays = [*plays, {"posteam": None, "play_type": None, "desc": "END GAME", "end": True}]
        for at, play in enumerate(plays, start=1):
            play = dict(play)
            score = play.pop("score", score)
            ended = play.pop("end", False)
            of = play["posteam"]
            mine, theirs = (score if of == home else score[::-1]) if of else (None, None)
            rows.append(
                {
                    "game_id": game_id,
                    "play_id": 50.0 * at,
                    "order_sequence": float(at),
                    "season": TINY_SEASON,
                    "week": 1,
                    "home_team": home,
                    "away_team": away,
                    "defteam": None if of is None else (away if of == home else home),
                    "qtr": 4.0 if ended else 1.0,
                    "time": "00:00" if ended else f"{15 - at:02}:00",
                    "game_seconds_remaining": 0.0 if ended else 3600.0 - 60 * at,
                    "posteam_score_post": mine,
                    "defteam_score_post": theirs,
                    "yardline_100": 10.0,
                    "fixed_drive": 1.0,
                    "fixed_drive_result": "Touchdown",
                    **play,
                }
            )
    text = {"game_id", "home_team", "away_team", "posteam", "defteam", "time", "desc", "play_type", "td_team"}
    text |= {"td_player_id", "td_player_name", "fixed_drive_result", "play_type_nfl", *PARTICIPANT_COLUMNS}
    schema = {
        name: pl.String if name in text else (pl.Int32 if name in ("season", "week") else pl.Float64)
        for name in dict.fromkeys((*PLAY_COLUMNS, *PARTICIPANT_COLUMNS))
    }
    flags = ("touchdown", "pass_touchdown", "rush_touchdown", "return_touchdown", "interception", "fumble")
    return pl.DataFrame([{**dict.fromkeys(flags, 0.0), **row} for row in rows], schema=schema)
