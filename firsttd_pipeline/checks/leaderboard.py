"""Checks of `leaderboard`."""

from __future__ import annotations

from datetime import datetime

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.storage.replay import replay_differs, standings_at
from firsttd_pipeline.storage.season import Season


def adds_up_to_results(season: Season, now: datetime) -> list[Violation]:
    """The standings are what the picks' grades give."""
    grades = season.picks_with_status()
    return quality.leaderboard_adds_up(season.leaderboard(), grades, season.season)


def no_failed_runs(season: Season, now: datetime) -> list[Violation]:
    """No run of the season failed since the last one that got so far."""
    return quality.failed_runs(season.open_failures())


def events_replay(season: Season, now: datetime) -> list[Violation]:
    """What happened, event by event, comes to what is stored."""
    differing = replay_differs(season)
    board = standings_at(season)
    return quality.replay_gives_what_is_stored(differing, season.leaderboard(), board)


CHECKS = [
    Check("adds_up_to_results", "the standings are exactly what the picks' grades give", adds_up_to_results),
    Check("events_replay", "replaying every event gives exactly the grades and standings stored", events_replay),
    Check("no_failed_runs", "no run of the season failed that a later one did not make good", no_failed_runs),
]
