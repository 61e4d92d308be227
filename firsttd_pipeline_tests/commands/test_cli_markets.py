"""Claims about `firsttd markets`: what it lists, what a person says with it, and what a venue's text cannot do."""

from __future__ import annotations

import sqlite3
import zlib
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from firsttd_pipeline.commands.markets import told_venues
from firsttd_pipeline_tests.commands.conftest import HOSTILE, Home
from firsttd_pipeline_tests.mirrors import TINY_GAMES

OPENER = TINY_GAMES[0]
CARRIER, RUNNER = "00-0000002", "00-0000004"
ON = {"FIRSTTD_PREDICTION_MARKETS": "on"}
KICKOFF = "2025-09-05 00:20:00"
BEFORE = "2025-09-05 00:15:00"
EASTERN = ZoneInfo("America/New_York")


def fill(home: Home, labels: tuple[str, ...] = ("S. Carrier Jr",)) -> None:
    """A venue with an opener of three legs (one is on nobody), an event of no game, and closing lines of two."""
    with sqlite3.connect(home.database) as conn:
        conn.execute("DELETE FROM market_venues WHERE source IN ('kalshi', 'polymarket_us')")
        conn.execute(
            "INSERT INTO market_venues (season, source, status, reason, tried_at, succeeded_at, requests, seconds, "
            "history_waiting) VALUES (2025, 'kalshi', 'partial', 'a page did not come', ?, ?, 7, 1.5, 2)",
            (BEFORE, BEFORE),
        )
        conn.executemany(
            "INSERT INTO market_events (source, event_id, season, title, game_id, reason, first_seen_at, last_seen_at) "
            "VALUES ('kalshi', ?, 2025, ?, ?, ?, ?, ?)",
            [
                ("EV-1", "Dallas at Philadelphia", OPENER, None, BEFORE, BEFORE),
                ("EV-2", "Pro Bowl", None, "no game of these teams", BEFORE, BEFORE),
            ],
        )
        legs = [
            ("M-carrier", OPENER, "Saquon Carrier", CARRIER, None, "yes"),
            ("M-runner", OPENER, "Jalen Runner", RUNNER, None, "no"),
            *((f"M-{n}", OPENER, label, None, "nobody is certain", None) for n, label in enumerate(labels)),
        ]
        for market, game, label, player, reason, result in legs:
            conn.execute(
                "INSERT INTO market_legs (source, market_id, event_id, season, game_id, kind, label, player_id, "
                "reason, status, result, first_seen_at, last_seen_at) "
                "VALUES ('kalshi', ?, 'EV-1', 2025, ?, 'player', ?, ?, ?, 'settled', ?, ?, ?)",
                (market, game, label, player, reason, result, BEFORE, BEFORE),
            )
            conn.execute(
                "INSERT INTO market_odds (leg_id, source, market_id, game_id, season, week, player_id, player_name, "
                "bid, ask, implied_probability, american_odds, snapshot_time) SELECT id, source, market_id, game_id, "
                "season, 1, player_id, label, 0.09, 0.11, 0.1, 900, ? FROM market_legs WHERE market_id = ?",
                (BEFORE, market),
            )
            if player:
                conn.execute(
                    "INSERT INTO market_closings (source, game_id, player_id, season, week, kickoff_at, closing_at, "
                    "odds_id, legs, bid, ask, probability, fair_probability) SELECT source, game_id, player_id, "
                    "season, 1, ?, snapshot_time, id, 1, bid, ask, 0.1, 0.08 FROM market_odds WHERE market_id = ?",
                    (KICKOFF, market),
                )
                conn.execute(
                    "INSERT INTO market_outcomes (source, season, game_id, market_id, player_name, player_id, "
                    "resolved_outcome) SELECT source, season, game_id, market_id, label, player_id, result "
                    "FROM market_legs WHERE market_id = ?",
                    (market,),
                )
    conn.close()


# --- status -----------------------------------------------------------------------------------------------------------


def test_status_says_of_each_venue_how_it_answered_and_what_is_stored(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "status", "--season", "2025", "--format", "json", **ON)
    assert told.code == 0
    kalshi, polymarket, polymarket_us, odds_api = told.json["venues"]
    stored = {
        "venue": "kalshi", "status": "partial", "games": 1, "legs": 3, "unmatched_events": 1, "unmatched_legs": 1,
        "prices": 3, "closing_lines": 2,
    }  # fmt: skip
    assert {name: kalshi[name] for name in stored} == stored
    assert (kalshi["last_whole"], kalshi["history_waiting"]) == ("2025-09-05T00:15:00Z", 2)
    assert kalshi["games_priced"] == 1
    assert (polymarket_us["status"], polymarket_us["legs"]) == ("not asked yet", 0)
    assert "it is on now, and the next run asks it" in polymarket["reason"]
    assert (odds_api["status"], odds_api["reason"].split(":")[0]) == ("off", "FIRSTTD_ODDS_API_KEY is not set")


