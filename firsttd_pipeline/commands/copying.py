"""`firsttd db copy`: the league into another database, SQLite or PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from firsttd_pipeline.commands.context import explained, settings_or_exit, stderr
from firsttd_pipeline.commands.output import Format, FormatOption, emit
from firsttd_pipeline.storage.copying import copy_league
from firsttd_pipeline.storage.engine import Database


@explained
def copy(
    target: Annotated[str, typer.Argument(help="A file, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME.")],
    output: FormatOption = Format.TABLE,
) -> None:
    """Copy the whole league into an empty database; this one is only read. Compared before anything is kept."""
    settings = settings_or_exit()
    to = Database(target, busy_timeout_s=settings.busy_timeout)
    source = Database(settings.database, busy_timeout_s=settings.busy_timeout)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
    try:
        with bar:
            task = bar.add_task("copying", total=None)

            def told(table: str, done: int, total: int) -> None:
                bar.update(task, description=table, completed=done, total=total)

            copied = copy_league(source, to, told)
    finally:
        source.close()
        to.close()
    emit(
        [{"table": table, "rows": rows} for table, rows in copied.rows],
        output,
        title=f"Copied to {to.name}",
        columns=("table", "rows"),
    )
    for name in copied.left_out:
        stderr.print(f"Left out: the table {name} is not the league's", markup=False)
    stderr.print(
        f"{copied.total} rows copied from {source.name} to {to.name}, every value compared. "
        "To go on there, set FIRSTTD_DATABASE_URL to it; what is written here from now on stays here.",
        markup=False,
    )
