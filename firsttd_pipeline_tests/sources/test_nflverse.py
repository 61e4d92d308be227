"""Claims about the nflverse client: what is read, what counts as absent, what fails, and what is kept."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from firsttd_pipeline.sources.contracts import ContractError
from firsttd_pipeline.sources.http import (
    HttpClient,
    HttpPolicy,
    NotPublished,
    PermanentSourceError,
    SourceError,
    TransientSourceError,
)
from firsttd_pipeline.sources.nflverse import (
    PARTICIPANT_COLUMNS,
    PATHS,
    PLAY_COLUMNS,
    Absent,
    Fetched,
    NflverseClient,
    Stamp,
    played_long_ago,
)
from firsttd_pipeline_tests import mirrors
from firsttd_pipeline_tests.mirrors import TINY_GAMES, TINY_SEASON, file_of, link_mirror, tiny_mirror
from firsttd_pipeline_tests.servers import EVERY_PATH, Server
from firsttd_pipeline_tests.shared_data import DENSE, MIRROR, WEEK_TWO, needs_shared

NOW = datetime(2025, 9, 10, 6, 0, tzinfo=UTC)  # after week 1 of the tiny season
SCHEDULES = "schedules/games.parquet"
ROSTER = "rosters/roster_2025.parquet"
WEEKLY = "weekly_rosters/roster_weekly_2025.parquet"
PLAYS = "pbp/play_by_play_2025.parquet"
QUICK = HttpPolicy(connect_timeout=1, read_timeout=2, download_timeout=20, retries=1, backoff=0.01)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return tiny_mirror(tmp_path / "mirror")


@pytest.fixture
def server(serve: Callable[[Path], Server], mirror: Path) -> Server:
    return serve(mirror)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "home" / "raw"


def client_of(url: str, raw: Path | None = None) -> NflverseClient:
    return NflverseClient(url, HttpClient(QUICK), raw)


@pytest.fixture
def client(server: Server, raw: Path) -> NflverseClient:
    return client_of(server.url, raw)


def games_of(client: NflverseClient, season: int = TINY_SEASON) -> pl.DataFrame:
    return client.schedules().frame.filter(pl.col("season") == season)


def fetched(outcome: Fetched | Absent) -> Fetched:
    assert isinstance(outcome, Fetched), outcome
    return outcome


def absent(outcome: Fetched | Absent) -> Absent:
    assert isinstance(outcome, Absent), outcome
    return outcome


# --- names, addresses and season rules are nflreadpy's ----------------------------------------------------------------


def test_the_paths_are_those_that_nflreadpy_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import nflreadpy
    import nflreadpy.downloader

    asked: list[str] = []

    class Listener(nflreadpy.downloader.NflverseDownloader):  # type: ignore[misc]
        def download(self, repository: str, path: str, *args: object, **kwargs: object) -> pl.DataFrame:
            asked.append(f"{repository}/{path}")
            return pl.DataFrame({"season": [2024]})

    monkeypatch.setattr(nflreadpy.downloader, "_downloader", Listener())
    nflreadpy.load_schedules()
    nflreadpy.load_rosters(2024)
    nflreadpy.load_rosters_weekly(2024)
    nflreadpy.load_pbp(2024)
    ours = [PATHS[name].format(season=2024) for name in ("schedules", "rosters", "weekly_rosters", "pbp")]
    assert asked == [f"nflverse-data/{path}" for path in ours]


def test_a_base_without_its_slash_keeps_its_last_segment(serve: Callable[[Path], Server], tmp_path: Path) -> None:
    tiny_mirror(tmp_path / "releases" / "download")
    server = serve(tmp_path)
    got = client_of(server.url + "releases/download").schedules()
    assert server.paths == ["releases/download/schedules/games.parquet"]
    assert got.source.url == server.url + "releases/download/schedules/games.parquet"


def test_nflreadpys_own_base_and_cache_are_left_alone(client: NflverseClient, server: Server) -> None:
    from nflreadpy.downloader import NflverseDownloader

    client.schedules()
    client.schedules()
    assert server.paths == [SCHEDULES, SCHEDULES], "no memory cache answers the second time"
    assert NflverseDownloader.BASE_URLS["nflverse-data"].startswith("https://github.com/nflverse/")


# --- what comes -------------------------------------------------------------------------------------------------------


def test_a_season_comes_with_its_sources(client: NflverseClient, server: Server, mirror: Path) -> None:
    server.last_modified = "Thu, 11 Sep 2025 09:14:02 GMT"
    games = client.schedules()
    roster = fetched(client.rosters(2025, NOW))
    weekly = fetched(client.weekly_rosters(2025, NOW))
    plays = fetched(client.plays(2025, schedule=games.frame, now=NOW))
    assert games.frame["game_id"].to_list() == list(TINY_GAMES)
    assert (roster.frame.height, weekly.frame.height, plays.frame.height) == (8, 8, 8)
    assert plays.frame.filter(pl.col("touchdown") == 1)["td_player_name"].to_list() == [
        "S.Carrier",
        "C.Catcher",
        "J.Runner",
        "T.Corner",
    ]
    content = (mirror / PLAYS).read_bytes()
    source = plays.source
    assert (source.dataset, source.season, source.url) == ("pbp", 2025, server.url + PLAYS)
    assert (source.sha256, source.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert source.modified_at == datetime(2025, 9, 11, 9, 14, 2, tzinfo=UTC)
    assert games.source.for_season(2025) == replace(games.source, season=2025)


def test_only_needed_columns_are_read(client: NflverseClient) -> None:
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    assert plays.frame.columns == list(PLAY_COLUMNS)
    everyone = fetched(client.plays(2025, schedule=games_of(client), now=NOW, participants=True))
    assert set(everyone.frame.columns) == {*PLAY_COLUMNS, *PARTICIPANT_COLUMNS}
    assert everyone.frame.select(PLAY_COLUMNS).equals(plays.frame)


def test_participants_stay_with_their_play_where_a_touchdown_stands_twice(client: NflverseClient, mirror: Path) -> None:
    mirrors.change_plays(mirror, 2025, lambda f: pl.concat([f.filter(pl.col("touchdown") == 1).head(1), f]))
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW, participants=True)).frame
    assert plays.height == 8
    assert plays.filter(pl.col("interception") == 1)["passer_player_id"].to_list() == ["00-0000008"]


def test_rows_without_any_player_id_come_apart(client: NflverseClient, mirror: Path) -> None:
    nobody = mirrors.set_where(pl.col("gsis_id") == "00-0000003", gsis_id=None, esb_id=None)
    mirrors.change_roster(mirror, 2025, nobody)
    roster = fetched(client.rosters(2025, NOW))
    assert roster.left_out["full_name"].to_list() == ["Dak Thrower"]
    assert roster.frame.height == 7


# --- what is absent, and what is not ----------------------------------------------------------------------------------


def test_plays_are_absent_while_no_scored_game_is_older_than_48_hours(server: Server, client: NflverseClient) -> None:
    server.status(PLAYS, 404)
    games = games_of(client).filter(pl.col("game_id") == TINY_GAMES[0])  # kicked off on 5 September, 00:20 UTC
    soon = datetime(2025, 9, 7, 0, 20, tzinfo=UTC)
    missing = absent(client.plays(2025, schedule=games, now=soon))
    assert (missing.dataset, missing.season, missing.url) == ("pbp", 2025, server.url + PLAYS)
    assert "not published yet" in missing.reason
    with pytest.raises(PermanentSourceError, match=r"pbp/play_by_play_2025\.parquet.*404.*1 games? of 2025.*due"):
        client.plays(2025, schedule=games, now=soon + timedelta(seconds=1))


def test_plays_are_absent_however_long_ago_where_no_game_has_a_score(server: Server, client: NflverseClient) -> None:
    server.status(PLAYS, 404)
    unscored = games_of(client).filter(pl.col("game_id") == TINY_GAMES[2])
    assert "not published" in absent(client.plays(2025, schedule=unscored, now=NOW + timedelta(days=300))).reason


def test_plays_before_the_season_are_not_even_asked_for(server: Server, client: NflverseClient) -> None:
    unscored = games_of(client).filter(pl.col("home_score").is_null())
    before = datetime(2025, 9, 4, 3, 59, tzinfo=UTC)  # still Wednesday in New York
    assert "from 2025-09-04" in absent(client.plays(2025, schedule=unscored, now=before)).reason
    assert PLAYS not in server.paths
    assert isinstance(client.plays(2025, schedule=unscored, now=before + timedelta(minutes=1)), Fetched)


def test_plays_take_the_database_games_with_their_kickoffs() -> None:
    kickoffs = [NOW - timedelta(hours=49), NOW - timedelta(hours=47), NOW - timedelta(hours=49), None]
    games = pl.DataFrame(
        {"kickoff_at": kickoffs, "home_score": [7, 7, None, 3], "away_score": [0, 0, None, 0]},
        schema_overrides={"kickoff_at": pl.Datetime("us", "UTC")},
    )
    assert played_long_ago(games, NOW) == 2, "a score without a known kickoff is a played game"
    assert played_long_ago(games.clear(), NOW) == 0
    with pytest.raises(ValueError, match="naive"):
        played_long_ago(games, NOW.replace(tzinfo=None))


def test_rosters_are_absent_only_while_no_game_of_the_season_has_kicked_off(
    server: Server, client: NflverseClient
) -> None:
    server.status(ROSTER, 404)
    kickoff = datetime(2025, 9, 5, 0, 20, tzinfo=UTC)
    assert "not published yet" in absent(client.rosters(2025, kickoff - timedelta(minutes=1))).reason
    with pytest.raises(PermanentSourceError, match=r"roster_2025\.parquet.*404.*the season 2025 has begun"):
        client.rosters(2025, kickoff)


def test_rosters_before_15_march_are_not_even_asked_for(server: Server, client: NflverseClient) -> None:
    early = datetime(2025, 3, 15, 3, 0, tzinfo=UTC)  # 14 March in New York
    assert "15 March 2025" in absent(client.rosters(2025, early)).reason
    assert server.paths == []
    assert isinstance(client.rosters(2025, early + timedelta(hours=2)), Fetched)


def test_a_missing_weekly_roster_falls_back_to_the_seasons(server: Server, client: NflverseClient) -> None:
    server.status(WEEKLY, 404)
    reason = absent(client.weekly_rosters(2025, NOW)).reason
    assert reason == "weekly rosters not published for 2025: the season's roster is used"
    assert "begin in 2002" in absent(client.weekly_rosters(2001, NOW)).reason
    assert "2026-09-10" in absent(client.weekly_rosters(2026, NOW)).reason


def test_a_missing_schedule_is_always_a_failure(server: Server, client: NflverseClient) -> None:
    server.status(SCHEDULES, 404)
    with pytest.raises(PermanentSourceError, match=r"schedules/games\.parquet: the server answered 404"):
        client.schedules()


@pytest.mark.parametrize("when", [datetime(2025, 7, 1, tzinfo=UTC), NOW])
def test_a_mistyped_address_never_reads_as_not_published(server: Server, raw: Path, when: datetime) -> None:
    schedule = games_of(client_of(server.url)).with_columns(pl.lit(None).cast(pl.Int64).alias("home_score"))
    schedule = schedule.with_columns(pl.lit(None).cast(pl.Int64).alias("away_score"))
    mistyped = server.url + "nflvers-data/"
    calls: list[Callable[[NflverseClient], object]] = [
        lambda c: c.schedules(),
        lambda c: c.rosters(2025, when),
        lambda c: c.weekly_rosters(2025, NOW),
        lambda c: c.plays(2025, schedule=schedule, now=NOW),
    ]
    for call in calls:
        with pytest.raises(PermanentSourceError, match=rf"{mistyped}.*FIRSTTD_NFLVERSE_URL"):
            call(client_of(mistyped, raw))
    assert not raw.exists()


@pytest.mark.parametrize("status", [400, 401, 403, 410, 500, 503, 429])
def test_no_other_status_reads_as_absent(server: Server, client: NflverseClient, status: int) -> None:
    schedule = games_of(client).filter(pl.col("home_score").is_null())
    server.status(EVERY_PATH, status)
    before_kickoff = datetime(2025, 9, 4, 12, tzinfo=UTC)
    calls: list[Callable[[], object]] = [
        lambda: client.rosters(2025, before_kickoff),
        lambda: client.weekly_rosters(2025, before_kickoff),
        lambda: client.plays(2025, schedule=schedule, now=before_kickoff),
    ]
    for call in calls:
        with pytest.raises(SourceError, match=f"answered {status}") as raised:
            call()
        assert raised.value.retry_helps == (status in (429, 500, 503))


def test_plays_before_1999_are_refused(client: NflverseClient) -> None:
    with pytest.raises(PermanentSourceError, match="plays begin in 1999"):
        client.plays(1998, schedule=pl.DataFrame(), now=NOW)


# --- damaged and strange bodies ---------------------------------------------------------------------------------------


def test_a_web_page_sent_as_success_is_permanent_and_told(server: Server, client: NflverseClient, raw: Path) -> None:
    server.fault(ROSTER, "html")
    with pytest.raises(PermanentSourceError, match=r"roster_2025\.parquet: \d+ bytes .*look like a web page"):
        client.rosters(2025, NOW)
    assert server.paths.count(ROSTER) == 1
    assert not raw.exists()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"message": "rate limited"}', "JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "Git LFS pointer"),
        (b"\x1f\x8b\x08\x00aaaa", "gzip"),
        (b"PK\x03\x04aaaa", "zip"),
        (b"game_id,season\n", "begin with b'game_id,season"),
    ],
)
def test_other_bodies_are_told_by_their_look(server: Server, client: NflverseClient, body: bytes, told: str) -> None:
    server.fault(SCHEDULES, "bytes", body=body)
    with pytest.raises(PermanentSourceError, match=f"{len(body)} bytes arrived that are no parquet file.*{told}"):
        client.schedules()


@pytest.mark.parametrize("damage", ["half", "empty", "footer"])
def test_a_broken_parquet_file_is_fetched_again_and_then_told(
    server: Server, client: NflverseClient, mirror: Path, raw: Path, damage: str
) -> None:
    whole = (mirror / PLAYS).read_bytes()
    body = {"half": whole[: len(whole) // 2], "empty": b"", "footer": whole[:-200] + b"\xff" * 192 + whole[-8:]}[damage]
    games = games_of(client)
    server.fault(PLAYS, "bytes", body=body, times=1)
    assert isinstance(client.plays(2025, schedule=games, now=NOW), Fetched)
    server.fault(PLAYS, "bytes", body=body)
    with pytest.raises(TransientSourceError, match=r"play_by_play_2025\.parquet: .*\(tried 2 times\)"):
        client.plays(2025, schedule=games, now=NOW)
    assert len(list(raw.glob("pbp_*"))) == 1, "the damaged one is not kept"


def test_a_file_damaged_inside_is_an_error_that_names_it(
    serve: Callable[[Path], Server], client: NflverseClient, server: Server, mirror: Path
) -> None:
    whole = bytearray((mirror / ROSTER).read_bytes())
    whole[4:400] = b"\xff" * 396
    server.fault(ROSTER, "bytes", body=bytes(whole))
    with pytest.raises(TransientSourceError, match=r"roster_2025\.parquet: \d+ bytes .*damaged inside"):
        client.rosters(2025, NOW)


def test_a_connection_cut_in_the_middle_is_fetched_again_whole(server: Server, client: NflverseClient) -> None:
    server.fault(PLAYS, "reset", times=1)
    assert fetched(client.plays(2025, schedule=games_of(client), now=NOW)).frame.height == 8


def test_a_file_that_breaks_its_contract_is_refused_and_not_kept(
    client: NflverseClient, mirror: Path, server: Server, raw: Path
) -> None:
    mirrors.change_roster(mirror, 2025, lambda f: f.rename({"gsis_id": "gsis_ident"}))
    with pytest.raises(ContractError, match=r"gsis_id: the column is missing \(the file has gsis_ident\)") as raised:
        client.rosters(2025, NOW)
    assert raised.value.url == server.url + ROSTER
    assert not raw.exists()


def test_a_file_of_another_season_is_refused(client: NflverseClient, mirror: Path) -> None:
    file_of(mirror, "rosters", 2025).rename(file_of(mirror, "rosters", 2024))
    with pytest.raises(ContractError, match="not the season 2024"):
        client.rosters(2024, NOW)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_another_client_reads_the_very_same_file_without_the_network(
    client: NflverseClient, server: Server, raw: Path
) -> None:
    games = client.schedules()
    plays = fetched(client.plays(2025, schedule=games.frame, now=NOW))
    weekly = fetched(client.weekly_rosters(2025, NOW))
    asked = len(server.requests)
    later = client_of(server.url, raw)
    assert later.read_plays(plays.source).equals(plays.frame)
    assert later.read_plays(plays.source, ["game_id", "play_id"]).columns == ["game_id", "play_id"]
    assert set(PARTICIPANT_COLUMNS) <= set(later.read_plays(plays.source, participants=True).columns)
    assert later.read_weekly(weekly.source).equals(weekly.frame)
    assert later.read_schedules(games.source.for_season(2025)).equals(games.frame)
    assert len(server.requests) == asked


def test_a_later_step_reads_what_was_fetched_although_upstream_moved_on(
    client: NflverseClient, server: Server, mirror: Path, raw: Path
) -> None:
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    mirrors.withdraw_touchdown(mirror, 2025, TINY_GAMES[0], 100.0)
    assert client_of(server.url, raw).read_plays(plays.source).equals(plays.frame)


@pytest.mark.parametrize("damage", ["lost", "flipped", "short"])
def test_a_lost_or_damaged_kept_file_is_fetched_again(
    client: NflverseClient, server: Server, raw: Path, damage: str
) -> None:
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    path = client.kept_path(plays.source)
    assert path is not None
    whole = path.read_bytes()
    _damage(path, damage)
    later = client_of(server.url, raw)
    assert later.read_plays(plays.source).equals(plays.frame)
    assert server.paths.count(PLAYS) == 2
    assert hashlib.sha256(later.content(plays.source)).hexdigest() == plays.source.sha256
    assert path.read_bytes() == whole, "and mended"


def _damage(path: Path, damage: str) -> None:
    whole = path.read_bytes()
    if damage == "lost":
        path.unlink()
    elif damage == "short":
        path.write_bytes(whole[:-1])
    else:
        path.write_bytes(whole[:50] + bytes([whole[50] ^ 1]) + whole[51:])


def test_a_lost_file_whose_version_is_gone_upstream_is_an_error_that_says_so(
    client: NflverseClient, server: Server, mirror: Path, raw: Path
) -> None:
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    path = client.kept_path(plays.source)
    assert path is not None
    path.unlink()
    mirrors.withdraw_touchdown(mirror, 2025, TINY_GAMES[0], 100.0)
    with pytest.raises(TransientSourceError, match=r"lost or damaged, and upstream has another version"):
        client_of(server.url, raw).read_plays(plays.source)
    server.status(PLAYS, 404)
    with pytest.raises(PermanentSourceError, match=r"404, but it was there before"):
        client_of(server.url, raw).read_plays(plays.source)


def test_without_a_folder_the_bytes_stay_in_memory(server: Server) -> None:
    client = client_of(server.url)
    plays = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    server.status(PLAYS, 500)
    assert client.content(plays.source)[:4] == b"PAR1"
    assert client.kept_path(plays.source) is None


def test_the_newest_two_versions_of_each_file_are_kept(client: NflverseClient, mirror: Path, raw: Path) -> None:
    games = games_of(client)
    client.rosters(2025, NOW)
    shas = []
    for yards in (11.0, 12.0, 13.0):
        mirrors.change_plays(mirror, 2025, mirrors.set_where(pl.lit(True), yardline_100=yards))
        shas.append(fetched(client.plays(2025, schedule=games, now=NOW)).source.sha256)
        time.sleep(0.02)
    assert {path.name for path in raw.glob("pbp_*")} == {f"pbp_2025_{sha}.parquet" for sha in shas[1:]}
    assert len(list(raw.glob("rosters_2025_*"))) == 1
    assert len(list(raw.glob("schedules_*"))) == 1


def test_an_unchanged_file_is_kept_once_and_counts_as_newest(client: NflverseClient, raw: Path) -> None:
    client.rosters(2025, NOW)
    (path,) = raw.glob("rosters_*")
    os.utime(path, (1, 1))
    client.rosters(2025, NOW)
    assert list(raw.glob("rosters_*")) == [path]
    assert path.stat().st_mtime > 1


def test_what_a_killed_run_left_half_written_is_cleared_away(client: NflverseClient, raw: Path) -> None:
    raw.mkdir(parents=True)
    stale, fresh = raw / ".pbp_2025_x.parquet.1.ab.part", raw / ".pbp_2025_y.parquet.2.cd.part"
    for part in (stale, fresh):
        part.write_bytes(b"half")
    os.utime(stale, (1, 1))
    client.rosters(2025, NOW)
    assert [part.exists() for part in (stale, fresh)] == [False, True]


def test_a_full_disk_is_told_as_such_and_leaves_nothing_half_written(
    client: NflverseClient, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        real(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PermanentSourceError, match=r"roster_2025\.parquet: arrived.*the disk is full.*Free some space"):
        client.rosters(2025, NOW)
    assert list(raw.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told_with_its_place(server: Server, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(PermanentSourceError, match=r"could not be kept in .*home/raw.*FIRSTTD_HOME"):
        client_of(server.url, tmp_path / "home" / "raw").rosters(2025, NOW)


def test_a_mirror_swapped_behind_the_same_address_and_times_is_noticed(
    client: NflverseClient, server: Server, mirror: Path, tmp_path: Path
) -> None:
    before = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    other = link_mirror(mirror, tmp_path / "other")
    mirrors.correct_scorer(other, 2025, TINY_GAMES[0], 100.0, "00-0000001", "J.Runner")
    mirrors.same_age(other, mirror)
    server.swap(other)
    after = fetched(client.plays(2025, schedule=games_of(client), now=NOW))
    assert after.source.modified_at == before.source.modified_at
    assert after.source.sha256 != before.source.sha256
    first = pl.col("touchdown") == 1
    assert before.frame.filter(first)["td_player_name"][0] == "S.Carrier"
    assert after.frame.filter(first)["td_player_name"][0] == "J.Runner"


def test_a_password_in_the_base_address_reaches_no_source_and_no_error(server: Server, raw: Path) -> None:
    client = client_of(server.url.replace("http://", "http://league:s3cret@"), raw)
    assert client.schedules().source.url == server.url + SCHEDULES
    server.status(EVERY_PATH, 404)
    with pytest.raises(PermanentSourceError) as raised:
        client.rosters(2025, NOW)
    assert "s3cret" not in str(raised.value)


# --- the mirrors' own helpers -----------------------------------------------------------------------------------------


def test_a_changed_copy_differs_exactly_in_what_was_changed(mirror: Path, tmp_path: Path) -> None:
    copy = link_mirror(mirror, tmp_path / "copy")
    mirrors.add_touchdown(
        copy, 2025, TINY_GAMES[0], order_sequence=1.5, play_id=75.0, td_team="DAL", td_player_id="00-0000004"
    )
    mirrors.trade_player(copy, 2025, "00-0000001", "KC")
    mirrors.change_score(copy, TINY_GAMES[1], home=3, away=7)
    mirrors.rename_game(copy, TINY_GAMES[2], "2025_03_PHI_KC", gameday="2025-09-21")
    read = lambda folder, name: pl.read_parquet(file_of(folder, name, 2025))  # noqa: E731
    added = read(copy, "pbp").join(read(mirror, "pbp"), on=["game_id", "play_id"], how="anti")
    assert added.select("game_id", "td_team", "td_player_id", "week").rows() == [
        (TINY_GAMES[0], "DAL", "00-0000004", 1)
    ]
    assert read(copy, "rosters").filter(pl.col("gsis_id") == "00-0000001")["team"].to_list() == ["KC"]
    assert read(mirror, "rosters").filter(pl.col("gsis_id") == "00-0000001")["team"].to_list() == ["PHI"]
    schedule = read(copy, "schedules")
    assert schedule["game_id"].to_list() == [*TINY_GAMES[:2], "2025_03_PHI_KC"]
    assert schedule["week"].to_list() == [1, 1, 3]
    assert schedule["home_score"].to_list() == [14, 3, None]
    with pytest.raises(AssertionError, match="nothing to change"):
        mirrors.trade_player(copy, 2025, "00-9999999", "KC")


# --- the real season --------------------------------------------------------------------------------------------------


@needs_shared
def test_the_real_mirror_reads_whole(serve: Callable[[Path], Server]) -> None:
    client = client_of(serve(MIRROR).url)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    games = client.schedules().frame
    assert games.height == 7548
    for season, rows, plays in ((2021, 2960, 49922), (2022, 3133, 49434), (2024, 3215, 49492), (2025, 3134, 48771)):
        assert fetched(client.rosters(season, now)).frame.height == rows
        of_season = games.filter(pl.col("season") == season)
        assert fetched(client.plays(season, schedule=of_season, now=now)).frame.height == plays
    assert isinstance(client.weekly_rosters(2021, now), Absent)
    weekly = fetched(client.weekly_rosters(2025, now))
    assert weekly.frame.height + weekly.left_out.height == 46849


@needs_shared
def test_a_played_season_that_the_mirror_lacks_is_a_failure_and_one_to_come_is_not(
    serve: Callable[[Path], Server],
) -> None:
    client = client_of(serve(MIRROR).url)
    games = client.schedules().frame
    now = datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(PermanentSourceError, match=r"roster_2023\.parquet.*404"):
        client.rosters(2023, now)
    with pytest.raises(PermanentSourceError, match=r"play_by_play_2023\.parquet.*404"):
        client.plays(2023, schedule=games.filter(pl.col("season") == 2023), now=now)
    assert isinstance(client.plays(2026, schedule=games.filter(pl.col("season") == 2026), now=now), Absent)
    assert fetched(client.rosters(2026, now)).frame.height == 2930


@needs_shared
def test_the_week_two_snapshot_reads_as_it_stood(serve: Callable[[Path], Server]) -> None:
    client = client_of(serve(WEEK_TWO).url)
    games = client.schedules().frame
    plays = fetched(client.plays(2025, schedule=games, now=datetime(2025, 9, 20, tzinfo=UTC))).frame
    assert (games.height, plays.height) == (272, 5527)
    assert plays.filter(pl.col("touchdown") == 1).height == 158


@needs_shared
def test_a_season_of_full_weight_needs_less_than_300_mb(serve: Callable[[Path], Server], tmp_path: Path) -> None:
    mirror = link_mirror(MIRROR, tmp_path / "mirror")
    link_mirror(DENSE, mirror)
    code = (
        "import json, sys; from datetime import UTC, datetime; from pathlib import Path; import polars as pl;"
        "from firsttd_pipeline.sources.nflverse import NflverseClient;"
        "c = NflverseClient(sys.argv[1], raw_dir=Path(sys.argv[2])); now = datetime(2026, 3, 1, tzinfo=UTC);"
        "g = c.schedules().frame; c.rosters(2025, now); c.weekly_rosters(2025, now);"
        "p = c.plays(2025, schedule=g.filter(pl.col('season') == 2025), now=now, participants=True);"
        # VmHWM: ru_maxrss of a child starts at its parent's
        "peak = int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]) / 1024;"
        "print(json.dumps({'rows': p.frame.height, 'peak_mb': peak, 'pandas': 'pandas' in sys.modules}))"
    )
    url = serve(mirror).url
    out = subprocess.run(
        [sys.executable, "-c", code, url, str(tmp_path / "raw")], capture_output=True, text=True, check=True
    )
    told = json.loads(out.stdout)
    assert told["rows"] == 49214
    assert told["peak_mb"] < 300
    assert not told["pandas"]


# --- which version is published ---------------------------------------------------------------------------------------


def test_the_stamp_tells_the_version_that_was_taken_from_the_next_one(
    server: Server, client: NflverseClient, mirror: Path
) -> None:
    server.last_modified = "Thu, 18 Sep 2025 09:14:02 GMT"
    taken = fetched(client.plays(TINY_SEASON, schedule=games_of(client), now=NOW)).source
    first = client.published_stamp("pbp", TINY_SEASON)
    assert first.is_of(taken)
    assert server.requests[-1].method == "HEAD"
    server.last_modified = "Fri, 19 Sep 2025 09:14:02 GMT"
    second = client.published_stamp("pbp", TINY_SEASON)
    assert not second.is_of(taken)
    assert second.key != first.key
    mirrors.change_plays(mirror, TINY_SEASON, lambda plays: plays.head(3))
    server.last_modified = "Thu, 18 Sep 2025 09:14:02 GMT"
    assert not client.published_stamp("pbp", TINY_SEASON).is_of(taken), "as old, and of another size"


def test_a_stamp_without_size_and_time_is_of_no_file(client: NflverseClient) -> None:
    taken = fetched(client.plays(TINY_SEASON, schedule=games_of(client), now=NOW)).source
    assert not Stamp(None, None, '"etag"').is_of(taken)
    assert not Stamp(taken.size_bytes, taken.modified_at, None).is_of(None)
    assert Stamp(taken.size_bytes, None, None).is_of(taken)


def test_a_file_that_is_not_published_has_no_stamp(client: NflverseClient) -> None:
    with pytest.raises(NotPublished):
        client.published_stamp("pbp", 2019)
