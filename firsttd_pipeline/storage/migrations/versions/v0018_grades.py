"""Where each pick stands and why, and every grade that changed."""

from sqlalchemy import Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text, false, func

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, record, stamp
from firsttd_pipeline.storage.schema import UtcDateTime

revision = "0018"
down_revision = "0017"

metadata = frozen("picks")

pick_status = Table(
    "pick_status",
    metadata,
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, comment="of a pending or void pick"),
    Column("finality", Text, comment="provisional or official; null while pending"),
    Column("points", Float),
    Column("stake", Float, comment="units; null where the odds are unknown"),
    Column("rule_pack", Text),
    stamp("updated_at"),
    CheckConstraint("status IN ('pending', 'won', 'lost', 'void')", name="status_known"),
    CheckConstraint("finality IN ('provisional', 'official')", name="finality_known"),
    CheckConstraint("status <> 'pending' OR reason IS NOT NULL", name="pending_has_reason"),
    comment="where each pick stands, and why",
)

result_events = Table(
    "result_events",
    metadata,
    ident(),
    Column("happened_at", UtcDateTime, nullable=False, server_default=func.current_timestamp()),
    Column("event", Text, nullable=False, comment="flipped, ungraded, scorer corrected, money corrected"),
    Column("pick_id", Integer, nullable=False, comment="no foreign key: the event outlives the pick"),
    Column("user_id", Integer),
    Column("season", Integer),
    Column("game_id", Text),
    Column("player_id", Text),
    Column("player_name", Text),
    Column("graded_by", Text),
    Column("old_status", Text),
    Column("new_status", Text),
    Column("old_is_correct", Boolean(create_constraint=False)),
    Column("new_is_correct", Boolean(create_constraint=False)),
    Column("old_any_time_td", Boolean(create_constraint=False)),
    Column("new_any_time_td", Boolean(create_constraint=False)),
    Column("old_actual_scorer", Text),
    Column("new_actual_scorer", Text),
    Column("old_actual_return", Float),
    Column("new_actual_return", Float),
    Column("was_official", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("run_id", Text, comment="the Dagster run that changed it"),
    Index("ix_result_events_pick_id", "pick_id"),
    Index("ix_result_events_season", "season", "happened_at"),
    comment="every grade that changed, old and new",
    **AUTO,
)


def upgrade() -> None:
    create(pick_status, result_events)
    record(18, "pick_status and result_events")
