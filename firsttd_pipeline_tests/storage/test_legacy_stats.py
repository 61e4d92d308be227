"""Claims about the league's 485 old statistics rows: each is mapped, merged or open with a reason, and none is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import insert, select, text, update

from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.legacy_stats import OldRows, settle_old_rows
from firsttd_pipeline.storage.schema import picks, player_stats, quarantine, rosters, users, weeks
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.upgrade import upgrade
from firsttd_pipeline_tests.shared_data import LEGACY_DB, MIRROR, needs_shared
from firsttd_pipeline_tests.storage.legacy import legacy_copy, rows
from firsttd_pipeline_tests.storage.season_2025 import _roster_rows

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def settle(db: Database, now: datetime = NOW, season: int = 2025) -> OldRows | None:
    with db.write() as conn:
        return settle_old_rows(conn, season, Season(db, season, conn).rosters(), now)


def aside(db: Database) -> dict[str, tuple[str | None, datetime | None]]:
    """Resolution and its time by the old row's name and team."""
    with db.read() as conn:
        found = conn.execute(
            select(quarantine).where(quarantine.c.table_name == "player_stats").order_by(quarantine.c.id)
        ).all()
    said = [(json.loads(row.payload), row.resolution, row.resolved_at) for row in found]
    return {f"{old['player_name']} {old['team']}": (resolution, at) for old, resolution, at in said}


# --- a small season, on both databases --------------------------------------------------------------------------------


def old_row(name: str, team: str = "DAL", season: int = 2025, **more: object) -> dict[str, object]:
    payload = {"player_name": name, "team": team, "season": season, "position": "WR", "recent_form": "COLD"} | more
    entry = {"table_name": "player_stats", "season": season, "key": f"{name} {season} {team}", "source": "legacy"}
    return entry | {"reason": "by name only", "payload": json.dumps(payload)}


def fill(db: Database) -> None:
    with db.write() as conn:
        conn.execute(
            insert(rosters),
            [
                {
                    "season": 2025,
                    "team": team,
                    "player_id": player_id,
                    "player_name": f"{first} {last}",
                    "first_name": first,
                    "football_name": first,
                    "last_name": last,
                    "position": "WR",
                }
                for player_id, first, last, team in (
                    ("00-1", "George", "Pickens", "DAL"),
                    ("00-2", "Tez", "Johnson", "TB"),
                    ("00-3", "Theo", "Johnson", "NYG"),
                )
            ],
        )
        conn.execute(
            insert(quarantine),
            [
                old_row("George Pickens", position="Unknown", recent_form="neutral"),
                old_row("G.Pickens"),
                old_row("T.Johnson", "CAR"),
                old_row("GP"),
                old_row("G.Pickens", season=2024),
                {**old_row("not ours"), "source": "http://upstream"},
                {**old_row("another table"), "table_name": "picks"},
            ],
        )


def test_a_full_name_and_its_short_form_merge_into_one_player(database: Database) -> None:
    fill(database)
    found = settle(database)
    assert found is not None
    assert (found.total, found.players, found.merged, found.open, found.settled) == (4, 1, 1, 2, 2)
    assert found.corrected == {"position unknown": 1, "recent_form not legal": 1}
    assert found.why_open == {"ambiguous": 1, "nobody of that name": 1}
    said = aside(database)
    assert said["G.Pickens DAL"] == (None, None)  # of 2024, which has the same name here: not of this season
    assert said["George Pickens DAL"] == (
        "merged into player 00-1 (George Pickens); position Unknown is WR, recent_form neutral is counted anew",
        NOW,
    )
    assert said["GP DAL"] == ("nobody of that name was on a roster of 2025", None)


def test_again_nothing_is_written_and_the_sum_is_the_same(database: Database) -> None:
    fill(database)
    first = settle(database)
    before = aside(database)
    again = settle(database, NOW + timedelta(days=1))
    assert aside(database) == before
    assert first is not None
    assert again is not None
    assert (again.total, again.players, again.merged, again.open) == (4, 1, 1, 2)
    assert (again.settled, again.corrected) == (0, {})
    assert [line for line in again.sentences(2025) if "settled now" in line] == []


def test_a_shorthand_is_settled_once_its_pick_is_understood(database: Database) -> None:
    fill(database)
    with database.write() as conn:
        conn.execute(insert(users), {"name": "Avery"})
        conn.execute(insert(weeks), {"season": 2025, "week": 1})
        conn.execute(
            insert(picks), {"user_id": 1, "week_id": 1, "team": "DAL", "player_name": "gp", "source": "legacy"}
        )
    settle(database)
    assert str(aside(database)["GP DAL"][0]).startswith("as a pick typed it, which is not understood yet")
    with database.write() as conn:
        conn.execute(update(picks).values(player_id="00-1"))
    found = settle(database)
    assert found is not None
    assert (found.players, found.merged, found.open) == (1, 2, 1)
    assert aside(database)["GP DAL"] == ("merged into player 00-1 (George Pickens)", NOW)


