"""How chains are laid into lanes: nothing is lost, and bonds across blocks are where they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensmaker.systems.spins.canonical import Canonical
from lensmaker.systems.spins.hamiltonian import ising
from lensmaker.systems.spins.lattices import (
    Lattice,
    chain,
    cubic,
    honeycomb,
    hypercubic,
    square,
    triangular,
)
from lensmaker.systems.spins.sampling import MultiSpin
from lensmaker.systems.spins.sampling.tables.equal_pairs import Pairs, equal_pairs
from lensmaker.systems.spins.sampling.tables.packing import cut, cuts, packing, strides
from lensmaker.systems.spins.sampling.walks.bit_parallel import BitParallel

CUT = [
    (chain(1024), [2, 8, 64, 128, 512]),
    (square(16), [2, 8, 32, 64]),
    (square(64), [128, 256, 512]),
    (square(8, 64), [128]),
    (cubic(8), [8, 64]),
    (cubic(16), [512]),
    (honeycomb(16), [2, 64]),
    (triangular(16), [1, 2]),
    (hypercubic((4, 4, 4, 4)), [8, 16]),
    (square(5, 7, periodic=False), [1]),
]


@pytest.mark.parametrize(
    ("lattice", "count"), [(lattice, n) for lattice, counts in CUT for n in counts], ids=str
)
def test_spins_and_bonds_are_where_they_were(lattice: Lattice, count: int) -> None:
    system = Canonical(ising(lattice, J=-0.5), 2.0)
    pairs = equal_pairs(system)
    assert isinstance(pairs, Pairs)
    blocks = cuts(lattice, count)
    assert blocks is not None
    layout = cut(pairs, blocks if count > 1 else ())
    assert layout is not None
    assert layout.chains == 512 // count
    spins = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (5, lattice.sites))
    walk = BitParallel(system, pairs, spins, 0, layout)
    assert (walk.spins() == spins).all()
    assert (walk.magnetisations() == spins.sum(1)).all()
    exact = system.hamiltonian.energy(torch.from_numpy(spins)).numpy()
    assert walk.energies(system.hamiltonian) == pytest.approx(exact, abs=1e-9)


def test_energies_of_another_hamiltonian() -> None:
    system = Canonical(ising(square(4)), 2.0)
    walk = MultiSpin().start(system, np.ones((2, 16), np.int8), 0)
    assert walk.energies(ising(square(4), J=3.0)).tolist() == [-96.0, -96.0]


def test_no_bond_joins_sites_that_are_moved_together() -> None:
    pairs = equal_pairs(Canonical(ising(triangular(6)), 2.0))
    assert isinstance(pairs, Pairs)
    layout = packing(pairs, 512)
    for first, last in zip(layout.classes[:-1], layout.classes[1:], strict=True):
        near = layout.near[first:last]
        assert not ((near >= first) & (near < last)).any()


@pytest.mark.parametrize(
    ("lattice", "chains", "in_a_group"),
    [
        (square(64), 1, 1),
        (square(64), 3, 1),
        (square(64), 512, 512),
        (square(64), 520, 8),
        (square(1024), 512, 4),
        (square(5), 1, 512),
        (square(64, periodic=False), 1, 512),
    ],
    ids=str,
)
def test_lanes_are_filled(lattice: Lattice, chains: int, in_a_group: int) -> None:
    pairs = equal_pairs(Canonical(ising(lattice), 2.0))
    assert isinstance(pairs, Pairs)
    assert packing(pairs, chains).chains == in_a_group


def test_bonds_of_different_signs_are_not_cut() -> None:
    ends, signs = chain(8).bonds, np.array([1, 1, 1, -1, 1, 1, 1, 1])
    assert cut(Pairs(8, ends, signs, 1.0, chain(8)), (2,)) is None


def test_axes_of_few_pieces_come_first() -> None:
    assert strides((16, 4, 8)) == (32, 1, 4)
