"""The data quality rules: rows in, violations out.

A rule takes frames as the tables have them (a game's id column is `game_id`) and returns what does not hold, each
violation with how many, an example and what to do; an empty list means that the rule holds. Nothing is repaired here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

import polars as pl

from firsttd_pipeline.domain import standings
from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.seasons import IN_PROGRESS
from firsttd_pipeline.domain.teams import canonical_expr

Severity = Literal["error", "warn"]

UNKNOWN_POSITIONS_LIMIT: Final = 0.05
SCORE_DUE: Final = timedelta(days=1)
"""After kickoff: from then on a game without scores is late."""
PLAYS_DUE: Final = timedelta(hours=48)
"""After kickoff: until then a final game's plays may still be on their way (upstream publishes them in batches)."""
_NOT_PLAYED: Final = ("cancelled", "postponed")
_UNKNOWN: Final = ("", "unknown", "none", "n/a", "?")
_SHOWN: Final = 5
"""Ids listed in a text: the rest is counted, and the remedy says where all of them are."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that does not hold.

    Attributes:
        rule: what does not hold, in a few words.
        count: how many rows are concerned, at least 1.
        example: one of them, for people.
        remedy: what an operator can do.
        severity: `error`: the table is wrong; `warn`: a person should look, the table can be used.
        ids: all rows concerned, by id, where there is one.
        whole: the example tells all of them: how many there are and which adds nothing.
    """

    rule: str
    count: int
    example: str
    remedy: str
    severity: Severity = "error"
    ids: tuple[str, ...] = ()
    whole: bool = False

    def __str__(self) -> str:
        said, listed = f"{self.rule}: ", ""
        if self.count > 1 and not self.whole:
            said += f"{self.count}, e.g. "
            which = ", ".join(self.ids[:_SHOWN])
            if len(self.ids) > _SHOWN:
                listed = f" The first {_SHOWN} of {len(self.ids)}: {which}."
            elif len(self.ids) > 1:
                listed = f" All: {which}."
        return f"{said}{self.example.rstrip('.')}.{listed} What to do: {self.remedy}"


def _found(
    rows: pl.DataFrame,
    rule: str,
    remedy: str,
    show: Sequence[str],
    *,
    ids: str | None = None,
    severity: Severity = "error",
) -> list[Violation]:
    """One violation for these rows, none where there are none; the example is the first row in order."""
    if rows.is_empty():
        return []
    rows = rows.sort(*show, nulls_last=True)
    listed = tuple(str(v) for v in rows[ids].drop_nulls().unique().sort()) if ids else ()
    return [Violation(rule, rows.height, _text(rows.select(show).row(0, named=True)), remedy, severity, listed)]


def _text(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in row.items())


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _instant(now: datetime) -> pl.Expr:
    if now.tzinfo is None:
        raise ValueError(f"naive datetime {now!r}: give an aware one (a timezone is part of the fact)")
    return pl.lit(now.astimezone(UTC), dtype=pl.Datetime("us", "UTC"))


def _current(games: pl.DataFrame) -> pl.DataFrame:
    """Games that are in the schedule."""
    return games.filter(pl.col("deleted_at").is_null()) if "deleted_at" in games.columns else games


def _scored() -> pl.Expr:
    return pl.col("home_score").is_not_null() & pl.col("away_score").is_not_null()


# --- any table --------------------------------------------------------------------------------------------------------


def orphans(
    child: pl.DataFrame,
    parent: pl.DataFrame,
    *,
    column: str,
    child_name: str,
    parent_name: str,
    parent_column: str | None = None,
    show: Sequence[str] = (),
) -> list[Violation]:
    """Rows of `child` whose `column` (where not null) is in no row of `parent`.

    `parent_column` is the key's name there (default: the same); `show` are further columns for the example.
    """
    key = parent_column or column
    keys = parent.select(pl.col(key).cast(child.schema[column]).alias(column)).unique()
    lost = child.filter(pl.col(column).is_not_null()).join(keys, on=column, how="anti")
    return _found(
        lost,
        f"{child_name} without {parent_name}",
        f"the database's foreign keys refuse such rows, so one was switched off: run `firsttd db check`, then put the "
        f"{parent_name} back or remove the {child_name}",
        [column, *show],
        ids=column,
    )


