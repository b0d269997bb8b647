"""What turning one spin over changes, as flat tables for kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.hamiltonian import Hamiltonian


@dataclass(frozen=True, eq=False)
class Flips:
    """y_ia(s) = Σ_p w_p s_i ∏_{j∈others(p)} s_j over the products p of coupling a that site i stands in.

    Turning s_i over changes Φ_a by −2 y_ia. A *slot* is a pair (i, a) with at least one product.

    Attributes
    ----------
    couplings
        Number of couplings A.
    of_site
        Slots of site i are of_site[i] … of_site[i+1] − 1, shape (N + 1,).
    coupling
        a of each slot, shape (S,).
    of_slot
        Products of slot t are of_slot[t] … of_slot[t+1] − 1, shape (S + 1,).
    others, count
        The other sites of each product, (P, degree − 1), and how many of the row are meant.
    weights
        w_p, shape (P,).
    """

    couplings: int
    of_site: NDArray[np.int64]
    coupling: NDArray[np.int64]
    of_slot: NDArray[np.int64]
    others: NDArray[np.int64]
    count: NDArray[np.int64]
    weights: NDArray[np.float64]

    @property
    def of_block(self) -> NDArray[np.int64]:
        """Where the (z, z) block of each site begins in the flat list of all of them, shape (N + 1,)."""
        return np.concatenate([[0], np.cumsum(np.diff(self.of_site) ** 2)])


def flips(model: Hamiltonian) -> Flips:
    """The tables of a Hamiltonian, whatever its couplings are.

    Examples
    --------
    >>> from lensmaker.systems.spins.hamiltonian import ising
    >>> from lensmaker.systems.spins.lattices import chain
    >>> table = flips(ising(chain(3, periodic=False)))
    >>> table.of_slot.tolist(), table.others[:, 0].tolist()
    ([0, 1, 3, 4], [1, 2, 0, 1])
    """
    width = max(1, model.degree - 1)
    place = {name: a for a, name in enumerate(model.names)}
    sites, couplings, counts, weights, others = [], [], [], [], []
    for term in model.terms:
        kept = np.flatnonzero(term.weights)
        for k in range(term.order):
            sites.append(term.cliques[kept, k])
            couplings.append(np.full(len(kept), place[term.name]))
            counts.append(np.full(len(kept), term.order - 1))
            weights.append(term.weights[kept])
            row = np.zeros((len(kept), width), np.int64)
            row[:, : term.order - 1] = np.delete(term.cliques[kept], k, axis=1)
            others.append(row)
    site, coupling = _joined(sites), _joined(couplings)
    rank = np.lexsort((coupling, site))
    key = site[rank] * len(place) + coupling[rank]
    slots, first = np.unique(key, return_index=True)
    return Flips(
        len(place),
        np.searchsorted(slots, np.arange(model.sites + 1) * len(place)),
        slots % len(place),
        np.append(first, len(key)),
        np.concatenate([np.zeros((0, width), np.int64), *others])[rank],
        _joined(counts)[rank],
        np.concatenate([np.zeros(0), *weights])[rank],
    )


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])
