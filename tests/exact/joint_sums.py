"""A machine beside a Hamiltonian, by every configuration of both layers, from W, a, b and H alone."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Joint(NamedTuple):
    """What a sum over all configurations tells of the map."""

    renormalised: Values
    of_machine: Values
    traces: Values
    shift: float
    divergence: float
    variance: float


def configurations(count: int) -> Values:
    """All spins, (2^n, n), in the order of itertools."""
    return np.array(list(itertools.product((-1.0, 1.0), repeat=count)))


def joint(W: Values, a: Values, b: Values, H: Values) -> Joint:
    """H is that of each row of `configurations`, divided by the temperature."""
    v, h = configurations(len(a)), configurations(len(b))
    minus_E = (v @ a)[:, None] + h @ b + v @ W @ h.T
    T = minus_E + H[:, None]
    P = np.exp(-H) / np.exp(-H).sum()
    Q = np.exp(minus_E).sum(1) / np.exp(minus_E).sum()
    R = np.log(np.exp(T).sum(1))
    return Joint(
        -np.log(np.exp(T - H[:, None]).sum(0)),
        -np.log(np.exp(minus_E).sum(0)),
        R,
        math.log(np.exp(-H).sum()) - math.log(np.exp(minus_E).sum()),
        float(P @ np.log(P / Q)),
        float(P @ R**2 - (P @ R) ** 2),
    )


def coupling(values: Values, sites: tuple[int, ...]) -> float:
    """The mean of f ∏ s_i over all rows of `configurations`."""
    s = configurations(round(math.log2(len(values))))
    return float((values * s[:, list(sites)].prod(1)).mean())
