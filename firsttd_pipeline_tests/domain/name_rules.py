"""Names made by rule from real rosters, and how the resolver judges them: the numbers of docs/resolver.md.

Every text is made from one player of one real game by a rule that knows nothing of the resolver. An answer is right or
wrong; a question is neither. A text that the same rule makes of two players of the game is undecidable: there a
question is right. Measure again with `python -m firsttd_pipeline_tests.domain.name_rules`: every fourth game, or all
of them with `--every 1`.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import string
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from rapidfuzz.distance import OSA

from firsttd_pipeline.domain.players import normalise
from firsttd_pipeline.domain.resolver import PICKED, Resolver
from firsttd_pipeline.domain.teams import canonical
from firsttd_pipeline_tests.shared_data import MIRROR

SEASONAL: Final = (2021, 2022, 2024, 2025)
WEEKLY: Final = (2025,)
ON_THE_ROSTER: Final = ("ACT", "INA")

_SUFFIX: Final = re.compile(r"[ ,]+(?:jr|sr|ii|iii|iv|v)\.?$", re.IGNORECASE)
_GIVEN_NAMES: Final = (
    ("Joshua", "Josh"),
    ("Christopher", "Chris"),
    ("Michael", "Mike"),
    ("Matthew", "Matt"),
    ("Zachary", "Zach"),
    ("Zachary", "Zack"),
    ("Cameron", "Cam"),
    ("Gabriel", "Gabe"),
    ("Kenneth", "Kenny"),
    ("Kenneth", "Ken"),
    ("Nicholas", "Nick"),
    ("Joseph", "Joe"),
    ("Robert", "Rob"),
    ("William", "Will"),
    ("Benjamin", "Ben"),
    ("Daniel", "Dan"),
    ("Daniel", "Danny"),
    ("David", "Dave"),
    ("Jonathan", "Jon"),
    ("Anthony", "Tony"),
    ("Alexander", "Alex"),
    ("Andrew", "Andy"),
    ("Andrew", "Drew"),
    ("Thomas", "Tom"),
    ("Thomas", "Tommy"),
    ("Timothy", "Tim"),
    ("Samuel", "Sam"),
    ("James", "Jimmy"),
    ("Jacob", "Jake"),
    ("Nathaniel", "Nate"),
    ("Nathan", "Nate"),
    ("Theodore", "Teddy"),
    ("Russell", "Russ"),
    ("Terrance", "Terry"),
    ("Tyler", "Ty"),
    ("Jeffrey", "Jeff"),
    ("Patrick", "Pat"),
    ("Gregory", "Greg"),
    ("Stephen", "Steve"),
    ("Steven", "Steve"),
    ("George", "Georgie"),
    ("Isaiah", "Zay"),
    ("Ezekiel", "Zeke"),
    ("Mitchell", "Mitch"),
    ("Donald", "Donnie"),
    ("Philip", "Phil"),
    ("Richard", "Rich"),
    ("Charles", "Charlie"),
    ("Maxwell", "Max"),
    ("Calvin", "Cal"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A player of a game, as the roster writes him."""

    player_id: str
    name: str
    football_name: str
    last_name: str
    team: str
    other_team: str

    @property
    def bare(self) -> str:
        """The full name without Jr., II."""
        return _SUFFIX.sub("", self.name)

    @property
    def given(self) -> str:
        """The roster's name before the last name."""
        return self.bare.removesuffix(self.last).strip() or self.bare.split()[0]

    @property
    def last(self) -> str:
        """The last name as the full name has it, else the roster's."""
        last = _SUFFIX.sub("", self.last_name)
        return last if self.bare.endswith(" " + last) else self.bare.partition(" ")[2] or self.bare


Rule = Callable[[Subject, random.Random], str | None]


@dataclass(frozen=True, slots=True)
class NameRule:
    """How texts are made. `team`: what is typed with them; `base`: of a misspelling, what it is a misspelling of.

    `short`: the text is a piece of a name, so that another player's whole name takes it away from him.
    """

    name: str
    make: Rule
    team: str = "none"
    base: Callable[[Subject], str] | None = None
    short: bool = False


