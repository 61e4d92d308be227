"""`firsttd markets`: what the market venues say, how they stand, and what a person tells them apart by.

Titles, labels and reasons are text of others: the output escapes it, and nothing here decides by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firsttd_pipeline.commands.context import FAILED, WRONG_USE, explained, fail, login_name, open_league, stderr
from firsttd_pipeline.commands.output import MOST, Format, FormatOption, counted, emit, emit_lines, emit_object, safe
from firsttd_pipeline.commands.progress import CountProgress
from firsttd_pipeline.commands.refusals import refusals_explained
from firsttd_pipeline.domain.markets import NAMES, SOURCES, Source
from firsttd_pipeline.domain.players import DST_PREFIX
from firsttd_pipeline.domain.seasons import FIRST_SEASON
from firsttd_pipeline.refresh.base import League, utc_now
from firsttd_pipeline.sources.venues import why_off
from firsttd_pipeline.storage.market_answers import settle_event, settle_leg, settle_none
from firsttd_pipeline.storage.market_book import league_date
from firsttd_pipeline.storage.market_status import (
    NEVER_ASKED,
    WHEN_ASKED,
    answers_stored,
    books_of,
    closings_of_game_query,
    find_game,
    games_with_prices,
    member_stats_query,
    open_events_query,
    open_legs_query,
    overview,
    seasons_with_legs,
    teams_of,
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
    "venue", "on", "team", "book", "bid", "ask", "probability", "american", "closing", "fair", "outcome", "status",
    "at", "reason", "fair_reason",
)  # fmt: skip
_PATH = ("at", "venue", "book", "probability", "bid", "ask", "taken_from", "reason")
_VENUES = (
    "name", "status", "games", "games_priced", "legs", "open_legs", "unmatched", "prices", "closing_lines",
    "history_waiting", "last_whole", "requests", "requests_remaining",
)  # fmt: skip
_GAMES = ("game", "week", "kickoff", "away", "home", "legs", "unmatched", "closing_lines", "outcome", "venues")
_AT_KICKOFF = "the closing line comes at kickoff"
_AT_NEXT_RUN = "the closing line comes with the next `firsttd nightly`"
_NOBODY = "nobody is certain whom the leg is on"
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
        elsewhere = [other for other in seasons_with_legs(league.db) if other != wanted]
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
    if any(row["legs"] for row in venues) or unmatched:
        emit(unmatched[:limit], title="Not matched", empty="nothing: every event has its game, every leg its player",
             columns=_OPEN)  # fmt: skip
    else:
        emit_lines([_nothing_stored(wanted, venues)])
        if elsewhere:
            emit_lines([_elsewhere(elsewhere)])
    if len(unmatched) > limit:
        stderr.print(f"{len(unmatched) - limit} more: --limit, or --format json has all.", markup=False)


def _nothing_stored(season: int, venues: Sequence[Mapping[str, Any]]) -> str:
    if all(row["status"] == "off" for row in venues):
        return f"No leg of {season} is stored, and no venue is switched on (FIRSTTD_PREDICTION_MARKETS=on)."
    if any(row["status"] == NEVER_ASKED for row in venues):
        asks = f"`firsttd nightly --season {season}` asks the venues that are on, {WHEN_ASKED}"
        return f"No leg of {season} is stored yet: {asks}."
    return (
        f"No leg of {season} is stored: no venue lists a game of it. A season's first legs come days before its games."
    )


def _elsewhere(seasons: Sequence[int]) -> str:
    return f"Legs are stored of {', '.join(map(str, seasons))}: --season {seasons[0]} shows them."


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


def told_venues(rows: Sequence[Mapping[str, Any]], since: datetime | None = None) -> list[str]:
    """One line per venue on what came of the last run; no line for those that are off.

    One that was not asked since then (a run that began at `since`) says when it was.
    """
    lines = []
    for row in rows:
        if row["status"] == "off" or row["status"] == NEVER_ASKED:
            continue
        told = f"{row['name']}: {row['status']}"
        if since is not None and row["tried"] is not None and row["tried"] < since:
            told += f" when last asked ({row['tried']:%Y-%m-%d %H:%M} UTC)"
        if row["legs"]:
            told += f", {counted(row['legs'], 'leg', 'legs')}"
            some = row["games_priced"] != row["games"]
            games = counted(row["games"], "game", "games")
            told += f" (of {games} it has priced {row['games_priced']})" if some else f" of {games}"
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


@app.command("games")
@explained
def games(
    season: SeasonOption = None,
    week: Annotated[int | None, typer.Option("--week", min=1, max=MOST, help="One week alone.")] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """The games that a venue has priced, with their ids: legs, closing lines, and whom the venues paid."""
    with open_league() as league:
        wanted = _season(league, season)
        rows = games_with_prices(league.db, wanted, week)
        elsewhere = [other for other in seasons_with_legs(league.db) if other != wanted]
    of = f"week {week} of {wanted}" if week is not None else f"{wanted}"
    empty = f"no venue has a leg on a game of {of}: `firsttd markets status --season {wanted}` says why"
    if not rows and elsewhere:
        empty += f". {_elsewhere(elsewhere)}"
    emit(rows, output, title=f"Games with prices, {of}", empty=empty, columns=_GAMES)


@app.command("odds")
@explained
@refusals_explained
def odds(
    game: Annotated[
        str, typer.Argument(metavar="GAME", help="Its id, as `firsttd markets games` lists them: 2025_22_SEA_NE.")
    ],
    player: Annotated[
        str | None, typer.Option("--player", help="His prices up to kickoff: a name, gsis_id, DST:SEA or NO_TD.")
    ] = None,
    venue: Annotated[Venue | None, typer.Option("--venue", case_sensitive=False, help="One venue alone.")] = None,
    top: Annotated[
        int | None, typer.Option("--top", min=1, max=MOST, help="The likeliest of each venue (and sportsbook) alone.")
    ] = None,
    plot: PlotOption = None,
    force: ForceOption = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """The last price of every leg of a game, its closing line and the fair one; or one player's prices over time."""
    import polars as pl

    if plot is not None and player is None:
        raise fail("--plot draws the prices of one player: give --player, too.", WRONG_USE)
    if top is not None and player is not None:
        raise fail("--top is of a whole game: leave --player out.", WRONG_USE)
    if plot is not None:
        _may_write(plot, force)
    with open_league() as league:
        if player is None:
            game_id, rows = _odds_of_game(league, game, venue, top)
            title, picture = f"Odds of {game_id}", None
        else:
            title, rows, picture = _path_of(league, game, player, venue)
    if player is None and output is Format.TABLE:
        rows = rows.with_columns(_signed(pl.col("american")))
    emit(rows, output, title=title, columns=_ODDS if player is None else _PATH,
         empty=_no_odds(player, venue))  # fmt: skip
    if plot is not None:
        _draw(picture, plot, force, "there is no price of it here")


