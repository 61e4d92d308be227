"""Statistics that refer to a roster row, the leaderboard, ratings and opening kickoffs."""

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from firsttd_pipeline.storage.migrations.support import AUTO, create, frozen, ident, rebuild, record, stamp

revision = "0019"
down_revision = "0018"

metadata = frozen("users", "games", "rosters")

player_stats = Table(
    "player_stats",
    metadata,
    ident(),
    Column("player_name", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("team", Text, nullable=False),
    Column("position", Text),
    Column("games_played", Integer, server_default=text("0")),
    Column("first_td_count", Integer, server_default=text("0"), comment="games in which he scored first"),
    Column("any_time_td_count", Integer, server_default=text("0")),
    Column("red_zone_targets", Integer, server_default=text("0")),
    Column("red_zone_touches", Integer, server_default=text("0")),
    Column("last_td_week", Integer),
    Column("recent_form", Text, server_default=text("'COLD'")),
    stamp("updated_at"),
    Column("player_id", Text, nullable=False, comment="gsis_id"),
    Column("roster_id", Integer, ForeignKey("rosters.id"), nullable=False),
    Column("games_played_source", Text, comment="weekly_rosters or plays"),
    Column("times_picked", Integer, nullable=False, server_default=text("0")),
    Column("times_hit", Integer, nullable=False, server_default=text("0"), comment="winning picks"),
    UniqueConstraint("season", "player_id"),
    CheckConstraint("recent_form IN ('HOT', 'AVERAGE', 'COLD')", name="recent_form_known"),
    Index("ix_player_stats_position_season", "position", "season"),
    Index("ix_player_stats_team_season", "team", "season"),
    Index("ix_player_stats_roster_id", "roster_id"),
    comment="one row per season and player",
    **AUTO,
)

leaderboard = Table(
    "leaderboard",
    metadata,
    ident(),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False, comment="0: the season's total"),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("rank", Integer, nullable=False, comment="ties share a rank"),
    Column("picks", Integer, nullable=False),
    Column("graded", Integer, nullable=False, comment="won + lost"),
    Column("pending", Integer, nullable=False),
    Column("void", Integer, nullable=False),
    Column("first_td", Integer, nullable=False, comment="won"),
    Column("any_time_td", Integer, nullable=False),
    Column("points", Float, nullable=False),
    Column("staked", Float, nullable=False, comment="units on graded picks with known odds"),
    Column("profit", Float, nullable=False),
    Column("roi", Float, comment="profit / staked"),
    Column("win_rate", Float, comment="won / (won + lost)"),
    Column("current_streak", Integer, nullable=False, comment="wins in a row now (negative: losses)"),
    Column("best_streak", Integer, nullable=False, comment="longest run of wins"),
    stamp("updated_at"),
    UniqueConstraint("season", "week", "user_id"),
    Index("ix_leaderboard_season_week_rank", "season", "week", "rank"),
    Index("ix_leaderboard_user_id", "user_id"),
    comment="the standings",
    **AUTO,
)

team_ratings = Table(
    "team_ratings",
    metadata,
    ident(),
    Column("team", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False, comment="rating after this week; 0: entering the season"),
    Column("elo_rating", Float, server_default=text("1500.0")),
    Column("offensive_rating", Float, comment="not rated by the pipeline"),
    Column("defensive_rating", Float, comment="not rated by the pipeline"),
    Column("games_played", Integer, server_default=text("0")),
    Column("wins", Integer, server_default=text("0")),
    Column("losses", Integer, server_default=text("0")),
    Column("ties", Integer, nullable=False, server_default=text("0")),
    Column("points_for", Integer, server_default=text("0")),
    Column("points_against", Integer, server_default=text("0")),
    Column("rating_trend", Text, server_default=text("'STABLE'")),
    stamp("updated_at"),
    UniqueConstraint("team", "season", "week"),
    CheckConstraint("rating_trend IN ('UP', 'DOWN', 'STABLE')", name="rating_trend_known"),
    Index("ix_team_ratings_latest", "team", text("season DESC"), text("week DESC")),
    Index("ix_team_ratings_season_week", "season", "week"),
    comment="Elo, week by week",
    **AUTO,
)

kickoff_decisions = Table(
    "kickoff_decisions",
    metadata,
    ident(),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("team", Text, nullable=False, comment="who received the opening kickoff"),
    Column("decision", Text, comment="of the toss winner; in no source: null unless entered by hand"),
    Column("result", Text, comment="how the first drive ended"),
    stamp("created_at"),
    stamp("updated_at"),
    UniqueConstraint("game_id"),
    CheckConstraint("decision IN ('RECEIVE', 'DEFER')", name="decision_known"),
    comment="the opening kickoff",
    **AUTO,
)


def upgrade() -> None:
    rebuild(
        player_stats,
        {"player_id": "''", "roster_id": "0"},
        valid="1 = 0",
        reason="version 8 knows players by name only: no roster row to refer to",
        key=("player_name", "season", "team"),
    )
    create(leaderboard)
    rebuild(
        team_ratings,
        valid="rating_trend IS NULL OR rating_trend IN ('UP', 'DOWN', 'STABLE')",
        reason="rating_trend is none of UP, DOWN, STABLE",
        key=("team", "season", "week"),
    )
    rebuild(
        kickoff_decisions,
        valid=(
            "game_id IN (SELECT id FROM games) "
            "AND id = (SELECT max(later.id) FROM carried AS later WHERE later.game_id = carried.game_id)"
        ),
        reason="its game_id names no game, or a later row of the same game stands",
    )
    record(19, "player_stats, leaderboard, team_ratings, kickoff_decisions")
