"""The flow of machines as a figure: temperature against iteration, a curve from each start."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import BLUE, ORANGE, RED
from lensmaker.report.measured_curves import curve, lay_out, levels, page
from lensmaker.report.numbers import with_error

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
            figure.add_trace(_curve(rows, start, COLOURS[k % len(COLOURS)], n == 0), **place)
        levels(figure, data, place)
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
    return lay_out(figure, 340 * lines + 90, -0.12 / lines)


def flow_html(data: Mapping[str, Any], title: str) -> str:
    """The figure with its caption as one page that needs nothing else to open."""
    caption = (
        "Temperature of configurations after k iterations v → h → v, one curve for each temperature that they began "
        "at, with standard errors. A red line is the fixed point, where all of them have reached one; open points are "
        "beyond the scale of the thermometer."
    )
    return page(flow_figure(data), title, caption, data)


def _title(panel: Mapping[str, Any]) -> str:
    fixed = panel.get("fixed")
    return f"{panel['title']}: " + ("no one fixed point" if fixed is None else f"T* = {with_error(*fixed)}")


def _place(k: int) -> float:
    """Doublings stand side by side, and 0 before 1."""
    return math.log2(k) if k else -1.0


def _curve(rows: list[Mapping[str, Any]], start: float, colour: str, named: bool) -> Any:
    points = [(_place(row["k"]), row["temperature"], row["error"]) for row in rows]
    symbols = ["circle" if row.get("in_scale", True) else "circle-open" for row in rows]
    return curve(points, f"from T = {start:g}", colour, named=named, symbols=symbols)
