"""Plots as PNG, small enough to lie inside an asset's metadata. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (7.5, 3.2)
_DPI = 80
_NAME_LENGTH = 24
_BAR_NAME = 34
_BAR_INCHES = 0.22
#: A longer list of bars is cut: the picture has to stay small.
MOST_BARS = 30

VENUE_COLOURS = {
    "Kalshi": "#009e73",
    "Polymarket": "#0072b2",
    "Polymarket US": "#cc79a7",
    "The Odds API": "#e69f00",
}
"""A venue has one colour in every picture, whichever others are in it. Told apart by the colour-blind, too."""
_OTHERS = ("#d62728", "#8c564b", "#17becf", "#7f7f7f", "#bcbd22", "#9467bd")
_DASHES = ("-", "--", ":", "-.")


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
    """Probabilities against what came true: each point a bin with its interval, over the diagonal, and below how many
    each bin holds. The scales are of square roots, for most of what is said is below 10 %.

    Attributes:
        title: said above the plot.
        series: by name (e.g. of a venue), the bins' mean probability, share won, size, and the ends of the interval of
            that share.
    """

    title: str
    series: Mapping[str, Sequence[tuple[float, float, int, float, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class PricePath:
    """What something cost over time, up to kickoff.

    Attributes:
        title: said above the plot.
        series: by name (e.g. of a venue, or of its leg: "Kalshi, 12"), instants (aware) and probabilities; null: no
            price then, a gap.
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
        names: e.g. of members; one that begins with a venue's name has that venue's colour.
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
    if isinstance(plot, Reliability):
        height = _SIZE_INCHES[1] + 0.4 + _BAR_INCHES * len(plot.series)
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
    right = min(1.0, 1.1 * max((point[0] for point in points), default=1.0)) or 1.0
    top = min(1.0, 1.05 * max((max(point[1], point[4]) for point in points), default=1.0)) or 1.0
    colours = _colours(plot.series)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, linestyle="--", label="as often as said")
    for name, series in plot.series.items():
        if not series:
            continue
        chances, shares, sizes, lows, highs = ([point[i] for point in series] for i in range(5))
        below = [max(0.0, share - low) for share, low in zip(shares, lows, strict=True)]
        above = [max(0.0, high - share) for share, high in zip(shares, highs, strict=True)]
        label = f"{_plain(name)} ({int(sum(sizes)):,})"
        axes.errorbar(
            chances, shares, yerr=[below, above], fmt="o", markersize=4, linewidth=1, capsize=2, alpha=0.8,
            color=colours[name], label=label,
        )  # fmt: skip
    for axis, scale, limit, end in (
        (axes.xaxis, axes.set_xscale, axes.set_xlim, right),
        (axes.yaxis, axes.set_yscale, axes.set_ylim, top),
    ):
        scale("function", functions=(_root, _square))
        limit(0, end)
        axis.set_ticks([tick for tick in _TICKS if tick <= end])
        _percent(axis)
    axes.set_xlabel("probability said", fontsize=8)
    axes.set_ylabel("share that came true, with 95 % interval", fontsize=8)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="upper left", framealpha=0.8)
    if points:
        _draw_sizes(axes, plot, colours)


_TICKS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)


def _draw_sizes(axes: Axes, plot: Reliability, colours: Mapping[str, str]) -> None:
    """How many each bin holds, a row a venue, below the bins."""
    figure: Any = axes.figure
    grid: Any = figure.add_gridspec(2, 1, height_ratios=[12, 0.4 + 0.8 * len(plot.series)])
    axes.set_subplotspec(grid[0])
    rows = figure.add_subplot(grid[1], sharex=axes)
    rows.set_ylim(-0.5, max(len(plot.series) - 0.5, 0.5))
    rows.invert_yaxis()
    rows.set_yticks(range(len(plot.series)), [f"{_plain(name, _NAME_LENGTH)}: legs" for name in plot.series])
    for place, (name, series) in enumerate(plot.series.items()):
        for chance, _, size, *_ in series:
            said = rows.text(chance, place, f"{size:,}", fontsize=6, ha="center", va="center", color=colours[name])
            said.set_clip_on(True)
    rows.tick_params(labelsize=7, length=0, labelbottom=False)
    for side in rows.spines.values():
        side.set_visible(False)


