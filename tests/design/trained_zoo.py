"""Eleven small networks, each of another architecture, trained on real data to a stated accuracy, by seed."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from design.networks import Applied
from lensmaker.data import digits, fashion_mnist, mnist, photos

Loss = Callable[[Any, Tensor], Tensor]


@dataclass(frozen=True)
class Split:
    """Training and held-out samples with their targets."""

    x: Tensor
    y: Tensor
    held_x: Tensor
    held_y: Tensor


@dataclass(frozen=True)
class Course:
    """How a network is made and trained, and what it must reach on what it has not seen.

    Attributes
    ----------
    goal
        Least score on the held-out samples: the accuracy, or the fraction of variance explained.
    """

    make: Callable[[], nn.Module]
    data: Callable[[], Split]
    optimiser: Callable[[Any], torch.optim.Optimizer]
    steps: int
    goal: float
    batch: int = 64
    loss: Loss = F.cross_entropy

    @property
    def name(self) -> str:
        return self.make.__name__

    def train(self, model: nn.Module, steps: int, seed: int = 0) -> nn.Module:
        """So many steps of the course, the learning rate falling to zero as a cosine; left in eval mode."""
        data, generator = self.data(), torch.Generator().manual_seed(seed)
        optimiser = self.optimiser([p for p in model.parameters() if p.requires_grad])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        model.train()
        for _ in range(steps):
            rows = torch.randint(len(data.x), (self.batch,), generator=generator)
            optimiser.zero_grad()
            self.loss(model(data.x[rows]), data.y[rows]).backward()
            optimiser.step()
            schedule.step()
        return model.eval()

    def held_out(self, model: nn.Module) -> tuple[float, float]:
        """Loss and score on the held-out samples, in eval mode."""
        data, mode = self.data(), model.training
        with torch.no_grad():
            out = model.eval()(data.held_x)
        model.train(mode)
        loss = float(self.loss(out, data.held_y))
        if data.held_y.is_floating_point():
            return loss, 1 - float(F.mse_loss(out, data.held_y) / data.held_y.var())
        return loss, float((out.argmax(1) == data.held_y).float().mean())

    def samples(self, n: int = 64) -> tuple[Tensor, Tensor]:
        """The first samples of the training set with their targets."""
        data = self.data()
        return data.x[:n], data.y[:n]


def trained(course: Course, folder: Path) -> nn.Module:
    """The network of a course, from `folder` if it lies there, trained and put there otherwise."""
    source = inspect.getsource(sys.modules[__name__]) + torch.__version__
    path = folder / f"{course.name}-{hashlib.sha256(source.encode()).hexdigest()[:16]}.pt"
    torch.manual_seed(0)
    model = course.make()
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    course.train(model, course.steps)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), path)
    return model


# -- data -------------------------------------------------------------------------------------------


def _split(x: Tensor, y: Tensor, held: int) -> Split:
    rows = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    x, y = x[rows], y[rows]
    return Split(x[held:], y[held:], x[:held], y[:held])


@cache
def small_digits() -> Split:
    data = digits().normalised()
    assert data.y is not None
    return _split(data.x, data.y, 400)


@cache
def handwriting() -> Split:
    data = mnist().normalised()
    assert data.y is not None
    return _split(data.x, data.y, 1000)


@cache
def clothes() -> Split:
    data = fashion_mnist()
    assert data.y is not None
    return _split((data.x[:8000] - 0.286) / 0.353, data.y[:8000], 1000)


@cache
def small_handwriting() -> Split:
    """14 × 14 pixels, to be given back as they are."""
    x = F.avg_pool2d(mnist().normalised().x, 2).flatten(1)
    return _split(x, x, 1000)


@cache
def a_photo() -> Split:
    """Coordinates in [−1, 1]² of a photo's pixels, and their colours; every eighth pixel is held out."""
    image = F.interpolate(photos().x[:1], size=(64, 64), mode="area")[0]
    axis = torch.linspace(-1, 1, 64)
    places = torch.cartesian_prod(axis, axis)
    return _split(places, 2 * image.flatten(1).T - 1, 512)


# -- networks ---------------------------------------------------------------------------------------


def relu_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
        nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def tanh_mlp() -> nn.Module:
    widths = [64, 96, 96, 96, 96, 96]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(96, 10))


def cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 49, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.skip = nn.Identity() if stride == 1 else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(y)) + self.skip(x)).relu()


def resnet_bn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


