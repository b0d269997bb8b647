"""Units of −1 and 1."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from lensmaker.numerics.draws import uniform_
from lensmaker.systems.boltzmann.units.base import Units


class Spin(Units):
    """s = ±1: ln Z = Σ ln 2 cosh x, ⟨s⟩ = tanh x.

    Examples
    --------
    >>> round(float(Spin(1).log_partition(torch.zeros(1))), 6)  # ln 2
    0.693147
    """

    name = "spin"
    states = (-1.0, 1.0)

    def log_partition(self, x: Tensor) -> Tensor:
        size = x.abs()
        return (size + functional.softplus(-2 * size, threshold=40)).sum(-1)

    def mean_(self, x: Tensor) -> Tensor:
        return x.tanh_()

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        noise = torch.empty_like(x) if noise is None else noise
        x.mul_(2).sigmoid_()
        return torch.lt(uniform_(noise, generator), x, out=x).mul_(2).sub_(1)

    def mean_and_sample_(
        self, x: Tensor, sample: Tensor, generator: torch.Generator, noise: Tensor | None = None
    ) -> None:
        # u < (1 + m)/2, with 2u − 1 against m
        uniform_(sample, generator).mul_(2).sub_(1)
        torch.lt(sample, x.tanh_(), out=sample).mul_(2).sub_(1)

    def field_of_mean(self, mean: Tensor) -> Tensor:
        return torch.atanh(mean.clamp(-1 + 2e-3, 1 - 2e-3))
