"""What is learnt: how parameters enter, which decides the size of each layer's part in the tangent kernel."""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor

from lensmaker.systems.networks.weights import Weights
from lensmaker.theories.kernel_recursion.laws import Scales


class Parametrisation(Enum):
    """In what the gradient of the tangent kernel is taken."""

    NTK = "w = σ_w ω/√fan_in, b = σ_b β: the kernel has a limit, and a bias that is zero learns nothing"
    STANDARD = "the weights and biases themselves, as PyTorch trains them: the kernel grows with the width"


def scales(weights: Weights, parametrisation: Parametrisation) -> Scales:
    """σ_w² = fan_in·⟨w²⟩ and σ_b² = ⟨b²⟩ of a layer, and the factors of its own part in Θ.

    Examples
    --------
    >>> from lensmaker.systems.networks import record
    >>> from lensmaker.systems.networks.weights import weights_of
    >>> layer = torch.nn.Linear(4, 4)
    >>> _, _ = torch.nn.init.constant_(layer.weight, 0.5), torch.nn.init.zeros_(layer.bias)
    >>> train = record(layer, torch.ones(1, 4))
    >>> scales(weights_of(train.elements[0], train), Parametrisation.STANDARD)
    Scales(weight=1.0, bias=0.0, learning_weight=4, learning_bias=1.0)
    """
    weight = weights.fan_in * _mean_square(weights.weight)
    bias = 0.0 if weights.bias is None else _mean_square(weights.bias)
    if parametrisation is Parametrisation.NTK:
        return Scales(weight, bias, weight, bias)
    return Scales(weight, bias, weights.fan_in, 0.0 if weights.bias is None else 1.0)


def _mean_square(tensor: Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)) ** 2 / tensor.numel()
