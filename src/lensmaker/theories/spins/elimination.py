"""Elimination: the transfer matrix site by site, for any Hamiltonian of finite range on a strip, a ring or a tree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from lensmaker.core import InputError, Prediction, Reference, Table
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.theories.base import Theory
from lensmaker.theories.spins.thermodynamics import from_log_partition

WIDEST = 22
"""Spins on the frontier of which all configurations are held in memory."""


@dataclass(frozen=True)
class Elimination(Theory):
    """Z by summing over one spin after another.

    The spins are visited in order; the partial sums are a function of those on the frontier, which still meet
    spins to come. Each product e^(βJw∏s) is multiplied in at its last spin, and a spin is summed over at its
    last product. Z and its first two derivatives by β go along, about a running mean of the energy, so that no
    digits are lost to large energies. The cost is N·2^w for a frontier of w spins: a strip of width w, twice that
    where it closes on itself along its length.

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
    assumptions = (f"no more than {WIDEST} spins are on the frontier at a time",)
    references = (
        Reference(
            "kramers1941",
            "H. A. Kramers, G. H. Wannier",
            "Statistics of the two-dimensional ferromagnet, part I",
            1941,
            "Phys. Rev. 60, 252",
        ),
        Reference(
            "bertele1972", "U. Bertelè, F. Brioschi", "Nonserial dynamic programming", 1972, "Academic Press"
        ),
    )

    def predict(self, system: Canonical) -> Table[Prediction]:
        return Table(self.prediction(n, system.where, v) for n, v in _quantities(system))


def _quantities(system: Canonical) -> Iterator[tuple[str, float]]:
    log_z, mean, variance = eliminate(system)
    return from_log_partition(log_z, -mean, variance, system.beta, system.sites)


def eliminate(system: Canonical) -> tuple[float, float, float]:
    """Values of ln Z, ⟨H⟩ and ⟨H²⟩ − ⟨H⟩².

    Raises
    ------
    InputError
        If the frontier is too wide.
    """
    h, beta = system.hamiltonian, system.beta
    order = min((_natural(h), _narrow(h)), key=lambda o: _width(h, o))
    if (width := _width(h, order)) > WIDEST:
        raise InputError(
            f"a frontier of at most {WIDEST} spins", f"one of {width}", "use a narrower strip, or samples"
        )
    place = np.argsort(order)
    ending, last = _schedule(h, place)
    frontier: list[int] = []
    sums = [np.ones(()), np.zeros(()), np.zeros(())]  # Σ W, Σ W (E − U), Σ W (E − U)²
    scale = reference = 0.0
    for step in range(h.sites):
        frontier.append(step)
        sums = [np.stack([a, a], -1) for a in sums]
        energy = _energy(ending[step], frontier)
        least = float(energy.min())
        sums = _multiplied(sums, energy, beta, least)
        for site in [s for s in frontier if last[s] <= step]:
            sums = [a.sum(frontier.index(site)) for a in sums]
            frontier.remove(site)
        total = float(sums[0].sum())
        shift = float(sums[1].sum()) / total
        a, b, c = (x / total for x in sums)
        sums = [a, b - shift * a, c - 2 * shift * b + shift**2 * a]
        scale, reference = scale + math.log(total) - beta * least, reference + shift
    return scale, reference + float(sums[1]), float(sums[2] - sums[1] ** 2)


def _multiplied(
    sums: list[NDArray[np.float64]], energy: NDArray[np.float64], beta: float, least: float
) -> list[NDArray[np.float64]]:
    """The sums with one more part of the energy, over e^(−β least)."""
    a, b, c = sums
    factor = np.exp(-beta * (energy - least))
    return [a * factor, (b + energy * a) * factor, (c + 2 * energy * b + energy**2 * a) * factor]


def _energy(products: list[tuple[tuple[int, ...], float]], frontier: list[int]) -> NDArray[np.float64]:
    """−Σ J w ∏ s of products of spins on the frontier."""
    spin = np.array([1.0, -1.0])
    total = np.zeros((1,) * len(frontier))
    for sites, value in products:
        part = np.full((1,) * len(frontier), -value)
        for site in sites:
            part = part * spin.reshape([2 if s == site else 1 for s in frontier])
        total = total + part
    return total


def _schedule(
    h: Hamiltonian, place: NDArray[np.int64]
) -> tuple[list[list[tuple[tuple[int, ...], float]]], NDArray[np.int64]]:
    """The products that end at each step, and the last step that each spin is needed at; spins by their step."""
    ending: list[list[tuple[tuple[int, ...], float]]] = [[] for _ in range(h.sites)]
    last = np.arange(h.sites)
    for term in h.terms:
        for sites, weight in zip(place[term.cliques], term.weights.tolist(), strict=True):
            end = int(sites.max())
            ending[end].append((tuple(sites.tolist()), h.couplings[term.name] * weight))
            last[sites] = np.maximum(last[sites], end)
    return ending, last


def _width(h: Hamiltonian, order: NDArray[np.int64]) -> int:
    """The most spins on the frontier."""
    _, last = _schedule(h, np.argsort(order))
    return int(max((np.arange(step + 1) <= step)[last[: step + 1] >= step].sum() for step in range(h.sites)))


def _natural(h: Hamiltonian) -> NDArray[np.int64]:
    return np.arange(h.sites)


def _narrow(h: Hamiltonian) -> NDArray[np.int64]:
    """Sites in an order of small bandwidth."""
    pairs = [
        term.cliques[:, [a, b]]
        for term in h.terms
        for a in range(term.order)
        for b in range(term.order)
        if a != b
    ]
    joined = np.concatenate(pairs) if pairs else np.zeros((0, 2), np.int64)
    graph = coo_matrix((np.ones(len(joined)), joined.T), shape=(h.sites, h.sites)).tocsr()
    return np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True), dtype=np.int64)
