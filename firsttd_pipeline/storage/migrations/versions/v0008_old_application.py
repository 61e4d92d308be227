"""The old application's version 8 as it is: where the league's own file comes from, and where a fresh one starts."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = None

TABLES = (
    """
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    email TEXT UNIQUE,
    group_id INTEGER DEFAULT 1,
    is_admin BOOLEAN DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
)
""",
    """
CREATE TABLE weeks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    season INTEGER NOT NULL,
    week INTEGER NOT NULL,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(season, week)
)
""",
    """
CREATE TABLE picks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    week_id INTEGER NOT NULL,
    team TEXT NOT NULL,
    player_name TEXT NOT NULL,
    odds REAL,
    theoretical_return REAL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, game_id TEXT,
    FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
    FOREIGN KEY (week_id) REFERENCES weeks(id) ON DELETE CASCADE
)
""",
    """
CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pick_id INTEGER NOT NULL UNIQUE,
    actual_scorer TEXT,
    is_correct BOOLEAN DEFAULT NULL,
    actual_return REAL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, any_time_td BOOLEAN DEFAULT NULL,
    FOREIGN KEY (pick_id) REFERENCES picks(id) ON DELETE CASCADE
)
""",
    """
CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    description TEXT
)
""",
    """
CREATE TABLE kickoff_decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    game_id TEXT NOT NULL,
    team TEXT NOT NULL,
    decision TEXT CHECK(decision IN ('RECEIVE','DEFER')) NOT NULL,
    result TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
)
""",
    """
CREATE TABLE player_stats (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    player_name TEXT NOT NULL,
    season INTEGER NOT NULL,
    team TEXT NOT NULL,
    position TEXT,
    games_played INTEGER DEFAULT 0,
    first_td_count INTEGER DEFAULT 0,
    any_time_td_count INTEGER DEFAULT 0,
    red_zone_targets INTEGER DEFAULT 0,
    red_zone_touches INTEGER DEFAULT 0,
    last_td_week INTEGER,
    recent_form TEXT DEFAULT 'AVERAGE',
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(player_name, season, team)
)
""",
    """
CREATE TABLE team_ratings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    team TEXT NOT NULL,
    season INTEGER NOT NULL,
    week INTEGER NOT NULL,
    elo_rating REAL DEFAULT 1500.0,
    offensive_rating REAL DEFAULT 1500.0,
    defensive_rating REAL DEFAULT 1500.0,
    games_played INTEGER DEFAULT 0,
    wins INTEGER DEFAULT 0,
    losses INTEGER DEFAULT 0,
    points_for INTEGER DEFAULT 0,
    points_against INTEGER DEFAULT 0,
    rating_trend TEXT DEFAULT 'STABLE',
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(team, season, week)
)
""",
    """
CREATE TABLE market_odds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL CHECK(source IN ('polymarket', 'kalshi', 'odds_api')),
    game_id TEXT NOT NULL,
    season INTEGER NOT NULL,
    week INTEGER NOT NULL,
    player_name TEXT NOT NULL,
    team TEXT,
    implied_probability REAL NOT NULL,
    american_odds INTEGER,
    raw_price REAL,
    volume REAL,
    market_id TEXT,
    snapshot_time TIMESTAMP NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(source, game_id, player_name, snapshot_time)
)
""",
    """
CREATE TABLE market_outcomes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    game_id TEXT NOT NULL,
    market_id TEXT NOT NULL,
    player_name TEXT NOT NULL,
    resolved_outcome TEXT CHECK(resolved_outcome IN ('yes', 'no', 'void')),
    actual_first_td_scorer TEXT,
    resolution_time TIMESTAMP,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(source, market_id)
)
""",
)

INDEXES = (
    ("idx_picks_user_week", "picks", "user_id, week_id"),
    ("idx_results_pick_id", "results", "pick_id"),
    ("idx_results_correct", "results", "is_correct"),
    ("idx_weeks_season", "weeks", "season"),
    ("idx_weeks_season_week", "weeks", "season, week"),
    ("idx_picks_week_id", "picks", "week_id"),
    ("idx_picks_user_id", "picks", "user_id"),
    ("idx_kickoff_game_id", "kickoff_decisions", "game_id"),
    ("idx_player_stats_season", "player_stats", "season"),
    ("idx_player_stats_team", "player_stats", "team"),
    ("idx_player_stats_position", "player_stats", "position"),
    ("idx_player_stats_form", "player_stats", "recent_form"),
    ("idx_player_stats_name_season", "player_stats", "player_name, season"),
    ("idx_team_ratings_season", "team_ratings", "season"),
    ("idx_team_ratings_week", "team_ratings", "season, week"),
    ("idx_team_ratings_team", "team_ratings", "team"),
    ("idx_team_ratings_elo", "team_ratings", "elo_rating"),
    ("idx_market_odds_game", "market_odds", "game_id"),
    ("idx_market_odds_player", "market_odds", "player_name"),
    ("idx_market_odds_season_week", "market_odds", "season, week"),
    ("idx_market_odds_source", "market_odds", "source"),
    ("idx_market_odds_snapshot", "market_odds", "snapshot_time"),
    ("idx_market_outcomes_game", "market_outcomes", "game_id"),
    ("idx_picks_game_id", "picks", "game_id"),
)

VERSIONS = (
    "Initial database schema",
    "Add game_id to picks table",
    "Add any_time_td to results table",
    "Add performance indexes",
    "Add kickoff_decisions table",
    "Add player_stats table for performance tracking",
    "Add team_ratings table for ELO system",
    "Add prediction market odds tables",
)


def upgrade() -> None:
    conn = op.get_bind()
    for statement in TABLES:
        conn.exec_driver_sql(statement if conn.dialect.name == "sqlite" else _postgres(statement))
    for name, table, columns in INDEXES:
        conn.exec_driver_sql(f"CREATE INDEX {name} ON {table}({columns})")
    insert = text("INSERT INTO schema_version (version, description) VALUES (:v, :d)")
    conn.execute(insert, [{"v": number, "d": description} for number, description in enumerate(VERSIONS, start=1)])


def _postgres(statement: str) -> str:
    statement = statement.replace("INTEGER PRIMARY KEY AUTOINCREMENT", "SERIAL PRIMARY KEY")
    return statement.replace("BOOLEAN DEFAULT 0", "BOOLEAN DEFAULT false").replace("REAL", "DOUBLE PRECISION")
