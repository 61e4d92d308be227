"""What an upgrade did, for people: the facts, and the Markdown file that is kept beside the backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from firsttd_pipeline.storage.accounting import TableAccount
from firsttd_pipeline.storage.mending import Mended


@dataclass(frozen=True)
class UpgradeReport:
    """What an upgrade did.

    Attributes:
        from_version: revision before; None for a fresh database; `0008` for the old application's file.
        to_version: revision now (of a dry run: that it would have).
        steps: descriptions of the versions applied, oldest first; empty when there was nothing to do.
        quarantined: rows that were set aside, by table.
        tables: where every row went; empty for a fresh database.
        mended: what was put right, or waits for the nightly run.
        backup: the verified backup; None where none was needed (a fresh database) or possible (PostgreSQL).
        written: the Markdown report beside it.
        dry_run: nothing was changed.
        rehearsals: how often it was rehearsed; more than once where the file changed meanwhile.
    """

    from_version: str | None
    to_version: str
    steps: tuple[str, ...] = ()
    quarantined: tuple[tuple[str, int], ...] = ()
    tables: tuple[TableAccount, ...] = ()
    mended: tuple[Mended, ...] = ()
    backup: Path | None = None
    written: Path | None = None
    dry_run: bool = False
    rehearsals: int = 0

    @property
    def changed(self) -> bool:
        """Whether the database was created or upgraded."""
        return self.from_version != self.to_version and not self.dry_run


REHEARSED = (
    "REHEARSED. The whole upgrade succeeded on a copy. The file itself is upgraded next; if this line still stands, "
    "that was cut short, and the file is either as it was or completely upgraded: `firsttd db check` says which."
)
DRY_RUN = "DRY RUN. The whole upgrade succeeded on a copy. The file itself was not changed."
DONE = "DONE. The file is upgraded; every row is accounted for, and its integrity and references were checked."


def markdown(report: UpgradeReport, name: str, digest: str, state: str, now: datetime) -> str:
    """The report as a file. `name` and `digest` are the database's; `state` is one of the sentences above."""
    backup = report.backup.name if report.backup else "none"
    lines = [
        f"# Upgrade of {name}",
        "",
        f"**{state}**",
        "",
        f"* Time: {now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        f"* From {version_name(report.from_version)} to revision {report.to_version}",
        f"* Backup: `{backup}`, verified; to go back, put it in the file's place (docs/league.md)",
        f"* SHA-256 of all its rows: `{digest}`",
        "",
        "## Where every row went",
        "",
        *_table(
            ("table", "before", "kept", "merged", "quarantined", "lost", "added", "now"),
            [
                (a.table, a.before, a.kept, a.merged, a.quarantined, len(a.lost), a.added, a.after)
                for a in report.tables
            ],
        ),
        "",
        "before = kept + merged + quarantined, row by row; now = kept + added. A merged or quarantined row stands "
        "whole in the table `quarantine`.",
        "",
    ]
    reasons = [(a.table, count, reason) for a in report.tables for reason, count in a.reasons]
    if reasons:
        lines += ["## Merged and quarantined: why", "", *_table(("table", "rows", "reason"), reasons), ""]
    if report.mended:
        found = [(m.step, m.outcome, m.what, _keys(m.keys)) for m in report.mended]
        lines += ["## What was found", "", *_table(("step", "outcome", "what", "rows"), found), ""]
    changes = [(a.table, c.column, c.old, c.new, c.rows) for a in report.tables for c in a.changes]
    if changes:
        lines += ["## Values that changed in kept rows", ""]
        lines += [*_table(("table", "column", "was", "is", "rows"), changes), ""]
    lines += ["## Versions applied", "", *[f"* {step}" for step in report.steps], ""]
    return "\n".join(lines)


def version_name(revision: str | None) -> str:
    """A revision for people."""
    if revision is None:
        return "nothing"
    return "the old application's version 8" if revision == "0008" else f"revision {revision}"


def _keys(keys: Sequence[str]) -> str:
    return ", ".join(keys[:20]) + (f", … {len(keys) - 20} more" if len(keys) > 20 else "")


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return [_row(header), _row(["---"] * len(header)), *[_row(row) for row in rows]]


def _row(cells: Sequence[object]) -> str:
    shown = (" ".join(str(cell).replace("\\", "\\\\").replace("|", "\\|").split()) for cell in cells)
    return f"| {' | '.join(shown)} |"
