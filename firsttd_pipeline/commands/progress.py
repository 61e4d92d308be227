"""What a terminal shows of a running job, on stderr: a line per asset, and a bar while a file is downloaded.

Without a terminal (a log, a pipe) only the lines are written.
"""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from firsttd_pipeline.commands.context import stderr
from firsttd_pipeline.refresh.base import AssetEvent


class RunProgress:
    """A context manager whose `asset` and `download` methods are given to the job."""

    def __init__(self) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._files: dict[str, object] = {}
        self._running: object = None

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def asset(self, event: AssetEvent) -> None:
        """Show that an asset has started, finished or failed."""
        if event.state == "started":
            self._clear()
            self._running = self._bar.add_task(f"{event.season} {event.asset}", total=None)
            return
        self._clear()
        name = f"{event.season} {event.asset:<19}"
        if event.report is None:
            stderr.print(f"✗ {name} failed", style="red", markup=False)
            return
        counts = event.report.counts
        if event.report.absence:
            text = f"nothing to take: {event.report.absence}"
        elif counts.inserted + counts.updated + counts.retired == 0:
            text = f"{counts.unchanged} rows, nothing new"
        else:
            text = ", ".join(
                f"{n} {word}"
                for n, word in (
                    (counts.inserted, "new"),
                    (counts.updated, "changed"),
                    (counts.retired, "retired"),
                    (counts.unchanged, "unchanged"),
                )
                if n
            )
        stderr.print(f"✓ {name} {text}", markup=False)

    def download(self, url: str, received: int, total: int | None) -> None:
        """Show how far a download is; sizes in bytes."""
        task = self._files.get(url)
        if task is None:
            task = self._files[url] = self._bar.add_task(url.rsplit("/", 1)[-1], total=total)
        self._bar.update(task, completed=received, total=total)  # type: ignore[arg-type]

    def _clear(self) -> None:
        for task in [*self._files.values(), self._running]:
            if task is not None:
                self._bar.remove_task(task)  # type: ignore[arg-type]
        self._files.clear()
        self._running = None


class CountProgress:
    """A context manager whose `step` shows how many of `total` are done; a line for each part that has begun."""

    def __init__(self, total: int) -> None:
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            console=stderr,
            transient=True,
            disable=not stderr.is_terminal,
        )
        self._task = self._bar.add_task("", total=total)
        self._part = ""

    def __enter__(self) -> CountProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def step(self, part: str, done: int) -> None:
        """`done` more of a part are done; 0: it begins."""
        if part != self._part:
            self._part = part
            stderr.print(f"{part} ...", markup=False)
        self._bar.update(self._task, description=part, advance=done)