def _no_odds(player: str | None, venue: Venue | None) -> str:
    who = NAMES[venue.value] if venue is not None else "no venue"
    has = "has" if venue is None else "has not"
    what = "priced it here" if player is None else "priced that outcome here"
    lists = (
        "`firsttd markets games` lists the games with prices" if player is None else "without --player all are listed"
    )
    return f"{who} {has} {what}: {lists}"


def _signed(odds: pl.Expr) -> pl.Expr:
    """American odds as people write them: +900."""
    import polars as pl

    return pl.when(odds > 0).then(pl.format("+{}", odds)).otherwise(odds.cast(pl.String)).alias("american")


def _odds_of_game(league: League, text: str, venue: Venue | None, top: int | None) -> tuple[str, pl.DataFrame]:
    import polars as pl

    from firsttd_pipeline.storage.market_prices import read_odds_of_game

    game = find_game(league.db, text)
    with league.db.read() as conn:
        rows = read_odds_of_game(conn, game.id)
    closing = league.db.frame(closings_of_game_query(game.id))
    rows = rows.join(closing, on=["source", "player_id"], how="left", maintain_order="left")
    if venue is not None:
        rows = rows.filter(pl.col("source") == venue.value)
    if top is not None:
        likeliest = pl.col("implied_probability").is_not_null() & (
            pl.col("implied_probability").rank("ordinal", descending=True).over("source", "book") <= top
        )
        rows = rows.filter(likeliest)
    waits = _AT_NEXT_RUN if game.begun(utc_now()) else _AT_KICKOFF
    teams = teams_of(league.db, game)
    on = pl.col("player_id")
    his = on.replace_strict(teams, default=None, return_dtype=pl.String)
    none_yet = pl.col("closing_at").is_null() & pl.col("fair_reason").is_null()
    return game.id, rows.with_columns(
        _venue_name(),
        pl.coalesce("team", his, pl.when(on.str.starts_with(DST_PREFIX)).then(on.str.strip_prefix(DST_PREFIX))),
        pl.when(on.is_null())
        .then(pl.lit(_NOBODY))
        .when(none_yet)
        .then(pl.lit(waits))
        .otherwise("fair_reason")
        .alias("fair_reason"),
    ).rename(
        {
            "player_name": "on",
            "implied_probability": "probability",
            "american_odds": "american",
            "snapshot_time": "at",
            "result": "outcome",
        }
    )


