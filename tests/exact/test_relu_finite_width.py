from __future__ import annotations

import numpy as np
import pytest

from exact import relu_finite_width
from exact.wide_networks import z_scores


def test_moments_are_those_of_random_networks() -> None:
    """Plain networks of 16 and 8 units: E[q] = 1 and E[q²] before and after the last ReLU."""
    rng = np.random.default_rng(11)
    draws = []
    for _ in range(40_000):
        x = np.full(4, 1.0)
        for n in (16, 8):
            h = rng.normal(0, np.sqrt(2 / len(x)), (n, len(x))) @ x
            x = np.maximum(h, 0)
        before, after = (h @ h) / 16, 2 * (x @ x) / 16
        draws.append((before, after, before**2, after**2))
    expected = [
        1.0,
        1.0,
        relu_finite_width.relative_second_moment([16, 8], before_relu=True),
        relu_finite_width.relative_second_moment([16, 8]),
    ]
    z = z_scores(np.array(draws), np.array(expected))
    assert np.abs(z).max() < 3.5


def test_log_moments_are_those_of_the_sampled_law_and_tend_to_the_log_normal() -> None:
    rng = np.random.default_rng(12)
    logs = np.log(relu_finite_width.sample(64, 1, 400_000, rng))
    mean, variance = relu_finite_width.log_moments(64)
    assert abs(float(z_scores(logs, np.array(mean)))) < 3.5
    assert abs(float(z_scores((logs - mean) ** 2, np.array(variance)))) < 3.5
    wide_mean, wide_variance = relu_finite_width.log_moments(4096)
    assert (wide_mean, wide_variance) == (
        pytest.approx(-2.5 / 4096, rel=2e-3),
        pytest.approx(5 / 4096, rel=2e-3),
    )


def test_log_normal_median_at_the_width_that_is_tested() -> None:
    """At n = 64, L = 50 the exact median is the log-normal one up to its own error of order L/n²."""
    median = np.exp(50 * relu_finite_width.log_moments(64)[0])
    assert median == pytest.approx(relu_finite_width.median(64, 50), rel=50 * 5 / 64**2)


def test_second_moment_of_the_law_is_the_product() -> None:
    draws = relu_finite_width.sample(64, 3, 400_000, np.random.default_rng(13))
    expected = relu_finite_width.relative_second_moment([64] * 3)
    assert abs(float(z_scores(draws**2, np.array(expected)))) < 3.5
