"""How the market venues stand, for the checks and every door that shows it: who answered, what is not understood yet.

Reads only. What the venues said is stored by `market_store.py`; prices are read by `market_prices.py`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, exists, func, select

from firsttd_pipeline.domain.markets import NAMES, SOURCES, WITH_HISTORY
from firsttd_pipeline.domain.seasons import parse_game_id
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.market_book import code_of
from firsttd_pipeline.storage.schema import (
    games,
    market_closings,
    market_events,
    market_legs,
    market_odds,
    market_outcomes,
    market_payloads,
    market_venues,
    member_market_stats,
    pick_market_odds,
    picks,
    rosters,
    users,
    weeks,
)
from firsttd_pipeline.storage.season_book import Game, GameRefused, SeasonBook, quoted

NEVER_ASKED = "not asked yet"
"""The state of a venue that no run has asked about a season."""


def venues_query(season: int) -> Select[Any]:
    """How each venue answered last, of a season."""
    return select(market_venues).where(market_venues.c.season == season)


WHEN_ASKED = "for games that are days away, and for past ones where it keeps prices"


def open_events_query(season: int) -> Select[Any]:
    """The venues' events of which no game is certain: source, event_id, title, event_date, reason, legs."""
    event, leg = market_events.c, market_legs.c
    legs = (
        select(func.count()).where(leg.source == event.source, leg.event_id == event.event_id, leg.season == season)
    ).scalar_subquery()  # fmt: skip
    return (
        select(event.source, event.event_id, event.title, event.event_date, event.reason, legs.label("legs"))
        .where(event.season == season, event.game_id.is_(None), event.matched_by.is_(None))
        .order_by(event.source, event.event_id)
    )


def open_legs_query(season: int) -> Select[Any]:
    """The legs of known games of which no player is certain: source, market_id, label, team, game_id, kind, reason."""
    leg = market_legs.c
    return (
        select(leg.source, leg.market_id, leg.label, leg.team, leg.game_id, leg.kind, leg.reason)
        .where(leg.season == season, leg.game_id.is_not(None), leg.player_id.is_(None), leg.matched_by.is_(None))
        .order_by(leg.source, leg.game_id, leg.label, leg.market_id)
    )


def unclosed_picks_query(season: int) -> Select[Any]:
    """What was picked in games that are over and listed by a venue, and has no closing line there: source, game_id,
    player_id, picks, pick_id (the first of them), waiting (whether the venue's price history is still to be asked).
    """
    leg, closing = market_legs.c, market_closings.c
    picked = (
        select(
            picks.c.game_id,
            picks.c.player_id,
            func.count().label("picks"),
            func.min(picks.c.id).label("pick_id"),
        )
        .join(weeks, weeks.c.id == picks.c.week_id)
        .join(games, games.c.id == picks.c.game_id)
        .where(weeks.c.season == season, games.c.status == "final", picks.c.player_id.is_not(None))
        .group_by(picks.c.game_id, picks.c.player_id)
        .subquery()
    )
    unasked = and_(leg.source.in_(sorted(WITH_HISTORY)), leg.history_at.is_(None))
    return (
        select(
            leg.source,
            picked.c.game_id,
            picked.c.player_id,
            picked.c.picks,
            picked.c.pick_id,
            func.max(case((unasked, 1), else_=0)).label("waiting"),
        )
        .join(picked, and_(picked.c.game_id == leg.game_id, picked.c.player_id == leg.player_id))
        .outerjoin(
            market_closings,
            and_(closing.source == leg.source, closing.game_id == leg.game_id, closing.player_id == leg.player_id),
        )
        .where(closing.id.is_(None))
        .group_by(leg.source, picked.c.game_id, picked.c.player_id, picked.c.picks, picked.c.pick_id)
        .order_by(leg.source, picked.c.game_id, picked.c.player_id)
    )


def closings_of_game_query(game_id: str) -> Select[Any]:
    """The closing lines of a game: source, player_id, closing, fair, fair_reason, assumption, closing_at."""
    of = market_closings.c
    return select(
        of.source,
        of.player_id,
        of.probability.label("closing"),
        of.fair_probability.label("fair"),
        of.fair_reason,
        of.assumption,
        of.closing_at,
    ).where(of.game_id == game_id)


