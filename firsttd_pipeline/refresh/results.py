"""`results` and `pick_status`: the grade of every pick that can be decided, and the reason where none can.

Grades are derived anew every run. Only `pipeline` rows are written; a grade by hand or by another program stands.
Every grade that changes is kept in `result_events`, old and new.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy import Connection, Select, insert, select

from firsttd_pipeline.domain.grading import RulePack, grade_picks, grades_from_results
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.storage.schema import (
    game_records,
    games,
    pick_status,
    picks,
    result_events,
    results,
    rosters,
    touchdowns,
    users,
    weeks,
)
from firsttd_pipeline.storage.sync import Counts, sync_partition

GRADE = ["is_correct", "any_time_td", "actual_scorer", "actual_scorer_id", "actual_return"]
GRADE_CHANGED = ("flipped", "ungraded")
"""Events that change what a member has: others correct the scorer's name or the money of a grade that stands."""


def refresh(league: League, season: int, now: datetime) -> Report:
    """Grade the season's picks, in one transaction."""
    with league.db.write() as conn:
        if conn.execute(_pick_ids(season).limit(1)).first() is None:
            return Report("results", season, Counts(), facts={"picks": 0})  # nor a grade: those go with their pick
        understood, not_understood = _understand(conn, season)
        facts = _read(conn, league, season)
        rules = league.settings.rules
        grades = grade_picks(**facts, rules=rules, now=now).rename({"profit": "actual_return"})
        standing = league.db.frame(_standing(season), conn=conn)
        foreign = standing.filter(pl.col("graded_by") != "pipeline")
        theirs = grades_from_results(foreign, facts["picks"], facts["games"], rules, now)
        statuses = _statuses(grades, foreign, theirs, rules)
        own = _own_rows(grades, foreign, now)
        counts = sync_partition(
            conn,
            results,
            own,
            key=("pick_id",),
            scope=results.c.pick_id.in_(_pick_ids(season)) & (results.c.graded_by == "pipeline"),
            missing="delete",
            now=now,
            ignore=("id", "created_at", "graded_at"),
        )
        old_status = league.db.frame(select(pick_status).where(pick_status.c.pick_id.in_(_pick_ids(season))), conn=conn)
        corrected = _correct_money(conn, season, foreign, theirs, now)
        events = [
            event
            for change, author in ((counts, "pipeline"), (corrected, "external"))
            for event in _events(change, author, facts["picks"], old_status, statuses, league.run_id, now)
        ]
        if events:
            conn.execute(insert(result_events), events)
        sync_partition(
            conn,
            pick_status,
            statuses,
            key=("pick_id",),
            scope=pick_status.c.pick_id.in_(_pick_ids(season)),
            missing="delete",
            now=now,
        )
    return _report(season, counts, statuses, foreign, grades, events, understood, not_understood, own)


def _understand(conn: Connection, season: int) -> tuple[int, list[str]]:
    """How many picks were given their player now, and a note on each that could not be."""
    waiting = _pick_ids(season).where(picks.c.player_id.is_(None)).limit(1)
    if conn.execute(waiting).first() is None:
        return 0, []
    from firsttd_pipeline.storage.picks import understand_picks  # on most nights nothing has to be understood

    found = understand_picks(conn, season)
    return found.understood, [
        *(f"pick {pick} is not understood: {why}" for pick, why in list(found.not_understood.items())[:20]),
        *(f"pick {pick} is set aside: {why}" for pick, why in list(found.collisions.items())[:20]),
    ]


def _pick_ids(season: int) -> Select[tuple[int]]:
    return select(picks.c.id).join(weeks, weeks.c.id == picks.c.week_id).where(weeks.c.season == season)


def _standing(season: int) -> Select[tuple[object, ...]]:
    return select(results.c.pick_id, results.c.graded_by, *(results.c[name] for name in GRADE)).where(
        results.c.pick_id.in_(_pick_ids(season))
    )


