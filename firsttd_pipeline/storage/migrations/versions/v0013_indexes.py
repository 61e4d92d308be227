"""Indexes for the hot queries; a result is one per pick and says who graded it."""

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from firsttd_pipeline.storage.migrations.support import AUTO, frozen, ident, rebuild, record, stamp

revision = "0013"
down_revision = "0012"

metadata = frozen("picks")

results = Table(
    "results",
    metadata,
    ident(),
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), nullable=False),
    Column("actual_scorer", Text),
    Column("is_correct", Boolean(create_constraint=False), comment="1 won, 0 lost, null void"),
    Column("actual_return", Float, comment="profit in units; null where the odds are unknown"),
    stamp("created_at"),
    Column("any_time_td", Boolean(create_constraint=False)),
    Column("actual_scorer_id", Text, comment="gsis_id"),
    stamp("graded_at"),
    Column("graded_by", Text, nullable=False, server_default=text("'external'")),
    UniqueConstraint("pick_id"),
    CheckConstraint("graded_by IN ('pipeline', 'external', 'manual')", name="graded_by_known"),
    Index("ix_results_is_correct", "is_correct"),
    comment="decided picks only",
    **AUTO,
)


def upgrade() -> None:
    op.create_index("ix_games_season_week", "games", ["season", "week"])
    op.create_index("ix_games_home_team", "games", ["home_team", "season", "week"])
    op.create_index("ix_games_away_team", "games", ["away_team", "season", "week"])
    op.create_index("ix_rosters_season_player_id", "rosters", ["season", "player_id"])
    op.create_index("ix_rosters_season_position", "rosters", ["season", "position"])
    op.create_index("ix_picks_week_id", "picks", ["week_id"])
    op.create_index("ix_picks_game_id", "picks", ["game_id"])
    rebuild(results, {"graded_at": "created_at", "graded_by": "'external'"})
    record(13, "results: one per pick; indexes")
