"""The networks whose kernels are timed, on real digits: narrow ones, since only their σ_w and σ_b are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from lensmaker.data import mnist


@dataclass(frozen=True)
class Case:
    """A network with its inputs; `few` of them are enough to compare numbers."""

    name: str
    make: Callable[[], tuple[nn.Sequential, Tensor]]
    tangent: bool
    few: int


def dense() -> tuple[nn.Sequential, Tensor]:
    """Twenty dense layers with ReLU, 1500 digits."""
    layers: list[nn.Module] = [nn.Linear(784, 64)]
    for _ in range(19):
        layers += [nn.ReLU(), nn.Linear(64, 64)]
    return _drawn(layers), mnist().x[::3][:1500].flatten(1).float()


def convolutional() -> tuple[nn.Sequential, Tensor]:
    """Four 3 × 3 convolutions with ReLU and global average pooling, 16 digits of 14 × 14."""
    layers: list[nn.Module] = []
    for i in range(4):
        layers += [nn.Conv2d(32 if i else 1, 32, 3, padding=1), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)]
    return _drawn(layers), F.avg_pool2d(mnist().x[::312][:16].float(), 2)


def _drawn(layers: list[nn.Module]) -> nn.Sequential:
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.normal_(layer.bias, std=0.1)
    return nn.Sequential(*layers)


CASES = (
    Case("dense_20", dense, tangent=True, few=100),
    Case("conv_4_pooled", convolutional, tangent=True, few=2),
    Case("dense_20_nngp", dense, tangent=False, few=100),
)
