"""Replicas of multi-spin coding are independent: neither their spins nor their energies know of each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import MultiSpin
from lensmaker.systems.spins.sampling.rule import Spins

SIDE, REPLICAS, MEASUREMENTS, APART = 8, 512, 300, 40
SYSTEM = Canonical(ising(square(SIDE)), 2.8)


def squares(s: Spins, others: Spins) -> float:
    """q² in the mean of all pairs of two different replicas; the sign of s is free, and a shared uniform keeps it."""
    q = s.astype(float) @ others.T / s.shape[1]
    return float((q[~np.eye(len(q), dtype=bool)] ** 2).mean())


def excess(energies: NDArray[np.float64]) -> float:
    """R·Var(mean of replicas)/Var(one replica), of (times, R): 1 for independent replicas, R/R_eff otherwise."""
    return float(energies.shape[1] * energies.mean(1).var(ddof=1) / energies.var(axis=0, ddof=1).mean())


def measured(shared: bool) -> tuple[float, float]:
    """The excess, and by how many errors q² differs between replicas at one time and at times far apart.

    With eight equal streams, replicas 64 lanes apart share their random bits.
    """
    start = np.random.default_rng(2).choice(np.array([-1, 1], np.int8), (REPLICAS, SIDE**2))
    walk = MultiSpin().start(SYSTEM, start, 7)
    if shared:
        walk.state["streams"][:] = walk.state["streams"][..., :1]
    walk.advance(3000)
    before = walk.spins()
    energies, differences = [], []
    for _ in range(MEASUREMENTS):
        walk.advance(APART)
        now = walk.spins()
        energies.append(walk.energies(SYSTEM.hamiltonian))
        differences.append(squares(now, now) - squares(now, before))
        before = now
    error = np.std(differences, ddof=1) / math.sqrt(MEASUREMENTS)
    return excess(np.array(energies)), float(np.mean(differences) / error)


def test_replicas_are_independent() -> None:
    """At a false alarm of 1e-5 each: χ² of the energies, Student's t of the overlaps."""
    found, z = measured(shared=False)
    low, high = chi2.ppf([5e-6, 1 - 5e-6], MEASUREMENTS - 1) / (MEASUREMENTS - 1)
    assert low < found < high
    assert abs(z) < 4.5


def test_shared_random_bits_are_seen() -> None:
    found, z = measured(shared=True)
    assert found > 3  # eight replicas are one
    assert z > 20


def test_one_uniform_for_all_replicas_makes_them_one() -> None:
    """The trap itself, in plain numpy, and what is measured above says so."""
    rng = np.random.default_rng(3)
    s = rng.choice(np.array([-1, 1], np.int8), (64, SIDE, SIDE))
    colour = np.indices((SIDE, SIDE)).sum(0) % 2
    for _ in range(3000):
        for c in (0, 1):
            field = sum(np.roll(s, by, axis) for by in (1, -1) for axis in (1, 2))
            turn = rng.random((SIDE, SIDE)) < np.exp(-2 * SYSTEM.beta * s * field)
            s = np.where(turn & (colour == c), -s, s)
    s = s.reshape(64, -1)
    assert len(np.unique(s, axis=0)) < 8
    assert squares(s, s) > 0.9


@pytest.mark.parametrize("chains", [1, 3, 8])
def test_few_chains_are_independent_too(chains: int) -> None:
    """Equal starts part; the words of random bits of all lanes differ."""
    system = Canonical(ising(square(64)), 3.0)
    walk = MultiSpin().start(system, np.ones((chains, 64**2), np.int8), 1)
    walk.advance(200)
    s = walk.spins().astype(float)
    q = (s @ s.T / 64**2)[np.triu_indices(chains, 1)]
    assert (np.abs(q) < 0.2).all()  # of variance Σ_r C(r)²/N, some 0.03²
    streams = walk.state["streams"].swapaxes(-1, -2).reshape(-1, 4)
    assert len(np.unique(streams, axis=0)) == len(streams)
