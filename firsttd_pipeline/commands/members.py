"""`firsttd members add|list|set-stake`."""

from __future__ import annotations

from typing import Annotated

import typer

from firsttd_pipeline.commands.context import explained, open_league, stderr
from firsttd_pipeline.commands.output import Format, FormatOption, emit, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.storage import members

app = typer.Typer(help="The league's members and their stakes.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The member's name.")]


@app.command("add")
@explained
@refusals_explained
def add(
    name: NameArgument,
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    stake: Annotated[float | None, typer.Option(help="Units per pick; default FIRSTTD_STAKE.")] = None,
) -> None:
    """Add a member."""
    with open_league() as league:
        member = members.add_member(league.db, name, email=email, base_bet=stake, now=utc_now())
    stderr.print(f"{safe(member.name)} is a member now.", markup=False)


@app.command("list")
@explained
def list_(output: FormatOption = Format.TABLE) -> None:
    """List the members, by name."""
    with open_league() as league:
        rows = members.list_members(league.db)
    emit(rows, output, title="Members", empty="none yet: `firsttd members add NAME`")


@app.command("set-stake")
@explained
@refusals_explained
def set_stake(
    name: NameArgument,
    units: Annotated[float | None, typer.Argument(help="Units per pick, above 0.")] = None,
    default: Annotated[bool, typer.Option("--default", help="Give back the league's own stake.")] = False,
) -> None:
    """Set what a member stakes on each pick, in units."""
    if (units is None) != default:
        raise members.BadMember("Give either the units or --default.")
    with open_league() as league:
        member = members.set_stake(league.db, name, units)
    stake = "the league's stake" if member.base_bet is None else f"{member.base_bet:g} units"
    stderr.print(f"{safe(member.name)} stakes {stake} on each pick, from the next run on.", markup=False)
