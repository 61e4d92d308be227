"""Plots as PNG, small enough to lie inside an asset's metadata. matplotlib is imported only when one is drawn."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_SIZE_INCHES = (7.5, 3.2)
_DPI = 80
_NAME_LENGTH = 24


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


def png(plot: Plot) -> bytes:
    """Draw the plot. Names are shown as plain text: nothing in them is read as mathematics or markup."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
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
    axes.set_title(_plain(plot.title), fontsize=10)
    axes.set_xlabel(plot.x_label, fontsize=8)
    axes.set_ylabel(plot.y_label, fontsize=8)
    axes.tick_params(labelsize=8)
    if plot.x and isinstance(plot.x[0], int):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", alpha=0.3)
    if len(plot.series) > 1:
        axes.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def as_markdown(plot: Plot) -> str:
    """The plot as an inline picture for Markdown metadata."""
    return f"![plot](data:image/png;base64,{base64.b64encode(png(plot)).decode('ascii')})"


def _plain(text: str) -> str:
    """Text that matplotlib neither parses (`$`) nor hides from the legend (a leading `_`)."""
    shown = " ".join(text.split()).replace("$", r"\$")
    shown = shown if len(shown) <= _NAME_LENGTH * 3 else shown[: _NAME_LENGTH * 3 - 1] + "…"
    return "\u200b" + shown if shown.startswith("_") else shown
