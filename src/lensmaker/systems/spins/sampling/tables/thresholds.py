"""Acceptances as bits, of which random ones are taken."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.sampling.tables.limits import FREE

PRECISION = 64
"""Bits of an acceptance: it is rounded down by less than 2⁻⁶⁴."""

LEADING = 12
"""Bits that are drawn for in any case; of 512 lanes, all have taken one of them nine times in ten."""

STILL = 4
"""Bits that keep a lane whose turn would cost nothing, if all are set: 1 − 2⁻⁴ = 15/16 turn."""

DEGREES = 9
"""Bonds of a site, from none to eight."""


def acceptance(gain: float, bonds: int, unsatisfied: int) -> float:
    """e^(−gain(z − 2u)); 15/16 of it for u = 0 and z = 8, as the way back."""
    return math.exp(-gain * (bonds - 2 * unsatisfied)) * (FREE if (bonds, unsatisfied) == (8, 0) else 1.0)


def thresholds(gain: float) -> NDArray[np.uint64]:
    """Bits of e^(−gain(z − 2u)) for a site of z bonds of which u < z/2 are unsatisfied, (z, k, u).

    Each is a word of zeros or of ones. The leading bits are in the order of their weights, the lowest first; those
    after them are in the opposite order.

    Examples
    --------
    >>> table = thresholds(math.log(2) / 4)  # 2⁻¹ for four bonds, none of them unsatisfied
    >>> bits = table[4, :, 0] > 0
    >>> int(bits.sum()), bool(bits[LEADING - 1])
    (1, True)
    """
    found = np.zeros((DEGREES, PRECISION, 4), np.uint64)
    place = [*reversed(range(LEADING)), *range(LEADING, PRECISION)]
    for z in range(DEGREES):
        for u in range((z + 1) // 2):
            limit = min(int(acceptance(gain, z, u) * 2**PRECISION), 2**PRECISION - 1)
            for k, weight in enumerate(place):
                if limit >> (PRECISION - 1 - weight) & 1:
                    found[z, k, u] = np.uint64(2**64 - 1)
    return found
