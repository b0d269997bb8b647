"""Exponents and collapse on synthetic data whose exponents are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, kstest

from lensmaker.core import InputError
from lensmaker.numerics.finite_size_scaling import Curve, collapse, power, quality

SIZES = [8.0, 16.0, 32.0, 64.0]


def curves(seed: int, noise: float = 0.01) -> list[Curve]:
    """y = L^(7/4) g((t − 2.27) L), g a Gaussian on a slope; errors of a given relative size."""
    draw, found = np.random.default_rng(seed), []
    for L in SIZES:
        t = 2.27 + np.linspace(-2, 2, 13) / L
        x = (t - 2.27) * L
        y = L**1.75 * (np.exp(-(x**2) / 4) + 0.3 - 0.1 * x)
        found.append(Curve(L, t, y * (1 + noise * draw.normal(size=len(t))), noise * y))
    return found


def test_the_errors_of_an_exponent_cover() -> None:
    """z of 400 fits is standard normal, and Σ z² and p-values are as they should be; a false alarm of 3e-4."""
    draw = np.random.default_rng(0)
    exact = 3.0 * np.array(SIZES) ** -0.125
    error = np.array([0.01, 0.02, 0.01, 0.03])
    fits = [power(SIZES, (exact + error * draw.normal(size=4)).tolist(), error.tolist()) for _ in range(400)]
    z = np.array([(f.exponent.value + 0.125) / f.exponent.error for f in fits])
    assert chi2.ppf(5e-5, 400) < (z**2).sum() < chi2.isf(5e-5, 400)
    assert kstest([f.p_value for f in fits], "uniform").pvalue > 1e-4
    assert fits[0].amplitude == pytest.approx(3.0, rel=0.1)


def test_a_correction_to_scaling_is_seen() -> None:
    values = [L**0.5 * (1 + 1 / L) for L in SIZES]
    assert power(SIZES, values, [1e-3 * v for v in values]).p_value < 1e-6


@pytest.mark.slow
def test_errors_are_wider_where_curves_do_not_fall_on_one() -> None:
    """Corrections of 3 % that are not of the form of the fit, in data of 0.5 %."""
    fair = collapse(curves(3), (2.27, 1.0, 1.75), resamples=20, seed=1)
    bent = [
        Curve(c.size, c.at, c.values * (1 + 0.6 / c.size * np.cos(9 * c.size * c.at)), c.errors)
        for c in curves(3)
    ]
    found = collapse(bent, (2.27, 1.0, 1.75), resamples=20, seed=1)
    assert found.quality > 2
    assert found.power.error > 1.3 * fair.power.error


def test_the_quality_is_about_one_where_curves_collapse() -> None:
    found = np.mean([quality(curves(seed), 2.27, 1.0, 1.75) for seed in range(10)])
    assert 0.7 < found < 1.4
    assert quality(curves(0), 2.27, 0.8, 1.75) > 5
    assert quality(curves(0), 2.27, 1.0, 1.65) > 5
    assert quality(curves(0), 2.28, 1.0, 1.75) > 5


def test_the_collapse_finds_what_was_put_in() -> None:
    """Within five errors, which are below 1 % and themselves known to a quarter."""
    found = collapse(curves(3), (2.25, 1.1, 1.6), resamples=8)
    for estimate, want in ((found.critical, 2.27), (found.inverse_nu, 1.0), (found.power, 1.75)):
        assert abs(estimate.value - want) < 5 * estimate.error
        assert estimate.error < 0.01 * want
    assert found.quality < 2


def test_a_cumulant_has_no_power() -> None:
    t = np.linspace(-1, 1, 15)
    flat = [Curve(L, t / L, np.tanh(t), 0.01 + 0 * t) for L in SIZES]
    found = collapse(flat, (0.01, 0.9, 0.0), resamples=5)
    assert found.power == (0.0, 0.0)
    assert found.inverse_nu.value == pytest.approx(1.0, abs=0.05)


def test_misuse() -> None:
    with pytest.raises(InputError, match="at two or more sizes, but got 1"):
        power([8.0], [1.0], [0.1])
    with pytest.raises(InputError, match="values and errors above 0"):
        power([8.0, 16.0], [1.0, -1.0], [0.1, 0.1])
    with pytest.raises(InputError, match="curves of two sizes or more"):
        collapse(curves(0)[:1], (2.27, 1.0, 1.75))
    with pytest.raises(InputError, match="curves that overlap"):
        collapse(curves(0), (90.0, 1.0, 1.75))
