"""Even polynomials in (q_x, q_y) that a square grid's symmetries leave alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def exponents(highest: int) -> list[tuple[int, int]]:
    """(i, j) of q_x^(2i−2j) q_y^(2j) + q_x^(2j) q_y^(2i−2j), once where both are one; i from 0 to the highest.

    Examples
    --------
    >>> exponents(2)
    [(0, 0), (1, 0), (2, 0), (2, 1)]
    """
    return [(i, j) for i in range(highest + 1) for j in range(i // 2 + 1)]


def monomials(x: Floats, y: Floats, highest: int) -> Floats:
    """Those of x = q_x² and y = q_y², both (n,): (n, terms).

    Examples
    --------
    >>> monomials(np.array([2.0]), np.array([3.0]), 2).tolist()
    [[1.0, 5.0, 13.0, 6.0]]
    """
    return np.stack([_one(x, y, i, j) for i, j in exponents(highest)], -1)


def along(x: float, y: float, order: int, highest: int) -> Floats:
    """Weights of the terms in the coefficient of |q|^(2·order) in the direction (√x, √y), x + y = 1."""
    at = np.array([x]), np.array([y])
    return np.array([float(_one(*at, i, j)[0]) if i == order else 0.0 for i, j in exponents(highest)])


def _one(x: Floats, y: Floats, i: int, j: int) -> Floats:
    first = x ** (i - j) * y**j
    return first if 2 * j == i else first + x**j * y ** (i - j)
