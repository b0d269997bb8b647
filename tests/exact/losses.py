"""What methods of the inverse problem minimise, by their definitions, from the weights of all configurations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from exact import spin_states
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian

Values = NDArray[np.float64]


def probabilities(model: Hamiltonian, K: Sequence[float]) -> Values:
    couplings = dict(zip(model.names, map(float, K), strict=True))
    return spin_states.distribution(Canonical(model.with_couplings(**couplings), 1.0))


def turned_over(p: Values) -> Values:
    """The probability of each configuration with one spin turned over, (2^N, N)."""
    rows = np.arange(len(p))
    return np.stack([p[rows ^ (1 << i)] for i in range(len(p).bit_length() - 1)], 1)


def likelihood(p: Values) -> Values:
    """−ln P(s) of every configuration."""
    return -np.log(p)


def pseudo_likelihood(p: Values) -> Values:
    """−Σ_i ln P(s_i | all others), where P(s_i | others) = P(s)/(P(s) + P(s with s_i turned over))."""
    return -np.log(p[:, None] / (p[:, None] + turned_over(p))).sum(1)


def flow(p: Values) -> Values:
    """Σ_i √(P(s with s_i turned over)/P(s))."""
    return np.sqrt(turned_over(p) / p[:, None]).sum(1)


LOSSES: dict[str, Callable[[Values], Values]] = {
    "maximum_likelihood": likelihood,
    "pseudo_likelihood": pseudo_likelihood,
    "minimum_probability_flow": flow,
}


def drawn(model: Hamiltonian, count: int, rng: np.random.Generator) -> NDArray[np.int8]:
    """Independent configurations at T = 1, (count, N)."""
    p = spin_states.distribution(Canonical(model, 1.0))
    return spin_states.states(model.sites)[rng.choice(len(p), count, p=p)]
