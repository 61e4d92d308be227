"""`market_odds`: what the venues say about every first-touchdown scorer, and the closing lines.

What is wanted is read from our database, the venues are asked side by side, and all that came is stored in one
transaction. A venue that fails is a status with its reason; only our own database can fail this.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import polars as pl
from pydantic import SecretStr
from sqlalchemy import Connection

from firsttd_pipeline.domain.market_quality import without_advice
from firsttd_pipeline.domain.markets import (
    FIRST_SEASONS,
    NAMES,
    SOURCES,
    WITH_HISTORY,
    Event,
    Source,
    WantedGame,
    WantedHistory,
)
from firsttd_pipeline.domain.seasons import default_season
from firsttd_pipeline.masking import mask_secrets
from firsttd_pipeline.refresh.base import League, Report
from firsttd_pipeline.reports.plots import PricePath
from firsttd_pipeline.sources.http import SourceError
from firsttd_pipeline.sources.venues import Page, Venue, VenueError, open_venue, price_path, why_off
from firsttd_pipeline.storage import market_store
from firsttd_pipeline.storage.engine import read_frame
from firsttd_pipeline.storage.market_book import MarketBook, day_of, league_date, match_game
from firsttd_pipeline.storage.market_plan import Known, read_known, read_open
from firsttd_pipeline.storage.market_prices import (
    count_legs,
    game_to_show,
    read_odds_of_game,
    top_paths,
    write_closings,
)
from firsttd_pipeline.storage.market_retention import thin_season
from firsttd_pipeline.storage.market_status import open_events_query, open_legs_query
from firsttd_pipeline.storage.market_store import Answered, Stored, store_answers, store_several, write_venues
from firsttd_pipeline.storage.season_book import Game, games_of
from firsttd_pipeline.storage.sync import Counts

AHEAD: Final = timedelta(days=10)
"""Games that kick off later than this are not asked for yet."""
SETTLES: Final = timedelta(days=14)
"""A leg that is not settled this long after kickoff is not waited for any more."""
LISTED: Final = timedelta(days=3)
"""A list of settled legs made this long after a game has its legs, if the venue has any of it."""
SOON: Final = timedelta(days=1)
"""A venue that lists games at all lists those that kick off within this."""
CLOSES: Final = timedelta(hours=1)
"""A venue may close a game's legs this long before kickoff: that they are not listed any more says nothing then."""
MANY: Final = 10
"""More legs than this are not withdrawn all at once: the list is not what it was."""
SHOWN: Final = 10
_IN_PLOT: Final = 5
MOST_AT_ONCE: Final = 20_000
"""Former prices in one transaction; a leg to be understood takes as long as ten of them."""
_LEG: Final = 10
_PREVIEW: Final = (
    pl.col("source").replace(NAMES).alias("venue"),
    pl.col("player_name").alias("on"),
    "status",
    "bid",
    "ask",
    pl.col("implied_probability").alias("implied"),
    pl.col("american_odds").alias("odds"),
    pl.col("snapshot_time").alias("at"),
)
_AMISS: Final = ("failed", "partial")
_WHY: Final = 110
"""Characters of a reason in the table of the venues: a note and the check have all of it, addresses too."""

Part = Mapping[str, tuple[Sequence[Answered], Collection[str]]]
"""By source: answers, and market ids of legs that are gone."""

_log = logging.getLogger(__name__)


