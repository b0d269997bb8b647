"""Closed forms and series of the dual activations against quadrature in two dimensions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from lensmaker.numerics.quadrature import expectation, pair_expectation
from lensmaker.theories.activation_functions import activation
from lensmaker.theories.kernel_recursion.duals import Dual, Erf, Gelu, Kinked
from lensmaker.theories.kernel_recursion.hermite import Series

A = torch.tensor([0.3, 1.0, 2.5, 0.7, 1.7], dtype=torch.float64)
B = torch.tensor([1.4, 0.6, 2.5, 0.2, 1.7], dtype=torch.float64)
C = torch.tensor([0.0, 0.6, -0.97, 0.9999, -0.2], dtype=torch.float64)

CASES = {
    "relu": (Kinked(0.0), "relu"),
    "leaky_relu": (Kinked(0.01), "leaky_relu"),
    "abs": (Kinked(-1.0), torch.abs),
    "identity": (Kinked(1.0), "linear"),
    "erf": (Erf(), "erf"),
    "gelu": (Gelu(), "gelu"),
    "tanh": (Series(activation("tanh")), "tanh"),
    "sigmoid": (Series(activation("sigmoid")), "sigmoid"),
    "silu": (Series(activation("silu")), "silu"),
    "sin": (Series(activation("sin")), "sin"),
    "gelu by a series": (Series(activation("gelu")), "gelu"),
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[Dual, object]:
    return CASES[request.param]


def pairs(dual: Dual, a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    return dual.pairs(c * (a * b).sqrt(), dual.profile(a), dual.profile(b))


def test_pairs_are_those_of_quadrature(case: tuple[Dual, object]) -> None:
    dual, spec = case
    φ = activation(spec)  # type: ignore[arg-type]
    M, χ = pairs(dual, A, B, C)
    for i, (a, b, c) in enumerate(zip(A.tolist(), B.tolist(), C.tolist(), strict=True)):
        std = (math.sqrt(a), math.sqrt(b))
        assert float(M[i]) == pytest.approx(float(pair_expectation(φ, φ, c, std, φ.kinks).value), abs=1e-10)
        slopes = pair_expectation(φ.slope, φ.slope, c, std, φ.kinks)
        assert float(χ[i]) == pytest.approx(float(slopes.value), abs=1e-10)


def test_own_moments_are_those_of_quadrature_and_of_equal_inputs(case: tuple[Dual, object]) -> None:
    dual, spec = case
    φ = activation(spec)  # type: ignore[arg-type]
    own = dual.own(A)
    for found, f in zip(own, (φ, φ.slope), strict=True):
        exact = expectation(lambda x, f=f: f(x).square(), A.sqrt(), breaks=φ.kinks).value
        torch.testing.assert_close(found, exact, rtol=1e-11, atol=0)
    equal = pairs(dual, A, A, torch.ones_like(A))
    torch.testing.assert_close(equal, own, rtol=1e-11, atol=0)


def test_slope_is_the_derivative_by_the_covariance(case: tuple[Dual, object]) -> None:
    """Price's theorem, by central differences of the fourth order."""
    dual, _ = case
    if dual == Kinked(1.0):
        assert float(pairs(dual, A, B, C)[1].sub(1).abs().max()) == 0.0
    inner = torch.tensor([0.0, 0.6, -0.9, 0.9, -0.2], dtype=torch.float64)
    step = 1e-3 * (A * B).sqrt()

    def moment(steps: int) -> Tensor:
        return dual.pairs(inner * (A * B).sqrt() + steps * step, dual.profile(A), dual.profile(B))[0]

    slope = (8 * (moment(1) - moment(-1)) - (moment(2) - moment(-2))) / (12 * step)
    torch.testing.assert_close(pairs(dual, A, B, inner)[1], slope, rtol=1e-7, atol=1e-8)


def test_an_input_that_is_zero_has_no_correlation() -> None:
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    M, χ = pairs(Kinked(0.0), zero, one, zero)
    assert (float(M), float(χ)) == (0.0, 0.25)
    M, _ = pairs(Series(activation("sigmoid")), zero, one, zero)
    assert float(M) == pytest.approx(0.25, abs=1e-12)  # sigmoid(0)·⟨sigmoid⟩


def test_single_precision_keeps_its_digits_near_equal_inputs() -> None:
    """M has the slope 1/2 at c = 1, so that it should be as exact as c, of which 8 roundings count as 1."""
    gaps = torch.logspace(-6, -1, 40, dtype=torch.float64)
    c = (1 - gaps).float().double()
    one = torch.ones_like(c)
    exact, _ = pairs(Kinked(0.0), one, one, c)
    found, _ = pairs(Kinked(0.0), one.float(), one.float(), c.float())
    assert float((found.double() - exact).abs().max()) < 4.5 * 2.0**-23


def test_a_series_that_has_not_converged_says_so() -> None:
    assert Series(activation("tanh")).doubt(A) == ""
    assert "of relu or of its slope is beyond Hermite polynomials of order 64" in Series(
        activation("relu"), 64
    ).doubt(A)


def test_what_a_cut_series_misses_is_within_the_bound() -> None:
    """At equal inputs the cut of the series of the slopes is Parseval's missing part, which falls as N^(−1/2)."""
    cut = Series(activation("relu"), 64)
    _, χ = pairs(cut, A, A, torch.ones_like(A))
    missing = float(cut.doubt(A).split()[0])
    assert missing == pytest.approx(float((1 - χ / 0.5).max()), rel=0.5)
