"""Couplings of known Hamiltonians within their errors, from independent samples and from chains."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest

from exact.losses import drawn
from exact.swendsen_wang import swendsen_wang
from lensmaker.core import Convergence
from lensmaker.instruments.couplings import (
    METHODS,
    CouplingMethod,
    Inferred,
    MaximumLikelihood,
    PseudoLikelihood,
    infer,
)
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian, ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import Metropolis, sample


def methods(
    *quick: type[CouplingMethod], of: tuple[type[CouplingMethod], ...] = METHODS
) -> pytest.MarkDecorator:
    """All of them, those that are not quick in the slow tests; errors are found by the same code for all."""
    return pytest.mark.parametrize(
        "method",
        [pytest.param(m(), id=m.name, marks=[] if m in quick else [pytest.mark.slow]) for m in of],
    )


def chance(squares: float, count: int) -> float:
    """Of a χ² as far from its mean as this, to either side."""
    return float(2 * min(chi2.sf(squares, count), chi2.cdf(squares, count)))


def apart(found: Inferred, true: Hamiltonian) -> np.ndarray:
    return np.array([found.couplings[name] - true.couplings[name] for name in true.names])


def distance(found: Inferred, true: Hamiltonian) -> float:
    """Squared, in the metric of the covariance: χ² with as many degrees of freedom as couplings."""
    d = apart(found, true)
    return float(d @ np.linalg.solve(found.covariance, d))


def in_errors(found: Inferred, true: Hamiltonian) -> np.ndarray:
    return apart(found, true) / np.array(list(found.errors.values()))


def sixteen(rng: np.random.Generator) -> Hamiltonian:
    """3 × 3, open, twelve couplings of either sign, three fields and a plaquette."""
    lattice = square(3, periodic=False)
    terms = {f"J{k}": [bond] for k, bond in enumerate(lattice.bonds.tolist())}
    terms |= {"h0": [[0]], "h4": [[4]], "h7": [[7]], "P": [[0, 1, 3, 4]]}
    return hamiltonian(9, terms, dict(zip(terms, rng.normal(size=len(terms)) * 0.5, strict=True)))


@methods(*METHODS)
def test_sixteen_random_couplings(method: CouplingMethod) -> None:
    """Eight systems; a χ² of 128 degrees of freedom at a false alarm of 1e-4, and no |z| beyond 1e-4."""
    squares, largest = 0.0, 0.0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        true = sixteen(rng)
        found = infer(drawn(true, 5000, rng), true, method)
        assert len(found.couplings) == 16
        assert set(found.convergence.values()) == {Convergence.CONVERGED}
        squares += distance(found, true)
        largest = max(largest, np.abs(in_errors(found, true)).max())
    assert chance(squares, 128) > 1e-4
    assert math.erfc(largest / math.sqrt(2)) * 128 > 1e-4


SMALL = hamiltonian(
    5,
    {"J": [[0, 1], [1, 2], [2, 3], [3, 4]], "P": [[0, 1, 2, 3]], "h": [[0], [2], [4]]},
    {"J": 0.35, "P": 0.3, "h": -0.25},
)


@methods(MaximumLikelihood)
def test_errors_cover(method: CouplingMethod) -> None:
    """200 repetitions: z is normal (KS) and χ² has 600 degrees of freedom; four tests at 1e-4 each.

    Errors that are 20 % too small make χ²/600 1.56, ten of its standard deviations away.
    """
    rng = np.random.default_rng(5)
    repetitions = [infer(drawn(SMALL, 1000, rng), SMALL, method) for _ in range(200)]
    z = np.array([in_errors(found, SMALL) for found in repetitions])
    assert min(kstest(column, "norm").pvalue for column in z.T) > 1e-4
    assert chance(sum(distance(found, SMALL) for found in repetitions), 600) > 1e-4


@pytest.fixture(scope="module")
def chains() -> tuple[Canonical, np.ndarray]:
    """200 Metropolis chains of 3 × 3 spins in a field, sweep after sweep, (chains, sweeps, sites)."""
    system = Canonical(ising(square(3, periodic=False), J=0.6, h=0.02), 1.0)
    start = np.random.default_rng(6).choice(np.array([-1, 1], np.int8), (200, 9))
    walk = Metropolis().start(system, start, 7)
    walk.advance(100)
    kept = []
    for _ in range(1500):
        walk.advance(1)
        kept.append(walk.spins())
    return system, np.stack(kept, 1)


@methods(PseudoLikelihood)
def test_errors_cover_chains(method: CouplingMethod, chains: tuple[Canonical, np.ndarray]) -> None:
    """Each |z| has the variance of a normal one to 20 %, four standard deviations; of shuffled samples it has not.

    The window cuts τ short by some percent, and τ itself is known to some 10 %.
    """
    system, samples = chains
    true = system.hamiltonian
    kept = [infer(chain, true, method) for chain in samples]
    mixed = np.random.default_rng(8)
    shuffled = [infer(mixed.permutation(chain), true, method) for chain in samples[:60]]
    z = np.array([in_errors(found, true) for found in kept])
    assert np.abs(z.std(0) - 1).max() < 0.2
    assert chance(sum(distance(found, true) for found in shuffled), 120) < 1e-3
    assert np.median([found.autocorrelation_times["h"] for found in kept]) > 1.0


def test_chains_together_say_what_they_say_one_after_the_other(
    chains: tuple[Canonical, np.ndarray],
) -> None:
    system, samples = chains
    together = infer(samples[:20], system.hamiltonian)
    joined = infer(samples[:20].reshape(-1, 9), system.hamiltonian)
    assert together.couplings == pytest.approx(joined.couplings, rel=1e-12)
    assert together.errors == pytest.approx(joined.errors, rel=0.05)


@methods(*METHODS[1:], of=METHODS[1:])
@pytest.mark.parametrize(("K", "chains_", "steps"), [(0.3, 400, 20), (0.44, 400, 60)])
def test_ising_square(method: CouplingMethod, K: float, chains_: int, steps: int) -> None:
    """16 × 16, coupling and field, each at a false alarm of 1e-4."""
    lattice = square(16)
    samples = swendsen_wang(lattice, K, chains_, steps, np.random.default_rng(9))
    true = ising(lattice, K, h=1.0).with_couplings(h=0.0)
    found = infer(samples, true, method)
    assert np.abs(in_errors(found, true)).max() < 3.9
    assert found.errors["J"] < 0.005


@methods(PseudoLikelihood, of=METHODS[1:])
def test_each_bond_of_a_lattice(method: CouplingMethod) -> None:
    """1152 couplings by conjugate gradients; their mean square z has a deviation of some 4 %."""
    lattice = square(24)
    samples = swendsen_wang(lattice, 0.3, 1500, 15, np.random.default_rng(10))
    names = [f"J{k}" for k in range(len(lattice.bonds))]
    true = hamiltonian(
        lattice.sites,
        {name: [bond] for name, bond in zip(names, lattice.bonds.tolist(), strict=True)},
        dict.fromkeys(names, 0.3),
    )
    z = in_errors(infer(samples, true, method), true)
    assert chance(float(z @ z), len(z)) > 1e-5
    assert abs(z.mean()) * math.sqrt(len(z)) < 4.5


def test_errors_of_the_maximum_likelihood_are_those_of_fisher() -> None:
    """Errors know themselves to 1/√(2M) = 0.4 % and τ to some 2 %."""
    rng = np.random.default_rng(11)
    found = infer(drawn(SMALL, 40_000, rng), SMALL, METHODS[0]())
    every = drawn(replace(SMALL, couplings=found.couplings), 400_000, rng)
    statistics = SMALL.statistics(torch.from_numpy(every)).numpy()
    fisher = np.linalg.inv(np.cov(statistics.T)) / 40_000
    assert list(found.errors.values()) == pytest.approx(np.sqrt(np.diag(fisher)).tolist(), rel=0.05)


def test_the_likelihood_has_the_smallest_errors() -> None:
    rng = np.random.default_rng(12)
    samples = drawn(SMALL, 20_000, rng)
    exact, *others = (infer(samples, SMALL, m()) for m in METHODS)
    for other in others:
        assert all(other.errors[name] > 0.97 * exact.errors[name] for name in SMALL.names)


def test_samples_are_read_chain_by_chain() -> None:
    """Rows of 64 chains in turns look independent, and their errors would be half of what they are."""
    system = Canonical(ising(square(8), h=0.02), 2.5)
    samples = sample(system, 6400, rule=Metropolis(), seed=0, chains=64, burn_in=200, thin=1)
    found, apart = infer(samples, system.hamiltonian), infer(samples.by_chain(), system.hamiltonian)
    assert found.errors == apart.errors
    assert found.errors["J"] > 1.2 * infer(samples.spins, system.hamiltonian).errors["J"]
