"""Random kernels one by one: for a convolution with so few inputs that their distribution is felt."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.networks.weights import Weights
from lensmaker.theories.statistical_ray.ensemble import Ensemble
from lensmaker.theories.statistical_ray.quasi_random import whitened


def random_kernels(
    weights: Weights, sigma_b: float, replicas: int, ensemble: Ensemble
) -> tuple[Tensor, Tensor | None]:
    """Kernels with the entries of the actual ones at each offset, shuffled and with random signs, and biases.

    With few inputs to each output the distribution of the entries matters, beyond their second moment. Those
    of a pooled layer come in pairs ±w, w wᵀ summing to just diag⟨w_δ²⟩ over the layer: the second moments of
    the outputs are exact, their odd moments vanish.

    Returns
    -------
    tuple
        (R·C_out, C_in/groups, *kernel), and (R·C_out,) or None.
    """
    entries = weights.weight.float().flatten(2).flatten(0, 1)  # one column for each offset
    count, fan_in = replicas * len(weights.weight), weights.weight.shape[1]
    exact = ensemble.pooled and count >= max(_MANY, 4 * (weights.weight[0].numel() + 1))
    drawn = (count + 1) // 2 if exact else count
    chosen = torch.randint(len(entries), (drawn * fan_in, entries.shape[1]), generator=ensemble.generator)
    kernels = (entries.gather(0, chosen) * ensemble.signs(*chosen.shape)).view(drawn, -1)
    biases = sigma_b * ensemble.normal(drawn, 1)
    both = torch.cat([kernels, biases], 1)
    if exact:
        moments = entries.square().mean(0).repeat(fan_in)
        scales = torch.cat([moments.sqrt(), torch.tensor([sigma_b])])
        used = scales > 0
        both[:, used] = whitened((both[:, used] / scales[used]).T.double()).T.float() * scales[used]
        order = torch.randperm(2 * drawn, generator=ensemble.generator)[:count]
        both = both[order % drawn] * torch.where(order < drawn, 1.0, -1.0).unsqueeze(1)
    kernels = both[:, :-1].reshape(count, *weights.weight.shape[1:])
    return kernels, both[:, -1] if sigma_b else None


_MANY = 256
"""Kernels of which half being the others' negatives is not felt."""
