"""Sample leagues: a sheet of typed picks for a sample season, and large leagues written straight into a database.

Deterministic from a seed. The sheet goes through the same import as a real one; the large leagues are for measuring
and skip it, but satisfy every constraint of the tables.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from sqlalchemy import Table, func, insert, select

from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.standings import leaderboard as standings
from firsttd_pipeline.domain.teams import TEAMS as TEAM_NAMES
from firsttd_pipeline.sample.calendar import LAST_WEEK, TEAMS, Fixture, regular_season
from firsttd_pipeline.sample.people import People, invent_people
from firsttd_pipeline.storage import grade_triggers, schema
from firsttd_pipeline.storage.engine import Database

SHEET_COLUMNS = ("user", "season", "week", "game_id", "player", "odds")

_MEMBERS = (
    *("Ada", "Bruno", "Carla", "Dmitri", "Esther", "Farid", "Gwen", "Hugo", "Ines", "Jonas"),
    *("Keiko", "Luis", "Mara", "Nils", "Olga", "Pablo", "Rosa", "Sven", "Tilda", "Yusuf"),
)
_SKILL = {"RB": 9, "WR": 9, "TE": 4, "QB": 2}
_ODDS = {"RB": (450, 1100), "WR": (600, 1800), "TE": (900, 2200), "QB": (1000, 2800)}
_CHUNK = 100_000


# --- the sheet -------------------------------------------------------------------------------------------------------


def generate_league(
    seed: int,
    folder: Path,
    *,
    members: int = 12,
    season: int | None = None,
    path: Path | None = None,
    winners: float = 0.15,
    skipped: float = 0.04,
) -> Path:
    """Write a sheet of typed picks for the season in `folder` (as `generate_season` left it) and return its path.

    Every member picks a player of some game each week, a few skip a week. Names are typed as people do (case,
    punctuation, accents, suffixes and initials), so that normalising resolves them among the game's two teams; a few
    picks are a team's defence or no touchdown at all, and a few odds are missing.

    Args:
        seed: equal seeds give equal sheets.
        folder: with schedules/, rosters/ and, where weeks have been played, pbp/.
        members: how many members, all with other names.
        season: which season of the folder's schedule; default its last.
        path: where to write; default `picks_{season}.csv` in the folder.
        winners: share of picks that take the game's real first scorer.
        skipped: share of weeks that a member forgets.

    Returns:
        The CSV file, in the plain form `user,season,week,game_id,player,odds`.
    """
    schedule = pl.read_parquet(folder / "schedules" / "games.parquet")
    season = season or max(schedule["season"])
    games = schedule.filter(pl.col("season") == season).sort("week", "gameday", "gametime", "game_id")
    roster = pl.read_parquet(folder / "rosters" / f"roster_{season}.parquet")
    first = _first_scorers(folder / "pbp" / f"play_by_play_{season}.parquet")
    by_team = {str(key[0]): rows for key, rows in roster.partition_by("team", as_dict=True).items()}
    by_week = _weekly_by_team(folder / "weekly_rosters" / f"roster_weekly_{season}.parquet")
    rng = Random(f"{seed}/{season}/league")

    weeks: dict[int, list[dict[str, Any]]] = {}
    for game in games.iter_rows(named=True):
        weeks.setdefault(game["week"], []).append(game)
    choices = {
        game["game_id"]: _choices(game, by_team | by_week.get(game["week"], {})) for game in games.iter_rows(named=True)
    }

    rows: list[tuple[str, int, int, str, str, int | None]] = []
    for week, played in weeks.items():
        for member in member_names(members):
            if rng.random() < skipped:
                continue
            game = rng.choice(played)
            typed, odds = _pick(game, choices[game["game_id"]], first.get(game["game_id"]), winners, rng)
            rows.append((member, season, week, game["game_id"], typed, odds))
    target = path or folder / f"picks_{season}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SHEET_COLUMNS)
        writer.writerows(rows)
    return target


def member_names(count: int) -> list[str]:
    """So many members, no two of one name."""
    return [_MEMBERS[i] if i < len(_MEMBERS) else f"{_MEMBERS[i % len(_MEMBERS)]} {i:04d}" for i in range(count)]


def _first_scorers(path: Path) -> dict[str, str]:
    """game_id -> gsis_id of the first scorer, where one is known."""
    if not path.exists():
        return {}
    scored = (
        pl.scan_parquet(path)
        .filter(pl.col("touchdown") == 1)
        .select("game_id", "order_sequence", "play_id", "td_player_id")
        .collect()
        .sort("game_id", "order_sequence", "play_id")
        .unique("game_id", keep="first", maintain_order=True)
        .drop_nulls("td_player_id")
    )
    return dict(scored.select("game_id", "td_player_id").iter_rows())


def _weekly_by_team(path: Path) -> dict[int, dict[str, pl.DataFrame]]:
    """week -> team -> its players that week, where a weekly roster is there."""
    if not path.exists():
        return {}
    found: dict[int, dict[str, pl.DataFrame]] = {}
    for key, rows in pl.read_parquet(path).partition_by("week", "team", as_dict=True, maintain_order=True).items():
        found.setdefault(int(key[0]), {})[str(key[1])] = rows
    return found


def _choices(game: dict[str, Any], by_team: dict[str, pl.DataFrame]) -> dict[str, tuple[str, str]]:
    """gsis_id -> (full name, position) of the game's players whose name only one of them bears."""
    bearers: dict[str, list[tuple[str, str, str]]] = {}
    for team in (game["home_team"], game["away_team"]):
        columns = by_team[team].select("gsis_id", "full_name", "position", "status")
        for player_id, name, position, _ in columns.filter(pl.col("gsis_id").is_not_null()).iter_rows():
            bearers.setdefault(normalise(name), []).append((player_id, name, position))
    return {people[0][0]: people[0][1:] for people in bearers.values() if len(people) == 1}


