"""Initialisations that have a name: a weight that follows one of them is as it was meant to be."""

from __future__ import annotations

import math

from lensmaker.systems.networks import Element, Train
from lensmaker.systems.networks.weights import weights_of

FAN_IN = (1 / 3, 1.0, 2.0)
"""fan_in·Var(w) of PyTorch's default, of LeCun and of He."""

FAN_OUT = (1.0, 2.0)
"""fan_out·Var(w) of He in the direction of the gradient."""

MEAN_FAN = (1.0, 2.0)
"""½(fan_in + fan_out)·Var(w) of Glorot, and of Glorot with the gain of ReLU."""

DEVIATIONS = (0.02,)
"""Standard deviations of BERT, GPT-2 and their kin, whatever the width."""

_WINDOW = 0.05
"""Relative distance of variances that are one; more where few weights leave it uncertain."""

COMPANIONS = 2
"""Other weights of the network that follow a law, before a weight is taken to follow it and not to meet it."""


def follows_a_law_of_others(element: Element, train: Train) -> bool:
    """Whether a weight has the variance of an initialisation with a name that other weights have as well.

    Examples
    --------
    >>> import torch
    >>> from lensmaker.systems.networks import record
    >>> net = torch.nn.Sequential(*(torch.nn.Linear(n, m) for n, m in ((64, 64), (64, 512), (512, 9))))
    >>> for layer in net:
    ...     _ = torch.nn.init.normal_(layer.weight, 0, 0.02, generator=torch.Generator().manual_seed(0))
    >>> train = record(net, torch.ones(2, 64))
    >>> [follows_a_law_of_others(e, train) for e in train.elements]
    [True, True, True]
    >>> net[2].weight.data *= 2
    >>> train = record(net, torch.ones(2, 64))
    >>> [follows_a_law_of_others(e, train) for e in train.elements]
    [False, False, False]
    """
    own = _laws(element, train)
    others = [_laws(e, train) for e in train.visible() if e.index != element.index]
    return any(sum(law in laws for laws in others) >= COMPANIONS for law in own)


def _laws(element: Element, train: Train) -> set[str]:
    """The laws that the weight of an element follows."""
    weights = weights_of(element, train)
    if weights is None:
        return set()
    weight = weights.weight.detach().double()
    variance = float(weight.square().mean())
    if not 0 < variance < math.inf:
        return set()
    window = max(_WINDOW, 3 * math.sqrt(2 / weight.numel()))
    fan_in, fan_out = weights.fan_in, weights.fan_out
    laws = {f"fan-in {x}": x / fan_in for x in FAN_IN} | {f"fan-out {x}": x / fan_out for x in FAN_OUT}
    laws |= {f"mean {x}": 2 * x / (fan_in + fan_out) for x in MEAN_FAN}
    laws |= {f"deviation {x}": x**2 for x in DEVIATIONS}
    return {name for name, law in laws.items() if abs(math.log(variance / law)) < window}
