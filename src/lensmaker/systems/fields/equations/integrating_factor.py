"""Runge–Kutta steps behind the exact propagator of the linear part: short waves do not limit the step.

Lawson's transformation ψ = e^{−Lt} φ leaves ∂_t ψ = e^{−Lt} r(e^{Lt} ψ), and a Runge–Kutta step of it has factors
e^{L(c_i − c_j)h} alone, c_i ≥ c_j, which never grow where L decays. The pair is Dormand and Prince's 5(4).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError
from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.grid import Boundary
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.operators import Space, grid_symbol
from lensmaker.systems.fields.equations.propagator import exponential
from lensmaker.systems.fields.equations.stepping import Stopped, Tally

NODES = (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
DIFFERENCE = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
"""Weights of the fifth order less those of the fourth."""


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
        If the step vanishes, the limit is reached, or the field is no number.
    """
    grid = equation.grid
    if not medium.uniform or grid.boundary is not Boundary.PERIODIC or equation.mobility is not None:
        raise InputError(
            "a uniform medium on a periodic grid without a mobility",
            f"a {equation}",
            "take Method.ADAPTIVE",
        )
    axes = tuple(range(-grid.axes, 0))
    symbol = grid_symbol(medium, grid, space)
    kept: dict[float, dict[float, Tensor]] = {}

    def propagators(h: float) -> dict[float, Tensor]:
        if h not in kept:
            if len(kept) > 3:
                kept.clear()
            gaps = {round(b - a, 15) for i, b in enumerate(NODES) for a in NODES[:i] if b > a}
            kept[h] = {gap: exponential(symbol * (gap * h)) for gap in gaps}
        return kept[h]

    def moved(waves: Tensor, by: dict[float, Tensor], gap: float) -> Tensor:
        if gap == 0:
            return waves
        f = by[round(gap, 15)]
        if f.shape[-1] == 1:
            return waves * f[..., 0, 0]
        return torch.einsum("...oc,bc...->bo...", f, waves)

    def reaction(waves: Tensor) -> Tensor:
        tally.evaluations += 1
        assert equation.reaction is not None
        return torch.fft.rfftn(equation.reaction(torch.fft.irfftn(waves, s=grid.shape, dim=axes)), dim=axes)

    found: list[Tensor] = []
    waves = torch.fft.rfftn(start.double(), dim=axes)
    if equation.reaction is None:
        for a, b in zip([begin, *stops], stops, strict=False):
            waves = moved(waves, {1.0: exponential(symbol * (b - a))}, 1.0)
            found.append(torch.fft.irfftn(waves, s=grid.shape, dim=axes).to(start.dtype))
        return found
    time, h = begin, stops[0] - begin
    ks: list[Tensor] = [reaction(waves)]
    h = min(h, _first_step(waves, ks[0], tolerance))
    for stop in stops:
        steps = 0
        while time < stop - 1e-13 * max(1.0, abs(stop)):
            if steps >= tally.limit:
                raise Stopped(Convergence.ITERATION_LIMIT)
            step = (stop - time) / math.ceil((stop - time) / h - 1e-9)
            if step < 1e-14 * max(1.0, abs(time)):
                raise Stopped(Convergence.STEP_VANISHED)
            by = propagators(step)
            for i in range(1, 7):
                at = moved(waves, by, NODES[i])
                for j, b in enumerate(STAGES[i]):
                    if b:
                        at = at + moved(ks[j], by, NODES[i] - NODES[j]) * (b * step)
                ks.append(reaction(at))
            parts = zip(ks, NODES, DIFFERENCE, strict=True)
            off = torch.stack([moved(k, by, 1.0 - c) * (w * step) for k, c, w in parts if w]).sum(0)
            error = torch.fft.irfftn(off, s=grid.shape, dim=axes)
            after = torch.fft.irfftn(at, s=grid.shape, dim=axes)
            ratio = float((error / (tolerance * (1 + after.abs()))).square().mean().sqrt())
            steps += 1
            if not math.isfinite(ratio):
                ratio = 1e6
            if ratio <= 1:
                time, waves = time + step, at
                ks = [ks[-1]]
                h = max(h, step) if ratio > 0.01 else 2 * step
            else:
                ks = ks[:1]
                h = step / (2 if ratio < 100 else 8)
        found.append(torch.fft.irfftn(waves, s=grid.shape, dim=axes).to(start.dtype))
    return found


def _first_step(waves: Tensor, change: Tensor, tolerance: float) -> float:
    """Over which the field changes by the fifth root of the tolerance."""
    size, speed = float(waves.abs().square().mean().sqrt()), float(change.abs().square().mean().sqrt())
    return tolerance**0.2 * max(size, 1e-6) / max(speed, 1e-12)
