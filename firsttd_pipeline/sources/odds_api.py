"""The Odds API: what the sportsbooks offer on first touchdown scorers, as events, legs and quotes of ours.

Each request for odds is paid for by the plan: only the games that are given are asked for, and never below the reserve.
A leg is one player at one book. There is no settlement and no past here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from firsttd_pipeline.domain.markets import (
    Event,
    Leg,
    LegKind,
    Parsed,
    PayloadKind,
    Quote,
    Source,
    WantedGame,
    WantedHistory,
)
from firsttd_pipeline.domain.odds import SMALLEST
from firsttd_pipeline.domain.players import DST_PREFIX, NO_TD, parse_special
from firsttd_pipeline.domain.teams import TEAMS
from firsttd_pipeline.sources.http import NotPublished
from firsttd_pipeline.sources.venues import (
    Answer,
    Asker,
    Page,
    VenueClient,
    VenueError,
    decoded,
    instant,
    items,
    mapping,
    number,
    unreadable,
)

SOURCE: Final[Source] = "odds_api"
MARKET: Final = "player_1st_td"
SPORT: Final = "v4/sports/americanfootball_nfl"
COST: Final = 1
"""Of one game: one region and one market."""
MOVED: Final = timedelta(days=3)
"""As far as a game's time there may be from ours: the same teams meet again weeks later at the earliest."""

_EASTERN: Final = ZoneInfo("America/New_York")
_TEAMS: Final = {team.name: code for code, team in TEAMS.items()}
_PLACES: Final = Decimal("0.000001")


class OddsApiVenue(VenueClient):
    """The Odds API in one run, with a key.

    Args:
        reserve: requests of the plan that are never used up.
    """

    def __init__(self, asker: Asker, reserve: int = 0) -> None:
        super().__init__(asker)
        self._reserve = reserve
        self._remaining: int | None = None

    @property
    def remaining(self) -> int | None:
        """Requests that the plan still pays for, as the last answer said."""
        return self._remaining

    def open_legs(self, games: Sequence[WantedGame]) -> Iterator[Page]:
        """The legs of these games that have not begun, one page a game.

        Raises:
            VenueError: the plan does not pay for all of them without going below the reserve.
        """
        if not games:
            return
        listed = self._ask("events", {})
        if not isinstance(listed.data, list):
            raise unreadable(SOURCE, f"the events are no list but {type(listed.data).__name__}", listed.data)
        wanted: dict[str, None] = {}
        for item in listed.data:
            event, begins = _event(mapping(SOURCE, item, "an event"))
            if begins > listed.fetched_at and any(_is_that_of(event, begins, game) for game in games):
                wanted[event.event_id] = None
        for done, event_id in enumerate(wanted):
            if self._remaining is not None and self._remaining - COST < self._reserve:
                raise VenueError(
                    f"{self.asker.base_url}: the plan of The Odds API pays for {self._remaining} more requests and "
                    f"{self._reserve} are kept in reserve, so {len(wanted) - done} of {len(wanted)} games were not "
                    "asked for. A retry does not help until the plan renews; FIRSTTD_ODDS_API_RESERVE sets the reserve."
                )
            try:
                answer = self._ask(
                    f"events/{event_id}/odds", {"regions": "us", "markets": MARKET, "oddsFormat": "american"}
                )
            except NotPublished:
                continue  # it began, or was taken off, since the events were listed
            yield answer.page("open", answer.parsed("open", _parsed))

    def settled_legs(self, since: datetime, games: Sequence[WantedGame]) -> Iterator[Page]:
        """None: nothing is settled here."""
        return iter(())

    def legs(self, market_ids: Sequence[str]) -> Iterator[Page]:
        """None: an offer that is no longer listed is gone, and to ask again is paid for."""
        return iter(())

    def history(self, wanted: Sequence[WantedHistory]) -> Iterator[Page]:
        """None: what nobody stored is gone."""
        return iter(())

    def parse(self, kind: PayloadKind, body: bytes, fetched_at: datetime) -> Parsed:
        """What a stored answer holds: one game with the offers of every book."""
        return _parsed(kind, decoded(SOURCE, body), fetched_at)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _ask(self, path: str, params: Mapping[str, object]) -> Answer:
        answer = self.asker.get_json(f"{SPORT}/{path}", params)
        said = answer.headers.get("x-requests-remaining")
        if said:
            try:
                self._remaining = int(Decimal(said))
            except (InvalidOperation, ValueError, OverflowError):
                self._remaining = None
        return answer


