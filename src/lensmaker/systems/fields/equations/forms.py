"""Other forms of the same law, turned into the one without a divergence."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.grid import Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import spectral_derivative


def divergence_form(grid: Grid, medium: Medium) -> Medium:
    r"""The medium whose plain form is ½ ∂_i(g^{ij} ∂_j φ) + ∂_i(A^i φ) + V φ, which conserves Σφ where V = 0.

        A^j → A^j + ½ ∂_i g^{ij},   V → V + ∂_i A^i

    A uniform medium is its own. Coefficients are differentiated by their waves: they must be smooth, and go on smoothly
    beyond the boundary.

    Raises
    ------
    InputError
        If the grid is not periodic and the medium not uniform: then give the plain form, with the derivatives taken.

    Examples
    --------
    >>> grid = Grid.of_length((32,), (2 * torch.pi,))
    >>> x = grid.positions(0)
    >>> found = divergence_form(grid, Medium.plain(1, metric=2 + torch.sin(x)))
    >>> bool((found.drift[0, 0, 0] - torch.cos(x) / 2).abs().max() < 1e-13)
    True
    """
    if medium.on(grid).uniform:
        return medium
    _check(grid)
    d = grid.axes
    g, a = (_full(t, n, grid) for t, n in ((medium.metric, 4), (medium.drift, 3)))
    drift = a + torch.stack([sum((_d(g[i, j], grid, i) for i in range(d)), _none(g)) / 2 for j in range(d)])
    potential = _full(medium.potential, 2, grid) + sum((_d(a[i], grid, i) for i in range(d)), _none(a))
    return Medium(g, drift, potential)


def gauge_form(grid: Grid, metric: Tensor, connection: Tensor, potential: Tensor) -> Medium:
    r"""The medium whose plain form is ½ (∂_i + a_i) g^{ij} (∂_j + a_j) φ + V φ.

        A^j = ½ (∂_i g^{ij} + g^{ji} a_i + a_i g^{ij}),   V → V + ½ (∂_i(g^{ij} a_j) + a_i g^{ij} a_j)

    Matrices on the channels do not commute, and their order is kept.

    Parameters
    ----------
    metric, connection, potential
        (d, d, C, C), (d, C, C) and (C, C), each with the axes of the grid behind where they differ from point to point.

    Raises
    ------
    InputError
        As for `divergence_form`.

    Examples
    --------
    >>> one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    >>> found = gauge_form(Grid((8,), (1.0,)), 2 * one, 3 * one[0], 0 * one[0, 0])
    >>> found.drift.item(), found.potential.item()  # g a and ½ a g a
    (6.0, 9.0)
    """
    given = Medium(metric, connection, potential).on(grid)
    d = grid.axes
    if given.uniform:
        g, a, v = (t[(..., *(None,) * d)] for t in (metric, connection, potential))
    else:
        _check(grid)
        g, a = (_full(t, n, grid) for t, n in ((metric, 4), (connection, 3)))
        v = _full(potential, 2, grid)

    def ahead(i: int, values: Tensor) -> Tensor:
        return torch.zeros_like(values) if given.uniform else _d(values, grid, i)

    pairs = [(i, j) for i in range(d) for j in range(d)]
    drift = torch.stack(
        [
            sum((ahead(i, g[i, j]) + _mul(g[j, i], a[i]) + _mul(a[i], g[i, j]) for i in range(d)), _none(g))
            / 2
            for j in range(d)
        ]
    )
    extra = [ahead(i, _mul(g[i, j], a[j])) + _mul(a[i], _mul(g[i, j], a[j])) for i, j in pairs]
    found = sum(extra, _none(a)) / 2 + v
    if given.uniform:
        return Medium(metric, drift.reshape(connection.shape), found.reshape(potential.shape))
    return Medium(g, drift, found)


def _mul(left: Tensor, right: Tensor) -> Tensor:
    return torch.einsum("ab...,bc...->ac...", left, right)


def _d(values: Tensor, grid: Grid, axis: int) -> Tensor:
    return spectral_derivative(values, grid, axis, 1)


def _full(tensor: Tensor, own: int, grid: Grid) -> Tensor:
    """With all axes of the grid."""
    if tensor.ndim > own:
        return tensor
    return tensor[(..., *(None,) * grid.axes)].expand(*tensor.shape, *grid.shape)


def _none(like: Tensor) -> Tensor:
    return torch.zeros((), dtype=like.dtype)


def _check(grid: Grid) -> None:
    if grid.boundary.name != "PERIODIC":
        raise InputError(
            "a periodic grid, where the waves of the coefficients are known",
            f"{grid}",
            "give the plain form, with the derivatives of the coefficients taken",
        )
