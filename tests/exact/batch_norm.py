"""Batch normalisation before each ReLU: gradients grow with depth, at a rate the batch size alone sets.

At the fixed point the normalised pre-activations of one unit are uniform on a sphere of radius √B in
the B − 1 dimensions orthogonal to (1, …, 1), two samples having correlation ρ = −1/(B − 1). With
D = diag(relu') and n the direction of the centred batch, one layer maps gradients of covariance ∝ G
(the centring projector) to the same, times

    growth = ((B − 1)/2 + P − M) / (M (B − 3)),
    P = P(both positive) = (π − arccos ρ)/2π,
    M = E[x²] − E[x x'] = ½ − (√(1 − ρ²) + (π − arccos ρ) ρ)/2π,

because E[1/|Gh|²] is that of a χ² with B − 1 degrees of freedom, and tr E[D G D (G − n nᵀ)]/(B − 1)
is the bracket. For B → ∞ it is π/(π − 1). Yang et al. 2019, arXiv:1902.08129.
"""

from __future__ import annotations

import math

LARGE_BATCH_GROWTH = math.pi / (math.pi - 1)


def gradient_growth(batch: int) -> float:
    """Growth of the mean squared gradient for each layer, backwards, for more than three samples.

    >>> [round(gradient_growth(b), 4) for b in (8, 32, 128, 10**6)]
    [1.7882, 1.522, 1.4797, 1.4669]
    """
    rho = -1 / (batch - 1)
    angle = math.pi - math.acos(rho)
    both = angle / (2 * math.pi)
    spread = 0.5 - (math.sqrt(1 - rho**2) + angle * rho) / (2 * math.pi)
    return ((batch - 1) / 2 + both - spread) / (spread * (batch - 3))
