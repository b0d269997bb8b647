"""Kaufman: the Ising model on a square torus of any size, to any precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lensmaker.core import Prediction, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.onsager import square_coupling
from lensmaker.theories.spins.theory import SpinTheory
from lensmaker.theories.spins.thermodynamics import from_log_partition


@dataclass(frozen=True)
class Kaufman(SpinTheory):
    r"""The partition function of the Ising model on an L × M torus, J > 0, without a field.

    With K = J/T, cosh γ_r = coth 2K cosh 2K − cos(πr/L), γ_0 = 2K + ln tanh K,

        Z = ½ (2 sinh 2K)^{LM/2} [ ∏ 2 cosh(M γ_{2r+1}/2) + ∏ 2 sinh(M γ_{2r+1}/2)
                                  + ∏ 2 cosh(M γ_{2r}/2) + ∏ 2 sinh(M γ_{2r}/2) ],

    products over r = 0 … L−1; the last one has the sign of γ_0 and is negative above T_c. Z and its first two
    derivatives by K are carried together through every step, in `digits` digits and those that products of this
    size lose: nothing is differenced.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import square
    >>> found = Kaufman().predict(Canonical(ising(square(20)), temperature=2.0))
    >>> round(found.select(quantity="energy")[0].value, 10)
    -1.745557125
    """

    digits: int = 30

    name = "kaufman"
    summary = "Energy, specific heat, free energy and entropy of a square torus of any size."
    quantities = ("energy", "specific_heat", "free_energy", "entropy")
    assumptions = (
        "the lattice is a square torus",
        "one ferromagnetic coupling between neighbours, and no field",
    )
    references = (
        Reference(
            "kaufman1949",
            "B. Kaufman",
            "Crystal statistics II: partition function evaluated by spinor analysis",
            1949,
            "Phys. Rev. 76, 1232",
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        return square_coupling(system)[1]

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        J, _ = square_coupling(system)
        rows, columns = system.hamiltonian.lattice.shape
        log_z, first, second = torus(rows, columns, J / system.temperature, digits=self.digits)
        # ∂/∂β = J ∂/∂K
        values = from_log_partition(log_z, J * first, J**2 * second, system.beta, system.sites)
        return (self.prediction(n, system.where, v) for n, v in values)


def torus(rows: int, columns: int, K: float, *, digits: int = 30) -> tuple[float, float, float]:
    """Values of ln Z and of its first two derivatives by K > 0.

    Examples
    --------
    >>> import math
    >>> states = 2 * math.exp(8 * 0.3) + 12 + 2 * math.exp(-8 * 0.3)  # of 2 × 2 spins with double bonds
    >>> abs(torus(2, 2, 0.3)[0] - math.log(states)) < 1e-14
    True
    """
    import mpmath

    from lensmaker.theories.spins.jets import Jet

    lost = max(0, math.ceil(-4 * math.log10(K)))  # terms of 1/K² cancel in what is of order K²
    with mpmath.workdps(digits + 10 + lost):
        k = Jet(mpmath.mpf(K), mpmath.mpf(1), mpmath.mpf(0))
        sinh, cosh = (2 * k).sinh(), (2 * k).cosh()
        level = cosh * cosh / sinh
        γ = [
            (level - mpmath.cos(mpmath.pi * r / rows)).acosh() if r else 2 * k + k.tanh().log()
            for r in range(2 * rows)
        ]
        halves = [mpmath.mpf(columns) / 2 * g for g in γ]
        # The numbers of mpmath have exponents without limit: products of thousands of factors need no logarithms.
        products = [
            math.prod((2 * f(x) for x in halves[parity::2]), start=Jet.of(1))
            for parity in (1, 0)
            for f in (Jet.cosh, Jet.sinh)
        ]
        log_z = (mpmath.mpf(rows * columns) / 2) * (2 * sinh).log() + (sum(products, Jet.of(0)) / 2).log()
        return float(log_z.value), float(log_z.first), float(log_z.second)