# --- what is asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What one venue is asked.

    Attributes:
        games: that have not begun: their open legs are wanted.
        settled_since, settled_games: final games whose legs are not settled, from the earliest kickoff on.
        started: open legs, by market id, whose games have begun: what became of them?
        expected: open legs of `games`, by market id, that the whole open list should have.
        history: former prices to ask for, most wanted first.
        known: what is stored of the venue.
        absent: why nothing is asked; with its status.
    """

    source: Source
    games: tuple[WantedGame, ...] = ()
    settled_since: datetime | None = None
    settled_games: tuple[WantedGame, ...] = ()
    started: tuple[str, ...] = ()
    expected: frozenset[str] = frozenset()
    history: bool = False
    known: Known = field(default_factory=Known)
    absent: tuple[str, str] | None = None


def plan_for(
    source: Source, season: int, games: Sequence[Game], known: Known, now: datetime, *, snapshot_only: bool = False
) -> Plan:
    """What a venue is asked at `now`, from what is stored alone."""
    if season < FIRST_SEASONS[source]:
        first = FIRST_SEASONS[source]
        reason = f"{NAMES[source]} is not known to have listed {season}: its first season is {first}"
        return Plan(source, known=known, absent=("absent", reason))
    if source not in WITH_HISTORY and season < default_season(now) and not known.legs:
        reason = f"{NAMES[source]} gives no prices of the past: what nobody stored of {season} is gone"
        return Plan(source, known=known, absent=("absent", reason))
    ahead = [game for game in games if game.open and game.kickoff_at is not None and not game.begun(now)]
    if snapshot_only:
        ahead = [game for game in ahead if day_of(game) == league_date(now)]
    else:
        ahead = [game for game in ahead if game.kickoff_at is not None and game.kickoff_at <= now + AHEAD]
    by_id = {game.id: game for game in games}
    coming = {game.id for game in ahead}
    begun = {game.id for game in games if game.begun(now)}
    unsettled = [] if snapshot_only else [game for game in games if _waits_for_settlement(game, known)]
    started = (
        []
        if snapshot_only
        else [leg.market_id for leg in known.legs.values() if leg.status == "open" and leg.game_id in begun]
    )
    kickoffs = [game.kickoff_at for game in unsettled if game.kickoff_at is not None]
    return Plan(
        source,
        games=_wanted(ahead),
        settled_since=min(kickoffs, default=None),
        settled_games=_wanted([by_id[game.id] for game in unsettled]),
        started=tuple(sorted(started)),
        expected=frozenset(
            leg.market_id for leg in known.legs.values() if leg.status == "open" and leg.game_id in coming
        ),
        history=not snapshot_only and source in WITH_HISTORY,
        known=known,
    )


def _waits_for_settlement(game: Game, known: Known) -> bool:
    """Whether a game is over and the venue has not said yet how its legs ended, or that it has none."""
    if game.status != "final" or game.deleted_at is not None or game.kickoff_at is None:
        return False
    listed = known.settled_listed_at
    if not known.listed(game.id):
        return listed is None or listed < game.kickoff_at + LISTED
    return known.unsettled(game.id) and (listed is None or listed < game.kickoff_at + SETTLES)


def _wanted(games: Sequence[Game]) -> tuple[WantedGame, ...]:
    return tuple(
        WantedGame(game.id, game.away, game.home, day, game.kickoff_at)
        for game in games
        if game.kickoff_at is not None and (day := day_of(game)) is not None
    )


# --- asking -----------------------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """What came of asking one venue.

    Attributes:
        answers: pages, in the order in which they came.
        open_whole, settled_whole: whether that list came whole.
        gone: open legs that the venue no longer knows.
        history_waiting: legs whose former prices are still to be asked for.
        problems: why something did not come, first the first.
    """

    plan: Plan
    answers: list[Answered] = field(default_factory=list)
    open_whole: bool = False
    settled_whole: bool = False
    gone: frozenset[str] = frozenset()
    history_waiting: int = 0
    problems: list[str] = field(default_factory=list)
    requests: int = 0
    remaining: int | None = None
    seconds: float = 0.0

    @property
    def said_something(self) -> bool:
        """Whether how the venue stands is known better than before: where nothing was to be asked, it is not."""
        return self.plan.absent is not None or bool(self.problems or self.requests)

    @property
    def status(self) -> tuple[str, str | None]:
        """The venue's status and its reason."""
        if self.plan.absent is not None:
            return self.plan.absent
        if not self.problems:
            return "ok", None
        read = any(not answer.unreadable for answer in self.answers)
        return ("partial" if read else "failed"), "; ".join(self.problems)


def ask(
    open_one: Callable[[Source], Venue],
    plan: Plan,
    games: Sequence[Game],
    now: datetime,
    stop: threading.Event,
    opened: list[Venue] | None = None,
) -> Asked:
    """Ask one venue for all of its plan. Never raises: what stands in the way is in `problems`. No database here."""
    asked = Asked(plan)
    if plan.absent is not None:
        return asked
    begun = time.monotonic()
    venue: Venue | None = None
    try:
        venue = open_one(plan.source)
        if opened is not None:
            opened.append(venue)
        _Asking(venue, asked, games, now, stop).run()
    except Exception as error:
        asked.problems.append(_told(plan.source, error))
    finally:
        if venue is not None:
            asked.requests, asked.remaining = venue.requests, venue.remaining
            try:
                venue.close()
            except Exception:
                _log.exception("%s could not be closed", NAMES[plan.source])
        asked.seconds = round(time.monotonic() - begun, 3)
    return asked


