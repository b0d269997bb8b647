"""Coefficients of averages against sums over pairs of sites, many digits, and limits that are known."""

from __future__ import annotations

import math
from itertools import product

import mpmath
import numpy as np
import pytest

from exact.gaussian_fields import averaged_spectrum, even_taylor, inverse_along
from lensmaker.core import InputError, Prediction
from lensmaker.systems.fields import BlockAverage, GaussianField
from lensmaker.theories.fields.block_averages import BlockAverages
from lensmaker.theories.fields.expansion import Direction, expansion
from lensmaker.theories.fields.naive_scaling import NaiveScaling

COEFFICIENTS = [(0.3, 1.0), (0.02, 1.0, 0.4), (2.0, -0.1, 0.03), (5.0,)]


def told(theory: BlockAverages | NaiveScaling, system: BlockAverage) -> dict[tuple[str, int], Prediction]:
    return {(p.where.path, int(dict(p.where.coordinates)["order"])): p for p in theory.predict(system)}


@pytest.mark.parametrize("coefficients", COEFFICIENTS, ids=str)
@pytest.mark.parametrize("block", [2, 3, 4])
def test_the_reference_itself_is_the_spectrum_of_averages(
    coefficients: tuple[float, ...], block: int
) -> None:
    """The sum over aliases of the tests' own, wave by wave, against covariances of pairs of sites."""
    by_sites = averaged_spectrum(12, coefficients, block)
    kept = 12 // block
    for n, m in product(range(kept // 2 + 1), range(kept)):
        q = [2 * math.pi * (k if 2 * k <= kept else k - kept) / kept for k in (n, m)]
        by_aliases = inverse_along(coefficients, block, (q[0], q[1]) if any(q) else (1.0, 0.0))
        assert by_sites[n, m] * float(by_aliases(mpmath.hypot(*q))) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("coefficients", COEFFICIENTS, ids=str)
@pytest.mark.parametrize("block", [1, 3, 5])
@pytest.mark.parametrize("direction", Direction)
def test_the_expansion_is_that_of_the_reference(
    coefficients: tuple[float, ...], block: int, direction: Direction
) -> None:
    """Up to |q′|⁶ against values in 60 digits; odd powers are none."""
    found = expansion(BlockAverage(GaussianField(15, coefficients), block), direction, 7)
    exact = even_taylor(inverse_along(coefficients, block, direction.value), 4)
    np.testing.assert_allclose(found[::2], exact, rtol=1e-10, atol=1e-12 * exact[0])
    np.testing.assert_allclose(found[1::2], 0, atol=1e-13 * exact[0])


@pytest.mark.parametrize("block", [2, 4])
@pytest.mark.parametrize("direction", Direction)
def test_an_even_block_has_a_cubic_term(block: int, direction: Direction) -> None:
    """t⁰ … t⁴ against a polynomial of all powers through values of the reference at t > 0."""
    coefficients = (0.3, 1.0)
    system = BlockAverage(GaussianField(8, coefficients), block)
    with mpmath.workdps(60):
        inverse = inverse_along(coefficients, block, direction.value)
        points = [mpmath.mpf(k) / 10**4 for k in range(1, 11)]
        matrix = mpmath.matrix([[p**i for i in range(10)] for p in points])
        exact = [float(c) for c in mpmath.lu_solve(matrix, mpmath.matrix([inverse(p) for p in points]))[:5]]
    found = expansion(system, direction, 5)
    np.testing.assert_allclose(found, exact, rtol=1e-10, atol=1e-12)
    assert found[3] != pytest.approx(0, abs=1e-4)
    regimes = {key: p.regime for key, p in told(BlockAverages(), system).items()}
    assert regimes["axis", 1]
    assert f"a term {expansion(system, Direction.AXIS, 4)[3]:.3g} |q′|³" in regimes["axis", 2].outside
    assert "an even b" in told(NaiveScaling(), system)["diagonal", 2].regime.outside


@pytest.mark.parametrize("coefficients", COEFFICIENTS, ids=str)
@pytest.mark.parametrize("block", [2, 3, 7, 10])
def test_the_first_two_in_closed_form(coefficients: tuple[float, ...], block: int) -> None:
    found = told(BlockAverages(1), BlockAverage(GaussianField(block, coefficients), block))
    y_0, y_1 = (*coefficients, 0.0)[:2]
    added = 0.0
    for k in range(1, block):
        q = 2 * math.pi * min(k, block - k) / block
        p = 1 / sum(y * q ** (2 * i) for i, y in enumerate(coefficients))
        added += y_0 / 4 * (1 - y_0 * p) / math.sin(math.pi * k / block) ** 2
    assert found["axis", 0].value == pytest.approx(block**2 * y_0, rel=1e-13)
    assert found["axis", 1].value == pytest.approx(y_1 + added, rel=1e-11, abs=1e-12 * y_0)


def test_white_noise_stays_white() -> None:
    for p in BlockAverages(3).predict(BlockAverage(GaussianField(6, (2.0,)), 6)):
        order = dict(p.where.coordinates)["order"]
        assert p.value == pytest.approx(72.0 if order == 0 else 0.0, abs=1e-12)
        assert p.regime


def test_no_average_changes_nothing() -> None:
    system = BlockAverage(GaussianField(8, (0.2, 1.0, 0.3)), 1)
    for theory in (BlockAverages(), NaiveScaling()):
        found = told(theory, system)
        assert [found["axis", i].value for i in range(3)] == pytest.approx([0.2, 1.0, 0.3], rel=1e-13)
        assert found["diagonal", 2].value == pytest.approx(0.3, rel=1e-13)
        assert all(p.regime for p in found.values())


def test_small_blocks_of_a_field_that_hardly_varies() -> None:
    """ξ = 1000: y₁′ = y₁ (1 + (b² − 1)/(12 ξ²)) and the window alone makes y₂′ = y₂/b² + y₁ (1 − b⁻²)/12."""
    b, y_2 = 5, 0.7
    found = told(BlockAverages(), BlockAverage(GaussianField(5, (1e-6, 1.0, y_2)), b))
    assert found["axis", 1].value - 1 == pytest.approx(1e-6 * (b**2 - 1) / 12, rel=1e-5)
    assert found["axis", 2].value == pytest.approx(y_2 / b**2 + (1 - b**-2) / 12, rel=1e-5)
    assert found["diagonal", 2].value == pytest.approx(y_2 / b**2 + (1 - b**-2) / 12, rel=1e-5)


def test_blocks_much_larger_than_the_correlation_length() -> None:
    """1 ≪ ξ ≪ b: y₁′ → y₀bξ/2, as the edge of a block is; the remark's y₁ = y₀ξ² is too small by b/2ξ."""
    ξ, b = 20.0, 2001
    field = GaussianField(b, (1.0, ξ**2))
    found = told(BlockAverages(1), BlockAverage(field, b))["axis", 1]
    assert found.value == pytest.approx(b * ξ / 2, rel=0.01)
    assert told(NaiveScaling(1), BlockAverage(field, b))["axis", 1].value == pytest.approx(ξ**2)


def test_the_remark_is_inside_where_blocks_are_small_and_says_by_how_much_it_is_off() -> None:
    near, far = (BlockAverage(GaussianField(12, (y_0, 1.0)), 3) for y_0 in (0.001, 0.3))
    assert all(told(NaiveScaling(1), near)["axis", i].regime for i in (0, 1))
    assert told(NaiveScaling(1), far)["axis", 0].regime
    assert told(NaiveScaling(1), far)["axis", 1].regime.outside == (
        "windows and aliases make it 1.19: this is off by 16 %"
    )
    assert told(NaiveScaling(1, tolerance=0.2), far)["axis", 1].regime
    beyond = told(NaiveScaling(), near)["axis", 2]
    assert beyond.value == 0
    assert beyond.regime.outside.endswith("off by 1e+02 %")
    gradients = BlockAverage(GaussianField(12, (1e-6, 1e-3, 1.0)), 3)
    assert told(NaiveScaling(), gradients)["axis", 2].regime
    assert told(NaiveScaling(), gradients)["axis", 2].value == pytest.approx(1 / 9)


def test_orders_and_tolerances_that_are_none() -> None:
    with pytest.raises(InputError, match="an order of 0 or more, but got -1"):
        BlockAverages(-1)
    with pytest.raises(InputError, match="an order of 0 or more, but got -1"):
        NaiveScaling(-1)
    with pytest.raises(InputError, match="a tolerance above 0, but got 0"):
        NaiveScaling(tolerance=0.0)
