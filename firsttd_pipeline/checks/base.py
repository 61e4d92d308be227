"""What a check of an asset is: a name, what it holds, whether downstream must wait, and the rule that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh.base import League, Report

Rule = Callable[[League, int, datetime, Report], list[Violation]]


@dataclass(frozen=True)
class Check:
    """One asset check.

    Attributes:
        name: the check's name in the UI.
        description: what holds when it passes.
        run: gives the violations of one season; none means that it holds.
        blocking: what depends on the asset must not run while it does not hold.
        error: shown as an error though it blocks nothing; else a warning.
    """

    name: str
    description: str
    run: Rule
    blocking: bool = False
    error: bool = False
