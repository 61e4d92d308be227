"""The invented players of a sample season: names, numbers, ids, and who is on which team in which week.

No real player: family names are made of syllables. The awkward people that a pipeline has to survive are here by plan
(traded, two of one name on one team, two positions); what they do on the field is in `plays.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from firsttd_pipeline.sample.calendar import TEAMS


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST = _words(
    "Aaron Adrian Alec Andre Anthony Austin Ben Blake Brandon Brian Bryce Caleb Calvin Cam Carlos Chase Chris "
    "Cole  Colin Corey Dalton Damon Daniel Darius Darnell David Dax Deion Derek Devin Dominic Drew Dwayne Eli "
    "Elijah Emmett Eric  Evan Felix Frank Gabe Garrett Grant Greg Hunter Ian Isaiah Jabari Jack Jaden Jake Jalen "
    "Jamal James Jared Jason  Javon Jeremiah Joel Jonah Jordan Josh Julian Justin Kameron Keith Kendall Kenny "
    "Kevin Kyle Lamar Lance Leon Logan  Lucas Malik Marcus Mason Matt Micah Miles Nate Nick Noah Omar Owen Parker "
    "Patrick Quentin Rashad Reggie Rico  Riley Roman Ryan Sam Sean Silas Spencer Terrell Theo Tim Tobias Travis "
    "Trent Tristan Tyler Victor Vince Wes Will Xavier  Zach Zion D'Andre Ja'Quan José René A.J. C.J. D.J. K.T."
)
_HEAD = _words(
    "Hal Bren Cor Mer Wyn Tal Ash Bel Cal Dar El Fen Gar Har Ken Lan Mar Nor Os Pem Quill Ral Sel Tor Ul Ver Wes "
    "Yar  Zel Bram Crom Drum Fal Grim Hol Kes Lor Mil Nev Pren Rud Stav Thar Vos"
)
_TAIL = _words(
    "worthy denby leyson stone ridge brook croft mere wick hamlin fordham combe dale gate haven moor shaw thorpe"
)
_COLLEGES = (
    "North Lakes",
    "Coastal Tech",
    "Prairie State",
    "Hill Valley",
    "Bay A&M",
    "Eastern Pines",
    "Mesa",
    "Riverton",
)

ACTIVE: dict[str, int] = {
    "QB": 3,
    "RB": 4,
    "WR": 6,
    "TE": 3,
    "OL": 9,
    "DL": 9,
    "LB": 7,
    "DB": 9,
    "K": 1,
    "P": 1,
    "LS": 1,
}
_RESERVES = (("DEV", 6), ("RES", 4), ("CUT", 3))
_NUMBERS: dict[str, tuple[int, int]] = {
    "QB": (1, 19),
    "RB": (20, 49),
    "WR": (0, 19),
    "TE": (80, 89),
    "OL": (50, 79),
    "DL": (90, 99),
    "LB": (40, 59),
    "DB": (20, 49),
    "K": (1, 19),
    "P": (1, 19),
    "LS": (40, 69),
}
_DEPTH: dict[str, tuple[str, ...]] = {
    "OL": ("T", "G", "C", "G", "T"),
    "DL": ("DE", "DT", "NT"),
    "LB": ("OLB", "ILB", "MLB"),
    "DB": ("CB", "FS", "SS", "CB"),
}


@dataclass
class Player:
    """One invented player; `team` is where he starts the season."""

    player_id: str
    first_name: str
    last_name: str
    team: str
    position: str
    depth_position: str
    jersey: int
    status: str
    rank: int
    experience: int
    football_name: str
    out_weeks: frozenset[int] = frozenset()
    traded: tuple[int, str] | None = None
    moved: tuple[int, str] | None = None

    @property
    def full_name(self) -> str:
        """First and last name, the suffix included."""
        return f"{self.first_name} {self.last_name}"

    @cached_property
    def short_name(self) -> str:
        """As plays name him: F.Last, without suffix."""
        last = self.last_name.removesuffix(" Jr.").removesuffix(" III")
        return f"{self.first_name[0]}.{last}"

    @cached_property
    def tag(self) -> str:
        """As play descriptions name him: 19-F.Last."""
        return f"{self.jersey}-{self.short_name}"

    def team_at(self, week: int) -> str:
        """His team in a week of the season."""
        return self.traded[1] if self.traded and week >= self.traded[0] else self.team

    def position_at(self, week: int) -> str:
        """His listed position in a week of the season."""
        return self.moved[1] if self.moved and week >= self.moved[0] else self.position

    def status_at(self, week: int) -> str:
        """The weekly roster's status code."""
        return "INA" if self.status == "ACT" and week in self.out_weeks else self.status


