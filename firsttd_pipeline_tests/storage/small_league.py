"""A small league in a database: two seasons, three members, four players, six picks without a grade."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, text

from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.schema import games, picks, player_stats, rosters, standings_queue, users, weeks

SEASON, BEFORE = 2025, 2024
PLAYERS = ("p1", "p2", "p3", "p4")
GAMES = {"g1": (2025, 1), "g2": (2025, 1), "g3": (2025, 2), "g4": (2024, 1)}
WEEKS = {(2025, 1): 1, (2025, 2): 2, (2024, 1): 3}
PICKS = (
    # id, member, game, player
    (1, 1, "g1", "p1"),
    (2, 2, "g1", "p1"),
    (3, 3, "g1", "p2"),
    (4, 1, "g2", "p3"),
    (5, 2, "g3", "p1"),
    (6, 3, "g4", "p1"),
)


def load_small_league(db: Database) -> None:
    """Fill an empty database; ids as above, nothing left in the queue."""
    with db.write() as conn, signed(conn, "test"):
        conn.execute(insert(users), [{"name": name} for name in ("Avery", "Blake", "Casey")])
        conn.execute(insert(weeks), [{"season": season, "week": week} for season, week in WEEKS])
        conn.execute(
            insert(games),
            [
                {"id": game, "season": season, "week": week, "home_team": f"H{game}", "away_team": f"A{game}"}
                for game, (season, week) in GAMES.items()
            ],
        )
        on_roster = [(season, player) for season in (SEASON, BEFORE) for player in PLAYERS]
        conn.execute(
            insert(rosters),
            [{"season": s, "team": "SEA", "player_id": p, "player_name": f"Player {p}"} for s, p in on_roster],
        )
        conn.execute(
            insert(player_stats),
            [
                {"season": s, "team": "SEA", "player_id": p, "player_name": f"Player {p}", "roster_id": i}
                for i, (s, p) in enumerate(on_roster, 1)
            ],
        )
        conn.execute(
            insert(picks),
            [
                {
                    "user_id": member,
                    "week_id": WEEKS[GAMES[game]],
                    "team": "SEA",
                    "player_name": f"typed {player}",
                    "player_id": player,
                    "game_id": game,
                    "odds": 900.0,
                    "odds_placeholder": False,
                }
                for _, member, game, player in PICKS
            ],
        )


def write(db: Database, *statements: str, **values: Any) -> None:
    """Run plain SQL in one transaction, as another program does."""
    with db.write() as conn:
        for statement in statements:
            conn.execute(text(statement), values)


def read(db: Database, statement: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a select."""
    with db.read() as conn:
        return [dict(row) for row in conn.execute(text(statement), values).mappings()]


def queued(db: Database) -> list[tuple[int | None, int, str, int | None]]:
    """season, pick, event and event id of what waits for the standings."""
    columns = standings_queue.c
    with db.read() as conn:
        rows = conn.execute(standings_queue.select().order_by(columns.id)).all()
    return [(row.season, row.pick_id, row.event, row.event_id) for row in rows]
