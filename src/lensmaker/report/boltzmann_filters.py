"""The filters of hidden units: their weights as pictures, those of largest norm first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lensmaker.report.mosaic import Mosaic, wide
from lensmaker.report.numbers import number
from lensmaker.report.png import diverging

CLIPPED = 0.998
"""Share of the weights whose colours tell them apart: a few large ones would leave all others white."""


def filters(data: Mapping[str, Any], most: int = 150) -> Mosaic:
    """A picture for each hidden unit, all on one scale of colours.

    Parameters
    ----------
    data
        `machine`, a name; `weights`, (hidden units, visible units); `shape`, the sides of a picture, layers
        of three one above the other; `of`, what a picture is of, "hidden units" or "kernels".
    most
        Pictures that are shown.
    """
    weights = np.asarray(data["weights"], float)
    norms = np.linalg.norm(weights, axis=1)
    order = np.argsort(-norms, kind="stable")[:most]
    scale = float(np.quantile(np.abs(weights), CLIPPED))
    scale = scale or float(np.abs(weights).max())
    *above, width = data["shape"]
    height = math.prod(above)
    chosen = weights[order].reshape(len(order), height, width)
    beyond = f"; {number(100 * float((np.abs(weights) > scale).mean()), 2)} % of all weights are beyond it"
    shown = f"{len(order)} of {len(weights)}" if len(order) < len(weights) else f"All {len(order)}"
    caption = (
        f"{shown} {data['of']}, row by row from the largest norm, {number(norms[order[0]])}, to "
        f"{number(norms[order[-1]])}. Blue weights are negative, orange ones positive; all pictures have one "
        f"scale, which ends at ±{number(scale)}{beyond if scale < np.abs(weights).max() else ''}. "
        "A picture without a pattern is a unit that has learned nothing."
    )
    columns = wide(len(order) * height // width or 1)
    return Mosaic(
        diverging(chosen, scale),
        columns=min(columns, len(order)),
        title=f"Filters of {data['machine']}",
        caption=caption,
        legend=diverging(np.linspace(-scale, scale, 121), scale),
        ends=(f"−{number(scale)}", "weight 0", number(scale)),
    )
