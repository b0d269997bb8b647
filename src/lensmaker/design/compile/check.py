"""The error of a compiled network, measured beside what was predicted."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensmaker.design.compile.network import CompiledNetwork, Layered
from lensmaker.numerics.seeding import stream
from lensmaker.systems.polynomials import LatticePolynomial, Polynomial


@dataclass(frozen=True)
class Checked:
    """Predicted, certified and measured.

    Attributes
    ----------
    predicted, bound
        Of the ledger.
    measured
        The largest |network − P| at the points.
    points
        How many were looked at, corners of the domain among them.
    """

    predicted: float
    bound: float
    measured: float
    points: int

    @property
    def looseness(self) -> float:
        """Bound over measured."""
        return self.bound / self.measured if self.measured else float("inf")

    def __str__(self) -> str:
        return (
            f"predicted {self.predicted:.2g}, measured {self.measured:.2g} at {self.points} points, "
            f"at most {self.bound:.2g} ({self.looseness:.3g} × measured)"
        )


def check(
    network: CompiledNetwork, polynomial: Polynomial | LatticePolynomial, *, points: int = 2000, seed: int = 0
) -> Checked:
    """The largest error at random points of the domain, half of them at its corners.

    Parameters
    ----------
    polynomial
        What was compiled; it is evaluated directly, in double precision.

    Examples
    --------
    >>> from lensmaker.design.compile import compile_polynomial
    >>> p = Polynomial.parse("x*y - 2*x*y*z")
    >>> found = check(compile_polynomial(p), p)
    >>> found.measured < found.bound < 1e-8
    True
    """
    x = points_of(network, points, seed)
    with torch.no_grad():
        found = network(x).double()
    if isinstance(polynomial, LatticePolynomial):
        x = x.reshape(-1, *polynomial.sides)
    off = float((found - polynomial.evaluate(x)).abs().max())
    return Checked(network.ledger.predicted, network.ledger.bound, off, points)


def points_of(network: Layered, points: int, seed: int) -> Tensor:
    """Numbers of the arithmetic of a network in its domain, the second half of them corners; on (0, 1) bits."""
    generator = stream("compiled network", seed)
    sites = network.sides if not network.flat else (network.sites,)
    shape = (points, *sites) if network.sides else (points, len(network.lower))
    random = torch.rand(shape, generator=generator, dtype=torch.float64)
    random[points // 2 :] = random[points // 2 :].round()
    if network.on_bits:
        random = random.round()
    return (network.lower + (network.upper - network.lower) * random).to(network.scale.dtype)
