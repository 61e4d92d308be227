"""When work that did not come through is asked for again. Pure: what was tried comes in, the next try comes out.

A failure waits 30 seconds, then twice as long each time, up to half an hour. A run that succeeded and left its work
where it was is either of a database that was restored since (the next try is free) or cannot do it (up to a day).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

FIRST_WAIT = timedelta(seconds=30)
LONGEST_AFTER_FAILURE = timedelta(minutes=30)
LONGEST_AFTER_SUCCESS = timedelta(days=1)


@dataclass(frozen=True)
class Try:
    """A run that was asked for: which attempt, how it ended and when (aware); None: it has not ended."""

    attempt: int
    succeeded: bool
    ended_at: datetime | None


@dataclass(frozen=True)
class Next:
    """The next attempt, not before an instant (None: now), after `in_a_row` tries that ended alike."""

    attempt: int = 1
    not_before: datetime | None = None
    in_a_row: int = 0
    last_failed: bool = False


def next_try(tries: Sequence[Try]) -> Next:
    """What comes after these tries of the same work, newest first.

    The attempt is one more than the highest so far, not the number of runs: an operator may have deleted some.
    """
    attempt = 1 + max((one.attempt for one in tries), default=0)
    ended = [one for one in tries if one.ended_at is not None]
    if not ended:
        return Next(attempt)
    last = ended[0]
    in_a_row = sum(1 for _ in takewhile(lambda one: one.succeeded == last.succeeded, ended))
    useless = in_a_row - 1 if last.succeeded else in_a_row
    if useless == 0 or last.ended_at is None:
        return Next(attempt, None, in_a_row, not last.succeeded)
    longest = LONGEST_AFTER_SUCCESS if last.succeeded else LONGEST_AFTER_FAILURE
    wait = min(FIRST_WAIT * 2 ** min(useless - 1, 16), longest)
    return Next(attempt, last.ended_at + wait, in_a_row, not last.succeeded)
