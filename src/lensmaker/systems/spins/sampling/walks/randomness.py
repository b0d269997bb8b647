"""Random numbers inside of kernels: xoshiro256++, a stream of its own for each chain."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Streams = NDArray[np.uint64]
"""State of each stream, (streams, 4)."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ over the golden ratio, odd."""


def streams(seed: int, count: int) -> Streams:
    """So many independent streams of one seed: splitmix64 of a counter that starts where SeedSequence says.

    SeedSequence alone is made for few numbers: all of them are hashes of the same four words of 32 bits.

    Examples
    --------
    >>> streams(0, 2).shape, bool((streams(0, 2) == streams(0, 3)[:2]).all())
    ((2, 4), True)
    """
    (start,) = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return mixed(start + GOLDEN * np.arange(1, 4 * count + 1, dtype=np.uint64)).reshape(count, 4)


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The output of splitmix64 for each state of its counter, which goes on by GOLDEN."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


@njit(cache=True)
def bits(stream: NDArray[np.uint64]) -> np.uint64:
    """64 random bits; moves the stream, shape (4,).

    D. Blackman, S. Vigna, ACM Trans. Math. Softw. 47, 36 (2021).
    """
    a, b, c, d = stream[0], stream[1], stream[2], stream[3]
    total = a + d
    found = ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
    c ^= a
    d ^= b
    stream[0], stream[1], stream[2] = a ^ d, b ^ c, c ^ (b << np.uint64(17))
    stream[3] = (d << np.uint64(45)) | (d >> np.uint64(19))
    return found


@njit(cache=True)
def uniform(stream: NDArray[np.uint64]) -> float:
    """Uniform in [0, 1): 53 random bits."""
    return float(bits(stream) >> np.uint64(11)) * 2.0**-53


@njit(cache=True)
def below(stream: NDArray[np.uint64], limit: int) -> int:
    """Uniform in 0 … limit − 1, for limits to 2³²; off by less than 2⁻³² of itself."""
    return int(((bits(stream) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))
