"""`firsttd markets`: what the market venues say, how they stand, and what a person tells them apart by.

Titles, labels and reasons are text of others: the output escapes it, and nothing here decides by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firsttd_pipeline.commands.context import FAILED, WRONG_USE, explained, fail, login_name, open_league, stderr
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, counted, emit, emit_object, safe
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.markets import NAMES, Source
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.sources.venues import why_off
from firsttd_pipeline.storage.market_answers import settle_event, settle_leg
from firsttd_pipeline.storage.market_status import (
    closings_of_game_query,
    find_game,
    member_stats_query,
    open_events_query,
    open_legs_query,
    overview,
)
from firsttd_pipeline.storage.resolutions import explain, names_of

if TYPE_CHECKING:
    import polars as pl

    from firsttd_pipeline.reports.plots import Picture

app = typer.Typer(help="What Kalshi, Polymarket and the sportsbooks say about first touchdown scorers.")

SeasonOption = Annotated[
    int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="The season; default as for nightly.")
]

PlotOption = Annotated[Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw it into a file, too.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]

_CANDIDATES = 5
_ODDS = (
    "venue", "on", "team", "book", "bid", "ask", "probability", "american", "closing", "fair", "status", "at", "reason",
    "fair_reason",
)  # fmt: skip
_PATH = ("at", "venue", "probability", "bid", "ask", "taken_from", "reason")
_VENUES = (
    "name", "status", "games", "legs", "open_legs", "unmatched", "prices", "closing_lines", "history_waiting",
    "last_answer", "requests", "requests_remaining",
)  # fmt: skip
_OPEN = ("venue", "what", "id", "says", "game_id", "why", "to settle")


class Venue(StrEnum):
    """A market venue."""

    KALSHI = "kalshi"
    POLYMARKET = "polymarket"
    POLYMARKET_US = "polymarket_us"
    ODDS_API = "odds_api"


class By(StrEnum):
    """What a calibration is told by."""

    VENUE = "venue"
    MEMBER = "member"
    PRICE = "price"


# --- how the venues stand ---------------------------------------------------------------------------------------------


@app.command("status")
@explained
def status(
    season: SeasonOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Unmatched events and legs shown at most.")] = 20,
    output: FormatOption = Format.TABLE,
) -> None:
    """How each venue answered last, what is stored of it, and which events and legs nobody is sure about."""
    with open_league() as league:
        wanted = _season(league, season)
        venues = venues_now(league, wanted)
        events = league.db.frame(open_events_query(wanted)).to_dicts()
        legs = league.db.frame(open_legs_query(wanted)).to_dicts()
    unmatched = [_open_event(row) for row in events] + [_open_leg(row) for row in legs]
    if output is Format.JSON:
        emit_object({"season": wanted, "venues": venues, "unmatched": unmatched})
        return
    emit(venues, output, title=f"Market venues {wanted}", columns=_VENUES)
    if output is Format.CSV:
        return
    for row in venues:
        if row["reason"]:
            stderr.print(safe(f"{row['name']}: {row['status']}: {row['reason']}"), markup=False)
    emit(unmatched[:limit], title="Not matched", empty="nothing: every event has its game, every leg its player",
         columns=_OPEN)  # fmt: skip
    if len(unmatched) > limit:
        stderr.print(f"{len(unmatched) - limit} more: --limit, or --format json has all.", markup=False)


def venues_now(league: League, season: int) -> list[dict[str, Any]]:
    """One row per venue for people. What is switched off now is told so, whatever it was when it was last asked."""
    rows = overview(league.db, season)
    for row in rows:
        off = why_off(row["venue"], league.settings)
        if off is not None:
            row["status"], row["reason"] = "off", off
        elif row["status"] == "off":
            row["reason"] = "it was off when the last run came; it is on now, and the next run asks it"
        row["unmatched"] = row["unmatched_events"] + row["unmatched_legs"]
    return rows


def told_venues(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line per venue on what came of the last run; no line for those that are off."""
    lines = []
    for row in rows:
        if row["status"] == "off" or row["status"] == "never asked":
            continue
        told = f"{row['name']}: {row['status']}"
        if row["legs"]:
            told += f", {counted(row['legs'], 'leg', 'legs')} of {counted(row['games'], 'game', 'games')}"
            told += f", {counted(row['prices'], 'price', 'prices')}"
            told += f", {counted(row['closing_lines'], 'closing line', 'closing lines')}"
        if row["unmatched"]:
            told += f", {row['unmatched']} not matched"
        if row["history_waiting"]:
            told += f", {counted(row['history_waiting'], 'price history waits', 'price histories wait')}"
        if row["reason"]:
            told += f": {row['reason']}"
        lines.append(safe(told))
    return lines


