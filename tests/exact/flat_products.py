"""A flat product in many digits, by itself: no code of lensmaker, and no Taylor series."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import mpmath

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * (1 + mpmath.erf(x / mpmath.sqrt(2))) / 2,
    "erf": mpmath.erf,
    "exp": mpmath.exp,
    "sin": mpmath.sin,
}


def derivative(name: str, order: int, at: float) -> Any:
    """Of the function, by differences in many digits."""
    with mpmath.workdps(60):
        return mpmath.diff(FUNCTIONS[name], mpmath.mpf(at), order)


def network(
    name: str, weights: Sequence[Sequence[float]], bias: float, readout: Sequence[float], x: Sequence[float]
) -> Any:
    """Σ v σ(w·x + b) of one hidden layer."""
    σ = FUNCTIONS[name]
    with mpmath.workdps(60):
        terms = (
            mpmath.mpf(v) * σ(mpmath.fdot(map(mpmath.mpf, w), map(mpmath.mpf, x)) + mpmath.mpf(bias))
            for w, v in zip(weights, readout, strict=True)
        )
        return mpmath.fsum(terms)


def exact_error(
    name: str, signs: Sequence[tuple[int, ...]], bias: float, scale: float, x: Sequence[float]
) -> Any:
    """Σ_s ∏s σ(b + λ s·x) over (number n! σ⁽ⁿ⁾/n! λ^n), less ∏x, in 60 digits."""
    σ, n = FUNCTIONS[name], len(x)
    with mpmath.workdps(60):
        b, λ, place = mpmath.mpf(bias), mpmath.mpf(scale), [mpmath.mpf(v) for v in x]
        total = mpmath.fsum(
            math.prod(s) * σ(b + λ * mpmath.fsum(a * v for a, v in zip(s, place, strict=True))) for s in signs
        )
        lead = len(signs) * mpmath.diff(σ, b, n) * λ**n
        return total / lead - mpmath.fprod(place)


def all_signs(n: int) -> list[tuple[int, ...]]:
    return list(itertools.product((1, -1), repeat=n))