# --- rosters ----------------------------------------------------------------------------------------------------------


def teams_without_roster(games: pl.DataFrame, rosters: pl.DataFrame) -> list[Violation]:
    """Teams that play this season and have no current player. Old codes in the schedule count as today's.

    games: home_team, away_team, [deleted_at]. rosters: team, [retired_at].
    """
    now_there = rosters.filter(pl.col("retired_at").is_null()) if "retired_at" in rosters.columns else rosters
    played = _current(games)
    teams = pl.concat([played.select(pl.col(side).alias("team")) for side in ("home_team", "away_team")]).unique()
    have = now_there.select(canonical_expr("team").alias("code")).unique()
    missing = teams.with_columns(canonical_expr("team").alias("code")).join(have, on="code", how="anti")
    return _found(
        missing,
        "teams without a roster",
        "no pick on their players can be understood: see what upstream's roster file has for them and run the asset "
        "`rosters` again",
        ["team"],
        ids="team",
    )


# --- games ------------------------------------------------------------------------------------------------------------


def statuses_and_scores(games: pl.DataFrame, now: datetime) -> list[Violation]:
    """Games whose status does not follow from scores and kickoff.

    games: game_id, status, home_score, away_score, kickoff_at, [deleted_at]. A status set by hand (cancelled,
    postponed) is wrong once the game has a score.
    """
    begun = (pl.col("kickoff_at") <= _instant(now)).fill_null(False)
    status = pl.col("status")
    one_score = pl.col("home_score").is_null() != pl.col("away_score").is_null()
    show = ["game_id", "status", "home_score", "away_score", "kickoff_at"]
    rows = _current(games)
    again = "run the asset `games` again; if it stays, the schedule itself is wrong there"
    return [
        *_found(
            rows.filter((status == "final") & ~(_scored() & begun)),
            "final games without both scores or before kickoff",
            again,
            show,
            ids="game_id",
        ),
        *_found(
            rows.filter(_scored() & begun & (status != "final")),
            "games with both scores that are not final",
            again,
            show,
            ids="game_id",
        ),
        *_found(
            rows.filter(
                (status == "in_progress")
                & (~begun | (pl.col("kickoff_at") + IN_PROGRESS <= _instant(now)).fill_null(True))
            ),
            "games in progress outside the six hours after kickoff",
            again,
            show,
            ids="game_id",
        ),
        *_found(rows.filter(one_score), "games with the score of one team only", again, show, ids="game_id"),
    ]


def scores_match_plays(games: pl.DataFrame, records: pl.DataFrame) -> list[Violation]:
    """Final games whose plays end with another score than the schedule's, or do not reach the end.

    games: game_id, status, home_score, away_score, [deleted_at]. records: game_id, home_score, away_score,
    reaches_end. Picks on such games are pending, so this is a warning.
    """
    both = (
        _current(games)
        .filter(pl.col("status") == "final")
        .join(
            records.select(
                "game_id",
                pl.col("home_score").alias("plays_home_score"),
                pl.col("away_score").alias("plays_away_score"),
                pl.col("reaches_end").cast(pl.Boolean),
            ),
            on="game_id",
        )
    )
    differs = pl.col("home_score").ne_missing(pl.col("plays_home_score")) | pl.col("away_score").ne_missing(
        pl.col("plays_away_score")
    )
    wait = "picks on them stay pending; upstream usually completes its plays by the next morning, run again then"
    return [
        *_found(
            both.filter(~pl.col("reaches_end").fill_null(False)),
            "final games whose plays do not reach the end",
            wait,
            ["game_id", "home_score", "away_score"],
            ids="game_id",
            severity="warn",
        ),
        *_found(
            both.filter(pl.col("reaches_end").fill_null(False) & differs),
            "final games whose plays end with another score",
            wait + "; if it stays, grade the picks by hand",
            ["game_id", "home_score", "plays_home_score", "away_score", "plays_away_score"],
            ids="game_id",
            severity="warn",
        ),
    ]