def test_what_is_not_the_seasons_old_row_is_not_touched(database: Database) -> None:
    fill(database)
    settle(database)
    with database.read() as conn:
        others = conn.execute(
            select(quarantine.c.resolution).where(
                (quarantine.c.season == 2024) | (quarantine.c.source != "legacy") | (quarantine.c.table_name == "picks")
            )
        ).scalars()
        assert list(others) == [None, None, None]


def test_without_rosters_or_open_rows_nothing_is_done(database: Database) -> None:
    fill(database)
    assert settle(database, season=2024) is None
    with database.write() as conn:
        conn.execute(update(quarantine).values(resolved_at=NOW))
    assert settle(database) is None


def test_a_pick_whose_text_is_a_blob_does_not_stop_it(sqlite_db: Database) -> None:
    fill(sqlite_db)
    with sqlite_db.write() as conn:
        conn.execute(insert(users).values(name="A"))
        conn.execute(insert(weeks).values(season=2025, week=1))
        conn.execute(text("INSERT INTO picks (user_id, week_id, team, player_name) VALUES (1, 1, 'DAL', x'ff00')"))
    found = settle(sqlite_db)
    assert found is not None
    assert found.total == 4


# --- the league's own file --------------------------------------------------------------------------------------------


@pytest.fixture
def league(tmp_path: Path) -> Iterator[Database]:
    db = Database(legacy_copy(tmp_path))
    upgrade(db)
    with db.write() as conn:
        conn.execute(insert(rosters), _roster_rows())
    yield db
    db.close()


@needs_shared
def test_every_one_of_the_485_rows_is_mapped_merged_or_open_with_a_reason(league: Database) -> None:
    found = settle(league)
    assert found is not None
    assert (found.total, found.players + found.merged + found.open) == (485, 485)
    assert found.players == 391
    assert found.merged == 45
    assert found.why_open["ambiguous"] == 20
    said = aside(league)
    assert len(said) == 485
    assert {name for name, (resolution, _) in said.items() if not resolution} == set()
    assert Counter(at is None for _, at in said.values()) == {True: found.open, False: found.players + found.merged}
    assert found.sentences(2025)[0].startswith("485 old rows of player_stats: 391 mapped to a player, 45 merged")


@needs_shared
def test_the_rows_themselves_stay_whole(league: Database) -> None:
    settle(league)
    with league.read() as conn:
        kept = conn.execute(select(quarantine.c.payload).where(quarantine.c.table_name == "player_stats")).scalars()
        payloads = [json.loads(payload) for payload in kept]
        assert conn.execute(select(player_stats.c.id)).all() == []
    columns = "id, player_name, season, team, position, first_td_count, any_time_td_count, recent_form"
    wanted = rows(LEGACY_DB, f"SELECT {columns} FROM player_stats ORDER BY id")
    assert sorted(tuple(old[c] for c in columns.split(", ")) for old in payloads) == wanted


@needs_shared
def test_no_short_form_is_mapped_to_another_player_than_the_one_who_scored(league: Database) -> None:
    settle(league)
    scored = pl.read_parquet(
        MIRROR / "pbp" / "play_by_play_2025.parquet",
        columns=["touchdown", "td_player_id", "td_player_name", "posteam", "home_team", "away_team"],
    ).filter((pl.col("touchdown") == 1) & pl.col("td_player_id").is_not_null())
    of_play: dict[str, set[str]] = {}
    for player_id, name, team in scored.select("td_player_id", "td_player_name", "posteam").iter_rows():
        of_play.setdefault(f"{name} {team}", set()).add(player_id)
    said = {name: str(resolution) for name, (resolution, at) in aside(league).items() if at is not None}
    told = {name: of_play[name] for name in said if len(of_play.get(name, ())) == 1}
    wrong = {name: said[name] for name, (player_id,) in told.items() if f" {player_id} (" not in said[name]}
    assert wrong == {}
    assert len(told) > 380


@needs_shared
@pytest.mark.parametrize(
    ("row", "player"),
    [
        ("T.Johnson NYG", "Theo Johnson"),
        ("T.Johnson TB", "Tez Johnson"),
        ("T.Johnson NYJ", "Tyler Johnson"),
        ("J.Williams DAL", "Javonte Williams"),
        ("J.Williams DET", "Jameson Williams"),
        ("R.Shaheed NO", "Rashid Shaheed"),
        ("C.Williams CHI", "Caleb Williams"),
        ("George Pickens DAL", "George Pickens"),
        ("G.Pickens DAL", "George Pickens"),
        ("jAUAN jENNINGS SF", "Jauan Jennings"),
        ("Josh Palmer BUF", "Josh Palmer"),
    ],
)
def test_a_sample_looked_at_by_eye(league: Database, row: str, player: str) -> None:
    settle(league)
    assert f"({player})" in str(aside(league)[row][0])