class _Asking:
    """One venue, asked step by step: a step that cannot be read does not keep the next from being asked."""

    def __init__(self, venue: Venue, asked: Asked, games: Sequence[Game], now: datetime, stop: threading.Event) -> None:
        self.venue, self.asked, self.plan, self.now, self.stop = venue, asked, asked.plan, now, stop
        self.games = {game.id: game for game in games}
        self.season = games[0].season if games else 0
        self.over = False
        self.seen: set[str] = set()
        self.events: dict[str, Event] = {}
        self.tokens: dict[str, tuple[str, str | None]] = {}

    def run(self) -> None:
        """Open legs, settled legs, legs that are missing, former prices."""
        plan = self.plan
        if plan.games:
            self.asked.open_whole = self._take(lambda: self.venue.open_legs(plan.games))
        if plan.settled_since is not None:
            since = plan.settled_since
            self.asked.settled_whole = self._take(lambda: self.venue.settled_legs(since, plan.settled_games))
        missing = [market_id for market_id in plan.started if market_id not in self.seen]
        emptied = self.asked.open_whole and self._emptied()
        if self.asked.open_whole:
            missing += sorted(plan.expected - self.seen)
        if missing and self._take(lambda: self.venue.legs(missing)) and not emptied:
            self.asked.gone = frozenset(missing) - self.seen
        if plan.history:
            self._history()

    def _emptied(self) -> bool:
        """Whether a whole open list lacks what it has to have; then no leg is taken for withdrawn by its absence."""
        name, known = NAMES[self.plan.source], self.plan.known.legs
        coming = {game.game_id: game.kickoff_at - self.now for game in self.plan.games}
        due = {
            market_id
            for market_id in self.plan.expected
            if (game := known[market_id].game_id) in coming and coming[game] > CLOSES
        }
        if len(due) >= MANY and not due & self.seen:
            self.asked.problems.append(
                f"{name}: its list of open legs has none of the {len(due)} that were open before and are not about to "
                "close: they stay as they are. Does the venue still list the games? If it does, its names changed and "
                "this client has to follow"
            )
            return True
        soon = sum(CLOSES < left <= SOON for left in coming.values())
        if soon and not due and not self.seen:
            told = "one game kicks off" if soon == 1 else f"{soon} games kick off"
            self.asked.problems.append(
                f"{name}: its list of open legs is empty, though {told} within a day. If the venue lists them, its "
                "names changed and this client has to follow"
            )
        return False

    def _take(self, ask_for: Callable[[], Iterator[Page]]) -> bool:
        """Take every page; whether all of them came."""
        if self.over:
            return False
        try:
            for page in ask_for():
                if self.stop.is_set():
                    self.over = True
                    return False
                self._keep(page)
            return True
        except SourceError as error:
            self._problem(error)
            self.over = error.retry_helps  # it does not answer, or its time is used up: nothing more is asked
            if isinstance(error, VenueError) and error.payload is not None:
                self.asked.answers.append(Answered(error.payload, unreadable=True))
            return False
        except Exception as error:
            self._problem(error)
            return False

    def _problem(self, error: Exception) -> None:
        told = _told(self.plan.source, error)
        if told not in self.asked.problems:
            self.asked.problems.append(told)

    def _keep(self, page: Page) -> None:
        parsed = page.parsed
        # compressed here, for the other venues' answers are on their way still
        body = market_store.packed(page.payload.body)
        self.asked.answers.append(Answered(page.payload, parsed.events, parsed.legs, parsed.past, packed=body))
        self.events.update((event.event_id, event) for event in parsed.events)
        for leg in parsed.legs:
            self.seen.add(leg.market_id)
            self.tokens[leg.market_id] = leg.event_id, leg.history_token

    def _history(self) -> None:
        """Former prices of legs of games that began, those of picked games first; as much as there is time for."""
        wanted = self._wanted_history()
        got: set[str] = set()
        for group in ([leg for picked, leg in wanted if picked], [leg for picked, leg in wanted if not picked]):
            if not group:
                continue
            before = len(self.asked.answers)
            self._take(partial(self.venue.history, group))
            for answer in self.asked.answers[before:]:
                got.update(answer.past)
        self.asked.history_waiting = sum(leg.market_id not in got for _, leg in wanted)

    def _wanted_history(self) -> list[tuple[bool, WantedHistory]]:
        known = self.plan.known
        legs = {leg.market_id: (leg.event_id, leg.history_token, leg.game_id) for leg in known.legs.values()}
        for market_id, (event_id, token) in self.tokens.items():
            stored = legs.get(market_id)
            game_id = stored[2] if stored is not None and stored[2] is not None else self._game_of(event_id)
            legs[market_id] = event_id, token or (stored[1] if stored is not None else None), game_id
        found = []
        for market_id, (event_id, token, game_id) in legs.items():
            if not known.wants_history(market_id) or game_id not in self.games:
                continue
            game = self.games[game_id]
            if game.kickoff_at is None or game.kickoff_at > self.now or not game.open:
                continue
            found.append((game_id in known.picked, WantedHistory(market_id, event_id, token, game.kickoff_at)))
        return sorted(found, key=lambda one: (-one[1].until.timestamp(), one[1].event_id, one[1].market_id))

    def _game_of(self, event_id: str) -> str | None:
        if event_id in self.plan.known.events:
            return self.plan.known.events[event_id]
        event = self.events.get(event_id)
        return match_game(self.games.values(), event, self.season)[0] if event is not None else None


