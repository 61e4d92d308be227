"""nflverse's files through nflreadpy: its names, addresses and season rules, one client, needed columns only.

A client downloads, validates (`contracts.py`) and keeps the bytes, so that every step of a run reads the very same
file. What is not published is a typed `Absent`; everything else that fails is a `SourceError` naming the address.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl

from firsttd_pipeline.domain.seasons import FIRST_SEASON, kickoff_expr, plays_due, roster_due, season_opens
from firsttd_pipeline.sources import contracts
from firsttd_pipeline.sources.http import (
    BadBody,
    Download,
    HttpClient,
    NotPublished,
    PermanentSourceError,
    TransientSourceError,
    bare,
    looks_like,
)

Dataset = Literal["schedules", "rosters", "weekly_rosters", "pbp"]

# nflreadpy's paths below its base address; a test holds them equal to what its load functions ask for.
PATHS: dict[str, str] = {
    "schedules": "schedules/games",
    "rosters": "rosters/roster_{season}",
    "weekly_rosters": "weekly_rosters/roster_weekly_{season}",
    "pbp": "pbp/play_by_play_{season}",
}
FIRST_WEEKLY_ROSTER = 2002
PUBLISHED_WITHIN = timedelta(hours=48)
KEPT_VERSIONS = 2
_STALE_PART_S = 3600
_MAGIC = b"PAR1"

PLAY_COLUMNS: tuple[str, ...] = tuple(contracts.PLAYS.names)

# Everyone a play may name: who is named took part. Penalised and fantasy columns repeat others or name staff.
PARTICIPANT_COLUMNS: tuple[str, ...] = (
    "td_player_id",
    "passer_player_id",
    "receiver_player_id",
    "rusher_player_id",
    "lateral_receiver_player_id",
    "lateral_rusher_player_id",
    "lateral_sack_player_id",
    "interception_player_id",
    "lateral_interception_player_id",
    "punt_returner_player_id",
    "lateral_punt_returner_player_id",
    "kickoff_returner_player_id",
    "lateral_kickoff_returner_player_id",
    "punter_player_id",
    "kicker_player_id",
    "own_kickoff_recovery_player_id",
    "blocked_player_id",
    "tackle_for_loss_1_player_id",
    "tackle_for_loss_2_player_id",
    "qb_hit_1_player_id",
    "qb_hit_2_player_id",
    "forced_fumble_player_1_player_id",
    "forced_fumble_player_2_player_id",
    "solo_tackle_1_player_id",
    "solo_tackle_2_player_id",
    "assist_tackle_1_player_id",
    "assist_tackle_2_player_id",
    "assist_tackle_3_player_id",
    "assist_tackle_4_player_id",
    "tackle_with_assist_1_player_id",
    "tackle_with_assist_2_player_id",
    "pass_defense_1_player_id",
    "pass_defense_2_player_id",
    "fumbled_1_player_id",
    "fumbled_2_player_id",
    "fumble_recovery_1_player_id",
    "fumble_recovery_2_player_id",
    "sack_player_id",
    "half_sack_1_player_id",
    "half_sack_2_player_id",
    "penalty_player_id",
    "safety_player_id",
)


@dataclass(frozen=True)
class SourceFile:
    """One version of one upstream file. Times are aware UTC; `modified_at` is upstream's own; `url` has no secrets."""

    dataset: str
    season: int
    url: str
    sha256: str
    size_bytes: int
    modified_at: datetime | None
    fetched_at: datetime

    def for_season(self, season: int) -> SourceFile:
        """The same file as the source of one season (the schedule is one file for all of them, season 0)."""
        return replace(self, season=season)


