"""Claims about what the UI shows of a run: counts, source, preview and notes, with typed names never interpreted."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime
from types import ModuleType

import dagster as dg
import polars as pl
import pytest

from firsttd_pipeline.assets.base import _check_result, failure, markdown_text, preview_table, report_metadata
from firsttd_pipeline.checks import Check
from firsttd_pipeline.domain.quality import Violation
from firsttd_pipeline.refresh import member_market_stats, pick_market_odds
from firsttd_pipeline.refresh.base import RefreshError, Report
from firsttd_pipeline.reports.plots import Plot
from firsttd_pipeline.sources.http import PermanentSourceError, SourceError, TransientSourceError
from firsttd_pipeline.sources.nflverse import SourceFile
from firsttd_pipeline.storage import schema
from firsttd_pipeline.storage.engine import Database, DatabaseFull, DatabaseLocked, StorageError
from firsttd_pipeline.storage.season import Season
from firsttd_pipeline.storage.sync import Counts
from firsttd_pipeline_tests.tables import ROOM, drawn_width

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://example.org/track.png)",
    "**bold** _it_ `code` ~~gone~~",
    "| a | b |",
    "# heading",
    "&lt;b&gt; &#60;b&#62;",
    "line\n\n* one\n* two",
    "<!-- hidden",
    "https://example.org/",
]
SOURCE = SourceFile(
    dataset="rosters",
    season=2025,
    url="https://example.org/rosters/roster_2025.parquet",
    sha256="ab" * 32,
    size_bytes=1234,
    modified_at=datetime(2025, 9, 2, 7, tzinfo=UTC),
    fetched_at=datetime(2025, 9, 3, 6, tzinfo=UTC),
)


def report(**given: object) -> Report:
    return Report("rosters", 2025, Counts(inserted=3, updated=2, unchanged=10, retired=1), **given)  # type: ignore[arg-type]


def shown(made: Report, total: int = 99) -> dict[str, object]:
    """The metadata as Dagster takes them: by plain value."""
    metadata = dg.MaterializeResult(metadata=report_metadata(made, schema.rosters, total)).metadata
    normal = dg.AssetMaterialization("x", metadata=metadata).metadata
    return {name: value.value for name, value in normal.items()}


def test_counts_say_what_happened_and_how_many_rows_there_are() -> None:
    found = shown(report(facts={"players": 15}))
    wanted = {"inserted": 3, "updated": 2, "unchanged": 10, "retired": 1, "players": 15}
    assert {name: found[name] for name in wanted} == wanted
    assert found["dagster/row_count"] == 99
    assert found["dagster/partition_row_count"] == 15


def test_the_source_is_named_with_its_hash_and_its_time() -> None:
    found = shown(report(source=SOURCE))
    assert found["dagster/uri"] == found["source"] == SOURCE.url
    assert found["source sha256"] == SOURCE.sha256
    assert found["source size"] == 1234
    assert found["upstream time"] == datetime(2025, 9, 2, 7, tzinfo=UTC).timestamp()
    assert found["fetched at"] == datetime(2025, 9, 3, 6, tzinfo=UTC).timestamp()


def test_what_is_not_known_is_not_shown() -> None:
    found = shown(report())
    assert not {"source", "upstream time", "absent", "notes", "preview", "plot"} & set(found)


def test_an_absence_gives_its_reason() -> None:
    assert shown(report(absence="rosters of 2027 are published from 15 March 2027"))["absent"] == (
        "rosters of 2027 are published from 15 March 2027"
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_typed_name_in_a_note_is_neither_markdown_nor_html(name: str) -> None:
    notes = str(shown(report(notes=[f"pick 7 ({name}) is not understood"]))["notes"])
    assert notes.startswith("* pick 7 ")
    body = notes[2:]
    assert not set(re.sub(r"&#\d+;", "", body)) & set("<>[]()*_`|~!\\#&\n")
    # a browser shows exactly what was typed, blanks aside
    assert html.unescape(body) == " ".join(f"pick 7 ({name}) is not understood".split())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_typed_name_in_a_preview_is_a_plain_text_cell(name: str) -> None:
    table = preview_table(pl.DataFrame({"member": [name, None], "points": [4.0, None], "won": [True, False]}))
    records = [record.data for record in table.records]
    assert records == [
        {"member": name, "points": 4.0, "won": True},
        {"member": "", "points": "", "won": False},
    ]
    assert [(c.name, c.type) for c in table.schema.columns] == [
        ("member", "string"),
        ("points", "float"),
        ("won", "bool"),
    ]


def test_a_preview_takes_times_and_numbers_that_json_cannot_hold() -> None:
    frame = pl.DataFrame(
        {"kickoff_at": [datetime(2025, 9, 5, 0, 20, tzinfo=UTC)], "day": [datetime(2025, 9, 4).date()], "n": [7]},  # noqa: DTZ001
    )
    (record,) = preview_table(frame).records
    assert record.data == {"kickoff at": "2025-09-05 00:20 UTC", "day": "2025-09-04", "n": 7}


def test_a_plot_is_a_picture_in_the_metadata() -> None:
    picture = Plot("Points", [1, 2], {"<b>Avery</b> $x_1$": [1.0, 3.0], "Blake": [None, 2.0]}, y_label="points")
    text = str(shown(report(plot=lambda: picture))["plot"])
    assert "data:image/png;base64," in text
    assert "<b>Avery</b>" not in text


def test_where_there_is_nothing_to_draw_a_sentence_says_so_and_no_picture_is_made() -> None:
    assert shown(report(undrawn="nothing to draw: no game has a price yet"))["plot"] == (
        "nothing to draw: no game has a price yet"
    )


def test_numbers_that_belong_together_are_one_table_before_the_counts() -> None:
    venues = pl.DataFrame({"venue": ["Kalshi", "The Odds API"], "legs": [30, 0], "why": ["", "no key is set"]})
    metadata = report_metadata(report(tables={"venues": venues, "none": venues.clear()}), schema.rosters, 99)
    assert list(metadata)[:2] == ["venues", "dagster/row_count"]
    assert "none" not in metadata
    assert [record.data for record in metadata["venues"].records] == venues.to_dicts()


@pytest.mark.parametrize("module", [pick_market_odds, member_market_stats])
def test_a_preview_of_the_markets_fits_into_the_page_whatever_it_holds(module: ModuleType) -> None:
    heads = module._PREVIEW.values()
    assert drawn_width(pl.DataFrame({head: [-0.649] for head in heads} | {"player": ["Garrett Wynworthy"]})) <= ROOM
    assert not any(word in head for head in heads for word in ("_", "probability"))


def test_plain_words_stay_as_they_are() -> None:
    assert markdown_text("12 picks pending: game not final") == "12 picks pending: game not final"
    assert markdown_text("http://venue/a_b_c?x=1") == "http://venue/a_b_c?x=1"  # an address stays one
    assert markdown_text("_Ann_ &#95;") == "&#95;Ann&#95; &#38;&#35;95;"


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (TransientSourceError("http://x/: 503", url="http://x/"), True),
        (PermanentSourceError("http://x/: 404", url="http://x/"), False),
        (RefreshError("the schedule has no game of 2025"), False),
        (DatabaseLocked("another program holds the database"), True),
        (DatabaseFull("no room left"), False),
    ],
)
def test_a_failure_says_whether_a_retry_helps(error: SourceError | StorageError | RefreshError, retries: bool) -> None:
    told = failure(error)
    assert told.description == str(error)
    assert told.allow_retries is retries
    assert told.metadata["a retry helps"].value is retries


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_venue_or_a_member_wrote_is_no_markdown_in_a_checks_text(name: str) -> None:
    found = Violation("legs on nobody", 2, name, "`firsttd markets status` lists them", "warn", (name, "other"))
    check = Check("legs_understood", "every leg has its player", lambda season, now: [found])
    stored = Season(Database("nothing.db"), 2025)
    result = _check_result(check, stored, datetime(2025, 9, 2, tzinfo=UTC))
    assert {key: value.value for key, value in result.metadata.items()} == {"season": "2025", "violations": 2}
    text = result.description or ""
    said = " ".join(name.split())
    assert html.unescape(text) == (
        f"legs on nobody: 2, e.g. {said}. All: {said}, other. What to do: `firsttd markets status` lists them "
        "(season 2025)"
    )
    assert not set("<>[]*~|") & set(text)
    assert text.count("`") == 2


def test_a_check_that_finds_several_things_gives_each_its_paragraph() -> None:
    found = [Violation(f"{venue} did not answer", 1, "no connection", "wait", "warn") for venue in ("One", "Other")]
    check = Check("venues_answer", "every venue answered", lambda season, now: found)
    result = _check_result(check, Season(Database("nothing.db"), 2025), datetime(2025, 9, 2, tzinfo=UTC))
    assert result.description == (
        "One did not answer: no connection. What to do: wait\n\n"
        "Other did not answer: no connection. What to do: wait (season 2025)"
    )
