"""The error of a program from that of its products: a bound that holds at every point of the domain."""

from __future__ import annotations

import math
from collections.abc import Callable

from lensmaker.design.compile.program import Combination, Program
from lensmaker.design.compile.sharing import ROUNDINGS

GateError = Callable[[float, int], float]
"""Radius of its two inputs, and how many numbers they are sums of → error of a product."""

_RADII = tuple(1 + 2.0**-k for k in (48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 6, 4, 3, 2, 1, 0))
"""Within which values may stay that are within ±1 but for errors; beyond the last they are lost."""


UNDERFLOW = 2.0**-126
"""What single precision may lose of any number."""


def output_error(program: Program, gate: GateError, unit: float) -> float:
    """A bound of |network − P| on the domain, of the worst of all outputs.

    Examples
    --------
    >>> from lensmaker.design.compile.sharing import share
    >>> xyz = share([([((0, ()), 1), ((1, ()), 1), ((2, ()), 1)], 5.0)], [1.0] * 3)
    >>> round(output_error(xyz, lambda radius, summands: 1e-6, 0.0) * 1e6, 3)
    10.0
    """
    return max(output_errors(program, gate, unit))


def output_errors(program: Program, gate: GateError, unit: float) -> tuple[float, ...]:
    """A bound of |network − P_k| on the domain for each output; infinite where the products lose their inputs.

    All exact values are within ±1, so a product of sums L and R that are off by at most e_L and e_R is off by
    e_L + e_R + e_L e_R + g, with g the error of the product itself for what its inputs may be, |L| ≤ 1 + e.

    Parameters
    ----------
    gate
        Its bound g.
    unit
        Unit of roundoff of the arithmetic.
    """
    radius = 1.0
    for _ in range(len(_RADII)):
        errors = _errors(program, gate, unit, radius)
        worst = max(errors, default=0.0)
        if worst <= radius - 1:
            break
        wider = [r for r in _RADII if r > radius and r - 1 >= worst]
        if not wider:
            return (math.inf,) * len(program.outputs)
        radius = wider[0]
    sites, found = math.prod(program.sides), []
    carried = len(set().union(*({value for (value, _), _ in output} for output in program.outputs)))
    for output, constant in zip(program.outputs, program.constants, strict=True):
        size = sum(abs(w) for _, w in output)
        off = sum(abs(w) * errors[value] for (value, _), w in output) + unit * abs(constant)
        terms = sites + carried + 2 + (ROUNDINGS if len(program.outputs) > 1 else 0)
        found.append(sites * off + terms * sites * (unit * (size + abs(constant)) + UNDERFLOW))
    return tuple(found)


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
