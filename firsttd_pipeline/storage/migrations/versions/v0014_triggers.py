"""Triggers that say why a foreign key refuses; the last step of an upgrade installs them anew for all tables."""

from alembic import op
from sqlalchemy import Column, ForeignKeyConstraint, Integer, Table, Text

from firsttd_pipeline.storage.migrations.support import frozen, record
from firsttd_pipeline.storage.triggers import install

revision = "0014"
down_revision = "0013"

metadata = frozen("users", "weeks")

games = Table(
    "games",
    metadata,
    Column("id", Text),
    Column("season", Integer),
    Column("week", Integer),
    ForeignKeyConstraint(["season", "week"], ["weeks.season", "weeks.week"]),
)

picks = Table(
    "picks",
    metadata,
    Column("id", Integer),
    Column("user_id", Integer),
    Column("week_id", Integer),
    Column("game_id", Text),
    ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="RESTRICT"),
    ForeignKeyConstraint(["week_id"], ["weeks.id"], ondelete="RESTRICT"),
    ForeignKeyConstraint(["game_id"], ["games.id"]),
)

results = Table(
    "results",
    metadata,
    Column("pick_id", Integer),
    ForeignKeyConstraint(["pick_id"], ["picks.id"], ondelete="CASCADE"),
)


def upgrade() -> None:
    install(op.get_bind(), metadata)
    record(14, "triggers that say why a foreign key refuses")
