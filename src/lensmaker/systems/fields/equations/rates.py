"""The rate of change of a field: the right-hand side of its equation on a grid."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.grid import Boundary, Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import Space, grid_symbol, spectral_derivative
from lensmaker.systems.fields.equations.stencils import neighbour_sum, stencil

Rate = Callable[[Tensor], Tensor]
"""φ (batch, channels, *shape) → ∂_t φ."""


def rate(equation: FieldEquation, medium: Medium, space: Space) -> Rate:
    """The right-hand side while a medium lasts.

    Raises
    ------
    InputError
        If there are no such differences at the boundary.
    """
    linear = linear_rate(medium, equation.grid, space)
    reaction, mobility = equation.reaction, equation.mobility
    if equation.linear:
        return linear

    def found(field: Tensor) -> Tensor:
        out = linear(field)
        if reaction is not None:
            out = out + reaction(field)
        return out if mobility is None else mobility(field) * out

    return found


def linear_rate(medium: Medium, grid: Grid, space: Space) -> Rate:
    """½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ."""
    if space is not Space.SPECTRAL:
        return neighbour_sum(stencil(medium, grid, space.value), grid)
    if medium.uniform and grid.boundary is Boundary.PERIODIC:
        return multiplier(grid_symbol(medium, grid, space), grid)
    return lambda field: _by_derivatives(medium, grid, field)


def multiplier(factors: Tensor, grid: Grid) -> Rate:
    """Fields whose waves are multiplied by (*momenta of rfftn, C, C)."""
    axes = tuple(range(-grid.axes, 0))
    one = factors.shape[-1] == 1

    def found(field: Tensor) -> Tensor:
        waves = torch.fft.rfftn(field, dim=axes)
        f = factors.to(waves.dtype)
        waves = waves * f[..., 0, 0] if one else torch.einsum("...oc,bc...->bo...", f, waves)
        return torch.fft.irfftn(waves, s=grid.shape, dim=axes)

    return found


def _by_derivatives(medium: Medium, grid: Grid, field: Tensor) -> Tensor:
    """Each derivative by its waves, then the coefficients point by point."""
    g, a, v = (t.to(field.dtype) for t in (medium.metric, medium.drift, medium.potential))
    d = grid.axes
    sites = (..., *(None,) * d)

    def mixed(matrix: Tensor, values: Tensor) -> Tensor:
        wide = matrix if matrix.ndim > 2 else matrix[sites]
        return torch.einsum("oc...,bc...->bo...", wide, values)

    first = [spectral_derivative(field, grid, i, 1) for i in range(d)]
    out = mixed(v, field)
    for i in range(d):
        out = out + mixed(a[i], first[i])
        for j in range(d):
            if not bool((g[i, j] != 0).any()):
                continue
            second = (
                spectral_derivative(field, grid, i, 2)
                if i == j
                else spectral_derivative(first[i], grid, j, 1)
            )
            out = out + mixed(g[i, j], second) / 2
    return out
