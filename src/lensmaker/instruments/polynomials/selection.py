"""Which columns a fit needs: as many as rows that were held out can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.numerics.least_squares import least_squares
from lensmaker.numerics.orthogonal_least_squares import forward

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Selected:
    """Numbers of the columns, in rising order, and whether held-out rows would have told more than were allowed."""

    columns: tuple[int, ...]
    at_limit: bool


def select(columns: Values, y: Values, most: int, fold: NDArray[np.int64]) -> Selected:
    """Orthogonal least squares to the length that is best for rows that were held out.

    Of all lengths the shortest is taken whose held-out squares are no more than those of the best one by one
    standard error of the difference, row by row. Then columns with t² < 2 ln p are dropped, one by one: so large a t
    has the best of p columns of noise.

    Parameters
    ----------
    columns, y
        (n, p) and (n,).
    most
        Columns to take.
    fold
        Which fold each row is held out in, (n,).

    References
    ----------
    D. P. Foster, E. I. George, Ann. Statist. 22, 1947 (1994), for 2 ln p.
    """
    p = columns.shape[1]
    held = np.zeros((most + 1, len(y)))
    for k in range(int(fold.max()) + 1):
        out = fold == k
        residuals = forward(columns, y, most, ~out).residuals[:, out]
        held[: len(residuals), out] = residuals**2
        held[len(residuals) :, out] = residuals[-1] ** 2
    best = int(held.mean(1).argmin())
    worse = held[: best + 1] - held[best]
    error = worse.std(1, ddof=1) / math.sqrt(len(y))
    length = int((worse.mean(1) <= error).argmax())
    order = forward(columns, y, length).order
    return Selected(_needed(columns, y, order, 2 * math.log(max(p, 2))), best == most < p)


def _needed(columns: Values, y: Values, order: tuple[int, ...], least: float) -> tuple[int, ...]:
    """Without those that the others make superfluous.

    With G = (XᵀX)⁻¹ dropping column j moves c by −c_j G_j/G_jj, adds c_j²/G_jj to Σ(y − ŷ)² and leaves
    G − G_j G_jᵀ/G_jj.
    """
    kept = [-1, *sorted(order)]  # the constant first
    fit = least_squares(np.column_stack([np.ones(len(y)), columns[:, kept[1:]]]), y)
    c, G = fit.coefficients, fit.inverse @ fit.inverse.T
    squares = float(fit.residual @ fit.residual)
    rounding = (np.finfo(float).eps * fit.scale) ** 2
    while len(kept) > 1:
        variance = squares / max(1, len(y) - len(kept)) + rounding
        spread = np.diagonal(G)
        t = np.where(spread > 0, c**2 / np.where(spread > 0, variance * spread, 1.0), 0.0)
        j = 1 + int(t[1:].argmin())
        if t[j] >= least:
            break
        if spread[j] > 0:
            squares += float(c[j] ** 2 / spread[j])
            c, G = c - c[j] / spread[j] * G[j], G - np.outer(G[j], G[j]) / spread[j]
        c, G = np.delete(c, j), np.delete(np.delete(G, j, 0), j, 1)
        del kept[j]
    return tuple(kept[1:])