def _path_of(league: League, text: str, player: str, venue: Venue | None) -> tuple[str, pl.DataFrame, Picture | None]:
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
    books = books_of(league.db, game.id, found.player_id)
    rows = rows.with_columns(
        _venue_name(), pl.col("leg_id").replace_strict(books, default=None, return_dtype=pl.String).alias("book")
    ).rename({"implied_probability": "probability", "snapshot_time": "at"})
    series: dict[str, list[tuple[Any, float | None]]] = {}
    for (name, leg), points in rows.group_by("venue", "leg_id", maintain_order=True):
        several = rows.filter(pl.col("venue") == name)["leg_id"].n_unique() > 1
        if points["probability"].count():
            told = f"{name}, {points['book'][0] or leg}" if several else str(name)
            series[told if told not in series else f"{told} {leg}"] = points.select("at", "probability").rows()
    title = f"{found.player or found.player_id} scores first, {game.id}"
    picture = PricePath(title, series, game.kickoff_at) if series else None
    return title, rows, picture


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
    everywhere: Annotated[
        bool,
        typer.Option(
            "--everywhere",
            help="Also the venue's other legs of the season that are on nobody and written exactly so, where he can be "
            "picked in their game.",
        ),
    ] = False,
    also: Annotated[bool, typer.Option("--also", help="He may have two legs of the event at one book.")] = False,
    none: Annotated[
        bool, typer.Option("--none", help="The leg is on nobody of its game, or the event on no game of the league.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who says so; kept. Default: your login name.")] = "",
) -> None:
    """Say whom a leg is on, or which game an event is on. It stands from now on, whatever the venue writes."""
    if [player is not None, game is not None, none].count(True) != 1:
        raise fail(
            "Give one of these: the PLAYER that the leg is on, the --game that the event is on, or --none.", WRONG_USE
        )
    if player is None and (everywhere or also):
        raise fail("--everywhere and --also go with a PLAYER: leave them out.", WRONG_USE)
    who = by or login_name()
    with open_league() as league:
        if none:
            done = settle_none(league.db, venue.value, market_id, who=who, now=utc_now())
        elif game is not None:
            done = settle_event(league.db, venue.value, market_id, game, who=who, now=utc_now())
        else:
            done = settle_leg(
                league.db, venue.value, market_id, player or "", who=who, now=utc_now(), also=also,
                everywhere=everywhere,
            )  # fmt: skip
    told = f"{NAMES[venue.value]}: {done.what} is {done.means}; was {done.before}."
    if done.alike:
        told += f" So {'is' if done.alike == 1 else 'are'} {counted(done.alike, 'other leg', 'other legs')} written so."
    if everywhere and not done.alike and not done.left:
        told += " No other leg is written so."
    told += f" {counted(done.legs, 'leg follows', 'legs follow')}, with all prices."
    stderr.print(safe(f"{told} Closing lines and picks follow with the next `firsttd nightly`."), markup=False)
    for why, legs in done.left.items():
        kept = counted(legs, "other leg written so is left as it is", "other legs written so are left as they are")
        stderr.print(safe(f"{kept}: {why}."), markup=False)