def test_status_lists_what_is_not_matched_with_the_command_that_settles_it(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "status", "--season", "2025", **ON)
    assert "Pro Bowl (0 legs)" in told.out
    assert "firsttd markets match kalshi EV-2 --game GAME" in told.out
    assert "firsttd markets match kalshi M-0 PLAYER" in told.out
    assert "Kalshi: partial: a page did not come" in told.err


def test_of_a_season_without_legs_status_says_what_to_run_and_which_season_has_some(copy: Home) -> None:
    never = copy.quick("markets", "status", "--season", "2024", **ON).out
    assert "No leg of 2024 is stored yet: `firsttd nightly --season 2024` asks the venues that are on, for " in never
    assert "Not matched" not in never
    assert "Legs are stored of" not in never
    fill(copy)
    assert (
        "Legs are stored of 2025: --season 2025 shows them."
        in copy.quick("markets", "status", "--season", "2024", **ON).out
    )
    off = copy.quick("markets", "status", "--season", "2024").out
    assert "No leg of 2024 is stored, and no venue is switched on (FIRSTTD_PREDICTION_MARKETS=on)." in off


def test_a_venue_with_legs_of_games_that_it_has_not_priced_says_of_how_many(copy: Home) -> None:
    fill(copy)
    row = copy.quick("markets", "status", "--season", "2025", "--format", "json", **ON).json["venues"][0]
    (told,) = told_venues([row | {"reason": None, "history_waiting": 0, "unmatched": 0}])
    assert told == "Kalshi: partial, 3 legs of 1 game, 3 prices, 2 closing lines"
    (some,) = told_venues([row | {"games": 18, "legs": 1, "reason": None, "history_waiting": 0, "unmatched": 0}])
    assert some == "Kalshi: partial, 1 leg (of 18 games it has priced 1), 3 prices, 2 closing lines"


def test_games_lists_those_with_legs_and_whom_the_venues_paid(copy: Home) -> None:
    assert copy.quick("markets", "games", "--season", "2025", "--format", "json").json == []
    fill(copy)
    told = copy.quick("markets", "games", "--season", "2025", "--format", "json")
    assert told.json == [
        {
            "game": OPENER, "week": 1, "kickoff": "2025-09-05T00:20:00Z", "away": "DAL", "home": "PHI",
            "status": "final", "venues": ["Kalshi"], "legs": 3, "unmatched": 1, "closing_lines": 2,
            "outcome": "Saquon Carrier",
        }
    ]  # fmt: skip
    assert OPENER in copy.quick("markets", "games", "--season", "2025", "--week", "1").out
    none = copy.quick("markets", "games", "--season", "2025", "--week", "2").out
    assert "no venue has a leg on a game of week 2 of 2025" in none
    other = copy.quick("markets", "games", "--season", "2024").out
    assert "Legs are stored of 2025: --season 2025 shows them." in other
    with sqlite3.connect(copy.database) as conn:
        conn.execute(
            "INSERT INTO market_outcomes (source, season, game_id, market_id, player_name, player_id, "
            "resolved_outcome) VALUES ('polymarket', 2025, ?, 'P-1', 'J. Runner', ?, 'yes')",
            (OPENER, RUNNER),
        )
    conn.close()
    (row,) = copy.quick("markets", "games", "--season", "2025", "--format", "json").json
    assert row["outcome"] == "Saquon Carrier (Kalshi); J. Runner (Polymarket)"


def test_with_markets_off_status_says_so_and_shows_what_is_stored(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "status", "--season", "2025", "--format", "csv")
    assert {row["status"] for row in told.csv} == {"off"}
    assert {row["reason"] for row in told.csv} == {"FIRSTTD_PREDICTION_MARKETS is off: no market venue is asked"}
    assert [row["prices"] for row in told.csv] == ["3", "0", "0", "0"]


