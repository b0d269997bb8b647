"""Kernel of the checkerboard: short loops over bytes in rows, which compilers turn into vector instructions."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Spins, State, Walk
from lensmaker.systems.spins.sampling.tables.limits import limits
from lensmaker.systems.spins.sampling.tables.rows import rows
from lensmaker.systems.spins.sampling.walks.randomness import GOLDEN, mixed, streams, uniform
from lensmaker.systems.spins.threads import threads_of_numba

_LANES = 32
"""Streams side by side, for vector instructions."""
_BAND = 1 << 15
"""Sites of one colour that have streams of their own: what threads share out."""
_BLOCK = 1 << 11
"""Sites that are decided on at a time; what is kept of them stays in the first cache."""


class ByColour(Walk):
    """Chains whose colours are moved in turns; each band of lines of each chain has streams of its own."""

    def __init__(self, system: Canonical, spins: Spins, seed: int) -> None:
        self._rows, table = rows(system.hamiltonian.lattice), limits(system)
        _, lines, n = self._rows.sites.shape
        bands = min(lines, max(1, lines * n // _BAND))
        of_band: NDArray[np.int64] = np.arange(bands + 1) * lines // bands
        self._tables = (self._rows.shift, self._rows.beside, self._rows.closed, of_band)
        self._limits = (table.offset, table.keys, table.whole, table.fractions)
        drawn = streams(seed, 2 * len(spins) * bands).reshape(len(spins), bands, 2, 4)
        self.state: State = {
            "spins": self._rows.packed(spins),
            "lanes": _lanes(drawn[:, :, 0, 0]),
            "ties": drawn[:, :, 1].copy(),
        }

    def advance(self, sweeps: int, threads: int = 1) -> None:
        spins, lanes, ties = self.state["spins"], self.state["lanes"], self.state["ties"]
        (shift, beside, closed, of_band), (offset, keys, whole, fractions) = self._tables, self._limits
        with threads_of_numba(threads):
            _advance(
                spins, lanes, ties, shift, beside, closed, of_band, offset, keys, whole, fractions, sweeps
            )

    def spins(self) -> Spins:
        return self._rows.unpacked(self.state["spins"])

    def put(self, spins: Spins) -> None:
        self.state["spins"][...] = self._rows.packed(spins)


def _lanes(seeds: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """States of the lanes from one number each, (…) → (…, 4, _LANES), by splitmix64, as xoshiro's authors advise."""
    counter = GOLDEN * np.arange(1, 4 * _LANES + 1, dtype=np.uint64).reshape(4, _LANES)
    return mixed(seeds[..., None, None] + counter)


@njit(cache=True, parallel=True)
def _advance(
    spins: NDArray[np.int8],
    lanes: NDArray[np.uint64],
    ties: NDArray[np.uint64],
    shift: NDArray[np.int64],
    beside: NDArray[np.int64],
    closed: bool,
    of_band: NDArray[np.int64],
    offset: int,
    keys: NDArray[np.int8],
    whole: NDArray[np.uint16],
    fractions: NDArray[np.float64],
    sweeps: int,
) -> None:
    """Threads share out chains where these are small, else the bands of one colour."""
    bands = len(of_band) - 1
    if bands == 1:
        for chain in prange(len(spins)):
            for half in range(2 * sweeps):
                _half(
                    spins[chain], half & 1, lanes[chain, 0], ties[chain, 0], shift, beside, closed,
                    0, of_band[1], offset, keys, whole, fractions,
                )  # fmt: skip
    else:
        for half in range(2 * sweeps):
            for job in prange(len(spins) * bands):
                chain, band = job // bands, job % bands
                _half(
                    spins[chain], half & 1, lanes[chain, band], ties[chain, band], shift, beside, closed,
                    of_band[band], of_band[band + 1], offset, keys, whole, fractions,
                )  # fmt: skip


