"""What nflverse's files must be before anything is made of them: columns, types, keys, possible values.

`pandera_schema` is the contract. Importing pandera costs more than a whole run may (0.6 s), so each file first passes
`find_violations`, the same rules as one polars query; pandera is imported only to judge and report a file that did not
pass. A test holds the two in agreement. A rule of the game (who scored first) does not belong here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from firsttd_pipeline.sources.http import PermanentSourceError

if TYPE_CHECKING:
    import pandera.polars as pa

Kind = Literal["text", "whole", "number"]
GAME_TYPES = ("REG", "WC", "DIV", "CON", "SB")
MAX_SCORE = 150
GAMES_WITH_A_TOUCHDOWN = 5
"""In so many games together somebody has scored a touchdown: a file that says otherwise is not read as one."""
MAX_WEEK = 23

_KINDS: dict[Kind, str] = {"text": "text", "whole": "a whole number", "number": "a number"}
_EXAMPLES_SHOW = 8


@dataclass(frozen=True)
class Violation:
    """One rule that does not hold. `count` is rows, 0 where the whole column is at fault; `example` is one such row."""

    column: str
    rule: str
    count: int = 0
    example: dict[str, Any] | None = None

    def __str__(self) -> str:
        text = f"{self.column}: {self.rule}"
        if self.count:
            text += f" in {self.count} row{'s' if self.count > 1 else ''}"
        if self.example is not None:
            text += f", e.g. {', '.join(f'{name}={value!r}' for name, value in self.example.items())}"
        return text


class ContractError(PermanentSourceError):
    """What came is not what the contract allows; every violation found is named, with its count and an example row."""

    def __init__(self, message: str, *, url: str = "", attempts: int = 1, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message, url=url, attempts=attempts)
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Column:
    """A column: its kind (whole and number take integers and floats alike, never text) and the values it may hold.

    `low` and `high` are inclusive. `needed` False: may be missing and is then added, all null.
    """

    name: str
    kind: Kind
    nullable: bool = True
    low: float | None = None
    high: float | None = None
    allowed: tuple[str | float, ...] | None = None
    needed: bool = True


@dataclass(frozen=True)
class Rule:
    """A rule over whole rows: `bad` is true where it is broken. `columns` are all that it reads, the first is named.

    `suspect`, one cheap boolean for the whole frame, spares a costly `bad` where nothing can be wrong.
    """

    says: str
    columns: tuple[str, ...]
    bad: pl.Expr
    suspect: pl.Expr | None = None


@dataclass(frozen=True)
class Contract:
    """What a dataset must be. `key` is unique; `shown` identifies a row in an example."""

    dataset: str
    columns: tuple[Column, ...]
    shown: tuple[str, ...]
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def _flag(name: str) -> Column:
    return Column(name, "number", allowed=(0.0, 1.0))


def _score(name: str, kind: Kind = "whole") -> Column:
    return Column(name, kind, low=0, high=MAX_SCORE)


_WEEK = Column("week", "whole", nullable=False, low=1, high=MAX_WEEK)
_SEASON = Column("season", "whole", nullable=False, low=1920, high=2100)

SCHEDULES = Contract(
    "schedules",
    (
        Column("game_id", "text", nullable=False),
        _SEASON,
        Column("game_type", "text", nullable=False, allowed=GAME_TYPES),
        _WEEK,
        Column("gameday", "text"),
        Column("gametime", "text"),
        Column("away_team", "text", nullable=False),
        _score("away_score"),
        Column("home_team", "text", nullable=False),
        _score("home_score"),
        Column("location", "text", allowed=("Home", "Neutral")),
        Column("overtime", "whole", allowed=(0.0, 1.0)),
        Column("result", "whole", low=-MAX_SCORE, high=MAX_SCORE),
    ),
    shown=("game_id", "season", "week", "away_team", "home_team"),
    key=("game_id",),
    rules=(
        Rule(
            "a score for only one team",
            ("home_score", "away_score"),
            pl.col("home_score").is_null() != pl.col("away_score").is_null(),
        ),
        Rule("a team plays itself", ("home_team", "away_team"), pl.col("home_team") == pl.col("away_team")),
        Rule(
            "two games of the same teams in one week",
            ("game_id", "season", "week", "away_team", "home_team"),
            pl.struct("season", "week", "away_team", "home_team").is_duplicated() & pl.col("game_id").is_unique(),
        ),
        Rule("not a date (YYYY-MM-DD)", ("gameday",), ~pl.col("gameday").str.contains(r"^\d{4}-\d{2}-\d{2}$")),
        Rule("not a time (HH:MM)", ("gametime",), ~pl.col("gametime").str.contains(r"^\d{1,2}:\d{2}$")),
    ),
)

_PLAYER = (
    Column("gsis_id", "text"),
    Column("full_name", "text"),
    Column("position", "text"),
    Column("status", "text"),
    Column("esb_id", "text", needed=False),
)

ROSTERS = Contract(
    "rosters",
    (
        _SEASON,
        Column("team", "text", nullable=False),
        *_PLAYER,
        Column("first_name", "text"),
        Column("last_name", "text"),
        Column("football_name", "text"),
        Column("jersey_number", "whole", low=0),
    ),
    shown=("season", "team", "gsis_id", "full_name"),
    key=("season", "team", "gsis_id"),
)

WEEKLY_ROSTERS = Contract(
    "weekly_rosters",
    (_SEASON, _WEEK, Column("team", "text", nullable=False), *_PLAYER),
    shown=("season", "week", "team", "gsis_id", "full_name"),
)

PLAYS = Contract(
    "pbp",
    (
        Column("game_id", "text", nullable=False),
        Column("play_id", "number", nullable=False),
        Column("order_sequence", "number"),
        _SEASON,
        _WEEK,
        Column("home_team", "text", nullable=False),
        Column("away_team", "text", nullable=False),
        Column("posteam", "text"),
        Column("defteam", "text"),
        Column("qtr", "number", low=1, high=10),
        Column("time", "text"),
        Column("desc", "text"),
        Column("play_type", "text"),
        _flag("touchdown"),
        Column("td_team", "text"),
        Column("td_player_id", "text"),
        Column("td_player_name", "text"),
        _flag("pass_touchdown"),
        _flag("rush_touchdown"),
        _flag("return_touchdown"),
        _flag("interception"),
        _flag("fumble"),
        _score("posteam_score_post", "number"),
        _score("defteam_score_post", "number"),
        Column("game_seconds_remaining", "number"),
        Column("yardline_100", "number", low=0, high=100),
        Column("down", "number", low=1, high=4),
        Column("passer_player_id", "text"),
        Column("receiver_player_id", "text"),
        Column("rusher_player_id", "text"),
        _flag("two_point_attempt"),
        _flag("complete_pass"),
        Column("fixed_drive", "number"),
        Column("fixed_drive_result", "text"),
        Column("play_type_nfl", "text"),
    ),
    shown=("game_id", "play_id", "td_team", "td_player_id", "td_player_name"),
    rules=(
        Rule(
            "a touchdown's team is not one of the two that play",
            ("td_team", "touchdown", "home_team", "away_team"),
            (pl.col("touchdown") == 1)
            & (pl.col("td_team") != pl.col("home_team"))
            & (pl.col("td_team") != pl.col("away_team")),
        ),
        # (game_id, play_id) is no key: three games of 2000 repeat play ids. A touchdown that stands twice with one
        # scorer is taken once; with two scorers nobody can say who scored.
        Rule(
            "touchdowns of one game and play with different scorers",
            ("td_player_id", "td_team", "touchdown", "game_id", "play_id"),
            (pl.col("touchdown") == 1).fill_null(False)
            & (
                pl.struct("td_team", "td_player_id")
                .filter(pl.col("touchdown") == 1)
                .n_unique()
                .over("game_id", "play_id")
                > 1
            ),
            suspect=pl.struct("game_id", "play_id").filter(pl.col("touchdown") == 1).is_duplicated().any(),
        ),
        # One game without a touchdown is an ordinary outcome (1 in 180); so many are a column that was not filled.
        Rule(
            f"no touchdown in {GAMES_WITH_A_TOUCHDOWN} games or more",
            ("touchdown", "game_id"),
            (pl.col("touchdown") == 1).fill_null(False).sum().eq(0)
            & (pl.col("game_id").n_unique() >= GAMES_WITH_A_TOUCHDOWN)
            & pl.col("game_id").is_not_null(),
            suspect=(pl.col("touchdown") == 1).fill_null(False).sum().eq(0),
        ),
    ),
)


def validate_schedules(frame: pl.DataFrame, url: str, *, available: Sequence[str] = ()) -> pl.DataFrame:
    """The schedule as the contract wants it; one row per game.

    `available` are all columns of the file, for a hint at a renamed one.

    Raises:
        ContractError: names each column, its rule, how many rows, and one of them.
    """
    return _validated(SCHEDULES, frame, url, None, available)


def validate_rosters(
    frame: pl.DataFrame, url: str, season: int | None = None, *, available: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The roster rows taken, and those left out because nothing tells their player from another.

    A player without a gsis_id is known by his esb_id where he has one, as nflverse itself does for early players.

    Raises:
        ContractError: as for schedules; also a player twice on one team.
    """
    return _split_players(ROSTERS, frame, url, season, available)


