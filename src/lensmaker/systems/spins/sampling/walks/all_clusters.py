"""Kernel of Swendsen–Wang: bonds are drawn, sites are joined by union–find, and each cluster throws a coin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins
from lensmaker.systems.spins.sampling.tables.bonds import bonds
from lensmaker.systems.spins.sampling.walks.randomness import Streams
from lensmaker.systems.spins.sampling.walks.registers import drawn
from lensmaker.systems.spins.sampling.walks.streamed import StreamedWalk


class AllClusters(StreamedWalk):
    """Chains whose clusters are all drawn anew in each sweep."""

    def __init__(self, system: Canonical, spins: Spins, seed: int) -> None:
        found = bonds(system.hamiltonian)
        limits, signs = found.limits(system.beta), found.signs
        if found.is_uniform:  # one number for all bonds stays in a register
            limits, signs = limits[:1], signs[:1]
        super().__init__(spins, seed, found.first, found.last, limits, signs)

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
    limits: NDArray[np.uint32],
    signs: NDArray[np.int8],
) -> None:
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        occupied = np.empty(len(first) + 1, np.int32)
        parent = np.empty(len(s), np.int32)
        for _ in range(sweeps):
            if len(limits) == len(first):
                count = _draw_each(s, stream, first, last, limits, signs, occupied)
            else:
                count = _draw_alike(s, stream, first, last, np.uint64(limits[0]), signs[0], occupied)
            join(first, last, occupied[:count], parent)
            _turn(s, stream, parent)


@njit(cache=True)
def _draw_alike(
    s: NDArray[np.int8],
    stream: NDArray[np.uint64],
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    limit: np.uint64,
    sign: np.int8,
    occupied: NDArray[np.int32],
) -> int:
    """The occupied bonds, two of them from one number: their numbers, without a branch; returns how many."""
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    count, k = 0, 0
    while k < len(first) - 1:
        r, a, b, c, d = drawn(a, b, c, d)
        occupied[count] = k
        count += (s[first[k]] ^ s[last[k]] ^ sign >= 0) & ((r & np.uint64(0xFFFFFFFF)) < limit)
        occupied[count] = k + 1
        count += (s[first[k + 1]] ^ s[last[k + 1]] ^ sign >= 0) & ((r >> np.uint64(32)) < limit)
        k += 2
    if k < len(first):
        r, a, b, c, d = drawn(a, b, c, d)
        occupied[count] = k
        count += (s[first[k]] ^ s[last[k]] ^ sign >= 0) & ((r >> np.uint64(32)) < limit)
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
    return count


@njit(cache=True)
def _draw_each(
    s: NDArray[np.int8],
    stream: NDArray[np.uint64],
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    limits: NDArray[np.uint32],
    signs: NDArray[np.int8],
    occupied: NDArray[np.int32],
) -> int:
    """The same where bonds differ."""
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    count = 0
    for k in range(len(first)):
        r, a, b, c, d = drawn(a, b, c, d)
        occupied[count] = k
        satisfied = s[first[k]] ^ s[last[k]] ^ signs[k] >= 0
        count += satisfied & ((r >> np.uint64(32)) < np.uint64(limits[k]))
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
    return count


@njit(cache=True)
def join(
    first: NDArray[np.int32],
    last: NDArray[np.int32],
    occupied: NDArray[np.int32],
    parent: NDArray[np.int32],
) -> None:
    """Union–find by Rem's algorithm with splicing: parent[i] ≤ i, and the root of a cluster is its first site.

    Both sites climb in turns, the one with the later parent first, and take over the other's parent on the way:
    half the time of finding both roots by path halving.
    M. M. A. Patwary, J. Blair, F. Manne, SEA 2010, Lect. Notes Comput. Sci. 6049, 411.
    """
    for i in range(len(parent)):
        parent[i] = i
    for k in occupied:
        i, j = first[k], last[k]
        while parent[i] != parent[j]:
            if parent[i] > parent[j]:
                i, j = j, i
            up = parent[j]
            parent[j] = parent[i]
            if up == j:
                break
            j = up


@njit(cache=True)
def _turn(s: NDArray[np.int8], stream: NDArray[np.uint64], parent: NDArray[np.int32]) -> None:
    """Every root throws a coin, and its cluster turns over with it.

    Parents come before their children: in one pass each site finds the coin of its root, ±1, at its parent, and
    leaves it in its own place. `parent` is used up.
    """
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    coins = np.uint64(0)
    for i in range(len(s)):
        if i & 63 == 0:
            coins, a, b, c, d = drawn(a, b, c, d)
        up = parent[i]
        coin = 1 - 2 * int((coins >> np.uint64(i & 63)) & np.uint64(1))
        parent[i] = coin if up == i else parent[up]
        s[i] *= parent[i]
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
