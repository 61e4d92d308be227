"""The single truth of the league's database: every table, key, check and index.

Alembic migrations build exactly this (a test holds the two equal on SQLite and PostgreSQL), and the column schemas
that the Dagster UI shows are generated from it. Names are a contract with the league's own app, which reads them.
Nothing here opens a connection; triggers live in `triggers.py`, migrations in `migrations/`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    func,
    text,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

_SQLITE_FORMAT = "%Y-%m-%d %H:%M:%S"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, always UTC.

    PostgreSQL stores `timestamptz`; SQLite stores the text that its own CURRENT_TIMESTAMP writes
    (`YYYY-MM-DD HH:MM:SS`, UTC), so rows written by the league's app and by the pipeline sort together.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: give an aware one (a timezone is part of the fact)")
        value = value.astimezone(UTC)
        return value.strftime(_SQLITE_FORMAT) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _now(name: str) -> Column[datetime]:
    return Column(name, UtcDateTime, server_default=func.current_timestamp())


def _sqlite() -> dict[str, Any]:
    """AUTOINCREMENT, as the old application's tables have it: an id is never used twice."""
    return {"sqlite_autoincrement": True}


# --- the league ------------------------------------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("group_id", Integer, server_default=text("1")),
    Column("is_admin", Boolean(create_constraint=False), server_default=false()),
    _now("created_at"),
    Column("base_bet", Float, comment="stake in units; null: FIRSTTD_STAKE"),
    UniqueConstraint("name"),
    UniqueConstraint("email"),
    CheckConstraint("base_bet > 0", name="base_bet_positive"),
    comment="the members",
    **_sqlite(),
)

weeks = Table(
    "weeks",
    metadata,
    _id(),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    _now("created_at"),
    UniqueConstraint("season", "week"),
    comment="one row per season and week",
    **_sqlite(),
)

games = Table(
    "games",
    metadata,
    Column("id", Text, primary_key=True, comment="nflverse game_id, e.g. 2025_22_SEA_NE"),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("game_type", Text, comment="REG, WC, DIV, CON, SB"),
    Column("game_date", Date, comment="US Eastern date"),
    Column("kickoff_at", UtcDateTime),
    Column("home_team", Text, nullable=False),
    Column("away_team", Text, nullable=False),
    Column("home_score", Integer),
    Column("away_score", Integer),
    Column("status", Text, nullable=False, server_default=text("'scheduled'")),
    Column(
        "source", Text, nullable=False, server_default=text("'external'"), comment="nflverse, legacy, manual, external"
    ),
    Column("overtime", Boolean(create_constraint=False)),
    Column("neutral_site", Boolean(create_constraint=False)),
    Column("deleted_at", UtcDateTime, comment="when it left the schedule; rows are never removed under a pick"),
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("season", "week", "home_team", "away_team"),
    ForeignKeyConstraint(["season", "week"], ["weeks.season", "weeks.week"]),
    CheckConstraint("status IN ('scheduled', 'in_progress', 'final', 'postponed', 'cancelled')", name="status_known"),
    CheckConstraint("home_team <> away_team", name="two_teams"),
    CheckConstraint("home_score >= 0 AND away_score >= 0", name="scores_not_negative"),
    CheckConstraint(
        "status <> 'final' OR (home_score IS NOT NULL AND away_score IS NOT NULL)", name="final_has_scores"
    ),
    Index("ix_games_season_week", "season", "week"),
    Index("ix_games_home_team", "home_team", "season", "week"),
    Index("ix_games_away_team", "away_team", "season", "week"),
    comment="the schedule",
)

rosters = Table(
    "rosters",
    metadata,
    _id(),
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
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("season", "team", "player_id"),
    Index("ix_rosters_season_player_id", "season", "player_id"),
    Index("ix_rosters_season_position", "season", "position"),
    comment="who was on which team in a season",
    **_sqlite(),
)

roster_weeks = Table(
    "roster_weeks",
    metadata,
    _id(),
    Column("season", Integer, nullable=False),
    Column("team", Text, nullable=False),
    Column("player_id", Text, nullable=False, comment="gsis_id"),
    Column("first_week", Integer, nullable=False),
    Column("last_week", Integer, nullable=False),
    Column("active", Boolean(create_constraint=False), nullable=False, comment="on the roster proper (ACT, INA)"),
    UniqueConstraint("season", "team", "player_id", "first_week"),
    CheckConstraint("first_week <= last_week", name="weeks_in_order"),
    Index("ix_roster_weeks_season_player_id", "season", "player_id"),
    comment="in which weeks a player was on which team, by the weekly rosters",
    **_sqlite(),
)

