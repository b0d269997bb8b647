"""Taylor series against differences in 60 digits, and torch's functions against the series."""

from __future__ import annotations

import math

import pytest
import torch

from exact.flat_products import FUNCTIONS, derivative
from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import SMOOTH_FUNCTIONS, SmoothFunction, smooth_function

each = pytest.mark.parametrize("σ", SMOOTH_FUNCTIONS, ids=str)


@each
@pytest.mark.parametrize("b", [-1.7, 0.0, 0.3, 2.5])
def test_each_coefficient_is_a_derivative(σ: SmoothFunction, b: float) -> None:
    c = σ.taylor(b, 14)
    assert len(c) == 15
    for k in (0, 1, 2, 3, 7, 10, 14):
        expected = float(derivative(σ.name, k, b)) / math.factorial(k)
        assert c[k] == pytest.approx(expected, rel=1e-13, abs=1e-25)


@each
def test_the_series_is_that_of_the_torch_function(σ: SmoothFunction) -> None:
    h = torch.linspace(-0.2, 0.2, 9, dtype=torch.float64)
    c = σ.taylor(0.4, 25)
    assert σ(0.4 + h).tolist() == pytest.approx(sum(a * h**k for k, a in enumerate(c)).tolist(), rel=1e-14)
    assert σ.taylor(0.4, 0) == c[:1]


def test_names() -> None:
    assert {σ.name for σ in SMOOTH_FUNCTIONS} == set(FUNCTIONS)
    with pytest.raises(InputError, match="the name of a smooth activation function, but got 'relu'"):
        smooth_function("relu")
