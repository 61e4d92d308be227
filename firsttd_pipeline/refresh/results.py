"""`results` and `pick_status`: the grade of every pick that can be decided, and the reason where none can.

Grades are derived anew every run. Only `pipeline` rows are written; a grade by hand or by another program stands.
The database's triggers keep every change in `result_events`; here is read what this run added there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection

from firsttd_pipeline.domain.grading import RulePack, grade_picks
from firsttd_pipeline.domain.settlement import STATUS_COLUMNS
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.refresh.settlement import settle
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.grades import hold_results
from firsttd_pipeline.storage.partitions import write_results, write_statuses
from firsttd_pipeline.storage.reconcile import accept_by_setting
from firsttd_pipeline.storage.replay import events_after, last_event
from firsttd_pipeline.storage.season import GRADE_COLUMNS, Season
from firsttd_pipeline.storage.sync import Counts

GRADE_CHANGED = ("flipped", "ungraded")
"""Events that change what a member has: others correct the scorer's name or the money of a grade that stands."""

_PREVIEW = {
    "pick_id": "pick",
    "is_correct": "won",
    "any_time_td": "any time",
    "actual_scorer": "scored first",
    "actual_return": "profit",
    "graded_at": "graded at",
}


def refresh(league: League, season: int, now: datetime) -> Report:
    """Grade the season's picks, in one transaction."""
    rules = league.settings.rules
    with league.db.write() as conn:
        of_season = Season(league.db, season, conn)
        if not of_season.has_picks():
            return Report("results", season, Counts(), facts={"picks": 0})  # nor a grade: those go with their pick
        hold_results(conn)
        before = last_event(conn)
        understood, not_understood = _understand(conn, of_season, now, league.run_id)
        accepted = 0
        if league.settings.legacy_grades == "replace":
            accepted = accept_by_setting(conn, of_season, rules, now, league.run_id)
        grades = grade_picks(
            of_season.picks_to_grade(),
            of_season.games_to_grade(),
            of_season.touchdowns(),
            of_season.records(),
            rules,
            now,
        ).rename({"profit": "actual_return"})
        foreign = of_season.standing_results().filter(pl.col("graded_by") != "pipeline")
        with signed(conn, "pipeline", run_id=league.run_id, at=now):
            own = _own_rows(grades, foreign, now)
            counts = write_results(conn, season, own, now)
            write_statuses(conn, season, _statuses(grades, foreign, rules), now)
        settle(conn, of_season, rules, now, league.run_id)
        events = events_after(conn, season, before)
        statuses = of_season.statuses()
    report = _report(season, counts, statuses, foreign, events, understood, not_understood, own)
    if accepted:
        report.facts["grades of others accepted"] = accepted
        report.notes.insert(0, f"{accepted} grades of other programs are the plays' now: FIRSTTD_LEGACY_GRADES says so")
    return report


def _understand(conn: Connection, of_season: Season, now: datetime, run_id: str | None) -> tuple[int, list[str]]:
    """How many picks were given their player now, and a note on each that could not be."""
    if not of_season.has_picks_without_player():
        return 0, []
    from firsttd_pipeline.storage.resolutions import understand_picks  # on most nights nothing has to be understood

    found = understand_picks(conn, of_season.season, now=now, run_id=run_id)
    return found.understood, [
        *(f"pick {pick} is set aside: {why}" for pick, why in list(found.set_aside.items())[:20]),
        *(f"pick {pick} asks: {why}" for pick, why in list(found.questions.items())[:20]),
    ]


def _own_rows(grades: pl.DataFrame, foreign: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The rows of `results` that the pipeline owns; `graded_at` is written only where the grade changes."""
    decided = grades.filter(pl.col("status") != "pending").join(foreign, on="pick_id", how="anti")
    return decided.select(
        "pick_id", *GRADE_COLUMNS, pl.lit(now).alias("graded_at"), pl.lit("pipeline").alias("graded_by")
    ).sort("pick_id")


def _statuses(grades: pl.DataFrame, foreign: pl.DataFrame, rules: RulePack) -> pl.DataFrame:
    """One row of `pick_status` per pick that the plays grade; those that somebody else graded are settled."""
    own = grades.join(foreign, on="pick_id", how="anti").with_columns(pl.lit(rules.version).alias("rule_pack"))
    return own.select(STATUS_COLUMNS).sort("pick_id")


def _report(
    season: int,
    counts: Counts,
    statuses: pl.DataFrame,
    foreign: pl.DataFrame,
    events: list[Mapping[str, Any]],
    understood: int,
    not_understood: list[str],
    own: pl.DataFrame,
) -> Report:
    report = Report("results", season, counts)
    tally = dict(statuses.group_by("status").len().iter_rows())
    report.facts = {name: tally.get(name, 0) for name in ("won", "lost", "void", "pending")}
    report.facts |= {
        "picks": statuses.height,
        "official": statuses.filter(pl.col("finality") == "official").height,
        "grades changed": sum(event["event"] in GRADE_CHANGED for event in events),
        "graded by others": foreign.height,
        "names understood now": understood,
    }
    waiting = statuses.filter(pl.col("status") == "pending").group_by("reason").len().sort("len", descending=True)
    report.notes = [f"{n} picks pending: {reason}" for reason, n in waiting.iter_rows()]
    report.notes += not_understood
    now_is = dict(statuses.select("pick_id", "status").iter_rows())
    changed = [event for event in events if event["event"] != "graded" and not _merely_understood(event)]
    for event in changed[:20]:
        stands = event["new_status"] or now_is.get(event["pick_id"], "gone")
        told = (
            f"{event['old_status']} is now {stands}"
            if event["event"] in GRADE_CHANGED
            else f"{event['event']}, {stands} stands"
        )
        report.notes.append(f"pick {event['pick_id']} ({event['player_name']}, {event['game_id']}): {told}")
    newest = own.sort("graded_at", "pick_id", descending=True).head(10)
    report.preview = newest.select(*_PREVIEW).rename(_PREVIEW)
    return report


def _merely_understood(event: Mapping[str, Any]) -> bool:
    return bool(event["event"] == "moved" and event["old_player_id"] is None)
