"""Many series at once are those series one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from lensmaker.core import InputError
from lensmaker.numerics.autocorrelation import autocorrelation, autocorrelations


@pytest.mark.parametrize(("count", "chains", "steps"), [(3, 2, 40), (600, 1, 1000), (1, 1, 4)])
def test_one_by_one(count: int, chains: int, steps: int) -> None:
    """600 series of 1000 steps are more than are looked at together; one stands still."""
    x = np.random.default_rng(0).normal(size=(count, chains, steps))
    x[::2] = x[::2].cumsum(-1)
    x[-1] = 3.0
    assert autocorrelations(x) == [autocorrelation(series) for series in x]


def test_by_the_sum_over_lags() -> None:
    """τ = ½ + Σ ρ(t) to the window, with the bias of the mean taken off; and a window that is asked for."""
    x = np.random.default_rng(1).normal(size=500)
    x = x + 0.8 * np.roll(x, 1)
    y = x - x.mean()
    for shortest in (1, 30):
        found = autocorrelation(x, shortest=shortest)
        ρ = [y[t:] @ y[: len(y) - t] / (len(y) - t) / y.var() for t in range(1, found.window + 1)]
        expected = (0.5 + sum(ρ)) * (1 + (2 * found.window + 1) / 500)
        assert found.time == pytest.approx(expected, rel=1e-12)
        assert found.window >= shortest
    assert found.window == 30


def test_short_series_are_refused() -> None:
    with pytest.raises(InputError, match="at least four steps of a chain, but got 3"):
        autocorrelations(np.ones((2, 1, 3)))
