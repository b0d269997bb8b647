"""Elimination: the transfer matrix site by site, for any Hamiltonian of finite range on what is narrow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from lensmaker.core import InputError, Prediction, Reference
from lensmaker.core.bibliography import KRAMERS_1941
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.theories.spins.factors import Factor, factors, renamed
from lensmaker.theories.spins.theory import SpinTheory
from lensmaker.theories.spins.thermodynamics import from_log_partition

Table = NDArray[np.float64]
"""An axis of q states for each spin of the frontier."""

WIDEST = 22
"""Spins on the frontier of which all configurations are held in memory."""


@dataclass(frozen=True)
class Elimination(SpinTheory):
    """Z by summing over one spin after another.

    The spins are visited in order; the partial sums are a function of those on the frontier, which still meet
    spins to come. Each product e^(βJw∏s) is multiplied in at its last spin, and a spin is summed over at its
    last product. What is kept of each configuration of the frontier is ln Σ W and the mean and variance of the
    energy given it, W the weights of all that was summed over: whatever becomes the ground state later is there at
    any temperature, and no digits are lost to large energies. The cost is N·q^w for a frontier of w spins of q
    states: a strip of width w, twice that where it closes on itself along its length.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> ring = Canonical(ising(chain(10), J=1.0), temperature=1.0)
    >>> exact = -math.log((2 * math.cosh(1)) ** 10 + (2 * math.sinh(1)) ** 10) / 10
    >>> abs(Elimination().predict(ring).select(quantity="free_energy")[0].value - exact) < 1e-14
    True
    """

    name = "elimination"
    summary = "Energy, specific heat, free energy and entropy of chains and strips of any finite range."
    quantities = ("energy", "specific_heat", "free_energy", "entropy")
    models = (Hamiltonian, Multistate)
    assumptions = (f"no more than {WIDEST} spins ±1 are on the frontier at a time",)
    references = (
        KRAMERS_1941,
        Reference(
            "bertele1972", "U. Bertelè, F. Brioschi", "Nonserial dynamic programming", 1972, "Academic Press"
        ),
    )

    def refusal(self, system: Canonical[Any]) -> str:
        width, most = plan_of(system.hamiltonian).width, widest(system.hamiltonian)
        return f"{width} spins would be on the frontier, more than {most}" if width > most else ""

    def solve(self, system: Canonical[Any]) -> Iterator[Prediction]:
        log_z, mean, variance = eliminate(system)
        found = from_log_partition(log_z, -mean, variance, system.beta, system.sites)
        return (self.prediction(n, system.where, v) for n, v in found)


def eliminate(system: Canonical[Any]) -> tuple[float, float, float]:
    """Values of ln Z, ⟨H⟩ and ⟨H²⟩ − ⟨H⟩².

    Raises
    ------
    InputError
        If the frontier is too wide.
    """
    plan, most = plan_of(system.hamiltonian), widest(system.hamiltonian)
    if plan.width > most:
        raise InputError(
            f"a frontier of at most {most} spins",
            f"one of {plan.width}",
            "use a narrower strip, or samples",
        )
    beta, q = system.beta, len(system.hamiltonian.states)
    frontier: list[int] = []
    log_weight, mean, variance = (np.zeros(()) for _ in range(3))  # of what the frontier is given
    scale = reference = 0.0
    for step, ending in enumerate(plan.ending):
        frontier.append(step)
        log_weight, mean, variance = (np.stack([a] * q, -1) for a in (log_weight, mean, variance))
        energy = sum((f.over(frontier) for f in ending), np.zeros((1,) * len(frontier)))
        log_weight, mean = log_weight - beta * energy, mean + energy
        for site in [s for s in frontier if plan.last[s] <= step]:
            log_weight, mean, variance = _summed(log_weight, mean, variance, frontier.index(site))
            frontier.remove(site)
        heaviest = int(log_weight.argmax())
        top, level = float(log_weight.flat[heaviest]), float(mean.flat[heaviest])
        log_weight, mean = log_weight - top, mean - level
        scale, reference = scale + top, reference + level
    return scale, reference, float(variance)


def _summed(log_weight: Table, mean: Table, variance: Table, axis: int) -> tuple[Table, Table, Table]:
    """The same without one spin: ln Σ W, and mean and variance of the energy over its states."""
    top = log_weight.max(axis, keepdims=True)
    p = np.exp(log_weight - top)
    total = p.sum(axis, keepdims=True)
    p /= total
    between = (p * mean).sum(axis, keepdims=True)
    within = (p * (variance + (mean - between) ** 2)).sum(axis, keepdims=True)
    return (top + np.log(total)).squeeze(axis), between.squeeze(axis), within.squeeze(axis)


@dataclass(frozen=True, eq=False)
class Plan:
    """In which order the spins are visited; spins are called by their step.

    Attributes
    ----------
    ending
        The parts of the energy whose last spin is that of the step.
    last
        The last step that each spin is needed at.
    """

    ending: list[list[Factor]]
    last: NDArray[np.int64]

    @cached_property
    def width(self) -> int:
        """The most spins on the frontier, the new one among them."""
        steps = np.arange(len(self.last))
        left = np.bincount(self.last, minlength=len(steps)).cumsum()
        return int((steps + 1 - np.concatenate([[0], left[:-1]])).max(initial=0))


def plan_of(model: Any) -> Plan:
    """The better one of two orders: that of the lattice, and one of small bandwidth."""
    parts = factors(model)
    orders = (np.arange(model.sites), _narrow(parts, model.sites))
    return min((_planned(parts, np.argsort(order)) for order in orders), key=lambda plan: plan.width)


def widest(model: Any) -> int:
    """Spins on the frontier whose configurations are no more than those of WIDEST spins ±1."""
    return int(WIDEST * math.log(2) / math.log(len(model.states)) + 1e-9)


def _planned(parts: list[Factor], place: NDArray[np.int64]) -> Plan:
    ending: list[list[Factor]] = [[] for _ in place]
    last = np.arange(len(place))
    for part in (renamed(f, place) for f in parts):
        ending[part.sites[-1]].append(part)
        for site in part.sites:
            last[site] = max(last[site], part.sites[-1])
    return Plan(ending, last)


def _narrow(parts: list[Factor], sites: int) -> NDArray[np.int64]:
    """Sites in an order of small bandwidth."""
    pairs = {(i, j) for f in parts for i in f.sites for j in f.sites if i != j}
    joined = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(joined)), joined.T), shape=(sites, sites)).tocsr()
    return np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True), dtype=np.int64)
