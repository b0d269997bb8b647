"""Mutual information by brute force: every configuration of a small system, written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from exact.spin_states import distribution, states
from lensmaker.systems.spins.canonical import Canonical


def information(
    system: Canonical,
    inside: Sequence[int],
    outside: Sequence[int],
    up: Callable[[NDArray[np.int8]], float] | None = None,
) -> float:
    """I of two sets of sites, or of the spin that is up with a probability given the first set, and the second."""
    s, p = states(system.sites), distribution(system)
    x, y = (((s[:, list(sites)] > 0) << np.arange(len(sites))).sum(1) for sites in (inside, outside))
    if up is None:
        joint = np.zeros((2 ** len(inside), 2 ** len(outside)))
        np.add.at(joint, (x, y), p)
    else:
        seen = {
            code: up(s[row, list(inside)]) for code, row in zip(*np.unique(x, return_index=True), strict=True)
        }
        q = np.array([seen[code] for code in x])
        joint = np.zeros((2, 2 ** len(outside)))
        np.add.at(joint[0], y, p * (1 - q))
        np.add.at(joint[1], y, p * q)
    left, right = joint.sum(1), joint.sum(0)
    return math.fsum(
        joint[i, j] * math.log(joint[i, j] / (left[i] * right[j]))
        for i, j in zip(*joint.nonzero(), strict=True)
    )


def of_two_spins(correlation: float) -> float:
    """I of two spins without fields whose product has this mean."""
    return sum((1 + s * correlation) * math.log(1 + s * correlation) / 2 for s in (-1, 1))
