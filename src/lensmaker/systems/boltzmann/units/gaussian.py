"""Units of real values."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.numerics.draws import normal_
from lensmaker.systems.boltzmann.units.base import Units

SMALLEST = 1e-12
"""Variance; fields of smaller ones are more than single precision holds."""


class Gaussian(Units):
    """Real s with e = s²/(2σ²): ⟨s⟩ = σ² x, variance σ², ln Z = Σ σ² x²/2 + ½ ln 2πσ².

    Examples
    --------
    >>> Gaussian(1, variance=0.25).mean(torch.tensor([2.0])).item()
    0.5
    """

    name = "gaussian"

    def __init__(self, count: int, variance: float = 1.0) -> None:
        super().__init__(count)
        if not SMALLEST <= variance <= 1 / SMALLEST:
            expected = f"a variance from {SMALLEST:g} to {1 / SMALLEST:g}"
            raise InputError(expected, f"{variance}", "pass variance=1.0, and scale the data")
        self.variance = float(variance)

    @property
    def spec(self) -> dict[str, float | int | str]:
        return super().spec | {"variance": self.variance}

    def energy(self, s: Tensor) -> Tensor:
        return s.square().sum(-1) / (2 * self.variance)

    def log_partition(self, x: Tensor) -> Tensor:
        constant = self.count * math.log(2 * math.pi * self.variance) / 2
        return x.square().sum(-1) * (self.variance / 2) + constant

    def mean_(self, x: Tensor) -> Tensor:
        return x.mul_(self.variance)

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        noise = torch.empty_like(x) if noise is None else noise
        normal_(noise, generator)
        return x.mul_(self.variance).add_(noise, alpha=math.sqrt(self.variance))

    def field_of_mean(self, mean: Tensor) -> Tensor:
        return mean / self.variance

    def __repr__(self) -> str:
        return f"Gaussian({self.count}, variance={self.variance:g})"
