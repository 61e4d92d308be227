"""Pictures are drawn whatever names and gaps they hold, stay small, and interpret nothing that somebody typed."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from firsttd_pipeline.reports.plots import (
    MOST_BARS,
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
        Reliability("x", {name: [(0.1, 0.2, 30)] for name in HOSTILE}),
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
        Reliability("x", {"Kalshi": [(0.0, 0.0, 3)]}),
        PricePath("x"),
        PricePath("x", {"Kalshi": []}, KICKOFF),
        PricePath("x", {"Kalshi": [(KICKOFF, None)]}),
        HorizontalBars("x", [], []),
        HorizontalBars("x", ["Ann"], [None]),
    ],
)
def test_a_picture_of_nothing_is_a_picture(plot: Picture) -> None:
    assert as_markdown(plot).startswith("![plot](data:image/png;base64,")


def test_reliability_shows_the_diagonal_and_the_size_of_every_bin(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [(0.01, 0.012, 4000), (0.05, 0.04, 900), (0.2, 0.17, 40)]
    axes = (figure := drawn(Reliability("x", {"Kalshi": points}), monkeypatch)).axes[0]
    (diagonal,) = axes.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())
    (scatter,) = axes.collections
    assert [tuple(place) for place in scatter.get_offsets().data] == [point[:2] for point in points]
    areas = list(scatter.get_sizes())
    assert areas == sorted(areas, reverse=True)
    assert [text.get_text() for text in axes.texts] == ["4,000", "900", "40"]
    assert legend_of(figure) == ["as often as said", "Kalshi (4,940)"]


def test_a_price_path_has_a_time_axis_to_kickoff_and_gaps_where_there_was_no_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    axes = (figure := drawn(PricePath("x", {"Kalshi": PATH}, KICKOFF), monkeypatch)).axes[0]
    path, kickoff = axes.get_lines()
    assert [value == value for value in path.get_ydata()].count(False) == 1
    low, high = axes.get_xlim()
    (at, _) = kickoff.get_xdata()
    assert low < axes.convert_xunits(at) <= high
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
