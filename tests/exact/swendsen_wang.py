"""Swendsen and Wang's clusters for an Ising lattice, all chains at once, as short as it goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from lensmaker.systems.spins.lattices import Lattice


def swendsen_wang(
    lattice: Lattice, K: float, chains: int, steps: int, rng: np.random.Generator
) -> NDArray[np.int8]:
    """Configurations after so many steps from all spins up, (chains, N)."""
    n = lattice.sites
    spins = np.ones(chains * n, np.int8)
    bonds = (lattice.bonds[None] + n * np.arange(chains)[:, None, None]).reshape(-1, 2)
    for _ in range(steps):
        alike = spins[bonds[:, 0]] == spins[bonds[:, 1]]
        joined = bonds[alike & (rng.random(len(bonds)) < 1 - np.exp(-2 * K))]
        graph = csr_matrix((np.ones(len(joined), np.int8), joined.T), shape=(len(spins),) * 2)
        clusters, label = connected_components(graph, directed=False)
        spins *= rng.choice(np.array([-1, 1], np.int8), clusters)[label]
    return spins.reshape(chains, n)
