"""Equations that have a name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.reactions import PolynomialReaction

Coefficient = float | Tensor
"""A number, or a tensor of the grid's shape."""


def advection_diffusion(
    grid: Grid,
    *,
    velocity: Sequence[Coefficient] = (),
    diffusivity: Coefficient | Sequence[Sequence[Coefficient]] = 0.0,
    potential: Coefficient = 0.0,
) -> FieldEquation:
    """∂_t φ = −u·∇φ + D_ij ∂_i∂_j φ + V φ: drift −u, metric 2D.

    Parameters
    ----------
    velocity
        u, one for each axis; none for 0.
    diffusivity
        D, one for all directions or a matrix.

    Raises
    ------
    InputError
        If D is not positive, or the velocity has not one number for each axis.

    Examples
    --------
    >>> equation = advection_diffusion(Grid((8, 8), (1.0, 1.0)), velocity=(1.0, 0.0), diffusivity=0.5)
    >>> equation.media[0].metric[0, 0].item(), equation.media[0].drift[0].item()
    (1.0, -1.0)
    """
    if velocity and len(velocity) != grid.axes:
        raise InputError(f"{grid.axes} velocities", f"{len(velocity)}", "pass one for each axis")
    if isinstance(diffusivity, float | int | Tensor):
        metric: Coefficient | list[list[Coefficient]] = 2 * diffusivity
    else:
        metric = [[2 * d for d in row] for row in diffusivity]
    drift = [-u for u in velocity] or None
    return FieldEquation(grid, (Medium.plain(grid.axes, metric=metric, drift=drift, potential=potential),))


def wave(grid: Grid, *, speed: Coefficient = 1.0) -> FieldEquation:
    """∂_t² u = c² ∇² u as two channels: ∂_t u = v, ∂_t v = c² ∇² u.

    Examples
    --------
    >>> wave(Grid((8,), (1.0,)), speed=2.0).media[0].metric[0, 0].tolist()
    [[0.0, 0.0], [8.0, 0.0]]
    """
    return FieldEquation(grid, (_coupled(grid, {(1, 0): 2 * speed**2}, {(0, 1): 1.0}),))


def reaction_diffusion(grid: Grid, *, diffusivity: Coefficient, reaction: Sequence[float]) -> FieldEquation:
    """∂_t φ = D ∇² φ + Σ_k c_k φ^k.

    Examples
    --------
    >>> print(reaction_diffusion(Grid((8,), (1.0,)), diffusivity=1.0, reaction=(0, 1, -1)).reaction)
    PolynomialReaction(coefficients=(0.0, 1.0, -1.0))
    """
    medium = Medium.plain(grid.axes, metric=2 * diffusivity)
    return FieldEquation(grid, (medium,), reaction=PolynomialReaction(tuple(map(float, reaction))))


def fisher_kpp(grid: Grid, *, diffusivity: float = 1.0, rate: float = 1.0) -> FieldEquation:
    """∂_t φ = D ∇² φ + r φ (1 − φ): fronts of speed 2 √(rD) or more."""
    return reaction_diffusion(grid, diffusivity=diffusivity, reaction=(0.0, rate, -rate))


def allen_cahn(grid: Grid, *, diffusivity: float = 1.0, rate: float = 1.0) -> FieldEquation:
    """∂_t φ = D ∇² φ + r φ (1 − φ²): walls tanh(x √(r/2D)) between −1 and 1."""
    return reaction_diffusion(grid, diffusivity=diffusivity, reaction=(0.0, rate, 0.0, -rate))


def schrodinger(grid: Grid, *, mass: float = 1.0, potential: Coefficient = 0.0) -> FieldEquation:
    """Schrödinger's equation, i ∂_t ψ = −∇²ψ/2m + U ψ, as two channels, ψ = φ₀ + i φ₁: ħ = 1, and Σ φ₀² + φ₁² stays.

    ∂_t φ₀ = −∇²φ₁/2m + U φ₁,   ∂_t φ₁ = ∇²φ₀/2m − U φ₀.

    Examples
    --------
    >>> schrodinger(Grid((8,), (1.0,))).media[0].metric[0, 0].tolist()
    [[0.0, -1.0], [1.0, 0.0]]
    """
    second: dict[tuple[int, int], Coefficient] = {(0, 1): -1 / mass, (1, 0): 1 / mass}
    return FieldEquation(grid, (_coupled(grid, second, {(0, 1): potential, (1, 0): -1.0 * potential}),))


def imaginary_time(grid: Grid, *, mass: float = 1.0, potential: Coefficient = 0.0) -> FieldEquation:
    """∂_t ψ = ∇²ψ/2m − U ψ, Schrödinger's equation in imaginary time: what is left is the ground state."""
    return FieldEquation(grid, (Medium.plain(grid.axes, metric=1 / mass, potential=-1.0 * potential),))


def _coupled(
    grid: Grid, metric: dict[tuple[int, int], Coefficient], potential: dict[tuple[int, int], Coefficient]
) -> Medium:
    """Two channels, with the same metric for all directions."""
    shape = next(
        (tuple(v.shape) for v in [*metric.values(), *potential.values()] if isinstance(v, Tensor)), ()
    )
    g = torch.zeros(grid.axes, grid.axes, 2, 2, *shape, dtype=torch.float64)
    v = torch.zeros(2, 2, *shape, dtype=torch.float64)
    for (o, i), value in metric.items():
        for axis in range(grid.axes):
            g[axis, axis, o, i] = value
    for (o, i), value in potential.items():
        v[o, i] = value
    return Medium(g, torch.zeros(grid.axes, 2, 2, dtype=torch.float64), v)