def find_game(db: Database, text: str) -> Game:
    """The game of an id as somebody types it, whatever became of it.

    Raises:
        GameRefused: there is none.
    """
    parts = parse_game_id(text.strip().upper())
    if parts is None:
        raise GameRefused(f"{quoted(text)} is no game: give its id, as `firsttd markets games` lists them.")
    with db.read() as conn:
        try:
            return SeasonBook.load(conn, parts.season).any_game(text.strip().upper())
        except GameRefused as refused:
            lists = f"`firsttd markets games --season {parts.season}` lists those with prices."
            raise GameRefused(f"{refused} {lists}") from None


def books_of(db: Database, game_id: str, player_id: str) -> dict[int, str | None]:
    """The legs on a player in a game, and the sportsbook of each."""
    leg = market_legs.c
    with db.read() as conn:
        rows = conn.execute(select(leg.id, leg.book).where(leg.game_id == game_id, leg.player_id == player_id))
        return {row.id: row.book for row in rows}


def teams_of(db: Database, game: Game) -> dict[str, str]:
    """On which of the game's teams each of their players is; one who is on both rosters is left out."""
    who = rosters.c
    found: dict[str, set[str]] = {}
    with db.read() as conn:
        for row in conn.execute(select(who.player_id, who.team).where(who.season == game.season)):
            team = code_of(row.team)
            if team in game.teams:
                found.setdefault(row.player_id, set()).add(team)
    return {player: teams.pop() for player, teams in found.items() if len(teams) == 1}


def games_with_prices(db: Database, season: int, week: int | None = None) -> list[dict[str, Any]]:
    """The season's games of which a venue has legs: game, week, kickoff, away, home, status, venues (names), legs,
    unmatched, closing_lines, outcome (whom the venues paid, open, or void)."""
    leg, game, closing, outcome = market_legs.c, games.c, market_closings.c, market_outcomes.c
    of_season = [game.season == season] + ([game.week == week] if week is not None else [])
    found: dict[str, dict[str, Any]] = {}
    with db.read() as conn:
        for row in conn.execute(
            select(
                game.id, game.week, game.kickoff_at, game.away_team, game.home_team, game.status, leg.source,
                func.count(leg.id).label("legs"), (func.count() - func.count(leg.player_id)).label("unmatched"),
            )
            .join(market_legs, leg.game_id == game.id)
            .where(*of_season)
            .group_by(
                game.id, game.week, game.kickoff_at, game.away_team, game.home_team, game.status, leg.source
            )
        ):  # fmt: skip
            one = found.setdefault(
                row.id,
                {
                    "game": row.id, "week": row.week, "kickoff": row.kickoff_at, "away": row.away_team,
                    "home": row.home_team, "status": row.status, "venues": [], "legs": 0, "unmatched": 0,
                    "closing_lines": 0, "outcome": None,
                },
            )  # fmt: skip
            one["venues"].append(row.source)
            one["legs"] += row.legs
            one["unmatched"] += row.unmatched
        lines = select(closing.game_id, func.count()).where(closing.season == season).group_by(closing.game_id)
        for game_id, count in conn.execute(lines):
            if game_id in found:
                found[game_id]["closing_lines"] = count
        paid: dict[str, dict[str, list[str]]] = {}
        settled = select(outcome.game_id, outcome.source, outcome.player_id, outcome.player_name).where(
            outcome.season == season, outcome.resolved_outcome == "yes"
        )
        for row in conn.execute(settled.order_by(outcome.game_id, outcome.source, outcome.market_id)):
            if row.game_id in found:
                whom = paid.setdefault(row.game_id, {}).setdefault(row.player_id or row.player_name, [row.player_name])
                whom.append(NAMES[row.source])
    for game_id, one in found.items():
        one["venues"] = [NAMES[source] for source in SOURCES if source in one["venues"]]
        said = list(paid.get(game_id, {}).values())
        if len(said) == 1:
            one["outcome"] = said[0][0]
        elif said:  # the venues are not of one mind
            one["outcome"] = "; ".join(f"{name} ({', '.join(dict.fromkeys(by))})" for name, *by in said)
    return sorted(found.values(), key=lambda row: (row["week"], str(row["kickoff"] or ""), row["game"]))


