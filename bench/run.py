"""`make bench`: every benchmark in one run, figures as tables and in `bench/out/`, and ratios to the goals."""

from __future__ import annotations

import sys

from bench import job, markets, queries, season
from bench.measure import OUT, ROOT, Figure, machine, report


def main() -> int:
    """Measure, print, keep; 0 whatever the figures say: goals are read, not enforced, on a machine not known."""
    facts = machine()
    print(f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}")
    if facts["load_before"] is not None and facts["load_before"] > 0.5:
        print(f"Others use this machine (load {facts['load_before']:.1f}): figures of wall time are upper bounds.")
    figures: list[Figure] = []
    for name, bench in (("season", season), ("job", job), ("queries", queries), ("markets", markets)):
        print(f"\nmeasuring {name} ...", file=sys.stderr, flush=True)
        found = bench.measure()
        report(name, found)
        figures += found
    print("\nGoals")
    for figure in figures:
        if figure.ratio is not None:
            state = "reached" if figure.ratio <= 1 else "not reached"
            print(f"  {figure.ratio:6.2f} of the goal  {state:<11}  {figure.bench}: {figure.what}")
    print(f"\nKept in {OUT.relative_to(ROOT)}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
