"""What the clouds of a ray stand for, and where their random numbers come from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Ensemble:
    """How many copies of the network the cloud holds, and whether they share their fluctuations.

    Attributes
    ----------
    replicas
        Copies R of every layer; a layer of N units is carried by R·N virtual neurons.
    pooled
        True: the R copies are one layer of R·N units, whose second moments are transported exactly (the
        infinite-width limit). False: R separate networks of the true width, each with the fluctuations
        that a Gaussian matrix of its size has.
    generator
        Source of all random numbers.
    samples
        Size B of the whole batch, of which the probes are the first; 0: the probes are all.
    live
        Clouds that later elements still need: a fresh cloud is made orthogonal to those of its own shape,
        as independent layers of infinite width are.
    repeated
        Seed of a random map that occurs at several places (the same weights used again, or copied): there it
        is drawn from a generator of its own, the same each time.
    """

    replicas: int
    pooled: bool
    generator: torch.Generator
    samples: int = 0
    live: tuple[Tensor, ...] = ()
    repeated: int | None = None

    def stream(self, number: int = 0) -> Ensemble:
        """The ensemble with the generator that a map draws from, one for each use that it makes of it."""
        if self.repeated is None:
            return self
        return replace(self, generator=torch.Generator().manual_seed(self.repeated + number))

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers of the given shape."""
        return torch.randn(shape, generator=self.generator)

    def signs(self, *shape: int) -> Tensor:
        """Random ±1 of the given shape."""
        return torch.randint(0, 2, shape, generator=self.generator, dtype=torch.float32) * 2 - 1

    def phases(self, *shape: int) -> Tensor:
        """Random unit complex numbers of the given shape."""
        angle = torch.rand(shape, generator=self.generator) * (2 * torch.pi)
        return torch.polar(torch.ones_like(angle), angle)
