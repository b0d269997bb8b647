"""Gaussian fields by sums over sites, and their block averages by sums over pairs of sites or in many digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import mpmath
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wave_number(n: int, side: int) -> float:
    """2πn/N, brought between −π and π."""
    q = 2 * math.pi * n / side
    return q if 2 * n <= side else q - 2 * math.pi


def spectrum(side: int, coefficients: tuple[float, ...]) -> Floats:
    """P(q), wave by wave."""
    out = np.zeros((side, side))
    for n, m in product(range(side), repeat=2):
        squared = wave_number(n, side) ** 2 + wave_number(m, side) ** 2
        out[n, m] = 1 / sum(y * squared**i for i, y in enumerate(coefficients))
    return out


def covariance(side: int, coefficients: tuple[float, ...]) -> Floats:
    """⟨φ(0)φ(x)⟩ = N⁻² Σ_q P(q) cos q·x, (N, N)."""
    p, sites = spectrum(side, coefficients), np.arange(side)
    out = np.zeros((side, side))
    for n, m in product(range(side), repeat=2):
        out += p[n, m] * np.cos(2 * math.pi * (n * sites[:, None] + m * sites) / side)
    return out / side**2


def averaged_spectrum(side: int, coefficients: tuple[float, ...], block: int) -> Floats:
    """P′(q′) from the covariances of all pairs of sites of two blocks; no alias and no window comes in."""
    c, kept = covariance(side, coefficients), side // block
    between = np.zeros((kept, kept))
    for x, y in product(range(kept), repeat=2):
        for i, j, k, m in product(range(block), repeat=4):
            between[x, y] += c[(block * x + i - k) % side, (block * y + j - m) % side] / block**4
    blocks = np.arange(kept)
    out = np.zeros((kept, kept))
    for n, m in product(range(kept), repeat=2):
        out[n, m] = (between * np.cos(2 * math.pi * (n * blocks[:, None] + m * blocks) / kept)).sum()
    return out


def inverse_along(
    coefficients: tuple[float, ...], block: int, direction: tuple[float, float]
) -> Callable[[mpmath.mpf], mpmath.mpf]:
    """1/P′ at t times the direction, by the sum over aliases, in mpmath's digits."""

    def window(q: mpmath.mpf) -> mpmath.mpf:
        below = block * mpmath.sin(q / 2)
        return mpmath.mpf(1) if below == 0 else mpmath.sin(block * q / 2) / below

    def folded(q: mpmath.mpf) -> mpmath.mpf:
        return q - 2 * mpmath.pi * mpmath.ceil(q / (2 * mpmath.pi) - mpmath.mpf(1) / 2)

    length = mpmath.hypot(*map(mpmath.mpf, direction))
    u = [mpmath.mpf(part) / length for part in direction]

    def inverse(t: mpmath.mpf) -> mpmath.mpf:
        total = mpmath.mpf(0)
        for ks in product(range(block), repeat=2):
            q = [(part * t + 2 * mpmath.pi * k) / block for part, k in zip(u, ks, strict=True)]
            squared = sum(folded(part) ** 2 for part in q)
            total += (window(q[0]) * window(q[1])) ** 2 / sum(
                y * squared**i for i, y in enumerate(coefficients)
            )
        return block**2 / total

    return inverse


def even_taylor(inverse: Callable[[mpmath.mpf], mpmath.mpf], orders: int) -> list[float]:
    """Coefficients of t⁰, t², t⁴ … of an even function, from its values near 0 in 60 digits."""
    with mpmath.workdps(60):
        h = mpmath.mpf(10) ** -5
        points = [h * k for k in range(1, orders + 5)]
        matrix = mpmath.matrix([[p ** (2 * i) for i in range(len(points))] for p in points])
        values = mpmath.matrix([inverse(p) for p in points])
        return [float(c) for c in mpmath.lu_solve(matrix, values)[:orders]]
