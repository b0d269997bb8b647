"""The Markov chain v → h → v of a small machine of ±1 units, as a matrix over all its visible states."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def states(n: int) -> Array:
    """All of n spins, (2^n, n)."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=n)))


def transition(W: Array, a: Array, b: Array) -> Array:
    """P(v'|v) = Σ_h P(v'|h) P(h|v), rows v, unit by unit."""
    v, h = states(len(a)), states(len(b))
    up = np.ones((len(v), len(h)))
    for j in range(len(b)):
        field = v @ W[:, j] + b[j]
        up *= 1 / (1 + np.exp(-2 * field[:, None] * h[None, :, j]))
    down = np.ones((len(h), len(v)))
    for i in range(len(a)):
        field = h @ W[i] + a[i]
        down *= 1 / (1 + np.exp(-2 * field[:, None] * v[None, :, i]))
    return up @ down


def marginal(W: Array, a: Array, b: Array) -> Array:
    """P(v) of the machine, by the weights of all pairs (v, h)."""
    v, h = states(len(a)), states(len(b))
    p = np.array([sum(math.exp(x @ a + y @ b + x @ W @ y) for y in h) for x in v])
    return np.asarray(p / p.sum())


def torus_energies(rows: int, columns: int) -> Array:
    """−Σ s s' a spin over the bonds of a torus, of all states."""
    s = states(rows * columns).reshape(-1, rows, columns)
    bonds = s * np.roll(s, -1, 1) + s * np.roll(s, -1, 2)
    return np.asarray(-bonds.sum((1, 2)) / (rows * columns))
