"""What the machine could do at most: bytes moved, random bits drawn, and how near multi-spin coding is to both."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling.tables.thresholds import LEADING, PRECISION, acceptance
from lensmaker.systems.spins.sampling.walks.bit_parallel import drawn
from lensmaker.systems.spins.sampling.walks.lanes import load, store
from lensmaker.systems.spins.sampling.walks.randomness import streams


def fastest(work: Callable[[], object], repeats: int = 30) -> float:
    """Seconds of the fastest of many runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


@njit
def _triad(a, b, c, times):  # type: ignore[no-untyped-def]
    for _ in range(times):
        for i in range(len(a)):
            a[i] = b[i] ^ (c[i] << np.uint64(1))


@njit
def _draw(stream, count):  # type: ignore[no-untyped-def]
    a, b, c, d = load(stream, 0), load(stream, 1), load(stream, 2), load(stream, 3)
    total = a
    for _ in range(count):
        r, a, b, c, d = drawn(a, b, c, d)
        total = total ^ r
    store(stream, 0, total)


def bandwidth(megabytes: float) -> float:
    """Bytes per nanosecond of a(i) = b(i) ⊕ 2c(i) over three arrays of this size in all."""
    n = int(megabytes * 2**20 / 24)
    a, b, c = (np.zeros(n, np.uint64) for _ in range(3))
    times = max(1, int(2**22 / n))
    _triad(a, b, c, 1)
    return 24e-9 * n * times / fastest(lambda: _triad(a, b, c, times))


def random_bits() -> float:
    """Random bits per nanosecond of the generator alone."""
    stream = streams(0, 8).T.copy()
    _draw(stream, 10)
    return 512e-9 * 100_000 / fastest(lambda: _draw(stream, 100_000))


def bits_drawn(temperature: float, energies: np.ndarray) -> dict[str, float]:
    """Random bits for each spin update: as drawn for 512 lanes at a time, as one lane needs, as information asks for.

    `energies` are ΔH/4J + 2 = u of every spin, from −2 to 2 bonds; those with ΔH > 0 are drawn for.
    """
    u = energies
    drawn_for = np.mean(u < 2)
    lanes = 512 * drawn_for
    k = np.arange(LEADING, PRECISION)
    expected = LEADING + float((1 - (1 - 0.5 ** k.astype(float)) ** lanes).sum())
    entropy = 0.0
    for count in (0, 1):
        p = acceptance(2 / temperature, 4, count)
        entropy += float(np.mean(u == count)) * -(p * np.log2(p) + (1 - p) * np.log2(1 - p))
    return {
        "drawn": round(expected, 2),
        "needed": round(2 * float(drawn_for), 2),
        "entropy": round(float(entropy), 3),
    }


def limits(temperature: float, spins: np.ndarray, update: dict[str, float]) -> dict[str, object]:
    """The limits, and what part of them the measured times of an update (ns) reach."""
    side = len(spins)
    system = Canonical(ising(square(side)), temperature)
    near = sum(np.roll(spins, by, axis) for by in (1, -1) for axis in (0, 1))
    bits = bits_drawn(temperature, (4 - spins * near) // 2)
    generator, cached, memory = random_bits(), bandwidth(0.25), bandwidth(384)
    traffic = 2 * 64 / 512  # a site is read and written once; its neighbours are at hand
    return {
        "system": str(system.hamiltonian),
        "random_bits_per_update": bits,
        "generator_bits_per_ns": round(generator, 1),
        "bandwidth_bytes_per_ns": {"in_cache": round(cached, 1), "in_memory": round(memory, 1)},
        "bytes_per_update": traffic,
        "of_the_generator": {n: round(bits["drawn"] / t / generator, 2) for n, t in update.items()},
        "of_the_memory": {n: round(traffic / t / memory, 3) for n, t in update.items()},
    }
