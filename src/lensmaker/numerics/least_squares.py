"""Least squares whose errors hold where the columns are not all that the values depend on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_RANK = 1e-8
"""Share of its length that a column must have beyond those before it."""


@dataclass(frozen=True, eq=False)
class Fit:
    """ŷ = X c with the least Σ (y − ŷ)².

    Attributes
    ----------
    coefficients
        c, (columns,); 0 of columns that are combinations of those before them.
    inverse
        The pseudo-inverse X⁺, (columns, rows); rows of 0 for such columns.
    kept
        Which columns are no such combinations.
    residual, leverage
        y − ŷ and h = diag X X⁺, (rows,).
    scale
        Largest |y|.
    """

    coefficients: Values
    inverse: Values
    kept: NDArray[np.bool_]
    residual: Values
    leverage: Values
    scale: float

    @property
    def left_out(self) -> Values:
        """What each row's y is off by a fit to all other rows, (y − ŷ)/(1 − h); inf where no other row tells."""
        free = 1 - self.leverage
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(free > 1e-12, self.residual / free, np.inf)

    @cached_property
    def covariance(self) -> Values:
        """Of c, (columns, columns): Σ_m v_m v_mᵀ with v_m = X⁺_m (y_m − ŷ_m)/(1 − h_m), and what rounding adds.

        It is what leaving out one row after the other moves c by, the jackknife, and holds for residuals that depend
        on x and are of uneven size.

        References
        ----------
        J. G. MacKinnon, H. White, J. Econometrics 29, 305 (1985), HC3.
        """
        moved = self.inverse * np.where(np.isfinite(self.left_out), self.left_out, self.scale)
        rounding = 4 * np.finfo(float).eps * self.scale
        return np.asarray(
            moved @ moved.T + np.diag((rounding**2) * len(self.residual) * (self.inverse**2).sum(1))
        )


def least_squares(X: Values, y: Values) -> Fit:
    """Fit y by the columns of X; a column that those before it make up is left out, and `kept` says so.

    Examples
    --------
    >>> fit = least_squares(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> fit.coefficients.round(9).tolist()
    [1.0, 2.0]
    """
    length = np.sqrt((X**2).sum(0))
    scaled = X / np.where(length > 0, length, 1.0)
    kept = length > 0
    r = np.asarray(np.linalg.qr(scaled[:, kept], mode="r"))
    diagonal = np.zeros(r.shape[1])
    diagonal[: len(r)] = np.abs(np.diagonal(r))
    while (diagonal < _RANK).any():  # the first that depends on those before it; then again without it
        kept[np.flatnonzero(kept)[int((diagonal < _RANK).argmax())]] = False
        r = np.asarray(np.linalg.qr(scaled[:, kept], mode="r"))
        diagonal = np.zeros(r.shape[1])
        diagonal[: len(r)] = np.abs(np.diagonal(r))
    q, r = np.linalg.qr(scaled[:, kept])
    inverse = np.zeros(X.T.shape)
    inverse[kept] = np.linalg.solve(r, q.T) / length[kept, None]
    projected = q.T @ y
    residual = y - q @ projected
    again = q.T @ residual
    coefficients = np.zeros(X.shape[1])
    coefficients[kept] = np.linalg.solve(r, projected + again) / length[kept]
    leverage = (q**2).sum(1)
    return Fit(coefficients, inverse, kept, residual - q @ again, leverage, float(np.abs(y).max(initial=0.0)))
