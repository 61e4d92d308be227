"""`firsttd db upgrade|check|copy`: bring the league's database to this version, say whether it is sound, copy it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from firsttd_pipeline.automation.home import prepare_home
from firsttd_pipeline.commands import copying
from firsttd_pipeline.commands.context import FAILED, explained, fail, settings_or_exit, stderr
from firsttd_pipeline.commands.output import Format, FormatOption, emit, plain
from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage import upgrade as upgrades
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.upgrade_report import UpgradeReport

app = typer.Typer(help="The league's database: upgrade it, check it, copy it.", no_args_is_help=True)
app.command()(copying.copy)


@app.command()
@explained
def upgrade(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Back up and rehearse on a copy, report, and change nothing.")
    ] = False,
) -> None:
    """Create the database or bring it to this version, with a backup first. A second run changes nothing."""
    settings = settings_or_exit()
    bring_up_to_date(settings, quiet=False, dry_run=dry_run)


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


def bring_up_to_date(settings: Settings, *, quiet: bool = True, dry_run: bool = False) -> None:
    """Create or upgrade the database of `settings`; says on stderr what it did (nothing, when quiet and current)."""
    prepare_home(settings)
    db = Database(settings.database, busy_timeout_s=settings.busy_timeout)
    where = mask_secrets(settings.database)
    try:
        report = upgrades.upgrade(
            db,
            default_stake=settings.stake,
            dry_run=dry_run,
            now=utc_now(),
            tell=lambda sentence: stderr.print(sentence, markup=False),
        )
    finally:
        db.close()
    if report.tables:
        _tell_report(report)
    if report.from_version == report.to_version:
        if not quiet:
            stderr.print(f"Database {where}: already at {report.to_version}, nothing to do", markup=False)
    elif dry_run:
        kept = f" Kept: {report.backup} and its report {report.written}." if report.backup else ""
        would = "be upgraded" if report.from_version else "be created"
        stderr.print(
            f"Database {where}: dry run, nothing was changed. It would {would}, to {report.to_version}.{kept}",
            markup=False,
        )
    else:
        how = f"upgraded from {report.from_version}" if report.from_version else "created"
        stderr.print(f"Database {where}: {how}, now at {report.to_version}", markup=False)
        if report.backup:
            stderr.print(f"As it was before: {report.backup}; report: {report.written}", markup=False)


def _tell_report(report: UpgradeReport) -> None:
    """Where every row went and what was found, on stderr."""
    rows = Table(title="Where every row went", title_justify="left")
    rows.add_column("table")
    for name in ("before", "kept", "merged", "quarantined", "lost", "added", "now"):
        rows.add_column(name, justify="right")
    for a in report.tables:
        if a.before or a.added:
            counts = (a.before, a.kept, a.merged, a.quarantined, len(a.lost), a.added, a.after)
            rows.add_row(plain(a.table), *map(str, counts))
    stderr.print(rows)
    if report.mended:
        found = Table(title="What was found in it", title_justify="left")
        for name in ("step", "outcome", "what"):
            found.add_column(name, overflow="fold")
        for mended in report.mended:
            found.add_row(plain(mended.step), mended.outcome, plain(mended.what))
        stderr.print(found)
