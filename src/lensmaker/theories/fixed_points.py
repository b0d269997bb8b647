"""Where the second moment and the correlation of a deep random network settle.

Both maps are those of `signal_maps`. The fixed point q* is the one that a start at q₀ reaches when V
is increasing: the first crossing of V(q) with q in the direction in which V(q₀) moves. Failure to
settle is a status, with advice, never a number that looks converged. No status is needed for an
alternating sequence: √q E[φ²] never falls with q, hence V'(q*) ≥ −½, and such a sequence always settles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lensmaker.theories.activation_functions import Activation
from lensmaker.theories.signal_maps import (
    gain,
    gain_at_zero,
    pair_gain,
    pair_second_moment,
    second_moment,
    second_moment_slope,
    value_at_zero,
)


class Settling(Enum):
    """How the second moment ends; the value says what that means, empty for an attracting q* > 0."""

    FIXED_POINT = ""
    VANISHES = "q* = 0: the signal dies away with depth, and with it the meaning of a correlation"
    HALF_STABLE = "q* attracts from one side only: a start on the other side leaves it"
    EVERY_Q = "every q is a fixed point: the second moment stays what it is at the input"
    DIVERGES = "no finite fixed point: the second moment grows without bound; lower σ_w, or σ_b"
    UNRESOLVED = "the Gaussian integrals of this activation do not converge: no number can be trusted"


@dataclass(frozen=True)
class SecondMoment:
    """q*, its numerical error, the slope χ_q = V'(q*) with its error, and how the second moment settles.

    The value is inf where it diverges, nan where unresolved, and q₀ where every q is a fixed point.
    """

    value: float
    error: float
    slope: float
    slope_error: float
    settling: Settling


@dataclass(frozen=True)
class Correlation:
    """c*, its numerical error, the slope χ_c = C'(c*), and the error of the slope."""

    value: float
    error: float
    slope: float
    slope_error: float


_UNRESOLVED = SecondMoment(math.nan, math.inf, math.nan, math.nan, Settling.UNRESOLVED)
_NOISE = 1e-13
"""Relative rounding error of V(q)."""
_TOUCH = 1e-9
"""|V/q − 1| below which an extremum counts as touching the diagonal: σ_w and σ_b are known no better."""
_FLOOR, _CEILING = 2.0**-60, 2.0**100
"""Between which q* is sought."""


