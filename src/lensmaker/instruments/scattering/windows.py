"""What a kernel sees: the field at its taps, around each point."""

from __future__ import annotations

import itertools
from enum import Enum

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations import Grid


class Alike(Enum):
    """Whether all points have one kernel, or each its own."""

    EVERYWHERE = "one kernel for all points"
    NOWHERE = "a kernel for each point"


def offsets(axes: int, reach: int) -> list[tuple[int, ...]]:
    """The places of the taps, in the order of a flattened kernel.

    Examples
    --------
    >>> offsets(1, 1)
    [(-1,), (0,), (1,)]
    """
    return list(itertools.product(range(-reach, reach + 1), repeat=axes))


def windows(fields: Tensor, axes: int, reach: int) -> Tensor:
    """φ(x + z) of periodic fields (…, *shape) at all taps z: (…, points, taps).

    Examples
    --------
    >>> windows(torch.tensor([1.0, 2.0, 3.0, 4.0]), 1, 1)[0].tolist()
    [4.0, 1.0, 2.0]
    """
    dims = tuple(range(-axes, 0))
    taps = [torch.roll(fields, tuple(-s for s in z), dims) for z in offsets(axes, reach)]
    return torch.stack([t.flatten(-axes) for t in taps], -1)


def applied(weights: Tensor, fields: Tensor, axes: int, reach: int) -> Tensor:
    """Σ_z w(z) φ(x + z) with one kernel (taps,), or one for each point (points, taps).

    Examples
    --------
    >>> applied(torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 2.0, 3.0]), 1, 1).tolist()
    [2.0, 3.0, 1.0]
    """
    dims = tuple(range(-axes, 0))
    total = torch.zeros_like(fields)
    for z, w in zip(offsets(axes, reach), weights.unbind(-1), strict=True):
        shape = fields.shape[-axes:] if w.ndim else ()
        total += torch.roll(fields, tuple(-s for s in z), dims) * w.reshape(shape)
    return total


def matrix(weights: Tensor, grid: Grid, reach: int) -> Tensor:
    """Kernels (…, points, taps) as matrices on the fields of a periodic grid, (…, points, points).

    Examples
    --------
    >>> matrix(torch.tensor([[0.0, 0.0, 1.0]]).expand(3, 3), Grid((3,), (1.0,)), 1).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    points = torch.arange(grid.points).reshape(grid.shape)
    columns = windows(points, grid.axes, reach).expand(*weights.shape)
    found = weights.new_zeros(*weights.shape[:-1], grid.points)
    return found.scatter_add_(-1, columns, weights)


def check_reach(grid: Grid, reach: int) -> None:
    """Refuse kernels that see a point twice.

    Raises
    ------
    InputError
        If the kernel is wider than the grid.
    """
    if reach < 1 or 2 * reach + 1 > min(grid.shape):
        raise InputError(
            f"a reach from 1 to {(min(grid.shape) - 1) // 2} points",
            f"{reach}",
            "take fewer taps, or a finer grid",
        )
