"""A member has one pick on a player in a week; picks know whom they mean, not only what was typed."""

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

from firsttd_pipeline.storage.migrations.support import AUTO, UpgradeRefused, frozen, ident, rebuild, record, stamp

revision = "0011"
down_revision = "0010"

metadata = frozen("users", "weeks")

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
    Column("game_id", Text),
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
    refuse_duplicates()
    # The old application writes odds of -110 where nobody gave any.
    rebuild(picks, {"source": "'legacy'", "odds_placeholder": "coalesce(odds = -110, false)"})
    record(11, "picks: one per member, week and player")


def refuse_duplicates() -> None:
    """Two equal picks cannot both stay, and which one goes is for a person to say."""
    found = op.get_bind().exec_driver_sql(
        "SELECT min(id), max(id), player_name FROM picks GROUP BY user_id, week_id, player_name HAVING count(*) > 1"
    )
    for first, last, name in found:
        raise UpgradeRefused(
            f"Picks {first} and {last} are the same pick ({name!r}, same member and week): "
            "delete one of them in the old application, then upgrade again. Nothing was changed."
        )
