"""Spins and bonds counted in every lane, without unpacking them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from lensmaker.systems.spins.sampling.walks.lane_steps import across
from lensmaker.systems.spins.sampling.walks.lanes import load, some, spread, store

Words = NDArray[np.uint64]


@njit(cache=True)
def spins_up(spins, digits) -> None:  # type: ignore[no-untyped-def]
    """Add the set bits of rows (n, 8) to the lanes' binary numbers, (digits, 8)."""
    none = spread(np.uint64(0))
    c0, c1, c2, c3 = none, none, none, none
    for i in range(len(spins)):
        c0, c1, c2, c3 = _one_more(load(spins, i), c0, c1, c2, c3)
        if i % 15 == 14:
            _add(digits, c0, c1, c2, c3)
            c0, c1, c2, c3 = none, none, none, none
    _add(digits, c0, c1, c2, c3)


@njit(cache=True)
def unsatisfied(spins, near, step, sign, steps, first, digits) -> None:  # type: ignore[no-untyped-def]
    """Add the bonds that are not satisfied, each counted at its first end."""
    none = spread(np.uint64(0))
    c0, c1, c2, c3 = none, none, none, none
    counted = 0
    for i in range(len(spins)):
        s = load(spins, i)
        for k in range(near.shape[1]):
            if first[i, k]:
                x = s ^ across(spins, near[i, k], step[i, k], steps) ^ spread(sign[i, k])
                c0, c1, c2, c3 = _one_more(x, c0, c1, c2, c3)
                counted += 1
                if counted == 15:
                    _add(digits, c0, c1, c2, c3)
                    c0, c1, c2, c3 = none, none, none, none
                    counted = 0
    _add(digits, c0, c1, c2, c3)


@njit(cache=True)
def _one_more(x, c0, c1, c2, c3):  # type: ignore[no-untyped-def]
    """A number of four digits and a bit."""
    x1 = c0 & x
    x2 = c1 & x1
    x3 = c2 & x2
    return c0 ^ x, c1 ^ x1, c2 ^ x2, c3 ^ x3


@njit(cache=True)
def _add(digits, c0, c1, c2, c3) -> None:  # type: ignore[no-untyped-def]
    """Add numbers of four digits."""
    none = spread(np.uint64(0))
    carry = none
    for p in range(len(digits)):
        y = none
        if p == 0:
            y = c0
        if p == 1:
            y = c1
        if p == 2:
            y = c2
        if p == 3:
            y = c3
        x = load(digits, p)
        store(digits, p, x ^ y ^ carry)
        carry = (x & y) | (carry & (x ^ y))
        if p > 3 and not some(carry):
            break