def unscored_games(games: pl.DataFrame, now: datetime) -> list[Violation]:
    """Games without both scores a day after kickoff, cancelled and postponed ones aside.

    games: game_id, status, home_score, away_score, kickoff_at, [deleted_at].
    """
    late = _current(games).filter(
        ~_scored()
        & ~pl.col("status").is_in(_NOT_PLAYED)
        & (pl.col("kickoff_at") + SCORE_DUE <= _instant(now)).fill_null(False)
    )
    return _found(
        late,
        "games without a score a day after kickoff",
        "if the game was put off or called off, set its status to postponed or cancelled; else upstream is late: run "
        "the asset `games` again",
        ["game_id", "kickoff_at", "status"],
        ids="game_id",
        severity="warn",
    )


# --- touchdowns -------------------------------------------------------------------------------------------------------


def one_first_touchdown(games: pl.DataFrame, touchdowns: pl.DataFrame) -> list[Violation]:
    """Final games with touchdowns that have none or several marked as the first, or the wrong one.

    games: game_id, status, [deleted_at]. touchdowns: game_id, play_id, order_sequence, is_first_td. A game without any
    touchdown is a legal outcome.
    """
    final = _current(games).filter(pl.col("status") == "final").select("game_id")
    per_game = (
        touchdowns.join(final, on="game_id", how="semi")
        .with_columns(pl.col("is_first_td").cast(pl.Boolean).fill_null(False))
        .sort("game_id", "order_sequence", "play_id", nulls_last=True)
        .group_by("game_id", maintain_order=True)
        .agg(
            pl.len().alias("touchdowns"),
            pl.col("is_first_td").sum().alias("marked_first"),
            pl.col("is_first_td").first().alias("earliest_is_first"),
        )
    )
    again = "run the asset `touchdowns` again; every pick on these games is graded by this row"
    return [
        *_found(
            per_game.filter(pl.col("marked_first") != 1),
            "final games without exactly one first touchdown",
            again,
            ["game_id", "touchdowns", "marked_first"],
            ids="game_id",
        ),
        *_found(
            per_game.filter((pl.col("marked_first") == 1) & ~pl.col("earliest_is_first")),
            "final games whose first touchdown is not the earliest",
            again,
            ["game_id", "touchdowns"],
            ids="game_id",
        ),
    ]


def games_without_plays(
    games: pl.DataFrame, records: pl.DataFrame, now: datetime, known: Mapping[str, str] | None = None
) -> list[Violation]:
    """Final games without plays and without a known reason.

    Known reasons: kickoff is less than 48 hours ago (upstream publishes plays in batches), or the game is in `known`
    (game_id to reason).

    games: game_id, status, kickoff_at, [deleted_at]. records: game_id.
    """
    missing = (
        _current(games)
        .filter(pl.col("status") == "final")
        .join(records.select("game_id"), on="game_id", how="anti")
        .filter(~pl.col("game_id").is_in(list(known or {})))
        .filter((pl.col("kickoff_at") + PLAYS_DUE <= _instant(now)).fill_null(True))
    )
    return _found(
        missing,
        "final games without plays",
        "picks on them stay pending: run the asset `touchdowns` again; if upstream has no plays of them, grade by hand",
        ["game_id", "kickoff_at"],
        ids="game_id",
    )


