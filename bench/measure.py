"""How the benchmarks measure: child processes, wall clock, peak memory, percentiles, and a table of figures with goals.

Imports only the standard library, so that a parent adds nothing to what its children show.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "out"
SHARED = Path(os.environ.get("FIRSTTD_SHARED", ROOT.parent / "shared"))


@dataclass
class Figure:
    """One measured figure; `goal` is the most it should be, in the same unit, None where there is none."""

    bench: str
    what: str
    value: float
    unit: str
    goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over goal: at most 1 is reached."""
        return self.value / self.goal if self.goal else None


def peak_mb() -> float:
    """The process's peak resident memory in MB (10^6 bytes)."""
    try:
        # getrusage carries the parent's peak over an exec; the kernel's own high-water mark of this image does not
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def answer(**facts: Any) -> None:
    """What a child has to say: one line of JSON, the last on its stdout, with its peak memory and CPU seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({**facts, "peak_mb": peak_mb(), "cpu_s": used.ru_utime + used.ru_stime}), flush=True)


def child(
    module: str,
    *args: str | Path,
    env: dict[str, str] | None = None,
    timeout: float = 900,
    progress: bool = False,
) -> dict[str, Any]:
    """Run `python -m module args` and return its answer with `wall_s`, from the start of the process to its end.

    No market venue is asked unless `env` says so. With `progress` what it says on stderr is shown as it comes.

    Raises:
        SystemExit: the child failed; what it said is in the message.
    """
    command = [sys.executable, "-m", module, *map(str, args)]
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("FIRSTTD_", "DAGSTER_"))}
    start = time.perf_counter()
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=None if progress else subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=plain | {"FIRSTTD_PREDICTION_MARKETS": "off"} | (env or {}),
        timeout=timeout,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{(done.stderr or '')[-4000:]}")
    facts: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return facts | {"wall_s": wall}


def median(runs: list[dict[str, Any]], key: str) -> float:
    """The median of one fact over runs."""
    return float(statistics.median(run[key] for run in runs))


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_before": load,
    }


def report(name: str, figures: list[Figure]) -> None:
    """Print the figures as a table and keep them in `bench/out/{name}.json`."""
    OUT.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine(), "figures": [asdict(figure) | {"ratio": figure.ratio} for figure in figures]}
    (OUT / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    width = max(len(figure.what) for figure in figures)
    print(f"\n{name}")
    for figure in figures:
        goal = f"goal {figure.goal:g} {figure.unit}" if figure.goal else ""
        ratio = f"x{figure.ratio:.2f}" if figure.ratio else ""
        print(f"  {figure.what:<{width}}  {figure.value:>10.3f} {figure.unit:<4} {goal:<14} {ratio:>7}  {figure.note}")
