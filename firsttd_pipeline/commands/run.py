"""`firsttd nightly` and `firsttd backfill`: the main job from a terminal, for one season or for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from firsttd_pipeline.commands.context import DONE, FAILED, WRONG_USE, explained, fail, settings_or_exit, stderr
from firsttd_pipeline.commands.database import bring_up_to_date
from firsttd_pipeline.commands.markets import told_venues, venues_now
from firsttd_pipeline.commands.output import Format, FormatOption, counted, emit, plain
from firsttd_pipeline.commands.progress import RunProgress
from firsttd_pipeline.commands.show import leaderboard_rows
from firsttd_pipeline.domain.seasons import FIRST_SEASON, newest_season
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.reconcile import open_disagreements
from firsttd_pipeline.storage.resolutions import names_of, open_questions

if TYPE_CHECKING:
    import polars as pl

    from firsttd_pipeline.automation.runner import SeasonOutcome

_TOLD = 20
"""Rows of a table beside the leaderboard: the commands it names show all."""

SeasonOption = Annotated[
    int | None, typer.Option("--season", help="The season; default FIRSTTD_SEASON, else by the date in New York.")
]


@explained
def nightly(season: SeasonOption = None, output: FormatOption = Format.TABLE) -> None:
    """Run the main job for one season through Dagster, and print what it did and the leaderboard."""
    settings = settings_or_exit()
    now = utc_now()
    wanted = _known_season(season or settings.season_at(now))
    outcomes = run_seasons(settings, [wanted])
    outcome = outcomes[0]
    tell_outcome(outcome)
    with League.open(settings) as league:
        rows = leaderboard_rows(league, wanted, 0)
        against = open_disagreements(league.db, wanted, settings, now)
        questions = open_questions(league.db, wanted)
        venues = told_venues(venues_now(league, wanted), since=now)
    emit(
        rows,
        output,
        title=f"Leaderboard {wanted}",
        empty=f"No standings of {wanted} yet: they come with the first picks (`firsttd picks add`, `picks import`) and "
        "a night that ends well.",
    )
    tell_reconciliation(against, wanted)
    tell_questions(questions, wanted)
    for line in venues:
        stderr.print(line, markup=False)
    if not outcome.success:
        raise typer.Exit(FAILED)
    raise typer.Exit(DONE)


@explained
def backfill(
    first: Annotated[int, typer.Argument(metavar="FROM", help="The first season.")],
    last: Annotated[int, typer.Argument(metavar="TO", help="The last season.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Run the main job for every season FROM to TO. A season that fails stops no other; run again to complete."""
    settings = settings_or_exit()
    if first > last:
        raise fail(f"FROM {first} is after TO {last}: give the earlier season first.", WRONG_USE)
    seasons = [_known_season(season) for season in range(first, last + 1)]
    outcomes = run_seasons(settings, seasons, {"firsttd/backfill": f"{first}-{last}"})
    rows = []
    for outcome in outcomes:
        state = "failed" if not outcome.success else "done" if outcome.changed else "nothing new"
        rows.append(
            {
                "season": outcome.season,
                "outcome": state,
                "rows changed": outcome.changed,
                "warnings": len(outcome.warnings),
                "why": " ".join(
                    outcome.errors or [f"{c.asset}: {c.name}" for c in outcome.checks if c.level == "failed"]
                ),
            }
        )
    emit(rows, output, title=f"Backfill {first} to {last}")
    failed = [outcome.season for outcome in outcomes if not outcome.success]
    if failed:
        names = ", ".join(map(str, failed))
        raise fail(f"{len(failed)} of {len(outcomes)} seasons failed: {names}. The others are complete.", FAILED)


def run_seasons(
    settings: Settings, seasons: list[int], tags: dict[str, str] | None = None, job: str = "nightly"
) -> list[SeasonOutcome]:
    """Upgrade the database, then run the nightly job (or that `job`) for each season, showing progress on stderr."""
    bring_up_to_date(settings)
    # Dagster takes a second to import: after the cheap checks
    from firsttd_pipeline.automation.runner import InstanceError, Nightly

    try:
        with (
            RunProgress() as progress,
            Nightly(settings, listener=progress.asset, progress=progress.download, job=job) as ready,
        ):
            return [ready.run(season, tags) for season in seasons]
    except InstanceError as error:
        raise fail(str(error), FAILED) from None