@njit(cache=True)
def _half(
    spins: NDArray[np.int8],
    colour: int,
    lanes: NDArray[np.uint64],
    ties: NDArray[np.uint64],
    shift: NDArray[np.int64],
    beside: NDArray[np.int64],
    closed: bool,
    first: int,
    last: int,
    offset: int,
    keys: NDArray[np.int8],
    whole: NDArray[np.uint16],
    fractions: NDArray[np.float64],
) -> None:
    """Lines first … last − 1 of one colour, as many at a time as make a block."""
    own, other = spins[colour], spins[1 - colour]
    n = own.shape[1] - 2
    block = max(1, _BLOCK // n)
    numbers = np.empty((block * n + 4 * _LANES - 1) // (4 * _LANES) * _LANES, np.uint64)
    key, limit, turn = (
        np.empty(block * n, np.int8),
        np.empty(block * n, np.uint16),
        np.empty(block * n, np.int8),
    )
    for start in range(first, last, block):
        stop = min(last, start + block)
        for line in range(start, stop):
            at, near = (line - start) * n, other[line, shift[colour, line] :]
            out, s, lines = key[at : at + n], own[line, 1 : n + 1], beside[colour, line]
            _key(
                s, near[:n], near[1 : n + 1], other[lines[0], 1 : n + 1], other[lines[1], 1 : n + 1],
                np.int8(offset), out,
            )  # fmt: skip
            for pair in range(2, len(lines), 2):
                _add(s, other[lines[pair], 1 : n + 1], other[lines[pair + 1], 1 : n + 1], out)
        used = (stop - start) * n
        _fill(lanes, numbers[: (used + 4 * _LANES - 1) // (4 * _LANES) * _LANES])
        u = numbers.view(np.uint16)[:used]
        limit[:used] = 0
        for k in range(len(keys)):
            _choose(key[:used], keys[k], whole[k], limit[:used])
        if _decide(u, limit[:used], turn):
            _settle(u, limit[:used], key, keys, fractions, ties, turn)
        for line in range(start, stop):
            at = (line - start) * n
            _turn(own[line, 1 : n + 1], turn[at : at + n])
            if closed:
                own[line, 0], own[line, n + 1] = own[line, n], own[line, 1]


@njit(cache=True)
def _fill(lanes: NDArray[np.uint64], numbers: NDArray[np.uint64]) -> None:
    """A multiple of _LANES random numbers, by xoshiro256++ in each lane, (4, _LANES)."""
    a, b, c, d = lanes[0], lanes[1], lanes[2], lanes[3]
    for start in range(0, len(numbers), _LANES):
        out = numbers[start : start + _LANES]
        for i in range(_LANES):
            w, x, y, z = a[i], b[i], c[i], d[i]
            total = w + z
            out[i] = ((total << np.uint64(23)) | (total >> np.uint64(41))) + w
            y ^= w
            z ^= x
            a[i], b[i], c[i] = w ^ z, x ^ y, y ^ (x << np.uint64(17))
            d[i] = (z << np.uint64(45)) | (z >> np.uint64(19))


@njit(cache=True)
def _key(
    s: NDArray[np.int8],
    left: NDArray[np.int8],
    right: NDArray[np.int8],
    up: NDArray[np.int8],
    down: NDArray[np.int8],
    offset: np.int8,
    key: NDArray[np.int8],
) -> None:
    for k in range(len(key)):
        key[k] = s[k] * (left[k] + right[k] + up[k] + down[k] + offset)


@njit(cache=True)
def _add(s: NDArray[np.int8], up: NDArray[np.int8], down: NDArray[np.int8], key: NDArray[np.int8]) -> None:
    for k in range(len(key)):
        key[k] += s[k] * (up[k] + down[k])


@njit(cache=True)
def _choose(key: NDArray[np.int8], wanted: np.int8, whole: np.uint16, limit: NDArray[np.uint16]) -> None:
    for k in range(len(key)):
        limit[k] += whole if key[k] == wanted else np.uint16(0)


@njit(cache=True)
def _decide(u: NDArray[np.uint16], limit: NDArray[np.uint16], turn: NDArray[np.int8]) -> bool:
    """−1 for what turns, all but the numbers below their limit; whether any number is equal to it."""
    for k in range(len(u)):
        turn[k] = 2 * (u[k] < limit[k]) - 1
    nearest = np.uint16(0xFFFF)
    for k in range(len(u)):
        nearest = min(nearest, np.uint16(u[k] ^ limit[k]))
    return nearest == 0


@njit(cache=True)
def _settle(
    u: NDArray[np.uint16],
    limit: NDArray[np.uint16],
    key: NDArray[np.int8],
    keys: NDArray[np.int8],
    fractions: NDArray[np.float64],
    ties: NDArray[np.uint64],
    turn: NDArray[np.int8],
) -> None:
    """Some of the spins whose number is equal to the limit stay after all."""
    for k in range(len(u)):
        if u[k] == limit[k]:
            for level in range(len(keys)):
                if key[k] == keys[level] and uniform(ties) < fractions[level]:
                    turn[k] = 1


@njit(cache=True)
def _turn(s: NDArray[np.int8], turn: NDArray[np.int8]) -> None:
    for k in range(len(s)):
        s[k] *= turn[k]
