"""Newton's method for smooth convex functions, to the last digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lensmaker.numerics.positive_definite import NotPositiveDefinite, solve

Values = NDArray[np.float64]


class Expansion(NamedTuple):
    """A function at a point: value, gradient (n,), Hessian (n, n), dense or sparse."""

    value: float
    gradient: Values
    hessian: Values | csr_matrix


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where Newton's method ended.

    Attributes
    ----------
    point, at
        The last point, and the function there.
    direction
        The last step that it would take, without damping.
    decrement
        λ = √(gᵀ H⁻¹ g): λ²/2 is what the value is above that of the minimum, as H sees it.
    iterations
        Steps taken.
    converged
        Whether λ² went below the tolerance.
    """

    point: Values
    at: Expansion
    direction: Values
    decrement: float
    iterations: int
    converged: bool


def minimise(
    function: Callable[[Values], Expansion],
    start: Values,
    *,
    tolerance: float = 1e-16,
    iterations: int = 60,
    stop: Callable[[Values, Values], bool] = lambda point, direction: False,
) -> Minimum:
    """Newton steps, halved until the value falls by a quarter of what the slope promises.

    Below a tolerance of λ² = 1e-16 one more step is taken: convergence is quadratic, so what is left is rounding.

    Parameters
    ----------
    function
        Point → value, gradient, Hessian; convex.
    start
        First point.
    tolerance
        Of λ².
    iterations
        Most steps.
    stop
        Of a point and Newton's direction there: whether to give up.

    References
    ----------
    S. Boyd, L. Vandenberghe, Convex Optimization, Cambridge 2004, section 9.5.

    Examples
    --------
    >>> bowl = lambda x: Expansion(float(np.cosh(x).sum()), np.sinh(x), np.diag(np.cosh(x)))
    >>> found = minimise(bowl, np.array([3.0, -1.0]))
    >>> found.converged, bool(np.abs(found.point).max() < 1e-15)
    (True, True)
    """
    point, at = start, function(start)
    direction, squared = np.zeros_like(start), math.inf
    for taken in range(iterations + 1):
        try:
            direction = -solve(at.hessian, at.gradient)
        except NotPositiveDefinite:
            return Minimum(point, at, direction, math.inf, taken, False)
        squared = max(0.0, float(-at.gradient @ direction))
        last = squared < tolerance
        if taken == iterations or (not last and stop(point, direction)):
            break
        damping, rounding = 1.0, 1e-13 * (1 + abs(at.value))
        while True:
            there = function(point + damping * direction)
            if there.value <= at.value - damping * squared / 4 + rounding or damping < 1e-10:
                break
            damping /= 2
        point, at = point + damping * direction, there
        if last:
            return Minimum(point, at, direction, math.sqrt(squared), taken + 1, True)
    return Minimum(point, at, direction, math.sqrt(squared), taken, squared < tolerance)