def _told(source: Source, error: Exception) -> str:
    """What went wrong, in an operator's words."""
    if isinstance(error, SourceError):
        return mask_secrets(str(error))
    _log.error("%s: %s", NAMES[source], type(error).__name__, exc_info=error)
    said = mask_secrets(" ".join(str(error).split()))[:300]
    return (
        f"{NAMES[source]}'s client failed ({type(error).__name__}: {said}): a mistake in this release, not in the "
        "venue's answer; what came before it is stored"
    )


def ask_all(league: League, plans: Sequence[Plan], games: Sequence[Game], now: datetime) -> list[Asked]:
    """Ask every venue, each in a thread and with a client of its own."""
    stop = threading.Event()
    opened: list[Venue] = []
    with ThreadPoolExecutor(max_workers=len(plans), thread_name_prefix="venue") as threads:
        try:
            return list(threads.map(lambda plan: ask(league.venues, plan, games, now, stop, opened), plans))
        except BaseException:
            stop.set()
            for venue in opened:
                venue.cancel()
            raise


# --- the refresh ------------------------------------------------------------------------------------------------------


def refresh(league: League, season: int, now: datetime, *, snapshot_only: bool = False) -> Report:
    """Ask the venues for the season and store what they said.

    `snapshot_only`: only the open legs of today's games that have not begun, as on a game day.

    Raises:
        StorageError: our own database cannot be read or written; nothing of this run is stored then.
    """
    off = {source: why_off(source, league.settings) for source in SOURCES}
    with league.db.read() as conn:
        schedule = games_of(conn, season)
        if snapshot_only:
            known: Mapping[str, Known] = read_open(conn, season)
        else:
            known = {source: read_known(conn, season, source) for source in SOURCES}
    plans = []
    for source in SOURCES:
        reason = off[source]
        plan = plan_for(source, season, schedule, known[source], now, snapshot_only=snapshot_only)
        if reason is not None:  # said first by every door: what a venue lacks is of no use while it is off
            plan = Plan(source, known=known[source], absent=("off", reason))
        plans.append(plan)
    all_asked = ask_all(league, plans, schedule, now)
    stored: dict[str, Stored] = {source: Stored() for source in SOURCES}

    def store(conn: Connection, part: Part, *, try_again: bool) -> None:
        book, width = MarketBook.load(conn, season), league.settings.market_max_width
        done = store_several(conn, book, part, now=now, max_width=width, try_again=try_again)
        for source, one in done.items():
            stored[source].add(one)

    *before, last = parts_of(all_asked)
    for at, part in enumerate(before):  # a season brought in at once: others have to write in between
        with league.db.write() as conn:
            store(conn, part, try_again=at == 0)
    with league.db.write() as conn:
        store(conn, last, try_again=not (before or snapshot_only))
        write_venues(conn, season, [_status_row(asked, now) for asked in all_asked if asked.said_something], now)
        closed = Counts() if snapshot_only else write_closings(conn, season, league.settings, now)
    with league.db.read() as conn:
        report = _report(conn, season, all_asked, stored, closed, now)
    if not snapshot_only:
        thinned = thin_season(league.db, season, now, league.settings.market_keep_days)
        report.facts |= thinned.facts
        report.notes += [thinned.note] if thinned.note else []
    return report


