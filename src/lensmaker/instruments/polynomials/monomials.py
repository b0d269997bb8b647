"""The monomials that a polynomial of some degree may have, and their values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.systems.polynomials.polynomial import Factors

Values = NDArray[np.float64]

LARGEST = 1 << 28
"""Numbers of the table of all monomials at half of the rows: two GiB."""


def highest_powers(x: Values, degree: int) -> tuple[int, ...]:
    """Powers of each variable that the rows tell apart: with k different values, k − 1.

    Examples
    --------
    >>> highest_powers(np.array([[1.0, 0.3, 5.0], [-1.0, 0.1, 5.0], [1.0, 0.2, 5.0]]), 4)
    (1, 2, 0)
    """
    return tuple(min(degree, len(np.unique(column)) - 1) for column in x.T)


def count(highest: Sequence[int], degree: int) -> int:
    """Monomials of degree 1 to d with those powers; predicted, none is made.

    Examples
    --------
    >>> count([2, 2], 2), count([1] * 100, 3)
    (5, 166750)
    """
    of_degree = [1] + [0] * degree
    for top in highest:
        of_degree = [sum(of_degree[k - e] for e in range(min(top, k) + 1)) for k in range(degree + 1)]
    return sum(of_degree) - 1


def monomials(highest: Sequence[int], degree: int) -> list[Factors]:
    """All of degree 1 to d, low degrees first.

    Examples
    --------
    >>> monomials([1, 2], 2)
    [((0, 1),), ((1, 1),), ((0, 1), (1, 1)), ((1, 2),)]
    """
    return [m for k in range(1, degree + 1) for m in _of_degree(highest, k, 0)]


def _of_degree(highest: Sequence[int], degree: int, first: int) -> Iterator[Factors]:
    if degree == 0:
        yield ()
        return
    for i in range(first, len(highest)):
        for e in range(1, min(highest[i], degree) + 1):
            for rest in _of_degree(highest, degree - e, i + 1):
                yield ((i, e), *rest)


def degree_of(monomial: Factors) -> int:
    """Sum of the powers."""
    return sum(e for _, e in monomial)


def values(x: Values, terms: Sequence[Factors]) -> Values:
    """Of each monomial at each row, (rows, terms), columns side by side in memory."""
    found = np.ones((len(x), len(terms)), order="F")
    place: dict[Factors, int] = {}
    for t, monomial in enumerate(terms):
        place[monomial] = t
        i, e = monomial[-1]
        shorter = monomial[:-1] + (((i, e - 1),) if e > 1 else ())
        known = place.get(shorter) if shorter else None
        if known is not None:
            found[:, t] = found[:, known] * x[:, i]
        else:
            for k, power in monomial:
                found[:, t] *= x[:, k] ** power
    return found


def check_size(rows: int, highest: Sequence[int], degree: int) -> None:
    """Refuse a table that does not fit into memory, before it is made.

    Raises
    ------
    InputError
        With the number of monomials.
    """
    terms = count(highest, degree)
    if rows * terms > LARGEST:
        raise InputError(
            f"a table of at most {LARGEST} numbers (2 GiB)",
            f"{terms} monomials of degree up to {degree} in {len(highest)} variables at {rows} rows",
            "lower the degree, take fewer rows, or coarser variables",
        )
