"""`firsttd db upgrade|check|copy`: bring the league's database to this version, say whether it is sound, copy it."""

from __future__ import annotations

import typer

from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.commands import copying
from firsttd_pipeline.commands.context import FAILED, explained, fail, settings_or_exit, stderr
from firsttd_pipeline.commands.output import Format, FormatOption, emit
from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage import upgrade as upgrades
from firsttd_pipeline.storage.engine import Database

app = typer.Typer(help="The league's database: upgrade it, check it, copy it.", no_args_is_help=True)
app.command()(copying.copy)


@app.command()
@explained
def upgrade() -> None:
    """Create the database or bring it to this version. Safe to repeat: a second run changes nothing."""
    settings = settings_or_exit()
    bring_up_to_date(settings, quiet=False)


@app.command()
@explained
def check(output: FormatOption = Format.TABLE) -> None:
    """Say whether the database is sound: version, structure, integrity, foreign keys."""
    settings = settings_or_exit()
    db = Database(settings.database, busy_timeout_s=settings.busy_timeout)
    try:
        problems = upgrades.check(db)
    finally:
        db.close()
    emit([{"problem": problem} for problem in problems], output, title="Problems of the database", columns=("problem",))
    if problems:
        raise fail(f"{len(problems)} problems in {mask_secrets(settings.database)}", FAILED)
    stderr.print(f"{mask_secrets(settings.database)} is sound", markup=False)


def bring_up_to_date(settings: Settings, *, quiet: bool = True) -> None:
    """Create or upgrade the database of `settings`; says on stderr what it did (nothing, when quiet and current)."""
    prepare_home(settings)
    db = Database(settings.database, busy_timeout_s=settings.busy_timeout)
    try:
        report = upgrades.upgrade(db)
    finally:
        db.close()
    where = mask_secrets(settings.database)
    if report.steps:
        how = f"upgraded from {report.from_version}" if report.from_version else "created"
        stderr.print(f"Database {where}: {how}, now at {report.to_version}", markup=False)
    elif not quiet:
        stderr.print(f"Database {where}: already at {report.to_version}", markup=False)
