"""Checks of `results`."""

from __future__ import annotations

from datetime import datetime, timedelta

from firsttd_pipeline.checks.base import Check
from firsttd_pipeline.domain import quality
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh.results import GRADE_CHANGED
from firsttd_pipeline.storage.reconcile import BY_SETTING, by_hand, told
from firsttd_pipeline.storage.season import Season

_RECENT = timedelta(days=7)


def no_duplicate_picks(season: Season, now: datetime) -> list[Violation]:
    """No member has a player twice in a week."""
    return quality.duplicate_picks(season.graded_picks())


def no_orphans(season: Season, now: datetime) -> list[Violation]:
    """Every pick's game is there."""
    picks = season.graded_picks()
    games = season.all_game_ids()
    return quality.orphans(picks, games, column="game_id", child_name="picks", parent_name="game", show=["pick_id"])


def grades_agree(season: Season, now: datetime) -> list[Violation]:
    """`results` has decided picks only, and says what `pick_status` says."""
    picks = season.graded_picks()
    graded = picks.filter(picks["result_id"].is_not_null())
    return quality.grades_agree(picks.select("pick_id", "status"), graded.select("pick_id", "is_correct"))


def official_grades_stand(season: Season, now: datetime) -> list[Violation]:
    """No official grade changed within the last seven days by what upstream says (a person tells the members)."""
    changed = season.events_since(now - _RECENT, GRADE_CHANGED)
    by_setting = changed["why"].eq_missing(BY_SETTING)  # the league accepted the plays: no play was corrected
    return quality.late_corrections(changed.filter((changed["changed_by"] == "pipeline") & ~by_setting))


def disagreements(season: Season, now: datetime) -> list[Violation]:
    """Other programs' grades say what the plays say."""
    return quality.disagreements(told(season, season.rules, now))


def overrides_agree(season: Season, now: datetime) -> list[Violation]:
    """No grade by hand is superfluous, or against what the plays say."""
    return quality.overrides_agree(by_hand(season, season.rules, now))


def names_understood(season: Season, now: datetime) -> list[Violation]:
    """No pick asks whom it means."""
    return quality.names_understood(season.questions())


def no_second_spellings(season: Season, now: datetime) -> list[Violation]:
    """No open question may be a pick that stands already."""
    questions = season.questions()
    return [] if questions.is_empty() else quality.second_spellings(questions, season.graded_picks())


def teams_have_rosters(season: Season, now: datetime) -> list[Violation]:
    """Every team that plays has players, so that picks on them can be understood."""
    rosters = season.rosters()
    if rosters.is_empty():
        return []  # a season that has not begun: the asset `rosters` says so
    return quality.teams_without_roster(season.games(), rosters)


CHECKS = [
    Check("no_orphans", "every pick's game is there", no_orphans, blocking=True),
    Check("grades_agree", "results holds decided picks only and agrees with pick_status", grades_agree, blocking=True),
    Check("no_duplicate_picks", "no member has a player twice in a week", no_duplicate_picks),
    Check("official_grades_stand", "no official grade changed within the last seven days", official_grades_stand),
    Check("disagreements", "the grades of other programs say what the plays say", disagreements),
    Check("overrides_agree", "no grade by hand is superfluous, or against the plays", overrides_agree),
    Check("names_understood", "no pick waits for an answer whom it means", names_understood),
    Check("no_second_spellings", "no open question may be a pick that stands already", no_second_spellings),
    Check("teams_have_rosters", "every team that plays has a roster", teams_have_rosters),
]
