"""The same training for every network: a few steps on the digits, and the accuracy on those left out."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from patients import batch
from torch import Tensor, nn

STEPS, BATCH, RATE, HELD_OUT = 200, 128, 0.05, 360


def accuracy(
    model: nn.Module, shape: tuple[int, ...], change: Callable[[Tensor], Tensor], steps: int = STEPS
) -> float:
    """Test accuracy after `steps` of SGD with momentum 0.9 and clipped gradients, on inputs changed so.

    The learning rate falls to zero along a cosine: what is left at a constant one varies by 5 % between networks
    that differ in one weight.
    """
    x, y = batch(shape, 1797)
    x, generator = change(x), torch.Generator().manual_seed(0)
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(len(x) - HELD_OUT, (BATCH,), generator=generator)
        optimiser.zero_grad()
        F.cross_entropy(model(x[chosen]), y[chosen]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        return float((model(x[-HELD_OUT:]).argmax(1) == y[-HELD_OUT:]).float().mean())
