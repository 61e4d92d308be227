"""What sensors and schedules look at besides the standings' queue: picks without a standing, games that miss their
plays, games that are still to begin.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from firsttd_pipeline.sources.nflverse import SourceFile
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import game_records, games, pick_events, pick_status, picks, weeks
from firsttd_pipeline.storage.standings_queue import database_id
from firsttd_pipeline.storage.sync_log import last_fetch


@dataclass(frozen=True)
class NewPicks:
    """The picks of a season that have no standing yet; `newest_event` is the last that happened to one of them."""

    season: int
    count: int
    newest: int
    newest_event: int


@dataclass(frozen=True)
class LatePlays:
    """The games of a season that are final and lack their plays, and the file of plays that was taken last."""

    season: int
    games: int
    example: str
    last: SourceFile | None


@dataclass(frozen=True)
class Upcoming:
    """A game that is still to begin."""

    season: int
    game_id: str
    kickoff_at: datetime


def upcoming_games(db: Database, now: datetime, days: int) -> list[Upcoming]:
    """The games that kick off within `days` days from now, earliest first; if there are none, the next one at all."""
    of = games.c
    query = (
        select(of.season, of.id, of.kickoff_at)
        .where(of.kickoff_at > now, of.status == "scheduled", of.deleted_at.is_(None))
        .order_by(of.kickoff_at, of.id)
    )
    with db.read() as conn:
        soon = conn.execute(query.where(of.kickoff_at <= now + timedelta(days=days))).all()
        return [Upcoming(*row) for row in soon or conn.execute(query.limit(1)).all()]


def picks_without_standing(db: Database) -> tuple[str, list[NewPicks], int]:
    """The database's id, the seasons whose picks have no row in `pick_status`, and how many picks there are in all.

    Every run of `results` gives each of the season's picks a standing; an edit by another program takes it away.
    """
    happened = (
        select(pick_events.c.pick_id, func.max(pick_events.c.id).label("event"))
        .where(pick_events.c.event != "stated")
        .group_by(pick_events.c.pick_id)
        .subquery()
    )
    with db.read() as conn:
        found = conn.execute(
            select(weeks.c.season, func.count(), func.max(picks.c.id), func.coalesce(func.max(happened.c.event), 0))
            .join(weeks, weeks.c.id == picks.c.week_id)
            .outerjoin(pick_status, pick_status.c.pick_id == picks.c.id)
            .outerjoin(happened, happened.c.pick_id == picks.c.id)
            .where(pick_status.c.pick_id.is_(None))
            .group_by(weeks.c.season)
            .order_by(weeks.c.season)
        ).all()
        total = conn.execute(select(func.count()).select_from(picks)).scalar_one()
        return database_id(conn), [NewPicks(*row) for row in found if isinstance(row[0], int)], total


def games_without_plays(db: Database, now: datetime, days: int) -> tuple[str, list[LatePlays]]:
    """The database's id, and by season the final games of the last `days` days that miss plays."""
    records = game_records.c
    complete = (
        records.reaches_end
        & (records.home_score == games.c.home_score)
        & (records.away_score == games.c.away_score)
    )  # fmt: skip
    with db.read() as conn:
        found = conn.execute(
            select(games.c.season, func.count(), func.min(games.c.id))
            .outerjoin(game_records, records.game_id == games.c.id)
            .where(
                games.c.status == "final",
                games.c.deleted_at.is_(None),
                games.c.kickoff_at > now - timedelta(days=days),
                games.c.kickoff_at <= now,
                or_(records.game_id.is_(None), func.coalesce(complete, False).is_(False)),
            )
            .group_by(games.c.season)
            .order_by(games.c.season)
        ).all()
        late = [LatePlays(s, n, example, last_fetch(conn, "pbp", s)) for s, n, example in found]
        return database_id(conn), late
