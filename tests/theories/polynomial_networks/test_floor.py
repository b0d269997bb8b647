"""Floors in floating point: truncation against 60 digits, rounding against networks that are run."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from exact.flat_products import all_signs, derivative, exact_error
from lensmaker.core import InputError
from lensmaker.numerics.smooth_functions import smooth_function
from lensmaker.theories.polynomial_networks.flat_floor import flat_floor
from lensmaker.theories.polynomial_networks.half_floor import half_biases, half_floor, units_with_biases


def worst(name: str, signs: list[tuple[int, ...]], b: float, λ: float, dtype: torch.dtype) -> float:
    """Largest error of the network, run in this arithmetic, at all corners and 500 places inside."""
    n = len(signs[0])
    σ = smooth_function(name)
    s = torch.tensor(signs, dtype=torch.float64)
    corners = torch.tensor(list(itertools.product((1.0, -1.0), repeat=n)), dtype=torch.float64)
    inside = torch.rand(500, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    x = torch.cat([corners[:2000], inside])
    lead = len(signs) * float(derivative(name, n, b)) * λ**n
    z = x.to(dtype) @ (λ * s).to(dtype).T + torch.tensor(b, dtype=dtype)
    found = σ(z) @ (s.prod(1) / lead).to(dtype)
    return float((found.double() - x.prod(1)).abs().max())


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "gelu"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["64", "32"])
def test_the_floor_is_what_a_network_has_that_is_run(name: str, dtype: torch.dtype) -> None:
    """Within a factor of 4 at the λ that is said; and no λ nearby is much better. 2 ≤ n ≤ 10."""
    ratios = []
    for n in (2, 3, 4, 6, 8, 10):
        floor = flat_floor(n, smooth_function(name), dtype)
        if floor.error > 0.1:
            continue
        found = worst(name, all_signs(n), floor.bias, floor.scale, dtype)
        ratios.append(found / floor.error)
        best = min(
            worst(name, all_signs(n), floor.bias, k * floor.scale, dtype) for k in (0.5, 0.7, 1, 1.4, 2)
        )
        assert best > found / 5
    assert len(ratios) >= 3
    assert min(ratios) > 0.25
    assert max(ratios) < 4


@pytest.mark.parametrize(("name", "b"), [("tanh", 0.5), ("softplus", 1.0), ("gelu", 0.0)])
def test_the_truncation_is_that_of_a_corner_in_60_digits(name: str, b: float) -> None:
    for n in (2, 4, 6):
        floor = flat_floor(n, smooth_function(name), bias=b)
        exact = abs(float(exact_error(name, all_signs(n), b, floor.scale, (1.0,) * n)))
        assert floor.truncation == pytest.approx(exact, rel=0.02)
        inside = abs(
            float(exact_error(name, all_signs(n), b, floor.scale, (0.9, -0.8, 0.7, 1.0, 0.5, 1.0)[:n]))
        )
        assert inside < exact


def test_the_power_of_the_rounding_unit() -> None:
    """ε^{2/(n+2)} at an ordinary bias, ε^{4/(n+4)} where the next derivative but one vanishes: to 3 %."""
    σ, formats = smooth_function("softplus"), (torch.float64, torch.float32)
    ε = math.log(torch.finfo(formats[0]).eps / torch.finfo(formats[1]).eps)
    for n in (2, 4, 6):
        plain, tuned = (
            math.log(flat_floor(n, σ, formats[0], b).error / flat_floor(n, σ, formats[1], b).error) / ε
            for b in (1.0, flat_floor(n, σ).bias)
        )
        assert plain == pytest.approx(2 / (n + 2), rel=0.03)
        assert tuned == pytest.approx(4 / (n + 4), rel=0.03)


def test_the_numbers_of_the_issue() -> None:
    """n = 8: 1e-3 for 256 units at an ordinary bias; a bias that is chosen has two digits more."""
    assert flat_floor(8, smooth_function("gelu"), bias=0.0).error == pytest.approx(1e-3, rel=0.3)
    assert flat_floor(8, smooth_function("tanh")).error < 2e-4
    floor = flat_floor(2, smooth_function("tanh"))
    assert abs(float(derivative("tanh", 4, floor.bias))) < 1e-2
    assert 7 * flat_floor(2, smooth_function("softplus"), bias=0.0).error == pytest.approx(8e-8, rel=0.5)


def test_beyond_all_digits() -> None:
    assert flat_floor(41, smooth_function("tanh")).error == 1
    assert flat_floor(20, smooth_function("tanh"), torch.float32).error == 1
    with pytest.raises(InputError, match="the derivative of order 2 is not 0"):
        flat_floor(2, smooth_function("tanh"), bias=0.0)
    with pytest.raises(InputError, match="one factor or more"):
        flat_floor(0, smooth_function("tanh"))


def test_where_half_of_the_units_are_enough() -> None:
    """Zeros of derivatives, by 60 digits: tanh′ and softplus′, softplus″ have none."""
    expected = {
        "tanh": [3, 4, 8],
        "softplus": [3, 7, 8],
        "silu": [2, 4, 8],
        "gelu": [2, 4, 8],
        "exp": [3, 7, 15],
    }
    for name, units in expected.items():
        assert [units_with_biases(n, smooth_function(name)) for n in (2, 3, 4)] == units
        for n in (2, 3, 4, 7):
            for b in half_biases(n, smooth_function(name)):
                assert abs(float(derivative(name, n - 1, b))) < 1e-9
                assert abs(float(derivative(name, n, b))) > 1e-6
    with pytest.raises(InputError, match="two factors or more"):
        half_biases(1, smooth_function("tanh"))


@pytest.mark.parametrize(("name", "n"), [("tanh", 3), ("tanh", 5), ("softplus", 4), ("silu", 2), ("gelu", 6)])
def test_the_floor_of_half_the_units(name: str, n: int) -> None:
    floor = half_floor(n, smooth_function(name))
    assert floor is not None
    signs = [s for s in all_signs(n) if s[0] == 1]
    found = worst(name, signs, floor.bias, floor.scale, torch.float64)
    assert 0.2 < found / floor.error < 4
    corner = max(abs(float(exact_error(name, signs, floor.bias, floor.scale, x))) for x in corners(n))
    assert floor.truncation == pytest.approx(corner, rel=0.05)
    assert half_floor(2, smooth_function("exp")) is None


def corners(n: int) -> list[tuple[float, ...]]:
    return [(1.0,) * n, (-1.0,) + (1.0,) * (n - 1)]


def test_scales_fall_with_the_format() -> None:
    scales = [
        flat_floor(4, smooth_function("tanh"), d, 0.5).scale
        for d in (torch.bfloat16, torch.float32, torch.float64)
    ]
    assert np.all(np.diff(scales) < 0)