def scorers_on_rosters(touchdowns: pl.DataFrame, rosters: pl.DataFrame) -> list[Violation]:
    """Touchdowns whose scorer is on no roster of the season, all ids listed, and those whose scorer is unknown.

    touchdowns: game_id, play_id, player_id, player_name. rosters: player_id (all rows of the season, whatever the team:
    a scorer's team of the play is often another).
    """
    on_roster = rosters.select(pl.col("player_id").cast(pl.String)).unique()
    strangers = touchdowns.filter(pl.col("player_id").is_not_null()).join(on_roster, on="player_id", how="anti")
    unknown = touchdowns.filter(pl.col("player_id").is_null())
    return [
        *_found(
            strangers,
            "touchdowns whose scorer is on no roster of the season",
            "they count for picks but for no row of player_stats: run the asset `rosters` again, or add the player",
            ["game_id", "play_id", "player_id", "player_name"],
            ids="player_id",
            severity="warn",
        ),
        *_found(
            unknown,
            "touchdowns whose scorer upstream does not say",
            "picks that they could concern stay pending: wait for upstream, or grade them by hand",
            ["game_id", "play_id"],
            ids="game_id",
            severity="warn",
        ),
    ]


# --- kickoff decisions and ratings ------------------------------------------------------------------------------------


def receivers_play(kickoffs: pl.DataFrame, games: pl.DataFrame) -> list[Violation]:
    """Opening kickoffs received by a team that is not one of the game's two (old codes count as today's).

    kickoffs: game_id, team. games: game_id, home_team, away_team.
    """
    both = kickoffs.select("game_id", "team").join(games.select("game_id", "home_team", "away_team"), on="game_id")
    wrong = both.filter(
        ~pl.any_horizontal(canonical_expr("team") == canonical_expr(side) for side in ("home_team", "away_team"))
    )
    return _found(
        wrong,
        "opening kickoffs received by a team that does not play",
        "run the asset `kickoff_decisions` again; a row entered by hand has to name one of the two teams",
        ["game_id", "team", "home_team", "away_team"],
        ids="game_id",
    )


def ratings_agree(ratings: pl.DataFrame, games: pl.DataFrame) -> list[Violation]:
    """Teams whose last rating does not count exactly their final games, or whose games do not add up.

    ratings: team, week, games_played, wins, losses, ties. games: home_team, away_team, status, [deleted_at].
    """
    final = _current(games).filter(pl.col("status") == "final")
    played = (
        pl.concat([final.select(pl.col(side).alias("team")) for side in ("home_team", "away_team")])
        .group_by("team")
        .agg(pl.len().cast(pl.Int64).alias("final_games"))
    )
    latest = ratings.sort("week").unique("team", keep="last", maintain_order=True)
    both = latest.join(played, on="team", how="full", coalesce=True).with_columns(pl.col("final_games").fill_null(0))
    wrong = both.filter(
        pl.col("games_played").ne_missing(pl.col("final_games"))
        | ((pl.col("wins") + pl.col("losses") + pl.col("ties")) != pl.col("games_played"))
    )
    return _found(
        wrong,
        "teams whose rating does not count their final games",
        "run `games` and then `team_ratings` again: the ratings were made from another schedule",
        ["team", "week", "games_played", "final_games"],
        ids="team",
    )


# --- picks and results ------------------------------------------------------------------------------------------------


