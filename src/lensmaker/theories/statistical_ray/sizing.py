"""How many probes and replicas a ray carries: enough virtual neurons, within a budget of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

from lensmaker.systems.networks import Family, Network, Train


@dataclass(frozen=True)
class Sizing:
    """What limits a ray.

    Attributes
    ----------
    probes
        Most samples to follow; None: 16, or 64 where batch normalisation takes its statistics from them.
    neurons
        Virtual neurons wanted in a layer of median width.
    budget
        Most numbers in all clouds together.
    """

    probes: int | None = None
    neurons: int = 4096
    budget: int = 2**23

    def probes_for(self, network: Network, copies: int = 8) -> int:
        """How many probes to follow through `network`, where each is carried by so many copies."""
        whole = network.whole
        live_statistics = any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training for m in network.model.modules()
        )
        wanted = self.probes or (64 if live_statistics else 16)
        affordable = self.budget // max(1, copies * _numbers(whole) // whole.samples)
        return max(min(2, whole.samples), min(wanted, whole.samples, affordable))

    def replicas_for(self, train: Train, at_least: int, at_most: int) -> int:
        """How many copies of the network the clouds hold."""
        affordable = self.budget // max(1, _numbers(train))
        return max(at_least, min(at_most, affordable))

    def pooled_replicas(self, train: Train) -> int:
        """Copies that give a layer of median width the wanted number of virtual neurons."""
        widths = [
            train.values[e.outputs[0]].shape[1 if e.operation.startswith("conv") else -1]
            for e in train.visible()
            if e.family is Family.LINEAR
        ]
        wanted = math.ceil(self.neurons / median(widths)) if widths else 1
        return self.replicas_for(train, 1, wanted)


def _numbers(train: Train) -> int:
    shapes = [value.shape for e in train.visible() if (value := train.signal_output(e)) is not None]
    return sum(math.prod(shape) for shape in shapes)


def generator(seed: int) -> torch.Generator:
    """A generator of its own for a ray."""
    return torch.Generator().manual_seed(seed)
