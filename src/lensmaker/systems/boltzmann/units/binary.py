"""Units of 0 and 1."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from lensmaker.numerics.draws import uniform_
from lensmaker.systems.boltzmann.units.base import Units


class Binary(Units):
    """s = 0 or 1: ln Z = Σ ln(1 + e^x), ⟨s⟩ = 1/(1 + e^{−x}).

    Examples
    --------
    >>> Binary(2).mean(torch.tensor([0.0, 100.0])).tolist()
    [0.5, 1.0]
    """

    name = "binary"
    states = (0.0, 1.0)

    def log_partition(self, x: Tensor) -> Tensor:
        return functional.softplus(x, threshold=40).sum(-1)

    def mean_(self, x: Tensor) -> Tensor:
        return x.sigmoid_()

    def sample_(self, x: Tensor, generator: torch.Generator, noise: Tensor | None = None) -> Tensor:
        noise = torch.empty_like(x) if noise is None else noise
        return torch.lt(uniform_(noise, generator), x.sigmoid_(), out=x)

    def mean_and_sample_(
        self, x: Tensor, sample: Tensor, generator: torch.Generator, noise: Tensor | None = None
    ) -> None:
        torch.lt(uniform_(sample, generator), x.sigmoid_(), out=sample)

    def field_of_mean(self, mean: Tensor) -> Tensor:
        return torch.logit(mean, 1e-3)
