"""Gate errors: a product gate beside the product, at many places."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lensmaker.core import Convergence, InputError, Measurement, Table, Where
from lensmaker.core.bibliography import LIN_2017
from lensmaker.instruments.base import Instrument
from lensmaker.systems.polynomials.gate import Gate


@dataclass(frozen=True)
class GateErrors(Instrument):
    """sup |m(u, v) − uv| of a gate, on a grid with its corners, evaluated in the arithmetic of the gate.

    u and v are numbers of that arithmetic; their product is taken in double precision. The error is what a grid of
    every second line lacks of it.

    Parameters
    ----------
    points
        Of the grid along u and along v.

    Examples
    --------
    >>> from torch import nn
    >>> gate = Gate(nn.Softplus(), 0.0, 0.01, 0.25)
    >>> round(GateErrors().measure(gate)[0].value * 1e5, 1)  # λ²/6
    1.7
    """

    points: int = 401

    name = "gate_errors"
    summary = "The largest error of a product gate on a grid."
    quantities = ("gate_error",)
    references = (LIN_2017,)

    def __post_init__(self) -> None:
        if self.points < 3:
            raise InputError("a grid of at least 3 points", f"{self.points}", "pass points=401")

    def measure(self, system: Gate) -> Table[Measurement]:
        line = torch.linspace(-system.radius, system.radius, self.points, dtype=torch.float64).to(
            system.dtype
        )
        u, v = torch.meshgrid(line, line, indexing="ij")
        with torch.no_grad():
            found = system(u, v).double()
        off = (found - u.double() * v.double()).abs()
        value = float(off.max())
        state = Convergence.CONVERGED if torch.isfinite(found).all() else Convergence.NOT_FINITE
        where = Where(operation=system.name.lower())
        return Table(
            [
                self.measurement(
                    "gate_error", where, value, value - float(off[::2, ::2].max()), off.numel(), state
                )
            ]
        )
