"""Kadanoff's step on a torus, spin by spin, with every potential where it is moved to; and Onsager's integral."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import dblquad

Values = NDArray[np.float64]


def log_partition_of_4x4(K: float, p: float) -> float:
    """ln Σ_{s, μ} of a 4 × 4 torus of Ising spins with 2 × 2 blocks.

    Bonds belong half to each plaquette beside them. The plaquettes with an odd row and an odd column of their first
    corner are between four blocks; they have four times their own bonds and −ln 2 cosh p Σ s of their own corners.
    """
    s = (1.0 - 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)).reshape(-1, 4, 4)
    exponent = np.zeros(len(s))
    for r in (1, 3):
        for c in (1, 3):
            down, right = (r + 1) % 4, (c + 1) % 4
            one, two, three, four = s[:, r, c], s[:, r, right], s[:, down, right], s[:, down, c]
            exponent += 4 * K / 2 * (one * two + two * three + three * four + four * one)
            exponent -= np.log(2 * np.cosh(p * (one + two + three + four)))
    blocks = s.reshape(-1, 2, 2, 2, 2).sum((2, 4)).reshape(-1, 4)
    logs = exponent + np.log(2 * np.cosh(p * blocks)).sum(1)  # Σ_μ e^{pμM} of each block
    return float(logs.max() + math.log(np.exp(logs - logs.max()).sum()))


def exact_log_partition_of_4x4(K: float) -> float:
    """ln Z by all configurations."""
    s = (1.0 - 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1)).reshape(-1, 4, 4)
    bonds = (s * np.roll(s, 1, 1)).sum((1, 2)) + (s * np.roll(s, 1, 2)).sum((1, 2))
    return float(np.log(np.exp(K * bonds).sum()))


def onsager(K: float) -> float:
    """ln Z a site of the infinite lattice: Onsager's double integral, by quadrature."""
    c, s = math.cosh(2 * K) ** 2, math.sinh(2 * K)
    value, _ = dblquad(
        lambda x, y: math.log(c - s * (math.cos(x) + math.cos(y))), 0, math.pi, 0, math.pi, epsabs=1e-9
    )
    return math.log(2) + value / (2 * math.pi**2)
