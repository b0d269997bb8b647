"""ln Z of an Ising torus from both sides: Kadanoff's steps from above, strips in a mean field from below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import logsumexp

from lensmaker.theories.variational_rg.plaquettes import ising_potential, step

Values = NDArray[np.float64]

WIDEST = 8
"""Sites across a strip."""

MOST_WEIGHT = 8.0
"""Of p: at larger ones a bound only grows, or is what it is."""


class Bound(NamedTuple):
    """ln Z a site, with what it rests on: the weight p of each step, or the fields at the edges of strips."""

    log_partition: float
    parameters: tuple[float, ...]


def with_weights(K: float, side: int, weights: Sequence[float]) -> tuple[float, Values]:
    """The upper bound of ln Z a site of a torus of side 2^k with k − 1 steps of these weights, and its slope by each.

    After the last step a torus of 2 × 2 blocks is left, and Σ e^{4v} over its 16 states.

    Examples
    --------
    >>> round(with_weights(0.0, 8, [0.0, 0.0])[0] - math.log(2), 12)  # free spins
    0.0
    """
    v, total, share = ising_potential(K), 0.0, 1.0
    tape = []
    for p in weights:
        highest = float(v.max())
        total += share * highest
        made = step(v - highest, p)
        v, share = made.potential, share / 4
        tape.append(made)
    sites = 4 ** (side.bit_length() - 1 - len(weights))
    total += share * float(logsumexp(sites * v)) / sites
    response = np.exp(sites * v - logsumexp(sites * v))
    slopes = np.zeros(len(tape))
    for n in range(len(tape) - 1, -1, -1):
        slopes[n] = 4.0 ** -(n + 1) * float(response @ tape[n].slope)
        response = response @ tape[n].weights
    return total, slopes


def from_above(K: float, side: int, *, one: bool = False) -> Bound:
    """Kadanoff's bound at the best weight of each step, or with one and the same at all of them.

    Examples
    --------
    >>> exact = math.log(2 * math.exp(8 * 0.4) + 12 + 2 * math.exp(-8 * 0.4)) / 4  # a torus of 2 × 2, no step
    >>> round(from_above(0.4, 2).log_partition - exact, 12)
    0.0
    """
    steps = side.bit_length() - 2
    if not steps:
        return Bound(with_weights(K, side, [])[0], ())
    if one:
        found = minimize_scalar(
            lambda p: with_weights(K, side, [p] * steps)[0], bounds=(0, MOST_WEIGHT), method="bounded"
        )
        return Bound(float(found.fun), (float(found.x),) * steps)
    best = minimize(
        lambda p: with_weights(K, side, p.tolist()),
        np.full(steps, 0.7),
        jac=True,
        bounds=[(0.0, MOST_WEIGHT)] * steps,
        options={"ftol": 1e-15, "gtol": 1e-12, "maxiter": 1000},
    )
    return Bound(float(best.fun), tuple(map(float, best.x)))


def from_below(K: float, side: int) -> Bound:
    """A lower bound: strips without bonds between them, in a field h at their edges (Gibbs and Bogoliubov).

    ln Z ≥ ln Z₀(h) + n (K m² − 2hm), n the bonds that are left out and m = ⟨s⟩ at an edge, at the best h; exact for
    K → 0 and K → ∞.

    Examples
    --------
    >>> from_below(0.4, 8).log_partition < from_above(0.4, 8).log_partition
    True
    """
    width = min(side, WIDEST)
    found = minimize_scalar(lambda h: -_strips(K, side, width, h), bounds=(0.0, 2 * K), method="bounded")
    best = max((_strips(K, side, width, h), h) for h in (0.0, float(found.x)))
    return Bound(best[0], (best[1],))


def _strips(K: float, side: int, width: int, h: float) -> float:
    s = 1.0 - 2 * (np.arange(2**width)[:, None] >> np.arange(width) & 1)
    row = K * (s[:, 1:] * s[:, :-1]).sum(1) + h * (s[:, 0] + s[:, -1])
    transfer = np.exp(row[:, None] / 2 + row / 2 + K * s @ s.T - K * (2 * width - 1) - 2 * h)
    values, vectors = np.linalg.eigh(transfer)
    values = np.abs(values)
    powers = (values / values[-1]) ** side
    # ⟨s⟩ at an edge: each row of a ring of rows is at the same distance from the others
    edge = ((vectors**2).T @ s[:, 0]) * powers
    m = float(edge.sum() / powers.sum())
    log_z = side * (math.log(values[-1]) + K * (2 * width - 1) + 2 * h) + math.log(powers.sum())
    return (log_z / side + K * m**2 - 2 * h * m) / width
