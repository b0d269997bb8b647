"""Averages over samples against enumeration: values, and errors that are neither too small nor too large."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chi2

from exact import spin_states as exact
from lensmaker.core import Convergence, InputError
from lensmaker.instruments.spins.ensemble import Ensemble, estimates
from lensmaker.instruments.spins.structure_factor import momentum_squared, structure_factors
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square, triangular
from lensmaker.systems.spins.multistate import Multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.systems.spins.sampling import HeatBath, Metropolis, Samples, sample
from lensmaker.systems.spins.sampling.provenance import Provenance

SYSTEM = Canonical(ising(square(4)), 3.0)


def expected(system: Canonical) -> dict[str, float]:
    """Every quantity by brute force; the structure factor as a double sum over pairs of sites."""
    p, s = exact.distribution(system), exact.states(system.sites).astype(float)
    n, beta, energy = system.sites, system.beta, exact.energies(system) / system.sites
    m = np.abs(s.mean(1))
    mean = {k: float(p @ m**k) for k in (1, 2, 4)}
    correlation = (s * p[:, None]).T @ s
    lattice = system.hamiltonian.lattice
    place = np.stack(np.unravel_index(np.arange(n), lattice.shape), 1)
    waves = []
    for axis, side in enumerate(lattice.shape):
        away = place[:, None, axis] - place[None, :, axis]
        waves.append((correlation * np.cos(2 * np.pi * away / side)).sum() / n)
    ratio = n * mean[2] / np.mean(waves)
    return {
        "energy": float(p @ energy),
        "specific_heat": n * beta**2 * float(p @ (energy - p @ energy) ** 2),
        "magnetisation": mean[1],
        "susceptibility": n * beta * (mean[2] - mean[1] ** 2),
        "binder": 1 - mean[4] / (3 * mean[2] ** 2),
        "second_moment_length": math.sqrt(ratio - 1) / (2 * math.sin(math.pi / lattice.shape[0])),
    }


def drawn(spins: NDArray[np.int8], system: Canonical, chains: int) -> Samples:
    facts = Provenance("by hand", 0, chains, 0, 1, True, 0.5, 0.5, 1.0, ())
    return Samples(torch.from_numpy(spins), system, facts)


def test_against_enumeration() -> None:
    """Six values; a false alarm of 4e-4 (|z| < 4 each)."""
    found = Ensemble().measure(sample(SYSTEM, 40_000, rule=Metropolis(), seed=3))
    want = expected(SYSTEM)
    assert {m.quantity.name for m in found} == set(want)
    for m in found:
        assert abs(m.value - want[m.quantity.name]) < 4 * m.error, m
        assert m.error < 0.03 * abs(m.value)
        assert m.convergence is Convergence.CONVERGED


@pytest.fixture(scope="module")
def scores() -> dict[str, NDArray[np.float64]]:
    """z of each quantity in 400 runs of 8 correlated chains of 250 steps: τ is some 2 steps."""
    want = expected(SYSTEM)
    runs, chains, steps = 400, 8, 250
    walk = HeatBath().start(SYSTEM, HeatBath().first(SYSTEM, runs * chains, 1), 2)
    walk.advance(200)
    rows = np.empty((steps, runs, chains, 16), np.int8)
    for t in range(steps):
        walk.advance(1)
        rows[t] = walk.spins().reshape(runs, chains, 16)
    found: dict[str, list[float]] = {name: [] for name in want}
    for r in range(runs):
        for name, e in estimates(drawn(rows[:, r].reshape(-1, 16), SYSTEM, chains)):
            found[name].append((e.value - want[name]) / e.error)
    return {name: np.array(z) for name, z in found.items()}


@pytest.mark.parametrize(
    "name", ["energy", "specific_heat", "magnetisation", "susceptibility", "binder", "second_moment_length"]
)
def test_errors_cover(name: str, scores: dict[str, NDArray[np.float64]]) -> None:
    """Σz² is χ² of 400, about zero: errors too small by 20 % give 400/0.64, which is out by z = 11.

    Blocks of ten τ leave errors 5 % too small, and their finite number as much again: z is allowed a variance
    of 0.95 to 1.15 beyond the bounds of χ² at a false alarm of 1e-4.
    """
    z = scores[name]
    low, high = 0.95 * chi2.ppf(5e-5, len(z)), 1.15 * chi2.isf(5e-5, len(z))
    assert low < (z**2).sum() < high
    assert abs(z.mean()) < 0.3


def test_structure_factors_are_those_of_a_double_sum() -> None:
    lattice = square(3, 6)
    s = exact.states(10)[37:41].repeat(2, 1)[:, :18].copy()
    place = np.arange(18) % 6
    wave = np.cos(2 * np.pi * (place[:, None] - place[None]) / 6)
    want = np.einsum("ni,ij,nj->n", s.astype(float), wave, s.astype(float)) / 18
    zero, smallest = structure_factors(ising(lattice), s)
    assert smallest == pytest.approx(want, abs=1e-12)
    assert zero == pytest.approx(s.sum(1).astype(float) ** 2 / lattice.sites, abs=1e-12)
    two_states = structure_factors(potts(lattice, 2), ((s + 1) // 2).astype(np.int8))
    assert two_states == pytest.approx(np.stack([zero, smallest]), abs=1e-12)


def test_momentum_of_a_triangular_lattice() -> None:
    """k̂² → |k|² for a large lattice: a reciprocal vector has length 4π/(√3 L)."""
    assert momentum_squared(triangular(60)) == pytest.approx((4 * math.pi / math.sqrt(3) / 60) ** 2, rel=2e-3)


def test_an_open_lattice_has_no_wave_vector() -> None:
    system = Canonical(ising(chain(8, periodic=False)), 2.0)
    found = Ensemble().measure(sample(system, 200, rule=HeatBath(), seed=0))
    assert "second_moment_length" not in found.columns["quantity"]


def test_a_short_series_says_so() -> None:
    rows = sample(SYSTEM, 24, rule=HeatBath(), seed=0, thin=1, burn_in=100, chains=2)
    assert {m.convergence for m in Ensemble().measure(rows)} == {Convergence.SERIES_TOO_SHORT}


def test_chains_that_have_not_met_say_so() -> None:
    cold = Canonical(ising(square(4)), 0.5)
    other = sample(Canonical(ising(square(4)), 8.0), 4000, rule=HeatBath(), seed=1).by_chain()
    same = sample(cold, 4000, rule=HeatBath(), seed=1).by_chain()
    rows = torch.cat([other[:8], same[:8]]).transpose(0, 1).reshape(-1, 16).contiguous()
    found = Ensemble().measure(drawn(rows.numpy(), cold, 16))
    assert {m.convergence for m in found} <= {Convergence.CHAINS_DISAGREE, Convergence.SERIES_TOO_SHORT}


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(InputError, match="at least four steps of a chain, but got 1"):
        Ensemble().measure(sample(SYSTEM, 16, rule=HeatBath(), seed=0))


@pytest.mark.parametrize("model", [potts(square(6), 3), blume_capel(square(6), D=0.5)], ids=str)
def test_spins_of_many_states_far_above_order_have_the_length_of_the_leading_bond(model: Multistate) -> None:
    """To second order in t, the correlation of neighbours, S(0) ∝ 1 + 4t + 12t², S(π/3) ∝ 1 + 3t + 5t²: |z| < 4."""
    T, states = 12.0, range(model.q)
    pair = np.exp(-model.pair / T - (model.single[0][:, None] + model.single[0]) / T)
    values = np.arange(3.0) - 1 if model.values is not None else None
    p = pair / pair.sum()
    if values is not None:
        t = float(values @ p @ values / (p.sum(1) @ values**2))
    else:
        t = float((3 * sum(p[a, a] for a in states) - 1) / 2)
    found = Ensemble().measure(sample(Canonical(model, T), 40_000, seed=4))
    length = found.select(quantity="second_moment_length")[0]
    ratio = (1 + 4 * t + 12 * t**2) / (1 + 3 * t + 5 * t**2)
    want = math.sqrt(ratio - 1)  # |k̂| = 2 sin(π/6) = 1
    assert abs(length.value - want) < 4 * length.error
    assert length.error < 0.1 * want
