"""Wolff and Swendsen–Wang against their exact transition matrices, by all sets of bonds."""

from __future__ import annotations

import functools
import math

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from exact import clusters
from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import hamiltonian, ising
from lensmaker.systems.spins.lattices import chain, from_graph, square
from lensmaker.systems.spins.sampling import Rule, SwendsenWang, Wolff

GRID = square(3, periodic=False)
STRENGTHS = [1.0, -0.7, 0.4, -1.3, 0.9, 0.2, 1.1, -0.5, 0.6, 0.8, -1.0, 0.3]
SYSTEMS = {
    "open": Canonical(ising(GRID), 2.5),
    "antiferromagnet": Canonical(ising(GRID, J=-1.0), 3.0),
    "frustrated, all different": Canonical(
        hamiltonian(9, {"J": GRID.bonds}, {"J": 1.0}, weights={"J": STRENGTHS}), 1.5
    ),
    "double bonds of a narrow torus": Canonical(ising(square(2, 3)), 4.0),
    "most sites regular": Canonical(ising(chain(8)), 1.5),
    "a graph of odd degree": Canonical(ising(from_graph(nx.petersen_graph().subgraph(range(8)))), 1.7),
}
RULES = {
    "wolff": (Wolff(clusters=1), clusters.wolff_step),
    "swendsen_wang": (SwendsenWang(), clusters.swendsen_wang_step),
}
by_rule = pytest.mark.parametrize("rule", RULES)
by_system = pytest.mark.parametrize("name", SYSTEMS)


@functools.cache
def step_of(rule: str, name: str, scale: float = 1.0) -> NDArray[np.float64]:
    return RULES[rule][1](clusters.occupations(SYSTEMS[name], scale))


@by_rule
@by_system
def test_a_step_is_in_detailed_balance(rule: str, name: str) -> None:
    step = step_of(rule, name)
    assert np.allclose(step.sum(1), 1, rtol=1e-13)
    assert exact.in_detailed_balance(step, exact.distribution(SYSTEMS[name]))


@by_rule
@by_system
@pytest.mark.parametrize("start", [0, 0b00101101])
def test_a_sweep_steps_as_often_as_its_matrix_says(rule: str, name: str, start: int) -> None:
    """24 tests at a false alarm of 1e-6 each."""
    counts = exact.seen(RULES[rule][0], SYSTEMS[name], start, chains=100_000, repeats=4, seed=1)
    assert exact.false_alarm(SYSTEMS[name], counts, step_of(rule, name)[start]) > 1e-6


@by_rule
def test_a_bond_probability_off_by_half_a_percent_is_seen(rule: str) -> None:
    counts = exact.seen(RULES[rule][0], SYSTEMS["open"], 0, chains=100_000, repeats=15, seed=1)
    assert exact.false_alarm(SYSTEMS["open"], counts, step_of(rule, "open")[0]) > 1e-6
    assert exact.false_alarm(SYSTEMS["open"], counts, step_of(rule, "open", 1.005)[0]) < 1e-6


def test_three_clusters_in_a_sweep_are_three_steps() -> None:
    """One test at a false alarm of 1e-6."""
    counts = exact.seen(Wolff(clusters=3), SYSTEMS["open"], 5, chains=100_000, repeats=4, seed=1)
    three = np.linalg.matrix_power(step_of("wolff", "open"), 3)
    assert exact.false_alarm(SYSTEMS["open"], counts, three[5]) > 1e-6


@pytest.mark.parametrize(("temperature", "low", "high"), [(1.5, 1, 2), (3.0, 320, 400)])
def test_a_sweep_of_wolff_turns_about_every_spin_once(temperature: float, low: int, high: int) -> None:
    """The mean cluster is Σ_r ⟨s_0 s_r⟩: 11.6 sites at T = 3, nearly the lattice at T = 1.5."""
    for start in (np.ones((1, 4096), np.int8), np.where(np.arange(4096) % 2, 1, -1)[None].astype(np.int8)):
        walk = Wolff().start(Canonical(ising(square(64)), temperature), start, 1)
        assert low <= int(walk.state["clusters"][0]) <= high


@pytest.mark.parametrize(
    ("rule", "another"), [(Wolff(), Wolff(clusters=1)), (SwendsenWang(), SwendsenWang())]
)
def test_a_walk_that_is_taken_up_again_goes_on_as_if_it_had_never_stopped(rule: Rule, another: Rule) -> None:
    system, start = Canonical(ising(square(8)), 2.3), np.ones((3, 64), np.int8)
    through, before = (rule.start(system, start, 7) for _ in range(2))
    through.advance(20)
    before.advance(13)
    after = another.start(system, start, 8)
    after.state = {name: array.copy() for name, array in before.state.items()}
    after.advance(7)
    assert (after.spins() == through.spins()).all()


@by_rule
def test_the_same_for_any_number_of_threads(rule: str) -> None:
    one, two = (RULES[rule][0].start(SYSTEMS["open"], np.ones((7, 9), np.int8), 3) for _ in range(2))
    one.advance(10, threads=1)
    two.advance(10, threads=2)
    assert (one.spins() == two.spins()).all()


def test_spins_without_bonds_turn_over_by_coins() -> None:
    walk = SwendsenWang().start(Canonical(ising(square(3), J=0.0), 1.0), np.ones((2000, 9), np.int8), 3)
    walk.advance(1)
    assert abs(walk.spins().mean()) < 5 / np.sqrt(18_000)


@by_rule
def test_what_clusters_cannot_turn_is_refused(rule: str) -> None:
    made, start = RULES[rule][0], np.ones((1, 9), np.int8)
    with pytest.raises(InputError, match="a field, against which clusters"):
        made.start(Canonical(ising(GRID, h=0.1), 2.0), start, 0)
    with pytest.raises(InputError, match="products of 4 spins"):
        made.start(Canonical(hamiltonian(9, {"K": [[0, 1, 3, 4]]}, {"K": 1.0}), 2.0), start, 0)


def test_clusters_of_one_spin_are_refused() -> None:
    start = np.ones((1, 9), np.int8)
    with pytest.raises(InputError, match="its sweeps never mix"):
        Wolff().start(Canonical(ising(GRID), math.inf), start, 0)
    with pytest.raises(InputError, match="its sweeps never mix"):
        Wolff().start(Canonical(ising(GRID, J=0.0), 1.0), start, 0)
    with pytest.raises(InputError, match="at least one cluster"):
        Wolff(clusters=0)
