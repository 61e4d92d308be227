"""Files of picks: a sheet is looked up row by row against schedule, rosters and members, then taken whole or not.

Reading the sheet is `domain/sheets.py`; the rules of a single pick are `picks.py`. Nothing here fetches: the season is
brought in by what the caller hands over.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.domain.sheets import (
    Form,
    GameNotSettled,
    PickRow,
    RowError,
    ScheduledGame,
    Settled,
    Sheet,
    SheetError,
    read_sheet,
    settle_game,
)
from firsttd_pipeline.storage.authorship import signed
from firsttd_pipeline.storage.engine import Database
from firsttd_pipeline.storage.members import (
    AlreadyMember,
    BadMember,
    Member,
    NoSuchMember,
    all_members,
    checked_name,
    choose_member,
    insert_member,
)
from firsttd_pipeline.storage.picks import (
    ExistingPick,
    GameRefused,
    PickRefused,
    PickRequest,
    SeasonBook,
    Understood,
    checked_late,
    checked_typed,
    existing_picks,
    pick_values,
    refused_by_database,
    resolution_values,
    twin_of,
)
from firsttd_pipeline.storage.schema import (
    games,
    pick_resolutions,
    picks,
    player_aliases,
    roster_weeks,
    rosters,
    users,
    weeks,
)
from firsttd_pipeline.storage.upgrade import upgrade

MAX_BYTES: Final = 20_000_000

Outcome = Literal["new", "already there", "bad"]
EnsureSeason = Callable[[Database, int], object]
"""Brings a season's schedule and rosters into the database it is given (the league's, or the dry run's own)."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one row: `by` is how its player was found (method), `reason` why it is bad, or what was noted on
    a good one."""

    line: int
    member: str
    week: str
    game: str
    typed: str
    player: str | None
    team: str | None
    position: str | None
    odds: float | None
    by: str | None
    confidence: float | None
    outcome: Outcome
    reason: str | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or (dry run, bad rows) would have done.

    Attributes:
        rows: every row of the sheet that is not blank, in order.
        form: `league` or `plain`.
        applied: whether it was written; False for a dry run and where any row is bad.
        dry_run: whether only asked.
        new_members: members created, or to be created.
        ignored_columns: header cells that were not used.
    """

    rows: tuple[ImportRow, ...]
    form: Form
    applied: bool
    dry_run: bool
    new_members: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Rows with this outcome."""
        return Counter(row.outcome for row in self.rows)[outcome]

    @property
    def bad(self) -> tuple[ImportRow, ...]:
        """The rows that cannot be taken."""
        return tuple(row for row in self.rows if row.outcome == "bad")

    def frame(self) -> pl.DataFrame:
        """The rows as a frame."""
        schema: dict[str, Any] = dict.fromkeys((f.name for f in fields(ImportRow)), pl.String)
        schema |= {"line": pl.Int64, "odds": pl.Float64, "confidence": pl.Float64}
        names = list(schema)
        return pl.DataFrame([tuple(getattr(r, n) for n in names) for r in self.rows], schema=schema, orient="row")


def import_picks(
    db: Database,
    source: Path | bytes | str,
    *,
    season: int | None,
    now: datetime,
    create_members: bool = False,
    late_reason: str | None = None,
    dry_run: bool = False,
    ensure_season: EnsureSeason | None = None,
    default_stake: float = 1.0,
    default_season: int | None = None,
) -> ImportReport:
    """Take a file of picks: all of its rows, in one transaction, or none.

    A row that is there already with the same odds changes nothing, so a file can be taken again as it grows.

    Args:
        db: the league's database.
        source: a file, or its content.
        season: of the league's sheet (which does not say); of the plain form, rows of another season are bad.
        now: aware; decides which games have begun.
        create_members: whether a name nobody has becomes a member.
        late_reason: why games already begun are taken; without it such rows are bad.
        dry_run: look everything up and write nothing. A season that is not here yet is then brought into a database of
            the dry run's own.
        ensure_season: called for each season of the file whose schedule or rosters are not there.
        default_stake: units on a pick of a member without a base bet.
        default_season: of the league's sheet where `season` is not given.

    Raises:
        SheetError: the file cannot be read, or holds no pick, or its season is not known.
        PickRefused: the database refused what had been found good (another writer came first); nothing was written.
        StorageError, and what `ensure_season` raises.
    """
    sheet = read_sheet(_content(source))
    if not sheet.rows:
        raise SheetError("There is no pick below the header.")
    sheet = _with_season(sheet, season, default_season, now)
    seasons = sorted({row.season for row in sheet.rows if isinstance(row, PickRow) and row.season is not None})
    absent = absent_seasons(db, seasons)
    if dry_run and absent and ensure_season is not None:
        with tempfile.TemporaryDirectory(prefix="firsttd-dry-run-") as folder:
            scratch = _scratch_copy(db, Path(folder) / "dry_run.db", seasons)
            try:
                for missing in absent:
                    ensure_season(scratch, missing)
                with scratch.read() as conn:
                    planned = _plan(conn, sheet, now, create_members, late_reason)
            finally:
                scratch.close()
        return planned.report(sheet, dry_run=True, applied=False)
    if ensure_season is not None:
        for missing in absent:
            ensure_season(db, missing)
    if dry_run:
        with db.read() as conn:
            planned = _plan(conn, sheet, now, create_members, late_reason)
        return planned.report(sheet, dry_run=True, applied=False)
    with db.write() as conn:
        planned = _plan(conn, sheet, now, create_members, late_reason)
        if not any(row.outcome == "bad" for row in planned.rows):
            _write(conn, planned, now, default_stake)
            return planned.report(sheet, dry_run=False, applied=True)
    return planned.report(sheet, dry_run=False, applied=False)


def _content(source: Path | bytes | str) -> bytes | str:
    if not isinstance(source, Path):
        return source
    try:
        if source.is_file() and source.stat().st_size > MAX_BYTES:
            raise SheetError(f"{source} is larger than {MAX_BYTES // 1_000_000} MB: that is no sheet of picks.")
        return source.read_bytes()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SheetError(f"{source} cannot be read: {why}.") from None


def _with_season(sheet: Sheet, season: int | None, default: int | None, now: datetime) -> Sheet:
    """Every row with its season; rows of a season that cannot be are bad."""
    if sheet.form == "league":
        season = default if season is None else season
    if sheet.form == "league" and season is None:
        raise SheetError("The league's sheet does not say its season: give it with --season.")
    newest = now.year + 1
    rows: list[PickRow | RowError] = []
    for row in sheet.rows:
        if isinstance(row, RowError):
            rows.append(row)
            continue
        own = season if row.season is None else row.season
        if season is not None and own != season:
            rows.append(_as_error(row, f"the season is {own}, asked for was {season}"))
        elif own is None or not FIRST_SEASON <= own <= newest:
            rows.append(_as_error(row, f"there is no season {own}: {FIRST_SEASON} to {newest}"))
        else:
            rows.append(_in_season(row, own))
    return Sheet(sheet.form, tuple(rows), sheet.ignored)


def _in_season(row: PickRow, season: int) -> PickRow:
    values = {f.name: getattr(row, f.name) for f in fields(PickRow)}
    return PickRow(**(values | {"season": season}))


def _as_error(row: PickRow, reason: str) -> RowError:
    game = row.game_id or " at ".join(t for t in (row.away, row.home) if t)
    return RowError(row.line, reason, row.member, "" if row.week is None else str(row.week), game, row.player)


def absent_seasons(db: Database, seasons: Sequence[int]) -> list[int]:
    """The seasons of which no game or no roster row is there."""
    if not seasons:
        return []
    with db.read() as conn:
        have = [
            set(conn.execute(select(table.c.season).where(table.c.season.in_(seasons)).distinct()).scalars())
            for table in (games, rosters)
        ]
    return [season for season in seasons if not all(season in there for there in have)]


def _scratch_copy(db: Database, path: Path, seasons: Sequence[int]) -> Database:
    """A database of its own with what the lookup of these seasons reads."""
    scratch = Database(path)
    upgrade(scratch)
    copied = (
        (users, select(users)),
        (weeks, select(weeks).where(weeks.c.season.in_(seasons))),
        (games, select(games).where(games.c.season.in_(seasons))),
        (rosters, select(rosters).where(rosters.c.season.in_(seasons))),
        (roster_weeks, select(roster_weeks).where(roster_weeks.c.season.in_(seasons))),
        (player_aliases, select(player_aliases)),
        (picks, select(picks).join(weeks, weeks.c.id == picks.c.week_id).where(weeks.c.season.in_(seasons))),
    )
    with db.read() as conn, scratch.write() as other:
        for table, query in copied:
            if rows := [dict(row) for row in conn.execute(query).mappings()]:
                other.execute(insert(table), rows)
    return scratch


# --- looking up -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Taken:
    """A row found good and new."""

    member: Member
    typed: str
    understood: Understood
    odds: float | None
    late_reason: str | None


@dataclass(slots=True)
class _Planned:
    rows: list[ImportRow]
    taken: list[_Taken]
    new_members: list[Member]

    def report(self, sheet: Sheet, *, dry_run: bool, applied: bool) -> ImportReport:
        names = tuple(member.name for member in self.new_members)
        return ImportReport(tuple(self.rows), sheet.form, applied, dry_run, names, sheet.ignored)


class _Lookup:
    """The state of one import's lookup: what the database has, and what earlier rows of the file add to it."""

    def __init__(
        self, conn: Connection, sheet: Sheet, now: datetime, create_members: bool, late_reason: str | None
    ) -> None:
        self._conn = conn
        self._now = now
        self._create = create_members
        self._late_reason = late_reason
        self._members = all_members(conn)
        self.new_members: list[Member] = []
        self.taken: list[_Taken] = []
        self._books: dict[int, SeasonBook] = {}
        self._all_games: dict[int, list[ScheduledGame]] = {}
        self._picks: dict[tuple[int, int], list[ExistingPick]] = {}
        typed = {row.member.casefold() for row in sheet.rows if isinstance(row, PickRow)}
        self._user_ids = [member.id for member in self._members if member.name.casefold() in typed]

    def _book(self, season: int) -> SeasonBook:
        if season not in self._books:
            book = SeasonBook.load(self._conn, season)
            if not book.games:
                raise GameRefused(f"the schedule of {season} is not here: run `firsttd nightly` for that season first")
            self._books[season] = book
            self._picks.update(existing_picks(self._conn, season, user_ids=self._user_ids))
        return self._books[season]

    def _member(self, name: str) -> Member:
        try:
            return choose_member([*self._members, *self.new_members], name)
        except NoSuchMember as error:
            several = any(member.name.casefold() == name.casefold() for member in self._members)
            if several or not self._create:
                hint = "" if several else " (--create-members makes one)"
                raise NoSuchMember(f"{str(error).rstrip('.')}{hint}", error.candidates) from None
        member = Member(-1 - len(self.new_members), checked_name(name))
        self.new_members.append(member)
        return member

    def row(self, row: PickRow | RowError) -> ImportRow:
        """Look one row up and remember it for the rows after it."""
        if isinstance(row, RowError):
            return ImportRow(
                row.line,
                row.member,
                row.week,
                row.game,
                row.player,
                None,
                None,
                None,
                None,
                None,
                None,
                "bad",
                row.reason,
            )
        reasons: list[str] = []
        notes: list[str] = []
        member: Member | None = None
        game_id: str | None = None
        understood: Understood | None = None
        try:
            created = len(self.new_members)
            member = self._member(row.member)
            if len(self.new_members) > created:
                notes.append("new member")
        except (NoSuchMember, BadMember) as error:
            reasons.append(str(error))
        try:
            game_id = self._game_of(row, notes)
            typed = checked_typed(row.player)
            understood = self._understand(row, game_id, notes, member)
        except (PickRefused, GameNotSettled) as error:
            reasons.append(str(error))
        if member is None or understood is None:
            return _bad(row, game_id, understood, "; ".join(reasons))
        try:
            outcome = self._outcome(row, typed, member, understood, notes)
        except PickRefused as error:
            return _bad(row, game_id, understood, str(error))
        game = understood.game
        return ImportRow(
            row.line,
            member.name,
            str(game.week),
            game.id,
            typed,
            understood.player_name,
            understood.team,
            understood.position,
            row.odds,
            understood.method,
            understood.confidence,
            outcome,
            "; ".join(notes) or None,
        )

    def _game_of(self, row: PickRow, notes: list[str]) -> str | None:
        """The game that the row names; None: only week and player say it."""
        assert row.season is not None
        book = self._book(row.season)
        if row.away is None or row.home is None or row.week is None:
            return row.game_id
        settled = self._settle(book, row.away, row.home, book.week_number(row.week))
        if settled.note:
            notes.append(settled.note)
        return settled.game_id

    def _understand(self, row: PickRow, game_id: str | None, notes: list[str], member: Member | None) -> Understood:
        assert row.season is not None
        understood = self._book(row.season).understand(
            PickRequest(row.member, row.player, week=row.week, game_id=game_id, team=row.team, position=row.position),
            member.id if member else None,
        )
        day = understood.game.game_date
        if row.gameday and day and not f"{day:%A}".casefold().startswith(row.gameday.casefold()[:3]):
            notes.append(f"the schedule has it on {day:%A}, the sheet on {row.gameday}")
        return understood

    def _settle(self, book: SeasonBook, away: str, home: str, week: int) -> Settled:
        try:
            return settle_game(away, home, week, book.schedule)
        except GameNotSettled:
            everything = self._all_games.setdefault(
                book.season, [ScheduledGame(g.id, g.week, g.away, g.home) for g in book.games.values()]
            )
            try:
                gone = settle_game(away, home, week, everything)
            except GameNotSettled:
                gone = None
            if gone is not None:
                book.game(gone.game_id)  # raises: it is not to be played
            raise

    def _outcome(self, row: PickRow, typed: str, member: Member, understood: Understood, notes: list[str]) -> Outcome:
        game = understood.game
        mine = self._picks.setdefault((member.id, game.week_id), [])
        if twin := twin_of(mine, typed, understood, self._book(game.season)):
            _same_or_refused(member, row, twin, understood)
            notes.append(f"as line {-twin.id}" if twin.id < 0 else f"pick {twin.id}")
            return "already there"
        late_reason = checked_late(game, self._now, self._late_reason)
        if late_reason is not None:
            notes.append("taken after kickoff")
        self.taken.append(_Taken(member, typed, understood, row.odds, late_reason))
        mine.append(ExistingPick(-row.line, member.id, game.week_id, typed, understood.player_id, game.id, row.odds))
        return "new"


