"""Real networks measured with nothing but torch: forward hooks, one random tangent for each sample, autograd."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from lensmaker.core import Comparison, Measurement, Prediction, Where, quantity

Key = tuple[str, str]


def measured(net: nn.Sequential, x: torch.Tensor, seed: int = 987) -> dict[Key, float]:
    """q, c, χ and, for the loss Σ y²/2, the gradient after each layer: (quantity, index of the layer) → value."""
    draw = torch.Generator().manual_seed(seed)
    found: dict[Key, float] = {}
    outputs = []
    primal, tangent = x, torch.randn(x.shape, generator=draw)
    for i, layer in enumerate(net):
        before = tangent
        primal, tangent = torch.func.jvp(layer, (primal,), (tangent,))
        rows = primal.detach().double().flatten(1)
        unit = rows / rows.norm(dim=1, keepdim=True)
        n = len(rows)
        found["second_moment", str(i)] = float(rows.square().mean())
        found["correlation", str(i)] = float((unit.sum(0).square().sum() - n) / (n * (n - 1)))
        found["chi", str(i)] = float(
            tangent.detach().double().square().mean() / before.detach().double().square().mean()
        )
    y = x.requires_grad_()
    for layer in net:
        y = layer(y)
        outputs.append(y)
    for i, g in enumerate(torch.autograd.grad(y.square().sum() / 2, outputs)):
        found["gradient", str(i)] = float(g.double().square().mean())
    return found


def half_square(y: torch.Tensor) -> torch.Tensor:
    """The loss whose gradient is the output."""
    return y.square().sum() / 2


def compared(predictions: Iterable[Prediction], found: dict[Key, float]) -> list[Comparison]:
    """Prediction and measurement side by side, wherever there are both; measurements count as exact."""
    comparisons = []
    for p in predictions:
        value = found.get((p.quantity.name, p.where.path))
        if value is not None:
            m = Measurement(quantity(p.quantity.name), p.where, value, 0.0, "torch", samples=1)
            comparisons.append(Comparison(p, m))
    return comparisons


def at(comparisons: list[Comparison], name: str) -> list[Comparison]:
    return [c for c in comparisons if c.quantity.name == name]


def where(path: str) -> Where:
    return Where(path)
