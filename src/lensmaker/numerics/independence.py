"""Could these be independent draws from one law? Tests of a matrix, each with its p-value."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.marchenko_pastur import MarchenkoPastur

Floats = NDArray[np.float64]


def entries_p(entries: Floats) -> float:
    r"""Kolmogorov's test of the entries against the laws that weights are drawn from.

    √N sup|F_N − F| with F the normal law of mean 0 truncated to |w| ≤ max|w|, which has the Gaussian and
    the uniform law as its limits. F is fitted to ⟨w²⟩ and max|w|, which makes the test conservative.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> entries_p(rng.uniform(-1, 1, 9999)) > 0.01, entries_p(rng.standard_t(3, 9999)) < 1e-6
    (True, True)
    """
    from scipy.special import kolmogorov

    x = np.sort(entries, axis=None)
    N = len(x)
    bound = (1 + 1 / N) * max(-x[0], x[-1])
    F, i = _truncated_normal_cdf(x / bound, float(np.mean((x / bound) ** 2))), np.arange(N)
    D = max((F - i / N).max(), ((i + 1) / N - F).max())
    return float(kolmogorov(math.sqrt(N) * D))


def _truncated_normal_cdf(x: Floats, second_moment: float) -> Floats:
    """Cdf on [−1, 1] of a centred normal law of scale 1/t cut at ±1, with the given second moment."""
    from scipy.optimize import brentq
    from scipy.special import erf

    def excess(t: float) -> float:
        half = math.erf(t / math.sqrt(2))
        return 1 / t**2 - math.sqrt(2 / math.pi) * math.exp(-t * t / 2) / (t * half) - second_moment

    if excess(0.05) <= 0:  # as wide as the uniform law, of second moment ⅓, or wider
        return (x + 1) / 2
    t = brentq(excess, 0.05, 2 / math.sqrt(second_moment))
    return 0.5 + 0.5 * erf(t * x / math.sqrt(2)) / math.erf(t / math.sqrt(2))


def rows_p(matrix: Floats) -> float:
    r"""Whether the rows' mean squares m_i spread more than independent entries allow.

    T = n Σ (m_i − ⟨m⟩)² / Var(w²) over p rows of n has mean p − 1 and variance
    (p−1)² (κ/(np) + 2/(p−1)), κ the excess kurtosis of w²; the χ² law of these moments gives the p-value.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> w = rng.normal(size=(50, 80))
    >>> rows_p(w) > 0.01, rows_p(w * np.linspace(0.7, 1.3, 50)[:, None]) < 1e-9
    (True, True)
    """
    return rows_and_columns_p(matrix)[0]


def rows_and_columns_p(matrix: Floats) -> tuple[float, float]:
    """`rows_p` of a matrix and of its transpose."""
    squares = matrix**2
    mean = squares.mean()
    deviation = squares - mean
    variance = np.vdot(deviation, deviation) / deviation.size
    if not variance:
        return 1.0, 1.0
    np.multiply(deviation, deviation, out=deviation)
    κ = np.vdot(deviation, deviation) / deviation.size / variance**2 - 3
    p_values = (_spread_p(squares.mean(axis) - mean, matrix.size, variance, κ) for axis in (1, 0))
    rows, columns = p_values
    return rows, columns


def _spread_p(deviations: Floats, size: int, variance: float, κ: float) -> float:
    from scipy.special import gammaincc

    p = len(deviations)
    if p < 2:
        return 1.0
    T = size / p * (deviations**2).sum() / variance
    spread = (p - 1) ** 2 * max(κ / size + 2 / (p - 1), 0.1 / (p - 1))
    scale = spread / (2 * (p - 1))
    return float(gammaincc((p - 1) / (2 * scale), T / (2 * scale)))


def bulk_p(eigenvalues: Floats, n: int) -> float:
    r"""Whether the eigenvalues of XXᵀ, X [p, n], lie as the Marchenko–Pastur law says.

    The eigenvalues of a random matrix are rigid: p sup|F_p − F| grows as ln p only. In simulated
    matrices, Gaussian and uniform, of 2 to 768 rows its mean is below 0.35 + 0.42 ln p and its upper
    tail below exp(−1.6 z), z the distance from there in units of 0.3: this bound is the p-value.

    References
    ----------
    F. Götze, A. Tikhomirov, Bernoulli 10 (2004) 503, for the rate of convergence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bulk_p(np.linalg.eigvalsh(np.cov(rng.normal(size=(40, 81)), bias=True)), 80) > 0.01
    True
    >>> bulk_p(np.ones(40), 80) < 1e-9
    True
    """
    p = len(eigenvalues)
    law = MarchenkoPastur(p / n, float(eigenvalues.mean()))
    F, i = law.cdf(np.sort(eigenvalues)), np.arange(p)
    D = max((p * F - i).max(), (i + 1 - p * F).max())
    z = (D - 0.35 - 0.42 * math.log(p)) / 0.3
    return math.exp(-1.6 * max(0.0, z))
