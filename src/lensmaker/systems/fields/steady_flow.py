"""A steady flow through ground of two kinds: −∇·(a ∇u) = f on a square, u = 0 on its edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError

Values = NDArray[np.float64]
Ground = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SteadyFlows:
    """Media of two kinds of ground, and the field that was seen in each.

    Points are (i/n, j/n) for i, j = 0 … n − 1 of the unit square: the first row and column lie on its edge, the last
    ones a point before it. Ground is what the nearest point has.

    Attributes
    ----------
    media
        Whether the ground is of the second kind, bool (N, n, n).
    fields
        u, (N, n, n).

    Raises
    ------
    InputError
        If they are not of one shape, the points no square, or a number is not finite.
    """

    media: Ground
    fields: Values

    def __post_init__(self) -> None:
        shape = self.media.shape
        least = 4
        if shape != self.fields.shape or len(shape) != 3 or shape[1] != shape[2] or shape[1] < least:
            raise InputError(
                "media and fields (N, n, n) of one shape",
                f"{shape} and {self.fields.shape}",
                "stack squares of 4 points or more along the first axis",
            )
        if not np.isfinite(self.fields).all():
            raise InputError("finite fields", "infinities or nan", "leave those out")

    def __len__(self) -> int:
        return len(self.media)


def steady_flow(medium: Ground, ratio: float, refine: int = 2) -> Values:
    """Solve −∇·(a ∇u) = 1 with a = 1 where the medium is False and `ratio` where it is True; u at its points.

    Fluxes through the faces between points of a grid that is `refine` times finer, with a of the ground at the middle
    of each face; where it lies half-way between two points, of the lower one.

    Raises
    ------
    InputError
        If the ratio is not positive, or refine is not even.

    Examples
    --------
    >>> u = steady_flow(np.zeros((16, 16), bool), 4.0, refine=4)  # the unit square alone has 0.0736713… in the middle
    >>> bool(abs(u[8, 8] - 0.0736713) < 2e-4)
    True
    """
    if not ratio > 0 or refine < 2 or refine % 2:
        raise InputError(
            "a positive ratio, and an even refinement", f"{ratio:g} and {refine}", "pass 4.0 and 2"
        )
    from scipy.sparse import diags
    from scipy.sparse.linalg import spsolve

    n = len(medium)
    cells, h = n * refine, 1 / (n * refine)
    inner = np.arange(1, cells) / refine
    middle = (np.arange(cells) + 0.5) / refine
    rows, columns = _along(medium, ratio, middle, inner), _along(medium, ratio, inner, middle)
    m = cells - 1
    diagonal = (rows[:-1] + rows[1:] + columns[:, :-1] + columns[:, 1:]).ravel()
    down = -rows[1:-1].ravel()
    across = np.zeros((m, m))
    across[:, :-1] = -columns[:, 1:-1]
    right = across.ravel()[:-1]
    matrix = diags([diagonal, down, down, right, right], [0, m, -m, 1, -1], format="csc")
    u = np.zeros((cells + 1, cells + 1))
    u[1:-1, 1:-1] = spsolve(matrix, np.full(m * m, h**2)).reshape(m, m)
    return np.asarray(u[:-1:refine, :-1:refine])


def _along(medium: Ground, ratio: float, x: Values, y: Values) -> Values:
    """Values of a at the points (x, y), in units of the distance of two points of the medium."""
    i, j = (np.clip(np.ceil(p - 0.5), 0, len(medium) - 1).astype(int) for p in (x, y))
    return np.where(medium[np.ix_(i, j)], ratio, 1.0)
