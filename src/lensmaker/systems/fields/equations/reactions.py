"""Reactions: what a point does by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lensmaker.core import InputError

PointLaw = Callable[[Tensor], Tensor]
"""A function of the field at each point, (batch, channels, *shape) to the same."""


@dataclass(frozen=True)
class PolynomialReaction:
    """r(φ) = Σ_k c_k φ^k of each channel by itself, in field/time.

    Attributes
    ----------
    coefficients
        c₀, c₁, …, the same for all channels.

    Raises
    ------
    InputError
        If there is none, or one is not finite.

    Examples
    --------
    >>> growth = PolynomialReaction((0.0, 2.0, -2.0))  # 2 φ (1 − φ)
    >>> growth(torch.tensor([0.0, 0.5, 1.0])).tolist(), growth.slopes
    ([0.0, 0.5, 0.0], (-2.0, 2.0))
    """

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.coefficients or not np.isfinite(self.coefficients).all():
            raise InputError("finite coefficients c₀, c₁, …", f"{self.coefficients}", "pass one or more")

    def __call__(self, field: Tensor) -> Tensor:
        total = torch.full_like(field, self.coefficients[-1])
        for c in reversed(self.coefficients[:-1]):
            total = total * field + c
        return total

    @property
    def slopes(self) -> tuple[float, ...]:
        """r′ at the real fields where nothing happens, r = 0, in ascending order; r′(0) where there are none."""
        polynomial = np.polynomial.Polynomial(self.coefficients)
        roots = polynomial.roots() if polynomial.trim().degree() > 0 else np.zeros(1)
        real = [float(r.real) for r in np.atleast_1d(roots) if abs(r.imag) < 1e-6 * (1 + abs(r))]
        return tuple(sorted({round(float(polynomial.deriv()(r)), 12) for r in real or [0.0]}))


def slopes_of(reaction: PointLaw | None) -> tuple[float, ...]:
    """Slopes that a reaction tells of itself, (0,) where it tells none."""
    return tuple(getattr(reaction, "slopes", ())) or (0.0,)
