"""tanh networks: the predicted errors are those that real networks have."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from exact import quadrature_kernel
from lensmaker.core import Comparison
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField
from theories.benches import at, compared, half_square, measured
from theories.clouds import normal, perceptron, values

REGIMES = {"ordered": 0.9, "critical": 1.2755, "chaotic": 2.0}
SIGMA_B, DEPTH = 0.2, 30


def random_network(regime: str, width: int, seed: int) -> nn.Sequential:
    """Freshly drawn: the second moments of the weights fluctuate too."""
    net = perceptron([width] * (DEPTH + 1), nn.Tanh, 1.0, 1.0, seed)
    draw = torch.Generator().manual_seed(seed)
    for layer in net:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=REGIMES[regime] / math.sqrt(width), generator=draw)
            nn.init.normal_(layer.bias, std=SIGMA_B, generator=draw)
    return net


def comparisons(regime: str, width: int, networks: int) -> list[Comparison]:
    found = []
    for k in range(networks):
        net, x = random_network(regime, width, 1000 + k), normal(32, width, seed=k)
        found += compared(MeanField().predict(Network(net, x, half_square)), measured(net, x.clone()))
    return found


def assert_calibrated(found: list[Comparison], name: str, share: float) -> None:
    z = np.abs([c.z_score for c in at(found, name)])
    assert len(z) >= 2 * DEPTH - 1
    assert np.mean(z < 2) >= share
    assert z.max() < 6
    assert np.median(z) > 0.2


@pytest.mark.parametrize("regime", REGIMES)
def test_errors_are_calibrated(regime: str) -> None:
    found = comparisons(regime, width=200, networks=4)
    for name in ("second_moment", "correlation", "chi"):
        assert_calibrated(found, name, 0.85)


@pytest.mark.slow
@pytest.mark.parametrize("regime", REGIMES)
def test_errors_are_calibrated_at_width_1000_over_20_networks(regime: str) -> None:
    found = comparisons(regime, width=1000, networks=20)
    for name in ("second_moment", "correlation", "chi", "gradient"):
        assert_calibrated(found, name, 0.9)


@pytest.mark.parametrize("regime", REGIMES)
def test_gradients_grow_by_chi_for_each_layer(regime: str) -> None:
    """Backwards from a gradient that does not depend on the output, over layers whose q is stationary."""
    net, x = random_network(regime, 400, seed=3), normal(16, 400, seed=3)
    loss = Loss(normal(16, 400, seed=4))
    predicted = values(MeanField(finite_width=None).predict(Network(net, x, loss)), "gradient")
    by_layer = [v for w, v in predicted.items() if w.operation == "linear"]
    first, last = 10, 28
    growth = (by_layer[first] / by_layer[last]) ** (1 / (last - first))
    σ_w = REGIMES[regime]
    q = quadrature_kernel.iterated_fixed_point(
        lambda q: quadrature_kernel.q_map(np.tanh, q, σ_w, SIGMA_B), 1.0
    )
    χ = quadrature_kernel.chi(lambda u: 1 - np.tanh(u) ** 2, q, σ_w)
    assert growth == pytest.approx(χ, rel=0.03)


class Loss:
    def __init__(self, weights: torch.Tensor) -> None:
        self.weights = weights

    def __call__(self, y: torch.Tensor) -> torch.Tensor:
        return (self.weights[: len(y)] * y).sum()
