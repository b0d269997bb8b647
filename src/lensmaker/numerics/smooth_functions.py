"""Smooth functions of one number, in torch and as Taylor series of any order about any point."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lensmaker.core import InputError

DIGITS = 60
"""In which series are built: each recurrence loses a few where terms cancel."""

Series = list[Any]


@dataclass(frozen=True)
class SmoothFunction:
    """σ, analytic on the real line.

    Attributes
    ----------
    name
        Of σ.
    function
        σ of a tensor, element by element.
    cancels
        σ(x) is computed from numbers as large as `cancels` |x|, and rounded as these are: GELU from ½x and
        ½x erf(x/√2), which cancel where x is negative.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    _series: Callable[[Any, int], Series]
    cancels: float = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x)

    def __str__(self) -> str:
        return self.name

    def in_digits(self, x: Any) -> Any:
        """σ of a number of mpmath, in the digits that mpmath works in."""
        return self._series(x, 0)[0]

    def taylor(self, b: float, order: int) -> tuple[float, ...]:
        """c_k = σ⁽ᵏ⁾(b)/k! for k = 0 … order, from a recurrence in 60 digits.

        Examples
        --------
        >>> smooth_function("tanh").taylor(0.0, 5)
        (0.0, 1.0, 0.0, -0.3333333333333333, 0.0, 0.13333333333333333)
        """
        import mpmath

        with mpmath.workdps(DIGITS):
            return tuple(float(c) for c in self._series(mpmath.mpf(b), order))


def smooth_function(name: str) -> SmoothFunction:
    """The one that is called so.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> str(smooth_function("silu"))
    'silu'
    """
    known = {σ.name: σ for σ in SMOOTH_FUNCTIONS}
    if name not in known:
        fix = f"choose one of {', '.join(known)}"
        raise InputError("the name of a smooth activation function", repr(name), fix)
    return known[name]


# -- the series, by the differential equation that each function solves -----------------------------


def _tanh(b: Any, order: int) -> Series:
    """t′ = 1 − t²."""
    import mpmath

    t = [mpmath.tanh(b)]
    for k in range(order):
        t.append(((k == 0) - _squared(t, k)) / (k + 1))
    return t


def _sigmoid(b: Any, order: int) -> Series:
    """s′ = s − s²."""
    import mpmath

    s = [1 / (1 + mpmath.exp(-b))]
    for k in range(order):
        s.append((s[k] - _squared(s, k)) / (k + 1))
    return s


def _softplus(b: Any, order: int) -> Series:
    """p′ = sigmoid."""
    import mpmath

    return [mpmath.log1p(mpmath.exp(b)), *_integrated(_sigmoid(b, max(order - 1, 0)))][: order + 1]


def _silu(b: Any, order: int) -> Series:
    return _times_x(_sigmoid(b, order), b)


def _gelu(b: Any, order: int) -> Series:
    """That of x Φ(x), with Φ′ = φ and φ′ = −x φ."""
    import mpmath

    φ = [mpmath.npdf(b)]
    for k in range(order):
        φ.append(-(b * φ[k] + (φ[k - 1] if k else 0)) / (k + 1))
    return _times_x([mpmath.ncdf(b), *_integrated(φ)][: order + 1], b)


def _erf(b: Any, order: int) -> Series:
    """erf′ = g and g′ = −2x g."""
    import mpmath

    g = [2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-b * b)]
    for k in range(order):
        g.append(-2 * (b * g[k] + (g[k - 1] if k else 0)) / (k + 1))
    return [mpmath.erf(b), *_integrated(g)][: order + 1]


def _exp(b: Any, order: int) -> Series:
    import mpmath

    return [mpmath.exp(b) / math.factorial(k) for k in range(order + 1)]


def _sin(b: Any, order: int) -> Series:
    import mpmath

    cycle = mpmath.sin(b), mpmath.cos(b)
    return [(-1) ** (k // 2) * cycle[k % 2] / math.factorial(k) for k in range(order + 1)]


def _squared(a: Series, k: int) -> Any:
    """The coefficient of order k of the square."""
    return sum((a[i] * a[k - i] for i in range(k + 1)), 0)


def _integrated(a: Series) -> Series:
    """All but the constant."""
    return [c / (k + 1) for k, c in enumerate(a)]


def _times_x(a: Series, b: Any) -> Series:
    return [b * c + (a[k - 1] if k else 0) for k, c in enumerate(a)]


SMOOTH_FUNCTIONS: tuple[SmoothFunction, ...] = (
    SmoothFunction("tanh", torch.tanh, _tanh),
    SmoothFunction("sigmoid", torch.sigmoid, _sigmoid),
    SmoothFunction("softplus", F.softplus, _softplus),
    SmoothFunction("silu", F.silu, _silu),
    SmoothFunction("gelu", F.gelu, _gelu, cancels=0.5),
    SmoothFunction("erf", torch.erf, _erf),
    SmoothFunction("exp", torch.exp, _exp),
    SmoothFunction("sin", torch.sin, _sin),
)
"""Those that networks of products are planned for."""