@dataclass(frozen=True)
class Fetched:
    """A validated file: the needed columns, where they came from, and the rows that could not be taken."""

    frame: pl.DataFrame
    source: SourceFile
    left_out: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class Stamp:
    """What tells one published version of a file from another, without its bytes. None: upstream does not say."""

    size: int | None
    modified_at: datetime | None
    etag: str | None

    def is_of(self, source: SourceFile | None) -> bool:
        """Whether `source` was made from this very version, as far as upstream says anything."""
        if source is None or (self.size is None and self.modified_at is None):
            return False
        same_size = self.size is None or self.size == source.size_bytes
        told = self.modified_at is not None and source.modified_at is not None
        return same_size and (not told or self.modified_at == source.modified_at)

    @property
    def key(self) -> str:
        """The stamp as a short word."""
        told = f"{self.size}|{self.modified_at and self.modified_at.isoformat()}|{self.etag}"
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Absent:
    """Upstream has no such file, and that is right at this time; `reason` is a sentence for the operator."""

    dataset: str
    season: int
    url: str
    reason: str


class NflverseClient:
    """Reads nflverse from one base address. Not for use by several threads at once.

    Args:
        base_url: base of the release downloads; a missing trailing slash is added.
        http: the HTTP policy to download under.
        raw_dir: where the files are kept, the newest two versions of each; None keeps them in memory only.
    """

    def __init__(self, base_url: str, http: HttpClient | None = None, raw_dir: Path | None = None) -> None:
        self.base_url = base_url if base_url.endswith("/") else base_url + "/"
        self.http = http or HttpClient()
        self.raw_dir = raw_dir
        self._frames: dict[str, tuple[str, Fetched]] = {}
        self._bytes: dict[str, tuple[str, bytes]] = {}
        self._proven = False

    def close(self) -> None:
        """Close idle connections and forget what is in memory."""
        self.http.close()
        self._frames.clear()
        self._bytes.clear()

    # --- fetch --------------------------------------------------------------------------------------------------------

    def schedules(self) -> Fetched:
        """The schedule of every season (`source.season` is 0); one row per game.

        Raises:
            SourceError: it could not be read. A 404 is always a failure: the schedule is always published.
        """
        try:
            return self._fetch("schedules", 0)
        except NotPublished as missing:
            raise self._wrong_address(missing, "nflverse always publishes its schedule") from None

    def rosters(self, season: int, now: datetime) -> Fetched | Absent:
        """The season's roster: each player with his latest team. `left_out` are rows without any player id.

        Absent before 15 March of the season, and on a 404 while none of its games has kicked off.
        """
        if not roster_due(season, now):
            reason = f"rosters of {season} are published from 15 March {season}"
            return Absent("rosters", season, self.url("rosters", season), reason)
        try:
            return self._fetch("rosters", season)
        except NotPublished as missing:
            first = self._kickoffs(season)
            if any(kickoff <= now for kickoff in first):
                raise self._wrong_address(missing, f"the season {season} has begun, so its roster is due") from None
            reason = f"rosters of {season} are not published yet: no game of the season has kicked off"
            return Absent("rosters", season, missing.url, reason)

    def weekly_rosters(self, season: int, now: datetime) -> Fetched | Absent:
        """Who was on which team in which week, with his status. Absent: the season's roster has to do."""
        url = self.url("weekly_rosters", season)
        instead = "the season's roster is used"
        if season < FIRST_WEEKLY_ROSTER:
            return Absent("weekly_rosters", season, url, f"weekly rosters begin in {FIRST_WEEKLY_ROSTER}: {instead}")
        if not plays_due(season, now):
            reason = f"weekly rosters of {season} are published from {season_opens(season)}: {instead}"
            return Absent("weekly_rosters", season, url, reason)
        try:
            return self._fetch("weekly_rosters", season)
        except NotPublished as missing:
            self._prove_address()
            reason = f"weekly rosters not published for {season}: {instead}"
            return Absent("weekly_rosters", season, missing.url, reason)

    def plays(
        self, season: int, *, schedule: pl.DataFrame, now: datetime, participants: bool = False
    ) -> Fetched | Absent:
        """The season's plays, columns `PLAY_COLUMNS` (and `PARTICIPANT_COLUMNS`).

        `schedule` are the season's games: home_score, away_score and kickoff_at (aware) or nflverse's own gameday and
        gametime. Absent only while none of them has a score and kicked off more than 48 hours ago.
        """
        url = self.url("pbp", season)
        if season < FIRST_SEASON:
            raise PermanentSourceError(f"{url}: plays begin in {FIRST_SEASON}. Choose a later season.", url=url)
        played = played_long_ago(schedule, now)
        if not plays_due(season, now) and not played:
            return Absent("pbp", season, url, f"plays of {season} are published from {season_opens(season)}")
        try:
            fetched = self._fetch("pbp", season)
        except NotPublished as missing:
            if played:
                why = f"{played} games of {season} ended more than 48 hours ago, so its plays are due"
                raise self._wrong_address(missing, why) from None
            self._prove_address()
            reason = f"plays of {season} are not published yet: no game was played more than 48 hours ago"
            return Absent("pbp", season, missing.url, reason)
        if participants:
            return replace(fetched, frame=self.read_plays(fetched.source, participants=True))
        return fetched

    def published_stamp(self, dataset: Dataset, season: int) -> Stamp:
        """Which version of a file upstream has now, by its headers alone.

        Raises:
            NotPublished: the answer was 404.
            SourceError: upstream could not be asked.
        """
        said = self.http.head(f"{self.base_url}{PATHS[dataset].format(season=season)}.parquet")
        return Stamp(said.size, said.modified_at, said.etag)

    # --- read again ---------------------------------------------------------------------------------------------------

    def read_plays(
        self, source: SourceFile, columns: Sequence[str] | None = None, *, participants: bool = False
    ) -> pl.DataFrame:
        """The plays of the very file that was fetched as `source`: `columns`, default all of `PLAY_COLUMNS`.

        Raises:
            SourceError: the kept file is lost or damaged and upstream no longer has this version.
        """
        frame = self._read("pbp", source).frame
        if participants:
            content = self.content(source)
            more = [name for name in PARTICIPANT_COLUMNS if name not in frame.columns]
            extra, _ = _parse(content, more, source.url)
            # validation takes a touchdown that stands twice only once: then the rows do not match one by one
            matching = extra.height == frame.height
            frame = frame.hstack(extra) if matching else _take(source, content, more).frame
        return frame if columns is None else frame.select(columns)

    def read_weekly(self, source: SourceFile) -> pl.DataFrame:
        """The weekly rosters of the very file that was fetched as `source`."""
        return self._read("weekly_rosters", source).frame

    def read_schedules(self, source: SourceFile) -> pl.DataFrame:
        """The schedule of every season, of the very file that was fetched as `source`."""
        return self._read("schedules", source).frame

    def read_rosters(self, source: SourceFile) -> pl.DataFrame:
        """The season's roster of the very file that was fetched as `source`."""
        return self._read("rosters", source).frame

    def content(self, source: SourceFile) -> bytes:
        """The very bytes that were fetched as `source`, fetched again where the kept file is lost or damaged.

        Raises:
            SourceError: upstream could not be read, or has another version by now.
        """
        held = self._bytes.get(source.dataset)
        if held is not None and held[0] == source.sha256:
            return held[1]
        path = self.kept_path(source)
        if path is not None:
            try:
                content = path.read_bytes()
            except OSError:
                content = b""
            if hashlib.sha256(content).hexdigest() == source.sha256:
                return content
            _forget(path)
        try:
            download = self._download(source.dataset, source.season)
        except NotPublished as missing:
            raise self._wrong_address(missing, "it was there before") from None
        if download.sha256 != source.sha256:
            raise TransientSourceError(
                f"{source.url}: the copy kept of this file is lost or damaged, and upstream has another version by "
                f"now (wanted {source.sha256[:12]}, got {download.sha256[:12]}). A retry of the whole run helps: it "
                "takes the new version for every step.",
                url=source.url,
            )
        self._keep(source, download.content)
        return download.content

    def kept_path(self, source: SourceFile) -> Path | None:
        """Where the bytes of `source` are kept; None without a raw_dir."""
        if self.raw_dir is None:
            return None
        return self.raw_dir / f"{_stem(source)}_{source.sha256}.parquet"

    def url(self, dataset: str, season: int) -> str:
        """The address of a file, without credentials."""
        path = PATHS[dataset].format(season=season)
        return bare(f"{self.base_url}{path}.parquet")

    # --- inside -------------------------------------------------------------------------------------------------------

    def _fetch(self, dataset: str, season: int) -> Fetched:
        download = self._download(dataset, season)
        self._proven = True
        source = SourceFile(
            dataset=dataset,
            season=season,
            url=download.url,
            sha256=download.sha256,
            size_bytes=download.size,
            modified_at=download.modified_at,
            fetched_at=download.fetched_at,
        )
        fetched = _take(source, download.content)
        self._keep(source, download.content)
        self._frames[dataset] = (source.sha256, fetched)
        return fetched

    def _read(self, dataset: str, source: SourceFile) -> Fetched:
        if source.dataset != dataset:
            raise ValueError(f"{source.url} is of {source.dataset}, not of {dataset}")
        held = self._frames.get(dataset)
        if held is not None and held[0] == source.sha256:
            return held[1]
        fetched = _take(source, self.content(source))
        self._frames[dataset] = (source.sha256, fetched)
        return fetched

    def _download(self, dataset: str, season: int) -> Download:
        download: Download = self._downloader.download("nflverse-data", PATHS[dataset].format(season=season))
        return download

    @functools.cached_property
    def _downloader(self) -> Any:
        return _downloader_class()(self.base_url, self.http)

    def _kickoffs(self, season: int) -> list[datetime]:
        schedule = self._prove_address()
        games = schedule.filter(pl.col("season") == season)
        return games.select(kickoff_expr().alias("kickoff"))["kickoff"].drop_nulls().to_list()

    def _prove_address(self) -> pl.DataFrame:
        """The schedule, which every nflverse address has; fails where the base is not nflverse's.

        A mistyped base answers 404 for everything: without this it would read as "not published".
        """
        held = self._frames.get("schedules")
        if held is not None:
            return held[1].frame
        return self.schedules().frame

    def _wrong_address(self, missing: NotPublished, why: str) -> PermanentSourceError:
        return PermanentSourceError(
            f"{missing.url}: the server answered 404, but {why}. A retry does not help. Check FIRSTTD_NFLVERSE_URL "
            f"({bare(self.base_url)}); a mirror may lack this file.",
            url=missing.url,
            attempts=missing.attempts,
        )

    def _keep(self, source: SourceFile, content: bytes) -> None:
        """Keep the bytes: whole or not at all, and only the newest versions."""
        path = self.kept_path(source)
        if path is None or self.raw_dir is None:
            self._bytes[source.dataset] = (source.sha256, content)
            return
        part = self.raw_dir / f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
        try:
            self.raw_dir.mkdir(parents=True, exist_ok=True)
            if path.is_file() and path.stat().st_size == len(content):
                os.utime(path)
            else:
                part.write_bytes(content)
                part.replace(path)
        except OSError as error:
            _forget(part)
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            what = "the disk is full" if full else (error.strerror or type(error).__name__).lower()
            todo = "Free some space there" if full else "Check the folder and its permissions"
            raise PermanentSourceError(
                f"{source.url}: arrived, but its {len(content)} bytes could not be kept in {self.raw_dir}: {what}. "
                f"{todo}, then run it again; FIRSTTD_HOME names the place.",
                url=source.url,
            ) from error
        self._prune(source, path)

    def _prune(self, source: SourceFile, kept: Path) -> None:
        assert self.raw_dir is not None
        versions: list[tuple[int, Path]] = []
        for path in self.raw_dir.glob(f"{_stem(source)}_*.parquet"):
            try:
                versions.append((path.stat().st_mtime_ns, path))
            except OSError:  # another run removed it
                continue
        for _, path in sorted(versions, reverse=True)[KEPT_VERSIONS:]:
            if path != kept:
                _forget(path)
        for path in self.raw_dir.glob(".*.part"):  # of runs that were killed
            try:
                stale = time.time() - path.stat().st_mtime > _STALE_PART_S
            except OSError:
                continue
            if stale:
                _forget(path)


