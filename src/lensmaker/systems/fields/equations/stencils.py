"""A medium as a stencil: weights on neighbours, which is the kernel of a convolution."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.grid import Boundary, Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import FIRST, SECOND


def stencil(medium: Medium, grid: Grid, order: int = 2) -> Tensor:
    r"""Weights w(z) with Σ_z w(z) φ(x + z) = ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ + O(h^order).

    Mixed derivatives are products of first ones. Kernels are cross-correlations: positive z is ahead.

    Parameters
    ----------
    order
        2 for three points an axis, 4 for five.

    Returns
    -------
    Tensor
        (C, C, *kernel), with the axes of the grid behind where the medium is not uniform.

    Raises
    ------
    InputError
        If there are no such differences, or the boundary has none.

    Examples
    --------
    >>> stencil(Medium.plain(1, metric=2.0, drift=(1.0,)), Grid((8,), (0.5,))).flatten().tolist()
    [3.0, -8.0, 5.0]
    """
    check_order(grid, order)
    d, c = medium.axes, medium.channels
    sites = (1,) * len(medium.shape)
    first = [torch.tensor(FIRST[order], dtype=torch.float64) / h for h in grid.spacing]
    second = [torch.tensor(SECOND[order], dtype=torch.float64) / h**2 for h in grid.spacing]
    none = torch.zeros_like(first[0])
    none[len(none) // 2] = 1.0

    def outer(chosen: dict[int, Tensor]) -> Tensor:
        factors = [chosen.get(axis, none) for axis in range(d)]
        out = factors[0]
        for f in factors[1:]:
            out = out[..., None] * f
        return out.reshape(1, 1, *out.shape, *sites)

    def spread(tensor: Tensor) -> Tensor:
        return tensor.double().reshape(c, c, *(1,) * d, *(tensor.shape[2:] or sites))

    total = spread(medium.potential) * outer({})
    for i in range(d):
        total = total + spread(medium.drift[i]) * outer({i: first[i]})
        for j in range(d):
            pair = {i: second[i]} if i == j else {i: first[i], j: first[j]}
            if bool((medium.metric[i, j] != 0).any()):
                total = total + spread(medium.metric[i, j]) * outer(pair) / 2
    return total.contiguous()


def check_order(grid: Grid, order: int) -> None:
    """Refuse differences that there are none of.

    Raises
    ------
    InputError
        If the order is neither 2 nor 4, or 4 where the field is zero outside.
    """
    if order not in FIRST:
        raise InputError("differences of order 2 or 4", f"{order}", "pass 2 or 4")
    if order == 4 and grid.boundary is Boundary.ZERO:
        raise InputError(
            "differences of order 2 where the field is zero outside",
            "order 4, which would read the second point beyond the wall",
            "pass order 2, or another boundary",
        )


def neighbour_sum(weights: Tensor, grid: Grid) -> Callable[[Tensor], Tensor]:
    """Fields (batch, C, *shape) to Σ_z w(z) φ(x + z), for a stencil (C, C, *kernel[, *shape])."""
    d, channels = grid.axes, weights.shape[0]
    kernel = weights.shape[2 : 2 + d]
    reach = [k // 2 for k in kernel]
    uniform = weights.ndim == 2 + d
    terms: list[tuple[int, int, list[slice], Tensor, float]] = []
    by_tap = weights.flatten(2, 1 + d)
    for tap, step in enumerate(itertools.product(*map(range, kernel))):
        window = [slice(s, s + n) for s, n in zip(step, grid.shape, strict=True)]
        for o, i in itertools.product(range(channels), repeat=2):
            w = by_tap[o, i, tap]
            if bool((w != 0).any()):
                terms.append((o, i, window, w, float(w) if uniform else 0.0))

    def found(field: Tensor) -> Tensor:
        wide = grid.padded(field, reach)
        out = torch.zeros_like(field)
        for o, i, window, w, number in terms:
            seen = wide[:, i][(slice(None), *window)]
            if uniform:
                out[:, o].add_(seen, alpha=number)
            else:
                out[:, o].addcmul_(seen, w.to(field.dtype))
        return out

    return found
