"""All configurations of both layers of a small machine, one by one, from W, a and b alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def sums(
    W: NDArray[np.float64],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    visible: Sequence[float],
    hidden: Sequence[float],
) -> tuple[float, float, float]:
    """Ln Z, ⟨E⟩ and −Σ p ln p over units that each take the values `visible` or `hidden`."""
    energies = np.array(
        [
            -(np.dot(a, v) + np.dot(b, h) + np.dot(v, W @ np.array(h)))
            for v in itertools.product(visible, repeat=len(a))
            for h in itertools.product(hidden, repeat=len(b))
        ]
    )
    p = np.exp(-(energies - energies.min()))
    Z = p.sum()
    p /= Z
    return math.log(Z) - energies.min(), float(p @ energies), -float(p[p > 0] @ np.log(p[p > 0]))


def gaussian_sums(W: NDArray[np.float64], a: NDArray[np.float64], variance: float) -> tuple[float, float]:
    """Ln Z and ⟨E⟩ of normal units beside hidden units of 0 and 1 without b, by the integral of each configuration.

    ∫ e^{x·v − v²/2σ²} dv = (2πσ²)^{n/2} e^{σ²x²/2}, in which ⟨v²⟩ = σ²n + σ⁴x² and ⟨v⟩ = σ²x, x = a + W h.
    """
    logs, energies = [], []
    for h in itertools.product((0.0, 1.0), repeat=W.shape[1]):
        x = a + W @ np.array(h)
        logs.append(len(a) / 2 * math.log(2 * math.pi * variance) + variance * (x @ x) / 2)
        square = variance * len(a) + variance**2 * (x @ x)
        energies.append(square / (2 * variance) - variance * (x @ x))
    weights = np.exp(np.array(logs) - max(logs))
    return math.log(weights.sum()) + max(logs), float(weights @ energies / weights.sum())
