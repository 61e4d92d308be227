"""Who was on which team in a season; the key is the player's id, because two players may share a name."""

from sqlalchemy import Column, Integer, Table, Text, UniqueConstraint

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, record, stamp
from firsttd_pipeline.storage.schema import UtcDateTime

revision = "0010"
down_revision = "0009"

metadata = frozen()

rosters = Table(
    "rosters",
    metadata,
    ident(),
    Column("season", Integer, nullable=False),
    Column("team", Text, nullable=False),
    Column("player_id", Text, nullable=False, comment="gsis_id"),
    Column("player_name", Text, nullable=False),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("football_name", Text, comment="the first name he goes by"),
    Column("position", Text),
    Column("jersey_number", Integer),
    Column("status", Text, comment="upstream's code: ACT, RES, INA, DEV, CUT, ..."),
    Column("retired_at", UtcDateTime, comment="when upstream no longer had this row; null: current"),
    stamp("created_at"),
    stamp("updated_at"),
    UniqueConstraint("season", "team", "player_id"),
    comment="who was on which team in a season",
    **AUTO,
)


def upgrade() -> None:
    create(rosters)
    record(10, "rosters")
