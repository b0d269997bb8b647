"""Kernels that move one site in 512 lanes at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian
from lensmaker.systems.spins.sampling.rule import Spins, Walk
from lensmaker.systems.spins.sampling.tables.equal_pairs import Pairs
from lensmaker.systems.spins.sampling.tables.packing import Packing, Words, packing
from lensmaker.systems.spins.sampling.tables.thresholds import LEADING, PRECISION, STILL, thresholds
from lensmaker.systems.spins.sampling.walks.lane_steps import across, lane_steps
from lensmaker.systems.spins.sampling.walks.lane_sums import spins_up, unsatisfied
from lensmaker.systems.spins.sampling.walks.lanes import WORDS, load, some, spread, store
from lensmaker.systems.spins.sampling.walks.randomness import streams
from lensmaker.systems.spins.threads import threads_of_numba

_STRIP = 256
"""Sites of a class that a thread moves by one stream."""


class BitParallel(Walk):
    """Chains in 512 lanes of bits, each lane with random bits of its own.

    Attributes
    ----------
    packing
        Which chain and which site each bit is.
    """

    def __init__(
        self, system: Canonical, pairs: Pairs, spins: Spins, seed: int, layout: Packing | None = None
    ) -> None:
        self.packing = layout or packing(pairs, len(spins))
        self._hamiltonian = system.hamiltonian
        self._chains = len(spins)
        self._strength = pairs.strength
        table = self.packing
        self._tables = (
            table.near,
            table.step,
            np.where(table.negative, ~np.uint64(0), np.uint64(0)),
            (table.near >= 0).sum(1),
            lane_steps(table.blocks),
            thresholds(2 * system.beta * pairs.strength),
        )
        self._bonds = len(pairs.ends)
        self._parts = _parts(table.classes)
        packed = table.packed(spins)
        groups, strips = len(packed), self._parts.shape[1] - 1
        self.state = {
            "spins": packed,
            "streams": streams(seed, groups * strips * 8).reshape(groups, strips, 8, 4).swapaxes(2, 3).copy(),
        }

    def advance(self, sweeps: int, threads: int = 1) -> None:
        with threads_of_numba(threads):
            self.state.update({name: np.ascontiguousarray(value) for name, value in self.state.items()})
            spins, random = (self.state[name] for name in ("spins", "streams"))
            groups = len(random)
            work = _sweeps if threads == 1 else _groups_at_once if groups >= threads else _strips_at_once
            rows = spins.reshape(-1, WORDS), random.reshape(-1, WORDS)
            work(*rows, groups, self._parts, *self._tables, sweeps)

    def spins(self) -> Spins:
        return self.packing.unpacked(self.state["spins"], self._chains)

    def put(self, spins: Spins) -> None:
        self.state["spins"][...] = self.packing.packed(spins)

    def magnetisations(self) -> NDArray[np.int64]:
        up = self._counted(lambda spins, digits: spins_up(spins, digits), self.packing.sites)
        return 2 * up - self.packing.site_of.size

    def energies(self, hamiltonian: Hamiltonian) -> NDArray[np.float64]:
        if hamiltonian is not self._hamiltonian:
            return super().energies(hamiltonian)
        near, step, sign, _, steps, _ = self._tables
        bonds = self._counted(
            lambda spins, digits: unsatisfied(spins, near, step, sign, steps, self.packing.first, digits),
            int(self.packing.first.sum()),
        )
        return np.asarray(self._strength * (2.0 * bonds - self._bonds), np.float64)

    def _counted(self, work: Callable[[Words, Words], None], most: int) -> NDArray[np.int64]:
        """What is counted in the lanes of each chain, up to `most` in one of them."""
        found = []
        for group in self.state["spins"]:
            digits = np.zeros((max(4, most.bit_length()), WORDS), np.uint64)
            work(group, digits)
            weights = 1 << np.arange(len(digits))
            lanes = weights @ self.packing.lanes(digits).astype(np.int64)
            found.append(lanes.reshape(self.packing.chains, -1).sum(1))
        return np.concatenate(found)[: self._chains]


def _parts(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each class in as many strips of about as many sites, (classes, strips + 1)."""
    smallest = int(np.diff(classes).min())
    strips = min(max(smallest // _STRIP, 1), 16)
    return np.stack([np.linspace(a, b, strips + 1).astype(np.int64) for a, b in pairwise(classes)])


@njit(cache=True)
def rotated(x, count):  # type: ignore[no-untyped-def]
    """Each word turned to the left."""
    return (x << np.uint64(count)) | (x >> np.uint64(64 - count))


@njit(cache=True)
def drawn(a, b, c, d):  # type: ignore[no-untyped-def]
    """512 random bits, by eight streams of `randomness.bits`, and the next state of these."""
    found = rotated(a + d, 23) + a
    e = b << np.uint64(17)
    c = c ^ a
    d = d ^ b
    return found, a ^ d, b ^ c, c ^ e, rotated(d, 45)


@njit(cache=True)
def _move(  # type: ignore[no-untyped-def]
    spins, random, base, own, start, stop, near, step, sign, degree, steps, limits
) -> None:
    """A strip of sites: each lane is turned over with probability L_u = min(1, e^(−2βJ(z − 2u))), u bonds unsatisfied.

    u is counted in three bits, the highest of which stays set once it is. A lane takes bit k of L_u = Σ 2^(−k) L_uk
    with probability 2^(−k): that of the first random bit that is set. The leading ones are gone through from the last
    to the first, each one that is set overwriting what was taken before; then the few lanes with none of them go on
    until all have one. L_{z/2} is 15/16, and so is L_8 for z = 8, which the three bits take for 4. Rows `base` of the
    spins and `own` of the random numbers are the strip's first.
    """
    a, b, c, d = load(random, own), load(random, own + 1), load(random, own + 2), load(random, own + 3)
    none = spread(np.uint64(0))
    for i in range(start, stop):
        s = load(spins, base + i)
        u0, u1, u2 = none, none, none
        z = degree[i]
        for k in range(z):
            x = s ^ across(spins, base + near[i, k], step[i, k], steps) ^ spread(sign[i, k])
            carry = u0 & x
            u0 = u0 ^ x
            u2 = u2 | (u1 & carry)
            u1 = u1 ^ carry
        half = (z + 1) // 2
        free = u2
        if half == 3:
            free = free | (u0 & u1)
        if half <= 2:
            free = free | u1
        if half <= 1:
            free = free | u0
        if half == 0:
            free = ~none
        decided, still = free, ~none
        t0, t1, t2, t3 = none, none, none, none
        if half <= 2:
            for k in range(LEADING):
                r, a, b, c, d = drawn(a, b, c, d)
                t0 = chosen(r, limits[z, k, 0], t0)
                t1 = chosen(r, limits[z, k, 1], t1)
                decided = decided | r
                if k < STILL:
                    still = still & r
        else:
            for k in range(LEADING):
                r, a, b, c, d = drawn(a, b, c, d)
                t0 = chosen(r, limits[z, k, 0], t0)
                t1 = chosen(r, limits[z, k, 1], t1)
                t2 = chosen(r, limits[z, k, 2], t2)
                t3 = chosen(r, limits[z, k, 3], t3)
                decided = decided | r
                if k < STILL:
                    still = still & r
        for k in range(LEADING, PRECISION):
            if not some(~decided):
                break
            r, a, b, c, d = drawn(a, b, c, d)
            r = r & ~decided
            t0 = chosen(r, limits[z, k, 0], t0)
            t1 = chosen(r, limits[z, k, 1], t1)
            t2 = chosen(r, limits[z, k, 2], t2)
            t3 = chosen(r, limits[z, k, 3], t3)
            decided = decided | r
        if 2 * half == z:  # lanes that lose nothing have used no random bits: four that are set keep them
            still = still & (u0 if half & 1 else ~u0) & (u1 if half & 2 else ~u1) & (u2 if half & 4 else ~u2)
        else:
            still = none
        low, high = (u0 & t1) | (~u0 & t0), (u0 & t3) | (~u0 & t2)
        store(spins, base + i, s ^ ((free | (u1 & high) | (~u1 & low)) & ~still))
    store(random, own, a)
    store(random, own + 1, b)
    store(random, own + 2, c)
    store(random, own + 3, d)


@njit(cache=True)
def chosen(where, word, others):  # type: ignore[no-untyped-def]
    """The same word in the lanes that are set, and what was there in all others."""
    return (where & spread(word)) | (~where & others)


@njit(cache=True)
def _of_group(  # type: ignore[no-untyped-def]
    g, spins, random, parts, near, step, sign, degree, steps, limits, sweeps
) -> None:
    n, strips = len(near), parts.shape[1] - 1
    for _ in range(sweeps):
        for k in range(len(parts)):
            for p in range(strips):
                start, stop = parts[k, p], parts[k, p + 1]
                own = 4 * (g * strips + p)
                _move(spins, random, g * n, own, start, stop, near, step, sign, degree, steps, limits)


@njit(cache=True)
def _sweeps(  # type: ignore[no-untyped-def]
    spins, random, groups, parts, near, step, sign, degree, steps, limits, sweeps
) -> None:
    for g in range(groups):
        _of_group(g, spins, random, parts, near, step, sign, degree, steps, limits, sweeps)


@njit(cache=True, parallel=True)
def _groups_at_once(  # type: ignore[no-untyped-def]
    spins, random, groups, parts, near, step, sign, degree, steps, limits, sweeps
) -> None:
    for g in prange(groups):
        _of_group(g, spins, random, parts, near, step, sign, degree, steps, limits, sweeps)


@njit(cache=True, parallel=True)
def _strips_at_once(  # type: ignore[no-untyped-def]
    spins, random, groups, parts, near, step, sign, degree, steps, limits, sweeps
) -> None:
    n, strips = len(near), parts.shape[1] - 1
    for g in range(groups):
        for _ in range(sweeps):
            for k in range(len(parts)):
                for p in prange(strips):
                    start, stop = parts[k, p], parts[k, p + 1]
                    own = 4 * (g * strips + p)
                    _move(spins, random, g * n, own, start, stop, near, step, sign, degree, steps, limits)
