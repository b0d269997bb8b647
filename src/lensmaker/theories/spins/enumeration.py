"""Enumeration: every configuration of a small system, and so everything about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lensmaker.core import InputError, Prediction, Reference, Table
from lensmaker.numerics.walsh import walsh_transform
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.theories.base import Theory
from lensmaker.theories.spins.thermodynamics import from_log_partition

MOST = 24
"""Spins of which all configurations are held in memory: 2²⁴ doubles are 128 MiB."""


@dataclass(frozen=True)
class Enumeration(Theory):
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
    summary = "Everything about a system of at most 24 spins, from all of its configurations."
    quantities = (
        "energy",
        "specific_heat",
        "free_energy",
        "entropy",
        "magnetisation",
        "susceptibility",
        "binder",
    )
    assumptions = ("there are at most 24 spins",)
    references: ClassVar[tuple[Reference, ...]] = ()

    def predict(self, system: Canonical) -> Table[Prediction]:
        return Table(self.prediction(n, system.where, v) for n, v in Enumerated(system).quantities())


@dataclass(frozen=True, eq=False)
class Enumerated:
    """The distribution of a small system; bit i of an index is set where s_i = −1.

    Raises
    ------
    InputError
        If there are more than 24 spins.
    """

    system: Canonical

    def __post_init__(self) -> None:
        if self.system.sites > MOST:
            raise InputError(
                f"at most {MOST} spins to enumerate",
                f"{self.system.sites}, with 2^{self.system.sites} configurations",
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
        exponents = -self.system.beta * self.energies
        largest = float(exponents.max())
        return largest + math.log(float(np.exp(exponents - largest).sum()))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """P(s) of every configuration."""
        return np.exp(-self.system.beta * self.energies - self.log_partition)

    @cached_property
    def correlations(self) -> NDArray[np.float64]:
        """⟨∏_{i∈c} s_i⟩ of every set c of sites, at the index that has their bits set."""
        return walsh_transform(self.probabilities)

    @cached_property
    def magnetisations(self) -> NDArray[np.float64]:
        """Magnetisation Σ s_i/N of every configuration."""
        n = self.system.sites
        field = np.zeros(2**n)
        field[1 << np.arange(n)] = 1 / n
        return walsh_transform(field)

    def quantities(self) -> Iterator[tuple[str, float]]:
        """Name and value of each standard quantity."""
        p, n, beta = self.probabilities, self.system.sites, self.system.beta
        mean = float(p @ self.energies)
        variance = float(p @ (self.energies - mean) ** 2)
        yield from from_log_partition(self.log_partition, -mean, variance, beta, n)
        size = np.abs(self.magnetisations)
        first, second, fourth = (float(p @ size**k) for k in (1, 2, 4))
        yield "magnetisation", first
        yield "susceptibility", beta * n * (second - first**2)
        yield "binder", 1 - fourth / (3 * second**2)
