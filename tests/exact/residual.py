"""Residual branches: x → x + α f(x), where f is independent of x and keeps the second moment.

The cross term vanishes in the mean, so that q_L = (1 + α²)^L q₀: 2^L for α = 1, and e for α = 1/√L, L → ∞.
"""

from __future__ import annotations


def growth(alpha: float, depth: int) -> float:
    """q_L/q₀ after `depth` branches.

    >>> growth(1.0, 10), round(growth(50**-0.5, 50), 6)
    (1024.0, 2.691588)
    """
    return float((1 + alpha**2) ** depth)