def validate_weekly_rosters(
    frame: pl.DataFrame, url: str, season: int | None = None, *, available: Sequence[str] = ()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The weekly roster rows taken, and those left out, as for rosters.

    Raises:
        ContractError: as for schedules.
    """
    return _split_players(WEEKLY_ROSTERS, frame, url, season, available)


def validate_plays(
    frame: pl.DataFrame, url: str, season: int | None = None, *, available: Sequence[str] = ()
) -> pl.DataFrame:
    """The plays as the contract wants them; a touchdown that stands twice with the same scorer is taken once.

    Raises:
        ContractError: as for schedules; also two scorers for one touchdown.
    """
    for name in ("td_team", "td_player_id", "td_player_name"):  # an empty text would read as a scorer
        if frame.schema.get(name) == pl.String and (frame[name] == "").any():
            frame = frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)))
    plays = _validated(PLAYS, frame, url, season, available)
    scored = pl.col("touchdown") == 1
    if not plays.select("game_id", "play_id", "touchdown").filter(scored).is_duplicated().any():
        return plays
    rows = plays.with_row_index("_row")
    once = rows.filter(scored).sort("order_sequence", "_row").unique(["game_id", "play_id"], keep="first")
    return rows.filter(~scored.fill_null(False) | pl.col("_row").is_in(once["_row"].implode())).drop("_row")


def find_violations(
    contract: Contract, frame: pl.DataFrame, season: int | None = None, *, available: Sequence[str] = ()
) -> list[Violation]:
    """Every broken rule, found by polars alone in one query; counts without examples.

    A column that is missing or of the wrong type is one violation, and rules that read it are left out.
    """
    found, sound = _shape_violations(contract, frame, available)
    rules = _all_rules(contract, frame.schema, sound, season)
    quick = frame.select(
        (rule.bad.fill_null(False).sum() if rule.suspect is None else rule.suspect).cast(pl.Int64).alias(str(at))
        for at, rule in enumerate(rules)
    )
    for rule, count in zip(rules, quick.row(0) if rules else (), strict=True):
        if count and rule.suspect is not None:
            count = frame.select(rule.bad.fill_null(False).sum()).item()
        if count:
            found.append(Violation(rule.columns[0], rule.says, count))
    return found


def pandera_schema(
    contract: Contract, season: int | None = None, frame: pl.DataFrame | None = None
) -> pa.DataFrameSchema:
    """The contract as a pandera schema. With a `frame`, columns accept that frame's type where it is equivalent, and
    rules over columns that the frame lacks are left out."""
    import pandera.polars as pa

    schema: Mapping[str, pl.DataType] = {} if frame is None else frame.schema
    sound = set(contract.names) if frame is None else _shape_violations(contract, frame, ())[1]

    def check(rule: Rule) -> pa.Check:
        return pa.Check(lambda data: data.lazyframe.select((~rule.bad).fill_null(True)), name=_label(rule))

    columns = {
        column.name: pa.Column(
            frame.schema[column.name] if frame is not None and column.name in sound else _DTYPES[column.kind],
            nullable=True,
            required=column.needed,
        )
        for column in contract.columns
    }
    return pa.DataFrameSchema(
        columns, checks=[check(rule) for rule in _all_rules(contract, schema, sound, season)], name=contract.dataset
    )


_DTYPES: dict[Kind, Any] = {"text": pl.String, "whole": pl.Int64, "number": pl.Float64}


def _label(rule: Rule) -> str:
    return f"{rule.columns[0]}: {rule.says}"


def _accepts(kind: Kind, dtype: pl.DataType) -> bool:
    if dtype == pl.Null:
        return True  # a column without any value has no type of its own
    if kind == "text":
        return dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)
    return dtype.is_integer() or dtype.is_float()


def _shape_violations(
    contract: Contract, frame: pl.DataFrame, available: Sequence[str]
) -> tuple[list[Violation], set[str]]:
    found: list[Violation] = []
    sound: set[str] = set()
    for column in contract.columns:
        dtype = frame.schema.get(column.name)
        if dtype is None:
            if column.needed:
                strangers = [name for name in (available or frame.columns) if name not in contract.names]
                near = get_close_matches(column.name, strangers, n=2, cutoff=0.6)
                hint = f" (the file has {' and '.join(near)})" if near else ""
                found.append(Violation(column.name, f"the column is missing{hint}"))
        elif not _accepts(column.kind, dtype):
            some = frame[column.name].drop_nulls()
            example = {column.name: some[0]} if len(some) else None
            found.append(Violation(column.name, f"is {dtype}, not {_KINDS[column.kind]}", frame.height, example))
        else:
            sound.add(column.name)
    return found, sound


def _all_rules(
    contract: Contract, schema: Mapping[str, pl.DataType], sound: set[str], season: int | None
) -> list[Rule]:
    """The rules that can be judged with the `sound` columns, of the types in `schema`."""
    rules: list[Rule] = []
    for column in contract.columns:
        value = pl.col(column.name)
        name = (column.name,)
        if not column.nullable:
            missing = value.is_null() | (value.cast(pl.String) == "") if column.kind == "text" else value.is_null()
            rules.append(Rule("no value", name, missing))
        fraction = column.name not in schema or schema[column.name].is_float()
        if column.kind == "whole" and fraction:
            rules.append(Rule("not a whole number", name, value.cast(pl.Float64) % 1 != 0))
        if column.kind == "number" and fraction:
            rules.append(Rule("not a finite number", name, ~value.cast(pl.Float64).is_finite()))
        if column.low is not None or column.high is not None:
            low = value < column.low if column.low is not None else pl.lit(False)
            high = value > column.high if column.high is not None else pl.lit(False)
            says = (
                f"not {column.low:g} to {column.high:g}"
                if column.low is not None and column.high is not None
                else f"below {column.low:g}"
            )
            rules.append(Rule(says, name, low | high))
        if column.allowed is not None:
            allowed = column.allowed
            shown = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in allowed)
            of_kind = value.cast(_DTYPES["text"] if column.kind == "text" else pl.Float64)
            rules.append(Rule(f"not one of {shown}", name, ~of_kind.is_in(list(allowed))))
    if season is not None:
        rules.append(Rule(f"not the season {season} that was asked for", ("season",), pl.col("season") != season))
    if "game_id" in contract.names:
        prefix = pl.lit(f"{season}_") if season is not None else pl.format("{}_", pl.col("season").cast(pl.Int64))
        strange = ~pl.col("game_id").str.starts_with(prefix)
        rules.append(Rule("does not begin with its season", ("game_id", "season"), strange))
    if contract.key:
        first = contract.key[-1]
        whole = pl.all_horizontal(pl.col(name).is_not_null() for name in contract.key)
        says = f"duplicate key ({', '.join(contract.key)})"
        rules.append(Rule(says, (first, *contract.key), whole & pl.struct(*contract.key).is_duplicated()))
    rules.extend(contract.rules)
    return [rule for rule in rules if sound.issuperset(rule.columns)]


def _validated(
    contract: Contract, frame: pl.DataFrame, url: str, season: int | None, available: Sequence[str]
) -> pl.DataFrame:
    if suspects := find_violations(contract, frame, season, available=available):
        raise _report(contract, frame, url, season, suspects)
    casts: list[pl.Expr] = []
    for column in contract.columns:
        if column.name not in frame.columns:
            casts.append(pl.lit(None, dtype=_DTYPES[column.kind]).alias(column.name))
        elif (dtype := frame.schema[column.name]) != _DTYPES[column.kind] and not (
            column.kind == "whole" and dtype.is_integer()
        ):
            casts.append(pl.col(column.name).cast(_DTYPES[column.kind]))
    return frame.with_columns(casts) if casts else frame


def _split_players(
    contract: Contract, frame: pl.DataFrame, url: str, season: int | None, available: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Validate, give players without a gsis_id their esb_id, and set aside those who have neither or no name."""
    ids = [name for name in ("gsis_id", "esb_id") if frame.schema.get(name) == pl.String]
    if ids == ["gsis_id", "esb_id"] and (unknown := _blank(frame["gsis_id"])).any():
        instead = frame["esb_id"].set(_blank(frame["esb_id"]), None)
        frame = frame.with_columns(instead.zip_with(unknown, frame["gsis_id"]).alias("gsis_id"))
    frame = _validated(contract, frame, url, season, available)
    nobody = _blank(frame["gsis_id"]) | _blank(frame["full_name"])
    if not nobody.any():
        return frame, frame.clear()
    return frame.filter(~nobody), frame.filter(nobody)


def _blank(text: pl.Series) -> pl.Series:
    """Where a text column has no text; true or false, never null."""
    if (text < "!").any():  # something begins with a space or is empty: worth the slower look
        text = text.str.strip_chars()
    return text.is_null() | (text == "").fill_null(False)


def _report(
    contract: Contract, frame: pl.DataFrame, url: str, season: int | None, suspects: list[Violation]
) -> ContractError:
    """Let pandera judge a frame that did not pass the gate, and say all that is wrong in one error."""
    import pandera.polars as pa

    _, sound = _shape_violations(contract, frame, ())
    found = [one for one in suspects if one.column not in sound]
    try:
        pandera_schema(contract, season, frame).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        rules = {_label(rule): rule for rule in _all_rules(contract, frame.schema, sound, season)}
        cases = errors.failure_cases.filter(pl.col("index").is_not_null())
        for (label,), rows in cases.group_by("check", maintain_order=True):
            rule = rules[str(label)]
            found.append(
                Violation(rule.columns[0], rule.says, rows.height, _example(contract, rule, frame, rows["index"][0]))
            )
    found = found or suspects
    return ContractError(
        f"{url}: what came is not what a {contract.dataset} file must be, so nothing was written "
        f"({len(found)} problem{'s' if len(found) != 1 else ''}).\n"
        + "\n".join(f"  - {violation}" for violation in found)
        + "\nA retry does not help until the file is mended. Check that FIRSTTD_NFLVERSE_URL is nflverse's release "
        "address or a mirror of it; if it is, upstream has changed: see github.com/nflverse/nflverse-data/issues.",
        url=url,
        violations=found,
    )


def _example(contract: Contract, rule: Rule, frame: pl.DataFrame, index: int) -> dict[str, Any]:
    names = [name for name in dict.fromkeys((*contract.shown, *rule.columns)) if name in frame.columns]
    row = frame.row(index, named=True)
    return {name: row[name] for name in names[:_EXAMPLES_SHOW]}
