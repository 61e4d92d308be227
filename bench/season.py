"""A dense season from HTTP to every table written and graded, without Dagster; then the same again unchanged.

Plays at upstream's true weight (372 columns, all filled) where the shared data is, else a generated sample season,
which is lighter. A league of 12 members with a pick a week is in the database before: something to grade.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import SHARED, Figure, answer, child, median, report

SEASON = 2025
RUNS = 5
GOALS = {"first": 0.5, "again": 0.2, "peak": 300.0}


@contextmanager
def served_season() -> Iterator[tuple[str, Path, bool]]:
    """(address, folder, whether the plays have upstream's true weight) of a season's files, served on loopback."""
    # imported here: the parent of the measured processes stays small without it
    from firsttd_pipeline.sample.server import serve

    with tempfile.TemporaryDirectory(prefix="firsttd-bench-") as name:
        folder = Path(name) / "files"
        dense = (SHARED / "nflverse_dense" / "pbp").is_dir()
        if dense:
            folder.mkdir()
            for part in ("schedules", "rosters", "weekly_rosters"):
                (folder / part).symlink_to(SHARED / "nflverse" / part)
            (folder / "pbp").symlink_to(SHARED / "nflverse_dense" / "pbp")
        else:
            child("bench.season", "--generate", folder)
        with serve(folder) as served:
            yield served.url, folder, dense


def generate(folder: Path) -> None:
    """Child: a sample season, where the real one is not at hand."""
    from firsttd_pipeline.sample.season import generate_season

    generate_season(1, SEASON, folder)
    answer()


def prepare(home: Path, folder: Path) -> None:
    """Child: an upgraded database with picks as an import leaves them, and games as they stand before kickoff."""
    import csv

    import polars as pl
    from sqlalchemy import insert, select

    from firsttd_pipeline.domain.players import parse_special
    from firsttd_pipeline.domain.resolver import Resolver
    from firsttd_pipeline.sample.league import generate_league
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.schema import games, picks, users, weeks
    from firsttd_pipeline.storage.upgrade import upgrade

    home.mkdir(parents=True, exist_ok=True)
    sheet = generate_league(1, folder, season=SEASON, path=home / "picks.csv")
    with sheet.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    schedule = pl.read_parquet(folder / "schedules" / "games.parquet").filter(pl.col("season") == SEASON)
    roster = pl.read_parquet(folder / "rosters" / f"roster_{SEASON}.parquet").select(
        "team",
        "position",
        "first_name",
        "last_name",
        "football_name",
        "jersey_number",
        player_id="gsis_id",
        player_name="full_name",
    )

    resolver = Resolver(roster)

    def understood(typed: str, game_id: str) -> dict[str, str | None]:
        teams = game_id.split("_")[2:]
        special = parse_special(typed, teams)
        if special:
            team = special.partition(":")[2]
            return {
                "kind": "dst" if team else "no_td",
                "player_id": special,
                "team": team or teams[0],
                "position": None,
            }
        found = resolver.resolve(typed, teams)
        if found.answer is None:
            raise SystemExit(found.reason)
        meant = found.answer.candidate
        return {"kind": "player", "player_id": meant.player_id, "team": meant.team, "position": meant.position}

    db = Database(home / "firsttd.db")
    upgrade(db)
    with db.write() as conn:
        conn.execute(insert(weeks), [{"season": SEASON, "week": week} for week in sorted(set(schedule["week"]))])
        conn.execute(insert(users), [{"name": name} for name in sorted({row["user"] for row in rows})])
        conn.execute(
            insert(games),
            [
                {
                    "id": game,
                    "season": SEASON,
                    "week": week,
                    "game_type": kind,
                    "home_team": home_team,
                    "away_team": away,
                }
                for game, week, kind, home_team, away in schedule.select(
                    "game_id", "week", "game_type", "home_team", "away_team"
                ).iter_rows()
            ],
        )
        member = {row.name: row.id for row in conn.execute(select(users.c.name, users.c.id))}
        week_id = {row.week: row.id for row in conn.execute(select(weeks.c.week, weeks.c.id))}
        conn.execute(
            insert(picks),
            [
                {
                    "user_id": member[row["user"]],
                    "week_id": week_id[int(row["week"])],
                    "player_name": row["player"].strip(),
                    "odds": float(row["odds"]) if row["odds"] else None,
                    "game_id": row["game_id"],
                    **understood(row["player"], row["game_id"]),
                }
                for row in rows
            ],
        )
    db.close()
    answer(picks=len(rows))


def refresh(home: Path, url: str) -> None:
    """Child: the season, refreshed; says how long each part took."""
    start = time.perf_counter()
    from firsttd_pipeline.refresh import STEPS, League
    from firsttd_pipeline.refresh.base import utc_now
    from firsttd_pipeline.settings import load_settings

    settings = load_settings(home=home, nflverse_url=url, season=SEASON)
    imported = time.perf_counter() - start
    steps: dict[str, float] = {}
    changed = 0
    touchdowns = 0
    with League.open(settings) as league:
        now = utc_now()
        for step in STEPS:
            began = time.perf_counter()
            done = step.refresh(league, SEASON, now)
            steps[done.asset] = time.perf_counter() - began
            changed += done.counts.inserted + done.counts.updated + done.counts.retired
            if done.asset == "touchdowns":
                touchdowns = done.counts.inserted + done.counts.unchanged + done.counts.updated
    answer(import_s=imported, inner_s=time.perf_counter() - start, steps=steps, changed=changed, touchdowns=touchdowns)


def floor(folder: Path, url: str, rows: int) -> None:
    """Child: the least that any program with these libraries does, and how long each part of it takes.

    Imports, the season's four files over the wire, the plays parsed (few columns), so many rows in one transaction.
    """
    start = last = time.perf_counter()

    def lap() -> float:
        nonlocal last
        last, before = time.perf_counter(), last
        return last - before

    import io
    import sqlite3

    import polars as pl
    import pydantic_settings  # noqa: F401
    import requests
    import sqlalchemy  # noqa: F401

    parts = {"import the libraries": lap()}
    files = ("schedules/games", "rosters/roster_{}", "weekly_rosters/roster_weekly_{}", "pbp/play_by_play_{}")
    with requests.Session() as session:
        bodies = [session.get(f"{url}{path.format(SEASON)}.parquet", timeout=30).content for path in files]
    parts["fetch the four files"] = lap()
    columns = ["game_id", "play_id", "order_sequence", "touchdown", "td_team", "td_player_id", "posteam", "qtr", "time"]
    frame = pl.read_parquet(io.BytesIO(bodies[-1]), columns=columns)
    parts["parse nine columns of the plays"] = lap()
    db = sqlite3.connect(folder / "floor.db")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d INTEGER, e REAL)")
    lap()
    with db:
        row = ("2025_01_DAL_PHI", "00-0036389", "a player's name", 7, 1.5)
        db.executemany("INSERT INTO t (a, b, c, d, e) VALUES (?, ?, ?, ?, ?)", [row] * rows)
    parts["write as many rows"] = lap()
    db.close()
    answer(parts=parts, inner_s=time.perf_counter() - start, plays=frame.height, mb=sum(map(len, bodies)) / 1e6)


def measure(runs: int = RUNS) -> list[Figure]:
    """First runs, each on a fresh copy of the same database, and second runs after them."""
    first, again, least = [], [], []
    with served_season() as (url, folder, dense), tempfile.TemporaryDirectory(prefix="firsttd-bench-") as name:
        template = Path(name) / "template"
        prepared = child("bench.season", "--prepare", template, "--folder", folder)
        for number in range(runs):
            home = Path(name) / f"home{number}"
            shutil.copytree(template, home)
            first.append(child("bench.season", "--refresh", home, "--url", url))
            again.append(child("bench.season", "--refresh", home, "--url", url))
            rows = str(first[-1]["changed"])
            least.append(child("bench.season", "--floor", home, "--url", url, "--rows", rows))
            shutil.rmtree(home)
    if not first[0]["changed"] or any(run["changed"] for run in again):
        raise SystemExit(f"the first run has to write and the second not: {first[0]['changed']}, {again[0]['changed']}")
    weight = "dense" if dense else "sample (lighter than upstream's)"
    note = f"{weight} season, {first[0]['touchdowns']} touchdowns, {prepared['picks']} picks"
    figures = [
        Figure("season", "first run, whole process", median(first, "wall_s"), "s", GOALS["first"], note),
        Figure("season", "first run, from the first import", median(first, "inner_s"), "s"),
        Figure("season", "first run, CPU", median(first, "cpu_s"), "s"),
        Figure("season", "first run, peak memory", median(first, "peak_mb"), "MB", GOALS["peak"]),
        Figure("season", "unchanged, whole process", median(again, "wall_s"), "s", GOALS["again"]),
        Figure("season", "unchanged, from the first import", median(again, "inner_s"), "s"),
        Figure("season", "unchanged, CPU", median(again, "cpu_s"), "s"),
        Figure("season", "unchanged, peak memory", median(again, "peak_mb"), "MB", GOALS["peak"]),
        Figure("season", "imports alone", median(first, "import_s"), "s"),
    ]
    for label, runs_ in (("first run", first), ("unchanged", again)):
        figures += [
            Figure("season", f"{label}: {step}", sorted(run["steps"][step] for run in runs_)[len(runs_) // 2], "s")
            for step in first[0]["steps"]
        ]
    note = f"{least[0]['mb']:.1f} MB, {first[0]['changed']:,} rows"
    figures.append(Figure("season", "floor, whole process", median(least, "wall_s"), "s", None, note))
    figures.append(Figure("season", "floor, peak memory", median(least, "peak_mb"), "MB"))
    figures += [
        Figure("season", f"floor: {part}", sorted(run["parts"][part] for run in least)[len(least) // 2], "s")
        for part in least[0]["parts"]
    ]
    return figures


def main() -> None:
    """The parent without arguments; the options are its children."""
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--generate", "--prepare", "--refresh", "--floor", "--folder"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--url", default="")
    options = parser.parse_args()
    if options.generate:
        generate(options.generate)
    elif options.prepare:
        prepare(options.prepare, options.folder)
    elif options.refresh:
        refresh(options.refresh, options.url)
    elif options.floor:
        floor(options.floor, options.url, options.rows)
    else:
        report("season", measure())


if __name__ == "__main__":
    main()
