"""Reads of one season: each table, and what each rule of `domain/` takes, as frames named as the rules name them.

A `Season` reads inside the caller's transaction where it is given one. With `once` it reads each table a single time:
the checks of an asset ask for the same few, one after the other. `rules` are the league's, for checks that grade.
Writes are in `partitions.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import Connection, Select, Table, func, select

from firsttd_pipeline.domain.grading import RulePack
from firsttd_pipeline.storage import grade_triggers, market_status, schema
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.run_failures import open_failures

GRADE_COLUMNS = ("is_correct", "any_time_td", "actual_scorer", "actual_scorer_id", "actual_return")


class Season:
    """The frames of one season. `id` reads as what it identifies: `game_id`, `pick_id`."""

    def __init__(
        self,
        db: Database,
        season: int,
        conn: Connection | None = None,
        *,
        once: bool = False,
        rules: RulePack | None = None,
    ) -> None:
        self._db, self.season, self._conn = db, season, conn
        self.rules = rules or RulePack()
        self._held: dict[str, pl.DataFrame] | None = {} if once else None

    # --- tables -------------------------------------------------------------------------------------------------------

    def games(self) -> pl.DataFrame:
        """The season's games; those that left the schedule carry `deleted_at`."""
        table = schema.games
        return self._frame(
            "games",
            select(table.c.id.label("game_id"), *(c for c in table.c if c.name != "id")).where(
                table.c.season == self.season
            ),
        )

    def current_games(self) -> pl.DataFrame:
        """The games that are in the schedule now."""
        return self.games().filter(pl.col("deleted_at").is_null())

    def rosters(self) -> pl.DataFrame:
        """The season's roster rows, retired ones too."""
        return self._whole(schema.rosters)

    def touchdowns(self) -> pl.DataFrame:
        """The touchdowns of the season's games."""
        return self._of_games(schema.touchdowns)

    def records(self) -> pl.DataFrame:
        """How far the plays of the season's games reach."""
        return self._whole(schema.game_records)

    def kickoffs(self) -> pl.DataFrame:
        """The opening kickoffs of the season's games."""
        return self._of_games(schema.kickoff_decisions)

    def player_stats(self) -> pl.DataFrame:
        """The season's player statistics."""
        return self._whole(schema.player_stats)

    def team_ratings(self) -> pl.DataFrame:
        """The season's ratings."""
        return self._whole(schema.team_ratings)

    def leaderboard(self) -> pl.DataFrame:
        """The season's standings, total and weeks."""
        return self._whole(schema.leaderboard)

    def market_outcomes(self) -> pl.DataFrame:
        """How the venues settled the season's legs."""
        return self._whole(schema.market_outcomes)

    def statuses(self) -> pl.DataFrame:
        """Where each of the season's picks stands."""
        table = schema.pick_status
        return self._frame("statuses", select(table).where(table.c.pick_id.in_(pick_ids(self.season))))

    def weeks(self) -> pl.DataFrame:
        """season and week of the weeks that are there."""
        table = schema.weeks.c
        return self._frame("weeks", select(table.season, table.week).where(table.season == self.season))

    # --- what the rules take ------------------------------------------------------------------------------------------

    def has_picks(self) -> bool:
        """Whether anybody picked in this season."""
        return self._frame("has picks", pick_ids(self.season).limit(1)).height > 0

    def has_picks_without_player(self) -> bool:
        """Whether a pick waits to be understood."""
        return (
            self._frame("waiting", pick_ids(self.season).where(schema.picks.c.player_id.is_(None)).limit(1)).height > 0
        )

    def picks_to_grade(self) -> pl.DataFrame:
        """The season's picks as `grading.grade_picks` takes them, one row each.

        `player_team` is the team of the player's current roster row; of two current rows it could be either: null.
        """
        picks, weeks, rosters = schema.picks, schema.weeks, schema.rosters
        rows = self._frame(
            "picks to grade",
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
                schema.users.c.base_bet,
            )
            .join(weeks, weeks.c.id == picks.c.week_id)
            .join(schema.users, schema.users.c.id == picks.c.user_id)
            .outerjoin(
                rosters,
                (rosters.c.season == weeks.c.season)
                & (rosters.c.player_id == picks.c.player_id)
                & rosters.c.retired_at.is_(None),
            )
            .where(weeks.c.season == self.season),
        )
        return rows.with_columns(
            pl.when(pl.col("pick_id").is_duplicated()).then(None).otherwise("player_team").alias("player_team")
        ).unique("pick_id", keep="first", maintain_order=True)

    def games_to_grade(self) -> pl.DataFrame:
        """The season's games and those of its picks, as `grading.grade_picks` takes them."""
        games, picks = schema.games, schema.picks
        picked = select(picks.c.game_id).where(picks.c.id.in_(pick_ids(self.season)))
        columns = ("home_team", "away_team", "home_score", "away_score", "status", "kickoff_at", "deleted_at")
        return self._frame(
            "games to grade",
            select(games.c.id.label("game_id"), *(games.c[name] for name in columns)).where(
                (games.c.season == self.season) | games.c.id.in_(picked)
            ),
        )

    def standing_results(self) -> pl.DataFrame:
        """The results as they stand: pick_id, graded_by and the grade."""
        table = schema.results.c
        return self._frame(
            "standing results",
            select(table.pick_id, table.graded_by, *(table[name] for name in GRADE_COLUMNS)).where(
                table.pick_id.in_(pick_ids(self.season))
            ),
        )

    def graded_picks(self) -> pl.DataFrame:
        """One row per pick with status, points, money, result and kickoff, as `standings.leaderboard` and the quality
        rules take them; `result_id` is null where there is no result."""
        picks, weeks, status, results = schema.picks, schema.weeks, schema.pick_status, schema.results
        return self._frame(
            "graded picks",
            select(
                picks.c.id.label("pick_id"),
                picks.c.user_id,
                picks.c.week_id,
                weeks.c.week,
                picks.c.game_id,
                picks.c.player_id,
                picks.c.player_name,
                status.c.status,
                status.c.reason,
                status.c.points,
                status.c.stake,
                results.c.is_correct,
                results.c.any_time_td,
                results.c.actual_return.label("profit"),
                results.c.id.label("result_id"),
                schema.games.c.kickoff_at,
            )
            .join(weeks, weeks.c.id == picks.c.week_id)
            .outerjoin(status, status.c.pick_id == picks.c.id)
            .outerjoin(results, results.c.pick_id == picks.c.id)
            .outerjoin(schema.games, schema.games.c.id == picks.c.game_id)
            .where(weeks.c.season == self.season),
        )

    def picks_with_status(self) -> pl.DataFrame:
        """`graded_picks` without those that came in since the last grading: they have no status yet."""
        return self.graded_picks().filter(pl.col("status").is_not_null())

    def stray_touchdowns(self) -> pl.DataFrame:
        """Game and play of the touchdowns that say they are of the season, or of none: also those without a game."""
        table = schema.touchdowns.c
        return self._frame(
            "stray touchdowns",
            select(table.game_id, table.play_id).where((table.season == self.season) | table.season.is_(None)),
        )

    def all_game_ids(self) -> pl.DataFrame:
        """The ids of all games of all seasons, as `game_id`."""
        return self._frame("all games", select(schema.games.c.id.label("game_id")))

    def members(self) -> pl.DataFrame:
        """user_id and name (`member`) of everybody."""
        return self._frame("members", select(schema.users.c.id.label("user_id"), schema.users.c.name.label("member")))

    def questions(self) -> pl.DataFrame:
        """The picks that ask whom they mean: pick_id, user_id, week_id, member, typed, game_id, graded (whether a grade
        stands all the same), candidate_ids."""
        picks, asked = schema.picks, schema.pick_resolutions
        rows = self._frame(
            "questions",
            select(
                picks.c.id.label("pick_id"),
                picks.c.user_id,
                picks.c.week_id,
                schema.users.c.name.label("member"),
                picks.c.player_name.label("typed"),
                picks.c.game_id,
                schema.results.c.pick_id.is_not(None).label("graded"),
                asked.c.candidates,
            )
            .join(asked, asked.c.pick_id == picks.c.id)
            .outerjoin(schema.results, schema.results.c.pick_id == picks.c.id)
            .join(schema.users, schema.users.c.id == picks.c.user_id)
            .where(picks.c.id.in_(pick_ids(self.season)), picks.c.player_id.is_(None), asked.c.state == "question"),
        )
        ids = [[one["player_id"] for one in json.loads(text or "[]")] for text in rows["candidates"]]
        return rows.with_columns(pl.Series("candidate_ids", ids, dtype=pl.List(pl.String))).drop("candidates")

    def events_since(self, since: datetime, events: Sequence[str]) -> pl.DataFrame:
        """The season's `result_events` of these kinds since an instant."""
        table = schema.result_events
        return self._frame(
            f"events since {since}",
            select(table).where(
                table.c.season == self.season, table.c.happened_at >= since, table.c.event.in_(list(events))
            ),
        )

    def miscounted(self) -> pl.DataFrame:
        """Players whose stored first_td_count is not what the database counts now (see `grade_triggers`)."""
        statement = grade_triggers.disagreements(self._db.dialect)
        return self._db.frame(statement, {"season": self.season}, conn=self._conn)

    def open_failures(self) -> pl.DataFrame:
        """The season's runs that failed and that no later run got past."""
        return self._frame("open failures", open_failures(self.season))

    def overrides(self) -> pl.DataFrame:
        """The grades by hand that stand: pick_id, kind, made_by, made_at, why."""
        table = schema.overrides.c
        return self._frame(
            "overrides",
            select(table.pick_id, table.kind, table.made_by, table.made_at, table.why).where(
                table.ended_at.is_(None), table.pick_id.in_(pick_ids(self.season))
            ),
        )

    def record(self, until: datetime | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """`pick_events` and `result_events` up to an instant (inclusive; None: all) of every pick that was ever of the
        season."""
        events = schema.pick_events
        mine = select(events.c.pick_id).where(events.c.season == self.season).distinct()
        frames = []
        for table in (events, schema.result_events):
            query = select(table).where(table.c.pick_id.in_(mine))
            if until is not None:
                query = query.where(table.c.happened_at <= until)
            frames.append(self._frame(f"{table.name} until {until}", query))
        return frames[0], frames[1]

    def market_venues(self) -> pl.DataFrame:
        """How each market venue answered last."""
        return self._frame("market venues", market_status.venues_query(self.season))

    def market_events_without_game(self) -> pl.DataFrame:
        """The venues' events of which no game is certain."""
        return self._frame("events without game", market_status.open_events_query(self.season))

    def market_legs_without_player(self) -> pl.DataFrame:
        """The venues' legs of known games of which no player is certain."""
        return self._frame("legs without player", market_status.open_legs_query(self.season))

    def picks_without_closing(self) -> pl.DataFrame:
        """What was picked in games that are over and listed by a venue, and has no closing line there."""
        return self._frame("picks without closing", market_status.unclosed_picks_query(self.season))

    def members_miscounted_by_market(self) -> pl.DataFrame:
        """Members whose row of `member_market_stats` does not count exactly their picks."""
        return self._frame("market members", market_status.miscounted_members_query(self.season))

    # --- inside -------------------------------------------------------------------------------------------------------

    def _whole(self, table: Any) -> pl.DataFrame:
        return self._frame(table.name, select(table).where(table.c.season == self.season))

    def _of_games(self, table: Any) -> pl.DataFrame:
        return self._frame(table.name, select(table).where(table.c.game_id.in_(game_ids(self.season))))

    def _frame(self, name: str, query: Select[Any]) -> pl.DataFrame:
        if self._held is not None and name in self._held:
            return self._held[name]
        frame = self._db.frame(query, conn=self._conn)
        if self._held is not None:
            self._held[name] = frame
        return frame


def count_rows(db: Database, table: Table, season: int | None = None) -> int:
    """How many rows a table has, of all seasons or of one."""
    query = select(func.count()).select_from(table)
    if season is not None:
        query = query.where(table.c.season == season)
    with db.read() as conn:
        return int(conn.execute(query).scalar_one())


def game_ids(season: int) -> Select[tuple[str]]:
    """The ids of the season's games, whether in the schedule or not."""
    return select(schema.games.c.id).where(schema.games.c.season == season)


def pick_ids(season: int) -> Select[tuple[int]]:
    """The ids of the season's picks."""
    weeks = schema.weeks
    return select(schema.picks.c.id).join(weeks, weeks.c.id == schema.picks.c.week_id).where(weeks.c.season == season)