def pre_ln_transformer() -> nn.Module:
    """Rows of a digit as tokens, with learned positions."""
    layer = nn.TransformerEncoderLayer(48, 4, 96, 0.1, F.gelu, batch_first=True, norm_first=True)
    net = Applied(
        lambda m, x: m.head(m.norm(m.encoder(m.embed(x[:, 0]) + m.places)).mean(1)),
        embed=nn.Linear(8, 48),
        encoder=nn.TransformerEncoder(layer, 3, enable_nested_tensor=False),
        norm=nn.LayerNorm(48),
        head=nn.Linear(48, 10),
    )
    net.places = nn.Parameter(0.02 * torch.randn(8, 48))
    return net


def lstm() -> nn.Module:
    return Applied(
        lambda m, x: m.head(m.rnn(x[:, 0])[0][:, -1]),
        rnn=nn.LSTM(8, 64, batch_first=True),
        head=nn.Linear(64, 10),
    )


def gru() -> nn.Module:
    """Two layers over the rows of handwriting, halved."""
    return Applied(
        lambda m, x: m.head(m.rnn(F.avg_pool2d(x, 2)[:, 0])[0].mean(1)),
        rnn=nn.GRU(14, 48, 2, batch_first=True, dropout=0.1),
        head=nn.Linear(48, 10),
    )


def autoencoder() -> nn.Module:
    return nn.Sequential(
        nn.Linear(196, 128), nn.ELU(), nn.Linear(128, 24), nn.Linear(24, 128), nn.ELU(), nn.Linear(128, 196)
    )


def dropout_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
    )  # fmt: skip


class Mixer(nn.Module):
    """Four blocks that mix patches, then channels, each after a layer norm and beside a skip."""

    def __init__(self, patches: int = 16, width: int = 32) -> None:
        super().__init__()
        self.embed = nn.Linear(16, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.across = nn.ModuleList(self._mlp(patches, 2 * patches) for _ in range(2))
        self.within = nn.ModuleList(self._mlp(width, 2 * width) for _ in range(2))
        self.head = nn.Linear(width, 10)

    @staticmethod
    def _mlp(width: int, hidden: int) -> nn.Module:
        return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(F.pad(x, (2, 2, 2, 2)), 2)
        x = self.embed(x.unfold(2, 4, 4).unfold(3, 4, 4).flatten(4).flatten(1, 3))
        for i in range(2):
            x = x + self.across[i](self.norms[2 * i](x).mT).mT
            x = x + self.within[i](self.norms[2 * i + 1](x))
        return self.head(x.mean(1))


def gelu_mixer() -> nn.Module:
    return Mixer()


def siren() -> nn.Module:
    """sin(30 W x) first, as V. Sitzmann et al. (2020) initialise it."""
    layers = [nn.Linear(2, 128), nn.Linear(128, 128), nn.Linear(128, 128), nn.Linear(128, 3)]
    nn.init.uniform_(layers[0].weight, -0.5, 0.5)
    for layer in layers[1:]:
        nn.init.uniform_(layer.weight, -((6 / 128) ** 0.5) / 30, (6 / 128) ** 0.5 / 30)

    def forward(m: Any, x: Tensor) -> Tensor:
        x = torch.sin(30 * m.a(x))
        x = torch.sin(30 * m.b(x))
        return m.d(torch.sin(30 * m.c(x)))

    return Applied(forward, **dict(zip("abcd", layers, strict=True)))


def _adam(rate: float, decay: float = 0.0) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda p: torch.optim.Adam(p, rate, weight_decay=decay)


def _sgd(rate: float, decay: float = 0.0) -> Callable[[Any], torch.optim.Optimizer]:
    return lambda p: torch.optim.SGD(p, rate, 0.9, weight_decay=decay)


COURSES = (
    Course(relu_mlp, handwriting, _sgd(0.05), 1500, 0.93),
    Course(tanh_mlp, small_digits, _adam(1e-3), 1200, 0.95),
    Course(cnn, handwriting, _adam(1e-3), 500, 0.96),
    Course(resnet_bn, clothes, _sgd(0.1, 5e-4), 500, 0.84),
    Course(pre_ln_transformer, small_digits, lambda p: torch.optim.AdamW(p, 2e-3), 800, 0.95),
    Course(lstm, small_digits, _adam(3e-3), 1000, 0.95),
    Course(gru, handwriting, lambda p: torch.optim.RMSprop(p, 2e-3), 800, 0.93),
    Course(autoencoder, small_handwriting, _adam(2e-3), 1500, 0.85, loss=F.mse_loss),
    Course(dropout_mlp, clothes, _adam(1e-3, 1e-4), 1500, 0.83),
    Course(gelu_mixer, handwriting, _adam(3e-3), 1200, 0.92),
    Course(siren, a_photo, _adam(3e-4), 1000, 0.85, batch=512, loss=F.mse_loss),
)
"""Every course."""
