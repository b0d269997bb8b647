"""A medium: metric, drift and potential, which are the coefficients of a field equation of second order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.grid import Grid


@dataclass(frozen=True, eq=False)
class Medium:
    """The coefficients of ½ g^{ij} ∂_i∂_j φ + A^i ∂_i φ + V φ, matrices on the channels, at all points alike or not.

    Attributes
    ----------
    metric
        g^{ij}, (d, d, C, C) or (d, d, C, C, *shape), length²/time; its part that is odd in i ↔ j does nothing.
    drift
        A^i, (d, C, C) or (d, C, C, *shape), length/time. A bump moves by −A: kernels are cross-correlations.
    potential
        V, (C, C) or (C, C, *shape), 1/time.

    Raises
    ------
    InputError
        If shapes do not fit, or a number is not finite.

    Examples
    --------
    >>> medium = Medium.plain(1, metric=2.0, drift=(-1.0,))
    >>> medium.metric.shape, medium.channels, medium.uniform
    (torch.Size([1, 1, 1, 1]), 1, True)
    """

    metric: Tensor
    drift: Tensor
    potential: Tensor

    def __post_init__(self) -> None:
        d, c = self.drift.shape[0], self.drift.shape[1]
        wanted = {"metric": (d, d, c, c), "drift": (d, c, c), "potential": (c, c)}
        shapes = set()
        for name, shape in wanted.items():
            tensor = getattr(self, name)
            got = tuple(tensor.shape)
            if got[: len(shape)] != shape or len(got) not in (len(shape), len(shape) + d):
                raise InputError(
                    f"a {name} of shape {shape}, or so with {d} axes of the grid behind",
                    f"{got}",
                    "use Medium.plain for one channel",
                )
            if len(got) > len(shape):
                shapes.add(got[len(shape) :])
            if not bool(torch.isfinite(tensor).all()):
                raise InputError(f"a finite {name}", "infinities or nan", "leave them out")
        if len(shapes) > 1:
            raise InputError("fields on one grid", f"{sorted(shapes)}", "give all of them the same shape")

    @classmethod
    def plain(
        cls,
        axes: int,
        *,
        metric: float | Tensor | Sequence[Sequence[float | Tensor]] = 0.0,
        drift: Sequence[float | Tensor] | None = None,
        potential: float | Tensor = 0.0,
    ) -> Medium:
        """One channel: numbers, or tensors of the grid's shape where they differ from point to point.

        One metric for all directions, or a matrix of them.
        """
        if isinstance(metric, float | int | Tensor):
            metric = [[metric if i == j else 0.0 for j in range(axes)] for i in range(axes)]
        rows = [_stacked(list(row)) for row in metric]
        g = _stacked(rows)
        a = _stacked(list(drift) if drift is not None else [0.0] * axes)
        v = _stacked([potential])
        return cls(g[:, :, None, None], a[:, None, None], v[:, None])

    @property
    def axes(self) -> int:
        """How many, d."""
        return int(self.drift.shape[0])

    @property
    def channels(self) -> int:
        """C."""
        return int(self.drift.shape[1])

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Of the grid, () where all coefficients are the same at all points."""
        extra = {t.shape[n:] for t, n in ((self.metric, 4), (self.drift, 3), (self.potential, 2))}
        return max((tuple(e) for e in extra), key=len)

    @property
    def uniform(self) -> bool:
        """Whether all points are alike."""
        return not self.shape

    def on(self, grid: Grid) -> Medium:
        """Itself, if it fits the grid.

        Raises
        ------
        InputError
            If it does not.
        """
        if self.axes != grid.axes or (self.shape and self.shape != grid.shape):
            raise InputError(
                f"coefficients for {grid}",
                f"{self.axes} axes and fields of shape {self.shape}",
                "make them on that grid",
            )
        return self

    def at_points(self, most: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Metric, drift and potential with the points in front: (n, d, d, C, C), (n, d, C, C), (n, C, C).

        At most so many of the points, evenly taken, where a number is given.
        """
        parts = []
        for tensor, n in ((self.metric, 4), (self.drift, 3), (self.potential, 2)):
            flat = tensor.reshape(*tensor.shape[:n], -1).movedim(-1, 0)
            parts.append(flat)
        points = max(len(p) for p in parts)
        if most is not None and points > most:
            kept = torch.linspace(0, points - 1, most).round().long()
            parts = [p if len(p) == 1 else p[kept] for p in parts]
            points = most
        g, a, v = (p.expand(points, *p.shape[1:]) for p in parts)
        return g, a, v


def _stacked(numbers: Sequence[float | Tensor]) -> Tensor:
    """Numbers and fields along a new first axis; float64 unless a field has another type."""
    fields = [n for n in numbers if isinstance(n, Tensor)]
    dtype = fields[0].dtype if fields else torch.float64
    shape = torch.broadcast_shapes(*(f.shape for f in fields)) if fields else ()
    return torch.stack([torch.as_tensor(n, dtype=dtype).expand(shape) for n in numbers])
