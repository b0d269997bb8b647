"""Lattices have the bonds that geometry gives them."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.systems.spins.lattices import (
    Lattice,
    chain,
    complete,
    cubic,
    from_graph,
    honeycomb,
    hypercubic,
    square,
    triangular,
)

KINDS: dict[str, tuple[Callable[..., Lattice], tuple[object, ...], int, int]] = {
    "chain": (chain, (7,), 7, 2),
    "square": (square, (4, 6), 24, 4),
    "triangular": (triangular, (4, 5), 20, 6),
    "honeycomb": (honeycomb, (3, 4), 24, 3),
    "cubic": (cubic, (4,), 64, 6),
    "hypercubic": (hypercubic, ((3, 3, 4, 3),), 108, 8),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_site_of_a_torus_has_its_neighbours_at_the_distance_of_a_bond(name: str) -> None:
    make, sides, sites, coordination = KINDS[name]
    lattice = make(*sides)
    assert (lattice.sites, lattice.neighbours.shape) == (sites, (sites, coordination))
    assert (lattice.neighbours >= 0).all()
    free = make(*sides, periodic=False)
    apart = np.linalg.norm(np.diff(free.positions[free.bonds], axis=1), axis=2)
    assert apart == pytest.approx(np.ones_like(apart))
    assert len(free.bonds) < len(lattice.bonds)
    assert len({frozenset(b) for b in lattice.bonds.tolist()}) == len(lattice.bonds)


@pytest.mark.parametrize("name", KINDS)
def test_translations_take_bonds_to_bonds_of_their_direction(name: str) -> None:
    make, sides, _, _ = KINDS[name]
    lattice = make(*sides)
    bonds = {
        (frozenset(b), d) for b, d in zip(lattice.bonds.tolist(), lattice.directions.tolist(), strict=True)
    }
    assert len(lattice.translations) == np.prod(lattice.shape)
    for row in lattice.translations[:: max(1, len(lattice.translations) // 9)]:
        moved = row[lattice.bonds]
        found = {(frozenset(b), d) for b, d in zip(moved.tolist(), lattice.directions.tolist(), strict=True)}
        assert found == bonds


def test_triangular_sites_close_triangles_and_honeycomb_ones_do_not() -> None:
    for lattice, triangles in ((triangular(5), 50), (honeycomb(4), 0)):
        graph = nx.Graph(lattice.bonds.tolist())
        assert sum(nx.triangles(graph).values()) // 3 == triangles


def test_any_graph_and_all_pairs() -> None:
    graph = nx.petersen_graph()
    assert nx.is_isomorphic(nx.Graph(from_graph(graph).bonds.tolist()), graph)
    assert len(complete(6).bonds) == 15


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: square(0), "whole sides of at least 1"),
        (lambda: square(1, 4), "at least two sites along a periodic axis"),
        (lambda: square(4, periodic=(True,)), "one for each of 2 axes"),
        (lambda: cubic(2, 2), "one side or three"),
        (lambda: from_graph(nx.DiGraph([(0, 1)])), "an undirected networkx graph"),
        (lambda: from_graph(nx.Graph([(0, 0), (0, 1)])), "bonds between different sites"),
    ],
)
def test_what_is_no_lattice_is_refused(make: Callable[[], Lattice], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
