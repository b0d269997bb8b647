r"""ln 2 cosh(b + Σ_i w_i s_i) as a polynomial in spins: what one spin does to those that it is summed out of.

f(s) = Σ_c K_c ∏_{i∈c} s_i. Of few spins all K_c are a Walsh transform. Of any number of them, with

    ln 2 cosh x = ln 2 + ∫₀^∞ (1 − cos xt)/(t sinh(πt/2)) dt,

whose second derivative is sech² x, the mean over independent spins of each product is an integral in one dimension:

    K_c = −∫₀^∞ σ_c(t) ∏_{i∈c} sin(w_i t) ∏_{i∉c} cos(w_i t)/(t sinh(πt/2)) dt,
    σ_c = (−1)^k cos bt for 2k spins,   −(−1)^k sin bt for 2k + 1.

Its leading term for small w is the cumulant K_c ≈ κ_c(b) ∏_{i∈c} w_i, κ_c the derivative of ln 2 cosh of order |c|.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.walsh import walsh_transform
from lensmaker.systems.spins.lattices import Integers

Values = NDArray[np.float64]

FAR = 20.0
"""Half of the exponent up to which the sum for the integral is exact: e^{−40}."""

_BLOCK = 1 << 22
"""Numbers at a time."""


def all_orders(bias: float, weights: Values) -> Values:
    """K_c of every set c, at the index that has the bits of c set, (2^n,).

    Examples
    --------
    >>> K = all_orders(0.0, np.array([0.7, 0.7]))
    >>> bool(abs(K[3] - math.log(math.cosh(1.4)) / 2) < 1e-15)
    True
    """
    x = np.array([bias])
    for w in weights:
        x = np.concatenate([x + w, x - w])
    size = np.abs(x)
    return walsh_transform(size + np.log1p(np.exp(-2 * size))) / len(x)


class Integral:
    """K_c of one hidden spin for chosen sets c, at any number of spins.

    The sum over t = (n + ½) h is the integral but for the images at a distance 2π/h in x, where the differences of
    ln 2 cosh have died out as e^{−2x}.

    Examples
    --------
    >>> w = np.linspace(-1, 1.2, 12)
    >>> exact = all_orders(0.3, w)
    >>> bool(abs(Integral(0.3, w).pairs()[0, 5] - exact[(1 << 0) | (1 << 5)]) < 1e-15)
    True
    """

    def __init__(self, bias: float, weights: Values) -> None:
        step = 2 * math.pi / (abs(bias) + float(np.abs(weights).sum()) + FAR)
        t = (np.arange(math.ceil(26 / step)) + 0.5) * step
        self._measure = step / (t * np.sinh(math.pi * t / 2))
        cos = np.cos(t[:, None] * weights)
        # no cosine of a double is exactly zero, and a quotient takes the rounding of its factor back
        self._tan = np.sin(t[:, None] * weights) / cos
        self._product = cos.prod(1)
        self._even, self._odd = np.cos(bias * t), np.sin(bias * t)

    def constant(self) -> float:
        """K of no spin."""
        return math.log(2) + float(self._measure @ (1 - self._even * self._product))

    def fields(self) -> Values:
        """K_i, (n,)."""
        return np.asarray(self._weight(1) @ self._tan)

    def pairs(self) -> Values:
        """K_ij, (n, n); the diagonal means nothing."""
        return np.asarray(self._tan.T @ (self._weight(2)[:, None] * self._tan))

    def products(self, cliques: Integers) -> Values:
        """K_c of each row of sites, all of one order, (m, k) → (m,)."""
        weight = self._weight(cliques.shape[1])
        found = np.zeros(len(cliques))
        for rows in _parts(len(cliques), _BLOCK // len(weight)):
            terms = np.ones((len(weight), len(found[rows])))
            for sites in cliques[rows].T:
                terms *= self._tan[:, sites]
            found[rows] = weight @ terms
        return found

    def _weight(self, order: int) -> Values:
        """−σ_c ∏ cos/(t sinh(πt/2)) dt for sets of so many spins."""
        sign = (-1.0) ** (order // 2)
        σ = sign * self._even if order % 2 == 0 else -sign * self._odd
        return np.asarray(-self._measure * σ * self._product)


def _parts(total: int, size: int) -> Iterator[slice]:
    step = max(1, size)
    return (slice(first, first + step) for first in range(0, total, step))
