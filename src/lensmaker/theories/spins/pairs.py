"""A Hamiltonian of fields and pairs, as arrays."""

from __future__ import annotations

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
    """The pairs of a Hamiltonian; None where more than two spins interact."""
    if any(t.order > 2 for t in h.terms if h.couplings[t.name]):
        return None
    i, j = np.nonzero(np.triu(h.matrix, 1))
    return Pairs(h.sites, i, j, h.matrix[i, j], h.field.copy())
