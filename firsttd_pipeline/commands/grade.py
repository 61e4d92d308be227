"""`firsttd grade result|override|void|ungrade`: grades by hand, each with who and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from firsttd_pipeline.commands.context import explained, open_league, stderr
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, emit, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.storage import grades

app = typer.Typer(help="Grade a pick by hand, with who and why.", no_args_is_help=True)

FOLLOWS = (
    "The leaderboard follows within a minute while Dagster runs (make ui), else with `firsttd nightly` for its season."
)

PickArgument = Annotated[int, typer.Argument(min=1, max=MOST, metavar="PICK", help="As `picks list` shows it.")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it; kept.")]
WhyOption = Annotated[str, typer.Option("--why", help="Why; kept.")]
AnyTimeOption = Annotated[
    bool | None,
    typer.Option("--any-time/--no-any-time", help="Whether the pick scored at all; default: as the plays say."),
]
ScorerOption = Annotated[str | None, typer.Option("--scorer", help="Who scored first: a name or gsis_id.")]
ProfitOption = Annotated[float | None, typer.Option("--profit", help="In units; default: by the odds.")]


class Outcome(StrEnum):
    """What a pick can be graded."""

    WON = "won"
    LOST = "lost"


OutcomeArgument = Annotated[Outcome, typer.Argument(metavar="won|lost", help="Whether its player scored first.")]


@app.command("result")
@explained
@refusals_explained
def result(
    pick_id: PickArgument,
    outcome: OutcomeArgument,
    any_time: AnyTimeOption = None,
    scorer: ScorerOption = None,
    profit: ProfitOption = None,
    by: ByOption = "",
    why: WhyOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Grade a pick that has no grade."""
    with open_league() as league:
        change = grades.grade_result(
            league.db, pick_id, won=outcome is Outcome.WON, any_time_td=any_time, scorer=scorer, profit=profit,
            by=by, why=why, now=utc_now(), rules=league.settings.rules,
        )  # fmt: skip
    _tell(change, output)


@app.command("override")
@explained
@refusals_explained
def override(
    pick_id: PickArgument,
    outcome: OutcomeArgument,
    any_time: AnyTimeOption = None,
    scorer: ScorerOption = None,
    profit: ProfitOption = None,
    by: ByOption = "",
    why: WhyOption = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Replace the grade that stands, whoever gave it; no nightly run changes it back."""
    with open_league() as league:
        change = grades.override(
            league.db, pick_id, won=outcome is Outcome.WON, any_time_td=any_time, scorer=scorer, profit=profit,
            by=by, why=why, now=utc_now(), rules=league.settings.rules,
        )  # fmt: skip
    _tell(change, output)


@app.command("void")
@explained
@refusals_explained
def void(pick_id: PickArgument, by: ByOption = "", why: WhyOption = "", output: FormatOption = Format.TABLE) -> None:
    """Make a pick void: its stake comes back."""
    with open_league() as league:
        change = grades.void(league.db, pick_id, by=by, why=why, now=utc_now(), rules=league.settings.rules)
    _tell(change, output)


@app.command("ungrade")
@explained
@refusals_explained
def ungrade(pick_id: PickArgument, by: ByOption = "", why: WhyOption = "", output: FormatOption = Format.TABLE) -> None:
    """Take a grade back: the pipeline grades the pick itself in the next nightly run."""
    with open_league() as league:
        change = grades.ungrade(league.db, pick_id, by=by, why=why, now=utc_now(), rules=league.settings.rules)
    _tell(change, output)


def _tell(change: grades.GradeChange, output: Format) -> None:
    rows = [
        {
            "pick_id": change.pick_id,
            "member": change.member,
            "typed": change.typed,
            "standing": moment,
            "status": standing.status or "pending",
            "reason": standing.reason,
            "any_time_td": standing.any_time_td,
            "scorer": standing.scorer,
            "points": standing.points,
            "profit": standing.profit,
            "graded_by": standing.graded_by,
        }
        for moment, standing in (("before", change.before), ("after", change.after))
    ]
    where = f"{change.game_id or 'no game'}, week {change.week} of {change.season}"
    emit(
        rows,
        output,
        title=f"Pick {change.pick_id}: {change.member}, {change.typed}, {where}",
        columns=list(rows[0])[3:],
    )
    gained = (change.after.points or 0.0) - (change.before.points or 0.0)
    moved = f"{gained:+g} points for {change.member}" if gained else "no points change"
    stderr.print(safe(f"Pick {change.pick_id}: {moved}. {FOLLOWS}"), markup=False)