def _bad(row: PickRow, game_id: str | None, understood: Understood | None, reason: str) -> ImportRow:
    where = _as_error(row, "")
    return ImportRow(
        row.line,
        row.member,
        str(understood.game.week) if understood else where.week,
        understood.game.id if understood else game_id or where.game,
        row.player,
        understood.player_name if understood else None,
        understood.team if understood else None,
        understood.position if understood else row.position,
        row.odds,
        understood.method if understood else None,
        understood.confidence if understood else None,
        "bad",
        reason,
    )


def _same_or_refused(member: Member, row: PickRow, twin: ExistingPick, understood: Understood) -> None:
    """Pass where the pick that is there is the very same; else say what differs."""
    which = f"line {-twin.id}" if twin.id < 0 else f"pick {twin.id}"
    if twin.player_id not in (None, understood.player_id):
        raise PickRefused(f"{member.name} has another player typed the very same in that week: {which}")
    if twin.game_id not in (None, understood.game.id):
        raise PickRefused(f"{member.name} has {understood.player_name} that week in {twin.game_id}: {which}")
    if twin.odds != row.odds:
        there, here = (f"{odds:+g}" if isinstance(odds, float) else "unknown" for odds in (twin.odds, row.odds))
        raise PickRefused(f"already there with other odds: {which} has {there}, this row {here}")


