"""The compiled sum over the products of a term; imported where it is used, for numba is heavy."""

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
