"""A case of the zoo: a network as its library initialises it, with a batch that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

Loss = Callable[..., torch.Tensor] | None
Subject = tuple[nn.Module, Any, Loss]


@dataclass(frozen=True)
class Case:
    """An architecture.

    Attributes
    ----------
    name
        For the table.
    make
        Network in training or evaluation mode, batch, and loss (None where the network returns its own);
        weights come from torch's global generator.
    batch_axis
        1 for sequence-first networks.
    """

    name: str
    make: Callable[[], Subject]
    batch_axis: int = 0
