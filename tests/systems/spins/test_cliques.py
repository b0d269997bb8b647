"""Cliques of lattices, and the numbers of independent parameters against their formulas."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.systems.spins.cliques import copies, distances, plaquettes, shells, sites, within
from lensmaker.systems.spins.counting import orbits, parameters, representatives
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

CRYSTALS = {
    "chain": chain(7),
    "open square": square(4, 5, periodic=False),
    "square": square(5, 4),
    "triangular": triangular(5),
    "honeycomb": honeycomb(3, 4),
    "cubic": cubic(3),
}


@pytest.mark.parametrize("name", CRYSTALS)
def test_neighbours_are_at_distance_one(name: str) -> None:
    lattice = CRYSTALS[name]
    far, pairs = shells(lattice)[0]
    assert far == pytest.approx(1.0, abs=1e-8)
    assert {tuple(p) for p in pairs.tolist()} == {tuple(sorted(b)) for b in lattice.bonds.tolist()}


@pytest.mark.parametrize(
    ("lattice", "squares", "members"),
    [
        (square(7), [1, 2, 4, 5, 8, 9], [4, 4, 4, 8, 4, 4]),
        (triangular(7), [1, 3, 4, 7, 9], [6, 6, 6, 12, 6]),
        (honeycomb(6), [1, 3, 4, 7], [3, 6, 3, 6]),
        (cubic(7), [1, 2, 3, 4, 5], [6, 12, 8, 6, 24]),
    ],
    ids=str,
)
def test_members_of_the_first_shells(lattice: Lattice, squares: list[int], members: list[int]) -> None:
    found = shells(lattice)[: len(squares)]
    assert [d**2 for d, _ in found] == pytest.approx(squares, abs=1e-7)
    assert [2 * len(pairs) / lattice.sites for _, pairs in found] == members


@pytest.mark.parametrize(
    "lattice",
    [
        honeycomb(2, 20),
        honeycomb(12, 3),
        triangular(2, 20),
        triangular(20, 2),
        triangular(5),
        triangular(4, 9, periodic=(True, False)),
        honeycomb(9, 2, periodic=(False, True)),
        square(2, 9),
        square(4, 5, periodic=False),
        cubic(2, 3, 5),
    ],
    ids=str,
)
def test_distances_are_those_of_the_nearest_of_many_images(lattice: Lattice) -> None:
    """Images from −13 to 13 times around each axis, without any reduction."""
    at = lattice.positions
    cells = at[:: lattice.basis].reshape(*lattice.shape, -1)
    best = np.full((lattice.sites,) * 2, math.inf)
    origin = (0,) * len(lattice.shape)
    around = []
    for axis, side in enumerate(lattice.shape):
        step = tuple(int(k == axis) for k in range(len(lattice.shape)))
        around.append(side * (cells[step] - cells[origin]))
    reach = 13 if len(around) == 2 else 2
    turns = [range(-reach, reach + 1) if p else (0,) for p in lattice.periodic]
    for turn in itertools.product(*turns):
        shift = sum(n * p for n, p in zip(turn, around, strict=True))
        best = np.minimum(best, np.linalg.norm(at[:, None] - at + shift, axis=-1))
    assert distances(lattice) == pytest.approx(best, abs=1e-8)


def test_the_distance_on_a_graph_is_the_number_of_bonds() -> None:
    assert distances(from_graph(nx.path_graph(4)))[0].tolist() == [0, 1, 2, 3]
    assert [len(pairs) for _, pairs in shells(complete(5))] == [10]


@pytest.mark.parametrize(
    ("lattice", "count", "corners"),
    [
        (square(4, 5), 20, 4),
        (square(4, 5, periodic=False), 12, 4),
        (triangular(4), 32, 3),
        (honeycomb(3, 4), 12, 6),
        (cubic(3), 81, 4),
        (hypercubic((3, 3, 3, 3)), 6 * 81, 4),
    ],
    ids=str,
)
def test_plaquettes_close_around_bonds(lattice: Lattice, count: int, corners: int) -> None:
    faces = plaquettes(lattice)
    assert faces.shape == (count, corners)
    assert len({tuple(sorted(f)) for f in faces.tolist()}) == count
    bonds = {tuple(sorted(b)) for b in lattice.bonds.tolist()}
    edges = Counter(
        tuple(sorted((int(a), int(b)))) for f in faces for a, b in zip(f, np.roll(f, 1), strict=True)
    )
    assert set(edges) <= bonds
    if all(lattice.periodic):
        assert set(edges.values()) == {2 * (len(lattice.shape) - 1)}  # faces that meet at a bond
        assert set(edges) == bonds


def test_products_within_a_reach_are_those_that_brute_force_finds() -> None:
    lattice = square(4)
    far = distances(lattice)
    for k, found in enumerate(within(lattice, math.sqrt(2), 4), start=1):
        chosen = itertools.combinations(range(16), k)
        expected = {c for c in chosen if all(far[a, b] < 1.5 for a in c for b in c)}
        assert {tuple(c) for c in found.tolist()} == expected
    assert len(within(square(5), math.sqrt(2), 4)[3]) == 25  # the plaquettes
    assert len(within(triangular(6), math.sqrt(3), 2)[1]) == 36 * 6


@pytest.mark.parametrize("n", [3, 6])
@pytest.mark.parametrize("d", [0, 1, 2, 3, 4])
def test_a_general_polynomial_has_as_many_parameters_as_binomials_say(n: int, d: int) -> None:
    anywhere = complete(n)
    assert parameters(anywhere, d, real=True) == math.comb(n + d, d)
    assert parameters(anywhere, d) == sum(math.comb(n, k) for k in range(d + 1))
    assert parameters(anywhere, d, even=True) == sum(math.comb(n, k) for k in range(0, d + 1, 2))


def test_local_polynomials_have_parameters_in_proportion_to_the_size() -> None:
    sizes = np.array([7, 9, 12, 24])
    counts = [parameters(chain(n), 3, reach=2) for n in sizes.tolist()]
    assert counts == (1 + sizes * (1 + 2 + 1)).tolist()
    plane = [parameters(square(n), 4, reach=math.sqrt(2), even=True) for n in (4, 6)]
    assert plane == [1 + 5 * 16, 1 + 5 * 36]  # two bonds, two diagonals and a plaquette a site


def test_three_parameters_for_a_local_quadratic_chain_without_a_place() -> None:
    for n in (5, 8, 13):
        ring = chain(n)
        assert parameters(ring, 2, reach=1, symmetries=ring.translations) == 3
        assert parameters(ring, 2, reach=1, symmetries=ring.translations, even=True) == 2
        assert parameters(ring, 2, symmetries=ring.translations) == 2 + n // 2


def test_orbits_are_those_of_the_necklaces() -> None:
    """Subsets of a ring up to rotation, counted by Burnside: (1/n) Σ_r 2^gcd(r, n)."""
    for n in (6, 9, 10):
        ring = chain(n)
        necklaces = sum(2 ** math.gcd(r, n) for r in range(n)) // n
        assert parameters(ring, n, symmetries=ring.translations) == necklaces


def test_orbits_of_products_with_more_digits_than_a_machine_word() -> None:
    ring = chain(400)
    products = copies(ring, [(k,) for k in range(9)])
    assert set(orbits(products, ring.translations).tolist()) == {0}
    assert representatives(products).tolist() == list(range(400))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: plaquettes(chain(5)), "a lattice with plaquettes"),
        (lambda: plaquettes(complete(5)), "a lattice with plaquettes"),
        (lambda: copies(honeycomb(3), [(0, 0), (1, 0)]), "one site a cell"),
        (lambda: copies(chain(4), [(0,), (4,)]), "larger than the pattern"),
        (lambda: parameters(chain(4), -1), "a degree of at least 0"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()


def test_each_site_alone() -> None:
    assert sites(chain(3)).tolist() == [[0], [1], [2]]
