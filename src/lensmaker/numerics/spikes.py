"""How many eigenvalues stand out of the noise: sequential tests of the largest one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics import tracy_widom
from lensmaker.numerics.marchenko_pastur import largest_eigenvalue_scale


@dataclass(frozen=True)
class Spikes:
    """Eigenvalues of XXᵀ that independent entries do not explain.

    Attributes
    ----------
    count
        How many stand above the edge.
    variance
        Variance of an entry of what remains without them.
    edge
        The eigenvalue above which the next one would have counted.
    excess
        The first eigenvalue above its centre for independent entries, over its scale: a Tracy–Widom variable.
    """

    count: int
    variance: float
    edge: float
    excess: float

    @property
    def p_value(self) -> float:
        """Probability of so large a first eigenvalue, were all entries independent."""
        return tracy_widom.survival(self.excess)


def find_spikes(eigenvalues: NDArray[np.float64], n: int, level: float = 1e-3) -> Spikes:
    r"""Remove the largest eigenvalue for as long as it is too large for the rest.

    With k eigenvalues removed, a noise matrix of p−k rows and n−k columns remains, and

    σ_k² = Σ_{j>k} ℓ_j / ((p−k)(n−k)),  ℓ_{k+1} is a spike if ℓ_{k+1} > σ_k² (μ + t s)

    μ, s are the centre and scale of its largest eigenvalue, t the Tracy–Widom quantile of `level`. A
    matrix of independent entries has a spike at most at that rate: the first eigenvalue is a part of
    its own yardstick σ_0², which makes the test conservative for few rows. Spikes are masked only
    where most of the variance is in many of nearly equal size.

    Parameters
    ----------
    eigenvalues
        All p eigenvalues ℓ₁ ≥ ℓ₂ ≥ … of XXᵀ, X [p, n], p ≤ n; descending, none negative.
    n
        Columns of X.
    level
        False-alarm rate of a matrix.

    References
    ----------
    S. Kritchman, B. Nadler, IEEE Trans. Signal Process. 57 (2009) 3930; here both sides lose k, for
    spikes may be many.

    Examples
    --------
    >>> find_spikes(np.array([900.0] + [100.0] * 50), n=100).count
    1
    """
    p, t = len(eigenvalues), tracy_widom.quantile(level)
    rest = np.cumsum(eigenvalues[::-1])[::-1]
    for k in range(p):
        μ, s = largest_eigenvalue_scale(p - k, n - k)
        variance = float(rest[k]) / ((p - k) * (n - k))
        if k == 0:
            excess = (eigenvalues[0] / variance - μ) / s if variance else -math.inf
        # The last eigenvalue is all that is left, and never above its own edge.
        if eigenvalues[k] <= variance * (μ + t * s):
            break
    return Spikes(k, variance, variance * (μ + t * s), float(excess))
