"""What the clouds of a ray stand for, and where their random numbers come from."""

from __future__ import annotations

from dataclasses import dataclass

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
    live
        Clouds that later elements still need: a fresh cloud is made orthogonal to those of its own shape,
        as independent layers of infinite width are.
    """

    replicas: int
    pooled: bool
    generator: torch.Generator
    live: tuple[Tensor, ...] = ()

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


def rotate(rows: Tensor, size: int, ensemble: Ensemble, rounds: int = 1) -> Tensor:
    """Zero-pad the last axis to `size` and apply one random rotation for each entry of the first axis.

    Each round is a product of random signs and a random circulant rotation (unit phases in Fourier space):
    it costs n log n, is exactly orthogonal, and turns any vector into one with Gaussian coordinates.

    Parameters
    ----------
    rows
        (G, S, M): G independent rotations, each applied to S rows.
    size
        n ≥ M.
    rounds
        How many such products. One makes Gaussian coordinates; two also let a corner of the rotation
        fluctuate as a Gaussian matrix does.
    """
    groups = rows.shape[0]
    if size > rows.shape[-1]:
        rows = torch.nn.functional.pad(rows, (0, size - rows.shape[-1]))
    for _ in range(rounds):
        rows = rows * ensemble.signs(groups, 1, size)
        if size > 1:
            phases = ensemble.phases(groups, 1, size // 2 + 1)
            # The eigenvalues of a real circulant are real at zero frequency and, for even n, at the highest.
            phases[..., 0] = torch.sign(phases[..., 0].real)
            if size % 2 == 0:
                phases[..., -1] = torch.sign(phases[..., -1].real)
            rows = torch.fft.irfft(torch.fft.rfft(rows) * phases, n=size)
    return rows


def fast_length(n: int) -> int:
    """The smallest 2ᵃ3ᵇ5ᶜ that is at least `n`.

    Examples
    --------
    >>> fast_length(4001)
    4050
    """
    while True:
        m = n
        for p in (2, 3, 5):
            while m % p == 0:
                m //= p
        if m == 1:
            return n
        n += 1
