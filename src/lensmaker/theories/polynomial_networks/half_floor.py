"""A flat product with 2^(n−1) units: where biases allow it, and what accuracy arithmetic leaves."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch

from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SmoothFunction
from lensmaker.theories.polynomial_networks.flat_floor import LARGEST, Floor

_REACH = 4.0
_SCALES = np.geomspace(1e-9, 4.0, 1201)


def half_biases(n: int, activation: SmoothFunction) -> tuple[float, ...]:
    """The b, |b| ≤ 4, at which σ⁽ⁿ⁻¹⁾ vanishes and σ⁽ⁿ⁾ does not: with these, 2^(n−1) units multiply n numbers.

    Of each pair s, −s one is left out. In the sum over s with s₁ = 1 the terms of degree n − 1 and parity of n − 1 in
    x₂ … x_n do not cancel, and have the factor σ⁽ⁿ⁻¹⁾(b); the others below n do.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> half_biases(2, smooth_function("tanh")), half_biases(3, smooth_function("tanh"))
    ((), (0.0,))
    >>> [round(b, 4) for b in half_biases(2, smooth_function("silu"))]
    [-1.2785]
    """
    if n < 2:
        raise InputError("a product of two factors or more", f"{n}", "pass n = 2")
    return _zeros(n, activation) if n <= LARGEST else ()


def units_with_biases(n: int, activation: SmoothFunction) -> int:
    """2^(n−1) where a bias allows it, else 2^n − 1: an output bias takes the place of the unit that sees no input.

    Both are constructions, so bounds from above: ∏x_i is the mixed difference Σ_A (−1)^{n−|A|} σ(b + λ Σ_{i∈A} x_i)
    over c_n n! λ^n, whose term without any x_i is a constant.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> [units_with_biases(2, smooth_function(name)) for name in ("tanh", "softplus", "silu", "exp")]
    [3, 3, 2, 3]
    >>> [units_with_biases(3, smooth_function(name)) for name in ("tanh", "softplus", "silu", "exp")]
    [4, 7, 4, 7]
    """
    return 2 ** (n - 1) if half_biases(n, activation) else 2**n - 1


def half_floor(n: int, activation: SmoothFunction, dtype: torch.dtype = torch.float64) -> Floor | None:
    r"""The best bias and λ of 2^(n−1) units; None where there is no such bias.

        ∏x_i ≈ Σ_{s, s₁=1} ∏s_i σ(b + λ s·x) / (2^{n−1} n! c_n λ^n),      c_{n−1} = 0

        truncation  λ (n+1)(n+2)/6 |c_{n+1}/c_n| + λ² n (n+2)(n+1)/6 |c_{n+2}/c_n|
        rounding    ½ε √C(2n−2, n−1) [|c_0| + |c_1| (|b| + λ√n)] / (2^{n−1} n! |c_n| λ^n)

    The first term vanishes where σ is odd, or a line more than even, about b; else the floor is of the order
    ε^{1/(n+1)}, not ε^{2/(n+2)}.

    Examples
    --------
    >>> from lensmaker.numerics.smooth_functions import smooth_function
    >>> f"{half_floor(3, smooth_function('tanh')).error:.1e}"
    '3.1e-08'
    """
    ε = torch.finfo(dtype).eps
    found = [_at(n, activation, ε, b) for b in half_biases(n, activation)]
    return min(found, key=lambda f: f.truncation + f.rounding, default=None)


@cache
def _zeros(n: int, activation: SmoothFunction) -> tuple[float, ...]:
    from scipy.optimize import brentq

    def derivative(b: float) -> float:
        return activation.taylor(b, n - 1)[n - 1]

    steps = np.linspace(-_REACH, _REACH, 161)
    values = [derivative(float(b)) for b in steps]
    largest = max(map(abs, values))
    found = []
    for left, right, low, high in zip(steps[:-1], steps[1:], values[:-1], values[1:], strict=True):
        if low == 0:
            found.append(float(left))
        elif low * high < 0 and max(abs(low), abs(high)) > 1e-9 * largest:
            found.append(float(brentq(derivative, left, right, xtol=1e-15)))
    return tuple(b for b in found if abs(activation.taylor(b, n)[n]) > 1e-6 * largest / n)


def _at(n: int, activation: SmoothFunction, ε: float, b: float) -> Floor:
    c, λ = activation.taylor(b, n + 2), _SCALES
    lead = abs(c[n])
    first = (n + 1) * (n + 2) / 6 * abs(c[n + 1]) / lead
    second = n * (n + 2) * (n + 1) / 6 * abs(c[n + 2]) / lead
    truncation = first * λ + second * λ**2
    size = max(abs(c[0]), activation.cancels * abs(b)) + abs(c[1]) * (abs(b) + λ * math.sqrt(n))
    together = math.sqrt(math.comb(2 * n - 2, n - 1)) / 2 ** (n - 1)
    rounding = ε / 2 * together * size / (math.factorial(n) * lead * λ**n)
    k = int(np.argmin(truncation + rounding))
    return Floor(n, b, float(λ[k]), float(truncation[k]), float(rounding[k]))
