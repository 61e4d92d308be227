"""`firsttd players`: the season's players, and whom a typed name means: asked, answered, explained, remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from firsttd_pipeline.commands.context import WRONG_USE, explained, fail, login_name, open_league, stderr
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, counted, emit, emit_object, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import utc_now
from firsttd_pipeline.storage.aliases import forget_alias, list_aliases
from firsttd_pipeline.storage.resolutions import Confirmed, confirm, explain, names_of, open_questions
from firsttd_pipeline.storage.standings import players_query

app = typer.Typer(help="The season's players, and whom a typed name means.")

SeasonOption = Annotated[
    int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="The season; default as for nightly.")
]
_ASKED = ("pick_id", "member", "week", "game_id", "typed", "candidate", "confidence", "to answer", "team", "why")
_LIKELY = 0.5
"""From here on a candidate is offered as the answer."""

_RESOLVED = ("answer", "player", "team", "position", "method", "confidence", "player_id")


class WhoseAlias(StrEnum):
    """For whom a text means the player from now on."""

    LEAGUE = "league"
    MEMBER = "member"


@app.callback(invoke_without_command=True)
@explained
def players(
    context: typer.Context,
    season: SeasonOption = None,
    team: Annotated[str | None, typer.Option(help="A team, e.g. KC.")] = None,
    position: Annotated[str | None, typer.Option(help="A position, e.g. WR.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="How many at most.")] = 25,
    output: FormatOption = Format.TABLE,
) -> None:
    """The season's players, most first touchdowns first; or whom a typed name means (commands below)."""
    if context.invoked_subcommand is not None:
        if season or team or position or limit != 25 or output is not Format.TABLE:
            name = context.invoked_subcommand
            raise fail(f"Options of `players {name}` go after its name: `firsttd players {name} …`.", WRONG_USE)
        return
    with open_league() as league:
        wanted = season or league.settings.season_at(utc_now())
        rows = league.db.frame(players_query(wanted, team=team, position=position, limit=limit))
    emit(rows, output, title=f"Players {wanted}", empty="No players: run `firsttd nightly` for this season first.")


