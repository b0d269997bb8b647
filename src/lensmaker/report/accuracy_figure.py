"""Errors against sizes as a figure: a panel for each quantity, a curve with error bars for each kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import BLUE, ORANGE, RED
from lensmaker.report.figure_page import figure_page

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (BLUE, ORANGE, RED, "#2a9d8f", "#8f5fbf")
"""Of the kinds."""


def accuracy_figure(data: Mapping[str, Any]) -> go.Figure:
    """The panels side by side, both axes logarithmic.

    Parameters
    ----------
    data
        `x` and `y`, what the axes are called; `panels`, each with a `title` and `curves`: a `label`, and `points` of
        size, error, and its standard error.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panels = data["panels"]
    titles = [panel["title"] for panel in panels]
    figure = make_subplots(1, len(panels), subplot_titles=titles, shared_yaxes="all", horizontal_spacing=0.06)
    sizes = sorted({point[0] for panel in panels for curve in panel["curves"] for point in curve["points"]})
    for column, panel in enumerate(panels, start=1):
        for curve, colour in zip(panel["curves"], COLOURS, strict=False):
            figure.add_trace(_curve(curve, colour, column == 1, go), row=1, col=column)
        ticks = {"tickvals": sizes, "ticktext": [f"{size:g}" for size in sizes]}
        figure.update_xaxes(type="log", title_text=data["x"], **ticks, row=1, col=column)
    figure.update_yaxes(type="log", dtick=1, showticklabels=True)
    figure.update_yaxes(title_text=data["y"], row=1, col=1)
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
        height=460,
        margin={"t": 50, "l": 70, "r": 30, "b": 90},
    )
    return figure


def accuracy_html(data: Mapping[str, Any]) -> str:
    """The figure with `title` and `caption` of the data, as one page that needs nothing else to open."""
    from plotly.offline import get_plotlyjs

    figure = accuracy_figure(data).to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    return figure_page(str(data["title"]), str(data["caption"]), figure, script=get_plotlyjs())


def _curve(curve: Mapping[str, Any], colour: str, named: bool, go: Any) -> Any:
    known = [point for point in curve["points"] if math.isfinite(point[1])]
    return go.Scatter(
        x=[point[0] for point in known],
        y=[point[1] for point in known],
        error_y={
            "array": [point[2] if math.isfinite(point[2]) else None for point in known],
            "width": 3,
            "thickness": 1.2,
        },
        mode="lines+markers",
        marker={"color": colour, "size": 7},
        line={"color": colour, "width": 2},
        name=curve["label"],
        showlegend=named,
    )
