"""Decimation of the chain: the renormalization flow that is exact."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lensmaker.core import InputError, Prediction, Regime
from lensmaker.core.bibliography import KADANOFF_1975
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.spins.pairs import neighbour_coupling
from lensmaker.theories.spins.theory import SpinTheory


@dataclass(frozen=True)
class Decimation(SpinTheory):
    """Couplings of the chain after every second spin has been summed over, again and again.

    Σ_{s₂} e^{K s₂(s₁+s₃)} = 2 √(cosh 2K) e^{K' s₁s₃} with K = J/T and

        tanh K' = tanh² K,   K' = ½ ln cosh 2K.

    A step multiplies a small change of K by λ_t = ∂K'/∂K = tanh 2K, and on a ring a small field by
    λ_h = ∂h'/∂h = 1 + tanh 2K: y_t = log₂ λ_t and y_h = log₂ λ_h of the step that leads to a level, with K before it.

    Parameters
    ----------
    levels
        How many times at most; it ends where an odd number of spins is left on a ring, or two on an open chain.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> found = Decimation(levels=2).predict(Canonical(ising(chain(8)), temperature=1.0))
    >>> [round(p.value, 6) for p in found.select(quantity="coupling")]
    [1.0, 0.662501, 0.350061]
    >>> [round(p.value, 6) for p in found.select(quantity="thermal_exponent")]
    [-0.052854, -0.204195]
    """

    levels: int = 5

    name = "decimation"
    summary = "The coupling of a chain at each level of decimation, and the exponents of each step."
    quantities = ("coupling", "thermal_exponent", "magnetic_exponent")
    assumptions = ("the spins form a chain or ring of one coupling, and no field",)
    references = (KADANOFF_1975,)

    def refusal(self, system: Canonical[Any]) -> str:
        lattice = system.hamiltonian.lattice
        if lattice is None or lattice.name != "chain":
            return "the spins form no chain"
        return neighbour_coupling(system.hamiltonian)[1]

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        J, _ = neighbour_coupling(system.hamiltonian)
        closed = system.hamiltonian.lattice.periodic[0]
        levels = min(self.levels, most_levels(system.sites, closed=closed))
        flow = coupling_flow(J / system.temperature, levels)
        for n, K in enumerate(flow):
            place = replace(system.where, coordinates=(*system.where.coordinates, ("level", n)))
            yield self.prediction("coupling", place, K)
            if n:
                y_t, y_h = exponents(flow[n - 1])
                shrinks = Regime(
                    "" if math.isfinite(y_t) else "a change of K vanishes or turns its sign in the step"
                )
                ends = Regime("" if closed else "a field acts on the ends of an open chain in another way")
                yield self.prediction("thermal_exponent", place, y_t, regime=shrinks)
                yield self.prediction("magnetic_exponent", place, y_h if closed else math.nan, regime=ends)


def exponents(K: float) -> tuple[float, float]:
    """log₂ tanh 2K, not a number unless K > 0, and log₂(1 + tanh 2K): of a step from K.

    Examples
    --------
    >>> exponents(math.inf)[1], exponents(0.0)
    (1.0, (nan, 0.0))
    """
    q = math.exp(-4 * abs(K))
    softplus = math.log1p(q) + max(-4 * K, 0.0)
    λ_t = math.tanh(2 * K)
    if λ_t <= 0:
        return math.nan, 1 - softplus / math.log(2)
    logarithm = math.log(λ_t) if λ_t < 0.5 else math.log1p(-q) - math.log1p(q)
    return logarithm / math.log(2), 1 - softplus / math.log(2)


def most_levels(sites: int, *, closed: bool) -> int:
    """How often every second spin can be summed over: on a ring while their number is even, on a chain while two stay.

    Examples
    --------
    >>> [most_levels(n, closed=True) for n in (4, 5, 12)], [most_levels(n, closed=False) for n in (4, 5, 9)]
    ([2, 0, 2], [1, 2, 3])
    """
    if closed:
        return (sites & -sites).bit_length() - 1
    return max(0, (sites - 1).bit_length() - 1)


def decimated(K: float) -> float:
    """The coupling K' = ½ ln cosh 2K after one decimation, to 1e-15 of itself for any K.

    Examples
    --------
    >>> math.isclose(math.tanh(decimated(0.7)), math.tanh(0.7) ** 2, rel_tol=1e-15)
    True
    """
    if not math.isfinite(K):
        raise InputError("a finite coupling K = J/T", f"{K}", "pass a temperature above 0")
    K = abs(K)
    if K < 1:
        return math.log1p(2 * math.sinh(K) ** 2) / 2
    return K - (math.log(2) - math.log1p(math.exp(-4 * K))) / 2


def coupling_flow(K: float, levels: int) -> list[float]:
    """K and the couplings after 1 … `levels` decimations."""
    flow = [K]
    for _ in range(levels):
        flow.append(decimated(flow[-1]))
    return flow
