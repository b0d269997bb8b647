"""Networks of every kind that the bench must read, each with an example batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class Applied(nn.Module):
    """A function of its submodules and the input as a network."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)
        self.function = function

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.function(self, *inputs, **named)


class Overwriting(nn.Module):
    """In-place operations of every spelling: on the whole, on views, on constants, by `out` and `inplace`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Linear(6, 6)
        self.token = nn.Parameter(torch.randn(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first(x))
        x += self.second(x)
        column = x[:, 0]
        pairs = x.view(-1, 3, 2)
        column.mul_(2)
        F.elu(pairs[:, 1], inplace=True)
        x[:, 0] = 0
        x[:, 2:4] = self.token
        canvas = torch.zeros(len(x), 8)
        canvas[:, 1:7] = x
        canvas[:, 0] += 1
        return canvas.index_add_(1, torch.tensor([0]), column.unsqueeze(1)) + pairs.flatten(1).mean()


@torch.no_grad()
def _overwriting_without_gradients(m: Any, x: Tensor) -> Tensor:
    """What autograd forbids: `out`, and in-place operations on views that come several at a time."""
    x = m.a(x)
    left, right = x.chunk(2, dim=1)
    left.add_(right)
    torch._foreach_mul_([left, right], 2.0)
    collected = torch.empty_like(x)
    torch.tanh(x, out=collected)
    return x.copy_(collected).clamp_(max=right.mean())


class PreNormBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.RMSNorm(width)
        self.attn = nn.MultiheadAttention(width, 2, batch_first=True)
        self.gate, self.up, self.down = (nn.Linear(width, width, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm_1(x)
        x = x + self.attn(h, h, h, need_weights=False)[0]
        h = self.norm_2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Language(nn.Module):
    """Embeddings, causal attention written out, and a head tied to the embedding."""

    def __init__(self, vocabulary: int = 11, width: int = 8) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(16, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids: Tensor) -> Tensor:
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        scores = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(
            torch.ones(ids.shape[1], ids.shape[1]).triu(1).bool(), -torch.inf
        )
        return self.head(x + scores.softmax(-1) @ v)


class BasicBlock(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = None
        if stride > 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


def resnet18(width: int = 4, classes: int = 5) -> nn.Sequential:
    """He et al. 2016, table 1, with `width` channels where the original has 64."""
    stages, channels = [], width
    for stage in range(4):
        out = width * 2**stage
        blocks = [BasicBlock(channels, out, 1 if stage == 0 else 2), BasicBlock(out, out, 1)]
        stages.append(nn.Sequential(*blocks))
        channels = out
    stem = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    pool = nn.MaxPool2d(3, 2, 1)
    return nn.Sequential(
        *stem, pool, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)
    )


def mobile_block() -> nn.Module:
    """Inverted residual with a squeeze-and-excitation gate."""

    def forward(m: Any, x: Tensor) -> Tensor:
        h = F.hardswish(m.depthwise(F.relu6(m.expand(x))))
        return x + m.project(h * F.hardsigmoid(m.excite(F.relu(m.squeeze(F.adaptive_avg_pool2d(h, 1))))))

    return Applied(
        forward,
        expand=nn.Conv2d(4, 12, 1),
        depthwise=nn.Conv2d(12, 12, 3, padding=1, groups=12),
        squeeze=nn.Conv2d(12, 3, 1),
        excite=nn.Conv2d(3, 12, 1),
        project=nn.Conv2d(12, 4, 1),
    )


def unet() -> nn.Module:
    def forward(m: Any, x: Tensor) -> Tensor:
        fine = m.down(x).relu()
        coarse = m.middle(F.max_pool2d(fine, 2)).relu()
        upsampled = F.interpolate(m.up(coarse), scale_factor=2, mode="bilinear")
        return m.out(torch.cat([fine, F.avg_pool2d(upsampled, 2), F.pixel_shuffle(m.shuffled(coarse), 2)], 1))

    return Applied(
        forward,
        down=nn.Conv2d(1, 4, 3, padding="same", padding_mode="circular"),
        middle=nn.Conv2d(4, 6, 3, padding=2, dilation=2),
        up=nn.ConvTranspose2d(6, 4, 2, stride=2),
        shuffled=nn.Conv2d(6, 8, 1),
        out=nn.Conv2d(10, 2, 1),
    )


def _recurrent_packed(m: Any, x: Tensor) -> Tensor:
    packed = pack_padded_sequence(m.project(x), torch.tensor([5, 3, 2]), batch_first=True)
    padded, lengths = pad_packed_sequence(m.rnn(packed)[0], batch_first=True)
    return padded.sum(1) / lengths.unsqueeze(1)


def _convnext(m: Any, x: Tensor) -> Tensor:
    h = m.norm(m.depthwise(x).permute(0, 2, 3, 1))
    return x + m.narrow(F.gelu(m.wide(h))).permute(0, 3, 1, 2)


def _unrolled(m: Any, x: Tensor) -> Tensor:
    h = c = x.new_zeros(len(x), 4)
    for step in x.unbind(1):
        h, c = m.lstm(step, (h, c))
        h = m.gru(step, h)
    return h


def _einsums(m: Any, x: Tensor) -> Tensor:
    q = torch.einsum("btd,hde->bhte", x, m.q.weight.view(2, 6, 3))
    attention = torch.einsum("bhqe,bhke->bhqk", q, q).softmax(-1)
    return torch.einsum("bhqk,bkd->bqd", attention, x) + torch.addmm(m.q.bias, x[0], m.q.weight)


ARCHITECTURES: dict[str, Callable[[], tuple[nn.Module, Any]]] = {
    "perceptron": lambda: (
        nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 4), nn.GELU(), nn.Linear(4, 2)),
        torch.randn(3, 1, 4, 4),
    ),
    "overwriting": lambda: (Overwriting(), torch.randn(3, 6)),
    "overwriting without gradients": lambda: (
        Applied(_overwriting_without_gradients, a=nn.Linear(6, 6)),
        torch.randn(3, 6),
    ),
    "resnet18": lambda: (resnet18(), torch.randn(2, 3, 32, 32)),
    "vgg": lambda: (
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1),
            nn.ReLU(True),
            nn.Conv2d(4, 4, 3, padding=1),
            nn.ReLU(True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 3, padding=1),
            nn.ReLU(True),
            nn.Dropout(0.5),
            nn.Flatten(),
            nn.Linear(128, 3),
        ),
        torch.randn(2, 3, 8, 8),
    ),
    "mobile block": lambda: (mobile_block(), torch.randn(2, 4, 6, 6)),
    "convnext block": lambda: (
        Applied(
            _convnext,
            depthwise=nn.Conv2d(4, 4, 7, padding=3, groups=4),
            norm=nn.LayerNorm(4),
            wide=nn.Linear(4, 16),
            narrow=nn.Linear(16, 4),
        ),
        torch.randn(2, 4, 9, 9),
    ),
    "u-net": lambda: (unet(), torch.randn(2, 1, 8, 8)),
    "conv1d": lambda: (
        nn.Sequential(
            nn.Conv1d(2, 4, 3, dilation=2),
            nn.InstanceNorm1d(4, affine=True),
            nn.SiLU(),
            nn.AvgPool1d(2),
            nn.ConvTranspose1d(4, 2, 3, stride=2),
            nn.AdaptiveMaxPool1d(2),
        ),
        torch.randn(2, 2, 16),
    ),
    "conv3d": lambda: (
        nn.Sequential(
            nn.Conv3d(1, 4, 3),
            nn.GroupNorm(2, 4),
            nn.Softplus(),
            nn.MaxPool3d(2),
            nn.ConvTranspose3d(4, 2, 2),
        ),
        torch.randn(2, 1, 6, 6, 6),
    ),
    "attention, weights asked": lambda: (
        Applied(lambda m, x: m.attn(x, x, x, need_weights=True)[0], attn=nn.MultiheadAttention(8, 2)),
        torch.randn(2, 5, 8),
    ),
    "pre-norm blocks": lambda: (nn.Sequential(PreNormBlock(8), PreNormBlock(8)), torch.randn(2, 5, 8)),
    "transformer encoder": lambda: (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        torch.randn(2, 5, 8),
    ),
    "transformer decoder": lambda: (
        nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 1),
        ((torch.randn(2, 4, 8), torch.randn(2, 5, 8)), None),
    ),
    "language": lambda: (Language(), torch.randint(11, (2, 7))),
    "lstm": lambda: (
        Applied(lambda m, x: m.rnn(x)[0].mean(1), rnn=nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True)),
        torch.randn(2, 5, 3),
    ),
    "gru, packed": lambda: (
        Applied(_recurrent_packed, project=nn.Linear(3, 3), rnn=nn.GRU(3, 4, batch_first=True)),
        torch.randn(3, 5, 3),
    ),
    "cells": lambda: (Applied(_unrolled, lstm=nn.LSTMCell(3, 4), gru=nn.GRUCell(3, 4)), torch.randn(2, 5, 3)),
    "parametrised": lambda: (
        nn.Sequential(
            parametrizations.weight_norm(nn.Linear(6, 6)),
            nn.ReLU(),
            parametrizations.spectral_norm(nn.Linear(6, 6)),
            nn.ReLU(),
            parametrizations.orthogonal(nn.Linear(6, 6)),
        ),
        torch.randn(3, 6),
    ),
    "einsum": lambda: (Applied(_einsums, q=nn.Linear(6, 6)), torch.randn(2, 6, 6)),
    "fourier": lambda: (
        Applied(
            lambda m, x: m.out(torch.fft.irfft(torch.fft.rfft(m.a(x)) * 0.5)),
            a=nn.Linear(8, 8),
            out=nn.Linear(8, 2),
        ),
        torch.randn(2, 8),
    ),
    "autocast": lambda: (
        Applied(_under_autocast, a=nn.Linear(8, 8), norm=nn.LayerNorm(8), b=nn.Linear(8, 2)),
        torch.randn(2, 8),
    ),
    "bfloat16": lambda: (
        nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 2)).bfloat16(),
        torch.randn(2, 8).bfloat16(),
    ),
    "float64": lambda: (
        nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ELU(), nn.Linear(8, 2)).double(),
        torch.randn(2, 8).double(),
    ),
    "no_grad": lambda: (
        Applied(torch.no_grad()(lambda m, x: m.b(m.a(x).relu_())), a=nn.Linear(4, 4), b=nn.Linear(4, 2)),
        torch.randn(2, 4),
    ),
    "inference_mode": lambda: (
        Applied(
            torch.inference_mode()(lambda m, x: m.b(m.a(x).relu_())), a=nn.Linear(4, 4), b=nn.Linear(4, 2)
        ),
        torch.randn(2, 4),
    ),
}
"""Name → a function that makes the network and its batch."""

WITHOUT_GRADIENTS = {"overwriting without gradients", "no_grad", "inference_mode"}
"""The networks that run without autograd of their own accord."""


def _under_autocast(m: Any, x: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return m.b(m.norm(m.a(x)).relu())


def build(name: str, seed: int = 0) -> tuple[nn.Module, Any]:
    """The network of that name in evaluation mode, and its batch."""
    torch.manual_seed(seed)
    model, batch = ARCHITECTURES[name]()
    return model.eval(), batch
