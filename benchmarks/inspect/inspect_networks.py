"""The networks that `inspect` is timed on, each with a real or realistic batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lensmaker.data import photos
from lensmaker.data.mobilenet_v2 import MobileNetV2


@dataclass(frozen=True)
class Case:
    """A network to inspect."""

    name: str
    make: Callable[[], tuple[nn.Module, tuple[Tensor, Tensor]]]


class Tokens(nn.Module):
    """A 12-layer pre-norm transformer encoder that classifies sequences of vectors."""

    def __init__(self, width: int = 256, layers: int = 12) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 8, 4 * width, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Classify the mean token."""
        return self.head(self.encoder(x).mean(1))


def mobilenet() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """MobileNetV2 on 16 real photographs of 224 × 224."""
    return MobileNetV2(), (photos(224).x[:16], torch.arange(16))


def transformer() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """Twelve layers of width 256 on 16 sequences of 128 tokens."""
    return Tokens(), (torch.randn(16, 128, 256), torch.arange(16) % 10)


def deep() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """Two hundred ReLU layers of width 512 at their critical point, batch 256."""
    return perceptron(512, layers=200, samples=256)


def perceptron(width: int, layers: int, samples: int) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """ReLU layers at their critical point."""
    modules: list[nn.Module] = []
    for _ in range(layers):
        linear = nn.Linear(width, width)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        modules += [linear, nn.ReLU()]
    batch = torch.randn(samples, width), torch.arange(samples) % 10
    return nn.Sequential(*modules, nn.Linear(width, 10)), batch


def deep_of_many() -> tuple[nn.Module, tuple[Tensor, Tensor]]:
    """The same two hundred layers, batch 1024: what is read of the weights is the same."""
    return perceptron(512, layers=200, samples=1024)


CASES = (
    Case("mobilenet_v2", mobilenet),
    Case("transformer_12", transformer),
    Case("mlp_200", deep),
    Case("mlp_200_of_1024", deep_of_many),
)
loss_fn = F.cross_entropy
