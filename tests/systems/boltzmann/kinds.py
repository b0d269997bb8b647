"""A small machine of each kind, and data for it."""

from __future__ import annotations

import torch
from torch import Tensor

from lensmaker.systems.boltzmann import (
    Binary,
    Convolutional,
    Gaussian,
    Potts,
    Rectified,
    RestrictedBoltzmannMachine,
    Spin,
)

MACHINES = {
    "binary": lambda: RestrictedBoltzmannMachine(6, 4),
    "spin": lambda: RestrictedBoltzmannMachine(Spin(5), Spin(4)),
    "potts": lambda: RestrictedBoltzmannMachine(Potts(3, q=3), Binary(4)),
    "gaussian": lambda: RestrictedBoltzmannMachine(Gaussian(5), Binary(4)),
    "convolutional": lambda: RestrictedBoltzmannMachine(
        Spin(6), Spin(12), Convolutional((6,), (3,), filters=2)
    ),
    "unbiased": lambda: RestrictedBoltzmannMachine(Spin(5), Spin(4), biased=False),
}


def machine(kind: str, scale: float = 0.4) -> RestrictedBoltzmannMachine:
    """One with normal parameters."""
    made, generator = MACHINES[kind](), torch.Generator().manual_seed(3)
    for name, parameter in made.named_parameters():
        if made.biased or "bias" not in name:
            parameter.data = scale * torch.randn(parameter.shape, generator=generator)
    if kind == "convolutional":
        for layer, bias in (("visible", made.visible_bias), ("hidden", made.hidden_bias)):
            kinds = made.weights.alike(layer, bias.data)
            kinds.copy_(kinds[:, :1].expand_as(kinds).clone())
    return made


def some_data(m: RestrictedBoltzmannMachine, n: int = 64) -> Tensor:
    """Rows of its visible units in normal fields."""
    generator = torch.Generator().manual_seed(5)
    return m.visible.sample(torch.randn(m.visible.size, generator=generator).expand(n, -1), generator)


SUMMED = {
    "binary": lambda: RestrictedBoltzmannMachine(10, 6),
    "spin": lambda: RestrictedBoltzmannMachine(Spin(10), Spin(6)),
    "potts": lambda: RestrictedBoltzmannMachine(Potts(4, q=3), Binary(6)),
    "gaussian": lambda: RestrictedBoltzmannMachine(Gaussian(8, variance=0.5), Binary(6)),
    "rectified": lambda: RestrictedBoltzmannMachine(Binary(8), Rectified(5)),
    "convolutional": lambda: RestrictedBoltzmannMachine(
        Spin(9), Spin(18), Convolutional((9,), (3,), filters=2)
    ),
}
"""Of each kind one whose smaller layer is summed over at once."""
