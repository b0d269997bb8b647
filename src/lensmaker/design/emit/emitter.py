"""Field equation → network."""

from __future__ import annotations

import math

import torch
from torch import nn

from lensmaker.core import InputError
from lensmaker.design.emit.kernels import exact_kernel
from lensmaker.design.emit.layers import carrier, unit
from lensmaker.design.emit.network import Emission, FieldNetwork, Law, Step, SymbolStep
from lensmaker.design.emit.schemes import Scheme
from lensmaker.design.emit.stability import largest_step
from lensmaker.systems.fields.equations.equation import FieldEquation
from lensmaker.systems.fields.equations.grid import Boundary
from lensmaker.systems.fields.equations.medium import Medium
from lensmaker.systems.fields.equations.stencils import stencil


def emit(
    equation: FieldEquation,
    duration: float,
    steps: int,
    *,
    scheme: Scheme = Scheme.RK4,
    order: int = 2,
    shared: bool = False,
    unstable: bool = False,
    dtype: torch.dtype = torch.float64,
) -> FieldNetwork:
    """The network whose layers integrate a field equation: uniform media become convolutions, others local layers.

    Parameters
    ----------
    duration, steps
        How far in time, and in how many layers: h = duration/steps.
    scheme
        Of each layer.
    order
        Of the differences in space, 2 or 4; the exact scheme has none.
    shared
        Whether layers of one medium share their weights.
    unstable
        Whether a step beyond the largest stable one is taken all the same.

    Raises
    ------
    InputError
        If the step is not stable, the media do not last a whole number of steps, or the scheme does not do it.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> heat = advection_diffusion(Grid((8,), (1.0,)), diffusivity=1.0)
    >>> network = emit(heat, 1.0, 4, scheme=Scheme.EULER)
    >>> network.layers[0].law.stencil.weight.flatten().tolist()
    [0.25, -0.5, 0.25]
    >>> emit(heat, 1.0, 1, scheme=Scheme.EULER)
    Traceback (most recent call last):
        ...
    lensmaker.core.errors.InputError: Expected a step of at most 0.5, the largest stable one of Scheme.EULER here, but
    got 1: take 2 steps or more.
    """
    if steps < 1 or not 0 < duration < math.inf:
        raise InputError("a positive time in one step or more", f"{duration:g} in {steps}", "pass both")
    h = duration / steps
    exact = scheme is Scheme.EXACT
    if exact and not (
        equation.uniform and equation.grid.boundary is Boundary.PERIODIC and equation.mobility is None
    ):
        raise InputError(
            "uniform media on a periodic grid without a mobility for Scheme.EXACT",
            f"a {equation}",
            "take Scheme.RK4",
        )
    per_medium = equation.interval / h
    if len(equation.media) > 1 and abs(per_medium - round(per_medium)) > 1e-9 * per_medium:
        raise InputError(
            "media that last a whole number of steps",
            f"{equation.interval:g} in steps of {h:g}",
            "choose a step that divides the interval",
        )
    most = largest_step(equation, scheme, order)
    if h > most * (1 + 1e-9) and not unstable:
        _refuse(h, most, scheme, duration)
    built: dict[int, nn.Module] = {}
    layers = []
    for k in range(steps):
        medium = equation.medium_at(k * h)
        if id(medium) not in built or not shared:
            built[id(medium)] = _layer(equation, medium, h, scheme, order, dtype)
        layers.append(built[id(medium)])
    told = Emission(scheme, 0 if exact else order, h, steps, most, exact and equation.linear)
    return FieldNetwork(layers, equation.grid, told)


def _layer(
    equation: FieldEquation, medium: Medium, h: float, scheme: Scheme, order: int, dtype: torch.dtype
) -> nn.Module:
    grid, reaction = equation.grid, equation.reaction
    if scheme is not Scheme.EXACT:
        weights = carrier((stencil(medium, grid, order) * h).to(dtype), grid)
        law = Law(weights, None if reaction is None else unit(reaction, h, dtype), equation.mobility)
        return Step(law, scheme)
    half = None if reaction is None else Step(unit(reaction, h / 2, dtype), Scheme.RK4)
    return SymbolStep(carrier(exact_kernel(medium, grid, h).to(dtype), grid), half)


def _refuse(h: float, most: float, scheme: Scheme, duration: float) -> None:
    if most == 0:
        raise InputError(
            f"an equation that {scheme} integrates stably",
            "one with waves that it makes grow at any step",
            "take Scheme.RK4 or Scheme.EXACT, add diffusion, or pass unstable=True",
        )
    raise InputError(
        f"a step of at most {most:.6g}, the largest stable one of {scheme} here",
        f"{h:g}",
        f"take {math.ceil(duration / most * (1 - 1e-12))} steps or more",
    )
