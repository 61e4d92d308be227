"""Claims about `market_odds`: who is asked what, that all that came is stored, and that no venue can fail the asset."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import insert

from firsttd_pipeline.domain.markets import Event, Leg, Parsed, Payload, Quote, WantedGame, WantedHistory
from firsttd_pipeline.refresh import market_odds as work
from firsttd_pipeline.refresh.base import League, Report, open_client
from firsttd_pipeline.reports.plots import PricePath
from firsttd_pipeline.settings import Settings, load_settings
from firsttd_pipeline.sources.venues import Page, VenueError, VenueOutOfTime, open_venue
from firsttd_pipeline.storage.engine import Database, DatabaseLocked
from firsttd_pipeline.storage.schema import picks, users
from firsttd_pipeline_tests.market_server import (
    AFTER_SEASON,
    SETTLED_EVENT,
    VOID_LEG,
    MarketServer,
    shared_world,
    start_markets,  # noqa: F401 - a fixture
)
from firsttd_pipeline_tests.shared_data import needs_shared
from firsttd_pipeline_tests.storage.season_2025 import load_roster_weeks, load_season
from firsttd_pipeline_tests.storage.small_league import read, write
from firsttd_pipeline_tests.tables import ROOM, drawn_width

FINAL = "2025_22_SEA_NE"
SUNDAY = datetime(2025, 10, 5, 14, tzinfo=UTC)
"""Three hours before the first games of week 5's Sunday."""


# --- over the local server --------------------------------------------------------------------------------------------


@pytest.fixture
def last_rounds(
    sqlite_db: Database,
    start_markets: Callable[..., MarketServer],  # noqa: F811
) -> MarketServer:
    load_season(sqlite_db, AFTER_SEASON)
    load_roster_weeks(sqlite_db)
    return start_markets(shared_world((2025,), (21, 22)), lambda: AFTER_SEASON)


def run(db: Database, server: MarketServer, now: datetime, home: Path, **more: Any) -> Report:
    given = more.pop("settings", {})
    server.at(now)
    settings = load_settings(home=home, database_url=f"sqlite:///{db.path}", **server.settings(retries=1, **given))
    league = League(
        settings, db, open_client(settings), venues=lambda source: open_venue(source, settings, clock=lambda: now)
    )
    return work.refresh(league, 2025, now, **more)


def status_of(db: Database) -> dict[str, tuple[str, str | None]]:
    return {row["source"]: (row["status"], row["reason"]) for row in read(db, "SELECT * FROM market_venues")}


@needs_shared
def test_the_captured_settled_event_lands_whole_and_the_voided_leg_is_void(
    sqlite_db: Database, last_rounds: MarketServer, tmp_path: Path
) -> None:
    report = run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path)
    legs = read(sqlite_db, "SELECT * FROM market_legs WHERE event_id = :e", e=SETTLED_EVENT)
    assert {leg["game_id"] for leg in legs} == {FINAL}
    kinds = pl.Series([leg["kind"] for leg in legs]).value_counts(name="n").sort("n").rows()
    assert kinds == [("no_td", 1), ("dst", 2), ("player", 19)]
    assert {leg["player_id"] for leg in legs if leg["kind"] != "player"} == {"NO_TD", "DST:SEA", "DST:NE"}
    players = {leg["player_id"] for leg in legs if leg["kind"] == "player"}
    assert None not in players
    assert len(players) == 19
    assert [leg["label"] for leg in legs if leg["result"] == "yes"] == ["AJ Barner"]
    (void,) = read(
        sqlite_db, "SELECT status, result, settlement_value FROM market_legs WHERE market_id = :m", m=VOID_LEG
    )
    assert (void["status"], void["result"]) == ("settled", "void")
    assert 0 < void["settlement_value"] < 1
    assert status_of(sqlite_db)["kalshi"] == ("ok", None)
    closings = read(sqlite_db, "SELECT * FROM market_closings WHERE source = 'kalshi' AND game_id = :g", g=FINAL)
    assert len(closings) == 22
    assert all(closing["closing_at"] <= closing["kickoff_at"] for closing in closings)
    (legs_stored,) = read(sqlite_db, "SELECT count(*) AS n FROM market_legs WHERE source = 'kalshi'")
    (told,) = report.tables["venues"].filter(venue="Kalshi").to_dicts()
    assert (told["status"], told["legs"], told["why"]) == ("ok", legs_stored["n"], "")
    assert report.facts["preview is of"] == FINAL
    assert report.preview.height > 0
    assert report.plot is not None
    assert isinstance(report.plot(), PricePath)