def played_long_ago(schedule: pl.DataFrame, now: datetime) -> int:
    """How many games have a score and kicked off more than 48 hours before `now` (aware).

    A game with a score and no known kickoff (1999) counts.
    """
    if now.tzinfo is None:
        raise ValueError(f"naive datetime {now!r}: give an aware one")
    if schedule.is_empty():
        return 0
    kickoff = pl.col("kickoff_at") if "kickoff_at" in schedule.columns else kickoff_expr()
    scored = pl.col("home_score").is_not_null() | pl.col("away_score").is_not_null()
    due = (kickoff < now - PUBLISHED_WITHIN).fill_null(True)
    return int(schedule.select((scored & due).sum()).item())


def check_parquet(download: Download) -> None:
    """Raise `BadBody` unless the body is a whole parquet file with a readable footer."""
    content = download.content
    if content.startswith(_MAGIC) and content.endswith(_MAGIC) and len(content) >= 12:
        try:
            pl.read_parquet_schema(content)
        except pl.exceptions.PolarsError as error:
            what = f"{len(content)} bytes arrived whose parquet footer cannot be read ({_first_line(error)})"
            raise BadBody(what, retry_helps=True) from None
        return
    if not content:
        raise BadBody("the server answered 200 with an empty body", retry_helps=True)
    if content.startswith(_MAGIC):
        raise BadBody(f"{len(content)} bytes arrived that begin a parquet file and do not end it", retry_helps=True)
    raise BadBody(f"{len(content)} bytes arrived that are no parquet file but {looks_like(content)}", retry_helps=False)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _parse(content: bytes, columns: Sequence[str], url: str) -> tuple[pl.DataFrame, list[str]]:
    """Those of `columns` that the file has, and the names of all it has."""
    try:
        available = list(pl.read_parquet_schema(content))
        present = set(available)
        return pl.read_parquet(content, columns=[name for name in columns if name in present]), available
    except BaseException as error:
        # polars reports some damage by a panic, which is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise TransientSourceError(
            f"{url}: {len(content)} bytes arrived that are a parquet file, damaged inside ({_first_line(error)}). "
            "A retry may help; if it fails again, the file upstream is broken.",
            url=url,
        ) from None


