"""The criticality of an activation as a figure: critical line, maps of q and c, depth scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lensmaker.report.numbers import number

if TYPE_CHECKING:
    import plotly.graph_objects as go

BLUE, ORANGE, RED, GREY = "#4a86d8", "#e07b1f", "#d6336c", "#8a94a2"
PANELS = ("critical line", "second moment, layer to layer", "correlation, layer to layer", "depth scales")


def criticality_figure(data: Mapping[str, Any]) -> go.Figure:
    """Four panels: σ_w(σ_b) with its phases, V(q), C(c), and ξ_q and ξ_c against σ_w.

    Parameters
    ----------
    data
        What `CriticalityRecord.to_dict()` gives: `activation`, `sigma_w`, `sigma_b`, `critical_sigma_w`,
        `phase`, `universality`, `explanation`, `notes`, `predictions` (rows of `quantity` and `value`), and
        the curves `line`, `q_map`, `c_map`, `xi_q`, `xi_c`, each an `x` and a `y`. None is a gap.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    figure = make_subplots(2, 2, subplot_titles=PANELS, horizontal_spacing=0.1, vertical_spacing=0.16)
    values = {row["quantity"]: row["value"] for row in data["predictions"]}
    for trace in _line(data, go):
        figure.add_trace(trace, 1, 1)
    for trace in _map(data["q_map"], values["fixed_point_q"], "V(q)", go):
        figure.add_trace(trace, 1, 2)
    for trace in _map(data["c_map"], values["fixed_point_c"], "C(c)", go):
        figure.add_trace(trace, 2, 1)
    for trace in _scales(data, go):
        figure.add_trace(trace, 2, 2)
    if data["critical_sigma_w"] is not None:
        figure.add_vline(
            data["critical_sigma_w"], line={"color": RED, "dash": "dot", "width": 1}, row=2, col=2
        )
    for row, column, x, y in (
        (1, 1, "σ_b", "σ_w"),
        (1, 2, "q of one layer", "q of the next"),
        (2, 1, "c of one layer", "c of the next"),
        (2, 2, "σ_w", "layers"),
    ):
        figure.update_xaxes(title_text=x, row=row, col=column)
        figure.update_yaxes(title_text=y, row=row, col=column)
    figure.update_xaxes(rangemode="tozero", row=1, col=1)
    figure.update_yaxes(type="log", dtick=1, row=2, col=2)
    _say_what_is_missing(figure, data)
    figure.update_layout(
        title={"text": _title(data), "x": 0.02, "y": 0.97, "yanchor": "top"},
        margin={"t": 150, "l": 70, "r": 30, "b": 60},
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=False,
        height=840,
    )
    return figure


def criticality_html(data: Mapping[str, Any]) -> str:
    """The figure as one HTML page that needs nothing else to open."""
    page = criticality_figure(data).to_html(
        include_plotlyjs=True, full_html=True, config={"displaylogo": False}
    )
    head = f"<head><title>Criticality of {data['activation']}</title>"
    return str(page).replace("<head>", head, 1).replace("<html>", '<html lang="en">', 1)


