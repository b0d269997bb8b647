"""Acceptances of spins with one coupling and one field, as limits of whole random numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensmaker.systems.spins.canonical import Canonical

FREE = 15 / 16
"""Probability of a turn that costs nothing: below 1, since two colours in turns could otherwise go in circles."""

NOTHING = 1e-12
"""βΔH that is zero but for rounding."""


@dataclass(frozen=True, eq=False)
class Limits:
    """A spin s whose neighbours add up to m has the key s (m + offset), and stays if 16 random bits u are below R.

    If u = ⌊R⌋ it stays with probability R − ⌊R⌋. Keys that are not listed always turn.

    Attributes
    ----------
    offset
        0 without a field, where s and m count by their product alone; else so large that no two keys are equal.
    keys, whole, fractions
        Key, ⌊R⌋ and R − ⌊R⌋ with R = 2¹⁶ (1 − p) for each pair (s, m) that does not always turn.
    """

    offset: int
    keys: NDArray[np.int8]
    whole: NDArray[np.uint16]
    fractions: NDArray[np.float64]


def acceptance(gain: float) -> float:
    """min(1, e^(−βΔH)), and 15/16 for βΔH = 0."""
    return FREE if gain == 0 else 1.0 if gain < 0 else math.exp(-gain)


def limits(system: Canonical) -> Limits:
    """The limits of a system of one coupling and one field."""
    h = system.hamiltonian
    (J,) = {h.couplings[t.name] * w for t in h.terms if t.order == 2 for w in t.weights.tolist()} - {0.0}
    field = float(h.field[0])
    assert h.lattice is not None
    degrees = set(np.bincount(h.lattice.bonds.reshape(-1), minlength=h.sites).tolist())
    sums = {m for z in degrees for m in range(-z, z + 1, 2)}
    offset = 2 * max(degrees) + 1 if field else 0
    found = {}
    for s in (1, -1):
        for m in sums:
            gain = 2 * s * (J * m + field)
            small = abs(gain) < 1e-12 * (abs(J) + abs(field))
            stay = 2**16 * (1 - acceptance(0.0 if small else system.beta * gain))
            if stay > 0:
                whole = min(math.floor(stay), 2**16 - 1)
                found[s * (m + offset)] = (whole, stay - whole)
    keys = sorted(found)
    return Limits(
        offset,
        np.array(keys, np.int8),
        np.array([found[k][0] for k in keys], np.uint16),
        np.array([found[k][1] for k in keys], np.float64),
    )
