"""How many probes and replicas a ray carries: enough virtual neurons, within a budget of numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from lensmaker.systems.networks import Family, Network, Train
from lensmaker.systems.networks.coupling import couplings


@dataclass(frozen=True)
class Sizing:
    """What limits a ray.

    Attributes
    ----------
    probes, batch_probes
        Most samples to follow; and where batch normalisation takes its statistics from them.
    neurons
        Virtual neurons wanted in a layer of median width.
    budget, live_budget
        Most numbers in all clouds together; and where batch normalisation takes its statistics from them, as
        the statistics of a whole batch are worth more than a wide layer.
    """

    probes: int = 16
    batch_probes: int = 64
    neurons: int = 4096
    budget: int = 2**23
    live_budget: int = 2**25

    def probes_for(self, network: Network, replicas: int | None = None) -> int:
        """How many probes to follow, where `replicas` of the network are wanted; None: what neurons ask for.

        Where the budget does not pay for all, probes and replicas are cut in proportion, but a few probes
        come first.
        """
        whole, samples = network.whole, network.batch.samples
        live_statistics = bool(couplings(whole, network.batch.axis))
        wanted = min(self.batch_probes if live_statistics else self.probes, samples)
        replicas = replicas or self.wanted_replicas(whole)
        budget = self.live_budget if live_statistics else self.budget
        affordable = int(budget / max(1, numbers_of_a_sample(whole)))
        in_proportion = math.isqrt(affordable * wanted // replicas)
        a_few = _LIVE_PROBES if live_statistics else min(_FEW_PROBES, affordable)
        return max(
            min(2, samples), min(wanted, max(in_proportion, a_few, affordable if live_statistics else 0))
        )

    def replicas_for(self, train: Train, at_least: int, at_most: int) -> int:
        """How many copies of the network the clouds hold."""
        affordable = self.budget // max(1, _numbers(train))
        return max(at_least, min(at_most, affordable))

    def wanted_replicas(self, train: Train) -> int:
        """Copies that give a layer of median width the wanted number of virtual neurons."""
        widths = [
            train.values[e.outputs[0]].shape[1 if e.operation.startswith("conv") else -1]
            for e in train.visible()
            if e.family is Family.LINEAR
        ]
        return math.ceil(self.neurons / max(1, median(widths))) if widths else 1

    def pooled_replicas(self, train: Train) -> int:
        """Copies of the network that one pooled layer is made of."""
        return self.replicas_for(train, 1, self.wanted_replicas(train))


_FEW_PROBES, _LIVE_PROBES = 6, 4


def numbers_of_a_sample(train: Train) -> float:
    """Numbers in all signals of one sample."""
    return _numbers(train) / train.samples


def _numbers(train: Train) -> int:
    shapes = [value.shape for e in train.visible() if (value := train.signal_output(e)) is not None]
    return sum(math.prod(shape) for shape in shapes)
