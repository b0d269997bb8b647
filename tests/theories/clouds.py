"""What the tests of the statistical ray share: random networks, and the Gram matrices that a ray carries."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from lensmaker.core import Prediction, Table, Where
from lensmaker.numerics.seeding import stream
from lensmaker.systems.networks import Network
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.sizing import Sizing
from lensmaker.theories.statistical_ray.walk import Passage, walk


class Erf(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.erf(x)


def generator(seed: int) -> torch.Generator:
    """The stream that a user gets by this seed."""
    return torch.Generator().manual_seed(seed)


def perceptron(
    widths: list[int], activation: Callable[[], nn.Module], sigma_w: float, sigma_b: float, seed: int = 0
) -> nn.Sequential:
    """Linear layers of the given widths with the activation between them."""
    layers: list[nn.Module] = []
    for n, m in itertools.pairwise(widths):
        layers += [
            initialised(nn.Linear(n, m, bias=sigma_b > 0), sigma_w, sigma_b, seed + len(layers)),
            activation(),
        ]
    return nn.Sequential(*layers[:-1])


def initialised(layer: nn.Module, sigma_w: float, sigma_b: float = 0.0, seed: int = 0) -> nn.Module:
    """Gaussian weights and biases of second moments σ_w²/fan_in, at each offset of a kernel, and σ_b²."""
    draw = generator(seed)
    fan_in = layer.weight[0].numel()
    nn.init.normal_(layer.weight, generator=draw)
    with torch.no_grad():
        size = layer.weight.square().mean((0, 1), keepdim=True).sqrt()
        layer.weight *= sigma_w / math.sqrt(fan_in) / size
    if layer.bias is not None:
        nn.init.normal_(layer.bias, std=sigma_b, generator=draw)
    return layer


def sigmas(layer: nn.Module) -> tuple[float, float]:
    """(σ_w, σ_b) of the actual weights."""
    w = layer.weight.detach().double()
    b = 0.0 if layer.bias is None else float(layer.bias.detach().double().square().mean().sqrt())
    return math.sqrt(w[0].numel() * float(w.square().mean())), b


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed))


def passages(
    network: Network,
    note: Callable[[Passage], None],
    sizing: Sizing | None = None,
    seed: int = 0,
) -> None:
    """Send a pooled ray through the network."""
    sizing = sizing or Sizing()
    train = network.probes(sizing.probes_for(network))
    ensemble = Ensemble(sizing.pooled_replicas(train), True, stream("clouds", seed), network.batch.samples)
    walk(train, network.boundary_gradients(train), ensemble, note, seed)


def grams(network: Network, sizing: Sizing | None = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Mean product of the units of two probes, over positions too, at each place: (probes, probes)."""
    found: dict[str, np.ndarray] = {}

    def note(passage: Passage) -> None:
        x = passage.output.double().flatten(2)
        found[str(passage.element.where)] = (x @ x.mT).mean(0).numpy() / x.shape[2]

    passages(network, note, sizing, seed)
    return found


def values(table: Table[Prediction], quantity: str) -> dict[Where, float]:
    return {p.where: p.value for p in table if p.quantity.name == quantity}


def mean_cosine(K: np.ndarray) -> float:
    """Mean over the pairs of different samples."""
    root = np.sqrt(np.diagonal(K))
    cosines = K / np.outer(root, root)
    n = len(K)
    return float((cosines.sum() - n) / (n * (n - 1)))