@needs_shared
def test_a_settled_season_is_not_asked_again_and_its_answers_give_the_same_rows(
    sqlite_db: Database, last_rounds: MarketServer, tmp_path: Path
) -> None:
    run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path)
    tables = ("market_events", "market_legs", "market_odds", "market_closings", "market_payloads", "venue_players")
    before = {table: read(sqlite_db, f"SELECT * FROM {table} ORDER BY id") for table in tables}
    asked = len(last_rounds.requests)
    again = run(sqlite_db, last_rounds, AFTER_SEASON + timedelta(minutes=15), tmp_path)
    assert (again.counts.inserted, len(last_rounds.requests)) == (0, asked)
    settings = load_settings(home=tmp_path, **last_rounds.settings(kalshi=False))  # off: read all the same
    league = League(settings, sqlite_db, open_client(settings))
    (report,) = work.reparse(league, now=AFTER_SEASON)
    assert (report.counts.inserted, report.notes) == (0, [])
    assert {table: read(sqlite_db, f"SELECT * FROM {table} ORDER BY id") for table in tables} == before
    write(sqlite_db, "DELETE FROM market_closings", "DELETE FROM market_odds WHERE source = 'kalshi'")
    work.reparse(league, "kalshi", 2025, now=AFTER_SEASON)
    plain = "SELECT market_id, snapshot_time, implied_probability, player_id FROM market_odds ORDER BY 1, 2"
    kept = sorted(
        (row["market_id"], row["snapshot_time"], row["implied_probability"], row["player_id"])
        for row in before["market_odds"]
    )
    assert sorted(tuple(row.values()) for row in read(sqlite_db, plain)) == kept
    assert len(last_rounds.requests) == asked


@needs_shared
@pytest.mark.parametrize(
    ("fault", "details", "status", "said"),
    [
        ("status", {"status": 500}, "failed", "500"),
        ("rename_prices", {}, "failed", "no known price field"),
        ("repeat_cursor", {}, "partial", "a cursor came again"),
    ],
)
def test_a_venue_that_fails_is_a_status_and_the_others_are_stored(
    sqlite_db: Database,
    start_markets: Callable[..., MarketServer],  # noqa: F811
    tmp_path: Path,
    fault: Any,
    details: dict[str, Any],
    status: str,
    said: str,
) -> None:
    load_season(sqlite_db, SUNDAY)
    server = start_markets(shared_world((2025,), (5, 5)))
    server.fault("kalshi/trade-api/v2/markets", fault, **details)
    report = run(sqlite_db, server, SUNDAY, tmp_path, snapshot_only=True)
    found = status_of(sqlite_db)
    assert found["kalshi"][0] == status
    assert said in str(found["kalshi"][1])
    assert found["polymarket"] == ("ok", None)
    stored = {row["source"] for row in read(sqlite_db, "SELECT DISTINCT source FROM market_odds")}
    assert stored == {"polymarket", "odds_api"} | ({"kalshi"} if status == "partial" else set())
    assert report.notes[0].startswith(f"Kalshi: {status}: ")
    assert not any(advice in report.notes[0] for advice in ("A retry", "Check the", "Kalshi: Kalshi"))
    (told,) = report.tables["venues"].filter(venue="Kalshi").to_dicts()
    assert (told["status"], said in told["why"], "http" in told["why"]) == (status, True, False)
    assert len(told["why"]) <= 110
    assert max(drawn_width(report.tables["venues"]), drawn_width(report.preview)) <= ROOM
    if fault == "rename_prices":  # kept all the same: a later release may know the names
        kept = read(sqlite_db, "SELECT kind FROM market_payloads WHERE source = 'kalshi'")
        assert kept == [{"kind": "open"}]
    server.heal()
    later = SUNDAY + timedelta(minutes=15)
    run(sqlite_db, server, later, tmp_path, snapshot_only=True)
    assert status_of(sqlite_db)["kalshi"] == ("ok", None)


