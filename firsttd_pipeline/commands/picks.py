"""`firsttd picks add|import|list|remove`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from firsttd_pipeline.commands.context import WRONG_USE, explained, fail, login_name, open_league, stderr
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, emit, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.domain.sheets import OddsError, parse_odds
from firsttd_pipeline.refresh import games, rosters
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.storage import picks
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.pick_import import ImportReport, absent_seasons, import_picks
from firsttd_pipeline.storage.removal import remove_pick
from firsttd_pipeline.storage.season_book import SPECIAL

app = typer.Typer(help="Picks: add one, import a sheet, list, remove.", no_args_is_help=True)

_LISTED = (
    *("pick_id", "member", "week", "game_id", "player", "odds", "status", "reason"),
    *("points", "profit", "team", "position", "typed", "by"),
)
_IMPORTED = ("line", "outcome", "member", "game", "typed", "player", "odds", "reason", "position", "week", "by")

_SURE = 0.97
"""From here on the next best candidate is no news."""

SeasonOption = Annotated[
    int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="The season; default as for nightly.")
]
LateOption = Annotated[str | None, typer.Option("--late", metavar="REASON", help="Take picks after kickoff; kept.")]


class Status(StrEnum):
    """Where a pick stands."""

    PENDING = "pending"
    WON = "won"
    LOST = "lost"
    VOID = "void"


@app.command("add")
@explained
@refusals_explained
def add(
    member: Annotated[str, typer.Argument(help="Who picks.")],
    player: Annotated[str, typer.Argument(help='A player, a defense ("SEA D/ST") or "No touchdown".')],
    week: Annotated[str | None, typer.Option(help="A week, or WC, DIV, CON, SB.")] = None,
    game: Annotated[str | None, typer.Option(help="The game, e.g. 2025_01_DAL_PHI.")] = None,
    team: Annotated[str | None, typer.Option(help="The player's team, where the name alone does not say.")] = None,
    odds: Annotated[str, typer.Option(help="American, e.g. +900; without them: unknown.")] = "",
    season: SeasonOption = None,
    late: LateOption = None,
) -> None:
    """Add a pick. The player is looked for on the rosters of the game's two teams."""
    try:
        american = parse_odds(odds)
    except OddsError as error:
        raise picks.PickRefused(f"The {error}.") from None
    now = utc_now()
    with open_league() as league:
        wanted = season or league.settings.season_at(now)
        for missing in absent_seasons(league.db, [wanted]):
            bring_season_in(league, now)(league.db, missing)
        pick = picks.add_pick(
            league.db,
            picks.PickRequest(member, player, american, week, game, team, late_reason=late),
            season=wanted,
            now=now,
            default_stake=league.settings.stake,
        )
    meant = pick.understood
    price = "odds unknown" if pick.odds is None else f"{pick.odds:+g}"
    stderr.print(safe(f"Pick {pick.id}: {pick.member}, {meant.label}, {meant.game.id}, {price}"), markup=False)
    if meant.method not in ("exact", SPECIAL):
        other = f"; next best: {meant.runner_up}" if meant.runner_up and meant.confidence < _SURE else ""
        how = f"{pick.typed!r} is he by {meant.method}, {meant.confidence:.0%} sure{other}"
        stderr.print(safe(how), markup=False)


@app.command("import")
@explained
@refusals_explained
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE.csv", help="The league's sheet or the plain form; - is stdin.")],
    season: Annotated[
        int | None,
        typer.Option("--season", min=FIRST_SEASON, max=9999, help="Of the sheet; the plain form has its own."),
    ] = None,
    create_members: Annotated[bool, typer.Option("--create-members", help="Names nobody has become members.")] = False,
    late: LateOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, row by row; write nothing.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Import a file of picks: all of it, or nothing, with every bad row named."""
    now = utc_now()
    source: Path | bytes = sys.stdin.buffer.read() if file == "-" else Path(file)
    with open_league() as league:
        report = import_picks(
            league.db,
            source,
            season=season,
            now=now,
            create_members=create_members,
            late_reason=late,
            dry_run=dry_run,
            ensure_season=bring_season_in(league, now),
            default_stake=league.settings.stake,
            default_season=league.settings.season_at(now),
        )
    emit(report.frame(), output, title="Picks of the file", columns=_IMPORTED)
    _tell(report)
    if report.bad:
        raise typer.Exit(WRONG_USE)


def _tell(report: ImportReport) -> None:
    if report.ignored_columns:
        stderr.print(safe(f"Columns not used: {', '.join(report.ignored_columns)}"), markup=False)
    new, there, bad = (report.count(outcome) for outcome in ("new", "already there", "bad"))
    members = f"; new members: {', '.join(report.new_members)}" if report.new_members else ""
    counted = safe(f"{new} new, {there} already there, {bad} bad{members}")
    if bad:
        for row in report.bad:
            stderr.print(safe(f"line {row.line}: {row.typed or 'row'}: {row.reason}"), style="red", markup=False)
        stderr.print(f"Nothing was imported: {counted}. All rows have to be good.", style="red", markup=False)
    elif report.dry_run:
        stderr.print(f"Dry run, nothing was written: {counted}.", markup=False)
    else:
        stderr.print(f"Imported: {counted}.", markup=False)


@app.command("list")
@explained
@refusals_explained
def list_(
    season: SeasonOption = None,
    week: Annotated[int | None, typer.Option(min=1, max=99, help="A week's number.")] = None,
    member: Annotated[str | None, typer.Option(help="One member.")] = None,
    game: Annotated[str | None, typer.Option(help="One game.")] = None,
    status: Annotated[Status | None, typer.Option(help="Where the picks stand.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="How many at most.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List picks with their status, its reason, and their points."""
    with open_league() as league:
        wanted = season or league.settings.season_at(utc_now())
        rows = picks.list_picks(
            league.db,
            season=wanted,
            week=week,
            member=member,
            game_id=game,
            status=status.value if status else None,
            limit=limit,
        )
    emit(rows, output, title=f"Picks {wanted}", empty="none", columns=_LISTED)


@app.command("remove")
@explained
@refusals_explained
def remove(
    pick_id: Annotated[int, typer.Argument(max=MOST, help="The pick's id, as `picks list` shows it.")],
    by: Annotated[str, typer.Option("--by", help="Who removes it; kept. Default: your login name.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why; kept. Needed with a grade that others gave.")] = "",
) -> None:
    """Remove a pick and its grade."""
    with open_league() as league:
        gone = remove_pick(league.db, pick_id, by=by or login_name(), why=why)
    told = f"Removed pick {pick_id}: {gone['member']}, {gone['typed']}, week {gone['week']} of {gone['season']}"
    stderr.print(safe(f"{told}, {gone['status']}"), markup=False)


def bring_season_in(league: League, now: datetime) -> Callable[[Database, int], None]:
    """What brings a season's schedule and rosters into a database, from the league's own source."""

    def ensure(db: Database, season: int) -> None:
        stderr.print(f"Season {season} is not here yet: bringing in its schedule and rosters.", markup=False)
        target = League(league.settings, db, league.client, league.run_id)
        for refresh, what in ((games.refresh, "schedule"), (rosters.refresh, "rosters")):
            report = refresh(target, season, now)
            if report.absence:
                raise fail(f"No {what} of {season} yet: {report.absence}", WRONG_USE)

    return ensure
