"""Ways to differentiate on a grid, by their symbols: how each multiplies the wave e^{ikx}."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor

from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.medium import Medium

FIRST = {2: (-0.5, 0.0, 0.5), 4: (1 / 12, -2 / 3, 0.0, 2 / 3, -1 / 12)}
"""h ∂ from neighbours, by order of accuracy."""

SECOND = {2: (1.0, -2.0, 1.0), 4: (-1 / 12, 4 / 3, -5 / 2, 4 / 3, -1 / 12)}
"""h² ∂² from neighbours, by order of accuracy."""


class Space(Enum):
    """How derivatives in space are taken; the value is the order of accuracy, 0 where the error falls exponentially."""

    DIFFERENCES_2 = 2
    DIFFERENCES_4 = 4
    SPECTRAL = 0

    def first(self, kh: Tensor) -> Tensor:
        """The symbol of ∂, times h, for kh in −π … π; purely imaginary."""
        if self is Space.SPECTRAL:
            return 1j * kh
        return _sum(FIRST[self.value], kh)

    def second(self, kh: Tensor) -> Tensor:
        """The symbol of ∂², times h²; real and not positive."""
        if self is Space.SPECTRAL:
            return -(kh**2) + 0j
        return _sum(SECOND[self.value], kh)


def _sum(weights: tuple[float, ...], kh: Tensor) -> Tensor:
    reach = len(weights) // 2
    terms = [w * torch.exp(1j * kh * z) for w, z in zip(weights, range(-reach, reach + 1), strict=True)]
    return torch.stack(terms).sum(0)


def symbol(medium: Medium, first: Tensor, second: Tensor) -> Tensor:
    """½ g^{ij} ∂_i∂_j + A^i ∂_i + V of a uniform medium on waves: (d, …) symbols of ∂_i and ∂_i² to (…, C, C).

    Examples
    --------
    >>> k = torch.tensor([[2.0 + 0j]], dtype=torch.complex128)
    >>> symbol(Medium.plain(1, metric=2.0, potential=1.0), 1j * k, -(k**2)).real.item()
    -3.0
    """
    g, a, v = (t.to(torch.complex128) for t in (medium.metric, medium.drift, medium.potential))
    total = torch.einsum("ioc,i...->...oc", a, first) + v
    for i in range(medium.axes):
        for j in range(medium.axes):
            both = second[i] if i == j else first[i] * first[j]
            total = total + both[..., None, None] * g[i, j] / 2
    return total


def grid_symbol(medium: Medium, grid: Grid, space: Space, *, half: bool = True) -> Tensor:
    """The symbol of a uniform medium at the momenta of a periodic grid, in the order of rfftn, or of fftn.

    The wave of shortest length along an axis of even length has no first derivative on the grid.
    """
    first, second = [], []
    for axis, (n, h) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        last = half and axis == grid.axes - 1
        kh = 2 * torch.pi * (torch.fft.rfftfreq if last else torch.fft.fftfreq)(n, dtype=torch.float64)
        one = space.first(kh) / h
        if n % 2 == 0:
            one[n // 2] = 0.0
        first.append(one)
        second.append(space.second(kh) / h**2)
    return symbol(
        medium,
        torch.stack(torch.meshgrid(*first, indexing="ij")),
        torch.stack(torch.meshgrid(*second, indexing="ij")),
    )


def spectral_derivative(field: Tensor, grid: Grid, axis: int, order: int) -> Tensor:
    """∂ or ∂² along one axis of fields (…, *shape), by the waves that fit the boundaries.

    Examples
    --------
    >>> grid = Grid.of_length((16,), (2 * torch.pi,))
    >>> x = grid.positions(0)
    >>> bool((spectral_derivative(torch.sin(x), grid, 0, 1) - torch.cos(x)).abs().max() < 1e-13)
    True
    """
    at = axis - grid.axes
    wide = grid.extended(field, at).movedim(at, -1)
    n, h = wide.shape[-1], grid.spacing[axis]
    k = 2 * torch.pi * torch.fft.rfftfreq(n, dtype=torch.float64) / h
    factor = 1j * k if order == 1 else -(k**2) + 0j
    if order == 1 and n % 2 == 0:
        factor[-1] = 0.0
    factor = factor.to(device=field.device, dtype=field.dtype.to_complex())
    found = torch.fft.irfft(torch.fft.rfft(wide) * factor, n=n).movedim(-1, at)
    return grid.cropped(found, at, grid.shape[axis])
