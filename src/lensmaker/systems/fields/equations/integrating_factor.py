"""Runge–Kutta steps behind the exact propagator of the linear part: short waves do not limit the step.

Lawson's transformation ψ = e^{−Lt} φ leaves ∂_t ψ = e^{−Lt} r(e^{Lt} ψ), and a Runge–Kutta step of it has factors
e^{L(c_i − c_j)h} alone, c_i ≥ c_j, which never grow where L decays.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.grid import Boundary, Grid
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import Space, grid_symbol
from lensmaker.systems.fields.equations.propagator import exponential
from lensmaker.systems.fields.equations.reactions import PointLaw
from lensmaker.systems.fields.equations.stepping import Frame, Tally, march

KEPT = 3
"""Lengths of steps whose propagators are kept."""


class _Waves(Frame):
    """The waves of a field, moved by a symbol."""

    powers_of_two = True

    def __init__(self, symbol: Tensor, grid: Grid, reaction: PointLaw | None) -> None:
        if not bool((symbol.imag != 0).any()):
            symbol = symbol.real.contiguous()  # half the work
        self.symbol, self.grid, self.reaction = symbol, grid, reaction
        self.axes = tuple(range(-grid.axes, 0))
        self.kept: dict[float, dict[float, Tensor]] = {}

    def waves(self, field: Tensor) -> Tensor:
        return torch.fft.rfftn(field, dim=self.axes)

    def field(self, y: Tensor) -> Tensor:
        return torch.fft.irfftn(y, s=self.grid.shape, dim=self.axes)

    def rate(self, y: Tensor) -> Tensor:
        return torch.zeros_like(y) if self.reaction is None else self.waves(self.reaction(self.field(y)))

    def moved(self, y: Tensor, gap: float, step: float) -> Tensor:
        if gap == 0:
            return y
        if step not in self.kept and len(self.kept) >= KEPT:
            self.kept.clear()
        by = self.kept.setdefault(step, {})
        key = round(gap, 15)
        if key not in by:
            by[key] = exponential(self.symbol * (gap * step))
        f = by[key]
        if f.shape[-1] == 1:
            return y * f[..., 0, 0]
        return torch.einsum("...oc,bc...->bo...", f.to(y.dtype), y)


def advance(
    equation: FieldEquation,
    medium: Medium,
    space: Space,
    start: Tensor,
    begin: float,
    stops: list[float],
    tolerance: float,
    tally: Tally,
) -> list[Tensor]:
    """The field at each stop; steps are halved and doubled, so that few propagators are worked out.

    Raises
    ------
    InputError
        If the medium is not uniform, the grid not periodic, or there is a mobility.
    Stopped
        If the step vanishes, or the limit is reached.
    """
    grid = equation.grid
    if not medium.uniform or grid.boundary is not Boundary.PERIODIC or equation.mobility is not None:
        raise InputError(
            "a uniform medium on a periodic grid without a mobility",
            f"a {equation}",
            "take Method.RUNGE_KUTTA",
        )
    frame = _Waves(grid_symbol(medium, grid, space), grid, equation.reaction)
    waves = frame.waves(start.double())
    if equation.reaction is None:
        found = [frame.moved(waves, 1.0, stop - begin) for stop in stops]
    else:
        found = march(frame, waves, begin, stops, tolerance, tally)
    return [frame.field(y).to(start.dtype) for y in found]
