"""The calendar of a sample season: who plays whom, in which week, on which day and at which hour.

The league's own formula (division twice, one division of each conference, same ranks, a 17th game), byes in weeks 5-14,
kickoffs in US Eastern time. Scores and players are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

DIVISIONS: dict[str, tuple[str, str, str, str]] = {
    "AFC East": ("BUF", "MIA", "NE", "NYJ"),
    "AFC North": ("BAL", "CIN", "CLE", "PIT"),
    "AFC South": ("HOU", "IND", "JAX", "TEN"),
    "AFC West": ("DEN", "KC", "LAC", "LV"),
    "NFC East": ("DAL", "NYG", "PHI", "WAS"),
    "NFC North": ("CHI", "DET", "GB", "MIN"),
    "NFC South": ("ATL", "CAR", "NO", "TB"),
    "NFC West": ("ARI", "LA", "SEA", "SF"),
}
TEAMS: tuple[str, ...] = tuple(sorted(team for teams in DIVISIONS.values() for team in teams))
DIVISION_OF: dict[str, str] = {team: name for name, teams in DIVISIONS.items() for team in teams}
REGULAR_WEEKS = 18
LAST_WEEK = 22
PLAYOFF_ROUNDS: dict[int, str] = {19: "WC", 20: "DIV", 21: "CON", 22: "SB"}
FIRST_SAMPLE_SEASON = 2021

_SPARE_WEEK = 11
_BYE_WEEKS = tuple(week for week in range(5, 15) if week != _SPARE_WEEK)
_PAIRINGS = ((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))


@dataclass(frozen=True)
class Fixture:
    """A game to be played; `gameday` and `gametime` are US Eastern."""

    season: int
    week: int
    game_type: str
    away: str
    home: str
    gameday: date
    gametime: str
    neutral: bool = False

    @property
    def game_id(self) -> str:
        """As nflverse writes it, e.g. 2025_01_DAL_PHI."""
        return f"{self.season}_{self.week:02d}_{self.away}_{self.home}"

    @property
    def division_game(self) -> bool:
        """Both teams are of one division."""
        return DIVISION_OF[self.away] == DIVISION_OF[self.home]


def opening_thursday(season: int) -> date:
    """The Thursday after Labor Day (the first Monday of September)."""
    september = date(season, 9, 1)
    labor_day = september + timedelta(days=(7 - september.weekday()) % 7)
    return labor_day + timedelta(days=3)


def regular_season(season: int, rng: Random) -> list[Fixture]:
    """The 272 games of the regular season, 17 for each team, in order of kickoff.

    Raises:
        ValueError: the season is before 2021, when the league's year had another shape.
    """
    if season < FIRST_SAMPLE_SEASON:
        raise ValueError(f"no sample season {season}: seasons before {FIRST_SAMPLE_SEASON} had 17 weeks")
    fixtures: list[Fixture] = []
    for week, pairs in enumerate(_weeks(season, rng), start=1):
        fixtures += _kickoffs(season, week, pairs, rng)
    return sorted(fixtures, key=lambda game: (game.week, game.gameday, game.gametime, game.game_id))


def playoff_round(season: int, week: int, pairs: list[tuple[str, str]]) -> list[Fixture]:
    """The games of one playoff round; `pairs` are (away, home)."""
    thursday = opening_thursday(season) + timedelta(days=7 * (week - 1))
    slots = {
        19: [(2, "16:30"), (2, "20:00"), (3, "13:00"), (3, "16:30"), (3, "20:15"), (4, "20:15")],
        20: [(2, "16:30"), (2, "20:00"), (3, "15:00"), (3, "18:30")],
        21: [(3, "15:00"), (3, "18:30")],
        22: [(10, "18:30")],
    }[week]
    return [
        Fixture(season, week, PLAYOFF_ROUNDS[week], away, home, thursday + timedelta(days=day), hour, week == 22)
        for (away, home), (day, hour) in zip(pairs, slots, strict=True)
    ]


def _weeks(season: int, rng: Random) -> list[list[tuple[str, str]]]:
    """(away, home) pairs of each of the 18 weeks."""
    ranked = [rng.sample(teams, 4) for teams in DIVISIONS.values()]
    afc, nfc = ranked[:4], ranked[4:]
    division_rounds: list[list[tuple[str, str]]] = []
    for leg in range(2):
        for pairing in _PAIRINGS:
            games = [(teams[a], teams[b]) for teams in ranked for a, b in pairing]
            division_rounds.append([(b, a) if leg else (a, b) for a, b in games])

    own = _PAIRINGS[season % 3]
    rounds: list[list[tuple[str, str]]] = []
    meetings = [(conf[a], conf[b]) for conf in (afc, nfc) for a, b in own]
    crossing = [(afc[d], nfc[(d + season) % 4]) for d in range(4)]
    for pairs in (meetings, crossing):
        for shift in range(4):
            rounds.append(
                [
                    (left[i], right[(i + shift) % 4]) if (i + shift // 2) % 2 else (right[(i + shift) % 4], left[i])
                    for left, right in pairs
                    for i in range(4)
                ]
            )
    (a, b), (c, d) = own
    for conf_pairs in (((a, c), (b, d)), ((d, a), (c, b))):
        rounds.append([(conf[x][i], conf[y][i]) for conf in (afc, nfc) for x, y in conf_pairs for i in range(4)])
    extra = [(afc[d][i], nfc[(d + season + 2) % 4][i]) for d in range(4) for i in range(4)]
    rounds.append([(away, home) if season % 2 else (home, away) for away, home in extra])

    last = division_rounds.pop()
    rounds += division_rounds
    rng.shuffle(rounds)
    played = [week for week in range(1, REGULAR_WEEKS) if week != _SPARE_WEEK]
    weeks: dict[int, list[tuple[str, str]]] = {REGULAR_WEEKS: last, _SPARE_WEEK: []}
    weeks.update(zip(played, rounds, strict=True))
    for week, game in _byes(weeks, rng):
        weeks[week].remove(game)
        weeks[_SPARE_WEEK].append(game)
    return [weeks[week] for week in range(1, REGULAR_WEEKS + 1)]


def _byes(weeks: dict[int, list[tuple[str, str]]], rng: Random) -> list[tuple[int, tuple[str, str]]]:
    """Sixteen games that cover every team once, at most two of a bye week: moved away, they leave each team one bye."""
    options: dict[str, list[tuple[int, tuple[str, str]]]] = {team: [] for team in TEAMS}
    for week in _BYE_WEEKS:
        for game in weeks[week]:
            for team in game:
                options[team].append((week, game))
    chosen: list[tuple[int, tuple[str, str]]] = []
    used = dict.fromkeys(_BYE_WEEKS, 0)
    free = set(TEAMS)
    for choices in options.values():
        rng.shuffle(choices)

    def place() -> bool:
        if not free:
            return True
        team = min(sorted(free), key=lambda t: sum(set(game) <= free for _, game in options[t]))
        for week, game in options[team]:
            if used[week] < 2 and set(game) <= free:
                chosen.append((week, game))
                used[week] += 1
                free.difference_update(game)
                if place():
                    return True
                chosen.pop()
                used[week] -= 1
                free.update(game)
        return False

    if not place():  # every week's games are a perfect matching, so that this has not been seen
        raise RuntimeError("no way to place the byes: take another seed")
    return chosen


def _kickoffs(season: int, week: int, pairs: list[tuple[str, str]], rng: Random) -> list[Fixture]:
    thursday = opening_thursday(season) + timedelta(days=7 * (week - 1))
    november = date(season, 11, 1)
    thanksgiving = november + timedelta(days=(3 - november.weekday()) % 7 + 21)
    slots: list[tuple[int, str]]
    if week == REGULAR_WEEKS:
        slots = [(2, "16:30"), (2, "20:00"), (3, "20:20")]
    elif thursday == thanksgiving:
        slots = [(0, "12:30"), (0, "16:30"), (0, "20:20"), (1, "15:00"), (3, "20:20"), (4, "20:15")]
    elif week >= 16:
        slots = [(0, "20:15"), (2, "16:30"), (2, "20:00"), (3, "20:20"), (4, "20:15")]
    else:
        slots = [(0, "20:20" if week == 1 else "20:15"), (3, "20:20"), (4, "20:15")]
    abroad = week in (5, 6, 7, 10)
    if abroad:
        slots.append((3, "09:30"))
    slots += [(3, "16:05"), (3, "16:25"), (3, "16:25")]
    slots += [(3, "13:00")] * (len(pairs) - len(slots))
    order = rng.sample(pairs, len(pairs))
    return [
        Fixture(season, week, "REG", away, home, thursday + timedelta(days=day), hour, hour == "09:30")
        for (away, home), (day, hour) in zip(order, slots, strict=True)
    ]
