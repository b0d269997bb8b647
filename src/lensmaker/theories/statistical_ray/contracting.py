"""The einsum of a weight with a signal: a random map of the axes that are summed, for each shared index its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lensmaker.systems.networks.weights import Equation, Weights
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.mixing import mix


def contract(
    x: Tensor, labels: Equation, weights: Weights, shape: tuple[int, ...], ensemble: Ensemble
) -> Tensor:
    """y_{s k o} = Σ_{i, r} W_{s o i} x_{s k r i}: s shared, k kept, o outward, i inward, r summed over alone.

    Parameters
    ----------
    x
        (R, *signal).
    labels, weights
        The equation, and its weight as a stack of matrices (s, o, i).
    shape
        Of the recorded result.
    """
    apart = [c for c in labels.signal if c not in labels.weight]
    kept = [c for c in apart if c in labels.result]
    summed = [c for c in apart if c not in labels.result]
    order = [*kept, *summed, *labels.shared, *labels.inward]
    rows = x.permute(0, *(1 + labels.signal.index(c) for c in order))
    sites = rows.shape[: 1 + len(apart)]
    stacks = rows.reshape(*sites, weights.groups, -1)
    scale = float(weights.weight.double().square().mean().sqrt())
    width = weights.weight.shape[0] // weights.groups
    y = torch.stack([mix(block, scale, width, ensemble) for block in stacks.unbind(-2)], -2)
    if summed:
        y = y.sum(tuple(range(1 + len(kept), 1 + len(apart))))
    made = [*kept, *labels.shared, *labels.outward]
    size = dict(zip(labels.result, shape, strict=True))
    y = y.reshape(len(x), *(size[c] for c in made))
    assert y.numel() == len(x) * math.prod(shape)
    return y.permute(0, *(1 + made.index(c) for c in labels.result))
