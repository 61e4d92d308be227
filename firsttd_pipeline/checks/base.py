"""What a check of an asset is: a name, what it holds, whether downstream must wait, and the rule that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.season import Season

Rule = Callable[[Season, datetime], list[Violation]]


@dataclass(frozen=True)
class Check:
    """One asset check.

    Attributes:
        name: the check's name in the UI.
        description: what holds when it passes.
        run: gives the violations of one season at a time; none means that it holds. A violation whose severity is
            `warn` never blocks.
        blocking: what depends on the asset must not run while an error stands.
    """

    name: str
    description: str
    run: Rule
    blocking: bool = False
