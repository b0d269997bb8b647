"""Kernels that visit one site after the other, for Hamiltonians of any products."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.limits import FREE, NOTHING
from lensmaker.systems.spins.sampling.products import products
from lensmaker.systems.spins.sampling.randomness import streams, uniform
from lensmaker.systems.spins.sampling.rule import Spins, Walk
from lensmaker.systems.spins.sampling.threads import threads_of_numba


class OneByOne(Walk):
    """Chains that are moved site after site; each chain has a stream of its own."""

    def __init__(self, system: Canonical, spins: Spins, seed: int, *, heat_bath: bool) -> None:
        tables = products(system.hamiltonian)
        self._tables = (tables.of_site, tables.of_product, tables.others, tables.coefficients)
        self._beta = system.beta
        self._heat_bath = heat_bath
        self.state = {"spins": spins.copy(), "streams": streams(seed, len(spins))}

    def advance(self, sweeps: int, threads: int = 1) -> None:
        with threads_of_numba(threads):
            _advance(
                self.state["spins"],
                self.state["streams"],
                *self._tables,
                self._beta,
                sweeps,
                self._heat_bath,
            )

    def spins(self) -> Spins:
        return self.state["spins"].copy()


@njit(cache=True)
def local_field(
    spins: NDArray[np.int8],
    site: int,
    of_site: NDArray[np.int64],
    of_product: NDArray[np.int64],
    others: NDArray[np.int64],
    coefficients: NDArray[np.float64],
) -> float:
    """f_i of one configuration, (N,)."""
    field = 0.0
    for p in range(of_site[site], of_site[site + 1]):
        sign = 1
        for k in range(of_product[p], of_product[p + 1]):
            sign *= spins[others[k]]
        field += coefficients[p] * sign
    return field


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    of_site: NDArray[np.int64],
    of_product: NDArray[np.int64],
    others: NDArray[np.int64],
    coefficients: NDArray[np.float64],
    beta: float,
    sweeps: int,
    heat_bath: bool,
) -> None:
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        for _ in range(sweeps):
            for i in range(len(s)):
                gain = 2 * beta * s[i] * local_field(s, i, of_site, of_product, others, coefficients)
                if heat_bath:
                    if uniform(stream) * (1 + math.exp(min(gain, 700.0))) < 1:
                        s[i] = -s[i]
                elif gain < -NOTHING or uniform(stream) < (math.exp(-gain) if gain > NOTHING else FREE):
                    s[i] = -s[i]
