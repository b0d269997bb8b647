"""Layers made of kernels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensmaker.systems.networks import record
from lensmaker.theories.field_equation.layer_field import LayerField
from lensmaker.theories.field_equation.theory import read


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def field_of(weight: Tensor) -> LayerField:
    d = weight.ndim - 2
    conv = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[d](
        weight.shape[1], weight.shape[0], weight.shape[2:], bias=False
    )
    conv.weight = nn.Parameter(weight)
    return read(record(conv, torch.ones(1, weight.shape[1], *[9] * d, dtype=torch.float64)))[0]
