"""The error of a program from that of its products: a bound that holds at every point of the domain."""

from __future__ import annotations

import math
from collections.abc import Callable

from lensmaker.design.compile.program import Combination, Program

GateError = Callable[[float, int], float]
"""Radius of its two inputs, and how many numbers they are sums of → error of a product."""

_RADII = tuple(1 + 2.0**-k for k in (48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 6, 4, 3, 2, 1, 0))
"""Within which values may stay that are within ±1 but for errors; beyond the last they are lost."""


UNDERFLOW = 2.0**-126
"""What single precision may lose of any number."""


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
    radius = 1.0
    for _ in range(len(_RADII)):
        errors = _errors(program, gate, unit, radius)
        worst = max(errors, default=0.0)
        if worst <= radius - 1:
            break
        wider = [r for r in _RADII if r > radius and r - 1 >= worst]
        if not wider:
            return math.inf
        radius = wider[0]
    size = sum(abs(w) for _, w in program.output)
    sites = math.prod(program.sides)
    found = sum(abs(w) * errors[value] for (value, _), w in program.output) + unit * abs(program.constant)
    terms = sites + len(program.output) + 2
    return sites * found + terms * sites * (unit * (size + abs(program.constant)) + UNDERFLOW)


def _errors(program: Program, gate: GateError, unit: float, radius: float) -> list[float]:
    """Of all values, where none of them is beyond the radius."""
    errors = [2 * unit] * program.inputs
    for product in program.products:
        left, right = (_of_sum(side, errors, unit) for side in (product.left, product.right))
        summands = len(product.left) + (0 if product.is_square else len(product.right))
        errors.append(gate(radius, max(summands, 2)) + left + right + left * right)
    return errors


def _of_sum(side: Combination, errors: list[float], unit: float) -> float:
    exact = 0.0 if len(side) == 1 else (len(side) + 1) * unit
    return exact + sum(abs(w) * errors[value] for (value, _), w in side)
