"""The exact propagator of a uniform linear medium on a periodic grid."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.core import InputError
from lensmaker.systems.fields.equations.equation import FieldEquation, piecewise
from lensmaker.systems.fields.equations.grid import Boundary
from lensmaker.systems.fields.equations.operators import Space, grid_symbol
from lensmaker.systems.fields.equations.rates import multiplier


def propagated(equation: FieldEquation, start: Tensor, time: float, space: Space = Space.SPECTRAL) -> Tensor:
    r"""φ(t) = e^{P t} φ(0), wave by wave: exact for any t, to rounding, for what the grid can hold.

        φ_k(t) = exp(P(k) t) φ_k(0)

    Parameters
    ----------
    start
        (batch, channels, *shape); axes that are missing in front are put there.
    space
        Whose symbol P is: that of the equation, or that of differences.

    Raises
    ------
    InputError
        If the medium is not uniform, the grid not periodic, or the equation not linear.

    Examples
    --------
    >>> from lensmaker.systems.fields.equations import Grid, advection_diffusion
    >>> grid = Grid.of_length((16,), (2 * torch.pi,))
    >>> found = propagated(advection_diffusion(grid, diffusivity=0.5), torch.cos(grid.positions(0)), 2.0)
    >>> round(found[0, 0, 0].item(), 12)  # e^(−½·2)
    0.367879441171
    """
    if not (equation.linear and equation.uniform and equation.grid.boundary is Boundary.PERIODIC):
        raise InputError(
            "a linear equation of uniform media on a periodic grid",
            f"a {equation}" + ("" if equation.linear else " with a reaction or mobility"),
            "use solve",
        )
    field = equation.fields(start)
    for begin, end, medium in piecewise(equation, time):
        powers = exponential(grid_symbol(medium, equation.grid, space) * (end - begin))
        field = multiplier(powers, equation.grid)(field)
    return field


def exponential(matrices: Tensor) -> Tensor:
    """e^M of (…, C, C)."""
    return matrices.exp() if matrices.shape[-1] == 1 else torch.linalg.matrix_exp(matrices)
