"""Products of rounded factors, for processors that are faster with short numbers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensmaker.core import InputError
from lensmaker.systems.boltzmann.weights.base import Weights
from lensmaker.systems.boltzmann.weights.dense import Dense

OPERANDS = (torch.bfloat16, torch.float16)
"""Types of numbers that factors may be rounded to."""


class Rounded(Dense):
    """A matrix whose products are taken of rounded factors; it shares W, which stays and learns in its own precision.

    bfloat16 has 8 bits: a term of a field is off by 0.4 % at most, 0 and 1 not at all.

    Parameters
    ----------
    of
        The matrix.
    operands
        What both factors of each product are rounded to.

    Raises
    ------
    InputError
        If weights are no matrix, or products cannot be taken of such operands.
    """

    def __init__(self, of: Weights, operands: torch.dtype) -> None:
        nn.Module.__init__(self)
        if operands not in OPERANDS:
            raise InputError("operands of bfloat16 or float16", f"{operands}", "pass operands=None")
        if type(of) is not Dense:
            raise InputError("dense weights for rounded operands", f"{of.kind} ones", "pass operands=None")
        self.visible, self.hidden, self.operands = of.visible, of.hidden, operands
        self.parameter = of.parameter
        self._version = -1
        self._low = torch.empty_like(of.parameter, dtype=operands, requires_grad=False)
        self._made: dict[tuple[str, torch.Size], Tensor] = {}

    def up(self, v: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return self._widened(torch.mm(self._rounded("v", v), self._weights), bias, out)

    def down(self, h: Tensor, bias: Tensor, out: Tensor | None = None) -> Tensor:
        return self._widened(torch.mm(self._rounded("h", h), self._weights.t()), bias, out)

    def add_products_(self, into: Tensor, v: Tensor, h: Tensor, scale: float, keep: float = 1.0) -> None:
        product = self._buffer("product", into, self.operands)
        torch.mm(self._rounded("v", v).t(), self._rounded("h", h), out=product)
        wide = self._buffer("wide", into, into.dtype).copy_(product)
        if keep != 1:
            into.mul_(keep) if keep else into.zero_()
        into.add_(wide, alpha=scale)

    @property
    def _weights(self) -> Tensor:
        """W rounded, once for each change of it."""
        W = self.parameter.detach()
        if self._version != W._version:
            self._low.copy_(W)
            self._version = W._version
        return self._low

    def _rounded(self, name: str, rows: Tensor) -> Tensor:
        return self._buffer(name, rows, self.operands).copy_(rows)

    def _buffer(self, name: str, like: Tensor, dtype: torch.dtype) -> Tensor:
        key = (name, like.shape)
        if key not in self._made:
            self._made[key] = torch.empty_like(like, dtype=dtype, requires_grad=False)
        return self._made[key]

    def _widened(self, product: Tensor, bias: Tensor, out: Tensor | None) -> Tensor:
        wide = torch.empty_like(product, dtype=bias.dtype) if out is None else out
        return wide.copy_(product).add_(bias)
