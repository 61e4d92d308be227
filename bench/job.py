"""The nightly job through Dagster against a job of as many empty assets: what the work adds to the machinery.

All jobs run in processes of their own, in Dagster homes that have seen a run, with the same executor and partitions.
The season is the one of `bench.season`, first new and then unchanged; the empty assets run without checks (which the
goal is about) and with as many as the nightly job has.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import Figure, answer, child, median, report
from bench.season import SEASON, served_season

RUNS = 3
GOAL = 1.5


def nightly(home: Path, url: str) -> None:
    """Child: the nightly job, as the command line runs it."""
    start = time.perf_counter()
    from firsttd_pipeline.automation.runner import Nightly
    from firsttd_pipeline.settings import load_settings

    with Nightly(load_settings(home=home, nflverse_url=url, season=SEASON)) as job:
        ready = time.perf_counter() - start
        outcome = job.run(SEASON)
        ran = time.perf_counter() - start - ready
    if not outcome.success:
        raise SystemExit(f"the nightly job failed: {outcome.errors}")
    answer(ready_s=ready, run_s=ran, changed=outcome.changed, checks=len(outcome.checks), assets=len(outcome.events))


def empty(home: Path, url: str, checks: int) -> None:
    """Child: the same graph, with assets and checks that do nothing, run in the same way."""
    start = time.perf_counter()
    import dagster as dg

    from firsttd_pipeline.assets import ASSETS
    from firsttd_pipeline.automation.home import prepare_home
    from firsttd_pipeline.automation.jobs import nightly_job
    from firsttd_pipeline.settings import load_settings

    prepare_home(load_settings(home=home, nflverse_url=url, season=SEASON))
    specs = [spec for asset in ASSETS for spec in asset.specs]
    share = [checks // len(specs) + (i < checks % len(specs)) for i in range(len(specs))]

    def nothing(spec: dg.AssetSpec, count: int) -> dg.AssetsDefinition:
        names = [f"check_{i}" for i in range(count)]

        @dg.asset(
            key=spec.key,
            deps=list(spec.deps),
            partitions_def=spec.partitions_def,
            check_specs=[dg.AssetCheckSpec(name, asset=spec.key) for name in names],
        )
        def body():  # type: ignore[no-untyped-def]  # Dagster would read an annotation as its outputs
            return dg.MaterializeResult(
                check_results=[dg.AssetCheckResult(passed=True, check_name=name) for name in names]
            )

        return body

    defs = dg.Definitions(
        assets=[nothing(spec, count) for spec, count in zip(specs, share, strict=True)],
        jobs=[nightly_job],
        executor=dg.in_process_executor,
    )
    job = defs.resolve_job_def(nightly_job.name)
    instance = dg.DagsterInstance.get()
    ready = time.perf_counter() - start
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    result = job.execute_in_process(instance=instance, partition_key=str(SEASON), run_config=quiet)
    ran = time.perf_counter() - start - ready
    instance.dispose()
    answer(ready_s=ready, run_s=ran, success=result.success, assets=len(specs))


def measure(runs: int = RUNS) -> list[Figure]:
    """Alternates the three kinds of run, so that what else the machine does falls on all of them."""
    found: dict[str, list[dict[str, Any]]] = {"first": [], "unchanged": [], "empty": [], "checked": []}
    with served_season() as (url, folder, _), tempfile.TemporaryDirectory(prefix="firsttd-bench-") as name:
        template = Path(name) / "template"
        child("bench.season", "--prepare", template, "--folder", folder)
        warm = Path(name) / "warm"
        shutil.copytree(template, warm)
        seen = child("bench.job", "--nightly", warm, "--url", url)
        checks = str(seen["checks"])
        blank = Path(name) / "blank"
        blank.mkdir()
        child("bench.job", "--empty", blank, "--url", url, "--checks", checks)
        for _ in range(runs):
            for part in warm.glob("firsttd.db*"):
                part.unlink()
            shutil.copyfile(template / "firsttd.db", warm / "firsttd.db")
            found["first"].append(child("bench.job", "--nightly", warm, "--url", url))
            found["empty"].append(child("bench.job", "--empty", blank, "--url", url))
            found["checked"].append(child("bench.job", "--empty", blank, "--url", url, "--checks", checks))
            found["unchanged"].append(child("bench.job", "--nightly", warm, "--url", url))
    note = f"{seen['assets']} assets, no checks"
    base_wall, base_run = median(found["empty"], "wall_s"), median(found["empty"], "run_s")
    base_ready = median(found["empty"], "ready_s")
    figures = [
        Figure("job", "empty assets, whole process", base_wall, "s", None, note),
        Figure("job", "empty assets, import and load", base_ready, "s"),
        Figure("job", "empty assets, the run", base_run, "s"),
        Figure("job", f"empty assets with {checks} checks, whole process", median(found["checked"], "wall_s"), "s"),
        Figure("job", f"empty assets with {checks} checks, the run", median(found["checked"], "run_s"), "s"),
    ]
    for kind in ("first", "unchanged"):
        label = {"first": "nightly, new season", "unchanged": "nightly, unchanged"}[kind]
        wall, run = median(found[kind], "wall_s"), median(found[kind], "run_s")
        against_wall = f"{wall / base_wall:.2f} of empty, {wall / median(found['checked'], 'wall_s'):.2f} with checks"
        against_run = f"{run / base_run:.2f} of empty, {run / median(found['checked'], 'run_s'):.2f} with checks"
        figures += [
            Figure("job", f"{label}, whole process", wall, "s", GOAL * base_wall, against_wall),
            Figure("job", f"{label}, import and load", median(found[kind], "ready_s"), "s"),
            Figure("job", f"{label}, the run", run, "s", GOAL * base_run, against_run),
            Figure("job", f"{label}, peak memory", median(found[kind], "peak_mb"), "MB"),
        ]
    return figures


def main() -> None:
    """The parent without arguments; the options are its children."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nightly", type=Path)
    parser.add_argument("--empty", type=Path)
    parser.add_argument("--url", default="")
    parser.add_argument("--checks", type=int, default=0)
    options = parser.parse_args()
    if options.nightly:
        nightly(options.nightly, options.url)
    elif options.empty:
        empty(options.empty, options.url, options.checks)
    else:
        report("job", measure())


if __name__ == "__main__":
    main()
