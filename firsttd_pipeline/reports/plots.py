"""Plots as PNG, small enough to lie inside an asset's metadata. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (7.5, 3.2)
_DPI = 80
_NAME_LENGTH = 24
_BAR_INCHES = 0.22
#: A longer list of bars is cut: the picture has to stay small.
MOST_BARS = 30


@dataclass(frozen=True)
class Plot:
    """What to draw: one x axis and named series over it (a null is a gap). `bars` stacks, lines do not.

    Attributes:
        title: said above the plot.
        x: positions on the x axis, e.g. weeks.
        series: values by name, as long as `x`.
        y_label: what the values are, with their unit.
        bars: bars in place of lines.
    """

    title: str
    x: Sequence[int | str]
    series: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    y_label: str = ""
    x_label: str = "week"
    bars: bool = False


@dataclass(frozen=True)
class Reliability:
    """Probabilities against what came true: each point a bin, its area how many it holds, over the diagonal.

    Attributes:
        title: said above the plot.
        series: by name (e.g. of a venue), the bins' mean probability, share won and size.
    """

    title: str
    series: Mapping[str, Sequence[tuple[float, float, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class PricePath:
    """What something cost over time, up to kickoff.

    Attributes:
        title: said above the plot.
        series: by name (e.g. of a venue), instants (aware) and probabilities; null: no price then, a gap.
        kickoff: marked by a line; aware.
    """

    title: str
    series: Mapping[str, Sequence[tuple[datetime, float | None]]] = field(default_factory=dict)
    kickoff: datetime | None = None


@dataclass(frozen=True)
class HorizontalBars:
    """One bar a name, from the top down, left of zero where negative; at most `MOST_BARS` are drawn.

    Attributes:
        title: said above the plot.
        names: e.g. of members.
        values: as long as `names`; null: no bar.
        x_label: what the values are, with their unit.
    """

    title: str
    names: Sequence[str]
    values: Sequence[float | None]
    x_label: str = ""


Picture = Plot | Reliability | PricePath | HorizontalBars


def png(plot: Picture) -> bytes:
    """Draw the plot. Names are shown as plain text: nothing in them is read as mathematics or markup."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = _SIZE_INCHES
    if isinstance(plot, HorizontalBars):
        height = 0.9 + _BAR_INCHES * max(4, min(len(plot.names), MOST_BARS))
    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(_plain(plot.title), fontsize=10)
    axes.tick_params(labelsize=8)
    match plot:
        case Plot():
            _draw_plot(axes, plot)
        case Reliability():
            _draw_reliability(axes, plot)
        case PricePath():
            _draw_path(axes, plot)
        case HorizontalBars():
            _draw_bars(axes, plot)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _draw_plot(axes: Axes, plot: Plot) -> None:
    from matplotlib.ticker import MaxNLocator

    below = [0.0] * len(plot.x)
    for name, values in plot.series.items():
        label = _plain(name)
        if plot.bars:
            heights = [value or 0.0 for value in values]
            axes.bar(list(plot.x), heights, bottom=below, label=label)
            below = [a + b for a, b in zip(below, heights, strict=True)]
        else:
            gaps = [float("nan") if value is None else value for value in values]
            axes.plot(list(plot.x), gaps, marker=".", label=label)
    axes.set_xlabel(plot.x_label, fontsize=8)
    axes.set_ylabel(plot.y_label, fontsize=8)
    if plot.x and isinstance(plot.x[0], int):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", alpha=0.3)
    if len(plot.series) > 1:
        _legend(axes)


def _draw_reliability(axes: Axes, plot: Reliability) -> None:
    points = [point for series in plot.series.values() for point in series]
    most = max((size for _, _, size in points), default=1)
    end = min(1.0, 1.1 * max((max(chance, share) for chance, share, _ in points), default=1.0)) or 1.0
    axes.plot([0, end], [0, end], color="grey", linewidth=1, linestyle="--", label="as often as said")
    for name, series in plot.series.items():
        chances, shares, sizes = ([point[i] for point in series] for i in range(3))
        # the area tells the size, with a floor that can still be seen
        areas = [12 + 250 * size / most for size in sizes]
        axes.scatter(chances, shares, s=areas, alpha=0.6, label=f"{_plain(name)} ({int(sum(sizes)):,})")
        if len(plot.series) == 1:
            for chance, share, size in series:
                axes.annotate(f"{size:,}", (chance, share), (4, 4), textcoords="offset points", fontsize=6)
    axes.set_xlim(0, end)
    axes.set_ylim(0, end)
    _percent(axes.xaxis)
    _percent(axes.yaxis)
    axes.set_xlabel("probability said", fontsize=8)
    axes.set_ylabel("share that came true", fontsize=8)
    axes.grid(alpha=0.3)
    _legend(axes, marker_area=25.0)


def _draw_path(axes: Axes, plot: PricePath) -> None:
    from matplotlib import dates

    for name, series in plot.series.items():
        times: list[Any] = [_utc(at) for at, _ in series]
        values = [float("nan") if value is None else value for _, value in series]
        axes.plot(times, values, marker=".", markersize=4, drawstyle="steps-post", label=_plain(name))
    if plot.kickoff is not None:
        kickoff: Any = _utc(plot.kickoff)
        axes.axvline(kickoff, color="grey", linestyle="--", linewidth=1, label="kickoff")
    if plot.kickoff is not None or any(plot.series.values()):
        locator: Any = dates.AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    axes.set_ylim(bottom=0)
    _percent(axes.yaxis)
    axes.set_xlabel("time (UTC)", fontsize=8)
    axes.set_ylabel("probability", fontsize=8)
    axes.grid(alpha=0.3)
    _legend(axes)


def _draw_bars(axes: Axes, plot: HorizontalBars) -> None:
    names, values = list(plot.names)[:MOST_BARS], list(plot.values)[:MOST_BARS]
    places = list(range(len(names)))
    axes.barh(places, [value or 0.0 for value in values])
    # by place and not by name: two members may have one name
    axes.set_yticks(places, [_plain(name, _NAME_LENGTH) for name in names])
    axes.margins(y=0.02)
    axes.invert_yaxis()
    axes.axvline(0, color="grey", linewidth=1)
    left_out = len(plot.names) - len(names)
    axes.set_xlabel(plot.x_label + (f" ({left_out} more not shown)" if left_out else ""), fontsize=8)
    axes.grid(axis="x", alpha=0.3)


def _legend(axes: Axes, marker_area: float | None = None) -> None:
    if not axes.get_legend_handles_labels()[0]:
        return
    legend = axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    if marker_area is None:
        return
    for handle in legend.legend_handles:
        if handle is not None and hasattr(handle, "set_sizes"):
            handle.set_sizes([marker_area])


def _percent(axis: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=None))


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no timezone: a time axis needs aware instants")
    return at.astimezone(UTC)


def as_markdown(plot: Picture) -> str:
    """The plot as an inline picture for Markdown metadata."""
    return f"![plot](data:image/png;base64,{base64.b64encode(png(plot)).decode('ascii')})"


def _plain(text: str, longest: int = _NAME_LENGTH * 3) -> str:
    """Text that matplotlib neither parses (`$`) nor hides from the legend (a leading `_`)."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    shown = shown.replace("$", r"\$")  # after the cut, which could part the two
    return "\u200b" + shown if shown.startswith("_") else shown
