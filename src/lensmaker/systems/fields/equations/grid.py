"""A grid of points, its edges, and what lies beyond them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor
from torch.nn.functional import pad

from lensmaker.core import InputError


class Boundary(Enum):
    """What a field does beyond the last point; the value says it."""

    PERIODIC = "it goes on at the other side"
    REFLECTING = "it is mirrored in the last point, so that its normal derivative vanishes there"
    ZERO = "it vanishes one spacing beyond the last point; a spectrum goes on with the opposite sign"


@dataclass(frozen=True)
class Grid:
    """Points of a line, a square or a box, evenly spaced along each axis.

    Attributes
    ----------
    shape
        Points along each of one to three axes.
    spacing
        h of each axis, in units of length.
    boundary
        Beyond the edges, for all axes alike.

    Raises
    ------
    InputError
        If there are not one to three axes, too few points, or a spacing is not positive.

    Examples
    --------
    >>> grid = Grid.of_length((8,), (2.0,))
    >>> grid.spacing, grid.positions(0)[:3].tolist()
    ((0.25,), [0.0, 0.25, 0.5])
    >>> Grid((3,), (0.5,), Boundary.ZERO).positions(0).tolist()  # the walls are at 0 and 2
    [0.5, 1.0, 1.5]
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    boundary: Boundary = Boundary.PERIODIC

    def __post_init__(self) -> None:
        if not 1 <= len(self.shape) <= 3 or len(self.spacing) != len(self.shape):
            raise InputError(
                "one to three axes with a spacing each",
                f"{self.shape} points and spacings {self.spacing}",
                "pass as many of the one as of the other",
            )
        least = 3
        if min(self.shape) < least:
            raise InputError(
                f"{least} points or more along each axis", f"{self.shape}", "leave short axes out"
            )
        if not all(0 < h < math.inf for h in self.spacing):
            raise InputError("positive spacings", f"{self.spacing}", "pass the distance of two points")

    @classmethod
    def of_length(
        cls, shape: Sequence[int], lengths: Sequence[float], boundary: Boundary = Boundary.PERIODIC
    ) -> Grid:
        """A grid from wall to wall: N h, (N − 1) h and (N + 1) h for periodic, reflecting and zero ones."""
        more = {Boundary.PERIODIC: 0, Boundary.REFLECTING: -1, Boundary.ZERO: 1}[boundary]
        pairs = zip(lengths, shape, strict=True)
        return cls(tuple(shape), tuple(length / (n + more) for length, n in pairs), boundary)

    @property
    def axes(self) -> int:
        """How many."""
        return len(self.shape)

    @property
    def points(self) -> int:
        """All of them."""
        return math.prod(self.shape)

    def positions(self, axis: int) -> Tensor:
        """Distances from the first wall along an axis, float64."""
        first = 1 if self.boundary is Boundary.ZERO else 0
        return (torch.arange(self.shape[axis], dtype=torch.float64) + first) * self.spacing[axis]

    @property
    def coordinates(self) -> tuple[Tensor, ...]:
        """The position of each point along each axis, each of the grid's shape."""
        return torch.meshgrid(*(self.positions(a) for a in range(self.axes)), indexing="ij")

    def padded(self, field: Tensor, reach: Sequence[int]) -> Tensor:
        """A field (batch, channels, *shape) with so many points more at both sides of each axis.

        Raises
        ------
        InputError
            If the reach is beyond the grid.
        """
        if any(r >= n for r, n in zip(reach, self.shape, strict=True)):
            raise InputError(
                "neighbours within the grid",
                f"{tuple(reach)} steps on {self.shape} points",
                "refine the grid",
            )
        sides = [r for r in reversed(reach) for _ in range(2)]
        mode = {Boundary.PERIODIC: "circular", Boundary.REFLECTING: "reflect", Boundary.ZERO: "constant"}
        return pad(field, sides, mode=mode[self.boundary])

    def extended(self, field: Tensor, axis: int) -> Tensor:
        """A field whose waves along an axis, counted from its end, are those of a periodic one."""
        n = field.shape[axis]
        if self.boundary is Boundary.PERIODIC:
            return field
        back = field.flip(axis)
        if self.boundary is Boundary.REFLECTING:
            return torch.cat([field, back.narrow(axis, 1, n - 2)], axis)
        wall = torch.zeros_like(field.narrow(axis, 0, 1))
        return torch.cat([wall, field, wall, -back], axis)

    def cropped(self, field: Tensor, axis: int, points: int) -> Tensor:
        """Back from `extended`."""
        return field.narrow(axis, 1 if self.boundary is Boundary.ZERO else 0, points)

    def __str__(self) -> str:
        return f"{' × '.join(map(str, self.shape))} points, {self.boundary.name.lower()}"
