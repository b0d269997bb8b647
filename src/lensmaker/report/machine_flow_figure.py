"""The flow of machines as a figure: temperature against iteration, a curve from each start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import BLUE, GREY, ORANGE, RED
from lensmaker.report.figure_page import figure_page
from lensmaker.report.numbers import number, with_error

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLOURS = (BLUE, ORANGE, "#2a9d8f", "#8f5fbf", "#b8860b", "#5b6675")
"""Of the starts, from the coldest on."""

COLUMNS = 2


def flow_figure(data: Mapping[str, Any]) -> go.Figure:
    """One panel for each machine.

    Parameters
    ----------
    data
        `panels`, a list of mappings with `title`; `rows` of `start`, `k`, `temperature`, `error`; and `fixed`, the
        fixed point and its error, or nothing where there is none. `levels` maps names to temperatures that are drawn
        across all panels; `reads` is what the axis is called.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panels = data["panels"]
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    titles = [_title(panel) for panel in panels]
    figure = make_subplots(
        lines,
        columns,
        subplot_titles=titles,
        vertical_spacing=0.3 / lines,
        horizontal_spacing=0.1,
        shared_yaxes="all",
    )
    starts = sorted({row["start"] for panel in panels for row in panel["rows"]})
    for n, panel in enumerate(panels):
        place = {"row": n // columns + 1, "col": n % columns + 1}
        for k, start in enumerate(starts):
            rows = [row for row in panel["rows"] if row["start"] == start]
            figure.add_trace(_curve(rows, start, COLOURS[k % len(COLOURS)], n == 0, go), **place)
        # after the curves: plotly leaves lines across a panel out while it is empty
        for name, temperature in data.get("levels", {}).items():
            figure.add_hline(
                temperature,
                line={"color": GREY, "dash": "dot", "width": 1.5},
                annotation={"text": name, "font": {"size": 11, "color": GREY}},
                annotation_position="bottom right",
                **place,
            )
        if panel.get("fixed") is not None:
            figure.add_hline(panel["fixed"][0], line={"color": RED, "width": 1.2}, **place)
        ticks = sorted({row["k"] for row in panel["rows"]})
        figure.update_xaxes(
            title_text="iterations k",
            tickvals=[_place(k) for k in ticks],
            ticktext=[str(k) for k in ticks],
            **place,
        )
        figure.update_yaxes(title_text=data.get("reads", "T"), showticklabels=True, **place)
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.12 / lines, "yanchor": "top"},
        height=340 * lines + 90,
        margin={"t": 50, "l": 70, "r": 30, "b": 90},
    )
    return figure


def flow_html(data: Mapping[str, Any], title: str) -> str:
    """The figure with its caption as one page that needs nothing else to open."""
    from plotly.offline import get_plotlyjs

    figure = flow_figure(data).to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    levels = ", ".join(f"{name} at {number(T, 4)}" for name, T in data.get("levels", {}).items())
    caption = (
        "Temperature of configurations after k iterations v → h → v, one curve for each temperature that they began "
        "at, with standard errors. A red line is the fixed point, where all of them have reached one; open points are "
        "beyond the scale of the thermometer."
    )
    return figure_page(
        title, caption + (f" Dotted: {levels}." if levels else ""), figure, script=get_plotlyjs()
    )


def _title(panel: Mapping[str, Any]) -> str:
    fixed = panel.get("fixed")
    return f"{panel['title']}: " + ("no one fixed point" if fixed is None else f"T* = {with_error(*fixed)}")


def _place(k: int) -> float:
    """Doublings stand side by side, and 0 before 1."""
    return math.log2(k) if k else -1.0


def _curve(rows: list[Mapping[str, Any]], start: float, colour: str, named: bool, go: Any) -> Any:
    known = [row for row in rows if math.isfinite(row["temperature"])]
    bars = [row["error"] if math.isfinite(row["error"]) else None for row in known]
    return go.Scatter(
        x=[_place(row["k"]) for row in known],
        y=[row["temperature"] for row in known],
        error_y={"array": bars, "width": 3, "thickness": 1.2},
        mode="lines+markers",
        marker={
            "color": colour,
            "size": 6,
            "symbol": ["circle" if row.get("in_scale", True) else "circle-open" for row in known],
        },
        line={"color": colour, "width": 2},
        name=f"from T = {start:g}",
        showlegend=named,
    )
