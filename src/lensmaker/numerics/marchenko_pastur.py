"""The Marchenko–Pastur law: the spectrum of a large random matrix with independent entries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lensmaker.core import InputError


@dataclass(frozen=True)
class MarchenkoPastur:
    r"""Limit of the eigenvalue distribution of XXᵀ/n, X [p, n] with independent entries, p/n → λ.

    density(x) = √((λ₊ − x)(x − λ₋)) / (2π σ² λ x),  λ± = σ²(1 ± √λ)²

    Parameters
    ----------
    ratio
        λ = p/n in (0, 1]: of a matrix and its transpose take the one with fewer rows.
    variance
        σ², the variance of an entry.

    Raises
    ------
    InputError
        If the ratio is not in (0, 1] or the variance not positive.

    References
    ----------
    V. A. Marchenko, L. A. Pastur, Math. USSR Sbornik 1 (1967) 457.

    Examples
    --------
    The square case is Wigner's quarter circle in the singular values:

    >>> law = MarchenkoPastur(1.0)
    >>> law.lower, law.upper, round(float(law.cdf(1.0)), 6), round(law.median, 6)
    (0.0, 4.0, 0.608998, 0.652776)
    """

    ratio: float
    variance: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio <= 1:
            raise InputError("a ratio p/n in (0, 1]", f"{self.ratio}", "exchange rows and columns")
        if not self.variance > 0:
            raise InputError("a positive variance", f"{self.variance}", "pass the variance of an entry")

    @property
    def lower(self) -> float:
        """λ₋, below which there is no eigenvalue."""
        return self.variance * (1 - math.sqrt(self.ratio)) ** 2

    @property
    def upper(self) -> float:
        """λ₊, above which there is no eigenvalue."""
        return self.variance * (1 + math.sqrt(self.ratio)) ** 2

    def density(self, x: ArrayLike) -> NDArray[np.float64]:
        """Probability density of an eigenvalue at `x`; zero outside the edges."""
        x = np.asarray(x, dtype=np.float64)
        inside = (x > self.lower) & (x < self.upper)
        y = np.where(inside, x, self.upper)
        width = np.sqrt((self.upper - y) * (y - self.lower))
        return np.where(inside, width / (2 * math.pi * self.variance * self.ratio * y), 0.0)

    def cdf(self, x: ArrayLike) -> NDArray[np.float64]:
        r"""Probability of an eigenvalue below `x`.

        With σ² = 1 and r = √((λ₊ − x)/(x − λ₋)),

        2πλ F(x) = πλ + √((λ₊ − x)(x − λ₋)) − (1+λ) arctan((r² − 1)/2r)
                   + (1−λ) arctan((λ₋r² − λ₊)/(2(1−λ)r))
        """
        λ = self.ratio
        a, b = (1 - math.sqrt(λ)) ** 2, (1 + math.sqrt(λ)) ** 2
        x = np.asarray(x, dtype=np.float64) / self.variance
        inside = (x > a) & (x < b)
        y = np.where(inside, x, (a + b) / 2)
        r = np.sqrt((b - y) / (y - a))
        F = math.pi * λ + np.sqrt((b - y) * (y - a)) - (1 + λ) * np.arctan((r * r - 1) / (2 * r))
        # arctan2 also takes λ = 1, where the factor before it is zero.
        F = F + (1 - λ) * np.arctan2(a * r * r - b, 2 * (1 - λ) * r)
        return np.where(inside, F / (2 * math.pi * λ), (x >= b).astype(np.float64))

    def quantile(self, probability: float) -> float:
        """The x with F(x) = `probability`.

        Raises
        ------
        InputError
            If the probability is not in [0, 1].
        """
        if not 0 <= probability <= 1:
            raise InputError("a probability in [0, 1]", f"{probability}", "pass a fraction")
        if probability in (0, 1):  # where the cdf is flat
            return self.upper if probability else self.lower
        below, above = self.lower, self.upper
        for _ in range(60):
            middle = (below + above) / 2
            if self.cdf(middle) < probability:
                below = middle
            else:
                above = middle
        return (below + above) / 2

    @property
    def median(self) -> float:
        """Half of the eigenvalues are below it."""
        return self.quantile(0.5)


def largest_eigenvalue_scale(p: int, n: int) -> tuple[float, float]:
    r"""Centre μ and scale s of the largest eigenvalue ℓ of XXᵀ: (ℓ − μ)/s follows Tracy and Widom.

    μ = (√(n−½) + √(p−½))²,  s = (√(n−½) + √(p−½)) (1/√(n−½) + 1/√(p−½))^⅓

    for X [p, n] with independent standard Gaussian entries: Johnstone's scaling with Ma's halves, which
    make its error O(min(n, p)^(−2/3)). Entries of another law with fast tails have the same limit.

    References
    ----------
    I. M. Johnstone, Ann. Statist. 29 (2001) 295; Z. Ma, Bernoulli 18 (2012) 322.

    Examples
    --------
    >>> μ, s = largest_eigenvalue_scale(100, 400)
    >>> round(μ / (math.sqrt(400) + math.sqrt(100)) ** 2, 3), round(s, 2)
    (0.997, 15.93)
    """
    a, b = math.sqrt(n - 0.5), math.sqrt(p - 0.5)
    return (a + b) ** 2, (a + b) * (1 / a + 1 / b) ** (1 / 3)