touchdowns = Table(
    "touchdowns",
    metadata,
    _id(),
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
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("game_id", "play_id"),
    Index("ix_touchdowns_season_player_id", "season", "player_id"),
    Index(
        "uq_touchdowns_first",
        "game_id",
        unique=True,
        sqlite_where=text("is_first_td = 1"),  # PostgreSQL's is in `use_postgresql`
    ),
    comment="every valid touchdown",
    **_sqlite(),
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
    _now("updated_at"),
    Index("ix_game_records_season", "season"),
    comment="how far a game's plays reach, and with what score: what makes a game gradable",
)

picks = Table(
    "picks",
    metadata,
    _id(),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="RESTRICT"), nullable=False),
    Column("week_id", Integer, ForeignKey("weeks.id", ondelete="RESTRICT"), nullable=False),
    Column("team", Text, nullable=False),
    Column("player_name", Text, nullable=False, comment="as typed"),
    Column("odds", Float, comment="American"),
    Column("theoretical_return", Float),
    _now("created_at"),
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
    Index("ix_picks_week_id", "week_id"),
    Index("ix_picks_game_id", "game_id"),
    Index("ix_picks_player_id", "player_id"),
    comment="who a member says scores first",
    **_sqlite(),
)

pick_status = Table(
    "pick_status",
    metadata,
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, comment="of a pending or void pick"),
    Column("finality", Text, comment="provisional or official; null while pending"),
    Column("points", Float),
    Column("stake", Float, comment="units; null where the odds are unknown"),
    Column("rule_pack", Text),
    _now("updated_at"),
    CheckConstraint("status IN ('pending', 'won', 'lost', 'void')", name="status_known"),
    CheckConstraint("finality IN ('provisional', 'official')", name="finality_known"),
    CheckConstraint("status <> 'pending' OR reason IS NOT NULL", name="pending_has_reason"),
    comment="where each pick stands, and why",
)

results = Table(
    "results",
    metadata,
    _id(),
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), nullable=False),
    Column("actual_scorer", Text),
    Column("is_correct", Boolean(create_constraint=False), comment="1 won, 0 lost, null void"),
    Column("actual_return", Float, comment="profit in units; null where the odds are unknown"),
    _now("created_at"),
    Column("any_time_td", Boolean(create_constraint=False)),
    Column("actual_scorer_id", Text, comment="gsis_id"),
    _now("graded_at"),
    Column("graded_by", Text, nullable=False, server_default=text("'external'")),
    UniqueConstraint("pick_id"),
    CheckConstraint("graded_by IN ('pipeline', 'external', 'manual')", name="graded_by_known"),
    Index("ix_results_is_correct", "is_correct"),
    comment="decided picks only",
    **_sqlite(),
)

