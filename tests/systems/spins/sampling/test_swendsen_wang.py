"""Swendsen–Wang against its exact transition matrix, by all sets of bonds, and against Kaufman's torus."""

from __future__ import annotations

import functools

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from exact import clusters, torus
from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import from_graph, square
from lensmaker.systems.spins.sampling import SwendsenWang

GRID = square(3, periodic=False)
STRENGTHS = [1.0, -0.7, 0.4, -1.3, 0.9, 0.2, 1.1, -0.5, 0.6, 0.8, -1.0, 0.3]
SYSTEMS = {
    "open": Canonical(ising(GRID), 2.5),
    "antiferromagnet": Canonical(ising(GRID, J=-1.0), 3.0),
    "frustrated, all different": Canonical(
        hamiltonian(9, {"J": GRID.bonds}, {"J": 1.0}, weights={"J": STRENGTHS}), 1.5
    ),
    "double bonds of a narrow torus": Canonical(ising(square(2, 3)), 4.0),
    "a graph of odd degree": Canonical(ising(from_graph(nx.petersen_graph().subgraph(range(8)))), 1.7),
}


@functools.cache
def step_of(name: str, scale: float = 1.0) -> NDArray[np.float64]:
    return clusters.swendsen_wang_step(clusters.occupations(SYSTEMS[name], scale))


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_sweep_is_in_detailed_balance(name: str) -> None:
    step = step_of(name)
    assert np.allclose(step.sum(1), 1, rtol=1e-13)
    assert exact.in_detailed_balance(step, exact.distribution(SYSTEMS[name]))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", [0, 0b00101101])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Ten tests at a false alarm of 1e-6 each."""
    counts = exact.seen(SwendsenWang(), SYSTEMS[name], start, chains=100_000, repeats=4, seed=1)
    assert exact.false_alarm(SYSTEMS[name], counts, step_of(name)[start]) > 1e-6


def test_a_bond_probability_off_by_half_a_percent_is_seen() -> None:
    counts = exact.seen(SwendsenWang(), SYSTEMS["open"], 0, chains=100_000, repeats=15, seed=1)
    assert exact.false_alarm(SYSTEMS["open"], counts, step_of("open")[0]) > 1e-6
    assert exact.false_alarm(SYSTEMS["open"], counts, step_of("open", 1.005)[0]) < 1e-6


@pytest.mark.parametrize("temperature", [2.0, 2.27, 3.0])
def test_energy_and_specific_heat_of_a_torus(temperature: float) -> None:
    """Six numbers, each with a false alarm of 7e-6."""
    found = torus.beside_kaufman(SwendsenWang(), temperature, chains=8, burn=100, samples=1000)
    assert abs(found.energy) < 4.5
    assert abs(found.heat) < 4.5
    assert found.precision < 2e-3


@pytest.mark.slow
@pytest.mark.parametrize("temperature", [2.0, 2.27, 3.0])
def test_energy_and_specific_heat_of_a_torus_in_a_long_run(temperature: float) -> None:
    """Six numbers, each with a false alarm of 2.7e-3."""
    found = torus.beside_kaufman(SwendsenWang(), temperature, chains=16, burn=200, samples=20_000)
    assert abs(found.energy) < 3
    assert abs(found.heat) < 3
    assert found.precision < 3e-4


def test_a_walk_that_is_taken_up_again_goes_on_as_if_it_had_never_stopped() -> None:
    system, start = Canonical(ising(square(8)), 2.3), np.ones((3, 64), np.int8)
    through, before = (SwendsenWang().start(system, start, 7) for _ in range(2))
    through.advance(20)
    before.advance(13)
    after = SwendsenWang().start(system, start, 8)
    after.state = {name: array.copy() for name, array in before.state.items()}
    after.advance(7)
    assert (after.spins() == through.spins()).all()


def test_the_same_for_any_number_of_threads() -> None:
    one, two = (SwendsenWang().start(SYSTEMS["open"], np.ones((7, 9), np.int8), 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(10, threads=2)
    assert (one.spins() == two.spins()).all()


def test_spins_without_bonds_turn_over_by_coins() -> None:
    walk = SwendsenWang().start(Canonical(ising(square(3), J=0.0), 1.0), np.ones((2000, 9), np.int8), 3)
    walk.advance(1)
    assert abs(walk.spins().mean()) < 5 / np.sqrt(18_000)


def test_what_clusters_cannot_turn_is_refused() -> None:
    with pytest.raises(InputError, match="a field, against which clusters"):
        SwendsenWang().start(Canonical(ising(GRID, h=0.1), 2.0), np.ones((1, 9), np.int8), 0)
    plaquettes = hamiltonian(9, {"K": [[0, 1, 3, 4]]}, {"K": 1.0})
    with pytest.raises(InputError, match="products of 4 spins"):
        SwendsenWang().start(Canonical(plaquettes, 2.0), np.ones((1, 9), np.int8), 0)
