"""The market tables in full: venues, payloads, events and legs under the odds, closings, and what picks are worth.

Rows that the old application wrote get a leg each; nothing of them is lost.
"""

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage.migrations.support import AUTO, Key, create, frozen, ident, keys, rebuild, stamp
from firsttd_pipeline.storage.migrations.versions import v0021_events
from firsttd_pipeline.storage.schema import UtcDateTime
from firsttd_pipeline.storage.triggers import install

revision = "0023"
down_revision = "0022"

MARKET_SOURCES = "source IN ('kalshi', 'polymarket', 'polymarket_us', 'odds_api')"

metadata = frozen("users", "games", "picks")

market_venues = Table(
    "market_venues",
    metadata,
    ident(),
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
    stamp("updated_at"),
    UniqueConstraint("season", "source"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("status IN ('ok', 'partial', 'failed', 'off', 'absent')", name="status_known"),
    CheckConstraint("status = 'ok' OR reason IS NOT NULL", name="reason_given"),
    comment="how each market venue answered last, by season",
    **AUTO,
)

market_payloads = Table(
    "market_payloads",
    metadata,
    ident(),
    Column("source", Text, nullable=False),
    Column("season", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False, comment="without any key"),
    Column("fetched_at", UtcDateTime, nullable=False, comment="the snapshot_time of the rows made of it"),
    Column("sha256", Text, nullable=False, comment="of the body as it came"),
    Column("size_bytes", BigInteger, nullable=False, comment="of the body as it came"),
    Column("body", LargeBinary, nullable=False, comment="the answer, compressed by zlib"),
    UniqueConstraint("source", "fetched_at", "sha256"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("kind IN ('open', 'settled', 'legs', 'history')", name="kind_known"),
    Index("ix_market_payloads_season", "season", "source", "kind", "fetched_at"),
    comment="what the market venues answered, whole, so that it can be parsed again",
    **AUTO,
)

market_events = Table(
    "market_events",
    metadata,
    ident(),
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
    UniqueConstraint("source", "event_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("game_id IS NOT NULL OR reason IS NOT NULL", name="unmatched_has_reason"),
    Index("ix_market_events_season", "season", "source"),
    Index("ix_market_events_game_id", "game_id"),
    comment="the venues' first-touchdown events, and the game of each",
    **AUTO,
)

market_legs = Table(
    "market_legs",
    metadata,
    ident(),
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
    UniqueConstraint("source", "market_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("kind IN ('player', 'dst', 'no_td', 'unknown')", name="kind_known"),
    CheckConstraint("status IN ('open', 'closed', 'settled', 'withdrawn')", name="status_known"),
    CheckConstraint("result IN ('yes', 'no', 'void')", name="result_known"),
    CheckConstraint("player_id IS NOT NULL OR reason IS NOT NULL", name="unmatched_has_reason"),
    Index("ix_market_legs_game_id", "game_id", "player_id"),
    Index("ix_market_legs_season", "season", "source", "status"),
    Index("ix_market_legs_player_id", "player_id", "season"),
    comment="each venue's markets on one outcome, and the player of each",
    **AUTO,
)

market_odds = Table(
    "market_odds",
    metadata,
    ident(),
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
    stamp("created_at"),
    UniqueConstraint("leg_id", "snapshot_time"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("taken_from IN ('snapshot', 'history')", name="taken_from_known"),
    CheckConstraint("implied_probability IS NOT NULL OR reason IS NOT NULL", name="reason_given"),
    Index("ix_market_odds_game_id_player_id", "game_id", "player_id", "snapshot_time"),
    Index("ix_market_odds_season_snapshot_time", "season", "snapshot_time"),
    comment="what the markets said, when: one row per leg and time",
    **AUTO,
)

market_closings = Table(
    "market_closings",
    metadata,
    ident(),
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
    stamp("updated_at"),
    UniqueConstraint("source", "game_id", "player_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("probability IS NOT NULL OR reason IS NOT NULL", name="reason_given"),
    CheckConstraint("fair_probability IS NOT NULL OR fair_reason IS NOT NULL", name="fair_reason_given"),
    Index("ix_market_closings_season", "season", "source", "game_id", "player_id", "probability", "fair_probability"),
    Index("ix_market_closings_game_id", "game_id", "player_id"),
    Index("ix_market_closings_odds_id", "odds_id"),
    comment="the last price before kickoff, of each outcome at each venue",
    **AUTO,
)

market_outcomes = Table(
    "market_outcomes",
    metadata,
    ident(),
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
    stamp("created_at"),
    stamp("updated_at"),
    UniqueConstraint("source", "market_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    CheckConstraint("resolved_outcome IN ('yes', 'no', 'void')", name="resolved_outcome_known"),
    Index("ix_market_outcomes_game_id", "game_id"),
    Index("ix_market_outcomes_season", "season", "source"),
    comment="how the markets were settled",
    **AUTO,
)

pick_market_odds = Table(
    "pick_market_odds",
    metadata,
    ident(),
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
    stamp("updated_at"),
    UniqueConstraint("pick_id", "source"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    Index("ix_pick_market_odds_pick_odds_id", "pick_odds_id"),
    comment="the market's price of each pick, at each venue",
    **AUTO,
)

member_market_stats = Table(
    "member_market_stats",
    metadata,
    ident(),
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
    stamp("updated_at"),
    UniqueConstraint("season", "user_id"),
    Index("ix_member_market_stats_user_id", "user_id"),
    comment="what the markets say of each member's picks",
    **AUTO,
)

venue_players = Table(
    "venue_players",
    metadata,
    ident(),
    Column("source", Text, nullable=False),
    Column("venue_player_id", Text, nullable=False),
    Column("player_id", Text, nullable=False, comment="gsis_id"),
    Column("label", Text, nullable=False, comment="as the venue writes"),
    Column("learned_from", Text, comment="the market that taught it"),
    Column("learned_by", Text, nullable=False, comment="resolver, or who said so"),
    Column("learned_at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "venue_player_id"),
    CheckConstraint(MARKET_SOURCES, name="source_known"),
    comment="the venues' own player ids, once learned",
    **AUTO,
)

# A leg for each outcome that the old application stored odds of.
LEGS = """
INSERT INTO market_legs (source, market_id, event_id, season, game_id, kind, label, team, player_id, reason, status,
    first_seen_at, last_seen_at)
SELECT source, game_id || '/' || player_name, game_id, min(season), game_id, 'unknown', player_name, min(team),
    min(player_id), CASE WHEN min(player_id) IS NULL THEN 'written by the old application' END, 'closed',
    min(snapshot_time), max(snapshot_time)
FROM market_odds GROUP BY source, game_id, player_name
"""
OF_LEG = (
    "(SELECT l.id FROM market_legs l WHERE l.source = carried.source "
    "AND l.market_id = carried.game_id || '/' || carried.player_name)"
)


def upgrade() -> None:
    conn = op.get_bind()
    create(market_venues, market_payloads, market_events, market_legs, venue_players)
    conn.exec_driver_sql(LEGS)
    no_price = "CASE WHEN implied_probability IS NULL THEN 'written by the old application' END"
    rebuild(market_odds, {"leg_id": OF_LEG, "reason": no_price})
    rebuild(market_outcomes, {"season": "(SELECT g.season FROM games g WHERE g.id = carried.game_id)"})
    rebuild(pick_market_odds)
    create(market_closings, member_market_stats)
    install(conn, keys(KEYS))
    grade_triggers.install(conn)


KEYS: tuple[Key, ...] = (
    *v0021_events.KEYS,
    ("market_events", ("game_id",), ("games.id",), None),
    ("market_legs", ("game_id",), ("games.id",), None),
    ("market_odds", ("leg_id",), ("market_legs.id",), None),
    ("market_closings", ("game_id",), ("games.id",), None),
    ("market_closings", ("odds_id",), ("market_odds.id",), None),
    ("pick_market_odds", ("pick_odds_id",), ("market_odds.id",), None),
    ("member_market_stats", ("user_id",), ("users.id",), "CASCADE"),
)
