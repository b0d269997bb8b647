"""The exact propagator as the kernel of a convolution."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import Space, grid_symbol
from lensmaker.systems.fields.equations.propagator import exponential

DROPPED = 1e-14
"""Of the sum of all |weights|, what the outermost layers of a kernel may have to be left out."""


def exact_kernel(medium: Medium, grid: Grid, step: float) -> Tensor:
    r"""Weights w(z) with Σ_z w(z) e^{ikz} = e^{hP(k)} at all momenta of a periodic grid, (C, C, *kernel).

    As wide as it must be, at most the grid, where the neighbour halfway round an even length is shared by both sides.
    It is narrow where the shortest waves are damped away, and falls off as slowly as 1/z² where they are cut off.

    Examples
    --------
    >>> ahead = exact_kernel(Medium.plain(1, drift=(1.0,)), Grid((9,), (1.0,)), 1.0)  # φ(x + 1)
    >>> ahead.flatten().round().abs().tolist()
    [0.0, 0.0, 1.0]
    """
    d = grid.axes
    powers = exponential(grid_symbol(medium, grid, Space.SPECTRAL, half=False) * step)
    axes = tuple(range(d))
    kernel = torch.fft.fftn(powers, dim=axes).real / grid.points  # w(z) = Σ_k K(k) e^{−ikz}/N
    kernel = kernel.movedim((-2, -1), (0, 1))
    for axis, n in enumerate(grid.shape):
        at = axis + 2
        kernel = kernel.roll(n // 2, at)
        if n % 2 == 0:
            edge = kernel.narrow(at, 0, 1) / 2
            kernel = torch.cat([edge, kernel.narrow(at, 1, n - 1), edge], at)
    total = kernel.abs().sum()
    for axis in range(d):
        at = axis + 2
        while kernel.shape[at] > 3:
            n = kernel.shape[at]
            ends = kernel.narrow(at, 0, 1).abs().sum() + kernel.narrow(at, n - 1, 1).abs().sum()
            if ends > DROPPED * total:
                break
            kernel = kernel.narrow(at, 1, n - 2)
    return kernel.contiguous()
