"""Network → field equation → solution, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations import Boundary as Edge
from lensmaker.systems.fields.equations import FieldEquation, Grid, Method, Solution, Space, solve
from lensmaker.systems.networks import Train
from lensmaker.theories.field_equation.around import Boundary
from lensmaker.theories.field_solution.chain import Chain, chain_of
from lensmaker.theories.field_solution.generator import generator, step

EDGES = {Boundary.ZERO: Edge.ZERO, Boundary.PERIODIC: Edge.PERIODIC, Boundary.REFLECTING: Edge.REFLECTING}


@dataclass(frozen=True, eq=False)
class Solved:
    """A network beside the solution of its field equation.

    Attributes
    ----------
    chain
        The layers that are steps in time.
    equation
        One medium for each layer, for one unit of time.
    start
        The field that the first layer reads, (batch, channels, *shape).
    solution
        At times 1, 2, …, one for each layer.
    """

    chain: Chain
    equation: FieldEquation
    start: Tensor
    solution: Solution


def field_equation_of(train: Train) -> tuple[Chain, FieldEquation]:
    """The longest chain of convolutions of a network and its field equation: one unit of time a layer.

    Without an activation, or with ReLU where fields are positive, each layer's medium is its `generator`. With tanh
    it is ∂_t φ = (1 − φ²) {½ m₂∂∂φ + m₁∂φ + m₀φ − artanh φ}.

    Raises
    ------
    InputError
        If there is no chain, or it has biases, another activation, several boundaries, or no real logarithm.
    """
    chain = chain_of(train)
    kernels = [f.kernel for f in chain.fields]
    activations = {k.activation for k in kernels}
    if len(activations) > 1 or not activations <= {"", "relu", "tanh"}:
        raise InputError(
            "layers with ReLU, with tanh, or with no activation",
            f"{', '.join(sorted(a or 'none' for a in activations))}",
            "read the layers one by one, with theories.field_equation",
        )
    if any(bool((k.shift != 0).any()) for k in kernels):
        raise InputError(
            "layers without biases", f"{kernels[0].where} or others with them", "set them to zero"
        )
    edges = {k.boundary for k in kernels}
    if len(edges) > 1 or next(iter(edges)) not in EDGES:
        names = ", ".join(sorted(e.name.lower() for e in edges))
        raise InputError("layers that are periodic, reflecting or zero outside", names, "pad them alike")
    shape = train.values[chain.start].shape
    d = kernels[0].dimension
    grid = Grid(tuple(shape[-d:]), kernels[0].spacing, EDGES[edges.pop()])
    if activations == {"tanh"}:
        media = tuple(step(f) for f in chain.fields)
        return chain, FieldEquation(grid, media, reaction=_pulled_back, mobility=_slope)
    return chain, FieldEquation(grid, tuple(generator(f) for f in chain.fields))


def solved(train: Train, *, tolerance: float = 1e-9) -> Solved:
    """The field equation of a network solved from the field that its first such layer really read.

    Parameters
    ----------
    train
        Recorded with its contents: `record(…, keep=True)`, or `Network.probes`.

    Raises
    ------
    InputError
        As `field_equation_of`, or if the contents were not kept.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> conv = torch.nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    >>> with torch.no_grad():
    ...     _ = conv.weight.copy_(torch.tensor([[[0.25, 0.5, 0.25]]]))
    >>> wave = torch.cos(2 * torch.pi / 32 * torch.arange(32.0))[None, None]
    >>> found = solved(record(torch.nn.Sequential(conv, conv), wave, keep=True))
    >>> bool((found.solution.last - conv(conv(wave))).abs().max() < 1e-3)
    True
    """
    chain, equation = field_equation_of(train)
    start = train.values[chain.start].tensor
    if start is None:
        raise InputError("an input that was kept", "one that was not", "record it with keep=True")
    times = [float(n + 1) for n in range(len(chain.fields))]
    waves = equation.linear and equation.grid.boundary is Edge.PERIODIC
    found = solve(
        equation,
        start.detach().double(),
        times,
        space=Space.SPECTRAL,
        method=Method.INTEGRATING_FACTOR if waves else Method.ADAPTIVE,
        tolerance=tolerance,
    )
    return Solved(chain, equation, start.detach().double(), found)


def _pulled_back(field: Tensor) -> Tensor:
    return -torch.atanh(field)


def _slope(field: Tensor) -> Tensor:
    return 1 - field * field
