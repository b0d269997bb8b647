"""A field of independent normal numbers on N sites: what is expected of it about its largest one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Law(NamedTuple):
    """Mean and standard deviation of a statistic of one field, and how far the mean may be off."""

    mean: float
    deviation: float
    error: float = 0.0


def participation(N: int) -> Law:
    """(Σw²)²/Σw⁴ by the moments of Q = Σw⁴/(Σw²)², which is independent of Σw².

    μ = ⟨Q⟩ = 3/(N + 2), and ⟨1/Q⟩ = (1/μ)(1 + κ₂/μ² − κ₃/μ³ + 3κ₂²/μ⁴ − …): N/3 for large N.

    Examples
    --------
    >>> law = participation(1600)
    >>> round(law.mean, 2), round(law.deviation, 1), law.error < 0.01
    (534.88, 21.7, True)
    """
    S = [float(math.prod(N + 2 * k for k in range(2 * p))) for p in range(4)]  # ⟨(Σw²)^(2p)⟩
    fourth = 3 * N
    square = 105 * N + 9 * N * (N - 1)
    cube = 10395 * N + 3 * 105 * 3 * N * (N - 1) + 27 * N * (N - 1) * (N - 2)
    μ, second, third = fourth / S[1], square / S[2], cube / S[3]
    κ2, κ3 = second - μ**2, third - 3 * μ * second + 2 * μ**3
    last = 3 * κ2**2 / μ**4
    mean = (1 + κ2 / μ**2 - κ3 / μ**3 + last) / μ
    return Law(mean, math.sqrt(κ2) / μ**2, last / μ)


def largest_share(N: int) -> Law:
    """Max w²/Σw²: ⟨max w²⟩/N, with ⟨max w²⟩ = ∫ (1 − erf(x/√2)^N) 2x dx; its square alike with N(N + 2).

    Examples
    --------
    >>> round(largest_share(1).mean, 9), round(100 * largest_share(100).mean, 3)
    (1.0, 7.706)
    """
    x, dx = _nodes(0.0, math.sqrt(2 * math.log(N)) + 9, 400)
    beyond = -np.expm1(N * _log_erf(x))
    mean = float((beyond * 2 * x) @ dx) / N
    square = float((beyond * 4 * x**3) @ dx) / (N * (N + 2))
    return Law(mean, math.sqrt(max(square - mean**2, 0.0)))


def share_elsewhere(N: int) -> Law:
    """w²/Σw² of a site that is not the largest: all of these are alike, and ⟨Σw⁴/(Σw²)²⟩ = 3/(N + 2)."""
    largest = largest_share(N)
    mean = (1 - largest.mean) / (N - 1)
    square = (3 / (N + 2) - largest.mean**2 - largest.deviation**2) / (N - 1)
    return Law(mean, math.sqrt(square - mean**2))


def window_fraction(N: int, inside: int) -> Law:
    """Share of Σw² on the largest site and `inside` − 1 others, which share the rest evenly with those outside.

    Examples
    --------
    >>> round(window_fraction(1600, 81).mean, 5)  # a uniform field has 0.05063
    0.05762
    """
    largest = largest_share(N)
    a, b = inside - 1, N - inside
    part = a / (N - 1)
    apart = math.sqrt(2 * a * b / (N + 1)) / (N - 1)
    mean = largest.mean + (1 - largest.mean) * part
    return Law(mean, math.hypot(largest.deviation * (1 - part), (1 - largest.mean) * apart))


def neighbour_correlation(N: int) -> Law:
    """Σ_⟨ij⟩ w_i w_j/(2Σw²) on a torus of 2N bonds: 0 ± √(1/(2(N + 2))), both exactly."""
    return Law(0.0, math.sqrt(1 / (2 * (N + 2))))


@lru_cache(maxsize=64)
def sign_coherence(N: int, inside: int) -> Law:
    r"""|T|/A with T = Σw and A = Σ|w| over the largest site and n − 1 others, n = `inside`; about 1/√n.

    Given m = max |w|, the others are independent and normal between ±m, and with g(k, t) = ⟨cos(kw) e^{−t|w|}⟩

        ⟨|T|/A⟩ = (2/π) ∫ dk/k² ∫ dt e^{−tm} [g(0, t)^{n−1} − cos(km) g(k, t)^{n−1}],

    ⟨T²/A²⟩ = ∫ t dt e^{−tm} [m² g^{n−1} + (n − 1) ⟨w² e^{−t|w|}⟩ g^{n−2}] at k = 0, then averaged over m.

    Examples
    --------
    >>> sign_coherence(100, 1).mean, round(sign_coherence(1600, 81).mean, 4)
    (1.0, 0.1143)
    """
    if inside == 1:
        return Law(1.0, 0.0)
    others = inside - 1
    m, dm = _nodes(max(0.0, _median_of_largest(N) - 2.5), math.sqrt(2 * math.log(N)) + 7, 48)
    density = dm * N * np.exp((N - 1) * _log_erf(m) - m**2 / 2)
    density /= density.sum()
    u, du = _nodes(0.0, 1.0, 96)
    w = m[:, None] * u
    p = du * np.exp(-(w**2) / 2)
    p /= p.sum(1, keepdims=True)
    scale = m + others * (p * w).sum(1)  # ⟨A⟩ given m
    τ, dτ = np.polynomial.laguerre.laggauss(24)
    t = τ / scale[:, None]
    weight = dτ * np.exp(τ) / scale[:, None] * np.exp(-t * m[:, None])
    K = 9.0 / math.sqrt(others)
    k, dk = _nodes(0.0, K, 200)
    decay = p[:, None, :] * np.exp(-t[:, :, None] * w[:, None, :])  # (m, t, w)
    g = decay @ np.cos(w[:, :, None] * k)
    still = decay.sum(2)
    second = (decay * w[:, None, :] ** 2).sum(2)
    zero = still**others
    turned = np.cos(m[:, None] * k)[:, None, :] * g**others
    absolute = (2 / math.pi) * (((zero[:, :, None] - turned) / k**2) @ dk + zero / K)
    squared = t * (m[:, None] ** 2 * zero + others * second * still ** (others - 1))
    mean, square = (float(density @ (weight * part).sum(1)) for part in (absolute, squared))
    return Law(mean, math.sqrt(max(square - mean**2, 0.0)))


def _median_of_largest(N: int) -> float:
    """Where erf(x/√2)^N = ½."""
    from scipy.special import erfinv

    return float(math.sqrt(2) * erfinv(0.5 ** (1 / N)))


def _log_erf(x: Array) -> Array:
    """Ln erf(x/√2) to full precision where it is small."""
    from scipy.special import erfc

    return np.asarray(np.log1p(-erfc(x / math.sqrt(2))))


def _nodes(low: float, high: float, count: int) -> tuple[Array, Array]:
    """Gauss and Legendre's nodes and weights between two numbers."""
    x, weight = np.polynomial.legendre.leggauss(count)
    half = (high - low) / 2
    return low + half * (x + 1), half * weight
