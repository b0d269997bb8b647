"""The cost of the statistical ray, counted: every number that an operation of it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from lensmaker.systems.networks import Network
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.reading import read
from lensmaker.theories.statistical_ray.sizing import Sizing
from lensmaker.theories.statistical_ray.walk import walk
from theories.clouds import generator, normal, perceptron

SAMPLES, LAYERS = 8, 6


class Counting(TorchDispatchMode):
    """Adds up the entries of all tensors that operations return, but for views of what they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        returned = func(*args, **(kwargs or {}))
        given = {_memory(t) for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        made = [t for t in tree_leaves(returned) if isinstance(t, Tensor) and _memory(t) not in given]
        self.numbers += sum(t.numel() for t in made)
        return returned


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def numbers_made(width: int) -> int:
    """By the mean-field ray through a perceptron of that width, forwards and backwards, its readings included."""
    net, x = perceptron([width] * (LAYERS + 1), nn.ReLU, 1.4, 0.0), normal(SAMPLES, width)
    network = Network(net, x, lambda y: y.square().mean())
    train, sizing = network.probes(SAMPLES), Sizing()
    gradients = network.boundary_gradients(train)
    ensemble = Ensemble(sizing.pooled_replicas(train), True, generator(0), SAMPLES)
    with Counting() as counted:
        walk(
            train, gradients, ensemble, lambda passage: read(passage, SAMPLES, SAMPLES, pooled=True) and None
        )
    return counted.numbers


def test_the_ray_costs_the_same_at_every_width() -> None:
    """Its clouds hold as many virtual neurons at width 64 as at 4096, where the weights have 4096 times the entries."""
    counts = [numbers_made(width) for width in (64, 1024, 4096)]
    assert counts[0] > 1e7
    assert max(counts) < 1.1 * min(counts)
