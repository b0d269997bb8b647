from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.numerics.tracy_widom import quantile, survival

# A. Bejan, "Largest eigenvalues and sample covariance matrices" (2005), Table 1: P(TW₁ < s).
PUBLISHED = {0.9: 0.4501, 0.95: 0.9793, 0.99: 2.0234, 0.995: 2.4224, 0.999: 3.2724}


@pytest.mark.parametrize(("probability", "s"), PUBLISHED.items())
def test_published_quantiles(probability: float, s: float) -> None:
    assert quantile(1 - probability) == pytest.approx(s, abs=7e-4)


def test_published_moments() -> None:
    """Mean −1.2065335745820, variance 1.607781034581, skewness 0.29346452408 (Bornemann 2010, Table 10)."""
    s = np.linspace(-9.5, 12, 1001)
    below = 1 - np.array([survival(x) for x in s])
    middle, probability = (s[1:] + s[:-1]) / 2, np.diff(below)
    h = s[1] - s[0]
    mean = (middle * probability).sum()
    variance = ((middle - mean) ** 2 * probability).sum() - h**2 / 12
    third = ((middle - mean) ** 3 * probability).sum()
    assert mean == pytest.approx(-1.2065335745820, abs=2e-6)
    assert variance == pytest.approx(1.607781034581, abs=2e-5)
    assert third / variance**1.5 == pytest.approx(0.29346452408, abs=2e-4)


def test_far_tail_keeps_its_relative_precision() -> None:
    """1 − F₁(s) → ½ ∫_s^∞ Ai(x) dx ≈ exp(−⅔ s^{3/2}) / (4 √π s^{3/4}), the trace of the kernel."""
    from scipy.integrate import quad
    from scipy.special import airy

    for s in (5.0, 20.0, 60.0):
        trace = quad(lambda x: airy(x)[0] / 2, s, s + 15, epsabs=0)[0]
        assert survival(s) == pytest.approx(trace, rel=1e-3 if s == 5 else 1e-9)


def test_survival_falls_from_one_to_zero() -> None:
    values = [survival(s) for s in np.linspace(-12, 100, 300)]
    assert values[0] == 1
    assert values[-1] < 1e-280
    assert all(a >= b for a, b in itertools.pairwise(values))


@pytest.mark.parametrize("level", [0.5, 1e-3, 1e-9])
def test_quantile_inverts_survival(level: float) -> None:
    assert survival(quantile(level)) == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_impossible_level_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="a level in"):
        quantile(level)
