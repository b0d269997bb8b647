"""Kernel of Wolff: a stack of sites whose bonds are still to be drawn."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins, State, Walk
from lensmaker.systems.spins.sampling.tables.bonds import bonds
from lensmaker.systems.spins.sampling.walks.randomness import streams
from lensmaker.systems.spins.sampling.walks.registers import drawn
from lensmaker.systems.spins.threads import threads_of_numba

_TRIAL = 10
"""Sweeps of the trial run that counts the clusters of a sweep."""


class OneCluster(Walk):
    """Chains moved by one cluster after the other; each chain has a stream of its own.

    Spins are stored as ±1 where the neighbours are at the same distances i + offsets as for most sites, and as ±2 at
    the others, whose neighbours are looked up: one load says both.

    Attributes
    ----------
    turned
        Spins that the last call of `advance` turned over, in all chains.
    """

    turned = 0

    def __init__(self, system: Canonical, spins: Spins, seed: int, clusters: int | None) -> None:
        found = bonds(system.hamiltonian)
        n = system.sites
        site = np.concatenate([found.first, found.last])
        rank = np.argsort(site, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(site, minlength=n))])
        others = np.concatenate([found.last, found.first])[rank]
        limits, signs = np.tile(found.limits(system.beta), 2)[rank], np.tile(found.signs, 2)[rank]
        offsets, regular = np.zeros(0, np.int32), np.zeros(n, np.bool_)
        if found.is_uniform and found.couplings[0] > 0:
            limits, signs = limits[:1], signs[:0]
            offsets, regular = _offsets(others, ends)
        self._tables = (offsets, ends, others, limits, signs)
        self._marks = np.where(regular, 1, 2).astype(np.int8)
        self.state: State = {
            "clusters": np.zeros(1, np.int64),
            "spins": spins * self._marks,
            "streams": streams(seed, len(spins) + 1),
        }
        self.state["clusters"][:] = clusters or self._count(n)
        self.state["streams"] = self.state["streams"][:-1].copy()

    def _count(self, n: int) -> int:
        """N over the mean size of a cluster in the second half of a trial run, which has the last stream."""
        spins, stream = self.state["spins"][:1].copy(), self.state["streams"][-1:].copy()
        clusters, turned, total = 1, 0, 0
        while total < _TRIAL * n:
            with threads_of_numba(1):
                turned = _advance(spins, stream, *self._tables, clusters)
            total, clusters = total + turned, 2 * clusters
        return max(1, round(n * (clusters // 2) / turned))

    def advance(self, sweeps: int, threads: int = 1) -> None:
        clusters = sweeps * int(self.state["clusters"][0])
        with threads_of_numba(threads):
            self.turned = _advance(self.state["spins"], self.state["streams"], *self._tables, clusters)

    def spins(self) -> Spins:
        return np.sign(self.state["spins"])

    def put(self, spins: Spins) -> None:
        self.state["spins"][...] = spins * self._marks


def _offsets(
    others: NDArray[np.int32], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The distances j − i to the neighbours of most sites, and which sites have these."""
    n, degree = len(ends) - 1, np.diff(ends)
    z = int(np.bincount(degree).argmax())
    full = np.flatnonzero(degree == z)
    if z % 2 or not z:
        return np.zeros(0, np.int32), np.zeros(n, np.bool_)
    rows = np.sort(others[ends[full][:, None] + np.arange(z)] - full[:, None].astype(np.int32), axis=1)
    offsets = np.sort(rows, axis=0)[len(rows) // 2]  # of each column apart
    regular = np.zeros(n, np.bool_)
    regular[full] = (rows == offsets).all(1)
    # the nearest in memory comes last, and so is the first to be taken from the stack
    return offsets[np.argsort(-np.abs(offsets))], regular


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    streams: NDArray[np.uint64],
    offsets: NDArray[np.int32],
    ends: NDArray[np.int64],
    others: NDArray[np.int32],
    limits: NDArray[np.uint32],
    signs: NDArray[np.int8],
    clusters: int,
) -> int:
    """So many clusters in each chain; returns how many spins were turned over."""
    turned = 0
    for chain in prange(len(spins)):
        s, stream = spins[chain], streams[chain]
        if len(signs) == 0:
            turned += _grow_alike(s, stream, offsets, ends, others, np.uint64(limits[0]), clusters)
        else:
            turned += _grow_each(s, stream, ends, others, limits, signs, clusters)
    return turned


