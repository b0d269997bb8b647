"""Onsager and Yang: the square lattice without limit, isotropic, without field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from scipy.integrate import quad
from scipy.special import ellipe, ellipk

from lensmaker.core import INSIDE, Prediction, Reference, Regime, Table
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.base import Theory

CRITICAL_COUPLING = math.log1p(math.sqrt(2)) / 2
"""K_c = J/T_c of the square lattice."""

CRITICAL_TEMPERATURE = 1 / CRITICAL_COUPLING
"""T_c/J of the square lattice."""


@dataclass(frozen=True)
class Onsager(Theory):
    """The Ising model on an infinite square lattice, J > 0, without a field.

    With K = J/T and k = 2 sinh 2K/cosh² 2K, K₁ and E₁ the complete elliptic integrals,

        e/J = −coth 2K [1 + (2/π)(2 tanh² 2K − 1) K₁(k)],
        −βf = ln(2 cosh 2K) + (1/π) ∫₀^{π/2} ln ½(1 + √(1 − k² sin² θ)) dθ,
        m = (1 − sinh⁻⁴ 2K)^{1/8} below T_c, 0 above.

    A finite torus departs from it by e^(−L/ξ), and near T_c by ln L/L: there Kaufman's solution holds.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import square
    >>> found = Onsager().predict(Canonical(ising(square(64)), temperature=2.0))
    >>> [(p.quantity.name, round(p.value, 7)) for p in found][:1], round(found[-1].value, 7)
    ([('energy', -1.7455646)], 0.9113194)
    """

    name = "onsager"
    summary = "Energy, specific heat, free energy and magnetisation of the infinite square lattice."
    quantities = ("energy", "specific_heat", "free_energy", "entropy", "magnetisation")
    assumptions = (
        "the lattice is square and much larger than the correlation length",
        "one ferromagnetic coupling between neighbours, and no field",
    )
    references = (
        Reference(
            "onsager1944",
            "L. Onsager",
            "Crystal statistics I: a two-dimensional model with an order-disorder transition",
            1944,
            "Phys. Rev. 65, 117",
        ),
        Reference(
            "yang1952",
            "C. N. Yang",
            "The spontaneous magnetization of a two-dimensional Ising model",
            1952,
            "Phys. Rev. 85, 808",
        ),
    )

    def predict(self, system: Canonical) -> Table[Prediction]:
        J, reason = square_coupling(system)
        regime = Regime(reason) if reason else INSIDE
        if not J > 0:
            return Table()
        return Table(
            self.prediction(n, system.where, v, regime=regime) for n, v in _bulk(J, system.temperature)
        )


def square_coupling(system: Canonical) -> tuple[float, str]:
    """J of an Ising model on a square torus, and why it is none such ("" where it is)."""
    h = system.hamiltonian
    J = float(h.couplings.get("J", math.nan))
    if h.lattice is None or h.lattice.name != "square" or not all(h.lattice.periodic):
        return J, "the lattice is no square torus"
    if not (len(h.terms) >= 1 and h.terms[0].name == "J" and len(h.terms[0].cliques) == 2 * h.sites):
        return J, "its couplings are not those of neighbours alone"
    if any(h.couplings[t.name] for t in h.terms[1:]) or not (h.terms[0].weights == 1).all():
        return J, "there is a field, or the couplings differ"
    return J, "" if J > 0 else "the coupling is not ferromagnetic"


def _bulk(J: float, T: float) -> Iterator[tuple[str, float]]:
    K = J / T
    k, tanh = 2 * math.sinh(2 * K) / math.cosh(2 * K) ** 2, math.tanh(2 * K)
    first, second = float(ellipk(k**2)), float(ellipe(k**2))
    rest = 2 * tanh**2 - 1
    critical = k >= 1 - 1e-15
    energy = -J / tanh * (1 + (0.0 if critical else 2 / math.pi * rest * first))
    heat = (
        math.inf
        if critical
        else 4 / math.pi * (K / tanh) ** 2 * (first - second - (1 - tanh**2) * (math.pi / 2 + rest * first))
    )
    integral, _ = quad(
        lambda θ: math.log((1 + math.sqrt(max(0.0, 1 - (k * math.sin(θ)) ** 2))) / 2), 0, math.pi / 2,
        epsabs=1e-14, epsrel=1e-13,
    )  # fmt: skip
    minus_beta_f = math.log(2 * math.cosh(2 * K)) + integral / math.pi
    yield "energy", energy
    yield "specific_heat", heat
    yield "free_energy", -T * minus_beta_f
    yield "entropy", minus_beta_f + energy / T
    sinh = math.sinh(2 * K)
    yield "magnetisation", (1 - sinh**-4) ** 0.125 if sinh > 1 else 0.0
