"""Grades of other programs against the plays: the reads, and accepting what the plays say.

Which grades disagree is decided in `domain/reconciliation.py`. Accepting makes the grade the pipeline's own; the
record keeps who accepted it and why.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl
from sqlalchemy import Connection, select, update

from firsttd_pipeline.domain.grading import RulePack, grade_picks, grades_from_results
from firsttd_pipeline.domain.reconciliation import EVIDENCE_SCHEMA, disagreements
from firsttd_pipeline.domain.settlement import STATUS_COLUMNS
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.grades import GradeRefused, checked_author, hold_results
from firsttd_pipeline.storage.partitions import write_statuses
from firsttd_pipeline.storage.schema import picks, results, weeks
from firsttd_pipeline.storage.season import Season

ACCEPTED: Final = "accepted: the plays say so"
BY_SETTING: Final = "FIRSTTD_LEGACY_GRADES is replace: the plays say so"
SHOWN: Final = (
    *("pick_id", "member", "season", "week", "game_id", "typed", "player", "old_grade", "new_grade", "what"),
    *("old_scorer", "new_scorer", "quarter", "clock", "play", "reason", "old_points", "new_points"),
    *("old_profit", "new_profit", "rank_before", "rank_after", "rank_after_all"),
)
"""The columns of a disagreement for people, in their order."""


def open_disagreements(db: Database, season: int | None, settings: Settings, now: datetime) -> pl.DataFrame:
    """The `external` grades that the plays contradict, with the evidence (`SHOWN`), by season, week and pick.

    `season`: of that season alone; None: of every season.
    """
    with db.read() as conn:
        seasons = _seasons(conn) if season is None else [season]
        return _all_told([Season(db, one, conn) for one in seasons], settings.rules, now)


def _seasons(conn: Connection) -> list[int]:
    """The seasons in which a grade of another program stands."""
    query = (
        select(weeks.c.season)
        .distinct()
        .join(picks, picks.c.week_id == weeks.c.id)
        .join(results, results.c.pick_id == picks.c.id)
        .where(results.c.graded_by == "external")
        .order_by(weeks.c.season)
    )
    return list(conn.execute(query).scalars())


def _all_told(seasons: Sequence[Season], rules: RulePack, now: datetime) -> pl.DataFrame:
    found = [rows for one in seasons if (rows := told(one, rules, now)).height]
    return pl.concat(found, how="vertical_relaxed") if found else pl.DataFrame(schema=dict.fromkeys(SHOWN, pl.String))


def told(of_season: Season, rules: RulePack, now: datetime) -> pl.DataFrame:
    """`open_disagreements` of an open season."""
    rows = _compare(of_season, rules, now)
    if rows.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(SHOWN, pl.String))
    full = _full_names(of_season)
    special = (
        pl.when(pl.col("player_id") == "NO_TD")
        .then(pl.lit("No touchdown"))
        .when(pl.col("player_id").str.starts_with("DST:"))
        .then(pl.col("player_id").str.strip_prefix("DST:") + " D/ST")
    )
    player = pl.coalesce(special, pl.col("player_id").replace_strict(full, default=None, return_dtype=pl.String))
    named = rows.join(of_season.members(), on="user_id", how="left").with_columns(
        player.alias("player"), pl.lit(of_season.season).alias("season")
    )
    return named.select(SHOWN)


def by_hand(of_season: Season, rules: RulePack, now: datetime) -> pl.DataFrame:
    """The grades by hand that the plays could decide too: pick_id, player_name, by_hand, plays, agrees, made_by."""
    standing = of_season.standing_results().filter(pl.col("graded_by") == "manual")
    if standing.is_empty():
        schema: dict[str, type[pl.DataType]] = dict.fromkeys(("player_name", "by_hand", "plays", "made_by"), pl.String)
        return pl.DataFrame(schema={"pick_id": pl.Int64, **schema, "agrees": pl.Boolean})
    won = pl.when(pl.col("is_correct").is_null()).then(pl.lit("void"))
    status = won.when(pl.col("is_correct")).then(pl.lit("won")).otherwise(pl.lit("lost"))
    plays = _plays(of_season, rules, now).filter(pl.col("status") != "pending")
    both = (
        standing.with_columns(status.alias("status"))
        .join(plays.select("pick_id", "status", "any_time_td"), on="pick_id", suffix="_plays")
        .join(of_season.graded_picks().select("pick_id", "player_name"), on="pick_id")
        .join(of_season.overrides().select("pick_id", "made_by"), on="pick_id", how="left")
    )
    return both.select(
        "pick_id",
        "player_name",
        _told_grade("").alias("by_hand"),
        _told_grade("_plays").alias("plays"),
        "made_by",
        (_told_grade("") == _told_grade("_plays")).alias("agrees"),
    ).sort("pick_id")


def _told_grade(side: str) -> pl.Expr:
    any_time = (pl.col(f"status{side}") == "lost") & pl.col(f"any_time_td{side}").fill_null(False)
    return pl.col(f"status{side}") + pl.when(any_time).then(pl.lit(", any time")).otherwise(pl.lit(""))


def accept(
    db: Database,
    season: int | None,
    only: Collection[int] | None,
    *,
    by: str,
    why: str = ACCEPTED,
    rules: RulePack,
    now: datetime,
) -> pl.DataFrame:
    """Make the plays' grade the one that stands, for these picks or (None) for all that disagree, of one season or
    (None) of every season.

    Returns:
        What was accepted, with the evidence (`SHOWN`).

    Raises:
        GradeRefused: nobody signs, no reason is given, or a pick has no open disagreement; nothing is written then.
    """
    by, why = checked_author(by, why)
    with db.write() as conn:
        hold_results(conn)
        seasons = [Season(db, one, conn) for one in (_seasons(conn) if season is None else [season])]
        rows = _all_told(seasons, rules, now)
        if only is not None:
            missing = sorted(set(only) - set(rows["pick_id"]))
            if missing:
                within = f" in {season}" if season else ""
                raise GradeRefused(
                    f"No open disagreement on pick {', '.join(map(str, missing))}{within}: "
                    "`firsttd reconcile` lists those there are. Nothing was accepted."
                )
            rows = rows.filter(pl.col("pick_id").is_in(list(only)))
        with signed(conn, by, why=why, at=now):
            for of_season in seasons:
                mine = rows.filter(pl.col("season") == of_season.season)["pick_id"].to_list() if rows.height else []
                _write(conn, of_season, mine, rules, now)
    return rows


def accept_by_setting(conn: Connection, of_season: Season, rules: RulePack, now: datetime, run_id: str | None) -> int:
    """Accept every disagreement of the season, as the league's setting says; returns how many there were."""
    found = _compare(of_season, rules, now)["pick_id"].to_list()
    with signed(conn, "pipeline", why=BY_SETTING, run_id=run_id, at=now):
        _write(conn, of_season, found, rules, now)
    return len(found)


