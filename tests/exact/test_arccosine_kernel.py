from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from exact import arccosine_kernel, arcsine_kernel
from exact.wide_networks import gram_after, z_scores

KERNELS = {"relu": (arccosine_kernel, lambda x: np.maximum(x, 0)), "erf": (arcsine_kernel, erf)}


@pytest.mark.parametrize("c", [1.0, 0.0, -1.0])
def test_relu_at_special_correlations(c: float) -> None:
    K = 2.0 * np.array([[1.0, c], [c, 1.0]])
    assert arccosine_kernel.moment(K)[0, 1] == pytest.approx(
        {1: 1.0, 0: 1 / np.pi, -1: 0.0}[int(c)], abs=1e-15
    )
    assert arccosine_kernel.slope_moment(K)[0, 1] == pytest.approx(
        {1: 0.5, 0: 0.25, -1: 0.0}[int(c)], abs=1e-15
    )


@pytest.mark.parametrize("c", [1.0, 0.0, -1.0])
def test_erf_at_special_correlations(c: float) -> None:
    K = 0.5 * np.array([[1.0, c], [c, 1.0]])
    assert arcsine_kernel.moment(K)[0, 1] == pytest.approx(c / 3, abs=1e-15)
    assert arcsine_kernel.slope_moment(K)[0, 1] == pytest.approx(4 / np.pi / np.sqrt(4 - c * c), abs=1e-15)


@pytest.mark.parametrize("name", KERNELS)
def test_slope_kernel_is_the_derivative_of_the_moment_kernel(name: str) -> None:
    kernel, _ = KERNELS[name]
    K = np.array([[1.3, 0.4], [0.4, 0.7]])
    step = 1e-5 * np.array([[0.0, 1.0], [1.0, 0.0]])
    slope = (kernel.moment(K + step) - kernel.moment(K - step))[0, 1] / 2e-5
    assert kernel.slope_moment(K)[0, 1] == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("name", KERNELS)
def test_recursion_is_the_mean_over_wide_networks(name: str) -> None:
    """Three layers of 512 units, 160 networks: their bias of order 1/n is below the standard error."""
    kernel, function = KERNELS[name]
    rng = np.random.default_rng(5)
    X = rng.normal(size=(3, 10))
    sigma_w, sigma_b = 1.3, 0.4
    expected = kernel.recursion(arccosine_kernel.first(X, sigma_w, sigma_b), 3, sigma_w, sigma_b)[-1]
    draws = np.stack([gram_after(X, function, (512,) * 3, sigma_w, sigma_b, rng) for _ in range(160)])
    assert np.abs(z_scores(draws, expected)).max() < 3.5
    assert draws.std(0, ddof=1).max() / np.sqrt(160) < 0.015 * expected.max(), "a 5 % bias would be seen"


def test_critical_relu_keeps_the_diagonal_and_the_tangent_kernel_grows_by_it() -> None:
    K = np.array([[1.0, 0.3], [0.3, 2.0]])
    kernels = arccosine_kernel.recursion(K, 30, 2**0.5, 0.0)
    tangents = arccosine_kernel.tangent_recursion(K, 30, 2**0.5, 0.0)
    np.testing.assert_allclose(np.diagonal(kernels[-1]), [1.0, 2.0], rtol=1e-13)
    np.testing.assert_allclose(np.diagonal(tangents[-1]), [30.0, 60.0], rtol=1e-13)


def test_tangent_kernel_is_that_of_a_wide_network_s_gradients() -> None:
    """Θ = Σ over all parameters of ∂f/∂ω ∂f/∂ω′, of one network with 40000 hidden units."""
    rng = np.random.default_rng(1)
    X, n, sigma_w, sigma_b = rng.normal(size=(2, 6)), 40_000, 1.4, 0.3
    X[1] -= 2 * X[0]  # a correlation that one layer changes much
    K = arccosine_kernel.first(X, sigma_w, sigma_b)
    W = rng.normal(0, sigma_w / np.sqrt(6), (6, n))
    h = X @ W + rng.normal(0, sigma_b, n)
    v = rng.normal(size=n)
    back = sigma_w / np.sqrt(n) * v * (h > 0)
    gradients = back @ back.T * K + sigma_w**2 / n * np.maximum(h, 0) @ np.maximum(h, 0).T + sigma_b**2
    expected = arccosine_kernel.tangent_recursion(K, 2, sigma_w, sigma_b)[-1]
    scale = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)))
    assert np.abs((gradients - expected) / scale).max() < 0.02, "four standard errors"
