"""Market prices refer to games and know players by id; fetches are recorded; the triggers of all tables."""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from firsttd_pipeline.storage.migrations.support import AUTO, Key, create, frozen, ident, keys, rebuild, record, stamp
from firsttd_pipeline.storage.schema import UtcDateTime
from firsttd_pipeline.storage.triggers import install

revision = "0020"
down_revision = "0019"

MARKET_SOURCES = "source IN ('kalshi', 'polymarket', 'polymarket_us', 'odds_api')"

metadata = frozen("games", "picks")

market_odds = Table(
    "market_odds",
    metadata,
    ident(),
    Column("source", Text, nullable=False),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("player_name", Text, nullable=False),
    Column("team", Text),
    Column("implied_probability", Float),
    Column("american_odds", Integer),
    Column("raw_price", Float),
    Column("volume", Float),
    Column("market_id", Text),
    Column("snapshot_time", UtcDateTime, nullable=False),
    stamp("created_at"),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD"),
    UniqueConstraint("source", "game_id", "player_name", "snapshot_time"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    Index("ix_market_odds_game_id_player_id", "game_id", "player_id", "snapshot_time"),
    Index("ix_market_odds_source_snapshot_time", "source", "snapshot_time"),
    comment="what the markets said",
    **AUTO,
)

market_outcomes = Table(
    "market_outcomes",
    metadata,
    ident(),
    Column("source", Text, nullable=False),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("market_id", Text, nullable=False),
    Column("player_name", Text, nullable=False),
    Column("resolved_outcome", Text),
    Column("actual_first_td_scorer", Text),
    Column("resolution_time", UtcDateTime),
    stamp("created_at"),
    Column("player_id", Text),
    UniqueConstraint("source", "market_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("resolved_outcome IN ('yes', 'no', 'void')", name="resolved_outcome_known"),
    Index("ix_market_outcomes_game_id", "game_id"),
    comment="how the markets were settled",
    **AUTO,
)

pick_market_odds = Table(
    "pick_market_odds",
    metadata,
    ident(),
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), nullable=False),
    Column("source", Text, nullable=False),
    Column("closing_probability", Float),
    Column("closing_at", UtcDateTime),
    stamp("updated_at"),
    UniqueConstraint("pick_id", "source"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    comment="the market's price of each pick",
    **AUTO,
)

sync_runs = Table(
    "sync_runs",
    metadata,
    ident(),
    Column("dataset", Text, nullable=False, comment="schedules, rosters, weekly_rosters, pbp"),
    Column("season", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("message", Text),
    Column("sha256", Text),
    Column("size_bytes", BigInteger),
    Column("upstream_modified_at", UtcDateTime),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("rows_read", Integer),
    Column("rows_inserted", Integer),
    Column("rows_updated", Integer),
    Column("rows_unchanged", Integer),
    Column("rows_retired", Integer),
    Column("run_id", Text, comment="the Dagster run that fetched it"),
    CheckConstraint("status IN ('changed', 'unchanged', 'absent', 'failed')", name="status_known"),
    Index("ix_sync_runs_dataset_season", "dataset", "season", "id"),
    comment="what was fetched from where, and what it changed",
    **AUTO,
)


def upgrade() -> None:
    rebuild(market_odds, valid="game_id IN (SELECT id FROM games)", reason="its game_id names no game")
    rebuild(
        market_outcomes,
        valid="game_id IN (SELECT id FROM games) AND " + MARKET_SOURCES,  # noqa: S608
        reason="its game_id names no game, or its source is unknown",
    )
    create(pick_market_odds, sync_runs)
    install(op.get_bind(), keys(KEYS))
    record(20, "markets and sync_runs")


# Every foreign key of the database: table, columns, referred columns, what happens when the parent is deleted.
KEYS: tuple[Key, ...] = (
    ("games", ("season", "week"), ("weeks.season", "weeks.week"), None),
    ("leaderboard", ("user_id",), ("users.id",), "CASCADE"),
    ("player_stats", ("roster_id",), ("rosters.id",), None),
    ("game_records", ("game_id",), ("games.id",), None),
    ("kickoff_decisions", ("game_id",), ("games.id",), None),
    ("market_odds", ("game_id",), ("games.id",), None),
    ("market_outcomes", ("game_id",), ("games.id",), None),
    ("picks", ("game_id",), ("games.id",), None),
    ("picks", ("user_id",), ("users.id",), "RESTRICT"),
    ("picks", ("week_id",), ("weeks.id",), "RESTRICT"),
    ("touchdowns", ("game_id",), ("games.id",), None),
    ("pick_market_odds", ("pick_id",), ("picks.id",), "CASCADE"),
    ("pick_status", ("pick_id",), ("picks.id",), "CASCADE"),
    ("results", ("pick_id",), ("picks.id",), "CASCADE"),
)
