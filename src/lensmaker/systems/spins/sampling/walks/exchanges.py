"""The kernel that exchanges neighbouring spins, for Hamiltonians of any products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.products import products
from lensmaker.systems.spins.sampling.walks.one_by_one import local_field
from lensmaker.systems.spins.sampling.walks.randomness import Streams, below, uniform
from lensmaker.systems.spins.sampling.walks.streamed import StreamedWalk


class Exchanges(StreamedWalk):
    """Chains whose spins change places along the bonds of their lattice."""

    def __init__(self, system: Canonical, spins: Spins, seed: int) -> None:
        lattice = system.hamiltonian.lattice
        assert lattice is not None
        bonds, tables = np.ascontiguousarray(lattice.bonds), products(system.hamiltonian)
        super().__init__(spins, seed, bonds, *tables.flat, system.beta)

    @staticmethod
    def kernel(spins: Spins, streams: Streams, sweeps: int, *tables: Any) -> None:
        _advance(spins, streams, sweeps, *tables)


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    sweeps: int,
    bonds: NDArray[np.int64],
    of_site: NDArray[np.int64],
    of_product: NDArray[np.int64],
    others: NDArray[np.int64],
    coefficients: NDArray[np.float64],
    beta: float,
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