@njit(cache=True)
def _grow_alike(
    s: NDArray[np.int8],
    stream: NDArray[np.uint64],
    offsets: NDArray[np.int32],
    ends: NDArray[np.int64],
    others: NDArray[np.int32],
    limit: np.uint64,
    clusters: int,
) -> int:
    """One J > 0: a spin is turned over when it joins, and differs from then on from those that may still join.

    Bonds are drawn without a branch, which would be mispredicted half of the time: the neighbour is always written
    on the stack, which grows only if it has joined. One number serves two bonds.
    """
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    stack = np.empty(len(s) + 1, np.int32)
    turned = 0
    for _ in range(clusters):
        r, a, b, c, d = drawn(a, b, c, d)
        seed = int(((r >> np.uint64(32)) * np.uint64(len(s))) >> np.uint64(32))
        s[seed] = -s[seed]
        stack[0] = seed
        top = 1
        while top > 0:
            top -= 1
            i = stack[top]
            own = s[i]
            turned += 1
            if -2 < own < 2:
                for k in range(0, len(offsets), 2):
                    r, a, b, c, d = drawn(a, b, c, d)
                    j = i + offsets[k]
                    joins = (s[j] ^ own < 0) & ((r & np.uint64(0xFFFFFFFF)) < limit)
                    s[j] = -s[j] if joins else s[j]
                    stack[top] = j
                    top += joins
                    j = i + offsets[k + 1]
                    joins = (s[j] ^ own < 0) & ((r >> np.uint64(32)) < limit)
                    s[j] = -s[j] if joins else s[j]
                    stack[top] = j
                    top += joins
            else:
                for q in range(ends[i], ends[i + 1]):
                    r, a, b, c, d = drawn(a, b, c, d)
                    j = others[q]
                    joins = (s[j] ^ own < 0) & ((r >> np.uint64(32)) < limit)
                    s[j] = -s[j] if joins else s[j]
                    stack[top] = j
                    top += joins
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
    return turned


@njit(cache=True)
def _grow_each(
    s: NDArray[np.int8],
    stream: NDArray[np.uint64],
    ends: NDArray[np.int64],
    others: NDArray[np.int32],
    limits: NDArray[np.uint32],
    signs: NDArray[np.int8],
    clusters: int,
) -> int:
    """Couplings of any sign and strength: with frustration two members can stand in an unsatisfied bond.

    So members are marked, ±2 → ±6, and turned over together at the end.
    """
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    members = np.empty(len(s), np.int32)
    turned = 0
    for _ in range(clusters):
        r, a, b, c, d = drawn(a, b, c, d)
        seed = int(((r >> np.uint64(32)) * np.uint64(len(s))) >> np.uint64(32))
        s[seed] *= 3
        members[0] = seed
        count, at = 1, 0
        while at < count:
            i = members[at]
            at += 1
            for q in range(ends[i], ends[i + 1]):
                r, a, b, c, d = drawn(a, b, c, d)
                j = others[q]
                satisfied = (s[j] ^ s[i] ^ signs[q] >= 0) & (-3 < s[j] < 3)
                if satisfied & ((r >> np.uint64(32)) < np.uint64(limits[q])):
                    s[j] *= 3
                    members[count] = j
                    count += 1
        for i in members[:count]:
            s[i] //= -3
        turned += count
    stream[0], stream[1], stream[2], stream[3] = a, b, c, d
    return turned
