"""Blocks and environments against the coordinates of each site."""

from __future__ import annotations

import itertools

import pytest

from lensmaker.core import InputError
from lensmaker.systems.spins import chain, honeycomb, square
from lensmaker.systems.spins.lattices import Lattice
from lensmaker.systems.spins.surroundings import Surroundings

CASES = [
    (square(8), Surroundings(2, 1, 1)),
    (square(7, 9), Surroundings(3, 1, None, (5, 8))),
    (square(8, 6, periodic=False), Surroundings(2, 1, 2, (3, 0))),
    (square(8, 6, periodic=[True, False]), Surroundings(2, 0, 2, (7, 3))),
    (chain(12), Surroundings(4, 2, 1, (10,))),
]


@pytest.mark.parametrize(("lattice", "around"), CASES, ids=str)
def test_distances(lattice: Lattice, around: Surroundings) -> None:
    corner = around.corner or (0,) * len(lattice.shape)
    block, beyond = [], []
    for site, place in enumerate(itertools.product(*map(range, lattice.shape))):
        far = 0
        for x, a, n, closed in zip(place, corner, lattice.shape, lattice.periodic, strict=True):
            images = (-n, 0, n) if closed else (0,)
            far = max(far, min(abs(x + m - a - k) for m in images for k in range(around.side)))
        if far == 0:
            block.append(site)
        if far > around.buffer and (around.reach is None or far <= around.buffer + around.reach):
            beyond.append(site)
    assert sorted(around.block(lattice).tolist()) == block
    assert around.environment(lattice).tolist() == beyond


def test_the_corner_comes_first_and_the_last_axis_is_fastest() -> None:
    assert Surroundings(2, 0, 1, (7, 7)).block(square(8)).tolist() == [63, 56, 7, 0]


def test_moved() -> None:
    lattice = square(6)
    around = Surroundings(2, 1, 1)
    to = lattice.translation((2, 4))
    moved = around.moved((2, 4), lattice)
    assert moved.block(lattice).tolist() == to[around.block(lattice)].tolist()
    assert moved.environment(lattice).tolist() == sorted(to[around.environment(lattice)].tolist())


@pytest.mark.parametrize(
    ("lattice", "around", "complaint"),
    [
        (square(8), Surroundings(9), "a block of side 9"),
        (square(8, periodic=False), Surroundings(2, 0, 1, (7, 0)), "move the corner"),
        (square(8), Surroundings(2, 3), "sites more than 3 away"),
        (square(8), Surroundings(2, 1, 1, (0,)), "a corner on 2 axes"),
        (honeycomb(4), Surroundings(), "one site in a unit cell"),
    ],
)
def test_what_is_not_there(lattice: Lattice, around: Surroundings, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        around.environment(lattice)


@pytest.mark.parametrize("wrong", [{"side": 0}, {"buffer": -1}, {"reach": 0}])
def test_what_makes_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match="a side of 1 or more"):
        Surroundings(**wrong)