@needs_shared
def test_a_venue_that_is_off_or_was_not_there_says_so(
    sqlite_db: Database, last_rounds: MarketServer, tmp_path: Path
) -> None:
    run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path, settings={"kalshi": False, "odds_api_key": ""})
    found = status_of(sqlite_db)
    assert (found["kalshi"][0], found["odds_api"][0], found["polymarket_us"][0]) == ("off", "off", "absent")
    assert "FIRSTTD_KALSHI" in str(found["kalshi"][1])
    assert "FIRSTTD_ODDS_API_KEY" in str(found["odds_api"][1])
    assert "first season is 2026" in str(found["polymarket_us"][1])
    off = run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path, settings={"prediction_markets": False})
    assert off.absence is None  # what is stored of the season is there
    assert not any("FIRSTTD_" in note for note in off.notes)  # the table says it
    assert dict(off.tables["venues"].select("venue", "status").rows()) == {
        "Kalshi": "off", "Polymarket": "off", "Polymarket US": "off", "The Odds API": "off"
    }  # fmt: skip
    write(sqlite_db, "DELETE FROM market_closings", "DELETE FROM market_odds", "DELETE FROM market_legs")
    off = run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path, settings={"prediction_markets": False})
    assert "FIRSTTD_PREDICTION_MARKETS" in str(off.absence)


# --- with venues made up here -----------------------------------------------------------------------------------------


