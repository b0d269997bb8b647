"""xoshiro256++ with its state in the registers of a kernel: the stream is read once, and written back at the end."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def drawn(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]:
    """64 random bits and the state that follows: the same numbers as `randomness.bits` of that stream."""
    total = a + d
    found = ((total << np.uint64(23)) | (total >> np.uint64(41))) + a
    c ^= a
    d ^= b
    return found, a ^ d, b ^ c, c ^ (b << np.uint64(17)), (d << np.uint64(45)) | (d >> np.uint64(19))
