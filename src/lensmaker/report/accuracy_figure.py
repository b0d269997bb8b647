"""Errors against sizes as a figure: a panel for each quantity, a curve with error bars for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import BLUE, ORANGE, RED
from lensmaker.report.measured_curves import curve, lay_out, page

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (BLUE, ORANGE, RED, "#2a9d8f", "#8f5fbf")
"""Of the kinds."""

CLOSEST = 1.4
"""Ratio of sizes that both have a label."""


def accuracy_figure(data: Mapping[str, Any]) -> go.Figure:
    """The panels side by side, both axes logarithmic.

    Parameters
    ----------
    data
        `x` and `y`, what the axes are called; `panels`, each with a `title` and `curves`: a `label`, and `points` of
        size, error, and its standard error.
    """
    from plotly.subplots import make_subplots

    panels = data["panels"]
    titles = [panel["title"] for panel in panels]
    figure = make_subplots(1, len(panels), subplot_titles=titles, shared_yaxes="all", horizontal_spacing=0.06)
    for column, panel in enumerate(panels, start=1):
        for one, colour in zip(panel["curves"], COLOURS, strict=False):
            drawn = curve(one["points"], one["label"], colour, named=column == 1)
            figure.add_trace(drawn, row=1, col=column)
        sizes = _apart({point[0] for one in panel["curves"] for point in one["points"]})
        ticks = {"tickvals": sizes, "ticktext": [f"{size:g}" for size in sizes]}
        figure.update_xaxes(type="log", title_text=data["x"], **ticks, row=1, col=column)
    figure.update_yaxes(type="log", dtick=1, showticklabels=True)
    figure.update_yaxes(title_text=data["y"], row=1, col=1)
    return lay_out(figure, 460, -0.2)


def _apart(sizes: Iterable[float]) -> list[float]:
    """From the largest down, those that are not too near to the one before for their labels."""
    found: list[float] = []
    for size in sorted(sizes, reverse=True):
        if not found or found[-1] / size > CLOSEST:
            found.append(size)
    return found[::-1]


def accuracy_html(data: Mapping[str, Any]) -> str:
    """The figure with `title` and `caption` of the data, as one page that needs nothing else to open."""
    return page(accuracy_figure(data), str(data["title"]), str(data["caption"]), data)