@app.command("review")
@explained
def review(
    season: Annotated[
        int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="One season; default: all.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List the picks whose player is not sure, with who it may be and how to answer."""
    with open_league() as league:
        questions = open_questions(league.db, season)
    emit_questions(questions, output)


def emit_questions(questions: list[dict[str, Any]], output: Format = Format.TABLE) -> None:
    """Print questions: JSON and CSV one row each, a table one line per candidate with the command that answers."""
    for question in questions:
        question["to_answer"] = _answer_with(question)
    if output is Format.JSON:
        emit(questions, output)
        return
    if output is Format.CSV:
        names = list(questions[0]) if questions else ["pick_id"]
        rows = [question | {"candidates": "; ".join(names_of(question["candidates"]))} for question in questions]
        emit(rows, output, columns=names)
        return
    lines: list[dict[str, Any]] = []
    for question in questions:
        told = {"pick_id": question["pick_id"], **{name: question[name] for name in ("member", "week", "game_id")}}
        told |= {"typed": question["typed"], "team": question["team"], "why": question["message"]}
        for number, one in enumerate(question["candidates"] or [None]):
            shown = dict.fromkeys(told) | {"pick_id": question["pick_id"]} if number else dict(told)
            shown["candidate"] = _label(one) if one else None
            shown["confidence"] = one["confidence"] if one else None
            shown["to answer"] = _answer_with(question, one)
            lines.append(shown)
    emit(lines, title="Picks that ask whom they mean", empty="none: every pick is understood", columns=_ASKED)


def _answer_with(question: Mapping[str, Any], candidate: Mapping[str, Any] | None = None) -> str:
    """The command that answers; the player is left open where no candidate is likely."""
    command = f"firsttd players confirm {question['pick_id']}"
    if candidate and candidate["confidence"] >= _LIKELY:
        return f"{command} {candidate['player_id']}"
    return f"{command} PLAYER" + ("" if question["game_id"] else " --game GAME")


def _label(candidate: Mapping[str, Any]) -> str:
    return f"{candidate['player']} ({candidate['team']} {candidate['position'] or '?'})"


@app.command("confirm")
@explained
@refusals_explained
def confirm_(
    pick_id: Annotated[int, typer.Argument(min=1, max=MOST, metavar="PICK", help="As `players review` shows it.")],
    player: Annotated[str, typer.Argument(help="gsis_id, full name, DST:SEA or NO_TD; of the pick's game.")],
    by: Annotated[str, typer.Option("--by", help="Who says so; kept. Default: your login name.")] = "",
    scope: Annotated[WhoseAlias, typer.Option("--scope", help="Who else types so.")] = WhoseAlias.LEAGUE,
    game: Annotated[str | None, typer.Option("--game", help="The game of a pick that has none.")] = None,
    alias: Annotated[bool, typer.Option("--alias/--no-alias", help="Whether the text means him from now on.")] = True,
) -> None:
    """Say whom a pick means. What was typed means that player from now on."""
    with open_league() as league:
        done = confirm(
            league.db,
            pick_id,
            player,
            by=by or login_name(),
            now=utc_now(),
            scope="member" if scope is WhoseAlias.MEMBER else "league",
            alias=alias,
            game=game,
        )
    for line in _told(done):
        stderr.print(safe(line), markup=False)


def _told(done: Confirmed) -> Iterable[str]:
    meant = done.understood
    if done.set_aside:
        yield f"Pick {done.pick_id} ({done.member}, {done.typed!r}) is set aside in quarantine: {done.set_aside}."
    else:
        before = f"; before: {done.before}" if done.before and done.before != meant.player_id else ""
        yield f"Pick {done.pick_id}: {done.member}, {done.typed!r} is {meant.label}, {meant.game.id}{before}."
    if done.alias:
        whose = "the league" if done.alias.scope == "league" else f"{done.member} alone"
        new = "means from now on" if done.alias.new else "already meant"
        yield f"{done.typed!r} {new} {meant.player_name} for {whose} (alias {done.alias.id})."
    if done.also.understood:
        others = counted(done.also.understood, "other pick with that text is", "other picks with that text are")
        yield f"{others} answered, too."
    for pick_id, why in done.also.set_aside.items():
        yield f"Pick {pick_id} is set aside in quarantine: {why}."
    if done.also.questions:
        yield f"Still open with that text: pick {', '.join(map(str, done.also.questions))}."
    if (not done.set_aside and done.before != meant.player_id) or done.also.understood:
        yield "Grades follow within a minute while Dagster runs (make ui), else with `firsttd nightly` for its season."


@app.command("resolve")
@explained
@refusals_explained
def resolve(
    text: Annotated[str, typer.Argument(help="A player as somebody types him.")],
    game: Annotated[str, typer.Option("--game", help="The game, e.g. 2025_01_DAL_PHI.")],
    team: Annotated[str | None, typer.Option(help="The team typed with it.")] = None,
    member: Annotated[str | None, typer.Option(help="Who types: his own aliases count, too.")] = None,
    season: SeasonOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Explain whom a text means in a game, and who else it may be. Nothing is written."""
    with open_league() as league:
        found = explain(league.db, text, game, season=season, team=team, member=member)
    if found.message:
        stderr.print(safe(f"It would ask: {found.message}"), markup=False)
    if output is Format.JSON:
        emit_object(found.facts)
        return
    rows = [dict(one) | {"answer": one["player_id"] == found.player_id} for one in found.candidates]
    if not rows and found.player_id:
        rows = [{"answer": True, "player": found.player, "method": found.method, "confidence": found.confidence}]
        rows[0]["player_id"] = found.player_id
    emit(rows, output, title=f"{text!r} in {game}", empty="nobody", columns=_RESOLVED)


@app.command("aliases")
@explained
def aliases(output: FormatOption = Format.TABLE) -> None:
    """List what this league calls its players."""
    with open_league() as league:
        rows = list_aliases(league.db)
    emit(rows, output, title="Aliases", empty="none: `firsttd players confirm` makes them")


@app.command("forget")
@explained
@refusals_explained
def forget(
    alias_id: Annotated[int, typer.Argument(min=1, max=MOST, help="As `players aliases` shows it.")],
) -> None:
    """Forget an alias. Picks it answered stay as they are."""
    with open_league() as league:
        gone = forget_alias(league.db, alias_id)
    told = f"Forgot alias {alias_id}: {gone['text']!r} no longer means {gone['player_name']} by itself."
    stderr.print(safe(f"{told} Picks it answered stay: `firsttd players confirm` changes one."), markup=False)