def parts_of(all_asked: Sequence[Asked]) -> list[Part]:
    """What is stored in one transaction each: nearly always one.

    The first has all that is about legs that are or were open. What has ended and former prices are more only where a
    season is brought in, and are cut so that no transaction holds up other writers for long.
    """
    parts: list[dict[str, tuple[list[Answered], Collection[str]]]] = [{}]
    for asked in all_asked:
        now = [answer for answer in asked.answers if answer.payload.kind in ("open", "legs")]
        parts[0][asked.plan.source] = now, asked.gone
    weight = 0
    for kind in ("settled", "history"):
        for asked in all_asked:
            for answer in asked.answers:
                if answer.payload.kind != kind:
                    continue
                weight += _LEG * len(answer.legs) + sum(map(len, answer.past.values()))
                if weight > MOST_AT_ONCE:
                    parts.append({})
                    weight = 0
                parts[-1].setdefault(asked.plan.source, ([], ()))[0].append(answer)
    return list(parts)


def _status_row(asked: Asked, now: datetime) -> dict[str, object]:
    status, reason = asked.status
    row: dict[str, object] = {
        "source": asked.plan.source,
        "status": status,
        "reason": reason,
        "tried_at": now,
        "requests": asked.requests,
        "seconds": asked.seconds,
    }
    if asked.remaining is not None:
        row["requests_remaining"] = asked.remaining
    if status == "ok":
        row["succeeded_at"] = now
    if asked.open_whole:
        row["open_listed_at"] = now
    if asked.settled_whole:
        row["settled_listed_at"] = now
    if asked.plan.history:
        row["history_waiting"] = asked.history_waiting
    return row


def reparse(
    league: League,
    source: Source | None = None,
    season: int | None = None,
    *,
    now: datetime,
    progress: Callable[[str, int], None] = lambda part, done: None,
) -> list[Report]:
    """Parse the stored answers again, of one venue or season or of all, and store what is new: nobody is asked.

    `progress` hears of each part (a season's venue) that it begins, with 0, and how many more answers of it are read.

    Raises:
        StorageError: our own database cannot be read or written.
    """
    with league.db.read() as conn:
        found = market_store.stored_seasons(conn, source, season)
    reports = []
    for of_season in sorted({of for _, of in found}):
        report = Report("market_odds", of_season, Counts())
        for one in (name for name in SOURCES if (name, of_season) in found):
            part = f"{of_season} {NAMES[one]}"
            progress(part, 0)
            _reparse_one(league, one, of_season, report, now, partial(progress, part))
        with league.db.write() as conn:
            closed = write_closings(conn, of_season, league.settings, now)
        report.facts["closing lines changed"] = closed.changed
        reports.append(report)
    return reports


def _reparse_one(
    league: League, source: Source, season: int, report: Report, now: datetime, progress: Callable[[int], None]
) -> None:
    reader = _reader(league, source)
    after, read, failed, stored = 0, 0, [], Stored()
    try:
        while True:
            with league.db.write() as conn:
                batch = market_store.stored_answers(conn, season, source, after)
                if not batch:
                    break
                book = MarketBook.load(conn, season)
                kickoffs = market_store.kickoffs_of(conn, season, source)
                answers = []
                for payload_id, payload in batch:
                    after = payload_id
                    try:
                        parsed = reader.parse(payload.kind, payload.body, payload.fetched_at)
                    except SourceError as error:
                        failed.append(f"{payload.kind} of {payload.fetched_at:%Y-%m-%d %H:%M} UTC: {error}")
                        continue
                    past = {
                        name: price_path(quotes, kickoffs[name])
                        for name, quotes in parsed.past.items()
                        if quotes and name in kickoffs
                    }
                    answers.append(Answered(payload, parsed.events, parsed.legs, past))
                    read += 1
                width = league.settings.market_max_width
                again = store_answers(conn, book, source, answers, now=now, max_width=width, keep_payloads=False)
                stored.add(again)
            progress(len(batch))
    finally:
        reader.close()
    name = NAMES[source]
    report.counts.inserted += stored.inserted
    report.counts.unchanged += stored.unchanged
    report.facts |= {f"{name}: answers read again": read, f"{name}: answers not readable": len(failed)}
    if failed:
        report.notes.append(f"{name}: {len(failed)} stored answers cannot be read, e.g. {failed[0]}")


def _reader(league: League, source: Source) -> Venue:
    """A client that only parses: a venue that is off, or has no key any more, can still be read again."""
    if why_off(source, league.settings) is None:
        return league.venues(source)
    unasked = {"prediction_markets": True, source: True, "odds_api_key": SecretStr("unasked-unasked")}
    return open_venue(source, league.settings.model_copy(update=unasked))


