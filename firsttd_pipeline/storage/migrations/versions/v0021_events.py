"""Every change of a grade and of a pick is kept; names that had to be asked; who was on which team in which week."""

from uuid import uuid4

from alembic import context, op
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
)

from firsttd_pipeline.storage import grade_triggers
from firsttd_pipeline.storage.mending import numbers, week_numbers
from firsttd_pipeline.storage.migrations.support import AUTO, Key, create, frozen, ident, keys, rebuild, stamp
from firsttd_pipeline.storage.schema import UtcDateTime
from firsttd_pipeline.storage.triggers import install, remove

revision = "0021"
down_revision = "0020"

metadata = frozen("picks")

quarantine = Table(
    "quarantine",
    metadata,
    ident(),
    Column("table_name", Text, nullable=False),
    Column("season", Integer),
    Column("key", Text, nullable=False, comment="what names the row in its source"),
    Column("reason", Text, nullable=False),
    Column("payload", Text, nullable=False, comment="the row, whole, as JSON"),
    Column("source", Text),
    stamp("created_at"),
    Column("resolved_at", UtcDateTime),
    Column("resolution", Text, comment="what became of it"),
    Index("ix_quarantine_table_name_season", "table_name", "season"),
    comment="what could not be taken, whole, with the reason",
    **AUTO,
)

result_events = Table(
    "result_events",
    metadata,
    ident(),
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
    **AUTO,
)

roster_weeks = Table(
    "roster_weeks",
    metadata,
    ident(),
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
    **AUTO,
)

pick_events = Table(
    "pick_events",
    metadata,
    ident(),
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
    **AUTO,
)

standings_queue = Table(
    "standings_queue",
    metadata,
    ident(),
    Column("season", Integer),
    Column("pick_id", Integer, nullable=False),
    Column("event", Text, nullable=False, comment="as in result_events; `removed` of a pick"),
    Column("event_id", Integer, comment="of result_events; null: a pick without a grade was removed"),
    stamp("noted_at"),
    Index("ix_standings_queue_season", "season"),
    comment="changes that the leaderboard does not show yet; its own transaction takes out what it has applied",
    **AUTO,
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
    stamp("resolved_at"),
    CheckConstraint("state IN ('understood', 'question')", name="state_known"),
    Index("ix_pick_resolutions_state", "state"),
    comment="how each pick's player was understood, or what has to be asked",
)

player_aliases = Table(
    "player_aliases",
    metadata,
    ident(),
    Column("text", Text, nullable=False, comment="as typed"),
    Column("key", Text, nullable=False, comment="the text, normalised"),
    Column("player_id", Text, nullable=False, comment="gsis_id, DST:SEA or NO_TD"),
    Column("player_name", Text, nullable=False),
    Column("scope", Text, nullable=False, server_default=text("'league'"), comment="league, or member:ID"),
    Column("made_by", Text, nullable=False),
    stamp("made_at"),
    Column("pick_id", Integer, comment="the pick whose question was answered; no foreign key"),
    UniqueConstraint("key", "player_id", "scope"),
    comment="what this league calls a player",
    **AUTO,
)

overrides = Table(
    "overrides",
    metadata,
    ident(),
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
    **AUTO,
)

run_failures = Table(
    "run_failures",
    metadata,
    ident(),
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
    **AUTO,
)


def upgrade() -> None:
    conn = op.get_bind()
    rebuild(quarantine)
    rebuild(result_events)
    create(*NEW)
    op.create_index("ix_picks_player_id", "picks", ["player_id"])
    conn.execute(text("INSERT INTO sync_metadata (key, value) VALUES ('database_id', :id)"), {"id": uuid4().hex})
    # Before the record begins: it holds week numbers, odds and grades. Triggers come back below.
    remove(conn)
    given = context.config.attributes
    found, merged = week_numbers(conn, source_weeks=given.get("source_weeks"), now=given.get("now"))
    given.setdefault("mended", []).extend([*found, *numbers(conn, now=given.get("now"))])
    given["merged_weeks"] = merged
    for statement in BASELINE:
        conn.exec_driver_sql(statement)
    install(conn, keys(KEYS))
    grade_triggers.install(conn)


NEW = (
    roster_weeks,
    pick_events,
    standings_queue,
    authorship,
    pick_resolutions,
    player_aliases,
    overrides,
    run_failures,
)

# Where the record begins: every pick, standing and grade as it is now.
BASELINE = (
    """
    INSERT INTO pick_events
        (event, pick_id, user_id, season, week, game_id, kind, player_id, player_name, odds, changed_by, why)
    SELECT 'picked', p.id, p.user_id, w.season, w.week, p.game_id, p.kind, p.player_id, p.player_name, p.odds,
        'upgrade', 'as the upgrade found it'
    FROM picks p JOIN weeks w ON w.id = p.week_id ORDER BY p.id
    """,
    """
    INSERT INTO pick_events
        (event, pick_id, user_id, season, week, game_id, kind, player_id, player_name, odds,
         status, reason, points, stake, rule_pack, changed_by, why)
    SELECT 'stated', p.id, p.user_id, w.season, w.week, p.game_id, p.kind, p.player_id, p.player_name, p.odds,
        s.status, s.reason, s.points, s.stake, s.rule_pack, 'upgrade', 'as the upgrade found it'
    FROM pick_status s JOIN picks p ON p.id = s.pick_id JOIN weeks w ON w.id = p.week_id ORDER BY p.id
    """,
    """
    INSERT INTO result_events
        (event, pick_id, user_id, season, week, game_id, player_id, player_name, graded_by, new_status,
         new_is_correct, new_any_time_td, new_actual_scorer, new_actual_return, was_official, changed_by, why)
    SELECT 'graded', p.id, p.user_id, w.season, w.week, p.game_id, p.player_id, p.player_name, r.graded_by,
        CASE WHEN r.is_correct IS NULL THEN 'void' WHEN r.is_correct THEN 'won' ELSE 'lost' END,
        r.is_correct, r.any_time_td, r.actual_scorer, r.actual_return,
        s.finality IS NOT NULL AND s.finality = 'official',
        'upgrade', 'as the upgrade found it'
    FROM results r JOIN picks p ON p.id = r.pick_id JOIN weeks w ON w.id = p.week_id
        LEFT JOIN pick_status s ON s.pick_id = p.id
    ORDER BY p.id
    """,
)

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
    ("pick_resolutions", ("pick_id",), ("picks.id",), "CASCADE"),
    ("pick_status", ("pick_id",), ("picks.id",), "CASCADE"),
    ("results", ("pick_id",), ("picks.id",), "CASCADE"),
)
