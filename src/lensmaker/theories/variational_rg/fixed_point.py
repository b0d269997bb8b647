"""The critical fixed point of Kadanoff's step, and what grows away from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from lensmaker.core import InputError
from lensmaker.theories.variational_rg.plaquettes import CORNERS, NEIGHBOURS, ising_potential, step

Values = NDArray[np.float64]

_DIAGONALS = (CORNERS[:, 0] * CORNERS[:, 2] + CORNERS[:, 1] * CORNERS[:, 3])[:, None]
_EVEN = np.concatenate([np.ones((16, 1)), NEIGHBOURS[:, None], _DIAGONALS, CORNERS.prod(1)[:, None]], 1)
_ODD = np.stack([CORNERS.sum(1), CORNERS.sum(1) * CORNERS.prod(1)], 1)
"""Functions of a plaquette that its rotations and reflections leave as they are: even ones and odd ones."""

BETWEEN = (0.73, 0.79)
"""Where the best weight is."""

NEARBY = (0.159, 0.108, -0.008)
"""Couplings of the fixed point for p ≈ 0.76, where Newton's method begins."""


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """v* = v′(v*; p) but for a constant, at a given p.

    Attributes
    ----------
    weight
        p.
    couplings
        Of v* on four sides, both diagonals, and the product of all corners.
    thermal, magnetic
        y_t = log₂ of the largest even eigenvalue after that of the constant, y_h of the largest odd one.
    slope
        d ln Z/dp at v*, in units of ln Z a site: 0 where p is best.
    """

    weight: float
    couplings: tuple[float, float, float]
    thermal: float
    magnetic: float
    slope: float


def fixed_point(p: float) -> FixedPoint:
    """The fixed point at a weight p, by Newton's method.

    Raises
    ------
    InputError
        If it is not found: p is too far from 0.76.

    Examples
    --------
    >>> round(fixed_point(0.761).magnetic, 4)
    1.8777
    """
    x = np.array(NEARBY)
    for _ in range(50):
        made = step(_EVEN[:, 1:] @ x, p)
        miss = _coefficients(made.potential) - x
        x = x - np.linalg.solve(_coefficients(4 * made.weights @ _EVEN[:, 1:]) - np.eye(3), miss)
        if float(np.abs(miss).max()) < 1e-14:
            break
    else:
        raise InputError(f"a weight near {BETWEEN}", f"{p}", "follow the fixed point from there on")
    made = step(_EVEN[:, 1:] @ x, p)
    L = 4 * made.weights
    even, odd = (np.linalg.lstsq(basis, L @ basis)[0] for basis in (_EVEN, _ODD))
    y_t = math.log2(np.sort(np.abs(np.linalg.eigvals(even)))[-2])
    y_h = math.log2(np.abs(np.linalg.eigvals(odd)).max())
    left = np.linalg.matrix_power(made.weights, 200)[0]  # P is stochastic: its stationary row
    return FixedPoint(p, (float(x[0]), float(x[1]), float(x[2])), y_t, y_h, float(left @ made.slope) / 3)


@lru_cache
def best_weight() -> float:
    """p* at which ln Z is stationary at the fixed point.

    Examples
    --------
    >>> round(best_weight(), 4)
    0.761
    """
    return float(brentq(lambda p: fixed_point(p).slope, *BETWEEN, xtol=1e-12))


@lru_cache
def other_weight() -> float:
    """P at which y_h is least, and so hardly changes with p: another choice, by which the exponents may be judged.

    Examples
    --------
    >>> round(fixed_point(other_weight()).magnetic, 5)
    1.8748
    """
    found = minimize_scalar(lambda p: fixed_point(p).magnetic, bounds=BETWEEN, method="bounded")
    return float(found.x)


def _coefficients(v: Values) -> Values:
    """Of a potential, or of columns of them, on the even functions but the constant."""
    return np.asarray(np.linalg.lstsq(_EVEN, v)[0][1:])


def critical_coupling(p: float) -> float:
    """K at which the flow of the Ising model, with this p at each step, neither orders nor falls apart.

    Examples
    --------
    >>> round(critical_coupling(0.761), 4)  # ½ ln(1 + √2) = 0.4407
    0.4836
    """
    low, high = 0.2, 0.8
    while low < (K := (low + high) / 2) < high and high - low > 1e-12:
        low, high = (low, K) if _orders(K, p) else (K, high)
    return (low + high) / 2


def _orders(K: float, p: float) -> bool:
    """Ordered spins flow to finite couplings, as p is finite: blocks of them have a spin against them now and then."""
    v = ising_potential(K)
    for _ in range(200):
        v = step(v - v.max(), p).potential
        if v[0] - v[5] < 0.05:  # all up, and up and down in turn
            return False
    return True
