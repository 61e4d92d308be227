"""From picks, games, touchdowns and a rule pack to grades: won, lost, void, or pending with the reason.

A pure function of what is stored: it compares ids and never names, and never looks at a scorer to understand a pick.
Nothing is guessed: a pick that the facts at hand cannot decide stays pending, and says what it waits for.

What stands where more than one answer was possible:
- `won` means the first touchdown. A touchdown later in the game is `lost` with `any_time_td`.
- A defensive or special-teams touchdown counts for its player and for his team's D/ST.
- A D/ST pick is `any_time_td` when its D/ST scored at all; a won no-touchdown pick has `any_time_td` false.
- A league that does not take D/ST picks (`dst_picks` is `off`) has them void, whatever their game did.
- An unknown scorer leaves open the picks on players of his team, and on players whose team of that day is not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import polars as pl

from firsttd_pipeline.domain.odds import profit_expr, valid_odds_expr
from firsttd_pipeline.domain.teams import canonical_expr
from firsttd_pipeline.domain.touchdowns import DST_KINDS

Scoring = Literal["stacking", "exclusive", "profit"]

FIRST_POINTS: Final = 3.0
ANY_TIME_POINTS: Final = 1.0

NOT_FINAL: Final = "game not final"
NO_PLAYS: Final = "no plays yet"
INCOMPLETE: Final = "plays incomplete"
SCORE_MISMATCH: Final = "score mismatch"
NOT_UNDERSTOOD: Final = "player not understood"
SCORER_UNKNOWN: Final = "scorer unknown"
TAKEN_BACK: Final = "its grade was taken back: the next nightly run grades it"
NO_GAME: Final = "no game"
POSTPONED: Final = "game postponed"
CANCELLED: Final = "game cancelled"
DST_OFF: Final = "D/ST picks are off"
GRADED_VOID: Final = "graded void"

#: Why a pick is pending, and what that means. The first that holds is the one given, in this order.
PENDING_REASONS: Final[dict[str, str]] = {
    NO_GAME: "the pick has no game, or its game is not in the schedule",
    POSTPONED: "the game was moved; the pick waits for its new date",
    NOT_UNDERSTOOD: "no player, team or special pick is known for what was typed",
    NOT_FINAL: "the game has no final score yet",
    NO_PLAYS: "the game is final, its plays are not published",
    INCOMPLETE: "the plays do not reach the end of the game",
    SCORE_MISMATCH: "the plays end with another score than the schedule",
    SCORER_UNKNOWN: "upstream does not say who scored a touchdown that this pick could concern",
    TAKEN_BACK: "somebody removed the grade since the last nightly run",
}

#: Why a pick is void.
VOID_REASONS: Final[dict[str, str]] = {
    CANCELLED: "the game was never played",
    DST_OFF: "the league does not take D/ST picks",
    GRADED_VOID: "whoever graded it by hand or from outside made it void",
}

REASONS: Final[dict[str, str]] = PENDING_REASONS | VOID_REASONS

#: `actual_scorer` of a game without a touchdown.
NO_TOUCHDOWN: Final = "No Touchdown"

GRADE_SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "pick_id": pl.Int64,
    "status": pl.String,
    "reason": pl.String,
    "finality": pl.String,
    "is_correct": pl.Boolean,
    "any_time_td": pl.Boolean,
    "actual_scorer": pl.String,
    "actual_scorer_id": pl.String,
    "profit": pl.Float64,
    "stake": pl.Float64,
    "points": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class RulePack:
    """The league's rules.

    Attributes:
        scoring: `stacking`: 3 points for the first touchdown and 1 for any touchdown, so 4 for a first scorer;
            `exclusive`: 3 or 1; `profit`: the profit in units is the points.
        stake: units on a pick of a member without a base bet of his own.
        dst_picks: `pays`: a D/ST pick can win; `off`: it is void.
        official_after_days: days after kickoff until a grade is official.
    """

    scoring: Scoring = "stacking"
    stake: float = 1.0
    dst_picks: Literal["pays", "off"] = "pays"
    official_after_days: int = 10

    def __post_init__(self) -> None:
        if self.scoring not in ("stacking", "exclusive", "profit"):
            raise ValueError(f"scoring is {self.scoring!r}: it has to be stacking, exclusive or profit")
        if self.dst_picks not in ("pays", "off"):
            raise ValueError(f"dst_picks is {self.dst_picks!r}: it has to be pays or off")
        if not math.isfinite(self.stake) or self.stake <= 0:
            raise ValueError(f"stake is {self.stake!r}: it has to be a number of units above 0")
        if self.official_after_days < 0:
            raise ValueError(f"official_after_days is {self.official_after_days!r}: it has to be 0 or more")

    @property
    def version(self) -> str:
        """Name and version of the rules, as it is stored beside each grade."""
        return f"{self.scoring}/1"


def points_for(
    is_correct: bool | None, any_time_td: bool | None, profit: float | None, rules: RulePack, *, kind: str = "player"
) -> float | None:
    """The points of one decided pick, whoever graded it.

    Whoever scores first has scored: a won player or D/ST pick has its any-time point though `any_time_td` is not set.

    Args:
        is_correct: True won, False lost, None void.
        any_time_td: whether the pick scored at all; None counts as no.
        profit: in units; None where the odds are unknown.
        rules: the league's rules.
        kind: `player`, `dst` or `no_td`.

    Returns:
        0 for a void; None only under `profit` scoring where the profit is unknown.
    """
    if is_correct is None:
        return 0.0
    if rules.scoring == "profit":
        return profit
    scored = bool(any_time_td) or (is_correct and kind != "no_td")
    if rules.scoring == "exclusive":
        return FIRST_POINTS if is_correct else ANY_TIME_POINTS * scored
    return FIRST_POINTS * is_correct + ANY_TIME_POINTS * scored


def points_expr(rules: RulePack, is_correct: pl.Expr, any_time_td: pl.Expr, profit: pl.Expr, kind: pl.Expr) -> pl.Expr:
    """`points_for` over the columns of decided picks."""
    won = is_correct.fill_null(False)
    scored = any_time_td.fill_null(False) | (won & (kind != "no_td"))
    first = pl.when(won).then(FIRST_POINTS).otherwise(0.0)
    any_time = pl.when(scored).then(ANY_TIME_POINTS).otherwise(0.0)
    match rules.scoring:
        case "stacking":
            points = first + any_time
        case "exclusive":
            points = pl.when(won).then(first).otherwise(any_time)
        case "profit":
            points = profit.cast(pl.Float64)
    return pl.when(is_correct.is_null()).then(0.0).otherwise(points)


def grade_picks(
    picks: pl.DataFrame,
    games: pl.DataFrame,
    touchdowns: pl.DataFrame,
    records: pl.DataFrame,
    rules: RulePack,
    now: datetime,
) -> pl.DataFrame:
    """Grade every pick.

    Args:
        picks: pick_id, game_id, kind, player_id, odds, odds_placeholder, base_bet, and, where it is known,
            player_team: the player's team by the rosters. The pick's own team is not read: it can be wrong.
            Unless player_team is one of the two teams of the game, the player could be on either.
        games: game_id, home_team, away_team, home_score, away_score, status, kickoff_at, deleted_at; one row a game.
        touchdowns: game_id, player_id, player_name, team, kind, is_first_td.
        records: game_id, home_score, away_score, reaches_end, as `game_records` gives them.
        rules: the league's rules.
        now: an aware instant.

    Returns:
        One row per pick, in the order of the picks, in the columns of `GRADE_SCHEMA`. Pending rows have a reason and
        nothing else. `is_correct` and `any_time_td` are null for a void, whose profit, stake and points are 0. Profit
        and stake are null where the odds are missing, a placeholder, or no American odds; the points are full.

    Raises:
        ValueError: `now` is naive, or a pick or game is there twice.
    """
    _check_now(now)
    frame = _with_columns(
        picks,
        {
            "pick_id": pl.Int64,
            "game_id": pl.String,
            "kind": pl.String,
            "player_id": pl.String,
            "player_team": pl.String,
            "odds": pl.Float64,
            "odds_placeholder": pl.Boolean,
            "base_bet": pl.Float64,
        },
        "picks",
        optional=("player_team",),
    )
    _refuse_repeats(frame, "pick_id", "picks")
    target = pl.col("player_id").str.strip_chars()
    target = pl.when(target != "").then(target)
    # Other programs write picks with the column default 'player': the id says what it is.
    kind = (
        pl.when((target == "NO_TD") | (pl.col("kind") == "no_td"))
        .then(pl.lit("no_td"))
        .when(target.str.starts_with("DST:") | (pl.col("kind") == "dst"))
        .then(pl.lit("dst"))
        .otherwise(pl.lit("player"))
    )
    frame = (
        frame.with_columns(kind.alias("kind"), target.str.strip_prefix("DST:").alias("target"))
        .with_columns(
            pl.when(pl.col("kind") == "dst").then("target").otherwise("player_team").replace(_no_empty()).alias("side")
        )
        .with_columns(canonical_expr("side"))
        .with_columns(
            pl.when(pl.col("kind") == "dst").then(pl.lit("DST:") + pl.col("side")).otherwise("target").alias("target")
        )
    )
    scorers, per_game = _facts(games, touchdowns, records)
    frame = frame.join(per_game, on="game_id", how="left", maintain_order="left").join(
        scorers, on=["game_id", "target"], how="left", maintain_order="left"
    )
    frame = frame.with_columns(_waits().alias("waits"), *_outcome())
    is_dst_off = (pl.col("kind") == "dst") & (rules.dst_picks == "off")
    void = (
        pl.when(is_dst_off)
        .then(pl.lit(DST_OFF))
        .when(pl.col("status") == "cancelled")
        .then(pl.lit(CANCELLED))
        .otherwise(pl.lit(None, dtype=pl.String))
    )
    undecided = pl.col("first_open") | (~pl.col("scored_first") & pl.col("any_open"))
    frame = frame.with_columns(void.alias("void")).with_columns(
        pl.when(pl.col("void").is_not_null())
        .then(pl.lit("void"))
        .when(pl.col("waits").is_not_null() | undecided)
        .then(pl.lit("pending"))
        .when(pl.col("scored_first"))
        .then(pl.lit("won"))
        .otherwise(pl.lit("lost"))
        .alias("grade"),
    )
    decided = pl.col("grade").is_in(["won", "lost"])
    frame = frame.with_columns(
        pl.when(pl.col("grade") == "void")
        .then(pl.col("void"))
        .when(pl.col("grade") == "pending")
        .then(pl.col("waits").fill_null(SCORER_UNKNOWN))
        .alias("reason"),
        pl.when(decided).then(pl.col("grade") == "won").alias("is_correct"),
        pl.when(decided).then(pl.col("scored")).alias("any_time_td"),
        pl.when(decided)
        .then(pl.when(pl.col("touchdowns") == 0).then(pl.lit(NO_TOUCHDOWN)).otherwise(pl.col("first_name")))
        .alias("actual_scorer"),
        pl.when(decided).then(pl.col("first_id")).alias("actual_scorer_id"),
    )
    return _settle(frame, rules, now)


def grades_from_results(
    results: pl.DataFrame, picks: pl.DataFrame, games: pl.DataFrame, rules: RulePack, now: datetime
) -> pl.DataFrame:
    """The standing of picks that a person or another program graded: their grade, the league's points and money.

    Args:
        results: pick_id, is_correct (null: void), any_time_td, actual_scorer, actual_scorer_id, actual_return,
            graded_by. Results of picks that are not among `picks` are left out.
        picks: as for `grade_picks`.
        games: as for `grade_picks`.
        rules: the league's rules.
        now: an aware instant.

    Returns:
        As `grade_picks`, one row per result. Profit is derived from the odds (point 28): other programs store losses
        as 0. Only a return that was entered by hand stands.

    Raises:
        ValueError: `now` is naive, or a pick or game is there twice.
    """
    _check_now(now)
    theirs = _with_columns(
        results,
        {
            "pick_id": pl.Int64,
            "is_correct": pl.Boolean,
            "any_time_td": pl.Boolean,
            "actual_scorer": pl.String,
            "actual_scorer_id": pl.String,
            "actual_return": pl.Float64,
            "graded_by": pl.String,
        },
        "results",
    )
    of_picks = _with_columns(
        picks,
        {
            "pick_id": pl.Int64,
            "game_id": pl.String,
            "kind": pl.String,
            "odds": pl.Float64,
            "odds_placeholder": pl.Boolean,
            "base_bet": pl.Float64,
        },
        "picks",
    )
    of_games = games.select("game_id", "kickoff_at")
    _refuse_repeats(theirs, "pick_id", "results")
    _refuse_repeats(of_picks, "pick_id", "picks")
    _refuse_repeats(of_games, "game_id", "games")
    frame = (
        theirs.join(of_picks, on="pick_id", how="inner", maintain_order="left")
        .join(of_games, on="game_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.col("is_correct").is_null())
            .then(pl.lit("void"))
            .when(pl.col("is_correct"))
            .then(pl.lit("won"))
            .otherwise(pl.lit("lost"))
            .alias("grade"),
            pl.when(pl.col("is_correct").is_null()).then(pl.lit(GRADED_VOID)).alias("reason"),
        )
    )
    by_hand = pl.when((pl.col("graded_by") == "manual") & pl.col("is_correct").is_not_null()).then("actual_return")
    return _settle(frame, rules, now, entered=by_hand)


def first_scorers(games: pl.DataFrame, touchdowns: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Who scored first in each game, where that is known for good.

    Args:
        games: as for `grade_picks`.
        touchdowns: as for `grade_picks`.
        records: as for `grade_picks`.

    Returns:
        One row per game, in their order: game_id; reason (why it is not known, as a pick on it would wait; null:
        known); player_id of the scorer (null: none, or upstream does not say); dst (`DST:SEA` where a D/ST pick wins
        with it); scorer: the D/ST where it is one's, else the player, `NO_TD` of a game without a touchdown.

    Raises:
        ValueError: a game is there twice.
    """
    _, per_game = _facts(games, touchdowns, records)
    none = pl.col("touchdowns") == 0
    frame = per_game.with_columns(pl.lit("no_td").alias("kind"), pl.lit(None, dtype=pl.String).alias("target"))
    frame = frame.with_columns(_waits().alias("waits"), (pl.lit("DST:") + pl.col("first_dst")).alias("dst"))
    scorer = pl.when(none).then(pl.lit("NO_TD")).otherwise(pl.coalesce("dst", "first_id"))
    reason = pl.coalesce("waits", pl.when(scorer.is_null()).then(pl.lit(SCORER_UNKNOWN)))
    known = reason.is_null()
    return frame.select(
        "game_id",
        reason.alias("reason"),
        pl.when(known).then("first_id").alias("player_id"),
        pl.when(known).then("dst").alias("dst"),
        pl.when(known).then(scorer).alias("scorer"),
    )


