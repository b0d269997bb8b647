"""Energies, fields and differences of polynomials in spins, against sums written out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import Hamiltonian, from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, square, triangular

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
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
