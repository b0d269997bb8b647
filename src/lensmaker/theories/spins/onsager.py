"""Onsager and Yang: the square lattice without limit, isotropic, without field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scipy.integrate import quad
from scipy.special import ellipe, ellipk

from lensmaker.core import Prediction, Reference, Regime
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.spins.pairs import neighbour_coupling
from lensmaker.theories.spins.theory import SpinTheory

CRITICAL_COUPLING = math.log1p(math.sqrt(2)) / 2
"""K_c = J/T_c of the square lattice."""

LONG = 10
"""Correlation lengths on a torus that is as good as infinite: e^−10 is 5·10⁻⁵."""

WALLS = 1e-3
"""Probability of a pair of walls across a torus that is as good as ordered throughout."""

ROUNDING = 1e-14
"""What double precision leaves of a value of order one."""

CRITICAL_TEMPERATURE = 1 / CRITICAL_COUPLING
"""T_c/J of the square lattice."""


@dataclass(frozen=True)
class Onsager(SpinTheory):
    """The Ising model on an infinite square lattice, J > 0, without a field.

    With K = J/T and k = 2 sinh 2K/cosh² 2K, K₁ and E₁ the complete elliptic integrals,

        e/J = −coth 2K [1 + (2/π)(2 tanh² 2K − 1) K₁(k)],
        −βf = ln(2 cosh 2K) + (1/π) ∫₀^{π/2} ln ½(1 + √(1 − k² sin² θ)) dθ,
        m = (1 − sinh⁻⁴ 2K)^{1/8} below T_c, 0 above.

    A finite torus departs from it by e^(−L/ξ), and near T_c by ln L/L: there Kaufman's solution holds, and this one
    is outside of its regime on a torus shorter than 10 ξ. The errors are what is left of that, 4 e^(−L/ξ) in units of
    J; below T_c also ln 2/N of entropy, for a torus has two ordered states; above, of |m|, what fluctuates, ξ^{7/8}/L.
    Below T_c walls may cross the torus, in pairs: one has the weight e^(−L/2ξ) at each of M places along the longer
    side, so that a pair has at most (M e^(−L/2ξ))², and beyond 1e-3 the prediction is outside.

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

    def refusal(self, system: Canonical[Any]) -> str:
        return square_coupling(system)[1]

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        J, _ = square_coupling(system)
        K, (L, M) = J / system.temperature, sorted(system.hamiltonian.lattice.shape)
        ξ = correlation_length(K)
        # An ordered torus is in either of two states, which the infinite lattice does not count.
        ordered = K > CRITICAL_COUPLING
        both = math.log(2) / system.sites if ordered else 0.0
        walls = (M * math.exp(-L / (2 * ξ))) ** 2 if ordered else 0.0
        pair = 8 * L  # no more than the energy of two walls, 2 J L dσ/dK with dσ/dK = 2 + 2/sinh 2K
        around = 4 * math.exp(-L / ξ)  # what goes around the torus, either way
        errors = {
            "energy": J * (around + walls * pair / system.sites + ROUNDING),
            "specific_heat": L * around + walls * (K * pair) ** 2 / system.sites + (L + K * K) * ROUNDING,
            "free_energy": system.temperature * (both + around + walls / system.sites + (1 + K) * ROUNDING),
            "entropy": both + around + walls * (1 + K * pair) / system.sites + (1 + K) * ROUNDING,
            "magnetisation": around + walls + ROUNDING if ordered else ξ**0.875 / L,
        }
        reason = _outside(L / ξ, walls)
        for n, v in _bulk(J, system.temperature):
            yield self.prediction(n, system.where, v, errors[n], Regime(reason))


def _outside(lengths: float, walls: float) -> str:
    """Why a torus is not as good as infinite, "" where it is."""
    if lengths < LONG:
        return f"the torus is {lengths:.2g} correlation lengths long, not {LONG}"
    return (
        f"two walls cross the torus with a weight of {walls:.2g}, beyond {WALLS:g}" if walls > WALLS else ""
    )


def correlation_length(K: float) -> float:
    """ξ of the infinite lattice along an axis: 1/(ln coth K − 2K) above T_c, half of what that is below.

    Examples
    --------
    >>> round(correlation_length(1 / 3), 4), correlation_length(CRITICAL_COUPLING)
    (2.1365, inf)
    """
    rate = -math.log(math.tanh(K)) - 2 * K
    if abs(rate) < 1e-14:
        return math.inf
    return 1 / rate if rate > 0 else -0.5 / rate


def square_coupling(system: Canonical[Hamiltonian]) -> tuple[float, str]:
    """J of an Ising model on a square torus, and why it is none such ("" where it is)."""
    lattice = system.hamiltonian.lattice
    if lattice is None or lattice.name != "square" or not all(lattice.periodic):
        return math.nan, "the lattice is no square torus"
    J, reason = neighbour_coupling(system.hamiltonian)
    return J, reason or ("" if J > 0 else "the coupling is not ferromagnetic")


def _bulk(J: float, T: float) -> Iterator[tuple[str, float]]:
    K = J / T
    small = math.exp(-4 * K)
    inverse_sinh = 2 * math.exp(-2 * K) / -math.expm1(-4 * K)
    k, tanh = 2 * inverse_sinh * (math.expm1(-4 * K) / (1 + small)) ** 2, math.tanh(2 * K)
    first, second = float(ellipk(k**2)), float(ellipe(k**2))
    rest = 2 * tanh**2 - 1
    critical = k >= 1 - 1e-15
    beyond = _beyond(k) if k < 0.5 else 2 / math.pi * first - 1
    energy = -J / tanh if critical else -J * (2 * tanh * (1 + beyond) - beyond / tanh)
    heat = (
        math.inf
        if critical
        else 4 / math.pi * (K / tanh) ** 2 * (first - second - (1 - tanh**2) * (math.pi / 2 + rest * first))
    )
    integral, _ = quad(
        lambda θ: math.log((1 + math.sqrt(max(0.0, 1 - (k * math.sin(θ)) ** 2))) / 2), 0, math.pi / 2,
        epsabs=1e-14, epsrel=1e-13,
    )  # fmt: skip
    minus_beta_f = 2 * K + math.log1p(small) + integral / math.pi
    yield "energy", energy
    yield "specific_heat", heat
    yield "free_energy", -T * minus_beta_f
    yield "entropy", minus_beta_f + energy / T
    yield "magnetisation", (1 - inverse_sinh**4) ** 0.125 if inverse_sinh < 1 else 0.0


def _beyond(k: float) -> float:
    """(2/π) K₁(k) − 1 to all its digits, by an arithmetic-geometric mean.

    (2/π) K₁ is 1 over that of 1 and √(1 − k²); what both are below 1 goes along, not they themselves.

    Examples
    --------
    >>> math.isclose(_beyond(1e-5), 0.25e-10, rel_tol=1e-9), math.isclose(_beyond(0.4), 0.04405634, rel_tol=1e-6)
    (True, True)
    """
    a, b = 0.0, k * k / (1 + math.sqrt(1 - k * k))
    for _ in range(5):
        a, b = (a + b) / 2, (a + b - a * b) / (1 + math.sqrt((1 - a) * (1 - b)))
    return a / (1 - a)
