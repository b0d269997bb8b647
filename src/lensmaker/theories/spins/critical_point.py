"""What is known of finite tori at a critical temperature: exponents of their size, U₄ and ξ/L."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lensmaker.core import Prediction, Regime, Where
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.critical_constants import CONSTANTS, critical
from lensmaker.theories.spins.pairs import neighbour_coupling
from lensmaker.theories.spins.theory import SpinTheory

NEAR = 0.01
"""|T/T_c − 1| L^{1/ν} up to which a torus is as good as critical; what it moves U₄ and ξ/L by is in their errors."""

SMALLEST = 8
"""L from which the errors of U₄ and ξ/L hold; smaller tori are outside."""

SHORTEST, LONGEST = 4, 4
"""The shortest side that the exponents are told of, and the longest one in units of it."""


@dataclass(frozen=True)
class CriticalPoint(SpinTheory):
    """Finite-size scaling of the Ising model at T_c, on tori of square, triangular, honeycomb and cubic lattices.

    With d dimensions, at T_c

        ∂U₄/∂K ∝ L^{1/ν},  ⟨|m|⟩ ∝ L^{−β/ν},  N⟨m²⟩ ∝ L^{γ/ν},  β/ν = (d − 2 + η)/2,  γ/ν = 2 − η,

    and on a square lattice of L × L sites U₄ → 0.61069014 and ξ/L → 0.90504883. The error of these two is L^{−7/4}:
    the next term of U₄ and ξ/L is smaller than that. Under a renormalization group that makes lengths b times shorter
    the distance from T_c grows as b^{y_t} and a field as b^{y_h}, with

        y_t = 1/ν,  y_h = (d + 2 − η)/2.

    These are the exponents of the fixed point. A flow reaches it after some levels, which nothing here tells of: what
    is measured at the first ones is off.

    Parameters
    ----------
    levels
        y_t and y_h are predicted for each of so many levels of a flow; without a level where there are none.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import cubic, square
    >>> found = CriticalPoint().predict(Canonical(ising(square(64)), 2.269185314))
    >>> [(p.quantity.name, round(p.value, 5)) for p in found][:3]
    [('inverse_nu', 1.0), ('beta_over_nu', 0.125), ('gamma_over_nu', 1.75)]
    >>> [round(p.value, 4) for p in CriticalPoint().predict(Canonical(ising(cubic(16)), 4.5115232))]
    [1.5874, 0.5181, 1.9637, 1.5874, 2.4819]
    >>> two = CriticalPoint(levels=2).predict(Canonical(ising(square(64)), 2.269185314))
    >>> [(str(p.where), p.value) for p in two.select(quantity="magnetic_exponent")]
    [('spins[T=2.26919, level=1]', 1.875), ('spins[T=2.26919, level=2]', 1.875)]
    """

    levels: int = 0

    name = "critical_point"
    summary = "Exponents of the size at T_c, and U₄ and ξ/L of a square torus, from conformal field theory."
    quantities = (
        "inverse_nu",
        "beta_over_nu",
        "gamma_over_nu",
        "thermal_exponent",
        "magnetic_exponent",
        "binder",
        "second_moment_length",
    )
    assumptions = (
        "the temperature is that of the critical point, and the lattice a torus",
        "one ferromagnetic coupling between neighbours, and no field",
        "the torus is large: corrections fall as powers of its size",
    )
    references = tuple({c.reference.key: c.reference for c in CONSTANTS if "ising" in c.model}.values())

    def refusal(self, system: Canonical[Any]) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None or not all(lattice.periodic):
            return "the lattice is no torus"
        if not any(c.model == f"ising {lattice.name}" and c.name == "temperature" for c in CONSTANTS):
            return f"no critical temperature is known of the lattice {lattice.name}"
        J, reason = neighbour_coupling(system.hamiltonian)
        if reason or not J > 0:
            return reason or "the coupling is not ferromagnetic"
        return self._distance(system)[1]

    def _distance(self, system: Canonical[Any]) -> tuple[float, str]:
        """|T/T_c − 1| L^{1/ν}, and what is to be said where that is too much."""
        lattice = system.hamiltonian.lattice
        J, _ = neighbour_coupling(system.hamiltonian)
        T_c = J * critical(f"ising {lattice.name}", "temperature").value
        ν = critical(f"ising {_exponents_of(lattice)}", "nu").value
        x = abs(system.temperature / T_c - 1) * min(lattice.shape) ** (1 / ν)
        return x, f"T = {system.temperature:.9g} is not T_c = {T_c:.9g}" if x > NEAR else ""

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        lattice, where = system.hamiltonian.lattice, system.where
        d, model = len(lattice.shape), f"ising {_exponents_of(lattice)}"
        ν, η = critical(model, "nu"), critical(model, "eta")
        shape = Regime(_out_of_shape(lattice.shape))
        yield self.prediction("inverse_nu", where, 1 / ν.value, ν.error / ν.value**2, shape)
        yield self.prediction("beta_over_nu", where, (d - 2 + η.value) / 2, η.error / 2, shape)
        yield self.prediction("gamma_over_nu", where, 2 - η.value, η.error, shape)
        for place in self._places(where):
            yield self.prediction("thermal_exponent", place, 1 / ν.value, ν.error / ν.value**2, shape)
            yield self.prediction("magnetic_exponent", place, (d + 2 - η.value) / 2, η.error / 2, shape)
        if lattice.name != "square" or len(set(lattice.shape)) > 1:
            return
        L = lattice.shape[0]
        x, _ = self._distance(system)
        small = Regime(f"L = {L} is less than {SMALLEST}" if L < SMALLEST else "")
        error = L**-1.75 + x
        yield self.prediction("binder", where, critical(model, "binder").value, error, small)
        length = L * critical(model, "xi_over_L").value
        yield self.prediction("second_moment_length", where, length, L * error, small)

    def _places(self, where: Where) -> list[Where]:
        """Of the exponents of a flow: its levels, if it has any."""
        numbers = range(1, self.levels + 1)
        return [replace(where, coordinates=(*where.coordinates, ("level", n))) for n in numbers] or [where]


def _out_of_shape(shape: tuple[int, ...]) -> str:
    """Why the exponents are not those of a torus of d dimensions, "" where they are."""
    short, long = min(shape), max(shape)
    if long > LONGEST * short:
        return f"a side of {long} beside one of {short} is of fewer dimensions"
    return f"a side of {short} is less than {SHORTEST}" if short < SHORTEST else ""


def _exponents_of(lattice: Any) -> str:
    """The lattice whose exponents are those of all lattices of its dimension."""
    return {2: "square", 3: "cubic"}[len(lattice.shape)]