def _write(conn: Connection, of_season: Season, pick_ids: list[int], rules: RulePack, now: datetime) -> None:
    """The plays' grades of these picks, as the pipeline's own."""
    if not pick_ids:
        return
    plays = _plays(of_season, rules, now).filter(pl.col("pick_id").is_in(pick_ids))
    for row in plays.iter_rows(named=True):
        values: dict[str, Any] = {
            name: row[name] for name in ("is_correct", "any_time_td", "actual_scorer", "actual_scorer_id")
        }
        conn.execute(
            update(results)
            .where(results.c.pick_id == row["pick_id"])
            .values(**values, actual_return=row["profit"], graded_by="pipeline", graded_at=now)
        )
    statuses = plays.with_columns(pl.lit(rules.version).alias("rule_pack")).select(STATUS_COLUMNS)
    write_statuses(conn, of_season.season, statuses, now)


def _plays(of_season: Season, rules: RulePack, now: datetime) -> pl.DataFrame:
    to_grade, games = of_season.picks_to_grade(), of_season.games_to_grade()
    return grade_picks(to_grade, games, of_season.touchdowns(), of_season.records(), rules, now)


def _compare(of_season: Season, rules: RulePack, now: datetime) -> pl.DataFrame:
    standing = of_season.standing_results()
    external = standing.filter(pl.col("graded_by") == "external")
    to_grade, games = of_season.picks_to_grade(), of_season.games_to_grade()
    if external.is_empty():
        return pl.DataFrame(schema=EVIDENCE_SCHEMA)
    plays = _plays(of_season, rules, now)
    theirs = grades_from_results(external, to_grade, games, rules, now)
    stored = of_season.graded_picks().select("pick_id", "user_id", "points")
    settled = stored.join(theirs.select("pick_id", theirs="points"), on="pick_id", how="left")
    points = settled.select("pick_id", "user_id", pl.coalesce("theirs", "points").alias("points"))
    return disagreements(
        standing,
        theirs,
        plays,
        to_grade.select("pick_id", "user_id", "week", "game_id", "kind", "player_id", "player_name"),
        of_season.touchdowns(),
        _full_names(of_season),
        points,
    )


def _full_names(of_season: Season) -> dict[str, str]:
    rosters = of_season.rosters().sort("retired_at", "id", descending=[True, True], nulls_last=False)
    return dict(rosters.select("player_id", "player_name").iter_rows())