def seasons_with_legs(db: Database) -> list[int]:
    """The seasons of which any leg is stored, the latest first."""
    venue, any_leg = market_venues.c, exists().where(market_legs.c.season == market_venues.c.season)
    with db.read() as conn:
        seasons = conn.execute(select(venue.season).distinct().where(any_leg).order_by(venue.season.desc()))
        return [int(row.season) for row in seasons]


def why_unpriced(db: Database, season: int, game_id: str | None, player_id: str | None) -> str:
    """Why no venue has a price of a pick on this player in this game."""
    leg, venue = market_legs.c, market_venues.c
    if game_id is None:
        return "the pick has no game"
    if player_id is None:
        return "it is not known yet whom the pick means"
    with db.read() as conn:
        mine, legs, nobody = conn.execute(
            select(
                func.count(case((leg.player_id == player_id, 1))),
                func.count(),
                func.count() - func.count(leg.player_id),
            ).where(leg.game_id == game_id)
        ).one()
        asked = conn.execute(
            select(func.count()).where(venue.season == season, venue.status.not_in(["off", "absent"]))
        ).scalar_one()
    if mine:
        return f"prices of this pick are stored, and the next `firsttd nightly --season {season}` puts them beside it"
    if nobody:
        rest = f"legs of it on nobody who is certain: {nobody} (`firsttd markets status --season {season}`)"
        return f"no venue is known to list this player in this game; {rest}"
    if legs:
        return "no venue lists this player in this game"
    if not asked:
        asks = f"`firsttd nightly --season {season}` asks those that are on, {WHEN_ASKED}"
        return f"no venue was asked about {season} yet: {asks}"
    return "no venue has priced this game"


def priced_example(db: Database, season: int) -> tuple[int, str, str] | None:
    """A pick with a closing line and a price on it, for a person to look at: its id, game and player."""
    priced = pick_market_odds.c
    with db.read() as conn:
        row = conn.execute(
            select(picks.c.id, picks.c.game_id, picks.c.player_id)
            .join(pick_market_odds, priced.pick_id == picks.c.id)
            .join(weeks, weeks.c.id == picks.c.week_id)
            .where(weeks.c.season == season, priced.closing_probability.is_not(None), picks.c.player_id.is_not(None))
            .order_by(priced.fair_probability.is_(None), picks.c.id.desc())
            .limit(1)
        ).first()
    return None if row is None else (int(row.id), str(row.game_id), str(row.player_id))


def answers_stored(db: Database, season: int | None, source: str | None) -> int:
    """How many answers of venues are kept."""
    answer = market_payloads.c
    wanted = [answer.season == season] if season is not None else []
    wanted += [answer.source == source] if source is not None else []
    with db.read() as conn:
        return int(conn.execute(select(func.count()).select_from(market_payloads).where(*wanted)).scalar_one())


def member_stats_query(season: int) -> Select[Any]:
    """What the markets say of each member's picks, best closing-line value first."""
    stats = member_market_stats.c
    shown = [column for column in member_market_stats.c if column.name not in ("id", "season", "user_id", "updated_at")]
    return (
        select(users.c.name.label("member"), *shown)
        .join(users, users.c.id == stats.user_id)
        .where(stats.season == season)
        .order_by(stats.closing_line_value.is_(None), stats.closing_line_value.desc(), users.c.name)
    )


def miscounted_members_query(season: int) -> Select[Any]:
    """Members whose row of `member_market_stats` does not count exactly their picks: member, stored, counted.

    A member without a row has stored null; one without a pick has counted 0.
    """
    stats = member_market_stats.c
    counted = (
        select(picks.c.user_id, func.count().label("picks"))
        .join(weeks, weeks.c.id == picks.c.week_id)
        .where(weeks.c.season == season)
        .group_by(picks.c.user_id)
        .subquery()
    )
    has = func.coalesce(counted.c.picks, 0)
    return (
        select(users.c.name.label("member"), stats.picks.label("stored"), has.label("counted"))
        .outerjoin(counted, counted.c.user_id == users.c.id)
        .outerjoin(member_market_stats, and_(stats.user_id == users.c.id, stats.season == season))
        .where(func.coalesce(stats.picks, 0) != has)
        .order_by(users.c.name)
    )