result_events = Table(
    "result_events",
    metadata,
    _id(),
    Column("happened_at", UtcDateTime, nullable=False, server_default=func.current_timestamp()),
    Column(
        "event",
        Text,
        nullable=False,
        comment="graded, flipped, scorer corrected, money corrected, author changed, ungraded, moved",
    ),
    Column("pick_id", Integer, nullable=False, comment="no foreign key: the event outlives the pick"),
    Column("user_id", Integer),
    Column("season", Integer),
    Column("week", Integer),
    Column("game_id", Text),
    Column("player_id", Text),
    Column("old_player_id", Text, comment="of a pick moved to another player"),
    Column("player_name", Text, comment="as typed"),
    Column("graded_by", Text, comment="whose grade it is now (of one taken back: whose it was)"),
    Column("old_graded_by", Text),
    Column("old_status", Text),
    Column("new_status", Text),
    Column("old_is_correct", Boolean(create_constraint=False)),
    Column("new_is_correct", Boolean(create_constraint=False)),
    Column("old_any_time_td", Boolean(create_constraint=False)),
    Column("new_any_time_td", Boolean(create_constraint=False)),
    Column("old_actual_scorer", Text),
    Column("new_actual_scorer", Text),
    Column("old_actual_return", Float),
    Column("new_actual_return", Float),
    Column("was_official", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("run_id", Text, comment="the Dagster run that changed it"),
    Column("changed_by", Text, comment="who signed the change; null: plain SQL of another program"),
    Column("why", Text),
    Index("ix_result_events_pick_id", "pick_id"),
    Index("ix_result_events_season", "season", "happened_at"),
    comment="append-only: every grade given, changed or taken back, old and new; written by triggers",
    **_sqlite(),
)

pick_events = Table(
    "pick_events",
    metadata,
    _id(),
    Column("happened_at", UtcDateTime, nullable=False, server_default=func.current_timestamp()),
    Column("event", Text, nullable=False, comment="picked, changed, removed, stated (its standing in pick_status)"),
    Column("pick_id", Integer, nullable=False, comment="no foreign key: the event outlives the pick"),
    Column("user_id", Integer),
    Column("season", Integer),
    Column("week", Integer),
    Column("game_id", Text),
    Column("kind", Text),
    Column("player_id", Text),
    Column("player_name", Text, comment="as typed"),
    Column("odds", Float, comment="American"),
    Column("status", Text, comment="of a standing: pending, won, lost, void"),
    Column("reason", Text, comment="of a standing"),
    Column("points", Float, comment="of a standing"),
    Column("stake", Float, comment="of a standing, units"),
    Column("rule_pack", Text, comment="of a standing"),
    Column("run_id", Text),
    Column("changed_by", Text, comment="who signed the change; null: plain SQL of another program"),
    Column("why", Text),
    Index("ix_pick_events_pick_id", "pick_id"),
    Index("ix_pick_events_season", "season", "happened_at"),
    comment="append-only: every pick taken, changed, removed, and each change of its standing; written by triggers",
    **_sqlite(),
)

standings_queue = Table(
    "standings_queue",
    metadata,
    _id(),
    Column("season", Integer),
    Column("pick_id", Integer, nullable=False),
    Column("event", Text, nullable=False, comment="as in result_events; `removed` of a pick"),
    Column("event_id", Integer, comment="of result_events; null: a pick without a grade was removed"),
    _now("noted_at"),
    Index("ix_standings_queue_season", "season"),
    comment="changes that the leaderboard does not show yet; its own transaction takes out what it has applied",
    **_sqlite(),
)

authorship = Table(
    "authorship",
    metadata,
    Column("who", Text, nullable=False),
    Column("why", Text),
    Column("run_id", Text),
    Column("at", UtcDateTime, comment="the writer's clock; null: the database's"),
    comment="who signs what the open transaction writes; empty outside of one",
)

pick_resolutions = Table(
    "pick_resolutions",
    metadata,
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD; null: a question"),
    Column("player", Text, comment="the player for people"),
    Column("method", Text, comment="how he was found"),
    Column("confidence", Float, comment="0 to 1"),
    Column("runner_up", Text, comment="the next best candidate for people; null: none"),
    Column("candidates", Text, comment="of a question: JSON list of player_id, player, confidence"),
    Column("message", Text, comment="of a question: why nobody was chosen"),
    Column("resolved_by", Text, nullable=False, comment="pipeline, or the person who confirmed"),
    _now("resolved_at"),
    CheckConstraint("state IN ('understood', 'question')", name="state_known"),
    Index("ix_pick_resolutions_state", "state"),
    comment="how each pick's player was understood, or what has to be asked",
)

player_aliases = Table(
    "player_aliases",
    metadata,
    _id(),
    Column("text", Text, nullable=False, comment="as typed"),
    Column("key", Text, nullable=False, comment="the text, normalised"),
    Column("player_id", Text, nullable=False, comment="gsis_id, DST:SEA or NO_TD"),
    Column("player_name", Text, nullable=False),
    Column("scope", Text, nullable=False, server_default=text("'league'"), comment="league, or member:ID"),
    Column("made_by", Text, nullable=False),
    _now("made_at"),
    Column("pick_id", Integer, comment="the pick whose question was answered; no foreign key"),
    UniqueConstraint("key", "player_id", "scope"),
    comment="what this league calls a player",
    **_sqlite(),
)

overrides = Table(
    "overrides",
    metadata,
    _id(),
    Column("pick_id", Integer, nullable=False, comment="no foreign key: the record outlives the pick"),
    Column("kind", Text, nullable=False),
    Column("is_correct", Boolean(create_constraint=False), comment="null: void"),
    Column("any_time_td", Boolean(create_constraint=False)),
    Column("actual_scorer", Text),
    Column("made_by", Text, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("why", Text, nullable=False),
    Column("ended_at", UtcDateTime, comment="null: it stands"),
    Column("ended_by", Text),
    Column("ended_why", Text),
    CheckConstraint("kind IN ('grade', 'override', 'void')", name="kind_known"),
    Index("ix_overrides_pick_id", "pick_id"),
    comment="grades by hand: who, when, why",
    **_sqlite(),
)

player_stats = Table(
    "player_stats",
    metadata,
    _id(),
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
    _now("updated_at"),
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
    **_sqlite(),
)

leaderboard = Table(
    "leaderboard",
    metadata,
    _id(),
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
    _now("updated_at"),
    UniqueConstraint("season", "week", "user_id"),
    Index("ix_leaderboard_season_week_rank", "season", "week", "rank"),
    Index("ix_leaderboard_user_id", "user_id"),
    comment="the standings",
    **_sqlite(),
)

team_ratings = Table(
    "team_ratings",
    metadata,
    _id(),
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
    _now("updated_at"),
    UniqueConstraint("team", "season", "week"),
    CheckConstraint("rating_trend IN ('UP', 'DOWN', 'STABLE')", name="rating_trend_known"),
    Index("ix_team_ratings_latest", "team", text("season DESC"), text("week DESC")),
    Index("ix_team_ratings_season_week", "season", "week"),
    comment="Elo, week by week",
    **_sqlite(),
)

kickoff_decisions = Table(
    "kickoff_decisions",
    metadata,
    _id(),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("team", Text, nullable=False, comment="who received the opening kickoff"),
    Column("decision", Text, comment="of the toss winner; in no source: null unless entered by hand"),
    Column("result", Text, comment="how the first drive ended"),
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("game_id"),
    CheckConstraint("decision IN ('RECEIVE', 'DEFER')", name="decision_known"),
    comment="the opening kickoff",
    **_sqlite(),
)

# --- markets ---------------------------------------------------------------------------------------------------------

_MARKET_SOURCES = "source IN ('kalshi', 'polymarket', 'polymarket_us', 'odds_api')"

market_venues = Table(
    "market_venues",
    metadata,
    _id(),
    Column("season", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, comment="why it is not ok, and what to do"),
    Column("tried_at", UtcDateTime, nullable=False),
    Column("succeeded_at", UtcDateTime, comment="when all that was asked of it was last answered"),
    Column("open_listed_at", UtcDateTime, comment="when its open legs were last listed whole"),
    Column("settled_listed_at", UtcDateTime, comment="when its settled legs were last listed whole"),
    Column("requests", Integer, comment="of the last run"),
    Column("seconds", Float, comment="of the last run, waiting included"),
    Column("requests_remaining", Integer, comment="that the plan still pays for, where the venue says so"),
    Column("history_waiting", Integer, comment="legs whose price history is still to be asked for"),
    _now("updated_at"),
    UniqueConstraint("season", "source"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("status IN ('ok', 'partial', 'failed', 'off', 'absent')", name="status_known"),
    CheckConstraint("status = 'ok' OR reason IS NOT NULL", name="reason_given"),
    comment="how each market venue answered last, by season",
    **_sqlite(),
)

market_payloads = Table(
    "market_payloads",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False, comment="without any key"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="the snapshot_time of the rows made of it"),
    Column("sha256", Text, nullable=False, comment="of the body as it came"),
    Column("size_bytes", BigInteger, nullable=False, comment="of the body as it came"),
    Column("body", LargeBinary, nullable=False, comment="the answer, compressed by zlib"),
    UniqueConstraint("source", "fetched_at", "sha256"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("kind IN ('open', 'settled', 'legs', 'history')", name="kind_known"),
    Index("ix_market_payloads_season", "season", "source", "kind", "fetched_at"),
    comment="what the market venues answered, whole, so that it can be parsed again",
    **_sqlite(),
)

market_events = Table(
    "market_events",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False, comment="the venue's own"),
    Column("season", Integer, nullable=False),
    Column("title", Text),
    Column("away", Text, comment="team code; null: not understood"),
    Column("home", Text),
    Column("event_date", Date, comment="as the venue writes it"),
    Column("game_id", Text, ForeignKey("games.id"), comment="null: no game is certain"),
    Column("reason", Text, comment="why no game is known"),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("matched_by", Text, comment="who said so, where a person did"),
    Column("matched_at", UtcDateTime),
    UniqueConstraint("source", "event_id"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("game_id IS NOT NULL OR reason IS NOT NULL", name="unmatched_has_reason"),
    Index("ix_market_events_season", "season", "source"),
    Index("ix_market_events_game_id", "game_id"),
    comment="the venues' first-touchdown events, and the game of each",
    **_sqlite(),
)

market_legs = Table(
    "market_legs",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("market_id", Text, nullable=False, comment="the venue's own; of a sportsbook event/book/player"),
    Column("event_id", Text, nullable=False, comment="the venue's own"),
    Column("season", Integer, nullable=False),
    Column("game_id", Text, ForeignKey("games.id")),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False, comment="whom it is on, as the venue writes"),
    Column("team", Text, comment="as the venue says"),
    Column("jersey", Integer, comment="as the venue says"),
    Column("venue_player_id", Text, comment="the venue's own id of the player"),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD; null: nobody is certain"),
    Column("method", Text, comment="how the player was found"),
    Column("reason", Text, comment="why no player is known"),
    Column("book", Text, comment="the sportsbook, where the venue lists several"),
    Column("history_token", Text, comment="what the venue's price history is asked by, where it is not market_id"),
    Column("status", Text, nullable=False),
    Column("result", Text, comment="yes, no or void once settled"),
    Column("settlement_value", Float, comment="dollars a contract of 1 dollar paid"),
    Column("settled_at", UtcDateTime),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, comment="when it was first seen not open"),
    Column("history_at", UtcDateTime, comment="when its price history was taken, or found to be none"),
    Column("matched_by", Text, comment="who said so, where a person did"),
    Column("matched_at", UtcDateTime),
    UniqueConstraint("source", "market_id"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("kind IN ('player', 'dst', 'no_td', 'unknown')", name="kind_known"),
    CheckConstraint("status IN ('open', 'closed', 'settled', 'withdrawn')", name="status_known"),
    CheckConstraint("result IN ('yes', 'no', 'void')", name="result_known"),
    CheckConstraint("player_id IS NOT NULL OR reason IS NOT NULL", name="unmatched_has_reason"),
    Index("ix_market_legs_game_id", "game_id", "player_id"),
    Index("ix_market_legs_season", "season", "source", "status"),
    Index("ix_market_legs_player_id", "player_id", "season"),
    comment="each venue's markets on one outcome, and the player of each",
    **_sqlite(),
)

market_odds = Table(
    "market_odds",
    metadata,
    _id(),
    Column("leg_id", Integer, ForeignKey("market_legs.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("market_id", Text),
    Column("game_id", Text, ForeignKey("games.id"), comment="null: no game is certain"),
    Column("season", Integer, nullable=False),
    Column("week", Integer),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD; null: nobody is certain"),
    Column("player_name", Text, nullable=False, comment="as the venue writes"),
    Column("team", Text),
    Column("bid", Float, comment="dollars for a contract of 1 dollar; 0: nobody bids"),
    Column("ask", Float, comment="1: nobody asks; of a sportsbook its implied probability"),
    Column("bid_size", Float, comment="contracts"),
    Column("ask_size", Float),
    Column("raw_price", Float, comment="the last trade; it may be old"),
    Column("volume", Float, comment="contracts, or dollars on Polymarket"),
    Column("implied_probability", Float, comment="the middle of a book narrower than FIRSTTD_MARKET_MAX_WIDTH"),
    Column("reason", Text, comment="why there is no probability"),
    Column("american_odds", Integer, comment="of the probability; of a sportsbook its own"),
    Column("taken_from", Text, nullable=False, server_default=text("'snapshot'")),
    Column("snapshot_time", UtcDateTime, nullable=False),
    _now("created_at"),
    UniqueConstraint("leg_id", "snapshot_time"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("taken_from IN ('snapshot', 'history')", name="taken_from_known"),
    CheckConstraint("implied_probability IS NOT NULL OR reason IS NOT NULL", name="reason_given"),
    Index("ix_market_odds_game_id_player_id", "game_id", "player_id", "snapshot_time"),
    Index("ix_market_odds_season_snapshot_time", "season", "snapshot_time"),
    comment="what the markets said, when: one row per leg and time",
    **_sqlite(),
)

market_closings = Table(
    "market_closings",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("game_id", Text, ForeignKey("games.id"), nullable=False),
    Column("player_id", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("week", Integer, nullable=False),
    Column("kickoff_at", UtcDateTime, nullable=False, comment="the kickoff it is the last price before"),
    Column("closing_at", UtcDateTime, nullable=False),
    Column("odds_id", Integer, ForeignKey("market_odds.id"), nullable=False),
    Column("legs", Integer, nullable=False, comment="legs on this outcome, e.g. sportsbooks, that it is the median of"),
    Column("bid", Float),
    Column("ask", Float),
    Column("probability", Float),
    Column("reason", Text, comment="why there is no probability"),
    Column("fair_probability", Float, comment="with the overround removed"),
    Column("fair_reason", Text, comment="why there is no fair probability"),
    Column("assumption", Text, comment="what the fair probability rests on beside the prices"),
    Column("field_legs", Integer, comment="legs of the game at this venue"),
    Column("field_priced", Integer, comment="of them with a probability"),
    Column("overround", Float, comment="by how much the field's probabilities exceed 1"),
    _now("updated_at"),
    UniqueConstraint("source", "game_id", "player_id"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("probability IS NOT NULL OR reason IS NOT NULL", name="reason_given"),
    CheckConstraint("fair_probability IS NOT NULL OR fair_reason IS NOT NULL", name="fair_reason_given"),
    Index("ix_market_closings_season", "season", "source", "game_id", "player_id", "probability", "fair_probability"),
    Index("ix_market_closings_game_id", "game_id", "player_id"),
    Index("ix_market_closings_odds_id", "odds_id"),
    comment="the last price before kickoff, of each outcome at each venue",
    **_sqlite(),
)

market_closing_packs = Table(
    "market_closing_packs",
    metadata,
    _id(),
    Column("season", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="source, game_id, player_id and both probabilities, as Arrow"),
    _now("updated_at"),
    UniqueConstraint("season"),
    comment="the closing lines of each season in one piece, to be read whole; made of market_closings",
    **_sqlite(),
)

market_outcomes = Table(
    "market_outcomes",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("game_id", Text, ForeignKey("games.id"), comment="null: no game is certain"),
    Column("market_id", Text, nullable=False),
    Column("player_name", Text, nullable=False, comment="as the venue writes"),
    Column("player_id", Text, comment="gsis_id, DST:SEA or NO_TD; null: nobody is certain"),
    Column("resolved_outcome", Text, comment="void: neither, settled at a fraction"),
    Column("settlement_value", Float, comment="dollars a contract of 1 dollar paid"),
    Column("actual_first_td_scorer", Text, comment="by the plays: gsis_id, DST:SEA or NO_TD; null: not known yet"),
    Column("resolution_time", UtcDateTime),
    _now("created_at"),
    _now("updated_at"),
    UniqueConstraint("source", "market_id"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    CheckConstraint("resolved_outcome IN ('yes', 'no', 'void')", name="resolved_outcome_known"),
    Index("ix_market_outcomes_game_id", "game_id"),
    Index("ix_market_outcomes_season", "season", "source"),
    comment="how the markets were settled",
    **_sqlite(),
)

pick_market_odds = Table(
    "pick_market_odds",
    metadata,
    _id(),
    Column("pick_id", Integer, ForeignKey("picks.id", ondelete="CASCADE"), nullable=False),
    Column("source", Text, nullable=False),
    Column("pick_probability", Float, comment="when the pick was made"),
    Column("pick_price_at", UtcDateTime),
    Column("pick_odds_id", Integer, ForeignKey("market_odds.id")),
    Column("pick_reason", Text, comment="why there is no price of that time"),
    Column("closing_probability", Float),
    Column("closing_at", UtcDateTime),
    Column("closing_bid", Float),
    Column("closing_ask", Float),
    Column("closing_reason", Text, comment="why there is no closing probability"),
    Column("fair_probability", Float, comment="at closing, with the overround removed"),
    Column("fair_reason", Text, comment="why there is no fair probability"),
    Column("assumption", Text, comment="what the fair probability rests on beside the prices"),
    Column("expected_value", Float, comment="profit on a stake of 1 at the pick's own odds, at the fair probability"),
    Column(
        "closing_line_value", Float, comment="by how much the pick's odds beat the closing line's: 0.1 is 10 % more"
    ),
    Column("value_reason", Text, comment="why one of the two is missing"),
    _now("updated_at"),
    UniqueConstraint("pick_id", "source"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    Index("ix_pick_market_odds_pick_odds_id", "pick_odds_id"),
    comment="the market's price of each pick, at each venue",
    **_sqlite(),
)

member_market_stats = Table(
    "member_market_stats",
    metadata,
    _id(),
    Column("season", Integer, nullable=False),
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("picks", Integer, nullable=False),
    Column("priced", Integer, nullable=False, comment="picks with a closing line at any venue"),
    Column("closing_line_value", Float, comment="mean over the picks that have one"),
    Column("beat_closing", Integer, comment="picks whose odds were better than the closing line's"),
    Column("expected_value", Float, comment="mean profit on a stake of 1, over the picks that have one"),
    Column("judged", Integer, nullable=False, comment="decided picks with a fair probability"),
    Column("expected_points", Float, comment="of the judged picks, for first touchdowns"),
    Column("points", Float, comment="of the judged picks, for first touchdowns"),
    Column("luck", Float, comment="points beyond the expected ones"),
    Column("brier", Float, comment="mean squared error of the fair probabilities of the judged picks"),
    Column("log_loss", Float, comment="in nats, of the same"),
    Column("note", Text, comment="how far the numbers can be trusted"),
    _now("updated_at"),
    UniqueConstraint("season", "user_id"),
    Index("ix_member_market_stats_user_id", "user_id"),
    comment="what the markets say of each member's picks",
    **_sqlite(),
)

venue_players = Table(
    "venue_players",
    metadata,
    _id(),
    Column("source", Text, nullable=False),
    Column("venue_player_id", Text, nullable=False),
    Column("player_id", Text, nullable=False, comment="gsis_id"),
    Column("label", Text, nullable=False, comment="as the venue writes"),
    Column("learned_from", Text, comment="the market that taught it"),
    Column("learned_by", Text, nullable=False, comment="resolver, or who said so"),
    Column("learned_at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "venue_player_id"),
    CheckConstraint(_MARKET_SOURCES, name="source_known"),
    comment="the venues' own player ids, once learned",
    **_sqlite(),
)

# --- operations ------------------------------------------------------------------------------------------------------

sync_runs = Table(
    "sync_runs",
    metadata,
    _id(),
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
    **_sqlite(),
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("table_name", Text, nullable=False),
    Column("season", Integer),
    Column("key", Text, nullable=False, comment="what names the row in its source"),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False, comment="the row, whole, as JSON"),
    Column("source", Text),
    _now("created_at"),
    Column("resolved_at", UtcDateTime),
    Column("resolution", Text, comment="what became of it"),
    Index("ix_quarantine_table_name_season", "table_name", "season"),
    comment="what could not be taken, whole, with the reason",
    **_sqlite(),
)

run_failures = Table(
    "run_failures",
    metadata,
    _id(),
    Column("run_id", Text, nullable=False, comment="the Dagster run"),
    Column("job", Text, nullable=False),
    Column("season", Integer),
    Column("step", Text, comment="the asset that failed; null: the run itself"),
    Column("error", Text, nullable=False),
    Column("happened_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime, comment="when a later run got past it; null: it stands"),
    UniqueConstraint("run_id"),
    Index("ix_run_failures_season", "season"),
    comment="runs that failed, and why",
    **_sqlite(),
)

sync_metadata = Table(
    "sync_metadata",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text),
    _now("updated_at"),
    comment="kept for the old application",
)

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _now("applied_at"),
    Column("description", Text),
    comment="kept for the old application, which migrates whatever is above its highest number",
)


def use_postgresql() -> None:
    """Complete the tables with what only PostgreSQL's dialect takes; an engine for PostgreSQL calls it.

    Naming such an option above would import that dialect, asyncio drivers and all, into every run on SQLite.
    """
    (first,) = (index for index in touchdowns.indexes if index.name == "uq_touchdowns_first")
    first.dialect_options["postgresql"]["where"] = text("is_first_td")
