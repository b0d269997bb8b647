"""Metropolis against the exact transition matrix of its sweep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import square
from lensmaker.systems.spins.sampling import Metropolis


def accept(gain: float) -> float:
    return 15 / 16 if abs(gain) < 1e-12 else min(1.0, math.exp(-gain))


PLAQUETTES = hamiltonian(9, {"K": [[0, 1, 3, 4], [1, 2, 4, 5]], "h": [[0], [8]]}, {"K": 0.6, "h": -0.3})
SYSTEMS = {
    "ising": Canonical(ising(square(3)), 4.0),
    "open, in a field": Canonical(ising(square(3, periodic=False), h=0.4), 3.0),
    "plaquettes": Canonical(PLAQUETTES, 1.5),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_steps_are_in_detailed_balance(name: str) -> None:
    system = SYSTEMS[name]
    weight = exact.distribution(system)
    assert all(exact.in_detailed_balance(step, weight) for step in exact.site_steps(system, accept))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", [0, 0b101010101, 0b000010110])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Nine tests at a false alarm of 1e-6 each."""
    system = SYSTEMS[name]
    counts = exact.seen(Metropolis(), system, start, chains=100_000, repeats=15, seed=1)
    assert exact.false_alarm(system, counts, exact.after(exact.site_steps(system, accept), start)) > 1e-6


def test_the_same_for_any_number_of_threads() -> None:
    one, two = (Metropolis().start(SYSTEMS["ising"], np.ones((7, 9), np.int8), 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(10, threads=2)
    assert (one.spins() == two.spins()).all()


def test_spins_without_bonds_are_random() -> None:
    walk = Metropolis().start(Canonical(ising(square(3)), math.inf), np.ones((400, 9), np.int8), 0)
    walk.advance(40)
    assert abs(walk.spins().mean()) < 4 / 60
