"""Kawasaki against the exact transition matrix of its sweep, and what it conserves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import Hamiltonian, hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, square
from lensmaker.systems.spins.sampling import Kawasaki

LATTICE = square(3)
PLAQUETTES = hamiltonian(
    9,
    {"K": [[0, 1, 3, 4], [1, 2, 4, 5]], "J": [[0, 1], [4, 8]], "h": [[0], [8]]},
    {"K": 0.6, "J": -0.4, "h": -0.3},
    lattice=LATTICE,
)
SYSTEMS = {
    "ising": Canonical(ising(LATTICE), 4.0),
    "plaquettes": Canonical(PLAQUETTES, 1.5),
    "hot": Canonical(ising(LATTICE), math.inf),
}
STARTS = [0b000010110, 0b101010101]


def trial(system: Canonical) -> NDArray[np.float64]:
    """The matrix of one trial: a bond at random, its spins exchanged with min(1, e^(−βΔH))."""
    lattice = system.hamiltonian.lattice
    energy, rows = exact.energies(system), np.arange(2**system.sites)
    found = np.zeros((len(rows), len(rows)))
    for i, j in lattice.bonds.tolist():
        differ = (rows >> i ^ rows >> j) & 1 == 1
        to = np.where(differ, rows ^ (1 << i) ^ (1 << j), rows)
        p = np.exp(-system.beta * np.maximum(energy[to] - energy, 0))
        np.add.at(found, (rows, to), p)
        np.add.at(found, (rows, rows), 1 - p)
    return found / len(lattice.bonds)


@pytest.mark.parametrize("name", SYSTEMS)
def test_trials_are_in_detailed_balance(name: str) -> None:
    assert exact.in_detailed_balance(trial(SYSTEMS[name]), exact.distribution(SYSTEMS[name]))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", STARTS)
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Six tests at a false alarm of 1e-6 each."""
    system = SYSTEMS[name]
    counts = exact.seen(Kawasaki(), system, start, chains=100_000, repeats=3, seed=1)
    assert exact.false_alarm(system, counts, exact.after([trial(system)] * 9, start)) > 1e-6


def test_an_acceptance_off_by_half_a_per_cent_is_seen() -> None:
    """Two spins, one in a field, exchanged uphill with 0.8: so often that z > 6 for such a fault."""
    lattice = chain(2, periodic=False)
    pair = hamiltonian(2, {"h": [[0]]}, {"h": -math.log(0.8) / 2}, lattice=lattice)
    system = Canonical(pair, 1.0)
    start = np.repeat(exact.states(2)[0b10][None], 50_000, 0)
    walk = Kawasaki().start(system, start, seed=1)
    counts = np.zeros(4, np.int64)
    for _ in range(100):
        walk.put(start)
        walk.advance(1)
        counts += np.bincount(exact.number(walk.spins()), minlength=4)
    assert exact.false_alarm(system, counts, exact.after([trial(system)] * 2, 0b10)) > 1e-6


def test_the_magnetisation_stays() -> None:
    system = Canonical(ising(square(8)), 2.0)
    rule = Kawasaki(magnetisation=0.25)
    first = rule.first(system, 6, seed=0)
    walk = rule.start(system, first, seed=1)
    walk.advance(50)
    assert (first.sum(1) == 16).all()
    assert (walk.spins().sum(1) == 16).all()
    assert (walk.spins() != first).any(1).all()


@pytest.mark.parametrize(
    ("system", "sentence"),
    [
        (Canonical(Hamiltonian(4, (), {}), 1.0), "a Hamiltonian without a lattice"),
    ],
)
def test_it_says_where_it_does_not_apply(system: Canonical, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        Kawasaki().start(system, np.ones((1, 4), np.int8), 0)


def test_a_magnetisation_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"a magnetisation between −1 and 1, but got 1\.5"):
        Kawasaki(magnetisation=1.5)