def tell_reconciliation(against: pl.DataFrame, season: int) -> None:
    """Say on stderr which grades of other programs the plays contradict; nothing where there are none."""
    if against.is_empty():
        return
    table = Table(title=f"Reconciliation {season}: grades that the plays contradict", title_justify="left")
    for name in ("pick", "member", "week", "typed", "stands", "the plays say", "first scorer", "at"):
        table.add_column(name, overflow="fold")
    for row in against.head(_TOLD).iter_rows(named=True):
        cells = [row[name] for name in ("pick_id", "member", "week", "typed", "old_grade", "new_grade", "new_scorer")]
        cells.append(None if row["quarter"] is None else f"Q{row['quarter']} {row['clock'] or ''}".strip())
        table.add_row(*(plain("" if cell is None else str(cell)) for cell in cells))
    stderr.print(table)
    more = f" (the first {_TOLD} are shown)" if against.height > _TOLD else ""
    stderr.print(
        f"{counted(against.height, 'grade of another program stands', 'grades of another program stand')} against the "
        f"plays{more}. All the evidence: "
        "`firsttd reconcile`; to let the plays stand: `firsttd reconcile --accept all`.",
        markup=False,
    )


def tell_questions(questions: Sequence[Mapping[str, Any]], season: int) -> None:
    """Say on stderr which picks ask whom they mean; nothing where there are none."""
    if not questions:
        return
    table = Table(title=f"Open questions {season}: whom do these picks mean?", title_justify="left")
    for name in ("pick", "member", "week", "game", "typed", "candidates", "why"):
        table.add_column(name, overflow="fold")
    for row in questions[:_TOLD]:
        cells = [row[name] for name in ("pick_id", "member", "week", "game_id", "typed")]
        cells += ["; ".join(names_of(row["candidates"])), row["message"]]
        table.add_row(*(plain("" if cell is None else str(cell)) for cell in cells))
    stderr.print(table)
    more = f" (the first {_TOLD} are shown)" if len(questions) > _TOLD else ""
    stderr.print(
        f"{counted(len(questions), 'pick waits', 'picks wait')} for an answer{more}: `firsttd players review`, then "
        "`firsttd players confirm PICK PLAYER`.",
        markup=False,
    )


def tell_outcome(outcome: SeasonOutcome) -> None:
    """Say on stderr what the run did: checks that do not hold, errors, and what changed in all."""
    shown = [check for check in outcome.checks if check.level != "ok"]
    if shown:
        table = Table(title="Checks that do not hold", title_justify="left")
        for name in ("", "asset", "check", "what and what to do"):
            table.add_column(name, overflow="fold")
        for check in shown:
            table.add_row(
                "✗" if check.level == "failed" else "!",
                check.asset,
                check.name,
                plain(check.text),
                style="red" if check.level == "failed" else "yellow",
            )
        stderr.print(table)
    for error in _without_echoes(outcome.errors):
        stderr.print(error, style="red", markup=False)
    held = sum(check.level == "ok" for check in outcome.checks)
    state = "done" if outcome.success else "FAILED"
    changed = f"{outcome.changed} rows changed" if outcome.changed else "nothing new"
    stderr.print(
        f"Season {outcome.season}: {state}, {changed}; {held} of {len(outcome.checks)} checks hold. "
        f"Run {outcome.run_id} stands in the UI (make ui).",
        markup=False,
    )


def _without_echoes(errors: list[str]) -> list[str]:
    """One message per cause: two files of a host that does not answer are one fact, told with the first address."""
    seen: set[str] = set()
    told = []
    for error in errors:
        cause = error.partition(": ")[2] if error.startswith(("http://", "https://")) else error
        if cause not in seen:
            told.append(error)
        seen.add(cause)
    return told


def _known_season(season: int) -> int:
    newest = newest_season(utc_now())
    if not FIRST_SEASON <= season <= newest:
        raise fail(f"There is no season {season}: give one from {FIRST_SEASON} to {newest}.", WRONG_USE)
    return season