class Made:
    """A venue that answers what it is told, and remembers what it was asked."""

    remaining: int | None = None

    def __init__(self, source: str = "kalshi", **answers: Any) -> None:
        self.source, self.answers, self.requests = source, answers, 0
        self.asked: list[tuple[str, Any]] = []
        self.closed = False

    def _say(self, what: str, asked: Any) -> Iterator[Page]:
        self.asked.append((what, asked))
        self.requests += 1
        for one in self.answers.get(what, ()):
            if isinstance(one, BaseException):
                raise one
            if callable(one):
                one()
            else:
                yield one

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        return self._say("open", [game.game_id for game in games])

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        return self._say("settled", (since, [game.game_id for game in games]))

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        return self._say("legs", list(market_ids))

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        return self._say("history", [leg.market_id for leg in wanted])

    def parse(self, kind: Any, body: bytes, fetched_at: datetime) -> Parsed:
        raise VenueError("not readable")

    def cancel(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


PHI = Event("kalshi", "E5", None, "DEN", "PHI", date(2025, 10, 5))
LATER = Event("kalshi", "E6", None, "PHI", "NYG", date(2025, 10, 9))
NUMBERS = iter(range(1_000_000))


def page(at: datetime, *legs: Leg, events: Sequence[Event] = (PHI,), kind: Any = "open", **past: Any) -> Page:
    name = f"{at}{next(NUMBERS)}"
    return Page(Payload("kalshi", kind, "http://venue", at, name, name.encode()), Parsed(events, legs, past))


def player(label: str, at: datetime, event: str = "E5", **more: Any) -> Leg:
    quote = Quote(at, Decimal("0.1"), Decimal("0.12"))
    given: dict[str, Any] = {"kind": "player", "status": "open", "quote": quote} | more
    return Leg("kalshi", label, event, label, **given)


@pytest.fixture
def season(sqlite_db: Database) -> Database:
    load_season(sqlite_db, SUNDAY)
    return sqlite_db


def asked(db: Database, home: Path, now: datetime, *venues: Made, **more: Any) -> Report:
    by_source = {venue.source: venue for venue in venues}
    flags = {source: source in by_source for source in ("kalshi", "polymarket", "polymarket_us", "odds_api")}
    settings: Settings = load_settings(
        home=home, database_url=f"sqlite:///{db.path}", prediction_markets=True, odds_api_key="k" * 12, **flags
    )
    league = League(settings, db, open_client(settings), venues=lambda source: by_source[source])  # type: ignore[arg-type,return-value]
    return work.refresh(league, 2025, now, **more)


@needs_shared
def test_a_tick_asks_only_for_games_of_today_that_have_not_begun(season: Database, tmp_path: Path) -> None:
    venue = Made(open=[page(SUNDAY, player("Saquon Barkley", SUNDAY))])
    asked(season, tmp_path, SUNDAY + timedelta(hours=4), venue, snapshot_only=True)
    ((what, ids),) = venue.asked
    today = read(season, "SELECT id, kickoff_at FROM games WHERE game_date = '2025-10-05'")
    begun = str(SUNDAY + timedelta(hours=4)).removesuffix("+00:00")
    assert (what, sorted(ids)) == ("open", sorted(row["id"] for row in today if row["kickoff_at"] > begun))
    assert venue.closed


@needs_shared
def test_a_night_asks_for_ten_days_ahead_for_what_has_ended_and_for_former_prices(
    season: Database, tmp_path: Path
) -> None:
    ended = player("Jalen Hurts", SUNDAY, "E1", status="settled", quote=None, result="no")
    first = Event("kalshi", "E1", None, "DAL", "PHI", date(2025, 9, 4))
    venue = Made(settled=[page(SUNDAY, ended, events=[first], kind="settled")], history=[])
    asked(season, tmp_path, SUNDAY, venue)
    by_kind = dict(venue.asked)
    dates = read(season, "SELECT game_date FROM games WHERE id IN ('" + "', '".join(by_kind["open"]) + "')")
    assert max(str(row["game_date"]) for row in dates) < "2025-10-16"
    assert by_kind["settled"][0] == datetime(2025, 9, 5, 0, 20, tzinfo=UTC)
    assert by_kind["history"] == ["Jalen Hurts"]
    assert read(season, "SELECT history_waiting FROM market_venues WHERE source = 'kalshi'") == [{"history_waiting": 1}]
    nothing = Made(history=[page(SUNDAY, events=(), kind="history", **{"Jalen Hurts": []})])
    asked(season, tmp_path, SUNDAY + timedelta(hours=1), nothing)
    # listed whole since: only what ended less than three days ago may still be missing
    assert sorted(dict(nothing.asked)["settled"][1]) == ["2025_05_MIN_CLE", "2025_05_SF_LA"]
    done = Made()
    asked(season, tmp_path, SUNDAY + timedelta(hours=2), done)
    assert "history" not in dict(done.asked)  # an answer without prices is an answer
    assert read(season, "SELECT history_waiting FROM market_venues WHERE source = 'kalshi'") == [{"history_waiting": 0}]


@needs_shared
def test_former_prices_of_picked_games_come_first_and_what_time_does_not_allow_waits(
    season: Database, tmp_path: Path
) -> None:
    teams = {
        "2025_01_DAL_PHI": ("DAL", "PHI", 4),
        "2025_02_PHI_KC": ("PHI", "KC", 14),
        "2025_03_LA_PHI": ("LA", "PHI", 21),
    }
    events = [
        Event("kalshi", f"E {game}", None, away, home, date(2025, 9, day)) for game, (away, home, day) in teams.items()
    ]
    legs = [player(f"leg {game}", SUNDAY, f"E {game}", kind="unknown", status="settled", quote=None) for game in teams]
    with season.write() as conn:
        conn.execute(insert(users), {"name": "Ann"})
        (week,) = conn.exec_driver_sql("SELECT id FROM weeks WHERE week = 2").one()
        conn.execute(
            insert(picks),
            {"user_id": 1, "week_id": week, "team": "PHI", "player_name": "X", "game_id": "2025_02_PHI_KC"},
        )
    out = VenueOutOfTime("the 240 s are used up")
    got = page(SUNDAY, events=(), kind="history", **{"leg 2025_02_PHI_KC": []})
    venue = Made(settled=[page(SUNDAY, *legs, events=events, kind="settled")], history=[got, out])
    report = asked(season, tmp_path, SUNDAY, venue)
    assert [ids for what, ids in venue.asked if what == "history"] == [["leg 2025_02_PHI_KC"]]
    assert status_of(season)["kalshi"] == ("partial", "the 240 s are used up")
    assert any("prices before kickoff are still to be fetched: 2;" in note for note in report.notes)
    rest = Made()
    asked(season, tmp_path, SUNDAY + timedelta(hours=1), rest)
    assert dict(rest.asked)["history"] == ["leg 2025_03_LA_PHI", "leg 2025_01_DAL_PHI"]


@needs_shared
def test_a_leg_missing_from_a_whole_list_is_asked_for_by_id_and_closed_if_it_is_gone(
    season: Database, tmp_path: Path
) -> None:
    both = page(SUNDAY, player("Saquon Barkley", SUNDAY), player("Jalen Hurts", SUNDAY))
    asked(season, tmp_path, SUNDAY, Made(open=[both]), snapshot_only=True)
    at = SUNDAY + timedelta(minutes=15)
    cut = Made(open=[page(at, player("Saquon Barkley", at)), VenueError("cut off")])
    asked(season, tmp_path, at, cut, snapshot_only=True)
    assert [what for what, _ in cut.asked] == ["open"]  # the list was not whole: nothing is known to be missing
    at += timedelta(minutes=15)
    whole = Made(open=[page(at, player("Saquon Barkley", at))])
    report = asked(season, tmp_path, at, whole, snapshot_only=True)
    assert whole.asked[1] == ("legs", ["Jalen Hurts"])
    statuses = read(season, "SELECT label, status FROM market_legs ORDER BY label")
    assert [tuple(row.values()) for row in statuses] == [("Jalen Hurts", "withdrawn"), ("Saquon Barkley", "open")]
    assert "Kalshi: legs that were withdrawn: 1" in report.notes
    at += timedelta(minutes=15)
    failed = Made(open=[page(at)], legs=[VenueError("no")])
    asked(season, tmp_path, at, failed, snapshot_only=True)
    assert read(season, "SELECT status FROM market_legs WHERE label = 'Saquon Barkley'") == [{"status": "open"}]


@needs_shared
def test_a_list_that_is_empty_all_at_once_withdraws_nothing_and_says_so(season: Database, tmp_path: Path) -> None:
    names = [f"Nobody {number}" for number in range(12)]
    asked(season, tmp_path, SUNDAY, Made(open=[page(SUNDAY, *(player(name, SUNDAY) for name in names))]))
    at = SUNDAY + timedelta(minutes=15)
    asked(season, tmp_path, at, Made(open=[page(at, events=())]), snapshot_only=True)
    status, reason = status_of(season)["kalshi"]
    assert status == "partial"
    assert reason is not None
    assert "has none of the 12 that were open before" in reason
    assert read(season, "SELECT DISTINCT status FROM market_legs") == [{"status": "open"}]


@needs_shared
def test_a_venue_that_lists_nothing_on_the_day_of_games_is_not_well(season: Database, tmp_path: Path) -> None:
    asked(season, tmp_path, SUNDAY, Made(open=[page(SUNDAY, events=())]), snapshot_only=True)
    status, reason = status_of(season)["kalshi"]
    assert status == "partial"
    assert reason is not None
    assert "its list of open legs is empty, though" in reason


@needs_shared
def test_what_came_before_a_failure_is_stored_and_the_next_question_is_asked_still(
    season: Database, tmp_path: Path
) -> None:
    venue = Made(open=[page(SUNDAY, player("Saquon Barkley", SUNDAY)), KeyError("bid\0\ud800")], settled=[])
    asked(season, tmp_path, SUNDAY, venue)
    status, reason = status_of(season)["kalshi"]
    assert status == "partial"
    assert "client failed (KeyError: 'bid" in str(reason)
    assert [what for what, _ in venue.asked] == ["open", "settled"]
    assert read(season, "SELECT player_name FROM market_odds") == [{"player_name": "Saquon Barkley"}]


@needs_shared
def test_a_venue_that_was_asked_nothing_stands_as_it_stood(season: Database, tmp_path: Path) -> None:
    asked(season, tmp_path, SUNDAY, Made(open=[VenueError("Kalshi: down")]))
    before = read(season, "SELECT status, tried_at, succeeded_at FROM market_venues WHERE source = 'kalshi'")
    assert [(row["status"], row["succeeded_at"]) for row in before] == [("failed", None)]
    idle = Made()
    asked(season, tmp_path, SUNDAY + timedelta(hours=46), idle, snapshot_only=True)  # no game on a Tuesday
    assert idle.asked == []
    assert read(season, "SELECT status, tried_at, succeeded_at FROM market_venues WHERE source = 'kalshi'") == before


def test_a_venue_that_cannot_even_be_opened_is_a_status(season: Database, tmp_path: Path) -> None:
    class Unopened(dict[str, Made]):
        def __missing__(self, _source: str) -> Made:
            raise RuntimeError("no client")

    settings = load_settings(home=tmp_path, database_url=f"sqlite:///{season.path}", prediction_markets=True)
    league = League(settings, season, open_client(settings), venues=lambda source: Unopened()[source])  # type: ignore[arg-type,return-value]
    work.refresh(league, 2025, SUNDAY)
    found = read(season, "SELECT source, status, reason FROM market_venues WHERE status = 'failed'")
    assert {row["source"] for row in found} >= {"kalshi", "polymarket"}
    assert all("no client" in row["reason"] for row in found)


def test_venues_are_asked_side_by_side(season: Database, tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=30)
    one, other = Made("kalshi", open=[together.wait]), Made("polymarket", open=[together.wait])
    asked(season, tmp_path, SUNDAY, one, other, snapshot_only=True)
    assert not together.broken  # neither waited in vain for the other


@needs_shared
def test_only_our_own_database_fails_the_asset(season: Database, tmp_path: Path) -> None:
    patient = Database(f"sqlite:///{season.path}", busy_timeout_s=0.1)
    with season.write(), pytest.raises(DatabaseLocked):
        asked(patient, tmp_path, SUNDAY, Made(open=[page(SUNDAY, player("Saquon Barkley", SUNDAY))]))
    assert read(season, "SELECT count(*) AS n FROM market_odds") == [{"n": 0}]
    patient.close()


@needs_shared
def test_what_is_not_understood_is_told_with_an_example(season: Database, tmp_path: Path) -> None:
    odd = Event("kalshi", "ODD", "Somebody at somewhere", reason="no two teams")
    legs = player("Nobody Inparticular", SUNDAY), player("Anyone", SUNDAY, "ODD")
    report = asked(season, tmp_path, SUNDAY, Made(open=[page(SUNDAY, *legs, events=[PHI, odd])]), snapshot_only=True)
    assert report.facts["unmatched"] == 2
    assert report.tables["venues"]["unmatched"].to_list() == [2, 0, 0, 0]
    assert "Kalshi: events of no game that is certain: 1, e.g. ODD (no two teams)" in report.notes
    assert any(
        "legs on nobody who is certain: 1, e.g. Nobody Inparticular in 2025_05_DEN_PHI" in n for n in report.notes
    )
    assert read(season, "SELECT count(*) AS n FROM market_odds") == [{"n": 2}]


@needs_shared
def test_a_season_brought_in_at_once_is_stored_in_pieces_that_let_others_write(
    sqlite_db: Database, last_rounds: MarketServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "SELECT market_id, snapshot_time, player_id FROM market_odds ORDER BY market_id, snapshot_time"
    monkeypatch.setattr(work, "MOST_AT_ONCE", 500)
    written: list[int] = []
    several = work.store_several

    def counted(*args: Any, **more: Any) -> Any:
        done = several(*args, **more)
        written.append(sum(one.inserted for one in done.values()))
        return done

    monkeypatch.setattr(work, "store_several", counted)
    report = run(sqlite_db, last_rounds, AFTER_SEASON, tmp_path)
    assert len(written) > 5
    assert sum(written) == report.counts.inserted == len(read(sqlite_db, rows))
    assert {row["history_waiting"] for row in read(sqlite_db, "SELECT history_waiting FROM market_venues")} <= {0, None}
    assert read(sqlite_db, "SELECT count(*) AS n FROM market_legs WHERE history_at IS NULL") == [{"n": 0}]