def test_firsttd_status_mentions_the_markets_in_one_line(copy: Home) -> None:
    assert "Markets" not in copy.quick("status", **ON).err
    fill(copy)
    assert "Markets 2025: Kalshi partial (`firsttd markets status --season 2025`)" in copy.quick("status", **ON).err
    assert "Markets" not in copy.quick("status").err


@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_what_a_venue_wrote_is_shown_and_never_interpreted(copy: Home, output: str) -> None:
    fill(copy, labels=(*HOSTILE, "evil\x1b[31m\u202e; rm -rf /"))
    told = copy.quick("markets", "status", "--season", "2025", "--limit", "99", "--format", output, **ON)
    assert told.code == 0
    assert "\x1b" not in told.out + told.err
    assert "\u202e" not in told.out + told.err
    if output == "json":
        labels = [row["says"] for row in told.json["unmatched"] if row["what"] == "leg"]
        assert set(HOSTILE) <= set(labels)


# --- calibration ------------------------------------------------------------------------------------------------------


def test_calibration_scores_the_closing_lines_and_says_that_two_legs_are_mostly_chance(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "calibration", "--season", "2025", "--format", "json")
    rows = {row["of"]: row for row in told.json}
    assert {row["venue"] for row in told.json} == {"Kalshi"}
    assert (rows["fair"]["n"], rows["fair"]["won"]) == (2, 1)
    assert rows["fair"]["brier"] == pytest.approx((0.92**2 + 0.08**2) / 2)
    assert rows["closing price"]["brier"] == pytest.approx((0.9**2 + 0.1**2) / 2)
    assert rows["fair"]["note"] == "2 judged legs: fewer than 30, mostly chance"
    by_price = copy.quick("markets", "calibration", "--season", "2025", "--by", "price", "--format", "json")
    (band,) = by_price.json
    assert (band["venue"], band["n"], band["return"]) == ("Kalshi", 2, pytest.approx(4.0))


def test_a_plot_is_drawn_into_a_file_and_replaces_none_unasked(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "calibration", "--season", "2025", "--plot", "curve.png")
    assert told.code == 0, told.err
    drawn = copy.path / "curve.png"
    assert drawn.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    drawn.write_text("mine")
    again = copy.quick("markets", "calibration", "--season", "2025", "--plot", "curve.png")
    assert again.code == 2
    assert "curve.png is there already: --force replaces it. Nothing was written." in again.err
    assert drawn.read_text() == "mine"
    assert copy.quick("markets", "calibration", "--season", "2025", "--plot", "curve.png", "--force").code == 0
    assert drawn.read_bytes()[:4] == b"\x89PNG"
    nowhere = copy.quick("markets", "calibration", "--season", "2025", "--plot", "no/such/folder/curve.png")
    assert nowhere.code == 1
    assert "could not be written: No such file or directory." in nowhere.err


@pytest.mark.parametrize("by", ["venue", "price", "member"])
def test_of_a_season_without_prices_nothing_is_drawn_and_that_is_said(league: Home, tmp_path: Path, by: str) -> None:
    file = tmp_path / "empty.png"
    told = league.quick("markets", "calibration", "--season", "2024", "--by", by, "--plot", str(file))
    assert told.code == 0, told.err
    assert "nothing is judged yet" in told.out
    assert f"Nothing to draw: nothing of 2024 is judged yet. {file} was not written." in " ".join(told.err.split())
    assert not file.exists()
    assert league.quick("markets", "calibration", "--season", "2024", "--by", by, "--format", "json").json == []


# --- what they say ----------------------------------------------------------------------------------------------------


def test_odds_show_the_last_price_of_each_leg_with_its_closing_and_fair_one(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "odds", OPENER.lower(), "--format", "json")
    rows = {row["on"]: row for row in told.json}
    assert set(rows) == {"Saquon Carrier", "Jalen Runner", "S. Carrier Jr"}
    carrier = rows["Saquon Carrier"]
    assert {name: carrier[name] for name in ("venue", "bid", "ask", "probability", "american", "closing", "fair")} == {
        "venue": "Kalshi", "bid": 0.09, "ask": 0.11, "probability": 0.1, "american": 900, "closing": 0.1, "fair": 0.08,
    }  # fmt: skip
    assert (carrier["outcome"], carrier["team"], rows["Jalen Runner"]["team"]) == ("yes", "PHI", "DAL")
    assert rows["S. Carrier Jr"]["closing"] is None
    assert rows["S. Carrier Jr"]["fair_reason"] == "nobody is certain whom the leg is on"
    assert "│ +900 " in copy.quick("markets", "odds", OPENER).out
    top = copy.quick("markets", "odds", OPENER, "--top", "2", "--format", "json").json
    assert [row["venue"] for row in top] == ["Kalshi", "Kalshi"]
    assert copy.quick("markets", "odds", OPENER, "--venue", "polymarket", "--format", "json").json == []


