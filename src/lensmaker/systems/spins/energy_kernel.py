"""The compiled sums over the products of terms; imported where it is used, for numba is heavy."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, parallel=True)
def accumulate(
    spins: NDArray[np.int8],
    cliques: NDArray[np.int64],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Add Σ_c w_c ∏_{i∈c} s_i of each configuration, (M, N), to `out`, (M,)."""
    for row in prange(len(spins)):
        s, total = spins[row], 0.0
        for c in range(len(cliques)):
            sign = 1
            for k in range(cliques.shape[1]):
                sign *= s[cliques[c, k]]
            total += weights[c] * sign
        out[row] += total


@njit(cache=True)
def total(
    spins: NDArray[np.int8],
    ends: NDArray[np.int64],
    sites: NDArray[np.int64],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """The sum of all products of each configuration, (M, N) → (M,); product p ends before sites[ends[p]]."""
    for row in range(len(spins)):
        s, at, found = spins[row], 0, 0.0
        for p in range(len(ends)):
            sign = 1
            while at < ends[p]:
                sign *= s[sites[at]]
                at += 1
            found += values[p] * sign
        out[row] = found
