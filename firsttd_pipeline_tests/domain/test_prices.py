"""What a price says, what it does not, the closing line, the fair probability, and what a pick was worth."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from firsttd_pipeline.domain import odds, prices
from firsttd_pipeline.domain.touchdowns import extract_touchdowns, game_records
from firsttd_pipeline.settings import Settings
from firsttd_pipeline.storage.schema import market_closings
from firsttd_pipeline_tests.shared_data import MIRROR, needs_shared

WIDTH = 0.10
KICKOFF = datetime(2025, 9, 7, 17, tzinfo=UTC)
RATE = 0.006
#: What touchdowns and records are made of: the files have 372 columns.
NEEDED = {"game_id", "season", "play_id", "order_sequence", "posteam", "home_team", "away_team", "play_type", "qtr"}
NEEDED |= {"game_seconds_remaining", "posteam_score_post", "defteam_score_post", "play_type_nfl", "desc", "time"}
NEEDED |= {"touchdown", "td_team", "td_player_id", "td_player_name", "pass_touchdown", "rush_touchdown"}
NEEDED |= {"return_touchdown", "interception", "fumble"}


# --- a probability from a price ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bid", "ask", "said"),
    [
        ("0.1200", "0.1500", 0.135),
        ("0.20", "0.299", 0.2495),
        ("0.0000", "0.0200", 0.01),
        ("0.95", "1.0000", 0.975),
        ("0.10", "0.10", 0.10),
    ],
)
def test_a_book_narrower_than_the_width_gives_its_middle(bid: str, ask: str, said: float) -> None:
    assert prices.probability(Decimal(bid), Decimal(ask), None, WIDTH) == (said, "")


@pytest.mark.parametrize(
    ("bid", "ask", "why"),
    [
        (0.01, 0.60, prices.WIDE),
        (0.20, 0.30, prices.WIDE),  # exactly as wide, though 0.30 - 0.20 < 0.10 as floats
        (0, 1, prices.EMPTY),
        (0, 0.30, prices.NO_BID),
        (0.30, 1, prices.NO_ASK),
        (0.15, 0.12, prices.CROSSED),
        (None, 0.02, prices.NO_BID_GIVEN),
        (0.12, None, prices.NO_ASK_GIVEN),
        (None, None, prices.LAST_TRADE_ONLY),
        (0, 0, prices.CERTAIN),
        (1, 1, prices.CERTAIN),
        (12, 15, prices.OUT_OF_RANGE),  # cents taken for dollars
        (-0.01, 0.02, prices.OUT_OF_RANGE),
        (math.nan, 0.02, prices.OUT_OF_RANGE),
        (0.01, math.inf, prices.OUT_OF_RANGE),
    ],
)
def test_no_other_book_gives_a_probability_and_each_says_why(bid: float | None, ask: float | None, why: str) -> None:
    assert prices.probability(bid, ask, 0.12, WIDTH) == (None, why)
    assert why in prices.PROBABILITY_REASONS


def test_the_page_has_every_reason() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    rows = [f"| `{reason}` | {meaning} |" for reason, meaning in prices.PROBABILITY_REASONS.items()]
    assert [row for row in rows if row not in page] == []


def test_a_last_trade_is_never_a_price_however_live_it_looks() -> None:
    for source in ("kalshi", "polymarket", "polymarket_us"):
        assert prices.probability(None, None, 0.12, WIDTH, source=source) == (None, prices.LAST_TRADE_ONLY)
    for book in ((0, 1), (0.01, 0.60)):
        assert prices.probability(*book, 0.99, WIDTH, source="kalshi")[0] is None
    candle = prices.probability(None, None, 0.12, WIDTH, source="kalshi", taken_from="history")
    assert candle == (None, prices.LAST_TRADE_ONLY)
    assert prices.probability(None, None, None, WIDTH) == (None, prices.NO_BOOK)


def test_polymarkets_history_is_the_price_it_showed_except_where_nobody_traded() -> None:
    def shown(price: float) -> tuple[float | None, str]:
        return prices.probability(None, None, price, WIDTH, source="polymarket", taken_from="history")

    assert shown(0.085) == (0.085, "")
    assert shown(0.5) == (None, prices.UNTRADED)
    assert shown(0) == shown(1) == (None, prices.CERTAIN)
    assert shown(8.5) == (None, prices.OUT_OF_RANGE)


def test_a_sportsbooks_probability_is_what_its_odds_imply() -> None:
    def offered(american: int | None, ask: float | None) -> tuple[float | None, str]:
        return prices.probability(None, ask, None, WIDTH, source="odds_api", american=american)

    assert offered(750, None) == (round(100 / 850, 6), "")
    assert offered(-150, 0.9) == (0.6, "")
    assert offered(None, 0.25) == (0.25, "")
    assert offered(50, None) == offered(None, None) == offered(None, 1) == (None, prices.NO_OFFER)


some_price = st.one_of(st.none(), st.sampled_from([0.0, 0.02, 0.1, 0.5, 1.0, 1.5, math.nan]), st.floats(0, 1))


@example([(0.20, 0.30, None, None, "kalshi", "snapshot")])  # exactly as wide as the width
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            some_price,
            some_price,
            some_price,
            st.one_of(st.none(), st.integers(-2000, 20000)),
            st.sampled_from(["kalshi", "polymarket", "polymarket_us", "odds_api"]),
            st.sampled_from(["snapshot", "history"]),
        ),
        min_size=1,
        max_size=80,
    )
)
def test_the_frame_says_of_each_row_what_the_function_says(rows: list[tuple[Any, ...]]) -> None:
    names = {
        "bid": pl.Float64,
        "ask": pl.Float64,
        "raw_price": pl.Float64,
        "american": pl.Int64,
        "source": pl.String,
        "taken_from": pl.String,
    }
    frame = prices.with_probabilities(pl.DataFrame(rows, schema=names, orient="row"), WIDTH)
    for row in frame.to_dicts():
        expected, why = prices.probability(
            row["bid"],
            row["ask"],
            row["raw_price"],
            WIDTH,
            source=row["source"],
            american=row["american"],
            taken_from=row["taken_from"],
        )
        said = (row["implied_probability"], row["reason"])
        if expected is None:
            assert said == (None, why)
            assert row["american_odds"] is None
        else:
            assert said == (pytest.approx(expected, abs=1.1e-6), None)
            own = row["source"] == "odds_api" and row["american"] is not None and abs(row["american"]) >= 100
            assert row["american_odds"] == (row["american"] if own else prices.whole_odds(row["implied_probability"]))


def test_a_frame_without_american_odds_or_origin_is_one_of_snapshots() -> None:
    frame = pl.DataFrame({"source": ["polymarket"], "bid": [0.04], "ask": [0.05], "last": [0.9]})
    row = prices.with_probabilities(frame, WIDTH).row(0, named=True)
    assert (row["implied_probability"], row["reason"], row["american_odds"]) == (0.045, None, 2122)


@given(st.floats(0.000001, 0.999999))
def test_whole_american_odds_are_american_odds_that_imply_the_probability(chance: float) -> None:
    price = prices.whole_odds(chance)
    assert price is not None
    assert odds.implied_probability(price) == pytest.approx(chance, abs=0.0013)  # half a point of odds at even money


# --- the closing line -------------------------------------------------------------------------------------------------


def leg(player: str | None, chance: float | None, **given: Any) -> dict[str, Any]:
    row = {
        "odds_id": None,
        "source": "kalshi",
        "game_id": "2025_01_DAL_PHI",
        "player_id": player,
        "book": None,
        "season": 2025,
        "week": 1,
        "kickoff_at": KICKOFF,
        "snapshot_time": KICKOFF - timedelta(minutes=5),
        "bid": None if chance is None else chance - 0.01,
        "ask": None if chance is None else chance + 0.01,
        "implied_probability": chance,
        "reason": prices.EMPTY if chance is None else None,
        "status": "settled",
    }
    return row | given


def closed(legs: list[dict[str, Any]], *, share: float = 0.8, rate: float = RATE) -> dict[str, dict[str, Any]]:
    """The closing lines by player_id, or by source/player_id where there are several sources."""
    rows = [row | {"odds_id": number} if row["odds_id"] is None else row for number, row in enumerate(legs, start=1)]
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.when(pl.col("odds_id") > 0).then("odds_id").alias("odds_id"),
        pl.col("book", "reason", "player_id").cast(pl.String),
    )
    made = prices.closings(frame, field_share=share, no_touchdown_rate=rate)
    assert list(made.columns) == [c.name for c in market_closings.c if c.name not in ("id", "updated_at")]
    assert made.filter(pl.col("probability").is_null() & pl.col("reason").is_null()).is_empty()
    assert made.filter(pl.col("fair_probability").is_null() & pl.col("fair_reason").is_null()).is_empty()
    several = made["source"].n_unique() > 1
    return {f"{r['source']}/{r['player_id']}" if several else r["player_id"]: r for r in made.to_dicts()}


WHOLE = [leg("A", 0.5), leg("B", 0.4), leg("C", 0.28), leg("NO_TD", 0.02)]


def test_the_overround_comes_out_of_a_whole_field_in_proportion() -> None:
    made = closed(WHOLE)
    assert made["A"]["fair_probability"] == pytest.approx(0.5 / 1.2, abs=1e-6)
    assert sum(row["fair_probability"] for row in made.values()) == pytest.approx(1, abs=1e-5)
    facts = {name: made["A"][name] for name in ("overround", "field_legs", "field_priced", "legs", "assumption")}
    assert facts == {"overround": 0.2, "field_legs": 4, "field_priced": 4, "legs": 1, "assumption": None}
    assert (made["A"]["closing_at"], made["A"]["bid"], made["A"]["ask"]) == (KICKOFF - timedelta(minutes=5), 0.49, 0.51)


@pytest.mark.parametrize("no_td", [[], [leg("NO_TD", None)], [leg("NO_TD", 0.02, status="withdrawn")]])
def test_without_a_price_on_no_touchdown_its_base_rate_is_taken_and_declared(no_td: list[dict[str, Any]]) -> None:
    made = closed([*WHOLE[:3], *no_td], share=0.7)
    fair = [made[name]["fair_probability"] for name in "ABC"]
    assert sum(fair) == pytest.approx(1 - RATE, abs=1e-5)
    assert made["A"]["assumption"] == "no touchdown 0.6 % (FIRSTTD_NO_TOUCHDOWN_RATE)"
    assert fair[0] == pytest.approx(0.5 / (1 + made["A"]["overround"]), abs=1e-5)


def test_legs_without_a_price_or_a_known_player_count_in_the_field() -> None:
    legs = [*WHOLE, leg(None, None), leg("D", None, odds_id=-1, snapshot_time=None)]
    made = closed(legs)
    assert set(made) == {"A", "B", "C", "NO_TD"}  # nobody certain, and no price ever: no closing line of theirs
    assert made["A"]["fair_probability"] is None
    assert made["A"]["fair_reason"] == (
        "prices on 4 of 6 legs of its field, needed are 80 % (FIRSTTD_MARKET_FIELD_SHARE)"
    )
    assert made["A"]["overround"] is None
    assert closed(legs, share=0.6)["A"]["fair_probability"] is not None
    unknown = closed([*WHOLE, leg(None, 0.1), leg(None, 0.1)])
    assert unknown["A"]["overround"] == pytest.approx(0.4)  # two legs on nobody certain are two outcomes


def test_a_field_that_adds_up_to_less_than_nine_tenths_is_none() -> None:
    made = closed([leg("A", 0.5), leg("B", 0.37), leg("NO_TD", 0.02)])
    assert made["A"]["probability"] == 0.5
    assert (made["A"]["fair_probability"], made["A"]["assumption"]) == (None, None)
    assert made["A"]["fair_reason"] == "its field adds up to 0.89: a whole one comes to 0.9 or more"
    assert closed([leg("A", 0.5), leg("B", 0.38), leg("NO_TD", 0.02)])["A"]["fair_probability"] is not None


def test_a_price_from_more_than_a_day_before_kickoff_is_no_closing_line() -> None:
    day = timedelta(hours=24)
    made = closed(
        [
            *WHOLE,
            leg("D", 0.1, snapshot_time=KICKOFF - day - timedelta(seconds=1)),
            leg("E", 0.1, snapshot_time=KICKOFF - day),
            leg("F", 0.1, snapshot_time=KICKOFF),
        ]
    )
    assert (made["D"]["probability"], made["D"]["reason"], made["D"]["fair_reason"]) == (
        None,
        prices.OLD,
        prices.NO_CLOSING,
    )
    assert (made["E"]["probability"], made["F"]["probability"]) == (0.1, 0.1)
    assert (made["A"]["field_legs"], made["A"]["field_priced"]) == (7, 6)


def test_a_withdrawn_leg_has_no_closing_line_and_has_left_the_field() -> None:
    made = closed([*WHOLE, leg("D", 0.3, status="withdrawn")])
    assert (made["D"]["probability"], made["D"]["reason"], made["D"]["legs"]) == (None, prices.WITHDRAWN, 0)
    assert made["A"]["overround"] == 0.2
    assert made["A"]["field_legs"] == 4


def test_a_price_from_after_kickoff_is_refused() -> None:
    with pytest.raises(ValueError, match="after kickoff"):
        closed([leg("A", 0.5, snapshot_time=KICKOFF + timedelta(seconds=1))])


@pytest.mark.parametrize(("share", "rate"), [(0, 0), (1.1, 0), (0.8, -0.1), (0.8, 1)])
def test_shares_and_rates_out_of_range_are_refused(share: float, rate: float) -> None:
    with pytest.raises(ValueError, match="has to be"):
        closed(WHOLE, share=share, rate=rate)


def test_sportsbooks_close_at_the_median_and_each_gives_its_own_field() -> None:
    def book(name: str, factor: float, **given: Any) -> list[dict[str, Any]]:
        chances = {"A": 0.5, "B": 0.3, "C": 0.2}
        return [leg(p, c * factor, source="odds_api", book=name, **given) for p, c in chances.items()]

    made = closed([*book("one", 1.2), *book("two", 1.4), *book("three", 1.25), leg("A", 0.9, source="kalshi")])
    of_a = made["odds_api/A"]
    assert (of_a["legs"], of_a["probability"]) == (3, 0.625)
    assert of_a["odds_id"] == 7  # the leg that is the median, with its own prices
    assert of_a["fair_probability"] == pytest.approx(0.5 * (1 - RATE), abs=1e-6)  # each book's own share taken out
    assert (of_a["field_legs"], of_a["field_priced"]) == (9, 9)
    assert made["kalshi/A"]["field_legs"] == 1
    # a book that lists one player only is no field, and spoils none
    partial = closed([*book("one", 1.2), leg("A", 0.8, source="odds_api", book="two")])
    assert partial["A"]["probability"] == 0.7
    assert partial["A"]["fair_probability"] == pytest.approx(0.5 * (1 - RATE), abs=1e-6)


def test_two_legs_of_one_venue_on_one_player_are_one_outcome() -> None:
    made = closed([*WHOLE, leg("A", 0.5)])
    assert (made["A"]["legs"], made["A"]["overround"], made["A"]["field_legs"]) == (2, 0.2, 5)


def test_no_prices_give_no_closing_lines() -> None:
    empty = pl.DataFrame([leg("A", 0.5, odds_id=1)]).with_columns(pl.col("book").cast(pl.String)).clear()
    assert prices.closings(empty, field_share=0.8, no_touchdown_rate=RATE).schema == pl.Schema(prices.CLOSING_SCHEMA)


chances = st.lists(st.floats(0.001, 0.5), min_size=2, max_size=30)


@settings(max_examples=40, deadline=None)
@given(chances, st.booleans(), st.randoms(use_true_random=False))
def test_fair_probabilities_of_a_whole_field_add_up_to_one_in_any_order(
    field: list[float], has_no_td: bool, shuffle: Any
) -> None:
    assume(sum(field) >= 0.91)
    legs = [leg(f"P{number}", round(chance, 6), odds_id=number + 1) for number, chance in enumerate(field)]
    legs += [leg("NO_TD", 0.01, odds_id=99)] if has_no_td else []
    made = closed(legs)
    expected = 1 if has_no_td else 1 - RATE
    assert sum(row["fair_probability"] for row in made.values()) == pytest.approx(expected, abs=2e-5)
    assert all(0 <= row["fair_probability"] <= 1 for row in made.values())
    mixed = list(legs)
    shuffle.shuffle(mixed)
    assert closed(mixed) == made


@needs_shared
def test_the_base_rate_of_no_touchdown_is_what_the_plays_of_four_seasons_have() -> None:
    final = none = 0
    for season in (2021, 2022, 2024, 2025):
        path = MIRROR / "pbp" / f"play_by_play_{season}.parquet"
        plays = pl.read_parquet(path, columns=[*sorted(NEEDED & set(pl.read_parquet_schema(path)))])
        games = game_records(plays).filter("reaches_end")
        final += games.height
        none += games.join(extract_touchdowns(plays), on="game_id", how="anti").height
    assert (none, final) == (7, 1139)
    assert Settings.model_fields["no_touchdown_rate"].default == round(none / final, 3)


# --- what a pick was worth --------------------------------------------------------------------------------------------


def test_a_pick_is_worth_its_expected_profit_and_what_it_beat_the_closing_line_by() -> None:
    value = prices.pick_values(900, False, 0.125, 0.11)
    assert value.expected_value == pytest.approx(0.11 * 9 - 0.89)
    assert value.closing_line_value == pytest.approx(0.25)  # 10.0 for 1 where the closing line pays 8.0
    assert value.reason is None
    assert prices.pick_values(-200, False, 0.6, None).closing_line_value == pytest.approx(-0.1)


def test_the_pages_example_is_what_comes_out() -> None:
    chance, _ = prices.probability(0.08, 0.10, None, WIDTH)
    assert chance == 0.09
    assert prices.whole_odds(chance) == 1011
    others = [leg(f"P{number}", 0.111) for number in range(10)]
    fair = closed([leg("A", chance), *others, leg("NO_TD", 0.01)])["A"]["fair_probability"]
    assert round(fair, 4) == 0.0744
    at_1300, at_1000 = (prices.pick_values(price, False, chance, fair) for price in (1300, 1000))
    assert (round(at_1300.closing_line_value or 0, 2), round(at_1300.expected_value or 0, 3)) == (0.26, 0.041)
    assert (round(at_1000.closing_line_value or 0, 2), round(at_1000.expected_value or 0, 3)) == (-0.01, -0.182)


@pytest.mark.parametrize(
    ("odds", "placeholder", "closing", "fair", "why"),
    [
        (None, False, 0.1, 0.1, prices.NO_ODDS),
        (-110, True, 0.1, 0.1, prices.PLACEHOLDER),
        (50, False, 0.1, 0.1, prices.BAD_ODDS),
        (math.nan, False, 0.1, 0.1, prices.BAD_ODDS),
        (900, False, None, None, prices.NO_CLOSING),
        (900, False, 0.1, None, prices.NO_FAIR),
    ],
)
def test_what_a_pick_lacks_is_said(
    odds: float | None, placeholder: bool, closing: float | None, fair: float | None, why: str
) -> None:
    value = prices.pick_values(odds, placeholder, closing, fair)
    assert value.reason == why
    assert why in prices.VALUE_REASONS
    assert value.expected_value is None
    assert (value.closing_line_value is None) == (why != prices.NO_FAIR)
