"""Forward selection of columns by orthogonal least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DEPENDENT = 1e-10
"""Share of a column's square beyond which the chosen ones must not explain it, or it counts as their combination."""

_EXACT = 1e-13
"""Residual, in units of the largest |y|, at which nothing is left to explain."""


@dataclass(frozen=True, eq=False)
class Path:
    """Columns in the order in which they were chosen.

    Attributes
    ----------
    order
        Their numbers.
    residuals
        y − ŷ of all rows with none, one, two, … of them, (chosen + 1, rows).
    """

    order: tuple[int, ...]
    residuals: Values


def forward(columns: Values, y: Values, most: int, rows: NDArray[np.bool_] | None = None) -> Path:
    """Choose next, again and again, the column that lowers the sum of squares most, beside a constant.

    Of column φ and residual r the gain is (φ⊥·r)²/|φ⊥|², with φ⊥ = φ less its projection on the chosen ones. Both
    products are kept up to date for all columns, so a step costs one product of the table with a vector. It ends
    where nothing is left to explain, or all columns are combinations of the chosen ones.

    Parameters
    ----------
    columns, y
        (n, p) and (n,).
    most
        Columns to choose.
    rows
        Which are used, (n,); the others are only predicted.

    References
    ----------
    S. Chen, S. A. Billings, W. Luo, Int. J. Control 50, 1873 (1989).

    Examples
    --------
    >>> table = np.random.default_rng(0).normal(size=(50, 9))
    >>> path = forward(table, 3 * table[:, 4] - table[:, 7], most=5)
    >>> path.order, bool(np.abs(path.residuals[-1]).max() < 1e-12)
    ((4, 7), True)
    """
    n = len(y)
    used = np.ones(n) if rows is None else rows.astype(np.float64)
    basis = np.zeros((n, most + 1), order="F")
    basis[:, 0] = used.sum() ** -0.5
    residual = y - used @ y / used.sum()
    whole = np.einsum("np,np,n->p", columns, columns, used)
    left = whole - (columns.T @ (used * basis[:, 0])) ** 2
    slope = columns.T @ (used * residual)
    live = left > DEPENDENT * whole
    order: list[int] = []
    residuals = [residual]
    least = (_EXACT * np.abs(y).max(initial=0.0)) ** 2 * used.sum()
    while len(order) < most and live.any() and used @ residual**2 > least:
        gain = np.where(live, slope**2 / np.where(live, left, 1.0), -1.0)
        j = int(gain.argmax())
        chosen = basis[:, : len(order) + 1]
        new = columns[:, j].copy()
        for _ in range(2):  # once leaves rounding along what was chosen before
            new -= chosen @ (chosen.T @ (used * new))
        new /= np.sqrt(used @ new**2)
        step = float((used * new) @ residual)
        residual = residual - step * new
        along = columns.T @ (used * new)
        left -= along**2
        slope -= step * along
        live &= left > DEPENDENT * whole
        live[j] = False
        order.append(j)
        basis[:, len(order)] = new
        residuals.append(residual)
    return Path(tuple(order), np.array(residuals))
