"""Curves through measured points with error bars, in panels, as a page of plotly: what their figures share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import GREY
from lensmaker.report.figure_page import figure_page
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    import plotly.graph_objects as go

Point = tuple[float, float, float]
"""Place, value and error."""


def curve(
    points: Iterable[Point], name: str, colour: str, *, named: bool, symbols: Iterable[str] = ()
) -> go.Scatter:
    """A line through all points whose value is known, with bars where its error is.

    Parameters
    ----------
    named
        Whether the legend tells of it: once for the same in several panels.
    symbols
        Of the points, in their order; discs by default.
    """
    import plotly.graph_objects as go

    all_of_them = list(points)
    marks = list(symbols) or ["circle"] * len(all_of_them)
    known = [(p, mark) for p, mark in zip(all_of_them, marks, strict=True) if math.isfinite(p[1])]
    return go.Scatter(
        x=[x for (x, _, _), _ in known],
        y=[y for (_, y, _), _ in known],
        error_y={
            "array": [e if math.isfinite(e) else None for (_, _, e), _ in known],
            "width": 3,
            "thickness": 1.2,
        },
        mode="lines+markers",
        marker={"color": colour, "size": 7, "symbol": [mark for _, mark in known]},
        line={"color": colour, "width": 2},
        name=name,
        legendgroup=name,
        showlegend=named,
    )


def levels(figure: go.Figure, data: Mapping[str, Any], place: Mapping[str, int]) -> None:
    """The `levels` of the data across one panel, after its curves: plotly leaves them out while it is empty."""
    for name, value in data.get("levels", {}).items():
        figure.add_hline(
            value,
            line={"color": GREY, "dash": "dot", "width": 1.5},
            annotation={"text": name, "font": {"size": 12, "color": GREY}},
            annotation_position="bottom right",
            **place,
        )


def lay_out(figure: go.Figure, height: int, legend: float) -> go.Figure:
    """The figure with the looks of all of them; the legend so far below."""
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": legend, "yanchor": "top"},
        height=height,
        margin={"t": 60, "l": 70, "r": 30, "b": 90},
    )
    return figure


def page(figure: go.Figure, title: str, caption: str, data: Mapping[str, Any]) -> str:
    """One page that needs nothing else to open; the caption tells the levels."""
    from plotly.offline import get_plotlyjs

    drawn = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    told = ", ".join(f"{name} at {number(value, 4)}" for name, value in data.get("levels", {}).items())
    return figure_page(title, caption + (f" Dotted: {told}." if told else ""), drawn, script=get_plotlyjs())
