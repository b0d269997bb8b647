"""Exact solutions of spins of q states, against sums written out and the Ising model."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import chain, square, triangular
from lensmaker.systems.spins.multistate import Multistate, multistate
from lensmaker.systems.spins.named_models import blume_capel, potts
from lensmaker.theories.spins.critical_constants import critical
from lensmaker.theories.spins.elimination import Elimination
from lensmaker.theories.spins.enumeration import EnumeratedStates, Enumeration
from lensmaker.theories.spins.kaufman import Kaufman

rng = np.random.default_rng(0)
TABLE = rng.normal(size=(3, 3))
MODELS = {
    "potts": potts(square(3), 3, 0.8),
    "blume-capel": blume_capel(triangular(3), 1.0, 0.6, 0.3),
    "any": multistate(
        square(2, 4), TABLE + TABLE.T, rng.normal(size=(8, 3)), weights=rng.normal(size=16), values=[0, 1, 5]
    ),
    "four states": potts(chain(8), 4),
}


def values(theory: object, model: object, temperature: float) -> dict[str, float]:
    return {p.quantity.name: p.value for p in theory.predict(Canonical(model, temperature)) if p.regime}


def by_hand(model: Multistate, T: float) -> dict[str, float]:
    """Sums over all configurations, in their order."""
    s = np.array(list(itertools.product(range(model.q), repeat=model.sites)))
    energy = (model.weights * model.pair[s[:, model.bonds[:, 0]], s[:, model.bonds[:, 1]]]).sum(1)
    energy += model.single[np.arange(model.sites), s].sum(1)
    weight = np.exp(-energy / T)
    Z, n = weight.sum(), model.sites
    p = weight / Z
    found = {
        "energy": p @ energy / n,
        "free_energy": -T * math.log(Z) / n,
        "entropy": -(p * np.log(p)).sum() / n,
        "specific_heat": (p @ energy**2 - (p @ energy) ** 2) / T**2 / n,
    }
    if model.values is not None:
        m = np.abs(model.values[s].mean(1))
        found["magnetisation"] = p @ m
        found["susceptibility"] = n * (p @ m**2 - (p @ m) ** 2) / T
        found["binder"] = 1 - p @ m**4 / (3 * (p @ m**2) ** 2)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_enumeration_and_elimination_are_the_sums_over_all_configurations(name: str) -> None:
    exact = by_hand(MODELS[name], 1.3)
    assert values(Enumeration(), MODELS[name], 1.3) == {
        k: pytest.approx(v, rel=1e-10) for k, v in exact.items()
    }
    eliminated = values(Elimination(), MODELS[name], 1.3)
    assert set(eliminated) == {"energy", "specific_heat", "free_energy", "entropy"}
    assert eliminated == {k: pytest.approx(exact[k], rel=1e-10) for k in eliminated}


def test_the_energies_are_those_of_the_configurations() -> None:
    model = MODELS["blume-capel"]
    s = torch.tensor(list(itertools.product(range(3), repeat=9)))
    known = EnumeratedStates(Canonical(model, 1.0))
    assert known.energies == pytest.approx(model.energy(s).numpy(), abs=1e-12)
    with pytest.raises(InputError, match="spins ±1 for the table of all correlations"):
        _ = known.correlations


@pytest.mark.parametrize("theory", [Enumeration(), Elimination()])
def test_two_states_of_potts_are_an_ising_model_of_half_the_coupling(theory: object) -> None:
    J, T = 1.4, 1.9
    two = values(theory, potts(square(4), 2, J), T)
    pairs = values(theory, ising(square(4), J / 2), T)
    shift = J / 2 * 2  # two bonds a site
    assert two["energy"] == pytest.approx(pairs["energy"] - shift, rel=1e-12)
    assert two["free_energy"] == pytest.approx(pairs["free_energy"] - shift, rel=1e-12)
    assert two["specific_heat"] == pytest.approx(pairs["specific_heat"], rel=1e-11)
    assert two["entropy"] == pytest.approx(pairs["entropy"], rel=1e-11)


def test_blume_capel_without_empty_sites_is_an_ising_model() -> None:
    full = values(Enumeration(), blume_capel(square(3), D=-60.0), 2.0)
    pairs = values(Enumeration(), ising(square(3)), 2.0)
    assert full["energy"] + 60.0 == pytest.approx(pairs["energy"], abs=1e-10)
    assert full["magnetisation"] == pytest.approx(pairs["magnetisation"], rel=1e-10)


def test_two_states_have_the_critical_point_of_the_ising_model() -> None:
    T, e = (critical("potts 2 square", name).value for name in ("temperature", "energy"))
    assert pytest.approx(critical("ising square", "temperature").value / 2, rel=1e-15) == T
    assert e == pytest.approx(critical("ising square", "energy").value / 2 - 1, rel=1e-15)
    assert critical("potts 3 square", "temperature").value == pytest.approx(0.994972861, abs=1e-9)
    assert critical("potts 4 square", "temperature").value == pytest.approx(0.910239227, abs=1e-9)


@pytest.mark.parametrize("q", [2, 3, 4])
def test_the_critical_energy_is_that_of_a_strip_without_end(q: int) -> None:
    """Where a model is its own dual its energy is known, and a strip of any width that closes on itself has it too."""
    T, e = (critical(f"potts {q} square", name).value for name in ("temperature", "energy"))
    long = values(Elimination(), potts(square(80, 3), q), T)["energy"]
    assert long == pytest.approx(e, rel=1e-9)


def test_kaufman_and_two_states() -> None:
    T = critical("potts 2 square", "temperature").value
    two = values(Elimination(), potts(square(6), 2), T)
    torus = values(Kaufman(), ising(square(6), 0.5), T)
    assert two["energy"] + 1 == pytest.approx(torus["energy"], rel=1e-11)
