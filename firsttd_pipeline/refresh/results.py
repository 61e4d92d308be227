"""`results` and `pick_status`: the grade of every pick that can be decided, and the reason where none can.

Grades are derived anew every run. Only `pipeline` rows are written; a grade by hand or by another program stands.
Every grade that changes is kept in `result_events`, old and new.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from firsttd_pipeline.domain.grading import RulePack, grade_picks, grades_from_results
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.storage.partitions import add_events, write_money_of_others, write_results, write_statuses
from firsttd_pipeline.storage.season import GRADE_COLUMNS, Season
from firsttd_pipeline.storage.sync import Counts

GRADE_CHANGED = ("flipped", "ungraded")
"""Events that change what a member has: others correct the scorer's name or the money of a grade that stands."""


def refresh(league: League, season: int, now: datetime) -> Report:
    """Grade the season's picks, in one transaction."""
    rules = league.settings.rules
    with league.db.write() as conn:
        of_season = Season(league.db, season, conn)
        if not of_season.has_picks():
            return Report("results", season, Counts(), facts={"picks": 0})  # nor a grade: those go with their pick
        understood, not_understood = _understand(conn, of_season)
        picks, games = of_season.picks_to_grade(), of_season.games_to_grade()
        grades = grade_picks(picks, games, of_season.touchdowns(), of_season.records(), rules, now)
        grades = grades.rename({"profit": "actual_return"})
        foreign = of_season.standing_results().filter(pl.col("graded_by") != "pipeline")
        theirs = grades_from_results(foreign, picks, games, rules, now)
        old_statuses, statuses = of_season.statuses(), _statuses(grades, foreign, theirs, rules)
        own = _own_rows(grades, foreign, now)
        counts = write_results(conn, season, own, now)
        corrected = write_money_of_others(conn, season, _right_money(foreign, theirs), now)
        authors = dict(foreign.select("pick_id", "graded_by").iter_rows())
        events = [
            event
            for change in (counts, corrected)
            for event in _events(change, authors, picks, old_statuses, statuses, league.run_id, now)
        ]
        add_events(conn, events)
        write_statuses(conn, season, statuses, now)
    return _report(season, counts, statuses, foreign, grades, events, understood, not_understood, own)


def _understand(conn: Connection, of_season: Season) -> tuple[int, list[str]]:
    """How many picks were given their player now, and a note on each that could not be."""
    if not of_season.has_picks_without_player():
        return 0, []
    from firsttd_pipeline.storage.picks import understand_picks  # on most nights nothing has to be understood

    found = understand_picks(conn, of_season.season)
    return found.understood, [
        *(f"pick {pick} is not understood: {why}" for pick, why in list(found.not_understood.items())[:20]),
        *(f"pick {pick} is set aside: {why}" for pick, why in list(found.collisions.items())[:20]),
    ]


def _own_rows(grades: pl.DataFrame, foreign: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The rows of `results` that the pipeline owns; `graded_at` is written only where the grade changes."""
    decided = grades.filter(pl.col("status") != "pending").join(foreign, on="pick_id", how="anti")
    return decided.select(
        "pick_id", *GRADE_COLUMNS, pl.lit(now).alias("graded_at"), pl.lit("pipeline").alias("graded_by")
    ).sort("pick_id")


def _statuses(grades: pl.DataFrame, foreign: pl.DataFrame, theirs: pl.DataFrame, rules: RulePack) -> pl.DataFrame:
    """One row of `pick_status` per pick: from the standing row where somebody else graded, else from the plays."""
    columns = ["pick_id", "status", "reason", "finality", "points", "stake"]
    own = grades.join(foreign, on="pick_id", how="anti").select(columns)
    both = pl.concat([own, theirs.select(columns)], how="vertical_relaxed")
    return both.with_columns(pl.lit(rules.version).alias("rule_pack")).sort("pick_id")


def _right_money(foreign: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """The rows that others graded, with their profit by the odds: the old application stores losses as 0.

    Their grade stands; a profit entered by hand stands too, and only a grade by hand without one is given it.
    """
    entered = (pl.col("graded_by") == "manual") & pl.col("actual_return").is_not_null()
    unsettled = foreign.filter(~entered).drop("graded_by", "actual_return")
    return unsettled.join(theirs.select("pick_id", pl.col("profit").alias("actual_return")), on="pick_id")


def _events(
    counts: Counts,
    authors: Mapping[int, str],
    of_picks: pl.DataFrame,
    old: pl.DataFrame,
    new: pl.DataFrame,
    run_id: str | None,
    now: datetime,
) -> list[dict[str, object]]:
    """A row of `result_events` for every grade that this run changed or took back, old and new."""
    was = {row["pick_id"]: row for row in old.iter_rows(named=True)}
    status = dict(new.select("pick_id", "status").iter_rows())
    who = of_picks.select("pick_id", "user_id", "season", "game_id", "player_id", "player_name")
    people = {row["pick_id"]: row for row in who.iter_rows(named=True)}
    changed = {row["pick_id"]: row for row in counts.updated_rows.iter_rows(named=True)}
    events: list[dict[str, object]] = []
    for before in [*counts.before_rows.iter_rows(named=True), *counts.retired_rows.iter_rows(named=True)]:
        pick = before["pick_id"]
        after = changed.get(pick)
        event: dict[str, object] = {
            "happened_at": now,
            "event": _event_name(before, after),
            "graded_by": authors.get(pick, "pipeline"),
            "old_status": was.get(pick, {}).get("status"),
            "new_status": status.get(pick),
            "was_official": was.get(pick, {}).get("finality") == "official",
            "run_id": run_id,
            **people[pick],
        }
        for name in ("is_correct", "any_time_td", "actual_scorer", "actual_return"):
            event["old_" + name] = before.get(name)
            event["new_" + name] = None if after is None else after.get(name, before.get(name))
        events.append(event)
    return sorted(events, key=lambda event: int(str(event["pick_id"])))


def _event_name(before: dict[str, object], after: dict[str, object] | None) -> str:
    if after is None:
        return "ungraded"
    changed = {name for name in GRADE_COLUMNS if name in after and after[name] != before.get(name)}
    if changed & {"is_correct", "any_time_td"}:
        return "flipped"
    return "scorer corrected" if changed & {"actual_scorer", "actual_scorer_id"} else "money corrected"


def _report(
    season: int,
    counts: Counts,
    statuses: pl.DataFrame,
    foreign: pl.DataFrame,
    grades: pl.DataFrame,
    events: list[dict[str, object]],
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
    for event in events[:20]:
        told = (
            f"{event['old_status']} is now {event['new_status']}"
            if event["event"] in GRADE_CHANGED
            else f"{event['event']}, {event['new_status']} stands"
        )
        report.notes.append(f"pick {event['pick_id']} ({event['player_name']}, {event['game_id']}): {told}")
    report.preview = own.sort("graded_at", "pick_id", descending=True).head(10)
    return report