def venue_states(db: Database) -> list[tuple[int, list[tuple[str, str]]]]:
    """The seasons for which a venue was asked, oldest first, and of each the venues' names and states."""
    venue = market_venues.c
    found: dict[int, list[tuple[str, str]]] = {}
    with db.read() as conn:
        for row in conn.execute(
            select(venue.season, venue.source, venue.status)
            .where(venue.status.not_in(["off", "absent"]))
            .order_by(venue.season, venue.source)
        ):
            found.setdefault(row.season, []).append((NAMES[row.source], row.status))
    return sorted(found.items())


def overview(db: Database, season: int) -> list[dict[str, Any]]:
    """One row per venue: how it answered last and what is stored of it for the season."""
    event, leg, odds, closing = market_events.c, market_legs.c, market_odds.c, market_closings.c
    # by the index on leg and time, and of this season's legs alone: a store may hold many seasons
    of_leg = odds.leg_id == leg.id
    taken = (
        select(
            leg.source,
            leg.game_id,
            leg.player_id,
            leg.matched_by,
            leg.status,
            select(func.count()).where(of_leg).scalar_subquery().label("n"),
            select(func.max(odds.snapshot_time)).where(of_leg).scalar_subquery().label("last"),
        )
        .where(leg.season == season)
        .subquery()
        .c
    )
    rows: dict[str, dict[str, Any]] = {source: _nothing(source) for source in SOURCES}
    with db.read() as conn:
        for row in conn.execute(venues_query(season)):
            rows[row.source] |= {
                "status": row.status,
                "reason": row.reason,
                "last_whole": row.succeeded_at,
                "tried": row.tried_at,
                "requests": row.requests,
                "seconds": row.seconds,
                "requests_remaining": row.requests_remaining,
                "history_waiting": row.history_waiting,
            }
        for row in conn.execute(
            select(event.source, func.count(event.game_id.distinct()), func.count() - func.count(event.game_id))
            .where(event.season == season)
            .group_by(event.source)
        ):
            rows[row[0]] |= {"games": row[1], "unmatched_events": row[2]}
        nobody = case(
            (and_(taken.game_id.is_not(None), taken.player_id.is_(None), taken.matched_by.is_(None)), 1), else_=0
        )
        is_open = case((taken.status == "open", 1), else_=0)
        for row in conn.execute(
            select(
                taken.source,
                func.count(),
                func.sum(is_open),
                func.sum(nobody),
                func.sum(taken.n),
                func.max(taken.last),
                func.count(case((taken.last.is_not(None), taken.game_id)).distinct()),
            ).group_by(taken.source)
        ):
            rows[row[0]] |= {"legs": row[1], "open_legs": int(row[2]), "unmatched_legs": int(row[3])}
            rows[row[0]] |= {"prices": int(row[4]), "last_price": row[5], "games_priced": row[6]}
        for row in conn.execute(
            select(closing.source, func.count()).where(closing.season == season).group_by(closing.source)
        ):
            rows[row[0]]["closing_lines"] = row[1]
    return list(rows.values())


def _nothing(source: str) -> dict[str, Any]:
    counts = dict.fromkeys(
        (
            "games",
            "games_priced",
            "legs",
            "open_legs",
            "unmatched_events",
            "unmatched_legs",
            "prices",
            "closing_lines",
        ),
        0,
    )
    unknown = dict.fromkeys(
        (
            "reason",
            "last_whole",
            "tried",
            "requests",
            "seconds",
            "requests_remaining",
            "history_waiting",
            "last_price",
        )
    )
    return {"venue": source, "name": NAMES[source], "status": NEVER_ASKED, **counts, **unknown}
