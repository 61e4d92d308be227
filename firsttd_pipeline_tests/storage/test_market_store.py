"""Claims about storing what venues answered: what is matched, kept, closed and never written twice, on both engines."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, event, insert

from firsttd_pipeline.domain.markets import PRESEASON, Event, Leg, Payload, PayloadKind, Quote
from firsttd_pipeline.domain.prices import WITHDRAWN as WITHDRAWN_LEG
from firsttd_pipeline.settings import load_settings
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_answers import MatchRefused, settle_event, settle_leg, settle_none
from firsttd_pipeline.storage.market_book import MarketBook
from firsttd_pipeline.storage.market_prices import closing_lines, price_path, read_odds_of_game, write_closings
from firsttd_pipeline.storage.market_status import open_events_query, open_legs_query
from firsttd_pipeline.storage.market_store import Answered, Stored, store_answers
from firsttd_pipeline.storage.partitions import follow, mark_departed, step_aside, write_games
from firsttd_pipeline.storage.schema import games, market_closing_packs, roster_weeks, rosters, weeks
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.season_book import NameNotUnderstood
from firsttd_pipeline_tests.storage.small_league import read, write

GAME = "2025_03_DAL_PHI"
KICKOFF = datetime(2025, 9, 21, 17, tzinfo=UTC)
BEFORE = KICKOFF - timedelta(hours=4)
EVENT = Event("kalshi", "E", "Dallas at Philadelphia", "DAL", "PHI", date(2025, 9, 21))
PLAYERS = (
    ("00-1", "Saquon Barkley", "PHI", "RB", 26),
    ("00-2", "CeeDee Lamb", "DAL", "WR", 88),
    ("00-3", "Mike Williams", "PHI", "WR", 81),
    ("00-4", "Mike Williams", "DAL", "WR", 17),
)


@pytest.fixture
def league(database: Database) -> Database:
    """Two games of three weeks, four players of whom two bear one name."""
    with database.write() as conn:
        conn.execute(insert(weeks), [{"season": 2025, "week": week} for week in (3, 4, 5)])
        sides = ((GAME, 3, "DAL", "PHI", KICKOFF), ("2025_04_NYG_DAL", 4, "NYG", "DAL", KICKOFF + timedelta(days=7)))
        conn.execute(
            insert(games),
            [
                {
                    "id": game, "season": 2025, "week": week, "away_team": away, "home_team": home,
                    "kickoff_at": at, "game_date": at.date(), "source": "nflverse",
                }
                for game, week, away, home, at in sides
            ],
        )  # fmt: skip
        for player_id, name, team, position, number in PLAYERS:
            first, last = name.split()
            row = {"season": 2025, "team": team, "player_id": player_id, "player_name": name, "first_name": first}
            conn.execute(insert(rosters), row | {"last_name": last, "position": position, "jersey_number": number})
    return database


def leg(market_id: str, label: str, **more: Any) -> Leg:
    given: dict[str, Any] = {"source": "kalshi", "event_id": "E", "kind": "player", "status": "open"} | more
    return Leg(market_id=market_id, label=label, **given)


def priced(at: datetime, bid: str = "0.10", ask: str = "0.12") -> Quote:
    return Quote(at, Decimal(bid), Decimal(ask), last=Decimal("0.5"))


def barkley(at: datetime, **more: Any) -> Leg:
    given: dict[str, Any] = {"team": "PHI", "venue_player_id": "uuid-1", "quote": priced(at)} | more
    return leg("B", "Saquon Barkley", **given)


def answer(
    at: datetime, legs: Sequence[Leg] = (), events: Sequence[Event] = (EVENT,), kind: PayloadKind = "open", **more: Any
) -> Answered:
    body = repr((at, legs, events)).encode()
    payload = Payload("kalshi", kind, "http://venue/x", at, hashlib.sha256(body).hexdigest(), body)
    return Answered(payload, events, legs, **more)


def store(db: Database, *answers: Answered, now: datetime | None = None, source: str = "kalshi", **more: Any) -> Stored:
    at = now or answers[-1].payload.fetched_at
    with db.write() as conn:
        book = MarketBook.load(conn, 2025)
        return store_answers(conn, book, source, answers, now=at, max_width=0.1, **more)


def legs_of(db: Database, columns: str = "market_id, game_id, player_id, status") -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(db, f"SELECT {columns} FROM market_legs ORDER BY market_id")]


def rows_of(db: Database, columns: str) -> list[tuple[Any, ...]]:
    query = f"SELECT {columns} FROM market_odds ORDER BY snapshot_time, market_id"
    return [tuple(row.values()) for row in read(db, query)]


def reason_of(db: Database, market_id: str) -> str:
    return str(read(db, "SELECT reason FROM market_legs WHERE market_id = :m", m=market_id)[0]["reason"])


# --- prices -----------------------------------------------------------------------------------------------------------


def test_a_price_is_stored_with_its_game_week_and_player_and_twice_is_once(league: Database) -> None:
    page = answer(BEFORE, [barkley(BEFORE)])
    first, again = store(league, page), store(league, page)
    assert (first.inserted, first.unchanged, again.inserted, again.unchanged) == (1, 0, 0, 1)
    columns = "game_id, week, player_id, player_name, bid, ask, raw_price, implied_probability, american_odds"
    assert rows_of(league, columns) == [(GAME, 3, "00-1", "Saquon Barkley", 0.1, 0.12, 0.5, 0.11, 809)]
    assert read(league, "SELECT count(*) AS n FROM market_payloads") == [{"n": 1}]
    assert read(league, "SELECT source, venue_player_id, player_id, learned_by FROM venue_players") == [
        {"source": "kalshi", "venue_player_id": "uuid-1", "player_id": "00-1", "learned_by": "resolver"}
    ]


def test_a_wide_book_is_kept_without_a_probability_and_says_why(league: Database) -> None:
    store(league, answer(BEFORE, [barkley(BEFORE, quote=priced(BEFORE, "0.01", "0.60"))]))
    (row,) = rows_of(league, "bid, ask, implied_probability, american_odds, reason")
    assert row[:4] == (0.01, 0.6, None, None)
    assert "FIRSTTD_MARKET_MAX_WIDTH" in row[4]


def test_no_price_is_taken_once_the_game_has_begun(league: Database) -> None:
    late = KICKOFF + timedelta(seconds=1)
    store(league, answer(KICKOFF, [barkley(KICKOFF)]), answer(late, [barkley(late)]))
    assert [row[0] for row in rows_of(league, "raw_price")] == [0.5]
    assert legs_of(league)[0][1:] == (GAME, "00-1", "open")


def test_former_prices_lie_before_kickoff_and_are_asked_for_once(league: Database) -> None:
    store(league, answer(KICKOFF + timedelta(days=1), [barkley(BEFORE, status="settled", quote=None, result="yes")]))
    at = KICKOFF + timedelta(days=1)
    past = {"B": [priced(BEFORE), priced(KICKOFF), priced(KICKOFF + timedelta(minutes=1))], "unknown": [priced(BEFORE)]}
    store(league, answer(at, events=(), kind="history", past=past))
    assert [row[0] for row in rows_of(league, "taken_from")] == ["history", "history"]
    assert read(league, "SELECT count(*) AS n FROM market_legs WHERE history_at IS NOT NULL") == [{"n": 1}]
    assert read(league, "SELECT kind FROM market_payloads ORDER BY id") == [{"kind": "open"}, {"kind": "history"}]


# --- who and which game -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event("kalshi", "E", None, "PHI", "DAL", date(2025, 9, 21)), None),  # the sides are swapped
        (Event("kalshi", "E", None, "DAL", "PHI", date(2025, 9, 22)), "no game of DAL and PHI on 2025-09-22"),
        (Event("kalshi", "E", None, "DAL", "PHI", date(2025, 9, 22), days_off=1), None),
        (Event("kalshi", "E", None, "DAL", "NYJ", date(2025, 9, 21)), "no game of DAL and NYJ"),
        (Event("kalshi", "E", reason="XXX is no two teams"), "XXX is no two teams"),
    ],
)
def test_an_event_is_on_the_one_game_of_its_teams_and_date_or_on_none(
    league: Database, event: Event, said: str | None
) -> None:
    store(league, answer(BEFORE, [barkley(BEFORE)], [event]))
    (row,) = read(league, "SELECT game_id, reason FROM market_events")
    assert row["game_id"] == (GAME if said is None else None)
    assert said is None or said in row["reason"]
    assert [r[0] for r in rows_of(league, "game_id")] == [row["game_id"]]  # kept, understood or not


def test_an_event_of_before_the_first_game_is_of_the_preseason(league: Database) -> None:
    store(league, answer(BEFORE, [barkley(BEFORE)], [Event("kalshi", "E", None, "DAL", "PHI", date(2025, 8, 10))]))
    (row,) = read(league, "SELECT game_id, reason FROM market_events")
    assert (row["game_id"], row["reason"]) == (None, f"{PRESEASON}, which is on 2025-09-21")


def test_an_event_once_matched_stays_when_the_game_is_moved_and_follows_a_renamed_one(league: Database) -> None:
    lamb = leg("L", "CeeDee Lamb", team="DAL", quote=priced(BEFORE))
    store(league, answer(BEFORE, [barkley(BEFORE), lamb]))
    write(league, "UPDATE games SET game_date = '2025-09-23' WHERE id = :g", g=GAME)
    store(league, answer(BEFORE + timedelta(minutes=1), [barkley(BEFORE + timedelta(minutes=1)), lamb]))
    settings = load_settings()
    with league.write() as conn:
        write_closings(conn, 2025, settings, KICKOFF + timedelta(days=1))
        frame = Season(league, 2025, conn).games().rename({"game_id": "id"})
        moved = frame.filter(frame["id"] == GAME).drop("created_at", "updated_at")
        new = moved.with_columns(id=moved["id"].replace({GAME: "2025_05_PHI_DAL"}), week=moved["week"] + 2)
        new = new.rename({"home_team": "away_team", "away_team": "home_team"})
        step_aside(conn, [])
        write_games(conn, 2025, new, BEFORE)
        mark_departed(conn, {GAME: "postponed"}, BEFORE)
        follow(conn, {GAME: "2025_05_PHI_DAL"}, [])
    assert {row[0] for row in legs_of(league, "game_id")} == {"2025_05_PHI_DAL"}
    assert set(rows_of(league, "game_id, week")) == {("2025_05_PHI_DAL", 5)}
    assert read(league, "SELECT game_id FROM market_closings") == []  # of the kickoff that was not
    with league.read() as conn:
        assert closing_lines(conn, 2025).height == 0
    with league.write() as conn:
        write_closings(conn, 2025, settings, KICKOFF + timedelta(days=1))
    assert read(league, "SELECT game_id, week FROM market_closings") == [{"game_id": "2025_05_PHI_DAL", "week": 5}] * 2
    with league.read() as conn:
        assert closing_lines(conn, 2025)["game_id"].to_list() == ["2025_05_PHI_DAL"] * 2


def test_closing_lines_in_one_piece_are_written_where_they_changed_and_read_as_rows_without_it(
    league: Database,
) -> None:
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    said = []
    for days in (1, 2):
        with league.write() as conn:
            write_closings(conn, 2025, load_settings(), KICKOFF + timedelta(days=days))
            said.append(closing_lines(conn, 2025))
    (pack,) = read(league, "SELECT lines, updated_at FROM market_closing_packs")
    assert pack["lines"] == 1
    assert str(pack["updated_at"])[:10] == str((KICKOFF + timedelta(days=1)).date())  # the second run wrote nothing
    with league.write() as conn:
        conn.execute(delete(market_closing_packs))
        said.append(closing_lines(conn, 2025))
    assert said[0].rows() == [("kalshi", GAME, "00-1", 0.11, None)]
    assert said[0].equals(said[1])
    assert said[0].equals(said[2])


def test_a_leg_means_a_defense_only_of_this_game_and_nobody_where_it_is_neither(league: Database) -> None:
    legs = [
        leg("1", "Dallas D/ST", kind="dst", team="DAL"),
        leg("2", "Jets D/ST", kind="dst", team="NYJ"),
        leg("3", "No Touchdown", kind="no_td"),
        leg("4", "Any other", kind="unknown"),
    ]
    store(league, answer(BEFORE, legs))
    assert [row[2] for row in legs_of(league)] == ["DST:DAL", None, "NO_TD", None]
    assert reason_of(league, "2") == f"NYJ does not play in {GAME}"
    assert "neither a player" in reason_of(league, "4")


def test_of_two_players_of_one_name_team_or_jersey_tells_and_nothing_is_guessed(league: Database) -> None:
    legs = [
        leg("1", "Mike Williams"),
        leg("2", "Mike Williams", team="DAL"),
        leg("3", "Mike Williams", jersey=81),
        leg("4", "M. Williams", team="DAL"),
        leg("5", "Saquon Barkley", team="DAL"),
        leg("6", "Jalen Hurts"),
    ]
    stored = store(league, answer(BEFORE, legs))
    assert [row[2] for row in legs_of(league)] == [None, "00-4", "00-3", None, None, None]
    assert "tie" in reason_of(league, "1")
    assert "Mike Williams (DAL WR #17, 00-4)" in reason_of(league, "1")
    assert "not certain: by initials and last name" in reason_of(league, "4")
    assert "the venue says DAL" in reason_of(league, "5") or "speaks for the other" in reason_of(league, "5")
    assert "nobody of DAL and PHI is called 'Jalen Hurts'" in reason_of(league, "6")
    assert stored.learned == 0


def test_a_learned_id_answers_a_strange_spelling_and_a_player_elsewhere_is_a_conflict(league: Database) -> None:
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    other = Event("kalshi", "F", None, "NYG", "DAL", date(2025, 9, 28))
    legs = [leg("B2", "S. Quads", venue_player_id="uuid-1"), leg("B3", "SQ", venue_player_id="uuid-1", event_id="F")]
    store(league, answer(BEFORE, legs, [EVENT, other]))
    assert [row[2] for row in legs_of(league)] == ["00-1", "00-1", None]
    assert "meant 00-1 by this id before" in reason_of(league, "B3")


def test_a_leg_not_understood_is_tried_again_and_its_prices_follow(league: Database) -> None:
    hurts = leg("H", "Jalen Hurts", team="PHI", quote=priced(BEFORE))
    unsure = Event("kalshi", "F", None, "NYG", "DAL", date(2025, 9, 27))
    later = leg("L", "CeeDee Lamb", event_id="F", quote=priced(BEFORE))
    store(league, answer(BEFORE, [hurts, later], [EVENT, unsure]))
    assert rows_of(league, "game_id, week, player_id") == [(GAME, 3, None), (None, None, None)]
    with league.write() as conn:
        row = {"season": 2025, "team": "PHI", "player_id": "00-9", "player_name": "Jalen Hurts", "position": "QB"}
        conn.execute(insert(rosters), row)
    write(league, "UPDATE games SET game_date = '2025-09-27' WHERE week = 4")
    store(league, now=BEFORE)  # nothing new from the venue
    assert rows_of(league, "game_id, week, player_id") == [(GAME, 3, "00-9"), ("2025_04_NYG_DAL", 4, "00-2")]
    with league.read() as conn:
        assert price_path(conn, GAME, "00-9").height == 1


def test_without_rosters_a_leg_waits_and_says_so(league: Database) -> None:
    write(league, "DELETE FROM rosters")
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    assert reason_of(league, "B") == "the rosters of 2025 are not here yet"


def test_a_player_of_another_team_that_week_is_not_meant(league: Database) -> None:
    with league.write() as conn:
        ranges = [("00-1", "NYG"), ("00-2", "DAL"), ("00-3", "PHI")]
        conn.execute(
            insert(roster_weeks),
            [
                {"season": 2025, "team": team, "player_id": player, "first_week": 1, "last_week": 3, "active": True}
                for player, team in ranges
            ],
        )
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    assert legs_of(league)[0][2] is None


def test_legs_of_another_season_are_left_to_its_run(league: Database) -> None:
    other = Event("kalshi", "OLD", None, "DAL", "PHI", date(2024, 9, 22))
    stored = store(league, answer(BEFORE, [leg("O", "X", event_id="OLD"), barkley(BEFORE)], [other, EVENT]))
    assert [row[0] for row in legs_of(league)] == ["B"]
    assert stored.elsewhere == {2024: 1}
    alone = store(league, answer(BEFORE + timedelta(hours=1), [leg("O", "X", event_id="OLD")], [other]))
    assert alone.elsewhere == {2024: 1}
    assert read(league, "SELECT count(*) AS n FROM market_payloads") == [{"n": 1}]


# --- legs that go -----------------------------------------------------------------------------------------------------


def test_a_withdrawn_leg_leaves_no_stale_price_behind_and_has_no_closing_line(league: Database) -> None:
    lamb = leg("L", "CeeDee Lamb", team="DAL", quote=priced(BEFORE))
    store(league, answer(BEFORE, [barkley(BEFORE), lamb]))
    at = BEFORE + timedelta(minutes=30)
    store(league, answer(at, [barkley(at, status="withdrawn", quote=None)], kind="legs"))
    with league.read() as conn:
        last = {row["market_id"]: row for row in read_odds_of_game(conn, GAME).iter_rows(named=True)}
    assert (last["B"]["status"], last["B"]["implied_probability"], last["B"]["reason"]) == (
        "withdrawn", None, "withdrawn",
    )  # fmt: skip
    assert last["L"]["implied_probability"] == 0.11
    with league.write() as conn:
        write_closings(conn, 2025, load_settings(), KICKOFF + timedelta(days=1))
    closing = {r["player_id"]: r for r in read(league, "SELECT player_id, probability, reason FROM market_closings")}
    assert closing["00-1"]["probability"] is None
    assert "withdrawn" in closing["00-1"]["reason"]
    assert closing["00-2"]["probability"] == 0.11


def test_a_leg_that_vanished_is_withdrawn_and_is_open_again_once_it_is_back(league: Database) -> None:
    lamb = leg("L", "CeeDee Lamb", team="DAL", quote=priced(BEFORE))
    store(league, answer(BEFORE, [barkley(BEFORE), lamb]))
    at = BEFORE + timedelta(minutes=30)
    store(league, answer(at, [barkley(at)]), gone=["L"])
    assert legs_of(league, "market_id, status, closed_at IS NULL") == [("B", "open", 1), ("L", "withdrawn", 0)]
    assert [row[1] for row in rows_of(league, "market_id, reason") if row[0] == "L"] == [None, "withdrawn"]
    back = at + timedelta(minutes=15)
    store(league, answer(back, [leg("L", "CeeDee Lamb", team="DAL", quote=priced(back))]))
    assert legs_of(league, "market_id, status, closed_at IS NULL")[1] == ("L", "open", 1)


def test_an_event_that_closes_right_before_kickoff_keeps_its_last_prices(league: Database) -> None:
    at = KICKOFF - timedelta(minutes=20)
    store(league, answer(at, [barkley(at)]))
    store(league, now=KICKOFF - timedelta(minutes=5), gone=["B"])
    assert legs_of(league, "status") == [("closed",)]
    with league.write() as conn:
        write_closings(conn, 2025, load_settings(), KICKOFF + timedelta(days=1))
    assert read(league, "SELECT probability FROM market_closings") == [{"probability": 0.11}]


def test_a_leg_found_withdrawn_after_kickoff_was_there_only_if_it_was_seen_shortly_before(league: Database) -> None:
    near, far, late = KICKOFF - timedelta(minutes=30), KICKOFF - timedelta(hours=9), KICKOFF + timedelta(hours=13)
    store(league, answer(far, [leg("L", "CeeDee Lamb", team="DAL", quote=priced(far))]))
    store(league, answer(near, [barkley(near)]))
    gone = [leg("L", "CeeDee Lamb", team="DAL", status="withdrawn"), barkley(late, status="withdrawn", quote=None)]
    store(league, answer(late, gone, kind="legs"))
    with league.write() as conn:
        write_closings(conn, 2025, load_settings(), late)
    closing = {r["player_id"]: r for r in read(league, "SELECT player_id, probability, reason FROM market_closings")}
    assert closing["00-1"]["probability"] == 0.11
    assert closing["00-2"]["probability"] is None  # his last price is of the morning: nobody knows when he went
    assert closing["00-2"]["reason"] == WITHDRAWN_LEG


def test_a_book_that_closes_before_the_others_keeps_its_closing_line(league: Database) -> None:
    near, last = KICKOFF - timedelta(minutes=30), KICKOFF - timedelta(minutes=15)
    fd, mgm = (leg(book, "Saquon Barkley", team="PHI", book=book, quote=priced(near)) for book in ("fd", "mgm"))
    store(league, answer(near, [fd, mgm]))
    store(league, answer(last, [replace(fd, quote=priced(last))]), gone=["mgm"])
    assert legs_of(league, "market_id, status") == [("fd", "open"), ("mgm", "closed")]


def test_no_price_from_after_kickoff_closes_a_leg_whoever_wrote_it(league: Database) -> None:
    late = KICKOFF + timedelta(minutes=1)
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    write(
        league,
        "INSERT INTO market_odds (leg_id, source, market_id, game_id, season, player_id, player_name, "
        "implied_probability, taken_from, snapshot_time) SELECT leg_id, source, market_id, game_id, season, player_id, "
        "player_name, 0.9, 'snapshot', :at FROM market_odds",
        at=late.strftime("%Y-%m-%d %H:%M:%S") if league.dialect == "sqlite" else late,
    )
    with league.write() as conn:
        write_closings(conn, 2025, load_settings(), KICKOFF + timedelta(days=1))
    assert read(league, "SELECT probability FROM market_closings") == [{"probability": 0.11}]


def test_former_prices_of_a_withdrawn_leg_end_where_it_was_withdrawn(league: Database) -> None:
    gone = BEFORE + timedelta(hours=1)
    store(league, answer(BEFORE, [barkley(BEFORE)]))
    store(league, answer(gone, [barkley(gone, status="withdrawn", quote=None)], kind="legs"))
    at = KICKOFF + timedelta(days=1)
    past = {"B": [priced(BEFORE + timedelta(minutes=30)), priced(gone + timedelta(minutes=1))]}
    assert store(league, answer(at, events=(), kind="history", past=past)).inserted == 1


def test_what_a_person_said_is_on_nobody_or_of_no_game_is_not_asked_about_again(league: Database) -> None:
    stranger = leg("N", "Zebulon Quarrelsome", team="PHI", quote=priced(BEFORE))
    other = Event("kalshi", "X", "A charity game", "DAL", "NYJ", date(2025, 9, 21))
    page = answer(BEFORE, [barkley(BEFORE), stranger], [EVENT, other])
    store(league, page)
    settled = [settle_none(league, "kalshi", name, who="Ann", now=BEFORE) for name in ("N", "X", "B")]
    assert [(one.means, one.before) for one in settled] == [
        ("on nobody of its game", "an open question"),
        ("on no game of the league", "an open question"),
        ("on nobody of its game", "Saquon Barkley"),
    ]
    store(league, page, try_again=True)
    assert legs_of(league, "market_id, player_id, matched_by") == [("B", None, "Ann"), ("N", None, "Ann")]
    assert set(rows_of(league, "player_id")) == {(None,)}
    assert league.frame(open_legs_query(2025)).height == league.frame(open_events_query(2025)).height == 0
    with pytest.raises(MatchRefused, match="no leg and no event 'nothing' here"):
        settle_none(league, "kalshi", "nothing", who="Ann", now=BEFORE)


def test_prices_of_during_a_game_go_once_its_event_is_known(league: Database) -> None:
    unknown = Event("kalshi", "E", None, "DAL", "PHI", date(2025, 9, 22))
    during = KICKOFF + timedelta(hours=2)
    store(league, answer(BEFORE, [barkley(BEFORE)], [unknown]))
    store(league, answer(during, [barkley(during, quote=priced(during, "0.90", "0.92"))], [unknown]))
    assert len(rows_of(league, "bid")) == 2  # of an unknown game nobody knows that it had begun
    settle_event(league, "kalshi", "E", GAME, who="Ann", now=during)
    assert rows_of(league, "bid, game_id") == [(0.1, GAME)]


def test_a_list_of_what_has_ended_takes_no_outcome_back_and_a_corrected_one_does(league: Database) -> None:
    late = [KICKOFF + timedelta(days=day) for day in (1, 2, 3)]
    won = barkley(late[0], status="settled", quote=None, result="yes", settlement_value=Decimal(1))
    store(league, answer(late[0], [won], kind="settled"))
    for status in ("closed", "withdrawn"):
        store(league, answer(late[1], [barkley(late[1], status=status, quote=None)], kind="settled"))
        assert legs_of(league, "status, result, settlement_value") == [("settled", "yes", 1.0)]
    void = barkley(late[2], status="settled", quote=None, result="void", settlement_value=Decimal("0.5"))
    store(league, answer(late[2], [void], kind="settled"))
    assert legs_of(league, "status, result, settlement_value") == [("settled", "void", 0.5)]


def test_a_venues_id_that_comes_with_another_players_name_settles_nobody(league: Database) -> None:
    lamb = leg("L", "CeeDee Lamb", team="DAL", venue_player_id="uuid-1", quote=priced(BEFORE))
    store(league, answer(BEFORE, [barkley(BEFORE), lamb]))
    assert legs_of(league, "market_id, player_id") == [("B", "00-1"), ("L", None)]
    said = reason_of(league, "L")
    assert "Kalshi meant Saquon Barkley" in said
    assert "CeeDee Lamb (DAL" in said


def test_an_address_is_kept_without_a_key_that_got_into_it(league: Database) -> None:
    page = answer(BEFORE, [barkley(BEFORE)])
    url = "https://venue.example/x?apiKey=0123456789abcdef&regions=us"
    store(league, replace(page, payload=replace(page.payload, url=url)))
    (kept,) = read(league, "SELECT url FROM market_payloads")
    assert "0123456789abcdef" not in kept["url"]
    assert "regions=us" in kept["url"]


def test_an_older_page_adds_prices_and_takes_no_state_back(league: Database) -> None:
    late = KICKOFF + timedelta(days=1)
    settled = barkley(late, status="settled", quote=None, result="void", settlement_value=Decimal("0.37"))
    store(league, answer(late, [settled], kind="settled"))
    stored = store(league, answer(BEFORE, [barkley(BEFORE)]), now=late)
    assert stored.inserted == 1
    assert legs_of(league, "status, result, settlement_value") == [("settled", "void", 0.37)]


def test_a_settled_list_that_did_not_change_is_kept_once(league: Database) -> None:
    late = KICKOFF + timedelta(days=1)
    page = answer(late, [barkley(late, status="settled", quote=None, result="no")], kind="settled")
    again = Answered(
        Payload("kalshi", "settled", "u", late + timedelta(days=1), page.payload.sha256, page.payload.body),
        page.events,
        page.legs,
    )
    store(league, page)
    store(league, again)
    assert read(league, "SELECT count(*) AS n FROM market_payloads") == [{"n": 1}]


# --- what people say --------------------------------------------------------------------------------------------------


def test_a_person_settles_an_event_and_a_leg_and_all_that_hangs_on_them_follows(league: Database) -> None:
    lost = Event("kalshi", "E", "?", None, None, None, reason="no teams")
    nick = leg("N", "The Saq", venue_player_id="uuid-9", quote=priced(BEFORE))
    twin = leg("N2", "Saq Attack", venue_player_id="uuid-9", quote=priced(BEFORE))
    store(league, answer(BEFORE, [nick, twin], [lost]))
    with pytest.raises(MatchRefused, match="settle its event first"):
        settle_leg(league, "kalshi", "N", "Saquon Barkley", who="Ann", now=BEFORE)
    assert settle_event(league, "kalshi", "E", GAME, who="Ann", now=BEFORE).legs == 2
    with pytest.raises(NameNotUnderstood):
        settle_leg(league, "kalshi", "N", "Nobody At All", who="Ann", now=BEFORE)
    settled = settle_leg(league, "kalshi", "N", "Saquon Barkley", who="Bob", now=BEFORE)
    assert read(league, "SELECT matched_by, matched_at IS NULL AS undated FROM market_events") == [
        {"matched_by": "Ann", "undated": False}
    ]
    assert legs_of(league, "market_id, matched_by") == [("N", "Bob"), ("N2", None)]
    assert (settled.means, settled.legs) == ("Saquon Barkley (PHI), 2025_03_DAL_PHI", 2)
    assert set(rows_of(league, "game_id, week, player_id")) == {(GAME, 3, "00-1")}
    assert read(league, "SELECT learned_by FROM venue_players") == [{"learned_by": "Bob"}]
    again = BEFORE + timedelta(minutes=5)  # the venue's next list leaves the answers alone
    store(league, answer(again, [nick, twin], [lost]))
    assert {row[2] for row in legs_of(league)} == {"00-1"}
    assert read(league, "SELECT game_id FROM market_events") == [{"game_id": GAME}]


# --- what a venue may write -------------------------------------------------------------------------------------------


def test_no_text_of_a_venue_can_keep_the_answers_from_being_stored(league: Database) -> None:
    odd = "A\x00B'; DROP TABLE users;--\ud800 <b>\n=1+1 🏈" + "x" * 10_000
    event = Event("kalshi", odd, odd, reason=odd)
    legs = [
        leg(odd, odd, event_id=odd, team=odd, venue_player_id=odd, book=odd, history_token=odd, quote=priced(BEFORE)),
        barkley(BEFORE, quote=Quote(BEFORE, Decimal("0.1"), Decimal("0.12"), volume=Decimal("1e400"))),
    ]
    assert store(league, answer(BEFORE, legs, [EVENT, event])).inserted == 2
    again = store(league, answer(BEFORE, legs, [EVENT, event]))
    assert (again.inserted, again.unchanged, again.new_legs) == (0, 2, 0)
    (told,) = read(league, "SELECT label FROM market_legs WHERE player_id IS NULL")
    assert told["label"].startswith("A B'; DROP TABLE users;--")
    assert [row[0] for row in rows_of(league, "volume")] == [None, None]


# --- speed ------------------------------------------------------------------------------------------------------------


def test_a_slate_is_stored_with_few_statements(league: Database) -> None:

    legs = [leg(f"M{at}", "Saquon Barkley", team="PHI", quote=priced(BEFORE)) for at in range(1_500)]
    store(league, answer(BEFORE, legs))
    at = BEFORE + timedelta(minutes=15)
    again = [leg(f"M{at_}", "Saquon Barkley", team="PHI", quote=priced(at)) for at_ in range(1_500)]
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(league.engine, "before_cursor_execute", note)
    stored = store(league, answer(at, again))
    assert stored.inserted == 1_500
    assert len(statements) < 40