def _facts(games: pl.DataFrame, touchdowns: pl.DataFrame, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the picks are compared with: who scored in which game, and one row of facts per game."""
    of_games = _with_columns(
        games,
        {
            "game_id": pl.String,
            "home_team": pl.String,
            "away_team": pl.String,
            "home_score": pl.Int64,
            "away_score": pl.Int64,
            "status": pl.String,
        },
        "games",
    ).with_columns(canonical_expr("home_team"), canonical_expr("away_team"))
    of_games = of_games.with_columns(games["kickoff_at"], games["deleted_at"].is_not_null().alias("deleted"))
    _refuse_repeats(of_games, "game_id", "games")
    of_records = _with_columns(
        records,
        {"game_id": pl.String, "home_score": pl.Int64, "away_score": pl.Int64, "reaches_end": pl.Boolean},
        "records",
    ).rename({"home_score": "home_in_plays", "away_score": "away_in_plays"})
    scored = (
        _with_columns(
            touchdowns,
            {
                "game_id": pl.String,
                "player_id": pl.String,
                "player_name": pl.String,
                "team": pl.String,
                "kind": pl.String,
                "is_first_td": pl.Boolean,
            },
            "touchdowns",
        )
        .with_columns(canonical_expr("team"))
        .with_columns(
            # Null: it could be a D/ST touchdown or not.
            pl.when(pl.col("kind") != "unknown").then(pl.col("kind").is_in(list(DST_KINDS))).alias("dst"),
            pl.col("is_first_td").fill_null(False),
        )
    )
    keys = ["game_id", "target"]
    scorers = (
        pl.concat(
            [
                scored.select("game_id", pl.col("player_id").alias("target"), "is_first_td"),
                scored.filter("dst").select(
                    "game_id", (pl.lit("DST:") + pl.col("team")).alias("target"), "is_first_td"
                ),
            ]
        )
        .drop_nulls("target")
        .group_by(keys)
        .agg(pl.col("is_first_td").any().alias("target_first"), pl.lit(True).alias("target_any"))
    )
    nameless = pl.col("player_id").is_null()
    teamless = pl.col("team").is_null()
    scored = scored.join(of_games.select("game_id", "home_team", "away_team"), on="game_id", how="inner")
    home = pl.col("team") == pl.col("home_team")
    away = pl.col("team") == pl.col("away_team")
    # A touchdown whose D/ST side is open: the kind is unknown, or it was D/ST of an unknown team.
    kind_open = pl.col("dst").is_null()
    per_game = scored.group_by("game_id").agg(
        pl.len().alias("touchdowns"),
        pl.col("is_first_td").any().alias("has_first"),
        pl.col("player_id").filter("is_first_td").first().alias("first_id"),
        pl.col("player_name").filter("is_first_td").first().alias("first_name"),
        pl.col("team").filter(pl.col("is_first_td") & pl.col("dst").fill_null(False)).first().alias("first_dst"),
        *(
            (where & what & when).fill_null(False).any().alias(f"{prefix}_{name}_{side}")
            for prefix, when in (("first", pl.col("is_first_td")), ("any", pl.lit(True)))
            for name, what in (("nameless", nameless), ("kind_open", kind_open))
            for side, where in (("home", home), ("away", away))
        ),
        *(
            (teamless & what & when).fill_null(False).any().alias(f"{prefix}_{name}_either")
            for prefix, when in (("first", pl.col("is_first_td")), ("any", pl.lit(True)))
            for name, what in (("nameless", nameless), ("kind_open", kind_open | pl.col("dst")))
        ),
    )
    of_games = of_games.join(of_records, on="game_id", how="left").join(per_game, on="game_id", how="left")
    return scorers, of_games.with_columns(pl.col("touchdowns").fill_null(0))


def _waits() -> pl.Expr:
    """The reason why a pick cannot be compared with its game yet, null where it can."""
    understood = (pl.col("kind") == "no_td") | pl.col("target").is_not_null()
    same_score = (pl.col("home_score") == pl.col("home_in_plays")) & (pl.col("away_score") == pl.col("away_in_plays"))
    cases: list[tuple[pl.Expr, str]] = [
        (pl.col("status").is_null(), NO_GAME),
        (pl.col("status") == "postponed", POSTPONED),
        (pl.col("deleted").fill_null(False), NO_GAME),
        (~understood, NOT_UNDERSTOOD),
        (pl.col("status") != "final", NOT_FINAL),
        (pl.col("reaches_end").is_null(), NO_PLAYS),
        (~pl.col("reaches_end"), INCOMPLETE),
        (~same_score.fill_null(False), SCORE_MISMATCH),
    ]
    return pl.coalesce([pl.when(holds).then(pl.lit(reason)) for holds, reason in cases])


def _outcome() -> list[pl.Expr]:
    """scored_first, scored, first_open, any_open of each pick: what the touchdowns say, and what they leave open."""
    no_td = pl.col("kind") == "no_td"
    is_dst = pl.col("kind") == "dst"
    any_touchdown = pl.col("touchdowns") > 0
    at_home = pl.col("side") == pl.col("home_team")
    away = pl.col("side") == pl.col("away_team")
    first = pl.col("target_first").fill_null(False)
    scored = pl.col("target_any").fill_null(False)

    def open_for(prefix: str) -> pl.Expr:
        name = {side: pl.col(f"{prefix}_nameless_{side}").fill_null(False) for side in ("home", "away", "either")}
        kind = {side: pl.col(f"{prefix}_kind_open_{side}").fill_null(False) for side in ("home", "away", "either")}
        # A player whose team of that day is not known could be on either side; a D/ST is its team.
        player = name["either"] | (
            pl.when(at_home).then(name["home"]).when(away).then(name["away"]).otherwise(name["home"] | name["away"])
        )
        dst = pl.when(at_home).then(kind["home"] | kind["either"]).when(away).then(kind["away"] | kind["either"])
        return pl.when(no_td).then(False).when(is_dst).then(dst.otherwise(False)).otherwise(player)

    # Touchdowns of which none is marked as the first leave the first open for everybody but the no-touchdown pick.
    unmarked = any_touchdown & ~pl.col("has_first").fill_null(False) & ~no_td
    return [
        pl.when(no_td).then(~any_touchdown).otherwise(first).fill_null(False).alias("scored_first"),
        pl.when(no_td).then(False).otherwise(scored).alias("scored"),
        (~first & (open_for("first") | unmarked)).fill_null(False).alias("first_open"),
        (~scored & open_for("any")).fill_null(False).alias("any_open"),
    ]


def _settle(frame: pl.DataFrame, rules: RulePack, now: datetime, *, entered: pl.Expr | None = None) -> pl.DataFrame:
    """Money, points and finality of graded rows (`grade`, `reason`, `is_correct`, `any_time_td`, ...)."""
    known = ~pl.col("odds_placeholder").fill_null(False) & valid_odds_expr(pl.col("odds")).is_not_null()
    own = pl.col("base_bet")
    stake = pl.when(own.is_finite() & (own > 0)).then(own).otherwise(pl.lit(rules.stake, dtype=pl.Float64))
    frame = frame.with_columns(
        pl.when(pl.col("grade") == "void")
        .then(0.0)
        .when(pl.col("grade").is_in(["won", "lost"]) & known)
        .then(stake)
        .alias("stake")
    )
    profit = (
        pl.when(pl.col("grade") == "void")
        .then(0.0)
        .when(pl.col("grade") == "won")
        .then(profit_expr(pl.col("odds"), pl.col("stake")))
        .when(pl.col("grade") == "lost")
        .then(-pl.col("stake"))
    )
    frame = frame.with_columns((profit if entered is None else pl.coalesce(entered, profit)).alias("profit"))
    points = points_expr(rules, pl.col("is_correct"), pl.col("any_time_td"), pl.col("profit"), pl.col("kind"))
    kickoff = pl.col("kickoff_at")
    if frame.schema["kickoff_at"] == pl.Null:
        kickoff = kickoff.cast(pl.Datetime("us", "UTC"))
    official = kickoff <= pl.lit(now) - timedelta(days=rules.official_after_days)
    is_decided = pl.col("grade") != "pending"
    return frame.with_columns(
        pl.col("grade").alias("status"),
        pl.when(is_decided).then(points).alias("points"),
        pl.when(is_decided)
        .then(pl.when(official).then(pl.lit("official")).otherwise(pl.lit("provisional")))
        .alias("finality"),
    ).select(pl.col(name).cast(dtype) for name, dtype in GRADE_SCHEMA.items())


def _no_empty() -> dict[str, str | None]:
    return {"": None, "Unknown": None}


def _with_columns(
    frame: pl.DataFrame, columns: dict[str, type[pl.DataType]], name: str, optional: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The named columns in their types (a column without any value comes from a database without one)."""
    missing = [column for column in columns if column not in frame.columns and column not in optional]
    if missing:
        raise ValueError(f"the {name} frame lacks {', '.join(missing)}")
    return frame.select(
        (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in columns.items()
    )


def _refuse_repeats(frame: pl.DataFrame, key: str, name: str) -> None:
    if frame[key].n_unique() != frame.height:
        twice = frame.filter(pl.col(key).is_duplicated())[key][0]
        raise ValueError(f"the {name} frame has {key} {twice!r} more than once")


def _check_now(now: datetime) -> None:
    if now.tzinfo is None:
        raise ValueError(f"naive datetime {now!r}: give an aware one")
