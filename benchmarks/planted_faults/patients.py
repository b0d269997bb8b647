"""The healthy networks that faults are planted in: seven architectures on real digits, each at several depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lensmaker.data import digits

SAMPLES = 64


@dataclass(frozen=True)
class Patient:
    """An architecture.

    Attributes
    ----------
    name
        For the table.
    make
        Depth → network, drawn from torch's global generator.
    depths
        Depths to try.
    shape
        Shape of one sample.
    """

    name: str
    make: Callable[[int], nn.Module]
    depths: tuple[int, ...]
    shape: tuple[int, ...]


def batch(shape: tuple[int, ...], samples: int = SAMPLES, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Standardised digits of the given shape."""
    x, y = digits().normalised().batch(samples, torch.Generator().manual_seed(seed))
    return x.reshape(samples, *shape), y


def critical(weight: Tensor, gain: float) -> None:
    """σ_w² = gain."""
    nn.init.normal_(weight, std=(gain / weight[0].numel()) ** 0.5)


def perceptron(act: type[nn.Module], gain: float) -> Callable[[int], nn.Module]:
    """Linear layers at the critical point of their activation."""

    def make(depth: int) -> nn.Module:
        layers: list[nn.Module] = []
        for i in range(depth):
            linear = nn.Linear(64 if i == 0 else 128, 128)
            critical(linear.weight, gain)
            nn.init.zeros_(linear.bias)
            layers += [linear, act()]
        return nn.Sequential(*layers, nn.Linear(128, 10))

    return make


def convolutions(depth: int) -> nn.Module:
    """3×3 convolutions with ReLU at their critical point, and global pooling."""
    layers: list[nn.Module] = []
    for i in range(depth):
        conv = nn.Conv2d(1 if i == 0 else 32, 32, 3, padding=1)
        critical(conv.weight, 2.0)
        nn.init.zeros_(conv.bias)
        layers += [conv, nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class Block(nn.Module):
    """A residual block as in ResNet-18."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


def residual(depth: int) -> nn.Module:
    """A stem, residual blocks with batch normalisation, and global pooling."""
    net = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        *(Block(32) for _ in range(depth)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return net


class Branches(nn.Module):
    """x + b(ReLU(a x)) without normalisation, each branch scaled by 1/√depth."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.a = nn.ModuleList(nn.Linear(64, 64) for _ in range(depth))
        self.b = nn.ModuleList(nn.Linear(64, 64) for _ in range(depth))
        self.head = nn.Linear(64, 10)
        for layers, gain in ((self.a, 2.0), (self.b, 1 / depth)):
            for layer in layers:
                critical(layer.weight, gain)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for a, b in zip(self.a, self.b, strict=True):
            x = x + b(torch.relu(a(x)))
        return self.head(x)


class Rows(nn.Module):
    """A pre-norm transformer encoder that reads the rows of a digit."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.embed = nn.Linear(8, 64)
        self.place = nn.Parameter(0.5 * torch.randn(8, 64))
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(64), enable_nested_tensor=False)
        for p in self.encoder.parameters():  # the copies of one layer, drawn anew
            if p.ndim > 1:
                nn.init.xavier_uniform_(p)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x) + self.place).mean(1))


class Recurrent(nn.Module):
    """An LSTM that reads the rows of a digit."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 64, depth, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][:, -1])


PATIENTS = (
    Patient("ReLU MLP", perceptron(nn.ReLU, 2.0), (5, 8, 12), (64,)),
    Patient("tanh MLP", perceptron(nn.Tanh, 1.0), (5, 12, 20), (64,)),
    Patient("CNN", convolutions, (5, 7, 9), (1, 8, 8)),
    Patient("ResNet-BN", residual, (3, 5), (1, 8, 8)),
    Patient("residual MLP", Branches, (16, 32), (64,)),
    Patient("pre-LN transformer", Rows, (3, 6), (8, 8)),
    Patient("LSTM", Recurrent, (1, 2), (8, 8)),
)