def _take(source: SourceFile, content: bytes, more: Sequence[str] = ()) -> Fetched:
    """Parse and validate a file: its contract's columns, and `more` where it has them."""
    contract, validate = _CONTRACTS[source.dataset]
    frame, available = _parse(content, [*contract.names, *more], source.url)
    if source.dataset == "schedules":
        taken = validate(frame, source.url, available=available)
    else:
        taken = validate(frame, source.url, source.season, available=available)
    if isinstance(taken, tuple):
        return Fetched(taken[0], source, taken[1])
    return Fetched(taken, source, taken.clear())


_CONTRACTS: dict[str, tuple[contracts.Contract, Callable[..., Any]]] = {
    "schedules": (contracts.SCHEDULES, contracts.validate_schedules),
    "rosters": (contracts.ROSTERS, contracts.validate_rosters),
    "weekly_rosters": (contracts.WEEKLY_ROSTERS, contracts.validate_weekly_rosters),
    "pbp": (contracts.PLAYS, contracts.validate_plays),
}


def _stem(source: SourceFile) -> str:
    return source.dataset if source.dataset == "schedules" else f"{source.dataset}_{source.season}"


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:  # kept a little longer; the next fetch tries again
        return


@functools.cache
def _downloader_class() -> type:
    """nflreadpy's downloader under our HTTP policy. Made on first use: importing nflreadpy opens its own settings."""
    from nflreadpy.downloader import NflverseDownloader

    class PolicyDownloader(NflverseDownloader):  # type: ignore[misc]
        """Builds addresses as nflreadpy does and hands out the bytes: no cache, no parsing of all 372 columns."""

        def __init__(self, base_url: str, http: HttpClient) -> None:
            # not super().__init__(): it takes the 24-hour cache and a session without a policy
            self.BASE_URLS = {**NflverseDownloader.BASE_URLS, "nflverse-data": base_url}
            self.http = http

        def _download_file(self, url: str, **kwargs: Any) -> Download:
            return self.http.get(url, accept="application/octet-stream, */*", check=check_parquet)

    return PolicyDownloader
