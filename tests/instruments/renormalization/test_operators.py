"""Operators against products that are spelt out, site by site."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from exact.block_spins import configurations, operator_sums
from lensmaker.core import InputError
from lensmaker.instruments.renormalization import EVEN, ODD, Operator, sums
from lensmaker.instruments.renormalization.operators import CORNER, DIAGONAL, NEIGHBOUR, TWO_APART, terms_of
from lensmaker.systems.spins import Lattice, chain, cubic, hypercubic, square, triangular

ALL = (*EVEN, *ODD)


@pytest.mark.parametrize("side", [2, 3, 4, 6])
def test_sums_are_those_of_products_spelt_out(side: int) -> None:
    drawn = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (300, side * side))
    found = sums(torch.from_numpy(drawn), square(side), ALL)
    expected = operator_sums(drawn, side)
    assert found.tolist() == np.stack([expected[o.name] for o in ALL], 1).tolist()


def test_rows_and_columns_are_not_mistaken_for_each_other() -> None:
    """Stripes along the rows of a torus of 4 × 6: neighbours in a row agree, those in a column do not."""
    stripes = torch.tensor([[(-1) ** r for r, _ in itertools.product(range(4), range(6))]], dtype=torch.int8)
    along = Operator("pair", ((0, 0), (0, 1)))
    assert along.images(2) == NEIGHBOUR.images(2)
    assert sums(stripes, square(4, 6), (NEIGHBOUR, DIAGONAL, TWO_APART)).tolist() == [[0, -48, 48]]
    three = Operator("three", ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)))
    assert [len(three.images(d)) for d in (2, 3)] == [8, 24]


@pytest.mark.parametrize("lattice", [chain(8), square(4, 6), cubic(4)], ids=str)
def test_the_terms_of_a_hamiltonian_are_the_same_operators(lattice: Lattice) -> None:
    dimensions = len(lattice.shape)
    known = [o for o in ALL if max(map(len, o.shape)) <= dimensions and o.name != "two_apart"]
    s = (
        2
        * torch.randint(2, (50, lattice.sites), generator=torch.Generator().manual_seed(0), dtype=torch.int8)
        - 1
    )
    hamiltonian = terms_of(lattice, known)
    assert hamiltonian.statistics(s).tolist() == sums(s, lattice, known).tolist()
    assert hamiltonian.is_translation_invariant()


def test_many_rows_are_read_in_parts() -> None:
    drawn = np.random.default_rng(1).choice(np.array([-1, 1], np.int8), (20_000, 64))
    whole = torch.from_numpy(drawn)
    parts = [sums(rows, square(8), (CORNER,)) for rows in whole.split(7000)]
    assert np.array_equal(sums(whole, square(8), (CORNER,)), np.concatenate(parts))


def test_bad_operators_and_lattices_are_refused() -> None:
    s = torch.from_numpy(configurations(4))
    with pytest.raises(InputError, match="axes at right angles"):
        sums(s, square(2, periodic=False), EVEN)
    with pytest.raises(InputError, match="axes at right angles"):
        sums(torch.ones(1, 16, dtype=torch.int8), triangular(4), EVEN)
    with pytest.raises(InputError, match="2 dimensions or more for the operator diagonal"):
        sums(s, chain(4), EVEN)
    with pytest.raises(InputError, match="the sites of the operator two_apart are different"):
        terms_of(square(2), (NEIGHBOUR, TWO_APART))
    with pytest.raises(InputError, match="different sites in the product"):
        Operator("twice", ((0,), (0,)))
    crowd = Operator("crowd", ((0, 0, 0, 0, 0), (1, 2, 3, 4, 5)))
    with pytest.raises(InputError, match="at most 127 images"):
        sums(torch.ones(1, 4**5, dtype=torch.int8), hypercubic((4,) * 5), (crowd,))
