"""`firsttd demo`: the main job over a generated sample season served on loopback, in a home of its own.

Sample prices of its last weeks are served beside it, as the market venues would.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from firsttd_pipeline.commands.context import FAILED, explained, fail, stderr
from firsttd_pipeline.commands.database import bring_up_to_date
from firsttd_pipeline.commands.output import Format, emit
from firsttd_pipeline.commands.picks import bring_season_in
from firsttd_pipeline.commands.run import run_seasons, tell_outcome
from firsttd_pipeline.commands.show import leaderboard_rows
from firsttd_pipeline.commands.ui import serve_ui
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage.market_status import priced_example
from firsttd_pipeline.storage.pick_import import import_picks

DEMO_HOME = Path(".firsttd-demo")
DEMO_SEASON = 2025
DEMO_SEED = 7
MARKET_WEEKS = (19, 22)
"""The weeks whose games have prices: a whole season of them would take longer than all else in the demo."""
MARKET_FLAGS = ("prediction_markets", "kalshi", "polymarket", "polymarket_us", "odds_api")
LATE = "the sample season is generated after its games"


@explained
def demo(
    home: Annotated[Path | None, typer.Option(help="The demo's own home; never a real league's.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives another season.")] = DEMO_SEED,
    ui: Annotated[bool, typer.Option("--ui", help="Open Dagster over the demo afterwards, until Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The UI's port on 127.0.0.1.")] = 3000,
) -> None:
    """Try everything without a network: a sample season, a sample league, the nightly job, the leaderboard."""
    from firsttd_pipeline.sample.league import generate_league
    from firsttd_pipeline.sample.market_server import serve_markets
    from firsttd_pipeline.sample.markets import world_of
    from firsttd_pipeline.sample.season import generate_season
    from firsttd_pipeline.sample.server import serve

    # Seasons of two seeds are two schedules of one year: each has its own home.
    home = home or (DEMO_HOME if seed == DEMO_SEED else DEMO_HOME / f"seed-{seed}")
    folder = home.absolute() / f"sample-{seed}"
    stderr.print(f"Generating a sample season (seed {seed}) in {_shown(folder)} ...", markup=False)
    generate_season(seed, DEMO_SEASON, folder)
    sheet = generate_league(seed, folder)
    world = world_of(folder, [DEMO_SEASON], seed=seed, weeks=MARKET_WEEKS, ghost=False)
    after = max(game.kickoff_at for game in world.games.values()) + timedelta(days=1)
    with serve(folder) as server, serve_markets(world, lambda: after) as markets:
        settings = load_settings(
            home=home.absolute(),
            database_url="",
            nflverse_url=server.url,
            season=DEMO_SEASON,
            backoff=0.1,
            **dict.fromkeys(MARKET_FLAGS, True),
            market_seconds=1200,
            # a shell beside the demo has no key either: `markets status` and the UI then say the same of that venue
            **(markets.settings | {"odds_api_key": ""}),
        )
        bring_up_to_date(settings)
        with League.open(settings) as league:
            report = import_picks(
                league.db,
                sheet,
                season=DEMO_SEASON,
                now=utc_now(),
                create_members=True,
                late_reason=LATE,
                ensure_season=bring_season_in(league, utc_now()),
            )
        if report.bad:
            raise fail(f"{len(report.bad)} sample picks were refused: {report.bad[0].reason}", FAILED)
        stderr.print(
            f"Picks of the sample league: {report.count('new')} new, {report.count('already there')} already there",
            markup=False,
        )
        stderr.print(
            f"Sample prices of Kalshi and Polymarket for the games of weeks {MARKET_WEEKS[0]} to {MARKET_WEEKS[1]} "
            "(the other venues know no prices of the past)",
            markup=False,
        )
        outcome = run_seasons(settings, [DEMO_SEASON])[0]
        tell_outcome(outcome)
        with League.open(settings) as league:
            emit(
                leaderboard_rows(league, DEMO_SEASON, 0),
                Format.TABLE,
                title=f"Leaderboard of the sample season {DEMO_SEASON}",
            )
            example = priced_example(league.db, DEMO_SEASON)
        if not outcome.success:
            raise typer.Exit(FAILED)
        stderr.print(
            "\n".join(["\nNext:", *_next(f"FIRSTTD_HOME={_shown(home)} .venv/bin/firsttd", example)]), markup=False
        )
        if ui:
            raise typer.Exit(serve_ui(settings, port))


def _next(firsttd: str, example: tuple[int, str, str] | None) -> list[str]:
    """What to look at, by commands as they are typed; `example`: a priced pick, its game and player."""
    season = f"--season {DEMO_SEASON}"
    lines = [
        "make demo-ui                        the same in Dagster's UI: graph, checks, metadata, schedule",
        f"{firsttd} players {season}",
        f"{firsttd} picks list {season}",
        f"{firsttd} markets games {season}",
    ]
    if example is not None:
        pick_id, game_id, player_id = example
        lines += [
            f"{firsttd} markets odds {game_id}",
            f"{firsttd} markets odds {game_id} --player {player_id} --plot prices.png",
            f"{firsttd} why {pick_id}",
        ]
    return [f"  {line}" for line in [*lines, "make nightly                        the real season, from nflverse"]]


def _shown(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
