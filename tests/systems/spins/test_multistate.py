"""Spins of q states: energies against sums written out, and against the Ising model where both are one."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square, triangular
from lensmaker.systems.spins.multistate import Multistate, multistate
from lensmaker.systems.spins.named_models import blume_capel, potts

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(4, 4))
ANY = multistate(square(3), TABLE + TABLE.T, rng.normal(size=(9, 4)), weights=rng.normal(size=18), name="any")
MODELS = [potts(square(2, 3), 3, 0.7), blume_capel(triangular(3), 1.0, 0.4, 0.2), ANY]


def draw(model: Multistate, count: int = 20) -> torch.Tensor:
    return torch.randint(0, model.q, (count, model.sites), generator=torch.Generator().manual_seed(0))


def written_out(model: Multistate, s: list[int]) -> float:
    pairs = zip(model.bonds.tolist(), model.weights.tolist(), strict=True)
    return sum(w * model.pair[s[i], s[j]] for (i, j), w in pairs) + sum(
        model.single[i, a] for i, a in enumerate(s)
    )


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_energies_and_what_they_gain_when_a_spin_changes(model: Multistate) -> None:
    spins = draw(model)
    energy = model.energy(spins)
    assert energy.tolist() == pytest.approx([written_out(model, s) for s in spins.tolist()], abs=1e-12)
    for site, state in itertools.product(range(model.sites), model.states):
        moved = spins.clone()
        moved[:, site] = state
        gain = model.differences(spins.to(torch.int8))[:, site, state]
        assert torch.allclose(gain, model.energy(moved) - energy, atol=1e-12)
    assert torch.equal(model.energy(spins.view(4, 5, -1)), energy.view(4, 5))


def test_two_states_of_potts_are_an_ising_model_of_half_the_coupling() -> None:
    model, pairs = potts(square(4), 2, 1.4), ising(square(4), 0.7)
    spins = draw(model)
    assert torch.allclose(model.energy(spins), pairs.energy(2 * spins - 1) - 0.7 * 32, atol=1e-12)


def test_blume_capel_without_empty_sites_is_an_ising_model() -> None:
    spins = 2 * draw(potts(square(4), 2))
    model, pairs = blume_capel(square(4), 0.7, 5.0, 0.3), ising(square(4), 0.7, 0.3)
    assert torch.allclose(model.energy(spins), pairs.energy(spins - 1) + 5.0 * 16, atol=1e-12)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: multistate(chain(3), [[0, 1], [2, 0]]), "a symmetric table"),
        (lambda: multistate(chain(3), [[0.0]]), "2 to 127 states"),
        (lambda: multistate(chain(3), np.eye(2), [1, 2, 3]), "energies of the states at a site"),
        (lambda: multistate(chain(3), np.eye(2), weights=[1, np.nan, 2]), "finite weights"),
        (lambda: ANY.energy(torch.zeros(8, dtype=torch.int8)), "configurations of 9 whole numbers"),
        (lambda: ANY.energy(torch.zeros(9)), "configurations of 9 whole numbers"),
        (lambda: ANY.energy(torch.full((9,), -1)), "states from 0 to 3"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
