"""ReLU networks of finite width: the law of q, in the ensemble and in really sampled networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from exact import relu_finite_width
from lensmaker.core import quantity
from lensmaker.systems.networks import Network
from lensmaker.theories.finite_width import FiniteWidth
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.statistical_ray.sizing import Sizing
from theories.clouds import normal, perceptron

WIDTH, DEPTH, NETWORKS = 64, 16, 2000


def relu_network(seed: int) -> nn.Sequential:
    net = perceptron([WIDTH] * (DEPTH + 1), nn.ReLU, math.sqrt(2), 0.0, seed)
    return nn.Sequential(*net, nn.ReLU())


@pytest.fixture(scope="module")
def ensemble() -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation of ln q after each ReLU, relative to the infinite width's q."""
    x = normal(1, WIDTH)
    theory = FiniteWidth(networks=NETWORKS, sizing=Sizing(budget=2**25))
    table = theory.predict(Network(relu_network(0), x))
    found = [p for p in table if p.quantity is quantity("second_moment") and p.where.operation == "relu"]
    infinite = float(x.square().mean())
    return np.array([p.value / infinite for p in found]), np.array([p.error / p.value for p in found])


def test_median_and_variance_of_q_are_log_normal(ensemble: tuple[np.ndarray, np.ndarray]) -> None:
    """Both within four standard errors of 2,000 networks, beside the 1/n that the log-normal limit leaves out."""
    median, deviation = ensemble
    layers = np.arange(1, DEPTH + 1)
    mean, variance = relu_finite_width.log_moments(WIDTH)
    spread = np.sqrt(layers * variance)
    assert np.all(np.abs(np.log(median) - layers * mean) < 4 * spread / math.sqrt(NETWORKS))
    assert np.all(np.abs(deviation**2 / (layers * variance) - 1) < 4 * math.sqrt(2 / NETWORKS) + 0.02)
    log_normal = [relu_finite_width.median(WIDTH, int(n)) for n in layers]
    assert np.all(np.abs(np.log(median / log_normal)) < 4 * spread / math.sqrt(NETWORKS) + 5 / WIDTH * 0.3)
    limit = [relu_finite_width.variance(WIDTH, int(n)) for n in layers]
    np.testing.assert_allclose(np.expm1(deviation**2), limit, rtol=0.25)


def test_really_sampled_networks_have_that_law(ensemble: tuple[np.ndarray, np.ndarray]) -> None:
    median, deviation = ensemble
    x, draws = normal(1, WIDTH), 600
    draw = torch.Generator().manual_seed(5)
    h = x.expand(draws, 1, WIDTH)
    for _ in range(DEPTH):
        W = torch.randn(draws, WIDTH, WIDTH, generator=draw) * math.sqrt(2 / WIDTH)
        h = torch.relu(h @ W)
    log_q = np.log(h.double().square().mean((1, 2)).numpy() / float(x.square().mean()))
    error = deviation[-1] * math.sqrt(1 / draws + 1 / NETWORKS)
    assert abs(log_q.mean() - math.log(median[-1])) < 4 * error
    assert abs(log_q.std() / deviation[-1] - 1) < 4 * math.sqrt(0.5 / draws + 0.5 / NETWORKS) + 0.02


def test_mean_field_predicts_the_median_with_that_error() -> None:
    net, x = relu_network(1), normal(1, WIDTH)
    last = MeanField().predict(Network(net, x)).select(quantity="second_moment")[-1]
    mean, variance = relu_finite_width.log_moments(WIDTH)
    σ = math.sqrt(DEPTH * variance)
    assert math.log(last.value / float(x.square().mean())) == pytest.approx(DEPTH * mean, abs=0.35 * σ)
    assert last.error / last.value == pytest.approx(σ, rel=0.35)
