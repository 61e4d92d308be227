"""Picks refer to games; a game that only picks know becomes a stub, which the next refresh fills."""

from alembic import op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from firsttd_pipeline.storage.migrations.support import (
    AUTO,
    ensure_games,
    frozen,
    ident,
    rebuild,
    record,
    set_aside,
    stamp,
)

revision = "0012"
down_revision = "0011"

metadata = frozen("users", "weeks", "games")

picks = Table(
    "picks",
    metadata,
    ident(),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("week_id", Integer, ForeignKey("weeks.id", ondelete="RESTRICT"), nullable=False),
    Column("team", Text, nullable=False),
    Column("player_name", Text, nullable=False, comment="as typed"),
    Column("odds", Float, comment="American"),
    Column("theoretical_return", Float),
    stamp("created_at"),
    Column("game_id", Text, ForeignKey("games.id")),
    Column("kind", Text, nullable=False, server_default=text("'player'")),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD; null: not understood yet"),
    Column("position", Text),
    Column("odds_placeholder", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("source", Text, nullable=False, server_default=text("'external'"), comment="cli, import, legacy, external"),
    Column("late_reason", Text, comment="why it was taken after kickoff"),
    UniqueConstraint("user_id", "week_id", "player_name"),
    UniqueConstraint("user_id", "week_id", "player_id"),
    CheckConstraint("kind IN ('player', 'dst', 'no_td')", name="kind_known"),
    comment="who a member says scores first",
    **AUTO,
)


def upgrade() -> None:
    ensure_games()
    conn = op.get_bind()
    unknown = "SELECT * FROM picks WHERE game_id IS NOT NULL AND game_id NOT IN (SELECT id FROM games)"
    rows = [dict(r) for r in conn.exec_driver_sql(unknown).mappings()]
    set_aside("picks", rows, "its game_id names no game: the pick was kept without a game")
    conn.exec_driver_sql("UPDATE picks SET game_id = NULL WHERE game_id NOT IN (SELECT id FROM games)")
    if conn.dialect.name == "sqlite":
        rebuild(picks)
    else:
        op.create_foreign_key("fk_picks_games", "picks", "games", ["game_id"], ["id"])
    record(12, "picks refer to games")