def _read(conn: Connection, league: League, season: int) -> dict[str, pl.DataFrame]:
    """The frames that grading takes: picks, games, touchdowns, records."""
    of_season = league.db.frame(
        select(
            picks.c.id.label("pick_id"),
            picks.c.user_id,
            weeks.c.season,
            weeks.c.week,
            picks.c.game_id,
            picks.c.kind,
            picks.c.player_id,
            picks.c.player_name,
            picks.c.team,
            rosters.c.team.label("player_team"),
            picks.c.odds,
            picks.c.odds_placeholder,
            users.c.base_bet,
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .join(users, users.c.id == picks.c.user_id)
        .outerjoin(
            rosters,
            (rosters.c.season == weeks.c.season)
            & (rosters.c.player_id == picks.c.player_id)
            & rosters.c.retired_at.is_(None),
        )
        .where(weeks.c.season == season),
        conn=conn,
    )
    # A player on two current rosters could be of either team: that reads as no team.
    of_season = of_season.with_columns(
        pl.when(pl.col("pick_id").is_duplicated()).then(None).otherwise("player_team").alias("player_team")
    ).unique("pick_id", keep="first", maintain_order=True)
    picked = select(picks.c.game_id).where(picks.c.id.in_(_pick_ids(season)))
    of_games = league.db.frame(
        select(
            games.c.id.label("game_id"),
            games.c.home_team,
            games.c.away_team,
            games.c.home_score,
            games.c.away_score,
            games.c.status,
            games.c.kickoff_at,
            games.c.deleted_at,
        ).where((games.c.season == season) | games.c.id.in_(picked)),
        conn=conn,
    )
    scored = league.db.frame(
        select(
            touchdowns.c.game_id,
            touchdowns.c.player_id,
            touchdowns.c.player_name,
            touchdowns.c.team,
            touchdowns.c.kind,
            touchdowns.c.is_first_td,
        )
        .join(games, games.c.id == touchdowns.c.game_id)
        .where(games.c.season == season),
        conn=conn,
    )
    records = league.db.frame(
        select(
            game_records.c.game_id, game_records.c.home_score, game_records.c.away_score, game_records.c.reaches_end
        ).where(game_records.c.season == season),
        conn=conn,
    )
    return {
        "picks": of_season,
        "games": of_games,
        "touchdowns": scored,
        "records": records,
    }


def _own_rows(grades: pl.DataFrame, foreign: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """The rows of `results` that the pipeline owns; `graded_at` is written only where the grade changes."""
    decided = grades.filter(pl.col("status") != "pending").join(foreign, on="pick_id", how="anti")
    return decided.select(
        "pick_id", *GRADE, pl.lit(now).alias("graded_at"), pl.lit("pipeline").alias("graded_by")
    ).sort("pick_id")


def _statuses(grades: pl.DataFrame, foreign: pl.DataFrame, theirs: pl.DataFrame, rules: RulePack) -> pl.DataFrame:
    """One row of `pick_status` per pick: from the standing row where somebody else graded, else from the plays."""
    columns = ["pick_id", "status", "reason", "finality", "points", "stake"]
    own = grades.join(foreign, on="pick_id", how="anti").select(columns)
    both = pl.concat([own, theirs.select(columns)], how="vertical_relaxed")
    return both.with_columns(pl.lit(rules.version).alias("rule_pack")).sort("pick_id")


def _correct_money(conn: Connection, season: int, foreign: pl.DataFrame, theirs: pl.DataFrame, now: datetime) -> Counts:
    """Put the profit of rows that another program graded right: the old application stores losses as 0.

    Its grade stands; a profit entered by hand stands too.
    """
    external = foreign.filter(pl.col("graded_by") == "external").drop("graded_by", "actual_return")
    money = external.join(theirs.select("pick_id", pl.col("profit").alias("actual_return")), on="pick_id")
    return sync_partition(
        conn,
        results,
        money,
        key=("pick_id",),
        scope=results.c.pick_id.in_(_pick_ids(season)) & (results.c.graded_by == "external"),
        missing="keep",
        now=now,
    )


def _events(
    counts: Counts,
    author: str,
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
            "graded_by": author,
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
    changed = {name for name in GRADE if name in after and after[name] != before.get(name)}
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
