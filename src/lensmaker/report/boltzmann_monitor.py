"""What the monitor of a training read, over epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lensmaker.report.criticality_figure import BLUE, GREY, ORANGE
from lensmaker.report.figure_page import figure_page

if TYPE_CHECKING:
    import plotly.graph_objects as go

HELD_OUT = "held_out_"
ENDS = ("_error", "_low", "_high")
"""What the name of a number ends in that belongs to another one: its standard error, or its interval."""

ERRORS = {"mixing_time": "mixing_error"}
"""Errors whose names are others."""

NOT_READ = ("epoch", "updates")


@dataclass(frozen=True)
class Panel:
    """What is said about a reading.

    Attributes
    ----------
    name
        Of the number.
    title, unit
        Above the panel, and beside its axis.
    caption
        What it means that the curve rises or falls.
    """

    name: str
    title: str
    unit: str
    caption: str


PANELS = (
    Panel(
        "log_likelihood",
        "log-likelihood",
        "nats a row",
        "Mean ln P(v), with ln Z by annealing and the 95 % interval that it leaves: what is to be large. Where "
        "annealing up and down do not meet the point is open, and is not to be trusted.",
    ),
    Panel(
        "pseudo_likelihood",
        "pseudo-likelihood",
        "nats a row",
        "Σ_i ln P(v_i | all others), from one unit drawn for each row. It rises while the machine learns; where the "
        "rows held out fall behind the rows learned from, it learns by heart. No bound on the likelihood.",
    ),
    Panel(
        "free_energy_gap",
        "free-energy gap",
        "nats",
        "Mean free energy of rows held out less that of rows learned from: 0 where both are alike to the machine; "
        "it grows when the machine learns by heart.",
    ),
    Panel(
        "reconstruction",
        "reconstruction",
        "squared difference a unit",
        "Data against their means after one sweep. It falls for any machine that copies: no measure of quality.",
    ),
    Panel(
        "mixing_time",
        "mixing time of the chains",
        "sweeps",
        "Integrated autocorrelation time of the slowest observable, with its error; open where the series is too short "
        "to tell. Persistent chains that remember for longer than the machine takes to change are biased.",
    ),
    Panel("largest_weight", "largest weight", "|W|", "It grows without end where training runs away."),
)
"""In the order in which they are drawn."""


def monitor_figure(data: Mapping[str, Any]) -> go.Figure:
    """One panel for each reading that has numbers.

    Parameters
    ----------
    data
        `machine`, a name; `reason`, why the training ended; `rows`, a mapping of numbers for each reading, with
        `epoch`. `X_error`, or `X_low` and `X_high`, are drawn about X, and `held_out_X` beside it.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    panels, rows = shown(data["rows"]), data["rows"]
    if not panels:
        return go.Figure(layout={"template": "plotly_white", "title": "no readings"})
    lines = -(-len(panels) // 2)
    figure = make_subplots(
        lines,
        2,
        subplot_titles=[p.title for p in panels],
        vertical_spacing=0.32 / lines,
        horizontal_spacing=0.1,
    )
    for k, panel in enumerate(panels):
        place = {"row": k // 2 + 1, "col": k % 2 + 1}
        both = _known(rows, HELD_OUT + panel.name)
        label = "learned from" if both else panel.title
        figure.add_trace(_curve(rows, panel.name, label, BLUE, go), **place)
        if both:
            figure.add_trace(_curve(rows, HELD_OUT + panel.name, "held out", ORANGE, go), **place)
        figure.update_xaxes(title_text="epoch", rangemode="tozero", **place)
        figure.update_yaxes(title_text=panel.unit, tickformat="~g", **place)
        if panel.name == "free_energy_gap":
            figure.add_hline(0, line={"color": GREY, "dash": "dot", "width": 1}, **place)
    figure.update_layout(
        template="plotly_white",
        font={"family": "system-ui, sans-serif", "size": 13},
        showlegend=False,
        hovermode="x unified",
        height=340 * lines + 60,
        margin={"t": 50, "l": 80, "r": 30, "b": 50},
    )
    return figure


def monitor_html(data: Mapping[str, Any]) -> str:
    """The figure with its captions as one page that needs nothing else to open."""
    from plotly.offline import get_plotlyjs

    figure = monitor_figure(data).to_html(
        full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True}
    )
    caption = f"{data['reason'][:1].upper()}{data['reason'][1:]}."
    if any(_known(data["rows"], HELD_OUT + p.name) for p in shown(data["rows"])):
        caption += " Blue: rows that are learned from; orange: rows held out."
    captions = [(p.title, p.caption) for p in shown(data["rows"])]
    title = f"Training of {data['machine']}"
    return figure_page(title, caption, figure, captions=captions, script=get_plotlyjs())


def shown(rows: Sequence[Mapping[str, Any]]) -> tuple[Panel, ...]:
    """The panels that have numbers: those that are known, then one for each number with a name of its own."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = {p.name for p in PANELS}
    others = [
        Panel(n, n.replace("_", " "), "", "As the monitor read it.")
        for n in names
        if n not in known and n not in NOT_READ and not n.startswith(HELD_OUT) and not _belongs(n, names)
    ]
    return tuple(p for p in (*PANELS, *others) if _known(rows, p.name))


def _belongs(name: str, names: Sequence[str]) -> bool:
    if name in ERRORS.values():
        return True
    return any(name.endswith(end) and name.removesuffix(end) in names for end in ENDS)


def _known(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return any(_finite(row.get(name)) is not None for row in rows)


def _finite(value: Any) -> float | None:
    number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if number else None


def _curve(rows: Sequence[Mapping[str, Any]], name: str, label: str, color: str, go: Any) -> Any:
    read = [row for row in rows if _finite(row.get(name)) is not None]
    about = [_about(row, name) for row in read]
    bars: dict[str, Any] = {}
    if any(up is not None for _, up in about):
        down, up = zip(*about, strict=True)
        bars["error_y"] = {
            "array": up,
            "arrayminus": down,
            "symmetric": False,
            "thickness": 1.2,
            "width": 3,
        }
    symbols = ["circle-open" if _untold(row, name) else "circle" for row in read]
    return go.Scatter(
        x=[row["epoch"] for row in read],
        y=[float(row[name]) for row in read],
        mode="lines+markers" if len(read) < 60 or "circle-open" in symbols else "lines",
        marker={
            "color": color,
            "size": [9 if s == "circle-open" else 6 for s in symbols],
            "symbol": symbols,
            "line": {"width": 1.5, "color": color},
            "opacity": 1,
        },
        line={"color": color, "width": 2},
        name=label,
        **bars,
    )


def _about(row: Mapping[str, Any], name: str) -> tuple[float | None, float | None]:
    """How far a bar goes down and up: of rows held out as far as that of the rows learned from, whose ln Z is one."""
    of = name if f"{name}_low" in row or _error(name) in row else name.removeprefix(HELD_OUT)
    at, low, high = (_finite(row.get(n)) for n in (of, f"{of}_low", f"{of}_high"))
    if at is not None and low is not None and high is not None:
        return at - low, high - at
    error = _finite(row.get(_error(of)))
    return error, error


def _untold(row: Mapping[str, Any], name: str) -> bool:
    """Whether the error is not known, though there is one."""
    of = name if _error(name) in row else name.removeprefix(HELD_OUT)
    return row.get(_error(of)) == math.inf


def _error(name: str) -> str:
    return ERRORS.get(name, f"{name}_error")
