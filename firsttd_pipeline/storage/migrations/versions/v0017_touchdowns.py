"""Every valid touchdown, and how far each game's plays reach."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, record, stamp

revision = "0017"
down_revision = "0016"

metadata = frozen("games")

touchdowns = Table(
    "touchdowns",
    metadata,
    ident(),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("play_id", BigInteger, comment="nflverse play_id"),
    Column("season", Integer),
    Column("order_sequence", Float, comment="the order of plays in the game"),
    Column("player_id", Text, comment="gsis_id of the scorer; null: upstream does not say"),
    Column("player_name", Text),
    Column("team", Text, comment="the team that scored"),
    Column("quarter", Integer),
    Column("clock", Text, comment="time left in the quarter, mm:ss"),
    Column("description", Text),
    Column("kind", Text, comment="pass, rush, kickoff_return, ..."),
    Column("is_first_td", Boolean(create_constraint=False), nullable=False, server_default=false()),
    stamp("created_at"),
    stamp("updated_at"),
    UniqueConstraint("game_id", "play_id"),
    Index("ix_touchdowns_season_player_id", "season", "player_id"),
    Index(
        "uq_touchdowns_first",
        "game_id",
        unique=True,
        sqlite_where=text("is_first_td = 1"),
        postgresql_where=text("is_first_td"),
    ),
    comment="every valid touchdown",
    **AUTO,
)

game_records = Table(
    "game_records",
    metadata,
    Column("game_id", Text, ForeignKey("games.id"), primary_key=True),
    Column("season", Integer, nullable=False),
    Column("plays", Integer, nullable=False),
    Column("home_score", Integer, comment="the last score in the plays"),
    Column("away_score", Integer, comment="the last score in the plays"),
    Column("last_quarter", Integer),
    Column("seconds_remaining", Float),
    Column("reaches_end", Boolean(create_constraint=False), nullable=False),
    Column("source_sha256", Text, comment="of the plays file this was read from"),
    stamp("updated_at"),
    Index("ix_game_records_season", "season"),
    comment="how far a game's plays reach, and with what score: what makes a game gradable",
)


def upgrade() -> None:
    create(touchdowns, game_records)
    record(17, "touchdowns and game_records")
