"""Hamiltonians behind samples beside sums over all states."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from exact.losses import drawn
from lensmaker.core import Convergence
from lensmaker.instruments.couplings import PseudoLikelihood, observe
from lensmaker.instruments.polynomials import LearnedHamiltonian
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian, ising
from lensmaker.systems.spins.lattices import square

MAGNET = ising(square(2, 3, periodic=False), J=0.4, h=0.1)


def told(model: Hamiltonian) -> float:
    """1 − L/(N ln 2) with L = −Σ_i ⟨ln P(s_i | others)⟩, from the probability of each state."""
    states = list(itertools.product((-1, 1), repeat=model.sites))
    weight = np.exp(-model.energy(torch.tensor(states)).numpy())
    p = dict(zip(states, weight / weight.sum(), strict=True))
    loss = 0.0
    for s, here in p.items():
        for i in range(model.sites):
            turned = (*s[:i], -s[i], *s[i + 1 :])
            loss -= here * math.log(here / (here + p[turned]))
    return 1 - loss / (model.sites * math.log(2))


def test_the_couplings_of_a_magnet() -> None:
    samples = drawn(MAGNET, 20_000, np.random.default_rng(0))
    found = LearnedHamiltonian().infer(observe(samples, MAGNET))
    bonds = {tuple(sorted(b)) for b in square(2, 3, periodic=False).bonds.tolist()}
    for name, K in found.inferred.couplings.items():
        sites = tuple(int(s[1:]) for s in name.split("*"))
        expected = 0.1 if len(sites) == 1 else 0.4 * (sites in bonds)
        assert abs(K - expected) < 4 * found.inferred.errors[name] < 0.2
    whole = found.explained[1]
    assert abs(whole.value - told(MAGNET)) < 4 * whole.error < 0.02
    assert abs(found.form.distance().value - 1) < 4 * found.form.distance().error < 0.2
    assert abs(found.form.translation_share().value - 1) < 4 * found.form.translation_share().error < 0.2
    assert abs(found.form.reflection_share().value - 1) < 4 * found.form.reflection_share().error < 0.2


def test_a_product_of_three_is_of_degree_three() -> None:
    """Alone it gives no fields and no correlation of two spins: lower degrees tell nothing."""
    model = hamiltonian(4, {"K": [[0, 1, 2]]}, {"K": 0.6}, lattice=square(2, periodic=False))
    samples = drawn(model, 20_000, np.random.default_rng(1))
    found = LearnedHamiltonian(degree=3).infer(observe(samples, model))
    assert abs(found.shares[2].value - told(model)) < 4 * found.shares[2].error < 0.04
    assert abs(found.shares[0].value) < 0.002
    assert abs(found.shares[1].value) < 0.002
    assert found.inferred.couplings["s0*s1*s2"] == pytest.approx(0.6, abs=0.05)


def test_two_products_of_three_give_a_pair() -> None:
    """s0 s1 s2 · s1 s2 s3 = s0 s3: degree 2 tells some, and all degrees what is to be told."""
    model = hamiltonian(4, {"K": [[0, 1, 2], [1, 2, 3]]}, {"K": 0.6}, lattice=square(2, periodic=False))
    samples = drawn(model, 20_000, np.random.default_rng(4))
    found = LearnedHamiltonian(degree=3).infer(observe(samples, model))
    assert abs(found.explained[2].value - told(model)) < 4 * found.explained[2].error < 0.04
    assert found.shares[1].value > 4 * found.shares[1].error


def test_free_spins_have_no_form() -> None:
    spins = np.random.default_rng(2).choice([-1, 1], (400, 6))
    table = LearnedHamiltonian().measure(observe(spins, MAGNET))
    states = {m.quantity.name: m.convergence for m in table}
    assert states["coupling_distance"] is Convergence.NO_PAIRS
    assert states["explained_share"] is Convergence.CONVERGED


def test_a_penalty_alone_makes_no_form() -> None:
    """It pulls at fields, couplings make up for it; samples that were held out are told no better."""
    spins = np.where(np.random.default_rng(5).random((2000, 6)) < 0.05, 1, -1)
    found = LearnedHamiltonian(method=PseudoLikelihood(l2=0.02)).infer(observe(spins, MAGNET))
    assert found.form.is_clear
    assert not found.has_pairs
    states = {m.quantity.name: m.convergence for m in found.to_table()}
    assert states["coupling_distance"] is Convergence.NO_PAIRS


def test_a_spin_that_never_turns_is_told_or_penalised() -> None:
    samples = drawn(MAGNET, 400, np.random.default_rng(3)).copy()
    samples[:, 0] = 1
    found = LearnedHamiltonian(method=PseudoLikelihood(l2=0.01)).infer(observe(samples, MAGNET))
    assert all(math.isfinite(r.value) for r in found.explained)
