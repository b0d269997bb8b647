"""The largest singular value of a linear map that is known only by what it does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

LinearMap = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class LargestSingularValue:
    """What the iteration found.

    Attributes
    ----------
    value
        The largest singular value of the map on the Krylov space: never above the true one but by rounding.
    error
        ‖Aᵀu − s v‖ for the singular vectors found: a singular value of A lies within it.
    iterations
        Applications of A, and of Aᵀ.
    converged
        Whether the error fell below the tolerance.
    """

    value: float
    error: float
    iterations: int
    converged: bool


def largest_singular_value(
    apply: LinearMap,
    adjoint: LinearMap,
    start: torch.Tensor,
    *,
    tolerance: float = 1e-2,
    iterations: int = 200,
) -> LargestSingularValue:
    r"""Largest singular value of A by Golub and Kahan's bidiagonalisation.

    α_k u_k = A v_k − β_k u_{k−1},  β_{k+1} v_{k+1} = Aᵀ u_k − α_k v_k

    With the bidiagonal B of α (diagonal) and β (above it), and y its left singular vector for the largest
    singular value s, AᵀU y = s V x + β_{k+1} y_k v_{k+1}: the last term is the error. Orthogonality is
    not restored, which repeats singular values and does not shift the largest one.

    Parameters
    ----------
    apply, adjoint
        x ↦ A x and u ↦ Aᵀ u, on tensors of any shape.
    start
        A random x, which has a part along every singular vector.
    tolerance
        Error over value at which to stop.
    iterations
        When to stop in any case.

    References
    ----------
    G. Golub, W. Kahan, SIAM J. Numer. Anal. B 2 (1965) 205. For a random start,
    P(s² < (1−ε) s_max²) ≤ 1.648 √n exp(−√ε (2k−1)) whatever the spectrum: J. Kuczyński,
    H. Woźniakowski, SIAM J. Matrix Anal. 13 (1992) 1094.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64))
    >>> found = largest_singular_value(A.mv, A.T.mv, torch.ones(3, dtype=torch.float64))
    >>> round(found.value, 9), found.iterations, found.converged
    (3.0, 3, True)
    """
    v = start / torch.linalg.vector_norm(start)
    u = apply(v)
    α, β = [_norm(u)], [0.0]
    if α[0] == 0 or not math.isfinite(α[0]):
        return LargestSingularValue(α[0], 0.0, 1, α[0] == 0)
    while True:
        u = u / α[-1]
        w = adjoint(u) - α[-1] * v
        β.append(_norm(w))
        s, last = _largest(α, β[1:-1])
        error = β[-1] * abs(last)
        if not error > tolerance * s or len(α) == iterations:
            return LargestSingularValue(s, error, len(α), error <= tolerance * s)
        v = w / β[-1]
        u = apply(v) - β[-1] * u
        α.append(_norm(u))
        if (
            α[-1] <= 1e-30 * α[0]
        ):  # A v is in the span of the u found: B has one more column, and no more rows
            s, _ = _largest(α, β[1:])
            return LargestSingularValue(s, 0.0, len(α), True)


def _largest(diagonal: list[float], above: list[float]) -> tuple[float, float]:
    """Largest singular value of a bidiagonal matrix, and the last entry of its left singular vector."""
    from scipy.linalg import eigh_tridiagonal

    α, β = np.array(diagonal), np.array(above)
    k = len(α)
    if k == 1:
        return float(α[0]), 1.0
    squares = α**2
    squares[:-1] += β**2
    value, vector = eigh_tridiagonal(squares, β * α[1:], select="i", select_range=(k - 1, k - 1))
    return math.sqrt(value[0]), float(vector[-1, 0])


def _norm(x: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(x))