def _typo(text: str, kind: str, rng: random.Random) -> str | None:
    letters = [at for at, c in enumerate(text) if c.isalpha()]
    if len(letters) < 5:
        return None
    at = rng.choice(letters)
    if kind == "swap":
        pairs = [a for a, b in itertools.pairwise(letters) if b == a + 1 and text[a] != text[b]]
        if not pairs:
            return None
        at = rng.choice(pairs)
        made = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    elif kind == "drop":
        made = text[:at] + text[at + 1 :]
    elif kind == "double":
        made = text[:at] + text[at] + text[at:]
    else:
        made = text[:at] + rng.choice([c for c in string.ascii_lowercase if c != text[at].lower()]) + text[at + 1 :]
    return made if normalise(made) != normalise(text) else None


def _noise(subject: Subject, rng: random.Random) -> str:
    name = subject.name
    return rng.choice(
        (
            name.upper(),
            name.lower(),
            name.swapcase(),
            name.replace(".", ""),
            name.replace("'", "’"),
            name.replace("'", ""),
            name.replace("-", " "),
            name.replace("-", "‑"),
            f"  {name.replace(' ', '   ')} ",
            name.replace(" ", "\u00a0"),
            f"{name}.",
            f'"{name}"',
            name.replace("o", "ó").replace("e", "é"),
        )
    )


def _suffixed(subject: Subject, rng: random.Random) -> str:
    if subject.bare != subject.name:
        return rng.choice(
            (subject.bare, subject.name.replace(".", ""), subject.bare + subject.name[len(subject.bare) :])
        )
    return subject.name + rng.choice((" Jr.", " Jr", ", Jr.", " II", " III"))


def _initials(subject: Subject) -> str:
    given = subject.given
    if re.fullmatch(r"(?:[A-Z]\.?){2,3}", given):
        first = given.replace(".", "")
    else:
        first = "".join(word[0] for word in re.split(r"[ \-]", given) if word)
    return (first + "".join(word[0] for word in re.split(r"[ \-]", subject.last) if word)).upper()


def _initial_last(subject: Subject, rng: random.Random) -> str:
    return rng.choice(("{0}. {1}", "{0}.{1}", "{0} {1}")).format(subject.given[0], subject.last)


def _nickname(subject: Subject, rng: random.Random) -> str | None:
    forms = [
        other
        for one, two in _GIVEN_NAMES
        for own, other in ((one, two), (two, one))
        if own in (subject.given, subject.football_name)
    ]
    return f"{rng.choice(forms)} {subject.last}" if forms else None


def _part(subject: Subject, rng: random.Random) -> str | None:
    parts = [part for part in re.split(r"[ \-]", subject.last) if len(part) > 3]
    return parts[-1] if len(parts) > 1 else None


def _beginning(subject: Subject, rng: random.Random) -> str | None:
    last = subject.last
    if len(last) < 7 or not last.isalpha():
        return None
    return last[: 4 if len(last) < 8 else 5]


def _given_beginning(subject: Subject, rng: random.Random) -> str | None:
    last = subject.last
    return f"{subject.given} {last[:4]}" if len(last) >= 6 and last.isalpha() else None


def _of_last(kind: str) -> NameRule:
    return NameRule(f"last name, {kind}", lambda s, r: _typo(s.last, kind, r), base=lambda s: s.last)


def _of_full(kind: str) -> NameRule:
    return NameRule(f"full name, {kind}", lambda s, r: _typo(s.bare, kind, r), base=lambda s: s.bare)


RULES: Final = (
    NameRule("full name", lambda s, r: s.name),
    NameRule("full name, wrong team", lambda s, r: s.name, team="other"),
    NameRule("case, blanks, punctuation", _noise),
    NameRule("suffix dropped or added", _suffixed),
    NameRule("last name first", lambda s, r: f"{s.last}, {s.given}"),
    NameRule("football name and last name", lambda s, r: f"{s.football_name} {s.last}"),
    NameRule("nickname and last name", _nickname),
    NameRule("initial and last name", _initial_last),
    NameRule("last name", lambda s, r: s.last),
    NameRule("last name, own team", lambda s, r: s.last, team="own"),
    NameRule("last name, wrong team", lambda s, r: s.last, team="other"),
    NameRule("part of a compound last name", _part, short=True),
    NameRule("first name", lambda s, r: s.given),
    NameRule("football name", lambda s, r: s.football_name),
    NameRule("initials", lambda s, r: _initials(s)),
    NameRule("initials, own team", lambda s, r: _initials(s), team="own"),
    NameRule("first name, beginning of last", _given_beginning, short=True),
    NameRule("beginning of last name", _beginning, short=True),
    *(_of_last(kind) for kind in ("swap", "drop", "double", "substitute")),
    *(_of_full(kind) for kind in ("swap", "drop", "double", "substitute")),
)


