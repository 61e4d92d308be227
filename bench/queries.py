"""The hot queries on a league of 1,000 members: leaderboard and position filter, at 10,000 to 1,000,000 picks, SQLite.

Each size has a database and a child process of its own; a query's time is from the call to rows in hand.
CPU time is told beside it: on a machine that others use, only it is the query's own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bench.measure import Figure, answer, child, percentile, report

SIZES = (10_000, 100_000, 1_000_000)
MEMBERS = 1_000
SEASON = 2025
RUNS = 600
GOALS = {"leaderboard": 5.0, "leaderboard, all members": 5.0, "position": 2.0}


def build(path: Path, picks: int) -> None:
    """A database with a league of so many picks."""
    from firsttd_pipeline.sample.league import bulk_league
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.upgrade import upgrade

    db = Database(path)
    upgrade(db)
    start = time.perf_counter()
    bulk_league(db, MEMBERS, picks, 1, season=SEASON)
    seconds = time.perf_counter() - start
    db.close()
    answer(build_s=seconds, size_mb=path.stat().st_size / 1e6)


def query(path: Path) -> None:
    """Time every query on the database."""
    from sqlalchemy import select

    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.schema import picks, results, weeks
    from firsttd_pipeline.storage.standings import leaderboard_query, players_query

    db = Database(path)
    rng = Random(1)
    positions, teams = ("QB", "RB", "WR", "TE"), ("KC", "SEA", "BUF", "NE")

    def member_week() -> Any:
        return (
            select(picks.c.player_name, picks.c.team, picks.c.odds, results.c.is_correct, results.c.actual_return)
            .join(weeks, weeks.c.id == picks.c.week_id)
            .outerjoin(results, results.c.pick_id == picks.c.id)
            .where(
                picks.c.user_id == rng.randint(1, MEMBERS), weeks.c.season == SEASON, weeks.c.week == rng.randint(1, 18)
            )
        )

    queries: dict[str, Callable[[], Any]] = {
        "leaderboard": lambda: leaderboard_query(SEASON, limit=100),
        "leaderboard of a week": lambda: leaderboard_query(SEASON, rng.randint(1, 18), limit=100),
        "leaderboard, all members": lambda: leaderboard_query(SEASON),
        "position": lambda: players_query(SEASON, position=rng.choice(positions), limit=25),
        "position and team": lambda: players_query(SEASON, position=rng.choice(positions), team=rng.choice(teams)),
        "a member's week of picks": member_week,
    }
    times: dict[str, list[float]] = {name: [] for name in queries}
    cpu: dict[str, list[float]] = {name: [] for name in queries}
    rows: dict[str, int] = {}
    with db.read() as conn:
        for name, make in queries.items():
            for turn in range(RUNS + 50):
                statement = make()
                start, worked = time.perf_counter(), time.thread_time()
                found = conn.execute(statement).all()
                spent, work = time.perf_counter() - start, time.thread_time() - worked
                if turn >= 50:
                    times[name].append(spent * 1000)
                    cpu[name].append(work * 1000)
                rows[name] = max(rows.get(name, 0), len(found))
    floor = driver_alone(
        path, str(leaderboard_query(SEASON).compile(db.engine, compile_kwargs={"literal_binds": True}))
    )
    db.close()
    empty = [name for name, count in rows.items() if not count]
    if empty:
        raise SystemExit(f"no rows: {empty}")
    answer(
        p50={name: percentile(values, 0.5) for name, values in times.items()},
        p99={name: percentile(values, 0.99) for name, values in times.items()},
        cpu_p99={name: percentile(values, 0.99) for name, values in cpu.items()},
        rows=rows,
        floor_p50=percentile(floor, 0.5),
        floor_p99=percentile(floor, 0.99),
    )


def driver_alone(path: Path, sql: str) -> list[float]:
    """Milliseconds of the whole standings through Python's own driver, without anything of ours or SQLAlchemy's."""
    import sqlite3

    times = []
    with sqlite3.connect(path) as conn:
        for _ in range(RUNS):
            start = time.perf_counter()
            conn.execute(sql).fetchall()
            times.append((time.perf_counter() - start) * 1000)
    conn.close()
    return times


def measure(sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """Build and query every size; figures of the largest carry the goals, growth is against the smallest."""
    found: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="firsttd-bench-") as folder:
        for size in sizes:
            path = Path(folder) / f"league_{size}.db"
            built = child("bench.queries", "--build", path, "--picks", str(size))
            found[size] = built | child("bench.queries", "--query", path)
            for part in Path(folder).iterdir():
                part.unlink()
    small, large = sizes[0], sizes[-1]
    figures = []
    for name in found[large]["p99"]:
        for size in sizes:
            run = found[size]
            figures.append(
                Figure(
                    "queries",
                    f"{name}, {size:,} picks: p99",
                    run["p99"][name],
                    "ms",
                    GOALS.get(name) if size == large else None,
                    f"p50 {run['p50'][name]:.3f} ms, CPU p99 {run['cpu_p99'][name]:.3f} ms, {run['rows'][name]} rows",
                )
            )
        growth = found[large]["p50"][name] / found[small]["p50"][name]
        figures.append(Figure("queries", f"{name}: p50 growth, picks x{large // small}", growth, "x"))
    run = found[large]
    note = f"p50 {run['floor_p50']:.3f} ms"
    figures.append(Figure("queries", "floor: all members, driver alone: p99", run["floor_p99"], "ms", None, note))
    figures.append(Figure("queries", f"building {large:,} picks", found[large]["build_s"], "s"))
    figures.append(Figure("queries", f"database of {large:,} picks", found[large]["size_mb"], "MB"))
    return figures


def main() -> None:
    """The parent without arguments; `--build` and `--query` are its children."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--query", type=Path)
    parser.add_argument("--picks", type=int, default=SIZES[0])
    options = parser.parse_args()
    if options.build:
        build(options.build, options.picks)
    elif options.query:
        query(options.query)
    else:
        report("queries", measure())


if __name__ == "__main__":
    main()