def _open_event(row: Mapping[str, Any]) -> dict[str, Any]:
    legs = counted(row["legs"], "leg", "legs")
    return {
        "venue": row["source"],
        "what": "event",
        "id": row["event_id"],
        "says": f"{row['title'] or 'no title'} ({legs})",
        "game_id": None,
        "why": row["reason"],
        "to settle": f"firsttd markets match {row['source']} {_word(row['event_id'])} --game GAME",
    }


def _open_leg(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "venue": row["source"],
        "what": "leg",
        "id": row["market_id"],
        "says": row["label"] + (f" ({row['team']})" if row["team"] else ""),
        "game_id": row["game_id"],
        "why": row["reason"],
        "to settle": f"firsttd markets match {row['source']} {_word(row['market_id'])} PLAYER",
    }


def _word(text: str) -> str:
    """The text as one word of a shell, whatever a venue put into it."""
    import shlex

    return shlex.quote(text)


# --- what they say ----------------------------------------------------------------------------------------------------


@app.command("odds")
@explained
@refusals_explained
def odds(
    game: Annotated[str, typer.Argument(metavar="GAME", help="E.g. 2025_22_SEA_NE.")],
    player: Annotated[
        str | None, typer.Option("--player", help="His prices up to kickoff: a name, gsis_id, DST:SEA or NO_TD.")
    ] = None,
    venue: Annotated[Venue | None, typer.Option("--venue", case_sensitive=False, help="One venue alone.")] = None,
    plot: PlotOption = None,
    force: ForceOption = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """The last price of every leg of a game, its closing line and the fair one; or one player's prices over time."""
    if plot is not None and player is None:
        raise fail("--plot draws the prices of one player: give --player, too.", WRONG_USE)
    if plot is not None:
        _may_write(plot, force)
    with open_league() as league:
        if player is None:
            game_id, rows = _odds_of_game(league, game, venue)
            title, picture = f"Odds of {game_id}", None
        else:
            title, rows, picture = _path_of(league, game, player, venue)
    emit(rows, output, title=title, columns=_ODDS if player is None else _PATH,
         empty="no venue has priced it here: `firsttd markets status` says what is stored")  # fmt: skip
    if plot is not None and picture is not None:
        _draw(picture, plot, force)


def _odds_of_game(league: League, text: str, venue: Venue | None) -> tuple[str, pl.DataFrame]:
    import polars as pl

    from firsttd_pipeline.storage.market_prices import read_odds_of_game

    game = find_game(league.db, text)
    with league.db.read() as conn:
        rows = read_odds_of_game(conn, game.id)
    closing = league.db.frame(closings_of_game_query(game.id))
    rows = rows.join(closing, on=["source", "player_id"], how="left", maintain_order="left")
    if venue is not None:
        rows = rows.filter(pl.col("source") == venue.value)
    return game.id, rows.with_columns(_venue_name()).rename(
        {"player_name": "on", "implied_probability": "probability", "american_odds": "american", "snapshot_time": "at"}
    )


def _path_of(league: League, text: str, player: str, venue: Venue | None) -> tuple[str, pl.DataFrame, Picture]:
    import polars as pl

    from firsttd_pipeline.reports.plots import PricePath
    from firsttd_pipeline.storage.market_prices import price_path

    game = find_game(league.db, text)
    found = explain(league.db, player, game.id)
    if found.player_id is None:
        candidates = "; ".join(names_of(found.candidates[:_CANDIDATES]))
        raise fail(safe(f"{found.message or 'Nobody is certain.'} Candidates: {candidates or 'none'}."), WRONG_USE)
    with league.db.read() as conn:
        rows = price_path(conn, game.id, found.player_id)
    if venue is not None:
        rows = rows.filter(pl.col("source") == venue.value)
    rows = rows.with_columns(_venue_name()).rename({"implied_probability": "probability", "snapshot_time": "at"})
    series: dict[str, list[tuple[Any, float | None]]] = {}
    for (name, leg), points in rows.group_by("venue", "leg_id", maintain_order=True):
        several = rows.filter(pl.col("venue") == name)["leg_id"].n_unique() > 1
        series[f"{name} {leg}" if several else str(name)] = points.select("at", "probability").rows()
    title = f"{found.player or found.player_id} scores first, {game.id}"
    return title, rows, PricePath(title, series, game.kickoff_at)


@app.command("match")
@explained
@refusals_explained
def match(
    venue: Annotated[Venue, typer.Argument(case_sensitive=False, help="The venue.")],
    market_id: Annotated[str, typer.Argument(metavar="ID", help="Of the leg, or with --game of the event.")],
    player: Annotated[
        str | None, typer.Argument(help="Whom the leg is on: gsis_id, full name, DST:SEA or NO_TD; of its game.")
    ] = None,
    game: Annotated[str | None, typer.Option("--game", help="The game that the event is on.")] = None,
    by: Annotated[str, typer.Option("--by", help="Who says so; kept. Default: your login name.")] = "",
) -> None:
    """Say whom a leg is on, or which game an event is on. It stands from now on, whatever the venue writes."""
    if (player is None) == (game is None):
        raise fail("Give either the PLAYER that the leg is on, or the --game that the event is on.", WRONG_USE)
    who = by or login_name()
    with open_league() as league:
        if game is not None:
            done = settle_event(league.db, venue.value, market_id, game, who=who, now=utc_now())
        else:
            done = settle_leg(league.db, venue.value, market_id, player or "", who=who, now=utc_now())
    told = f"{NAMES[venue.value]}: {done.what} is {done.means}"
    told += f"; {counted(done.legs, 'leg follows', 'legs follow')}, with all prices."
    stderr.print(safe(f"{told} Closing lines and picks follow with the next `firsttd nightly`."), markup=False)


@app.command("reparse")
@explained
def reparse(
    season: Annotated[
        int | None, typer.Option("--season", min=FIRST_SEASON, max=9999, help="One season; default: all.")
    ] = None,
    venue: Annotated[Venue | None, typer.Option("--venue", case_sensitive=False, help="One venue alone.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Make the rows from the stored answers again, e.g. after an update that reads more of them. Nobody is asked."""
    from firsttd_pipeline.refresh import market_odds

    source: Source | None = venue.value if venue else None
    with open_league() as league:
        reports = market_odds.reparse(league, source, season, now=utc_now())
    rows = [
        {"season": one.season, "new prices": one.counts.inserted, "unchanged": one.counts.unchanged, **one.facts}
        for one in reports
    ]
    emit(rows, output, title="Read again", empty="no answer of a venue is stored", columns=None)
    for one in reports:
        for note in one.notes:
            stderr.print(safe(f"{one.season}: {note}"), markup=False)


# --- how good the prices were -----------------------------------------------------------------------------------------


@app.command("calibration")
@explained
def calibration(
    season: SeasonOption = None,
    by: Annotated[By, typer.Option("--by", case_sensitive=False, help="What to tell it by.")] = By.VENUE,
    plot: PlotOption = None,
    force: ForceOption = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """How often the closing lines came true: Brier score, log loss, favourite-longshot bias, members' luck."""
    if plot is not None:
        _may_write(plot, force)
    with open_league() as league:
        wanted = _season(league, season)
        if by is By.MEMBER:
            rows, picture = _by_member(league, wanted)
        elif by is By.PRICE:
            rows, picture = _by_price(league, wanted)
        else:
            rows, picture = _by_venue(league, wanted)
    emit(
        rows,
        output,
        title=f"Closing lines of {wanted} by {by.value}",
        empty="nothing is judged yet: it needs games that are over, with closing lines and outcomes",
    )
    if plot is not None:
        _draw(picture, plot, force)


def _judged(league: League, season: int) -> pl.DataFrame:
    """source, probability (fair where the field allows one) and won, of every closing line that was settled."""
    import polars as pl

    from firsttd_pipeline.storage.market_outcomes import judged_closings

    with league.db.read() as conn:
        rows = judged_closings(conn, season)
    return rows.select(
        "source",
        pl.col("probability").alias("price"),
        pl.col("fair_probability").alias("probability"),
        (pl.col("outcome") == 1.0).alias("won"),
    )


def _by_venue(league: League, season: int) -> tuple[pl.DataFrame, Picture]:
    import polars as pl

    from firsttd_pipeline.domain.calibration import reliability, scores_by
    from firsttd_pipeline.reports.plots import Reliability

    judged = _judged(league, season)
    price = scores_by(judged.select("source", "won", pl.col("price").alias("probability")), ["source"])
    fair = scores_by(judged, ["source"])
    kinds = [rows.with_columns(pl.lit(kind).alias("of")) for kind, rows in (("closing price", price), ("fair", fair))]
    rows = pl.concat(kinds).sort("source", "of").with_columns(_venue_name())
    rows = rows.select("venue", "of", *(name for name in price.columns if name != "source"))
    series = {}
    for (source,), of_venue in judged.sort("source").group_by("source", maintain_order=True):
        bins = reliability(of_venue["probability"], of_venue["won"])
        if bins.height:
            series[NAMES.get(str(source), str(source))] = bins.select("mean_probability", "share_won", "n").rows()
    return rows, Reliability(f"Fair closing probabilities of {season}, and how often they came true", series)


def _by_price(league: League, season: int) -> tuple[pl.DataFrame, Picture]:
    import polars as pl

    from firsttd_pipeline.domain.calibration import longshot_bias
    from firsttd_pipeline.reports.plots import HorizontalBars

    judged = _judged(league, season)
    parts = [
        longshot_bias(of_venue["price"], of_venue["won"]).with_columns(pl.lit(source).alias("source"))
        for (source,), of_venue in judged.sort("source").group_by("source", maintain_order=True)
    ]
    if not parts:
        return judged.clear(), HorizontalBars(f"Nothing is judged in {season}", [], [])
    rows = pl.concat(parts).with_columns(_venue_name())
    rows = rows.select("venue", *(name for name in rows.columns if name not in ("venue", "source")))
    names = [f"{venue} {band}" for venue, band in rows.select("venue", "band").rows()]
    title = f"Profit on a stake of 1 at the closing price, {season}"
    return rows, HorizontalBars(title, names, rows["return"].to_list(), "mean profit on a stake of 1")


def _by_member(league: League, season: int) -> tuple[pl.DataFrame, Picture]:
    from firsttd_pipeline.reports.plots import HorizontalBars

    rows = league.db.frame(member_stats_query(season))
    title = f"Points beyond the expected ones, {season}"
    return rows, HorizontalBars(title, rows["member"].to_list(), rows["luck"].to_list(), "points over expectation")


def _venue_name() -> pl.Expr:
    import polars as pl

    return pl.col("source").replace(dict(NAMES)).alias("venue")


# --- shared -----------------------------------------------------------------------------------------------------------


def _season(league: League, season: int | None) -> int:
    return season or league.settings.season_at(utc_now())


def _may_write(path: Path, force: bool) -> None:
    if path.exists() and (path.is_dir() or not force):
        rest = "name a file" if path.is_dir() else "--force replaces it"
        raise fail(safe(f"{path} is there already: {rest}. Nothing was written."), WRONG_USE)


def _draw(picture: Picture, path: Path, force: bool) -> None:
    from firsttd_pipeline.reports.plots import png

    picture_file = png(picture)
    try:
        with path.open("wb" if force else "xb") as out:
            out.write(picture_file)
    except FileExistsError:  # somebody else has made it meanwhile
        _may_write(path, force=False)
    except OSError as error:
        raise fail(safe(f"{path} could not be written: {error.strerror}."), FAILED) from None
    stderr.print(safe(f"Drawn into {path}."), markup=False)
