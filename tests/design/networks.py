"""Networks for diagnosis: healthy ones of many kinds, and such as do not train."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.core import Training
from lensmaker.design.evidence import Evidence
from lensmaker.instruments.attention import AttentionEntropy
from lensmaker.instruments.jacobian import Jacobian
from lensmaker.instruments.saturation import Saturation
from lensmaker.instruments.signals import Signals
from lensmaker.instruments.together import measure_together
from lensmaker.systems.networks import Network
from lensmaker.systems.networks.prescription import prescribe
from lensmaker.theories.mean_field import MeanField

Init = Callable[[Tensor], object]


def he(weight: Tensor) -> None:
    """σ_w = √2: critical for ReLU."""
    nn.init.kaiming_normal_(weight)


def lecun(weight: Tensor) -> None:
    """σ_w = 1: critical for tanh without biases."""
    nn.init.normal_(weight, std=weight[0].numel() ** -0.5)


def perceptron(
    depth: int,
    width: int = 64,
    act: Callable[[], nn.Module] = nn.ReLU,
    init: Init | None = None,
    inputs: int = 32,
    seed: int = 0,
) -> nn.Sequential:
    """`depth` hidden layers and a readout; PyTorch's initialisation without an `init`."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for i in range(depth):
        layer = nn.Linear(inputs if i == 0 else width, width)
        if init is not None:
            init(layer.weight)
            nn.init.zeros_(layer.bias)
        layers += [layer, act()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def convolutions(
    init: Init | None = None,
    norm: bool = False,
    channels: tuple[int, ...] = (8, 8, 16, 16, 32),
    seed: int = 0,
) -> nn.Sequential:
    """3×3 convolutions with ReLU, global average pooling and a readout."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    before = 3
    for after in channels:
        layer = nn.Conv2d(before, after, 3, padding=1)
        if init is not None:
            init(layer.weight)
            nn.init.zeros_(layer.bias)
        layers += [layer, *([nn.BatchNorm2d(after)] if norm else []), nn.ReLU()]
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


class Applied(nn.Module):
    """A function of its submodules and the input as a network."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.function = function

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.function(self, *inputs, **named)


def recurrent() -> nn.Module:
    """An LSTM that classifies sequences."""
    torch.manual_seed(0)
    return Applied(
        lambda m, x: m.head(m.rnn(x)[0][:, -1]),
        rnn=nn.LSTM(8, 16, 2, batch_first=True),
        head=nn.Linear(16, 10),
    )


def transformer(norm_first: bool) -> nn.Module:
    """Two encoder layers that classify sequences."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)
    return Applied(
        lambda m, x: m.head(m.encoder(x).mean(1)),
        encoder=nn.TransformerEncoder(layer, 2, enable_nested_tensor=False),
        head=nn.Linear(8, 10),
    )


def dense_connections() -> nn.Module:
    """Each layer sees all layers before it, as in DenseNet."""
    torch.manual_seed(0)

    def forward(m: Any, x: Tensor) -> Tensor:
        x = m.stem(x).relu()
        for layer in (m.a, m.b):
            x = torch.cat([x, layer(x).relu()], 1)
        return m.head(x)

    return Applied(
        forward, stem=nn.Linear(32, 16), a=nn.Linear(16, 8), b=nn.Linear(24, 8), head=nn.Linear(32, 10)
    )


def unet() -> nn.Module:
    """Down, up by a transposed convolution, and a concatenation across."""
    torch.manual_seed(0)

    def forward(m: Any, x: Tensor) -> Tensor:
        fine = m.down(x).relu()
        coarse = m.middle(nn.functional.max_pool2d(fine, 2)).relu()
        return m.out(torch.cat([fine, m.up(coarse).relu()], 1)).mean((2, 3))

    return Applied(
        forward,
        down=nn.Conv2d(3, 8, 3, padding=1),
        middle=nn.Conv2d(8, 16, 3, padding=1),
        up=nn.ConvTranspose2d(16, 8, 2, stride=2),
        out=nn.Conv2d(16, 10, 1),
    )


class Block(nn.Module):
    """x + BN(conv(ReLU(BN(conv x)))), then ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.norm2(self.conv2(self.norm1(self.conv1(x)).relu()))).relu()


def resnet() -> nn.Sequential:
    """Three blocks with batch norm."""
    torch.manual_seed(0)
    stem = [nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(
        *stem, *(Block(8) for _ in range(3)), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
    )


def vectors(samples: int = 12, inputs: int = 32) -> tuple[Tensor, Tensor]:
    """Random inputs and classes."""
    return _batch(samples, inputs)


def images(samples: int = 6, size: int = 8) -> tuple[Tensor, Tensor]:
    """Random images and classes."""
    return _batch(samples, 3, size, size)


def sequences(samples: int = 6, length: int = 5) -> tuple[Tensor, Tensor]:
    """Random sequences and classes."""
    return _batch(samples, length, 8)


def _batch(*shape: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, generator=generator), torch.randint(10, shape[:1], generator=generator)


def tokens() -> tuple[Tensor, Tensor]:
    """Sequences of eight vectors, and a class for each."""
    return torch.randn(16, 8, 32, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10


def evidence_on(
    model: nn.Module, batch: Any, training: Training = Training.FRESH, loss: Any = nn.functional.cross_entropy
) -> Evidence:
    """What `inspect` lays before the aberrations, without spectra and error bars."""
    network = Network(model, batch, loss)
    together = measure_together(network, [Signals(), Saturation(), AttentionEntropy()])
    measurements = sum(together.values(), Jacobian().measure(network))
    predictions = MeanField(finite_width=None).predict(network)
    train = network.whole
    return Evidence(network, train, prescribe(train), predictions, measurements, training)
