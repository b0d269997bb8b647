"""The inverse spectrum of block averages at small momenta, along a direction."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np

from lensmaker.systems.fields import BlockAverage
from lensmaker.theories.fields.series import Series, product, reciprocal, sine

PAIRS = 2**16
"""Aliases that are summed at once."""


class Direction(Enum):
    """Of a momentum: the unit vector along which a spectrum is expanded."""

    AXIS = (1.0, 0.0)
    DIAGONAL = (math.sqrt(0.5), math.sqrt(0.5))

    def orders(self, highest: int) -> range:
        """The powers of |q|² that are told of it: along a diagonal the first two are those along an axis."""
        return range(0 if self is Direction.AXIS else 2, highest + 1)


def expansion(system: BlockAverage, direction: Direction, terms: int) -> Series:
    r"""Coefficients of 1, t, t², … of 1/P′(t·u), u the direction and t > 0.

        P′(q′) = b⁻² Σ_k |W(q)|² P(q) over the b² aliases q = (q′ + 2πk)/b,   W(q) = Π_μ sin(bq_μ/2)/(b sin(q_μ/2))

    Odd powers are 0 for an odd b. For an even b one alias lies where q_μ = π, the kink of |q|², and t³ comes.

    Parameters
    ----------
    terms
        How many coefficients.

    Examples
    --------
    >>> from lensmaker.systems.fields import GaussianField
    >>> noise = BlockAverage(GaussianField(6, (2.0,)), 3)
    >>> (abs(expansion(noise, Direction.AXIS, 5).round(9))).tolist()  # averages of white noise are white noise
    [18.0, 0.0, 0.0, 0.0, 0.0]
    """
    b = system.block
    (w_x, q_x), (w_y, q_y) = (_axis(b, u, terms) for u in direction.value)
    ys = system.field.coefficients
    total = np.zeros(terms)
    for rows in np.array_split(np.arange(len(w_x)), -(-len(w_x) * len(w_y) // PAIRS)):
        window = product(w_x[rows, None], w_y)
        squared = q_x[rows, None] + q_y
        total += product(window, reciprocal(_polynomial(ys, squared))).sum((0, 1))
    return reciprocal(total / b**2)


def _polynomial(ys: tuple[float, ...], squared: Series) -> Series:
    """Σ_i y_i s^i of a series s, by Horner's rule."""
    total = np.zeros_like(squared)
    for y in reversed(ys):
        total = product(total, squared)
        total[..., 0] += y
    return total


def _axis(b: int, u: float, terms: int) -> tuple[Series, Series]:
    """|W|² and q² of one axis for the aliases that reach it, (aliases, terms): only k = 0 where u is 0."""
    if u == 0:
        one = np.zeros((1, terms))
        one[0, 0] = 1
        return one, np.zeros((1, terms))
    k = np.arange(b) - (b - 1) // 2
    # numerator and denominator both begin with t where k = 0: both are divided by it
    above = sine(np.zeros(b), u / 2, terms + 1)
    below = b * sine(np.pi * k / b, u / (2 * b), terms + 1)
    ratio = product(above, reciprocal(np.where(k[:, None] == 0, 1.0, below)))[:, :terms]
    ratio[k == 0] = product(above[k == 0, 1:], reciprocal(below[k == 0, 1:]))
    q = np.zeros((b, terms))
    q[:, 0] = 2 * np.pi * k / b
    q[2 * k == b, 0] -= 2 * np.pi  # beyond π for any t > 0
    if terms > 1:
        q[:, 1] = u / b
    return product(ratio, ratio), product(q, q)
