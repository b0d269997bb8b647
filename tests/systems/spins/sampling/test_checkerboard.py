"""The checkerboard against the exact transition matrix of its sweep."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
import pytest

from exact import spin_states as exact
from lensmaker.core import InputError
from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import from_matrix, hamiltonian, ising
from lensmaker.systems.spins.lattices import (
    chain,
    cubic,
    from_graph,
    honeycomb,
    hypercubic,
    square,
    triangular,
)
from lensmaker.systems.spins.sampling import Checkerboard
from lensmaker.systems.spins.sampling.tables.rows import rows

GRID = square(3, periodic=False)
SYSTEMS = {
    "open": Canonical(ising(GRID), 2.5),
    "open, in a field": Canonical(ising(GRID, h=0.4), 3.0),
    "antiferromagnet in a field": Canonical(ising(GRID, J=-1.0, h=-0.7), 2.0),
    "narrow torus": Canonical(ising(square(2, 4)), 4.0),
    "cube": Canonical(ising(cubic(2, periodic=False), h=0.2), 3.0),
    "ring": Canonical(ising(chain(8)), 1.5),
    "honeycomb": Canonical(ising(honeycomb(2)), 2.0),
}
LATTICES = {
    "ring": chain(8),
    "open chain": chain(7, periodic=False),
    "torus": square(4, 6),
    "open square": square(3, 5, periodic=False),
    "strip": square(4, 3, periodic=(True, False)),
    "cylinder": square(3, 4, periodic=(False, True)),
    "cube": cubic(4, 2, 6),
    "four dimensions": hypercubic((2, 3, 4, 5), periodic=(True, False, True, False)),
    "honeycomb": honeycomb(3, 4),
    "open honeycomb": honeycomb(3, 5, periodic=False),
}


def accept(gain: float) -> float:
    return 15 / 16 if abs(gain) < 1e-12 else min(1.0, math.exp(-gain))


def steps(system: Canonical, accept: object = accept) -> list[np.ndarray]:
    """Those of one colour, then those of the other; within a colour their order is of no consequence."""
    lattice = system.hamiltonian.lattice
    assert lattice is not None
    first = rows(lattice).sites[0]
    colour = np.isin(np.arange(system.sites), first[first >= 0])
    each = exact.site_steps(system, accept)  # type: ignore[arg-type]
    return [each[i] for i in [*np.flatnonzero(colour), *np.flatnonzero(~colour)]]


@pytest.mark.parametrize("name", LATTICES)
def test_rows_join_the_sites_that_the_bonds_join(name: str) -> None:
    lattice = LATTICES[name]
    found = rows(lattice)
    _, lines, n = found.sites.shape
    there = found.packed(np.arange(lattice.sites)[None].astype(np.int8) + 1)[0].astype(int) - 1
    pairs = []
    for line in range(lines):
        for k in range(n):
            if (site := found.sites[0, line, k]) >= 0:
                shift = found.shift[0, line]
                around = [there[1, line, k + shift], there[1, line, k + shift + 1]]
                around += [there[1, beside, k + 1] for beside in found.beside[0, line]]
                pairs += [sorted((int(site), int(j))) for j in around if j >= 0]
    assert sorted(pairs) == sorted(np.sort(lattice.bonds, axis=1).tolist())
    spins = np.where(np.arange(2 * lattice.sites).reshape(2, -1) % 3, 1, -1).astype(np.int8)
    assert (found.unpacked(found.packed(spins)) == spins).all()


@pytest.mark.parametrize("name", SYSTEMS)
def test_steps_are_in_detailed_balance(name: str) -> None:
    weight = exact.distribution(SYSTEMS[name])
    assert all(exact.in_detailed_balance(step, weight) for step in steps(SYSTEMS[name]))


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("start", [0, 0b00101101])
def test_a_sweep_steps_as_often_as_its_matrix_says(name: str, start: int) -> None:
    """Fourteen tests at a false alarm of 1e-6 each."""
    counts = exact.seen(Checkerboard(), SYSTEMS[name], start, chains=50_000, repeats=8, seed=1)
    assert exact.false_alarm(SYSTEMS[name], counts, exact.after(steps(SYSTEMS[name]), start)) > 1e-6


def test_an_acceptance_off_by_half_a_percent_is_seen() -> None:
    system = SYSTEMS["open, in a field"]
    counts = exact.seen(Checkerboard(), system, 0, chains=50_000, repeats=16, seed=1)
    planted = steps(system, lambda gain: accept(gain) * (1.005 if gain > 1e-12 else 1.0))
    assert exact.false_alarm(system, counts, exact.after(steps(system), 0)) > 1e-6
    assert exact.false_alarm(system, counts, exact.after(planted, 0)) < 1e-6


def test_a_ring_on_which_every_turn_costs_nothing_does_not_go_in_circles() -> None:
    """With probability 1 for ΔH = 0 the chain would see 4 of its 16 states. One test at a false alarm of 1e-6."""
    system = Canonical(ising(chain(4)), 2.0)
    found = exact.seen(Checkerboard(), system, 0b1100, chains=2000, repeats=2, seed=1, sweeps=200)
    assert exact.false_alarm(system, found, exact.distribution(system)) > 1e-6


@pytest.mark.parametrize("sides", [(8, 8), (512, 256)])
def test_a_walk_that_is_taken_up_again_goes_on_as_if_it_had_never_stopped(sides: tuple[int, int]) -> None:
    """The larger one has two bands of lines, with streams of their own."""
    system = Canonical(ising(square(*sides)), 2.3)
    start = np.ones((3, system.sites), np.int8)
    through, before = (Checkerboard().start(system, start, 7) for _ in range(2))
    through.advance(20)
    before.advance(13, threads=2)
    after = Checkerboard().start(system, start, 8)
    after.state = {name: array.copy() for name, array in before.state.items()}
    after.advance(7)
    assert (after.spins() == through.spins()).all()


def test_bands_do_not_repeat_each_other() -> None:
    system = Canonical(ising(square(512, 256)), 5.0)
    walk = Checkerboard().start(system, np.ones((2, system.sites), np.int8), 7)
    walk.advance(30)
    parts = walk.spins().reshape(4, -1).astype(float)
    overlaps = np.abs(parts @ parts.T / parts.shape[1] - np.eye(4))
    assert overlaps.max() < 0.05


def test_what_has_no_two_colours_is_refused() -> None:
    graph = from_graph(nx.petersen_graph())
    weights = {"J": np.linspace(1, 2, 12)}
    different = hamiltonian(9, {"J": GRID.bonds}, {"J": 1.0}, weights=weights, lattice=GRID)
    fields = hamiltonian(9, {"J": GRID.bonds, "h": [[0]]}, {"J": 1.0, "h": 0.5}, lattice=GRID)
    for h, reason in (
        (ising(square(3)), "an odd side of 3, whose last row meets its own colour"),
        (ising(square(4, 5)), "an odd side of 5"),
        (ising(triangular(4)), "a triangular lattice, which does not come apart"),
        (ising(graph), "a graph lattice"),
        (from_matrix([[0, 1], [1, 0]]), "a Hamiltonian on no lattice"),
        (different, "couplings that are not one and the same"),
        (ising(GRID, J=0.0), "couplings that are not one and the same"),
        (fields, "a field that differs"),
        (hamiltonian(9, {"K": [[0, 1, 3, 4]]}, {"K": 1.0}, lattice=GRID), "products of 4 spins"),
    ):
        with pytest.raises(InputError, match=reason):
            Checkerboard().start(Canonical(h, 2.0), np.ones((1, h.sites), np.int8), 0)