def _plan(conn: Connection, sheet: Sheet, now: datetime, create_members: bool, late_reason: str | None) -> _Planned:
    lookup = _Lookup(conn, sheet, now, create_members, late_reason)
    rows = [lookup.row(row) for row in sheet.rows]
    return _Planned(rows, lookup.taken, lookup.new_members)


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(conn: Connection, planned: _Planned, now: datetime, default_stake: float) -> None:
    """Write the new members, then all new picks in one statement."""
    try:
        created = {member.id: insert_member(conn, member.name, now=now) for member in planned.new_members}
    except AlreadyMember as error:
        raise PickRefused(str(error)) from error
    rows = [
        pick_values(
            created.get(taken.member.id, taken.member),
            taken.typed,
            taken.understood,
            odds=taken.odds,
            late_reason=taken.late_reason,
            now=now,
            source="import",
            default_stake=default_stake,
        )
        for taken in planned.taken
    ]
    if not rows:
        return
    try:
        with signed(conn, "import", at=now):
            ids = conn.execute(insert(picks).returning(picks.c.id, sort_by_parameter_order=True), rows).scalars().all()
    except IntegrityError as error:
        raise refused_by_database(error, "a member of the file") from error
    found = zip(ids, planned.taken, strict=True)
    conn.execute(
        insert(pick_resolutions),
        [resolution_values(pick_id, taken.understood, by="import", now=now) for pick_id, taken in found],
    )
