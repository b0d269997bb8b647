"""The smallest error that a flat product has in floating point: truncation against rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SmoothFunction

LARGEST = 40
"""Inputs beyond which no format leaves a digit, and nothing is computed."""

_SCALES = np.geomspace(1e-9, 4.0, 1201)

_REACH = 3.0
"""Biases that are tried are within ± this."""


@dataclass(frozen=True)
class Floor:
    """Where the error of a flat product is smallest, and how large it is there.

    Attributes
    ----------
    inputs
        n.
    bias, scale
        b and λ.
    truncation, rounding
        The parts of the error: the largest over the cube, and that of a typical large deviation.
    """

    inputs: int
    bias: float
    scale: float
    truncation: float
    rounding: float

    @property
    def error(self) -> float:
        """Sum of both, at most 1: a network whose output is 0 has no larger one."""
        return min(1.0, self.truncation + self.rounding)


def flat_floor(
    n: int, activation: SmoothFunction, dtype: torch.dtype = torch.float64, bias: float | None = None
) -> Floor:
    r"""The best λ of 2^n units, and the best shared bias where none is given.

        ∏x_i ≈ Σ_s ∏s_i σ(b + λ s·x) / (2^n n! c_n λ^n),      s ∈ {±1}^n,  c_k = σ⁽ᵏ⁾(b)/k!

        truncation  λ² n (n+2)(n+1)/6 |c_{n+2}/c_n| + λ⁴ (n/120 + n(n−1)/72) (n+4)!/n! |c_{n+4}/c_n|
        rounding    ½ε √C(2n, n) [|c_0| + |c_1| (|b| + λ√n)] / (2^n n! |c_n| λ^n)

    Both are those of a corner of the cube. There the truncation is largest, as long as its first term leads; and there
    s·x has n + 1 values alone, so that C(n, j) units have one error of ½ε in σ and in its argument, and
    Σ_j C(n, j)² = C(2n, n). Both are equal near λ ~ ε^{1/(n+2)}, where the error is of
    the order ε^{2/(n+2)}; at a bias with c_{n+2} = 0 it is of the order ε^{4/(n+4)}.

    Parameters
    ----------
    n
        Factors, from 1 on.
    dtype
        Of the arithmetic: float64, float32, float16 or bfloat16.
    bias
        b; the one with the smallest error, |b| ≤ 3, by default.

    Raises
    ------
    InputError
        If n is below 1, or c_n vanishes at the bias that is given.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> found = flat_floor(8, smooth_function("gelu"), bias=0.0)
    >>> f"{found.error:.1e} at λ = {found.scale:.2g}"
    '1.2e-03 at λ = 0.0092'
    """
    if n < 1:
        raise InputError("a product of one factor or more", f"{n}", "pass n = 2")
    if n > LARGEST:
        return Floor(n, 0.0 if bias is None else bias, 1.0, math.inf, math.inf)
    return _floor(n, activation, torch.finfo(dtype).eps, bias)


@cache
def _floor(n: int, activation: SmoothFunction, ε: float, bias: float | None) -> Floor:
    if bias is not None:
        found = _at(n, activation, ε, bias)
        if not math.isfinite(found.rounding):
            fix = "choose another bias, or leave it out"
            raise InputError(f"a bias at which the derivative of order {n} is not 0", f"{bias:g}", fix)
        return found
    steps: NDArray[np.float64] = np.linspace(-_REACH, _REACH, 121)
    for _ in range(6):
        tried = [_at(n, activation, ε, float(b)) for b in steps]
        best = min(tried, key=lambda f: (f.truncation + f.rounding, abs(f.bias)))
        width = steps[1] - steps[0]
        steps = np.linspace(best.bias - width, best.bias + width, 41)
    return best


def _at(n: int, activation: SmoothFunction, ε: float, b: float) -> Floor:
    """At a bias; an infinite error where c_n vanishes."""
    c = _series(activation, b, n + 4)
    lead = abs(c[n])
    if lead < 1e-30 or lead < 1e-12 * max(map(abs, c)):
        return Floor(n, b, 1.0, math.inf, math.inf)
    λ = _SCALES
    second = n * (n + 2) * (n + 1) / 6 * abs(c[n + 2]) / lead
    fourth = (n / 120 + n * (n - 1) / 72) * math.perm(n + 4, 4) * abs(c[n + 4]) / lead
    truncation = second * λ**2 + fourth * λ**4
    size = max(abs(c[0]), activation.cancels * abs(b)) + abs(c[1]) * (abs(b) + λ * math.sqrt(n))
    together = math.sqrt(math.comb(2 * n, n)) / 2**n
    rounding = ε / 2 * together * size / (math.factorial(n) * lead * λ**n)
    k = int(np.argmin(truncation + rounding))
    return Floor(n, b, float(λ[k]), float(truncation[k]), float(rounding[k]))


@cache
def _series(activation: SmoothFunction, b: float, order: int) -> tuple[float, ...]:
    return activation.taylor(b, order)
