"""A member may have a stake of their own."""

from alembic import op
from sqlalchemy import Boolean, CheckConstraint, Column, Float, Integer, Table, Text, UniqueConstraint, false, text

from firsttd_pipeline.storage.migrations.support import AUTO, frozen, ident, rebuild, record, stamp

revision = "0015"
down_revision = "0014"

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
    Column("base_bet", Float, comment="stake in units; null: FIRSTTD_STAKE"),
    UniqueConstraint("name"),
    UniqueConstraint("email"),
    CheckConstraint("base_bet > 0", name="base_bet_positive"),
    comment="the members",
    **AUTO,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        rebuild(users)
    else:
        op.add_column("users", Column("base_bet", Float, comment="stake in units; null: FIRSTTD_STAKE"))
        op.create_check_constraint(op.f("ck_users_base_bet_positive"), "users", "base_bet > 0")
    record(15, "users.base_bet")
