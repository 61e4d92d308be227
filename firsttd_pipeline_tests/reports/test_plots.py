"""Pictures are drawn whatever names and gaps they hold, stay small, and interpret nothing that somebody typed."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread

from firsttd_pipeline.reports.plots import (
    MOST_BARS,
    VENUE_COLOURS,
    HorizontalBars,
    Picture,
    Plot,
    PricePath,
    Reliability,
    as_markdown,
    png,
)

KICKOFF = datetime(2026, 2, 8, 23, 30, tzinfo=UTC)
HOSTILE = [r"$\frac{", "_hidden", "$x^2$", "a" * 500, "line\nbreak", "", "$" * 71 + "ab", "<script>"]
PATH = [(KICKOFF - timedelta(minutes=15 * step), None if step == 3 else 0.1) for step in range(8, 0, -1)]


def drawn(plot: Picture, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure that was drawn."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: object, **given: object) -> None:
        figures.append(figure)
        save(figure, *args, **given)

    monkeypatch.setattr(Figure, "savefig", keep)
    assert png(plot).startswith(b"\x89PNG")
    return figures[-1]


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


@pytest.mark.parametrize(
    "plot",
    [
        Reliability("x", {name: [(0.1, 0.2, 30, 0.1, 0.3)] for name in HOSTILE}),
        PricePath("x", dict.fromkeys(HOSTILE, PATH), KICKOFF),
        HorizontalBars("x", HOSTILE, [1.0] * len(HOSTILE)),
        Plot("x", [1], {name: [1.0] for name in HOSTILE}),
        *(PricePath(name, {"Kalshi": PATH}) for name in HOSTILE),
    ],
)
def test_a_name_is_shown_and_never_read_as_mathematics(plot: Picture) -> None:
    assert len(png(plot)) < 90_000


@pytest.mark.parametrize(
    "plot",
    [
        Reliability("x"),
        Reliability("x", {"Kalshi": []}),
        Reliability("x", {"Kalshi": [(0.0, 0.0, 3, 0.0, 0.56)]}),
        PricePath("x"),
        PricePath("x", {"Kalshi": []}, KICKOFF),
        PricePath("x", {"Kalshi": [(KICKOFF, None)]}),
        HorizontalBars("x", [], []),
        HorizontalBars("x", ["Ann"], [None]),
    ],
)
def test_a_picture_of_nothing_is_a_picture(plot: Picture) -> None:
    assert as_markdown(plot).startswith("![plot](data:image/png;base64,")
    assert as_markdown([plot, plot]) == f"{as_markdown(plot)}\n\n{as_markdown(plot)}"


def test_reliability_shows_the_diagonal_and_of_every_bin_its_interval_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [(0.01, 0.012, 4000, 0.009, 0.016), (0.05, 0.04, 900, 0.03, 0.055), (0.2, 0.17, 40, 0.09, 0.31)]
    axes, rows = (figure := drawn(Reliability("x", {"Kalshi": points, "Polymarket": []}), monkeypatch)).axes
    diagonal, marks, *_ = axes.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    assert list(zip(marks.get_xdata(), marks.get_ydata(), strict=True)) == [point[:2] for point in points]
    (bars,) = axes.collections
    ends = [(low[1], high[1]) for low, high in bars.get_segments()]
    assert ends == [(pytest.approx(low), pytest.approx(high)) for *_, low, high in points]
    assert axes.get_ylim()[1] >= 0.31
    assert [text.get_text() for text in rows.texts] == ["4,000", "900", "40"]
    assert [label.get_text() for label in rows.get_yticklabels()] == ["Kalshi: legs", "Polymarket: legs"]
    assert legend_of(figure) == ["as often as said", "Kalshi (4,940)"]


def test_a_venue_has_one_colour_in_every_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    venues = ["Polymarket US", "The Odds API", "Polymarket", "Kalshi"]
    assert len(set(VENUE_COLOURS.values())) == len(VENUE_COLOURS) == len(venues)
    bins = [(0.1, 0.2, 30, 0.1, 0.3)]
    curve = drawn(Reliability("x", dict.fromkeys(venues, bins)), monkeypatch).axes[0]
    path = drawn(PricePath("x", {"Someone": PATH, "Kalshi, 7": PATH, **dict.fromkeys(venues, PATH)}), monkeypatch)
    bars = drawn(HorizontalBars("x", [f"{name} 0-2 %" for name in venues], [1.0] * 4), monkeypatch).axes[0]
    theirs = [to_hex(VENUE_COLOURS[name]) for name in venues]
    assert [to_hex(line.get_color()) for line in curve.get_lines() if line.get_marker() == "o"] == theirs
    someone, seventh, *lines = path.axes[0].get_lines()
    assert [to_hex(line.get_color()) for line in lines] == theirs
    assert [to_hex(bar.get_facecolor()) for bar in bars.patches] == theirs
    assert to_hex(someone.get_color()) not in theirs
    assert (to_hex(seventh.get_color()), seventh.get_linestyle()) == (VENUE_COLOURS["Kalshi"], "-")
    assert lines[-1].get_linestyle() == "--"  # the venue's second line


def test_a_price_path_has_a_time_axis_to_kickoff_and_gaps_where_there_was_no_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    axes = (figure := drawn(PricePath("x", {"Kalshi": PATH}, KICKOFF), monkeypatch)).axes[0]
    path, kickoff = axes.get_lines()
    assert [value == value for value in path.get_ydata()].count(False) == 1
    low, high = axes.get_xlim()
    (at, _) = kickoff.get_xdata()
    assert low < axes.convert_xunits(at) < high
    assert axes.get_ylim() == (0.0, pytest.approx(0.115))  # the highest price is not at the edge
    assert legend_of(figure) == ["Kalshi", "kickoff"]
    assert "UTC" in axes.get_xlabel()


def test_a_path_without_a_timezone_is_refused() -> None:
    with pytest.raises(ValueError, match="no timezone"):
        png(PricePath("x", {"Kalshi": [(datetime(2026, 2, 8), 0.1)]}))  # noqa: DTZ001


def test_members_with_one_name_have_a_bar_each_and_a_long_list_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = drawn(HorizontalBars("x", ["Ann", "Ann", "Bo"], [3.0, -2.5, None], "points"), monkeypatch).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [3.0, -2.5, 0.0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Ann", "Ann", "Bo"]
    many = HorizontalBars("x", [f"m{n}" for n in range(1000)], [1.0] * 1000, "points")
    axes = drawn(many, monkeypatch).axes[0]
    assert len(axes.patches) == MOST_BARS
    assert axes.get_xlabel() == f"points ({1000 - MOST_BARS} more not shown)"
    assert imread(io.BytesIO(png(many))).shape[0] < 700
