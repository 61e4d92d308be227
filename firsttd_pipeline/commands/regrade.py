"""`firsttd regrade --as-of TIME`: the leaderboard as it stood, beside today's; and its grades put back, if asked to."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from firsttd_pipeline.commands.context import explained, open_league, stderr
from firsttd_pipeline.commands.grade import FOLLOWS
from firsttd_pipeline.commands.output import Format, FormatOption, emit, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.storage.grades import GradeRefused
from firsttd_pipeline.storage.replay import as_of, put_back_as_of

_SHOWN = 20
_COLUMNS = (
    *("member", "rank_then", "rank_now", "points_then", "points_now", "change", "first_td_then", "first_td_now"),
    *("profit_then", "profit_now", "pending_then", "pending_now", "any_time_td_then", "any_time_td_now"),
)


@explained
@refusals_explained
def regrade(
    moment: Annotated[
        str,
        typer.Option("--as-of", metavar="TIME", help="An ISO instant, or a date: the end of that day."),
    ],
    season: Annotated[
        int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="The season; default as for nightly.")
    ] = None,
    week: Annotated[int, typer.Option(min=0, max=99, help="A week; 0 is the season's total.")] = 0,
    apply: Annotated[bool, typer.Option("--apply", help="Put those grades back, as grades by hand.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who puts them back; kept.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why; kept.")] = "",
    output: FormatOption = Format.TABLE,
) -> None:
    """Show the leaderboard as it stood at a time, beside today's. Nothing is written without --apply."""
    now = utc_now()
    with open_league() as league:
        wanted = season or league.settings.season_at(now)
        until, understood = parse_moment(moment, league.settings.timezone)
        if understood:
            stderr.print(safe(understood), markup=False)
        if apply:
            count, found = put_back_as_of(
                league.db, wanted, until, by=by, why=why, rules=league.settings.rules, now=now
            )  # fmt: skip
        else:
            count, found = 0, as_of(league.db, wanted, until, now)
    board = found.board.filter(found.board["week"] == week)
    title = f"Leaderboard {wanted}{f', week {week}' if week else ''} as of {_shown(until)}"
    emit(board, output, title=title, empty="no picks then, and none now", columns=_COLUMNS)
    for row in found.grades.head(_SHOWN).iter_rows(named=True):
        told = f"pick {row['pick_id']} ({row['member']}, {row['typed']}, week {row['week']}): then {row['then']}"
        note = f" ({row['why_not']})" if apply and row["why_not"] else ""
        stderr.print(safe(f"{told}; now {row['now']}{note}"), markup=False)
    if found.grades.height > _SHOWN:
        stderr.print(f"... and {found.grades.height - _SHOWN} more", markup=False)
    can = found.grades.filter("can").height
    if apply:
        stderr.print(f"{count} grades were put back, as grades by hand. {FOLLOWS}" if count else "Nothing to put back.")
    else:
        stderr.print(
            f"{found.grades.height} picks are graded otherwise now; nothing was written. "
            + (f"--apply --by NAME --why REASON puts {can} of these grades back." if can else ""),
            markup=False,
        )


def parse_moment(text: str, zone: str) -> tuple[datetime, str]:
    """The instant that a person means, and what had to be taken for granted (empty: nothing).

    Raises:
        GradeRefused: no date and no time, or a time that the clock of the league's zone had twice or never.
    """
    text = text.strip()
    clock = ZoneInfo(zone)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        try:
            end = datetime.combine(day + timedelta(days=1), time(), clock) - timedelta(microseconds=1)
        except OverflowError:
            raise GradeRefused(f"{text} is too far away.") from None
        return end, f"{text}: the end of that day in {zone}."
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise GradeRefused(
            f"{text!r} is no time: give a date (2025-11-30), or an instant (2025-11-30T12:00Z, 2025-11-30T07:00-05:00)."
        ) from None
    if found.tzinfo is not None:
        return found, ""
    local = found.replace(tzinfo=clock)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise GradeRefused(f"{text} was twice, or never, in {zone}: the clock was changed. Give it with its zone.")
    return local, f"{text} has no zone: taken as the time in {zone}."


def _shown(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S %Z}"
