"""Looks at fields in time, on a periodic grid: what is known of an unknown medium."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations import Boundary, FieldEquation, Grid, Method, solve


@dataclass(frozen=True, eq=False)
class Recording:
    """Trajectories of one field, each looked at in even intervals.

    Attributes
    ----------
    grid
        Where; periodic.
    interval
        τ, from one look to the next.
    fields
        φ, (trajectories, looks, *shape), float64.

    Raises
    ------
    InputError
        If the grid is not periodic, the fields do not fit it, are not finite, or there is one look only.

    Examples
    --------
    >>> Recording(Grid((8,), (1.0,)), 0.5, torch.zeros(3, 2, 8)).looks
    2
    """

    grid: Grid
    interval: float
    fields: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.fields.shape)
        if self.grid.boundary is not Boundary.PERIODIC:
            raise InputError("a periodic grid", f"{self.grid}", "read the middle of the field by itself")
        if len(shape) != 2 + self.grid.axes or shape[2:] != self.grid.shape or shape[1] < 2 or not shape[0]:
            wanted = ", ".join(map(str, self.grid.shape))
            raise InputError(
                f"fields (trajectories, looks, {wanted}) with two looks or more", f"{shape}", "stack them so"
            )
        if not self.interval > 0:
            raise InputError("a positive interval", f"{self.interval:g}", "pass the time between two looks")
        if not bool(torch.isfinite(self.fields).all()):
            raise InputError("finite fields", "infinities or nan", "leave those trajectories out")
        object.__setattr__(self, "fields", self.fields.detach().double())

    @property
    def trajectories(self) -> int:
        """How many."""
        return int(self.fields.shape[0])

    @property
    def looks(self) -> int:
        """At each of them."""
        return int(self.fields.shape[1])

    def noisy(self, size: float, generator: torch.Generator) -> Recording:
        """The same with independent Gaussian noise of that standard deviation at all points and looks."""
        noise = torch.randn(self.fields.shape, generator=generator, dtype=torch.float64)
        return replace(self, fields=self.fields + size * noise)

    def shuffled(self, generator: torch.Generator) -> Recording:
        """A control: each look is that of another trajectory, drawn for each look by itself."""
        looks = [
            self.fields[torch.randperm(self.trajectories, generator=generator), j] for j in range(self.looks)
        ]
        return replace(self, fields=torch.stack(looks, 1))

    def backwards(self) -> Recording:
        """A control: the last look first."""
        return replace(self, fields=self.fields.flip(1))

    def first(self, trajectories: int | None = None, looks: int | None = None) -> Recording:
        """A part of it."""
        return replace(self, fields=self.fields[:trajectories, :looks])


def recorded(equation: FieldEquation, starts: Tensor, interval: float, looks: int) -> Recording:
    """Solutions of an equation with one channel: the starts (trajectories, *shape) and what follows.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import advection_diffusion
    >>> grid = Grid.of_length((8,), (2 * torch.pi,))
    >>> equation = advection_diffusion(grid, diffusivity=1.0)
    >>> found = recorded(equation, torch.cos(grid.positions(0))[None], 0.5, 3)
    >>> [round(float(f.max()), 4) for f in found.fields[0]]  # e^(−t)
    [1.0, 0.6065, 0.3679]
    """
    times = [interval * (j + 1) for j in range(looks - 1)]
    start = starts.double()[:, None]
    linear = equation.reaction is None and equation.mobility is None and equation.uniform
    method = Method.INTEGRATING_FACTOR if linear else Method.RUNGE_KUTTA
    found = solve(equation, start, times, method=method, tolerance=1e-9).fields[:, :, 0]
    return Recording(equation.grid, interval, torch.cat([starts.double()[:, None], found.transpose(0, 1)], 1))


def white_starts(grid: Grid, n: int, generator: torch.Generator, smooth: float = 1.0) -> Tensor:
    """Random fields (n, *shape) of unit variance whose waves fall as e^{−(kh)²s²/2}: short ones are there, but small.

    Examples
    --------
    >>> white_starts(Grid((16,), (1.0,)), 5, torch.Generator().manual_seed(0)).shape
    torch.Size([5, 16])
    """
    field = torch.randn(n, *grid.shape, generator=generator, dtype=torch.float64)
    waves = torch.fft.fftn(field, dim=tuple(range(1, 1 + grid.axes)))
    for axis, size in enumerate(grid.shape):
        kh = 2 * torch.pi * torch.fft.fftfreq(size, dtype=torch.float64)
        shape = [1] * (1 + grid.axes)
        shape[1 + axis] = size
        waves = waves * torch.exp(-(kh**2) * smooth**2 / 2).view(shape)
    found = torch.fft.ifftn(waves, dim=tuple(range(1, 1 + grid.axes))).real
    return found / found.std()
