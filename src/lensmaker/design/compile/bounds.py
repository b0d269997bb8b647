"""The error of a program from that of its products: a bound that holds at every point of the domain."""

from __future__ import annotations

import math
from collections.abc import Callable

from lensmaker.design.compile.program import Combination, Program

GateError = Callable[[float, int], float]
"""Radius of its two inputs, and how many numbers they are sums of → error of a product."""

_RADII = tuple(1 + 2.0**-k for k in (16, 12, 8, 6, 4, 3, 2, 1, 0))
"""Within which values may stay that are within ±1 but for errors; beyond the last they are lost."""


def output_error(program: Program, gate: GateError, unit: float) -> float:
    """A bound of |network − P| on the domain; infinite where the products lose their inputs.

    All exact values are within ±1, so a product of sums L and R that are off by at most e_L and e_R is off by
    e_L + e_R + e_L e_R + g, with g the error of the product itself for what its inputs may be, |L| ≤ 1 + e.

    Parameters
    ----------
    gate
        Its bound g.
    unit
        Unit of roundoff of the arithmetic.

    Examples
    --------
    >>> from lensmaker.design.compile.sharing import share
    >>> xyz = share([([((0, ()), 1), ((1, ()), 1), ((2, ()), 1)], 5.0)], [1.0] * 3)
    >>> round(output_error(xyz, lambda radius, summands: 1e-6, 0.0) * 1e6, 3)
    10.0
    """
    for radius in _RADII:
        errors = [2 * unit] * program.inputs
        for product in program.products:
            left, right = (_of_sum(side, errors, unit) for side in (product.left, product.right))
            summands = len(product.left) + (0 if product.is_square else len(product.right))
            errors.append(gate(radius, max(summands, 2)) + left + right + left * right)
        if max(errors, default=0.0) <= radius - 1:
            break
    else:
        return math.inf
    size = sum(abs(w) for _, w in program.output)
    sites = math.prod(program.sides)
    found = sum(abs(w) * errors[value] for (value, _), w in program.output) + unit * abs(program.constant)
    return sites * found + (sites + len(program.output) + 2) * unit * sites * (size + abs(program.constant))


def _of_sum(side: Combination, errors: list[float], unit: float) -> float:
    exact = 0.0 if len(side) == 1 else (len(side) + 1) * unit
    return exact + sum(abs(w) * errors[value] for (value, _), w in side)
