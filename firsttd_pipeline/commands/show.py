"""`firsttd leaderboard|players|status|settings`: what the database says, as a table, JSON or CSV."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from sqlalchemy import case, func, select

from firsttd_pipeline.commands.context import explained, open_league, settings_or_exit
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, emit
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.storage.schema import games, pick_status, picks, sync_runs, weeks
from firsttd_pipeline.storage.standings import leaderboard_query, players_query

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


@explained
def players(
    season: SeasonOption = None,
    team: Annotated[str | None, typer.Option(help="A team, e.g. KC.")] = None,
    position: Annotated[str | None, typer.Option(help="A position, e.g. WR.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = 25,
    output: FormatOption = Format.TABLE,
) -> None:
    """The season's players, most first touchdowns first."""
    with open_league() as league:
        wanted = season or league.settings.season_at(utc_now())
        rows = league.db.frame(players_query(wanted, team=team, position=position, limit=limit))
    emit(rows, output, title=f"Players {wanted}", empty="No players: run `firsttd nightly` for this season first.")


_SEASON = ("season", "games", "final", "picks", "pending", "last fetch", "outcome")


@explained
def status(output: FormatOption = Format.TABLE) -> None:
    """What is in the database, by season: games, picks by state, and when each source was last fetched."""
    with open_league() as league, league.db.read() as conn:
        seasons = {
            row.season: {
                "season": row.season, "games": row.games, "final": row.final, "picks": 0, "pending": 0,
                "last fetch": "", "outcome": "",
            }
            for row in conn.execute(
                select(
                    games.c.season,
                    func.count().label("games"),
                    func.sum(_one(games.c.status == "final")).label("final"),
                )
                .where(games.c.deleted_at.is_(None)).group_by(games.c.season).order_by(games.c.season)
            )
        }  # fmt: skip
        counted = (
            select(
                weeks.c.season,
                func.count(picks.c.id).label("picks"),
                func.sum(_one(func.coalesce(pick_status.c.status, "pending") == "pending")).label("pending"),
            )
            .join(picks, picks.c.week_id == weeks.c.id)
            .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
            .group_by(weeks.c.season)
        )
        for row in conn.execute(counted):
            if row.season in seasons:
                seasons[row.season] |= {"picks": row.picks, "pending": row.pending}
        newest = select(func.max(sync_runs.c.id)).group_by(sync_runs.c.dataset, sync_runs.c.season)
        fetches = select(sync_runs).where(sync_runs.c.id.in_(newest)).order_by(sync_runs.c.id)
        for fetch in conn.execute(fetches):
            row_ = seasons.setdefault(
                fetch.season,
                {
                    "season": fetch.season,
                    "games": 0,
                    "final": 0,
                    "picks": 0,
                    "pending": 0,
                    "last fetch": "",
                    "outcome": "",
                },
            )
            row_["last fetch"] = fetch.fetched_at.isoformat(timespec="seconds")
            if fetch.status in ("failed", "absent"):
                row_["outcome"] = (
                    f"{row_['outcome']}; " if row_["outcome"] else ""
                ) + f"{fetch.dataset} {fetch.status}"
    rows = [row | {"outcome": row["outcome"] or ("ok" if row["last fetch"] else "")} for row in seasons.values()]
    emit(rows, output, title="Seasons", columns=_SEASON, empty="The database is empty: run `firsttd nightly`.")


@explained
def settings(output: FormatOption = Format.TABLE) -> None:
    """Every setting with its value (secrets masked), and where it comes from."""
    emit(settings_or_exit().shown(utc_now()), output, title="Settings")


def _one(condition: Any) -> Any:
    return case((condition, 1), else_=0)
