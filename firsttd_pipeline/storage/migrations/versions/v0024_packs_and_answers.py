"""The closing lines of each season in one piece, to be read whole; who said by hand what an event or leg is on."""

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, Table, Text, UniqueConstraint

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, stamp
from firsttd_pipeline.storage.schema import UtcDateTime

revision = "0024"
down_revision = "0023"

BY = "who said so, where a person did"

metadata = frozen()

market_closing_packs = Table(
    "market_closing_packs",
    metadata,
    ident(),
    Column("season", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="source, game_id, player_id and both probabilities, as Arrow"),
    stamp("updated_at"),
    UniqueConstraint("season"),
    comment="the closing lines of each season in one piece, to be read whole; made of market_closings",
    **AUTO,
)


def upgrade() -> None:
    create(market_closing_packs)
    for table in ("market_events", "market_legs"):
        for column in (Column("matched_by", Text, comment=BY), Column("matched_at", UtcDateTime)):
            op.add_column(table, column)
