"""Fits to groups of rows that depend on each other within a group, not between groups; errors by leaving groups out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Residuals = Callable[[Values], Values]


def leave_out(normal: Values, right: Values) -> tuple[Values, Values]:
    """θ = (Σ A_n)⁻¹ Σ b_n, and the same without each group in turn: (…, P) and (N, …, P).

    Parameters
    ----------
    normal, right
        A_n, (N, …, P, P), and b_n, (N, …, P): XᵀX and Xᵀy of each group for least squares, ZᵀX and Zᵀy with other
        columns Z, the instruments, where X has errors that Z does not share.

    References
    ----------
    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, SIAM 1982, chapter 3.

    Examples
    --------
    >>> whole, without = leave_out(np.ones((3, 1, 1)), np.array([[1.0], [2.0], [6.0]]))
    >>> whole.tolist(), without[:, 0].tolist()
    ([3.0], [4.0, 3.5, 1.5])
    """
    A, b = normal.sum(0), right.sum(0)
    whole = np.linalg.solve(A, b[..., None])[..., 0]
    without = np.linalg.solve(A - normal, (b - right)[..., None])[..., 0]
    return np.asarray(whole), np.asarray(without)


def covariance_of(without: Values) -> Values:
    """(n − 1)/n Σ (θ₍ᵢ₎ − θ̄)(θ₍ᵢ₎ − θ̄)ᵀ of values (n, P) that leave a group out each.

    Examples
    --------
    >>> covariance_of(np.array([[4.0], [3.5], [1.5]])).item() ** 0.5  # the standard error of the mean of 1, 2, 6
    1.527...
    """
    n = len(without)
    away = without - without.mean(0)
    return np.asarray((n - 1) / n * away.T @ away)


@dataclass(frozen=True, eq=False)
class GroupedFit:
    """The parameters with the least Σ r².

    Attributes
    ----------
    values, covariance
        θ, (P,), and its covariance, (P, P).
    residuals
        r at θ, (groups, rows).
    converged
        Whether the next step would have changed Σ r² by nothing that counts.
    pull
        (JᵀJ)⁻¹Jᵀ, (P, groups · rows): what a change of the rows does to θ.
    """

    values: Values
    covariance: Values
    residuals: Values
    converged: bool
    pull: Values

    @property
    def errors(self) -> Values:
        """Standard errors, (P,)."""
        return np.sqrt(np.diagonal(self.covariance))


def gauss_newton(
    residuals: Residuals, start: Values, *, step: float = 1e-4, limit: int = 50, tolerance: float = 1e-9
) -> GroupedFit:
    """Least squares by Gauss and Newton's steps, damped where they go too far, from central differences.

    The covariance is what leaving out one group after the other moves θ by, to first order: it holds where rows of a
    group are correlated, and where the model is not quite right.

    Parameters
    ----------
    residuals
        θ (P,) to r (groups, rows).
    step
        Of the differences, relative to |θ| or to 1 if θ is 0.
    tolerance
        Share of Σ r² by which the last step may promise to change it.

    Examples
    --------
    >>> x = np.arange(1.0, 7.0)[:, None]
    >>> fit = gauss_newton(lambda θ: np.exp(θ[0] * x) - np.exp(0.3 * x), np.array([0.1]))
    >>> round(float(fit.values[0]), 9), fit.converged
    (0.3, True)
    """
    θ = np.array(start, dtype=np.float64)
    r = residuals(θ)
    size, damping, converged = float((r**2).sum()), 0.0, False
    floor = 1e-26 * max(size, 1e-300)
    for _ in range(limit):
        J = _jacobian(residuals, θ, step)
        H, g = np.einsum("nrp,nrq->pq", J, J), np.einsum("nrp,nr->p", J, r)
        promised = float(g @ np.linalg.lstsq(H, g, rcond=1e-13)[0])
        if promised <= tolerance * size + floor or size <= floor:
            converged = True
            break
        moved = False
        for _ in range(12):
            Δ = -np.linalg.lstsq(H + damping * np.diag(np.diagonal(H)), g, rcond=1e-13)[0]
            after = residuals(θ + Δ)
            new = float((after**2).sum())
            if np.isfinite(new) and new < size:
                θ, r, size, damping, moved = θ + Δ, after, new, damping / 10, True
                break
            damping = max(10 * damping, 1e-3)
        if not moved:
            converged = promised <= 1e-6 * size
            break
    J = _jacobian(residuals, θ, step)
    H = np.einsum("nrp,nrq->npq", J, J)
    g = np.einsum("nrp,nr->np", J, r)
    whole = np.linalg.pinv(H.sum(0), rcond=1e-13)
    moved_by = np.stack(
        [np.linalg.lstsq(H.sum(0) - h, gi, rcond=1e-13)[0] for h, gi in zip(H, g, strict=True)]
    )
    flat = J.reshape(-1, J.shape[-1])
    return GroupedFit(θ, covariance_of(moved_by), r, converged, np.asarray(whole @ flat.T))


def _jacobian(residuals: Residuals, θ: Values, step: float) -> Values:
    """∂r/∂θ, (groups, rows, P)."""
    columns = []
    for p in range(len(θ)):
        h = step * (abs(θ[p]) or 1.0)
        up, down = θ.copy(), θ.copy()
        up[p] += h
        down[p] -= h
        columns.append((residuals(up) - residuals(down)) / (2 * h))
    return np.stack(columns, -1)