def _title(data: Mapping[str, Any]) -> str:
    layer = f"σ_w = {number(data['sigma_w'], 5)}, σ_b = {number(data['sigma_b'], 5)}"
    lines = [f"<b>{data['activation']}</b> at {layer}: {data['phase']}; class: {data['universality']}"]
    for sentence in (data["explanation"], *data["notes"][:2]):
        lines += _wrapped(sentence, 150)
    small = "".join(f"<br>{line}" for line in lines[1:5])
    return f'{lines[0]}<span style="font-size:12px">{small}</span>'


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _line(data: Mapping[str, Any], go: Any) -> list[Any]:
    x, y = data["line"]["x"], data["line"]["y"]
    traces = []
    if len(x) > 1:
        ceiling = [max(y) + 0.35 * (max(y) - min(y)) + 0.05] * len(x)
        floor = [min(y) - 0.35 * (max(y) - min(y)) - 0.05] * len(x)
        traces = [
            _area(x, floor, None, go),
            _area(x, y, "rgba(74,134,216,.14)", go),
            _area(x, ceiling, "rgba(224,123,31,.14)", go),
            go.Scatter(x=x, y=y, mode="lines", line={"color": RED, "width": 2.5}, name="χ₁ = 1"),
            go.Scatter(
                x=[(x[0] + x[-1]) / 2] * 2,
                y=[(min(y) + 5 * ceiling[0]) / 6, (max(y) + 5 * floor[0]) / 6],
                text=["chaotic, χ₁ > 1", "ordered, χ₁ < 1"],
                mode="text",
                hoverinfo="skip",
            ),
        ]
    elif x:
        marker = {"color": RED, "size": 13, "symbol": "diamond-open", "line": {"width": 2}}
        traces = [
            go.Scatter(
                x=x, y=y, mode="markers", marker=marker, name="χ₁ = 1, the only point", cliponaxis=False
            )
        ]
    here = go.Scatter(
        x=[data["sigma_b"]],
        y=[data["sigma_w"]],
        mode="markers",
        marker={"color": "black", "size": 9},
        name="here",
        cliponaxis=False,
    )
    return [*traces, here]


def _area(x: Sequence[float], y: Sequence[float], color: str | None, go: Any) -> Any:
    fill = {"fill": "tonexty", "fillcolor": color} if color else {}
    return go.Scatter(x=x, y=y, mode="lines", line={"width": 0}, hoverinfo="skip", **fill)


def _map(curve: Mapping[str, Any], fixed_point: float | None, name: str, go: Any) -> list[Any]:
    x = curve["x"] or [0.0, 1.0]
    ends = [min(0.0, x[0]), x[-1]]
    traces = [
        go.Scatter(
            x=ends, y=ends, mode="lines", line={"color": GREY, "dash": "dash", "width": 1}, name="unchanged"
        ),
        go.Scatter(x=curve["x"], y=curve["y"], mode="lines", line={"color": BLUE, "width": 2.5}, name=name),
    ]
    if fixed_point is not None:
        traces.append(
            go.Scatter(
                x=[fixed_point],
                y=[fixed_point],
                mode="markers+text",
                marker={"color": "black", "size": 9},
                text=[number(fixed_point, 4)],
                textposition="bottom right" if fixed_point < 0.9 * x[-1] else "top left",
                name="fixed point",
            )
        )
    return traces


def _scales(data: Mapping[str, Any], go: Any) -> list[Any]:
    traces = []
    for key, symbol, color, place in (
        ("xi_q", "ξ_q", BLUE, "top right"),
        ("xi_c", "ξ_c", ORANGE, "bottom right"),
    ):
        x, y = data[key]["x"], data[key]["y"]
        line = {"color": color, "width": 2.5}
        traces.append(go.Scatter(x=x, y=y, mode="lines+markers", marker={"size": 4}, line=line, name=symbol))
        ends = [i for i, value in enumerate(y) if value is not None]
        if ends:
            label = {"x": [x[ends[-1]]], "y": [y[ends[-1]]], "text": [symbol], "textposition": place}
            traces.append(
                go.Scatter(**label, mode="text", textfont={"color": color, "size": 15}, hoverinfo="skip")
            )
    return traces


def _say_what_is_missing(figure: go.Figure, data: Mapping[str, Any]) -> None:
    """An empty panel says why it is empty."""
    empty = {
        ("x", "y"): "" if data["line"]["x"] else "no critical line",
        ("x3", "y3"): "" if data["c_map"]["x"] else "no correlation map: q has no finite fixed point above 0",
        ("x4", "y4"): ""
        if any(v is not None for v in [*data["xi_q"]["y"], *data["xi_c"]["y"]])
        else "no depth scales",
    }
    for (x, y), text in empty.items():
        if text:
            figure.add_annotation(
                text=text,
                x=0.5,
                y=0.85,
                xref=f"{x} domain",
                yref=f"{y} domain",
                showarrow=False,
                font={"color": GREY},
            )
