"""A refused member, pick or sheet as one message on stderr and exit code 2: shared by the commands that take input."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from firsttd_pipeline.commands.context import WRONG_USE, fail
from firsttd_pipeline.commands.output import safe
from firsttd_pipeline.domain.sheets import SheetError
from firsttd_pipeline.storage.aliases import NoSuchAlias
from firsttd_pipeline.storage.members import MemberError
from firsttd_pipeline.storage.picks import PickRefused

P = ParamSpec("P")
R = TypeVar("R")


def refusals_explained(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: what the product refuses ends it with the reason and exit code 2 (wrong use)."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (MemberError, PickRefused, NoSuchAlias, SheetError) as error:
            raise fail(safe(str(error)), WRONG_USE) from None

    return wrapper
