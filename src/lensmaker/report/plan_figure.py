"""The plan of a polynomial as a figure: hidden units, and reachable error, by depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lensmaker.report.curves import curves_html, curves_svg


def plan_charts(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two charts over the number of hidden layers.

    Parameters
    ----------
    data
        What `NetworkPlan.to_dict()` gives; of it `polynomial`, `activation`, `dtype`, `accuracy` and `constructions`.
    """
    rows = data["constructions"]
    curve = [row for row in rows if row["network"] in ("flat", "layers")]
    others = [row for row in rows if row not in curve]
    units: list[dict[str, Any]] = [_series("as few as k layers take", curve, "units", "line")]
    errors = [_series("as few as k layers take", curve, "error", "line")]
    for row in others:
        units.append(_series(row["network"].replace(", ", " "), [row], "units", "points"))
        errors.append(_series(row["network"].replace(", ", " "), [row], "error", "points"))
    if data["accuracy"] is not None:
        ends = [(row["layers"], data["accuracy"]) for row in rows]
        errors.append({"label": "asked for", "kind": "dashed", "points": [min(ends), max(ends)]})
    named = f"{data['polynomial']}, {data['activation']}, {data['dtype']}"
    above = {
        "title": f"Networks that compute {named}",
        "caption": "Hidden units, and below the largest error over inputs in [−1, 1] that truncation and rounding "
        "leave, by the number of hidden layers.",
        "axes": ("hidden layers", "hidden units"),
        "log": (False, True),
        "series": units,
    }
    below = {
        "title": "Reachable error",
        "caption": "At the best weight scale and bias of each gate; 1 where no digit is left.",
        "axes": ("hidden layers", "largest error"),
        "log": (False, True),
        "series": [s for s in errors if s["points"]],
    }
    return above, below


def plan_file(data: Mapping[str, Any], suffix: str) -> bytes:
    """What a file of this kind holds: `.html` a page with both charts, `.svg` that of the units alone."""
    above, below = plan_charts(data)
    return (curves_svg(above) if suffix == ".svg" else curves_html(above, below)).encode()


def _series(label: str, rows: list[Mapping[str, Any]], name: str, kind: str) -> dict[str, Any]:
    points = [(row["layers"], _number(row[name])) for row in rows if row[name] is not None]
    return {"label": label, "kind": kind, "points": points}


def _number(value: Any) -> float:
    """Units of many digits come as 2^64 or 1.61e60; what is beyond all floats is not drawn."""
    if isinstance(value, str):
        base, _, power = value.partition("^")
        if not power:
            return float(value) if value[0].isdigit() else float("inf")
        return 2.0 ** int(power) if base == "2" and int(power) < 1000 else float("inf")
    return float(value)
