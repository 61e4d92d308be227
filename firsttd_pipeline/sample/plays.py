"""The invented plays of one game: possessions, kicks, scores, the clock, with upstream's meaning of every column.

A game is played from a random source and a script of planned events; what the script asks for happens as upstream would
record it (who `posteam` is on a kickoff, which flags stay 0). Whole seasons, files and schemas are in `season.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from firsttd_pipeline.sample.calendar import Fixture
from firsttd_pipeline.sample.people import Lineup, Player

Row = dict[str, Any]

_RUNS = (-3, -2, -1, 0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 6, 7, 8, 10, 13, 29)
_PASSES = (-1, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 10, 11, 11, 12, 13, 14, 16, 18, 20, 23, 27, 34, 50)
_SIDES = ("left", "right", "middle")
_GAPS = ("end", "tackle", "guard")


@dataclass(frozen=True)
class Event:
    """One planned happening.

    Attributes:
        name: what happens, one of `EVENTS`.
        drive: the first possession (counted from 1) in which it may happen.
        team: the team with the ball, or None for whoever has it.
        player: the scorer, where the script says who.
    """

    name: str
    drive: int = 1
    team: str | None = None
    player: Player | None = None


EVENTS = (
    "kickoff_return",
    "kickoff_recovery",
    "punt_return",
    "blocked_punt",
    "blocked_field_goal",
    "interception_return",
    "interception_offense",
    "fumble_return",
    "own_fumble",
    "lateral",
    "lineman",
    "touchdown",
    "nullified",
    "reversed",
    "defensive_two_point",
    "safety",
)


@dataclass(frozen=True)
class Touchdown:
    """One valid touchdown, as the truth about the sample.

    Attributes:
        kind: pass, rush, kickoff_return, kickoff_recovery, punt_return, blocked_punt, blocked_field_goal,
            interception_return, fumble_return, own_fumble, after_interception (both by the offence).
        first: it is the game's first touchdown.
    """

    game_id: str
    play_id: int
    order_sequence: float
    player_id: str
    player_name: str
    team: str
    quarter: int
    clock: str
    kind: str
    first: bool = False


@dataclass
class Played:
    """A finished game: its rows in the order of play, its score and its touchdowns."""

    fixture: Fixture
    rows: list[Row]
    away_score: int
    home_score: int
    overtime: bool
    touchdowns: list[Touchdown]
    pending: list[Event]
    ids: dict[str, int] = field(default_factory=dict)


def play_game(
    fixture: Fixture,
    lineups: dict[str, Lineup],
    strength: dict[str, float],
    seed: str,
    script: Sequence[Event] = (),
    *,
    no_touchdown: bool = False,
    tie: bool = False,
    late_entry: bool = False,
    accept: Callable[[Played], bool] | None = None,
) -> Played:
    """Play one game.

    The game is played again, with the next random source, until the script has happened and `accept` agrees.

    Args:
        fixture: the game.
        lineups: the active players of both teams.
        strength: points by which a team is better than the average.
        seed: names the random source; equal seeds give equal games.
        script: what has to happen.
        no_touchdown: nobody reaches the end zone.
        tie: nobody scores in overtime.
        late_entry: the first touchdown was entered late: its play_id is the game's highest.
        accept: a further condition on the result.

    Raises:
        RuntimeError: no try of many gave what was asked for.
    """
    for attempt in range(3000):
        game = _Game(fixture, lineups, strength, Random(f"{seed}/{attempt}"), list(script), no_touchdown, tie)
        game.play()
        played = Played(
            fixture,
            game.rows,
            game.score[fixture.away],
            game.score[fixture.home],
            game.quarter > 4,
            [],
            game.script,
            game.ids,
        )
        _enter(played, late_entry, game.rng)
        if not game.script and (accept is None or accept(played)):
            return played
    raise RuntimeError(f"{fixture.game_id}: the script never came true, take another seed")


def _enter(played: Played, late_entry: bool, rng: Random) -> None:
    """Number the plays as upstream does, and read the truth from the rows."""
    rows = played.rows
    number = 1
    for row in rows:
        row["play_id"] = row["order_sequence"] = float(number)
        number += 39 if number == 1 else rng.randint(18, 34)
    scores = [row for row in rows if row.get("touchdown")]
    if late_entry and scores:
        scores[0]["play_id"] = float(number)
    elif rng.random() < 0.2:  # upstream's ids are no clock: plays written down in another order
        swap = rng.randrange(5, len(rows) - 6)
        first, second = rows[swap], rows[swap + 1]
        if not (first.get("touchdown") or second.get("touchdown")):
            first["play_id"], second["play_id"] = second["play_id"], first["play_id"]
    for row in scores:
        played.touchdowns.append(
            Touchdown(
                played.fixture.game_id,
                int(row["play_id"]),
                row["order_sequence"],
                row["td_player_id"],
                row["td_player_name"],
                row["td_team"],
                int(row["qtr"]),
                row["time"],
                row["td_kind"],
                row is scores[0],
            )
        )
    for name, index in played.ids.items():
        played.ids[name] = int(rows[index]["play_id"])


def _clock(seconds: int) -> str:
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


class _Game:
    """The state of a game in progress."""

    def __init__(
        self,
        fixture: Fixture,
        lineups: dict[str, Lineup],
        strength: dict[str, float],
        rng: Random,
        script: list[Event],
        no_touchdown: bool,
        tie: bool,
    ) -> None:
        self.fixture = fixture
        self.lineups = lineups
        self.strength = strength
        self.rng = rng
        self.script = script
        self.no_touchdown = no_touchdown
        self.tie = tie
        self.rows: list[Row] = []
        self.ids: dict[str, int] = {}
        self.score = {fixture.away: 0, fixture.home: 0}
        self.quarter = 1
        self.clock = 900
        self.drive_number = 0
        self.drive_rows: list[Row] = []
        self.over = False
        self.defensive_two = False
        self.pos = fixture.away
        self.yards_to_go = 75

    # --- small things -------------------------------------------------------------------------------------------------

    def other(self, team: str) -> str:
        return self.fixture.home if team == self.fixture.away else self.fixture.away

    def spot(self, team: str, yards: int) -> str:
        """The name of the spot `yards` before the end zone that `team` attacks."""
        if yards == 50:
            return "50"
        return f"{team} {100 - yards}" if yards > 50 else f"{self.other(team)} {yards}"

    def pick(self, team: str, weights: Sequence[tuple[str, int, float]]) -> Player:
        lineup = self.lineups[team]
        options = [(lineup[p][rank], weight) for p, rank, weight in weights if rank < len(lineup[p])]
        return self.rng.choices([o for o, _ in options], [w for _, w in options])[0]

    def man(self, team: str, position: str) -> Player:
        return self.lineups[team][position][0]

    def defender(self, team: str) -> Player:
        group = self.lineups[team][self.rng.choice(("DL", "LB", "LB", "DB", "DB"))]
        return self.rng.choice(group)

    def event(self, *names: str) -> Event | None:
        for planned in self.script:
            if planned.name in names and planned.drive <= self.drive_number and planned.team in (None, self.pos):
                self.script.remove(planned)
                return planned
        return None

    def row(self, team: str | None, kind: str, play_type: str | None, desc: str, seconds: int, **facts: Any) -> Row:
        """Write one play; `seconds` is what it takes off the clock, `points` (team, n) what it scores."""
        scored: tuple[str, int] | None = facts.pop("points", None)
        other = self.other(team) if team else None
        quarter_left = self.clock
        row: Row = {
            "posteam": team,
            "defteam": other,
            "qtr": float(self.quarter),
            "time": _clock(quarter_left),
            "quarter_seconds_remaining": float(quarter_left),
            "game_seconds_remaining": float(quarter_left + (900 * (4 - self.quarter) if self.quarter < 4 else 0)),
            "play_type": play_type,
            "play_type_nfl": kind,
            "desc": desc,
            "drive_number": float(self.drive_number),
        }
        if team and other:
            row["posteam_score"] = float(self.score[team])
            row["defteam_score"] = float(self.score[other])
            if scored:
                self.score[scored[0]] += scored[1]
                row["sp"] = 1.0
            row["posteam_score_post"] = float(self.score[team])
            row["defteam_score_post"] = float(self.score[other])
        row["total_home_score"] = float(self.score[self.fixture.home])
        row["total_away_score"] = float(self.score[self.fixture.away])
        row.update(facts)
        self.rows.append(row)
        self.drive_rows.append(row)
        self.clock = max(0, self.clock - seconds)
        return row

    def new_drive(self, team: str) -> None:
        self.drive_number += 1
        self.drive_rows = []
        self.pos = team

    def end_drive(self, result: str) -> None:
        for row in self.drive_rows:
            row["fixed_drive_result"] = result
        self.drive_rows = []

    def scorer(self, player: Player, team: str, kind: str, **flags: float) -> Row:
        return {
            "touchdown": 1.0,
            "td_team": team,
            "td_player_id": player.player_id,
            "td_player_name": player.short_name,
            "td_kind": kind,
            "points": (team, 6),
            **flags,
        }

    # --- the game -----------------------------------------------------------------------------------------------------

    def play(self) -> None:
        opening = self.rng.choice((self.fixture.away, self.fixture.home))
        self.new_drive(opening)
        self.row(None, "GAME_START", None, "GAME", 0)
        self.drive_number = 0
        self.half(opening, 2)
        self.row(None, "END_QUARTER", None, "END QUARTER 2", 0)
        self.quarter, self.clock = 3, 900
        self.half(self.other(opening), 4)
        home, away = self.score[self.fixture.home], self.score[self.fixture.away]
        if home == away:
            self.row(self.pos, "END_QUARTER", None, "END QUARTER 4", 0)
            self.overtime()
        self.row(self.pos, "END_GAME", None, "END GAME", 0)
        for row in self.drive_rows:
            row.setdefault("fixed_drive_result", "End of half")
        self.rows[0]["fixed_drive_result"] = self.rows[1]["fixed_drive_result"]
        for before, row in pairwise(self.rows):
            row.setdefault("fixed_drive_result", before["fixed_drive_result"])

    def half(self, receiver: str, last_quarter: int) -> None:
        kicking = self.other(receiver)
        self.kickoff(kicking)
        while not self.half_over(last_quarter):
            self.possession(last_quarter)

    def half_over(self, last_quarter: int) -> bool:
        return self.over or (self.clock <= 0 and self.quarter >= last_quarter)

    def overtime(self) -> None:
        """Both teams get the ball once, then the next score wins; playoff games go on until somebody leads."""
        playoff = self.fixture.game_type != "REG"
        self.quarter, self.clock = 5, 900 if playoff else 600
        self.no_touchdown = self.no_touchdown or self.tie
        receiver = self.rng.choice((self.fixture.away, self.fixture.home))
        self.kickoff(self.other(receiver))
        possessions = 0
        while True:
            self.possession(self.quarter)
            possessions += 1
            if self.over or (possessions >= 2 and len(set(self.score.values())) == 2):
                return
            if self.clock <= 0:
                if not playoff or len(set(self.score.values())) == 2:
                    return
                self.row(self.pos, "END_QUARTER", None, f"END QUARTER {self.quarter}", 0)
                self.quarter, self.clock = self.quarter + 1, 900

    def tick(self, last_quarter: int) -> bool:
        """Go over a quarter's end inside a possession; True when the half is over."""
        if self.clock > 0:
            return False
        if self.quarter >= last_quarter:
            return True
        self.row(self.pos, "END_QUARTER", None, f"END QUARTER {self.quarter}", 0)
        self.quarter, self.clock = self.quarter + 1, 900
        return False

    # --- kicks --------------------------------------------------------------------------------------------------------

    def kickoff(self, kicking: str) -> None:
        """Kick off; the receiver's drive begins with it."""
        receiving = self.other(kicking)
        self.new_drive(receiving)
        kicker = self.man(kicking, "K")
        returner = self.pick(receiving, (("RB", 2, 3), ("WR", 3, 3), ("DB", 3, 1), ("RB", 1, 1)))
        start = f"{kicker.tag} kicks 65 yards from {kicking} 35 to {receiving} 0."
        facts: Row = {
            "yardline_100": 35.0,
            "ydstogo": 0.0,
            "kickoff_attempt": 1.0,
            "kicker_player_id": kicker.player_id,
            "kicker_player_name": kicker.short_name,
            "special_teams_play": 1.0,
            "kick_distance": 65.0,
        }
        returned = {
            "kickoff_returner_player_id": returner.player_id,
            "kickoff_returner_player_name": returner.short_name,
            "return_team": receiving,
        }
        if self.event("kickoff_return") or self.rare(0.002):
            desc = f"{start} {returner.tag} for 100 yards, TOUCHDOWN."
            self.row(
                receiving, "KICK_OFF", "kickoff", desc, 13, **facts, **returned, return_yards=100.0,
                **self.scorer(returner, receiving, "kickoff_return", return_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(receiving, "Touchdown")
        elif self.event("kickoff_recovery"):
            hero = self.rng.choice(self.lineups[kicking]["LB"])
            desc = f"{start} RECOVERED by {kicking}-{hero.tag}, TOUCHDOWN."
            self.row(
                receiving, "KICK_OFF", "kickoff", desc, 6, **facts, own_kickoff_recovery=1.0,
                own_kickoff_recovery_td=1.0, own_kickoff_recovery_player_id=hero.player_id,
                own_kickoff_recovery_player_name=hero.short_name,
                **self.scorer(hero, kicking, "kickoff_recovery"),
            )  # fmt: skip
            self.after_touchdown(kicking, "Opp touchdown")
        elif self.rng.random() < 0.25:
            self.row(
                receiving, "KICK_OFF", "kickoff", f"{start} Touchback to the {receiving} 35.", 0, **facts, touchback=1.0
            )
            self.yards_to_go = 65
        else:
            gain = self.rng.randint(18, 34)
            tackler = self.defender(kicking)
            desc = f"{start} {returner.tag} to {receiving} {gain} for {gain} yards ({tackler.tag})."
            self.row(
                receiving, "KICK_OFF", "kickoff", desc, 6, **facts, **returned, return_yards=float(gain),
                solo_tackle=1.0, solo_tackle_1_player_id=tackler.player_id,
                solo_tackle_1_player_name=tackler.short_name, solo_tackle_1_team=kicking,
            )  # fmt: skip
            self.yards_to_go = 100 - gain

    def rare(self, chance: float) -> bool:
        """A chance touchdown that is not the offence's."""
        return not self.no_touchdown and self.rng.random() < chance

    def after_touchdown(self, team: str, result: str) -> None:
        """The try, the end of the drive, the next kickoff."""
        rng = self.rng
        diff = self.score[team] - self.score[self.other(team)]
        sudden_death = self.quarter > 4 and diff != 0 and self.ot_decided()
        if sudden_death:
            self.end_drive(result)
            self.over = True
            return
        if self.defensive_two or (self.quarter == 4 and diff in (-2, 1, 4, 5)) or rng.random() < 0.04:
            self.two_points(team)
        else:
            kicker = self.man(team, "K")
            good = rng.random() < 0.95
            state = "good" if good else "failed"
            desc = f"{kicker.tag} extra point is {'GOOD' if good else 'No Good, Wide Left'}, Center-{self.man(team, 'LS').tag}, Holder-{self.man(team, 'P').tag}."  # noqa: E501
            self.row(
                team, "XP_KICK", "extra_point", desc, 0, yardline_100=15.0, ydstogo=0.0, extra_point_attempt=1.0,
                extra_point_result=state, kicker_player_id=kicker.player_id, kicker_player_name=kicker.short_name,
                special_teams_play=1.0, points=(team, int(good)),
            )  # fmt: skip
        self.end_drive(result)
        self.next_kickoff(team)

    def ot_decided(self) -> bool:
        """In overtime a touchdown ends the game once both teams have had the ball, and at once on a defensive score."""
        drives = {row["drive_number"] for row in self.rows if row["qtr"] >= 5}
        return len(drives) >= 2

    def two_points(self, team: str) -> None:
        quarterback = self.man(team, "QB")
        receiver = self.pick(team, (("WR", 0, 3), ("WR", 1, 2), ("TE", 0, 3)))
        other = self.other(team)
        facts: Row = {
            "yardline_100": 2.0,
            "ydstogo": 0.0,
            "two_point_attempt": 1.0,
            "pass_attempt": 1.0,
            "passer_player_id": quarterback.player_id,
            "passer_player_name": quarterback.short_name,
            "receiver_player_id": receiver.player_id,
            "receiver_player_name": receiver.short_name,
        }
        start = f"TWO-POINT CONVERSION ATTEMPT. {quarterback.tag} pass to {receiver.tag}"
        if self.defensive_two:
            self.defensive_two = False
            thief = self.rng.choice(self.lineups[other]["DB"])
            desc = f"{start} is intercepted. ATTEMPT FAILS. DEFENSIVE TWO-POINT ATTEMPT. {thief.tag} intercepted the try attempt. ATTEMPT SUCCEEDS."  # noqa: E501
            self.ids["defensive_two_point"] = len(self.rows)
            self.row(
                team, "PAT2", "pass", desc, 0, **facts, two_point_conv_result="failure",
                defensive_two_point_attempt=1.0, defensive_two_point_conv=1.0, points=(other, 2),
            )  # fmt: skip
        elif self.rng.random() < 0.48:
            self.row(
                team, "PAT2", "pass", f"{start} is complete. ATTEMPT SUCCEEDS.", 0, **facts,
                two_point_conv_result="success", points=(team, 2),
            )  # fmt: skip
        else:
            self.row(
                team, "PAT2", "pass", f"{start} is incomplete. ATTEMPT FAILS.", 0, **facts,
                two_point_conv_result="failure",
            )  # fmt: skip

    def next_kickoff(self, kicking: str) -> None:
        if self.quarter > 4 and self.ot_decided() and len(set(self.score.values())) == 2:
            self.over = True
        if self.clock <= 0 and self.quarter in (1, 3):
            self.row(kicking, "END_QUARTER", None, f"END QUARTER {self.quarter}", 0)
            self.quarter, self.clock = self.quarter + 1, 900
        if not self.over and self.clock > 0:
            self.kickoff(kicking)

    def punt(self, planned: Event | None) -> None:
        team, other, rng = self.pos, self.other(self.pos), self.rng
        punter = self.man(team, "P")
        spot = self.yards_to_go
        facts: Row = {
            "yardline_100": float(spot),
            "down": 4.0,
            "ydstogo": 8.0,
            "punt_attempt": 1.0,
            "punter_player_id": punter.player_id,
            "punter_player_name": punter.short_name,
            "special_teams_play": 1.0,
        }
        time = f"({self.clock // 60}:{self.clock % 60:02d}) {punter.tag}"
        center = f"Center-{self.man(team, 'LS').tag}"
        if planned and planned.name == "blocked_punt":
            blocker, hero = self.lineups[other]["LB"][0], self.lineups[other]["DB"][1]
            where = self.spot(team, spot)
            desc = f"{time} punt is BLOCKED by {blocker.tag}, {center}, RECOVERED by {other}-{hero.tag} at {where}. {hero.tag} for {100 - spot} yards, TOUCHDOWN."  # noqa: E501
            self.row(
                team, "PUNT", "punt", desc, 9, **facts, punt_blocked=1.0, blocked_player_id=blocker.player_id,
                blocked_player_name=blocker.short_name, **self.scorer(hero, other, "blocked_punt"),
            )  # fmt: skip
            self.after_touchdown(other, "Opp touchdown")
            return
        distance = min(rng.randint(38, 58), spot - 5)
        landed = spot - distance
        returner = self.pick(other, (("WR", 2, 3), ("DB", 2, 2), ("RB", 2, 1)))
        returned: Row = {
            "punt_returner_player_id": returner.player_id,
            "punt_returner_player_name": returner.short_name,
            "return_team": other,
            "kick_distance": float(distance),
        }
        start = f"{time} punts {distance} yards to {self.spot(team, landed)}, {center}."
        if (planned and planned.name == "punt_return") or self.rare(0.004):
            gain = 100 - landed
            self.row(
                team, "PUNT", "punt", f"{start} {returner.tag} for {gain} yards, TOUCHDOWN.", 14, **facts, **returned,
                return_yards=float(gain), **self.scorer(returner, other, "punt_return", return_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(other, "Opp touchdown")
            return
        if rng.random() < 0.45:
            gain = rng.randint(0, 16)
            where = self.spot(team, landed + gain)
            desc = f"{start} {returner.tag} to {where} for {gain} yards ({self.defender(team).tag})."
            self.row(team, "PUNT", "punt", desc, 11, **facts, **returned, return_yards=float(gain))
        else:
            gain = 0
            self.row(
                team, "PUNT", "punt", f"{start} fair catch by {returner.tag}.", 7, **facts, **returned,
                punt_fair_catch=1.0,
            )  # fmt: skip
        self.end_drive("Punt")
        self.new_drive(other)
        self.yards_to_go = 100 - landed - gain

    def field_goal(self, planned: Event | None) -> None:
        team, other = self.pos, self.other(self.pos)
        kicker = self.man(team, "K")
        spot = self.yards_to_go
        distance = spot + 18
        facts: Row = {
            "yardline_100": float(spot),
            "down": 4.0,
            "ydstogo": 6.0,
            "field_goal_attempt": 1.0,
            "kick_distance": float(distance),
            "kicker_player_id": kicker.player_id,
            "kicker_player_name": kicker.short_name,
            "special_teams_play": 1.0,
        }
        start = f"({self.clock // 60}:{self.clock % 60:02d}) {kicker.tag} {distance} yard field goal is"
        crew = f"Center-{self.man(team, 'LS').tag}, Holder-{self.man(team, 'P').tag}"
        if planned:
            hero = self.lineups[other]["DL"][0]
            desc = f"{start} BLOCKED ({hero.tag}), {crew}, RECOVERED by {other}-{hero.tag} at {self.spot(team, spot + 8)}. {hero.tag} for {92 - spot} yards, TOUCHDOWN."  # noqa: E501
            self.row(
                team, "FIELD_GOAL", "field_goal", desc, 11, **facts, field_goal_result="blocked",
                blocked_player_id=hero.player_id, blocked_player_name=hero.short_name,
                **self.scorer(hero, other, "blocked_field_goal"),
            )  # fmt: skip
            self.after_touchdown(other, "Opp touchdown")
            return
        good = self.rng.random() < 1.02 - distance / 250 and not (self.tie and self.quarter > 4)
        if good:
            self.row(
                team, "FIELD_GOAL", "field_goal", f"{start} GOOD, {crew}.", 5, **facts, field_goal_result="made",
                points=(team, 3),
            )  # fmt: skip
            self.end_drive("Field goal")
            self.next_kickoff(team)
            return
        self.row(
            team, "FIELD_GOAL", "field_goal", f"{start} No Good, Wide Right, {crew}.", 5, **facts,
            field_goal_result="missed",
        )  # fmt: skip
        self.end_drive("Missed field goal")
        self.new_drive(other)
        self.yards_to_go = 100 - min(spot + 8, 80)

    # --- from scrimmage -----------------------------------------------------------------------------------------------

    def possession(self, last_quarter: int) -> None:
        """One possession from its first down; the next one is ready when it returns."""
        team, other, rng = self.pos, self.other(self.pos), self.rng
        number = self.drive_number
        planned = self.event(*EVENTS[2:])
        lead_in = rng.randint(1, 3) if planned else 0
        down, togo = 1, min(10, self.yards_to_go)
        while True:
            if self.tick(last_quarter):
                self.end_drive("End of half")
                return
            spot = self.yards_to_go
            if planned and lead_in <= 0:
                name = planned.name
                if name not in ("nullified", "reversed", "defensive_two_point"):
                    self.planned_play(planned, down, togo)
                    return
                if name == "defensive_two_point":
                    self.defensive_two = True
                    self.touchdown_pass(down, togo, None)
                    return
                self.no_touchdown_play(name, down, togo)
                planned = None
                if name == "reversed":
                    down, togo = 1, self.yards_to_go
                continue
            lead_in -= 1
            calm = planned is not None
            behind = self.score[team] < self.score[other]
            late = self.quarter == 4 and self.clock < 240
            if down == 4 and not calm:
                need = self.score[other] - self.score[team]
                if late and behind and (need > 3 or spot > 42) and self.clock < 150:
                    pass
                elif spot <= 38:
                    self.field_goal(None)
                    return
                elif not (togo <= 1 and spot <= 60 and rng.random() < 0.6):
                    self.punt(None)
                    return
            if self.quarter >= 4 and self.clock <= 38 and spot <= 40 and 0 <= -self.lead(team) <= 3 and not calm:
                self.field_goal(None)
                return
            if self.quarter == 4 and self.clock < 110 and self.lead(team) > 0 and not calm:
                passer = self.man(team, "QB")
                self.row(
                    team, "RUSH", "qb_kneel", f"{passer.tag} kneels to {self.spot(team, spot)} for -1 yards.", 38,
                    yardline_100=float(spot), down=float(min(down, 3)), ydstogo=float(togo), qb_kneel=1.0,
                    rush_attempt=1.0, yards_gained=-1.0, rusher_player_id=passer.player_id,
                    rusher_player_name=passer.short_name,
                )  # fmt: skip
                self.yards_to_go = min(99, spot + 1)
                down = min(down + 1, 3)
                continue
            if rng.random() < 0.045 and not calm:
                self.penalty(down, togo)
                togo = min(togo + 5, self.yards_to_go)
                continue
            outcome, gain = self.scrimmage(down, togo, calm)
            if self.over or outcome == "turnover" or self.drive_number != number:
                return
            self.yards_to_go = spot - gain
            togo -= gain
            if togo <= 0:
                down, togo = 1, min(10, self.yards_to_go)
            else:
                down += 1
                if calm and down > 4:
                    down = 1
            if down > 4:
                self.end_drive("Turnover on downs")
                self.new_drive(other)
                self.yards_to_go = 100 - self.yards_to_go
                return

    def lead(self, team: str) -> int:
        return self.score[team] - self.score[self.other(team)]

    def penalty(self, down: int, togo: int) -> None:
        team = self.pos
        guilty = self.rng.choice(self.lineups[team]["OL"])
        step = 5 if self.yards_to_go <= 90 else 0
        desc = f"({self.clock // 60}:{self.clock % 60:02d}) PENALTY on {team}-{guilty.tag}, False Start, {step} yards, enforced at {self.spot(team, self.yards_to_go)} - No Play."  # noqa: E501
        self.row(
            team, "PENALTY", "no_play", desc, 0, yardline_100=float(self.yards_to_go), down=float(down),
            ydstogo=float(togo), penalty=1.0, penalty_team=team, penalty_player_id=guilty.player_id,
            penalty_player_name=guilty.short_name, penalty_yards=float(step), penalty_type="False Start",
        )  # fmt: skip
        self.yards_to_go += step

    def scrimmage(self, down: int, togo: int, calm: bool) -> tuple[str, int]:
        """One run or pass; returns what became of the possession (`down` or `turnover`) and the gain."""
        team, other, rng, spot = self.pos, self.other(self.pos), self.rng, self.yards_to_go
        edge = (self.strength[team] - self.strength[other]) / 60
        facts: Row = {"yardline_100": float(spot), "down": float(down), "ydstogo": float(togo)}
        hurry = self.quarter in (2, 4) and self.clock < 120
        seconds = rng.randint(9, 24) if hurry else rng.randint(27, 43)
        time = f"({self.clock // 60}:{self.clock % 60:02d})"
        if rng.random() < (0.42 if down < 3 else 0.25) + (0.15 if spot <= 5 else 0.0):
            runner = self.pick(
                team, (("RB", 0, 50), ("RB", 1, 24), ("RB", 2, 7), ("QB", 0, 11), ("WR", 2, 3), ("TE", 2, 0.4))
            )
            facts |= {
                "rush_attempt": 1.0,
                "rusher_player_id": runner.player_id,
                "rusher_player_name": runner.short_name,
                "run_location": rng.choice(_SIDES),
                "run_gap": rng.choice(_GAPS),
            }
            gain = rng.choice(_RUNS) + (1 if rng.random() < edge else 0)
            start = f"{time} {runner.tag} {facts['run_location']} {facts['run_gap']}"
            if gain >= spot and (calm or self.no_touchdown):
                gain = spot - 1
            if gain >= spot:
                self.row(
                    team, "RUSH", "run", f"{start} for {spot} yards, TOUCHDOWN.", 6, **facts, yards_gained=float(spot),
                    rushing_yards=float(spot), **self.scorer(runner, team, "rush", rush_touchdown=1.0),
                )  # fmt: skip
                self.after_touchdown(team, "Touchdown")
                return "turnover", 0
            gain = max(gain, spot - 99)
            tackler = self.defender(other)
            desc = f"{start} to {self.spot(team, spot - gain)} for {gain} yards ({tackler.tag})."
            if not calm and rng.random() < 0.011:
                return self.lost_ball(desc, "RUSH", "run", runner, gain, seconds, facts)
            self.row(
                team, "RUSH", "run", desc, seconds, **facts, yards_gained=float(gain), rushing_yards=float(gain),
                solo_tackle=1.0, solo_tackle_1_player_id=tackler.player_id,
                solo_tackle_1_player_name=tackler.short_name, solo_tackle_1_team=other,
            )  # fmt: skip
            return "down", gain
        passer = self.man(team, "QB")
        facts |= {
            "qb_dropback": 1.0,
            "shotgun": 1.0,
            "pass_attempt": 1.0,
            "passer_player_id": passer.player_id,
            "passer_player_name": passer.short_name,
        }
        if rng.random() < 0.068:
            gain = max(-rng.randint(1, 11), spot - 99)
            sacker = rng.choice(self.lineups[other]["DL"])
            desc = f"{time} (Shotgun) {passer.tag} sacked at {self.spot(team, spot - gain)} for {gain} yards ({sacker.tag})."  # noqa: E501
            facts["sack"] = 1.0
            if not calm and rng.random() < 0.12:
                return self.lost_ball(desc, "SACK", "pass", passer, gain, seconds, facts)
            self.row(
                team, "SACK", "pass", desc, seconds, **facts, yards_gained=float(gain),
                sack_player_id=sacker.player_id, sack_player_name=sacker.short_name,
            )  # fmt: skip
            return "down", gain
        receiver = self.receiver(team)
        side = rng.choice(_SIDES)
        facts |= {
            "receiver_player_id": receiver.player_id,
            "receiver_player_name": receiver.short_name,
            "pass_location": side,
            "pass_length": "short",
        }
        chance = rng.random()
        if chance < 0.022 and not calm:
            self.interception(facts, receiver, None)
            return "turnover", 0
        if chance < 0.36 - edge / 2:
            desc = f"{time} (Shotgun) {passer.tag} pass incomplete short {side} to {receiver.tag}."
            self.row(team, "PASS", "pass", desc, rng.randint(5, 8), **facts, yards_gained=0.0, incomplete_pass=1.0)
            return "down", 0
        gain = rng.choice(_PASSES)
        if gain >= spot and (calm or self.no_touchdown):
            gain = spot - 1
        if gain >= spot:
            self.touchdown_pass(down, togo, receiver)
            return "turnover", 0
        gain = max(gain, spot - 99)
        tackler = self.defender(other)
        desc = f"{time} (Shotgun) {passer.tag} pass short {side} to {receiver.tag} to {self.spot(team, spot - gain)} for {gain} yards ({tackler.tag})."  # noqa: E501
        self.row(
            team, "PASS", "pass", desc, seconds, **facts, yards_gained=float(gain), complete_pass=1.0,
            receiving_yards=float(gain), passing_yards=float(gain), solo_tackle=1.0,
            solo_tackle_1_player_id=tackler.player_id, solo_tackle_1_player_name=tackler.short_name,
            solo_tackle_1_team=other,
        )  # fmt: skip
        return "down", gain

    def receiver(self, team: str) -> Player:
        return self.pick(
            team,
            (("WR", 0, 26), ("WR", 1, 20), ("WR", 2, 12), ("WR", 3, 5), ("TE", 0, 18), ("TE", 1, 5), ("RB", 0, 10), ("RB", 1, 6)),  # noqa: E501
        )  # fmt: skip

    def touchdown_pass(self, down: int, togo: int, receiver: Player | None) -> None:
        team, spot = self.pos, self.yards_to_go
        passer = self.man(team, "QB")
        receiver = receiver or self.receiver(team)
        side = self.rng.choice(_SIDES)
        desc = f"({self.clock // 60}:{self.clock % 60:02d}) (Shotgun) {passer.tag} pass deep {side} to {receiver.tag} for {spot} yards, TOUCHDOWN."  # noqa: E501
        self.row(
            team, "PASS", "pass", desc, 8, **self.pass_facts(passer, receiver, down, togo), complete_pass=1.0,
            yards_gained=float(spot), receiving_yards=float(spot), passing_yards=float(spot),
            **self.scorer(receiver, team, "pass", pass_touchdown=1.0),
        )  # fmt: skip
        self.after_touchdown(team, "Touchdown")

    def pass_facts(self, passer: Player, receiver: Player, down: int, togo: int) -> Row:
        return {
            "yardline_100": float(self.yards_to_go),
            "down": float(down),
            "ydstogo": float(togo),
            "qb_dropback": 1.0,
            "shotgun": 1.0,
            "pass_attempt": 1.0,
            "passer_player_id": passer.player_id,
            "passer_player_name": passer.short_name,
            "receiver_player_id": receiver.player_id,
            "receiver_player_name": receiver.short_name,
        }

    def interception(self, facts: Row, receiver: Player, planned: Event | None) -> None:
        team, other, rng, spot = self.pos, self.other(self.pos), self.rng, self.yards_to_go
        thief = planned.player if planned and planned.player else rng.choice(self.lineups[other]["DB"])
        depth = min(rng.randint(3, 20), spot - 1)
        caught = spot - depth
        facts = facts | {
            "interception": 1.0,
            "incomplete_pass": 0.0,
            "yards_gained": 0.0,
            "interception_player_id": thief.player_id,
            "interception_player_name": thief.short_name,
            "return_team": other,
        }
        start = f"({self.clock // 60}:{self.clock % 60:02d}) (Shotgun) {facts['passer_player_name']} pass short intended for {receiver.tag} INTERCEPTED by {thief.tag} at {self.spot(team, caught)}."  # noqa: E501
        if planned and planned.name == "interception_offense":
            hero = self.lineups[team]["WR"][2]
            if hero is receiver:
                hero = self.lineups[team]["TE"][0]
            desc = f"{start} {thief.tag} to {other} 5 for no gain. FUMBLES, RECOVERED by {team}-{hero.tag} at {other} 0. TOUCHDOWN."  # noqa: E501
            self.row(
                team, "INTERCEPTION", "pass", desc, 9, **facts, fumble=1.0, fumble_lost=1.0,
                fumbled_1_player_id=thief.player_id, fumbled_1_player_name=thief.short_name, fumbled_1_team=other,
                fumble_recovery_1_player_id=hero.player_id, fumble_recovery_1_player_name=hero.short_name,
                fumble_recovery_1_team=team, **self.scorer(hero, team, "after_interception", return_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(team, "Touchdown")
            return
        if planned or self.rare(0.05):
            gain = 100 - caught
            self.row(
                team, "INTERCEPTION", "pass", f"{start} {thief.tag} for {gain} yards, TOUCHDOWN.", 11, **facts,
                return_yards=float(gain), **self.scorer(thief, other, "interception_return", return_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(other, "Opp touchdown")
            return
        gain = min(rng.randint(0, 20), 99 - caught)
        desc = f"{start} {thief.tag} to {self.spot(team, caught + gain)} for {gain} yards."
        self.row(team, "INTERCEPTION", "pass", desc, 9, **facts, return_yards=float(gain))
        self.end_drive("Turnover")
        self.new_drive(other)
        self.yards_to_go = max(1, 100 - caught - gain)

    def lost_ball(
        self,
        desc: str,
        kind: str,
        play_type: str,
        loser: Player,
        gain: int,
        seconds: int,
        facts: Row,
        *,
        td: bool = False,
    ) -> tuple[str, int]:
        """The offence fumbles and loses the ball."""
        team, other, spot = self.pos, self.other(self.pos), self.yards_to_go
        hero = self.defender(other)
        where = spot - gain
        facts = facts | {
            "yards_gained": float(gain),
            "fumble": 1.0,
            "fumble_lost": 1.0,
            "fumbled_1_player_id": loser.player_id,
            "fumbled_1_player_name": loser.short_name,
            "fumbled_1_team": team,
            "fumble_recovery_1_player_id": hero.player_id,
            "fumble_recovery_1_player_name": hero.short_name,
            "fumble_recovery_1_team": other,
        }
        start = f"{desc} FUMBLES, RECOVERED by {other}-{hero.tag} at {self.spot(team, where)}."
        if td or self.rare(0.045):
            self.row(
                team, kind, play_type, f"{start} {hero.tag} for {100 - where} yards, TOUCHDOWN.", 12, **facts,
                **self.scorer(hero, other, "fumble_return", return_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(other, "Opp touchdown")
        else:
            self.row(team, kind, play_type, start, seconds, **facts)
            self.end_drive("Turnover")
            self.new_drive(other)
            self.yards_to_go = min(99, max(1, 100 - where))
        return "turnover", 0

    # --- what the script asks for -------------------------------------------------------------------------------------

    def planned_play(self, planned: Event, down: int, togo: int) -> None:
        team, other, spot = self.pos, self.other(self.pos), self.yards_to_go
        passer = self.man(team, "QB")
        name = planned.name
        time = f"({self.clock // 60}:{self.clock % 60:02d})"
        if name in ("punt_return", "blocked_punt"):
            self.yards_to_go = max(spot, 45)
            self.punt(planned)
        elif name == "blocked_field_goal":
            self.yards_to_go = min(spot, 30)
            self.field_goal(planned)
        elif name in ("interception_return", "interception_offense"):
            receiver = self.lineups[team]["WR"][0]
            self.interception(self.pass_facts(passer, receiver, down, togo), receiver, planned)
        elif name == "fumble_return":
            gain = max(-7, spot - 99)
            sacker = self.man(other, "DL")
            desc = f"{time} (Shotgun) {passer.tag} sacked at {self.spot(team, spot - gain)} for {gain} yards ({sacker.tag})."  # noqa: E501
            facts = {
                "yardline_100": float(spot),
                "down": float(down),
                "ydstogo": float(togo),
                "sack": 1.0,
                "pass_attempt": 1.0,
                "passer_player_id": passer.player_id,
                "passer_player_name": passer.short_name,
            }
            self.lost_ball(desc, "SACK", "pass", passer, gain, 12, facts, td=True)
        elif name == "own_fumble":
            runner, hero = self.lineups[team]["RB"][0], self.lineups[team]["OL"][1]
            desc = f"{time} {runner.tag} up the middle to {self.spot(team, 2)} for {spot - 2} yards. FUMBLES, and recovers by {team}-{hero.tag} at {other} 0. TOUCHDOWN."  # noqa: E501
            self.row(
                team, "RUSH", "run", desc, 7, yardline_100=float(spot), down=float(down), ydstogo=float(togo),
                rush_attempt=1.0, rusher_player_id=runner.player_id, rusher_player_name=runner.short_name,
                yards_gained=float(spot), fumble=1.0, fumbled_1_player_id=runner.player_id,
                fumbled_1_player_name=runner.short_name, fumbled_1_team=team,
                fumble_recovery_1_player_id=hero.player_id, fumble_recovery_1_player_name=hero.short_name,
                fumble_recovery_1_team=team, **self.scorer(hero, team, "own_fumble"),
            )  # fmt: skip
            self.after_touchdown(team, "Touchdown")
        elif name == "lateral":
            receiver, hero = self.lineups[team]["WR"][0], self.lineups[team]["RB"][0]
            desc = f"{time} (Shotgun) {passer.tag} pass short middle to {receiver.tag} to {self.spot(team, max(1, spot - 9))} for 9 yards. Lateral to {hero.tag} for {max(0, spot - 9)} yards, TOUCHDOWN."  # noqa: E501
            self.row(
                team, "PASS", "pass", desc, 10, **self.pass_facts(passer, receiver, down, togo), complete_pass=1.0,
                lateral_reception=1.0, lateral_receiver_player_id=hero.player_id,
                lateral_receiver_player_name=hero.short_name, yards_gained=float(spot),
                **self.scorer(hero, team, "pass", pass_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(team, "Touchdown")
        elif name == "safety":
            self.yards_to_go = 97
            desc = f"{time} {passer.tag} sacked in End Zone for -3 yards, SAFETY ({self.man(other, 'DL').tag})."
            self.row(
                team, "SACK", "pass", desc, 8, yardline_100=97.0, down=float(down), ydstogo=float(togo), sack=1.0,
                safety=1.0, passer_player_id=passer.player_id, passer_player_name=passer.short_name,
                points=(other, 2),
            )  # fmt: skip
            self.end_drive("Safety")
            self.next_kickoff(team)
        elif name == "lineman":
            self.touchdown_pass(down, togo, self.lineups[team]["OL"][0])
        else:
            hero = planned.player or self.lineups[team]["WR"][0]
            if hero.position != "RB":
                self.touchdown_pass(down, togo, hero)
                return
            desc = f"{time} {hero.tag} left end for {spot} yards, TOUCHDOWN."
            self.row(
                team, "RUSH", "run", desc, 9, yardline_100=float(spot), down=float(down), ydstogo=float(togo),
                rush_attempt=1.0, rusher_player_id=hero.player_id, rusher_player_name=hero.short_name,
                yards_gained=float(spot), rushing_yards=float(spot),
                **self.scorer(hero, team, "rush", rush_touchdown=1.0),
            )  # fmt: skip
            self.after_touchdown(team, "Touchdown")

    def no_touchdown_play(self, name: str, down: int, togo: int) -> None:
        """A play with the word TOUCHDOWN in its text that is none."""
        team, other, spot = self.pos, self.other(self.pos), self.yards_to_go
        passer, receiver = self.man(team, "QB"), self.lineups[team]["TE"][0]
        time = f"({self.clock // 60}:{self.clock % 60:02d}) (Shotgun)"
        facts = self.pass_facts(passer, receiver, down, togo)
        self.ids[name] = len(self.rows)
        if name == "nullified":
            guilty = self.rng.choice(self.lineups[team]["OL"])
            desc = f"{time} {passer.tag} pass deep left to {receiver.tag} for {spot} yards, TOUCHDOWN NULLIFIED by Penalty. PENALTY on {team}-{guilty.tag}, Offensive Holding, 0 yards, enforced at {self.spot(team, spot)} - No Play."  # noqa: E501
            self.row(
                team, "PENALTY", "no_play", desc, 6, **facts, penalty=1.0, penalty_team=team,
                penalty_type="Offensive Holding",
            )  # fmt: skip
            return
        gain = max(0, spot - 1)
        desc = f"{time} {passer.tag} pass deep right to {receiver.tag} for {spot} yards, TOUCHDOWN. The Replay Official reviewed the runner broke the plane ruling, and the play was REVERSED. {passer.tag} pass deep right to {receiver.tag} to {other} {spot - gain} for {gain} yards."  # noqa: E501
        self.row(
            team, "PASS", "pass", desc, 12, **facts, complete_pass=1.0, yards_gained=float(gain),
            receiving_yards=float(gain), passing_yards=float(gain),
        )  # fmt: skip
        self.yards_to_go = spot - gain