# --- the report -------------------------------------------------------------------------------------------------------


def _report(
    conn: Connection,
    season: int,
    all_asked: Sequence[Asked],
    stored: Mapping[str, Stored],
    closed: Counts,
    now: datetime,
) -> Report:
    counts = Counts(
        inserted=sum(one.inserted for one in stored.values()), unchanged=sum(one.unchanged for one in stored.values())
    )
    report = Report("market_odds", season, counts)
    totals = count_legs(conn, season)
    events = _by_source(read_frame(conn, open_events_query(season)))
    legs = _by_source(read_frame(conn, open_legs_query(season)))
    venues = []
    for asked in all_asked:
        source = asked.plan.source
        status, reason = asked.status
        name, done = NAMES[source], stored[source]
        told = without_advice(reason or "").removeprefix(f"{name}: ")
        venues.append(
            {
                "venue": name,
                "status": status,
                "legs": totals.get(source, 0),
                "new": done.inserted,
                "unmatched": len(events.get(source, ())) + len(legs.get(source, ())),
                "asked": f"{asked.requests}\u00a0in {asked.seconds:.1f}\u00a0s" if asked.requests else "",
                "why": _brief(told),
            }
        )
        if asked.remaining is not None:
            report.facts[f"{name}: requests left"] = asked.remaining
        report.notes += list(_notes(asked, done, events.get(source, []), legs.get(source, [])))
        if status in _AMISS:
            report.notes.append(f"{name}: {status}: {told}")
    report.notes.sort(key=lambda note: not any(f": {bad}: " in note for bad in _AMISS))
    table = report.tables["venues"] = pl.DataFrame(venues)
    report.facts |= {name: int(table[name].sum()) for name in ("legs", "unmatched")}
    report.facts["closing lines changed"] = closed.changed
    nothing = all(asked.plan.absent is not None for asked in all_asked)
    if nothing and not any(asked.plan.known.legs for asked in all_asked):
        report.absence = "; ".join(dict.fromkeys(str(asked.status[1]) for asked in all_asked))
    coming = game_to_show(conn, season, now, next_first=True)
    if coming is not None:
        report.facts["preview is of"] = coming[0]
        report.preview = read_odds_of_game(conn, coming[0]).select(_PREVIEW).head(SHOWN)
    latest = game_to_show(conn, season, now, next_first=False)
    if latest is not None:
        venue, paths = top_paths(conn, latest[0], _IN_PLOT)
        if paths:
            title = f"{latest[0]}: who scores first, by {NAMES.get(venue, venue)}'s prices"
            report.plot = partial(PricePath, title, paths, latest[1])
    if report.plot is None:
        report.undrawn = f"nothing to draw: no leg of a game of {season} has a price yet"
    return report


def _notes(
    asked: Asked, done: Stored, events: Sequence[Mapping[str, object]], legs: Sequence[Mapping[str, object]]
) -> Iterator[str]:
    name = NAMES[asked.plan.source]
    if events:
        one = events[0]
        yield f"{name}: events of no game that is certain: {len(events)}, e.g. {one['event_id']} ({one['reason']})"
    if legs:
        one = legs[0]
        example = f"{one['label']} in {one['game_id']} ({one['reason']})"
        yield f"{name}: legs on nobody who is certain: {len(legs)}, e.g. {example}"
    if asked.history_waiting:
        waiting = f"legs whose prices before kickoff are still to be fetched: {asked.history_waiting}"
        yield f"{name}: {waiting}; the next run goes on"
    if done.withdrawn:
        yield f"{name}: legs that were withdrawn: {done.withdrawn}"
    if done.learned:
        yield f"{name}: players that are known by its own id now: {done.learned} more"
    for season, count in sorted(done.elsewhere.items()):
        yield f"{name}: legs of {season}, left to that season's run: {count}"


def _brief(reason: str) -> str:
    told = re.sub(r"https?://\S+: ", "", reason).rstrip(".")
    return told if len(told) <= _WHY else told[: _WHY - 1] + "…"


def _by_source(rows: pl.DataFrame) -> dict[str, list[Mapping[str, object]]]:
    found: dict[str, list[Mapping[str, object]]] = {}
    for row in rows.iter_rows(named=True):
        found.setdefault(str(row["source"]), []).append(row)
    return found