def duplicate_picks(picks: pl.DataFrame) -> list[Violation]:
    """Picks that a member has twice in a week: the same player_id, or the same name however it is written.

    picks: pick_id, user_id, week_id, player_id, player_name, [game_id]. A pick that is not understood yet has no
    player_id, and no key of the database holds it apart from its twin: names are compared for those, within a game.
    """
    by_id = picks.filter(
        pl.col("player_id").is_not_null() & pl.struct("user_id", "week_id", "player_id").is_duplicated()
    )
    vague = picks.filter(pl.col("player_id").is_null()).select("user_id", "week_id").unique()
    suspects = picks.join(vague, on=["user_id", "week_id"], how="semi").with_columns(
        pl.col("player_name").map_elements(normalise, return_dtype=pl.String, skip_nulls=True).alias("name")
    )
    key = ["user_id", "week_id", "name", *(["game_id"] if "game_id" in picks.columns else [])]
    by_name = suspects.filter(pl.struct(key).is_duplicated()).drop("name")
    twice = pl.concat([by_id, by_name]).unique("pick_id", keep="first", maintain_order=True)
    return _found(
        twice,
        "picks that a member has twice in a week",
        "ask the member which one stands and remove the other: `firsttd picks remove PICK --why REASON`",
        ["pick_id", "user_id", "week_id", "player_name", "player_id"],
        ids="pick_id",
    )


def names_understood(questions: pl.DataFrame) -> list[Violation]:
    """Picks whose player nobody knows for sure: they wait. Where somebody else graded one, that grade goes on counting.

    questions: pick_id, member, typed, game_id, graded (whether it holds a grade).
    """
    graded = int(questions["graded"].cast(pl.Boolean).sum()) if questions.height else 0
    hold = "holds" if graded == 1 else "hold"
    counting = f"; {graded} of them {hold} a grade, which counts until then" if graded else ""
    return _found(
        questions,
        "picks wait for an answer whom they mean",
        f"`firsttd players review` lists them, each with the command that answers{counting}",
        ["pick_id", "member", "typed", "game_id"],
        ids="pick_id",
        severity="warn",
    )


def second_spellings(questions: pl.DataFrame, picks: pl.DataFrame) -> list[Violation]:
    """Questions one of whose candidates the member has picked that week already: the same pick, perhaps, typed twice.

    questions: pick_id, user_id, week_id, typed, candidate_ids (list of player_id). picks: pick_id, user_id, week_id,
    player_id.
    """
    key = ["user_id", "week_id", "player_id"]
    suspects = questions.explode("candidate_ids").rename({"candidate_ids": "player_id"})
    taken = picks.filter(pl.col("player_id").is_not_null()).select(*key, pl.col("pick_id").alias("standing_pick"))
    twice = suspects.join(taken, on=key).unique("pick_id", keep="first", maintain_order=True)
    return _found(
        twice,
        "picks that may be a second spelling of another of that member and week",
        "`firsttd players confirm` says whom the pick means: if it is the same player, it is set aside",
        ["pick_id", "typed", "standing_pick", "player_id"],
        ids="pick_id",
        severity="warn",
    )


def grades_agree(statuses: pl.DataFrame, results: pl.DataFrame) -> list[Violation]:
    """Picks whose status and result contradict each other: `results` has decided picks only, won is correct, lost is
    not, void is neither.

    statuses: pick_id, status. results: pick_id, is_correct.
    """
    both = statuses.select("pick_id", "status").join(
        results.select("pick_id", pl.col("is_correct").cast(pl.Boolean), pl.lit(True).alias("has_result")),
        on="pick_id",
        how="full",
        coalesce=True,
    )
    decided = pl.col("status").is_in(["won", "lost", "void"]).fill_null(False)
    has = pl.col("has_result").fill_null(False)
    implied = pl.col("status").replace_strict({"won": True, "lost": False}, default=None, return_dtype=pl.Boolean)
    wrong = both.filter((decided != has) | (decided & has & implied.ne_missing(pl.col("is_correct"))))
    return _found(
        wrong.with_columns(has.alias("has_result")),
        "picks whose status and result disagree",
        "another program wrote a result since: run the asset `results` again",
        ["pick_id", "status", "has_result", "is_correct"],
        ids="pick_id",
    )


def disagreements(evidence: pl.DataFrame) -> list[Violation]:
    """Grades of other programs that the plays contradict.

    evidence: pick_id, typed, old_grade, new_grade, what.
    """
    return _found(
        evidence,
        "grades of other programs that the plays contradict",
        "they stand until somebody accepts: `firsttd reconcile` shows the evidence and lets the plays stand",
        ["pick_id", "typed", "old_grade", "new_grade", "what"],
        ids="pick_id",
        severity="warn",
    )


