"""Fast random rotations: products of random signs and random circulants, n log n each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.theories.statistical_ray.ensemble import Ensemble


@dataclass(frozen=True)
class Rotation:
    """G independent random rotations of n dimensions: x → C_k S_k … C_1 S_1 x.

    S is diagonal with random signs, C a random circulant rotation: unit phases in Fourier space. The product
    is exactly orthogonal and turns any vector into one with Gaussian coordinates. One round makes Gaussian
    coordinates; two also let a corner of the rotation fluctuate as a Gaussian matrix does.

    Attributes
    ----------
    size
        n.
    rounds
        Signs (G, 1, n) and phases (G, 1, ⌊n/2⌋ + 1) of each round.

    Examples
    --------
    >>> rotation = Rotation.draw(1, 6, Ensemble(1, True, torch.Generator().manual_seed(0)))
    >>> x = torch.eye(6).unsqueeze(0)
    >>> bool(torch.allclose(rotation.back(rotation.turn(x)), x, atol=1e-6))
    True
    """

    size: int
    rounds: tuple[tuple[Tensor, Tensor], ...]

    @classmethod
    def draw(cls, groups: int, size: int, ensemble: Ensemble, rounds: int = 1) -> Rotation:
        """Random rotations, one for each group."""
        drawn = [
            (ensemble.signs(groups, 1, size), circulant(ensemble, size, groups, 1)) for _ in range(rounds)
        ]
        return cls(size, tuple(drawn))

    def turn(self, rows: Tensor) -> Tensor:
        """Rows (G, S, M ≤ n), padded with zeros, turned: (G, S, n)."""
        rows = _padded(rows, self.size)
        for signs, phases in self.rounds:
            rows = torch.fft.irfft(torch.fft.rfft(rows * signs) * phases, n=self.size)
        return rows

    def back(self, rows: Tensor) -> Tensor:
        """The inverse, which is the transpose."""
        rows = _padded(rows, self.size)
        for signs, phases in reversed(self.rounds):
            rows = torch.fft.irfft(torch.fft.rfft(rows) * phases.conj(), n=self.size) * signs
        return rows


def circulant(ensemble: Ensemble, size: int, *leading: int) -> Tensor:
    """Eigenvalues of random circulant rotations of the given size, (*leading, ⌊n/2⌋ + 1)."""
    phases = ensemble.phases(*leading, size // 2 + 1)
    # The eigenvalues of a real circulant are real at zero frequency and, for even n, at the highest.
    phases[..., 0] = _sign(phases[..., 0].real)
    if size % 2 == 0:
        phases[..., -1] = _sign(phases[..., -1].real)
    return phases


def _sign(x: Tensor) -> Tensor:
    return torch.where(x < 0, -1.0, 1.0).to(torch.complex64)


def _padded(rows: Tensor, size: int) -> Tensor:
    return torch.nn.functional.pad(rows, (0, size - rows.shape[-1])) if size > rows.shape[-1] else rows


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
