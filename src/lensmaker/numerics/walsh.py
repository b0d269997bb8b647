"""The fast Walsh–Hadamard transform: a function of n bits as a polynomial in n signs, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def walsh_transform(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """All sums f̂(m) = Σ_s f(s) ∏_{i∈m} s_i over n signs, s_i = −1 where bit i of an index is set.

    Its own inverse but for a factor 2ⁿ. Takes n·2ⁿ additions.

    Parameters
    ----------
    values
        f at 2ⁿ indices; left as it is.

    Examples
    --------
    >>> walsh_transform(np.array([0.0, 1.0, 0.0, 0.0])).tolist()  # one weight on the first sign
    [1.0, -1.0, 1.0, -1.0]
    """
    out = np.array(values, dtype=np.float64)
    size = len(out)
    half = 1
    while half < size:
        pairs = out.reshape(-1, 2, half)
        difference = pairs[:, 0] - pairs[:, 1]
        pairs[:, 0] += pairs[:, 1]
        pairs[:, 1] = difference
        half *= 2
    return out
