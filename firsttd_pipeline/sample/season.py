"""A sample season as files in nflverse's own layout and schema, and the truth about what was planted in it.

Invented and deterministic: the same seed gives the same bytes. Every kind of touchdown and every awkward game of the
real league happens here at least once; the `Manifest` says where, for tests to hold the pipeline against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from firsttd_pipeline.sample import schemas
from firsttd_pipeline.sample.calendar import (
    DIVISIONS,
    FIRST_SAMPLE_SEASON,
    LAST_WEEK,
    PLAYOFF_ROUNDS,
    REGULAR_WEEKS,
    TEAMS,
    Fixture,
    opening_thursday,
    playoff_round,
    regular_season,
)
from firsttd_pipeline.sample.people import People, Player, college, invent_name, invent_people
from firsttd_pipeline.sample.plays import Event, Played, Touchdown, play_game

# Columns that hold 0 or 1 (and the yards of a return) on every play, and nothing on the markers between plays.
_FLAG_TEXT = """
sp shotgun no_huddle qb_dropback qb_kneel qb_spike qb_scramble timeout punt_blocked first_down_rush
first_down_pass first_down_penalty third_down_converted third_down_failed fourth_down_converted
fourth_down_failed incomplete_pass touchback interception punt_inside_twenty punt_in_endzone punt_out_of_bounds
punt_downed punt_fair_catch kickoff_inside_twenty kickoff_in_endzone kickoff_out_of_bounds kickoff_downed
kickoff_fair_catch fumble_forced fumble_not_forced fumble_out_of_bounds solo_tackle safety penalty
tackled_for_loss fumble_lost own_kickoff_recovery own_kickoff_recovery_td qb_hit rush_attempt pass_attempt sack
touchdown pass_touchdown rush_touchdown return_touchdown extra_point_attempt two_point_attempt
field_goal_attempt kickoff_attempt punt_attempt fumble complete_pass assist_tackle lateral_reception
lateral_rush lateral_return lateral_recovery replay_or_challenge defensive_two_point_attempt
defensive_two_point_conv defensive_extra_point_attempt defensive_extra_point_conv play_deleted
special_teams_play aborted_play out_of_bounds return_yards
"""
_FLAGS = tuple(_FLAG_TEXT.split())


@dataclass(frozen=True)
class Case:
    """Where a planted case is: the game, the play where there is one, the player it is about."""

    game_id: str
    play_id: int | None = None
    player_id: str | None = None


@dataclass(frozen=True)
class Manifest:
    """The truth about a generated season.

    Attributes:
        scores: game_id -> (away, home) of every game that has been played.
        scheduled: ids of the season's games without a score.
        touchdowns: every valid touchdown, in order of game and play.
        cases: the planted games and people, by name (`CASES`).
        players: gsis_id -> full name.
        pool: per game, players who can be picked: (full name, player_id, team, position), the likeliest first.
    """

    folder: Path
    seed: int
    season: int
    through_week: int
    scores: Mapping[str, tuple[int, int]]
    scheduled: tuple[str, ...]
    touchdowns: tuple[Touchdown, ...]
    cases: Mapping[str, Case]
    players: Mapping[str, str]
    pool: Mapping[str, tuple[tuple[str, str, str, str], ...]] = field(repr=False)

    @property
    def first_touchdowns(self) -> dict[str, Touchdown]:
        """game_id -> its first touchdown; games without one are absent."""
        return {touchdown.game_id: touchdown for touchdown in self.touchdowns if touchdown.first}

    @property
    def games_without_touchdown(self) -> set[str]:
        """Ids of the played games in which nobody scored one."""
        return set(self.scores) - {touchdown.game_id for touchdown in self.touchdowns}


CASES = (
    "kickoff_return",
    "blocked_punt",
    "no_touchdown",
    "late_entry",
    "nullified",
    "kickoff_recovery",
    "interception_offense",
    "lateral",
    "tie",
    "overtime",
    "punt_return",
    "blocked_field_goal",
    "fumble_return",
    "own_fumble",
    "interception_return",
    "lineman",
    "defensive_two_point",
    "safety",
    "namesakes",
    "traded_before",
    "traded_after",
    "two_positions",
    "neutral_site",
    "unknown_scorer",
)


@dataclass
class _Plan:
    """What has to happen in a game, and how its case is found afterwards."""

    case: str
    script: tuple[Event, ...] = ()
    no_touchdown: bool = False
    tie: bool = False
    late_entry: bool = False
    accept: Callable[[Played], bool] | None = None


def generate_season(
    seed: int,
    season: int,
    folder: Path,
    *,
    through_week: int = LAST_WEEK,
    history: int = 4,
    unknown_scorers: int = 0,
) -> Manifest:
    """Write a sample season's files into `folder` and tell the truth about them.

    Writes `schedules/games.parquet` (the season and up to `history` seasons before it, scores only),
    `rosters/roster_{season}.parquet` and, once a week has been played, `weekly_rosters/roster_weekly_{season}.parquet`
    and `pbp/play_by_play_{season}.parquet`. Existing files of these names are replaced.

    Args:
        seed: equal seeds give equal bytes, and a longer `through_week` only adds games.
        season: 2021 or later.
        folder: made if it is not there.
        through_week: plays and scores up to this week, 0 (nothing played) to 22 (all).
        history: how many seasons before it the schedule knows.
        unknown_scorers: in so many games the last touchdown has no scorer, as upstream has had in the past.

    Raises:
        ValueError: the season or the week is out of range.
    """
    if not 0 <= through_week <= LAST_WEEK:
        raise ValueError(f"through_week {through_week} is not 0 to {LAST_WEEK}")
    first = max(FIRST_SAMPLE_SEASON, season - history)
    strength = _strength(Random(f"{seed}/strength"))
    schedule: list[Row] = []
    fixtures = regular_season(season, Random(f"{seed}/{season}/schedule"))
    for past in range(first, season):
        schedule += _past_season(seed, past, strength)
        strength = _drift(strength, Random(f"{seed}/{past}/drift"))

    plans, people, quiet = _plan(fixtures, seed, season)
    played: dict[str, Played] = {}

    def play(games: Iterable[Fixture]) -> list[Fixture]:
        done = []
        for fixture in games:
            if fixture.week > through_week:
                continue
            plan = plans.get(fixture.game_id, _Plan(""))
            lineups = {team: people.lineup(team, fixture.week) for team in (fixture.away, fixture.home)}
            played[fixture.game_id] = play_game(
                fixture,
                lineups,
                strength,
                f"{seed}/{fixture.game_id}",
                plan.script,
                no_touchdown=plan.no_touchdown,
                tie=plan.tie,
                late_entry=plan.late_entry,
                accept=plan.accept,
            )
            done.append(fixture)
        return done

    play(fixtures)
    results = {game_id: (game.away_score, game.home_score) for game_id, game in played.items()}
    fixtures = _with_playoffs(fixtures, results, through_week, season, play, played)

    if unknown_scorers:
        _forget_scorers(played, unknown_scorers)
    schedule += [_schedule_row(fixture, played.get(fixture.game_id), seed) for fixture in fixtures]
    _rest(schedule)

    folder.mkdir(parents=True, exist_ok=True)
    _write(_frame(schedule, schemas.SCHEDULES), folder / "schedules" / "games.parquet")
    static = _static(people, season, seed)
    _write(
        _seasonal_roster(people, static, season, through_week, fixtures),
        folder / "rosters" / f"roster_{season}.parquet",
    )
    weekly = folder / "weekly_rosters" / f"roster_weekly_{season}.parquet"
    plays = folder / "pbp" / f"play_by_play_{season}.parquet"
    if played:
        _write(_weekly_roster(people, static, season, through_week, fixtures), weekly)
        _write(_plays(played, {row["game_id"]: row for row in schedule}, season), plays)
    else:
        weekly.unlink(missing_ok=True)
        plays.unlink(missing_ok=True)

    return Manifest(
        folder=folder,
        seed=seed,
        season=season,
        through_week=through_week,
        scores={game_id: (game.away_score, game.home_score) for game_id, game in played.items()},
        scheduled=tuple(fixture.game_id for fixture in fixtures if fixture.game_id not in played),
        touchdowns=tuple(touchdown for game in played.values() for touchdown in game.touchdowns),
        cases=_cases(plans, played, quiet),
        players={player.player_id: player.full_name for player in people.players},
        pool={fixture.game_id: _pool(people, fixture) for fixture in fixtures},
    )


Row = dict[str, Any]


# --- what is planted where -------------------------------------------------------------------------------------------


def _first_is(kind: str) -> Callable[[Played], bool]:
    return lambda game: bool(game.touchdowns) and game.touchdowns[0].kind == kind


def _plan(fixtures: list[Fixture], seed: int, season: int) -> tuple[dict[str, _Plan], People, dict[str, Fixture]]:
    """Which game gets which case; the people they need; the cases that need no script."""
    by_week: dict[int, list[Fixture]] = defaultdict(list)
    for fixture in fixtures:
        by_week[fixture.week].append(fixture)
    plans: dict[str, _Plan] = {}

    def take(week: int, *teams: str) -> Fixture:
        """A game of the week without a plan, of these teams if any are given."""
        for fixture in by_week[week]:
            if fixture.game_id not in plans and (not teams or {fixture.away, fixture.home} & set(teams)):
                return fixture
        raise RuntimeError(f"week {week} has no free game for {teams}")  # 16 games, at most 9 plans

    early, late = by_week[2][0], by_week[2][1]
    trade = (early.away, late.away, 9)
    namesakes, two_positions = by_week[4][0].home, by_week[4][1].home
    people = invent_people(season, Random(f"{seed}/{season}/people"), trade, namesakes, two_positions)

    def plant(fixture: Fixture, plan: _Plan) -> None:
        plans[fixture.game_id] = plan

    def scores_first(player: Player) -> Callable[[Played], bool]:
        return lambda game: game.touchdowns[0].player_id == player.player_id

    def twice(game: Played) -> bool:
        return len(game.touchdowns) > 1 and game.touchdowns[0].player_id != game.touchdowns[1].player_id

    def overtime(game: Played) -> bool:
        return bool(game.touchdowns) and game.touchdowns[-1].quarter > 4

    traded = people.traded
    plant(early, _Plan("traded_before", (Event("touchdown", 1, trade[0], traded),), accept=scores_first(traded)))
    for week in range(10, REGULAR_WEEKS):
        game = next((g for g in by_week[week] if trade[1] in (g.away, g.home)), None)
        if game and trade[0] not in (game.away, game.home):
            plant(game, _Plan("traded_after", (Event("touchdown", 1, trade[1], traded),), accept=scores_first(traded)))
            break
    receiver, back = people.namesakes
    home = next(g for g in by_week[4] if g.home == namesakes)
    plant(
        home,
        _Plan(
            "namesakes",
            (Event("touchdown", 1, namesakes, receiver), Event("interception_return", 3, home.away, back)),
            accept=scores_first(receiver),
        ),
    )
    runner = people.two_positions
    home = next(g for g in by_week[4] if g.home == two_positions)
    plant(home, _Plan("two_positions", (Event("touchdown", 1, two_positions, runner),), accept=scores_first(runner)))

    plant(take(1), _Plan("kickoff_return", (Event("kickoff_return"),), accept=_first_is("kickoff_return")))
    plant(take(1), _Plan("blocked_punt", (Event("blocked_punt"),), accept=_first_is("blocked_punt")))
    plant(take(1), _Plan("no_touchdown", no_touchdown=True, accept=lambda game: game.away_score != game.home_score))
    plant(take(1), _Plan("late_entry", late_entry=True, accept=twice))
    plant(
        take(1),
        _Plan(
            "nullified",
            (Event("nullified"), Event("reversed", 2)),
            accept=lambda game: (
                bool(game.touchdowns)
                and max(game.ids.values()) < min(game.touchdowns[0].order_sequence, game.touchdowns[0].play_id)
            ),
        ),
    )
    plant(take(2), _Plan("kickoff_recovery", (Event("kickoff_recovery"),), accept=_first_is("kickoff_recovery")))
    plant(take(2), _Plan("interception_offense", (Event("interception_offense"),)))
    plant(take(2), _Plan("lateral", (Event("lateral"),), accept=_first_is("pass")))
    plant(take(2), _Plan("tie", tie=True, accept=lambda g: g.away_score == g.home_score and bool(g.touchdowns)))
    plant(take(2), _Plan("overtime", accept=overtime))
    for name in ("punt_return", "blocked_field_goal", "fumble_return", "own_fumble", "interception_return"):
        plant(take(3), _Plan(name, (Event(name),), accept=_first_is(name)))
    plant(take(3), _Plan("lineman", (Event("lineman"),), accept=_first_is("pass")))
    plant(take(3), _Plan("defensive_two_point", (Event("defensive_two_point"),)))
    plant(take(3), _Plan("safety", (Event("safety"),)))
    neutral = next(fixture for fixture in fixtures if fixture.neutral)
    return plans, people, {"neutral_site": neutral}


def _cases(plans: dict[str, _Plan], played: dict[str, Played], quiet: dict[str, Fixture]) -> dict[str, Case]:
    """Where the planted cases that have been played are."""
    cases: dict[str, Case] = {}
    for game_id, plan in plans.items():
        game = played.get(game_id)
        if game is None:
            continue
        planted = game.ids.get(plan.case)
        if planted is None and game.touchdowns and plan.case != "safety":
            touchdown = game.touchdowns[-1] if plan.case == "overtime" else game.touchdowns[0]
            if plan.case == "interception_offense":
                touchdown = next(t for t in game.touchdowns if t.kind == "after_interception")
            cases[plan.case] = Case(game_id, touchdown.play_id, touchdown.player_id)
        elif plan.case == "safety":
            row = next(row for row in game.rows if row.get("safety"))
            cases[plan.case] = Case(game_id, int(row["play_id"]))
        else:
            cases[plan.case] = Case(game_id, planted)
    for name, fixture in quiet.items():
        if fixture.game_id in played:
            cases[name] = Case(fixture.game_id)
    for game_id, game in played.items():
        for touchdown in game.touchdowns:
            if not touchdown.player_id and "unknown_scorer" not in cases:
                cases["unknown_scorer"] = Case(game_id, touchdown.play_id)
    return cases


def _forget_scorers(played: dict[str, Played], games: int) -> None:
    """Leave out the scorer of the last touchdown of some games without a plan, as late in the season as there are."""
    left = games
    for game in reversed(played.values()):
        if left and len(game.touchdowns) > 2 and game.fixture.game_type == "REG" and game.fixture.week > 4:
            last = game.touchdowns[-1]
            row = next(row for row in game.rows if row["play_id"] == last.play_id)
            row["td_player_id"] = row["td_player_name"] = None
            game.touchdowns[-1] = Touchdown(
                last.game_id, last.play_id, last.order_sequence, "", "", last.team, last.quarter, last.clock, last.kind
            )
            left -= 1


def _pool(people: People, fixture: Fixture) -> tuple[tuple[str, str, str, str], ...]:
    pool = []
    for position, ranks in (("RB", 2), ("WR", 3), ("TE", 2), ("QB", 1)):
        for rank in range(ranks):
            for team in (fixture.home, fixture.away):
                group = people.lineup(team, fixture.week)[position]
                if rank < len(group):
                    pool.append((group[rank].full_name, group[rank].player_id, team, position))
    return tuple(pool)


# --- the schedule ----------------------------------------------------------------------------------------------------


def _strength(rng: Random) -> dict[str, float]:
    return {team: rng.gauss(0.0, 5.0) for team in TEAMS}


def _drift(strength: dict[str, float], rng: Random) -> dict[str, float]:
    return {team: 0.6 * value + rng.gauss(0.0, 4.0) for team, value in strength.items()}


def _past_season(seed: int, season: int, strength: dict[str, float]) -> list[Row]:
    """A finished season of which only the schedule is known."""
    rng = Random(f"{seed}/{season}/past")
    scores: dict[str, tuple[int, int]] = {}

    def play(games: Iterable[Fixture]) -> list[Fixture]:
        for fixture in games:
            edge = (strength[fixture.home] - strength[fixture.away]) / 2 + 1
            home, away = (max(0, round(rng.gauss(22.5 + side, 8.5))) for side in (edge, -edge))
            if home == away and (fixture.game_type != "REG" or rng.random() < 0.9):
                home += 3
            scores[fixture.game_id] = (away, home)
        return list(games)

    fixtures = regular_season(season, Random(f"{seed}/{season}/schedule"))
    play(fixtures)
    fixtures = _with_playoffs(fixtures, scores, LAST_WEEK, season, play, None)
    return [_schedule_row(fixture, scores[fixture.game_id], seed) for fixture in fixtures]


def _with_playoffs(
    fixtures: list[Fixture],
    scores: dict[str, tuple[int, int]],
    through_week: int,
    season: int,
    play: Callable[[list[Fixture]], list[Fixture]],
    played: dict[str, Played] | None,
) -> list[Fixture]:
    """The fixtures and each playoff round whose pairs are known after `through_week`; `play` plays a round."""
    if through_week < REGULAR_WEEKS:
        return fixtures
    seeds = {conference: _seeds(conference, fixtures, scores) for conference in ("AFC", "NFC")}
    left = dict(seeds)
    result = list(fixtures)
    for week in PLAYOFF_ROUNDS:
        if through_week < week - 1:
            break
        pairs: list[tuple[str, str]] = []
        if week == LAST_WEEK:
            afc, nfc = left["AFC"][0], left["NFC"][0]
            pairs = [(nfc, afc) if season % 2 else (afc, nfc)]
        else:
            for teams in left.values():
                active = teams[1:] if week == 19 else teams
                pairs += [(active[-1 - i], active[i]) for i in range(len(active) // 2)]
        games = playoff_round(season, week, pairs)
        result += games
        play(games)
        if played is not None:
            scores.update({g: (p.away_score, p.home_score) for g, p in played.items()})
        if through_week >= week:
            losers = {g.home if scores[g.game_id][0] > scores[g.game_id][1] else g.away for g in games}
            left = {name: [team for team in teams if team not in losers] for name, teams in left.items()}
    return result


def _seeds(conference: str, fixtures: list[Fixture], scores: dict[str, tuple[int, int]]) -> list[str]:
    """Seven teams: the four division winners, then the best of the rest."""
    record: dict[str, list[float]] = {team: [0.0, 0.0] for team in TEAMS}
    for fixture in fixtures:
        away, home = scores[fixture.game_id]
        for team, own, theirs in ((fixture.away, away, home), (fixture.home, home, away)):
            record[team][0] += 1.0 if own > theirs else 0.5 if own == theirs else 0.0
            record[team][1] += own - theirs

    def order(teams: Iterable[str]) -> list[str]:
        return sorted(teams, key=lambda team: (-record[team][0], -record[team][1], team))

    divisions = [teams for name, teams in DIVISIONS.items() if name.startswith(conference)]
    winners = order(order(teams)[0] for teams in divisions)
    rest = order(team for teams in divisions for team in teams if team not in winners)
    return winners + rest[:3]


def _schedule_row(fixture: Fixture, result: Played | tuple[int, int] | None, seed: int) -> Row:
    row: Row = {
        "game_id": fixture.game_id,
        "season": fixture.season,
        "game_type": fixture.game_type,
        "week": fixture.week,
        "gameday": fixture.gameday.isoformat(),
        "weekday": fixture.gameday.strftime("%A"),
        "gametime": fixture.gametime,
        "away_team": fixture.away,
        "home_team": fixture.home,
        "location": "Neutral" if fixture.neutral else "Home",
        "div_game": int(fixture.division_game),
        "roof": "outdoors",
        "surface": "grass",
        "away_coach": invent_name(Random(f"{seed}/coach/{fixture.away}")),
        "home_coach": invent_name(Random(f"{seed}/coach/{fixture.home}")),
        "stadium_id": f"{fixture.home}90",
        "stadium": f"Sample Field {fixture.home}",
    }
    if result is None:
        return row
    away, home = result if isinstance(result, tuple) else (result.away_score, result.home_score)
    overtime = result.overtime if isinstance(result, Played) else away == home
    return row | {
        "away_score": away,
        "home_score": home,
        "result": home - away,
        "total": home + away,
        "overtime": int(overtime),
    }


def _rest(schedule: list[Row]) -> None:
    """Days since each team's last game (7 before the first), and upstream's older game id."""
    last: dict[tuple[str, int], date] = {}
    number: dict[str, int] = defaultdict(int)
    for row in sorted(schedule, key=lambda row: (row["gameday"], row["game_id"])):
        day = date.fromisoformat(row["gameday"])
        for side in ("away", "home"):
            key = (row[f"{side}_team"], row["season"])
            row[f"{side}_rest"] = (day - last.get(key, day - timedelta(days=7))).days
            last[key] = day
        row["old_game_id"] = int(f"{day:%Y%m%d}{number[row['gameday']]:02d}")
        number[row["gameday"]] += 1


# --- the rosters -----------------------------------------------------------------------------------------------------


def _static(people: People, season: int, seed: int) -> pl.DataFrame:
    """What does not change during a season, one row per player, in the order of `people.players`."""
    rng = Random(f"{seed}/{season}/bodies")
    heavy = {"OL": 310, "DL": 295, "LB": 240, "TE": 248, "QB": 218, "RB": 212, "WR": 196, "DB": 194}
    rows: list[Row] = []
    for player in people.players:
        entry = season - player.experience
        rows.append(
            {
                "season": season,
                "jersey_number": player.jersey,
                "full_name": player.full_name,
                "first_name": player.first_name,
                "last_name": player.last_name,
                "football_name": player.football_name,
                "birth_date": date(entry - 22, rng.randint(1, 12), rng.randint(1, 28)),
                "height": float(rng.randint(69, 78)),
                "weight": heavy.get(player.position, 205) + rng.randint(-12, 12),
                "college": college(rng),
                "gsis_id": player.player_id,
                "years_exp": player.experience,
                "entry_year": entry,
                "rookie_year": entry,
                "draft_club": player.team if rng.random() < 0.7 else None,
            }
        )
    return _frame(rows, schemas.ROSTERS)


def _seasonal_roster(
    people: People, static: pl.DataFrame, season: int, through_week: int, fixtures: list[Fixture]
) -> pl.DataFrame:
    """One row per player with his latest team and position."""
    last: dict[str, Fixture] = {}
    for fixture in fixtures:
        if fixture.week <= max(1, through_week):
            last[fixture.away] = last[fixture.home] = fixture
    week = max(1, through_week)
    rows = []
    for player in people.players:
        team = player.team_at(week)
        final = last[team]
        rows.append(
            {
                "team": team,
                "position": player.position_at(week),
                "depth_chart_position": player.depth_position if player.moved is None else player.position_at(week),
                "status": player.status,
                "week": 1 if player.status == "CUT" else final.week,
                "game_type": "REG" if player.status == "CUT" else final.game_type,
            }
        )
    changing = pl.DataFrame(rows, schema={name: schemas.ROSTERS[name] for name in rows[0]})
    return static.with_columns(changing.get_columns()).cast(schemas.ROSTERS)  # type: ignore[arg-type]


def _weekly_roster(
    people: People, static: pl.DataFrame, season: int, through_week: int, fixtures: list[Fixture]
) -> pl.DataFrame:
    """One row per player and week in which his team played."""
    playing: dict[int, dict[str, str]] = defaultdict(dict)
    for fixture in fixtures:
        playing[fixture.week].update({fixture.away: fixture.game_type, fixture.home: fixture.game_type})
    picked: list[int] = []
    columns: dict[str, list[Any]] = {
        name: [] for name in ("team", "position", "depth_chart_position", "status", "week", "game_type")
    }
    for week in range(1, through_week + 1):
        for index, player in enumerate(people.players):
            team = player.team_at(week)
            if team not in playing[week] or (player.status == "CUT" and week > 1):
                continue
            picked.append(index)
            position = player.position_at(week)
            values = (
                team,
                position,
                player.depth_position if player.moved is None else position,
                player.status_at(week),
                week,
                playing[week][team],
            )
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    changing = pl.DataFrame(columns, schema={name: schemas.WEEKLY_ROSTERS[name] for name in columns})
    return static[picked].with_columns(changing.get_columns()).cast(schemas.WEEKLY_ROSTERS)  # type: ignore[arg-type]


# --- the plays -------------------------------------------------------------------------------------------------------


def _plays(played: dict[str, Played], schedule: dict[str, Row], season: int) -> pl.DataFrame:
    """Every play, as upstream's file has it: 372 columns, ordered by game and play_id."""
    rows: list[Row] = []
    counts: list[int] = []
    for game in played.values():
        ordered = sorted(game.rows, key=lambda row: row["play_id"])
        rows += ordered
        counts.append(len(ordered))
    names = sorted({name for row in rows for name in row} - {"td_kind"})
    known = {name: schemas.PLAYS.get(name, pl.Float64()) for name in names}
    frame = pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], kind) for name, kind in known.items()})

    games = _frame([schedule[game_id] for game_id in played], schemas.SCHEDULES)
    shared = ["game_id", "week", "home_team", "away_team", "game_type", "gameday", "old_game_id", "location", "roof"]
    shared += ["surface", "home_coach", "away_coach", "stadium_id", "stadium", "result", "total", "div_game"]
    shared += ["away_score", "home_score"]
    repeated = [i for i, count in enumerate(counts) for _ in range(count)]
    frame = frame.with_columns(games.select(shared)[repeated].get_columns())

    real = pl.col("play_type").is_not_null()
    home = pl.col("posteam") == pl.col("home_team")
    spot = pl.col("yardline_100")
    frame = frame.with_columns(
        season=pl.lit(season, pl.Int32),
        season_type=pl.when(pl.col("game_type") == "REG").then(pl.lit("REG")).otherwise(pl.lit("POST")),
        old_game_id=pl.col("old_game_id").cast(pl.String),
        game_date=pl.col("gameday"),
        game_stadium=pl.col("stadium"),
        posteam_type=pl.when(home).then(pl.lit("home")).when(pl.col("posteam").is_not_null()).then(pl.lit("away")),
        side_of_field=pl.when(spot > 50).then("posteam").when(spot < 50).then("defteam"),
        half_seconds_remaining=pl.col("quarter_seconds_remaining")
        + pl.when(pl.col("qtr").is_in([1.0, 3.0])).then(900.0).otherwise(0.0),
        game_half=pl.when(pl.col("qtr") <= 2)
        .then(pl.lit("Half1"))
        .when(pl.col("qtr") <= 4)
        .then(pl.lit("Half2"))
        .otherwise(pl.lit("Overtime")),
        quarter_end=(pl.col("play_type_nfl") == "END_QUARTER").cast(pl.Float64),
        drive=pl.col("drive_number"),
        fixed_drive=pl.col("drive_number"),
        goal_to_go=(pl.col("ydstogo") >= spot).cast(pl.Int32),
        score_differential=pl.col("posteam_score") - pl.col("defteam_score"),
        score_differential_post=pl.col("posteam_score_post") - pl.col("defteam_score_post"),
        passer=pl.col("passer_player_name"),
        passer_id=pl.col("passer_player_id"),
        receiver=pl.col("receiver_player_name"),
        receiver_id=pl.col("receiver_player_id"),
        rusher=pl.col("rusher_player_name"),
        rusher_id=pl.col("rusher_player_id"),
        play=pl.col("play_type").is_in(["run", "pass"]).cast(pl.Float64),
        **{"pass": (pl.col("play_type") == "pass").cast(pl.Float64)},
        rush=(pl.col("play_type") == "run").cast(pl.Float64),
        special=pl.col("play_type").is_in(["kickoff", "punt", "field_goal", "extra_point"]).cast(pl.Float64),
    )
    frame = frame.with_columns(
        yrdln=pl.when(spot == 50)
        .then(pl.lit("50"))
        .otherwise(
            pl.format("{} {}", "side_of_field", pl.when(spot > 50).then(100 - spot).otherwise(spot).cast(pl.Int64))
        ),
        **{
            name: pl.when(real).then(pl.col(name).fill_null(0.0) if name in frame.columns else pl.lit(0.0))
            for name in _FLAGS
        },
    )
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in schemas.PLAYS.items()
    )


# --- files -----------------------------------------------------------------------------------------------------------


def _frame(rows: list[Row], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], kind) for name, kind in schema.items()})


def _write(frame: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd", row_group_size=1_000_000)


__all__ = ["CASES", "Case", "Manifest", "Touchdown", "generate_season", "opening_thursday"]
