"""The kernel that exchanges neighbouring spins, for Hamiltonians of any products."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.one_by_one import local_field
from lensmaker.systems.spins.sampling.products import products
from lensmaker.systems.spins.sampling.randomness import below, streams, uniform
from lensmaker.systems.spins.sampling.rule import Spins, Walk
from lensmaker.systems.spins.sampling.threads import threads_of_numba


class Exchanges(Walk):
    """Chains whose spins change places along the bonds of their lattice."""

    def __init__(self, system: Canonical, spins: Spins, seed: int) -> None:
        lattice = system.hamiltonian.lattice
        assert lattice is not None
        tables = products(system.hamiltonian)
        self._tables = (tables.of_site, tables.of_product, tables.others, tables.coefficients)
        self._bonds = np.ascontiguousarray(lattice.bonds)
        self._beta = system.beta
        self.state = {"spins": spins.copy(), "streams": streams(seed, len(spins))}

    def advance(self, sweeps: int, threads: int = 1) -> None:
        with threads_of_numba(threads):
            _advance(
                self.state["spins"], self.state["streams"], self._bonds, *self._tables, self._beta, sweeps
            )

    def spins(self) -> Spins:
        return self.state["spins"].copy()


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    bonds: NDArray[np.int64],
    of_site: NDArray[np.int64],
    of_product: NDArray[np.int64],
    others: NDArray[np.int64],
    coefficients: NDArray[np.float64],
    beta: float,
    sweeps: int,
) -> None:
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        for _ in range(sweeps * len(s)):
            b = below(stream, len(bonds))
            i, j = bonds[b, 0], bonds[b, 1]
            if s[i] == s[j]:
                continue
            # Two turns, the second in the field that the first one leaves: right for products that hold both.
            gain = 2 * beta * s[i] * local_field(s, i, of_site, of_product, others, coefficients)
            s[i] = -s[i]
            gain += 2 * beta * s[j] * local_field(s, j, of_site, of_product, others, coefficients)
            s[j] = -s[j]
            if gain > 0 and uniform(stream) >= math.exp(-gain):
                s[i], s[j] = -s[i], -s[j]
