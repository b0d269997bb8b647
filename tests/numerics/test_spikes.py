from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lensmaker.numerics.spikes import find_spikes

SHAPES = [(2, 9), (10, 10), (10, 100), (27, 64)]
LAWS = {
    "gaussian": lambda size, g: torch.randn(size, generator=g, dtype=torch.float64),
    "uniform": lambda size, g: 2 * torch.rand(size, generator=g, dtype=torch.float64) - 1,
}


def eigenvalues(X: torch.Tensor) -> np.ndarray:
    return torch.linalg.eigvalsh(X @ X.mT).flip(-1).clamp_min(0).numpy()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("p", "n"), SHAPES)
def test_false_alarms_are_at_most_the_stated_rate(law: str, p: int, n: int) -> None:
    """At the level 1e-2 over 1000 matrices: at most 10 expected, 24 with probability below 1e-4."""
    all_λ = eigenvalues(LAWS[law]((1000, p, n), torch.Generator().manual_seed(3)))
    found = [find_spikes(λ, n, 1e-2) for λ in all_λ]
    assert sum(f.count > 0 for f in found) <= 24
    assert [f.count > 0 for f in found] == [f.p_value < 1e-2 for f in found]
    assert np.mean([f.variance for f in found]) == pytest.approx({"uniform": 1 / 3}.get(law, 1.0), rel=0.05)


def test_false_alarms_are_not_far_fewer() -> None:
    """At the level 5e-2 of 1000 matrices of 64 × 200, between 20 and 75: the test is not a blind one."""
    all_λ = eigenvalues(LAWS["gaussian"]((1000, 64, 200), torch.Generator().manual_seed(4)))
    assert 20 <= sum(find_spikes(λ, 200, 5e-2).count > 0 for λ in all_λ) <= 75


def planted(strength: float, spikes: int, p: int, n: int, seed: int) -> np.ndarray:
    """Noise of variance 1 with `spikes` singular values added, `strength` times Baik's threshold (pn)^¼."""
    g = torch.Generator().manual_seed(seed)
    X = torch.randn(p, n, generator=g, dtype=torch.float64)
    left, _ = torch.linalg.qr(torch.randn(p, spikes, generator=g, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(n, spikes, generator=g, dtype=torch.float64))
    return eigenvalues(X + strength * (p * n) ** 0.25 * left @ right.T)


@pytest.mark.parametrize(("p", "n"), [(200, 200), (150, 600)])
@pytest.mark.parametrize("spikes", [1, 3, 20])
def test_spikes_above_the_threshold_are_counted(p: int, n: int, spikes: int) -> None:
    counts = [find_spikes(planted(2.5, spikes, p, n, seed), n).count for seed in range(10)]
    assert counts == [spikes] * 10


@pytest.mark.parametrize(("p", "n"), [(200, 200), (150, 600)])
def test_spikes_below_the_threshold_are_not_seen(p: int, n: int) -> None:
    assert [find_spikes(planted(0.5, 3, p, n, seed), n).count for seed in range(10)] == [0] * 10


def test_spike_stands_where_theory_says() -> None:
    """s² = (1 + θ²)(λ + θ²)/θ² for a planted θ in units of √n (Benaych-Georges, Nadakuditi 2012)."""
    p, n, strength = 300, 900, 2.0
    λ, θ = p / n, strength * (p / n) ** 0.25
    seen = np.mean([planted(strength, 1, p, n, seed)[0] for seed in range(10)]) / n
    assert seen == pytest.approx((1 + θ**2) * (λ + θ**2) / θ**2, rel=0.02)


def test_variance_is_that_of_the_noise_beside_strong_spikes() -> None:
    found = find_spikes(planted(20.0, 20, 200, 300, 5), 300)
    assert found.count == 20
    assert found.variance == pytest.approx(1.0, rel=4 * math.sqrt(2 / (180 * 280)))


@pytest.mark.parametrize("p", [1, 2, 50])
def test_equal_eigenvalues_are_no_spikes(p: int) -> None:
    found = find_spikes(np.full(p, 7.0), p)
    assert found.count == 0
    assert found.p_value > 0.1


def test_rank_is_the_count_without_noise() -> None:
    assert find_spikes(np.array([9.0, 4.0, 1.0] + [0.0] * 47), 50).count == 3
    assert find_spikes(np.zeros(50), 50).count == 0
