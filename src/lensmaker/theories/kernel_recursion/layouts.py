"""How units and positions lie in a signal, and where an operation that only rearranges puts them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from lensmaker.systems.networks import Element
from lensmaker.theories.kernel_recursion.laws import Rearranged, Space

FLAT = 0
"""In place of the axis of the units: positions and units share one axis."""


@dataclass(frozen=True)
class Signal:
    """A random signal on its way: what the next law has to know of it.

    Attributes
    ----------
    units
        The axis of the units, `FLAT` where positions and units lie on one axis.
    space
        Sizes of the axes of positions.
    gaussian
        Whether its units are independent and Gaussian, given the layers before.
    roots
        The random maps that it is a sum of; empty after a nonlinearity.
    ancestors
        The random maps that it depends on.
    """

    units: int
    space: Space
    gaussian: bool
    roots: frozenset[int]
    ancestors: frozenset[int]


def rearranged(
    element: Element, shape: tuple[int, ...], units: int, space: Space
) -> tuple[Rearranged | None, int, Space] | None:
    """Where `element` puts units and positions of a signal of the given shape; None if it breaks them up.

    The element's own function is run on labels of sample, unit and position.

    Returns
    -------
    tuple
        The law, None where kernels do not notice; the new axis of the units; the new space.
    """
    samples, positions = shape[0], math.prod(space)
    width = math.prod(shape) // (samples * positions)
    sample, unit, position = _labels(shape, units, space)
    codes = (sample * width + unit) * positions + position
    (out,) = element.replay(lambda index: codes.double())
    if out.shape[:1] != (samples,) or out.ndim < 2:
        return None
    codes = out.long()
    position, unit, sample = codes % positions, codes // positions % width, codes // (positions * width)
    if not bool((sample == _along(0, sample)).all()):
        return None
    if units == FLAT or (positions > 1 and out.ndim == 2 and out.shape[1] == width * positions):
        whole = out.ndim == 2 and bool(
            (codes.sort(1).values == codes.view(-1).sort().values.view_as(codes)).all()
        )
        return (None, FLAT, space) if whole and out.shape[1] == width * positions else None
    for axis in range(1, out.ndim):
        alike = position == position.narrow(axis, 0, 1)
        if out.shape[axis] == width and bool(alike.all()) and bool((unit == _along(axis, unit)).all()):
            chosen = position.select(axis, 0)[0]
            onto = tuple(chosen.shape)
            order = tuple(chosen.flatten().tolist())
            if order == tuple(range(positions)):
                return (None if onto == space else Rearranged(space, None, onto)), axis, onto
            return Rearranged(space, order, onto), axis, onto
    return None


def _labels(
    shape: tuple[int, ...], units: int, space: Space
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The number of sample, unit and position of each entry."""
    sample = torch.arange(shape[0]).view(-1, *[1] * (len(shape) - 1)).expand(shape)
    if units == FLAT:
        entries = torch.arange(shape[1]).expand(shape)
        return sample, entries // math.prod(space), entries % math.prod(space)
    unit = torch.arange(shape[units]).view(-1, *[1] * (len(shape) - 1 - units)).expand(shape)
    position = torch.arange(math.prod(space)).view(space)
    return sample, unit, position.unsqueeze(units - 1).unsqueeze(0).expand(shape)


def _along(axis: int, like: torch.Tensor) -> torch.Tensor:
    """The index along an axis."""
    return torch.arange(like.shape[axis]).view(-1, *[1] * (like.ndim - 1 - axis)).expand(like.shape)
