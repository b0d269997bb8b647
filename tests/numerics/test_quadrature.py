from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from torch import Tensor

from exact import arccosine_kernel, arcsine_kernel, quadrature_kernel
from lensmaker.numerics.quadrature import discontinuities, expectation, pair_expectation

ElementWise = Callable[[Tensor], Tensor]


def step(x: Tensor) -> Tensor:
    return (x > 0).double()


def density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


CLOSED_FORMS: dict[str, tuple[ElementWise, float, float, float]] = {
    # name: f, mean, std, E[f]
    "one": (torch.ones_like, 0.3, 2.0, 1.0),
    "sixth moment": (lambda x: x**6, 0.0, 2.0, 15 * 2.0**6),
    "shifted square": (torch.square, 3.0, 0.5, 9.25),
    "relu": (torch.relu, 0.0, 3.0, 3 / math.sqrt(2 * math.pi)),
    "shifted relu": (torch.relu, -1.0, 2.0, 2 * density(0.5) - float(ndtr(-0.5))),
    "step": (step, 0.7, 1.0, float(ndtr(0.7))),
    "kink at 0.3": (lambda x: (x - 0.3).abs(), 0.0, 1.0, 2 * density(0.3) + 0.3 * (2 * float(ndtr(0.3)) - 1)),
    "box of width 1e-3": (lambda x: (x.abs() < 5e-4).double(), 0.0, 1.0, math.erf(5e-4 / math.sqrt(2))),
    "slow wave": (torch.cos, 0.0, 1.0, math.exp(-0.5)),
    "fast wave": (torch.cos, 0.0, 30.0, 0.0),
    "exponential": (torch.exp, 0.0, 2.0, math.exp(2.0)),
    "sharp erf": (
        lambda x: torch.erf(1e4 * x) ** 2,
        0.0,
        1.0,
        2 / math.pi * math.atan2(2e8, math.sqrt(1 + 4e8)),
    ),
    "far tail": (torch.relu, -8.0, 1.0, 7.550262411946499e-17),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_expectation_is_the_closed_form_within_its_own_error(name: str) -> None:
    function, mean, std, exact = CLOSED_FORMS[name]
    found = expectation(function, std, mean)
    size = float(expectation(lambda x: function(x).abs(), std, mean).value)
    assert bool(found.converged)
    assert abs(float(found.value) - exact) <= float(found.error) + 4e-15 * max(size, abs(exact))
    assert float(found.error) <= 1e-11 * size


def test_many_means_and_widths_at_once() -> None:
    mean = torch.tensor([[-2.0, 0.0, 1.5]], dtype=torch.float64)
    std = torch.tensor([[0.1], [40.0]], dtype=torch.float64)
    found = expectation(torch.square, std, mean)
    torch.testing.assert_close(found.value, mean**2 + std**2, rtol=1e-13, atol=0.0)
    assert found.error.shape == found.converged.shape == (2, 3)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: torch.exp(x**2), "E is infinite"),
        (lambda x: 1 / x.abs(), "E is infinite"),
        (lambda x: torch.exp(40 * x), "the mass lies beyond the range"),
        (lambda x: torch.full_like(x, math.nan), "not a number"),
    ],
)
def test_what_does_not_converge_says_so(function: ElementWise, why: str) -> None:
    assert not bool(expectation(function).converged), why


def test_a_looser_tolerance_is_kept_and_its_error_covers_the_deviation() -> None:
    found = expectation(lambda x: (x - 0.3).abs(), tolerance=1e-4)
    exact = CLOSED_FORMS["kink at 0.3"][3]
    assert abs(float(found.value) - exact) <= float(found.error) <= 1e-3


CORRELATIONS = [-1.0, -0.7, 0.0, 0.5, 0.99, 1 - 1e-8, 1.0]


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("breaks", [(0.0,), ()], ids=["kink known", "kink unknown"])
def test_relu_pair_is_the_arccosine_kernel(c: float, breaks: tuple[float, ...]) -> None:
    K = np.array([[1.7**2, c * 1.7 * 0.6], [c * 1.7 * 0.6, 0.6**2]])
    found = pair_expectation(torch.relu, torch.relu, c, (1.7, 0.6), breaks)
    assert float(found.value) == pytest.approx(arccosine_kernel.moment(K)[0, 1], abs=2e-11)
    assert bool(found.converged)
    assert float(found.error) < 1e-10


@pytest.mark.parametrize("c", CORRELATIONS[1:-1])
def test_step_pair_is_the_orthant_probability(c: float) -> None:
    found = pair_expectation(step, step, c, breaks=(0.0,))
    assert float(found.value) == pytest.approx((math.pi - math.acos(c)) / (2 * math.pi), abs=1e-11)


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("std", [0.05, 1.0, 25.0])
def test_erf_pair_is_the_arcsine_kernel(c: float, std: float) -> None:
    K = std**2 * np.array([[1.0, c], [c, 1.0]])
    found = pair_expectation(torch.erf, torch.erf, c, (std, std))
    assert float(found.value) == pytest.approx(arcsine_kernel.moment(K)[0, 1], abs=2e-11 * min(1.0, std**2))
    assert bool(found.converged)


def test_kinks_away_from_the_origin_against_dblquad() -> None:
    found = pair_expectation(
        torch.nn.functional.hardtanh, torch.nn.functional.hardtanh, 0.6, (1.3, 1.3), (-1.0, 1.0)
    )
    plain = quadrature_kernel.kinked_pair_expectation(lambda x: np.clip(x, -1, 1), 1.69, 0.6, (-1.0, 1.0))
    assert float(found.value) == pytest.approx(plain, abs=1e-10)


@settings(max_examples=15)
@given(c=st.floats(-0.999, 0.999), u=st.floats(0.2, 5.0), v=st.floats(0.2, 5.0))
def test_order_of_the_pair_does_not_matter(c: float, u: float, v: float) -> None:
    one = pair_expectation(torch.tanh, torch.relu, c, (u, v), (0.0,))
    other = pair_expectation(torch.relu, torch.tanh, c, (v, u), (0.0,))
    assert float(one.value) == pytest.approx(float(other.value), abs=1e-11 * v)


@pytest.mark.parametrize("c", [1.0000001, -2.0, math.nan])
def test_impossible_correlation_is_refused(c: float) -> None:
    with pytest.raises(ValueError, match=r"a correlation lies in \[-1, 1\]"):
        pair_expectation(torch.tanh, torch.tanh, c)


@settings(max_examples=60)
@given(place=st.floats(-100, 100), size=st.floats(0.01, 10), slope=st.floats(-2, 2))
def test_a_jump_is_found_wherever_it_is(place: float, size: float, slope: float) -> None:
    found = discontinuities(lambda x: slope * x.sin() + size * (x > place))
    assert len(found) == 1
    assert found[0] == pytest.approx(place, abs=3e-12, rel=1e-13)


@pytest.mark.parametrize(
    "function",
    [
        torch.tanh,
        torch.sin,
        torch.exp,
        lambda x: x**3,
        lambda x: torch.tanh(100 * x),
        lambda x: 1 - torch.tanh(x) ** 2,
    ],
)
def test_smooth_functions_have_no_jump(function: ElementWise) -> None:
    assert discontinuities(function) == ()


def test_jumps_close_together_are_told_apart() -> None:
    assert discontinuities(lambda x: (x > 0).double() + (x > 1e-6)) == (0.0, 1e-6)


def test_many_jumps_are_all_found() -> None:
    assert discontinuities(torch.floor, radius=20.5) == tuple(float(k) for k in range(-20, 21))
