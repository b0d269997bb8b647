"""Energies, fields and differences of polynomials in spins, against sums written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.energies import energies, statistics
from lensmaker.systems.spins.formula import from_formula
from lensmaker.systems.spins.glasses import bimodal_glass, gaussian_glass
from lensmaker.systems.spins.hamiltonian import Hamiltonian, from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, complete, honeycomb, square, triangular

MIXED = hamiltonian(
    6,
    {"h": [[0], [3]], "J": [[0, 1], [2, 5]], "K": [[0, 2, 4, 5], [1, 2, 3, 4]], "L": [[1, 3, 5]]},
    {"h": 0.3, "J": -1.0, "K": 0.7, "L": 0.2},
    weights={"J": [1.0, -2.5]},
)


def configurations(sites: int, count: int = 20) -> torch.Tensor:
    return 2 * torch.randint(0, 2, (count, sites), generator=torch.Generator().manual_seed(0)) - 1


def written_out(h: Hamiltonian, s: list[int]) -> float:
    return -sum(
        h.couplings[t.name] * w * math.prod(s[i] for i in clique)
        for t in h.terms
        for clique, w in zip(t.cliques.tolist(), t.weights.tolist(), strict=True)
    )


@pytest.mark.parametrize("h", [MIXED, ising(square(3), 0.7, -0.4), ising(triangular(3))], ids=str)
def test_energies_and_what_they_gain_when_a_spin_is_turned(h: Hamiltonian) -> None:
    spins = configurations(h.sites)
    energy = torch.tensor([written_out(h, s) for s in spins.tolist()], dtype=torch.float64)
    for dtype in (torch.int8, torch.int64, torch.float32, torch.float64):
        assert torch.allclose(h.energy(spins.to(dtype)), energy, rtol=1e-14, atol=1e-14)
    for site in range(h.sites):
        turned = spins.clone()
        turned[:, site] *= -1
        assert torch.allclose(h.differences(spins)[:, site], h.energy(turned) - energy, atol=1e-12)
    assert h.energy(spins.view(4, 5, -1)).shape == (4, 5)


@pytest.mark.parametrize("h", [MIXED, ising(square(5), 2.0, -0.5), ising(triangular(4))], ids=str)
def test_compiled_energies_are_those_of_torch(h: Hamiltonian) -> None:
    spins = configurations(h.sites, 300).to(torch.int8)
    assert energies(h, spins.numpy()) == pytest.approx(h.energy(spins).numpy(), rel=1e-14, abs=1e-13)
    assert (statistics(h, spins.numpy(), threads=2) == h.statistics(spins).numpy()).all()


def test_compiled_energies_with_weights_of_any_size() -> None:
    h = gaussian_glass(complete(40), seed=3)
    spins = configurations(40, 300).to(torch.int8)
    assert energies(h, spins.numpy()) == pytest.approx(h.energy(spins).numpy(), rel=1e-13, abs=1e-12)


@pytest.mark.parametrize("spins", [np.ones((2, 5), np.int8), np.ones((2, 6))])
def test_compiled_sums_take_rows_of_bytes(spins: np.ndarray) -> None:
    for work in (statistics, energies):
        with pytest.raises(InputError, match="spins as int8, the last axis of 6"):
            work(MIXED, spins)
    with pytest.raises(InputError, match=r"shape \(configurations, sites\)"):
        statistics(MIXED, np.ones(6, np.int8))


def test_glasses_are_drawn_from_their_seed() -> None:
    lattice = square(30)
    for make in (gaussian_glass, bimodal_glass):
        one, two, other = make(lattice, seed=1), make(lattice, seed=1), make(lattice, seed=2)
        assert (one.terms[0].weights == two.terms[0].weights).all()
        assert not (one.terms[0].weights == other.terms[0].weights).all()
        assert (one.terms[0].cliques == lattice.bonds).all()
    gauss = gaussian_glass(lattice, seed=0, J=2.0, h=0.1)
    assert abs(gauss.terms[0].weights.mean()) < 4 / math.sqrt(1800)  # false alarm 6e-5, but the seed is fixed
    assert gauss.terms[0].weights.std() == pytest.approx(1.0, abs=4 / math.sqrt(2 * 1800))
    assert gauss.couplings == {"J": 2.0, "h": 0.1}
    signs = bimodal_glass(lattice, seed=0, negative=0.2).terms[0].weights
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert (signs < 0).mean() == pytest.approx(0.2, abs=4 * math.sqrt(0.16 / 1800))


def test_a_share_of_negative_bonds_is_a_probability() -> None:
    with pytest.raises(InputError, match="a share of negative bonds between 0 and 1"):
        bimodal_glass(square(3), seed=0, negative=1.5)


@pytest.mark.parametrize(
    ("h", "reach"),
    [
        (ising(square(5)), 1.0),
        (ising(square(5), J=0.0, h=1.0), 0.0),
        (from_formula("-J*s[x,y]*s[x+1,y+1]", square(5), J=1.0), math.sqrt(2)),
        (from_formula("-K*s[i]*s[j]*s[k]*s[l]*s[m]*s[n]", honeycomb(3), K=1.0), 2.0),
        (from_formula("-J*s[i]*s[i+3]*s[i+1]", chain(9), J=1.0), 3.0),
        (ising(complete(6)), 1.0),
    ],
    ids=str,
)
def test_the_reach_is_the_distance_of_the_farthest_spins_that_meet(h: Hamiltonian, reach: float) -> None:
    assert h.reach == pytest.approx(reach, abs=1e-8)


def test_statistics_are_the_slopes_by_the_couplings() -> None:
    spins = configurations(6)
    for k, name in enumerate(MIXED.names):
        more = MIXED.with_couplings(**{name: MIXED.couplings[name] + 1.0})
        assert torch.allclose(MIXED.energy(spins) - more.energy(spins), MIXED.statistics(spins)[:, k])


def test_symmetries() -> None:
    assert ising(square(4)).is_even
    assert not ising(square(4), h=0.1).is_even
    assert ising(square(3, 4)).is_translation_invariant()
    J = np.zeros((4, 4))
    J[0, 1] = J[1, 0] = 1.0
    assert not from_matrix(J, lattice=chain(4)).is_translation_invariant()
    assert from_matrix(J).is_invariant([1, 0, 3, 2])
    assert MIXED.degree == 4


def test_matrix_and_field_are_those_it_was_made_of() -> None:
    rng = np.random.default_rng(0)
    J = np.triu(rng.normal(size=(5, 5)), 1)
    h = rng.normal(size=5)
    made = from_matrix(J + J.T, h)
    assert made.matrix == pytest.approx(J + J.T)
    assert made.field == pytest.approx(h)
    assert ising(square(2)).matrix[0, 1] == 2.0  # a side of two joins its sites twice


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: hamiltonian(3, {"J": [[0, 3]]}, {"J": 1.0}), "sites from 0 to 2"),
        (lambda: hamiltonian(3, {"J": [[1, 1]]}, {"J": 1.0}), "different sites in each product"),
        (lambda: hamiltonian(3, {"J": [[0, 1]]}, {"K": 1.0}), "a coupling for each of the terms"),
        (lambda: hamiltonian(3, {"J": [[0, 1]]}, {"J": 1.0}, weights={"J": [1.0, 2.0]}), "1 finite weights"),
        (lambda: from_matrix([[0.0, 1.0], [2.0, 0.0]]), "a symmetric matrix"),
        (lambda: MIXED.with_couplings(Q=1.0), "one of the couplings"),
        (lambda: MIXED.energy(torch.ones(4)), "configurations of 6 spins"),
        (lambda: MIXED.is_translation_invariant(), "a Hamiltonian on a lattice"),
        (lambda: MIXED.reach, "a Hamiltonian on a lattice"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