def overrides_agree(both: pl.DataFrame) -> list[Violation]:
    """Grades by hand that the plays agree with by now, and those that they contradict.

    both: pick_id, player_name, by_hand, plays, made_by, agrees.
    """
    show = ["pick_id", "player_name", "by_hand", "plays", "made_by"]
    return [
        *_found(
            both.filter("agrees"),
            "grades by hand that the plays agree with",
            "they can go: `firsttd grade ungrade PICK`, and the pipeline keeps the grade right by itself",
            show,
            ids="pick_id",
            severity="warn",
        ),
        *_found(
            both.filter(~pl.col("agrees")),
            "grades by hand that the plays contradict",
            "they stand; `firsttd why PICK` has both sides, `firsttd grade ungrade PICK` lets the plays stand",
            show,
            ids="pick_id",
            severity="warn",
        ),
    ]


def late_corrections(events: pl.DataFrame) -> list[Violation]:
    """Grades that changed after they were official.

    events: pick_id, player_name, game_id, old_status, new_status, was_official.
    """
    late = events.filter(pl.col("was_official").cast(pl.Boolean).fill_null(False))
    return _found(
        late,
        "official grades that changed",
        "upstream corrected a play after the grade was official: tell the members; result_events has old and new",
        ["pick_id", "player_name", "game_id", "old_status", "new_status"],
        ids="pick_id",
        severity="warn",
    )


# --- standings --------------------------------------------------------------------------------------------------------


def unknown_positions(player_stats: pl.DataFrame, limit: float = UNKNOWN_POSITIONS_LIMIT) -> list[Violation]:
    """Players without a known position, where they are `limit` of all or more.

    player_stats: player_id, player_name, team, position.
    """
    position = pl.col("position").cast(pl.String).str.strip_chars().str.to_lowercase()
    unknown = player_stats.filter(position.is_null() | position.is_in(_UNKNOWN))
    if player_stats.is_empty() or unknown.height / player_stats.height < limit:
        return []
    share = 100 * unknown.height / player_stats.height
    return _found(
        unknown,
        f"players without a position ({share:.1f} % of {player_stats.height}, allowed is under {100 * limit:g} %)",
        "positions come from the rosters: see what upstream's roster file has in `position` and run `rosters` again",
        ["player_id", "player_name", "team", "position"],
    )


def first_counts_agree(player_stats: pl.DataFrame, touchdowns: pl.DataFrame) -> list[Violation]:
    """Players with fewer first touchdowns counted than the touchdowns have (results may add to them, never take away).

    player_stats: player_id, player_name, first_td_count. touchdowns: game_id, player_id, is_first_td.
    """
    counted = (
        touchdowns.filter(pl.col("is_first_td").cast(pl.Boolean).fill_null(False))
        .group_by("player_id")
        .agg(pl.col("game_id").n_unique().cast(pl.Int64).alias("first_touchdowns"))
    )
    short = player_stats.join(counted, on="player_id").filter(pl.col("first_td_count") < pl.col("first_touchdowns"))
    return _found(
        short,
        "players with fewer first touchdowns than the plays have",
        "the touchdowns changed since: run the asset `player_stats` again",
        ["player_id", "player_name", "first_td_count", "first_touchdowns"],
        ids="player_id",
    )


def first_counts_current(miscounted: pl.DataFrame) -> list[Violation]:
    """Players whose stored first touchdowns are not what touchdowns and results count to now.

    miscounted: player_id, player_name, stored, counted.
    """
    return _found(
        miscounted,
        "players whose first touchdowns are not what the database counts",
        "run the asset `player_stats` again; if it stays, `firsttd db check` says whether the triggers are there",
        ["player_id", "player_name", "stored", "counted"],
        ids="player_id",
    )


