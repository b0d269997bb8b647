from __future__ import annotations

import numpy as np
import pytest

from exact import residual
from exact.wide_networks import z_scores


@pytest.mark.parametrize("alpha", [1.0, 0.25])
def test_growth_is_the_mean_over_random_networks(alpha: float) -> None:
    """Branches W relu(V x) of σ_w² = 1 and 2, which keep the mean of q exactly at any width."""
    rng = np.random.default_rng(7)
    n, depth, draws = 32, 5, []
    for _ in range(4000):
        x = rng.normal(size=n)
        x *= np.sqrt(n) / np.linalg.norm(x)
        for _ in range(depth):
            hidden = np.maximum(rng.normal(size=(n, n)) @ x * np.sqrt(2 / n), 0)
            x = x + alpha * rng.normal(size=(n, n)) @ hidden / np.sqrt(n)
        draws.append(x @ x / n)
    assert abs(float(z_scores(np.array(draws), np.array(residual.growth(alpha, depth))))) < 3.5
    assert np.std(draws) / np.sqrt(4000) < 0.02 * residual.growth(alpha, depth)


def test_scaled_branches_tend_to_e() -> None:
    assert residual.growth(1e-3, 10**6) == pytest.approx(np.e, rel=1e-6)