def _pick(
    game: dict[str, Any], choices: dict[str, tuple[str, str]], first: str | None, winners: float, rng: Random
) -> tuple[str, int | None]:
    """What a member types, and the odds."""
    chance = rng.random()
    if chance < 0.02:
        return rng.choice(("No Touchdown", "no td", "No TD")), 5000
    if chance < 0.06:
        team = rng.choice((game["home_team"], game["away_team"]))
        form = rng.choice(("{nickname} D/ST", "{code} DST", "{nickname} defense"))
        return form.format(nickname=TEAM_NAMES[team].nickname, code=team), rng.randrange(1200, 3000, 100)
    if first in choices and rng.random() < winners:
        name, position = choices[first]
    else:
        skilled = [(name, position) for name, position in choices.values() if position in _SKILL]
        name, position = rng.choices(skilled, [_SKILL[position] for _, position in skilled])[0]
    low, high = _ODDS.get(position, (4000, 9000))
    odds = None if rng.random() < 0.06 else rng.randrange(low, high, 50)
    return _typed(name, rng), odds


def _typed(name: str, rng: Random) -> str:
    """The name as somebody might type it."""
    forms: tuple[Callable[[str], str], ...] = (
        lambda text: text,
        lambda text: text,
        str.lower,
        str.upper,
        lambda text: text.replace(".", "").replace("'", ""),
        lambda text: text.removesuffix(" Jr.").removesuffix(" III"),
        lambda text: text.replace("é", "e"),
        lambda text: f" {text} ".replace(" ", "  "),
    )
    return rng.choice(forms)(name)


# --- large leagues ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BulkLeague:
    """What `bulk_league` wrote."""

    season: int
    members: int
    picks: int
    won: int
    leaderboard_rows: int


