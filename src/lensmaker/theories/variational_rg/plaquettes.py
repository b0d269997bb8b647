"""Kadanoff's variational step: from the potential of a plaquette to that of a plaquette of block spins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

CORNERS: Values = np.array([[1.0 - 2 * (k >> i & 1) for i in range(4)] for k in range(16)])
"""The 16 states of a plaquette, corners in order around it; bit i of a row's number is set where s_i = −1."""

_TOTAL: Values = CORNERS.sum(1)
_OVERLAP: Values = CORNERS @ CORNERS.T

NEIGHBOURS: Values = (CORNERS * np.roll(CORNERS, 1, 1)).sum(1)
"""Σ s s′ over the four sides."""


def ising_potential(K: float) -> Values:
    """v(s) of the Ising model: half of each side, which two plaquettes share."""
    return np.asarray(K * NEIGHBOURS / 2)


class Step(NamedTuple):
    """v′, and how it changes.

    Attributes
    ----------
    potential
        v′(μ), (16,).
    weights
        P(s|μ): ∂v′(μ)/∂v(s) = 4 P(s|μ).
    slope
        ∂v′(μ)/∂p.
    """

    potential: Values
    weights: Values
    slope: Values


def step(v: Values, p: float) -> Step:
    r"""One step with weight e^{pμΣs}/(2 cosh pΣs) of 2 × 2 blocks, all potentials moved between blocks.

    Plaquettes are within blocks (A), between two of them (B, C) or where four meet (D), as many of each. The potentials
    v of A, B and C and the u = ln 2 cosh pΣs of A are moved to D; each spin is a corner of one D alone, so that

        e^{v′(μ₁…μ₄)} = Σ_{s₁…s₄} e^{p Σ_i μ_i s_i − u(s) + 4 v(s)},

    and a D for each four plaquettes is one plaquette of the blocks. In a distribution that translations leave as it is
    what was moved has a mean of zero, so that Jensen's inequality has ln Z[v] ≤ ln Z′[v′] for any p: −ln Z′ is a lower
    bound of βF.

    Examples
    --------
    >>> free = step(np.zeros(16), 0.0).potential  # four free spins, and nothing known of the blocks
    >>> [round(float(x), 9) for x in free[:2]]  # ln 16 − ln 2
    [2.079441542, 2.079441542]
    """
    exponent = p * _OVERLAP - np.logaddexp(p * _TOTAL, -p * _TOTAL) + 4 * v
    highest = exponent.max(1, keepdims=True)
    weights = np.exp(exponent - highest)
    total = weights.sum(1, keepdims=True)
    weights /= total
    slope = (weights * (_OVERLAP - _TOTAL * np.tanh(p * _TOTAL))).sum(1)
    return Step((highest + np.log(total))[:, 0], weights, slope)
