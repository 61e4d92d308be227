"""The closing lines of each season are also kept in one piece, to be read whole."""

from sqlalchemy import Column, Integer, LargeBinary, Table, UniqueConstraint

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, stamp

revision = "0024"
down_revision = "0023"

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
