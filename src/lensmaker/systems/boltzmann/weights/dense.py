"""Weights between all units of two layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lensmaker.systems.boltzmann.weights.base import Weights


class Dense(Weights):
    """A matrix W_ij, (visible, hidden)."""

    kind = "dense"

    def __init__(self, visible: int, hidden: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.visible, self.hidden = visible, hidden
        self.parameter = nn.Parameter(torch.zeros(visible, hidden, dtype=dtype))

    @property
    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.addmm(bias, v, self.parameter, out=out)

    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return torch.addmm(bias, h, self.parameter.t(), out=out)

    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        into.addmm_(v.t(), h, beta=keep, alpha=scale)

    def add_outer_(self, into: Tensor, v: Tensor, h: Tensor, scale: float) -> None:
        into.addr_(v, h, alpha=scale)

    def applied_up(self, parameter: Tensor, v: Tensor) -> Tensor:
        return v @ parameter

    def applied_down(self, parameter: Tensor, h: Tensor) -> Tensor:
        return parameter @ h
