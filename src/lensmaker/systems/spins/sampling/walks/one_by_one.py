"""Kernels that visit one site after the other, for Hamiltonians of any products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.limits import FREE, NOTHING
from lensmaker.systems.spins.sampling.tables.products import products
from lensmaker.systems.spins.sampling.walks.randomness import Streams, uniform
from lensmaker.systems.spins.sampling.walks.streamed import StreamedWalk


class OneByOne(StreamedWalk):
    """Chains that are moved site after site."""

    def __init__(self, system: Canonical, spins: Spins, seed: int, *, heat_bath: bool) -> None:
        tables = products(system.hamiltonian)
        super().__init__(spins, seed, *tables.flat, system.beta, heat_bath)

    @staticmethod
    def kernel(spins: Spins, streams: Streams, sweeps: int, *tables: Any) -> None:
        _advance(spins, streams, sweeps, *tables)


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
    sweeps: int,
    of_site: NDArray[np.int64],
    of_product: NDArray[np.int64],
    others: NDArray[np.int64],
    coefficients: NDArray[np.float64],
    beta: float,
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
