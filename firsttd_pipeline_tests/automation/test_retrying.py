"""Claims about when work is asked for again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firsttd_pipeline.automation.retrying import Next, Try, next_try

ENDED = datetime(2025, 9, 10, 12, tzinfo=UTC)


def tried(*succeeded: bool) -> list[Try]:
    """Tries that ended at the same time, newest first."""
    return [Try(len(succeeded) - at, one, ENDED) for at, one in enumerate(succeeded)]


def waits(*succeeded: bool) -> float:
    found = next_try(tried(*succeeded)).not_before
    return 0.0 if found is None else (found - ENDED).total_seconds()


def test_what_was_never_tried_is_tried_now() -> None:
    assert next_try([]) == Next(1, None)


def test_failures_wait_from_30_seconds_doubling_to_half_an_hour() -> None:
    found = [waits(*[False] * n) for n in range(1, 10)]
    assert found == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert waits(*[False] * 100) == 1800


def test_a_success_that_left_its_work_is_followed_at_once_and_then_ever_more_slowly() -> None:
    assert [waits(*[True] * n) for n in range(1, 5)] == [0, 30, 60, 120]
    assert waits(*[True] * 100) == timedelta(days=1).total_seconds()


def test_only_the_last_tries_that_ended_alike_count() -> None:
    assert waits(False, False, True, False, False) == 60
    assert waits(True, False, False, False) == 0


@pytest.mark.parametrize(("attempts", "following"), [([1], 2), ([3, 1], 4), ([2, 7, 1], 8)])
def test_the_attempt_is_one_more_than_the_highest_even_if_some_were_deleted(
    attempts: list[int], following: int
) -> None:
    assert next_try([Try(n, False, ENDED) for n in attempts]).attempt == following


def test_a_try_that_has_not_ended_has_a_number_and_no_outcome() -> None:
    assert next_try([Try(4, False, None)]) == Next(5, None)
