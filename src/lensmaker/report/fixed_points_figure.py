"""Fixed points of machines as a figure: temperature against the number of hidden units, a curve for each kind of data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import GREY
from lensmaker.report.figure_page import figure_page
from lensmaker.report.machine_flow_figure import COLOURS
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    import plotly.graph_objects as go


def fixed_points_figure(data: Mapping[str, Any]) -> go.Figure:
    """Means over seeds with their standard errors.

    Parameters
    ----------
    data
        `series`, a list of mappings with `name`; `of_data`, the temperature of the data; and `points` of `hidden`, `T`,
        `error` and `label`, empty for machines that are trained as all are. `levels` maps names to temperatures that are
        drawn across.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for n, series in enumerate(data["series"]):
        colour = COLOURS[n % len(COLOURS)]
        usual = sorted((p for p in series["points"] if not p["label"]), key=lambda p: p["hidden"])
        others = [p for p in series["points"] if p["label"]]
        name = f"{series['name']}, data at {number(series['of_data'], 4)}"
        figure.add_trace(_points(usual, name, colour, "circle", go))
        if others:
            figure.add_trace(_points(others, "", colour, "circle-open", go))
    for name, temperature in data.get("levels", {}).items():
        figure.add_hline(
            temperature,
            line={"color": GREY, "dash": "dot", "width": 1.5},
            annotation={"text": name, "font": {"size": 12, "color": GREY}},
            annotation_position="bottom right",
        )
    sizes = sorted({p["hidden"] for series in data["series"] for p in series["points"]})
    figure.update_xaxes(
        title_text="hidden units",
        tickvals=[math.log2(size) for size in sizes],
        ticktext=[str(size) for size in sizes],
    )
    figure.update_yaxes(title_text="fixed point T_E")
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 14},
        legend={"title": {"text": "learned from"}},
        height=520,
        margin={"t": 30, "l": 70, "r": 30, "b": 60},
    )
    return figure


def fixed_points_html(data: Mapping[str, Any], title: str) -> str:
    """The figure with its caption as one page that needs nothing else to open."""
    from plotly.offline import get_plotlyjs

    figure = fixed_points_figure(data).to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    levels = ", ".join(f"{name} at {number(T, 4)}" for name, T in data.get("levels", {}).items())
    caption = (
        f"Temperature at which machines come to rest, v → h → v, against their hidden units: means of {data['seeds']} "
        f"trainings each, with standard errors. Filled points: {data['common']}; open points: what is written beside "
        "them. Machines of which one has no fixed point are left out."
    )
    return figure_page(
        title, caption + (f" Dotted: {levels}." if levels else ""), figure, script=get_plotlyjs()
    )


def _points(points: list[Mapping[str, Any]], name: str, colour: str, symbol: str, go: Any) -> Any:
    """A curve where they are named, else points with words beside them."""
    return go.Scatter(
        x=[math.log2(p["hidden"]) for p in points],
        y=[p["T"] for p in points],
        error_y={
            "array": [p["error"] if math.isfinite(p["error"]) else None for p in points],
            "width": 4,
            "thickness": 1.4,
        },
        mode="lines+markers" if name else "markers+text",
        text=[p["label"] for p in points],
        textposition="middle right",
        textfont={"color": colour, "size": 11},
        marker={"color": colour, "size": 8, "symbol": symbol},
        line={"color": colour, "width": 2},
        name=name,
        showlegend=bool(name),
    )
