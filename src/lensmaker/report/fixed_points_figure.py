"""Fixed points of machines as a figure: temperature against units, epochs and k, a curve for each kind of data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.report.machine_flow_figure import COLOURS
from lensmaker.report.measured_curves import curve, lay_out, levels, page

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
            rising = sorted((math.log2(p["x"]), p["T"], p["error"]) for p in points)
            figure.add_trace(curve(rising, name, colours[name], named=name not in named), row=1, col=column)
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
        levels(figure, data, {"row": 1, "col": column})
    figure.update_yaxes(title_text="fixed point T_E", row=1, col=1)
    return lay_out(figure, 500, -0.2)


def fixed_points_html(data: Mapping[str, Any], title: str) -> str:
    """The figure with its caption as one page that needs nothing else to open."""
    caption = (
        f"Temperature at which machines come to rest, v → h → v: means of {data['seeds']} trainings each, with "
        "standard errors. Machines of which one has no single fixed point are left out."
    )
    return page(fixed_points_figure(data), title, caption, data)


def _places(panel: Mapping[str, Any]) -> list[float]:
    """Where there are points, or 1 where there are none."""
    return sorted({p["x"] for points in panel["curves"].values() for p in points}) or [1.0]
