"""`firsttd reconcile`: the grades of other programs that the plays contradict, and accepting what the plays say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from firsttd_pipeline.commands.context import explained, login_name, open_league, stderr
from firsttd_pipeline.commands.grade import FOLLOWS
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, counted, emit, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.storage.grades import GradeRefused
from firsttd_pipeline.storage.reconcile import ACCEPTED, accept, open_disagreements

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

COLUMNS = (
    *("pick_id", "member", "season", "week", "typed", "player", "old_grade", "new_grade", "old_scorer", "new_scorer"),
    *("old_points", "new_points", "old_profit", "new_profit", "rank_before", "rank_after", "rank_after_all"),
    *("what", "game_id", "quarter", "clock", "play", "reason"),
)


@explained
@refusals_explained
def reconcile(
    season: Annotated[
        int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="One season; default: every season.")
    ] = None,
    accepted: Annotated[
        list[str] | None, typer.Option("--accept", metavar="all|PICK", help="Let the plays' grade stand; repeatable.")
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="PICK", help="Further picks to accept.")] = None,
    by: Annotated[str, typer.Option("--by", help="Who accepts; kept. Default: your login name.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why; kept.")] = ACCEPTED,
    output: FormatOption = Format.TABLE,
) -> None:
    """List the grades that other programs wrote and the plays contradict; --accept lets the plays' grade stand."""
    now = utc_now()
    if more and not accepted:
        raise GradeRefused("Picks are named with --accept: `firsttd reconcile --accept 12 --accept 15`.")
    with open_league() as league:
        if accepted:
            rows = _accept(league, season, [*accepted, *(more or [])], by or login_name(), why, now)
        else:
            rows = open_disagreements(league.db, season, league.settings, now)
    title = f"{'Accepted' if accepted else 'Grades that the plays contradict'}{f' {season}' if season else ''}"
    emit(rows, output, title=title, empty="none", columns=COLUMNS)
    if accepted:
        stderr.print(
            safe(f"{counted(rows.height, 'grade is', 'grades are')} the plays' now. {FOLLOWS}")
            if rows.height
            else "Nothing to accept."
        )
    elif rows.height:
        open_ = counted(rows.height, "grade of another program stands", "grades of another program stand")
        told = (
            f"{open_} against the plays. To let the plays stand: "
            "`firsttd reconcile --accept all` (or the picks instead of all)."
        )
        stderr.print(told, markup=False)


def _accept(league: League, season: int | None, named: list[str], by: str, why: str, now: datetime) -> pl.DataFrame:
    words = [word.casefold() for text in named for word in text.replace(",", " ").split()]
    if "all" in words and len(words) > 1:
        raise GradeRefused("Accept all, or the picks: not both.")
    wrong = [word for word in words if word != "all" and not (word.isascii() and word.isdigit() and int(word) <= MOST)]
    if wrong or not words:
        raise GradeRefused(f"{', '.join(wrong) or 'Nothing'} is no pick's id: give `all`, or ids as `reconcile` shows.")
    only = None if words == ["all"] else [int(word) for word in words]
    return accept(league.db, season, only, by=by, why=why, rules=league.settings.rules, now=now)