def bulk_league(
    db: Database, members: int, picks: int, seed: int, *, season: int = 2025, now: datetime | None = None
) -> BulkLeague:
    """Fill an upgraded database with a league of one season: graded picks and the tables made of them.

    Members, picks, pick_status, results and the leaderboard are always written. Weeks, games, rosters and player_stats
    are written where the season has none, else the ones that are there are used. Everything is in one transaction.

    Args:
        db: an upgraded database without picks in that season.
        members: how many members; each gets equally many picks, give or take one.
        picks: how many picks, at most as many as there are players in the games for each member.
        seed: equal seeds give equal rows.
        season: the season.
        now: the instant written as graded_at (aware); default: the middle of the February after the season.

    Raises:
        ValueError: more picks for a member than different players in the season's games.
    """
    rng = Random(f"{seed}/{season}/bulk")
    now = now or datetime(season + 1, 2, 15, 12, tzinfo=UTC)
    with db.write() as conn:
        if db.dialect == "sqlite":
            conn.exec_driver_sql("PRAGMA cache_size = -400000")
        have = conn.execute(
            select(func.count()).select_from(schema.games).where(schema.games.c.season == season)
        ).scalar_one()
        if not have:
            fixtures = regular_season(season, rng)
            _put(conn, schema.weeks, ({"season": season, "week": week} for week in range(1, LAST_WEEK + 1)))
            _put(conn, schema.games, (_game_row(fixture, rng) for fixture in fixtures))
        games = conn.execute(
            select(schema.games.c.id, schema.games.c.week, schema.games.c.home_team, schema.games.c.away_team,
                   schema.games.c.kickoff_at)
            .where(schema.games.c.season == season, schema.games.c.status == "final")
            .order_by(schema.games.c.week, schema.games.c.id)
        ).all()  # fmt: skip
        rostered = conn.execute(
            select(func.count()).select_from(schema.rosters).where(schema.rosters.c.season == season)
        ).scalar_one()
        if not rostered:
            people = invent_people(season, rng, (TEAMS[0], TEAMS[1], 9), TEAMS[2], TEAMS[3])
            _put(conn, schema.rosters, _roster_rows(people, season))
        by_team = _skill_players(conn, season)
        numbered = conn.execute(
            select(schema.weeks.c.week, schema.weeks.c.id).where(schema.weeks.c.season == season)
        ).all()
        weeks = {row.week: row.id for row in numbered}
        first_user = (conn.execute(select(func.max(schema.users.c.id))).scalar() or 0) + 1
        first_pick = (conn.execute(select(func.max(schema.picks.c.id))).scalar() or 0) + 1
        _put(
            conn,
            schema.users,
            ({"id": first_user + i, "name": f"Member {first_user + i:06d}"} for i in range(members)),
        )

        offers: dict[int, list[tuple[Any, ...]]] = {}
        for game in games:
            players = [*by_team.get(game.home_team, ()), *by_team.get(game.away_team, ())]
            first = rng.choice(players)
            scorers = set(rng.sample(players, 4)) | {first}
            offers.setdefault(game.week, []).extend(
                (game.id, game.kickoff_at, *player, player is first, player in scorers, first) for player in players
            )
        for offer in offers.values():
            rng.shuffle(offer)
        numbers = sorted(offers)
        each = -(-picks // members)
        if each > sum(len(offer) for offer in offers.values()):
            raise ValueError(f"{each} picks a member: there are only {sum(map(len, offers.values()))} to choose from")
        quota = _spread(each, [len(offers[week]) for week in numbers])
        short = each * members - picks  # so many members, the last ones, have one pick less
        full = each * (members - short)

        pick_rows: list[tuple[Any, ...]] = []
        state_rows: list[tuple[Any, ...]] = []
        result_rows: list[tuple[Any, ...]] = []
        graded: list[tuple[Any, ...]] = []
        stamp = now.astimezone(UTC)
        for number in range(picks):
            # one member after the other, so that the indexes by user grow at their end
            member, index = divmod(number, each) if number < full else divmod(number - full, each - 1)
            member += members - short if number >= full else 0
            week, place = quota[index]
            offer = offers[numbers[week]]
            # every member starts elsewhere in the week's offer and takes what follows: no player twice
            game_id, kickoff, player_id, name, team, position, won, scored, first = offer[
                (member * 7 + place) % len(offer)
            ]
            pick_id = first_pick + number
            odds = 300.0 + (pick_id * 37) % 1700
            profit = odds / 100 if won else -1.0
            points = 4.0 if won else 1.0 if scored else 0.0
            user_id = first_user + member
            pick_rows.append(
                (pick_id, user_id, weeks[numbers[week]], team, name, odds, game_id, "player", player_id, position)
            )
            state_rows.append((pick_id, "won" if won else "lost", "official", points, 1.0, "stacking/1"))
            result_rows.append((pick_id, first[1], won, profit, scored, first[0], stamp, "pipeline"))
            graded.append(
                (pick_id, user_id, numbers[week], "won" if won else "lost", points, 1.0, profit, scored, kickoff)
            )
        grade_triggers.uninstall(conn)  # a league made at once has no history
        dropped = _lay_aside(conn, (schema.picks, schema.pick_status, schema.results))
        table = schema.picks.c
        _put_tuples(
            conn,
            schema.picks,
            (table.id, table.user_id, table.week_id, table.team, table.player_name, table.odds, table.game_id,
             table.kind, table.player_id, table.position),
            pick_rows,
        )  # fmt: skip
        state = schema.pick_status.c
        _put_tuples(
            conn,
            schema.pick_status,
            (state.pick_id, state.status, state.finality, state.points, state.stake, state.rule_pack),
            state_rows,
        )
        result = schema.results.c
        _put_tuples(
            conn,
            schema.results,
            (result.pick_id, result.actual_scorer, result.is_correct, result.actual_return, result.any_time_td,
             result.actual_scorer_id, result.graded_at, result.graded_by),
            result_rows,
        )  # fmt: skip
        for statement in dropped:
            conn.exec_driver_sql(statement)
        grade_triggers.install(conn)
        frame = pl.DataFrame(
            graded,
            orient="row",
            schema={
                "pick_id": pl.Int64,
                "user_id": pl.Int64,
                "week": pl.Int64,
                "status": pl.String,
                "points": pl.Float64,
                "stake": pl.Float64,
                "profit": pl.Float64,
                "any_time_td": pl.Boolean,
                "kickoff_at": pl.Datetime("us", "UTC"),
            },
        )
        board = standings(season, frame)
        _put(conn, schema.leaderboard, board.iter_rows(named=True))
        _player_stats(conn, season, pick_rows, graded)
        if db.dialect == "sqlite":
            conn.exec_driver_sql("ANALYZE")
    return BulkLeague(season, members, picks, sum(row[3] == "won" for row in graded), board.height)


def _lay_aside(conn: Any, tables: Sequence[Table]) -> list[str]:
    """Drop the triggers and plain indexes of tables about to be filled, and return what makes them again.

    SQLite only, inside the transaction. The foreign keys stay on: the triggers only put them into words.
    """
    if conn.dialect.name != "sqlite":
        return []
    names = ", ".join(f"'{table.name}'" for table in tables)
    found = conn.exec_driver_sql(
        f"SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN ({names}) "  # noqa: S608
        "AND type IN ('trigger', 'index') AND sql IS NOT NULL ORDER BY type, name"
    ).all()
    for kind, name, _ in found:
        conn.exec_driver_sql(f"DROP {kind} {name}")
    return [statement for _, _, statement in found]


def _spread(each: int, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """The (week index, place in that week) of each of a member's picks: evenly over the weeks while they have room."""
    order: list[tuple[int, int]] = []
    place = 0
    while len(order) < each:
        order += [(week, place) for week, size in enumerate(sizes) if place < size]
        place += 1
    return order[:each]


def _game_row(fixture: Fixture, rng: Random) -> dict[str, Any]:
    hour, minute = map(int, fixture.gametime.split(":"))
    eastern = datetime.combine(fixture.gameday, time(hour, minute), ZoneInfo("America/New_York"))
    return {
        "id": fixture.game_id,
        "season": fixture.season,
        "week": fixture.week,
        "game_type": fixture.game_type,
        "game_date": fixture.gameday,
        "kickoff_at": eastern.astimezone(UTC),
        "home_team": fixture.home,
        "away_team": fixture.away,
        "home_score": rng.randint(0, 40),
        "away_score": rng.randint(0, 40),
        "status": "final",
        "source": "nflverse",
    }


def _roster_rows(people: People, season: int) -> Iterable[dict[str, Any]]:
    for player in people.players:
        yield {
            "season": season,
            "team": player.team_at(LAST_WEEK),
            "player_id": player.player_id,
            "player_name": player.full_name,
            "first_name": player.first_name,
            "last_name": player.last_name,
            "football_name": player.football_name,
            "position": player.position_at(LAST_WEEK),
            "jersey_number": player.jersey,
            "status": player.status,
        }


def _skill_players(conn: Any, season: int) -> dict[str, list[tuple[str, str, str, str]]]:
    """team -> (player_id, name, team, position) of players whose name is unlike any other's of the season."""
    table = schema.rosters.c
    rows = conn.execute(
        select(table.player_id, table.player_name, table.team, table.position)
        .where(table.season == season, table.position.in_([*_SKILL, "FB", "LB", "DB"]))
        .order_by(table.team, table.player_id)
    ).all()
    by_team: dict[str, list[tuple[str, str, str, str]]] = {}
    seen: set[str] = set()
    ids: set[str] = set()
    for player_id, name, team, position in rows:
        if name not in seen and player_id not in ids:
            by_team.setdefault(team, []).append((player_id, name, team, position))
        seen.add(name)
        ids.add(player_id)
    return by_team


def _player_stats(conn: Any, season: int, pick_rows: list[tuple[Any, ...]], graded: list[tuple[Any, ...]]) -> None:
    """player_stats of the season where there are none: counts of the picks, the rest invented."""
    table = schema.player_stats
    if conn.execute(select(func.count()).select_from(table).where(table.c.season == season)).scalar_one():
        return
    picked: dict[str, list[int]] = {}
    for pick, grade in zip(pick_rows, graded, strict=True):
        counts = picked.setdefault(pick[8], [0, 0])
        counts[0] += 1
        counts[1] += grade[3] == "won"
    rosters = schema.rosters.c
    rows = conn.execute(
        select(rosters.id, rosters.player_id, rosters.player_name, rosters.team, rosters.position)
        .where(rosters.season == season)
        .order_by(rosters.player_id, rosters.id)
    ).all()
    rng = Random(f"{season}/player_stats")
    known: set[str] = set()
    stats = []
    for row in rows:
        if row.player_id in known:
            continue
        known.add(row.player_id)
        scored = rng.choice((0, 0, 0, 1, 2, 4, 7)) if row.position in _SKILL else 0
        stats.append(
            {
                "player_name": row.player_name,
                "season": season,
                "team": row.team,
                "position": row.position,
                "player_id": row.player_id,
                "roster_id": row.id,
                "games_played": rng.randint(0, 17),
                "first_td_count": scored // 3,
                "any_time_td_count": scored,
                "red_zone_targets": scored * 2,
                "red_zone_touches": scored * 3,
                "times_picked": picked.get(row.player_id, (0, 0))[0],
                "times_hit": picked.get(row.player_id, (0, 0))[1],
            }
        )
    _put(conn, table, stats)


def _put(conn: Any, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    values = list(rows)
    for start in range(0, len(values), _CHUNK):
        conn.execute(insert(table), values[start : start + _CHUNK])


def _put_tuples(conn: Any, table: Table, columns: Sequence[Any], rows: list[tuple[Any, ...]]) -> None:
    """`_put` for the large tables: on SQLite the tuples go to the driver as they are, which halves the time."""
    if conn.dialect.name != "sqlite":
        names = [column.name for column in columns]
        _put(conn, table, (dict(zip(names, row, strict=True)) for row in rows))
        return
    # datetimes are the only values that SQLite's driver would not store as the tables do
    turn = [i for i, column in enumerate(columns) if isinstance(column.type, schema.UtcDateTime)]
    if turn:
        (at,) = turn
        instants = {row[at] for row in rows}
        shown = {instant: columns[at].type.process_bind_param(instant, conn.dialect) for instant in instants}
        rows = [(*row[:at], shown[row[at]], *row[at + 1 :]) for row in rows]
    listed = ", ".join(column.name for column in columns)
    marks = ", ".join("?" * len(columns))
    conn.exec_driver_sql(f"INSERT INTO {table.name} ({listed}) VALUES ({marks})", rows)  # noqa: S608
