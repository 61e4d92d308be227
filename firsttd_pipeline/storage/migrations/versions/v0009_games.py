"""The schedule as a table; members and weeks get named keys; what cannot be taken gets a place."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, rebuild, record, stamp
from firsttd_pipeline.storage.schema import UtcDateTime

revision = "0009"
down_revision = "0008"

metadata = frozen()

users = Table(
    "users",
    metadata,
    ident(),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("group_id", Integer, server_default=text("1")),
    Column("is_admin", Boolean(create_constraint=False), server_default=false()),
    stamp("created_at"),
    UniqueConstraint("name"),
    UniqueConstraint("email"),
    comment="the members",
    **AUTO,
)

weeks = Table(
    "weeks",
    metadata,
    ident(),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    stamp("created_at"),
    UniqueConstraint("season", "week"),
    comment="one row per season and week",
    **AUTO,
)

games = Table(
    "games",
    metadata,
    Column("id", Text, primary_key=True, comment="nflverse game_id, e.g. 2025_22_SEA_NE"),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("game_type", Text, comment="REG, WC, DIV, CON, SB"),
    Column("game_date", Date, comment="US Eastern date"),
    Column("kickoff_at", UtcDateTime),
    Column("home_team", Text, nullable=False),
    Column("away_team", Text, nullable=False),
    Column("home_score", Integer),
    Column("away_score", Integer),
    Column("status", Text, nullable=False, server_default=text("'scheduled'")),
    Column(
        "source", Text, nullable=False, server_default=text("'external'"), comment="nflverse, legacy, manual, external"
    ),
    Column("overtime", Boolean(create_constraint=False)),
    Column("neutral_site", Boolean(create_constraint=False)),
    Column("deleted_at", UtcDateTime, comment="when it left the schedule; rows are never removed under a pick"),
    stamp("created_at"),
    stamp("updated_at"),
    UniqueConstraint("season", "week", "home_team", "away_team"),
    ForeignKeyConstraint(["season", "week"], ["weeks.season", "weeks.week"]),
    CheckConstraint("status IN ('scheduled', 'in_progress', 'final', 'postponed', 'cancelled')", name="status_known"),
    CheckConstraint("home_team <> away_team", name="two_teams"),
    CheckConstraint("home_score >= 0 AND away_score >= 0", name="scores_not_negative"),
    CheckConstraint(
        "status <> 'final' OR (home_score IS NOT NULL AND away_score IS NOT NULL)", name="final_has_scores"
    ),
    comment="the schedule",
)

quarantine = Table(
    "quarantine",
    metadata,
    ident(),
    Column("table_name", Text, nullable=False),
    Column("season", Integer),
    Column("key", Text, nullable=False, comment="what names the row in its source"),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False, comment="the row, whole, as JSON"),
    Column("source", Text),
    stamp("created_at"),
    Column("resolved_at", UtcDateTime),
    Index("ix_quarantine_table_name_season", "table_name", "season"),
    comment="what could not be taken, whole, with the reason",
    **AUTO,
)


def upgrade() -> None:
    rebuild(users)
    rebuild(weeks)
    create(games, quarantine)
    record(9, "games: the schedule")
