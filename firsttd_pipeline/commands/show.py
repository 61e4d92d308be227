"""`firsttd leaderboard|status|settings`: what the database says, as a table, JSON or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from firsttd_pipeline.commands.context import explained, open_league, settings_or_exit, stderr
from firsttd_pipeline.commands.output import Format, FormatOption, emit
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.storage.market_status import venue_states
from firsttd_pipeline.storage.run_failures import open_failures
from firsttd_pipeline.storage.standings import leaderboard_query, seasons_overview

if TYPE_CHECKING:
    import polars as pl

SeasonOption = Annotated[
    int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="The season; default as for nightly.")
]


@explained
def leaderboard(
    season: SeasonOption = None,
    week: Annotated[int, typer.Option(min=0, max=99, help="A week; 0 is the season's total.")] = 0,
    output: FormatOption = Format.TABLE,
) -> None:
    """The standings of a season or of one of its weeks."""
    with open_league() as league:
        wanted = season or league.settings.season_at(utc_now())
        rows = leaderboard_rows(league, wanted, week)
    title = f"Leaderboard {wanted}" + (f", week {week}" if week else "")
    emit(rows, output, title=title, empty="No standings: run `firsttd nightly` after picks are in.")


def leaderboard_rows(league: League, season: int, week: int) -> pl.DataFrame:
    """The standings as rows for people: best first, ties by name."""
    return league.db.frame(leaderboard_query(season, week))


_FAILURES_SHOWN = 10
_SEASON = ("season", "games", "final", "picks", "pending", "last fetch", "outcome")


@explained
def status(output: FormatOption = Format.TABLE) -> None:
    """What is in the database, by season: games, picks by state, last fetches; and on stderr the runs that failed."""
    with open_league() as league:
        rows = seasons_overview(league.db)
        failed = league.db.frame(open_failures())
        venues = venue_states(league.db) if league.settings.prediction_markets else []
    emit(rows, output, title="Seasons", columns=_SEASON, empty="The database is empty: run `firsttd nightly`.")
    if venues:
        asked, states = venues[-1]
        told = ", ".join(f"{name} {state}" for name, state in states)
        stderr.print(f"Markets {asked}: {told} (`firsttd markets status --season {asked}`)", markup=False)
    for failure in failed.head(_FAILURES_SHOWN).iter_rows(named=True):
        where = f"{failure['job']} at {failure['step']}" if failure["step"] else failure["job"]
        season = f"season {failure['season']}" if failure["season"] else "no season"
        said = f"failed {failure['happened_at']:%Y-%m-%d %H:%M} UTC: {where}, {season}, run {failure['run_id'][:8]}: "
        stderr.print(said + " ".join(failure["error"].split()), style="red", markup=False)
    if failed.height > _FAILURES_SHOWN:
        stderr.print(f"and {failed.height - _FAILURES_SHOWN} more failed runs, see the UI (make ui)", style="red")


@explained
def settings(output: FormatOption = Format.TABLE) -> None:
    """Every setting with its value (secrets masked), and where it comes from."""
    emit(settings_or_exit().shown(utc_now()), output, title="Settings")
