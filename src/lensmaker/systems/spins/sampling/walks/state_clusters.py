"""Kernel of Swendsen–Wang for states: equal neighbours are joined, and each cluster draws a state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.walks.all_clusters import join
from lensmaker.systems.spins.sampling.walks.multistate_site_by_site import checked
from lensmaker.systems.spins.sampling.walks.randomness import Streams, below, uniform
from lensmaker.systems.spins.sampling.walks.streamed import StreamedWalk


class StateClusters(StreamedWalk):
    """Chains whose clusters are all put into states drawn anew in each sweep."""

    def __init__(self, system: Canonical[Multistate], spins: Spins, seed: int) -> None:
        model = system.hamiltonian
        J = (model.pair[0, 1] - model.pair[0, 0]) * model.weights
        order = np.argsort(
            model.bonds.max(1), kind="stable"
        )  # of the later site, so that memory is read in turn
        first, last = np.sort(model.bonds[order], axis=1).astype(np.int32).T.copy()
        p = -np.expm1(-system.beta * J[order])
        super().__init__(checked(model, spins), seed, first, last, p, model.q)

    @staticmethod
    def kernel(spins: Spins, streams: Streams, sweeps: int, *tables: Any) -> None:
        _advance(spins, streams, sweeps, *tables)


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    sweeps: int,
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    p: NDArray[np.float64],
    q: int,
) -> None:
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        occupied = np.empty(len(first) + 1, np.int32)
        parent = np.empty(len(s), np.int32)
        for _ in range(sweeps):
            count = 0
            for k in range(len(first)):
                occupied[count] = k
                count += (s[first[k]] == s[last[k]]) & (uniform(stream) < p[k])
            join(first, last, occupied[:count], parent)
            for i in range(len(s)):  # parents come before their children
                s[i] = below(stream, q) if parent[i] == i else s[parent[i]]
