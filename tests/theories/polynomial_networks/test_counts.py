"""Units: the theorems' numbers, the optimum over all splits by brute force, and ratios by explicit counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.theories.polynomial_networks import counts
from lensmaker.theories.polynomial_networks.layers import split
from lensmaker.theories.polynomial_networks.linear_flattening import LinearChain, LinearFlattening


def test_the_numbers_of_the_papers() -> None:
    assert [counts.flat_count([1] * n) for n in (1, 2, 10)] == [2, 4, 1024]
    assert counts.flat_count([3, 2, 0]) == 12
    assert counts.deep_count([1, 2, 3, 4, 5]) == 4 + 11 + 18 + 18 + 25
    assert [counts.tree_count(n) for n in (2, 8, 20)] == [4, 28, 76]
    assert [counts.tree_depth(n) for n in (2, 3, 8, 9)] == [1, 2, 3, 4]
    assert counts.sparse_flat_bound([[1, 1, 1], [2, 0, 0], [0, 0, 1]]) == 3
    assert counts.sparse_deep_count([[1, 1], [4, 0]]) == 8 + 18


@pytest.mark.parametrize(
    ("n", "units"), [(20, [1048576, 112, 76]), (32, [2**32, 304, 128, 124]), (8, [256, 28, 28])]
)
def test_the_optimum_of_known_products(n: int, units: list[int]) -> None:
    found = [split((1,) * n, k) for k in range(1, len(units) + 1)]
    assert [s.units for s in found] == units
    for s in found:
        assert s.units == sum(s.widths)
        assert s.groups[-1] == 1
        inputs = n
        for layer, handed_on in zip(s.layers, s.groups, strict=True):
            assert sum(len(g.powers) * g.times for g in layer) == inputs
            assert sum(2 ** len(g.powers) * g.times for g in layer) == s.widths[s.layers.index(layer)]
            inputs = handed_on


def partitions(n: int, most: int) -> Iterator[tuple[int, ...]]:
    if n == 0:
        yield ()
    for first in range(min(n, most), 0, -1):
        for rest in partitions(n - first, first):
            yield (first, *rest)


@cache
def brute(n: int, layers: int) -> int:
    """Over all partitions into groups of any sizes, not the even ones alone."""
    if layers == 1:
        return 2**n
    return min(sum(2**b for b in p) + brute(len(p), layers - 1) for p in partitions(n, n))


@pytest.mark.parametrize("n", range(1, 15))
def test_no_other_split_of_a_product_has_fewer_units(n: int) -> None:
    for layers in range(1, 5):
        assert split((1,) * n, layers).units == brute(n, layers)


@pytest.mark.parametrize("n", [4, 8, 9, 16, 27])
def test_where_all_groups_divide_it_is_the_sum_of_the_paper(n: int) -> None:
    """Σ_i (n/∏_{j≤i} b_j) 2^{b_i} of the best whole b that divide is never below the optimum, and above it rarely."""
    for layers in (2, 3):
        sums = []
        for b in itertools.product(range(1, n + 1), repeat=layers):
            if math.prod(b) == n:
                left, total = n, 0
                for size in b:
                    left //= size
                    total += left * 2**size
                sums.append(total)
        assert split((1,) * n, layers).units <= min(sums)
    assert split((1,) * 8, 3).units == 28
    assert split((1,) * 16, 2).units == 80


def test_powers_are_no_more_than_their_factors_apart() -> None:
    assert split((2, 1), 1).units == 6
    assert split((8,), 3).units == 9  # three squares
    assert split((4,), 2).units == 6
    assert split((3, 3), 2).units <= 2 * 4 + 4
    for powers in ((3, 2), (4, 1, 1), (2, 2, 2), (7,)):
        for layers in (1, 2, 3):
            assert split(powers, layers).units <= split((1,) * sum(powers), layers).units
    assert split((1, 0, 1), 1) == split((1, 1), 1)


def test_what_cannot_be_split_is_refused() -> None:
    with pytest.raises(InputError, match="a factor and a hidden layer, but got 0 and 1"):
        split((0,), 1)
    with pytest.raises(InputError, match="a factor and a hidden layer"):
        split((1, 1), 0)
    with pytest.raises(InputError, match="at most 512 variables"):
        split((1,) * 513, 2)
    with pytest.raises(InputError, match="powers from 0 on"):
        counts.flat_count([-1])


# -- linear flattening ------------------------------------------------------------------------------


def ratio(path: str, chain: LinearChain) -> tuple[float, float]:
    found = {p.where.path: p for p in LinearFlattening().predict(chain)}[path]
    return found.value, found.error


@pytest.mark.parametrize("n", [4, 16, 64])
def test_butterflies_are_counted(n: int) -> None:
    """Stages of a fast Fourier transform as matrices: their product is the transform, their entries are counted."""
    stages = []
    size = 2
    while size <= n:
        half = size // 2
        twiddle = np.exp(-2j * np.pi * np.arange(half) / size)
        block = np.block([[np.eye(half), np.diag(twiddle)], [np.eye(half), -np.diag(twiddle)]])
        stages.append(np.kron(np.eye(n // size), block))
        size *= 2
    reverse = [int(f"{i:0{int(math.log2(n))}b}"[::-1], 2) for i in range(n)]
    flat = np.linalg.multi_dot([*stages[::-1], np.eye(n)[reverse]]) if len(stages) > 1 else stages[0]
    assert np.allclose(flat, np.fft.fft(np.eye(n)), atol=1e-12 * n)
    entries = sum(np.count_nonzero(np.abs(s) > 1e-12) for s in stages)
    assert np.count_nonzero(np.abs(flat) > 1e-12) / entries == pytest.approx(
        ratio("Fourier transform", LinearChain(n))[0] / 2, rel=1e-12
    )


def test_low_rank_is_counted() -> None:
    a, b = np.ones((40, 5)), np.ones((5, 40))
    assert (a @ b).size / (a.size + b.size) == ratio("low rank", LinearChain(40, rank=5))[0]


@pytest.mark.parametrize("density", [0.01, 0.1, 0.5, 1.0])
def test_sparse_factors_are_drawn_and_counted(density: float) -> None:
    """Mean of 60 draws; |z| < 4."""
    draw, n = np.random.default_rng(0), 80
    found = []
    for _ in range(60):
        a, b = ((draw.random((n, n)) < density) * draw.normal(size=(n, n)) for _ in range(2))
        found.append(np.count_nonzero(a @ b) / (np.count_nonzero(a) + np.count_nonzero(b)))
    value, error = ratio("sparse factors", LinearChain(n, density=density))
    assert abs(np.mean(found) - value) <= 4 * error / 60**0.5 + 1e-12
    assert 0.2 * error <= np.std(found) <= 2 * error + 1e-12


def test_the_exponent_of_a_product_of_matrices() -> None:
    value, _ = ratio("matrix product", LinearChain(2**10))
    assert math.log2(value) / 10 == pytest.approx(0.627, rel=1e-12)


def test_where_linear_ratios_do_not_hold() -> None:
    outside = [p.where.path for p in LinearFlattening().predict(LinearChain(12, rank=9)) if not p.regime]
    assert outside == ["Fourier transform", "low rank"]
    for bad in ({"n": 1}, {"n": 4, "rank": 5}, {"n": 4, "density": 0.0}):
        with pytest.raises(InputError, match=r"two inputs or more|a rank from 1|a density above 0"):
            LinearChain(**bad)
