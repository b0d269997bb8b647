"""Kadanoff's lower-bound renormalization of the square Ising model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.core.bibliography import KADANOFF_1976
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.critical_constants import critical
from lensmaker.theories.spins.pairs import neighbour_coupling
from lensmaker.theories.spins.theory import SpinTheory
from lensmaker.theories.variational_rg.bounds import from_above, from_below
from lensmaker.theories.variational_rg.fixed_point import best_weight, fixed_point, other_weight

NEAR = 0.01
"""|T/T_c − 1| up to which exponents are those of the system."""

COLDEST = 20.0
"""K beyond which nothing is left to be found."""


@dataclass(frozen=True)
class Kadanoff(SpinTheory):
    r"""The free energy from below, and exponents, by the weight e^{pμΣs}/(2 cosh pΣs) of 2 × 2 blocks at its best p.

        e^{v′(μ₁…μ₄)} = Σ_{s₁…s₄} e^{p Σ μ_i s_i − u(s) + 4v(s)},   u = ln 2 cosh(p Σ s).

    −T ln Z′ is a lower bound of F for any p, and p is chosen at each step so that it is highest. The error of f is the
    distance to an upper bound, of strips in a mean field: the truth is between the two. The exponents are those of the
    fixed point at the one p* where ln Z is stationary there; their errors are what another p, at which y_h is
    stationary, makes of them.

    Examples
    --------
    >>> from lensmaker.systems.spins import ising, square
    >>> from lensmaker.theories.spins.kaufman import Kaufman
    >>> torus = Canonical(ising(square(16)), 2.0)
    >>> bound = Kadanoff().predict(torus)[0]
    >>> exact = Kaufman().predict(torus).select(quantity="free_energy")[0].value
    >>> bound.value < exact < bound.value + bound.error
    True
    """

    name = "kadanoff"
    summary = "A lower bound of the free energy of the square Ising model, by blocks of a variational weight."
    quantities = ("free_energy", "inverse_nu", "beta_over_nu")
    assumptions = (
        "a square torus whose side is a power of two",
        "one coupling between neighbours, and no field",
        "for the exponents, the temperature is the critical one",
    )
    references = (
        Reference(
            "kadanoff1975v",
            "L. P. Kadanoff",
            "Variational principles and approximate renormalization group calculations",
            1975,
            "Phys. Rev. Lett. 34, 1005",
        ),
        KADANOFF_1976,
    )

    def refusal(self, system: Canonical[Any]) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None or lattice.name != "square" or not all(lattice.periodic):
            return "the lattice is no square torus"
        rows, columns = lattice.shape
        if rows != columns or rows < 2 or rows & (rows - 1):
            return f"its sides are {rows} and {columns}, not one power of two"
        J, reason = neighbour_coupling(system.hamiltonian)
        if reason:
            return reason
        return "it is too cold: the ground state is all there is" if abs(J) * system.beta > COLDEST else ""

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        # an even torus has as many spins up and down in turn: −J is J with every second spin turned over
        K = abs(neighbour_coupling(system.hamiltonian)[0]) * system.beta
        side, where = system.hamiltonian.lattice.shape[0], system.where
        above, below = from_above(K, side), from_below(K, side)
        gap = max(0.0, above.log_partition - below.log_partition)
        T = system.temperature
        yield self.prediction("free_energy", where, -T * above.log_partition, T * gap)
        at, other = fixed_point(best_weight()), fixed_point(other_weight())
        K_c = 1 / critical("ising square", "temperature").value
        far = abs(K / K_c - 1) > NEAR
        regime = Regime(f"T = {T:.6g} is not the critical temperature" if far else "")
        yield self.prediction("inverse_nu", where, at.thermal, abs(at.thermal - other.thermal), regime)
        yield self.prediction(
            "beta_over_nu", where, 2 - at.magnetic, abs(at.magnetic - other.magnetic), regime
        )