@dataclass(frozen=True)
class _SecondMomentMap:
    phi: Activation
    sigma_w: float
    sigma_b: float

    def excess(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """V(q)/q − 1, set to zero within its error, and that error; nan where unresolved."""
        moment = second_moment(self.phi, q)
        excess = (self.sigma_w**2 * moment.value + self.sigma_b**2) / q - 1
        error = self.sigma_w**2 * moment.error / q + _NOISE
        excess = torch.where(excess.abs() <= error, torch.zeros_like(excess), excess)
        return torch.where(moment.converged, excess, torch.full_like(excess, math.nan)), error

    def excess_at(self, q: float) -> float:
        moment = float(second_moment(self.phi, q).value)
        return (self.sigma_w**2 * moment + self.sigma_b**2) / q - 1

    def incline(self, q: Tensor) -> Tensor:
        """V' − V/q, which is zero where V(q)/q is extremal."""
        slope, moment = second_moment_slope(self.phi, q).value, second_moment(self.phi, q).value
        return self.sigma_w**2 * (slope - moment / q) - self.sigma_b**2 / q

    def incline_at(self, q: float) -> float:
        return float(self.incline(torch.tensor(q, dtype=torch.float64)))

    def at_zero(self) -> float:
        return self.sigma_w**2 * value_at_zero(self.phi) + self.sigma_b**2

    def settled(self, q: float, settling: Settling) -> SecondMoment:
        found = second_moment_slope(self.phi, q)
        slope, slope_error = (self.sigma_w**2 * float(x) for x in (found.value, found.error))
        if settling is Settling.HALF_STABLE:
            return SecondMoment(q, math.sqrt(_TOUCH) * q, 1.0, 0.0, settling)
        error = q * float(self.excess(torch.tensor([q], dtype=torch.float64))[1][0])
        return SecondMoment(q, error / max(abs(1 - slope), 1e-8), slope, slope_error, settling)


def settle_second_moment(phi: Activation, sigma_w: float, sigma_b: float, start: float = 1.0) -> SecondMoment:
    """The fixed point q* = V(q*) that the second moment reaches from q₀ = `start`.

    Examples
    --------
    For ReLU q* = σ_b²/(1 − σ_w²/2), while σ_w² < 2:

    >>> from lensmaker.theories.activation_functions import activation
    >>> round(settle_second_moment(activation("relu"), 1.0, 0.5).value, 12)
    0.5
    >>> settle_second_moment(activation("relu"), 1.5, 0.5).settling.name
    'DIVERGES'
    """
    layer = _SecondMomentMap(phi, sigma_w, sigma_b)
    around, _ = layer.excess(start * 4.0 ** torch.arange(-4.0, 5.0, dtype=torch.float64))
    here = float(around[4])
    if bool((around == 0).all()):
        return SecondMoment(start, 0.0, 1.0, 0.0, Settling.EVERY_Q)
    if here == 0.0:
        return layer.settled(start, Settling.FIXED_POINT)
    if math.isnan(here):
        return _UNRESOLVED
    up = here > 0
    at_zero = layer.at_zero()
    end = _CEILING if up else max(at_zero / 4, 1e-290) if at_zero > 0 else _FLOOR
    steps = torch.arange(9, dtype=torch.float64) / 2
    low = start
    while low < end if up else low > end:
        grid = low * 2.0 ** (steps if up else -steps)
        excess, incline = layer.excess(grid)[0].tolist(), layer.incline(grid).tolist()
        for i, (q, last) in enumerate(zip(grid[1:].tolist(), grid[:-1].tolist(), strict=True)):
            here = excess[i + 1]
            if math.isnan(here):
                return _UNRESOLVED
            if here != 0 and (here > 0) != up:
                return layer.settled(crossing(layer.excess_at, last, q), Settling.FIXED_POINT)
            if incline[i] * incline[i + 1] < 0 and abs(here) < 0.1:
                q = crossing(layer.incline_at, last, q)
                extremum = layer.excess_at(q)
                if abs(extremum) <= _TOUCH:
                    return layer.settled(q, Settling.HALF_STABLE)
                if (extremum > 0) != up:
                    return layer.settled(crossing(layer.excess_at, last, q), Settling.FIXED_POINT)
        low = float(grid[-1])
    if up:
        return SecondMoment(math.inf, math.inf, math.nan, math.nan, Settling.DIVERGES)
    return SecondMoment(0.0, 0.0, sigma_w**2 * gain_at_zero(phi), 0.0, Settling.VANISHES)


def settle_correlation(phi: Activation, sigma_w: float, sigma_b: float, q: float) -> Correlation:
    """The fixed point c* = C(c*) that two inputs of correlation c ≥ 0 reach, at second moment q = q* > 0.

    C is a power series in c with non-negative coefficients and C(1) = 1. Hence c* = 1 if C'(1) ≤ 1;
    otherwise there is exactly one fixed point in [0, 1), and it attracts.

    Examples
    --------
    An odd φ without bias, in its chaotic phase, decorrelates entirely:

    >>> from lensmaker.theories.activation_functions import activation
    >>> phi = activation("tanh")
    >>> q = settle_second_moment(phi, 2.0, 0.0).value
    >>> abs(settle_correlation(phi, 2.0, 0.0, q).value) < 1e-12
    True
    """
    found = gain(phi, q)
    chi, chi_error = sigma_w**2 * float(found.value), sigma_w**2 * float(found.error)
    if chi <= 1 + chi_error + _NOISE:
        return Correlation(1.0, 0.0, chi, chi_error)
    noise = _NOISE

    def excess(c: float) -> float:
        nonlocal noise
        moment = pair_second_moment(phi, q, c)
        noise = max(noise, sigma_w**2 * float(moment.error) / q)
        return (sigma_w**2 * float(moment.value) + sigma_b**2) / q - c

    at_zero = excess(0.0)
    if at_zero <= noise:
        c = 0.0
    else:
        gap = 0.5
        while gap > 1e-12 and excess(1 - gap) > 0:
            gap /= 4
        if gap <= 1e-12:
            return Correlation(1.0, 1e-6, chi, chi_error)
        c = crossing(excess, 0.0, 1 - gap)
    if phi.jumps:
        return Correlation(c, 1e-6, math.nan, math.nan)
    slope = pair_gain(phi, q, c)
    chi, chi_error = sigma_w**2 * float(slope.value), sigma_w**2 * float(slope.error)
    return Correlation(c, noise / max(1 - chi, 1e-12), chi, chi_error)


def crossing(excess: Callable[[float], float], first: float, second: float) -> float:
    """The zero between two points at which `excess` has opposite signs, to rounding."""
    from scipy.optimize import brentq

    low, high = min(first, second), max(first, second)
    return float(brentq(excess, low, high, xtol=1e-15 * high, rtol=4e-16 * 4))
