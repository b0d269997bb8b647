"""All configurations of a few spins of q states, the steps that site after site should take, and how often it did."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule

Probabilities = Callable[[NDArray[np.float64], int], NDArray[np.float64]]
"""βE of each state of a site, and its state → the probabilities of its next state."""


def states(q: int, sites: int) -> NDArray[np.int8]:
    """Every configuration, (q^N, N), the last spin changing fastest."""
    return np.array(list(itertools.product(range(q), repeat=sites)), dtype=np.int8)


def energies(system: Canonical) -> NDArray[np.float64]:
    """H of every configuration, bond by bond."""
    model = system.hamiltonian
    s = states(model.q, model.sites).astype(int)
    found = np.zeros(len(s))
    for (i, j), w in zip(model.bonds, model.weights, strict=True):
        found += w * model.pair[s[:, i], s[:, j]]
    for i in range(model.sites):
        found += model.single[i, s[:, i]]
    return found


def site_steps(system: Canonical, probabilities: Probabilities) -> list[NDArray[np.float64]]:
    """The transition matrix of each site's step."""
    q, n = system.hamiltonian.q, system.sites
    energy, s = system.beta * energies(system), states(q, n).astype(int)
    found = []
    for i in range(n):
        step, place = np.zeros((q**n, q**n)), q ** (n - 1 - i)
        for row, now in enumerate(s[:, i]):
            to = row + (np.arange(q) - now) * place
            step[row, to] = probabilities(energy[to], int(now))
        found.append(step)
    return found


def heat_bath(energy: NDArray[np.float64], now: int) -> NDArray[np.float64]:
    weight = np.exp(energy.min() - energy)
    return weight / weight.sum()


def metropolis(energy: NDArray[np.float64], now: int) -> NDArray[np.float64]:
    p = np.minimum(1.0, np.exp(energy[now] - energy)) / (len(energy) - 1)
    p[now] = 0.0
    p[now] = 1.0 - p.sum()
    return p


def seen(
    rule: Rule, system: Canonical, start: int, chains: int, repeats: int, seed: int
) -> NDArray[np.int64]:
    """How often a sweep from the configuration numbered `start` reached each."""
    q, n = system.hamiltonian.q, system.sites
    found, row = np.zeros(q**n, np.int64), np.repeat(states(q, n)[start][None], chains, 0)
    for k in range(repeats):
        walk = rule.start(system, row, seed + k)
        walk.advance(1)
        number = walk.spins().astype(np.int32) @ (q ** np.arange(n - 1, -1, -1)).astype(np.int32)
        found += np.bincount(number, minlength=len(found))
    return found


def false_alarm(system: Canonical, counts: NDArray[np.int64], p: NDArray[np.float64]) -> float:
    """Chance of counts as far from their probabilities: by χ², by the mean energy, by the share of each state."""
    if (counts[p < 1e-15] > 0).any():
        return 0.0
    n, expected = counts.sum(), counts.sum() * p
    common = expected >= 10
    observed = np.append(counts[common], counts[~common].sum())
    awaited = np.append(expected[common], expected[~common].sum())
    used = awaited >= 10
    distance = ((observed - awaited)[used] ** 2 / awaited[used]).sum()
    chances = [float(chi2.sf(distance, max(1, used.sum() - 1)))]
    q = system.hamiltonian.q
    shares = [(states(q, system.sites) == a).sum(1).astype(float) for a in range(q)]
    for observable in (energies(system), *shares):
        mean = p @ observable
        error = math.sqrt(p @ (observable - mean) ** 2 / n)
        if error > 0:
            chances.append(float(2 * norm.sf(abs(counts @ observable / n - mean) / error)))
    return min(1.0, len(chances) * min(chances))
