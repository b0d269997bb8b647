"""Heat bath against the exact transition matrix of its sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import square, triangular
from lensmaker.systems.spins.sampling import HeatBath


def accept(gain: float) -> float:
    return 1 / (1 + math.exp(gain))


PLAQUETTES = hamiltonian(9, {"K": [[0, 1, 3, 4], [1, 2, 4, 5]], "h": [[0], [8]]}, {"K": 0.6, "h": -0.3})
SYSTEMS = {
    "ising": Canonical(ising(square(3)), 4.0),
    "frustrated, in a field": Canonical(ising(triangular(3), J=-1.0, h=0.4), 3.0),
    "plaquettes": Canonical(PLAQUETTES, 1.5),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_steps_are_in_detailed_balance(name: str) -> None:
    system = SYSTEMS[name]
    weight = exact.distribution(system)
    assert all(exact.in_detailed_balance(step, weight) for step in exact.site_steps(system, accept))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", [0, 0b101010101])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Six tests at a false alarm of 1e-6 each."""
    system = SYSTEMS[name]
    counts = exact.seen(HeatBath(), system, start, chains=100_000, repeats=15, seed=1)
    assert exact.false_alarm(system, counts, exact.after(exact.site_steps(system, accept), start)) > 1e-6


def test_spins_are_drawn_freely_at_infinite_temperature() -> None:
    """512 configurations alike; a false alarm of 1e-6."""
    system = Canonical(ising(square(3)), math.inf)
    counts = exact.seen(HeatBath(), system, 0, chains=100_000, repeats=2, seed=3)
    assert exact.false_alarm(system, counts, np.full(512, 1 / 512)) > 1e-6


def test_a_very_cold_system_does_not_overflow() -> None:
    system = Canonical(ising(square(3)), 1e-6)
    counts = exact.seen(HeatBath(), system, 0, chains=100, repeats=1, seed=0)
    assert counts[0] == 100


def test_the_same_for_any_number_of_threads() -> None:
    one, two = (HeatBath().start(SYSTEMS["ising"], np.ones((7, 9), np.int8), 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(10, threads=2)
    assert (one.spins() == two.spins()).all()
