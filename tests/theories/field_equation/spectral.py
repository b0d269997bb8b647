"""Fields on a torus, their derivatives by Fourier, and layers on them: a reference that knows no lensmaker."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def numbers(side: int, d: int) -> list[Tensor]:
    k = 2 * math.pi * torch.fft.fftfreq(side, 1 / side, dtype=torch.float64)
    return [k.view([-1 if a == axis else 1 for a in range(d)]) for axis in range(d)]


def derivative(field: Tensor, *axes: int) -> Tensor:
    """∂_i ∂_j … of fields on the unit torus; spatial axes last, d of them as `axes` are counted from −d."""
    d = field.ndim - 1
    waves = torch.fft.fftn(field, dim=tuple(range(1, d + 1)))
    for axis in axes:
        waves = waves * (1j * numbers(field.shape[-1], d)[axis])
    return torch.fft.ifftn(waves, dim=tuple(range(1, d + 1))).real


def correlated(field: Tensor, weight: Tensor) -> Tensor:
    """y_o(x) = Σ_i Σ_z w_{oi}(z) φ_i(x + z) on the torus, the middle of an odd kernel at z = 0, by rolls alone."""
    d, out = field.ndim - 1, torch.zeros(weight.shape[0], *field.shape[1:], dtype=field.dtype)
    for index in torch.cartesian_prod(*[torch.arange(n) for n in weight.shape[2:]]).reshape(-1, d):
        z = [int(i) - (n - 1) // 2 for i, n in zip(index, weight.shape[2:], strict=True)]
        moved = field.roll([-s for s in z], dims=tuple(range(1, d + 1)))
        out = out + torch.einsum("oi,i...->o...", weight[(..., *index.tolist())], moved)
    return out


def smooth(side: int, d: int, channels: int = 1, seed: int = 0, lowest: float = 0.0) -> Tensor:
    """A sum of a few long waves on the unit torus, the same function at each resolution; above `lowest`."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.arange(side, dtype=torch.float64) / side
    grid = torch.stack(torch.meshgrid(*[x] * d, indexing="ij"))
    fields = []
    for _ in range(channels):
        field = torch.zeros_like(grid[0])
        for _ in range(4):
            n = torch.randint(-2, 3, (d,), generator=generator).double()
            phase, size = torch.rand(2, generator=generator, dtype=torch.float64)
            field = field + size * torch.cos(
                2 * math.pi * torch.einsum("a,a...->...", n, grid) + 6.28 * phase
            )
        fields.append(field)
    found = torch.stack(fields)
    if lowest:
        found = lowest + (found - found.min()) / (found.max() - found.min())
    return found
