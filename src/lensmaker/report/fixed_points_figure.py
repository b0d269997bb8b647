"""Fixed points of machines as a figure: temperature against units, epochs and k, a curve for each kind of data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import GREY
from lensmaker.report.figure_page import figure_page
from lensmaker.report.machine_flow_figure import COLOURS
from lensmaker.report.numbers import number

if TYPE_CHECKING:
    import plotly.graph_objects as go


def fixed_points_figure(data: Mapping[str, Any]) -> go.Figure:
    """Means over seeds with their standard errors, a panel for each thing that machines differ in.

    Parameters
    ----------
    data
        `panels`, a list of mappings with `by`, what is varied; `given`, what is not; and `curves` from the name of the
        data to points of `x` above 0, `T` and `error`. `levels` maps names to temperatures that are drawn across;
        `seeds` stands in the caption.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panels = data["panels"]
    names = list(dict.fromkeys(name for panel in panels for name in panel["curves"]))
    colours = {name: COLOURS[n % len(COLOURS)] for n, name in enumerate(names)}
    figure = make_subplots(
        1,
        len(panels),
        shared_yaxes=True,
        horizontal_spacing=0.03,
        subplot_titles=[panel["given"] for panel in panels],
        column_widths=[max(2, len(_places(panel))) for panel in panels],
    )
    named: set[str] = set()
    for column, panel in enumerate(panels, start=1):
        for name, points in panel["curves"].items():
            figure.add_trace(_curve(points, name, colours[name], name not in named, go), row=1, col=column)
            named.add(name)
        places = _places(panel)
        figure.update_xaxes(
            title_text=panel["by"],
            tickvals=[math.log2(x) for x in places],
            ticktext=[f"{x:g}" for x in places],
            range=[math.log2(places[0]) - 0.6, math.log2(places[-1]) + 0.6],
            zeroline=False,
            row=1,
            col=column,
        )
        for level, temperature in data.get("levels", {}).items():
            figure.add_hline(
                temperature,
                line={"color": GREY, "dash": "dot", "width": 1.5},
                annotation={"text": level, "font": {"size": 12, "color": GREY}},
                annotation_position="bottom right",
                row=1,
                col=column,
            )
    figure.update_yaxes(title_text="fixed point T_E", row=1, col=1)
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": -0.2, "yanchor": "top"},
        height=500,
        margin={"t": 70, "l": 70, "r": 30, "b": 60},
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
        f"Temperature at which machines come to rest, v → h → v: means of {data['seeds']} trainings each, with "
        "standard errors. Machines of which one has no single fixed point are left out."
    )
    return figure_page(
        title, caption + (f" Dotted: {levels}." if levels else ""), figure, script=get_plotlyjs()
    )


def _places(panel: Mapping[str, Any]) -> list[float]:
    """Where there are points, or 1 where there are none."""
    return sorted({p["x"] for points in panel["curves"].values() for p in points}) or [1.0]


def _curve(points: Sequence[Mapping[str, Any]], name: str, colour: str, is_named: bool, go: Any) -> Any:
    rising = sorted(points, key=lambda p: p["x"])
    bars = [p["error"] if math.isfinite(p["error"]) else None for p in rising]
    return go.Scatter(
        x=[math.log2(p["x"]) for p in rising],
        y=[p["T"] for p in rising],
        error_y={"array": bars, "width": 4, "thickness": 1.4},
        mode="lines+markers",
        marker={"color": colour, "size": 8},
        line={"color": colour, "width": 2},
        name=name,
        legendgroup=name,
        showlegend=is_named,
    )
