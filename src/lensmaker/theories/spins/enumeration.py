"""Enumeration: every configuration of a small system, and so everything about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError, Prediction, Reference, Regime
from lensmaker.numerics.walsh import walsh_transform
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.theories.spins.factors import Factor, factors
from lensmaker.theories.spins.theory import SpinTheory
from lensmaker.theories.spins.thermodynamics import from_log_partition

MOST = 24
"""Spins of which all configurations are held in memory: 2²⁴ doubles are 128 MiB."""


@dataclass(frozen=True)
class Enumeration(SpinTheory):
    """All 2^N configurations.

    A Hamiltonian is its own Walsh transform: the energies of all configurations come from its coefficients, and all
    correlations ⟨∏_{i∈c} s_i⟩ from the probabilities, in N·2^N additions each.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> ring = Canonical(ising(chain(3)), temperature=1.0)
    >>> table = Enumeration().predict(ring)
    >>> exact = -math.log(2 * math.exp(3) + 6 * math.exp(-1)) / 3
    >>> abs(table.select(quantity="free_energy")[0].value - exact) < 1e-15
    True
    """

    name = "enumeration"
    summary = "Everything about a system of at most 2^24 configurations, from all of them."
    quantities = (
        "energy",
        "specific_heat",
        "free_energy",
        "entropy",
        "magnetisation",
        "susceptibility",
        "binder",
    )
    assumptions = ("there are at most 24 spins ±1, or as many configurations of others",)
    models = (Hamiltonian, Multistate)
    references = (
        Reference(
            "fino1976",
            "B. J. Fino, V. R. Algazi",
            "Unified matrix treatment of the fast Walsh–Hadamard transform",
            1976,
            "IEEE Trans. Comput. C-25, 1142",
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        q, n = len(system.hamiltonian.states), system.sites
        return f"its {n} spins have {q}^{n} configurations, more than 2^{MOST}" if q**n > 2**MOST else ""

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        many = isinstance(system.hamiltonian, Multistate)
        found = EnumeratedStates(system) if many else Enumerated(system)
        for n, v in found.quantities():
            reason = "" if math.isfinite(v) else "a magnetisation has no weight at so low a temperature"
            yield self.prediction(n, system.where, v, regime=Regime(reason))


@dataclass(frozen=True, eq=False)
class Enumerated:
    """The distribution of a small system; bit i of an index is set where s_i = −1.

    Raises
    ------
    InputError
        If there are more than 24 spins.
    """

    system: Canonical[Any]

    def __post_init__(self) -> None:
        q, n = len(self.system.hamiltonian.states), self.system.sites
        if q**n > 2**MOST:
            raise InputError(
                f"at most {MOST} spins to enumerate, or 2^{MOST} configurations",
                f"{n}, with {q}^{n} configurations",
                "use a transfer matrix, an exact solution of the lattice, or samples",
            )

    @cached_property
    def energies(self) -> NDArray[np.float64]:
        """H of every configuration."""
        coefficients = np.zeros(2**self.system.sites)
        h = self.system.hamiltonian
        for term in h.terms:
            np.add.at(coefficients, (1 << term.cliques).sum(1), -h.couplings[term.name] * term.weights)
        return walsh_transform(coefficients)

    @cached_property
    def log_partition(self) -> float:
        """Of Z = Σ_s e^(−βH(s)), the logarithm."""
        return math.log(float(self._weights.sum())) - self.system.beta * float(self.energies.min())

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """P(s) of every configuration."""
        return self._weights / self._weights.sum()

    @property
    def _weights(self) -> NDArray[np.float64]:
        """Of each configuration over that of the ground state."""
        return np.exp(-self.system.beta * (self.energies - self.energies.min()))

    @cached_property
    def correlations(self) -> NDArray[np.float64]:
        """⟨∏_{i∈c} s_i⟩ of every set c of sites, at the index that has their bits set."""
        return walsh_transform(self.probabilities)

    @cached_property
    def magnetisations(self) -> NDArray[np.float64]:
        """Magnetisation Σ s_i/N of every configuration."""
        n, total = self.system.sites, np.zeros(1)
        for _ in range(n):
            total = np.concatenate([total + 1, total - 1])
        return total / n

    def quantities(self) -> Iterator[tuple[str, float]]:
        """Name and value of each standard quantity."""
        p, n, beta = self.probabilities, self.system.sites, self.system.beta
        mean = float(p @ self.energies)
        variance = float(p @ (self.energies - mean) ** 2)
        yield from from_log_partition(self.log_partition, -mean, variance, beta, n)
        if not len(self.magnetisations):
            return
        size = np.abs(self.magnetisations)
        first, second, fourth = (float(p @ size**k) for k in (1, 2, 4))
        yield "magnetisation", first
        yield "susceptibility", beta * n * (second - first**2)
        ratio = fourth / second / second if second > 0 else math.inf
        yield "binder", 1 - ratio / 3 if math.isfinite(ratio) else math.nan


@dataclass(frozen=True, eq=False)
class EnumeratedStates(Enumerated):
    """The distribution of a few spins of q states; an index has their states as its digits, that of site 0 first."""

    @cached_property
    def energies(self) -> NDArray[np.float64]:
        """H of every configuration."""
        model = self.system.hamiltonian
        total, sites = np.zeros((model.q,) * model.sites), list(range(model.sites))
        for part in factors(model):
            total += part.over(sites)
        return total.reshape(-1)

    @cached_property
    def magnetisations(self) -> NDArray[np.float64]:
        """Mean of the numbers that the states stand for, of every configuration; empty where they stand for none."""
        model = self.system.hamiltonian
        if model.values is None:
            return np.zeros(0)
        total, sites = np.zeros((model.q,) * model.sites), list(range(model.sites))
        for site in sites:
            total += Factor((site,), model.values / model.sites).over(sites)
        return total.reshape(-1)

    @cached_property
    def correlations(self) -> NDArray[np.float64]:
        """Products of spins that are not ±1 do not close: there is no such table.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            "spins ±1 for the table of all correlations", "spins of more states", "use probabilities"
        )