def _root(values: Any) -> Any:
    return abs(values) ** 0.5  # the scale's own limits may lie a hair below zero


def _square(values: Any) -> Any:
    return values**2


def _draw_path(axes: Axes, plot: PricePath) -> None:
    from matplotlib import dates

    colours, lines = _colours(plot.series), _dashes(plot.series)
    for name, series in plot.series.items():
        times: list[Any] = [_utc(at) for at, _ in series]
        values = [float("nan") if value is None else value for _, value in series]
        axes.plot(
            times, values, marker=".", markersize=4, drawstyle="steps-post", label=_plain(name), color=colours[name],
            linestyle=lines[name],
        )  # fmt: skip
    prices = [value for series in plot.series.values() for _, value in series if value is not None]
    instants = [_utc(at) for series in plot.series.values() for at, _ in series]
    top = min(1.0, 1.15 * max(prices, default=0.0)) or 1.0
    axes.set_ylim(0, top)
    if plot.kickoff is not None:
        kickoff = _utc(plot.kickoff)
        axes.axvline(kickoff, color="black", linestyle="--", linewidth=1, label="kickoff")  # type: ignore[arg-type]
        instants.append(kickoff)
    if instants:
        first, last = min(instants), max(instants)
        edge = max((last - first) * 0.03, timedelta(minutes=1))
        axes.set_xlim(first - edge, last + edge)  # type: ignore[arg-type]
        locator: Any = dates.AutoDateLocator(tz=UTC)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))  # type: ignore[no-untyped-call]
    _percent(axes.yaxis)
    axes.set_xlabel("time (UTC)", fontsize=8)
    axes.set_ylabel("probability", fontsize=8)
    axes.grid(alpha=0.3)
    _legend(axes)


def _venue(name: str) -> str | None:
    """The venue that a series or bar is of, by its name."""
    return next((one for one in sorted(VENUE_COLOURS, key=len, reverse=True) if name.startswith(one)), None)


def _colours(names: Iterable[str]) -> dict[str, str]:
    others = cycle(_OTHERS)
    return {name: VENUE_COLOURS[venue] if (venue := _venue(name)) else next(others) for name in names}


def _dashes(names: Iterable[str]) -> dict[str, str]:
    """Several lines of one venue are told apart by their dashes."""
    seen: Counter[str] = Counter()
    found = {}
    for name in names:
        venue = _venue(name)
        found[name] = _DASHES[seen[venue] % len(_DASHES)] if venue else "-"
        if venue:
            seen[venue] += 1
    return found


def _draw_bars(axes: Axes, plot: HorizontalBars) -> None:
    names, values = list(plot.names)[:MOST_BARS], list(plot.values)[:MOST_BARS]
    places = list(range(len(names)))
    colours = [VENUE_COLOURS[venue] if (venue := _venue(name)) else _OTHERS[-1] for name in names]
    axes.barh(places, [value or 0.0 for value in values], color=colours)
    # by place and not by name: two members may have one name
    axes.set_yticks(places, [_plain(name, _BAR_NAME) for name in names])
    axes.margins(y=0.02)
    axes.invert_yaxis()
    axes.axvline(0, color="grey", linewidth=1)
    left_out = len(plot.names) - len(names)
    axes.set_xlabel(plot.x_label + (f" ({left_out} more not shown)" if left_out else ""), fontsize=8)
    axes.grid(axis="x", alpha=0.3)


def _legend(axes: Axes) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def _percent(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{100 * value:.3g} %")


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no timezone: a time axis needs aware instants")
    return at.astimezone(UTC)


def as_markdown(plot: Picture | Sequence[Picture]) -> str:
    """The plot as an inline picture for Markdown metadata; several below each other."""
    plots = plot if isinstance(plot, Sequence) else [plot]
    encoded = (base64.b64encode(png(one)).decode("ascii") for one in plots)
    return "\n\n".join(f"![plot](data:image/png;base64,{one})" for one in encoded)


def _plain(text: str, longest: int = _NAME_LENGTH * 3) -> str:
    """Text that matplotlib neither parses (`$`) nor hides from the legend (a leading `_`)."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= longest else shown[: longest - 1] + "…"
    shown = shown.replace("$", r"\$")  # after the cut, which could part the two
    return "\u200b" + shown if shown.startswith("_") else shown
