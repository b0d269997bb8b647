"""Series cut into blocks of time that are nearly independent, each long beside what the samples remember."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lensmaker.instruments.spins.ensemble import block_size


def blocks_of(series: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the block that each step is in, (chains, steps, k) → (chains, steps).

    A block is ten autocorrelation times of the slowest column where forty such blocks are in the series. What is left
    over at the end of a chain is of its last block.

    Examples
    --------
    >>> labels = blocks_of(np.random.default_rng(0).normal(size=(2, 4000, 1)))
    >>> bool(40 <= labels.max() + 1 <= 200), bool(labels[0].max() < labels[1].min())
    (True, True)
    """
    chains, steps = series.shape[:2]
    size = block_size(series)
    if size == 1:
        size = max(1, chains * steps // 100)
    size = min(size, steps)
    count = steps // size
    within = np.minimum(np.arange(steps) // size, count - 1)
    return np.asarray(np.arange(chains)[:, None] * count + within, np.int64)
