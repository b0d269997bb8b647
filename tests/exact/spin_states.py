"""All configurations of a few spins, their weights by brute force, and how often a walk was seen to step where."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.sampling.rule import Rule, Spins, Walk


def states(sites: int) -> Spins:
    """Every configuration, (2^N, N); spin i is −1 where bit i of the row's number is set."""
    number = np.arange(2**sites)[:, None]
    return (1 - 2 * (number >> np.arange(sites) & 1)).astype(np.int8)


def number(spins: Spins) -> NDArray[np.int64]:
    """Which row of `states` each configuration is."""
    return np.asarray(((spins < 0) << np.arange(spins.shape[-1])).sum(-1))


def energies(system: Canonical) -> NDArray[np.float64]:
    """H of every configuration, term by term."""
    s = states(system.sites).astype(float)
    found = np.zeros(len(s))
    for term in system.hamiltonian.terms:
        for clique, weight in zip(term.cliques, term.weights, strict=True):
            found -= system.hamiltonian.couplings[term.name] * weight * s[:, clique].prod(1)
    return found


def distribution(system: Canonical) -> NDArray[np.float64]:
    """The weight e^(−βH)/Z of every configuration."""
    weight = np.exp(-system.beta * (energies(system) - energies(system).min()))
    return np.asarray(weight / weight.sum())


def site_steps(system: Canonical, accept: Callable[[float], float]) -> list[NDArray[np.float64]]:
    """The transition matrix of each site's step; spin i turns with probability accept(βΔH)."""
    energy, rows = energies(system), np.arange(2**system.sites)
    found = []
    for i in range(system.sites):
        to = rows ^ (1 << i)
        p = np.vectorize(accept)(system.beta * (energy[to] - energy))
        step = np.diag(1 - p)
        step[rows, to] = p
        found.append(step)
    return found


def after(steps: list[NDArray[np.float64]], start: int) -> NDArray[np.float64]:
    """The distribution after these steps from the configuration numbered `start`."""
    p = np.eye(len(steps[0]))[start]
    for step in steps:
        p = p @ step
    return p


def in_detailed_balance(step: NDArray[np.float64], weight: NDArray[np.float64]) -> bool:
    """Whether π(a) P(a → b) = π(b) P(b → a)."""
    flow = weight[:, None] * step
    return bool(np.allclose(flow, flow.T, rtol=1e-12, atol=1e-15))


def seen(
    rule: Rule, system: Canonical, start: int, *, chains: int, repeats: int, seed: int, sweeps: int = 1
) -> NDArray[np.int64]:
    """How often each configuration was reached from the one numbered `start`."""
    found = np.zeros(2**system.sites, np.int64)
    row = np.repeat(states(system.sites)[start][None], chains, 0)
    for k in range(repeats):
        walk: Walk = rule.start(system, row, seed + k)
        walk.advance(sweeps)
        found += np.bincount(number(walk.spins()), minlength=len(found))
    return found


def false_alarm(system: Canonical, counts: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Chance of counts as far from their probabilities as these: by χ², by the mean energy, by the magnetisation.

    The means see a bias that all outcomes share, which χ² spreads over hundreds of degrees of freedom. Zero if
    something was seen that cannot be.
    """
    if (counts[probabilities < 1e-15] > 0).any():
        return 0.0
    n = counts.sum()
    chances = [_by_chi_square(counts, n * probabilities)]
    for observable in (energies(system), states(system.sites).sum(1).astype(float)):
        mean = probabilities @ observable
        error = math.sqrt(probabilities @ (observable - mean) ** 2 / n)
        if error > 1e-9:  # a mean that cannot vary is left to χ²
            chances.append(float(2 * norm.sf(abs(counts @ observable / n - mean) / error)))
    return min(1.0, len(chances) * min(chances))


def _by_chi_square(counts: NDArray[np.int64], expected: NDArray[np.float64]) -> float:
    """Outcomes expected less than ten times are taken together."""
    common = expected >= 10
    observed = np.append(counts[common], counts[~common].sum())
    awaited = np.append(expected[common], expected[~common].sum())
    used = awaited >= 10
    distance = ((observed - awaited)[used] ** 2 / awaited[used]).sum()
    return float(chi2.sf(distance, max(1, used.sum() - 1)))
