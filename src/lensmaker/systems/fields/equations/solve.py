"""A field equation solved in time, to a tolerance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lensmaker.core import Convergence, InputError, MissingDependencyError
from lensmaker.systems.fields.equations.equation import FieldEquation, piecewise
from lensmaker.systems.fields.equations.integrating_factor import advance
from lensmaker.systems.fields.equations.operators import Space
from lensmaker.systems.fields.equations.rates import rate
from lensmaker.systems.fields.equations.stepping import Stopped, Tally


class Method(Enum):
    """How time is stepped."""

    ADAPTIVE = "Dormand and Prince's pair of orders 5 and 4, by torchdiffeq, for every equation"
    INTEGRATING_FACTOR = (
        "the same pair behind the exact propagator of the linear part (Lawson), for uniform media on periodic grids "
        "without a mobility: short waves do not limit the step"
    )


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver found.

    Attributes
    ----------
    times
        Asked for.
    fields
        (times, batch, channels, *shape); nan from where the solver failed on.
    convergence
        Whether the tolerance was met all the way, or what to do.
    evaluations
        How often the right-hand side was worked out.
    """

    times: tuple[float, ...]
    fields: Tensor
    convergence: Convergence
    evaluations: int

    @property
    def last(self) -> Tensor:
        """At the last time, (batch, channels, *shape)."""
        return self.fields[-1]


def solve(
    equation: FieldEquation,
    start: Tensor,
    times: Sequence[float],
    *,
    space: Space = Space.SPECTRAL,
    method: Method = Method.ADAPTIVE,
    tolerance: float = 1e-8,
    limit: int = 100_000,
) -> Solution:
    """The field at some times, with an error in each step below tolerance · (1 + |φ|), root-mean-square.

    Parameters
    ----------
    start
        φ at time 0, (batch, channels, *shape), float64 or float32; axes that are missing in front are put there.
    times
        Ascending and positive.
    space
        Spectral derivatives, or differences.
    method
        `Method.ADAPTIVE` asks for torchdiffeq, `pip install lensmaker[fields]`.
    limit
        Steps between two times.

    Raises
    ------
    InputError
        If start, times or tolerance are not that, or the method does not do this equation.
    MissingDependencyError
        If torchdiffeq is not installed.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> grid = Grid.of_length((32,), (2 * torch.pi,))
    >>> found = solve(advection_diffusion(grid, diffusivity=1.0), torch.sin(grid.positions(0)), [0.5])
    >>> found.convergence.name, round(float(found.last.max()), 6)  # e^(−0.5)
    ('CONVERGED', 0.606531)
    """
    field = equation.fields(start).detach()
    ends = [float(t) for t in times]
    if not ends or any(b <= a for a, b in zip([0.0, *ends], ends, strict=False)):
        raise InputError("ascending positive times", f"{ends}", "leave time 0 out")
    if not 0 < tolerance < 1:
        raise InputError("a tolerance between 0 and 1", f"{tolerance:g}", "pass 1e-8")
    if not bool(torch.isfinite(field).all()) or not field.is_floating_point():
        raise InputError("a finite real field", f"{field.dtype}, or infinities", "check the start")
    tally = Tally(limit)
    found: list[Tensor] = []
    convergence = Convergence.CONVERGED
    for begin, end, medium in piecewise(equation, ends[-1]):
        inside = [t for t in ends if begin < t <= end]
        stops = [*inside, *([end] if end not in inside else [])]
        try:
            if method is Method.ADAPTIVE:
                f = rate(equation, medium, space)
                fields = _adaptive(f, field, begin, stops, tolerance, tally)
            else:
                fields = advance(equation, medium, space, field, begin, stops, tolerance, tally)
        except Stopped as stopped:
            convergence = stopped.convergence
            break
        found += fields[: len(inside)]
        field = fields[-1]
    found += [torch.full_like(field, torch.nan)] * (len(ends) - len(found))
    return Solution(tuple(ends), torch.stack(found), convergence, tally.evaluations)


def _adaptive(
    f: Callable[[Tensor], Tensor],
    field: Tensor,
    begin: float,
    stops: list[float],
    tolerance: float,
    tally: Tally,
) -> list[Tensor]:
    try:
        from torchdiffeq import odeint
    except ImportError as missing:
        raise MissingDependencyError(
            "torchdiffeq",
            "none installed",
            "pip install lensmaker[fields], or take Method.INTEGRATING_FACTOR",
        ) from missing

    def counted(_: Tensor, y: Tensor) -> Tensor:
        tally.evaluations += 1
        return f(y)

    t = torch.tensor([begin, *stops], dtype=torch.float64)
    options = {"max_num_steps": tally.limit}
    try:
        with torch.no_grad():
            fields = odeint(
                counted, field, t, rtol=tolerance, atol=tolerance, method="dopri5", options=options
            )
    except AssertionError as failed:  # its way of giving up
        raise Stopped(_reason(str(failed))) from failed
    if not bool(torch.isfinite(fields).all()):
        raise Stopped(Convergence.NOT_FINITE)
    return list(fields[1:])


def _reason(words: str) -> Convergence:
    if "max_num_steps" in words:
        return Convergence.ITERATION_LIMIT
    return Convergence.STEP_VANISHED if "underflow" in words else Convergence.NOT_FINITE
