"""A table of numbers as coloured cells, rows and columns named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import number
from lensmaker.report.png import diverging


def heat_map(data: Mapping[str, Any]) -> Mosaic:
    """Blue where the value is lowest, orange where it is highest.

    Parameters
    ----------
    data
        `title`, `caption`, `cells` (rows of numbers), `rows` and `columns`, their names, and what these count:
        `row_axis` and `column_axis`.
    """
    cells = np.asarray(data["cells"], dtype=np.float64)
    low, high = float(np.nanmin(cells)), float(np.nanmax(cells))
    middle, half = (low + high) / 2, (high - low) / 2 or 1.0
    colours = diverging(np.nan_to_num(cells, nan=middle) - middle, half)
    strip = diverging(np.linspace(-half, half, 120), half)
    return Mosaic(
        colours.reshape(-1, 1, 1, 3),
        columns=cells.shape[1],
        title=str(data["title"]),
        caption=str(data["caption"]),
        row_names=data["rows"],
        column_names=data["columns"],
        row_axis=data["row_axis"],
        column_axis=data["column_axis"],
        legend=strip,
        ends=[number(v) for v in (low, middle, high)],
    )
