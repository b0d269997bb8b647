from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from exact import arccosine_kernel, arcsine_kernel, quadrature_kernel


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


@pytest.mark.parametrize("c", [-0.95, -0.3, 0.0, 0.6, 0.97])
def test_gauss_hermite_is_the_arcsine_kernel(c: float) -> None:
    K = 1.4 * np.array([[1.0, c], [c, 1.0]])
    assert quadrature_kernel.pair_expectation(erf, 1.4, c) == pytest.approx(
        arcsine_kernel.moment(K)[0, 1], abs=1e-11
    )


@pytest.mark.parametrize("c", [-0.8, 0.0, 0.9])
def test_split_dblquad_is_the_arccosine_kernel(c: float) -> None:
    K = 1.4 * np.array([[1.0, c], [c, 1.0]])
    value = quadrature_kernel.kinked_pair_expectation(relu, 1.4, c)
    assert value == pytest.approx(arccosine_kernel.moment(K)[0, 1], abs=1e-10)


def test_recursion_of_erf_is_that_of_the_arcsine_kernel() -> None:
    K = 1.4 * np.array([[1.0, 0.3], [0.3, 1.0]])
    pairs = quadrature_kernel.c_recursion(erf, 1.4, 0.3, 12, 1.7, 0.2)
    for (q, c), kernel in zip(pairs, arcsine_kernel.recursion(K, 12, 1.7, 0.2), strict=True):
        assert (q, c) == (
            pytest.approx(kernel[0, 0], rel=1e-11),
            pytest.approx(kernel[0, 1] / kernel[0, 0], abs=1e-10),
        )


def test_chi_is_the_slope_of_the_correlation_map() -> None:
    q, step = 0.8, 1e-4
    C = [quadrature_kernel.pair_expectation(np.tanh, q, c) / q for c in (0.5 - step, 0.5 + step)]
    chi = quadrature_kernel.chi(lambda x: 1 / np.cosh(x) ** 2, q, 1.0, c=0.5)
    assert chi == pytest.approx((C[1] - C[0]) / (2 * step), rel=1e-7)


def test_plain_iteration_gives_up_aloud() -> None:
    with pytest.raises(RuntimeError, match="does not stand still"):
        quadrature_kernel.iterated_fixed_point(lambda q: q + 1, 1.0, limit=10)
