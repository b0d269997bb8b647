"""Ferdinand and Fisher: the square torus at the critical point of the infinite lattice, to order 1/L."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lensmaker.core import Prediction, Reference
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.onsager import CRITICAL_TEMPERATURE, square_coupling
from lensmaker.theories.spins.theory import SpinTheory

PEAK_SHIFT = 0.3603
"""The specific heat of an L × L torus is largest at T_c (1 + 0.3603/L)."""


@dataclass(frozen=True)
class FerdinandFisher(SpinTheory):
    """The energy of an L × M torus at T_c, and how far it is from that of the infinite lattice.

    e = −J [√2 + (2/L) θ₂θ₃θ₄/(θ₂+θ₃+θ₄)] + O(L⁻³), the theta functions at the nome e^(−πM/L). The next term is
    taken for the error.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import square
    >>> found = FerdinandFisher().predict(Canonical(ising(square(64)), CRITICAL_TEMPERATURE))
    >>> round(found[0].value, 6)  # Kaufman: −1.423938…
    -1.423939
    """

    name = "ferdinand_fisher"
    summary = "The energy of a square torus at the critical temperature, with its correction of order 1/L."
    quantities = ("energy",)
    assumptions = (
        "the temperature is critical",
        "the lattice is a square torus of one ferromagnetic coupling",
    )
    references = (
        Reference(
            "ferdinand1969",
            "A. E. Ferdinand, M. E. Fisher",
            "Bounded and inhomogeneous Ising models I: specific-heat anomaly of a finite lattice",
            1969,
            "Phys. Rev. 185, 832",
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        J, reason = square_coupling(system)
        if not reason and abs(system.temperature / (J * CRITICAL_TEMPERATURE) - 1) > 1e-9:
            return "the temperature is not critical"
        return reason

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        J, _ = square_coupling(system)
        L, M = sorted(system.hamiltonian.lattice.shape)
        energy = -J * (math.sqrt(2) + 2 / L * _amplitude(M / L))
        yield self.prediction("energy", system.where, energy, error=J / L**3)


def _amplitude(aspect: float) -> float:
    """θ₂θ₃θ₄/(θ₂+θ₃+θ₄) at the nome e^(−π·aspect)."""
    nome = math.exp(-math.pi * aspect)
    terms = range(1, 40)
    θ2 = 2 * sum(nome ** ((n - 0.5) ** 2) for n in terms)
    θ3 = 1 + 2 * sum(nome ** (n * n) for n in terms)
    θ4 = 1 + 2 * sum((-1) ** n * nome ** (n * n) for n in terms)
    return θ2 * θ3 * θ4 / (θ2 + θ3 + θ4)
