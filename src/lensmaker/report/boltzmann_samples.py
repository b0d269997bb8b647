"""Samples of a machine: a row for each chain, a column for each moment that is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lensmaker.report.mosaic import Mosaic
from lensmaker.report.numbers import number
from lensmaker.report.png import grey


def samples(data: Mapping[str, Any], most: int = 16) -> Mosaic:
    """The history of some chains, from where they started to the samples.

    Parameters
    ----------
    data
        `machine`, a name; `history`, (moments, chains, units); `sweeps`, when the moments were; `shape`, the sides of a
        picture, layers of three one above the other; `start`, where the chains began; `shown`, what the pictures are
        of, "samples" or "means".
    most
        Chains that are shown.
    """
    history = np.asarray(data["history"], float)[:, :most]
    moments, chains, _ = history.shape
    *above, width = data["shape"]
    height = math.prod(above)
    low, high = (float(f(history)) for f in (np.min, np.max))
    pictures = history.transpose(1, 0, 2).reshape(moments * chains, height, width)
    caption = (
        f"{chains} chains that began {data['start']}, one a row: {data['shown']} after each number of Gibbs "
        "sweeps. Chains that mix end with pictures that have nothing to do with where they began; chains that "
        "stay where they were say that more sweeps are needed."
    )
    strip = np.linspace(low, high, 121)
    return Mosaic(
        grey(pictures, low, high),
        columns=moments,
        title=f"Samples of {data['machine']}",
        caption=caption,
        row_names=[str(k + 1) for k in range(chains)],
        column_names=[f"{n:,}".replace(",", " ") for n in data["sweeps"]],
        row_axis="chain",
        column_axis="sweeps",
        legend=grey(strip, low, high),
        ends=(number(low), number(high)),
    )