def test_before_kickoff_odds_say_when_the_closing_line_comes(copy: Home) -> None:
    fill(copy)
    with sqlite3.connect(copy.database) as conn:
        conn.execute("DELETE FROM market_closings")
        conn.execute(
            "UPDATE games SET kickoff_at = '2099-09-05 00:20:00', status = 'scheduled' WHERE id = ?", (OPENER,)
        )
    conn.close()
    rows = copy.quick("markets", "odds", OPENER, "--format", "json").json
    reasons = {row["on"]: row["fair_reason"] for row in rows}
    assert reasons["Saquon Carrier"] == "the closing line comes at kickoff"
    with sqlite3.connect(copy.database) as conn:
        conn.execute("UPDATE games SET kickoff_at = ?, status = 'final' WHERE id = ?", (KICKOFF, OPENER))
    conn.close()
    rows = copy.quick("markets", "odds", OPENER, "--format", "json").json
    assert reasons | {row["on"]: row["fair_reason"] for row in rows} == reasons | dict.fromkeys(
        ("Saquon Carrier", "Jalen Runner"), "the closing line comes with the next `firsttd nightly`"
    )


def test_a_players_prices_are_listed_over_time_and_drawn(copy: Home) -> None:
    fill(copy)
    told = copy.quick(
        "markets", "odds", OPENER, "--player", "saquon carrier", "--plot", "path.png", "--format", "csv"
    )  # fmt: skip
    assert [(row["venue"], row["book"], row["at"], row["probability"]) for row in told.csv] == [
        ("Kalshi", "", "2025-09-05T00:15:00Z", "0.1")
    ]
    assert (copy.path / "path.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["odds", "nonsense"], "'nonsense' is no game: give its id, as `firsttd markets games` lists them."),
        (["odds", OPENER, "--player", "Saquon Carrier", "--top", "3"], "--top is of a whole game"),
        (["odds", "2025_01_SEA_NE"], "The season 2025 has no game '2025_01_SEA_NE'."),
        (["odds", OPENER, "--player", "Nobody Atall"], "is called 'Nobody Atall'"),
        (["odds", OPENER, "--plot", "x.png"], "give --player, too"),
        (["match", "kalshi", "M-0"], "Give one of these: the PLAYER that the leg is on, the --game"),
        (["match", "kalshi", "M-0", CARRIER, "--game", OPENER], "Give one of these"),
        (["match", "kalshi", "EV-2", "--game", OPENER, "--everywhere"], "--everywhere and --also go with a PLAYER"),
        (
            ["match", "kalshi", "M-0", CARRIER, "--by", "Dana"],
            "Saquon Carrier (PHI) has another leg of this event already: 'M-carrier'. If that one is wrong, say "
            "first whom it is on; if both are on him, add --also. Nothing was changed.",
        ),
        (["match", "kalshi", "no-such-leg", CARRIER, "--by", "Dana"], "Kalshi has no leg 'no-such-leg' here."),
        (["match", "kalshi", "M-0", "Travis Tightend", "--by", "Dana"], "is on neither roster of"),
        (["match", "kalshi", "M-0", CARRIER, "--by", "pipeline"], "signs for programs: give the name of the person."),
        (["match", "kalshi", "EV-2", "--game", "2025_01_SEA_NE", "--by", "Dana"], "has no game '2025_01_SEA_NE'"),
        (["match", "betfair", "M-0", CARRIER], "Invalid value for"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason_and_exit_code_2(copy: Home, arguments: list[str], says: str) -> None:
    fill(copy)
    told = copy.quick("markets", *arguments)
    assert told.code == 2
    assert says in " ".join(told.err.replace("│", " ").split())


def test_what_a_person_says_of_a_leg_and_of_an_event_stands_and_moves_the_prices(copy: Home) -> None:
    fill(copy)
    told = copy.quick("markets", "match", "kalshi", "M-0", "Saquon Carrier", "--by", "Dana", "--also")
    assert told.code == 0, told.err
    assert told.err == (
        f"Kalshi: M-0 is Saquon Carrier (PHI), {OPENER}; was nobody. 1 leg follows, with all prices. Closing lines and "
        "picks follow with the next `firsttd nightly`.\n"
    )
    again = copy.quick("markets", "match", "kalshi", "M-0", "00-0000001", "--by", "Dana").err
    assert f"M-0 is Jalen Runner (PHI), {OPENER}; was Saquon Carrier." in again
    assert copy.quick("markets", "match", "kalshi", "M-0", CARRIER, "--by", "Dana", "--also").code == 0
    event = copy.quick("markets", "match", "kalshi", "EV-2", "--game", OPENER, "--by", "Dana")
    assert event.code == 0, event.err
    assert f"Kalshi: EV-2 is {OPENER}; was of no game. 0 legs follow" in event.err
    with sqlite3.connect(copy.database) as conn:
        prices = conn.execute("SELECT player_id FROM market_odds WHERE market_id = 'M-0'").fetchall()
        legs = conn.execute("SELECT player_id, method, reason FROM market_legs WHERE market_id = 'M-0'").fetchall()
        events = conn.execute("SELECT game_id, reason FROM market_events WHERE event_id = 'EV-2'").fetchall()
    conn.close()
    assert prices == [(CARRIER,)]
    assert legs == [(CARRIER, "by hand", None)]
    assert events == [(OPENER, None)]
    assert "every leg its player" in copy.quick("markets", "status", "--season", "2025").out
    nobody = copy.quick("markets", "match", "kalshi", "M-0", "--none", "--by", "Dana")
    assert "Kalshi: M-0 is on nobody of its game; was Saquon Carrier. 1 leg follows" in nobody.err
    assert "every leg its player" in copy.quick("markets", "status", "--season", "2025").out


def spelled(home: Home, legs: dict[str, tuple[str, str, str, str, str | None]]) -> None:
    """Legs of sportsbooks on nobody, by market id: event, book, game, label, team."""
    with sqlite3.connect(home.database) as conn:
        for market, (event, book, game, label, team) in legs.items():
            conn.execute(
                "INSERT INTO market_legs (source, market_id, event_id, season, game_id, kind, label, team, book, "
                "reason, status, first_seen_at, last_seen_at) VALUES ('odds_api', ?, ?, 2025, ?, "
                "'player', ?, ?, ?, 'nobody', 'open', ?, ?)",
                (market, event, game, label, team, book, BEFORE, BEFORE),
            )
    conn.close()


def test_a_sportsbooks_spelling_is_settled_everywhere_at_once_and_never_by_guess(copy: Home) -> None:
    other, later = TINY_GAMES[1], TINY_GAMES[2]
    spelled(
        copy,
        {
            "B-1": ("O-1", "dk", OPENER, "Sayquon K.", None),
            "B-2": ("O-1", "fd", OPENER, "Sayquon K.", None),
            "B-3": ("O-2", "dk", later, "Sayquon K.", "PHI"),
            "not in it": ("O-3", "dk", other, "Sayquon K.", None),
            "twice": ("O-1", "dk", OPENER, "Sayquon K.", None),
            "of Dallas": ("O-1", "mgm", OPENER, "Sayquon K.", "DAL"),
            "otherwise": ("O-1", "mgm", OPENER, "sayquon k.", None),
        },
    )
    told = copy.quick("markets", "match", "odds_api", "B-1", "Saquon Carrier", "--everywhere", "--by", "Dana")
    assert told.code == 0, told.err
    assert told.err.splitlines() == [
        f"The Odds API: B-1 is Saquon Carrier (PHI), {OPENER}; was nobody. So are 2 other legs written so. 3 legs "
        "follow, with all prices. Closing lines and picks follow with the next `firsttd nightly`.",
        "1 other leg written so is left as it is: he cannot be picked in its game.",
        "1 other leg written so is left as it is: he has another leg of its event.",
        "1 other leg written so is left as it is: the venue names another team.",
    ]
    with sqlite3.connect(copy.database) as conn:
        on = dict(conn.execute("SELECT market_id, player_id FROM market_legs WHERE source = 'odds_api'"))
    conn.close()
    assert {market for market, player in on.items() if player == CARRIER} == {"B-1", "B-2", "B-3"}
    assert {market for market, player in on.items() if player is None} == {
        "not in it", "twice", "of Dallas", "otherwise",
    }  # fmt: skip


# --- a snapshot by hand -----------------------------------------------------------------------------------------------


def test_a_snapshot_is_of_todays_games_alone_and_says_why_it_asks_nobody(copy: Home) -> None:
    off = copy.quick("markets", "snapshot")
    assert (off.code, off.err) == (2, "FIRSTTD_PREDICTION_MARKETS is off: no market venue is asked\n")
    with sqlite3.connect(copy.database) as conn:
        conn.execute(
            "UPDATE games SET kickoff_at = '2099-09-05 00:20:00', status = 'scheduled' WHERE id = ?", (OPENER,)
        )
    conn.close()
    none = copy.quick("markets", "snapshot", **ON)
    assert (none.code, " ".join(none.err.split())) == (
        0,
        f"No game of today is still to begin: the next is {OPENER}, kickoff 2099-09-05 00:20 UTC. No venue was asked.",
    )


def test_a_snapshot_runs_the_job_once_and_says_how_the_venues_answered(copy: Home, refused_url: str) -> None:
    today = datetime.now(EASTERN).date()
    kickoff = datetime.combine(today, time(23, 59, 59), EASTERN).astimezone(UTC)
    with sqlite3.connect(copy.database) as conn:
        conn.execute(
            "UPDATE games SET kickoff_at = ?, game_date = ?, status = 'scheduled' WHERE id = ?",
            (f"{kickoff:%Y-%m-%d %H:%M:%S}", f"{today}", TINY_GAMES[2]),
        )
    conn.close()
    only = {"FIRSTTD_KALSHI_URL": refused_url, "FIRSTTD_POLYMARKET": "off", "FIRSTTD_POLYMARKET_US": "off", **ON}
    told = copy.quick("markets", "snapshot", **only)
    assert told.code == 0, told.err
    lines = told.err.splitlines()
    assert lines[0] == "1 game of today is still to begin."
    assert [line.split()[2] for line in lines if line.startswith("✓")] == ["market_odds", "pick_market_odds"]
    assert lines[-1].startswith("Kalshi: failed: ")


def test_reading_answers_again_where_none_are_stored_says_so(copy: Home) -> None:
    told = copy.quick("markets", "reparse")
    assert (told.code, "no answer of a venue is stored" in told.out) == (0, True)


def test_reading_answers_again_says_which_venue_it_is_at(copy: Home) -> None:
    with sqlite3.connect(copy.database) as conn:
        conn.execute(
            "INSERT INTO market_payloads (source, season, kind, url, fetched_at, sha256, size_bytes, body) "
            "VALUES ('polymarket', 2025, 'open', 'u', ?, 'x', 2, ?)",
            (BEFORE, zlib.compress(b"{}")),
        )
    conn.close()
    told = copy.quick("markets", "reparse", "--format", "json")
    assert told.code == 0, told.err
    assert told.err.splitlines()[0] == "2025 Polymarket ..."
    assert told.json[0]["Polymarket: answers not readable"] == 1


# --- why --------------------------------------------------------------------------------------------------------------


def test_why_says_what_no_market_says_of_a_pick(copy: Home) -> None:
    def markets(**env: str) -> str:
        (line,) = [line for line in copy.quick("why", "1", **env).out.splitlines() if line.startswith("  Markets:")]
        return line.removeprefix("  Markets:").strip()

    ask = (
        "no venue was asked about 2025 yet: `firsttd nightly --season 2025` asks those that are on, for games that "
        "are days away, and for past ones where it keeps prices"
    )
    assert markets(**ON) == ask
    assert markets() == f"{ask}; FIRSTTD_PREDICTION_MARKETS is off: no market venue is asked"
    with sqlite3.connect(copy.database) as conn:
        conn.execute("UPDATE market_venues SET status = 'ok' WHERE source = 'kalshi'")
    conn.close()
    assert markets(**ON) == "no venue has priced this game"
    spelled(copy, {"B-1": ("O-1", "dk", OPENER, "Sayquon K.", None)})
    assert markets(**ON) == (
        "no venue is known to list this player in this game; legs of it on nobody who is certain: 1 "
        "(`firsttd markets status --season 2025`)"
    )
    with sqlite3.connect(copy.database) as conn:
        conn.execute("UPDATE market_legs SET player_id = ?", (RUNNER,))
    conn.close()
    assert markets(**ON) == "no venue lists this player in this game"
    with sqlite3.connect(copy.database) as conn:
        conn.execute("UPDATE market_legs SET player_id = ?", (CARRIER,))
    conn.close()
    assert markets(**ON) == (
        "prices of this pick are stored, and the next `firsttd nightly --season 2025` puts them beside it"
    )
