"""Linear systems of symmetric positive definite matrices, dense or sparse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

Values = NDArray[np.float64]

DENSE = 1000
"""Sides of a sparse matrix up to which it is solved as a dense one."""


class NotPositiveDefinite(ArithmeticError):
    """The matrix has an eigenvalue that is not above 0, as far as rounding lets one see.

    Attributes
    ----------
    direction
        x with xᵀ A x ≈ 0, where one is known.
    """

    def __init__(self, direction: Values | None = None) -> None:
        super().__init__("the matrix is not positive definite")
        self.direction = direction


def solve(matrix: Values | csr_matrix, right: Values, *, tolerance: float = 1e-12) -> Values:
    """X of A X = B: by Cholesky's decomposition, or by conjugate gradients where A is sparse and large.

    Parameters
    ----------
    matrix
        A, shape (n, n).
    right
        B, shape (n,) or (n, k).
    tolerance
        Relative residual of every column, of conjugate gradients.

    Raises
    ------
    NotPositiveDefinite
        If that is what A is not.

    Examples
    --------
    >>> solve(np.array([[4.0, 0.0], [0.0, 1.0]]), np.array([4.0, 3.0])).tolist()
    [1.0, 3.0]
    """
    if not isinstance(matrix, np.ndarray):
        if matrix.shape[0] > DENSE:
            return _conjugate_gradients(matrix.tocsr(), right, tolerance)
        matrix = matrix.toarray()
    if not (np.diagonal(matrix) > 0).all() or not np.isfinite(matrix).all():
        raise NotPositiveDefinite
    scale = np.sqrt(np.diagonal(matrix))
    try:
        factor = cho_factor(matrix / np.outer(scale, scale), lower=True)
    except np.linalg.LinAlgError as error:
        raise NotPositiveDefinite from error
    if np.diagonal(factor[0]).min() < 1e-7:  # squared, a pivot at the rounding of the others
        raise NotPositiveDefinite
    return np.asarray((cho_solve(factor, (right.T / scale).T).T / scale).T)


def _conjugate_gradients(matrix: csr_matrix, right: Values, tolerance: float) -> Values:
    """All columns at once, in units of the diagonal's roots."""
    diagonal = matrix.diagonal()
    if not (diagonal > 0).all():
        raise NotPositiveDefinite((diagonal <= 0).astype(float))
    scale = diagonal**-0.5
    r = (right.reshape(len(right), -1).T * scale).T
    x, p = np.zeros_like(r), r.copy()
    squared = (r * r).sum(0)
    enough = tolerance**2 * squared
    for _ in range(10 * len(right)):
        if (squared <= enough).all():
            return np.asarray((x.T * scale).T.reshape(right.shape))
        image = ((matrix @ (p.T * scale).T).T * scale).T
        curvature = (p * image).sum(0)
        active = squared > enough
        if (curvature[active] <= 1e-14 * (p * p).sum(0)[active]).any():
            worst = int(np.argmin(curvature / np.maximum((p * p).sum(0), 1e-300)))
            raise NotPositiveDefinite(scale * p[:, worst])
        step = np.where(active, squared / np.where(active, curvature, 1.0), 0.0)
        x += step * p
        r -= step * image
        before, squared = squared, (r * r).sum(0)
        p = r + np.where(active, squared / np.where(active, before, 1.0), 0.0) * p
    raise NotPositiveDefinite(scale * p[:, int(np.argmax(squared - enough))])
