"""The ray against the closed kernel recursions of infinitely wide networks."""

from __future__ import annotations

import types

import numpy as np
import pytest
import torch
from torch import nn

from exact import arccosine_kernel, arcsine_kernel, dense_conv_recursion
from lensmaker.systems.networks import Network
from lensmaker.theories.mean_field import MeanField
from lensmaker.theories.statistical_ray.sizing import Sizing
from theories.clouds import Erf, grams, initialised, mean_cosine, normal, perceptron, sigmas, values

CASES = {
    "relu": (nn.ReLU, arccosine_kernel, 2**0.5, 0.0),
    "relu with biases": (nn.ReLU, arccosine_kernel, 1.3, 0.4),
    "erf, ordered": (Erf, arcsine_kernel, 0.8, 0.2),
    "erf, chaotic": (Erf, arcsine_kernel, 2.0, 0.3),
}


def closed(net: nn.Sequential, x: torch.Tensor, kernel: types.ModuleType) -> list[np.ndarray]:
    """Gram matrices after each linear layer, from the second moments of the actual weights."""
    found: list[np.ndarray] = []
    for layer in net:
        if isinstance(layer, nn.Linear):
            σ_w, σ_b = sigmas(layer)
            X = x.double().numpy()
            K = X @ X.T / X.shape[1] if not found else kernel.moment(found[-1])
            found.append(σ_w**2 * K + σ_b**2)
    return found


@pytest.mark.parametrize("width", [48, 500])
@pytest.mark.parametrize("case", CASES)
def test_fifty_layers_follow_the_closed_recursion_to_a_percent(case: str, width: int) -> None:
    activation, kernel, σ_w, σ_b = CASES[case]
    net = perceptron([30] + [width] * 50, activation, σ_w, σ_b)
    x = normal(16, 30, seed=5) + 0.5
    table = MeanField(finite_width=None).predict(Network(net, x))
    linear = [f"{i}:linear" for i, layer in enumerate(net) if isinstance(layer, nn.Linear)]
    q = {str(w): v for w, v in values(table, "second_moment").items()}
    c = {str(w): v for w, v in values(table, "correlation").items()}
    exact = closed(net, x, kernel)
    np.testing.assert_allclose([q[w] for w in linear], [np.diagonal(K).mean() for K in exact], rtol=0.01)
    np.testing.assert_allclose([c[w] for w in linear], [mean_cosine(K) for K in exact], atol=0.01)


@pytest.mark.parametrize("case", ["relu with biases", "erf, chaotic"])
def test_error_falls_at_least_as_the_root_of_the_neurons(case: str) -> None:
    activation, kernel, σ_w, σ_b = CASES[case]
    net = perceptron([20] + [16] * 6, activation, σ_w, σ_b)
    x = normal(6, 20, seed=5) + 0.5
    exact = closed(net, x, kernel)[-1]
    sizes = (256, 512, 1024, 2048)
    errors = []
    for n in sizes:
        deviations = [
            grams(Network(net, x), Sizing(neurons=n), seed)[f"{len(net) - 1}:linear"] / exact - 1
            for seed in range(8)
        ]
        errors.append(float(np.sqrt(np.mean(np.square(deviations)))))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope < -0.5, errors


@pytest.mark.parametrize("padding", ["zeros", "circular"])
@pytest.mark.parametrize("readout", ["flatten", "pool"])
def test_ten_convolutions_follow_the_pixel_pair_recursion_to_two_percent(padding: str, readout: str) -> None:
    size, channels, depth = 8, 32, 10
    layers: list[nn.Module] = []
    for i in range(depth):
        conv = nn.Conv2d(channels if i else 3, channels, 3, padding=1, padding_mode=padding)
        layers += [initialised(conv, 2**0.5, 0.2, seed=i), nn.ReLU()]
    end: list[nn.Module] = [nn.Flatten()] if readout == "flatten" else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    features = channels * size * size if readout == "flatten" else channels
    net = nn.Sequential(*layers, *end, initialised(nn.Linear(features, 64), 1.2, 0.1, seed=99))
    x = normal(6, 3, size, size, seed=7) + 0.3
    K = dense_conv_recursion.inputs(x.double().numpy())
    q = []
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            K = dense_conv_recursion.convolution(K, 3, padding, *sigmas(layer))
            q.append(float(np.einsum("ayxayx->", K)) / (len(x) * size**2))
        else:
            K = dense_conv_recursion.relu(K)
    read = (
        dense_conv_recursion.flatten_readout if readout == "flatten" else dense_conv_recursion.pooled_readout
    )
    found = grams(Network(net, x))
    places = [f"{i}:conv2d" for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)]
    np.testing.assert_allclose([np.diagonal(found[w]).mean() for w in places], q, rtol=0.02)
    np.testing.assert_allclose(found[f"{len(net) - 1}:linear"], read(K, *sigmas(net[-1])), rtol=0.02)
