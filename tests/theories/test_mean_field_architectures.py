"""Batch normalisation, residual branches, dropout and attention against their exact recursions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from exact import arccosine_kernel, batch_norm, residual, uniform_attention
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.statistical_ray.sizing import Sizing
from theories.clouds import initialised, normal, sigmas, values


def weighted_sum(y: torch.Tensor) -> torch.Tensor:
    """A loss whose gradient does not depend on the output."""
    return (y * normal(*y.shape, seed=77)).sum()


def predicted(net: nn.Module, x: torch.Tensor, quantity: str, operation: str, seed: int = 0) -> list[float]:
    table = MeanField(finite_width=None, seed=seed).predict(Network(net, x, weighted_sum))
    assert all(p.regime for p in table)
    return [v for w, v in values(table, quantity).items() if w.operation == operation]


@pytest.mark.parametrize("batch", [8, 32, 2048])
def test_batch_norm_makes_gradients_grow(batch: int) -> None:
    width, depth = 128, 12
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [
            initialised(nn.Linear(width, width, bias=False), 1.0, seed=i),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        ]
    found = []
    for seed in range(3):
        g = predicted(nn.Sequential(*layers), normal(batch, width), "gradient", "linear", seed)
        found.append((g[1] / g[9]) ** (1 / 8))
    assert np.mean(found) == pytest.approx(batch_norm.gradient_growth(batch), rel=0.01)


class Residual(nn.Module):
    """x + α W₂ relu(W₁ x), the branch keeping the second moment."""

    def __init__(self, width: int, depth: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.up = nn.ModuleList(
            initialised(nn.Linear(width, width, bias=False), 1.0, seed=i) for i in range(depth)
        )
        self.down = nn.ModuleList(
            initialised(nn.Linear(width, width, bias=False), math.sqrt(2), seed=1000 + i)
            for i in range(depth)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for up, down in zip(self.up, self.down, strict=True):
            x = x + self.alpha * down(F.relu(up(x)))
        return x


@pytest.mark.parametrize("alpha", [1.0, 50**-0.5])
def test_residual_branches_add_their_second_moments(alpha: float) -> None:
    x = normal(8, 64)
    q = predicted(Residual(64, 50, alpha), x, "second_moment", "add")
    exact = [float(x.square().mean()) * residual.growth(alpha, depth) for depth in range(1, 51)]
    np.testing.assert_allclose(q, exact, rtol=0.01)


def test_dropout_keeps_the_correlation_of_an_input_with_itself_below_one() -> None:
    rate, width = 0.3, 100
    layers: list[nn.Module] = []
    for i in range(20):
        layers += [initialised(nn.Linear(width, width), 1.1, 0.3, seed=i), nn.ReLU(), nn.Dropout(rate)]
    x = normal(1, width).expand(16, -1).contiguous()
    net = nn.Sequential(*layers)
    # Masks are as random as weights: their noise of 1 % in 4096 neurons is brought down to 0.4 %.
    theory = MeanField(finite_width=None, sizing=Sizing(neurons=16_384, budget=2**25))
    table = theory.predict(Network(net, x))
    q, c = (
        [v for w, v in values(table, name).items() if w.operation == "linear"]
        for name in ("second_moment", "correlation")
    )
    moment = np.full((2, 2), float(x.square().mean()))
    for layer, found_q, found_c in zip(layers[::3], q, c, strict=True):
        σ_w, σ_b = sigmas(layer)
        dropped = np.eye(2) * np.diagonal(moment) * rate / (1 - rate) if layer is not layers[0] else 0
        K = σ_w**2 * (moment + dropped) + σ_b**2
        np.testing.assert_allclose([found_q, found_c], [K[0, 0], K[0, 1] / K[0, 0]], rtol=0.015)
        moment = arccosine_kernel.moment(K)
    assert c[-1] < 0.9


class Attention(nn.Module):
    """Blocks whose queries and keys are so small that all positions weigh the same."""

    def __init__(self, features: int, depth: int, sigma: float, causal: bool, skip: bool) -> None:
        super().__init__()
        self.causal, self.skip = causal, skip

        def maps(std: float, seed: int) -> nn.ModuleList:
            return nn.ModuleList(
                initialised(nn.Linear(features, features, bias=False), std, seed=seed + i)
                for i in range(depth)
            )

        self.queries, self.keys = maps(1e-3, 0), maps(1e-3, 100)
        self.inner, self.outer = maps(sigma, 200), maps(1.0, 300)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for q, k, v, o in zip(self.queries, self.keys, self.inner, self.outer, strict=True):
            heads = [w(x).unflatten(-1, (4, -1)).transpose(1, 2) for w in (q, k, v)]
            y = o(F.scaled_dot_product_attention(*heads, is_causal=self.causal).transpose(1, 2).flatten(2))
            x = x + y if self.skip else y
        return x


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("skip", [False, True])
def test_tokens_become_parallel_under_attention(causal: bool, skip: bool) -> None:
    features, depth, σ, tokens = 64, 6, 0.8, 12
    net = Attention(features, depth, σ, causal, skip)
    x = normal(6, tokens, features, seed=2) + 0.2
    last = "add" if skip else "linear"
    cosine = predicted(net, x, "token_correlation", last)
    q = predicted(net, x, "second_moment", last)
    if not skip:
        cosine, q = cosine[3::4], q[3::4]  # the output maps
    kernels = [np.asarray(s @ s.T) / features for s in x.double().numpy()]
    A = uniform_attention.weights(tokens, causal)
    for found_q, found_c in zip(q, cosine, strict=True):
        kernels = [uniform_attention.layer(K, A, σ, skip) for K in kernels]
        assert found_q == pytest.approx(np.mean([np.diagonal(K).mean() for K in kernels]), rel=0.02)
        assert found_c == pytest.approx(
            np.mean([uniform_attention.token_cosine(K) for K in kernels]), abs=0.02
        )
    entropy = predicted(net, x, "attention_entropy", "scaled_dot_product_attention")
    expected = np.mean(np.log(np.arange(1, tokens + 1))) if causal else math.log(tokens)
    np.testing.assert_allclose(entropy, expected, rtol=1e-3)
