"""`firsttd`, the command line: thin; each command calls what the assets call."""

from __future__ import annotations

import typer

from firsttd_pipeline import __version__
from firsttd_pipeline.commands import (
    database,
    demo,
    grade,
    markets,
    members,
    picks,
    players,
    reconcile,
    regrade,
    run,
    show,
    ui,
    why,
)

app = typer.Typer(
    name="firsttd",
    help="The data pipeline of a first-touchdown league.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(run.nightly)
app.command()(run.backfill)
app.command()(show.leaderboard)
app.command()(show.status)
app.command()(show.settings)
app.command()(reconcile.reconcile)
app.command()(regrade.regrade)
app.command()(why.why)
app.command()(demo.demo)
app.command()(ui.ui)
app.add_typer(database.app, name="db")
app.add_typer(members.app, name="members")
app.add_typer(picks.app, name="picks")
app.add_typer(players.app, name="players")
app.add_typer(grade.app, name="grade")
app.add_typer(markets.app, name="markets")


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, version: bool = typer.Option(False, "--version", help="Print the version.")
) -> None:
    if version:
        typer.echo(f"firsttd {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point of the console script. Exit codes: 0 done, 1 something failed (explained), 2 wrong use."""
    app()