@app.command("snapshot")
@explained
def snapshot() -> None:
    """Take the prices of today's games that are still to begin, once, as the schedule of game days does."""
    from firsttd_pipeline.commands.run import run_seasons, tell_outcome
    from firsttd_pipeline.storage.watch import upcoming_games

    now = utc_now()
    with open_league() as league:
        settings = league.settings
        off = [why_off(source, settings) for source in SOURCES]
        if all(off):
            raise fail(safe("; ".join(dict.fromkeys(str(why) for why in off))), WRONG_USE)
        upcoming = upcoming_games(league.db, now, days=2)
    today = [game for game in upcoming if league_date(game.kickoff_at) == league_date(now)]
    if not today:
        told = "the schedule has none; `firsttd nightly` fetches it"
        if upcoming:
            told = f"the next is {upcoming[0].game_id}, kickoff {upcoming[0].kickoff_at:%Y-%m-%d %H:%M} UTC"
        stderr.print(safe(f"No game of today is still to begin: {told}. No venue was asked."), markup=False)
        return
    season = today[0].season
    stderr.print(f"{counted(len(today), 'game of today is', 'games of today are')} still to begin.", markup=False)
    outcome = run_seasons(settings, [season], job="market_snapshots")[0]
    tell_outcome(outcome)
    with open_league() as league:
        for line in told_venues(venues_now(league, season)):
            stderr.print(line, markup=False)
    if not outcome.success:
        raise typer.Exit(FAILED)


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
    with open_league() as league, CountProgress(answers_stored(league.db, season, source)) as progress:
        reports = market_odds.reparse(league, source, season, now=utc_now(), progress=progress.step)
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
        empty=f"nothing is judged yet: it needs {'picks of ' if by is By.MEMBER else ''}games that are over, with "
        "closing lines and outcomes",
    )
    if plot is not None:
        _draw(picture, plot, force, f"nothing of {wanted} is judged yet")


def _judged(league: League, season: int) -> pl.DataFrame:
    """source, probability, fair_probability (null where the field allows none) and won, of every closing line that was
    settled."""
    import polars as pl

    from firsttd_pipeline.storage.market_outcomes import judged_closings
    from firsttd_pipeline.storage.season import Season

    with league.db.read() as conn:
        rows = judged_closings(conn, Season(league.db, season, conn))
    return rows.select("source", "probability", "fair_probability", (pl.col("outcome") == 1.0).alias("won"))


def _by_venue(league: League, season: int) -> tuple[pl.DataFrame, Picture | None]:
    import polars as pl

    from firsttd_pipeline.domain.calibration import scores_by
    from firsttd_pipeline.reports.market_pictures import reliability_picture

    judged = _judged(league, season)
    price = scores_by(judged, ["source"])
    fair = scores_by(judged.with_columns(pl.col("fair_probability").alias("probability")), ["source"])
    kinds = [rows.with_columns(pl.lit(kind).alias("of")) for kind, rows in (("closing price", price), ("fair", fair))]
    rows = pl.concat(kinds).sort("source", "of").with_columns(_venue_name())
    rows = rows.select("venue", "of", *(name for name in price.columns if name != "source"))
    return rows, reliability_picture(season, judged)


def _by_price(league: League, season: int) -> tuple[pl.DataFrame, Picture | None]:
    from firsttd_pipeline.reports.market_pictures import longshot_bands, longshot_picture

    rows = longshot_bands(_judged(league, season))
    return rows, longshot_picture(season, rows)


def _by_member(league: League, season: int) -> tuple[pl.DataFrame, Picture | None]:
    from firsttd_pipeline.reports.market_pictures import members_picture

    rows = league.db.frame(member_stats_query(season))
    return rows, members_picture(season, rows)


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


def _draw(picture: Picture | None, path: Path, force: bool, nothing: str) -> None:
    if picture is None:
        stderr.print(safe(f"Nothing to draw: {nothing}. {path} was not written."), markup=False)
        return
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
