"""A Hamiltonian of fields and pairs, as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from lensmaker.systems.spins.hamiltonian import Hamiltonian


@dataclass(frozen=True, eq=False)
class Pairs:
    """J_b of bonds between two sites each, no two bonds alike, and h_i."""

    sites: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    coupling: NDArray[np.float64]
    field: NDArray[np.float64]

    @cached_property
    def is_forest(self) -> bool:
        """Whether no bonds close to a loop."""
        bonds = coo_matrix((np.ones(len(self.first)), (self.first, self.last)), shape=(self.sites,) * 2)
        parts, _ = connected_components(bonds, directed=False)
        return len(self.first) == self.sites - parts


def pairs_of(h: Hamiltonian) -> Pairs | None:
    """The pairs of a Hamiltonian, those that cancel left out; None where more than two spins interact."""
    live = [t for t in h.terms if h.couplings[t.name] and t.weights.any()]
    if any(t.order > 2 for t in live):
        return None
    bonds = [(t.cliques, h.couplings[t.name] * t.weights) for t in live if t.order == 2]
    first, last, coupling = _summed(bonds, h.sites)
    return Pairs(h.sites, first, last, coupling, h.field.copy())


def neighbour_coupling(h: Hamiltonian) -> tuple[float, str]:
    """J of H = −J Σ_bonds s s′ on the bonds of its lattice, and why it is none such ("" where it is)."""
    pairs = pairs_of(h)
    if h.lattice is None:
        return math.nan, "it has no lattice"
    if pairs is None or not len(pairs.coupling):
        return math.nan, "its couplings are not those of neighbours alone"
    first, last, times = _summed([(h.lattice.bonds, np.ones(len(h.lattice.bonds)))], h.sites)
    if not (np.array_equal(first, pairs.first) and np.array_equal(last, pairs.last)):
        return math.nan, "its couplings are not those of neighbours alone"
    J = pairs.coupling / times
    if not np.allclose(J, J[0], rtol=1e-12, atol=0.0) or pairs.field.any():
        return math.nan, "there is a field, or the couplings differ"
    return float(J[0]), ""


def _summed(
    bonds: list[tuple[NDArray[np.int64], NDArray[np.float64]]], sites: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Sites, the lesser first, and weight of each pair, once each and in order."""
    pairs = np.concatenate([np.sort(c, 1) for c, _ in bonds] or [np.zeros((0, 2), np.int64)])
    weights = np.concatenate([w for _, w in bonds] or [np.zeros(0)])
    number, place = np.unique(pairs[:, 0] * sites + pairs[:, 1], return_inverse=True)
    total = np.bincount(place.reshape(-1), weights, minlength=len(number)).astype(np.float64)
    kept = total != 0
    return number[kept] // sites, number[kept] % sites, total[kept]