@dataclass(slots=True)
class Tally:
    """How a rule's texts were judged."""

    right: int = 0
    wrong: int = 0
    asked: int = 0
    undecidable: int = 0
    undecidable_asked: int = 0
    undecidable_wrong: int = 0
    failures: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.right + self.wrong

    @property
    def precision(self) -> float:
        """Of the answers, how many are right."""
        return self.right / self.answered if self.answered else 1.0

    @property
    def recall(self) -> float:
        """Of the decidable texts, how many got the right answer."""
        decidable = self.answered + self.asked
        return self.right / decidable if decidable else 1.0

    def add(self, other: Tally) -> None:
        for name in ("right", "wrong", "asked", "undecidable", "undecidable_asked", "undecidable_wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failures += other.failures
        self.questions += other.questions


@dataclass(frozen=True, slots=True)
class RealGame:
    """A game of a real schedule with the players whom people may pick in it."""

    game_id: str
    teams: tuple[str, str]
    subjects: tuple[Subject, ...]
    resolver: Resolver


def _frame(rows: pl.DataFrame, active: pl.Expr) -> pl.DataFrame:
    codes = {team: canonical(team) for team in rows["team"].unique()}
    return rows.filter(pl.col("gsis_id").is_not_null() & (pl.col("gsis_id") != "")).select(
        pl.col("gsis_id").alias("player_id"),
        pl.col("full_name").alias("player_name"),
        "first_name",
        "last_name",
        "football_name",
        pl.col("team").replace(codes),
        "position",
        pl.col("jersey_number").cast(pl.Int64),
        active.alias("active"),
    )


def weekly_roster(season: int, week: int) -> pl.DataFrame:
    """The rows for a Resolver of that week, from the weekly rosters."""
    rows = pl.read_parquet(MIRROR / "weekly_rosters" / f"roster_weekly_{season}.parquet")
    return _frame(rows.filter(pl.col("week") == week), pl.col("status").is_in(ON_THE_ROSTER))


def season_roster(season: int) -> pl.DataFrame:
    """The rows for a Resolver of the season, from the season's roster: it does not say who was active when."""
    rows = pl.read_parquet(MIRROR / "rosters" / f"roster_{season}.parquet")
    return _frame(rows, pl.lit(None, dtype=pl.Boolean))


def schedule(season: int) -> pl.DataFrame:
    """The season's games: game_id, week, away_team, home_team."""
    games = pl.read_parquet(MIRROR / "schedules" / "games.parquet")
    return games.filter(pl.col("season") == season).select("game_id", "week", "away_team", "home_team").sort("game_id")


def games(season: int, *, weekly: bool, every: int = 1) -> Iterator[RealGame]:
    """Every so-manieth game of the season."""
    resolvers: dict[int, tuple[pl.DataFrame, Resolver]] = {}
    for game_id, week, away, home in schedule(season).gather_every(every).iter_rows():
        key = week if weekly else 0
        if key not in resolvers:
            rows = weekly_roster(season, week) if weekly else season_roster(season)
            resolvers[key] = (rows, Resolver(rows))
        rows, resolver = resolvers[key]
        teams = (canonical(away), canonical(home))
        picked = rows.filter(
            pl.col("team").is_in(teams) & pl.col("position").is_in(PICKED) & pl.col("active").fill_null(True)
        )
        subjects = tuple(
            Subject(
                row["player_id"],
                row["player_name"],
                row["football_name"] or row["first_name"],
                row["last_name"],
                row["team"],
                teams[1] if row["team"] == teams[0] else teams[0],
            )
            for row in picked.sort("player_id").iter_rows(named=True)
        )
        yield RealGame(game_id, teams, subjects, resolver)


def measure(played: Iterable[RealGame], *, seed: int = 1) -> dict[str, Tally]:
    """Every rule on every player of these games."""
    tallies = {rule.name: Tally() for rule in RULES}
    for game in played:
        for rule in RULES:
            tallies[rule.name].add(_judge(game, rule, seed))
    return tallies


def _judge(game: RealGame, rule: NameRule, seed: int) -> Tally:
    tally = Tally()
    subjects = game.subjects
    texts = [rule.make(s, random.Random(f"{seed} {game.game_id} {rule.name} {s.player_id}")) for s in subjects]
    keys = [_key(text) if text else "" for text in texts]
    # what takes a text away from its player: another's whole name (of a piece), a name one edit away (of a misspelling)
    whole = [(_key(s.last), _key(s.bare)) if rule.short else () for s in subjects]
    bases = [_key(rule.base(s)) for s in subjects] if rule.base else []

    def shared(at: int) -> bool:
        key, own = keys[at], subjects[at]
        for other, subject in enumerate(subjects):
            if other == at or (rule.team == "own" and subject.team != own.team):
                continue
            if key == keys[other] or key in whole[other]:
                return True
            if bases and OSA.distance(key, bases[other], score_cutoff=1) <= 1:
                return True
        return False

    for at, (subject, text) in enumerate(zip(subjects, texts, strict=True)):
        if not text:
            continue
        preferred = {"none": None, "own": subject.team, "other": subject.other_team}[rule.team]
        found = game.resolver.resolve(text, game.teams, preferred_team=preferred).answer
        said = f"{game.game_id} {subject.name} ({subject.team}) as {text!r}, team {preferred}"
        if shared(at):
            tally.undecidable += 1
            tally.undecidable_asked += found is None
            tally.undecidable_wrong += found is not None and found.candidate.player_id != subject.player_id
        elif found is None:
            tally.asked += 1
            tally.questions.append(said)
        elif found.candidate.player_id == subject.player_id:
            tally.right += 1
        else:
            tally.wrong += 1
            tally.failures.append(f"{said}: {found.label}, {found.method}, {found.confidence}")
    return tally


def _key(text: str) -> str:
    return normalise(text).replace(" ", "")


def total(tallies: dict[str, Tally]) -> Tally:
    """All rules together."""
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    return whole


def table(tallies: dict[str, Tally]) -> str:
    """The table of docs/resolver.md."""
    lines = [
        "| rule | texts | right | wrong | asked | precision | recall | undecidable (of them asked) |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, tally in (*tallies.items(), ("**all rules**", total(tallies))):
        lines.append(
            f"| {name} | {tally.answered + tally.asked:,} | {tally.right:,} | {tally.wrong} | {tally.asked:,} | "
            f"{tally.precision:.3%} | {tally.recall:.2%} | {tally.undecidable:,} ({tally.undecidable_asked:,}) |"
        )
    return "\n".join(lines)


def measure_all(every: int, seed: int = 1) -> dict[str, Tally]:
    """The seasons with seasonal rosters, and 2025 with weekly ones, together."""
    tallies = {rule.name: Tally() for rule in RULES}
    for season, weekly in (*((season, False) for season in SEASONAL), *((season, True) for season in WEEKLY)):
        for name, tally in measure(games(season, weekly=weekly, every=every), seed=seed).items():
            tallies[name].add(tally)
    return tallies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=4, help="every so-manieth game (1: all of them)")
    parser.add_argument("--seed", type=int, default=1, help="of the misspellings")
    parser.add_argument("--show", action="store_true", help="list the wrong answers, and some questions")
    asked = parser.parse_args()
    tallies = measure_all(asked.every, asked.seed)
    sys.stdout.write(table(tallies) + "\n")
    if asked.show:
        for name, tally in tallies.items():
            for line in (*tally.failures, *(f"  ? {question}" for question in tally.questions[:12])):
                sys.stdout.write(f"{name}: {line}\n")


if __name__ == "__main__":
    main()