@dataclass
class Lineup:
    """Who plays for a team in one week, best first."""

    team: str
    by_position: dict[str, list[Player]]

    def __getitem__(self, position: str) -> list[Player]:
        return self.by_position[position]


@dataclass
class People:
    """Every player of a season, and the ones planted on purpose."""

    players: list[Player]
    traded: Player
    two_positions: Player
    namesakes: tuple[Player, Player]
    _lineups: dict[tuple[str, int], Lineup] = field(default_factory=dict)

    def lineup(self, team: str, week: int) -> Lineup:
        """The active players of a team in a week."""
        if not self._lineups:
            for number in range(1, 23):
                for code in TEAMS:
                    self._lineups[code, number] = Lineup(code, {position: [] for position in ACTIVE})
                for player in sorted(self.players, key=lambda p: (p.rank, p.player_id)):
                    if player.status_at(number) == "ACT":
                        self._lineups[player.team_at(number), number][player.position_at(number)].append(player)
        return self._lineups[team, week]


def invent_people(season: int, rng: Random, trade: tuple[str, str, int], namesakes: str, two_positions: str) -> People:
    """Invent the players of a season.

    Args:
        season: for ages and experience.
        rng: the only source of chance.
        trade: old team, new team and the first week with the new one, of a receiver.
        namesakes: the team that has two players of one name, a receiver and a back of the defence.
        two_positions: the team of the running back who is listed as a receiver from week 8.
    """
    names = _Names(rng)
    players: list[Player] = []
    for team in TEAMS:
        taken: set[int] = set()
        groups = [("ACT", position, count) for position, count in ACTIVE.items()]
        for status, count in _RESERVES:
            groups += [(status, rng.choice(list(ACTIVE)[:8]), 1) for _ in range(count)]
        for status, position, count in groups:
            for rank in range(count):
                first, last = next(names)
                low, high = _NUMBERS[position]
                free = [n for n in range(low, high + 1) if n not in taken] or [
                    n for n in range(1, 100) if n not in taken
                ]
                jersey = rng.choice(free)
                taken.add(jersey)
                depth = _DEPTH.get(position, (position,))
                resting = rank >= count - 1 and count > 2
                chance = 0.7 if resting else 0.05 if position not in ("QB", "K", "P", "LS") else 0.0
                players.append(
                    Player(
                        player_id=f"00-09{len(players) + 10001:05d}",
                        first_name=first,
                        last_name=last,
                        team=team,
                        position=position,
                        depth_position=depth[rank % len(depth)],
                        jersey=jersey,
                        status=status,
                        rank=rank if status == "ACT" else 99,
                        experience=rng.choice((0, 0, 1, 1, 2, 3, 4, 5, 7, 9)),
                        football_name="Mike" if first == "Micah" else first,
                        out_weeks=frozenset(week for week in range(1, 23) if rng.random() < chance),
                    )
                )

    def star(team: str, position: str, rank: int) -> Player:
        player = next(p for p in players if (p.team, p.position, p.rank) == (team, position, rank))
        player.out_weeks = frozenset()
        return player

    old, new, week = trade
    traded = star(old, "WR", 1)
    traded.traded = (week, new)
    traded.jersey = next(n for n in range(10, 100) if n not in {p.jersey for p in players if p.team in (old, new)})
    receiver, back = star(namesakes, "WR", 0), star(namesakes, "DB", 0)
    back.first_name, back.last_name, back.football_name = (
        receiver.first_name,
        receiver.last_name,
        receiver.football_name,
    )
    runner = star(two_positions, "RB", 1)
    runner.moved = (8, "WR")
    return People(players, traded, runner, (receiver, back))


def invent_name(rng: Random) -> str:
    """One invented full name, for coaches and members."""
    return f"{rng.choice(_FIRST[:110])} {rng.choice(_HEAD)}{rng.choice(_TAIL)}"


def college(rng: Random) -> str:
    """One invented college."""
    return rng.choice(_COLLEGES)


class _Names:
    """Full names in random order, no two alike."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def __next__(self) -> tuple[str, str]:
        rng = self._rng
        while True:
            first = rng.choice(_FIRST)
            last = rng.choice(_HEAD) + rng.choice(_TAIL)
            if f"{first} {last}" in self._used:
                continue
            self._used.add(f"{first} {last}")
            chance = rng.random()
            if chance < 0.04:
                last += " Jr."
            elif chance < 0.055:
                last += " III"
            elif chance < 0.075:
                last += "-" + rng.choice(_HEAD) + rng.choice(_TAIL)
            return first, last
