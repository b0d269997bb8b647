"""Pairs of coupled spins, for rules that join them to clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian


@dataclass(frozen=True, eq=False)
class Bonds:
    """The pairs of H = −Σ_b J_b s_i s_j with J_b ≠ 0, in the order of their later site.

    Attributes
    ----------
    first, last
        The two sites i < j of each, shape (B,).
    couplings
        J_b, shape (B,).
    """

    first: NDArray[np.int32]
    last: NDArray[np.int32]
    couplings: NDArray[np.float64]

    @property
    def signs(self) -> NDArray[np.int8]:
        """0 where the spins of a bond want to be equal, −1 where opposite: s_i ^ s_j ^ sign ≥ 0 if they are so."""
        return -(self.couplings < 0).astype(np.int8)

    def limits(self, beta: float) -> NDArray[np.uint32]:
        """2³² (1 − e^(−2β|J|)), rounded: a satisfied bond joins its sites if 32 random bits are below."""
        p = -np.expm1(-2 * beta * np.abs(self.couplings))
        return np.minimum(np.rint(p * 2.0**32), 2.0**32 - 1).astype(np.uint32)

    @property
    def is_uniform(self) -> bool:
        """Whether there is one J for all."""
        return len(self.couplings) > 0 and bool((self.couplings == self.couplings[0]).all())


def bonds(hamiltonian: Hamiltonian) -> Bonds:
    """Its pairs; sites that are joined twice have two bonds.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> found = bonds(ising(chain(4)))
    >>> found.first.tolist(), found.last.tolist()
    ([0, 1, 0, 2], [1, 2, 3, 3])
    """
    pairs = [t for t in hamiltonian.terms if t.order == 2]
    cliques = np.sort(np.concatenate([np.zeros((0, 2), np.int64), *(t.cliques for t in pairs)]), axis=1)
    couplings = np.concatenate([np.zeros(0), *(hamiltonian.couplings[t.name] * t.weights for t in pairs)])
    rank = np.lexsort(cliques.T)
    rank = rank[couplings[rank] != 0]
    ordered = cliques[rank].astype(np.int32)
    return Bonds(ordered[:, 0].copy(), ordered[:, 1].copy(), couplings[rank])


def no_clusters(system: Canonical) -> str:
    """Why its spins cannot be turned over by clusters; empty where they can."""
    h = system.hamiltonian
    orders = {t.order for t in h.terms if h.couplings[t.name] != 0 and t.weights.any()}
    if 1 in orders:
        return "a field, against which clusters of spins would have to turn"
    if orders - {2}:
        return f"products of {max(orders)} spins, which no bond between two of them can stand for"
    return ""