def leaderboard_adds_up(leaderboard: pl.DataFrame, grades: pl.DataFrame, season: int) -> list[Violation]:
    """Leaderboard rows that the picks' grades do not give: missing, left over, or with another number.

    leaderboard: as the table, of the season. grades: as `standings.leaderboard` takes them. Money is compared to a
    millionth of a unit.
    """
    expected = standings.leaderboard(season, grades)
    again = "run the asset `leaderboard` again; if it stays, somebody writes the table beside the pipeline"
    return _same_standings(leaderboard, expected, "leaderboard rows", ("that no pick gives", "the results"), again)


def replay_gives_what_is_stored(
    differing: pl.DataFrame, leaderboard: pl.DataFrame, replayed: pl.DataFrame
) -> list[Violation]:
    """Where the record of events and what is stored contradict each other.

    differing: pick_id, column, replayed, stored, as `replay.differences`. leaderboard: as the table. replayed: the
    standings that the events give.
    """
    remedy = (
        "somebody wrote with the triggers out, or into the record: `firsttd db check` says whether they are in, "
        "`firsttd why PICK` shows the pick's events; grade it by hand to set it right"
    )
    return [
        *_found(
            differing,
            "picks whose events do not give what is stored",
            remedy,
            ["pick_id", "column", "replayed", "stored"],
            ids="pick_id",
        ),
        *_same_standings(
            leaderboard, replayed, "replayed standings", ("that no event gives", "what is stored"), remedy
        ),
    ]


def _same_standings(
    leaderboard: pl.DataFrame, expected: pl.DataFrame, what: str, words: tuple[str, str], again: str
) -> list[Violation]:
    keys = ["week", "user_id"]
    values = [name for name in standings.LEADERBOARD_SCHEMA if name not in ("season", *keys)]
    stored = leaderboard.select(pl.col(name).cast(standings.LEADERBOARD_SCHEMA[name]) for name in (*keys, *values))
    show = ["week", "user_id", "rank", "picks", "points"]
    both = stored.join(expected, on=keys, suffix="_expected")
    differing = [_differs(name).alias(name + "_differs") for name in values]
    wrong = both.with_columns(differing).filter(pl.any_horizontal(name + "_differs" for name in values))
    found = [
        *_found(expected.join(stored, on=keys, how="anti"), f"{what} that are missing", again, show),
        *_found(stored.join(expected, on=keys, how="anti"), f"{what} {words[0]}", again, show),
    ]
    if wrong.height:
        first = wrong.sort(keys).head(1)
        column = next(name for name in values if first[name + "_differs"].item())
        row = first.select(*keys, column, column + "_expected").row(0, named=True)
        found.append(Violation(f"{what} that do not add up to {words[1]}", wrong.height, _text(row), again))
    return found


def failed_runs(failures: pl.DataFrame) -> list[Violation]:
    """Runs of the season that failed and that no later run got past: run_id, job, step, error, happened_at."""
    if failures.is_empty():
        return []
    last = failures.sort("happened_at", descending=True).row(0, named=True)
    where = f"{last['job']} at {last['step']}" if last["step"] else str(last["job"])
    return [
        Violation(
            "failed runs that no later run got past",
            failures.height,
            f"{where} on {last['happened_at']:%Y-%m-%d %H:%M} UTC: {' '.join(last['error'].split())[:300]}",
            "mend what the error says, then run the season again; the run's page in the UI has all of it",
            "warn",
            tuple(failures["run_id"]),
        )
    ]


def _differs(name: str) -> pl.Expr:
    stored, expected = pl.col(name), pl.col(name + "_expected")
    if standings.LEADERBOARD_SCHEMA[name] == pl.Float64:
        return (stored.is_null() != expected.is_null()) | ((stored - expected).abs() > 2e-6).fill_null(False)
    return stored.ne_missing(expected)
