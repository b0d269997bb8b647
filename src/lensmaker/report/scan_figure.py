"""A scan over temperatures as a figure: measured points with errors, exact curves behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lensmaker.core import quantity
from lensmaker.report.criticality_figure import BLUE, GREY, ORANGE

if TYPE_CHECKING:
    import plotly.graph_objects as go


def scan_figure(data: Mapping[str, Any]) -> go.Figure:
    """One panel for each quantity that is shown.

    Parameters
    ----------
    data
        What `Scan.to_dict()` gives: `system`, `shown`, `rows` of `temperature`, `quantity`, `value`, `error`, and
        `curves`: quantity → label, temperatures and values.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    names = list(data["shown"])
    titles = [f"{name.replace('_', ' ')} {quantity(name).symbol}" for name in names]
    figure = make_subplots(-(-len(names) // 2), 2, subplot_titles=titles, vertical_spacing=0.14)
    for k, name in enumerate(names):
        place = {"row": k // 2 + 1, "col": k % 2 + 1}
        for label, x, y in data["curves"].get(name, ()):
            line = {"color": GREY if label == "exact" else ORANGE, "width": 2}
            if label != "exact":
                line["dash"] = "dot"
            figure.add_trace(go.Scatter(x=x, y=y, mode="lines", line=line, name=label), **place)
        points = [row for row in data["rows"] if row["quantity"] == name]
        figure.add_trace(
            go.Scatter(
                x=[row["temperature"] for row in points],
                y=[row["value"] for row in points],
                error_y={"array": [row["error"] for row in points], "width": 3, "thickness": 1.2},
                mode="markers",
                marker={"color": BLUE, "size": 6},
                name="measured",
            ),
            **place,
        )
        figure.update_xaxes(title_text="T", **place)
    figure.update_layout(
        title={"text": data["system"], "x": 0.02},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=False,
        height=760,
    )
    return figure


def scan_html(data: Mapping[str, Any]) -> str:
    """The figure as one HTML page that needs nothing else to open."""
    page = scan_figure(data).to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False})
    head = "<head><title>Scan over temperatures</title>"
    return str(page).replace("<head>", head, 1).replace("<html>", '<html lang="en">', 1)