def _is_that_of(event: Event, begins: datetime, game: WantedGame) -> bool:
    return {event.away, event.home} == {game.away, game.home} and abs(begins - game.kickoff_at) <= MOVED


# --- reading ----------------------------------------------------------------------------------------------------------


def _parsed(kind: PayloadKind, data: object, at: datetime) -> Parsed:
    answer = mapping(SOURCE, data, "the answer")
    event, _ = _event(answer)
    legs: list[Leg] = []
    for bookmaker in items(SOURCE, answer, "bookmakers"):
        book = bookmaker.get("key")
        if not isinstance(book, str) or not book:
            raise unreadable(SOURCE, "a bookmaker has no key", bookmaker)
        offers = [
            outcome
            for market in items(SOURCE, bookmaker, "markets")
            if market.get("key") == MARKET
            for outcome in items(SOURCE, market, "outcomes")
        ]
        legs += _legs(book, event, [offer for offer in offers if offer.get("name") != "No"], at)
    return Parsed(events=[event], legs=legs)


def _event(item: Mapping[str, Any]) -> tuple[Event, datetime]:
    """An event and when it begins; its date is that instant's in the East."""
    event_id, teams = item.get("id"), (item.get("away_team"), item.get("home_team"))
    begins = instant(SOURCE, item.get("commence_time"), "commence_time")
    if not isinstance(event_id, str) or not event_id or begins is None or not all(isinstance(t, str) for t in teams):
        raise unreadable(SOURCE, "an event has no id, away_team, home_team and commence_time", item)
    away, home = (_TEAMS.get(str(team).strip()) for team in teams)
    unknown = [str(team)[:40] for team, code in zip(teams, (away, home), strict=True) if code is None]
    return (
        Event(
            SOURCE,
            event_id,
            f"{teams[0]} at {teams[1]}"[:120],
            away,
            home,
            begins.astimezone(_EASTERN).date(),
            reason=f"no team is called {' or '.join(map(repr, unknown))}" if unknown else "",
        ),
        begins,
    )


def _legs(book: str, event: Event, offers: Sequence[Mapping[str, Any]], at: datetime) -> Iterator[Leg]:
    labels = []
    for offer in offers:
        label = offer.get("description")
        if not isinstance(label, str) or not label.strip() or offer.get("name") != "Yes":
            raise unreadable(SOURCE, f'an offer of {book} is not "Yes" with a player as its description', offer)
        labels.append(label.strip())
    often = Counter(labels)
    for label, offer in dict(zip(labels, offers, strict=True)).items():
        kind, team = _whom(label, event)
        one = often[label] == 1  # twice the same name at one book: nobody can tell which player is which
        yield Leg(
            source=SOURCE,
            market_id=f"{event.event_id}/{book}/{label}",
            event_id=event.event_id,
            label=label,
            kind=kind if one else "unknown",
            status="open",
            team=team if one else None,
            book=book,
            quote=_quote(book, label, offer, at) if one else None,
        )


def _whom(label: str, event: Event) -> tuple[LegKind, str | None]:
    teams = [team for team in (event.away, event.home) if team]
    special = parse_special(label, teams)
    if special == NO_TD:
        return "no_td", None
    if special is not None:
        team = special.removeprefix(DST_PREFIX)
        return "dst", team if team in teams else None
    return "player", None


def _quote(book: str, label: str, offer: Mapping[str, Any], at: datetime) -> Quote:
    """The offer, and as the ask what it implies; a price that is no American odds is no offer."""
    price = number(SOURCE, offer.get("price"), f"the price of {label[:40]} at {book}")
    if price is None:
        raise unreadable(SOURCE, f"no known price field: an offer of {book} has no price", offer)
    if price != price.to_integral_value() or not SMALLEST <= abs(price) <= 1_000_000:
        return Quote(at=at)
    implied = 100 / (price + 100) if price > 0 else -price / (100 - price)
    return Quote(at=at, ask=implied.quantize(_PLACES), american=int(price))
